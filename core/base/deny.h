/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/deny.h - what a process of ours gives up before strangers have a say in what it does.
 *
 * It cannot be taken back, and children inherit it. What was given up fails from then on: with
 * EPERM, a local socket with EAFNOSUPPORT, a file with EACCES.
 */
#pragma once

#include <stdbool.h>

struct err;

/* No other process of this user, root's excepted, can open this one's memory, descriptors,
 * environment or map, or trace it; and it leaves no core file. A program that it executes begins
 * without that. In a build with a sanitizer the memory stays open: its leak check traces. */
int deny_inspection(struct err *err);

enum deny {
    /* Kernel modules, keys, mounts, namespaces, clocks, io_uring, bpf, other users' rights: for
     * which nobody here has a use. */
    DENY_RARE = 1,
    /* The memory of other processes. Not in a build with a sanitizer, whose leak check stops its
     * own threads that way. */
    DENY_OTHERS = 2,
    DENY_PROGRAMS = 4, /* starting one */
    /* Sockets of this machine: whoever has the rights of the engine's user is the owner at its
     * socket. A pair of sockets can still be made, and those of the internet. */
    DENY_LOCAL_SOCKETS = 8,
    DENY_SIGNALS = 16,   /* to other processes */
    DENY_ATTRIBUTES = 32 /* modes, owners, times and lengths of files by their names, which
                          * deny_files() does not see */
};
/* After PR_SET_NO_NEW_PRIVS, before there is a second thread. */
int deny_calls(unsigned what, struct err *err);

/* Nothing on disk can be changed or created, and only what lies in these directories can be read;
 * what is open stays open. Paths that are not there are passed over. NULL at the end.
 * is_done is false where the kernel does not have it (Linux before 5.13, or Landlock is off):
 * then nothing was given up. */
int deny_files(const char *const *readable, bool *is_done, struct err *err);
