/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/routes_check.c - what routes take from alerts: are there such members?
 */
#include "serve/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/alert.h"
#include "base/alert_reach.h"
#include "base/schema.h"
#include "serve/sources.h"

enum { MEMBERS_MAX = 64 };

struct paths {
    struct arena arena;
    struct span schema;  /* of alerts */
    struct span sources; /* for base/alert_reach.h */
    struct err *err;
    char what[80];
};

static int fail(struct paths *paths, struct span path, struct span properties,
                struct span name)
{
    const char *names[MEMBERS_MAX];
    struct span key, value;
    size_t pos = 0, count = 0;

    while (count < MEMBERS_MAX && json_next(properties, &pos, &key, &value))
        names[count++] = arena_dup(&paths->arena, key.ptr, key.len);
    const char *nearest = schema_nearest(name, names, count);
    return err_set(paths->err, ERR_INVALID, "%s: no alert has %.*s%s%s", paths->what,
                   (int)(path.len < 80 ? path.len : 80), path.ptr,
                   nearest != NULL ? "; did you mean " : "",
                   nearest != NULL ? nearest : "");
}

/* "entities.ips.1" by the schema; a member whose inside is not declared takes anything. */
static int check_path(struct paths *paths, struct span path)
{
    struct span properties = json_get(paths->schema, "properties"), rest = path;

    while (rest.len > 0 && json_count(properties) > 0) {
        const char *dot = memchr(rest.ptr, '.', rest.len);
        struct span name = { rest.ptr, dot != NULL ? (size_t)(dot - rest.ptr) : rest.len };
        const char *key = arena_dup(&paths->arena, name.ptr, name.len);
        struct span found = json_get(properties, key);

        if (found.len == 0)
            return fail(paths, path, properties, name);
        properties = json_get(found, "properties");
        rest.ptr += name.len + (dot != NULL);
        rest.len -= name.len + (dot != NULL);
    }
    return 0;
}

/* "resource:Microsoft.Web/sites" is the first resource of a type. */
static int check_type(struct paths *paths, struct span type)
{
    const char *slash = memchr(type.ptr, '/', type.len);

    if (slash != NULL && slash > type.ptr && slash + 1 < type.ptr + type.len)
        return 0;
    return err_set(paths->err, ERR_INVALID,
                   "%s: want the type of a resource behind $alert." ROUTE_BY_TYPE
                   ", like Microsoft.Web/sites",
                   paths->what);
}

static int check_param(struct paths *paths, struct span path)
{
    const size_t len = sizeof ROUTE_BY_TYPE - 1;
    size_t first = 0;

    while (first < path.len && path.ptr[first] != '.')
        first++;
    struct span name = { path.ptr, first };
    /* Playbooks find functions under these names. */
    if (span_is(name, "resource") || span_is(name, "all"))
        return err_set(paths->err, ERR_INVALID,
                       "%s: no alert has %.*s; did you mean resources?", paths->what,
                       (int)(path.len < 80 ? path.len : 80), path.ptr);

    if (span_starts(path, ROUTE_BY_TYPE))
        return check_type(paths, (struct span){ path.ptr + len, path.len - len });
    return check_path(paths, path);
}

static int check_params(struct paths *paths, struct span params, int place)
{
    static const char prefix[] = "$alert.";
    struct span key, value;
    size_t pos = 0;

    while (json_next(params, &pos, &key, &value)) {
        struct span word = json_raw(value);

        snprintf(paths->what, sizeof paths->what, "routes[%d].params.%.*s", place,
                 (int)(key.len < 40 ? key.len : 40), key.ptr);
        if (json_kind(value) == JSON_STRING && span_starts(word, prefix) &&
            check_param(paths, (struct span){ word.ptr + sizeof prefix - 1,
                                              word.len - sizeof prefix + 1 }) != 0)
            return paths->err->code;
    }
    return 0;
}

static int check_storm(struct paths *paths, struct span by, int place)
{
    struct span item;
    size_t pos = 0;

    snprintf(paths->what, sizeof paths->what, "routes[%d].storm.by", place);
    while (json_next(by, &pos, NULL, &item))
        if (!span_is(json_raw(item), "resource") && check_path(paths, json_raw(item)) != 0)
            return paths->err->code;
    return 0;
}

static int check_match(struct paths *paths, struct span match, int place)
{
    struct reach_known known = { .sources = paths->sources };
    const char *key = NULL;
    struct err why;

    if (reach_match(known, match, &key, &why) == 0)
        return 0;
    return err_set(paths->err, ERR_INVALID, "routes[%d].match.%s: %s", place, key,
                   why.text);
}

int routes_check_paths(struct serve *serve, struct span routes, struct err *err)
{
    struct paths paths = { .err = err };
    struct str schema = { 0 }, sources = { 0 };
    struct json_out out = { .str = &schema };
    struct span route;
    size_t pos = 0;
    int rc = 0;

    alert_put_schema(&out);
    paths.schema = str_span(&schema);
    sources_put_known(serve, &sources);
    paths.sources = str_span(&sources);
    for (int i = 1; rc == 0 && json_next(routes, &pos, NULL, &route); i++) {
        rc = check_params(&paths, json_get(route, "params"), i);
        if (rc == 0)
            rc = check_storm(&paths, json_path(route, "storm.by"), i);
        if (rc == 0)
            rc = check_match(&paths, json_get(route, "match"), i);
    }
    arena_fini(&paths.arena);
    str_fini(&schema);
    str_fini(&sources);
    return rc;
}
