/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a value keep a schema? Both are made canonical first, so that equal values are equal
 * bytes; the walk then stops at the first breach. How deep it goes is bounded by the depth
 * of JSON itself.
 */
#include "base/schema.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/json.h"
#include "base/schema_part.h"

/* One value and the part of the schema that holds for it. */
struct match {
    struct span schema;
    struct span value;
    struct schema_path *path;
    struct err *err;
};

static int got_other(const struct match *match, const char *want)
{
    struct str shown = { 0 };

    schema_fail(match->err, match->path, "want %s, got %s", want,
                schema_show(&shown, match->value));
    str_fini(&shown);
    return match->err->code;
}

/* -- What it is ----------------------------------------------------------------------- */

static const char *type_phrase(struct span name)
{
    static const struct {
        const char *name;
        const char *phrase;
    } phrases[] = {
        { "null", "null" },          { "boolean", "true or false" },
        { "integer", "an integer" }, { "number", "a number" },
        { "string", "a string" },    { "array", "an array" },
        { "object", "an object" },
    };

    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++) {
        if (span_is(name, phrases[i].name))
            return phrases[i].phrase;
    }
    return "nothing";
}

static int fail_type(const struct match *match, struct span type)
{
    struct str want = { 0 };
    struct span name;
    size_t pos = 0;

    if (json_kind(type) == JSON_STRING)
        str_add_text(&want, type_phrase(json_raw(type)));
    while (json_next(type, &pos, NULL, &name)) {
        if (want.len)
            str_add_text(&want, " or ");
        str_add_text(&want, type_phrase(json_raw(name)));
    }
    got_other(match, str_text(&want));
    str_fini(&want);
    return match->err->code;
}

/* A Lua table without entries does not say which of the two it is. */
static bool is_empty_object(const struct match *match, struct span type)
{
    return span_is(match->value, "[]") && schema_says_type(type, "object") &&
           json_count(json_get(match->schema, "required")) == 0;
}

static int match_type(const struct match *match)
{
    struct span type = json_get(match->schema, "type");
    struct span name;
    size_t pos = 0;

    if (json_kind(type) == JSON_NONE)
        return 0;
    if (json_kind(type) == JSON_STRING && schema_has_type(match->value, json_raw(type)))
        return 0;
    while (json_next(type, &pos, NULL, &name)) {
        if (schema_has_type(match->value, json_raw(name)))
            return 0;
    }
    return is_empty_object(match, type) ? 0 : fail_type(match, type);
}

static int fail_enum(const struct match *match, struct span items)
{
    struct str list = { 0 }, shown = { 0 }, hint = { 0 };
    const char *names[32];
    char *texts[32];
    struct span item;
    size_t pos = 0, count = 0;

    while (json_next(items, &pos, NULL, &item) && list.len < SCHEMA_SHOWN_MAX &&
           count < 32) {
        str_printf(&list, "%s%s", list.len ? ", " : "", schema_show(&shown, item));
        names[count] = texts[count] = span_dup(json_raw(item));
        count++;
    }
    struct span word = json_raw(match->value);
    schema_hint_of(&hint, word, names, word.len ? count : 0);
    schema_fail(match->err, match->path, "want one of %s, got %s%s", str_text(&list),
                schema_show(&shown, match->value), str_text(&hint));
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    str_fini(&list);
    str_fini(&shown);
    str_fini(&hint);
    return match->err->code;
}

static int match_constants(const struct match *match)
{
    struct span only = json_get(match->schema, "const");
    struct span items = json_get(match->schema, "enum");
    struct span item;
    size_t pos = 0;

    if (only.len && !span_equal(only, match->value)) {
        struct str shown = { 0 };
        got_other(match, schema_show(&shown, only));
        str_fini(&shown);
        return match->err->code;
    }
    if (!items.len)
        return 0;
    while (json_next(items, &pos, NULL, &item)) {
        if (span_equal(item, match->value))
            return 0;
    }
    return fail_enum(match, items);
}

/* -- Numbers and sizes ---------------------------------------------------------------- */

static int match_count(const struct match *match, size_t count, const char *least,
                       const char *most, const char *what)
{
    int64_t min = json_get_int(match->schema, least, 0);
    int64_t max = json_get_int(match->schema, most, INT64_MAX);

    if ((int64_t)count < min)
        return schema_fail(match->err, match->path, "want at least %lld %s%s, got %zu",
                           (long long)min, what, min == 1 ? "" : "s", count);
    if ((int64_t)count > max)
        return schema_fail(match->err, match->path, "want at most %lld %s%s, got %zu",
                           (long long)max, what, max == 1 ? "" : "s", count);
    return 0;
}

static int match_number(const struct match *match)
{
    struct span min = json_get(match->schema, "minimum");
    struct span max = json_get(match->schema, "maximum");
    double number = json_double(match->value, 0);

    if (min.len && number < json_double(min, 0))
        return schema_fail(match->err, match->path, "want at least %.*s, got %.*s",
                           (int)min.len, min.ptr, (int)match->value.len, match->value.ptr);
    if (max.len && number > json_double(max, 0))
        return schema_fail(match->err, match->path, "want at most %.*s, got %.*s",
                           (int)max.len, max.ptr, (int)match->value.len, match->value.ptr);
    return 0;
}

/* -- Strings -------------------------------------------------------------------------- */

static int match_arm_type(const struct match *match, struct span text)
{
    struct span want = json_get_raw(match->schema, "x-arm-type");
    struct str type = { 0 };

    if (!want.len)
        return 0;
    bool is_id = schema_arm_type(text, &type);
    bool is_right = is_id && schema_arm_fits(want, str_span(&type));
    if (!is_right) {
        struct str phrase = { 0 };
        str_printf(&phrase, "the id of a %.*s", (int)want.len, want.ptr);
        if (is_id)
            schema_fail(match->err, match->path, "want %s, got that of a %.100s",
                        str_text(&phrase), str_text(&type));
        else
            got_other(match, str_text(&phrase));
        str_fini(&phrase);
    }
    str_fini(&type);
    return is_right ? 0 : match->err->code;
}

/* People are told what is wrong with an id: it is too long to be seen at a glance. */
static int match_arm_id(const struct match *match, struct span text)
{
    struct str type = { 0 }, want = { 0 };
    const char *fault = schema_arm_fault(text, &type);

    if (fault) {
        str_printf(&want, "an Azure resource id (%s)", fault);
        got_other(match, str_text(&want));
    }
    str_fini(&type);
    str_fini(&want);
    return fault ? match->err->code : 0;
}

static int match_format(const struct match *match, struct span text)
{
    struct span name = json_get_raw(match->schema, "format");
    const char *want = name.len ? schema_format_want(name) : NULL;

    if (!want)
        return 0;
    if (span_is(name, "arm-id"))
        return match_arm_id(match, text);
    char *format = span_dup(name);
    bool is_right = schema_format(format, text);
    free(format);
    return is_right ? 0 : got_other(match, want);
}

static size_t count_characters(struct span text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    return count;
}

static int match_string(const struct match *match)
{
    struct str copy = { 0 };

    json_text_to(&copy, match->value);
    struct span text = str_span(&copy);
    int code =
        match_count(match, count_characters(text), "minLength", "maxLength", "character");
    if (code == 0)
        code = match_format(match, text);
    if (code == 0)
        code = match_arm_type(match, text);
    str_fini(&copy);
    return code;
}

/* -- Arrays and objects --------------------------------------------------------------- */

static int match_items(const struct match *match)
{
    struct span items = json_get(match->schema, "items");
    struct span item;
    size_t pos = 0;

    if (match_count(match, json_count(match->value), "minItems", "maxItems", "item") != 0)
        return match->err->code;
    if (json_get_bool(match->schema, "uniqueItems", false)) {
        struct span twice = schema_duplicate(match->value);
        if (twice.len) {
            struct str shown = { 0 };
            schema_fail(match->err, match->path, "want each item once, %s is there twice",
                        schema_show(&shown, twice));
            str_fini(&shown);
            return match->err->code;
        }
    }
    for (size_t i = 0; items.len && json_next(match->value, &pos, NULL, &item); i++) {
        size_t len = schema_path_push_index(match->path, i);
        int code = schema_match_at(items, item, match->path, match->err);
        schema_path_pop(match->path, len);
        if (code != 0)
            return code;
    }
    return 0;
}

static int fail_unknown(const struct match *match, struct span key, struct span properties)
{
    struct str shown = { 0 }, hint = { 0 };
    struct span quoted = { key.ptr - 1, key.len + 2 };

    schema_fail(match->err, match->path, "unknown member %s%s", schema_show(&shown, quoted),
                schema_hint(&hint, key, properties));
    str_fini(&shown);
    str_fini(&hint);
    return match->err->code;
}

static int match_members(const struct match *match)
{
    struct span properties = json_get(match->schema, "properties");
    bool is_open = json_get_bool(match->schema, "additionalProperties", true);
    struct span key, value;
    size_t pos = 0;

    while (json_next(match->value, &pos, &key, &value)) {
        struct span schema = schema_member(properties, key);
        if (!schema.len && !is_open)
            return fail_unknown(match, key, properties);
        if (!schema.len)
            continue;
        size_t len = schema_path_push(match->path, key);
        int code = schema_match_at(schema, value, match->path, match->err);
        schema_path_pop(match->path, len);
        if (code != 0)
            return code;
    }
    return 0;
}

static int match_required(const struct match *match)
{
    struct span required = json_get(match->schema, "required");
    struct span name;
    size_t pos = 0;

    while (json_next(required, &pos, NULL, &name)) {
        if (schema_member(match->value, json_raw(name)).len)
            continue;
        struct str shown = { 0 };
        schema_fail(match->err, match->path, "want a member %s, there is none",
                    schema_show(&shown, name));
        str_fini(&shown);
        return match->err->code;
    }
    return 0;
}

/* -- All of it ------------------------------------------------------------------------ */

int schema_match_at(struct span schema, struct span value, struct schema_path *path,
                    struct err *err)
{
    struct match match = { schema, value, path, err };

    if (match_type(&match) != 0 || match_constants(&match) != 0)
        return err->code;
    switch (json_kind(value)) {
    case JSON_NUMBER: return match_number(&match);
    case JSON_STRING: return match_string(&match);
    case JSON_ARRAY: return match_items(&match);
    case JSON_OBJECT:
        return match_members(&match) != 0 ? err->code : match_required(&match);
    default: return 0;
    }
}

int schema_match(struct span schema, struct span value, struct err *err)
{
    struct str rules = { 0 }, canon = { 0 };
    struct schema_path path = { { 0 } };
    int code;

    if ((code = json_canonical(&rules, schema.ptr, schema.len, err)) != 0)
        err_wrap(err, "schema");
    else if ((code = json_canonical(&canon, value.ptr, value.len, err)) == 0)
        code = schema_match_at(str_span(&rules), str_span(&canon), &path, err);
    str_fini(&rules);
    str_fini(&canon);
    str_fini(&path.text);
    return code;
}
