/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/explain.c - for each change of a run, which rules, freezes and guards made it so.
 *
 * What was begun is told from its row: what held then. What waits at a gate is told twice, as
 * the gate's row has it and as the policy says now, since both may differ.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"

static const char *state_word(const struct step *step)
{
    if (step->is_noop)
        return "already so";
    if (step->state == STEP_ANSWERED)
        return step->is_done && !step->ok ? "partly done"
               : step->is_done            ? "done"
                                          : "not done";
    return step->state == STEP_HUMAN      ? "a person must settle it"
           : step->state == STEP_APPLYING ? "under way"
           : step->state == STEP_IN_DOUBT ? "in doubt"
           : step->state == STEP_GATED    ? "waits at a gate"
           : step->state == STEP_HELD     ? "held"
                                          : "not begun";
}

static void put_begun(struct json_out *out, const struct step *step)
{
    json_open(out, '{');
    json_put(out, "action", step->action);
    json_put(out, "gate",
             step->permit_gate > 0 ? id_gate(step->run->id, step->permit_gate).text : NULL);
    json_put(out, "op", step->is_undo ? "restore" : "apply");
    json_put(out, "path", step_path(step));
    if (!step->is_noop)
        json_put_raw(out, "rules", step->why.len > 0 ? step->why : span_of("[]"));
    json_put(out, "state", state_word(step));
    json_put(out, "target", step->target);
    json_close(out);
}

/* What its plugin told beside the slice, as the gate's row has it. */
static void info_again(struct json_out *out, struct span json)
{
    static const char *const keys[] = { "exists", "own",       "subscription", "tags",
                                        "tenant", "uncounted", "unplaced",     "within" };

    json_open(out, '{');
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct span from = strcmp(keys[i], "tags") == 0 ? json : json_get(json, "info");

        if (json_get(from, keys[i]).len > 0)
            json_put_raw(out, keys[i], json_get(from, keys[i]));
    }
    json_close(out);
}

/* A change of a gate's list, as a step that can be asked about again. */
static struct step *step_again(struct run *shadow, const struct change *change)
{
    struct span json = change->json;
    struct step *step = step_new(shadow, json_get_raw(json, "path"), 0, span_of("step"),
                                 json_get_raw(json, "action"), json_get(json, "args"));
    struct str info = { 0 };
    struct json_out out = { .str = &info };

    info_again(&out, json);
    step->plan_info = run_keep(shadow, str_span(&info));
    str_fini(&info);
    step->is_partly_told = json_get(json, "info").len == 0;
    step->target = change->target;
    step->is_undo = span_is(json_get_raw(json, "op"), "restore");
    step->before = step->now = json_get(json, "before");
    step->after = json_get(json, "after");
    if (json_kind(json_get(json, "undo")) == JSON_STRING)
        step->goal = step->before;
    return step;
}

static void put_waiting(struct json_out *out, const struct gate *gate,
                        const struct change *change, const struct step *again)
{
    struct need need;

    policy_need(again, &need);
    json_open(out, '{');
    json_put(out, "action", change->action);
    json_put(out, "gate", id_gate(gate->step->run->id, gate->number).text);
    json_put_raw(out, "needs", json_get(change->json, "needs"));
    json_key(out, "now");
    need_put(out, again, &need);
    if (again->is_partly_told)
        json_put_raw(out, "not_known",
                     span_of("[\"exists\",\"own\",\"tenant\",\"within\"]"));
    json_put_raw(out, "op", json_get(change->json, "op"));
    json_put(out, "path", change->path);
    json_put_raw(out, "rules", json_get(json_get(change->json, "needs"), "rules"));
    json_put(out, "state", "waits at a gate");
    json_put(out, "target", change->target);
    json_close(out);
}

static bool is_wanted(struct span only, const char *path)
{
    return only.len == 0 || span_is(only, path);
}

/* All that an open gate lists, in its order, so that each counts those before it. */
static void put_gate(struct json_out *out, struct gate *gate, struct span only)
{
    struct run *run = gate->step->run;
    struct run *shadow = run_new(run->engine, run->id | SHADOW, RUN_PLAN);

    shadow->playbook_name = run->playbook_name;
    shadow->by = run->by;
    shadow->alert = run->alert;
    shadow->root = run->root;
    shadow->top = run->top;
    shadow->cause = run->cause;
    shadow->planned = arena_alloc(&shadow->arena,
                                  ((size_t)gate->change_count + 1) * sizeof(struct step *));
    for (int i = 0; i < gate->change_count; i++) {
        struct step *again = step_again(shadow, &gate->changes[i]);

        shadow->planned[shadow->planned_count++] = again;
        if (is_wanted(only, gate->changes[i].path))
            put_waiting(out, gate, &gate->changes[i], again);
    }
    run_free(shadow);
}

/* Why what its open gates list may not be all, and what they take as given. */
static void put_limits(struct run *run, struct json_out *out)
{
    struct span more = { 0 }, item;

    json_key(out, "assumes");
    json_open(out, '[');
    list_each (link, after, &run->gates) {
        const struct gate *gate = list_item(link, struct gate, in_run);
        size_t pos = 0;

        if (gate->state != GATE_OPEN || gate->is_question)
            continue;
        while (json_next(json_get(gate->body, "assumes"), &pos, NULL, &item))
            json_raw_value(out, item);
        if (more.len == 0)
            more = json_get(gate->body, "more");
    }
    json_close(out);
    json_put_raw(out, "more", more);
}

static bool is_change(const struct step *step)
{
    return strcmp(step->kind, "step") == 0 && (step->attempt > 0 || step->is_noop);
}

/* Done or waiting. */
static bool has_change(struct run *run, struct span path)
{
    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        if (is_change(step) && span_is(path, step_path(step)))
            return true;
    }
    list_each (link, after, &run->gates) {
        struct gate *gate = list_item(link, struct gate, in_run);

        for (int i = 0; gate->state == GATE_OPEN && i < gate->change_count; i++)
            if (span_is(path, gate->changes[i].path))
                return true;
    }
    return false;
}

void explain_reply(struct run *run, const struct event *event)
{
    struct span only = json_get_raw(event->json, "step");
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    if (only.len > 0 && !has_change(run, only)) {
        reply_error(run->engine, event->number, 2, "not_found",
                    "run %s has no change at step %.*s: `cordon policy explain %s` lists "
                    "those that it has",
                    id_run(run->id).text, (int)(only.len < 80 ? only.len : 80), only.ptr,
                    id_run(run->id).text);
        return;
    }
    json_open(&out, '{');
    put_limits(run, &out);
    json_put_raw(&out, "error", run->error);
    json_put(&out, "playbook", run->playbook_name);
    json_put(&out, "policy", run->engine->policy_hash);
    json_put(&out, "run", id_run(run->id).text);
    json_put(&out, "state", run_state_name(run->state));
    json_key(&out, "steps");
    json_open(&out, '[');
    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        if (is_change(step) && is_wanted(only, step_path(step)))
            put_begun(&out, step);
    }
    list_each (link, after, &run->gates) {
        struct gate *gate = list_item(link, struct gate, in_run);

        if (gate->state == GATE_OPEN && !gate->is_question)
            put_gate(&out, gate, only);
    }
    json_close(&out);
    json_close(&out);
    reply_json(run->engine, event->number, 0, str_span(&body), false);
    str_fini(&body);
}
