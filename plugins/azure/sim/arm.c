/* SPDX-License-Identifier: Apache-2.0 */
#include "arm.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lock.h"
#include "token.h"

enum {
    VERSIONS_MAX = 8,
    READS_A_WINDOW = 12000, /* what the quota headers start from */
    WRITES_A_WINDOW = 1200
};

struct provider {
    const char *name;
    const char *type; /* NULL, or the type that has versions of its own */
    const char *versions[VERSIONS_MAX];
};

static const struct provider providers[] = {
    { "Microsoft.Web", NULL, { "2022-03-01", "2023-12-01", "2024-04-01", "2025-05-01" } },
    { "Microsoft.KeyVault", NULL, { "2022-07-01", "2023-07-01", "2026-02-01" } },
    { "Microsoft.Authorization", "locks", { "2016-09-01", "2020-05-01" } },
    { "Microsoft.Authorization", NULL, { "2022-04-01" } },
    { "Microsoft.Network",
      NULL,
      { "2022-09-01", "2023-11-01", "2024-03-01", "2025-05-01" } },
    { "Microsoft.Security", NULL, { "2021-01-01", "2022-01-01" } },
    { "Microsoft.Resources", NULL, { "2020-01-01", "2022-12-01", "2024-07-01" } },
};

static const struct route *const tables[] = { web_routes,  vault_arm_routes, rbac_routes,
                                              lock_routes, network_routes,   feed_routes };

bool arm_group_exists(const struct sim *sim, const char *subscription, const char *group)
{
    const cJSON *doc = store_now(&sim->store, KIND_SUBSCRIPTION, subscription);

    return json_find(json_get(doc, "resourceGroups"), "name", group) != NULL;
}

void arm_not_found(struct reply *reply, const char *id)
{
    reply_error(reply, 404, "ResourceNotFound", "the resource %s was not found", id);
}

static bool is_version(const char *text)
{
    static const char shape[] = "dddd-dd-dd";
    size_t i;

    for (i = 0; shape[i] != '\0'; i++) {
        if (shape[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != shape[i])
            return false;
    }
    return text[i] == '\0' || strcmp(text + i, "-preview") == 0;
}

bool arm_check_version(struct request *request, struct reply *reply, const char *provider,
                       const char *const *versions)
{
    const char *version = request_query(request, "api-version");
    char *known = xstrdup("");

    if (version == NULL || version[0] == '\0') {
        reply_error(reply, 400, "MissingApiVersionParameter",
                    "the query parameter api-version is needed on every request");
        free(known);
        return false;
    }
    for (int i = 0; i < VERSIONS_MAX && versions[i] != NULL; i++) {
        if (text_is(versions[i], version)) {
            free(known);
            return true;
        }
        char *longer = text_format("%s%s%s", known, i > 0 ? ", " : "", versions[i]);
        free(known);
        known = longer;
    }
    reply_error(reply, 400, "NoRegisteredProviderFound",
                "%s has no api-version '%s' for this type; it supports '%s'", provider,
                version, known);
    free(known);
    return false;
}

static const struct provider *find_provider(const char *name, const char *type)
{
    for (size_t i = 0; i < sizeof providers / sizeof providers[0]; i++) {
        if (text_is(providers[i].name, name) &&
            (providers[i].type == NULL || text_is(providers[i].type, type)))
            return &providers[i];
    }
    return NULL;
}

/* The namespace and type behind the last "providers" of the path. */
static bool check_version(struct request *request, struct reply *reply)
{
    const char *name = "Microsoft.Resources";
    const char *type = NULL;
    const char *version = request_query(request, "api-version");

    for (int i = 0; i + 1 < request->segment_count; i++) {
        if (text_is(request->segments[i], "providers")) {
            name = request->segments[i + 1];
            type = i + 2 < request->segment_count ? request->segments[i + 2] : NULL;
        }
    }
    const struct provider *provider = find_provider(name, type);
    if (provider == NULL) {
        reply_error(reply, 404, "InvalidResourceNamespace",
                    "no resource provider is called '%s' here", name);
        return false;
    }
    if (version != NULL && version[0] != '\0' && !is_version(version)) {
        reply_error(reply, 400, "InvalidApiVersionParameter",
                    "the api-version '%s' is not a date like 2024-04-01", version);
        return false;
    }
    return arm_check_version(request, reply, provider->name, provider->versions);
}

static bool check_token(struct request *request, struct reply *reply)
{
    static const char *const codes[][2] = {
        [TOKEN_MISSING] = { "AuthenticationFailed",
                            "the request has no bearer token in its Authorization header" },
        [TOKEN_UNKNOWN] = { "InvalidAuthenticationToken", "the access token is not valid" },
        [TOKEN_EXPIRED] = { "ExpiredAuthenticationToken", "the access token has expired" },
        [TOKEN_ELSEWHERE] = { "InvalidAuthenticationTokenAudience",
                              "the access token is for another audience" },
    };
    const struct settings *settings = &request->sim->settings;

    enum token_verdict verdict = token_check(request, settings->arm);
    if (verdict == TOKEN_GOOD)
        return true;
    reply_error(reply, 401, codes[verdict][0], "%s", codes[verdict][1]);
    reply_header(reply, "WWW-Authenticate",
                 "Bearer authorization_uri=\"%s/%s\", error=\"invalid_token\", "
                 "error_description=\"%s\"",
                 settings->login, settings->tenant, codes[verdict][1]);
    return false;
}

static bool check_home(struct request *request, struct reply *reply)
{
    if (!text_is(request->segments[0], "subscriptions") || request->segment_count < 2)
        return true;
    if (store_now(&request->sim->store, KIND_SUBSCRIPTION, request->segments[1]) == NULL) {
        reply_error(reply, 404, "SubscriptionNotFound",
                    "the subscription '%s' was not found", request->segments[1]);
        return false;
    }
    if (request->segment_count >= 4 && text_is(request->segments[2], "resourceGroups") &&
        !arm_group_exists(request->sim, request->segments[1], request->segments[3])) {
        reply_error(reply, 404, "ResourceGroupNotFound",
                    "the resource group '%s' was not found", request->segments[3]);
        return false;
    }
    return true;
}

static bool check_permission(struct request *request, struct reply *reply,
                             const struct route *route)
{
    if (route->action == NULL || token_allows(request, route->action))
        return true;
    reply_error(
        reply, 403, "AuthorizationFailed",
        "the client '%s' with object id '%s' has no authorization to perform action "
        "'%s' over scope '%s'",
        json_text(request->identity, "client_id"),
        json_text(request->identity, "object_id"), route->action, request->path);
    return false;
}

static cJSON *render_subscription(const struct request *request, const cJSON *doc)
{
    cJSON *json = cJSON_CreateObject();
    char *id = text_format("/subscriptions/%s", json_text(doc, "subscriptionId"));
    cJSON_AddStringToObject(json, "id", id);
    free(id);
    json_copy(json, doc, "subscriptionId");
    json_copy(json, doc, "displayName");
    cJSON_AddStringToObject(json, "tenantId", request->sim->settings.tenant);
    cJSON_AddStringToObject(json, "state",
                            json_text(doc, "state") ? json_text(doc, "state") : "Enabled");
    cJSON_AddStringToObject(json, "authorizationSource", "RoleBased");
    return json;
}

static void get_subscription(struct request *request, struct reply *reply)
{
    const cJSON *doc =
        store_past(&request->sim->store, KIND_SUBSCRIPTION, request->args[0], 0);

    reply_json(reply, 200, render_subscription(request, doc));
}

struct subscription_list {
    const struct request *request;
    cJSON *items;
};

static int add_subscription(cJSON *doc, void *arg)
{
    struct subscription_list *list = arg;

    cJSON_AddItemToArray(list->items, render_subscription(list->request, doc));
    return 0;
}

static void list_subscriptions(struct request *request, struct reply *reply)
{
    cJSON *json = cJSON_CreateObject();
    struct subscription_list list = { .request = request,
                                      .items = cJSON_AddArrayToObject(json, "value") };

    store_each(&request->sim->store, KIND_SUBSCRIPTION, 0, add_subscription, &list);
    /* The one list whose description asks for a next page also when there is none. */
    cJSON_AddStringToObject(json, "nextLink", "");
    reply_json(reply, 200, json);
}

static void get_group(struct request *request, struct reply *reply)
{
    const cJSON *doc = store_now(&request->sim->store, KIND_SUBSCRIPTION, request->args[0]);
    const cJSON *group =
        json_find(json_get(doc, "resourceGroups"), "name", request->args[1]);

    cJSON *json = cJSON_CreateObject();
    char *id = text_format("/subscriptions/%s/resourceGroups/%s",
                           json_text(doc, "subscriptionId"), json_text(group, "name"));
    cJSON_AddStringToObject(json, "id", id);
    free(id);
    json_copy(json, group, "name");
    cJSON_AddStringToObject(json, "type", "Microsoft.Resources/resourceGroups");
    json_copy(json, group, "location");
    json_copy(json, group, "tags");
    cJSON_AddStringToObject(cJSON_AddObjectToObject(json, "properties"),
                            "provisioningState", "Succeeded");
    reply_json(reply, 200, json);
}

static const struct route own_routes[] = {
    { "GET", "/subscriptions", "Microsoft.Resources/subscriptions/read",
      list_subscriptions },
    { "GET", "/subscriptions/{}", "Microsoft.Resources/subscriptions/read",
      get_subscription },
    { "GET", "/subscriptions/{}/resourceGroups/{}",
      "Microsoft.Resources/subscriptions/resourceGroups/read", get_group },
    { 0 },
};

/* The filter as it goes into a URL; to be freed. */
static char *encode_blanks(const char *text)
{
    char *out = xcalloc(3, strlen(text) + 1);
    size_t len = 0;

    for (; *text != '\0'; text++) {
        if (*text == ' ') {
            out[len++] = '%';
            out[len++] = '2';
            out[len++] = '0';
        } else {
            out[len++] = *text;
        }
    }
    return out;
}

void arm_reply_page(struct request *request, struct reply *reply, cJSON *list)
{
    const char *filter = request_query(request, "$filter");
    const char *skip = request_query(request, "$skipToken");
    int size = request->sim->settings.page_size;
    int total = cJSON_GetArraySize(list);
    int from = skip != NULL ? (int)strtol(skip, NULL, 10) : 0;

    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToObject(json, "value", list);
    for (int i = 0; i < from && i < total; i++)
        cJSON_DeleteItemFromArray(list, 0);
    while (size > 0 && cJSON_GetArraySize(list) > size)
        cJSON_DeleteItemFromArray(list, size);
    if (size > 0 && from + size < total) {
        char *encoded = encode_blanks(filter != NULL ? filter : "");
        char *next = text_format("%s%s?api-version=%s%s%s&$skipToken=%d", request->base,
                                 request->path, request_query(request, "api-version"),
                                 filter != NULL ? "&$filter=" : "", encoded, from + size);
        cJSON_AddStringToObject(json, "nextLink", next);
        free(next);
        free(encoded);
    }
    reply_json(reply, 200, json);
}

struct home_list {
    const char *subscription;
    arm_render_fn *render;
    cJSON *items;
};

static int add_at_home(cJSON *doc, void *arg)
{
    struct home_list *list = arg;

    if (scope_covers(list->subscription, json_text(doc, "id")))
        cJSON_AddItemToArray(list->items, list->render(doc));
    return 0;
}

void arm_list(struct request *request, struct reply *reply, enum kind kind,
              arm_render_fn *render)
{
    char *subscription = text_format("/subscriptions/%s", request->args[0]);
    struct home_list list = { subscription, render, cJSON_CreateArray() };

    store_each(&request->sim->store, kind, request->age_ms, add_at_home, &list);
    arm_reply_page(request, reply, list.items);
    free(subscription);
}

static const struct route *find_route(struct request *request, bool *has_path)
{
    const struct route *route = route_find(request, own_routes, has_path);

    for (size_t i = 0; route == NULL && i < sizeof tables / sizeof tables[0]; i++)
        route = route_find(request, tables[i], has_path);
    return route;
}

static void add_headers(struct request *request, struct reply *reply)
{
    static int reads = READS_A_WINDOW;
    static int writes = WRITES_A_WINDOW;
    static int deletes = WRITES_A_WINDOW;
    char id[UUID_SIZE];

    uuid_make(id);
    reply_header(reply, "x-ms-request-id", "%s", id);
    uuid_make(id);
    reply_header(reply, "x-ms-correlation-request-id", "%s", id);
    reply_header(reply, "Cache-Control", "no-cache");
    if (request_is(request, "GET"))
        reply_header(reply, "x-ms-ratelimit-remaining-subscription-reads", "%d",
                     reads = reads > 1 ? reads - 1 : READS_A_WINDOW);
    else if (request_is(request, "DELETE"))
        reply_header(reply, "x-ms-ratelimit-remaining-subscription-deletes", "%d",
                     deletes = deletes > 1 ? deletes - 1 : WRITES_A_WINDOW);
    else
        reply_header(reply, "x-ms-ratelimit-remaining-subscription-writes", "%d",
                     writes = writes > 1 ? writes - 1 : WRITES_A_WINDOW);
}

void arm_serve(struct request *request, struct reply *reply)
{
    bool has_path = false;

    add_headers(request, reply);
    if (!check_token(request, reply) || !check_version(request, reply))
        return;
    const struct route *route = find_route(request, &has_path);
    if (route == NULL) {
        if (has_path)
            reply_error(reply, 405, "MethodNotAllowed", "%s is not served at %s",
                        request->method, request->path);
        else if (check_home(request, reply))
            reply_error(
                reply, 404, "ResourceNotFound",
                "the simulator serves nothing at %s; docs/azsim.md lists what it does",
                request->path);
        return;
    }
    if (check_permission(request, reply, route) && check_home(request, reply) &&
        lock_lets_pass(request, reply))
        route->handler(request, reply);
}
