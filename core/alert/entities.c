/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entities: addresses, accounts, hosts and so on, as objects that hold each other.
 *
 * An object may carry "$id", and {"$ref": that} stands for it elsewhere, also for one that
 * is written further down or outside of the list. Each object is looked at once, so that
 * references in a circle end.
 */
#include <stdlib.h>
#include <string.h>

#include "alert/alert.h"
#include "alert/fields.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/schema.h"

struct known {
    struct span id; /* raw */
    struct span object;
    bool was_seen;
};

struct walk {
    struct alert *alert;
    struct known *known;
    int count, cap;
    struct err *err;
};

/* -- The objects with an "$id" ---------------------------------------------------------- */

static int remember(struct walk *walk, struct span id, struct span object)
{
    if (walk->count == ALERT_IDS_MAX)
        return err_set(walk->err, ERR_TOO_BIG, "the alert has more than %d \"$id\"",
                       ALERT_IDS_MAX);
    if (walk->count == walk->cap) {
        walk->cap = walk->cap ? walk->cap * 2 : 32;
        walk->known = xrealloc(walk->known, (size_t)walk->cap * sizeof walk->known[0]);
    }
    walk->known[walk->count++] = (struct known){ .id = id, .object = object };
    return 0;
}

/* Depth is bounded by json_check. */
static int index_ids(struct walk *walk, struct span value)
{
    enum json_kind kind = json_kind(value);
    struct span item, id = json_get(value, "$id");
    size_t pos = 0;

    if (kind != JSON_OBJECT && kind != JSON_ARRAY)
        return 0;
    if (json_kind(id) == JSON_STRING && remember(walk, json_raw(id), value) != 0)
        return walk->err->code;
    while (json_next(value, &pos, NULL, &item))
        if (index_ids(walk, item) != 0)
            return walk->err->code;
    return 0;
}

static struct known *find_known(const struct walk *walk, struct span id)
{
    for (int i = 0; i < walk->count; i++)
        if (span_equal(walk->known[i].id, id))
            return &walk->known[i];
    return NULL;
}

/* -- What an entity says ---------------------------------------------------------------- */

/* "a" + between + "b", or one of them when the other is missing. */
static int add_joined(struct walk *walk, struct alert_list *list, struct span first,
                      const char *between, struct span second)
{
    struct str text = { 0 };

    if (json_kind(first) == JSON_STRING)
        json_text_to(&text, first);
    if (text.len && json_kind(second) == JSON_STRING && json_raw(second).len)
        str_add_text(&text, between);
    if (json_kind(second) == JSON_STRING)
        json_text_to(&text, second);
    int rc = alert_add(list, str_span(&text), walk->err);
    str_fini(&text);
    return rc;
}

/* Only addresses: what else stands there must not get into a firewall rule. */
static int on_ip(struct walk *walk, struct span entity)
{
    char *text = json_text(alert_get(entity, "Address"));
    int rc = 0;

    if (text && schema_format("ip", span_of(text)))
        rc = alert_add(&walk->alert->ips, span_of(text), walk->err);
    free(text);
    return rc;
}

static int on_account(struct walk *walk, struct span entity)
{
    struct span name = alert_get(entity, "Name"), suffix = alert_get(entity, "UPNSuffix");
    struct span domain = alert_get(entity, "NTDomain");
    struct alert_list *list = &walk->alert->accounts;

    if (json_raw(name).len == 0)
        return alert_add_value(list, alert_get(entity, "AadUserId"), walk->err);
    if (json_raw(suffix).len)
        return add_joined(walk, list, name, "@", suffix);
    return add_joined(walk, list, domain, "\\", name);
}

static int on_host(struct walk *walk, struct span entity)
{
    struct span name = alert_get(entity, "HostName");

    if (json_raw(name).len == 0)
        name = alert_get(entity, "NetBiosName");
    return json_raw(name).len == 0 ? 0
                                   : add_joined(walk, &walk->alert->hosts, name, ".",
                                                alert_get(entity, "DnsDomain"));
}

static int on_url(struct walk *walk, struct span entity)
{
    return alert_add_value(&walk->alert->urls, alert_get(entity, "Url"), walk->err);
}

/* What stands between a folder and a name in it. */
static const char *separator(struct span folder)
{
    char *text = json_text(folder);
    size_t len = text ? strlen(text) : 0;
    bool has_end = len && (text[len - 1] == '/' || text[len - 1] == '\\');
    bool is_windows = len && strchr(text, '\\');

    free(text);
    return has_end ? "" : is_windows ? "\\" : "/";
}

static int on_file(struct walk *walk, struct span entity)
{
    struct span folder = alert_get(entity, "Directory"), name = alert_get(entity, "Name");

    return json_raw(name).len == 0
               ? 0
               : add_joined(walk, &walk->alert->files, folder, separator(folder), name);
}

static int on_resource(struct walk *walk, struct span entity)
{
    return alert_add_resource(walk->alert, alert_get(entity, "ResourceId"), walk->err);
}

static int collect(struct walk *walk, struct span entity)
{
    static const struct {
        const char *type;
        int (*take)(struct walk *walk, struct span entity);
    } types[] = {
        { "ip", on_ip },   { "account", on_account }, { "host", on_host },
        { "url", on_url }, { "file", on_file },       { "azure-resource", on_resource },
    };
    struct span type = json_raw(alert_get(entity, "Type"));

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (span_equal_nocase(type, span_of(types[i].type)))
            return types[i].take(walk, entity);
    return 0;
}

static int visit(struct walk *walk, struct span value, int depth);

/* A reference to what is not there is passed over: nothing can be taken from it, and the
 * rest of the alert is still true. */
static int visit_ref(struct walk *walk, struct span ref, int depth)
{
    struct known *known = find_known(walk, json_raw(ref));

    if (!known || known->was_seen)
        return 0;
    return visit(walk, known->object, depth + 1);
}

static int visit(struct walk *walk, struct span value, int depth)
{
    struct span item, ref = json_get(value, "$ref"), id = json_get(value, "$id");
    enum json_kind kind = json_kind(value);
    size_t pos = 0;

    /* A chain of references may be longer than any nesting is deep. */
    if ((kind != JSON_OBJECT && kind != JSON_ARRAY) || depth > 4 * JSON_DEPTH_MAX)
        return 0;
    if (json_kind(ref) == JSON_STRING)
        return visit_ref(walk, ref, depth);
    struct known *known =
        json_kind(id) == JSON_STRING ? find_known(walk, json_raw(id)) : NULL;
    if (known && known->was_seen)
        return 0;
    if (known)
        known->was_seen = true;
    if (kind == JSON_OBJECT &&
        (alert_check_keys(value, walk->err) != 0 || collect(walk, value) != 0))
        return walk->err->code;
    while (json_next(value, &pos, NULL, &item))
        if (visit(walk, item, depth + 1) != 0)
            return walk->err->code;
    return 0;
}

int alert_entities(struct alert *alert, struct span entities, struct span document,
                   struct err *err)
{
    struct walk walk = { .alert = alert, .err = err };
    int rc = index_ids(&walk, document);

    if (rc == 0)
        rc = visit(&walk, entities, 0);
    free(walk.known);
    return rc;
}
