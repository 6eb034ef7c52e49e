/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon release, retry: letting go of one hold, and what a rollback could not do once more.
 */
#include "cli/command.h"

#include "cli/ask.h"
#include "cli/follow.h"

static int run_release(const struct options *options)
{
    struct str args = { 0 };
    struct json_out out = { .str = &args };

    json_open(&out, '{');
    json_put(&out, "hold", options->args[0]);
    if (options->run)
        json_put(&out, "run", options->run);
    ask_put_reason(&out, options);
    ask_put_follow(&out, options);
    json_close(&out);
    int exit_code = follow(options, "release", str_span(&args));
    str_fini(&args);
    return exit_code;
}

static int run_retry(const struct options *options)
{
    struct str args = { 0 };
    struct json_out out = { .str = &args };
    int exit_code;

    json_open(&out, '{');
    bool is_run = ask_put_run(&out, options->args[0]);
    ask_put_reason(&out, options);
    ask_put_follow(&out, options);
    json_close(&out);
    if (is_run)
        exit_code = follow(options, "retry", str_span(&args));
    else
        exit_code =
            command_usage_error(options, "%.60s is no run (r-000001): see cordon runs",
                                options->args[0]);
    str_fini(&args);
    return exit_code;
}

const struct command command_release = {
    .name = "release",
    .summary = "let go of one hold, as cordon contained names it",
    .usage = "cordon release HOLD [--run RUN] [--reason TEXT]",
    .about =
        "A rollback of just that. What other runs want too stays as it is, and whoever of\n"
        "them lets go last puts it back as it was before the first.",
    .example = "cordon release h-000001-2 --reason \"the address is ours\"",
    .options = OPTION_ENGINE | OPTION_RUN | OPTION_REASON | OPTION_DETACH,
    .args_min = 1,
    .args_max = 1,
    .run = run_release,
};

const struct command command_retry = {
    .name = "retry",
    .summary = "try again what a stuck rollback could not undo",
    .usage = "cordon retry RUN [--reason TEXT]",
    .about =
        "Looks again at every target that is not put back, and undoes what it then can.",
    .example = "cordon retry r-000002",
    .options = OPTION_ENGINE | OPTION_REASON | OPTION_DETACH,
    .args_min = 1,
    .args_max = 1,
    .run = run_retry,
};
