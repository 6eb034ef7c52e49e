/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.h - in which subscription a target lies.
 *
 * An id of the resource manager shows it. A secret's id does not: the vault is looked up in
 * the lists of vaults of the subscriptions that cordon can see, and kept for an hour, or the
 * configuration names it ("vault_ids"). A look never fails the observation: what is not known
 * is told, with the reason, and guards and rules treat it as if it lay where they protect.
 */
#pragma once

#include <cjson/cJSON.h>

#include <cordon/plugin.h>

struct job;

/* Learns where the secret of the job's arguments lies, of that vault, and then calls next. */
void place_look(struct job *job, const char *vault,
                void (*next)(struct job *job, void *arg), void *arg);

/* Ends the job as job_observed() does. Looks before that when rules are going to be asked:
 * they are of an undo, and not of a change that is looked at again. */
void place_observed(struct job *job, const char *vault, const char *target,
                    const cJSON *state);

/* Fills within, subscription and unplaced of what was seen of its target. */
void place_tell(struct job *job, struct cordon_observation *seen);
