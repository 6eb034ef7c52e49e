/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/call.c - calls to plugin hosts: out, back, lost, and where they can be taken up again.
 */
#include "engine/internal.h"

#include <stdio.h>
#include <string.h>

#include "base/id.h"
#include "frame/frame.h"

/* -- calls ------------------------------------------------------------------------------ */

void engine_step_key(const struct engine *engine, const struct step_name *name, char *hex)
{
    struct hash_list list;
    char text[HASH_HEX_LEN + 1];

    hash_list_init(&list, "cordon.key.v1");
    hash_list_add_span(&list, span_of(engine->install));
    hash_list_add_int(&list, name->run);
    hash_list_add_span(&list, name->branch);
    hash_list_add_int(&list, name->n);
    hash_list_add_int(&list, name->is_restore);
    hash_hex(hash_list_end(&list), text);
    memcpy(hex, text, STEP_KEY_LEN);
    hex[STEP_KEY_LEN] = '\0';
}

/* "00-TRACE-PARENT-FLAGS" with this step in the parent's place, the same each time. */
static void add_traceparent(struct frame_writer *out, const struct run *run,
                            const char *key)
{
    enum { BEFORE = 36, PARENT = 16 };
    char text[64] = "";
    struct span trace = json_raw(run->trace);

    if (trace.len > BEFORE + PARENT && trace.len < sizeof text)
        snprintf(text, sizeof text, "%.*s%.*s%.*s", BEFORE, trace.ptr, PARENT, key,
                 (int)trace.len - BEFORE - PARENT, trace.ptr + BEFORE + PARENT);
    frame_add_text(out, text);
}

void host_call(struct step *step, int op)
{
    struct engine *engine = step->run->engine;
    struct action *action = step_action(step);
    struct call *call = xcalloc(1, sizeof *call);
    struct str bytes = { 0 };
    struct frame_writer out;
    char key[STEP_KEY_LEN + 1];
    bool is_effect = op == HOST_APPLY || op == HOST_RESTORE;

    call->id = engine->next_call++;
    call->run = step->run->id;
    call->step = step;
    call->plugin = action->plugin;
    call->op = op;
    list_add(&engine->calls[(uint64_t)call->id % TABLE_SIZE], &call->in_table);
    step->call = call->id;
    step->looked_at = engine->slice_clock;
    step->run->calls++;
    engine->busy++;
    struct step_name name = { step->run->id & ~SHADOW, span_of(step->branch), step->n,
                              step->is_undo };
    engine_step_key(engine, &name, key);
    frame_begin(&out, &bytes, FRAME_HOST_CALL);
    frame_add_int(&out, call->id);
    frame_add_int(&out, op);
    frame_add_text(&out, step->action);
    frame_add_text(&out, id_run(step->run->id & ~SHADOW).text);
    frame_add_span(&out, step->args.len > 0 ? step->args : span_of("{}"));
    frame_add_span(&out, step->before);
    frame_add_text(&out, step->token);
    frame_add_span(&out, step->after);
    frame_add_span(&out, step->is_undo ? step->goal : (struct span){ 0 });
    frame_add_text(&out, key);
    frame_add_text(&out, is_effect ? step->resume : NULL);
    frame_add_int(&out, action->timeout_ms);
    add_traceparent(&out, step->run, key);
    frame_finish(&out);
    struct command *command = turn_command(engine, CMD_HOST, is_effect);
    command->name = turn_keep(engine, span_of(action->plugin->name));
    command->number = call->id;
    command->run = step->run->id;
    command->bytes = turn_keep(engine, str_span(&bytes));
    str_fini(&bytes);
}

static const char *op_word(int op)
{
    return op == HOST_READ      ? "read"
           : op == HOST_PREPARE ? "prepare"
           : op == HOST_OBSERVE ? "observe"
           : op == HOST_APPLY   ? "apply"
                                : "restore";
}

static void put_slow(struct json_out *out, const struct call *call, int64_t since_ms)
{
    const struct step *step = call->step;

    json_open(out, '{');
    json_put_int(out, "at", since_ms);
    json_key(out, "body");
    json_open(out, '{');
    json_put(out, "a", step->action);
    json_put_raw(out, "args", step->args);
    json_put(out, "b", step->branch);
    json_put_int(out, "n", step->n);
    json_put(out, "op", op_word(call->op));
    json_put(out, "t", step->target);
    json_close(out);
    json_put(out, "kind", "call");
    json_put(out, "run", step->run->plan_ask > 0 ? NULL : id_run(call->run & ~SHADOW).text);
    json_close(out);
}

/* The preview of a gate is told to those who follow its run, a plan to who asked for it. */
void call_on_slow(const struct call *call, const struct event *event)
{
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    if (call == NULL || call->step == NULL)
        return;
    put_slow(&out, call, event->number2);
    struct run *run = call->step->run;
    bool is_plan = run->plan_ask > 0;
    struct command *command =
        turn_command(run->engine, is_plan ? CMD_EVENT : CMD_TELL, false);
    command->number = run->plan_ask;
    command->run = call->run & ~SHADOW;
    command->bytes = turn_keep(run->engine, str_span(&text));
    str_fini(&text);
}

/* A frame may hold more than what is journaled of an answer. An effect that answers like
 * that may have taken place. */
static struct event call_bounded(int op, const struct event *event)
{
    const struct span parts[] = { event->code,  event->message, event->target,
                                  event->token, event->state,   event->after,
                                  event->goal,  event->info,    event->result };
    struct event small = { .status = event->status,
                           .code = span_of("too_big"),
                           .message = span_of("a part of the plugin's answer is longer "
                                              "than the 256 KiB that are kept of one "
                                              "(ENGINE_RESULT_MAX)") };

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].len <= ENGINE_RESULT_MAX)
            continue;
        if (small.status == STATUS_DONE)
            small.status =
                op == HOST_APPLY || op == HOST_RESTORE ? STATUS_UNKNOWN : STATUS_REFUSED;
        return small;
    }
    return *event;
}

void step_on_host(struct step *step, int op, const struct event *given)
{
    struct run *run = step->run;
    struct event small = call_bounded(op, given);
    const struct event *event = &small;

    run_push(run);
    if (run_is_over(run))
        return;
    switch (op) {
    case HOST_READ:
        if (event->status == STATUS_DONE)
            step_answer(step, true,
                        event->result.len > 0 ? event->result : span_of("null"));
        else
            step_on_failed_read(step, event);
        break;
    case HOST_PREPARE:
        if (event->status == STATUS_DONE)
            change_on_prepared(step, event);
        else
            step_on_failed_read(step, event);
        break;
    case HOST_OBSERVE:
        if (step->has_intent)
            doubt_on_looked(step, event);
        else
            change_on_observed(step, event);
        break;
    default: change_on_applied(step, event); break;
    }
}

/* The plugin's process is gone, and the call with it. What it had begun is in doubt. */
void step_on_host_gone(struct step *step, int op, struct span why)
{
    struct event event = {
        .status = op == HOST_APPLY || op == HOST_RESTORE ? STATUS_UNKNOWN : STATUS_RETRY,
        .code = span_of("plugin_gone"),
        .message = why,
    };

    step_on_host(step, op, &event);
}

void step_on_progress(struct step *step, int64_t call, struct span resume)
{
    struct engine *engine = step->run->engine;
    struct str body = { 0 };
    struct str bytes = { 0 };
    struct json_out json = { .str = &body };
    struct frame_writer out;
    struct action *action = step_action(step);

    json_open(&json, '{');
    json_put(&json, "b", step->branch);
    json_put_int(&json, "n", step->n);
    json_put_raw(&json, "r", resume);
    json_close(&json);
    row_write(step->run, ROW_PROGRESS, str_span(&body));
    str_fini(&body);
    frame_begin(&out, &bytes, FRAME_HOST_SAVED);
    frame_add_int(&out, call);
    frame_finish(&out);
    struct command *command = turn_command(engine, CMD_HOST, true);
    command->name = turn_keep(engine, span_of(action->plugin->name));
    command->run = step->run->id;
    command->bytes = turn_keep(engine, str_span(&bytes));
    str_fini(&bytes);
}
