/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/fork.h"

#include <lauxlib.h>

#include "vm/limits.h"
#include "vm/opts.h"
#include "vm/run.h"
#include "vm/value.h"

static lua_Integer check_list(lua_State *L, const char *what)
{
    if (lua_type(L, 1) != LUA_TTABLE || lua_getmetatable(L, 1))
        luaL_error(L, "%s takes a list first, got %s", what, value_kind(L, 1));
    lua_Integer count = value_sequence(L, 1, what);
    if (count > VM_WISHES_MAX)
        luaL_error(L, "%s takes at most %d items", what, VM_WISHES_MAX);
    return count;
}

/* The list is the playbook's own and may change while branches run. */
static void push_copy(lua_State *L, lua_Integer count)
{
    lua_createtable(L, (int)count, 0); /* copy */
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, 1, i);
        lua_rawseti(L, -2, i);
    }
}

int fork_all(lua_State *L)
{
    run_may_wish(L);
    if (lua_gettop(L) != 1)
        return luaL_error(L, "ctx.all takes one list of functions");
    lua_Integer count = check_list(L, "ctx.all");
    push_copy(L, count); /* list copy */
    for (lua_Integer i = 1; i <= count; i++) {
        if (lua_rawgeti(L, -1, i) != LUA_TFUNCTION)
            return luaL_error(L, "ctx.all: item %I is %s; want a function", (LUAI_UACINT)i,
                              value_kind(L, -1));
        lua_pop(L, 1);
    }
    if (count == 0)
        return 1;   /* nothing to wait for */
    lua_pushnil(L); /* list copy nil */
    return run_fork(L, (int)count, (int)count);
}

int fork_each(lua_State *L)
{
    static const char *const known[] = { "at_once", NULL };
    int64_t at_once = VM_AT_ONCE_DEFAULT;

    run_may_wish(L);
    int args = lua_gettop(L);
    if (args != 2 && args != 3)
        return luaL_error(L,
                          "ctx.each takes a list, a function, and perhaps { at_once = 8 }");
    if (lua_type(L, 2) != LUA_TFUNCTION)
        return luaL_error(L, "ctx.each takes a function second, got %s", value_kind(L, 2));
    if (args == 3) {
        opts_check(L, 3, "ctx.each", known);
        at_once = opts_int(L, 3, "ctx.each", "at_once", 1, VM_BRANCHES_MAX, at_once);
    }
    lua_settop(L, 2); /* list fn */
    lua_Integer count = check_list(L, "ctx.each");
    push_copy(L, count); /* list fn copy */
    if (count == 0)
        return 1;
    lua_pushvalue(L, 2); /* list fn copy fn */
    return run_fork(L, (int)count, (int)at_once);
}
