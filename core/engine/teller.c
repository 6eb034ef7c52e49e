/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/teller.c - the feeds that tell of one alert, and what was started for it.
 *
 * Each feed calls an alert by names of its own (source, product, type, severity), and routes and
 * playbooks ask for these. So the card of an alert of which more than one has told keeps who
 * has, and each of them is asked about once: docs/decisions/0159.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    STARTS_KEPT_MAX = 64,  /* hashes of what one alert was started with */
    TELLERS_KEPT_MAX = 16, /* of one alert, that have been asked about */
    TELLERS_MAX = 200,     /* those that have not been are beside them */
    START_LEN = 16,        /* hexadecimal digits of one hash */
    START_ITEM = START_LEN + 3
};

/* -- tellers ------------------------------------------------------------------------------- */

static int level(struct span who)
{
    static const char *const words[] = { "informational", "low", "medium", "high" };

    for (int i = 0; i < 4; i++)
        if (span_is(json_get_raw(who, "severity"), words[i]))
            return i;
    return -1;
}

/* An alert that an older cordon took does not say which feed told of it. */
static bool is_same(struct span a, struct span b)
{
    static const char *const keys[] = { "id", "source", "type", "feed", "product" };
    bool has_feed = json_get(a, "feed").len > 0 && json_get(b, "feed").len > 0;

    for (size_t i = 0; i < (has_feed ? 5 : 2); i++)
        if (!span_equal(json_get(a, keys[i]), json_get(b, keys[i])))
            return false;
    return true;
}

static struct teller *teller_find(const struct alert_card *card, struct span who)
{
    for (int i = 0; i < card->teller_count; i++)
        if (is_same(span_of(card->tellers[i].who), who))
            return &card->tellers[i];
    return NULL;
}

bool teller_is_news(const struct alert_card *card, struct span told, struct span was)
{
    const struct teller *teller = teller_find(card, told);
    struct span known = teller != NULL ? span_of(teller->who) : was;

    if (told.len == 0 || (card->teller_count == 0 && was.len == 0))
        return false;
    if (teller == NULL && card->teller_count > 0)
        return card->teller_count < TELLERS_MAX;
    return !is_same(known, told) || level(told) > level(known);
}

static struct teller *teller_add(struct alert_card *card, struct span who)
{
    card->tellers =
        xrealloc(card->tellers, (size_t)(card->teller_count + 1) * sizeof *card->tellers);
    struct teller *teller = &card->tellers[card->teller_count++];
    *teller = (struct teller){ .who = span_dup(who) };
    return teller;
}

void teller_take(struct alert_card *card, struct span told, struct span was)
{
    if (card->teller_count == 0 && !is_same(was, told))
        teller_add(card, was);
    struct teller *teller = teller_find(card, told);
    if (teller == NULL)
        teller = teller_add(card, told);
    free(teller->who);
    teller->who = span_dup(told);
    teller->is_due = true;
    teller->is_asked = false;
}

static void teller_drop(struct alert_card *card, int place)
{
    struct teller *teller = &card->tellers[place];

    free(teller->who);
    card->teller_count--;
    memmove(teller, teller + 1,
            (size_t)(card->teller_count - place) * sizeof *card->tellers);
}

/* The first one that can go: it differs from another one by its id only, or is the oldest. */
static int teller_spare(const struct alert_card *card)
{
    static const char *const names[] = { "feed", "product", "severity", "source", "type" };
    int oldest = -1;

    for (int i = card->teller_count - 1; i > 0; i--) {
        if (card->tellers[i].is_due)
            continue;
        oldest = i;
        for (int j = 0; j < card->teller_count; j++) {
            size_t same = 0;

            while (j != i && same < 5 &&
                   span_equal(json_get(span_of(card->tellers[i].who), names[same]),
                              json_get(span_of(card->tellers[j].who), names[same])))
                same++;
            if (same == 5)
                return i;
        }
    }
    return oldest;
}

void tellers_settle(struct alert_card *card)
{
    int due = 0, spare;

    for (int i = 0; i < card->teller_count; i++) {
        struct teller *teller = &card->tellers[i];

        if (teller->is_asked)
            teller->is_due = teller->is_asked = false;
        due += teller->is_due;
    }
    while (card->teller_count - due > TELLERS_KEPT_MAX && (spare = teller_spare(card)) > 0)
        teller_drop(card, spare);
}

bool tellers_are_due(const struct alert_card *card)
{
    for (int i = 0; i < card->teller_count; i++)
        if (card->tellers[i].is_due)
            return true;
    return false;
}

void tellers_read(struct alert_card *card, struct span list)
{
    struct span item;
    size_t pos = 0;

    while (json_next(list, &pos, NULL, &item)) {
        struct teller *teller = teller_add(card, json_get(item, "who"));

        teller->is_due = json_get_bool(item, "due", false);
    }
}

void tellers_put(struct json_out *out, const struct alert_card *card)
{
    if (card->teller_count == 0)
        return;
    json_key(out, "tellers");
    json_open(out, '[');
    for (int i = 0; i < card->teller_count; i++) {
        const struct teller *teller = &card->tellers[i];

        json_open(out, '{');
        if (teller->is_due)
            json_put_bool(out, "due", true);
        json_put_raw(out, "who", span_of(teller->who));
        json_close(out);
    }
    json_close(out);
}

void tellers_free(struct alert_card *card)
{
    while (card->teller_count > 0)
        teller_drop(card, card->teller_count - 1);
    free(card->tellers);
}

/* -- what was started ---------------------------------------------------------------------- */

static int span_order(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    size_t len = x->len < y->len ? x->len : y->len;
    int order = memcmp(x->ptr, y->ptr, len);

    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* Feeds list the same things in different orders. */
static void hash_add_list(struct hash_list *hash, struct span list)
{
    size_t count = json_count(list), pos = 0, i = 0;
    struct span *items = xcalloc(count + 1, sizeof *items);

    while (i < count && json_next(list, &pos, NULL, &items[i]))
        i++;
    qsort(items, count, sizeof *items, span_order);
    for (i = 0; i < count; i++)
        hash_list_add_span(hash, items[i]);
    free(items);
}

static void start_hex(char hex[HASH_HEX_LEN + 1], struct hash_list *hash)
{
    hash_hex(hash_list_end(hash), hex);
    hex[START_LEN] = '\0';
}

/* Each time an alert ends, what asks for its end may start again. */
static void params_hex(char hex[HASH_HEX_LEN + 1], const struct alert_card *card,
                       const char *playbook, struct span params)
{
    struct hash_list hash;
    struct span key, value;
    size_t pos = 0;
    int64_t ended = card->is_over ? card->ended + 1 : 0;

    hash_list_init(&hash, "cordon.alert.start.v2");
    hash_list_add_span(&hash, span_of(playbook));
    hash_list_add_span(&hash, (struct span){ (const char *)&ended, sizeof ended });
    while (json_next(params, &pos, &key, &value)) {
        hash_list_add_span(&hash, key);
        if (json_kind(value) == JSON_ARRAY)
            hash_add_list(&hash, value);
        else
            hash_list_add_span(&hash, value);
    }
    start_hex(hex, &hash);
}

static void begun_hex(char hex[HASH_HEX_LEN + 1], const char *playbook, struct span route)
{
    struct hash_list hash;

    hash_list_init(&hash, "cordon.alert.begun.v1");
    hash_list_add_span(&hash, span_of(playbook));
    hash_list_add_span(&hash, route);
    start_hex(hex, &hash);
}

static bool starts_have(const struct alert_card *card, const char *hex)
{
    return card->starts.len > 0 && strstr(str_text(&card->starts), hex) != NULL;
}

/* The newest stand at the end. The oldest go: better one start too many than none. */
static void starts_add(struct alert_card *card, const char *hex)
{
    struct str kept = { 0 };
    size_t count = (card->starts.len + 1) / START_ITEM;

    for (size_t i = count >= STARTS_KEPT_MAX ? count - STARTS_KEPT_MAX + 1 : 0; i < count;
         i++) {
        const char *item = str_text(&card->starts) + i * START_ITEM;

        if (memcmp(item + 1, hex, START_LEN) != 0)
            str_printf(&kept, "%s%.*s", kept.len > 0 ? "," : "", START_LEN + 2, item);
    }
    str_printf(&kept, "%s\"%s\"", kept.len > 0 ? "," : "", hex);
    str_fini(&card->starts);
    card->starts = kept;
}

bool start_is_known(const struct alert_card *card, const char *playbook, struct span params)
{
    char hex[HASH_HEX_LEN + 1];

    params_hex(hex, card, playbook, params);
    return starts_have(card, hex);
}

bool start_has_begun(const struct alert_card *card, const char *playbook, struct span route)
{
    char hex[HASH_HEX_LEN + 1];

    begun_hex(hex, playbook, route);
    return starts_have(card, hex);
}

void start_remember(struct alert_card *card, const char *playbook, struct span route,
                    struct span params)
{
    char hex[HASH_HEX_LEN + 1];

    begun_hex(hex, playbook, route);
    starts_add(card, hex);
    params_hex(hex, card, playbook, params);
    starts_add(card, hex);
}
