/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/exchange.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cordon/plugin.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "plugin/lro.h"
#include "plugin/retry.h"

/*
 *   ASKING ── reply that may be tried again ──► waits ──► ASKING
 *     │  └─── operation goes on ──► SAVING ── saved ──► POLLING ◄──┐
 *     │                                                 │  └ waits ┘
 *     │                                                 └─ succeeded ──► FINAL
 *     └──────────────► answered ◄────────────────────────────┴─────────────┘
 */
enum exchange_state { EXCHANGE_ASKING, EXCHANGE_SAVING, EXCHANGE_POLLING, EXCHANGE_FINAL };

struct exchange {
    const struct exchange_port *port; /* outlives the exchange */
    struct arena arena;               /* the request's copy */
    struct http_request request;
    uint32_t flags;
    enum exchange_state state;
    int attempt;
    int64_t deadline_ms;
    int64_t wait_max_ms;
    bool may_have_sent; /* an attempt may have arrived, and no reply ruled it out */
    struct lro lro;
    int64_t poll_delay_ms;
    struct http_call *call;   /* under way on the wire, or NULL */
    struct http_request sent; /* what that is; borrowed from the arena and lro */
    struct timer timer;
    exchange_save_fn *save;
    exchange_fn *done;
    void *arg;
};

static void on_wire(void *arg, const struct http_reply *reply);

static void free_exchange(struct exchange *exchange)
{
    lro_fini(&exchange->lro);
    arena_fini(&exchange->arena);
    free(exchange);
}

static int64_t left_ms(const struct exchange *exchange)
{
    return exchange->deadline_ms - exchange->port->now_ms(exchange->port->ctx);
}

/* -- Answers -------------------------------------------------------------------------------- */

static void answer(struct exchange *exchange, struct cordon_http_reply *reply)
{
    struct err err;

    reply->size = sizeof *reply;
    reply->is_json = json_check(reply->body, reply->body_len, HTTP_BODY_MAX, &err) == 0;
    reply->json_fault = reply->is_json || reply->body_len == 0 ? NULL : err.text;
    exchange->done(exchange->arg, reply);
    free_exchange(exchange);
}

static void answer_with(struct exchange *exchange, int status, const char *operation,
                        const struct http_reply *from)
{
    struct span text = http_text(from);
    struct cordon_http_reply reply = {
        .status = status,
        .may_have_sent = status != 0 || exchange->may_have_sent || from->may_have_sent,
        .body = text.ptr,
        .body_len = text.len,
        .error = status == 0 ? from->error : NULL,
        .headers = from->headers,
        .operation = operation,
    };

    answer(exchange, &reply);
}

static void answer_nothing(struct exchange *exchange, const char *sentence)
{
    struct http_reply none = { .may_have_sent = exchange->may_have_sent,
                               .body = "",
                               .error = sentence,
                               .headers = "" };

    answer_with(exchange, 0, NULL, &none);
}

/* -- The wire -------------------------------------------------------------------------------- */

static bool is_own_header(const char *header)
{
    return strncasecmp(header, "content-", 8) == 0 || strncasecmp(header, "if-", 3) == 0;
}

/* A poll is a GET with the request's headers but those that speak of its body or of the
 * resource's version. */
static struct http_request poll_of(struct exchange *exchange, const char *url)
{
    struct http_request poll = { .method = "GET", .url = url };
    size_t count = 0;

    while (exchange->request.headers && exchange->request.headers[count])
        count++;
    const char **kept = arena_alloc(&exchange->arena, (count + 1) * sizeof *kept);
    for (size_t i = 0, n = 0; i < count; i++)
        if (!is_own_header(exchange->request.headers[i]))
            kept[n++] = exchange->request.headers[i];
    poll.headers = kept;
    return poll;
}

static int send_sent(struct exchange *exchange, struct err *err)
{
    const struct exchange_port *port = exchange->port;

    exchange->sent.timeout_ms = left_ms(exchange);
    exchange->attempt++;
    return port->send(port->ctx, &exchange->sent, exchange->flags & CORDON_HTTP_SECRET,
                      on_wire, exchange, &exchange->call, err);
}

static void send_now(void *arg)
{
    struct exchange *exchange = arg;
    struct err err;

    if (exchange->state == EXCHANGE_ASKING)
        exchange->sent = exchange->request;
    else
        exchange->sent =
            poll_of(exchange, exchange->state == EXCHANGE_FINAL ? exchange->lro.final
                                                                : exchange->lro.poll);
    if (send_sent(exchange, &err) != 0)
        answer_nothing(exchange, err.text);
}

static void send_after(struct exchange *exchange, int64_t ms)
{
    exchange->port->wait(exchange->port->ctx, &exchange->timer, ms, send_now, exchange);
}

/* How long to wait before this is sent again; -1 when it is not, or when the deadline would
 * come first or the wait is one for the engine: then what we have is the answer, without
 * waiting for nothing. */
static int64_t delay_after(struct exchange *exchange, const struct http_reply *reply)
{
    const struct exchange_port *port = exchange->port;
    struct retry_try try = {
        .method = exchange->state == EXCHANGE_ASKING ? exchange->request.method : "GET",
        .flags = exchange->state == EXCHANGE_ASKING ? exchange->flags : 0,
        .attempt = exchange->attempt,
        .status = reply->status,
        .may_have_sent = reply->may_have_sent,
        .is_hopeless = reply->is_hopeless,
        .headers = reply->headers,
    };
    int64_t ms = retry_delay_ms(&try, port->unix_ms(port->ctx), port->chance(port->ctx));

    if (exchange->wait_max_ms > 0 && ms > exchange->wait_max_ms)
        return -1;
    return ms < left_ms(exchange) ? ms : -1;
}

/* -- Long-running operations -------------------------------------------------------------------- */

static void poll_after(struct exchange *exchange, int64_t ms)
{
    exchange->state = EXCHANGE_POLLING;
    exchange->attempt = 0;
    exchange->may_have_sent = true;
    if (ms >= left_ms(exchange)) {
        answer_nothing(exchange,
                       "the operation was accepted and had not ended when the time "
                       "was up");
        return;
    }
    send_after(exchange, ms);
}

void exchange_saved(struct exchange *exchange)
{
    assert(exchange->state == EXCHANGE_SAVING);
    poll_after(exchange, exchange->poll_delay_ms);
}

static void follow(struct exchange *exchange, const struct http_reply *reply)
{
    const struct exchange_port *port = exchange->port;
    struct str record = { 0 };

    exchange->poll_delay_ms = lro_delay_ms(reply->headers, port->unix_ms(port->ctx));
    exchange->state = EXCHANGE_SAVING;
    if (!exchange->save) {
        exchange_saved(exchange);
        return;
    }
    lro_save(&exchange->lro, exchange->request.method, exchange->request.url, &record);
    exchange->save(exchange->arg, exchange, str_span(&record));
    str_fini(&record);
}

static void on_poll(struct exchange *exchange, const struct http_reply *reply)
{
    const struct exchange_port *port = exchange->port;
    enum lro_state state = lro_read(&exchange->lro, reply);
    char why[128];

    switch (state) {
    case LRO_RUNNING:
        poll_after(exchange, lro_delay_ms(reply->headers, port->unix_ms(port->ctx)));
        break;
    case LRO_SUCCEEDED:
        if (!exchange->lro.final) {
            answer_with(exchange, reply->status, "Succeeded", reply);
            break;
        }
        exchange->state = EXCHANGE_FINAL;
        exchange->attempt = 0;
        send_now(exchange);
        break;
    case LRO_FAILED: answer_with(exchange, 500, "Failed", reply); break;
    case LRO_CANCELED: answer_with(exchange, 500, "Canceled", reply); break;
    case LRO_UNREADABLE:
        snprintf(why, sizeof why,
                 "the operation was accepted, but how it ended cannot be read: status %d",
                 reply->status);
        answer_nothing(exchange, why);
        break;
    }
}

static void on_first_reply(struct exchange *exchange, const struct http_reply *reply)
{
    struct err err;

    if (!(exchange->flags & CORDON_HTTP_LRO)) {
        answer_with(exchange, reply->status, NULL, reply);
        return;
    }
    if (lro_begin(&exchange->lro, exchange->request.method, exchange->request.url, reply,
                  &err) != 0) {
        exchange->may_have_sent = true;
        answer_nothing(exchange, err.text);
    } else if (exchange->lro.way == LRO_NONE) {
        answer_with(exchange, reply->status, NULL, reply);
    } else {
        follow(exchange, reply);
    }
}

/* It has succeeded, whatever can be read of its result now. */
static void on_final(struct exchange *exchange, const struct http_reply *reply)
{
    static const struct http_reply empty = { .body = "", .headers = "" };

    if (reply->status >= 200 && reply->status < 300)
        answer_with(exchange, reply->status, "Succeeded", reply);
    else
        answer_with(exchange, 200, "Succeeded", &empty);
}

/* Says nothing of the operation, as opposed to an error that is its end. */
static bool says_nothing(int status)
{
    return status == 0 || status == 408 || status == 429 || status >= 500;
}

static void on_wire(void *arg, const struct http_reply *reply)
{
    struct exchange *exchange = arg;
    const struct exchange_port *port = exchange->port;
    int64_t ms = delay_after(exchange, reply);

    exchange->call = NULL;
    if (port->seen && reply->status != 0)
        port->seen(port->ctx, &exchange->sent, exchange->flags & CORDON_HTTP_SECRET, reply);
    if (ms >= 0) {
        /* A 429 has been refused: what was sent then did nothing. */
        if (reply->status != 429)
            exchange->may_have_sent = exchange->may_have_sent || reply->may_have_sent;
        send_after(exchange, ms);
        return;
    }
    switch (exchange->state) {
    case EXCHANGE_ASKING:
        if (reply->status == 0)
            answer_with(exchange, 0, NULL, reply);
        else
            on_first_reply(exchange, reply);
        break;
    case EXCHANGE_POLLING:
        if (says_nothing(reply->status))
            answer_nothing(exchange, "the operation was accepted, but asking how it goes "
                                     "failed until the time or the attempts were used up");
        else
            on_poll(exchange, reply);
        break;
    case EXCHANGE_FINAL: on_final(exchange, reply); break;
    case EXCHANGE_SAVING: break; /* nothing is on the wire then */
    }
}

/* -- Starting -------------------------------------------------------------------------------------- */

static void copy_request(struct exchange *exchange, const struct cordon_http *from)
{
    struct arena *arena = &exchange->arena;
    size_t count = 0;

    while (from->headers && from->headers[count])
        count++;
    const char **headers = arena_alloc(arena, (count + 1) * sizeof *headers);
    for (size_t i = 0; i < count; i++)
        headers[i] = arena_strdup(arena, from->headers[i]);
    exchange->request = (struct http_request){
        .method = arena_strdup(arena, from->method),
        .url = arena_strdup(arena, from->url),
        .headers = headers,
        .body = from->body ? arena_dup(arena, from->body, from->body_len) : NULL,
        .body_len = from->body ? from->body_len : 0,
    };
    exchange->flags = from->flags;
}

int exchange_start(struct exchange **out, const struct exchange_port *port,
                   const struct exchange_options *options, struct err *err)
{
    struct exchange *exchange = xcalloc(1, sizeof *exchange);

    exchange->port = port;
    exchange->save = options->save;
    exchange->done = options->done;
    exchange->arg = options->arg;
    exchange->deadline_ms = port->now_ms(port->ctx) + options->timeout_ms;
    exchange->wait_max_ms = options->wait_max_ms;
    copy_request(exchange, options->request);
    if (options->resume.len > 0 && lro_load(&exchange->lro, exchange->request.method,
                                            exchange->request.url, options->resume)) {
        exchange->state = EXCHANGE_POLLING;
        exchange->may_have_sent = true;
        send_after(exchange, 0);
        *out = exchange;
        return 0;
    }
    exchange->sent = exchange->request;
    if (send_sent(exchange, err) != 0) {
        free_exchange(exchange);
        return err->code;
    }
    *out = exchange;
    return 0;
}

void exchange_cancel(struct exchange *exchange)
{
    if (exchange->call)
        exchange->port->cancel(exchange->port->ctx, exchange->call);
    exchange->port->unwait(exchange->port->ctx, &exchange->timer);
    free_exchange(exchange);
}
