/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/start.c - a run begins: for a person, for an alert, for another run.
 */
#include "engine/internal.h"

#include <stdio.h>
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

struct run *start_plan(struct engine *engine, struct playbook *playbook, struct span params,
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
    return shadow;
}

/* A sample or a test changes nothing, whoever brings it; but for a playbook that waits for one. */
static bool is_sample(const struct playbook *playbook, struct span alert)
{
    struct span when = json_get(span_of(playbook->info), "on_alert");

    return json_get_bool(alert, "simulated", false) &&
           !json_get_bool(when, "simulated", false);
}

static void refuse_sample(struct engine *engine, int64_t ask,
                          const struct playbook *playbook)
{
    reply_error(
        engine, ask, 2, "simulated",
        "the alert is simulated (a sample or a test), and nothing is changed for it: "
        "a plan shows what would be; playbook %s runs for such alerts when its "
        "on_alert.when says simulated = true",
        playbook->name);
}

static void start(struct engine *engine, struct playbook *playbook, struct span matched,
                  struct span args, struct span who, int64_t ask, bool is_plan)
{
    struct span info = span_of(playbook->info);
    struct span alert = json_get(args, "alert");
    struct span params = { 0 };
    struct err err;

    if (json_kind(alert) == JSON_NULL)
        alert = (struct span){ 0 };
    if (params_merge(engine, info, matched, args, &params, &err) != 0) {
        err_wrap(&err, "playbook %s", playbook->name);
        reply_json(engine, ask, 2, reason_json(engine, &err), false);
        return;
    }
    params = canonical(engine, params);
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
    if (!is_plan && is_sample(playbook, alert)) {
        is_plan = json_get_bool(args, "plan_simulated", false);
        if (!is_plan) {
            refuse_sample(engine, ask, playbook);
            return;
        }
    }
    if (is_plan) {
        start_plan(engine, playbook, params, alert, who, ask);
        return;
    }
    engine->trace = json_get(args, "trace");
    struct run *run = run_start(engine, RUN_LIVE, playbook, "run", params, alert, who, 0,
                                NULL, (struct span){ 0 });
    engine->trace = (struct span){ 0 };
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

struct run *start_for_alert(struct engine *engine, struct playbook *playbook,
                            struct span params, struct span alert, struct span who,
                            struct err *err)
{
    struct span exact = canonical(engine, params.len > 0 ? params : span_of("{}"));

    if (schema_match(json_get(span_of(playbook->info), "params"), exact, err) != 0)
        return NULL;
    struct run *run = run_start(engine, RUN_LIVE, playbook, "run", exact, alert, who, 0,
                                NULL, (struct span){ 0 });
    run->wants_vm = true;
    run_push(run);
    return run;
}

void ask_start(struct engine *engine, const struct event *event, bool is_plan)
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
    family_put_all(step->run, 1);
    step->is_child_seen = true;
    run_push(child);
}

static void start_rollback_wish(struct step *step)
{
    struct run *run = step->run;
    struct str limits = { 0 };
    struct json_out out = { .str = &limits };

    bool is_atomic = strcmp(step->kind, "atomic_undo") == 0;
    char why[200];

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
    snprintf(why, sizeof why, "%s in %s, step %.120s",
             is_atomic ? "a ctx.atomic failed" : "ctx.rollback", id_run(run->id).text,
             step_path(step));
    json_put(&out, "why", why);
    json_close(&out);
    struct run *child =
        run_start(run->engine, RUN_ROLLBACK, run->playbook, "", span_of("{}"),
                  (struct span){ 0 }, span_of(run->by),
                  is_atomic || run->of == 0 ? run->id : run->of, step, str_span(&limits));
    str_fini(&limits);
    put_child(step, child);
}

static void start_called(struct step *step, struct playbook *playbook)
{
    struct engine *engine = step->run->engine;
    struct span name = json_get_raw(step->args, "playbook");
    struct span params = json_get(step->args, "params");
    struct err err;

    if (params.len == 0 || json_kind(params) == JSON_ARRAY)
        params = span_of("{}");
    if (playbook == NULL) {
        step_answer_error(step, "not_found",
                          "there is no playbook %.*s: the catalogue (playbooks of "
                          "cordon.lua) has none, there is no %.*s.lua beside the file of "
                          "%s, and none of that name has been run here",
                          (int)name.len, name.ptr, (int)name.len, name.ptr,
                          step->run->playbook_name);
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

/* Which version a name means is not known in here: files are looked at for that. */
static void start_call_wish(struct step *step)
{
    struct run *run = step->run;
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    if (run->depth >= ENGINE_CALLS_MAX) {
        step_answer_error(step, "limit", "runs call each other at most %d deep",
                          ENGINE_CALLS_MAX);
        return;
    }
    json_open(&out, '{');
    json_put(&out, "branch", step->branch);
    json_put(&out, "by", run->by);
    json_put(&out, "caller", run->hash_hex);
    json_put_int(&out, "n", step->n);
    json_close(&out);
    step->state = STEP_FINDING;
    run->engine->busy++;
    struct command *command = turn_command(run->engine, CMD_FIND, false);
    command->run = run->id;
    command->name = turn_keep(run->engine, json_get_raw(step->args, "playbook"));
    command->bytes = turn_keep(run->engine, str_span(&body));
    str_fini(&body);
}

void start_on_found(struct engine *engine, const struct event *event)
{
    struct run *run = run_find(engine, event->run);
    struct step *step = NULL;

    engine->busy--;
    if (run != NULL && !run_is_over(run) && run->stop_state == 0 && !run->is_canceling)
        step = step_find(run, json_get_raw(event->json, "branch"),
                         json_get_int(event->json, "n", 0));
    if (step == NULL || step->state != STEP_FINDING)
        return;
    struct span name = json_get_raw(step->args, "playbook");
    struct playbook *playbook = event->name.len > 0 ? playbook_find(engine, event->name)
                                                    : playbook_named(engine, name);
    if (event->text.len > 0)
        step_answer_error(step, "playbook", "%.*s", (int)event->text.len, event->text.ptr);
    else
        start_called(step, playbook);
    run_push(run);
}

/* In a rollback: what the called run did, undone by a rollback of that run. */
static void start_undo_of_call(struct step *step)
{
    struct run *run = step->run;
    struct str limits = { 0 };
    struct json_out out = { .str = &limits };
    char why[160];

    json_open(&out, '{');
    if (run->only_target[0] != '\0')
        json_put(&out, "target", run->only_target);
    snprintf(why, sizeof why, "%s takes back what %s called", id_run(run->id).text,
             id_run(run->of).text);
    json_put(&out, "why", why);
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
