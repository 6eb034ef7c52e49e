/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists. The length of a table with holes depends on the process it is in, so every
 * function here measures for itself and refuses tables with holes; sorting is stable.
 */
#include "vm/sandbox.h"

#include <string.h>

#include <lualib.h>

#include "vm/budget.h"
#include "vm/limits.h"
#include "vm/value.h"

static void check_list(lua_State *L, int idx, const char *who)
{
    luaL_checktype(L, idx, LUA_TTABLE);
    if (lua_getmetatable(L, idx))
        luaL_error(L, "%s: a part of the language is no list", who);
}

static int l_insert(lua_State *L)
{
    check_list(L, 1, "table.insert");
    lua_Integer count = value_sequence(L, 1, "table.insert");
    int args = lua_gettop(L);
    if (args != 2 && args != 3)
        return luaL_error(L, "table.insert takes a list, perhaps a position, and a value");
    lua_Integer at = args == 2 ? count + 1 : luaL_checkinteger(L, 2);
    luaL_argcheck(L, at >= 1 && at <= count + 1, 2, "the position is outside the list");
    budget_charge(L, (size_t)(count - at + 1));
    for (lua_Integer i = count; i >= at; i--) {
        lua_rawgeti(L, 1, i);
        lua_rawseti(L, 1, i + 1);
    }
    lua_settop(L, args); /* ... value */
    lua_rawseti(L, 1, at);
    return 0;
}

static int l_remove(lua_State *L)
{
    check_list(L, 1, "table.remove");
    lua_Integer count = value_sequence(L, 1, "table.remove");
    lua_Integer at = luaL_optinteger(L, 2, count);
    if (count == 0 && (at == 0 || at == 1)) {
        lua_pushnil(L);
        return 1;
    }
    luaL_argcheck(L, at >= 1 && at <= count + 1, 2, "the position is outside the list");
    lua_rawgeti(L, 1, at); /* ... removed */
    budget_charge(L, (size_t)(count - at + 1));
    for (lua_Integer i = at; i <= count; i++) {
        lua_rawgeti(L, 1, i + 1);
        lua_rawseti(L, 1, i);
    }
    return 1;
}

/* first..last with first from the caller; at most VM_LIST_MAX items. */
static lua_Integer count_range(lua_State *L, lua_Integer first, lua_Integer last,
                               const char *who)
{
    if (first > last)
        return 0;
    lua_Unsigned count = (lua_Unsigned)last - (lua_Unsigned)first;
    if (count >= VM_LIST_MAX)
        luaL_error(L, "%s: more than %d items", who, VM_LIST_MAX);
    budget_charge(L, (size_t)count + 1);
    return (lua_Integer)count + 1;
}

static int l_unpack(lua_State *L)
{
    check_list(L, 1, "table.unpack");
    lua_Integer first = luaL_optinteger(L, 2, 1);
    lua_Integer last = lua_isnoneornil(L, 3) ? value_sequence(L, 1, "table.unpack")
                                             : luaL_checkinteger(L, 3);
    lua_Integer count = count_range(L, first, last, "table.unpack");
    if (!lua_checkstack(L, (int)count + 1))
        return luaL_error(L, "table.unpack: too many items");
    for (lua_Integer i = 0; i < count; i++)
        lua_rawgeti(L, 1, first + i);
    return (int)count;
}

static int l_pack(lua_State *L)
{
    int count = lua_gettop(L);

    lua_createtable(L, count, 1); /* ... t */
    lua_insert(L, 1);             /* t ... */
    for (int i = count; i >= 1; i--)
        lua_rawseti(L, 1, i);
    lua_pushinteger(L, count);
    lua_setfield(L, 1, "n");
    return 1;
}

static int l_concat(lua_State *L)
{
    luaL_Buffer buffer;
    size_t sep_len, len;

    check_list(L, 1, "table.concat");
    const char *sep = luaL_optlstring(L, 2, "", &sep_len);
    lua_Integer first = luaL_optinteger(L, 3, 1);
    lua_Integer last = lua_isnoneornil(L, 4) ? value_sequence(L, 1, "table.concat")
                                             : luaL_checkinteger(L, 4);
    lua_Integer count = count_range(L, first, last, "table.concat");
    lua_settop(L, 2);
    luaL_buffinit(L, &buffer);
    for (lua_Integer i = 0; i < count; i++) {
        if (i > 0)
            luaL_addlstring(&buffer, sep, sep_len);
        int type = lua_rawgeti(L, 1, first + i); /* ... item */
        if (type != LUA_TSTRING && type != LUA_TNUMBER)
            return luaL_error(L, "table.concat: item %I is %s; want a string or a number",
                              (LUAI_UACINT)(first + i), value_kind(L, -1));
        lua_tolstring(L, -1, &len);
        budget_charge(L, (len + sep_len) / 16);
        luaL_addvalue(&buffer);
    }
    luaL_pushresult(&buffer);
    return 1;
}

static int l_move(lua_State *L)
{
    int to = lua_isnoneornil(L, 5) ? 1 : 5;
    lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3);
    lua_Integer at = luaL_checkinteger(L, 4);

    check_list(L, 1, "table.move");
    check_list(L, to, "table.move");
    lua_Integer count = count_range(L, first, last, "table.move");
    luaL_argcheck(L, at <= LUA_MAXINTEGER - count, 4, "too far");
    /* From behind where the places overlap and the goal is later. */
    bool is_backwards = to == 1 && at > first;
    for (lua_Integer i = 0; i < count; i++) {
        lua_Integer step = is_backwards ? count - 1 - i : i;
        lua_rawgeti(L, 1, first + step);
        lua_rawseti(L, to, at + step);
    }
    lua_pushvalue(L, to);
    return 1;
}

/* -- Sorting: a merge sort over places, so that equal items keep their order. ----------- */

enum { SORT_COPY = 3 }; /* stack: 1 list, 2 comparator or nil, 3 copy of the list */

/* Must the item at place b stand before the one at place a? */
static bool is_less(lua_State *L, int b, int a)
{
    bool less;

    if (lua_isnil(L, 2)) {
        lua_rawgeti(L, SORT_COPY, b);
        lua_rawgeti(L, SORT_COPY, a);
        less = lua_compare(L, -2, -1, LUA_OPLT);
        lua_pop(L, 2);
        return less;
    }
    lua_pushvalue(L, 2);
    lua_rawgeti(L, SORT_COPY, b);
    lua_rawgeti(L, SORT_COPY, a);
    lua_call(L, 2, 1);
    less = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return less;
}

static void merge(lua_State *L, const int *from, int *to, int begin, int middle, int end)
{
    int left = begin, right = middle;

    for (int i = begin; i < end; i++) {
        bool take_right =
            right < end && (left == middle || is_less(L, from[right], from[left]));
        to[i] = take_right ? from[right++] : from[left++];
    }
}

static int *sort_places(lua_State *L, int *places, int *spare, int count)
{
    for (int width = 1; width < count; width *= 2) {
        for (int begin = 0; begin < count; begin += 2 * width) {
            int middle = begin + width < count ? begin + width : count;
            int end = begin + 2 * width < count ? begin + 2 * width : count;
            merge(L, places, spare, begin, middle, end);
        }
        budget_charge(L, (size_t)count);
        int *done = spare;
        spare = places;
        places = done;
    }
    return places;
}

static int l_sort(lua_State *L)
{
    check_list(L, 1, "table.sort");
    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2); /* list comparator */
    lua_Integer items = value_sequence(L, 1, "table.sort");
    if (items > VM_LIST_MAX)
        return luaL_error(L, "table.sort: more than %d items", VM_LIST_MAX);
    int count = (int)items;
    lua_createtable(L, count, 0); /* list comparator copy */
    int *places = lua_newuserdatauv(L, ((size_t)count * 2 + 1) * sizeof *places, 0);
    for (int i = 0; i < count; i++) {
        lua_rawgeti(L, 1, i + 1);
        lua_rawseti(L, SORT_COPY, i + 1);
        places[i] = i + 1;
    }
    int *sorted = sort_places(L, places, places + count, count);
    for (int i = 0; i < count; i++) {
        lua_rawgeti(L, SORT_COPY, sorted[i]);
        lua_rawseti(L, 1, i + 1);
    }
    return 0;
}

void lib_push_table(lua_State *L)
{
    static const luaL_Reg ours[] = {
        { "concat", l_concat }, { "insert", l_insert }, { "move", l_move },
        { "pack", l_pack },     { "remove", l_remove }, { "sort", l_sort },
        { "unpack", l_unpack }, { NULL, NULL },
    };

    lua_newtable(L);
    luaL_setfuncs(L, ours, 0);
}
