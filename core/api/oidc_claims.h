/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/oidc_claims.h - who somebody is, and may do, by what their provider says of them.
 *
 * Pure. The claims have been verified; the provider's configuration is that of cordon.lua.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

struct err;

enum { OIDC_PERSON_MAX = 100 }; /* bytes of "NAME:SUBJECT" */

struct oidc_person {
    char who[OIDC_PERSON_MAX + 1];
    unsigned roles;
    int64_t proved_ms; /* when they last showed the provider that it is them; 0: not said */
};

/* ERR_DENIED: no name, or no role. */
int oidc_read_claims(struct oidc_person *person, const char *provider, struct span config,
                     struct span claims, struct err *err);
