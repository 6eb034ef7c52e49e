/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonical JSON. The check says whether the text already is; if so, it is copied. If not,
 * one walk writes each value at the end of out, and an object whose members did not come
 * in order is put right when it closes: its members are contiguous pieces of out by then.
 */
#include "base/json.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json_lex.h"

struct member {
    struct span key; /* raw, in the input */
    size_t at;       /* where "key":value begins in out */
    size_t len;
};

struct canon {
    struct str *out;
    const char *pos;
    const char *end;
    struct member *members; /* of all open objects, the innermost on top */
    size_t count;
    size_t cap;
    struct str scratch; /* one object's members, in order */
};

static void add_value(struct canon *canon);

/* The raw text of the string at pos, which moves behind it. */
static struct span take_string(struct canon *canon)
{
    const char *start = canon->pos + 1;
    const char *stop = json_lex_string_end(start, canon->end);

    canon->pos = stop + 1;
    return (struct span){ start, (size_t)(stop - start) };
}

static void add_number(struct canon *canon, struct span text)
{
    char shortest[JSON_LEX_NUMBER_CAP];

    /* The check has seen to it that integers are within 2^53, so this is exact. */
    str_add_text(canon->out, json_lex_number(json_lex_double(text), shortest));
}

static void add_scalar(struct canon *canon)
{
    const char *start = canon->pos;

    while (canon->pos < canon->end && !strchr(",]} \t\r\n", *canon->pos))
        canon->pos++;
    struct span text = { start, (size_t)(canon->pos - start) };
    if (*start == '-' || (*start >= '0' && *start <= '9'))
        add_number(canon, text);
    else
        str_add_span(canon->out, text);
}

static int order_members(const void *a, const void *b)
{
    return json_lex_order(((const struct member *)a)->key, ((const struct member *)b)->key);
}

static void sort_members(struct canon *canon, size_t first)
{
    struct member *members = canon->members + first;
    size_t count = canon->count - first;
    size_t start = members[0].at;

    qsort(members, count, sizeof *members, order_members);
    str_reset(&canon->scratch);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            str_add_char(&canon->scratch, ',');
        str_add(&canon->scratch, canon->out->ptr + members[i].at, members[i].len);
    }
    memcpy(canon->out->ptr + start, canon->scratch.ptr, canon->scratch.len);
}

static void add_member(struct canon *canon)
{
    struct member member = { .at = canon->out->len };

    member.key = take_string(canon);
    json_lex_add_raw(canon->out, member.key);
    canon->pos = json_lex_space(canon->pos, canon->end) + 1;
    str_add_char(canon->out, ':');
    add_value(canon);
    member.len = canon->out->len - member.at;
    if (canon->count == canon->cap) {
        canon->cap = canon->cap ? canon->cap * 2 : 32;
        canon->members = xrealloc(canon->members, canon->cap * sizeof *canon->members);
    }
    canon->members[canon->count++] = member;
}

static void add_object(struct canon *canon)
{
    size_t first = canon->count;
    bool is_sorted = true;

    str_add_char(canon->out, '{');
    for (canon->pos++;; canon->pos++) { /* over the bracket, then over each comma */
        canon->pos = json_lex_space(canon->pos, canon->end);
        if (*canon->pos == '}')
            break;
        if (canon->count > first)
            str_add_char(canon->out, ',');
        add_member(canon);
        if (canon->count > first + 1 &&
            order_members(canon->members + canon->count - 2,
                          canon->members + canon->count - 1) > 0)
            is_sorted = false;
        if (*canon->pos == '}')
            break;
    }
    canon->pos++;
    if (!is_sorted)
        sort_members(canon, first);
    canon->count = first;
    str_add_char(canon->out, '}');
}

static void add_array(struct canon *canon)
{
    bool has_items = false;

    str_add_char(canon->out, '[');
    for (canon->pos++;; canon->pos++) {
        canon->pos = json_lex_space(canon->pos, canon->end);
        if (*canon->pos == ']')
            break;
        if (has_items)
            str_add_char(canon->out, ',');
        add_value(canon);
        has_items = true;
        if (*canon->pos == ']')
            break;
    }
    canon->pos++;
    str_add_char(canon->out, ']');
}

/* Adds the value at pos, which moves behind it and the white space that follows. The text
 * has been checked, which also bounds how deep this can go. */
static void add_value(struct canon *canon)
{
    canon->pos = json_lex_space(canon->pos, canon->end);
    switch (*canon->pos) {
    case '{': add_object(canon); break;
    case '[': add_array(canon); break;
    case '"': json_lex_add_raw(canon->out, take_string(canon)); break;
    default: add_scalar(canon);
    }
    canon->pos = json_lex_space(canon->pos, canon->end);
}

int json_canonical(struct str *out, const char *text, size_t len, struct err *err)
{
    bool is_canonical;
    size_t before = out->len;

    if (json_lex_check(text, len, JSON_LEN_MAX, &is_canonical, err) != 0)
        return err->code;
    if (is_canonical) {
        str_add(out, text, len);
        return 0;
    }
    struct canon canon = { .out = out,
                           .pos = text,
                           .end = json_lex_end((struct span){ text, len }) };
    add_value(&canon);
    free(canon.members);
    str_fini(&canon.scratch);
    /* 1e15 grows to sixteen digits; what we write must be text that we would take. */
    if (out->len - before > JSON_LEN_MAX) {
        out->len = before;
        out->ptr[before] = 0;
        return err_set(err, ERR_TOO_BIG, "canonical JSON may have at most %d bytes",
                       JSON_LEN_MAX);
    }
    return 0;
}

bool json_same(struct span a, struct span b)
{
    struct str canon_a = { 0 }, canon_b = { 0 };
    struct err err;

    if (span_equal(a, b))
        return true;
    bool is_same = json_canonical(&canon_a, a.ptr, a.len, &err) == 0 &&
                   json_canonical(&canon_b, b.ptr, b.len, &err) == 0 &&
                   span_equal(str_span(&canon_a), str_span(&canon_b));
    str_fini(&canon_a);
    str_fini(&canon_b);
    return is_same;
}
