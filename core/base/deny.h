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
struct str;

/* No other process of this user, root's excepted, can open this one's memory, descriptors,
 * environment or map, or trace it; and it leaves no core file. A program that it executes begins
 * without that. In a build with a sanitizer the memory stays open: its leak check traces. */
int deny_inspection(struct err *err);

/* When standard error is a terminal, it is opened anew for writing alone: whoever has it open for
 * reading sees what is typed there, passwords as well. */
void deny_terminal(void);

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
    /* Signals to other processes, their limits and priorities, and files that would make the kernel
     * signal them. A process can still signal itself. */
    DENY_SIGNALS = 16,
    DENY_ATTRIBUTES = 32, /* modes, owners and times of files by their names, which
                           * deny_files() does not see */
    DENY_FORKS = 64,    /* other processes, not threads. Not in a build with a sanitizer, */
    DENY_THREADS = 128, /* nor this: neither of the two */
    DENY_SESSIONS = 256, /* leaving the process group that it is killed with */
    DENY_TRUNCATE =
        512, /* the length of a file by its name, which old kernels' deny_files() does
                           * not see */
    DENY_OTHER_SOCKETS = 1024, /* all but those of the internet and of this machine */
    DENY_SOCKETS = 2048,       /* all of them; pairs can still be made */
    DENY_LISTEN = 4096         /* taking connections */
};
/* After PR_SET_NO_NEW_PRIVS, before there is a second thread. */
int deny_calls(unsigned what, struct err *err);
/* Whether this kernel has what deny_calls() needs; without it, it fails. */
bool deny_has_filter(void);

/* Files and directories with all below them; each list ends with NULL, or is NULL. Paths that are
 * not there are passed over. */
struct deny_reach {
    const char *const *readable;
    const char *const *executable; /* and readable */
    const char *const
        *writable; /* and readable: changed, created and removed; no devices */
};
/* Nothing else on disk can be read, changed or created; what is open stays open. Where the kernel
 * can, no signal and no abstract local socket leaves the process and its children either.
 * abi: Landlock's version in this kernel; 0 where it does not have it (Linux before 5.13, or
 * Landlock is off): then nothing was given up. */
int deny_files(const struct deny_reach *reach, int *abi, struct err *err);
int deny_files_abi(void);

/* What a kernel has: "system call filter, Landlock 7", and "; missing: ..." with what each layer
 * that it lacks would have done. False when something is missing. abi: as of deny_files_abi(). */
bool deny_show(struct str *text, bool has_filter, int abi);
/* The same of this kernel, in the log of a process that begins: a warning when something is
 * missing. */
void deny_log(void);
