# SPDX-License-Identifier: Apache-2.0
"""A server that says what the simulator never would: claims, foreign links, nonsense.

    liar.py LOG

Prints its address, and writes a line into LOG for each request: method, path and token.
"""
import base64
import http.server
import json
import sys
import urllib.parse

CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}'
# What a real token says of whom it was given: "oid" and "tid".
JWT = "e30." + base64.urlsafe_b64encode(json.dumps({
    "oid": "99999999-aaaa-4aaa-8aaa-999999999999", "tid": "tenant-of-the-token"
}).encode()).decode().rstrip("=") + ".c2ln"
SITE = {"id": "/s", "name": "shop-web", "properties": {"state": "Running"}}
VERSIONS = {"value": [], "nextLink": "https://other-kv.vault.azure.net/secrets/x/versions"}
ASSIGNMENTS = {"value": [], "nextLink": "http://127.0.0.1.evil.example/page2"}
FOREIGN = {"value": [], "nextLink": "http://127.0.0.1.evil.example/page2",
           "@odata.nextLink": "http://127.0.0.1.evil.example/page2"}
GOOD = "<MessageId>a</MessageId><PopReceipt>r</PopReceipt><MessageText>[]</MessageText>"
# What a queue of that name answers.
MESSAGES = {
    "cut": "<QueueMessagesList><QueueMessage>" + GOOD,
    "other": "<Error><Code>x</Code></Error>",
    "entity": "<QueueMessagesList><QueueMessage>" + GOOD.replace("<MessageText>[]", "<MessageText>&x;")
              + "</QueueMessage></QueueMessagesList>",
    "attribute": '<QueueMessagesList a="b"></QueueMessagesList>',
    "doctype": "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><QueueMessagesList/>",
    "twice": "<QueueMessagesList/><QueueMessagesList/>",
    "markup": "<QueueMessagesList><QueueMessage>" + GOOD.replace("<MessageText>[]", "<MessageText><b>t</b>")
              + "</QueueMessage></QueueMessagesList>",
    "none": "",
    "more": "\ufeff<?xml version='1.0'?>\n<QueueMessagesList><Other><X/></Other>\n<QueueMessage>" + GOOD
            + "<NextVisibleTime>n</NextVisibleTime></QueueMessage></QueueMessagesList>\n",
}
STRANGERS = {"value": [{"id": "/x", "name": "x", "properties": {
    "scope": "/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/shop/providers/Microsoft.Web/sites/shop-web",
    "principalId": "99999999-aaaa-4aaa-8aaa-999999999999", "roleDefinitionId": "/y"}}]}


class Liar(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body, headers=None):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def note(self):
        token = self.headers.get("Authorization", "-").replace("Bearer ", "")
        with open(sys.argv[1], "a") as log:
            log.write(f"{self.command} {self.path.split('?')[0]} {token}\n")
        return token

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.note()
        if "/broken/" in self.path:
            self.answer(200, {"access_token": "a\r\nX-Evil: b", "expires_in": 3599})
            return
        if "/jwt/" in self.path:
            self.answer(200, {"access_token": JWT, "expires_in": 3599})
            return
        asked = form.get("claims", [""])[0] == CLAIMS
        self.answer(200, {"access_token": "with-claims" if asked else "plain", "expires_in": 3599})

    def do_GET(self):
        token = self.note()
        claims = base64.b64encode(CLAIMS.encode()).decode()
        challenge = ('Bearer authorization="https://login.microsoftonline.com/elsewhere", '
                     'resource="https://vault.azure.net"')
        if "/_vault/" in self.path and token == "-":
            self.answer(401, {}, {"WWW-Authenticate": challenge})
        elif "/secrets/empty/" in self.path:
            self.answer(200, {"value": []})
        elif "/_vault/" in self.path:
            self.answer(200, VERSIONS)
        elif "/sites/" in self.path and "roleAssignments" in self.path:
            self.answer(200, STRANGERS)
        elif "roleAssignments" in self.path:
            self.answer(200, ASSIGNMENTS)
        elif "/security/alerts_v2" in self.path or "/Microsoft.Security/alerts" in self.path:
            self.answer(200, FOREIGN)
        elif "/_queue/" in self.path:
            name = self.path.split("/")[3]
            self.answer(200, MESSAGES[name].encode())
        elif "networkSecurityGroups" in self.path:
            self.answer(200, b"<html>")
        elif token in ("with-claims", JWT):
            self.answer(200, SITE)
        else:
            self.answer(401, {"error": {"code": "InvalidAuthenticationToken"}},
                        {"WWW-Authenticate": f'Bearer realm="", error="insufficient_claims", claims="{claims}"'})

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar)
print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
server.serve_forever()
