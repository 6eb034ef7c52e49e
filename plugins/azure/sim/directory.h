/* SPDX-License-Identifier: Apache-2.0 */
/*
 * directory.h - who is known in the tenant, and who is in which group.
 *
 * Known are the world's principals, identities and groups with their members, the identities
 * of its sites, and everybody who has or had a role assignment. A principal of the world that
 * is "deleted" is known to nobody.
 */
#pragma once

#include <stdbool.h>

#include "sim.h"

/* "User", "Group", "ServicePrincipal" ...; NULL when nobody has that object id. */
const char *directory_type(const struct sim *sim, const char *object_id);

bool directory_is_member(const struct sim *sim, const char *group, const char *object_id);
