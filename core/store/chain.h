/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/chain.h - the hashes that tie each row to the one before it.
 *
 * Hashes are whole while they are computed. What is kept of them beside a row is the whole
 * one where a commit ends and at every CHAIN_SEAL_EVERY rows (so that checking can begin
 * anywhere near), and the first CHAIN_SHORT bytes in between: enough to name the row that
 * was touched, and an eighth less to write.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "store/store.h"

enum { CHAIN_SHORT = 8, CHAIN_SEAL_EVERY = 64 };

/* Rows that were written before version 3 have no epoch, and their hash says nothing of it.
 * Before the first row stands the hash of nothing: zeros. */
struct hash chain_next(struct hash last, const struct row *row);

/* How many bytes of its hash a row keeps. */
static inline int chain_keeps(int64_t seq, bool ends_commit)
{
    return ends_commit || seq % CHAIN_SEAL_EVERY == 0 ? HASH_LEN : CHAIN_SHORT;
}
/* Is this what was kept of hash? */
bool chain_matches(struct hash hash, int64_t seq, struct span kept);
