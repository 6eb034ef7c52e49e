/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/deny.h"
#include "base/log.h"
#include "net/listener.h"
#include "serve/fronts.h"
#include "serve/adapters.h"
#include "serve/alerts.h"
#include "serve/inside.h"
#include "serve/pull.h"
#include "serve/notices.h"
#include "serve/index.h"
#include "serve/reload.h"
#include "serve/supervisor.h"
#include "serve/unread.h"
#include "store/store.h"

/* -- small things that all use ------------------------------------------------------------ */

char *serve_path(struct serve *serve, const char *name)
{
    struct str path = { 0 };

    str_printf(&path, "%s/%s", serve->dir, name);
    return str_take(&path);
}

int serve_read_file(struct str *out, const char *path, size_t len_max, struct err *err)
{
    char buf[16384];
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return err_set(err, err_of_errno(errno), "read %s: %s", path, strerror(errno));
    while ((n = read(fd, buf, sizeof buf)) > 0 && out->len <= len_max)
        str_add(out, buf, (size_t)n);
    int why = errno;
    close(fd);
    if (n < 0)
        return err_set(err, err_of_errno(why), "read %s: %s", path, strerror(why));
    if (out->len > len_max)
        return err_set(err, ERR_TOO_BIG, "%s is larger than %zu bytes", path, len_max);
    return 0;
}

void serve_stamp(struct stamp *stamp, const char *path)
{
    struct stat st;

    memset(stamp, 0, sizeof *stamp);
    if (stat(path, &st) != 0)
        return;
    stamp->is_there = true;
    stamp->changed = st.st_ctim; /* unlike mtime nobody can set it */
    stamp->size = st.st_size;
    stamp->inode = st.st_ino;
}

bool serve_stamp_same(const struct stamp *a, const struct stamp *b)
{
    return a->is_there == b->is_there && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec && a->size == b->size &&
           a->inode == b->inode;
}

struct known *serve_known(struct serve *serve, struct span hash)
{
    list_each (link, after, &serve->known) {
        struct known *known = list_item(link, struct known, in_serve);

        if (span_is(hash, known->hash))
            return known;
    }
    return NULL;
}

struct known *serve_know(struct serve *serve, struct span hash, struct span name,
                         struct span source)
{
    struct known *known = xcalloc(1, sizeof *known);

    snprintf(known->hash, sizeof known->hash, "%.*s", (int)hash.len, hash.ptr);
    known->name = span_dup(name);
    known->source = span_dup(source);
    list_add(&serve->known, &known->in_serve);
    return known;
}

/* -- what the journal knows --------------------------------------------------------------- */

static int take_born(const struct row *row, void *arg)
{
    struct str *install = arg;

    if (row->kind == ROW_BORN)
        str_add_span(install, json_get_raw(row->body, "install"));
    return 1;
}

static int start_engine(struct serve *serve, struct err *err)
{
    struct str install = { 0 };
    struct store_stat stat;
    char seed[HASH_LEN];

    store_stat(serve->store, &stat);
    if (stat.last_seq > 0 && store_each(serve->store, 1, take_born, &install, err) < 0)
        return err->code;
    random_bytes(seed, sizeof seed);
    pump_event(serve, &(struct event){ .kind = EV_START,
                                       .last_seq = stat.last_seq,
                                       .last_run = stat.last_run,
                                       .name = str_span(&install),
                                       .seed = { seed, sizeof seed } });
    str_fini(&install);
    return 0;
}

/* Events are given after the walk, since what follows from them is written to the store. */
struct walk {
    struct arena arena;
    struct event *events;
    int count, cap;
    struct serve *serve;
    int64_t names_run; /* whose names these are */
    struct span name, top;
    int64_t bad_source; /* row of a playbook that is not what its hash says; 0 none */
    int bad_key, bad_credential; /* a key whose row says something else; 0 none */
    bool is_source_good;
};

static struct event *add_event(struct walk *walk, enum event_kind kind)
{
    if (walk->count == walk->cap) {
        walk->cap = walk->cap == 0 ? 64 : walk->cap * 2;
        walk->events = xrealloc(walk->events, (size_t)walk->cap * sizeof *walk->events);
    }
    struct event *event = &walk->events[walk->count++];
    *event = (struct event){ .kind = kind };
    return event;
}

static struct span keep(struct walk *walk, struct span bytes)
{
    return (struct span){ arena_dup(&walk->arena, bytes.ptr, bytes.len), bytes.len };
}

/* The rows are chained and the index is not: what will run comes from its row, and is what
 * its hash says. */
static int take_source(const struct row *row, void *arg)
{
    struct walk *walk = arg;
    struct event *event = add_event(walk, EV_PLAYBOOK);
    char *source = json_get_text(row->body, "source");
    char *name = json_get_text(row->body, "name");
    char *by = json_get_text(row->body, "by");
    char hash[HASH_HEX_LEN + 1] = "";

    event->name = keep(walk, json_get_raw(row->body, "hash"));
    event->json = keep(walk, json_get(row->body, "info"));
    event->text = keep(walk, span_of(source));
    event->who = keep(walk, span_of(by));
    event->number = row->seq;
    if (source != NULL)
        hash_hex(hash_of(source, strlen(source)), hash);
    walk->is_source_good = row->kind == ROW_PLAYBOOK && span_is(event->name, hash);
    if (walk->is_source_good && serve_known(walk->serve, event->name) == NULL)
        serve_know(walk->serve, event->name, span_of(name), span_of(source))->path =
            json_get_text(row->body, "path");
    free(name);
    free(by);
    free(source);
    return 1;
}

static int take_playbook(const struct entry *entry, void *arg)
{
    struct walk *walk = arg;
    struct err err;

    walk->is_source_good = false;
    if (store_each(walk->serve->store, entry->run, take_source, walk, &err) < 0)
        log_warnx("%s", err.text);
    walk->bad_source = walk->is_source_good ? 0 : entry->run;
    return !walk->is_source_good;
}

static int take_halt(const struct entry *entry, void *arg)
{
    struct walk *walk = arg;
    struct event *event = add_event(walk, EV_HALT);
    char *scope = json_get_text(entry->body, "scope");

    event->name = keep(walk, span_of(scope));
    event->number = entry->n;
    free(scope);
    return 0;
}

static int take_intent(const struct row *row, void *arg)
{
    struct walk *walk = arg;

    walk->events[walk->count - 1].text = keep(walk, row->body);
    return 1; /* just this one */
}

static int take_hold(const struct entry *entry, void *arg)
{
    struct walk *walk = arg;
    struct event *event = add_event(walk, EV_HOLD);
    int64_t first_seq = entry->first_seq;
    struct err err;

    event->run = entry->run;
    event->number = entry->n;
    event->number2 = entry->due_ms;
    event->first_seq = first_seq;
    event->last_seq = entry->last_seq;
    event->json = keep(walk, entry->body);
    if (json_get(event->json, "s").len == 0 && /* written before holds were shared */
        store_each(walk->serve->store, first_seq, take_intent, walk, &err) < 0)
        log_warnx("%s", err.text);
    return 0;
}

/* As with a playbook, what counts is the row. */
/* What a break-glass is, its row says: the index is not chained. */
static int take_glass_row(const struct row *row, void *arg)
{
    if (row->kind == ROW_BREAK_GLASS || row->kind == ROW_REVIEW)
        add_event(arg, EV_GLASS)->json = keep(arg, row->body);
    return 1;
}

static int take_glass(const struct entry *entry, void *arg)
{
    struct walk *walk = arg;
    struct err err;

    glass_changed(walk->serve);
    if (store_each(walk->serve->store, entry->last_seq, take_glass_row, walk, &err) < 0)
        log_warnx("%s", err.text);
    return 0;
}

/* An answer that is kept is what its row says; one that has been there too long is none. */
static int take_once_row(const struct row *row, void *arg)
{
    if (row->kind == ROW_ONCE &&
        clock_unix_ms() - row->at_ms < ENGINE_ONCE_HOURS * INT64_C(3600000))
        add_event(arg, EV_ONCE)->json = keep(arg, row->body);
    return 1;
}

static int take_once(const struct entry *entry, void *arg)
{
    struct walk *walk = arg;
    struct err err;

    if (store_each(walk->serve->store, entry->last_seq, take_once_row, walk, &err) < 0)
        log_warnx("%s", err.text);
    return 0;
}

static int take_key_row(const struct row *row, void *arg)
{
    struct walk *walk = arg;

    walk->is_source_good = row->kind == ROW_KEY;
    if (walk->is_source_good)
        add_event(walk, EV_KEY)->json = keep(walk, row->body);
    return 1;
}

static int take_key(const struct entry *entry, void *arg)
{
    struct walk *walk = arg;
    struct err err;

    walk->is_source_good = false;
    if (store_each(walk->serve->store, entry->last_seq, take_key_row, walk, &err) < 0)
        log_warnx("%s", err.text);
    if (walk->is_source_good) {
        struct span body = walk->events[walk->count - 1].json;

        walk->is_source_good = json_get_int(body, "i", 0) == entry->n &&
                               json_get_bool(body, "on", false) == (entry->state == 1);
    }
    walk->bad_key = walk->is_source_good ? 0 : entry->n;
    return !walk->is_source_good;
}

/* A credential is what its row says, as a key is; an entry that says otherwise is none. */
static int take_credential_row(const struct row *row, void *arg)
{
    struct walk *walk = arg;

    walk->is_source_good = row->kind == ROW_ACCOUNT || row->kind == ROW_TOKEN;
    if (walk->is_source_good)
        add_event(walk, row->kind == ROW_TOKEN ? EV_TOKEN : EV_ACCOUNT)->json =
            keep(walk, row->body);
    return 1;
}

static int take_credential(const struct entry *entry, void *arg)
{
    struct walk *walk = arg;
    struct err err;

    walk->is_source_good = false;
    if (store_each(walk->serve->store, entry->last_seq, take_credential_row, walk, &err) <
        0)
        log_warnx("%s", err.text);
    if (walk->is_source_good) {
        const struct event *event = &walk->events[walk->count - 1];

        walk->is_source_good =
            (event->kind == EV_TOKEN) == (entry->kind == ENTRY_TOKEN) &&
            json_get_int(event->json, "i", 0) == entry->n &&
            json_get_bool(event->json, "on", false) == (entry->state == 1);
    }
    if (!walk->is_source_good)
        walk->bad_credential = entry->n;
    return !walk->is_source_good;
}

/* What the guards want to know of an intent; a whole hour of whole rows would be much. */
static int take_change(const struct row *row, void *arg)
{
    static const char *const keys[] = { "a", "at", "op", "t" };
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    if (row->kind != ROW_INTENT)
        return 0;
    json_open(&out, '{');
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (json_get(row->body, keys[i]).len > 0)
            json_put_raw(&out, keys[i], json_get(row->body, keys[i]));
    json_close(&out);
    struct event *event = add_event(arg, EV_CHANGE_SEEN);
    event->number = row->at_ms;
    event->run = row->run;
    event->json = keep(arg, str_span(&text));
    str_fini(&text);
    return 0;
}

/* The playbook of its run, and the one above all that called it. */
static void name_change(struct walk *walk, struct event *event)
{
    struct entry entry;
    struct err ignored;

    if (walk->names_run != event->run) {
        walk->names_run = event->run;
        walk->name = walk->top = (struct span){ 0 };
        if (store_find(walk->serve->store, ENTRY_RUN, event->run, 0, &entry, &ignored) ==
            0) {
            walk->name = keep(walk, json_get_raw(entry.body, "playbook"));
            walk->top = keep(walk, json_get_raw(entry.body, "top"));
        }
    }
    event->name = walk->name;
    event->text = walk->top;
}

static int take_family(const struct entry *entry, void *arg)
{
    struct event *event = add_event(arg, EV_FAMILY);

    event->run = entry->run;
    event->json = keep(arg, entry->body);
    return 0;
}

static void give(struct walk *walk)
{
    for (int i = 0; i < walk->count; i++) {
        if (walk->events[i].kind == EV_CHANGE_SEEN)
            name_change(walk, &walk->events[i]);
        pump_event(walk->serve, &walk->events[i]);
    }
    walk->count = 0;
    arena_reset(&walk->arena);
}

static void end_walk(struct walk *walk)
{
    arena_fini(&walk->arena);
    free(walk->events);
}

static int give_known(struct serve *serve, struct err *err)
{
    struct walk walk = { .serve = serve };
    struct entry_query playbooks = { .kind = ENTRY_PLAYBOOK, .state = -1, .run = -1 };
    struct entry_query halts = { .kind = ENTRY_HALT, .state = 1, .run = -1 };
    struct entry_query glasses = { .kind = ENTRY_GLASS, .state = -1, .run = -1 };
    struct entry_query holds = { .kind = ENTRY_HOLD, .state = HOLD_ON, .run = -1 };
    struct entry_query keys = { .kind = ENTRY_KEY, .state = -1, .run = -1 };
    struct entry_query accounts = { .kind = ENTRY_ACCOUNT, .state = -1, .run = -1 };
    struct entry_query tokens = { .kind = ENTRY_TOKEN, .state = -1, .run = -1 };
    struct entry_query onces = { .kind = ENTRY_ONCE, .state = 1, .run = -1 };
    int64_t since = store_seq_since(serve->store, clock_unix_ms() - 3600 * INT64_C(1000));
    int rc = store_each_entry(serve->store, &playbooks, take_playbook, &walk, err);

    if (walk.bad_source > 0)
        rc = err_set(err, ERR_CORRUPT,
                     "row %" PRId64
                     " of the journal in %s is no playbook as it was written; "
                     "keep the file as it is, and put a copy from a backup in its place",
                     walk.bad_source, serve->dir);
    if (rc == 0)
        rc = store_each_entry(serve->store, &halts, take_halt, &walk, err);
    if (rc == 0)
        rc = store_each_entry(serve->store, &glasses, take_glass, &walk, err);
    if (rc == 0)
        rc = store_each_entry(serve->store, &holds, take_hold, &walk, err);
    if (rc == 0)
        rc = store_each_entry(serve->store, &keys, take_key, &walk, err);
    if (walk.bad_key > 0)
        rc = err_set(err, ERR_CORRUPT,
                     "the index in %s says of key k-%d what no row of the journal says; "
                     "put a copy from a backup in its place",
                     serve->dir, walk.bad_key);
    if (rc == 0)
        rc = store_each_entry(serve->store, &accounts, take_credential, &walk, err);
    if (rc == 0 && walk.bad_credential == 0)
        rc = store_each_entry(serve->store, &tokens, take_credential, &walk, err);
    if (walk.bad_credential > 0)
        rc = err_set(err, ERR_CORRUPT,
                     "the index in %s says of account or token %d what no row of the "
                     "journal says; put a copy from a backup in its place",
                     serve->dir, walk.bad_credential);
    if (rc == 0)
        rc = store_each_entry(serve->store, &onces, take_once, &walk, err);
    if (rc == 0)
        rc = store_each(serve->store, since, take_change, &walk, err);
    if (rc == 0)
        give(&walk);
    end_walk(&walk);
    return rc;
}

int serve_give_families(struct serve *serve, struct err *err)
{
    struct walk walk = { .serve = serve };
    struct entry_query families = { .kind = ENTRY_FAMILY, .state = 1, .run = -1 };
    int rc = store_each_entry(serve->store, &families, take_family, &walk, err);

    if (rc == 0)
        give(&walk);
    end_walk(&walk);
    return rc;
}

/* -- the beginning ------------------------------------------------------------------------ */

static void say_ready(struct serve *serve, const char *line)
{
    int fd = serve->options->ready_fd;

    if (fd >= 0) {
        dprintf(fd, "%s\n", line);
        close(fd);
    } else if (strcmp(line, "ready") != 0) {
        log_warnx("%s", line);
    }
}

static void fail(struct serve *serve, const struct err *err)
{
    say_ready(serve, err->text);
    serve->exit = 1;
    loop_stop(serve->loop);
}

static void be_ready(struct serve *serve)
{
    struct str listens = { 0 };
    struct err err;

    /* An engine for a command alone ends soon, and polls nobody. */
    if (serve->options->stay && pull_open(serve, &err) != 0) {
        fail(serve, &err);
        return;
    }
    serve->is_ready = true;
    watch_start(serve);
    dues_arm(serve->dues);
    fronts_describe(serve, &listens);
    say_ready(serve, "ready");
    if (serve->options->on_ready != NULL)
        serve->options->on_ready(serve->options, str_text(&listens));
    supervisor_ready(serve->supervisor, serve->fronts != NULL ? "serving" : "ready");
    str_fini(&listens);
    serve_maybe_end(serve);
}

static void on_fronts(struct serve *serve, const struct err *wrong)
{
    if (wrong != NULL)
        fail(serve, wrong);
    else
        be_ready(serve);
}

static void on_catalogue(struct serve *serve);

static void on_policy(struct serve *serve, const struct err *none)
{
    struct err err;

    (void)none;
    open_give(serve);
    if (alerts_open(serve, &err) != 0)
        fail(serve, &err);
    else
        catalogue_read(serve, on_catalogue);
}

static void on_catalogue(struct serve *serve)
{
    struct err err;

    if (clients_open(serve, &err) != 0 || alerts_resume(serve, &err) != 0) {
        fail(serve, &err);
        return;
    }
    pump_event(serve, &(struct event){ .kind = EV_READY });
    notices_open(serve);
    if (serve->options->listens)
        fronts_open(serve, on_fronts);
    else
        be_ready(serve);
}

/* The configuration is being read meanwhile, in another process. */
static int walk_once(struct serve *serve, struct err *err)
{
    struct str said = { 0 };

    timer_stop(&serve->walk);
    if (serve->open != NULL)
        return 0;
    int rc = index_open(serve->store, &said, err);
    if (said.len > 0)
        log_warnx("%s", str_text(&said));
    str_fini(&said);
    return rc == 0 ? open_walk(serve, err) : rc;
}

static void on_walk(void *arg)
{
    struct err err;

    if (walk_once(arg, &err) != 0)
        fail(arg, &err);
}

static void on_config(struct serve *serve, const struct err *wrong)
{
    struct err err;

    if (wrong != NULL) {
        fail(serve, wrong);
    } else if (walk_once(serve, &err) != 0 || start_engine(serve, &err) != 0 ||
               give_known(serve, &err) != 0 || serve_give_families(serve, &err) != 0 ||
               locks_read(serve, &err) != 0) {
        fail(serve, &err);
    } else {
        rules_read(serve, on_policy);
        open_warm(serve);
    }
}

/* -- the end ------------------------------------------------------------------------------ */

static bool has_nothing_to_do(struct serve *serve)
{
    return serve->client_count == 0 && serve->delivery_count == 0 &&
           hosts_are_idle(serve) && !serve->is_reading_policy && !serve->is_dirty &&
           !serve->has_lazy && serve->urgent_count == 0 &&
           (engine_runs(serve->engine) == 0 || engine_is_idle(serve->engine));
}

static void on_linger(void *arg)
{
    struct serve *serve = arg;

    if (has_nothing_to_do(serve))
        serve_end(serve, 0);
    else
        serve_maybe_end(serve);
}

void serve_maybe_end(struct serve *serve)
{
    if (!serve->options->stay && serve->is_ready && !serve->is_ending &&
        serve->client_count == 0 && !timer_is_running(&serve->linger))
        timer_start(&serve->linger, serve->loop, SERVE_LINGER_MS, on_linger, serve);
}

void serve_end(struct serve *serve, int exit)
{
    serve->is_ending = true;
    serve->exit = exit;
    loop_stop(serve->loop);
}

static void on_fronts_stopped(struct serve *serve)
{
    serve_end(serve, 0);
}

/* Who was let in is answered first; a second signal does not wait for that. */
static void on_signal(void *arg)
{
    struct serve *serve = arg;

    if (serve->fronts == NULL || serve->is_stopping) {
        serve_end(serve, 0);
        return;
    }
    serve->is_stopping = true;
    supervisor_stopping(serve->supervisor);
    fronts_stop(serve, on_fronts_stopped);
}

/* The socket goes while the directory is still locked: who finds nobody there starts an
 * engine, and that one waits for the lock or says that we have it. */
static void close_all(struct serve *serve)
{
    if (serve->is_dirty)
        pump_commit(serve);
    serve->is_ending = true;
    supervisor_stopping(serve->supervisor);
    fronts_close(serve);
    clients_close(serve);
    feeds_close(serve);
    timer_stop(&serve->linger);
    waited_fini(serve);
    timer_stop(&serve->watch);
    timer_stop(&serve->commit);
    timer_stop(&serve->tick);
    timer_stop(&serve->policy_again);
    timer_stop(&serve->walk);
    open_forget(serve);
    pull_close(serve);
    adapters_close(serve);
    alerts_close(serve);
    unread_close(serve);
    catalogue_close(serve);
    notices_close(serve);
    calls_close(serve);
    vms_close(serve);
    hosts_close(serve);
    dues_free(serve->dues);
    supervisor_close(serve->supervisor);
    loop_close(serve->loop);
    store_close(serve->store);
}

static void free_all(struct serve *serve)
{
    engine_free(serve->engine);
    turn_free(serve->turn);
    tails_free(serve->tails);
    locks_close(serve);
    while (!list_is_empty(&serve->known)) {
        struct known *known = list_item(list_take(&serve->known), struct known, in_serve);

        free(known->name);
        free(known->source);
        free(known->path);
        free(known);
    }
    reload_close(serve);
    str_fini(&serve->config);
    str_fini(&serve->counted);
    str_fini(&serve->notify_plugin);
    free(serve->config_path);
    free(serve->policy_path);
    free(serve->policy_why);
    str_fini(&serve->policy_json);
    free(serve);
}

static struct serve *new_serve(const struct serve_options *options)
{
    struct serve *serve = xcalloc(1, sizeof *serve);

    serve->options = options;
    serve->dir = options->state_dir;
    list_init(&serve->machines);
    list_init(&serve->asked_again);
    list_init(&serve->hosts);
    list_init(&serve->known);
    list_init(&serve->loading);
    list_init(&serve->finding);
    list_init(&serve->adapting);
    list_init(&serve->pulls);
    list_init(&serve->fetches);
    list_init(&serve->locks);
    list_init(&serve->clients);
    list_init(&serve->held);
    list_init(&serve->deliveries);
    list_init(&serve->feeds);
    for (int i = 0; i < SERVE_BUCKETS; i++)
        list_init(&serve->followers[i]);
    for (int i = 0; i < SERVE_BUCKETS; i++)
        list_init(&serve->asks[i]);
    list_init(&serve->old_configs);
    return serve;
}

/* An engine that a command has started may just be ending itself: one that is to stay waits for
 * that. */
static int open_store(struct serve *serve, struct err *err)
{
    const struct timespec pause = { .tv_nsec = 50000000 };
    int rc = store_open(&serve->store, serve->options->state_dir, err);

    for (int i = 0; serve->options->stay && rc == ERR_BUSY && i < SERVE_OPEN_TRIES; i++) {
        nanosleep(&pause, NULL);
        rc = store_open(&serve->store, serve->options->state_dir, err);
    }
    return rc;
}

int serve_engine(const struct serve_options *options)
{
    struct serve *serve = new_serve(options);
    struct err err;

    /* Before there is a secret or a row in its memory. */
    if (deny_inspection(&err) != 0) {
        say_ready(serve, err.text);
        free_all(serve);
        return 1;
    }
    if (open_store(serve, &err) != 0) {
        bool is_busy = err.code == ERR_BUSY && options->ready_fd >= 0;

        say_ready(serve, is_busy ? "busy" : err.text);
        free_all(serve);
        return 1;
    }
    serve->loop = loop_open();
    if (options->stay) /* one that a command starts belongs to no service manager */
        serve->supervisor = supervisor_open(serve->loop);
    serve->engine = engine_new();
    serve->turn = turn_new();
    serve->tails = tails_new();
    serve->dues = dues_new(serve);
    pump_open(serve);
    loop_on_signal(serve->loop, SIGTERM, on_signal, serve);
    loop_on_signal(serve->loop, SIGINT, on_signal, serve);
    /* Without a file to read, the configuration is there at once, and does the walk. */
    timer_start(&serve->walk, serve->loop, 0, on_walk, serve);
    reload_open(serve);
    config_read(serve, on_config);
    loop_run(serve->loop);
    close_all(serve);
    int exit = serve->exit;
    free_all(serve);
    return exit;
}
