/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin/run.h - a program run for a plugin: no shell, no input, its output collected.
 */
#pragma once

#include <stddef.h>

struct err;
struct loop;
struct run;

enum { RUN_OUT_MAX = 64 * 1024, RUN_ARGS_MAX = 64 };

/* status: the exit status, -1 when a signal ended it. out has a NUL behind it. */
typedef void run_fn(void *arg, int status, const char *out);

/* argv[0] is the path or the last word of the path of one of programs (NULL at the end). One
 * without a folder is looked up in /usr/local/bin, /usr/bin and /bin. The program gets the
 * environment of this process.
 * done is called once, later, after the program has ended. */
int program_start(struct run **run, struct loop *loop, const char *const *programs,
                  const char *const *argv, run_fn *done, void *arg, struct err *err);
/* Kills it and calls nothing. */
void program_cancel(struct run *run);
