/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/opts.h"

#include <string.h>

#include <lauxlib.h>

#include "base/schema.h"
#include "vm/limits.h"
#include "vm/source.h"
#include "vm/value.h"

int opts_unknown(lua_State *L, const char *what, struct span key, const char *const *names,
                 size_t count)
{
    const char *nearest = schema_nearest(key, names, count);

    lua_pushlstring(L, key.ptr, key.len);
    if (nearest != NULL)
        return luaL_error(L, "%s has no '%s'; did you mean '%s'?", what,
                          lua_tostring(L, -1), nearest);
    return luaL_error(L, "%s has no '%s'", what, lua_tostring(L, -1));
}

static bool is_among(const char *word, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcmp(word, *names) == 0)
            return true;
    return false;
}

void opts_check(lua_State *L, int idx, const char *what, const char *const *names)
{
    size_t known = 0;

    idx = lua_absindex(L, idx);
    if (lua_type(L, idx) != LUA_TTABLE || lua_getmetatable(L, idx))
        luaL_error(L, "%s takes one table, got %s", what, value_kind(L, idx));
    while (names[known] != NULL)
        known++;
    size_t count = value_push_keys(L, idx); /* keys */
    for (size_t i = 1; i <= count; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i); /* keys key */
        if (lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "%s takes fields with names, as in { %s = ... }", what, names[0]);
        if (!is_among(lua_tostring(L, -1), names))
            opts_unknown(L, what, span_of(lua_tostring(L, -1)), names, known);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* Pushes the field; its type. */
static int push_field(lua_State *L, int idx, const char *key)
{
    idx = lua_absindex(L, idx);
    lua_pushstring(L, key);
    return lua_rawget(L, idx);
}

struct span opts_text_at(lua_State *L, int idx, const char *what)
{
    struct span text;

    if (lua_type(L, idx) != LUA_TSTRING)
        luaL_error(L, "%s: want text, got %s", what, value_kind(L, idx));
    text.ptr = lua_tolstring(L, idx, &text.len);
    if (text.len > VM_TEXT_MAX)
        luaL_error(L, "%s: want at most %d bytes of text", what, VM_TEXT_MAX);
    if (!source_is_text(text))
        luaL_error(L, "%s: want UTF-8 text without NUL", what);
    return text;
}

struct span opts_text(lua_State *L, int idx, const char *what, const char *key,
                      bool required)
{
    struct span text = { 0 };

    if (push_field(L, idx, key) == LUA_TNIL) { /* value */
        if (required)
            luaL_error(L, "%s wants a %s", what, key);
    } else {
        const char *place = lua_pushfstring(L, "%s: %s", what, key); /* value place */
        text = opts_text_at(L, -2, place);
        if (required && text.len == 0)
            luaL_error(L, "%s: %s is empty", what, key);
        lua_pop(L, 1);
    }
    lua_pop(L, 1); /* the table still holds it */
    return text;
}

const char *opts_choice(lua_State *L, int idx, const char *what, const char *key,
                        const char *const *names, const char *otherwise)
{
    size_t known = 0;

    struct span word = opts_text(L, idx, what, key, false);
    if (word.ptr == NULL)
        return otherwise;
    for (; names[known] != NULL; known++)
        if (span_is(word, names[known]))
            return names[known];
    lua_pushfstring(L, "%s: %s", what, key);
    opts_unknown(L, lua_tostring(L, -1), word, names, known);
    return otherwise;
}

int64_t opts_int(lua_State *L, int idx, const char *what, const char *key, int64_t least,
                 int64_t most, int64_t otherwise)
{
    int64_t value = otherwise;

    if (push_field(L, idx, key) != LUA_TNIL) {
        int is_whole = 0;
        if (lua_type(L, -1) == LUA_TNUMBER)
            value = lua_tointegerx(L, -1, &is_whole);
        if (!is_whole || value < least || value > most)
            luaL_error(L, "%s: %s wants a whole number from %I to %I", what, key,
                       (LUAI_UACINT)least, (LUAI_UACINT)most);
    }
    lua_pop(L, 1);
    return value;
}

/* Seconds, also with a fraction; false when it is no such number. */
static bool read_seconds(lua_State *L, int idx, int64_t *ms)
{
    const lua_Number most = 315360000;
    lua_Number seconds = lua_type(L, idx) == LUA_TNUMBER ? lua_tonumber(L, idx) : -1;

    if (!(seconds >= 0 && seconds <= most))
        return false;
    *ms = (int64_t)(seconds * 1000 + 0.5);
    return true;
}

int64_t opts_duration_at(lua_State *L, int idx, const char *what)
{
    int64_t ms = 0;

    if (read_seconds(L, idx, &ms))
        return ms;
    if (lua_type(L, idx) == LUA_TSTRING) {
        struct span text;
        text.ptr = lua_tolstring(L, idx, &text.len);
        if (duration_parse(text, &ms))
            return ms;
        luaL_error(L,
                   "%s: \"%s\" is no duration; want \"1.5s\", \"30m\", \"24h\" or \"7d\"",
                   what, lua_tostring(L, idx));
    }
    luaL_error(L, "%s: want a duration such as \"15s\", \"30m\" or \"24h\", got %s", what,
               value_kind(L, idx));
    return 0;
}

int64_t opts_duration(lua_State *L, int idx, const char *what, const char *key,
                      int64_t otherwise)
{
    int64_t ms = otherwise;

    if (push_field(L, idx, key) != LUA_TNIL) {
        const char *place = lua_pushfstring(L, "%s: %s", what, key); /* value place */
        ms = opts_duration_at(L, -2, place);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return ms;
}
