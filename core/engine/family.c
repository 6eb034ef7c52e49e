/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/family.c - runs that call each other count as one for the guards.
 *
 * A playbook that could start others, each with limits of its own, would have no limit. So
 * from the first ctx.call on, what a run and those that it called change is kept together,
 * under the run that nobody called: in memory, as an entry of the index for each change, and
 * in the rows, from which both can be made again. It ends with that run, which ends last.
 *
 * A change (run, branch and number) is there once, however often its row is read.
 */
#include "engine/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct family *family_find(struct engine *engine, int64_t root)
{
    list_each (link, after, &engine->families) {
        struct family *family = list_item(link, struct family, in_engine);

        if (family->root == root)
            return family;
    }
    return NULL;
}

static struct family *family_make(struct engine *engine, int64_t root)
{
    struct family *family = family_find(engine, root);

    if (family == NULL) {
        family = xcalloc(1, sizeof *family);
        family->root = root;
        list_add(&engine->families, &family->in_engine);
    }
    return family;
}

static void free_family(struct family *family)
{
    list_remove(&family->in_engine);
    free(family->changes);
    free(family);
}

void families_free(struct engine *engine)
{
    list_each (link, after, &engine->families) {
        free_family(list_item(link, struct family, in_engine));
    }
}

static int64_t root_of(const struct run *run)
{
    return run->root > 0 ? run->root : run->id & ~SHADOW;
}

struct family *family_of(const struct run *run)
{
    return family_find(run->engine, root_of(run));
}

/* -- changes ------------------------------------------------------------------------------ */

uint64_t change_mark(const struct step *step)
{
    struct hash_list list;
    struct hash hash;
    uint64_t mark;

    hash_list_init(&list, "cordon.family.v1");
    hash_list_add_int(&list, step->run->id & ~SHADOW);
    hash_list_add_span(&list, span_of(step->branch));
    hash_list_add_int(&list, step->n);
    hash = hash_list_end(&list);
    memcpy(&mark, hash.bytes, sizeof mark);
    return mark;
}

static void add(struct family *family, uint64_t change, uint64_t target)
{
    for (int i = 0; i < family->count; i++)
        if (family->changes[i].change == change)
            return;
    if (family->count == family->cap) {
        family->cap = family->cap == 0 ? 16 : family->cap * 2;
        family->changes =
            xrealloc(family->changes, (size_t)family->cap * sizeof *family->changes);
    }
    family->changes[family->count++] = (struct family_change){ change, target };
}

static uint64_t number_of(struct span hex)
{
    char text[17] = "";

    if (hex.len == 16)
        memcpy(text, hex.ptr, 16);
    return strtoull(text, NULL, 16);
}

void family_on_entry(struct engine *engine, const struct event *event)
{
    add(family_make(engine, event->run), number_of(json_get_raw(event->json, "change")),
        number_of(json_get_raw(event->json, "target")));
}

/* -- from rows, live and loaded alike --------------------------------------------------------- */

static void take(struct family *family, const struct step *step)
{
    if (!step->is_undo && step->attempt > 0)
        add(family, step->change_mark, step->target_mark);
}

static void take_all(struct family *family, struct run *run)
{
    list_each (link, after, &run->steps) {
        take(family, list_item(link, struct step, in_run));
    }
}

/* The run has called another one. Whoever was called finds the family there; it is gone when
 * the one that nobody called is over. */
void family_begin(struct run *run)
{
    struct family *family;

    if (run_is_shadow(run))
        return;
    family = run->root == 0 ? family_make(run->engine, run->id) : family_of(run);
    if (family != NULL)
        take_all(family, run);
}

/* A run that was called is in memory and goes on. Nobody may have changed anything yet, and
 * then the index does not tell of its family. */
void family_join(struct run *run)
{
    if (run->root > 0 && !run_is_over(run) && !run_is_shadow(run))
        take_all(family_make(run->engine, run->root), run);
}

void family_take(const struct step *step)
{
    struct family *family = run_is_shadow(step->run) ? NULL : family_of(step->run);

    if (family != NULL)
        take(family, step);
}

/* The one that nobody called is over, and so are all others. */
void family_drop(struct run *run)
{
    struct family *family = run->root == 0 ? family_of(run) : NULL;

    if (family != NULL)
        free_family(family);
}

/* -- into the index ---------------------------------------------------------------------------- */

/* Made of its name alone, so that the order in which changes become known plays no part. */
static int32_t place_of(const struct family_change *change)
{
    return (int32_t)(change->change & INT32_MAX);
}

static void put_entry(struct engine *engine, const struct family *family, int i, int state)
{
    struct str body = { 0 };

    str_printf(&body, "{\"change\":\"%016" PRIx64 "\",\"target\":\"%016" PRIx64 "\"}",
               family->changes[i].change, family->changes[i].target);
    turn_add_entry(engine, &(struct turn_entry){ .kind = ENTRY_FAMILY,
                                                 .run = family->root,
                                                 .n = place_of(&family->changes[i]),
                                                 .state = state,
                                                 .body = str_span(&body) });
    str_fini(&body);
}

void family_put(const struct step *step)
{
    struct family *family = run_is_shadow(step->run) ? NULL : family_of(step->run);

    for (int i = 0; family != NULL && i < family->count; i++)
        if (family->changes[i].change == step->change_mark)
            put_entry(step->run->engine, family, i, 1);
}

void family_put_all(struct run *run, int state)
{
    struct family *family = run_is_shadow(run) ? NULL : family_of(run);

    if (family == NULL || (state == 0 && run->root > 0))
        return;
    for (int i = 0; i < family->count; i++)
        put_entry(run->engine, family, i, state);
}
