/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon runs, watch, cancel: runs from outside.
 */
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/schema.h"
#include "cli/ask.h"
#include "cli/follow.h"
#include "cli/render.h"
#include "cli/table.h"

enum { LIMIT_DEFAULT = 50, SIGNAL_VALUE_MAX = 64 * 1024 };

static const char *const states[] = { "running", "waiting",  "stuck",    "done",   "failed",
                                      "denied",  "canceled", "diverged", "blocked" };
enum { STATE_COUNT = sizeof states / sizeof states[0] };

static bool is_state(const char *word)
{
    for (size_t i = 0; i < STATE_COUNT; i++)
        if (span_is(span_of(word), states[i]))
            return true;
    return false;
}

static int wrong_state(const struct options *options)
{
    const char *nearest = schema_nearest(span_of(options->only), states, STATE_COUNT);

    return command_usage_error(options, "--only %.40s: %s%s", options->only,
                               nearest ? "did you mean "
                                       : "want running, waiting, stuck, done,"
                                         " failed, denied, canceled,"
                                         " diverged or blocked",
                               nearest ? nearest : "");
}

/* A service said when it wants to be asked again. */
static void add_waits(struct str *cell, struct span waits)
{
    str_add_text(cell, "waits until ");
    render_date(cell, json_get_int(waits, "until", 0));
    str_add_text(cell, " because the service said: ");
    render_value(cell, json_get(waits, "why"), TABLE_WHOLE_MAX);
}

static void add_run_row(struct table *table, const struct look *look, struct span run)
{
    struct span error = json_get(run, "error"), gate = json_get(run, "gate");
    struct span kind = json_get_raw(run, "kind");
    int64_t at_ms = json_get_int(run, "at", 0), ended_ms = json_get_int(run, "ended", 0);
    struct str cell = { 0 };

    table_value(table, json_get(run, "run"));
    render_value(&cell, json_get(run, "state"), 40);
    if (json_kind(json_get(run, "break_glass")) == JSON_STRING) {
        str_add_text(&cell, ", glass ");
        render_value(&cell, json_get(run, "break_glass"), 40);
    }
    table_cell(table, &cell);
    render_value(&cell, json_get(run, "playbook"), 40);
    if (kind.len && !span_is(kind, "live")) {
        str_printf(&cell, " (%.*s", (int)kind.len, kind.ptr);
        if (json_kind(json_get(run, "of")) == JSON_STRING) {
            str_add_text(&cell, " of ");
            render_value(&cell, json_get(run, "of"), 20);
        }
        str_add_char(&cell, ')');
    }
    table_cell(table, &cell);
    if (at_ms > 0)
        render_when(&cell, look, at_ms);
    table_cell(table, &cell);
    if (ended_ms > 0)
        render_took(&cell, ended_ms - at_ms);
    table_cell(table, &cell);
    table_value(table, json_get(run, "by"));
    if (json_kind(gate) == JSON_STRING)
        render_value(&cell, gate, 40);
    else if (json_kind(error) > JSON_NULL)
        render_error(&cell, error);
    else if (json_kind(json_get(run, "waits")) == JSON_OBJECT)
        add_waits(&cell, json_get(run, "waits"));
    else
        render_value(&cell, json_get(run, "title"), TABLE_WHOLE_MAX);
    table_cell(table, &cell);
}

static void show_runs(struct span runs)
{
    struct look look = look_of_stdout();
    struct table table = { .columns = 7,
                           .wide_column = 6,
                           .head = { "run", "state", "playbook", "started", "took", "by",
                                     "about" } };
    struct str out = { 0 };
    struct span run;
    size_t pos = 0;

    while (json_next(runs, &pos, NULL, &run))
        add_run_row(&table, &look, run);
    if (table.count)
        table_render(&table, &out, &look);
    else
        str_add_text(&out, "no runs\n");
    ask_print(&out);
    str_fini(&out);
}

static int run_runs(const struct options *options)
{
    struct str args = { 0 }, reply = { 0 };
    struct json_out out = { .str = &args };
    bool is_over;

    if (options->only && !is_state(options->only))
        return wrong_state(options);
    json_open(&out, '{');
    if (options->only)
        json_put(&out, "state", options->only);
    json_put_int(&out, "limit", options->limit ? options->limit : LIMIT_DEFAULT);
    json_close(&out);
    int exit_code = ask_reply(options, "runs", str_span(&args), &reply, &is_over);
    if (!is_over)
        show_runs(json_get(str_span(&reply), "runs"));
    str_fini(&args);
    str_fini(&reply);
    return exit_code;
}

/* watch and cancel: the run, and a reason where there may be one. */
static bool run_args(const struct options *options, struct str *args)
{
    struct json_out out = { .str = args };

    json_open(&out, '{');
    bool is_run = ask_put_run(&out, options->args[0]);
    ask_put_reason(&out, options);
    ask_put_follow(&out, options);
    json_close(&out);
    return is_run;
}

static int run_watch(const struct options *options)
{
    struct str args = { 0 };
    int exit_code = run_args(options, &args)
                        ? follow(options, "watch", str_span(&args))
                        : command_usage_error(options,
                                              "%.60s is no run (r-000001): see"
                                              " cordon runs",
                                              options->args[0]);

    str_fini(&args);
    return exit_code;
}

/* VALUE is JSON when it is; any other text is a string, as in cordon answer. */
static void put_signal_value(struct json_out *out, const char *text)
{
    struct err ignored;

    if (json_check(text, strlen(text), SIGNAL_VALUE_MAX, &ignored) == 0)
        json_put_raw(out, "value", span_of(text));
    else
        json_put(out, "value", text);
}

static int run_signal(const struct options *options)
{
    struct str args = { 0 };
    struct json_out out = { .str = &args };
    int exit_code = EXIT_USAGE;

    json_open(&out, '{');
    bool is_run = ask_put_run(&out, options->args[0]);
    json_put(&out, "name", options->args[1]);
    if (options->arg_count == 3)
        put_signal_value(&out, options->args[2]);
    ask_put_follow(&out, options);
    json_close(&out);
    if (!is_run)
        command_usage_error(options, "%.60s is no run (r-000001): see cordon runs",
                            options->args[0]);
    else if (options->arg_count == 3 && strlen(options->args[2]) > SIGNAL_VALUE_MAX)
        command_usage_error(options, "the value is larger than %d KiB",
                            SIGNAL_VALUE_MAX / 1024);
    else
        exit_code = follow(options, "signal", str_span(&args));
    str_fini(&args);
    return exit_code;
}

static void say_canceled(struct span reply)
{
    struct str out = { 0 };

    render_value(&out, json_get(reply, "run"), 40);
    str_add_text(&out, " will not go on; what it contained stays so: cordon contained\n");
    ask_print(&out);
    str_fini(&out);
}

static int run_cancel(const struct options *options)
{
    struct str args = { 0 }, reply = { 0 };
    bool is_over = true;
    int exit_code = run_args(options, &args)
                        ? ask_reply(options, "cancel", str_span(&args), &reply, &is_over)
                        : command_usage_error(options,
                                              "%.60s is no run (r-000001): see"
                                              " cordon runs",
                                              options->args[0]);

    if (!is_over)
        say_canceled(str_span(&reply));
    str_fini(&args);
    str_fini(&reply);
    return exit_code;
}

const struct command command_runs = {
    .name = "runs",
    .summary = "runs, newest first",
    .usage = "cordon runs [--only STATE] [--limit N]",
    .example = "cordon runs --only waiting",
    .options = OPTION_ENGINE | OPTION_ONLY,
    .run = run_runs,
};

const struct command command_watch = {
    .name = "watch",
    .summary = "follow a run, and carry it on after an interruption",
    .usage = "cordon watch RUN",
    .about =
        "What happened until now comes first, then each step when it is journaled. A run\n"
        "that sleeps says until when, one that is held by a halt says by which. It ends\n"
        "when the run does or waits for people; the runs that it calls are followed too.",
    .example = "cordon watch r-000001",
    .options = OPTION_ENGINE,
    .args_min = 1,
    .args_max = 1,
    .run = run_watch,
};

const struct command command_signal = {
    .name = "signal",
    .summary = "tell a run what it waits for with ctx.signal",
    .usage = "cordon signal RUN NAME [VALUE] [--detach]",
    .about = "VALUE is what ctx.signal returns: JSON, or else a text; true when not given. "
             "A run\n"
             "that does not wait for a signal of that name is not told of it later.",
    .example = "cordon signal r-000001 mailbox-cleaned '{\"removed\": 3}'",
    .options = OPTION_ENGINE | OPTION_DETACH,
    .args_min = 2,
    .args_max = 3,
    .run = run_signal,
};

const struct command command_cancel = {
    .name = "cancel",
    .summary = "end a run where it is; what it did stays",
    .usage = "cordon cancel RUN [--reason TEXT]",
    .about =
        "A step that is under way is seen to its end first. Nothing is undone: that is\n"
        "cordon rollback.",
    .example = "cordon cancel r-000001 --reason \"false alarm\"",
    .options = OPTION_ENGINE | OPTION_REASON,
    .args_min = 1,
    .args_max = 1,
    .run = run_cancel,
};
