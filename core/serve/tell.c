/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/tell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/log.h"
#include "base/id.h"
#include "base/schema.h"
#include "serve/inside.h"
#include "store/store.h"

static const char *const words[] = {
    "gate",         "reminder",    "escalation",  "gate_end",    "break_glass",
    "review",       "run_done",    "run_failed",  "run_denied",  "run_canceled",
    "run_diverged", "run_blocked", "run_stuck",   "hold_due",    "halt",
    "shadow",       "unreadable",  "not_started", "hold_broken", "hold_unobserved",
};
enum { WORDS = sizeof words / sizeof *words };

/* How much it matters, for channels that say so. */
static const char *severity_of(const char *word)
{
    static const struct {
        const char *word, *severity;
    } severities[] = {
        { "break_glass", "alert" },       { "run_stuck", "critical" },
        { "halt", "critical" },           { "run_failed", "error" },
        { "run_diverged", "error" },      { "reminder", "warning" },
        { "escalation", "warning" },      { "run_blocked", "warning" },
        { "hold_broken", "critical" },    { "hold_due", "warning" },
        { "hold_unobserved", "warning" }, { "not_started", "error" },
        { "unreadable", "warning" },      { "gate_end", "info" },
        { "run_done", "info" },           { "shadow", "info" },
    };

    for (size_t i = 0; i < sizeof severities / sizeof *severities; i++)
        if (strcmp(severities[i].word, word) == 0)
            return severities[i].severity;
    return "notice";
}

bool tell_is_word(struct span word, const char **nearest)
{
    for (int i = 0; i < WORDS; i++)
        if (span_is(word, words[i]))
            return true;
    *nearest = schema_nearest(word, words, WORDS);
    return false;
}

static const char *end_word(int state)
{
    switch (state) {
    case RUN_DONE: return "run_done";
    case RUN_FAILED: return "run_failed";
    case RUN_DENIED: return "run_denied";
    case RUN_CANCELED: return "run_canceled";
    case RUN_DIVERGED: return "run_diverged";
    case RUN_BLOCKED: return "run_blocked";
    default: return NULL;
    }
}

/* The route by which an alert is only planned for, when one decided so. */
static struct span shadow_of(struct span body)
{
    struct span decision, name;
    size_t pos = 0;

    while (json_next(json_get(body, "made"), &pos, NULL, &decision))
        if ((name = json_get(decision, "shadow")).len > 0)
            return name;
    return (struct span){ 0 };
}

/* The first decision about an alert that wanted to start a run, and could not. */
static struct span failed_of(struct span body)
{
    struct span decision;
    size_t pos = 0;

    while (json_next(json_get(body, "made"), &pos, NULL, &decision))
        if (json_get(decision, "error").len > 0 && json_get(decision, "shadow").len == 0)
            return decision;
    return (struct span){ 0 };
}

static const char *note_word(struct span body)
{
    if (span_is(json_get_raw(body, "k"), "unreadable"))
        return "unreadable";
    if (failed_of(body).len > 0)
        return "not_started";
    return shadow_of(body).len > 0 ? "shadow" : NULL;
}

/* A round of checks that fails for many holds is told once: the other rows have "quiet". */
static const char *hold_word(struct span body)
{
    struct span state = json_get_raw(body, "s");

    if (span_is(state, "unobserved"))
        return json_get_bool(body, "quiet", false) ? NULL : "hold_unobserved";
    return span_is(state, "in_force") || span_is(state, "observed") ? NULL : "hold_broken";
}

const char *tell_word(const struct shown_row *row)
{
    switch (row->kind) {
    case ROW_GATE: return "gate";
    case ROW_REMIND: return "reminder";
    case ROW_ESCALATE: return "escalation";
    case ROW_GATE_END: return "gate_end";
    case ROW_BREAK_GLASS: return "break_glass";
    case ROW_REVIEW: return "review";
    case ROW_HALT: return "halt";
    case ROW_HOLD_SEEN: return hold_word(row->body);
    case ROW_DOUBT:
    case ROW_DRIFT: return "run_stuck";
    case ROW_END: return end_word((int)json_get_int(row->body, "s", 0));
    case ROW_START:
        return json_get(json_get(row->body, "limits"), "expired").len > 0 ? "hold_due"
                                                                          : NULL;
    case ROW_ALERT_NOTE: return note_word(row->body);
    default: return NULL;
    }
}

/* -- small things ---------------------------------------------------------------------------- */

struct writing {
    struct tell *tell;
    const struct shown_row *row;
    struct json_out out;
    int64_t run;
};

/* Cut between characters. */
static void put_cut(struct json_out *out, const char *key, const char *text, size_t max)
{
    size_t len = strlen(text);

    if (len > max)
        for (len = max; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80;)
            len--;
    json_put_span(out, key, (struct span){ text, len });
}

static void put_fact(struct writing *writing, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    json_open(&writing->out, '{');
    json_put(&writing->out, "name", name);
    put_cut(&writing->out, "value", value, TELL_VALUE_MAX);
    json_close(&writing->out);
}

static void put_text_fact(struct writing *writing, const char *name, struct span value)
{
    char *text = json_text(value);

    put_fact(writing, name, text);
    free(text);
}

static void put_time_fact(struct writing *writing, const char *name, int64_t unix_ms)
{
    time_t seconds = (time_t)(unix_ms / 1000);
    char text[64];
    struct tm tm;

    if (unix_ms <= 0 || gmtime_r(&seconds, &tm) == NULL)
        return;
    strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm);
    put_fact(writing, name, text);
}

static void put_list_fact(struct writing *writing, const char *name, struct span list)
{
    struct str text = { 0 };
    struct span item;
    size_t pos = 0;

    while (json_next(list, &pos, NULL, &item)) {
        if (text.len > 0)
            str_add_text(&text, ", ");
        json_text_to(&text, item);
    }
    if (text.len > 0)
        put_fact(writing, name, str_text(&text));
    str_fini(&text);
}

/* -- facts ------------------------------------------------------------------------------------ */

static void put_run_facts(struct writing *writing)
{
    struct entry entry;
    struct err ignored;

    if (writing->run == 0)
        return;
    if (writing->row->kind == ROW_START)
        put_text_fact(writing, "Playbook", json_get(writing->row->body, "playbook"));
    else if (store_find(writing->tell->serve->store, ENTRY_RUN, writing->run, 0, &entry,
                        &ignored) == 0)
        put_text_fact(writing, "Playbook", json_get(entry.body, "playbook"));
    put_fact(writing, "Run", id_run(writing->run).text);
}

static const char *worst_risk(struct span changes)
{
    static const char *const risks[] = { "low", "medium", "high" };
    struct span change;
    size_t pos = 0;
    int worst = -1;

    while (json_next(changes, &pos, NULL, &change))
        for (int i = worst + 1; i < 3; i++)
            if (span_is(json_get_raw(change, "risk"), risks[i]))
                worst = i;
    return worst < 0 ? NULL : risks[worst];
}

static void put_changes(struct writing *writing, struct span changes)
{
    char count[32];
    struct span change;
    size_t pos = 0;

    snprintf(count, sizeof count, "%zu", json_count(changes));
    put_fact(writing, "Changes", count);
    put_fact(writing, "Risk", worst_risk(changes));
    if (!writing->tell->is_full)
        return;
    for (int i = 0; i < TELL_CHANGES_MAX && json_next(changes, &pos, NULL, &change); i++)
        put_text_fact(writing, "Change", json_get(change, "what"));
}

static void put_gate(struct writing *writing, struct span gate)
{
    int n = (int)json_get_int(writing->row->body, "g", 0);

    put_fact(writing, "Gate", id_gate(writing->run, n).text);
    if (gate.len == 0)
        return;
    put_text_fact(writing, "Asked for by", json_get(gate, "by"));
    put_list_fact(writing, "Who decides", json_get(gate, "from"));
    put_changes(writing, json_get(gate, "changes"));
    put_text_fact(writing, "More may follow", json_get(gate, "more"));
    put_time_fact(writing, "Decide by", json_get_int(gate, "due", 0));
}

/* A sentence about a failure may quote the alert: it is for channels that are told all. */
static void put_note(struct writing *writing, struct span body)
{
    struct span failed = failed_of(body);
    char name[40];

    if (failed.len > 0) {
        snprintf(name, sizeof name, "a-%06lld", (long long)json_get_int(body, "i", 0));
        put_fact(writing, "Alert", name);
        put_text_fact(writing, "Playbook", json_get(failed, "playbook"));
    }
    if (writing->tell->is_full && failed.len > 0)
        put_text_fact(writing, "Error", json_get(failed, "error"));
    if (writing->tell->is_full && span_is(json_get_raw(body, "k"), "unreadable"))
        put_text_fact(writing, "Error", json_get(body, "why"));
}

static void put_hold_facts(struct writing *writing, struct span body)
{
    bool is_full = writing->tell->is_full;

    put_fact(writing, "Hold",
             id_hold(json_get_int(body, "r", 0), (int)json_get_int(body, "n", 0)).text);
    put_text_fact(writing, "Found", json_get(body, "s"));
    put_time_fact(writing, "Since", json_get_int(body, "since", 0));
    if (is_full && json_get(body, "why").len > 0)
        put_text_fact(writing, "Error", json_get(body, "why"));
}

static void put_facts(struct writing *writing, struct span gate)
{
    const struct shown_row *row = writing->row;

    json_key(&writing->out, "facts");
    json_open(&writing->out, '[');
    put_run_facts(writing);
    if (json_get(row->body, "g").len > 0)
        put_gate(writing, gate);
    if (row->kind == ROW_ESCALATE)
        put_list_fact(writing, "Also asked", json_get(row->body, "from"));
    if (row->kind == ROW_GATE_END)
        put_fact(writing, "Ended", gate_state_name((int)json_get_int(row->body, "s", 0)));
    if (row->kind == ROW_BREAK_GLASS || row->kind == ROW_REVIEW) {
        put_text_fact(writing, "By", json_get(row->body, "who"));
        put_list_fact(writing, "Who reviews", json_get(row->body, "from"));
        put_time_fact(writing, "Review by", json_get_int(row->body, "due", 0));
    }
    if (row->kind == ROW_END)
        put_text_fact(writing, "Error", json_path(row->body, "e.code"));
    if (row->kind == ROW_HALT) {
        put_text_fact(writing, "Scope", json_get(row->body, "scope"));
        put_text_fact(writing, "By", json_get(row->body, "who"));
    }
    if (row->kind == ROW_HOLD_SEEN)
        put_hold_facts(writing, row->body);
    if (row->kind == ROW_DOUBT || row->kind == ROW_DRIFT || row->kind == ROW_HOLD_SEEN) {
        put_text_fact(writing, "Action", json_get(row->body, "a"));
        if (writing->tell->is_full)
            put_text_fact(writing, "Target", json_get(row->body, "t"));
    }
    if (row->kind == ROW_ALERT_NOTE)
        put_note(writing, row->body);
    put_text_fact(writing, "Route", shadow_of(row->body));
    put_time_fact(writing, "At", row->at_ms);
    json_close(&writing->out);
}

/* -- the message ------------------------------------------------------------------------------ */

static const char *lead_of(const struct shown_row *row)
{
    switch (row->kind) {
    case ROW_GATE:
        return span_is(json_get_raw(row->body, "k"), "ask") ? "Answer wanted"
                                                            : "Approval wanted";
    case ROW_REMIND: return "Still waiting for a decision";
    case ROW_ESCALATE: return "Nobody has decided yet: others are asked";
    case ROW_GATE_END: return "Decided";
    case ROW_BREAK_GLASS: return "BREAK-GLASS: granted by one person alone";
    case ROW_REVIEW: return "A break-glass was reviewed";
    case ROW_DOUBT: return "Nobody can know whether it happened: a person must say";
    case ROW_DRIFT: return "Somebody else has changed it: a person must say";
    case ROW_START: return "A containment's time is over";
    case ROW_HOLD_SEEN:
        return span_is(json_get_raw(row->body, "s"), "unobserved")
                   ? "A containment could not be observed"
                   : "A containment is not in force any more";
    case ROW_HALT: return json_get_bool(row->body, "on", false) ? "Halted" : "Halt lifted";
    case ROW_ALERT_NOTE:
        if (span_is(json_get_raw(row->body, "k"), "unreadable"))
            return "A delivery could not be read";
        return failed_of(row->body).len > 0
                   ? "An alert matches, and no run could be started"
                   : "An alert would have started runs (shadow mode)";
    default: return "Run over";
    }
}

/* Where the policy asks, the title is the plugin's sentence, with the target in it. */
static struct span title_of(const struct writing *writing, struct span gate)
{
    bool is_plugins = span_is(json_get_raw(gate, "k"), "step");

    return json_get(gate, is_plugins && !writing->tell->is_full ? "a" : "title");
}

static void put_title(struct writing *writing, struct span gate)
{
    struct span title = title_of(writing, gate);
    struct str text = { 0 };

    str_add_text(&text, lead_of(writing->row));
    if (writing->row->kind == ROW_END)
        str_printf(&text, ": %s",
                   run_state_name((int)json_get_int(writing->row->body, "s", 0)));
    if (json_kind(title) == JSON_STRING) {
        str_add_text(&text, ": ");
        json_text_to(&text, title);
    } else if (writing->run > 0) {
        str_printf(&text, ", %s", id_run(writing->run).text);
    }
    put_cut(&writing->out, "title", str_text(&text), TELL_TITLE_MAX);
    str_fini(&text);
}

static void put_link(struct writing *writing)
{
    struct span config = str_span(&writing->tell->serve->config);
    char *origin = json_text(json_path(config, "serve.console.origin"));
    int g = (int)json_get_int(writing->row->body, "g", 0);
    struct str link = { 0 };

    if (origin != NULL) {
        str_printf(&link, "%s/console/#/", origin);
        if (g > 0)
            str_printf(&link, "gates/%s", id_gate(writing->run, g).text);
        else if (writing->run > 0)
            str_printf(&link, "runs/%s", id_run(writing->run).text);
        json_put(&writing->out, "link", str_text(&link));
    }
    free(origin);
    str_fini(&link);
}

/* Messages about one run belong together, and to no other installation's. */
static void put_thread(struct writing *writing)
{
    char key[STEP_KEY_LEN + 1];
    struct str thread = { 0 };

    if (writing->run == 0)
        return;
    engine_notice_key(writing->tell->serve->engine, span_of("thread"), 0, key);
    str_printf(&thread, "%s.%.16s", id_run(writing->run).text, key);
    json_put(&writing->out, "thread", str_text(&thread));
    str_fini(&thread);
}

static void finish(struct str *text, struct str *args)
{
    struct err err;

    if (json_canonical(args, text->ptr, text->len, &err) != 0)
        fatalx("a notice is no JSON: %s", err.text);
    str_fini(text);
}

/* What is known of the gate: its own row says it, or its entry while it is open. */
static struct span find_gate(struct writing *writing, struct str *kept)
{
    int g = (int)json_get_int(writing->row->body, "g", 0);
    struct entry entry;
    struct err ignored;

    if (writing->row->kind == ROW_GATE)
        return writing->row->body;
    if (g > 0 && store_find(writing->tell->serve->store, ENTRY_GATE, writing->run, g,
                            &entry, &ignored) == 0)
        str_add_span(kept, entry.body);
    return str_span(kept);
}

void tell_write(struct tell *tell, const struct shown_row *row, struct str *args)
{
    struct str text = { 0 }, kept = { 0 };
    struct writing writing = { .tell = tell,
                               .row = row,
                               .out = { .str = &text },
                               .run = row->run > 0 ? row->run
                                                   : json_get_int(row->body, "run", 0) };
    struct span gate = find_gate(&writing, &kept);

    json_open(&writing.out, '{');
    json_put(&writing.out, "channel", tell->channel);
    if (tell->has_severity) {
        json_put(&writing.out, "event", tell_word(row));
        json_put(&writing.out, "severity", severity_of(tell_word(row)));
    }
    put_facts(&writing, gate);
    put_link(&writing);
    put_thread(&writing);
    put_title(&writing, gate);
    json_close(&writing.out);
    finish(&text, args);
    str_fini(&kept);
}

void tell_write_test(struct tell *tell, struct str *args)
{
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    json_open(&out, '{');
    json_put(&out, "channel", tell->channel);
    json_put(&out, "text", "Somebody tries whether this channel works. It does.");
    json_put(&out, "title", "A test of cordon");
    json_close(&out);
    finish(&text, args);
}
