/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin/retry.h - whether a request may be sent again, and when. Pure.
 *
 *     what came                     GET, HEAD, SAFE     others     ONCE
 *     429                           again               again      no
 *     408, 500, 502, 503, 504       again               no         no
 *     nothing, may have been sent   again               no         no
 *     nothing, provably not sent    again               again      no
 *     hopeless, or anything else    no                  no         no
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    RETRY_ATTEMPTS_MAX = 6,      /* the first one included */
    RETRY_FIRST_MS = 500,        /* doubled each time, */
    RETRY_LAST_MS = 30 * 1000,   /* up to this, */
    RETRY_JITTER_PERCENT = 25,   /* and up to so much longer, by chance */
    RETRY_IN_CALL_MS = 10 * 1000 /* a longer wait is not slept through: the engine has it */
};

#define RETRY_AFTER_MAX_MS (INT64_C(366) * 86400 * 1000) /* what is honoured of it */

struct retry_try {
    const char *method;
    uint32_t flags; /* CORDON_HTTP_* */
    int attempt;    /* 1 for the first */
    int status;
    bool may_have_sent;
    bool is_hopeless;
    const char *headers; /* as in struct http_reply */
};

/* How long to wait before sending again; -1: do not. chance: 32 random bits. */
int64_t retry_delay_ms(const struct retry_try *try, int64_t unix_ms, uint32_t chance);
/* What Retry-After says, in seconds, with a fraction or not, or as a date of any of HTTP's
 * three forms; or Azure's retry-after-ms. -1 when they say nothing readable. */
int64_t retry_after_ms(const char *headers, int64_t unix_ms);
