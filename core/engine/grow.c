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
enum { NEWS_KEYS = sizeof news_keys / sizeof *news_keys, STARTS_KEPT_MAX = 64 };

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

/* Members stand in the order of their names. */
static bool is_behind(struct span key, const char *name)
{
    size_t len = strlen(name);
    int order = memcmp(key.ptr, name, key.len < len ? key.len : len);

    return order > 0 || (order == 0 && key.len > len);
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

static void put_entities(struct json_out *out, struct span entities, struct span news)
{
    struct span key, value;
    size_t pos = 0;

    json_key(out, "entities");
    json_open(out, '{');
    while (json_next(entities, &pos, &key, &value)) {
        char *name = span_dup(key);
        struct span list = json_get(news, name);

        json_put_raw(out, name, list.len > 0 ? list : value);
        free(name);
    }
    json_close(out);
}

static void put_resources(struct json_out *out, struct span resources, struct span fresh,
                          int pass)
{
    json_key(out, "resources");
    json_open(out, '[');
    if (pass == 1)
        put_all(out, fresh);
    put_others(out, resources, fresh);
    json_close(out);
}

bool news_view(struct span alert, struct span news, int pass, struct str *text)
{
    struct json_out out = { .str = text };
    struct span fresh = json_get(news, "resources"), key, value;
    bool has_resources = json_count(fresh) > 0, is_put = false;
    bool with_entities = !has_resources || pass == 2;
    size_t pos = 0;

    if (pass == 2 && (!has_resources || !has_new_entities(news) ||
                      json_count(json_get(alert, "resources")) == json_count(fresh)))
        return false;
    json_open(&out, '{');
    while (json_next(alert, &pos, &key, &value)) {
        if (!is_put && is_behind(key, "new")) {
            put_new(&out, news, pass == 1, with_entities);
            is_put = true;
        }
        if (span_is(key, "entities") && with_entities)
            put_entities(&out, value, news);
        else if (span_is(key, "resources"))
            put_resources(&out, value, fresh, pass);
        else {
            json_key_span(&out, key);
            json_raw_value(&out, value);
        }
    }
    json_close(&out);
    return true;
}

/* -- what was started with ------------------------------------------------------------------- */

bool news_is_known(struct alert_card *card, const char *playbook, struct span params)
{
    struct hash_list list;
    char hex[HASH_HEX_LEN + 1];

    hash_list_init(&list, "cordon.alert.start.v1");
    hash_list_add_span(&list, span_of(playbook));
    hash_list_add_span(&list, params);
    hash_hex(hash_list_end(&list), hex);
    hex[16] = '\0';
    if (strstr(str_text(&card->starts), hex) != NULL)
        return true;
    if (card->starts.len >= (size_t)STARTS_KEPT_MAX * 19)
        return false; /* better one too many than none: what is done already is no change */
    if (card->starts.len > 0)
        str_add_char(&card->starts, ',');
    str_printf(&card->starts, "\"%s\"", hex);
    return false;
}
