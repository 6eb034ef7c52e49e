/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/branch.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "base/arena.h"
#include "vm/door.h"
#include "vm/state.h"
#include "vm/value.h"

struct branch *branch_new(struct vm *vm, struct run *run, struct branch *parent, int index)
{
    struct branch *branch = xcalloc(1, sizeof *branch);

    branch->run = run;
    branch->parent = parent;
    branch->index = index;
    if (parent == NULL) {
        snprintf(branch->path, sizeof branch->path, "0");
    } else {
        branch->depth = parent->depth + 1;
        int len = snprintf(branch->path, sizeof branch->path, "%s.%d.%d", parent->path,
                           parent->forks, index);
        assert(len > 0 && (size_t)len < sizeof branch->path);
    }
    list_init(&branch->ready);
    list_add(&run->branches, &branch->link);
    run->branch_count++;
    branch->co = lua_newthread(vm->L);
    branch->ref = luaL_ref(vm->L, LUA_REGISTRYINDEX);
    *branch_slot(branch->co) = NULL; /* nothing to wish for until it is set up */
    return branch;
}

static void free_fork(struct vm *vm, struct fork *fork)
{
    luaL_unref(vm->L, LUA_REGISTRYINDEX, fork->items_ref);
    luaL_unref(vm->L, LUA_REGISTRYINDEX, fork->fn_ref);
    luaL_unref(vm->L, LUA_REGISTRYINDEX, fork->results_ref);
    luaL_unref(vm->L, LUA_REGISTRYINDEX, fork->error_ref);
    free(fork);
}

void branch_free(struct vm *vm, struct branch *branch)
{
    *branch_slot(branch->co) = NULL;
    luaL_unref(vm->L, LUA_REGISTRYINDEX, branch->ref);
    if (branch->fork != NULL)
        free_fork(vm, branch->fork);
    list_remove(&branch->ready);
    list_remove(&branch->link);
    branch->run->branch_count--;
    free(branch);
}

void branch_set_ready(struct branch *branch)
{
    branch->state = BRANCH_READY;
    list_add(&branch->run->ready, &branch->ready);
}

/* -- Forks -------------------------------------------------------------------------------- */

static void start_child(struct vm *vm, struct branch *parent, struct fork *fork)
{
    int index = ++fork->started;
    struct branch *child = branch_new(vm, parent->run, parent, index);
    lua_State *co = child->co;

    lua_rawgeti(co, LUA_REGISTRYINDEX, fork->items_ref); /* co: items */
    if (fork->fn_ref == LUA_NOREF) {
        lua_rawgeti(co, -1, index); /* co: items fn */
        lua_remove(co, -2);         /* co: fn */
    } else {
        lua_rawgeti(co, LUA_REGISTRYINDEX, fork->fn_ref); /* co: items fn */
        lua_rawgeti(co, -2, index);                       /* co: items fn item */
        lua_pushinteger(co, index);                       /* co: items fn item index */
        lua_remove(co, -4);                               /* co: fn item index */
        child->args = 2;
    }
    *branch_slot(co) = child;
    branch_set_ready(child);
}

static void start_children(struct vm *vm, struct branch *branch)
{
    struct fork *fork = branch->fork;

    while (fork->started < fork->count && fork->started - fork->ended < fork->at_once)
        start_child(vm, branch, fork);
}

/* All have ended: the parent goes on with the results, or with the first error. */
static void end_fork(struct vm *vm, struct branch *parent)
{
    struct fork *fork = parent->fork;
    bool ok = fork->error_index == 0;

    lua_pushboolean(parent->co, ok); /* co: ok */
    lua_rawgeti(parent->co, LUA_REGISTRYINDEX, ok ? fork->results_ref : fork->error_ref);
    parent->args = 2; /* co: ok value */
    parent->fork = NULL;
    free_fork(vm, fork);
    branch_set_ready(parent);
}

/* child's co has the value on top. Nothing becomes null, so that results have no holes. */
static void keep_result(struct vm *vm, struct fork *fork, struct branch *child)
{
    lua_State *L = vm->L;

    lua_rawgeti(L, LUA_REGISTRYINDEX, fork->results_ref); /* results */
    lua_xmove(child->co, L, 1);                           /* results value */
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        value_push_null(L);
    }
    lua_rawseti(L, -2, child->index); /* results */
    lua_pop(L, 1);
}

static void keep_error(struct vm *vm, struct fork *fork, struct branch *child)
{
    if (fork->error_index != 0 && fork->error_index < child->index)
        return;
    luaL_unref(vm->L, LUA_REGISTRYINDEX, fork->error_ref);
    lua_xmove(child->co, vm->L, 1); /* error */
    fork->error_ref = luaL_ref(vm->L, LUA_REGISTRYINDEX);
    fork->error_index = child->index;
}

void branch_hand_back(struct vm *vm, struct branch *branch, int status)
{
    struct branch *parent = branch->parent;
    struct fork *fork = parent->fork;

    fork->ended++;
    if (status == LUA_OK)
        keep_result(vm, fork, branch);
    else
        keep_error(vm, fork, branch);
    branch_free(vm, branch);
    if (fork->ended == fork->count)
        end_fork(vm, parent);
    else
        start_children(vm, parent);
}

/* -- Going on ----------------------------------------------------------------------------- */

int branch_resume(struct vm *vm, struct branch *branch)
{
    int count = 0, args = branch->args;

    list_remove(&branch->ready);
    branch->args = 0;
    int status = door_resume(vm, branch->co, args, &count);
    if (status == LUA_YIELD) {
        /* Nothing but run_wish and run_fork yields, and they say what for. */
        assert(count == 0 &&
               (branch->state == BRANCH_WAITING || branch->state == BRANCH_FORKED));
        if (branch->state == BRANCH_FORKED)
            start_children(vm, branch);
        return status;
    }
    if (status == LUA_OK)
        lua_settop(branch->co, lua_gettop(branch->co) - count + 1); /* co: first or nil */
    branch->state = BRANCH_ENDED;
    return status;
}
