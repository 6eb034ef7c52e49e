/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_mend.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/json_lex.h"

#define REPLACEMENT "\xef\xbf\xbd"

enum { TOKEN_MAX = 400, UTF16_MIN = 4, SHOWN_MAX = 70 };

/* A member of an object that is open; offsets into what was written. */
struct member {
    size_t start, key_end, end;
    const char *from; /* its name in what came in */
};

struct mend {
    const char *text, *pos, *end;
    struct str *out;
    struct json_mends *mends;
    struct err *err;
    const char *counted; /* line and column are of this place */
    long line, column;
    int depth, count;
    struct member *members; /* of all objects that are open, the innermost last */
    size_t member_count, member_cap;
};

static int mend_value(struct mend *mend);

/* -- Places ----------------------------------------------------------------------------- */

static void count_to(struct mend *mend, const char *at)
{
    if (at < mend->counted) {
        mend->counted = mend->text;
        mend->line = mend->column = 1;
    }
    for (; mend->counted < at; mend->counted++) {
        if (*mend->counted == '\n') {
            mend->line++;
            mend->column = 1;
        } else if ((*mend->counted & 0xc0) != 0x80) {
            mend->column++;
        }
    }
}

static int fail_at(struct mend *mend, int code, const char *at, const char *why)
{
    count_to(mend, at);
    return err_set(mend->err, code, "line %ld, column %ld: %s", mend->line, mend->column,
                   why);
}

static int want(struct mend *mend, const char *what)
{
    char why[160];

    if (mend->pos == mend->end)
        snprintf(why, sizeof why, "want %s, got the end of the text", what);
    else if (*mend->pos > ' ' && *mend->pos <= '~')
        snprintf(why, sizeof why, "want %s, got '%c'", what, *mend->pos);
    else
        snprintf(why, sizeof why, "want %s, got byte 0x%02x", what,
                 (unsigned)(unsigned char)*mend->pos);
    return fail_at(mend, ERR_INVALID, mend->pos, why);
}

static int mark(struct mend *mend, const char *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Only what is replaced makes the text longer, so the bound is looked at here. */
static int mark(struct mend *mend, const char *at, const char *fmt, ...)
{
    va_list args;

    if (mend->out->len > JSON_MEND_LEN_MAX)
        return fail_at(mend, ERR_TOO_BIG, at,
                       "so much is replaced that the text becomes longer than 6 MiB");
    if (mend->mends->count++ >= JSON_MENDS_MAX)
        return 0;
    struct json_mend *item = &mend->mends->items[mend->mends->count - 1];
    count_to(mend, at);
    item->at = mend->out->len;
    item->line = mend->line;
    item->column = mend->column;
    va_start(args, fmt);
    vsnprintf(item->what, sizeof item->what, fmt, args);
    va_end(args);
    return 0;
}

/* -- Strings ---------------------------------------------------------------------------- */

/* pos is at a byte that begins no character. A run of them becomes one replacement. */
static int mend_bytes(struct mend *mend)
{
    const char *start = mend->pos;

    while (mend->pos < mend->end && (unsigned char)*mend->pos >= 0x80 &&
           json_lex_utf8(mend->pos, mend->end) == 0)
        mend->pos++;
    str_add_text(mend->out, REPLACEMENT);
    return mark(mend, start, "%zu byte%s (0x%02x%s): no UTF-8, replaced by U+FFFD",
                (size_t)(mend->pos - start), mend->pos - start == 1 ? "" : "s",
                (unsigned)(unsigned char)*start, mend->pos - start == 1 ? "" : " ...");
}

static int mend_control(struct mend *mend)
{
    unsigned char c = (unsigned char)*mend->pos++;

    if (c == 0) {
        str_add_text(mend->out, REPLACEMENT);
        return mark(mend, mend->pos - 1, "NUL is replaced by U+FFFD");
    }
    json_lex_add_char(mend->out, c);
    return mark(mend, mend->pos - 1, "control character 0x%02x is kept as an escape",
                (unsigned)c);
}

static bool is_pair(const struct mend *mend, int unit)
{
    const char *next = mend->pos + 6;
    int low;

    if (unit > 0xdbff || mend->end - next < 6 || next[0] != '\\' || next[1] != 'u')
        return false;
    low = json_lex_hex4(next + 2, mend->end);
    return low >= 0xdc00 && low <= 0xdfff;
}

static void keep(struct mend *mend, size_t len)
{
    str_add(mend->out, mend->pos, len);
    mend->pos += len;
}

static int keep_backslash(struct mend *mend)
{
    const char *at = mend->pos++;

    str_add_text(mend->out, "\\\\");
    return mark(mend, at, "a backslash that begins no escape is kept as a backslash");
}

/* pos is at \u. */
static int mend_unit(struct mend *mend)
{
    const char *at = mend->pos;
    int unit = json_lex_hex4(at + 2, mend->end);

    if (unit < 0)
        return keep_backslash(mend);
    if (unit != 0 && (unit < 0xd800 || unit > 0xdfff)) {
        keep(mend, 6);
        return 0;
    }
    if (unit != 0 && is_pair(mend, unit)) {
        keep(mend, 12);
        return 0;
    }
    str_add_text(mend->out, REPLACEMENT);
    mend->pos += 6;
    if (unit == 0)
        return mark(mend, at, "\\u0000 is replaced by U+FFFD");
    return mark(mend, at, "\\u%04x is half a surrogate pair, replaced by U+FFFD", unit);
}

static int mend_escape(struct mend *mend)
{
    char c = mend->end - mend->pos >= 2 ? mend->pos[1] : '\0';

    if (c == 'u')
        return mend_unit(mend);
    if (c == '\0' || strchr("\"\\/bfnrt", c) == NULL)
        return keep_backslash(mend);
    keep(mend, 2);
    return 0;
}

/* pos is at the opening quote; on success behind the closing one. */
static int mend_string(struct mend *mend)
{
    const char *start = mend->pos;
    int rc = 0;

    keep(mend, 1);
    while (rc == 0) {
        keep(mend, (size_t)(json_lex_plain_end(mend->pos, mend->end) - mend->pos));
        if (mend->pos == mend->end)
            return fail_at(mend, ERR_INVALID, start,
                           "the string that begins here has no end");
        unsigned char c = (unsigned char)*mend->pos;
        size_t len = json_lex_utf8(mend->pos, mend->end);
        if (c == '"') {
            keep(mend, 1);
            return 0;
        }
        if (c == '\\')
            rc = mend_escape(mend);
        else if (c < 0x20)
            rc = mend_control(mend);
        else if (len == 0)
            rc = mend_bytes(mend);
        else
            keep(mend, len);
    }
    return rc;
}

/* -- Numbers and words ------------------------------------------------------------------- */

static bool is_token(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           c == '+' || c == '-' || c == '.' || c == '_';
}

/* A number for somebody, though not for JSON: 18446744073709551615, 007, NaN. */
static bool is_numeric(struct span token)
{
    return (token.ptr[0] >= '0' && token.ptr[0] <= '9') || token.ptr[0] == '+' ||
           token.ptr[0] == '-' || token.ptr[0] == '.' || span_is(token, "NaN") ||
           span_is(token, "Infinity");
}

static int mend_token(struct mend *mend)
{
    const char *start = mend->pos, *end = start;
    struct err ignored;

    while (end < mend->end && is_token(*end))
        end++;
    struct span token = { start, (size_t)(end - start) };
    if (token.len > 0 && json_check(token.ptr, token.len, token.len, &ignored) == 0) {
        keep(mend, token.len);
        return 0;
    }
    if (token.len == 0 || token.len > TOKEN_MAX || !is_numeric(token))
        return want(mend, "a value");
    str_add_char(mend->out, '"');
    keep(mend, token.len);
    str_add_char(mend->out, '"');
    return mark(mend, start, "%.*s is no number of JSON, kept as text",
                (int)(token.len < 40 ? token.len : 40), token.ptr);
}

/* -- Objects and arrays ------------------------------------------------------------------ */

static int skip_space(struct mend *mend)
{
    for (;;) {
        mend->pos = json_lex_space(mend->pos, mend->end);
        if (mend->pos == mend->end || *mend->pos != '\0')
            return 0;
        const char *at = mend->pos;
        while (mend->pos < mend->end && *mend->pos == '\0')
            mend->pos++;
        if (mark(mend, at, "NUL outside of a string is left out") != 0)
            return mend->err->code;
    }
}

static bool take(struct mend *mend, char c)
{
    if (mend->pos == mend->end || *mend->pos != c)
        return false;
    keep(mend, 1);
    return true;
}

static int push_member(struct mend *mend)
{
    if (++mend->count > JSON_MEND_MEMBERS_MAX)
        return fail_at(mend, ERR_TOO_BIG, mend->pos, "at most 300000 members are taken");
    if (mend->member_count == mend->member_cap) {
        mend->member_cap = mend->member_cap == 0 ? 64 : mend->member_cap * 2;
        mend->members = xrealloc(mend->members, mend->member_cap * sizeof *mend->members);
    }
    mend->members[mend->member_count++] =
        (struct member){ .start = mend->out->len, .from = mend->pos };
    return 0;
}

struct named {
    struct span key;
    size_t i;
};

static int order_named(const void *a, const void *b)
{
    const struct named *one = a, *other = b;
    int order = json_lex_order(one->key, other->key);

    return order != 0 ? order : one->i < other->i ? -1 : 1;
}

/* Between characters, so that the sentence stays UTF-8. */
static void shorten(struct str *shown)
{
    size_t len = shown->len;

    if (len <= SHOWN_MAX)
        return;
    for (len = SHOWN_MAX; len > 0 && (shown->ptr[len] & 0xc0) == 0x80;)
        len--;
    shown->ptr[len] = '\0';
    shown->len = len;
}

static int mark_twice(struct mend *mend, const struct member *member)
{
    const char *key = mend->out->ptr + member->start;
    struct str shown = { 0 };

    json_lex_show(&shown, (struct span){ key, member->key_end - member->start });
    shorten(&shown);
    int rc = mark(mend, member->from, "member %s is there again: the last one is kept",
                  str_text(&shown));
    str_fini(&shown);
    /* What is behind it moves to the front: its own place stays inside the object. */
    if (mend->mends->count <= JSON_MENDS_MAX)
        mend->mends->items[mend->mends->count - 1].at = member->start;
    return rc;
}

/* Members that a later one replaces get the length 0. */
static int find_twice(struct mend *mend, size_t first, bool *has_any)
{
    size_t count = mend->member_count - first;
    struct named *named = xmalloc((count + 1) * sizeof *named);
    int rc = 0;

    for (size_t i = 0; i < count; i++) {
        const struct member *member = &mend->members[first + i];
        named[i].key = (struct span){ mend->out->ptr + member->start + 1,
                                      member->key_end - member->start - 2 };
        named[i].i = first + i;
    }
    qsort(named, count, sizeof *named, order_named);
    for (size_t i = 1; i < count && rc == 0; i++) {
        if (json_lex_order(named[i - 1].key, named[i].key) != 0)
            continue;
        *has_any = true;
        rc = mark_twice(mend, &mend->members[named[i - 1].i]);
        mend->members[named[i - 1].i].end = mend->members[named[i - 1].i].start;
    }
    free(named);
    return rc;
}

/* Closes the gaps of members that are dropped. opened is behind the '{'. */
static void close_up(struct mend *mend, size_t first, size_t opened)
{
    char *text = mend->out->ptr;
    size_t to = opened;

    for (size_t i = first; i < mend->member_count; i++) {
        const struct member *member = &mend->members[i];
        if (member->end == member->start)
            continue;
        if (to > opened)
            text[to++] = ',';
        memmove(text + to, text + member->start, member->end - member->start);
        to += member->end - member->start;
    }
    text[to++] = '}';
    text[to] = '\0';
    mend->out->len = to;
}

static int mend_member(struct mend *mend)
{
    size_t i = mend->member_count;

    if (mend->pos == mend->end || *mend->pos != '"')
        return want(mend, "a member name in quotes");
    if (push_member(mend) != 0 || mend_string(mend) != 0)
        return mend->err->code;
    mend->members[i].key_end = mend->out->len;
    if (skip_space(mend) != 0)
        return mend->err->code;
    if (!take(mend, ':'))
        return want(mend, "':' after the member name");
    if (mend_value(mend) != 0)
        return mend->err->code;
    mend->members[i].end = mend->out->len;
    return 0;
}

static int mend_members(struct mend *mend)
{
    size_t first = mend->member_count, opened;
    bool has_twice = false;

    keep(mend, 1);
    opened = mend->out->len;
    if (skip_space(mend) != 0)
        return mend->err->code;
    if (take(mend, '}'))
        return 0;
    for (;;) {
        if (mend_member(mend) != 0)
            return mend->err->code;
        if (take(mend, '}'))
            break;
        if (!take(mend, ','))
            return want(mend, "',' or '}' after a member");
        if (skip_space(mend) != 0)
            return mend->err->code;
    }
    if (find_twice(mend, first, &has_twice) != 0)
        return mend->err->code;
    if (has_twice)
        close_up(mend, first, opened);
    mend->member_count = first;
    return 0;
}

static int mend_items(struct mend *mend)
{
    keep(mend, 1);
    if (skip_space(mend) != 0)
        return mend->err->code;
    if (take(mend, ']'))
        return 0;
    for (;;) {
        if (mend_value(mend) != 0)
            return mend->err->code;
        if (take(mend, ']'))
            return 0;
        if (!take(mend, ','))
            return want(mend, "',' or ']' after an item");
    }
}

/* Behind the bracket that closes the one at pos; NULL when there is none. */
static const char *container_end(const struct mend *mend)
{
    int depth = 0;

    for (const char *pos = mend->pos; pos < mend->end; pos++) {
        if (*pos == '"')
            pos = json_lex_string_end(pos + 1, mend->end);
        else if (*pos == '{' || *pos == '[')
            depth++;
        else if ((*pos == '}' || *pos == ']') && --depth == 0)
            return pos + 1;
    }
    return NULL;
}

static int mend_deep(struct mend *mend)
{
    const char *start = mend->pos, *end = container_end(mend);
    struct str text = { 0 };

    if (end == NULL)
        return fail_at(mend, ERR_INVALID, start,
                       "the bracket that opens here never closes");
    str_add_shown(&text, start, (size_t)(end - start));
    struct json_out json = { .str = mend->out };
    json_string_span(&json, str_span(&text));
    str_fini(&text);
    mend->pos = end;
    return mark(mend, start, "deeper than %d levels, kept as text", JSON_MEND_DEPTH_MAX);
}

static int mend_container(struct mend *mend)
{
    if (mend->depth == JSON_MEND_DEPTH_MAX)
        return mend_deep(mend);
    mend->depth++;
    int rc = *mend->pos == '{' ? mend_members(mend) : mend_items(mend);
    mend->depth--;
    return rc;
}

/* A value with the white space around it. */
static int mend_value(struct mend *mend)
{
    int rc = skip_space(mend);

    if (rc == 0 && mend->pos == mend->end)
        rc = want(mend, "a value");
    if (rc != 0)
        return rc;
    if (*mend->pos == '{' || *mend->pos == '[')
        rc = mend_container(mend);
    else if (*mend->pos == '"')
        rc = mend_string(mend);
    else
        rc = mend_token(mend);
    return rc == 0 ? skip_space(mend) : rc;
}

/* -- UTF-16 ------------------------------------------------------------------------------ */

/* 'l' little end first, 'b' big end first, 0 no UTF-16. JSON begins with ASCII. */
static char utf16_order(struct span bytes)
{
    if (bytes.len < UTF16_MIN)
        return 0;
    if (memcmp(bytes.ptr, "\xff\xfe", 2) == 0 ||
        (bytes.ptr[0] != '\0' && bytes.ptr[1] == '\0' && bytes.ptr[3] == '\0'))
        return 'l';
    if (memcmp(bytes.ptr, "\xfe\xff", 2) == 0 ||
        (bytes.ptr[0] == '\0' && bytes.ptr[1] != '\0' && bytes.ptr[2] == '\0'))
        return 'b';
    return 0;
}

static uint32_t utf16_unit(struct span bytes, size_t at, char order)
{
    const unsigned char *byte = (const unsigned char *)bytes.ptr + at;

    return order == 'l' ? byte[0] | (uint32_t)byte[1] << 8
                        : byte[1] | (uint32_t)byte[0] << 8;
}

/* A half of a pair becomes bytes that are no UTF-8, which the reader replaces and lists. */
static void utf16_read(struct str *out, struct span bytes, char order)
{
    for (size_t at = 0; at + 1 < bytes.len; at += 2) {
        uint32_t unit = utf16_unit(bytes, at, order);
        uint32_t low = at + 3 < bytes.len ? utf16_unit(bytes, at + 2, order) : 0;

        if (unit >= 0xd800 && unit <= 0xdbff && low >= 0xdc00 && low <= 0xdfff) {
            json_lex_add_utf8(out, 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
            at += 2;
        } else if (unit >= 0xd800 && unit <= 0xdfff) {
            str_add_char(out, '\xff');
        } else {
            json_lex_add_utf8(out, unit);
        }
    }
}

/* -- The whole ---------------------------------------------------------------------------- */

static int mend_all(struct mend *mend)
{
    int rc;

    while (mend->end - mend->pos >= 3 && memcmp(mend->pos, "\xef\xbb\xbf", 3) == 0)
        mend->text = mend->counted = mend->pos += 3;
    rc = mend_value(mend);
    if (rc == 0 && mend->pos != mend->end)
        rc = want(mend, "nothing after the value");
    return rc;
}

int json_mend(struct str *out, struct span bytes, struct json_mends *mends, struct err *err)
{
    size_t before = out->len;
    char order = utf16_order(bytes);
    struct str wide = { 0 };

    if (order != 0) {
        utf16_read(&wide, bytes, order);
        bytes = str_span(&wide);
    }
    struct mend mend = { .text = bytes.ptr,
                         .pos = bytes.ptr,
                         .end = json_lex_end(bytes),
                         .counted = bytes.ptr,
                         .line = 1,
                         .column = 1,
                         .out = out,
                         .mends = mends,
                         .err = err };
    mends->count = 0;
    int rc = mend_all(&mend);
    if (rc == 0)
        rc = json_check(out->ptr + before, out->len - before, JSON_LEN_MAX, err);
    if (rc != 0 && out->ptr != NULL) {
        out->len = before;
        out->ptr[before] = '\0';
    }
    free(mend.members);
    str_fini(&wide);
    return rc;
}

bool json_is_text(struct span bytes)
{
    const char *pos = bytes.ptr, *end = json_lex_end(bytes);

    while (pos < end) {
        size_t len = *pos == '\0' ? 0 : json_lex_utf8(pos, end);
        if (len == 0)
            return false;
        pos += len;
    }
    return true;
}
