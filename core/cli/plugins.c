/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon plugins: which there are, and which are trusted.
 */
#include "cli/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/schema.h"
#include "cli/ask.h"
#include "cli/render.h"
#include "cli/table.h"

static void show_plugins(struct span plugins)
{
    struct look look = look_of_stdout();
    struct table table = {
        .columns = 6, .head = { "plugin", "version", "state", "actions", "sha256", "file" }
    };
    struct str out = { 0 }, cell = { 0 }, troubles = { 0 };
    struct span plugin;
    size_t pos = 0;

    while (json_next(plugins, &pos, NULL, &plugin)) {
        struct span error = json_get(plugin, "error");
        table_value(&table, json_get(plugin, "name"));
        table_value(&table, json_get(plugin, "version"));
        table_value(&table, json_get(plugin, "state"));
        table_value(&table, json_get(plugin, "actions"));
        render_short_hash(&cell, json_get(plugin, "sha256"));
        table_cell(&table, &cell);
        table_value(&table, json_get(plugin, "path"));
        if (json_kind(error) <= JSON_NULL)
            continue;
        render_value(&troubles, json_get(plugin, "name"), 80);
        str_add_text(&troubles, ": ");
        render_error(&troubles, error);
        str_add_char(&troubles, '\n');
    }
    if (table.count)
        table_render(&table, &out, &look);
    else
        str_add_text(&out, "no plugin is trusted: cordon plugins trust FILE.so\n");
    str_add_span(&out, str_span(&troubles));
    ask_print(&out);
    str_fini(&out);
    str_fini(&troubles);
}

static int list_plugins(const struct options *options)
{
    struct str reply = { 0 };
    bool is_over;
    int exit_code = ask_reply(options, "plugins", span_of("{}"), &reply, &is_over);

    if (!is_over)
        show_plugins(json_get(str_span(&reply), "plugins"));
    str_fini(&reply);
    return exit_code;
}

static int trust(const struct options *options)
{
    struct str args = { 0 }, reply = { 0 }, text = { 0 };
    struct json_out out = { .str = &args };
    bool is_over;
    char *path = realpath(options->args[1], NULL);

    if (!path)
        return command_usage_error(options, "the plugin %.200s: %s", options->args[1],
                                   strerror(errno));
    json_open(&out, '{');
    json_put(&out, "path", path);
    json_close(&out);
    int exit_code = ask_reply(options, "trust", str_span(&args), &reply, &is_over);
    if (!is_over) {
        struct span plugin = str_span(&reply);
        render_value(&text, json_get(plugin, "name"), 80);
        str_add_char(&text, ' ');
        render_value(&text, json_get(plugin, "version"), 40);
        str_printf(&text, " is trusted, with %lld actions\n  sha256 ",
                   (long long)json_get_int(plugin, "actions", 0));
        render_value(&text, json_get(plugin, "sha256"), 80);
        str_add_text(&text, "\n  any other bytes under this name will be refused\n");
    }
    ask_print(&text);
    free(path);
    str_fini(&args);
    str_fini(&reply);
    str_fini(&text);
    return exit_code;
}

static int untrust(const struct options *options)
{
    struct str args = { 0 }, reply = { 0 }, text = { 0 };
    struct json_out out = { .str = &args };
    bool is_over;

    json_open(&out, '{');
    json_put(&out, "name", options->args[1]);
    json_close(&out);
    int exit_code = ask_reply(options, "untrust", str_span(&args), &reply, &is_over);
    if (!is_over)
        str_printf(&text, "%s is not trusted any more\n", options->args[1]);
    ask_print(&text);
    str_fini(&args);
    str_fini(&reply);
    str_fini(&text);
    return exit_code;
}

static int run_plugins(const struct options *options)
{
    static const char *const words[] = { "trust", "untrust" };

    if (options->arg_count == 0)
        return list_plugins(options);
    const char *word = options->args[0];
    bool is_trust = strcmp(word, "trust") == 0;
    if (!is_trust && strcmp(word, "untrust") != 0) {
        const char *nearest = schema_nearest(span_of(word), words, 2);
        return command_usage_error(options, "cordon plugins %.40s: %s%s", word,
                                   nearest ? "did you mean " : "want trust or untrust",
                                   nearest ? nearest : "");
    }
    if (options->arg_count == 1)
        return command_usage_error(options, "cordon plugins %s wants more: %s", word,
                                   is_trust ? "cordon plugins trust FILE.so"
                                            : "cordon plugins untrust NAME");
    return is_trust ? trust(options) : untrust(options);
}

const struct command command_plugins = {
    .name = "plugins",
    .summary = "plugins, and which bytes of them are trusted",
    .usage = "cordon plugins [trust FILE.so | untrust NAME]",
    .about =
        "trust starts the plugin in a process of its own, reads what it declares, and\n"
        "pins its SHA-256 in plugins.lock. Nothing else is ever loaded.",
    .example = "cordon plugins trust /usr/local/lib/cordon/plugins/azure.so",
    .options = OPTION_ENGINE,
    .args_max = 2,
    .run = run_plugins,
};
