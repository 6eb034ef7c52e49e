/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/sshsig.h - what `ssh-keygen -Y sign` writes (PROTOCOL.sshsig of OpenSSH).
 *
 * Two steps, so that who asks can say which of them failed: sshsig_read() takes the armor
 * apart and believes nothing; sshsig_check() says whether its key signed this message for
 * this namespace. Whose key it is, is for the caller to know.
 */
#pragma once

#include <stdbool.h>

#include "base/sshkey.h"
#include "base/str.h"

struct err;

/* What people sign for when they vote. A signature for anything else (a commit, a file, a
 * login) does not count, and one of ours counts nowhere else. */
#define SSHSIG_VOTE_NAMESPACE "approval@cordon"

enum { SSHSIG_ARMOR_MAX = 8192, SSHSIG_NAMESPACE_MAX = 100 };

struct sshsig {
    struct str bytes; /* all spans below, and those of key, point into it */
    struct sshkey key;
    struct span namespace;
    struct span hash_name;     /* "sha256", "sha512" */
    struct span signature;     /* Ed25519: 64 bytes */
    struct span r, s;          /* ECDSA */
    unsigned char flags;       /* hardware keys, as are those below */
    struct span flags_counter; /* five bytes that are signed */
    bool is_touched;           /* somebody was there and touched it */
    bool is_verified;          /* and was asked for a PIN or a finger */
};

/* ERR_TOO_BIG, ERR_INVALID. sshsig_fini() after a success only. */
int sshsig_read(struct sshsig *sig, struct span armor, struct err *err);
void sshsig_fini(struct sshsig *sig);
/* ERR_DENIED says what does not hold: the namespace, the touch, or the signature. */
int sshsig_check(const struct sshsig *sig, const char *namespace, struct span message,
                 struct err *err);
