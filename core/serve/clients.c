/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/clients.c - who is connected, what they asked, and which run they follow.
 *
 * A connection asks one thing at a time. Its ask has a number, by which the engine answers;
 * an answer for somebody who has gone is for nobody. Who asks is what the kernel says of
 * the process at the other end. Each ask of a front is a client too, without a connection,
 * that is gone when it has been answered; there the front says who asks.
 */
#include "serve/inside.h"
#include "serve/notices.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "frame/frame.h"
#include "net/listener.h"
#include "net/stream.h"
#include "serve/alerts.h"
#include "serve/fronts.h"
#include "serve/pull.h"

enum { SOCKET_MODE = 0660 };

struct client {
    struct list in_serve;
    struct list in_held;      /* its ask waits for the policy */
    struct list in_followers; /* of its run */
    struct list in_asks;      /* by the number of its ask */
    struct serve *serve;
    struct stream *stream; /* NULL: it is a front's, or has gone */
    struct front *front;   /* NULL: it has a connection of its own */
    int64_t front_id;
    char *powers;        /* what the front says of them, JSON; NULL */
    struct later ending; /* whoever calls may still be standing on it */
    char *who;
    bool is_owner; /* the user whom the engine runs as, or root */
    int64_t ask;   /* 0: asks nothing now */
    int64_t follows;
    bool stays;        /* also while it waits for nothing but time */
    char *verb, *args; /* while held */
};

static struct client *find(struct serve *serve, int64_t ask)
{
    if (ask == 0)
        return NULL;
    list_each (link, after, &serve->asks[(uint64_t)ask % SERVE_BUCKETS]) {
        struct client *client = list_item(link, struct client, in_asks);

        if (client->ask == ask)
            return client;
    }
    return NULL;
}

static void begin_ask(struct client *client)
{
    struct serve *serve = client->serve;

    client->ask = ++serve->next_ask;
    list_add(&serve->asks[(uint64_t)client->ask % SERVE_BUCKETS], &client->in_asks);
}

static void end_ask(struct client *client)
{
    client->ask = 0;
    list_remove(&client->in_asks);
}

static void unfollow(struct client *client)
{
    if (client->follows == 0)
        return;
    client->follows = 0;
    client->serve->follower_count--;
    list_remove(&client->in_followers);
}

static void free_client(struct client *client)
{
    struct serve *serve = client->serve;

    unfollow(client);
    feeds_forget(serve, client->ask);
    later_stop(&client->ending);
    list_remove(&client->in_asks);
    list_remove(&client->in_held);
    list_remove(&client->in_serve);
    serve->client_count -= client->front == NULL;
    stream_close(client->stream);
    free(client->powers);
    free(client->who);
    free(client->verb);
    free(client->args);
    free(client);
}

/* -- out ---------------------------------------------------------------------------------- */

static void on_ending(void *arg)
{
    free_client(arg);
}

static void send_event(struct client *client, struct span json)
{
    struct frame_writer out;

    if (client->front != NULL)
        fronts_event(client->front, client->front_id, json);
    if (client->stream == NULL)
        return;
    frame_begin(&out, stream_out(client->stream), FRAME_EVENT);
    frame_add_span(&out, json);
    frame_finish(&out);
    stream_flush(client->stream);
}

static void send_reply(struct client *client, int exit, struct span json)
{
    struct frame_writer out;

    glass_tell(client->serve, client->ask);
    unfollow(client);
    end_ask(client);
    if (client->front != NULL) {
        fronts_reply(client->front, client->front_id, exit, json);
        loop_later(client->serve->loop, &client->ending, on_ending, client);
    }
    if (client->stream == NULL)
        return;
    frame_begin(&out, stream_out(client->stream), FRAME_REPLY);
    frame_add_int(&out, exit);
    frame_add_span(&out, json);
    frame_finish(&out);
    stream_flush(client->stream);
}

void clients_event(struct serve *serve, int64_t ask, struct span json)
{
    struct client *client = find(serve, ask);

    if (client != NULL)
        send_event(client, json);
}

void clients_follow(struct serve *serve, int64_t ask, int64_t run)
{
    struct client *client = find(serve, ask);

    if (client == NULL)
        return;
    unfollow(client);
    client->follows = run;
    serve->follower_count++;
    list_add(&serve->followers[(uint64_t)run % SERVE_BUCKETS], &client->in_followers);
}

void clients_settled(struct serve *serve, int64_t run, int exit, struct span json)
{
    list_each (link, after, &serve->followers[(uint64_t)run % SERVE_BUCKETS]) {
        struct client *client = list_item(link, struct client, in_followers);

        if (client->follows != run)
            continue;
        if (client->stays && json_get_int(json, "until", 0) > 0)
            send_event(client, json);
        else
            send_reply(client, exit, json);
    }
}

void clients_tell(struct serve *serve, int64_t run, struct span json)
{
    list_each (link, after, &serve->followers[(uint64_t)run % SERVE_BUCKETS]) {
        struct client *client = list_item(link, struct client, in_followers);

        if (client->follows == run)
            send_event(client, json);
    }
}

void clients_row(struct serve *serve, const struct turn_row *row)
{
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    if (serve->follower_count == 0 || row->run == 0)
        return;
    list_each (link, after, &serve->followers[(uint64_t)row->run % SERVE_BUCKETS]) {
        struct client *client = list_item(link, struct client, in_followers);

        if (client->follows != row->run)
            continue;
        if (text.len == 0)
            rows_show(serve, &out,
                      &(struct shown_row){ .seq = row->seq,
                                           .run = row->run,
                                           .at_ms = row->at_ms,
                                           .kind = row->kind,
                                           .body = row->body });
        send_event(client, str_span(&text));
    }
    str_fini(&text);
}

/* A run may have more rows than one frame holds: it can be had in parts. */
static void say_too_big(struct serve *serve, int64_t ask, size_t len)
{
    clients_error(
        serve, ask, 2, "too_big",
        "the answer has %zu bytes, and one answer may have %d: ask for a page, for the "
        "run's steps, or for its rows as a feed",
        len, SERVE_REPLY_MAX);
}

void clients_reply(struct serve *serve, int64_t ask, int exit, struct span json)
{
    if (ask >= PULL_ASK_FIRST) {
        pull_reply(serve, ask, exit, json);
        return;
    }
    struct client *client = find(serve, ask);

    if (client != NULL && json.len > SERVE_REPLY_MAX)
        say_too_big(serve, ask, json.len);
    else if (client != NULL)
        send_reply(client, exit, json);
}

void clients_error(struct serve *serve, int64_t ask, int exit, const char *code,
                   const char *fmt, ...)
{
    char sentence[1024];
    struct str text = { 0 };
    struct json_out out = { .str = &text };
    va_list args;

    va_start(args, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    json_open(&out, '{');
    json_put(&out, "code", code);
    json_put(&out, "error", sentence);
    json_close(&out);
    clients_reply(serve, ask, exit, str_span(&text));
    str_fini(&text);
}

void clients_last_words(struct serve *serve, const char *sentence)
{
    list_each (link, after, &serve->clients) {
        struct client *client = list_item(link, struct client, in_serve);

        if (client->ask == 0 || client->stream == NULL)
            continue; /* a front tells its own that the engine has gone */
        clients_error(serve, client->ask, 1, "journal", "%s", sentence);
        stream_flush_now(client->stream);
    }
}

/* -- in ----------------------------------------------------------------------------------- */

/* Whoever may vote for some groups only says so in what they ask with, whatever else stood
 * there. Over the socket there is no such bound, and nobody is asked to be honest about it. */
static bool is_bounded(const struct asked *asked)
{
    static const char *const verbs[] = { "approve", "deny", "answer", "review",
                                         "break_glass" };

    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (span_is(asked->verb, verbs[i]))
            return json_kind(json_get(asked->powers, "groups")) == JSON_ARRAY ||
                   json_get(asked->args, "groups").len > 0;
    return false;
}

static void put_bound(struct str *text, const struct asked *asked)
{
    struct json_out out = { .str = text };
    struct span name, value;
    size_t pos = 0;

    json_open(&out, '{');
    while (json_next(asked->args, &pos, &name, &value))
        if (!span_is(name, "groups")) {
            json_key_span(&out, name);
            json_raw_value(&out, value);
        }
    json_put_raw(&out, "groups", json_get(asked->powers, "groups"));
    json_close(&out);
}

/* A front says by what its caller is known; a command, whether a person was at it. */
static struct span channel_of(const struct asked *asked)
{
    struct span via = json_get_raw(asked->powers, "via");

    if (via.len > 0)
        return span_of(span_is(via, "console") ? "session" : "token");
    return span_of(json_get_bool(asked->args, "terminal", false) ? "terminal" : "command");
}

void clients_to_engine(struct serve *serve, const struct asked *asked)
{
    struct str bound = { 0 };

    if (is_bounded(asked))
        put_bound(&bound, asked);

    pump_event(serve,
               &(struct event){ .kind = EV_ASK,
                                .name = asked->verb,
                                .json = bound.len > 0 ? str_span(&bound) : asked->args,
                                .number = asked->number,
                                .channel = channel_of(asked),
                                .who = asked->who });
    str_fini(&bound);
}

static bool is_engine_verb(struct span verb)
{
    static const char *const verbs[] = {
        "approve", "deny",    "answer", "rollback",    "recover", "cancel",      "halt",
        "resume",  "settle",  "watch",  "signal",      "import",  "break_glass", "review",
        "explain", "release", "retry",  "check_holds", "may_vote"
    };

    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (span_is(verb, verbs[i]))
            return true;
    return false;
}

static void answer(struct client *client, struct span verb, struct span args)
{
    struct serve *serve = client->serve;
    struct asked asked = { .number = client->ask,
                           .verb = verb,
                           .args = args,
                           .who = span_of(client->who),
                           .powers = span_of(client->powers),
                           .is_owner = client->is_owner };

    client->stays = json_get_bool(args, "stay", false);
    if (json_get_bool(args, "past", false))
        views_past(serve, &asked);
    if (views_ask(serve, &asked) || alerts_ask(serve, &asked) || feeds_ask(serve, &asked) ||
        rebuild_ask(serve, &asked) || starts_ask(serve, &asked) ||
        trust_ask(serve, &asked) || keys_ask(serve, &asked) || access_ask(serve, &asked) ||
        tests_ask(serve, &asked) || policies_ask(serve, &asked) ||
        notices_ask(serve, &asked) || config_ask(serve, &asked))
        return;
    if (is_engine_verb(verb))
        clients_to_engine(serve, &asked);
    else
        clients_error(serve, asked.number, 2, "verb", "this engine knows no \"%.*s\"",
                      (int)(verb.len < 40 ? verb.len : 40), verb.ptr);
}

/* What changes nothing needs no policy, and an answer that says why there is none must come
 * even while it is being read. */
static void hold(struct client *client, struct span verb, struct span args)
{
    client->verb = span_dup(verb);
    client->args = span_dup(args);
    list_add(&client->serve->held, &client->in_held);
}

void clients_resume(struct serve *serve)
{
    while (!serve->is_reading_policy && !list_is_empty(&serve->held)) {
        struct client *client = list_item(serve->held.next, struct client, in_held);
        char *verb = client->verb, *args = client->args;

        list_remove(&client->in_held);
        client->verb = client->args = NULL;
        answer(client, span_of(verb), span_of(args));
        free(verb);
        free(args);
    }
}

static void take_ask(struct client *client, struct span verb, struct span args)
{
    struct serve *serve = client->serve;

    rules_check(serve);
    locks_check(serve);
    if (serve->is_reading_policy && !span_is(verb, "halt")) /* no policy allows a halt */
        hold(client, verb, args);
    else
        answer(client, verb, args);
}

static void on_frame(void *arg, enum frame_type type, struct span fields)
{
    struct client *client = arg;
    struct serve *serve = client->serve;
    struct frame_reader in;
    struct err err;

    frame_read(&in, fields);
    struct span verb = frame_get_span(&in);
    struct span args = frame_get_span(&in);
    if (type != FRAME_ASK || client->ask != 0 || frame_end(&in, &err) != 0) {
        log_warnx("a client of %s sent what is no ask", client->who);
        free_client(client);
        serve_maybe_end(serve);
        return;
    }
    begin_ask(client);
    if (json_check(args.ptr, args.len, SERVE_ASK_MAX, &err) != 0) {
        clients_error(serve, client->ask, 2, err_word(err.code), "the ask: %s", err.text);
        return;
    }
    take_ask(client, verb, args);
}

int64_t clients_ask_of(struct serve *serve, const struct clients_of_front *of)
{
    struct client *client = xcalloc(1, sizeof *client);

    client->serve = serve;
    client->front = of->front;
    client->front_id = of->id;
    list_init(&client->in_held);
    list_init(&client->in_followers);
    list_init(&client->in_asks);
    client->who = span_dup(of->who);
    client->powers = span_dup(of->powers);
    list_add(&serve->clients, &client->in_serve);
    begin_ask(client);
    if (of->verb.len > 0)
        take_ask(client, of->verb, of->args);
    return client->ask;
}

void clients_drop(struct serve *serve, struct front *front, int64_t id)
{
    list_each (link, after, &serve->clients) {
        struct client *client = list_item(link, struct client, in_serve);

        if (client->front == front && client->front_id == id && client->ask != 0) {
            free_client(client);
            return;
        }
    }
}

void clients_drop_all(struct serve *serve, struct front *front)
{
    list_each (link, after, &serve->clients) {
        struct client *client = list_item(link, struct client, in_serve);

        if (client->front == front)
            free_client(client);
    }
}

static void on_closed(void *arg, const char *why)
{
    struct client *client = arg;
    struct serve *serve = client->serve;

    (void)why;
    client->stream = NULL;
    free_client(client);
    serve_maybe_end(serve);
}

char *clients_name_of(uid_t uid)
{
    struct passwd entry, *found = NULL;
    char buf[4096];
    struct str text = { 0 };

    if (getpwuid_r(uid, &entry, buf, sizeof buf, &found) == 0 && found != NULL)
        return xstrdup(found->pw_name);
    str_printf(&text, "uid:%ld", (long)uid);
    return str_take(&text);
}

static void on_connection(void *arg, int fd, uid_t uid, pid_t pid)
{
    struct serve *serve = arg;
    struct err err;

    (void)pid;
    if (serve->client_count == SERVE_CLIENTS_MAX) {
        log_warnx("more than %d connections", SERVE_CLIENTS_MAX);
        close(fd);
        return;
    }
    struct client *client = xcalloc(1, sizeof *client);
    client->serve = serve;
    list_init(&client->in_held);
    list_init(&client->in_followers);
    list_init(&client->in_asks);
    if (stream_open(&client->stream, serve->loop, fd, on_frame, on_closed, client, &err) !=
        0) {
        log_warnx("a connection: %s", err.text);
        close(fd);
        free(client);
        return;
    }
    client->who = clients_name_of(uid);
    client->is_owner = uid == 0 || uid == geteuid();
    list_add(&serve->clients, &client->in_serve);
    serve->client_count++;
    timer_stop(&serve->linger);
}

int clients_open(struct serve *serve, struct err *err)
{
    char *path = serve_path(serve, "cordon.sock");
    int rc = listener_open(&serve->listener, serve->loop, path, SOCKET_MODE, on_connection,
                           serve, err);

    free(path);
    return rc;
}

void clients_close(struct serve *serve)
{
    listener_close(serve->listener);
    serve->listener = NULL;
    while (!list_is_empty(&serve->clients))
        free_client(list_item(list_take(&serve->clients), struct client, in_serve));
}
