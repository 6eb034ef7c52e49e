/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/sim/book.h - a world's journal, in a real store.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "sim/world.h"
#include "store/store.h"

static bool book_is_new(const struct world *w, int i)
{
    return i >= w->durable_entries || memcmp(&w->durable[i], &w->entries[i],
                                             offsetof(struct w_entry, is_due_told)) != 0;
}

/* w->on_commit: what the world takes for durable is written into the store, arg. */
static void book_write(struct world *w, void *arg)
{
    struct store *store = arg;
    struct store_stat stat;
    struct err err;

    store_stat(store, &stat); /* the world was there before its journal */
    for (int i = (int)stat.last_seq; i < w->row_count; i++) {
        const struct w_row *from = &w->rows[i];
        struct row row = { .seq = from->seq,
                           .run = from->run,
                           .prev = from->prev,
                           .kind = from->kind,
                           .at_ms = from->at_ms,
                           .body = span_of(from->body) };

        CHECK_OK(store_append(store, &row, &err), &err);
    }
    for (int i = 0; i < w->entry_count; i++) {
        const struct w_entry *from = &w->entries[i];
        struct entry entry = { .kind = from->kind,
                               .run = from->run,
                               .n = from->n,
                               .state = from->state,
                               .due_ms = from->due_ms,
                               .first_seq = from->first_seq,
                               .last_seq = from->last_seq,
                               .body = span_of(from->body) };

        if (stat.last_seq == 0 || book_is_new(w, i))
            CHECK_OK(store_put(store, &entry, &err), &err);
    }
    CHECK_OK(store_commit(store, &err), &err);
}
