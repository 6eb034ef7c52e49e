/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/http_inside.h - struct server and struct request, and what the files of api/http.h are
 * to each other.
 *
 *   http.c        a request's way: its headers, its body, its handler, its reply
 *   http_server.c listening and closing; libmicrohttpd in our loop
 *   http_reader.c, http_tap.c  what came is read strictly before libmicrohttpd reads it
 *   http_framing.c which requests the reader refused
 *   http_selftest.c whether that holds with the libraries that are linked
 *   http_age.c    how long a connection may take
 *   http_look.c   what a handler sees of a request
 *   http_reply.c  replies, and streams
 */
#pragma once

#include "api/http.h"
#include "api/http_tap.h"

#include <netinet/in.h>

#include <microhttpd.h>

#include "base/arena.h"
#include "base/list.h"
#include "net/loop.h"

enum { HTTP_ADDRESS_MAX = 128, HTTP_ADDRESS_BUCKETS = 1024 };

struct address;

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
    struct list evictable; /* who is nobody yet and asks nothing now, oldest first */
    struct address *addresses[HTTP_ADDRESS_BUCKETS];
    int64_t evicted; /* not logged yet */
    struct timer ages_timer;
    int64_t cut[AGE_COUNT]; /* not logged yet */
    char cut_peer[INET6_ADDRSTRLEN];
    bool has_client_ca, is_quiet;
    int connected, left; /* left: since memory was given back */
    int leaving;         /* evicted, and not closed yet */
    size_t body_bytes;   /* of all requests that are there */
    int at_once;         /* how often in a row it asked to be run at once, for nothing */
};

struct header {
    struct header *next;
    char *name, *value;
};

struct request {
    struct list in_server;
    struct server *server;
    struct MHD_Connection *connection;
    unsigned number; /* of its connection, from 1 on */
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

/* Sends requests to itself, right ones and wrong ones: 0 when each is answered as it must be. */
int server_self_test(struct server *server, struct err *err);

/* -- How it is cut ------------------------------------------------------------------------- */

/* Is it one that the reader of its connection handed on, and did not refuse? False: it has been
 * answered. */
bool framing_is_right(struct request *request);
/* The same of its body, once that is whole. */
bool framing_ends_right(struct request *request);

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
/* What it reads with, and the number of the request that begins now. */
struct http_reader *age_reader(struct MHD_Connection *connection);
unsigned age_next_request(struct MHD_Connection *connection);
/* What the last answer says of who is there: somebody proven, or nobody. */
void age_note_known(struct MHD_Connection *connection, bool is_known);
