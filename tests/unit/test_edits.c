/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody writes to journal.db: each edit of the table in docs/threats.md is found at a
 * start, or cannot be given out; and doctor finds it.
 *
 * The journal has an entry of each kind, and rows enough for many seals. An edit is done to a
 * copy. Then:
 *
 *   refused      opening fails
 *   made anew    opening says that the index was edited, and afterwards it is, entry for entry,
 *                what it was before the edit: so nothing that withheld is lost, and nothing is
 *                allowed
 *   never read   opening does not find it, as it is far from the end; but reading ends with an
 *                error before a row that is not as it was is given out
 */
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/err.h"
#include "power_vfs.h"
#include "serve/index.h"
#include "sim/book.h"
#include "store/chain.h"

enum { PADDING = 500, EDITS_MAX = 200, INDEX_EDITS_WANTED = 60, ROW_EDITS_WANTED = 40 };

static struct err err;

static const char *in_dir(const char *name)
{
    static char paths[4][256];
    static unsigned turn;
    char *path = paths[turn++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", check_dir(), name);
    return path;
}

/* -- The journal ---------------------------------------------------------------------- */

static const struct w_wish holding[] = {
    { 1, "0", 1, "step", "noop.set",
      "{\"expires\":\"24h\",\"on_expire\":\"ask\",\"target\":\"t\",\"value\":\"new\"}" },
    END
};
static const struct w_wish gated[] = { SET("0", 1, 1, "a"), APPROVE(2, 2), END };
static const struct w_wish calling[] = { SET("0", 1, 1, "b"),
                                         { 2, "0", 2, "call", "",
                                           "{\"params\":{},\"playbook\":\"p\"}" },
                                         END };
static const struct w_wish sleeping[] = { SET("0", 1, 1, "c"),
                                          { 2, "0", 2, "sleep", "", "{\"ms\":600000000}" },
                                          END };

/* Rows of no run, of each kind that has an entry. */
static const struct {
    int kind;
    const char *body;
} globals[] = {
    { ROW_PLAYBOOK,
      "{\"by\":\"ann\",\"hash\":\"h\",\"info\":{},\"name\":\"q\",\"source\":\"x\"}" },
    { ROW_HALT,
      "{\"at\":1,\"i\":1,\"on\":true,\"scope\":\"plugin:noop\",\"who\":\"bob\"}" },
    { ROW_HALT, "{\"at\":1,\"i\":2,\"on\":true,\"scope\":\"all\",\"who\":\"bob\"}" },
    { ROW_HALT, "{\"at\":2,\"i\":2,\"on\":false,\"scope\":\"all\",\"who\":\"bob\"}" },
    { ROW_BREAK_GLASS,
      "{\"at\":1,\"due\":9,\"gates\":[1],\"i\":1,\"need\":1,\"reviews\":[],"
      "\"run\":2,\"who\":\"eve\"}" },
    { ROW_KEY, "{\"at\":1,\"fp\":\"SHA256:a\",\"i\":1,\"on\":true,\"person\":\"mary\"}" },
    { ROW_KEY, "{\"at\":2,\"fp\":\"SHA256:b\",\"i\":2,\"on\":true,\"person\":\"carl\"}" },
    { ROW_KEY, "{\"at\":3,\"fp\":\"SHA256:b\",\"i\":2,\"on\":false,\"person\":\"carl\"}" },
    { ROW_ACCOUNT,
      "{\"at\":1,\"i\":1,\"name\":\"ann\",\"on\":true,\"roles\":[\"viewer\"]}" },
    { ROW_ACCOUNT,
      "{\"at\":1,\"i\":2,\"name\":\"eve\",\"on\":true,\"roles\":[\"admin\"]}" },
    { ROW_ACCOUNT,
      "{\"at\":2,\"i\":2,\"name\":\"eve\",\"on\":false,\"roles\":[\"admin\"]}" },
    { ROW_TOKEN, "{\"at\":1,\"i\":1,\"id\":\"aa\",\"name\":\"ci\",\"on\":true}" },
    { ROW_TOKEN, "{\"at\":2,\"i\":1,\"id\":\"aa\",\"name\":\"ci\",\"on\":false}" },
    { ROW_ONCE, "{\"at\":1,\"body\":\"b\",\"exit\":0,\"i\":1,\"key\":\"k\",\"reply\":{},"
                "\"who\":\"bob\"}" },
    { ROW_DELIVERY, "{\"id\":\"d\",\"key\":41,\"proof\":\"hmac\",\"raw\":\"{}\","
                    "\"source\":\"s\"}" },
    { ROW_DELIVERY, "{\"id\":\"e\",\"key\":42,\"proof\":\"hmac\",\"raw\":\"{}\","
                    "\"source\":\"s\"}" },
    { ROW_ALERT,
      "{\"alert\":{\"id\":\"x\"},\"card\":{\"id\":\"x\",\"title\":\"T\"},\"i\":1,"
      "\"key\":77}" },
    { ROW_ALERT_NOTE, "{\"card\":{\"id\":\"x\",\"routed\":true,\"title\":\"T\"},\"i\":1,"
                      "\"k\":\"routed\",\"of\":1}" },
    { ROW_ALERT,
      "{\"alert\":{\"id\":\"y\"},\"card\":{\"id\":\"y\",\"title\":\"U\"},\"i\":2,"
      "\"key\":78}" },
    { ROW_ALERT_NOTE, "{\"k\":\"read\",\"n\":1,\"read\":{\"key\":42,\"of\":2,\"s\":2}}" },
    { ROW_ALERT_NOTE, "{\"k\":\"storm\",\"storm\":{\"count\":3,\"key\":9,\"name\":\"r\","
                      "\"on\":true,\"until\":99}}" },
    { ROW_ALERT_NOTE, "{\"i\":1,\"k\":\"planned\",\"plan\":{},\"playbook\":\"p\"}" },
    { ROW_NOTICE,
      "{\"ch\":\"mail\",\"k\":\"gate\",\"of\":2,\"s\":\"failed\",\"tries\":5}" },
    { ROW_NOTICE, "{\"ch\":\"mail\",\"k\":\"gate\",\"of\":4,\"s\":\"sent\",\"tries\":1}" },
    { ROW_CURSOR, "{\"after\":\"a\",\"name\":\"graph\",\"since\":\"2026-01-01\"}" },
    { ROW_CURSOR, "{\"after\":\"b\",\"name\":\"graph\",\"since\":\"2026-01-02\"}" },
};

static int put_made(struct store *store, const struct turn *turn)
{
    int count = 0;

    for (int i = 0; i < turn->item_count; i++) {
        const struct turn_entry *from = &turn->items[i].entry;
        struct entry entry = { .kind = from->kind,
                               .run = from->run,
                               .n = from->n,
                               .state = from->state,
                               .due_ms = from->due_ms,
                               .first_seq = from->first_seq,
                               .last_seq = from->last_seq,
                               .body = from->body };

        CHECK_OK(store_put(store, &entry, &err), &err);
        count++;
    }
    return count;
}

static void write_global(struct store *store, int kind, const char *body)
{
    struct engine *engine = engine_new();
    struct turn *turn = turn_new();
    struct store_stat stat;

    store_stat(store, &stat);
    struct row row = { .seq = stat.last_seq + 1,
                       .kind = kind,
                       .at_ms = 1000000 + stat.last_seq,
                       .body = span_of(body) };
    struct event_row event_row = {
        .seq = row.seq, .kind = kind, .at_ms = row.at_ms, .body = row.body
    };
    CHECK_OK(store_append(store, &row, &err), &err);
    engine_reindex(engine,
                   &(struct event){ .kind = EV_ROWS, .rows = &event_row, .count = 1 },
                   turn);
    CHECK(put_made(store, turn) > 0);
    engine_free(engine);
    turn_free(turn);
}

/* A commit each, for the first ones; then four rows a commit. */
static void write_globals(struct store *store)
{
    char body[100];

    for (size_t i = 0; i < sizeof globals / sizeof *globals; i++) {
        write_global(store, globals[i].kind, globals[i].body);
        CHECK_OK(store_commit(store, &err), &err);
    }
    for (int i = 0; i < PADDING; i++) {
        snprintf(body, sizeof body, "{\"after\":\"x%d\",\"name\":\"feed\",\"since\":\"s\"}",
                 i);
        write_global(store, ROW_CURSOR, body);
        if (i % 4 == 3)
            CHECK_OK(store_commit(store, &err), &err);
    }
    CHECK_OK(store_commit(store, &err), &err);
}

static void copy_file(const char *from, const char *to)
{
    char bytes[64 * 1024];
    size_t len;
    FILE *in = fopen(from, "rbe");

    unlink(to);
    if (in == NULL)
        return;
    FILE *out = fopen(to, "wbe");
    CHECK(out != NULL);
    while ((len = fread(bytes, 1, sizeof bytes, in)) > 0)
        CHECK_INT((int)fwrite(bytes, 1, len, out), (int)len);
    fclose(in);
    fclose(out);
}

/* The journal of one directory, over that of another. */
static void copy(const char *from, const char *to)
{
    static const char *const names[] = { "journal.db", "journal.db-wal",
                                         "journal.db-mark" };
    char source[300], target[300];

    mkdir(to, 0700);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(source, sizeof source, "%s/%s", from, names[i]);
        snprintf(target, sizeof target, "%s/%s", to, names[i]);
        copy_file(source, target);
    }
}

/* base: the journal; older: as it was some commits before its end. */
static void make_base(void)
{
    struct world *w = w_new(7, holding);
    struct store *store;

    CHECK_OK(store_open(&store, in_dir("base"), &err), &err);
    w->on_commit = book_write;
    w->on_commit_arg = store;
    w_policy_is(w, w_open_policy);
    w->approves = false;
    w->scripts[2] = gated;
    w->scripts[3] = calling;
    w->scripts[4] = sleeping;
    for (int run = 1; run <= 3; run++) {
        w_start_run(w);
        w_pump(w);
    }
    w_free(w);
    write_globals(store);
    store_close(store);
    copy(in_dir("base"), in_dir("older"));
    CHECK_OK(store_open(&store, in_dir("base"), &err), &err);
    for (int i = 0; i < 3; i++) {
        write_global(store, ROW_CURSOR, globals[25].body);
        CHECK_OK(store_commit(store, &err), &err);
    }
    store_close(store);
}

/* -- What an attacker can do beside SQL ------------------------------------------------- */

static struct {
    int64_t from, to;
    bool is_older;
} asked;

static void on_rechain(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    asked.from = sqlite3_value_int64(values[0]);
    asked.to = sqlite3_value_int64(values[1]);
    sqlite3_result_null(context);
}

static void on_older(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    (void)values;
    asked.is_older = true;
    sqlite3_result_null(context);
}

static void must(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        FAIL("%s: %s", sql, sqlite3_errmsg(db));
}

/* The chain has no key: whoever edits a row computes the hashes behind it anew. */
static void rechain(sqlite3 *db)
{
    sqlite3_stmt *ask, *set;
    struct hash hash = { { 0 } };

    CHECK_INT(
        sqlite3_prepare_v2(db,
                           "SELECT seq, run, prev, kind, at, body, epoch, "
                           "length(hash), hash FROM events WHERE seq > 0 ORDER BY seq",
                           -1, &ask, NULL),
        SQLITE_OK);
    CHECK_INT(sqlite3_prepare_v2(db, "UPDATE events SET hash = ?1 WHERE seq = ?2", -1, &set,
                                 NULL),
              SQLITE_OK);
    while (sqlite3_step(ask) == SQLITE_ROW) {
        struct row row = { .seq = sqlite3_column_int64(ask, 0),
                           .run = sqlite3_column_int64(ask, 1),
                           .prev = sqlite3_column_int64(ask, 2),
                           .kind = sqlite3_column_int(ask, 3),
                           .at_ms = sqlite3_column_int64(ask, 4),
                           .body = { (const char *)sqlite3_column_text(ask, 5),
                                     (size_t)sqlite3_column_bytes(ask, 5) },
                           .epoch = sqlite3_column_int64(ask, 6),
                           .has_epoch = sqlite3_column_type(ask, 6) != SQLITE_NULL };
        int len = sqlite3_column_int(ask, 7) == HASH_LEN ? HASH_LEN : CHAIN_SHORT;

        hash = chain_next(hash, &row);
        if (row.seq < asked.from || row.seq > asked.to)
            continue;
        sqlite3_bind_blob(set, 1, hash.bytes, len, SQLITE_STATIC);
        sqlite3_bind_int64(set, 2, row.seq);
        CHECK_INT(sqlite3_step(set), SQLITE_DONE);
        sqlite3_reset(set);
    }
    sqlite3_finalize(ask);
    sqlite3_finalize(set);
}

static void edit(const char *dir, const char *sql)
{
    char path[300];
    sqlite3 *db;

    memset(&asked, 0, sizeof asked);
    snprintf(path, sizeof path, "%s/journal.db", dir);
    CHECK_INT(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, "unix"), SQLITE_OK);
    sqlite3_create_function(db, "rechain", 2, SQLITE_UTF8, NULL, on_rechain, NULL, NULL);
    sqlite3_create_function(db, "older_copy", 0, SQLITE_UTF8, NULL, on_older, NULL, NULL);
    must(db, "PRAGMA synchronous = OFF");
    must(db, "DROP TRIGGER events_are_not_changed; DROP TRIGGER events_are_not_deleted");
    must(db, sql);
    if (asked.to > 0)
        rechain(db);
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
    if (asked.is_older) {
        char from[300];

        snprintf(from, sizeof from, "%s", in_dir("older/journal.db"));
        copy_file(from, path);
    }
}

/* -- The table -------------------------------------------------------------------------- */

enum found { REFUSED, MADE_ANEW, NEVER_READ };

struct edited {
    char *what, *sql;
    enum found found;
    bool is_index;
};

static struct edited edits[EDITS_MAX];
static int edit_count;

static char *between(const char *line, const char *start, const char *end)
{
    const char *at = strstr(line, start);
    const char *to = at == NULL ? NULL : strstr(at + strlen(start), end);

    if (to == NULL)
        FAIL("no %s...%s in: %s", start, end, line);
    at += strlen(start);
    return span_dup((struct span){ at, (size_t)(to - at) });
}

static void read_table(void)
{
    FILE *file = fopen("docs/threats.md", "re");
    char line[1000];
    bool is_index = false, is_rows = false;

    CHECK(file != NULL);
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "### ", 4) == 0 || strncmp(line, "## ", 3) == 0) {
            is_index = strcmp(line, "### Edits of the index\n") == 0;
            is_rows = strcmp(line, "### Edits of rows\n") == 0;
        }
        if (!(is_index || is_rows) || strstr(line, "| `") == NULL)
            continue;
        CHECK(edit_count < EDITS_MAX);
        struct edited *one = &edits[edit_count++];
        char *found = between(line, "` | ", " |");
        one->what = between(line, "| ", " |");
        one->sql = between(line, "| `", "` |");
        one->is_index = is_index;
        one->found = strcmp(found, "refused") == 0     ? REFUSED
                     : strcmp(found, "made anew") == 0 ? MADE_ANEW
                                                       : NEVER_READ;
        CHECK(one->found != NEVER_READ || strcmp(found, "never read") == 0);
        free(found);
    }
    fclose(file);
}

/* -- Before and after ------------------------------------------------------------------- */

/* Of a run that is not over the state and the time of its next step are of the moment. */
static int add_entry(const struct entry *entry, void *arg)
{
    bool is_open = entry->kind == ENTRY_RUN && entry->state <= RUN_STUCK;

    if (entry->kind == ENTRY_RECORD)
        return 0;
    str_printf(arg, "%d %lld %d %d %lld %lld %lld %.*s\n", entry->kind,
               (long long)entry->run, entry->n, is_open ? 0 : entry->state,
               is_open ? 0LL : (long long)entry->due_ms, (long long)entry->first_seq,
               (long long)entry->last_seq, is_open ? 0 : (int)entry->body.len,
               entry->body.ptr);
    return 0;
}

static int add_row(const struct row *row, void *arg)
{
    if (row->kind != ROW_RECORD)
        str_printf(arg, "%lld %lld %lld %d %lld %.*s\n", (long long)row->seq,
                   (long long)row->run, (long long)row->prev, row->kind,
                   (long long)row->at_ms, (int)row->body.len, row->body.ptr);
    return 0;
}

static struct str base_rows, base_entries;

static bool begins(const struct str *whole, const struct str *text)
{
    return text->len <= whole->len &&
           memcmp(str_text(whole), str_text(text), text->len) == 0;
}

static void look_at_base(void)
{
    struct index_diff diff = { 0 };
    struct str said = { 0 };
    struct store *store;

    CHECK_OK(store_open(&store, in_dir("base"), &err), &err);
    CHECK_OK(index_open(store, &said, &err), &err);
    CHECK_STR(str_text(&said), "");
    CHECK_OK(index_compare(store, &diff, &err), &err);
    CHECK_STR(str_text(&diff.first), "");
    CHECK_OK(store_each(store, 1, add_row, &base_rows, &err), &err);
    CHECK_OK(store_each_entry_at_all(store, add_entry, &base_entries, &err), &err);
    for (int kind = ENTRY_RUN; kind <= ENTRY_ALERT_PLAN; kind++) {
        int64_t count = 0, all = 0;

        for (int state = 0; state <= RUN_BLOCKED; state++) {
            CHECK_OK(store_count(store, kind, state, &count, &err), &err);
            all += count;
        }
        if (all == 0 && kind != 8) /* there is no kind 8 */
            FAIL("the journal has no entry of kind %d", kind);
    }
    store_close(store);
}

/* As a start does it. */
static void check_start(const struct edited *one, const char *dir)
{
    struct str said = { 0 }, rows = { 0 }, entries = { 0 };
    struct store *store;
    int rc = store_open(&store, dir, &err);

    if (rc != 0) {
        if (one->found != REFUSED || rc != ERR_CORRUPT)
            FAIL("%s: %s", one->what, err.text);
        return;
    }
    rc = index_open(store, &said, &err);
    if ((rc != 0) != (one->found == REFUSED) ||
        (rc == 0 && (said.len > 0) != (one->found == MADE_ANEW)))
        FAIL("%s: opened, %s", one->what, rc != 0 ? err.text : str_text(&said));
    if (rc == 0) {
        rc = store_each(store, 1, add_row, &rows, &err);
        if (!begins(&base_rows, &rows) || (rc == 0 && rows.len != base_rows.len))
            FAIL("%s: rows that were not written are given out", one->what);
        CHECK_OK(store_each_entry_at_all(store, add_entry, &entries, &err), &err);
        CHECK_STR(str_text(&entries), str_text(&base_entries));
    }
    store_close(store);
    str_fini(&said);
    str_fini(&rows);
    str_fini(&entries);
}

/* As doctor does it, where no start was before. Returns if comparing with the rows found it,
 * too. */
static bool check_doctor(const struct edited *one, const char *dir)
{
    struct index_diff diff = { 0 };
    struct str why = { 0 };
    struct store *store;
    int64_t seen;

    if (store_open(&store, dir, &err) != 0)
        return false;
    bool is_found = store_verify(store, &seen, &err) != 0;
    CHECK_OK(store_check_index(store, &why, &err), &err);
    bool is_compared = index_compare(store, &diff, &err) == 0 && diff.wrong > 0;
    if (!is_found && why.len == 0 && !is_compared)
        FAIL("%s: doctor does not find it", one->what);
    store_close(store);
    str_fini(&why);
    str_fini(&diff.first);
    return is_compared;
}

TEST(each_edit_of_the_table_is_found_at_a_start_or_given_out_by_nobody_and_found_by_doctor)
{
    int index = 0, rows = 0, compared = 0;

    hash_setup();
    power_setup(); /* its disk does not sync, which would take most of the time */
    make_base();
    look_at_base();
    read_table();
    for (int i = 0; i < edit_count; i++) {
        const struct edited *one = &edits[i];

        copy(in_dir("base"), in_dir("edited"));
        edit(in_dir("edited"), one->sql);
        copy(in_dir("edited"), in_dir("looked"));
        check_start(one, in_dir("edited"));
        compared += check_doctor(one, in_dir("looked"));
        index += one->is_index;
        rows += !one->is_index;
    }
    printf(
        "      %d edits of the index, %d found by comparing it with the rows; %d of rows\n",
        index, compared, rows);
    CHECK(index >= INDEX_EDITS_WANTED && rows >= ROW_EDITS_WANTED && compared >= 50);
}
