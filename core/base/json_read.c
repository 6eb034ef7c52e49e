/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading by walking: a value is found by skipping those before it. Nothing is allocated
 * but by json_text, and nothing recurses.
 */
#include "base/json.h"

#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/json_lex.h"

static const struct span absent = { NULL, 0 };

enum json_kind json_kind(struct span value)
{
    const char *end = json_lex_end(value);
    const char *pos = json_lex_space(value.ptr, end);

    if (pos == end)
        return JSON_NONE;
    switch (*pos) {
    case '{': return JSON_OBJECT;
    case '[': return JSON_ARRAY;
    case '"': return JSON_STRING;
    case 't': return JSON_TRUE;
    case 'f': return JSON_FALSE;
    case 'n': return JSON_NULL;
    default: return JSON_NUMBER;
    }
}

static const char *container_end(const char *pos, const char *end)
{
    size_t depth = 0;

    while (pos < end) {
        switch (*pos++) {
        case '"':
            pos = json_lex_string_end(pos, end);
            if (pos < end)
                pos++;
            break;
        case '{':
        case '[': depth++; break;
        case '}':
        case ']':
            if (--depth == 0)
                return pos;
            break;
        default: break;
        }
    }
    return end;
}

/* Behind the value that begins at pos. */
static const char *value_end(const char *pos, const char *end)
{
    if (pos == end)
        return end;
    if (*pos == '{' || *pos == '[')
        return container_end(pos, end);
    if (*pos == '"') {
        pos = json_lex_string_end(pos + 1, end);
        return pos < end ? pos + 1 : end;
    }
    while (pos < end && *pos != ',' && *pos != '}' && *pos != ']' && *pos != ' ' &&
           *pos != '\n' && *pos != '\r' && *pos != '\t')
        pos++;
    return pos;
}

struct span json_lex_trim(struct span value)
{
    const char *end = json_lex_end(value);
    const char *pos = json_lex_space(value.ptr, end);

    return (struct span){ pos, (size_t)(value_end(pos, end) - pos) };
}

/* Moves over the key at pos and its colon; false when there is none. */
static bool take_key(const char **pos, const char *end, struct span *key)
{
    if (*pos == end || **pos != '"')
        return false;
    const char *start = *pos + 1;
    const char *stop = json_lex_string_end(start, end);
    if (stop == end)
        return false;
    *key = (struct span){ start, (size_t)(stop - start) };
    *pos = json_lex_space(stop + 1, end);
    if (*pos == end || **pos != ':')
        return false;
    *pos = json_lex_space(*pos + 1, end);
    return true;
}

/* Moves from where the last value ended to where the next member or item begins. */
static const char *next_start(struct span container, size_t pos, bool *is_object)
{
    const char *end = json_lex_end(container);
    const char *open = json_lex_space(container.ptr, end);

    if (open == end || (*open != '{' && *open != '['))
        return end;
    *is_object = *open == '{';
    const char *at = pos ? container.ptr + pos : open;
    if (pos) {
        at = json_lex_space(at, end);
        if (at == end || *at != ',')
            return end;
    }
    at = json_lex_space(at + 1, end);
    return at < end && *at != '}' && *at != ']' ? at : end;
}

bool json_next(struct span container, size_t *pos, struct span *key, struct span *value)
{
    const char *end = json_lex_end(container);
    struct span name = absent;
    bool is_object = false;

    if (*pos >= container.len)
        return false;
    const char *at = next_start(container, *pos, &is_object);
    if (at == end || (is_object && !take_key(&at, end, &name))) {
        *pos = container.len;
        return false;
    }
    const char *stop = value_end(at, end);
    *value = (struct span){ at, (size_t)(stop - at) };
    if (key)
        *key = name;
    *pos = (size_t)(stop - container.ptr);
    return true;
}

static struct span get(struct span object, struct span want)
{
    struct span key, value;
    size_t pos = 0;

    while (json_next(object, &pos, &key, &value)) {
        if (!key.ptr)
            break; /* an array */
        if (json_lex_is(key, want))
            return value;
    }
    return absent;
}

struct span json_get(struct span object, const char *key)
{
    return get(object, span_of(key));
}

void json_fields(struct json_fields *fields, struct span object)
{
    struct span key, value;
    size_t pos = 0;

    fields->object = object;
    fields->rest = 0;
    fields->count = 0;
    while (json_next(object, &pos, &key, &value) && key.ptr) {
        if (fields->count == JSON_FIELDS_MAX)
            return;
        fields->items[fields->count].key = key;
        fields->items[fields->count++].value = value;
        fields->rest = pos;
    }
    fields->rest = 0;
}

struct span json_field(const struct json_fields *fields, const char *key)
{
    struct span want = span_of(key), other, value;
    size_t pos = fields->rest;

    for (int i = 0; i < fields->count; i++)
        if (json_lex_is(fields->items[i].key, want))
            return fields->items[i].value;
    while (pos > 0 && json_next(fields->object, &pos, &other, &value))
        if (json_lex_is(other, want))
            return value;
    return absent;
}

struct span json_path(struct span object, const char *path)
{
    struct span value = object;

    for (;;) {
        const char *dot = strchr(path, '.');
        if (!dot)
            return json_get(value, path);
        value = get(value, (struct span){ path, (size_t)(dot - path) });
        path = dot + 1;
    }
}

size_t json_count(struct span container)
{
    struct span value;
    size_t pos = 0, count = 0;

    while (json_next(container, &pos, NULL, &value))
        count++;
    return count;
}

struct span json_raw(struct span value)
{
    const char *end = json_lex_end(value);
    const char *pos = json_lex_space(value.ptr, end);

    if (pos == end || *pos != '"')
        return absent;
    pos++;
    return (struct span){ pos, (size_t)(json_lex_string_end(pos, end) - pos) };
}

void json_text_to(struct str *out, struct span value)
{
    struct span raw = json_raw(value);
    const char *pos = raw.ptr, *end = json_lex_end(raw);

    while (pos < end) {
        const char *slash = memchr(pos, '\\', (size_t)(end - pos));
        const char *stop = slash ? slash : end;
        str_add(out, pos, (size_t)(stop - pos));
        pos = stop;
        if (pos < end)
            json_lex_add_utf8(out, json_lex_char(&pos, end));
    }
}

char *json_text(struct span value)
{
    struct span raw = json_raw(value);

    if (!raw.ptr)
        return NULL;
    if (raw.len == 0 || !memchr(raw.ptr, '\\', raw.len))
        return span_dup(raw);
    struct str text = { 0 };
    json_text_to(&text, value);
    return str_take(&text);
}

double json_double(struct span value, double otherwise)
{
    return json_kind(value) == JSON_NUMBER ? json_lex_double(json_lex_trim(value))
                                           : otherwise;
}

int64_t json_int(struct span value, int64_t otherwise)
{
    int64_t whole;

    if (json_kind(value) != JSON_NUMBER)
        return otherwise;
    if (span_int(json_lex_trim(value), &whole))
        return whole;
    double real = json_double(value, NAN); /* 1.0 and 1e3 are integers, too */
    if (!(fabs(real) <= JSON_LEX_INT_MAX) || real != floor(real))
        return otherwise;
    return (int64_t)real;
}

bool json_bool(struct span value, bool otherwise)
{
    switch (json_kind(value)) {
    case JSON_TRUE: return true;
    case JSON_FALSE: return false;
    default: return otherwise;
    }
}

struct span json_get_raw(struct span object, const char *key)
{
    return json_raw(json_get(object, key));
}

char *json_get_text(struct span object, const char *key)
{
    return json_text(json_get(object, key));
}

int64_t json_get_int(struct span object, const char *key, int64_t otherwise)
{
    return json_int(json_get(object, key), otherwise);
}

bool json_get_bool(struct span object, const char *key, bool otherwise)
{
    return json_bool(json_get(object, key), otherwise);
}
