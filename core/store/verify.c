/* SPDX-License-Identifier: Apache-2.0 */
/* Is the journal what we wrote? All of it for doctor, its newest end at every start. */
#include "store/store.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/chain.h"
#include "store/inside.h"

enum {
    QUICK_CHECK_MAX = 2 * 1024 * 1024, /* bytes of database that are checked at start */
    CHECK_LAST_ROWS = 256,
    RUNS_CAP_MIN = 1024
};

int inside_bad_row(const struct store *store, int64_t seq, const char *why, struct err *err)
{
    return err_set(err, ERR_CORRUPT,
                   "verify %s: row %lld %s; somebody or something changed the file: keep "
                   "it as it is, and put a copy from a backup in its place",
                   store->db.path, (long long)seq, why);
}

/* -- The chain ------------------------------------------------------------------------ */

struct walk {
    struct store *store;
    struct hash hash;               /* of the row before */
    int64_t seq;                    /* of the row before */
    int64_t last_run;               /* the highest that was met */
    bool is_whole;                  /* did the row before keep its whole hash? */
    bool checks_seals, makes_seals; /* of each row that has one */
};

static int follow(struct walk *walk, const struct row *row, struct span kept,
                  struct err *err)
{
    if (row->seq != walk->seq + 1)
        return inside_bad_row(walk->store, walk->seq + 1, "is not there", err);
    struct hash hash = chain_next(walk->hash, row);
    if (!chain_matches(hash, row->seq, kept))
        return inside_bad_row(walk->store, row->seq, "is not the one that was written",
                              err);
    walk->hash = hash;
    walk->seq = row->seq;
    if (row->run > walk->last_run)
        walk->last_run = row->run;
    walk->is_whole = kept.len == HASH_LEN;
    if (row->seq % CHAIN_SEAL_EVERY != 0)
        return 0;
    if (walk->makes_seals)
        return seal_row(walk->store, row->seq, hash, err);
    return walk->checks_seals ? seal_check_row(walk->store, row->seq, hash, err) : 0;
}

/* Whoever cuts rows off the end most often leaves one that ended no commit. */
static int end(const struct walk *walk, struct err *err)
{
    if (walk->seq > 0 && !walk->is_whole)
        return inside_bad_row(walk->store, walk->seq + 1, "is not there", err);
    return 0;
}

/* -- The runs' own chains ------------------------------------------------------------- */

/* run -> seq of its last row, open addressing; 0 marks an empty place, as no row is 0. */
struct runs {
    struct run_end {
        int64_t run;
        int64_t seq;
    } * ends;
    size_t count;
    size_t cap; /* a power of two */
};

static struct run_end *place(const struct runs *runs, int64_t run)
{
    size_t at = (size_t)((uint64_t)run * UINT64_C(0x9e3779b97f4a7c15) >> 20);

    for (;; at++) {
        struct run_end *end_at = &runs->ends[at & (runs->cap - 1)];
        if (end_at->seq == 0 || end_at->run == run)
            return end_at;
    }
}

static void grow(struct runs *runs)
{
    struct runs bigger = { .count = runs->count,
                           .cap = runs->cap == 0 ? RUNS_CAP_MIN : 2 * runs->cap };

    bigger.ends = xcalloc(bigger.cap, sizeof *bigger.ends);
    for (size_t i = 0; i < runs->cap; i++)
        if (runs->ends[i].seq != 0)
            *place(&bigger, runs->ends[i].run) = runs->ends[i];
    free(runs->ends);
    *runs = bigger;
}

/* Rows of no run (run 0) may stand alone. */
static int join(struct runs *runs, const struct walk *walk, const struct row *row,
                struct err *err)
{
    if (2 * (runs->count + 1) > runs->cap)
        grow(runs);
    struct run_end *last = place(runs, row->run);
    if (row->prev != last->seq && (row->run != 0 || row->prev != 0))
        return inside_bad_row(walk->store, row->seq,
                              "does not follow the row before it in its run", err);
    if (last->seq == 0)
        runs->count++;
    *last = (struct run_end){ row->run, row->seq };
    return 0;
}

/* -- SQLite's own checks -------------------------------------------------------------- */

/* A page that the disk did not give comes as a line of text like the others. */
static int say_page(struct store *store, const char *text, struct err *err)
{
    const char *number = strstr(text, "error code=");

    if (strstr(text, "failed to get page") != NULL ||
        (number != NULL &&
         (strtol(strchr(number, '=') + 1, NULL, 10) & 0xff) == SQLITE_IOERR))
        return db_fail(&store->db, SQLITE_IOERR_READ, "check", err);
    return err_set(
        err, ERR_CORRUPT,
        "check %s: the file is damaged (%.200s); keep it as it is, and put a copy "
        "from a backup in its place",
        store->db.path, text);
}

static int check_pages(struct store *store, const char *pragma, struct err *err)
{
    sqlite3_stmt *ask = NULL;
    int result = 0;

    int rc = sqlite3_prepare_v2(store->db.sqlite, pragma, -1, &ask, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(ask);
    if (rc != SQLITE_ROW)
        result = db_fail(&store->db, rc, "check", err);
    else if (!span_is(db_span(ask, 0), "ok"))
        result = say_page(store, (const char *)sqlite3_column_text(ask, 0), err);
    sqlite3_finalize(ask);
    return result;
}

int inside_check_file(struct store *store, struct err *err)
{
    struct stat st;

    if (stat(store->db.path, &st) == 0 && st.st_size > QUICK_CHECK_MAX)
        return 0;
    return check_pages(store, "PRAGMA quick_check(1)", err);
}

/* -- At start ------------------------------------------------------------------------- */

static int read_stat(struct store *store, int64_t *indexed_seq, struct err *err)
{
    sqlite3_stmt *ask = db_ask(&store->db, DB_LAST_ROW, err);

    if (ask == NULL)
        return err->code;
    int rc = sqlite3_step(ask);
    if (rc == SQLITE_ROW)
        store->stat.last_seq = sqlite3_column_int64(ask, 0);
    db_done(&store->db, DB_LAST_ROW, ask);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return db_fail(&store->db, rc, "read", err);

    ask = db_ask(&store->db, DB_LAST_RUN, err);
    if (ask == NULL)
        return err->code;
    rc = sqlite3_step(ask);
    if (rc == SQLITE_ROW) {
        store->stat.last_run = sqlite3_column_int64(ask, 0);
        *indexed_seq = sqlite3_column_int64(ask, 1);
    }
    db_done(&store->db, DB_LAST_RUN, ask);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return db_fail(&store->db, rc, "read", err);
    /* An index that is empty, or was being made again, says nothing of runs. */
    if (rc == SQLITE_DONE)
        return db_int(&store->db, "SELECT max(run) FROM events", 0, &store->stat.last_run,
                      err);
    return 0;
}

/* Are there seals, and a key to check them with? */
static bool has_seals(const struct store *store)
{
    return store->seal.is_there && store->mark.is_there && !store->is_accepting;
}

/* The walk begins behind row from, which keeps its whole hash by its number. */
static int walk_from(struct walk *walk, int64_t from, struct err *err)
{
    struct span kept;

    walk->checks_seals = has_seals(walk->store);
    if (from == 0)
        return 0;
    sqlite3_stmt *ask = db_ask(&walk->store->db, DB_ROW, err);
    if (ask == NULL)
        return err->code;
    sqlite3_bind_int64(ask, 1, from);
    int rc = sqlite3_step(ask);
    if (rc == SQLITE_ROW) {
        inside_row(ask, &kept);
        rc = kept.len == HASH_LEN ? 0
                                  : inside_bad_row(walk->store, from, "lost its hash", err);
        if (rc == 0)
            memcpy(walk->hash.bytes, kept.ptr, HASH_LEN);
        walk->seq = from;
    } else if (rc == SQLITE_DONE) {
        rc = inside_bad_row(walk->store, from, "is not there", err);
    } else {
        rc = db_fail(&walk->store->db, rc, "read", err);
    }
    db_done(&walk->store->db, DB_ROW, ask);
    if (rc == 0 && walk->checks_seals)
        rc = seal_check_row(walk->store, from, walk->hash, err);
    return rc;
}

/* Walks the rows that ask, which is DB_ROWS_FROM or DB_SEGMENT, gives. */
static int walk_these(struct walk *walk, enum db_query query, sqlite3_stmt *ask,
                      struct runs *runs, struct err *err)
{
    int result = 0;
    int rc;

    while (result == 0 && (rc = sqlite3_step(ask)) != SQLITE_DONE) {
        struct span kept;
        if (rc != SQLITE_ROW) {
            result = db_fail(&walk->store->db, rc, "read", err);
            break;
        }
        struct row row = inside_row(ask, &kept);
        result = follow(walk, &row, kept, err);
        if (result == 0 && runs != NULL)
            result = join(runs, walk, &row, err);
    }
    db_done(&walk->store->db, query, ask);
    return result;
}

/* Walks to the end; runs may be NULL. */
static int walk_rows(struct walk *walk, struct runs *runs, struct err *err)
{
    sqlite3_stmt *ask = db_ask(&walk->store->db, DB_ROWS_FROM, err);

    if (ask == NULL)
        return err->code;
    sqlite3_bind_int64(ask, 1, walk->seq == 0 ? INT64_MIN : walk->seq + 1);
    int rc = walk_these(walk, DB_ROWS_FROM, ask, runs, err);
    return rc == 0 ? end(walk, err) : rc;
}

int inside_check_segment(struct store *store, int64_t seq, struct err *err)
{
    struct walk walk = { .store = store };
    int64_t segment = (seq - 1) / CHAIN_SEAL_EVERY;
    int64_t last = (segment + 1) * CHAIN_SEAL_EVERY;
    unsigned char *checked = store->seal.checked;

    if (!has_seals(store) || seq <= 0 || segment >= store->seal.segments ||
        (checked[segment / 8] & (1 << segment % 8)) != 0)
        return 0;
    if (walk_from(&walk, segment * CHAIN_SEAL_EVERY, err) != 0)
        return err->code;
    sqlite3_stmt *ask = db_ask(&store->db, DB_SEGMENT, err);
    if (ask == NULL)
        return err->code;
    sqlite3_bind_int64(ask, 1, walk.seq);
    sqlite3_bind_int64(ask, 2, last);
    int rc = walk_these(&walk, DB_SEGMENT, ask, NULL, err);
    if (rc == 0 && walk.seq != last)
        rc = inside_bad_row(store, walk.seq + 1, "is not there", err);
    if (rc == 0)
        checked[segment / 8] |= (unsigned char)(1 << segment % 8);
    return rc;
}

int inside_seal_rows(struct store *store, struct err *err)
{
    struct walk walk = { .store = store, .makes_seals = true };

    if (walk_rows(&walk, NULL, err) != 0)
        return err->code;
    store->stat.last_seq = walk.seq;
    store->stat.last_hash = walk.hash;
    return 0;
}

int inside_check_end(struct store *store, struct err *err)
{
    struct walk walk = { .store = store };
    int64_t indexed_seq = 0;

    if (read_stat(store, &indexed_seq, err) != 0)
        return err->code;
    /* Said first, as it explains whatever else is missing. */
    store->gap =
        (struct store_gap){ store->mark.is_there, store->mark.seq, store->stat.last_seq };
    int64_t last = store->stat.last_seq;
    int64_t from = last <= CHECK_LAST_ROWS
                       ? 0
                       : (last - CHECK_LAST_ROWS) / CHAIN_SEAL_EVERY * CHAIN_SEAL_EVERY;
    store->seal.segments = from / CHAIN_SEAL_EVERY;
    store->seal.checked = xcalloc((size_t)store->seal.segments / 8 + 1, 1);
    if (walk_from(&walk, from, err) != 0 || walk_rows(&walk, NULL, err) != 0)
        return err->code;
    if (!store->seal.is_there && indexed_seq > store->stat.last_seq)
        return inside_bad_row(store, store->stat.last_seq + 1, "is not there", err);
    store->stat.last_hash = walk.hash;
    if (walk.last_run > store->stat.last_run)
        store->stat.last_run = walk.last_run;
    return 0;
}

/* -- All of it ------------------------------------------------------------------------ */

int store_verify(struct store *store, int64_t *rows, struct err *err)
{
    struct walk walk = { .store = store };
    struct runs runs = { 0 };
    int64_t indexed_seq = 0;

    if (inside_flush(store, true, err) != 0)
        return err->code;
    walk.checks_seals = has_seals(store);
    int rc = walk_rows(&walk, &runs, err);
    free(runs.ends);
    *rows = walk.seq;
    if (rc != 0)
        return rc;
    if (walk.seq != store->stat.last_seq)
        return inside_bad_row(store, walk.seq + 1, "is not there", err);
    if (db_int(&store->db, "SELECT max(max(first_seq), max(last_seq)) FROM entries", 0,
               &indexed_seq, err) != 0)
        return err->code;
    if (indexed_seq > walk.seq)
        return inside_bad_row(store, walk.seq + 1, "is not there", err);
    return check_pages(store, "PRAGMA integrity_check(1)", err);
}

bool store_is_unsealed(const struct store *store)
{
    return store->seal.is_new;
}
