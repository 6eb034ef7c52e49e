# SPDX-License-Identifier: Apache-2.0
# A client of the engine's socket that asks what no command asks, and sees each event.
import json
import socket
import struct

ASK, EVENT, REPLY = 128, 129, 130


class Engine:
    """One connection, as core/frame/frame.h has it."""

    def __init__(self, path, seconds=20):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(seconds)
        self.sock.connect(path)

    def close(self):
        self.sock.close()

    def receive(self, length):
        data = b""
        while len(data) < length:
            part = self.sock.recv(length - len(data))
            if not part:
                raise EOFError("the engine has gone")
            data += part
        return data

    def send(self, verb, args):
        fields = b""
        for text in (verb, json.dumps(args)):
            fields += b"s" + struct.pack("<I", len(text.encode())) + text.encode()
        self.sock.sendall(struct.pack("<IBBH", len(fields) + 4, 1, ASK, 0) + fields)

    def next(self):
        """("event", json) or ("reply", exit, json)."""
        length, _, kind, _ = struct.unpack("<IBBH", self.receive(8))
        fields = self.receive(length - 4)
        if kind == EVENT:
            return ("event", json.loads(fields[5:]))
        return ("reply", struct.unpack("<q", fields[1:9])[0], json.loads(fields[14:]))

    def ask(self, verb, args):
        """Events and the reply."""
        self.send(verb, args)
        events = []
        while True:
            got = self.next()
            if got[0] == "reply":
                return events, got[1], got[2]
            events.append(got[1])
