/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/params.c - the parameters of a run, from an alert and from a command line.
 *
 * A command line has texts only. What each of them means follows from the type that the
 * playbook declares: a text stays as it is, a list is JSON or words with commas between.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

static struct span without_blanks(struct span text)
{
    static const char blanks[] = " \t\r\n";

    while (text.len > 0 && memchr(blanks, text.ptr[0], sizeof blanks - 1) != NULL)
        text = (struct span){ text.ptr + 1, text.len - 1 };
    while (text.len > 0 &&
           memchr(blanks, text.ptr[text.len - 1], sizeof blanks - 1) != NULL)
        text.len--;
    return text;
}

static void put_word(struct json_out *out, struct span schema, struct span text)
{
    struct err ignored;

    if (!span_is(json_get_raw(schema, "type"), "string") &&
        json_check(text.ptr, text.len, JSON_LEN_MAX, &ignored) == 0)
        json_raw_value(out, text);
    else
        json_string_span(out, text);
}

/* "a,b,c"; empty words are left out. */
static void put_words(struct json_out *out, struct span schema, struct span text)
{
    struct span items = json_get(schema, "items");
    size_t start = 0;

    json_open(out, '[');
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.ptr[i] != ',')
            continue;
        if (i > start)
            put_word(out, items, (struct span){ text.ptr + start, i - start });
        start = i + 1;
    }
    json_close(out);
}

/* A list or an object that is meant as JSON: its first byte tells. */
static int put_json(struct json_out *out, struct span name, bool is_list, struct span text,
                    struct err *err)
{
    struct err why;
    bool is_json = json_check(text.ptr, text.len, JSON_LEN_MAX, &why) == 0;

    if (is_json && json_kind(text) == (is_list ? JSON_ARRAY : JSON_OBJECT)) {
        json_raw_value(out, text);
        return 0;
    }
    return err_set(err, ERR_INVALID,
                   is_list
                       ? "parameter %.*s is no JSON list: %s; want [\"a\",\"b\"], or "
                         "words with commas between: a,b"
                       : "parameter %.*s is no JSON object: %s; want {\"name\":\"value\"}",
                   (int)(name.len < 64 ? name.len : 64), name.ptr,
                   is_json ? "it is another kind of value" : why.text);
}

/* One text of a command line, as the schema wants it. */
static int put_typed(struct json_out *out, struct span name, struct span schema,
                     struct span text, struct err *err)
{
    struct span type = json_get_raw(schema, "type"), bare = without_blanks(text);

    if (span_is(type, "object") || (span_is(type, "array") && span_starts(bare, "[")))
        return put_json(out, name, span_is(type, "array"), bare, err);
    if (span_is(type, "array"))
        put_words(out, schema, text);
    else
        put_word(out, schema, text);
    return 0;
}

static int put_typed_words(struct json_out *out, struct span properties, struct span words,
                           struct err *err)
{
    struct span key, value;
    size_t pos = 0;
    int rc = 0;

    while (rc == 0 && json_next(words, &pos, &key, &value)) {
        struct str word = { 0 };
        char *name = span_dup(key);

        json_text_to(&word, value);
        json_key_span(out, key);
        rc = put_typed(out, key, json_get(properties, name), str_span(&word), err);
        str_fini(&word);
        free(name);
    }
    return rc;
}

/* Those of from that neither of the others gives. */
static void put_rest(struct json_out *out, struct span from, struct span words,
                     struct span typed)
{
    struct span key, value;
    size_t pos = 0;

    while (json_next(from, &pos, &key, &value)) {
        char *name = span_dup(key);

        if (json_get(words, name).len == 0 && json_get(typed, name).len == 0) {
            json_key_span(out, key);
            json_raw_value(out, value);
        }
        free(name);
    }
}

int params_merge(struct engine *engine, struct span info, struct span matched,
                 struct span args, struct span *params, struct err *err)
{
    struct span properties = json_get(json_get(info, "params"), "properties");
    struct span words = json_get(args, "params");
    struct span typed = json_get(args, "params_json");
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    json_open(&out, '{');
    int rc = put_typed_words(&out, properties, words, err);
    if (rc == 0) {
        put_rest(&out, typed, words, (struct span){ 0 });
        put_rest(&out, matched, words, typed);
        json_close(&out);
        *params = turn_keep(engine, str_span(&text));
    }
    str_fini(&text);
    return rc;
}
