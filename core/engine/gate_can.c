/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/gate_can.c - can anybody give what a gate asks for?
 *
 * A gate that names a group which the policy does not have, or more people than may vote,
 * waits until its time is over. That is reported when it opens, and who can change it.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/schema.h"

enum { GROUPS_MAX = 256, ANYBODY = 1000000 };

struct able {
    const struct gate *gate;
    struct span wider; /* groups that it is escalated to, which count for it too */
    struct str people; /* humans that may vote, each once: "ann","bob" */
    struct str why;    /* why others may not */
    bool has_anybody;
};

static struct span group_of(struct engine *engine, struct span name)
{
    struct span key, members;
    size_t pos = 0;

    while (json_next(json_get(span_of(engine->policy), "groups"), &pos, &key, &members))
        if (span_equal(key, name))
            return members;
    return (struct span){ 0 };
}

static void add_member(struct able *able, struct span member)
{
    struct engine *engine = able->gate->step->run->engine;
    struct str why = { 0 }, item = { 0 };
    struct json_out out = { .str = &item };
    char *who = json_text(member);

    json_open(&out, '[');
    json_string_span(&out, policy_human(engine, span_of(who)));
    json_close(&out);
    if (strcmp(who, "*") == 0)
        able->has_anybody = true;
    else if (person_bar(able->gate, span_of(who), &why) == NULL)
        names_add(&able->people, str_span(&item));
    else if (able->why.len < 300)
        str_printf(&able->why, "%s%s", able->why.len > 0 ? "; " : "", str_text(&why));
    str_fini(&why);
    str_fini(&item);
    free(who);
}

static void add_group(struct able *able, struct span members)
{
    struct span member;
    size_t pos = 0;

    while (json_next(members, &pos, NULL, &member))
        add_member(able, member);
}

/* No group named: all of them. */
static void add_groups(struct able *able, struct span groups)
{
    struct engine *engine = able->gate->step->run->engine;
    struct span all = json_get(span_of(engine->policy), "groups"), name, members;
    size_t pos = 0;

    if (json_count(groups) == 0) {
        while (json_next(all, &pos, &name, &members))
            add_group(able, members);
        return;
    }
    while (json_next(groups, &pos, NULL, &name))
        add_group(able, group_of(engine, json_raw(name)));
}

static int64_t count_able(struct able *able)
{
    struct str list = { 0 };

    if (json_count(able->wider) > 0)
        add_groups(able, able->wider);

    str_printf(&list, "[%s]", str_text(&able->people));
    int64_t count = able->has_anybody ? ANYBODY : (int64_t)json_count(str_span(&list));
    str_fini(&list);
    return count;
}

static void end_able(struct able *able)
{
    str_fini(&able->people);
    str_fini(&able->why);
}

/* The first group that the policy does not have. */
static bool has_unknown(struct engine *engine, struct span groups, struct str *text)
{
    const char *names[GROUPS_MAX];
    struct arena *arena = engine->turn->arena;
    struct span key, members, name;
    size_t pos = 0, count = 0;

    while (count < GROUPS_MAX &&
           json_next(json_get(span_of(engine->policy), "groups"), &pos, &key, &members))
        names[count++] = arena_dup(arena, key.ptr, key.len);
    pos = 0;
    while (json_next(groups, &pos, NULL, &name)) {
        if (group_of(engine, json_raw(name)).len > 0)
            continue;
        const char *nearest = schema_nearest(json_raw(name), names, count);
        str_add_text(text, "the policy has no group \"");
        str_add_shown(text, json_raw(name).ptr, json_raw(name).len);
        str_printf(text, "\"%s%s%s", nearest != NULL ? "; did you mean \"" : "",
                   nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
        return true;
    }
    return false;
}

static void too_few(struct str *text, const struct able *able, int64_t need, int64_t can,
                    struct span groups)
{
    if (text->len > 0)
        return;
    str_printf(text, "it needs %lld approval%s of ", (long long)need, need == 1 ? "" : "s");
    if (json_count(groups) == 0)
        str_add_text(text, "any group");
    else
        str_add_shown(text, groups.ptr, groups.len);
    str_printf(text, ", and %lld %s can give one", (long long)can,
               can == 1 ? "person" : "people");
    if (able->why.len > 0)
        str_printf(text, " (%s)", str_text((struct str *)&able->why));
}

/* Each slot wants somebody of its own. */
static void look_at_slots(const struct gate *gate, struct span slots, struct span wider,
                          struct str *text)
{
    struct able all = { .gate = gate, .wider = wider };
    struct span group;
    size_t pos = 0;

    while (text->len == 0 && json_next(slots, &pos, NULL, &group)) {
        struct able able = { .gate = gate, .wider = wider };
        struct str list = { 0 };

        str_printf(&list, "[%.*s]", (int)group.len, group.ptr);
        add_groups(&able, str_span(&list));
        add_groups(&all, str_span(&list));
        if (count_able(&able) < 1)
            too_few(text, &able, 1, 0, str_span(&list));
        end_able(&able);
        str_fini(&list);
    }
    if (text->len == 0 && count_able(&all) < (int64_t)json_count(slots))
        too_few(text, &all, (int64_t)json_count(slots), count_able(&all), slots);
    end_able(&all);
}

/* wider: groups of the chain, which a demand of the policy alone does not count. */
static void look_at_demand(const struct gate *gate, const struct demand *demand,
                           struct span wider, struct str *text)
{
    struct engine *engine = gate->step->run->engine;
    struct able able = { .gate = gate, .wider = demand->is_firm ? span_of("[]") : wider };
    struct str few = { 0 };

    if (json_count(demand->slots) > 0) {
        look_at_slots(gate, demand->slots, able.wider, &few);
    } else {
        add_groups(&able, demand->from);
        if (count_able(&able) < demand->need)
            too_few(&few, &able, demand->need, count_able(&able), demand->from);
    }
    if (few.len > 0 &&
        !has_unknown(engine, json_count(demand->slots) > 0 ? demand->slots : demand->from,
                     text))
        str_add_span(text, str_span(&few));
    str_fini(&few);
    end_able(&able);
}

/* The gate as it will be, as far as the bars of people ask. */
static struct gate gate_to_be(struct step *step, const struct run *shadow)
{
    struct gate gate = { .step = step, .is_question = strcmp(step->kind, "ask") == 0 };
    int count = shadow != NULL ? shadow->planned_count : 0;

    gate.changes = arena_alloc(step->run->engine->turn->arena,
                               ((size_t)count + 1) * sizeof *gate.changes);
    memset(gate.changes, 0, ((size_t)count + 1) * sizeof *gate.changes);
    for (int i = 0; i < count; i++)
        gate.changes[i].action = shadow->planned[i]->action;
    gate.change_count = count;
    return gate;
}

/* A gate that others can grant may still ask a group that is not there. */
static void put_unknown(struct json_out *out, struct engine *engine, struct span chain,
                        const struct list *demands)
{
    struct str text = { 0 };
    bool is_found = has_unknown(engine, chain, &text);

    list_each (link, after, (struct list *)demands) {
        const struct demand *demand = list_item(link, struct demand, in_need);

        is_found = is_found || has_unknown(engine, demand->slots, &text) ||
                   has_unknown(engine, demand->from, &text);
    }
    if (is_found)
        json_put(out, "unknown_group", str_text(&text));
    str_fini(&text);
}

void gate_put_unable(struct json_out *out, struct step *step, const struct run *shadow,
                     const struct list *demands)
{
    struct gate gate = gate_to_be(step, shadow);
    struct str text = { 0 }, names = { 0 }, chain = { 0 };

    if (step->run->engine->policy == NULL)
        return;
    gate_add_chain(step, &names);
    if (json_count(step->also) > 0)
        names_add(&names, step->also);
    str_printf(&chain, "[%s]", str_text(&names));
    list_each (link, after, (struct list *)demands) {
        look_at_demand(&gate, list_item(link, struct demand, in_need), str_span(&chain),
                       &text);
        if (text.len > 0)
            break;
    }
    if (text.len > 0) {
        str_add_text(&text,
                     ". Nobody can grant this gate as it is: the owner of policy.lua "
                     "can change its groups");
        json_put(out, "unable", str_text(&text));
    } else {
        put_unknown(out, step->run->engine, str_span(&chain), demands);
    }
    str_fini(&names);
    str_fini(&chain);
    str_fini(&text);
}

bool gate_is_in_vain(struct step *step)
{
    struct span from = json_get(step->args, "from");
    char *within = json_get_text(step->args, "within");
    int64_t ms = 1;
    bool is_empty = json_kind(from) == JSON_ARRAY && json_count(from) == 0;

    if (within != NULL)
        duration_parse(span_of(within), &ms);
    free(within);
    if (is_empty)
        step_answer_error(step, "from",
                          "ctx.%s: from is an empty list, so nobody could approve; want "
                          "groups of the policy, or leave it out to ask every group",
                          step->kind);
    else if (ms <= 0)
        step_answer_error(step, "within",
                          "ctx.%s: within is no time at all, so nobody could answer; want "
                          "a duration such as \"30m\"",
                          step->kind);
    return is_empty || ms <= 0;
}
