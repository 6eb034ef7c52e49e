/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

struct id id_run(int64_t run)
{
    struct id id;

    snprintf(id.text, sizeof id.text, "r-%06" PRId64, run);
    return id;
}

struct id id_gate(int64_t run, int n)
{
    struct id id;

    snprintf(id.text, sizeof id.text, "g-%06" PRId64 "-%d", run, n);
    return id;
}

struct id id_hold(int64_t run, int n)
{
    struct id id;

    snprintf(id.text, sizeof id.text, "h-%06" PRId64 "-%d", run, n);
    return id;
}

/* span_int() also takes a sign, which would make "g-1--2" a name. */
static bool read_digits(struct span text, int64_t *value)
{
    return text.len > 0 && text.ptr[0] != '-' && span_int(text, value);
}

static bool read_run(struct span text, int64_t *run)
{
    int64_t value;

    if (!read_digits(text, &value) || value == 0)
        return false;
    *run = value;
    return true;
}

bool id_parse_run(struct span text, int64_t *run)
{
    if (span_starts(text, "r-"))
        text = (struct span){ text.ptr + 2, text.len - 2 };
    return read_run(text, run);
}

/* "g-000041-2": the prefix, a run, a number within it. */
static bool parse_part(struct span text, const char *prefix, int64_t *run, int *n)
{
    int64_t value;

    if (!span_starts(text, prefix))
        return false;
    const char *first = text.ptr + strlen(prefix);
    const char *end = text.ptr + text.len;
    const char *dash = memchr(first, '-', (size_t)(end - first));
    if (dash == NULL)
        return false;
    if (!read_digits((struct span){ dash + 1, (size_t)(end - dash - 1) }, &value) ||
        value > INT_MAX)
        return false;
    if (!read_run((struct span){ first, (size_t)(dash - first) }, run))
        return false;
    *n = (int)value;
    return true;
}

bool id_parse_gate(struct span text, int64_t *run, int *n)
{
    return parse_part(text, "g-", run, n);
}

bool id_parse_hold(struct span text, int64_t *run, int *n)
{
    return parse_part(text, "h-", run, n);
}
