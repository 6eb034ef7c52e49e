/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/lint_people.c - does the policy have as many people as a gate of a playbook asks for?
 *
 * As engine/gate_can.c counts them when the gate opens, as far as constants show it. Who asked
 * for the run is not known yet.
 */
#include "vm/lint.h"

#include <string.h>

struct crowd { /* humans, each once */
    struct lint *lint;
    struct str names; /* "ann, bob" */
    struct str keys;  /* "\nann\nbob\n" */
    size_t count;
    bool has_anybody;
    bool is_unknown; /* a group is computed */
};

void lint_keep_group(struct lint_groups *groups, struct span name)
{
    if (groups == NULL)
        return;
    if (groups->count == LINT_GROUPS_MAX)
        groups->is_computed = true;
    else
        groups->names[groups->count++] = name;
}

static void add_human(struct crowd *crowd, struct span human)
{
    struct arena *arena = &crowd->lint->arena;
    const char *key = arena_printf(arena, "\n%.*s\n", (int)human.len, human.ptr);

    if (span_is(human, "*"))
        crowd->has_anybody = true;
    if (strstr(str_text(&crowd->keys), key) != NULL)
        return;
    str_add_text(&crowd->keys, crowd->keys.len > 0 ? key + 1 : key);
    str_printf(&crowd->names, "%s%.*s", crowd->count++ > 0 ? ", " : "", (int)human.len,
               human.ptr);
}

/* An empty name: all groups. */
static void add_group(struct crowd *crowd, struct span group)
{
    struct span key, humans, human;
    size_t pos = 0;

    while (json_next(json_get(crowd->lint->known, "humans"), &pos, &key, &humans)) {
        size_t at = 0;

        while ((group.len == 0 || span_equal(key, group)) &&
               json_next(humans, &at, NULL, &human))
            add_human(crowd, json_raw(human));
    }
}

static void add_groups(struct crowd *crowd, const struct lint_groups *groups)
{
    for (size_t i = 0; i < groups->count; i++)
        add_group(crowd, groups->names[i]);
    crowd->is_unknown = crowd->is_unknown || groups->is_computed;
}

/* Groups that the gate is escalated to count for it too: its own chain, else the policy's. */
static void add_chain(struct crowd *crowd, const struct lint_gate *gate)
{
    struct span group;
    size_t pos = 0;

    add_groups(crowd, &gate->chain);
    while (!gate->chain.is_there &&
           json_next(json_get(crowd->lint->known, "chain"), &pos, NULL, &group))
        add_group(crowd, json_raw(group));
}

/* "leads, night-shift" */
static const char *names_of(struct lint *lint, const struct lint_groups *groups)
{
    struct str text = { 0 };

    for (size_t i = 0; i < groups->count; i++)
        str_printf(&text, "%s%.*s", i > 0 ? ", " : "", (int)groups->names[i].len,
                   groups->names[i].ptr);
    const char *kept = arena_dup(&lint->arena, str_text(&text), text.len);
    str_fini(&text);
    return kept;
}

static void check_crowd(struct crowd *crowd, const struct lint_gate *gate, int64_t need,
                        const char *of)
{
    add_chain(crowd, gate);
    if (!crowd->is_unknown && !crowd->has_anybody && (int64_t)crowd->count < need)
        lint_find(
            crowd->lint, LINT_ERROR, &gate->at,
            "%s: it needs %lld approval%s of %.80s, and the policy has %zu %s who can "
            "give one%s%.200s (services do not vote, and a human counts once)",
            gate->name, (long long)need, need == 1 ? "" : "s", of, crowd->count,
            crowd->count == 1 ? "person" : "people", crowd->count > 0 ? ": " : "",
            str_text(&crowd->names));
    str_fini(&crowd->names);
    str_fini(&crowd->keys);
}

/* Each slot wants somebody of its own. */
static void check_slots(struct lint *lint, const struct lint_gate *gate)
{
    struct crowd all = { .lint = lint };
    int errors = lint->errors;

    for (size_t i = 0; i < gate->slots.count; i++) {
        struct lint_groups one = { .names = { gate->slots.names[i] }, .count = 1 };
        struct crowd crowd = { .lint = lint };

        add_groups(&crowd, &one);
        check_crowd(&crowd, gate, 1, names_of(lint, &one));
    }
    if (lint->errors > errors)
        return;
    add_groups(&all, &gate->slots);
    check_crowd(&all, gate, (int64_t)gate->slots.count, names_of(lint, &gate->slots));
}

void lint_people(struct lint *lint, const struct lint_gate *gate)
{
    struct crowd crowd = { .lint = lint };

    if (json_count(json_get(lint->known, "humans")) == 0 || gate->is_need_computed ||
        gate->slots.is_computed)
        return;
    if (gate->slots.is_there) {
        check_slots(lint, gate);
        return;
    }
    if (gate->from.is_there)
        add_groups(&crowd, &gate->from);
    else
        add_group(&crowd, (struct span){ 0 });
    check_crowd(&crowd, gate, gate->need > 0 ? gate->need : 1,
                gate->from.is_there ? names_of(lint, &gate->from) : "any group");
}
