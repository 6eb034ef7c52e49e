/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BASE64_LINE_BYTES = 57, /* 76 characters */
    WORD_BYTES = 42,        /* 68 characters with what stands around them, of 75 */
    PLAIN_HEADER_MAX = 60   /* longer ones are encoded, which folds them */
};

void text_add_bytes(struct text *text, const char *bytes, size_t len)
{
    if (text->len + len + 1 > text->cap) {
        text->cap = (text->len + len + 1) * 2;
        text->ptr = realloc(text->ptr, text->cap);
        if (text->ptr == NULL)
            abort();
    }
    memcpy(text->ptr + text->len, bytes, len);
    text->len += len;
    text->ptr[text->len] = '\0';
}

void text_add(struct text *text, const char *more)
{
    text_add_bytes(text, more, strlen(more));
}

void text_print(struct text *text, const char *fmt, ...)
{
    char line[1024];
    va_list args;

    va_start(args, fmt);
    int len = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (len > 0)
        text_add_bytes(text, line,
                       (size_t)len < sizeof line ? (size_t)len : sizeof line - 1);
}

void text_cut(struct text *text, size_t max)
{
    if (text->len <= max)
        return;
    while (max > 0 && ((unsigned char)text->ptr[max] & 0xc0) == 0x80)
        max--;
    text->len = max;
    text->ptr[max] = '\0';
}

void text_free(struct text *text)
{
    free(text->ptr);
    *text = (struct text){ 0 };
}

const char *text_of(const struct text *text)
{
    return text->ptr != NULL ? text->ptr : "";
}

/* -- characters ---------------------------------------------------------------------------- */

/* The bytes of the character at p; what is no UTF-8 counts as one byte. */
static size_t char_len(const char *p)
{
    unsigned char c = (unsigned char)*p;
    size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

    for (size_t i = 1; i < len; i++)
        if (((unsigned char)p[i] & 0xc0) != 0x80)
            return 1;
    return len;
}

static unsigned code_of(const char *p, size_t len)
{
    static const unsigned char masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    unsigned code = (unsigned char)*p & masks[len];

    for (size_t i = 1; i < len; i++)
        code = code << 6 | ((unsigned char)p[i] & 0x3f);
    return code;
}

static bool is_tricky(unsigned code)
{
    return code == 0xad || code == 0x61c || code == 0x180e || code == 0xfeff ||
           (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2060 && code <= 0x206f) || (code >= 0xe0000 && code <= 0xe007f) ||
           (code >= 0x80 && code < 0xa0);
}

/* Adds what still fits before end. False: it did not, and what was cut ends in "...". cut is
 * the last length behind which that has room. */
static bool add_within(struct text *text, const char *add, size_t len, size_t end,
                       size_t *cut)
{
    if (text->len + len > end) {
        text->len = *cut;
        text_add(text, "...");
        return false;
    }
    text_add_bytes(text, add, len);
    if (text->len + 3 <= end)
        *cut = text->len;
    return true;
}

void text_add_clean(struct text *text, const char *from, size_t max, bool lines)
{
    size_t end = text->len + max, cut = text->len, len;

    for (const char *p = from; *p != '\0'; p += len) {
        len = char_len(p);
        unsigned code = code_of(p, len);
        char shown[16];
        const char *add = p;
        size_t add_len = len;

        if (code == '\n' && lines) {
            add = "\n";
            add_len = 1;
        } else if (code < 0x20 || code == 0x7f) {
            add = " ";
            add_len = 1;
        } else if (is_tricky(code)) {
            add_len = (size_t)snprintf(shown, sizeof shown, "[U+%04X]", code);
            add = shown;
        }
        if (!add_within(text, add, add_len, end, &cut))
            return;
    }
}

/* At most max bytes; what is cut ends in "...", never within a character or a word. */
static void add_escaped(struct text *text, const char *from, const char *letters,
                        const char *const *words, size_t max)
{
    size_t end = text->len + max, cut = text->len, len;

    for (const char *p = from; *p != '\0'; p += len) {
        const char *letter = strchr(letters, *p);
        const char *add = letter != NULL ? words[letter - letters] : p;

        len = char_len(p);
        if (!add_within(text, add, letter != NULL ? strlen(add) : len, end, &cut))
            return;
    }
}

void text_add_html(struct text *text, const char *from)
{
    static const char *const words[] = {
        "&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "<br>"
    };

    add_escaped(text, from, "&<>\"'\n", words, SIZE_MAX - text->len);
}

void text_add_mrkdwn(struct text *text, const char *from, size_t max)
{
    static const char *const words[] = { "&amp;", "&lt;", "&gt;" };

    add_escaped(text, from, "&<>", words, max);
}

/* -- mail ---------------------------------------------------------------------------------- */

static void add_base64(struct text *text, const char *bytes, size_t len)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < len; i += 3) {
        unsigned n = (unsigned)(unsigned char)bytes[i] << 16;
        char out[4];

        if (i + 1 < len)
            n |= (unsigned)(unsigned char)bytes[i + 1] << 8;
        if (i + 2 < len)
            n |= (unsigned char)bytes[i + 2];
        out[0] = letters[n >> 18];
        out[1] = letters[n >> 12 & 63];
        out[2] = letters[n >> 6 & 63];
        out[3] = letters[n & 63];
        if (i + 2 >= len)
            out[3] = '=';
        if (i + 1 >= len)
            out[2] = '=';
        text_add_bytes(text, out, 4);
    }
}

void text_add_base64(struct text *text, const char *bytes, size_t len)
{
    for (size_t at = 0; at < len; at += BASE64_LINE_BYTES) {
        add_base64(text, bytes + at,
                   len - at < BASE64_LINE_BYTES ? len - at : BASE64_LINE_BYTES);
        text_add(text, "\r\n");
    }
}

static bool is_plain(const char *from)
{
    for (const char *p = from; *p != '\0'; p++)
        if (*p < ' ' || *p >= 0x7f)
            return false;
    return strlen(from) <= PLAIN_HEADER_MAX && strstr(from, "=?") == NULL;
}

void text_add_header(struct text *text, const char *from)
{
    size_t len;

    if (is_plain(from)) {
        text_add(text, from);
        return;
    }
    for (const char *p = from; *p != '\0'; p += len) {
        for (len = 0; p[len] != '\0' && len + char_len(p + len) <= WORD_BYTES;)
            len += char_len(p + len);
        text_add(text, p == from ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
        add_base64(text, p, len);
        text_add(text, "?=");
    }
}

void text_add_date(struct text *text, int64_t unix_ms)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    text_print(text, "%.3s, %02d %.3s %04d %02d:%02d:%02d +0000",
               &days[(size_t)3 * (unsigned)(tm.tm_wday % 7)], tm.tm_mday,
               &months[(size_t)3 * (unsigned)(tm.tm_mon % 12)], tm.tm_year + 1900,
               tm.tm_hour, tm.tm_min, tm.tm_sec);
}
