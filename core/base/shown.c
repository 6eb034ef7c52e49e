/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str_add_shown of base/str.h: text that cannot lie to the person who reads it.
 *
 * Control characters move a terminal's cursor, bidirectional ones reorder what was written,
 * and zero-width ones make two different names look the same.
 */
#include "base/str.h"

#include <stdint.h>

struct range {
    uint32_t first;
    uint32_t last;
};

static const struct range hidden[] = {
    { 0x0000, 0x001F },   /* controls */
    { 0x007F, 0x009F },   /* delete and the second set of controls */
    { 0x00AD, 0x00AD },   /* soft hyphen */
    { 0x034F, 0x034F },   /* combining grapheme joiner */
    { 0x061C, 0x061C },   /* Arabic letter mark */
    { 0x115F, 0x1160 },   /* Hangul fillers */
    { 0x17B4, 0x17B5 },   /* Khmer inherent vowels */
    { 0x180B, 0x180F },   /* Mongolian selectors and vowel separator */
    { 0x200B, 0x200F },   /* zero-width space and joiners, direction marks */
    { 0x2028, 0x202E },   /* line and paragraph separators, embeddings, overrides */
    { 0x2060, 0x206F },   /* word joiner, invisible operators, isolates */
    { 0x3164, 0x3164 },   /* Hangul filler */
    { 0xFE00, 0xFE0F },   /* variation selectors */
    { 0xFEFF, 0xFEFF },   /* byte order mark */
    { 0xFFA0, 0xFFA0 },   /* halfwidth Hangul filler */
    { 0xFFF9, 0xFFFB },   /* interlinear annotation */
    { 0x1D173, 0x1D17A }, /* musical format controls */
    { 0xE0000, 0xE0FFF }, /* tags and more variation selectors */
};

static bool is_hidden(uint32_t point)
{
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        if (point >= hidden[i].first && point <= hidden[i].last)
            return true;
    return false;
}

/* Reads one code point of strict UTF-8: no overlong forms, no surrogates, nothing above
 * U+10FFFF. Returns its length in bytes, or 0 when these bytes are none. */
static size_t decode(const unsigned char *p, size_t len, uint32_t *point)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t need = p[0] < 0x80             ? 1
                  : (p[0] & 0xE0) == 0xC0 ? 2
                  : (p[0] & 0xF0) == 0xE0 ? 3
                  : (p[0] & 0xF8) == 0xF0 ? 4
                                          : 0;

    if (need == 0 || need > len)
        return 0;
    uint32_t value = need == 1 ? p[0] : p[0] & (0x7Fu >> need);
    for (size_t i = 1; i < need; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        value = value << 6 | (p[i] & 0x3Fu);
    }
    if (value < least[need] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return 0;
    *point = value;
    return need;
}

void str_add_shown(struct str *str, const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t plain = 0; /* where the bytes begin that go out as they are */
    size_t i = 0;

    while (i < len) {
        uint32_t point = 0;
        size_t width = decode(p + i, len - i, &point);
        if (width > 0 && !is_hidden(point)) {
            i += width;
            continue;
        }
        str_add(str, text + plain, i - plain);
        if (width == 0 || point < 0x80)
            str_printf(str, "\\x%02x", (unsigned)p[i]);
        else
            str_printf(str, "\\u{%04X}", (unsigned)point);
        i += width > 0 ? width : 1;
        plain = i;
    }
    if (plain < len)
        str_add(str, text + plain, len - plain);
}
