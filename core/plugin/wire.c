/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/wire.h"

#include "base/clock.h"
#include "base/hash.h"
#include "net/http.h"
#include "plugin/inside.h"
#include "plugin/record.h"

static int wire_send(void *ctx, const struct http_request *request, bool is_secret,
                     http_fn *done, void *arg, struct http_call **call, struct err *err)
{
    struct host *host = ctx;

    (void)is_secret; /* nothing is logged here, whatever it is */
    return http_start(call, host->http, request, done, arg, err);
}

static void wire_cancel(void *ctx, struct http_call *call)
{
    (void)ctx;
    http_cancel(call);
}

static void wire_wait(void *ctx, struct timer *timer, int64_t ms, loop_fn *fn, void *arg)
{
    struct host *host = ctx;

    timer_start(timer, host->loop, ms, fn, arg);
}

static void wire_unwait(void *ctx, struct timer *timer)
{
    (void)ctx;
    timer_stop(timer);
}

static int64_t wire_now_ms(void *ctx)
{
    return loop_now_ms(((struct host *)ctx)->loop);
}

static int64_t wire_unix_ms(void *ctx)
{
    (void)ctx;
    return clock_unix_ms();
}

static uint32_t wire_chance(void *ctx)
{
    uint32_t chance;

    (void)ctx;
    random_bytes(&chance, sizeof chance);
    return chance;
}

static void wire_seen(void *ctx, const struct http_request *request, bool is_secret,
                      const struct http_reply *reply)
{
    struct host *host = ctx;

    if (host->record)
        record_add(host->record, request, is_secret, reply);
}

void wire_setup(struct host *host)
{
    host->port = (struct exchange_port){
        .ctx = host,
        .send = wire_send,
        .cancel = wire_cancel,
        .wait = wire_wait,
        .unwait = wire_unwait,
        .now_ms = wire_now_ms,
        .unix_ms = wire_unix_ms,
        .chance = wire_chance,
        .seen = wire_seen,
    };
}
