#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/unit/sshsig_vectors.h: keys and signatures of ssh-keygen, and hardware keys' as
PROTOCOL.u2f has them (signed here by openssl, since there is no hardware to ask), each of
which ssh-keygen -Y verify is asked about. Keys are made anew each time and thrown away.

  tests/unit/sshsig_vectors.py >tests/unit/sshsig_vectors.h
"""
import base64
import hashlib
import os
import struct
import subprocess
import sys
import tempfile

MESSAGE = b'{"digest":"d","gate":"g-000001-1","v":"cordon.approval.v1"}'
NAMESPACE = "approval@cordon"


def run(*words, stdin=None):
    return subprocess.run(words, input=stdin, check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE).stdout


def text(data):
    return struct.pack(">I", len(data)) + data


def armor(blob):
    letters = base64.b64encode(blob).decode()
    lines = [letters[i:i + 70] for i in range(0, len(letters), 70)]
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])


def plain(folder, name, kind, *more):
    path = os.path.join(folder, name)
    run("ssh-keygen", "-q", "-t", kind, *more, "-N", "", "-C", name, "-f", path)
    with open(path + ".pub", encoding="ascii") as file:
        return path, file.read().strip()


def sign(path, namespace=NAMESPACE, *more):
    return run("ssh-keygen", "-Y", "sign", "-q", *more, "-n", namespace, "-f", path,
               stdin=MESSAGE).decode()


class Hardware:
    """A software one, that sets whichever flags it is told to."""

    def __init__(self, folder, is_ed25519):
        self.is_ed25519 = is_ed25519
        self.path = os.path.join(folder, "sk-ed25519" if is_ed25519 else "sk-p256")
        how = ["ed25519"] if is_ed25519 else ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        run("openssl", "genpkey", "-algorithm", *how, "-out", self.path)
        der = run("openssl", "pkey", "-in", self.path, "-pubout", "-outform", "DER")
        if is_ed25519:
            self.type = b"sk-ssh-ed25519@openssh.com"
            self.blob = text(self.type) + text(der[-32:]) + text(b"ssh:")
        else:
            self.type = b"sk-ecdsa-sha2-nistp256@openssh.com"
            self.blob = (text(self.type) + text(b"nistp256") + text(der[-65:]) + text(b"ssh:"))
        self.line = f"{self.type.decode()} {base64.b64encode(self.blob).decode()} sk"

    def raw(self, data):
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            how = ["-rawin"] if self.is_ed25519 else ["-rawin", "-digest", "sha256"]
            made = run("openssl", "pkeyutl", "-sign", "-inkey", self.path, *how, "-in",
                       file.name)
        if self.is_ed25519:
            return made
        numbers, at = [], 2
        for _ in range(2):
            length = made[at + 1]
            numbers.append(text(made[at + 2:at + 2 + length]))
            at += 2 + length
        return b"".join(numbers)

    def sign(self, flags, namespace=NAMESPACE):
        name = namespace.encode()
        wanted = (b"SSHSIG" + text(name) + text(b"") + text(b"sha512") +
                  text(hashlib.sha512(MESSAGE).digest()))
        tail = struct.pack(">BI", flags, 7)
        made = self.raw(hashlib.sha256(b"ssh:").digest() + tail +
                        hashlib.sha256(wanted).digest())
        signature = text(self.type) + text(made) + tail
        return armor(b"SSHSIG" + struct.pack(">I", 1) + text(self.blob) + text(name) +
                     text(b"") + text(b"sha512") + text(signature))


def verify(folder, line, signature, namespace=NAMESPACE):
    allowed, sig = os.path.join(folder, "allowed"), os.path.join(folder, "sig")
    with open(allowed, "w", encoding="ascii") as file:
        file.write(f"someone {line}\n")
    with open(sig, "w", encoding="ascii") as file:
        file.write(signature)
    run("ssh-keygen", "-Y", "verify", "-f", allowed, "-I", "someone", "-n", namespace, "-s", sig,
        stdin=MESSAGE)


def constant(name, value):
    lines = value.split("\n")
    out = []
    for i, line in enumerate(lines):
        if i == len(lines) - 1 and line == "":
            break
        end = "\\n" if i < len(lines) - 1 else ""
        line = line.replace("\\", "\\\\").replace('"', '\\"')
        parts = [line[j:j + 76] for j in range(0, len(line), 76)] or [""]
        out += [f'    "{part}"' for part in parts[:-1]] + [f'    "{parts[-1]}{end}"']
    print(f"static const char {name}[] =\n" + "\n".join(out) + ";")


def main():
    print("/* SPDX-License-Identifier: Apache-2.0 */\n/* Made by sshsig_vectors.py. */\n"
          "#pragma once\n\n/* clang-format off */")
    constant("v_message", MESSAGE.decode())
    with tempfile.TemporaryDirectory() as folder:
        for name, kind, more in (("ed25519", "ed25519", []), ("p256", "ecdsa", ["-b", "256"]),
                                 ("p384", "ecdsa", ["-b", "384"]),
                                 ("rsa", "rsa", ["-b", "2048"]),
                                 ("p521", "ecdsa", ["-b", "521"])):
            path, line = plain(folder, name, kind, *more)
            signature = sign(path)
            verify(folder, line, signature)
            constant(f"v_{name}_key", line)
            constant(f"v_{name}_sig", signature)
            if name == "ed25519":
                other = sign(path, "git")
                verify(folder, line, other, "git")
                constant("v_ed25519_git_sig", other)
                shorter = sign(path, NAMESPACE, "-O", "hashalg=sha256")
                verify(folder, line, shorter)
                constant("v_ed25519_sha256_sig", shorter)
        for name, is_ed25519 in (("sk_ed25519", True), ("sk_p256", False)):
            key = Hardware(folder, is_ed25519)
            constant(f"v_{name}_key", key.line)
            for word, flags in (("touched", 1), ("verified", 5), ("untouched", 0)):
                signature = key.sign(flags)
                if flags & 1:
                    verify(folder, key.line, signature)
                constant(f"v_{name}_{word}_sig", signature)
    print("/* clang-format on */")


if __name__ == "__main__":
    sys.exit(main())
