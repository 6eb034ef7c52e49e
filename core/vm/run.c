/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/run.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "vm/branch.h"
#include "vm/budget.h"
#include "vm/ctx.h"
#include "vm/door.h"
#include "vm/params.h"
#include "vm/playbook.h"
#include "vm/state.h"
#include "vm/value.h"

static struct list *bucket_of(struct vm *vm, int64_t id)
{
    return &vm->runs[(uint64_t)id % VM_RUN_BUCKETS];
}

static struct run *find_run(struct vm *vm, int64_t id)
{
    struct list *bucket = bucket_of(vm, id);

    list_each (link, after, bucket) {
        struct run *run = list_item(link, struct run, link);
        if (run->id == id)
            return run;
    }
    return NULL;
}

static struct run *new_run(struct vm *vm, int64_t id)
{
    struct run *run = xcalloc(1, sizeof *run);

    run->id = id;
    list_init(&run->branches);
    list_init(&run->ready);
    list_add(bucket_of(vm, id), &run->link);
    return run;
}

static void free_run(struct vm *vm, struct run *run)
{
    list_each (link, after, &run->branches)
        branch_free(vm, list_item(link, struct branch, link));
    list_remove(&run->link);
    free(run);
}

void run_drop(struct vm *vm, int64_t id)
{
    struct run *run = find_run(vm, id);

    if (run != NULL)
        free_run(vm, run);
}

void run_drop_all(struct vm *vm)
{
    for (int i = 0; i < VM_RUN_BUCKETS; i++)
        list_each (link, after, &vm->runs[i])
            free_run(vm, list_item(link, struct run, link));
}

/* -- What comes of a turn ---------------------------------------------------------------- */

static void set_failed(struct turn *turn, const char *code, const char *message, int line)
{
    struct json_out out = { .str = &turn->result };
    struct str shown = { 0 };

    str_add_shown(&shown, message, strlen(message));
    str_reset(&turn->result);
    turn->state = VM_TURN_FAILED;
    json_open(&out, '{');
    json_put(&out, "code", code);
    if (line > 0)
        json_put_int(&out, "line", line);
    json_put(&out, "message", str_text(&shown));
    json_close(&out);
    str_fini(&shown);
}

static void put_member(struct json_out *out, struct span raw_key, struct span value)
{
    char *key = json_text((struct span){ raw_key.ptr - 1, raw_key.len + 2 });

    json_put_raw(out, key, value);
    free(key);
}

/* The error table of a playbook with code, message and line seen to. */
static void write_error_table(struct turn *turn, struct span error, int line)
{
    struct json_out out = { .str = &turn->result };
    struct span key, value;
    size_t pos = 0;
    bool is_object = json_kind(error) == JSON_OBJECT;
    bool has_code = json_kind(json_get(error, "code")) == JSON_STRING;
    bool has_message = json_kind(json_get(error, "message")) == JSON_STRING;

    json_open(&out, '{');
    if (!has_code)
        json_put(&out, "code", "error");
    if (!has_message)
        json_put(&out, "message", "the playbook raised a table without a message");
    if (json_get(error, "line").len == 0 && line > 0)
        json_put_int(&out, "line", line);
    if (!is_object)
        json_put_raw(&out, "value", error);
    while (is_object && json_next(error, &pos, &key, &value)) {
        bool is_replaced = (span_is(key, "message") && !has_message) ||
                           (span_is(key, "code") && !has_code);
        if (!is_replaced)
            put_member(&out, key, value);
    }
    json_close(&out);
}

/* The line of the playbook where co died: its stack is still there. */
static int line_of(struct vm *vm, lua_State *co)
{
    lua_Debug ar;

    for (int level = 0; lua_getstack(co, level, &ar) != 0; level++) {
        lua_getinfo(co, "Sl", &ar);
        if (ar.currentline > 0 && strcmp(ar.source, vm->chunk) == 0)
            return ar.currentline;
    }
    return 0;
}

/* The first branch has ended: its value, or its error, is the run's. */
static void finish_run(struct vm *vm, struct turn *turn, struct branch *root, int status)
{
    lua_State *L = vm->L;
    int line = status == LUA_OK ? 0 : line_of(vm, root->co);

    lua_xmove(root->co, L, 1); /* value */
    if (status == LUA_OK) {
        value_write(L, -1, "what the playbook returned", 0);
        turn->state = VM_TURN_DONE;
        str_reset(&turn->result);
        str_add_span(&turn->result, str_span(&vm->json));
    } else if (lua_type(L, -1) == LUA_TSTRING) {
        set_failed(turn, "error", lua_tostring(L, -1), line);
    } else {
        value_write(L, -1, "the error that the playbook raised", VALUE_IS_OBJECT);
        turn->state = VM_TURN_FAILED;
        str_reset(&turn->result);
        write_error_table(turn, str_span(&vm->json), line);
    }
    lua_pop(L, 1);
}

/* Carries every branch on that can be, until all wait; true when the run has ended. */
static bool run_branches(struct vm *vm, struct run *run, struct turn *turn)
{
    while (!list_is_empty(&run->ready)) {
        struct branch *branch = list_item(run->ready.next, struct branch, ready);
        int status = branch_resume(vm, branch);
        if (branch->state == BRANCH_ENDED && branch->parent == NULL) {
            finish_run(vm, turn, branch, status);
            return true;
        }
        if (branch->state == BRANCH_ENDED)
            branch_hand_back(vm, branch, status);
    }
    turn->state = VM_TURN_WAITING;
    str_reset(&turn->result);
    str_add_text(&turn->result, "null");
    return false;
}

/* -- Behind the door --------------------------------------------------------------------- */

struct act {
    struct turn *turn;
    struct run *run;
    struct branch *branch;
    bool has_ended;
};

static void start(struct vm *vm, void *arg)
{
    struct act *act = arg;
    struct branch *root = branch_new(vm, act->run, NULL, 0);

    playbook_push_entry(vm, root->co, act->turn->entry); /* co: function */
    value_push(root->co, str_span(&act->turn->result));  /* co: function params */
    ctx_push(root->co, act->turn->about);                /* co: function params ctx */
    root->args = 2;
    *branch_slot(root->co) = root;
    branch_set_ready(root);
    act->has_ended = run_branches(vm, act->run, act->turn);
}

static void carry_on(struct vm *vm, void *arg)
{
    struct act *act = arg;
    struct branch *branch = act->branch;

    lua_pushboolean(branch->co, act->turn->ok); /* co: ok */
    value_push(branch->co, act->turn->value);   /* co: ok value */
    branch->args = 2;
    branch_set_ready(branch);
    act->has_ended = run_branches(vm, act->run, act->turn);
}

static void clear_wishes(struct vm *vm)
{
    vm->wish_count = 0;
    str_reset(&vm->wish_bytes);
}

static void enter(struct vm *vm, door_fn *fn, struct act *act)
{
    struct err err;

    if (door_enter(vm, fn, act, &err) != 0) {
        set_failed(act->turn, "error", err.text, 0);
        act->has_ended = true;
    }
    if (act->has_ended) {
        clear_wishes(vm); /* a run that has ended waits for nothing */
        free_run(vm, act->run);
    }
}

void run_begin(struct vm *vm, struct turn *turn)
{
    struct err err;

    clear_wishes(vm);
    str_reset(&turn->result);
    if (!vm->is_loaded) {
        set_failed(turn, "protocol", "no playbook is loaded", 0);
        return;
    }
    if (find_run(vm, turn->run) != NULL) {
        set_failed(turn, "protocol", "this run has been started already", 0);
        return;
    }
    if (params_complete(str_span(&vm->schema), turn->params, &turn->result, &err) != 0) {
        err_wrap(&err, "parameters");
        set_failed(turn, "params", err.text, 0);
        return;
    }
    budget_begin(vm, VM_STEPS_MAX);
    struct act act = { .turn = turn, .run = new_run(vm, turn->run) };
    enter(vm, start, &act);
}

static struct branch *find_branch(struct run *run, struct span path)
{
    list_each (link, after, &run->branches) {
        struct branch *branch = list_item(link, struct branch, link);
        if (span_is(path, branch->path))
            return branch;
    }
    return NULL;
}

void run_answer(struct vm *vm, struct turn *turn)
{
    struct run *run = find_run(vm, turn->run);

    clear_wishes(vm);
    if (run == NULL) {
        set_failed(turn, "protocol", "this run is not here", 0);
        return;
    }
    struct branch *branch = find_branch(run, turn->branch);
    if (branch == NULL || branch->state != BRANCH_WAITING || branch->wishes != turn->n) {
        set_failed(turn, "protocol", "the answer belongs to no wish that waits", 0);
        free_run(vm, run);
        return;
    }
    budget_begin(vm, VM_STEPS_MAX);
    struct act act = { .turn = turn, .run = run, .branch = branch };
    enter(vm, carry_on, &act);
}
