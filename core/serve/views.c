/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/views.c - what can be read from the store without troubling the engine.
 */
#include "serve/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "serve/secrets.h"
#include "store/store.h"

enum { VIEW_RUNS_MAX = 1000, VIEW_CHILDREN_WITHIN = 10000, PLUGIN_BYTES_MAX = 64 << 20 };

struct view {
    struct serve *serve;
    struct json_out out;
    int64_t run, left;
    int gate;
    struct span who; /* of one gate: who looks at it */
};

/* -- runs --------------------------------------------------------------------------------- */

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
    /* The last: the entry's bytes are not ours any more after another look into the store. */
    json_put(out, "break_glass", glass_word(serve, entry->run, body));
    json_close(out);
}

static int add_run(const struct entry *entry, void *arg)
{
    struct view *view = arg;

    put_run(view->serve, &view->out, entry);
    return 0;
}

static int state_of(struct span word)
{
    for (int state = RUN_RUNNING; state <= RUN_BLOCKED; state++)
        if (span_is(word, run_state_name(state)))
            return state;
    return -1;
}

static int view_runs(struct view *view, const struct asked *asked, struct err *err)
{
    struct span state = json_get_raw(asked->args, "state");
    int64_t limit = json_get_int(asked->args, "limit", 100);
    struct entry_query query = {
        .kind = ENTRY_RUN, .state = -1, .run = -1, .newest_first = true
    };

    if (state.len > 0 && (query.state = state_of(state)) < 0)
        return err_set(err, ERR_INVALID, "no run state is called \"%.*s\"",
                       (int)(state.len < 40 ? state.len : 40), state.ptr);
    query.limit = limit > 0 && limit < VIEW_RUNS_MAX ? limit : VIEW_RUNS_MAX;
    json_key(&view->out, "runs");
    json_open(&view->out, '[');
    int rc = store_each_entry(view->serve->store, &query, add_run, view, err);
    json_close(&view->out);
    return rc < 0 ? rc : glass_show(view->serve, &view->out, 0, err);
}

/* -- holds -------------------------------------------------------------------------------- */

static int view_contained(struct view *view, const struct asked *asked, struct err *err)
{
    (void)asked;
    int rc = ledger_show(view->serve, &view->out, HOLD_ON, -1, err);
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

static int view_show(struct view *view, const struct asked *asked, struct err *err)
{
    struct entry entry;

    if (!id_parse_run(json_get_raw(asked->args, "run"), &view->run) ||
        store_find(view->serve->store, ENTRY_RUN, view->run, 0, &entry, err) != 0)
        return no_run(asked, err);
    json_key(&view->out, "run");
    put_run(view->serve, &view->out, &entry);
    json_key(&view->out, "rows");
    json_open(&view->out, '[');
    int rc = store_each_of_run(view->serve->store, rows_last(view->serve, view->run),
                               add_row, view, err);
    json_close(&view->out);
    if (rc == 0)
        rc = ledger_show(view->serve, &view->out, -1, view->run, err);
    if (rc == 0)
        rc = glass_show(view->serve, &view->out, view->run, err);
    return rc == 0 ? put_children(view, err) : rc;
}

/* -- gates -------------------------------------------------------------------------------- */

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
    if (store_find(store, ENTRY_RUN, run, 0, &entry, err) == 0)
        json_put_raw(out, "playbook", json_get(entry.body, "playbook"));
    int rc = view->who.len > 0 ? put_origin(view, run, err) : 0;
    view->gate = n;
    json_key(out, "reminders");
    json_open(out, '[');
    if (rc == 0)
        rc = store_each_of_run(store, last, add_reminder, view, err);
    json_close(out);
    json_put(out, "run", id_run(run).text);
    json_put(out, "state", gate_state_name(body.state));
    if (view->who.len > 0)
        json_put_span(out, "you", view->who);
    json_key(out, "votes");
    json_open(out, '[');
    if (rc == 0)
        rc = store_each_of_run(store, last, add_vote, view, err);
    json_close(out);
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

static int view_gates(struct view *view, const struct asked *asked, struct err *err)
{
    struct gate_list *list = xcalloc(1, sizeof *list);
    struct entry_query query = { .kind = ENTRY_GATE, .state = GATE_OPEN, .run = -1 };
    int rc = store_each_entry(view->serve->store, &query, list_gate, list, err);

    (void)asked;
    json_key(&view->out, "gates");
    json_open(&view->out, '[');
    for (int i = 0; rc >= 0 && i < list->count; i++)
        rc = put_gate(view, list->runs[i], list->ns[i], err);
    json_close(&view->out);
    free(list);
    return rc < 0 ? rc : glass_show(view->serve, &view->out, 0, err);
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
static int view_gate(struct view *view, const struct asked *asked, struct err *err)
{
    struct span name = json_get_raw(asked->args, "gate");
    struct span run_name = json_get_raw(asked->args, "run");
    struct gate_list *list = xcalloc(1, sizeof *list);
    struct entry_query query = { .kind = ENTRY_GATE, .state = -1, .limit = VIEW_RUNS_MAX };
    int n = 0, found = -1;

    view->who = asked->who;
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

/* -- plugins and halts -------------------------------------------------------------------- */

static int view_actions(struct view *view, const struct asked *asked, struct err *err)
{
    struct span action, key, value;

    (void)asked;
    (void)err;
    json_key(&view->out, "actions");
    json_open(&view->out, '[');
    list_each (link, after, &view->serve->locks) {
        struct lock_line *line = list_item(link, struct lock_line, in_serve);
        size_t pos = 0, at = 0;

        while (json_next(json_get(span_of(line->declaration), "actions"), &pos, NULL,
                         &action)) {
            json_open(&view->out, '{');
            json_put(&view->out, "plugin", line->name);
            json_put_raw(&view->out, "undoable", json_get(action, "can_undo"));
            at = 0;
            while (json_next(action, &at, &key, &value)) {
                json_key_span(&view->out, key);
                json_raw_value(&view->out, value);
            }
            json_close(&view->out);
        }
    }
    json_close(&view->out);
    return 0;
}

/* Before it is needed: a secret that is not there, or that others can read. */
static bool can_read_secrets(struct serve *serve, const char *name, char *why, size_t size)
{
    struct secrets secrets = { 0 };
    struct err err;
    int rc = secrets_read(&secrets, serve, json_get(config_plugin(serve, name), "secrets"),
                          &err);

    secrets_fini(&secrets);
    if (rc != 0)
        snprintf(why, size, "%s", err.text);
    return rc == 0;
}

static const char *plugin_state(struct serve *serve, const struct lock_line *line,
                                char *why, size_t size)
{
    struct str bytes = { 0 };
    struct err err;
    char hex[HASH_HEX_LEN + 1];
    int rc = serve_read_file(&bytes, line->path, PLUGIN_BYTES_MAX, &err);

    hash_hex(hash_of(str_text(&bytes), bytes.len), hex);
    str_fini(&bytes);
    why[0] = '\0';
    if (rc != 0) {
        snprintf(why, size, "%s", err.text);
        return "missing";
    }
    if (strcmp(hex, line->sha256) != 0) {
        snprintf(why, size,
                 "%s is not the file that was trusted: if the change is wanted, "
                 "`cordon plugins trust` it again",
                 line->path);
        return "changed";
    }
    if (line->refused != NULL) {
        snprintf(why, size, "%s", line->refused);
        return "refused";
    }
    return can_read_secrets(serve, line->name, why, size) ? "trusted" : "refused";
}

static int view_plugins(struct view *view, const struct asked *asked, struct err *err)
{
    struct json_out *out = &view->out;
    char why[sizeof err->text];

    (void)asked;
    json_key(out, "plugins");
    json_open(out, '[');
    list_each (link, after, &view->serve->locks) {
        struct lock_line *line = list_item(link, struct lock_line, in_serve);
        struct span declared = span_of(line->declaration);
        const char *state = plugin_state(view->serve, line, why, sizeof why);

        json_open(out, '{');
        json_put_int(out, "actions", (int64_t)json_count(json_get(declared, "actions")));
        json_put(out, "error", why[0] != '\0' ? why : NULL);
        json_put(out, "name", line->name);
        json_put(out, "path", line->path);
        json_put(out, "sha256", line->sha256);
        json_put(out, "state", state);
        json_put_raw(out, "summary", json_get(declared, "summary"));
        json_put_raw(out, "version", json_get(declared, "version"));
        json_close(out);
    }
    json_close(out);
    return 0;
}

static int add_halt(const struct entry *entry, void *arg)
{
    struct view *view = arg;

    json_raw_value(&view->out, entry->body);
    return 0;
}

static int view_halts(struct view *view, const struct asked *asked, struct err *err)
{
    struct entry_query query = { .kind = ENTRY_HALT, .state = 1, .run = -1 };

    (void)asked;
    json_key(&view->out, "halts");
    json_open(&view->out, '[');
    int rc = store_each_entry(view->serve->store, &query, add_halt, view, err);
    json_close(&view->out);
    return rc;
}

/* -- health ------------------------------------------------------------------------------- */

static void check(struct json_out *out, const char *name, bool ok, const char *text,
                  const char *fix)
{
    json_open(out, '{');
    json_put(out, "fix", ok ? NULL : fix);
    json_put(out, "name", name);
    json_put_bool(out, "ok", ok);
    json_put(out, "text", text);
    json_close(out);
}

static void check_plugins(struct view *view)
{
    char why[512], name[128], text[600];

    list_each (link, after, &view->serve->locks) {
        struct lock_line *line = list_item(link, struct lock_line, in_serve);
        const char *state = plugin_state(view->serve, line, why, sizeof why);

        snprintf(name, sizeof name, "plugin %.100s", line->name);
        snprintf(text, sizeof text, "%s%s%s", state, why[0] != '\0' ? ": " : "", why);
        check(&view->out, name, strcmp(state, "trusted") == 0, text,
              strcmp(state, "refused") == 0
                  ? NULL
                  : "put the trusted file back, or `cordon plugins trust` the new one");
    }
    if (list_is_empty(&view->serve->locks))
        check(&view->out, "plugins", false, "no plugin is trusted, so there are no actions",
              "cordon plugins trust /path/of/plugin.so");
}

static int view_status(struct view *view, const struct asked *asked, struct err *err)
{
    struct serve *serve = view->serve;
    struct store_stat stat;
    char text[128];

    (void)asked;
    (void)err;
    store_stat(serve->store, &stat);
    json_key(&view->out, "checks");
    json_open(&view->out, '[');
    snprintf(text, sizeof text, "%lld rows, %lld runs", (long long)stat.last_seq,
             (long long)stat.last_run);
    check(&view->out, "journal", true, text, NULL);
    check(&view->out, "policy", serve->policy_ok,
          serve->policy_ok ? serve->policy_path : serve->policy_why,
          "write a policy.lua; playbooks/policy.lua is one to begin with");
    check_plugins(view);
    json_close(&view->out);
    return 0;
}

static int view_verify(struct view *view, const struct asked *asked, struct err *err)
{
    int64_t rows = 0;

    (void)asked;
    if (store_verify(view->serve->store, &rows, err) != 0)
        return err->code;
    json_put_bool(&view->out, "ok", true);
    json_put_int(&view->out, "rows", rows);
    return 0;
}

/* -- a run that has ended ----------------------------------------------------------------- */

/* Nothing will ever happen to it again that a follower could wait for. */
static bool watch_ended(struct serve *serve, const struct asked *asked)
{
    struct str text = { 0 };
    struct json_out out = { .str = &text };
    struct entry entry;
    struct err ignored;
    int64_t run;

    if (serve->is_dirty)
        pump_commit(serve);
    if (!id_parse_run(json_get_raw(asked->args, "run"), &run) ||
        store_find(serve->store, ENTRY_RUN, run, 0, &entry, &ignored) != 0 ||
        entry.state < RUN_DONE)
        return false;
    json_open(&out, '{');
    json_put_raw(&out, "error", json_get(entry.body, "error"));
    json_put(&out, "gate", NULL);
    json_put(&out, "run", id_run(run).text);
    json_put(&out, "state", run_state_name(entry.state));
    json_close(&out);
    clients_reply(serve, asked->number, run_state_exit(entry.state), str_span(&text));
    str_fini(&text);
    return true;
}

/* -- what a run did until now ------------------------------------------------------------- */

struct past {
    struct serve *serve;
    int64_t ask;
};

static int count_past(const struct row *row, void *arg)
{
    int64_t *count = arg;

    (void)row;
    ++*count;
    return 0;
}

static int send_past(const struct row *row, void *arg)
{
    struct past *past = arg;
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    rows_show(past->serve, &out,
              &(struct shown_row){ .seq = row->seq,
                                   .run = row->run,
                                   .at_ms = row->at_ms,
                                   .kind = row->kind,
                                   .body = row->body });
    clients_event(past->serve, past->ask, str_span(&text));
    str_fini(&text);
    return 0;
}

void views_past(struct serve *serve, const struct asked *asked)
{
    struct past past = { .serve = serve, .ask = asked->number };
    struct str text = { 0 };
    struct err err;
    int64_t run;
    int n;

    if (!id_parse_run(json_get_raw(asked->args, "run"), &run) &&
        !id_parse_gate(json_get_raw(asked->args, "gate"), &run, &n) &&
        !id_parse_run(json_get_raw(asked->args, "gate"), &run))
        return; /* the verb itself says what is wrong */
    if (serve->is_dirty)
        pump_commit(serve);
    int64_t last = rows_last(serve, run), count = 0;
    int rc = store_each_of_run(serve->store, last, count_past, &count, &err);
    if (rc < 0 || count == 0)
        return;
    str_printf(&text, "{\"past\":%lld,\"run\":\"%s\"}", (long long)count, id_run(run).text);
    clients_event(serve, asked->number, str_span(&text));
    store_each_of_run(serve->store, last, send_past, &past, &err);
    str_fini(&text);
}

/* -- the table of them -------------------------------------------------------------------- */

typedef int view_fn(struct view *view, const struct asked *asked, struct err *err);

static const struct {
    const char *verb;
    view_fn *fn;
    bool is_whole; /* it writes its own braces */
} views[] = {
    { "runs", view_runs, false },           { "show", view_show, false },
    { "gates", view_gates, false },         { "gate", view_gate, true },
    { "contained", view_contained, false }, { "actions", view_actions, false },
    { "plugins", view_plugins, false },     { "halts", view_halts, false },
    { "status", view_status, false },       { "verify", view_verify, false },
};

static void answer(struct serve *serve, const struct asked *asked, view_fn *fn,
                   bool is_whole)
{
    struct str text = { 0 };
    struct view view = { .serve = serve, .out = { .str = &text } };
    struct err err;

    if (serve->is_dirty)
        pump_commit(serve); /* nobody sees what might still be lost */
    if (!is_whole)
        json_open(&view.out, '{');
    if (fn(&view, asked, &err) != 0) {
        clients_error(serve, asked->number,
                      err.code == ERR_NOT_FOUND || err.code == ERR_INVALID ? 2 : 1,
                      err_word(err.code), "%s", err.text);
    } else {
        if (!is_whole)
            json_close(&view.out);
        clients_reply(serve, asked->number, 0, str_span(&text));
    }
    str_fini(&text);
}

bool views_ask(struct serve *serve, const struct asked *asked)
{
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        if (span_is(asked->verb, views[i].verb)) {
            answer(serve, asked, views[i].fn, views[i].is_whole);
            return true;
        }
    return span_is(asked->verb, "watch") && watch_ended(serve, asked);
}
