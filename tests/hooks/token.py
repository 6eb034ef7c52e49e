#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A JWT signed with ES256 by openssl, and the key set that verifies it.

  token.py keys PUBLIC.pem KID             the JWKS
  token.py sign PRIVATE.pem KID CLAIMS [WITHOUT...]
                                           the token; CLAIMS is JSON, "iat" and "exp" are filled in; claims
                                           that are named behind it are left out
"""
import base64
import json
import subprocess
import sys
import time


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def run(*command, data=b""):
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True, timeout=30).stdout


def raw_of(der):
    """r and s of an ECDSA signature, 32 bytes each."""
    at, out = 2 if der[1] < 128 else 3, b""
    for _ in range(2):
        length = der[at + 1]
        out += der[at + 2:at + 2 + length].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + length
    return out


if sys.argv[1] == "keys":
    point = run("openssl", "pkey", "-pubin", "-in", sys.argv[2], "-outform", "DER")[-64:]
    print(json.dumps({"keys": [{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": sys.argv[3],
                                "x": b64(point[:32]), "y": b64(point[32:])}]}))
else:
    claims = {"iat": int(time.time()), "exp": int(time.time()) + 600}
    claims.update(json.loads(sys.argv[4]))
    claims = {name: value for name, value in claims.items() if name not in sys.argv[5:]}
    header = {"alg": "ES256", "typ": "JWT", "kid": sys.argv[3]}
    text = b64(json.dumps(header).encode()) + "." + b64(json.dumps(claims).encode())
    print(text + "." + b64(raw_of(run("openssl", "dgst", "-sha256", "-sign", sys.argv[2], data=text.encode()))))
