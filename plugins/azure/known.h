/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known.h - what was looked up lately, and is good for a while.
 *
 * For what guards and policies want to know beside the slice: it may be minutes old, and
 * asking for it each time would double what a preview asks. Lives as long as the process.
 */
#pragma once

#include <stdint.h>

struct azure;
struct job;

enum { KNOWN_MAX = 256 }; /* things kept at once; the oldest makes room */

struct known {
    char *what; /* kind and place */
    char *text;
    int64_t until_ms;
};

/* A copy in the job's memory; NULL when it is not known, or no longer. */
const char *known_find(struct job *job, const char *what);
/* Replaces what was kept under that name. With 0 ms it is forgotten. */
void known_keep(struct job *job, const char *what, const char *text, int64_t ms);
void known_fini(struct azure *azure);
