/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/alert.h"
#include "base/alert_reach.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

void alert_list_fini(struct alert_list *list)
{
    for (int i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
}

void alert_fini(struct alert *alert)
{
    struct str *const texts[] = { &alert->id,    &alert->source,     &alert->type,
                                  &alert->title, &alert->severity,   &alert->status,
                                  &alert->time,  &alert->tenant,     &alert->subscription,
                                  &alert->link,  &alert->confidence, &alert->product,
                                  &alert->feed };
    struct alert_list *const lists[] = {
        &alert->resources,  &alert->ips,      &alert->assets, &alert->accounts,
        &alert->hosts,      &alert->urls,     &alert->files,  &alert->tactics,
        &alert->techniques, &alert->children, &alert->notes,  &alert->keys
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        str_fini(texts[i]);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        alert_list_fini(lists[i]);
}

/* -- Lists ------------------------------------------------------------------------------ */

bool alert_has(const struct alert_list *list, struct span text)
{
    for (int i = 0; i < list->count; i++)
        if (span_equal_nocase(span_of(list->items[i]), text))
            return true;
    return false;
}

void alert_add_text(struct alert_list *list, struct span text)
{
    if (text.len == 0 || alert_has(list, text))
        return;
    if (list->count == ALERT_ITEMS_MAX) {
        list->is_cut = true;
        return;
    }
    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 8;
        list->items = xrealloc(list->items, (size_t)list->cap * sizeof list->items[0]);
    }
    list->items[list->count++] = span_dup(text);
}

void alert_add_value(struct alert_list *list, struct span value)
{
    struct str text = { 0 };

    if (json_kind(value) == JSON_STRING) {
        json_text_to(&text, value);
        alert_add_text(list, str_span(&text));
    }
    str_fini(&text);
}

void alert_remove(struct alert_list *list, const struct alert_list *gone)
{
    int kept = 0;

    for (int i = 0; i < list->count; i++) {
        if (alert_has(gone, span_of(list->items[i])))
            free(list->items[i]);
        else
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

void alert_add_note(struct alert *alert, struct span text)
{
    if (alert->notes.count < ALERT_NOTES_MAX)
        alert_add_text(&alert->notes, text);
}

void alert_note_cut(struct alert *alert)
{
    struct {
        const char *name;
        const struct alert_list *list;
    } const lists[] = {
        { "resources", &alert->resources }, { "ips", &alert->ips },
        { "assets", &alert->assets },       { "accounts", &alert->accounts },
        { "hosts", &alert->hosts },         { "urls", &alert->urls },
        { "files", &alert->files },         { "children", &alert->children },
        { "keys", &alert->keys },
    };
    char note[120];

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        snprintf(note, sizeof note,
                 "%s has the first %d that are named: the others stay in raw",
                 lists[i].name, ALERT_ITEMS_MAX);
        if (lists[i].list->is_cut)
            alert_add_note(alert, span_of(note));
    }
}

/* -- Words ------------------------------------------------------------------------------ */

static void lower(struct str *text)
{
    for (size_t i = 0; i < text->len; i++)
        if (text->ptr[i] >= 'A' && text->ptr[i] <= 'Z')
            text->ptr[i] = (char)(text->ptr[i] - 'A' + 'a');
}

int alert_set_severity(struct alert *alert, struct span value, struct err *err)
{
    static const char *const words[][2] = {
        { "high", "high" },
        { "critical", "high" },
        { "error", "high" },
        { "sev0", "high" },
        { "sev1", "high" },
        { "medium", "medium" },
        { "warning", "medium" },
        { "sev2", "medium" },
        { "low", "low" },
        { "sev3", "low" },
        { "informational", "informational" },
        { "information", "informational" },
        { "info", "informational" },
        { "verbose", "informational" },
        { "sev4", "informational" },
    };
    struct str text = { 0 };

    json_text_to(&text, value);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!span_equal_nocase(str_span(&text), span_of(words[i][0])))
            continue;
        str_reset(&alert->severity);
        str_add_text(&alert->severity, words[i][1]);
        str_fini(&text);
        return 0;
    }
    struct str shown = { 0 };
    str_add_shown(&shown, str_text(&text), text.len < 60 ? text.len : 60);
    err_set(err, ERR_INVALID,
            "the alert's severity is \"%s\": want low, medium, high or informational",
            str_text(&shown));
    str_fini(&shown);
    str_fini(&text);
    return err->code;
}

bool alert_set_confidence(struct alert *alert, struct span value)
{
    static const char *const words[] = { "low", "medium", "high" };
    double score = json_double(value, -1);
    const char *found = NULL;

    if (json_kind(value) == JSON_NUMBER && score >= 0 && score <= 1)
        found = words[score < 1.0 / 3 ? 0 : score < 2.0 / 3 ? 1 : 2];
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (span_equal_nocase(json_raw(value), span_of(words[i])))
            found = words[i];
    if (found == NULL)
        return false;
    str_reset(&alert->confidence);
    str_add_text(&alert->confidence, found);
    return true;
}

bool alert_status_ends(struct span status)
{
    return reach_is_over(status);
}

void alert_set_status(struct alert *alert, struct span value)
{
    struct str text = { 0 };

    if (json_kind(value) == JSON_STRING)
        json_text_to(&text, value);
    lower(&text);
    if (text.len == 0 || span_is(str_span(&text), "new")) {
        str_reset(&text);
        str_add_text(&text, "active");
    }
    str_reset(&alert->status);
    str_add_span(&alert->status, str_span(&text));
    str_fini(&text);
}

/* -- Writing ---------------------------------------------------------------------------- */

static void put_list(struct json_out *out, const char *key, const struct alert_list *list)
{
    json_key(out, key);
    json_open(out, '[');
    for (int i = 0; i < list->count; i++)
        json_string(out, list->items[i]);
    json_close(out);
}

static void put_entities(struct json_out *out, const struct alert *alert)
{
    json_key(out, "entities");
    json_open(out, '{');
    put_list(out, "accounts", &alert->accounts);
    put_list(out, "assets", &alert->assets);
    put_list(out, "files", &alert->files);
    put_list(out, "hosts", &alert->hosts);
    put_list(out, "ips", &alert->ips);
    put_list(out, "urls", &alert->urls);
    json_close(out);
}

int alert_write(const struct alert *alert, struct str *out, struct err *err)
{
    struct str text = { 0 };
    struct json_out json = { .str = &text };

    json_open(&json, '{');
    json_put_span(&json, "id", str_span(&alert->id));
    json_put_span(&json, "source", str_span(&alert->source));
    json_put_span(&json, "type", str_span(&alert->type));
    json_put_span(&json, "title", str_span(&alert->title));
    json_put_span(&json, "severity", str_span(&alert->severity));
    if (alert->confidence.len > 0)
        json_put_span(&json, "confidence", str_span(&alert->confidence));
    json_put_span(&json, "status", str_span(&alert->status));
    if (alert->is_over)
        json_put_bool(&json, "over", true);
    else if (alert_status_ends(str_span(&alert->status)))
        json_put_bool(&json, "over", false); /* the adapter knows better than the word */
    if (alert->is_simulated)
        json_put_bool(&json, "simulated", true);
    if (alert->product.len > 0)
        json_put_span(&json, "product", str_span(&alert->product));
    if (alert->feed.len > 0)
        json_put_span(&json, "feed", str_span(&alert->feed));
    if (alert->keys.count > 0)
        put_list(&json, "keys", &alert->keys);
    json_put_span(&json, "time", str_span(&alert->time));
    json_put_span(&json, "tenant", str_span(&alert->tenant));
    json_put_span(&json, "subscription", str_span(&alert->subscription));
    json_put_span(&json, "link", str_span(&alert->link));
    put_list(&json, "resources", &alert->resources);
    put_entities(&json, alert);
    put_list(&json, "tactics", &alert->tactics);
    put_list(&json, "techniques", &alert->techniques);
    if (alert->children.count > 0)
        put_list(&json, "children", &alert->children);
    if (alert->notes.count > 0)
        put_list(&json, "notes", &alert->notes);
    json_put_raw(&json, "raw", alert->raw);
    json_close(&json);
    int rc = json_canonical(out, str_text(&text), text.len, err);
    str_fini(&text);
    return rc;
}
