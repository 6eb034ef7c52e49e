/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jwt.h - JSON web tokens, signed with a key that the simulator makes when it starts.
 *
 * Azure signs with RS256; here it is EdDSA (RFC 8037), which every library can check with the
 * key set and which costs no big numbers. The claims are those of a real access token.
 */
#pragma once

#include <stdint.h>

#include <cjson/cJSON.h>

struct jwt_key;

struct jwt_key *jwt_key_new(void);
void jwt_key_free(struct jwt_key *key);

/* Returns the token of claims, to be freed. */
char *jwt_sign(const struct jwt_key *key, const cJSON *claims);

/* The public half, as /discovery/v2.0/keys shows it. */
cJSON *jwt_key_set(const struct jwt_key *key);
