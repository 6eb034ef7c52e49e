/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/budget.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lauxlib.h>

#include "base/err.h"
#include "base/json.h"
#include "vm/state.h"

/* The line of the playbook that is at work, 0 when none is. Allocates nothing. */
static int line_at(struct vm *vm)
{
    lua_Debug ar;

    if (vm->running == NULL)
        return 0;
    for (int level = 0; lua_getstack(vm->running, level, &ar) != 0; level++) {
        lua_getinfo(vm->running, "Sl", &ar);
        if (ar.currentline > 0 && strcmp(ar.source, vm->chunk) == 0)
            return ar.currentline;
    }
    return 0;
}

static void write_error(struct str *out, const char *code, const char *message, int line)
{
    struct json_out json = { .str = out };

    json_open(&json, '{');
    json_put(&json, "code", code);
    json_put_int(&json, "column", 1);
    json_put(&json, "level", "error");
    json_put_int(&json, "line", line);
    json_put(&json, "message", message);
    json_close(&json);
}

static void add_last_word(struct vm *vm, struct frame_writer *out, struct span error)
{
    switch (vm->doing) {
    case FRAME_VM_LOAD:
    case FRAME_VM_ADAPTER:
        frame_begin(out, &vm->out, FRAME_VM_LOADED);
        frame_add_int(out, false);
        frame_add_span(out, error);
        break;
    case FRAME_VM_MATCH:
        frame_begin(out, &vm->out, FRAME_VM_MATCHED);
        frame_add_int(out, false);
        frame_add_int(out, false);
        frame_add_span(out, error);
        frame_add_text(out, "");
        break;
    case FRAME_VM_CHECK:
        str_printf(&vm->text, "[%.*s]", (int)error.len, error.ptr);
        frame_begin(out, &vm->out, FRAME_VM_CHECKED);
        frame_add_span(out, str_span(&vm->text));
        break;
    case FRAME_VM_DATA:
        frame_begin(out, &vm->out, FRAME_VM_DATA_DONE);
        frame_add_int(out, false);
        frame_add_span(out, error);
        break;
    case FRAME_VM_ADAPT:
        frame_begin(out, &vm->out, FRAME_VM_ADAPTED);
        frame_add_int(out, false);
        frame_add_span(out, error);
        break;
    default:
        frame_begin(out, &vm->out, FRAME_VM_TURN);
        frame_add_int(out, vm->doing_run);
        frame_add_int(out, VM_TURN_BUDGET);
        frame_add_span(out, error);
        frame_add_int(out, 0);
    }
    frame_finish(out);
}

static void end_spent(struct vm *vm, const char *code, const char *what)
    __attribute__((noreturn));

static void end_spent(struct vm *vm, const char *code, const char *what)
{
    struct frame_writer out;
    struct str error = { 0 };
    struct err err;
    char message[256];
    int line = line_at(vm);

    if (line > 0)
        snprintf(message, sizeof message, "%s:%d: %s", vm->name, line, what);
    else
        snprintf(message, sizeof message, "%s: %s", vm->name, what);
    write_error(&error, code, message, line);
    str_reset(&vm->out);
    str_reset(&vm->text);
    add_last_word(vm, &out, str_span(&error));
    /* When nobody listens any more there is nobody to tell. */
    (void)frame_send(vm->fd, str_span(&vm->out), &err);
    _exit(VM_EXIT_SPENT);
}

static void end_steps(struct vm *vm) __attribute__((noreturn));

static void end_steps(struct vm *vm)
{
    char what[128];

    snprintf(what, sizeof what,
             "used up its %lld instructions without waiting for anything",
             (long long)vm->steps_max);
    end_spent(vm, "budget", what);
}

void *budget_alloc(void *arg, void *ptr, size_t old, size_t size)
{
    struct vm *vm = arg;

    if (ptr == NULL)
        old = 0; /* then it names a type and no size */
    if (size == 0) {
        free(ptr);
        vm->memory -= old;
        return NULL;
    }
    void *fresh = NULL;
    if (size <= VM_MEMORY_MAX && vm->memory - old <= VM_MEMORY_MAX - size)
        fresh = realloc(ptr, size);
    if (fresh == NULL) {
        char what[96];

        snprintf(what, sizeof what, "needs more than the %d MiB of memory that it may use",
                 VM_MEMORY_MAX / 1024 / 1024);
        end_spent(vm, "memory", what);
    }
    vm->memory = vm->memory - old + size;
    return fresh;
}

void budget_begin(struct vm *vm, int64_t steps_max)
{
    vm->steps = 0;
    vm->steps_max = steps_max;
}

static void on_count(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    budget_charge(L, VM_STEPS_TICK);
}

void budget_watch(struct vm *vm, lua_State *co)
{
    lua_sethook(co, on_count, LUA_MASKCOUNT, VM_STEPS_TICK);
    vm->running = co;
    /* Each resume costs a tick, or ten thousand short branches would cost nothing. */
    budget_charge(co, VM_STEPS_TICK);
}

void budget_charge(lua_State *L, size_t steps)
{
    struct vm *vm = vm_of(L);

    if (steps > (size_t)vm->steps_max || vm->steps > vm->steps_max - (int64_t)steps)
        end_steps(vm);
    vm->steps += (int64_t)steps;
}
