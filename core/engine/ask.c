/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/ask.c - what people and programs ask for.
 */
#include "engine/holds.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"

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

void ask_accept_child(struct engine *engine, const struct event *event, struct run *child)
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
bool ask_must_end_first(struct run *run, const struct event *event)
{
    if (run_is_over(run))
        return false;
    reply_error(run->engine, event->number, 1, "not_over",
                "run %s is not over: `cordon cancel %s` first; one step or one target can "
                "be rolled back while it goes on",
                id_run(run->id).text, id_run(run->id).text);
    return true;
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
    if (ask_must_end_first(run, event))
        return;
    struct run *child =
        run_start(run->engine, RUN_RECOVER, run->playbook, "recover", run->params,
                  run->alert, event->who, run->id, NULL, (struct span){ 0 });
    child->wants_vm = true;
    ask_accept_child(run->engine, event, child);
}

static void ask_cancel(struct run *run, const struct event *event)
{
    struct str body = { 0 };

    run_cancel(run, event->who, json_get(event->json, "reason"));
    str_printf(&body, "{\"run\":\"%s\",\"state\":\"canceling\"}", id_run(run->id).text);
    reply_json(run->engine, event->number, 0, str_span(&body), true);
    str_fini(&body);
}

const char *const *engine_settle_choices(enum settle_kind kind)
{
    static const char *const choices[][4] = {
        [SETTLE_DOUBT] = { "applied", "not-applied" },
        [SETTLE_DRIFT] = { "leave", "restore", "accept" },
        [SETTLE_FAILED] = { "leave", "accept" },
        [SETTLE_PARTLY] = { "complete", "take-back", "partly-applied" },
        [SETTLE_PARTLY_UNDONE] = { "complete", "leave" },
    };

    return choices[kind];
}

enum settle_kind engine_doubt_kind(struct span body, bool is_undo)
{
    struct span parts = json_get(body, "parts");

    if (json_count(json_get(parts, "before")) == 0 ||
        json_count(json_get(parts, "planned")) == 0 ||
        json_count(json_get(parts, "foreign")) > 0)
        return SETTLE_DOUBT;
    return is_undo ? SETTLE_PARTLY_UNDONE : SETTLE_PARTLY;
}

static enum settle_kind kind_of(const struct step *step)
{
    return step->is_failed ? SETTLE_FAILED : step->settle;
}

static bool is_choice(const struct step *step, struct span choice)
{
    const char *const *words = engine_settle_choices(kind_of(step));

    while (*words != NULL && !span_is(choice, *words))
        words++;
    return *words != NULL;
}

/* Of what is partly done the part stays on, as a hold. */
static bool is_part(struct span choice)
{
    return span_is(choice, "partly-applied") || span_is(choice, "take-back");
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
        static const char *const wants[] = {
            [SETTLE_DOUBT] = "a doubt is settled with applied or not-applied",
            [SETTLE_DRIFT] = "a drift is settled with leave, restore or accept",
            [SETTLE_FAILED] = "what could not be undone is settled with leave or accept; "
                              "cordon retry tries it again",
            [SETTLE_PARTLY] = "what is partly done is settled with complete, take-back or "
                              "partly-applied",
            [SETTLE_PARTLY_UNDONE] = "what is partly undone is settled with complete or "
                                     "leave",
        };

        reply_error(run->engine, event->number, 2, "choice", "%s", wants[kind_of(found)]);
    } else {
        struct str body = { 0 };
        struct json_out out = { .str = &body };

        json_open(&out, '{');
        json_put(&out, "b", found->branch);
        json_put_span(&out, "choice", choice);
        json_put_int(&out, "n", found->n);
        if ((span_is(choice, "applied") || is_part(choice)) && step_until(found) > 0)
            json_put_int(&out, "until", step_until(found));
        json_put_span(&out, "who", event->who);
        json_put_raw(&out, "why", json_get(event->json, "reason"));
        json_close(&out);
        row_write(run, ROW_SETTLE, str_span(&body));
        str_fini(&body);
        if (span_is(choice, "leave"))
            hold_put(found, HOLD_LEFT);
        else if (span_is(choice, "applied") && found->is_undo)
            hold_release(found, found->outcome_seq);
        else if (span_is(choice, "applied") || is_part(choice))
            hold_put(found, HOLD_ON);
        run->state = RUN_RUNNING;
        run->wants_vm = run->kind != RUN_ROLLBACK && !run->is_started;
        if (span_is(choice, "take-back"))
            ask_take_back(run, found, event);
        else
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
        char *reason = json_get_text(event->json, "reason");
        step->by = run_text(run, event->who);
        step->because = run_text(run, span_of(reason));
        free(reason);
        step_answer(step, true, value.len > 0 ? value : span_of("true"));
        ask_accept(run, event);
        run_push(run);
        return;
    }
    reply_error(run->engine, event->number, 1, "not_waiting",
                "run %s does not wait for a signal of that name", id_run(run->id).text);
}

/* What a vote in a file is for, its own statement says. */
static struct span gate_name(const struct event *event)
{
    return span_is(event->name, "import")
               ? json_get_raw(json_get(event->json, "statement"), "gate")
               : json_get_raw(event->json, "gate");
}

/* A gate's name, or its run's when only one is open: which of two is meant is not guessed.
 * 0: the ask has been answered. */
static int gate_number(struct run *run, const struct event *event)
{
    struct str names = { 0 };
    int64_t id;
    int n = run->gate_count, open_count = 0;

    if (id_parse_gate(gate_name(event), &id, &n))
        return n;
    list_each (link, after, &run->gates) {
        const struct gate *gate = list_item(link, struct gate, in_run);

        if (gate->state != GATE_OPEN)
            continue;
        str_printf(&names, "%s%s", open_count++ > 0 ? " and " : "",
                   id_gate(run->id, gate->number).text);
        n = gate->number;
    }
    if (open_count > 1) {
        reply_error(run->engine, event->number, 2, "which_gate",
                    "run %s has %d open gates, %s: name the one that is meant",
                    id_run(run->id).text, open_count, str_text(&names));
        n = 0;
    }
    str_fini(&names);
    return n;
}

/* What is said at a gate. */
static void ask_at_gate(struct run *run, const struct event *event)
{
    int gate = gate_number(run, event);

    if (gate == 0 && run->gate_count > 0)
        return;
    if (span_is(event->name, "answer"))
        gate_on_answer(run, gate, event);
    else if (span_is(event->name, "import"))
        gate_on_import(run, gate, event);
    else if (span_is(event->name, "may_vote"))
        gate_on_may_vote(run, gate, event);
    else
        gate_on_vote(run, gate, event, span_is(event->name, "approve"));
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
    return run_is_over(run) && (span_is(verb, "cancel") || span_is(verb, "settle") ||
                                span_is(verb, "signal") || span_is(verb, "retry"));
}

void ask_on_run(struct run *run, const struct event *event)
{
    struct span verb = event->name;

    if (is_late(run, verb))
        reply_error(run->engine, event->number, 1, "over", "run %s is %s already",
                    id_run(run->id).text, run_state_name(run->state));
    else if (span_is(verb, "approve") || span_is(verb, "deny") || span_is(verb, "answer") ||
             span_is(verb, "import") || span_is(verb, "may_vote"))
        ask_at_gate(run, event);
    else if (span_is(verb, "break_glass"))
        glass_break(run, event);
    else if (span_is(verb, "rollback"))
        ask_rollback(run, event);
    else if (span_is(verb, "release"))
        ask_release(run, event);
    else if (span_is(verb, "retry"))
        ask_retry(run, event);
    else if (span_is(verb, "recover"))
        ask_recover(run, event);
    else if (span_is(verb, "cancel"))
        ask_cancel(run, event);
    else if (span_is(verb, "settle"))
        ask_settle(run, event);
    else if (span_is(verb, "signal"))
        ask_signal(run, event);
    else if (span_is(verb, "explain"))
        explain_reply(run, event);
    else
        ask_watch(run, event);
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
    if (json_get(event->json, "reason").len > ENGINE_REASON_MAX) {
        reply_error(engine, event->number, 2, "too_big",
                    "the reason has %zu bytes, and it may have %d",
                    json_get(event->json, "reason").len, ENGINE_REASON_MAX);
        return;
    }
    if (once_ask(engine, event))
        return;
    if (span_is(verb, "run") || span_is(verb, "plan")) {
        ask_start(engine, event, span_is(verb, "plan"));
        return;
    }
    if (span_is(verb, "halt") || span_is(verb, "resume")) {
        ask_halt(engine, event, span_is(verb, "halt"));
        return;
    }
    if (span_is(verb, "check_holds")) {
        ask_check_holds(engine, event);
        return;
    }
    if (ask_key(engine, event) || ask_access(engine, event))
        return;
    struct span name = json_get_raw(event->json, "run");
    struct span gate = gate_name(event);
    if (span_is(verb, "import") && !import_is_ours(engine, event))
        return;
    if (span_is(verb, "release")) {
        if (!ask_find_hold(engine, event, &id, &n))
            return;
    } else if (!id_parse_run(name, &id) && !id_parse_gate(gate, &id, &n) &&
               !id_parse_run(gate, &id)) {
        reply_error(engine, event->number, 2, "not_found",
                    "which run? Runs are named like r-000041, gates like g-000041-1");
        return;
    }
    if (span_is(verb, "review")) {
        glass_review(engine, id, event);
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
