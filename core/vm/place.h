/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/place.h - where in a Lua file a value stands that is known by its path.
 *
 * Data has no lines once it is evaluated. The file is looked through for table constructors,
 * from its return (or that of playbook { ... }) on: "rules[1].match.taget" is the key taget of the table match of the second
 * entry of rules. What is not written as a constructor (a variable, a call) is found as far as
 * the path can be followed.
 */
#pragma once

#include "base/str.h"

struct err;

struct place {
    int line;
    int column; /* in characters, from 1 */
};

/* The path is as base/schema.h writes it: names with dots between them, "[0]" for the first
 * entry of a list. The place of the deepest part that is found; line 1 when there is none. */
struct place place_find(struct span source, struct span path);
/* An error that begins with such a path, or that speaks of an unknown member of it. */
struct place place_of_error(struct span source, const char *text);
/* The same, put before the sentence: "cordon.lua:12:5: serve.console: ...". Returns its code. */
int place_wrap(struct err *err, const char *path, struct span source);
