/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/check.h - what is wrong with a playbook, as far as one can tell without running it.
 */
#pragma once

#include "base/str.h"

struct vm;

/* findings becomes a JSON list of {"column","level","line","message"}, in the order of the
 * source; level is "error" or "warning". catalog: {"action": schema of its arguments}; channels: the names that
 * notify may hold. The file is compiled, looked at, and, when nothing is wrong so far, read as for a run. */
void check_playbook(struct vm *vm, struct span name, struct span source,
                    struct span catalog, struct span channels, struct str *findings);
