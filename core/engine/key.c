/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/key.c - whose key is whose: enrolled, and revoked for good.
 *
 * A key belongs to one person, and is never forgotten: what it signed stays in the journal,
 * and a revoked one is not taken again.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/sshkey.h"

struct enrolled *key_find(struct engine *engine, struct span fingerprint)
{
    list_each (link, after, &engine->keys) {
        struct enrolled *key = list_item(link, struct enrolled, in_engine);

        if (span_is(fingerprint, key->fingerprint))
            return key;
    }
    return NULL;
}

bool key_is_revoked(struct engine *engine, const char *fingerprint)
{
    const struct enrolled *key = key_find(engine, span_of(fingerprint));

    return key != NULL && key->is_revoked;
}

bool key_speaks_for(struct engine *engine, const char *fingerprint, struct span who)
{
    const struct enrolled *key = key_find(engine, span_of(fingerprint));

    return key != NULL && !key->is_revoked && span_is(who, key->person);
}

/* Takes what the row of a key says, the first time and when it is revoked. */
static void take(struct engine *engine, struct span body)
{
    char *fingerprint = json_get_text(body, "fp");
    struct enrolled *key = key_find(engine, span_of(fingerprint));

    if (key == NULL) {
        key = xcalloc(1, sizeof *key);
        key->fingerprint = xstrdup(fingerprint != NULL ? fingerprint : "");
        key->person = json_get_text(body, "person");
        key->n = (int)json_get_int(body, "i", 0);
        if (key->n > engine->next_key)
            engine->next_key = key->n;
        engine->key_count++;
        list_add(&engine->keys, &key->in_engine);
    }
    free(fingerprint);
    free(key->body);
    key->body = span_dup(body);
    key->is_revoked = !json_get_bool(body, "on", false);
}

void key_on_known(struct engine *engine, const struct event *event)
{
    take(engine, event->json);
}

void keys_free(struct engine *engine)
{
    while (!list_is_empty(&engine->keys)) {
        struct enrolled *key =
            list_item(list_take(&engine->keys), struct enrolled, in_engine);

        free(key->fingerprint);
        free(key->person);
        free(key->body);
        free(key);
    }
}

void key_put_entry(struct engine *engine, struct span body, int64_t seq)
{
    turn_add_entry(engine, &(struct turn_entry){ .kind = ENTRY_KEY,
                                                 .n = (int)json_get_int(body, "i", 1),
                                                 .state = json_get_bool(body, "on", false),
                                                 .first_seq = seq,
                                                 .last_seq = seq,
                                                 .body = body });
}

/* Journals body, in which the keys are sorted, and answers with it. */
static void write_key(struct engine *engine, const struct event *event, struct span body)
{
    int64_t seq = engine->next_seq;

    row_write_global(engine, ROW_KEY, body);
    key_put_entry(engine, body, seq);
    take(engine, body);
    reply_json(engine, event->number, 0, body, true);
}

/* -- adding ------------------------------------------------------------------------------- */

static bool is_person(struct span person)
{
    if (person.len == 0 || person.len > ENGINE_PERSON_MAX)
        return false;
    for (size_t i = 0; i < person.len; i++)
        if ((unsigned char)person.ptr[i] < ' ' || person.ptr[i] == 0x7f)
            return false;
    return true;
}

static void put_key(struct str *body, const struct event *event, struct engine *engine,
                    const struct sshkey *key, struct span comment)
{
    struct json_out out = { .str = body };
    struct str letters = { 0 };

    base64_add(&letters, key->blob.ptr, key->blob.len);
    json_open(&out, '{');
    json_put_int(&out, "at", engine->now_ms);
    json_put(&out, "blob", str_text(&letters));
    json_put_span(&out, "by", event->who);
    json_put_span(&out, "comment", comment);
    json_put(&out, "fp", key->fingerprint);
    json_put_int(&out, "i", engine->next_key + 1);
    json_put_bool(&out, "on", true);
    json_put_raw(&out, "person", json_get(event->json, "person"));
    json_put_int(&out, "since", engine->now_ms);
    json_put(&out, "type", key->type);
    json_put(&out, "why", NULL);
    json_close(&out);
    str_fini(&letters);
}

static void say_known(struct engine *engine, const struct event *event,
                      const struct enrolled *known)
{
    if (known->is_revoked)
        reply_error(engine, event->number, 1, "revoked",
                    "key %s was revoked, and a revoked key is not taken again: make a new "
                    "one with ssh-keygen",
                    known->fingerprint);
    else
        reply_error(engine, event->number, 1, "exists",
                    "key %s is enrolled for %s already; a key belongs to one person",
                    known->fingerprint, known->person);
}

static void ask_add(struct engine *engine, const struct event *event)
{
    char *line = json_get_text(event->json, "key");
    char *person = json_get_text(event->json, "person");
    struct str blob = { 0 }, body = { 0 };
    struct span comment = { 0 };
    struct enrolled *known;
    struct sshkey key;
    struct err err;

    if (!is_person(span_of(person)))
        reply_error(engine, event->number, 2, "person",
                    "whose key is it? Want a name as in the groups of policy.lua, of at "
                    "most %d bytes",
                    ENGINE_PERSON_MAX);
    else if (sshkey_read_line(&key, &blob, &comment, span_of(line), &err) != 0)
        reply_error(engine, event->number, 2, "key", "%s", err.text);
    else if ((known = key_find(engine, span_of(key.fingerprint))) != NULL)
        say_known(engine, event, known);
    else if (engine->key_count >= ENGINE_KEYS_MAX)
        reply_error(engine, event->number, 1, "too_big",
                    "%d keys have been enrolled, and there may not be more",
                    ENGINE_KEYS_MAX);
    else {
        put_key(&body, event, engine, &key, comment);
        write_key(engine, event, str_span(&body));
    }
    free(line);
    free(person);
    str_fini(&blob);
    str_fini(&body);
}

/* -- revoking ----------------------------------------------------------------------------- */

/* By its fingerprint, or by its name, "k-3". */
static struct enrolled *find_named(struct engine *engine, struct span name)
{
    int64_t n;

    if (!span_starts(name, "k-"))
        return key_find(engine, name);
    if (!span_int((struct span){ name.ptr + 2, name.len - 2 }, &n))
        return NULL;
    list_each (link, after, &engine->keys) {
        struct enrolled *key = list_item(link, struct enrolled, in_engine);

        if (key->n == n)
            return key;
    }
    return NULL;
}

static void revoke(struct engine *engine, const struct event *event, struct enrolled *key)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };
    struct span name, value;
    size_t pos = 0;

    json_open(&out, '{');
    while (json_next(span_of(key->body), &pos, &name, &value)) {
        if (span_is(name, "at"))
            json_put_int(&out, "at", engine->now_ms);
        else if (span_is(name, "by"))
            json_put_span(&out, "by", event->who);
        else if (span_is(name, "on"))
            json_put_bool(&out, "on", false);
        else if (span_is(name, "why"))
            json_put_raw(&out, "why", json_get(event->json, "reason"));
        else {
            json_key_span(&out, name);
            json_raw_value(&out, value);
        }
    }
    json_close(&out);
    write_key(engine, event, str_span(&body));
    str_fini(&body);
}

static void ask_revoke(struct engine *engine, const struct event *event)
{
    char *name = json_get_text(event->json, "key");
    char *reason = json_get_text(event->json, "reason");
    struct enrolled *key = find_named(engine, span_of(name));

    if (key == NULL)
        reply_error(engine, event->number, 2, "not_found",
                    "no key %.60s is enrolled; `cordon key list` shows them",
                    name != NULL ? name : "");
    else if (key->is_revoked)
        reply_error(engine, event->number, 1, "revoked", "key %s is revoked already",
                    key->fingerprint);
    else if (span_is_blank(span_of(reason)))
        reply_error(engine, event->number, 2, "reason",
                    "revoking a key needs --reason TEXT");
    else
        revoke(engine, event, key);
    free(name);
    free(reason);
}

static void ask_list(struct engine *engine, const struct event *event)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    json_open(&out, '{');
    json_key(&out, "keys");
    json_open(&out, '[');
    list_each (link, after, &engine->keys) {
        json_raw_value(&out, span_of(list_item(link, struct enrolled, in_engine)->body));
    }
    json_close(&out);
    json_close(&out);
    /* What is shown is durable. */
    reply_json(engine, event->number, 0, str_span(&body), true);
    str_fini(&body);
}

bool ask_key(struct engine *engine, const struct event *event)
{
    if (span_is(event->name, "key_add"))
        ask_add(engine, event);
    else if (span_is(event->name, "key_revoke"))
        ask_revoke(engine, event);
    else if (span_is(event->name, "keys"))
        ask_list(engine, event);
    else
        return false;
    return true;
}
