/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lro.h - long-running operations: started by one request, finished by time alone.
 *
 * What an operation does at its end is the business of whoever started it, in its settle
 * function; this file only knows when.
 */
#pragma once

#include "exchange.h"
#include "sim.h"

struct operation {
    char id[UUID_SIZE];
    int64_t due_ms;
    char *target;  /* ARM id of the object that is busy until the end */
    char *part;    /* what of it is changed */
    cJSON *before; /* how that was, NULL for absent */
    bool is_delete;
    bool will_fail;
    bool leaves_failed; /* when it fails, what it had begun stays, as Failed */
    bool is_over;
    int64_t started_ms; /* wall clock */
    void (*settle)(struct sim *sim, const struct operation *operation);
};

struct operations;

struct operations *operations_new(void);
void operations_free(struct operations *operations);

/* Forgets all of them, finished or not. */
void operations_clear(struct operations *operations);

/* Starts a copy of what is given (target and part are copied, before is taken), with id and
 * times filled in. Borrowed until the next start. */
const struct operation *operation_start(struct sim *sim, const struct operation *given);

/* Ends what is due. */
void operations_tick(struct sim *sim);

/* Is something under way on that object? */
bool operation_runs_on(const struct sim *sim, const char *target);

/* Finds an operation by id, NULL when there is none. */
const struct operation *operation_find(const struct sim *sim, const char *id);
