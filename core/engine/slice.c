/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/slice.c - one change at a time for each slice.
 *
 * Two runs that change the same fields of the same target at once would each have looked
 * before the other wrote: the second would undo the first, or do its work twice. So an intent
 * waits while another one for the same action and target has no outcome, and then looks
 * again. What a person must settle stands in nobody's way.
 */
#include "engine/internal.h"

#include <ctype.h>
#include <string.h>

static bool is_same_slice(const struct step *a, const struct step *b)
{
    return strcmp(a->action, b->action) == 0 &&
           span_equal_nocase(span_of(a->target), span_of(b->target));
}

/* Its place among effects and waiters; whoever is the same slice is there, too. */
static size_t place_of(const struct step *step)
{
    uint64_t hash = 14695981039346656037u;

    for (const char *c = step->target; *c != '\0'; c++)
        hash =
            (hash ^ (uint64_t)(unsigned char)tolower((unsigned char)*c)) * 1099511628211u;
    return hash % SLICE_PLACES;
}

bool slice_is_busy(struct step *step)
{
    struct engine *engine = step->run->engine;
    size_t place = place_of(step);

    list_remove(&step->in_waiters); /* what it is about may have changed since */
    list_each (link, after, &engine->effects[place]) {
        const struct step *other = list_item(link, struct step, in_effects);

        if (other == step || !is_same_slice(other, step))
            continue;
        list_add(&engine->waiters[place], &step->in_waiters);
        return true;
    }
    return false;
}

static void mark(const struct step *step)
{
    struct engine *engine = step->run->engine;

    engine->slice_changed[place_of(step)] = ++engine->slice_clock;
}

bool slice_is_stale(const struct step *step)
{
    return step->run->engine->slice_changed[place_of(step)] > step->looked_at;
}

void slice_take(struct step *step)
{
    mark(step);
    if (list_is_empty(&step->in_effects))
        list_add(&step->run->engine->effects[place_of(step)], &step->in_effects);
}

void slice_let_go(struct step *step)
{
    struct engine *engine = step->run->engine;

    if (list_is_empty(&step->in_effects))
        return;
    mark(step);
    list_remove(&step->in_effects);
    list_each (link, after, &engine->waiters[place_of(step)]) {
        struct step *waiter = list_item(link, struct step, in_waiters);

        if (!is_same_slice(waiter, step))
            continue;
        list_remove(&waiter->in_waiters);
        run_push(waiter->run);
    }
}

void slice_forget(struct step *step)
{
    list_remove(&step->in_effects);
    list_remove(&step->in_waiters);
}
