# SPDX-License-Identifier: Apache-2.0
# Each route of the router x each method x each content type x each credential: what is not
# allowed is refused, and what is refused leaves no row in the journal. Made from the router's own
# table, so a route that is added is in it.
import collections
import http.client
import itertools
import json
import os
import subprocess

from client import WITHIN, check, from_environment, summary

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
CONTENTS = {"none": (None, None), "json": ("application/json", "{}"),
            "form": ("application/x-www-form-urlencoded", "a=b"), "text": ("text/plain", "{}"),
            "json-ish": ("application/jsonx", "{}")}
ROLES = ["viewer", "responder", "approver", "author", "admin"]
TOKENS = {role: os.environ[f"TOKEN_ROLE_{role.upper()}"] for role in ROLES}
good = TOKENS["viewer"]
ident, secret = good.rsplit("_", 1)
other = TOKENS["admin"].rsplit("_", 1)[1]
# Who shows these is nobody: (headers, statuses that refuse).
WRONG = {
    "missing": ({}, {401}),
    "empty": ({"Authorization": ""}, {401}),
    "another scheme": ({"Authorization": "Basic cm9vdDpyb290"}, {401}),
    "no secret": ({"Authorization": f"Bearer {ident}_"}, {401}),
    "a wrong secret": ({"Authorization": f"Bearer {ident}_{'A' * len(secret)}"}, {401}),
    "another's secret": ({"Authorization": f"Bearer {ident}_{other}"}, {401}),
    "an unknown one": ({"Authorization": f"Bearer cordon_{'z' * 12}_{secret}"}, {401}),
    "a byte more": ({"Authorization": f"Bearer {good}x"}, {401}),
    "expired": ({"Authorization": f"Bearer {os.environ['TOKEN_EXPIRED']}"}, {401}),
    "revoked": ({"Authorization": f"Bearer {os.environ['TOKEN_REVOKED']}"}, {401}),
    "a session that is none": ({"Cookie": "__Host-cordon=" + "A" * 43}, {401}),
    "two of them": ({"Authorization": f"Bearer {good}", "Cookie": "__Host-cordon=x"}, {400}),
}
VALUES = {"run": "r-000001", "gate": "g-000001-1", "name": "asks", "scope": "all", "alert": "a-000001",
          "token": "t-999", "id": "t-999", "source": "nonesuch"}

api = from_environment("VIEWER")
routes = [route for route in json.loads(subprocess.run(
    [os.environ["CORDON"], "--internal-routes"], check=True, timeout=30, stdout=subprocess.PIPE).stdout)
    if "console" in route["listeners"]]
by_path = collections.defaultdict(dict)
for route in routes:
    for method in route["method"].split(", "):
        by_path[route["path"]][method] = route
        if method == "GET":
            by_path[route["path"]]["HEAD"] = route
places = itertools.count()


def place():
    """An address of this machine's own network for each credential that is wrong: whoever shows many
    is not looked at for a while, and that is not what is asked here."""
    n = next(places)
    return f"127.1.{n // 250 % 250}.{n % 250 + 1}"


def ask(method, path, content, headers, source="127.0.0.1"):
    for name, value in VALUES.items():
        path = path.replace("{" + name + "}", value)
    kind, body = CONTENTS[content]
    conn = http.client.HTTPSConnection(api.host, int(api.port), context=api.context, timeout=WITHIN,
                                       source_address=(source, 0))
    headers = dict(headers) | ({"Content-Type": kind} if kind else {})
    try:
        conn.request(method, path, body, headers)
        reply = conn.getresponse()
        if reply.headers.get("Content-Type") != "text/event-stream":
            reply.read()
        return reply.status, reply.headers
    except (ConnectionError, http.client.HTTPException) as error:
        return type(error).__name__, {}
    finally:
        conn.close()


def rows():
    text = api.get("/metrics").body.decode()
    return int(next(line for line in text.splitlines() if line.startswith("cordon_journal_rows_total ")).split()[1])


def bearer(role):
    return {"Authorization": f"Bearer {TOKENS[role]}"}


def is_open(route):
    return "anybody" in route["roles"]


bad, asked = [], 0


def refuse(what, wanted, got):
    global asked
    asked += 1
    if got[0] not in wanted:
        bad.append((*what, got[0], sorted(wanted)))


def section(name):
    global bad, asked
    check(f"{name} ({asked} requests)", [], bad[:10])
    bad, asked = [], 0


before = rows()
check("the_router_has_its_routes", True, len(routes) > 40)

# -- methods that a path does not take: refused, whoever asks
for path, methods in by_path.items():
    for method in METHODS:
        if method in methods:
            continue
        for headers in ({}, *(bearer(role) for role in ROLES)):
            got = ask(method, path, "json", headers)
            refuse((method, path), {405, 501}, got)
            if got[0] == 405 and not set(got[1].get("Allow", "").split(", ")) >= set(methods) - {"HEAD"}:
                bad.append((method, path, "Allow", got[1].get("Allow")))
section("a method that a path does not take is refused, and those that it takes are named")

# -- credentials that are none
for path, methods in by_path.items():
    for method, route in methods.items():
        if is_open(route):
            continue
        for content, (name, (headers, statuses)) in itertools.product(CONTENTS, WRONG.items()):
            refuse((method, path, content, name), statuses, ask(method, path, content, headers, place()))
section("nobody is let in without a credential that is in force")

# -- roles that are not the route's
for path, methods in by_path.items():
    for method, route in methods.items():
        for role in ROLES:
            if is_open(route) or role in route["roles"]:
                continue
            for content in CONTENTS:
                refuse((method, path, content, role), {403}, ask(method, path, content, bearer(role)))
section("a role that is not the route's is refused")

# -- content that is not the route's, by those who may
for path, methods in by_path.items():
    for method, route in methods.items():
        role = next((role for role in ROLES if role in route["roles"]), None)
        headers = bearer(role) if role else {}
        for content, (kind, body) in CONTENTS.items():
            if route["content"] == "application/json" and content != "json":
                refuse((method, path, content), {415}, ask(method, path, content, headers, place()))
            if route["content"] == "none" and body:
                refuse((method, path, content), {413}, ask(method, path, content, headers, place()))
section("a body that is not the route's is refused")
check("all_that_was_refused_left_no_row", before, rows())

# -- and what is allowed gets through to its handler
REFUSED = {401, 403, 405, 413, 415, 429, 500, 501}
for path, methods in by_path.items():
    for method, route in methods.items():
        for role in ROLES:
            if role not in route["roles"] or path.startswith("/sign-"):
                continue
            content = "json" if route["content"] == "application/json" else "none"
            got = ask(method, path, content, bearer(role))
            asked += 1
            if got[0] in REFUSED or not isinstance(got[0], int):
                bad.append((method, path, role, got[0]))
section("whoever has the role and brings what is wanted is heard")

# -- whatever goes on with something is checked as a start is
starts = next(route for route in routes if route["operation"] == "start_run")["roles"]
check("what_goes_on_with_a_run_wants_what_starting_one_does", [],
      [route["path"] for route in routes
       if route["operation"] in ("retry_run", "recover_run", "roll_back_run", "signal_run", "settle_run",
                                 "release_hold", "cancel_run") and route["roles"] != starts])
check("no_get_is_for_those_alone_who_change", [],
      [route["path"] for route in routes if route["method"] == "GET" and route["roles"] in (["responder"], ["approver"])])
summary()
