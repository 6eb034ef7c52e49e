/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/sandbox.h - the language that a playbook is given: Lua without what would make two
 * runs of it differ, and without what reaches outside.
 *
 * Everything here is shared by all runs of the process, so nothing here can be written to:
 * libraries are empty tables in front of the real ones, and no function that could look
 * behind them is reachable.
 */
#pragma once

#include <lua.h>
#include <lauxlib.h>

/* Once per Lua state: the string metatable and what the environments are made of. */
void sandbox_open(lua_State *L);

/* Replaces the table at the top, of names that are added to the language (use, playbook), by
 * the environment of playbooks. */
void sandbox_push_playbook_env(lua_State *L);
/* Pushes the environment of Lua-as-data: no pcall, nothing added. */
void sandbox_push_data_env(lua_State *L);

/* Makes the function below the top see the environment at the top; pops it. */
void sandbox_confine(lua_State *L);

/* Replaces the table at the top by a face of it that cannot be written to; what names it
 * in errors and lives for ever. Reading what it does not have raises and names the
 * nearest that it has. */
void sandbox_protect(lua_State *L, const char *what);
/* The same with another function for what the table does not have. */
void sandbox_protect_with(lua_State *L, const char *what, lua_CFunction on_absent);

/* The parts; each pushes a table (base: adds to the one at the top). */
void lib_add_base(lua_State *L);
void lib_push_string(lua_State *L);
void lib_push_table(lua_State *L);
void lib_push_math(lua_State *L);
void lib_push_utf8(lua_State *L);

/* Adds those fields of the library that luaopen opens which names lists (NULL at the end)
 * to the table at the top. */
void lib_copy(lua_State *L, lua_CFunction open, const char *const *names);
