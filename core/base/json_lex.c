/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_lex.h"

static const uint64_t ONES = 0x0101010101010101u;
static const uint64_t HIGHS = 0x8080808080808080u;

/* Non-zero when a byte of word is byte. */
static uint64_t has_byte(uint64_t word, unsigned char byte)
{
    uint64_t zeroed = word ^ (ONES * byte);

    return (zeroed - ONES) & ~zeroed & HIGHS;
}

/* Non-zero when a byte of word is below limit, which is at most 0x80; bytes from 0x80 on
 * do not count. */
static uint64_t has_less(uint64_t word, unsigned char limit)
{
    return (word - ONES * limit) & ~word & HIGHS;
}

/* How many bytes are before the first that was found. A borrow may add marks to bytes behind
 * a marked one, never to those before it. */
static size_t first_byte(uint64_t found)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (size_t)__builtin_ctzll(found) / 8;
#else
    (void)found;
    return 0;
#endif
}

const char *json_lex_plain_end(const char *pos, const char *end)
{
    while (end - pos >= 8) {
        uint64_t word;
        memcpy(&word, pos, sizeof word);
        if ((word & HIGHS) | has_less(word, 0x20) | has_byte(word, '"') |
            has_byte(word, '\\'))
            break;
        pos += 8;
    }
    for (; pos < end; pos++) {
        unsigned char c = (unsigned char)*pos;
        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
            break;
    }
    return pos;
}

const char *json_lex_string_end(const char *pos, const char *end)
{
    while (pos < end) {
        while (end - pos >= 8) {
            uint64_t word;
            memcpy(&word, pos, sizeof word);
            uint64_t found = has_byte(word, '"') | has_byte(word, '\\');
            if (found != 0) {
                pos += first_byte(found);
                break;
            }
            pos += 8;
        }
        while (pos < end && *pos != '"' && *pos != '\\')
            pos++;
        if (pos == end || *pos == '"')
            return pos;
        if (end - pos < 2)
            return end;
        pos += 2;
    }
    return end;
}

static bool is_tail(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

size_t json_lex_utf8(const char *pos, const char *end)
{
    const unsigned char *byte = (const unsigned char *)pos;
    size_t left = (size_t)(end - pos);

    if (left == 0)
        return 0;
    if (byte[0] < 0x80)
        return 1;
    if (byte[0] >= 0xc2 && byte[0] <= 0xdf)
        return left >= 2 && is_tail(byte[1]) ? 2 : 0;
    if (byte[0] >= 0xe0 && byte[0] <= 0xef) {
        if (left < 3 || !is_tail(byte[1]) || !is_tail(byte[2]))
            return 0;
        bool is_overlong = byte[0] == 0xe0 && byte[1] < 0xa0;
        bool is_surrogate = byte[0] == 0xed && byte[1] > 0x9f;
        return is_overlong || is_surrogate ? 0 : 3;
    }
    if (byte[0] >= 0xf0 && byte[0] <= 0xf4) {
        if (left < 4 || !is_tail(byte[1]) || !is_tail(byte[2]) || !is_tail(byte[3]))
            return 0;
        bool is_overlong = byte[0] == 0xf0 && byte[1] < 0x90;
        bool is_beyond = byte[0] == 0xf4 && byte[1] > 0x8f;
        return is_overlong || is_beyond ? 0 : 4;
    }
    return 0;
}

int json_lex_hex4(const char *pos, const char *end)
{
    int value = 0;

    if (end - pos < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = pos[i];
        int digit;
        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if (c >= 'a' && c <= 'f')
            digit = c - 'a' + 10;
        else if (c >= 'A' && c <= 'F')
            digit = c - 'A' + 10;
        else
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static uint32_t decode_utf8(const char **pos, const char *end)
{
    const unsigned char *byte = (const unsigned char *)*pos;
    size_t len = json_lex_utf8(*pos, end);

    *pos += len ? len : 1;
    switch (len) {
    case 1: return byte[0];
    case 2: return (byte[0] & 0x1fu) << 6 | (byte[1] & 0x3fu);
    case 3: return (byte[0] & 0x0fu) << 12 | (byte[1] & 0x3fu) << 6 | (byte[2] & 0x3fu);
    case 4:
        return (byte[0] & 0x07u) << 18 | (byte[1] & 0x3fu) << 12 | (byte[2] & 0x3fu) << 6 |
               (byte[3] & 0x3fu);
    default: return 0xfffd;
    }
}

/* *pos is behind "\u". */
static uint32_t decode_unit(const char **pos, const char *end)
{
    int high = json_lex_hex4(*pos, end);

    if (high < 0)
        return 0xfffd;
    *pos += 4;
    if (high < 0xd800 || high > 0xdfff)
        return (uint32_t)high;
    if (high > 0xdbff || end - *pos < 6 || (*pos)[0] != '\\' || (*pos)[1] != 'u')
        return 0xfffd;
    int low = json_lex_hex4(*pos + 2, end);
    if (low < 0xdc00 || low > 0xdfff)
        return 0xfffd;
    *pos += 6;
    return 0x10000u + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
}

uint32_t json_lex_char(const char **pos, const char *end)
{
    if (**pos != '\\')
        return decode_utf8(pos, end);
    if (end - *pos < 2) {
        *pos = end;
        return 0xfffd;
    }
    char c = (*pos)[1];
    if ((unsigned char)c >= 0x80) { /* not JSON: leave the byte to decode_utf8 */
        *pos += 1;
        return 0xfffd;
    }
    *pos += 2;
    switch (c) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'u': return decode_unit(pos, end);
    default: return (unsigned char)c;
    }
}

/* UTF-16 writes what is beyond U+FFFF with surrogates, which sort below U+E000. */
static uint32_t weight(uint32_t character)
{
    return character >= 0xe000 && character <= 0xffff ? character + 0x110000 : character;
}

/* The same for the first bytes of UTF-8 characters; all other bytes keep their order. */
static int byte_weight(char c)
{
    unsigned char byte = (unsigned char)c;

    return byte == 0xee || byte == 0xef ? byte + 0x10 : byte;
}

static int order_slowly(struct span a, struct span b)
{
    const char *at_a = a.ptr, *at_b = b.ptr;
    const char *end_a = json_lex_end(a), *end_b = json_lex_end(b);

    while (at_a < end_a && at_b < end_b) {
        uint32_t weight_a = weight(json_lex_char(&at_a, end_a));
        uint32_t weight_b = weight(json_lex_char(&at_b, end_b));
        if (weight_a != weight_b)
            return weight_a < weight_b ? -1 : 1;
    }
    return (at_a < end_a) - (at_b < end_b);
}

int json_lex_order(struct span a, struct span b)
{
    size_t len = a.len < b.len ? a.len : b.len;

    for (size_t i = 0; i < len; i++) {
        if (a.ptr[i] == '\\' || b.ptr[i] == '\\')
            return order_slowly(a, b);
        if (a.ptr[i] != b.ptr[i]) {
            /* An escape further on cannot change which character differs first. */
            return byte_weight(a.ptr[i]) < byte_weight(b.ptr[i]) ? -1 : 1;
        }
    }
    return (a.len > len) - (b.len > len);
}

bool json_lex_is(struct span raw, struct span plain)
{
    if (raw.len < plain.len)
        return false; /* escapes only ever make text longer */
    if (raw.len == 0)
        return true;
    if (plain.len && raw.ptr[0] != plain.ptr[0] && raw.ptr[0] != '\\')
        return false;
    if (!memchr(raw.ptr, '\\', raw.len))
        return raw.len == plain.len && memcmp(raw.ptr, plain.ptr, plain.len) == 0;

    const char *pos = raw.ptr, *end = json_lex_end(raw);
    const char *want = plain.ptr, *want_end = json_lex_end(plain);
    while (pos < end && want < want_end) {
        if (json_lex_char(&pos, end) != decode_utf8(&want, want_end))
            return false;
    }
    return pos == end && want == want_end;
}

void json_lex_add_utf8(struct str *out, uint32_t character)
{
    char bytes[4];
    size_t len;

    if (character < 0x80) {
        bytes[0] = (char)character;
        len = 1;
    } else if (character < 0x800) {
        bytes[0] = (char)(0xc0 | character >> 6);
        len = 2;
    } else if (character < 0x10000) {
        bytes[0] = (char)(0xe0 | character >> 12);
        len = 3;
    } else {
        bytes[0] = (char)(0xf0 | character >> 18);
        len = 4;
    }
    for (size_t i = 1; i < len; i++)
        bytes[i] = (char)(0x80 | (character >> 6 * (len - 1 - i) & 0x3f));
    str_add(out, bytes, len);
}

void json_lex_add_char(struct str *out, uint32_t character)
{
    switch (character) {
    case '"': str_add(out, "\\\"", 2); return;
    case '\\': str_add(out, "\\\\", 2); return;
    case '\b': str_add(out, "\\b", 2); return;
    case '\f': str_add(out, "\\f", 2); return;
    case '\n': str_add(out, "\\n", 2); return;
    case '\r': str_add(out, "\\r", 2); return;
    case '\t': str_add(out, "\\t", 2); return;
    default: break;
    }
    if (character < 0x20)
        str_printf(out, "\\u%04x", (unsigned)character);
    else
        json_lex_add_utf8(out, character);
}

void json_lex_add_raw(struct str *out, struct span raw)
{
    const char *pos = raw.ptr, *end = json_lex_end(raw);

    str_add_char(out, '"');
    while (pos < end) {
        const char *slash = memchr(pos, '\\', (size_t)(end - pos));
        const char *stop = slash ? slash : end;
        str_add(out, pos, (size_t)(stop - pos));
        pos = stop;
        if (pos < end)
            json_lex_add_char(out, json_lex_char(&pos, end));
    }
    str_add_char(out, '"');
}
