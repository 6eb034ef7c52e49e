/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/id.h - names for things, short enough to be read out over the telephone.
 *
 * Runs are numbered by the journal: "r-000041". What hangs on a run is named after it:
 * gate "g-000041-2", hold "h-000041-3". Nothing random, so that the same history gives the
 * same names.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { ID_MAX = 40 };

struct id {
    char text[ID_MAX];
};

struct id id_run(int64_t run);
struct id id_gate(int64_t run, int n);
struct id id_hold(int64_t run, int n);
/* Reads "r-000041", "r-41", "41". */
bool id_parse_run(struct span text, int64_t *run);
bool id_parse_gate(struct span text, int64_t *run, int *n);
bool id_parse_hold(struct span text, int64_t *run, int *n);
