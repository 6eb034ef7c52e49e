/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon serve: the daemon. An engine that stays, and listens for people, programs and alerts.
 */
#include "cli/command.h"

#include <stdio.h>

#include "base/err.h"
#include "cli/starter.h"
#include "serve/serve.h"

/* A log of a service manager wants it at once. */
static void say_ready(const struct serve_options *options, const char *listens)
{
    printf("cordon serves %s\n%s", options->state_dir, listens);
    fflush(stdout);
}

static int run_serve(const struct options *options)
{
    const struct serve_options serve = { .state_dir = options->state_dir,
                                         .config = options->config,
                                         .ready_fd = -1,
                                         .stay = true,
                                         .listens = true,
                                         .on_ready = say_ready };
    struct err err;

    if (starter_make_dir(options->state_dir, &err) != 0)
        return command_error(options, &err);
    return serve_engine(&serve) == 0 ? EXIT_DONE : EXIT_FAILED;
}

const struct command command_serve = {
    .name = "serve",
    .summary = "the daemon: alerts in, approvals out, in the foreground",
    .usage = "cordon serve [--state DIR] [--config FILE]",
    .about = "An engine that stays, and listens where cordon.lua says: serve.console for "
             "people and\n"
             "programs, serve.ingress for alerts, each with a certificate and a network of "
             "its own.\n"
             "It says on standard output where it listens, and writes warnings to standard "
             "error.\n"
             "SIGTERM and Ctrl-C end it: who was let in is answered, and what is under way "
             "is taken\n"
             "up by the next engine.",
    .example = "cordon serve --state /var/lib/cordon",
    .options = OPTION_STATE | OPTION_CONFIG,
    .run = run_serve,
};
