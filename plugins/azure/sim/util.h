/* SPDX-License-Identifier: Apache-2.0 */
/*
 * util.h - small things that every file of the simulator uses: text, time, chance, JSON.
 *
 * Memory is never short here: what asks for it aborts when there is none. Every size that a
 * stranger chooses is bounded before it gets here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

enum {
    UUID_SIZE = 37, /* with the final zero */
    TIME_SIZE = 32
};

void *xcalloc(size_t count, size_t size);
char *xstrdup(const char *text);

/* Returns formatted text that the caller frees. */
char *text_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

bool text_is(const char *a,
             const char *b); /* letter case apart; NULL is equal to nothing */
bool text_contains(const char *text, const char *part); /* letter case apart */
bool text_starts(const char *text, const char *prefix); /* letter case apart */

/* Is id the scope itself or something below it? ARM ids, letter case apart. */
bool scope_covers(const char *scope, const char *id);

/* Does pattern, in which * stands for anything, fit text? Letter case apart. */
bool wildcard_fits(const char *pattern, const char *text);

/* Base64 of text, to be freed; the same for URLs, without padding, and back: NULL when text,
 * which may be NULL, is something else. */
char *text_base64(const char *text);
char *text_base64url(const char *text);
char *text_from_base64url(const char *text);

bool is_uuid(const char *text);

int64_t clock_ms(void);                               /* wall clock */
int64_t clock_steady_ms(void);                        /* never goes back; for timers */
void time_text(char out[TIME_SIZE], int64_t unix_ms); /* 2026-01-31T12:00:00.123Z */
void uuid_make(char out[UUID_SIZE]);
void hex_make(char *out, size_t bytes); /* writes 2 * bytes digits and a zero */

/* Members of a JSON object: NULL, or the default, when absent or of another type. */
cJSON *json_get(const cJSON *object, const char *name);
const char *json_text(const cJSON *object, const char *name);
bool json_true(const cJSON *object, const char *name);
double json_number(const cJSON *object, const char *name, double otherwise);

/* Puts item under name, in the place of what was there. Takes item; without an object, which
 * may be NULL, it is gone. */
void json_set(cJSON *object, const char *name, cJSON *item);
void json_set_text(cJSON *object, const char *name, const char *text);

/* Copies the member name of from into to, when from has it. */
void json_copy(cJSON *to, const cJSON *from, const char *name);

/* Finds the element of array whose member name is text, letter case apart. */
cJSON *json_find(const cJSON *array, const char *name, const char *text);

/* Applies a JSON merge patch (RFC 7396). Takes target, borrows patch, returns the result,
 * which is NULL when the patch is null. */
cJSON *json_merge(cJSON *target, const cJSON *patch);

/* Takes list and gives its objects back in an order that says nothing: by a hash of each. */
cJSON *list_in_opaque_order(cJSON *list);
