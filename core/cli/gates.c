/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon gates, approve, deny, answer: questions to people, and what they say.
 */
#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/id.h"
#include "cli/ask.h"
#include "cli/decide.h"
#include "cli/follow.h"
#include "cli/gate.h"
#include "cli/person.h"
#include "cli/render.h"
#include "cli/sign.h"
#include "cli/table.h"
#include "engine/statement.h"

static void add_gate_row(struct table *table, const struct look *look, struct span gate)
{
    struct span body = json_get(gate, "body");
    struct str cell = { 0 };
    int64_t due_ms = json_get_int(body, "due", 0), yes = 0;
    struct span vote;
    size_t pos = 0;

    while (json_next(json_get(gate, "votes"), &pos, NULL, &vote))
        yes += json_get_bool(vote, "yes", false);
    table_value(table, json_get(gate, "gate"));
    table_value(table, json_get(gate, "playbook"));
    table_whole_value(table, json_get(body, "title"));
    if (json_count(json_get(gate, "approvals")) > 0)
        gate_render_approvals(&cell, gate);
    else
        str_printf(&cell, "%lld of %lld", (long long)yes,
                   (long long)json_get_int(body, "need", 1));
    table_cell(table, &cell);
    table_value(table, json_get(body, "from"));
    str_printf(&cell, "%zu", json_count(json_get(body, "changes")));
    table_cell(table, &cell);
    if (due_ms > 0)
        render_when(&cell, look, due_ms);
    table_cell(table, &cell);
}

static int list_gates(const struct options *options)
{
    struct look look = look_of_stdout();
    struct table table = { .columns = 7,
                           .wide_column = 2,
                           .head = { "gate", "playbook", "title", "approved", "from",
                                     "changes", "ends" } };
    struct str reply = { 0 }, out = { 0 };
    struct span gate;
    size_t pos = 0;
    bool is_over;
    int exit_code = ask_reply(options, "gates", span_of("{}"), &reply, &is_over);

    if (!is_over) {
        while (json_next(json_get(str_span(&reply), "gates"), &pos, NULL, &gate))
            add_gate_row(&table, &look, gate);
        if (table.count)
            table_render(&table, &out, &look);
        str_add_text(&out, table.count || out.len
                               ? "\ncordon gates GATE shows what is asked, whole\n"
                               : "no gate is open\n");
        ask_print(&out);
    }
    str_fini(&reply);
    str_fini(&out);
    return exit_code;
}

/* Asks for the gate that the first word names. 0 with the gate in reply, or over. */
static int get_gate(const struct options *options, struct str *reply, bool *is_over)
{
    struct str args = { 0 };
    struct json_out out = { .str = &args };
    struct err err;

    json_open(&out, '{');
    bool is_name = ask_put_gate(&out, options->args[0]);
    json_close(&out);
    *is_over = true;
    int exit_code = !is_name
                        ? command_usage_error(options,
                                              "%.60s is no gate (g-000001-1) and no run"
                                              " (r-000001): see cordon gates",
                                              options->args[0])
                        : ask_once(options, "gate", str_span(&args), reply, &err);
    str_fini(&args);
    if (!is_name)
        return exit_code;
    if (exit_code < 0)
        return command_error(options, &err);
    if (exit_code == 0) {
        *is_over = false;
        return 0;
    }
    if (options->json)
        printf("%s\n", str_text(reply));
    else
        ask_print_error(str_span(reply));
    return exit_code;
}

static void show_gate(const struct options *options, struct span gate)
{
    struct look look = look_of_stdout();
    struct str out = { 0 };

    if (options->json)
        return;
    gate_render(&out, &look, gate);
    str_add_char(&out, '\n');
    ask_print(&out);
    str_fini(&out);
}

/* Adds the signature, when there shall be one. */
static int sign_vote(struct str *armor, const struct options *options, struct span gate,
                     const char *verb, struct err *err)
{
    struct str who = { 0 };
    struct statement statement = {
        .install = json_get_raw(gate, "install"),
        .gate = json_get_raw(gate, "gate"),
        .run = json_get_raw(gate, "run"),
        .digest = options->digest ? span_of(options->digest) : json_get_raw(gate, "digest"),
        .reason = span_of(options->reason),
        .vote = strcmp(verb, "approve") == 0 ? VOTE_APPROVE : VOTE_DENY,
    };

    json_text_to(&who, json_get(gate, "you"));
    statement.who = str_span(&who);
    int rc = sign_statement(armor, options->sign, &statement, err);
    str_fini(&who);
    return rc;
}

static int vote(const struct options *options, struct span gate, const char *verb)
{
    struct str args = { 0 }, armor = { 0 };
    struct err err;
    int exit_code;

    if (options->sign && sign_vote(&armor, options, gate, verb, &err) != 0) {
        exit_code = command_error(options, &err);
    } else {
        decide_vote_args(&args, options, gate, options->digest, options->reason,
                         options->sign ? str_text(&armor) : NULL);
        exit_code = follow(options, verb, str_span(&args));
    }
    str_fini(&args);
    str_fini(&armor);
    return exit_code;
}

/* Nobody is asked about what is over. */
static int too_late(const struct options *options, struct span gate)
{
    struct str text = { 0 };

    gate_say_over(&text, gate);
    int exit_code =
        command_refuse(options, EXIT_FAILED, "gate_closed", "gate %s", str_text(&text));
    str_fini(&text);
    return exit_code;
}

static bool may_vote(const struct options *options, struct span gate)
{
    struct str why = { 0 };
    bool may = decide_may_vote(options, gate, &why);

    str_fini(&why);
    return may;
}

static int approve_open(const struct options *options, struct span gate)
{
    bool can_ask = person_is_there(options);
    bool is_said = options->yes || options->digest != NULL;

    /* Who cannot approve is refused by the engine, and not asked before. */
    if (is_said || (can_ask && (!may_vote(options, gate) ||
                                person_asked("approve?", false) == PERSON_YES)))
        return vote(options, gate, "approve");
    if (!can_ask)
        return command_refuse(
            options, EXIT_WAITING, "not_asked",
            "not approved: there is no terminal to ask at. Whoever has read it says so "
            "with "
            "--yes, or with --digest and the gate's digest that they have read");
    printf("not approved; the run waits\n");
    return EXIT_WAITING;
}

/* Without a terminal nobody reads which gate of the run is open by now: a command that is repeated
 * would vote for the next one. So there a run's name names its first gate, and no other. */
static int vote_unnamed(const struct options *options, struct span gate, const char *verb)
{
    bool is_answer = strcmp(verb, "answer") == 0;
    char *name = json_get_text(gate, "gate");
    int exit_code = command_usage_error(
        options,
        "without a terminal %s names the gate%s, since a run's name stands for its first "
        "gate: %s is open now; read it with cordon gates %s, then cordon %s %s%s",
        is_answer ? "an answer" : "a vote",
        is_answer ? "" : ", or its digest with --digest", name, name, verb, name,
        is_answer ? " VALUE" : "");
    free(name);
    return exit_code;
}

static bool names_other_gate(const struct options *options, struct span gate)
{
    int64_t run;
    int n = 0;

    return !person_is_there(options) && options->digest == NULL &&
           id_parse_run(span_of(options->args[0]), &run) &&
           !(id_parse_gate(json_get_raw(gate, "gate"), &run, &n) && n == 1);
}

static int run_approve(const struct options *options)
{
    struct str reply = { 0 };
    bool is_over;
    int exit_code = get_gate(options, &reply, &is_over);
    struct span gate = str_span(&reply);

    if (!is_over && gate_is_question(gate)) {
        exit_code =
            command_usage_error(options, "%s asks for an answer: cordon answer %s VALUE",
                                options->args[0], options->args[0]);
    } else if (!is_over && options->yes && gate_is_open(gate) &&
               names_other_gate(options, gate)) {
        exit_code = vote_unnamed(options, gate, "approve");
    } else if (!is_over) {
        show_gate(options, gate);
        exit_code =
            gate_is_open(gate) ? approve_open(options, gate) : too_late(options, gate);
    }
    str_fini(&reply);
    return exit_code;
}

/* One gate, to be read; nobody votes by reading. */
static int run_one_gate(const struct options *options)
{
    struct str reply = { 0 }, out = { 0 };
    bool is_over;
    int exit_code = get_gate(options, &reply, &is_over);

    if (!is_over && options->json) {
        printf("%s\n", str_text(&reply));
    } else if (!is_over) {
        show_gate(options, str_span(&reply));
        gate_render_commands(&out, str_span(&reply));
        ask_print(&out);
    }
    str_fini(&reply);
    str_fini(&out);
    return exit_code;
}

static int run_gates(const struct options *options)
{
    return options->arg_count > 0 ? run_one_gate(options) : list_gates(options);
}

static int run_deny(const struct options *options)
{
    struct str reply = { 0 };
    bool is_over;

    if (span_is_blank(span_of(options->reason)))
        return command_usage_error(options,
                                   "a denial wants a reason: cordon deny %s --reason TEXT",
                                   options->args[0]);
    int exit_code = get_gate(options, &reply, &is_over);
    if (!is_over && gate_is_open(str_span(&reply)) &&
        names_other_gate(options, str_span(&reply)))
        exit_code = vote_unnamed(options, str_span(&reply), "deny");
    else if (!is_over)
        exit_code = vote(options, str_span(&reply), "deny");
    str_fini(&reply);
    return exit_code;
}

static int run_answer(const struct options *options)
{
    struct str reply = { 0 }, args = { 0 };
    bool is_over;
    int exit_code = get_gate(options, &reply, &is_over);
    struct span gate = str_span(&reply);

    if (!is_over && !gate_is_question(gate))
        exit_code = command_usage_error(options, "%s asks for approval: cordon approve %s",
                                        options->args[0], options->args[0]);
    else if (!is_over && gate_is_open(gate) && names_other_gate(options, gate))
        exit_code = vote_unnamed(options, gate, "answer");
    else if (!is_over && !decide_answer_args(&args, options, gate, options->args[1]))
        exit_code = command_usage_error(options, "%s", str_text(&args));
    else if (!is_over)
        exit_code = follow(options, "answer", str_span(&args));
    str_fini(&reply);
    str_fini(&args);
    return exit_code;
}

const struct command command_gates = {
    .name = "gates",
    .summary = "questions that wait for people",
    .usage = "cordon gates [GATE|RUN]",
    .about = "Without a name: all that are open. With one: that gate, every change whole.",
    .example = "cordon gates g-000001-1",
    .options = OPTION_ENGINE,
    .args_max = 1,
    .run = run_gates,
};

const struct command command_approve = {
    .name = "approve",
    .summary = "approve a gate, and carry its run on",
    .usage = "cordon approve GATE|RUN [--reason TEXT] [--digest HEX] [--sign KEYFILE]",
    .about =
        "Shows the gate first, every change whole, and asks at a terminal. Without one it\n"
        "votes only with --yes, or with --digest, and a run's name stands for its first\n"
        "gate. The vote names the digest of what was\n"
        "shown: if anything is different by then, it does not count, and a new gate says\n"
        "what differs. With --sign the vote carries a signature of your SSH key, which\n"
        "some gates want; cordon gate does the same on another machine.",
    .example = "cordon approve g-000001-1 --reason \"agreed with the shop's owner\"",
    .options = OPTION_ENGINE | OPTION_REASON | OPTION_DIGEST | OPTION_YES | OPTION_DETACH |
               OPTION_SIGN,
    .args_min = 1,
    .args_max = 1,
    .run = run_approve,
};

const struct command command_deny = {
    .name = "deny",
    .summary = "deny a gate: nothing that it asks for is done",
    .usage = "cordon deny GATE|RUN --reason TEXT [--sign KEYFILE]",
    .example = "cordon deny g-000001-1 --reason \"the site is being moved today\"",
    .options = OPTION_ENGINE | OPTION_REASON | OPTION_DIGEST | OPTION_DETACH | OPTION_SIGN,
    .args_min = 1,
    .args_max = 1,
    .run = run_deny,
};

const struct command command_answer = {
    .name = "answer",
    .summary = "answer a question that a playbook asks",
    .usage = "cordon answer GATE|RUN VALUE",
    .about = "VALUE is one of the choices, or of the type that is asked for.",
    .example = "cordon answer g-000002-1 yes",
    .options = OPTION_ENGINE | OPTION_DETACH,
    .args_min = 2,
    .args_max = 2,
    .run = run_answer,
};
