/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/part.h - how much of a change is done, field by field.
 *
 * A change of several requests that ended between two of them leaves each field of its slice
 * as before or as planned. Such a change is partly done: it is completed, or taken back. A field
 * that is neither is somebody else's.
 */
#pragma once

#include <stdbool.h>

#include "base/json.h"
#include "base/str.h"

enum { PARTS_NAMED_MAX = 20 /* fields of one list; the count goes on */ };

struct part_list {
    struct str names; /* JSON texts, without brackets */
    int count;
};

struct parts {
    struct part_list before, planned; /* fields that the change is about */
    struct part_list foreign;         /* fields that are neither */
};

/* told: what the plugin says of a slice that only it can read ({"before":[...],"planned":
 * [...]}); empty: the fields are compared. */
void parts_of(struct parts *parts, struct span before, struct span planned, struct span now,
              struct span told);
void parts_fini(struct parts *parts);
/* Some fields are as before, some as planned, and none is neither. */
bool parts_are_mixed(const struct parts *parts);
/* Adds member "parts". */
void parts_put(struct json_out *out, const struct parts *parts);
/* "as planned: scm; still as before: ftp" */
void parts_say(struct str *out, const struct parts *parts);

/* Is each field of now as in a or as in b? */
bool parts_lie_between(struct span a, struct span b, struct span now);
