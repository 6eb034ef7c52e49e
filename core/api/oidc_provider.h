/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/oidc_provider.h - a provider: what cordon.lua says of it, and what it says of itself.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/jwt.h"
#include "base/list.h"
#include "base/str.h"

struct err;
struct http;

struct provider {
    struct list in_all;
    char *name;
    struct http *http;
    struct str document; /* what it says of itself; empty: not asked yet */
    int64_t discovered_ms;
    struct jwt_keys keys;
    int64_t keys_again_ms; /* when they were fetched for a kid that was not among them */
    bool has_fetched_again;
};

/* One that cordon.lua names; we talk to its issuer's host and to "hosts". NULL: with the sentence. */
struct provider *provider_open(const char *name, struct err *err);
void provider_free(struct provider *provider);

/* What cordon.lua says of it, the empty span when it names no such one; a text of that, free(),
 * NULL when there is none. */
struct span provider_config(const char *name);
char *provider_text(const struct provider *provider, const char *key);
/* Of its document: "token_endpoint", ...; free(). */
char *provider_endpoint(const struct provider *provider, const char *key);

/* Is that the issuer of the provider of this name? */
bool provider_is_issuer(const char *name, const char *issuer);
/* Is json what that issuer may say of itself? */
int provider_check(const struct provider *provider, struct span json, struct err *err);
/* It has said so, and not too long ago. */
bool provider_is_known(const struct provider *provider);
