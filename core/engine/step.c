/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/step.c - one wish, from asked to answered.
 *
 *  a change:
 *            ┌──────────────── a moment later ◄── PAUSING ◄── nothing was changed, may work
 *            ▼                                       ▲
 *   NEW ──► CALLING ──► (guards, halt, policy) ──► APPLYING ──► ANSWERED
 *            │  observe, plan   │        │    intent  │   as planned, or refused
 *            │                  ▼        ▼   durable  ▼
 *            │               GATED     HELD        IN_DOUBT ──► HUMAN
 *            └─► ANSWERED                             observe decides; when it cannot,
 *               already so, or refused                a person does
 *
 *  a read: NEW ──► CALLING ──► ANSWERED
 */
#include "engine/internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "frame/frame.h"

struct span step_found(const struct step *step)
{
    return step->is_undo ? step->now : step->before;
}

struct span step_wanted(const struct step *step)
{
    return step->is_undo ? step->goal : step->after;
}

const char *step_path(const struct step *step)
{
    return arena_printf(&step->run->arena, "%s/%" PRId64, step->branch, step->n);
}

struct action *action_find(struct engine *engine, struct span name)
{
    list_each (link, after, &engine->actions) {
        struct action *action = list_item(link, struct action, in_engine);

        if (span_is(name, action->name))
            return action;
    }
    return NULL;
}

struct action *step_action(const struct step *step)
{
    return action_find(step->run->engine, span_of(step->action));
}

/* -- answers --------------------------------------------------------------------------- */

/* Which effect of which run this undoes. */
void undoes_put(struct json_out *out, const struct step *step)
{
    json_put_int(out, "of", step->undoes_run);
    json_put_int(out, "ofn", step->undoes_ordinal);
    json_put(out, "ofp", step->undoes_path);
    json_put_int(out, "ofs", step->undoes_seq);
}

void answer_write(struct step *step, bool ok, struct span value, bool is_noop)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    if (look_keeps(step)) {
        step->ok = ok;
        step->value = run_keep(step->run, value);
        step->state = STEP_ANSWERED;
        list_add(&step->run->order, &step->in_order);
        run_push(step->run);
        return;
    }
    json_open(&out, '{');
    if (step->action[0] != '\0')
        json_put(&out, "a", step->action);
    json_put(&out, "b", step->branch);
    if (step->args_hash[0] != '\0')
        json_put(&out, "h", step->args_hash);
    json_put(&out, "k", step->kind);
    json_put_int(&out, "n", step->n);
    if (!ok)
        json_put_bool(&out, "ok", false);
    json_put_raw(&out, "v", value);
    if (is_noop || step->is_undo) {
        json_key(&out, "x");
        json_open(&out, '{');
        json_put_raw(&out, "after", step->after);
        json_put_raw(&out, "args", step->args);
        if (step->is_joined && !step->is_undo)
            json_put_bool(&out, "hold", true);
        json_put_bool(&out, "noop", is_noop);
        json_put(&out, "target", step->target);
        if (step->is_undo) {
            undoes_put(&out, step);
            if (is_noop && json_count(step->passes) > 0)
                json_put_raw(&out, "to", step->passes);
            json_put_bool(&out, "undo", true);
        } else if (step->is_joined) {
            if (step->until_ms > 0)
                json_put_int(&out, "until", step->until_ms);
            json_put(&out, "what", step->what);
        }
        json_close(&out);
    } else if (step->by[0] != '\0') {
        json_key(&out, "x");
        json_open(&out, '{');
        json_put(&out, "by", step->by);
        json_put_raw(&out, "name", json_get(step->args, "name"));
        if (step->because[0] != '\0')
            json_put(&out, "why", step->because);
        json_close(&out);
    } else if (step->kind[0] == 'n' && strcmp(step->kind, "note") == 0) {
        json_put_raw(&out, "x", step->args);
    } else if (step->action[0] != '\0') { /* what was read, for people */
        json_key(&out, "x");
        json_open(&out, '{');
        json_put_raw(&out, "args", step->args);
        json_close(&out);
    }
    json_close(&out);
    row_write(step->run, ROW_ANSWER, str_span(&body));
    str_fini(&body);
    step->run->wants_vm = !step->run->is_started && step->run->kind != RUN_ROLLBACK;
    run_push(step->run);
}

void step_answer(struct step *step, bool ok, struct span value)
{
    if (value.len > ENGINE_RESULT_MAX) {
        step_answer_error(step, "too_big",
                          "the answer has %zu bytes, more than the %d that one "
                          "may have (ENGINE_RESULT_MAX)",
                          value.len, ENGINE_RESULT_MAX);
        return;
    }
    answer_write(step, ok, value, false);
}

void error_put(struct str *body, const struct step *step, struct span code,
               struct span message, bool retryable)
{
    struct json_out out = { .str = body };

    json_open(&out, '{');
    json_put(&out, "action", step->action);
    json_put_span(&out, "code", code);
    json_put_span(&out, "message", message);
    json_put_bool(&out, "retryable", retryable);
    json_close(&out);
}

void step_answer_error(struct step *step, const char *code, const char *fmt, ...)
{
    char sentence[768];
    struct str body = { 0 };
    va_list args;

    va_start(args, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    error_put(&body, step, span_of(code), span_of(sentence), false);
    step_answer(step, false, str_span(&body));
    str_fini(&body);
}

/* What the playbook gets for a change. */
struct span step_result(struct step *step)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    json_open(&out, '{');
    json_put_raw(&out, "after", step->after);
    json_put_raw(&out, "before", step->before);
    json_put_bool(&out, "changed", !step->is_noop);
    json_put_raw(&out, "result", step->info);
    json_put(&out, "target", step->target);
    json_close(&out);
    struct span kept = run_keep(step->run, str_span(&body));
    str_fini(&body);
    return kept;
}

/* -- beginning --------------------------------------------------------------------------- */

/* Is there a plugin that can be asked? Else the step is answered. */
static bool has_action(struct step *step)
{
    const struct action *action = step_action(step);

    if (action == NULL)
        step_answer_error(step, "unknown_action",
                          "no plugin offers %s; `cordon actions` lists what there is",
                          step->action);
    else if (action->plugin->is_refused)
        step_answer_error(step, "plugin", "%s", action->plugin->why);
    else
        return true;
    return false;
}

static void begin_action(struct step *step)
{
    struct action *action = step_action(step);

    if (step->is_partly) {
        doubt_look(step); /* which goes on from what was captured, or finds it gone */
        return;
    }
    if (!has_action(step))
        return;
    step->state = STEP_CALLING;
    host_call(step, action->effect == EFFECT_READS ? HOST_READ : HOST_PREPARE);
}

/* How long: ctx.sleep says it; ctx.signal waits for ever unless it says within. */
static int64_t sleep_ms(const struct step *step)
{
    char *within;
    int64_t ms = INT64_C(10) * 365 * 24 * 3600 * 1000;

    if (strcmp(step->kind, "sleep") == 0)
        return json_get_int(step->args, "ms", 0);
    within = json_get_text(step->args, "within");
    if (within != NULL)
        duration_parse(span_of(within), &ms);
    free(within);
    return ms;
}

static void begin_sleep(struct step *step)
{
    int64_t ms = sleep_ms(step);
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    json_open(&out, '{');
    if (strcmp(step->kind, "signal") == 0)
        json_put_raw(&out, "args", step->args); /* says which one, also when it is loaded */
    json_put(&out, "b", step->branch);
    json_put(&out, "h", step->args_hash);
    json_put(&out, "k", step->kind);
    json_put_int(&out, "n", step->n);
    json_put_int(&out, "until", step->run->engine->now_ms + (ms > 0 ? ms : 0));
    json_close(&out);
    row_write(step->run, ROW_SLEEP, str_span(&body));
    str_fini(&body);
    step_go_on(step);
}

/* Chance that is the same at every replay of this step, whatever the journal says. */
static struct hash chance(const struct step *step)
{
    struct hash_list list;

    hash_list_init(&list, "cordon.chance.v1");
    hash_list_add(&list, step->run->engine->seed.bytes, HASH_LEN);
    hash_list_add_int(&list, step->run->id & ~SHADOW);
    hash_list_add_span(&list, span_of(step->branch));
    hash_list_add_int(&list, step->n);
    return hash_list_end(&list);
}

static void begin_chance(struct step *step, bool is_uuid)
{
    struct hash hash = chance(step);
    unsigned char *b = hash.bytes;
    char text[48];

    if (is_uuid) {
        b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
        b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
        snprintf(text, sizeof text,
                 "\"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x\"",
                 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11],
                 b[12], b[13], b[14], b[15]);
    } else {
        uint64_t number;
        int64_t limit = json_get_int(step->args, "n", 0);

        memcpy(&number, b, sizeof number);
        if (limit > 0) {
            snprintf(text, sizeof text, "%" PRIu64, number % (uint64_t)limit + 1);
        } else {
            struct str str = { 0 };
            struct json_out out = { .str = &str };

            json_number(&out, (double)(number >> 11) / 9007199254740992.0);
            snprintf(text, sizeof text, "%s", str_text(&str));
            str_fini(&str);
        }
    }
    step_answer(step, true, span_of(text));
}

void step_begin_plain(struct step *step)
{
    const char *kind = step->kind;
    char number[24];

    if (strcmp(kind, "now") == 0) {
        snprintf(number, sizeof number, "%" PRId64, step->run->engine->now_ms / 1000);
        step_answer(step, true, span_of(number));
    } else if (strcmp(kind, "random") == 0 || strcmp(kind, "uuid") == 0) {
        begin_chance(step, kind[0] == 'u');
    } else if (strcmp(kind, "note") == 0 || strcmp(kind, "atomic_begin") == 0 ||
               strcmp(kind, "atomic_end") == 0) {
        step_answer(step, true, span_of("null"));
    } else {
        step_answer_error(step, "unknown_wish", "this cordon knows no ctx.%s", kind);
    }
}

static bool is_positive(struct span text)
{
    int64_t ms;

    return text.len == 0 || duration_positive(json_raw(text), &ms);
}

/* A wait of no time is a mistake in a computed value: nobody could ever answer. */
static bool has_time(const struct step *step)
{
    struct span link;
    size_t pos = 0;

    if (strcmp(step->kind, "step") == 0)
        return true; /* its plugin's schema says that */
    if (!is_positive(json_get(step->args, "within")))
        return false;
    while (json_next(json_get(step->args, "escalate"), &pos, NULL, &link))
        if (!is_positive(json_get(link, "after")))
            return false;
    return true;
}

void step_begin(struct step *step)
{
    const char *kind = step->kind;

    if (!has_time(step)) {
        step_answer_error(step, "invalid",
                          "ctx.%s: within, and after in escalate, want a duration above "
                          "zero such as \"30m\"",
                          kind);
    } else if (run_is_shadow(step->run)) {
        preview_step(step);
    } else if (strcmp(kind, "step") == 0) {
        begin_action(step);
    } else if (strcmp(kind, "approve") == 0 || strcmp(kind, "ask") == 0) {
        gate_begin(step);
    } else if (strcmp(kind, "sleep") == 0 || strcmp(kind, "signal") == 0) {
        begin_sleep(step);
    } else if (strcmp(kind, "wait_until") == 0) {
        look_begin(step);
    } else if (strcmp(kind, "rollback") == 0 || strcmp(kind, "atomic_undo") == 0 ||
               strcmp(kind, "call") == 0) {
        start_wish_child(step);
    } else {
        step_begin_plain(step);
    }
}

/* -- trying again ------------------------------------------------------------------------ */

enum { PAUSE_FIRST_MS = 500, PAUSE_MAX_MS = 30000, RETRIES_PREVIEW_MAX = 6 };

/* For people who wait and would otherwise see nothing: it is tried again, and why. */
static void tell_pause(const struct step *step, const struct event *event)
{
    struct run *run = step->run;
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    if (run_is_shadow(run))
        return;
    json_open(&out, '{');
    json_put_int(&out, "at", run->engine->now_ms);
    json_key(&out, "body");
    json_open(&out, '{');
    json_put(&out, "a", step->action);
    json_put_raw(&out, "args", step->args);
    json_put(&out, "b", step->branch);
    json_put_span(&out, "code", event->code);
    json_put_span(&out, "msg", event->message);
    json_put_int(&out, "n", step->n);
    json_put_int(&out, "next", step->wake_ms);
    json_put(&out, "t", step->target);
    json_put_int(&out, "try", step->retries + 1);
    json_put_int(&out, "tries", RETRIES_MAX + 1);
    json_close(&out);
    json_put(&out, "kind", "pause");
    json_put(&out, "run", id_run(run->id).text);
    json_close(&out);
    struct command *command = turn_command(run->engine, CMD_TELL, false);
    command->run = run->id;
    command->bytes = turn_keep(run->engine, str_span(&text));
    str_fini(&text);
}

void step_pause(struct step *step, const struct event *event)
{
    int64_t ms = PAUSE_FIRST_MS;

    for (int i = 0; i < step->retries && ms < PAUSE_MAX_MS; i++)
        ms *= 2;
    ms = ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
    step->retries++;
    step->state = STEP_PAUSING;
    step->is_waiting = false;
    step->wake_ms = step->run->engine->now_ms + (ms > event->wait_ms ? ms : event->wait_ms);
    timer_want(step->run->engine, step->wake_ms);
    tell_pause(step, event);
}

/* A preview does not sit out what the run itself will wait for. */
static int64_t pause_max_ms(const struct step *step)
{
    return run_is_shadow(step->run) ? PAUSE_MAX_MS : INT64_MAX;
}

static int retries_max(const struct step *step)
{
    return run_is_shadow(step->run) ? RETRIES_PREVIEW_MAX : RETRIES_MAX;
}

void step_on_failed_read(struct step *step, const struct event *event)
{
    bool may_retry = event->status != STATUS_REFUSED;
    struct str body = { 0 };

    if (may_retry && wait_is_asked(step, event)) {
        wait_begin(step, &(struct wait_why){ .code = event->code,
                                             .message = event->message,
                                             .until_ms = wait_end_ms(step, event) });
        return;
    }
    if (may_retry && event->wait_ms <= pause_max_ms(step) &&
        step->retries < retries_max(step)) {
        step_pause(step, event);
        return;
    }
    error_put(&body, step, event->code.len > 0 ? event->code : span_of("failed"),
              event->message, may_retry);
    step_answer(step, false, str_span(&body));
    str_fini(&body);
    preview_on_failed(step, false);
}

/* -- going on --------------------------------------------------------------------------------- */

void step_begin_again(struct step *step)
{
    step->gate = 0;
    step->must_look = false;
    if (!step->is_undo) {
        begin_action(step);
    } else if (change_begins_undo(step) && has_action(step)) {
        step->state = STEP_CALLING;
        host_call(step, HOST_OBSERVE);
    }
}

static void go_on_gated(struct step *step)
{
    struct gate *gate = gate_find(step->run, step->gate);

    if (step->gate == 0 && !step->must_look) {
        if (step->run->shadow == NULL)
            gate_begin(step);
        return;
    }
    if (!step->must_look && (gate == NULL || gate->state == GATE_OPEN))
        return;
    if (strcmp(step->kind, "step") != 0) {
        gate_answer(step, gate);
        return;
    }
    if (!step->is_wished && !step->is_undo) {
        /* Nothing is sent before the playbook has asked for it again, word for word. */
        step->run->wants_vm = !step->run->is_started;
        return;
    }
    if (step->must_look || gate->state == GATE_GRANTED || gate->state == GATE_VOID) {
        step_begin_again(step);
    } else {
        run_fail(step->run, RUN_DENIED, gate->state == GATE_DENIED ? "denied" : "expired",
                 "gate %s was %s: %s on %s was not done",
                 id_gate(step->run->id, gate->number).text, gate_state_name(gate->state),
                 step->action, step->target);
    }
}

/* The run that answers the step. When it is not in memory it is asked for, unless it was
 * seen before: it tells when it ends. */
static struct run *child_of(struct step *step, bool is_seen)
{
    struct run *child = run_find(step->run->engine, step->child);

    if (child == NULL && !is_seen)
        child = run_wake(step->run->engine, step->child);
    return child != NULL && child->is_loaded ? child : NULL;
}

static void child_go_on(struct step *step)
{
    struct run *child = child_of(step, step->is_child_seen);
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    if (child == NULL)
        return;
    if (!run_is_over(child)) {
        step->is_child_seen = true;
        return;
    }
    json_open(&out, '{');
    if (child->state == RUN_DONE) {
        json_put(&out, "run", id_run(child->id).text);
        json_put(&out, "state", run_state_name(child->state));
    } else {
        json_put(&out, "code", run_state_name(child->state));
        json_put(&out, "message", "the other run did not get done");
        json_put(&out, "run", id_run(child->id).text);
    }
    json_close(&out);
    step_answer(step, child->state == RUN_DONE, str_span(&body));
    str_fini(&body);
}

/* What others do for a run that shall stop is stopped too, but for an undo: half of one is
 * worse than all of it, unless a person said stop. */
void step_stop_child(struct step *step)
{
    struct run *child = child_of(step, step->is_child_told);

    if (child == NULL)
        return;
    if (run_is_over(child)) {
        child_go_on(step);
        return;
    }
    step->is_child_told = true;
    if (step->run->is_canceling || child->kind != RUN_ROLLBACK)
        run_cancel(child, span_of("cordon"), (struct span){ 0 });
}

void step_go_on(struct step *step)
{
    struct engine *engine = step->run->engine;

    switch (step->state) {
    case STEP_NEW:
        if (step->is_undo && strcmp(step->kind, "rollback") == 0)
            start_wish_child(step);
        else if (step->is_undo && step->call == 0)
            step_begin_again(step);
        break;
    case STEP_GATED: go_on_gated(step); break;
    case STEP_HELD:
        if (!change_is_held(step))
            step_begin_again(step);
        break;
    case STEP_PAUSING:
        if (step->is_waiting)
            wait_go_on(step);
        else if (step->wake_ms <= engine->now_ms)
            step_begin_again(step);
        else
            timer_want(engine, step->wake_ms);
        break;
    case STEP_IN_DOUBT:
        if (step->call != 0)
            break;
        if (step->wake_ms <= engine->now_ms)
            doubt_look(step);
        else
            timer_want(engine, step->wake_ms);
        break;
    case STEP_SLEEPING:
        if (strcmp(step->kind, "wait_until") == 0)
            look_go_on(step);
        else if (step->until_ms <= engine->now_ms && strcmp(step->kind, "signal") == 0)
            step_answer_error(step, "timeout", "the signal did not come in time");
        else if (step->until_ms <= engine->now_ms)
            step_answer(step, true, span_of("null"));
        else if (step->until_ms - engine->now_ms < PARK_SLEEP_MS)
            timer_want(engine, step->until_ms); /* a longer one is parked, and then due */
        break;
    case STEP_CHILD: child_go_on(step); break;
    default: break;
    }
}

/* Looked at again, from the beginning; of a doubt what became of it is looked for again. */
static void retry(struct step *step)
{
    if (step->is_drift || step->is_failed) {
        step->has_intent = step->has_outcome = step->may_restore_over = false;
        step->is_drift = step->is_failed = false;
        step->gate = 0;
        step->state = STEP_NEW;
    } else if (step->is_undo && step->is_partly) {
        step->has_intent = step->has_outcome = false;
        step->state = STEP_NEW;
    } else {
        step->has_outcome = false;
        step->state = STEP_IN_DOUBT;
        slice_take(step);
    }
    step->is_rest_refused = false;
    step->excused = step->attempt; /* a person's word gives it as many again */
    step->doubts = step->retries = 0;
    step->wake_ms = 0;
}

/* No more of it is done here: it has failed, and its hold is on what was found. */
static void keep_part(struct step *step)
{
    struct str body = { 0 };

    change_put_partly_error(&body, step);
    step->ok = false;
    step->is_done = true;
    step->value = run_keep(step->run, str_span(&body));
    step->state = STEP_ANSWERED;
    str_fini(&body);
}

/* A person's word on a doubt or a drift; called by the row, live and loaded. */
void step_settle(struct step *step, const char *choice)
{
    if (strcmp(choice, "retry") == 0 || strcmp(choice, "complete") == 0) {
        step->may_complete = strcmp(choice, "complete") == 0;
        retry(step);
        return;
    }
    step->has_outcome = true;
    if (strcmp(choice, "applied") == 0) {
        step->is_done = true;
        step->ok = true;
        step->value = step_result(step);
        step->state = STEP_ANSWERED;
    } else if (strcmp(choice, "partly-applied") == 0 || strcmp(choice, "take-back") == 0) {
        keep_part(step);
    } else if (strcmp(choice, "restore") == 0) {
        step->may_restore_over = true;
        step->has_intent = false;
        step->is_drift = false;
        step->state = STEP_NEW;
    } else if (strcmp(choice, "not-applied") == 0) {
        step->ok = false;
        step->value =
            run_keep(step->run, span_of("{\"code\":\"not_applied\",\"message\":\"a person "
                                        "found that it was not applied\",\"retryable\":"
                                        "true}"));
        step->state = STEP_ANSWERED;
    } else { /* leave, accept */
        step->ok = true;
        step->value = run_keep(step->run, span_of("{\"left\":true}"));
        step->state = STEP_ANSWERED;
    }
}
