/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/index.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "engine/engine.h"
#include "serve/inside.h"
#include "store/store.h"

/* -- Entries from rows ---------------------------------------------------------------- */

/* maker: the run whose rows give the entry, 0 for those of no run. */
typedef int made_fn(const struct entry *entry, int64_t maker, void *arg, struct err *err);

struct making {
    struct store *store;
    struct engine *engine;
    struct turn *turn;
    int64_t *last; /* by run: its newest row */
    int64_t last_cap, run_count, row_count;
    struct arena arena; /* the rows at hand */
    struct event_row *rows;
    int count, cap;
};

static void keep(struct making *making, const struct row *row)
{
    if (making->count == making->cap) {
        making->cap = making->cap == 0 ? 64 : making->cap * 2;
        making->rows = xrealloc(making->rows, (size_t)making->cap * sizeof *making->rows);
    }
    char *body = arena_dup(&making->arena, row->body.ptr, row->body.len);
    making->rows[making->count++] = (struct event_row){ .seq = row->seq,
                                                        .prev = row->prev,
                                                        .kind = row->kind,
                                                        .at_ms = row->at_ms,
                                                        .body = { body, row->body.len } };
}

static void note_last(struct making *making, int64_t run, int64_t seq)
{
    if (run >= making->last_cap) {
        int64_t cap = 2 * (run + 64);

        making->last = xrealloc(making->last, (size_t)cap * sizeof *making->last);
        memset(making->last + making->last_cap, 0,
               (size_t)(cap - making->last_cap) * sizeof *making->last);
        making->last_cap = cap;
    }
    making->last[run] = seq;
    if (run > making->run_count)
        making->run_count = run;
}

static int see_all(const struct row *row, void *arg)
{
    struct making *making = arg;

    making->row_count++;
    if (row->run == 0)
        keep(making, row);
    else
        note_last(making, row->run, row->seq);
    return 0;
}

static int see_one(const struct row *row, void *arg)
{
    keep(arg, row);
    return 0;
}

/* Gives the entries of the run whose rows are at hand, and forgets the rows. */
static int give(struct making *making, int64_t run, made_fn *fn, void *arg, struct err *err)
{
    struct turn *turn = making->turn;
    struct event event = {
        .kind = EV_ROWS, .run = run, .rows = making->rows, .count = making->count
    };
    int rc = 0;

    engine_reindex(making->engine, &event, turn);
    for (int i = 0; i < turn->item_count && rc == 0; i++) {
        const struct turn_entry *from = &turn->items[i].entry;
        struct entry entry = { .kind = from->kind,
                               .run = from->run,
                               .n = from->n,
                               .state = from->state,
                               .due_ms = from->due_ms,
                               .first_seq = from->first_seq,
                               .last_seq = from->last_seq,
                               .body = from->body };

        if (!turn->items[i].is_row)
            rc = fn(&entry, run, arg, err);
    }
    turn_reset(turn);
    arena_reset(&making->arena);
    making->count = 0;
    return rc;
}

static int give_all(struct making *making, made_fn *fn, void *arg, struct err *err)
{
    if (give(making, 0, fn, arg, err) != 0)
        return err->code;
    for (int64_t run = 1; run <= making->run_count; run++) {
        if (making->last[run] == 0)
            continue;
        if (store_each_of_run(making->store, making->last[run], see_one, making, err) < 0 ||
            give(making, run, fn, arg, err) != 0)
            return err->code;
    }
    return 0;
}

static void making_init(struct making *making, struct store *store)
{
    *making = (struct making){ .store = store };
    making->engine = engine_new();
    making->turn = turn_new();
}

static void making_fini(struct making *making)
{
    engine_free(making->engine);
    turn_free(making->turn);
    arena_fini(&making->arena);
    free(making->rows);
    free(making->last);
}

/* -- Made anew ------------------------------------------------------------------------ */

struct putting {
    struct store *store;
    int64_t count;
};

static int put_entry(const struct entry *entry, int64_t maker, void *arg, struct err *err)
{
    struct putting *putting = arg;

    (void)maker;
    putting->count++;
    return store_put(putting->store, entry, err);
}

int index_rebuild(struct store *store, struct index_made *made, struct err *err)
{
    struct putting putting = { .store = store };
    struct making making;

    making_init(&making, store);
    int rc = store_each(store, 1, see_all, &making, err);
    if (rc == 0)
        rc = store_clear_index(store, err);
    if (rc == 0)
        rc = give_all(&making, put_entry, &putting, err);
    *made = (struct index_made){ making.row_count, putting.count };
    making_fini(&making);
    return rc;
}

static int append(struct store *store, struct span body, struct err *err)
{
    struct store_stat stat;

    store_stat(store, &stat);
    struct row row = {
        .seq = stat.last_seq + 1, .kind = ROW_RECORD, .at_ms = clock_unix_ms(), .body = body
    };
    return store_append(store, &row, err);
}

static int make_again(struct store *store, const char *what, struct span why,
                      struct index_made *made, struct err *err)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    json_open(&out, '{');
    json_put_int(&out, "at", clock_unix_ms());
    json_put(&out, "k", what);
    if (why.len > 0)
        json_put_span(&out, "why", why);
    json_close(&out);
    int rc = append(store, str_span(&body), err);
    if (rc == 0)
        rc = index_rebuild(store, made, err);
    if (rc == 0)
        rc = store_commit(store, err);
    str_fini(&body);
    return rc;
}

int index_open(struct store *store, struct str *said, struct err *err)
{
    struct store_stat stat;
    struct index_made made;
    struct str why = { 0 };
    int64_t rows;

    store_stat(store, &stat);
    int rc = store_check_index(store, &why, err);
    /* One without rows is new. */
    bool is_old = store_is_unsealed(store) && stat.last_seq > 0;
    if (rc != 0 || (why.len == 0 && !is_old)) {
        str_fini(&why);
        return rc;
    }
    /* What is made of rows is as good as they are: all of them are looked at first. */
    rc = store_verify(store, &rows, err);
    if (rc == 0)
        rc = make_again(store, why.len > 0 ? "edited" : "sealed", str_span(&why), &made,
                        err);
    if (rc == 0 && why.len > 0)
        str_printf(said,
                   "somebody else than cordon has written to the index of the journal "
                   "(%s); all %" PRId64 " entries were made anew from %" PRId64
                   " rows, which are whole: look who may write there",
                   str_text(&why), made.entries, made.rows);
    str_fini(&why);
    return rc;
}

/* -- Compared ------------------------------------------------------------------------- */

struct line {
    int32_t kind, n, state;
    int64_t run, due_ms, first_seq, last_seq, order, maker;
    struct hash body;
    char *text; /* of a run that is not over */
};

struct comparing {
    struct line *lines;
    size_t count, cap, at;
    int64_t *running; /* runs that are in memory, ascending */
    size_t running_count;
    struct index_diff *diff;
};

static bool is_open_run(int32_t kind, int32_t state)
{
    return kind == ENTRY_RUN && state <= RUN_STUCK;
}

static int keep_line(const struct entry *entry, int64_t maker, void *arg, struct err *err)
{
    struct comparing *comparing = arg;

    (void)err; /* as made_fn has it */
    if (comparing->count == comparing->cap) {
        comparing->cap = comparing->cap == 0 ? 256 : comparing->cap * 2;
        comparing->lines =
            xrealloc(comparing->lines, comparing->cap * sizeof *comparing->lines);
    }
    comparing->lines[comparing->count] = (struct line){
        .kind = entry->kind,
        .n = entry->n,
        .state = entry->state,
        .run = entry->run,
        .due_ms = entry->due_ms,
        .first_seq = entry->first_seq,
        .last_seq = entry->last_seq,
        .order = (int64_t)comparing->count,
        .maker = maker,
        .body = hash_of(entry->body.ptr, entry->body.len),
        .text = is_open_run(entry->kind, entry->state) ? span_dup(entry->body) : NULL,
    };
    comparing->count++;
    return 0;
}

static int by_place(const struct line *a, const struct line *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->run != b->run)
        return a->run < b->run ? -1 : 1;
    return a->n == b->n ? 0 : a->n < b->n ? -1 : 1;
}

static int by_place_and_order(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    int by = by_place(x, y);

    return by != 0 ? by : x->order < y->order ? -1 : 1;
}

/* Of several for one place the last counts. */
static void sort_lines(struct comparing *comparing)
{
    size_t kept = 0;

    if (comparing->count > 0)
        qsort(comparing->lines, comparing->count, sizeof *comparing->lines,
              by_place_and_order);
    for (size_t i = 0; i < comparing->count; i++) {
        struct line *line = &comparing->lines[i];

        if (i + 1 < comparing->count && by_place(line, line + 1) == 0)
            free(line->text);
        else
            comparing->lines[kept++] = *line;
    }
    comparing->count = kept;
}

static void differs(struct comparing *comparing, const struct line *line, const char *how)
{
    if (comparing->diff->wrong++ == 0)
        str_printf(&comparing->diff->first,
                   "the entry of kind %d, run %" PRId64 ", n %d %s", line->kind, line->run,
                   line->n, how);
}

/* What the entry of a run says as long as it lives; the rest is of the moment in which it was
 * parked. */
static bool same_run(struct span is, struct span made)
{
    static const char *const keys[] = { "by",  "kind",    "notify", "of", "playbook",
                                        "top", "started", "ended",  "why" };

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!span_equal(json_get(is, keys[i]), json_get(made, keys[i])))
            return false;
    return true;
}

static int by_run(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

/* A run that is in memory writes what it holds, asks and has changed into the index when it
 * parks or ends; a start loads it from its rows. */
static bool is_pending(const struct comparing *comparing, const struct line *made)
{
    return made->kind != ENTRY_RUN && made->maker > 0 && comparing->running_count > 0 &&
           bsearch(&made->maker, comparing->running, comparing->running_count,
                   sizeof made->maker, by_run) != NULL;
}

/* An entry of what is over in a family may be there or not: it says nothing any more. */
static bool is_of_account(const struct line *line)
{
    return line->kind != ENTRY_FAMILY || line->state != 0;
}

static void compare_line(struct comparing *comparing, const struct line *is,
                         const struct line *made, struct span body)
{
    if (is_open_run(made->kind, made->state)) {
        if (!is_open_run(is->kind, is->state))
            differs(comparing, is, "is over, and its rows say that it is not");
        else if (is->first_seq != made->first_seq || is->last_seq > made->last_seq ||
                 !same_run(body, span_of(made->text)))
            differs(comparing, is, "is not what its rows say");
        return;
    }
    if ((!is_of_account(is) && !is_of_account(made)) || is_pending(comparing, made))
        return;
    if (is->state != made->state)
        differs(comparing, is, "is in another state than its rows say");
    else if (is->due_ms != made->due_ms)
        differs(comparing, is, "is due at another time than its rows say");
    else if (is->first_seq != made->first_seq || is->last_seq != made->last_seq)
        differs(comparing, is, "names other rows than those that made it");
    else if (!hash_equal(is->body, made->body))
        differs(comparing, is, "says something else than its rows");
}

static void missing(struct comparing *comparing, const struct line *line)
{
    if (is_of_account(line) && !is_pending(comparing, line))
        differs(comparing, line, "is not there, and its rows are");
}

static int compare_entry(const struct entry *entry, void *arg)
{
    struct comparing *comparing = arg;
    struct line is = { .kind = entry->kind,
                       .n = entry->n,
                       .state = entry->state,
                       .run = entry->run,
                       .due_ms = entry->due_ms,
                       .first_seq = entry->first_seq,
                       .last_seq = entry->last_seq,
                       .body = hash_of(entry->body.ptr, entry->body.len) };

    comparing->diff->entries++;
    if (is.kind == ENTRY_RUN && is.state == RUN_RUNNING) { /* runs come first, in order */
        comparing->running = xrealloc(comparing->running, (comparing->running_count + 1) *
                                                              sizeof *comparing->running);
        comparing->running[comparing->running_count++] = is.run;
    }
    while (comparing->at < comparing->count &&
           by_place(&comparing->lines[comparing->at], &is) < 0)
        missing(comparing, &comparing->lines[comparing->at++]);
    if (comparing->at < comparing->count &&
        by_place(&comparing->lines[comparing->at], &is) == 0)
        compare_line(comparing, &is, &comparing->lines[comparing->at++], entry->body);
    else if (is_of_account(&is))
        differs(comparing, &is, "has no rows");
    return 0;
}

int index_compare(struct store *store, struct index_diff *diff, struct err *err)
{
    struct comparing comparing = { .diff = diff };
    struct making making;

    making_init(&making, store);
    int rc = store_each(store, 1, see_all, &making, err);
    if (rc == 0)
        rc = give_all(&making, keep_line, &comparing, err);
    diff->rows = making.row_count;
    making_fini(&making);
    if (rc == 0) {
        sort_lines(&comparing);
        rc = store_each_entry_at_all(store, compare_entry, &comparing, err);
    }
    while (rc == 0 && comparing.at < comparing.count)
        missing(&comparing, &comparing.lines[comparing.at++]);
    for (size_t i = 0; i < comparing.count; i++)
        free(comparing.lines[i].text);
    free(comparing.lines);
    free(comparing.running);
    return rc;
}

/* -- Taken as it is ------------------------------------------------------------------- */

int index_accept(const char *dir, uid_t uid, const char *why, struct str *said,
                 struct err *err)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };
    struct index_made made;
    struct store_gap gap;
    struct store *store;
    int64_t rows;

    if (store_open_accepting(&store, dir, &gap, err) != 0)
        return err->code;
    char *who = clients_name_of(uid);
    json_open(&out, '{');
    json_put_int(&out, "at", clock_unix_ms());
    if (gap.had_mark)
        json_put_int(&out, "had", gap.mark_seq);
    json_put_int(&out, "has", gap.last_seq);
    json_put(&out, "k", "accepted");
    json_put(&out, "who", who);
    free(who);
    json_put(&out, "why", why);
    json_close(&out);
    int rc = store_verify(store, &rows, err);
    if (rc == 0)
        rc = append(store, str_span(&body), err);
    if (rc == 0)
        rc = index_rebuild(store, &made, err);
    if (rc == 0)
        rc = store_commit(store, err);
    if (rc == 0)
        str_printf(said,
                   "the journal in %s was taken as it is, with %" PRId64 " rows; %" PRId64
                   " entries were made anew from them",
                   dir, gap.last_seq, made.entries);
    if (rc == 0 && gap.had_mark && gap.mark_seq > gap.last_seq)
        str_printf(said,
                   "; rows %" PRId64 " to %" PRId64
                   " are lost: look for what they did with `cordon contained` and in the "
                   "cloud",
                   gap.last_seq + 1, gap.mark_seq);
    str_fini(&body);
    store_close(store);
    return rc;
}
