# SPDX-License-Identifier: Apache-2.0
# A program that uses the API: HTTPS with the test's own certificate, and counted checks.
import http.client
import json
import os
import socket
import ssl
import sys
import time

WITHIN = 30  # seconds, for what must come; nothing here depends on how soon it does

passed = failed = 0


def check(name, wanted, was):
    global passed, failed
    if wanted == was:
        passed += 1
        print(f"ok    {name}", flush=True)
    else:
        failed += 1
        print(f"      was    {was}\n      wanted {wanted}\nnot ok {name}", flush=True)


def summary():
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)


class Answer:
    def __init__(self, reply, body):
        self.status, self.headers, self.body = reply.status, reply.headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json.get("code") if self.body else None


class Api:
    """Requests in one caller's name."""

    def __init__(self, address, cert, token=None):
        self.host, self.port = address.removeprefix("https://").rsplit(":", 1)
        self.context = ssl.create_default_context(cafile=cert)
        self.token = token

    def connect(self, rcvbuf=None):
        sock = socket.socket()
        if rcvbuf:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        sock.settimeout(WITHIN)
        sock.connect((self.host, int(self.port)))
        return self.context.wrap_socket(sock, server_hostname=self.host)

    def headers(self, more=None):
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return headers | (more or {})

    def ask(self, method, path, body=None, **headers):
        """headers: Idempotency_Key=...; a body that is no text is sent as JSON."""
        conn = http.client.HTTPSConnection(self.host, int(self.port), context=self.context,
                                           timeout=WITHIN)
        sent = self.headers({key.replace("_", "-"): value for key, value in headers.items()
                             if value is not None})
        if body is not None and "Content-Type" not in sent:
            sent["Content-Type"] = "application/json"
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        try:
            conn.request(method, path, body, sent)
            reply = conn.getresponse()
            return Answer(reply, reply.read())
        finally:
            conn.close()

    def get(self, path, **headers):
        return self.ask("GET", path, **headers)

    def post(self, path, body, **headers):
        return self.ask("POST", path, body, **headers)


    def announce(self, path, length):
        """Says that a body of that length comes, and waits for what is said to that."""
        sock = self.connect()
        head = [f"POST {path} HTTP/1.1", f"Host: {self.host}", "Content-Type: application/json",
                f"Content-Length: {length}"] + [f"{k}: {v}" for k, v in self.headers().items()]
        sock.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
        reply = http.client.HTTPResponse(sock)
        reply.begin()
        sock.close()
        return reply.status


class Events:
    """A stream of events; next() gives (id, kind, json)."""

    def __init__(self, api, path, last=None, rcvbuf=None):
        self.api, self.path = api, path
        self.sock = api.connect(rcvbuf)
        head = [f"GET {path} HTTP/1.1", f"Host: {api.host}", "Accept: text/event-stream"]
        head += [f"{key}: {value}" for key, value in api.headers().items()]
        if last is not None:
            head.append(f"Last-Event-ID: {last}")
        self.sock.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
        self.file = None

    def begin(self):
        self.reply = http.client.HTTPResponse(self.sock)
        self.reply.begin()
        return self.reply.status

    def lines(self):
        end = time.monotonic() + WITHIN
        while time.monotonic() < end:
            line = self.reply.readline().decode()
            if line == "":
                raise EOFError
            yield line.rstrip("\n")

    def next(self):
        event = {}
        for line in self.lines():
            if line == "" and "data" in event:
                return event.get("id"), event["event"], json.loads(event["data"])
            if ": " in line and not line.startswith(":"):
                key, value = line.split(": ", 1)
                event[key] = value
        return None, "late", {}

    def until(self, kind):
        """All events up to the first of that kind; what came, when that does not come in time."""
        end, seen = time.monotonic() + WITHIN, [self.next()]
        while seen[-1][1] != kind and time.monotonic() < end:
            seen.append(self.next())
        return seen

    def follow(self, kind):
        """The same, and goes on behind the last event when the stream ends: a reader that a busy
        machine slows down is left, and the manual tells it to come again."""
        seen, end = [], time.monotonic() + WITHIN
        while not (seen and seen[-1][1] == kind) and time.monotonic() < end:
            try:
                seen.append(self.next())
            except EOFError:
                self.close()
                self.__init__(self.api, self.path, last=seen[-1][0] if seen else None)
                self.begin()
        return seen

    def close(self):
        self.sock.close()


def wait_for(look, what):
    """What look() gives, once that is something."""
    end = time.monotonic() + WITHIN
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    print(f"      it never came: {what}")
    return None


def from_environment(name):
    return Api(os.environ["CONSOLE"], os.environ["CERT"], os.environ.get(f"TOKEN_{name}"))
