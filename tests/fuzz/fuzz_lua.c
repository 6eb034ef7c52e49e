/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a playbook's source: refused with a place in it, or compiled, and then
 * looked at by the lint, whose findings are JSON. Nothing is run.
 */
#include "vm/lint.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "vm/budget.h"
#include "vm/door.h"
#include "vm/source.h"
#include "vm/state.h"
#include "vm/vm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char catalog[] =
    "{\"azure.appservice.get\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"id\"],\"properties\":{\"id\":{\"type\":\"string\"}}}}";

struct input {
    struct span source;
    bool is_compiled;
};

static void compile(struct vm *vm, void *arg)
{
    struct input *input = arg;
    struct source_error error = { 0 };

    input->is_compiled = source_compile(vm->L, input->source, vm->chunk, &error) == 0;
    if (!input->is_compiled)
        assert(error.column >= 1 && strlen(error.message) > 0);
    lua_settop(vm->L, 0);
}

static void look(struct span source)
{
    struct str findings = { 0 };
    struct lint lint = { .catalog = span_of(catalog), .out = { .str = &findings } };
    struct err err;

    json_open(&lint.out, '[');
    lint_source(&lint, source);
    json_close(&lint.out);
    assert(json_check(str_text(&findings), findings.len, JSON_LEN_MAX, &err) == 0);
    arena_fini(&lint.arena);
    str_fini(&findings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct vm *vm;
    struct input input = { .source = { (const char *)data, size } };
    struct err err;

    if (vm == NULL)
        vm = vm_new(-1);
    budget_begin(vm, VM_STEPS_MAX);
    int rc = door_enter(vm, compile, &input, &err);
    assert(rc == 0);
    if (input.is_compiled)
        look(input.source);
    return 0;
}
