/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/undo.c - a rollback is a run of its own: what another run did, backwards.
 *
 * Its steps are in branch "u", one for each effect, the newest first. Each observes before
 * it writes: as it was before, nothing to do; as we left it, restore; anything else is
 * drift, nothing is written, and a person decides. Steps go on past a drift, so that one
 * edited target does not keep all others contained.
 */
#include "engine/holds.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "frame/frame.h"

static bool is_in_branch(const char *branch, const char *of)
{
    size_t len = strlen(of);

    return strncmp(branch, of, len) == 0 && (branch[len] == '\0' || branch[len] == '.');
}

/* ctx.call: what the other run did is undone by a rollback of that run. */
static bool is_call(const struct step *step)
{
    return step->child > 0 && strcmp(step->kind, "call") == 0;
}

/* Did it leave something behind that can be undone? */
static bool is_undoable(const struct step *done)
{
    return is_call(done) || (step_holds(done) && done->goal.len > 0);
}

static bool is_wanted(const struct run *run, const struct step *done)
{
    if (!is_undoable(done))
        return false;
    if (!is_call(done) && hold_find(run->engine, run->of, done->ordinal) == NULL)
        return false; /* it was let go of before */
    if (run->only_step[0] != '\0' && strcmp(run->only_step, step_path(done)) != 0)
        return false;
    if (run->only_target[0] != '\0' && !is_call(done) &&
        !span_equal_nocase(span_of(run->only_target), span_of(done->target)))
        return false;
    return run->since[0] == '\0' || is_in_branch(done->branch, run->since);
}

/* What was answered before its ctx.atomic began is not part of it. */
static bool is_begin_of(const struct run *run, const struct step *step)
{
    return run->since[0] != '\0' && step->n == run->since_n &&
           strcmp(step->branch, run->since) == 0;
}

/* The undo of one step, in the rollback's own memory. */
static struct step *undo_of(struct run *run, const struct step *done, int64_t n)
{
    struct step *undo = step_find(run, span_of("u"), n);

    if (undo == NULL)
        undo = step_new(run, span_of("u"), n, span_of(is_call(done) ? "rollback" : "step"),
                        span_of(done->action), done->args);
    undo->is_undo = true; /* a gate's row alone does not say so */
    undo->undoes_run = is_call(done) ? done->child : run->of;
    if (undo->args.len == 0)
        undo->args = run_keep(run, done->args);
    if (undo->before.len == 0)
        undo->before = run_keep(run, done->before);
    if (undo->goal.len == 0)
        undo->goal = run_keep(run, done->goal);
    if (undo->after.len == 0)
        undo->after = run_keep(run, done->now.len > 0 ? done->now : done->after);
    if (undo->target[0] == '\0')
        undo->target = run_text(run, span_of(done->target));
    undo->own_goal = run_keep(run, done->goal);
    undo->own_after = run_keep(run, done->now.len > 0 ? done->now : done->after);
    undo->is_joined = done->is_joined;
    undo->captured_ms = done->intent_ms;
    undo->undoes_ordinal = done->ordinal;
    undo->undoes_seq = done->intent_seq;
    undo->undoes_path = run_text(run, span_of(step_path(done)));
    undo->what = done->undo != NULL ? run_text(run, span_of(done->undo)) : "put it back";
    return undo;
}

/* Which steps, journaled as branch and number so that the list stays the same however the
 * other run goes on. */
static struct step *list_undos(struct run *run, struct run *of)
{
    struct step *list = step_find(run, span_of("u"), 0);
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    if (list != NULL)
        return list;
    if (!run_is_over(of))
        run_put_entry(of); /* what is released must be in the ledger before */
    json_open(&out, '[');
    for (struct list *link = of->order.prev; link != &of->order; link = link->prev) {
        struct step *done = list_item(link, struct step, in_order);

        if (is_begin_of(run, done) || strcmp(run->back_to, step_path(done)) == 0)
            break;
        if (!is_wanted(run, done))
            continue;
        json_open(&out, '{');
        json_put(&out, "b", done->branch);
        json_put_int(&out, "n", done->n);
        json_close(&out);
    }
    json_close(&out);
    list = step_new(run, span_of("u"), 0, span_of("undo_list"), (struct span){ 0 },
                    (struct span){ 0 });
    list->is_undo = true;
    step_answer(list, true, str_span(&body));
    str_fini(&body);
    return list;
}

static void collect(struct run *run, struct run *of)
{
    struct step *list = list_undos(run, of);
    struct span item;
    size_t pos = 0;
    int64_t n = 1;

    while (json_next(list->value, &pos, NULL, &item)) {
        struct step *done =
            step_find(of, json_get_raw(item, "b"), json_get_int(item, "n", 0));

        if (done != NULL)
            undo_of(run, done, n);
        n++;
    }
    run->has_undo_list = true;
    run->wait_rows_of = 0;
}

void undo_wait_for(struct run *run, int64_t of)
{
    struct run *awaited = run_find(run->engine, of);

    run->wait_rows_of = of;
    if (awaited != NULL)
        awaited->is_awaited = true;
}

/* At a start every open run comes by here, and hardly one is waited for. */
void undo_on_loaded(struct run *of)
{
    struct engine *engine = of->engine;

    if (!of->is_awaited)
        return;
    of->is_awaited = false;
    for (int i = 0; i < TABLE_SIZE; i++) {
        list_each (link, after, &engine->table[i]) {
            struct run *run = list_item(link, struct run, in_table);

            if (run->kind != RUN_ROLLBACK || run->wait_rows_of != of->id || !run->is_loaded)
                continue;
            if (run->has_undo_list)
                run->wait_rows_of = 0; /* of a run that shares a slice */
            else
                collect(run, of);
            run_push(run);
        }
    }
}

static void finish(struct run *run, int undone, int failed)
{
    if (failed > 0 && run_is_shadow(run)) {
        run->more = "some targets could not be looked at";
        run_end(run, RUN_DONE, (struct span){ 0 });
    } else if (failed > 0)
        run_fail(run, RUN_FAILED, "not_undone",
                 "%d of %d could not be undone; `cordon show %s` "
                 "says which and why",
                 failed, undone + failed, id_run(run->id).text);
    else
        run_end(run, RUN_DONE, (struct span){ 0 });
}

/* What is still to come of a shadow is looked at side by side. */
enum { UNDO_LOOKS_MAX = 8 };

void undo_push(struct run *run)
{
    int undone = 0, failed = 0, busy = 0;
    bool is_open = false;

    if (!run->has_undo_list) {
        struct run *of = run_wake(run->engine, run->of);

        if (of == NULL) {
            run_fail(run, RUN_FAILED, "not_found", "there is no run %s",
                     id_run(run->of).text);
            return;
        }
        undo_wait_for(run, run->of);
        if (of->is_loaded)
            collect(run, of);
        else
            return;
    }
    if (run->expired_hold.len > 0 && !expire_go_on(run))
        return;
    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        if (step->n == 0 || !step->is_undo)
            continue;
        if (step->state == STEP_ANSWERED) {
            undone += step->ok;
            failed += !step->ok;
            continue;
        }
        is_open = true;
        if (step->state == STEP_HUMAN)
            continue; /* a person's turn; the others go on */
        if (step->state == STEP_NEW && preview_skips(step))
            continue;
        step_go_on(step);
        if (run_is_over(run) || run->stop_state > 0)
            return;
        if (step->state != STEP_ANSWERED &&
            (!run_is_shadow(run) || ++busy == UNDO_LOOKS_MAX))
            return; /* one after the other */
    }
    if (!is_open)
        finish(run, undone, failed);
}

/* -- what is told ----------------------------------------------------------------------- */

static const char *why_not(const struct step *step)
{
    return step->state == STEP_NEW ? "its turn has not come"
           : step->is_drift        ? "it is not as we left it; nothing was written"
           : step->is_failed       ? "it could not be undone"
                                   : "nobody knows whether it was undone";
}

static void tell_step(struct json_out *out, struct step *step)
{
    json_open(out, '{');
    json_put(out, "action", step->action);
    json_put(out, "of", step->undoes_path);
    json_put(out, "step", step_path(step));
    json_put(out, "target", step->target);
    if (step->state != STEP_ANSWERED) {
        struct span message = json_get(step->value, "message");

        if (step->is_failed && message.len > 0)
            json_put_raw(out, "why", message);
        else
            json_put(out, "why", why_not(step));
    }
    json_close(out);
}

void undo_tell(struct run *run, struct json_out *out)
{
    for (int round = 0; round < 2; round++) {
        json_key(out, round == 0 ? "not_undone" : "undone");
        json_open(out, '[');
        list_each (link, after, &run->steps) {
            struct step *step = list_item(link, struct step, in_run);

            if (step->is_undo && step->n > 0 && strcmp(step->branch, "u") == 0 &&
                (step->state == STEP_ANSWERED) == (round == 1))
                tell_step(out, step);
        }
        json_close(out);
    }
}

/* -- what undoes itself ------------------------------------------------------------------ */

/* Has the ctx.atomic that began here come to its own end? */
static bool is_closed(struct run *run, const struct step *begin)
{
    char args[48], hex[HASH_HEX_LEN + 1];

    snprintf(args, sizeof args, "{\"from\":%" PRId64 "}", begin->n);
    hash_hex(hash_of(args, strlen(args)), hex);
    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        if ((strcmp(step->kind, "atomic_end") == 0 ||
             strcmp(step->kind, "atomic_undo") == 0) &&
            strcmp(step->branch, begin->branch) == 0 &&
            memcmp(step->args_hash, hex, sizeof step->args_hash - 1) == 0)
            return true;
    }
    return false;
}

/* begin NULL: all of it. */
/* People find it where they look at the rollback. */
static void put_cause_of_undo(struct json_out *out, const struct run *run, bool is_atomic)
{
    char *code = json_get_text(run->error, "code");
    struct str why = { 0 };

    str_printf(&why, "%s ended as %s (%s): %s takes back what was done",
               id_run(run->id).text, run_state_name(run->state),
               code != NULL ? code : "no error",
               is_atomic ? "its ctx.atomic" : "on_failure = \"rollback\"");
    json_put(out, "why", str_text(&why));
    str_fini(&why);
    free(code);
}

static void undo_part(struct run *run, const struct step *begin)
{
    struct str limits = { 0 };
    struct json_out out = { .str = &limits };
    struct list *link = run->order.prev;

    while (link != &run->order && list_item(link, struct step, in_order) != begin &&
           !is_undoable(list_item(link, struct step, in_order)))
        link = link->prev;
    if (link == &run->order || list_item(link, struct step, in_order) == begin)
        return;
    json_open(&out, '{');
    if (begin != NULL) {
        json_put(&out, "since", begin->branch);
        json_put_int(&out, "since_n", begin->n);
    }
    put_cause_of_undo(&out, run, begin != NULL);
    json_close(&out);
    run_push(run_start(run->engine, RUN_ROLLBACK, run->playbook, "", span_of("{}"),
                       (struct span){ 0 }, span_of(run->by), run->id, NULL,
                       str_span(&limits)));
    str_fini(&limits);
}

/* A run that a person cancels stays as it is, and so does one that a person must look at. */
void undo_after_end(struct run *run)
{
    const char *within = NULL;

    if (run->kind == RUN_ROLLBACK || run->playbook == NULL ||
        (run->state != RUN_FAILED && run->state != RUN_DENIED && run->state != RUN_BLOCKED))
        return;
    if (run->kind == RUN_LIVE && run->state == RUN_FAILED &&
        span_is(json_get_raw(span_of(run->playbook->info), "on_failure"), "rollback")) {
        undo_part(run, NULL);
        return;
    }
    list_each (link, after, &run->order) {
        struct step *step = list_item(link, struct step, in_order);

        if (strcmp(step->kind, "atomic_begin") != 0 || is_closed(run, step) ||
            (within != NULL && is_in_branch(step->branch, within)))
            continue;
        undo_part(run, step);
        within = step->branch;
    }
}
