/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/leaf.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"

static struct span member(struct span object, struct span wanted)
{
    struct span key, value;
    size_t pos = 0;

    if (json_kind(object) != JSON_OBJECT)
        return (struct span){ 0 };
    while (json_next(object, &pos, &key, &value))
        if (span_equal(key, wanted))
            return value;
    return (struct span){ 0 };
}

/* False when there are more than a slice may have. */
static bool add(struct leaves *leaves, const struct leaf *at)
{
    if (leaves->count == LEAVES_MAX)
        return false;
    if ((leaves->count & (leaves->count - 1)) == 0)
        leaves->items =
            xrealloc(leaves->items, (leaves->count == 0 ? 1 : 2 * (size_t)leaves->count) *
                                        sizeof *leaves->items);
    leaves->items[leaves->count++] = *at;
    return true;
}

static bool walk(struct leaves *leaves, const struct leaf *at)
{
    struct span key, value;
    struct leaf below = *at;
    size_t pos = 0;

    if (json_kind(at->a) != JSON_OBJECT || json_kind(at->b) != JSON_OBJECT ||
        at->depth == JSON_DEPTH_MAX)
        return add(leaves, at);
    below.depth++;
    while (json_next(at->a, &pos, &key, &value)) {
        below.path[at->depth] = key;
        below.a = value;
        below.b = member(at->b, key);
        if (!walk(leaves, &below))
            return false;
    }
    below.a = (struct span){ 0 };
    pos = 0;
    while (json_next(at->b, &pos, &key, &value)) {
        if (member(at->a, key).len > 0)
            continue;
        below.path[at->depth] = key;
        below.b = value;
        if (!walk(leaves, &below))
            return false;
    }
    return true;
}

void leaves_of(struct leaves *leaves, struct span a, struct span b)
{
    struct leaf all = { .a = a, .b = b };

    *leaves = (struct leaves){ 0 };
    if (walk(leaves, &all))
        return;
    leaves->count = 0;
    add(leaves, &all);
}

void leaves_fini(struct leaves *leaves)
{
    free(leaves->items);
    *leaves = (struct leaves){ 0 };
}

struct span leaf_at(const struct leaf *leaf, struct span json)
{
    for (int i = 0; i < leaf->depth; i++)
        json = member(json, leaf->path[i]);
    return json;
}

static void put(const struct leaf *leaf, int depth, struct str *out, struct span json,
                struct span value)
{
    struct span key, item;
    size_t pos = 0;
    bool is_there = false, is_first = true;

    if (depth == leaf->depth) {
        str_add_span(out, value);
        return;
    }
    str_add_char(out, '{');
    while (json_kind(json) == JSON_OBJECT && json_next(json, &pos, &key, &item)) {
        bool is_it = span_equal(key, leaf->path[depth]);

        is_there |= is_it;
        if (is_it && depth + 1 == leaf->depth && value.len == 0)
            continue;
        str_printf(out, "%s\"%.*s\":", is_first ? "" : ",", (int)key.len, key.ptr);
        is_first = false;
        if (is_it)
            put(leaf, depth + 1, out, item, value);
        else
            str_add_span(out, item);
    }
    if (!is_there && value.len > 0) {
        str_printf(out, "%s\"%.*s\":", is_first ? "" : ",", (int)leaf->path[depth].len,
                   leaf->path[depth].ptr);
        put(leaf, depth + 1, out, (struct span){ 0 }, value);
    }
    str_add_char(out, '}');
}

void leaf_put(const struct leaf *leaf, struct str *out, struct span json, struct span value)
{
    struct str text = { 0 };
    struct err ignored;

    put(leaf, 0, &text, json, value);
    json_canonical(out, text.ptr, text.len, &ignored);
    str_fini(&text);
}
