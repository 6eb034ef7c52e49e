/* SPDX-License-Identifier: Apache-2.0 */
#include "place.h"

#include <string.h>

#include "arm.h"
#include "armid.h"
#include "azure.h"
#include "job.h"
#include "subscriptions.h"
#include "text.h"

enum {
    LOOK_MS = 10 * 1000, /* for all lists */
    KEPT_MS = 3600 * 1000,
    MISSED_MS = 30 * 1000, /* that it was not found: a role may be given meanwhile */
    SUBSCRIPTIONS_MAX = 200
};

#define VAULT_TYPE "Microsoft.KeyVault/vaults"

struct look {
    const char *vault, *secret;
    void (*next)(struct job *job, void *arg);
    void *arg;
    struct subscriptions subscriptions;
    int at, pages;
    const char *missed; /* the newest reason why a list was not read; NULL */
};

static const char *kept_name(struct job *job, const struct look *look)
{
    return job_text(job, "place of vault %s", look->vault);
}

/* -- the end ------------------------------------------------------------------------------ */

/* The secret has an id of its own below the vault's, by which roles are given. */
static void take(struct job *job, const struct look *look, const char *id)
{
    cJSON *within = job_own(job, cJSON_CreateArray());
    const char *secret = job_text(job, "%s/secrets/%s", id, look->secret);

    cJSON_AddItemToArray(within, cJSON_CreateString(secret));
    cJSON_AddItemToArray(within, cJSON_CreateString(id));
    job->within = within;
}

static void end(struct job *job, const struct look *look)
{
    job->instead = NULL;
    look->next(job, look->arg);
}

static void end_found(struct job *job, const struct look *look, const char *id)
{
    take(job, look, id);
    end(job, look);
}

static void end_unknown(struct job *job, const struct look *look, const char *why)
{
    take(job, look,
         job_text(job, "/subscriptions/*/resourceGroups/*/providers/" VAULT_TYPE "/%s",
                  look->vault));
    job->unplaced = why;
    end(job, look);
}

static const char *sentence(struct job *job, const struct look *look, const char *why)
{
    return job_text(job,
                    "vault %s %s; give cordon's identity Microsoft.KeyVault/vaults/read in "
                    "its subscription, or name the vault's resource id in vault_ids of the "
                    "azure plugin's configuration",
                    look->vault, why);
}

static void end_missed(struct job *job, const struct look *look)
{
    const char *why;

    if (look->missed != NULL)
        why = job_text(job, "was not found, and not all vaults could be listed (%.400s)",
                       look->missed);
    else if (look->subscriptions.left_out > 0)
        why = job_text(job, "is in none of the first %d subscriptions", SUBSCRIPTIONS_MAX);
    else
        why = job_text(job, "is in none of the %d subscriptions that cordon can see",
                       look->subscriptions.count);
    why = sentence(job, look, why);
    known_keep(job, kept_name(job, look), why, MISSED_MS);
    end_unknown(job, look, why);
}

/* -- lists -------------------------------------------------------------------------------- */

static void ask_vaults(struct job *job, struct look *look);

static void on_vaults(struct job *job, const struct answer *answer, void *arg)
{
    struct look *look = arg;
    const cJSON *item;

    if (!answer_is_good(job, answer, true, "list vaults"))
        return;
    cJSON_ArrayForEach(item, json_get(answer->json, "value"))
    {
        const char *id = json_text(item, "id");
        char type[ARMID_TYPE_MAX];

        if (armid_fault(id, type) != NULL || !text_same(type, VAULT_TYPE) ||
            !text_same(armid_name(id), look->vault))
            continue;
        id = job_text(job, "%s", id);
        known_keep(job, kept_name(job, look), id, KEPT_MS);
        end_found(job, look, id);
        return;
    }
    const char *next = json_text(answer->json, "nextLink");
    if (next[0] != '\0' && ++look->pages < PAGES_MAX) {
        arm_next(job, next, on_vaults, look);
        return;
    }
    look->at++;
    ask_vaults(job, look);
}

static void ask_vaults(struct job *job, struct look *look)
{
    if (look->at < look->subscriptions.count &&
        job->host->now_ms() >= job->instead_until_ms) {
        look->missed = job_text(job, "%d of %d subscriptions in %d seconds", look->at,
                                look->subscriptions.count, LOOK_MS / 1000);
        look->at = look->subscriptions.count;
    }
    if (look->at >= look->subscriptions.count)
        end_missed(job, look);
    else
        arm_get(job,
                job_text(job, "%s/providers/" VAULT_TYPE,
                         look->subscriptions.ids[look->at]),
                ARM_VAULTS, on_vaults, look);
}

static void on_subscriptions(struct job *job, void *arg)
{
    ask_vaults(job, arg);
}

/* A list that cannot be read is passed over: the vault may be in another one. */
static void on_missed(struct job *job, enum cordon_status status, const char *why)
{
    struct look *look = job->courtesy;

    (void)status;
    look->missed = job_text(job, "%s", why);
    look->at++;
    ask_vaults(job, look);
}

/* -- it begins ---------------------------------------------------------------------------- */

static const char *configured(const struct job *job, const char *vault)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, job->azure->config.vault_ids)
    {
        if (cJSON_IsString(item) && text_same(item->string, vault))
            return item->valuestring;
    }
    return NULL;
}

void place_look(struct job *job, const char *vault,
                void (*next)(struct job *job, void *arg), void *arg)
{
    struct look *look = job_alloc(job, sizeof *look);

    *look = (struct look){ .vault = vault, .next = next, .arg = arg };
    look->secret = json_text(job->args, "name");
    const char *known = configured(job, vault);
    if (known == NULL)
        known = known_find(job, kept_name(job, look));
    if (known != NULL && text_starts(known, "/subscriptions/")) {
        end_found(job, look, known);
        return;
    }
    if (known != NULL) {
        end_unknown(job, look, known);
        return;
    }
    job->courtesy = look;
    job->instead = on_missed;
    job->instead_until_ms = job->host->now_ms() + LOOK_MS;
    look->subscriptions = (struct subscriptions){ .most = SUBSCRIPTIONS_MAX,
                                                  .done = on_subscriptions,
                                                  .arg = look };
    subscriptions_list(job, &look->subscriptions);
}

struct seen {
    const char *target;
    const cJSON *state;
};

static void end_seen(struct job *job, void *arg)
{
    const struct seen *seen = arg;

    job_observed(job, seen->target, seen->state);
}

void place_observed(struct job *job, const char *vault, const char *target,
                    const cJSON *state)
{
    struct seen *seen = job_alloc(job, sizeof *seen);

    *seen = (struct seen){ target, state };
    if (job->goal != NULL)
        place_look(job, vault, end_seen, seen);
    else
        end_seen(job, seen);
}

/* -- what is told ------------------------------------------------------------------------- */

/* "/subscriptions/S/..." -> S, in small letters; NULL: it shows none. */
static const char *subscription_in(struct job *job, const char *id)
{
    static const char prefix[] = "/subscriptions/";
    const char *begin = id + strlen(prefix);

    if (!text_starts(job_lower(job, id), prefix))
        return NULL;
    const char *name =
        job_lower(job, job_text(job, "%.*s", (int)strcspn(begin, "/"), begin));
    return strcmp(name, "*") != 0 ? name : NULL;
}

void place_tell(struct job *job, struct cordon_observation *seen)
{
    const char *id = job->within != NULL ? cJSON_GetArrayItem(job->within, 0)->valuestring
                                         : seen->target;

    seen->within = job->within != NULL ? job_print(job, job->within) : NULL;
    seen->subscription = subscription_in(job, id);
    seen->unplaced = job->unplaced;
    if (seen->subscription == NULL && seen->unplaced == NULL && id[0] == '/')
        seen->unplaced = job_text(job, "it lies above subscriptions, and in any of those "
                                       "below it it is in force");
}
