/* SPDX-License-Identifier: Apache-2.0 */
#include "secret.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
    VALUE_MAX = 25 * 1024, /* bytes */
    NAME_MAX_LEN = 127,
    VERSION_BYTES = 16,
    RETENTION_DAYS = 90,
    DAY_S = 24 * 3600,
    TAGS_MAX = 15
};

cJSON *secret_find(const cJSON *vault, const char *name)
{
    return json_find(json_get(vault, "secrets"), "name", name);
}

cJSON *secret_newest(const cJSON *secret)
{
    const cJSON *versions = json_get(secret, "versions");

    return cJSON_GetArrayItem(versions, cJSON_GetArraySize(versions) - 1);
}

cJSON *secret_version(const cJSON *secret, const char *version)
{
    return json_find(json_get(secret, "versions"), "version", version);
}

cJSON *secret_render(const char *base, const cJSON *secret, const cJSON *version,
                     int64_t born_ms)
{
    const cJSON *known = json_get(version, "attributes");
    cJSON *json = cJSON_CreateObject();

    char *id = text_format("%s/secrets/%s/%s", base, json_text(secret, "name"),
                           json_text(version, "version"));
    cJSON_AddStringToObject(json, "id", id);
    free(id);
    json_copy(json, version, "contentType");
    json_copy(json, version, "tags");
    cJSON *attributes = cJSON_AddObjectToObject(json, "attributes");
    cJSON_AddBoolToObject(attributes, "enabled",
                          !cJSON_IsFalse(json_get(known, "enabled")));
    json_copy(attributes, known, "nbf");
    json_copy(attributes, known, "exp");
    int64_t whole_s = born_ms / 1000;
    double born_s = (double)whole_s;
    cJSON_AddNumberToObject(attributes, "created", json_number(known, "created", born_s));
    cJSON_AddNumberToObject(attributes, "updated", json_number(known, "updated", born_s));
    cJSON_AddStringToObject(attributes, "recoveryLevel", "Recoverable+Purgeable");
    cJSON_AddNumberToObject(attributes, "recoverableDays", RETENTION_DAYS);
    return json;
}

static const char *find_fault(const cJSON *body, const char *name, bool is_new)
{
    static const char *const times[] = { "nbf", "exp" };
    const char *value = json_text(body, "value");
    const cJSON *attributes = json_get(body, "attributes");
    const cJSON *enabled = json_get(attributes, "enabled");
    const cJSON *tag;

    for (const char *c = name; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && *c != '-')
            return "a secret's name has letters, digits and dashes only";
    }
    if (strlen(name) > NAME_MAX_LEN)
        return "a secret's name has at most 127 characters";
    if (is_new && value == NULL)
        return "a new version needs a value";
    if (is_new && strlen(value) > VALUE_MAX)
        return "a secret's value has at most 25 KiB";
    if (attributes != NULL && !cJSON_IsObject(attributes))
        return "attributes has to be an object";
    if (enabled != NULL && !cJSON_IsBool(enabled))
        return "attributes.enabled has to be true or false";
    for (int i = 0; i < 2; i++) {
        const cJSON *time = json_get(attributes, times[i]);
        if (time != NULL && !cJSON_IsNumber(time))
            return "attributes.nbf and .exp have to be numbers of seconds";
    }
    if (cJSON_GetArraySize(json_get(body, "tags")) > TAGS_MAX)
        return "a secret has at most 15 tags";
    cJSON_ArrayForEach(tag, json_get(body, "tags"))
    {
        if (!cJSON_IsString(tag))
            return "tags have to be texts";
    }
    return NULL;
}

bool secret_check_body(const cJSON *body, const char *name, bool is_new,
                       struct reply *reply)
{
    const char *fault = find_fault(body, name, is_new);

    if (fault != NULL)
        reply_error(reply, 400, "BadParameter", "%s", fault);
    return fault == NULL;
}

static double now_s(void)
{
    int64_t whole_s = clock_ms() / 1000;

    return (double)whole_s;
}

/* Copies what the body says of contentType, tags and attributes. */
static void take_over(cJSON *version, const cJSON *body)
{
    json_copy(version, body, "contentType");
    json_copy(version, body, "tags");
    if (json_get(version, "attributes") == NULL)
        cJSON_AddObjectToObject(version, "attributes");
    json_copy(json_get(version, "attributes"), json_get(body, "attributes"), "enabled");
    json_copy(json_get(version, "attributes"), json_get(body, "attributes"), "nbf");
    json_copy(json_get(version, "attributes"), json_get(body, "attributes"), "exp");
}

cJSON *secret_add_version(cJSON *vault, const char *name, const cJSON *body)
{
    char id[2 * VERSION_BYTES + 1];
    cJSON *secret = secret_find(vault, name);

    if (json_get(vault, "secrets") == NULL)
        cJSON_AddArrayToObject(vault, "secrets");
    if (secret == NULL) {
        secret = cJSON_CreateObject();
        cJSON_AddStringToObject(secret, "name", name);
        cJSON_AddItemToArray(json_get(vault, "secrets"), secret);
    }
    if (!cJSON_IsArray(json_get(secret, "versions")))
        json_set(secret, "versions", cJSON_CreateArray());
    cJSON *version = cJSON_CreateObject();
    hex_make(id, VERSION_BYTES);
    cJSON_AddStringToObject(version, "version", id);
    json_copy(version, body, "value");
    cJSON *attributes = cJSON_AddObjectToObject(version, "attributes");
    cJSON_AddBoolToObject(attributes, "enabled", true);
    take_over(version, body);
    cJSON_AddNumberToObject(attributes, "created", now_s());
    cJSON_AddNumberToObject(attributes, "updated", now_s());
    cJSON_AddItemToArray(json_get(secret, "versions"), version);
    return secret;
}

bool secret_would_change(const cJSON *version, const cJSON *body)
{
    cJSON *after = cJSON_Duplicate(version, true);

    if (json_get(json_get(after, "attributes"), "enabled") == NULL) {
        if (json_get(after, "attributes") == NULL)
            cJSON_AddObjectToObject(after, "attributes");
        cJSON_AddBoolToObject(json_get(after, "attributes"), "enabled", true);
    }
    cJSON *before = cJSON_Duplicate(after, true);
    take_over(after, body);
    bool is_same = cJSON_Compare(before, after, true);
    cJSON_Delete(before);
    cJSON_Delete(after);
    return !is_same;
}

void secret_update(cJSON *version, const cJSON *body)
{
    take_over(version, body);
    json_set(json_get(version, "attributes"), "updated", cJSON_CreateNumber(now_s()));
}

void secret_delete(cJSON *secret)
{
    cJSON *deleted = cJSON_CreateObject();

    cJSON_AddNumberToObject(deleted, "deletedDate", now_s());
    cJSON_AddNumberToObject(deleted, "scheduledPurgeDate",
                            now_s() + (double)RETENTION_DAYS * DAY_S);
    json_set(secret, "deleted", deleted);
}

void secret_settle_for(cJSON *secret, int ms)
{
    int64_t until_ms = clock_steady_ms() + ms;

    if (ms > 0)
        json_set(secret, "settled_ms", cJSON_CreateNumber((double)until_ms));
}

bool secret_is_settling(const cJSON *secret)
{
    return json_number(secret, "settled_ms", 0) > (double)clock_steady_ms();
}
