/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/data.h"

#include <string.h>

#include <lauxlib.h>

#include "base/err.h"
#include "vm/budget.h"
#include "vm/door.h"
#include "vm/playbook.h"
#include "vm/sandbox.h"
#include "vm/source.h"
#include "vm/state.h"
#include "vm/value.h"

struct work {
    struct span source;
    struct source_error error;
    bool is_compiled;
};

static void run(struct vm *vm, void *arg)
{
    struct work *work = arg;
    lua_State *L = vm->L;
    int count = 0;

    if (source_compile(L, work->source, vm->chunk, &work->error) != 0)
        return;
    work->is_compiled = true;         /* chunk */
    sandbox_push_data_env(L);         /* chunk env */
    sandbox_confine(L);               /* chunk */
    lua_State *co = lua_newthread(L); /* chunk co */
    *branch_slot(co) = NULL;
    lua_insert(L, -2);   /* co chunk */
    lua_xmove(L, co, 1); /* co */
    int status = door_resume(vm, co, 0, &count);
    if (status != LUA_OK) {
        lua_xmove(co, L, 1);
        if (lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "%s:1: the file raised a table", vm->name);
        lua_error(L);
    }
    if (count != 1 || lua_type(co, -1) != LUA_TTABLE)
        luaL_error(L, "%s:1: the file wants to return one table", vm->name);
    lua_xmove(co, L, 1); /* co table */
    value_write(L, -1, vm->name, VALUE_IS_OBJECT);
}

bool data_read(struct vm *vm, struct span name, struct span source, struct str *result)
{
    struct work work = { .source = source };
    struct err err;
    char kept_name[sizeof vm->name], kept_chunk[sizeof vm->chunk];

    /* A playbook that is loaded here keeps its name. */
    memcpy(kept_name, vm->name, sizeof kept_name);
    memcpy(kept_chunk, vm->chunk, sizeof kept_chunk);
    playbook_set_name(vm, name);
    budget_begin(vm, VM_STEPS_DATA_MAX);
    int rc = door_enter(vm, run, &work, &err);
    if (rc == 0 && work.is_compiled) {
        str_add_span(result, str_span(&vm->json));
    } else {
        if (rc != 0)
            source_split(vm->chunk, err.text, &work.error);
        if (work.error.line == 0)
            work.error.line = 1;
        source_error_json(result, work.is_compiled ? "data" : "syntax", &work.error);
    }
    memcpy(vm->name, kept_name, sizeof kept_name);
    memcpy(vm->chunk, kept_chunk, sizeof kept_chunk);
    return rc == 0 && work.is_compiled;
}
