/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/json_lex.h - the letters of JSON: white space, strings, characters, numbers.
 *
 * Shared by the json_*.c files and by nobody else. Nothing here reads at or beyond end,
 * whatever the bytes are; results mean something only for checked JSON. "Raw" is the text
 * between the quotes with its escapes as they stand.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

struct err;

enum { JSON_LEX_NUMBER_CAP = 64 };

/* 2^53: up to here every integer is a double of its own. */
#define JSON_LEX_INT_MAX 9007199254740992

/* Behind the span; also for the empty one without a pointer, which must not be moved. */
static inline const char *json_lex_end(struct span span)
{
    return span.len ? span.ptr + span.len : span.ptr;
}

static inline const char *json_lex_space(const char *pos, const char *end)
{
    while (pos < end && (*pos == ' ' || *pos == '\n' || *pos == '\r' || *pos == '\t'))
        pos++;
    return pos;
}

/* Over ASCII that stands in a string as it is; at most to end. */
const char *json_lex_plain_end(const char *pos, const char *end);
/* From behind the opening quote to the closing one, or end when there is none. */
const char *json_lex_string_end(const char *pos, const char *end);
/* How many bytes the UTF-8 character at pos has; 0 when it is not valid. */
size_t json_lex_utf8(const char *pos, const char *end);
/* The value of four hex digits, or -1. */
int json_lex_hex4(const char *pos, const char *end);
/* The next character of raw text, escapes decoded; moves *pos, which must be before end. */
uint32_t json_lex_char(const char **pos, const char *end);
/* Below, at or above 0: the order of two raw keys by the UTF-16 units of their text, which
 * is the order of RFC 8785. 0 exactly when the text is the same. */
int json_lex_order(struct span a, struct span b);
/* As json_lex_order for plain text: is the text of raw the same? */
bool json_lex_is(struct span raw, struct span plain);

/* Adds one character as UTF-8. */
void json_lex_add_utf8(struct str *out, uint32_t character);
/* Adds one character as it stands in a canonical string. */
void json_lex_add_char(struct str *out, uint32_t character);
/* Adds the canonical string, quotes included, for raw text. */
void json_lex_add_raw(struct str *out, struct span raw);

/* The shortest decimal that reads back as value, laid out as ECMAScript does; value is
 * finite. Returns buf, which has JSON_LEX_NUMBER_CAP bytes. */
char *json_lex_number(double value, char *buf);
/* The number that text is, by strtod; text is at most JSON_NUMBER_MAX long. */
double json_lex_double(struct span text);

/* json_check that also says whether the text is its own canonical form. */
int json_lex_check(const char *text, size_t len, size_t len_max, bool *is_canonical,
                   struct err *err);
/* The value without the white space around it. */
struct span json_lex_trim(struct span value);
/* Adds value on one line, with what nobody would see escaped. */
void json_lex_show(struct str *out, struct span value);
/* Adds a raw key as it stands in a path: names that a dot or a space could be mistaken in
 * are shown as JSON strings. */
void json_lex_show_name(struct str *out, struct span key);
