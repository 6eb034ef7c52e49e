/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/tally.c - how far each demand of a gate is met, for people who look at it.
 *
 * A gate whose run is parked has only rows. What stands in a row of a vote was let through by
 * all bars of its time, so here only the policy of now is asked: who is in which group, who is
 * one human, whose key is revoked.
 */
#include "engine/internal.h"

#include <string.h>

static const char *arena_text(struct arena *arena, struct span json)
{
    struct str text = { 0 };

    json_text_to(&text, json);
    const char *kept = arena_dup(arena, str_text(&text), text.len);
    str_fini(&text);
    return kept;
}

static void add_vote(struct arena *arena, struct gate *gate, struct span row)
{
    struct vote *vote = arena_alloc(arena, sizeof *vote);
    bool is_signed = json_get(row, "key").len > 0;

    if (!span_equal(json_get_raw(row, "d"), json_get_raw(gate->body, "digest")))
        return;
    memset(vote, 0, sizeof *vote);
    vote->who = arena_text(arena, json_get(row, "who"));
    vote->why = "";
    vote->yes = json_get_bool(row, "yes", false);
    vote->groups = json_get(row, "groups");
    vote->is_checked = true;
    vote->proof = is_signed ? SIGN_VERIFIED : SIGN_NONE;
    if (is_signed) {
        vote->key = arena_text(arena, json_get(row, "key"));
        vote->sig = "";
    }
    list_add(&gate->votes, &vote->in_gate);
}

static void add_also(struct str *also, struct span body, struct span reminders)
{
    struct str names = { 0 };
    struct span item;
    size_t pos = 0;

    names_add(&names, json_get(body, "also"));
    while (json_next(reminders, &pos, NULL, &item))
        names_add(&names, json_get(item, "from"));
    str_printf(also, "[%s]", str_text(&names));
    str_fini(&names);
}

static void put_demand(struct json_out *out, const struct gate *gate, struct span demand)
{
    int64_t need = quorum_need(demand), have = quorum_have(gate, demand);

    json_open(out, '{');
    json_put_raw(out, "from", json_get(demand, "from"));
    json_put_int(out, "have", have < need ? have : need);
    json_put_int(out, "need", need);
    if (json_count(json_get(demand, "slots")) > 0)
        json_put_raw(out, "slots", json_get(demand, "slots"));
    json_close(out);
}

void engine_gate_tally(struct engine *engine, struct span body, struct span votes,
                       struct span reminders, struct str *out)
{
    struct run run = { .engine = engine };
    struct step step = { .run = &run };
    struct gate gate = { .step = &step,
                         .body = body,
                         .demands = json_get(body, "demands"),
                         .sign = sign_of(json_get_raw(body, "sign")),
                         .is_question = span_is(json_get_raw(body, "k"), "ask") };
    struct json_out list = { .str = out };
    struct str also = { 0 };
    struct span item;
    size_t pos = 0;

    list_init(&gate.votes);
    add_also(&also, body, reminders);
    gate.also = str_span(&also);
    while (json_next(votes, &pos, NULL, &item))
        add_vote(&run.arena, &gate, item);
    pos = 0;
    json_open(&list, '[');
    while (json_next(gate.demands, &pos, NULL, &item))
        put_demand(&list, &gate, item);
    json_close(&list);
    str_fini(&also);
    arena_fini(&run.arena);
}
