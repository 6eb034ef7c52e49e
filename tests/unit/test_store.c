/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "check.h"

static struct err err;

/* Borrowed for a few calls. */
static const char *in_dir(const char *name)
{
    static char paths[4][256];
    static unsigned turn;
    char *path = paths[turn++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", check_dir(), name);
    return path;
}

static struct store *opened(void)
{
    struct store *store = NULL;

    hash_setup();
    CHECK_OK(store_open(&store, in_dir("state"), &err), &err);
    return store;
}

static void append(struct store *store, int64_t seq, int64_t run, int64_t prev,
                   const char *body)
{
    struct row row = {
        .seq = seq, .run = run, .prev = prev, .kind = 3, .at_ms = 1000 + seq
    };

    row.body = span_of(body);
    CHECK_OK(store_append(store, &row, &err), &err);
}

static void commit(struct store *store)
{
    CHECK_OK(store_commit(store, &err), &err);
}

/* Rows 1 to count, alternating between run 1 and run 2, committed per. */
static void fill(struct store *store, int64_t count, int64_t per)
{
    for (int64_t seq = 1; seq <= count; seq++) {
        char body[64];
        snprintf(body, sizeof body, "{\"row\":%lld}", (long long)seq);
        append(store, seq, 2 - seq % 2, seq > 2 ? seq - 2 : 0, body);
        if (seq % per == 0)
            commit(store);
    }
    commit(store);
}

struct seen {
    int count;
    int stop_at;
    int64_t first;
    int64_t last;
    bool is_rising;
    struct str text;
};

static int see(const struct row *row, void *arg)
{
    struct seen *seen = arg;

    seen->is_rising = seen->count == 0 || (seen->is_rising && row->seq > seen->last);
    if (seen->count++ == 0)
        seen->first = row->seq;
    seen->last = row->seq;
    str_add_span(&seen->text, row->body);
    return seen->count == seen->stop_at ? 7 : 0;
}

static int see_entry(const struct entry *entry, void *arg)
{
    struct seen *seen = arg;

    seen->count++;
    str_printf(&seen->text, "%lld.%d ", (long long)entry->run, entry->n);
    return seen->count == seen->stop_at ? 7 : 0;
}

static int64_t last_seq(const struct store *store)
{
    struct store_stat stat;

    store_stat(store, &stat);
    return stat.last_seq;
}

/* -- Rows ----------------------------------------------------------------------------- */

TEST(a_row_survives_the_process_that_wrote_it)
{
    struct seen seen = { 0 };

    check_dir();
    pid_t pid = fork();
    if (pid == 0) {
        struct store *store = opened();
        append(store, 1, 9, 0, "{\"a\":1}");
        commit(store);
        raise(SIGKILL); /* no store_close(): this is the crash */
    }
    waitpid(pid, NULL, 0);
    struct store *store = opened();
    CHECK_OK(store_each(store, 1, see, &seen, &err), &err);
    CHECK_INT(seen.count, 1);
    CHECK_STR(str_text(&seen.text), "{\"a\":1}");
    store_close(store);
    str_fini(&seen.text);
}

TEST(what_was_not_committed_is_gone_and_its_numbers_are_free)
{
    struct store *store = opened();

    fill(store, 3, 1);
    append(store, 4, 1, 3, "{}");
    append(store, 5, 1, 4, "{}");
    store_close(store);
    store = opened();
    CHECK_INT(last_seq(store), 3);
    append(store, 4, 1, 3, "{\"other\":true}");
    commit(store);
    int64_t rows = 0;
    CHECK_OK(store_verify(store, &rows, &err), &err);
    CHECK_INT(rows, 4);
    store_close(store);
}

TEST(a_row_with_the_wrong_number_or_a_body_too_long_is_refused_and_nothing_is_lost)
{
    struct store *store = opened();
    struct row row = { .seq = 3, .run = 1, .body = span_of("{}") };
    char *big = xcalloc(1, STORE_BODY_MAX + 1);

    append(store, 1, 1, 0, "{}");
    CHECK_ERR(store_append(store, &row, &err), &err, ERR_INVALID);
    CHECK_STR(err.text, "append row 3: want row 2");
    row.seq = 2;
    row.prev = 2;
    CHECK_ERR(store_append(store, &row, &err), &err, ERR_INVALID);
    row.prev = 1;
    memset(big, ' ', STORE_BODY_MAX + 1);
    row.body = (struct span){ big, STORE_BODY_MAX + 1 };
    CHECK_ERR(store_append(store, &row, &err), &err, ERR_TOO_BIG);
    CHECK_HAS(err.text, "STORE_BODY_MAX");
    row.body.len--;
    CHECK_OK(store_append(store, &row, &err), &err);
    commit(store);
    CHECK_INT(last_seq(store), 2);
    store_close(store);
    free(big);
}

TEST(the_rows_of_a_run_come_oldest_first_and_stop_when_told)
{
    struct store *store = opened();
    struct seen seen = { 0 };
    struct seen some = { .stop_at = 2 };

    fill(store, 1000, 64);
    CHECK_OK(store_each_of_run(store, 999, see, &seen, &err), &err);
    CHECK_INT(seen.count, 500);
    CHECK_INT(seen.first, 1);
    CHECK_INT(seen.last, 999);
    CHECK(seen.is_rising);
    CHECK_INT(store_each_of_run(store, 1000, see, &some, &err), 7);
    CHECK_STR(str_text(&some.text), "{\"row\":2}{\"row\":4}");
    CHECK_OK(store_each_of_run(store, 0, see, &some, &err), &err);
    CHECK_INT(some.count, 2);
    CHECK_ERR(store_each_of_run(store, 1001, see, &some, &err), &err, ERR_CORRUPT);
    store_close(store);
    str_fini(&seen.text);
    str_fini(&some.text);
}

TEST(a_row_is_read_before_it_is_committed_also_from_inside_a_walk)
{
    struct store *store = opened();
    struct seen seen = { 0 };
    int64_t rows;

    append(store, 1, 1, 0, "{\"a\":1}");
    append(store, 2, 1, 1, "{\"a\":2}");
    CHECK_OK(store_each_of_run(store, 2, see, &seen, &err), &err);
    CHECK_STR(str_text(&seen.text), "{\"a\":1}{\"a\":2}");
    append(store, 3, 1, 2, "{\"a\":3}");
    commit(store);
    CHECK_OK(store_verify(store, &rows, &err), &err);
    store_close(store);
    str_fini(&seen.text);
}

static int walk_within(const struct row *row, void *arg)
{
    struct store *store = arg;
    struct seen seen = { 0 };

    CHECK_OK(store_each(store, row->seq, see, &seen, &err), &err);
    CHECK_INT(seen.count, 5 - row->seq);
    str_fini(&seen.text);
    return 0;
}

TEST(a_walk_may_read_within_a_walk)
{
    struct store *store = opened();

    fill(store, 4, 1);
    CHECK_OK(store_each(store, 1, walk_within, store, &err), &err);
    store_close(store);
}

TEST(rows_since_a_time_are_counted_from_the_first_one_also_when_the_clock_went_back)
{
    static const int64_t at[] = { 10, 20, 30, 15, 16, 40 };
    struct store *store = opened();

    CHECK_INT(store_seq_since(store, 5), 1);
    for (int64_t i = 0; i < 6; i++) {
        struct row row = { .seq = i + 1, .at_ms = at[i], .body = span_of("{}") };
        CHECK_OK(store_append(store, &row, &err), &err);
    }
    commit(store);
    CHECK_INT(store_seq_since(store, 0), 1);
    CHECK_INT(store_seq_since(store, 25), 3);
    CHECK_INT(store_seq_since(store, 35), 6);
    CHECK_INT(store_seq_since(store, 41), 7);
    store_close(store);
}

TEST(numbers_counts_and_the_last_hash_are_there_again_after_opening)
{
    struct store *store = opened();
    struct store_stat was, is;

    fill(store, 1000, 7);
    append(store, 1001, 77, 0, "{}");
    commit(store);
    commit(store); /* nothing to do */
    store_stat(store, &was);
    CHECK_INT(was.commits, 144);
    CHECK_INT(was.last_run, 77);
    store_close(store);
    store = opened();
    store_stat(store, &is);
    CHECK_INT(is.last_seq, 1001);
    CHECK_INT(is.last_run, 77);
    CHECK_INT(is.commits, 0);
    CHECK(hash_equal(was.last_hash, is.last_hash));
    append(store, 1002, 77, 1001, "{}");
    commit(store);
    int64_t rows = 0;
    CHECK_OK(store_verify(store, &rows, &err), &err);
    CHECK_INT(rows, 1002);
    store_close(store);
}

static int64_t written(void)
{
    char word[32];
    long long bytes = 0;
    FILE *io = fopen("/proc/self/io", "re");

    CHECK(io != NULL);
    while (fscanf(io, "%31s %lld", word, &bytes) == 2 && strcmp(word, "wchar:") != 0)
        ;
    fclose(io);
    return bytes;
}

/* Counted, not timed: the same on every machine. WAL and checkpoints are both in it. */
TEST(twelve_rows_cost_at_most_eight_kib_when_sixty_four_share_a_commit)
{
    enum { ROWS = 64 * 12 * 20 };
    struct store *store = opened();
    char body[216];

    memset(body, 'x', sizeof body);
    body[215] = '\0';
    int64_t before = written();
    for (int64_t seq = 1; seq <= ROWS; seq++) {
        append(store, seq, 100000 + seq % 64, seq > 64 ? seq - 64 : 0, body);
        if (seq % 64 == 0)
            commit(store);
    }
    store_close(store);
    int64_t bytes = (written() - before) * 12 / ROWS;
    if (bytes > 8 * 1024)
        FAIL("%lld bytes", (long long)bytes);
}

/* -- Index ---------------------------------------------------------------------------- */

static void put(struct store *store, int kind, int64_t run, int n, int state,
                int64_t due_ms, const char *body)
{
    struct entry entry = { .kind = kind,
                           .run = run,
                           .n = n,
                           .state = state,
                           .due_ms = due_ms,
                           .first_seq = last_seq(store),
                           .last_seq = 0 };

    entry.body = span_of(body);
    CHECK_OK(store_put(store, &entry, &err), &err);
}

static void check_list(struct store *store, struct entry_query query, const char *want)
{
    struct seen seen = { 0 };

    CHECK_OK(store_each_entry(store, &query, see_entry, &seen, &err), &err);
    CHECK_STR(str_text(&seen.text), want);
    str_fini(&seen.text);
}

TEST(an_entry_is_replaced_by_the_next_of_its_name)
{
    struct store *store = opened();
    struct entry entry;

    fill(store, 5, 1);

    put(store, 1, 5, 0, 1, 100, "{\"v\":1}");
    put(store, 1, 5, 0, 2, 0, "{\"v\":2}");
    commit(store);
    CHECK_OK(store_find(store, 1, 5, 0, &entry, &err), &err);
    CHECK_SPAN(entry.body, "{\"v\":2}");
    CHECK_INT(entry.state, 2);
    CHECK_INT(entry.first_seq, 5);
    CHECK_INT(store_next_due(store), 0);
    check_list(store, (struct entry_query){ .kind = 1, .state = 1, .run = -1 }, "");
    CHECK_ERR(store_find(store, 1, 6, 0, &entry, &err), &err, ERR_NOT_FOUND);
    store_close(store);
}

TEST(entries_are_listed_by_kind_state_and_run_in_either_order)
{
    struct store *store = opened();

    for (int run = 1; run <= 5; run++) {
        put(store, 1, run, 0, run % 2, 0, "{}");
        put(store, 2, run, 1, 0, 0, "{}");
        put(store, 2, run, 2, 1, 0, "{}");
    }
    put(store, 3, 0, 4, 0, 0, "{}");
    check_list(store, (struct entry_query){ .kind = 1, .state = -1, .run = -1 },
               "1.0 2.0 3.0 4.0 5.0 ");
    check_list(store,
               (struct entry_query){
                   .kind = 1, .state = -1, .run = -1, .newest_first = true },
               "5.0 4.0 3.0 2.0 1.0 ");
    check_list(store, (struct entry_query){ .kind = 1, .state = 1, .run = -1 },
               "1.0 3.0 5.0 ");
    check_list(store,
               (struct entry_query){
                   .kind = 1, .state = 1, .run = -1, .newest_first = true, .limit = 2 },
               "5.0 3.0 ");
    check_list(store, (struct entry_query){ .kind = 1, .state = -1, .run = -1, .after = 3 },
               "4.0 5.0 ");
    check_list(store,
               (struct entry_query){
                   .kind = 1, .state = -1, .run = -1, .after = 3, .newest_first = true },
               "2.0 1.0 ");
    check_list(store, (struct entry_query){ .kind = 2, .state = -1, .run = 4 }, "4.1 4.2 ");
    check_list(store,
               (struct entry_query){
                   .kind = 2, .state = -1, .run = 4, .newest_first = true },
               "4.2 4.1 ");
    check_list(store, (struct entry_query){ .kind = 2, .state = 1, .run = 4 }, "4.2 ");
    check_list(store,
               (struct entry_query){
                   .kind = 2, .state = -1, .run = -1, .newest_first = true, .limit = 3 },
               "5.2 5.1 4.2 ");
    check_list(store,
               (struct entry_query){
                   .kind = 2, .state = 1, .run = -1, .newest_first = true, .limit = 3 },
               "5.2 4.2 3.2 ");
    check_list(store, (struct entry_query){ .kind = 3, .state = -1, .run = -1 }, "0.4 ");
    store_close(store);
}

TEST(what_is_due_comes_in_order_of_its_time)
{
    struct store *store = opened();
    struct seen seen = { 0 };

    CHECK_INT(store_next_due(store), 0);
    put(store, 1, 1, 0, 0, 300, "{}");
    put(store, 2, 3, 1, 0, 100, "{}");
    put(store, 1, 2, 0, 0, 200, "{}");
    put(store, 1, 4, 0, 0, 0, "{}");
    CHECK_INT(store_next_due(store), 100);
    CHECK_OK(store_each_due(store, 200, see_entry, &seen, &err), &err);
    CHECK_STR(str_text(&seen.text), "3.1 2.0 ");
    store_close(store);
    str_fini(&seen.text);
}

TEST(a_run_that_is_not_in_the_index_yet_keeps_its_number)
{
    struct store *store = opened();
    struct store_stat stat;

    append(store, 1, 5, 0, "{}");
    append(store, 2, 8, 0, "{}");
    put(store, 1, 5, 0, 0, 0, "{}");
    commit(store);
    store_close(store);
    store = opened();
    store_stat(store, &stat);
    CHECK_INT(stat.last_run, 8);
    store_close(store);
}

TEST(the_index_is_emptied_and_the_rows_and_the_highest_run_stay)
{
    struct store *store = opened();
    struct store_stat stat;
    int64_t rows;

    fill(store, 10, 5);
    put(store, 1, 2, 0, 0, 50, "{}");
    commit(store);
    CHECK_OK(store_clear_index(store, &err), &err);
    commit(store);
    check_list(store, (struct entry_query){ .kind = 1, .state = -1, .run = -1 }, "");
    CHECK_INT(store_next_due(store), 0);
    CHECK_OK(store_verify(store, &rows, &err), &err);
    store_close(store);
    store = opened();
    store_stat(store, &stat);
    CHECK_INT(stat.last_run, 2);
    CHECK_INT(stat.last_seq, 10);
    store_close(store);
}

/* -- Tampering ------------------------------------------------------------------------ */

/* Does what somebody with sqlite3 and the file would do. */
static void tamper(const char *sql)
{
    sqlite3 *db;

    CHECK_INT(sqlite3_open(in_dir("state/journal.db"), &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        FAIL("%s: %s", sql, sqlite3_errmsg(db));
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
}

#define NO_TRIGGERS \
    "DROP TRIGGER events_are_not_changed; DROP TRIGGER events_are_not_deleted;"

static void check_tampering(int64_t count, const char *sql, const char *want)
{
    struct store *store = opened();
    int64_t rows = 0;

    fill(store, count, 5);
    put(store, 1, 2, 0, 0, 50, "{}");
    commit(store);
    store_close(store);
    tamper(NO_TRIGGERS);
    tamper(sql);
    int rc = store_open(&store, in_dir("state"), &err);
    if (rc == 0) {
        rc = store_verify(store, &rows, &err);
        store_close(store);
    }
    CHECK_INT(rc, ERR_CORRUPT);
    CHECK_HAS(err.text, want);
}

TEST(a_change_of_any_column_is_found_and_the_row_is_named)
{
    static const char *const changes[] = {
        "body = '{\"row\":0}'", "run = 7",   "prev = prev + 1", "kind = 4", "at = at + 1",
        "hash = zeroblob(8)",   "hash = x''"
    };

    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char sql[128];
        snprintf(sql, sizeof sql, "UPDATE events SET %s WHERE seq = 123", changes[i]);
        check_tampering(1000, sql, "row 123 is not the one that was written");
        snprintf(sql, sizeof sql, "rm -r '%s'", in_dir("state"));
        CHECK_INT(system(sql), 0);
    }
}

TEST(a_deleted_row_is_found)
{
    check_tampering(1000, "DELETE FROM events WHERE seq = 500", "row 500 is not there");
}

TEST(a_deleted_first_row_is_found)
{
    check_tampering(100, "DELETE FROM events WHERE seq = 1", "row 1 is not there");
}

TEST(rows_cut_off_in_the_middle_of_a_commit_are_found)
{
    check_tampering(1000, "DELETE FROM events WHERE seq > 997", "row 998 is not there");
}

TEST(rows_cut_off_behind_a_commit_are_found_when_the_index_knows_them)
{
    check_tampering(1000,
                    "DELETE FROM events WHERE seq > 995;"
                    "UPDATE entries SET last_seq = 1000",
                    "it ends with row 995, and the mark beside it has seen row 1000");
}

TEST(two_rows_in_each_others_place_are_found)
{
    check_tampering(1000,
                    "UPDATE events SET seq = -1 WHERE seq = 300;"
                    "UPDATE events SET seq = 300 WHERE seq = 302;"
                    "UPDATE events SET seq = 302 WHERE seq = -1",
                    "row 300 is not the one that was written");
}

TEST(a_row_before_the_first_is_found)
{
    check_tampering(1000,
                    "INSERT INTO events(seq, run, prev, kind, at, body, hash) "
                    "VALUES(0, 1, 0, 1, 1, '{}', zeroblob(32))",
                    "row 1 is not there");
}

TEST(a_changed_row_near_the_end_is_found_by_opening)
{
    struct store *store = opened();

    fill(store, 1000, 5);
    store_close(store);
    tamper(NO_TRIGGERS "UPDATE events SET body = '{}' WHERE seq = 800");
    CHECK_ERR(store_open(&store, in_dir("state"), &err), &err, ERR_CORRUPT);
    CHECK_HAS(err.text, "row 800 is not the one that was written");
    CHECK_HAS(err.text, "put a copy from a backup in its place");
}

TEST(rows_cut_off_at_the_end_are_found_by_opening_when_the_index_knows_them)
{
    struct store *store = opened();

    fill(store, 1000, 5);
    put(store, 1, 2, 0, 0, 50, "{}");
    commit(store);
    store_close(store);
    tamper(NO_TRIGGERS "DELETE FROM events WHERE seq > 995;"
                       "UPDATE entries SET last_seq = 1000");
    CHECK_ERR(store_open(&store, in_dir("state"), &err), &err, ERR_CORRUPT);
    CHECK_HAS(err.text, "it ends with row 995, and the mark beside it has seen row 1000");
}

/* Rows of this process, each with a hash that is right: the chain of a run is a matter of its own. */
TEST(a_run_whose_rows_do_not_each_name_the_row_before_is_found)
{
    static const struct {
        int64_t run[4], prev[4];
        int wrong; /* the number of the first row that is; 0: none */
    } rows[] = {
        { { 1, 1, 1, 1 }, { 0, 1, 2, 3 }, 0 }, { { 1, 2, 1, 2 }, { 0, 0, 1, 2 }, 0 },
        { { 1, 0, 1, 1 }, { 0, 0, 1, 3 }, 0 }, { { 1, 1, 1, 1 }, { 0, 1, 1, 3 }, 3 },
        { { 1, 1, 1, 1 }, { 0, 1, 2, 1 }, 4 }, { { 1, 1, 1, 1 }, { 0, 1, 0, 3 }, 3 },
        { { 1, 2, 1, 2 }, { 0, 1, 1, 2 }, 2 }, { { 1, 2, 1, 2 }, { 0, 0, 2, 2 }, 3 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct store *store = opened();
        int64_t count = 0;
        char text[128];

        for (int64_t seq = 1; seq <= 4; seq++)
            CHECK_OK(store_append(store,
                                  &(struct row){ .seq = seq,
                                                 .run = rows[i].run[seq - 1],
                                                 .prev = rows[i].prev[seq - 1],
                                                 .kind = 3,
                                                 .body = span_of("{}") },
                                  &err),
                     &err);
        commit(store);
        int rc = store_verify(store, &count, &err);
        store_close(store);
        CHECK_INT(rc, rows[i].wrong ? ERR_CORRUPT : 0);
        snprintf(text, sizeof text, "row %d does not follow the row before it in its run",
                 rows[i].wrong);
        if (rows[i].wrong)
            CHECK_HAS(err.text, text);
        snprintf(text, sizeof text, "rm -r '%s'", in_dir("state"));
        CHECK_INT(system(text), 0);
    }
}

TEST(the_database_itself_refuses_to_change_or_delete_a_row)
{
    struct store *store = opened();
    sqlite3 *db;

    fill(store, 3, 1);
    store_close(store);
    CHECK_INT(sqlite3_open(in_dir("state/journal.db"), &db), SQLITE_OK);
    CHECK_INT(sqlite3_exec(db, "UPDATE events SET kind = 1", NULL, NULL, NULL),
              SQLITE_CONSTRAINT);
    CHECK_INT(sqlite3_exec(db, "DELETE FROM events", NULL, NULL, NULL), SQLITE_CONSTRAINT);
    sqlite3_close(db);
}

/* -- Refusals ------------------------------------------------------------------------- */

TEST(a_second_process_is_refused_with_the_pid_of_the_first)
{
    struct store *store;
    int ready[2], end[2];
    char want[64], byte;

    check_dir();
    CHECK_INT(pipe(ready), 0);
    CHECK_INT(pipe(end), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(end[1]);
        store = opened();
        if (write(ready[1], "x", 1) != 1 || read(end[0], &byte, 1) != 0)
            _exit(1);
        _exit(0);
    }
    close(end[0]);
    CHECK_INT(read(ready[0], &byte, 1), 1);
    CHECK_ERR(store_open(&store, in_dir("state"), &err), &err, ERR_BUSY);
    snprintf(want, sizeof want, "process %d is already working in ", (int)pid);
    CHECK_HAS(err.text, want);
    CHECK_ERR(store_open_readonly(&store, in_dir("state"), &err), &err, ERR_BUSY);
    CHECK_HAS(err.text, "another process has the file open");
    close(end[1]);
    waitpid(pid, NULL, 0);
    store_close(opened());
}

TEST(a_journal_of_a_newer_version_is_refused)
{
    struct store *store = opened();

    store_close(store);
    tamper("PRAGMA user_version = 9");
    CHECK_ERR(store_open(&store, in_dir("state"), &err), &err, ERR_VERSION);
    CHECK_HAS(err.text, "a newer cordon made it (journal version 9, and this one knows 3)");
    CHECK_HAS(err.text, "install that cordon again");
}

static int64_t verified(struct store *store)
{
    int64_t rows = 0;

    CHECK_OK(store_verify(store, &rows, &err), &err);
    return rows;
}

/* Version 1 kept a time in ms and the number of an alert where row numbers belong, and its
 * check then took the journal for one whose end was cut off. */
TEST(a_journal_of_version_1_is_brought_up_to_date_and_verifies)
{
    struct store *store = opened();
    struct entry entry;

    fill(store, 5, 1);
    store_close(store);
    CHECK_INT(unlink(in_dir("state/journal.db-mark")), 0);
    tamper(
        "PRAGMA user_version = 1; DROP TABLE seals; DROP TABLE row_seals;"
        "INSERT INTO entries VALUES(11, 77, 0, 2, 0, 3, 1796000000000, NULL, NULL, '{}');"
        "INSERT INTO entries VALUES(11, 78, 1, 0, 0, 4, 9000, NULL, NULL, '{}');"
        "INSERT INTO entries VALUES(1, 2, 0, 4, 0, 2, 4, NULL, NULL, '{\"by\":\"x\"}')");
    store = opened();
    CHECK_INT(verified(store), 5);
    CHECK_OK(store_find(store, 11, 77, 0, &entry, &err), &err);
    CHECK_SPAN(entry.body, "{\"at\":1796000000000}");
    CHECK_INT(entry.last_seq, 3);
    CHECK_OK(store_find(store, 11, 78, 1, &entry, &err), &err);
    CHECK_SPAN(entry.body, "{\"i\":9000}");
    CHECK_INT(entry.last_seq, 4);
    CHECK_OK(store_find(store, 1, 2, 0, &entry, &err), &err);
    CHECK_SPAN(entry.body, "{\"by\":\"x\"}");
    CHECK_INT(entry.last_seq, 4);
    store_close(store);
}

TEST(an_entry_that_names_a_row_beyond_the_newest_is_refused)
{
    static const struct {
        int64_t first, last;
        bool is_taken;
    } cases[] = { { 0, 0, true },  { 4, 4, true },  { 1, 4, true },
                  { 5, 4, false }, { 4, 5, false }, { 3, INT64_C(1796000000000), false } };
    struct store *store = opened();

    fill(store, 4, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct entry entry = { .kind = 9, .run = 1, .body = span_of("{}") };

        entry.first_seq = cases[i].first;
        entry.last_seq = cases[i].last;
        if (cases[i].is_taken) {
            CHECK_OK(store_put(store, &entry, &err), &err);
            continue;
        }
        CHECK_ERR(store_put(store, &entry, &err), &err, ERR_INVALID);
        CHECK_HAS(err.text, "and the newest row is 4");
    }
    commit(store);
    CHECK_INT(verified(store), 4);
    store_close(store);
}

TEST(a_database_of_somebody_else_is_refused_and_left_as_it_is)
{
    struct store *store;

    CHECK_INT(mkdir(in_dir("state"), 0700), 0);
    tamper("CREATE TABLE shop(a)");
    CHECK_ERR(store_open(&store, in_dir("state"), &err), &err, ERR_CORRUPT);
    CHECK_HAS(err.text, "this is no journal of cordon");
    tamper("INSERT INTO shop VALUES(1)");
}

static void write_at(const char *path, const char *bytes, size_t len, off_t at)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    CHECK_INT(pwrite(fd, bytes, len, at), len);
    close(fd);
}

TEST(a_damaged_header_is_refused)
{
    struct store *store = opened();

    fill(store, 100, 10);
    store_close(store);
    write_at(in_dir("state/journal.db"), "garbage", 7, 0);
    CHECK_ERR(store_open(&store, in_dir("state"), &err), &err, ERR_CORRUPT);
    CHECK_HAS(err.text, "its header is damaged; keep the directory as it is");
}

TEST(a_damaged_page_is_refused)
{
    struct store *store = opened();
    char bytes[3000];

    memset(bytes, 0x5a, sizeof bytes);
    fill(store, 100, 10);
    store_close(store);
    write_at(in_dir("state/journal.db"), bytes, sizeof bytes, 2048);
    CHECK_ERR(store_open(&store, in_dir("state"), &err), &err, ERR_CORRUPT);
    CHECK_HAS(err.text, "backup");
}

static int first_page(void *arg, int count, char **values, char **names)
{
    (void)count;
    (void)names;
    *(long *)arg = strtol(values[0], NULL, 10);
    return 0;
}

TEST(a_damaged_page_of_the_index_is_refused)
{
    struct store *store = opened();
    char bytes[64];
    long page = 0;
    sqlite3 *db;

    fill(store, 10, 10);
    put(store, 1, 2, 0, 0, 50, "{}");
    commit(store);
    store_close(store);
    CHECK_INT(sqlite3_open(in_dir("state/journal.db"), &db), SQLITE_OK);
    CHECK_INT(sqlite3_exec(db,
                           "SELECT rootpage FROM sqlite_schema "
                           "WHERE name = 'entries_by_due'",
                           first_page, &page, NULL),
              SQLITE_OK);
    sqlite3_close(db);
    memset(bytes, 0x5a, sizeof bytes);
    write_at(in_dir("state/journal.db"), bytes, sizeof bytes, (page - 1) * 2048);
    CHECK_ERR(store_open(&store, in_dir("state"), &err), &err, ERR_CORRUPT);
    CHECK_HAS(err.text, "the file is damaged");
}

TEST(a_journal_cut_short_anywhere_is_refused)
{
    struct store *store = opened();
    struct stat st;
    char *path = xstrdup(in_dir("state/journal.db"));

    fill(store, 300, 10);
    store_close(store);
    CHECK_INT(stat(path, &st), 0);
    for (off_t len = st.st_size - 1; len > 0; len -= 1777) {
        CHECK_INT(truncate(path, len), 0);
        int rc = store_open(&store, in_dir("state"), &err);
        if (rc != ERR_CORRUPT)
            FAIL("cut to %ld bytes: code %d", (long)len, rc);
    }
    free(path);
}

TEST(an_empty_database_beside_a_wal_is_refused_and_the_wal_is_kept)
{
    struct store *store;
    struct stat st;

    check_dir();
    pid_t pid = fork();
    if (pid == 0) {
        fill(opened(), 10, 1);
        raise(SIGKILL);
    }
    waitpid(pid, NULL, 0);
    CHECK_INT(truncate(in_dir("state/journal.db"), 0), 0);
    CHECK_ERR(store_open(&store, in_dir("state"), &err), &err, ERR_CORRUPT);
    CHECK_HAS(err.text, "it is empty, and the WAL beside it is not");
    CHECK_INT(stat(in_dir("state/journal.db-wal"), &st), 0);
    CHECK(st.st_size > 0);
}

TEST(a_directory_that_others_may_write_is_refused)
{
    struct store *store;

    CHECK_INT(mkdir(in_dir("state"), 0700), 0);
    CHECK_INT(chmod(in_dir("state"), 0770), 0);
    CHECK_ERR(store_open(&store, in_dir("state"), &err), &err, ERR_DENIED);
    CHECK_HAS(err.text, "run chmod go-w on it");
}

TEST(a_directory_that_cannot_be_made_or_is_none_is_refused)
{
    struct store *store;

    CHECK_ERR(store_open(&store, "/proc/nowhere/state", &err), &err, ERR_IO);
    CHECK_HAS(err.text,
              "make the directory /proc/nowhere/state: No such file or directory");
    CHECK_ERR(store_open(&store, "/proc/self/status", &err), &err, ERR_IO);
    CHECK_HAS(err.text, "is no directory");
}

TEST(a_directory_that_cannot_be_written_is_refused)
{
    check_dir();
    store_close(opened());
    CHECK_INT(chmod(in_dir("state"), 0500), 0);
    CHECK_INT(chmod(check_dir(), 0711), 0);
    CHECK_INT(chown(in_dir("state"), 65534, 65534), 0);
    CHECK_INT(chown(in_dir("state/lock"), 65534, 65534), 0);
    CHECK_INT(unlink(in_dir("state/journal.db")), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct store *store;
        CHECK_INT(setgid(65534), 0);
        CHECK_INT(setuid(65534), 0);
        CHECK_ERR(store_open(&store, in_dir("state"), &err), &err, ERR_IO);
        CHECK_HAS(err.text, "must be writable for this user");
        _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    CHECK_INT(status, 0);
}

TEST(a_full_disk_fails_the_commit_and_what_was_committed_is_there_again)
{
    struct store *store = opened();
    struct rlimit was, now;
    char body[1000];
    int64_t seq = 0, committed = 0, rows = 0;
    int rc = 0;

    memset(body, 'x', sizeof body);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &was);
    now = was;
    now.rlim_cur = 200 * 1024;
    setrlimit(RLIMIT_FSIZE, &now);
    while (rc == 0 && seq < 1000) {
        struct row row = { .seq = seq + 1, .body = { body, sizeof body } };
        rc = store_append(store, &row, &err);
        if (rc == 0)
            rc = store_commit(store, &err);
        seq++;
        committed = rc == 0 ? seq : committed;
    }
    setrlimit(RLIMIT_FSIZE, &was);
    CHECK_INT(rc, ERR_IO);
    CHECK_HAS(err.text, "journal.db: disk I/O error (sqlite ");
    CHECK_ERR(store_commit(store, &err), &err, ERR_IO);
    CHECK_HAS(err.text, "it must be opened again first");
    store_close(store);
    store = opened();
    CHECK(committed > 10);
    CHECK_INT(last_seq(store), committed);
    CHECK_OK(store_verify(store, &rows, &err), &err);
    store_close(store);
}

TEST(a_copy_is_read_where_nothing_can_be_written)
{
    struct store *store = opened();
    struct seen seen = { 0 };
    struct stat st;
    int64_t rows;

    fill(store, 10, 1);
    store_close(store);
    CHECK_OK(store_open_readonly(&store, in_dir("state"), &err), &err);
    CHECK_OK(store_each(store, 4, see, &seen, &err), &err);
    CHECK_INT(seen.count, 7);
    CHECK_OK(store_verify(store, &rows, &err), &err);
    store_close(store);
    CHECK(stat(in_dir("state/journal.db-wal"), &st) != 0);
    CHECK(stat(in_dir("state/journal.db-shm"), &st) != 0);
    str_fini(&seen.text);
}

TEST(nobody_else_can_read_what_is_written)
{
    struct store *store = opened();
    static const char *const names[] = { "state", "state/journal.db",
                                         "state/journal.db-wal", "state/lock" };

    fill(store, 1, 1);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct stat st;
        CHECK_INT(stat(in_dir(names[i]), &st), 0);
        CHECK_INT(st.st_mode & 077, 0);
    }
    store_close(store);
}
