/* SPDX-License-Identifier: Apache-2.0 */
/* How a playbook's wish becomes data: the half of run.h that runs inside a playbook. */
#include "vm/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "base/arena.h"
#include "vm/state.h"

/* Raises {code, message}, with the place in front of the message. */
static int raise_coded(lua_State *L, const char *code, const char *message)
{
    lua_createtable(L, 0, 2); /* error */
    lua_pushstring(L, code);
    lua_setfield(L, -2, "code");
    luaL_where(L, 1);
    lua_pushstring(L, message);
    lua_concat(L, 2);
    lua_setfield(L, -2, "message");
    return lua_error(L);
}

struct branch *run_may_wish(lua_State *L)
{
    struct branch *branch = *branch_slot(L);

    if (branch == NULL)
        luaL_error(L, "a step is not allowed here: the playbook is only being read; steps "
                      "belong into run and recover");
    if (!lua_isyieldable(L))
        luaL_error(L, "a step is not allowed here: a function given to table.sort or "
                      "string.gsub cannot wait");
    return branch;
}

int run_wish_number(lua_State *L)
{
    return (*branch_slot(L))->wishes;
}

void run_wish_again(lua_State *L, int number)
{
    struct branch *branch = *branch_slot(L);

    if (number < 1 || number > branch->wishes)
        luaL_error(L, "the wait goes on from a step that it did not make");
    branch->run->wishes -= branch->wishes - number;
    branch->wishes = number;
}

/* After the wait: ok, value on top. */
static int on_answer(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    if (lua_toboolean(L, -2))
        return 1;
    return lua_error(L);
}

static struct vm_wish *add_wish(struct vm *vm)
{
    if (vm->wish_count == vm->wish_cap) {
        vm->wish_cap = vm->wish_cap == 0 ? 16 : vm->wish_cap * 2;
        vm->wishes = xrealloc(vm->wishes, vm->wish_cap * sizeof *vm->wishes);
    }
    return &vm->wishes[vm->wish_count++];
}

int run_wish(lua_State *L, const char *kind, const char *action, struct span args)
{
    struct branch *branch = run_may_wish(L);
    struct vm *vm = vm_of(L);

    if (branch->run->wishes >= VM_WISHES_MAX)
        return raise_coded(L, "limit", "this run has made 10000 steps; no more are taken");
    if (vm->wish_bytes.len + args.len > VM_TURN_MAX)
        return raise_coded(L, "limit", "more than 4 MiB of steps at once; use at_once");
    branch->run->wishes++;
    struct vm_wish *wish = add_wish(vm);
    snprintf(wish->path, sizeof wish->path, "%s", branch->path);
    wish->n = ++branch->wishes;
    wish->kind = kind;
    wish->action_at = vm->wish_bytes.len;
    wish->action_len = strlen(action);
    str_add_text(&vm->wish_bytes, action);
    wish->args_at = vm->wish_bytes.len;
    wish->args_len = args.len;
    str_add_span(&vm->wish_bytes, args);
    branch->state = BRANCH_WAITING;
    return lua_yieldk(L, 0, 0, on_answer);
}

int run_fork(lua_State *L, int count, int at_once)
{
    struct branch *branch = run_may_wish(L);

    if (branch->depth >= VM_FORK_DEPTH_MAX)
        return raise_coded(L, "limit", "ctx.all and ctx.each stand in one another 8 deep");
    if (branch->run->branch_count + (count < at_once ? count : at_once) > VM_BRANCHES_MAX)
        return raise_coded(L, "limit", "more than 1000 branches at once");
    struct fork *fork = xcalloc(1, sizeof *fork);
    branch->fork = fork; /* owned by the branch before anything can raise */
    fork->count = count;
    fork->at_once = at_once;
    fork->error_ref = fork->fn_ref = fork->items_ref = fork->results_ref = LUA_NOREF;
    if (lua_isnil(L, -1))
        lua_pop(L, 1); /* items */
    else
        fork->fn_ref = luaL_ref(L, LUA_REGISTRYINDEX); /* items */
    fork->items_ref = luaL_ref(L, LUA_REGISTRYINDEX);  /* - */
    lua_createtable(L, count, 0);
    fork->results_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    branch->forks++;
    branch->state = BRANCH_FORKED;
    return lua_yieldk(L, 0, 0, on_answer);
}
