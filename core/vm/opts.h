/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/opts.h - reading the tables that playbooks hand over, strictly: a key that means
 * nothing is an error that names the nearest that does. All of these raise; what names the
 * call in the sentence ("ctx.approve"). Tables are plain ones, so reading is raw.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <lua.h>

#include "base/str.h"

/* A table without a metatable, whose keys are all in names (NULL at the end). */
void opts_check(lua_State *L, int idx, const char *what, const char *const *names);

/* Text of at most VM_TEXT_MAX bytes, UTF-8; the empty span when absent and not required.
 * The span lives as long as the table holds the string. */
struct span opts_text(lua_State *L, int idx, const char *what, const char *key,
                      bool required);
/* One of names (NULL at the end); otherwise, when absent. */
const char *opts_choice(lua_State *L, int idx, const char *what, const char *key,
                        const char *const *names, const char *otherwise);
int64_t opts_int(lua_State *L, int idx, const char *what, const char *key, int64_t least,
                 int64_t most, int64_t otherwise);
/* "30m", or a whole number of seconds; in milliseconds; otherwise, when absent. */
int64_t opts_duration(lua_State *L, int idx, const char *what, const char *key,
                      int64_t otherwise);
/* The same for the value at idx itself. */
int64_t opts_duration_at(lua_State *L, int idx, const char *what);
/* The text at idx itself. */
struct span opts_text_at(lua_State *L, int idx, const char *what);

/* Raises "what has no 'key'; did you mean 'nearest'?". */
int opts_unknown(lua_State *L, const char *what, struct span key, const char *const *names,
                 size_t count);
