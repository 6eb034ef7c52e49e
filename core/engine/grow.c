/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/grow.c - what an alert has gained since it was told first: docs/decisions/0129.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

/* In the order of their names, as news are written. */
static const char *const news_keys[] = { "accounts", "assets", "children",  "files",
                                         "hosts",    "ips",    "resources", "urls" };
enum { NEWS_KEYS = sizeof news_keys / sizeof *news_keys };

static void put_all(struct json_out *out, struct span list)
{
    struct span item;
    size_t pos = 0;

    while (json_next(list, &pos, NULL, &item))
        json_raw_value(out, item);
}

static bool has_item(struct span list, struct span wanted)
{
    struct span item;
    size_t pos = 0;

    while (json_next(list, &pos, NULL, &item))
        if (span_equal(item, wanted))
            return true;
    return false;
}

/* The item of the list that is this one without regard to case; the empty span: none. */
static struct span same_item(struct span list, struct span wanted)
{
    struct span item;
    size_t pos = 0;

    while (json_next(list, &pos, NULL, &item))
        if (span_equal_nocase(item, wanted))
            return item;
    return (struct span){ 0 };
}

static void put_others(struct json_out *out, struct span list, struct span known)
{
    struct span item;
    size_t pos = 0;

    while (json_next(list, &pos, NULL, &item))
        if (!has_item(known, item))
            json_raw_value(out, item);
}

char *news_join(const char *a, struct span b)
{
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    json_open(&out, '{');
    for (size_t i = 0; i < NEWS_KEYS; i++) {
        struct span first = json_get(span_of(a), news_keys[i]);
        struct span second = json_get(b, news_keys[i]);

        if (json_count(first) + json_count(second) == 0)
            continue;
        json_key(&out, news_keys[i]);
        json_open(&out, '[');
        put_all(&out, first);
        put_others(&out, second, first);
        json_close(&out);
    }
    json_close(&out);
    return str_take(&text);
}

char *news_less(const char *a, struct span b)
{
    struct str text = { 0 }, list = { 0 };
    struct json_out out = { .str = &text };

    json_open(&out, '{');
    for (size_t i = 0; i < NEWS_KEYS; i++) {
        struct json_out items = { .str = &list };

        str_reset(&list);
        json_open(&items, '[');
        put_others(&items, json_get(span_of(a), news_keys[i]), json_get(b, news_keys[i]));
        json_close(&items);
        if (json_count(str_span(&list)) > 0)
            json_put_raw(&out, news_keys[i], str_span(&list));
    }
    json_close(&out);
    str_fini(&list);
    if (json_count(str_span(&text)) > 0)
        return str_take(&text);
    str_fini(&text);
    return NULL;
}

/* -- what playbooks see of it ---------------------------------------------------------------- */

static bool is_entity(const char *key)
{
    return strcmp(key, "resources") != 0 && strcmp(key, "children") != 0;
}

static bool has_new_entities(struct span news)
{
    for (size_t i = 0; i < NEWS_KEYS; i++)
        if (is_entity(news_keys[i]) && json_count(json_get(news, news_keys[i])) > 0)
            return true;
    return false;
}

static void put_new(struct json_out *out, struct span news, bool with_resources,
                    bool with_entities)
{
    json_key(out, "new");
    json_open(out, '{');
    for (size_t i = 0; i < NEWS_KEYS; i++) {
        struct span list = json_get(news, news_keys[i]);

        if (list.len > 0 && (is_entity(news_keys[i]) ? with_entities : with_resources))
            json_put_raw(out, news_keys[i], list);
    }
    json_close(out);
}

/* What is new stands in the place of each list that has something new. */
static void put_entities(struct json_out *out, struct span entities, struct span news,
                         struct span foreign)
{
    struct span key, value;
    size_t pos = 0;

    json_open(out, '{');
    while (json_next(entities, &pos, &key, &value)) {
        char *name = span_dup(key);
        struct span list = json_get(news, name);

        json_key_span(out, key);
        json_open(out, '[');
        if (list.len > 0)
            put_all(out, list);
        else
            put_others(out, value, json_get(foreign, name));
        json_close(out);
        free(name);
    }
    json_close(out);
}

/* Those that are new in front, then the teller's, then the others; without those left out. */
static void put_resources(struct json_out *out, struct span resources, struct span fresh,
                          struct span first, const struct span left_out[2])
{
    struct span item;
    size_t pos = 0;

    json_open(out, '[');
    put_all(out, fresh);
    while (json_next(first, &pos, NULL, &item)) {
        item = same_item(resources, item);
        if (item.len > 0 && !has_item(left_out[0], item) && !has_item(left_out[1], item))
            json_raw_value(out, item);
    }
    for (pos = 0; json_next(resources, &pos, NULL, &item);)
        if (!has_item(left_out[0], item) && !has_item(left_out[1], item) &&
            same_item(first, item).len == 0)
            json_raw_value(out, item);
    json_close(out);
}

/* The names by which the teller calls the alert, in the place of those that it had first. */
static const char *const its_names[] = { "feed", "product", "severity", "source", "type" };
static const char *const its_parts[] = { "confidence", "subscription", "tenant" };
enum { ITS_NAMES = 5, ITS_PARTS = 3 };

static bool is_one_of(struct span key, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_is(key, names[i]))
            return true;
    return false;
}

/* Does the teller say it, so that what the alert says does not hold? */
static bool is_told(struct span teller, struct span key, enum view_kind kind)
{
    char *name = span_dup(key);
    bool is_there = json_get_raw(teller, name).len > 0;

    free(name);
    if (teller.len == 0)
        return false;
    if (is_one_of(key, its_parts, ITS_PARTS) || span_is(key, "title"))
        return is_there && (kind == VIEW_TITLED || !span_is(key, "title"));
    return is_one_of(key, its_names, ITS_NAMES);
}

static void put_told(struct json_out *out, struct span teller, enum view_kind kind)
{
    struct span key, value;
    size_t pos = 0;

    while (json_next(teller, &pos, &key, &value))
        if (is_told(teller, key, kind)) {
            json_key_span(out, key);
            json_raw_value(out, value);
        }
}

static void put_resources_of(struct json_out *out, struct span resources,
                             struct span teller, const struct gain *gain,
                             enum view_kind kind)
{
    struct span fresh = json_get(gain->news, "resources"), none = { 0 };
    bool is_whole = kind == VIEW_FULL || kind == VIEW_TITLED;
    struct span left_out[2] = { is_whole ? none : json_get(gain->foreign, "resources"),
                                is_whole || kind == VIEW_OWN ? none : fresh };

    put_resources(out, resources, kind == VIEW_NEW_RESOURCES ? fresh : none,
                  json_get(teller, "resources"), left_out);
}

static void put_members(struct json_out *out, struct span alert, struct span teller,
                        const struct gain *gain, enum view_kind kind)
{
    bool is_gain = kind == VIEW_NEW_RESOURCES || kind == VIEW_NEW_ENTITIES;
    bool with_entities = is_gain && (kind == VIEW_NEW_ENTITIES ||
                                     json_count(json_get(gain->news, "resources")) == 0);
    struct span key, value, none = { 0 };
    size_t pos = 0;

    while (json_next(alert, &pos, &key, &value)) {
        if (is_told(teller, key, kind) || span_is(key, "new"))
            continue;
        json_key_span(out, key);
        if (span_is(key, "entities") && (is_gain || kind == VIEW_OWN))
            put_entities(out, value, with_entities ? gain->news : none, gain->foreign);
        else if (span_is(key, "resources"))
            put_resources_of(out, value, teller, gain, kind);
        else
            json_raw_value(out, value);
    }
    if (is_gain)
        put_new(out, gain->news, kind == VIEW_NEW_RESOURCES, with_entities);
}

/* New entities with the resources that were there, where both are new. */
static bool has_second_view(struct span alert, struct span news)
{
    size_t fresh = json_count(json_get(news, "resources"));

    return fresh > 0 && has_new_entities(news) &&
           json_count(json_get(alert, "resources")) > fresh;
}

char *alert_view(struct span alert, struct span teller, const struct gain *gain,
                 enum view_kind kind)
{
    struct str text = { 0 }, sorted = { 0 };
    struct json_out out = { .str = &text };
    struct err err;

    if (kind == VIEW_NEW_ENTITIES && !has_second_view(alert, gain->news))
        return NULL;
    if (kind == VIEW_FULL && teller.len == 0)
        return span_dup(alert);
    json_open(&out, '{');
    put_told(&out, teller, kind);
    put_members(&out, alert, teller, gain, kind);
    json_close(&out);
    if (json_canonical(&sorted, str_text(&text), text.len, &err) != 0)
        str_add_span(&sorted, alert); /* it was one: this cannot be */
    str_fini(&text);
    return str_take(&sorted);
}
