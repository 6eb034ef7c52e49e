/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/replay.c - the playbook's side: wishes in, answers out.
 *
 * Live or replayed makes no difference here. Answers are delivered one at a time in the
 * order of the journal; every wish that the journal already knows is compared with it,
 * arguments included, and a difference stops the run before anything is sent.
 */
#include "engine/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/id.h"
#include "frame/frame.h"

enum { BRANCH_MAX = 256, NAME_LEN_MAX = 160 }; /* more than a VM makes */

static struct frame_writer frame_to(struct str *bytes, enum frame_type type)
{
    struct frame_writer out;

    frame_begin(&out, bytes, type);
    return out;
}

static void send_vm(struct run *run, struct str *bytes)
{
    struct command *command = turn_command(run->engine, CMD_VM, false);

    command->name = turn_keep(run->engine, span_of(run->playbook->hash));
    command->run = run->id;
    command->bytes = turn_keep(run->engine, str_span(bytes));
    str_fini(bytes);
}

static void await_turn(struct run *run)
{
    run->turns++;
    run->engine->busy++;
}

void vm_start(struct run *run)
{
    struct str bytes = { 0 };
    struct str about = { 0 };
    struct json_out json = { .str = &about };
    int64_t id = run->id & ~SHADOW;

    run->wants_vm = false;
    if (run->playbook == NULL) {
        run_fail(run, RUN_FAILED, "no_playbook",
                 "the source of playbook %s is not in the journal", run->playbook_name);
        return;
    }
    json_open(&json, '{');
    json_put_raw(&json, "alert", run->alert);
    json_put(&json, "id", id_run(id).text);
    if (run->of > 0)
        json_put(&json, "of", id_run(run->of).text);
    json_put(&json, "requester", run->by);
    json_close(&json);
    struct frame_writer out = frame_to(&bytes, FRAME_VM_START);
    frame_add_int(&out, run->id);
    frame_add_text(&out, run->entry);
    frame_add_span(&out, run->params);
    frame_add_span(&out, str_span(&about));
    frame_finish(&out);
    str_fini(&about);
    run->is_started = true;
    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        step->is_wished = step->is_delivered = false;
        step->again_n = 0;
    }
    await_turn(run);
    send_vm(run, &bytes);
}

static void answer(struct step *step)
{
    struct run *run = step->run;
    struct str bytes = { 0 }, value = { 0 };
    struct frame_writer out = frame_to(&bytes, FRAME_VM_ANSWER);

    frame_add_int(&out, run->id);
    frame_add_text(&out, step->branch);
    frame_add_int(&out, look_number(step, &value));
    frame_add_int(&out, step->ok);
    frame_add_span(&out, str_span(&value));
    frame_finish(&out);
    str_fini(&value);
    step->is_delivered = true;
    await_turn(run);
    send_vm(run, &bytes);
}

/* The journal and the playbook do not agree; nothing has been sent since they did. */
static void diverged(const struct step *step, const char *instead)
{
    run_fail(step->run, RUN_DIVERGED, "diverged",
             "at %s the journal has %s and the playbook %s: nothing was sent, and a person "
             "must look",
             step_path(step), step->action[0] != '\0' ? step->action : step->kind, instead);
}

void vm_deliver(struct run *run)
{
    if (!run->is_started || run->turns > 0)
        return;
    list_each (link, after, &run->order) {
        struct step *step = list_item(link, struct step, in_order);

        if (step->is_delivered || step->is_undo)
            continue;
        if (!step->is_wished) {
            diverged(step, "asks for nothing there");
            return;
        }
        answer(step);
        return;
    }
}

static bool is_same_wish(const struct step *step, const struct event_wish *wish)
{
    char hex[HASH_HEX_LEN + 1];

    /* A run of an earlier version asked for the time where its wait began. */
    if (span_is(wish->kind, "wait_until") && strcmp(step->kind, "now") == 0)
        return json_get(wish->args, "at").len == 0;
    if (!span_is(wish->kind, step->kind) || !span_is(wish->action, step->action))
        return false;
    hash_hex(hash_of(wish->args.ptr, wish->args.len), hex);
    return step->args_hash[0] == '\0' || memcmp(hex, step->args_hash, 16) == 0;
}

/* What no VM of ours sends: it has been taken over, or has a mistake. */
static bool is_sane(const struct event_wish *wish)
{
    for (size_t i = 0; i < wish->branch.len; i++)
        if (wish->branch.ptr[i] != '.' &&
            (wish->branch.ptr[i] < '0' || wish->branch.ptr[i] > '9'))
            return false;
    return wish->branch.len > 0 && wish->branch.len <= BRANCH_MAX && wish->n > 0 &&
           wish->n <= ENGINE_STEPS_MAX && wish->kind.len > 0 &&
           wish->kind.len <= NAME_LEN_MAX && wish->action.len <= NAME_LEN_MAX &&
           wish->args.len <= ENGINE_RESULT_MAX;
}

/* Is there room for one step more? */
static bool has_room(struct run *run)
{
    if (run->step_count >= ENGINE_STEPS_MAX)
        run_fail(run, RUN_FAILED, "too_many_steps", "more than %d steps in one run",
                 ENGINE_STEPS_MAX);
    else if (run->body_bytes > ENGINE_BODY_MAX)
        run_fail(run, RUN_FAILED, "too_long",
                 "the run has written %" PRId64
                 " bytes into the journal, and it may write %d",
                 run->body_bytes, ENGINE_BODY_MAX);
    else
        return true;
    return false;
}

/* False when the run has been stopped. */
static bool take_wish(struct run *run, const struct event_wish *wish)
{
    struct step *step = step_find(run, wish->branch, wish->n);

    if (!is_sane(wish)) {
        run_fail(run, RUN_FAILED, "vm",
                 "the playbook's process asked for what makes no sense");
        return false;
    }
    if (look_takes(run, wish))
        return true;
    if (step == NULL) {
        if (!has_room(run))
            return false;
        step = step_new(run, wish->branch, wish->n, wish->kind, wish->action, wish->args);
    } else if (!is_same_wish(step, wish)) {
        diverged(step, "now asks for something else there, or with other arguments");
        return false;
    } else if (step->args.len == 0) {
        step->args = run_keep(run, wish->args);
    }
    step->is_wished = true;
    return true;
}

void vm_on_turn(struct run *run, const struct event *event)
{
    if (run->turns > 0) {
        run->turns--;
        run->engine->busy--;
    }
    if (run_is_over(run) || !run->is_started)
        return;
    run->playbook->load_strikes = 0;
    for (int i = 0; i < event->count; i++)
        if (!take_wish(run, &event->wishes[i]))
            return;
    if (event->json.len > ENGINE_RESULT_MAX) {
        run_fail(run, RUN_FAILED, "too_big",
                 "the playbook ended with %zu bytes, more than %d", event->json.len,
                 ENGINE_RESULT_MAX);
        return;
    }
    switch (event->number) {
    case VM_TURN_WAITING: break;
    case VM_TURN_DONE:
    case VM_TURN_FAILED:
        list_each (link, after, &run->order) {
            struct step *step = list_item(link, struct step, in_order);

            if (!step->is_delivered && !step->is_undo) {
                diverged(step, "has ended");
                return;
            }
        }
        if (event->number == VM_TURN_DONE) {
            run_stop(run, RUN_DONE, (struct span){ 0 });
        } else {
            struct span code = json_get_raw(event->json, "code");

            run_stop(run,
                     span_is(code, "denied") || span_is(code, "expired") ? RUN_DENIED
                                                                         : RUN_FAILED,
                     event->json);
        }
        return;
    case VM_TURN_BUDGET: run_stop(run, RUN_FAILED, event->json); return;
    default: break;
    }
    run_push(run);
}

void vm_drop(struct run *run)
{
    run->engine->busy -= run->turns;
    run->turns = 0;
    if (!run->is_started)
        return;
    run->is_started = false;
    struct str bytes = { 0 };
    struct frame_writer out = frame_to(&bytes, FRAME_VM_DROP);
    frame_add_int(&out, run->id);
    frame_finish(&out);
    send_vm(run, &bytes);
}

/* Started again and again, a process that cannot even load would keep the machine busy and
 * its runs waiting for ever. */
static void count_load_strike(struct engine *engine, const struct event *event)
{
    list_each (link, after, &engine->playbooks) {
        struct playbook *playbook = list_item(link, struct playbook, in_engine);

        if (span_is(event->name, playbook->hash))
            playbook->load_strikes =
                event->number2 == -1 && !event->ok ? playbook->load_strikes + 1 : 0;
    }
}

/* The VM of a playbook version is gone. Its runs are replayed in a fresh one; the run that
 * was being activated has a strike more, and after a few of them it has failed. */
static void lose_vm(struct run *run, const struct event *event)
{
    bool is_hopeless = run->playbook->load_strikes >= ENGINE_STRIKES_MAX;
    bool is_blamed = !event->ok && run->id == event->number2 &&
                     (event->number != 0 || ++run->strikes >= ENGINE_STRIKES_MAX);

    run->engine->busy -= run->turns;
    run->turns = 0;
    run->is_started = false;
    run->wants_vm = true;
    if (is_hopeless || is_blamed) {
        run_fail(run, RUN_FAILED, event->number != 0 && is_blamed ? "budget" : "vm", "%.*s",
                 (int)event->text.len, event->text.ptr);
        return;
    }
    run_push(run);
}

void vm_on_gone(struct engine *engine, const struct event *event)
{
    count_load_strike(engine, event);
    for (int i = 0; i < TABLE_SIZE; i++) {
        list_each (link, after, &engine->table[i]) {
            struct run *run = list_item(link, struct run, in_table);

            if (run->is_started && run->playbook != NULL && !run_is_over(run) &&
                span_is(event->name, run->playbook->hash))
                lose_vm(run, event);
        }
    }
}
