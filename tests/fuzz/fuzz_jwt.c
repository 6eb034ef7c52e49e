/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes, as a token, as a token's parts, and as an issuer's keys: never believed, since
 * nothing here is signed, and read within their bounds. */
#include "api/jwt.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char known[] = "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k\","
                            "\"x\":\"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY\","
                            "\"y\":\"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU\"}]}";

static void try_token(struct span token, const struct jwt_keys *keys)
{
    static const char *const audiences[] = { "cordon", NULL };
    const struct jwt_rules rules = { .algs = JWT_RS256 | JWT_ES256 | JWT_PS256,
                                     .issuer = "https://id.example",
                                     .audiences = audiences,
                                     .now_ms = 1800000000000 };
    struct jwt jwt;
    struct err err;

    int rc = jwt_verify(&jwt, token, &rules, keys, &err);
    assert(rc != 0);
    assert(jwt.header.ptr == NULL && jwt.claims.ptr == NULL);
}

/* The bytes up to the first line's end are the header, the others the claims. */
static void try_parts(const uint8_t *data, size_t size, const struct jwt_keys *keys)
{
    const uint8_t *line = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t len = line != NULL ? (size_t)(line - data) : size;
    struct str token = { 0 };

    base64url_add(&token, data, len);
    str_add_char(&token, '.');
    base64url_add(&token, data + len, size - len);
    str_add_char(&token, '.');
    for (int i = 0; i < 86; i++) /* 64 bytes */
        str_add_char(&token, 'A');
    try_token(str_span(&token), keys);
    str_fini(&token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct jwt_keys keys;
    struct span bytes = { (const char *)data, size };
    struct jwt_keys read;
    struct err err;

    hash_setup();
    if (keys.count == 0 && jwt_keys_read(&keys, span_of(known), &err) != 0)
        assert(!"the known key is one");
    try_token(bytes, &keys);
    try_parts(data, size, &keys);
    if (jwt_keys_read(&read, bytes, &err) == 0) {
        assert(read.count > 0 && read.count <= JWT_KEYS_MAX);
        try_token(bytes, &read);
        jwt_keys_fini(&read);
    }
    return 0;
}
