/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon rollback, recover, settle: the way back, and what only a person can decide on it.
 */
#include "cli/command.h"

#include <string.h>

#include "base/schema.h"
#include "cli/ask.h"
#include "cli/drift.h"
#include "cli/follow.h"
#include "cli/gate.h"
#include "cli/render.h"

static int not_a_run(const struct options *options)
{
    return command_usage_error(options, "%.60s is no run (r-000001): see cordon runs",
                               options->args[0]);
}

/* What stays as it is, and for whom or why. */
static void show_left(struct str *out, struct span left)
{
    struct span item;
    size_t pos = 0;

    while (json_next(left, &pos, NULL, &item)) {
        struct span wanted = json_get(item, "wanted"), why = json_get(item, "why");

        str_add_text(out, "LEFT   ");
        render_value(out, json_get(item, "path"), 80);
        str_add_text(out, "  ");
        render_target(out, json_get(item, "target"));
        if (json_count(wanted) > 0) {
            str_add_text(out, ": stays as it is, still wanted by ");
            render_list(out, wanted, 200);
        } else {
            str_add_text(out, ": nothing is put back");
        }
        if (json_kind(why) == JSON_STRING) {
            str_add_text(out, ": ");
            render_value(out, why, 400);
        }
        str_add_char(out, '\n');
    }
}

static void show_plan(struct span reply)
{
    struct look look = look_of_stdout();
    struct span drifted = json_get(reply, "drifted"), item;
    struct str out = { 0 };
    int count = gate_render_changes(&out, &look, json_get(reply, "changes"));
    size_t pos = 0;

    while (json_next(drifted, &pos, NULL, &item))
        drift_render_planned(&out, &look, item);
    gate_render_failed(&out, &look, json_get(reply, "failed"));
    show_left(&out, json_get(reply, "left"));
    str_printf(&out, "%s%d change%s would be undone", out.len ? "\n" : "", count,
               count == 1 ? "" : "s");
    if (json_count(drifted) > 0)
        str_printf(&out, ", %d wait%s for a person", (int)json_count(drifted),
                   json_count(drifted) == 1 ? "s" : "");
    str_add_text(&out, "; nothing was changed\n");
    gate_render_limits(&out, &look, reply, "More may follow");
    ask_print(&out);
    str_fini(&out);
}

static int ask_plan(const struct options *options, struct span args)
{
    struct str reply = { 0 };
    bool is_over;
    int exit_code = ask_reply(options, "rollback", args, &reply, &is_over);

    if (!is_over)
        show_plan(str_span(&reply));
    str_fini(&reply);
    return exit_code;
}

static int run_rollback(const struct options *options)
{
    struct str args = { 0 };
    struct json_out out = { .str = &args };

    if ((options->step != NULL) + (options->target != NULL) + (options->to != NULL) > 1)
        return command_usage_error(options, "--step, --target and --to: give one of them");
    json_open(&out, '{');
    bool is_run = ask_put_run(&out, options->args[0]);
    if (options->step)
        json_put(&out, "step", options->step);
    if (options->target)
        json_put(&out, "target", options->target);
    if (options->to)
        json_put(&out, "to", options->to);
    ask_put_reason(&out, options);
    ask_put_follow(&out, options);
    if (options->plan)
        json_put_bool(&out, "plan", true);
    json_close(&out);
    int exit_code = !is_run         ? not_a_run(options)
                    : options->plan ? ask_plan(options, str_span(&args))
                                    : follow(options, "rollback", str_span(&args));
    str_fini(&args);
    return exit_code;
}

static int run_recover(const struct options *options)
{
    struct str args = { 0 };
    struct json_out out = { .str = &args };

    json_open(&out, '{');
    bool is_run = ask_put_run(&out, options->args[0]);
    ask_put_follow(&out, options);
    json_close(&out);
    int exit_code =
        is_run ? follow(options, "recover", str_span(&args)) : not_a_run(options);
    str_fini(&args);
    return exit_code;
}

static const char *const choices[] = { "leave",     "restore",       "accept",
                                       "applied",   "not-applied",   "complete",
                                       "take-back", "partly-applied" };
enum { CHOICE_COUNT = sizeof choices / sizeof choices[0] };

static bool is_choice(const char *word)
{
    for (size_t i = 0; i < CHOICE_COUNT; i++)
        if (strcmp(word, choices[i]) == 0)
            return true;
    return false;
}

static int wrong_choice(const struct options *options)
{
    const char *word = options->args[2];
    const char *nearest = schema_nearest(span_of(word), choices, CHOICE_COUNT);

    if (nearest)
        return command_usage_error(options, "%.40s is no choice: did you mean %s?", word,
                                   nearest);
    return command_usage_error(options,
                               "%.40s is no choice: want leave, restore or accept for a"
                               " drift, applied or not-applied for a doubt, complete,"
                               " take-back or partly-applied for what is partly done",
                               word);
}

static int run_settle(const struct options *options)
{
    struct str args = { 0 };
    struct json_out out = { .str = &args };

    if (!is_choice(options->args[2]))
        return wrong_choice(options);
    json_open(&out, '{');
    bool is_run = ask_put_run(&out, options->args[0]);
    json_put(&out, "step", options->args[1]);
    json_put(&out, "choice", options->args[2]);
    ask_put_reason(&out, options);
    ask_put_follow(&out, options);
    json_close(&out);
    int exit_code =
        is_run ? follow(options, "settle", str_span(&args)) : not_a_run(options);
    str_fini(&args);
    return exit_code;
}

const struct command command_rollback = {
    .name = "rollback",
    .summary = "put back what a run changed",
    .usage = "cordon rollback RUN [--step B/N | --to B/N | --target ID] [--plan]"
             " [--reason TEXT]",
    .about =
        "A run of its own, in reverse order. What somebody else has changed since is "
        "never\n"
        "overwritten: the rollback stops there, shows before, ours and now, and a person\n"
        "settles it (exit code 5). With --step only that one step is undone, with --to\n"
        "everything after that step, with --target only what was done to that target.\n"
        "--plan looks at all targets and shows what would be undone.",
    .example = "cordon rollback r-000001 --step 0/3",
    .options = OPTION_ENGINE | OPTION_STEP | OPTION_BACK | OPTION_REASON | OPTION_DETACH,
    .args_min = 1,
    .args_max = 1,
    .run = run_rollback,
};

const struct command command_recover = {
    .name = "recover",
    .summary = "start the recovery that a run's playbook has",
    .usage = "cordon recover RUN",
    .example = "cordon recover r-000001",
    .options = OPTION_ENGINE | OPTION_DETACH,
    .args_min = 1,
    .args_max = 1,
    .run = run_recover,
};

const struct command command_settle = {
    .name = "settle",
    .summary = "decide a drift or a doubt, and carry the run on",
    .usage = "cordon settle RUN STEP CHOICE [--reason TEXT]",
    .about =
        "For a drift:  leave        it stays as it is now, and the hold is taken off\n"
        "              restore      write the state of before over it; wants an approval\n"
        "              accept       it stays as it is now, and the hold stays too: a\n"
        "                           later rollback looks at it again\n"
        "For a doubt:  applied      the effect happened\n"
        "              not-applied  it did not\n"
        "Partly done:  complete     do the rest, under the same approval\n"
        "              take-back    undo the part in a rollback; the step fails\n"
        "              partly-applied  the part stays and has a hold; the step fails\n"
        "Partly undone: complete    undo the rest\n"
        "              leave        it stays as it is now, and the hold is taken off",
    .example = "cordon settle r-000002 u/1 leave --reason \"the new rule is right\"",
    .options = OPTION_ENGINE | OPTION_REASON | OPTION_DETACH,
    .args_min = 3,
    .args_max = 3,
    .run = run_settle,
};
