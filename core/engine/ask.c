/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/ask.c - what people and programs ask for.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/schema.h"
#include "frame/frame.h"

/* -- starting a run ------------------------------------------------------------------------ */

static struct playbook *playbook_find(struct engine *engine, struct span hash)
{
    list_each (link, after, &engine->playbooks) {
        struct playbook *playbook = list_item(link, struct playbook, in_engine);

        if (span_is(hash, playbook->hash))
            return playbook;
    }
    return NULL;
}

struct playbook *playbook_of(struct engine *engine, const char *hash)
{
    return playbook_find(engine, span_of(hash));
}

/* The newest version of that name. */
static struct playbook *playbook_named(struct engine *engine, struct span name)
{
    struct playbook *newest = NULL;

    list_each (link, after, &engine->playbooks) {
        struct playbook *playbook = list_item(link, struct playbook, in_engine);

        if (span_is(name, playbook->name) &&
            (newest == NULL || playbook->seq > newest->seq))
            newest = playbook;
    }
    return newest;
}

static struct span reason_json(struct engine *engine, const struct err *err)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    json_open(&out, '{');
    json_put(&out, "code", "params");
    json_put(&out, "error", err->text);
    json_close(&out);
    struct span kept = turn_keep(engine, str_span(&body));
    str_fini(&body);
    return kept;
}

/* One typed word from the command line, as the schema wants it. */
static void put_typed(struct json_out *out, struct span schema, struct span text)
{
    struct span type = json_get_raw(schema, "type");
    struct err ignored;

    if (span_is(type, "array")) {
        struct span items = json_get(schema, "items");
        size_t start = 0;

        json_open(out, '[');
        for (size_t i = 0; i <= text.len; i++) {
            if (i < text.len && text.ptr[i] != ',')
                continue;
            if (i > start)
                put_typed(out, items, (struct span){ text.ptr + start, i - start });
            start = i + 1;
        }
        json_close(out);
    } else if (!span_is(type, "string") &&
               json_check(text.ptr, text.len, JSON_LEN_MAX, &ignored) == 0) {
        json_raw_value(out, text);
    } else {
        json_string_span(out, text);
    }
}

/* Parameters as the playbook gets them: those of the alert, then typed ones, then words. */
static struct span merge_params(struct engine *engine, struct span info,
                                struct span matched, struct span args)
{
    struct span properties = json_get(json_get(info, "params"), "properties");
    struct span words = json_get(args, "params");
    struct span typed = json_get(args, "params_json");
    struct span key, value;
    struct str text = { 0 };
    struct json_out out = { .str = &text };
    size_t pos = 0;

    json_open(&out, '{');
    while (json_next(words, &pos, &key, &value)) {
        struct str word = { 0 };
        char *name = span_dup(key);

        json_text_to(&word, value);
        json_key_span(&out, key);
        put_typed(&out, json_get(properties, name), str_span(&word));
        str_fini(&word);
        free(name);
    }
    for (int round = 0; round < 2; round++) {
        struct span from = round == 0 ? typed : matched;

        pos = 0;
        while (json_next(from, &pos, &key, &value)) {
            char *name = span_dup(key);
            bool is_given = json_get(words, name).len > 0 ||
                            (round == 1 && json_get(typed, name).len > 0);

            if (!is_given) {
                json_key_span(&out, key);
                json_raw_value(&out, value);
            }
            free(name);
        }
    }
    json_close(&out);
    struct span kept = turn_keep(engine, str_span(&text));
    str_fini(&text);
    return kept;
}

static struct span canonical(struct engine *engine, struct span json)
{
    struct str text = { 0 };
    struct err err;
    struct span kept = json;

    if (json_canonical(&text, json.ptr, json.len, &err) == 0)
        kept = turn_keep(engine, str_span(&text));
    str_fini(&text);
    return kept;
}

static void start_plan(struct engine *engine, struct playbook *playbook, struct span params,
                       struct span alert, struct span who, int64_t ask)
{
    struct run *shadow = run_new(engine, SHADOW | (SHADOW >> 1) | ask, RUN_PLAN);

    shadow->playbook = playbook;
    shadow->plan_ask = ask;
    shadow->hash_hex = playbook->hash;
    shadow->playbook_name = run_text(shadow, span_of(playbook->name));
    shadow->entry = "run";
    shadow->by = run_text(shadow, who);
    shadow->params = run_keep(shadow, params);
    shadow->alert = run_keep(shadow, alert);
    shadow->is_loaded = true;
    shadow->wants_vm = true;
    shadow->begun_ms = engine->now_ms;
    run_push(shadow);
}

static void start(struct engine *engine, struct playbook *playbook, struct span matched,
                  struct span args, struct span who, int64_t ask, bool is_plan)
{
    struct span info = span_of(playbook->info);
    struct span alert = json_get(args, "alert");
    struct span params = canonical(engine, merge_params(engine, info, matched, args));
    struct err err;

    if (json_kind(alert) == JSON_NULL)
        alert = (struct span){ 0 };
    if (params.len > ENGINE_ASK_MAX) {
        reply_error(engine, ask, 2, "too_big",
                    "the parameters have %zu bytes, and those of one run may have %d",
                    params.len, ENGINE_ASK_MAX);
        return;
    }
    if (schema_match(json_get(info, "params"), params, &err) != 0) {
        err_wrap(&err, "playbook %s", playbook->name);
        reply_json(engine, ask, 2, reason_json(engine, &err), false);
        return;
    }
    if (is_plan) {
        start_plan(engine, playbook, params, alert, who, ask);
        return;
    }
    struct run *run = run_start(engine, RUN_LIVE, playbook, "run", params, alert, who, 0,
                                NULL, (struct span){ 0 });
    run->wants_vm = true;
    struct str body = { 0 };
    str_printf(&body, "{\"accepted\":true,\"run\":\"%s\"}", id_run(run->id).text);
    struct command *command;
    if (json_get_bool(args, "follow", true)) {
        command = turn_command(engine, CMD_EVENT, true);
        command->number = ask;
        command->bytes = turn_keep(engine, str_span(&body));
        command = turn_command(engine, CMD_FOLLOW, true);
        command->number = ask;
        command->run = run->id;
    } else {
        reply_json(engine, ask, 0, str_span(&body), true);
    }
    str_fini(&body);
    run_push(run);
}

static void ask_start(struct engine *engine, const struct event *event, bool is_plan)
{
    struct playbook *playbook = playbook_find(engine, json_get_raw(event->json, "hash"));
    struct span alert = json_get(event->json, "alert");

    if (playbook == NULL)
        playbook = playbook_named(engine, json_get_raw(event->json, "name"));
    if (playbook == NULL) {
        reply_error(engine, event->number, 2, "not_found", "there is no such playbook");
        return;
    }
    if (json_kind(alert) != JSON_OBJECT ||
        json_kind(json_get(span_of(playbook->info), "on_alert")) != JSON_OBJECT) {
        start(engine, playbook, (struct span){ 0 }, event->json, event->who, event->number,
              is_plan);
        return;
    }
    struct ask *ask = xcalloc(1, sizeof *ask);
    struct str bytes = { 0 };
    struct frame_writer out;

    ask->number = event->number;
    ask->args = span_dup(event->json);
    ask->who = span_dup(event->who);
    ask->is_plan = is_plan;
    ask->playbook = playbook;
    list_add(&engine->asks, &ask->in_engine);
    engine->busy++;
    frame_begin(&out, &bytes, FRAME_VM_MATCH);
    frame_add_span(&out, alert);
    frame_finish(&out);
    struct command *command = turn_command(engine, CMD_VM, false);
    command->name = turn_keep(engine, span_of(playbook->hash));
    command->number = ask->number;
    command->bytes = turn_keep(engine, str_span(&bytes));
    str_fini(&bytes);
}

/* Whoever starts by hand may take an alert that would not have started the playbook, but not
 * by mistake. */
static bool is_refused(struct engine *engine, const struct ask *ask,
                       const struct event *event)
{
    bool is_match = event->number2 != 0;
    bool is_forced = json_get_bool(span_of(ask->args), "force", false);
    int len = (int)event->text.len;

    if (!event->ok)
        reply_error(engine, ask->number, 2, "alert", "%.*s", len, event->text.ptr);
    else if (!is_match && !is_forced)
        reply_error(engine, ask->number, 2, "no_match",
                    "the alert is not one for playbook %s: %.*s (--force takes it all the "
                    "same, with parameters from --param)",
                    ask->playbook->name, len, event->text.ptr);
    return !event->ok || (!is_match && !is_forced);
}

void ask_on_matched(struct engine *engine, const struct event *event)
{
    list_each (link, after, &engine->asks) {
        struct ask *ask = list_item(link, struct ask, in_engine);

        if (ask->number != event->number)
            continue;
        list_remove(&ask->in_engine);
        engine->busy--;
        if (!is_refused(engine, ask, event))
            start(engine, ask->playbook, event->json, span_of(ask->args), span_of(ask->who),
                  ask->number, ask->is_plan);
        free(ask->args);
        free(ask->who);
        free(ask);
        return;
    }
}

/* -- wishes that another run answers ---------------------------------------------------------- */

static void put_child(struct step *step, struct run *child)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    json_open(&out, '{');
    json_put(&out, "b", step->branch);
    json_put(&out, "h", step->args_hash);
    json_put(&out, "k", step->kind);
    json_put_int(&out, "n", step->n);
    json_put_int(&out, "run", child->id);
    json_close(&out);
    row_write(step->run, ROW_CHILD, str_span(&body));
    str_fini(&body);
    run_push(child);
}

static void start_rollback_wish(struct step *step)
{
    struct run *run = step->run;
    struct str limits = { 0 };
    struct json_out out = { .str = &limits };

    bool is_atomic = strcmp(step->kind, "atomic_undo") == 0;

    json_open(&out, '{');
    if (is_atomic) {
        json_put(&out, "since", step->branch);
        json_put_int(&out, "since_n", json_get_int(step->args, "from", 0));
    } else {
        if (json_kind(json_get(step->args, "to")) == JSON_STRING)
            json_put_raw(&out, "step", json_get(step->args, "to"));
        if (json_kind(json_get(step->args, "target")) == JSON_STRING)
            json_put_raw(&out, "target", json_get(step->args, "target"));
    }
    json_close(&out);
    struct run *child =
        run_start(run->engine, RUN_ROLLBACK, run->playbook, "", span_of("{}"),
                  (struct span){ 0 }, span_of(run->by),
                  is_atomic || run->of == 0 ? run->id : run->of, step, str_span(&limits));
    str_fini(&limits);
    put_child(step, child);
}

static void start_call_wish(struct step *step)
{
    struct engine *engine = step->run->engine;
    struct span name = json_get_raw(step->args, "playbook");
    struct playbook *playbook = playbook_named(engine, name);
    struct span params = json_get(step->args, "params");
    struct err err;

    if (params.len == 0 || json_kind(params) == JSON_ARRAY)
        params = span_of("{}");
    if (step->run->depth >= ENGINE_CALLS_MAX) {
        step_answer_error(step, "limit", "runs call each other at most %d deep",
                          ENGINE_CALLS_MAX);
    } else if (playbook == NULL) {
        step_answer_error(
            step, "not_found",
            "no playbook %.*s has been run here: run it once first, since what is called "
            "is the newest version that ran",
            (int)name.len, name.ptr);
    } else if (schema_match(json_get(span_of(playbook->info), "params"), params, &err) !=
               0) {
        step_answer_error(step, "params", "playbook %s: %s", playbook->name, err.text);
    } else {
        struct run *child =
            run_start(engine, RUN_LIVE, playbook, "run", params, (struct span){ 0 },
                      span_of(step->run->by), 0, step, (struct span){ 0 });
        child->wants_vm = true;
        put_child(step, child);
    }
}

/* In a rollback: what the called run did, undone by a rollback of that run. */
static void start_undo_of_call(struct step *step)
{
    struct run *run = step->run;
    struct str limits = { 0 };
    struct json_out out = { .str = &limits };

    json_open(&out, '{');
    if (run->only_target[0] != '\0')
        json_put(&out, "target", run->only_target);
    json_close(&out);
    struct run *child = run_start(run->engine, RUN_ROLLBACK, run->playbook, "",
                                  span_of("{}"), (struct span){ 0 }, span_of(run->by),
                                  step->undoes_run, step, str_span(&limits));
    str_fini(&limits);
    put_child(step, child);
}

void start_wish_child(struct step *step)
{
    if (step->is_undo)
        start_undo_of_call(step);
    else if (strcmp(step->kind, "call") == 0)
        start_call_wish(step);
    else
        start_rollback_wish(step);
}

/* -- asks about a run ---------------------------------------------------------------------------- */

static void follow(struct engine *engine, int64_t ask, int64_t run)
{
    struct command *command = turn_command(engine, CMD_FOLLOW, true);

    command->number = ask;
    command->run = run;
}

void ask_accept(struct run *run, const struct event *event)
{
    struct str body = { 0 };

    if (json_get_bool(event->json, "follow", true)) {
        follow(run->engine, event->number, run->id);
        return;
    }
    str_printf(&body, "{\"accepted\":true,\"run\":\"%s\"}", id_run(run->id).text);
    reply_json(run->engine, event->number, 0, str_span(&body), true);
    str_fini(&body);
}

static void accept_child(struct engine *engine, const struct event *event,
                         struct run *child)
{
    struct str body = { 0 };

    str_printf(&body, "{\"accepted\":true,\"run\":\"%s\"}", id_run(child->id).text);
    if (json_get_bool(event->json, "follow", true)) {
        struct command *command = turn_command(engine, CMD_EVENT, true);
        command->number = event->number;
        command->bytes = turn_keep(engine, str_span(&body));
        follow(engine, event->number, child->id);
    } else {
        reply_json(engine, event->number, 0, str_span(&body), true);
    }
    str_fini(&body);
    run_push(child);
}

/* While a run goes on, undoing all of it would be undone again by what it does next. */
static bool must_end_first(struct run *run, const struct event *event)
{
    if (run_is_over(run))
        return false;
    reply_error(run->engine, event->number, 1, "not_over",
                "run %s is not over: `cordon cancel %s` first; one step or one target can "
                "be rolled back while it goes on",
                id_run(run->id).text, id_run(run->id).text);
    return true;
}

static void ask_rollback(struct run *run, const struct event *event)
{
    bool is_part = json_kind(json_get(event->json, "step")) == JSON_STRING ||
                   json_kind(json_get(event->json, "target")) == JSON_STRING;

    struct str limits = { 0 };
    struct json_out out = { .str = &limits };

    if (run->kind == RUN_ROLLBACK || run->playbook == NULL) {
        reply_error(run->engine, event->number, 2, "rollback",
                    "%s is a rollback itself; roll back the run that it undid, or run the "
                    "playbook again",
                    id_run(run->id).text);
        return;
    }
    if (!is_part && must_end_first(run, event))
        return;
    json_open(&out, '{');
    if (json_kind(json_get(event->json, "step")) == JSON_STRING)
        json_put_raw(&out, "step", json_get(event->json, "step"));
    if (json_kind(json_get(event->json, "target")) == JSON_STRING)
        json_put_raw(&out, "target", json_get(event->json, "target"));
    json_close(&out);
    accept_child(run->engine, event,
                 run_start(run->engine, RUN_ROLLBACK, run->playbook, "", span_of("{}"),
                           (struct span){ 0 }, event->who, run->id, NULL,
                           str_span(&limits)));
    str_fini(&limits);
}

static void ask_recover(struct run *run, const struct event *event)
{
    if (run->kind != RUN_LIVE || run->playbook == NULL ||
        !json_get_bool(span_of(run->playbook->info), "recover", false)) {
        reply_error(
            run->engine, event->number, 2, "recover",
            "playbook %s has no recover function; `cordon rollback %s` undoes what the "
            "run did",
            run->playbook_name, id_run(run->id).text);
        return;
    }
    if (must_end_first(run, event))
        return;
    struct run *child =
        run_start(run->engine, RUN_RECOVER, run->playbook, "recover", run->params,
                  run->alert, event->who, run->id, NULL, (struct span){ 0 });
    child->wants_vm = true;
    accept_child(run->engine, event, child);
}

static void ask_cancel(struct run *run, const struct event *event)
{
    struct str body = { 0 };

    run_cancel(run, event->who, json_get(event->json, "reason"));
    str_printf(&body, "{\"run\":\"%s\",\"state\":\"canceling\"}", id_run(run->id).text);
    reply_json(run->engine, event->number, 0, str_span(&body), true);
    str_fini(&body);
}

static bool is_choice(const struct step *step, struct span choice)
{
    if (step->is_drift)
        return span_is(choice, "leave") || span_is(choice, "restore") ||
               span_is(choice, "accept");
    return span_is(choice, "applied") || span_is(choice, "not-applied");
}

static void ask_settle(struct run *run, const struct event *event)
{
    char *path = json_get_text(event->json, "step");
    struct span choice = json_get_raw(event->json, "choice");
    struct step *found = NULL;

    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        if (step->state == STEP_HUMAN &&
            (path == NULL || path[0] == '\0' || strcmp(step_path(step), path) == 0)) {
            found = step;
            break;
        }
    }
    if (found == NULL) {
        reply_error(run->engine, event->number, 2, "not_found",
                    "run %s has nothing to settle%s%s", id_run(run->id).text,
                    path != NULL ? " at step " : "", path != NULL ? path : "");
    } else if (!is_choice(found, choice)) {
        reply_error(run->engine, event->number, 2, "choice",
                    found->is_drift ? "a drift is settled with leave, restore or accept"
                                    : "a doubt is settled with applied or not-applied");
    } else {
        struct str body = { 0 };
        struct json_out out = { .str = &body };

        json_open(&out, '{');
        json_put(&out, "b", found->branch);
        json_put_span(&out, "choice", choice);
        json_put_int(&out, "n", found->n);
        if (span_is(choice, "applied") && step_until(found) > 0)
            json_put_int(&out, "until", step_until(found));
        json_put_span(&out, "who", event->who);
        json_put_raw(&out, "why", json_get(event->json, "reason"));
        json_close(&out);
        row_write(run, ROW_SETTLE, str_span(&body));
        str_fini(&body);
        if (span_is(choice, "leave"))
            hold_put(found, HOLD_LEFT);
        else if (span_is(choice, "applied"))
            hold_put(found, found->is_undo ? HOLD_OFF : HOLD_ON);
        run->state = RUN_RUNNING;
        run->wants_vm = run->kind != RUN_ROLLBACK && !run->is_started;
        ask_accept(run, event);
        run_push(run);
    }
    free(path);
}

/* Something happened out there that a playbook waits for. */
static void ask_signal(struct run *run, const struct event *event)
{
    struct span name = json_get(event->json, "name");
    struct span value = json_get(event->json, "value");

    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        if (step->state != STEP_SLEEPING || strcmp(step->kind, "signal") != 0 ||
            (step->args.len > 0 && !json_same(json_get(step->args, "name"), name)))
            continue;
        step_answer(step, true, value.len > 0 ? value : span_of("true"));
        ask_accept(run, event);
        run_push(run);
        return;
    }
    reply_error(run->engine, event->number, 1, "not_waiting",
                "run %s does not wait for a signal of that name", id_run(run->id).text);
}

static int gate_number(struct run *run, struct span gate)
{
    int64_t id;
    int n;

    if (id_parse_gate(gate, &id, &n))
        return n;
    list_each (link, after, &run->gates) {
        struct gate *open = list_item(link, struct gate, in_run);

        if (open->state == GATE_OPEN)
            return open->number;
    }
    return run->gate_count;
}

/* How a run stands is told when it parks or ends, and to who comes after that at once. */
static void ask_watch(struct run *run, const struct event *event)
{
    follow(run->engine, event->number, run->id);
    if (run_is_over(run))
        run_tell_followers(run);
}

/* Nothing comes after the end of a run but the undoing of what it did. */
static bool is_late(const struct run *run, struct span verb)
{
    return run_is_over(run) &&
           (span_is(verb, "cancel") || span_is(verb, "settle") || span_is(verb, "signal"));
}

void ask_on_run(struct run *run, const struct event *event)
{
    struct span verb = event->name;
    int gate = gate_number(run, json_get_raw(event->json, "gate"));

    if (is_late(run, verb))
        reply_error(run->engine, event->number, 1, "over", "run %s is %s already",
                    id_run(run->id).text, run_state_name(run->state));
    else if (span_is(verb, "approve"))
        gate_on_vote(run, gate, event, true);
    else if (span_is(verb, "deny"))
        gate_on_vote(run, gate, event, false);
    else if (span_is(verb, "answer"))
        gate_on_answer(run, gate, event);
    else if (span_is(verb, "rollback"))
        ask_rollback(run, event);
    else if (span_is(verb, "recover"))
        ask_recover(run, event);
    else if (span_is(verb, "cancel"))
        ask_cancel(run, event);
    else if (span_is(verb, "settle"))
        ask_settle(run, event);
    else if (span_is(verb, "signal"))
        ask_signal(run, event);
    else
        ask_watch(run, event);
}

/* -- the stop switch -------------------------------------------------------------------------------- */

static bool is_scope(struct span scope)
{
    return span_is(scope, "all") || span_starts(scope, "plugin:") ||
           span_starts(scope, "playbook:");
}

static void ask_halt(struct engine *engine, const struct event *event, bool on)
{
    struct span scope = json_get_raw(event->json, "scope");
    struct str body = { 0 };
    struct json_out out = { .str = &body };
    struct halt *found = NULL;

    if (scope.len == 0)
        scope = span_of("all");
    if (!is_scope(scope)) {
        reply_error(engine, event->number, 2, "scope",
                    "the scope is all, plugin:NAME or playbook:NAME");
        return;
    }
    list_each (link, after, &engine->halts) {
        struct halt *halt = list_item(link, struct halt, in_engine);

        if (span_is(scope, halt->scope))
            found = halt;
    }
    if (!on && found == NULL) {
        reply_error(engine, event->number, 1, "not_halted", "%.*s is not halted",
                    (int)scope.len, scope.ptr);
        return;
    }
    if (found == NULL) {
        found = xcalloc(1, sizeof *found);
        found->scope = span_dup(scope);
        found->n = ++engine->next_halt;
        list_add(&engine->halts, &found->in_engine);
    }
    json_open(&out, '{');
    json_put_int(&out, "at", engine->now_ms);
    json_put_int(&out, "i", found->n);
    json_put_bool(&out, "on", on);
    json_put_span(&out, "scope", scope);
    json_put_span(&out, "who", event->who);
    json_put_raw(&out, "why", json_get(event->json, "reason"));
    json_close(&out);
    row_write_global(engine, ROW_HALT, str_span(&body));
    turn_add_entry(engine, &(struct turn_entry){ .kind = ENTRY_HALT,
                                                 .n = found->n,
                                                 .state = on,
                                                 .body = str_span(&body) });
    reply_json(engine, event->number, 0, str_span(&body), true);
    str_fini(&body);
    if (!on) {
        list_remove(&found->in_engine);
        free(found->scope);
        free(found);
        for (int i = 0; i < TABLE_SIZE; i++) {
            list_each (link, after, &engine->table[i]) {
                run_push(list_item(link, struct run, in_table));
            }
        }
    }
}

void ask_handle(struct engine *engine, const struct event *event)
{
    struct span verb = event->name;
    int64_t id = 0;
    int n;

    if (event->json.len > ENGINE_ASK_MAX) {
        reply_error(engine, event->number, 2, "too_big",
                    "that is %zu bytes, and one ask may have %d", event->json.len,
                    ENGINE_ASK_MAX);
        return;
    }
    if (span_is(verb, "run") || span_is(verb, "plan")) {
        ask_start(engine, event, span_is(verb, "plan"));
        return;
    }
    if (span_is(verb, "halt") || span_is(verb, "resume")) {
        ask_halt(engine, event, span_is(verb, "halt"));
        return;
    }
    struct span name = json_get_raw(event->json, "run");
    struct span gate = json_get_raw(event->json, "gate");
    if (!id_parse_run(name, &id) && !id_parse_gate(gate, &id, &n) &&
        !id_parse_run(gate, &id)) {
        reply_error(engine, event->number, 2, "not_found",
                    "which run? Runs are named like r-000041, gates like g-000041-1");
        return;
    }
    struct run *run = run_wake(engine, id);
    if (run == NULL)
        reply_error(engine, event->number, 2, "not_found", "there is no run %s",
                    id_run(id).text);
    else if (run->is_loaded)
        ask_on_run(run, event);
    else
        wait_for_rows(run, event);
}
