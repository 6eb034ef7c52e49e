/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/credential.h - what accounts and tokens have in common: roles and groups.
 */
#pragma once

#include "base/json.h"

struct options;

/* Adds "roles", and "groups" where --group was given. */
void credential_put_roles(struct json_out *out, const struct options *options);
/* "viewer, approver (of soc)" */
void credential_roles(struct str *out, struct span credential);
