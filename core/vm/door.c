/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/door.h"

#include "base/err.h"
#include "vm/budget.h"
#include "vm/state.h"

struct visit {
    struct vm *vm;
    door_fn *fn;
    void *arg;
};

static int enter(lua_State *L)
{
    struct visit *visit = lua_touserdata(L, 1);

    lua_settop(L, 0);
    visit->fn(visit->vm, visit->arg);
    return 0;
}

int door_enter(struct vm *vm, door_fn *fn, void *arg, struct err *err)
{
    struct visit visit = { vm, fn, arg };

    lua_pushcfunction(vm->L, enter);      /* enter */
    lua_pushlightuserdata(vm->L, &visit); /* enter visit */
    if (lua_pcall(vm->L, 1, 0, 0) == LUA_OK)
        return 0;
    const char *why = lua_tostring(vm->L, -1);
    err_set(err, ERR_INVALID, "%s", why == NULL ? "an error that is no text" : why);
    lua_pop(vm->L, 1);
    vm->running = NULL;
    return err->code;
}

int door_resume(struct vm *vm, lua_State *co, int args, int *count)
{
    budget_watch(vm, co);
    int status = lua_resume(co, vm->L, args, count);
    vm->running = NULL;
    return status;
}
