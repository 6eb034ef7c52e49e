/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/password.h - passwords and tokens, kept as Argon2id: text that holds its salt and cost.
 *
 * A password takes some 60 ms and 64 MiB, to make and to check: whoever lets strangers do that
 * bounds how often. A token is 256 random bits, which nobody guesses however fast they try, so
 * that its hash is made with the least work: about a millisecond.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct err;

enum {
    PASSWORD_LEN_MAX = 1024,
    PASSWORD_LEN_MIN = 12,
    TOKEN_ID_LEN = 16,    /* hexadecimal digits */
    TOKEN_SECRET_LEN = 43 /* base64url */
};

/* Is it long enough, not too long, and not all the same? */
int password_check(struct span text, struct err *err);
/* Adds "$argon2id$..." for a password. */
void password_hash(struct str *out, struct span text);
/* Is hash, of a password or a token, one of the text? Constant time in the text; false for
 * what is no hash. */
bool password_is(const char *hash, struct span text);

/* Makes "cordon_ID_SECRET" and its hash; id has room for TOKEN_ID_LEN + 1 bytes. */
void token_make(struct str *text, struct str *hash, char *id);
/* The ID in such a text; false when it is none. Says nothing of the secret. */
bool token_id(struct span text, struct span *id);
