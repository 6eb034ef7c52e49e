/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/db.h - the one SQLite connection: how it is opened, asked, and what its failures
 * mean to a person.
 *
 * Only files in this folder include this one, and it alone includes sqlite3.h. A statement
 * is prepared once and kept; somebody who asks the same again from inside a callback gets
 * one of their own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/str.h"
#include "store/store.h"

struct err;

enum {
    /* Measured: rows of 250 bytes, 64 a commit, cost a tenth less than with 4096, since a
     * commit writes its last page, that page's parent and the first page again. */
    DB_PAGE_SIZE = 2048,
    DB_CHECKPOINT_FRAMES = 2000,   /* of the WAL, about 4 MB; read again after a crash */
    DB_APPLICATION_ID = 0x63726e31 /* "crn1" */
};

enum db_query {
    DB_BEGIN,
    DB_COMMIT,
    DB_ROLLBACK,
    DB_APPEND,
    DB_PUT,
    DB_ROW,
    DB_ROWS_FROM,
    DB_SINCE,
    DB_FIND,
    DB_LIST_UP,
    DB_LIST_DOWN,
    DB_LIST_STATE_UP,
    DB_LIST_STATE_DOWN,
    DB_LIST_RUN,
    DB_COUNT,
    DB_NEXT_DUE,
    DB_DUE,
    DB_LAST_ROW,
    DB_LAST_RUN,
    DB_SEGMENT,
    DB_ROW_SEAL,
    DB_PUT_ROW_SEAL,
    DB_PUT_SEAL,
    DB_ALL_ENTRIES,
    DB_QUERY_COUNT
};

struct db {
    sqlite3 *sqlite;
    char *path; /* of the database file */
    sqlite3_stmt *kept[DB_QUERY_COUNT];
    int wal_frames;
    int checkpoint_frames; /* DB_CHECKPOINT_FRAMES; tests take fewer */
};

int db_open(struct db *db, const char *path, bool is_readonly, struct err *err);
void db_close(struct db *db); /* also fine when db_open failed, or zeroed */

/* Borrowed until db_done, which every statement needs. NULL on failure. */
sqlite3_stmt *db_ask(struct db *db, enum db_query query, struct err *err);
void db_done(struct db *db, enum db_query query, sqlite3_stmt *statement);
/* For statements without a result. */
int db_do(struct db *db, enum db_query query, struct err *err);
int db_exec(struct db *db, const char *sql, struct err *err);
/* The first column of the first row; otherwise when there is none. */
int db_int(struct db *db, const char *sql, int64_t otherwise, int64_t *value,
           struct err *err);
struct span db_span(sqlite3_stmt *statement, int column);

/* Moves the WAL into the database when it has grown long. */
int db_checkpoint(struct db *db, struct err *err);
/* The sentence for what SQLite answered last, rc being its answer to what. */
int db_fail(struct db *db, int rc, const char *what, struct err *err);
