/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <string.h>

#include <sodium.h>

#include "base/log.h"

_Static_assert(sizeof(crypto_hash_sha256_state) <= sizeof((struct hash_list *)0)->state,
               "struct hash_list holds libsodium's state");
_Static_assert(HASH_LEN == crypto_hash_sha256_BYTES, "a hash is SHA-256");

void hash_setup(void)
{
    if (sodium_init() < 0)
        fatalx("libsodium finds no source of randomness");
}

struct hash hash_of(const void *bytes, size_t len)
{
    struct hash hash;

    crypto_hash_sha256(hash.bytes, bytes, len);
    return hash;
}

static crypto_hash_sha256_state *state_of(struct hash_list *list)
{
    return (crypto_hash_sha256_state *)(void *)list->state;
}

void hash_list_init(struct hash_list *list, const char *domain)
{
    crypto_hash_sha256_init(state_of(list));
    hash_list_add(list, domain, strlen(domain));
}

static void little_end_first(uint64_t value, unsigned char bytes[8])
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
}

void hash_list_add(struct hash_list *list, const void *bytes, size_t len)
{
    unsigned char lead[8];

    little_end_first(len, lead);
    crypto_hash_sha256_update(state_of(list), lead, sizeof lead);
    if (len > 0)
        crypto_hash_sha256_update(state_of(list), bytes, len);
}

void hash_list_add_span(struct hash_list *list, struct span span)
{
    hash_list_add(list, span.ptr, span.len);
}

void hash_list_add_int(struct hash_list *list, int64_t value)
{
    unsigned char bytes[8];

    little_end_first((uint64_t)value, bytes);
    hash_list_add(list, bytes, sizeof bytes);
}

struct hash hash_list_end(struct hash_list *list)
{
    struct hash hash;

    crypto_hash_sha256_final(state_of(list), hash.bytes);
    return hash;
}

struct hash hash_hmac(const void *key, size_t key_len, const void *bytes, size_t len)
{
    crypto_auth_hmacsha256_state state;
    struct hash hash;

    crypto_auth_hmacsha256_init(&state, key, key_len);
    crypto_auth_hmacsha256_update(&state, bytes, len);
    crypto_auth_hmacsha256_final(&state, hash.bytes);
    sodium_memzero(&state, sizeof state);
    return hash;
}

struct hash_tag hash_tag(const void *key, const void *bytes, size_t len)
{
    struct hash_tag tag;

    crypto_generichash(tag.bytes, sizeof tag.bytes, bytes, len, key, HASH_KEY_LEN);
    return tag;
}

bool hash_tag_equal(struct hash_tag a, struct hash_tag b)
{
    return sodium_memcmp(a.bytes, b.bytes, HASH_TAG_LEN) == 0;
}

char *hash_hex(struct hash hash, char *hex)
{
    return sodium_bin2hex(hex, HASH_HEX_LEN + 1, hash.bytes, HASH_LEN);
}

bool hash_from_hex(struct span hex, struct hash *hash)
{
    struct hash read;
    size_t len = 0;

    if (sodium_hex2bin(read.bytes, HASH_LEN, hex.ptr, hex.len, NULL, &len, NULL) != 0 ||
        len != HASH_LEN)
        return false;
    *hash = read;
    return true;
}

bool hash_equal(struct hash a, struct hash b)
{
    return sodium_memcmp(a.bytes, b.bytes, HASH_LEN) == 0;
}

void random_bytes(void *bytes, size_t len)
{
    randombytes_buf(bytes, len);
}
