/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The formats of base/schema.h, and the nearest of some names.
 *
 *   ip         an IPv4 or IPv6 address, optionally with /prefix
 *   arm-id     what Azure Resource Manager names things by: pairs of segments from
 *              /subscriptions or /providers on, nothing in them that a URL would bend
 *   uuid       8-4-4-4-12 hex digits
 *   duration   as duration_parse takes it
 *   period     a duration above zero
 *   date-time  RFC 3339, with a time zone
 */
#include "base/schema_part.h"

#include <string.h>

#include "base/ip.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* -- ip ------------------------------------------------------------------------------- */

static bool is_ip(struct span text)
{
    struct cordon_ip ip;

    return ip_parse(text, &ip);
}

/* -- arm-id --------------------------------------------------------------------------- */

/* The next segment, from behind one slash to before the next; false at the end. */
static bool next_segment(struct span *left, struct span *segment)
{
    if (left->len == 0 || left->ptr[0] != '/')
        return false;
    const char *start = left->ptr + 1;
    size_t rest = left->len - 1;
    const char *slash = rest ? memchr(start, '/', rest) : NULL;
    segment->ptr = start;
    segment->len = slash ? (size_t)(slash - start) : rest;
    left->ptr = start + segment->len;
    left->len = rest - segment->len;
    return true;
}

/* What could end the path, climb in it or be decoded into something else is refused. A blank
 * may stand within the name of a resource; letters beyond ASCII may stand anywhere. */
static const char *segment_fault(struct span segment, bool may_have_blanks)
{
    if (segment.len == 0)
        return "there is nothing between two slashes";
    if (span_is(segment, ".") || span_is(segment, ".."))
        return "\".\" and \"..\" are no names";
    for (size_t i = 0; i < segment.len; i++) {
        unsigned char c = (unsigned char)segment.ptr[i];
        bool is_inside = i > 0 && i + 1 < segment.len;
        if (c == ' ' && may_have_blanks && is_inside)
            continue;
        if (c <= ' ')
            return "there is a blank or a control character in a name";
        if (c == 0x7f || strchr("?#%\\<>\"{}|^`", c))
            return "a name has no ? # % \\ < > \" { } | ^ or `";
    }
    return NULL;
}

static bool is_word(struct span segment, const char *word)
{
    return span_equal_nocase(segment, span_of(word));
}

/* A scope pair in front of the first /providers: its type, or NULL when there is none. */
static const char *scope_type(struct span name, int pairs)
{
    if (pairs == 0 && is_word(name, "subscriptions"))
        return "Microsoft.Resources/subscriptions";
    if (pairs == 1 && is_word(name, "resourceGroups"))
        return "Microsoft.Resources/resourceGroups";
    return NULL;
}

const char *schema_arm_fault(struct span id, struct str *type)
{
    static const char no_name[] =
        "behind /providers/NAMESPACE a type and a name are missing";
    struct span name, value;
    bool has_provider = false, has_type = true;
    const char *fault;

    str_reset(type);
    if (id.len == 0 || id.ptr[0] != '/')
        return "it does not begin with /";
    for (int pairs = 0; id.len > 0; pairs++) {
        next_segment(&id, &name);
        if ((fault = segment_fault(name, has_provider)) != NULL)
            return fault;
        if (!next_segment(&id, &value))
            return "it ends with a word behind which a name is missing";
        if ((fault = segment_fault(value, has_provider)) != NULL)
            return fault;
        if (is_word(name, "providers")) { /* a namespace: what follows is a type */
            if (!has_type)
                return no_name;
            has_provider = true;
            has_type = false;
            str_reset(type);
            str_add_span(type, value);
        } else if (has_provider) {
            has_type = true;
            str_add_char(type, '/');
            str_add_span(type, name);
        } else {
            const char *scope = scope_type(name, pairs);
            if (!scope)
                return "it does not go /subscriptions/S/resourceGroups/G/providers/... or "
                       "/providers/...";
            str_reset(type);
            str_add_text(type, scope);
        }
    }
    return has_type ? NULL : no_name;
}

bool schema_arm_type(struct span id, struct str *type)
{
    return schema_arm_fault(id, type) == NULL;
}

/* What may be named where something of another type is asked for: a slot runs a site's code
 * and answers to the same requests. */
bool schema_arm_fits(struct span want, struct span type)
{
    static const char *const same[][2] = {
        { "Microsoft.Web/sites", "Microsoft.Web/sites/slots" },
    };

    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (is_word(want, same[i][0]) && is_word(type, same[i][1]))
            return true;
    return span_equal_nocase(want, type);
}

static bool is_arm_id(struct span text)
{
    struct str type = { 0 };

    bool is_id = schema_arm_type(text, &type);
    str_fini(&type);
    return is_id;
}

/* -- uuid, duration, date-time -------------------------------------------------------- */

static bool is_uuid(struct span text)
{
    if (text.len != 36)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? text.ptr[i] != '-' : !is_hex(text.ptr[i]))
            return false;
    }
    return true;
}

static bool is_duration(struct span text)
{
    int64_t ms;

    return duration_parse(text, &ms);
}

static bool is_period(struct span text)
{
    int64_t ms;

    return duration_positive(text, &ms);
}

/* count digits at pos, with a value from min to max; -1 otherwise. */
static int number_at(struct span text, size_t pos, size_t count, int min, int max)
{
    int value = 0;

    if (text.len < pos + count)
        return -1;
    for (size_t i = pos; i < pos + count; i++) {
        if (!is_digit(text.ptr[i]))
            return -1;
        value = value * 10 + (text.ptr[i] - '0');
    }
    return value >= min && value <= max ? value : -1;
}

static bool is_date(struct span text)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int year = number_at(text, 0, 4, 0, 9999);
    int month = number_at(text, 5, 2, 1, 12);
    int day = number_at(text, 8, 2, 1, 31);

    if (year < 0 || month < 0 || day < 0 || text.ptr[4] != '-' || text.ptr[7] != '-')
        return false;
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= days[month - 1] + (month == 2 && is_leap);
}

static bool is_zone(struct span text, size_t pos)
{
    if (text.len == pos + 1)
        return text.ptr[pos] == 'Z' || text.ptr[pos] == 'z';
    return text.len == pos + 6 && (text.ptr[pos] == '+' || text.ptr[pos] == '-') &&
           number_at(text, pos + 1, 2, 0, 23) >= 0 && text.ptr[pos + 3] == ':' &&
           number_at(text, pos + 4, 2, 0, 59) >= 0;
}

static bool is_date_time(struct span text)
{
    size_t pos = 19;

    if (text.len < 20 || !is_date(text) || (text.ptr[10] != 'T' && text.ptr[10] != 't') ||
        number_at(text, 11, 2, 0, 23) < 0 || text.ptr[13] != ':' ||
        number_at(text, 14, 2, 0, 59) < 0 || text.ptr[16] != ':' ||
        number_at(text, 17, 2, 0, 60) < 0) /* 60: a leap second */
        return false;
    if (text.ptr[pos] == '.') {
        size_t start = ++pos;
        while (pos < text.len && is_digit(text.ptr[pos]))
            pos++;
        if (pos == start)
            return false;
    }
    return is_zone(text, pos);
}

/* -- All of them ---------------------------------------------------------------------- */

typedef bool format_fn(struct span text);

static const struct {
    const char *name;
    const char *want;
    format_fn *fits;
} formats[] = {
    { "ip", "an ip address, optionally with /prefix", is_ip },
    { "arm-id", "an Azure resource id", is_arm_id },
    { "uuid", "a uuid", is_uuid },
    { "duration", "a duration such as \"30m\"", is_duration },
    { "period", "a duration above zero such as \"30m\"", is_period },
    { "date-time", "a time such as \"2026-01-31T09:00:00Z\"", is_date_time },
};

const char *const schema_formats[] = { "ip",       "arm-id", "uuid",
                                       "duration", "period", "date-time" };

_Static_assert(sizeof formats / sizeof formats[0] == SCHEMA_FORMAT_COUNT, "all are named");
_Static_assert(sizeof schema_formats / sizeof schema_formats[0] == SCHEMA_FORMAT_COUNT,
               "all are named");

static int find_format(struct span name)
{
    for (int i = 0; i < SCHEMA_FORMAT_COUNT; i++) {
        if (span_is(name, formats[i].name))
            return i;
    }
    return -1;
}

const char *schema_format_want(struct span name)
{
    int i = find_format(name);

    return i < 0 ? NULL : formats[i].want;
}

bool schema_format(const char *format, struct span text)
{
    int i = find_format(span_of(format));

    return i >= 0 && formats[i].fits(text);
}
