/* SPDX-License-Identifier: Apache-2.0 */
#include "secret.h"

#include <stdlib.h>
#include <string.h>

#include "arm.h"
#include "armid.h"
#include "job.h"
#include "text.h"
#include "vault.h"

/* Pages on their way. */
struct listing {
    struct secret *secret;
    int pages;
};

struct secret *secret_of(struct job *job)
{
    const char *vault = json_text(job->args, "vault");
    const char *name = json_text(job->args, "name");

    if (!text_is_word(vault, "-", 3, 24)) {
        job_fail(job, CORDON_REFUSED, "BadVault",
                 "%.60s is no vault's name; want 3 to 24 letters, digits or -", vault);
        return NULL;
    }
    if (!text_is_word(name, "-", 1, 127)) {
        job_fail(job, CORDON_REFUSED, "BadSecretName",
                 "%.130s is no secret's name; want 1 to 127 letters, digits or -", name);
        return NULL;
    }
    struct secret *secret = job_alloc(job, sizeof *secret);
    secret->vault = job_lower(job, vault);
    secret->name = name;
    secret->url = vault_secret_url(job, vault, name);
    return secret;
}

const char *version_tag(const struct version *version, const char *name)
{
    return json_text(json_get(version->json, "tags"), name);
}

bool version_replaces(const struct version *version, const char *old)
{
    const char *tag = version_tag(version, "cordon-replaces");
    size_t len = strcspn(tag, " ");

    return len > 0 && strlen(old) == len && text_starts(tag, old);
}

bool version_has_key(const struct version *version, const char *key)
{
    const char *both = strchr(version_tag(version, "cordon-replaces"), ' ');

    if (key == NULL || key[0] == '\0')
        return false;
    return strcmp(version_tag(version, "cordon-key"), key) == 0 ||
           (both != NULL && strcmp(both + 1, key) == 0);
}

const char *version_manager(const struct version *version)
{
    const char *type = json_text(version->json, "contentType");

    if (text_same(type, "application/vnd.ms-sastoken-storage") ||
        text_same(type, "application/vnd.ms-StorageAccountAccessKey"))
        return "a storage account whose keys the vault manages owns it; regenerate the "
               "account's key instead";
    if (json_text(version->json, "kid")[0] != '\0')
        return "the certificate of the same name owns it; renew or disable the certificate "
               "instead";
    if (json_true(version->json, "managed"))
        return "the vault manages it for a certificate or a storage account; change that "
               "instead";
    return NULL;
}

const struct version *secret_version(const struct secret *secret, const char *id)
{
    for (size_t i = 0; i < secret->count; i++) {
        if (text_same(secret->versions[i].id, id))
            return &secret->versions[i];
    }
    return NULL;
}

static int64_t number(const cJSON *object, const char *name)
{
    const cJSON *item = json_get(object, name);

    return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : 0;
}

/* Newest first, and the same order every time: seconds are all that the vault tells. */
static int compare(const void *left, const void *right)
{
    const struct version *a = left;
    const struct version *b = right;

    if (a->created_s != b->created_s)
        return a->created_s > b->created_s ? -1 : 1;
    if (version_replaces(a, b->id))
        return -1;
    if (version_replaces(b, a->id))
        return 1;
    return strcmp(b->id, a->id);
}

static void add_versions(struct job *job, struct secret *secret, const cJSON *list)
{
    const cJSON *item;
    size_t more = secret->count + (size_t)cJSON_GetArraySize(list);
    struct version *versions = job_alloc(job, (more + 1) * sizeof *versions);

    if (secret->count > 0)
        memcpy(versions, secret->versions, secret->count * sizeof *versions);
    secret->versions = versions;
    cJSON_ArrayForEach(item, list)
    {
        const cJSON *attributes = json_get(item, "attributes");
        const char *id = armid_name(json_text(item, "id"));
        if (!text_is_word(id, "-", 1, 64))
            continue;
        versions[secret->count++] = (struct version){
            .id = id,
            .json = item,
            .created_s = number(attributes, "created"),
            .is_enabled = json_true(attributes, "enabled"),
        };
    }
}

static void on_page(struct job *job, const struct answer *answer, void *arg)
{
    struct listing *listing = arg;
    struct secret *secret = listing->secret;
    const char *what = job_text(job, "list versions of %s", secret->url);

    if (!answer_is_good(job, answer, true, what))
        return;
    add_versions(job, secret, json_get(answer->json, "value"));
    const char *next = json_text(answer->json, "nextLink");
    if (secret->count > VERSIONS_MAX || ++listing->pages > PAGES_MAX) {
        job_fail(job, CORDON_REFUSED, "TooMany", "%s has more than %d versions",
                 secret->url, VERSIONS_MAX);
        return;
    }
    if (next[0] != '\0') {
        vault_next(job, secret->vault, next, on_page, listing);
        return;
    }
    if (secret->count == 0) {
        job_fail(job, CORDON_REFUSED, "SecretNotFound", "there is no secret %s",
                 secret->url);
        return;
    }
    qsort(secret->versions, secret->count, sizeof secret->versions[0], compare);
    secret->done(job, secret);
}

void secret_list(struct job *job, struct secret *secret,
                 void (*done)(struct job *job, struct secret *secret))
{
    struct listing *listing = job_alloc(job, sizeof *listing);

    listing->secret = secret;
    secret->count = 0;
    secret->done = done;
    struct vault_request request = {
        .method = "GET",
        .vault = secret->vault,
        .path = job_text(job, "/secrets/%s/versions", secret->name),
        .query = "&maxresults=25",
        .done = on_page,
        .arg = listing,
    };
    vault_send(job, &request);
}

void secret_enable(struct job *job, const struct secret *secret, const char *version,
                   bool is_enabled, answer_fn *done, void *arg)
{
    cJSON *body = job_object(job);

    cJSON_AddBoolToObject(cJSON_AddObjectToObject(body, "attributes"), "enabled",
                          is_enabled);
    struct vault_request request = {
        .method = "PATCH",
        .vault = secret->vault,
        .path = job_text(job, "/secrets/%s/%s", secret->name, version),
        .body = body,
        .done = done,
        .arg = arg,
    };
    vault_send(job, &request);
}
