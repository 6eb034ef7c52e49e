/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/alert_grow.h"

#include <stddef.h>

#include "alert/fields.h"
#include "base/err.h"
#include "base/json.h"

struct growing {
    const char *key;
    size_t list; /* of struct alert */
};

/* In the order of their names: news are written so. */
static const struct growing kinds[] = {
    { "accounts", offsetof(struct alert, accounts) },
    { "assets", offsetof(struct alert, assets) },
    { "children", offsetof(struct alert, children) },
    { "files", offsetof(struct alert, files) },
    { "hosts", offsetof(struct alert, hosts) },
    { "ips", offsetof(struct alert, ips) },
    { "resources", offsetof(struct alert, resources) },
    { "urls", offsetof(struct alert, urls) },
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static const struct alert_list *list_of(const struct alert *alert, int kind)
{
    return (const struct alert_list *)((const char *)alert + kinds[kind].list);
}

/* The alerts of the list that name it. */
static bool others_name(struct span others, int kind, struct span item)
{
    bool is_child = kinds[kind].list == offsetof(struct alert, children);
    bool is_top = is_child || kinds[kind].list == offsetof(struct alert, resources);
    struct span other, value;
    size_t pos = 0;

    while (json_next(others, &pos, NULL, &other)) {
        struct span list =
            json_get(is_top ? other : json_get(other, "entities"), kinds[kind].key);
        for (size_t at = 0; json_next(list, &at, NULL, &value);)
            if (span_equal_nocase(json_raw(value), item))
                return true;
        if (is_child && span_equal_nocase(json_get_raw(other, "id"), item))
            return true;
    }
    return false;
}

static bool is_gained(const struct alert *known, int kind, const char *item)
{
    struct span text = span_of(item);
    bool is_known = alert_has(list_of(known, kind), text) ||
                    (kinds[kind].list == offsetof(struct alert, children) &&
                     span_equal_nocase(text, str_span(&known->id)));

    return !is_known;
}

static void put_gained(struct str *text, const struct alert *known,
                       const struct alert *grown, struct span others, bool is_foreign)
{
    struct json_out json = { .str = text }, *out = &json;

    json_open(out, '{');
    for (int kind = 0; kind < KINDS; kind++) {
        const struct alert_list *list = list_of(grown, kind);
        bool is_open = false;

        for (int i = 0; i < list->count; i++) {
            struct span item = span_of(list->items[i]);

            if (!is_gained(known, kind, list->items[i]) ||
                others_name(others, kind, item) != is_foreign)
                continue;
            if (!is_open) {
                json_key(out, kinds[kind].key);
                json_open(out, '[');
            }
            is_open = true;
            json_string(out, list->items[i]);
        }
        if (is_open)
            json_close(out);
    }
    json_close(out);
}

static void text_set(struct str *text, const struct str *other)
{
    str_reset(text);
    str_add_span(text, str_span(other));
}

static bool is_same(const struct alert *known, const struct alert *told)
{
    return span_equal(str_span(&known->id), str_span(&told->id)) &&
           span_equal(str_span(&known->source), str_span(&told->source));
}

/* The alert itself tells its state. Another feed ends it, and does not open it again: what it
 * sends late would. One alert of an incident does not end the incident. */
static void settle_state(const struct alert *known, const struct alert *told,
                         struct alert *grown)
{
    bool is_part = known->children.count > 1;

    if (is_same(known, told) || (told->is_over && !is_part))
        return;
    text_set(&grown->status, &known->status);
    grown->is_over = known->is_over;
}

int alert_grow(struct span known, struct span told, struct span others,
               struct alert_gain *gain, struct err *err)
{
    struct alert before = { 0 }, more = { 0 }, after = { 0 };
    int rc = alert_read(&before, known, err);

    if (rc == 0)
        rc = alert_read(&more, told, err);
    if (rc == 0)
        rc = alert_read(&after, known, err);
    if (rc == 0) {
        alert_join(&after, &more);
        settle_state(&before, &more, &after);
        after.raw = more.raw;
        rc = alert_write(&after, &gain->grown, err);
    }
    if (rc == 0) {
        put_gained(&gain->news, &before, &after, others, false);
        put_gained(&gain->foreign, &before, &after, others, true);
    }
    alert_fini(&before);
    alert_fini(&more);
    alert_fini(&after);
    return rc;
}

void alert_gain_fini(struct alert_gain *gain)
{
    str_fini(&gain->grown);
    str_fini(&gain->news);
    str_fini(&gain->foreign);
}

static void put_first(struct json_out *out, struct span list)
{
    struct span item;
    size_t pos = 0;

    json_open(out, '[');
    for (int i = 0; i < ALERT_NAMED_MAX && json_next(list, &pos, NULL, &item); i++)
        json_raw_value(out, item);
    json_close(out);
}

void alert_put_names(struct span alert, struct str *text)
{
    static const char *const names[] = { "confidence", "feed",     "id",     "product",
                                         "resources",  "severity", "source", "subscription",
                                         "tenant",     "title",    "type" };
    struct json_out out = { .str = text };

    json_open(&out, '{');
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct span value = json_get(alert, names[i]);

        if (value.len == 0)
            continue;
        json_key(&out, names[i]);
        if (json_kind(value) == JSON_ARRAY)
            put_first(&out, value);
        else
            json_raw_value(&out, value);
    }
    json_close(&out);
}

int alert_put_feed(struct span json, struct span feed, struct str *out, struct err *err)
{
    struct alert alert = { 0 };
    int rc = alert_read(&alert, json, err);

    str_reset(&alert.feed);
    str_add_span(&alert.feed, feed);
    if (rc == 0)
        rc = alert_write(&alert, out, err);
    alert_fini(&alert);
    return rc;
}
