/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/str.h - bytes that grow, and bytes that are borrowed.
 *
 * struct str owns its bytes and always has a NUL behind them. struct span borrows bytes
 * from somebody else and has no NUL; an empty span has len 0.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    char *ptr; /* NULL until something is added; str_text() is never NULL */
    size_t len;
    size_t cap;
    bool
        is_secret; /* set it before anything is added: no copy is left behind when it grows,
                       is reset or ends */
};

struct span {
    const char *ptr;
    size_t len;
};

/* A zeroed struct str is a valid, empty one. */
void str_fini(struct str *str);
/* Overwrites, then frees: for what is secret. */
void str_wipe(struct str *str);
/* The same for a text from malloc(); NULL is fine. */
void text_wipe(char *text);
/* len 0, memory kept. */
void str_reset(struct str *str);
const char *str_text(const struct str *str); /* "" when empty; never NULL */
/* The bytes become the caller's (free()); the str is empty again. Never NULL. */
char *str_take(struct str *str);

void str_add(struct str *str, const void *bytes, size_t len);
void str_add_text(struct str *str, const char *text);
void str_add_span(struct str *str, struct span span);
void str_add_char(struct str *str, char c);
void str_printf(struct str *str, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Text as people may see it: control, bidirectional and zero-width characters and bytes
 * that are not UTF-8 are written as \u{202E} or \x1b. */
void str_add_shown(struct str *str, const char *text, size_t len);

struct span span_of(const char *text); /* NULL gives the empty span */
struct span str_span(const struct str *str);
bool span_is(struct span span, const char *text);
bool span_equal(struct span a, struct span b);
bool span_equal_nocase(struct span a, struct span b); /* ASCII letters only */
bool span_starts(struct span span, const char *prefix);
bool span_is_blank(struct span span); /* nothing, or nothing but spaces and ends of lines */
/* "*" matches any run of characters, "?" one; ASCII letters without regard to case, as
 * Azure compares its ids. Linear in time: no backtracking beyond the last star. */
bool span_glob(struct span span, const char *pattern);
char *span_dup(struct span span); /* with a NUL; free() */
/* Reads a whole decimal integer; false if it is anything else or does not fit. */
bool span_int(struct span span, int64_t *value);

/* "30m", "24h", "1.5s", "7d", "250ms", also "1h30m"; a plain number is seconds. Returns
 * false when it is none of these, negative, no whole number of milliseconds, or beyond ten
 * years. */
bool duration_parse(struct span text, int64_t *ms);
/* The same, and false for zero: for every time that something lasts or waits. */
bool duration_positive(struct span text, int64_t *ms);
/* "30m", "1h 5m", "2d", "250ms": for people. buf has at least 32 bytes; returns buf. */
char *duration_show(int64_t ms, char *buf);

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
int64_t moment_days(int64_t year, int64_t month, int64_t day);
/* "2026-01-31T09:00:00Z", also with a fraction or an offset: milliseconds since 1970. */
bool moment_parse(struct span text, int64_t *unix_ms);
/* "+05:30" or "-08:00" in minutes. */
bool moment_offset(struct span text, int64_t *minutes);
