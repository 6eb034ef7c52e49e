/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

enum {
    SECONDS_MAX = 24 * 3600,
    PAGE_MAX = 1000,
    POLL_URL_MAX = 7000, /* a client takes 8 KiB of one header */
    BUCKET_MAX = 1000000,
    WORDS_MAX = 4
};

/* A number, a yes-or-no (words NULL, max 1), or one of some words. */
struct option {
    const char *name;
    size_t at; /* of an int in struct settings */
    int normal, max;
    const char *words[WORDS_MAX];
};

#define AT(member) offsetof(struct settings, member)

static const struct option options[] = {
    { "token_ttl_s", AT(token_ttl_s), 3599, SECONDS_MAX, { 0 } },
    { "claims_token_ttl_s", AT(claims_token_ttl_s), 86399, SECONDS_MAX, { 0 } },
    { "lro_ms", AT(lro_ms), 300, SECONDS_MAX * 1000, { 0 } },
    { "lro_retry_after_s", AT(lro_retry_after_s), -1, SECONDS_MAX, { 0 } },
    { "lro_headers", AT(lro_headers), LRO_BOTH, 0, { "both", "location", "async" } },
    { "poll_url_bytes", AT(poll_url_bytes), 0, POLL_URL_MAX, { 0 } },
    { "consistency_ms", AT(consistency_ms), 0, SECONDS_MAX * 1000, { 0 } },
    { "page_size", AT(page_size), 0, PAGE_MAX, { 0 } },
    { "tokens", AT(tokens), TOKENS_JWT, 0, { "jwt", "opaque" } },
    { "list_order", AT(list_order), ORDER_INSERTED, 0, { "inserted", "opaque" } },
    { "rbac", AT(rbac), RBAC_OPEN, 0, { "open", "enforced" } },
    { "rights_delay_ms", AT(rights_delay_ms), 0, SECONDS_MAX * 1000, { 0 } },
    { "rights_follow_token", AT(rights_follow_token), 0, 1, { 0 } },
    { "read_bucket", AT(read_bucket), 0, BUCKET_MAX, { 0 } },
    { "read_refill", AT(read_refill), 25, BUCKET_MAX, { 0 } },
    { "write_bucket", AT(write_bucket), 0, BUCKET_MAX, { 0 } },
    { "write_refill", AT(write_refill), 10, BUCKET_MAX, { 0 } },
    { "bucket_renews", AT(bucket_renews), 0, 1, { 0 } },
    { "secret_settle_ms", AT(secret_settle_ms), 0, SECONDS_MAX * 1000, { 0 } },
    { "vault_empty_pages", AT(vault_empty_pages), 0, 1, { 0 } },
    { "rules_max", AT(rules_max), 1000, 1000, { 0 } },
    { "assignments_max", AT(assignments_max), 4000, 4000, { 0 } },
    { "assignment_nulls", AT(assignment_nulls), 0, 1, { 0 } },
};

enum { OPTION_COUNT = sizeof options / sizeof options[0] };

static const struct option *find_option(const char *name)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    }
    return NULL;
}

static const char *read_word(const struct option *option, const cJSON *item, int *out,
                             char error[SETTINGS_ERROR_SIZE])
{
    const char *text = cJSON_GetStringValue(item);
    int len =
        snprintf(error, SETTINGS_ERROR_SIZE, "options.%s has to be one of", option->name);

    for (int i = 0; i < WORDS_MAX && option->words[i] != NULL; i++) {
        if (text != NULL && strcmp(text, option->words[i]) == 0) {
            *out = i;
            return NULL;
        }
        len += snprintf(error + len, SETTINGS_ERROR_SIZE - (size_t)len, " %s",
                        option->words[i]);
    }
    return error;
}

static const char *read_option(const struct option *option, const cJSON *item, int *out,
                               char error[SETTINGS_ERROR_SIZE])
{
    if (option->words[0] != NULL)
        return read_word(option, item, out, error);
    if (option->max == 1 && cJSON_IsBool(item)) {
        *out = cJSON_IsTrue(item);
        return NULL;
    }
    if (cJSON_IsNumber(item) && item->valuedouble >= 0 &&
        item->valuedouble <= option->max) {
        *out = item->valueint;
        return NULL;
    }
    snprintf(error, SETTINGS_ERROR_SIZE, "options.%s has to be a number from 0 to %d",
             option->name, option->max);
    return error;
}

static const char *read_options(struct settings *out, const cJSON *list,
                                char error[SETTINGS_ERROR_SIZE])
{
    const cJSON *item;
    const char *wrong = NULL;

    for (int i = 0; i < OPTION_COUNT; i++)
        memcpy((char *)out + options[i].at, &options[i].normal, sizeof(int));
    cJSON_ArrayForEach(item, list)
    {
        const struct option *option = find_option(item->string);
        int value = 0;
        if (option == NULL) {
            snprintf(error, SETTINGS_ERROR_SIZE,
                     "options.%s is not an option; docs/azsim.md has them", item->string);
            return error;
        }
        wrong = read_option(option, item, &value, error);
        if (wrong != NULL)
            return wrong;
        memcpy((char *)out + option->at, &value, sizeof value);
    }
    if (out->lro_retry_after_s < 0)
        out->lro_retry_after_s = (out->lro_ms + 999) / 1000;
    return NULL;
}

static const char *text_or(const cJSON *object, const char *name, const char *otherwise)
{
    const char *text = json_text(object, name);

    return text != NULL ? text : otherwise;
}

const char *settings_read(struct settings *out, const cJSON *head,
                          char error[SETTINGS_ERROR_SIZE])
{
    const cJSON *cloud = json_get(head, "cloud");
    struct settings fresh = { .tenant = json_text(head, "tenant") };

    if (!is_uuid(fresh.tenant)) {
        snprintf(error, SETTINGS_ERROR_SIZE, "tenant has to be a GUID in quotes");
        return error;
    }
    fresh.arm = text_or(cloud, "arm", "https://management.azure.com");
    fresh.login = text_or(cloud, "login", "https://login.microsoftonline.com");
    fresh.vault_suffix = text_or(cloud, "vault_suffix", "vault.azure.net");
    fresh.vault_audience = text_or(cloud, "vault_audience", "https://vault.azure.net");
    fresh.graph = text_or(cloud, "graph", "https://graph.microsoft.com");
    fresh.queue_suffix = text_or(cloud, "queue_suffix", "queue.core.windows.net");
    const char *wrong = read_options(&fresh, json_get(head, "options"), error);
    if (wrong == NULL)
        *out = fresh;
    return wrong;
}

const char *settings_change(struct sim *sim, const cJSON *change,
                            char error[SETTINGS_ERROR_SIZE])
{
    const cJSON *old = json_get(sim->head, "options");
    cJSON *merged = json_merge(old != NULL ? cJSON_Duplicate(old, true) : NULL, change);
    struct settings fresh = sim->settings;

    const char *wrong = read_options(&fresh, merged, error);
    if (wrong != NULL) {
        cJSON_Delete(merged);
        return wrong;
    }
    json_set(sim->head, "options", merged);
    sim->settings = fresh;
    return NULL;
}
