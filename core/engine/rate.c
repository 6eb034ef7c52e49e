/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/rate.c - what was changed within the last hour, by all runs together.
 *
 * Made of intents: those of the last hour are told at a start, and each new one is added as
 * it is journaled. An attempt that is repeated is one change; undoing is none.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

uint64_t mark_of(struct span text)
{
    struct hash hash = hash_of(text.ptr, text.len);
    uint64_t mark;

    memcpy(&mark, hash.bytes, sizeof mark);
    return mark;
}

uint64_t target_mark(const char *target)
{
    char *plain = target_plain(target);
    uint64_t mark = mark_of(span_of(plain));

    free(plain);
    return mark;
}

/* "azure.appservice.stop" is about azure.appservice: actions that share that share their
 * kind of target. */
static struct span kind_of(struct span action)
{
    size_t len = action.len;

    while (len > 0 && action.ptr[len - 1] != '.')
        len--;
    return (struct span){ action.ptr, len > 0 ? len - 1 : action.len };
}

/* How many there are of each playbook is counted as they come and go: the hour may have more
 * changes than there is time to look at before each new one. */
static void count(struct rate *rate, uint64_t playbook, int by)
{
    struct playbook_rate *found = NULL;

    for (int i = 0; i < rate->playbook_count && found == NULL; i++)
        if (rate->playbooks[i].mark == playbook)
            found = &rate->playbooks[i];
    if (found == NULL) {
        rate->playbooks = xrealloc(rate->playbooks, ((size_t)rate->playbook_count + 1) *
                                                        sizeof *rate->playbooks);
        found = &rate->playbooks[rate->playbook_count++];
        *found = (struct playbook_rate){ .mark = playbook };
    }
    found->count += by;
    if (found->count == 0)
        *found = rate->playbooks[--rate->playbook_count];
}

static void count_seen(struct rate *rate, const struct seen *seen, int by)
{
    count(rate, seen->playbook, by);
    if (seen->top != seen->playbook)
        count(rate, seen->top, by);
}

static void add(struct rate *rate, struct seen seen)
{
    count_seen(rate, &seen, 1);
    if (rate->count == rate->cap && rate->old > rate->cap / 2) {
        rate->count -= rate->old;
        memmove(rate->seen, rate->seen + rate->old,
                (size_t)rate->count * sizeof *rate->seen);
        rate->old = 0;
    } else if (rate->count == rate->cap) {
        rate->cap = rate->cap == 0 ? 256 : rate->cap * 2;
        rate->seen = xrealloc(rate->seen, (size_t)rate->cap * sizeof *rate->seen);
    }
    rate->seen[rate->count++] = seen;
}

void rate_add(struct engine *engine, int64_t at_ms, struct span playbook, struct span top,
              struct span intent)
{
    char *target = json_get_text(intent, "t");

    if (span_is(json_get_raw(intent, "op"), "restore") ||
        json_get_int(intent, "at", 1) > 1) {
        free(target);
        return;
    }
    add(&engine->rate, (struct seen){
                           .at_ms = at_ms,
                           .playbook = mark_of(playbook),
                           .top = mark_of(top.len > 0 ? top : playbook),
                           .kind = mark_of(kind_of(json_get_raw(intent, "a"))),
                           .target = target_mark(target != NULL ? target : ""),
                       });
    free(target);
}

/* Times are in order, so those that are too old are at the beginning. */
static void forget_old(struct engine *engine)
{
    struct rate *rate = &engine->rate;

    while (rate->old < rate->count &&
           rate->seen[rate->old].at_ms <= engine->now_ms - RATE_WINDOW_MS)
        count_seen(rate, &rate->seen[rate->old++], -1);
}

int rate_changes(struct engine *engine)
{
    forget_old(engine);
    return engine->rate.count - engine->rate.old;
}

int rate_of_playbook(struct engine *engine, const char *playbook)
{
    uint64_t mark = mark_of(span_of(playbook));

    forget_old(engine);
    for (int i = 0; i < engine->rate.playbook_count; i++)
        if (engine->rate.playbooks[i].mark == mark)
            return engine->rate.playbooks[i].count;
    return 0;
}

static int compare_marks(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

int marks_distinct(uint64_t *marks, int count)
{
    int distinct = 0;

    if (count > 1)
        qsort(marks, (size_t)count, sizeof *marks, compare_marks);
    for (int i = 0; i < count; i++)
        distinct += i == 0 || marks[i] != marks[i - 1];
    return distinct;
}

int rate_targets(const struct step *step)
{
    struct engine *engine = step->run->engine;
    const struct run *run = step->run;
    const struct rate *rate = &engine->rate;
    uint64_t kind = mark_of(kind_of(span_of(step->action)));
    int found = 0;

    forget_old(engine);
    uint64_t *marks = arena_alloc(engine->turn->arena, ((size_t)(rate->count - rate->old) +
                                                        (size_t)run->planned_count + 1) *
                                                           sizeof *marks);
    for (int i = rate->old; i < rate->count; i++)
        if (rate->seen[i].kind == kind)
            marks[found++] = rate->seen[i].target;
    for (int i = 0; i < run->planned_count && run->planned[i] != step; i++)
        if (!run->planned[i]->is_undo &&
            mark_of(kind_of(span_of(run->planned[i]->action))) == kind)
            marks[found++] = target_mark(run->planned[i]->target);
    marks[found++] = target_mark(step->target);
    return marks_distinct(marks, found);
}
