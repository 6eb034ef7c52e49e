/* SPDX-License-Identifier: Apache-2.0 */
#include "vault.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arm.h"
#include "secret.h"
#include "sim.h"
#include "token.h"

enum {
    PAGE_MAX = 25 /* of a list of versions */
};

static const char *const versions[] = { "7.0", "7.1", "7.2",        "7.3", "7.4",
                                        "7.5", "7.6", "2025-07-01", NULL };

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

    if (secret_newest(secret) != NULL && json_get(secret, "deleted") == NULL)
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

/* Puts page after page of items, which it takes, into a reply with nextLink. */
static void reply_pages(const struct request *request, struct reply *reply, cJSON *items,
                        const char *where)
{
    int size = PAGE_MAX;
    int from = 0;
    int total = cJSON_GetArraySize(items);

    if (!read_number(request, "maxresults", PAGE_MAX, &size) || size == 0 ||
        !read_number(request, "$skiptoken", total, &from)) {
        reply_error(reply, 400, "BadParameter", "maxresults has to be from 1 to %d",
                    PAGE_MAX);
        cJSON_Delete(items);
        return;
    }
    cJSON *json = cJSON_CreateObject();
    cJSON *value = cJSON_AddArrayToObject(json, "value");
    for (int i = from; i < total && i < from + size; i++)
        cJSON_AddItemToArray(value, cJSON_Duplicate(cJSON_GetArrayItem(items, i), true));
    if (from + size < total) {
        char *next =
            text_format("%s%s?api-version=%s&$skiptoken=%d&maxresults=%d", request->base,
                        where, request_query(request, "api-version"), from + size, size);
        cJSON_AddStringToObject(json, "nextLink", next);
        free(next);
    }
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
        if (json_get(secret, "deleted") == NULL)
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

static void patch_version(struct request *request, struct reply *reply)
{
    const cJSON *secret = find_secret(request, reply, 0);
    const cJSON *version = secret != NULL ? find_version(request, secret, reply) : NULL;
    const cJSON *body = version != NULL ? request_json(request, reply) : NULL;

    if (body == NULL || !secret_check_body(body, request->args[0], false, reply))
        return;
    if (secret_would_change(version, body)) {
        secret = secret_find(change_vault(request), request->args[0]);
        cJSON *fresh = secret_version(secret, request->args[1]);
        secret_update(fresh, body);
        version = fresh;
        reply_effect(reply, "secret.update /_vault/%s/secrets/%s/%s", request->vault,
                     json_text(secret, "name"), json_text(version, "version"));
    }
    reply_json(reply, 200, render(request, secret, version, false));
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
    reply_effect(reply, "secret.delete /_vault/%s/secrets/%s", request->vault,
                 json_text(secret, "name"));
    reply_json(reply, 200, render_deleted(request, secret));
}

static const cJSON *find_deleted(const struct request *request, struct reply *reply,
                                 int64_t age_ms)
{
    const cJSON *secret = secret_find(find_vault(request, age_ms), request->args[0]);

    if (json_get(secret, "deleted") != NULL)
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
    reply_effect(reply, "secret.recover /_vault/%s/secrets/%s", request->vault,
                 json_text(secret, "name"));
    reply_json(reply, 200, render(request, secret, secret_newest(secret), false));
}

#define DATA "Microsoft.KeyVault/vaults/secrets/"

static const struct route routes[] = {
    { "GET", "/secrets", DATA "readMetadata/action", list_secrets },
    { "GET", "/secrets/{}", DATA "getSecret/action", get_newest },
    { "PUT", "/secrets/{}", DATA "setSecret/action", put_secret },
    { "DELETE", "/secrets/{}", DATA "delete", delete_secret },
    { "GET", "/secrets/{}/versions", DATA "readMetadata/action", list_versions },
    { "GET", "/secrets/{}/{}", DATA "getSecret/action", get_version },
    { "PATCH", "/secrets/{}/{}", DATA "update/action", patch_version },
    { "GET", "/deletedsecrets/{}", DATA "readMetadata/action", get_deleted },
    { "POST", "/deletedsecrets/{}/recover", DATA "recover/action", recover_secret },
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
        [TOKEN_MISSING] = "the request needs a bearer token",
        [TOKEN_UNKNOWN] = "the token is not valid",
        [TOKEN_EXPIRED] = "the token has expired",
        [TOKEN_ELSEWHERE] = "the token is for another audience",
    };

    enum token_verdict verdict =
        token_check(request, request->sim->settings.vault_audience);
    if (verdict != TOKEN_GOOD)
        challenge(request, reply, reasons[verdict]);
    return verdict == TOKEN_GOOD;
}

static bool check_access(const struct request *request, struct reply *reply,
                         const struct route *route)
{
    const cJSON *properties = json_get(find_vault(request, 0), "properties");

    if (text_is(json_text(properties, "publicNetworkAccess"), "Disabled")) {
        reply_error(reply, 403, "Forbidden", "public network access to this vault is off");
        reply_inner(reply, "ForbiddenByConnection");
        return false;
    }
    if (token_allows(request, route->action))
        return true;
    reply_error(
        reply, 403, "Forbidden",
        "the caller (object id '%s') has no authorization to perform action '%s' on "
        "the vault '%s'",
        json_text(request->identity, "object_id"), route->action, request->vault);
    reply_inner(reply, "ForbiddenByRbac");
    return false;
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
    if (!check_token(request, reply) ||
        !arm_check_version(request, reply, "Key Vault", versions))
        return;
    if (find_vault(request, 0) == NULL) {
        reply_error(reply, 404, "VaultNotFound", "no vault is called %s", request->vault);
        return;
    }
    const struct route *route = route_find(request, routes, &has_path);
    if (route == NULL)
        reply_error(reply, has_path ? 405 : 404, has_path ? "MethodNotAllowed" : "NotFound",
                    "%s %s is not served", request->method, request->path);
    else if (check_access(request, reply, route))
        route->handler(request, reply);
}
