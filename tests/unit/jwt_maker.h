/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jwt_maker.h - an issuer of tokens for tests: keys of its own, and any token one asks for.
 */
#pragma once

#include "base/str.h"

struct maker;

struct maker *maker_new(void);
void maker_free(struct maker *maker);
/* {"keys": [...]}: "rsa-1" for RS256 and PS256, "ec-1" for ES256. */
struct span maker_keys(struct maker *maker);
/* "header.claims.signature", all three base64url. How it is signed is "RS256", "PS256",
 * "ES256", "HS256" (with maker_keys() as the secret) or "none", whatever the header says. */
char *maker_token(struct maker *maker, const char *how, const char *header,
                  const char *claims);
