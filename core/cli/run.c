/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon run and cordon plan: the same question, once meant and once not.
 */
#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "cli/ask.h"
#include "cli/follow.h"
#include "cli/gate.h"
#include "cli/input.h"
#include "cli/render.h"

static int build_args(struct str *args, const struct options *options, bool is_run,
                      struct err *err)
{
    struct json_out out = { .str = args };
    char *path;

    if (input_find_playbook(&path, options->args[0], err) != 0)
        return err->code;
    json_open(&out, '{');
    int rc = input_put_playbook(&out, path, err);
    if (rc == 0)
        rc = input_put_params(&out, options, err);
    ask_put_follow(&out, options);
    if (options->force)
        json_put_bool(&out, "force", true);
    if (is_run) /* for a sample the reply is a plan, which follow() shows */
        json_put_bool(&out, "plan_simulated", true);
    json_close(&out);
    free(path);
    return rc;
}

static int run_run(const struct options *options)
{
    struct str args = { 0 };
    struct err err;
    int exit_code = build_args(&args, options, true, &err);

    exit_code = exit_code != 0 ? command_error(options, &err)
                               : follow(options, "run", str_span(&args));
    str_fini(&args);
    return exit_code;
}

static void show_plan(struct span reply)
{
    struct look look = look_of_stdout();
    struct str out = { 0 };

    gate_render_plan(&out, &look, reply);
    ask_print(&out);
    str_fini(&out);
}

/* A plan that failed half-way still shows what it found; an error alone is all there is. */
static int run_plan(const struct options *options)
{
    struct str args = { 0 }, reply = { 0 };
    struct err err;
    int exit_code = build_args(&args, options, false, &err);

    if (exit_code == 0)
        exit_code = ask_once(options, "plan", str_span(&args), &reply, &err);
    if (exit_code < 0)
        exit_code = command_error(options, &err);
    else if (options->json)
        printf("%s\n", str_text(&reply));
    else if (json_get(str_span(&reply), "changes").len)
        show_plan(str_span(&reply));
    else
        ask_print_error(str_span(&reply));
    str_fini(&args);
    str_fini(&reply);
    return exit_code;
}

const struct command command_run = {
    .name = "run",
    .summary = "run a playbook and follow it",
    .usage = "cordon run PLAYBOOK [--alert FILE|-] [--param K=V]...",
    .about =
        "PLAYBOOK is a path, or a name that is looked for in ./playbooks, in\n"
        "$CORDON_PLAYBOOKS and among the installed ones. Each step is shown when it is\n"
        "journaled. At a gate you are asked, when a terminal is there; otherwise the run\n"
        "waits and the exit code is 3. Ctrl-C leaves the run going.\n"
        "An alert gives the parameters, when the playbook's on_alert matches it; with one\n"
        "that it does not match nothing starts, but for --force with --param. For a "
        "simulated\n"
        "alert (a sample or a test) the plan is shown and nothing is changed, unless "
        "on_alert\n"
        "says simulated = true.",
    .example = "cordon run contain-app-service --alert alert.json",
    .options = OPTION_ENGINE | OPTION_PARAM | OPTION_ALERT | OPTION_FORCE | OPTION_DETACH,
    .args_min = 1,
    .args_max = 1,
    .run = run_run,
};

const struct command command_plan = {
    .name = "plan",
    .summary = "show what a run would change, and change nothing",
    .usage = "cordon plan PLAYBOOK [--alert FILE|-] [--param K=V]...",
    .about =
        "Reads are made for real; changes are shown as before and after. Gates are taken\n"
        "as granted. Nothing is written anywhere.",
    .example = "cordon plan block-attacker-ip --param ips=203.0.113.7",
    .options = OPTION_ENGINE | OPTION_PARAM | OPTION_ALERT | OPTION_FORCE,
    .args_min = 1,
    .args_max = 1,
    .run = run_plan,
};
