/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/source.h - what a source must be before Lua's parser may see it, and where in it
 * something is wrong.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#include "base/str.h"

/* A place in a source and what is wrong there. */
struct source_error {
    int line;
    int column;
    char message[320];
};

/* Text (no bytecode), at most VM_SOURCE_MAX bytes, UTF-8 without NUL, and without
 * characters that make it read differently from what it does. 0, or -1 and the error. */
int source_check(struct span source, struct source_error *error);

/* Checks and compiles; pushes the function. 0, or -1 and the error, nothing pushed.
 * chunk is "=" and the name. */
int source_compile(lua_State *L, struct span source, const char *chunk,
                   struct source_error *error);

/* Splits Lua's own "name:12: sentence" into its parts; line 0 when it has none. */
void source_split(const char *chunk, const char *text, struct source_error *error);

/* Adds {"code","column","line","message"}. */
void source_error_json(struct str *out, const char *code, const struct source_error *error);

/* The length of the UTF-8 character at pos, 0 when there is none; *character is its
 * number. */
size_t source_utf8(const char *pos, const char *end, uint32_t *character);
/* UTF-8 without NUL? */
bool source_is_text(struct span text);
