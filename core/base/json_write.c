/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <assert.h>
#include <string.h>

#include "base/json_lex.h"

/* Puts the comma that a value, or in an object a key, needs in front of it. */
static void separate(struct json_out *out)
{
    if (out->depth == 0)
        return;
    if (out->has_items[out->depth - 1])
        str_add_char(out->str, ',');
    out->has_items[out->depth - 1] = true;
}

static void begin_value(struct json_out *out)
{
    if (out->depth > 0 && out->is_object[out->depth - 1]) {
        assert(out->key_written);
        out->key_written = false;
    } else {
        separate(out);
    }
}

/* Writes text as a JSON string that json_check takes, whatever the bytes: what is not
 * UTF-8, and NUL, becomes U+FFFD. */
static void add_string(struct str *str, struct span text)
{
    const char *pos = text.ptr, *end = json_lex_end(text);
    const char *plain = pos; /* from here on nothing needed a change */

    str_add_char(str, '"');
    while ((pos = json_lex_plain_end(pos, end)) < end) {
        unsigned char c = (unsigned char)*pos;
        size_t len = c ? json_lex_utf8(pos, end) : 0;
        if (len > 1) {
            pos += len;
            continue;
        }
        str_add(str, plain, (size_t)(pos - plain));
        json_lex_add_char(str, len ? c : 0xfffd);
        plain = ++pos;
    }
    str_add(str, plain, (size_t)(pos - plain));
    str_add_char(str, '"');
}

void json_open(struct json_out *out, char bracket)
{
    assert(bracket == '{' || bracket == '[');
    assert(out->depth < (int)(sizeof out->is_object / sizeof out->is_object[0]));
    begin_value(out);
    out->is_object[out->depth] = bracket == '{';
    out->has_items[out->depth] = false;
    out->depth++;
    str_add_char(out->str, bracket);
}

void json_close(struct json_out *out)
{
    assert(out->depth > 0 && !out->key_written);
    out->depth--;
    str_add_char(out->str, out->is_object[out->depth] ? '}' : ']');
}

void json_key(struct json_out *out, const char *key)
{
    json_key_span(out, span_of(key));
}

void json_key_span(struct json_out *out, struct span key)
{
    assert(out->depth > 0 && out->is_object[out->depth - 1] && !out->key_written);
    separate(out);
    add_string(out->str, key);
    str_add_char(out->str, ':');
    out->key_written = true;
}

void json_string(struct json_out *out, const char *text)
{
    json_string_span(out, span_of(text));
}

void json_string_span(struct json_out *out, struct span text)
{
    begin_value(out);
    add_string(out->str, text);
}

void json_integer(struct json_out *out, int64_t value)
{
    char digits[24]; /* written from the end: printf is too slow for every row */
    char *pos = digits + sizeof digits;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        *--pos = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    if (value < 0)
        *--pos = '-';
    begin_value(out);
    str_add(out->str, pos, (size_t)(digits + sizeof digits - pos));
}

void json_number(struct json_out *out, double value)
{
    char shortest[JSON_LEX_NUMBER_CAP];

    begin_value(out);
    str_add_text(out->str, json_lex_number(value, shortest));
}

void json_boolean(struct json_out *out, bool value)
{
    begin_value(out);
    str_add_text(out->str, value ? "true" : "false");
}

void json_null(struct json_out *out)
{
    begin_value(out);
    str_add(out->str, "null", 4);
}

void json_raw_value(struct json_out *out, struct span value)
{
    if (value.len == 0) {
        json_null(out);
        return;
    }
    begin_value(out);
    str_add_span(out->str, value);
}

void json_put(struct json_out *out, const char *key, const char *text)
{
    json_key(out, key);
    if (text)
        json_string(out, text);
    else
        json_null(out);
}

void json_put_span(struct json_out *out, const char *key, struct span text)
{
    json_key(out, key);
    json_string_span(out, text);
}

void json_put_int(struct json_out *out, const char *key, int64_t value)
{
    json_key(out, key);
    json_integer(out, value);
}

void json_put_bool(struct json_out *out, const char *key, bool value)
{
    json_key(out, key);
    json_boolean(out, value);
}

void json_put_raw(struct json_out *out, const char *key, struct span value)
{
    json_key(out, key);
    json_raw_value(out, value);
}
