/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/pull.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cordon/plugin.h>

#include "alert/alert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/schema.h"
#include "serve/alerts.h"
#include "serve/inside.h"
#include "store/store.h"

enum {
    PULL_DEADLINE_MS = 120 * 1000,
    PULL_EVERY_MIN_MS = 1000,
    PULL_SOON_MS = 50, /* there is more; others get their turn */
    PULL_BACKOFF_MAX_MS = 15 * 60000,
    PULL_OVERLAP_MS = 10 * 60000, /* how late an alert may appear under an older time */
    PULL_FROM_MS = 3600 * 1000,   /* how far back the very first poll looks */
    PULL_SEEN_MAX = 1024, /* deliveries that are remembered, not to be taken again */
    PULL_TIME_SIZE = 40
};

struct kind {
    const char *name, *action;
    const char *adapter; /* "": whichever says that it is its */
    const char *id;      /* the member that names an alert */
    bool is_queue;
};

static const struct kind kinds[] = {
    { "defender-for-cloud", "azure.defender.alerts", "defender-for-cloud", "name", false },
    { "graph-alerts", "azure.graph.alerts", "graph", "id", false },
    { "graph-incidents", "azure.graph.incidents", "graph", "id", false },
    { "storage-queue", "azure.queue.take", "", NULL, true },
};

struct message { /* of a queue: taken, and not yet deleted */
    char *id, *receipt;
    int64_t ask;
    bool is_durable;
};

struct pull {
    struct list in_serve;
    struct serve *serve;
    const struct kind *kind;
    char *name;
    struct span config; /* in serve->config */
    int64_t every_ms;
    struct timer timer;
    char *since, *after; /* the cursor */
    bool goes_on;        /* the next poll asks right from the cursor: there was more */
    int waiting;         /* deliveries that are not durable yet */
    bool is_refused;     /* one of them was not taken */
    struct message *messages;
    int message_count;
    uint64_t seen[PULL_SEEN_MAX];
    int seen_next;
    int failures;
    int64_t ok_at_ms, taken;
    char why[400]; /* "" while it works */
};

/* -- Configuration ------------------------------------------------------------------------ */

static const char schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"kind\"],"
    "\"properties\":{\"kind\":{\"type\":\"string\",\"enum\":[\"defender-for-cloud\","
    "\"graph-alerts\",\"graph-incidents\",\"storage-queue\"]},"
    "\"every\":{\"type\":\"string\",\"format\":\"period\"},"
    "\"from\":{\"type\":\"string\",\"format\":\"duration\"},"
    "\"subscription\":{\"type\":\"string\",\"format\":\"uuid\"},"
    "\"account\":{\"type\":\"string\"},\"queue\":{\"type\":\"string\"}}}";

static const struct kind *find_kind(struct span name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (span_is(name, kinds[i].name))
            return &kinds[i];
    return NULL;
}

static int64_t duration_of(struct span config, const char *key, int64_t otherwise)
{
    char *text = json_get_text(config, key);
    int64_t ms = otherwise;

    if (text != NULL && (!duration_parse(span_of(text), &ms) || ms < 1))
        ms = otherwise;
    free(text);
    return ms;
}

static int check_every(struct span one, struct err *err)
{
    if (duration_of(one, "every", PULL_EVERY_MIN_MS) >= PULL_EVERY_MIN_MS)
        return 0;
    return err_set(err, ERR_INVALID, "every: want at least %ds", PULL_EVERY_MIN_MS / 1000);
}

static int check_needed(const struct kind *kind, struct span one, struct err *err)
{
    bool is_defender = strcmp(kind->name, "defender-for-cloud") == 0;
    bool has_subscription = json_get(one, "subscription").len > 0;
    bool has_account = json_get(one, "account").len > 0;
    bool has_queue = json_get(one, "queue").len > 0;

    if (is_defender != has_subscription)
        return err_set(err, ERR_INVALID, "%s",
                       is_defender ? "subscription: want the one whose alerts are listed"
                                   : "subscription: only for defender-for-cloud");
    if (kind->is_queue != (has_account && has_queue) || has_account != has_queue)
        return err_set(err, ERR_INVALID, "account and queue: %s",
                       kind->is_queue ? "want both" : "only for storage-queue");
    return 0;
}

/* It stands in the journal, in logs and in metrics. */
static bool is_name(struct span name)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    bool is_good = name.len >= 1 && name.len <= 64;

    for (size_t i = 0; is_good && i < name.len; i++)
        is_good = memchr(good, name.ptr[i], sizeof good - 1) != NULL;
    return is_good;
}

static bool has_member(struct span object, struct span name)
{
    struct span key, value;
    size_t pos = 0;

    while (json_kind(object) == JSON_OBJECT && json_next(object, &pos, &key, &value))
        if (span_equal(key, name))
            return true;
    return false;
}

int pull_validate(struct span config, struct err *err)
{
    struct span name, one;
    size_t pos = 0;

    while (json_next(json_get(config, "pull"), &pos, &name, &one)) {
        if (!is_name(name))
            return err_set(err, ERR_INVALID,
                           "pull: a name has at most 64 letters, digits, - and _");
        if (schema_match(span_of(schema), one, err) != 0 || check_every(one, err) != 0 ||
            check_needed(find_kind(json_get_raw(one, "kind")), one, err) != 0)
            return err_wrap(err, "pull.%.*s", (int)name.len, name.ptr);
        if (has_member(json_get(config, "sources"), name))
            return err_set(err, ERR_INVALID,
                           "pull.%.*s: there is a source of that name; want another",
                           (int)name.len, name.ptr);
    }
    return 0;
}

/* -- Cursors ------------------------------------------------------------------------------ */

/* As the plugin writes times, so that they sort. */
static char *time_text(int64_t unix_ms)
{
    char text[PULL_TIME_SIZE];

    clock_show(unix_ms, text);
    snprintf(text + strlen(text) - 1, sizeof text - strlen(text), ".0000000Z");
    return xstrdup(text);
}

static void set(char **field, char *text)
{
    free(*field);
    *field = text;
}

static int take_cursor(const struct row *row, void *arg)
{
    struct pull *pull = arg;
    char *name = row->kind == ROW_CURSOR ? json_get_text(row->body, "name") : NULL;

    if (name != NULL && strcmp(name, pull->name) == 0) {
        set(&pull->since, json_get_text(row->body, "since"));
        set(&pull->after, json_get_text(row->body, "after"));
    }
    free(name);
    return 1;
}

static int read_cursor(struct pull *pull, struct err *err)
{
    struct store *store = pull->serve->store;
    int64_t key = engine_cursor_key(span_of(pull->name));
    struct entry entry;
    int rc = store_find(store, ENTRY_CURSOR, key, 0, &entry, err);

    if (rc == 0)
        rc = store_each(store, entry.last_seq, take_cursor, pull, err) < 0 ? err->code : 0;
    else if (rc == ERR_NOT_FOUND)
        rc = 0;
    if (pull->since == NULL)
        set(&pull->since,
            time_text(clock_unix_ms() - duration_of(pull->config, "from", PULL_FROM_MS)));
    if (pull->after == NULL)
        set(&pull->after, xstrdup(""));
    return rc;
}

/* Never back: an empty answer says where it asked from, which may overlap. */
static void move_cursor(struct pull *pull, struct span result)
{
    char *since = json_get_text(result, "since"), *after = json_get_text(result, "after");
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    if (since == NULL || after == NULL || strcmp(since, pull->since) < 0 ||
        (strcmp(since, pull->since) == 0 && strcmp(after, pull->after) <= 0)) {
        free(since);
        free(after);
        return;
    }
    set(&pull->since, since);
    set(&pull->after, after);
    json_open(&out, '{');
    json_put(&out, "after", after);
    json_put(&out, "name", pull->name);
    json_put(&out, "since", since);
    json_close(&out);
    pump_event(pull->serve, &(struct event){ .kind = EV_CURSOR, .json = str_span(&body) });
    str_fini(&body);
}

/* -- One poll ------------------------------------------------------------------------------ */

static void poll_now(void *arg);

static void poll_in(struct pull *pull, int64_t ms)
{
    timer_start(&pull->timer, pull->serve->loop, ms, poll_now, pull);
}

/* Longer with each failure; the same sentence is logged once. */
static void fail(struct pull *pull, const char *why)
{
    int64_t ms = pull->every_ms;

    for (int i = 0; i < pull->failures && ms < PULL_BACKOFF_MAX_MS; i++)
        ms *= 2;
    pull->failures++;
    if (strncmp(pull->why, why, sizeof pull->why - 1) != 0)
        log_warnx("pull %s: %s", pull->name, why);
    snprintf(pull->why, sizeof pull->why, "%s", why);
    poll_in(pull, ms < PULL_BACKOFF_MAX_MS ? ms : PULL_BACKOFF_MAX_MS);
}

/* All that the poll brought is durable, or was refused. */
static void end_poll(struct pull *pull)
{
    if (pull->is_refused) {
        fail(pull, "the engine has taken no more for now; it is asked for again");
        return;
    }
    if (pull->why[0] != '\0')
        log_info("pull %s: works again", pull->name);
    pull->failures = 0;
    pull->why[0] = '\0';
    pull->ok_at_ms = clock_unix_ms();
    poll_in(pull, pull->goes_on ? PULL_SOON_MS : pull->every_ms);
}

static struct pull *find(struct serve *serve, struct span name)
{
    list_each (link, after, &serve->pulls) {
        struct pull *pull = list_item(link, struct pull, in_serve);

        if (span_is(name, pull->name))
            return pull;
    }
    return NULL;
}

/* An ask's number tells the pull by its place, and its message. */
enum { PULL_ASKS_EACH = 1 << 20 };

static int64_t next_ask(struct pull *pull)
{
    int64_t at = 0;

    list_each (link, after, &pull->serve->pulls) {
        if (list_item(link, struct pull, in_serve) == pull)
            break;
        at++;
    }
    return PULL_ASK_FIRST + at * PULL_ASKS_EACH + ++pull->serve->pull_asks % PULL_ASKS_EACH;
}

void pull_reply(struct serve *serve, int64_t ask, int exit, struct span json)
{
    int64_t at = (ask - PULL_ASK_FIRST) / PULL_ASKS_EACH;
    struct pull *pull = NULL;

    (void)json;
    list_each (link, after, &serve->pulls) {
        if (at-- == 0)
            pull = list_item(link, struct pull, in_serve);
    }
    if (pull == NULL || pull->waiting == 0)
        return;
    if (exit != 0)
        pull->is_refused = true;
    else
        pull->taken++;
    for (int i = 0; i < pull->message_count; i++)
        if (pull->messages[i].ask == ask && exit == 0)
            pull->messages[i].is_durable = true;
    if (--pull->waiting == 0)
        end_poll(pull);
}

static uint64_t mark_of(struct span id)
{
    struct hash hash = hash_of(id.ptr, id.len);
    uint64_t mark;

    memcpy(&mark, hash.bytes, sizeof mark);
    return mark;
}

static bool was_seen(const struct pull *pull, uint64_t mark)
{
    for (int i = 0; i < PULL_SEEN_MAX; i++)
        if (pull->seen[i] == mark)
            return true;
    return false;
}

/* False when it was refused right away. */
static bool deliver(struct pull *pull, struct span id, struct span raw, int64_t *ask)
{
    uint64_t mark = mark_of(id);

    *ask = 0;
    if (was_seen(pull, mark))
        return true;
    *ask = next_ask(pull);
    pull->waiting++;
    alerts_take(pull->serve, *ask, span_of(pull->name), id, span_of("pull"), raw);
    if (pull->is_refused)
        return false;
    pull->seen[pull->seen_next++ % PULL_SEEN_MAX] = mark;
    return true;
}

/* An alert that changes is another delivery, under the same id of the alert. */
static bool deliver_alert(struct pull *pull, struct span alert)
{
    char *name = json_get_text(alert, pull->kind->id);
    char hex[HASH_HEX_LEN + 1];
    struct str id = { 0 };
    int64_t ask;

    if (alert.len > ALERT_LEN_MAX) {
        log_warnx("pull %s: alert %s has %zu bytes, more than the %d that one may have "
                  "(ALERT_LEN_MAX), and is left out",
                  pull->name, name != NULL ? name : "", alert.len, ALERT_LEN_MAX);
        free(name);
        return true;
    }
    hash_hex(hash_of(alert.ptr, alert.len), hex);
    str_printf(&id, "%.200s#%.16s", name != NULL ? name : "", hex);
    bool ok = deliver(pull, str_span(&id), alert, &ask);
    str_fini(&id);
    free(name);
    return ok;
}

static void take_alerts(struct pull *pull, struct span result)
{
    struct span alert;
    size_t pos = 0;
    bool ok = true;

    while (ok && json_next(json_get(result, "alerts"), &pos, NULL, &alert))
        ok = deliver_alert(pull, alert);
    if (!ok)
        return;
    pull->goes_on = json_get_bool(result, "more", false);
    move_cursor(pull, result);
}

/* -- A queue -------------------------------------------------------------------------------- */

static void forget_messages(struct pull *pull)
{
    for (int i = 0; i < pull->message_count; i++) {
        free(pull->messages[i].id);
        free(pull->messages[i].receipt);
    }
    free(pull->messages);
    pull->messages = NULL;
    pull->message_count = 0;
}

static void take_messages(struct pull *pull, struct span result)
{
    struct span list = json_get(result, "messages"), one;
    size_t pos = 0;
    bool ok = true;

    pull->messages = xcalloc(json_count(list) + 1, sizeof *pull->messages);
    while (ok && json_next(list, &pos, NULL, &one)) {
        struct message *message = &pull->messages[pull->message_count++];
        struct str raw = { 0 };

        message->id = json_get_text(one, "id");
        message->receipt = json_get_text(one, "receipt");
        json_text_to(&raw, json_get(one, "text"));
        if (raw.len > ALERT_LEN_MAX) {
            log_warnx(
                "pull %s: message %s has %zu bytes, more than the %d that are kept of "
                "one (ALERT_LEN_MAX): it is kept cut, and cannot be read",
                pull->name, message->id != NULL ? message->id : "", raw.len, ALERT_LEN_MAX);
            raw.len = ALERT_LEN_MAX;
        }
        ok = deliver(pull, span_of(message->id), str_span(&raw), &message->ask);
        if (ok && message->ask == 0)
            message->is_durable = true; /* it was taken before, and came back */
        str_fini(&raw);
    }
    pull->goes_on = pull->message_count > 0; /* the next poll deletes them */
}

static void put_done(struct pull *pull, struct json_out *out)
{
    json_key(out, "done");
    json_open(out, '[');
    for (int i = 0; i < pull->message_count; i++) {
        if (!pull->messages[i].is_durable)
            continue;
        json_open(out, '{');
        json_put(out, "id", pull->messages[i].id);
        json_put(out, "receipt", pull->messages[i].receipt);
        json_close(out);
    }
    json_close(out);
}

/* -- Asking ----------------------------------------------------------------------------------- */

static void on_answer(void *arg, const struct hosts_answer *answer)
{
    struct pull *pull = arg;
    char why[sizeof pull->why];

    if (answer->status != CORDON_DONE) {
        snprintf(why, sizeof why, "%.*s: %.*s",
                 (int)(answer->code.len < 60 ? answer->code.len : 60), answer->code.ptr,
                 (int)(answer->message.len < 300 ? answer->message.len : 300),
                 answer->message.ptr);
        fail(pull, why);
        return;
    }
    forget_messages(pull); /* those that were done are deleted */
    pull->is_refused = pull->goes_on = false;
    pull->waiting = 1; /* itself, so that it ends once */
    if (pull->kind->is_queue)
        take_messages(pull, answer->result);
    else
        take_alerts(pull, answer->result);
    if (--pull->waiting == 0)
        end_poll(pull);
}

/* A poll of its own begins a while before the cursor: an alert may appear late. */
static void put_since(struct pull *pull, struct json_out *out)
{
    int64_t ms;

    if (pull->goes_on || !moment_parse(span_of(pull->since), &ms)) {
        json_put(out, "after", pull->after);
        json_put(out, "since", pull->since);
        return;
    }
    char *since = time_text(ms - PULL_OVERLAP_MS);
    json_put(out, "since", since);
    free(since);
}

static void put_args(struct pull *pull, struct json_out *out)
{
    json_open(out, '{');
    if (pull->kind->is_queue) {
        json_put_raw(out, "account", json_get(pull->config, "account"));
        put_done(pull, out);
        json_put_raw(out, "queue", json_get(pull->config, "queue"));
    } else {
        put_since(pull, out);
        if (json_get(pull->config, "subscription").len > 0)
            json_put_raw(out, "subscription", json_get(pull->config, "subscription"));
    }
    json_close(out);
}

static void poll_now(void *arg)
{
    struct pull *pull = arg;
    struct str args = { 0 };
    struct json_out out = { .str = &args };

    put_args(pull, &out);
    hosts_own_call(pull->serve,
                   &(struct hosts_own){ .action = span_of(pull->kind->action),
                                        .args = str_span(&args),
                                        .name = pull->name,
                                        .deadline_ms = PULL_DEADLINE_MS },
                   on_answer, pull);
    str_fini(&args);
}

/* -- The beginning and the end ---------------------------------------------------------------- */

static void free_pull(struct pull *pull)
{
    timer_stop(&pull->timer);
    list_remove(&pull->in_serve);
    forget_messages(pull);
    free(pull->since);
    free(pull->after);
    free(pull->name);
    free(pull);
}

int pull_open(struct serve *serve, struct err *err)
{
    struct span name, one;
    size_t pos = 0;

    while (json_next(json_get(str_span(&serve->config), "pull"), &pos, &name, &one)) {
        struct pull *pull = xcalloc(1, sizeof *pull);

        pull->serve = serve;
        pull->name = span_dup(name);
        pull->config = one;
        pull->kind = find_kind(json_get_raw(one, "kind"));
        pull->every_ms = duration_of(one, "every", INT64_C(60) * 1000);
        list_add(&serve->pulls, &pull->in_serve);
        if (read_cursor(pull, err) != 0)
            return err->code;
        poll_in(pull, 0);
    }
    return 0;
}

void pull_close(struct serve *serve)
{
    pull_forget_fetches(serve);
    while (!list_is_empty(&serve->pulls))
        free_pull(list_item(list_take(&serve->pulls), struct pull, in_serve));
}

const char *pull_kind(struct serve *serve, struct span name)
{
    struct pull *pull = find(serve, name);

    return pull == NULL ? NULL : pull->kind->adapter;
}

void pull_show(struct serve *serve, struct json_out *out)
{
    list_each (link, after, &serve->pulls) {
        const struct pull *pull = list_item(link, struct pull, in_serve);

        json_open(out, '{');
        json_put_int(out, "failures", pull->failures);
        json_put(out, "kind", pull->kind->name);
        json_put(out, "name", pull->name);
        json_put_int(out, "ok_at", pull->ok_at_ms);
        json_put_int(out, "taken", pull->taken);
        json_put(out, "why", pull->why[0] != '\0' ? pull->why : NULL);
        json_close(out);
    }
}
