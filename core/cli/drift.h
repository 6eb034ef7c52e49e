/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/drift.h - what only a person can settle, shown with all that is known.
 */
#pragma once

#include "base/str.h"

struct look;

/* The members of three states side by side, those that somebody else changed marked. */
void drift_render_states(struct str *out, const struct look *look, struct span before,
                         struct span ours, struct span now);
/* A drift row's body, and the three commands that settle it. run: "r-000002". */
void drift_render(struct str *out, const struct look *look, struct span run,
                  struct span body);
/* The same for a doubt row's body. */
void drift_render_doubt(struct str *out, const struct look *look, struct span run,
                        struct span body);

/* One of a gate's or a plan's drifted undos: where nothing would be written. */
void drift_render_planned(struct str *out, const struct look *look, struct span drifted);
/* An undo that could not be done, and the commands that go on from there. */
void drift_render_failed(struct str *out, const struct look *look, struct span run,
                         struct span body, struct span why);
/* Adds to a line why an undo wrote nothing: others want it, or there is nothing to put back. */
void leave_render(struct str *out, struct span body, struct span wanted);
/* A hold whose time is over, and that stays on: until when, and who said so. */
void keep_render(struct str *out, const struct look *look, struct span body);
