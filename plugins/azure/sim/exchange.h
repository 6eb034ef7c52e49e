/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange.h - a request as the planes read it, and the reply that they fill in.
 *
 * Everything here lives as long as the exchange. A reply owns its body, its header values
 * and its effect; a request borrows from the connection.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "util.h"

enum {
    ADDRESS_SIZE = 16, /* of an IPv4 address */
    SEGMENTS_MAX = 48, /* of one path */
    ARGS_MAX = 8,      /* names that a route picks out of a path */
    HEADERS_MAX = 24
};

struct MHD_Connection;
struct sim;

struct request {
    struct sim *sim;
    struct MHD_Connection *connection;
    const char *method;
    const char *uri; /* as it was sent, with the query */
    char *path;      /* decoded, // made one, without a trailing / */
    char *segments_text;
    const char *segments[SEGMENTS_MAX];
    int segment_count;
    char *base; /* http://host:port, as the client calls us */
    const char *body;
    size_t body_len;
    bool is_too_big;
    bool is_local; /* the client is on this machine */
    char client_address[ADDRESS_SIZE];
    cJSON *json; /* the body, once request_json() has read it */

    bool will_fail_later;  /* the operation that this starts is to fail */
    bool leaves_failed;    /* and to leave what it had begun */
    int64_t age_ms;        /* how old the state is that reads are shown */
    const cJSON *identity; /* whose token it is; NULL before the check */
    int64_t token_age_ms;  /* how long ago that token was given */
    const char *args[ARGS_MAX];
    char *scope;                   /* what {scope} stood for, with a leading / */
    char *vault;                   /* set on the vault plane */
    const char *client_request_id; /* NULL when the client sent none */
    const char *traceparent;       /* likewise */
};

struct header {
    char *name;
    char *value;
};

struct reply {
    int status;
    cJSON *json; /* NULL: no body */
    char *xml;   /* the body instead; NULL: none */
    struct header headers[HEADERS_MAX];
    int header_count;
    char *effect;  /* what changed, NULL for nothing */
    char *fault;   /* which fault was applied */
    int delay_ms;  /* before the reply goes out */
    bool is_reset; /* the connection breaks instead */
};

typedef void handler_fn(struct request *request, struct reply *reply);

/* Splits the path of url, which is decoded already, into request->path and segments.
 * Returns false when it has more segments than SEGMENTS_MAX. */
bool request_path(struct request *request, const char *url);

/* Reads path, which it takes, in the place of the path that the request had. Returns like
 * request_path(). */
bool request_repath(struct request *request, char *path);

/* A query parameter or a header, NULL when absent. */
const char *request_query(const struct request *request, const char *name);
const char *request_header(const struct request *request, const char *name);

/* The body as a JSON object, NULL after having replied 400. Borrowed from request. */
cJSON *request_json(struct request *request, struct reply *reply);

bool request_is(const struct request *request, const char *method);
bool request_is_read(const struct request *request); /* GET or HEAD */

typedef void query_fn(const char *name, void *arg);

/* Calls fn for the name of each query parameter. */
void request_each_query(const struct request *request, query_fn *fn, void *arg);

void request_fini(struct request *request);

/* Takes json, which may be NULL. */
void reply_json(struct reply *reply, int status, cJSON *json);
void reply_error(struct reply *reply, int status, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Takes xml. */
void reply_xml(struct reply *reply, int status, char *xml);
/* Adds the reason behind an error of Key Vault. */
void reply_inner(struct reply *reply, const char *code);
void reply_header(struct reply *reply, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
const char *reply_header_get(const struct reply *reply, const char *name);
/* Takes every header away again. */
void reply_drop_headers(struct reply *reply);
void reply_effect(struct reply *reply, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void reply_fini(struct reply *reply);
