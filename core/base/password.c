/* SPDX-License-Identifier: Apache-2.0 */
#include "base/password.h"

#include <sodium.h>
#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/log.h"

enum {
    PASSWORD_OPS = 2,
    PASSWORD_MEMORY = 64 * 1024 * 1024,
    TOKEN_OPS = 1,
    TOKEN_MEMORY = 1024 * 1024,
    SECRET_LEN = 32
};

static const char prefix[] = "cordon_";

static void hash_with(struct str *out, struct span text, unsigned ops, size_t memory)
{
    char hash[crypto_pwhash_STRBYTES];

    if (crypto_pwhash_str_alg(hash, text.ptr, text.len, ops, memory,
                              crypto_pwhash_ALG_ARGON2ID13) != 0)
        fatalx("no memory for a hash with Argon2id");
    str_add_text(out, hash);
}

int password_check(struct span text, struct err *err)
{
    bool is_varied = false;

    if (text.len < PASSWORD_LEN_MIN || text.len > PASSWORD_LEN_MAX)
        return err_set(err, ERR_INVALID,
                       "a password has from %d to %d bytes; this one has %zu",
                       PASSWORD_LEN_MIN, PASSWORD_LEN_MAX, text.len);
    for (size_t i = 1; i < text.len; i++)
        is_varied = is_varied || text.ptr[i] != text.ptr[0];
    if (!is_varied)
        return err_set(err, ERR_INVALID, "a password is not one character again and again");
    return 0;
}

void password_hash(struct str *out, struct span text)
{
    hash_with(out, text, PASSWORD_OPS, PASSWORD_MEMORY);
}

bool password_is(const char *hash, struct span text)
{
    return text.len <= PASSWORD_LEN_MAX && strlen(hash) < crypto_pwhash_STRBYTES &&
           crypto_pwhash_str_verify(hash, text.ptr, text.len) == 0;
}

void token_make(struct str *text, struct str *hash, char *id)
{
    unsigned char name[TOKEN_ID_LEN / 2], secret[SECRET_LEN];

    randombytes_buf(name, sizeof name);
    randombytes_buf(secret, sizeof secret);
    sodium_bin2hex(id, TOKEN_ID_LEN + 1, name, sizeof name);
    str_printf(text, "%s%s_", prefix, id);
    base64url_add(text, secret, sizeof secret);
    sodium_memzero(secret, sizeof secret);
    hash_with(hash, str_span(text), TOKEN_OPS, TOKEN_MEMORY);
}

bool token_id(struct span text, struct span *id)
{
    size_t begun = sizeof prefix - 1;

    if (text.len != begun + TOKEN_ID_LEN + 1 + TOKEN_SECRET_LEN ||
        !span_starts(text, prefix) || text.ptr[begun + TOKEN_ID_LEN] != '_')
        return false;
    *id = (struct span){ text.ptr + begun, TOKEN_ID_LEN };
    for (size_t i = 0; i < id->len; i++)
        if (id->ptr[i] == '\0' || strchr("0123456789abcdef", id->ptr[i]) == NULL)
            return false;
    return true;
}
