/* SPDX-License-Identifier: Apache-2.0 */
#include "store/migrate.h"

#include <stdio.h>

#include "base/err.h"
#include "store/db.h"

/* steps[n] makes version n + 1 out of version n. A step that was released is never
 * changed.
 *
 * Rows are kept by their number alone: a second order over them would cost more than the
 * sync (docs/decisions). hash is the whole hash where a commit ends and every 64 rows, and
 * its first 8 bytes elsewhere (chain.h). owner and epoch are for several nodes: who has
 * the run, and the fencing epoch under which a row was written. */
static const char *const steps[STORE_VERSION] = {
    "CREATE TABLE events("
    "  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, prev INTEGER NOT NULL,"
    "  kind INTEGER NOT NULL, at INTEGER NOT NULL, epoch INTEGER, body TEXT NOT NULL,"
    "  hash BLOB NOT NULL) STRICT;"
    "CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events BEGIN"
    "  SELECT RAISE(ABORT, 'a row of the journal is never changed'); END;"
    "CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events BEGIN"
    "  SELECT RAISE(ABORT, 'a row of the journal is never taken away'); END;"
    "CREATE TABLE entries("
    "  kind INTEGER NOT NULL, run INTEGER NOT NULL, n INTEGER NOT NULL,"
    "  state INTEGER NOT NULL, due_ms INTEGER NOT NULL, first_seq INTEGER NOT NULL,"
    "  last_seq INTEGER NOT NULL, owner TEXT, epoch INTEGER, body TEXT NOT NULL,"
    "  PRIMARY KEY(kind, run, n)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX entries_by_state ON entries(kind, state, run, n);"
    "CREATE INDEX entries_by_due ON entries(due_ms) WHERE due_ms > 0;"
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "INSERT INTO meta VALUES('created_ms', strftime('%s', 'now') || '000');",

    /* Version 1 kept the arrival time of a delivery, and the number of the alert that an id
     * belongs to, in last_seq. last_seq is the number of a row: both move into the body. */
    "UPDATE entries SET body = '{\"at\":' || last_seq || '}', last_seq = first_seq"
    "  WHERE kind = 11 AND n = 0;"
    "UPDATE entries SET body = '{\"i\":' || last_seq || '}', last_seq = first_seq"
    "  WHERE kind = 11 AND n = 1;",

    /* What is in them is made by seal_make. Without a state, kind 0 is the commit's. */
    "CREATE TABLE seals("
    "  kind INTEGER NOT NULL, state INTEGER NOT NULL, count INTEGER NOT NULL,"
    "  sum BLOB NOT NULL, PRIMARY KEY(kind, state)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE row_seals(seq INTEGER PRIMARY KEY, tag BLOB NOT NULL) STRICT;"
};

static int step(struct db *db, int version, struct err *err)
{
    char sql[128];

    snprintf(sql, sizeof sql,
             "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
             DB_APPLICATION_ID, version + 1);
    if (db_exec(db, "BEGIN IMMEDIATE", err) != 0 || db_exec(db, steps[version], err) != 0 ||
        db_exec(db, sql, err) != 0)
        return err_wrap(err, "make version %d of the journal", version + 1);
    return 0;
}

/* An empty database has neither id nor tables: it was never made, or the power went. */
static int check_owner(struct db *db, bool is_readonly, struct err *err)
{
    int64_t id = 0;
    int64_t tables = 0;

    if (db_int(db, "PRAGMA application_id", 0, &id, err) != 0 ||
        db_int(db, "SELECT count(*) FROM sqlite_schema", 0, &tables, err) != 0)
        return err->code;
    if (id == DB_APPLICATION_ID || (id == 0 && tables == 0 && !is_readonly))
        return 0;
    return err_set(err, ERR_CORRUPT,
                   "open %s: this is no journal of cordon (application id %lld); give "
                   "another directory, or move the file away",
                   db->path, (long long)id);
}

/* A trigger or a view of somebody else's would work within our own transactions. That one of
 * ours is missing takes nothing away: a row that is changed is found by the chain. */
static int check_object(struct db *db, sqlite3_stmt *is, sqlite3_stmt *ours,
                        struct err *err)
{
    struct span sql = db_span(is, 1);
    bool is_same = sql.len == 0; /* what SQLite makes for itself has none */

    sqlite3_bind_text(ours, 1, (const char *)sqlite3_column_text(is, 0), -1,
                      SQLITE_TRANSIENT);
    if (sqlite3_step(ours) == SQLITE_ROW)
        is_same = span_equal(sql, db_span(ours, 0));
    sqlite3_reset(ours);
    if (is_same)
        return 0;
    return err_set(
        err, ERR_CORRUPT,
        "open %s: %s in it was not made by cordon; keep the file as it is, and put "
        "the newest copy in its place",
        db->path, (const char *)sqlite3_column_text(is, 0));
}

static int check_schema(struct db *db, struct err *err)
{
    sqlite3 *made = NULL;
    sqlite3_stmt *is = NULL, *ours = NULL;
    int result = 0;
    int rc = sqlite3_open(":memory:", &made);

    for (int i = 0; i < STORE_VERSION && rc == SQLITE_OK; i++)
        rc = sqlite3_exec(made, steps[i], NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(made, "SELECT sql FROM sqlite_schema WHERE name = ?1", -1,
                                &ours, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(db->sqlite, "SELECT name, sql FROM sqlite_schema", -1, &is,
                                NULL);
    while (rc == SQLITE_OK && result == 0) {
        rc = sqlite3_step(is);
        if (rc != SQLITE_ROW)
            break;
        rc = SQLITE_OK;
        result = check_object(db, is, ours, err);
    }
    sqlite3_finalize(is);
    sqlite3_finalize(ours);
    sqlite3_close(made);
    if (result == 0 && rc != SQLITE_DONE)
        result = db_fail(db, rc, "read", err);
    return result;
}

int migrate(struct db *db, bool is_readonly, struct err *err)
{
    int64_t version = 0;

    if (check_owner(db, is_readonly, err) != 0 ||
        db_int(db, "PRAGMA user_version", 0, &version, err) != 0)
        return err->code;
    if (version > STORE_VERSION || version < 0)
        return err_set(
            err, ERR_VERSION,
            "open %s: a newer cordon made it (journal version %lld, and this one "
            "knows %d); install that cordon again",
            db->path, (long long)version, STORE_VERSION);
    if (version < STORE_VERSION && is_readonly)
        return err_set(err, ERR_VERSION,
                       "open %s: it has journal version %lld, and reading needs %d; open a "
                       "copy for writing once",
                       db->path, (long long)version, STORE_VERSION);
    while (version < STORE_VERSION) {
        if (step(db, (int)version, err) != 0)
            return err->code;
        version++;
    }
    return check_schema(db, err);
}
