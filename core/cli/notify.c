/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon notify: the channels over which people are told, and what they were not told.
 */
#include "cli/command.h"

#include <string.h>

#include "base/err.h"
#include "base/id.h"
#include "base/schema.h"
#include "cli/ask.h"
#include "cli/render.h"
#include "cli/table.h"

static void add_or_dash(struct table *table, struct span value)
{
    struct str cell = { 0 };

    if (json_kind(value) == JSON_STRING)
        render_value(&cell, value, 200);
    else
        str_add_char(&cell, '-');
    table_cell(table, &cell);
}

static void add_channel(struct table *table, const struct look *look, struct span channel)
{
    struct str cell = { 0 };
    int64_t next = json_get_int(channel, "next", 0);

    table_value(table, json_get(channel, "name"));
    table_value(table, json_get(channel, "kind"));
    render_value(&cell, json_get(channel, "state"), 20);
    if (next > 0) {
        str_printf(&cell, ", tried %lld times, again ",
                   (long long)json_get_int(channel, "tries", 0));
        render_when(&cell, look, next);
    }
    table_cell(table, &cell);
    add_or_dash(table, json_get(channel, "what"));
    add_or_dash(table, json_get(channel, "why"));
}

static void add_failed(struct table *table, struct span failed)
{
    struct str cell = { 0 };
    int64_t run = json_get_int(failed, "run", 0);

    table_value(table, json_get(failed, "ch"));
    table_value(table, json_get(failed, "k"));
    str_add_text(&cell, run > 0 ? id_run(run).text : "-");
    table_cell(table, &cell);
    add_or_dash(table, json_get(failed, "why"));
}

static void show(struct span reply, struct str *out)
{
    struct look look = look_of_stdout();
    struct table channels = { .columns = 5,
                              .head = { "channel", "kind", "state", "telling", "why" } };
    struct table failed = { .columns = 4, .head = { "not told", "of", "run", "why" } };
    struct span item;
    size_t pos = 0;

    while (json_next(json_get(reply, "channels"), &pos, NULL, &item))
        add_channel(&channels, &look, item);
    pos = 0;
    while (json_next(json_get(reply, "failed"), &pos, NULL, &item))
        add_failed(&failed, item);
    if (channels.count > 0)
        table_render(&channels, out, &look);
    else
        str_add_text(out, "there is no channel: cordon.lua has them in notify.channels\n");
    if (failed.count > 0) {
        str_add_char(out, '\n');
        table_render(&failed, out, &look);
    }
}

static int list(const struct options *options)
{
    struct str reply = { 0 }, out = { 0 };
    bool is_over;
    int exit_code = ask_reply(options, "notices", span_of("{}"), &reply, &is_over);

    if (!is_over) {
        show(str_span(&reply), &out);
        ask_print(&out);
    }
    str_fini(&reply);
    str_fini(&out);
    return exit_code;
}

static int test(const struct options *options)
{
    struct str args = { 0 }, reply = { 0 }, out = { 0 };
    struct json_out json = { .str = &args };
    bool is_over;

    if (options->arg_count != 2)
        return command_usage_error(options, "which channel? cordon notify test CHANNEL; "
                                            "cordon notify list shows them");
    json_open(&json, '{');
    json_put(&json, "channel", options->args[1]);
    json_close(&json);
    int exit_code = ask_reply(options, "notify_test", str_span(&args), &reply, &is_over);
    if (!is_over)
        str_printf(&out, "channel %.64s has taken a test message\n", options->args[1]);
    ask_print(&out);
    str_fini(&args);
    str_fini(&reply);
    str_fini(&out);
    return exit_code;
}

static int run_notify(const struct options *options)
{
    static const char *const words[] = { "list", "test" };
    const char *word = options->arg_count > 0 ? options->args[0] : "list";

    if (strcmp(word, "list") == 0 && options->arg_count <= 1)
        return list(options);
    if (strcmp(word, "test") == 0)
        return test(options);
    const char *nearest = schema_nearest(span_of(word), words, 2);
    return command_usage_error(options, "cordon notify %.40s: %s%s", word,
                               nearest ? "did you mean " : "want list or test",
                               nearest ? nearest : "");
}

const struct command command_notify = {
    .name = "notify",
    .summary = "who is told of what, and what could not be told",
    .usage = "cordon notify [list | test CHANNEL]",
    .about =
        "Channels stand in cordon.lua (notify). Each is told in order; one that does not "
        "work\n"
        "waits and is tried again, and holds up neither runs nor other channels. list "
        "shows "
        "what\n"
        "waits and what was given up; test sends a message that says what it is.",
    .example = "cordon notify test mail",
    .options = OPTION_ENGINE,
    .args_max = 2,
    .run = run_notify,
};
