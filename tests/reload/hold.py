#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds one connection: hold.py ADDRESS CA FILE

Asks for /healthz and prints the status; again on the same connection once FILE is there.
"""
import http.client
import pathlib
import ssl
import sys
import time

connection = http.client.HTTPSConnection(sys.argv[1], context=ssl.create_default_context(cafile=sys.argv[2]), timeout=20)


def ask():
    connection.request("GET", "/healthz")
    answer = connection.getresponse()
    answer.read()
    print(answer.status, flush=True)


ask()
sock = connection.sock
for _ in range(200):
    if pathlib.Path(sys.argv[3]).exists():
        break
    time.sleep(0.05)
ask()
assert connection.sock is sock, "it was another connection"
