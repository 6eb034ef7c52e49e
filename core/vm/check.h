/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/check.h - what is wrong with a playbook, as far as one can tell without running it.
 */
#pragma once

#include "base/str.h"

struct vm;

/* findings becomes a JSON list of {"column","level","line","message"}, in the order of the
 * source; level is "error" or "warning". The file is compiled, looked at, and, when nothing is
 * wrong so far, read as for a run.
 *
 * catalog: {"action": schema of its arguments}. known is what else there is, each member
 * absent when it is not known: "channels", the names that notify may hold; "groups", those of
 * the policy with their members; "humans", who of each group votes, each human once, and "chain",
 * the groups to which the policy escalates gates; "sources", see base/alert_reach.h; "results", {"action": schema of what it gives}; "alert", the
 * schema of alerts; "playbooks", {"name": schema of its parameters, or null}, all that ctx.call finds. */
void check_playbook(struct vm *vm, struct span name, struct span source,
                    struct span catalog, struct span known, struct str *findings);
