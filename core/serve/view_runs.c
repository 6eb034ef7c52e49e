/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/view_runs.c - runs as people get them: lists of them, and one with its rows.
 */
#include "serve/views.h"

#include "base/id.h"
#include "store/store.h"

static const char *run_kind_word(int64_t kind)
{
    static const char *const words[] = { "live", "live", "recover", "rollback", "plan" };

    return kind > 0 && kind <= RUN_PLAN ? words[kind] : words[0];
}

static void put_when(struct json_out *out, const char *key, int64_t unix_ms)
{
    if (unix_ms > 0)
        json_put_int(out, key, unix_ms);
}

static void put_run(struct serve *serve, struct json_out *out, const struct entry *entry)
{
    struct span body = entry->body;
    int64_t of = json_get_int(body, "of", 0), gate = json_get_int(body, "gate", 0);

    json_open(out, '{');
    put_when(out, "at", json_get_int(body, "started", 0));
    json_put_raw(out, "by", json_get(body, "by"));
    put_when(out, "ended", json_get_int(body, "ended", 0));
    json_put_raw(out, "error", json_get(body, "error"));
    json_put(out, "gate",
             gate > 0 && entry->state < RUN_DONE ? id_gate(entry->run, (int)gate).text
                                                 : NULL);
    json_put(out, "kind", run_kind_word(json_get_int(body, "kind", RUN_LIVE)));
    json_put(out, "of", of > 0 ? id_run(of).text : NULL);
    json_put_raw(out, "playbook", json_get(body, "playbook"));
    json_put(out, "run", id_run(entry->run).text);
    json_put(out, "state", run_state_name(entry->state));
    json_put_raw(out, "title", json_get(body, "title"));
    if (json_kind(json_get(body, "waits")) == JSON_OBJECT)
        json_put_raw(out, "waits", json_get(body, "waits"));
    json_put_raw(out, "why", json_get(body, "why"));
    bool is_over = entry->state >= RUN_DONE;
    int64_t run = entry->run;
    /* The last: the entry's bytes are not ours any more after another look into the store. */
    json_put(out, "break_glass", glass_word(serve, run, body));
    if (is_over)
        ledger_put_standing(serve, out, run);
    json_close(out);
}

static int state_of(struct span word)
{
    for (int state = RUN_RUNNING; state <= RUN_BLOCKED; state++)
        if (span_is(word, run_state_name(state)))
            return state;
    return -1;
}

struct run_list { /* a page of runs */
    struct view *view;
    struct span playbook, by; /* JSON; empty: any */
    int64_t limit, shown, seen, last;
    bool has_more;
};

static bool is_wanted(const struct run_list *list, struct span body)
{
    return (list->playbook.len == 0 ||
            json_same(list->playbook, json_get(body, "playbook"))) &&
           (list->by.len == 0 || json_same(list->by, json_get(body, "by")));
}

static int add_run(const struct entry *entry, void *arg)
{
    struct run_list *list = arg;

    list->has_more = list->shown == list->limit || list->seen == VIEW_SCAN_MAX;
    if (list->has_more)
        return 1;
    list->seen++;
    list->last = entry->run;
    if (is_wanted(list, entry->body)) {
        put_run(list->view->serve, &list->view->out, entry);
        list->shown++;
    }
    return 0;
}

int64_t view_limit(const struct asked *asked, int64_t otherwise)
{
    int64_t limit = json_get_int(asked->args, "limit", otherwise);

    return limit > 0 && limit < VIEW_RUNS_MAX ? limit : VIEW_RUNS_MAX;
}

int view_runs(struct view *view, const struct asked *asked, struct err *err)
{
    struct span state = json_get_raw(asked->args, "state");
    struct span before = json_get_raw(asked->args, "before");
    struct run_list list = { .view = view,
                             .playbook = json_get(asked->args, "playbook"),
                             .by = json_get(asked->args, "by"),
                             .limit = view_limit(asked, 100) };
    struct entry_query query = {
        .kind = ENTRY_RUN, .state = -1, .run = -1, .newest_first = true
    };

    if (state.len > 0 && (query.state = state_of(state)) < 0)
        return err_set(err, ERR_INVALID, "no run state is called \"%.*s\"",
                       (int)(state.len < 40 ? state.len : 40), state.ptr);
    if (before.len > 0 && !id_parse_run(before, &query.after))
        return err_set(err, ERR_INVALID, "before: want a run, like r-000041");
    json_key(&view->out, "runs");
    json_open(&view->out, '[');
    int rc = store_each_entry(view->serve->store, &query, add_run, &list, err);
    json_close(&view->out);
    json_put(&view->out, "next", list.has_more ? id_run(list.last).text : NULL);
    return rc < 0 ? rc : glass_show(view->serve, &view->out, 0, err);
}

/* -- one run ------------------------------------------------------------------------------ */

static int add_row(const struct row *row, void *arg)
{
    struct view *view = arg;

    rows_show(view->serve, &view->out,
              &(struct shown_row){ .seq = row->seq,
                                   .run = row->run,
                                   .at_ms = row->at_ms,
                                   .kind = row->kind,
                                   .body = row->body });
    return 0;
}

static int add_child(const struct entry *entry, void *arg)
{
    struct view *view = arg;

    if (json_get_int(entry->body, "of", 0) == view->run ||
        json_get_int(entry->body, "parent", 0) == view->run)
        put_run(view->serve, &view->out, entry);
    return 0;
}

static int put_children(struct view *view, struct err *err)
{
    struct entry_query query = { .kind = ENTRY_RUN,
                                 .state = -1,
                                 .run = -1,
                                 .after = view->run,
                                 .limit = VIEW_CHILDREN_WITHIN };

    json_key(&view->out, "children");
    json_open(&view->out, '[');
    int rc = store_each_entry(view->serve->store, &query, add_child, view, err);
    json_close(&view->out);
    return rc;
}

static int no_run(const struct asked *asked, struct err *err)
{
    struct span name = json_get_raw(asked->args, "run");

    return err_set(err, ERR_NOT_FOUND, "there is no run %.*s; `cordon runs` lists them",
                   (int)(name.len < 40 ? name.len : 40), name.ptr);
}

int view_show(struct view *view, const struct asked *asked, struct err *err)
{
    struct entry entry;

    if (!id_parse_run(json_get_raw(asked->args, "run"), &view->run) ||
        store_find(view->serve->store, ENTRY_RUN, view->run, 0, &entry, err) != 0)
        return no_run(asked, err);
    int64_t first_seq = entry.first_seq;
    json_key(&view->out, "run");
    put_run(view->serve, &view->out, &entry);
    origin_put_alert(view, view->run, first_seq);
    origin_put_recover(view, first_seq);
    json_key(&view->out, "rows");
    json_open(&view->out, '[');
    int rc = store_each_of_run(view->serve->store, rows_last(view->serve, view->run),
                               add_row, view, err);
    json_close(&view->out);
    if (rc == 0)
        rc = ledger_show(view->serve, &view->out,
                         &(struct ledger_query){ .state = -1, .run = view->run }, err);
    if (rc == 0)
        rc = glass_show(view->serve, &view->out, view->run, err);
    return rc == 0 ? put_children(view, err) : rc;
}
