/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text, bounded: what is searched and what is made has at most VM_STRING_MAX bytes. How
 * long a pattern may take is bounded by the engine, which kills the process.
 */
#include "vm/sandbox.h"

#include <string.h>

#include <lualib.h>

#include "vm/budget.h"
#include "vm/limits.h"
#include "vm/value.h"

/* Lua's own function, upvalue 1, with all arguments as they are. */
static int call_original(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* find, match, gmatch, gsub. */
static int l_search(lua_State *L)
{
    size_t len;

    luaL_checklstring(L, 1, &len);
    if (len > VM_STRING_MAX)
        return luaL_argerror(L, 1, "text of more than 1048576 bytes is not searched");
    budget_charge(L, len / 16);
    return call_original(L);
}

static int l_rep(lua_State *L)
{
    size_t len, sep_len = 0;

    luaL_checklstring(L, 1, &len);
    lua_Integer times = luaL_checkinteger(L, 2);
    luaL_optlstring(L, 3, "", &sep_len);
    if (times > 0 &&
        ((size_t)times > VM_STRING_MAX || (len + sep_len) > VM_STRING_MAX / (size_t)times))
        return luaL_error(L, "string.rep: more than 1048576 bytes");
    budget_charge(L, times > 0 ? (len + sep_len + 1) * (size_t)times / 16 : 0);
    return call_original(L);
}

/* Only what reads the same everywhere: no addresses, no hexadecimal floats, no %q. */
static void check_conversion(lua_State *L, char c, int arg)
{
    if (strchr("diuoxXcsfFeEgG", c) == NULL || c == '\0')
        luaL_error(L, "string.format: %%%s is not taken; use d, x, s, f, e, g or c",
                   c == '\0' ? "" : (char[]){ c, '\0' });
    if (c != 's')
        return;
    switch (lua_type(L, arg)) {
    case LUA_TSTRING:
    case LUA_TNUMBER:
    case LUA_TBOOLEAN:
    case LUA_TNIL: return;
    default: break;
    }
    if (!value_is_null(L, arg))
        luaL_error(L, "string.format: %%s wants a string or a number, got %s",
                   value_kind(L, arg));
    lua_pushliteral(L, "null");
    lua_replace(L, arg);
}

static int l_format(lua_State *L)
{
    size_t len;
    const char *pos = luaL_checklstring(L, 1, &len), *end = pos + len;
    int arg = 1;

    /* Lua's strings may hold NUL and end in one; strspn stops there at the latest. */
    while ((pos = memchr(pos, '%', (size_t)(end - pos))) != NULL) {
        pos++;
        if (*pos == '%') {
            pos++;
            continue;
        }
        pos += strspn(pos, "-+ #0123456789.");
        check_conversion(L, *pos, ++arg);
        pos++;
    }
    return call_original(L);
}

void lib_push_string(lua_State *L)
{
    static const char *const kept[] = { "byte", "char",  "find",    "format", "gmatch",
                                        "gsub", "len",   "lower",   "match",  "rep",
                                        "sub",  "upper", "reverse", NULL };
    static const luaL_Reg wrapped[] = {
        { "find", l_search }, { "match", l_search },  { "gmatch", l_search },
        { "gsub", l_search }, { "format", l_format }, { "rep", l_rep },
        { NULL, NULL },
    };

    lua_newtable(L); /* lib */
    lib_copy(L, luaopen_string, kept);
    for (const luaL_Reg *reg = wrapped; reg->name != NULL; reg++) {
        lua_getfield(L, -1, reg->name); /* lib original */
        lua_pushcclosure(L, reg->func, 1);
        lua_setfield(L, -2, reg->name);
    }
}
