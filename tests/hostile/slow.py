# SPDX-License-Identifier: Apache-2.0
# Those who send or take a byte now and then: each is cut off in its time, and nobody waits for them.
import os
import select
import socket
import time

from client import Api, Events, check, from_environment, summary, wait_for

HEAD, BODY, ANSWER, IDLE = 10, 30, 60, 15  # seconds, as core/api/http.h has them
EARLY, LATE = 1, 8                         # how exact that is on a machine with much to do
MANY = 400  # at once, of two kinds

oncall = from_environment("ONCALL")
ingress = Api(os.environ["INGRESS"], os.environ["CERT"], os.environ["BEARER"])
GET = f"GET /healthz HTTP/1.1\r\nHost: {oncall.host}\r\n\r\n".encode()


def head_of_post(api, path, length=1000):
    return (f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n").encode()


class Slow:
    """Sends first at once, then rest byte for byte; over when the other side ends it."""

    def __init__(self, name, sock, first, rest, every, limit, begins_late=False):
        self.name, self.sock, self.rest, self.every, self.limit = name, sock, list(rest), every, limit
        sock.settimeout(10)
        if first:
            sock.sendall(first)
        if begins_late:  # an answer comes first
            sock.recv(65536)
        sock.setblocking(False)
        self.began, self.over, self.answer = time.monotonic(), None, b""
        self.next = self.began + every

    def send(self, now):
        if now < self.next or not self.rest or self.over:
            return
        self.next = now + self.every
        try:
            self.sock.send(bytes([self.rest.pop(0)]))
        except (BlockingIOError, OSError) as e:
            if not isinstance(e, BlockingIOError):
                self.end(now)

    def look(self, now):
        try:
            got = self.sock.recv(65536)
            self.answer += got
            if not got:
                self.end(now)
        except OSError as e:
            if type(e).__name__ not in ("SSLWantReadError", "BlockingIOError"):
                self.end(now)

    def end(self, now):
        self.over = now - self.began
        self.sock.close()

    def is_right(self):
        return self.over is not None and self.limit - EARLY <= self.over <= self.limit + LATE


def plain():
    sock = socket.create_connection((oncall.host, int(oncall.port)), 10)
    return sock


def answered():
    """How long somebody who means well waits."""
    began = time.monotonic()
    assert oncall.get("/v1/halts").status == 200
    return time.monotonic() - began


run = oncall.post("/v1/runs", {"playbook": "noisy"}).json["run"]
wait_for(lambda: oncall.get(f"/v1/runs/{run}").json["run"]["state"] == "done", "the end of the run")
check("there_is_a_long_answer", True, len(oncall.get(f"/v1/runs/{run}").body) > 500000)
ones = [
    Slow("who_connects_and_says_nothing", plain(), b"", b"", 60, HEAD),
    Slow("whose_tls_comes_byte_by_byte", plain(), b"\x16", b"\x03\x01\x02\x00\x01" + b"\0" * 60, 2, HEAD),
    Slow("whose_header_comes_byte_by_byte", oncall.connect(), b"", GET[:-2] + b"a: b\r\n" * 40, 2, HEAD),
    Slow("whose_header_never_ends", oncall.connect(), GET[:-2], b"a: b\r\n" * 40, 2, HEAD),
    Slow("whose_body_comes_byte_by_byte", oncall.connect(), head_of_post(oncall, "/v1/runs"), b" " * 100, 3, BODY),
    Slow("whose_alert_comes_byte_by_byte", ingress.connect(), head_of_post(ingress, "/hooks/bearer"), b" " * 100, 3, BODY),
    Slow("whose_chunks_come_byte_by_byte", oncall.connect(),
         head_of_post(oncall, "/v1/runs").replace(b"Content-Length: 1000", b"Transfer-Encoding: chunked") + b"64\r\n",
         b" " * 100, 3, BODY),
    Slow("who_stays_and_says_no_more", oncall.connect(), GET, b"", 60, IDLE, True),
    Slow("who_stays_and_says_a_word_now_and_then", oncall.connect(), GET, GET, 4, IDLE, True),
]
# A second request on a connection has no longer for its header than the first.
again = oncall.connect()
again.sendall(GET)
again.recv(65536)
ones.append(Slow("whose_second_header_comes_byte_by_byte", again, GET[:-2], b"a: b\r\n" * 40, 2, HEAD))

# An answer of which nothing is taken: the window is small, and so is what the kernel keeps for us.
sip = socket.socket()
sip.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
sip.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
sip.settimeout(10)
sip.connect((oncall.host, int(oncall.port)))
sip = oncall.context.wrap_socket(sip, server_hostname=oncall.host)
sip.sendall(f"GET /v1/runs/{run} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {oncall.token}\r\n\r\n".encode())
sip_began = time.monotonic()


def logged(words):
    with open(os.environ["LOG"], encoding="utf-8") as log:
        return words in log.read()


stream = Events(oncall, "/v1/events")
check("a_stream_begins", 200, stream.begin())


def one_more(i):
    if i % 2 == 0:
        return Slow("crowd", oncall.connect(), GET[:-2], b"a: b\r\n" * 40, 2, HEAD)
    return Slow("crowd", ingress.connect(), head_of_post(ingress, "/hooks/bearer"), b" " * 100, 3, BODY)


# The crowd comes little by little, so that those who are there already are not kept waiting by us.
crowd, waited, next_ask, left = [], [], 0, None
end = time.monotonic() + 2 * (BODY + LATE)
while time.monotonic() < end and (left is None or len(crowd) < MANY or any(one.over is None for one in ones + crowd)):
    now = time.monotonic()
    if left is None and logged(" 1 that did not take an answer"):
        left = now - sip_began
    if now >= next_ask:
        waited.append(answered())
        next_ask = now + 1
    for _ in range(min(5, MANY - len(crowd))):
        crowd.append(one_more(len(crowd)))
    there = [one for one in ones + crowd if one.over is None]
    for one in there:
        one.send(now)
    there = [one for one in there if one.over is None]
    readable = {sock for sock in select.select([one.sock for one in there], [], [], 0.1)[0]}
    for one in there:
        if one.sock in readable:
            one.look(time.monotonic())

for one in ones:
    check(f"{one.name}_is_cut_off", f"after {one.limit} s",
          f"after {one.limit} s" if one.is_right() else f"{one.over} {one.answer[:200]}")
check("so_are_hundreds_at_once", [], [round(one.over or 0) for one in crowd if not one.is_right()])
check("who_takes_nothing_of_an_answer_is_cut_off", True, left and IDLE - EARLY <= left <= ANSWER + LATE or left)
check("and_meanwhile_others_are_answered_within_a_second", True, len(waited) > 20 and max(waited) < 1 or sorted(waited)[-5:])
check("a_stream_is_none_of_them", 202, oncall.post("/v1/runs", {"playbook": "noisy"}).status)
check("and_still_tells_what_happens", "end", stream.until("end")[-1][1])
stream.close()
summary()
