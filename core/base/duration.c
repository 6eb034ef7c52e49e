/* SPDX-License-Identifier: Apache-2.0 */
/* The lengths of time of base/str.h. */
#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>

enum { SHOW_MAX = 32, UNIT_COUNT = 5, FRACTION_MAX = 9 };

static const int64_t duration_max_ms = INT64_C(3650) * 24 * 60 * 60 * 1000;

static const struct unit {
    const char *name;
    int64_t ms;
} units[UNIT_COUNT] = {
    { "d", INT64_C(24) * 60 * 60 * 1000 },
    { "h", INT64_C(60) * 60 * 1000 },
    { "m", INT64_C(60) * 1000 },
    { "s", 1000 },
    { "ms", 1 },
};

/* Index of the unit named by all of word; UNIT_COUNT when there is none. */
static size_t unit_find(struct span word)
{
    size_t i = 0;

    while (i < UNIT_COUNT && !span_is(word, units[i].name))
        i++;
    return i;
}

static size_t count_digits(struct span text)
{
    size_t n = 0;

    while (n < text.len && text.ptr[n] >= '0' && text.ptr[n] <= '9')
        n++;
    return n;
}

/* The digits behind a point, as a part of unit_ms; false when it is no whole number of
 * milliseconds. */
static bool take_fraction(struct span digits, int64_t unit_ms, int64_t *ms)
{
    int64_t count, scale = 1;

    if (digits.len == 0 || digits.len > FRACTION_MAX || !span_int(digits, &count))
        return false;
    for (size_t i = 0; i < digits.len; i++)
        scale *= 10;
    *ms = count * unit_ms / scale; /* below 10^9 of a day: no overflow */
    return *ms * scale == count * unit_ms;
}

/* "30" or "1.5" in units of unit_ms, added to *sum. */
static bool add_count(struct span number, int64_t unit_ms, int64_t *sum)
{
    size_t whole = count_digits(number);
    int64_t count, ms, part = 0;

    if (whole == 0 || !span_int((struct span){ number.ptr, whole }, &count))
        return false;
    if (whole < number.len &&
        !take_fraction((struct span){ number.ptr + whole + 1, number.len - whole - 1 },
                       unit_ms, &part))
        return false;
    return !__builtin_mul_overflow(count, unit_ms, &ms) &&
           !__builtin_add_overflow(ms, part, &ms) &&
           !__builtin_add_overflow(*sum, ms, sum) && *sum <= duration_max_ms;
}

/* How long the number at the front is, with a point and what is behind it. */
static size_t number_len(struct span text)
{
    size_t len = count_digits(text);

    if (len < text.len && text.ptr[len] == '.')
        len += 1 + count_digits((struct span){ text.ptr + len + 1, text.len - len - 1 });
    return len;
}

/* Takes "30m" off the front of *text and adds it to *sum. Units get smaller from part to
 * part: *next is the largest that is still allowed. */
static bool take_part(struct span *text, size_t *next, int64_t *sum)
{
    size_t digits = number_len(*text);
    struct span rest = { text->ptr + digits, text->len - digits };
    size_t letters = 0;

    while (letters < rest.len && (rest.ptr[letters] < '0' || rest.ptr[letters] > '9'))
        letters++;
    size_t unit = unit_find((struct span){ rest.ptr, letters });
    if (unit == UNIT_COUNT || unit < *next ||
        !add_count((struct span){ text->ptr, digits }, units[unit].ms, sum))
        return false;
    *next = unit + 1;
    *text = (struct span){ rest.ptr + letters, rest.len - letters };
    return true;
}

bool duration_parse(struct span text, int64_t *ms)
{
    size_t next = 0;
    int64_t sum = 0;

    if (text.len == 0)
        return false;
    if (number_len(text) == text.len) {
        if (!add_count(text, 1000, &sum))
            return false;
        text.len = 0;
    }
    while (text.len > 0)
        if (!take_part(&text, &next, &sum))
            return false;
    *ms = sum;
    return true;
}

bool duration_positive(struct span text, int64_t *ms)
{
    int64_t read;

    if (!duration_parse(text, &read) || read == 0)
        return false;
    *ms = read;
    return true;
}

/* The largest unit that fits, and the next smaller one when something of it is left. */
char *duration_show(int64_t ms, char *buf)
{
    uint64_t rest = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    const char *sign = ms < 0 ? "-" : "";
    size_t i = 0;

    while (i < UNIT_COUNT - 1 && rest < (uint64_t)units[i].ms)
        i++;
    uint64_t count = rest / (uint64_t)units[i].ms;
    rest %= (uint64_t)units[i].ms;
    uint64_t minor = i + 1 < UNIT_COUNT ? rest / (uint64_t)units[i + 1].ms : 0;
    if (minor > 0)
        snprintf(buf, SHOW_MAX, "%s%" PRIu64 "%s %" PRIu64 "%s", sign, count, units[i].name,
                 minor, units[i + 1].name);
    else
        snprintf(buf, SHOW_MAX, "%s%" PRIu64 "%s", sign, count, units[i].name);
    return buf;
}
