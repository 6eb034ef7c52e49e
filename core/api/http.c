/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/http.c - the way of a request: its headers, its body, its handler, its reply.
 *
 * A request that waits for the engine is suspended, and costs nothing until it is resumed:
 * libmicrohttpd then calls again, and finds the reply in the request.
 */
#include "api/http_inside.h"

#include <assert.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/said.h"
#include "api/http_strict.h"
#include "api/metrics.h"
#include "api/route.h"

/* -- a request's life ---------------------------------------------------------------------- */

static void free_request(struct request *request)
{
    if (request->drop != NULL)
        request->drop(request->kept);
    list_remove(&request->in_server);
    request->server->body_bytes -= request->body.len;
    if (request->response != NULL)
        MHD_destroy_response(request->response);
    while (request->headers != NULL) {
        struct header *header = request->headers;

        request->headers = header->next;
        free(header->name);
        free(header->value);
        free(header);
    }
    for (int i = 0; i < HTTP_IN_PARAMS_MAX; i++)
        free(request->params[i]);
    free(request->path);
    free(request->subject);
    free(request->caller.who);
    free(request->caller.groups);
    free(request->caller.token);
    free(request->caller.playbooks);
    str_fini(&request->body);
    str_fini(&request->note);
    str_fini(&request->out);
    arena_fini(&request->arena);
    free(request);
}

void http_on_completed(void *arg, struct MHD_Connection *connection, void **state,
                       enum MHD_RequestTerminationCode why)
{
    struct request *request = *state;

    (void)arg;
    *state = NULL;
    if (why == MHD_REQUEST_TERMINATED_TIMEOUT_REACHED)
        age_timed_out(connection);
    age_enter(connection, AGE_IDLE);
    if (request == NULL)
        return;
    request->connection = NULL;
    if (request->is_stream && (!request->is_over || request->is_left) &&
        request->gone != NULL)
        request->gone(request);
    free_request(request);
}

void http_peer(struct MHD_Connection *connection, char text[INET6_ADDRSTRLEN])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    text[0] = '\0';
    if (info != NULL && info->client_addr != NULL &&
        getnameinfo(info->client_addr,
                    info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                             : sizeof(struct sockaddr_in),
                    text, INET6_ADDRSTRLEN, NULL, 0, NI_NUMERICHOST) != 0)
        text[0] = '\0';
}

static struct request *new_request(struct server *server, struct MHD_Connection *connection,
                                   const char *path, const char *method)
{
    struct request *request = xcalloc(1, sizeof *request);

    request->server = server;
    request->body.is_secret = request->note.is_secret = true; /* they may hold a password */
    request->connection = connection;
    request->path = xstrdup(path);
    request->is_head = strcmp(method, "HEAD") == 0;
    request->caller.via = "api";
    http_peer(connection, request->peer);
    list_add(&server->requests, &request->in_server);
    return request;
}

/* -- before the body ----------------------------------------------------------------------- */

static bool has_right_type(const struct request *request)
{
    const char *type = request_header(request, "Content-Type");

    switch (request->route->content) {
    case CONTENT_JSON: return strict_type(type, "application/json");
    case CONTENT_FORM: return strict_type(type, "application/x-www-form-urlencoded");
    default: return true;
    }
}

static size_t body_max(const struct request *request)
{
    if (request->route == NULL || request->route->content == CONTENT_NONE)
        return 0;
    return request->route->body_max > 0 ? request->route->body_max : HTTP_IN_BODY_MAX;
}

bool http_takes_coding(const struct request *request)
{
    const char *coding = request_header(request, "Content-Encoding");

    return coding == NULL || coding[0] == '\0' || strcasecmp(coding, "identity") == 0;
}

void http_refuse_coding(struct request *request)
{
    respond_header(request, "Accept-Encoding", "identity");
    respond_problem(request, 415, "content_encoding",
                    "no Content-Encoding is taken: want the body as it is (identity)");
}

/* Bodies of strangers must not fill the memory: who proves itself in the body comes later. */
static bool has_room(struct request *request)
{
    if (request->server->body_bytes <= HTTP_IN_BODIES_MAX)
        return true;
    respond_header(request, "Retry-After", "5");
    respond_problem(request, 503, "busy", "too many bodies are being read at once");
    return false;
}

static bool is_too_long(const struct request *request)
{
    const char *text = request_header(request, "Content-Length");
    int64_t length = 0;

    return text != NULL && (!span_int(span_of(text), &length) || length < 0 ||
                            (uint64_t)length > body_max(request));
}

static void find_route(struct request *request, const char *method)
{
    const struct server *server = request->server;
    unsigned others = 0;

    request->route = route_find(server->routes, server->listener, method, request->path,
                                request->params, &others);
    if (request->route != NULL)
        return;
    if (others == 0) {
        respond_problem(request, 404, "not_found", "there is nothing at this path");
        return;
    }
    respond_header(request, "Allow", route_methods(others));
    respond_problem(request, 405, "method", "this path takes %s", route_methods(others));
}

/* What can be said before the body is read. True: it may come. */
static bool is_welcome(struct request *request, const char *method)
{
    if (!framing_is_right(request))
        return false;
    find_route(request, method);
    if (request->route == NULL)
        return false;
    if (request->server->identify != NULL &&
        !request->server->identify(request, request->server->arg))
        return false;
    if (is_too_long(request)) {
        respond_problem(request, 413, "too_big", "a body may have %zu bytes here",
                        body_max(request));
        return false;
    }
    if (!has_right_type(request)) {
        respond_problem(request, 415, "content_type", "want Content-Type: %s",
                        request->route->content == CONTENT_JSON
                            ? "application/json"
                            : "application/x-www-form-urlencoded");
        return false;
    }
    if (!http_takes_coding(request)) {
        http_refuse_coding(request);
        return false;
    }
    return has_room(request);
}

/* -- libmicrohttpd calls ------------------------------------------------------------------- */

/* Only somebody who has proven who they are gets such an answer. */
static bool is_of_somebody(const struct request *request)
{
    const struct route *route = request->route;

    if (route == NULL || (route->roles & ROLE_ANYBODY) != 0)
        return false;
    return (route->roles & ROLE_SOURCE) != 0 ? request->status == 202
                                             : request->status < 400;
}

static enum MHD_Result give_reply(struct request *request)
{
    enum MHD_Result is_done;

    for (const struct header *header = request->headers; header != NULL;
         header = header->next)
        MHD_add_response_header(request->response, header->name, header->value);
    if (request->is_last)
        MHD_add_response_header(request->response, "Connection", "close");
    request->is_queued = true;
    age_enter(request->connection,
              request->is_stream && !request->is_over ? AGE_NONE : AGE_ANSWER);
    metrics_count(request->route, request->status);
    age_note_known(request->connection, is_of_somebody(request));
    is_done = MHD_queue_response(request->connection, (unsigned)request->status,
                                 request->response);
    MHD_destroy_response(request->response);
    request->response = NULL;
    return is_done;
}

static enum MHD_Result wait_for_reply(struct request *request)
{
    if (request->response != NULL)
        return give_reply(request);
    request->is_suspended = true;
    age_enter(request->connection, AGE_NONE);
    MHD_suspend_connection(request->connection);
    return MHD_YES;
}

static void begin(struct request *request)
{
    if (framing_ends_right(request))
        request->route->handler(request);
}

/* One that did not say how long it is, and is too long: its connection is closed. */
static enum MHD_Result cut(struct request *request)
{
    static struct said told;
    int64_t withheld;
    char why[128];

    request->is_too_big = true;
    snprintf(why, sizeof why, "a body without Content-Length has more than %zu bytes",
             body_max(request));
    if (said_now(&told, span_of(request->path), span_of(why), clock_mono_us() / 1000,
                 &withheld))
        log_warnx("%s from %s was cut off: %s", request->path, request->peer, why);
    return MHD_NO;
}

static enum MHD_Result take_body(struct request *request, const char *data, size_t *len)
{
    size_t count = *len, max = body_max(request);

    *len = 0;
    if (request->is_too_big)
        return MHD_NO;
    if (count > max || request->body.len > max - count ||
        request->server->body_bytes + count > 2 * (size_t)HTTP_IN_BODIES_MAX)
        return cut(request);
    str_add(&request->body, data, count);
    request->server->body_bytes += count;
    return MHD_YES;
}

enum MHD_Result http_on_request(void *arg, struct MHD_Connection *connection,
                                const char *path, const char *method, const char *version,
                                const char *data, size_t *len, void **state)
{
    struct server *server = arg;
    struct request *request = *state;

    (void)version; /* the reader has looked */
    server->at_once = 0;
    if (request == NULL) {
        *state = request = new_request(server, connection, path, method);
        request->number = age_next_request(connection);
        age_enter(connection, AGE_BODY);
        if (is_welcome(request, method) && request->response == NULL)
            return MHD_YES;
        assert(request->response != NULL);
        return give_reply(request);
    }
    if (*len > 0) {
        return take_body(request, data, len);
    }
    if (!request->is_begun) {
        request->is_begun = true;
        begin(request);
    }
    return wait_for_reply(request);
}
