/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret.h - one secret in a vault's document: its versions, oldest first, and whether it
 * is deleted.
 */
#pragma once

#include "exchange.h"

/* NULL when the vault, which may be NULL itself, has none of that name. */
cJSON *secret_find(const cJSON *vault, const char *name);

cJSON *secret_newest(const cJSON *secret);
cJSON *secret_version(const cJSON *secret, const char *version);

/* A version as Key Vault shows it, without its value. Versions of the world file that say
 * nothing of it were made at born_ms. */
cJSON *secret_render(const char *base, const cJSON *secret, const cJSON *version,
                     int64_t born_ms);

/* Checks what a client sent for a new or an existing version. Replies 400 and returns false
 * when it would be refused. */
bool secret_check_body(const cJSON *body, const char *name, bool is_new,
                       struct reply *reply);

/* Adds a version to the secret of that name, which it makes if need be. Returns the
 * secret. */
cJSON *secret_add_version(cJSON *vault, const char *name, const cJSON *body);

bool secret_would_change(const cJSON *version, const cJSON *body);
void secret_update(cJSON *version, const cJSON *body);
void secret_delete(cJSON *secret);

/* Deleting and recovering take a while, in which a secret is at neither of its places. */
void secret_settle_for(cJSON *secret, int ms);
bool secret_is_settling(const cJSON *secret);
