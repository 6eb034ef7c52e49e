/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/stuck.h - what a stuck run waits for, read from its rows.
 */
#pragma once

#include "base/str.h"

struct look;

/* Adds the drifts and doubts that nobody settled, from the reply of "show". */
void stuck_render(struct str *out, const struct look *look, struct span show);
