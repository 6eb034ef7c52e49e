/* SPDX-License-Identifier: Apache-2.0 */
#include "store/db.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/err.h"

#define ENTRY "kind, run, n, state, due_ms, first_seq, last_seq, body"
#define LIST  "SELECT " ENTRY " FROM entries WHERE kind = ?1 "
#define BYSTATE                                                  \
    "SELECT " ENTRY " FROM entries INDEXED BY entries_by_state " \
    "WHERE kind = ?1 AND state = ?2 "
#define ROW "SELECT seq, run, prev, kind, at, body, hash, epoch FROM events "

static const char *const queries[DB_QUERY_COUNT] = {
    [DB_BEGIN] = "BEGIN IMMEDIATE",
    [DB_COMMIT] = "COMMIT",
    [DB_ROLLBACK] = "ROLLBACK",
    [DB_APPEND] = "INSERT INTO events(seq, run, prev, kind, at, body, hash, epoch) "
                  "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [DB_PUT] =
        "INSERT INTO entries(" ENTRY ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) "
        "ON CONFLICT DO UPDATE SET state = excluded.state, due_ms = excluded.due_ms, "
        "first_seq = excluded.first_seq, last_seq = excluded.last_seq, "
        "body = excluded.body",
    [DB_ROW] = ROW "WHERE seq = ?1",
    [DB_ROWS_FROM] = ROW "WHERE seq >= ?1 ORDER BY seq",
    [DB_SINCE] = "SELECT min(seq) FROM events WHERE seq > ?1 AND at >= ?2",
    [DB_FIND] = LIST "AND run = ?2 AND n = ?3",
    [DB_LIST_UP] = LIST "AND run > ?3 ORDER BY run, n LIMIT ?4",
    [DB_LIST_DOWN] = LIST "AND run < ?3 ORDER BY run DESC, n DESC LIMIT ?4",
    [DB_LIST_STATE_UP] = BYSTATE "AND run > ?3 ORDER BY run, n LIMIT ?4",
    [DB_LIST_STATE_DOWN] = BYSTATE "AND run < ?3 ORDER BY run DESC, n DESC LIMIT ?4",
    [DB_LIST_RUN] = LIST "AND run = ?5 AND (?2 = -1 OR state = ?2) "
                         "ORDER BY CASE WHEN ?6 THEN -n ELSE n END LIMIT ?4",
    [DB_COUNT] = "SELECT count(*) FROM entries WHERE kind = ?1 AND state = ?2",
    [DB_NEXT_DUE] = "SELECT due_ms FROM entries WHERE due_ms > 0 ORDER BY due_ms LIMIT 1",
    [DB_DUE] = "SELECT " ENTRY " FROM entries WHERE due_ms > 0 AND due_ms <= ?1 "
               "ORDER BY due_ms, kind, run, n",
    [DB_LAST_ROW] = ROW "ORDER BY seq DESC LIMIT 1",
    [DB_LAST_RUN] = "SELECT run, last_seq FROM entries WHERE kind = 1 "
                    "ORDER BY run DESC LIMIT 1",
    [DB_SEGMENT] = ROW "WHERE seq > ?1 AND seq <= ?2 ORDER BY seq",
    [DB_ROW_SEAL] = "SELECT tag FROM row_seals WHERE seq = ?1",
    [DB_PUT_ROW_SEAL] = "INSERT INTO row_seals(seq, tag) VALUES(?1, ?2)",
    [DB_PUT_SEAL] = "INSERT INTO seals(kind, state, count, sum) VALUES(?1, ?2, ?3, ?4) "
                    "ON CONFLICT DO UPDATE SET count = excluded.count, sum = excluded.sum",
    [DB_ALL_ENTRIES] = "SELECT " ENTRY ", owner IS NOT NULL OR epoch IS NOT NULL "
                       "FROM entries NOT INDEXED ORDER BY kind, run, n",
};

int db_fail(struct db *db, int rc, const char *what, struct err *err)
{
    int number = db->sqlite == NULL ? 0 : sqlite3_system_errno(db->sqlite);
    const char *why = number != 0 ? strerror(number) : sqlite3_errstr(rc);

    switch (rc & 0xff) {
    case SQLITE_FULL:
        return err_set(err, ERR_IO,
                       "%s %s: no space left on its disk; free some and start again", what,
                       db->path);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return err_set(err, ERR_CORRUPT,
                       "%s %s: the file is damaged (%s); keep it as it is, and put a copy "
                       "from a backup in its place",
                       what, db->path, sqlite3_errmsg(db->sqlite));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(err, ERR_BUSY,
                       "%s %s: another process has the file open; end that one, or work on "
                       "a copy",
                       what, db->path);
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return err_set(err, ERR_IO,
                       "%s %s: %s; the directory and the files in it must be writable for "
                       "this user",
                       what, db->path, why);
    case SQLITE_CONSTRAINT:
        return err_set(err, ERR_INVALID, "%s %s: %s", what, db->path,
                       sqlite3_errmsg(db->sqlite));
    }
    return err_set(err, ERR_IO, "%s %s: %s (sqlite %d)", what, db->path, why, rc);
}

/* Keeps how long the WAL is. That it is here and not SQLite's own hook is the point: that
 * one tells nobody when a checkpoint fails. */
static int on_wal(void *arg, sqlite3 *sqlite, const char *name, int frames)
{
    struct db *db = arg;

    (void)sqlite;
    (void)name;
    db->wal_frames = frames;
    return SQLITE_OK;
}

int db_exec(struct db *db, const char *sql, struct err *err)
{
    int rc = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? 0 : db_fail(db, rc, "write", err);
}

int db_int(struct db *db, const char *sql, int64_t otherwise, int64_t *value,
           struct err *err)
{
    sqlite3_stmt *statement = NULL;

    int rc = sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        *value = sqlite3_column_int64(statement, 0);
    else if (rc == SQLITE_DONE)
        *value = otherwise;
    sqlite3_finalize(statement);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : db_fail(db, rc, "read", err);
}

static int configure(struct db *db, bool is_readonly, struct err *err)
{
    char sql[512];

    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_wal_hook(db->sqlite, on_wal, db);
    if (is_readonly)
        return db_exec(db, "PRAGMA cell_size_check = ON; PRAGMA query_only = ON", err);
    /* Exclusive before the first access: then there is no shared memory file. */
    snprintf(sql, sizeof sql,
             "PRAGMA page_size = %d; PRAGMA locking_mode = EXCLUSIVE; "
             "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; "
             "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
             DB_PAGE_SIZE);
    return db_exec(db, sql, err);
}

/* A database without a WAL can be read where nothing can be written, when SQLite is told
 * that nobody writes. */
static char *readonly_uri(const char *path)
{
    struct str uri = { 0 };
    struct str wal = { 0 };
    struct stat st;

    str_printf(&wal, "%s-wal", path);
    bool has_wal = stat(str_text(&wal), &st) == 0 && st.st_size > 0;
    str_add_text(&uri, "file:");
    for (const char *p = path; *p != '\0'; p++)
        if (strchr("%?#", *p) != NULL)
            str_printf(&uri, "%%%02X", (unsigned char)*p);
        else
            str_add_char(&uri, *p);
    str_add_text(&uri, has_wal ? "" : "?immutable=1");
    str_fini(&wal);
    return str_take(&uri);
}

int db_open(struct db *db, const char *path, bool is_readonly, struct err *err)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW;
    char *uri = is_readonly ? readonly_uri(path) : xstrdup(path);

    *db = (struct db){ .path = xstrdup(path), .checkpoint_frames = DB_CHECKPOINT_FRAMES };
    flags |= is_readonly ? SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
                         : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    int rc = sqlite3_open_v2(uri, &db->sqlite, flags, NULL);
    free(uri);
    if (rc != SQLITE_OK)
        return db_fail(db, rc, "open", err);
    return configure(db, is_readonly, err);
}

void db_close(struct db *db)
{
    for (int i = 0; i < DB_QUERY_COUNT; i++)
        sqlite3_finalize(db->kept[i]);
    int rc = sqlite3_close(db->sqlite);
    assert(rc == SQLITE_OK); /* else a statement of ours is still open */
    free(db->path);
    *db = (struct db){ 0 };
}

sqlite3_stmt *db_ask(struct db *db, enum db_query query, struct err *err)
{
    sqlite3_stmt *statement = db->kept[query];

    if (statement != NULL && !sqlite3_stmt_busy(statement))
        return statement;
    bool is_first = statement == NULL;
    int rc = sqlite3_prepare_v3(db->sqlite, queries[query], -1,
                                is_first ? SQLITE_PREPARE_PERSISTENT : 0, &statement, NULL);
    if (rc != SQLITE_OK) {
        db_fail(db, rc, "read", err);
        return NULL;
    }
    if (is_first)
        db->kept[query] = statement;
    return statement;
}

void db_done(struct db *db, enum db_query query, sqlite3_stmt *statement)
{
    if (statement != db->kept[query]) {
        sqlite3_finalize(statement);
        return;
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

int db_do(struct db *db, enum db_query query, struct err *err)
{
    sqlite3_stmt *statement = db_ask(db, query, err);

    if (statement == NULL)
        return err->code;
    int rc = sqlite3_step(statement);
    if (rc != SQLITE_DONE)
        db_fail(db, rc, "write", err);
    db_done(db, query, statement);
    return rc == SQLITE_DONE ? 0 : err->code;
}

struct span db_span(sqlite3_stmt *statement, int column)
{
    /* In this order, as SQLite wants it. */
    const void *ptr = sqlite3_column_blob(statement, column);
    int len = sqlite3_column_bytes(statement, column);

    return (struct span){ ptr, (size_t)len };
}

int db_checkpoint(struct db *db, struct err *err)
{
    if (db->wal_frames < db->checkpoint_frames)
        return 0;
    int rc =
        sqlite3_wal_checkpoint_v2(db->sqlite, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if (rc != SQLITE_OK)
        return db_fail(db, rc, "write", err);
    db->wal_frames = 0;
    return 0;
}
