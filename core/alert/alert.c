/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names are exact here, and a member of the wrong kind is an error: whoever wrote it, by hand or
 * in an adapter, meant something by it.
 */
#include "alert/alert.h"

#include <string.h>

#include "alert/fields.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/ip.h"
#include "base/json.h"
#include "base/schema.h"

enum { TIME_SHOWN_MAX = 60 };

static const char *const members[] = {
    "id",         "source",    "type",         "title",      "severity", "status",
    "time",       "tenant",    "subscription", "resources",  "entities", "tactics",
    "techniques", "link",      "raw",          "confidence", "children", "notes",
    "over",       "simulated", "product",      "feed",       "keys"
};
static const char *const kinds[] = {
    "ips", "assets", "accounts", "hosts", "urls", "files"
};

/* What playbooks find beside the members: what the alert gained, and functions. */
static void put_view(struct json_out *out)
{
    static const char *const names[] = { "all", "new", "resource" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        json_put_raw(out, names[i], span_of("{}"));
}

static void put_properties(struct json_out *out, const char *const *names, size_t count)
{
    json_put_bool(out, "additionalProperties", false);
    json_key(out, "properties");
    json_open(out, '{');
    if (names == members)
        put_view(out);
    for (size_t i = 0; i < count; i++) {
        json_key(out, names[i]);
        json_open(out, '{');
        if (strcmp(names[i], "entities") == 0)
            put_properties(out, kinds, sizeof kinds / sizeof *kinds);
        json_close(out);
    }
    json_close(out);
    json_put(out, "type", "object");
}

void alert_put_schema(struct json_out *out)
{
    json_open(out, '{');
    put_properties(out, members, sizeof members / sizeof *members);
    json_close(out);
}

/* A name that nobody reads would be believed to have been read. */
static int check_names(struct span object, const char *const *names, size_t count,
                       struct err *err)
{
    struct span key, value;
    size_t pos = 0;

    if (json_kind(object) != JSON_OBJECT)
        return 0;
    while (json_next(object, &pos, &key, &value)) {
        bool is_known = false;
        for (size_t i = 0; i < count && !is_known; i++)
            is_known = span_is(key, names[i]);
        if (is_known)
            continue;
        const char *nearest = schema_nearest(key, names, count);
        struct str shown = { 0 };
        str_add_shown(&shown, key.ptr, key.len < 80 ? key.len : 80);
        err_set(err, ERR_INVALID,
                "the alert has a member \"%s\" that nothing is done with: %s%s%s",
                str_text(&shown), nearest ? "did you mean \"" : "put it into \"raw\"",
                nearest ? nearest : "", nearest ? "\"?" : "");
        str_fini(&shown);
        return err->code;
    }
    return 0;
}

static int take_text(struct str *field, struct span json, const char *key, struct err *err)
{
    struct span value = json_get(json, key);

    if (json_kind(value) <= JSON_NULL)
        return 0;
    if (json_kind(value) != JSON_STRING)
        return err_set(err, ERR_INVALID, "the alert's %s: want text", key);
    str_reset(field);
    json_text_to(field, value);
    return 0;
}

static int take_list(struct alert_list *list, struct span json, const char *key,
                     struct err *err)
{
    struct span value = json_get(json, key), item;
    size_t pos = 0;

    if (json_kind(value) <= JSON_NULL)
        return 0;
    if (json_kind(value) != JSON_ARRAY)
        return err_set(err, ERR_INVALID, "the alert's %s: want a list of texts", key);
    while (json_next(value, &pos, NULL, &item)) {
        if (json_kind(item) != JSON_STRING)
            return err_set(err, ERR_INVALID, "the alert's %s: want a list of texts", key);
        alert_add_value(list, item);
    }
    return 0;
}

static int take_texts(struct alert *alert, struct span json, struct err *err)
{
    struct {
        const char *key;
        struct str *field;
    } const texts[] = {
        { "id", &alert->id },     { "source", &alert->source },
        { "type", &alert->type }, { "title", &alert->title },
        { "time", &alert->time }, { "tenant", &alert->tenant },
        { "link", &alert->link }, { "subscription", &alert->subscription },
        { "feed", &alert->feed }, { "product", &alert->product },
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (take_text(texts[i].field, json, texts[i].key, err) != 0)
            return err->code;
    return 0;
}

static int take_lists(struct alert *alert, struct span json, struct err *err)
{
    struct span entities = json_get(json, "entities");
    struct {
        const char *key;
        struct span object;
        struct alert_list *list;
    } const lists[] = {
        { "resources", json, &alert->resources },
        { "tactics", json, &alert->tactics },
        { "techniques", json, &alert->techniques },
        { "ips", entities, &alert->ips },
        { "assets", entities, &alert->assets },
        { "accounts", entities, &alert->accounts },
        { "hosts", entities, &alert->hosts },
        { "urls", entities, &alert->urls },
        { "files", entities, &alert->files },
        { "children", json, &alert->children },
        { "keys", json, &alert->keys },
    };

    if (json_kind(entities) > JSON_NULL && json_kind(entities) != JSON_OBJECT &&
        (json_kind(entities) != JSON_ARRAY ||
         json_count(entities) > 0)) /* Lua's empty one */
        return err_set(err, ERR_INVALID,
                       "the alert's entities: want an object of lists (ips, assets,"
                       " accounts, hosts, urls, files)");
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (take_list(lists[i].list, lists[i].object, lists[i].key, err) != 0)
            return err->code;
    return 0;
}

/* What tells alerts apart must be there, and be no burden to keep. */
static int check_texts(struct alert *alert, struct err *err)
{
    if (alert->id.len == 0)
        return err_set(err, ERR_INVALID, "the alert's id is empty");
    if (alert->id.len > ALERT_ID_MAX)
        return err_set(err, ERR_TOO_BIG, "the alert's id has more than %d bytes",
                       ALERT_ID_MAX);
    return 0;
}

/* A zero date of a sender's language (year 1, 1601, 1970) is no time of an alert. */
static bool is_usable_time(struct span text)
{
    return schema_format("date-time", text) && memcmp(text.ptr, "1990", 4) >= 0;
}

/* An alert is not worth less because its time is broken: it gets the time of its arrival. */
static void mend_time(struct alert *alert, int64_t arrived_ms)
{
    struct str note = { 0 };
    char when[32];

    if (alert->time.len == 0 || is_usable_time(str_span(&alert->time)))
        return;
    str_add_text(&note, "the sender's time \"");
    str_add_shown(&note, str_text(&alert->time),
                  alert->time.len < TIME_SHOWN_MAX ? alert->time.len : TIME_SHOWN_MAX);
    str_add_text(&note, arrived_ms > 0 ? "\" cannot be read: time is that of the arrival"
                                       : "\" cannot be read: time is empty");
    str_reset(&alert->time);
    if (arrived_ms > 0)
        str_add_text(&alert->time, clock_show(arrived_ms, when));
    alert_add_note(alert, str_span(&note));
    str_fini(&note);
}

/* -- Addresses ---------------------------------------------------------------------------- */

static void note_address(struct alert *alert, const char *text, const char *is,
                         const char *where)
{
    struct str note = { 0 };

    str_add_text(&note, "\"");
    str_add_shown(&note, text, strnlen(text, TIME_SHOWN_MAX));
    str_printf(&note, "\" is %s: it is no attacker, and stays in %s", is, where);
    alert_add_note(alert, str_span(&note));
    str_fini(&note);
}

/* One host that somebody on the internet can have is an attacker; its one spelling is kept. A
 * host that nobody can have there is an asset. A prefix, which may be half of the internet, and
 * what is no address stay in raw only. */
static void sift_address(struct alert *alert, const char *text, struct alert_list *ips)
{
    char shown[CORDON_IP_SHOWN];
    struct cordon_ip ip;

    if (!ip_parse(span_of(text), &ip)) {
        note_address(alert, text, "no address", "raw");
        return;
    }
    if (!cordon_ip_is_host(&ip)) {
        note_address(alert, text, "a prefix", "raw");
        return;
    }
    cordon_ip_show(&ip, shown);
    if (cordon_ip_special(&ip) == NULL) {
        alert_add_text(ips, span_of(shown));
        return;
    }
    note_address(alert, text, cordon_ip_special(&ip), "entities.assets");
    alert_add_text(&alert->assets, span_of(shown));
}

static void sift_addresses(struct alert *alert)
{
    struct alert_list ips = { .is_cut = alert->ips.is_cut };

    for (int i = 0; i < alert->ips.count; i++)
        sift_address(alert, alert->ips.items[i], &ips);
    alert_list_fini(&alert->ips);
    alert->ips = ips;
}

static int take_notes(struct alert *alert, struct span json, struct err *err)
{
    struct alert_list notes = { 0 };
    int rc = take_list(&notes, json, "notes", err);

    for (int i = 0; i < notes.count; i++)
        alert_add_note(alert, span_of(notes.items[i]));
    alert_list_fini(&notes);
    return rc;
}

static int take_truth(bool *field, struct span json, const char *key, struct err *err)
{
    struct span value = json_get(json, key);

    if (json_kind(value) <= JSON_NULL)
        return 0;
    if (json_kind(value) != JSON_TRUE && json_kind(value) != JSON_FALSE)
        return err_set(err, ERR_INVALID, "the alert's %s: want true or false", key);
    *field = json_bool(value, false);
    return 0;
}

/* What the adapter says; else the status tells whether the alert is over. */
static int take_state(struct alert *alert, struct span json, struct err *err)
{
    alert_set_status(alert, json_get(json, "status"));
    alert->is_over = alert_status_ends(str_span(&alert->status));
    if (take_truth(&alert->is_over, json, "over", err) != 0)
        return err->code;
    return take_truth(&alert->is_simulated, json, "simulated", err);
}

int alert_read(struct alert *alert, struct span json, struct err *err)
{
    if (json_kind(json) != JSON_OBJECT)
        return err_set(err, ERR_INVALID,
                       "this is no alert: want an object with id, title and severity");
    if (check_names(json, members, sizeof members / sizeof members[0], err) != 0 ||
        check_names(json_get(json, "entities"), kinds, sizeof kinds / sizeof kinds[0],
                    err) != 0 ||
        take_texts(alert, json, err) != 0 || take_lists(alert, json, err) != 0 ||
        take_notes(alert, json, err) != 0 ||
        alert_set_severity(alert, json_get(json, "severity"), err) != 0 ||
        check_texts(alert, err) != 0)
        return err->code;
    alert_note_cut(alert);
    sift_addresses(alert);
    if (json_kind(json_get(json, "confidence")) > JSON_NULL &&
        !alert_set_confidence(alert, json_get(json, "confidence")))
        return err_set(err, ERR_INVALID,
                       "the alert's confidence: want low, medium or high");
    if (take_state(alert, json, err) != 0)
        return err->code;
    alert->raw = json_get(json, "raw");
    return 0;
}

int alert_complete(struct span json, struct span source, struct str *out, struct err *err)
{
    return alert_complete_at(json, source, 0, out, err);
}

int alert_complete_at(struct span json, struct span source, int64_t arrived_ms,
                      struct str *out, struct err *err)
{
    struct alert alert = { 0 };

    str_add_span(&alert.source, source);
    int rc = alert_read(&alert, json, err);
    if (rc == 0)
        mend_time(&alert, arrived_ms);
    alert_remove(&alert.ips, &alert.assets);
    if (rc == 0)
        rc = alert_write(&alert, out, err);
    alert_fini(&alert);
    return rc;
}
