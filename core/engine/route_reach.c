/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/route_reach.c - can routes, and what playbooks say of alerts, start anything?
 *
 * A route may name a playbook that is not there, or parameters that it does not have; then
 * nothing is wrong until an alert comes, and is lost.
 */
#include "engine/routing.h"

#include <stdlib.h>
#include <string.h>

#include "base/alert_reach.h"
#include "base/err.h"
#include "base/schema.h"
#include "engine/internal.h"

enum { REACH_NAMES_MAX = 512 };

struct reach {
    struct engine *engine;
    engine_reach_fn *fn;
    void *arg;
    struct span sources; /* for base/alert_reach.h */
    int place;           /* of the route, from 1 */
};

/* routes[PLACE].MEMBER: TEXT */
static void tell(struct reach *reach, const char *member, struct str *text)
{
    struct str all = { 0 };

    str_printf(&all, "routes[%d]%s: %s", reach->place, member, str_text(text));
    reach->fn(reach->arg, NULL, str_text(&all));
    str_fini(&all);
    str_fini(text);
}

static void add_nearest(struct str *text, struct span word, const char *const *names,
                        size_t count)
{
    const char *nearest = schema_nearest(word, names, count);

    if (nearest != NULL)
        str_printf(text, "; did you mean %s?", nearest);
}

static void tell_no_playbook(struct reach *reach, struct span name)
{
    const char *names[REACH_NAMES_MAX];
    struct str text = { 0 };
    size_t count = 0;

    list_each (link, after, &reach->engine->playbooks) {
        struct playbook *playbook = list_item(link, struct playbook, in_engine);

        if (count < REACH_NAMES_MAX && route_enables(reach->engine, playbook))
            names[count++] = playbook->name;
    }
    str_printf(&text, "no playbook of cordon.lua's playbooks is called %.*s", (int)name.len,
               name.ptr);
    add_nearest(&text, name, names, count);
    tell(reach, ".playbook", &text);
}

static void tell_no_param(struct reach *reach, const struct playbook *playbook,
                          struct span name)
{
    const char *names[REACH_NAMES_MAX];
    struct arena arena = { 0 };
    struct span key, value;
    struct str text = { 0 };
    size_t pos = 0, count = 0;

    while (count < REACH_NAMES_MAX &&
           json_next(json_path(span_of(playbook->info), "params.properties"), &pos, &key,
                     &value))
        names[count++] = arena_dup(&arena, key.ptr, key.len);
    str_printf(&text, "playbook %s has no parameter %.*s", playbook->name, (int)name.len,
               name.ptr);
    add_nearest(&text, name, names, count);
    tell(reach, ".params", &text);
    arena_fini(&arena);
}

/* A constant is held against the declaration; what the alert will say is not known yet. */
static void look_at_param(struct reach *reach, const struct playbook *playbook,
                          struct span name, struct span value)
{
    char *key = span_dup(name);
    struct span schema =
        json_get(json_path(span_of(playbook->info), "params.properties"), key);
    struct str text = { 0 };
    struct err err;

    if (schema.len == 0) {
        tell_no_param(reach, playbook, name);
    } else if (!span_starts(json_raw(value), "$alert.") &&
               schema_match(schema, value, &err) != 0) {
        str_printf(&text, "%s: %s", key, err.text);
        tell(reach, ".params", &text);
    }
    free(key);
}

static void look_at_params(struct reach *reach, const struct playbook *playbook,
                           struct span params)
{
    struct span key, value, item,
        required = json_path(span_of(playbook->info), "params.required");
    size_t pos = 0;

    while (json_next(params, &pos, &key, &value))
        look_at_param(reach, playbook, key, value);
    pos = 0;
    while (json_next(required, &pos, NULL, &item)) {
        char *name = json_text(item);
        struct str text = { 0 };

        if (json_get(params, name).len == 0) {
            str_printf(&text, "playbook %s requires %s, and the route does not give it",
                       playbook->name, name);
            tell(reach, ".params", &text);
        }
        free(name);
    }
}

static void look_at_route(struct reach *reach, struct span route)
{
    struct span name = json_get_raw(route, "playbook");
    const struct playbook *playbook = route_named(reach->engine, name);

    if (name.len > 0 && playbook == NULL)
        tell_no_playbook(reach, name);
    else if (name.len > 0)
        look_at_params(reach, playbook, json_get(route, "params"));
}

/* What on_alert waits for, and no alert can be. */
static void look_at_when(struct reach *reach, const struct playbook *playbook)
{
    struct span when = json_get(span_of(playbook->info), "on_alert");
    struct reach_known known = { .sources = reach->sources };
    struct str text = { 0 };
    const char *key = NULL;
    struct err err;

    if (json_kind(when) != JSON_OBJECT || reach_match(known, when, &key, &err) == 0)
        return;
    str_printf(&text, "on_alert.when.%s: %s", key, err.text);
    reach->fn(reach->arg, playbook->name, str_text(&text));
    str_fini(&text);
}

/* An on_alert without params gives none, so none may be required. */
static void look_at_playbook(struct reach *reach, const struct playbook *playbook)
{
    struct span info = span_of(playbook->info), item;
    struct str text = { 0 };
    size_t pos = 0;

    if (json_kind(json_get(info, "on_alert")) != JSON_OBJECT ||
        json_get_bool(info, "on_alert_gives", true) ||
        !json_next(json_path(info, "params.required"), &pos, NULL, &item))
        return;
    str_printf(
        &text,
        "on_alert can start nothing: the playbook requires %.*s, and on_alert has no "
        "params = function(alert) ... end that gives it",
        (int)json_raw(item).len, json_raw(item).ptr);
    reach->fn(reach->arg, playbook->name, str_text(&text));
    str_fini(&text);
}

void engine_reach(struct engine *engine, struct span sources, engine_reach_fn *fn,
                  void *arg)
{
    struct reach reach = { .engine = engine, .fn = fn, .arg = arg, .sources = sources };
    struct span route;
    size_t pos = 0;

    while (json_next(route_list(engine), &pos, NULL, &route)) {
        reach.place++;
        look_at_route(&reach, route);
    }
    list_each (link, after, &engine->playbooks) {
        struct playbook *playbook = list_item(link, struct playbook, in_engine);

        if (!route_enables(engine, playbook))
            continue;
        look_at_playbook(&reach, playbook);
        look_at_when(&reach, playbook);
    }
}

/* Of two of the same age the first one is. */
static bool is_newest(const struct engine *engine, const struct playbook *playbook)
{
    bool is_before = true;

    list_each (link, after, &engine->playbooks) {
        const struct playbook *other = list_item(link, struct playbook, in_engine);

        if (other == playbook)
            is_before = false;
        else if (strcmp(other->name, playbook->name) == 0 &&
                 (other->seq > playbook->seq || (is_before && other->seq == playbook->seq)))
            return false;
    }
    return true;
}

void engine_each_params(struct engine *engine, engine_params_fn *fn, void *arg)
{
    list_each (link, after, &engine->playbooks) {
        const struct playbook *playbook = list_item(link, struct playbook, in_engine);

        if (is_newest(engine, playbook))
            fn(arg, playbook->name, json_get(span_of(playbook->info), "params"));
    }
}
