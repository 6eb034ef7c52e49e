/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/part.h"

#include "engine/leaf.h"

static void add_name(struct part_list *list, struct span text)
{
    struct json_out out = { .str = &list->names };

    if (list->count++ >= PARTS_NAMED_MAX)
        return;
    if (list->names.len > 0)
        str_add_char(&list->names, ',');
    json_string_span(&out, text);
}

/* A field is called after its path: "blocked.198.51.100.7/32". */
static void add_leaf(struct part_list *list, const struct leaf *leaf)
{
    struct str name = { 0 }, text = { 0 };

    for (int i = 0; i < leaf->depth; i++) {
        str_printf(&text, "\"%.*s\"", (int)leaf->path[i].len, leaf->path[i].ptr);
        if (i > 0)
            str_add_char(&name, '.');
        json_text_to(&name, str_span(&text));
        str_reset(&text);
    }
    add_name(list, name.len > 0 ? str_span(&name) : span_of("all of it"));
    str_fini(&text);
    str_fini(&name);
}

/* Fields of now that neither has. */
static void add_strangers(struct parts *parts, struct span before, struct span planned,
                          struct span now)
{
    struct leaves leaves;

    leaves_of(&leaves, before, now);
    for (int i = 0; i < leaves.count; i++) {
        const struct leaf *leaf = &leaves.items[i];

        if (leaf->a.len == 0 && leaf_at(leaf, planned).len == 0)
            add_leaf(&parts->foreign, leaf);
    }
    leaves_fini(&leaves);
}

static void compare(struct parts *parts, struct span before, struct span planned,
                    struct span now)
{
    struct leaves leaves;

    leaves_of(&leaves, before, planned);
    for (int i = 0; i < leaves.count; i++) {
        const struct leaf *leaf = &leaves.items[i];
        struct span found = leaf_at(leaf, now);
        bool is_before = json_same(found, leaf->a);

        if (is_before && json_same(leaf->a, leaf->b))
            continue; /* the change is not about it */
        add_leaf(is_before                   ? &parts->before
                 : json_same(found, leaf->b) ? &parts->planned
                                             : &parts->foreign,
                 leaf);
    }
    leaves_fini(&leaves);
    add_strangers(parts, before, planned, now);
}

static void take(struct part_list *list, struct span names)
{
    struct str text = { 0 };
    struct span name;
    size_t pos = 0;

    while (json_next(names, &pos, NULL, &name)) {
        str_reset(&text);
        json_text_to(&text, name);
        add_name(list, str_span(&text));
    }
    str_fini(&text);
}

void parts_of(struct parts *parts, struct span before, struct span planned, struct span now,
              struct span told)
{
    *parts = (struct parts){ 0 };
    if (told.len > 0) {
        take(&parts->before, json_get(told, "before"));
        take(&parts->planned, json_get(told, "planned"));
    } else {
        compare(parts, before, planned, now);
    }
}

void parts_fini(struct parts *parts)
{
    str_fini(&parts->before.names);
    str_fini(&parts->planned.names);
    str_fini(&parts->foreign.names);
}

bool parts_are_mixed(const struct parts *parts)
{
    return parts->before.count > 0 && parts->planned.count > 0 && parts->foreign.count == 0;
}

static void put_list(struct json_out *out, const char *key, const struct part_list *list)
{
    struct str text = { 0 };

    str_printf(&text, "[%s]", str_text(&list->names));
    json_put_raw(out, key, str_span(&text));
    str_fini(&text);
}

void parts_put(struct json_out *out, const struct parts *parts)
{
    json_key(out, "parts");
    json_open(out, '{');
    put_list(out, "before", &parts->before);
    put_list(out, "foreign", &parts->foreign);
    put_list(out, "planned", &parts->planned);
    json_close(out);
}

static void say(struct str *out, const char *head, const struct part_list *list)
{
    struct str all = { 0 }, name = { 0 };
    struct span item;
    size_t pos = 0;
    int count = 0;

    if (list->count == 0)
        return;
    str_printf(out, "%s%s: ", out->len > 0 ? "; " : "", head);
    str_printf(&all, "[%s]", str_text(&list->names));
    while (json_next(str_span(&all), &pos, NULL, &item)) {
        str_reset(&name);
        json_text_to(&name, item);
        str_printf(out, "%s%.60s", count++ > 0 ? ", " : "", str_text(&name));
    }
    if (list->count > count)
        str_printf(out, " and %d more", list->count - count);
    str_fini(&name);
    str_fini(&all);
}

void parts_say(struct str *out, const struct parts *parts)
{
    struct str text = { 0 };

    say(&text, "as planned", &parts->planned);
    say(&text, "still as before", &parts->before);
    say(&text, "changed by somebody else", &parts->foreign);
    str_add_span(out, str_span(&text));
    str_fini(&text);
}

bool parts_lie_between(struct span a, struct span b, struct span now)
{
    struct parts parts;

    parts_of(&parts, a, b, now, (struct span){ 0 });
    bool lies = parts.foreign.count == 0;
    parts_fini(&parts);
    return lies;
}
