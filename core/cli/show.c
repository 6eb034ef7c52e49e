/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon show: the whole story of one run.
 */
#include "cli/command.h"

#include "cli/ask.h"
#include "cli/render.h"
#include "cli/timeline.h"

static int run_show(const struct options *options)
{
    struct look look = look_of_stdout();
    struct str args = { 0 }, reply = { 0 }, text = { 0 };
    struct json_out out = { .str = &args };
    bool is_over = true;

    json_open(&out, '{');
    bool is_run = ask_put_run(&out, options->args[0]);
    json_close(&out);
    int exit_code =
        is_run ? ask_reply(options, "show", str_span(&args), &reply, &is_over)
               : command_usage_error(options, "%.60s is no run (r-000001): see cordon runs",
                                     options->args[0]);
    if (!is_over)
        timeline_render(&text, &look, str_span(&reply));
    ask_print(&text);
    str_fini(&args);
    str_fini(&reply);
    str_fini(&text);
    return exit_code;
}

const struct command command_show = {
    .name = "show",
    .summary = "the timeline of a run",
    .usage = "cordon show RUN",
    .about = "Every step with its time and duration, its arguments, before and after, who\n"
             "approved it and which rules asked for that, how it was or can be undone.",
    .example = "cordon show r-000001",
    .options = OPTION_ENGINE,
    .args_min = 1,
    .args_max = 1,
    .run = run_show,
};
