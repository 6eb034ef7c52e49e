/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/gate.h - what people are asked to approve, whole: nothing that will run is left out.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct look;
/* Whose approval a gate's row wants: "2 of ops; and one person each of a, b". */
/* How far each demand is met: "1 of 2 ops; 0 of 1 managers". */
void gate_render_approvals(struct str *out, struct span gate);
void gate_render_demands(struct str *out, struct span body);

/* One change of a plan or a gate, as a block. */
void gate_render_change(struct str *out, const struct look *look, struct span change,
                        int number);
/* All of changes; returns how many. */
int gate_render_changes(struct str *out, const struct look *look, struct span changes);
/* The steps of a plan or a gate that could not be looked at, or are known to be refused. */
void gate_render_failed(struct str *out, const struct look *look, struct span list);
/* A line why a preview may not show all (its "more", behind lead), and one for each of its
 * "assumes". */
void gate_render_limits(struct str *out, const struct look *look, struct span preview,
                        const char *lead);
/* A gate as the ask "gate" replies it. */
void gate_render(struct str *out, const struct look *look, struct span gate);
/* The lines that approve, deny or answer it from another terminal. */
void gate_render_commands(struct str *out, struct span gate);
/* Must approvals be signed? */
bool gate_wants_signature(struct span gate);
/* Does it still take votes? */
bool gate_is_open(struct span gate);
/* "g-000001-1 is denied; a late vote changes nothing", of a gate that does not. */
void gate_say_over(struct str *out, struct span gate);
/* What a plan would change. */
void gate_render_plan(struct str *out, const struct look *look, struct span reply);
/* Is it a question with an answer, and not a yes or no to changes? */
bool gate_is_question(struct span gate);
