/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/remind.c - a gate that waits: whom it reminds, whom it asks next, what comes after.
 *
 * All times are worked out when the gate opens and stand in its row, so that they are the
 * same after a restart and a later policy does not move them. The gate's entry is due at the
 * next of them.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

struct span gate_groups(struct engine *engine, struct span from)
{
    struct str list = { 0 };

    if (json_kind(from) != JSON_STRING)
        return json_kind(from) == JSON_ARRAY ? from : (struct span){ 0 };
    str_printf(&list, "[%.*s]", (int)from.len, from.ptr);
    struct span kept = turn_keep(engine, str_span(&list));
    str_fini(&list);
    return kept;
}

static struct span policy_of_gates(const struct engine *engine)
{
    return json_get(span_of(engine->policy), "gate");
}

static bool is_wish(const struct step *step)
{
    return strcmp(step->kind, "step") != 0;
}

/* -- whom next ----------------------------------------------------------------------------- */

static int severity_of(struct span word)
{
    static const char *const words[] = { "informational", "low", "medium", "high",
                                         "critical" };

    for (int i = 0; i < (int)(sizeof words / sizeof *words); i++)
        if (span_equal_nocase(word, span_of(words[i])))
            return i;
    return -1;
}

/* "high+", "medium". A run without an alert has no severity, and fits only what names none. */
static bool fits_severity(const struct run *run, struct span wanted)
{
    int is = severity_of(json_get_raw(run->alert, "severity"));
    bool or_more = wanted.len > 0 && wanted.ptr[wanted.len - 1] == '+';

    if (wanted.len == 0)
        return true;
    wanted.len -= or_more;
    int want = severity_of(wanted);
    return is >= 0 && (or_more ? is >= want : is == want);
}

bool gate_has_own_chain(const struct step *step)
{
    return is_wish(step) && json_count(json_get(step->args, "escalate")) > 0;
}

/* What the playbook says, or else the policy. */
static struct span chain_of(const struct step *step)
{
    return gate_has_own_chain(step)
               ? json_get(step->args, "escalate")
               : json_get(policy_of_gates(step->run->engine), "escalate");
}

/* The next link of the chain that is for this run; false at its end. */
static bool next_link(const struct step *step, size_t *pos, int *count, struct span *link)
{
    while (*count < ENGINE_ESCALATES_MAX && json_next(chain_of(step), pos, NULL, link)) {
        ++*count;
        if (fits_severity(step->run, json_get_raw(*link, "severity")))
            return true;
    }
    return false;
}

void gate_put_escalate(struct json_out *out, const struct step *step, int64_t due_ms)
{
    struct engine *engine = step->run->engine;
    struct span link;
    size_t pos = 0;
    int count = 0;

    json_key(out, "escalate");
    json_open(out, '[');
    while (next_link(step, &pos, &count, &link)) {
        int64_t after = 0;

        if (!duration_parse(json_get_raw(link, "after"), &after) ||
            engine->now_ms + after >= due_ms)
            continue;
        json_open(out, '{');
        json_put_int(out, "at", engine->now_ms + after);
        json_put_raw(out, "from", gate_groups(engine, json_get(link, "from")));
        json_close(out);
    }
    json_close(out);
}

const char *gate_on_timeout(const struct step *step)
{
    static const char *const words[] = { "deny", "hold", "escalate" };
    struct span word = is_wish(step)
                           ? json_get_raw(step->args, "on_timeout")
                           : json_get_raw(policy_of_gates(step->run->engine), "on_timeout");

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (span_is(word, words[i]))
            return words[i];
    return NULL;
}

void gate_add_chain(const struct step *step, struct str *names)
{
    struct span link;
    size_t pos = 0;
    int count = 0;

    while (next_link(step, &pos, &count, &link))
        names_add(names, gate_groups(step->run->engine, json_get(link, "from")));
}

/* Whom the gate that follows this one asks too, when nobody answers this one. */
void gate_put_wider(struct json_out *out, const struct step *step)
{
    const char *on_timeout = gate_on_timeout(step);
    struct str names = { 0 };

    if (on_timeout == NULL || strcmp(on_timeout, "escalate") != 0 || step->also.len > 0)
        return;
    gate_add_chain(step, &names);
    json_key(out, "wider");
    json_open(out, '[');
    if (names.len > 0)
        json_raw_value(out, str_span(&names));
    json_close(out);
    str_fini(&names);
}

/* -- reminders ------------------------------------------------------------------------------ */

void gate_put_remind(struct json_out *out, struct engine *engine, int64_t due_ms)
{
    struct span list = json_get(policy_of_gates(engine), "remind"), item;
    size_t pos = 0;
    int64_t half = engine->now_ms + (due_ms - engine->now_ms) / 2;

    json_key(out, "remind");
    json_open(out, '[');
    if (list.len == 0 && half > engine->now_ms)
        json_integer(out, half);
    for (int i = 0; i < ENGINE_REMINDS_MAX && json_next(list, &pos, NULL, &item); i++) {
        int64_t after = 0;

        if (duration_parse(json_raw(item), &after) && engine->now_ms + after < due_ms)
            json_integer(out, engine->now_ms + after);
    }
    json_close(out);
}

/* -- when it is time ------------------------------------------------------------------------ */

static int64_t sooner(int64_t a, int64_t b)
{
    return b < a ? b : a;
}

int64_t gate_next_due(const struct gate *gate)
{
    int64_t due = gate->due_ms;
    struct span item;
    size_t pos = 0;

    for (int i = 0; json_next(gate->remind, &pos, NULL, &item); i++)
        if (i >= gate->reminded)
            due = sooner(due, json_int(item, due));
    pos = 0;
    for (int i = 0; json_next(gate->escalate, &pos, NULL, &item); i++)
        if (i >= gate->escalated)
            due = sooner(due, json_get_int(item, "at", due));
    return due;
}

static void write_row(struct run *run, const struct gate *gate, enum row_kind kind, int i,
                      struct span from)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    json_open(&out, '{');
    if (from.len > 0)
        json_put_raw(&out, "from", from);
    json_put_int(&out, "g", gate->number);
    json_put_int(&out, "i", i);
    json_close(&out);
    row_write(run, kind, str_span(&body));
    str_fini(&body);
}

/* An engine that was away reminds once, and makes up for each escalation. */
void gate_remind(struct run *run, struct gate *gate)
{
    int64_t now_ms = run->engine->now_ms;
    int reminders = 0;
    struct span item;
    size_t pos = 0;

    while (json_next(gate->remind, &pos, NULL, &item) && json_int(item, 0) <= now_ms)
        reminders++;
    if (reminders > gate->reminded)
        write_row(run, gate, ROW_REMIND, reminders, (struct span){ 0 });
    pos = 0;
    for (int i = 1; json_next(gate->escalate, &pos, NULL, &item); i++)
        if (i > gate->escalated && json_get_int(item, "at", 0) <= now_ms)
            write_row(run, gate, ROW_ESCALATE, i, json_get(item, "from"));
}

void gate_apply_remind(struct run *run, const struct event_row *row)
{
    struct gate *gate = gate_find(run, (int)json_get_int(row->body, "g", 0));

    if (gate != NULL)
        gate->reminded = (int)json_get_int(row->body, "i", 0);
}

void gate_apply_escalate(struct run *run, const struct event_row *row)
{
    struct gate *gate = gate_find(run, (int)json_get_int(row->body, "g", 0));
    struct str names = { 0 }, list = { 0 };

    if (gate == NULL)
        return;
    names_add(&names, gate->also);
    names_add(&names, json_get(row->body, "from"));
    str_printf(&list, "[%s]", str_text(&names));
    gate->also = run_keep(run, str_span(&list));
    gate->escalated = (int)json_get_int(row->body, "i", 0);
    str_fini(&names);
    str_fini(&list);
}
