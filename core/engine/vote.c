/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/vote.c - who may speak at a gate, what they say, and whether it is enough.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"

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
bool vote_may_speak(struct run *run, struct gate *gate, const struct event *event)
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
    } else if (!vote_may_speak(run, gate, event) || !is_right_digest(run, gate, event)) {
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
            gate_end(run, gate, GATE_DENIED, (struct span){ 0 });
        else if (is_met(run->engine, gate))
            gate_end(run, gate, GATE_GRANTED, (struct span){ 0 });
        ask_accept(run, event);
        run_push(run);
    }
    free(reason);
    str_fini(&body);
}
