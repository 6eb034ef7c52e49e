/* SPDX-License-Identifier: Apache-2.0 */
#include "consumers.h"

#include <string.h>

#include "arm.h"
#include "armid.h"
#include "azure.h"
#include "job.h"
#include "subscriptions.h"
#include "text.h"

enum {
    LOOK_MS = 10 * 1000, /* for all of it */
    SITES_MAX = 50,      /* whose references are read */
    SUBSCRIPTIONS_MAX = 20,
    PINS_MAX = 6 /* that are named; the rest is counted */
};

struct look {
    const char *vault, *name, *version;
    void (*next)(struct job *job, void *arg);
    void *arg;
    struct subscriptions subscriptions;
    const char *sites[SITES_MAX];
    int subscription_at, site_count, site_at;
    int pins, left_out;
};

static void ask_site(struct job *job, struct look *look);
static void ask_subscription(struct job *job, struct look *look);

static void end(struct job *job, struct look *look)
{
    job->instead = NULL;
    if (look->pins > PINS_MAX)
        job_note(job, "%d more references to version %s were found", look->pins - PINS_MAX,
                 look->version);
    if (look->left_out > 0)
        job_note(job,
                 "there are sites whose references to this secret were not looked at "
                 "(%d were): one that names version %s would no longer get a value",
                 look->site_at, look->version);
    look->next(job, look->arg);
}

/* -- References --------------------------------------------------------------------------- */

/* "@Microsoft.KeyVault(SecretUri=https://V.vault.azure.net/secrets/N/VERSION)", or with
 * VaultName=V;SecretName=N;SecretVersion=VERSION. */
static bool is_named_in(struct job *job, const struct look *look, const char *reference)
{
    const char *text = job_lower(job, reference);
    const char *host = job_lower(job, job_text(job, "https://%s.", look->vault));
    const char *path =
        job_lower(job, job_text(job, "/secrets/%s/%s", look->name, look->version));
    const char *parts = job_lower(job, job_text(job,
                                                "vaultname=%s;secretname=%s;"
                                                "secretversion=%s",
                                                look->vault, look->name, look->version));

    return (strstr(text, host) != NULL && strstr(text, path) != NULL) ||
           strstr(text, parts) != NULL;
}

static bool is_pin(struct job *job, const struct look *look, const cJSON *item)
{
    const cJSON *properties = json_get(item, "properties");

    if (is_named_in(job, look, json_text(properties, "reference")))
        return true;
    return text_same(json_text(properties, "vaultName"), look->vault) &&
           text_same(json_text(properties, "secretName"), look->name) &&
           text_same(json_text(properties, "secretVersion"), look->version);
}

static void note_pin(struct job *job, struct look *look, const cJSON *item)
{
    if (++look->pins > PINS_MAX)
        return;
    job_note(
        job,
        "the setting %.100s of site %s names version %s of the secret: it does not get "
        "the new value, and the old one is disabled; take the version out of the "
        "reference",
        json_text(item, "name"), armid_name(look->sites[look->site_at]), look->version);
}

static void on_references(struct job *job, const struct answer *answer, void *arg)
{
    struct look *look = arg;
    const cJSON *item;

    if (!answer_is_good(job, answer, true, "list Key Vault references"))
        return;
    cJSON_ArrayForEach(item, json_get(answer->json, "value"))
    {
        if (is_pin(job, look, item))
            note_pin(job, look, item);
    }
    look->site_at++;
    ask_site(job, look);
}

static void ask_site(struct job *job, struct look *look)
{
    bool is_late = job->host->now_ms() >= job->instead_until_ms;

    if (look->site_at == look->site_count || is_late) {
        look->left_out += look->site_count - look->site_at;
        end(job, look);
        return;
    }
    arm_get(job,
            job_text(job, "%s/config/configreferences/appsettings",
                     look->sites[look->site_at]),
            ARM_WEB, on_references, look);
}

/* -- Sites -------------------------------------------------------------------------------- */

static void on_sites(struct job *job, const struct answer *answer, void *arg)
{
    struct look *look = arg;
    const cJSON *item;

    if (!answer_is_good(job, answer, true, "list sites"))
        return;
    cJSON_ArrayForEach(item, json_get(answer->json, "value"))
    {
        const char *id = json_text(item, "id");
        if (look->site_count < SITES_MAX && text_starts(id, "/subscriptions/"))
            look->sites[look->site_count++] = job_text(job, "%s", id);
        else
            look->left_out++;
    }
    const char *next = json_text(answer->json, "nextLink");
    if (next[0] != '\0' && look->site_count < SITES_MAX) {
        arm_next(job, next, on_sites, look);
        return;
    }
    look->left_out += next[0] != '\0';
    look->subscription_at++;
    ask_subscription(job, look);
}

static void ask_subscription(struct job *job, struct look *look)
{
    if (look->subscription_at == look->subscriptions.count)
        ask_site(job, look);
    else
        arm_get(job,
                job_text(job, "%s/providers/Microsoft.Web/sites",
                         look->subscriptions.ids[look->subscription_at]),
                ARM_WEB, on_sites, look);
}

static void on_subscriptions(struct job *job, void *arg)
{
    struct look *look = arg;

    look->left_out += look->subscriptions.left_out;
    ask_subscription(job, look);
}

/* One list that cannot be read leaves out what it has. */
static void on_missed(struct job *job, enum cordon_status status, const char *why)
{
    struct look *look = job->courtesy;

    (void)status;
    job->host->log(0, "who reads secret %s by version is not known in full: %s", look->name,
                   why);
    if (look->site_at < look->site_count &&
        look->subscription_at == look->subscriptions.count) {
        look->site_at++;
        ask_site(job, look);
    } else if (look->subscription_at < look->subscriptions.count) {
        look->subscription_at++;
        ask_subscription(job, look);
    } else {
        end(job, look);
    }
}

void consumers_look(struct job *job, const char *vault, const char *name,
                    const char *version, void (*next)(struct job *job, void *arg),
                    void *arg)
{
    struct look *look = job_alloc(job, sizeof *look);

    if (job->before != NULL || job->cannot != NULL) {
        next(job, arg);
        return;
    }
    look->vault = vault;
    look->name = name;
    look->version = version;
    look->next = next;
    look->arg = arg;
    job->courtesy = look;
    job->instead = on_missed;
    job->instead_until_ms = job->host->now_ms() + LOOK_MS;
    look->subscriptions = (struct subscriptions){ .most = SUBSCRIPTIONS_MAX,
                                                  .done = on_subscriptions,
                                                  .arg = look };
    subscriptions_list(job, &look->subscriptions);
}
