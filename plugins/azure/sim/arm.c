/* SPDX-License-Identifier: Apache-2.0 */
#include "arm.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "access.h"
#include "lock.h"
#include "policy.h"
#include "query.h"
#include "throttle.h"
#include "token.h"
#include "versions.h"

static const struct route *const tables[] = { web_routes,     vault_arm_routes,
                                              rbac_routes,    lock_routes,
                                              network_routes, defender_routes,
                                              rights_routes,  groups_routes };

bool arm_group_exists(const struct sim *sim, const char *subscription, const char *group)
{
    const cJSON *doc = store_now(&sim->store, KIND_SUBSCRIPTION, subscription);

    return json_find(json_get(doc, "resourceGroups"), "name", group) != NULL;
}

void arm_not_found(struct reply *reply, const char *id)
{
    reply_error(reply, 404, "ResourceNotFound", "the resource %s was not found", id);
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

/* A subscription that is not paid for can be looked at, and nothing else. */
static bool check_state(struct request *request, struct reply *reply)
{
    const cJSON *doc =
        text_is(request->segments[0], "subscriptions") && request->segment_count > 1
            ? store_now(&request->sim->store, KIND_SUBSCRIPTION, request->segments[1])
            : NULL;

    if (!text_is(json_text(doc, "state"), "Disabled") || request_is_read(request))
        return true;
    reply_error(reply, 409, "ReadOnlyDisabledSubscription",
                "The subscription '%s' is disabled and therefore marked as read only. You "
                "cannot perform any write actions on this subscription until it is "
                "re-enabled.",
                request->segments[1]);
    return false;
}

static void refuse_denied(const struct request *request, struct reply *reply,
                          const struct access *access)
{
    const cJSON *identity = request->identity;

    reply_error(reply, 403, "DenyAssignmentAuthorizationFailed",
                "The client '%s' with object id '%s' has permission to perform action '%s' "
                "on scope '%s'; however, the access is denied because of the deny "
                "assignment with name '%s' and Id '%s' at scope '%s'.",
                json_text(identity, "client_id"), json_text(identity, "object_id"),
                access->action, access->scope, access->denier ? access->denier : "",
                strrchr(access->denier_id, '/') + 1, access->denier_id);
}

static bool check_permission(struct request *request, struct reply *reply,
                             const struct route *route)
{
    struct access access = { .action = route->action, .scope = request->path };

    if (route->action == NULL)
        return true;
    char *slot_action = NULL;
    if (text_starts(route->action, "Microsoft.Web/sites/") &&
        text_contains(request->path, "/slots"))
        slot_action = text_format("Microsoft.Web/sites/slots/%s",
                                  route->action + strlen("Microsoft.Web/sites/"));
    if (slot_action != NULL)
        access.action = slot_action;
    enum access_verdict verdict = access_check(request, &access);
    if (verdict == ACCESS_DENIED)
        refuse_denied(request, reply, &access);
    else if (verdict == ACCESS_NO_RIGHT)
        reply_error(
            reply, 403, "AuthorizationFailed",
            "The client '%s' with object id '%s' does not have authorization or an "
            "ABAC condition not fulfilled to perform action '%s' over scope '%s' or "
            "the scope is invalid. If access was recently granted, please refresh "
            "your credentials.",
            json_text(request->identity, "client_id"),
            json_text(request->identity, "object_id"), access.action, request->path);
    free(slot_action);
    return verdict == ACCESS_GRANTED;
}

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
    const struct settings *settings = &request->sim->settings;
    int size = settings->page_size;
    int total = cJSON_GetArraySize(list);
    int from = skip != NULL ? (int)strtol(skip, NULL, 10) : 0;

    if (settings->list_order == ORDER_OPAQUE)
        list = list_in_opaque_order(list);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToObject(json, "value", list);
    for (int i = 0; i < from && i < total; i++)
        cJSON_DeleteItemFromArray(list, 0);
    while (size > 0 && cJSON_GetArraySize(list) > size)
        cJSON_DeleteItemFromArray(list, size);
    if (size > 0 && from + size < total) {
        char *encoded = encode_blanks(filter != NULL ? filter : "");
        char *next = text_format("%s%.*s?api-version=%s%s%s&$skipToken=%d", request->base,
                                 (int)strcspn(request->uri, "?"), request->uri,
                                 request_query(request, "api-version"),
                                 filter != NULL ? "&$filter=" : "", encoded, from + size);
        cJSON_AddStringToObject(json, "nextLink", next);
        free(next);
        free(encoded);
    }
    reply_json(reply, 200, json);
}

/* A GUID made of text and of nothing else. */
static char *guid_of(const char *text)
{
    unsigned char bytes[16];
    char hex[2 * sizeof bytes + 1];

    crypto_generichash(bytes, sizeof bytes, (const unsigned char *)text, strlen(text), NULL,
                       0);
    sodium_bin2hex(hex, sizeof hex, bytes, sizeof bytes);
    return text_format("%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
                       hex + 20);
}

void arm_add_guid(cJSON *json, const char *name, const char *text)
{
    char *guid = guid_of(text);

    json_set_text(json, name, guid);
    free(guid);
}

void arm_add_etag(cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);
    char *guid = guid_of(text);
    char *etag = text_format("W/\"%s\"", guid);

    cJSON_AddStringToObject(json, "etag", etag);
    free(etag);
    free(guid);
    cJSON_free(text);
}

struct home_list {
    const char *scope;
    arm_render_fn *render;
    cJSON *items;
};

static int add_at_home(cJSON *doc, void *arg)
{
    struct home_list *list = arg;

    cJSON *shown =
        scope_covers(list->scope, json_text(doc, "id")) ? list->render(doc) : NULL;

    if (shown != NULL)
        cJSON_AddItemToArray(list->items, shown);
    return 0;
}

char *arm_list_scope(const struct request *request)
{
    bool is_of_group =
        request->segment_count > 3 && text_is(request->segments[2], "resourceGroups");

    return is_of_group ? text_format("/subscriptions/%s/resourceGroups/%s",
                                     request->segments[1], request->segments[3])
                       : text_format("/subscriptions/%s", request->segments[1]);
}

void arm_list(struct request *request, struct reply *reply, enum kind kind,
              arm_render_fn *render)
{
    char *scope = arm_list_scope(request);
    struct home_list list = { scope, render, cJSON_CreateArray() };

    store_each(&request->sim->store, kind, request->age_ms, add_at_home, &list);
    arm_reply_page(request, reply, list.items);
    free(scope);
}

static const struct route *find_route(struct request *request, bool *has_path)
{
    const struct route *route = NULL;

    for (size_t i = 0; route == NULL && i < sizeof tables / sizeof tables[0]; i++)
        route = route_find(request, tables[i], has_path);
    return route;
}

/* Ids and what every answer has. Retrying and support need them. */
static void add_headers(struct reply *reply)
{
    char id[UUID_SIZE];

    uuid_make(id);
    reply_header(reply, "x-ms-request-id", "%s", id);
    uuid_make(id);
    reply_header(reply, "x-ms-correlation-request-id", "%s", id);
    reply_header(reply, "x-ms-routing-request-id", "WESTEUROPE:%s", id);
    reply_header(reply, "Cache-Control", "no-cache");
    reply_header(reply, "Pragma", "no-cache");
    reply_header(reply, "Expires", "-1");
    reply_header(reply, "Strict-Transport-Security", "max-age=31536000; includeSubDomains");
    reply_header(reply, "X-Content-Type-Options", "nosniff");
}

/* Resource Manager itself has refused: the provider has not seen the request. */
static void mark_gateway(struct reply *reply)
{
    reply_header(reply, "x-ms-failure-cause", "gateway");
    reply_header(reply, "x-ms-request-id", "%s",
                 reply_header_get(reply, "x-ms-correlation-request-id"));
}

static void refuse_path(struct request *request, struct reply *reply, bool has_path)
{
    if (has_path)
        reply_error(reply, 405, "MethodNotAllowed", "%s is not served at %s",
                    request->method, request->path);
    else if (check_home(request, reply))
        reply_error(reply, 404, "ResourceNotFound",
                    "the simulator serves nothing at %s; docs/azsim.md lists what it does",
                    request->path);
}

/* Finds the provider's handler. Returns NULL after having replied when Resource Manager
 * refuses before a provider sees the request. */
static handler_fn *find_handler(struct request *request, struct reply *reply)
{
    bool has_path = false;

    if (!check_token(request, reply) || !versions_check(request, reply) ||
        !throttle_lets_pass(request, reply))
        return NULL;
    const struct route *route = find_route(request, &has_path);
    if (route == NULL) {
        refuse_path(request, reply, has_path);
        return NULL;
    }
    bool may_go = check_permission(request, reply, route) && check_home(request, reply) &&
                  query_is_known(request, reply, "api-version", route->query) &&
                  check_state(request, reply) && lock_lets_pass(request, reply) &&
                  policy_lets_pass(request, reply);
    return may_go ? route->handler : NULL;
}

void arm_serve(struct request *request, struct reply *reply)
{
    add_headers(reply);
    handler_fn *handler = find_handler(request, reply);
    if (handler != NULL)
        handler(request, reply);
    else
        mark_gateway(reply);
    if (request_is(request, "HEAD") && reply->status == 200)
        reply_json(reply, 204, NULL);
}
