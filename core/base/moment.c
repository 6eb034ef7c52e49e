/* SPDX-License-Identifier: Apache-2.0 */
/* The moments of base/str.h: RFC 3339, read and never guessed. */
#include "base/str.h"

#include "base/schema.h"

int64_t moment_days(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;

    return era * 146097 + day_of_era - 719468;
}

static int64_t digits(struct span text, size_t pos, size_t count)
{
    int64_t value = 0;

    for (size_t i = pos; i < pos + count; i++)
        value = value * 10 + (text.ptr[i] - '0');
    return value;
}

/* "+05:30" in minutes; the text is known to be one or "Z". */
static int64_t offset_of(struct span zone)
{
    int64_t minutes;

    if (zone.len != 6)
        return 0;
    minutes = digits(zone, 1, 2) * 60 + digits(zone, 4, 2);
    return zone.ptr[0] == '-' ? -minutes : minutes;
}

bool moment_offset(struct span text, int64_t *minutes)
{
    bool is_zone =
        text.len == 6 && (text.ptr[0] == '+' || text.ptr[0] == '-') && text.ptr[3] == ':';

    for (size_t i = 1; is_zone && i < 6; i++)
        is_zone = i == 3 || (text.ptr[i] >= '0' && text.ptr[i] <= '9');
    if (!is_zone || digits(text, 1, 2) > 23 || digits(text, 4, 2) > 59)
        return false;
    *minutes = offset_of(text);
    return true;
}

bool moment_parse(struct span text, int64_t *unix_ms)
{
    int64_t ms = 0, scale = 100;
    size_t zone = 19;

    if (!schema_format("date-time", text))
        return false;
    if (text.ptr[zone] == '.')
        for (zone++; text.ptr[zone] >= '0' && text.ptr[zone] <= '9'; zone++, scale /= 10)
            ms += (text.ptr[zone] - '0') * scale;
    int64_t days = moment_days(digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2));
    int64_t seconds = digits(text, 11, 2) * 3600 + digits(text, 14, 2) * 60 +
                      digits(text, 17, 2) -
                      60 * offset_of((struct span){ text.ptr + zone, text.len - zone });
    *unix_ms = (days * 86400 + seconds) * 1000 + ms;
    return true;
}
