/* SPDX-License-Identifier: Apache-2.0 */
#include "store/seal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/chain.h"
#include "store/inside.h"

/* -- Tags ----------------------------------------------------------------------------- */

static void add_int(struct str *bytes, int64_t value)
{
    unsigned char le[8];

    for (int i = 0; i < 8; i++)
        le[i] = (unsigned char)((uint64_t)value >> (8 * i));
    str_add(bytes, le, sizeof le);
}

static uint64_t half(const unsigned char *at)
{
    uint64_t value = 0;

    for (int i = 0; i < 8; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static struct hash_tag tag_of(struct store *store)
{
    struct str *bytes = &store->seal.bytes;

    return hash_tag(store->mark.key, str_text(bytes), bytes->len);
}

/* The body is last, and all before it has one length: no two entries give the same bytes. */
static struct hash_tag entry_tag(struct store *store, const struct entry *entry)
{
    struct str *bytes = &store->seal.bytes;

    str_reset(bytes);
    add_int(bytes, 'e');
    add_int(bytes, entry->kind);
    add_int(bytes, entry->run);
    add_int(bytes, entry->n);
    add_int(bytes, entry->state);
    add_int(bytes, entry->due_ms);
    add_int(bytes, entry->first_seq);
    add_int(bytes, entry->last_seq);
    str_add_span(bytes, entry->body);
    return tag_of(store);
}

static struct hash_tag row_tag(struct store *store, int64_t seq, struct hash hash)
{
    struct str *bytes = &store->seal.bytes;

    str_reset(bytes);
    add_int(bytes, 'r');
    add_int(bytes, seq);
    str_add(bytes, hash.bytes, HASH_LEN);
    return tag_of(store);
}

static struct hash_tag commit_tag(struct store *store)
{
    struct seal *seal = &store->seal;
    struct str *bytes = &seal->bytes;

    str_reset(bytes);
    add_int(bytes, 'c');
    add_int(bytes, seal->commits);
    add_int(bytes, store->stat.last_seq);
    str_add(bytes, store->stat.last_hash.bytes, HASH_LEN);
    str_add(bytes, seal->meta.bytes, sizeof seal->meta.bytes);
    for (int i = 0; i < seal->count; i++) {
        const struct seal_class *class = &seal->classes[i];

        add_int(bytes, class->kind);
        add_int(bytes, class->state);
        add_int(bytes, class->count);
        add_int(bytes, (int64_t) class->low);
        add_int(bytes, (int64_t) class->high);
    }
    return tag_of(store);
}

/* -- Sums ----------------------------------------------------------------------------- */

static struct seal_class *class_of(struct seal *seal, int32_t kind, int32_t state)
{
    int at = 0;

    while (at < seal->count &&
           (seal->classes[at].kind < kind ||
            (seal->classes[at].kind == kind && seal->classes[at].state < state)))
        at++;
    struct seal_class *class = &seal->classes[at];
    if (at < seal->count && class->kind == kind && class->state == state)
        return class;
    if (seal->count == SEAL_CLASSES_MAX)
        return NULL;
    memmove(class + 1, class, (size_t)(seal->count - at) * sizeof *class);
    *class = (struct seal_class){ .kind = kind, .state = state, .is_dirty = true };
    seal->count++;
    return class;
}

static void add_tag(struct seal_class *class, struct hash_tag tag)
{
    uint64_t low = half(tag.bytes);

    class->low += low;
    class->high += half(tag.bytes + 8) + (class->low < low);
    class->count++;
    class->is_dirty = true;
}

static void take_tag(struct seal_class *class, struct hash_tag tag)
{
    uint64_t low = half(tag.bytes);

    class->high -= half(tag.bytes + 8) + (class->low < low);
    class->low -= low;
    class->count--;
    class->is_dirty = true;
}

static int too_many(const struct store *store, struct err *err)
{
    return err_set(err, ERR_TOO_BIG,
                   "index %s: more than %d kinds of entries in different states",
                   store->db.path, SEAL_CLASSES_MAX);
}

static int sum_entry(struct store *store, struct seal *seal, const struct entry *entry,
                     struct err *err)
{
    struct seal_class *class = class_of(seal, entry->kind, entry->state);

    if (class == NULL)
        return too_many(store, err);
    add_tag(class, entry_tag(store, entry));
    return 0;
}

int seal_entry(struct store *store, const struct entry *entry, struct err *err)
{
    sqlite3_stmt *find = db_ask(&store->db, DB_FIND, err);
    int result = 0;

    if (find == NULL)
        return err->code;
    sqlite3_bind_int(find, 1, entry->kind);
    sqlite3_bind_int64(find, 2, entry->run);
    sqlite3_bind_int(find, 3, entry->n);
    int rc = sqlite3_step(find);
    if (rc == SQLITE_ROW) {
        struct entry old = inside_entry(find);
        struct seal_class *class = class_of(&store->seal, old.kind, old.state);

        if (class != NULL)
            take_tag(class, entry_tag(store, &old));
    } else if (rc != SQLITE_DONE) {
        result = db_fail(&store->db, rc, "read the index in", err);
    }
    db_done(&store->db, DB_FIND, find);
    return result == 0 ? sum_entry(store, &store->seal, entry, err) : result;
}

void seal_no_entries(struct store *store)
{
    for (int i = 0; i < store->seal.count; i++) {
        struct seal_class *class = &store->seal.classes[i];

        class->count = 0;
        class->low = class->high = 0;
        class->is_dirty = true;
    }
}

/* -- Written -------------------------------------------------------------------------- */

int seal_row(struct store *store, int64_t seq, struct hash hash, struct err *err)
{
    struct hash_tag tag = row_tag(store, seq, hash);
    sqlite3_stmt *put = db_ask(&store->db, DB_PUT_ROW_SEAL, err);

    if (put == NULL)
        return err->code;
    sqlite3_bind_int64(put, 1, seq);
    sqlite3_bind_blob(put, 2, tag.bytes, sizeof tag.bytes, SQLITE_STATIC);
    int rc = sqlite3_step(put);
    if (rc != SQLITE_DONE)
        db_fail(&store->db, rc, "append to", err);
    db_done(&store->db, DB_PUT_ROW_SEAL, put);
    return rc == SQLITE_DONE ? 0 : err->code;
}

static int put_class(struct store *store, int32_t kind, int32_t state, int64_t count,
                     const void *sum, struct err *err)
{
    sqlite3_stmt *put = db_ask(&store->db, DB_PUT_SEAL, err);

    if (put == NULL)
        return err->code;
    sqlite3_bind_int(put, 1, kind);
    sqlite3_bind_int(put, 2, state);
    sqlite3_bind_int64(put, 3, count);
    sqlite3_bind_blob(put, 4, sum, HASH_TAG_LEN, SQLITE_STATIC);
    int rc = sqlite3_step(put);
    if (rc != SQLITE_DONE)
        db_fail(&store->db, rc, "write the index in", err);
    db_done(&store->db, DB_PUT_SEAL, put);
    return rc == SQLITE_DONE ? 0 : err->code;
}

int seal_commit(struct store *store, struct err *err)
{
    struct seal *seal = &store->seal;

    for (int i = 0; i < seal->count; i++) {
        struct seal_class *class = &seal->classes[i];

        if (!class->is_dirty)
            continue;
        str_reset(&seal->bytes);
        add_int(&seal->bytes, (int64_t) class->low);
        add_int(&seal->bytes, (int64_t) class->high);
        if (put_class(store, class->kind, class->state, class->count,
                      str_text(&seal->bytes), err) != 0)
            return err->code;
        class->is_dirty = false;
    }
    seal->commits++;
    seal->tag = commit_tag(store);
    return put_class(store, 0, 0, seal->commits, seal->tag.bytes, err);
}

int seal_mark(struct store *store, struct err *err)
{
    return mark_set(&store->mark, store->seal.commits, store->stat.last_seq,
                    store->stat.last_hash, err);
}

/* -- Read and checked ----------------------------------------------------------------- */

/* The table that says when the journal was made; nothing else is in it. */
static int read_meta(struct store *store, struct err *err)
{
    static const unsigned char none[HASH_KEY_LEN];
    sqlite3_stmt *ask = NULL;
    struct str bytes = { 0 };

    int rc =
        sqlite3_prepare_v2(store->db.sqlite, "SELECT name, value FROM meta ORDER BY name",
                           -1, &ask, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(ask)) == SQLITE_ROW) {
        for (int i = 0; i < 2; i++) {
            str_add_span(&bytes, db_span(ask, i));
            str_add_char(&bytes, '\n');
        }
        rc = SQLITE_OK;
    }
    sqlite3_finalize(ask);
    store->seal.meta = hash_tag(none, str_text(&bytes), bytes.len);
    str_fini(&bytes);
    return rc == SQLITE_DONE ? 0 : db_fail(&store->db, rc, "read", err);
}

static void take_class(struct seal *seal, sqlite3_stmt *ask)
{
    struct span sum = db_span(ask, 3);
    int32_t kind = sqlite3_column_int(ask, 0), state = sqlite3_column_int(ask, 1);

    if (sum.len != HASH_TAG_LEN)
        return; /* then the tag over all does not fit either */
    if (kind == 0) {
        seal->is_there = true;
        seal->commits = sqlite3_column_int64(ask, 2);
        memcpy(seal->tag.bytes, sum.ptr, sum.len);
        return;
    }
    struct seal_class *class = class_of(seal, kind, state);
    if (class == NULL)
        return;
    const unsigned char *at = (const unsigned char *)sum.ptr;
    *class = (struct seal_class){ .kind = kind,
                                  .state = state,
                                  .count = sqlite3_column_int64(ask, 2),
                                  .low = half(at),
                                  .high = half(at + 8) };
}

int seal_read(struct store *store, struct err *err)
{
    sqlite3_stmt *ask = NULL;

    int rc =
        sqlite3_prepare_v2(store->db.sqlite, "SELECT kind, state, count, sum FROM seals",
                           -1, &ask, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(ask)) == SQLITE_ROW) {
        take_class(&store->seal, ask);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(ask);
    if (rc != SQLITE_DONE)
        return db_fail(&store->db, rc, "read", err);
    return read_meta(store, err);
}

#define ACCEPT                                                                         \
    "if that is what you want, `cordon doctor --accept --reason TEXT` takes it as it " \
    "is, and journals the reason"

static int rewound(const struct store *store, struct err *err)
{
    const struct mark *mark = &store->mark;

    return err_set(
        err, ERR_CORRUPT,
        "open %s: it ends with row %" PRId64
        ", and the mark beside it has seen row %" PRId64
        ": this is an older copy, or its end was cut off. What was done since is not in "
        "it. Put the newest copy in its place; " ACCEPT,
        store->db.path, store->stat.last_seq, mark->seq);
}

/* The row that the mark names ended a commit, and has its whole hash. */
static int check_mark(struct store *store, struct err *err)
{
    const struct mark *mark = &store->mark;
    struct span kept = { 0 };

    if (store->seal.commits < mark->commits || store->stat.last_seq < mark->seq)
        return rewound(store, err);
    if (mark->seq == 0)
        return 0;
    if (inside_check_segment(store, mark->seq, err) != 0)
        return err->code;
    sqlite3_stmt *ask = db_ask(&store->db, DB_ROW, err);
    if (ask == NULL)
        return err->code;
    sqlite3_bind_int64(ask, 1, mark->seq);
    int rc = sqlite3_step(ask);
    if (rc == SQLITE_ROW)
        inside_row(ask, &kept);
    bool is_same = rc == SQLITE_ROW && kept.len == HASH_LEN &&
                   memcmp(kept.ptr, mark->hash.bytes, HASH_LEN) == 0;
    db_done(&store->db, DB_ROW, ask);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return db_fail(&store->db, rc, "read", err);
    if (is_same)
        return 0;
    return err_set(err, ERR_CORRUPT,
                   "open %s: row %" PRId64
                   " is another one than the mark beside it has seen: "
                   "this is another journal, or its rows were made anew. Put the newest "
                   "copy in its place; " ACCEPT,
                   store->db.path, mark->seq);
}

static int no_mark(const struct store *store, struct err *err)
{
    return err_set(err, ERR_CORRUPT,
                   "open %s: the mark beside it (journal.db-mark) is not there or is "
                   "damaged, so that nobody can say if this is the newest journal. Copy "
                   "both files together; " ACCEPT,
                   store->db.path);
}

int seal_check(struct store *store, struct err *err)
{
    if (!store->seal.is_there)
        return store->mark.commits > 0 ? rewound(store, err) : 0;
    if (!store->mark.is_there)
        return store->is_readonly ? 0 : no_mark(store, err);
    if (store->seal.commits < store->mark.commits || store->stat.last_seq < store->mark.seq)
        return rewound(store, err);
    if (!hash_tag_equal(store->seal.tag, commit_tag(store)))
        return err_set(err, ERR_CORRUPT,
                       "open %s: its seal does not fit its last row, %" PRId64
                       ": somebody else than cordon has written to it. Keep it as it is, "
                       "and put the newest copy in its place; " ACCEPT,
                       store->db.path, store->stat.last_seq);
    return check_mark(store, err);
}

int seal_check_row(struct store *store, int64_t seq, struct hash hash, struct err *err)
{
    struct hash_tag want = row_tag(store, seq, hash);
    sqlite3_stmt *ask = db_ask(&store->db, DB_ROW_SEAL, err);

    if (ask == NULL)
        return err->code;
    sqlite3_bind_int64(ask, 1, seq);
    int rc = sqlite3_step(ask);
    struct span tag = rc == SQLITE_ROW ? db_span(ask, 0) : (struct span){ 0 };
    bool is_same =
        tag.len == sizeof want.bytes && memcmp(tag.ptr, want.bytes, sizeof want.bytes) == 0;
    db_done(&store->db, DB_ROW_SEAL, ask);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return db_fail(&store->db, rc, "read", err);
    return is_same ? 0
                   : inside_bad_row(store, seq, "has not the seal that was written", err);
}

/* -- The index ------------------------------------------------------------------------ */

static void say_class(const struct seal_class *is, int64_t was, struct str *why)
{
    if (why->len > 0)
        return;
    if (is->count != was)
        str_printf(why,
                   "%" PRId64 " entries of kind %d in state %d, and %" PRId64
                   " were written",
                   is->count, is->kind, is->state, was);
    else
        str_printf(why, "an entry of kind %d in state %d is not as it was written",
                   is->kind, is->state);
}

static bool class_equal(const struct seal_class *a, const struct seal_class *b)
{
    return a->count == b->count && a->low == b->low && a->high == b->high;
}

static void compare(struct seal *was, struct seal *is, struct str *why)
{
    for (int i = 0; i < is->count; i++) {
        const struct seal_class *class =
            class_of(was, is->classes[i].kind, is->classes[i].state);

        if (class == NULL || !class_equal(class, &is->classes[i]))
            say_class(&is->classes[i], class == NULL ? 0 : class->count, why);
    }
    for (int i = 0; i < was->count; i++) {
        const struct seal_class *class =
            class_of(is, was->classes[i].kind, was->classes[i].state);

        if (class != NULL && !class_equal(class, &was->classes[i]))
            say_class(class, was->classes[i].count, why);
    }
}

static int sum_all(struct store *store, struct seal *sums, struct str *why, struct err *err)
{
    sqlite3_stmt *ask = db_ask(&store->db, DB_ALL_ENTRIES, err);
    int result = 0;
    int rc = SQLITE_ROW;

    if (ask == NULL)
        return err->code;
    while (result == 0 && (rc = sqlite3_step(ask)) == SQLITE_ROW) {
        struct entry entry = inside_entry(ask);

        if (sqlite3_column_int(ask, 8) != 0 && why != NULL && why->len == 0)
            str_printf(why, "an entry of kind %d has an owner", entry.kind);
        result = sum_entry(store, sums, &entry, err);
    }
    if (result == 0 && rc != SQLITE_DONE)
        result = db_fail(&store->db, rc, "read the index in", err);
    db_done(&store->db, DB_ALL_ENTRIES, ask);
    return result;
}

/* The orders that SQLite keeps of the entries: what is not in them is not listed. */
static int check_orders(struct store *store, struct str *why, struct err *err)
{
    int64_t all = 0, by_state = 0, due = 0, by_due = 0;

    if (db_int(&store->db, "SELECT count(*) FROM entries NOT INDEXED", 0, &all, err) != 0 ||
        db_int(&store->db, "SELECT count(*) FROM entries INDEXED BY entries_by_state", 0,
               &by_state, err) != 0 ||
        db_int(&store->db,
               "SELECT count(*) + total(due_ms) FROM entries NOT INDEXED WHERE due_ms > 0",
               0, &due, err) != 0 ||
        db_int(&store->db,
               "SELECT count(*) + total(due_ms) FROM entries INDEXED BY entries_by_due "
               "WHERE due_ms > 0",
               0, &by_due, err) != 0)
        return err->code;
    if ((all != by_state || due != by_due) && why->len == 0)
        str_add_text(why, "its lists by state or by time have not all entries");
    return 0;
}

int store_check_index(struct store *store, struct str *why, struct err *err)
{
    struct seal *sums;
    struct seal *was;

    if (!store->mark.is_there)
        return 0; /* a copy for reading, without its key */
    sums = xcalloc(1, sizeof *sums);
    was = xcalloc(1, sizeof *was);
    memcpy(was->classes, store->seal.classes, sizeof was->classes);
    was->count = store->seal.count;
    int rc = sum_all(store, sums, why, err);
    if (rc == ERR_TOO_BIG) {
        str_add_text(why, "it has kinds and states that nobody writes");
        rc = 0;
    } else if (rc == 0) {
        compare(was, sums, why);
    }
    if (rc == 0)
        rc = check_orders(store, why, err);
    free(sums);
    free(was);
    return rc;
}

/* -- Made ----------------------------------------------------------------------------- */

int seal_make(struct store *store, struct err *err)
{
    struct seal *seal = &store->seal;

    if (!store->mark.is_there && mark_make(&store->mark, err) != 0)
        return err->code;
    if (seal->commits < store->mark.commits)
        seal->commits = store->mark.commits;
    seal->count = 0;
    if (db_do(&store->db, DB_BEGIN, err) != 0 ||
        db_exec(&store->db, "DELETE FROM seals; DELETE FROM row_seals", err) != 0 ||
        inside_seal_rows(store, err) != 0 || sum_all(store, seal, NULL, err) != 0 ||
        seal_commit(store, err) != 0 || db_do(&store->db, DB_COMMIT, err) != 0)
        return err->code;
    seal->is_there = seal->is_new = true;
    return seal_mark(store, err) != 0 || mark_sync(&store->mark, err) != 0 ? err->code : 0;
}

void seal_fini(struct seal *seal)
{
    free(seal->checked);
    str_fini(&seal->bytes);
}
