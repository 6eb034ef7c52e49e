/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/run.h - runs of a playbook, their branches, and what each turn brings.
 *
 *            ┌─────────────── an answer ◄── the engine ───────────────┐
 *            ▼                                                        │
 *   start ► READY ── wishes for something ──────────────────────► WAITING
 *            │ ▲
 *            │ └──── all children have ended ──── FORKED ◄── ctx.all, ctx.each
 *            ▼
 *          ENDED ── its value or error goes to the fork it belongs to; the first branch's
 *                   is the run's
 *
 * Branches are named by where they come from: "0" is the first; "0.2.3" is the third child
 * of the second ctx.all or ctx.each of "0". Each counts its own wishes, 1, 2, 3 ... So the
 * names and numbers do not depend on the order in which answers come.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <lua.h>

#include "base/list.h"
#include "base/str.h"
#include "vm/limits.h"

struct err;
struct vm;

enum branch_state { BRANCH_READY, BRANCH_WAITING, BRANCH_FORKED, BRANCH_ENDED };

/* One ctx.all or ctx.each under way. */
struct fork {
    int items_ref;   /* the functions, or what fn is called with */
    int fn_ref;      /* LUA_NOREF: the items are the functions */
    int results_ref; /* what children returned */
    int error_ref;   /* of the failed child with the least index */
    int error_index; /* 0: none failed */
    int count;
    int started;
    int ended;
    int at_once;
};

struct branch {
    struct list link;  /* in run->branches */
    struct list ready; /* in run->ready */
    struct run *run;
    struct branch *parent; /* NULL: the first */
    int index;             /* among its parent's fork's children */
    int depth;
    char path[VM_PATH_CAP];
    enum branch_state state;
    lua_State *co;
    int ref;  /* keeps co alive */
    int args; /* values on co's stack for its next resume */
    int wishes;
    int forks;
    struct fork *fork; /* what it waits for when FORKED */
};

struct run {
    struct list link; /* in vm->runs */
    int64_t id;
    int wishes;
    int branch_count;
    struct list branches;
    struct list ready;
};

/* What a frame asks for, and what comes of it. */
struct turn {
    int64_t run;
    struct span entry;  /* start */
    struct span params; /* start */
    struct span about;  /* start */
    struct span branch; /* answer */
    int64_t n;          /* answer */
    bool ok;            /* answer */
    struct span value;  /* answer */

    int state;         /* enum vm_turn */
    struct str result; /* JSON */
};

/* Each leaves the turn's state, its result and the new wishes in vm->wishes. */
void run_begin(struct vm *vm, struct turn *turn);
void run_answer(struct vm *vm, struct turn *turn);
void run_drop(struct vm *vm, int64_t id);
void run_drop_all(struct vm *vm);

/* The branch that is calling, when it may wish for something here; raises otherwise. */
struct branch *run_may_wish(lua_State *L);
/* Records a wish (args: JSON of at most VM_WISH_MAX bytes) and yields: to be returned by
 * the C function. The answer is what the function returns; an error answer is raised.
 * kind is static. Raises when the run has wished too much. */
int run_wish(lua_State *L, const char *kind, const char *action, struct span args);
/* Hands a fork over and yields, as run_wish does. Stack: ..., items, fn or nil. */
int run_fork(lua_State *L, int count, int at_once);
/* How many wishes the calling branch has had. */
int run_wish_number(lua_State *L);
/* The wishes behind that number have been forgotten: the next one takes its place. */
void run_wish_again(lua_State *L, int number);
