/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/branch.h - one line of work in a run: a coroutine, its wishes, its children. Only
 * run.c uses this; the picture is in run.h.
 */
#pragma once

#include "vm/run.h"

struct branch *branch_new(struct vm *vm, struct run *run, struct branch *parent, int index);
void branch_free(struct vm *vm, struct branch *branch);
void branch_set_ready(struct branch *branch);

/* Carries a ready branch on until it waits, forks (its children are started) or ends.
 * Returns what Lua says; the value or error of an ended one lies on its stack. */
int branch_resume(struct vm *vm, struct branch *branch);
/* Gives an ended child's value or error to its fork, and frees it. */
void branch_hand_back(struct vm *vm, struct branch *branch, int status);
