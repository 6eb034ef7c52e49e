/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/change.c - a change: may it go, and what came of it.
 *
 * Between a plan and its intent stand guards, halts, the policy and permits. The intent is
 * journaled, and the call that it announces waits for the commit.
 */
#include "engine/holds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/expiry.h"
#include "engine/part.h"
#include "frame/frame.h"

/* -- a change is prepared: may it go? ------------------------------------------------------ */

static void put_permit(struct json_out *out, int gate, int index)
{
    if (gate == 0)
        return;
    json_key(out, "p");
    json_open(out, '{');
    json_put_int(out, "gate", gate);
    json_put_int(out, "i", index);
    json_close(out);
}

/* The record, and then the effect: the call waits for the commit. */
static void intend(struct step *step, int gate, int index, struct span rules)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };
    bool is_restore = step->is_undo;

    json_open(&out, '{');
    json_put(&out, "a", step->action);
    json_put_raw(&out, "args", step->args);
    if (step->attempt > 0)
        json_put_int(&out, "at", step->attempt + 1);
    json_put(&out, "b", step->branch);
    if (gate > 0)
        json_put(&out, "d", step->digest);
    if (step->token[0] != '\0')
        json_put(&out, "e", step->token);
    if (step->goal.len == 0 || !json_same(step->goal, step->before))
        json_put_raw(&out, "g", step->goal);
    json_put_int(&out, "n", step->n);
    if (step_notes(step).len > 0)
        json_put_raw(&out, "notes", step_notes(step));
    if (step->undoes_run > 0)
        undoes_put(&out, step);
    if (is_restore)
        json_put(&out, "op", "restore");
    put_permit(&out, gate, index);
    json_put(&out, "t", step->target);
    if (json_count(step->passes) > 0)
        json_put_raw(&out, "to", step->passes);
    if (step->undo != NULL)
        json_put(&out, "undo", step->undo);
    json_put_raw(&out, "w", step->before);
    if (json_count(rules) > 0)
        json_put_raw(&out, "why", rules);
    json_put(&out, "what", step->what);
    json_put_raw(&out, "z", step->after);
    json_close(&out);
    rate_add(step->run->engine, step->run->engine->now_ms,
             span_of(step->run->playbook_name), span_of(step->run->top), str_span(&body));
    row_write(step->run, ROW_INTENT, str_span(&body));
    family_put(step);
    str_fini(&body);
    step->state = STEP_APPLYING;
    host_call(step, is_restore ? HOST_RESTORE : HOST_APPLY);
}

/* Not now, but later, and then from the beginning: it looks at the target again. */
bool change_is_held(struct step *step)
{
    return halt_holds(step) || step->run->engine->is_policy_coming || slice_is_busy(step);
}

/* Something stands in its way, or happened to the slice since it was looked at. */
static bool must_look_again(struct step *step)
{
    if (!change_is_held(step)) {
        if (!slice_is_stale(step))
            return false;
        run_push(step->run);
    }
    step->state = STEP_HELD;
    return true;
}

/* Guards, halt, policy and permits stand here, between a plan and its intent. found: of a
 * change that is partly done, what was seen of it; NULL: nothing of it is done. */
static void decide(struct step *step, const struct event *found)
{
    struct run *run = step->run;
    struct str text = { 0 };
    struct need need;
    int gate = 0, index = -1;

    if (step->is_partly || run->is_canceling || run->stop_state > 0)
        step->state = STEP_NEW;
    if (run->is_canceling || run->stop_state > 0) {
        run_push(run);
        return;
    }
    if (!guard_allows(step, &text)) {
        run_fail(run, RUN_BLOCKED, "guard", "%s", str_text(&text));
        str_fini(&text);
        return;
    }
    if (must_look_again(step))
        return;
    policy_need(step, &need);
    if (need.is_forbidden) {
        run_fail(run, RUN_BLOCKED, "policy", "%s on %s is not allowed: %.*s", step->action,
                 step->target, (int)need.why.len, need.why.ptr);
        return;
    }
    if (permit_find(step, &need, &gate, &index, &text) ||
        (need.need == 0 && text.len == 0)) {
        if (gate > 0)
            snprintf(step->digest, sizeof step->digest, "%s",
                     gate_find(run, gate)->changes[index].digest);
        intend(step, gate, index, need.rules);
    } else if (found != NULL) {
        doubt_write_partly(step, found, "it is partly done, and its approval has ended");
    } else {
        gate_for_step(step, str_span(&text));
    }
    str_fini(&text);
}

struct span step_notes(const struct step *step)
{
    return json_get(step->plan_info, "notes");
}

/* What is known to be refused is refused before anybody is asked for it. */
static bool is_refused(struct step *step)
{
    struct span cannot = json_get(step->plan_info, "cannot");
    struct str body = { 0 }, code = { 0 }, message = { 0 };

    if (cannot.len == 0 || json_same(step->before, step->after))
        return false;
    json_text_to(&code, json_get(cannot, "code"));
    json_text_to(&message, json_get(cannot, "message"));
    error_put(&body, step, str_span(&code), str_span(&message), false);
    step_answer(step, false, str_span(&body));
    str_fini(&body);
    str_fini(&code);
    str_fini(&message);
    return true;
}

void change_on_prepared(struct step *step, const struct event *event)
{
    struct run *run = step->run;

    step->target = run_text(run, event->target);
    step->token = run_text(run, event->token);
    step->before = run_keep(run, event->state);
    step->after = run_keep(run, event->after);
    step->goal = run_keep(run, event->goal);
    struct span what = json_get(event->info, "what");
    struct span undo = json_get(event->info, "undo");
    struct str text = { 0 };
    json_text_to(&text, what);
    step->what = run_text(run, str_span(&text));
    str_reset(&text);
    json_text_to(&text, undo);
    step->undo = text.len > 0 ? run_text(run, str_span(&text)) : NULL;
    str_fini(&text);
    step->plan_info = run_keep(run, event->info);
    if (is_refused(step)) {
        preview_on_failed(step, true);
        return;
    }
    if (run_is_shadow(run)) {
        preview_on_prepared(step);
        return;
    }
    if (json_same(step->before, step->after)) {
        if (slice_is_busy(step) || slice_is_stale(step)) {
            step->state = STEP_HELD; /* it may be about to be taken away */
            run_push(step->run);
            return;
        }
        step->is_noop = true;
        step->is_joined = hold_is_wanted_by_others(step);
        step->until_ms = step->is_joined ? step_until(step) : 0;
        struct span result = step_result(step);
        answer_write(step, true, result, true);
        if (step->is_joined) {
            hold_take(step);
            step->is_in_ledger = step->until_ms > 0;
            if (step->is_in_ledger)
                hold_put(step, HOLD_ON);
        }
        return;
    }
    decide(step, NULL);
}

/* The rest of a change of which a part is done. What it found before, what it leaves and what
 * undoing it leaves stay as they were approved; only the version token is of now. */
void change_complete(struct step *step, const struct event *event)
{
    step->token = run_text(step->run, event->token);
    decide(step, event);
}

/* -- what came of it ------------------------------------------------------------------------ */

void change_put_partly_error(struct str *out, const struct step *step)
{
    struct parts parts;
    struct str message = { 0 };

    parts_of(&parts, step->before, step->after, step->now, (struct span){ 0 });
    str_printf(&message, "%s on %s is partly done", step->action, step->target);
    if (parts_are_mixed(&parts)) {
        str_add_text(&message, ": ");
        parts_say(&message, &parts);
    }
    str_add_text(&message, "; the ledger has the part, and a rollback takes it back");
    error_put(out, step, span_of("partly_applied"), str_span(&message), false);
    str_fini(&message);
    parts_fini(&parts);
}

void outcome_write(struct step *step, const char *word, const struct event *event,
                   const char *how)
{
    struct str body = { 0 };
    struct str error = { 0 };
    struct json_out out = { .str = &body };
    bool is_refused = strcmp(word, "refused") == 0;

    json_open(&out, '{');
    if (step->attempt > 1)
        json_put_int(&out, "at", step->attempt);
    json_put(&out, "b", step->branch);
    if (event != NULL && event->code.len > 0)
        json_put_span(&out, "code", event->code);
    if (how != NULL)
        json_put(&out, "how", how);
    if (event != NULL && event->message.len > 0)
        json_put_span(&out, "msg", event->message);
    json_put_int(&out, "n", step->n);
    if (event != NULL && event->result.len > 0)
        json_put_raw(&out, "r", event->result);
    if (strcmp(word, "done") != 0) /* most are, so it goes without saying */
        json_put(&out, "s", word);
    if (step->put_off_ms > 0 && strcmp(word, "unknown") == 0)
        json_put_int(&out, "next", step->put_off_ms);
    if (is_refused) {
        error_put(&error, step, event->code, event->message, false);
        json_put_raw(&out, "v", str_span(&error));
    } else if (strcmp(word, "partly_applied") == 0) {
        change_put_partly_error(&error, step);
        json_put_raw(&out, "v", str_span(&error));
        json_put_raw(&out, "z", step->now);
    }
    if (step->until_ms > 0)
        json_put_int(&out, "until", step->until_ms);
    if (event != NULL && event->state.len > 0 &&
        !json_same(event->state, step_wanted(step)))
        json_put_raw(&out, "z", event->state);
    json_close(&out);
    row_write(step->run, ROW_OUTCOME, str_span(&body));
    str_fini(&body);
    str_fini(&error);
    if (!step->run->is_started && step->run->kind != RUN_ROLLBACK)
        step->run->wants_vm = true;
    run_push(step->run);
}

int64_t step_until(const struct step *step)
{
    int64_t ms = step->is_undo ? 0 : expiry_ms(step->args);

    return ms > 0 ? step->run->engine->now_ms + ms : 0;
}

void outcome_done(struct step *step, const struct event *event, const char *how)
{
    step->until_ms = step_until(step);
    outcome_write(step, "done", event, how);
    step->is_in_ledger = step->is_undo || step->until_ms > 0;
    if (step->is_undo)
        hold_release(step, step->outcome_seq);
    else if (step->is_in_ledger)
        hold_put(step, HOLD_ON);
    else if (step->ordinal > 0)
        hold_take(step);
}

/* No more is done of it, and what is done stays: the run's step has failed, and its hold is on
 * what was found. */
void outcome_partly(struct step *step)
{
    step->until_ms = step_until(step);
    outcome_write(step, "partly_applied", NULL, NULL);
    step->is_in_ledger = step->until_ms > 0;
    if (step->is_in_ledger)
        hold_put(step, HOLD_ON);
    else if (step->ordinal > 0)
        hold_take(step);
}

bool undo_is_gone(const struct step *step, const struct event *event)
{
    return step->is_undo && event->status == STATUS_REFUSED &&
           json_get_bool(event->info, "gone", false);
}

static void begin_doubt(struct step *step, const struct event *event)
{
    step->put_off_ms = wait_is_asked(step, event) ? wait_end_ms(step, event) : 0;
    outcome_write(step, "unknown", event, NULL);
    step->doubts = 0;
    doubt_look_later(step);
}

/* Was this an attempt to do what an earlier one had left? */
static bool is_rest(const struct step *step)
{
    return step->is_partly && !step->is_undo;
}

void change_on_applied(struct step *step, const struct event *event)
{
    if (event->status == STATUS_DONE && event->verified) {
        outcome_done(step, event, NULL);
    } else if (undo_is_gone(step, event) && step->retries >= GONE_LOOKS - 1) {
        share_end(step, HOLD_GONE, event->message);
    } else if (undo_is_gone(step, event)) {
        outcome_write(step, "retry", event, NULL);
        step_pause(step, event);
    } else if (is_rest(step) && event->status != STATUS_DONE &&
               event->status != STATUS_UNKNOWN) {
        /* This attempt changed nothing, and an earlier one a part. */
        step->is_rest_refused = event->status == STATUS_REFUSED;
        begin_doubt(step, event);
    } else if (event->status == STATUS_REFUSED) {
        outcome_write(step, "refused", event, NULL);
    } else if (event->status == STATUS_RETRY) {
        outcome_write(step, "retry", event, NULL);
        if (wait_is_asked(step, event))
            wait_begin(step, &(struct wait_why){ .code = event->code,
                                                 .message = event->message,
                                                 .until_ms = wait_end_ms(step, event),
                                                 .is_excused = true });
        else if (step->retries >= RETRIES_MAX)
            step_answer_error(step, "gave_up", "%s did not work after %d tries: %.*s",
                              step->action, step->retries + 1, (int)event->message.len,
                              event->message.ptr);
        else
            step_pause(step, event);
    } else {
        begin_doubt(step, event);
    }
}

static void drift_write(struct step *step, struct span now)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    json_open(&out, '{');
    json_put(&out, "a", step->action);
    json_put_raw(&out, "args", step->args);
    json_put(&out, "b", step->branch);
    json_put_int(&out, "n", step->n);
    json_put_raw(&out, "now", now);
    undoes_put(&out, step);
    json_put(&out, "t", step->target);
    json_put_raw(&out, "w", step->goal);
    json_put_raw(&out, "z", step->after);
    json_close(&out);
    row_write(step->run, ROW_DRIFT, str_span(&body));
    str_fini(&body);
    run_push(step->run);
}

/* Does undoing it leave the target as it is, because what was taken is not cordon's to give? */
static bool is_final(const struct step *step)
{
    const struct hold *own =
        hold_find(step->run->engine, step->undoes_run, step->undoes_ordinal);

    return own != NULL && own->goal == NULL && !step->is_joined &&
           json_same(step->own_goal, step->own_after);
}

/* Before anybody looks: is there something to put back at all? */
bool change_begins_undo(struct step *step)
{
    bool is_check = step->run->is_check; /* looks at each target, shared or not */
    struct share share;
    bool begins = false;

    share_of(step, (struct span){ 0 }, &share);
    if (share.kind == SHARE_WAIT) {
        step->state = STEP_NEW; /* until the rows are there */
    } else if (share.kind == SHARE_GONE) {
        share_leave(step, &share);
    } else if (share.kind == SHARE_NONE && is_final(step) && !is_check) {
        share_end(step, HOLD_NOT_RESTORED, span_of(step->what));
    } else if (share.kind == SHARE_ALL && !is_check) {
        if (slice_is_busy(step))
            step->state = STEP_HELD;
        else
            share_leave(step, &share);
    } else {
        begins = true;
    }
    share_fini(&share);
    return begins;
}

/* Is it as we left it? Or is each field as we left it or back already, by an attempt of this undo:
 * what that has put back was approved with the rest. Who else puts a part back has edited it. */
static bool is_ours(struct step *step, struct span found)
{
    bool is_part = step->is_partly && parts_lie_between(step->after, step->goal, found);

    if (is_part && !json_same(found, step->goal))
        step->now = step->after;
    return is_part || json_same(found, step->after);
}

/* What this undo shall leave, now that the target was looked at; false when that must be
 * asked again. */
static bool aim(struct step *step, struct span found, bool *is_as_left)
{
    struct run *run = step->run;
    struct hold *own = hold_find(run->engine, step->undoes_run, step->undoes_ordinal);
    struct share share;
    bool is_aimed = true;

    share_of(step, found, &share);
    if (own != NULL && own->goal_ms > 0 && own->goal_ms < step->captured_ms)
        step->captured_ms = own->goal_ms;
    step->passes = (struct span){ 0 };
    step->after = step->own_after;
    step->goal = step->own_goal;
    if (share.kind == SHARE_NONE) {
        if (own != NULL && own->goal != NULL)
            step->goal = run_keep(run, span_of(own->goal));
        *is_as_left = is_ours(step, found);
    } else if (share.kind == SHARE_SOME) {
        step->goal = run_keep(run, str_span(&share.goal));
        step->passes = run_keep(run, str_span(&share.passes));
        *is_as_left = share.is_as_left;
    } else { /* others came meanwhile, or the hold is off */
        step->state = STEP_NEW;
        run_push(run);
        is_aimed = false;
    }
    /* What was seen is what may be written over. */
    if (is_aimed && (step->may_restore_over || *is_as_left))
        step->after = run_keep(run, found);
    share_fini(&share);
    return is_aimed;
}

void change_on_observed(struct step *step, const struct event *event)
{
    bool is_as_left = false;

    if (step->run->is_check) {
        check_on_observed(step, event);
        return;
    }
    if (undo_is_gone(step, event) && step->retries >= GONE_LOOKS - 1) {
        share_end(step, HOLD_GONE, event->message);
        return;
    }
    if (undo_is_gone(step, event)) {
        step_pause(step, event);
        return;
    }
    if (event->status != STATUS_DONE) {
        step_on_failed_read(step, event);
        return;
    }
    step->now = run_keep(step->run, event->state);
    step->token = run_text(step->run, event->token);
    step->plan_info = run_keep(step->run, event->info); /* its tags, for rules */
    if (slice_is_busy(step) || slice_is_stale(step)) {
        step->state = STEP_HELD;
        run_push(step->run);
        return;
    }
    if (!aim(step, step->now, &is_as_left))
        return;
    if (run_is_shadow(step->run) && !json_same(step->now, step->goal)) {
        preview_undo(step, !is_as_left);
        return;
    }
    if (json_same(step->now, step->goal)) {
        step->is_noop = true;
        answer_write(step, true, span_of("{\"already\":true}"), true);
        hold_release(step, step->run->last_seq);
    } else if (is_as_left || step->may_restore_over) {
        decide(step, NULL);
    } else {
        drift_write(step, step->now);
    }
}
