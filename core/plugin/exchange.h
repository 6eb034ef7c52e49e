/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin/exchange.h - what a plugin calls one HTTP exchange: sent again where that is
 * harmless (plugin/retry.h), long-running operations followed to their end (plugin/lro.h),
 * all under one deadline.
 *
 * exchange_start() returns 0, and then done is called exactly once, later; or it fails, and
 * then never. exchange_cancel() calls nothing. Time, chance and the wire come in through
 * struct exchange_port, so that tests hold them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/http.h"
#include "net/loop.h"

struct cordon_http;
struct cordon_http_reply;
struct err;
struct exchange;

struct exchange_port {
    void *ctx;
    int (*send)(void *ctx, const struct http_request *request, bool is_secret,
                http_fn *done, void *arg, struct http_call **call, struct err *err);
    void (*cancel)(void *ctx, struct http_call *call);
    void (*wait)(void *ctx, struct timer *timer, int64_t ms, loop_fn *fn, void *arg);
    void (*unwait)(void *ctx, struct timer *timer);
    int64_t (*now_ms)(void *ctx);  /* only goes forward */
    int64_t (*unix_ms)(void *ctx); /* for Retry-After as a date */
    uint32_t (*chance)(void *ctx);
    /* Each request that got a reply, for the recorder. May be NULL. */
    void (*seen)(void *ctx, const struct http_request *request, bool is_secret,
                 const struct http_reply *reply);
};

/* reply lives until it returns. */
typedef void exchange_fn(void *arg, const struct cordon_http_reply *reply);
/* Makes the record of a long-running operation durable; exchange_saved() when it is. */
typedef void exchange_save_fn(void *arg, struct exchange *exchange, struct span record);

struct exchange_options {
    const struct cordon_http *request; /* copied */
    int64_t timeout_ms;     /* already the smaller of the request's and the call's */
    int64_t wait_max_ms;    /* no longer wait is sat out; 0: as long as timeout_ms allows */
    struct span resume;     /* the record of this request's operation, made by an
                                        * earlier process: nothing is sent, polling goes on */
    exchange_save_fn *save; /* NULL: operations are followed without a record */
    exchange_fn *done;
    void *arg;
};

int exchange_start(struct exchange **exchange, const struct exchange_port *port,
                   const struct exchange_options *options, struct err *err);
void exchange_saved(struct exchange *exchange);
void exchange_cancel(struct exchange *exchange);
