/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/decide.h - shows a gate, and turns what a person says into the next ask.
 *
 * The digest of what was shown goes along with the vote, so that nothing can be approved
 * that was not on the screen.
 */
#pragma once

#include <stdbool.h>

#include "base/json.h"
#include "base/str.h"

struct options;

/* Shows the gate. When a person is there, asks; true when that gives an ask: *verb (heap,
 * what was there is freed) and args (overwritten). Else says what to type, and false. */
/* Would a vote or an answer of who runs this command count at the gate? Else why gets a
 * sentence. The engine knows: it has the policy's people, and who made what. */
bool decide_may_vote(const struct options *options, struct span gate, struct str *why);

bool decide_at_gate(const struct options *options, const char *gate_id, char **verb,
                    struct str *args);

/* The arguments of approve and deny. armor: its signature, or NULL. */
void decide_vote_args(struct str *args, const struct options *options, struct span gate,
                      const char *digest, const char *reason, const char *armor);
/* The arguments of answer. text becomes one of the choices, a number or a boolean where
 * that is asked for, or a string. False when there are choices and it is none of them: then args is a sentence. */
bool decide_answer_args(struct str *args, const struct options *options, struct span gate,
                        const char *text);
