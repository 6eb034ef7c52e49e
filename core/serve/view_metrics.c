/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/view_metrics.c - numbers for whoever watches the daemon, and whether it can work.
 *
 * Counting a long index costs time that runs would have had, so numbers of the index are kept for
 * METRICS_KEEP_MS, however often they are asked for.
 */
#include "serve/views.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "serve/pull.h"
#include "serve/unread.h"
#include "store/store.h"

enum { METRICS_KEEP_MS = 5000 };

struct counted { /* by the index */
    const char *key;
    int kind, state;
};

static const struct counted counted[] = {
    { "alerts_new", ENTRY_ALERT, ALERT_NEW },
    { "alerts_routed", ENTRY_ALERT, ALERT_ROUTED },
    { "break_glass_unreviewed", ENTRY_GLASS, GLASS_UNREVIEWED },
    { "deliveries_unread", ENTRY_DELIVERY, DELIVERY_NEW },
    { "deliveries_unreadable", ENTRY_DELIVERY, DELIVERY_UNREADABLE },
    { "gates_open", ENTRY_GATE, GATE_OPEN },
    { "halts_in_force", ENTRY_HALT, 1 },
    { "holds_on", ENTRY_HOLD, HOLD_ON },
};

static void put_count(struct view *view, const char *key, int kind, int state)
{
    struct err err;
    int64_t count = 0;

    if (store_count(view->serve->store, kind, state, &count, &err) != 0)
        log_warnx("%s", err.text);
    json_put_int(&view->out, key, count);
}

/* Gates are numbered as runs come, and the oldest one is mostly of the oldest run. */
static int take_oldest(const struct entry *entry, void *arg)
{
    struct view *view = arg;

    view->run = entry->run;
    view->gate = entry->n;
    view->left = entry->first_seq;
    return 1;
}

static int take_at(const struct row *row, void *arg)
{
    struct view *view = arg;

    if (row->kind == ROW_GATE && json_get_int(row->body, "g", 0) == view->gate)
        view->left = row->at_ms;
    return 0;
}

static void put_oldest_gate(struct view *view)
{
    struct entry_query query = {
        .kind = ENTRY_GATE, .state = GATE_OPEN, .run = -1, .limit = 1
    };
    struct err ignored;

    view->left = 0;
    if (store_each_entry(view->serve->store, &query, take_oldest, view, &ignored) == 1) {
        view->left = 0;
        store_each_of_run(view->serve->store, rows_last(view->serve, view->run), take_at,
                          view, &ignored);
    }
    json_put_int(&view->out, "oldest_gate_at", view->left);
}

static void put_not_in_force(struct view *view)
{
    struct watch_counts counts;
    struct engine_unseen unseen;

    watch_count(view->serve, &counts);
    json_put_int(&view->out, "holds_not_in_force", counts.not_in_force);
    engine_unseen_count(view->serve->engine, &unseen);
    json_put_int(&view->out, "holds_unobserved", unseen.count);
}

static void count_all(struct view *view)
{
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
        put_count(view, counted[i].key, counted[i].kind, counted[i].state);
    put_not_in_force(view);
    put_oldest_gate(view);
    json_key(&view->out, "runs");
    json_open(&view->out, '{');
    for (int state = RUN_RUNNING; state <= RUN_BLOCKED; state++)
        put_count(view, run_state_name(state), ENTRY_RUN, state);
    json_close(&view->out);
}

/* The numbers of the index, made again when they are too old. */
static struct span index_numbers(struct serve *serve)
{
    struct view view = { .serve = serve, .out = { .str = &serve->counted } };
    int64_t now_ms = loop_now_ms(serve->loop);

    if (serve->counted.len == 0 || now_ms - serve->counted_ms >= METRICS_KEEP_MS) {
        str_reset(&serve->counted);
        json_open(&view.out, '{');
        count_all(&view);
        json_close(&view.out);
        serve->counted_ms = now_ms;
    }
    return str_span(&serve->counted);
}

int view_metrics(struct view *view, const struct asked *asked, struct err *err)
{
    struct serve *serve = view->serve;
    struct json_out *out = &view->out;
    struct store_stat stat;
    int refused = 0, plugins = 0;

    (void)asked;
    (void)err;
    store_stat(serve->store, &stat);
    list_each (link, after, &serve->locks) {
        plugins++;
        refused += list_item(link, struct lock_line, in_serve)->refused != NULL;
    }
    json_put_int(out, "clients", serve->client_count);
    json_put_int(out, "feeds", serve->feed_count);
    json_put_raw(out, "index", index_numbers(serve));
    json_put_int(out, "journal_bytes", stat.bytes);
    json_put_int(out, "journal_commits", stat.commits);
    json_put_int(out, "journal_rows", stat.last_seq);
    json_put_int(out, "now", clock_unix_ms());
    json_put_int(out, "plugins", plugins);
    json_put_int(out, "plugins_refused", refused);
    json_put_bool(out, "policy_ok", serve->policy_ok);
    json_key(out, "pulls");
    json_open(out, '[');
    pull_show(serve, out);
    json_close(out);
    unread_numbers(serve, out);
    json_put_bool(out, "reload_ok", !serve->reload_failed);
    json_put_int(out, "reloaded_at", serve->reloaded_ms);
    json_put_int(out, "runs_in_memory", engine_runs(serve->engine));
    json_put_int(out, "under_way", engine_under_way(serve->engine));
    return 0;
}

/* -- can it work ---------------------------------------------------------------------------- */

static bool can_write(struct serve *serve)
{
    char *path = serve_path(serve, "journal.db");
    bool can = access(path, W_OK) == 0;

    free(path);
    return can;
}

/* For everybody, so without a path or a reason: `cordon doctor` has those. */
int view_ready(struct view *view, const struct asked *asked, struct err *err)
{
    struct serve *serve = view->serve;
    bool journal = can_write(serve);

    (void)asked;
    (void)err;
    json_put_bool(&view->out, "engine", serve->is_ready && !serve->is_ending);
    json_put_bool(&view->out, "journal", journal);
    json_put_bool(&view->out, "ok",
                  serve->is_ready && !serve->is_ending && journal && serve->policy_ok);
    json_put_bool(&view->out, "policy", serve->policy_ok);
    return 0;
}
