/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/guard.c - limits that no playbook can lift, on by default.
 */
#include "engine/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CHANGES_PER_RUN = 50, CHANGES_PER_HOUR = 200, TARGETS_PER_RUN = 20 };

void rate_add(struct engine *engine, int64_t at_ms)
{
    struct rate *rate = &engine->rate;

    if (rate->count == rate->cap && rate->old > rate->cap / 2) {
        rate->count -= rate->old;
        memmove(rate->at_ms, rate->at_ms + rate->old,
                (size_t)rate->count * sizeof *rate->at_ms);
        rate->old = 0;
    } else if (rate->count == rate->cap) {
        rate->cap = rate->cap == 0 ? 256 : rate->cap * 2;
        rate->at_ms = xrealloc(rate->at_ms, (size_t)rate->cap * sizeof *rate->at_ms);
    }
    rate->at_ms[rate->count++] = at_ms;
}

/* Times are in order, so those that are too old are at the beginning. */
static int in_last_hour(struct engine *engine)
{
    struct rate *rate = &engine->rate;

    while (rate->old < rate->count &&
           rate->at_ms[rate->old] <= engine->now_ms - RATE_WINDOW_MS)
        rate->old++;
    return rate->count - rate->old;
}

/* Changes of this run so far, and how many different targets they had, this one included.
 * An attempt that is repeated is one change. */
static void count_run(const struct step *step, int *changes, int *targets)
{
    *changes = 1;
    *targets = 1;
    list_each (link, after, &step->run->steps) {
        struct step *other = list_item(link, struct step, in_run);
        bool is_new = strcmp(other->target, step->target) != 0;

        if (other == step || other->attempt == 0)
            continue;
        (*changes)++;
        list_each (link2, after2, &step->run->steps) {
            struct step *earlier = list_item(link2, struct step, in_run);

            if (earlier == other)
                break;
            if (earlier->attempt > 0 && strcmp(earlier->target, other->target) == 0)
                is_new = false;
        }
        *targets += is_new;
    }
}

static bool is_listed(struct engine *engine, const char *path, const char *text,
                      char **entry)
{
    struct span list = json_path(span_of(engine->policy), path);
    size_t pos = 0;
    struct span item;

    while (json_next(list, &pos, NULL, &item)) {
        char *glob = json_text(item);

        if (glob != NULL && span_glob(span_of(text), glob)) {
            *entry = glob;
            return true;
        }
        free(glob);
    }
    return false;
}

/* A list of pinned subscriptions must name the one of this target. */
static bool is_pinned_elsewhere(struct engine *engine, const char *target)
{
    struct span list = json_path(span_of(engine->policy), "guards.subscriptions");
    size_t pos = 0;
    struct span item;

    if (json_count(list) == 0 || !span_glob(span_of(target), "/subscriptions/*"))
        return false;
    while (json_next(list, &pos, NULL, &item)) {
        struct str glob = { 0 };

        str_printf(&glob, "/subscriptions/%.*s/*", (int)json_raw(item).len,
                   json_raw(item).ptr);
        bool is_here = span_glob(span_of(target), str_text(&glob));
        str_fini(&glob);
        if (is_here)
            return false;
    }
    return true;
}

/* Ids are the same in small and in capital letters. */
static bool holds_id(struct span json, struct span id)
{
    for (size_t i = 0; i + id.len <= json.len; i++)
        if (span_equal_nocase((struct span){ json.ptr + i, id.len }, id))
            return true;
    return false;
}

/* Is a protected principal anywhere in the arguments or the captured state? */
static bool names_protected(const struct step *step, char **entry)
{
    struct span list = json_path(span_of(step->run->engine->policy), "guards.principals");
    size_t pos = 0;
    struct span item;

    while (json_next(list, &pos, NULL, &item)) {
        struct span id = json_raw(item);

        if (id.len == 0 || (!holds_id(step->args, id) && !holds_id(step->before, id) &&
                            !holds_id(span_of(step->target), id)))
            continue;
        *entry = span_dup(id);
        return true;
    }
    return false;
}

bool guard_allows(const struct step *step, struct str *why)
{
    struct engine *engine = step->run->engine;
    int64_t per_run = policy_number(engine, "guards.changes_per_run", CHANGES_PER_RUN);
    int64_t per_hour = policy_number(engine, "guards.changes_per_hour", CHANGES_PER_HOUR);
    int64_t per_targets = policy_number(engine, "guards.targets_per_run", TARGETS_PER_RUN);
    int changes, targets;
    char *entry = NULL;

    if (engine->policy == NULL || step->is_undo)
        return true; /* no policy is a matter of policy; undoing counts against no guard */
    count_run(step, &changes, &targets);
    if (is_listed(engine, "guards.protected", step->target, &entry))
        str_printf(why,
                   "guard protected: %s is protected by \"%s\" in the policy's "
                   "guards.protected, and %s would change it",
                   step->target, entry, step->action);
    else if (names_protected(step, &entry))
        str_printf(why,
                   "guard principals: principal %s is protected in the policy's "
                   "guards.principals, and %s on %s touches it",
                   entry, step->action, step->target);
    else if (is_pinned_elsewhere(engine, step->target))
        str_printf(why,
                   "guard subscriptions: %s is in no subscription that the policy's "
                   "guards.subscriptions lists",
                   step->target);
    else if (changes > per_run)
        str_printf(why,
                   "guard changes_per_run: this would be change %d of the run, and "
                   "guards.changes_per_run allows %" PRId64,
                   changes, per_run);
    else if (targets > per_targets)
        str_printf(why,
                   "guard targets_per_run: this would be target %d of the run, and "
                   "guards.targets_per_run allows %" PRId64,
                   targets, per_targets);
    else if (step->attempt == 0 && in_last_hour(engine) >= per_hour)
        str_printf(why,
                   "guard changes_per_hour: %d changes were made in the last hour, and "
                   "guards.changes_per_hour allows %" PRId64,
                   in_last_hour(engine), per_hour);
    free(entry);
    return why->len == 0;
}

bool halt_holds(const struct step *step)
{
    struct engine *engine = step->run->engine;
    struct action *action = action_find(engine, span_of(step->action));

    list_each (link, after, &engine->halts) {
        struct halt *halt = list_item(link, struct halt, in_engine);
        struct span scope = span_of(halt->scope);

        if (span_is(scope, "all"))
            return true;
        if (span_starts(scope, "plugin:") && action != NULL &&
            strcmp(halt->scope + 7, action->plugin->name) == 0)
            return true;
        if (span_starts(scope, "playbook:") &&
            strcmp(halt->scope + 9, step->run->playbook_name) == 0)
            return true;
    }
    return false;
}
