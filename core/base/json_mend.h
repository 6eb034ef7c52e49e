/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/json_mend.h - JSON as senders write it, made into JSON that json_check accepts.
 *
 * An attacked machine logs what the attacker typed, and the alert about it carries these
 * bytes: NUL, half a surrogate pair, bytes that are not UTF-8. Platforms add byte order
 * marks, duplicate members and integers beyond 2^53. A strict reader loses the alert. This
 * one keeps the alert, replaces what cannot stand in JSON, and lists each replacement.
 *
 * It replaces text inside a value. It never guesses at structure: a text that ends too
 * early, or has something behind its value, is an error. Use it for deliveries only; each
 * other input stays with json_check.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct err;

enum {
    JSON_MENDS_MAX = 50,                /* replacements that are listed; more are counted */
    JSON_MEND_WHAT_CAP = 120,           /* bytes of one's sentence */
    JSON_MEND_DEPTH_MAX = 24,           /* what lies deeper is kept as a text */
    JSON_MEND_MEMBERS_MAX = 300 * 1000, /* members of all objects together */
    JSON_MEND_LEN_MAX = 6 * 1024 * 1024 /* bytes of what it writes */
};

struct json_mend {
    size_t at; /* where it stands in what was written */
    long line, column;
    char what[JSON_MEND_WHAT_CAP]; /* "NUL is replaced by U+FFFD" */
};

struct json_mends {
    int count; /* of all; items has the first JSON_MENDS_MAX */
    struct json_mend items[JSON_MENDS_MAX];
};

/* Adds one JSON value that json_check accepts. UTF-16, with or without a byte order mark, is
 * read too. Of members with one name the last is kept. ERR_INVALID and ERR_TOO_BIG name line
 * and column; out is then as before. */
int json_mend(struct str *out, struct span bytes, struct json_mends *mends,
              struct err *err);

/* True for UTF-8 without NUL, which a JSON string can hold as it is. */
bool json_is_text(struct span bytes);
