/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/stuck.h - what a stuck run waits for, read from its rows.
 */
#pragma once

#include "base/str.h"

struct options;
struct look;

/* Asks for the run and prints its drifts and doubts that nobody settled. */
void stuck_show(const struct options *options, const char *run);
/* Adds them from the reply of "show". */
void stuck_render(struct str *out, const struct look *look, struct span show);
