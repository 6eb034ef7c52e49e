/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon/fold.h - small letters for capital ones, where letter case has no meaning: in resource
 * ids, whose names may have letters beyond ASCII. In cordon and in plugins, so that both take the
 * same spellings for the same target.
 *
 * Everything here is a pure inline function, so that a plugin links with nothing of cordon's.
 * The header compiles as C99 and as C++17.
 */
#ifndef CORDON_FOLD_H
#define CORDON_FOLD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Capital letters to small ones, each with as many bytes as before: pairs that lie side by
 * side, and rows that lie apart. */
static inline uint32_t cordon_fold_one(uint32_t c)
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
    size_t i;

    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (c < rows[i].first || c > rows[i].last)
            continue;
        if (rows[i].apart > 0)
            return c + rows[i].apart;
        return (c - rows[i].first) % 2 == 0 ? c + 1 : c;
    }
    return c;
}

/* Bytes of the character at the front: 2 or 3, else 1, also where there is no UTF-8. */
static inline size_t cordon_fold_len(const unsigned char *at, size_t len)
{
    if (len >= 2 && (at[0] & 0xe0) == 0xc0 && (at[1] & 0xc0) == 0x80)
        return 2;
    if (len >= 3 && (at[0] & 0xf0) == 0xe0 && (at[1] & 0xc0) == 0x80 &&
        (at[2] & 0xc0) == 0x80)
        return 3;
    return 1;
}

/* Makes the letters of text small (Latin, Greek, Cyrillic, Armenian); of what is no UTF-8 only
 * ASCII changes. The length stays. */
static inline void cordon_fold(char *text, size_t len)
{
    unsigned char *at = (unsigned char *)text;

    while (len > 0) {
        size_t bytes = cordon_fold_len(at, len);
        uint32_t c;

        if (bytes == 2) {
            c = cordon_fold_one((at[0] & 0x1fu) << 6 | (at[1] & 0x3fu));
            at[0] = (unsigned char)(0xc0 | c >> 6);
            at[1] = (unsigned char)(0x80 | (c & 0x3f));
        } else if (bytes == 3) {
            c = cordon_fold_one((at[0] & 0xfu) << 12 | (at[1] & 0x3fu) << 6 |
                                (at[2] & 0x3fu));
            at[0] = (unsigned char)(0xe0 | c >> 12);
            at[1] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
            at[2] = (unsigned char)(0x80 | (c & 0x3f));
        } else if (at[0] < 0x80) {
            at[0] = (unsigned char)cordon_fold_one(at[0]);
        }
        at += bytes;
        len -= bytes;
    }
}

#ifdef __cplusplus
}
#endif

#endif
