/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/auth.h - who a request comes from.
 *
 * A bearer token, "Authorization: Bearer cordon_ID_SECRET": ID says which, and its Argon2id hash
 * whether. One that was good is remembered for a while by a keyed hash, so that not each
 * request costs what Argon2id costs; a setup forgets all.
 */
#pragma once

#include <stdbool.h>

#include "api/http.h"

enum {
    AUTH_REMEMBER_MS = 5 * 60 * 1000,
    AUTH_REMEMBERED_MAX = 1024,
    AUTH_FAILURES_MAX = 10, /* of an address, within a minute; then 429 without a look */
    AUTH_ADDRESSES_MAX = 4096
};

void auth_setup(struct span setup);
void auth_close(void);
/* identify_fn: sets request_caller(), or replies. */
bool auth_identify(struct request *request, void *arg);
