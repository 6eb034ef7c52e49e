/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon engine: an engine that stays, so that what is due happens when it is due.
 */
#include "cli/command.h"

#include <stdio.h>

#include "base/err.h"
#include "cli/starter.h"
#include "serve/serve.h"

/* A log of a service manager wants one line too, and at once. */
static void say_ready(const struct serve_options *options, const char *listens)
{
    (void)listens;
    printf("the engine of %s is ready\n", options->state_dir);
    fflush(stdout);
}

static int run_engine(const struct options *options)
{
    const struct serve_options serve = { .state_dir = options->state_dir,
                                         .config = options->config,
                                         .ready_fd = -1,
                                         .stay = true,
                                         .on_ready = say_ready };
    struct err err;

    if (starter_make_dir(options->state_dir, &err) != 0)
        return command_error(options, &err);
    return serve_engine(&serve) == 0 ? EXIT_DONE : EXIT_FAILED;
}

const struct command command_engine = {
    .name = "engine",
    .summary = "an engine that stays, in the foreground",
    .usage = "cordon engine [--state DIR] [--config FILE]",
    .about = "Commands start an engine when there is none, and it ends when nothing is "
             "under way.\n"
             "What becomes due in between (the end of a block, a gate's deadline, a sleep) "
             "waits\n"
             "for the next command. With an engine that stays it happens on time. It says "
             "when it\n"
             "is ready, writes warnings to standard error ($CORDON_LOG says how many), and "
             "ends\n"
             "at SIGTERM or Ctrl-C; the next engine takes up what was under way.",
    .example = "cordon engine --state /var/lib/cordon",
    .options = OPTION_STATE | OPTION_CONFIG,
    .run = run_engine,
};
