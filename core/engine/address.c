/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/address.c - the addresses of a change: whom they touch, and whether a person decides.
 *
 * An address is one where the action's schema says so ("format": "ip"). Whether a change
 * touches a guarded address is asked of every text in it, since the state of a target has no
 * schema.
 */
#include "engine/internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/ip.h"

enum {
    PREFIX_V4 = 24, /* as much as a change may block by itself */
    PREFIX_V6 = 64,
    WHY_MAX = 5 /* addresses that a gate names */
};

/* -- does it touch an address? ------------------------------------------------------------ */

static bool text_overlaps(struct span text, const struct cordon_ip *guarded)
{
    struct cordon_ip ip;

    return ip_parse(text, &ip) && cordon_ip_overlaps(&ip, guarded);
}

/* Any text or name in it, however deep; JSON has a bound for that. */
static bool json_overlaps(struct span json, const struct cordon_ip *guarded)
{
    struct span key, item;
    size_t pos = 0;

    if (json_kind(json) == JSON_STRING)
        return text_overlaps(json_raw(json), guarded);
    if (json_kind(json) != JSON_ARRAY && json_kind(json) != JSON_OBJECT)
        return false;
    while (json_next(json, &pos, &key, &item))
        if ((json_kind(json) == JSON_OBJECT && text_overlaps(key, guarded)) ||
            json_overlaps(item, guarded))
            return true;
    return false;
}

bool address_is_touched(const struct step *step, struct span entry)
{
    struct cordon_ip guarded;

    return ip_parse(entry, &guarded) &&
           (json_overlaps(step->args, &guarded) || json_overlaps(step->before, &guarded) ||
            json_overlaps(step->after, &guarded) ||
            text_overlaps(span_of(step->target), &guarded));
}

/* -- what it asks for --------------------------------------------------------------------- */

struct asked_ips {
    struct cordon_ip *items;
    size_t count, cap;
};

static void add_ip(struct asked_ips *ips, struct span text)
{
    struct cordon_ip ip;

    if (!ip_parse(text, &ip))
        return;
    if (ips->count == ips->cap) {
        ips->cap = ips->cap == 0 ? 16 : ips->cap * 2;
        ips->items = xrealloc(ips->items, ips->cap * sizeof *ips->items);
    }
    ips->items[ips->count++] = ip;
}

/* What the schema says of a value; a schema of ours refers to nothing. */
static void collect(struct asked_ips *ips, struct span schema, struct span value)
{
    struct span key, item, members = json_get(schema, "properties");
    size_t pos = 0;

    if (json_kind(value) == JSON_STRING && span_is(json_get_raw(schema, "format"), "ip"))
        add_ip(ips, json_raw(value));
    while (json_kind(value) == JSON_ARRAY && json_next(value, &pos, NULL, &item))
        collect(ips, json_get(schema, "items"), item);
    while (json_kind(value) == JSON_OBJECT && json_next(value, &pos, &key, &item)) {
        char *name = span_dup(key);
        struct span member = json_get(members, name);

        collect(ips,
                json_kind(member) == JSON_OBJECT ? member
                                                 : json_get(schema, "additionalProperties"),
                item);
        free(name);
    }
}

static bool is_wide(const struct engine *engine, const struct asked_ips *ips, bool is_v6,
                    int64_t *bits)
{
    int width = is_v6 ? CORDON_IP_V6 : CORDON_IP_V4;
    double sum = 0, most = 1;

    *bits = json_get_int(engine->guards, is_v6 ? "prefix_v6" : "prefix_v4",
                         is_v6 ? PREFIX_V6 : PREFIX_V4);
    for (int64_t i = *bits; i < width; i++)
        most *= 2;
    for (size_t i = 0; i < ips->count; i++) {
        double size = 1;

        for (int bit = ips->items[i].bits; bit < cordon_ip_width(&ips->items[i]); bit++)
            size *= 2;
        sum += (ips->items[i].is_v6 != 0) == is_v6 ? size : 0;
    }
    return sum > most;
}

static void add_why(struct str *why, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void add_why(struct str *why, const char *fmt, ...)
{
    char sentence[200];
    va_list args;

    va_start(args, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    str_printf(why, "%s%s", why->len > 0 ? "; " : "", sentence);
}

static void why_special(const struct engine *engine, const struct asked_ips *ips,
                        struct str *why)
{
    char shown[CORDON_IP_SHOWN];
    int named = 0;

    if (json_get_bool(engine->guards, "special_addresses", false))
        return;
    for (size_t i = 0; i < ips->count; i++) {
        const char *word = cordon_ip_special(&ips->items[i]);

        if (word != NULL && named++ < WHY_MAX)
            add_why(why, "%s %s %s", cordon_ip_show(&ips->items[i], shown),
                    cordon_ip_is_host(&ips->items[i]) ? "is" : "has addresses that are",
                    word);
    }
    if (named > WHY_MAX)
        add_why(why, "and %d more", named - WHY_MAX);
}

static void why_wide(const struct engine *engine, const struct asked_ips *ips,
                     struct str *why)
{
    int64_t bits;

    if (is_wide(engine, ips, false, &bits))
        add_why(why, "more IPv4 addresses than a /%" PRId64 " has", bits);
    if (is_wide(engine, ips, true, &bits))
        add_why(why, "more IPv6 addresses than a /%" PRId64 " has", bits);
}

void address_why(const struct step *step, const struct action *action, struct str *why)
{
    const struct engine *engine = step->run->engine;
    struct asked_ips ips = { 0 };

    if (step->is_undo)
        return; /* what was blocked is let go */
    collect(&ips, json_get(action->json, "args"), step->args);
    ips.count = cordon_ip_merge(ips.items, ips.count);
    why_special(engine, &ips, why);
    why_wide(engine, &ips, why);
    free(ips.items);
}
