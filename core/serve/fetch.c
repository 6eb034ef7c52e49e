/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/fetch.c - a delivery that only names alerts: each is fetched by its id, and read.
 *
 * The delivery counts as read when all have come, so a crash meanwhile fetches them again.
 */
#include "serve/pull.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cordon/plugin.h>

#include "base/err.h"
#include "serve/inside.h"

enum {
    FETCH_DEADLINE_MS = 60 * 1000,
    FETCH_TRIES_MAX = 4,
    FETCH_AGAIN_MS = 5000 /* four times as long with each try */
};

struct fetch {
    struct list in_serve;
    struct serve *serve;
    char *list; /* what the delivery became: alerts, and what is to be fetched */
    size_t pos;
    struct span now; /* the item that is being fetched */
    int tries;
    int64_t arrived_ms; /* of the delivery */
    struct timer again;
    struct str out;   /* the list of alerts */
    int taken;        /* alerts in it */
    struct str first; /* why the first item of the others cannot be read */
    adapters_done_fn *done;
    void *arg;
};

static void next(struct fetch *fetch);

static void free_fetch(struct fetch *fetch)
{
    timer_stop(&fetch->again);
    list_remove(&fetch->in_serve);
    str_fini(&fetch->out);
    str_fini(&fetch->first);
    free(fetch->list);
    free(fetch);
}

static void end(struct fetch *fetch, bool ok, struct span json)
{
    adapters_done_fn *done = fetch->done;
    void *arg = fetch->arg;

    done(arg, ok, json);
    free_fetch(fetch);
}

static void put_one(struct str *text, const char *key, struct span why)
{
    struct json_out out = { .str = text };

    json_open(&out, '{');
    json_put_span(&out, key, why);
    json_close(&out);
}

/* An alert, or why an item is none. */
static void add(struct fetch *fetch, struct span item)
{
    struct span why = json_get(item, "unread");

    if (fetch->out.len > 1)
        str_add_char(&fetch->out, ',');
    str_add_span(&fetch->out, item);
    fetch->taken += why.len == 0;
    if (why.len > 0 && fetch->first.len == 0)
        json_text_to(&fetch->first, why);
}

/* The others of the delivery are fetched all the same. */
static void add_unread(struct fetch *fetch, struct span why)
{
    struct str item = { 0 };

    put_one(&item, "unread", why);
    add(fetch, str_span(&item));
    str_fini(&item);
    next(fetch);
}

/* What was fetched is an alert as its API has it. */
static void on_read(void *arg, bool ok, struct span json)
{
    struct fetch *fetch = arg;
    struct str why = { 0 };
    struct span alert;
    size_t pos = 0;

    if (!ok) {
        json_text_to(&why, json_get(json, "message"));
        add_unread(fetch, str_span(&why));
        str_fini(&why);
        return;
    }
    while (json_next(json, &pos, NULL, &alert))
        add(fetch, alert);
    next(fetch);
}

static void ask(void *arg);

static void on_answer(void *arg, const struct hosts_answer *answer)
{
    struct fetch *fetch = arg;
    char why[512];

    if (answer->status == CORDON_DONE) {
        struct span list = json_get(answer->result, "alerts");
        adapters_read(fetch->serve, span_of("graph"), NULL,
                      list.len > 0 ? list : span_of("[]"), fetch->arrived_ms, on_read,
                      fetch);
        return;
    }
    if (++fetch->tries < FETCH_TRIES_MAX && answer->status != CORDON_REFUSED) {
        timer_start(&fetch->again, fetch->serve->loop,
                    (int64_t)FETCH_AGAIN_MS << (2 * (fetch->tries - 1)), ask, fetch);
        return;
    }
    snprintf(why, sizeof why, "what the notification names cannot be fetched: %.*s",
             (int)(answer->message.len < 400 ? answer->message.len : 400),
             answer->message.ptr);
    add_unread(fetch, span_of(why));
}

static void ask(void *arg)
{
    struct fetch *fetch = arg;
    bool is_incident = span_is(json_get_raw(fetch->now, "fetch"), "graph-incidents");
    struct str args = { 0 };
    struct json_out out = { .str = &args };

    json_open(&out, '{');
    json_put_raw(&out, "id", json_get(fetch->now, "id"));
    json_close(&out);
    hosts_own_call(fetch->serve,
                   &(struct hosts_own){ .action =
                                            span_of(is_incident ? "azure.graph.incidents"
                                                                : "azure.graph.alerts"),
                                        .args = str_span(&args),
                                        .name = "fetch",
                                        .deadline_ms = FETCH_DEADLINE_MS },
                   on_answer, fetch);
    str_fini(&args);
}

static void finish(struct fetch *fetch)
{
    struct str error = { 0 };

    str_add_char(&fetch->out, ']');
    if (fetch->taken > 0 || fetch->first.len == 0) {
        end(fetch, true, str_span(&fetch->out));
        return;
    }
    put_one(&error, "message", str_span(&fetch->first));
    end(fetch, false, str_span(&error));
    str_fini(&error);
}

static void next(struct fetch *fetch)
{
    struct span list = span_of(fetch->list);

    while (json_next(list, &fetch->pos, NULL, &fetch->now)) {
        if (json_get(fetch->now, "fetch").len > 0) {
            fetch->tries = 0;
            ask(fetch);
            return;
        }
        add(fetch, fetch->now);
    }
    finish(fetch);
}

static void on_named(void *arg, bool ok, struct span json)
{
    struct fetch *fetch = arg;

    if (!ok) {
        end(fetch, false, json);
        return;
    }
    fetch->list = span_dup(json);
    str_add_char(&fetch->out, '[');
    next(fetch);
}

void pull_read(struct serve *serve, struct span kind, const char *path, struct span raw,
               int64_t arrived_ms, adapters_done_fn *done, void *arg)
{
    struct fetch *fetch = xcalloc(1, sizeof *fetch);

    fetch->serve = serve;
    fetch->arrived_ms = arrived_ms;
    fetch->done = done;
    fetch->arg = arg;
    list_add(&serve->fetches, &fetch->in_serve);
    adapters_read_named(serve, kind, path, raw, arrived_ms, on_named, fetch);
}

void pull_forget_fetches(struct serve *serve)
{
    while (!list_is_empty(&serve->fetches))
        free_fetch(list_item(list_take(&serve->fetches), struct fetch, in_serve));
}
