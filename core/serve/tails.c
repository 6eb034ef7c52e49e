/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/tails.c - each open run's newest row: the end of the chain by which its rows are
 * found. The index has it for parked and ended runs; for those in memory it stands here.
 */
#include "serve/inside.h"

#include <stdlib.h>

enum { TAILS_START_CAP = 256 };

struct tail {
    int64_t run; /* 0: free; -1: was one, and the search goes on behind it */
    int64_t seq;
};

struct tails {
    struct tail *tails;
    size_t cap, used; /* used: also those that were dropped */
    size_t live;
};

struct tails *tails_new(void)
{
    struct tails *tails = xcalloc(1, sizeof *tails);

    tails->cap = TAILS_START_CAP;
    tails->tails = xcalloc(tails->cap, sizeof *tails->tails);
    return tails;
}

void tails_free(struct tails *tails)
{
    if (tails == NULL)
        return;
    free(tails->tails);
    free(tails);
}

/* The run's place, or the free one where it would be. */
static struct tail *find(const struct tails *tails, int64_t run)
{
    size_t at = (size_t)((uint64_t)run * 0x9e3779b97f4a7c15u >> 20) & (tails->cap - 1);

    while (tails->tails[at].run != run && tails->tails[at].run != 0)
        at = (at + 1) & (tails->cap - 1);
    return &tails->tails[at];
}

static void rehash(struct tails *tails)
{
    struct tails old = *tails;

    while (tails->live * 4 >= tails->cap)
        tails->cap *= 2;
    tails->tails = xcalloc(tails->cap, sizeof *tails->tails);
    for (size_t i = 0; i < old.cap; i++)
        if (old.tails[i].run > 0)
            *find(tails, old.tails[i].run) = old.tails[i];
    tails->used = tails->live;
    free(old.tails);
}

void tails_set(struct tails *tails, int64_t run, int64_t seq)
{
    struct tail *tail = find(tails, run);

    if (tail->run == 0) {
        if ((tails->used + 1) * 2 > tails->cap) {
            rehash(tails);
            tail = find(tails, run);
        }
        tails->used++;
        tails->live++;
    }
    *tail = (struct tail){ run, seq };
}

void tails_drop(struct tails *tails, int64_t run)
{
    struct tail *tail = find(tails, run);

    if (tail->run != run)
        return;
    tail->run = -1;
    tails->live--;
}

int64_t tails_get(const struct tails *tails, int64_t run)
{
    const struct tail *tail = find(tails, run);

    return tail->run == run ? tail->seq : 0;
}
