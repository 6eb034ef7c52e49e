/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/feeds.c - rows told as they become durable, to who stays: of one run, or what changed.
 *
 * Unlike who follows a run (clients.c), a feed wakes nothing, and goes on when the run parks. It
 * begins behind the row "since", so that who was cut off goes on without a gap: rows have numbers,
 * and nothing else has to be remembered. What lies behind is told in pages: after one the reply
 * says "more", and who wants the next one asks again from there, at their own pace.
 */
#include "serve/inside.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/id.h"
#include "store/store.h"

enum {
    FEEDS_MAX = 2000,            /* at once */
    FEED_PAGE_BYTES = 256 << 10, /* of rows that lie behind */
    FEED_BEHIND_MAX = 5000       /* rows; who is further behind reads anew what there is */
};

struct feed {
    struct list in_serve;
    int64_t ask;
    int64_t run; /* 0: what changed, of all */
};

/* -- one change, short: what it is about, so that who shows that reads it again ------------- */

static void put_gate(struct json_out *out, const struct shown_row *row)
{
    json_put(out, "gate", id_gate(row->run, (int)json_get_int(row->body, "g", 0)).text);
    if (row->kind == ROW_GATE)
        json_put_raw(out, "title", json_get(row->body, "title"));
    if (row->kind == ROW_GATE_END)
        json_put(out, "state", gate_state_name((int)json_get_int(row->body, "s", 0)));
}

/* Members of the row that are shown as they are. */
static void put_members(struct json_out *out, struct span body, const char *const *names)
{
    for (int i = 0; names[i] != NULL; i++)
        if (json_get(body, names[i]).len > 0)
            json_put_raw(out, names[i], json_get(body, names[i]));
}

static bool put_alert(struct json_out *out, const struct shown_row *row)
{
    struct str name = { 0 };
    int64_t number = json_get_int(row->body, "i", 0);

    if (number == 0)
        return false; /* of a delivery */
    str_printf(&name, "a-%06" PRId64, number);
    json_put(out, "alert", str_text(&name));
    if (json_get(row->body, "k").len > 0)
        json_put_raw(out, "what", json_get(row->body, "k"));
    str_fini(&name);
    return true;
}

/* False for a row that nobody's list shows. */
static bool put_change(struct json_out *out, const struct shown_row *row)
{
    static const char *const start[] = { "by", "playbook", NULL };
    static const char *const halt[] = { "on", "scope", "who", "why", NULL };
    static const char *const name[] = { "name", NULL };

    switch (row->kind) {
    case ROW_GATE:
    case ROW_GATE_END:
    case ROW_VOTE:
    case ROW_REMIND:
    case ROW_ESCALATE: put_gate(out, row); break;
    case ROW_START: put_members(out, row->body, start); break;
    case ROW_HALT: put_members(out, row->body, halt); break;
    case ROW_HOLD_SEEN: json_put_raw(out, "verdict", json_get(row->body, "s")); break;
    case ROW_PLAYBOOK: put_members(out, row->body, name); break;
    case ROW_END:
        json_put(out, "state", run_state_name((int)json_get_int(row->body, "s", 0)));
        break;
    case ROW_ALERT:
    case ROW_ALERT_NOTE: return put_alert(out, row);
    case ROW_OUTCOME:
    case ROW_DRIFT:
    case ROW_DOUBT:
    case ROW_SETTLE:
    case ROW_CANCEL:
    case ROW_LEAVE:
    case ROW_KEEP:
    case ROW_WAIT:
    case ROW_BREAK_GLASS:
    case ROW_REVIEW: break;
    default: return false;
    }
    return true;
}

static bool show_change(struct str *text, const struct shown_row *row)
{
    struct json_out out = { .str = text };

    json_open(&out, '{');
    json_put_int(&out, "at", row->at_ms);
    bool is_change = put_change(&out, row);
    json_put(&out, "kind", row_kind_name(row->kind));
    json_put(&out, "run", row->run > 0 ? id_run(row->run).text : NULL);
    json_put_int(&out, "seq", row->seq);
    json_close(&out);
    return is_change;
}

static bool show(struct serve *serve, int64_t run, const struct shown_row *row,
                 struct str *text)
{
    struct json_out out = { .str = text };

    if (run == 0)
        return show_change(text, row);
    rows_show(serve, &out, row);
    return true;
}

/* -- what comes ------------------------------------------------------------------------------ */

static void reply_more(struct serve *serve, int64_t ask, int64_t since, bool has_more,
                       const char *state)
{
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    json_open(&out, '{');
    json_put_bool(&out, "more", has_more);
    json_put_int(&out, "since", since);
    json_put(&out, "state", state);
    json_close(&out);
    clients_reply(serve, ask, 0, str_span(&text));
    str_fini(&text);
}

static void free_feed(struct feed *feed)
{
    list_remove(&feed->in_serve);
    free(feed);
}

/* The run is over: nothing comes any more. */
static void end_feed(struct serve *serve, struct feed *feed, const struct shown_row *row)
{
    int64_t ask = feed->ask;

    free_feed(feed);
    serve->feed_count--;
    reply_more(serve, ask, row->seq, false,
               run_state_name((int)json_get_int(row->body, "s", 0)));
}

void feeds_row(struct serve *serve, const struct turn_row *from)
{
    struct shown_row row = { from->seq, from->run, from->at_ms, from->kind, from->body };

    list_each (link, after, &serve->feeds) {
        struct feed *feed = list_item(link, struct feed, in_serve);
        struct str text = { 0 };

        if ((feed->run == 0 || feed->run == row.run) && show(serve, feed->run, &row, &text))
            clients_event(serve, feed->ask, str_span(&text));
        str_fini(&text);
        if (feed->run != 0 && feed->run == row.run && row.kind == ROW_END)
            end_feed(serve, feed, &row);
    }
}

void feeds_tell(struct serve *serve, int64_t run, struct span json)
{
    list_each (link, after, &serve->feeds) {
        struct feed *feed = list_item(link, struct feed, in_serve);

        if (feed->run == run)
            clients_event(serve, feed->ask, json);
    }
}

void feeds_forget(struct serve *serve, int64_t ask)
{
    list_each (link, after, &serve->feeds) {
        struct feed *feed = list_item(link, struct feed, in_serve);

        if (feed->ask != ask)
            continue;
        free_feed(feed);
        serve->feed_count--;
        return;
    }
}

void feeds_close(struct serve *serve)
{
    while (!list_is_empty(&serve->feeds))
        free_feed(list_item(list_take(&serve->feeds), struct feed, in_serve));
    serve->feed_count = 0;
}

/* -- what was -------------------------------------------------------------------------------- */

struct page {
    struct serve *serve;
    int64_t ask, run, since;
    size_t bytes;
    bool is_full;
};

static int add_row(const struct row *from, void *arg)
{
    struct page *page = arg;
    struct shown_row row = { from->seq, from->run, from->at_ms, from->kind, from->body };
    struct str text = { 0 };

    if (row.seq <= page->since)
        return 0;
    if (page->bytes >= FEED_PAGE_BYTES) {
        page->is_full = true;
        return 1;
    }
    if (show(page->serve, page->run, &row, &text)) {
        clients_event(page->serve, page->ask, str_span(&text));
        page->bytes += text.len;
    }
    page->since = row.seq;
    str_fini(&text);
    return 0;
}

/* Whoever comes for the first time, or was away for too long, reads what there is, and goes on
 * from here. */
static void say_begin(struct page *page, const char *kind, int64_t last)
{
    struct str text = { 0 };

    str_printf(&text, "{\"kind\":\"%s\",\"seq\":%" PRId64 "}", kind, last);
    clients_event(page->serve, page->ask, str_span(&text));
    str_fini(&text);
    page->since = last;
}

static int read_all(struct page *page, bool is_new, struct err *err)
{
    struct store_stat stat;

    store_stat(page->serve->store, &stat);
    if (is_new)
        say_begin(page, "begin", stat.last_seq);
    else if (page->since > stat.last_seq || stat.last_seq - page->since > FEED_BEHIND_MAX)
        say_begin(page, "reset", stat.last_seq);
    return store_each(page->serve->store, page->since + 1, add_row, page, err);
}

static void stay(struct page *page)
{
    struct serve *serve = page->serve;

    if (serve->feed_count == FEEDS_MAX) {
        clients_error(serve, page->ask, 1, "too_many",
                      "%d feeds are open, and there may not be more: close one", FEEDS_MAX);
        return;
    }
    struct feed *feed = xcalloc(1, sizeof *feed);
    feed->ask = page->ask;
    feed->run = page->run;
    if (feed->run > 0 && page->bytes == 0)
        say_begin(page, "begin", page->since); /* nothing lies behind */
    list_add(&serve->feeds, &feed->in_serve);
    serve->feed_count++;
}

/* -1: it goes on; else as it ended. */
static int end_state(struct serve *serve, int64_t run)
{
    struct entry entry;
    struct err ignored;

    if (run == 0 || store_find(serve->store, ENTRY_RUN, run, 0, &entry, &ignored) != 0 ||
        entry.state < RUN_DONE)
        return -1;
    return entry.state;
}

bool feeds_ask(struct serve *serve, const struct asked *asked)
{
    struct span name = json_get_raw(asked->args, "run");
    struct span since = json_get(asked->args, "since");
    struct page page = { .serve = serve,
                         .ask = asked->number,
                         .since = json_int(since, 0) };
    struct err err = { 0 };
    int64_t last = 0;
    int rc;

    if (!span_is(asked->verb, "feed"))
        return false;
    if (serve->is_dirty)
        pump_commit(serve); /* nobody sees what might still be lost */
    if (name.len > 0 &&
        (!id_parse_run(name, &page.run) || (last = rows_last(serve, page.run)) == 0)) {
        clients_error(serve, asked->number, 2, "not_found", "there is no run %.*s",
                      (int)(name.len < 40 ? name.len : 40), name.ptr);
        return true;
    }
    rc = page.run > 0 ? store_each_of_run(serve->store, last, add_row, &page, &err)
                      : read_all(&page, since.len == 0, &err);
    int state = end_state(serve, page.run);
    if (rc < 0)
        clients_error(serve, asked->number, 1, err_word(err.code), "%s", err.text);
    else if (page.is_full)
        reply_more(serve, page.ask, page.since, true, NULL);
    else if (state >= 0)
        reply_more(serve, page.ask, page.since, false, run_state_name(state));
    else
        stay(&page);
    return true;
}
