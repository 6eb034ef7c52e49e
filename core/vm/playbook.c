/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/playbook.h"

#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "base/err.h"
#include "base/json.h"
#include "vm/budget.h"
#include "vm/door.h"
#include "vm/opts.h"
#include "vm/params.h"
#include "vm/sandbox.h"
#include "vm/state.h"
#include "vm/value.h"

static const char *const fields[] = { "name",       "summary", "params",  "on_alert",
                                      "on_failure", "run",     "recover", NULL };
static const char *const ends[] = { "keep", "rollback", NULL };

void playbook_set_name(struct vm *vm, struct span name)
{
    const char *slash = name.len == 0 ? NULL : memrchr(name.ptr, '/', name.len);

    if (slash != NULL) {
        name.len -= (size_t)(slash + 1 - name.ptr);
        name.ptr = slash + 1;
    }
    if (name.len > 4 && memcmp(name.ptr + name.len - 4, ".lua", 4) == 0)
        name.len -= 4;
    if (name.len == 0 || name.len > 40 || !source_is_text(name))
        name = span_of("playbook");
    snprintf(vm->chunk, sizeof vm->chunk, "=%.*s", (int)name.len, name.ptr);
    snprintf(vm->name, sizeof vm->name, "%s", vm->chunk + 1);
}

/* -- playbook { ... } --------------------------------------------------------------------- */

static void check_function(lua_State *L, int idx, const char *key, bool required)
{
    lua_pushstring(L, key);
    int type = lua_rawget(L, idx);
    if (type == LUA_TNIL && required)
        luaL_error(L, "playbook wants %s = function(p, ctx) ... end", key);
    if (type != LUA_TNIL && type != LUA_TFUNCTION)
        luaL_error(L, "playbook: %s wants a function, got %s", key, value_kind(L, -1));
    lua_pop(L, 1);
}

static void check_name(lua_State *L, int idx)
{
    struct span name = opts_text(L, idx, "playbook", "name", true);

    for (size_t i = 0; i < name.len; i++)
        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-", name.ptr[i]) == NULL)
            luaL_error(L, "playbook: name wants small letters, digits and -");
    if (name.len > 64)
        luaL_error(L, "playbook: name wants at most 64 characters");
}

static void check_severity(lua_State *L, int idx)
{
    struct span text = opts_text(L, idx, "playbook: on_alert.when", "severity", false);
    bool or_more;

    if (text.ptr == NULL || playbook_severity(text, &or_more) >= 0)
        return;
    text.len -= or_more;
    opts_unknown(L, "playbook: on_alert.when.severity", text, playbook_severities, 5);
}

/* Stack: ... when */
static void check_truth(lua_State *L, int idx, const char *key)
{
    lua_pushstring(L, key);
    if (lua_rawget(L, idx - 1) != LUA_TNIL && lua_type(L, -1) != LUA_TBOOLEAN)
        luaL_error(L, "playbook: on_alert.when.%s wants true or false", key);
    lua_pop(L, 1);
}

/* A function, or false: what an alert gains later starts nothing. */
static void check_changed(lua_State *L, int on_alert)
{
    lua_pushliteral(L, "changed");
    int type = lua_rawget(L, on_alert);
    if (type != LUA_TNIL && type != LUA_TFUNCTION &&
        (type != LUA_TBOOLEAN || lua_toboolean(L, -1)))
        luaL_error(L, "playbook: on_alert.changed wants a function, or false");
    lua_pop(L, 1);
}

static void check_on_alert(lua_State *L, int idx)
{
    static const char *const known[] = { "when", "params", "changed", NULL };
    static const char *const when[] = { "source", "type",      "severity", "status",
                                        "over",   "simulated", NULL };

    lua_pushliteral(L, "on_alert");
    if (lua_rawget(L, idx) != LUA_TNIL) { /* on_alert */
        int on_alert = lua_gettop(L);
        opts_check(L, on_alert, "playbook: on_alert", known);
        check_function(L, on_alert, "params", false);
        check_changed(L, on_alert);
        lua_pushliteral(L, "when");
        if (lua_rawget(L, on_alert) == LUA_TNIL)
            luaL_error(L, "playbook: on_alert wants when = { source = ..., type = ... }");
        opts_check(L, -1, "playbook: on_alert.when", when);
        for (size_t i = 0; when[i] != NULL && strcmp(when[i], "over") != 0; i++)
            opts_text(L, -1, "playbook: on_alert.when", when[i], false);
        check_truth(L, -1, "over");
        check_truth(L, -1, "simulated");
        check_severity(L, -1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static int l_playbook(lua_State *L)
{
    struct vm *vm = vm_of(L);

    if (*branch_slot(L) != NULL || vm->spec_ref != LUA_NOREF)
        return luaL_error(L, "playbook { ... } stands once, at the end of the file");
    if (lua_gettop(L) != 1)
        return luaL_error(L, "playbook takes one table");
    opts_check(L, 1, "playbook", fields);
    if (!vm->is_loaded) { /* the same file says the same each time */
        check_name(L, 1);
        opts_text(L, 1, "playbook", "summary", false);
        opts_choice(L, 1, "playbook", "on_failure", ends, "keep");
        check_function(L, 1, "run", true);
        check_function(L, 1, "recover", false);
        check_on_alert(L, 1);
        lua_pushliteral(L, "params");
        lua_rawget(L, 1); /* spec params */
        params_declare(L, 2);
        lua_settop(L, 1);
    }
    lua_pushvalue(L, 1);
    vm->spec_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return 1;
}

void playbook_push_env(struct vm *vm)
{
    lua_newtable(vm->L);                      /* extra */
    lua_newtable(vm->L);                      /* extra spaces */
    lua_pushcclosure(vm->L, playbook_use, 1); /* extra use */
    lua_setfield(vm->L, -2, "use");
    lua_pushcfunction(vm->L, l_playbook);
    lua_setfield(vm->L, -2, "playbook");
    sandbox_push_playbook_env(vm->L); /* env */
}

/* -- Running the file --------------------------------------------------------------------- */

void playbook_push_spec(struct vm *vm, lua_State *co)
{
    lua_State *L = vm->L;
    int count = 0;

    vm->spec_ref = LUA_NOREF;
    lua_rawgeti(co, LUA_REGISTRYINDEX, vm->chunk_ref); /* co: chunk */
    int status = door_resume(vm, co, 0, &count);
    if (status == LUA_YIELD)
        luaL_error(L, "the file waited while it was read");
    if (status != LUA_OK) {
        lua_xmove(co, L, 1); /* error */
        if (lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "%s:1: the file raised a table while it was read", vm->name);
        lua_error(L);
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->spec_ref); /* spec or nil */
    luaL_unref(L, LUA_REGISTRYINDEX, vm->spec_ref);
    vm->spec_ref = LUA_NOREF;
    if (count == 1)
        lua_xmove(co, L, 1); /* spec returned */
    else
        lua_pushnil(L);
    if (lua_isnil(L, -1) || !lua_rawequal(L, -1, -2))
        luaL_error(L, "%s:1: the file wants to end with: return playbook { ... }",
                   vm->name);
    lua_pop(L, 1);     /* spec */
    lua_settop(co, 0); /* co: - */
}

void playbook_push_entry(struct vm *vm, lua_State *co, struct span entry)
{
    playbook_push_spec(vm, co); /* spec */
    if (!span_is(entry, "run") && !span_is(entry, "recover"))
        luaL_error(vm->L, "a run begins with run or recover");
    lua_pushlstring(vm->L, entry.ptr, entry.len);
    if (lua_rawget(vm->L, -2) != LUA_TFUNCTION) /* spec function */
        luaL_error(vm->L, "this playbook has no recover");
    lua_xmove(vm->L, co, 1); /* co: function */
    lua_pop(vm->L, 1);
}

/* -- Loading ------------------------------------------------------------------------------ */

static void put_text(lua_State *L, int idx, struct json_out *out, const char *key)
{
    struct span text = opts_text(L, idx, "playbook", key, false);

    json_put_span(out, key, text);
}

static void write_info(lua_State *L, int spec, struct str *info)
{
    struct json_out out = { .str = info };

    json_open(&out, '{');
    put_text(L, spec, &out, "name");
    lua_pushliteral(L, "on_alert");
    json_key(&out, "on_alert");
    bool gives = false, is_refused = false;
    if (lua_rawget(L, spec) == LUA_TNIL) { /* on_alert */
        json_null(&out);
    } else {
        lua_pushliteral(L, "when");
        lua_rawget(L, -2); /* on_alert when */
        value_write(L, -1, "on_alert.when", VALUE_IS_OBJECT);
        json_raw_value(&out, str_span(&vm_of(L)->json));
        lua_pop(L, 1);
        lua_pushliteral(L, "params");
        gives = lua_rawget(L, -2) == LUA_TFUNCTION;
        lua_pop(L, 1);
        lua_pushliteral(L, "changed");
        is_refused = lua_rawget(L, -2) == LUA_TBOOLEAN; /* check_changed: false */
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    if (is_refused)
        json_put_bool(&out, "on_alert_changed", false);
    json_put_bool(&out, "on_alert_gives", gives);
    json_put(&out, "on_failure",
             opts_choice(L, spec, "playbook", "on_failure", ends, "keep"));
    json_put_raw(&out, "params", str_span(&vm_of(L)->schema));
    lua_pushliteral(L, "recover");
    json_put_bool(&out, "recover", lua_rawget(L, spec) == LUA_TFUNCTION);
    lua_pop(L, 1);
    put_text(L, spec, &out, "summary");
    json_close(&out);
}

struct load {
    struct span source;
    struct str *info;
    struct source_error error;
    bool is_compiled;
};

static void load(struct vm *vm, void *arg)
{
    struct load *load = arg;
    lua_State *L = vm->L;

    if (source_compile(L, load->source, vm->chunk, &load->error) != 0)
        return;               /* the place is known better than Lua's sentence tells */
    load->is_compiled = true; /* chunk */
    playbook_push_env(vm);    /* chunk env */
    sandbox_confine(L);       /* chunk */
    vm->chunk_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_State *co = lua_newthread(L); /* co */
    *branch_slot(co) = NULL;
    playbook_push_spec(vm, co); /* co spec */
    write_info(L, lua_gettop(L), load->info);
}

static bool refuse(struct str *info, const char *message)
{
    struct source_error error = { .line = 1, .column = 1 };

    snprintf(error.message, sizeof error.message, "%s", message);
    str_reset(info);
    source_error_json(info, "load", &error);
    return false;
}

bool playbook_load(struct vm *vm, struct span name, struct span source, struct span catalog,
                   struct str *info)
{
    struct load work = { .source = source, .info = info };
    struct err err;

    if (vm->is_loaded || vm->chunk_ref != LUA_NOREF)
        return refuse(info, "this process has a playbook already");
    playbook_set_name(vm, name);
    if (!playbook_set_catalog(vm, catalog))
        return refuse(info, "the catalog is no list of action names");
    budget_begin(vm, VM_STEPS_MAX);
    int rc = door_enter(vm, load, &work, &err);
    if (rc == 0 && work.is_compiled) {
        vm->is_loaded = true;
        return true;
    }
    if (rc != 0)
        source_split(vm->chunk, err.text, &work.error);
    if (work.error.line == 0)
        work.error.line = 1;
    str_reset(info);
    source_error_json(info, work.is_compiled ? "load" : "syntax", &work.error);
    return false;
}
