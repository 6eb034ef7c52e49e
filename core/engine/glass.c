/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/glass.c - break-glass: one person grants the open gates of one run alone.
 *
 * Everything but the number of approvers stays on: guards, freezes, digests, halts, the
 * journal, rollback. What was granted so is reviewed by others within the time that the
 * policy gives, and while one is overdue the next is refused.
 *
 *      broken ──► UNREVIEWED ── as many reviews as it takes ──► REVIEWED, or REJECTED when
 *                                                              one of them says so
 *
 * Both rows belong to no run and hold all of it, as the entry does: a review comes when the
 * run may be long over.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/sshkey.h"

enum { REVIEWERS = 2, REVIEW_WITHIN_MS = 24 * 60 * 60 * 1000 };

struct glass {
    struct list in_engine;
    int n;
    int state;
    char *body; /* JSON, as in its newest row */
};

static struct glass *glass_new(struct engine *engine, int n)
{
    struct glass *glass = xcalloc(1, sizeof *glass);

    glass->n = n;
    if (n > engine->next_glass)
        engine->next_glass = n;
    list_add(&engine->glasses, &glass->in_engine);
    return glass;
}

void glasses_free(struct engine *engine)
{
    while (!list_is_empty(&engine->glasses)) {
        struct glass *glass =
            list_item(list_take(&engine->glasses), struct glass, in_engine);

        free(glass->body);
        free(glass);
    }
}

/* One reviewer is enough to say no. */
static bool is_rejected(struct span body)
{
    struct span review;
    size_t pos = 0;

    while (json_next(json_get(body, "reviews"), &pos, NULL, &review))
        if (!json_get_bool(review, "ok", true))
            return true;
    return false;
}

/* How it stands follows from the row alone. */
static int state_of(struct span body)
{
    if ((int64_t)json_count(json_get(body, "reviews")) <
        json_get_int(body, "need", REVIEWERS))
        return GLASS_UNREVIEWED;
    return is_rejected(body) ? GLASS_REJECTED : GLASS_REVIEWED;
}

/* One that is over counts too: its number is taken. */
void glass_on_known(struct engine *engine, const struct event *event)
{
    struct glass *glass = glass_new(engine, (int)json_get_int(event->json, "i", 1));

    glass->state = state_of(event->json);
    glass->body = span_dup(event->json);
}

void glass_put_entry(struct engine *engine, struct span body, int64_t seq)
{
    turn_add_entry(engine, &(struct turn_entry){ .kind = ENTRY_GLASS,
                                                 .run = json_get_int(body, "run", 0),
                                                 .n = (int)json_get_int(body, "i", 1),
                                                 .state = state_of(body),
                                                 .last_seq = seq,
                                                 .body = body });
}

static void write_glass(struct engine *engine, struct glass *glass, enum row_kind kind,
                        struct span body)
{
    int64_t seq = engine->next_seq;

    row_write_global(engine, kind, body);
    glass_put_entry(engine, body, seq);
    free(glass->body);
    glass->body = span_dup(body);
    glass->state = state_of(body);
}

/* -- breaking it --------------------------------------------------------------------------- */

static struct span glass_policy(const struct engine *engine)
{
    return json_get(span_of(engine->policy), "break_glass");
}

static bool may_break_glass(struct engine *engine, struct span who, struct span only)
{
    struct span from = gate_groups(engine, json_get(glass_policy(engine), "from"));

    return json_count(from) > 0 && policy_is_member(engine, from, who, only) &&
           !policy_is_service(engine, who);
}

void engine_put_break_glass(struct engine *engine, struct json_out *out, struct span who,
                            struct span groups)
{
    struct span rules = engine->policy != NULL ? glass_policy(engine) : (struct span){ 0 };

    if (rules.len == 0)
        return;
    json_key(out, "break_glass");
    json_open(out, '{');
    json_put_bool(out, "may", may_break_glass(engine, who, groups));
    json_put_raw(out, "review_from", json_get(rules, "review_from"));
    json_put_int(out, "reviewers", json_get_int(rules, "reviewers", REVIEWERS));
    json_put_bool(out, "sign", policy_sign(engine, "break_glass.sign") != SIGN_NONE);
    json_close(out);
}

static bool opened(struct span body, const struct gate *gate)
{
    struct span number;
    size_t pos = 0;

    while (json_next(json_get(body, "gates"), &pos, NULL, &number))
        if (json_int(number, 0) == gate->number)
            return json_get_int(body, "run", 0) == gate->step->run->id &&
                   raw_says(json_get_raw(body, "who"), span_of(gate->glass_by));
    return false;
}

bool glass_stands(const struct gate *gate)
{
    struct engine *engine = gate->step->run->engine;

    list_each (link, after, &engine->glasses) {
        const struct glass *glass = list_item(link, struct glass, in_engine);

        if (glass->n == gate->glass)
            return !is_rejected(span_of(glass->body)) &&
                   opened(span_of(glass->body), gate) &&
                   may_break_glass(engine, span_of(gate->glass_by), (struct span){ 0 }) &&
                   glass_is_proved(gate->step->run, span_of(glass->body));
    }
    return false;
}

static const struct glass *overdue(const struct engine *engine)
{
    list_each (link, after, (struct list *)&engine->glasses) {
        const struct glass *glass = list_item(link, struct glass, in_engine);

        if (glass->state == GLASS_UNREVIEWED &&
            json_get_int(span_of(glass->body), "due", 0) <= engine->now_ms)
            return glass;
    }
    return NULL;
}

static bool refuse_overdue(struct engine *engine, const struct event *event)
{
    const struct glass *glass = overdue(engine);
    char late[32];

    if (glass == NULL)
        return false;
    struct span body = span_of(glass->body), who = json_get_raw(body, "who");
    struct id run = id_run(json_get_int(body, "run", 0));
    reply_error(engine, event->number, 6, "unreviewed",
                "%.*s broke the glass in run %s, and the time to review that was over %s "
                "ago: `cordon review %s --reason TEXT` comes first",
                (int)who.len, who.ptr, run.text,
                duration_show(engine->now_ms - json_get_int(body, "due", 0), late),
                run.text);
    return true;
}

static bool may_break(struct run *run, const struct event *event, const char *reason)
{
    struct engine *engine = run->engine;
    int len = (int)event->who.len;

    if (engine->policy == NULL)
        reply_error(engine, event->number, 6, "policy", "%s", engine->policy_error);
    else if (glass_policy(engine).len == 0)
        reply_error(engine, event->number, 6, "policy",
                    "the policy has no break_glass, so nobody can do without approvers");
    else if (!may_break_glass(engine, event->who, vote_groups(event)))
        reply_error(engine, event->number, 4, "not_break_glass",
                    "%.*s is not one of those who may break the glass (policy.lua, "
                    "break_glass.from)",
                    len, event->who.ptr);
    else if (span_is_blank(span_of(reason)))
        reply_error(engine, event->number, 2, "reason",
                    "breaking the glass needs --reason TEXT");
    else if (run_is_over(run))
        reply_error(engine, event->number, 1, "over", "run %s is %s already",
                    id_run(run->id).text, run_state_name(run->state));
    else
        return !refuse_overdue(engine, event);
    return false;
}

/* Was it looked at as it is? */
static bool was_seen(const struct gate *gate, struct span looked_at)
{
    struct span item;
    size_t pos = 0;
    int64_t id;
    int n;

    while (json_next(looked_at, &pos, NULL, &item))
        if (id_parse_gate(json_get_raw(item, "gate"), &id, &n) && n == gate->number &&
            id == gate->step->run->id)
            return span_equal(json_get_raw(item, "digest"),
                              json_get_raw(gate->body, "digest"));
    return false;
}

static bool is_for_glass(const struct gate *gate)
{
    return gate->state == GATE_OPEN && !gate->is_question;
}

/* The numbers of the gates that it opens, as a list; empty when the ask has been answered. */
static struct span gates_to_open(struct run *run, const struct event *event)
{
    struct span looked_at = json_get(event->json, "gates");
    struct str list = { 0 };
    struct json_out out = { .str = &list };
    int count = 0;

    json_open(&out, '[');
    list_each (link, after, &run->gates) {
        struct gate *gate = list_item(link, struct gate, in_run);

        gate_on_due(run, gate->number);
        if (!is_for_glass(gate))
            continue;
        if (!was_seen(gate, looked_at)) {
            reply_error(run->engine, event->number, 1, "digest",
                        "gate %s is not among those that were looked at as they are: look "
                        "again",
                        id_gate(run->id, gate->number).text);
            str_fini(&list);
            return (struct span){ 0 };
        }
        json_integer(&out, gate->number);
        count++;
    }
    json_close(&out);
    struct span kept = turn_keep(run->engine, str_span(&list));
    str_fini(&list);
    if (count > 0)
        return kept;
    reply_error(run->engine, event->number, 1, "no_gate",
                "no gate of run %s is open, and nothing else can be granted",
                id_run(run->id).text);
    return (struct span){ 0 };
}

static void put_body(struct json_out *out, const struct run *run, const struct event *event,
                     struct span gates, const char *fingerprint)
{
    struct engine *engine = run->engine;
    struct span rules = glass_policy(engine);
    int64_t within = REVIEW_WITHIN_MS;
    char *reason = json_get_text(event->json, "reason");

    duration_parse(json_get_raw(rules, "review_within"), &within);
    json_open(out, '{');
    json_put_int(out, "at", engine->now_ms);
    json_put(out, "by", run->by);
    json_put_int(out, "due", engine->now_ms + within);
    json_put_raw(out, "from", gate_groups(engine, json_get(rules, "review_from")));
    json_put_raw(out, "gates", gates);
    json_put_int(out, "i", engine->next_glass);
    if (fingerprint[0] != '\0')
        json_put(out, "key", fingerprint);
    json_put_int(out, "need", json_get_int(rules, "reviewers", REVIEWERS));
    json_put(out, "playbook", run->playbook_name);
    json_put_raw(out, "reviews", span_of("[]"));
    json_put_int(out, "run", run->id);
    if (fingerprint[0] != '\0')
        json_put_raw(out, "sig", json_get(event->json, "sig"));
    json_put_span(out, "who", event->who);
    json_put(out, "why", reason);
    json_close(out);
    free(reason);
}

static void grant(struct run *run, const struct glass *glass, struct span who,
                  const char *reason)
{
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    json_open(&out, '{');
    json_put_int(&out, "i", glass->n);
    json_put_span(&out, "who", who);
    json_put(&out, "why", reason);
    json_close(&out);
    list_each (link, after, &run->gates) {
        struct gate *gate = list_item(link, struct gate, in_run);

        if (is_for_glass(gate))
            gate_end_by_glass(run, gate, str_span(&text));
    }
    str_fini(&text);
}

void glass_break(struct run *run, const struct event *event)
{
    struct engine *engine = run->engine;
    char *reason = json_get_text(event->json, "reason");
    struct str body = { 0 };
    struct json_out out = { .str = &body };
    struct span gates = { 0 };
    char fingerprint[SSHKEY_FINGERPRINT_LEN + 1];

    if (may_break(run, event, reason))
        gates = gates_to_open(run, event);
    if (gates.len > 0 && glass_is_signed(run, event, gates, fingerprint)) {
        struct glass *glass = glass_new(engine, engine->next_glass + 1);

        put_body(&out, run, event, gates, fingerprint);
        write_glass(engine, glass, ROW_BREAK_GLASS, str_span(&body));
        grant(run, glass, event->who, reason);
        ask_accept(run, event);
        run_push(run);
    }
    free(reason);
    str_fini(&body);
}

/* -- reviewing it -------------------------------------------------------------------------- */

static struct glass *unreviewed_of(struct engine *engine, int64_t run)
{
    list_each (link, after, &engine->glasses) {
        struct glass *glass = list_item(link, struct glass, in_engine);

        if (glass->state == GLASS_UNREVIEWED &&
            json_get_int(span_of(glass->body), "run", 0) == run)
            return glass;
    }
    return NULL;
}

/* Is it the human whom the body names under that key? */
static bool is_human(struct engine *engine, struct span body, const char *key,
                     struct span who)
{
    char *name = json_get_text(body, key);
    bool is_same = name != NULL && span_equal(policy_human(engine, span_of(name)),
                                              policy_human(engine, who));

    free(name);
    return is_same;
}

static bool has_reviewed(struct engine *engine, struct span body, struct span who)
{
    struct span review;
    size_t pos = 0;

    while (json_next(json_get(body, "reviews"), &pos, NULL, &review))
        if (is_human(engine, review, "who", who))
            return true;
    return false;
}

/* Whom the policy asks now, since a group that it had then may be gone; those whom it asked
 * then when it says nothing of it any more. */
static struct span reviewers_of(struct engine *engine, struct span body)
{
    struct span from = gate_groups(engine, json_get(glass_policy(engine), "review_from"));

    return json_count(from) > 0 ? from : json_get(body, "from");
}

/* Others than those who wanted it: who broke the glass, and who asked for the run. */
static bool may_review(struct engine *engine, const struct event *event, struct span body)
{
    struct span who = event->who, from = reviewers_of(engine, body);
    bool is_self = policy_allows_self(engine);
    int len = (int)who.len;

    if (is_human(engine, body, "who", who))
        reply_error(engine, event->number, 4, "own_glass",
                    "%.*s broke the glass, so others must review it", len, who.ptr);
    else if (!is_self && is_human(engine, body, "by", who))
        reply_error(engine, event->number, 4, "own_request",
                    "%.*s asked for this run, so others must review it", len, who.ptr);
    else if (policy_is_service(engine, who))
        reply_error(engine, event->number, 4, "service",
                    "%.*s is a service (policy.lua, services), and people review", len,
                    who.ptr);
    else if (!policy_is_member(engine, from, who, vote_groups(event)))
        reply_error(engine, event->number, 4, "not_a_reviewer",
                    "%.*s is in none of the groups %.*s that review it (policy.lua, "
                    "break_glass.review_from)",
                    len, who.ptr, (int)from.len, from.ptr);
    else if (has_reviewed(engine, body, who))
        reply_error(engine, event->number, 1, "voted", "%.*s has reviewed it already", len,
                    who.ptr);
    else
        return true;
    return false;
}

static void put_review(struct json_out *out, struct engine *engine,
                       const struct event *event, struct span body, const char *reason)
{
    struct span key, value, review;
    size_t pos = 0, at = 0;

    json_open(out, '{');
    while (json_next(body, &pos, &key, &value)) {
        json_key_span(out, key);
        if (!span_is(key, "reviews")) {
            json_raw_value(out, value);
            continue;
        }
        json_open(out, '[');
        while (json_next(value, &at, NULL, &review))
            json_raw_value(out, review);
        json_open(out, '{');
        json_put_int(out, "at", engine->now_ms);
        json_put_bool(out, "ok", !json_get_bool(event->json, "reject", false));
        json_put_span(out, "who", event->who);
        json_put(out, "why", reason);
        json_close(out);
        json_close(out);
    }
    json_close(out);
}

static void reply_review(struct engine *engine, const struct event *event,
                         const struct glass *glass)
{
    struct span body = span_of(glass->body);
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    json_open(&out, '{');
    json_put_int(&out, "need", json_get_int(body, "need", REVIEWERS));
    json_put_raw(&out, "reviews", json_get(body, "reviews"));
    json_put(&out, "run", id_run(json_get_int(body, "run", 0)).text);
    json_put(&out, "state", glass_state_name(glass->state));
    json_close(&out);
    reply_json(engine, event->number, 0, str_span(&text), true);
    str_fini(&text);
}

void glass_review(struct engine *engine, int64_t run, const struct event *event)
{
    struct glass *glass = unreviewed_of(engine, run);
    char *reason = json_get_text(event->json, "reason");
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    if (glass == NULL)
        reply_error(engine, event->number, 2, "not_found",
                    "run %s has no break-glass to review", id_run(run).text);
    else if (engine->policy == NULL)
        reply_error(engine, event->number, 6, "policy", "%s", engine->policy_error);
    else if (!may_review(engine, event, span_of(glass->body)))
        ; /* answered */
    else if (span_is_blank(span_of(reason)))
        reply_error(engine, event->number, 2, "reason", "a review needs --reason TEXT");
    else {
        put_review(&out, engine, event, span_of(glass->body), reason);
        write_glass(engine, glass, ROW_REVIEW, str_span(&body));
        reply_review(engine, event, glass);
    }
    free(reason);
    str_fini(&body);
}
