/* SPDX-License-Identifier: Apache-2.0 */
/* `use "azure.appservice"`: the actions there are, as functions of a table. */
#include "vm/playbook.h"

#include <string.h>

#include <lauxlib.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/schema.h"
#include "vm/opts.h"
#include "vm/run.h"
#include "vm/sandbox.h"
#include "vm/state.h"
#include "vm/value.h"

enum { NEAR_MAX = 512 }; /* actions looked at for a "did you mean" */

bool playbook_set_catalog(struct vm *vm, struct span catalog)
{
    struct span item;
    size_t pos = 0, count = 0;

    if (json_kind(catalog) != JSON_ARRAY)
        return false;
    vm->actions = arena_alloc(&vm->arena, (json_count(catalog) + 1) * sizeof *vm->actions);
    while (json_next(catalog, &pos, NULL, &item)) {
        struct span name = json_raw(item);
        if (name.len == 0 || name.len > VM_NAME_MAX ||
            memrchr(name.ptr, '.', name.len) == NULL)
            return false;
        vm->actions[count++] = arena_dup(&vm->arena, name.ptr, name.len);
    }
    vm->action_count = count;
    return true;
}

/* "azure.appservice" of "azure.appservice.stop". */
static struct span space_of(const char *action)
{
    return (struct span){ action, (size_t)(strrchr(action, '.') - action) };
}

/* An action's function: upvalue 1 is its full name. */
static int l_action(lua_State *L)
{
    const char *action = lua_tostring(L, lua_upvalueindex(1));

    run_may_wish(L);
    int args = lua_gettop(L);
    if (args > 1)
        return luaL_error(L, "%s takes one table, got %d values", action, args);
    if (args == 1 && (lua_type(L, 1) != LUA_TTABLE || lua_getmetatable(L, 1)))
        return luaL_error(L, "%s takes one table, as in %s { ... }; got %s", action,
                          strrchr(action, '.') + 1, value_kind(L, 1));
    if (args == 0)
        return run_wish(L, "step", action, span_of("{}"));
    value_write(L, 1, action, VALUE_IS_OBJECT);
    struct span json = str_span(&vm_of(L)->json);
    if (json_kind(json) != JSON_OBJECT)
        return luaL_error(L, "%s takes fields with names, got a list", action);
    return run_wish(L, "step", action, json);
}

/* The nearest action of the same space, or NULL. */
static const char *nearest_action(struct vm *vm, struct span space, const char *word)
{
    const char *names[NEAR_MAX];
    size_t count = 0;

    for (size_t i = 0; i < vm->action_count && count < NEAR_MAX; i++)
        if (span_equal(space_of(vm->actions[i]), space))
            names[count++] = vm->actions[i] + space.len + 1;
    return schema_nearest(span_of(word), names, count);
}

/* Reading what a space does not have; upvalue 1 is its name. */
static int on_no_action(lua_State *L)
{
    const char *space = lua_tostring(L, lua_upvalueindex(1));

    if (lua_type(L, 2) != LUA_TSTRING)
        return luaL_error(L, "%s has actions with names, got %s", space, value_kind(L, 2));
    const char *word = lua_tostring(L, 2);
    const char *nearest = nearest_action(vm_of(L), span_of(space), word);
    if (nearest != NULL)
        return luaL_error(L, "there is no action %s.%s; did you mean %s.%s?", space, word,
                          space, nearest);
    return luaL_error(L, "there is no action %s.%s; cordon actions lists them", space,
                      word);
}

static int raise_no_space(lua_State *L, struct vm *vm, const char *space)
{
    const char *names[NEAR_MAX];
    size_t count = 0;

    for (size_t i = 0; i < vm->action_count && count < NEAR_MAX; i++) {
        struct span other = space_of(vm->actions[i]);
        lua_pushlstring(L, other.ptr, other.len);
        bool is_new = true;
        for (size_t k = 0; k < count && is_new; k++)
            is_new = strcmp(names[k], lua_tostring(L, -1)) != 0;
        if (is_new)
            names[count++] = arena_strdup(&vm->arena, lua_tostring(L, -1));
        lua_pop(L, 1);
    }
    const char *nearest = schema_nearest(span_of(space), names, count);
    if (nearest != NULL)
        return luaL_error(L, "there is nothing called %s to use; did you mean %s?", space,
                          nearest);
    return luaL_error(L, "there is nothing called %s to use; cordon actions lists what is",
                      space);
}

static bool push_space(lua_State *L, struct vm *vm, const char *space)
{
    bool is_there = false;

    lua_newtable(L); /* actions */
    for (size_t i = 0; i < vm->action_count; i++) {
        struct span of = space_of(vm->actions[i]);
        if (!span_is(of, space))
            continue;
        lua_pushstring(L, vm->actions[i]);
        lua_pushcclosure(L, l_action, 1);
        lua_setfield(L, -2, vm->actions[i] + of.len + 1);
        is_there = true;
    }
    return is_there;
}

/* upvalue 1: the spaces made so far. */
int playbook_use(lua_State *L)
{
    struct vm *vm = vm_of(L);

    if (lua_gettop(L) != 1 || lua_type(L, 1) != LUA_TSTRING)
        return luaL_error(L, "use wants one name, as in use \"azure.appservice\"");
    const char *space = lua_tostring(L, 1);
    lua_pushvalue(L, 1);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
        return 1;
    if (!push_space(L, vm, space))
        return raise_no_space(L, vm, space);
    sandbox_protect_with(L, space, on_no_action); /* ... face */
    lua_pushvalue(L, 1);
    lua_pushvalue(L, -2);
    lua_rawset(L, lua_upvalueindex(1));
    return 1;
}
