/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/quorum.c - are these votes enough?
 *
 * A gate has demands, one for each rule that wants people and one of the playbook. Each is
 * met by itself: somebody who is in the groups of two rules is what both of them ask for.
 * Within one demand of role slots a person fills one slot only. A human counts once, by
 * whatever names they vote, and only while nothing bars them and the vote proves itself when
 * it must (proof.c).
 */
#include "engine/internal.h"

#include <string.h>

/* Is who one of the groups, or of those that the gate was escalated to? A demand that only
 * the policy may widen is met by its own groups alone. */
static bool is_member(const struct gate *gate, struct span demand, struct span groups,
                      struct span who, struct span only)
{
    struct engine *engine = gate->step->run->engine;
    bool is_wider = json_count(gate->also) > 0 && !json_get_bool(demand, "policy", false);

    return policy_is_member(engine, groups, who, only) ||
           (is_wider && policy_is_member(engine, gate->also, who, only));
}

bool quorum_asks(const struct gate *gate, struct span who, struct span only)
{
    struct span demand;
    size_t pos = 0;

    while (json_next(gate->demands, &pos, NULL, &demand))
        if (is_member(gate, demand, json_get(demand, "from"), who, only))
            return true;
    return false;
}

/* Has this human voted before that vote? */
static bool is_again(const struct gate *gate, struct vote *vote)
{
    struct engine *engine = gate->step->run->engine;
    struct span human = policy_human(engine, span_of(vote->who));

    list_each (link, after, &gate->votes) {
        struct vote *earlier = list_item(link, struct vote, in_gate);

        if (earlier == vote)
            return false;
        if (earlier->yes == vote->yes && vote_counts(gate, earlier) &&
            span_equal(policy_human(engine, span_of(earlier->who)), human))
            return true;
    }
    return false;
}

/* Does it count now, whatever it is? */
static bool stands(const struct gate *gate, struct vote *vote)
{
    struct str why = { 0 };
    bool is_barred = person_bar(gate, span_of(vote->who), &why) != NULL;

    str_fini(&why);
    return !is_barred && vote_counts(gate, vote) && !is_again(gate, vote);
}

/* Has this human said no since? */
static bool is_taken_back(const struct gate *gate, const struct vote *vote)
{
    struct engine *engine = gate->step->run->engine;
    struct span human = policy_human(engine, span_of(vote->who));

    list_each (link, after, (struct list *)&gate->votes) {
        struct vote *other = list_item(link, struct vote, in_gate);

        if (!other->yes && vote_counts(gate, other) &&
            span_equal(policy_human(engine, span_of(other->who)), human))
            return true;
    }
    return false;
}

static bool fits(const struct gate *gate, struct vote *vote, struct span demand,
                 struct span groups)
{
    return vote->yes && is_member(gate, demand, groups, span_of(vote->who), vote->groups) &&
           stands(gate, vote) && !is_taken_back(gate, vote);
}

/* -- role slots ---------------------------------------------------------------------------- */

struct slots {
    const struct gate *gate;
    struct span demand;
    struct span groups[ENGINE_SLOTS_MAX]; /* a list of one each */
    struct vote *filled_by[ENGINE_SLOTS_MAX];
    bool is_tried[ENGINE_SLOTS_MAX];
    int count;
};

/* Finds a slot for the vote; who is in its way moves to another one, if there is one. */
static bool fill(struct slots *slots, struct vote *vote)
{
    for (int i = 0; i < slots->count; i++) {
        if (slots->is_tried[i] || !fits(slots->gate, vote, slots->demand, slots->groups[i]))
            continue;
        slots->is_tried[i] = true;
        if (slots->filled_by[i] == NULL || fill(slots, slots->filled_by[i])) {
            slots->filled_by[i] = vote;
            return true;
        }
    }
    return false;
}

static int64_t count_filled(const struct gate *gate, struct span demand, struct span list)
{
    struct slots slots = { .gate = gate, .demand = demand };
    struct arena arena = { 0 };
    struct str names = { 0 };
    struct span group;
    size_t pos = 0;
    int filled = 0;

    while (json_next(list, &pos, NULL, &group) && slots.count < ENGINE_SLOTS_MAX) {
        str_reset(&names);
        str_printf(&names, "[%.*s]", (int)group.len, group.ptr);
        slots.groups[slots.count++] =
            (struct span){ arena_dup(&arena, names.ptr, names.len), names.len };
    }
    str_fini(&names);
    list_each (link, after, &gate->votes) {
        memset(slots.is_tried, 0, sizeof slots.is_tried);
        filled += fill(&slots, list_item(link, struct vote, in_gate));
    }
    arena_fini(&arena);
    return filled;
}

/* -- all of it ----------------------------------------------------------------------------- */

int64_t quorum_need(struct span demand)
{
    struct span slots = json_get(demand, "slots");

    return json_count(slots) > 0 ? (int64_t)json_count(slots)
                                 : json_get_int(demand, "need", 1);
}

int64_t quorum_have(const struct gate *gate, struct span demand)
{
    struct span slots = json_get(demand, "slots");
    int64_t have = 0;

    if (json_count(slots) > 0)
        return count_filled(gate, demand, slots);
    list_each (link, after, &gate->votes) {
        have += fits(gate, list_item(link, struct vote, in_gate), demand,
                     json_get(demand, "from"));
    }
    return have;
}

static void add_lost(const struct gate *gate, struct str *lost)
{
    list_each (link, after, &gate->votes) {
        struct vote *vote = list_item(link, struct vote, in_gate);
        struct span who = span_of(vote->who);

        if (!vote->yes || (quorum_asks(gate, who, vote->groups) && stands(gate, vote)))
            continue;
        if (lost->len > 0)
            str_add_text(lost, " and ");
        str_add_shown(lost, who.ptr, who.len);
        const char *why = vote_lost(gate, vote);
        if (why != NULL)
            str_add_text(lost, why);
    }
}

bool quorum_is_met(const struct gate *gate, struct str *lost)
{
    struct span demand;
    size_t pos = 0;

    while (json_next(gate->demands, &pos, NULL, &demand)) {
        if (quorum_have(gate, demand) >= quorum_need(demand))
            continue;
        if (lost != NULL)
            add_lost(gate, lost);
        return false;
    }
    return json_count(gate->demands) > 0;
}

bool quorum_is_denied(const struct gate *gate)
{
    int64_t denials = 0;

    list_each (link, after, &gate->votes) {
        struct vote *vote = list_item(link, struct vote, in_gate);

        denials += !vote->yes && quorum_asks(gate, span_of(vote->who), vote->groups) &&
                   stands(gate, vote);
    }
    return denials >= gate->deny_threshold;
}
