/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/role.c - roles by name; beside no route, for what needs to know of none.
 */
#include "api/route.h"

#include <stddef.h>

#include "base/json.h"

static const char *const roles[] = { "anybody", "viewer", "responder", "approver",
                                     "author",  "admin",  "source" };
enum { ROLE_COUNT = sizeof roles / sizeof *roles };

const char *role_name(unsigned role)
{
    for (unsigned i = 0; i < ROLE_COUNT; i++)
        if (role == 1u << i)
            return roles[i];
    return NULL;
}

unsigned role_of(struct span name)
{
    for (unsigned i = 1; i < ROLE_COUNT - 1; i++)
        if (span_is(name, roles[i]))
            return 1u << i;
    return 0;
}

unsigned roles_of(struct span names)
{
    struct span name;
    unsigned all = 0;
    size_t pos = 0;

    while (json_next(names, &pos, NULL, &name))
        all |= role_of(json_raw(name));
    return all;
}
