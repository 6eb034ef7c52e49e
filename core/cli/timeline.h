/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/timeline.h - the whole story of a run, from its rows: what was done, when, for how
 * long, who agreed, and how it was or can be undone.
 */
#pragma once

#include "base/str.h"

struct look;

/* show is the reply of the ask "show". */
void timeline_render(struct str *out, const struct look *look, struct span show);
