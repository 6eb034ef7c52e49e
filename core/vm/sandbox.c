/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/sandbox.h"

#include <string.h>

#include "base/schema.h"
#include "vm/value.h"

enum { NAMES_MAX = 256 };

/* What people look for and will not find, and what to do instead. */
static const char *const absent[][2] = {
    { "print", "use ctx.note" },
    { "os", "use ctx.now for the time" },
    { "io", "a playbook reaches files by actions only" },
    { "require", "use `use` for actions" },
    { "dofile", "a playbook is one file" },
    { "loadfile", "a playbook is one file" },
    { "load", "a playbook is one file" },
    { "loadstring", "a playbook is one file" },
    { "package", "a playbook is one file" },
    { "coroutine", "use ctx.all or ctx.each" },
    { "debug", "cordon show tells what a run did" },
    { "setmetatable", "plain tables only" },
    { "getmetatable", "plain tables only" },
    { "rawget", "plain tables only" },
    { "rawset", "plain tables only" },
    { "rawequal", "plain tables only" },
    { "rawlen", "plain tables only" },
    { "next", "use pairs" },
    { "xpcall", "use pcall" },
    { "collectgarbage", "memory looks after itself" },
    { "warn", "use ctx.note" },
    { "_G", "name the variable itself" },
    { "random", "use ctx.random" },
    { "randomseed", "use ctx.random" },
    { "dump", "functions are no data" },
};

static const char *hint_for(const char *name)
{
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        if (strcmp(absent[i][0], name) == 0)
            return absent[i][1];
    return NULL;
}

/* The nearest of the string keys of the table at idx, or NULL; keys are looked at in their
 * order so that a tie has always the same winner. */
static const char *nearest_key(lua_State *L, int idx, const char *word)
{
    const char *names[NAMES_MAX];
    size_t count = 0;

    size_t keys = value_push_keys(L, idx); /* keys */
    for (size_t i = 1; i <= keys && count < NAMES_MAX; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i); /* keys key */
        if (lua_type(L, -1) == LUA_TSTRING)
            names[count++] = lua_tostring(L, -1);
        lua_pop(L, 1);
    }
    const char *nearest = schema_nearest(span_of(word), names, count);
    lua_pop(L, 1); /* the names stay alive in the table they are keys of */
    return nearest;
}

/* __index of a real table behind a face: upvalue 1 is what it is called. */
static int on_unknown(lua_State *L)
{
    const char *what = lua_tostring(L, lua_upvalueindex(1));

    if (lua_type(L, 2) != LUA_TSTRING)
        return luaL_error(L, "%s has no field that is %s", what, value_kind(L, 2));
    const char *name = lua_tostring(L, 2);
    const char *hint = hint_for(name);
    const char *nearest = hint == NULL ? nearest_key(L, 1, name) : NULL;
    lua_pushfstring(L, *what == '\0' ? "there is no variable '%s' here" : "%s has no '%s'",
                    *what == '\0' ? name : what, name); /* sentence */
    if (hint != NULL)
        return luaL_error(L, "%s; %s", lua_tostring(L, -1), hint);
    if (nearest != NULL)
        return luaL_error(L, "%s; did you mean '%s'?", lua_tostring(L, -1), nearest);
    return luaL_error(L, "%s", lua_tostring(L, -1));
}

static int on_write(lua_State *L)
{
    const char *what = lua_tostring(L, lua_upvalueindex(1));
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";

    if (*what == '\0')
        return luaL_error(L, "the global variable '%s' cannot be written; use local %s",
                          name, name);
    return luaL_error(L, "%s.%s cannot be written; %s is the same for all runs", what, name,
                      what);
}

static void set_closure(lua_State *L, const char *field, lua_CFunction fn, const char *what)
{
    lua_pushstring(L, what);
    lua_pushcclosure(L, fn, 1);
    lua_setfield(L, -2, field);
}

void sandbox_protect(lua_State *L, const char *what)
{
    sandbox_protect_with(L, what, on_unknown);
}

void sandbox_protect_with(lua_State *L, const char *what, lua_CFunction on_absent)
{
    lua_createtable(L, 0, 2); /* real meta */
    set_closure(L, "__index", on_absent, what);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);  /* real */
    lua_newtable(L);          /* real face */
    lua_createtable(L, 0, 3); /* real face meta */
    lua_pushvalue(L, -3);     /* real face meta real */
    lua_setfield(L, -2, "__index");
    set_closure(L, "__newindex", on_write, what);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2); /* real face */
    lua_remove(L, -2);       /* face */
}

void lib_copy(lua_State *L, lua_CFunction open, const char *const *names)
{
    lua_pushcfunction(L, open); /* lib open */
    lua_call(L, 0, 1);          /* lib whole */
    for (; *names != NULL; names++) {
        lua_getfield(L, -1, *names);
        lua_setfield(L, -3, *names);
    }
    lua_pop(L, 1); /* lib */
}

/* One copy of each library for both environments, kept in the registry. */
static void keep(lua_State *L, void (*push)(lua_State *), const char *name)
{
    push(L);
    sandbox_protect(L, name);
    lua_setfield(L, LUA_REGISTRYINDEX, name);
}

void sandbox_open(lua_State *L)
{
    keep(L, lib_push_string, "string");
    keep(L, lib_push_table, "table");
    keep(L, lib_push_math, "math");
    keep(L, lib_push_utf8, "utf8");

    lua_pushliteral(L, "");                       /* "" */
    lua_createtable(L, 0, 2);                     /* "" meta */
    lua_getfield(L, LUA_REGISTRYINDEX, "string"); /* "" meta string */
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2); /* "": for all strings */
    lua_pop(L, 1);
}

static void push_language(lua_State *L)
{
    static const char *const libs[] = { "string", "table", "math", "utf8" };

    lua_newtable(L); /* names */
    lib_add_base(L);
    for (size_t i = 0; i < sizeof libs / sizeof *libs; i++) {
        lua_getfield(L, LUA_REGISTRYINDEX, libs[i]);
        lua_setfield(L, -2, libs[i]);
    }
    value_push_null(L);
    lua_setfield(L, -2, "null");
}

void sandbox_push_playbook_env(lua_State *L)
{
    push_language(L);                             /* extra names */
    for (lua_pushnil(L); lua_next(L, -3) != 0;) { /* extra names key value */
        lua_pushvalue(L, -2);
        lua_insert(L, -2); /* extra names key key value */
        lua_rawset(L, -4); /* extra names key */
    }
    lua_remove(L, -2); /* names */
    sandbox_protect(L, "");
}

void sandbox_push_data_env(lua_State *L)
{
    push_language(L); /* names */
    lua_pushnil(L);
    lua_setfield(L, -2, "pcall");
    sandbox_protect(L, "");
}

void sandbox_confine(lua_State *L)
{
    /* A main chunk has one upvalue, its environment. */
    const char *name = lua_setupvalue(L, -2, 1); /* function */
    (void)name;
}
