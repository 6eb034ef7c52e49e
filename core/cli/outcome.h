/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/outcome.h - what a rehearsal did to the simulated cloud, beside what it should have done.
 *
 * Each adds a line to message for what is different, and nothing when nothing is.
 */
#pragma once

#include "base/str.h"

/* Adds sentence on a line of its own. */
void outcome_tell(struct str *message, const struct str *sentence);
/* wanted: a list of globs; log: the simulator's, a JSON object on each line. All that has
 * changed something must fit, one by one. */
void outcome_effects(struct str *message, struct span wanted, struct span log);
/* wanted: for each id what the object has, or false when there is to be none; world: what the
 * simulator holds, canonical. */
void outcome_world(struct str *message, struct span wanted, struct span world);
