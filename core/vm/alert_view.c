/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/alert_view.h"

#include <string.h>

#include <lauxlib.h>

#include "base/arm_type.h"
#include "vm/budget.h"

static struct span type_wanted(lua_State *L, const char *what)
{
    size_t len;

    if (lua_type(L, 1) != LUA_TSTRING)
        luaL_error(L, "%s wants an ARM type, as in %s(\"Microsoft.Web/sites\")", what,
                   what);
    const char *text = lua_tolstring(L, 1, &len);
    if (memchr(text, '/', len) == NULL)
        luaL_error(
            L, "%s wants an ARM type with its provider, as in %s(\"Microsoft.Web/sites\")",
            what, what);
    return (struct span){ text, len };
}

/* Stack: type. Upvalue 1: the resources. Pushes the list of those of the type. */
static int push_all(lua_State *L, struct span type)
{
    int resources = lua_upvalueindex(1), count = 0;
    size_t len;

    lua_newtable(L);
    budget_charge(L, (size_t)lua_rawlen(L, resources) + 1);
    for (lua_Integer i = 1; lua_rawgeti(L, resources, i) == LUA_TSTRING; i++) {
        const char *id = lua_tolstring(L, -1, &len);
        if (arm_is_type((struct span){ id, len }, type))
            lua_rawseti(L, -2, ++count);
        else
            lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return count;
}

static int l_all(lua_State *L)
{
    push_all(L, type_wanted(L, "alert.all"));
    return 1;
}

static int l_resource(lua_State *L)
{
    push_all(L, type_wanted(L, "alert.resource"));
    lua_rawgeti(L, -1, 1);
    return 1;
}

void alert_view_add(lua_State *L)
{
    static const luaL_Reg functions[] = { { "resource", l_resource }, { "all", l_all } };

    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        lua_pushstring(L, functions[i].name);
        lua_pushliteral(L, "resources");
        if (lua_rawget(L, -3) != LUA_TTABLE) { /* alert name list */
            lua_pop(L, 1);
            lua_newtable(L);
        }
        lua_pushcclosure(L, functions[i].func, 1);
        lua_rawset(L, -3);
    }
}
