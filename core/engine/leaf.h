/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/leaf.h - two states of one slice, field by field.
 *
 * A leaf is a place where two canonical JSON values can differ: a member that is not an
 * object in both of them. Lists are leaves as a whole. Nothing here knows what a field means;
 * that is what lets holds share a slice without its plugin.
 */
#pragma once

#include <stdbool.h>

#include "base/json.h"
#include "base/str.h"

enum { LEAVES_MAX = 2000 }; /* of one slice; a larger one is a single leaf */

struct leaf {
    struct span path[JSON_DEPTH_MAX]; /* raw keys, borrowed from the values */
    int depth;
    struct span a, b; /* what the two have there; empty: absent */
};

struct leaves {
    struct leaf *items; /* free() */
    int count;
};

/* All leaves of a and b together. */
void leaves_of(struct leaves *leaves, struct span a, struct span b);
void leaves_fini(struct leaves *leaves);
/* What json has at the leaf's place; empty when it is absent. */
struct span leaf_at(const struct leaf *leaf, struct span json);
/* Adds json to out with value at the leaf's place; an empty value takes the member away. */
void leaf_put(const struct leaf *leaf, struct str *out, struct span json,
              struct span value);
