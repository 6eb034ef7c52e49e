/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes into the JSON reader. What json_check refuses must still be walked without
 * harm; what it accepts must be written as the same text again and again.
 */
#include "base/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads everything that value has in every way there is; returns how many values. */
static size_t walk(struct span value, int depth)
{
    struct span key, item;
    size_t pos = 0, count = 1;
    struct str text = { 0 };

    json_int(value, 1);
    json_double(value, 1);
    json_bool(value, true);
    json_text_to(&text, value);
    json_get(value, "a");
    json_path(value, "a.b");
    char *copy = json_text(value);
    assert((copy != NULL) == (json_raw(value).ptr != NULL));
    assert(!copy || strlen(copy) <= text.len);
    free(copy);
    str_fini(&text);
    if (depth == 0)
        return count;
    while (json_next(value, &pos, &key, &item)) {
        assert(pos <= value.len);
        count += walk(item, depth - 1);
    }
    return count;
}

/* The same value, written piece by piece with struct json_out. */
static void copy_value(struct json_out *out, struct span value)
{
    struct span key, item;
    struct str name = { 0 };
    size_t pos = 0;

    switch (json_kind(value)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        json_open(out, json_kind(value) == JSON_OBJECT ? '{' : '[');
        while (json_next(value, &pos, &key, &item)) {
            if (json_kind(value) == JSON_OBJECT) {
                struct span quoted = { key.ptr - 1, key.len + 2 };
                str_reset(&name);
                json_text_to(&name, quoted);
                json_key_span(out, str_span(&name));
                assert(json_get(value, str_text(&name)).ptr == item.ptr);
            }
            copy_value(out, item);
        }
        json_close(out);
        break;
    case JSON_STRING:
        json_text_to(&name, value);
        json_string_span(out, str_span(&name));
        break;
    case JSON_NUMBER: json_number(out, json_double(value, 0)); break;
    case JSON_TRUE:
    case JSON_FALSE: json_boolean(out, json_bool(value, false)); break;
    case JSON_NULL: json_null(out); break;
    case JSON_NONE: abort();
    }
    str_fini(&name);
}

static void check_accepted(struct span text, const struct str *canon)
{
    struct err err;
    struct str again = { 0 }, written = { 0 }, shown = { 0 }, from_shown = { 0 };
    struct json_out out = { .str = &written };

    assert(json_canonical(&again, canon->ptr, canon->len, &err) == 0);
    assert(span_equal(str_span(canon), str_span(&again)));
    assert(walk(text, JSON_DEPTH_MAX) == walk(str_span(canon), JSON_DEPTH_MAX));

    copy_value(&out, str_span(canon));
    assert(span_equal(str_span(canon), str_span(&written)));
    assert(json_same(text, str_span(canon)));

    json_pretty(&shown, text, 0);
    if (shown.len <= JSON_LEN_MAX) {
        assert(json_canonical(&from_shown, shown.ptr, shown.len, &err) == 0);
        assert(span_equal(str_span(canon), str_span(&from_shown)));
    }
    str_reset(&shown);
    assert(json_diff(&shown, text, str_span(canon), "") == 0);
    assert(json_diff(&shown, text, span_of("{\"a\":{\"b\":[]}}"), "") >= 0);
    str_fini(&again);
    str_fini(&written);
    str_fini(&shown);
    str_fini(&from_shown);
}

static void match_some_schemas(struct span text)
{
    static const char *const schemas[] = {
        "{\"additionalProperties\":false,\"properties\":{\"a\":{\"items\":{\"format\":"
        "\"ip\",\"type\":\"string\"},\"type\":\"array\",\"uniqueItems\":true},\"b\":{\"x-"
        "arm-type\":\"A/"
        "b\",\"type\":\"string\"}},\"required\":[\"a\"],\"type\":\"object\"}",
        "{\"items\":{\"type\":[\"integer\",\"null\"],\"minimum\":1},\"uniqueItems\":true}",
        "{\"enum\":[\"abc\",1,{\"a\":1}]}",
    };
    static const char *const formats[] = { "ip", "arm-id", "uuid", "duration",
                                           "date-time" };
    struct err err;

    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++)
        schema_match(span_of(schemas[i]), text, &err);
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        schema_format(formats[i], text);
    if (schema_check(text, &err) == 0)
        schema_match(text, span_of("{\"a\":[1,\"b\"]}"), &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    struct str canon = { 0 };
    struct span text = { (const char *)data, size };

    int code = json_check(text.ptr, text.len, JSON_LEN_MAX, &err);
    int canon_code = json_canonical(&canon, text.ptr, text.len, &err);
    if (code != 0)
        assert(canon_code == code && canon.len == 0);
    else if (canon_code == 0)
        check_accepted(text, &canon);
    else
        assert(canon_code == ERR_TOO_BIG);
    walk(text, JSON_DEPTH_MAX);
    match_some_schemas(text);
    str_fini(&canon);
    return 0;
}
