/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/inside.h - what the files of the store share and nobody else sees.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"
#include "store/db.h"
#include "store/mark.h"
#include "store/seal.h"
#include "store/store.h"

struct store {
    struct db db;
    char *dir;
    int lock; /* -1: none */
    bool is_readonly;
    bool is_begun; /* a transaction is open */
    int failed;    /* the code of what failed; from then on nothing is written */
    struct store_stat stat;
    int64_t commit_bytes; /* of the bodies in the open transaction */
    /* The row appended last waits here for the next one or for the commit: only then is
     * it known how much of its hash is kept. */
    bool has_row;
    struct row row;
    struct str row_body;
    struct mark mark;
    struct seal seal;
    struct store_gap gap;
    bool is_accepting; /* whatever the mark and the seal say: they are made anew */
    struct str found;  /* what store_find gave out */
};

/* Writes the row that waits, so that reading sees it. */
int inside_flush(struct store *store, bool ends_commit, struct err *err);
/* The row a statement stands on, and what is kept of its hash; borrowed until it moves. */
struct row inside_row(sqlite3_stmt *statement, struct span *kept);

/* The entry a statement stands on, likewise. */
struct entry inside_entry(sqlite3_stmt *statement);

int inside_bad_row(const struct store *store, int64_t seq, const char *why,
                   struct err *err);
/* The rows between the two seals around row seq are what was written. Each segment is
 * looked at once. */
int inside_check_segment(struct store *store, int64_t seq, struct err *err);
/* Walks all rows and seals each CHAIN_SEAL_EVERY-th. */
int inside_seal_rows(struct store *store, struct err *err);

/* At open: the newest rows' chain, and last_seq, last_hash and last_run for stat. */
int inside_check_end(struct store *store, struct err *err);
/* At open: SQLite's quick check, when the file is small enough for it to be quick. */
int inside_check_file(struct store *store, struct err *err);
