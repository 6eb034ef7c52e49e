/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/alert_views.c - alerts as people and programs read them: the list, and one with why it started
 * what it did.
 */
#include "serve/alerts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "serve/inside.h"
#include "store/store.h"

static void put_alert(struct json_out *out, const struct entry *entry)
{
    struct span key, value;
    char name[40];
    size_t pos = 0;

    snprintf(name, sizeof name, "a-%06" PRId64, entry->run);
    json_put(out, "alert", name);
    while (json_next(entry->body, &pos, &key, &value)) {
        if (span_is(key, "d") || span_is(key, "made") || span_is(key, "routed") ||
            span_is(key, "starts") || span_is(key, "changes") || span_is(key, "grown") ||
            span_is(key, "new") || span_is(key, "due") || span_is(key, "foreign") ||
            span_is(key, "ended") || span_is(key, "tellers"))
            continue;
        json_key_span(out, key);
        json_raw_value(out, value);
    }
    json_put(out, "state", entry->state == ALERT_ROUTED ? "routed" : "new");
}

struct listing {
    struct json_out out;
    struct span source;
    int64_t last;
    int count, limit;
    bool has_more;
};

static int list_one(const struct entry *entry, void *arg)
{
    struct listing *listing = arg;

    if (listing->source.len > 0 &&
        !span_equal(json_get_raw(entry->body, "source"), listing->source))
        return 0;
    if (listing->count == listing->limit) {
        listing->has_more = true;
        return 1;
    }
    listing->count++;
    listing->last = entry->run;
    json_open(&listing->out, '{');
    put_alert(&listing->out, entry);
    json_close(&listing->out);
    return 0;
}

static bool parse_alert(struct span text, int64_t *number)
{
    if (span_starts(text, "a-")) {
        text.ptr += 2;
        text.len -= 2;
    }
    return span_int(text, number) && *number > 0;
}

void alerts_list(struct serve *serve, const struct asked *asked)
{
    struct str text = { 0 };
    struct listing listing = { .out = { .str = &text },
                               .source = json_get_raw(asked->args, "source"),
                               .limit = (int)json_get_int(asked->args, "limit", 50) };
    struct entry_query query = {
        .kind = ENTRY_ALERT, .state = -1, .run = -1, .newest_first = true
    };
    struct span before = json_get_raw(asked->args, "before");
    struct err err;

    if (before.len > 0 && !parse_alert(before, &query.after)) {
        clients_error(serve, asked->number, 2, "before",
                      "before: want an alert's name, a-000001");
        return;
    }
    if (listing.limit < 1 || listing.limit > ALERTS_LIST_MAX)
        listing.limit = ALERTS_LIST_MAX;
    json_open(&listing.out, '{');
    json_key(&listing.out, "alerts");
    json_open(&listing.out, '[');
    int rc = store_each_entry(serve->store, &query, list_one, &listing, &err);
    json_close(&listing.out);
    if (listing.has_more) {
        char name[40];

        snprintf(name, sizeof name, "a-%06" PRId64, listing.last);
        json_put(&listing.out, "next", name);
    }
    json_close(&listing.out);
    if (rc < 0)
        clients_error(serve, asked->number, 1, "journal", "%s", err.text);
    else
        clients_reply(serve, asked->number, 0, str_span(&text));
    str_fini(&text);
}

static int put_alert_row(const struct row *row, void *arg)
{
    struct span now = json_get(row->body, "now"); /* as it is since it has grown */

    json_put_raw(arg, "normalised", now.len > 0 ? now : json_get(row->body, "alert"));
    return 1;
}

static int put_decisions(const struct row *row, void *arg)
{
    struct json_out *out = arg;

    json_open(out, '{');
    json_put_int(out, "at", row->at_ms);
    json_put_raw(out, "decisions", json_get(row->body, "made"));
    json_close(out);
    return 1;
}

static int put_change(const struct row *row, void *arg)
{
    struct json_out *out = arg;

    json_open(out, '{');
    json_put_int(out, "at", row->at_ms);
    json_put_raw(out, "new", json_get(row->body, "new"));
    json_close(out);
    return 1;
}

/* What it has gained since it was told first. */
static void put_changes(struct serve *serve, struct span card, struct json_out *out)
{
    struct span seq;
    struct err err;
    size_t pos = 0;

    json_key(out, "changes");
    json_open(out, '[');
    while (json_next(json_get(card, "changes"), &pos, NULL, &seq))
        store_each(serve->store, json_int(seq, 0), put_change, out, &err);
    json_close(out);
}

static int put_plan_row(const struct row *row, void *arg)
{
    struct json_out *out = arg;

    json_open(out, '{');
    json_put_int(out, "at", row->at_ms);
    json_put_raw(out, "plan", json_get(row->body, "plan"));
    json_put_raw(out, "playbook", json_get(row->body, "playbook"));
    json_close(out);
    return 1;
}

struct plans {
    int64_t seqs[ALERTS_PLANS_SHOWN_MAX];
    int count;
};

static int take_plan(const struct entry *entry, void *arg)
{
    struct plans *plans = arg;

    plans->seqs[plans->count++] = entry->first_seq;
    return plans->count == ALERTS_PLANS_SHOWN_MAX;
}

/* In shadow mode: what it would have changed. */
static void put_plans(struct serve *serve, int64_t number, struct json_out *out)
{
    struct entry_query query = { .kind = ENTRY_ALERT_PLAN, .state = -1, .run = number };
    struct plans plans = { .count = 0 };
    struct err err;

    if (store_each_entry(serve->store, &query, take_plan, &plans, &err) < 0)
        log_warnx("%s", err.text);
    json_key(out, "plans");
    json_open(out, '[');
    for (int i = 0; i < plans.count; i++)
        store_each(serve->store, plans.seqs[i], put_plan_row, out, &err);
    json_close(out);
}

void alerts_show(struct serve *serve, const struct asked *asked)
{
    struct str text = { 0 };
    struct json_out out = { .str = &text };
    struct entry entry;
    struct err err;
    struct span made, seq;
    size_t pos = 0;
    int64_t number;

    if (!parse_alert(json_get_raw(asked->args, "alert"), &number) ||
        store_find(serve->store, ENTRY_ALERT, number, 0, &entry, &err) != 0) {
        clients_error(serve, asked->number, 2, "not_found",
                      "there is no such alert; cordon alerts lists them");
        return;
    }
    char *body = span_dup(entry.body);
    json_open(&out, '{');
    put_alert(&out, &entry);
    store_each(serve->store, json_get_int(span_of(body), "grown", entry.first_seq),
               put_alert_row, &out, &err);
    put_changes(serve, span_of(body), &out);
    put_plans(serve, number, &out);
    json_key(&out, "routing");
    json_open(&out, '[');
    made = json_get(span_of(body), "made");
    while (json_next(made, &pos, NULL, &seq))
        store_each(serve->store, json_int(seq, 0), put_decisions, &out, &err);
    json_close(&out);
    json_close(&out);
    clients_reply(serve, asked->number, 0, str_span(&text));
    free(body);
    str_fini(&text);
}
