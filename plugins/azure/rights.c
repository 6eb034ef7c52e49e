/* SPDX-License-Identifier: Apache-2.0 */
#include "rights.h"

#include <ctype.h>
#include <string.h>

#include "arm.h"
#include "armid.h"
#include "azure.h"
#include "job.h"
#include "text.h"

enum {
    LOOK_MS = 5 * 1000,  /* for all lists */
    KEPT_MS = 60 * 1000, /* that nothing is in the way, or that it cannot be known */
    RIGHTS_PAGES_MAX = 20
};

#define EVERYBODY "00000000-0000-0000-0000-000000000000"

struct look {
    const char *scope;
    const struct rights *rights;
    void (*next)(struct job *job, void *arg);
    void *arg;
    const char *name; /* under which it is kept */
    bool may_change, may_undo, has_found;
    int entries, pages;
};

bool rights_cover(const char *pattern, const char *action)
{
    const char *star = NULL, *from = NULL;

    while (*action != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            from = action;
        } else if (tolower((unsigned char)*pattern) == tolower((unsigned char)*action)) {
            pattern++;
            action++;
        } else if (star != NULL) { /* the star takes one more */
            pattern = star + 1;
            action = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static bool is_in(const cJSON *list, const char *action)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
    {
        if (cJSON_IsString(item) && rights_cover(item->valuestring, action))
            return true;
    }
    return false;
}

/* Does one of these permissions contain the action? */
static bool contains(const cJSON *permissions, const char *action)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, permissions)
    {
        if (is_in(json_get(item, "actions"), action) &&
            !is_in(json_get(item, "notActions"), action))
            return true;
    }
    return false;
}

/* -- The end ---------------------------------------------------------------------------- */

static void end(struct job *job, const struct look *look)
{
    job->instead = NULL;
    if (!look->has_found)
        known_keep(job, look->name, "", KEPT_MS);
    look->next(job, look->arg);
}

static void on_missed(struct job *job, enum cordon_status status, const char *why)
{
    const struct look *look = job->courtesy;

    (void)status;
    job->host->log(0, "%s are not known: %s", look->name, why);
    end(job, look);
}

static void ask(struct job *job, struct look *look, const char *list, const char *version,
                answer_fn *done)
{
    arm_get(job,
            job_text(job, "%s/providers/Microsoft.Authorization/%s", look->scope, list),
            version, done, look);
}

/* -- Locks -------------------------------------------------------------------------------- */

#define LOCKS_INFIX "/providers/Microsoft.Authorization/locks/"

/* The list has those of scopes below, too. */
static bool is_lock_above(struct job *job, const struct look *look, const char *id)
{
    const char *at = strcasestr(id, LOCKS_INFIX);

    return at != NULL &&
           armid_covers(job, job_text(job, "%.*s", (int)(at - id), id), look->scope);
}

/* ReadOnly stops every write and action, CanNotDelete what deletes. */
static bool stops(const char *level, const char *action)
{
    return text_same(level, "ReadOnly") ||
           (text_same(level, "CanNotDelete") && rights_cover("*/delete", action));
}

static void take_lock(struct job *job, struct look *look, const cJSON *lock)
{
    const char *id = json_text(lock, "id");
    const char *level = json_text(json_get(lock, "properties"), "level");

    if (!is_lock_above(job, look, id) ||
        (!stops(level, look->rights->change) && !stops(level, look->rights->undo)))
        return;
    look->has_found = true;
    if (stops(level, look->rights->change))
        job_cannot(job, "ScopeLocked",
                   "the %s lock %.500s forbids %s; its owner can take it off", level, id,
                   look->rights->change);
    else
        job_note(job,
                 "the %s lock %.400s forbids %s: undoing this would be stuck until it is "
                 "taken off",
                 level, id, look->rights->undo);
}

static void on_locks(struct job *job, const struct answer *answer, void *arg)
{
    struct look *look = arg;
    const cJSON *item;

    if (!answer_is_good(job, answer, true, "list locks"))
        return;
    cJSON_ArrayForEach(item, json_get(answer->json, "value"))
    {
        take_lock(job, look, item);
    }
    const char *next = json_text(answer->json, "nextLink");
    if (next[0] != '\0' && ++look->pages < RIGHTS_PAGES_MAX)
        arm_next(job, next, on_locks, look);
    else
        end(job, look);
}

static void ask_locks(struct job *job, struct look *look)
{
    job->instead = on_missed;
    ask(job, look, "locks", ARM_LOCKS, on_locks);
}

/* -- Deny assignments --------------------------------------------------------------------- */

static bool is_our_principal(struct job *job, const cJSON *list)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
    {
        if (own_principal(job, json_text(item, "id")) != NULL)
            return true;
    }
    return false;
}

static bool is_everybody(const cJSON *list)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
    {
        if (text_same(json_text(item, "id"), EVERYBODY))
            return true;
    }
    return false;
}

/* Groups that we may be in are not known, so only what names us or everybody counts. */
static bool is_for_us(struct job *job, const cJSON *properties)
{
    const cJSON *principals = json_get(properties, "principals");

    return !is_our_principal(job, json_get(properties, "excludePrincipals")) &&
           (is_everybody(principals) || is_our_principal(job, principals));
}

/* At a scope above ours it may be for that scope alone. */
static bool is_in_force(const struct look *look, const cJSON *properties)
{
    return !json_true(properties, "doNotApplyToChildScopes") ||
           text_same(json_text(properties, "scope"), look->scope);
}

static void take_deny(struct job *job, struct look *look, const cJSON *item)
{
    const cJSON *properties = json_get(item, "properties");
    const cJSON *permissions = json_get(properties, "permissions");
    const char *name = json_text(properties, "denyAssignmentName");

    if (!is_for_us(job, properties) || !is_in_force(look, properties))
        return;
    look->has_found = look->has_found || contains(permissions, look->rights->change) ||
                      contains(permissions, look->rights->undo);
    if (contains(permissions, look->rights->change))
        job_cannot(job, "DenyAssignmentAuthorizationFailed",
                   "the deny assignment %.200s at %.400s forbids %s; its owner can exclude "
                   "cordon's identity from it, or take it off",
                   name, json_text(properties, "scope"), look->rights->change);
    else if (contains(permissions, look->rights->undo))
        job_note(job,
                 "the deny assignment %.200s at %.300s forbids %s: undoing this would be "
                 "stuck until it is taken off",
                 name, json_text(properties, "scope"), look->rights->undo);
}

static void on_no_denies(struct job *job, enum cordon_status status, const char *why)
{
    struct look *look = job->courtesy;

    (void)status;
    job->host->log(0, "%s: deny assignments are not known: %s", look->name, why);
    ask_locks(job, look);
}

static void on_denies(struct job *job, const struct answer *answer, void *arg)
{
    struct look *look = arg;
    const cJSON *item;

    if (!answer_is_good(job, answer, true, "list deny assignments"))
        return;
    cJSON_ArrayForEach(item, json_get(answer->json, "value"))
    {
        take_deny(job, look, item);
    }
    const char *next = json_text(answer->json, "nextLink");
    if (next[0] != '\0' && ++look->pages < RIGHTS_PAGES_MAX)
        arm_next(job, next, on_denies, look);
    else
        ask_locks(job, look);
}

/* -- Permissions -------------------------------------------------------------------------- */

/* Somebody who may do nothing could not read the list: an empty one says nothing. */
static void judge(struct job *job, struct look *look)
{
    if (look->entries == 0)
        return;
    look->has_found = !look->may_change || !look->may_undo;
    if (!look->may_change)
        job_cannot(job, "AuthorizationFailed",
                   "cordon's identity has no right to %s at %.500s; give it a role that "
                   "contains it",
                   look->rights->change, look->scope);
    else if (!look->may_undo)
        job_note(job,
                 "cordon's identity has no right to %s at %.400s: undoing this would be "
                 "stuck",
                 look->rights->undo, look->scope);
}

static void on_no_permissions(struct job *job, enum cordon_status status, const char *why)
{
    struct look *look = job->courtesy;

    (void)status;
    job->host->log(0, "%s are not known: %s", look->name, why);
    job->instead = on_no_denies;
    ask(job, look, "denyAssignments", ARM_AUTH, on_denies);
}

static void on_permissions(struct job *job, const struct answer *answer, void *arg)
{
    struct look *look = arg;

    if (!answer_is_good(job, answer, true, "list permissions"))
        return;
    const cJSON *list = json_get(answer->json, "value");
    look->entries += cJSON_GetArraySize(list);
    look->may_change = look->may_change || contains(list, look->rights->change);
    look->may_undo = look->may_undo || contains(list, look->rights->undo);
    const char *next = json_text(answer->json, "nextLink");
    if (next[0] != '\0' && ++look->pages < RIGHTS_PAGES_MAX) {
        arm_next(job, next, on_permissions, look);
        return;
    }
    judge(job, look);
    job->instead = on_no_denies;
    ask(job, look, "denyAssignments", ARM_AUTH, on_denies);
}

void rights_look(struct job *job, const char *scope, const struct rights *rights,
                 void (*next)(struct job *job, void *arg), void *arg)
{
    struct look *look = job_alloc(job, sizeof *look);

    *look = (struct look){ .scope = scope, .rights = rights, .next = next, .arg = arg };
    look->name = job_text(job, "rights to %s at %s", rights->change, job_lower(job, scope));
    if (job->before != NULL || known_find(job, look->name) != NULL) {
        next(job, arg);
        return;
    }
    job->courtesy = look;
    job->instead = on_no_permissions;
    job->instead_until_ms = job->host->now_ms() + LOOK_MS;
    ask(job, look, "permissions", ARM_AUTH, on_permissions);
}
