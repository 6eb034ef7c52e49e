/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/value.h - JSON to Lua and back.
 *
 * To Lua: whole numbers become integers, others floats; objects and arrays tables; null is
 * absent in an object and the sentinel `null` in an array, so that arrays stay dense.
 *
 * To JSON: canonical always. A table with the keys 1 to n is an array, one with string keys
 * an object, an empty one []. What is no data raises, and the sentence has the path.
 */
#pragma once

#include <stdbool.h>

#include <lua.h>

#include "base/str.h"

/* The sentinel: a light userdata, the same in all runs. */
void value_push_null(lua_State *L);
bool value_is_null(lua_State *L, int idx);

/* Pushes a checked JSON value; the empty span is nil. */
void value_push(lua_State *L, struct span json);

enum { VALUE_IS_OBJECT = 1 }; /* an empty table is {} and not [] */

/* Sets vm->json to the canonical form of the value at idx, at most VM_WISH_MAX bytes; what
 * names it in errors. */
void value_write(lua_State *L, int idx, const char *what, int flags);

/* Pushes a table 1..n of the keys of the table at idx: integers, then floats, then strings
 * by their bytes. Any other key raises. Returns n. */
size_t value_push_keys(lua_State *L, int idx);

/* How many items the sequence at idx has; raises when it has holes, naming what. */
lua_Integer value_sequence(lua_State *L, int idx, const char *what);

/* "a number", "a table", "null": never an address. */
const char *value_kind(lua_State *L, int idx);
