/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http_inside.h - what the files of the client know of each other.
 *
 *     http.c        calls under way, and libcurl on the loop
 *     http_start.c  what a request may be, and what libcurl is told of it
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
    char *ca_file;
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
    char *message; /* of a mail; what has been sent of it */
    size_t message_len, message_sent;
    bool is_mail, is_plain;
    struct timer deadline;
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

int http_mail_url_parse(struct http_url *parts, const char *url, struct err *err);
