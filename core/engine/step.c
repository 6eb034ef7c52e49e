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

/* The plugin ABI's numbers; the engine does not include the plugin's header. */
enum { STATUS_DONE = 0, STATUS_RETRY = 1, STATUS_REFUSED = 2, STATUS_UNKNOWN = 3 };
enum { EFFECT_READS = 1, EFFECT_REVERTS = 2, EFFECT_PERMANENT = 3 };
enum { REPEAT_BLIND = 4 };

enum {
    PAUSE_FIRST_MS = 500,
    PAUSE_MAX_MS = 30000,
    RETRIES_MAX = 6,
    DOUBT_LOOKS_MIN = 2, /* a change that does not show is looked for twice */
    DOUBT_LOOKS_MAX = 12
};

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

static struct action *action_of(const struct step *step)
{
    return action_find(step->run->engine, span_of(step->action));
}

/* -- answers --------------------------------------------------------------------------- */

/* Which effect of which run this undoes. */
static void put_undoes(struct json_out *out, const struct step *step)
{
    json_put_int(out, "of", step->undoes_run);
    json_put_int(out, "ofn", step->undoes_ordinal);
    json_put(out, "ofp", step->undoes_path);
    json_put_int(out, "ofs", step->undoes_seq);
}

static void write_answer(struct step *step, bool ok, struct span value, bool is_noop)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };

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
        json_put_bool(&out, "noop", is_noop);
        json_put(&out, "target", step->target);
        if (step->is_undo) {
            put_undoes(&out, step);
            json_put_bool(&out, "undo", true);
        }
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
                          "may have",
                          value.len, ENGINE_RESULT_MAX);
        return;
    }
    write_answer(step, ok, value, false);
}

static void error_json(struct str *body, const struct step *step, struct span code,
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
    error_json(&body, step, span_of(code), span_of(sentence), false);
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

void host_call(struct step *step, int op)
{
    struct engine *engine = step->run->engine;
    struct action *action = action_of(step);
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
    frame_add_span(&out, step->goal);
    frame_add_text(&out, key);
    frame_add_text(&out, is_effect ? step->resume : NULL);
    frame_add_int(&out, action->timeout_ms);
    frame_finish(&out);
    struct command *command = turn_command(engine, CMD_HOST, is_effect);
    command->name = turn_keep(engine, span_of(action->plugin->name));
    command->number = call->id;
    command->run = step->run->id;
    command->bytes = turn_keep(engine, str_span(&bytes));
    str_fini(&bytes);
}

/* -- beginning --------------------------------------------------------------------------- */

static void begin_action(struct step *step)
{
    struct action *action = action_of(step);

    if (action == NULL) {
        step_answer_error(step, "unknown_action",
                          "no plugin offers %s; `cordon actions` lists what there is",
                          step->action);
        return;
    }
    if (action->plugin->is_refused) {
        step_answer_error(step, "plugin", "%s", action->plugin->why);
        return;
    }
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

void step_begin(struct step *step)
{
    const char *kind = step->kind;

    if (run_is_shadow(step->run)) {
        preview_step(step);
    } else if (strcmp(kind, "step") == 0) {
        begin_action(step);
    } else if (strcmp(kind, "approve") == 0 || strcmp(kind, "ask") == 0) {
        gate_begin(step);
    } else if (strcmp(kind, "sleep") == 0 || strcmp(kind, "signal") == 0) {
        begin_sleep(step);
    } else if (strcmp(kind, "rollback") == 0 || strcmp(kind, "atomic_undo") == 0 ||
               strcmp(kind, "call") == 0) {
        start_wish_child(step);
    } else {
        step_begin_plain(step);
    }
}

/* -- a change is prepared: may it go? ------------------------------------------------------ */

static void pause_step(struct step *step)
{
    int64_t ms = PAUSE_FIRST_MS;

    for (int i = 0; i < step->retries && ms < PAUSE_MAX_MS; i++)
        ms *= 2;
    step->retries++;
    step->state = STEP_PAUSING;
    step->wake_ms = step->run->engine->now_ms + (ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS);
    timer_want(step->run->engine, step->wake_ms);
}

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
    json_put(&out, "d", step->digest);
    if (step->token[0] != '\0')
        json_put(&out, "e", step->token);
    if (step->goal.len == 0 || !json_same(step->goal, step->before))
        json_put_raw(&out, "g", step->goal);
    json_put_int(&out, "n", step->n);
    if (step->undoes_run > 0)
        put_undoes(&out, step);
    if (is_restore)
        json_put(&out, "op", "restore");
    put_permit(&out, gate, index);
    json_put(&out, "t", step->target);
    if (step->undo != NULL)
        json_put(&out, "undo", step->undo);
    json_put_raw(&out, "w", step->before);
    if (json_count(rules) > 0)
        json_put_raw(&out, "why", rules);
    json_put(&out, "what", step->what);
    json_put_raw(&out, "z", step->after);
    json_close(&out);
    rate_add(step->run->engine, step->run->engine->now_ms);
    row_write(step->run, ROW_INTENT, str_span(&body));
    str_fini(&body);
    step->state = STEP_APPLYING;
    host_call(step, is_restore ? HOST_RESTORE : HOST_APPLY);
}

/* Not now, but later, and then from the beginning: it looks at the target again. */
static bool is_held(struct step *step)
{
    return halt_holds(step) || step->run->engine->is_policy_coming || slice_is_busy(step);
}

/* Guards, halt, policy and permits stand here, between a plan and its intent. */
static void decide(struct step *step)
{
    struct run *run = step->run;
    struct str text = { 0 };
    struct need need;
    int gate = 0, index = -1;

    if (run->is_canceling || run->stop_state > 0) {
        step->state = STEP_NEW;
        run_push(run);
        return;
    }
    if (!guard_allows(step, &text)) {
        run_fail(run, RUN_BLOCKED, "guard", "%s", str_text(&text));
        str_fini(&text);
        return;
    }
    if (is_held(step)) {
        step->state = STEP_HELD;
        return;
    }
    policy_need(step, &need);
    if (need.is_forbidden) {
        run_fail(run, RUN_BLOCKED, "policy", "%s on %s is not allowed: %s", step->action,
                 step->target,
                 run->engine->policy == NULL ? run->engine->policy_error
                                             : "a rule of the policy forbids it");
        return;
    }
    if (permit_find(step, &gate, &index, &text) || (need.need == 0 && text.len == 0)) {
        permit_digest(step, 0, step->digest);
        if (gate > 0)
            snprintf(step->digest, sizeof step->digest, "%s",
                     gate_find(run, gate)->changes[index].digest);
        intend(step, gate, index, need.rules);
    } else {
        gate_for_step(step, str_span(&text));
    }
    str_fini(&text);
}

static void on_prepared(struct step *step, const struct event *event)
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
    if (run_is_shadow(run)) {
        preview_on_prepared(step);
        return;
    }
    if (json_same(step->before, step->after)) {
        step->is_noop = true;
        struct span result = step_result(step);
        write_answer(step, true, result, true);
        return;
    }
    decide(step);
}

/* -- what came of it ------------------------------------------------------------------------ */

static void write_outcome(struct step *step, const char *word, const struct event *event,
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
    json_put(&out, "s", word);
    if (is_refused) {
        error_json(&error, step, event->code, event->message, false);
        json_put_raw(&out, "v", str_span(&error));
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
    char *expires = step->is_undo ? NULL : json_get_text(step->args, "expires");
    int64_t ms, until = 0;

    if (expires != NULL && duration_parse(span_of(expires), &ms))
        until = step->run->engine->now_ms + ms;
    free(expires);
    return until;
}

static void outcome_done(struct step *step, const struct event *event, const char *how)
{
    step->until_ms = step_until(step);
    write_outcome(step, "done", event, how);
    step->is_in_ledger = step->is_undo || step->until_ms > 0;
    if (step->is_in_ledger)
        hold_put(step, step->is_undo ? HOLD_OFF : HOLD_ON);
}

static void write_doubt(struct step *step, const struct event *event, const char *why)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    json_open(&out, '{');
    json_put(&out, "a", step->action);
    json_put(&out, "b", step->branch);
    json_put_int(&out, "n", step->n);
    json_put_raw(&out, "now", event != NULL ? event->state : (struct span){ 0 });
    json_put(&out, "t", step->target);
    json_put_raw(&out, "w", step->before);
    json_put(&out, "why", why);
    json_put_raw(&out, "z", step_wanted(step));
    json_close(&out);
    row_write(step->run, ROW_DOUBT, str_span(&body));
    str_fini(&body);
    run_push(step->run);
}

/* After a crash, a timeout, a reset or a 5xx nobody knows. Looking decides. */
static void look(struct step *step)
{
    struct action *action = action_of(step);

    if (action == NULL || action->plugin->is_refused) {
        write_doubt(step, NULL,
                    action == NULL ? "its action is no longer there" : action->plugin->why);
        return;
    }
    step->state = STEP_IN_DOUBT;
    host_call(step, HOST_OBSERVE);
}

static void look_later(struct step *step)
{
    struct action *action = action_of(step);
    int64_t ms = action != NULL && action->settle_ms > 200 ? action->settle_ms : 200;

    step->state = STEP_IN_DOUBT;
    step->wake_ms = step->run->engine->now_ms + ms;
    timer_want(step->run->engine, step->wake_ms);
}

static void on_looked(struct step *step, const struct event *event)
{
    struct action *action = action_of(step);
    struct span wanted = step_wanted(step);
    struct span had = step->is_undo ? step->after : step->before;

    step->doubts++;
    if (event->status != STATUS_DONE) {
        if (step->doubts >= DOUBT_LOOKS_MAX)
            write_doubt(step, NULL, "it cannot be observed");
        else
            look_later(step);
        return;
    }
    step->now = run_keep(step->run, event->state);
    if (json_same(event->state, wanted)) {
        outcome_done(step, event, "found so when looked at");
    } else if (!json_same(event->state, had)) {
        write_doubt(step, event, "the target is neither as before nor as planned");
    } else if (step->doubts < DOUBT_LOOKS_MIN) {
        look_later(step);
    } else if (action != NULL && action->repeat == REPEAT_BLIND) {
        write_doubt(step, event, "the action cannot be repeated safely");
    } else if (step->attempt >= ENGINE_ATTEMPTS_MAX) {
        write_doubt(step, event, "it did not take effect after several attempts");
    } else {
        /* The same step, the same permit: the earlier attempt provably did nothing, and
         * key, precondition or kind of change make it harmless should it yet arrive. */
        write_outcome(step, "not_applied", event, NULL);
        step->retries = 0;
    }
}

static void on_applied(struct step *step, const struct event *event)
{
    if (event->status == STATUS_DONE && event->verified) {
        outcome_done(step, event, NULL);
    } else if (event->status == STATUS_REFUSED) {
        write_outcome(step, "refused", event, NULL);
    } else if (event->status == STATUS_RETRY) {
        write_outcome(step, "retry", event, NULL);
        if (step->retries >= RETRIES_MAX)
            step_answer_error(step, "gave_up", "%s did not work after %d tries: %.*s",
                              step->action, step->retries + 1, (int)event->message.len,
                              event->message.ptr);
        else
            pause_step(step);
    } else {
        write_outcome(step, "unknown", event, NULL);
        step->doubts = 0;
        look_later(step);
    }
}

static void on_failed_read(struct step *step, const struct event *event)
{
    bool may_retry = event->status != STATUS_REFUSED;
    struct str body = { 0 };

    if (may_retry && step->retries < RETRIES_MAX) {
        pause_step(step);
        return;
    }
    error_json(&body, step, event->code.len > 0 ? event->code : span_of("failed"),
               event->message, may_retry);
    step_answer(step, false, str_span(&body));
    str_fini(&body);
}

static void observed_for_undo(struct step *step, const struct event *event)
{
    if (event->status != STATUS_DONE) {
        on_failed_read(step, event);
        return;
    }
    step->now = run_keep(step->run, event->state);
    step->token = run_text(step->run, event->token);
    if (json_same(event->state, step->goal)) {
        step->is_noop = true;
        write_answer(step, true, span_of("{\"already\":true}"), true);
        hold_put(step, HOLD_OFF);
    } else if (json_same(event->state, step->after) || step->may_restore_over) {
        decide(step);
    } else {
        struct str body = { 0 };
        struct json_out out = { .str = &body };

        json_open(&out, '{');
        json_put(&out, "a", step->action);
        json_put_raw(&out, "args", step->args);
        json_put(&out, "b", step->branch);
        json_put_int(&out, "n", step->n);
        json_put_raw(&out, "now", event->state);
        put_undoes(&out, step);
        json_put(&out, "t", step->target);
        json_put_raw(&out, "w", step->goal);
        json_put_raw(&out, "z", step->after);
        json_close(&out);
        row_write(step->run, ROW_DRIFT, str_span(&body));
        str_fini(&body);
        run_push(step->run);
    }
}

/* A frame may hold more than what is journaled of an answer. An effect that answers like
 * that may have taken place. */
static struct event bounded(int op, const struct event *event)
{
    const struct span parts[] = { event->code,  event->message, event->target,
                                  event->token, event->state,   event->after,
                                  event->goal,  event->info,    event->result };
    struct event small = { .status = event->status,
                           .code = span_of("too_big"),
                           .message = span_of("a part of the plugin's answer is longer "
                                              "than what is kept of one") };

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
    struct event small = bounded(op, given);
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
            on_failed_read(step, event);
        break;
    case HOST_PREPARE:
        if (event->status == STATUS_DONE)
            on_prepared(step, event);
        else
            on_failed_read(step, event);
        break;
    case HOST_OBSERVE:
        if (step->has_intent)
            on_looked(step, event);
        else
            observed_for_undo(step, event);
        break;
    default: on_applied(step, event); break;
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
    struct action *action = action_of(step);

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

/* -- going on --------------------------------------------------------------------------------- */

static void begin_again(struct step *step)
{
    step->gate = 0;
    step->state = STEP_CALLING;
    if (step->is_undo)
        host_call(step, HOST_OBSERVE);
    else
        begin_action(step);
}

static void go_on_gated(struct step *step)
{
    struct gate *gate = gate_find(step->run, step->gate);

    if (step->gate == 0) {
        if (step->run->shadow == NULL)
            gate_begin(step);
        return;
    }
    if (gate == NULL || gate->state == GATE_OPEN)
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
    if (gate->state == GATE_GRANTED || gate->state == GATE_VOID) {
        begin_again(step);
    } else {
        run_fail(step->run, RUN_DENIED, gate->state == GATE_DENIED ? "denied" : "expired",
                 "gate %s was %s: %s on %s was not done",
                 id_gate(step->run->id, gate->number).text, gate_state_name(gate->state),
                 step->action, step->target);
    }
}

static void child_go_on(struct step *step)
{
    struct run *child = run_find(step->run->engine, step->child);
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    if (child == NULL)
        child = run_wake(step->run->engine, step->child);
    if (child == NULL || !child->is_loaded || !run_is_over(child))
        return;
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
    struct run *child = run_wake(step->run->engine, step->child);

    if (child == NULL || !child->is_loaded)
        return;
    if (run_is_over(child))
        child_go_on(step);
    else if (step->run->is_canceling || child->kind != RUN_ROLLBACK)
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
            begin_again(step);
        break;
    case STEP_GATED: go_on_gated(step); break;
    case STEP_HELD:
        if (!is_held(step))
            begin_again(step);
        break;
    case STEP_PAUSING:
        if (step->wake_ms <= engine->now_ms)
            begin_again(step);
        else
            timer_want(engine, step->wake_ms);
        break;
    case STEP_IN_DOUBT:
        if (step->call != 0)
            break;
        if (step->wake_ms <= engine->now_ms)
            look(step);
        else
            timer_want(engine, step->wake_ms);
        break;
    case STEP_SLEEPING:
        if (step->until_ms <= engine->now_ms && strcmp(step->kind, "signal") == 0)
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

/* A person's word on a doubt or a drift; called by the row, live and loaded. */
void step_settle(struct step *step, const char *choice)
{
    step->has_outcome = true;
    if (strcmp(choice, "applied") == 0) {
        step->is_done = true;
        step->ok = true;
        step->value = step_result(step);
        step->state = STEP_ANSWERED;
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
