/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/waits.h - what a run waits for that is no gate: time, a signal, another run, a service
 * that said when to ask again. Read from its rows, so that a run that is parked says until when.
 */
#pragma once

#include "base/str.h"

struct look;
struct wait;

/* A zeroed struct is ready. */
struct waits {
    struct wait *items;
    int count, cap;
};

void waits_fini(struct waits *waits);
/* A row of the run: begins a wait, ends one, or neither. */
void waits_row(struct waits *waits, struct span kind, struct span body);
/* A line each, and how the run named run goes on then; nothing when it waits for none. */
void waits_render(struct str *out, const struct look *look, const struct waits *waits,
                  struct span run);
