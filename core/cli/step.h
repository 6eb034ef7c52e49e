/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/step.h - one row of a run in its timeline, with what other rows say about it.
 */
#pragma once

#include <stddef.h>

#include "base/str.h"

struct look;

/* Adds row's lines, maybe none. show is the whole reply; pos is where the rows behind this
 * one begin in its "rows": an intent is told together with its outcome. */
void step_render(struct str *out, const struct look *look, struct span show,
                 struct span row, size_t pos);

/* The slice that an intent's row wants to leave behind. */
struct span step_goal(struct span intent);
