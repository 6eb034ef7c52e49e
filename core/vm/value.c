/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "base/err.h"
#include "base/json.h"
#include "vm/budget.h"
#include "vm/source.h"
#include "vm/state.h"

enum { PATH_CAP = 200 };

#define INTEGER_MAX INT64_C(9007199254740992) /* 2^53 */

static const char null_here; /* its address is the sentinel */

void value_push_null(lua_State *L)
{
    lua_pushlightuserdata(L, (void *)(uintptr_t)&null_here);
}

bool value_is_null(lua_State *L, int idx)
{
    return lua_islightuserdata(L, idx) &&
           lua_touserdata(L, idx) == (const void *)&null_here;
}

const char *value_kind(lua_State *L, int idx)
{
    static const char *const kinds[] = { "nil",        "a boolean",  "a light userdata",
                                         "a number",   "a string",   "a table",
                                         "a function", "a userdata", "a thread" };
    int type = lua_type(L, idx);

    if (type == LUA_TNONE)
        return "nothing";
    return value_is_null(L, idx) ? "null" : kinds[type];
}

/* -- To Lua ---------------------------------------------------------------------------- */

static void push_array(lua_State *L, struct span json)
{
    struct span item;
    size_t pos = 0;
    lua_Integer n = 0;

    lua_createtable(L, (int)json_count(json), 0); /* array */
    while (json_next(json, &pos, NULL, &item)) {
        if (json_kind(item) == JSON_NULL)
            value_push_null(L);
        else
            value_push(L, item);
        lua_rawseti(L, -2, ++n);
    }
}

/* A key stands between its quotes; with the quotes it is a JSON string again. */
static void push_key(lua_State *L, struct span raw)
{
    struct vm *vm = vm_of(L);

    if (memchr(raw.ptr, '\\', raw.len) == NULL) {
        lua_pushlstring(L, raw.ptr, raw.len);
        return;
    }
    str_reset(&vm->text);
    json_text_to(&vm->text, (struct span){ raw.ptr - 1, raw.len + 2 });
    lua_pushlstring(L, str_text(&vm->text), vm->text.len);
}

static void push_object(lua_State *L, struct span json)
{
    struct span key, item;
    size_t pos = 0;

    lua_createtable(L, 0, (int)json_count(json)); /* object */
    while (json_next(json, &pos, &key, &item)) {
        if (json_kind(item) == JSON_NULL)
            continue;
        push_key(L, key);    /* object key */
        value_push(L, item); /* object key value */
        lua_rawset(L, -3);   /* object */
    }
}

static void push_number(lua_State *L, struct span json)
{
    int64_t whole;

    if (span_int(json, &whole))
        lua_pushinteger(L, whole);
    else
        lua_pushnumber(L, json_double(json, 0));
}

static void push_string(lua_State *L, struct span json)
{
    struct vm *vm = vm_of(L);

    str_reset(&vm->text);
    json_text_to(&vm->text, json);
    lua_pushlstring(L, str_text(&vm->text), vm->text.len);
}

void value_push(lua_State *L, struct span json)
{
    luaL_checkstack(L, 8, "the data is nested too deep");
    switch (json_kind(json)) {
    case JSON_NONE:
    case JSON_NULL: lua_pushnil(L); break;
    case JSON_FALSE: lua_pushboolean(L, 0); break;
    case JSON_TRUE: lua_pushboolean(L, 1); break;
    case JSON_NUMBER: push_number(L, json); break;
    case JSON_STRING: push_string(L, json); break;
    case JSON_ARRAY: push_array(L, json); break;
    case JSON_OBJECT: push_object(L, json); break;
    }
}

/* -- Keys in order ---------------------------------------------------------------------- */

struct key {
    int kind; /* 0 integer, 1 float, 2 string: the order of the three */
    lua_Integer integer;
    lua_Number number;
    struct span text;
};

static int compare_text(struct span a, struct span b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = memcmp(a.ptr, b.ptr, shorter);

    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

static int compare_keys(const void *left, const void *right)
{
    const struct key *a = left, *b = right;

    if (a->kind != b->kind)
        return a->kind - b->kind;
    if (a->kind == 0)
        return a->integer < b->integer ? -1 : a->integer > b->integer;
    if (a->kind == 1)
        return a->number < b->number ? -1 : a->number > b->number;
    return compare_text(a->text, b->text);
}

static struct key key_at(lua_State *L, int idx)
{
    struct key key = { 0 };

    if (lua_isinteger(L, idx)) {
        key.integer = lua_tointeger(L, idx);
    } else if (lua_type(L, idx) == LUA_TNUMBER) {
        key.kind = 1;
        key.number = lua_tonumber(L, idx);
    } else if (lua_type(L, idx) == LUA_TSTRING) {
        key.kind = 2;
        key.text.ptr = lua_tolstring(L, idx, &key.text.len);
    } else {
        luaL_error(L, "a table with %s for a key has no order; use strings or numbers",
                   value_kind(L, idx));
    }
    return key;
}

static void push_key_value(lua_State *L, const struct key *key)
{
    if (key->kind == 0)
        lua_pushinteger(L, key->integer);
    else if (key->kind == 1)
        lua_pushnumber(L, key->number);
    else
        lua_pushlstring(L, key->text.ptr, key->text.len);
}

static size_t count_keys(lua_State *L, int idx)
{
    size_t count = 0;

    for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1))
        count++;
    return count;
}

size_t value_push_keys(lua_State *L, int idx)
{
    size_t count, i = 0;

    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 8, "the data is nested too deep");
    count = count_keys(L, idx);
    budget_charge(L, count * 10);      /* what sorting costs beside an instruction */
    lua_createtable(L, (int)count, 0); /* list */
    struct key *keys = lua_newuserdatauv(L, (count + 1) * sizeof *keys, 0); /* list keys */
    for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1))
        keys[i++] = key_at(L, -2); /* list keys key value */
    qsort(keys, count, sizeof *keys, compare_keys);
    for (i = 0; i < count; i++) {
        push_key_value(L, &keys[i]);
        lua_rawseti(L, -3, (lua_Integer)i + 1);
    }
    lua_pop(L, 1); /* list */
    return count;
}

lua_Integer value_sequence(lua_State *L, int idx, const char *what)
{
    lua_Integer count = 0, greatest = 0;

    idx = lua_absindex(L, idx);
    for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1)) {
        if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) < 1)
            continue;
        count++;
        if (lua_tointeger(L, -2) > greatest)
            greatest = lua_tointeger(L, -2);
    }
    budget_charge(L, (size_t)count / 4);
    if (count != greatest)
        luaL_error(L, "%s: want a list without holes; it has %d items and the last is [%I]",
                   what, (int)count, (LUAI_UACINT)greatest);
    return count;
}

/* -- To JSON ---------------------------------------------------------------------------- */

struct writer {
    lua_State *L;
    struct json_out out;
    const char *what;
    size_t path_len;
    char path[PATH_CAP];
};

static void refuse(struct writer *w, const char *why)
{
    luaL_error(w->L, "%s%s: %s", w->what, w->path, why);
}

static size_t path_add(struct writer *w, const struct key *key)
{
    size_t before = w->path_len, room = PATH_CAP - before;
    int len;

    if (key->kind == 2)
        len = snprintf(w->path + before, room, ".%.60s", key->text.ptr);
    else
        len = snprintf(w->path + before, room, "[%lld]", (long long)key->integer);
    if ((size_t)len < room) {
        w->path_len += (size_t)len;
    } else {
        w->path_len = PATH_CAP - 1;
    }
    return before;
}

static void path_cut(struct writer *w, size_t before)
{
    w->path_len = before;
    w->path[before] = '\0';
}

static void write_value(struct writer *w, int idx, int flags);

static void write_number(struct writer *w, int idx)
{
    if (lua_isinteger(w->L, idx)) {
        lua_Integer value = lua_tointeger(w->L, idx);
        if (value > INTEGER_MAX || value < -INTEGER_MAX)
            refuse(w,
                   "a whole number beyond 2^53 would be rounded by others; use a string");
        json_integer(&w->out, value);
        return;
    }
    double value = lua_tonumber(w->L, idx);
    if (!isfinite(value))
        refuse(w, "want a finite number");
    if (fabs(value) > (double)INTEGER_MAX && fabs(value) < 1e21)
        refuse(w, "a whole number beyond 2^53 would be rounded by others; use a string");
    json_number(&w->out, value);
}

static void write_string(struct writer *w, int idx)
{
    struct span text;

    text.ptr = lua_tolstring(w->L, idx, &text.len);
    if (!source_is_text(text))
        refuse(w, "want UTF-8 text without NUL");
    if (text.len > VM_WISH_MAX)
        refuse(w, "the text is longer than 262144 bytes");
    json_string_span(&w->out, text);
}

/* keys: the sorted list on top of the stack, all integers. */
static void write_array(struct writer *w, int idx, size_t count)
{
    json_open(&w->out, '[');
    for (size_t i = 1; i <= count; i++) {
        struct key key = { .integer = (lua_Integer)i };
        size_t before = path_add(w, &key);
        lua_rawgeti(w->L, idx, (lua_Integer)i); /* value */
        if (lua_isnil(w->L, -1))
            refuse(w, "a list has a hole here; use null");
        write_value(w, lua_gettop(w->L), 0);
        lua_pop(w->L, 1);
        path_cut(w, before);
    }
    json_close(&w->out);
}

static void write_object(struct writer *w, int idx, int keys, size_t count)
{
    json_open(&w->out, '{');
    for (size_t i = 1; i <= count; i++) {
        lua_rawgeti(w->L, keys, (lua_Integer)i); /* key */
        struct key key = key_at(w->L, -1);
        size_t before = path_add(w, &key);
        if (key.kind != 2)
            refuse(w, "want names for keys, or only the numbers 1, 2, 3 ...");
        if (!source_is_text(key.text))
            refuse(w, "want UTF-8 text without NUL for a key");
        json_key_span(&w->out, key.text);
        lua_pushvalue(w->L, -1);
        lua_rawget(w->L, idx); /* key value */
        write_value(w, lua_gettop(w->L), 0);
        lua_pop(w->L, 2);
        path_cut(w, before);
    }
    json_close(&w->out);
}

static void write_table(struct writer *w, int idx, int flags)
{
    lua_State *L = w->L;

    if (w->out.depth >= JSON_DEPTH_MAX)
        refuse(w, "deeper than 32 levels, or a table that holds itself");
    if (lua_getmetatable(L, idx))
        refuse(w, "want data, got a part of the language");
    size_t count = value_push_keys(L, idx); /* keys */
    int keys = lua_gettop(L);
    lua_rawgeti(L, keys, 1); /* keys first */
    bool is_array = count > 0 ? lua_type(L, -1) == LUA_TNUMBER : !(flags & VALUE_IS_OBJECT);
    lua_rawgeti(L, keys, (lua_Integer)count); /* keys first last */
    if (count > 0 && lua_type(L, -1) == LUA_TSTRING && is_array)
        refuse(w, "a table with both numbers and names for keys is no data");
    lua_settop(L, keys); /* keys */
    if (is_array)
        write_array(w, idx, count);
    else
        write_object(w, idx, keys, count);
    lua_settop(L, keys - 1);
}

static void write_value(struct writer *w, int idx, int flags)
{
    luaL_checkstack(w->L, 8, "the data is nested too deep");
    /* What comes out is never longer than six times what goes in; this bounds the draft,
     * and the exact limit is kept on the canonical form. */
    if (w->out.str->len > (size_t)2 * VM_WISH_MAX)
        refuse(w, "the data is longer than 262144 bytes of JSON");
    switch (lua_type(w->L, idx)) {
    case LUA_TNIL: json_null(&w->out); break;
    case LUA_TBOOLEAN: json_boolean(&w->out, lua_toboolean(w->L, idx)); break;
    case LUA_TNUMBER: write_number(w, idx); break;
    case LUA_TSTRING: write_string(w, idx); break;
    case LUA_TTABLE: write_table(w, idx, flags); break;
    default:
        if (value_is_null(w->L, idx))
            json_null(&w->out);
        else
            luaL_error(w->L, "%s%s: %s is no data", w->what, w->path,
                       value_kind(w->L, idx));
    }
}

void value_write(lua_State *L, int idx, const char *what, int flags)
{
    struct vm *vm = vm_of(L);
    struct writer w = { .L = L, .out = { .str = &vm->draft }, .what = what };
    struct err err;

    str_reset(&vm->draft);
    str_reset(&vm->json);
    write_value(&w, lua_absindex(L, idx), flags);
    budget_charge(L, vm->draft.len / 16);
    if (json_canonical(&vm->json, str_text(&vm->draft), vm->draft.len, &err) != 0)
        luaL_error(L, "%s: %s", what, err.text);
    if (vm->json.len > VM_WISH_MAX)
        luaL_error(L, "%s: %d bytes of JSON; at most %d are taken", what, (int)vm->json.len,
                   VM_WISH_MAX);
}
