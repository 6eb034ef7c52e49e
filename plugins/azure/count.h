/* SPDX-License-Identifier: Apache-2.0 */
/*
 * count.h - how many of a kind there are, for the guard that knows percents.
 *
 * One list call beside the first observation of a target, kept for five minutes for each
 * kind and place. It never fails the observation: when it is refused, fails or takes too
 * long, how many there are is not known, and a debug line says why.
 */
#pragma once

#include <cjson/cJSON.h>

struct job;

enum count_kind {
    COUNT_SITES,       /* of the subscription that the id is in */
    COUNT_NSGS,        /* the same */
    COUNT_ASSIGNMENTS, /* the same; above subscriptions, what is in force at the scope */
    COUNT_SECRETS      /* of the vault with that name */
};

/* Ends the job as job_observed() does, and tells how many there are. */
void count_observed(struct job *job, enum count_kind kind, const char *place,
                    const char *target, const cJSON *state);
