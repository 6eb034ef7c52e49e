/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/key_age.h - when an issuer's keys are fetched, and when what was fetched is too old.
 *
 * Strangers choose which key a token names, so an unknown one alone fetches nothing: only so
 * often, and after a failure only after a pause. What was fetched is looked at again after an
 * hour, so that a key which the issuer has taken back is not taken for ever.
 *
 * Pure: the time is given.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    KEY_AGE_MS = 5 * 60 * 1000,   /* for an unknown key they are fetched so often at most */
    KEY_AGE_AGAIN_MS = 10 * 1000, /* after a failure */
    KEY_AGE_FRESH_MS =
        60 * 60 * 1000 /* then they are fetched before one is trusted again */
};

struct key_age { /* all 0: never tried */
    int64_t tried_ms, fetched_ms;
    bool has_failed; /* the last time */
};

void key_age_try(struct key_age *age, int64_t now_ms);
void key_age_end(struct key_age *age, int64_t now_ms, bool is_fetched);
/* May they be fetched now? */
bool key_age_may_fetch(const struct key_age *age, int64_t now_ms);
/* Are they to be fetched before they are trusted? Never true of what was not fetched. */
bool key_age_is_stale(const struct key_age *age, int64_t now_ms);
