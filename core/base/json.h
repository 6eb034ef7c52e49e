/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/json.h - JSON from strangers, JSON for hashing, JSON for reading, JSON for writing.
 *
 * Four tools, in the order in which bytes meet them:
 *
 *   json_check      the strict validator: nothing else may look at foreign bytes first.
 *   json_canonical  RFC 8785 (JCS): sorted keys, no spaces, shortest numbers. Whatever is
 *                   hashed, journaled or sent between processes is in this form.
 *   json_get ...    reading by walking checked bytes: no tree, no allocation.
 *   struct json_out writing, with the commas and the escapes right.
 *
 * Numbers: an integer beyond +-2^53 is refused, not rounded. That holds for 1e18 too, whose
 * canonical form is an integer; from 1e21 on the canonical form has an exponent and passes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;

enum {
    JSON_DEPTH_MAX = 32,
    JSON_KEYS_MAX = 1000 * 1000,    /* members of all objects together */
    JSON_NUMBER_MAX = 128,          /* bytes of one number */
    JSON_LEN_MAX = 16 * 1024 * 1024 /* bytes; callers give smaller ones for foreign input */
};

/* Accepts exactly one RFC 8259 value and nothing after it but white space: UTF-8 without
 * NUL (raw or \u0000) and without lone surrogates, no duplicate keys (compared after
 * unescaping), depth at most JSON_DEPTH_MAX, numbers in the grammar and finite. The error
 * names line, column and what would be right. */
int json_check(const char *text, size_t len, size_t len_max, struct err *err);

/* Checks, then adds the canonical form of text to out (nothing on failure). */
int json_canonical(struct str *out, const char *text, size_t len, struct err *err);

/* -- Reading: every span below must hold checked JSON. ------------------------------- */

enum json_kind {
    JSON_NONE, /* the empty span: absent */
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

enum json_kind json_kind(struct span value);
/* The member's value, or the empty span. Keys are compared exactly, case included; key is
 * plain text (the unescaped form). Chain freely: json_get of an empty span is empty. */
struct span json_get(struct span object, const char *key);
/* The member at a path of keys, "gate.need". */
struct span json_path(struct span object, const char *path);
/* Walks an array or object: start with *pos = 0, true while there is another. key may be
 * NULL; for objects it is the raw text between the quotes. */
bool json_next(struct span container, size_t *pos, struct span *key, struct span *value);
size_t json_count(struct span container);

/* The raw bytes between the quotes: cheap; right for text that is known to hold no
 * escapes (ids, hashes, action names). Empty for anything but a string. */
struct span json_raw(struct span value);
/* Unescaped text, heap, NUL behind it, free(); NULL when value is not a string. */
char *json_text(struct span value);
/* Adds the unescaped text. */
void json_text_to(struct str *out, struct span value);
int64_t json_int(struct span value, int64_t otherwise);
double json_double(struct span value, double otherwise);
bool json_bool(struct span value, bool otherwise);
/* Same as json_get + the above. */
struct span json_get_raw(struct span object, const char *key);
char *json_get_text(struct span object, const char *key);
int64_t json_get_int(struct span object, const char *key, int64_t otherwise);
bool json_get_bool(struct span object, const char *key, bool otherwise);
/* All members of an object, walked once: for who asks for many of them. Borrowed. */
enum { JSON_FIELDS_MAX = 40 }; /* what lies behind them is looked for in the text */
struct json_fields {
    struct span object;
    size_t rest; /* where the text goes on behind the last one; 0: nothing is left */
    int count;
    struct {
        struct span key, value;
    } items[JSON_FIELDS_MAX];
};
void json_fields(struct json_fields *fields, struct span object);
struct span json_field(const struct json_fields *fields, const char *key); /* as json_get */

/* True when both canonical texts are the same bytes. */
bool json_same(struct span a, struct span b);
/* Has value everything that wanted has? Objects may have more members, lists must be the
 * same item by item. An empty list in wanted stands for an empty object too. Both hold
 * canonical text. */
bool json_has(struct span value, struct span wanted);

/* -- Writing -------------------------------------------------------------------------- */

/* Appends to *str. Members come out in the order written, so for canonical output write
 * keys sorted, or run json_canonical over the result. A zeroed one with str set is ready:
 *
 *     struct json_out out = { .str = &text };
 *     json_open(&out, '{');
 *     json_key(&out, "action"); json_string(&out, "azure.appservice.stop");
 *     json_put_int(&out, "n", 3);
 *     json_close(&out);
 */
struct json_out {
    struct str *str;
    int depth;
    bool is_object[JSON_DEPTH_MAX + 8];
    bool has_items[JSON_DEPTH_MAX + 8];
    bool key_written;
};

void json_open(struct json_out *out, char bracket); /* '{' or '[' */
void json_close(struct json_out *out);
void json_key(struct json_out *out, const char *key);
void json_key_span(struct json_out *out, struct span key); /* unescaped text */
void json_string(struct json_out *out, const char *text);
void json_string_span(struct json_out *out, struct span text);
void json_integer(struct json_out *out, int64_t value);
void json_number(struct json_out *out, double value); /* JCS form; must be finite */
void json_boolean(struct json_out *out, bool value);
void json_null(struct json_out *out);
/* A whole JSON value as it is; the empty span writes null. */
void json_raw_value(struct json_out *out, struct span value);

void json_put(struct json_out *out, const char *key, const char *text); /* NULL: null */
void json_put_span(struct json_out *out, const char *key, struct span text);
void json_put_int(struct json_out *out, const char *key, int64_t value);
void json_put_bool(struct json_out *out, const char *key, bool value);
void json_put_raw(struct json_out *out, const char *key, struct span value);

/* Adds value indented by two spaces a level, for people. Strings are shown with control,
 * bidirectional and zero-width characters escaped. */
void json_pretty(struct str *out, struct span value, int indent);

/* Adds the RFC 7396 style difference of two checked values as lines "path: before -> after"
 * to out, one a line, each begun with prefix; members only one side has show "absent".
 * Returns how many lines. */
int json_diff(struct str *out, struct span before, struct span after, const char *prefix);
