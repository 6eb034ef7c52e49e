# SPDX-License-Identifier: Apache-2.0
# canary.py PID HALF HALF: how often the text of both halves lies in the memory that a process may
# write; or that this user may not look. Two halves, so that the searched text is in nobody's arguments.
import os
import re
import sys

found = 0
if not os.access(f"/proc/{sys.argv[1]}/maps", os.R_OK):
    print("denied")  # not dumpable, and we are not root
    sys.exit()
canary = (sys.argv[2] + sys.argv[3]).encode()
with open(f"/proc/{sys.argv[1]}/maps") as maps, open(f"/proc/{sys.argv[1]}/mem", "rb", 0) as mem:
    for line in maps:
        match = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
        if not match:
            continue
        start, end = int(match[1], 16), int(match[2], 16)
        if end - start > 1 << 30:  # a sanitizer's shadow
            continue
        try:
            mem.seek(start)
            found += mem.read(end - start).count(canary)
        except (OSError, ValueError):
            pass
print(found)
