/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/views.c - what can be read from the store without troubling the engine.
 */
#include "serve/views.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/hooks.h"
#include "base/deny.h"
#include "base/clock.h"
#include "base/id.h"
#include "serve/alerts.h"
#include "serve/index.h"
#include "serve/pull.h"
#include "serve/secrets.h"
#include "serve/unread.h"
#include "store/store.h"

enum { PLUGIN_BYTES_MAX = 64 << 20, RECORD_SHOWN_MS = 24 * 3600 * 1000 };

/* -- holds -------------------------------------------------------------------------------- */

static int view_contained(struct view *view, const struct asked *asked, struct err *err)
{
    struct span run = json_get_raw(asked->args, "run");
    struct span state = json_get_raw(asked->args, "state");
    struct span after = json_get_raw(asked->args, "after");
    struct ledger_query query = { .state = HOLD_ON,
                                  .run = -1,
                                  .action = json_get(asked->args, "action"),
                                  .target = json_get(asked->args, "target"),
                                  .limit = view_limit(asked, VIEW_RUNS_MAX) };

    if (run.len > 0 && !id_parse_run(run, &query.run))
        return err_set(err, ERR_INVALID, "run: want a run, like r-000041");
    if (after.len > 0 && !id_parse_hold(after, &query.after_run, &query.after_n))
        return err_set(err, ERR_INVALID, "after: want a hold, like h-000041-3");
    if (span_is(state, "any"))
        query.state = -1;
    else if (state.len > 0 && hold_state_of(state) == 0)
        return err_set(err, ERR_INVALID,
                       "state: want on, off, left, gone, not_restored or any");
    else if (state.len > 0)
        query.state = hold_state_of(state);
    int rc = ledger_show(view->serve, &view->out, &query, err);
    return rc < 0 ? rc : glass_show(view->serve, &view->out, 0, err);
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

/* How long ago each source that is polled was last asked with success. */
static void check_pulls(struct view *view)
{
    struct str list = { 0 };
    struct json_out out = { .str = &list };
    struct span pull;
    char name[128], text[600], lag[32];
    size_t pos = 0;

    json_open(&out, '[');
    pull_show(view->serve, &out);
    json_close(&out);
    while (json_next(str_span(&list), &pos, NULL, &pull)) {
        int64_t ok_at = json_get_int(pull, "ok_at", 0);
        char *why = json_get_text(pull, "why");

        snprintf(name, sizeof name, "pull %.*s", (int)json_get_raw(pull, "name").len,
                 json_get_raw(pull, "name").ptr);
        snprintf(text, sizeof text, "%s%s%s%s",
                 ok_at > 0 ? "asked with success " : "not asked with success yet",
                 ok_at > 0 ? duration_show(clock_unix_ms() - ok_at, lag) : "",
                 ok_at > 0 ? " ago" : "", why != NULL ? ": " : "");
        if (why != NULL)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s", why);
        check(&view->out, name, why == NULL, text,
              "see that the plugin may reach the API, and what its identity may read");
        free(why);
    }
    str_fini(&list);
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

/* A playbook or routes that cannot be read: what was good stays in force. */
static void check_file(void *arg, const char *path, const char *why)
{
    struct view *view = arg;
    struct str text = { 0 };

    str_printf(&text, "%s: %s", path, why);
    check(&view->out, "alerts start", false, str_text(&text),
          "mend it; it is read again when it changes");
    str_fini(&text);
}

/* With the limits of each, so that nobody has to find them by a 413. */
static void check_sources(struct view *view)
{
    struct span sources = json_get(str_span(&view->serve->config), "sources");
    struct span name, source;
    struct str text = { 0 };
    size_t pos = 0;

    while (json_next(sources, &pos, &name, &source)) {
        struct span kind = json_get_raw(source, "kind");

        str_printf(&text, "%s%.*s (%.*s, %lld bytes, %lld a second)",
                   text.len > 0 ? ", " : "", (int)name.len, name.ptr, (int)kind.len,
                   kind.ptr, (long long)json_get_int(source, "size", HOOKS_BODY),
                   (long long)json_get_int(source, "rate", HOOKS_RATE));
    }
    if (text.len > 0)
        check(&view->out, "sources", true, str_text(&text), NULL);
    str_fini(&text);
}

static void check_unread(void *arg, const char *name, bool ok, const char *text,
                         const char *fix)
{
    struct view *view = arg;

    check(&view->out, name, ok, text, fix);
}

static void check_reach(void *arg, const char *text)
{
    struct view *view = arg;

    check(&view->out, "alerts start", false, text,
          "mend it; it is read again when it changes");
}

/* A policy that was right may match nothing any more when plugins have changed. */
static void check_policy(struct view *view)
{
    struct serve *serve = view->serve;
    struct err err;
    bool is_good = serve->policy_ok &&
                   rules_check_reach(serve, str_span(&serve->policy_json), &err) == 0 &&
                   rules_check_people(str_span(&serve->policy_json), &err) == 0;
    const char *why = serve->policy_ok ? err.text : serve->policy_why;

    check(&view->out, "policy", is_good, is_good ? serve->policy_path : why,
          serve->policy_ok
              ? "put it right in policy.lua"
              : "write a policy.lua; playbooks/policy.lua is one to begin with");
}

static void put_unseen(struct str *text, const struct engine_unseen *unseen, int on)
{
    char since[32];

    str_printf(text, "%s%d of %d containments could not be observed",
               text->len > 0 ? "; " : "", unseen->count, on);
    str_printf(text, ", since %s", clock_show(unseen->since_ms, since));
    if (unseen->why != NULL)
        str_printf(text, ": %s", unseen->why);
}

/* As the last check of each found it. */
static void check_holds(struct view *view)
{
    struct watch_counts counts;
    struct engine_unseen unseen;
    struct str text = { 0 };

    watch_count(view->serve, &counts);
    engine_unseen_count(view->serve->engine, &unseen);
    if (counts.not_in_force > 0)
        str_printf(&text, "%d of %d containments are not in force any more",
                   counts.not_in_force, counts.on);
    if (unseen.count > 0)
        put_unseen(&text, &unseen, counts.on);
    bool is_good = text.len == 0;
    if (is_good && unseen.not_yet > 0)
        str_printf(&text, "%d of %d not checked since the engine started", unseen.not_yet,
                   counts.on);
    else if (is_good)
        str_add_text(&text, "as cordon left them when last observed");
    if (counts.on > 0)
        check(&view->out, "containments", is_good, str_text(&text),
              "cordon contained --check says which, and what stands there now");
    str_fini(&text);
}

/* That somebody wrote to the index is worth a look for a day, though it is made anew. */
static int check_record(const struct entry *entry, void *arg)
{
    struct view *view = arg;
    struct str text = { 0 };

    if (!span_is(json_get_raw(entry->body, "k"), "edited") ||
        clock_unix_ms() - json_get_int(entry->body, "at", 0) > RECORD_SHOWN_MS)
        return 0;
    str_add_text(&text,
                 "somebody else than cordon wrote to the index of the journal; it was "
                 "made again from the rows: ");
    json_text_to(&text, json_get(entry->body, "why"));
    check(&view->out, "index", false, str_text(&text),
          "look who may write to the state directory, and restore a copy if you are not "
          "sure");
    str_fini(&text);
    return 0;
}

static int check_records(struct view *view, struct err *err)
{
    struct entry_query query = {
        .kind = ENTRY_RECORD, .state = -1, .run = -1, .limit = 1, .newest_first = true
    };

    return store_each_entry(view->serve->store, &query, check_record, view, err);
}

static void check_unable(void *arg, const char *gate, struct span why)
{
    struct view *view = arg;
    struct str text = { 0 };

    str_printf(&text, "%s: ", gate);
    json_text_to(&text, why);
    check(&view->out, "gates", false, str_text(&text),
          "put its groups right in policy.lua: the gate is void then, and the run asks "
          "again; or cordon cancel ends the run");
    str_fini(&text);
}

/* Of each process that runs what others wrote. */
static void check_walls(struct view *view)
{
    struct str text = { 0 };
    bool is_ok = deny_show(&text, deny_has_filter(), deny_files_abi());

    check(&view->out, "walls", is_ok, str_text(&text),
          "boot Linux 5.13 or later with landlock among lsm=, and allow seccomp");
    str_fini(&text);
}

static int view_status(struct view *view, const struct asked *asked, struct err *err)
{
    struct serve *serve = view->serve;
    struct store_stat stat;
    char text[128];

    (void)asked;
    catalogue_check(serve); /* what it finds is told when it is asked for again */
    store_stat(serve->store, &stat);
    json_key(&view->out, "checks");
    json_open(&view->out, '[');
    snprintf(text, sizeof text, "%lld rows, %lld runs", (long long)stat.last_seq,
             (long long)stat.last_run);
    check(&view->out, "journal", true, text, NULL);
    check_walls(view);
    check_policy(view);
    check_plugins(view);
    catalogue_each_error(serve, check_file, view);
    catalogue_each_unreached(serve, check_reach, view);
    check_pulls(view);
    check_sources(view);
    unread_checks(serve, check_unread, view);
    check_holds(view);
    int rc = check_records(view, err);
    if (rc == 0)
        rc = view_each_unable(serve, check_unable, view, err);
    json_close(&view->out);
    return rc;
}

static int view_verify(struct view *view, const struct asked *asked, struct err *err)
{
    struct store *store = view->serve->store;
    struct index_diff diff = { 0 };
    struct str why = { 0 };
    int64_t rows = 0;

    (void)asked;
    int rc = store_verify(store, &rows, err);
    if (rc == 0)
        rc = store_check_index(store, &why, err);
    if (rc == 0)
        rc = index_compare(store, &diff, err);
    if (rc == 0 && (diff.wrong > 0 || why.len > 0))
        rc =
            err_set(err, ERR_CORRUPT,
                    "the index of the journal is not what its rows say: %s%s%s (%lld of "
                    "%lld entries); `cordon doctor --rebuild` makes it again from the rows",
                    str_text(&diff.first), diff.wrong > 0 && why.len > 0 ? "; " : "",
                    str_text(&why), (long long)diff.wrong, (long long)diff.entries);
    if (rc == 0) {
        json_put_int(&view->out, "entries", diff.entries);
        json_put_bool(&view->out, "ok", true);
        json_put_int(&view->out, "rows", rows);
    }
    str_fini(&diff.first);
    str_fini(&why);
    return rc;
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
    { "playbooks", view_playbooks, false }, { "playbook", view_playbook, true },
    { "metrics", view_metrics, false },     { "ready", view_ready, false },
    { "steps", view_steps, false },
};

static void answer(struct serve *serve, const struct asked *asked, view_fn *fn,
                   bool is_whole)
{
    struct str text = { 0 };
    struct view view = { .serve = serve, .out = { .str = &text } };
    struct err err;

    if (serve->is_dirty && fn != view_ready)
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
