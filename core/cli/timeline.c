/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/timeline.h"

#include "base/id.h"
#include "base/json.h"
#include "cli/render.h"
#include "cli/step.h"
#include "cli/stuck.h"

enum { LABEL_COLUMN = 13 };

/* -- Above the steps: the run as such --------------------------------------------------- */

static void label(struct str *out, const struct look *look, const char *name)
{
    size_t start = out->len;

    str_add_text(out, "  ");
    render_styled(out, look, STYLE_DIM, name);
    render_pad(out, start, LABEL_COLUMN);
}

static struct span find_row(struct span rows, const char *kind)
{
    struct span row;
    size_t pos = 0;

    while (json_next(rows, &pos, NULL, &row))
        if (span_is(json_get_raw(row, "kind"), kind))
            return row;
    return (struct span){ 0 };
}

static void add_alert(struct str *out, const struct look *look, struct span alert)
{
    if (json_kind(alert) != JSON_OBJECT)
        return;
    label(out, look, "alert");
    render_value(out, json_get(alert, "title"), 300);
    str_add_text(out, " (");
    render_value(out, json_get(alert, "severity"), 40);
    str_add_text(out, ", ");
    render_value(out, json_get(alert, "source"), 80);
    str_add_text(out, ", ");
    render_value(out, json_get(alert, "id"), 120);
    str_add_text(out, ")\n");
}

static void add_origin(struct str *out, const struct look *look, struct span body)
{
    struct span of = json_get(body, "of"), parent = json_path(body, "parent.run");

    if (json_kind(of) == JSON_STRING || json_int(of, 0) > 0) {
        label(out, look, "of run");
        render_value(out, of, 40);
        str_add_char(out, '\n');
    }
    if (json_raw(json_path(body, "limits.why")).len > 0) {
        label(out, look, "because");
        render_value(out, json_path(body, "limits.why"), 1000);
        str_add_char(out, '\n');
    }
    if (json_kind(parent) > JSON_NULL) {
        label(out, look, "called by");
        str_add_text(out, id_run(json_int(parent, 0)).text);
        str_add_char(out, '\n');
    }
}

/* Who went ahead alone, and what others said of that. */
static void add_glasses(struct str *out, const struct look *look, struct span glasses)
{
    struct span glass, review;
    size_t pos = 0;

    while (json_next(glasses, &pos, NULL, &glass)) {
        size_t at = 0;

        label(out, look, "glass");
        str_add_text(out, "broken by ");
        render_value(out, json_get(glass, "who"), 200);
        str_add_text(out, ": ");
        render_value(out, json_get(glass, "why"), 1000);
        str_add_text(out, " (");
        render_value(out, json_get(glass, "state"), 40);
        str_add_text(out, ")\n");
        while (json_next(json_get(glass, "reviews"), &at, NULL, &review)) {
            label(out, look, json_get_bool(review, "ok", true) ? "reviewed" : "rejected");
            str_add_text(out, "by ");
            render_value(out, json_get(review, "who"), 200);
            str_add_text(out, ": ");
            render_value(out, json_get(review, "why"), 1000);
            str_add_char(out, '\n');
        }
    }
}

static void add_times(struct str *out, const struct look *look, struct span start,
                      struct span end)
{
    int64_t began_ms = json_get_int(start, "at", 0), ended_ms = json_get_int(end, "at", 0);

    label(out, look, "started");
    render_date(out, began_ms);
    str_add_text(out, " by ");
    render_value(out, json_path(start, "body.by"), 200);
    str_add_char(out, '\n');
    if (ended_ms == 0)
        return;
    label(out, look, "ended");
    render_date(out, ended_ms);
    str_add_text(out, " after ");
    render_took(out, ended_ms - began_ms);
    str_add_char(out, '\n');
}

static void add_head(struct str *out, const struct look *look, struct span show)
{
    struct span rows = json_get(show, "rows"), run = json_get(show, "run");
    struct span start = find_row(rows, "start"), end = find_row(rows, "end");
    struct span body = json_get(start, "body"), error = json_path(end, "body.e");
    struct str line = { 0 };

    render_value(&line, json_get(run, "run"), 40);
    str_add_text(&line, "  ");
    render_value(&line, json_get(body, "playbook"), 200);
    str_add_text(&line, "  ");
    render_value(&line, json_get(run, "state"), 40);
    render_styled(out, look, STYLE_BOLD, str_text(&line));
    str_add_char(out, '\n');
    str_fini(&line);
    add_times(out, look, start, end);
    add_origin(out, look, body);
    add_alert(out, look, json_get(body, "alert"));
    add_glasses(out, look, json_get(show, "break_glass"));
    if (json_count(json_get(body, "params"))) {
        label(out, look, "params");
        render_args(out, json_get(body, "params"), 400);
        str_add_char(out, '\n');
    }
    label(out, look, "playbook");
    render_short_hash(out, json_get(body, "hash"));
    str_add_text(out, ", policy ");
    render_short_hash(out, json_get(body, "policy"));
    str_add_char(out, '\n');
    if (json_kind(error) > JSON_NULL) {
        label(out, look, "error");
        render_error(out, error);
        str_add_char(out, '\n');
    }
}

/* -- The steps -------------------------------------------------------------------------- */

static void add_children(struct str *out, const struct look *look, struct span children)
{
    struct span child;
    size_t pos = 0;

    if (json_count(children) == 0)
        return;
    render_styled(out, look, STYLE_BOLD, "\nruns that belong to it\n");
    while (json_next(children, &pos, NULL, &child)) {
        struct span kind = json_get_raw(child, "kind");
        str_add_text(out, "  ");
        render_value(out, json_get(child, "run"), 40);
        str_add_text(out, "  ");
        render_value(out, json_get(child, "state"), 40);
        str_add_text(out, "  ");
        render_value(out, json_get(child, "playbook"), 200);
        if (kind.len && !span_is(kind, "live"))
            str_printf(out, " (%.*s)", (int)kind.len, kind.ptr);
        if (json_raw(json_get(child, "by")).len > 0) {
            str_add_text(out, "  by ");
            render_value(out, json_get(child, "by"), 200);
        }
        if (json_raw(json_get(child, "why")).len > 0) {
            str_add_text(out, ": ");
            render_value(out, json_get(child, "why"), 400);
        }
        str_add_char(out, '\n');
    }
}

void timeline_render(struct str *out, const struct look *look, struct span show)
{
    struct span rows = json_get(show, "rows"), row;
    size_t pos = 0;

    add_head(out, look, show);
    str_add_char(out, '\n');
    while (json_next(rows, &pos, NULL, &row))
        step_render(out, look, show, row, pos);
    add_children(out, look, json_get(show, "children"));
    struct str open = { 0 };
    stuck_render(&open, look, show);
    if (open.len) {
        render_styled(out, look, STYLE_BOLD, "\nwaits for a person\n");
        str_add_span(out, str_span(&open));
    }
    str_fini(&open);
}
