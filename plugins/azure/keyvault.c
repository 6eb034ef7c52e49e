/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyvault.c - a secret: what versions it has, and disabling one of them.
 */
#include "azure.h"

#include "arm.h"
#include "count.h"
#include "job.h"
#include "secret.h"
#include "text.h"

/* -- azure.keyvault.get_secret_info ---------------------------------------------------- */

static void add_version(cJSON *list, const struct version *version)
{
    const cJSON *attributes = json_get(version->json, "attributes");
    cJSON *out = cJSON_CreateObject();

    cJSON_AddStringToObject(out, "version", version->id);
    cJSON_AddBoolToObject(out, "enabled", version->is_enabled);
    json_copy(out, "created", attributes, "created");
    json_copy(out, "updated", attributes, "updated");
    json_copy(out, "expires", attributes, "exp");
    json_copy(out, "not_before", attributes, "nbf");
    json_copy(out, "content_type", version->json, "contentType");
    json_copy(out, "tags", version->json, "tags");
    cJSON_AddItemToArray(list, out);
}

static void on_info(struct job *job, struct secret *secret)
{
    cJSON *out = job_object(job);

    cJSON_AddStringToObject(out, "id", secret->url);
    cJSON_AddStringToObject(out, "vault", secret->vault);
    cJSON_AddStringToObject(out, "name", secret->name);
    cJSON_AddStringToObject(out, "version", secret->versions[0].id);
    cJSON_AddBoolToObject(out, "enabled", secret->versions[0].is_enabled);
    cJSON *list = cJSON_AddArrayToObject(out, "versions");
    for (size_t i = 0; i < secret->count; i++)
        add_version(list, &secret->versions[i]);
    job_done(job, out);
}

static int info_read(struct cordon_call *call, const struct cordon_input *in)
{
    struct job *job = job_begin(call, in);
    struct secret *secret = secret_of(job);

    if (secret != NULL)
        secret_list(job, secret, on_info);
    return job_started(job);
}

/* -- azure.keyvault.disable_secret ----------------------------------------------------- */

/* The version that args name; when they name none, the one that was newest when we first
 * looked, or is newest now. */
static const struct version *version_meant(const struct job *job,
                                           const struct secret *secret)
{
    const char *id = json_text(job->args, "version");

    if (id[0] == '\0')
        id = json_text(job->before, "version");
    return id[0] != '\0' ? secret_version(secret, id) : &secret->versions[0];
}

static void on_disable_observed(struct job *job, struct secret *secret)
{
    const struct version *version = version_meant(job, secret);

    if (version == NULL) {
        job_fail(job, CORDON_REFUSED, "VersionNotFound", "%s has no version %s",
                 secret->url, json_text(job->args, "version"));
        return;
    }
    cJSON *slice = job_object(job);
    cJSON_AddStringToObject(slice, "version", version->id);
    cJSON_AddBoolToObject(slice, "enabled", version->is_enabled);
    job->tags = json_get(version->json, "tags");
    if (job->before == NULL && version_manager(version) != NULL)
        job_cannot(job, "SecretManaged", "secret %s of vault %s is managed: %s",
                   secret->name, secret->vault, version_manager(version));
    count_observed(job, COUNT_SECRETS, secret->vault, secret->url, slice);
}

static int disable_observe(struct cordon_call *call, const struct cordon_input *in)
{
    struct job *job = job_begin(call, in);
    struct secret *secret = secret_of(job);

    if (secret != NULL)
        secret_list(job, secret, on_disable_observed);
    return job_started(job);
}

static int disable_plan(struct cordon_call *call, const struct cordon_input *in,
                        struct cordon_plan *out)
{
    struct job *job = job_begin(call, in);
    struct secret *secret = secret_of(job);

    if (secret != NULL) {
        const char *version = json_text(job->before, "version");
        cJSON *after = job_object(job);
        cJSON_AddStringToObject(after, "version", version);
        cJSON_AddBoolToObject(after, "enabled", false);
        out->after = job_print(job, after);
        out->what = job_text(job,
                             "disable version %s of secret %s in vault %s: nobody can "
                             "read it any more",
                             version, secret->name, secret->vault);
        own_tell(out, own_vault(job, secret->vault));
        if (json_true(job->before, "enabled"))
            out->undo = "enable that version again";
    }
    return job_end_plan(job);
}

static void on_set(struct job *job, const struct answer *answer, void *arg)
{
    if (answer_is_good(job, answer, false, arg))
        job_done(job, NULL);
}

static int set_enabled(struct cordon_call *call, const struct cordon_input *in,
                       bool is_enabled)
{
    struct job *job = job_begin(call, in);
    struct secret *secret = secret_of(job);
    const char *version = json_text(job->before, "version");

    if (secret != NULL && !text_is_word(version, "-", 1, 64))
        job_fail(job, CORDON_REFUSED, "NoVersion", "what was captured names no version");
    else if (secret != NULL)
        secret_enable(job, secret, version, is_enabled, on_set,
                      job_text(job, "%s version %s of %s",
                               is_enabled ? "enable" : "disable", version, secret->url));
    return job_started(job);
}

static int disable_apply(struct cordon_call *call, const struct cordon_input *in)
{
    return set_enabled(call, in, false);
}

static int disable_restore(struct cordon_call *call, const struct cordon_input *in)
{
    cJSON *goal = cJSON_Parse(in->goal);
    bool is_enabled = json_true(goal, "enabled");

    cJSON_Delete(goal);
    return set_enabled(call, in, is_enabled);
}

/* -- Declarations ---------------------------------------------------------------------- */

static const char *const info_permissions[] = {
    "Microsoft.KeyVault/vaults/secrets/readMetadata/action", NULL
};
static const char *const disable_permissions[] = {
    "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
    "Microsoft.KeyVault/vaults/secrets/update/action", NULL
};

const struct cordon_action keyvault_get_secret_info = {
    .size = sizeof(struct cordon_action),
    .name = "azure.keyvault.get_secret_info",
    .summary = "List the versions of a Key Vault secret, without their values",
    .effect = CORDON_READS,
    .risk = CORDON_LOW,
    .permissions = info_permissions,
    .timeout_ms = 60000,
    .args_schema = "{\"type\":\"object\",\"additionalProperties\":false,"
                   "\"required\":[\"vault\",\"name\"],\"properties\":{" SECRET_NAMES "}}",
    .result_schema =
        "{\"type\":\"object\",\"additionalProperties\":false,"
        "\"required\":[\"id\",\"vault\",\"name\",\"version\",\"enabled\",\"versions\"],"
        "\"properties\":{\"id\":{\"type\":\"string\"},\"vault\":{\"type\":\"string\"},"
        "\"name\":{\"type\":\"string\"},"
        "\"version\":{\"type\":\"string\",\"description\":\"the newest\"},"
        "\"enabled\":{\"type\":\"boolean\",\"description\":\"of the newest\"},"
        "\"versions\":{\"type\":\"array\",\"description\":\"newest first\",\"items\":{"
        "\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
        "\"version\":{\"type\":\"string\"},\"enabled\":{\"type\":\"boolean\"},"
        "\"created\":{\"type\":\"integer\",\"description\":\"seconds since 1970\"},"
        "\"updated\":{\"type\":\"integer\"},\"expires\":{\"type\":\"integer\"},"
        "\"not_before\":{\"type\":\"integer\"},\"content_type\":{\"type\":\"string\"},"
        "\"tags\":{\"type\":\"object\",\"additionalProperties\":true}}}}}}",
    .read = info_read,
};

const struct cordon_action keyvault_disable_secret = {
    .size = sizeof(struct cordon_action),
    .name = "azure.keyvault.disable_secret",
    .summary = "Disable a version of a Key Vault secret",
    .effect = CORDON_REVERTS,
    .repeat = CORDON_OBSERVABLE,
    .risk = CORDON_HIGH,
    .permissions = disable_permissions,
    .settle_ms = 15000,
    .timeout_ms = 60000,
    .args_schema = "{\"type\":\"object\",\"additionalProperties\":false,"
                   "\"required\":[\"vault\",\"name\"],\"properties\":{" SECRET_NAMES ","
                   "\"version\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64,"
                   "\"description\":\"which version; the newest when not given\"}}}",
    .observe = disable_observe,
    .plan = disable_plan,
    .apply = disable_apply,
    .restore = disable_restore,
};
