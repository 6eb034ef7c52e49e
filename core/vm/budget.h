/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/budget.h - how much a playbook may work and hold, and how a VM process says its last
 * word.
 *
 * Neither end can be caught by the playbook: nothing is raised. The process answers the
 * frame it is working on (for a run: VM_TURN_BUDGET) and exits. The engine has the other
 * runs of this process replayed in a fresh one.
 *
 * Lua never sees an allocation fail. Debian's 5.4.4 can corrupt itself when it does.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <lua.h>

struct vm;

enum { VM_EXIT_SPENT = 3 }; /* the exit code after a last word */

/* lua_Alloc that counts; its user data is the struct vm. */
void *budget_alloc(void *vm, void *ptr, size_t old, size_t size);

/* Before an activation: nothing used yet, at most steps_max. */
void budget_begin(struct vm *vm, int64_t steps_max);
/* Before each resume of a coroutine: counts its instructions from here on. */
void budget_watch(struct vm *vm, lua_State *co);
/* Work done in C that is worth so many instructions. */
void budget_charge(lua_State *L, size_t steps);
