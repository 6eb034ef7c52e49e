/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon halt and cordon resume: the stop switch.
 */
#include "cli/command.h"

#include <string.h>

#include "base/err.h"
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

/* A halt that is left would hold what seems to go on. */
static void say_rest(const struct options *options)
{
    struct str reply = { 0 }, out = { 0 };
    struct span halt;
    struct err err;
    size_t pos = 0;

    if (ask_once(options, "halts", span_of("{}"), &reply, &err) == 0)
        while (json_next(json_get(str_span(&reply), "halts"), &pos, NULL, &halt)) {
            str_add_text(&out, "still halted: ");
            render_value(&out, json_get(halt, "scope"), 200);
            str_add_char(&out, '\n');
        }
    ask_print(&out);
    str_fini(&reply);
    str_fini(&out);
}

static bool is_named(struct span list, const char *key, const char *name)
{
    struct span item;
    size_t pos = 0;

    while (json_next(list, &pos, NULL, &item))
        if (span_is(json_get_raw(item, key), name))
            return true;
    return false;
}

/* Is there a plugin of that name, or a run of that playbook? Where it cannot be told: yes. */
static bool is_known(const struct options *options, const char *scope)
{
    bool is_plugin = span_starts(span_of(scope), "plugin:");
    const char *verb = is_plugin ? "plugins" : "runs", *colon = strchr(scope, ':');
    struct str reply = { 0 };
    struct err err;
    bool is_there = true;

    if (colon != NULL &&
        ask_once(options, verb, span_of(is_plugin ? "{}" : "{\"limit\":1000}"), &reply,
                 &err) == 0)
        is_there = is_named(json_get(str_span(&reply), verb),
                            is_plugin ? "name" : "playbook", colon + 1);
    str_fini(&reply);
    return is_there;
}

/* It is halted all the same: what is not there yet may come. */
static void say_unknown(const char *scope)
{
    bool is_plugin = span_starts(span_of(scope), "plugin:");
    struct str out = { 0 };

    str_add_text(&out, "cordon: mind the name: ");
    str_add_shown(&out, scope, strlen(scope));
    str_add_text(&out, is_plugin
                           ? " stops nothing now, since no plugin of that name is "
                             "trusted here: see cordon plugins\n"
                           : " stops nothing now, since no run here is of a playbook of "
                             "that name: see cordon runs\n");
    ask_complain(&out);
    str_fini(&out);
}

static int switch_it(const struct options *options, bool is_halt)
{
    const char *verb = is_halt ? "halt" : "resume";
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
    if (!is_over) {
        str_add_shown(&out, options->args[0], strlen(options->args[0]));
        str_add_text(&out,
                     is_halt ? ": halted; no further effect is sent until \"cordon resume "
                             : ": goes on\n");
        if (is_halt) {
            str_add_shown(&out, options->args[0], strlen(options->args[0]));
            str_add_text(&out, "\"\n");
        }
        ask_print(&out);
        if (!is_halt)
            say_rest(options);
        else if (!is_known(options, options->args[0]))
            say_unknown(options->args[0]);
    }
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
        return switch_it(options, true);
    int exit_code = ask_reply(options, "halts", span_of("{}"), &reply, &is_over);
    if (!is_over)
        show_halts(json_get(str_span(&reply), "halts"));
    str_fini(&reply);
    return exit_code;
}

static int run_resume(const struct options *options)
{
    return switch_it(options, false);
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
