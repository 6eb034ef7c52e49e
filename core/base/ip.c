/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ip.h"

#include <string.h>

/* Nothing but digits, dots, colons and a slash, and enough of them. */
bool ip_is_meant(struct span text)
{
    int dots = 0, colons = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        dots += c == '.';
        colons += c == ':';
        if (c != '.' && c != ':' && c != '/' && cordon_ip_hex(c) < 0)
            return false;
    }
    struct cordon_ip ip;
    return (dots >= 3 || colons >= 2) && !ip_parse(text, &ip);
}
