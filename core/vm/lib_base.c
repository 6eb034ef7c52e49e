/* SPDX-License-Identifier: Apache-2.0 */
/* The functions without a library: pairs in order, errors that are data, no addresses. */
#include "vm/sandbox.h"

#include <lualib.h>

#include "vm/budget.h"
#include "vm/value.h"

/* pairs takes a picture of the keys first; what is removed meanwhile is left out. */
static int next_pair(lua_State *L)
{
    lua_Integer at = lua_tointeger(L, lua_upvalueindex(3));

    lua_settop(L, 0);
    for (;;) {
        lua_rawgeti(L, lua_upvalueindex(2), ++at); /* key */
        if (lua_isnil(L, -1))
            return 1;
        lua_pushvalue(L, -1);
        lua_rawget(L, lua_upvalueindex(1)); /* key value */
        if (!lua_isnil(L, -1))
            break;
        lua_pop(L, 2);
    }
    lua_pushinteger(L, at);
    lua_replace(L, lua_upvalueindex(3));
    return 2;
}

static int l_pairs(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    if (lua_getmetatable(L, 1))
        return luaL_error(L, "pairs: a part of the language cannot be walked");
    lua_settop(L, 1);                  /* t */
    value_push_keys(L, 1);             /* t keys */
    lua_pushinteger(L, 0);             /* t keys at */
    lua_pushcclosure(L, next_pair, 3); /* next */
    return 1;
}

/* An error is a string or a table: anything else could not be shown, or would differ. */
static void check_error(lua_State *L, int idx, const char *who)
{
    int type = lua_type(L, idx);

    if (type != LUA_TSTRING && type != LUA_TTABLE)
        luaL_error(L, "%s takes a string or a table, got %s", who, value_kind(L, idx));
    if (type == LUA_TTABLE && lua_getmetatable(L, idx))
        luaL_error(L, "%s takes plain data, got a part of the language", who);
}

static int l_error(lua_State *L)
{
    int level = (int)luaL_optinteger(L, 2, 1);

    check_error(L, 1, "error");
    lua_settop(L, 1);
    if (lua_type(L, 1) == LUA_TSTRING && level > 0 && level < 100) {
        luaL_where(L, level);
        lua_pushvalue(L, 1);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int l_assert(lua_State *L)
{
    luaL_checkany(L, 1);
    if (lua_toboolean(L, 1))
        return lua_gettop(L);
    if (lua_isnoneornil(L, 2))
        return luaL_error(L, "assertion failed");
    check_error(L, 2, "assert");
    lua_settop(L, 2);
    return lua_error(L);
}

static int l_tostring(lua_State *L)
{
    luaL_checkany(L, 1);
    switch (lua_type(L, 1)) {
    case LUA_TTABLE:
        /* An error of an action is a table; its sentence is what is meant. */
        if (!lua_getmetatable(L, 1)) {
            lua_pushliteral(L, "message");
            if (lua_rawget(L, 1) == LUA_TSTRING)
                return 1;
        }
        lua_pushliteral(L, "table");
        return 1;
    case LUA_TNIL:
    case LUA_TBOOLEAN:
    case LUA_TNUMBER:
    case LUA_TSTRING: luaL_tolstring(L, 1, NULL); return 1;
    default:
        lua_pushstring(L, value_is_null(L, 1) ? "null" : luaL_typename(L, 1));
        return 1;
    }
}

static int l_type(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushstring(L, value_is_null(L, 1) ? "null" : luaL_typename(L, 1));
    return 1;
}

enum { PCALL_STEPS = 100 }; /* what catching an error costs beside an instruction */

/* Both ways out of pcall: at once, and after a wait inside. */
static int finish_pcall(lua_State *L, int status, lua_KContext context)
{
    (void)context;
    if (status == LUA_OK || status == LUA_YIELD)
        return lua_gettop(L); /* true results... */
    lua_pushboolean(L, 0);    /* ... error false */
    lua_insert(L, -2);        /* ... false error */
    return 2;
}

static int l_pcall(lua_State *L)
{
    luaL_checkany(L, 1);
    budget_charge(L, PCALL_STEPS);
    lua_pushboolean(L, 1); /* fn args... true */
    lua_insert(L, 1);      /* true fn args... */
    int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, finish_pcall);
    return finish_pcall(L, status, 0);
}

void lib_add_base(lua_State *L)
{
    static const char *const kept[] = { "ipairs", "select", "tonumber", NULL };
    static const luaL_Reg ours[] = {
        { "pairs", l_pairs },   { "error", l_error },
        { "assert", l_assert }, { "tostring", l_tostring },
        { "type", l_type },     { "pcall", l_pcall },
        { NULL, NULL },
    };

    lib_copy(L, luaopen_base, kept);
    luaL_setfuncs(L, ours, 0);
}
