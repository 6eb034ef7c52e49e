/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file lists the changes of the past and of some years to come, and ends with a rule for
 * the years after these. Both become one list.
 */
#include "base/zone.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"

enum {
    HEADER_LEN = 44,
    TYPE_LEN = 6,
    DAY_S = 24 * 60 * 60,
    RULE_HOURS_MAX = 167, /* of a day's change; RFC 8536 allows days before and after */
    OFFSET_HOURS_MAX = 24,
    RULE_S = 2 * 3600, /* when a rule does not say it */
    TRANSITIONS_MAX = 4096
};

bool zone_is_name(struct span text)
{
    static const char signs[] = "_+-";
    char before = '/';

    if (text.len == 0 || text.len > ZONE_NAME_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       (c >= '0' && c <= '9') || memchr(signs, c, sizeof signs - 1) != NULL;

        if (!is_word && (c != '/' || before == '/'))
            return false;
        before = c;
    }
    return before != '/' && !span_starts(text, "posix/") && !span_starts(text, "right/");
}

/* -- Bytes --------------------------------------------------------------------------------- */

static int64_t number_at(const char *bytes, size_t len)
{
    uint64_t value = 0;

    for (size_t i = 0; i < len; i++)
        value = value << 8 | (unsigned char)bytes[i];
    return len == 4 ? (int32_t)value : (int64_t)value;
}

struct table {
    const char *times, *kinds, *types; /* of the transitions; what each type says */
    int64_t time_count, type_count;
    size_t time_len, len; /* bytes of a time, of header and data */
};

/* A header and the data that it counts, with times of time_len bytes. */
static bool read_table(struct span file, size_t time_len, struct table *table)
{
    int64_t counts[6];
    size_t len = HEADER_LEN;

    if (file.len < HEADER_LEN || memcmp(file.ptr, "TZif", 4) != 0)
        return false;
    for (size_t i = 0; i < 6; i++) {
        counts[i] = number_at(file.ptr + 20 + i * 4, 4);
        if (counts[i] < 0 || counts[i] > TRANSITIONS_MAX)
            return false;
    }
    table->time_count = counts[3];
    table->type_count = counts[4];
    table->time_len = time_len;
    table->times = file.ptr + len;
    len += (size_t)counts[3] * time_len;
    table->kinds = file.ptr + len;
    len += (size_t)counts[3];
    table->types = file.ptr + len;
    len += (size_t)(counts[4] * TYPE_LEN + counts[5] + counts[0] + counts[1]) +
           (size_t)counts[2] * (time_len + 4);
    table->len = len;
    return len <= file.len && table->type_count > 0;
}

static int64_t type_offset(const struct table *table, int64_t type)
{
    return number_at(table->types + type * TYPE_LEN, 4);
}

/* -- The rule at the end: "CET-1CEST,M3.5.0,M10.5.0/3" -------------------------------------- */

struct day_rule {
    char
        kind; /* 'M' month, week and day; 'J' day without 29 February; 'N' day of the year */
    int64_t month, week, day, at_s;
};

struct rule {
    int64_t offset_s, summer_s;
    bool has_summer;
    struct day_rule from, to; /* of the summer time */
};

static bool take_char(struct span *text, char c)
{
    if (text->len == 0 || text->ptr[0] != c)
        return false;
    *text = (struct span){ text->ptr + 1, text->len - 1 };
    return true;
}

static bool take_number(struct span *text, int64_t max, int64_t *value)
{
    size_t digits = 0;

    while (digits < text->len && digits < 4 && text->ptr[digits] >= '0' &&
           text->ptr[digits] <= '9')
        digits++;
    if (digits == 0 || !span_int((struct span){ text->ptr, digits }, value) || *value > max)
        return false;
    *text = (struct span){ text->ptr + digits, text->len - digits };
    return true;
}

/* "CET" or "<+03>"; what it says is said by the number behind it. */
static bool take_name(struct span *text)
{
    bool is_quoted = take_char(text, '<');
    size_t len = 0;

    while (len < text->len &&
           (is_quoted ? text->ptr[len] != '>'
                      : (text->ptr[len] >= 'A' && text->ptr[len] <= 'Z') ||
                            (text->ptr[len] >= 'a' && text->ptr[len] <= 'z')))
        len++;
    *text = (struct span){ text->ptr + len, text->len - len };
    return len > 0 && (!is_quoted || take_char(text, '>'));
}

/* "[+-]hh[:mm[:ss]]" in seconds. */
static bool take_clock(struct span *text, int64_t hours_max, int64_t *seconds)
{
    bool is_minus = take_char(text, '-');
    int64_t part = 0;

    if (!is_minus)
        take_char(text, '+');
    if (!take_number(text, hours_max, &part))
        return false;
    *seconds = part * 3600;
    for (int64_t unit = 60; unit > 0 && take_char(text, ':'); unit /= 60) {
        if (!take_number(text, 59, &part))
            return false;
        *seconds += part * unit;
    }
    *seconds = is_minus ? -*seconds : *seconds;
    return true;
}

static bool take_month_day(struct span *text, struct day_rule *rule)
{
    return take_number(text, 12, &rule->month) && rule->month > 0 && take_char(text, '.') &&
           take_number(text, 5, &rule->week) && rule->week > 0 && take_char(text, '.') &&
           take_number(text, 6, &rule->day);
}

static bool take_day(struct span *text, struct day_rule *rule)
{
    bool is_day;

    if (take_char(text, 'M')) {
        rule->kind = 'M';
        is_day = take_month_day(text, rule);
    } else {
        rule->kind = take_char(text, 'J') ? 'J' : 'N';
        is_day = take_number(text, 365, &rule->day) && (rule->kind == 'N' || rule->day > 0);
    }
    rule->at_s = RULE_S;
    return is_day &&
           (!take_char(text, '/') || take_clock(text, RULE_HOURS_MAX, &rule->at_s));
}

static bool read_rule(struct span text, struct rule *rule)
{
    memset(rule, 0, sizeof *rule);
    if (!take_name(&text) || !take_clock(&text, OFFSET_HOURS_MAX, &rule->offset_s))
        return false;
    rule->offset_s = -rule->offset_s; /* POSIX counts to the west */
    if (text.len == 0)
        return true;
    rule->has_summer = true;
    rule->summer_s = rule->offset_s + 3600;
    if (!take_name(&text))
        return false;
    if (text.len > 0 && text.ptr[0] != ',') {
        if (!take_clock(&text, OFFSET_HOURS_MAX, &rule->summer_s))
            return false;
        rule->summer_s = -rule->summer_s;
    }
    return take_char(&text, ',') && take_day(&text, &rule->from) && take_char(&text, ',') &&
           take_day(&text, &rule->to) && text.len == 0;
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* The day of a week of a month, in days since 1970; the fifth is the last. */
static int64_t month_day(int64_t year, const struct day_rule *rule)
{
    int64_t first = moment_days(year, rule->month, 1);
    int64_t next = rule->month == 12 ? moment_days(year + 1, 1, 1)
                                     : moment_days(year, rule->month + 1, 1);
    int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970 began on a Thursday */
    int64_t day = first + (rule->day - weekday + 7) % 7 + (rule->week - 1) * 7;

    return day < next ? day : day - 7;
}

/* When it happens in that year, in seconds of local time since 1970. */
static int64_t rule_time(int64_t year, const struct day_rule *rule)
{
    int64_t day;

    if (rule->kind == 'M')
        day = month_day(year, rule);
    else if (rule->kind == 'J')
        day = moment_days(year, 1, 1) + rule->day - 1 + (is_leap(year) && rule->day > 59);
    else
        day = moment_days(year, 1, 1) + rule->day;
    return day * DAY_S + rule->at_s;
}

/* -- The list ------------------------------------------------------------------------------- */

struct pairs {
    struct json_out out;
    int64_t last_s, last_offset_s; /* the newest pair of it */
    bool is_empty;
};

static void put_pair(struct pairs *pairs, int64_t unix_s, int64_t offset_s)
{
    if (!pairs->is_empty && unix_s <= pairs->last_s)
        return;
    json_open(&pairs->out, '[');
    json_integer(&pairs->out, unix_s);
    json_integer(&pairs->out, offset_s);
    json_close(&pairs->out);
    pairs->last_s = unix_s;
    pairs->last_offset_s = offset_s;
    pairs->is_empty = false;
}

static int put_table(struct pairs *pairs, const struct table *table, struct err *err)
{
    const int64_t least = -(INT64_C(1) << 53);

    put_pair(pairs, least, type_offset(table, 0));
    for (int64_t i = 0; i < table->time_count; i++) {
        int64_t type = (unsigned char)table->kinds[i];
        int64_t at = number_at(table->times + (size_t)i * table->time_len, table->time_len);

        if (type >= table->type_count)
            return err_set(err, ERR_INVALID,
                           "it names a kind of time that it does not have");
        put_pair(pairs, at, type_offset(table, type));
    }
    return 0;
}

static void put_year(struct pairs *pairs, const struct rule *rule, int64_t year)
{
    int64_t from = rule_time(year, &rule->from) - rule->offset_s;
    int64_t to = rule_time(year, &rule->to) - rule->summer_s;

    if (from < to) {
        put_pair(pairs, from, rule->summer_s);
        put_pair(pairs, to, rule->offset_s);
    } else { /* in the south */
        put_pair(pairs, to, rule->offset_s);
        put_pair(pairs, from, rule->summer_s);
    }
}

static int put_rule(struct pairs *pairs, struct span footer, struct err *err)
{
    struct rule rule;
    size_t len = 0;

    if (!take_char(&footer, '\n'))
        return err_set(err, ERR_INVALID, "its last line is missing");
    while (len < footer.len && footer.ptr[len] != '\n')
        len++;
    if (len == 0)
        return 0; /* the last change holds on */
    if (!read_rule((struct span){ footer.ptr, len }, &rule))
        return err_set(err, ERR_INVALID, "its last line is no rule: %.*s",
                       (int)(len < 60 ? len : 60), footer.ptr);
    if (!rule.has_summer && rule.offset_s != pairs->last_offset_s)
        put_pair(pairs, pairs->last_s + 1, rule.offset_s);
    for (int64_t year = 1970; rule.has_summer && year <= ZONE_YEAR_LAST; year++)
        if (moment_days(year + 1, 1, 1) * DAY_S > pairs->last_s)
            put_year(pairs, &rule, year);
    return 0;
}

static int put_file(struct pairs *pairs, struct span file, struct err *err)
{
    struct table table;
    size_t len = 0;

    if (!read_table(file, 4, &table))
        return err_set(err, ERR_INVALID, "it is no file of tzdata");
    bool is_old = file.ptr[4] == '\0';
    if (!is_old) {
        len = table.len;
        if (!read_table((struct span){ file.ptr + len, file.len - len }, 8, &table))
            return err_set(err, ERR_INVALID, "it is no whole file of tzdata");
        len += table.len;
    }
    if (put_table(pairs, &table, err) != 0 || is_old)
        return err->code;
    return put_rule(pairs, (struct span){ file.ptr + len, file.len - len }, err);
}

int zone_read(struct span file, struct str *out, struct err *err)
{
    struct str text = { 0 };
    struct pairs pairs = { .out = { .str = &text }, .is_empty = true };

    err->code = 0;
    json_open(&pairs.out, '[');
    int rc = put_file(&pairs, file, err);
    json_close(&pairs.out);
    if (rc == 0)
        str_add_span(out, str_span(&text));
    str_fini(&text);
    return rc;
}

/* -- Looking it up ---------------------------------------------------------------------------- */

static bool next_int(struct span pair, size_t *pos, int64_t *value)
{
    struct span item;

    if (!json_next(pair, pos, NULL, &item))
        return false;
    *value = json_int(item, 0);
    return true;
}

int64_t zone_offset(struct span pairs, int64_t unix_s)
{
    struct span pair;
    size_t pos = 0;
    int64_t offset = 0, from, value;

    while (json_next(pairs, &pos, NULL, &pair)) {
        size_t at = 0;

        if (!next_int(pair, &at, &from) || !next_int(pair, &at, &value) || from > unix_s)
            break;
        offset = value;
    }
    return offset;
}
