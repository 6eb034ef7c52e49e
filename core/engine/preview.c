/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/preview.c - what would happen: the same run, with another answerer.
 *
 * A shadow is a run that lives only in memory. It replays what its run has had answered,
 * takes the gate as granted, and goes on: reads are live, changes are observed and planned
 * and never applied. What it planned is what the gate lists. `cordon plan` is a shadow of
 * a run that was never started.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "frame/frame.h"

enum {
    PREVIEW_MS = 60 * 1000,
    CHECK_MS = 15 * 1000,  /* of a check, and for each of its targets in addition */
    CHECK_TARGET_MS = 1000 /* since only some are observed at once */
};

static void list_step(struct run *shadow, struct step ***steps, int *count, int *cap,
                      struct step *step)
{
    if (*count == *cap) {
        int more = *cap == 0 ? 16 : *cap * 2;
        struct step **grown =
            arena_alloc(&shadow->arena, (size_t)more * sizeof(struct step *));

        if (*count > 0)
            memcpy(grown, *steps, (size_t)*count * sizeof(struct step *));
        *steps = grown;
        *cap = more;
    }
    (*steps)[(*count)++] = step;
}

static void plan_change(struct run *shadow, struct step *step)
{
    list_step(shadow, &shadow->planned, &shadow->planned_count, &shadow->planned_cap, step);
}

/* A step of the run, as the shadow has it from the start. */
static struct step *cast(struct run *shadow, const struct step *step)
{
    struct step *copy = step_new(shadow, span_of(step->branch), step->n,
                                 span_of(step->kind), span_of(step->action), step->args);
    memcpy(copy->args_hash, step->args_hash, sizeof copy->args_hash);
    copy->ok = step->ok;
    copy->value = step->value;
    copy->before = step->before;
    copy->after = step->after;
    copy->goal = step->goal;
    copy->now = step->now;
    copy->plan_info = step->plan_info;
    copy->target = step->target;
    copy->token = step->token;
    copy->what = step->what;
    copy->undo = step->undo;
    copy->is_undo = step->is_undo;
    copy->may_restore_over = step->may_restore_over;
    copy->undoes_run = step->undoes_run;
    copy->undoes_ordinal = step->undoes_ordinal;
    copy->undoes_seq = step->undoes_seq;
    copy->undoes_path = step->undoes_path;
    copy->own_after = step->own_after;
    copy->own_goal = step->own_goal;
    copy->passes = step->passes;
    copy->is_joined = step->is_joined;
    copy->captured_ms = step->captured_ms;
    return copy;
}

static void take_as_answered(struct run *shadow, struct step *step, struct span value)
{
    step->ok = true;
    step->value = value;
    step->state = STEP_ANSWERED;
    list_add(&shadow->order, &step->in_order);
}

static bool is_same_slice(const struct step *a, const struct step *b)
{
    return strcmp(a->action, b->action) == 0 &&
           span_equal_nocase(span_of(a->target), span_of(b->target));
}

/* What the rollback would do after this step, to be looked at. */
static void cast_undos(struct run *shadow, const struct step *at)
{
    shadow->has_undo_list = true;
    list_each (link, after, &at->run->steps) {
        const struct step *step = list_item(link, struct step, in_run);

        if (step != at && step->is_undo && step->n > 0 && step->state == STEP_NEW)
            cast(shadow, step);
    }
}

bool preview_skips(struct step *step)
{
    bool is_known = strcmp(step->kind, "step") == 0;

    if (!run_is_shadow(step->run) || (step->run->is_check && is_known))
        return false;
    list_each (link, after, &step->run->steps) {
        const struct step *earlier = list_item(link, struct step, in_run);

        if (earlier == step)
            break;
        if (earlier->n > 0 && earlier->is_undo && is_same_slice(earlier, step))
            is_known = false;
    }
    if (is_known)
        return false;
    step->run->more = "some of it is not known before what is listed is undone";
    step_answer(step, true, span_of("{}"));
    return true;
}

struct run *preview_start(struct run *run, struct step *at)
{
    struct run *shadow = run_new(run->engine, run->id | SHADOW, run->kind);

    shadow->casts = run;
    shadow->at = at;
    shadow->playbook = run->playbook;
    shadow->hash_hex = run->hash_hex;
    shadow->playbook_name = run->playbook_name;
    shadow->entry = run->entry;
    shadow->by = run->by;
    shadow->params = run->params;
    shadow->alert = run->alert;
    shadow->of = run->of;
    shadow->root = run->root;
    shadow->top = run->top;
    shadow->cause = run->cause;
    shadow->is_loaded = true;
    shadow->wants_vm = true;
    shadow->begun_ms = run->engine->now_ms;
    run->shadow = shadow;
    list_each (link, after, &run->order) {
        struct step *step = list_item(link, struct step, in_order);
        struct step *copy = cast(shadow, step);

        copy->state = STEP_ANSWERED;
        list_add(&shadow->order, &copy->in_order);
    }
    struct step *copy = cast(shadow, at);
    if (strcmp(at->kind, "step") == 0) {
        plan_change(shadow, copy);
        take_as_answered(shadow, copy, step_result(copy));
    } else {
        take_as_answered(shadow, copy, span_of("{\"by\":[]}"));
    }
    if (at->is_undo)
        cast_undos(shadow, at);
    if (run->kind == RUN_ROLLBACK && !at->is_undo)
        preview_end(shadow, NULL);
    else
        run_push(shadow);
    return shadow;
}

static void preview_action(struct step *step)
{
    struct action *action = action_find(step->run->engine, span_of(step->action));

    if (action == NULL || action->plugin->is_refused) {
        step_answer_error(step, "unknown_action", "no plugin offers %s", step->action);
        return;
    }
    step->run->reads++;
    step->state = STEP_CALLING;
    host_call(step, action->effect == EFFECT_READS ? HOST_READ : HOST_PREPARE);
}

/* This branch does not go on. Others do, and when none can, the preview is over. */
static void block(struct step *step, const char *why)
{
    step->state = STEP_GATED;
    step->gate = -1; /* none of ours */
    step->run->blocked = why;
}

static bool is_blocked(const struct step *step)
{
    return step->state == STEP_GATED && step->gate < 0;
}

/* Does nothing happen any more but in blocked branches? */
static bool is_at_rest(struct run *shadow)
{
    if (shadow->blocked == NULL || shadow->turns > 0 || shadow->calls > 0)
        return false;
    list_each (link, after, &shadow->steps) {
        const struct step *step = list_item(link, struct step, in_run);

        if (!is_blocked(step) && !(step->state == STEP_ANSWERED && step->is_delivered))
            return false;
    }
    return true;
}

/* Branches of one ctx.all go on side by side: "0.1.2" and "0.1.3.1.1", but not "0.2.1",
 * which began when all of the first were at their end. */
static bool are_beside(const char *a, const char *b)
{
    bool is_child = true; /* "0" is one; then a fork and a child of it, in turn */

    for (;;) {
        size_t len_a = strcspn(a, "."), len_b = strcspn(b, ".");

        if (len_a != len_b || memcmp(a, b, len_a) != 0)
            return is_child;
        if (a[len_a] == '\0' || b[len_b] == '\0')
            return false;
        a += len_a + 1;
        b += len_b + 1;
        is_child = !is_child;
    }
}

/* Has the playbook been given the result of a change that was only planned, before it came
 * to this step? Then what the step is may depend on it. */
static bool is_assumed(const struct run *shadow, const struct step *step)
{
    bool is_found = false;

    for (int i = 0; i < shadow->planned_count; i++) {
        struct step *before = shadow->planned[i];

        if (!before->is_delivered || are_beside(before->branch, step->branch))
            continue;
        before->is_relied_on |= strcmp(step->kind, "step") == 0;
        is_found = true;
    }
    return is_found;
}

/* It looks once: what is true later is not known. */
static void preview_wait(struct step *step)
{
    struct str value = { 0 };

    if (json_get(step->args, "at").len > 0) {
        block(step, "what follows waits for something that is not so yet");
        return;
    }
    str_printf(&value, "{\"at\":%lld,\"look\":1}", (long long)step->run->engine->now_ms);
    step_answer(step, true, str_span(&value));
    str_fini(&value);
}

/* A plan goes on behind an approval as if it were given. */
static void preview_grant(struct step *step)
{
    struct run *shadow = step->run;

    list_step(shadow, &shadow->granted, &shadow->granted_count, &shadow->granted_cap, step);
    step_answer(step, true, span_of("{\"by\":[]}"));
}

void preview_step(struct step *step)
{
    struct run *shadow = step->run;
    const char *kind = step->kind;

    step->is_assumed = is_assumed(shadow, step);
    if (strcmp(kind, "step") == 0) {
        preview_action(step);
    } else if (strcmp(kind, "approve") == 0) {
        if (shadow->casts != NULL)
            block(step, "what follows the next gate is shown there");
        else
            preview_grant(step);
    } else if (strcmp(kind, "ask") == 0) {
        block(step, "what follows depends on a question to people");
    } else if (strcmp(kind, "rollback") == 0 || strcmp(kind, "atomic_undo") == 0 ||
               strcmp(kind, "call") == 0 || strcmp(kind, "signal") == 0) {
        block(step, "what follows depends on another run");
    } else if (strcmp(kind, "wait_until") == 0) {
        preview_wait(step);
    } else if (strcmp(kind, "sleep") == 0) {
        step_answer(step, true, span_of("null"));
    } else {
        step_begin_plain(step);
    }
}

/* False when the gate would show more than a row holds; what follows has gates of its own. */
static bool plan_more(struct run *shadow, struct step *step)
{
    shadow->planned_bytes += step->args.len + 2 * step->before.len + step->after.len +
                             step->plan_info.len + 2 * strlen(step->target);
    if (shadow->planned_bytes > ENGINE_PREVIEW_MAX && shadow->planned_count > 0) {
        preview_end(shadow, "there is more than one gate can show");
        return false;
    }
    plan_change(shadow, step);
    return true;
}

void preview_on_prepared(struct step *step)
{
    step->is_noop = json_same(step->before, step->after);
    step->info = (struct span){ 0 };
    if (!step->is_noop && !plan_more(step->run, step))
        return;
    struct span result = step_result(step);
    step_answer(step, true, result);
}

void preview_on_failed(struct step *step, bool is_refused)
{
    struct run *shadow = step->run;

    if (!run_is_shadow(shadow))
        return;
    list_step(shadow, &shadow->failed, &shadow->failed_count, &shadow->failed_cap, step);
    shadow->is_refused |= is_refused;
}

void preview_undo(struct step *step, bool is_drift)
{
    struct run *shadow = step->run;

    shadow->reads++;
    if (is_drift && !step->may_restore_over)
        list_step(shadow, &shadow->drifted, &shadow->drifted_count, &shadow->drifted_cap,
                  step);
    else if (!plan_more(shadow, step))
        return;
    step_answer(step, true, span_of("{}"));
}

static void put_drift(struct json_out *out, const struct step *step)
{
    json_open(out, '{');
    json_put(out, "action", step->action);
    json_put_raw(out, "before", step->goal);
    json_put_raw(out, "now", step->now);
    json_put_raw(out, "ours", step->after);
    json_put(out, "path", step_path(step));
    json_put(out, "target", step->target);
    json_close(out);
}

static void put_failed(struct json_out *out, const struct step *step)
{
    json_open(out, '{');
    json_put(out, "action", step->action);
    json_put_raw(out, "args", step->args);
    json_put_raw(out, "code", json_get(step->value, "code"));
    json_put_raw(out, "message", json_get(step->value, "message"));
    json_put(out, "path", step_path(step));
    json_put(out, "target", step->target);
    json_close(out);
}

static void put_steps(struct json_out *out, const char *key, struct step *const *steps,
                      int count, void (*put)(struct json_out *, const struct step *))
{
    if (count == 0)
        return;
    json_key(out, key);
    json_open(out, '[');
    for (int i = 0; i < count; i++)
        put(out, steps[i]);
    json_close(out);
}

static void put_relied_on(const struct run *shadow, struct json_out *out)
{
    struct str text = { 0 };

    for (int i = 0; i < shadow->planned_count; i++) {
        const struct step *step = shadow->planned[i];

        if (!step->is_relied_on)
            continue;
        str_printf(&text, "%s %s on %s ends as planned", step_path(step), step->action,
                   step->target);
        json_string(out, str_text(&text));
        str_reset(&text);
    }
    str_fini(&text);
}

void preview_put_assumes(const struct run *shadow, struct json_out *out)
{
    struct str text = { 0 };

    json_key(out, "assumes");
    json_open(out, '[');
    for (int i = 0; i < shadow->granted_count; i++) {
        str_add_text(&text, "approval \"");
        json_text_to(&text, json_get(shadow->granted[i]->args, "title"));
        str_add_text(&text, "\" is given");
        json_string(out, str_text(&text));
        str_reset(&text);
    }
    put_relied_on(shadow, out);
    json_close(out);
    str_fini(&text);
}

bool preview_assumes(const struct run *shadow)
{
    for (int i = 0; i < shadow->planned_count; i++)
        if (shadow->planned[i]->is_relied_on)
            return true;
    return shadow->granted_count > 0;
}

void preview_put_rest(const struct run *shadow, struct json_out *out)
{
    put_steps(out, "drifted", shadow->drifted, shadow->drifted_count, put_drift);
    put_steps(out, "failed", shadow->failed, shadow->failed_count, put_failed);
}

void preview_rollback(struct run *run, const struct event *event, struct span limits)
{
    struct engine *engine = run->engine;
    struct run *shadow =
        run_new(engine, SHADOW | (SHADOW >> 1) | event->number, RUN_ROLLBACK);

    shadow->playbook = run->playbook;
    shadow->plan_ask = event->number;
    shadow->hash_hex = run->playbook->hash;
    shadow->playbook_name = run_text(shadow, span_of(run->playbook_name));
    shadow->by = run_text(shadow, event->who);
    shadow->of = run->id;
    shadow->only_step = run_text(shadow, json_get_raw(limits, "step"));
    char *target = json_get_text(limits, "target");
    shadow->only_target = run_text(shadow, span_of(target));
    free(target);
    shadow->back_to = run_text(shadow, json_get_raw(limits, "to"));
    shadow->is_loaded = true;
    shadow->begun_ms = engine->now_ms;
    run_push(shadow);
}

static void reply_plan(struct run *shadow)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };
    struct need need;

    json_open(&out, '{');
    preview_put_assumes(shadow, &out);
    json_key(&out, "changes");
    json_open(&out, '[');
    for (int i = 0; i < shadow->planned_count; i++) {
        policy_need(shadow->planned[i], &need);
        change_json(&out, shadow->planned[i], NULL, &need);
    }
    json_close(&out);
    preview_put_rest(shadow, &out);
    json_put_raw(&out, "error", shadow->error);
    if (shadow->left.len > 0) {
        json_key(&out, "left");
        json_open(&out, '[');
        json_raw_value(&out, str_span(&shadow->left));
        json_close(&out);
    }
    json_put(&out, "more", shadow->stopped);
    json_put_int(&out, "reads", shadow->reads);
    json_put(&out, "state", shadow->error.len > 0 ? "failed" : "done");
    json_close(&out);
    if (shadow->plan_alert > 0)
        alert_planned(shadow, str_span(&body));
    else
        reply_json(shadow->engine, shadow->plan_ask, shadow->error.len > 0 ? 1 : 0,
                   str_span(&body), false);
    str_fini(&body);
}

void preview_end(struct run *shadow, const char *stopped)
{
    struct run *run = shadow->casts;

    if (run_is_over(shadow))
        return;
    shadow->stopped = stopped != NULL           ? stopped
                      : shadow->blocked != NULL ? shadow->blocked
                                                : shadow->more;
    shadow->state = RUN_DONE;
    vm_drop(shadow);
    if (run != NULL) {
        run->shadow = NULL;
        shadow->casts = NULL;
        if (!run_is_over(run) && run->stop_state == 0 && !run->is_canceling)
            gate_offer(run, shadow->at, shadow);
    } else if (shadow->is_check) {
        check_on_end(shadow);
    } else {
        reply_plan(shadow);
    }
    run_push(shadow);
}

void preview_check_bounds(struct run *shadow)
{
    int64_t end_ms =
        shadow->begun_ms + (shadow->is_check
                                ? CHECK_MS + CHECK_TARGET_MS * (int64_t)shadow->step_count
                                : PREVIEW_MS);

    if (is_at_rest(shadow))
        preview_end(shadow, shadow->blocked);
    else if (!shadow->is_check && shadow->reads > ENGINE_PREVIEW_CALLS_MAX)
        preview_end(shadow, "the preview stopped at its limit of calls");
    else if (shadow->engine->now_ms > end_ms)
        preview_end(shadow, "the preview stopped at its limit of time");
    else
        timer_want(shadow->engine, end_ms + 1);
}
