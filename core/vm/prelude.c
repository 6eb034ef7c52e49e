/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of ctx that is easier to say in Lua: what calls a playbook's function and goes
 * on afterwards. It is made of the same wishes that a playbook could make itself.
 */
#include "vm/ctx.h"

#include <lauxlib.h>

#include "base/json.h"
#include "vm/opts.h"
#include "vm/run.h"
#include "vm/sandbox.h"
#include "vm/state.h"
#include "vm/value.h"

static const char source[] =
    "local ctx, begin, number, finish, undo, options, timed_out, wait, look_from, "
    "is_number, pcall, "
    "rethrow = ...\n"
    "local now, sleep = ctx.now, ctx.sleep\n"
    "\n"
    "function ctx.atomic(fn)\n"
    "    begin(fn)\n"
    "    local from = number()\n"
    "    local ok, value = pcall(fn)\n"
    "    if ok then\n"
    "        finish(from)\n"
    "        return value\n"
    "    end\n"
    "    undo(from)\n"
    "    return rethrow(value)\n"
    "end\n"
    "\n"
    "-- A run that began before waits were one wish goes on as it began.\n"
    "local function wait_by_sleeping(fn, every, within, started)\n"
    "    every, within = every // 1000, (within + 999) // 1000\n"
    "    while true do\n"
    "        local value = fn()\n"
    "        if value then return value end\n"
    "        if now() - started >= within then return timed_out(within * 1000) end\n"
    "        sleep(every)\n"
    "    end\n"
    "end\n"
    "\n"
    "-- Each look takes the numbers of the one before, unless that one is journaled.\n"
    "function ctx.wait_until(fn, opts)\n"
    "    local every, within = options(fn, opts)\n"
    "    local turn = wait(every, within)\n"
    "    if is_number(turn) then\n"
    "        return wait_by_sleeping(fn, every, within, turn)\n"
    "    end\n"
    "    local base, at = number(), turn.at\n"
    "    while not turn.timeout do\n"
    "        local value = fn(turn.look)\n"
    "        if value then return value end\n"
    "        turn = wait(every, within, at, base)\n"
    "        if turn.to then look_from(turn.to) else base = number() end\n"
    "    end\n"
    "    return timed_out(within)\n"
    "end\n";

static int l_begin(lua_State *L)
{
    run_may_wish(L);
    if (lua_type(L, 1) != LUA_TFUNCTION)
        return luaL_error(L, "ctx.atomic takes a function, got %s", value_kind(L, 1));
    return run_wish(L, "atomic_begin", "", span_of("{}"));
}

/* What number the wish had that was answered last: atomic_begin's. */
static int l_number(lua_State *L)
{
    lua_pushinteger(L, run_wish_number(L));
    return 1;
}

static int wish_from(lua_State *L, const char *kind)
{
    struct vm *vm = vm_of(L);
    struct json_out out = { .str = &vm->args };

    str_reset(&vm->args);
    json_open(&out, '{');
    json_put_int(&out, "from", lua_tointeger(L, 1));
    json_close(&out);
    return run_wish(L, kind, "", str_span(&vm->args));
}

static int l_finish(lua_State *L)
{
    return wish_from(L, "atomic_end");
}

static int l_undo(lua_State *L)
{
    return wish_from(L, "atomic_undo");
}

/* wait_until's options: every and within, both in milliseconds. */
static int l_options(lua_State *L)
{
    static const char *const known[] = { "every", "within", NULL };
    const char *what = "ctx.wait_until";
    int64_t every_ms = 15000, within_ms = 600000;

    run_may_wish(L);
    if (lua_type(L, 1) != LUA_TFUNCTION)
        return luaL_error(L, "ctx.wait_until takes a function first, got %s",
                          value_kind(L, 1));
    if (!lua_isnoneornil(L, 2)) {
        opts_check(L, 2, what, known);
        every_ms = opts_duration(L, 2, what, "every", every_ms);
        within_ms = opts_duration(L, 2, what, "within", within_ms);
    }
    if (every_ms < 1000)
        return luaL_error(L, "ctx.wait_until: every wants at least 1s");
    lua_pushinteger(L, every_ms);
    lua_pushinteger(L, within_ms);
    return 2;
}

/* wait(every, within, at, of): may it look? Without the last two it is the first look. */
static int l_wait(lua_State *L)
{
    struct vm *vm = vm_of(L);
    struct json_out out = { .str = &vm->args };

    str_reset(&vm->args);
    json_open(&out, '{');
    if (!lua_isnoneornil(L, 3))
        json_put_int(&out, "at", lua_tointeger(L, 3));
    json_put_int(&out, "every", lua_tointeger(L, 1));
    json_put_int(&out, "ms", lua_tointeger(L, 2));
    if (!lua_isnoneornil(L, 4))
        json_put_int(&out, "of", lua_tointeger(L, 4));
    json_close(&out);
    return run_wish(L, "wait_until", "", str_span(&vm->args));
}

static int l_look_from(lua_State *L)
{
    run_wish_again(L, (int)lua_tointeger(L, 1));
    return 0;
}

static int l_is_number(lua_State *L)
{
    lua_pushboolean(L, lua_type(L, 1) == LUA_TNUMBER);
    return 1;
}

static int l_timed_out(lua_State *L)
{
    char shown[32];

    duration_show((int64_t)lua_tointeger(L, 1), shown);
    lua_createtable(L, 0, 2); /* error */
    lua_pushliteral(L, "timeout");
    lua_setfield(L, -2, "code");
    lua_pushfstring(L, "ctx.wait_until: still not so after %s", shown);
    lua_setfield(L, -2, "message");
    return lua_error(L);
}

static int l_rethrow(lua_State *L)
{
    lua_settop(L, 1);
    return lua_error(L);
}

void prelude_add(lua_State *L)
{
    static const lua_CFunction parts[] = { l_begin, l_number,    l_finish,
                                           l_undo,  l_options,   l_timed_out,
                                           l_wait,  l_look_from, l_is_number };

    int status =
        luaL_loadbufferx(L, source, sizeof source - 1, "=ctx", "t"); /* ctx chunk */
    if (status != LUA_OK)
        lua_error(L);     /* a bug of ours; the process does not start */
    lua_pushvalue(L, -2); /* ctx chunk ctx */
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        lua_pushcfunction(L, parts[i]);
    lua_newtable(L);
    lib_add_base(L);
    lua_getfield(L, -1, "pcall");
    lua_remove(L, -2);
    lua_pushcfunction(L, l_rethrow); /* ctx chunk ctx begin ... pcall rethrow */
    lua_call(L, 12, 0);              /* ctx */
}
