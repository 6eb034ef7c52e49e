/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON for people: indented, or on one line; still JSON, but nothing in it is invisible or
 * turns the text around it.
 */
#include "base/json.h"

#include "base/json_lex.h"

enum { ONE_LINE = -1 };

/* str_add_shown knows what people cannot see; here it is only asked. */
static bool is_shown_as_is(struct str *scratch, uint32_t character)
{
    struct str plain = { 0 };

    json_lex_add_utf8(&plain, character);
    str_reset(scratch);
    str_add_shown(scratch, plain.ptr, plain.len);
    bool is_same = span_equal(str_span(scratch), str_span(&plain));
    str_fini(&plain);
    return is_same;
}

static void add_escaped(struct str *out, uint32_t character)
{
    if (character > 0xffff) {
        character -= 0x10000;
        str_printf(out, "\\u%04x", (unsigned)(0xd800 + (character >> 10)));
        character = 0xdc00 + (character & 0x3ff);
    }
    str_printf(out, "\\u%04x", (unsigned)character);
}

static void add_string(struct str *out, struct span raw)
{
    const char *pos = raw.ptr, *end = json_lex_end(raw);
    struct str scratch = { 0 };

    str_add_char(out, '"');
    while (pos < end) {
        uint32_t character = json_lex_char(&pos, end);
        if (character < 0x7f || is_shown_as_is(&scratch, character))
            json_lex_add_char(out, character);
        else
            add_escaped(out, character);
    }
    str_add_char(out, '"');
    str_fini(&scratch);
}

static void add_break(struct str *out, int indent)
{
    if (indent == ONE_LINE)
        return;
    str_add_char(out, '\n');
    for (int i = 0; i < indent; i++)
        str_add(out, "  ", 2);
}

/* left bounds the recursion, so that bytes nobody checked cannot go deeper either. */
static void add_value(struct str *out, struct span value, int indent, int left)
{
    enum json_kind kind = json_kind(value);
    struct span key, item;
    size_t pos = 0;
    int inner = indent == ONE_LINE ? ONE_LINE : indent + 1;

    if (kind == JSON_STRING) {
        add_string(out, json_raw(value));
        return;
    }
    if ((kind != JSON_OBJECT && kind != JSON_ARRAY) || left == 0) {
        struct span scalar = json_lex_trim(value);
        str_add_shown(out, scalar.ptr, scalar.len);
        return;
    }
    str_add_char(out, kind == JSON_OBJECT ? '{' : '[');
    bool has_items = false;
    while (json_next(value, &pos, &key, &item)) {
        if (has_items)
            str_add_text(out, indent == ONE_LINE ? ", " : ",");
        has_items = true;
        add_break(out, inner);
        if (kind == JSON_OBJECT) {
            add_string(out, key);
            str_add(out, ": ", 2);
        }
        add_value(out, item, inner, left - 1);
    }
    if (has_items)
        add_break(out, indent);
    str_add_char(out, kind == JSON_OBJECT ? '}' : ']');
}

void json_pretty(struct str *out, struct span value, int indent)
{
    add_value(out, value, indent, JSON_DEPTH_MAX);
}

void json_lex_show(struct str *out, struct span value)
{
    add_value(out, value, ONE_LINE, JSON_DEPTH_MAX);
}

static bool is_plain_name(struct span key)
{
    for (size_t i = 0; i < key.len; i++) {
        char c = key.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && c != '_' && c != '-' && c != '$')
            return false;
    }
    return key.len > 0;
}

void json_lex_show_name(struct str *out, struct span key)
{
    if (is_plain_name(key))
        str_add_span(out, key);
    else
        add_string(out, key);
}
