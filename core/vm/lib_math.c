/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, without chance and without what the C library may round its own way. */
#include "vm/sandbox.h"

#include <lualib.h>

void lib_push_math(lua_State *L)
{
    static const char *const kept[] = { "abs",        "ceil", "floor",      "fmod",
                                        "huge",       "max",  "maxinteger", "min",
                                        "mininteger", "modf", "pi",         "sqrt",
                                        "tointeger",  "type", "ult",        NULL };

    lua_newtable(L);
    lib_copy(L, luaopen_math, kept);
}

void lib_push_utf8(lua_State *L)
{
    static const char *const kept[] = { "char", "charpattern", "codes", "codepoint",
                                        "len",  "offset",      NULL };

    lua_newtable(L);
    lib_copy(L, luaopen_utf8, kept);
}
