/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/hosts.c - a process per plugin.
 *
 *   STARTING ── ready ──► READY ── it ended ──► (gone; the next frame starts another)
 *       └── it cannot be used, or ended three times within a minute ──► REFUSED
 *
 * Calls that come while it starts wait here. Each call has its deadline; a host that does
 * not answer by then, and some seconds more, is killed, and its calls are in doubt. The end of
 * its process is the end of the host, its process group's too, whoever else holds its socket.
 */
#include "serve/inside.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cordon/plugin.h>

#include "base/clock.h"
#include "base/log.h"
#include "frame/frame.h"
#include "net/process.h"
#include "net/stream.h"
#include "plugin/host.h"
#include "serve/child.h"
#include "serve/paths.h"
#include "serve/secrets.h"

enum {
    HOSTS_START_MS = 60000, /* until it says READY */
    HOSTS_GRACE_MS = 5000,  /* beyond a call's deadline */
    HOSTS_LINGER_MS = 500,  /* from the end of its process to that of its socket */
    HOSTS_CLOSED_MS = 100,  /* from the end of its socket to that of its process */
    HOSTS_DEATHS_MAX = 3,
    HOSTS_DEATHS_WITHIN_MS = 60000,
    HOSTS_PAUSE_MS = 10000 /* after that many deaths by somebody else's hand */
};

/* The engine counts its calls from 1 and will not get here. */
#define HOSTS_OWN_FIRST (INT64_C(1) << 62)

struct call { /* one that the host has not answered */
    struct list in_host;
    struct host *host;
    int64_t id;
    struct timer timer;
    int64_t timeout_ms;
    char action[80];
    hosts_own_fn *done; /* NULL: the engine is told */
    void *arg;
    struct later refusal; /* it was never sent */
    char why[512];
};

struct host {
    struct list in_serve;
    struct serve *serve;
    char *name;        /* "" while it is only looked at */
    char *config_name; /* its part of cordon.lua */
    struct process *process;
    struct stream *stream;
    struct list calls;
    struct str queue; /* frames until it is ready */
    char *path, *pin; /* of what is started */
    struct timer start, linger;
    struct timer
        again; /* runs while it is to be started once more, for want of something */
    int lacks;
    bool is_lacking;
    bool
        is_killed; /* by SIGKILL, and not by us: the kernel, short of memory, or a person */
    struct later failure;
    bool is_ready, is_refused, is_ending;
    bool is_over; /* what it still sends is not believed */
    int64_t deaths_ms[HOSTS_DEATHS_MAX];
    char why[512];
    /* hosts_look() */
    hosts_seen_fn *seen;
    void *arg;
};

/* -- the end ------------------------------------------------------------------------------ */

static void say_why(struct host *host, const char *why)
{
    if (host->why[0] == '\0')
        snprintf(host->why, sizeof host->why, "%s", why);
}

static void drop_call(struct call *call)
{
    timer_stop(&call->timer);
    later_stop(&call->refusal);
    list_remove(&call->in_host);
    free(call);
}

static void drop_calls(struct host *host)
{
    while (!list_is_empty(&host->calls))
        drop_call(list_item(list_take(&host->calls), struct call, in_host));
}

/* Those of this process are told here; the engine knows by itself what its own were. */
static void end_own(struct call *call, int status, const char *code, const char *why)
{
    struct hosts_answer answer = { .status = status,
                                   .code = span_of(code),
                                   .message = span_of(why) };
    hosts_own_fn *done = call->done;
    void *arg = call->arg;

    drop_call(call);
    done(arg, &answer);
}

static void take_own(struct host *host, struct list *own)
{
    list_init(own);
    list_each (link, after, &host->calls) {
        struct call *call = list_item(link, struct call, in_host);

        if (call->done == NULL)
            continue;
        list_remove(link);
        timer_stop(&call->timer);
        list_add(own, link);
    }
}

static void end_all_own(struct list *own, int status, const char *why)
{
    while (!list_is_empty(own))
        end_own(list_item(list_take(own), struct call, in_host), status, "host_gone", why);
}

static void free_host(struct host *host)
{
    drop_calls(host);
    timer_stop(&host->start);
    timer_stop(&host->linger);
    timer_stop(&host->again);
    later_stop(&host->failure);
    stream_close(host->stream);
    process_close(host->process);
    list_remove(&host->in_serve);
    str_fini(&host->queue);
    free(host->path);
    free(host->pin);
    free(host->name);
    free(host->config_name);
    free(host);
}

static void tell_look(struct host *host, bool ok, struct span sha256, struct span json)
{
    hosts_seen_fn *seen = host->seen;

    host->seen = NULL;
    if (seen != NULL)
        seen(host->arg, ok, sha256, json);
}

/* Three ends within a minute: starting it again would only go on like this. */
static bool dies_too_often(struct host *host)
{
    int64_t now_ms = clock_mono_us() / 1000;

    memmove(host->deaths_ms, host->deaths_ms + 1,
            (HOSTS_DEATHS_MAX - 1) * sizeof *host->deaths_ms);
    host->deaths_ms[HOSTS_DEATHS_MAX - 1] = now_ms;
    return host->deaths_ms[0] != 0 && now_ms - host->deaths_ms[0] < HOSTS_DEATHS_WITHIN_MS;
}

static void refuse(struct host *host, const char *why)
{
    struct lock_line *line = locks_find(host->serve, span_of(host->name));

    host->is_refused = true;
    say_why(host, why);
    if (line != NULL) {
        free(line->refused);
        line->refused = xstrdup(host->why);
    }
}

static void begin(void *arg);

/* Both its process and its stream are gone. */
static void gone(struct host *host)
{
    struct serve *serve = host->serve;
    struct list own;
    char why[sizeof host->why + 128];

    if (host->process != NULL || host->stream != NULL)
        return;
    if (host->is_lacking && !host->is_ending && host->lacks < CHILD_TRIES_MAX) {
        timer_stop(&host->start);
        timer_stop(&host->linger);
        timer_start(&host->again, serve->loop, child_break_ms(host->lacks++), begin, host);
        return;
    }
    if (host->seen != NULL || host->name[0] == '\0') {
        tell_look(host, false, (struct span){ 0 }, span_of(host->why));
        free_host(host);
        serve_maybe_end(serve);
        return;
    }
    timer_stop(&host->start);
    timer_stop(&host->linger);
    take_own(host, &own);
    drop_calls(host);
    str_reset(&host->queue);
    bool was_ready = host->is_ready;
    bool is_often = !host->is_refused && !host->is_ending && dies_too_often(host);
    if (is_often && host->is_killed)
        timer_start(&host->again, serve->loop, HOSTS_PAUSE_MS, begin, host);
    else if (is_often)
        refuse(host, "");
    snprintf(why, sizeof why, "plugin %s: %s%s", host->name, host->why,
             host->is_refused && host->is_ready
                 ? "; it ended three times within a minute and is not started again"
                 : "");
    host->is_ready = host->is_ending = false;
    pump_event(serve, &(struct event){ .kind = EV_HOST_GONE,
                                       .name = span_of(host->name),
                                       .ok = !host->is_refused,
                                       .text = span_of(why) });
    if (!host->is_refused)
        host->why[0] = '\0';
    end_all_own(&own, host->is_refused && !was_ready ? CORDON_REFUSED : CORDON_UNKNOWN,
                why);
    serve_maybe_end(serve);
}

/* Somebody else holds its end of the socket: a process that it made and that got away from its
 * process group. What such a process writes is no answer. */
static void on_linger_over(void *arg)
{
    struct host *host = arg;

    log_warnx("plugin %s: its process has ended, and its socket was still open",
              host->name);
    stream_close(host->stream);
    host->stream = NULL;
    gone(host);
}

static void on_exit_of(void *arg, int status)
{
    struct host *host = arg;
    char why[96];

    host->process = NULL;
    host->is_lacking = host->is_lacking || (status == HOST_EXIT_LACKING && !host->is_ready);
    host->is_killed = status == -SIGKILL && host->why[0] == '\0';
    if (status < 0)
        snprintf(why, sizeof why, "its process was ended by signal %d", -status);
    else
        snprintf(why, sizeof why, "its process ended with status %d", status);
    say_why(host, why);
    if (host->stream != NULL) /* what it wrote before its end is still read */
        timer_start(&host->linger, host->serve->loop, HOSTS_LINGER_MS, on_linger_over,
                    host);
    gone(host);
}

static void on_failure(void *arg)
{
    gone(arg);
}

static void end(struct host *host, const char *why)
{
    say_why(host, why);
    if (host->process != NULL)
        process_kill(host->process, SIGKILL);
    if (!timer_is_running(&host->again))
        return;
    timer_stop(&host->again);
    host->is_ending = true;
    loop_later(host->serve->loop, &host->failure, on_failure, host);
}

static void on_closed_alive(void *arg)
{
    end(arg, "it closed its socket, or sent what is no frame");
}

/* The socket of a process that somebody killed ends a moment before the process does. */
static void on_closed(void *arg, const char *why)
{
    struct host *host = arg;

    (void)why;
    host->stream = NULL;
    if (host->process != NULL)
        timer_start(&host->linger, host->serve->loop, HOSTS_CLOSED_MS, on_closed_alive,
                    host);
    gone(host);
}

static void on_start_late(void *arg)
{
    end(arg, "it was not ready within 60 s");
}

static void on_call_late(void *arg)
{
    struct call *call = arg;

    char why[256], limit[32];

    snprintf(
        why, sizeof why,
        "it did not answer a call of %s within %s (the timeout and 5 s), and was ended",
        call->action, duration_show(call->timeout_ms, limit));
    end(call->host, why);
}

/* -- what comes --------------------------------------------------------------------------- */

static bool is_json(struct span json)
{
    struct err ignored;

    return json.len == 0 || json_check(json.ptr, json.len, FRAME_LEN_MAX, &ignored) == 0;
}

static struct call *find_call(struct host *host, int64_t id)
{
    list_each (link, after, &host->calls) {
        struct call *call = list_item(link, struct call, in_host);

        if (call->id == id)
            return call;
    }
    return NULL;
}

static int give_done(struct host *host, struct span fields, struct err *err)
{
    struct frame_reader in;
    struct event event = { .kind = EV_HOST_DONE };

    frame_read(&in, fields);
    event.number = frame_get_int(&in);
    event.status = (int)frame_get_int(&in);
    event.code = frame_get_span(&in);
    event.message = frame_get_span(&in);
    event.target = frame_get_span(&in);
    event.token = frame_get_span(&in);
    event.state = frame_get_span(&in);
    event.after = frame_get_span(&in);
    event.goal = frame_get_span(&in);
    event.info = frame_get_span(&in);
    event.result = frame_get_span(&in);
    event.verified = frame_get_int(&in) != 0;
    event.wait_ms = frame_get_int(&in);
    if (frame_end(&in, err) != 0)
        return err->code;
    if (!is_json(event.state) || !is_json(event.after) || !is_json(event.goal) ||
        !is_json(event.info) || !is_json(event.result))
        return err_set(err, ERR_INVALID, "an answer that is no JSON");
    struct call *call = find_call(host, event.number);
    if (call == NULL)
        return 0; /* its deadline was before it */
    hosts_own_fn *done = call->done;
    void *arg = call->arg;
    drop_call(call);
    if (done != NULL)
        done(arg, &(struct hosts_answer){ event.status, event.code, event.message,
                                          event.result });
    else
        pump_event(host->serve, &event);
    return 0;
}

static int give_progress(struct host *host, struct span fields, struct err *err)
{
    struct frame_reader in;
    struct event event = { .kind = EV_HOST_PROGRESS };

    frame_read(&in, fields);
    event.number = frame_get_int(&in);
    event.json = frame_get_span(&in);
    if (frame_end(&in, err) != 0)
        return err->code;
    if (!is_json(event.json))
        return err_set(err, ERR_INVALID, "progress that is no JSON");
    if (event.number < HOSTS_OWN_FIRST)
        pump_event(host->serve, &event);
    return 0;
}

static int give_ready(struct host *host, struct span fields, struct err *err)
{
    struct frame_reader in;

    frame_read(&in, fields);
    struct span sha256 = frame_get_span(&in);
    struct span declaration = frame_get_span(&in);
    if (frame_end(&in, err) != 0)
        return err->code;
    if (!is_json(declaration) || sha256.len != HASH_HEX_LEN)
        return err_set(err, ERR_INVALID, "a declaration that is none");
    timer_stop(&host->start);
    if (host->seen != NULL) {
        tell_look(host, true, sha256, declaration);
        end(host, "seen");
        return 0;
    }
    host->is_ready = true;
    stream_send(host->stream, str_span(&host->queue));
    str_reset(&host->queue);
    return 0;
}

static int give_failed(struct host *host, struct span fields, struct err *err)
{
    struct frame_reader in;
    char why[sizeof host->why];

    frame_read(&in, fields);
    struct span text = frame_get_span(&in);
    if (frame_end(&in, err) != 0)
        return err->code;
    snprintf(why, sizeof why, "%.*s", (int)text.len, text.ptr);
    host->is_over = true;
    if (host->is_ending) /* it speaks of a line that is no longer in plugins.lock */
        return 0;
    if (host->seen == NULL)
        refuse(host, why);
    end(host, why);
    return 0;
}

static void on_frame(void *arg, enum frame_type type, struct span fields)
{
    struct host *host = arg;
    struct err err;
    int rc;

    if (host->is_over)
        return;
    switch (type) {
    case FRAME_HOST_READY: rc = give_ready(host, fields, &err); break;
    case FRAME_HOST_FAILED: rc = give_failed(host, fields, &err); break;
    case FRAME_HOST_DONE: rc = give_done(host, fields, &err); break;
    case FRAME_HOST_PROGRESS: rc = give_progress(host, fields, &err); break;
    default: rc = err_set(&err, ERR_INVALID, "frame %d is not for the engine", type); break;
    }
    if (rc != 0) {
        log_warnx("from plugin %s: %s", host->name, err.text);
        host->is_over = true;
        end(host, "it sent what makes no sense");
    }
}

/* -- the beginning ------------------------------------------------------------------------ */

static struct host *find(const struct serve *serve, struct span name)
{
    list_each (link, after, &serve->hosts) {
        struct host *host = list_item(link, struct host, in_serve);

        if (name.len > 0 && span_is(name, host->name))
            return host;
    }
    return NULL;
}

static struct host *new_host(struct serve *serve, struct span name)
{
    struct host *host = xcalloc(1, sizeof *host);

    host->serve = serve;
    host->name = span_dup(name);
    host->config_name = span_dup(name);
    list_init(&host->calls);
    list_add(&serve->hosts, &host->in_serve);
    return host;
}

static void add_or(struct frame_writer *out, struct span json, enum json_kind kind,
                   const char *otherwise)
{
    if (json_kind(json) == kind && json_count(json) > 0)
        frame_add_span(out, json);
    else
        frame_add_text(out, otherwise);
}

/* pin "": any. */
static int send_load(struct host *host, const char *path, const char *pin, struct err *err)
{
    struct span config = config_plugin(host->serve, host->config_name);
    struct span record = json_get(span_of(str_text(&host->serve->config)), "record");
    char *record_dir = config_resolve(host->serve, record);
    struct secrets secrets = { 0 };
    struct str frame = { .is_secret = true }, paths = { 0 };
    struct frame_writer out;
    int rc = paths_resolve(&paths, host->serve, config, err);

    if (rc == 0)
        rc = secrets_read(&secrets, host->serve, json_get(config, "secrets"), err);
    if (rc == 0) {
        frame_begin(&out, &frame, FRAME_HOST_LOAD);
        frame_add_text(&out, host->name);
        frame_add_text(&out, path);
        frame_add_text(&out, pin);
        add_or(&out, json_get(config, "config"), JSON_OBJECT, "{}");
        add_or(&out, json_get(config, "hosts"), JSON_ARRAY, "[]");
        add_or(&out, json_get(config, "programs"), JSON_ARRAY, "[]");
        frame_add_span(&out, str_span(&paths));
        frame_add_text(&out, record_dir);
        frame_add_int(&out, secrets.count);
        for (int i = 0; i < secrets.count; i++) {
            frame_add_text(&out, secrets.items[i].name);
            frame_add_span(&out, str_span(&secrets.items[i].value));
        }
        frame_finish(&out);
        stream_keep_secret(host->stream);
        stream_send(host->stream, str_span(&frame));
        str_wipe(&frame);
    }
    secrets_fini(&secrets);
    str_fini(&paths);
    free(record_dir);
    return rc;
}

static void begin(void *arg)
{
    struct host *host = arg;
    struct err err;
    int rc = child_start(host->serve->loop, "--internal-plugin-host", "host",
                         span_of(host->name), &host->process, &host->stream, on_frame,
                         on_closed, on_exit_of, host, &err);

    host->why[0] = '\0';
    host->is_over = host->is_killed = false;
    host->is_lacking = rc == ERR_BUSY;
    if (host->is_lacking)
        child_say_lack("a plugin's process", &err);
    if (rc != 0) {
        say_why(host, err.text);
        loop_later(host->serve->loop, &host->failure, on_failure, host);
        return;
    }
    timer_start(&host->start, host->serve->loop, HOSTS_START_MS, on_start_late, host);
    if (send_load(host, host->path, host->pin, &err) != 0) {
        host->is_lacking = err.code == ERR_BUSY;
        if (host->seen == NULL && !host->is_lacking)
            refuse(host, err.text);
        end(host, err.text);
    }
}

static void start(struct host *host, const char *path, const char *pin)
{
    free(host->path);
    free(host->pin);
    host->path = xstrdup(path);
    host->pin = xstrdup(pin);
    host->lacks = 0;
    begin(host);
}

static bool is_started(const struct host *host)
{
    return host->process != NULL || host->stream != NULL || timer_is_running(&host->again);
}

static struct call *note_call(struct host *host, struct span fields)
{
    struct frame_reader in;
    struct call *call = xcalloc(1, sizeof *call);

    frame_read(&in, fields);
    call->host = host;
    call->id = frame_get_int(&in);
    frame_get_int(&in);
    struct span action = frame_get_span(&in);
    for (int i = 0; i < 8; i++) /* run, args, before, token, after, goal, key, resume */
        frame_get_span(&in);
    int64_t deadline_ms = frame_get_int(&in);
    snprintf(call->action, sizeof call->action, "%.*s",
             (int)(action.len < sizeof call->action ? action.len : sizeof call->action - 1),
             action.ptr);
    call->timeout_ms = deadline_ms + HOSTS_GRACE_MS;
    list_add(&host->calls, &call->in_host);
    timer_start(&call->timer, host->serve->loop, call->timeout_ms, on_call_late, call);
    return call;
}

static void send_or_queue(struct host *host, struct span frame)
{
    if (host->is_ready && host->stream != NULL)
        stream_send(host->stream, frame);
    else
        str_add_span(&host->queue, frame);
}

void hosts_send(struct serve *serve, const struct command *command)
{
    struct host *host = find(serve, command->name);
    struct lock_line *line = locks_find(serve, command->name);
    struct span fields;
    enum frame_type type;
    size_t total;
    struct err err;

    if (frame_find(command->bytes, &type, &fields, &total, &err) != 1)
        fatalx("a frame for a plugin is none: %s", err.text);
    if (type != FRAME_HOST_CALL && (host == NULL || host->process == NULL))
        return; /* about a call that ended with its host */
    if (host == NULL)
        host = new_host(serve, command->name);
    if (host->is_refused || line == NULL) {
        say_why(host, "it is not in plugins.lock any more");
        loop_later(serve->loop, &host->failure, on_failure, host);
        return;
    }
    if (!is_started(host))
        start(host, line->path, line->sha256);
    if (type == FRAME_HOST_CALL)
        note_call(host, fields);
    send_or_queue(host, command->bytes);
}

static void on_refusal(void *arg)
{
    struct call *call = arg;
    char why[sizeof call->why];

    memcpy(why, call->why, sizeof why);
    end_own(call, CORDON_REFUSED, "plugin", why);
}

/* Told later, as every answer. */
static void refuse_own(struct host *host, struct span plugin, hosts_own_fn *done, void *arg)
{
    struct call *call = xcalloc(1, sizeof *call);

    call->host = host;
    call->done = done;
    call->arg = arg;
    snprintf(call->why, sizeof call->why, "plugin %.*s: %.300s", (int)plugin.len,
             plugin.ptr,
             host->is_refused && host->why[0] != '\0'
                 ? host->why
                 : "it is not in plugins.lock; `cordon plugins trust FILE` puts it there");
    list_add(&host->calls, &call->in_host);
    loop_later(host->serve->loop, &call->refusal, on_refusal, call);
}

static void frame_own(struct str *frame, int64_t id, const struct hosts_own *own)
{
    struct frame_writer out;

    frame_begin(&out, frame, FRAME_HOST_CALL);
    frame_add_int(&out, id);
    frame_add_int(&out, own->after != NULL ? HOST_APPLY : HOST_READ);
    frame_add_span(&out, own->action);
    frame_add_text(&out, own->name);
    frame_add_span(&out, own->args);
    frame_add_text(&out, own->before != NULL ? own->before : "");
    frame_add_text(&out, ""); /* token */
    frame_add_text(&out, own->after != NULL ? own->after : "");
    frame_add_text(&out, ""); /* goal */
    frame_add_text(&out, own->name);
    frame_add_text(&out, ""); /* resume */
    frame_add_int(&out, own->deadline_ms);
    frame_add_text(&out, ""); /* traceparent */
    frame_finish(&out);
}

void hosts_own_call(struct serve *serve, const struct hosts_own *own, hosts_own_fn *done,
                    void *arg)
{
    const char *dot = memchr(own->action.ptr, '.', own->action.len);
    struct span name = { own->action.ptr,
                         dot == NULL ? own->action.len : (size_t)(dot - own->action.ptr) };
    struct host *host = find(serve, name);
    struct lock_line *line = locks_find(serve, name);
    struct str frame = { 0 };
    struct span fields;
    enum frame_type type;
    size_t total;
    struct err err;

    if (host == NULL)
        host = new_host(serve, name);
    if (host->is_refused || line == NULL) {
        refuse_own(host, name, done, arg);
        return;
    }
    if (!is_started(host))
        start(host, line->path, line->sha256);
    frame_own(&frame, HOSTS_OWN_FIRST + serve->own_calls++, own);
    if (frame_find(str_span(&frame), &type, &fields, &total, &err) != 1)
        fatalx("a frame for a plugin is none: %s", err.text);
    struct call *call = note_call(host, fields);
    call->done = done;
    call->arg = arg;
    send_or_queue(host, str_span(&frame));
    str_fini(&frame);
}

void hosts_warm(struct serve *serve, struct span name)
{
    struct lock_line *line = locks_find(serve, name);

    if (line == NULL || line->refused != NULL || find(serve, name) != NULL)
        return;
    struct host *host = new_host(serve, name);
    if (!host->is_refused)
        start(host, line->path, line->sha256);
}

bool hosts_are_idle(const struct serve *serve)
{
    list_each (link, after, &serve->hosts) {
        const struct host *host = list_item(link, struct host, in_serve);

        if (!list_is_empty(&host->calls) || host->seen != NULL)
            return false;
    }
    return true;
}

void hosts_refresh(struct serve *serve, const char *name)
{
    struct host *host = find(serve, span_of(name));

    if (host == NULL)
        return;
    host->is_refused = false;
    memset(host->deaths_ms, 0, sizeof host->deaths_ms);
    if (!is_started(host)) {
        host->why[0] = '\0';
        return;
    }
    host->is_ending = true;
    end(host, "its line in plugins.lock has changed");
}

void hosts_look(struct serve *serve, const char *path, hosts_seen_fn *seen, void *arg)
{
    struct host *host = new_host(serve, (struct span){ 0 });

    /* What it is called stands in it; its file's name is a good guess at that. */
    const char *base = strrchr(path, '/');
    free(host->config_name);
    host->config_name = xstrdup(base != NULL ? base + 1 : path);
    host->config_name[strcspn(host->config_name, ".")] = '\0';
    host->seen = seen;
    host->arg = arg;
    start(host, path, "");
}

void hosts_close(struct serve *serve)
{
    while (!list_is_empty(&serve->hosts))
        free_host(list_item(list_take(&serve->hosts), struct host, in_serve));
}
