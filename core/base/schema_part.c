/* SPDX-License-Identifier: Apache-2.0 */
#include "base/schema_part.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json_lex.h"

size_t schema_path_push(struct schema_path *path, struct span name)
{
    size_t len = path->text.len;

    if (len)
        str_add_char(&path->text, '.');
    json_lex_show_name(&path->text, name);
    return len;
}

size_t schema_path_push_index(struct schema_path *path, size_t index)
{
    size_t len = path->text.len;

    str_printf(&path->text, "[%zu]", index);
    return len;
}

void schema_path_pop(struct schema_path *path, size_t len)
{
    path->text.len = len;
    path->text.ptr[len] = 0;
}

int schema_fail(struct err *err, const struct schema_path *path, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    err->code = ERR_INVALID;
    if (path->text.len == 0)
        return err->code;
    return err_wrap(err, "%.200s", str_text(&path->text));
}

/* Cuts at a character, so that what is shown stays UTF-8. */
static void cut(struct str *text)
{
    size_t len = SCHEMA_SHOWN_MAX;

    if (text->len <= len)
        return;
    while (len > 0 && ((unsigned char)text->ptr[len] & 0xc0) == 0x80)
        len--;
    text->len = len;
    text->ptr[len] = 0;
    str_add_text(text, "...");
}

const char *schema_show(struct str *out, struct span value)
{
    str_reset(out);
    json_lex_show(out, value);
    cut(out);
    return str_text(out);
}

struct span schema_member(struct span object, struct span key)
{
    struct span name, value;
    size_t pos = 0;

    while (json_next(object, &pos, &name, &value)) {
        if (span_equal(name, key))
            return value;
    }
    return (struct span){ NULL, 0 };
}

const char *schema_hint_of(struct str *out, struct span word, const char *const *names,
                           size_t count)
{
    const char *nearest = schema_nearest(word, names, count);

    str_reset(out);
    if (nearest)
        str_printf(out, ", did you mean \"%s\"?", nearest);
    return str_text(out);
}

const char *schema_hint(struct str *out, struct span word, struct span object)
{
    size_t count = json_count(object), pos = 0, used = 0;
    struct span name, value;
    char **names = xcalloc(count + 1, sizeof *names);

    while (used < count && json_next(object, &pos, &name, &value))
        names[used++] = span_dup(name);
    schema_hint_of(out, word, (const char *const *)names, used);
    for (size_t i = 0; i < used; i++)
        free(names[i]);
    free(names);
    return str_text(out);
}

/* In canonical JSON an integer has digits only. */
static bool is_integer(struct span number)
{
    return !memchr(number.ptr, '.', number.len) && !memchr(number.ptr, 'e', number.len);
}

bool schema_has_type(struct span value, struct span name)
{
    switch (json_kind(value)) {
    case JSON_NULL: return span_is(name, "null");
    case JSON_FALSE:
    case JSON_TRUE: return span_is(name, "boolean");
    case JSON_NUMBER:
        return span_is(name, "number") || (span_is(name, "integer") && is_integer(value));
    case JSON_STRING: return span_is(name, "string");
    case JSON_ARRAY: return span_is(name, "array");
    case JSON_OBJECT: return span_is(name, "object");
    case JSON_NONE: break;
    }
    return false;
}

bool schema_says_type(struct span type, const char *name)
{
    struct span item;
    size_t pos = 0;

    if (json_kind(type) == JSON_STRING)
        return span_is(json_raw(type), name);
    while (json_next(type, &pos, NULL, &item)) {
        if (span_is(json_raw(item), name))
            return true;
    }
    return false;
}

static int order_items(const void *a, const void *b)
{
    const struct span *left = a, *right = b;
    size_t len = left->len < right->len ? left->len : right->len;
    int order = memcmp(left->ptr, right->ptr, len);

    return order ? order : (left->len > len) - (right->len > len);
}

struct span schema_duplicate(struct span array)
{
    size_t count = json_count(array), pos = 0, used = 0;
    struct span *items = xcalloc(count + 1, sizeof *items);
    struct span twice = { NULL, 0 };

    while (used < count && json_next(array, &pos, NULL, &items[used]))
        used++;
    qsort(items, used, sizeof *items, order_items);
    for (size_t i = 1; i < used && !twice.ptr; i++) {
        if (span_equal(items[i - 1], items[i]))
            twice = items[i];
    }
    free(items);
    return twice;
}
