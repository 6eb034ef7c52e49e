/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/alert_set.h"

#include <stdlib.h>
#include <string.h>

#include "alert/alert.h"
#include "alert/fields.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

struct alert_set_item {
    char *key; /* "SOURCE ID"; NULL: no alert */
    struct str json;
};

void alert_set_fini(struct alert_set *set)
{
    for (int i = 0; i < set->count; i++) {
        free(set->items[i].key);
        str_fini(&set->items[i].json);
    }
    free(set->items);
}

static struct alert_set_item *item_new(struct alert_set *set)
{
    if (set->count == set->cap) {
        set->cap = set->cap ? set->cap * 2 : 8;
        set->items = xrealloc(set->items, (size_t)set->cap * sizeof set->items[0]);
    }
    struct alert_set_item *item = &set->items[set->count++];
    *item = (struct alert_set_item){ 0 };
    return item;
}

/* -- Two that are one --------------------------------------------------------------------- */

static void list_join(struct alert_list *list, const struct alert_list *more)
{
    for (int i = 0; i < more->count; i++)
        alert_add_text(list, span_of(more->items[i]));
}

static void text_join(struct str *text, const struct str *other)
{
    if (text->len == 0)
        str_add_span(text, str_span(other));
}

static int level(const struct str *severity)
{
    static const char *const words[] = { "informational", "low", "medium", "high" };

    for (int i = 0; i < 4; i++)
        if (strcmp(str_text(severity), words[i]) == 0)
            return i;
    return -1;
}

static void join_words(struct alert *alert, const struct alert *more)
{
    text_join(&alert->confidence, &more->confidence);
    text_join(&alert->type, &more->type);
    text_join(&alert->title, &more->title);
    text_join(&alert->time, &more->time);
    text_join(&alert->tenant, &more->tenant);
    text_join(&alert->subscription, &more->subscription);
    text_join(&alert->link, &more->link);
    if (level(&more->severity) > level(&alert->severity)) {
        str_reset(&alert->severity);
        str_add_span(&alert->severity, str_span(&more->severity));
    }
    str_reset(&alert->status);
    str_add_span(&alert->status, str_span(&more->status));
    alert->is_over = more->is_over;
    alert->is_simulated = alert->is_simulated || more->is_simulated;
    text_join(&alert->product, &more->product);
}

static void join_lists(struct alert *alert, const struct alert *more)
{
    struct {
        struct alert_list *list;
        const struct alert_list *more;
    } const lists[] = {
        { &alert->resources, &more->resources },
        { &alert->ips, &more->ips },
        { &alert->assets, &more->assets },
        { &alert->accounts, &more->accounts },
        { &alert->hosts, &more->hosts },
        { &alert->urls, &more->urls },
        { &alert->files, &more->files },
        { &alert->tactics, &more->tactics },
        { &alert->techniques, &more->techniques },
        { &alert->children, &more->children },
        { &alert->keys, &more->keys },
    };

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        list_join(lists[i].list, lists[i].more);
    alert_note_cut(alert);
    alert_remove(&alert->ips, &alert->assets);
    for (int i = 0; i < more->notes.count; i++)
        alert_add_note(alert, span_of(more->notes.items[i]));
}

void alert_join(struct alert *alert, const struct alert *more)
{
    join_lists(alert, more);
    join_words(alert, more);
}

/* json is a completed alert. */
static int item_join(struct alert_set_item *item, struct span json, struct err *err)
{
    struct alert alert = { 0 }, more = { 0 };
    struct str out = { 0 };
    int rc = alert_read(&alert, str_span(&item->json), err);

    if (rc == 0)
        rc = alert_read(&more, json, err);
    if (rc == 0) {
        alert_join(&alert, &more);
        rc = alert_write(&alert, &out, err);
    }
    alert_fini(&alert);
    alert_fini(&more);
    if (rc == 0) {
        str_fini(&item->json);
        item->json = out;
    }
    return rc;
}

/* -- The set ------------------------------------------------------------------------------ */

static char *key_of(struct span json)
{
    struct str key = { 0 };

    str_add_span(&key, json_get(json, "source"));
    str_add_char(&key, ' ');
    str_add_span(&key, json_get(json, "id"));
    return str_take(&key);
}

static struct alert_set_item *item_find(const struct alert_set *set, const char *key)
{
    for (int i = 0; i < set->count; i++)
        if (set->items[i].key != NULL && strcmp(set->items[i].key, key) == 0)
            return &set->items[i];
    return NULL;
}

int alert_set_add(struct alert_set *set, struct span json, struct span source,
                  int64_t arrived_ms, struct err *err)
{
    struct str alert = { 0 };
    int rc = alert_complete_at(json, source, arrived_ms, &alert, err);

    if (rc != 0)
        return rc;
    char *key = key_of(str_span(&alert));
    struct alert_set_item *same = item_find(set, key);
    if (same != NULL) {
        rc = item_join(same, str_span(&alert), err);
        str_fini(&alert);
        free(key);
        return rc;
    }
    struct alert_set_item *item = item_new(set);
    item->key = key;
    item->json = alert;
    return 0;
}

void alert_set_add_other(struct alert_set *set, struct span json)
{
    str_add_span(&item_new(set)->json, json);
}

void alert_set_write(const struct alert_set *set, struct str *out)
{
    str_add_char(out, '[');
    for (int i = 0; i < set->count; i++) {
        if (i > 0)
            str_add_char(out, ',');
        str_add_span(out, str_span(&set->items[i].json));
    }
    str_add_char(out, ']');
}
