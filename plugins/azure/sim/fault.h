/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.h - what is to go wrong, and with which requests.
 *
 * A rule names requests by method and by a part of their path, and strikes a number of
 * times. The first rule that fits a request is the one that strikes it.
 */
#pragma once

#include "exchange.h"

enum fault_kind {
    FAULT_NONE,
    FAULT_LATENCY,
    FAULT_429,
    FAULT_500_BEFORE,
    FAULT_500_AFTER,
    FAULT_RESET_BEFORE,
    FAULT_RESET_AFTER,
    FAULT_STALE,
    FAULT_EDIT,
    FAULT_LRO,
    FAULT_ANSWER /* not served: status, headers and body are those of the rule */
};

struct fault {
    enum fault_kind kind;
    char *method;        /* NULL: any */
    char *path_contains; /* NULL: any */
    int times;           /* left; -1 for ever */
    int delay_ms;
    int retry_after_s;
    int for_s;
    int64_t ends_ms; /* steady clock; a stale rule ends by time */
    cJSON *edit;     /* {path, patch} */
    bool leaves_failed;
    int status;     /* of an answer */
    char *code;     /* of a 429; NULL: the plane's own */
    cJSON *headers; /* names and texts */
    cJSON *body;    /* an object, or a text that goes out as it is */
};

struct faults;

struct faults *faults_new(void);
void faults_free(struct faults *faults);
void faults_clear(struct faults *faults);

const char *fault_name(enum fault_kind kind);

/* Adds the rule that json describes. Returns NULL, or what is wrong with it. */
const char *faults_add(struct faults *faults, const cJSON *json);

/* Returns the rule that strikes request, counted as having struck; NULL for none. Borrowed
 * until the next rule is added or all are taken away. */
const struct fault *faults_take(struct faults *faults, const struct request *request);
