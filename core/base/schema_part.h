/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/schema_part.h - what the schema_*.c files and schema.c share; for nobody else.
 */
#pragma once

#include "base/json.h"
#include "base/schema.h"
#include "base/str.h"

struct err;

enum { SCHEMA_FORMAT_COUNT = 6, SCHEMA_SHOWN_MAX = 100 };

extern const char *const schema_formats[SCHEMA_FORMAT_COUNT];
/* What a value of this format is, for "want ..."; NULL for an unknown format. */
const char *schema_format_want(struct span name);
/* Is id one of Azure Resource Manager, and of which type? The type is that of the last
 * provider in it: "Microsoft.Web/sites/config". type is overwritten. */
bool schema_arm_type(struct span id, struct str *type);
/* The same, but says what is wrong, as the end of a sentence; NULL: nothing. */
const char *schema_arm_fault(struct span id, struct str *type);
/* May the id of a thing of this type stand where one of type want is asked for? */
bool schema_arm_fits(struct span want, struct span type);

/* Where in a value or a schema we are: "ips[2].address", empty at the top. */
struct schema_path {
    struct str text;
};

/* Both return the length to give to schema_path_pop. name is raw. */
size_t schema_path_push(struct schema_path *path, struct span name);
size_t schema_path_push_index(struct schema_path *path, size_t index);
void schema_path_pop(struct schema_path *path, size_t len);

/* Fails with "PATH: sentence", or just the sentence at the top. */
int schema_fail(struct err *err, const struct schema_path *path, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Value on one line, cut after SCHEMA_SHOWN_MAX bytes or so; out is overwritten. */
const char *schema_show(struct str *out, struct span value);

/* The member whose raw name is key; for canonical objects, where equal names are equal
 * bytes. */
struct span schema_member(struct span object, struct span key);
/* ", did you mean \"x\"?" over the names of object's members, or nothing; out is
 * overwritten. */
const char *schema_hint(struct str *out, struct span word, struct span object);
/* The same over names. */
const char *schema_hint_of(struct str *out, struct span word, const char *const *names,
                           size_t count);

/* Is value of the type that name (raw, as in "type") says? False for unknown names. */
bool schema_has_type(struct span value, struct span name);
/* Does "type", a string or an array of strings, say name? */
bool schema_says_type(struct span type, const char *name);
/* Of the items of a canonical array, one that is there twice; empty when there is none. */
struct span schema_duplicate(struct span array);
/* Matches canonical value against canonical, checked schema. */
int schema_match_at(struct span schema, struct span value, struct schema_path *path,
                    struct err *err);
