/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/seal.h - what binds the index, and the rows far from the end, to a key outside of
 * the journal.
 *
 * The chain of the rows needs no key, so that everybody can check it; and it says nothing
 * of the index. So each commit also writes, under the key of the mark (mark.h):
 *
 *   seals      for each kind and state the number of entries and the sum of their tags,
 *              and over all of that, the number of the commit, and the newest row with its
 *              hash, one tag (kind 0, state 0): the commit's seal
 *   row_seals  a tag over the hash of each CHAIN_SEAL_EVERY-th row
 *
 * Whoever writes to the file and has not the key can make none of them: an entry that was
 * changed, added, deleted, or put in another's place is not in the sum; rows that were
 * added at the end have no seal; and a row anywhere is checked, before it is first given
 * out, by the few rows between two seals.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/str.h"

struct entry;
struct err;
struct store;

enum { SEAL_CLASSES_MAX = 512 };

struct seal_class {
    int32_t kind, state;
    int64_t count;
    uint64_t low, high; /* the sum of the tags, modulo 2^128 */
    bool is_dirty;
};

struct seal {
    bool is_there; /* the journal has one; false: it was written before there were seals */
    bool is_new;   /* made at this opening: of the index it says what was found */
    int64_t commits;
    struct hash_tag tag; /* of the newest commit, as read */
    struct hash_tag meta;
    struct seal_class classes[SEAL_CLASSES_MAX]; /* by kind and state */
    int count;
    unsigned char *checked; /* a bit for each segment of CHAIN_SEAL_EVERY rows ... */
    int64_t segments; /* ... so many; those behind were checked at open, or are ours */
    struct str bytes;
};

/* Reads what the journal has of seals. */
int seal_read(struct store *store, struct err *err);
/* Is it the seal of this newest row, under our key, and not behind the mark? */
int seal_check(struct store *store, struct err *err);
/* Seals all rows, after walking their chain, and the index as it is; one transaction. */
int seal_make(struct store *store, struct err *err);
void seal_fini(struct seal *seal);

/* Before the entry is written. */
int seal_entry(struct store *store, const struct entry *entry, struct err *err);
void seal_no_entries(struct store *store);
int seal_row(struct store *store, int64_t seq, struct hash hash, struct err *err);
/* Is this the hash of a row that has a seal? */
int seal_check_row(struct store *store, int64_t seq, struct hash hash, struct err *err);
/* The last of a transaction; then COMMIT, and then the mark. */
int seal_commit(struct store *store, struct err *err);
int seal_mark(struct store *store, struct err *err);
