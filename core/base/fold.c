/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fold.h"

#include <stdbool.h>
#include <stdint.h>

/* Capital letters to small ones, each with as many bytes as before: pairs that lie side by
 * side, and rows that lie apart. */
static uint32_t folded(uint32_t c)
{
    static const struct {
        uint32_t first, last, apart; /* apart 0: each even one, or odd as first is, has its
                                      * small one behind it */
    } rows[] = {
        { 'A', 'Z', 32 },       { 0xc0, 0xd6, 32 },    { 0xd8, 0xde, 32 },
        { 0x100, 0x137, 0 },    { 0x139, 0x148, 0 },   { 0x14a, 0x177, 0 },
        { 0x179, 0x17e, 0 },    { 0x386, 0x386, 38 },  { 0x388, 0x38a, 37 },
        { 0x38c, 0x38c, 64 },   { 0x38e, 0x38f, 63 },  { 0x391, 0x3a1, 32 },
        { 0x3a3, 0x3ab, 32 },   { 0x400, 0x40f, 80 },  { 0x410, 0x42f, 32 },
        { 0x460, 0x481, 0 },    { 0x48a, 0x4bf, 0 },   { 0x4d0, 0x52f, 0 },
        { 0x531, 0x556, 48 },   { 0x1e00, 0x1e95, 0 }, { 0x1ea0, 0x1eff, 0 },
        { 0xff21, 0xff3a, 32 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (c < rows[i].first || c > rows[i].last)
            continue;
        if (rows[i].apart > 0)
            return c + rows[i].apart;
        return (c - rows[i].first) % 2 == 0 ? c + 1 : c;
    }
    return c;
}

/* Is there a character of that many bytes at the front? */
static bool is_long(struct span text, size_t len)
{
    static const unsigned char masks[] = { [2] = 0xe0, [3] = 0xf0 };
    static const unsigned char marks[] = { [2] = 0xc0, [3] = 0xe0 };

    if (text.len < len || ((unsigned char)text.ptr[0] & masks[len]) != marks[len])
        return false;
    for (size_t i = 1; i < len; i++)
        if (((unsigned char)text.ptr[i] & 0xc0) != 0x80)
            return false;
    return true;
}

void str_add_folded(struct str *out, struct span text)
{
    while (text.len > 0) {
        const unsigned char *at = (const unsigned char *)text.ptr;
        size_t len = is_long(text, 2) ? 2 : is_long(text, 3) ? 3 : 1;
        char bytes[3] = { text.ptr[0] };

        if (len == 2) {
            uint32_t c = folded((at[0] & 0x1fu) << 6 | (at[1] & 0x3fu));
            bytes[0] = (char)(0xc0 | c >> 6);
            bytes[1] = (char)(0x80 | (c & 0x3f));
        } else if (len == 3) {
            uint32_t c =
                folded((at[0] & 0xfu) << 12 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu));
            bytes[0] = (char)(0xe0 | c >> 12);
            bytes[1] = (char)(0x80 | (c >> 6 & 0x3f));
            bytes[2] = (char)(0x80 | (c & 0x3f));
        } else if (at[0] < 0x80) {
            bytes[0] = (char)folded(at[0]);
        }
        str_add(out, bytes, len);
        text = (struct span){ text.ptr + len, text.len - len };
    }
}
