/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/freeze.c - times in which less is allowed.
 *
 * From its beginning to its end a freeze forbids what it matches, unless it has an emergency
 * path: then those people must approve on top of everybody else. It counts when a change is
 * about to be made, not when it was approved.
 */
#include "engine/internal.h"

#include <stdlib.h>

#include "base/clock.h"

static bool is_now(struct span freeze, int64_t now_ms, int64_t *to_ms)
{
    int64_t from_ms;

    return moment_parse(json_get_raw(freeze, "from"), &from_ms) &&
           moment_parse(json_get_raw(freeze, "to"), to_ms) && from_ms <= now_ms &&
           now_ms < *to_ms;
}

static void put_freeze(struct json_out *out, struct span freeze, bool has_path)
{
    json_open(out, '{');
    json_put_bool(out, "emergency", has_path);
    json_put_raw(out, "name", json_get(freeze, "name"));
    json_put_raw(out, "to", json_get(freeze, "to"));
    json_close(out);
}

static void forbid(const struct step *step, struct span freeze, int64_t to_ms, enum fit fit,
                   struct need *need)
{
    struct str text = { 0 };
    char *name = json_get_text(freeze, "name");
    char until[32];

    need->is_forbidden = true;
    str_printf(&text,
               "freeze \"%s\" is in force until %s and has no emergency path: run it again "
               "after that, or have the policy's owners give the freeze an emergency "
               "(policy.lua, freeze; a new policy voids approvals given under the old)",
               name != NULL ? name : "?", clock_show(to_ms, until));
    place_add_unknown(step, fit, &text);
    need->why = turn_keep(step->run->engine, str_span(&text));
    free(name);
    str_fini(&text);
}

/* As a rule that made it so is named: "freeze: quarter end". */
static void name_rule(struct span freeze, struct str *rules)
{
    struct str list = { 0 }, text = { 0 };
    struct json_out out = { .str = &list };

    str_add_text(&text, "freeze: ");
    json_text_to(&text, json_get(freeze, "name"));
    json_open(&out, '[');
    json_string_span(&out, str_span(&text));
    json_close(&out);
    names_add(rules, str_span(&list));
    str_fini(&list);
    str_fini(&text);
}

void freeze_need(const struct step *step, const struct action *action, struct need *need,
                 struct str *rules, struct str *groups)
{
    struct engine *engine = step->run->engine;
    struct str list = { 0 };
    struct json_out out = { .str = &list };
    struct span freeze;
    size_t pos = 0;
    int64_t to_ms;

    json_open(&out, '[');
    while (json_next(json_get(span_of(engine->policy), "freeze"), &pos, NULL, &freeze)) {
        struct span path = json_get(freeze, "emergency");
        int64_t least = need_count(json_get(path, "need"), 1);

        enum fit fit = match_fits(json_get(freeze, "match"), step, action);

        if (!is_now(freeze, engine->now_ms, &to_ms) || fit == FIT_NO)
            continue;
        put_freeze(&out, freeze, json_kind(path) == JSON_OBJECT);
        name_rule(freeze, rules);
        if (json_kind(path) != JSON_OBJECT) {
            forbid(step, freeze, to_ms, fit, need);
            continue;
        }
        need->need = least > need->need ? least : need->need;
        names_add(groups, json_get(path, "from"));
        if (json_kind(json_get(path, "need")) == JSON_ARRAY)
            names_add(groups, json_get(path, "need"));
        demand_add_need(engine, &need->demands, json_get(path, "need"),
                        json_get(path, "from"));
    }
    json_close(&out);
    need->freezes = turn_keep(engine, str_span(&list));
    str_fini(&list);
}
