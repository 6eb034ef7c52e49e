/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/fork.h - ctx.all and ctx.each: several branches of one run at the same time.
 */
#pragma once

#include <lua.h>

/* ctx.all { f, g, ... }: what each returned, in their order. */
int fork_all(lua_State *L);
/* ctx.each(list, fn, { at_once = 8 }): what fn(item, index) returned for each. */
int fork_each(lua_State *L);
