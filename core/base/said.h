/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/said.h - what was said lately, so that a sender that fails all the time does not fill
 * the log, and no sender hides another one.
 *
 * The same sentence about the same subject is said once in SAID_AGAIN_MS, and about one
 * subject at most SAID_OF_ONE_MAX sentences. Numbers in a sentence do not make it another one:
 * "line 3, column 7" and "line 9, column 1" are the same fault.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum {
    SAID_AGAIN_MS = 60 * 1000,
    SAID_OF_ONE_MAX = 8,
    SAID_MAX = 512 /* sentences that are remembered; then the oldest is forgotten */
};

/* A zeroed one is ready. */
struct said {
    struct said_one {
        uint64_t subject, sentence;
        int64_t at_ms;    /* 0: free */
        int64_t withheld; /* how often since */
    } items[SAID_MAX];
};

/* True when it is to be said now; *withheld gets how often the same was not said since the
 * last time. now_ms is of any clock that only goes forward. */
bool said_now(struct said *said, struct span subject, struct span sentence, int64_t now_ms,
              int64_t *withheld);
