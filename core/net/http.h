/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http.h - one HTTP request and its reply, and what is known when there is none.
 *
 * The client keeps connections, speaks HTTP/2 where TLS offers it, verifies certificates
 * (TLS 1.2 and up), follows no redirects, takes no proxy and nothing else from the
 * environment, and connects only to what net/allow.h allows. It sends a request at most
 * once: libcurl's own habit of sending again on a fresh connection is stopped, since nobody
 * could say then how often a change was asked for.
 *
 * http_start() returns 0, and then done is called exactly once, later; or it fails, and then
 * never. http_cancel() and http_close() call nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;
struct http;
struct http_call;
struct loop;

enum {
    HTTP_AT_ONCE_MAX = 64,            /* more wait their turn */
    HTTP_WAITING_MAX = 4096,          /* more are refused: ERR_BUSY */
    HTTP_BODY_MAX = 16 * 1024 * 1024, /* of a reply: a page of Azure has up to 8 MiB */
    HTTP_HEADERS_MAX = 64 * 1024,     /* of a reply */
    HTTP_URL_MAX = 8 * 1024,
    HTTP_CONNECT_MS = 15 * 1000,
    HTTP_IDLE_S = 20 /* a connection idle for longer is not used again: a server may just
                      * be closing it, and then a change would be in doubt for nothing */
};

struct http_options {
    const char *const *allow; /* see net/allow.h; NULL at the end */
    const char *ca_file;      /* instead of the system's certificates; NULL */
    const char *ca_pem;       /* the same as its text; NULL */
};

/* A request with one is a message for a mail server: its url is smtp:// or smtps:// with a
 * host, a port perhaps, and nothing else; body is the message; method and headers are NULL.
 * TLS is required unless is_plain, and plain goes only to listed addresses. The reply's status
 * is the server's last word: 250 when it has taken the message, 4xx and 5xx when it refused. */
struct http_mail {
    const char *from; /* addresses without <> */
    const char *const *to;
    const char *user, *password; /* NULL: does not sign in */
    bool is_plain;
};
enum { HTTP_MAIL_TO_MAX = 100, HTTP_MAIL_ADDRESS_MAX = 254 };

/* A request with is_send is bytes for a listener that says nothing back: its url is udp://, tcp://
 * or tls:// with a host, a port and nothing else; body is the bytes; method and headers are NULL.
 * udp and tcp go only to listed addresses. The status is HTTP_SENT when the other machine has
 * acknowledged them all; with UDP, one datagram, when it has left. */
enum { HTTP_SEND_MAX = 60 * 1024, HTTP_SENT = 200 };

struct http_request {
    const char *method;
    const char *url;
    const char *const *headers; /* "Name: value", NULL at the end; may be NULL */
    const char *body;           /* may be NULL */
    size_t body_len;
    int64_t timeout_ms; /* from http_start() to done, waiting included */
    const struct http_mail *mail;
    bool is_send;
};

/* Lives until done returns. */
struct http_reply {
    int status;         /* 0: no whole reply came */
    bool may_have_sent; /* false: provably not one byte of the request left us */
    bool is_hopeless;   /* sending it again would end the same: a forbidden host, a
                         * certificate that does not verify, a URL that is none */
    const char *body;   /* NUL behind it; "" when none */
    size_t body_len;
    const char *error;   /* a sentence when status is 0, else NULL */
    const char *headers; /* "Name: value" lines, each ended by \n; "" when none */
};

typedef void http_fn(void *arg, const struct http_reply *reply);

/* The body without the byte order mark that some servers put in front of JSON. */
struct span http_text(const struct http_reply *reply);

int http_open(struct http **http, struct loop *loop, const struct http_options *options,
              struct err *err);
void http_close(struct http *http); /* NULL is fine */

/* The request is copied. */
int http_start(struct http_call **call, struct http *http,
               const struct http_request *request, http_fn *done, void *arg,
               struct err *err);
void http_cancel(struct http_call *call);

/* The value of a header in headers as above, name without regard to case; the last one when
 * there are several; the empty span when there is none. */
struct span http_header(const char *headers, const char *name);

/* Fit to stand in SMTP's commands: printable ASCII with one @ in it. */
bool http_is_address(const char *text);

/* The parts of an absolute http or https URL, borrowed from it. */
struct http_url {
    bool is_tls;
    struct span host; /* without brackets */
    int port;
};
int http_url_parse(struct http_url *parts, const char *url, struct err *err);
