/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/slow.h - a call of more than two seconds: what a command waits for.
 *
 * The engine tells it as an event of the kind "call". On a terminal it is a line that the next
 * output takes the place of; elsewhere it is one line on standard error, and with --json nothing.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct options;

/* What was shown last; a zeroed struct is ready. */
struct slow {
    struct str said;
    bool has_passing; /* a line of a terminal that is to be cleared */
};

/* Is the event such a one? Then it is shown. */
bool slow_take(struct slow *slow, const struct options *options, struct span event);
/* Before anything else is printed, and at the end. */
void slow_clear(struct slow *slow);
void slow_fini(struct slow *slow);
