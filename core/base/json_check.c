/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json_lex.h"

enum { FEW_KEYS = 64 };

/* One pass over the text. The keys of all open objects lie in one stack, the innermost
 * object's on top, so that duplicates are found by sorting a slice of it. */
struct check {
    const char *text;
    const char *pos;
    const char *end;
    int depth;
    int members;
    bool is_canonical; /* so far */
    struct span *keys;
    size_t key_count;
    size_t key_cap;
    struct span few_keys[FEW_KEYS]; /* keys points here until more are needed */
    struct err *err;
};

static int check_value(struct check *check);

/* Sets the error with the line and column of at, counted in characters from 1. */
static int fail_at(struct check *check, int code, const char *at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static int fail_at(struct check *check, int code, const char *at, const char *fmt, ...)
{
    char why[256];
    long line = 1, column = 1;
    va_list args;

    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    for (const char *c = check->text; c < at; c++) {
        if (*c == '\n') {
            line++;
            column = 1;
        } else if ((*c & 0xc0) != 0x80) {
            column++;
        }
    }
    return err_set(check->err, code, "line %ld, column %ld: %s", line, column, why);
}

/* The usual complaint: something else was wanted here. */
static int want(struct check *check, const char *what)
{
    const char *at = check->pos;

    if (at == check->end)
        return fail_at(check, ERR_INVALID, at, "want %s, got the end of the text", what);
    if (*at > ' ' && *at <= '~')
        return fail_at(check, ERR_INVALID, at, "want %s, got '%c'", what, *at);
    if (check->end - at >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
        return fail_at(check, ERR_INVALID, at, "want %s, got a byte order mark", what);
    return fail_at(check, ERR_INVALID, at, "want %s, got byte 0x%02x", what,
                   (unsigned)(unsigned char)*at);
}

static void skip_space(struct check *check)
{
    const char *pos = json_lex_space(check->pos, check->end);

    if (pos != check->pos)
        check->is_canonical = false;
    check->pos = pos;
}

static bool take(struct check *check, char c)
{
    if (check->pos == check->end || *check->pos != c)
        return false;
    check->pos++;
    return true;
}

/* -- Strings -------------------------------------------------------------------------- */

/* pos is at the backslash of \uXXXX. */
static int check_unit(struct check *check)
{
    const char *at = check->pos;
    int unit = json_lex_hex4(at + 2, check->end);

    if (unit < 0)
        return fail_at(check, ERR_INVALID, at, "want four hex digits after \\u");
    if (unit == 0)
        return fail_at(check, ERR_INVALID, at, "\\u0000 is not allowed in text");
    check->pos += 6;
    bool is_short =
        unit == '\b' || unit == '\f' || unit == '\n' || unit == '\r' || unit == '\t';
    bool has_upper = (at[5] >= 'A' && at[5] <= 'F');
    if (unit >= 0x20 || is_short || has_upper)
        check->is_canonical = false;
    if (unit < 0xd800 || unit > 0xdfff)
        return 0;
    if (unit <= 0xdbff && check->end - check->pos >= 6 && check->pos[0] == '\\' &&
        check->pos[1] == 'u') {
        int low = json_lex_hex4(check->pos + 2, check->end);
        if (low >= 0xdc00 && low <= 0xdfff) {
            check->pos += 6;
            return 0;
        }
    }
    return fail_at(check, ERR_INVALID, at,
                   "half a surrogate pair, want \\ud800-\\udbff and then \\udc00-\\udfff");
}

static int check_escape(struct check *check)
{
    char c = check->end - check->pos >= 2 ? check->pos[1] : 0;

    switch (c) {
    case 'u': return check_unit(check);
    case '/': check->is_canonical = false; break;
    case '"':
    case '\\':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't': break;
    default:
        return fail_at(check, ERR_INVALID, check->pos,
                       "want one of \" \\ / b f n r t u after a backslash");
    }
    check->pos += 2;
    return 0;
}

/* pos is at the opening quote; on success behind the closing one. */
static int check_string(struct check *check)
{
    const char *start = check->pos++;

    while ((check->pos = json_lex_plain_end(check->pos, check->end)) < check->end) {
        unsigned char c = (unsigned char)*check->pos;
        if (c == '"') {
            check->pos++;
            return 0;
        }
        if (c == '\\') {
            if (check_escape(check) != 0)
                return check->err->code;
        } else if (c < 0x20) {
            return fail_at(check, ERR_INVALID, check->pos,
                           "want \\u%04x for the control character in a string",
                           (unsigned)c);
        } else {
            size_t len = json_lex_utf8(check->pos, check->end);
            if (len == 0)
                return fail_at(check, ERR_INVALID, check->pos,
                               "want UTF-8 in a string, got byte 0x%02x", (unsigned)c);
            check->pos += len;
        }
    }
    return fail_at(check, ERR_INVALID, start, "the string that begins here has no end");
}

/* -- Numbers -------------------------------------------------------------------------- */

static size_t skip_digits(struct check *check)
{
    const char *start = check->pos;

    while (check->pos < check->end && *check->pos >= '0' && *check->pos <= '9')
        check->pos++;
    return (size_t)(check->pos - start);
}

static int refuse_integer(struct check *check, const char *start)
{
    return fail_at(
        check, ERR_INVALID, start,
        "integers go to 2^53 (9007199254740992), write a larger one as a string");
}

static int check_whole(struct check *check, const char *start)
{
    const char *digits = *start == '-' ? start + 1 : start;
    long long value = 0;

    if (check->pos - digits > 16)
        return refuse_integer(check, start);
    for (const char *c = digits; c < check->pos; c++)
        value = value * 10 + (*c - '0');
    if (value > JSON_LEX_INT_MAX)
        return refuse_integer(check, start);
    if (value == 0 && *start == '-')
        check->is_canonical = false;
    return 0;
}

static int check_real(struct check *check, const char *start)
{
    struct span text = { start, (size_t)(check->pos - start) };
    char shortest[JSON_LEX_NUMBER_CAP];

    if (text.len > JSON_NUMBER_MAX)
        return fail_at(check, ERR_TOO_BIG, start, "a number has at most %d bytes",
                       JSON_NUMBER_MAX);
    double value = json_lex_double(text);
    if (!isfinite(value))
        return fail_at(check, ERR_INVALID, start, "the number is beyond 1.797e308");
    if (fabs(value) >= JSON_LEX_INT_MAX && fabs(value) < 1e21)
        return refuse_integer(check, start);
    if (check->is_canonical)
        check->is_canonical = span_is(text, json_lex_number(value, shortest));
    return 0;
}

static int check_number(struct check *check)
{
    const char *start = check->pos;
    bool is_whole = true;

    take(check, '-');
    bool has_zero = take(check, '0');
    if (!has_zero && skip_digits(check) == 0)
        return want(check, "a digit");
    if (has_zero && check->pos < check->end && *check->pos >= '0' && *check->pos <= '9')
        return fail_at(check, ERR_INVALID, start, "a number has no leading zeros");
    if (take(check, '.')) {
        is_whole = false;
        if (skip_digits(check) == 0)
            return want(check, "a digit after the point");
    }
    if (take(check, 'e') || take(check, 'E')) {
        is_whole = false;
        if (!take(check, '+'))
            take(check, '-');
        if (skip_digits(check) == 0)
            return want(check, "a digit in the exponent");
    }
    return is_whole ? check_whole(check, start) : check_real(check, start);
}

/* -- Objects and arrays --------------------------------------------------------------- */

static int order_keys(const void *a, const void *b)
{
    return json_lex_order(*(const struct span *)a, *(const struct span *)b);
}

static int find_duplicate(struct check *check, size_t first)
{
    struct span *keys = check->keys + first;
    size_t count = check->key_count - first;

    qsort(keys, count, sizeof *keys, order_keys);
    for (size_t i = 1; i < count; i++) {
        if (json_lex_order(keys[i - 1], keys[i]) != 0)
            continue;
        struct str shown = { 0 };
        struct span later = keys[i - 1].ptr > keys[i].ptr ? keys[i - 1] : keys[i];
        struct span quoted = { later.ptr - 1, later.len + 2 };
        json_lex_show(&shown, quoted);
        fail_at(check, ERR_INVALID, quoted.ptr, "member %.100s is there twice",
                str_text(&shown));
        str_fini(&shown);
        return check->err->code;
    }
    return 0;
}

static void push_key(struct check *check, struct span key)
{
    if (check->key_count == check->key_cap) {
        struct span *few = check->keys == check->few_keys ? check->few_keys : NULL;
        check->key_cap *= 4;
        check->keys =
            xrealloc(few ? NULL : check->keys, check->key_cap * sizeof *check->keys);
        if (few)
            memcpy(check->keys, few, sizeof check->few_keys);
    }
    check->keys[check->key_count++] = key;
}

/* Checks `"key":` and pushes the key; clears *is_sorted when it is not above the last. */
static int check_key(struct check *check, size_t first, bool *is_sorted)
{
    const char *start = check->pos;

    if (check->pos == check->end || *check->pos != '"')
        return want(check, check->key_count == first ? "a member name in quotes or '}'"
                                                     : "a member name in quotes");
    if (++check->members > JSON_KEYS_MAX)
        return fail_at(check, ERR_TOO_BIG, start,
                       "at most %d members are allowed (JSON_KEYS_MAX)", JSON_KEYS_MAX);
    if (check_string(check) != 0)
        return check->err->code;
    struct span key = { start + 1, (size_t)(check->pos - start - 2) };
    if (check->key_count > first &&
        json_lex_order(check->keys[check->key_count - 1], key) >= 0)
        *is_sorted = false;
    push_key(check, key);
    skip_space(check);
    return take(check, ':') ? 0 : want(check, "':' after the member name");
}

static int check_members(struct check *check)
{
    size_t first = check->key_count;
    bool is_sorted = true;

    check->pos++;
    skip_space(check);
    if (take(check, '}'))
        return 0;
    for (;;) {
        if (check_key(check, first, &is_sorted) != 0 || check_value(check) != 0)
            return check->err->code;
        if (take(check, '}'))
            break;
        if (!take(check, ','))
            return want(check, "',' or '}' after a member");
        skip_space(check);
    }
    if (!is_sorted) {
        check->is_canonical = false;
        if (find_duplicate(check, first) != 0)
            return check->err->code;
    }
    check->key_count = first;
    return 0;
}

static int check_items(struct check *check)
{
    check->pos++;
    skip_space(check);
    if (take(check, ']'))
        return 0;
    for (;;) {
        if (check_value(check) != 0)
            return check->err->code;
        if (take(check, ']'))
            return 0;
        if (!take(check, ','))
            return want(check, "',' or ']' after an item");
    }
}

static int check_container(struct check *check)
{
    if (check->depth == JSON_DEPTH_MAX)
        return fail_at(check, ERR_TOO_BIG, check->pos,
                       "objects and arrays may be at most %d deep (JSON_DEPTH_MAX)",
                       JSON_DEPTH_MAX);
    check->depth++;
    int code = *check->pos == '{' ? check_members(check) : check_items(check);
    check->depth--;
    return code;
}

static int check_word(struct check *check, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(check->end - check->pos) < len || memcmp(check->pos, word, len) != 0)
        return want(check, "a value");
    check->pos += len;
    return 0;
}

/* A value with the white space around it. */
static int check_value(struct check *check)
{
    int code;

    skip_space(check);
    if (check->pos == check->end)
        return want(check, "a value");
    switch (*check->pos) {
    case '{':
    case '[': code = check_container(check); break;
    case '"': code = check_string(check); break;
    case 't': code = check_word(check, "true"); break;
    case 'f': code = check_word(check, "false"); break;
    case 'n': code = check_word(check, "null"); break;
    default:
        if (*check->pos != '-' && (*check->pos < '0' || *check->pos > '9'))
            return want(check, "a value");
        code = check_number(check);
    }
    if (code == 0)
        skip_space(check);
    return code;
}

int json_lex_check(const char *text, size_t len, size_t len_max, bool *is_canonical,
                   struct err *err)
{
    struct check check = { .text = text,
                           .pos = text,
                           .end = json_lex_end((struct span){ text, len }),
                           .is_canonical = is_canonical != NULL,
                           .key_cap = FEW_KEYS,
                           .err = err };

    if (len_max > JSON_LEN_MAX)
        len_max = JSON_LEN_MAX;
    if (len > len_max)
        return err_set(err, ERR_TOO_BIG, "JSON text has %zu bytes, at most %zu are taken",
                       len, len_max);
    check.keys = check.few_keys;
    int code = check_value(&check);
    if (code == 0 && check.pos != check.end)
        code = want(&check, "nothing after the value");
    if (check.keys != check.few_keys)
        free(check.keys);
    if (code == 0 && is_canonical)
        *is_canonical = check.is_canonical;
    return code;
}

int json_check(const char *text, size_t len, size_t len_max, struct err *err)
{
    return json_lex_check(text, len, len_max, NULL, err);
}
