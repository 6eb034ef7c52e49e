/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grants.h - lists of what is given or denied to principals at a scope: role assignments, deny
 * assignments and schedule instances. They have the same $filter, and the same rule for scopes.
 */
#pragma once

#include "arm.h"

/* What the list shows of a document. */
typedef cJSON *grant_render_fn(const struct request *request, const cJSON *doc);

/* infix stands between the scope and the name in an id of this kind. */
struct grants {
    enum kind kind;
    const char *infix;
    grant_render_fn *render;
};

/* The scope in such an id, "" for the tenant's; to be freed. */
char *grant_scope(const char *id, const char *infix);
void grants_list(struct request *request, struct reply *reply, const struct grants *grants);
