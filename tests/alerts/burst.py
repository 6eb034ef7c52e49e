#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Brings numbered alerts over the engine's socket, on many connections at once.

  burst.py SOCKET FROM TO CONNECTIONS ACKED

Whatever was acknowledged is appended to the file ACKED, a number a line. Ends with status 0
when all were, and with 1 when the engine went away before that.
"""
import json
import socket
import struct
import sys
import threading

ASK, REPLY = 128, 130


def field(text):
    raw = text.encode()
    return b"s" + struct.pack("<I", len(raw)) + raw


def frame(kind, fields):
    return struct.pack("<IBBH", len(fields) + 4, 1, kind, 0) + fields


def read(sock, count):
    got = b""
    while len(got) < count:
        more = sock.recv(count - len(got))
        if not more:
            raise ConnectionError
        got += more
    return got


def ask(sock, verb, args):
    """The exit code of the reply."""
    sock.sendall(frame(ASK, field(verb) + field(json.dumps(args))))
    while True:
        length, _, kind, _ = struct.unpack("<IBBH", read(sock, 8))
        body = read(sock, length - 4)
        if kind == REPLY:
            return struct.unpack("<q", body[1:9])[0]


def worker(path, numbers, acked, lock, failed):
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(60)
            sock.connect(path)
            for number in numbers:
                alert = {"id": f"alert-{number}", "title": "burst", "type": "Burst", "severity": "low"}
                code = ask(sock, "deliver", {"source": "generic", "delivery": f"d-{number}",
                                             "text": json.dumps(alert)})
                if code != 0:
                    raise ConnectionError
                with lock:
                    acked.write(f"{number}\n")
                    acked.flush()
    except (OSError, struct.error):
        failed.append(True)


def main():
    path, first, last, connections = sys.argv[1], *map(int, sys.argv[2:5])
    lock, failed = threading.Lock(), []
    with open(sys.argv[5], "a", encoding="ascii") as acked:
        with open(sys.argv[5], encoding="ascii") as before:
            done = {int(line) for line in before.read().split()}
        left = [number for number in range(first, last) if number not in done]
        threads = [threading.Thread(target=worker, args=(path, left[i::connections], acked, lock, failed))
                   for i in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    sys.exit(1 if failed else 0)


main()
