/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon alerts, explain, hook: what came in, what became of it, and what would.
 */
#include "cli/command.h"

#include <string.h>

#include "alert/alert.h"
#include "base/base64.h"
#include "base/err.h"
#include "base/json_mend.h"
#include "cli/ask.h"
#include "cli/gate.h"
#include "cli/input.h"
#include "cli/render.h"
#include "cli/table.h"

enum {
    TEXT_MAX = 1024 * 1024,
    UNREAD_SHOWN_MAX = 400 /* bytes of why an item cannot be read */
};

/* -- alerts -------------------------------------------------------------------------------- */

static void add_row(struct table *table, const struct look *look, struct span alert)
{
    struct str cell = { 0 };
    struct span run;
    size_t pos = 0;

    table_whole_value(table, json_get(alert, "alert"));
    table_value(table, json_get(alert, "source"));
    table_value(table, json_get(alert, "severity"));
    str_printf(&cell, "%lld", (long long)json_get_int(alert, "count", 1));
    table_cell(table, &cell);
    render_when(&cell, look, json_get_int(alert, "last", 0));
    table_cell(table, &cell);
    while (json_next(json_get(alert, "runs"), &pos, NULL, &run)) {
        if (cell.len > 0)
            str_add_char(&cell, ' ');
        render_value(&cell, run, 20);
    }
    if (cell.len == 0)
        str_add_text(&cell, "none");
    table_cell(table, &cell);
    str_add_text(&cell, json_get_bool(alert, "simulated", false) ? "simulated"
                        : json_get_bool(alert, "over", false)    ? "over"
                                                                 : "open");
    table_cell(table, &cell);
    table_value(table, json_get(alert, "title"));
}

static void add_unreadable(struct table *table, const struct look *look, struct span one)
{
    struct str cell = { 0 };

    table_whole_value(table, json_get(one, "delivery"));
    table_value(table, json_get(one, "source"));
    str_printf(&cell, "%lld", (long long)json_get_int(one, "bytes", 0));
    table_cell(table, &cell);
    render_when(&cell, look, json_get_int(one, "at", 0));
    table_cell(table, &cell);
    render_value(&cell, json_get(one, "why"), 400);
    table_cell(table, &cell);
}

static void add_refused(struct table *table, const struct look *look, struct span one)
{
    struct str cell = { 0 };

    table_whole_value(table, json_get(one, "source"));
    str_printf(&cell, "%lld", (long long)json_get_int(one, "count", 0));
    table_cell(table, &cell);
    render_when(&cell, look, json_get_int(one, "last", 0));
    table_cell(table, &cell);
    table_value(table, json_get(one, "from"));
    str_printf(&cell, "%lld ", (long long)json_get_int(one, "status", 0));
    render_value(&cell, json_get(one, "why"), 400);
    table_cell(table, &cell);
}

static void show_unread(struct str *out, const struct look *look, struct span reply)
{
    struct table unread = { .columns = 5,
                            .head = { "delivery", "source", "bytes", "came", "why" } };
    struct table refused = { .columns = 5,
                             .head = { "source", "refused", "last", "from", "why" } };
    struct span one;
    size_t pos = 0;

    while (json_next(json_get(reply, "unreadable"), &pos, NULL, &one))
        add_unreadable(&unread, look, one);
    pos = 0;
    while (json_next(json_get(reply, "refused"), &pos, NULL, &one))
        add_refused(&refused, look, one);
    if (unread.count > 0)
        table_render(&unread, out, look);
    else
        str_add_text(out, "every delivery that was kept could be read\n");
    if (refused.count == 0)
        return;
    str_add_text(out, "\nrefused since the daemon started:\n");
    table_render(&refused, out, look);
}

static int run_unreadable(const struct options *options)
{
    struct look look = look_of_stdout();
    struct str args = { 0 }, reply = { 0 }, out = { 0 };
    struct json_out json = { .str = &args };
    bool is_over;

    json_open(&json, '{');
    json_put_int(&json, "limit", options->limit > 0 ? options->limit : 50);
    json_close(&json);
    int exit_code = ask_reply(options, "unreadable", str_span(&args), &reply, &is_over);
    if (!is_over) {
        show_unread(&out, &look, str_span(&reply));
        ask_print(&out);
    }
    str_fini(&args);
    str_fini(&reply);
    str_fini(&out);
    return exit_code;
}

static int list_alerts(const struct options *options)
{
    struct look look = look_of_stdout();
    struct table table = { .columns = 8,
                           .head = { "alert", "source", "severity", "count", "last", "runs",
                                     "state", "title" } };
    struct str args = { 0 }, reply = { 0 }, out = { 0 };
    struct json_out json = { .str = &args };
    struct span alert;
    size_t pos = 0;
    bool is_over;

    json_open(&json, '{');
    json_put_int(&json, "limit", options->limit > 0 ? options->limit : 50);
    if (options->only != NULL)
        json_put(&json, "source", options->only);
    json_close(&json);
    int exit_code = ask_reply(options, "alerts", str_span(&args), &reply, &is_over);
    if (!is_over) {
        while (json_next(json_get(str_span(&reply), "alerts"), &pos, NULL, &alert))
            add_row(&table, &look, alert);
        if (table.count > 0)
            table_render(&table, &out, &look);
        else
            str_add_text(&out, "no alert has come in\n");
        ask_print(&out);
    }
    str_fini(&args);
    str_fini(&reply);
    str_fini(&out);
    return exit_code;
}

static int run_alerts(const struct options *options)
{
    if (options->unreadable)
        return run_unreadable(options);
    return list_alerts(options);
}

const struct command command_alerts = {
    .name = "alerts",
    .summary = "what sources have sent, newest first",
    .usage = "cordon alerts [--only SOURCE] [--limit N]\n"
             "       cordon alerts --unreadable [--limit N]",
    .about =
        "The same alert again is counted and not taken anew. What it started, and why, "
        "says\n"
        "cordon explain. --unreadable lists what was kept and could not be read, and what "
        "was "
        "refused.",
    .example = "cordon alerts --only defender",
    .options = OPTION_ENGINE | OPTION_ONLY | OPTION_UNREADABLE,
    .run = run_alerts,
};

/* -- explain ------------------------------------------------------------------------------- */

/* Planned and not started: a route says so, or the alert is a sample. */
static void put_shadow(struct str *out, struct span decision)
{
    bool is_planned = json_get_bool(decision, "planned", true);

    if (json_get(decision, "shadow").len > 0) {
        str_add_text(out, "; in shadow by route \"");
        render_value(out, json_get(decision, "shadow"), 60);
        str_add_text(out, "\": nothing was started");
    } else {
        str_add_text(out, "; the alert is simulated: nothing was started");
    }
    if (!is_planned)
        str_add_text(out, ", nor planned: too much is being planned");
}

static void put_decision(struct str *out, struct span decision)
{
    struct span playbook = json_get(decision, "playbook"), run = json_get(decision, "run");
    struct span route = json_get(decision, "route"), error = json_get(decision, "error");

    str_add_text(out, json_get_bool(decision, "fits", false) ? "  + " : "  - ");
    if (json_kind(playbook) == JSON_STRING) {
        render_value(out, playbook, 60);
        str_add_text(out, ": ");
    }
    if (json_kind(route) == JSON_STRING) {
        str_add_text(out, "route \"");
        render_value(out, route, 60);
        str_add_text(out, "\": ");
    }
    render_value(out, json_get(decision, "why"), 300);
    if (json_kind(run) == JSON_STRING) {
        str_add_text(out, "; started ");
        render_value(out, run, 20);
    }
    if (json_get(decision, "shadow").len > 0 || json_get_bool(decision, "simulated", false))
        put_shadow(out, decision);
    if (json_get(decision, "waits").len > 0)
        str_printf(out, "; held by its storm, number %lld of them",
                   (long long)json_get_int(decision, "count", 0));
    if (json_kind(error) == JSON_STRING && json_get_bool(decision, "fits", false)) {
        str_add_text(out, "; not started: ");
        render_value(out, error, 300);
    }
    str_add_char(out, '\n');
    if (json_count(json_get(decision, "params")) > 0) {
        str_add_text(out, "      with ");
        render_value(out, json_get(decision, "params"), 400);
        str_add_char(out, '\n');
    }
}

static void put_decisions(struct str *out, struct span decisions)
{
    struct span decision;
    size_t pos = 0;

    if (json_count(decisions) == 0)
        str_add_text(out, "  - no playbook is there for alerts (cordon.lua: playbooks)\n");
    while (json_next(decisions, &pos, NULL, &decision))
        put_decision(out, decision);
}

/* In shadow mode. */
static void put_plan(struct str *out, const struct look *look, struct span planned)
{
    struct span plan = json_get(planned, "plan");
    struct span error = json_get(plan, "error");

    str_add_text(out, "\n  What ");
    render_value(out, json_get(planned, "playbook"), 60);
    str_add_text(out, " would have changed:\n\n");
    if (gate_render_changes(out, look, json_get(plan, "changes")) == 0)
        str_add_text(out, "  nothing\n");
    gate_render_failed(out, look, json_get(plan, "failed"));
    if (json_kind(error) > JSON_NULL) {
        str_add_text(out, "  and then it would have failed: ");
        render_error(out, error);
        str_add_char(out, '\n');
    }
    gate_render_limits(out, look, plan, "More may follow");
}

static void put_head(struct str *out, struct span alert)
{
    static const char *const keys[] = { "title", "type", "severity", "status" };

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        str_printf(out, "  %-9s ", keys[i]);
        render_value(out, json_get(alert, keys[i]), 200);
        if (strcmp(keys[i], "status") == 0 && json_get_bool(alert, "over", false))
            str_add_text(out, " (the alert is over)");
        str_add_char(out, '\n');
    }
    if (json_get_bool(alert, "simulated", false))
        str_add_text(out, "  simulated a sample or a test: it is planned at most\n");
}

/* What it has gained since it was told first: a line for each time. */
static void put_changes(struct str *out, const struct look *look, struct span alert)
{
    struct span change;
    size_t pos = 0;

    while (json_next(json_get(alert, "changes"), &pos, NULL, &change)) {
        str_add_text(out, "  changed   ");
        render_when(out, look, json_get_int(change, "at", 0));
        str_add_text(out, ", new: ");
        render_value(out, json_get(change, "new"), 400);
        str_add_char(out, '\n');
    }
}

/* What could not be read as it came: a line each. */
static void put_notes(struct str *out, struct span alert)
{
    struct span note;
    size_t pos = 0;

    while (json_next(json_get(alert, "notes"), &pos, NULL, &note)) {
        str_add_text(out, "  note      ");
        render_value(out, note, 300);
        str_add_char(out, '\n');
    }
}

static int run_explain(const struct options *options)
{
    struct look look = look_of_stdout();
    struct str args = { 0 }, reply = { 0 }, out = { 0 };
    struct json_out json = { .str = &args };
    struct span turn;
    size_t pos = 0;
    bool is_over;

    json_open(&json, '{');
    json_put(&json, "alert", options->args[0]);
    json_close(&json);
    int exit_code = ask_reply(options, "explain_alert", str_span(&args), &reply, &is_over);
    if (!is_over) {
        struct span alert = str_span(&reply);

        render_value(&out, json_get(alert, "alert"), 20);
        str_add_text(&out, " of ");
        render_value(&out, json_get(alert, "source"), 80);
        long long count = json_get_int(alert, "count", 1);
        str_printf(&out, ", %lld time%s, last ", count, count == 1 ? "" : "s");
        render_when(&out, &look, json_get_int(alert, "last", 0));
        str_add_char(&out, '\n');
        put_head(&out, alert);
        put_notes(&out, json_get(alert, "normalised"));
        put_changes(&out, &look, alert);
        if (json_count(json_get(alert, "routing")) == 0)
            str_add_text(&out, "  It is still being looked at: ask again in a moment.\n");
        while (json_next(json_get(alert, "routing"), &pos, NULL, &turn))
            put_decisions(&out, json_get(turn, "decisions"));
        pos = 0;
        while (json_next(json_get(alert, "plans"), &pos, NULL, &turn))
            put_plan(&out, &look, turn);
        ask_print(&out);
    }
    str_fini(&args);
    str_fini(&reply);
    str_fini(&out);
    return exit_code;
}

const struct command command_explain = {
    .name = "explain",
    .summary = "why an alert did or did not start a run",
    .usage = "cordon explain ALERT",
    .about = "Each route and each playbook that was asked, what it said, and what was "
             "started;\nin shadow mode what would have been changed.",
    .example = "cordon explain a-000001",
    .options = OPTION_ENGINE,
    .args_min = 1,
    .args_max = 1,
    .run = run_explain,
};

/* -- hook ---------------------------------------------------------------------------------- */

/* A long text doubles when it is escaped; base64 is a third longer whatever it holds. */
static void put_bytes(struct json_out *json, struct span bytes)
{
    struct str coded = { 0 };

    if (json_is_text(bytes) && bytes.len <= TEXT_MAX) {
        json_put_span(json, "text", bytes);
        return;
    }
    base64_add(&coded, bytes.ptr, bytes.len);
    json_put_span(json, "base64", str_span(&coded));
    str_fini(&coded);
}

/* text gets what is in the file. */
static int ask_about(const struct options *options, const char *verb, struct str *text,
                     struct str *reply, bool *is_over)
{
    struct str args = { 0 };
    struct json_out json = { .str = &args };
    struct err err;
    int exit_code;

    *is_over = true;
    if (input_read(text, options->args[2], ALERT_LEN_MAX, "alert", &err) != 0)
        return command_error(options, &err);
    json_open(&json, '{');
    json_put(&json, "source", options->args[1]);
    put_bytes(&json, str_span(text));
    json_close(&json);
    exit_code = ask_reply(options, verb, str_span(&args), reply, is_over);
    str_fini(&args);
    return exit_code;
}

static int run_test(const struct options *options)
{
    struct str text = { 0 }, reply = { 0 }, out = { 0 };
    struct span one;
    size_t pos = 0;
    bool is_over;
    int exit_code = ask_about(options, "hook_test", &text, &reply, &is_over);

    if (!is_over) {
        if (json_count(json_get(str_span(&reply), "alerts")) == 0)
            str_add_text(&out, "it holds no alert: it would be taken, and start nothing\n");
        while (json_next(json_get(str_span(&reply), "alerts"), &pos, NULL, &one)) {
            struct span alert = json_get(one, "alert");

            str_add_text(&out, "alert ");
            render_value(&out, json_get(alert, "id"), 120);
            str_add_char(&out, '\n');
            put_head(&out, alert);
            put_notes(&out, alert);
            put_decisions(&out, json_get(one, "decisions"));
        }
        pos = 0;
        while (json_next(json_get(str_span(&reply), "unread"), &pos, NULL, &one)) {
            str_add_text(&out, "not read: ");
            render_value(&out, one, UNREAD_SHOWN_MAX);
            str_add_char(&out, '\n');
        }
        ask_print(&out);
    }
    str_fini(&text);
    str_fini(&reply);
    str_fini(&out);
    return exit_code;
}

/* It was kept all the same: the sender is told as over HTTP, where that is a 400. */
static bool is_json(struct span text, struct err *err)
{
    struct str read = { 0 };
    struct json_mends mends;
    bool is_so = json_mend(&read, text, &mends, err) == 0;

    str_fini(&read);
    return is_so;
}

static int run_send(const struct options *options)
{
    struct str text = { 0 }, reply = { 0 }, out = { 0 };
    bool is_over;
    int exit_code = ask_about(options, "deliver", &text, &reply, &is_over);
    struct err err;
    bool is_unread = exit_code == 0 && !is_json(str_span(&text), &err);

    if (is_unread && is_over) {
        exit_code = EXIT_USAGE; /* the reply has been printed */
    } else if (is_unread) {
        err_set(&err, ERR_INVALID,
                "%.300s (it is kept as %.*s, and cordon alerts "
                "--unreadable lists it)",
                err.text, (int)json_get_raw(str_span(&reply), "delivery").len,
                json_get_raw(str_span(&reply), "delivery").ptr);
        exit_code = command_error(options, &err);
    } else if (!is_over) {
        render_value(&out, json_get(str_span(&reply), "delivery"), 20);
        str_add_text(&out, json_get_bool(str_span(&reply), "again", false)
                               ? " had come before, and is not taken again\n"
                               : " is journaled: see cordon alerts\n");
        ask_print(&out);
    }
    str_fini(&text);
    str_fini(&reply);
    str_fini(&out);
    return exit_code;
}

static int run_hook(const struct options *options)
{
    if (options->arg_count == 3 && strcmp(options->args[0], "test") == 0)
        return run_test(options);
    if (options->arg_count == 3 && strcmp(options->args[0], "send") == 0)
        return run_send(options);
    return command_usage_error(options, "want cordon hook test SOURCE FILE, or cordon hook "
                                        "send SOURCE FILE");
}

const struct command command_hook = {
    .name = "hook",
    .summary = "what an alert would start, and bringing one by hand",
    .usage = "cordon hook test SOURCE FILE\n       cordon hook send SOURCE FILE",
    .about =
        "SOURCE is one of cordon.lua's sources, or for test a kind "
        "(defender-for-cloud, sentinel,\n"
        "graph, azure-monitor, event-grid, cloudevents, generic). test shows what the "
        "alert would\n"
        "become, which playbook it would start with which parameters, and why; it "
        "changes\n"
        "nothing. It is shown as if it were new: that an alert came before, or that "
        "another\n"
        "feed told of it, is not looked at; a simulated alert is planned only, and one "
        "that is\n"
        "over starts what asks for that. send takes the alert as if the source had sent "
        "it; one\n"
        "that is known is counted, and starts something only by what it adds "
        "(cordon explain).\n"
        "Any bytes are kept; what cannot be read is in cordon alerts --unreadable, and the "
        "exit\n"
        "code is 2 when it is no JSON.\n"
        "Only the user that the engine runs as, or root, may send.",
    .example = "cordon hook test defender-for-cloud alert.json",
    .options = OPTION_ENGINE,
    .args_min = 1,
    .args_max = 3,
    .run = run_hook,
};
