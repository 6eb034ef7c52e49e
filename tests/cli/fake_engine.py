#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# An engine that knows nothing: it answers each verb from a script and writes down what it
# was asked. It speaks the frames of core/frame/frame.h.
#
#   fake_engine.py SCRIPT --state DIR    (listening when it prints "ready")
#
# SCRIPT is JSON: {"verb": [turn, ...]}. The n-th ask of a verb gets the n-th turn, the last
# one serves all that follow; "verb r-000007" is for that run alone. A turn is a list of steps: {"event": json}, {"reply": json,
# "exit": n}, {"sleep": seconds}, {"die": true} (end as SIGKILL would, in the middle),
# {"reset": true} (close without having read the ask).
import json
import os
import socket
import struct
import sys
import time

EVENT, REPLY = 129, 130


def receive(conn, length):
    data = b""
    while len(data) < length:
        part = conn.recv(length - len(data))
        if not part:
            return None
        data += part
    return data


def text_field(value):
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return b"s" + struct.pack("<I", len(data)) + data


def frame(kind, fields):
    return struct.pack("<IBBH", len(fields) + 4, 1, kind, 0) + fields


def read_ask(conn):
    head = receive(conn, 8)
    if head is None:
        return None, None
    fields = receive(conn, struct.unpack("<I", head[:4])[0] - 4)
    spans = []
    while fields:
        length = struct.unpack("<I", fields[1:5])[0]
        spans.append(fields[5:5 + length])
        fields = fields[5 + length:]
    return spans[0].decode(), json.loads(spans[1])


def take_turn(conn, turn):
    for step in turn:
        if "sleep" in step:
            time.sleep(step["sleep"])
        elif "event" in step:
            conn.sendall(frame(EVENT, text_field(step["event"])))
        elif "reply" in step:
            number = struct.pack("<q", step.get("exit", 0))
            conn.sendall(frame(REPLY, b"i" + number + text_field(step["reply"])))
        elif "die" in step:
            os._exit(9)


def serve(listener, script, log):
    counts = {}
    resets = script.get("resets", 0)
    while True:
        conn, _ = listener.accept()
        if resets > 0:
            resets -= 1
            receive(conn, 1)  # the rest stays unread, so that closing is a reset
            conn.close()
            continue
        verb, args = read_ask(conn)
        if verb is None:
            continue
        with open(log, "a", encoding="utf-8") as out:
            out.write(json.dumps({"verb": verb, "args": args}) + "\n")
        turns = script.get(f"{verb} {args.get('run')}", script.get(verb))
        if turns is None:
            turns = [[{"reply": {"error": "no script for " + verb, "code": "invalid"},
                       "exit": 1}]]
        turn = turns[min(counts.get(verb, 0), len(turns) - 1)]
        counts[verb] = counts.get(verb, 0) + 1
        try:
            take_turn(conn, turn)
        except BrokenPipeError:
            pass  # the command was interrupted
        conn.close()


def main():
    with open(sys.argv[1], encoding="utf-8") as source:
        script = json.load(source)
    options = dict(zip(sys.argv, sys.argv[1:]))
    state = options["--state"]
    path = os.path.join(state, "cordon.sock")
    if os.path.exists(path):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(16)
    print("ready", flush=True)
    serve(listener, script, os.path.join(state, "asked.jsonl"))


main()
