/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/hash.h - SHA-256, HMAC and randomness, all of it libsodium's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { HASH_LEN = 32, HASH_HEX_LEN = 64 };

struct hash {
    unsigned char bytes[HASH_LEN];
};

/* Once a process, before anything else here. Aborts if the system has no randomness. */
void hash_setup(void);

struct hash hash_of(const void *bytes, size_t len);

/* A hash over several fields, each led by its length (8 bytes, little end first), so that
 * no two different lists of fields give the same input. */
struct hash_list {
    unsigned char state[128]; /* crypto_hash_sha256_state, checked by a static assertion */
} __attribute__((aligned(16)));
void hash_list_init(struct hash_list *list, const char *domain); /* domain: first field */
void hash_list_add(struct hash_list *list, const void *bytes, size_t len);
void hash_list_add_span(struct hash_list *list, struct span span);
void hash_list_add_int(struct hash_list *list, int64_t value);
struct hash hash_list_end(struct hash_list *list);

struct hash hash_hmac(const void *key, size_t key_len, const void *bytes, size_t len);

/* BLAKE2b under a key of HASH_KEY_LEN bytes: four times as fast as the HMAC, for what no
 * other program checks. */
enum { HASH_KEY_LEN = 32, HASH_TAG_LEN = 16 };
struct hash_tag {
    unsigned char bytes[HASH_TAG_LEN];
};
struct hash_tag hash_tag(const void *key, const void *bytes, size_t len);
bool hash_tag_equal(struct hash_tag a, struct hash_tag b); /* constant time */

/* hex has room for HASH_HEX_LEN + 1 bytes; returns hex. */
char *hash_hex(struct hash hash, char *hex);
bool hash_from_hex(struct span hex, struct hash *hash);
bool hash_equal(struct hash a, struct hash b); /* constant time */

void random_bytes(void *bytes, size_t len);
