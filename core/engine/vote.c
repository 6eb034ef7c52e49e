/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/vote.c - who may speak at a gate, what they say, and whether it is enough.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/sshkey.h"

/* Of a digest, in a sentence: enough to tell two apart. */
enum { SHORT_LEN = 12 };

/* The name under which this human has voted already, or NULL. Who said yes may still say no:
 * what was overlooked at first must be able to stop it. */
static const char *has_voted(const struct gate *gate, struct span who, bool is_denial)
{
    struct engine *engine = gate->step->run->engine;

    list_each (link, after, (struct list *)&gate->votes) {
        struct vote *vote = list_item(link, struct vote, in_gate);

        if (vote_counts(gate, vote) && !(is_denial && vote->yes) &&
            span_equal(policy_human(engine, span_of(vote->who)), policy_human(engine, who)))
            return vote->who;
    }
    return NULL;
}

static void refuse_again(struct run *run, const struct event *event, const char *name,
                         const char *voter)
{
    int len = (int)event->who.len;

    if (span_is(event->who, voter))
        reply_error(run->engine, event->number, 1, "voted",
                    "%.*s has voted at gate %s already", len, event->who.ptr, name);
    else
        reply_error(run->engine, event->number, 1, "voted",
                    "%.*s is the same person as %s (policy.lua, people), who has voted at "
                    "gate %s already",
                    len, event->who.ptr, voter, name);
}

/* Whom it asks: its own groups, and those that it was escalated to. */
static void refuse_stranger(struct run *run, const struct gate *gate,
                            const struct event *event, const char *name)
{
    struct str names = { 0 };

    names_add(&names, gate->from);
    names_add(&names, gate->also);
    reply_error(
        run->engine, event->number, 4, "not_an_approver",
        "%.*s is in none of the groups [%s] that gate %s asks (policy.lua, groups)%s",
        (int)event->who.len, event->who.ptr, str_text(&names), name,
        vote_groups(event).len > 0 ? ", or votes for others only (their account or "
                                     "token)"
                                   : "");
    str_fini(&names);
}

/* Is it a time at which anybody may speak? */
static bool is_in_time(struct run *run, struct gate *gate, const struct event *event,
                       const char *name)
{
    struct engine *engine = run->engine;

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
    } else {
        return true;
    }
    return false;
}

struct span vote_groups(const struct event *event)
{
    struct span groups = json_get(event->json, "groups");

    return json_kind(groups) == JSON_ARRAY ? groups : (struct span){ 0 };
}

bool vote_may_speak(struct run *run, struct gate *gate, const struct event *event,
                    bool is_denial)
{
    const char *voter = has_voted(gate, event->who, is_denial), *bar;
    struct str why = { 0 };
    char name[ID_MAX];
    bool may = false;

    memcpy(name, id_gate(run->id, gate->number).text, sizeof name);
    if (!is_in_time(run, gate, event, name))
        return false;
    gate_on_due(run, gate->number); /* an escalation that is due counts already */
    if ((bar = person_bar(gate, event->who, &why)) != NULL)
        reply_error(run->engine, event->number, 4, bar, "%s", str_text(&why));
    else if (!quorum_asks(gate, event->who, vote_groups(event)))
        refuse_stranger(run, gate, event, name);
    else if (voter != NULL)
        refuse_again(run, event, name, voter);
    else
        may = true;
    str_fini(&why);
    return may;
}

void gate_on_may_vote(struct run *run, int number, const struct event *event)
{
    struct gate *gate = gate_find(run, number);

    if (gate == NULL)
        reply_error(run->engine, event->number, 2, "not_found", "run %s has no gate %d",
                    id_run(run->id).text, number);
    else if (vote_may_speak(run, gate, event, false))
        reply_json(run->engine, event->number, 0, span_of("{\"may\":true}"), false);
}

static bool is_right_digest(struct run *run, struct gate *gate, const struct event *event)
{
    struct span given = json_get_raw(event->json, "digest");
    struct span wanted = json_get_raw(gate->body, "digest");
    char name[ID_MAX];

    if (span_equal(given, wanted))
        return true;
    if (given.len == 0)
        given = span_of("none");
    memcpy(name, id_gate(run->id, gate->number).text, sizeof name);
    reply_error(run->engine, event->number, 1, "digest",
                "the vote is for digest %.*s, and gate %s is about %.*s: look again with "
                "`cordon gates %s`, which ends with the whole digest",
                (int)(given.len < SHORT_LEN ? given.len : SHORT_LEN), given.ptr, name,
                SHORT_LEN, wanted.ptr, name);
    return false;
}

static bool lacks_reason(struct run *run, const struct gate *gate,
                         const struct event *event, const char *reason, bool yes)
{
    if (!span_is_blank(span_of(reason)) || (yes && !gate->needs_reason))
        return false;
    reply_error(run->engine, event->number, 2, "reason",
                yes ? "something here cannot be undone: approving it needs --reason TEXT"
                    : "denying needs --reason TEXT");
    return true;
}

void gate_on_vote(struct run *run, int number, const struct event *event, bool yes)
{
    struct gate *gate = gate_find(run, number);
    struct str body = { 0 };
    struct json_out out = { .str = &body };
    char *reason = json_get_text(event->json, "reason");
    char fingerprint[SSHKEY_FINGERPRINT_LEN + 1];

    if (gate == NULL) {
        reply_error(run->engine, event->number, 2, "not_found", "run %s has no gate %d",
                    id_run(run->id).text, number);
    } else if (gate->is_question && yes) {
        reply_error(run->engine, event->number, 2, "question",
                    "gate %s asks a question: `cordon answer` it",
                    id_gate(run->id, number).text);
    } else if (!vote_may_speak(run, gate, event, !yes) ||
               !is_right_digest(run, gate, event) ||
               lacks_reason(run, gate, event, reason, yes) ||
               signed_is_missing(run, gate, event, yes) ||
               !signed_vote_is_good(run, gate, event, yes, fingerprint)) {
        /* answered */
    } else {
        json_open(&out, '{');
        if (event->channel.len > 0)
            json_put_span(&out, "channel", event->channel);
        json_put_raw(&out, "d", json_get(gate->body, "digest"));
        json_put_int(&out, "g", number);
        if (vote_groups(event).len > 0)
            json_put_raw(&out, "groups", vote_groups(event));
        if (fingerprint[0] != '\0') {
            json_put(&out, "key", fingerprint);
            json_put_raw(&out, "sig", json_get(event->json, "sig"));
        }
        if (event->via.len > 0)
            json_put_span(&out, "via", event->via);
        json_put_span(&out, "who", event->who);
        json_put(&out, "why", reason);
        json_put_bool(&out, "yes", yes);
        json_close(&out);
        row_write(run, ROW_VOTE, str_span(&body));
        if (quorum_is_denied(gate))
            gate_end(run, gate, GATE_DENIED, (struct span){ 0 });
        else if (quorum_is_met(gate, NULL))
            gate_end(run, gate, GATE_GRANTED, (struct span){ 0 });
        ask_accept(run, event);
        run_push(run);
    }
    free(reason);
    str_fini(&body);
}
