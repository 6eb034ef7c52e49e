/* SPDX-License-Identifier: Apache-2.0 */
#include "query.h"

#include <string.h>
#include <strings.h>

struct check {
    const char *lists[2];
    const char *unknown;
};

static bool is_in(const char *list, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = list; at != NULL; at = strchr(at, ' ')) {
        at += *at == ' ';
        if (strncasecmp(at, name, len) == 0 && (at[len] == ' ' || at[len] == '\0'))
            return true;
    }
    return false;
}

static void look(const char *name, void *arg)
{
    struct check *check = arg;

    if (!is_in(check->lists[0], name) && !is_in(check->lists[1], name))
        check->unknown = name;
}

bool query_is_known(struct request *request, struct reply *reply, const char *always,
                    const char *more)
{
    struct check check = { .lists = { always, more } };

    request_each_query(request, look, &check);
    if (check.unknown == NULL)
        return true;
    reply_error(reply, 400, "InvalidQueryParameter",
                "the query option '%s' is not served at %s; it would be ignored",
                check.unknown, request->path);
    return false;
}
