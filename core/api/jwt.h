/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/jwt.h - a JSON Web Token (RFC 7519) from a stranger: is it what it says, and for us?
 *
 * What a token says of itself decides nothing. Its "kid" picks one of the issuer's keys that
 * we have, its "alg" must be one that the rules allow and that this key can be used for; jku,
 * x5u, jwk and x5c are not looked at, and "crit" is refused. Claims are read only once the
 * signature holds.
 *
 * Pure: the time and the keys are given. Whoever gets ERR_NOT_FOUND may fetch the issuer's
 * keys anew and try again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct err;

enum {
    JWT_LEN_MAX = 16 * 1024,       /* bytes of a token */
    JWT_KEYS_LEN_MAX = 256 * 1024, /* of an issuer's list of keys */
    JWT_KEYS_MAX = 100,            /* in it */
    JWT_KEY_OPS_MAX = 16,          /* what a key may be used for ("key_ops") */
    JWT_LEEWAY_MS = 60 * 1000      /* how much two clocks may differ */
};

/* Algorithms as a set. There is no way to allow another, so none and HS256 are nowhere. */
enum jwt_alg { JWT_RS256 = 1, JWT_ES256 = 2, JWT_PS256 = 4 };
/* "RS256" -> JWT_RS256; 0 for what we do not take. */
enum jwt_alg jwt_alg_of(struct span name);

/* An issuer's keys: a JSON Web Key Set (RFC 7517). Those that are not for verifying ("use",
 * "key_ops", "alg"), that have no kid, or that we cannot use are left out; none left is an error. */
struct jwt_key;
struct jwt_keys {
    struct jwt_key *keys;
    int count;
};
int jwt_keys_read(struct jwt_keys *keys, struct span json, struct err *err);
void jwt_keys_fini(struct jwt_keys *keys);

struct jwt_rules {
    unsigned algs;                /* enum jwt_alg; 0 allows nothing */
    const char *issuer;           /* exactly */
    const char *const *audiences; /* ended by NULL: one of them is in "aud" */
    const char *tenant;           /* "tid" must be this; NULL: not looked at */
    const char *const *apps;      /* ended by NULL: "azp", or "appid" where there is no
                                   * "azp", must be one of them; NULL: not looked at */
    /* A token for signing in (OpenID Connect): */
    const char *client_id; /* where "azp" is, or "aud" has several, "azp" must be this */
    const char *nonce;     /* "nonce" must be this; NULL: not looked at */
    int64_t now_ms;
};

struct jwt {
    struct str header, claims; /* checked JSON objects */
};

/* 0, and the claims are the issuer's word (jwt_fini() then); or
 *   ERR_INVALID    it is no token
 *   ERR_NOT_FOUND  no key of that kid is in keys
 *   ERR_DENIED     anything else: whose rule it breaks is in the sentence
 * "sub" need not be there, "exp" and "iat" must. */
int jwt_verify(struct jwt *jwt, struct span token, const struct jwt_rules *rules,
               const struct jwt_keys *keys, struct err *err);
void jwt_fini(struct jwt *jwt);
