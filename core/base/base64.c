/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <stdint.h>
#include <string.h>

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_add(struct str *out, const void *bytes, size_t len)
{
    const unsigned char *in = bytes;

    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i < 3 ? len - i : 3;
        uint32_t group = (uint32_t)in[i] << 16;

        group |= left > 1 ? (uint32_t)in[i + 1] << 8 : 0;
        group |= left > 2 ? in[i + 2] : 0;
        for (size_t j = 0; j < 4; j++)
            str_add_char(out, j <= left ? letters[(group >> (18 - 6 * j)) & 63] : '=');
    }
}

static int value_of(char c)
{
    const char *found = c != '\0' ? strchr(letters, c) : NULL;

    return found != NULL ? (int)(found - letters) : -1;
}

/* Four letters, of which the last `pad` are '='. */
static bool read_group(const char *text, size_t pad, unsigned char bytes[3])
{
    uint32_t group = 0;

    for (size_t j = 0; j < 4 - pad; j++) {
        int value = value_of(text[j]);

        if (value < 0)
            return false;
        group |= (uint32_t)value << (18 - 6 * j);
    }
    for (size_t j = 0; j < 3; j++)
        bytes[j] = (unsigned char)(group >> (16 - 8 * j));
    /* Bits that stand for nothing are zero, or there would be a second spelling. */
    return (pad < 1 || bytes[2] == 0) && (pad < 2 || bytes[1] == 0);
}

bool base64_read(struct str *out, struct span text)
{
    size_t begun = out->len;

    if (text.len % 4 != 0)
        return false;
    for (size_t i = 0; i < text.len; i += 4) {
        bool is_last = i + 4 == text.len;
        size_t pad = !is_last || text.ptr[i + 3] != '=' ? 0
                     : text.ptr[i + 2] != '='           ? 1
                                                        : 2;
        unsigned char bytes[3];

        if (!read_group(text.ptr + i, pad, bytes)) {
            out->len = begun;
            return false;
        }
        str_add(out, bytes, 3 - pad);
    }
    return true;
}

void base64url_add(struct str *out, const void *bytes, size_t len)
{
    size_t begun = out->len;

    base64_add(out, bytes, len);
    for (size_t i = begun; i < out->len; i++) {
        if (out->ptr[i] == '+')
            out->ptr[i] = '-';
        else if (out->ptr[i] == '/')
            out->ptr[i] = '_';
        else if (out->ptr[i] == '=')
            out->ptr[out->len = i] = '\0';
    }
}

bool base64url_read(struct str *out, struct span text)
{
    struct str padded = { 0 };
    bool is_read;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        str_add_char(&padded, c == '-' ? '+' : c == '_' ? '/' : strchr("+/=", c) ? '!' : c);
    }
    while (padded.len % 4 != 0)
        str_add_char(&padded, '=');
    is_read = base64_read(out, str_span(&padded));
    str_fini(&padded);
    return is_read;
}
