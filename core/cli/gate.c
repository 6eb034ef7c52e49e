/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/gate.h"

#include <string.h>

#include "base/json.h"
#include "cli/drift.h"
#include "cli/render.h"

enum { LABEL_COLUMN = 18, WHOLE = 8192 };

static void label(struct str *out, const struct look *look, const char *indent,
                  const char *name)
{
    size_t start = out->len;

    str_add_text(out, indent);
    render_styled(out, look, STYLE_DIM, name);
    render_pad(out, start, LABEL_COLUMN);
}

/* A line only when there is something to say. */
static void line(struct str *out, const struct look *look, const char *indent,
                 const char *name, struct span value)
{
    struct str text = { 0 };

    render_list(&text, value, WHOLE);
    if (text.len) {
        label(out, look, indent, name);
        str_printf(out, "%s\n", str_text(&text));
    }
    str_fini(&text);
}

static enum style risk_style(struct span risk)
{
    return span_is(risk, "high")     ? STYLE_BAD
           : span_is(risk, "medium") ? STYLE_WARN
                                     : STYLE_DIM;
}

static void head(struct str *out, const struct look *look, struct span change, int number)
{
    struct str text = { 0 };
    struct span risk = json_get_raw(change, "risk"),
                effect = json_get_raw(change, "effect");

    str_printf(out, "  %d. ", number);
    render_value(&text, json_get(change, "action"), 200);
    render_styled(out, look, STYLE_BOLD, str_text(&text));
    if (span_is(json_get_raw(change, "op"), "restore"))
        str_add_text(out, "  undo");
    str_reset(&text);
    str_add_shown(&text, effect.ptr, effect.len);
    if (text.len)
        str_add_text(out, "  ");
    render_styled(out, look,
                  span_equal_nocase(effect, span_of("permanent")) ? STYLE_BAD : STYLE_PLAIN,
                  str_text(&text));
    str_reset(&text);
    str_add_shown(&text, risk.ptr, risk.len);
    if (text.len) {
        str_add_text(&text, " risk");
        str_add_text(out, "  ");
        render_styled(out, look, risk_style(risk), str_text(&text));
    }
    str_add_char(out, '\n');
    str_fini(&text);
}

static void undo(struct str *out, const struct look *look, struct span change)
{
    struct span because = json_get(change, "because");

    /* What takes a change back is not itself to be taken back. */
    if (span_is(json_get_raw(change, "op"), "restore"))
        return;
    line(out, look, "     ", "undo", json_get(change, "undo"));
    if (json_raw(because).len > 0) {
        struct str text = { 0 };
        render_value(&text, because, WHOLE);
        label(out, look, "     ", "for good");
        render_styled(out, look, STYLE_BAD, str_text(&text));
        str_add_char(out, '\n');
        str_fini(&text);
    } else if (json_raw(json_get(change, "undo")).len == 0) {
        label(out, look, "     ", "undo");
        render_styled(out, look, STYLE_BAD, "cannot be undone");
        str_add_char(out, '\n');
    }
}

static bool ends_in(struct span text, const char *end)
{
    size_t len = strlen(end);

    return text.len > len && memcmp(text.ptr + text.len - len, end, len) == 0;
}

/* Plugins name what is affected in the plural: "addresses", "principals". */
static void add_one_of(struct str *out, struct span plural)
{
    bool is_es = ends_in(plural, "sses") || ends_in(plural, "xes");
    bool is_ies = ends_in(plural, "ies");

    if (ends_in(plural, "s"))
        plural.len -= is_ies ? 3 : is_es ? 2 : 1;
    str_add_shown(out, plural.ptr, plural.len);
    if (is_ies)
        str_add_char(out, 'y');
}

static void affects(struct str *out, const struct look *look, struct span change)
{
    int64_t count = json_get_int(change, "affects", 0);

    if (count <= 0)
        return;
    label(out, look, "     ", "affects");
    str_printf(out, "%lld ", (long long)count);
    struct span what = json_get(change, "affects_what");
    if (json_kind(what) != JSON_STRING)
        str_add_text(out, count == 1 ? "thing or person" : "things or people");
    else if (count > 1)
        render_value(out, what, 200);
    else
        add_one_of(out, json_raw(what));
    str_add_char(out, '\n');
}

/* What each limit comes to with this change. */
static void guards(struct str *out, const struct look *look, struct span change)
{
    struct span guard;
    size_t pos = 0;

    for (int i = 0; json_next(json_get(change, "guards"), &pos, NULL, &guard); i++) {
        if (i == 0)
            label(out, look, "     ", "counts as");
        str_add_text(out, i > 0 ? ", " : "");
        render_value(out, json_get(guard, "guard"), 60);
        str_printf(out, " %lld of %lld", (long long)json_get_int(guard, "count", 0),
                   (long long)json_get_int(guard, "of", 0));
    }
    if (pos > 0 && json_count(json_get(change, "guards")) > 0)
        str_add_char(out, '\n');
}

static void assumed(struct str *out, const struct look *look, struct span change)
{
    if (!json_get_bool(change, "assumed", false))
        return;
    label(out, look, "     ", "assumed");
    render_styled(out, look, STYLE_WARN,
                  "that what comes before it ends as planned; if not, it has a new gate");
    str_add_char(out, '\n');
}

static void one_demand(struct str *out, struct span demand, const char *how)
{
    int64_t need = json_get_int(demand, "need", 1);

    if (json_count(json_get(demand, "slots")) > 0) {
        str_add_text(out, "one person each of ");
        render_list(out, json_get(demand, "slots"), WHOLE);
        return;
    }
    str_printf(out, "%lld %sapproval%s", (long long)need, how, need == 1 ? "" : "s");
    if (json_count(json_get(demand, "from"))) {
        str_add_text(out, " of ");
        render_list(out, json_get(demand, "from"), WHOLE);
    }
}

/* There the slots are one list for each rule that has some. */
static void old_demands(struct str *out, struct span needed, const char *how)
{
    struct span slots;
    size_t pos = 0;

    if (json_count(json_get(needed, "slots")) == 0)
        one_demand(out, needed, how);
    for (int i = 0; json_next(json_get(needed, "slots"), &pos, NULL, &slots); i++) {
        str_add_text(out, i > 0 ? "; and one person each of " : "one person each of ");
        render_list(out, slots, WHOLE);
    }
}

/* Each rule's people by themselves: two of one group do not stand for one of another. */
static void each_demand(struct str *out, struct span needed)
{
    const char *how = json_kind(json_get(needed, "sign")) == JSON_STRING ? "signed " : "";
    struct span demand;
    size_t pos = 0;

    if (json_count(json_get(needed, "demands")) == 0) { /* a gate of an older version */
        old_demands(out, needed, how);
        return;
    }
    for (int i = 0; json_next(json_get(needed, "demands"), &pos, NULL, &demand); i++) {
        str_add_text(out, i > 0 ? "; and " : "");
        one_demand(out, demand, how);
    }
}

static void needs(struct str *out, const struct look *look, struct span needed)
{
    int64_t need = json_get_int(needed, "need", -1);

    if (need < 0)
        return;
    label(out, look, "     ", "needs");
    if (json_get_bool(needed, "forbidden", false)) {
        render_styled(out, look, STYLE_BAD, "policy forbids it");
        if (json_kind(json_get(needed, "why")) == JSON_STRING) {
            str_add_text(out, ": ");
            render_value(out, json_get(needed, "why"), WHOLE);
        }
        str_add_char(out, '\n');
        return;
    }
    if (need == 0)
        str_add_text(out, "nobody's approval");
    else
        each_demand(out, needed);
    if (json_count(json_get(needed, "rules"))) {
        str_add_text(out, ", by policy: ");
        render_list(out, json_get(needed, "rules"), WHOLE);
    }
    str_add_char(out, '\n');
}

/* What the plugin would have approvers know. */
static void notes(struct str *out, const struct look *look, struct span change)
{
    struct span note;
    size_t pos = 0;

    while (json_next(json_get(change, "notes"), &pos, NULL, &note)) {
        struct str text = { 0 };

        label(out, look, "     ", "note");
        render_value(&text, note, WHOLE);
        render_styled(out, look, STYLE_WARN, str_text(&text));
        str_add_char(out, '\n');
        str_fini(&text);
    }
}

static void failed_look(struct str *out, const struct look *look, struct span failed)
{
    bool has_target = json_raw(json_get(failed, "target")).len > 0;

    str_add_text(out, "\n  ");
    render_styled(out, look, STYLE_BAD, "NOT POSSIBLE");
    str_add_text(out, "  ");
    render_value(out, json_get(failed, "action"), 80);
    str_add_char(out, ' ');
    if (has_target)
        render_target(out, json_get(failed, "target"));
    else
        render_args(out, json_get(failed, "args"), 200);
    str_add_text(out, "\n  ");
    render_error(out, failed);
    str_add_char(out, '\n');
}

void gate_render_failed(struct str *out, const struct look *look, struct span list)
{
    struct span failed;
    size_t pos = 0;

    while (json_next(list, &pos, NULL, &failed))
        failed_look(out, look, failed);
}

void gate_render_limits(struct str *out, const struct look *look, struct span preview,
                        const char *lead)
{
    struct span item;
    size_t pos = 0;

    if (json_kind(json_get(preview, "more")) == JSON_STRING) {
        str_add_text(out, "  ");
        render_styled(out, look, STYLE_WARN, lead);
        str_add_text(out, ": ");
        render_value(out, json_get(preview, "more"), WHOLE);
        str_add_char(out, '\n');
    }
    while (json_next(json_get(preview, "assumes"), &pos, NULL, &item)) {
        str_add_text(out, "  Assumed: ");
        render_value(out, item, WHOLE);
        str_add_char(out, '\n');
    }
}

/* Why there may be less than the playbook would do. */
static void preview_rest(struct str *out, const struct look *look, struct span body)
{
    struct span drifted;
    size_t pos = 0;

    while (json_next(json_get(body, "drifted"), &pos, NULL, &drifted))
        drift_render_planned(out, look, drifted);
    gate_render_failed(out, look, json_get(body, "failed"));
    if (json_kind(json_get(body, "error")) == JSON_OBJECT) {
        str_add_text(out, "\n  The preview of the playbook ended with an error: ");
        render_error(out, json_get(body, "error"));
        str_add_char(out, '\n');
    }
}

static void freezes(struct str *out, const struct look *look, struct span list)
{
    struct span freeze;
    size_t pos = 0;

    while (json_next(list, &pos, NULL, &freeze)) {
        label(out, look, "     ", "freeze");
        render_value(out, json_get(freeze, "name"), WHOLE);
        str_add_text(out, ", in force until ");
        render_value(out, json_get(freeze, "to"), 60);
        str_add_text(out, json_get_bool(freeze, "emergency", false)
                              ? "; its emergency path asks those above\n"
                              : "; it has no emergency path\n");
    }
}

static void guard(struct str *out, const struct look *look, struct span sentence)
{
    if (json_kind(sentence) != JSON_STRING)
        return;
    label(out, look, "     ", "guard");
    render_styled(out, look, STYLE_BAD, "would stop it");
    str_add_text(out, ": ");
    render_value(out, sentence, WHOLE);
    str_add_char(out, '\n');
}

void gate_render_change(struct str *out, const struct look *look, struct span change,
                        int number)
{
    head(out, look, change, number);
    line(out, look, "     ", "target", json_get(change, "target"));
    if (json_get(change, "tags").len > 0)
        line(out, look, "     ", "tags", json_get(change, "tags"));
    line(out, look, "     ", "what", json_get(change, "what"));
    if (render_diff_whole(out, json_get(change, "before"), json_get(change, "after"),
                          "       | ") == 0)
        str_add_text(out, "       | no difference\n");
    undo(out, look, change);
    line(out, look, "     ", "permissions", json_get(change, "permissions"));
    affects(out, look, change);
    guards(out, look, change);
    assumed(out, look, change);
    notes(out, look, change);
    needs(out, look, json_get(change, "needs"));
    freezes(out, look, json_path(change, "needs.freezes"));
    guard(out, look, json_path(change, "needs.guard"));
    if (json_raw(json_get(change, "digest")).len == 0)
        return; /* a plan asks for nothing, so it has none */
    label(out, look, "     ", "digest");
    render_short_hash(out, json_get(change, "digest"));
    str_add_char(out, '\n');
}

int gate_render_changes(struct str *out, const struct look *look, struct span changes)
{
    struct span change;
    size_t pos = 0;
    int number = 0;

    while (json_next(changes, &pos, NULL, &change)) {
        if (number > 0)
            str_add_char(out, '\n');
        gate_render_change(out, look, change, ++number);
    }
    return number;
}

bool gate_is_question(struct span gate)
{
    return span_is(json_raw(json_path(gate, "body.k")), "ask");
}

bool gate_wants_signature(struct span gate)
{
    return json_kind(json_path(gate, "body.sign")) == JSON_STRING;
}

bool gate_is_open(struct span gate)
{
    struct span state = json_get(gate, "state");

    return json_kind(state) != JSON_STRING || span_is(json_raw(state), "open");
}

static void title(struct str *out, const struct look *look, struct span gate)
{
    struct span body = json_get(gate, "body");
    struct str text = { 0 };

    str_add_text(&text, gate_is_question(gate) ? "QUESTION " : "GATE ");
    render_value(&text, json_get(gate, "gate"), 40);
    str_add_text(&text, "  ");
    render_value(&text, json_get(body, "title"), WHOLE);
    render_styled(out, look, STYLE_BOLD, str_text(&text));
    str_add_char(out, '\n');
    str_fini(&text);
}

/* Of a gate that is over no deadline counts any more. */
static void deadline(struct str *out, const struct look *look, struct span gate)
{
    struct span body = json_get(gate, "body");
    int64_t due_ms = json_get_int(body, "due", 0);

    if (due_ms <= 0 || !gate_is_open(gate))
        return;
    label(out, look, "  ", "until");
    render_date(out, due_ms);
    str_add_text(out, " (");
    render_when(out, look, due_ms);
    str_add_char(out, ')');
    if (json_kind(json_get(body, "on_timeout")) == JSON_STRING) {
        str_add_text(out, ", then: ");
        render_value(out, json_get(body, "on_timeout"), 80);
    }
    str_add_char(out, '\n');
    if (json_get_int(body, "execute", 0) > 0) {
        char within[32];

        label(out, look, "  ", "good for");
        str_printf(out, "%s after it is approved\n",
                   duration_show(json_get_int(body, "execute", 0), within));
    }
}

/* How it came here, when not by its person's own command. */
static void vote_origin(struct str *out, struct span vote)
{
    if (json_kind(json_get(vote, "key")) == JSON_STRING) {
        str_add_text(out, " (signed with ");
        render_value(out, json_get(vote, "key"), 80);
        if (json_kind(json_get(vote, "via")) == JSON_STRING) {
            str_add_text(out, ", carried by ");
            render_value(out, json_get(vote, "via"), 200);
        }
        str_add_char(out, ')');
    }
}

static void signature(struct str *out, const struct look *look, struct span gate)
{
    if (!gate_wants_signature(gate))
        return;
    label(out, look, "  ", "signature");
    str_add_text(out, span_is(json_raw(json_path(gate, "body.sign")), "verified")
                          ? "of a hardware key that asks for a PIN or a finger"
                          : "of an SSH key");
    str_add_text(out, ", with each approval\n");
}

static void demand(struct str *out, int64_t need, struct span from)
{
    str_printf(out, "%lld of ", (long long)need);
    if (json_count(from))
        render_list(out, from, WHOLE);
    else
        str_add_text(out, "anybody who may approve");
}

/* Each of them wants to be met. */
static void demands(struct str *out, struct span list)
{
    struct span one;
    size_t pos = 0;

    for (int i = 0; json_next(list, &pos, NULL, &one); i++) {
        str_add_text(out, i > 0 ? "; and " : "");
        if (json_count(json_get(one, "slots")) > 0) {
            str_add_text(out, "one person each of ");
            render_list(out, json_get(one, "slots"), WHOLE);
        } else {
            demand(out, json_get_int(one, "need", 1), json_get(one, "from"));
        }
    }
}

void gate_render_demands(struct str *out, struct span body)
{
    if (json_count(json_get(body, "demands")) > 0)
        demands(out, json_get(body, "demands"));
    else
        demand(out, json_get_int(body, "need", 1), json_get(body, "from"));
}

void gate_render_approvals(struct str *out, struct span gate)
{
    struct span approvals = json_get(gate, "approvals"), one;
    bool is_named = json_count(approvals) > 1;
    size_t pos = 0;

    for (int i = 0; json_next(approvals, &pos, NULL, &one); i++) {
        str_printf(out, "%s%lld of %lld", i > 0 ? "; " : "",
                   (long long)json_get_int(one, "have", 0),
                   (long long)json_get_int(one, "need", 1));
        if (is_named && json_count(json_get(one, "from")) > 0) {
            str_add_char(out, ' ');
            render_list(out, json_get(one, "from"), WHOLE);
        }
    }
}

/* How far it is, when somebody has approved and more is wanted. */
static void so_far(struct str *out, const struct look *look, struct span gate)
{
    if (!gate_is_open(gate) || json_count(json_get(gate, "votes")) == 0 ||
        json_count(json_get(gate, "approvals")) == 0)
        return;
    label(out, look, "  ", "so far");
    gate_render_approvals(out, gate);
    str_add_char(out, '\n');
}

/* Who else may approve by now, and when it was asked for again. */
static void escalated(struct str *out, const struct look *look, struct span gate)
{
    struct span also = json_path(gate, "body.also"), item;
    size_t pos = 0;

    if (json_count(also) > 0) {
        label(out, look, "  ", "or by");
        render_list(out, also, WHOLE);
        str_add_char(out, '\n');
    }
    while (json_next(json_get(gate, "reminders"), &pos, NULL, &item)) {
        bool is_wider = json_count(json_get(item, "from")) > 0;

        label(out, look, "  ", is_wider ? "escalated" : "reminded");
        render_when(out, look, json_get_int(item, "at", 0));
        if (is_wider) {
            str_add_text(out, ", to ");
            render_list(out, json_get(item, "from"), WHOLE);
        }
        str_add_char(out, '\n');
    }
}

static void quorum(struct str *out, const struct look *look, struct span gate)
{
    struct span body = json_get(gate, "body"), vote;
    size_t pos = 0;

    label(out, look, "  ", gate_is_question(gate) ? "answer by" : "approval");
    gate_render_demands(out, body);
    str_add_char(out, '\n');
    so_far(out, look, gate);
    if (json_get(body, "unable").len > 0 && gate_is_open(gate)) {
        label(out, look, "  ", "in vain");
        render_value(out, json_get(body, "unable"), WHOLE);
        str_add_char(out, '\n');
    }
    if (json_get(body, "unknown_group").len > 0 && gate_is_open(gate)) {
        label(out, look, "  ", "no group");
        render_value(out, json_get(body, "unknown_group"), WHOLE);
        str_add_char(out, '\n');
    }
    escalated(out, look, gate);
    if (json_get_int(body, "deny_threshold", 1) > 1) {
        label(out, look, "  ", "to deny");
        str_printf(out, "%lld people\n",
                   (long long)json_get_int(body, "deny_threshold", 1));
    }
    while (json_next(json_get(gate, "votes"), &pos, NULL, &vote)) {
        label(out, look, "  ",
              json_get_bool(vote, "yes", false) ? "approved by" : "denied by");
        render_value(out, json_get(vote, "who"), 200);
        if (json_raw(json_get(vote, "why")).len) {
            str_add_text(out, ": ");
            render_value(out, json_get(vote, "why"), WHOLE);
        }
        vote_origin(out, vote);
        str_add_char(out, '\n');
    }
}

static void asked_by(struct str *out, const struct look *look, struct span gate)
{
    label(out, look, "  ", "asked by");
    render_value(out, json_path(gate, "body.by"), 200);
    str_add_text(out, ", in ");
    render_value(out, json_get(gate, "run"), 40);
    str_add_text(out, " ");
    render_value(out, json_get(gate, "playbook"), 200);
    str_add_char(out, '\n');
}

void gate_render(struct str *out, const struct look *look, struct span gate)
{
    struct span body = json_get(gate, "body");

    title(out, look, gate);
    if (!gate_is_open(gate))
        line(out, look, "  ", "state", json_get(gate, "state"));
    line(out, look, "  ", "detail", json_get(body, "detail"));
    asked_by(out, look, gate);
    quorum(out, look, gate);
    signature(out, look, gate);
    deadline(out, look, gate);
    line(out, look, "  ", "choices", json_path(body, "args.choices"));
    if (json_kind(json_get(body, "differs")) > JSON_NULL) {
        label(out, look, "  ", "differs");
        render_styled(out, look, STYLE_WARN,
                      "what was approved before is not what would run: ");
        render_list(out, json_get(body, "differs"), WHOLE);
        str_add_char(out, '\n');
    }
    if (json_count(json_get(body, "changes")))
        str_add_char(out, '\n');
    gate_render_changes(out, look, json_get(body, "changes"));
    preview_rest(out, look, body);
    if (json_kind(json_get(body, "more")) == JSON_STRING ||
        json_count(json_get(body, "assumes")) > 0)
        str_add_char(out, '\n');
    gate_render_limits(out, look, body, "More may follow, with gates of its own");
    if (!gate_is_question(gate) && json_raw(json_get(gate, "digest")).len > 0) {
        str_add_char(out, '\n');
        line(out, look, "  ", "gate digest", json_get(gate, "digest"));
    }
}

void gate_say_over(struct str *out, struct span gate)
{
    render_value(out, json_get(gate, "gate"), 40);
    str_add_text(out, " is ");
    render_value(out, json_get(gate, "state"), 40);
    str_add_text(out, "; a late vote changes nothing");
}

void gate_render_commands(struct str *out, struct span gate)
{
    struct str id = { 0 };

    render_value(&id, json_get(gate, "gate"), 40);
    if (!gate_is_open(gate)) {
        str_add_text(out, "  gate ");
        gate_say_over(out, gate);
        str_add_char(out, '\n');
    } else if (gate_is_question(gate))
        str_printf(out, "  cordon answer %s VALUE\n", str_text(&id));
    else
        str_printf(out, "  cordon approve %s%s\n  cordon deny %s --reason TEXT\n",
                   str_text(&id), gate_wants_signature(gate) ? " --sign KEYFILE" : "",
                   str_text(&id));
    str_fini(&id);
}

void gate_render_plan(struct str *out, const struct look *look, struct span reply)
{
    struct span error = json_get(reply, "error");
    size_t begin = out->len;
    int count = gate_render_changes(out, look, json_get(reply, "changes"));
    long long reads = (long long)json_get_int(reply, "reads", 0);

    gate_render_failed(out, look, json_get(reply, "failed"));
    str_printf(out, "%s%d change%s would be made", out->len > begin ? "\n" : "", count,
               count == 1 ? "" : "s");
    if (reads > 0)
        str_printf(out, ", after %lld read%s", reads, reads == 1 ? "" : "s");
    str_add_text(out, "; nothing was changed\n");
    gate_render_limits(out, look, reply, "More may follow");
    if (json_kind(error) > JSON_NULL) {
        str_add_text(out, "the plan ends here: ");
        render_error(out, error);
        str_add_char(out, '\n');
    }
}
