/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/need.c - what a change needs, as a gate's row has it, and whether it was met.
 */
#include "engine/internal.h"

/* The role slots of the rules that have some. */
static void put_slots(struct json_out *out, const struct need *need)
{
    bool has_slots = false;

    list_each (link, after, (struct list *)&need->demands) {
        struct demand *demand = list_item(link, struct demand, in_need);

        if (demand->slots.len == 0)
            continue;
        if (!has_slots) {
            json_key(out, "slots");
            json_open(out, '[');
        }
        has_slots = true;
        json_raw_value(out, demand->slots);
    }
    if (has_slots)
        json_close(out);
}

void need_put(struct json_out *out, const struct step *step, const struct need *need)
{
    json_open(out, '{');
    if (!list_is_empty((struct list *)&need->demands))
        demands_put(out, &need->demands);
    if (need->is_forbidden)
        json_put_bool(out, "forbidden", true);
    if (json_count(need->freezes) > 0)
        json_put_raw(out, "freezes", need->freezes);
    json_put_raw(out, "from", need->from);
    guard_put(out, step);
    json_put_int(out, "need", need->need);
    json_put_raw(out, "rules", need->rules);
    if (need->sign != SIGN_NONE)
        json_put(out, "sign", sign_word(need->sign));
    put_slots(out, need);
    if (need->is_forbidden && need->why.len > 0)
        json_put_span(out, "why", need->why);
    json_close(out);
}

static bool stands_for(struct span demand, const struct demand *wanted)
{
    struct span slots = json_get(demand, "slots");

    return json_same(json_get(demand, "from"), wanted->from) &&
           (slots.len == 0 ? wanted->slots.len == 0 : json_same(slots, wanted->slots)) &&
           json_get_int(demand, "need", 0) >= wanted->need;
}

bool need_is_covered(const struct gate *gate, const struct need *need)
{
    int sign = policy_sign(gate->step->run->engine, "gate.sign");

    /* Whoever approved without a key did so when none was wanted. */
    if (gate->sign < sign || gate->sign < need->sign)
        return false;
    list_each (link, after, (struct list *)&need->demands) {
        struct span demand;
        size_t pos = 0;
        bool is_met = false;

        while (!is_met && json_next(gate->demands, &pos, NULL, &demand))
            is_met = stands_for(demand, list_item(link, struct demand, in_need));
        if (!is_met)
            return false;
    }
    return true;
}
