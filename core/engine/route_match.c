/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/route_match.c - does a route fit an alert, what does it take from it, and is it one?
 */
#include "engine/routing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arm_type.h"
#include "base/schema.h"
#include "engine/internal.h"

/* -- does a route fit? --------------------------------------------------------------------- */

static const char *const match_keys[] = { "confidence", "over",         "resource",
                                          "severity",   "simulated",    "source",
                                          "status",     "subscription", "technique",
                                          "tenant",     "title",        "type" };
enum { MATCH_KEYS = sizeof match_keys / sizeof *match_keys };

static bool fits_one_of(struct span wanted, struct span list)
{
    struct span item;
    size_t pos = 0;
    bool is_match = false;

    while (!is_match && json_next(list, &pos, NULL, &item)) {
        char *text = json_text(item);

        is_match = text != NULL && match_text(wanted, text);
        free(text);
    }
    return is_match;
}

bool alert_is_over(struct span alert)
{
    bool is_resolved = span_is(json_get_raw(alert, "status"), "resolved");

    return json_get_bool(alert, "over", is_resolved); /* old alerts have the status only */
}

/* The kind that read it, the product that raised it, or the name that cordon.lua gives it. */
static bool fits_source(struct span wanted, struct span alert)
{
    static const char *const names[] = { "source", "product", "feed" };
    bool is_match = false;

    for (size_t i = 0; !is_match && i < sizeof names / sizeof names[0]; i++) {
        char *text = json_get_text(alert, names[i]);

        is_match = text != NULL && text[0] != '\0' && match_text(wanted, text);
        free(text);
    }
    return is_match;
}

static bool fits_key(struct span key, struct span wanted, struct span alert)
{
    char *name = span_dup(key);
    char *text = json_get_text(alert, name);
    bool is_match;

    if (span_is(key, "over"))
        is_match = json_bool(wanted, false) == alert_is_over(alert);
    else if (span_is(key, "simulated"))
        is_match = json_bool(wanted, false) == json_get_bool(alert, "simulated", false);
    else if (span_is(key, "source"))
        is_match = fits_source(wanted, alert);
    else if (span_is(key, "resource"))
        is_match = fits_one_of(wanted, json_get(alert, "resources"));
    else if (span_is(key, "technique"))
        is_match = fits_one_of(wanted, json_get(alert, "techniques"));
    else if (span_is(key, "severity") || span_is(key, "confidence"))
        is_match = match_level(wanted, text != NULL ? text : "");
    else
        is_match = match_text(wanted, text != NULL ? text : "");
    free(text);
    free(name);
    return is_match;
}

struct span route_misfit(struct span route, struct span alert)
{
    struct span match = json_get(route, "match"), key, wanted;
    size_t pos = 0;

    if (json_get(match, "status").len == 0 && json_get(match, "over").len == 0 &&
        alert_is_over(alert))
        return span_of("status");
    while (json_next(match, &pos, &key, &wanted))
        if (!fits_key(key, wanted, alert))
            return key;
    return (struct span){ 0 };
}

/* -- parameters of a route: constants, and "$alert.resources.1" ------------------------------ */

static struct span item_at(struct span list, int64_t place)
{
    struct span item;
    size_t pos = 0;

    while (json_next(list, &pos, NULL, &item))
        if (--place == 0)
            return item;
    return (struct span){ 0 };
}

struct span route_alert_value(struct span alert, struct span path)
{
    struct span value = alert;

    while (path.len > 0 && value.len > 0) {
        const char *dot = memchr(path.ptr, '.', path.len);
        struct span name = { path.ptr, dot != NULL ? (size_t)(dot - path.ptr) : path.len };
        char *key = span_dup(name);
        int64_t place = 0;

        if (json_kind(value) == JSON_ARRAY)
            value = span_int(name, &place) ? item_at(value, place) : (struct span){ 0 };
        else
            value = json_get(value, key);
        free(key);
        path.len -= name.len + (dot != NULL);
        path.ptr += name.len + (dot != NULL);
    }
    return value;
}

/* "resource:Microsoft.Web/sites": the first resource of the type. */
static struct span resource_of_type(struct span alert, struct span type)
{
    struct span item;
    size_t pos = 0;

    while (json_next(json_get(alert, "resources"), &pos, NULL, &item))
        if (arm_is_type(json_raw(item), type))
            return item;
    return (struct span){ 0 };
}

static struct span param_value(struct span alert, struct span path)
{
    const size_t len = sizeof ROUTE_BY_TYPE - 1;

    if (span_starts(path, ROUTE_BY_TYPE))
        return resource_of_type(alert, (struct span){ path.ptr + len, path.len - len });
    return route_alert_value(alert, path);
}

void route_put_params(struct str *text, struct span params, struct span alert)
{
    static const char prefix[] = "$alert.";
    struct json_out out = { .str = text };
    struct span key, value;
    size_t pos = 0;

    json_open(&out, '{');
    while (json_next(params, &pos, &key, &value)) {
        struct span word = json_raw(value);

        if (span_starts(word, prefix))
            value = param_value(alert, (struct span){ word.ptr + sizeof prefix - 1,
                                                      word.len - sizeof prefix + 1 });
        if (value.len == 0)
            continue; /* the alert does not say: the playbook's default, or its complaint */
        json_key_span(&out, key);
        json_raw_value(&out, value);
    }
    json_close(&out);
}

/* -- checking routes ------------------------------------------------------------------------- */

static int check_match(struct span match, int place, struct err *err)
{
    struct span key, wanted;
    size_t pos = 0;

    while (json_next(match, &pos, &key, &wanted)) {
        bool is_known = false;
        bool is_truth = span_is(key, "over") || span_is(key, "simulated");

        if (is_truth && json_kind(wanted) != JSON_TRUE && json_kind(wanted) != JSON_FALSE)
            return err_set(err, ERR_INVALID, "routes[%d].match.%.*s: want true or false",
                           place, (int)key.len, key.ptr);

        for (size_t i = 0; i < MATCH_KEYS; i++)
            is_known = is_known || span_is(key, match_keys[i]);
        if (!is_known) {
            char *name = span_dup(key);
            const char *nearest = schema_nearest(key, match_keys, MATCH_KEYS);

            err_set(err, ERR_INVALID, "routes[%d].match.%s: alerts have none%s%s", place,
                    name, nearest != NULL ? "; did you mean " : "",
                    nearest != NULL ? nearest : "");
            free(name);
            return err->code;
        }
    }
    struct err why;
    if (engine_check_alert_levels(match, &why) != 0)
        return err_set(err, ERR_INVALID, "routes[%d].match.%s", place, why.text);
    return 0;
}

int engine_check_routes(struct span routes, struct err *err)
{
    static const char schema[] =
        "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"name\"],"
        "\"properties\":{\"name\":{\"type\":\"string\"},\"match\":{\"type\":\"object\"},"
        "\"playbook\":{\"type\":\"string\"},\"params\":{\"type\":\"object\"},"
        "\"notify\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"minLength\":1}},"
        "\"mode\":{\"enum\":[\"live\",\"shadow\",\"ignore\"]},"
        "\"storm\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
        "\"once_within\":{\"type\":\"string\",\"format\":\"period\"},"
        "\"once_after\":{\"type\":\"string\",\"format\":\"period\"},"
        "\"accumulate_within\":{\"type\":\"string\",\"format\":\"period\"},"
        "\"threshold\":{\"type\":\"integer\",\"minimum\":1},"
        "\"by\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}}}";
    struct span route;
    size_t pos = 0;
    int place = 0;

    if (json_count(routes) > ENGINE_ROUTES_MAX)
        return err_set(err, ERR_TOO_BIG, "routes: there may be %d of them",
                       ENGINE_ROUTES_MAX);
    while (json_next(routes, &pos, NULL, &route)) {
        place++;
        if (schema_match(span_of(schema), route, err) != 0)
            return err_wrap(err, "routes[%d]", place);
        if (check_match(json_get(route, "match"), place, err) != 0)
            return err->code;
        struct span storm = json_get(route, "storm");
        int kinds = (json_get(storm, "once_within").len > 0) +
                    (json_get(storm, "once_after").len > 0) +
                    (json_get(storm, "accumulate_within").len > 0);
        if (storm.len > 0 && kinds != 1)
            return err_set(err, ERR_INVALID,
                           "routes[%d].storm: want one of once_within, once_after and "
                           "accumulate_within (with threshold)",
                           place);
    }
    return 0;
}
