/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ip.h"

#include <ctype.h>
#include <string.h>

static struct span trimmed(struct span text)
{
    while (text.len > 0 && isspace((unsigned char)text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && isspace((unsigned char)text.ptr[text.len - 1]))
        text.len--;
    return text;
}

/* Digits and dots, and an end of the pattern that stands for what follows: "203.0.113.*". */
static bool is_dotted(struct span text)
{
    int dots = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        dots += c == '.';
        if (c != '.' && c != '/' && c != '*' && c != '?' && (c < '0' || c > '9'))
            return false;
    }
    return dots >= 2;
}

/* Groups with colons between them, and nothing that an address could not have but letters. */
static bool is_with_colons(struct span text)
{
    int colons = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        colons += c == ':';
        if (!isalnum((unsigned char)c) && strchr(":./*?%", c) == NULL)
            return false;
    }
    return colons >= 2 && cordon_ip_hex(text.ptr[0]) >= 0;
}

/* "10.0.0.1-10.0.0.9": two of them as a range. */
static bool is_range(struct span text)
{
    const char *dash = text.len > 0 ? memchr(text.ptr, '-', text.len) : NULL;
    struct cordon_ip ip;

    return dash != NULL &&
           ip_parse(trimmed((struct span){ text.ptr, (size_t)(dash - text.ptr) }), &ip);
}

/* An address with a mistake in it: digits of it, and enough signs between them. */
bool ip_is_meant(struct span text)
{
    struct span inner = trimmed(text);
    struct cordon_ip ip;
    int dots = 0;

    if (ip_parse(text, &ip))
        return false;
    if (ip_parse(inner, &ip) || is_range(inner) || is_dotted(inner) ||
        is_with_colons(inner))
        return true;
    for (size_t i = 0; i < inner.len; i++) {
        dots += inner.ptr[i] == '.';
        if (strchr("./", inner.ptr[i]) == NULL && cordon_ip_hex(inner.ptr[i]) < 0)
            return false;
    }
    return dots >= 3;
}
