/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http_inside.h - what the files of the client know of each other.
 *
 *     http.c        calls under way, and libcurl on the loop
 *     http_start.c  what a request may be, and what libcurl is told of it
 *     http_send.c   bytes for a listener that says nothing back
 *     http_url.c    addresses and headers
 */
#pragma once

#include <curl/curl.h>

#include "base/err.h"
#include "base/list.h"
#include "net/allow.h"
#include "net/http.h"
#include "net/loop.h"

struct http {
    struct loop *loop;
    CURLM *multi;
    struct allow allow;
    char *ca_file, *ca_pem;
    struct timer timer; /* libcurl's */
    struct list running;
    struct list waiting;
    int running_count;
    int waiting_count;
};

struct http_call {
    struct list link; /* in running or waiting */
    struct http *http;
    CURL *easy;
    struct curl_slist *headers;
    struct curl_slist *mail_to;
    char *message; /* of a mail, or what is sent without HTTP; what has left of it */
    size_t message_len, message_sent;
    bool is_mail, is_plain;
    bool is_send, is_datagram;
    struct timer deadline;
    struct timer again;  /* until more can be sent */
    struct http_url url; /* borrowed from url_text */
    char *url_text;
    struct str reply_headers;
    struct str reply_body;
    struct err why; /* a refusal of ours, said instead of libcurl's sentence */
    char curl_why[CURL_ERROR_SIZE];
    http_fn *done;
    void *arg;
    bool is_running;
    bool may_have_sent;
};

/* A call leaves the queue when there is room. */
void http_run_next(struct http *http);
void http_on_deadline(void *call);
void http_free(struct http_call *call);
/* The end of a call: it is gone when they return. */
void http_answer(struct http_call *call, const struct http_reply *reply);
void http_fail(struct http_call *call, const char *sentence, bool is_hopeless);

/* The host and the port behind the first skip bytes; parts has the port that stands for none. */
int http_authority_parse(struct http_url *parts, const char *url, size_t skip,
                         struct err *err);
int http_mail_url_parse(struct http_url *parts, const char *url, struct err *err);

int http_send_check(const struct http *http, const struct http_request *request,
                    struct err *err);
void http_send_set(struct http_call *call, const struct http_request *request);
void http_send_go_on(void *call); /* connected: writes, and answers when it is over */
