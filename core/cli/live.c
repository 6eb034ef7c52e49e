/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/live.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/drift.h"
#include "cli/step.h"

enum { ACTION_COLUMN = 36, DIFF_LINES = 4, ARGS_MAX = 70, INTENTS_MAX = 1000 };
enum { DAY_MS = 24 * 3600 * 1000, DATE_LEN = 10 };
#define DIFF_PREFIX "                        "

struct live_intent {
    char *run, *body;
    int64_t at_ms;
};

struct row {
    struct span run, kind, body;
    int64_t at_ms;
};

void live_fini(struct live *live)
{
    for (int i = 0; i < live->count; i++) {
        free(live->intents[i].run);
        free(live->intents[i].body);
    }
    free(live->intents);
    free(live->playbook);
    waits_fini(&live->waits);
    *live = (struct live){ .look = live->look };
}

void live_clear(struct live *live, struct str *out)
{
    if (live->has_passing)
        str_add_text(out, "\r\033[K");
    live->has_passing = false;
}

/* The date, when it is not the one of the line before, or not today's. */
static void add_day(struct live *live, struct str *out, int64_t at_ms)
{
    int64_t day = at_ms / DAY_MS;
    char date[32];

    if (day != (live->day ? live->day : live->look.now_ms / DAY_MS)) {
        str_add_text(out, "  ");
        clock_show(at_ms, date);
        date[DATE_LEN] = 0;
        render_styled(out, &live->look, STYLE_DIM, date);
        str_add_char(out, '\n');
    }
    live->day = day;
}

/* "  19:31:02.114  done   ", the same width for every label. */
static void begin(struct live *live, struct str *out, const struct row *row,
                  enum style style, const char *label)
{
    char time[32];

    live_clear(live, out);
    add_day(live, out, row->at_ms);
    str_add_text(out, "  ");
    render_styled(out, &live->look, STYLE_DIM, clock_show_time(row->at_ms, time));
    str_add_text(out, "  ");
    size_t start = out->len;
    render_styled(out, &live->look, style, label);
    render_pad(out, start, 8);
    if (live->run.len && !span_equal(live->run, row->run)) {
        str_add_shown(out, row->run.ptr, row->run.len);
        str_add_text(out, "  ");
    }
}

static void end(struct str *out)
{
    while (out->len && out->ptr[out->len - 1] == ' ')
        out->ptr[--out->len] = 0;
    str_add_char(out, '\n');
}

/* The action in a column, then what it is done to. */
static void add_action(struct str *out, struct span action, struct span target,
                       struct span args)
{
    size_t start = out->len;

    render_value(out, action, 80);
    render_pad(out, start, ACTION_COLUMN);
    if (json_kind(target) == JSON_STRING && json_raw(target).len)
        render_target(out, target);
    else
        render_args(out, args, ARGS_MAX);
}

/* -- Intents that wait for their outcome ------------------------------------------------ */

static bool is_of(const struct live_intent *intent, const struct row *row)
{
    struct span body = span_of(intent->body);

    return span_is(row->run, intent->run) &&
           span_equal(json_get(body, "b"), json_get(row->body, "b")) &&
           json_get_int(body, "n", -1) == json_get_int(row->body, "n", -2);
}

/* Takes the intent of an outcome out of the list; body NULL when there is none. */
static struct live_intent take_intent(struct live *live, const struct row *row)
{
    for (int i = 0; i < live->count; i++) {
        if (!is_of(&live->intents[i], row))
            continue;
        struct live_intent found = live->intents[i];
        live->intents[i] = live->intents[--live->count];
        return found;
    }
    return (struct live_intent){ 0 };
}

static void on_intent(struct live *live, struct str *out, const struct row *row)
{
    struct live_intent again = take_intent(live, row);

    free(again.run);
    free(again.body);
    if (live->count == INTENTS_MAX)
        return;
    if (live->count == live->cap) {
        live->cap = live->cap ? live->cap * 2 : 16;
        live->intents =
            xrealloc(live->intents, (size_t)live->cap * sizeof live->intents[0]);
    }
    live->intents[live->count++] = (struct live_intent){ .run = span_dup(row->run),
                                                         .body = span_dup(row->body),
                                                         .at_ms = row->at_ms };
    if (!live->is_terminal || live->is_past)
        return;
    bool is_undo = span_is(json_get_raw(row->body, "op"), "restore");
    begin(live, out, row, STYLE_DIM, is_undo ? "undo..." : "do...");
    add_action(out, json_get(row->body, "a"), json_get(row->body, "t"),
               json_get(row->body, "args"));
    live->has_passing = true;
}

struct outcome_look {
    const char *state, *label, *undo_label;
    enum style style;
};

static struct outcome_look look_of(struct span state)
{
    static const struct outcome_look looks[] = {
        { "done", "done", "undone", STYLE_GOOD },
        { "refused", "refused", "refused", STYLE_BAD },
        { "retry", "retry", "retry", STYLE_WARN },
        { "unknown", "doubt", "doubt", STYLE_WARN },
        { "not_applied", "not so", "not so", STYLE_WARN },
        { "partly", "partly", "partly", STYLE_WARN },
        { "partly_applied", "partly", "partly", STYLE_WARN },
    };

    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++)
        if (span_is(state, looks[i].state))
            return looks[i];
    return (struct outcome_look){ "", "ended", "ended", STYLE_WARN };
}

static void add_why(struct str *out, struct span body)
{
    struct span message = json_get(body, "msg"), code = json_get(body, "code");

    if (json_raw(message).len == 0 && json_raw(code).len == 0)
        return;
    str_add_text(out, DIFF_PREFIX);
    render_value(out, message, 1000);
    if (json_raw(code).len) {
        str_add_text(out, json_raw(message).len ? " (" : "(");
        render_value(out, code, 80);
        str_add_char(out, ')');
    }
    str_add_char(out, '\n');
}

static void on_outcome(struct live *live, struct str *out, const struct row *row)
{
    struct live_intent intent = take_intent(live, row);
    struct span was = span_of(intent.body);
    struct outcome_look look = look_of(json_get_raw(row->body, "s"));
    bool is_undo = span_is(json_get_raw(was, "op"), "restore");
    bool is_done = span_is(json_get_raw(row->body, "s"), "done");
    struct span after = json_get(row->body, "z");

    begin(live, out, row, look.style, is_undo ? look.undo_label : look.label);
    add_action(out, json_get(was, "a"), json_get(was, "t"), json_get(was, "args"));
    if (intent.body) {
        str_add_text(out, "  ");
        render_took(out, row->at_ms - intent.at_ms);
    }
    if (json_raw(json_get(row->body, "how")).len)
        str_add_text(out, "  (found so when looked at, not sent again)");
    end(out);
    live->changes += is_done && !is_undo;
    live->undone += is_done && is_undo;
    if (is_done && intent.body)
        render_diff(out, json_get(was, is_undo ? "z" : "w"),
                    after.len ? after : step_goal(was), DIFF_PREFIX, DIFF_LINES);
    if (!is_done)
        add_why(out, row->body);
    free(intent.run);
    free(intent.body);
}

/* -- The other rows --------------------------------------------------------------------- */

static void on_start(struct live *live, struct str *out, const struct row *row)
{
    struct span title = json_path(row->body, "alert.title");
    struct span kind = json_get_raw(row->body, "kind");

    if (live->began_ms == 0) {
        live->began_ms = row->at_ms;
        free(live->playbook);
        live->playbook = span_dup(json_get_raw(row->body, "playbook"));
    }
    begin(live, out, row, STYLE_BOLD, "run");
    if (live->run.len == 0 || span_equal(live->run, row->run)) { /* else it stands there */
        str_add_shown(out, row->run.ptr, row->run.len);
        str_add_text(out, "  ");
    }
    render_value(out, json_get(row->body, "playbook"), 200);
    if (kind.len && !span_is(kind, "live")) {
        str_add_text(out, " (");
        str_add_shown(out, kind.ptr, kind.len);
        str_add_char(out, ')');
    }
    if (json_raw(json_get(row->body, "by")).len) {
        str_add_text(out, ", started by ");
        render_value(out, json_get(row->body, "by"), 200);
    }
    if (json_raw(json_path(row->body, "limits.why")).len) {
        str_add_text(out, ", because: ");
        render_value(out, json_path(row->body, "limits.why"), 400);
    }
    if (json_kind(title) == JSON_STRING) {
        str_add_text(out, ", for the alert: ");
        render_value(out, title, 200);
    }
    end(out);
}

static void on_answer(struct live *live, struct str *out, const struct row *row)
{
    struct span kind = json_get_raw(row->body, "k"), extra = json_get(row->body, "x");
    bool is_step = span_is(kind, "step"), is_ok = json_get_bool(row->body, "ok", true);
    bool is_noop = json_get_bool(extra, "noop", false);

    if (span_is(kind, "note")) {
        begin(live, out, row, STYLE_BOLD, "note");
        render_value(out, json_get(extra, "text"), 1000);
        end(out);
    }
    if (span_is(kind, "signal") && json_raw(json_get(extra, "by")).len > 0) {
        begin(live, out, row, STYLE_BOLD, "signal");
        render_value(out, json_get(extra, "name"), 200);
        str_add_text(out, " by ");
        render_value(out, json_get(extra, "by"), 200);
        if (json_raw(json_get(extra, "why")).len > 0) {
            str_add_text(out, ": ");
            render_value(out, json_get(extra, "why"), 400);
        }
        end(out);
    }
    if (!is_step)
        return;
    begin(live, out, row, is_ok ? STYLE_DIM : STYLE_BAD,
          !is_ok    ? "failed"
          : is_noop ? "same"
                    : "read");
    add_action(out, json_get(row->body, "a"), json_get(extra, "target"),
               json_get(extra, "args"));
    if (is_noop)
        str_add_text(out, "  (already so: nothing to do)");
    end(out);
    if (!is_ok) {
        str_add_text(out, DIFF_PREFIX);
        render_error(out, json_get(row->body, "v"));
        str_add_char(out, '\n');
    }
}

static void add_gate_id(struct str *out, const struct row *row)
{
    struct span run = row->run;

    str_add_text(out, "g-");
    str_add_shown(out, run.ptr + (run.len > 2 ? 2 : run.len),
                  run.len > 2 ? run.len - 2 : 0);
    str_printf(out, "-%lld", (long long)json_get_int(row->body, "g", 0));
}

static void on_gate(struct live *live, struct str *out, const struct row *row)
{
    begin(live, out, row, STYLE_WARN, "gate");
    add_gate_id(out, row);
    str_add_text(out, "  ");
    render_value(out, json_get(row->body, "title"), 300);
    end(out);
}

static void on_vote(struct live *live, struct str *out, const struct row *row)
{
    bool is_yes = json_get_bool(row->body, "yes", false);

    begin(live, out, row, is_yes ? STYLE_GOOD : STYLE_BAD, "vote");
    add_gate_id(out, row);
    str_add_text(out, is_yes ? "  approved by " : "  denied by ");
    render_value(out, json_get(row->body, "who"), 200);
    if (json_raw(json_get(row->body, "why")).len) {
        str_add_text(out, ": ");
        render_value(out, json_get(row->body, "why"), 1000);
    }
    end(out);
}

static void on_gate_end(struct live *live, struct str *out, const struct row *row)
{
    bool is_granted = span_is(json_get_raw(row->body, "s"), "granted");

    begin(live, out, row, is_granted ? STYLE_GOOD : STYLE_BAD, "gate");
    add_gate_id(out, row);
    str_add_text(out, "  ");
    render_value(out, json_get(row->body, "s"), 40);
    if (json_kind(json_get(row->body, "v")) > JSON_NULL) {
        str_add_text(out, ": ");
        render_value(out, json_get(row->body, "v"), 300);
    }
    struct span glass = json_get(row->body, "glass");
    if (glass.len > 0) {
        str_add_text(out, "  BREAK-GLASS by ");
        render_value(out, json_get(glass, "who"), 200);
        str_add_text(out, " alone: ");
        render_value(out, json_get(glass, "why"), 1000);
    }
    end(out);
}

static void on_remind(struct live *live, struct str *out, const struct row *row)
{
    struct span from = json_get(row->body, "from");

    begin(live, out, row, STYLE_WARN, "gate");
    add_gate_id(out, row);
    str_add_text(out, from.len > 0 ? "  escalated to " : "  waits: a reminder");
    render_list(out, from, 1000);
    end(out);
}

static void on_sleep(struct live *live, struct str *out, const struct row *row)
{
    int64_t until_ms = json_get_int(row->body, "until", 0);
    bool is_signal = span_is(json_get_raw(row->body, "k"), "signal");

    bool is_wait = span_is(json_get_raw(row->body, "k"), "wait_until");

    begin(live, out, row, STYLE_DIM, is_signal || is_wait ? "wait" : "sleep");
    str_add_text(out, is_signal ? "for a signal until "
                      : is_wait ? "looks again and again until "
                                : "until ");
    render_date(out, until_ms);
    str_add_text(out, " (");
    render_took(out, until_ms - row->at_ms);
    str_add_char(out, ')');
    end(out);
}

/* The service said when it wants to be asked again. */
static void on_wait(struct live *live, struct str *out, const struct row *row)
{
    int64_t until_ms = json_get_int(row->body, "until", 0);

    begin(live, out, row, STYLE_WARN, "wait");
    add_action(out, json_get(row->body, "a"), json_get(row->body, "t"),
               json_get(row->body, "args"));
    str_add_text(out, "  waits until ");
    render_date(out, until_ms);
    str_add_text(out, " (");
    render_took(out, until_ms - row->at_ms);
    str_add_text(out, ") because the service said:");
    end(out);
    add_why(out, row->body);
}

static void on_child(struct live *live, struct str *out, const struct row *row)
{
    begin(live, out, row, STYLE_DIM, "call");
    render_value(out, json_get(row->body, "run"), 40);
    end(out);
}

/* It did not work, and is tried again. */
static void on_pause(struct live *live, struct str *out, const struct row *row)
{
    begin(live, out, row, STYLE_WARN, "retry");
    add_action(out, json_get(row->body, "a"), json_get(row->body, "t"),
               json_get(row->body, "args"));
    str_add_text(out, "  again in ");
    render_took(out, json_get_int(row->body, "next", 0) - row->at_ms);
    str_printf(out, ", try %lld of %lld", (long long)json_get_int(row->body, "try", 0),
               (long long)json_get_int(row->body, "tries", 0));
    end(out);
    add_why(out, row->body);
}

/* Somebody did something: "word  what by who: why". */
static void said(struct live *live, struct str *out, const struct row *row,
                 const char *label, struct span what)
{
    begin(live, out, row, STYLE_WARN, label);
    if (json_kind(what) == JSON_STRING) {
        render_value(out, what, 200);
        str_add_char(out, ' ');
    }
    str_add_text(out, "by ");
    render_value(out, json_get(row->body, "who"), 200);
    if (json_raw(json_get(row->body, "why")).len) {
        str_add_text(out, ": ");
        render_value(out, json_get(row->body, "why"), 1000);
    }
    end(out);
}

static void on_settle(struct live *live, struct str *out, const struct row *row)
{
    said(live, out, row, "settled", json_get(row->body, "choice"));
}

static void on_cancel(struct live *live, struct str *out, const struct row *row)
{
    said(live, out, row, "cancel", (struct span){ 0 });
}

static void on_halt(struct live *live, struct str *out, const struct row *row)
{
    said(live, out, row, json_get_bool(row->body, "on", true) ? "halt" : "resume",
         json_get(row->body, "scope"));
}

static void on_leave(struct live *live, struct str *out, const struct row *row)
{
    struct span wanted = json_get(row->body, "wanted");

    begin(live, out, row, STYLE_GOOD, "let go");
    add_action(out, json_get(row->body, "a"), json_get(row->body, "t"), (struct span){ 0 });
    leave_render(out, row->body, wanted);
    end(out);
}

static void on_keep(struct live *live, struct str *out, const struct row *row)
{
    begin(live, out, row, STYLE_GOOD, "kept");
    add_action(out, json_get(row->body, "a"), json_get(row->body, "t"), (struct span){ 0 });
    keep_render(out, &live->look, row->body);
    end(out);
}

/* Before now; what of it is still open is shown at the end. */
static void was_stuck(struct live *live, struct str *out, const struct row *row,
                      const char *label, const char *sentence)
{
    begin(live, out, row, STYLE_WARN, label);
    add_action(out, json_get(row->body, "a"), json_get(row->body, "t"), (struct span){ 0 });
    str_printf(out, "  %s\n", sentence);
}

static void on_drift(struct live *live, struct str *out, const struct row *row)
{
    if (live->is_past) {
        was_stuck(live, out, row, "drift", "not as we left it; nothing was written");
        return;
    }
    live_clear(live, out);
    live->saw_stop = true;
    drift_render(out, &live->look, row->run, row->body);
}

static void on_doubt(struct live *live, struct str *out, const struct row *row)
{
    if (live->is_past) {
        was_stuck(live, out, row, "doubt", "it could not be known whether it happened");
        return;
    }
    live_clear(live, out);
    live->saw_stop = true;
    drift_render_doubt(out, &live->look, row->run, row->body);
}

void live_render(struct live *live, struct str *out, struct span json)
{
    static const struct {
        const char *kind;
        void (*render)(struct live *live, struct str *out, const struct row *row);
    } kinds[] = {
        { "start", on_start },       { "answer", on_answer }, { "intent", on_intent },
        { "outcome", on_outcome },   { "gate", on_gate },     { "vote", on_vote },
        { "gate_end", on_gate_end }, { "sleep", on_sleep },   { "remind", on_remind },
        { "escalate", on_remind },   { "child", on_child },   { "drift", on_drift },
        { "doubt", on_doubt },       { "settle", on_settle }, { "cancel", on_cancel },
        { "halt", on_halt },         { "leave", on_leave },   { "keep", on_keep },
        { "pause", on_pause },       { "wait", on_wait },
    };
    struct row row = { .run = json_get_raw(json, "run"),
                       .kind = json_get_raw(json, "kind"),
                       .body = json_get(json, "body"),
                       .at_ms = json_get_int(json, "at", 0) };

    if (live->run.len == 0 || span_equal(live->run, row.run))
        waits_row(&live->waits, row.kind, row.body);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (span_is(row.kind, kinds[i].kind))
            kinds[i].render(live, out, &row);
}

void live_render_held(struct live *live, struct str *out, struct span halt)
{
    struct row row = { .run = live->run, .at_ms = clock_unix_ms() };
    struct span scope = json_get(halt, "scope"), why = json_get(halt, "why");

    begin(live, out, &row, STYLE_WARN, "held");
    str_add_text(out, "by a halt of ");
    render_value(out, scope, 200);
    str_add_text(out, ", by ");
    render_value(out, json_get(halt, "who"), 200);
    if (json_raw(why).len) {
        str_add_text(out, ": ");
        render_value(out, why, 1000);
    }
    str_add_text(out, "  (cordon resume ");
    render_value(out, scope, 200);
    str_add_text(out, ")\n");
}

void live_render_open(struct live *live, struct str *out)
{
    live_clear(live, out);
    for (int i = 0; i < live->count; i++) {
        struct span body = span_of(live->intents[i].body);
        struct row row = { .run = span_of(live->intents[i].run),
                           .body = body,
                           .at_ms = live->intents[i].at_ms };
        begin(live, out, &row, STYLE_WARN, "open");
        add_action(out, json_get(body, "a"), json_get(body, "t"), json_get(body, "args"));
        str_add_text(out, "  (under way when the engine ended)");
        end(out);
    }
}
