/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/store.h - the journal: what every run meant to do, and what came of it.
 *
 * One promise carries the project: when store_commit() has returned 0, every row appended
 * before it is on disk, power failure included, and no row is ever changed or taken away.
 * Rows are chained by hash, each over the one before it, so that an edited journal shows.
 *
 * Beside the rows stands the index: tables that answer "which runs are open, which gates,
 * what is contained, what is due next" without reading rows. The engine writes both in the
 * same transaction, and can make the index again from the rows alone (doctor --rebuild).
 * The store keeps texts that others made and knows none of their shapes.
 *
 * One process, one connection, one thread writes and checkpoints (SQLite 3.40 corrupts its
 * WAL otherwise). Loop thread only; store_commit blocks for one sync.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/str.h"

struct err;
struct store;

enum {
    STORE_VERSION = 3,
    STORE_BODY_MAX = 6 * 1024 * 1024 /* one row's text */
};

struct row {
    int64_t seq;      /* 1, 2, 3 ...: given by the engine, checked here */
    int64_t run;      /* 0: belongs to no run (halt, resume) */
    int64_t prev;     /* seq of the same run's row before it; 0: its first */
    int32_t kind;     /* the engine's enum row_kind */
    int64_t at_ms;    /* unix time */
    struct span body; /* JSON */
    /* The store's own, of no account in store_append: for several nodes, and 0 until then. */
    int64_t epoch;
    bool has_epoch;
};

/* A line of the index. Same (kind, run, n): replaced. */
struct entry {
    int32_t kind; /* the engine's enum entry_kind; 1 is a run */
    int64_t run;
    int32_t n;         /* 0 for runs */
    int32_t state;     /* the engine's; entries are listed by (kind, state) */
    int64_t due_ms;    /* when the engine wants to look at it again; 0 never */
    int64_t first_seq; /* numbers of rows, or 0; runs: where its rows begin and end. */
    int64_t last_seq;  /* Never anything else: store_verify compares both with the rows. */
    struct span body;  /* JSON, for lists */
};

struct store_stat {
    int64_t last_seq;
    int64_t last_run; /* highest run number ever used */
    struct hash last_hash;
    int64_t commits; /* by this process */
    int64_t bytes;   /* of row bodies, by this process */
};

/* Opens DIR/journal.db, made if absent (DIR too, mode 0700), and holds DIR/lock until
 * store_close. Checks what it finds; each of these is refused with a sentence that says
 * what to do: a second process on the same directory (ERR_BUSY, with its pid), a database
 * of a newer version (ERR_VERSION), a damaged one (ERR_CORRUPT), a directory or a disk that
 * cannot be written (ERR_IO), a directory that others may write (ERR_DENIED). */
int store_open(struct store **store, const char *dir, struct err *err);
/* A journal that has lost its mark, is an older copy, or was written to by others, as it is:
 * when the chain of its rows is whole it is sealed anew. The caller makes the index anew and
 * writes a row that says who wanted it, and why. gap: what the mark had seen. */
struct store_gap {
    bool had_mark;
    int64_t mark_seq, last_seq;
};
int store_open_accepting(struct store **store, const char *dir, struct store_gap *gap,
                         struct err *err);
/* Same for reading only, without the lock: doctor and audit on a copy. */
int store_open_readonly(struct store **store, const char *dir, struct err *err);
/* Commits nothing: what was appended and not committed is gone. */
void store_close(struct store *store);

/* Into the transaction that the first append begins. row->seq must be last_seq + 1. */
int store_append(struct store *store, const struct row *row, struct err *err);
/* ERR_INVALID when first_seq or last_seq is beyond the newest row. */
int store_put(struct store *store, const struct entry *entry, struct err *err);
/* Durable when it returns 0. With nothing appended or put it does nothing. After a failure
 * here, in store_append or in store_put the store must be closed (all but wrong arguments:
 * ERR_INVALID, ERR_TOO_BIG): a sync that failed is not tried again in place. The
 * transaction is then there whole or not at all, and opening again shows which; its
 * effects were not released, so either is right. A full disk is ERR_IO with "no space
 * left". */
int store_commit(struct store *store, struct err *err);
void store_stat(const struct store *store, struct store_stat *stat);

/* Functions that are called back may read from the store, and not write into it. */
typedef int row_fn(const struct row *row, void *arg);
typedef int entry_fn(const struct entry *entry, void *arg);

/* Calls fn for each row of a run, oldest first, given its last row's seq; walks the prev
 * chain. Spans are borrowed until fn returns. Ends early when fn returns non-zero, and
 * returns that. */
int store_each_of_run(struct store *store, int64_t last_seq, row_fn *fn, void *arg,
                      struct err *err);
/* Every row with seq >= from, in order. */
int store_each(struct store *store, int64_t from, row_fn *fn, void *arg, struct err *err);
/* The smallest seq whose at_ms is not before at_ms, looking back from the end by at most
 * 100,000 rows; last_seq + 1 when none. */
int64_t store_seq_since(struct store *store, int64_t at_ms);

/* Entries of a kind, by run and n, descending when newest_first; state -1: any; run -1:
 * any; after: only runs beyond this one in the order of walking (0: from the start);
 * limit 0: all. */
struct entry_query {
    int32_t kind;
    int32_t state;
    int64_t run;
    int64_t after;
    int64_t limit;
    bool newest_first;
};
int store_each_entry(struct store *store, const struct entry_query *query, entry_fn *fn,
                     void *arg, struct err *err);
/* Every entry, by kind, run and n. */
int store_each_entry_at_all(struct store *store, entry_fn *fn, void *arg, struct err *err);
/* One entry, borrowed until the next call into the store. ERR_NOT_FOUND. */
int store_find(struct store *store, int32_t kind, int64_t run, int32_t n,
               struct entry *entry, struct err *err);
/* How many entries of a kind and state there are. */
int store_count(struct store *store, int32_t kind, int32_t state, int64_t *count,
                struct err *err);
/* The earliest due_ms of all entries, 0 when none; then entries with due_ms <= now_ms. */
int64_t store_next_due(struct store *store);
int store_each_due(struct store *store, int64_t now_ms, entry_fn *fn, void *arg,
                   struct err *err);

/* Is the index what was written with the newest commit? why gets a sentence if it is not,
 * and stays empty if it is. All entries are read. */
int store_check_index(struct store *store, struct str *why, struct err *err);
/* The journal was written before there were seals: its index was taken as it was found. */
bool store_is_unsealed(const struct store *store);

/* Walks all rows: numbering, hash chain, prev chains; and SQLite's own integrity check.
 * rows gets how many were seen; the error names the first bad row. */
int store_verify(struct store *store, int64_t *rows, struct err *err);
/* Empties the index, so that the engine can write it again from the rows. */
int store_clear_index(struct store *store, struct err *err);
