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
#include "cli/sign.h"
#include "engine/statement.h"

/* The run's next open gate behind number n, which becomes its number. */
static bool next_gate(struct span gates, int64_t run, int *n, struct span *next)
{
    struct span gate;
    size_t pos = 0;
    int64_t of;
    int number, least = 0;

    while (json_next(gates, &pos, NULL, &gate)) {
        if (!id_parse_gate(json_get_raw(gate, "gate"), &of, &number) || of != run ||
            number <= *n || (least > 0 && number >= least) || gate_is_question(gate))
            continue;
        least = number;
        *next = gate;
    }
    *n = least;
    return least > 0;
}

/* Shows each open gate of the run, and adds what of them was looked at. */
static int look_at_gates(const struct options *options, struct span gates, int64_t run,
                         struct json_out *args)
{
    struct look look = look_of_stdout();
    struct str out = { 0 };
    struct span gate;
    int count = 0, n = 0;

    json_key(args, "gates");
    json_open(args, '[');
    while (next_gate(gates, run, &n, &gate)) {
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

/* Adds the signature over all of them. The journal's id and one's own name come with a gate
 * that is asked for by itself. */
static int sign_gates(const struct options *options, struct span gates, int64_t run,
                      struct str *armor, struct err *err)
{
    struct str names = { 0 }, digests = { 0 }, ask = { 0 }, reply = { 0 }, who = { 0 };
    struct json_out out = { .str = &ask };
    struct span gate;
    int n = 0, rc = 0;

    while (next_gate(gates, run, &n, &gate)) {
        str_add_text(&names, names.len > 0 ? " " : "");
        str_add_span(&names, json_get_raw(gate, "gate"));
        str_add_text(&digests, digests.len > 0 ? " " : "");
        str_add_span(&digests, json_get_raw(gate, "digest"));
        str_reset(&ask);
        out = (struct json_out){ .str = &ask };
        json_open(&out, '{');
        json_put_raw(&out, "gate", json_get(gate, "gate"));
        json_close(&out);
    }
    rc = ask_once(options, "gate", str_span(&ask), &reply, err);
    if (rc >= 0) {
        struct id run_name = id_run(run);

        json_text_to(&who, json_get(str_span(&reply), "you"));
        struct statement statement = { .install = json_get_raw(str_span(&reply), "install"),
                                       .gate = str_span(&names),
                                       .run = span_of(run_name.text),
                                       .digest = str_span(&digests),
                                       .reason = span_of(options->reason),
                                       .who = str_span(&who),
                                       .vote = VOTE_BREAK_GLASS };
        rc = sign_statement(armor, options->sign, &statement, err);
    }
    str_fini(&names);
    str_fini(&digests);
    str_fini(&ask);
    str_fini(&reply);
    str_fini(&who);
    return rc;
}

/* Is it meant? Else exit_code says how the command ends. */
static bool is_meant(const struct options *options, int *exit_code)
{
    *exit_code = EXIT_WAITING;
    if (options->yes)
        return true;
    if (!person_is_there(options)) {
        command_refuse(options, EXIT_WAITING, "not_asked",
                       "not done: there is no terminal to ask at. Whoever has read it says "
                       "so with --yes");
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
    struct str reply = { 0 }, args = { 0 }, armor = { 0 };
    struct json_out out = { .str = &args };
    struct err err;
    int64_t id;

    if (span_is_blank(span_of(options->reason)))
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
    struct span gates = json_get(str_span(&reply), "gates");
    int count = look_at_gates(options, gates, id, &out);
    ask_put_reason(&out, options);
    ask_put_run(&out, options->args[0]);
    /* Without a gate the engine says what is wrong. */
    if (count == 0 || is_meant(options, &exit_code)) {
        if (count > 0 && options->sign != NULL &&
            sign_gates(options, gates, id, &armor, &err) != 0) {
            exit_code = command_error(options, &err);
        } else {
            if (armor.len > 0)
                json_put(&out, "sig", str_text(&armor));
            json_close(&out);
            exit_code = follow(options, "break_glass", str_span(&args));
        }
    }
    str_fini(&reply);
    str_fini(&args);
    str_fini(&armor);
    return exit_code;
}

static int run_review(const struct options *options)
{
    struct str args = { 0 }, reply = { 0 }, out = { 0 };
    struct json_out arg = { .str = &args };
    bool is_over;

    if (span_is_blank(span_of(options->reason)))
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
    .usage = "cordon break-glass RUN --reason TEXT [--sign KEYFILE] [--yes]",
    .about =
        "For those whom the policy's break_glass names, whatever number of approvers the\n"
        "gates of the run want. Guards, freezes, digests, the journal and rollback stay "
        "on.\n"
        "Everybody who uses cordon here is told until others have reviewed it; while one "
        "is\n"
        "overdue, the next is refused. With --sign it carries a signature of your SSH "
        "key,\n"
        "which the policy may want (break_glass.sign).",
    .example = "cordon break-glass r-000001 --reason \"nobody answers, the vault is open\"",
    .options = OPTION_ENGINE | OPTION_REASON | OPTION_YES | OPTION_DETACH | OPTION_SIGN,
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
