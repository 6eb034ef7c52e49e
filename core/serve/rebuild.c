/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/rebuild.c - the index, made again from the rows alone.
 *
 * An engine of its own reads every run and says what its entries are. It is done only while
 * no run is in memory, so that nothing changes meanwhile, and all of it is one transaction.
 */
#include "serve/inside.h"

#include <stdlib.h>

#include "store/store.h"

struct rows {
    struct arena arena;
    struct event_row *rows;
    int count, cap;
};

struct rebuild {
    struct serve *serve;
    struct engine *engine;
    struct turn *turn;
    int64_t *last; /* by run: its newest row */
    int64_t run_count, row_count, entry_count;
    struct rows rows; /* of the run at hand */
};

static void keep(struct rows *rows, const struct row *row)
{
    if (rows->count == rows->cap) {
        rows->cap = rows->cap == 0 ? 64 : rows->cap * 2;
        rows->rows = xrealloc(rows->rows, (size_t)rows->cap * sizeof *rows->rows);
    }
    char *body = arena_dup(&rows->arena, row->body.ptr, row->body.len);
    rows->rows[rows->count++] = (struct event_row){ .seq = row->seq,
                                                    .prev = row->prev,
                                                    .kind = row->kind,
                                                    .at_ms = row->at_ms,
                                                    .body = { body, row->body.len } };
}

static int see_all(const struct row *row, void *arg)
{
    struct rebuild *rebuild = arg;

    rebuild->row_count++;
    if (row->run == 0)
        keep(&rebuild->rows, row);
    else if (row->run <= rebuild->run_count)
        rebuild->last[row->run] = row->seq;
    return 0;
}

static int see_one(const struct row *row, void *arg)
{
    keep(&((struct rebuild *)arg)->rows, row);
    return 0;
}

/* Writes the entries of the run whose rows are at hand, and forgets the rows. */
static int put_entries(struct rebuild *rebuild, int64_t run, struct err *err)
{
    struct turn *turn = rebuild->turn;
    struct event event = { .kind = EV_ROWS,
                           .run = run,
                           .rows = rebuild->rows.rows,
                           .count = rebuild->rows.count };
    int rc = 0;

    engine_reindex(rebuild->engine, &event, turn);
    for (int i = 0; i < turn->item_count && rc == 0; i++) {
        const struct turn_entry *from = &turn->items[i].entry;

        if (turn->items[i].is_row)
            continue;
        rc = store_put(rebuild->serve->store,
                       &(struct entry){ .kind = from->kind,
                                        .run = from->run,
                                        .n = from->n,
                                        .state = from->state,
                                        .due_ms = from->due_ms,
                                        .first_seq = from->first_seq,
                                        .last_seq = from->last_seq,
                                        .body = from->body },
                       err);
        rebuild->entry_count++;
    }
    turn_reset(turn);
    arena_reset(&rebuild->rows.arena);
    rebuild->rows.count = 0;
    return rc;
}

static int rebuild_all(struct rebuild *rebuild, struct err *err)
{
    struct store *store = rebuild->serve->store;

    if (store_each(store, 1, see_all, rebuild, err) < 0 ||
        store_clear_index(store, err) != 0 || put_entries(rebuild, 0, err) != 0)
        return err->code;
    for (int64_t run = 1; run <= rebuild->run_count; run++) {
        if (rebuild->last[run] == 0)
            continue;
        if (store_each_of_run(store, rebuild->last[run], see_one, rebuild, err) < 0 ||
            put_entries(rebuild, run, err) != 0)
            return err->code;
    }
    return store_commit(store, err);
}

static void reply(struct rebuild *rebuild, int64_t ask)
{
    struct str text = { 0 };

    str_printf(&text, "{\"entries\":%lld,\"rows\":%lld}", (long long)rebuild->entry_count,
               (long long)rebuild->row_count);
    clients_reply(rebuild->serve, ask, 0, str_span(&text));
    str_fini(&text);
}

bool rebuild_ask(struct serve *serve, const struct asked *asked)
{
    struct rebuild rebuild = { .serve = serve };
    struct store_stat stat;
    struct err err;

    if (!span_is(asked->verb, "rebuild"))
        return false;
    if (engine_runs(serve->engine) > 0) {
        clients_error(serve, asked->number, 1, "busy",
                      "runs are under way: `cordon halt all`, wait until they have parked, "
                      "and try again");
        return true;
    }
    if (serve->is_dirty)
        pump_commit(serve);
    store_stat(serve->store, &stat);
    rebuild.run_count = stat.last_run;
    rebuild.last = xcalloc((size_t)stat.last_run + 1, sizeof *rebuild.last);
    rebuild.engine = engine_new();
    rebuild.turn = turn_new();
    /* What rows alone say of a parked run is that it is not over: it is loaded, and parks. */
    if (rebuild_all(&rebuild, &err) != 0 || serve_give_families(serve, &err) != 0 ||
        open_walk(serve, &err) != 0) {
        /* The transaction is rolled back with the process, and the old index is there. */
        clients_error(serve, asked->number, 1, err_word(err.code), "%s", err.text);
        serve_end(serve, 1);
    } else {
        open_give(serve);
        pump_event(serve, &(struct event){ .kind = EV_READY });
        reply(&rebuild, asked->number);
        dues_arm(serve->dues);
    }
    engine_free(rebuild.engine);
    turn_free(rebuild.turn);
    arena_fini(&rebuild.rows.arena);
    free(rebuild.rows.rows);
    free(rebuild.last);
    return true;
}
