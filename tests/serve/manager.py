#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A service manager's ear: writes what is said to the socket, a line each: when, and the words.

  manager.py SOCKET FILE      a SOCKET that begins with "@" has no file
"""
import socket
import sys
import time

ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
ear.bind("\0" + sys.argv[1][1:] if sys.argv[1].startswith("@") else sys.argv[1])
with open(sys.argv[2], "w", encoding="utf-8") as heard:
    heard.write("listening\n")
    heard.flush()
    while True:
        heard.write(f"{time.monotonic():.3f} " + ear.recv(4096).decode().replace("\n", " ") + "\n")
        heard.flush()
