/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/chain.h"
#include "store/inside.h"
#include "store/lock.h"
#include "store/migrate.h"

static const char magic[16] = "SQLite format 3";

/* -- Open and close ------------------------------------------------------------------- */

static int damaged(const char *path, const char *why, struct err *err)
{
    return err_set(err, ERR_CORRUPT,
                   "open %s: %s; keep the directory as it is, and put a copy from a backup "
                   "in its place",
                   path, why);
}

static bool has_beside(const char *path, const char *suffix)
{
    struct str name = { 0 };
    struct stat st;

    str_printf(&name, "%s%s", path, suffix);
    bool has = stat(str_text(&name), &st) == 0 && st.st_size > 0;
    str_fini(&name);
    return has;
}

/* SQLite takes an empty file for a new database, and then removes the WAL beside it, with
 * all that was committed there: so this is looked at before SQLite does. Where a rollback
 * journal is beside it, the power went while the database was made, and SQLite mends it. */
static int check_header(const char *path, bool is_readonly, struct err *err)
{
    char bytes[100];

    /* Made here, as SQLite would let others read it; the WAL takes its mode over. */
    int flags = is_readonly ? O_RDONLY : O_RDWR | O_CREAT;
    int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_set(
            err, ERR_IO,
            "open %s: %s; the directory and the files in it must be writable for "
            "this user",
            path, strerror(errno));
    ssize_t len = pread(fd, bytes, sizeof bytes, 0);
    if (len < 0)
        err_set(err, ERR_IO, "read %s: %s", path, strerror(errno));
    close(fd);
    if (len < 0)
        return err->code;
    if (len == 0 && has_beside(path, "-wal"))
        return damaged(path, "it is empty, and the WAL beside it is not", err);
    if (len == 0 && is_readonly)
        return damaged(path, "it is empty", err);
    if (len == 0)
        return 0;
    if (has_beside(path, "-journal"))
        return 0;
    if (len < (ssize_t)sizeof bytes)
        return damaged(path, "its header is damaged", err);
    /* Where the power went while the first page was moved over, the WAL has it, and SQLite
     * reads it there. Else SQLite says that this is no database. */
    if (memcmp(bytes, magic, sizeof magic) != 0 && !has_beside(path, "-wal"))
        return damaged(path, "its header is damaged", err);
    return 0;
}

static int open_in(struct store *store, struct err *err)
{
    struct str path = { 0 };

    str_printf(&path, "%s/journal.db", store->dir);
    int rc = check_header(str_text(&path), store->is_readonly, err);
    if (rc == 0)
        rc = db_open(&store->db, str_text(&path), store->is_readonly, err);
    str_fini(&path);
    if (rc != 0 || migrate(&store->db, store->is_readonly, err) != 0 ||
        inside_check_file(store, err) != 0 ||
        mark_open(&store->mark, store->dir, store->is_readonly, err) != 0 ||
        seal_read(store, err) != 0 || inside_check_end(store, err) != 0)
        return err->code;
    if (!store->is_accepting && seal_check(store, err) != 0)
        return err->code;
    if ((!store->seal.is_there && !store->is_readonly) || store->is_accepting)
        return seal_make(store, err);
    return 0;
}

static struct store *store_new(const char *dir, bool is_readonly)
{
    struct store *store = xcalloc(1, sizeof *store);

    store->dir = xstrdup(dir);
    store->lock = -1;
    store->is_readonly = is_readonly;
    return store;
}

int store_open(struct store **store, const char *dir, struct err *err)
{
    struct store *made = store_new(dir, false);

    if (lock_check_dir(dir, err) != 0 || lock_take(dir, &made->lock, err) != 0 ||
        open_in(made, err) != 0) {
        store_close(made);
        return err->code;
    }
    *store = made;
    return 0;
}

int store_open_accepting(struct store **store, const char *dir, struct store_gap *gap,
                         struct err *err)
{
    struct store *made = store_new(dir, false);

    made->is_accepting = true;
    if (lock_check_dir(dir, err) != 0 || lock_take(dir, &made->lock, err) != 0 ||
        open_in(made, err) != 0) {
        store_close(made);
        return err->code;
    }
    made->is_accepting = false;
    *gap = made->gap;
    *store = made;
    return 0;
}

int store_open_readonly(struct store **store, const char *dir, struct err *err)
{
    struct store *made = store_new(dir, true);

    if (open_in(made, err) != 0) {
        store_close(made);
        return err->code;
    }
    *store = made;
    return 0;
}

void store_close(struct store *store)
{
    struct err ignored;

    if (store == NULL)
        return;
    if (store->mark.file != NULL && store->failed == 0 && !store->is_readonly)
        mark_sync(&store->mark,
                  &ignored); /* the next power failure syncs it, or it is old */
    mark_close(&store->mark);
    db_close(&store->db); /* an open transaction is rolled back by this */
    memset(store->mark.key, 0, sizeof store->mark.key);
    free(store->mark.path);
    seal_fini(&store->seal);
    if (store->lock >= 0)
        close(store->lock);
    str_fini(&store->row_body);
    str_fini(&store->found);
    free(store->dir);
    free(store);
}

/* -- Write ---------------------------------------------------------------------------- */

/* After a failure nobody knows what the disk has of the transaction; trying the same again
 * in place could take a lost page for a written one. */
static int fail(struct store *store, struct err *err)
{
    struct err ignored;

    store->failed = err->code;
    store->is_begun = false;
    store->has_row = false;
    /* What failed has often rolled back already, hence the question. */
    if (!sqlite3_get_autocommit(store->db.sqlite))
        db_do(&store->db, DB_ROLLBACK, &ignored);
    return err->code;
}

static int begin(struct store *store, struct err *err)
{
    assert(!store->is_readonly);
    if (store->failed != 0)
        return err_set(err, ERR_IO,
                       "write %s: writing failed before; it must be opened again first",
                       store->db.path);
    if (store->is_begun)
        return 0;
    if (db_do(&store->db, DB_BEGIN, err) != 0)
        return fail(store, err);
    store->is_begun = true;
    store->commit_bytes = 0;
    return 0;
}

static int check_row(const struct store *store, const struct row *row, struct err *err)
{
    if (row->seq != store->stat.last_seq + 1)
        return err_set(err, ERR_INVALID, "append row %lld: want row %lld",
                       (long long)row->seq, (long long)store->stat.last_seq + 1);
    if (row->prev < 0 || row->prev >= row->seq || row->run < 0)
        return err_set(err, ERR_INVALID,
                       "append row %lld: no row before it is %lld, or no run is %lld",
                       (long long)row->seq, (long long)row->prev, (long long)row->run);
    if (row->body.len > STORE_BODY_MAX)
        return err_set(err, ERR_TOO_BIG,
                       "append row %lld: %zu bytes, and STORE_BODY_MAX is %d",
                       (long long)row->seq, row->body.len, STORE_BODY_MAX);
    return 0;
}

static void bind_text(sqlite3_stmt *statement, int at, struct span text)
{
    /* NULL would be no text but SQL's NULL. */
    const char *ptr = text.len == 0 ? "" : text.ptr;

    sqlite3_bind_text(statement, at, ptr, (int)text.len, SQLITE_STATIC);
}

int inside_flush(struct store *store, bool ends_commit, struct err *err)
{
    const struct row *row = &store->row;

    if (!store->has_row)
        return 0;
    sqlite3_stmt *append = db_ask(&store->db, DB_APPEND, err);
    if (append == NULL)
        return fail(store, err);
    sqlite3_bind_int64(append, 1, row->seq);
    sqlite3_bind_int64(append, 2, row->run);
    sqlite3_bind_int64(append, 3, row->prev);
    sqlite3_bind_int(append, 4, row->kind);
    sqlite3_bind_int64(append, 5, row->at_ms);
    sqlite3_bind_int64(append, 8, row->epoch);
    bind_text(append, 6, str_span(&store->row_body));
    sqlite3_bind_blob(append, 7, store->stat.last_hash.bytes,
                      chain_keeps(row->seq, ends_commit), SQLITE_STATIC);
    int rc = sqlite3_step(append);
    if (rc != SQLITE_DONE)
        db_fail(&store->db, rc, "append to", err);
    db_done(&store->db, DB_APPEND, append);
    if (rc != SQLITE_DONE)
        return fail(store, err);
    store->has_row = false;
    if (row->seq % CHAIN_SEAL_EVERY == 0 &&
        seal_row(store, row->seq, store->stat.last_hash, err) != 0)
        return fail(store, err);
    return 0;
}

int store_append(struct store *store, const struct row *row, struct err *err)
{
    if (check_row(store, row, err) != 0)
        return err->code;
    if (begin(store, err) != 0 || inside_flush(store, false, err) != 0)
        return err->code;
    store->row = *row;
    store->row.has_epoch = true;
    store->row.epoch = 0;
    str_reset(&store->row_body);
    str_add_span(&store->row_body, row->body);
    store->has_row = true;
    store->stat.last_hash = chain_next(store->stat.last_hash, &store->row);
    store->stat.last_seq = row->seq;
    if (row->run > store->stat.last_run)
        store->stat.last_run = row->run;
    store->commit_bytes += (int64_t)row->body.len;
    return 0;
}

int store_put(struct store *store, const struct entry *entry, struct err *err)
{
    if (entry->body.len > STORE_BODY_MAX)
        return err_set(err, ERR_TOO_BIG,
                       "index run %lld: %zu bytes, and STORE_BODY_MAX is %d",
                       (long long)entry->run, entry->body.len, STORE_BODY_MAX);
    if (entry->first_seq > store->stat.last_seq || entry->last_seq > store->stat.last_seq)
        return err_set(
            err, ERR_INVALID,
            "index kind %d, run %lld: it names rows %lld and %lld, and the newest "
            "row is %lld",
            entry->kind, (long long)entry->run, (long long)entry->first_seq,
            (long long)entry->last_seq, (long long)store->stat.last_seq);
    if (begin(store, err) != 0)
        return err->code;
    if (seal_entry(store, entry, err) != 0)
        return fail(store, err);
    sqlite3_stmt *put = db_ask(&store->db, DB_PUT, err);
    if (put == NULL)
        return fail(store, err);
    sqlite3_bind_int(put, 1, entry->kind);
    sqlite3_bind_int64(put, 2, entry->run);
    sqlite3_bind_int(put, 3, entry->n);
    sqlite3_bind_int(put, 4, entry->state);
    sqlite3_bind_int64(put, 5, entry->due_ms);
    sqlite3_bind_int64(put, 6, entry->first_seq);
    sqlite3_bind_int64(put, 7, entry->last_seq);
    bind_text(put, 8, entry->body);
    int rc = sqlite3_step(put);
    if (rc != SQLITE_DONE)
        db_fail(&store->db, rc, "write the index in", err);
    db_done(&store->db, DB_PUT, put);
    return rc == SQLITE_DONE ? 0 : fail(store, err);
}

int store_commit(struct store *store, struct err *err)
{
    struct err later;

    if (store->failed != 0)
        return begin(store, err);
    if (!store->is_begun)
        return 0;
    if (inside_flush(store, true, err) != 0)
        return err->code;
    if (seal_commit(store, err) != 0 || db_do(&store->db, DB_COMMIT, err) != 0)
        return fail(store, err);
    store->is_begun = false;
    store->stat.commits++;
    store->stat.bytes += store->commit_bytes;
    /* These rows are durable whatever comes of the mark and the checkpoint; who writes next
     * hears. */
    bool is_long = store->db.wal_frames >= store->db.checkpoint_frames;
    if (seal_mark(store, &later) != 0 || db_checkpoint(&store->db, &later) != 0 ||
        (is_long && mark_sync(&store->mark, &later) != 0))
        store->failed = later.code;
    return 0;
}

void store_stat(const struct store *store, struct store_stat *stat)
{
    *stat = store->stat;
}

int store_clear_index(struct store *store, struct err *err)
{
    /* The newest run may only be in the row that waits. */
    if (begin(store, err) != 0 || inside_flush(store, false, err) != 0)
        return err->code;
    if (db_exec(&store->db, "DELETE FROM entries", err) != 0 ||
        db_int(&store->db, "SELECT max(run) FROM events", 0, &store->stat.last_run, err) !=
            0)
        return fail(store, err);
    seal_no_entries(store);
    return 0;
}
