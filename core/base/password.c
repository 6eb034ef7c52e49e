/* SPDX-License-Identifier: Apache-2.0 */
#include "base/password.h"

#include <sodium.h>

#include "base/err.h"
#include "base/log.h"

enum { OPS = 2, MEMORY = 16 * 1024 * 1024 };

void password_hash(struct str *out, struct span text)
{
    char hash[crypto_pwhash_STRBYTES];

    if (crypto_pwhash_str_alg(hash, text.ptr, text.len, OPS, MEMORY,
                              crypto_pwhash_ALG_ARGON2ID13) != 0)
        fatalx("no memory for a password's hash");
    str_add_text(out, hash);
}

bool password_is(const char *hash, struct span text)
{
    return text.len <= PASSWORD_LEN_MAX &&
           crypto_pwhash_str_verify(hash, text.ptr, text.len) == 0;
}
