/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/vm.h - the process in which playbooks run.
 *
 * It answers FRAME_VM_* frames one after the other, and does nothing else: it has no files,
 * no network, no clock and no chance. One process hosts all runs of one version of one
 * playbook; when it is killed, its runs are replayed in another.
 */
#pragma once

#include "base/str.h"
#include "frame/frame.h"

struct err;
struct vm;

/* The whole life of the process: fd, above 2, is its end of a socketpair. It ends by _exit:
 * what exit() does beside that may not be done behind the wall. */
int vm_main(int fd) __attribute__((noreturn));

/* The same in parts, for tests: no wall is raised. */
struct vm *vm_new(int fd);
void vm_free(struct vm *vm);
/* Acts on one frame and sends the answer. Exits the process when the playbook has used up
 * what it may. */
int vm_handle(struct vm *vm, enum frame_type type, struct span fields, struct err *err);
