# SPDX-License-Identifier: Apache-2.0
# Twenty thousand who connect and say nothing, from the address of somebody who is signed in.
import http.client
import os
import resource
import signal
import socket
import time

from client import check, from_environment, summary

CROWD = 20000
LIMIT = 11000  # connections of one address, as core/api/http.h has it
SOON = 3  # seconds, on a machine that does much else

PARTS, STEP = 2, 500  # processes: a process may have few descriptors
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, CROWD // PARTS + 1000), hard))
oncall = from_environment("ONCALL")


def seconds(what):
    began = time.monotonic()
    assert what() == 200
    return time.monotonic() - began


class Staying:
    """A connection that somebody signed in keeps open."""

    def __init__(self):
        self.conn = http.client.HTTPSConnection(oncall.host, int(oncall.port), context=oncall.context, timeout=30)
        self.conn.connect()
        self.sock = self.conn.sock

    def ask(self):
        self.conn.request("GET", "/v1/halts", headers=oncall.headers())
        reply = self.conn.getresponse()
        reply.read()
        assert self.conn.sock is self.sock  # else it was made anew
        return reply.status


def new():
    return oncall.get("/v1/halts").status


staying = Staying()
alone = sorted(seconds(new) for _ in range(20))
check("somebody_is_signed_in", 200, staying.ask())
def part_of_crowd(told):
    """Comes little by little, and stays until it is killed."""
    crowd = []
    for i in range(CROWD // PARTS):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex((oncall.host, int(oncall.port)))
        crowd.append(sock)
        if i % STEP == STEP - 1:
            os.write(told, b".")
    signal.pause()


came, waited, stayed, began = 0, [], [], time.monotonic()
tells, told = os.pipe()
parts = []
for _ in range(PARTS):
    parts.append(os.fork())
    if parts[-1] == 0:
        part_of_crowd(told)
while came < CROWD:  # somebody asks also while it grows
    came += STEP * len(os.read(tells, 1))
    waited.append(seconds(new))
    stayed.append(seconds(staying.ask))
took = time.monotonic() - began
last = sorted(seconds(new) for _ in range(20))
print(f"# {CROWD} in {took:.1f} s; a new connection waits {alone[10] * 1000:.0f} ms alone, "
      f"{max(waited) * 1000:.0f} ms at most meanwhile, {last[10] * 1000:.0f} ms among all; "
      f"one that stayed {max(stayed) * 1000:.0f} ms at most")
check("twenty_thousand_idle_ones_came", True, came == CROWD > LIMIT)
check("who_comes_meanwhile_is_answered_soon", True, max(waited) < SOON or max(waited))
check("who_stayed_is_not_cut_off_and_is_answered_soon", True, max(stayed) < SOON or max(stayed))
check("and_so_is_who_comes_after_them", True, max(last) < SOON or max(last))
with open(os.environ["LOG"], encoding="utf-8") as log:
    check("it_is_logged_that_idle_ones_made_room", True, "idle connections of nobody made room" in log.read())
for part in parts:
    os.kill(part, signal.SIGKILL)
    os.waitpid(part, 0)
summary()
