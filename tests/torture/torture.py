#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The daemon under live alerts and votes, while chance kills, stops and starves its processes.

    torture.py --minutes 10 [--seed N] --cordon PATH --azsim PATH --plugins DIR [--keep DIR]

A simulator, which is left alone, has some thousand sites. Each alert is about a site of its own, and
starts a run that stops it once a change manager approves. Then all is looked at from outside: each
alert that was acknowledged has its run, each vote that was acknowledged is in the journal, each
site was stopped at most once, no run stands still, and the journal verifies. The seed decides what
happens to which process and when; what it meets there, it does not decide.
"""
import argparse
import base64
import collections
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import random
import re
import resource
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time

SITES = 20000
ROW_INTENT, ROW_VOTE = 5, 9
ENTRY_DELIVERY, UNREADABLE = 11, 3
BUSY_RUNS_MAX = 60      # so many runs wait at once
REST_SECONDS = 120      # in which all is at rest once nobody disturbs it
STEP_SECONDS_MAX = 60   # the longest time without any progress, whatever happens
SUBSCRIPTION = "/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/shop"
KEY = b"the key of the source that tortures"

PLAYBOOK = """
local app = use "azure.appservice"
return playbook {
  name = "torture", summary = "Stop the site that an alert names",
  params = { app = { "arm_id", "the site", type_of = "Microsoft.Web/sites" } },
  on_alert = { when = { type = "Torture" }, params = function(alert) return { app = alert.resources[1] } end },
  run = function(p) app.stop { id = p.app } end,
}
"""
POLICY = """
return {
  groups = { ["change-managers"] = { "cm1", "cm2" } },
  guards = { changes_per_hour = 100000, changes_per_playbook_hour = 100000, targets_percent = 100 },
  rules  = { { name = "stops", match = { action = "*.stop" }, need = 1, from = { "change-managers" } } },
}
"""
CONFIG = """
return {{
  playbooks = {{ "{work}/playbooks" }},
  serve = {{
    console = {{ listen = "127.0.0.1:{console}", cert = "{work}/tls.pem", key = "{work}/tls.key" }},
    ingress = {{ listen = "127.0.0.1:{ingress}", cert = "{work}/tls.pem", key = "{work}/tls.key" }},
  }},
  sources = {{ live = {{ kind = "generic", auth = {{ hmac = {{ "live-key" }} }}, rate = 100000 }} }},
  plugins = {{ azure = {{
    hosts = {{ "127.0.0.1/32" }}, secrets = {{ "azure-client-secret" }}, settle = "200ms",
    config = {{
      tenant = "22222222-2222-2222-2222-222222222222", client_id = "11111111-1111-1111-1111-111111111111",
      credential = "client_secret", secret = "azure-client-secret",
      endpoints = {{ arm = "{sim}", login = "{sim}", vaults = {{ ["shop-kv"] = "{sim}/_vault/shop-kv" }} }},
    }},
  }} }},
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def site(number):
    return f"{SUBSCRIPTION}/providers/Microsoft.Web/sites/t-{number:05d}"


class Torture:
    def __init__(self, options):
        self.options = options
        self.work = pathlib.Path(options.keep or tempfile.mkdtemp(prefix="torture-"))
        self.state = self.work / "state"
        self.chance = random.Random(options.seed)
        self.daemon = self.simulator = None
        self.is_over = self.is_calm = False
        self.alerts, self.votes = set(), {}  # acknowledged: sites, gates and who voted
        self.done = collections.Counter()
        self.progress = time.monotonic()
        self.longest = 0.0
        self.lock = threading.Lock()
        self.faults, self.checks = [], 0

    # -- what there is ---------------------------------------------------------------------

    def write(self, name, text, mode=0o600):
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)

    def open_world(self):
        shop = pathlib.Path(__file__).parents[2] / "plugins/azure/sim/worlds/shop.json"
        world = json.loads(shop.read_text(encoding="utf-8"))
        first = world["sites"][0]
        for number in range(self.options.sites):
            name = f"t-{number:05d}"
            world["sites"].append({
                "id": site(number), "kind": "app,linux", "location": "West Europe",
                "properties": dict(first["properties"], hostNames=[f"{name}.azurewebsites.net"],
                                   enabledHostNames=[f"{name}.azurewebsites.net"],
                                   defaultHostName=f"{name}.azurewebsites.net")})
        self.write("world.json", json.dumps(world))
        self.simulator = subprocess.Popen(
            [self.options.azsim, "--world", self.work / "world.json", "--port", "0", "--quiet",
             "--log", self.work / "requests.jsonl"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        return self.simulator.stdout.readline().split()[-1]

    def cordon(self, *words, text=None):
        return subprocess.run([self.options.cordon, *words, "--state", self.state], input=text or "",
                              capture_output=True, text=True, timeout=120, check=False)

    def open(self):
        sim = self.open_world()
        self.console, self.ingress = free_port(), free_port()
        self.state.mkdir(mode=0o700)
        (self.state / "secrets").mkdir(mode=0o700)
        self.write("state/secrets/azure-client-secret", "simulated-secret")
        self.write("state/secrets/live-key", KEY.decode())
        self.write("state/policy.lua", POLICY)
        self.write("playbooks/torture.lua", PLAYBOOK)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-days", "2", "-keyout", self.work / "tls.key", "-out", self.work / "tls.pem", "-subj", "/CN=cordon",
             "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        (self.work / "tls.key").chmod(0o600)
        # The plugin is trusted before serve stands in the file: nobody could enter yet.
        config = CONFIG.format(work=self.work, console=self.console, ingress=self.ingress, sim=sim)
        begin, end = config.index("  serve ="), config.index("  sources =")
        self.write("state/cordon.lua", config[:begin] + config[end:])
        trust = self.cordon("plugins", "trust", pathlib.Path(self.options.plugins) / "azure.so")
        if trust.returncode != 0:
            sys.exit(f"the plugin is not trusted: {trust.stdout}{trust.stderr}")
        self.tokens = {}
        for who in ("cm1", "cm2"):
            made = self.cordon("token", "add", who, "--role", "approver", "--role", "viewer", "--for", who)
            self.tokens[who] = made.stdout.strip()
            if not self.tokens[who]:
                sys.exit(f"no token: {made.stderr}")
        self.write("state/cordon.lua", config)
        self.trust = ssl.create_default_context(cafile=self.work / "tls.pem")

    # -- the daemon ------------------------------------------------------------------------

    def keep_running(self):
        """Starts the daemon, and starts it again whenever it has ended."""
        log = open(self.work / "daemon.log", "a", encoding="utf-8")
        while not self.is_over:
            self.daemon = subprocess.Popen([self.options.cordon, "serve", "--state", self.state],
                                           stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            self.done["starts"] += 1
            while self.daemon.poll() is None and not self.is_over:
                time.sleep(0.05)
            if self.daemon.poll() is not None and not self.is_over:
                self.done["ends"] += 1
                time.sleep(0.1)

    def processes(self):
        """The daemon and all below it, daemon first."""
        if self.daemon is None or self.daemon.poll() is not None:
            return []
        found, at = [self.daemon.pid], 0
        while at < len(found):
            try:
                children = pathlib.Path(f"/proc/{found[at]}/task/{found[at]}/children").read_text(encoding="ascii")
            except OSError:
                children = ""
            found += [int(pid) for pid in children.split()]
            at += 1
        return found

    # -- what chance does to it ------------------------------------------------------------

    def limited(self, pid, kind, value):
        """A limit for a while. The hard limit stays, so that it can be taken off again."""
        soft, hard = resource.prlimit(pid, kind)
        resource.prlimit(pid, kind, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))
        time.sleep(self.chance.uniform(0.3, 2))
        resource.prlimit(pid, kind, (soft, hard))

    def disturb(self, pid):
        what = self.chance.choices(["kill", "stop", "files", "memory", "disk"], [5, 3, 1, 1, 1])[0]
        if what == "kill":
            os.kill(pid, signal.SIGKILL)
        elif what == "stop":
            os.kill(pid, signal.SIGSTOP)
            time.sleep(self.chance.uniform(0.05, 3))
            os.kill(pid, signal.SIGCONT)
        elif what == "files":
            self.limited(pid, resource.RLIMIT_NOFILE, len(os.listdir(f"/proc/{pid}/fd")) + 2)
        elif what == "memory":
            status = pathlib.Path(f"/proc/{pid}/statm").read_text(encoding="ascii")
            self.limited(pid, resource.RLIMIT_AS, int(status.split()[0]) * resource.getpagesize() + 65536)
        else:  # a file that cannot grow is what a full disk is
            sizes = [path.stat().st_size for path in self.state.glob("journal.db*")]
            self.limited(pid, resource.RLIMIT_FSIZE, max(sizes, default=0) + 4096)
        self.done[what] += 1

    def torment(self):
        while not self.is_calm:
            time.sleep(self.chance.uniform(0.05, 0.8))
            pids = self.processes()
            if not pids:
                continue
            try:
                self.disturb(pids[0] if self.chance.random() < 0.4 else self.chance.choice(pids))
            except (OSError, ValueError):
                pass  # it ended before

    # -- what people and sources do --------------------------------------------------------

    def request(self, port, method, path, body=None, headers=None):
        link = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=self.trust)
        try:
            link.request(method, path, body, headers or {})
            answer = link.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            link.close()

    def send_alert(self, number):
        body = json.dumps({"id": f"alert-{number}", "title": f"Site {number}", "type": "Torture",
                           "severity": "high", "resources": [site(number)]}).encode()
        stamp, name = str(int(time.time())), f"msg-{number}"
        mac = hmac.new(KEY, f"{name}.{stamp}.".encode() + body, hashlib.sha256).digest()
        return self.request(self.ingress, "POST", "/hooks/live", body, {
            "Content-Type": "application/json", "webhook-id": name, "webhook-timestamp": stamp,
            "webhook-signature": "v1," + base64.b64encode(mac).decode()})[0]

    def alert(self):
        """Sends each until it is acknowledged, as a source does."""
        number = 0
        while not self.is_calm and number < self.options.sites:
            if len(self.alerts) - len(self.votes) > BUSY_RUNS_MAX:
                time.sleep(0.05)
            elif self.send_alert(number) == 202:
                self.alerts.add(number)
                number += 1
            else:
                time.sleep(0.1)

    def open_gates(self, who):
        status, body = self.request(self.console, "GET", "/v1/gates",
                                    headers={"Authorization": f"Bearer {self.tokens[who]}"})
        return json.loads(body).get("gates", []) if status == 200 else []

    def vote(self, who):
        headers = {"Authorization": f"Bearer {self.tokens[who]}", "Content-Type": "application/json"}
        while not self.is_over:
            gates = self.open_gates(who)
            for gate in gates:
                yes = {"vote": "approve", "digest": gate["digest"], "reason": "go on"}
                status, _ = self.request(self.console, "POST", f"/v1/gates/{gate['gate']}/votes",
                                         json.dumps(yes), headers)
                if status == 200:
                    with self.lock:
                        self.votes[gate["gate"]] = who
                if self.is_over:
                    return
            time.sleep(0.1 if gates else 0.3)

    # -- and what is looked at -------------------------------------------------------------

    def effects(self):
        stopped = collections.Counter()
        whole = (self.work / "requests.jsonl").read_text(encoding="utf-8").rpartition("\n")[0]
        for line in whole.splitlines():
            effect = json.loads(line).get("effect")
            if effect:
                stopped[effect.lower()] += 1
        return stopped

    def watch(self):
        """No effect for a long time, although something is to be done, is a standstill."""
        last = 0
        while not self.is_calm:
            now = sum(self.effects().values())
            if now != last or not len(self.alerts) > now:
                last, self.progress = now, time.monotonic()
            self.longest = max(self.longest, time.monotonic() - self.progress)
            time.sleep(0.5)

    def wait_for_rest(self):
        """No gate is open, and no effect comes any more."""
        end = since = time.monotonic()
        end += REST_SECONDS
        last = -1
        while time.monotonic() < end:
            now = sum(self.effects().values())
            status, body = self.request(self.console, "GET", "/v1/gates",
                                        headers={"Authorization": f"Bearer {self.tokens['cm1']}"})
            if now != last or status != 200 or json.loads(body)["gates"]:
                last, since = now, time.monotonic()
            elif time.monotonic() - since > 6:
                return True
            time.sleep(0.5)
        return False

    def check(self, holds, sentence, *more):
        self.checks += 1
        print(f"{'ok    ' if holds else 'not ok '}{sentence}")
        for words in more[:20] if not holds else ():
            print(f"      {words}")
        if not holds:
            self.faults.append(sentence)

    def rows(self):
        """The votes that the journal has, the alerts that it lists as unreadable, and the targets of its
        intents: by SQLite and not by cordon, which is what is examined. What is unreadable a person
        reads; it is not lost."""
        journal = sqlite3.connect(f"file:{self.state}/journal.db?mode=ro", uri=True)
        votes, unread = set(), set()
        for run, body in journal.execute("SELECT run, body FROM events WHERE kind = ?", (ROW_VOTE,)):
            body = json.loads(body)
            votes.add((f"g-{run:06d}-{body['g']}", body["who"]))
        for body, in journal.execute(
                "SELECT events.body FROM entries JOIN events ON events.seq = entries.first_seq "
                "WHERE entries.kind = ? AND entries.n = 0 AND entries.state = ?", (ENTRY_DELIVERY, UNREADABLE)):
            unread.add(int(json.loads(json.loads(body)["raw"])["id"].split("-")[1]))
        intents = {json.loads(body)["t"].lower() for body, in journal.execute(
            "SELECT body FROM events WHERE kind = ?", (ROW_INTENT,))}
        journal.close()
        return votes, unread, intents

    def judge(self, at_rest):
        runs = self.cordon("runs", "--json", "--limit", "1000")
        runs = json.loads(runs.stdout)["runs"] if runs.returncode == 0 else []
        states = collections.Counter(run["state"] for run in runs)
        effects, (votes, unread, intents) = self.effects(), self.rows()
        twice = [f"{effect}: {count} times" for effect, count in effects.items() if count > 1]
        missing = [site(number) for number in sorted(self.alerts) if number not in unread and f"web.stop {site(number)}".lower() not in effects]
        doctor = self.cordon("doctor")
        lost = [f"{gate} of {who}" for gate, who in self.votes.items() if (gate, who) not in votes]
        stuck = states["stuck"]
        print(f"      {dict(self.done)}")
        print(f"      {len(self.alerts)} alerts and {len(self.votes)} votes acknowledged, {sum(effects.values())} effects, "
              f"{len(unread)} unreadable, runs {dict(states)}, {self.longest:.1f} s at most without progress")
        self.check(len(self.alerts) > 0 and len(self.votes) > 0, "there_was_something_to_do")
        self.check(not twice, "no_effect_happened_twice", *twice)
        unwritten = [effect for effect in effects if effect.split(" ", 1)[1] not in intents]
        self.check(not unwritten, "the_journal_has_the_intent_of_each_effect", *unwritten)
        self.check(not lost, "no_vote_that_was_acknowledged_is_lost", *lost)
        self.check(not missing or stuck >= len(missing), "each_alert_that_was_acknowledged_was_acted_on", *missing)
        self.check(at_rest and set(states) <= {"done", "stuck"}, f"no_run_stands_still_{REST_SECONDS}_s_after_the_last_disturbance",
                   dict(states))
        self.check((stuck + len(unread)) * 200 <= max(200, len(self.alerts)), "at_most_one_in_200_needs_a_person",
                   f"{stuck} stuck runs and {len(unread)} unreadable deliveries of {len(self.alerts)}")
        self.check(self.longest < STEP_SECONDS_MAX, f"no_{STEP_SECONDS_MAX}_s_pass_without_progress", f"{self.longest:.1f} s")
        self.check(re.search("^ok +verified", doctor.stdout, re.M) is not None, "the_journal_verifies", doctor.stdout, doctor.stderr)

    # -- all of it -------------------------------------------------------------------------

    def run(self):
        print(f"torture of {self.options.minutes} min, SEED={self.options.seed}", flush=True)
        try:
            return self.torture()
        finally:
            if self.simulator is not None:
                self.simulator.terminate()

    def torture(self):
        self.open()
        threads = [threading.Thread(target=each, daemon=True) for each in (
            self.keep_running, self.alert, self.torment, self.watch,
            lambda: self.vote("cm1"), lambda: self.vote("cm2"))]
        for thread in threads:
            thread.start()
        try:
            time.sleep(self.options.minutes * 60)
            self.is_calm = True
            threads[2].join(10)
            at_rest = self.wait_for_rest()
        finally:
            self.is_over = self.is_calm = True
            if self.daemon is not None and self.daemon.poll() is None:
                self.daemon.terminate()
                try:
                    self.daemon.wait(30)
                except subprocess.TimeoutExpired:
                    self.daemon.kill()
        for thread in threads[3:]:
            thread.join(15)
        self.judge(at_rest)
        passed = self.checks - len(self.faults)
        print(f"{passed} passed, {len(self.faults)} failed")
        if self.faults:
            print(f"what is left lies in {self.work}; again with SEED={self.options.seed}")
        elif not self.options.keep:
            subprocess.run(["rm", "-rf", self.work], check=True)
        return 1 if self.faults else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "big"))
    parser.add_argument("--sites", type=int, default=SITES)
    for name in ("cordon", "azsim", "plugins"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--keep", help="a directory that stays")
    return Torture(parser.parse_args()).run()


sys.exit(main())
