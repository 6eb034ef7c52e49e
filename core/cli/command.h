/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/command.h - what a command is: a name, a page of help, and a function.
 *
 * The struct stands beside the function it describes; main.c is the table of all.
 */
#pragma once

#include "cli/options.h"

/* What a command returns; DESIGN.md, section 11. */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_WAITING = 3,
    EXIT_DENIED = 4,
    EXIT_HUMAN = 5,
    EXIT_BLOCKED = 6,
    EXIT_INTERRUPTED = 130
};

typedef int command_fn(const struct options *options);

struct command {
    const char *name;
    const char *summary; /* one line */
    const char *usage;   /* "cordon deny GATE --reason TEXT" */
    const char *about;   /* a paragraph or two; may be NULL */
    const char *example;
    unsigned options; /* enum option_bit */
    int args_min, args_max;
    command_fn *run;
};

extern const struct command command_run, command_plan, command_approve, command_deny,
    command_answer, command_rollback, command_recover, command_runs, command_show,
    command_watch, command_gates, command_contained, command_cancel, command_halt,
    command_resume, command_settle, command_check, command_test, command_actions,
    command_plugins, command_doctor, command_azsim, command_signal, command_engine,
    command_version, command_help, command_key, command_gate, command_break_glass,
    command_review, command_policy, command_release, command_user, command_token,
    command_retry, command_serve, command_alerts, command_explain, command_hook,
    command_notify;

/* All commands in the order of the help page, NULL at the end. */
extern const struct command *const commands[];

const struct command *command_find(const char *name);
/* The name nearest to a wrong one, or NULL. */
const char *command_nearest(const char *name);
/* Prints a command's page. */
void command_show_help(const struct command *command);

/* Each prints the sentence (as JSON with --json) and returns the exit code. */
struct err;
int command_usage_error(const struct options *options, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int command_error(const struct options *options, const struct err *err);
int command_unknown(const struct options *options, const char *name);
/* With an exit code and a word for machines of its own. */
int command_refuse(const struct options *options, int exit_code, const char *code,
                   const char *fmt, ...) __attribute__((format(printf, 4, 5)));
