/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/guard.c - limits that no playbook can lift, on by default.
 */
#include "engine/internal.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHANGES_PER_RUN = 50,
    CHANGES_PER_HOUR = 200,
    CHANGES_PER_PLAYBOOK_HOUR = 100,
    TARGETS_PER_RUN = 20,
    TARGETS_PERCENT = 25, /* of what exists, within an hour */
    TARGETS_FLOOR = 5     /* so many are no wave, however few exist */
};

/* -- how much: of a run, and of those that it calls or that called it ------------------------ */

struct tally {
    uint64_t *changes, *targets;
    int count;
};

static void tally_add(struct tally *tally, uint64_t change, uint64_t target)
{
    tally->changes[tally->count] = change;
    tally->targets[tally->count++] = target;
}

/* What was begun already: that of the family, or of the run alone. */
static void tally_done(struct tally *tally, struct run *run, bool is_undo)
{
    const struct family *family = is_undo ? NULL : family_of(run);

    for (int i = 0; family != NULL && i < family->count; i++)
        tally_add(tally, family->changes[i].change, family->changes[i].target);
    list_each (link, after, &run->steps) {
        const struct step *step = list_item(link, struct step, in_run);

        if (family == NULL && step->attempt > 0 && step->is_undo == is_undo)
            tally_add(tally, step->change_mark, step->target_mark);
    }
}

/* An attempt that is repeated is one change. What a preview planned before this counts as if
 * it were done. */
static void count_run(const struct step *step, int *changes, int *targets)
{
    struct run *shadow = step->run, *run = shadow;
    struct family *family = family_of(run);
    size_t room = 1;

    if (run_is_shadow(shadow))
        run = run_find(shadow->engine, shadow->id & ~SHADOW);
    room += (family != NULL ? (size_t)family->count : 0) + (size_t)shadow->planned_count +
            (run != NULL ? (size_t)run->step_count : 0);
    struct tally tally = {
        .changes = arena_alloc(shadow->engine->turn->arena, room * sizeof(uint64_t)),
        .targets = arena_alloc(shadow->engine->turn->arena, room * sizeof(uint64_t)),
    };
    if (run != NULL)
        tally_done(&tally, run, step->is_undo);
    for (int i = 0; i < shadow->planned_count && shadow->planned[i] != step; i++)
        tally_add(&tally, change_mark(shadow->planned[i]),
                  target_mark(shadow->planned[i]->target));
    tally_add(&tally, change_mark(step), target_mark(step->target));
    *changes = marks_distinct(tally.changes, tally.count);
    *targets = marks_distinct(tally.targets, tally.count);
}

int64_t guard_targets(const struct step *step)
{
    int changes, targets;

    count_run(step, &changes, &targets);
    return targets;
}

/* -- what is never touched ------------------------------------------------------------------- */

/* Ids are the same in small and in capital letters, and one is not found within another. */
static bool holds_id(struct span json, struct span id)
{
    for (size_t i = 0; i + id.len <= json.len; i++) {
        bool is_begin = i == 0 || !isalnum((unsigned char)json.ptr[i - 1]);
        bool is_end =
            i + id.len == json.len || !isalnum((unsigned char)json.ptr[i + id.len]);

        if (is_begin && is_end &&
            span_equal_nocase((struct span){ json.ptr + i, id.len }, id))
            return true;
    }
    return false;
}

static bool names_id(const struct step *step, struct span id)
{
    return id.len > 0 && (holds_id(step->args, id) || holds_id(step->before, id) ||
                          holds_id(step->after, id) || holds_id(span_of(step->target), id));
}

/* Is the entry of a list of the policy about the step? */
static enum fit fit_listed(const struct step *step, const char *path, const char *entry)
{
    bool is_ids = strcmp(path, "guards.principals") == 0;
    bool is_both = strcmp(path, "guards.own") == 0;

    if (((is_ids || is_both) && names_id(step, span_of(entry))) ||
        address_is_touched(step, span_of(entry)))
        return FIT_YES;
    return is_ids ? FIT_NO : place_is_below(step, entry);
}

/* The first entry of a list of the policy that is about the step, or else may be; free(). */
static char *find_listed(const struct step *step, const char *path, enum fit *fit)
{
    struct span list = json_path(span_of(step->run->engine->policy), path);
    char *found = NULL;
    struct span item;
    size_t pos = 0;

    *fit = FIT_NO;
    while (*fit != FIT_YES && json_next(list, &pos, NULL, &item)) {
        char *entry = json_text(item);
        enum fit one = entry != NULL ? fit_listed(step, path, entry) : FIT_NO;

        if (one > *fit) {
            free(found);
            found = entry;
            *fit = one;
        } else {
            free(entry);
        }
    }
    return found;
}

static char *find_tag(const struct step *step)
{
    struct span list = json_get(step->run->engine->guards, "protected_tags");
    struct span item;
    size_t pos = 0;

    while (json_next(list, &pos, NULL, &item))
        if (tags_fit(step, item))
            return json_text(item);
    return NULL;
}

static void raise(struct str *why, const char *key)
{
    str_printf(why,
               "; whoever owns the policy raises it with %s in policy.lua, which voids the "
               "approvals given under the old policy",
               key);
}

static bool is_own(const struct step *step, struct str *why)
{
    enum fit fit = FIT_NO;
    char *own = json_get_text(step->plan_info, "own");
    char *entry = own == NULL ? find_listed(step, "guards.own", &fit) : NULL;

    if (own != NULL)
        str_printf(why,
                   "guard own: %s on %s would cut cordon itself off: %s; no policy lifts "
                   "that, so it is done by hand",
                   step->action, step->target, own);
    else if (entry != NULL)
        str_printf(why,
                   "guard own: %s on %s touches \"%s\", which the policy's guards.own "
                   "lists as cordon's own",
                   step->action, step->target, entry);
    place_add_unknown(step, fit, why);
    if (entry != NULL)
        raise(why, "guards.own");
    free(own);
    free(entry);
    return why->len > 0;
}

static bool is_protected(const struct step *step, struct str *why)
{
    enum fit fit;
    char *entry = find_listed(step, "guards.protected", &fit);

    if (entry != NULL) {
        str_printf(why,
                   "guard protected: %s is protected by \"%s\" in the policy's "
                   "guards.protected, and %s would change it",
                   step->target, entry, step->action);
        place_add_unknown(step, fit, why);
        raise(why, "guards.protected");
    } else if ((entry = find_tag(step)) != NULL) {
        str_printf(why,
                   "guard protected_tags: %s has a tag that \"%s\" in the policy's "
                   "guards.protected_tags protects, and %s would change it",
                   step->target, entry, step->action);
        raise(why, "guards.protected_tags");
    } else if ((entry = find_listed(step, "guards.principals", &fit)) != NULL) {
        str_printf(why,
                   "guard principals: principal %s is protected in the policy's "
                   "guards.principals, and %s on %s touches it",
                   entry, step->action, step->target);
        raise(why, "guards.principals");
    }
    free(entry);
    return why->len > 0;
}

/* -- where ------------------------------------------------------------------------------------- */

/* A list of pinned subscriptions must name the one of this target. */
static bool is_pinned_elsewhere(const struct step *step)
{
    struct span list =
        json_path(span_of(step->run->engine->policy), "guards.subscriptions");
    bool is_here = json_count(list) == 0; /* what shows no subscription is in none */
    struct span item;
    size_t pos = 0;

    while (!is_here && json_next(list, &pos, NULL, &item)) {
        char *glob = json_text(item);

        is_here = glob != NULL && place_is_in(step, glob) == FIT_YES;
        free(glob);
    }
    return !is_here;
}

static void why_elsewhere(const struct step *step, struct str *why)
{
    char *subscription = place_subscription(step);

    if (subscription[0] != '\0')
        str_printf(why,
                   "guard subscriptions: %s is in subscription %s, which the policy's "
                   "guards.subscriptions does not list",
                   step->target, subscription);
    else if (place_unknown(step).len > 0)
        str_printf(why, "guard subscriptions: in which subscription %s lies is not known: ",
                   step->target);
    else
        str_printf(why,
                   "guard subscriptions: %s is in no subscription that the policy's "
                   "guards.subscriptions lists: it does not show in which it lies",
                   step->target);
    if (subscription[0] == '\0')
        json_text_to(why, json_get(step->plan_info, "unplaced"));
    free(subscription);
}

static bool is_tenant_listed(struct span list, struct span tenant)
{
    struct span item;
    size_t pos = 0;

    while (json_next(list, &pos, NULL, &item))
        if (span_equal_nocase(json_raw(item), tenant))
            return true;
    return false;
}

/* Both whom the alert is about and where the plugin would go must be a pinned tenant; a
 * plugin that does not say where it goes does not go. */
static bool is_foreign_tenant(const struct step *step, struct str *why)
{
    struct span list = json_path(span_of(step->run->engine->policy), "guards.tenants");
    struct span alert = step->run->alert.len > 0 ? step->run->alert : step->run->cause;
    struct span told = json_get_raw(step->plan_info, "tenant");
    struct span asked = json_get_raw(alert, "tenant");

    if (json_count(list) == 0 || step->is_partly_told)
        return false;
    if (told.len == 0)
        str_printf(
            why,
            "guard tenants: the policy's guards.tenants pins tenants, and the plugin "
            "does not say in which one %s is",
            step->target);
    else if (!is_tenant_listed(list, told))
        str_printf(why,
                   "guard tenants: %s is in tenant %.*s, which the policy's guards.tenants "
                   "does not list",
                   step->target, (int)told.len, told.ptr);
    else if (asked.len > 0 && !is_tenant_listed(list, asked))
        str_printf(why,
                   "guard tenants: the alert is of tenant %.*s, which the policy's "
                   "guards.tenants does not list",
                   (int)asked.len, asked.ptr);
    if (why->len > 0)
        raise(why, "guards.tenants");
    return why->len > 0;
}

static bool is_elsewhere(const struct step *step, struct str *why)
{
    if (!is_pinned_elsewhere(step))
        return is_foreign_tenant(step, why);
    why_elsewhere(step, why);
    raise(why, "guards.subscriptions");
    return true;
}

/* -- how much ----------------------------------------------------------------------------------- */

static int64_t limit_of(const struct step *step, const char *key, int64_t otherwise)
{
    return json_get_int(step->run->engine->guards, key, otherwise);
}

static bool is_too_much_of_run(const struct step *step, struct str *why)
{
    int64_t changes_max = limit_of(step, "changes_per_run", CHANGES_PER_RUN);
    int64_t targets_max = limit_of(step, "targets_per_run", TARGETS_PER_RUN);
    const char *with =
        family_of(step->run) != NULL ? " and those that it is called with" : "";
    int changes, targets;

    count_run(step, &changes, &targets);
    if (changes > changes_max) {
        str_printf(why,
                   "guard changes_per_run: this would be change %d of the run%s, and "
                   "guards.changes_per_run allows %" PRId64,
                   changes, with, changes_max);
        raise(why, "guards.changes_per_run");
    } else if (targets > targets_max) {
        str_printf(why,
                   "guard targets_per_run: this would be target %d of the run%s, and "
                   "guards.targets_per_run allows %" PRId64,
                   targets, with, targets_max);
        raise(why, "guards.targets_per_run");
    }
    return why->len > 0;
}

/* How many such things there are is what the plugin says, where it knows. */
static bool is_too_much_of_all(const struct step *step, struct str *why)
{
    int64_t exist = json_get_int(step->plan_info, "exists", 0);
    int64_t percent = limit_of(step, "targets_percent", TARGETS_PERCENT);
    int64_t floor = limit_of(step, "targets_floor", TARGETS_FLOOR);
    int targets = exist > 0 ? rate_targets(step) : 0;

    if (exist <= 0 || targets <= floor || targets * INT64_C(100) <= percent * exist)
        return false;
    str_printf(
        why,
        "guard targets_percent: this would be target %d within an hour of the %" PRId64
        " that exist, and guards.targets_percent allows %" PRId64 "%%",
        targets, exist, percent);
    raise(why, "guards.targets_percent (or guards.targets_floor)");
    return true;
}

bool guard_cannot_count(const struct step *step, struct str *why)
{
    struct span reason = json_get(step->plan_info, "uncounted");

    if (json_kind(reason) != JSON_STRING ||
        json_get_int(step->plan_info, "exists", 0) > 0 ||
        limit_of(step, "targets_percent", TARGETS_PERCENT) >= 100 ||
        rate_targets(step) <= limit_of(step, "targets_floor", TARGETS_FLOOR))
        return false;
    str_printf(why,
               "this would be target %d within an hour, and which share of all that is "
               "cannot be said: ",
               rate_targets(step));
    json_text_to(why, reason);
    return true;
}

static bool is_too_much_of_hour(const struct step *step, struct str *why)
{
    struct engine *engine = step->run->engine;
    const struct run *run = step->run;
    int64_t all_max = limit_of(step, "changes_per_hour", CHANGES_PER_HOUR);
    int64_t own_max =
        limit_of(step, "changes_per_playbook_hour", CHANGES_PER_PLAYBOOK_HOUR);
    const char *top = run->top[0] != '\0' ? run->top : run->playbook_name;

    if (step->attempt > 0)
        return false; /* it was counted when it was begun */
    if (rate_changes(engine) >= all_max) {
        str_printf(why,
                   "guard changes_per_hour: %d changes were made in the last hour, and "
                   "guards.changes_per_hour allows %" PRId64,
                   rate_changes(engine), all_max);
        raise(why, "guards.changes_per_hour");
        return true;
    }
    if (rate_of_playbook(engine, run->playbook_name) >= own_max)
        top = run->playbook_name;
    else if (rate_of_playbook(engine, top) < own_max)
        return false;
    str_printf(why,
               "guard changes_per_playbook_hour: playbook %s and what it calls made %d "
               "changes in the last hour, and guards.changes_per_playbook_hour allows "
               "%" PRId64,
               top, rate_of_playbook(engine, top), own_max);
    raise(why, "guards.changes_per_playbook_hour");
    return true;
}

/* -- all of them ---------------------------------------------------------------------------------- */

bool guard_allows(const struct step *step, struct str *why)
{
    if (step->run->engine->policy == NULL || step->is_undo)
        return true; /* no policy is a matter of policy; undoing counts against no guard */
    return !is_own(step, why) && !is_protected(step, why) && !is_elsewhere(step, why) &&
           !is_too_much_of_run(step, why) && !is_too_much_of_all(step, why) &&
           !is_too_much_of_hour(step, why);
}

void guard_put(struct json_out *out, const struct step *step)
{
    struct str why = { 0 };

    if (!guard_allows(step, &why))
        json_put(out, "guard", str_text(&why));
    str_fini(&why);
}

static void put_count(struct json_out *out, const char *guard, int64_t count, int64_t of)
{
    json_open(out, '{');
    json_put_int(out, "count", count);
    json_put(out, "guard", guard);
    json_put_int(out, "of", of);
    json_close(out);
}

void guard_put_counts(struct json_out *out, const struct step *step)
{
    struct engine *engine = step->run->engine;
    int changes, targets, ahead = 1;

    if (engine->policy == NULL || step->is_undo)
        return;
    count_run(step, &changes, &targets);
    while (ahead <= step->run->planned_count && step->run->planned[ahead - 1] != step)
        ahead++;
    json_key(out, "guards");
    json_open(out, '[');
    put_count(out, "changes_per_run", changes,
              limit_of(step, "changes_per_run", CHANGES_PER_RUN));
    put_count(out, "targets_per_run", targets,
              limit_of(step, "targets_per_run", TARGETS_PER_RUN));
    put_count(out, "changes_per_hour", rate_changes(engine) + ahead,
              limit_of(step, "changes_per_hour", CHANGES_PER_HOUR));
    put_count(out, "changes_per_playbook_hour",
              rate_of_playbook(engine, step->run->playbook_name) + ahead,
              limit_of(step, "changes_per_playbook_hour", CHANGES_PER_PLAYBOOK_HOUR));
    json_close(out);
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
