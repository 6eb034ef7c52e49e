/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/rows.c - state from rows, live and loaded alike.
 */
#include "engine/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct span run_keep(struct run *run, struct span bytes)
{
    if (bytes.len == 0)
        return (struct span){ 0 };
    return (struct span){ arena_dup(&run->arena, bytes.ptr, bytes.len), bytes.len };
}

const char *run_text(struct run *run, struct span bytes)
{
    return arena_dup(&run->arena, bytes.ptr == NULL ? "" : bytes.ptr, bytes.len);
}

/* An unescaped JSON string in the run's memory; "" when it is none. */
static const char *keep_text(struct run *run, struct span value)
{
    struct str text = { 0 };

    json_text_to(&text, value);
    const char *kept = run_text(run, str_span(&text));
    str_fini(&text);
    return kept;
}

struct step *step_find(struct run *run, struct span branch, int64_t n)
{
    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        if (step->n == n && span_is(branch, step->branch))
            return step;
    }
    return NULL;
}

struct step *step_new(struct run *run, struct span branch, int64_t n, struct span kind,
                      struct span action, struct span args)
{
    struct step *step = arena_alloc(&run->arena, sizeof *step);

    list_init(&step->in_order);
    list_init(&step->in_effects);
    list_init(&step->in_waiters);
    step->run = run;
    step->branch = run_text(run, branch);
    step->n = n;
    step->kind = run_text(run, kind);
    step->action = run_text(run, action);
    step->args = run_keep(run, args);
    if (args.len > 0) {
        char hex[HASH_HEX_LEN + 1];

        hash_hex(hash_of(args.ptr, args.len), hex);
        memcpy(step->args_hash, hex, 16);
    }
    run->step_count++;
    step->token = step->target = step->what = step->by = step->because = "";
    step->permit_index = -1;
    list_add(&run->steps, &step->in_run);
    return step;
}

struct gate *gate_find(struct run *run, int number)
{
    list_each (link, after, &run->gates) {
        struct gate *gate = list_item(link, struct gate, in_run);

        if (gate->number == number)
            return gate;
    }
    return NULL;
}

static void order(struct step *step)
{
    /* An undo that failed is not over: what it is about is still contained. */
    step->is_failed = step->is_undo && !step->ok && step->run->kind == RUN_ROLLBACK &&
                      !run_is_shadow(step->run);
    if (step->is_failed) {
        step->state = STEP_HUMAN;
        return;
    }
    step->state = STEP_ANSWERED;
    if (list_is_empty(&step->in_order))
        list_add(&step->run->order, &step->in_order);
}

static struct json_fields keep_fields(struct run *run, const struct event_row *row)
{
    struct json_fields in;

    json_fields(&in, run_keep(run, row->body));
    return in;
}

/* The step that a row is about; rows are the first to tell of it when a run is loaded. */
static struct step *step_of(struct run *run, const struct json_fields *in, const char *kind)
{
    struct span branch = json_raw(json_field(in, "b"));
    int64_t n = json_int(json_field(in, "n"), 0);
    struct step *step = step_find(run, branch, n);

    if (step == NULL) {
        step = step_new(run, branch, n, span_of(kind), json_raw(json_field(in, "a")),
                        json_field(in, "args"));
        struct span hash = json_raw(json_field(in, "h"));
        if (hash.len == 16)
            memcpy(step->args_hash, hash.ptr, 16);
    }
    return step;
}

static void apply_start(struct run *run, const struct event_row *row)
{
    struct json_fields in = keep_fields(run, row);
    struct span parent = json_field(&in, "parent");
    struct span limits = json_field(&in, "limits");

    run->kind = (int)json_int(json_field(&in, "kind"), RUN_LIVE);
    run->playbook_name = keep_text(run, json_field(&in, "playbook"));
    run->hash_hex = keep_text(run, json_field(&in, "hash"));
    run->entry = keep_text(run, json_field(&in, "entry"));
    run->by = keep_text(run, json_field(&in, "by"));
    run->params = json_field(&in, "params");
    run->alert = json_field(&in, "alert");
    run->of = json_int(json_field(&in, "of"), 0);
    run->parent = json_get_int(parent, "run", 0);
    run->depth = (int)json_int(json_field(&in, "depth"), 0);
    run->root = json_int(json_field(&in, "root"), run->depth == 1 ? run->parent : 0);
    run->top = keep_text(run, json_field(&in, "top"));
    run->cause = json_field(&in, "cause");
    run->notify = json_field(&in, "notify");
    run->trace = json_field(&in, "trace");
    run->parent_branch = keep_text(run, json_get(parent, "b"));
    run->parent_n = json_get_int(parent, "n", 0);
    run->only_step = keep_text(run, json_get(limits, "step"));
    run->only_target = keep_text(run, json_get(limits, "target"));
    run->since = keep_text(run, json_get(limits, "since"));
    run->back_to = keep_text(run, json_get(limits, "to"));
    run->since_n = json_get_int(limits, "since_n", 0);
    run->why = keep_text(run, json_get(limits, "why"));
    run->expired_hold = json_get(limits, "hold");
    run->expire = json_get(limits, "then");
    run->started_ms = row->at_ms;
    run->first_seq = row->seq;
}

static void take_undoes(struct step *step, const struct json_fields *in)
{
    step->is_undo = true;
    step->undoes_run = json_int(json_field(in, "of"), 0);
    step->undoes_ordinal = (int)json_int(json_field(in, "ofn"), 0);
    step->undoes_seq = json_int(json_field(in, "ofs"), 0);
    step->undoes_path = keep_text(step->run, json_field(in, "ofp"));
}

static void apply_answer(struct run *run, const struct event_row *row)
{
    struct json_fields in = keep_fields(run, row);
    struct step *step = step_of(run, &in, run_text(run, json_raw(json_field(&in, "k"))));
    struct span extra = json_field(&in, "x");

    step->ok = json_bool(json_field(&in, "ok"), true);
    step->value = json_field(&in, "v");
    step->is_noop = json_get_bool(extra, "noop", false);
    if (step->is_noop) {
        step->args = json_get(extra, "args");
        step->target = keep_text(run, json_get(extra, "target"));
        step->after = json_get(extra, "after");
        step->is_joined = json_get_bool(extra, "hold", false);
    }
    if (step->is_joined) {
        step->before = step->goal = step->after;
        step->now = (struct span){ 0 }; /* seen at an earlier attempt of its own */
        step->is_done = true;
        step->intent_seq = step->outcome_seq = row->seq;
        step->intent_ms = row->at_ms;
        step->until_ms = json_get_int(extra, "until", 0);
        if (step->ordinal == 0)
            step->ordinal = ++run->intent_count;
    }
    if (json_get_bool(extra, "undo", false)) {
        struct json_fields undo;

        json_fields(&undo, extra);
        take_undoes(step, &undo);
        step->passes = json_get(extra, "to");
        step->is_done = step->ok;
        step->outcome_seq = row->seq;
    }
    order(step);
}

static void apply_intent(struct run *run, const struct event_row *row)
{
    struct json_fields in = keep_fields(run, row);
    struct step *step = step_of(run, &in, "step");
    struct span permit = json_field(&in, "p");

    step->args = json_field(&in, "args");
    step->target = keep_text(run, json_field(&in, "t"));
    step->before = json_field(&in, "w");
    step->token = keep_text(run, json_field(&in, "e"));
    step->after = json_field(&in, "z");
    step->goal = json_field(&in, "g"); /* absent: as before; null: it cannot be undone */
    if (step->goal.len == 0)
        step->goal = step->before;
    else if (json_kind(step->goal) == JSON_NULL)
        step->goal = (struct span){ 0 };
    step->passes = json_field(&in, "to");
    step->intent_seq = row->seq;
    if (!step->is_undo)
        step->now = (struct span){ 0 }; /* seen before this attempt */
    step->what = keep_text(run, json_field(&in, "what"));
    step->undo = json_kind(json_field(&in, "undo")) == JSON_STRING
                     ? keep_text(run, json_field(&in, "undo"))
                     : NULL;
    if (span_is(json_raw(json_field(&in, "op")), "restore"))
        take_undoes(step, &in);
    step->attempt = (int)json_int(json_field(&in, "at"), 1);
    if (step->ordinal == 0)
        step->ordinal = ++run->intent_count;
    step->has_intent = true;
    step->has_outcome = false;
    step->intent_ms = row->at_ms;
    step->doubts = 0;
    step->why = json_field(&in, "why");
    step->change_mark = change_mark(step);
    step->target_mark = target_mark(step->target);
    family_take(step);
    slice_take(step);
    step->state = STEP_IN_DOUBT; /* live code sends it and says STEP_APPLYING */
    if (permit.len > 0 && json_kind(permit) == JSON_OBJECT) {
        step->permit_gate = (int)json_get_int(permit, "gate", 0);
        step->permit_index = (int)json_get_int(permit, "i", -1);
        struct gate *gate = gate_find(run, step->permit_gate);
        if (gate != NULL && step->permit_index >= 0 &&
            step->permit_index < gate->change_count)
            gate->changes[step->permit_index].is_used = true;
    }
}

static void apply_outcome(struct run *run, const struct event_row *row)
{
    struct json_fields in = keep_fields(run, row);
    struct step *step = step_of(run, &in, "step");
    struct span word = json_raw(json_field(&in, "s"));

    step->has_outcome = true;
    step->outcome_seq = row->seq;
    if (json_field(&in, "z").len > 0)
        step->now = json_field(&in, "z");
    step->code = keep_text(run, json_field(&in, "code"));
    step->message = keep_text(run, json_field(&in, "msg"));
    if (word.len == 0 || span_is(word, "done")) {
        step->is_done = true;
        step->ok = true;
        step->info = json_field(&in, "r");
        step->until_ms = json_int(json_field(&in, "until"), 0);
        step->value = step_result(step);
        order(step);
    } else if (span_is(word, "refused")) {
        step->ok = false;
        step->value = json_field(&in, "v");
        order(step);
    } else if (span_is(word, "unknown")) {
        step->put_off_ms = json_int(json_field(&in, "next"), 0);
        step->state = STEP_IN_DOUBT;
        step->has_outcome = false;
    } else if (span_is(word, "partly")) {
        /* The change goes on from what was captured before it; an undo looks anew. */
        step->is_partly = true;
        step->has_intent = !step->is_undo;
        step->has_outcome = false;
        step->state = STEP_NEW;
    } else if (span_is(word, "partly_applied")) {
        step->ok = false;
        step->is_done = true;
        step->value = json_field(&in, "v");
        step->until_ms = json_int(json_field(&in, "until"), 0);
        order(step);
    } else { /* retry, not_applied: nothing was changed */
        step->has_intent = false;
        step->is_partly = step->is_partly && step->is_undo;
        step->state = STEP_NEW;
    }
    if (step->state != STEP_IN_DOUBT)
        slice_let_go(step);
}

static const char *leave_value(const struct step *step)
{
    if (step->is_kept)
        return "{\"kept\":true}";
    if (step->is_gone)
        return "{\"already\":true}";
    switch (step->ends_as) {
    case HOLD_GONE: return "{\"gone\":true}";
    case HOLD_NOT_RESTORED: return "{\"not_restored\":true}";
    default: return "{\"let_go\":true}";
    }
}

/* An undo that writes nothing: others want what it would take away, its hold stays, or
 * there is nothing to put back. */
static void apply_leave(struct run *run, const struct event_row *row)
{
    struct json_fields in = keep_fields(run, row);
    struct step *step = step_of(run, &in, "step");

    take_undoes(step, &in);
    step->target = keep_text(run, json_field(&in, "t"));
    step->passes = json_field(&in, "to");
    step->is_gone = json_bool(json_field(&in, "off"), false);
    step->ends_as = hold_state_of(json_raw(json_field(&in, "end")));
    step->message = keep_text(run, json_field(&in, "msg"));
    step->outcome_seq = row->seq;
    step->is_kept = row->kind == ROW_KEEP;
    step->extends = (int)json_int(json_field(&in, "i"), 0);
    step->until_ms = json_int(json_field(&in, "until"), 0);
    step->ok = true;
    step->is_done = !step->is_kept;
    step->value = span_of(leave_value(step));
    step->has_outcome = step->has_outcome || step->has_intent;
    order(step);
    slice_let_go(step);
}

static void apply_settle(struct run *run, const struct event_row *row)
{
    struct json_fields in = keep_fields(run, row);
    struct step *step = step_of(run, &in, "step");

    step->choice = run_text(run, json_raw(json_field(&in, "choice")));
    if (strcmp(step->choice, "retry") != 0 && strcmp(step->choice, "complete") != 0)
        step->settled_by = keep_text(run, json_field(&in, "who"));
    step->until_ms = json_int(json_field(&in, "until"), 0);
    if (strcmp(step->choice, "applied") == 0 ||
        strcmp(step->choice, "partly-applied") == 0 ||
        strcmp(step->choice, "take-back") == 0)
        step->outcome_seq = row->seq;
    step_settle(step, step->choice);
    if (step->state == STEP_ANSWERED)
        order(step);
}

static void apply_doubt(struct run *run, const struct event_row *row, bool is_drift)
{
    struct json_fields in = keep_fields(run, row);
    struct step *step = step_of(run, &in, "step");

    step->is_drift = is_drift;
    if (is_drift) {
        take_undoes(step, &in);
        step->target = keep_text(run, json_field(&in, "t"));
        step->goal = json_field(&in, "w");
        step->after = json_field(&in, "z");
    }
    step->settle = is_drift ? SETTLE_DRIFT : engine_doubt_kind(row->body, step->is_undo);
    step->may_complete = false;
    step->is_partly = step->settle == SETTLE_PARTLY || step->settle == SETTLE_PARTLY_UNDONE;
    step->now = json_field(&in, "now");
    step->state = STEP_HUMAN;
    slice_let_go(step);
}

static void apply_progress(struct run *run, const struct event_row *row)
{
    struct json_fields in;

    json_fields(&in, row->body);
    struct step *step = step_of(run, &in, "step");
    step->resume = run_text(run, json_field(&in, "r"));
}

static struct step *step_that_waits(struct run *run, const struct json_fields *in,
                                    enum step_state state)
{
    struct step *step = step_of(run, in, run_text(run, json_raw(json_field(in, "k"))));

    step->state = state;
    return step;
}

static void apply_sleep(struct run *run, const struct event_row *row)
{
    struct json_fields in = keep_fields(run, row);
    struct step *step = step_that_waits(run, &in, STEP_SLEEPING);

    step->until_ms = json_int(json_field(&in, "until"), 0);
}

static void apply_wait(struct run *run, const struct event_row *row)
{
    struct json_fields in = keep_fields(run, row);

    wait_apply(step_of(run, &in, run_text(run, json_raw(json_field(&in, "k")))), &in);
}

static void apply_child(struct run *run, const struct event_row *row)
{
    struct json_fields in = keep_fields(run, row);
    struct step *step = step_that_waits(run, &in, STEP_CHILD);

    step->child = json_int(json_field(&in, "run"), 0);
    if (strcmp(step->kind, "call") == 0)
        family_begin(run);
}

static void apply_end(struct run *run, const struct event_row *row)
{
    run->state = (int)json_get_int(row->body, "s", RUN_FAILED);
    run->error = run_keep(run, json_get(row->body, "e"));
    run->ended_ms = row->at_ms;
    family_drop(run);
}

void row_apply(struct run *run, const struct event_row *row)
{
    if (row->seq > 0)
        run->last_seq = row->seq;
    run->body_bytes += (int64_t)row->body.len;
    switch (row->kind) {
    case ROW_START: apply_start(run, row); break;
    case ROW_ANSWER: apply_answer(run, row); break;
    case ROW_INTENT: apply_intent(run, row); break;
    case ROW_OUTCOME: apply_outcome(run, row); break;
    case ROW_PROGRESS: apply_progress(run, row); break;
    case ROW_GATE: gate_apply(run, row); break;
    case ROW_VOTE: gate_apply_vote(run, row); break;
    case ROW_GATE_END: gate_apply_end(run, row); break;
    case ROW_REMIND: gate_apply_remind(run, row); break;
    case ROW_ESCALATE: gate_apply_escalate(run, row); break;
    case ROW_SLEEP: apply_sleep(run, row); break;
    case ROW_WAIT: apply_wait(run, row); break;
    case ROW_CHILD: apply_child(run, row); break;
    case ROW_DRIFT: apply_doubt(run, row, true); break;
    case ROW_DOUBT: apply_doubt(run, row, false); break;
    case ROW_LEAVE:
    case ROW_KEEP: apply_leave(run, row); break;
    case ROW_SETTLE: apply_settle(run, row); break;
    case ROW_CANCEL: run->is_canceling = true; break;
    case ROW_END: apply_end(run, row); break;
    default: break;
    }
}

void row_write(struct run *run, enum row_kind kind, struct span body)
{
    struct engine *engine = run->engine;
    struct event_row row = { .kind = (int32_t)kind, .at_ms = engine->now_ms, .body = body };

    if (!run_is_shadow(run)) {
        /* The first row of a waking run also says that it is in memory again, so that a
         * crash finds it. */
        if (!run->is_indexed_running && kind != ROW_START && kind != ROW_END) {
            run->is_indexed_running = true;
            run_put_entry(run);
        }
        row.seq = engine->next_seq++;
        row.prev = run->last_seq;
        turn_add_row(engine, &(struct turn_row){ .seq = row.seq,
                                                 .run = run->id,
                                                 .prev = row.prev,
                                                 .at_ms = row.at_ms,
                                                 .kind = row.kind,
                                                 .body = body });
    }
    row_apply(run, &row);
}

void row_write_global(struct engine *engine, enum row_kind kind, struct span body)
{
    turn_add_row(engine, &(struct turn_row){ .seq = engine->next_seq++,
                                             .at_ms = engine->now_ms,
                                             .kind = (int32_t)kind,
                                             .body = body });
}
