/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/gate.c - a question to people, and their answer.
 *
 *            ┌── enough people say yes ──► GRANTED
 *   OPEN ────┼── anybody says no ────────► DENIED   (or as many as the policy wants)
 *            ├── its time is over ───────► EXPIRED  (and may be put again)
 *            └── the run ended ──────────► VOID
 *
 * A gate lists every change that it covers, each with its digest; its own digest is over
 * all of its row (vouch.c). People vote for that digest.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/sm.h"

static const struct sm_state gate_states[] = {
    [GATE_OPEN] = { "open", SM_CAN(GATE_GRANTED) | SM_CAN(GATE_DENIED) |
                                SM_CAN(GATE_EXPIRED) | SM_CAN(GATE_VOID) },
    [GATE_GRANTED] = { "granted", 0 },
    [GATE_DENIED] = { "denied", 0 },
    [GATE_EXPIRED] = { "expired", 0 },
    [GATE_VOID] = { "void", 0 },
};

/* -- from rows --------------------------------------------------------------------------- */

static void apply_change(struct run *run, struct gate *gate, struct change *change,
                         struct span json)
{
    change->json = json;
    change->path = run_text(run, json_get_raw(json, "path"));
    change->args = json_get(json, "args");
    change->before = json_get(json, "state");
    change->action = run_text(run, json_get_raw(json, "action"));
    char *target = json_get_text(json, "target");
    change->target = run_text(run, span_of(target));
    free(target);
    change->plugin_hash = run_text(run, json_get_raw(json, "plugin"));
    change->policy_hash = run_text(run, json_get_raw(gate->body, "policy"));
    change->digest = run_text(run, json_get_raw(json, "digest"));
}

void gate_apply(struct run *run, const struct event_row *row)
{
    struct gate *gate = arena_alloc(&run->arena, sizeof *gate);
    struct span list, item;
    size_t pos = 0;

    gate->body = run_keep(run, row->body);
    gate->number = (int)json_get_int(gate->body, "g", 0);
    gate->state = GATE_OPEN;
    gate->from = json_get(gate->body, "from");
    gate->demands = json_get(gate->body, "demands");
    gate->due_ms = json_get_int(gate->body, "due", 0);
    gate->on_timeout = run_text(run, json_get_raw(gate->body, "on_timeout"));
    gate->deny_threshold = json_get_int(gate->body, "deny_threshold", 1);
    gate->execute_ms = json_get_int(gate->body, "execute", 0);
    gate->escalate = json_get(gate->body, "escalate");
    gate->remind = json_get(gate->body, "remind");
    gate->also = json_get(gate->body, "also");
    gate->wider = json_get(gate->body, "wider");
    gate->needs_reason = json_get_bool(gate->body, "permanent", false);
    gate->sign = sign_of(json_get_raw(gate->body, "sign"));
    gate->is_question = span_is(json_get_raw(gate->body, "k"), "ask");
    list_init(&gate->votes);
    list = json_get(gate->body, "changes");
    gate->change_count = (int)json_count(list);
    gate->changes =
        arena_alloc(&run->arena, ((size_t)gate->change_count + 1) * sizeof *gate->changes);
    for (int i = 0; json_next(list, &pos, NULL, &item); i++)
        apply_change(run, gate, &gate->changes[i], item);
    struct span branch = json_get_raw(gate->body, "b");
    int64_t n = json_get_int(gate->body, "n", 0);
    struct step *step = step_find(run, branch, n);
    if (step == NULL)
        step = step_new(run, branch, n, json_get_raw(gate->body, "k"),
                        json_get_raw(gate->body, "a"), json_get(gate->body, "args"));
    if (gate->change_count > 0 && strcmp(gate->changes[0].path, step_path(step)) == 0)
        step->target = gate->changes[0].target;
    gate->step = step;
    step->gate = gate->number;
    step->state = STEP_GATED;
    step->must_look = false;
    run->gate_count = gate->number;
    list_add(&run->gates, &gate->in_run);
}

/* A vote is for what its voter saw; an answer is for a question, and names nothing. */
static bool is_for(struct span vote, const struct gate *gate)
{
    return gate->is_question ||
           span_equal(json_get_raw(vote, "d"), json_get_raw(gate->body, "digest"));
}

static const char *text_or_null(struct run *run, struct span body, const char *key)
{
    char *text = json_get_text(body, key);
    const char *kept = text != NULL ? run_text(run, span_of(text)) : NULL;

    free(text);
    return kept;
}

void gate_apply_vote(struct run *run, const struct event_row *row)
{
    struct gate *gate = gate_find(run, (int)json_get_int(row->body, "g", 0));
    struct vote *vote;

    if (gate == NULL || !is_for(row->body, gate))
        return;
    vote = arena_alloc(&run->arena, sizeof *vote);
    char *who = json_get_text(row->body, "who");
    vote->who = run_text(run, span_of(who));
    free(who);
    vote->yes = json_get_bool(row->body, "yes", false);
    char *why = json_get_text(row->body, "why");
    vote->why = run_text(run, span_of(why));
    free(why);
    if (json_get(row->body, "groups").len > 0) {
        struct span groups = json_get(row->body, "groups");

        vote->groups =
            (struct span){ arena_dup(&run->arena, groups.ptr, groups.len), groups.len };
    }
    vote->key = text_or_null(run, row->body, "key");
    vote->sig = text_or_null(run, row->body, "sig");
    list_add(&gate->votes, &vote->in_gate);
}

/* The step that opened the gate, or one of another branch that the gate lists too. */
static bool waits_at(const struct step *step, const struct gate *gate)
{
    return step == gate->step || (step->state == STEP_GATED && step->gate == gate->number);
}

/* Nobody came. What is contained stays so, and the question is put again: to the same, or
 * once to others too. */
static void ask_again(struct run *run, const struct gate *gate)
{
    bool is_wider =
        strcmp(gate->on_timeout, "escalate") == 0 && json_count(gate->wider) > 0;

    if (strcmp(gate->on_timeout, "hold") != 0 && !is_wider)
        return;
    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        if (!waits_at(step, gate))
            continue;
        step->gate = 0;
        step->must_look = strcmp(step->kind, "step") == 0;
        if (is_wider)
            step->also = gate->wider;
    }
}

/* What comes after begins with whom its policy asks. */
static void forget_also(struct run *run, const struct gate *gate)
{
    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        if (waits_at(step, gate))
            step->also = (struct span){ 0 };
    }
}

void gate_apply_end(struct run *run, const struct event_row *row)
{
    struct gate *gate = gate_find(run, (int)json_get_int(row->body, "g", 0));

    if (gate == NULL)
        return;
    sm_move(gate_states, &gate->state, (int)json_get_int(row->body, "s", GATE_VOID));
    gate->value = run_keep(run, json_get(row->body, "v"));
    gate->ended_ms = row->at_ms;
    struct span glass = json_get(row->body, "glass");
    if (glass.len > 0) {
        char *who = json_get_text(glass, "who");

        run->glass = gate->glass = (int)json_get_int(glass, "i", 0);
        gate->glass_by = run_text(run, span_of(who));
        free(who);
    }
    if (gate->state == GATE_EXPIRED)
        ask_again(run, gate);
    if (gate->state == GATE_GRANTED)
        forget_also(run, gate);
}

/* -- ends ---------------------------------------------------------------------------------- */

void gate_put_entry(struct run *run, struct gate *gate)
{
    turn_add_entry(run->engine,
                   &(struct turn_entry){
                       .kind = ENTRY_GATE,
                       .run = run->id,
                       .n = gate->number,
                       .state = gate->state,
                       .due_ms = gate->state == GATE_OPEN ? gate_next_due(gate) : 0,
                       .body = gate->state == GATE_OPEN ? gate->body : span_of("{}"),
                   });
}

/* An action's arguments may hold such a word, too. */
struct span engine_gate_channels(struct span body)
{
    return span_is(json_get_raw(body, "k"), "step")
               ? (struct span){ 0 }
               : json_get(json_get(body, "args"), "notify");
}

static void end_gate(struct run *run, struct gate *gate, int state, const char *key,
                     struct span value)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };
    bool is_last = key != NULL && strcmp(key, "s") > 0;

    json_open(&out, '{');
    json_put_int(&out, "g", gate->number);
    if (key != NULL && !is_last)
        json_put_raw(&out, key, value);
    if (engine_gate_channels(gate->body).len > 0)
        json_put_raw(&out, "notify", engine_gate_channels(gate->body));
    json_put_int(&out, "s", state);
    if (is_last)
        json_put_raw(&out, key, value);
    json_close(&out);
    row_write(run, ROW_GATE_END, str_span(&body));
    str_fini(&body);
    gate_put_entry(run, gate);
    run_push(run);
}

void gate_end(struct run *run, struct gate *gate, int state, struct span value)
{
    end_gate(run, gate, state, value.len > 0 ? "v" : NULL, value);
}

void gate_end_by_glass(struct run *run, struct gate *gate, struct span glass)
{
    end_gate(run, gate, GATE_GRANTED, "glass", glass);
}

void gate_on_due(struct run *run, int number)
{
    struct gate *gate = gate_find(run, number);

    if (gate == NULL || gate->state != GATE_OPEN)
        return;
    if (run->engine->now_ms >= gate->due_ms) {
        gate_end(run, gate, GATE_EXPIRED, (struct span){ 0 });
    } else if (run->engine->now_ms >= gate_next_due(gate)) {
        gate_remind(run, gate);
        gate_put_entry(run, gate);
    }
}

void gate_void_all(struct run *run)
{
    list_each (link, after, &run->gates) {
        struct gate *gate = list_item(link, struct gate, in_run);

        if (gate->state == GATE_OPEN)
            gate_end(run, gate, GATE_VOID, (struct span){ 0 });
    }
}

/* The answer that ctx.approve and ctx.ask get when their gate has ended. */
void gate_answer(struct step *step, struct gate *gate)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    if (gate->state != GATE_GRANTED) {
        step_answer_error(step, gate->state == GATE_DENIED ? "denied" : "expired",
                          "gate %s was %s", id_gate(step->run->id, gate->number).text,
                          gate_state_name(gate->state));
        return;
    }
    if (gate->is_question) {
        step_answer(step, true, gate->value);
        return;
    }
    json_open(&out, '{');
    json_key(&out, "by");
    json_open(&out, '[');
    list_each (link, after, &gate->votes) {
        struct vote *vote = list_item(link, struct vote, in_gate);

        if (vote->yes && gate->glass_by == NULL && vote_counts(gate, vote))
            json_string(&out, vote->who);
    }
    if (gate->glass_by != NULL)
        json_string(&out, gate->glass_by);
    json_close(&out);
    json_close(&out);
    step_answer(step, true, str_span(&body));
    str_fini(&body);
}
