/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/alert_join.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alert/alert_grow.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "serve/alerts.h"
#include "serve/inside.h"
#include "store/store.h"

/* -- what a delivery and an alert are counted by --------------------------------------------- */

int64_t alert_join_key(const char *domain, struct span source, struct span id)
{
    struct hash_list list;
    struct hash hash;
    int64_t key;

    hash_list_init(&list, domain);
    hash_list_add_span(&list, source);
    hash_list_add_span(&list, id);
    hash = hash_list_end(&list);
    memcpy(&key, hash.bytes, sizeof key);
    key &= INT64_MAX;
    return key == 0 ? 1 : key;
}

/* A sample never joins a real alert, whatever id it has. */
static bool is_simulated(struct span alert)
{
    return json_get_bool(alert, "simulated", false);
}

static int64_t alert_key(struct span source, struct span alert)
{
    return alert_join_key(is_simulated(alert) ? "cordon.alert.simulated.v1"
                                              : "cordon.alert.v1",
                          source, json_get_raw(alert, "id"));
}

static int64_t shared_key(struct span alert, struct span key)
{
    return alert_join_key(is_simulated(alert) ? "cordon.alert.key.simulated.v1"
                                              : "cordon.alert.key.v1",
                          (struct span){ 0 }, key);
}

/* -- which alert it is ------------------------------------------------------------------- */

struct alert_joining { /* an alert that came in, and those that it may be */
    struct serve *serve;
    int64_t key;        /* of its source and id */
    struct str alert;   /* as it came in, and then what the known one has become */
    struct str more;    /* what the engine is told beside it */
    int64_t number;     /* that it is; 0: a new one */
    struct str keys;    /* JSON list: those that are new */
    struct str others;  /* JSON list of known alerts that it names too */
    struct entry entry; /* of the number */
    struct str card, known;
    int other_count;
    int64_t others_seen[ALERTS_JOINED_MAX];
};

static int take_known(const struct row *row, void *arg)
{
    struct span now = json_get(row->body, "now"); /* as it is since it has grown */

    str_add_span(arg, now.len > 0 ? now : json_get(row->body, "alert"));
    return 1;
}

/* The alert of that number as it was told last, and its card. */
static bool find_known(struct serve *serve, int64_t number, struct entry *entry,
                       struct str *card, struct str *known)
{
    struct err err;

    if (store_find(serve->store, ENTRY_ALERT, number, 0, entry, &err) != 0)
        return false;
    str_add_span(card, entry->body);
    int64_t seq = json_get_int(str_span(card), "grown", entry->first_seq);
    if (store_each(serve->store, seq, take_known, known, &err) < 0)
        log_warnx("%s", err.text);
    return known->len > 0;
}

static int64_t number_of(struct serve *serve, int64_t key)
{
    struct entry entry;
    struct err err;

    if (store_find(serve->store, ENTRY_DELIVERY, key, 1, &entry, &err) != 0)
        return 0;
    return json_get_int(entry.body, "i", 0);
}

static void add_other(struct alert_joining *joining, int64_t number)
{
    struct str card = { 0 }, known = { 0 };
    struct entry entry;

    for (int i = 0; i < joining->other_count; i++)
        if (joining->others_seen[i] == number)
            return;
    if (joining->other_count == ALERTS_JOINED_MAX)
        return;
    joining->others_seen[joining->other_count++] = number;
    if (find_known(joining->serve, number, &entry, &card, &known)) {
        if (joining->others.len > 1)
            str_add_char(&joining->others, ',');
        str_add_span(&joining->others, str_span(&known));
    }
    str_fini(&card);
    str_fini(&known);
}

static void add_key(struct alert_joining *joining, int64_t key)
{
    if (joining->keys.len > 1)
        str_add_char(&joining->keys, ',');
    str_printf(&joining->keys, "%" PRId64, key);
}

/* Its own source and id come first, then the oldest alert with which it has a key in common. */
static void find_number(struct alert_joining *joining, struct span alert, int64_t own)
{
    struct span key;
    size_t pos = 0;

    joining->number = number_of(joining->serve, own);
    bool is_own = joining->number > 0;
    while (json_next(json_get(alert, "keys"), &pos, NULL, &key)) {
        int64_t number = number_of(joining->serve, shared_key(alert, json_raw(key)));

        if (number > 0 && !is_own && (joining->number == 0 || number < joining->number))
            joining->number = number;
    }
}

static void take_keys(struct alert_joining *joining, struct span alert, int64_t own)
{
    struct span key;
    size_t pos = 0;

    if (joining->number > 0 && number_of(joining->serve, own) == 0)
        add_key(joining, own);
    while (json_next(json_get(alert, "keys"), &pos, NULL, &key)) {
        int64_t shared = shared_key(alert, json_raw(key));
        int64_t number = number_of(joining->serve, shared);

        if (number == 0)
            add_key(joining, shared);
        else if (number != joining->number)
            add_other(joining, number);
    }
}

static void put_gain(struct alert_joining *joining, struct json_out *out)
{
    struct span told = str_span(&joining->alert);
    struct alert_gain gain = { 0 };
    struct err err;

    if (alert_grow(str_span(&joining->known), told, str_span(&joining->others), &gain,
                   &err) == 0) {
        json_put_raw(out, "foreign", str_span(&gain.foreign));
        json_put_raw(out, "news", str_span(&gain.news));
        str_reset(&joining->alert);
        str_add_span(&joining->alert, str_span(&gain.grown));
    } else {
        log_warnx("a-%06" PRId64 ": what the alert has gained is not taken: %s",
                  joining->number, err.text);
    }
    alert_gain_fini(&gain);
}

/* {"keys","foreign","news","told","was"}: keys that are new, what it has gained, and the names
 * of the alert as it is told here and as it was. */
static void put_more(struct alert_joining *joining)
{
    struct json_out out = { .str = &joining->more };
    struct str told = { 0 }, was = { 0 };

    str_add_char(&joining->keys, ']');
    str_add_char(&joining->others, ']');
    json_open(&out, '{');
    json_put_raw(&out, "keys", str_span(&joining->keys));
    if (joining->known.len > 0) {
        alert_put_names(str_span(&joining->alert), &told);
        alert_put_names(str_span(&joining->known), &was);
        put_gain(joining, &out);
        json_put_raw(&out, "told", str_span(&told));
        json_put_raw(&out, "was", str_span(&was));
    }
    json_close(&out);
    str_fini(&told);
    str_fini(&was);
}

struct alert_joining *alert_join_begin(struct serve *serve, struct span source,
                                       struct span told)
{
    struct alert_joining *joining = xcalloc(1, sizeof *joining);
    struct err err;

    joining->serve = serve;
    if (alert_put_feed(told, source, &joining->alert, &err) != 0)
        str_add_span(&joining->alert, told);
    struct span alert = str_span(&joining->alert);
    joining->key = alert_key(source, alert);
    str_add_char(&joining->keys, '[');
    str_add_char(&joining->others, '[');
    find_number(joining, alert, joining->key);
    if (joining->number > 0 && !find_known(serve, joining->number, &joining->entry,
                                           &joining->card, &joining->known))
        joining->number = joining->card.len > 0 ? joining->number : 0;
    take_keys(joining, alert, joining->key);
    put_more(joining);
    return joining;
}

void alert_join_put(const struct alert_joining *joining, struct event *event)
{
    event->run = joining->key;
    event->json = str_span(&joining->alert);
    event->who = str_span(&joining->more);
    event->number = joining->number;
    event->text = str_span(&joining->card);
    event->first_seq = joining->entry.first_seq;
}

void alert_join_end(struct alert_joining *joining)
{
    str_fini(&joining->alert);
    str_fini(&joining->more);
    str_fini(&joining->keys);
    str_fini(&joining->others);
    str_fini(&joining->card);
    str_fini(&joining->known);
    free(joining);
}
