/* SPDX-License-Identifier: Apache-2.0 */
#include "graph.h"

#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "odata.h"
#include "query.h"
#include "route.h"
#include "sim.h"
#include "token.h"

enum { PAGE_MAX = 50 };

/* What only newer clients know is named when the client says that it may be. */
static cJSON *render(const struct request *request, const cJSON *doc)
{
    cJSON *json = cJSON_Duplicate(doc, true);
    const char *prefer = request_header(request, "Prefer");
    const char *source = json_text(json, "serviceSource");

    json_set_text(json, "id", strrchr(json_text(doc, "path"), '/') + 1);
    cJSON_DeleteItemFromObjectCaseSensitive(json, "path");
    if (text_is(source, "microsoftDefenderForCloud") &&
        (prefer == NULL || !text_contains(prefer, "include-unknown-enum-members")))
        json_set_text(json, "serviceSource", "unknownFutureValue");
    return json;
}

/* The alerts of an incident come along only when $expand asks for them. */
static cJSON *render_incident(const struct request *request, const cJSON *doc)
{
    cJSON *json = render(request, doc);

    if (!text_is(request_query(request, "$expand"), "alerts"))
        cJSON_DeleteItemFromObjectCaseSensitive(json, "alerts");
    else if (json_get(json, "alerts") == NULL)
        cJSON_AddArrayToObject(json, "alerts");
    return json;
}

typedef cJSON *render_fn(const struct request *request, const cJSON *doc);

struct collection {
    const struct request *request;
    char *place;
    render_fn *render;
    cJSON *items;
};

static int add_item(cJSON *doc, void *arg)
{
    struct collection *list = arg;

    if (text_starts(json_text(doc, "path"), list->place))
        cJSON_AddItemToArray(list->items, list->render(list->request, doc));
    return 0;
}

static void list_items(struct request *request, struct reply *reply, render_fn *render_item,
                       const char *name)
{
    struct collection list = { .request = request, .render = render_item };

    list.place = text_format("%s/", request->path);
    list.items = cJSON_CreateArray();
    store_each(&request->sim->store, KIND_GRAPH, request->age_ms, add_item, &list);
    free(list.place);
    odata_reply_list(request, reply, list.items, name, PAGE_MAX);
}

static void list_alerts(struct request *request, struct reply *reply)
{
    list_items(request, reply, render, "security/alerts_v2");
}

/* $expand has one value that is understood. */
static bool check_expand(struct request *request, struct reply *reply)
{
    const char *expand = request_query(request, "$expand");

    if (expand == NULL || text_is(expand, "alerts"))
        return true;
    odata_error(request, reply, 400, "BadRequest", "$expand has to be alerts, not '%s'",
                expand);
    return false;
}

static void list_incidents(struct request *request, struct reply *reply)
{
    if (check_expand(request, reply))
        list_items(request, reply, render_incident, "security/incidents");
}

static void get_item(struct request *request, struct reply *reply, render_fn *render_item,
                     const char *name)
{
    const cJSON *doc =
        store_past(&request->sim->store, KIND_GRAPH, request->path, request->age_ms);

    if (doc == NULL)
        odata_error(request, reply, 404, "NotFound", "there is nothing at %s",
                    request->path);
    else
        odata_reply_item(request, reply, render_item(request, doc), name);
}

static void get_alert(struct request *request, struct reply *reply)
{
    get_item(request, reply, render, "security/alerts_v2");
}

static void get_incident(struct request *request, struct reply *reply)
{
    if (check_expand(request, reply))
        get_item(request, reply, render_incident, "security/incidents");
}

/* What a person changes on an alert or an incident; anything else is refused. */
static bool check_patch(struct request *request, struct reply *reply, const cJSON *body)
{
    static const char *const writable[] = {
        "status",        "assignedTo",  "classification", "determination", "customTags",
        "customDetails", "@odata.type", "displayName",    "severity",      NULL
    };
    const cJSON *item;

    cJSON_ArrayForEach(item, body)
    {
        int i = 0;
        while (writable[i] != NULL && strcmp(writable[i], item->string) != 0)
            i++;
        if (writable[i] == NULL) {
            odata_error(request, reply, 400, "BadRequest",
                        "the property '%s' cannot be changed", item->string);
            return false;
        }
    }
    return true;
}

static void patch_item(struct request *request, struct reply *reply, render_fn *render_item,
                       const char *name)
{
    struct store *store = &request->sim->store;
    const cJSON *old = store_now(store, KIND_GRAPH, request->path);
    char now[TIME_SIZE];

    if (old == NULL) {
        odata_error(request, reply, 404, "NotFound", "there is nothing at %s",
                    request->path);
        return;
    }
    const cJSON *body = request_json(request, reply);
    if (body == NULL || !check_patch(request, reply, body))
        return;
    cJSON *fresh = json_merge(cJSON_Duplicate(old, true), body);
    cJSON_DeleteItemFromObjectCaseSensitive(fresh, "@odata.type");
    if (!cJSON_Compare(fresh, old, true)) {
        time_text(now, clock_ms());
        json_set_text(fresh, "lastUpdateDateTime", now);
        reply_effect(reply, "graph.patch %s", json_text(fresh, "path"));
    }
    odata_reply_item(request, reply, render_item(request, fresh), name);
    store_put(store, KIND_GRAPH, request->path, fresh);
}

static void patch_alert(struct request *request, struct reply *reply)
{
    patch_item(request, reply, render, "security/alerts_v2");
}

static void patch_incident(struct request *request, struct reply *reply)
{
    patch_item(request, reply, render_incident, "security/incidents");
}

/* -- Service principals -------------------------------------------------------------------- */

static cJSON *render_principal(const cJSON *doc)
{
    cJSON *json = cJSON_CreateObject();
    const char *name = json_text(doc, "name");

    cJSON_AddStringToObject(json, "id", json_text(doc, "object_id"));
    cJSON_AddStringToObject(json, "appId", json_text(doc, "client_id"));
    cJSON_AddStringToObject(json, "displayName",
                            name != NULL ? name : json_text(doc, "client_id"));
    cJSON_AddStringToObject(json, "servicePrincipalType",
                            json_true(doc, "managed") ? "ManagedIdentity" : "Application");
    cJSON_AddBoolToObject(json, "accountEnabled",
                          json_number(doc, "sign_in_error", 0) != 7000112);
    return json;
}

static int add_principal(cJSON *doc, void *arg)
{
    cJSON_AddItemToArray(arg, render_principal(doc));
    return 0;
}

static void list_principals(struct request *request, struct reply *reply)
{
    cJSON *items = cJSON_CreateArray();

    store_each(&request->sim->store, KIND_IDENTITY, request->age_ms, add_principal, items);
    odata_reply_list(request, reply, items, "servicePrincipals", PAGE_MAX);
}

static void get_principal(struct request *request, struct reply *reply)
{
    cJSON *items = cJSON_CreateArray();

    store_each(&request->sim->store, KIND_IDENTITY, request->age_ms, add_principal, items);
    const cJSON *found = json_find(items, "id", request->args[0]);
    if (found != NULL)
        odata_reply_item(request, reply, cJSON_Duplicate(found, true), "servicePrincipals");
    else
        odata_error(request, reply, 404, "Request_ResourceNotFound",
                    "Resource '%s' does not exist or one of its queried reference-property "
                    "objects are not present.",
                    request->args[0]);
    cJSON_Delete(items);
}

/* -- The plane ----------------------------------------------------------------------------- */

/* Graph turns down a token of a session that has ended, and says what a new one has to have:
 * continuous access evaluation. */
static void challenge(struct request *request, struct reply *reply)
{
    const struct settings *settings = &request->sim->settings;
    char *claims =
        text_format("{\"access_token\":{\"nbf\":{\"essential\":true,\"value\":\"%lld\"}}}",
                    (long long)(clock_ms() / 1000));
    char *encoded = text_base64(claims);

    odata_error(request, reply, 401, "InvalidAuthenticationToken",
                "Continuous access evaluation resulted in challenge with result: "
                "InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp");
    reply_header(reply, "WWW-Authenticate",
                 "Bearer realm=\"\", authorization_uri=\"%s/common/oauth2/authorize\", "
                 "client_id=\"00000003-0000-0000-c000-000000000000\", "
                 "error=\"insufficient_claims\", claims=\"%s\"",
                 settings->login, encoded);
    free(encoded);
    free(claims);
}

static bool check_token(struct request *request, struct reply *reply,
                        const char *permission)
{
    const char *audience = request->sim->settings.graph;
    enum token_verdict verdict = token_check(request, audience);

    if (verdict == TOKEN_REVOKED) {
        challenge(request, reply);
        return false;
    }
    if (verdict != TOKEN_GOOD) {
        odata_error(request, reply, 401, "InvalidAuthenticationToken",
                    "there is no access token for %s, or it is not valid", audience);
        reply_header(reply, "WWW-Authenticate", "Bearer error=\"invalid_token\"");
        return false;
    }
    if (!access_allows(request, permission)) {
        odata_error(request, reply, 403, "Forbidden", "the permission %s is missing",
                    permission);
        return false;
    }
    return true;
}

static void add_headers(const struct request *request, struct reply *reply)
{
    char id[UUID_SIZE];

    uuid_make(id);
    reply_header(reply, "request-id", "%s", id);
    reply_header(reply, "client-request-id", "%s",
                 request->client_request_id != NULL ? request->client_request_id : id);
    reply_header(reply, "x-ms-ags-diagnostic",
                 "{\"ServerInfo\":{\"DataCenter\":\"West Europe\",\"Slice\":\"E\","
                 "\"Ring\":\"5\",\"ScaleUnit\":\"001\",\"RoleInstance\":\"AM000000\"}}");
    reply_header(reply, "Cache-Control", "no-cache");
}

void graph_serve(struct request *request, struct reply *reply)
{
    static const char item_options[] = "$select";
    static const struct route routes[] = {
        { "GET", "/v1.0/security/alerts_v2", "SecurityAlert.Read.All", list_alerts,
          ODATA_OPTIONS },
        { "GET", "/v1.0/security/alerts_v2/{}", "SecurityAlert.Read.All", get_alert,
          item_options },
        { "PATCH", "/v1.0/security/alerts_v2/{}", "SecurityAlert.ReadWrite.All",
          patch_alert, NULL },
        { "GET", "/v1.0/security/incidents", "SecurityIncident.Read.All", list_incidents,
          ODATA_OPTIONS " $expand" },
        { "GET", "/v1.0/security/incidents/{}", "SecurityIncident.Read.All", get_incident,
          "$select $expand" },
        { "PATCH", "/v1.0/security/incidents/{}", "SecurityIncident.ReadWrite.All",
          patch_incident, NULL },
        { "GET", "/v1.0/servicePrincipals", "Application.Read.All", list_principals,
          ODATA_OPTIONS },
        { "GET", "/v1.0/servicePrincipals/{}", "Application.Read.All", get_principal,
          item_options },
        { 0 },
    };
    bool has_path = false;
    const struct route *route = route_find(request, routes, &has_path);

    add_headers(request, reply);
    if (route == NULL)
        odata_error(request, reply, has_path ? 405 : 404,
                    has_path ? "Request_BadRequest" : "ResourceNotFound",
                    "nothing is served at %s %s", request->method, request->path);
    else if (check_token(request, reply, route->action) &&
             query_is_known(request, reply, NULL, route->query))
        route->handler(request, reply);
}
