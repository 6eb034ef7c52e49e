/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/unread.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "serve/alerts.h"
#include "serve/inside.h"
#include "store/store.h"

struct refused {
    char *source, *peer, *why;
    int status;
    int64_t count, last_ms;
};

struct unread {
    struct said told;
    struct refused refused[UNREAD_REFUSALS_MAX];
    int refused_count;
    int64_t not_started;
};

static struct unread *unread_of(struct serve *serve)
{
    if (serve->unread == NULL)
        serve->unread = xcalloc(1, sizeof *serve->unread);
    return serve->unread;
}

static void free_refused(struct refused *refused)
{
    free(refused->source);
    free(refused->peer);
    free(refused->why);
}

void unread_close(struct serve *serve)
{
    for (int i = 0; serve->unread != NULL && i < serve->unread->refused_count; i++)
        free_refused(&serve->unread->refused[i]);
    free(serve->unread);
    serve->unread = NULL;
}

/* -- the log --------------------------------------------------------------------------------- */

static bool may_say(struct serve *serve, struct span subject, const char *why,
                    int64_t *withheld)
{
    return said_now(&unread_of(serve)->told, subject, span_of(why), clock_mono_us() / 1000,
                    withheld);
}

void unread_say(struct serve *serve, int64_t delivery, const char *source, const char *why)
{
    int64_t withheld;

    if (may_say(serve, span_of(source), why, &withheld))
        log_warnx("delivery d-%06" PRId64 " of %s cannot be read: %s (%" PRId64
                  " more like it since this was said last)",
                  delivery, source, why, withheld);
}

static void say_not_started(struct serve *serve, int64_t alert, struct span decision)
{
    char *playbook = json_get_text(decision, "playbook");
    char *error = json_get_text(decision, "error");
    int64_t withheld;

    unread_of(serve)->not_started++;
    if (may_say(serve, span_of(playbook), error != NULL ? error : "", &withheld))
        log_warnx("alert a-%06" PRId64 " matches %s and could not start it: %s", alert,
                  playbook != NULL ? playbook : "a route", error != NULL ? error : "");
    free(playbook);
    free(error);
}

void unread_row(struct serve *serve, const struct turn_row *row)
{
    struct span decision;
    size_t pos = 0;

    if (row->kind != ROW_ALERT_NOTE)
        return;
    while (json_next(json_get(row->body, "made"), &pos, NULL, &decision))
        if (json_get(decision, "error").len > 0 && json_get(decision, "shadow").len == 0)
            say_not_started(serve, json_get_int(row->body, "i", 0), decision);
}

/* -- refusals -------------------------------------------------------------------------------- */

/* The one of this source; else a free one, or the one that is oldest. */
static struct refused *refused_of(struct unread *unread, struct span source)
{
    struct refused *oldest = &unread->refused[0];

    for (int i = 0; i < unread->refused_count; i++) {
        struct refused *one = &unread->refused[i];

        if (span_is(source, one->source))
            return one;
        if (one->last_ms < oldest->last_ms)
            oldest = one;
    }
    if (unread->refused_count < UNREAD_REFUSALS_MAX)
        return &unread->refused[unread->refused_count++];
    return oldest;
}

void refusals_note(struct serve *serve, const struct refusal *refusal)
{
    struct refused *one = refused_of(unread_of(serve), refusal->source);

    free_refused(one);
    *one = (struct refused){ .source = span_dup(refusal->source),
                             .peer = span_dup(refusal->peer),
                             .why = span_dup(refusal->why),
                             .status = refusal->status,
                             .count = refusal->count,
                             .last_ms = clock_unix_ms() };
}

static void put_refused(struct json_out *out, const struct refused *one)
{
    json_open(out, '{');
    json_put_int(out, "count", one->count);
    json_put(out, "from", one->peer);
    json_put_int(out, "last", one->last_ms);
    json_put(out, "source", one->source);
    json_put_int(out, "status", one->status);
    json_put(out, "why", one->why);
    json_close(out);
}

/* -- the list -------------------------------------------------------------------------------- */

/* The newest ones, by the row of the delivery. */
struct newest {
    struct found {
        int64_t first_seq, last_seq;
    } items[UNREAD_LIST_MAX];
    int count, limit;
    int64_t all;
};

static int order_found(const void *a, const void *b)
{
    const struct found *one = a, *other = b;

    return one->first_seq < other->first_seq ? 1 : -1;
}

/* Entries are in the order of their hashes: a full list keeps the newest. */
static int take_found(const struct entry *entry, void *arg)
{
    struct newest *newest = arg;
    struct found found = { entry->first_seq, entry->last_seq };

    newest->all++;
    if (newest->count < newest->limit) {
        newest->items[newest->count++] = found;
        return 0;
    }
    int oldest = 0;
    for (int i = 1; i < newest->count; i++)
        if (newest->items[i].first_seq < newest->items[oldest].first_seq)
            oldest = i;
    if (newest->items[oldest].first_seq < found.first_seq)
        newest->items[oldest] = found;
    return 0;
}

static int find_newest(struct serve *serve, struct newest *newest, struct err *err)
{
    struct entry_query query = { .kind = ENTRY_DELIVERY,
                                 .state = DELIVERY_UNREADABLE,
                                 .run = -1 };

    if (serve->is_dirty)
        pump_commit(serve);
    if (store_each_entry(serve->store, &query, take_found, newest, err) < 0)
        return err->code;
    qsort(newest->items, (size_t)newest->count, sizeof newest->items[0], order_found);
    return 0;
}

static void put_head(struct json_out *out, struct span body)
{
    struct str raw = { 0 }, shown = { 0 };

    alerts_raw(&raw, body);
    json_put_int(out, "bytes", (int64_t)raw.len);
    str_add_shown(&shown, str_text(&raw),
                  raw.len < UNREAD_HEAD_MAX ? raw.len : UNREAD_HEAD_MAX);
    json_put_span(out, "head", str_span(&shown));
    str_fini(&raw);
    str_fini(&shown);
}

static int put_delivery(const struct row *row, void *arg)
{
    struct json_out *out = arg;
    char name[40];

    snprintf(name, sizeof name, "d-%06" PRId64, row->seq);
    json_put_int(out, "at", row->at_ms);
    put_head(out, row->body);
    json_put(out, "delivery", name);
    json_put_raw(out, "proof", json_get(row->body, "proof"));
    json_put_raw(out, "source", json_get(row->body, "source"));
    return 1;
}

static int put_why(const struct row *row, void *arg)
{
    struct span why = json_get(row->body, "why");

    if (why.len > 0)
        json_put_raw(arg, "why", why);
    else
        json_put(arg, "why",
                 "an older cordon noted it: `cordon doctor --rebuild` finds why");
    return 1;
}

static void put_found(struct serve *serve, struct json_out *out, const struct found *found)
{
    struct err err;

    json_open(out, '{');
    if (store_each(serve->store, found->first_seq, put_delivery, out, &err) < 0 ||
        store_each(serve->store, found->last_seq, put_why, out, &err) < 0)
        log_warnx("%s", err.text);
    json_close(out);
}

void unread_list(struct serve *serve, const struct asked *asked)
{
    struct newest *newest = xcalloc(1, sizeof *newest);
    struct unread *unread = unread_of(serve);
    struct str text = { 0 };
    struct json_out out = { .str = &text };
    struct err err;

    newest->limit = (int)json_get_int(asked->args, "limit", 50);
    if (newest->limit < 1 || newest->limit > UNREAD_LIST_MAX)
        newest->limit = UNREAD_LIST_MAX;
    int rc = find_newest(serve, newest, &err);
    json_open(&out, '{');
    json_put_int(&out, "count", newest->all);
    json_key(&out, "refused");
    json_open(&out, '[');
    for (int i = 0; i < unread->refused_count; i++)
        put_refused(&out, &unread->refused[i]);
    json_close(&out);
    json_key(&out, "unreadable");
    json_open(&out, '[');
    for (int i = 0; rc == 0 && i < newest->count; i++)
        put_found(serve, &out, &newest->items[i]);
    json_close(&out);
    json_close(&out);
    if (rc == 0)
        clients_reply(serve, asked->number, 0, str_span(&text));
    else
        clients_error(serve, asked->number, 1, "journal", "%s", err.text);
    str_fini(&text);
    free(newest);
}

/* -- doctor and metrics ------------------------------------------------------------------------ */

static void check_unreadable(struct serve *serve, unread_check_fn *fn, void *arg)
{
    struct newest *newest = xcalloc(1, sizeof *newest);
    struct str one = { 0 };
    struct json_out out = { .str = &one };
    struct err err;
    char text[700], ago[32];

    newest->limit = 1;
    if (find_newest(serve, newest, &err) != 0)
        log_warnx("%s", err.text);
    if (newest->count > 0) {
        put_found(serve, &out, &newest->items[0]);
        int64_t old_ms = clock_unix_ms() - json_get_int(str_span(&one), "at", 0);
        char *source = json_get_text(str_span(&one), "source");
        char *why = json_get_text(str_span(&one), "why");

        snprintf(text, sizeof text,
                 "%" PRId64 " cannot be read, the newest (of %.60s) came %s ago: %.400s",
                 newest->all, source != NULL ? source : "",
                 duration_show(old_ms < 0 ? 0 : old_ms / 1000 * 1000, ago),
                 why != NULL ? why : "");
        fn(arg, "deliveries", old_ms >= UNREAD_DOCTOR_MS, text,
           "`cordon alerts --unreadable` shows them; the source's kind or adapter must fit "
           "what it sends (`cordon hook test`)");
        free(source);
        free(why);
    }
    str_fini(&one);
    free(newest);
}

/* Strangers at the door are no fault of the installation, and a sender that is configured
 * wrongly looks the same: the line is there, and is no alarm. */
static void check_refused(const struct refused *one, unread_check_fn *fn, void *arg)
{
    int64_t old_ms = clock_unix_ms() - one->last_ms;
    char name[128], text[900], ago[32];

    snprintf(name, sizeof name, "source %.60s", one->source);
    snprintf(text, sizeof text,
             "refused %" PRId64
             " since the daemon started, the last from %s %s ago (%d): %s",
             one->count, one->peer,
             duration_show(old_ms < 0 ? 0 : old_ms / 1000 * 1000, ago), one->status,
             one->why);
    fn(arg, name, one->status == 401 || one->status == 429 || old_ms >= UNREAD_DOCTOR_MS,
       text, "change the key that the sentence names, or the sender");
}

void unread_checks(struct serve *serve, unread_check_fn *fn, void *arg)
{
    struct unread *unread = unread_of(serve);

    check_unreadable(serve, fn, arg);
    for (int i = 0; i < unread->refused_count; i++)
        check_refused(&unread->refused[i], fn, arg);
}

void unread_numbers(struct serve *serve, struct json_out *out)
{
    struct unread *unread = unread_of(serve);

    json_put_int(out, "not_started", unread->not_started);
    json_key(out, "refusals");
    json_open(out, '[');
    for (int i = 0; i < unread->refused_count; i++) {
        json_open(out, '{');
        json_put_int(out, "count", unread->refused[i].count);
        json_put(out, "source", unread->refused[i].source);
        json_close(out);
    }
    json_close(out);
}
