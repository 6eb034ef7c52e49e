# SPDX-License-Identifier: Apache-2.0
# The ingress listener: each route of the router x each method x each content type x each kind of
# source x each credential. What is not allowed is refused, and what is refused starts nothing. The
# routes are the router's own table, so one that is added is in it.
import base64
import collections
import hashlib
import hmac
import http.client
import itertools
import json
import os
import pathlib
import ssl
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "api"))
from client import WITHIN, check, summary  # noqa: E402

HERE, WORK = pathlib.Path(__file__).parent, pathlib.Path(os.environ["WORK"])
HOST, PORT = os.environ["INGRESS"].removeprefix("https://").rsplit(":", 1)
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
TYPES = ["application/json", "application/json; charset=utf-8", "application/cloudevents+json",
         "application/cloudevents-batch+json", "application/x-www-form-urlencoded", "text/plain",
         "application/xml", "application/jsonx", None]
TAKEN = {"events": {"application/cloudevents+json", "application/cloudevents-batch+json"}}  # of what is sent here; elsewhere JSON as itself
PLAIN = {"application/json", "application/json; charset=utf-8"}
NOW = int(time.time())
serial = itertools.count(1)


def key(name):
    return (WORK / "state" / "secrets" / name).read_text().strip()


def cordon(*words):
    return json.loads(subprocess.run([os.environ["CORDON"], *words, "--json", "--state", str(WORK / "state")],
                                     check=True, timeout=30, stdout=subprocess.PIPE).stdout)


def context(name=None):
    made = ssl.create_default_context(cafile=str(WORK / "cordon.pem"))
    if name:
        made.load_cert_chain(WORK / f"{name}.pem", WORK / f"{name}.key")
    return made


NOBODY, CONTEXTS = context(), {name: context(name) for name in ("sender", "stranger")}


def ask(method, path, headers, body=None, certificate=None):
    conn = http.client.HTTPSConnection(HOST, int(PORT), timeout=WITHIN,
                                       context=CONTEXTS[certificate] if certificate else NOBODY)
    try:
        conn.request(method, path, body, {k: v for k, v in headers.items() if v is not None})
        reply = conn.getresponse()
        text = reply.read()
        return reply.status, reply.headers, text
    except (ConnectionError, ssl.SSLError, http.client.HTTPException) as error:
        return type(error).__name__, {}, b""
    finally:
        conn.close()


# -- a new alert in the words of each kind ----------------------------------------------------

def body_of(source, state=None):
    n = f"matrix-{source}-{next(serial)}"
    made = {
        "signed": {"id": n, "title": n, "type": "T", "severity": "high"},
        "bearer": {"SystemAlertId": n, "AlertType": "T", "AlertDisplayName": n, "Severity": "High", "Entities": []},
        "entra": {"objectSchemaType": "Incident", "object": {"id": f"/i/{n}", "name": n, "type": "Microsoft.SecurityInsights/Incidents", "properties": {
            "title": n, "severity": "High", "status": "New", "incidentNumber": 1}}},
        "graph": {"value": [{"id": n, "subscriptionId": "s", "clientState": state, "changeType": "created",
                             "resource": "me/messages/1"}]},
        "tls": {"schemaId": "azureMonitorCommonAlertSchema", "data": {"essentials": {
            "alertId": n, "alertRule": "rule", "severity": "Sev1", "monitorCondition": "Fired",
            "firedDateTime": "2026-11-26T10:00:00Z"}, "alertContext": {}}},
        "grid": [{"id": n, "topic": "/t", "subject": "s", "eventType": "T", "eventTime": "2026-11-26T10:00:00Z", "data": {}}],
        "events": {"specversion": "1.0", "id": n, "source": "/s", "type": "T", "data": {"x": 1}},
    }[source]
    return json.dumps(made).encode()


# -- credentials: what each adds to a request, (headers, body, certificate) ---------------------

def signature(body, secret, identity, stamp):
    raw = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    return "v1," + base64.b64encode(hmac.new(raw, f"{identity}.{stamp}.".encode() + body, hashlib.sha256).digest()).decode()


def signed(secret="hmac-now", stamp=0, change=None, version="v1", **more):
    def add(body):
        identity, when = f"msg-{next(serial)}", str(NOW + stamp)
        mac = signature(body, key(secret), identity, when).replace("v1", version)
        sent = {"webhook-id": identity, "webhook-timestamp": when, "webhook-signature": mac} | more
        return sent, change(body) if change else body, None
    return add


def header(name, value):
    return lambda body: ({name: value}, body, None)


def certificate(name):
    return lambda body: ({}, body, name)


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


RIGHT = {"iss": "https://issuer.example/v2.0", "aud": "api://cordon", "tid": "tenant-1", "azp": "app-1", "sub": "s"}


def token(claims=None, pem="issuer.pem", kid="key-1", drop=()):
    return subprocess.run([sys.executable, HERE / "token.py", "sign", WORK / pem, kid, json.dumps(RIGHT | (claims or {})), *drop],
                          check=True, timeout=30, stdout=subprocess.PIPE).stdout.decode().strip()


def forged(alg, secret=b""):
    text = b64(json.dumps({"alg": alg, "typ": "JWT", "kid": "key-1"}).encode()) + "." + b64(
        json.dumps(RIGHT | {"iat": NOW, "exp": NOW + 600}).encode())
    return text + "." + (b64(hmac.new(secret, text.encode(), hashlib.sha256).digest()) if secret else "")


def swapped(made):
    """Another's claims under this signature."""
    head, _, sign = made.split(".")
    return ".".join((head, b64(json.dumps(RIGHT | {"exp": NOW + 600, "iat": NOW, "azp": "app-1", "x": 1}).encode()), sign))


def jwt(text):
    return header("Authorization", f"Bearer {text}")


public = (WORK / "issuer.pub").read_bytes()
MISSING = {"missing": lambda body: ({}, body, None), "empty": header("Authorization", ""), "Basic": header("Authorization", "Basic cm9vdDpyb290")}
WRONG = {
    "signed": MISSING | {
        "another key": signed("hmac-other"), "expired": signed(stamp=-400), "from the future": signed(stamp=400),
        "a byte more": signed(change=lambda body: body + b" "), "another id": signed(**{"webhook-id": "other"}),
        "another time": signed(**{"webhook-timestamp": str(NOW + 1)}), "no time": signed(**{"webhook-timestamp": None}),
        "no id": signed(**{"webhook-id": None}), "another version": signed(version="v2"),
        "time in hex": signed(**{"webhook-timestamp": hex(NOW)})},
    "bearer": MISSING | {"wrong": header("Authorization", "Bearer wrong"), "no token": header("Authorization", "Bearer "),
                         "a byte more": header("Authorization", f"Bearer {key('bearer-now')}x"),
                         "a byte less": header("Authorization", f"Bearer {key('bearer-now')[:-1]}"),
                         "in another header": header("X-Token", key("bearer-now"))},
    "entra": MISSING | {
        "alg none": jwt(forged("none")), "HS256 with the public key": jwt(forged("HS256", public)),
        "another issuer": jwt(token({"iss": "https://other.example"})), "another audience": jwt(token({"aud": "api://other"})),
        **{f"no {claim}": jwt(token(drop=(claim,))) for claim in ("iss", "aud", "tid", "azp", "exp", "iat")}, "expired": jwt(token({"exp": NOW - 600})),
        "not yet": jwt(token({"nbf": NOW + 600})), "issued in the future": jwt(token({"iat": NOW + 600})),
        "another tenant": jwt(token({"tid": "tenant-2"})), "another application": jwt(token({"azp": "app-2"})),
        "exp is a text": jwt(token({"exp": str(NOW + 600)})), "another key": jwt(token(pem="other-issuer.pem")),
        "an unknown kid": jwt(token(kid="key-2")), "a byte more": jwt(token() + "x"), "other claims": jwt(swapped(token()))},
    "graph": {"missing": lambda body: ({}, body_of("graph"), None), "another": lambda body: ({}, body_of("graph", "other"), None),
              "empty": lambda body: ({}, body_of("graph", ""), None), "none of them": lambda body: ({}, b'{"value":[]}', None),
              "not of all": lambda body: ({}, json.dumps({"value": [json.loads(body_of("graph", key("state-now")))["value"][0],
                                                                    {"id": "x", "clientState": "other"}]}).encode(), None)},
    "tls": MISSING | {"a stranger's": certificate("stranger")},
    "grid": MISSING | {"wrong": header("x-cordon-key", "wrong"), "a byte more": header("x-cordon-key", key("aeg-secret") + "x"),
                       "under another name": header("x-other-key", key("aeg-secret"))},
    "events": MISSING | {"wrong": header("Authorization", "Bearer wrong")},
}
GOOD = {
    "signed": {"right": signed(), "the key before": signed("hmac-before")},
    "bearer": {"right": header("Authorization", f"Bearer {key('bearer-now')}"),
               "the one before": header("Authorization", f"Bearer {key('bearer-before')}")},
    "entra": {"right": jwt(token())},
    "graph": {"right": lambda body: ({}, body_of("graph", key("state-now")), None)},
    "tls": {"right": certificate("sender")},
    "grid": {"right": header("x-cordon-key", key("aeg-secret"))},
    "events": {"right": header("Authorization", f"Bearer {key('bearer-now')}")},
}

# What is right for one source is wrong for every other, but for the two that share a key.
for source, (other, good) in itertools.product(WRONG, GOOD.items()):
    if other != source and {source, other} != {"bearer", "events"}:
        WRONG[source] |= {f"{other}'s": good["right"]}

bad, asked = [], 0


def want(what, wanted, got):
    global asked
    asked += 1
    if got[0] not in wanted:
        bad.append((*what, got[0], sorted(wanted, key=str)))


def section(name):
    global bad, asked
    check(f"{name} ({asked} requests)", [], bad[:10])
    bad, asked = [], 0


def alerts():
    found, before = [], None
    while True:
        page = cordon("alerts", "--limit", "500", *(["--before", before] if before else []))
        found += page["alerts"]
        before = page.get("next")
        if before is None:
            return [alert for alert in found if "matrix-" in str(alert["id"])]


def runs():
    return sorted(run["run"] for run in cordon("runs")["runs"])


def send(source, credential, content, method="POST"):
    headers, body, name = credential(body_of(source))
    return ask(method, f"/hooks/{source}", headers | {"Content-Type": content}, body, name)


table = json.loads(subprocess.run([os.environ["CORDON"], "--internal-routes"], check=True, timeout=30,
                                  stdout=subprocess.PIPE).stdout)
ours, theirs = collections.defaultdict(dict), set()
for route in table:
    if "ingress" not in route["listeners"]:
        theirs.add(route["path"])
        continue
    for method in route["method"].split(", "):
        ours[route["path"]][method] = route
        if method == "GET":
            ours[route["path"]]["HEAD"] = route
check("the_router_has_hooks_on_this_listener", True, "/hooks/{source}" in ours)
check("what_is_open_here_is_health_alone", {"/healthz", "/readyz"},
      {path for path, methods in ours.items() for route in methods.values() if "anybody" in route["roles"]})

# -- paths and methods
runs_before = runs()
for path in sorted(theirs - set(ours)):
    for method in METHODS:
        want((method, path), {404, 405, 501}, ask(method, path.replace("{", "").replace("}", ""), {}))
section("what is of the console is not here")
for path, methods in ours.items():
    for method, (source, good) in itertools.product(METHODS, GOOD.items()):
        if method in methods:
            continue
        headers, body, name = good["right"](body_of(source))
        want((method, path, source), {405, 501},
             ask(method, path.replace("{source}", source), headers | {"Content-Type": "application/json"}, body, name))
section("a method that a path does not take is refused, whatever proof is shown")

# -- credentials that are none, with each content type
for source, credentials in WRONG.items():
    for (name, credential), content in itertools.product(credentials.items(), TYPES):
        # The handshake of TLS itself may end what a stranger's certificate began.
        cut = {"ConnectionResetError", "SSLError", "RemoteDisconnected"} if "stranger" in name else set()
        want((source, name, content), {401, 415} | cut, send(source, credential, content))
        if content in TAKEN.get(source, PLAIN):
            want((source, name, content), {401} | cut, send(source, credential, content))
for content in TYPES:
    want(("nonesuch", content), {401, 415}, ask("POST", "/hooks/nonesuch", {"Content-Type": content}, b"{}"))
section("nothing is taken without a proof that is right")

# -- content that is none of the source's
for source, credentials in GOOD.items():
    for (name, credential), content in itertools.product(credentials.items(), TYPES):
        if content not in TAKEN.get(source, PLAIN):
            want((source, name, content), {415, 400}, send(source, credential, content))
section("another content type is refused, with the right proof too")
check("nothing_that_was_refused_is_there", [], alerts())
check("and_nothing_was_started", runs_before, runs())

# -- what is right is taken, and once
sent = 0
for source, credentials in GOOD.items():
    for (name, credential), content in itertools.product(credentials.items(), TYPES):
        if content not in TAKEN.get(source, PLAIN):
            continue
        headers, body, certificate_name = credential(body_of(source))
        first = ask("POST", f"/hooks/{source}", headers | {"Content-Type": content}, body, certificate_name)
        again = ask("POST", f"/hooks/{source}", headers | {"Content-Type": content}, body, certificate_name)
        want((source, name, content), {202}, first)
        want((source, name, content, "replayed"), {202}, again)
        if first[0] == 202 and (json.loads(first[2])["again"] or not json.loads(again[2])["again"]):
            bad.append((source, name, content, "replayed", first[2], again[2]))
        sent += source != "graph"  # a notification about a message holds no alert
section("what is proven is taken, and what is replayed is acknowledged")
for _ in range(200):
    there = alerts()
    if len(there) >= sent and all(alert["state"] == "routed" for alert in there):
        break
    time.sleep(0.05)
check("each_of_them_is_an_alert_that_was_counted_once", [sent, {1}], [len(there), {alert["count"] for alert in there}])
# The grid's and CloudEvents' own events are informational, and the playbook wants more.
check("each_started_at_most_one_run", True, all(len(alert["runs"]) == (alert["severity"] != "informational") for alert in there))
summary()
