/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/throttle.h - how often somebody may be wrong before nobody looks any more.
 *
 * Names are addresses, or accounts, also such as do not exist. A table has so many places and
 * no more: a name that is not in it takes a place whose time began longest ago.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"

enum { THROTTLE_WAYS = 8, THROTTLE_PLACES = 512 * THROTTLE_WAYS };

struct throttle {
    int max;           /* so often */
    int64_t within_ms; /* within this time of the first */
    struct throttle_place {
        struct hash name;
        int64_t since_ms;
        int count;
    } places[THROTTLE_PLACES];
};

/* How long until it is looked at again, in milliseconds; 0: at once. */
int64_t throttle_wait_ms(const struct throttle *throttle, const char *name, int64_t now_ms);
/* One more time. True when from now on nobody looks. */
bool throttle_note(struct throttle *throttle, const char *name, int64_t now_ms);
void throttle_forget(struct throttle *throttle, const char *name);
