/* SPDX-License-Identifier: Apache-2.0 */
#include "vault.h"

#include <stdlib.h>
#include <string.h>

#include "query.h"
#include "route.h"
#include "secret.h"
#include "sim.h"
#include "token.h"
#include "vault_access.h"
#include "versions.h"

enum {
    PAGE_MAX = 25 /* of a list of versions */
};

static const char versions[] = "2016-10-01 7.0 7.1 7.2 7.3 7.4 7.5 7.6 2025-07-01";

static bool is_vault_host(const struct request *request, char **name)
{
    const char *host = request_header(request, "Host");
    const char *dot = host != NULL ? strchr(host, '.') : NULL;
    const char *suffix = request->sim->settings.vault_suffix;
    size_t len = strlen(suffix);

    if (dot == NULL || !text_starts(dot + 1, suffix) ||
        (dot[1 + len] != '\0' && dot[1 + len] != ':'))
        return false;
    *name = text_format("%.*s", (int)(dot - host), host);
    return true;
}

bool vault_is_meant(struct request *request)
{
    if (is_vault_host(request, &request->vault))
        return true;
    if (request->segment_count < 2 || !text_is(request->segments[0], "_vault"))
        return false;
    request->vault = xstrdup(request->segments[1]);
    request->segment_count -= 2;
    memmove(&request->segments[0], &request->segments[2],
            (size_t)request->segment_count * sizeof request->segments[0]);
    char *base = text_format("%s/_vault/%s", request->base, request->vault);
    free(request->base);
    request->base = base;
    return true;
}

struct search {
    const char *name;
    cJSON *found;
};

static int match_name(cJSON *vault, void *arg)
{
    struct search *search = arg;

    if (!text_is(strrchr(json_text(vault, "id"), '/') + 1, search->name))
        return 0;
    search->found = vault;
    return 1;
}

static cJSON *find_vault(const struct request *request, int64_t age_ms)
{
    struct search search = { .name = request->vault };

    store_each(&request->sim->store, KIND_VAULT, age_ms, match_name, &search);
    return search.found;
}

static cJSON *change_vault(const struct request *request)
{
    const cJSON *vault = find_vault(request, 0);

    return store_write(&request->sim->store, KIND_VAULT, json_text(vault, "id"));
}

/* The secret of the path, unless it is deleted; replies 404 then. */
static cJSON *find_secret(const struct request *request, struct reply *reply,
                          int64_t age_ms)
{
    cJSON *secret = secret_find(find_vault(request, age_ms), request->args[0]);

    if (secret_newest(secret) != NULL && json_get(secret, "deleted") == NULL &&
        !secret_is_settling(secret))
        return secret;
    reply_error(reply, 404, "SecretNotFound", "no secret called %s is in this vault",
                request->args[0]);
    return NULL;
}

static const cJSON *find_version(const struct request *request, const cJSON *secret,
                                 struct reply *reply)
{
    const cJSON *version = secret_version(secret, request->args[1]);

    if (version == NULL)
        reply_error(reply, 404, "SecretNotFound", "the secret %s has no version %s",
                    request->args[0], request->args[1]);
    return version;
}

static char *base_of(const struct request *request)
{
    return text_format("https://%s.%s", request->vault,
                       request->sim->settings.vault_suffix);
}

static cJSON *render(const struct request *request, const cJSON *secret,
                     const cJSON *version, bool has_value)
{
    char *base = base_of(request);
    cJSON *json = secret_render(base, secret, version, request->sim->started_ms);

    if (has_value)
        json_copy(json, version, "value");
    free(base);
    return json;
}

static void reply_secret(const struct request *request, struct reply *reply,
                         const cJSON *secret, const cJSON *version)
{
    if (cJSON_IsFalse(json_get(json_get(version, "attributes"), "enabled"))) {
        reply_error(reply, 403, "Forbidden", "a disabled secret cannot be read");
        reply_inner(reply, "SecretDisabled");
        return;
    }
    reply_json(reply, 200, render(request, secret, version, true));
}

static void get_newest(struct request *request, struct reply *reply)
{
    const cJSON *secret = find_secret(request, reply, request->age_ms);

    if (secret != NULL)
        reply_secret(request, reply, secret, secret_newest(secret));
}

static void get_version(struct request *request, struct reply *reply)
{
    const cJSON *secret = find_secret(request, reply, request->age_ms);
    const cJSON *version = secret != NULL ? find_version(request, secret, reply) : NULL;

    if (version != NULL)
        reply_secret(request, reply, secret, version);
}

static bool read_number(const struct request *request, const char *name, int max, int *out)
{
    const char *text = request_query(request, name);
    char *end;

    if (text == NULL)
        return true;
    long number = strtol(text, &end, 10);
    *out = (int)number;
    return end != text && *end == '\0' && number >= 0 && number <= max;
}

/* A skip token says nothing to a client: a number, behind text as long as Azure's. */
static const char token_head[] =
    "eyJOZXh0TWFya2VyIjoiMiE4NCFNREF3TURJeElYTmxZM0psZEM5RVFpMVFRVk5UVjA5U1JDRXdNREF3TWpn"
    "aE1qQXlOaTB4TWkwd01WUXdNam94TURvek5DNHdNREF3TURBd1dpRS0iLCJUYXJnZXRMb2NhdGlvbiI6MH0u";

static bool read_from(const struct request *request, int total, int *from)
{
    const char *text = request_query(request, "$skiptoken");
    char *end;

    if (text == NULL)
        return true;
    if (!text_starts(text, token_head))
        return false;
    long number = strtol(text + strlen(token_head), &end, 10);
    *from = (int)number;
    return *end == '\0' && number >= 0 && number <= total;
}

static void add_next(const struct request *request, cJSON *json, const char *where,
                     int from, int size)
{
    char *next =
        text_format("%s%s?api-version=%s&$skiptoken=%s%d&maxresults=%d", request->base,
                    where, request_query(request, "api-version"), token_head, from, size);

    cJSON_AddStringToObject(json, "nextLink", next);
    free(next);
}

/* Puts page after page of items, which it takes, into a reply with nextLink. */
static void reply_pages(const struct request *request, struct reply *reply, cJSON *items,
                        const char *where)
{
    const struct settings *settings = &request->sim->settings;
    bool is_first = request_query(request, "$skiptoken") == NULL;
    int size = PAGE_MAX;
    int from = 0;
    int total = cJSON_GetArraySize(items);

    if (!read_number(request, "maxresults", PAGE_MAX, &size) || size == 0 ||
        !read_from(request, total, &from)) {
        reply_error(reply, 400, "BadParameter", "maxresults has to be from 1 to %d",
                    PAGE_MAX);
        cJSON_Delete(items);
        return;
    }
    if (settings->list_order == ORDER_OPAQUE)
        items = list_in_opaque_order(items);
    cJSON *json = cJSON_CreateObject();
    cJSON *value = cJSON_AddArrayToObject(json, "value");
    int end = settings->vault_empty_pages && is_first ? from : from + size;
    for (int i = from; i < total && i < end; i++)
        cJSON_AddItemToArray(value, cJSON_Duplicate(cJSON_GetArrayItem(items, i), true));
    if (end < total)
        add_next(request, json, where, end, size);
    cJSON_Delete(items);
    reply_json(reply, 200, json);
}

static void list_versions(struct request *request, struct reply *reply)
{
    const cJSON *secret = find_secret(request, reply, request->age_ms);
    const cJSON *version;

    if (secret == NULL)
        return;
    cJSON *items = cJSON_CreateArray();
    cJSON_ArrayForEach(version, json_get(secret, "versions"))
    {
        cJSON_AddItemToArray(items, render(request, secret, version, false));
    }
    char *where = text_format("/secrets/%s/versions", json_text(secret, "name"));
    reply_pages(request, reply, items, where);
    free(where);
}

static void list_secrets(struct request *request, struct reply *reply)
{
    const cJSON *vault = find_vault(request, request->age_ms);
    const cJSON *secret;

    cJSON *items = cJSON_CreateArray();
    cJSON_ArrayForEach(secret, json_get(vault, "secrets"))
    {
        if (json_get(secret, "deleted") == NULL && !secret_is_settling(secret))
            cJSON_AddItemToArray(items,
                                 render(request, secret, secret_newest(secret), false));
    }
    reply_pages(request, reply, items, "/secrets");
}

static void put_secret(struct request *request, struct reply *reply)
{
    const char *name = request->args[0];
    const cJSON *body = request_json(request, reply);
    const cJSON *old = secret_find(find_vault(request, 0), name);

    if (body == NULL || !secret_check_body(body, name, true, reply))
        return;
    if (secret_is_settling(old)) {
        bool is_deleted = json_get(old, "deleted") != NULL;
        reply_error(reply, 409, "Conflict", "Secret %s is currently being %s.", name,
                    is_deleted ? "deleted" : "recovered");
        reply_inner(reply, is_deleted ? "ObjectIsBeingDeleted" : "ObjectIsBeingRecovered");
        return;
    }
    if (json_get(old, "deleted") != NULL) {
        reply_error(reply, 409, "Conflict",
                    "the secret %s is deleted but can be recovered; its name is taken",
                    name);
        reply_inner(reply, "ObjectIsDeletedButRecoverable");
        return;
    }
    cJSON *secret = secret_add_version(change_vault(request), name, body);
    reply_effect(reply, "secret.set /_vault/%s/secrets/%s", request->vault,
                 json_text(secret, "name"));
    reply_json(reply, 200, render(request, secret, secret_newest(secret), true));
}

static void patch(struct request *request, struct reply *reply, const cJSON *secret,
                  const cJSON *version)
{
    const cJSON *body = version != NULL ? request_json(request, reply) : NULL;

    if (body == NULL || !secret_check_body(body, request->args[0], false, reply))
        return;
    if (secret_would_change(version, body)) {
        char *id = xstrdup(json_text(version, "version"));
        secret = secret_find(change_vault(request), request->args[0]);
        cJSON *fresh = secret_version(secret, id);
        free(id);
        secret_update(fresh, body);
        version = fresh;
        reply_effect(reply, "secret.update /_vault/%s/secrets/%s/%s", request->vault,
                     json_text(secret, "name"), json_text(version, "version"));
    }
    reply_json(reply, 200, render(request, secret, version, false));
}

static void patch_version(struct request *request, struct reply *reply)
{
    const cJSON *secret = find_secret(request, reply, 0);

    patch(request, reply, secret,
          secret != NULL ? find_version(request, secret, reply) : NULL);
}

static void patch_newest(struct request *request, struct reply *reply)
{
    const cJSON *secret = find_secret(request, reply, 0);

    patch(request, reply, secret, secret_newest(secret));
}

static cJSON *render_deleted(const struct request *request, const cJSON *secret)
{
    cJSON *json = render(request, secret, secret_newest(secret), false);
    char *base = base_of(request);
    char *recovery = text_format("%s/deletedsecrets/%s", base, json_text(secret, "name"));

    cJSON_AddStringToObject(json, "recoveryId", recovery);
    json_copy(json, json_get(secret, "deleted"), "deletedDate");
    json_copy(json, json_get(secret, "deleted"), "scheduledPurgeDate");
    free(recovery);
    free(base);
    return json;
}

static void delete_secret(struct request *request, struct reply *reply)
{
    if (find_secret(request, reply, 0) == NULL)
        return;
    cJSON *secret = secret_find(change_vault(request), request->args[0]);
    secret_delete(secret);
    secret_settle_for(secret, request->sim->settings.secret_settle_ms);
    reply_effect(reply, "secret.delete /_vault/%s/secrets/%s", request->vault,
                 json_text(secret, "name"));
    reply_json(reply, 200, render_deleted(request, secret));
}

static const cJSON *find_deleted(const struct request *request, struct reply *reply,
                                 int64_t age_ms)
{
    const cJSON *secret = secret_find(find_vault(request, age_ms), request->args[0]);

    if (json_get(secret, "deleted") != NULL && !secret_is_settling(secret))
        return secret;
    reply_error(reply, 404, "SecretNotFound", "no deleted secret is called %s",
                request->args[0]);
    return NULL;
}

static void get_deleted(struct request *request, struct reply *reply)
{
    const cJSON *secret = find_deleted(request, reply, request->age_ms);

    if (secret != NULL)
        reply_json(reply, 200, render_deleted(request, secret));
}

static void recover_secret(struct request *request, struct reply *reply)
{
    if (find_deleted(request, reply, 0) == NULL)
        return;
    cJSON *secret = secret_find(change_vault(request), request->args[0]);
    cJSON_DeleteItemFromObjectCaseSensitive(secret, "deleted");
    secret_settle_for(secret, request->sim->settings.secret_settle_ms);
    reply_effect(reply, "secret.recover /_vault/%s/secrets/%s", request->vault,
                 json_text(secret, "name"));
    reply_json(reply, 200, render(request, secret, secret_newest(secret), false));
}

static void list_deleted(struct request *request, struct reply *reply)
{
    const cJSON *vault = find_vault(request, request->age_ms);
    const cJSON *secret;

    cJSON *items = cJSON_CreateArray();
    cJSON_ArrayForEach(secret, json_get(vault, "secrets"))
    {
        if (json_get(secret, "deleted") != NULL && !secret_is_settling(secret))
            cJSON_AddItemToArray(items, render_deleted(request, secret));
    }
    reply_pages(request, reply, items, "/deletedsecrets");
}

static void purge_secret(struct request *request, struct reply *reply)
{
    const cJSON *properties = json_get(find_vault(request, 0), "properties");

    if (find_deleted(request, reply, 0) == NULL)
        return;
    if (json_true(properties, "enablePurgeProtection")) {
        reply_error(
            reply, 403, "Forbidden",
            "Operation \"purge\" is not allowed because purge protection is enabled "
            "for this vault.");
        return;
    }
    cJSON *secrets = json_get(change_vault(request), "secrets");
    cJSON *secret = json_find(secrets, "name", request->args[0]);
    reply_effect(reply, "secret.purge /_vault/%s/secrets/%s", request->vault,
                 json_text(secret, "name"));
    cJSON_Delete(cJSON_DetachItemViaPointer(secrets, secret));
    reply_json(reply, 204, NULL);
}

/* A backup is all versions, in a form that only a vault reads. */
static void backup_secret(struct request *request, struct reply *reply)
{
    const cJSON *secret = find_secret(request, reply, request->age_ms);

    if (secret == NULL)
        return;
    char *plain = cJSON_PrintUnformatted(secret);
    char *encoded = text_base64url(plain);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "value", encoded);
    reply_json(reply, 200, json);
    free(encoded);
    cJSON_free(plain);
}

static void restore_secret(struct request *request, struct reply *reply)
{
    const cJSON *body = request_json(request, reply);
    char *plain = body != NULL ? text_from_base64url(json_text(body, "value")) : NULL;
    cJSON *secret = plain != NULL ? cJSON_Parse(plain) : NULL;
    const char *name = json_text(secret, "name");

    free(plain);
    if (body == NULL)
        return;
    if (name == NULL || secret_newest(secret) == NULL) {
        reply_error(reply, 400, "BadParameter", "the value is no backup of a secret");
    } else if (secret_find(find_vault(request, 0), name) != NULL) {
        reply_error(reply, 409, "Conflict", "a secret called %s is in this vault already",
                    name);
    } else {
        cJSON *vault = change_vault(request);
        if (!cJSON_IsArray(json_get(vault, "secrets")))
            json_set(vault, "secrets", cJSON_CreateArray());
        cJSON_AddItemToArray(json_get(vault, "secrets"), secret);
        reply_effect(reply, "secret.restore /_vault/%s/secrets/%s", request->vault, name);
        reply_json(reply, 200, render(request, secret, secret_newest(secret), false));
        return;
    }
    cJSON_Delete(secret);
}

#define DATA  "Microsoft.KeyVault/vaults/secrets/"
#define PAGED "maxresults $skiptoken"

static const struct route routes[] = {
    { "GET", "/secrets", DATA "readMetadata/action", list_secrets, PAGED },
    { "POST", "/secrets/restore", DATA "restore/action", restore_secret, NULL },
    { "GET", "/secrets/{}", DATA "getSecret/action", get_newest, NULL },
    { "PUT", "/secrets/{}", DATA "setSecret/action", put_secret, NULL },
    { "PATCH", "/secrets/{}", DATA "update/action", patch_newest, NULL },
    { "DELETE", "/secrets/{}", DATA "delete", delete_secret, NULL },
    { "POST", "/secrets/{}/backup", DATA "backup/action", backup_secret, NULL },
    { "GET", "/secrets/{}/versions", DATA "readMetadata/action", list_versions, PAGED },
    { "GET", "/secrets/{}/{}", DATA "getSecret/action", get_version, NULL },
    { "PATCH", "/secrets/{}/{}", DATA "update/action", patch_version, NULL },
    { "GET", "/deletedsecrets", DATA "readMetadata/action", list_deleted, PAGED },
    { "GET", "/deletedsecrets/{}", DATA "readMetadata/action", get_deleted, NULL },
    { "DELETE", "/deletedsecrets/{}", DATA "purge/action", purge_secret, NULL },
    { "POST", "/deletedsecrets/{}/recover", DATA "recover/action", recover_secret, NULL },
    { 0 },
};

/* Where a client that has no token learns which one to get: from a real host name the real
 * login, else ourselves. */
static void challenge(struct request *request, struct reply *reply, const char *why)
{
    const struct settings *settings = &request->sim->settings;
    char *own = NULL;
    char *end = strstr(request->base, "/_vault/");

    if (end != NULL)
        own = text_format("%.*s", (int)(end - request->base), request->base);
    reply_error(reply, 401, "Unauthorized", "%s", why);
    reply_header(reply, "WWW-Authenticate",
                 "Bearer authorization=\"%s/%s\", resource=\"%s\"",
                 own != NULL ? own : settings->login, settings->tenant,
                 settings->vault_audience);
    free(own);
}

static bool check_token(struct request *request, struct reply *reply)
{
    static const char *const reasons[] = {
        [TOKEN_MISSING] = "AKV10000: Request is missing a Bearer or PoP token.",
        [TOKEN_UNKNOWN] = "AKV10032: the token is not valid",
        [TOKEN_EXPIRED] = "AKV10006: the token has expired",
        [TOKEN_ELSEWHERE] = "AKV10022: the token is for another audience",
    };

    enum token_verdict verdict =
        token_check(request, request->sim->settings.vault_audience);
    if (verdict != TOKEN_GOOD)
        challenge(request, reply, reasons[verdict]);
    return verdict == TOKEN_GOOD;
}

void vault_serve(struct request *request, struct reply *reply)
{
    bool has_path = false;
    char id[UUID_SIZE];

    uuid_make(id);
    reply_header(reply, "x-ms-request-id", "%s", id);
    reply_header(reply, "x-ms-keyvault-service-version", "1.9.0.0");
    reply_header(reply, "x-ms-keyvault-region", "westeurope");
    reply_header(reply, "Cache-Control", "no-cache");
    reply_header(reply, "Pragma", "no-cache");
    reply_header(reply, "Expires", "-1");
    if (request->client_request_id != NULL)
        reply_header(reply, "x-ms-client-request-id", "%s", request->client_request_id);
    const cJSON *vault = find_vault(request, 0);
    if (vault != NULL && !vault_lets_in(request, reply, vault))
        return;
    if (!check_token(request, reply) ||
        !versions_check_list(request, reply, "Key Vault", "secrets", versions))
        return;
    if (vault == NULL) {
        reply_error(reply, 404, "VaultNotFound", "no vault is called %s", request->vault);
        return;
    }
    const struct route *route = route_find(request, routes, &has_path);
    if (route == NULL)
        reply_error(reply, has_path ? 405 : 404, has_path ? "MethodNotAllowed" : "NotFound",
                    "%s %s is not served", request->method, request->path);
    else if (query_is_known(request, reply, "api-version", route->query) &&
             vault_allows(request, reply, vault, route->action))
        route->handler(request, reply);
}
