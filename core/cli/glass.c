/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon break-glass and review: one person goes ahead alone, and others look at it after.
 */
#include "cli/command.h"

#include <stdio.h>

#include "base/err.h"
#include "base/id.h"
#include "cli/ask.h"
#include "cli/follow.h"
#include "cli/gate.h"
#include "cli/person.h"
#include "cli/render.h"

/* Shows each open gate of the run, and adds what of them was looked at. */
static int look_at_gates(const struct options *options, struct span gates, struct span run,
                         struct json_out *args)
{
    struct look look = look_of_stdout();
    struct str out = { 0 };
    struct span gate;
    size_t pos = 0;
    int count = 0;

    json_key(args, "gates");
    json_open(args, '[');
    while (json_next(gates, &pos, NULL, &gate)) {
        if (!span_equal(json_get_raw(gate, "run"), run) || gate_is_question(gate))
            continue;
        gate_render(&out, &look, gate);
        str_add_char(&out, '\n');
        json_open(args, '{');
        json_put_raw(args, "digest", json_get(gate, "digest"));
        json_put_raw(args, "gate", json_get(gate, "gate"));
        json_close(args);
        count++;
    }
    json_close(args);
    if (!options->json)
        ask_print(&out);
    str_fini(&out);
    return count;
}

/* Is it meant? Else exit_code says how the command ends. */
static bool is_meant(const struct options *options, int *exit_code)
{
    *exit_code = EXIT_WAITING;
    if (options->yes)
        return true;
    if (!person_is_there(options)) {
        fprintf(
            stderr,
            "cordon: not done: there is no terminal to ask at. Whoever has read it says "
            "so with --yes\n");
        return false;
    }
    if (person_asked("go ahead alone? Everybody is told, and others review it.", false) ==
        PERSON_YES)
        return true;
    printf("not done; the run waits\n");
    return false;
}

static int run_break_glass(const struct options *options)
{
    struct str reply = { 0 }, args = { 0 };
    struct json_out out = { .str = &args };
    struct err err;
    int64_t id;

    if (!options->reason || !options->reason[0])
        return command_usage_error(
            options,
            "going ahead alone wants a reason: cordon break-glass %s --reason TEXT",
            options->args[0]);
    if (!id_parse_run(span_of(options->args[0]), &id))
        return command_usage_error(options, "%.60s is no run (r-000001): see cordon runs",
                                   options->args[0]);
    int exit_code = ask_once(options, "gates", span_of("{}"), &reply, &err);
    if (exit_code < 0)
        return command_error(options, &err);
    json_open(&out, '{');
    ask_put_follow(&out, options);
    int count = look_at_gates(options, json_get(str_span(&reply), "gates"),
                              span_of(id_run(id).text), &out);
    ask_put_reason(&out, options);
    ask_put_run(&out, options->args[0]);
    json_close(&out);
    /* Without a gate the engine says what is wrong. */
    if (count == 0 || is_meant(options, &exit_code))
        exit_code = follow(options, "break_glass", str_span(&args));
    str_fini(&reply);
    str_fini(&args);
    return exit_code;
}

static int run_review(const struct options *options)
{
    struct str args = { 0 }, reply = { 0 }, out = { 0 };
    struct json_out arg = { .str = &args };
    bool is_over;

    if (!options->reason || !options->reason[0])
        return command_usage_error(
            options, "a review wants a reason: cordon review %s --reason TEXT",
            options->args[0]);
    json_open(&arg, '{');
    ask_put_reason(&arg, options);
    json_put_bool(&arg, "reject", options->reject);
    bool is_run = ask_put_run(&arg, options->args[0]);
    json_close(&arg);
    if (!is_run)
        return command_usage_error(options, "%.60s is no run (r-000001): see cordon runs",
                                   options->args[0]);
    int exit_code = ask_reply(options, "review", str_span(&args), &reply, &is_over);
    if (!is_over) {
        struct span body = str_span(&reply);

        render_value(&out, json_get(body, "run"), 40);
        str_printf(&out, ": %zu of %lld reviews, ", json_count(json_get(body, "reviews")),
                   (long long)json_get_int(body, "need", 0));
        render_value(&out, json_get(body, "state"), 40);
        str_add_char(&out, '\n');
        ask_print(&out);
    }
    str_fini(&args);
    str_fini(&reply);
    str_fini(&out);
    return exit_code;
}

const struct command command_break_glass = {
    .name = "break-glass",
    .summary = "grant what a run asks for alone, in an emergency",
    .usage = "cordon break-glass RUN --reason TEXT [--yes]",
    .about =
        "For those whom the policy's break_glass names, whatever number of approvers the\n"
        "gates of the run want. Guards, freezes, digests, the journal and rollback stay "
        "on.\n"
        "Everybody who uses cordon here is told until others have reviewed it; while one "
        "is\n"
        "overdue, the next is refused.",
    .example = "cordon break-glass r-000001 --reason \"nobody answers, the vault is open\"",
    .options = OPTION_ENGINE | OPTION_REASON | OPTION_YES | OPTION_DETACH,
    .args_min = 1,
    .args_max = 1,
    .run = run_break_glass,
};

const struct command command_review = {
    .name = "review",
    .summary = "say what you think of a break-glass",
    .usage = "cordon review RUN --reason TEXT [--reject]",
    .about = "For those whom the policy's break_glass.review_from names, and neither who\n"
             "broke the glass nor who asked for the run. --reject says that it was wrong.",
    .example = "cordon review r-000001 --reason \"the vault was being read, as they said\"",
    .options = OPTION_ENGINE | OPTION_REASON | OPTION_REJECT,
    .args_min = 1,
    .args_max = 1,
    .run = run_review,
};
