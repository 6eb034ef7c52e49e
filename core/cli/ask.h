/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/ask.h - asking the engine one thing, and building what is asked.
 */
#pragma once

#include <stdbool.h>

#include "base/json.h"
#include "base/str.h"

struct err;
struct options;

/* Reads the one reply to a verb without events into out, which keeps it alive. Returns the
 * reply's exit code, or a negative code. */
int ask_once(const struct options *options, const char *verb, struct span args,
             struct str *out, struct err *err);

/* The same, and an error is already printed, as is the reply itself with --json: then
 * *is_over is set, and what is returned is the command's exit code. */
int ask_reply(const struct options *options, const char *verb, struct span args,
              struct str *out, bool *is_over);

/* Adds "run" or "gate", whichever name is; false when it is neither. */
bool ask_put_run(struct json_out *out, const char *name);
bool ask_put_gate(struct json_out *out, const char *name);
/* Adds what --reason, --detach ("follow") say. */
void ask_put_reason(struct json_out *out, const struct options *options);
void ask_put_follow(struct json_out *out, const struct options *options);

/* Prints to stdout, and to stderr; both empty the str. */
void ask_print(struct str *out);
void ask_complain(struct str *out);
/* Prints a reply that is an error, in the words for people. */
void ask_print_error(struct span reply);
