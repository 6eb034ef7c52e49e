/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/process.h - child processes that cannot outlive us and inherit nothing unasked.
 *
 * A child gets: the descriptors named below and no others, the environment named below and
 * nothing else, default signal handling, and SIGKILL from the kernel when we die.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct loop;
struct process;

struct process_options {
    const char *const *argv; /* NULL at the end */
    const char *path;        /* of the program, $PATH is not looked at; NULL: argv[0] */
    const char *const *env;  /* "NAME=value", NULL at the end; NULL: empty environment */
    int fd;                  /* becomes descriptor 3; -1: none. Stays the caller's here */
    int out_fd;              /* becomes standard output; -1: standard error takes it */
    bool has_group;          /* it leads a process group of its own, whose members get every
                              * signal that it gets from here, and SIGKILL when it has ended */
};

/* status: 0 to 255 as it exited, or minus the signal that ended it. */
typedef void process_fn(void *arg, int status);

/* Returns after the program has been found and begun, or a sentence why not. on_exit is
 * called once, later, and the process is gone then. */
int process_start(struct process **process, struct loop *loop,
                  const struct process_options *options, process_fn *on_exit, void *arg,
                  struct err *err);
pid_t process_pid(const struct process *process);
/* Only while on_exit has not been called: then the pid may be somebody else's. */
void process_kill(struct process *process, int signum);
/* Milliseconds of processor time that it has used so far, all its threads together; 0 when
 * that cannot be said any more. */
int64_t process_cpu_ms(const struct process *process);
/* Kills it, waits until it is gone (which SIGKILL makes short), and calls nothing.
 * NULL is fine. */
void process_close(struct process *process);
