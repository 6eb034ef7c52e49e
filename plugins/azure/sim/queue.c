/* SPDX-License-Identifier: Apache-2.0 */
#include "queue.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "access.h"
#include "query.h"
#include "route.h"
#include "sim.h"
#include "token.h"

enum {
    MESSAGES_MAX = 32,
    HIDDEN_S_MAX = 7 * 24 * 3600,
    LIFETIME_S = 7 * 24 * 3600, /* of a message that says nothing else */
    ERROR_TEXT_SIZE = 512,
    DATE_SIZE = 40
};

/* The first version that takes bearer tokens, and so the first that is served here. */
static const char version_first[] = "2017-11-09";

bool queue_is_meant(struct request *request)
{
    const char *host = request_header(request, "Host");
    const char *dot = host != NULL ? strchr(host, '.') : NULL;
    const char *suffix = request->sim->settings.queue_suffix;
    size_t len = strlen(suffix);

    if (request->segment_count > 0 && text_is(request->segments[0], "_queue"))
        return true;
    if (dot == NULL || !text_starts(dot + 1, suffix) ||
        (dot[1 + len] != '\0' && dot[1 + len] != ':'))
        return false;
    char *path = text_format("/_queue/%.*s%s", (int)(dot - host), host, request->path);
    return request_repath(request, path);
}

/* -- XML ----------------------------------------------------------------------------------- */

static void add_text(char **xml, const char *text)
{
    char *longer = text_format("%s%s", *xml, text);

    free(*xml);
    *xml = longer;
}

static void add_escaped(char **xml, const char *text)
{
    for (; *text != '\0'; text++) {
        const char one[] = { *text, '\0' };
        add_text(xml, *text == '&'   ? "&amp;"
                      : *text == '<' ? "&lt;"
                      : *text == '>' ? "&gt;"
                                     : one);
    }
}

static void add_element(char **xml, const char *name, const char *text)
{
    char *open = text_format("<%s>", name);
    char *close = text_format("</%s>", name);

    add_text(xml, open);
    add_escaped(xml, text);
    add_text(xml, close);
    free(open);
    free(close);
}

/* Storage has an envelope of its own, and the code in a header as well. */
static void refuse(struct reply *reply, int status, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void refuse(struct reply *reply, int status, const char *code, const char *fmt, ...)
{
    char why[ERROR_TEXT_SIZE];
    char now[TIME_SIZE];
    va_list args;

    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    time_text(now, clock_ms());
    char *message = text_format("%s\nRequestId:%s\nTime:%s", why,
                                reply_header_get(reply, "x-ms-request-id"), now);
    char *xml = xstrdup("<?xml version=\"1.0\" encoding=\"utf-8\"?><Error>");
    add_element(&xml, "Code", code);
    add_element(&xml, "Message", message);
    add_text(&xml, "</Error>");
    free(message);
    reply_xml(reply, status, xml);
    reply_header(reply, "x-ms-error-code", "%s", code);
}

/* "Tue, 01 Dec 2026 02:10:34 GMT" */
static void date_text(char out[DATE_SIZE], int64_t seconds)
{
    time_t time = (time_t)seconds;
    struct tm parts;

    gmtime_r(&time, &parts);
    strftime(out, DATE_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &parts);
}

/* -- Messages ------------------------------------------------------------------------------ */

/* The path of the queue, with a slash behind it; to be freed. */
static char *place_of(const struct request *request)
{
    return text_format("/_queue/%s/%s/", request->segments[1], request->segments[2]);
}

static int match_place(cJSON *doc, void *arg)
{
    return text_starts(json_text(doc, "path"), arg);
}

static bool queue_exists(const struct request *request)
{
    char *place = place_of(request);
    bool has_message =
        store_ever(&request->sim->store, KIND_MESSAGE, match_place, place) != 0;

    place[strlen(place) - 1] = '\0';
    bool is_there = store_now(&request->sim->store, KIND_QUEUE, place) != NULL;
    free(place);
    return has_message || is_there;
}

struct message_list {
    char *place;
    int64_t now_ms, now_s;
    const char *paths[MESSAGES_MAX];
    int count, most;
};

static int64_t inserted_s(const struct request *request, const cJSON *doc)
{
    int64_t started_s = request->sim->started_ms / 1000;

    return (int64_t)json_number(doc, "inserted", (double)started_s);
}

static int64_t expires_s(const struct request *request, const cJSON *doc)
{
    return (int64_t)json_number(doc, "expires",
                                (double)(inserted_s(request, doc) + LIFETIME_S));
}

static int add_message(cJSON *doc, void *arg)
{
    struct message_list *list = arg;

    if (text_starts(json_text(doc, "path"), list->place) &&
        json_number(doc, "visible_ms", 0) <= (double)list->now_ms &&
        json_number(doc, "expires", (double)list->now_s + 1) > (double)list->now_s)
        list->paths[list->count++] = json_text(doc, "path");
    return list->count == list->most;
}

/* Reads a number of the query. Replies 400 and returns false when it is out of range. */
static bool read_number(const struct request *request, struct reply *reply,
                        const char *name, int most, int *out)
{
    const char *text = request_query(request, name);
    char *end;

    if (text == NULL)
        return true;
    long number = strtol(text, &end, 10);
    *out = (int)number;
    if (end != text && *end == '\0' && number >= 0 && number <= most)
        return true;
    refuse(reply, 400, "OutOfRangeQueryParameterValue",
           "One of the query parameters specified in the request URI is outside the "
           "permissible range: %s=%s.",
           name, text);
    return false;
}

static void add_dates(const struct request *request, const cJSON *doc, char **xml)
{
    char date[DATE_SIZE];

    date_text(date, inserted_s(request, doc));
    add_element(xml, "InsertionTime", date);
    date_text(date, expires_s(request, doc));
    add_element(xml, "ExpirationTime", date);
}

/* Each time that a message is taken it has another receipt; the ones before are void. */
static void take_message(struct request *request, const char *path, int hidden_s,
                         char **xml)
{
    char *key = xstrdup(path);
    cJSON *doc = store_write(&request->sim->store, KIND_MESSAGE, key);
    char receipt[UUID_SIZE];
    char date[DATE_SIZE];
    char *count = text_format("%d", (int)json_number(doc, "count", 0) + 1);

    uuid_make(receipt);
    json_set_text(doc, "receipt", receipt);
    json_set(doc, "count", cJSON_CreateNumber((double)strtol(count, NULL, 10)));
    json_set(doc, "visible_ms",
             cJSON_CreateNumber((double)(clock_steady_ms() + hidden_s * INT64_C(1000))));
    add_text(xml, "<QueueMessage>");
    add_element(xml, "MessageId", strrchr(key, '/') + 1);
    add_dates(request, doc, xml);
    add_element(xml, "PopReceipt", receipt);
    date_text(date, clock_ms() / 1000 + hidden_s);
    add_element(xml, "TimeNextVisible", date);
    add_element(xml, "DequeueCount", count);
    add_element(xml, "MessageText", json_text(doc, "text") ? json_text(doc, "text") : "");
    add_text(xml, "</QueueMessage>");
    free(count);
    free(key);
}

static void peek_message(const struct request *request, const char *path, char **xml)
{
    const cJSON *doc = store_now(&request->sim->store, KIND_MESSAGE, path);
    char *count = text_format("%d", (int)json_number(doc, "count", 0));

    add_text(xml, "<QueueMessage>");
    add_element(xml, "MessageId", strrchr(path, '/') + 1);
    add_dates(request, doc, xml);
    add_element(xml, "DequeueCount", count);
    add_element(xml, "MessageText", json_text(doc, "text") ? json_text(doc, "text") : "");
    add_text(xml, "</QueueMessage>");
    free(count);
}

static void get_messages(struct request *request, struct reply *reply)
{
    struct message_list list = { .now_ms = clock_steady_ms(), .now_s = clock_ms() / 1000 };
    bool is_peek = text_is(request_query(request, "peekonly"), "true");
    int hidden_s = 30;

    list.most = 1;
    if (!read_number(request, reply, "numofmessages", MESSAGES_MAX, &list.most) ||
        !read_number(request, reply, "visibilitytimeout", HIDDEN_S_MAX, &hidden_s))
        return;
    if (list.most == 0)
        list.most = 1;
    char *xml = xstrdup("<?xml version=\"1.0\" encoding=\"utf-8\"?><QueueMessagesList>");
    list.place = text_format("%s/", request->path);
    store_each(&request->sim->store, KIND_MESSAGE, 0, add_message, &list);
    for (int i = 0; i < list.count; i++) {
        if (is_peek)
            peek_message(request, list.paths[i], &xml);
        else
            take_message(request, list.paths[i], hidden_s, &xml);
    }
    add_text(&xml, "</QueueMessagesList>");
    reply_xml(reply, 200, xml);
    free(list.place);
    if (list.count > 0 && !is_peek)
        reply_effect(reply, "queue.take %d", list.count);
}

static void delete_message(struct request *request, struct reply *reply)
{
    const cJSON *doc = store_now(&request->sim->store, KIND_MESSAGE, request->path);
    const char *receipt = request_query(request, "popreceipt");

    if (doc == NULL) {
        refuse(reply, 404, "MessageNotFound", "The specified message does not exist.");
    } else if (!text_is(receipt, json_text(doc, "receipt"))) {
        refuse(reply, 400, "PopReceiptMismatch",
               "The specified pop receipt did not match the pop receipt for a dequeued "
               "message.");
    } else {
        store_remove(&request->sim->store, KIND_MESSAGE, request->path);
        reply_json(reply, 204, NULL);
        reply_effect(reply, "queue.delete");
    }
}

static void get_metadata(struct request *request, struct reply *reply)
{
    char *place = place_of(request);
    struct message_list list = { .place = place, .most = MESSAGES_MAX };

    list.now_ms = clock_steady_ms();
    list.now_s = clock_ms() / 1000;
    store_each(&request->sim->store, KIND_MESSAGE, 0, add_message, &list);
    reply_json(reply, 200, NULL);
    reply_header(reply, "x-ms-approximate-messages-count", "%d", list.count);
    free(place);
}

/* -- The plane ----------------------------------------------------------------------------- */

static void add_headers(const struct request *request, struct reply *reply)
{
    const char *version = request_header(request, "x-ms-version");
    char id[UUID_SIZE];

    uuid_make(id);
    reply_header(reply, "x-ms-request-id", "%s", id);
    reply_header(reply, "x-ms-version", "%s", version ? version : version_first);
    reply_header(reply, "Cache-Control", "no-cache");
    if (request->client_request_id != NULL)
        reply_header(reply, "x-ms-client-request-id", "%s", request->client_request_id);
}

static bool check_token(struct request *request, struct reply *reply, const char *action)
{
    const char *version = request_header(request, "x-ms-version");
    enum token_verdict verdict = token_check(request, TOKEN_STORAGE);

    if (verdict == TOKEN_MISSING) {
        refuse(reply, 401, "NoAuthenticationInformation",
               "Server failed to authenticate the request. Please refer to the information "
               "in the www-authenticate header.");
        reply_header(reply, "WWW-Authenticate",
                     "Bearer authorization_uri=%s/%s/oauth2/authorize resource_id=%s",
                     request->sim->settings.login, request->sim->settings.tenant,
                     TOKEN_STORAGE);
        return false;
    }
    if (version == NULL || strcmp(version, version_first) < 0) {
        refuse(
            reply, 403, "AuthenticationFailed",
            "Authentication scheme Bearer is not supported in this version: x-ms-version "
            "has to be %s or later.",
            version_first);
        return false;
    }
    if (verdict != TOKEN_GOOD) {
        refuse(reply, 401, "InvalidAuthenticationInfo",
               "Authentication information is not given in the correct format, or is "
               "expired, or is for another audience.");
        return false;
    }
    if (!access_allows(request, action)) {
        refuse(reply, 403, "AuthorizationPermissionMismatch",
               "This request is not authorized to perform this operation using this "
               "permission.");
        return false;
    }
    return true;
}

#define MESSAGES "Microsoft.Storage/storageAccounts/queueServices/queues/messages/"

/* query_is_known() replies in JSON; storage has its own words. */
static bool check_query(struct request *request, struct reply *reply,
                        const struct route *route)
{
    if (query_is_known(request, reply, "timeout", route->query))
        return true;
    refuse(reply, 400, "UnsupportedQueryParameter",
           "One of the query parameters specified in the request URI is not supported.");
    return false;
}

void queue_serve(struct request *request, struct reply *reply)
{
    static const struct route routes[] = {
        { "GET", "/_queue/{}/{}/messages", MESSAGES "process/action", get_messages,
          "numofmessages visibilitytimeout peekonly" },
        { "DELETE", "/_queue/{}/{}/messages/{}", MESSAGES "process/action", delete_message,
          "popreceipt" },
        { "GET", "/_queue/{}/{}",
          "Microsoft.Storage/storageAccounts/queueServices/queues/read", get_metadata,
          "comp" },
        { 0 },
    };
    bool has_path = false;
    const struct route *route = route_find(request, routes, &has_path);

    add_headers(request, reply);
    if (route == NULL)
        refuse(reply, has_path ? 405 : 404,
               has_path ? "UnsupportedHttpVerb" : "ResourceNotFound",
               "nothing is served at %s %s", request->method, request->path);
    else if (!check_token(request, reply, route->action) ||
             !check_query(request, reply, route))
        return;
    else if (!queue_exists(request))
        refuse(reply, 404, "QueueNotFound", "The specified queue does not exist.");
    else
        route->handler(request, reply);
}
