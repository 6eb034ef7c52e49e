/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon help and cordon version; how a mistake is answered.
 */
#include "cli/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/schema.h"
#include "cli/ask.h"

#define CORDON_VERSION "0.1.0"

enum { COMMANDS_MAX = 64 };

const struct command *command_find(const char *name)
{
    for (int i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

const char *command_nearest(const char *name)
{
    const char *names[COMMANDS_MAX];
    size_t count = 0;

    while (count < COMMANDS_MAX && commands[count]) {
        names[count] = commands[count]->name;
        count++;
    }
    return schema_nearest(span_of(name), names, count);
}

void command_show_help(const struct command *command)
{
    struct str out = { 0 };

    str_printf(&out, "%s\n\n  %s\n", command->summary, command->usage);
    if (command->about)
        str_printf(&out, "\n%s\n", command->about);
    str_add_text(&out, "\noptions\n");
    options_describe(&out, command->options);
    str_printf(&out, "\nexample\n  %s\n", command->example);
    ask_print(&out);
    str_fini(&out);
}

static void print_error(const struct options *options, const char *code, const char *text)
{
    struct str out = { 0 }, shown = { 0 };
    struct json_out json = { .str = &out };

    str_add_shown(&shown, text, strlen(text));
    if (options->json) {
        json_open(&json, '{');
        json_put(&json, "error", str_text(&shown));
        json_put(&json, "code", code);
        json_close(&json);
        str_add_char(&out, '\n');
        ask_print(&out);
    } else {
        str_printf(&out, "cordon: %s\n", str_text(&shown));
        ask_complain(&out);
    }
    str_fini(&out);
    str_fini(&shown);
}

int command_usage_error(const struct options *options, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    print_error(options, err_word(ERR_INVALID), text);
    return EXIT_USAGE;
}

int command_refuse(const struct options *options, int exit_code, const char *code,
                   const char *fmt, ...)
{
    char text[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    print_error(options, code, text);
    return exit_code;
}

int command_unknown(const struct options *options, const char *name)
{
    const char *nearest = command_nearest(name);

    return command_usage_error(options, "no command %.60s%s%s", name,
                               nearest ? ": did you mean " : ": see cordon help",
                               nearest ? nearest : "");
}

int command_error(const struct options *options, const struct err *err)
{
    print_error(options, err_word(err->code), err->text);
    if (err->code == ERR_CANCELED)
        return EXIT_INTERRUPTED;
    return err->code == ERR_INVALID || err->code == ERR_TOO_BIG ? EXIT_USAGE : EXIT_FAILED;
}

static void put_commands(struct str *json)
{
    struct json_out out = { .str = json };

    json_open(&out, '{');
    json_key(&out, "commands");
    json_open(&out, '[');
    for (int i = 0; commands[i]; i++) {
        json_open(&out, '{');
        json_put(&out, "name", commands[i]->name);
        json_put(&out, "summary", commands[i]->summary);
        json_put(&out, "usage", commands[i]->usage);
        json_close(&out);
    }
    json_close(&out);
    json_close(&out);
    str_add_char(json, '\n');
}

static int run_help(const struct options *options)
{
    struct str out = { 0 };

    if (options->arg_count == 1) {
        const struct command *command = command_find(options->args[0]);
        if (!command)
            return command_unknown(options, options->args[0]);
        command_show_help(command);
        return EXIT_DONE;
    }
    if (options->json) {
        put_commands(&out);
    } else {
        str_add_text(&out,
                     "cordon contains attacks in Azure: with approval before, and a way"
                     " back after\n\n");
        for (int i = 0; commands[i]; i++)
            str_printf(&out, "  %-10s  %s\n", commands[i]->name, commands[i]->summary);
        str_add_text(&out,
                     "\ncordon COMMAND --help tells more\n\n"
                     "exit codes: 0 done, 1 failed, 2 wrong usage or input, 3 waiting at"
                     " a gate,\n4 denied, 5 a person must settle something, 6 blocked by"
                     " policy or a guard\n");
    }
    ask_print(&out);
    str_fini(&out);
    return EXIT_DONE;
}

static int run_version(const struct options *options)
{
    printf(options->json ? "{\"version\":\"%s\"}\n" : "cordon %s\n", CORDON_VERSION);
    return EXIT_DONE;
}

const struct command command_help = {
    .name = "help",
    .summary = "this page, or that of a command",
    .usage = "cordon help [COMMAND]",
    .example = "cordon help run",
    .options = OPTION_JSON,
    .args_max = 1,
    .run = run_help,
};

const struct command command_version = {
    .name = "version",
    .summary = "which cordon this is",
    .usage = "cordon version",
    .example = "cordon version --json",
    .options = OPTION_JSON,
    .run = run_version,
};
