#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes what a sender of Standard Webhooks sends, as curl's arguments, one a line.

  send.py KEY FILE [ID [TIMESTAMP]]
"""
import base64
import hashlib
import hmac
import sys
import time

key, path = sys.argv[1:3]
identity = sys.argv[3] if len(sys.argv) > 3 else f"msg-{time.time_ns()}"
stamp = sys.argv[4] if len(sys.argv) > 4 else str(int(time.time()))
secret = base64.b64decode(key[6:]) if key.startswith("whsec_") else key.encode()
with open(path, "rb") as body:
    signed = f"{identity}.{stamp}.".encode() + body.read()
mac = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
for name, value in (("id", identity), ("timestamp", stamp), ("signature", f"v1,{mac}")):
    print(f"-H\nwebhook-{name}: {value}")
