/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One process for all adapters that cordon brings, and one for each version of a source's own.
 * Deliveries are sent ahead of their answers, so that it never waits for us. When it dies, the
 * delivery at which it was is to blame; the others are read by the next one. A file that has
 * changed is another version: what was sent to the old one is still answered by it.
 */
#include "serve/adapters.h"

#include <stdlib.h>
#include <string.h>

#include "alert/alert_set.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "frame/frame.h"
#include "serve/child.h"
#include "serve/inside.h"
#include "vm/limits.h"

enum {
    SENT_MAX = 64,                    /* deliveries on their way to one process */
    SENT_BYTES_MAX = 4 * 1024 * 1024, /* and their bytes */
    IDLE_MS = 60 * 1000,
    BLAMES_MAX = 3, /* processes that end while they read one delivery, or the adapter */
    FETCH_ID_MAX = 200
};

struct job {
    struct list in_set;
    char *kind;
    struct str raw;
    int64_t arrived_ms;
    bool takes_names; /* of what is to be fetched */
    int blames;       /* processes that ended while they were at it */
    adapters_done_fn *done;
    void *arg;
};

struct set {
    struct list in_serve;
    struct serve *serve;
    char *path; /* NULL: those that cordon brings */
    struct stamp stamp;
    struct machine *machine;
    struct list waiting, sent;
    int sent_count;
    size_t sent_bytes;
    struct later turn;
    struct timer idle;
    struct timer again; /* runs while its file is to be read once more */
    int lacks;
    struct str broken; /* why it cannot be used, JSON; empty: it can */
    int unloaded;      /* processes that ended while they read the adapter */
    bool is_loaded, is_spent, is_old;
};

static void free_job(struct job *job)
{
    list_remove(&job->in_set);
    str_fini(&job->raw);
    free(job->kind);
    free(job);
}

static void free_set(struct set *set)
{
    while (!list_is_empty(&set->waiting))
        free_job(list_item(list_take(&set->waiting), struct job, in_set));
    while (!list_is_empty(&set->sent))
        free_job(list_item(list_take(&set->sent), struct job, in_set));
    list_remove(&set->in_serve);
    later_stop(&set->turn);
    timer_stop(&set->idle);
    timer_stop(&set->again);
    str_fini(&set->broken);
    free(set->path);
    free(set);
}

static const char *name_of(const struct set *set)
{
    const char *slash = set->path == NULL ? NULL : strrchr(set->path, '/');

    return set->path == NULL ? "adapter" : slash != NULL ? slash + 1 : set->path;
}

/* -- Answers ------------------------------------------------------------------------------ */

static void put_message(struct str *out, const char *message)
{
    struct json_out json = { .str = out };

    str_reset(out);
    json_open(&json, '{');
    json_put(&json, "message", message);
    json_close(&json);
}

/* A mistake of an adapter has a place in its file; what came in has none. */
static void put_error(struct str *out, const struct set *set, struct span error)
{
    struct arena arena = { 0 };

    if (json_get_int(error, "line", 0) > 0 && set->path != NULL) {
        struct span text = vms_error(&arena, span_of(name_of(set)), error);
        char *message = span_dup(text);
        put_message(out, message);
        free(message);
    } else {
        char *message = json_get_text(error, "message");
        put_message(out, message != NULL ? message : "the adapter does not say why");
        free(message);
    }
    arena_fini(&arena);
}

static void answer(struct job *job, bool ok, struct span json)
{
    adapters_done_fn *done = job->done;
    void *arg = job->arg;

    free_job(job);
    done(arg, ok, json);
}

static void fail_job(struct job *job, const char *why)
{
    struct str error = { 0 };

    put_message(&error, why);
    answer(job, false, str_span(&error));
    str_fini(&error);
}

/* What is to be fetched, of a kind that can be. */
static int add_name(const struct job *job, struct span item, struct alert_set *alerts,
                    struct err *err)
{
    struct span kind = json_get_raw(item, "fetch"), id = json_get(item, "id");
    struct str name = { 0 };
    struct json_out json = { .str = &name };

    if (!span_is(kind, "graph-alerts") && !span_is(kind, "graph-incidents"))
        return err_set(err, ERR_INVALID, "fetch: want graph-alerts or graph-incidents");
    if (json_kind(id) != JSON_STRING || id.len > FETCH_ID_MAX)
        return err_set(err, ERR_INVALID, "fetch: want an id of at most %d bytes",
                       FETCH_ID_MAX);
    if (!job->takes_names)
        return err_set(
            err, ERR_INVALID,
            "a change notification only names what has changed (%.*s %.*s): it is "
            "fetched when it comes as a delivery",
            (int)kind.len, kind.ptr, (int)id.len, id.ptr);
    json_open(&json, '{');
    json_put_span(&json, "fetch", kind);
    json_put_raw(&json, "id", id);
    json_close(&json);
    alert_set_add_other(alerts, str_span(&name));
    str_fini(&name);
    return 0;
}

static int add_item(const struct job *job, struct span item, struct alert_set *alerts,
                    struct err *err)
{
    if (json_get(item, "fetch").len > 0)
        return add_name(job, item, alerts, err);
    return alert_set_add(alerts, item,
                         span_of(job->kind[0] != '\0' ? job->kind : "generic"),
                         job->arrived_ms, err);
}

static void add_unread(struct alert_set *alerts, const char *why)
{
    struct str unread = { 0 };
    struct json_out json = { .str = &unread };

    json_open(&json, '{');
    json_put(&json, "unread", why);
    json_close(&json);
    alert_set_add_other(alerts, str_span(&unread));
    str_fini(&unread);
}

/* Checks and completes the alerts that the adapter made. One that is none does not keep the
 * others from being taken; false when all are such. */
static bool complete(const struct job *job, struct span list, struct str *out)
{
    struct alert_set alerts = { 0 };
    struct span item;
    struct err err, first = { 0 };
    size_t pos = 0, n = 0, taken = 0;

    while (json_next(list, &pos, NULL, &item)) {
        n++;
        if (json_get(item, "unread").len > 0) {
            alert_set_add_other(&alerts, item);
        } else if (add_item(job, item, &alerts, &err) == 0) {
            taken++;
        } else {
            if (json_count(list) > 1)
                err_wrap(&err, "alert %zu of %zu", n, json_count(list));
            if (first.code == 0)
                first = err;
            add_unread(&alerts, err.text);
        }
    }
    if (taken > 0 || first.code == 0)
        alert_set_write(&alerts, out);
    else
        put_message(out, first.text);
    alert_set_fini(&alerts);
    return taken > 0 || first.code == 0;
}

/* -- Sending ------------------------------------------------------------------------------ */

static void pump(struct set *set);

static void on_turn(void *arg)
{
    pump(arg);
}

static void soon(struct set *set)
{
    timer_stop(&set->idle);
    later_stop(&set->turn);
    loop_later(set->serve->loop, &set->turn, on_turn, set);
}

static struct job *take_sent(struct set *set)
{
    struct job *job = list_item(list_take(&set->sent), struct job, in_set);

    set->sent_count--;
    set->sent_bytes -= job->raw.len;
    return job;
}

static void on_loaded(void *arg, bool ok, struct span json)
{
    struct set *set = arg;

    set->unloaded = set->lacks = 0;
    if (ok)
        set->is_loaded = true;
    else
        put_error(&set->broken, set, json); /* on_gone follows */
}

static void on_adapted(void *arg, bool ok, struct span json)
{
    struct set *set = arg;
    struct job *job = take_sent(set);
    struct span code = json_get_raw(json, "code");
    struct str out = { 0 };

    if (ok)
        ok = complete(job, json, &out);
    else
        put_error(&out, set, json);
    if (span_is(code, "budget") || span_is(code, "memory"))
        set->is_spent = true; /* it ends after this word, and nobody else is to blame */
    answer(job, ok, str_span(&out));
    str_fini(&out);
    if (list_is_empty(&set->sent) || !list_is_empty(&set->waiting))
        soon(set);
}

/* Whoever kills the process says nothing about the delivery, nor about the adapter: only what
 * ends one process after another is at fault. */
static void on_gone(void *arg, const char *why)
{
    struct set *set = arg;
    struct job *blamed = NULL;

    set->machine = NULL;
    if (!set->is_loaded && set->broken.len == 0 && ++set->unloaded >= BLAMES_MAX)
        put_message(&set->broken, why);
    if (set->is_loaded && !set->is_spent && !list_is_empty(&set->sent)) {
        struct job *head = list_item(set->sent.next, struct job, in_set);

        if (++head->blames >= BLAMES_MAX)
            blamed = take_sent(set);
    }
    while (!list_is_empty(&set->sent)) { /* in front of those that wait, in their order */
        struct list *last = set->sent.prev;
        list_remove(last);
        list_add(set->waiting.next, last);
    }
    set->sent_count = 0;
    set->sent_bytes = 0;
    set->is_loaded = set->is_spent = false;
    soon(set);
    if (blamed != NULL)
        fail_job(blamed, why);
}

static const struct vms_hooks hooks = { .loaded = on_loaded,
                                        .adapted = on_adapted,
                                        .gone = on_gone };

static void start(struct set *set)
{
    struct str source = { 0 };
    struct err err;
    int rc =
        set->path == NULL ? 0 : serve_read_file(&source, set->path, VM_SOURCE_MAX, &err);

    if (rc == ERR_BUSY && set->lacks < CHILD_TRIES_MAX)
        timer_start(&set->again, set->serve->loop, child_break_ms(set->lacks++), on_turn,
                    set);
    else if (rc != 0)
        put_message(&set->broken, err.text);
    else
        set->machine = vms_own_adapter(set->serve, span_of(name_of(set)), str_span(&source),
                                       &hooks, set);
    str_fini(&source);
}

static void send(struct set *set, struct job *job)
{
    struct str frame = { 0 };
    struct frame_writer out;

    frame_begin(&out, &frame, FRAME_VM_ADAPT);
    frame_add_text(&out, job->kind);
    frame_add_span(&out, str_span(&job->raw));
    frame_finish(&out);
    vms_own_send(set->machine, str_span(&frame));
    str_fini(&frame);
    list_add(&set->sent, &job->in_set);
    set->sent_count++;
    set->sent_bytes += job->raw.len;
}

static void on_idle(void *arg)
{
    struct set *set = arg;

    if (set->machine != NULL)
        vms_own_close(set->machine);
    free_set(set);
}

/* A broken one fails what waits for it. What it tells may bring new ones meanwhile: they find
 * the next turn. */
static void fail_waiting(struct set *set)
{
    struct list all;
    struct str why = { 0 };

    list_init(&all);
    while (!list_is_empty(&set->waiting))
        list_add(&all, list_take(&set->waiting));
    why = set->broken;
    set->broken = (struct str){ 0 };
    set->is_old = true; /* the next one tries again */
    while (!list_is_empty(&all))
        answer(list_item(list_take(&all), struct job, in_set), false, str_span(&why));
    str_fini(&why);
}

static void pump(struct set *set)
{
    if (set->broken.len == 0 && set->machine == NULL && !list_is_empty(&set->waiting) &&
        !timer_is_running(&set->again))
        start(set);
    if (set->broken.len > 0 && set->machine == NULL)
        fail_waiting(set);
    while (set->machine != NULL && set->broken.len == 0 && !list_is_empty(&set->waiting) &&
           set->sent_count < SENT_MAX && set->sent_bytes < SENT_BYTES_MAX)
        send(set, list_item(list_take(&set->waiting), struct job, in_set));
    if (list_is_empty(&set->sent) && list_is_empty(&set->waiting))
        timer_start(&set->idle, set->serve->loop, set->is_old ? 0 : IDLE_MS, on_idle, set);
}

/* -- Who asks ----------------------------------------------------------------------------- */

static bool same_path(const struct set *set, const char *path)
{
    return set->path == NULL ? path == NULL : path != NULL && strcmp(set->path, path) == 0;
}

/* The one of this path, as the file is now. */
static struct set *find(struct serve *serve, const char *path)
{
    struct stamp stamp = { 0 };

    if (path != NULL)
        serve_stamp(&stamp, path);
    list_each (link, after, &serve->adapting) {
        struct set *set = list_item(link, struct set, in_serve);

        if (set->is_old || !same_path(set, path))
            continue;
        if (serve_stamp_same(&set->stamp, &stamp))
            return set;
        set->is_old = true;
        soon(set);
    }
    struct set *set = xcalloc(1, sizeof *set);
    set->serve = serve;
    set->path = path == NULL ? NULL : span_dup(span_of(path));
    set->stamp = stamp;
    list_init(&set->waiting);
    list_init(&set->sent);
    list_add(&serve->adapting, &set->in_serve);
    return set;
}

static struct job *begin(struct serve *serve, struct span kind, const char *path,
                         struct span raw)
{
    struct set *set = find(serve, path);
    struct job *job = xcalloc(1, sizeof *job);

    job->kind = span_dup(kind);
    str_add_span(&job->raw, raw);
    list_add(&set->waiting, &job->in_set);
    soon(set);
    return job;
}

void adapters_read(struct serve *serve, struct span kind, const char *path, struct span raw,
                   int64_t arrived_ms, adapters_done_fn *done, void *arg)
{
    struct job *job = begin(serve, kind, path, raw);

    job->arrived_ms = arrived_ms;
    job->done = done;
    job->arg = arg;
}

void adapters_read_named(struct serve *serve, struct span kind, const char *path,
                         struct span raw, int64_t arrived_ms, adapters_done_fn *done,
                         void *arg)
{
    struct job *job = begin(serve, kind, path, raw);

    job->arrived_ms = arrived_ms;
    job->done = done;
    job->arg = arg;
    job->takes_names = true;
}

void adapters_close(struct serve *serve)
{
    while (!list_is_empty(&serve->adapting))
        free_set(list_item(list_take(&serve->adapting), struct set, in_serve));
}
