#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""For each effect in the world's log: was its intent durable before the request came?

    order.py REQUESTS IMAGES

REQUESTS is the simulator's log. IMAGES has the journal as each sync left it on the disk, named by
the moment of the sync (SYNC_DIR of shim.c). An effect is right when the newest image before it has
an intent that is about its target and has no outcome yet. Prints the effects that are not, and last
how many there were.
"""
import datetime
import json
import os
import sqlite3
import sys

ROW_INTENT, ROW_OUTCOME = 5, 6


def moment_ms(text):
    return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def effects(path):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            entry = json.loads(line)
            if entry.get("effect"):
                yield moment_ms(entry["time"]), entry["effect"]


def open_targets(image):
    """The targets of intents that have no outcome in this image."""
    journal = sqlite3.connect(image)
    steps = {}
    rows = journal.execute(
        "SELECT run, kind, body FROM events WHERE kind IN (?, ?) ORDER BY seq", (ROW_INTENT, ROW_OUTCOME))
    for run, kind, body in rows:
        body = json.loads(body)
        name = (run, body["b"], body["n"])
        if kind == ROW_INTENT:
            steps[name] = body["t"].lower()
        else:
            steps.pop(name, None)
    journal.close()
    return list(steps.values())


def main():
    requests, images = sys.argv[1:]
    moments = sorted(int(name[:-3]) for name in os.listdir(images) if name.endswith(".db"))
    count = wrong = 0
    for at_ms, effect in effects(requests):
        count += 1
        before = [us for us in moments if us // 1000 <= at_ms]
        targets = open_targets(f"{images}/{before[-1]}.db") if before else []
        path = effect.split(" ", 1)[1].lower()
        if not any(path.startswith(target) for target in targets):
            wrong += 1
            print(f"{effect}: the disk had no open intent for it; it had {targets}")
    print(f"{count} effects, {wrong} before their intent was durable")
    return 0 if count > 0 and wrong == 0 else 1


sys.exit(main())
