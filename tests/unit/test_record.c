/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Journals that an engine does not find as it left them, and not because of an attack: written
 * by the version before, put back from a copy, or without the mark beside them.
 *
 * journal_v2.sql is a journal that the version before wrote: the simulated engine's runs, and a
 * row of each kind that belongs to no run.
 */
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/err.h"
#include "base/hash.h"
#include "check.h"
#include "engine/engine.h"
#include "serve/index.h"

enum { OLD_ROWS = 194, OLD_ENTRIES = 34, SQL_MAX = 256 * 1024 };

static struct err err;

static const char *in_dir(const char *name)
{
    static char paths[4][256];
    static unsigned turn;
    char *path = paths[turn++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", check_dir(), name);
    return path;
}

static void edit(const char *sql)
{
    sqlite3 *db;

    CHECK_INT(sqlite3_open(in_dir("state/journal.db"), &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        FAIL("%s: %s", sql, sqlite3_errmsg(db));
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
}

static void make_old(void)
{
    static char sql[SQL_MAX];
    FILE *file = fopen("tests/unit/journal_v2.sql", "re");

    hash_setup();
    CHECK(file != NULL);
    size_t len = fread(sql, 1, sizeof sql - 1, file);
    CHECK(len > 0 && len < sizeof sql - 1);
    fclose(file);
    sql[len] = '\0';
    CHECK_INT(mkdir(in_dir("state"), 0700), 0);
    edit(sql);
}

static int64_t count(struct store *store, int kind, int state)
{
    int64_t found = 0;

    CHECK_OK(store_count(store, kind, state, &found, &err), &err);
    return found;
}

static int64_t last_seq(const struct store *store)
{
    struct store_stat stat;

    store_stat(store, &stat);
    return stat.last_seq;
}

/* Opens as a start does; said is what the log would say. */
static struct store *started(struct str *said)
{
    struct store *store;

    hash_setup();
    CHECK_OK(store_open(&store, in_dir("state"), &err), &err);
    CHECK_OK(index_open(store, said, &err), &err);
    return store;
}

static void check_doctor(struct store *store, int64_t entries)
{
    struct index_diff diff = { 0 };
    struct str why = { 0 };
    int64_t rows;

    CHECK_OK(store_verify(store, &rows, &err), &err);
    CHECK_OK(store_check_index(store, &why, &err), &err);
    CHECK_STR(str_text(&why), "");
    CHECK_OK(index_compare(store, &diff, &err), &err);
    CHECK_STR(str_text(&diff.first), "");
    CHECK_INT(diff.entries, entries);
    str_fini(&why);
    str_fini(&diff.first);
}

static int take_last(const struct row *row, void *arg)
{
    struct str *body = arg;

    CHECK_INT(row->kind, ROW_RECORD);
    str_reset(body);
    str_add_span(body, row->body);
    return 0;
}

/* -- Of the version before --------------------------------------------------------------- */

TEST(a_journal_from_before_there_were_seals_is_sealed_once_and_without_an_alarm)
{
    struct str said = { 0 }, body = { 0 };

    make_old();
    struct store *store = started(&said);
    CHECK_STR(str_text(&said), "");
    CHECK_INT(last_seq(store), OLD_ROWS + 1);
    CHECK_OK(store_each(store, OLD_ROWS + 1, take_last, &body, &err), &err);
    CHECK_HAS(str_text(&body), "\"k\":\"sealed\"");
    CHECK_INT(count(store, ENTRY_HALT, 1), 1);
    CHECK_INT(count(store, ENTRY_HALT, 0), 1);
    CHECK_INT(count(store, ENTRY_KEY, 0), 1);
    CHECK_INT(count(store, ENTRY_ACCOUNT, 1), 1);
    CHECK_INT(count(store, ENTRY_TOKEN, 0), 1);
    check_doctor(store, OLD_ENTRIES + 1);
    store_close(store);
    store = started(&said);
    CHECK_STR(str_text(&said), "");
    CHECK_INT(last_seq(store), OLD_ROWS + 1);
    check_doctor(store, OLD_ENTRIES + 1);
    store_close(store);
    str_fini(&body);
}

TEST(what_was_lifted_in_an_old_index_is_in_force_again_once_it_is_sealed)
{
    struct str said = { 0 };

    make_old();
    edit("UPDATE entries SET state = 0 WHERE kind = 5; UPDATE entries SET state = 1 "
         "WHERE kind IN (7, 14, 15)");
    struct store *store = started(&said);
    CHECK_INT(count(store, ENTRY_HALT, 1), 1);
    CHECK_INT(count(store, ENTRY_KEY, 1), 1);
    CHECK_INT(count(store, ENTRY_ACCOUNT, 1), 1);
    CHECK_INT(count(store, ENTRY_TOKEN, 1), 0);
    check_doctor(store, OLD_ENTRIES + 1);
    store_close(store);
}

TEST(an_old_journal_whose_chain_is_broken_far_from_the_end_is_not_sealed)
{
    struct store *store;

    make_old();
    edit("DROP TRIGGER events_are_not_changed; UPDATE events SET at = 1 WHERE seq = 9");
    CHECK_ERR(store_open(&store, in_dir("state"), &err), &err, ERR_CORRUPT);
    CHECK_HAS(err.text, "row 9 is not the one that was written");
}

/* -- Put back from a copy ---------------------------------------------------------------- */

static void append_one(struct store *store)
{
    struct row row = { .seq = last_seq(store) + 1,
                       .kind = ROW_HALT,
                       .body =
                           span_of("{\"i\":1,\"on\":false,\"scope\":\"plugin:noop\"}") };

    CHECK_OK(store_append(store, &row, &err), &err);
    CHECK_OK(store_commit(store, &err), &err);
}

static void move(const char *from, const char *to)
{
    CHECK_INT(rename(in_dir(from), in_dir(to)), 0);
}

/* The journal of one row less, beside the mark that has seen it. */
static void put_back(void)
{
    struct str said = { 0 };
    char command[600];

    make_old();
    store_close(started(&said));
    snprintf(command, sizeof command, "cp '%s' '%s'", in_dir("state/journal.db"),
             in_dir("older.db"));
    CHECK_INT(system(command), 0);
    struct store *store = started(&said);
    append_one(store);
    store_close(store);
    move("older.db", "state/journal.db");
}

TEST(an_older_copy_is_refused_and_the_message_says_what_to_do)
{
    struct store *store;

    put_back();
    for (int i = 0; i < 2; i++) {
        CHECK_ERR(store_open(&store, in_dir("state"), &err), &err, ERR_CORRUPT);
        CHECK_HAS(err.text,
                  "it ends with row 195, and the mark beside it has seen row 196");
        CHECK_HAS(err.text, "cordon doctor --accept --reason TEXT");
    }
}

TEST(an_older_copy_that_is_accepted_goes_on_and_says_who_accepted_it_and_why)
{
    struct str said = { 0 }, body = { 0 };

    put_back();
    CHECK_OK(index_accept(in_dir("state"), getuid(), "the disk died", &said, &err), &err);
    CHECK_HAS(str_text(&said), "rows 196 to 196 are lost");
    str_reset(&said);
    struct store *store = started(&said);
    CHECK_STR(str_text(&said), "");
    CHECK_INT(last_seq(store), 196);
    CHECK_OK(store_each(store, 196, take_last, &body, &err), &err);
    CHECK_HAS(str_text(&body), "\"had\":196,\"has\":195,\"k\":\"accepted\"");
    CHECK_HAS(str_text(&body), "\"why\":\"the disk died\"");
    CHECK_INT(count(store, ENTRY_HALT, 1), 1);
    check_doctor(store, OLD_ENTRIES + 2);
    append_one(store);
    store_close(store);
    store_close(started(&said));
    CHECK_STR(str_text(&said), "");
    str_fini(&body);
    str_fini(&said);
}

TEST(a_journal_that_was_taken_away_is_not_begun_anew_in_silence)
{
    struct str said = { 0 };
    struct store *store;

    make_old();
    store_close(started(&said));
    CHECK_INT(unlink(in_dir("state/journal.db")), 0);
    for (int i = 0; i < 2; i++) {
        CHECK_ERR(store_open(&store, in_dir("state"), &err), &err, ERR_CORRUPT);
        CHECK_HAS(err.text, "it ends with row 0, and the mark beside it has seen row 195");
    }
}

TEST(a_journal_without_its_mark_is_refused_until_it_is_accepted)
{
    struct str said = { 0 };
    struct store *store;

    make_old();
    store_close(started(&said));
    CHECK_INT(unlink(in_dir("state/journal.db-mark")), 0);
    CHECK_ERR(store_open(&store, in_dir("state"), &err), &err, ERR_CORRUPT);
    CHECK_HAS(err.text, "the mark beside it (journal.db-mark) is not there or is damaged");
    CHECK_OK(index_accept(in_dir("state"), getuid(), "moved", &said, &err), &err);
    str_reset(&said);
    store = started(&said);
    CHECK_STR(str_text(&said), "");
    check_doctor(store, OLD_ENTRIES + 2);
    store_close(store);
    str_fini(&said);
}

TEST(a_journal_whose_chain_is_broken_is_not_accepted)
{
    struct str said = { 0 };

    make_old();
    store_close(started(&said));
    edit("DROP TRIGGER events_are_not_changed; UPDATE events SET at = 1 WHERE seq = 9");
    CHECK_ERR(index_accept(in_dir("state"), getuid(), "please", &said, &err), &err,
              ERR_CORRUPT);
    CHECK_HAS(err.text, "row 9 is not the one that was written");
}

/* Half of the mark may be of a write that the power cut off. */
TEST(a_mark_of_which_one_sector_is_torn_is_taken_from_the_other)
{
    struct str said = { 0 };

    make_old();
    store_close(started(&said));
    for (int sector = 0; sector < 2; sector++) {
        FILE *file = fopen(in_dir("state/journal.db-mark"), "r+be");

        CHECK(file != NULL);
        CHECK_INT(fseek(file, sector * 512L + 30, SEEK_SET), 0);
        fputs("torn", file);
        fclose(file);
        store_close(started(&said)); /* writes nothing */
        CHECK_STR(str_text(&said), "");
        struct store *store = started(&said);
        append_one(store); /* makes the sector whole that is older */
        append_one(store);
        store_close(store);
    }
}
