/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/policy.c - who must approve what. All rules that match combine to the strictest.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

enum { DEFAULT_WITHIN_MS = 30 * 60 * 1000 };

void names_add(struct str *list, struct span names)
{
    size_t pos = 0;
    struct span name;

    while (json_next(names, &pos, NULL, &name)) {
        size_t at = 0;
        struct span seen;
        bool is_new = true;
        struct str closed = { 0 };

        str_printf(&closed, "[%s]", str_text(list));
        while (json_next(str_span(&closed), &at, NULL, &seen))
            is_new = is_new && !json_same(seen, name);
        str_fini(&closed);
        if (!is_new)
            continue;
        if (list->len > 0)
            str_add_char(list, ',');
        str_add_span(list, name);
    }
}

static struct span listed(struct engine *engine, struct str *names)
{
    struct str text = { 0 };

    str_printf(&text, "[%s]", str_text(names));
    struct span kept = turn_keep(engine, str_span(&text));
    str_fini(&text);
    str_fini(names);
    return kept;
}

void demand_add(struct engine *engine, struct list *demands, int64_t need, struct span from)
{
    if (json_count(from) == 0)
        from = span_of("[]");
    list_each (link, after, demands) {
        struct demand *demand = list_item(link, struct demand, in_need);

        if (demand->is_firm || demand->slots.len > 0 || !json_same(demand->from, from))
            continue;
        if (need > demand->need)
            demand->need = need;
        return;
    }
    struct demand *demand = arena_alloc(engine->turn->arena, sizeof *demand);
    *demand = (struct demand){ .need = need, .from = turn_keep(engine, from) };
    list_add(demands, &demand->in_need);
}

static void forbid(const struct step *step, struct span rule, enum fit fit,
                   struct need *need)
{
    struct str text = { 0 };

    str_add_text(&text, "rule \"");
    json_text_to(&text, json_get(rule, "name"));
    str_add_text(&text, "\" of the policy forbids it");
    place_add_unknown(step, fit, &text);
    need->is_forbidden = true;
    if (need->why.len == 0)
        need->why = turn_keep(step->run->engine, str_span(&text));
    str_fini(&text);
}

/* true, or "verified", which also wants to know who was there. */
static int sign_wanted(struct span value)
{
    return span_is(json_raw(value), "verified") ? SIGN_VERIFIED
           : json_bool(value, false)            ? SIGN_KEY
                                                : SIGN_NONE;
}

int policy_sign(struct engine *engine, const char *path)
{
    if (engine->policy == NULL)
        return SIGN_NONE;
    return sign_wanted(json_path(span_of(engine->policy), path));
}

/* What was captured long ago may not be what anybody wants back: somebody must look. */
static void authority_need(const struct step *step, struct need *need, struct str *rules)
{
    struct engine *engine = step->run->engine;
    int64_t authority_ms = INT64_C(7) * 24 * 3600 * 1000;
    char *text = json_get_text(json_get(span_of(engine->policy), "rollback"), "authority");
    char shown[32];
    struct str name = { 0 };

    if (text != NULL)
        duration_parse(span_of(text), &authority_ms);
    free(text);
    if (!step->is_undo || step->captured_ms == 0 || need->need > 0 ||
        engine->now_ms - step->captured_ms <= authority_ms)
        return;
    need->need = 1;
    demand_add(engine, &need->demands, 1, (struct span){ 0 });
    str_printf(&name,
               "[\"rollback.authority: the state to put back was captured more than %s "
               "ago\"]",
               duration_show(authority_ms, shown));
    names_add(rules, str_span(&name));
    str_fini(&name);
}

/* Named as the rules are that made it so. */
static void because(struct str *rules, const char *what, struct span why)
{
    struct str list = { 0 }, name = { 0 };
    struct json_out out = { .str = &list };

    str_printf(&name, "%s: %.*s", what, (int)why.len, why.ptr);
    json_open(&out, '[');
    json_string_span(&out, str_span(&name));
    json_close(&out);
    names_add(rules, str_span(&list));
    str_fini(&list);
    str_fini(&name);
}

/* What no rule lets go by itself: addresses that are hardly an attacker's, and what the plugin
 * wants a person to see. */
static void caution_need(const struct step *step, const struct action *action,
                         struct need *need, struct str *rules)
{
    char *ask = step->is_undo ? NULL : json_get_text(step->plan_info, "ask");
    struct str why = { 0 }, blind = { 0 };

    address_why(step, action, &why);
    if (why.len > 0)
        because(rules, "guard addresses", str_span(&why));
    if (ask != NULL)
        because(rules, "guard own", span_of(ask));
    if (!step->is_undo && guard_cannot_count(step, &blind))
        because(rules, "guard targets_percent", str_span(&blind));
    if ((why.len > 0 || ask != NULL || blind.len > 0) && need->need == 0) {
        need->need = 1;
        demand_add(step->run->engine, &need->demands, 1, (struct span){ 0 });
    }
    free(ask);
    str_fini(&blind);
    str_fini(&why);
}

void policy_need(const struct step *step, struct need *need)
{
    struct engine *engine = step->run->engine;
    struct action *action = action_find(engine, span_of(step->action));
    struct str from = { 0 }, rules = { 0 };
    struct span rule;
    size_t pos = 0;
    bool is_matched = false;

    *need =
        (struct need){ .self = policy_allows_self(engine), .within_ms = DEFAULT_WITHIN_MS };
    list_init(&need->demands);
    if (engine->policy == NULL || action == NULL) {
        need->is_forbidden = true;
        need->why = span_of(engine->policy == NULL ? engine->policy_error
                                                   : "no plugin offers the action");
        return;
    }
    char *within = json_get_text(json_path(span_of(engine->policy), "gate"), "within");
    if (within != NULL)
        duration_parse(span_of(within), &need->within_ms);
    free(within);
    while (json_next(json_get(span_of(engine->policy), "rules"), &pos, NULL, &rule)) {
        enum fit fit = match_fits(json_get(rule, "match"), step, action);
        if (fit == FIT_NO)
            continue;
        is_matched = is_matched || fit == FIT_YES; /* a rule that may fit gives no leave */
        struct str name = { 0 };
        str_add_char(&name, '[');
        str_add_span(&name, json_get(rule, "name"));
        str_add_char(&name, ']');
        names_add(&rules, str_span(&name));
        str_fini(&name);
        int64_t n = need_count(json_get(rule, "need"), 0);
        if (n > need->need)
            need->need = n;
        if (n > 0) {
            names_add(&from, json_get(rule, "from"));
            if (json_kind(json_get(rule, "need")) == JSON_ARRAY)
                names_add(&from, json_get(rule, "need"));
            demand_add_need(engine, &need->demands, json_get(rule, "need"),
                            json_get(rule, "from"));
        }
        int sign = sign_wanted(json_get(rule, "sign"));
        need->sign = sign > need->sign ? sign : need->sign;
        if (json_get_bool(rule, "forbid", false))
            forbid(step, rule, fit, need);
    }
    if (!is_matched && !step->is_undo) {
        need->need = action->effect == EFFECT_PERMANENT ? 2 : 1;
        demand_add(engine, &need->demands, need->need, (struct span){ 0 });
        names_add(&rules, span_of("[\"default\"]"));
    }
    freeze_need(step, action, need, &rules, &from);
    if (step->may_restore_over && need->need == 0) {
        need->need = 1; /* writing over somebody else's change is a change of its own */
        demand_add(engine, &need->demands, 1, (struct span){ 0 });
        names_add(&rules, span_of("[\"restore over drift\"]"));
    }
    authority_need(step, need, &rules);
    caution_need(step, action, need, &rules);
    need->from = listed(engine, &from);
    need->rules = listed(engine, &rules);
}

static bool is_listed(struct span groups, struct span name)
{
    struct span group;
    size_t pos = 0;

    while (json_next(groups, &pos, NULL, &group))
        if (span_equal(json_raw(group), name))
            return true;
    return false;
}

/* No group named: anybody whom some group of the policy names. */
bool policy_is_member(struct engine *engine, struct span groups, struct span who,
                      struct span only)
{
    struct span all = json_get(span_of(engine->policy), "groups");
    struct span name, members, member;
    size_t pos = 0;
    bool is_any = json_count(groups) == 0;

    while (json_next(all, &pos, &name, &members)) {
        size_t at = 0;
        bool is_asked = (is_any || is_listed(groups, name)) &&
                        (json_kind(only) != JSON_ARRAY || is_listed(only, name));

        while (is_asked && json_next(members, &at, NULL, &member))
            if (raw_says(json_raw(member), who) || span_is(json_raw(member), "*"))
                return true;
    }
    return false;
}

bool policy_allows_self(struct engine *engine)
{
    return engine->policy != NULL &&
           json_get_bool(span_of(engine->policy), "self_approval", false);
}

int64_t policy_number(struct engine *engine, const char *path, int64_t otherwise)
{
    if (engine->policy == NULL)
        return otherwise;
    return json_int(json_path(span_of(engine->policy), path), otherwise);
}
