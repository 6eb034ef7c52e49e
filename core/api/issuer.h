/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/issuer.h - whoever signs the tokens of a source: its keys, fetched when they are wanted.
 *
 * Keys come from a file of cordon.lua ("keys", by value) or from an address ("jwks"). A kid that is not among them has them
 * fetched anew, key_age.h says when; what comes meanwhile waits.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct issuer;
struct loop;
struct request;

/* jwt: {"issuer","audience","tenant","apps","keys" or "jwks","ca"}, checked. */
struct issuer *issuer_open(struct loop *loop, struct span jwt);
void issuer_close(struct issuer *issuer); /* NULL is fine */
typedef void issuer_fn(struct request *request, bool is_right, const char *why);
/* done is called once, now or later, unless the request goes away. */
void issuer_check(struct issuer *issuer, struct request *request, const char *token,
                  issuer_fn *done);
