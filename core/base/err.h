/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/err.h - what went wrong: a number for code, a sentence for people.
 *
 * A function that can fail in a way somebody should read about takes a struct err * last,
 * never NULL, and returns 0 or the negative code it stored there. Sentences are lower case,
 * have no full stop, name the thing and say what would be right.
 */
#pragma once

#include <stdbool.h>

enum {
    ERR_INVALID = -1, /* the caller's input is wrong; say what would be right */
    ERR_NOT_FOUND = -2,
    ERR_EXISTS = -3,
    ERR_IO = -4, /* disk, socket or database */
    ERR_DENIED = -5,
    ERR_BUSY = -6, /* the same call may work later */
    ERR_CANCELED = -7,
    ERR_TOO_BIG = -8, /* a limit of ours was reached; name the limit */
    ERR_CORRUPT = -9, /* what we stored is not what we wrote */
    ERR_VERSION = -10 /* made by a version of cordon that we cannot read */
};

struct err {
    int code;
    char text[512];
};

/* Stores code and sentence. Returns code, so that failing is one line:
 *     return err_set(err, ERR_IO, "open %s: %s", path, strerror(errno)); */
int err_set(struct err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "what we were doing: " in front of the sentence. Returns err->code. */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The code for an errno: ERR_NOT_FOUND, ERR_BUSY when only descriptors, memory or processes are
 * short at the moment, otherwise ERR_IO. */
int err_of_errno(int errnum);

/* The word for a code, as --json prints it: "invalid", "not_found", ... Static. */
const char *err_word(int code);
