# SPDX-License-Identifier: Apache-2.0
"""Receives what is posted: hooks.py DIR. Each request becomes DIR/N.json, and the file DIR/mode, or
DIR/mode-PATH for one path, says how it is answered: a status, "after" (429 with Retry-After once, then
200), "after90" (with 90 seconds) or "hang" (no answer, and the connection ends when the mode does)."""
import http.server
import itertools
import json
import pathlib
import sys
import time

folder = pathlib.Path(sys.argv[1])
numbers = itertools.count(1)
HANGS_WITHIN = 600  # seconds


class Hook(http.server.BaseHTTPRequestHandler):
    seen = 0

    def mode(self):
        own = folder / f"mode-{self.path.strip('/')}"
        return "500" if self.path == "/dead" else (own if own.exists() else folder / "mode").read_text().strip()

    def hang(self):
        end = time.monotonic() + HANGS_WITHIN
        while self.mode() in ("hang", "") and time.monotonic() < end:
            time.sleep(0.1)
        self.close_connection = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        n = next(numbers)
        part = folder / f"{n}.part"
        part.write_text(json.dumps({"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}, "body": body}))
        part.rename(folder / f"{n}.json")
        mode = self.mode()
        if mode == "hang":
            self.hang()
            return
        if mode == "after":
            (folder / "mode").write_text("200")
            self.send_response(429)
            self.send_header("Retry-After", "1")
        elif mode == "after90":
            self.send_response(429)
            self.send_header("Retry-After", "90")
        else:
            self.send_response(int(mode) if mode.isdigit() else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


(folder / "mode").write_text("200")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
