/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decimal form of a double, as ECMAScript writes it: of all decimals that read back as
 * the same double the one with the fewest digits, and of those the nearest.
 *
 * strtod and printf round correctly in glibc, so the nearest decimal of a given length is
 * printf's, and whether it reads back is strtod's to say. No locale is ever set in cordon,
 * so the decimal point is a point.
 */
#include "base/json_lex.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

/* A positive number: 0.DIGITS times ten to the power of point. */
struct decimal {
    char digits[20];
    int count;
    int point;
};

static bool reads_back(const struct decimal *decimal, double value)
{
    char text[40];

    snprintf(text, sizeof text, "0.%se%d", decimal->digits, decimal->point);
    return strtod(text, NULL) == value;
}

static bool try_nearest(struct decimal *decimal, double value, int count)
{
    char text[40];

    snprintf(text, sizeof text, "%.*e", count - 1, value);
    decimal->count = count;
    decimal->digits[0] = text[0];
    if (count > 1)
        memcpy(decimal->digits + 1, text + 2, (size_t)(count - 1));
    decimal->digits[count] = 0;
    decimal->point = (int)strtol(strchr(text, 'e') + 1, NULL, 10) + 1;
    return reads_back(decimal, value);
}

/* Below a power of two the doubles lie twice as close as above it. So the nearest decimal
 * may be below and read as the neighbour, while the next one up still reads as value. */
static bool try_next(struct decimal *decimal, double value)
{
    unsigned long long digits = strtoull(decimal->digits, NULL, 10) + 1;
    int count = snprintf(decimal->digits, sizeof decimal->digits, "%llu", digits);

    decimal->point += count - decimal->count;
    decimal->count = count;
    return reads_back(decimal, value);
}

static void find_shortest(struct decimal *decimal, double value)
{
    int exponent;
    bool is_power_of_two = frexp(value, &exponent) == 0.5;
    /* Every decimal of 15 digits that reads as a normal double is what printf makes of it
     * with 15 digits, so fewer need no try of their own. Below DBL_MIN doubles are coarser. */
    int count = value < DBL_MIN ? 1 : 15;

    for (; count < 17; count++) {
        if (try_nearest(decimal, value, count))
            break;
        if (is_power_of_two && count == 16 && try_next(decimal, value))
            break;
    }
    if (count == 17)
        try_nearest(decimal, value, count);
    while (decimal->count > 1 && decimal->digits[decimal->count - 1] == '0')
        decimal->digits[--decimal->count] = 0;
}

static void lay_out(const struct decimal *decimal, char *buf)
{
    const char *digits = decimal->digits;
    int count = decimal->count, point = decimal->point;
    size_t cap = JSON_LEX_NUMBER_CAP - 1;

    if (count <= point && point <= 21) {
        snprintf(buf, cap, "%s%.*s", digits, point - count, "000000000000000000000");
    } else if (point > 0 && point <= 21) {
        snprintf(buf, cap, "%.*s.%s", point, digits, digits + point);
    } else if (point > -6 && point <= 0) {
        snprintf(buf, cap, "0.%.*s%s", -point, "00000", digits);
    } else {
        snprintf(buf, cap, "%c%s%se%+d", digits[0], count > 1 ? "." : "", digits + 1,
                 point - 1);
    }
}

char *json_lex_number(double value, char *buf)
{
    struct decimal decimal;

    assert(isfinite(value));
    if (fabs(value) <= JSON_LEX_INT_MAX && value == (double)(int64_t)value) {
        snprintf(buf, JSON_LEX_NUMBER_CAP, "%lld", (long long)value); /* -0 is 0 */
        return buf;
    }
    find_shortest(&decimal, fabs(value));
    if (value < 0)
        *buf = '-';
    lay_out(&decimal, buf + (value < 0));
    return buf;
}

double json_lex_double(struct span text)
{
    char copy[JSON_NUMBER_MAX + 1];
    size_t len = text.len < JSON_NUMBER_MAX ? text.len : JSON_NUMBER_MAX;

    if (len)
        memcpy(copy, text.ptr, len);
    copy[len] = 0;
    return strtod(copy, NULL);
}
