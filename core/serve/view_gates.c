/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/view_gates.c - gates as people get them: what is asked, and what was said.
 */
#include "serve/views.h"

#include <stdlib.h>

#include "base/id.h"
#include "store/store.h"

static int add_vote(const struct row *row, void *arg)
{
    struct view *view = arg;

    if (row->kind == ROW_VOTE && json_get_int(row->body, "g", 0) == view->gate)
        json_raw_value(&view->out, row->body);
    return 0;
}

/* Reminders and escalations that have been, oldest first. */
static int add_reminder(const struct row *row, void *arg)
{
    struct view *view = arg;
    bool is_escalation = row->kind == ROW_ESCALATE;

    if ((!is_escalation && row->kind != ROW_REMIND) ||
        json_get_int(row->body, "g", 0) != view->gate)
        return 0;
    json_open(&view->out, '{');
    json_put_int(&view->out, "at", row->at_ms);
    if (is_escalation)
        json_put_raw(&view->out, "from", json_get(row->body, "from"));
    json_put(&view->out, "kind", row_kind_name(row->kind));
    json_close(&view->out);
    return 0;
}

struct gate_body {
    int gate;
    int state; /* as the rows have it: the index is not chained */
    struct str text;
};

static int find_end(const struct row *row, void *arg)
{
    struct gate_body *found = arg;

    if (row->kind == ROW_GATE_END && json_get_int(row->body, "g", 0) == found->gate)
        found->state = (int)json_get_int(row->body, "s", GATE_VOID);
    return 0;
}

static int find_body(const struct row *row, void *arg)
{
    struct gate_body *found = arg;

    if (row->kind != ROW_GATE || json_get_int(row->body, "g", 0) != found->gate)
        return 0;
    str_add_span(&found->text, row->body);
    return 1;
}

/* What else a vote that is signed has to name: the journal, and the playbook's version. */
static int find_install(const struct row *row, void *arg)
{
    if (row->kind == ROW_BORN)
        str_add_span(arg, json_get_raw(row->body, "install"));
    return 1;
}

static int find_start(const struct row *row, void *arg)
{
    if (row->kind == ROW_START)
        str_add_span(arg, json_get_raw(row->body, "hash"));
    return 0;
}

static int put_origin(struct view *view, int64_t run, struct err *err)
{
    struct store *store = view->serve->store;
    struct str install = { 0 }, hash = { 0 };
    int rc = store_each(store, 1, find_install, &install, err);

    if (rc >= 0)
        rc = store_each_of_run(store, rows_last(view->serve, run), find_start, &hash, err);
    if (rc >= 0) {
        json_put_span(&view->out, "install", str_span(&install));
        json_put_span(&view->out, "playbook_hash", str_span(&hash));
    }
    str_fini(&install);
    str_fini(&hash);
    return rc < 0 ? rc : 0;
}

/* Beside one gate that a person looks at: the alert, and whether they may grant it alone. */
static void put_for_person(struct view *view, const struct gate_body *body, int64_t run,
                           int64_t first_seq)
{
    if (view->who.len == 0)
        return;
    origin_put_alert(view, run, first_seq);
    if (body->state == GATE_OPEN &&
        !span_is(json_get_raw(str_span(&body->text), "k"), "ask"))
        engine_put_break_glass(view->serve->engine, &view->out, view->who, view->groups);
}

/* A list of what fn writes of the rows of a run. fn writes to the view: while it does, that is
 * the list's own text. */
static int list_rows(struct view *view, int64_t last, row_fn *fn, struct str *list,
                     struct err *err)
{
    struct json_out whole = view->out;

    view->out = (struct json_out){ .str = list };
    json_open(&view->out, '[');
    int rc = store_each_of_run(view->serve->store, last, fn, view, err);
    json_close(&view->out);
    view->out = whole;
    return rc < 0 ? rc : 0;
}

/* What was said, and how far each demand is met by it. */
static int put_said(struct view *view, int64_t last, struct span body, struct err *err)
{
    struct str reminders = { 0 }, votes = { 0 }, tally = { 0 };
    int rc = list_rows(view, last, add_reminder, &reminders, err);

    if (rc == 0)
        rc = list_rows(view, last, add_vote, &votes, err);
    if (rc == 0) {
        engine_gate_tally(view->serve->engine, body, str_span(&votes), str_span(&reminders),
                          &tally);
        json_put_raw(&view->out, "approvals", str_span(&tally));
        json_put_raw(&view->out, "reminders", str_span(&reminders));
        json_put_raw(&view->out, "votes", str_span(&votes));
    }
    str_fini(&reminders);
    str_fini(&votes);
    str_fini(&tally);
    return rc;
}

static int put_gate(struct view *view, int64_t run, int n, struct err *err)
{
    struct store *store = view->serve->store;
    struct json_out *out = &view->out;
    struct gate_body body = { .gate = n, .state = GATE_OPEN };
    struct entry entry;
    int64_t last = rows_last(view->serve, run);

    if (store_each_of_run(store, last, find_body, &body, err) < 0 ||
        store_each_of_run(store, last, find_end, &body, err) < 0)
        return err->code;
    json_open(out, '{');
    json_put_raw(out, "body", str_span(&body.text));
    json_put_raw(out, "digest", json_get(str_span(&body.text), "digest"));
    json_put(out, "gate", id_gate(run, n).text);
    if (store_find(store, ENTRY_RUN, run, 0, &entry, err) == 0) {
        json_put_raw(out, "playbook", json_get(entry.body, "playbook"));
        put_for_person(view, &body, run, entry.first_seq);
    }
    int rc = view->who.len > 0 ? put_origin(view, run, err) : 0;
    view->gate = n;
    json_put(out, "run", id_run(run).text);
    json_put(out, "state", gate_state_name(body.state));
    if (view->who.len > 0)
        json_put_span(out, "you", view->who);
    if (rc == 0)
        rc = put_said(view, last, str_span(&body.text), err);
    json_close(out);
    str_fini(&body.text);
    return rc < 0 ? rc : 0;
}

struct gate_list {
    int64_t runs[VIEW_RUNS_MAX];
    int ns[VIEW_RUNS_MAX];
    int states[VIEW_RUNS_MAX];
    int count;
};

static int list_gate(const struct entry *entry, void *arg)
{
    struct gate_list *list = arg;

    list->runs[list->count] = entry->run;
    list->ns[list->count] = entry->n;
    list->states[list->count++] = entry->state;
    return list->count == VIEW_RUNS_MAX;
}

/* From the cursor on: of the run that it names only later gates. */
static int read_gate_cursor(struct entry_query *query, int *n, struct span after,
                            struct err *err)
{
    int64_t run = 0;

    if (after.len == 0)
        return 0;
    if (!id_parse_gate(after, &run, n))
        return err_set(err, ERR_INVALID, "after: want a gate, like g-000041-1");
    query->after = run - 1;
    return 0;
}

int view_gates(struct view *view, const struct asked *asked, struct err *err)
{
    struct gate_list *list = xcalloc(1, sizeof *list);
    struct entry_query query = { .kind = ENTRY_GATE, .state = GATE_OPEN, .run = -1 };
    struct span run = json_get_raw(asked->args, "run");
    int64_t limit = view_limit(asked, VIEW_RUNS_MAX), shown = 0, first = 0;
    int n = 0, i = 0;
    int rc = read_gate_cursor(&query, &n, json_get_raw(asked->args, "after"), err);

    first = query.after + 1;
    if (rc == 0 && run.len > 0 && !id_parse_run(run, &query.run))
        rc = err_set(err, ERR_INVALID, "run: want a run, like r-000041");
    if (rc == 0)
        rc = store_each_entry(view->serve->store, &query, list_gate, list, err);
    json_key(&view->out, "gates");
    json_open(&view->out, '[');
    for (; rc >= 0 && i < list->count && shown < limit; i++) {
        if (n > 0 && list->runs[i] == first && list->ns[i] <= n)
            continue;
        rc = put_gate(view, list->runs[i], list->ns[i], err);
        shown++;
    }
    json_close(&view->out);
    json_put(&view->out, "next",
             rc >= 0 && i > 0 && (i < list->count || list->count == VIEW_RUNS_MAX)
                 ? id_gate(list->runs[i - 1], list->ns[i - 1]).text
                 : NULL);
    free(list);
    return rc < 0 ? rc : glass_show(view->serve, &view->out, 0, err);
}

int view_each_unable(struct serve *serve, view_unable_fn *fn, void *arg, struct err *err)
{
    struct gate_list *list = xcalloc(1, sizeof *list);
    struct entry_query query = { .kind = ENTRY_GATE, .state = GATE_OPEN, .run = -1 };
    int rc = store_each_entry(serve->store, &query, list_gate, list, err);

    for (int i = 0; rc >= 0 && i < list->count; i++) {
        struct gate_body body = { .gate = list->ns[i] };

        rc = store_each_of_run(serve->store, rows_last(serve, list->runs[i]), find_body,
                               &body, err);
        struct span unable = json_get(str_span(&body.text), "unable");
        if (rc >= 0 && unable.len > 0)
            fn(arg, id_gate(list->runs[i], list->ns[i]).text, unable);
        str_fini(&body.text);
    }
    free(list);
    return rc < 0 ? rc : 0;
}

/* Which of several open gates of a run is meant is not guessed. */
static int check_one_open(const struct gate_list *list, int64_t run, struct err *err)
{
    struct str names = { 0 };
    int open_count = 0;

    for (int i = 0; i < list->count; i++)
        if (list->states[i] == GATE_OPEN)
            str_printf(&names, "%s%s", open_count++ > 0 ? " and " : "",
                       id_gate(run, list->ns[i]).text);
    int rc = open_count <= 1
                 ? 0
                 : err_set(err, ERR_INVALID,
                           "run %s has %d open gates, %s: name the one that is meant",
                           id_run(run).text, open_count, str_text(&names));
    str_fini(&names);
    return rc;
}

static int no_such_gate(struct span name, bool is_gate, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND,
                   is_gate ? "there is no gate %.*s; `cordon gates` lists those that wait"
                           : "there is no run %.*s that has had a gate; `cordon gates` "
                             "lists those that wait",
                   (int)name.len, name.ptr);
}

/* By its name, or the open one of a run, or a run's last one. */
int view_gate(struct view *view, const struct asked *asked, struct err *err)
{
    struct span name = json_get_raw(asked->args, "gate");
    struct span run_name = json_get_raw(asked->args, "run");
    struct gate_list *list = xcalloc(1, sizeof *list);
    struct entry_query query = { .kind = ENTRY_GATE, .state = -1, .limit = VIEW_RUNS_MAX };
    int n = 0, found = -1;

    view->who = asked->who;
    view->groups = json_get(asked->powers, "groups");
    bool is_named = id_parse_gate(name, &query.run, &n);
    if (!is_named && !id_parse_run(run_name, &query.run) && !id_parse_run(name, &query.run))
        query.run = 0;
    int rc = query.run > 0
                 ? store_each_entry(view->serve->store, &query, list_gate, list, err)
                 : 0;
    if (rc >= 0 && !is_named)
        rc = check_one_open(list, query.run, err);
    for (int i = 0; i < list->count; i++)
        if (is_named ? list->ns[i] == n : found < 0 || list->states[i] == GATE_OPEN)
            found = i;
    if (rc >= 0 && found < 0)
        rc = no_such_gate(name.len > 0 ? name : run_name, is_named, err);
    else if (rc >= 0)
        rc = put_gate(view, list->runs[found], list->ns[found], err);
    free(list);
    return rc < 0 ? rc : 0;
}
