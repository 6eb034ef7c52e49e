/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/http_inside.h - struct server and struct request, and what the files of api/http.h are
 * to each other.
 *
 *   http.c        a request's way: its headers, its body, its handler, its reply
 *   http_server.c listening and closing; libmicrohttpd in our loop
 *   http_framing.c whether a request can be cut in one way only
 *   http_age.c    how long a connection may take
 *   http_look.c   what a handler sees of a request
 *   http_reply.c  replies, and streams
 */
#pragma once

#include "api/http.h"

#include <netinet/in.h>

#include <microhttpd.h>

#include "base/arena.h"
#include "base/list.h"
#include "net/loop.h"

#include "net/loop.h"

enum { HTTP_ADDRESS_MAX = 128 };

/* What a connection is at, and the longest that it may be: HTTP_IN_..._S. */
enum age {
    AGE_HEAD,
    AGE_BODY,
    AGE_ANSWER,
    AGE_IDLE, /* between an answer and the next request */
    AGE_COUNT,
    AGE_NONE = AGE_COUNT /* it waits for us, or is a stream: as long as it takes */
};

struct server {
    struct loop *loop;
    struct MHD_Daemon *daemon;
    struct watch *watch;
    struct timer timer;
    struct later again;
    const struct route *routes;
    unsigned listener;
    identify_fn *identify;
    void *arg;
    char address[HTTP_ADDRESS_MAX];
    struct list requests;
    /* who is how old */
    struct list ages[AGE_COUNT];
    struct timer ages_timer;
    int64_t cut[AGE_COUNT]; /* not logged yet */
    char cut_peer[INET6_ADDRSTRLEN];
    bool has_client_ca, is_quiet;
    int connected, left; /* left: since memory was given back */
    size_t body_bytes;   /* of all requests that are there */
    int at_once;         /* how often in a row it asked to be run at once, for nothing */
};

/* Where its parts lie; the bytes of the address are decoded in place later. */
struct request_line {
    const char *method, *uri, *version;
    size_t uri_len;
    bool is_right; /* the address, as it came */
};

struct header {
    struct header *next;
    char *name, *value;
};

struct request {
    struct list in_server;
    struct server *server;
    struct MHD_Connection *connection;
    struct request_line *line; /* of its connection; until the handler is called */
    const struct route *route;
    char *path, *params[HTTP_IN_PARAMS_MAX];
    struct str body, note;
    struct caller caller;
    char peer[INET6_ADDRSTRLEN], *subject;
    struct arena arena;
    void *kept;
    void (*drop)(void *);
    /* the reply */
    struct MHD_Response *response;
    struct header *headers;
    int status;
    bool is_head, is_suspended, is_begun, is_queued, is_too_big;
    bool is_last; /* the connection ends with its answer */
    /* a stream */
    struct str out;
    bool is_stream, is_over,
        is_left; /* left: its owner does not know yet that it is over */
    void (*gone)(struct request *);
};

/* Runs libmicrohttpd as far as it goes now, and says when it must run again. */
void server_run(void *server);
/* Never from inside libmicrohttpd: what is resumed goes on in this turn of the loop. */
void request_resume(struct request *request);

/* libmicrohttpd calls these. */
enum MHD_Result http_on_request(void *arg, struct MHD_Connection *connection,
                                const char *path, const char *method, const char *version,
                                const char *data, size_t *len, void **state);
void http_on_completed(void *arg, struct MHD_Connection *connection, void **state,
                       enum MHD_RequestTerminationCode why);
/* "127.0.0.1", or "" when nobody knows. */
void http_peer(struct MHD_Connection *connection, char text[INET6_ADDRSTRLEN]);

/* -- How it is cut ------------------------------------------------------------------------- */

/* False: it has been answered. */
bool framing_is_right(struct request *request);
bool framing_has_trailers(const struct request *request);

/* -- How old ------------------------------------------------------------------------------- */

struct connection;

void ages_open(struct server *server);
/* From now it is at that. */
void age_enter(struct MHD_Connection *connection, enum age age);
/* libmicrohttpd has waited long enough for a byte. */
void age_timed_out(struct MHD_Connection *connection);
/* A connection begins and ends; what age_begin() gives is its MHD socket context. */
struct connection *age_begin(struct server *server, struct MHD_Connection *connection);
void age_end(struct connection *connection);
struct request_line *age_line(struct MHD_Connection *connection);
/* libmicrohttpd calls it: a request's first line has come. */
void *age_on_line(void *server, const char *uri, struct MHD_Connection *connection);
