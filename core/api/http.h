/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/http.h - HTTP in: libmicrohttpd in our loop, and what a handler sees of a request.
 *
 * A request goes through these, in this order, and the first that does not like it answers:
 *
 *     the route        404, 405 with Allow
 *     who it is        401: no credential, or none that is good; 403: not one of the roles
 *     how it comes     415: another content type; 413: too long, before it is read; 429
 *     the body         all of it is here before the handler is called
 *
 * A handler answers at once (respond...) or asks the engine (request_ask) and answers when
 * that has answered. It answers exactly once, and the request is gone when it has. A request
 * whose sender has gone is answered into nowhere: handlers need not know.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;
struct loop;
struct request;
struct route;
struct server;

enum {
    HTTP_IN_CONNECTIONS_MAX = 12000, /* of one listener; more are turned away */
    HTTP_IN_PER_ADDRESS_MAX = 11000, /* from one address */
    HTTP_IN_IDLE_S = 15,             /* a connection on which nothing moves, or that is
                                        between an answer and the next request's first line */
    HTTP_IN_HEAD_S = 10,             /* until its TLS stands and a header is whole */
    HTTP_IN_BODY_S = 30,             /* from then until its body is */
    HTTP_IN_ANSWER_S = 60,           /* until an answer that has an end is taken */
    HTTP_IN_MEMORY = 8 * 1024,       /* of a connection: its request line and headers */
    HTTP_IN_BODY_MAX = 256 * 1024,   /* of a request, when its route does not say */
    HTTP_IN_BODIES_MAX = 256 * 1024 * 1024, /* of all requests of a listener at once */
    HTTP_IN_PARAMS_MAX = 2,                 /* {...} in a path */
    HTTP_IN_HEADERS_MAX = 64,
    HTTP_IN_STREAM_MAX =
        1024 * 1024 /* unsent bytes of a stream: who lets more pile up is left */
};

enum method { METHOD_GET = 1, METHOD_POST = 2, METHOD_DELETE = 4, METHOD_OPTIONS = 8 };

/* What somebody may do. ROLE_ANYBODY is for what must work without a credential. */
enum role {
    ROLE_ANYBODY = 1,
    ROLE_VIEWER = 2,
    ROLE_RESPONDER = 4,
    ROLE_APPROVER = 8,
    ROLE_AUTHOR = 16,
    ROLE_ADMIN = 32,
    ROLE_SOURCE = 64, /* a hook: its source's own credential */
    ROLE_SIGNED_IN = ROLE_VIEWER | ROLE_RESPONDER | ROLE_APPROVER | ROLE_AUTHOR | ROLE_ADMIN
};

enum listener_bit { LISTENER_CONSOLE = 1, LISTENER_INGRESS = 2 };

/* How a body must be said to come; exactly, but for a charset of UTF-8. */
enum content {
    CONTENT_NONE = 1,
    CONTENT_JSON,
    CONTENT_FORM,
    CONTENT_ANY /* the handler looks */
};

/* Who asks, from the credential and nothing else. */
struct caller {
    char *who;      /* a person's name, or "token:NAME"; NULL: nobody */
    unsigned roles; /* enum role */
    char *
        groups; /* JSON list of the policy's groups for which an approver votes; NULL: all */
    const char *via; /* "api", "console" */
    char *token;     /* its number, when it is a token */
    char *playbooks; /* JSON list: it starts these and changes nothing else; NULL: all */
};

typedef void handler_fn(struct request *request);

struct route {
    enum method method;
    const char *path; /* "/v1/runs/{run}" */
    unsigned listeners;
    unsigned roles; /* any of these */
    enum content content;
    handler_fn *handler;
    const char *operation; /* its name in the OpenAPI document */
    size_t body_max;       /* 0: HTTP_IN_BODY_MAX */
    void *arg;
};

/* -- The server ----------------------------------------------------------------------- */

/* Looks at headers and says who it is; false: it has replied. */
typedef bool identify_fn(struct request *request, void *arg);

struct server_options {
    const char *address;        /* "127.0.0.1:8443", "[::]:8443" */
    const char *cert, *key;     /* PEM */
    const char *client_ca;      /* PEM; NULL: client certificates are not asked for */
    const struct route *routes; /* ended by one without a path */
    unsigned listener;          /* enum listener_bit: routes that are there */
    identify_fn *identify;
    void *arg;
};

int server_open(struct server **server, struct loop *loop,
                const struct server_options *options, struct err *err);
/* "127.0.0.1:8443", with the port that it got. */
const char *server_address(const struct server *server);
/* No new connections; those that are there go on. */
void server_quiesce(struct server *server);
void server_close(struct server *server); /* NULL is fine */
int server_connections(const struct server *server);

/* -- A request ------------------------------------------------------------------------ */

/* Borrowed until it has been answered. */
const struct route *request_route(const struct request *request);
const char *request_method(const struct request *request);
const char *request_path(const struct request *request);
const char *request_param(const struct request *request, int i); /* i-th {...}, decoded */
/* The last one of that name, decoded; NULL when there is none. */
const char *request_query(const struct request *request, const char *name);
/* One in the query that is none of these names; NULL when there is none. */
const char *request_query_other(const struct request *request, const char *const *names,
                                size_t count);
/* Bytes that live until the request has been answered. */
struct span request_copy(struct request *request, struct span bytes);
/* Something secret to be kept until then, and overwritten. */
void request_set_note(struct request *request, struct span bytes);
const char *request_note(const struct request *request);
const char *request_header(const struct request *request, const char *name);
/* The value of a cookie; false when there is none, or the line is none. */
bool request_cookie(const struct request *request, const char *name, struct str *out);
struct span request_body(const struct request *request);
/* Is the body as it is, without a Content-Encoding? Else http_refuse_coding() replies 415. */
bool http_takes_coding(const struct request *request);
void http_refuse_coding(struct request *request);
const char *request_peer(const struct request *request); /* address, without the port */
struct caller *request_caller(struct request *request);
/* The subject of a client certificate that verifies, "CN=..."; NULL when there is none. */
const char *request_client_cert(struct request *request);
void *request_server_arg(const struct request *request);
void request_keep(struct request *request, void *state, void (*drop)(void *state));
void *request_kept(const struct request *request);

/* -- Replies -------------------------------------------------------------------------- */

void respond_header(struct request *request, const char *name, const char *value);
/* body is copied. */
void respond(struct request *request, int status, const char *type, struct span body);
/* body lives for ever. */
void respond_static(struct request *request, int status, const char *type,
                    struct span body);
void respond_json(struct request *request, int status, struct span json);
/* RFC 9457. code is a word for machines, the sentence says what would be right. */
void respond_problem(struct request *request, int status, const char *code, const char *fmt,
                     ...) __attribute__((format(printf, 4, 5)));

/* A reply without an end: text/event-stream. gone is called once, when the other side has
 * left or does not read; not after request_end(). */
void respond_stream(struct request *request, void (*gone)(struct request *request));
void stream_write(struct request *request, struct span bytes);
void request_end(struct request *request);
/* The connection ends with the answer. */
void request_end_connection(struct request *request);
