/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of commands, and the doors to the other processes that are this same binary.
 */
#include <signal.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "cli/azsim.h"
#include "cli/command.h"
#include "cli/internal.h"

const struct command *const commands[] = {
    &command_run,
    &command_plan,
    &command_gates,
    &command_approve,
    &command_deny,
    &command_answer,
    &command_runs,
    &command_show,
    &command_watch,
    &command_contained,
    &command_rollback,
    &command_recover,
    &command_release,
    &command_retry,
    &command_break_glass,
    &command_review,
    &command_settle,
    &command_signal,
    &command_cancel,
    &command_halt,
    &command_resume,
    &command_check,
    &command_test,
    &command_policy,
    &command_actions,
    &command_plugins,
    &command_gate,
    &command_key,
    &command_user,
    &command_token,
    &command_doctor,
    &command_engine,
    &command_serve,
    &command_alerts,
    &command_explain,
    &command_hook,
    &command_notify,
    &command_azsim,
    &command_version,
    &command_help,
    NULL,
};

static bool is_word(const char *word, const char *a, const char *b)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

/* With --json also the first mistake is told in JSON. */
static bool wants_json(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

static int unknown_command(const char *name, int argc, char **argv)
{
    return command_unknown(&(struct options){ .json = wants_json(argc, argv) }, name);
}

static int run_command(const struct command *command, int argc, char **argv)
{
    static struct options options;
    struct err err;

    if (options_parse(&options, command, argc, argv, &err) != 0) {
        options.json = wants_json(argc, argv);
        return command_error(&options, &err);
    }
    if (options.help) {
        command_show_help(command);
        return EXIT_DONE;
    }
    return command->run(&options);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "help";

    signal(SIGPIPE, SIG_IGN);
    hash_setup();
    if (strncmp(name, "--internal-", strlen("--internal-")) == 0)
        return internal_main(argv[0], argc - 1, argv + 1);
    if (strcmp(name, "azsim") == 0)
        return azsim_exec(argc - 2, argv + 2);
    if (is_word(name, "--help", "-h"))
        name = "help";
    if (is_word(name, "--version", "-V"))
        name = "version";
    const struct command *command = command_find(name);
    if (!command)
        return unknown_command(name, argc, argv);
    return run_command(command, argc > 2 ? argc - 2 : 0, argv + (argc > 2 ? 2 : argc));
}
