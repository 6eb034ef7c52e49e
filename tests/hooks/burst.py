#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Delivers numbered alerts over HTTPS, signed as Standard Webhooks, on many connections at once.

  burst.py ADDRESS CA KEY COUNT CONNECTIONS ACKED [once | same]

ADDRESS is "127.0.0.1:8443", CA the certificate that it shows, KEY a file with the source's key.
Each is sent until it is acknowledged (202), under its own id, as a sender does; with "once" a
connection ends at its first failure; with "same" each delivery is of one and the same alert. Numbers that were acknowledged are appended to the file
ACKED. Every tenth alert is of severity low, the others are informational. Ends with 0 when all
were acknowledged.
"""
import base64
import hashlib
import hmac
import http.client
import json
import ssl
import sys
import threading
import time

PATIENCE_S = 120


def request(number, key, is_same):
    about = 0 if is_same else number
    body = json.dumps({"id": f"alert-{about}", "title": f"burst {about}", "type": "Burst",
                       "severity": "informational" if about % 10 else "low"}).encode()
    identity, stamp = f"msg-{number}", str(int(time.time()))
    mac = hmac.new(key, f"{identity}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return body, {"Content-Type": "application/json", "webhook-id": identity, "webhook-timestamp": stamp,
                  "webhook-signature": "v1," + base64.b64encode(mac).decode()}


class Sender:
    def __init__(self, address, context):
        self.address, self.context, self.connection = address, context, None

    def send(self, body, headers):
        """The status; 0 when there was no answer."""
        try:
            if self.connection is None:
                self.connection = http.client.HTTPSConnection(self.address, context=self.context, timeout=10)
            self.connection.request("POST", "/hooks/burst", body, headers)
            answer = self.connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException):
            if self.connection is not None:
                self.connection.close()
            self.connection = None
            return 0


def work(numbers, sender, key, how, acknowledge, until):
    for number in numbers:
        while True:
            status = sender.send(*request(number, key, how == "same"))
            if status == 202:
                acknowledge(number)
                break
            if how == "once" or status not in (0, 429, 503) or time.monotonic() > until:
                return
            time.sleep(0.02)


def main():
    address, ca, key_path = sys.argv[1:4]
    count, connections = int(sys.argv[4]), int(sys.argv[5])
    with open(key_path, "rb") as file:
        key = file.read().strip()
    context = ssl.create_default_context(cafile=ca)
    lock, seen = threading.Lock(), set()
    with open(sys.argv[6], "a", encoding="ascii") as acked:
        def acknowledge(number):
            with lock:
                seen.add(number)
                acked.write(f"{number}\n")
                acked.flush()

        until = time.monotonic() + PATIENCE_S
        threads = [threading.Thread(target=work, args=(range(i, count, connections), Sender(address, context), key,
                                                       sys.argv[7] if len(sys.argv) > 7 else "", acknowledge, until))
                   for i in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    sys.exit(0 if len(seen) == count else 1)


main()
