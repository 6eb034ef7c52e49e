/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is this a schema that schema.c enforces in full? A keyword that is unknown, has a value
 * of the wrong form, or stands beside a type it says nothing about is refused: whoever
 * wrote it believes in a rule that would never hold anybody back.
 */
#include "base/schema.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/schema_part.h"

/* One schema, and one keyword's value in it while that is looked at. */
struct rules {
    struct span schema;
    struct schema_path *path;
    struct err *err;
};

typedef int rule_fn(const struct rules *rules, struct span value);

static int check_rules(struct span schema, struct schema_path *path, struct err *err);

static const char *const type_names[] = { "null",   "boolean", "integer", "number",
                                          "string", "array",   "object" };
enum { TYPE_COUNT = sizeof type_names / sizeof type_names[0] };

static int want(const struct rules *rules, const char *what, struct span value)
{
    struct str shown = { 0 };

    schema_fail(rules->err, rules->path, "want %s, got %s", what,
                schema_show(&shown, value));
    str_fini(&shown);
    return rules->err->code;
}

static int want_name(const struct rules *rules, const char *what, struct span value,
                     const char *const *names, size_t count)
{
    struct str shown = { 0 }, hint = { 0 };

    schema_fail(rules->err, rules->path, "want %s, got %s%s", what,
                schema_show(&shown, value),
                schema_hint_of(&hint, json_raw(value), names, count));
    str_fini(&shown);
    str_fini(&hint);
    return rules->err->code;
}

/* -- A rule for each kind of keyword -------------------------------------------------- */

static int check_any(const struct rules *rules, struct span value)
{
    (void)rules;
    (void)value;
    return 0;
}

static int check_text(const struct rules *rules, struct span value)
{
    return json_kind(value) == JSON_STRING ? 0 : want(rules, "a string", value);
}

static int check_bool(const struct rules *rules, struct span value)
{
    bool is_bool = json_kind(value) == JSON_TRUE || json_kind(value) == JSON_FALSE;

    return is_bool ? 0 : want(rules, "true or false", value);
}

static int check_number(const struct rules *rules, struct span value)
{
    return json_kind(value) == JSON_NUMBER ? 0 : want(rules, "a number", value);
}

static int check_count(const struct rules *rules, struct span value)
{
    return json_int(value, -1) >= 0 ? 0 : want(rules, "an integer from 0", value);
}

static int check_array(const struct rules *rules, struct span value)
{
    return json_kind(value) == JSON_ARRAY ? 0 : want(rules, "an array", value);
}

/* An array of different items, at least one. */
static int check_set(const struct rules *rules, struct span value)
{
    if (json_kind(value) != JSON_ARRAY || json_count(value) == 0)
        return want(rules, "an array with items", value);
    struct span twice = schema_duplicate(value);
    return twice.len ? want(rules, "each item once", twice) : 0;
}

static int check_type_name(const struct rules *rules, struct span value)
{
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (json_kind(value) == JSON_STRING && span_is(json_raw(value), type_names[i]))
            return 0;
    }
    return want_name(rules, "a type", value, type_names, TYPE_COUNT);
}

static int check_type(const struct rules *rules, struct span value)
{
    struct span item;
    size_t pos = 0;

    if (json_kind(value) != JSON_ARRAY)
        return check_type_name(rules, value);
    if (check_set(rules, value) != 0)
        return rules->err->code;
    while (json_next(value, &pos, NULL, &item)) {
        if (check_type_name(rules, item) != 0)
            return rules->err->code;
    }
    return 0;
}

static int check_properties(const struct rules *rules, struct span value)
{
    struct span key, schema;
    size_t pos = 0;

    if (json_kind(value) != JSON_OBJECT)
        return want(rules, "an object", value);
    while (json_next(value, &pos, &key, &schema)) {
        size_t len = schema_path_push(rules->path, key);
        int code = check_rules(schema, rules->path, rules->err);
        schema_path_pop(rules->path, len);
        if (code != 0)
            return code;
    }
    return 0;
}

static int check_items(const struct rules *rules, struct span value)
{
    return check_rules(value, rules->path, rules->err);
}

/* A name that no property has could never be there when others are not allowed. */
static int check_required(const struct rules *rules, struct span value)
{
    struct span properties = json_get(rules->schema, "properties");
    bool is_open = json_get_bool(rules->schema, "additionalProperties", true);
    struct span name;
    size_t pos = 0;

    if (json_kind(value) != JSON_ARRAY)
        return want(rules, "an array of strings", value);
    if (json_count(value) > 0 && check_set(rules, value) != 0)
        return rules->err->code;
    while (json_next(value, &pos, NULL, &name)) {
        if (json_kind(name) != JSON_STRING)
            return want(rules, "a string", name);
        if (is_open || schema_member(properties, json_raw(name)).len)
            continue;
        struct str shown = { 0 }, hint = { 0 };
        schema_fail(rules->err, rules->path, "%s is not one of the properties%s",
                    schema_show(&shown, name),
                    schema_hint(&hint, json_raw(name), properties));
        str_fini(&shown);
        str_fini(&hint);
        return rules->err->code;
    }
    return 0;
}

static int check_format(const struct rules *rules, struct span value)
{
    if (json_kind(value) == JSON_STRING && schema_format_want(json_raw(value)))
        return 0;
    return want_name(rules, "a format", value, schema_formats, SCHEMA_FORMAT_COUNT);
}

static int check_arm_type(const struct rules *rules, struct span value)
{
    struct span type = json_raw(value);
    struct str id = { 0 }, found = { 0 };

    /* "A.B/c/d" is a type when it is that of the id made of it. */
    str_add_text(&id, "/providers/");
    for (size_t i = 0, slashes = 0; i < type.len; i++) {
        if (type.ptr[i] == '/' && slashes++ > 0)
            str_add_text(&id, "/x");
        str_add_char(&id, type.ptr[i]);
    }
    str_add_text(&id, "/x");
    bool is_type =
        schema_arm_type(str_span(&id), &found) && span_equal(str_span(&found), type);
    str_fini(&id);
    str_fini(&found);
    return is_type ? 0 : want(rules, "a type such as \"Microsoft.Web/sites\"", value);
}

/* -- All of them ---------------------------------------------------------------------- */

static const struct keyword {
    const char *name;
    const char *type; /* the one it says something about; NULL: any */
    rule_fn *check;
} keywords[] = {
    { "type", NULL, check_type },
    { "properties", "object", check_properties },
    { "required", "object", check_required },
    { "additionalProperties", "object", check_bool },
    { "items", "array", check_items },
    { "minItems", "array", check_count },
    { "maxItems", "array", check_count },
    { "uniqueItems", "array", check_bool },
    { "enum", NULL, check_set },
    { "const", NULL, check_any },
    { "minimum", "number", check_number },
    { "maximum", "number", check_number },
    { "minLength", "string", check_count },
    { "maxLength", "string", check_count },
    { "format", "string", check_format },
    { "x-arm-type", "string", check_arm_type },
    { "title", NULL, check_text },
    { "description", NULL, check_text },
    { "default", NULL, check_any }, /* check_default does it, when the rest is known good */
    { "examples", NULL, check_array },
};
enum { KEYWORD_COUNT = sizeof keywords / sizeof keywords[0] };

static int fail_keyword(const struct rules *rules, struct span name)
{
    const char *names[KEYWORD_COUNT];
    struct str shown = { 0 }, hint = { 0 };
    struct span quoted = { name.ptr - 1, name.len + 2 };

    for (size_t i = 0; i < KEYWORD_COUNT; i++)
        names[i] = keywords[i].name;
    schema_fail(rules->err, rules->path, "unknown keyword %s%s",
                schema_show(&shown, quoted),
                schema_hint_of(&hint, name, names, KEYWORD_COUNT));
    str_fini(&shown);
    str_fini(&hint);
    return rules->err->code;
}

static int check_keyword(const struct rules *rules, struct span name, struct span value)
{
    struct span type = json_get(rules->schema, "type");
    const struct keyword *keyword = NULL;

    for (size_t i = 0; i < KEYWORD_COUNT && !keyword; i++) {
        if (span_is(name, keywords[i].name))
            keyword = &keywords[i];
    }
    if (!keyword)
        return fail_keyword(rules, name);
    bool is_number = keyword->type && strcmp(keyword->type, "number") == 0;
    if (keyword->type && !schema_says_type(type, keyword->type) &&
        !(is_number && schema_says_type(type, "integer")))
        return schema_fail(rules->err, rules->path,
                           "\"%s\" wants \"type\": \"%s\" beside it", keyword->name,
                           keyword->type);
    size_t len = schema_path_push(rules->path, name);
    int code = keyword->check(rules, value);
    schema_path_pop(rules->path, len);
    return code;
}

/* Limits that leave nothing. */
static int check_limits(const struct rules *rules)
{
    static const char *const pairs[][2] = {
        { "minimum", "maximum" },
        { "minLength", "maxLength" },
        { "minItems", "maxItems" },
    };

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct span min = json_get(rules->schema, pairs[i][0]);
        struct span max = json_get(rules->schema, pairs[i][1]);
        if (min.len && max.len && json_double(min, 0) > json_double(max, 0))
            return schema_fail(rules->err, rules->path, "%s is above %s", pairs[i][0],
                               pairs[i][1]);
    }
    return 0;
}

static int check_default(const struct rules *rules)
{
    struct span value = json_get(rules->schema, "default");

    if (!value.len)
        return 0;
    size_t len = schema_path_push(rules->path, span_of("default"));
    int code = schema_match_at(rules->schema, value, rules->path, rules->err);
    schema_path_pop(rules->path, len);
    return code;
}

static int check_rules(struct span schema, struct schema_path *path, struct err *err)
{
    struct rules rules = { schema, path, err };
    struct span name, value;
    size_t pos = 0;

    if (json_kind(schema) != JSON_OBJECT)
        return want(&rules, "a schema, which is an object", schema);
    while (json_next(schema, &pos, &name, &value)) {
        if (check_keyword(&rules, name, value) != 0)
            return err->code;
    }
    return check_limits(&rules) != 0 ? err->code : check_default(&rules);
}

int schema_check(struct span schema, struct err *err)
{
    struct str canon = { 0 };
    struct schema_path path = { { 0 } };

    int code = json_canonical(&canon, schema.ptr, schema.len, err);
    if (code == 0)
        code = check_rules(str_span(&canon), &path, err);
    str_fini(&canon);
    str_fini(&path.text);
    return code;
}
