/* SPDX-License-Identifier: Apache-2.0 */
/*
 * throttle.h - Resource Manager's token buckets: one of reads and one of writes for each
 * principal, and fifteen times as much for all principals together.
 *
 * Without a size of bucket in the world's options the headers count down like Azure's, and
 * nothing is refused.
 */
#pragma once

#include "exchange.h"

struct buckets;

struct buckets *buckets_new(void);
void buckets_free(struct buckets *buckets);

/* Fills every bucket again. */
void buckets_clear(struct buckets *buckets);

/* Takes one from the bucket of the request, and adds the headers that say what is left.
 * Replies 429 and returns false when it is empty. */
bool throttle_lets_pass(struct request *request, struct reply *reply);
