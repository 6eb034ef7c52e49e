/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon halt and cordon resume: the stop switch.
 */
#include "cli/command.h"

#include <string.h>

#include "cli/ask.h"
#include "cli/render.h"
#include "cli/table.h"

static bool is_scope(const char *word)
{
    struct span scope = span_of(word);

    return span_is(scope, "all") ||
           (span_starts(scope, "plugin:") && scope.len > strlen("plugin:")) ||
           (span_starts(scope, "playbook:") && scope.len > strlen("playbook:"));
}

static int switch_it(const struct options *options, const char *verb, const char *said)
{
    struct str args = { 0 }, reply = { 0 }, out = { 0 };
    struct json_out arg = { .str = &args };
    bool is_over;

    if (!is_scope(options->args[0]))
        return command_usage_error(options,
                                   "%.60s is nothing to %s: want all, plugin:NAME or"
                                   " playbook:NAME",
                                   options->args[0], verb);
    json_open(&arg, '{');
    json_put(&arg, "scope", options->args[0]);
    ask_put_reason(&arg, options);
    json_close(&arg);
    int exit_code = ask_reply(options, verb, str_span(&args), &reply, &is_over);
    if (!is_over)
        str_printf(&out, "%s: %s\n", options->args[0], said);
    ask_print(&out);
    str_fini(&args);
    str_fini(&reply);
    str_fini(&out);
    return exit_code;
}

static void show_halts(struct span halts)
{
    struct look look = look_of_stdout();
    struct table table = { .columns = 4, .head = { "halted", "since", "by", "reason" } };
    struct str out = { 0 }, cell = { 0 };
    struct span halt;
    size_t pos = 0;

    while (json_next(halts, &pos, NULL, &halt)) {
        table_value(&table, json_get(halt, "scope"));
        render_when(&cell, &look, json_get_int(halt, "at", 0));
        table_cell(&table, &cell);
        table_value(&table, json_get(halt, "who"));
        table_value(&table, json_get(halt, "why"));
    }
    if (table.count)
        table_render(&table, &out, &look);
    else
        str_add_text(&out, "nothing is halted; \"cordon halt all\" stops everything\n");
    ask_print(&out);
    str_fini(&out);
}

static int run_halt(const struct options *options)
{
    struct str reply = { 0 };
    bool is_over;

    if (options->arg_count == 1)
        return switch_it(options, "halt",
                         "halted; no further effect is sent until \"cordon resume\"");
    int exit_code = ask_reply(options, "halts", span_of("{}"), &reply, &is_over);
    if (!is_over)
        show_halts(json_get(str_span(&reply), "halts"));
    str_fini(&reply);
    return exit_code;
}

static int run_resume(const struct options *options)
{
    return switch_it(options, "resume", "goes on");
}

const struct command command_halt = {
    .name = "halt",
    .summary = "stop all effects, or those of one plugin or playbook",
    .usage = "cordon halt [all | plugin:NAME | playbook:NAME] [--reason TEXT]",
    .about =
        "Holds before every effect, for runs of all playbooks, also after a restart. What\n"
        "is already under way is seen to its end. Alone it shows what is halted.",
    .example = "cordon halt all --reason \"wrong tenant\"",
    .options = OPTION_ENGINE | OPTION_REASON,
    .args_max = 1,
    .run = run_halt,
};

const struct command command_resume = {
    .name = "resume",
    .summary = "lift a halt",
    .usage = "cordon resume all | plugin:NAME | playbook:NAME [--reason TEXT]",
    .example = "cordon resume all --reason \"settled\"",
    .options = OPTION_ENGINE | OPTION_REASON,
    .args_min = 1,
    .args_max = 1,
    .run = run_resume,
};
