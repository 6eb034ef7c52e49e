/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/once.c - an ask that comes again gets the answer that it got.
 *
 * Who asks over HTTP may name the ask with a key of their own. The answer to such an ask is
 * journaled in the commit that has its effect, so whoever has lost it asks again with the same
 * key, after a crash too, and nothing is done twice. Answers that wait for no commit changed
 * nothing, and are given anew.
 *
 * Keys are kept in a ring: there are ENGINE_ONCE_MAX places, and one is used again when what
 * stands there is older than ENGINE_ONCE_HOURS. When it is not, asks with a key are refused
 * until it is, so that a promise that was given holds.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

enum { ONCE_BUCKETS = 1024 };

struct once { /* an answer that was given */
    struct list in_bucket;
    struct hash name; /* over who asked and their key */
    struct hash body; /* of what they asked for */
    int64_t at_ms;
    int exit;
    char *reply;
};

struct once_pending { /* one that is being found */
    struct list in_onces;
    int64_t ask;
    struct hash name;
    char *args, *who; /* "once", as it was asked */
};

struct onces {
    struct list buckets[ONCE_BUCKETS];
    struct list pending;
    struct once *ring[ENGINE_ONCE_MAX];
    int64_t next; /* ordinal of the next answer */
};

static struct onces *onces_of(struct engine *engine)
{
    if (engine->onces != NULL)
        return engine->onces;
    engine->onces = xcalloc(1, sizeof *engine->onces);
    for (int i = 0; i < ONCE_BUCKETS; i++)
        list_init(&engine->onces->buckets[i]);
    list_init(&engine->onces->pending);
    engine->onces->next = 1;
    return engine->onces;
}

static struct hash name_of(struct span who, struct span key)
{
    struct hash_list list;

    hash_list_init(&list, "cordon.once.v1");
    hash_list_add_span(&list, who);
    hash_list_add_span(&list, key);
    return hash_list_end(&list);
}

static struct list *bucket(struct onces *onces, struct hash name)
{
    return &onces->buckets[(name.bytes[0] | name.bytes[1] << 8) % ONCE_BUCKETS];
}

static bool is_live(const struct engine *engine, const struct once *once)
{
    return once != NULL &&
           engine->now_ms - once->at_ms < ENGINE_ONCE_HOURS * INT64_C(3600000);
}

static void free_once(struct once *once)
{
    if (once == NULL)
        return;
    list_remove(&once->in_bucket);
    free(once->reply);
    free(once);
}

static void free_pending(struct once_pending *pending)
{
    list_remove(&pending->in_onces);
    free(pending->args);
    free(pending->who);
    free(pending);
}

void onces_free(struct engine *engine)
{
    struct onces *onces = engine->onces;

    if (onces == NULL)
        return;
    for (int i = 0; i < ENGINE_ONCE_MAX; i++)
        free_once(onces->ring[i]);
    list_each (link, after, &onces->pending) {
        free_pending(list_item(link, struct once_pending, in_onces));
    }
    free(onces);
    engine->onces = NULL;
}

static void take(struct engine *engine, struct span body)
{
    struct onces *onces = onces_of(engine);
    int64_t i = json_get_int(body, "i", 1);
    struct once **place = &onces->ring[(uint64_t)i % ENGINE_ONCE_MAX];
    struct once *once = xcalloc(1, sizeof *once);
    char *who = json_get_text(body, "who");

    free_once(*place);
    *place = once;
    once->name = name_of(span_of(who), json_get_raw(body, "key"));
    hash_from_hex(json_get_raw(body, "body"), &once->body);
    once->at_ms = json_get_int(body, "at", 0);
    once->exit = (int)json_get_int(body, "exit", 1);
    once->reply = span_dup(json_get(body, "reply"));
    list_add(bucket(onces, once->name), &once->in_bucket);
    if (i >= onces->next)
        onces->next = i + 1;
    free(who);
}

void once_on_known(struct engine *engine, const struct event *event)
{
    take(engine, event->json);
}

void once_put_entry(struct engine *engine, struct span body, int64_t seq)
{
    int64_t i = json_get_int(body, "i", 1);

    turn_add_entry(engine, &(struct turn_entry){ .kind = ENTRY_ONCE,
                                                 .n = (int)(i % ENGINE_ONCE_MAX),
                                                 .state = 1,
                                                 .first_seq = seq,
                                                 .last_seq = seq,
                                                 .body = span_of("{}") });
}

/* -- before an ask -------------------------------------------------------------------------- */

static struct once *find(struct engine *engine, struct hash name)
{
    list_each (link, after, bucket(engine->onces, name)) {
        struct once *once = list_item(link, struct once, in_bucket);

        if (hash_equal(once->name, name) && is_live(engine, once))
            return once;
    }
    return NULL;
}

static struct once_pending *find_pending(struct onces *onces, struct hash name)
{
    list_each (link, after, &onces->pending) {
        struct once_pending *pending = list_item(link, struct once_pending, in_onces);

        if (hash_equal(pending->name, name))
            return pending;
    }
    return NULL;
}

static void say_again(struct engine *engine, const struct event *event,
                      const struct once *once, struct hash body)
{
    if (!hash_equal(once->body, body))
        reply_error(engine, event->number, 2, "once_differs",
                    "this idempotency key was used for another request: take a new key");
    else
        reply_json(engine, event->number, once->exit, span_of(once->reply), true);
}

static void begin(struct engine *engine, const struct event *event, struct hash name)
{
    struct once_pending *pending = xcalloc(1, sizeof *pending);

    pending->ask = event->number;
    pending->name = name;
    pending->args = span_dup(json_get(event->json, "once"));
    pending->who = span_dup(event->who);
    list_add(&engine->onces->pending, &pending->in_onces);
}

bool once_ask(struct engine *engine, const struct event *event)
{
    struct span once = json_get(event->json, "once");
    struct span key = json_get_raw(once, "key");
    struct hash name, body, ignored;
    const struct once *known;

    if (once.len == 0)
        return false;
    if (!hash_from_hex(key, &ignored) ||
        !hash_from_hex(json_get_raw(once, "body"), &body) ||
        json_get_bool(event->json, "follow", true)) {
        reply_error(engine, event->number, 2, "once",
                    "once wants key and body, each a SHA-256 in hex, and follow: false");
        return true;
    }
    struct onces *onces = onces_of(engine);
    name = name_of(event->who, key);
    if ((known = find(engine, name)) != NULL)
        say_again(engine, event, known, body);
    else if (find_pending(onces, name) != NULL)
        reply_error(engine, event->number, 1, "once_pending",
                    "the request with this idempotency key has not been answered yet: ask "
                    "again in a moment");
    else if (is_live(engine, onces->ring[(uint64_t)onces->next % ENGINE_ONCE_MAX]))
        reply_error(engine, event->number, 1, "too_many",
                    "%d requests with an idempotency key in %d hours, and there may not be "
                    "more: wait, or ask without one",
                    ENGINE_ONCE_MAX, ENGINE_ONCE_HOURS);
    else {
        begin(engine, event, name);
        return false;
    }
    return true;
}

/* -- with its answer -------------------------------------------------------------------------- */

static void write_once(struct engine *engine, const struct once_pending *pending, int exit,
                       struct span reply)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };
    struct span args = span_of(pending->args);
    int64_t seq = engine->next_seq;

    json_open(&out, '{');
    json_put_int(&out, "at", engine->now_ms);
    json_put_raw(&out, "body", json_get(args, "body"));
    json_put_int(&out, "exit", exit);
    json_put_int(&out, "i", engine->onces->next);
    json_put_raw(&out, "key", json_get(args, "key"));
    json_put_raw(&out, "reply", reply);
    json_put(&out, "who", pending->who);
    json_close(&out);
    row_write_global(engine, ROW_ONCE, str_span(&body));
    once_put_entry(engine, str_span(&body), seq);
    take(engine, str_span(&body));
    str_fini(&body);
}

void once_on_reply(struct engine *engine, int64_t ask, int exit, struct span reply,
                   bool after_commit)
{
    if (engine->onces == NULL)
        return;
    list_each (link, after, &engine->onces->pending) {
        struct once_pending *pending = list_item(link, struct once_pending, in_onces);

        if (pending->ask != ask)
            continue;
        if (after_commit)
            write_once(engine, pending, exit, reply);
        free_pending(pending);
        return;
    }
}
