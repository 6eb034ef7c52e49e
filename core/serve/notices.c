/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/notices.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cordon/plugin.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "serve/inside.h"
#include "serve/tell.h"
#include "store/store.h"

struct channel {
    struct list in_notices;
    struct serve *serve;
    char *name, *kind;
    bool is_full;    /* targets are told, too */
    int64_t scanned; /* up to this row nothing is left to tell */
    /* What is being told. */
    int64_t of; /* 0: nothing */
    int64_t run;
    const char *what;
    struct str args;
    int tries, refusals;
    bool is_sending;
    int64_t next_ms;
    struct timer again;
    char why[400];
};

struct notices {
    struct list channels;
    int64_t durable; /* the newest row that is */
    struct later wake;
    bool is_waking;
};

/* -- telling ----------------------------------------------------------------------------------- */

static void wake(struct serve *serve);
static void send_now(struct channel *channel);

static void write_row(struct channel *channel, const char *state)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    json_open(&out, '{');
    json_put(&out, "ch", channel->name);
    json_put(&out, "k", channel->what);
    json_put_int(&out, "of", channel->of);
    if (channel->run > 0)
        json_put_int(&out, "run", channel->run);
    json_put(&out, "s", state);
    json_put_int(&out, "tries", channel->tries);
    if (channel->why[0] != '\0')
        json_put(&out, "why", channel->why);
    json_close(&out);
    pump_event(channel->serve,
               &(struct event){ .kind = EV_NOTICE, .json = str_span(&body) });
    str_fini(&body);
}

static void settle(struct channel *channel, const char *state)
{
    if (strcmp(state, "failed") == 0)
        log_warnx("channel %s was not told of row %" PRId64 " (%s): %s", channel->name,
                  channel->of, channel->what, channel->why);
    write_row(channel, state);
    channel->scanned = channel->of;
    channel->of = 0;
    channel->tries = channel->refusals = 0;
    channel->why[0] = '\0';
    str_reset(&channel->args);
    wake(channel->serve);
}

static void on_again(void *arg)
{
    send_now(arg);
}

int64_t notices_pause(int tries, struct span code)
{
    static const char after[] = "retry_after:";
    int64_t seconds, ms = NOTICES_FIRST_MS;

    if (code.len > sizeof after - 1 && memcmp(code.ptr, after, sizeof after - 1) == 0 &&
        span_int((struct span){ code.ptr + sizeof after - 1, code.len - sizeof after + 1 },
                 &seconds) &&
        seconds > 0)
        return (seconds < NOTICES_AFTER_MAX_S ? seconds : NOTICES_AFTER_MAX_S) * 1000;
    for (int i = 1; i < tries && ms < NOTICES_LAST_MS; i++)
        ms *= 2;
    return ms < NOTICES_LAST_MS ? ms : NOTICES_LAST_MS;
}

/* Cut between characters. */
static void note_why(struct channel *channel, struct span why)
{
    size_t len = why.len;

    if (len > sizeof channel->why - 1)
        for (len = sizeof channel->why - 1;
             len > 0 && ((unsigned char)why.ptr[len] & 0xc0) == 0x80;)
            len--;
    snprintf(channel->why, sizeof channel->why, "%.*s", (int)len, why.ptr);
}

/* It is the plugin that cannot be used, not the message that cannot be sent: that may be mended. */
static bool is_of_plugin(struct span code)
{
    return span_is(code, "plugin") || span_is(code, "host_gone");
}

static void on_answer(void *arg, const struct hosts_answer *answer)
{
    struct channel *channel = arg;

    channel->is_sending = false;
    channel->tries++;
    if (answer->status == CORDON_DONE) {
        channel->why[0] = '\0';
        settle(channel, "sent");
        return;
    }
    note_why(channel, answer->message);
    channel->refusals += answer->status == CORDON_REFUSED && !is_of_plugin(answer->code);
    if (channel->tries >= NOTICES_TRIES_MAX || channel->refusals >= NOTICES_REFUSED_MAX) {
        settle(channel, "failed");
        return;
    }
    int64_t ms = notices_pause(channel->tries, answer->code);
    channel->next_ms = clock_unix_ms() + ms;
    timer_start(&channel->again, channel->serve->loop, ms, on_again, channel);
}

static void call(struct serve *serve, const char *kind, struct span args, const char *key,
                 hosts_own_fn *done, void *arg)
{
    char action[64];

    snprintf(action, sizeof action, "notify.%s", kind);
    hosts_own_call(serve,
                   &(struct hosts_own){ .action = span_of(action),
                                        .args = args,
                                        .name = key,
                                        .before = "{\"sent\":false}",
                                        .after = "{\"sent\":true}",
                                        .deadline_ms = NOTICES_CALL_MS },
                   done, arg);
}

static void send_now(struct channel *channel)
{
    char key[STEP_KEY_LEN + 1];

    channel->is_sending = true;
    channel->next_ms = 0;
    engine_notice_key(channel->serve->engine, span_of(channel->name), channel->of, key);
    call(channel->serve, channel->kind, str_span(&channel->args), key, on_answer, channel);
}

/* -- what is left to tell ---------------------------------------------------------------------- */

static int look_at(const struct row *from, void *arg)
{
    struct channel *channel = arg;
    struct shown_row row = { from->seq, from->run, from->at_ms, from->kind, from->body };
    const char *what = tell_word(&row);

    if (row.seq > channel->serve->notices->durable)
        return 1;
    if (what == NULL || !notices_wants(channel->serve, channel->name, &row, what)) {
        channel->scanned = row.seq;
        return 0;
    }
    channel->of = row.seq;
    channel->run = row.run;
    channel->what = what;
    struct tell tell = { .serve = channel->serve,
                         .channel = channel->name,
                         .is_full = channel->is_full,
                         .has_severity = strcmp(channel->kind, "syslog") == 0 };
    tell_write(&tell, &row, &channel->args);
    return 1;
}

static void look(struct channel *channel)
{
    struct err err;

    if (channel->of > 0 || channel->scanned >= channel->serve->notices->durable)
        return;
    if (store_each(channel->serve->store, channel->scanned + 1, look_at, channel, &err) < 0)
        log_warnx("what channel %s is to be told: %s", channel->name, err.text);
    else if (channel->of > 0)
        send_now(channel);
}

static void on_wake(void *arg)
{
    struct serve *serve = arg;

    serve->notices->is_waking = false;
    list_each (link, after, &serve->notices->channels) {
        look(list_item(link, struct channel, in_notices));
    }
}

static void wake(struct serve *serve)
{
    struct notices *notices = serve->notices;

    if (notices->is_waking)
        return;
    notices->is_waking = true;
    loop_later(serve->loop, &notices->wake, on_wake, serve);
}

void notices_row(struct serve *serve, const struct turn_row *from)
{
    struct notices *notices = serve->notices;
    struct shown_row row = { from->seq, from->run, from->at_ms, from->kind, from->body };

    if (notices == NULL)
        return;
    notices->durable = row.seq;
    bool tells = tell_word(&row) != NULL;
    list_each (link, after, &notices->channels) {
        struct channel *channel = list_item(link, struct channel, in_notices);

        if (!tells && channel->of == 0 && channel->scanned == row.seq - 1)
            channel->scanned = row.seq;
    }
    if (tells)
        wake(serve);
}

/* -- the beginning and the end ------------------------------------------------------------------ */

struct missed {
    const struct channel *channel;
    int64_t until, count;
};

static int count_missed(const struct row *from, void *arg)
{
    struct missed *missed = arg;
    struct shown_row row = { from->seq, from->run, from->at_ms, from->kind, from->body };
    const char *what = tell_word(&row);

    if (row.seq > missed->until)
        return 1;
    missed->count += what != NULL && notices_wants(missed->channel->serve,
                                                   missed->channel->name, &row, what);
    return 0;
}

/* What nobody was told while it was news is said to be missing, once. */
static void skip_old(struct channel *channel, int64_t since)
{
    struct missed missed = { .channel = channel, .until = since };
    struct err err;

    if (channel->scanned >= since)
        return;
    if (store_each(channel->serve->store, channel->scanned + 1, count_missed, &missed,
                   &err) < 0)
        log_warnx("what channel %s was not told: %s", channel->name, err.text);
    channel->scanned = since;
    if (missed.count == 0)
        return;
    snprintf(channel->why, sizeof channel->why,
             "%" PRId64
             " older than a day when they could have been told: see cordon runs, "
             "cordon gates and cordon alerts",
             missed.count);
    channel->of = since;
    channel->what = "old";
    settle(channel, "failed");
}

/* A channel that is new hears of what comes from now on. */
static void begin(struct channel *channel, int64_t since)
{
    struct entry entry;
    struct err ignored;
    struct store_stat stat;

    store_stat(channel->serve->store, &stat);
    if (store_find(channel->serve->store, ENTRY_NOTICE,
                   engine_channel_key(span_of(channel->name)), 0, &entry, &ignored) == 0) {
        channel->scanned = entry.last_seq;
        skip_old(channel, since);
        return;
    }
    channel->of = channel->scanned = stat.last_seq;
    channel->what = "begin";
    write_row(channel, "begin");
    channel->of = 0;
}

void notices_open(struct serve *serve)
{
    struct span channels = json_get(notices_config(serve), "channels"), name, json;
    struct store_stat stat;
    size_t pos = 0;

    if (json_count(channels) == 0)
        return;
    if (serve->is_dirty)
        pump_commit(serve);
    store_stat(serve->store, &stat);
    int64_t since = store_seq_since(serve->store, clock_unix_ms() - NOTICES_OLD_MS) - 1;
    serve->notices = xcalloc(1, sizeof *serve->notices);
    list_init(&serve->notices->channels);
    serve->notices->durable = stat.last_seq;
    while (json_next(channels, &pos, &name, &json)) {
        struct channel *channel = xcalloc(1, sizeof *channel);

        channel->serve = serve;
        channel->name = span_dup(name);
        channel->kind = json_get_text(json, "kind");
        channel->is_full = span_is(json_get_raw(json, "detail"), "full");
        list_add(&serve->notices->channels, &channel->in_notices);
        begin(channel, since);
    }
    wake(serve);
}

void notices_close(struct serve *serve)
{
    struct notices *notices = serve->notices;

    if (notices == NULL)
        return;
    while (!list_is_empty(&notices->channels)) {
        struct channel *channel =
            list_item(list_take(&notices->channels), struct channel, in_notices);

        timer_stop(&channel->again);
        str_fini(&channel->args);
        free(channel->name);
        free(channel->kind);
        free(channel);
    }
    later_stop(&notices->wake);
    free(notices);
    serve->notices = NULL;
}

/* -- cordon notify -------------------------------------------------------------------------------- */

static void put_channel(struct json_out *out, const struct channel *channel)
{
    json_open(out, '{');
    json_put(out, "kind", channel->kind);
    json_put(out, "name", channel->name);
    if (channel->next_ms > 0)
        json_put_int(out, "next", channel->next_ms);
    if (channel->of > 0) {
        json_put_int(out, "of", channel->of);
        json_put(out, "run", channel->run > 0 ? id_run(channel->run).text : NULL);
    }
    json_put(out, "state",
             channel->is_sending ? "sending"
             : channel->of > 0   ? "waiting"
                                 : "idle");
    json_put_int(out, "tries", channel->tries);
    json_put(out, "what", channel->of > 0 ? channel->what : NULL);
    json_put(out, "why", channel->why[0] != '\0' ? channel->why : NULL);
    json_close(out);
}

static int put_failed(const struct entry *entry, void *arg)
{
    json_raw_value(arg, entry->body);
    return 0;
}

static void list(struct serve *serve, const struct asked *asked)
{
    struct entry_query failed = { .kind = ENTRY_NOTICE, .state = NOTICE_FAILED, .run = -1 };
    struct str text = { 0 };
    struct json_out out = { .str = &text };
    struct err err;

    if (serve->is_dirty)
        pump_commit(serve);
    json_open(&out, '{');
    json_key(&out, "channels");
    json_open(&out, '[');
    if (serve->notices != NULL)
        list_each (link, after, &serve->notices->channels) {
            put_channel(&out, list_item(link, struct channel, in_notices));
        }
    json_close(&out);
    json_key(&out, "failed");
    json_open(&out, '[');
    int rc = store_each_entry(serve->store, &failed, put_failed, &out, &err);
    json_close(&out);
    json_close(&out);
    if (rc < 0)
        clients_error(serve, asked->number, 1, err_word(err.code), "%s", err.text);
    else
        clients_reply(serve, asked->number, 0, str_span(&text));
    str_fini(&text);
}

struct test {
    struct serve *serve;
    int64_t ask;
};

static void on_test(void *arg, const struct hosts_answer *answer)
{
    struct test *test = arg;

    if (answer->status == CORDON_DONE)
        clients_reply(test->serve, test->ask, 0, span_of("{\"sent\":true}"));
    else
        clients_error(test->serve, test->ask, 1, "not_sent", "%.*s",
                      (int)answer->message.len, answer->message.ptr);
    free(test);
}

static void test(struct serve *serve, const struct asked *asked)
{
    struct span name = json_get_raw(asked->args, "channel");
    struct str args = { 0 };
    char key[STEP_KEY_LEN + 1];
    char *kind = NULL;

    if (serve->notices != NULL)
        list_each (link, after, &serve->notices->channels) {
            struct channel *channel = list_item(link, struct channel, in_notices);

            if (span_is(name, channel->name))
                kind = channel->kind;
        }
    if (!asked->is_owner) {
        clients_error(serve, asked->number, 4, "denied",
                      "only the user whom the engine runs as sends test messages");
        return;
    }
    if (kind == NULL) {
        clients_error(serve, asked->number, 2, "no_channel",
                      "there is no channel %.*s: cordon.lua has them in notify.channels",
                      (int)(name.len < 64 ? name.len : 64), name.ptr);
        return;
    }
    struct test *kept = xcalloc(1, sizeof *kept);
    kept->serve = serve;
    kept->ask = asked->number;
    engine_notice_key(serve->engine, span_of("test"), clock_unix_ms(), key);
    struct tell tell = { .serve = serve };
    char *channel = span_dup(name);
    tell.channel = channel;
    tell_write_test(&tell, &args);
    call(serve, kind, str_span(&args), key, on_test, kept);
    free(channel);
    str_fini(&args);
}

bool notices_ask(struct serve *serve, const struct asked *asked)
{
    if (span_is(asked->verb, "notices"))
        list(serve, asked);
    else if (span_is(asked->verb, "notify_test"))
        test(serve, asked);
    else
        return false;
    return true;
}
