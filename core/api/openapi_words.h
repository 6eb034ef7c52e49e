/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/openapi_words.h - what people read about each operation, and the shapes of answers.
 */
#pragma once

#include "api/v1.h"

enum {
    WORDS_ONCE = 1,    /* takes an Idempotency-Key */
    WORDS_TRACE = 2,   /* takes a traceparent */
    WORDS_MATCH = 4,   /* takes If-Match */
    WORDS_ETAG = 8,    /* has an ETag, takes If-None-Match */
    WORDS_EVENTS = 16, /* takes Last-Event-ID */
    WORDS_EMPTY = 32,  /* answers without a body */
    WORDS_PLAN = 64    /* with dry_run it answers 200 with a plan */
};

struct words {
    const char *operation; /* the handler's name */
    const char *tag, *summary, *about;
    unsigned flags;
    const struct query *queries; /* NULL: none */
    const char
        *body; /* the name of its schema; NULL: anything, where the route takes one */
    const char *reply;  /* the name of a schema of components; NULL: any */
    const char *type;   /* NULL: application/json */
    const char *status; /* NULL: 200 */
    const char *answer; /* what it means */
};
extern const struct words openapi_words[]; /* ended by one without an operation */

/* openapi.json: what does not come from routes and handlers. Ended by a NUL. */
extern const char openapi_base[];
