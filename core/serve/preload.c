/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/preload.c - the rows of all runs that were open when the power went, read in one go.
 *
 * At a start the journal is walked once anyway, to find where each run ends. What is met on
 * the way is kept, so that not every run walks its chain by itself. A run that has rows from
 * before the walk, or for whom there was no room, is not complete here, and is read alone.
 */
#include "serve/inside.h"

#include <assert.h>
#include <stdlib.h>

#include "store/store.h"

enum { PRELOAD_BYTES_MAX = 32 * 1024 * 1024 };

struct kept_row {
    struct kept_row *next; /* of the same run */
    struct event_row row;
};

struct kept_run {
    int64_t run;
    struct kept_row *first, *last;
    int count;
};

struct preload {
    struct arena arena;
    struct kept_run *runs; /* by number */
    size_t count, cap;
    size_t bytes;
};

struct preload *preload_new(void)
{
    return xcalloc(1, sizeof(struct preload));
}

void preload_free(struct preload *preload)
{
    if (preload == NULL)
        return;
    arena_fini(&preload->arena);
    free(preload->runs);
    free(preload);
}

void preload_want(struct preload *preload, int64_t run)
{
    assert(preload->count == 0 || preload->runs[preload->count - 1].run < run);
    if (preload->count == preload->cap) {
        preload->cap = preload->cap == 0 ? 64 : preload->cap * 2;
        preload->runs = xrealloc(preload->runs, preload->cap * sizeof *preload->runs);
    }
    preload->runs[preload->count++] = (struct kept_run){ .run = run };
}

static int by_number(const void *a, const void *b)
{
    const struct kept_run *x = a, *y = b;

    return (x->run > y->run) - (x->run < y->run);
}

static struct kept_run *find(const struct preload *preload, int64_t run)
{
    struct kept_run key = { .run = run };

    if (preload->count == 0)
        return NULL;
    return bsearch(&key, preload->runs, preload->count, sizeof *preload->runs, by_number);
}

void preload_row(struct preload *preload, const struct row *row)
{
    struct kept_run *run = find(preload, row->run);

    if (run == NULL)
        return;
    preload->bytes += sizeof(struct kept_row) + row->body.len;
    if (preload->bytes > PRELOAD_BYTES_MAX)
        return;
    struct kept_row *kept = arena_alloc(&preload->arena, sizeof *kept);
    char *body = arena_dup(&preload->arena, row->body.ptr, row->body.len);
    kept->row = (struct event_row){ .seq = row->seq,
                                    .prev = row->prev,
                                    .kind = row->kind,
                                    .at_ms = row->at_ms,
                                    .body = { body, row->body.len } };
    if (run->last != NULL)
        run->last->next = kept;
    else
        run->first = kept;
    run->last = kept;
    run->count++;
}

const struct event_row *preload_rows(struct preload *preload, int64_t run, int64_t last_seq,
                                     int *count)
{
    struct kept_run *found = preload != NULL ? find(preload, run) : NULL;
    int64_t prev = 0;
    int i = 0;

    if (found == NULL || found->count == 0 || found->last->row.seq != last_seq)
        return NULL;
    struct event_row *rows =
        arena_alloc(&preload->arena, (size_t)found->count * sizeof *rows);
    for (const struct kept_row *kept = found->first; kept != NULL; kept = kept->next) {
        if (kept->row.prev != prev)
            return NULL;
        prev = kept->row.seq;
        rows[i++] = kept->row;
    }
    *count = i;
    return rows;
}
