/* SPDX-License-Identifier: Apache-2.0 */
/* The borrowed half of base/str.h. */
#include "base/str.h"

#include <string.h>

#include "base/arena.h"

struct span span_of(const char *text)
{
    if (text == NULL)
        return (struct span){ 0 };
    return (struct span){ text, strlen(text) };
}

bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool span_is(struct span span, const char *text)
{
    return span_equal(span, span_of(text));
}

/* tolower() asks the locale; Azure does not. */
static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool span_equal_nocase(struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    return true;
}

bool span_starts(struct span span, const char *prefix)
{
    size_t len = strlen(prefix);

    return span.len >= len && (len == 0 || memcmp(span.ptr, prefix, len) == 0);
}

bool span_is_blank(struct span span)
{
    for (size_t i = 0; i < span.len; i++)
        if (strchr(" \t\r\n", span.ptr[i]) == NULL || span.ptr[i] == '\0')
            return false;
    return true;
}

/* Only the last star is ever given more bytes: what an earlier one could take differently,
 * the last one can take as well. */
bool span_glob(struct span span, const char *pattern)
{
    const char *star = NULL; /* behind the last star met */
    size_t star_end = 0;     /* how far that star reaches */
    size_t i = 0;

    while (i < span.len) {
        if (*pattern == '*') {
            star = ++pattern;
            star_end = i;
        } else if (*pattern != '\0' &&
                   (*pattern == '?' || lower(*pattern) == lower(span.ptr[i]))) {
            pattern++;
            i++;
        } else if (star != NULL) {
            pattern = star;
            i = ++star_end;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

char *span_dup(struct span span)
{
    char *copy = xmalloc(span.len + 1);

    if (span.len > 0)
        memcpy(copy, span.ptr, span.len);
    copy[span.len] = '\0';
    return copy;
}

/* Counts downwards, since there is one negative number more than there are positive ones. */
bool span_int(struct span span, int64_t *value)
{
    bool is_negative = span.len > 0 && span.ptr[0] == '-';
    size_t i = is_negative ? 1 : 0;
    int64_t sum = 0;

    if (i == span.len)
        return false;
    for (; i < span.len; i++) {
        char c = span.ptr[i];
        if (c < '0' || c > '9' || __builtin_mul_overflow(sum, (int64_t)10, &sum) ||
            __builtin_sub_overflow(sum, (int64_t)(c - '0'), &sum))
            return false;
    }
    if (!is_negative && __builtin_sub_overflow((int64_t)0, sum, &sum))
        return false;
    *value = sum;
    return true;
}
