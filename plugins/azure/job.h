/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job.h - one call of one action, from its arguments to its answer.
 *
 * A job lives in the call's memory and ends with exactly one of job_done(), job_observed()
 * and job_fail(); nothing may touch it afterwards. An entry point of an action reads
 *
 *     struct job *job = job_begin(call, in);
 *     arm_get(job, ..., on_reply);
 *     return job_started(job);
 *
 * and so a failure before anything was sent becomes a refusal by return value, a failure
 * later an answer: job_fail() knows which of the two it is.
 */
#pragma once

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "azure.h"

struct job {
    struct azure *azure;
    const struct cordon_host *host;
    struct cordon_call *call;
    const struct cordon_input *in;
    const cJSON *args; /* of in, parsed; NULL where in has none */
    const cJSON *before;
    const cJSON *after;
    const cJSON *goal;
    struct tree *trees;
    bool is_starting; /* still inside the entry point */
    bool is_refused;  /* job_fail() came while starting */
    bool
        has_changed; /* something was written: a later failure cannot say that nothing was */
    struct fetch *fetch;              /* a token that az was asked for */
    void *state;                      /* what the action keeps between its steps */
    const cJSON *tags;                /* of the target, when it was read with them; NULL */
    const cJSON *within;              /* ids of what contains the target; NULL */
    const char *uncounted;            /* why it is not known how many there are; NULL */
    const char *unplaced;             /* why it is not known where it lies; NULL */
    int64_t exists;                   /* how many such targets there are; 0: not known */
    cJSON *notes;                     /* what approvers should know; NULL: nothing */
    const char *cannot, *cannot_code; /* why the change would be refused; NULL */
    const struct rights *rights; /* what the change and its undo need; NULL: not asked */
    const char *page;            /* the address that was read last; NULL */
    bool is_gone; /* the answer that fails the job says that the target does not exist */
    /* While something is asked that nothing hangs on: what fails then ends that, by this,
     * and not the job. It is sent once, and given up at that time. */
    void (*instead)(struct job *job, enum cordon_status status, const char *why);
    int64_t instead_until_ms;
    void *courtesy; /* whatever instead needs */
};

struct job *job_begin(struct cordon_call *call, const struct cordon_input *in);
int job_started(struct job *job);

/* For the pure functions, which end without an answer: frees what the job owns. Returns 0,
 * or -1 when the job has failed. */
int job_end_plan(struct job *job);

/* Zeroed memory of the call. */
void *job_alloc(struct job *job, size_t size);
char *job_text(struct job *job, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *job_lower(struct job *job, const char *text);

/* Takes tree, which is deleted when the job ends; returns it. */
cJSON *job_own(struct job *job, cJSON *tree);
/* A new, owned object. */
cJSON *job_object(struct job *job);
/* The text of tree, in the call's memory. */
char *job_print(struct job *job, const cJSON *tree);

/* For approvers of a change that is planned: one sentence of what the slice does not show.
 * Later ones than the NOTES_MAX-th are counted, and not kept. */
enum { NOTES_MAX = 12 };
void job_note(struct job *job, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Why the change would be refused as things are now; the first reason stands. */
void job_cannot(struct job *job, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Puts both into what plan() says, when the host is one that listens. */
void job_tell_plan(struct job *job, struct cordon_plan *out);

/* Ends the job: it is so now. json may be NULL; it is printed, not taken. */
void job_done(struct job *job, const cJSON *json);
void job_observed(struct job *job, const char *target, const cJSON *state);
void job_fail(struct job *job, enum cordon_status status, const char *code, const char *fmt,
              ...) __attribute__((format(printf, 4, 5)));

/* Members of an object: "" , false or NULL when absent or of another type. */
const char *json_text(const cJSON *object, const char *name);
bool json_true(const cJSON *object, const char *name);
const cJSON *json_get(const cJSON *object, const char *name);
/* Adds the text, unless it is "". */
void json_add_text(cJSON *object, const char *name, const char *text);
/* Copies the member name of from into to as as, when from has it and it is not null. */
void json_copy(cJSON *to, const char *as, const cJSON *from, const char *name);
