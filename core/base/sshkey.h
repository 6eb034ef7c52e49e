/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/sshkey.h - public keys of SSH (RFC 4253, RFC 5656, PROTOCOL.u2f of OpenSSH).
 *
 * Five types are known: Ed25519, ECDSA on P-256 and P-384, and the first two kept by a
 * hardware key ("sk"). Whatever else there is is refused by name.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct err;

enum {
    SSHKEY_LINE_MAX = 4096,      /* bytes of a .pub file's one line */
    SSHKEY_FINGERPRINT_LEN = 50, /* "SHA256:" and 43 letters */
    SSHKEY_COMMENT_MAX = 200
};

enum sshkey_kind {
    SSHKEY_ED25519 = 1,
    SSHKEY_P256,
    SSHKEY_P384,
    SSHKEY_SK_ED25519,
    SSHKEY_SK_P256
};

/* Borrows from the blob that it was read from. */
struct sshkey {
    enum sshkey_kind kind;
    const char *type; /* "ssh-ed25519" ... */
    struct span blob; /* the key as SSH sends it */
    struct span point;
    struct span application; /* sk keys: what the hardware signs for */
    char fingerprint[SSHKEY_FINGERPRINT_LEN + 1];
};

/* Is it a key that people can be known by? */
int sshkey_read(struct sshkey *key, struct span blob, struct err *err);
/* "TYPE BASE64 COMMENT", as in a .pub file. blob takes the bytes that key borrows, and
 * comment (may be NULL) what stands behind. */
int sshkey_read_line(struct sshkey *key, struct str *blob, struct span *comment,
                     struct span line, struct err *err);
bool sshkey_is_hardware(const struct sshkey *key);

/* -- The wire: a walk over lengths and bytes, that once wrong stays so. ---------------- */

struct ssh_reader {
    struct span rest;
    bool is_bad;
};
struct span ssh_get_string(struct ssh_reader *in);
struct span ssh_get_bytes(struct ssh_reader *in, size_t len);
uint32_t ssh_get_u32(struct ssh_reader *in);
bool ssh_is_end(const struct ssh_reader *in); /* all read, and nothing was wrong */
