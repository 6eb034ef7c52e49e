#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""asks.py SOCKET VERB FILE: one ask for each line of FILE, on one connection. Status 0 when all exit codes were."""
import socket
import struct
import sys


def read(sock, count):
    got = b""
    while len(got) < count:
        more = sock.recv(count - len(got))
        if not more:
            sys.exit("the engine closed the connection")
        got += more
    return got


def field(raw):
    return b"s" + struct.pack("<I", len(raw)) + raw


sock = socket.socket(socket.AF_UNIX)
sock.settimeout(60)
sock.connect(sys.argv[1])
bad = 0
with open(sys.argv[3], "rb") as lines:
    for line in lines:
        fields = field(sys.argv[2].encode()) + field(line.strip())
        sock.sendall(struct.pack("<IBBH", len(fields) + 4, 1, 128, 0) + fields)
        kind = 0
        while kind != 130:
            length, _, kind, _ = struct.unpack("<IBBH", read(sock, 8))
            body = read(sock, length - 4)
        bad += struct.unpack("<q", body[1:9])[0] != 0
sys.exit(1 if bad else 0)
