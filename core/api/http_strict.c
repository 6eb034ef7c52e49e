/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http_strict.h"

#include <ctype.h>
#include <string.h>

enum { LENGTH_DIGITS_MAX = 18 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool strict_uri(struct span uri)
{
    if (!span_starts(uri, "/"))
        return false;
    for (size_t i = 0; i < uri.len; i++) {
        const char *at = uri.ptr + i;

        if (*at <= ' ' || *at >= 0x7f || *at == '#' || *at == '\\')
            return false;
        if (*at != '%')
            continue;
        if (uri.len - i < 3 || !isxdigit((unsigned char)at[1]) ||
            !isxdigit((unsigned char)at[2]) || (at[1] == '0' && at[2] == '0'))
            return false;
    }
    return true;
}

bool strict_name(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (!is_digit(c) && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z') &&
            (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return name.len > 0;
}

bool strict_value(struct span value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];

        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

bool strict_length(struct span length)
{
    for (size_t i = 0; i < length.len; i++)
        if (!is_digit(length.ptr[i]))
            return false;
    return length.len > 0 && length.len <= LENGTH_DIGITS_MAX &&
           (length.len == 1 || length.ptr[0] != '0');
}

bool strict_type(const char *type, const char *wanted)
{
    size_t len = strlen(wanted);

    if (type == NULL || strncasecmp(type, wanted, len) != 0)
        return false;
    type += len;
    type += strspn(type, " \t");
    if (*type == '\0')
        return true;
    if (*type++ != ';')
        return false;
    type += strspn(type, " \t");
    return strcasecmp(type, "charset=utf-8") == 0 ||
           strcasecmp(type, "charset=\"utf-8\"") == 0;
}
