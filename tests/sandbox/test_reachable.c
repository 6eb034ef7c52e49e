/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every value that a playbook can get hold of, found by walking all tables, metatables and
 * upvalues from its environment, its ctx and a string. What is not in reachable.txt is a
 * hole in the sandbox, and what is there and not here has been lost.
 */
#include "proc.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <lauxlib.h>

#include "base/err.h"
#include "check.h"
#include "vm/budget.h"
#include "vm/ctx.h"
#include "vm/door.h"
#include "vm/playbook.h"
#include "vm/state.h"
#include "vm/value.h"
#include "vm/vm.h"

enum { PATH_CAP = 512, TEXT_CAP = 64 * 1024, DEPTH_MAX = 24 };

struct walk {
    lua_State *L;
    int seen; /* stack index of a table: what has been written already */
    struct str out;
};

static void walk_value(struct walk *w, const char *path, int depth);

/* The key on top, as a part of a path. */
static void add_key(lua_State *L, char *path, const char *before)
{
    if (lua_type(L, -1) == LUA_TSTRING)
        snprintf(path, PATH_CAP, "%s.%s", before, lua_tostring(L, -1));
    else
        snprintf(path, PATH_CAP, "%s[%lld]", before, (long long)lua_tointeger(L, -1));
}

static void walk_table(struct walk *w, const char *path, int depth)
{
    lua_State *L = w->L;
    int table = lua_gettop(L);
    char inner[PATH_CAP];

    size_t count = value_push_keys(L, table); /* table keys */
    for (size_t i = 1; i <= count; i++) {
        lua_rawgeti(L, table + 1, (lua_Integer)i); /* table keys key */
        add_key(L, inner, path);
        lua_rawget(L, table); /* table keys value */
        walk_value(w, inner, depth + 1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static void walk_upvalues(struct walk *w, const char *path, int depth)
{
    char inner[PATH_CAP];

    for (int i = 1; lua_getupvalue(w->L, -1, i) != NULL; i++) {
        snprintf(inner, sizeof inner, "%s^%d", path, i);
        walk_value(w, inner, depth + 1);
        lua_pop(w->L, 1);
    }
}

static bool is_new(struct walk *w)
{
    lua_pushvalue(w->L, -1);
    bool is_known = lua_rawget(w->L, w->seen) != LUA_TNIL;
    lua_pop(w->L, 1);
    lua_pushvalue(w->L, -1);
    lua_pushboolean(w->L, 1);
    lua_rawset(w->L, w->seen);
    return !is_known;
}

/* The value on top. */
static void walk_value(struct walk *w, const char *path, int depth)
{
    lua_State *L = w->L;
    int type = lua_type(L, -1);
    char inner[PATH_CAP];

    luaL_checkstack(L, 16, "walk");
    if (depth > DEPTH_MAX)
        luaL_error(L, "%s: too deep", path);
    const char *kind = type != LUA_TFUNCTION    ? value_kind(L, -1)
                       : lua_iscfunction(L, -1) ? "a C function"
                                                : "a Lua function";
    str_printf(&w->out, "%s: %s\n", path, kind);
    if (type == LUA_TNIL || type == LUA_TBOOLEAN || type == LUA_TNUMBER)
        return;
    if (type != LUA_TSTRING && !is_new(w))
        return;
    if (type == LUA_TTABLE)
        walk_table(w, path, depth);
    if (type == LUA_TFUNCTION)
        walk_upvalues(w, path, depth);
    if ((type != LUA_TSTRING || strcmp(path, "string") == 0) && lua_getmetatable(L, -1)) {
        snprintf(inner, sizeof inner, "%s@", path);
        walk_value(w, inner, depth + 1);
        lua_pop(L, 1);
    }
}

static void walk(struct vm *vm, void *arg)
{
    struct walk *w = arg;
    lua_State *L = vm->L;

    w->L = L;
    lua_newtable(L); /* seen */
    w->seen = lua_gettop(L);
    playbook_push_env(vm);
    walk_value(w, "env", 0);
    ctx_push(L, span_of("{\"id\":\"r-000001\"}"));
    walk_value(w, "ctx", 0);
    lua_pushliteral(L, "x");
    walk_value(w, "string", 0);
}

static void read_wanted(char *wanted)
{
    FILE *file = fopen("tests/sandbox/reachable.txt", "r");

    if (file == NULL)
        FAIL("tests/sandbox/reachable.txt: %s", strerror(errno));
    size_t len = fread(wanted, 1, TEXT_CAP - 1, file);
    wanted[len] = '\0';
    fclose(file);
}

/* The first line that differs is what somebody has to look at. */
static void compare_lines(const char *was, const char *wanted)
{
    while (*was != '\0' || *wanted != '\0') {
        size_t was_len = strcspn(was, "\n"), wanted_len = strcspn(wanted, "\n");
        if (was_len != wanted_len || memcmp(was, wanted, was_len) != 0)
            FAIL("reachable.txt wants \"%.*s\", there is \"%.*s\"", (int)wanted_len, wanted,
                 (int)was_len, was);
        was += was_len + (was[was_len] == '\n');
        wanted += wanted_len + (wanted[wanted_len] == '\n');
    }
}

TEST(a_playbook_reaches_what_is_listed_and_nothing_else)
{
    struct walk w = { 0 };
    struct err err;
    static char wanted[TEXT_CAP];

    struct vm *vm = vm_new(-1);
    budget_begin(vm, VM_STEPS_MAX);
    CHECK_OK(door_enter(vm, walk, &w, &err), &err);
    read_wanted(wanted);
    compare_lines(str_text(&w.out), wanted);
    CHECK(w.out.len > 1000);
    str_fini(&w.out);
    vm_free(vm);
}
