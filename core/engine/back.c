/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/back.c - what people ask for on the way back: a rollback, the release of one hold.
 */
#include "engine/holds.h"

#include <stdlib.h>

#include "base/id.h"

static void put_text(struct json_out *out, const struct event *event, const char *key,
                     const char *as)
{
    struct span value = json_get(event->json, key);

    if (json_kind(value) == JSON_STRING)
        json_put_raw(out, as, value);
}

static void start(struct run *run, const struct event *event, struct span limits)
{
    ask_accept_child(run->engine, event,
                     run_start(run->engine, RUN_ROLLBACK, run->playbook, "", span_of("{}"),
                               (struct span){ 0 }, event->who, run->id, NULL, limits));
}

static bool can_undo(struct run *run, const struct event *event)
{
    if (run->kind != RUN_ROLLBACK && run->playbook != NULL)
        return true;
    reply_error(run->engine, event->number, 2, "rollback",
                "%s is a rollback itself; roll back the run that it undid, or run the "
                "playbook again",
                id_run(run->id).text);
    return false;
}

/* Is the step that the ask names one of the run's? It names none: fine. */
static bool has_step(struct run *run, const struct event *event, const char *key)
{
    struct span path = json_get_raw(event->json, key);

    if (path.len == 0)
        return true;
    list_each (link, after, &run->steps) {
        if (span_is(path, step_path(list_item(link, struct step, in_run))))
            return true;
    }
    reply_error(run->engine, event->number, 2, "not_found",
                "run %s has no step %.*s: `cordon show %s` lists them",
                id_run(run->id).text, (int)(path.len < 80 ? path.len : 80), path.ptr,
                id_run(run->id).text);
    return false;
}

/* Back to a step that the run never got done would be back beyond its beginning. */
static bool is_reached(struct run *run, const struct event *event)
{
    struct span path = json_get_raw(event->json, "to");

    list_each (link, after, &run->order) {
        if (span_is(path, step_path(list_item(link, struct step, in_order))))
            return true;
    }
    if (path.len == 0)
        return true;
    reply_error(run->engine, event->number, 2, "not_done",
                "run %s did not get step %.*s done, so nothing came after it: name a step "
                "that was, or leave --to away to undo all of it",
                id_run(run->id).text, (int)(path.len < 80 ? path.len : 80), path.ptr);
    return false;
}

/* A target that the run did not change would be rolled back in no time, and stay as it is.
 * What a run that it called did is looked at by that one's own rollback. */
static bool has_target(struct run *run, const struct event *event)
{
    char *target = json_get_text(event->json, "target");
    bool is_there = target == NULL;

    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        is_there |=
            step->child > 0 || ((step->attempt > 0 || step->is_noop) &&
                                span_equal_nocase(span_of(step->target), span_of(target)));
    }
    if (!is_there)
        reply_error(run->engine, event->number, 2, "not_found",
                    "run %s changed nothing at target %.200s: want a target's whole id, as "
                    "`cordon contained` shows it",
                    id_run(run->id).text, target);
    free(target);
    return is_there;
}

void ask_rollback(struct run *run, const struct event *event)
{
    bool is_part = json_kind(json_get(event->json, "step")) == JSON_STRING ||
                   json_kind(json_get(event->json, "target")) == JSON_STRING;
    struct str limits = { 0 };
    struct json_out out = { .str = &limits };

    if (!can_undo(run, event) || (!is_part && ask_must_end_first(run, event)) ||
        !has_step(run, event, "to") || !is_reached(run, event) ||
        !has_step(run, event, "step") || !has_target(run, event))
        return;
    json_open(&out, '{');
    put_text(&out, event, "step", "step");
    put_text(&out, event, "target", "target");
    put_text(&out, event, "to", "to");
    put_text(&out, event, "reason", "why");
    json_close(&out);
    if (json_get_bool(event->json, "plan", false))
        preview_rollback(run, event, str_span(&limits));
    else
        start(run, event, str_span(&limits));
    str_fini(&limits);
}

void ask_take_back(struct run *run, const struct step *step, const struct event *event)
{
    struct str limits = { 0 };
    struct json_out out = { .str = &limits };

    json_open(&out, '{');
    json_put(&out, "step", step_path(step));
    put_text(&out, event, "reason", "why");
    json_close(&out);
    start(run, event, str_span(&limits));
    str_fini(&limits);
}

/* -- one hold -------------------------------------------------------------------------------- */

/* The hold that the ask's --run has on the same slice. */
static struct hold *hold_of_run(struct engine *engine, const struct hold *named,
                                int64_t run)
{
    list_each (link, after, &engine->holds_by_run[(uint64_t)run % TABLE_SIZE]) {
        struct hold *hold = list_item(link, struct hold, in_run);

        if (hold->run == run && hold->slice == named->slice)
            return hold;
    }
    return NULL;
}

bool ask_find_hold(struct engine *engine, const struct event *event, int64_t *run, int *n)
{
    struct span name = json_get_raw(event->json, "hold");
    struct span of = json_get_raw(event->json, "run");
    struct hold *hold;
    int64_t other;

    if (!id_parse_hold(name, run, n)) {
        reply_error(engine, event->number, 2, "not_found",
                    "which hold? They are named like h-000041-2: see cordon contained");
        return false;
    }
    hold = hold_find(engine, *run, *n);
    if (hold == NULL) {
        reply_error(engine, event->number, 1, "not_held",
                    "%s is no hold that is on: see cordon contained",
                    id_hold(*run, *n).text);
        return false;
    }
    if (of.len > 0 && !id_parse_run(of, &other)) {
        reply_error(engine, event->number, 2, "not_found",
                    "--run %.*s is no run: they are named like r-000041", (int)of.len,
                    of.ptr);
        return false;
    }
    if (of.len > 0)
        hold = hold_of_run(engine, hold, other);
    if (hold == NULL) {
        reply_error(engine, event->number, 1, "not_held",
                    "run %s does not want what %s holds: see cordon contained",
                    id_run(other).text, id_hold(*run, *n).text);
        return false;
    }
    *run = hold->run;
    *n = hold->n;
    return true;
}

/* Of what cannot be undone nothing is let go of. */
static bool is_for_good(struct run *run, const struct event *event, int n)
{
    const struct step *step = hold_step(run, n);

    if (step != NULL && (step->goal.len > 0 || !step->has_intent))
        return false;
    reply_error(run->engine, event->number, 1, "permanent",
                "%s on %s cannot be undone, so there is nothing to release; `cordon show "
                "%s` says why",
                step != NULL ? step->action : "it",
                step != NULL ? step->target : "its target", id_run(run->id).text);
    return true;
}

void ask_release(struct run *run, const struct event *event)
{
    struct str limits = { 0 };
    struct json_out out = { .str = &limits };
    int64_t id;
    int n;

    /* Again: it may have been let go of while the rows were read. */
    if (!ask_find_hold(run->engine, event, &id, &n) || !can_undo(run, event) ||
        is_for_good(run, event, n))
        return;
    json_open(&out, '{');
    json_put(&out, "step", step_path(hold_step(run, n)));
    put_text(&out, event, "reason", "why");
    json_close(&out);
    start(run, event, str_span(&limits));
    str_fini(&limits);
}

/* -- once more ------------------------------------------------------------------------------- */

static void retry(struct step *step, const struct event *event)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    json_open(&out, '{');
    json_put(&out, "b", step->branch);
    json_put(&out, "choice", "retry");
    json_put_int(&out, "n", step->n);
    json_put_span(&out, "who", event->who);
    put_text(&out, event, "reason", "why");
    json_close(&out);
    row_write(step->run, ROW_SETTLE, str_span(&body));
    str_fini(&body);
}

void ask_retry(struct run *run, const struct event *event)
{
    int count = 0;

    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        if (step->state != STEP_HUMAN)
            continue;
        retry(step, event);
        count++;
    }
    if (count == 0) {
        reply_error(run->engine, event->number, 1, "not_stuck",
                    "run %s has nothing that a person must settle, and so nothing to try "
                    "again",
                    id_run(run->id).text);
        return;
    }
    run->state = RUN_RUNNING;
    ask_accept(run, event);
    run_push(run);
}
