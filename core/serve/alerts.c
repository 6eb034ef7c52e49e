/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/alerts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/alert.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json_mend.h"
#include "base/log.h"
#include "frame/frame.h"
#include "serve/adapters.h"
#include "serve/alert_join.h"
#include "serve/inside.h"
#include "serve/pull.h"
#include "serve/sources.h"
#include "serve/unread.h"
#include "store/store.h"

/* -- deliveries ------------------------------------------------------------------------------ */

struct delivery { /* one that is being read */
    struct list in_serve;
    struct serve *serve;
    int64_t key, seq;
    char *source;
    char *read; /* what its adapter made of it, while it waits for the catalogue */
};

void alerts_take(struct serve *serve, int64_t ask, struct span source, struct span delivery,
                 struct span proof, struct span raw)
{
    const int64_t days_ms = ALERTS_AGAIN_DAYS * INT64_C(24) * 3600 * 1000;
    int64_t key =
        alert_join_key("cordon.delivery.v1", source, delivery.len > 0 ? delivery : raw);
    struct entry entry;
    struct err err;

    if (delivery.len > ALERTS_ID_MAX) {
        clients_error(serve, ask, 2, "delivery", "a delivery's id has at most %d bytes",
                      ALERTS_ID_MAX);
        return;
    }
    if (serve->delivery_count >= ALERTS_UNDER_WAY_MAX) {
        clients_error(serve, ask, 1, "busy",
                      "%d deliveries wait to be read; try again in a moment",
                      serve->delivery_count);
        return;
    }
    bool is_known = store_find(serve->store, ENTRY_DELIVERY, key, 0, &entry, &err) == 0 &&
                    clock_unix_ms() - json_get_int(entry.body, "at", 0) < days_ms;
    pump_event(serve, &(struct event){ .kind = EV_DELIVERY,
                                       .run = key,
                                       .ok = !is_known,
                                       .first_seq = is_known ? entry.first_seq : 0,
                                       .number = ask,
                                       .name = source,
                                       .text = delivery,
                                       .who = proof,
                                       .json = raw });
}

static void give_alert(struct delivery *delivery, struct span told)
{
    struct alert_joining *joining =
        alert_join_begin(delivery->serve, span_of(delivery->source), told);
    struct event event = { .kind = EV_ALERT,
                           .name = span_of(delivery->source),
                           .last_seq = delivery->seq };

    alert_join_put(joining, &event);
    pump_event(delivery->serve, &event);
    alert_join_end(joining);
}

static void free_delivery(struct delivery *delivery)
{
    free(delivery->source);
    free(delivery->read);
    free(delivery);
}

static void end_delivery(struct delivery *delivery, int64_t alerts, const char *why)
{
    struct serve *serve = delivery->serve;

    pump_event(serve, &(struct event){ .kind = EV_DELIVERY_READ,
                                       .run = delivery->key,
                                       .first_seq = delivery->seq,
                                       .ok = why == NULL,
                                       .number = alerts,
                                       .text = span_of(why) });
    serve->delivery_count--;
    list_remove(&delivery->in_serve);
    free_delivery(delivery);
    serve_maybe_end(serve);
}

/* Those of its items that cannot be read make it an unreadable one, whose alerts are taken. */
static void give_alerts(struct delivery *delivery, struct span alerts)
{
    struct str why = { 0 };
    struct span item;
    size_t pos = 0;
    int64_t taken = 0;

    while (json_next(alerts, &pos, NULL, &item)) {
        struct span unread = json_get(item, "unread");

        if (unread.len == 0) {
            give_alert(delivery, item);
            taken++;
            continue;
        }
        str_add_text(&why, why.len > 0 ? "; " : "in part only: ");
        json_text_to(&why, unread);
    }
    if (why.len > 0)
        unread_say(delivery->serve, delivery->seq, delivery->source, str_text(&why));
    end_delivery(delivery, taken, why.len > 0 ? str_text(&why) : NULL);
    str_fini(&why);
}

static void on_read(void *arg, bool ok, struct span json)
{
    struct delivery *delivery = arg;

    if (ok && catalogue_is_reading(delivery->serve)) {
        delivery->read = span_dup(json);
    } else if (ok) {
        give_alerts(delivery, json);
    } else {
        char *why = json_get_text(json, "message");

        unread_say(delivery->serve, delivery->seq, delivery->source,
                   why != NULL ? why : "");
        end_delivery(delivery, 0, why != NULL ? why : "");
        free(why);
    }
}

void alerts_go_on(struct serve *serve)
{
    list_each (link, after, &serve->deliveries) {
        struct delivery *delivery = list_item(link, struct delivery, in_serve);
        char *read = delivery->read;

        if (catalogue_is_reading(serve))
            return; /* again */
        if (read == NULL)
            continue;
        delivery->read = NULL;
        give_alerts(delivery, span_of(read));
        free(read);
    }
}

static void adapt(struct serve *serve, struct span source, int64_t key, int64_t seq,
                  int64_t arrived_ms, struct span raw)
{
    struct delivery *delivery = xcalloc(1, sizeof *delivery);
    struct span config = sources_find(serve, source);
    char *path = config_resolve(serve, json_get(config, "adapter"));

    delivery->serve = serve;
    delivery->key = key;
    delivery->seq = seq;
    delivery->source = span_dup(source);
    list_add(&serve->deliveries, &delivery->in_serve);
    serve->delivery_count++;
    const char *pulled = pull_kind(serve, source);
    pull_read(serve, pulled != NULL ? span_of(pulled) : json_get_raw(config, "kind"), path,
              raw, arrived_ms, on_read, delivery);
    free(path);
}

void alerts_adapt(struct serve *serve, const struct command *command)
{
    adapt(serve, command->name, command->run, command->number, clock_unix_ms(),
          command->bytes);
}

void alerts_close(struct serve *serve)
{
    while (!list_is_empty(&serve->deliveries)) {
        free_delivery(list_item(list_take(&serve->deliveries), struct delivery, in_serve));
    }
}

/* -- at a start ------------------------------------------------------------------------------ */

static int take_newest(const struct entry *entry, void *arg)
{
    *(int64_t *)arg = entry->run;
    return 1;
}

struct opening {
    struct serve *serve;
    struct arena arena;
    struct event *events;
    int count, cap;
};

static struct event *add(struct opening *opening, enum event_kind kind)
{
    if (opening->count == opening->cap) {
        opening->cap = opening->cap == 0 ? 64 : opening->cap * 2;
        opening->events =
            xrealloc(opening->events, (size_t)opening->cap * sizeof *opening->events);
    }
    opening->events[opening->count] = (struct event){ .kind = kind };
    return &opening->events[opening->count++];
}

static struct span keep(struct opening *opening, struct span bytes)
{
    return (struct span){ arena_dup(&opening->arena, bytes.ptr, bytes.len), bytes.len };
}

static void give(struct opening *opening)
{
    for (int i = 0; i < opening->count; i++)
        pump_event(opening->serve, &opening->events[i]);
    free(opening->events);
    arena_fini(&opening->arena);
}

static int take_storm(const struct entry *entry, void *arg)
{
    struct event *event = add(arg, EV_STORM);

    event->run = entry->run;
    event->number2 = entry->due_ms;
    event->json = keep(arg, entry->body);
    return 0;
}

int alerts_open(struct serve *serve, struct err *err)
{
    struct entry_query newest = {
        .kind = ENTRY_ALERT, .state = -1, .run = -1, .limit = 1, .newest_first = true
    };
    struct entry_query storms = { .kind = ENTRY_STORM, .state = 1, .run = -1 };
    struct opening opening = { .serve = serve };
    int64_t last = 0;

    if (store_each_entry(serve->store, &newest, take_newest, &last, err) < 0 ||
        store_each_entry(serve->store, &storms, take_storm, &opening, err) < 0)
        return err->code;
    add(&opening, EV_ALERTS)->number = last;
    give(&opening);
    return 0;
}

static int take_alert_row(const struct row *row, void *arg)
{
    struct opening *opening = arg;
    struct span now = json_get(row->body, "now");

    opening->events[opening->count - 1].json =
        keep(opening, now.len > 0 ? now : json_get(row->body, "alert"));
    return 1;
}

static int take_unrouted(const struct entry *entry, void *arg)
{
    struct opening *opening = arg;
    struct event *event = add(opening, EV_ALERT_OPEN);
    struct err err;

    event->number = entry->run;
    event->first_seq = entry->first_seq;
    event->text = keep(opening, entry->body);
    int64_t seq = json_get_int(event->text, "grown", entry->first_seq);
    if (store_each(opening->serve->store, seq, take_alert_row, opening, &err) < 0)
        log_warnx("%s", err.text);
    return 0;
}

struct unread {
    struct list in_list;
    int64_t key, seq;
};

static int take_unread(const struct entry *entry, void *arg)
{
    struct unread *unread = xcalloc(1, sizeof *unread);

    unread->key = entry->run;
    unread->seq = entry->first_seq;
    list_add(arg, &unread->in_list);
    return 0;
}

struct reread {
    struct serve *serve;
    const struct unread *unread;
};

void alerts_raw(struct str *out, struct span body)
{
    struct span coded = json_get_raw(body, "raw64");

    if (coded.len == 0)
        json_text_to(out, json_get(body, "raw"));
    else if (!base64_read(out, coded))
        log_warnx("the row of a delivery holds no base64 in raw64");
}

static int read_again(const struct row *row, void *arg)
{
    struct reread *reread = arg;
    char *source = json_get_text(row->body, "source");
    struct str raw = { 0 };

    alerts_raw(&raw, row->body);
    adapt(reread->serve, span_of(source), reread->unread->key, reread->unread->seq,
          row->at_ms, str_span(&raw));
    str_fini(&raw);
    free(source);
    return 1;
}

int alerts_resume(struct serve *serve, struct err *err)
{
    struct entry_query alerts = { .kind = ENTRY_ALERT, .state = ALERT_NEW, .run = -1 };
    struct entry_query deliveries = { .kind = ENTRY_DELIVERY,
                                      .state = DELIVERY_NEW,
                                      .run = -1 };
    struct opening opening = { .serve = serve };
    struct list unread;
    int rc;

    list_init(&unread);
    rc = store_each_entry(serve->store, &alerts, take_unrouted, &opening, err);
    give(&opening);
    if (rc >= 0)
        rc = store_each_entry(serve->store, &deliveries, take_unread, &unread, err);
    while (!list_is_empty(&unread)) {
        struct unread *one = list_item(list_take(&unread), struct unread, in_list);
        struct reread reread = { serve, one };

        if (rc >= 0)
            rc = store_each(serve->store, one->seq, read_again, &reread, err);
        free(one);
    }
    return rc < 0 ? rc : 0;
}

void alerts_due(struct serve *serve, struct event *event)
{
    struct span start = json_get(event->json, "start");
    struct entry entry;
    struct err err;
    char *body = NULL;

    if (start.len > 0 && store_find(serve->store, ENTRY_ALERT, json_get_int(start, "i", 0),
                                    0, &entry, &err) == 0) {
        body = span_dup(entry.body);
        event->text = span_of(body);
    }
    pump_event(serve, event);
    free(body);
}

/* -- asks ------------------------------------------------------------------------------------ */

/* "text", or "base64" of what no text of JSON can hold. */
static bool take_bytes(struct str *raw, struct span args, struct err *err)
{
    struct span coded = json_get_raw(args, "base64");

    if (coded.len > 0 && !base64_read(raw, coded)) {
        err_set(err, ERR_INVALID, "base64: want base64 with padding");
        return false;
    }
    if (coded.len == 0)
        json_text_to(raw, json_get(args, "text"));
    if (raw->len <= ALERT_LEN_MAX)
        return true;
    err_set(err, ERR_TOO_BIG, "a delivery has at most %d bytes, this has %zu",
            ALERT_LEN_MAX, raw->len);
    return false;
}

/* Shows what a delivery would become. */
static void try_text(struct serve *serve, const struct asked *asked, struct span raw)
{
    struct str read = { 0 };
    struct json_mends mends;
    struct err err;

    if (json_mend(&read, raw, &mends, &err) != 0)
        clients_error(serve, asked->number, 2, "alert", "%s", err.text);
    else
        hook_trial(serve, asked, raw);
    str_fini(&read);
}

/* Brings a delivery by hand, or shows what one would become. Who may bring one may bring any
 * bytes: they are kept first, and what cannot be read is listed as unreadable. */
static void take_text(struct serve *serve, const struct asked *asked)
{
    struct str raw = { 0 };
    struct err err;

    if (!take_bytes(&raw, asked->args, &err))
        clients_error(serve, asked->number, 2, "alert", "%s", err.text);
    else if (span_is(asked->verb, "hook_test"))
        try_text(serve, asked, str_span(&raw));
    else if (!asked->is_owner)
        clients_error(
            serve, asked->number, 4, "not_the_owner",
            "alerts come from their sources; by hand the user brings them whom the "
            "engine runs as, or root");
    else
        alerts_take(serve, asked->number, json_get_raw(asked->args, "source"),
                    json_get_raw(asked->args, "delivery"), span_of("socket"),
                    str_span(&raw));
    str_fini(&raw);
}

bool alerts_ask(struct serve *serve, const struct asked *asked)
{
    if (span_is(asked->verb, "alerts"))
        alerts_list(serve, asked);
    else if (span_is(asked->verb, "alert") || span_is(asked->verb, "explain_alert"))
        alerts_show(serve, asked);
    else if (span_is(asked->verb, "unreadable"))
        unread_list(serve, asked);
    else if (span_is(asked->verb, "hook_test") || span_is(asked->verb, "deliver"))
        take_text(serve, asked);
    else
        return false;
    return true;
}
