/* SPDX-License-Identifier: Apache-2.0 */
#include "route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arm.h"
#include "graph.h"
#include "imds.h"
#include "login.h"
#include "openid.h"
#include "queue.h"
#include "sim.h"
#include "vault.h"

enum { PATTERN_SIZE = 256 };

static void set_scope(struct request *request, int count)
{
    free(request->scope);
    request->scope = xstrdup(count == 0 ? "/" : "");
    for (int i = 0; i < count; i++) {
        char *longer = text_format("%s/%s", request->scope, request->segments[i]);
        free(request->scope);
        request->scope = longer;
    }
}

bool route_fits(struct request *request, const char *pattern)
{
    char text[PATTERN_SIZE];
    const char *parts[SEGMENTS_MAX];
    int count = 0;
    int args = 0;
    char *rest = NULL;

    if (snprintf(text, sizeof text, "%s", pattern) >= (int)sizeof text)
        abort();
    for (char *part = strtok_r(text, "/", &rest); part != NULL;
         part = strtok_r(NULL, "/", &rest))
        parts[count++] = part;

    bool has_scope = count > 0 && strcmp(parts[0], "{scope}") == 0;
    int skip = has_scope ? request->segment_count - (count - 1) : 0;
    if (has_scope ? skip < 0 : count != request->segment_count)
        return false;
    for (int i = has_scope ? 1 : 0; i < count; i++) {
        const char *segment = request->segments[has_scope ? skip + i - 1 : i];
        if (strcmp(parts[i], "{}") == 0 && args < ARGS_MAX)
            request->args[args++] = segment;
        else if (!text_is(parts[i], segment))
            return false;
    }
    if (has_scope)
        set_scope(request, skip);
    return true;
}

const struct route *route_find(struct request *request, const struct route *routes,
                               bool *has_path)
{
    for (const struct route *route = routes; route->method != NULL; route++) {
        if (!route_fits(request, route->pattern))
            continue;
        *has_path = true;
        if (request_is(request, route->method) ||
            (request_is(request, "HEAD") && strcmp(route->method, "GET") == 0))
            return route;
    }
    return NULL;
}

void route_serve(struct request *request, struct reply *reply)
{
    const char *first = request->segment_count > 0 ? request->segments[0] : "";

    if (vault_is_meant(request))
        vault_serve(request, reply);
    else if (queue_is_meant(request))
        queue_serve(request, reply);
    else if (text_is(first, "metadata"))
        imds_serve(request, reply);
    else if (request->segment_count == 4 && text_is(request->segments[1], "oauth2") &&
             text_is(request->segments[3], "token"))
        login_serve(request, reply);
    else if (text_is(first, "v1.0"))
        graph_serve(request, reply);
    else if (openid_is_meant(request))
        openid_serve(request, reply);
    else if (text_is(first, "subscriptions") || text_is(first, "providers"))
        arm_serve(request, reply);
    else
        reply_error(reply, 404, "NotFound", "nothing is served at %s", request->path);
}
