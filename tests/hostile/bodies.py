# SPDX-License-Identifier: Apache-2.0
# Bodies without end, depth bombs, and all that is no JSON: refused with a place, in bounded memory, while
# what is right is taken, all of it.
import http.client
import json
import os
import re
import subprocess
import time

from client import WITHIN, Api, check, from_environment, summary, wait_for

GIB = 1 << 30
CUT = 64 << 20   # what the kernels on both sides may hold of it
GROWTH = 64 << 20  # bytes: of both fronts, for all of them

console = from_environment("ONCALL")
ingress = Api(os.environ["INGRESS"], os.environ["CERT"], os.environ["BEARER"])
PLACES = ((console, "console", "/v1/halts"), (ingress, "ingress", "/hooks/bearer"))


def fronts():
    """What the processes that listen have in memory, and who they are."""
    found = subprocess.run(["pgrep", "-P", os.environ["DAEMON"], "-f", "internal-front"], capture_output=True,
                           text=True, check=True).stdout.split()
    rss = 0
    for pid in found:
        with open(f"/proc/{pid}/status", encoding="utf-8") as status:
            rss += int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) * 1024
    return found, rss


def send_without_end(api, path, framing, prefix, block):
    """Sends up to a GiB whatever is said to that; gives what was sent, what was said, and how long others waited."""
    sock, sent, waited, said = api.connect(), 0, 0.0, b""
    sock.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\n"
                 f"Content-Type: application/json\r\n{framing}\r\n\r\n{prefix}".encode())
    try:
        while sent < GIB:
            sock.sendall(block)
            sent += len(block)
    except OSError:
        pass
    began = time.monotonic()
    assert console.get("/v1/halts").status == 200
    waited = time.monotonic() - began
    try:
        said = sock.recv(65536)
    except OSError:
        pass
    sock.close()
    return sent, said[:12], waited


began, rss = fronts()
for api, where, path in PLACES:
    check(f"a_gigabyte_is_refused_before_it_comes_at_the_{where}", 413, api.announce(path, GIB))
    for name, framing, prefix, block in (
            ("that_comes_all_the_same", f"Content-Length: {GIB}", "", b" " * 65536),
            ("in_chunks", "Transfer-Encoding: chunked", "", b"10000\r\n" + b" " * 65536 + b"\r\n"),
            ("in_one_chunk", "Transfer-Encoding: chunked", f"{GIB:x}\r\n", b" " * 65536),
            ("in_chunks_of_a_byte", "Transfer-Encoding: chunked", "", b"1\r\n \r\n" * 10000)):
        sent, said, waited = send_without_end(api, path, framing, prefix, block)
        check(f"a_gigabyte_{name}_is_cut_off_at_the_{where}", (True, True, True),
              (sent < CUT or sent, said in (b"", b"HTTP/1.1 413") or said, waited < 1 or waited))
after, grown = fronts()
check("nobody_died_of_it", began, after)
check("and_it_took_no_memory", True, grown - rss < GROWTH or grown - rss)


class Line:
    """One connection for many deliveries."""

    def __init__(self):
        self.conn = http.client.HTTPSConnection(ingress.host, int(ingress.port), context=ingress.context, timeout=WITHIN)

    def deliver(self, body):
        self.conn.request("POST", "/hooks/bearer", body,
                          {"Authorization": f"Bearer {ingress.token}", "Content-Type": "application/json"})
        reply = self.conn.getresponse()
        return reply.status, json.loads(reply.read())

    def announce(self, length):
        """Says how long a body is, and sends nothing of it."""
        self.conn.putrequest("POST", "/hooks/bearer")
        for name, value in (("Authorization", f"Bearer {ingress.token}"), ("Content-Type", "application/json"),
                            ("Content-Length", str(length))):
            self.conn.putheader(name, value)
        self.conn.endheaders()
        reply = self.conn.getresponse()
        return reply.status, json.loads(reply.read())


def cases():
    with open(os.path.join(os.path.dirname(__file__), "../unit/json_cases.txt"), encoding="ascii") as file:
        for line in file:
            if not line.startswith("#"):
                verdict, name, text = line.rstrip("\n").split(" ")
                yield verdict, name, re.sub(rb"%([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), text.encode())


def alert(name, text=b"0"):
    return b'{"id":"%s","title":"t","type":"T","severity":"low","raw":%s}' % (name.encode(), text)


def is_refused(answer):
    status, body = answer
    return status == 400 and body["code"] == "json" and body["detail"].startswith("line ")


line, wrong, sent, unread = Line(), [], [], []
for number, (verdict, name, text) in enumerate(cases()):
    answer = line.deliver(alert(f"case-{number}", text))
    if answer[0] == 202:  # as it came, or with the bad text in it replaced: it becomes an alert
        sent.append(f"case-{number}")
    elif verdict == "y" or not is_refused(answer):
        wrong.append((name, answer))
    else:
        unread.append(re.search(r"kept as (d-[0-9]+)", answer[1]["detail"])[1])
        if number % 10 == 0:  # and between them one that is right
            sent.append(f"right-{number}")
            if (answer := line.deliver(alert(sent[-1])))[0] != 202:
                wrong.append((sent[-1], answer))
check("each_known_mistake_is_mended_or_refused_with_its_place_and_what_is_none_is_taken", [], wrong)
check("and_they_were_many", (True, True), (len(unread) > 100, len(sent) > 200))

wrong = []
for name, text in {
        "nothing": b"", "arrays": b"[" * 100000, "objects": b'{"a":' * 40000, "both": b'[{"a":' * 30000,
        "strings": b'["' * 50000, "a_long_number": alert("deep", b"1" * 200000),
        "members": b"{" + b",".join(b'"%d":0' % i for i in range(200000)) + b',"a"}'}.items():
    started = time.monotonic()
    answer = line.deliver(text)
    if not is_refused(answer) or time.monotonic() - started > 1:
        wrong.append((name, answer, time.monotonic() - started))
check("bombs_that_never_close_are_refused_within_a_second", [], wrong)

wrong = []
for name, text in {
        "closed_arrays": b"[" * 100000 + b"]" * 100000, "closed_objects": b'{"a":' * 30000 + b"0" + b"}" * 30000,
        "thirty_three": b"[" * 33 + b"]" * 33, "inside": b"[" * 100 + b"]" * 100,
        "one_key_again_and_again": b"{" + b",".join(b'"k%d":0' % (i % 7) for i in range(20000)) + b"}"}.items():
    started = time.monotonic()
    sent.append(f"deep-{name}")
    answer = line.deliver(alert(sent[-1], text))
    if answer[0] != 202 or time.monotonic() - started > 1:
        wrong.append((name, answer, time.monotonic() - started))
check("depth_is_cut_and_the_alert_is_taken", [], wrong)

big = alert("big", b'"' + b"x" * (4 * 1024 * 1024 - 200) + b'"')
answer = line.deliver(big)
check("a_body_of_4_mib_is_taken_where_its_source_allows_that", 202, answer[0])
sent.append("big")
answer = line.announce(4 * 1024 * 1024 + 1)
check("one_byte_more_is_refused_with_the_limit_and_its_key", (413, True),
      (answer[0], "4194304 (sources.bearer.size" in answer[1]["detail"] or answer[1]["detail"]))
line = Line()


def listed():
    seen, before = set(), ""
    while True:
        page = console.get("/v1/alerts?limit=1000" + before).json
        seen |= {one["id"] for one in page["alerts"]}
        if not page.get("next"):
            return seen
        before = f"&before={page['next']}"


wait_for(lambda: listed().issuperset(sent), "the last of what was acknowledged")
seen = listed()
check("every_right_alert_is_there", [], [one for one in sent if one not in seen])
check("and_nothing_else", [], sorted(seen - set(sent) - {"hidden"}))
kept = {one["delivery"] for one in console.get("/v1/deliveries/unreadable?limit=500").json["unreadable"]}
check("whatever_was_refused_is_kept_and_listed", [], [one for one in unread if one not in kept])

with open(os.environ["LOG"], encoding="utf-8") as log:
    text = log.read()
check("the_log_says_whose_it_was_and_why", True,
      re.search(r"source bearer: a delivery from 127\.0\.0\.1 was refused: line \d+, column \d+: ", text) is not None)
check("each_fault_once_a_minute_and_without_the_bodies", (True, False),
      (text.count("source bearer: a delivery") <= 16, "case-" in text or "overlong" in text))
summary()
