/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/ctx.h"

#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "base/json.h"
#include "vm/fork.h"
#include "vm/opts.h"
#include "vm/params.h"
#include "vm/playbook.h"
#include "vm/run.h"
#include "vm/sandbox.h"
#include "vm/state.h"
#include "vm/value.h"

static const char members_key; /* its address names the shared functions in the registry */

/* The draft of a wish's arguments, in a buffer of the VM's. */
static struct json_out begin_args(lua_State *L)
{
    struct vm *vm = vm_of(L);

    str_reset(&vm->args);
    return (struct json_out){ .str = &vm->args };
}

/* Sends what was written to begin_args()'s buffer, whose keys stand sorted. */
static int send_args(lua_State *L, const char *kind)
{
    return run_wish(L, kind, "", str_span(&vm_of(L)->args));
}

static void want_args(lua_State *L, const char *what, int least, int most)
{
    run_may_wish(L);
    int args = lua_gettop(L);
    if (args < least || args > most)
        luaL_error(
            L, "%s takes %s%d value%s, got %d (and a dot, not a colon, before its name)",
            what, least == most ? "" : "at most ", most, most == 1 ? "" : "s", args);
}

static int l_now(lua_State *L)
{
    want_args(L, "ctx.now", 0, 0);
    return run_wish(L, "now", "", span_of("{}"));
}

static int l_uuid(lua_State *L)
{
    want_args(L, "ctx.uuid", 0, 0);
    return run_wish(L, "uuid", "", span_of("{}"));
}

static int l_random(lua_State *L)
{
    int is_whole = 0;

    want_args(L, "ctx.random", 0, 1);
    if (lua_gettop(L) == 0)
        return run_wish(L, "random", "", span_of("{}"));
    lua_Integer n = lua_type(L, 1) == LUA_TNUMBER ? lua_tointegerx(L, 1, &is_whole) : 0;
    if (!is_whole || n < 1 || n > INT32_MAX)
        return luaL_error(
            L, "ctx.random wants a whole number n from 1 to 2147483647 and gives "
               "one from 1 to n; without n it gives a part of 1");
    struct json_out out = begin_args(L);
    json_open(&out, '{');
    json_put_int(&out, "n", n);
    json_close(&out);
    return send_args(L, "random");
}

static int l_sleep(lua_State *L)
{
    want_args(L, "ctx.sleep", 1, 1);
    int64_t ms = opts_duration_at(L, 1, "ctx.sleep");
    struct json_out out = begin_args(L);
    json_open(&out, '{');
    json_put_int(&out, "ms", ms);
    json_close(&out);
    return send_args(L, "sleep");
}

static int l_note(lua_State *L)
{
    want_args(L, "ctx.note", 1, 1);
    struct span text = opts_text_at(L, 1, "ctx.note");
    struct json_out out = begin_args(L);
    json_open(&out, '{');
    json_put_span(&out, "text", text);
    json_close(&out);
    return send_args(L, "note");
}

static void put_optional(struct json_out *out, const char *key, struct span text)
{
    if (text.ptr != NULL)
        json_put_span(out, key, text);
}

/* Who is asked: one group or person, or a list of them. */
static void put_from(lua_State *L, struct json_out *out, const char *what)
{
    lua_pushliteral(L, "from");
    if (lua_rawget(L, 1) == LUA_TTABLE) { /* ... from */
        lua_Integer count = value_sequence(L, -1, "from");
        for (lua_Integer i = 1; i <= count; i++) {
            lua_rawgeti(L, -1, i);
            opts_text_at(L, -1, "from");
            lua_pop(L, 1);
        }
        value_write(L, -1, "from", 0);
        json_put_raw(out, "from", str_span(&vm_of(L)->json));
    } else {
        put_optional(out, "from", opts_text(L, 1, what, "from", false));
    }
    lua_pop(L, 1);
}

/* A duration goes out as it was written, after a look at it. */
static void put_within(lua_State *L, int idx, struct json_out *out, const char *what)
{
    char text[32];
    int64_t ms = opts_duration(L, idx, what, "within", -1);

    if (ms < 0)
        return;
    lua_pushliteral(L, "within");
    if (lua_rawget(L, idx) == LUA_TSTRING) { /* ... within */
        json_put(out, "within", lua_tostring(L, -1));
    } else {
        snprintf(text, sizeof text, ms % 1000 == 0 ? "%llds" : "%lldms",
                 (long long)(ms % 1000 == 0 ? ms / 1000 : ms));
        json_put(out, "within", text);
    }
    lua_pop(L, 1);
}

/* How many people, or the groups that one person each is wanted of. */
static void put_need(lua_State *L, struct json_out *out, const char *what)
{
    lua_pushliteral(L, "need");
    if (lua_rawget(L, 1) == LUA_TTABLE) { /* ... need */
        lua_Integer count = value_sequence(L, -1, "ctx.approve: need");

        for (lua_Integer i = 1; i <= count; i++) {
            lua_rawgeti(L, -1, i);
            opts_text_at(L, -1, "ctx.approve: need");
            lua_pop(L, 1);
        }
        if (count < 1 || count > VM_SLOTS_MAX)
            luaL_error(L, "ctx.approve: need wants 1 to %d groups, or a whole number",
                       VM_SLOTS_MAX);
        lua_pushliteral(L, "from");
        if (lua_rawget(L, 1) != LUA_TNIL)
            luaL_error(L, "ctx.approve: need names the groups itself, so there is no from");
        lua_pop(L, 1);
        value_write(L, -1, "ctx.approve: need", 0);
        json_put_raw(out, "need", str_span(&vm_of(L)->json));
    } else {
        json_put_int(out, "need", opts_int(L, 1, what, "need", 1, 100, 1));
    }
    lua_pop(L, 1);
}

/* One link of the chain, at the top: { after = "10m", from = "managers", severity = "high+" }. */
static void check_link(lua_State *L)
{
    static const char *const known[] = { "after", "from", "severity", NULL };
    const char *what = "ctx.approve: escalate";
    bool or_more;

    opts_check(L, lua_gettop(L), what, known);
    if (opts_duration(L, lua_gettop(L), what, "after", -1) < 0)
        luaL_error(L, "%s wants after, a duration such as \"10m\"", what);
    lua_pushliteral(L, "after");
    if (lua_rawget(L, -2) != LUA_TSTRING)
        luaL_error(L, "%s: after wants a text such as \"10m\"", what);
    lua_pop(L, 1);
    opts_text(L, lua_gettop(L), what, "from", true);
    struct span severity = opts_text(L, lua_gettop(L), what, "severity", false);
    if (severity.ptr != NULL && playbook_severity(severity, &or_more) < 0)
        luaL_error(L,
                   "%s: severity wants informational, low, medium, high or critical, "
                   "each also with + behind it",
                   what);
}

/* Whom it asks too when nobody has answered for a while. */
static void put_escalate(lua_State *L, struct json_out *out)
{
    lua_pushliteral(L, "escalate");
    if (lua_rawget(L, 1) != LUA_TNIL) { /* ... escalate */
        luaL_checktype(L, -1, LUA_TTABLE);
        lua_Integer count = value_sequence(L, -1, "ctx.approve: escalate");
        if (count < 1 || count > VM_ESCALATES_MAX)
            luaL_error(L, "ctx.approve: escalate wants a list of 1 to %d tables",
                       VM_ESCALATES_MAX);
        for (lua_Integer i = 1; i <= count; i++) {
            lua_rawgeti(L, -1, i);
            check_link(L);
            lua_pop(L, 1);
        }
        value_write(L, -1, "ctx.approve: escalate", 0);
        json_put_raw(out, "escalate", str_span(&vm_of(L)->json));
    }
    lua_pop(L, 1);
}

/* The channels of cordon.lua that are told of this gate, in place of those that would be. */
static void put_notify(lua_State *L, struct json_out *out, const char *what)
{
    lua_pushliteral(L, "notify");
    if (lua_rawget(L, 1) != LUA_TNIL) { /* ... notify */
        luaL_checktype(L, -1, LUA_TTABLE);
        lua_Integer count = value_sequence(L, -1, "notify");
        if (count < 1 || count > VM_NOTIFY_MAX)
            luaL_error(L, "%s: notify wants a list of 1 to %d names of channels", what,
                       VM_NOTIFY_MAX);
        for (lua_Integer i = 1; i <= count; i++) {
            lua_rawgeti(L, -1, i);
            opts_text_at(L, -1, "notify");
            lua_pop(L, 1);
        }
        value_write(L, -1, "notify", 0);
        json_put_raw(out, "notify", str_span(&vm_of(L)->json));
    }
    lua_pop(L, 1);
}

static int l_approve(lua_State *L)
{
    static const char *const known[] = { "title",    "from",   "need",
                                         "within",   "detail", "on_timeout",
                                         "escalate", "notify", NULL };
    static const char *const ends[] = { "hold", "deny", "escalate", NULL };
    const char *what = "ctx.approve";

    want_args(L, what, 1, 1);
    opts_check(L, 1, what, known);
    struct json_out out = begin_args(L);
    json_open(&out, '{');
    put_optional(&out, "detail", opts_text(L, 1, what, "detail", false));
    put_escalate(L, &out);
    put_from(L, &out, what);
    put_need(L, &out, what);
    put_notify(L, &out, what);
    json_put(&out, "on_timeout", opts_choice(L, 1, what, "on_timeout", ends, "hold"));
    json_put_span(&out, "title", opts_text(L, 1, what, "title", true));
    put_within(L, 1, &out, what);
    json_close(&out);
    return send_args(L, "approve");
}

static void put_choices(lua_State *L, struct json_out *out)
{
    lua_pushliteral(L, "choices");
    if (lua_rawget(L, 1) != LUA_TNIL) { /* ... choices */
        luaL_checktype(L, -1, LUA_TTABLE);
        lua_Integer count = value_sequence(L, -1, "ctx.ask: choices");
        for (lua_Integer i = 1; i <= count; i++) {
            lua_rawgeti(L, -1, i);
            opts_text_at(L, -1, "ctx.ask: choices");
            lua_pop(L, 1);
        }
        if (count < 1 || count > 100)
            luaL_error(L, "ctx.ask: choices wants 1 to 100 texts");
        value_write(L, -1, "ctx.ask: choices", 0);
        json_put_raw(out, "choices", str_span(&vm_of(L)->json));
    }
    lua_pop(L, 1);
}

static int l_ask(lua_State *L)
{
    static const char *const known[] = { "title", "choices", "type",   "detail",
                                         "from",  "within",  "notify", NULL };
    static const char *const types[] = { "string", "integer", "number", "boolean",
                                         "arm_id", "ip",      "uuid",   "duration",
                                         "time",   NULL };
    const char *what = "ctx.ask";

    want_args(L, what, 1, 1);
    opts_check(L, 1, what, known);
    struct json_out out = begin_args(L);
    json_open(&out, '{');
    put_choices(L, &out);
    put_optional(&out, "detail", opts_text(L, 1, what, "detail", false));
    put_from(L, &out, what);
    put_notify(L, &out, what);
    json_put_span(&out, "title", opts_text(L, 1, what, "title", true));
    json_put(&out, "type", opts_choice(L, 1, what, "type", types, "string"));
    put_within(L, 1, &out, what);
    json_close(&out);
    return send_args(L, "ask");
}

static int l_rollback(lua_State *L)
{
    static const char *const known[] = { "to", "target", NULL };
    const char *what = "ctx.rollback";

    want_args(L, what, 0, 1);
    if (lua_gettop(L) == 0)
        return run_wish(L, "rollback", "", span_of("{}"));
    opts_check(L, 1, what, known);
    struct json_out out = begin_args(L);
    json_open(&out, '{');
    put_optional(&out, "target", opts_text(L, 1, what, "target", false));
    put_optional(&out, "to", opts_text(L, 1, what, "to", false));
    json_close(&out);
    return send_args(L, "rollback");
}

static int l_call(lua_State *L)
{
    want_args(L, "ctx.call", 1, 2);
    struct span name = opts_text_at(L, 1, "ctx.call");
    struct json_out out = begin_args(L);
    struct span params = span_of("{}");
    if (lua_gettop(L) == 2) {
        value_write(L, 2, "ctx.call: params", VALUE_IS_OBJECT);
        params = str_span(&vm_of(L)->json);
    }
    json_open(&out, '{');
    json_put_raw(&out, "params", params);
    json_put_span(&out, "playbook", name);
    json_close(&out);
    return send_args(L, "call");
}

static int l_signal(lua_State *L)
{
    static const char *const known[] = { "within", NULL };

    want_args(L, "ctx.signal", 1, 2);
    struct span name = opts_text_at(L, 1, "ctx.signal");
    if (lua_gettop(L) == 2)
        opts_check(L, 2, "ctx.signal", known);
    struct json_out out = begin_args(L);
    json_open(&out, '{');
    json_put_span(&out, "name", name);
    if (lua_gettop(L) == 2)
        put_within(L, 2, &out, "ctx.signal");
    json_close(&out);
    return send_args(L, "signal");
}

/* Reading what ctx does not have. What a run may or may not have is nil when absent. */
static int on_absent(lua_State *L)
{
    static const char *const optional[] = { "alert", "requester", "parent" };

    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++)
        if (lua_type(L, 2) == LUA_TSTRING && strcmp(lua_tostring(L, 2), optional[i]) == 0)
            return 0;
    if (lua_type(L, 2) != LUA_TSTRING)
        return luaL_error(L, "ctx has fields with names, got %s", value_kind(L, 2));
    const char *names[64];
    size_t count = 0;
    size_t keys = value_push_keys(L, 1); /* t key keys */
    for (size_t i = 1; i <= keys && count < 64; i++) {
        lua_rawgeti(L, 3, (lua_Integer)i);
        names[count++] = lua_tostring(L, -1);
        lua_pop(L, 1);
    }
    return opts_unknown(L, "ctx", span_of(lua_tostring(L, 2)), names, count);
}

void ctx_open(lua_State *L)
{
    static const luaL_Reg ours[] = {
        { "now", l_now },       { "random", l_random },     { "uuid", l_uuid },
        { "sleep", l_sleep },   { "note", l_note },         { "approve", l_approve },
        { "ask", l_ask },       { "rollback", l_rollback }, { "call", l_call },
        { "signal", l_signal }, { "all", fork_all },        { "each", fork_each },
        { NULL, NULL },
    };

    lua_newtable(L); /* members */
    luaL_setfuncs(L, ours, 0);
    prelude_add(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &members_key);
}

static void put_about(lua_State *L, struct span about, const char *from, const char *to)
{
    struct span value = json_get(about, from);

    if (value.len == 0)
        return;
    value_push(L, value); /* members value */
    lua_setfield(L, -2, to);
}

void ctx_push(lua_State *L, struct span about)
{
    lua_createtable(L, 0, 20);                       /* own */
    lua_rawgetp(L, LUA_REGISTRYINDEX, &members_key); /* own members */
    for (lua_pushnil(L); lua_next(L, -2) != 0;) {    /* own members key value */
        lua_pushvalue(L, -2);
        lua_insert(L, -2); /* own members key key value */
        lua_rawset(L, -5); /* own members key */
    }
    lua_pop(L, 1); /* own */
    put_about(L, about, "id", "run");
    put_about(L, about, "alert", "alert");
    put_about(L, about, "requester", "requester");
    put_about(L, about, "parent", "parent");
    sandbox_protect_with(L, "ctx", on_absent);
}
