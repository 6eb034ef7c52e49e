/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/step.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/drift.h"
#include "cli/gate.h"
#include "cli/render.h"

enum {
    PATH_COLUMN = 8,
    LABEL_COLUMN = 10,
    ACTION_COLUMN = 36,
    TEXT_MAX = 2000,
    DIFF_LINES = 20
};
#define DETAIL "                        "

struct step {
    const struct look *look;
    struct span show, row, body;
    size_t pos;
    int64_t at_ms;
};

/* "  19:31:02.114  0/3     done      " */
static void begin(struct str *out, const struct step *step, enum style style,
                  const char *label)
{
    struct span branch = json_get(step->body, "b");
    char time[32];

    str_add_text(out, "  ");
    render_styled(out, step->look, STYLE_DIM, clock_show_time(step->at_ms, time));
    str_add_text(out, "  ");
    size_t start = out->len;
    if (json_kind(branch) == JSON_STRING) {
        render_value(out, branch, 40);
        str_printf(out, "/%lld", (long long)json_get_int(step->body, "n", 0));
    }
    render_pad(out, start, PATH_COLUMN);
    start = out->len;
    render_styled(out, step->look, style, label);
    render_pad(out, start, LABEL_COLUMN);
}

static void detail(struct str *out, const struct look *look, const char *name)
{
    size_t start;

    str_add_text(out, DETAIL);
    start = out->len;
    render_styled(out, look, STYLE_DIM, name);
    render_pad(out, start, LABEL_COLUMN);
}

static void detail_value(struct str *out, const struct look *look, const char *name,
                         struct span value)
{
    if (json_kind(value) <= JSON_NULL ||
        (json_kind(value) == JSON_STRING && !json_raw(value).len))
        return;
    detail(out, look, name);
    render_list(out, value, TEXT_MAX);
    str_add_char(out, '\n');
}

static void add_action(struct str *out, struct span action, struct span target)
{
    size_t start = out->len;

    render_value(out, action, 80);
    if (json_kind(target) != JSON_STRING || json_raw(target).len == 0)
        return;
    render_pad(out, start, ACTION_COLUMN);
    render_target(out, target);
}

static bool is_same_step(struct span a, struct span b)
{
    return span_equal(json_get(a, "b"), json_get(b, "b")) &&
           json_get_int(a, "n", -1) == json_get_int(b, "n", -2);
}

/* The outcome row of an intent: the next one of the same step, unless another intent of it
 * comes first. Empty when there is none yet. */
static struct span find_outcome(const struct step *step)
{
    struct span rows = json_get(step->show, "rows"), row;
    size_t pos = step->pos;

    while (json_next(rows, &pos, NULL, &row)) {
        struct span kind = json_get_raw(row, "kind");
        if (!is_same_step(step->body, json_get(row, "body")))
            continue;
        if (span_is(kind, "outcome"))
            return row;
        if (span_is(kind, "intent"))
            break;
    }
    return (struct span){ 0 };
}

/* -- A change --------------------------------------------------------------------------- */

static bool is_part(struct span state)
{
    return span_is(state, "partly") || span_is(state, "partly_applied");
}

static bool label_of(struct span outcome, bool is_undo, const char **label,
                     enum style *style)
{
    struct span state = json_get_raw(json_get(outcome, "body"), "s");
    bool is_done = span_is(state, "done");

    *style = is_done ? STYLE_GOOD : span_is(state, "refused") ? STYLE_BAD : STYLE_WARN;
    *label = !outcome.len                    ? "open"
             : is_done                       ? (is_undo ? "undone" : "done")
             : span_is(state, "refused")     ? "refused"
             : span_is(state, "retry")       ? "retry"
             : span_is(state, "not_applied") ? "not so"
             : is_part(state)                ? "partly"
                                             : "in doubt";
    return is_done;
}

static void add_votes(struct str *out, const struct step *step, int64_t gate)
{
    struct span rows = json_get(step->show, "rows"), row;
    size_t pos = 0;
    bool is_first = true;

    while (json_next(rows, &pos, NULL, &row)) {
        struct span body = json_get(row, "body");
        if (!span_is(json_get_raw(row, "kind"), "vote") ||
            json_get_int(body, "g", 0) != gate || !json_get_bool(body, "yes", false))
            continue;
        str_add_text(out, is_first ? " approved by " : ", ");
        is_first = false;
        render_value(out, json_get(body, "who"), 200);
    }
}

static void add_gate_name(struct str *out, const struct step *step, int64_t gate)
{
    struct span run = json_get_raw(step->row, "run");

    str_add_text(out, "g-");
    if (run.len > 2)
        str_add_shown(out, run.ptr + 2, run.len - 2);
    str_printf(out, "-%lld", (long long)gate);
}

/* Who let it happen: the votes of its gate, and the policy's rules that asked for them. */
static void add_allowed(struct str *out, const struct step *step)
{
    struct span permit = json_get(step->body, "p"), rules = json_get(step->body, "why");

    detail(out, step->look, "allowed");
    if (json_kind(permit) == JSON_OBJECT) {
        int64_t gate = json_get_int(permit, "gate", 0);
        add_gate_name(out, step, gate);
        add_votes(out, step, gate);
    } else {
        str_add_text(out, "no approval was needed");
    }
    if (json_count(rules)) {
        str_add_text(out, "; policy: ");
        render_list(out, rules, TEXT_MAX);
    }
    str_add_char(out, '\n');
}

static struct span find_hold(const struct step *step)
{
    struct span holds = json_get(step->show, "holds"), hold;
    size_t pos = 0;
    struct str path = { 0 };

    render_value(&path, json_get(step->body, "b"), 80);
    str_printf(&path, "/%lld", (long long)json_get_int(step->body, "n", 0));
    while (json_next(holds, &pos, NULL, &hold))
        if (span_equal(json_get_raw(hold, "step"), str_span(&path))) {
            str_fini(&path);
            return hold;
        }
    str_fini(&path);
    return (struct span){ 0 };
}

static void add_undo(struct str *out, const struct step *step)
{
    struct span hold = find_hold(step), undo = json_get(step->body, "undo");
    struct span state = json_get_raw(hold, "state");
    bool can_undo = json_kind(undo) == JSON_STRING;

    detail(out, step->look, "undo");
    if (span_is(state, "off")) {
        str_add_text(out, "undone");
        if (json_kind(json_get(hold, "off_by")) == JSON_STRING) {
            str_add_text(out, " by ");
            render_value(out, json_get(hold, "off_by"), 40);
        }
    } else if (span_is(state, "gone")) {
        str_add_text(out, "not needed: the target does not exist any more");
    } else if (span_is(state, "not_restored")) {
        str_add_text(out, "over: nothing was put back");
    } else if (span_is(state, "left")) {
        str_add_text(out, "left as it is, on purpose");
    } else if (can_undo) {
        render_value(out, undo, TEXT_MAX);
        str_add_text(out, ": cordon rollback ");
        render_value(out, json_get(step->row, "run"), 40);
        str_add_text(out, " --step ");
        render_value(out, json_get(step->body, "b"), 40);
        str_printf(out, "/%lld", (long long)json_get_int(step->body, "n", 0));
    } else {
        str_add_text(out, "cannot be undone");
    }
    str_add_char(out, '\n');
}

static void hash_part(struct str *out, const char *name, struct span hash)
{
    if (hash.len == 0)
        return;
    str_add_text(out, name);
    render_short_hash(out, hash);
    str_add_text(out, ", ");
}

static void add_evidence(struct str *out, const struct step *step)
{
    detail(out, step->look, "evidence");
    hash_part(out, "digest ", json_get(step->body, "d")); /* somebody approved it */
    hash_part(out, "key ", json_get(step->body, "key"));
    str_printf(out, "attempt %lld, row %lld\n",
               (long long)json_get_int(step->body, "at", 1),
               (long long)json_get_int(step->row, "seq", 0));
}

static void add_failure(struct str *out, const struct step *step, struct span outcome)
{
    struct span body = json_get(outcome, "body");

    if (json_raw(json_get(body, "msg")).len == 0 &&
        json_raw(json_get(body, "code")).len == 0)
        return;
    detail(out, step->look, "because");
    render_value(out, json_get(body, "msg"), TEXT_MAX);
    if (json_raw(json_get(body, "code")).len) {
        str_add_text(out, " (");
        render_value(out, json_get(body, "code"), 80);
        str_add_char(out, ')');
    }
    str_add_char(out, '\n');
}

struct span step_goal(struct span intent)
{
    bool is_undo = span_is(json_get_raw(intent, "op"), "restore");
    struct span goal = json_get(intent, is_undo ? "g" : "z");

    /* Undoing leaves what was before, unless the row says otherwise. */
    return is_undo && goal.len == 0 ? json_get(intent, "w") : goal;
}

static void on_intent(struct str *out, const struct step *step)
{
    struct span outcome = find_outcome(step), seen = json_path(outcome, "body.z");
    bool is_undo = span_is(json_get_raw(step->body, "op"), "restore");
    const char *label;
    enum style style;
    bool is_done = label_of(outcome, is_undo, &label, &style);

    begin(out, step, style, label);
    add_action(out, json_get(step->body, "a"), json_get(step->body, "t"));
    if (outcome.len) {
        str_add_text(out, "  ");
        render_took(out, json_get_int(outcome, "at", 0) - step->at_ms);
    }
    if (json_raw(json_path(outcome, "body.how")).len)
        str_add_text(out, "  (found so when looked at, not sent again)");
    str_add_char(out, '\n');
    detail_value(out, step->look, "what", json_get(step->body, "what"));
    if (json_count(json_get(step->body, "args"))) {
        detail(out, step->look, "args");
        render_args(out, json_get(step->body, "args"), 300);
        str_add_char(out, '\n');
    }
    render_diff(out, json_get(step->body, is_undo ? "z" : "w"),
                is_done && seen.len ? seen : step_goal(step->body), DETAIL "| ",
                DIFF_LINES);
    add_failure(out, step, outcome);
    add_allowed(out, step);
    if (is_done && !is_undo)
        add_undo(out, step);
    add_evidence(out, step);
}

/* -- Everything else -------------------------------------------------------------------- */

static void on_answer(struct str *out, const struct step *step)
{
    struct span extra = json_get(step->body, "x"), kind = json_get_raw(step->body, "k");
    bool is_ok = json_get_bool(step->body, "ok", true);
    bool is_noop = json_get_bool(extra, "noop", false);
    struct span value = json_get(step->body, "v");

    if (span_is(kind, "note")) {
        begin(out, step, STYLE_BOLD, "note");
        render_value(out, json_get(extra, "text"), TEXT_MAX);
        str_add_char(out, '\n');
    }
    if (span_is(kind, "signal") && json_raw(json_get(extra, "by")).len > 0) {
        begin(out, step, STYLE_BOLD, "signal");
        render_value(out, json_get(extra, "name"), 200);
        str_add_text(out, " by ");
        render_value(out, json_get(extra, "by"), 200);
        if (json_raw(json_get(extra, "why")).len > 0) {
            str_add_text(out, ": ");
            render_value(out, json_get(extra, "why"), 400);
        }
        str_add_char(out, '\n');
    }
    if (!span_is(kind, "step"))
        return;
    begin(out, step, is_ok ? STYLE_DIM : STYLE_BAD,
          !is_ok    ? "failed"
          : is_noop ? "same"
                    : "read");
    add_action(out, json_get(step->body, "a"), json_get(extra, "target"));
    if (is_noop)
        str_add_text(out, "  (already so: nothing to do)");
    str_add_char(out, '\n');
    if (json_count(json_get(extra, "args"))) {
        detail(out, step->look, "args");
        render_args(out, json_get(extra, "args"), 300);
        str_add_char(out, '\n');
    }
    if (!is_ok) {
        detail(out, step->look, "because");
        render_error(out, value);
        str_add_char(out, '\n');
    }
}

static void on_gate(struct str *out, const struct step *step)
{
    size_t changes = json_count(json_get(step->body, "changes"));

    begin(out, step, STYLE_WARN, "gate");
    add_gate_name(out, step, json_get_int(step->body, "g", 0));
    str_add_text(out, "  ");
    render_value(out, json_get(step->body, "title"), 300);
    str_printf(out, "  (%zu change%s)\n", changes, changes == 1 ? "" : "s");
    detail(out, step->look, "wants");
    gate_render_demands(out, step->body);
    str_add_char(out, '\n');
    detail_value(out, step->look, "differs", json_get(step->body, "differs"));
}

static void on_vote(struct str *out, const struct step *step)
{
    bool is_yes = json_get_bool(step->body, "yes", false);

    begin(out, step, is_yes ? STYLE_GOOD : STYLE_BAD, is_yes ? "approved" : "denied");
    add_gate_name(out, step, json_get_int(step->body, "g", 0));
    str_add_text(out, "  by ");
    render_value(out, json_get(step->body, "who"), 200);
    if (json_raw(json_get(step->body, "why")).len) {
        str_add_text(out, ": ");
        render_value(out, json_get(step->body, "why"), TEXT_MAX);
    }
    str_add_char(out, '\n');
}

static void on_gate_end(struct str *out, const struct step *step)
{
    bool is_granted = span_is(json_get_raw(step->body, "s"), "granted");

    begin(out, step, is_granted ? STYLE_GOOD : STYLE_BAD, "gate");
    add_gate_name(out, step, json_get_int(step->body, "g", 0));
    str_add_text(out, "  ");
    render_value(out, json_get(step->body, "s"), 40);
    if (json_kind(json_get(step->body, "v")) > JSON_NULL) {
        str_add_text(out, ": ");
        render_value(out, json_get(step->body, "v"), 300);
    }
    struct span glass = json_get(step->body, "glass");
    if (glass.len > 0) {
        str_add_text(out, "  BREAK-GLASS by ");
        render_value(out, json_get(glass, "who"), 200);
        str_add_text(out, " alone: ");
        render_value(out, json_get(glass, "why"), TEXT_MAX);
    }
    str_add_char(out, '\n');
}

static void on_remind(struct str *out, const struct step *step)
{
    struct span from = json_get(step->body, "from");

    begin(out, step, STYLE_WARN, from.len > 0 ? "escalated" : "reminded");
    add_gate_name(out, step, json_get_int(step->body, "g", 0));
    if (from.len > 0) {
        str_add_text(out, "  to ");
        render_list(out, from, TEXT_MAX);
    }
    str_add_char(out, '\n');
}

static void on_sleep(struct str *out, const struct step *step)
{
    bool is_signal = span_is(json_get_raw(step->body, "k"), "signal");

    bool is_wait = span_is(json_get_raw(step->body, "k"), "wait_until");

    begin(out, step, STYLE_DIM, is_signal || is_wait ? "wait" : "sleep");
    str_add_text(out, is_signal ? "for a signal until "
                      : is_wait ? "looks again and again until "
                                : "until ");
    render_date(out, json_get_int(step->body, "until", 0));
    str_add_char(out, '\n');
}

static void on_wait(struct str *out, const struct step *step)
{
    begin(out, step, STYLE_WARN, "wait");
    add_action(out, json_get(step->body, "a"), json_get(step->body, "t"));
    str_add_text(out, "  waits until ");
    render_date(out, json_get_int(step->body, "until", 0));
    str_add_text(out, " because the service said: ");
    render_value(out, json_get(step->body, "msg"), TEXT_MAX);
    str_add_char(out, '\n');
}

static void on_child(struct str *out, const struct step *step)
{
    begin(out, step, STYLE_DIM, "call");
    render_value(out, json_get(step->body, "run"), 40);
    str_add_char(out, '\n');
}

static void on_drift(struct str *out, const struct step *step)
{
    begin(out, step, STYLE_WARN, "drift");
    render_target(out, json_get(step->body, "t"));
    str_add_text(out, "  not as we left it; nothing was written\n");
    render_diff(out, json_get(step->body, "z"), json_get(step->body, "now"), DETAIL "| ",
                DIFF_LINES);
}

static void on_doubt(struct str *out, const struct step *step)
{
    begin(out, step, STYLE_WARN, "in doubt");
    render_target(out, json_get(step->body, "t"));
    str_add_text(out, "  ");
    render_value(out, json_get(step->body, "why"), TEXT_MAX);
    str_add_char(out, '\n');
}

static void by_whom(struct str *out, const struct step *step, const char *label,
                    struct span what)
{
    begin(out, step, STYLE_WARN, label);
    if (json_kind(what) == JSON_STRING) {
        render_value(out, what, 200);
        str_add_char(out, ' ');
    }
    str_add_text(out, "by ");
    render_value(out, json_get(step->body, "who"), 200);
    if (json_raw(json_get(step->body, "why")).len) {
        str_add_text(out, ": ");
        render_value(out, json_get(step->body, "why"), TEXT_MAX);
    }
    str_add_char(out, '\n');
}

static void on_settle(struct str *out, const struct step *step)
{
    by_whom(out, step, "settled", json_get(step->body, "choice"));
}

static void on_cancel(struct str *out, const struct step *step)
{
    by_whom(out, step, "cancel", (struct span){ 0 });
}

static void on_leave(struct str *out, const struct step *step)
{
    begin(out, step, STYLE_GOOD, "let go");
    add_action(out, json_get(step->body, "a"), json_get(step->body, "t"));
    leave_render(out, step->body, json_get(step->body, "wanted"));
    str_add_char(out, '\n');
}

static void on_keep(struct str *out, const struct step *step)
{
    begin(out, step, STYLE_GOOD, "kept");
    add_action(out, json_get(step->body, "a"), json_get(step->body, "t"));
    keep_render(out, step->look, step->body);
    str_add_char(out, '\n');
}

void step_render(struct str *out, const struct look *look, struct span show,
                 struct span row, size_t pos)
{
    static const struct {
        const char *kind;
        void (*render)(struct str *out, const struct step *step);
    } kinds[] = {
        { "answer", on_answer }, { "intent", on_intent },     { "gate", on_gate },
        { "vote", on_vote },     { "gate_end", on_gate_end }, { "sleep", on_sleep },
        { "wait", on_wait },     { "remind", on_remind },     { "escalate", on_remind },
        { "child", on_child },   { "drift", on_drift },       { "doubt", on_doubt },
        { "settle", on_settle }, { "cancel", on_cancel },     { "leave", on_leave },
        { "keep", on_keep },
    };
    struct step step = { .look = look,
                         .show = show,
                         .row = row,
                         .body = json_get(row, "body"),
                         .pos = pos,
                         .at_ms = json_get_int(row, "at", 0) };

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (span_is(json_get_raw(row, "kind"), kinds[i].kind))
            kinds[i].render(out, &step);
}
