/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/door.h - the one way into Lua: the only lua_pcall and the only lua_resume.
 *
 * Everything that can raise happens behind it; elsewhere no frame can be jumped over.
 */
#pragma once

#include <lua.h>

struct err;
struct vm;

typedef void door_fn(struct vm *vm, void *arg);

/* Calls fn, which may raise. 0, or ERR_INVALID and what was raised. */
int door_enter(struct vm *vm, door_fn *fn, void *arg, struct err *err);

/* Carries co on, with its work counted. Returns LUA_OK, LUA_YIELD or an error's code; what
 * it returned, yielded or raised lies on its stack, *count values. Behind the door only. */
int door_resume(struct vm *vm, lua_State *co, int args, int *count);
