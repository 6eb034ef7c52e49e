/* SPDX-License-Identifier: Apache-2.0 */
#include "api/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

static const struct {
    enum method method;
    const char *name;
} methods[] = {
    { METHOD_GET, "GET" },
    { METHOD_POST, "POST" },
    { METHOD_DELETE, "DELETE" },
    { METHOD_OPTIONS, "OPTIONS" },
};
enum { METHOD_COUNT = sizeof methods / sizeof *methods };

static unsigned method_of(const char *name)
{
    if (strcmp(name, "HEAD") == 0)
        return METHOD_GET;
    for (size_t i = 0; i < METHOD_COUNT; i++)
        if (strcmp(name, methods[i].name) == 0)
            return methods[i].method;
    return 0;
}

const char *route_methods(unsigned wanted)
{
    static char names[METHOD_COUNT * 16];
    size_t len = 0;

    names[0] = '\0';
    for (size_t i = 0; i < METHOD_COUNT; i++)
        if ((wanted & methods[i].method) != 0)
            len += (size_t)snprintf(names + len, sizeof names - len, "%s%s",
                                    len > 0 ? ", " : "", methods[i].name);
    return names;
}

/* One {...} takes what stands between two slashes, and is never empty. */
static bool fits(const char *pattern, const char *path, struct span *params)
{
    int count = 0;

    while (*pattern != '\0') {
        if (*pattern == '{') {
            size_t len = strcspn(path, "/");

            if (len == 0 || count == HTTP_IN_PARAMS_MAX)
                return false;
            params[count++] = (struct span){ path, len };
            path += len;
            pattern = strchr(pattern, '}') + 1;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *path == '\0';
}

const struct route *route_find(const struct route *all, unsigned listener,
                               const char *method, const char *path, char **params,
                               unsigned *others)
{
    unsigned wanted = method_of(method);

    *others = 0;
    for (const struct route *route = all; route->path != NULL; route++) {
        struct span found[HTTP_IN_PARAMS_MAX] = { { 0 } };

        if ((route->listeners & listener) == 0 || !fits(route->path, path, found))
            continue;
        if (route->method != wanted) {
            *others |= route->method;
            continue;
        }
        for (int i = 0; i < HTTP_IN_PARAMS_MAX; i++)
            if (found[i].len > 0)
                params[i] = span_dup(found[i]);
        return route;
    }
    return NULL;
}

const char *route_status_word(int status)
{
    static const struct {
        int status;
        const char *word;
    } words[] = {
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 409, "Conflict" },
        { 412, "Precondition Failed" },
        { 413, "Content Too Large" },
        { 415, "Unsupported Media Type" },
        { 422, "Unprocessable Content" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 505, "HTTP Version Not Supported" },
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].status == status)
            return words[i].word;
    return "Error";
}

void routes_write(struct str *text)
{
    static const char *const contents[] = { "", "none", "application/json",
                                            "application/x-www-form-urlencoded", "any" };
    struct json_out out = { .str = text };

    json_open(&out, '[');
    for (const struct route *route = routes; route->path != NULL; route++) {
        json_open(&out, '{');
        json_put(&out, "content", contents[route->content]);
        json_key(&out, "listeners");
        json_open(&out, '[');
        if ((route->listeners & LISTENER_CONSOLE) != 0)
            json_string(&out, "console");
        if ((route->listeners & LISTENER_INGRESS) != 0)
            json_string(&out, "ingress");
        json_close(&out);
        json_put(&out, "method", route_methods(route->method));
        json_put(&out, "operation", route->operation);
        json_put(&out, "path", route->path);
        json_key(&out, "roles");
        json_open(&out, '[');
        for (unsigned role = 1; role_name(role) != NULL; role <<= 1)
            if ((route->roles & role) != 0)
                json_string(&out, role_name(role));
        json_close(&out);
        json_close(&out);
    }
    json_close(&out);
}
