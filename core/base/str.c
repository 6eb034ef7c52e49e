/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { CAP_MIN = 240 }; /* a row, a frame: most texts are not much longer */

/* realloc() may leave the bytes where they were. */
static char *move_secret(struct str *str, size_t cap)
{
    char *moved = xcalloc(1, cap);

    if (str->ptr != NULL) {
        memcpy(moved, str->ptr, str->len + 1);
        explicit_bzero(str->ptr, str->cap);
        free(str->ptr);
    }
    return moved;
}

/* Room for len more bytes and the NUL behind them. */
static void reserve(struct str *str, size_t len)
{
    /* Whatever a stranger chooses is bounded long before it gets here. */
    assert(len <= SIZE_MAX / 4 - str->len);
    size_t need = str->len + len + 1;
    if (need <= str->cap)
        return;

    size_t cap = str->cap == 0 ? CAP_MIN : str->cap * 2;
    if (cap < need)
        cap = need;
    str->ptr = str->is_secret ? move_secret(str, cap) : xrealloc(str->ptr, cap);
    str->cap = cap;
}

void str_fini(struct str *str)
{
    if (str->is_secret && str->ptr != NULL)
        explicit_bzero(str->ptr, str->cap);
    free(str->ptr);
    *str = (struct str){ .is_secret = str->is_secret };
}

void str_wipe(struct str *str)
{
    if (str->ptr != NULL)
        explicit_bzero(str->ptr, str->cap);
    str_fini(str);
}

void text_wipe(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

void str_reset(struct str *str)
{
    if (str->is_secret && str->ptr != NULL)
        explicit_bzero(str->ptr, str->len);
    str->len = 0;
    if (str->ptr != NULL)
        str->ptr[0] = '\0';
}

const char *str_text(const struct str *str)
{
    return str->ptr == NULL ? "" : str->ptr;
}

char *str_take(struct str *str)
{
    char *taken = str->ptr == NULL ? xstrdup("") : str->ptr;

    *str = (struct str){ 0 };
    return taken;
}

void str_add(struct str *str, const void *bytes, size_t len)
{
    reserve(str, len);
    if (len > 0)
        memcpy(str->ptr + str->len, bytes, len);
    str->len += len;
    str->ptr[str->len] = '\0';
}

void str_add_text(struct str *str, const char *text)
{
    str_add(str, text, strlen(text));
}

void str_add_span(struct str *str, struct span span)
{
    str_add(str, span.ptr, span.len);
}

void str_add_char(struct str *str, char c)
{
    str_add(str, &c, 1);
}

void str_printf(struct str *str, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    assert(len >= 0);

    reserve(str, (size_t)len);
    va_start(ap, fmt);
    vsnprintf(str->ptr + str->len, (size_t)len + 1, fmt, ap);
    va_end(ap);
    str->len += (size_t)len;
}

struct span str_span(const struct str *str)
{
    return (struct span){ str->ptr, str->len };
}
