/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/policy.c - who must approve what. All rules that match combine to the strictest.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

enum { DEFAULT_WITHIN_MS = 30 * 60 * 1000 };

static bool matches_text(struct span match, const char *key, const char *value)
{
    struct span want = json_get(match, key);

    if (want.len == 0)
        return true;
    if (json_kind(want) == JSON_ARRAY) {
        size_t pos = 0;
        struct span item;

        while (json_next(want, &pos, NULL, &item)) {
            char *glob = json_text(item);
            bool is_match = glob != NULL && span_glob(span_of(value), glob);

            free(glob);
            if (is_match)
                return true;
        }
        return false;
    }
    char *glob = json_text(want);
    bool is_match = glob != NULL && span_glob(span_of(value), glob);
    free(glob);
    return is_match;
}

static const char *effect_word(const struct action *action)
{
    return action->effect == EFFECT_PERMANENT ? "permanent"
           : action->effect == EFFECT_REVERTS ? "reverts"
                                              : "reads";
}

static const char *risk_word(const struct action *action)
{
    return action->risk == 3 ? "high" : action->risk == 2 ? "medium" : "low";
}

/* "/subscriptions/ID/..." -> ID, or "". */
static void subscription_of(const char *target, char *out, size_t size)
{
    static const char prefix[] = "/subscriptions/";
    size_t len = 0;

    if (span_glob(span_of(target), "/subscriptions/*"))
        while (target[sizeof prefix - 1 + len] != '\0' &&
               target[sizeof prefix - 1 + len] != '/' && len + 1 < size) {
            out[len] = target[sizeof prefix - 1 + len];
            len++;
        }
    out[len] = '\0';
}

static bool rule_matches(struct span rule, const struct step *step,
                         const struct action *action)
{
    struct span match = json_get(rule, "match");
    char subscription[64];
    char *source = json_get_text(step->run->alert, "source");
    struct span op = json_get_raw(match, "op");

    subscription_of(step->target, subscription, sizeof subscription);
    /* A rule that says nothing of op is about doing, not about undoing. */
    bool is_op = op.len == 0
                     ? !step->is_undo
                     : span_is(op, "any") || span_is(op, step->is_undo ? "undo" : "apply");
    bool is_match = is_op && matches_text(match, "action", step->action) &&
                    matches_text(match, "effect", effect_word(action)) &&
                    matches_text(match, "risk", risk_word(action)) &&
                    matches_text(match, "target", step->target) &&
                    matches_text(match, "subscription", subscription) &&
                    matches_text(match, "playbook", step->run->playbook_name) &&
                    matches_text(match, "requester", step->run->by) &&
                    matches_text(match, "source", source != NULL ? source : "");
    free(source);
    return is_match;
}

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

        if (demand->slots.len > 0 || !json_same(demand->from, from))
            continue;
        if (need > demand->need)
            demand->need = need;
        return;
    }
    struct demand *demand = arena_alloc(engine->turn->arena, sizeof *demand);
    *demand = (struct demand){ .need = need, .from = turn_keep(engine, from) };
    list_add(demands, &demand->in_need);
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
        return;
    }
    char *within = json_get_text(json_path(span_of(engine->policy), "gate"), "within");
    if (within != NULL)
        duration_parse(span_of(within), &need->within_ms);
    free(within);
    while (json_next(json_get(span_of(engine->policy), "rules"), &pos, NULL, &rule)) {
        if (!rule_matches(rule, step, action))
            continue;
        is_matched = true;
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
        need->is_forbidden = need->is_forbidden || json_get_bool(rule, "forbid", false);
    }
    if (!is_matched && !step->is_undo) {
        need->need = action->effect == EFFECT_PERMANENT ? 2 : 1;
        names_add(&rules, span_of("[\"default\"]"));
    }
    if (step->may_restore_over && need->need == 0) {
        need->need = 1; /* writing over somebody else's change is a change of its own */
        names_add(&rules, span_of("[\"restore over drift\"]"));
    }
    if (need->need > 0 && list_is_empty(&need->demands))
        demand_add(engine, &need->demands, need->need, (struct span){ 0 });
    need->from = listed(engine, &from);
    need->rules = listed(engine, &rules);
}

/* No group named: anybody whom some group of the policy names. */
bool policy_is_member(struct engine *engine, struct span groups, struct span who)
{
    struct span all = json_get(span_of(engine->policy), "groups");
    struct span name, members, member;
    size_t pos = 0;
    bool is_any = json_count(groups) == 0;

    while (json_next(all, &pos, &name, &members)) {
        size_t at = 0;
        bool is_asked = is_any;
        struct span group;

        while (!is_asked && json_next(groups, &at, NULL, &group))
            is_asked = span_equal(json_raw(group), name);
        at = 0;
        while (is_asked && json_next(members, &at, NULL, &member))
            if (span_equal(json_raw(member), who) || span_is(json_raw(member), "*"))
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
