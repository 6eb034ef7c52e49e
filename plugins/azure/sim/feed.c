/* SPDX-License-Identifier: Apache-2.0 */
#include "feed.h"

#include <stdlib.h>
#include <string.h>

#include "arm.h"
#include "route.h"
#include "sim.h"
#include "token.h"

enum { GRAPH_PAGE = 50, MESSAGES_MAX = 32, HIDDEN_S_MAX = 7 * 24 * 3600 };

/* -- Defender for Cloud ------------------------------------------------------------------- */

static cJSON *render_alert(const cJSON *doc)
{
    cJSON *json = cJSON_Duplicate(doc, true);

    json_set_text(json, "name", strrchr(json_text(doc, "id"), '/') + 1);
    json_set_text(json, "type", "Microsoft.Security/Locations/alerts");
    return json;
}

static void list_alerts(struct request *request, struct reply *reply)
{
    arm_list(request, reply, KIND_ALERT, render_alert);
}

const struct route feed_routes[] = {
    { "GET", "/subscriptions/{}/providers/Microsoft.Security/alerts",
      "Microsoft.Security/alerts/read", list_alerts },
    { 0 },
};

/* -- Graph -------------------------------------------------------------------------------- */

static bool check_token(struct request *request, struct reply *reply, const char *audience,
                        const char *permission)
{
    if (token_check(request, audience) != TOKEN_GOOD) {
        reply_error(reply, 401, "InvalidAuthenticationToken",
                    "there is no access token for %s, or it is not valid", audience);
        reply_header(reply, "WWW-Authenticate", "Bearer error=\"invalid_token\"");
        return false;
    }
    if (!token_allows(request, permission)) {
        reply_error(reply, 403, "Forbidden", "the permission %s is missing", permission);
        return false;
    }
    return true;
}

/* What is newer alone is named when whoever asks does not say that it may be. */
static cJSON *render_graph(const struct request *request, const cJSON *doc)
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

struct graph_list {
    const struct request *request;
    const char *since; /* NULL: all */
    char *place;
    cJSON *items;
};

static int add_graph(cJSON *doc, void *arg)
{
    struct graph_list *list = arg;
    const char *changed = json_text(doc, "lastUpdateDateTime");

    if (text_starts(json_text(doc, "path"), list->place) &&
        (list->since == NULL || (changed != NULL && strcmp(changed, list->since) >= 0)))
        cJSON_AddItemToArray(list->items, render_graph(list->request, doc));
    return 0;
}

static int page_size(const struct request *request)
{
    const char *top = request_query(request, "$top");
    int size = request->sim->settings.page_size;
    int wanted = top != NULL ? (int)strtol(top, NULL, 10) : GRAPH_PAGE;

    if (size == 0 || size > GRAPH_PAGE)
        size = GRAPH_PAGE;
    return wanted > 0 && wanted < size ? wanted : size;
}

static void reply_graph_page(struct request *request, struct reply *reply, cJSON *list)
{
    const char *skip = request_query(request, "$skiptoken");
    const char *filter = request_query(request, "$filter");
    int from = skip != NULL ? (int)strtol(skip, NULL, 10) : 0, size = page_size(request);
    int total = cJSON_GetArraySize(list);

    for (int i = 0; i < from && i < total; i++)
        cJSON_DeleteItemFromArray(list, 0);
    while (cJSON_GetArraySize(list) > size)
        cJSON_DeleteItemFromArray(list, size);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToObject(json, "value", list);
    if (from + size < total) {
        const char *since = filter != NULL ? strrchr(filter, ' ') : NULL;
        char *next =
            text_format("%s%s?$skiptoken=%d%s%s", request->base, request->path, from + size,
                        since != NULL ? "&$filter=lastUpdateDateTime%20ge%20" : "",
                        since != NULL ? since + 1 : "");
        cJSON_AddStringToObject(json, "@odata.nextLink", next);
        free(next);
    }
    reply_json(reply, 200, json);
}

static void list_graph(struct request *request, struct reply *reply)
{
    static const char filter_shape[] = "lastUpdateDateTime ge ";
    const char *filter = request_query(request, "$filter");
    struct graph_list list = { .request = request };

    if (filter != NULL && !text_starts(filter, filter_shape)) {
        reply_error(reply, 400, "BadRequest", "the simulator filters by %sTIME alone",
                    filter_shape);
        return;
    }
    list.since = filter != NULL ? filter + strlen(filter_shape) : NULL;
    list.place = text_format("%s/", request->path);
    list.items = cJSON_CreateArray();
    store_each(&request->sim->store, KIND_GRAPH, request->age_ms, add_graph, &list);
    free(list.place);
    reply_graph_page(request, reply, list.items);
}

static void get_graph(struct request *request, struct reply *reply)
{
    const cJSON *doc =
        store_past(&request->sim->store, KIND_GRAPH, request->path, request->age_ms);

    if (doc == NULL)
        reply_error(reply, 404, "NotFound", "there is nothing at %s", request->path);
    else
        reply_json(reply, 200, render_graph(request, doc));
}

void feed_serve_graph(struct request *request, struct reply *reply)
{
    static const struct route routes[] = {
        { "GET", "/v1.0/security/alerts_v2", "SecurityAlert.Read.All", list_graph },
        { "GET", "/v1.0/security/alerts_v2/{}", "SecurityAlert.Read.All", get_graph },
        { "GET", "/v1.0/security/incidents", "SecurityIncident.Read.All", list_graph },
        { "GET", "/v1.0/security/incidents/{}", "SecurityIncident.Read.All", get_graph },
        { 0 },
    };
    bool has_path = false;
    const struct route *route = route_find(request, routes, &has_path);

    if (route == NULL)
        reply_error(reply, has_path ? 405 : 404, "NotFound", "nothing is served at %s",
                    request->path);
    else if (check_token(request, reply, request->sim->settings.graph, route->action))
        route->handler(request, reply);
}

/* -- A storage queue ------------------------------------------------------------------------ */

struct queue_list {
    char *place;
    int64_t now_ms;
    const char *paths[MESSAGES_MAX];
    int count, most;
};

static int add_message(cJSON *doc, void *arg)
{
    struct queue_list *list = arg;

    if (text_starts(json_text(doc, "path"), list->place) &&
        json_number(doc, "visible_ms", 0) <= (double)list->now_ms)
        list->paths[list->count++] = json_text(doc, "path");
    return list->count == list->most;
}

static int number_of(const struct request *request, const char *name, int otherwise,
                     int most)
{
    const char *text = request_query(request, name);
    int number = text != NULL ? (int)strtol(text, NULL, 10) : otherwise;

    return number < 1 ? 1 : number > most ? most : number;
}

static void add_escaped(char **xml, const char *text)
{
    for (; *text != '\0'; text++) {
        const char *entity = *text == '&'   ? "&amp;"
                             : *text == '<' ? "&lt;"
                             : *text == '>' ? "&gt;"
                                            : NULL;
        char *longer = entity != NULL ? text_format("%s%s", *xml, entity)
                                      : text_format("%s%c", *xml, *text);
        free(*xml);
        *xml = longer;
    }
}

static void add_element(char **xml, const char *name, const char *text)
{
    char *longer = text_format("%s<%s>", *xml, name);

    free(*xml);
    add_escaped(&longer, text);
    *xml = text_format("%s</%s>", longer, name);
    free(longer);
}

/* Each time that a message is taken it has another receipt; the ones before are void. */
static void take_message(struct request *request, const char *path, int hidden_s,
                         char **xml)
{
    char *key = xstrdup(path);
    cJSON *doc = store_write(&request->sim->store, KIND_MESSAGE, key);
    char receipt[UUID_SIZE];
    char *count = text_format("%d", (int)json_number(doc, "count", 0) + 1);

    uuid_make(receipt);
    json_set_text(doc, "receipt", receipt);
    json_set(doc, "count", cJSON_CreateNumber((double)strtol(count, NULL, 10)));
    json_set(doc, "visible_ms",
             cJSON_CreateNumber((double)(clock_steady_ms() + hidden_s * INT64_C(1000))));
    char *open = text_format("%s<QueueMessage>", *xml);
    free(*xml);
    *xml = open;
    add_element(xml, "MessageId", strrchr(key, '/') + 1);
    add_element(xml, "PopReceipt", receipt);
    add_element(xml, "DequeueCount", count);
    add_element(xml, "MessageText", json_text(doc, "text") ? json_text(doc, "text") : "");
    char *closed = text_format("%s</QueueMessage>", *xml);
    free(*xml);
    *xml = closed;
    free(count);
    free(key);
}

static void get_messages(struct request *request, struct reply *reply)
{
    struct queue_list list = {
        .place = text_format("%s/", request->path),
        .now_ms = clock_steady_ms(),
        .most = number_of(request, "numofmessages", 1, MESSAGES_MAX),
    };
    int hidden_s = number_of(request, "visibilitytimeout", 30, HIDDEN_S_MAX);
    char *xml = xstrdup("<?xml version=\"1.0\" encoding=\"utf-8\"?><QueueMessagesList>");

    store_each(&request->sim->store, KIND_MESSAGE, 0, add_message, &list);
    for (int i = 0; i < list.count; i++)
        take_message(request, list.paths[i], hidden_s, &xml);
    reply_xml(reply, 200, text_format("%s</QueueMessagesList>", xml));
    free(xml);
    free(list.place);
    if (list.count > 0)
        reply_effect(reply, "queue.take %d", list.count);
}

static void delete_message(struct request *request, struct reply *reply)
{
    const cJSON *doc = store_now(&request->sim->store, KIND_MESSAGE, request->path);
    const char *receipt = request_query(request, "popreceipt");

    if (doc == NULL) {
        reply_error(reply, 404, "MessageNotFound", "there is no such message");
    } else if (!text_is(receipt, json_text(doc, "receipt"))) {
        reply_error(reply, 400, "PopReceiptMismatch", "the receipt is not the newest");
    } else {
        store_remove(&request->sim->store, KIND_MESSAGE, request->path);
        reply_json(reply, 204, NULL);
        reply_effect(reply, "queue.delete");
    }
}

void feed_serve_queue(struct request *request, struct reply *reply)
{
    static const char action[] =
        "Microsoft.Storage/storageAccounts/queueServices/queues/messages/process/action";
    static const struct route routes[] = {
        { "GET", "/_queue/{}/{}/messages", action, get_messages },
        { "DELETE", "/_queue/{}/{}/messages/{}", action, delete_message },
        { 0 },
    };
    bool has_path = false;
    const struct route *route = route_find(request, routes, &has_path);

    if (route == NULL)
        reply_error(reply, has_path ? 405 : 404, "NotFound", "nothing is served at %s",
                    request->path);
    else if (check_token(request, reply, FEED_QUEUE_AUDIENCE, route->action))
        route->handler(request, reply);
}
