/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/opening.c - a gate opens: everything that it covers, and whom it asks.
 *
 * Every change that the preview found is listed, each with its digest; the gate's own digest
 * is over those and over everything else that stands in it.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/schema.h"
#include "engine/digest.h"

/* Branches of a fan-out come to their gates side by side, and the preview of the first lists
 * the changes of all. Who is asked for this change, exactly as it would be done, is not asked
 * again: the step waits there, and uses its own permit of that gate. */
static bool joins_gate(struct step *step)
{
    struct run *run = step->run;
    struct need need;

    if (strcmp(step->kind, "step") != 0 || run_is_shadow(run))
        return false;
    policy_need(step, &need);
    list_each (link, after, &run->gates) {
        struct gate *gate = list_item(link, struct gate, in_run);

        if (gate->state != GATE_OPEN || strcmp(gate->step->kind, "step") != 0 ||
            !permit_is_listed(step, gate) || !need_is_covered(gate, &need))
            continue;
        step->gate = gate->number;
        step->must_look = false;
        return true;
    }
    return false;
}

void gate_begin(struct step *step)
{
    step->state = STEP_GATED;
    step->gate = 0;
    if (strcmp(step->kind, "step") != 0 && gate_is_in_vain(step))
        return;
    if (joins_gate(step))
        return;
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

/* What guards were told, so that they can be asked again when the target cannot be. */
static void put_info(struct json_out *out, struct span info)
{
    static const char *const keys[] = { "ask",    "exists",    "own",      "subscription",
                                        "tenant", "uncounted", "unplaced", "within" };

    json_key(out, "info");
    json_open(out, '{');
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (json_get(info, keys[i]).len > 0)
            json_put_raw(out, keys[i], json_get(info, keys[i]));
    json_close(out);
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
    if (step->is_assumed)
        json_put_bool(out, "assumed", true);
    if (action != NULL && action->effect == EFFECT_PERMANENT)
        json_put_raw(out, "because", json_get(declared, "because"));
    json_put_raw(out, "before", step_found(step));
    if (digest != NULL)
        json_put(out, "digest", digest);
    json_put_raw(out, "effect", json_get(declared, "effect"));
    guard_put_counts(out, step);
    put_info(out, step->plan_info);
    json_key(out, "needs");
    need_put(out, step, need);
    if (step_notes(step).len > 0)
        json_put_raw(out, "notes", step_notes(step));
    json_put(out, "op", step->is_undo ? "restore" : "apply");
    json_put(out, "path", step_path(step));
    json_put_raw(out, "permissions", json_get(declared, "permissions"));
    json_put(out, "plugin", action != NULL ? action->plugin->hash : NULL);
    json_put_raw(out, "risk", json_get(declared, "risk"));
    json_put_raw(out, "state", step_found(step));
    if (json_count(step_tags(step)) > 0)
        json_put_raw(out, "tags", step_tags(step));
    json_put(out, "target", step->target);
    /* Whatever a plugin says of it: nobody is to count on a way back that there is not. */
    json_put(out, "undo",
             action != NULL && action->effect == EFFECT_PERMANENT ? NULL : step->undo);
    json_put(out, "what", step->what);
    json_close(out);
}

/* Who must approve: whom the playbook asks, and whom the policy wants for each change. */
struct asked {
    struct list demands;
    int64_t due_ms, execute_ms;
    bool is_permanent;
    int sign;
};

enum { EXECUTE_WITHIN_MS = 60 * 60 * 1000 };

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

/* How long after the grant it may be done. */
static int64_t execute_within(struct engine *engine)
{
    int64_t ms = EXECUTE_WITHIN_MS;
    char *text = json_get_text(json_get(span_of(engine->policy), "gate"), "execute_within");

    if (text != NULL)
        duration_parse(span_of(text), &ms);
    free(text);
    return ms > 0 ? ms : 1;
}

static bool lists(const struct gate *gate, const char *path)
{
    for (int i = 0; i < gate->change_count; i++)
        if (strcmp(gate->changes[i].path, path) == 0)
            return true;
    return false;
}

/* The policy wants nobody for this step, but the playbook had people asked, and what they
 * approved is not what would run now: the same are asked, those who saw the step itself if
 * there are such. */
static void ask_those_before(struct run *run, struct step *step, struct asked *asked)
{
    const struct gate *before = NULL;
    struct span demand;
    size_t pos = 0;

    list_each (link, after, &run->gates) {
        const struct gate *gate = list_item(link, struct gate, in_run);

        if (gate->state == GATE_GRANTED && !gate->is_question &&
            (before == NULL || lists(gate, step_path(step)) ||
             !lists(before, step_path(step))))
            before = gate;
    }
    while (before != NULL && json_next(before->demands, &pos, NULL, &demand)) {
        struct span slots = json_get(demand, "slots");

        if (json_count(slots) > 0)
            demand_add_slots(run->engine, &asked->demands, slots);
        else
            demand_add(run->engine, &asked->demands, json_get_int(demand, "need", 1),
                       json_get(demand, "from"));
    }
}

/* The playbook had nobody asked only because there was nothing to ask about then. */
static void ask_those_spared(struct run *run, struct asked *asked)
{
    list_each (link, after, &run->order) {
        const struct step *step = list_item(link, struct step, in_order);

        if (gate_was_spared(step))
            demand_add_need(run->engine, &asked->demands, json_get(step->args, "need"),
                            gate_groups(run->engine, json_get(step->args, "from")));
    }
}

/* People whom the playbook had asked saw this step and approved it, and it is another now:
 * they are asked beside those whom the policy wants, so that a change made in between does
 * not have them left out. */
static void ask_whom_playbook_asked(struct run *run, struct step *step, struct asked *asked)
{
    list_each (link, after, &run->gates) {
        struct gate *gate = list_item(link, struct gate, in_run);
        struct span args = gate->step->args;

        if (gate->state == GATE_GRANTED && strcmp(gate->step->kind, "approve") == 0 &&
            lists(gate, step_path(step)) && !permit_stands(step, gate))
            demand_add_need(run->engine, &asked->demands, json_get(args, "need"),
                            gate_groups(run->engine, json_get(args, "from")));
    }
}

static void what_is_asked(struct run *run, struct step *step, struct run *shadow,
                          struct asked *asked)
{
    struct engine *engine = run->engine;
    bool is_wish = strcmp(step->kind, "step") != 0;

    *asked = (struct asked){ .due_ms = due_of(run, step, is_wish),
                             .execute_ms = execute_within(engine) };
    list_init(&asked->demands);
    if (is_wish) {
        demand_add_need(engine, &asked->demands, json_get(step->args, "need"),
                        gate_groups(engine, json_get(step->args, "from")));
    }
    for (int i = 0; shadow != NULL && i < shadow->planned_count; i++) {
        struct action *action = action_find(engine, span_of(shadow->planned[i]->action));
        struct need need;

        policy_need(shadow->planned[i], &need);
        list_each (link, after, &need.demands) {
            demand_add_policy(engine, &asked->demands,
                              list_item(link, struct demand, in_need),
                              gate_has_own_chain(step));
        }
        asked->sign = need.sign > asked->sign ? need.sign : asked->sign;
        asked->is_permanent |= action != NULL && action->effect == EFFECT_PERMANENT;
    }
    if (!is_wish)
        ask_whom_playbook_asked(run, step, asked);
    if (list_is_empty(&asked->demands))
        ask_those_before(run, step, asked);
    if (list_is_empty(&asked->demands))
        ask_those_spared(run, asked);
    if (list_is_empty(&asked->demands))
        demand_add(engine, &asked->demands, 1, (struct span){ 0 });
    /* An answer to a question allows nothing. */
    if (strcmp(step->kind, "ask") == 0)
        asked->sign = SIGN_NONE;
    else if (policy_sign(engine, "gate.sign") > asked->sign)
        asked->sign = policy_sign(engine, "gate.sign");
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

static void put_changes(struct json_out *out, struct run *shadow, const struct asked *asked)
{
    json_key(out, "changes");
    json_open(out, '[');
    for (int i = 0; shadow != NULL && i < shadow->planned_count; i++) {
        struct step *planned = shadow->planned[i];
        char digest[HASH_HEX_LEN + 1];
        struct need need;

        policy_need(planned, &need);
        permit_digest(planned, asked->due_ms, asked->execute_ms, digest);
        change_json(out, planned, digest, &need);
    }
    json_close(out);
}

static void put_number(struct json_out *out, const char *key, int64_t number, int64_t usual)
{
    if (number != usual)
        json_put_int(out, key, number);
}

/* How it goes on when nobody answers, and what follows from that. */
static void put_waiting(struct json_out *out, struct step *step, const struct asked *asked)
{
    json_put_int(out, "due", asked->due_ms);
    gate_put_escalate(out, step, asked->due_ms);
    if (strcmp(step->kind, "ask") != 0)
        json_put_int(out, "execute", asked->execute_ms);
    put_from(out, &asked->demands);
}

/* What it is about: the preview, and whom it asks. */
static void put_what(struct json_out *out, struct step *step, struct run *shadow,
                     const struct asked *asked)
{
    struct engine *engine = step->run->engine;

    if (shadow != NULL && preview_assumes(shadow))
        preview_put_assumes(shadow, out);
    put_changes(out, shadow, asked);
    demands_put(out, &asked->demands);
    put_number(out, "deny_threshold", policy_number(engine, "gate.deny_threshold", 1), 1);
    if (strcmp(step->kind, "step") != 0)
        json_put_raw(out, "detail", json_get(step->args, "detail"));
    if (step->differs != NULL && step->differs[0] != '\0')
        json_put(out, "differs", step->differs);
    if (shadow != NULL && shadow->error.len > 0)
        json_put_raw(out, "error", shadow->error);
    if (shadow != NULL)
        preview_put_rest(shadow, out);
}

/* -- nothing to ask about ------------------------------------------------------------------ */

/* Is there anything at all to show to people: a change, or a word of why there is none? When
 * the playbook looks at nothing after it, what it asks in its title is all that there is. */
static bool has_message(const struct step *step, const struct run *shadow)
{
    return shadow->planned_count > 0 || shadow->failed_count > 0 ||
           shadow->drifted_count > 0 || shadow->stopped != NULL || shadow->reads == 0 ||
           json_get(step->args, "detail").len > 0;
}

void gate_offer(struct run *run, struct step *step, struct run *shadow)
{
    bool is_vain =
        shadow->planned_count == 0 && shadow->is_refused && shadow->error.len > 0;

    if (strcmp(step->kind, "step") != 0 && is_vain) {
        const struct step *failed = shadow->failed[shadow->failed_count - 1];

        step_answer(step, false, run_keep(run, failed->value));
    } else if (strcmp(step->kind, "step") != 0 && !has_message(step, shadow)) {
        step_answer(step, true, span_of("{\"by\":[]}"));
    } else {
        gate_open(run, step, shadow);
    }
}

bool gate_was_spared(const struct step *step)
{
    return strcmp(step->kind, "approve") == 0 && step->state == STEP_ANSWERED && step->ok &&
           gate_find(step->run, step->gate) == NULL;
}

/* Over everything that stands in the body, so that nothing that people see can be another
 * than what they voted for. */
static void add_digest(const struct run *run, struct str *body)
{
    struct str sorted = { 0 };
    char digest[HASH_HEX_LEN + 1];
    struct err err;

    /* A body too big for that is hashed as it is written. */
    if (json_canonical(&sorted, body->ptr, body->len, &err) != 0)
        str_add_span(&sorted, str_span(body));
    gate_digest(str_span(&sorted), run->id, digest);
    str_reset(body);
    gate_put_digest(body, str_span(&sorted), digest);
    str_fini(&sorted);
}

void gate_open(struct run *run, struct step *step, struct run *shadow)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };
    struct asked asked;
    bool is_wish = strcmp(step->kind, "step") != 0;
    int number = run->gate_count + 1;

    what_is_asked(run, step, shadow, &asked);
    json_open(&out, '{');
    if (step->action[0] != '\0')
        json_put(&out, "a", step->action);
    if (step->also.len > 0)
        json_put_raw(&out, "also", step->also);
    json_put_raw(&out, "args", step->args);
    json_put(&out, "b", step->branch);
    json_put(&out, "by", run->by);
    put_what(&out, step, shadow, &asked);
    put_waiting(&out, step, &asked);
    json_put_int(&out, "g", number);
    json_put(&out, "h", step->args_hash);
    json_put(&out, "k", step->kind);
    if (shadow != NULL && shadow->stopped != NULL)
        json_put(&out, "more", shadow->stopped);
    json_put_int(&out, "n", step->n);
    json_put_int(&out, "need", most_needed(&asked.demands));
    json_put(&out, "on_timeout", gate_on_timeout(step));
    json_put_bool(&out, "permanent", asked.is_permanent);
    json_put(&out, "playbook", run->playbook_name);
    json_put(&out, "policy", run->engine->policy_hash);
    gate_put_remind(&out, run->engine, asked.due_ms);
    json_put_bool(&out, "self", policy_allows_self(run->engine));
    if (asked.sign != SIGN_NONE)
        json_put(&out, "sign", sign_word(asked.sign));
    if (is_wish)
        json_put_raw(&out, "title", json_get(step->args, "title"));
    else
        json_put(&out, "title", step->what);
    gate_put_unable(&out, step, shadow, &asked.demands);
    gate_put_wider(&out, step);
    json_close(&out);
    add_digest(run, &body);
    row_write(run, ROW_GATE, str_span(&body));
    str_fini(&body);
    struct gate *gate = gate_find(run, number);
    gate_put_entry(run, gate);
    run_push(run);
}
