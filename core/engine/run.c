/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/run.c - a run's life: started, loaded, pushed on, parked, ended.
 *
 *      start ──► RUNNING ◄──────── woken: a vote, a timer, a settlement
 *                 │   │                        │
 *                 │   └─ nothing but people or time can go on ──► WAITING or STUCK
 *                 ▼
 *    DONE FAILED DENIED CANCELED DIVERGED BLOCKED
 *
 * A parked run holds no memory: it is an entry of the index and its rows.
 */
#include "engine/internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "frame/frame.h"

static struct list *bucket(struct engine *engine, int64_t id)
{
    return &engine->table[(uint64_t)id % TABLE_SIZE];
}

struct run *run_find(struct engine *engine, int64_t id)
{
    struct list *head = bucket(engine, id);

    list_each (link, after, head) {
        struct run *run = list_item(link, struct run, in_table);

        if (run->id == id)
            return run;
    }
    return NULL;
}

struct run *run_new(struct engine *engine, int64_t id, int kind)
{
    struct run *run = xcalloc(1, sizeof *run);

    run->engine = engine;
    run->id = id;
    run->kind = kind;
    run->state = RUN_RUNNING;
    arena_init(&run->arena);
    list_init(&run->steps);
    list_init(&run->order);
    list_init(&run->gates);
    list_init(&run->waiting);
    list_init(&run->in_queue);
    run->playbook_name = run->entry = run->by = run->title = run->hash_hex = "";
    run->only_step = run->only_target = run->since = run->parent_branch = run->top = "";
    run->back_to = "";
    list_add(bucket(engine, id), &run->in_table);
    engine->run_count++;
    return run;
}

void run_free(struct run *run)
{
    if (run == NULL)
        return;
    if (run->shadow != NULL)
        run_free(run->shadow);
    if (run->casts != NULL)
        run->casts->shadow = NULL;
    vm_drop(run);
    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);
        struct call *call = step->call != 0 ? call_find(run->engine, step->call) : NULL;

        if (call != NULL)
            call->step = NULL;
        slice_forget(step);
    }
    list_remove(&run->in_queue);
    list_remove(&run->in_table);
    run->engine->run_count--;
    str_fini(&run->left);
    arena_fini(&run->arena);
    free(run);
}

bool run_is_over(const struct run *run)
{
    return run->state >= RUN_DONE;
}

bool run_is_shadow(const struct run *run)
{
    return (run->id & SHADOW) != 0;
}

struct run *run_wake(struct engine *engine, int64_t id)
{
    struct run *run = run_find(engine, id);

    if (run == NULL && id > 0 && id < engine->next_run) {
        run = run_new(engine, id, RUN_LIVE);
        run->is_loading = true;
        turn_command(engine, CMD_LOAD, false)->run = id;
    }
    return run;
}

void run_push(struct run *run)
{
    if (list_is_empty(&run->in_queue))
        list_add(&run->engine->queue, &run->in_queue);
}

static struct step *first_in(struct run *run, int state)
{
    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        if (step->state == state)
            return step;
    }
    return NULL;
}

static bool is_stopping(const struct run *run)
{
    return run->is_canceling || run->stop_state > 0;
}

/* What must be known before its run can end: an effect, a doubt, what another run does for
 * it. A drift is known: nothing was written. */
static bool is_open(const struct step *step)
{
    switch (step->state) {
    case STEP_APPLYING:
    case STEP_IN_DOUBT:
    case STEP_CHILD: return true;
    case STEP_HUMAN: return !step->is_drift && !step->is_failed;
    default: return false;
    }
}

static bool has_open(struct run *run)
{
    list_each (link, after, &run->steps) {
        if (is_open(list_item(link, struct step, in_run)))
            return true;
    }
    return false;
}

/* The first open gate's number, or 0. */
static int open_gate(struct run *run)
{
    list_each (link, after, &run->gates) {
        struct gate *gate = list_item(link, struct gate, in_run);

        if (gate->state == GATE_OPEN)
            return gate->number;
    }
    return 0;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static int64_t run_due(struct run *run)
{
    int64_t due = 0;

    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        if (step->state == STEP_SLEEPING)
            due = sooner(due, look_due(step));
        else if (wait_is_parked(step))
            due = sooner(due, step->wake_ms);
    }
    return due;
}

/* Of the steps that a service put off, the one that goes on first. */
static void put_waits(struct run *run, struct json_out *out)
{
    const struct step *first = NULL;

    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        if (wait_is_parked(step) && (first == NULL || step->wake_ms < first->wake_ms))
            first = step;
    }
    if (first == NULL)
        return;
    json_key(out, "waits");
    json_open(out, '{');
    json_put_int(out, "until", first->wake_ms);
    json_put_raw(out, "why", first->wait_why);
    json_close(out);
}

void run_put_entry(struct run *run)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };
    int gate = open_gate(run);

    if (run_is_shadow(run))
        return;
    holds_put_all(run);
    json_open(&out, '{');
    json_put(&out, "by", run->by);
    if (run->error.len > 0)
        json_put_raw(&out, "error", run->error);
    if (gate > 0)
        json_put_int(&out, "gate", gate);
    if (run->glass > 0)
        json_put_int(&out, "glass", run->glass);
    if (run->kind != RUN_LIVE)
        json_put_int(&out, "kind", run->kind);
    if (run->notify.len > 0)
        json_put_raw(&out, "notify", run->notify);
    if (run->of > 0)
        json_put_int(&out, "of", run->of);
    json_put(&out, "playbook", run->playbook_name);
    if (run->top[0] != '\0')
        json_put(&out, "top", run->top);
    json_put_int(&out, "started", run->started_ms);
    if (run->ended_ms > 0)
        json_put_int(&out, "ended", run->ended_ms);
    if (!run_is_over(run))
        put_waits(run, &out);
    if (run->why != NULL && run->why[0] != '\0')
        json_put(&out, "why", run->why);
    json_close(&out);
    turn_add_entry(run->engine,
                   &(struct turn_entry){
                       .kind = ENTRY_RUN,
                       .run = run->id,
                       .state = run->state,
                       .due_ms =
                           run->state == RUN_RUNNING || run_is_over(run) ? 0 : run_due(run),
                       .first_seq = run->first_seq,
                       .last_seq = run->last_seq,
                       .body = str_span(&body),
                   });
    str_fini(&body);
}

/* The first run that it waits for, or 0. */
static int64_t awaited_child(const struct run *run)
{
    list_each (link, after, &run->steps) {
        const struct step *step = list_item(link, struct step, in_run);

        if (step->state == STEP_CHILD)
            return step->child;
    }
    return 0;
}

/* Who follows it goes on with the run that it waits for, or stays until its time comes. */
static void put_rest(struct run *run, struct json_out *out, int gate)
{
    int64_t child = awaited_child(run), due = run_due(run);
    bool is_at_people = run->state != RUN_WAITING || gate > 0;

    json_put(out, "child", is_at_people || child == 0 ? NULL : id_run(child).text);
    if (!is_at_people && child == 0 && due > 0)
        json_put_int(out, "until", due);
}

void run_tell_followers(struct run *run)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };
    int gate = open_gate(run);

    json_open(&out, '{');
    json_put_raw(&out, "error", run->error);
    json_put(&out, "gate",
             gate > 0 && !run_is_over(run) ? id_gate(run->id, gate).text : NULL);
    if (run->kind == RUN_ROLLBACK && run->state == RUN_STUCK)
        undo_tell(run, &out);
    put_rest(run, &out, gate);
    json_put(&out, "run", id_run(run->id).text);
    json_put(&out, "state", run_state_name(run->state));
    json_close(&out);
    struct command *command = turn_command(run->engine, CMD_SETTLED, true);
    command->run = run->id;
    command->exit = run_state_exit(run->state);
    command->bytes = turn_keep(run->engine, str_span(&body));
    str_fini(&body);
}

static void tell_parent(struct run *run)
{
    struct run *parent = run->parent > 0 ? run_wake(run->engine, run->parent) : NULL;
    struct step *step = parent != NULL
                            ? step_find(parent, span_of(run->parent_branch), run->parent_n)
                            : NULL;

    if (step != NULL)
        step->is_child_seen = step->is_child_told = false; /* look again */
    if (parent != NULL)
        run_push(parent);
}

void run_end(struct run *run, int state, struct span error)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    if (run_is_shadow(run)) {
        run->error = run_keep(run, error);
        preview_end(run, state == RUN_DONE ? NULL : "the playbook stopped");
        return;
    }
    look_end_all(run);
    doubt_keep_parts(run);
    gate_void_all(run);
    family_put_all(run, 0);
    json_open(&out, '{');
    if (error.len > 0)
        json_put_raw(&out, "e", error);
    json_put_int(&out, "s", state);
    json_close(&out);
    row_write(run, ROW_END, str_span(&body));
    str_fini(&body);
    run_put_entry(run);
    run_tell_followers(run);
    vm_drop(run);
    tell_parent(run);
    undo_after_end(run);
    run_push(run);
}

void run_stop(struct run *run, int state, struct span error)
{
    if (run_is_over(run))
        return;
    if (!run_is_shadow(run) && has_open(run)) {
        if (run->stop_state == 0) {
            run->stop_state = state;
            run->error = run_keep(run, error);
        }
        run_push(run);
        return;
    }
    run_end(run, state, error);
}

void run_cancel(struct run *run, struct span who, struct span why)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    if (!run->is_canceling) {
        json_open(&out, '{');
        json_put_span(&out, "who", who);
        json_put_raw(&out, "why", why);
        json_close(&out);
        row_write(run, ROW_CANCEL, str_span(&body));
        str_fini(&body);
    }
    run_push(run);
}

void run_fail(struct run *run, int state, const char *code, const char *fmt, ...)
{
    char sentence[768];
    struct str body = { 0 };
    struct json_out out = { .str = &body };
    va_list args;

    va_start(args, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    json_open(&out, '{');
    json_put(&out, "code", code);
    json_put(&out, "message", sentence);
    json_close(&out);
    run_stop(run, state, str_span(&body));
    str_fini(&body);
}

/* A run that was called is looked at as what its caller's alert made it. */
static void put_cause(struct json_out *out, const struct run *caller)
{
    static const char *const keys[] = { "confidence", "severity", "source", "tenant",
                                        "type" };
    struct span from = caller->alert.len > 0 ? caller->alert : caller->cause;

    if (json_kind(from) != JSON_OBJECT)
        return;
    json_key(out, "cause");
    json_open(out, '{');
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (json_kind(json_get(from, keys[i])) == JSON_STRING)
            json_put_raw(out, keys[i], json_get(from, keys[i]));
    json_close(out);
}

static void put_family(struct json_out *out, const struct run *caller)
{
    json_put_int(out, "root", caller->root > 0 ? caller->root : caller->id);
    json_put(out, "top", caller->top[0] != '\0' ? caller->top : caller->playbook_name);
}

struct run *run_start(struct engine *engine, int kind, struct playbook *playbook,
                      const char *entry, struct span params, struct span alert,
                      struct span by, int64_t of, struct step *parent, struct span limits)
{
    struct run *run = run_new(engine, engine->next_run++, kind);
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    run->playbook = playbook;
    run->is_loaded = true;
    json_open(&out, '{');
    if (alert.len > 0)
        json_put_raw(&out, "alert", alert);
    json_put_span(&out, "by", by);
    if (parent != NULL)
        put_cause(&out, parent->run);
    if (parent != NULL)
        json_put_int(&out, "depth", parent->run->depth + 1);
    if (*entry != '\0')
        json_put(&out, "entry", entry);
    json_put(&out, "hash", playbook->hash);
    json_put_int(&out, "kind", kind);
    if (limits.len > 0)
        json_put_raw(&out, "limits", limits);
    if (parent != NULL ? parent->run->notify.len > 0 : engine->notify.len > 0)
        json_put_raw(&out, "notify", parent != NULL ? parent->run->notify : engine->notify);
    if (of > 0)
        json_put_int(&out, "of", of);
    json_put_raw(&out, "params", params);
    if (parent != NULL) {
        json_key(&out, "parent");
        json_open(&out, '{');
        json_put(&out, "b", parent->branch);
        json_put_int(&out, "n", parent->n);
        json_put_int(&out, "run", parent->run->id);
        json_close(&out);
    }
    json_put(&out, "playbook", playbook->name);
    json_put_span(&out, "policy",
                  (struct span){ engine->policy_hash, strnlen(engine->policy_hash, 16) });
    if (parent != NULL)
        put_family(&out, parent->run);
    if (parent != NULL ? parent->run->trace.len > 0 : engine->trace.len > 0)
        json_put_raw(&out, "trace", parent != NULL ? parent->run->trace : engine->trace);
    json_close(&out);
    row_write(run, ROW_START, str_span(&body));
    str_fini(&body);
    run->is_indexed_running = true;
    run_put_entry(run);
    return run;
}

/* Is this a step that only people, time or another run can bring further? */
static bool is_parked_state(const struct run *run, const struct step *step)
{
    const struct run *child;

    if (is_stopping(run) && !is_open(step))
        return true;
    switch (step->state) {
    case STEP_HUMAN: return true;
    case STEP_NEW: return run->kind == RUN_ROLLBACK; /* its turn comes after another's */
    case STEP_ANSWERED: return step->is_delivered || !run->is_started;
    case STEP_CHILD:
        child = run_find(run->engine, step->child);
        return child == NULL || child->is_loaded;
    case STEP_GATED: return step->gate > 0;
    case STEP_PAUSING: return wait_is_parked(step);
    case STEP_SLEEPING: return look_may_park(step);
    default: return false;
    }
}

static bool may_park(struct run *run)
{
    bool has_waiting = false;

    if (run->turns > 0 || run->calls > 0 || run->shadow != NULL || run_is_shadow(run) ||
        !list_is_empty(&run->waiting) || run->wait_rows_of > 0 ||
        (run->wants_vm && !is_stopping(run)))
        return false;
    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        if (!is_parked_state(run, step))
            return false;
        has_waiting = has_waiting || step->state != STEP_ANSWERED;
    }
    return has_waiting;
}

/* Lets go of the memory, when nothing but people, time or other runs can go on. */
static void park(struct run *run)
{
    run->state = first_in(run, STEP_HUMAN) != NULL ? RUN_STUCK : RUN_WAITING;
    run_put_entry(run);
    run_tell_followers(run);
    run_free(run);
}

/* A run that shall stop begins nothing, and ends only when what it began is known. */
static void push_stop(struct run *run)
{
    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        if (step->state == STEP_CHILD)
            step_stop_child(step);
        else if (step->has_intent && !step->has_outcome)
            step_go_on(step);
    }
    if (has_open(run))
        return;
    if (run->stop_state > 0)
        run_end(run, run->stop_state, run->error);
    else
        run_fail(run, RUN_CANCELED, "canceled",
                 "canceled; what it contained stays contained");
}

static void push_steps(struct run *run)
{
    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        if (run_is_over(run) || run->stop_state > 0)
            return;
        if (step->state == STEP_NEW && step->is_wished)
            step_begin(step);
        else if (step->state != STEP_NEW || step->gate > 0)
            step_go_on(step);
    }
}

/* The VM has something to do for a run that was in memory when the power went (its wishes
 * may not be journaled), and for one that got an answer since it was loaded. A run that was
 * loaded only to take a vote needs none. */
static void push_vm(struct run *run)
{
    if (run->is_started)
        vm_deliver(run);
    else if (run->wants_vm)
        vm_start(run);
}

static void push_now(struct run *run)
{
    if (!run->is_loaded || run_is_over(run))
        return;
    if (is_stopping(run))
        push_stop(run);
    else if (run->kind == RUN_ROLLBACK)
        undo_push(run);
    else {
        push_steps(run);
        if (!run_is_over(run) && run->stop_state == 0)
            push_vm(run);
    }
}

void runs_drain(struct engine *engine)
{
    while (!list_is_empty(&engine->queue)) {
        struct run *run = list_item(engine->queue.next, struct run, in_queue);

        list_remove(&run->in_queue);
        push_now(run);
        if (!list_is_empty(&run->in_queue))
            continue;
        if (run_is_over(run))
            run_free(run);
        else if (run_is_shadow(run))
            preview_check_bounds(run);
        else if (run->is_loaded && may_park(run))
            park(run);
    }
}

void timer_want(struct engine *engine, int64_t at_ms)
{
    if (engine->timer_ms != 0 && engine->timer_ms <= at_ms)
        return;
    engine->timer_ms = at_ms;
    turn_command(engine, CMD_TIMER, false)->number = at_ms;
}
