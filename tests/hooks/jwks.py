#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An issuer's key server over HTTPS: jwks.py CERT KEY FOLDER

Prints its port. GET /NAME answers with FOLDER/NAME.json, or 503 while there is none; it waits first as many
seconds as FOLDER/NAME.wait says. Each request is a line of FOLDER/NAME.asked.
"""
import http.server
import pathlib
import ssl
import sys
import time

folder = pathlib.Path(sys.argv[3])


class Keys(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        name = self.path.strip("/")
        if not name.isalnum():
            self.send_error(404)
            return
        with open(folder / f"{name}.asked", "a", encoding="ascii") as asked:
            asked.write("GET\n")
        wait, keys = folder / f"{name}.wait", folder / f"{name}.json"
        if wait.exists():
            time.sleep(min(5.0, float(wait.read_text())))
        body = keys.read_bytes() if keys.exists() else b"{}"
        self.send_response(200 if keys.exists() else 503)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keys)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
