#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Runs a program on a terminal, types what comes on standard input, prints what it shows
# and exits as it does.
#
#   printf 'y\n' | terminal.py PROGRAM [WORD...]
#
# Each line is typed when the program has asked for it: when its output ends in ": " or "] ".
import os
import pty
import select
import sys
import time

WITHIN_SECONDS = 15


def main():
    lines = sys.stdin.buffer.read().splitlines(keepends=True)
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm"
        os.execvp(sys.argv[1], sys.argv[1:])
    shown = b""
    until = time.monotonic() + WITHIN_SECONDS
    while time.monotonic() < until:
        ready, _, _ = select.select([terminal], [], [], 0.05)
        if ready:
            try:
                part = os.read(terminal, 65536)
            except OSError:  # how Linux tells the end of a terminal
                break
            if not part:
                break
            shown += part
            sys.stdout.buffer.write(part)
        elif lines and shown.endswith((b": ", b"] ")):
            os.write(terminal, lines.pop(0))
            shown = b""
    sys.stdout.flush()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


sys.exit(main())
