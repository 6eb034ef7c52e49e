/* SPDX-License-Identifier: Apache-2.0 */
/* The reading half of store/store.h. */
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/inside.h"

enum { SINCE_ROWS_MAX = 100000, CHAIN_START_CAP = 64 };

struct row inside_row(sqlite3_stmt *statement, struct span *kept)
{
    struct row row = {
        .seq = sqlite3_column_int64(statement, 0),
        .run = sqlite3_column_int64(statement, 1),
        .prev = sqlite3_column_int64(statement, 2),
        .kind = sqlite3_column_int(statement, 3),
        .at_ms = sqlite3_column_int64(statement, 4),
        .body = db_span(statement, 5),
        .epoch = sqlite3_column_int64(statement, 7),
        .has_epoch = sqlite3_column_type(statement, 7) != SQLITE_NULL,
    };

    if (kept != NULL)
        *kept = db_span(statement, 6);
    return row;
}

/* -- Rows ----------------------------------------------------------------------------- */

/* Rows are found from the newest to the oldest and told the other way round. */
struct seqs {
    int64_t *seq;
    size_t count;
    size_t cap;
};

static void push(struct seqs *seqs, int64_t seq)
{
    if (seqs->count == seqs->cap) {
        seqs->cap = seqs->cap == 0 ? CHAIN_START_CAP : 2 * seqs->cap;
        seqs->seq = xrealloc(seqs->seq, seqs->cap * sizeof *seqs->seq);
    }
    seqs->seq[seqs->count++] = seq;
}

static int missing(const struct store *store, int64_t seq, struct err *err)
{
    return err_set(err, ERR_CORRUPT,
                   "read %s: row %lld is not there; keep the file as it is, and put a copy "
                   "from a backup in its place",
                   store->db.path, (long long)seq);
}

/* Each step goes to a smaller number, so that no chain, however damaged, is a circle. */
static int collect(struct store *store, int64_t last_seq, struct seqs *seqs,
                   sqlite3_stmt *ask, struct err *err)
{
    int64_t run = 0;

    for (int64_t seq = last_seq; seq != 0;) {
        if (inside_check_segment(store, seq, err) != 0)
            return err->code;
        sqlite3_bind_int64(ask, 1, seq);
        int rc = sqlite3_step(ask);
        if (rc == SQLITE_DONE)
            return missing(store, seq, err);
        if (rc != SQLITE_ROW)
            return db_fail(&store->db, rc, "read", err);
        int64_t prev = sqlite3_column_int64(ask, 2);
        if (seq == last_seq)
            run = sqlite3_column_int64(ask, 1);
        if (prev < 0 || prev >= seq || run != sqlite3_column_int64(ask, 1))
            return err_set(err, ERR_CORRUPT, "read %s: row %lld does not follow row %lld",
                           store->db.path, (long long)seq, (long long)prev);
        push(seqs, seq);
        seq = prev;
        sqlite3_reset(ask);
    }
    return 0;
}

static int tell(struct store *store, const struct seqs *seqs, sqlite3_stmt *ask, row_fn *fn,
                void *arg, struct err *err)
{
    for (size_t i = seqs->count; i-- > 0;) {
        sqlite3_reset(ask);
        sqlite3_bind_int64(ask, 1, seqs->seq[i]);
        int rc = sqlite3_step(ask);
        if (rc != SQLITE_ROW)
            return db_fail(&store->db, rc, "read", err);
        struct row row = inside_row(ask, NULL);
        rc = fn(&row, arg);
        if (rc != 0)
            return rc;
    }
    return 0;
}

int store_each_of_run(struct store *store, int64_t last_seq, row_fn *fn, void *arg,
                      struct err *err)
{
    struct seqs seqs = { 0 };

    if (inside_flush(store, true, err) != 0)
        return err->code;
    sqlite3_stmt *ask = db_ask(&store->db, DB_ROW, err);
    if (ask == NULL)
        return err->code;
    int rc = collect(store, last_seq, &seqs, ask, err);
    if (rc == 0)
        rc = tell(store, &seqs, ask, fn, arg, err);
    db_done(&store->db, DB_ROW, ask);
    free(seqs.seq);
    return rc;
}

int store_each(struct store *store, int64_t from, row_fn *fn, void *arg, struct err *err)
{
    int result = 0;
    int rc;

    if (inside_flush(store, true, err) != 0)
        return err->code;
    sqlite3_stmt *ask = db_ask(&store->db, DB_ROWS_FROM, err);
    if (ask == NULL)
        return err->code;
    sqlite3_bind_int64(ask, 1, from);
    while (result == 0 && (rc = sqlite3_step(ask)) != SQLITE_DONE) {
        if (rc != SQLITE_ROW) {
            result = db_fail(&store->db, rc, "read", err);
            break;
        }
        struct row row = inside_row(ask, NULL);
        result = inside_check_segment(store, row.seq, err);
        if (result == 0)
            result = fn(&row, arg);
    }
    db_done(&store->db, DB_ROWS_FROM, ask);
    return result;
}

/* Clocks are set back at times, so that rows are not in order of at_ms: every one within
 * the bound is looked at. Where reading fails the answer is the earliest row in reach,
 * since who counts from it then counts too much and not too little. */
int64_t store_seq_since(struct store *store, int64_t at_ms)
{
    int64_t first = store->stat.last_seq - SINCE_ROWS_MAX;
    int64_t since = first < 0 ? 1 : first + 1;
    struct err err;

    if (inside_flush(store, true, &err) != 0)
        return since;
    sqlite3_stmt *ask = db_ask(&store->db, DB_SINCE, &err);
    if (ask == NULL)
        return since;
    sqlite3_bind_int64(ask, 1, since - 1);
    sqlite3_bind_int64(ask, 2, at_ms);
    if (sqlite3_step(ask) == SQLITE_ROW)
        since = sqlite3_column_type(ask, 0) == SQLITE_NULL ? store->stat.last_seq + 1
                                                           : sqlite3_column_int64(ask, 0);
    db_done(&store->db, DB_SINCE, ask);
    /* Whoever made rows older than they are did it to the one before this, too. */
    if (inside_check_segment(store, since - 1, &err) != 0)
        since = first < 0 ? 1 : first + 1;
    return since;
}

/* -- Index ---------------------------------------------------------------------------- */

struct entry inside_entry(sqlite3_stmt *statement)
{
    return (struct entry){
        .kind = sqlite3_column_int(statement, 0),
        .run = sqlite3_column_int64(statement, 1),
        .n = sqlite3_column_int(statement, 2),
        .state = sqlite3_column_int(statement, 3),
        .due_ms = sqlite3_column_int64(statement, 4),
        .first_seq = sqlite3_column_int64(statement, 5),
        .last_seq = sqlite3_column_int64(statement, 6),
        .body = db_span(statement, 7),
    };
}

static int each(struct store *store, sqlite3_stmt *ask, entry_fn *fn, void *arg,
                struct err *err)
{
    int result = 0;
    int rc;

    while (result == 0 && (rc = sqlite3_step(ask)) != SQLITE_DONE) {
        if (rc != SQLITE_ROW)
            return db_fail(&store->db, rc, "read the index in", err);
        struct entry entry = inside_entry(ask);
        result = fn(&entry, arg);
    }
    return result;
}

static enum db_query list_query(const struct entry_query *query)
{
    if (query->run != -1)
        return DB_LIST_RUN;
    if (query->state == -1)
        return query->newest_first ? DB_LIST_DOWN : DB_LIST_UP;
    return query->newest_first ? DB_LIST_STATE_DOWN : DB_LIST_STATE_UP;
}

int store_each_entry(struct store *store, const struct entry_query *query, entry_fn *fn,
                     void *arg, struct err *err)
{
    int64_t start = query->newest_first ? INT64_MAX : INT64_MIN;
    enum db_query which = list_query(query);
    sqlite3_stmt *ask = db_ask(&store->db, which, err);

    if (ask == NULL)
        return err->code;
    sqlite3_bind_int(ask, 1, query->kind);
    sqlite3_bind_int(ask, 2, query->state);
    sqlite3_bind_int64(ask, 3, query->after == 0 ? start : query->after);
    sqlite3_bind_int64(ask, 4, query->limit == 0 ? -1 : query->limit);
    sqlite3_bind_int64(ask, 5, query->run);
    sqlite3_bind_int(ask, 6, query->newest_first);
    int rc = each(store, ask, fn, arg, err);
    db_done(&store->db, which, ask);
    return rc;
}

int store_each_entry_at_all(struct store *store, entry_fn *fn, void *arg, struct err *err)
{
    sqlite3_stmt *ask = db_ask(&store->db, DB_ALL_ENTRIES, err);

    if (ask == NULL)
        return err->code;
    int rc = each(store, ask, fn, arg, err);
    db_done(&store->db, DB_ALL_ENTRIES, ask);
    return rc;
}

int store_find(struct store *store, int32_t kind, int64_t run, int32_t n,
               struct entry *entry, struct err *err)
{
    sqlite3_stmt *ask = db_ask(&store->db, DB_FIND, err);

    if (ask == NULL)
        return err->code;
    sqlite3_bind_int(ask, 1, kind);
    sqlite3_bind_int64(ask, 2, run);
    sqlite3_bind_int(ask, 3, n);
    int rc = sqlite3_step(ask);
    if (rc == SQLITE_ROW) {
        *entry = inside_entry(ask);
        str_reset(&store->found);
        str_add_span(&store->found, entry->body);
        entry->body = str_span(&store->found);
        rc = 0;
    } else if (rc == SQLITE_DONE) {
        rc = err_set(err, ERR_NOT_FOUND, "the index has no %d of run %lld, n %d", kind,
                     (long long)run, n);
    } else {
        rc = db_fail(&store->db, rc, "read the index in", err);
    }
    db_done(&store->db, DB_FIND, ask);
    return rc;
}

int store_count(struct store *store, int32_t kind, int32_t state, int64_t *count,
                struct err *err)
{
    sqlite3_stmt *ask = db_ask(&store->db, DB_COUNT, err);

    if (ask == NULL)
        return err->code;
    sqlite3_bind_int(ask, 1, kind);
    sqlite3_bind_int(ask, 2, state);
    int rc = sqlite3_step(ask);
    if (rc == SQLITE_ROW)
        *count = sqlite3_column_int64(ask, 0);
    else
        db_fail(&store->db, rc, "count in the index in", err);
    db_done(&store->db, DB_COUNT, ask);
    return rc == SQLITE_ROW ? 0 : err->code;
}

/* When the index cannot be read, something is due at once: whoever looks then is told. */
int64_t store_next_due(struct store *store)
{
    struct err err;
    sqlite3_stmt *ask = db_ask(&store->db, DB_NEXT_DUE, &err);

    if (ask == NULL)
        return 1;
    int rc = sqlite3_step(ask);
    int64_t due_ms = rc == SQLITE_ROW    ? sqlite3_column_int64(ask, 0)
                     : rc == SQLITE_DONE ? 0
                                         : 1;
    db_done(&store->db, DB_NEXT_DUE, ask);
    return due_ms;
}

int store_each_due(struct store *store, int64_t now_ms, entry_fn *fn, void *arg,
                   struct err *err)
{
    sqlite3_stmt *ask = db_ask(&store->db, DB_DUE, err);

    if (ask == NULL)
        return err->code;
    sqlite3_bind_int64(ask, 1, now_ms);
    int rc = each(store, ask, fn, arg, err);
    db_done(&store->db, DB_DUE, ask);
    return rc;
}
