/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of `alert` that are C: what Lua could say only slowly, or not at all. Foreign keys
 * are read without regard to case, since senders write the same name in several ways. Where an
 * object has a name twice, written in two ways, reading that name raises: two readers could take
 * two different ones for the truth.
 */
#include "vm/adapt.h"

#include <string.h>

#include <lauxlib.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/ip.h"
#include "base/json.h"
#include "base/json_mend.h"
#include "base/schema.h"
#include "vm/budget.h"
#include "vm/source.h"
#include "vm/state.h"
#include "vm/value.h"

static struct span span_at(lua_State *L, int idx)
{
    struct span text = { 0 };

    if (lua_type(L, idx) == LUA_TSTRING)
        text.ptr = lua_tolstring(L, idx, &text.len);
    return text;
}

static int refuse_twice(lua_State *L, struct span one, struct span other)
{
    size_t len = one.len < 80 ? one.len : 80;
    bool is_last = one.len > 0 && memcmp(one.ptr, other.ptr, one.len) > 0;

    /* The one that sorts last is named, whatever order the table has. */
    lua_pushliteral(L, "the alert has ");
    lua_pushlstring(L, is_last ? one.ptr : other.ptr, len);
    lua_pushliteral(L, " twice, written in two ways: it could be read in two ways");
    lua_concat(L, 3);
    return lua_error(L);
}

/* Pushes the member of the table at idx with this name in any case; nil when it is absent. */
static void push_member(lua_State *L, int idx, struct span name)
{
    struct span found = { 0 };
    int count = 0;

    lua_pushnil(L); /* value */
    if (lua_type(L, idx) != LUA_TTABLE)
        return;
    for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1)) { /* value key item */
        struct span key = span_at(L, -2);
        count++;
        if (key.len != name.len || !span_equal_nocase(key, name))
            continue;
        if (found.ptr != NULL)
            refuse_twice(L, found, key);
        found = key;
        lua_pushvalue(L, -1);
        lua_replace(L, -4); /* value key item */
    }
    budget_charge(L, (size_t)count / 4 + 1);
}

/* get(object, name, ...): the first of these members that is there. */
static int l_get(lua_State *L)
{
    int top = lua_gettop(L);

    luaL_checkstack(L, 8, "too many names");
    for (int i = 2; i <= top; i++) {
        luaL_checktype(L, i, LUA_TSTRING);
        push_member(L, 1, span_at(L, i));
        if (!lua_isnil(L, -1))
            return 1;
        lua_pop(L, 1);
    }
    lua_pushnil(L);
    return 1;
}

/* text(object, name, ...): the first of these members that is a text with something in it. */
static int l_text(lua_State *L)
{
    int top = lua_gettop(L);

    luaL_checkstack(L, 8, "too many names");
    for (int i = 2; i <= top; i++) {
        luaL_checktype(L, i, LUA_TSTRING);
        push_member(L, 1, span_at(L, i));
        if (span_at(L, -1).len > 0)
            return 1;
        lua_pop(L, 1);
    }
    lua_pushnil(L);
    return 1;
}

static bool is_noted(const struct json_mends *mends, const struct json_mend *mend)
{
    for (int i = 0; i < mends->count && i < JSON_MENDS_MAX; i++)
        if (mends->items[i].line == 0 && mends->items[i].at == mend->at &&
            strcmp(mends->items[i].what, mend->what) == 0)
            return true;
    return false;
}

/* Replacements in a text become notes of the alert that is being read; line 0 says that they
 * are in a text. It may be opened more than once. */
static void note_mends(struct vm *vm, const struct json_mends *inner)
{
    struct json_mends *mends = &vm->mends;

    for (int i = 0; i < inner->count && i < JSON_MENDS_MAX; i++) {
        struct json_mend mend = inner->items[i];

        mend.at = vm->event_at;
        mend.line = 0;
        if (mends->count < JSON_MENDS_MAX && !is_noted(mends, &mend))
            mends->items[mends->count++] = mend;
    }
}

/* json(text): the value that the text holds, nil when it holds none. What an attacker typed may
 * stand in it, so it is read as leniently as the delivery around it. */
static int l_json(lua_State *L)
{
    struct vm *vm = vm_of(L);
    struct span text = span_at(L, 1);
    struct json_mends mends;
    struct err err;

    budget_charge(L, text.len / 16);
    if (text.len > 0 && json_check(text.ptr, text.len, JSON_LEN_MAX, &err) == 0) {
        value_push(L, text);
        return 1;
    }
    str_reset(&vm->opened);
    if (text.len == 0 || json_mend(&vm->opened, text, &mends, &err) != 0)
        return 0;
    note_mends(vm, &mends);
    value_push(L, str_span(&vm->opened));
    return 1;
}

/* base64(text): the text that it stands for, nil when it is none. */
static int l_base64(lua_State *L)
{
    struct vm *vm = vm_of(L);
    struct span text = span_at(L, 1);

    budget_charge(L, text.len / 16);
    str_reset(&vm->text);
    if (text.len > VM_STRING_MAX || !base64_read(&vm->text, text) ||
        !source_is_text(str_span(&vm->text)))
        return 0;
    lua_pushlstring(L, str_text(&vm->text), vm->text.len);
    return 1;
}

/* time(text): the same when it is one; a time that is none is left out, so that nobody sorts
 * by it. */
static int l_time(lua_State *L)
{
    struct span text = span_at(L, 1);

    lua_settop(L, 1);
    return text.len > 0 && schema_format("date-time", text);
}

/* ip(text): the one spelling of the address or prefix; nil when it is none. */
static int l_ip(lua_State *L)
{
    char shown[CORDON_IP_SHOWN];
    struct cordon_ip ip;

    if (!ip_parse(span_at(L, 1), &ip))
        return 0;
    lua_pushstring(L, cordon_ip_show(&ip, shown));
    return 1;
}

/* Stack: ids value -> ids. How deep is bounded by what JSON may be. */
static void add_ids(lua_State *L, int ids, int *count)
{
    luaL_checkstack(L, 8, "the data is nested too deep");
    lua_pushliteral(L, "$id");
    if (lua_rawget(L, -2) == LUA_TSTRING) { /* value id */
        if (++*count > VM_IDS_MAX)
            luaL_error(L, "the alert has more than %d \"$id\"", VM_IDS_MAX);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, ids) == LUA_TNIL) { /* value id nil */
            lua_pop(L, 1);
            lua_pushvalue(L, -2);
            lua_rawset(L, ids); /* value */
            lua_pushnil(L);
        } else {
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1); /* value */
    int items = 0;
    for (lua_pushnil(L); lua_next(L, -2) != 0; items++) { /* value key item */
        if (lua_type(L, -1) == LUA_TTABLE)
            add_ids(L, ids, count);
        else
            lua_pop(L, 1);
    }
    budget_charge(L, (size_t)items / 4 + 1);
    lua_pop(L, 1);
}

/* ids(document): the objects in it that carry an "$id", by that. */
static int l_ids(lua_State *L)
{
    int count = 0;

    lua_settop(L, 1);
    lua_newtable(L); /* document ids */
    if (lua_type(L, 1) == LUA_TTABLE) {
        lua_pushvalue(L, 1);
        add_ids(L, 2, &count);
    }
    return 1;
}

void adapt_push_library(lua_State *L)
{
    static const luaL_Reg parts[] = {
        { "get", l_get },       { "text", l_text },   { "json", l_json },
        { "base64", l_base64 }, { "time", l_time },   { "ip", l_ip },
        { "ids", l_ids },       { "as", adapt_l_as }, { "kind", adapt_l_kind },
        { NULL, NULL },
    };

    luaL_newlib(L, parts);
}
