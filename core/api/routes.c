/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/routes.c - all that there is: method, path, where, for whom, what body, who answers.
 *
 * A route without a role, a listener, a content or a handler does not build.
 */
#include "api/route.h"

#include "api/health.h"

#define ROUTE(METHOD, PATH, LISTENERS, ROLES, CONTENT, HANDLER)                 \
    {                                                                           \
        .method = METHOD_##METHOD + 0 * sizeof(char[(ROLES) != 0 ? 1 : -1]) +   \
                  0 * sizeof(char[(LISTENERS) != 0 ? 1 : -1]),                  \
        .path = PATH, .listeners = LISTENERS, .roles = ROLES,                   \
        .content = CONTENT_##CONTENT, .handler = HANDLER, .operation = #HANDLER \
    }

enum { BOTH = LISTENER_CONSOLE | LISTENER_INGRESS };

const struct route routes[] = {
    ROUTE(GET, "/healthz", BOTH, ROLE_ANYBODY, NONE, get_health),
    ROUTE(GET, "/readyz", BOTH, ROLE_ANYBODY, NONE, get_ready),
    { .path = NULL },
};
