/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/schema.h - JSON Schema, as much of it as arguments and results need.
 *
 * Understood: type (also a list), properties, required, additionalProperties (boolean),
 * items, enum, const, minimum, maximum, minLength, maxLength, minItems, maxItems,
 * uniqueItems, description, title, default, examples, format (see schema.c), and cordon's
 * own "x-arm-type": the Azure resource type that a string must be the id of. Anything else
 * is refused by schema_check, and so is a keyword without the "type" that it speaks of
 * beside it, so that nobody believes in a rule that is not enforced.
 *
 * An empty array is taken where an object is wanted and has no required members: a Lua
 * table without entries does not say which of the two it is.
 */
#pragma once

#include "base/str.h"

struct err;

/* Is this text a schema that this file enforces in full? The error names the place. */
int schema_check(struct span schema, struct err *err);

/* Does value keep the schema? The first breach is the error: "ips[2]: want an ip address,
 * got \"10.0.0\"", with the nearest known name for a misspelt member. */
int schema_match(struct span schema, struct span value, struct err *err);

/* Formats, usable alone: "ip" (v4 or v6, optionally /prefix), "arm-id", "uuid",
 * "duration", "period" (a duration above zero), "date-time". False for an unknown format. */
bool schema_format(const char *format, struct span text);

/* The nearest of names (by edit distance, at most 3) to word, or NULL. */
const char *schema_nearest(struct span word, const char *const *names, size_t count);
