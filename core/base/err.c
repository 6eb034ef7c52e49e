/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Formatted aside first: an argument may be err->text itself. */
int err_set(struct err *err, int code, const char *fmt, ...)
{
    char text[sizeof err->text];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    err->code = code;
    memcpy(err->text, text, strlen(text) + 1);
    return code;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
    char text[2 * sizeof err->text + 2];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof err->text, fmt, ap);
    va_end(ap);
    size_t lead = strlen(text);
    snprintf(text + lead, sizeof text - lead, ": %s", err->text);
    /* Cut at the end where need be: the thing is still named, only the detail gets shorter. */
    text[sizeof err->text - 1] = '\0';
    memcpy(err->text, text, strlen(text) + 1);
    return err->code;
}

int err_of_errno(int errnum)
{
    switch (errnum) {
    case ENOENT: return ERR_NOT_FOUND;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case EAGAIN: return ERR_BUSY;
    default: return ERR_IO;
    }
}

const char *err_word(int code)
{
    switch (code) {
    case 0: return "ok";
    case ERR_INVALID: return "invalid";
    case ERR_NOT_FOUND: return "not_found";
    case ERR_EXISTS: return "exists";
    case ERR_IO: return "io";
    case ERR_DENIED: return "denied";
    case ERR_BUSY: return "busy";
    case ERR_CANCELED: return "canceled";
    case ERR_TOO_BIG: return "too_big";
    case ERR_CORRUPT: return "corrupt";
    case ERR_VERSION: return "version";
    }
    return "unknown";
}
