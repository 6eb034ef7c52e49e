/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changed between two values, member by member; arrays change as a whole. Both sides
 * are made canonical first: then members come in one order, and the same value is the same
 * bytes, so one walk over both is enough.
 */
#include "base/json.h"

#include <assert.h>

#include "base/err.h"
#include "base/json_lex.h"

struct diff {
    struct str *out;
    const char *prefix;
    struct str path;
    int count;
};

/* One side of the walk: the member it stands at, or nothing any more. */
struct side {
    struct span object;
    size_t pos;
    bool has_member;
    struct span key;
    struct span value;
};

static void diff_values(struct diff *diff, struct span before, struct span after);

static void step(struct side *side)
{
    side->has_member = json_next(side->object, &side->pos, &side->key, &side->value);
}

static void show_side(struct diff *diff, struct span value)
{
    if (value.len)
        json_lex_show(diff->out, value);
    else
        str_add_text(diff->out, "absent");
}

static void add_line(struct diff *diff, struct span before, struct span after)
{
    str_add_text(diff->out, diff->prefix);
    str_add_text(diff->out, diff->path.len ? str_text(&diff->path) : "(all)");
    str_add_text(diff->out, ": ");
    show_side(diff, before);
    str_add_text(diff->out, " -> ");
    show_side(diff, after);
    str_add_char(diff->out, '\n');
    diff->count++;
}

static void diff_member(struct diff *diff, struct span key, struct span before,
                        struct span after)
{
    size_t len = diff->path.len;

    if (len)
        str_add_char(&diff->path, '.');
    json_lex_show_name(&diff->path, key);
    diff_values(diff, before, after);
    diff->path.len = len;
    diff->path.ptr[len] = 0;
}

static void diff_objects(struct diff *diff, struct span before, struct span after)
{
    struct side old = { .object = before }, new = { .object = after };
    const struct span absent = { NULL, 0 };

    step(&old);
    step(&new);
    while (old.has_member || new.has_member) {
        int order = !new.has_member   ? -1
                    : !old.has_member ? 1
                                      : json_lex_order(old.key, new.key);
        diff_member(diff, order <= 0 ? old.key : new.key, order <= 0 ? old.value : absent,
                    order >= 0 ? new.value : absent);
        if (order <= 0)
            step(&old);
        if (order >= 0)
            step(&new);
    }
}

static void diff_values(struct diff *diff, struct span before, struct span after)
{
    if (span_equal(before, after))
        return;
    if (json_kind(before) == JSON_OBJECT && json_kind(after) == JSON_OBJECT)
        diff_objects(diff, before, after);
    else
        add_line(diff, before, after);
}

/* The empty span is absent, and stays so. */
static struct span canonical(struct str *out, struct span value)
{
    struct err err;

    if (value.len) {
        int code = json_canonical(out, value.ptr, value.len, &err);
        assert(code == 0);
    }
    return str_span(out);
}

int json_diff(struct str *out, struct span before, struct span after, const char *prefix)
{
    struct diff diff = { .out = out, .prefix = prefix };
    struct str old = { 0 }, new = { 0 };

    diff_values(&diff, canonical(&old, before), canonical(&new, after));
    str_fini(&diff.path);
    str_fini(&old);
    str_fini(&new);
    return diff.count;
}
