/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/demand.c - how many people, and whose: as rules and playbooks say it, and as a
 * gate's row has it.
 */
#include "engine/internal.h"

int64_t need_count(struct span need, int64_t otherwise)
{
    return json_kind(need) == JSON_ARRAY ? (int64_t)json_count(need)
                                         : json_int(need, otherwise);
}

void demand_add_slots(struct engine *engine, struct list *demands, struct span slots)
{
    struct str names = { 0 }, from = { 0 };

    list_each (link, after, demands) {
        struct demand *other = list_item(link, struct demand, in_need);

        if (!other->is_firm && json_same(other->slots, slots))
            return;
    }
    names_add(&names, slots);
    str_printf(&from, "[%s]", str_text(&names));
    struct demand *demand = arena_alloc(engine->turn->arena, sizeof *demand);
    *demand = (struct demand){ .need = (int64_t)json_count(slots),
                               .from = turn_keep(engine, str_span(&from)),
                               .slots = turn_keep(engine, slots) };
    list_add(demands, &demand->in_need);
    str_fini(&names);
    str_fini(&from);
}

/* The same that is firm already is asked once. */
static bool is_there(const struct list *demands, const struct demand *wanted)
{
    list_each (link, after, (struct list *)demands) {
        const struct demand *other = list_item(link, struct demand, in_need);

        if (other->is_firm && json_same(other->from, wanted->from) &&
            json_same(other->slots, wanted->slots) && other->need >= wanted->need)
            return true;
    }
    return false;
}

void demand_add_policy(struct engine *engine, struct list *demands,
                       const struct demand *wanted, bool is_firm)
{
    if (is_firm && !is_there(demands, wanted)) {
        struct demand *demand = arena_alloc(engine->turn->arena, sizeof *demand);

        *demand = *wanted;
        demand->is_firm = true;
        list_add(demands, &demand->in_need);
    } else if (!is_firm && wanted->slots.len > 0) {
        demand_add_slots(engine, demands, wanted->slots);
    } else if (!is_firm) {
        demand_add(engine, demands, wanted->need, wanted->from);
    }
}

void demand_add_need(struct engine *engine, struct list *demands, struct span need,
                     struct span from)
{
    int64_t count = need_count(need, 1);

    if (json_kind(need) == JSON_ARRAY)
        demand_add_slots(engine, demands, need);
    else
        demand_add(engine, demands, count > 1 ? count : 1, from);
}

void demands_put(struct json_out *out, const struct list *demands)
{
    json_key(out, "demands");
    json_open(out, '[');
    list_each (link, after, demands) {
        struct demand *demand = list_item(link, struct demand, in_need);

        json_open(out, '{');
        json_put_raw(out, "from", demand->from);
        json_put_int(out, "need", demand->need);
        if (demand->is_firm)
            json_put_bool(out, "policy", true);
        if (demand->slots.len > 0)
            json_put_raw(out, "slots", demand->slots);
        json_close(out);
    }
    json_close(out);
}
