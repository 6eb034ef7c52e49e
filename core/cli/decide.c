/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/decide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/gate.h"
#include "cli/person.h"
#include "cli/render.h"

enum { ASKED_MAX = 100, ANSWER_LEN_MAX = 64 * 1024 };

void decide_vote_args(struct str *args, const struct options *options, struct span gate,
                      const char *digest, const char *reason, const char *armor)
{
    struct json_out out = { .str = args };
    struct span shown = json_get_raw(gate, "digest");

    str_reset(args);
    json_open(&out, '{');
    json_put_span(&out, "gate", json_get_raw(gate, "gate"));
    if (digest)
        json_put(&out, "digest", digest);
    else if (shown.len)
        json_put_span(&out, "digest", shown);
    if (reason && reason[0])
        json_put(&out, "reason", reason);
    if (armor)
        json_put(&out, "sig", armor);
    if (person_is_there(options))
        json_put_bool(&out, "terminal", true);
    ask_put_follow(&out, options);
    json_close(&out);
}

/* The choice that text is, or the empty span. */
static struct span find_choice(struct span choices, const char *text)
{
    struct span choice;
    size_t pos = 0;

    while (json_next(choices, &pos, NULL, &choice)) {
        struct str shown = { 0 };
        if (json_kind(choice) == JSON_STRING)
            json_text_to(&shown, choice);
        else
            str_add_span(&shown, choice);
        bool is_it = strcmp(str_text(&shown), text) == 0;
        str_fini(&shown);
        if (is_it)
            return choice;
    }
    return (struct span){ 0 };
}

/* Numbers and truth are JSON; everything else that may be asked for is text. */
static bool wants_json(struct span gate)
{
    struct span type = json_raw(json_path(gate, "body.args.type"));

    return span_is(type, "integer") || span_is(type, "number") || span_is(type, "boolean");
}

bool decide_answer_args(struct str *args, const struct options *options, struct span gate,
                        const char *text)
{
    struct json_out out = { .str = args };
    struct span choices = json_path(gate, "body.args.choices");
    struct span choice = find_choice(choices, text);
    struct err err;

    str_reset(args);
    if (json_count(choices) && choice.len == 0) {
        str_add_text(args, "the answer must be one of: ");
        render_list(args, choices, 2000);
        return false;
    }
    json_open(&out, '{');
    json_put_span(&out, "gate", json_get_raw(gate, "gate"));
    if (choice.len)
        json_put_raw(&out, "value", choice);
    else if (wants_json(gate) && json_check(text, strlen(text), ANSWER_LEN_MAX, &err) == 0)
        json_put_raw(&out, "value", span_of(text));
    else
        json_put(&out, "value", text);
    ask_put_follow(&out, options);
    json_close(&out);
    return true;
}

static void pretty(struct str *out, const char *name, struct span value)
{
    if (json_kind(value) <= JSON_NULL)
        return;
    str_printf(out, "     %s ", name);
    json_pretty(out, value, 3);
    str_add_char(out, '\n');
}

/* Everything of every change, as it will be sent. */
static void show_details(struct span gate)
{
    struct span changes = json_path(gate, "body.changes"), change;
    struct str out = { 0 };
    size_t pos = 0;
    int number = 0;

    while (json_next(changes, &pos, NULL, &change)) {
        str_printf(&out, "\n  %d. ", ++number);
        render_value(&out, json_get(change, "action"), 200);
        str_add_text(&out, "\n     digest ");
        render_value(&out, json_get(change, "digest"), 80);
        str_add_char(&out, '\n');
        pretty(&out, "arguments", json_get(change, "args"));
        pretty(&out, "before", json_get(change, "before"));
        pretty(&out, "after", json_get(change, "after"));
    }
    ask_print(&out);
    str_fini(&out);
}

static bool ask_for_vote(const struct options *options, struct span gate, char **verb,
                         struct str *args)
{
    enum person_says says = PERSON_DETAILS;
    struct str reason = { 0 };

    for (int i = 0; i < ASKED_MAX && says == PERSON_DETAILS; i++) {
        says = person_asked("approve?", true);
        if (says == PERSON_DETAILS)
            show_details(gate);
    }
    if (says == PERSON_YES && !person_line("reason (may be empty): ", &reason))
        says = PERSON_GONE;
    if (says == PERSON_YES) {
        decide_vote_args(args, options, gate, NULL, str_text(&reason), NULL);
        free(*verb);
        *verb = xstrdup("approve");
    }
    str_fini(&reason);
    return says == PERSON_YES;
}

static bool ask_for_answer(const struct options *options, struct span gate, char **verb,
                           struct str *args)
{
    struct str line = { 0 };
    bool has_answer = false;

    for (int i = 0; i < ASKED_MAX && !has_answer; i++) {
        str_reset(&line);
        if (!person_line("answer (empty: later): ", &line) || line.len == 0)
            break;
        has_answer = decide_answer_args(args, options, gate, str_text(&line));
        if (!has_answer)
            printf("%s\n", str_text(args));
    }
    if (has_answer) {
        free(*verb);
        *verb = xstrdup("answer");
    }
    str_fini(&line);
    return has_answer;
}

bool decide_may_vote(const struct options *options, struct span gate, struct str *why)
{
    struct str args = { 0 }, reply = { 0 };
    struct json_out arg = { .str = &args };
    struct err err;

    json_open(&arg, '{');
    json_put_span(&arg, "gate", json_get_raw(gate, "gate"));
    json_close(&arg);
    int exit_code = ask_once(options, "may_vote", str_span(&args), &reply, &err);
    if (exit_code < 0)
        str_add_text(why, err.text);
    else if (exit_code > 0)
        json_text_to(why, json_get(str_span(&reply), "error"));
    str_fini(&args);
    str_fini(&reply);
    return exit_code == 0;
}

/* Asks who is there, unless nothing that they say would count. */
static bool ask_person(const struct options *options, struct span gate, char **verb,
                       struct str *args)
{
    struct str why = { 0 };
    bool has_next = false;

    if (!decide_may_vote(options, gate, &why)) {
        str_add_char(&why, '\n');
        ask_print(&why);
    } else if (person_is_there(options) && !gate_wants_signature(gate)) {
        /* Keys are named on the command line. */
        has_next = gate_is_question(gate) ? ask_for_answer(options, gate, verb, args)
                                          : ask_for_vote(options, gate, verb, args);
    }
    str_fini(&why);
    return has_next;
}

bool decide_at_gate(const struct options *options, const char *gate_id, char **verb,
                    struct str *args)
{
    struct look look = look_of_stdout();
    struct json_out arg = { .str = args };
    struct str reply = { 0 }, out = { 0 };
    bool is_over, has_next = false;

    str_reset(args);
    json_open(&arg, '{');
    json_put(&arg, "gate", gate_id);
    json_close(&arg);
    ask_reply(options, "gate", str_span(args), &reply, &is_over);
    if (!is_over) {
        struct span gate = str_span(&reply);
        str_add_char(&out, '\n');
        gate_render(&out, &look, gate);
        str_add_char(&out, '\n');
        ask_print(&out);
        has_next = ask_person(options, gate, verb, args);
        if (!has_next) {
            str_add_text(&out, "the run waits; nothing is lost. To go on:\n");
            gate_render_commands(&out, gate);
            ask_print(&out);
        }
    }
    str_fini(&reply);
    str_fini(&out);
    return has_next;
}
