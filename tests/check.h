/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - tests whose names are sentences.
 *
 *     TEST(an_entry_survives_the_process_that_wrote_it)
 *     {
 *         CHECK_OK(db_open(&db, path, &err), &err);
 *         CHECK_STR(seen.last_step, "suspend");
 *     }
 *
 * Each test runs in a process of its own with a minute to live (four under a sanitizer); the
 * first check that does not hold ends it, showing the value that was and the value that
 * was wanted. A process that a test leaves behind is a failure. The program takes the name
 * of a test, or a part of names, as its argument, and runs those only. main() is in check.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

/* Defined when an address or thread sanitizer is built in. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CHECK_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CHECK_SANITIZED 1
#endif
#endif

/* Defined when the thread sanitizer is: it delivers signals only between calls. */
#if defined(__SANITIZE_THREAD__)
#define CHECK_THREAD_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CHECK_THREAD_SANITIZED 1
#endif
#endif

struct check_test {
    const char *name;
    void (*run)(void);
    const char *file;
    struct check_test *next;
};

#define TEST(sentence)                                                           \
    static void sentence(void);                                                  \
    __attribute__((constructor)) static void register_##sentence(void)           \
    {                                                                            \
        static struct check_test test = { #sentence, sentence, __FILE__, NULL }; \
        check_register(&test);                                                   \
    }                                                                            \
    static void sentence(void)

/* An expression that must be true; nothing to compare. */
#define CHECK(claim) check_true((claim), #claim, __FILE__, __LINE__)
/* A call that returns 0, or else leaves its sentence in *err. */
#define CHECK_OK(call, err) check_ok((call), (err), #call, __FILE__, __LINE__)
/* A call that fails with this code. */
#define CHECK_ERR(call, err, code) \
    check_err((call), (err), (code), #call, __FILE__, __LINE__)
#define CHECK_INT(was, wanted) \
    check_int((int64_t)(was), (int64_t)(wanted), #was, __FILE__, __LINE__)
/* Either may be NULL. */
#define CHECK_STR(was, wanted)  check_str((was), (wanted), #was, __FILE__, __LINE__)
#define CHECK_SPAN(was, wanted) check_span((was), (wanted), #was, __FILE__, __LINE__)
#define CHECK_HAS(text, part)   check_has((text), (part), true, #text, __FILE__, __LINE__)
#define CHECK_LACKS(text, part) check_has((text), (part), false, #text, __FILE__, __LINE__)
#define CHECK_MEM(was, wanted, len) \
    check_mem((was), (wanted), (len), #was, __FILE__, __LINE__)
#define FAIL(...) check_fail(__FILE__, __LINE__, __VA_ARGS__)

/* A folder for this test alone: made when first asked for, removed after the test. */
const char *check_dir(void);
/* A path in it, heap. It may be left to the end of the test's process. */
char *check_path(const char *name);

/* What the macros call. */
void check_register(struct check_test *test);
void check_true(bool holds, const char *claim, const char *file, int line);
void check_ok(int rc, const struct err *err, const char *call, const char *file, int line);
void check_err(int rc, const struct err *err, int code, const char *call, const char *file,
               int line);
void check_int(int64_t was, int64_t wanted, const char *what, const char *file, int line);
void check_str(const char *was, const char *wanted, const char *what, const char *file,
               int line);
void check_span(struct span was, const char *wanted, const char *what, const char *file,
                int line);
void check_has(const char *text, const char *part, bool is_wanted, const char *what,
               const char *file, int line);
void check_mem(const void *was, const void *wanted, size_t len, const char *what,
               const char *file, int line);
void check_fail(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), noreturn));
