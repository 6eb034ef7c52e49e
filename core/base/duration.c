/* SPDX-License-Identifier: Apache-2.0 */
/* The lengths of time of base/str.h. */
#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>

enum { SHOW_MAX = 32, UNIT_COUNT = 5 };

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

/* Takes "30m" off the front of *text and adds it to *sum. Units get smaller from part to
 * part: *next is the largest that is still allowed. */
static bool take_part(struct span *text, size_t *next, int64_t *sum)
{
    size_t digits = count_digits(*text);
    struct span rest = { text->ptr + digits, text->len - digits };
    size_t letters = 0;
    int64_t count;

    while (letters < rest.len && (rest.ptr[letters] < '0' || rest.ptr[letters] > '9'))
        letters++;
    size_t unit = unit_find((struct span){ rest.ptr, letters });
    if (unit == UNIT_COUNT || unit < *next || digits == 0 ||
        !span_int((struct span){ text->ptr, digits }, &count))
        return false;

    int64_t ms;
    if (__builtin_mul_overflow(count, units[unit].ms, &ms) ||
        __builtin_add_overflow(*sum, ms, sum) || *sum > duration_max_ms)
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
    if (count_digits(text) == text.len) {
        if (!span_int(text, &sum) || sum > duration_max_ms / 1000)
            return false;
        *ms = sum * 1000;
        return true;
    }
    while (text.len > 0)
        if (!take_part(&text, &next, &sum))
            return false;
    *ms = sum;
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
