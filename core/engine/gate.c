/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/gate.c - a question to people, and their answer.
 *
 *            ┌── enough people say yes ──► GRANTED
 *   OPEN ────┼── anybody says no ────────► DENIED
 *            ├── its time is over ───────► EXPIRED
 *            └── the run ended ──────────► VOID
 *
 * A gate lists every change that it covers, each with its digest; its own digest is over
 * those. People vote for that digest.
 */
#include "engine/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/schema.h"
#include "base/sm.h"

static const struct sm_state gate_states[] = {
    [GATE_OPEN] = { "open", SM_CAN(GATE_GRANTED) | SM_CAN(GATE_DENIED) |
                                SM_CAN(GATE_EXPIRED) | SM_CAN(GATE_VOID) },
    [GATE_GRANTED] = { "granted", 0 },
    [GATE_DENIED] = { "denied", 0 },
    [GATE_EXPIRED] = { "expired", 0 },
    [GATE_VOID] = { "void", 0 },
};

/* -- opening ----------------------------------------------------------------------------- */

void gate_begin(struct step *step)
{
    step->state = STEP_GATED;
    step->gate = 0;
    if (strcmp(step->kind, "ask") == 0)
        gate_open(step->run, step, NULL);
    else if (step->run->shadow == NULL)
        preview_start(step->run, step);
}

void gate_for_step(struct step *step, struct span differs)
{
    step->differs = run_text(step->run, differs);
    gate_begin(step);
}

void change_json(struct json_out *out, const struct step *step, const char *digest,
                 const struct need *need)
{
    struct action *action = action_find(step->run->engine, span_of(step->action));
    struct span declared = action != NULL ? action->json : (struct span){ 0 };

    json_open(out, '{');
    json_put(out, "action", step->action);
    json_put_raw(out, "affects", json_get(step->plan_info, "affects"));
    json_put_raw(out, "affects_what", json_get(step->plan_info, "affects_what"));
    json_put_raw(out, "after", step_wanted(step));
    json_put_raw(out, "args", step->args);
    if (action != NULL && action->effect == EFFECT_PERMANENT)
        json_put_raw(out, "because", json_get(declared, "because"));
    json_put_raw(out, "before", step_found(step));
    if (digest != NULL)
        json_put(out, "digest", digest);
    json_put_raw(out, "effect", json_get(declared, "effect"));
    json_key(out, "needs");
    json_open(out, '{');
    json_put_raw(out, "from", need->from);
    json_put_int(out, "need", need->need);
    json_put_raw(out, "rules", need->rules);
    if (need->is_forbidden)
        json_put_bool(out, "forbidden", true);
    json_close(out);
    json_put(out, "op", step->is_undo ? "restore" : "apply");
    json_put(out, "path", step_path(step));
    json_put_raw(out, "permissions", json_get(declared, "permissions"));
    json_put(out, "plugin", action != NULL ? action->plugin->hash : NULL);
    json_put_raw(out, "risk", json_get(declared, "risk"));
    json_put_raw(out, "state", step_found(step));
    json_put(out, "target", step->target);
    json_put(out, "undo", step->undo);
    json_put(out, "what", step->what);
    json_close(out);
}

/* Who must approve: whom the playbook asks, and whom the policy wants for each change. */
struct asked {
    struct list demands;
    int64_t due_ms;
    bool is_permanent;
};

/* A group's name, or a list of them, as a list. */
static struct span groups_of(struct engine *engine, struct span from)
{
    struct str list = { 0 };

    if (json_kind(from) != JSON_STRING)
        return json_kind(from) == JSON_ARRAY ? from : (struct span){ 0 };
    str_printf(&list, "[%.*s]", (int)from.len, from.ptr);
    struct span kept = turn_keep(engine, str_span(&list));
    str_fini(&list);
    return kept;
}

static int64_t due_of(const struct run *run, const struct step *step, bool is_wish)
{
    int64_t within = 30 * INT64_C(60000);
    char *text = is_wish ? json_get_text(step->args, "within") : NULL;

    if (text == NULL && run->engine->policy != NULL)
        text = json_get_text(json_get(span_of(run->engine->policy), "gate"), "within");
    if (text != NULL)
        duration_parse(span_of(text), &within);
    free(text);
    return run->engine->now_ms + within;
}

static void what_is_asked(struct run *run, struct step *step, struct run *shadow,
                          struct asked *asked)
{
    struct engine *engine = run->engine;
    bool is_wish = strcmp(step->kind, "step") != 0;

    *asked = (struct asked){ .due_ms = due_of(run, step, is_wish) };
    list_init(&asked->demands);
    if (is_wish) {
        int64_t need = json_get_int(step->args, "need", 1);

        demand_add(engine, &asked->demands, need > 1 ? need : 1,
                   groups_of(engine, json_get(step->args, "from")));
    }
    for (int i = 0; shadow != NULL && i < shadow->planned_count; i++) {
        struct action *action = action_find(engine, span_of(shadow->planned[i]->action));
        struct need need;

        policy_need(shadow->planned[i], &need);
        list_each (link, after, &need.demands) {
            struct demand *demand = list_item(link, struct demand, in_need);

            demand_add(engine, &asked->demands, demand->need, demand->from);
        }
        asked->is_permanent |= action != NULL && action->effect == EFFECT_PERMANENT;
    }
    if (list_is_empty(&asked->demands))
        demand_add(engine, &asked->demands, 1, (struct span){ 0 });
}

static void put_demands(struct json_out *out, const struct list *demands)
{
    json_key(out, "demands");
    json_open(out, '[');
    list_each (link, after, demands) {
        struct demand *demand = list_item(link, struct demand, in_need);

        json_open(out, '{');
        json_put_raw(out, "from", demand->from);
        json_put_int(out, "need", demand->need);
        json_close(out);
    }
    json_close(out);
}

/* For a line that people read: every group once. */
static void put_from(struct json_out *out, const struct list *demands)
{
    struct str names = { 0 };

    list_each (link, after, demands) {
        names_add(&names, list_item(link, struct demand, in_need)->from);
    }
    json_key(out, "from");
    json_open(out, '[');
    if (names.len > 0)
        json_raw_value(out, str_span(&names));
    json_close(out);
    str_fini(&names);
}

static int64_t most_needed(const struct list *demands)
{
    int64_t most = 0;

    list_each (link, after, demands) {
        struct demand *demand = list_item(link, struct demand, in_need);

        most = demand->need > most ? demand->need : most;
    }
    return most;
}

static void put_changes(struct json_out *out, struct run *shadow, int64_t due_ms,
                        struct hash_list *all)
{
    json_key(out, "changes");
    json_open(out, '[');
    for (int i = 0; shadow != NULL && i < shadow->planned_count; i++) {
        struct step *planned = shadow->planned[i];
        char digest[HASH_HEX_LEN + 1];
        struct need need;

        policy_need(planned, &need);
        permit_digest(planned, due_ms, digest);
        hash_list_add_span(all, span_of(digest));
        change_json(out, planned, digest, &need);
    }
    json_close(out);
}

void gate_put_entry(struct run *run, struct gate *gate)
{
    turn_add_entry(run->engine,
                   &(struct turn_entry){
                       .kind = ENTRY_GATE,
                       .run = run->id,
                       .n = gate->number,
                       .state = gate->state,
                       .due_ms = gate->state == GATE_OPEN ? gate->due_ms : 0,
                       .body = gate->state == GATE_OPEN ? gate->body : span_of("{}"),
                   });
}

void gate_open(struct run *run, struct step *step, struct run *shadow)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };
    struct asked asked;
    struct hash_list all;
    char digest[HASH_HEX_LEN + 1];
    bool is_wish = strcmp(step->kind, "step") != 0;
    int number = run->gate_count + 1;

    what_is_asked(run, step, shadow, &asked);
    hash_list_init(&all, "cordon.gate.v1");
    hash_list_add_int(&all, run->id);
    hash_list_add_int(&all, number);
    hash_list_add_int(&all, asked.due_ms);
    hash_list_add_span(&all, step->args);
    json_open(&out, '{');
    if (step->action[0] != '\0')
        json_put(&out, "a", step->action);
    json_put_raw(&out, "args", step->args);
    json_put(&out, "b", step->branch);
    json_put(&out, "by", run->by);
    put_changes(&out, shadow, asked.due_ms, &all);
    put_demands(&out, &asked.demands);
    if (is_wish)
        json_put_raw(&out, "detail", json_get(step->args, "detail"));
    if (step->differs != NULL && step->differs[0] != '\0')
        json_put(&out, "differs", step->differs);
    hash_hex(hash_list_end(&all), digest);
    json_put(&out, "digest", digest);
    json_put_int(&out, "due", asked.due_ms);
    put_from(&out, &asked.demands);
    json_put_int(&out, "g", number);
    json_put(&out, "h", step->args_hash);
    json_put(&out, "k", step->kind);
    if (shadow != NULL && shadow->stopped != NULL)
        json_put(&out, "more", shadow->stopped);
    json_put_int(&out, "n", step->n);
    json_put_int(&out, "need", most_needed(&asked.demands));
    if (is_wish)
        json_put_raw(&out, "on_timeout", json_get(step->args, "on_timeout"));
    json_put_bool(&out, "permanent", asked.is_permanent);
    json_put(&out, "policy", run->engine->policy_hash);
    json_put_bool(&out, "self", policy_allows_self(run->engine));
    if (is_wish)
        json_put_raw(&out, "title", json_get(step->args, "title"));
    else
        json_put(&out, "title", step->what);
    json_close(&out);
    row_write(run, ROW_GATE, str_span(&body));
    str_fini(&body);
    struct gate *gate = gate_find(run, number);
    gate_put_entry(run, gate);
    run_push(run);
}

/* -- from rows --------------------------------------------------------------------------- */

static void apply_change(struct run *run, struct gate *gate, struct change *change,
                         struct span json)
{
    change->json = json;
    change->path = run_text(run, json_get_raw(json, "path"));
    change->args = json_get(json, "args");
    change->before = json_get(json, "state");
    change->action = run_text(run, json_get_raw(json, "action"));
    char *target = json_get_text(json, "target");
    change->target = run_text(run, span_of(target));
    free(target);
    change->plugin_hash = run_text(run, json_get_raw(json, "plugin"));
    change->policy_hash = run_text(run, json_get_raw(gate->body, "policy"));
    change->digest = run_text(run, json_get_raw(json, "digest"));
}

void gate_apply(struct run *run, const struct event_row *row)
{
    struct gate *gate = arena_alloc(&run->arena, sizeof *gate);
    struct span list, item;
    size_t pos = 0;

    gate->body = run_keep(run, row->body);
    gate->number = (int)json_get_int(gate->body, "g", 0);
    gate->state = GATE_OPEN;
    gate->from = json_get(gate->body, "from");
    gate->demands = json_get(gate->body, "demands");
    gate->due_ms = json_get_int(gate->body, "due", 0);
    gate->on_timeout = run_text(run, json_get_raw(gate->body, "on_timeout"));
    gate->needs_reason = json_get_bool(gate->body, "permanent", false);
    gate->is_question = span_is(json_get_raw(gate->body, "k"), "ask");
    list_init(&gate->votes);
    list = json_get(gate->body, "changes");
    gate->change_count = (int)json_count(list);
    gate->changes =
        arena_alloc(&run->arena, ((size_t)gate->change_count + 1) * sizeof *gate->changes);
    for (int i = 0; json_next(list, &pos, NULL, &item); i++)
        apply_change(run, gate, &gate->changes[i], item);
    struct span branch = json_get_raw(gate->body, "b");
    int64_t n = json_get_int(gate->body, "n", 0);
    struct step *step = step_find(run, branch, n);
    if (step == NULL)
        step = step_new(run, branch, n, json_get_raw(gate->body, "k"),
                        json_get_raw(gate->body, "a"), json_get(gate->body, "args"));
    if (gate->change_count > 0 && strcmp(gate->changes[0].path, step_path(step)) == 0)
        step->target = gate->changes[0].target;
    gate->step = step;
    step->gate = gate->number;
    step->state = STEP_GATED;
    run->gate_count = gate->number;
    list_add(&run->gates, &gate->in_run);
}

void gate_apply_vote(struct run *run, const struct event_row *row)
{
    struct gate *gate = gate_find(run, (int)json_get_int(row->body, "g", 0));
    struct vote *vote = arena_alloc(&run->arena, sizeof *vote);

    if (gate == NULL)
        return;
    char *who = json_get_text(row->body, "who");
    vote->who = run_text(run, span_of(who));
    free(who);
    vote->yes = json_get_bool(row->body, "yes", false);
    list_add(&gate->votes, &vote->in_gate);
}

void gate_apply_end(struct run *run, const struct event_row *row)
{
    struct gate *gate = gate_find(run, (int)json_get_int(row->body, "g", 0));

    if (gate == NULL)
        return;
    sm_move(gate_states, &gate->state, (int)json_get_int(row->body, "s", GATE_VOID));
    gate->value = run_keep(run, json_get(row->body, "v"));
    /* What is contained stays so, and the question is put again. */
    if (gate->state == GATE_EXPIRED && strcmp(gate->on_timeout, "hold") == 0)
        gate->step->gate = 0;
}

/* -- votes and ends ------------------------------------------------------------------------ */

static void end_gate(struct run *run, struct gate *gate, int state, struct span value)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    json_open(&out, '{');
    json_put_int(&out, "g", gate->number);
    json_put_int(&out, "s", state);
    if (value.len > 0)
        json_put_raw(&out, "v", value);
    json_close(&out);
    row_write(run, ROW_GATE_END, str_span(&body));
    str_fini(&body);
    gate_put_entry(run, gate);
    run_push(run);
}

static bool has_voted(const struct gate *gate, struct span who)
{
    list_each (link, after, (struct list *)&gate->votes) {
        if (span_is(who, list_item(link, struct vote, in_gate)->who))
            return true;
    }
    return false;
}

/* Whom does any of the demands speak of? */
static bool is_asked(struct engine *engine, const struct gate *gate, struct span who)
{
    struct span demand;
    size_t pos = 0;

    while (json_next(gate->demands, &pos, NULL, &demand))
        if (policy_is_member(engine, json_get(demand, "from"), who))
            return true;
    return false;
}

/* Is each demand met by people who are in its groups now? */
static bool is_met(struct engine *engine, const struct gate *gate)
{
    struct span demand;
    size_t pos = 0;

    while (json_next(gate->demands, &pos, NULL, &demand)) {
        int64_t missing = json_get_int(demand, "need", 1);

        list_each (link, after, &gate->votes) {
            const struct vote *vote = list_item(link, struct vote, in_gate);

            if (vote->yes &&
                policy_is_member(engine, json_get(demand, "from"), span_of(vote->who)))
                missing--;
        }
        if (missing > 0)
            return false;
    }
    return json_count(gate->demands) > 0;
}

/* True when this person may speak at this gate now; else the ask has been answered. */
static bool may_speak(struct run *run, struct gate *gate, const struct event *event)
{
    struct engine *engine = run->engine;
    const char *id = id_gate(run->id, gate->number).text;
    char name[ID_MAX];

    memcpy(name, id, sizeof name);
    if (gate->state != GATE_OPEN) {
        reply_error(engine, event->number, 1, "gate_closed",
                    "gate %s is %s; a late vote changes nothing", name,
                    gate_state_name(gate->state));
    } else if (engine->now_ms >= gate->due_ms) {
        reply_error(engine, event->number, 1, "gate_closed",
                    "gate %s was open until its deadline, which is over", name);
        gate_on_due(run, gate->number);
    } else if (engine->policy == NULL) {
        reply_error(engine, event->number, 6, "policy", "%s", engine->policy_error);
    } else if (!is_asked(engine, gate, event->who)) {
        reply_error(
            engine, event->number, 4, "not_an_approver",
            "%.*s is in none of the groups %.*s that gate %s asks (policy.lua, groups)",
            (int)event->who.len, event->who.ptr, (int)gate->from.len, gate->from.ptr, name);
    } else if (span_is(event->who, run->by) && !policy_allows_self(engine) &&
               !gate->is_question) {
        reply_error(engine, event->number, 4, "own_request",
                    "%s asked for this run, so somebody else must approve it", run->by);
    } else if (gate->step->settled_by != NULL && !policy_allows_self(engine) &&
               span_is(event->who, gate->step->settled_by)) {
        reply_error(engine, event->number, 4, "own_request",
                    "%s said what shall be done here, so somebody else must approve it",
                    gate->step->settled_by);
    } else if (has_voted(gate, event->who)) {
        reply_error(engine, event->number, 1, "voted", "%.*s has voted at gate %s already",
                    (int)event->who.len, event->who.ptr, name);
    } else {
        return true;
    }
    return false;
}

static bool is_right_digest(struct run *run, struct gate *gate, const struct event *event)
{
    struct span given = json_get_raw(event->json, "digest");
    struct span wanted = json_get_raw(gate->body, "digest");

    if (span_equal(given, wanted))
        return true;
    reply_error(run->engine, event->number, 1, "digest",
                "the vote is for digest %.12s, and gate %s is about %.12s: look again",
                given.len > 0 ? given.ptr : "none", id_gate(run->id, gate->number).text,
                wanted.ptr);
    return false;
}

void gate_on_vote(struct run *run, int number, const struct event *event, bool yes)
{
    struct gate *gate = gate_find(run, number);
    struct str body = { 0 };
    struct json_out out = { .str = &body };
    char *reason = json_get_text(event->json, "reason");
    bool has_reason = reason != NULL && reason[0] != '\0';

    if (gate == NULL) {
        reply_error(run->engine, event->number, 2, "not_found", "run %s has no gate %d",
                    id_run(run->id).text, number);
    } else if (!may_speak(run, gate, event) || !is_right_digest(run, gate, event)) {
        /* answered */
    } else if (!has_reason && (!yes || gate->needs_reason)) {
        reply_error(
            run->engine, event->number, 2, "reason",
            yes ? "something here cannot be undone: approving it needs --reason TEXT"
                : "denying needs --reason TEXT");
    } else {
        json_open(&out, '{');
        json_put_raw(&out, "d", json_get(gate->body, "digest"));
        json_put_int(&out, "g", number);
        json_put_span(&out, "who", event->who);
        json_put(&out, "why", reason);
        json_put_bool(&out, "yes", yes);
        json_close(&out);
        row_write(run, ROW_VOTE, str_span(&body));
        if (!yes)
            end_gate(run, gate, GATE_DENIED, (struct span){ 0 });
        else if (is_met(run->engine, gate))
            end_gate(run, gate, GATE_GRANTED, (struct span){ 0 });
        ask_accept(run, event);
        run_push(run);
    }
    free(reason);
    str_fini(&body);
}

/* Is the answer of the type that ctx.ask wants? */
static bool is_typed(struct span args, struct span value)
{
    struct span type = json_get_raw(args, "type");
    enum json_kind kind = json_kind(value);

    if (span_is(type, "boolean"))
        return kind == JSON_TRUE || kind == JSON_FALSE;
    if (span_is(type, "integer"))
        return kind == JSON_NUMBER && memchr(value.ptr, '.', value.len) == NULL;
    if (span_is(type, "number"))
        return kind == JSON_NUMBER;
    if (kind != JSON_STRING || type.len == 0 || span_is(type, "string"))
        return kind == JSON_STRING || type.len == 0;
    char *text = json_text(value);
    bool is_match = schema_format(span_is(type, "arm_id") ? "arm-id"
                                  : span_is(type, "time") ? "date-time"
                                  : span_is(type, "ip")   ? "ip"
                                  : span_is(type, "uuid") ? "uuid"
                                                          : "duration",
                                  span_of(text));
    free(text);
    return is_match;
}

void gate_on_answer(struct run *run, int number, const struct event *event)
{
    struct gate *gate = gate_find(run, number);
    struct span value = json_get(event->json, "value");
    struct span choices = gate != NULL ? json_get(json_get(gate->body, "args"), "choices")
                                       : (struct span){ 0 };
    bool is_choice = json_count(choices) == 0;
    struct span item;
    size_t pos = 0;

    while (json_next(choices, &pos, NULL, &item))
        is_choice = is_choice || json_same(item, value);
    if (gate == NULL || !gate->is_question) {
        reply_error(
            run->engine, event->number, 2, "not_found",
            "gate %d of run %s asks no question; `cordon approve` or `cordon deny` it",
            number, id_run(run->id).text);
    } else if (!is_choice) {
        reply_error(run->engine, event->number, 2, "answer", "the answers are %.*s",
                    (int)choices.len, choices.ptr);
    } else if (json_count(choices) == 0 && !is_typed(json_get(gate->body, "args"), value)) {
        struct span type = json_get_raw(json_get(gate->body, "args"), "type");

        reply_error(run->engine, event->number, 2, "answer",
                    "the answer must be of type %.*s", (int)type.len, type.ptr);
    } else if (may_speak(run, gate, event)) {
        struct str body = { 0 };
        struct json_out out = { .str = &body };

        json_open(&out, '{');
        json_put_int(&out, "g", number);
        json_put_raw(&out, "v", value);
        json_put_span(&out, "who", event->who);
        json_put_bool(&out, "yes", true);
        json_close(&out);
        row_write(run, ROW_VOTE, str_span(&body));
        str_fini(&body);
        end_gate(run, gate, GATE_GRANTED, value);
        ask_accept(run, event);
    }
}

void gate_on_due(struct run *run, int number)
{
    struct gate *gate = gate_find(run, number);

    if (gate == NULL || gate->state != GATE_OPEN || run->engine->now_ms < gate->due_ms)
        return;
    end_gate(run, gate, GATE_EXPIRED, (struct span){ 0 });
}

void gate_void_all(struct run *run)
{
    list_each (link, after, &run->gates) {
        struct gate *gate = list_item(link, struct gate, in_run);

        if (gate->state == GATE_OPEN)
            end_gate(run, gate, GATE_VOID, (struct span){ 0 });
    }
}

/* The answer that ctx.approve and ctx.ask get when their gate has ended. */
void gate_answer(struct step *step, struct gate *gate)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    if (gate->state != GATE_GRANTED) {
        step_answer_error(step, gate->state == GATE_DENIED ? "denied" : "expired",
                          "gate %s was %s", id_gate(step->run->id, gate->number).text,
                          gate_state_name(gate->state));
        return;
    }
    if (gate->is_question) {
        step_answer(step, true, gate->value);
        return;
    }
    json_open(&out, '{');
    json_key(&out, "by");
    json_open(&out, '[');
    list_each (link, after, &gate->votes) {
        json_string(&out, list_item(link, struct vote, in_gate)->who);
    }
    json_close(&out);
    json_close(&out);
    step_answer(step, true, str_span(&body));
    str_fini(&body);
}
