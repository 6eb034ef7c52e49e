/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/ctx.h - what a run can ask for beside actions: time, people, other runs, branches.
 */
#pragma once

#include <lua.h>

#include "base/str.h"

/* Once per Lua state. */
void ctx_open(lua_State *L);
/* Pushes the ctx of one run; about: {"id","alert","requester","parent"}. */
void ctx_push(lua_State *L, struct span about);

/* The Lua part (prelude.c): adds atomic and wait_until to the table at the top, given the
 * functions they are made of below it. */
void prelude_add(lua_State *L);
