/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox/proc.h - a VM process as the engine sees it: frames in, frames out, and a clock
 * on the wall.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/str.h"
#include "check.h"
#include "frame/frame.h"

enum {
    PROC_WALL_MS = 2000, /* what the engine gives one activation */
#ifdef CHECK_SANITIZED
    PROC_KILL_MS = 5000,  /* a sanitizer's shadow memory takes its time to go */
    PROC_LONG_MS = 50000, /* and its build is slow */
#else
    PROC_KILL_MS = 250,   /* and how long its kill may take */
    PROC_LONG_MS = 30000, /* for what ends by itself on a busy machine */
#endif
    PROC_WISHES_MAX = 64
};

/* What is read from a process is kept here, for as long as the test's own process lives. */
extern struct arena proc_texts;

struct proc {
    pid_t pid;
    int fd;
    int wall_ms; /* PROC_LONG_MS at first */
    int status;  /* of waitpid, once it has ended */
    struct str in;
    struct str out;
};

struct proc_wish {
    char *branch;
    int64_t n;
    char *kind;
    char *action;
    char *args;
};

/* What came back. */
struct turn_seen {
    bool is_killed; /* nothing came in time, or the process was ended by its own wall */
    int64_t run;
    int state; /* enum vm_turn */
    char *value;
    int64_t count;
    struct proc_wish wishes[PROC_WISHES_MAX]; /* the first of them */
};

void proc_open(struct proc *proc);
/* Ends it and checks that it ended by exit and with this code. */
void proc_close(struct proc *proc, int code);

/* True, or false and the error; text is the info or the error. */
bool proc_load(struct proc *proc, const char *source, char **text);
bool proc_load_named(struct proc *proc, const char *name, const char *source, size_t len,
                     char **text);
bool proc_data(struct proc *proc, const char *name, const char *source, char **text);
/* The findings on a source, with the schemas of a small catalog of its own. */
char *proc_check(struct proc *proc, const char *source);
/* "matches", "no", or "error"; params and why as the frame has them. */
const char *proc_match(struct proc *proc, const char *alert, char **params, char **why);

/* A source's own adapter ("": those that cordon brings alone), and a delivery; true, or false
 * and the error. False with NULL: the process is gone. */
bool proc_adapter(struct proc *proc, const char *source, char **text);
bool proc_adapt(struct proc *proc, const char *kind, const char *delivery, char **text);

struct turn_seen proc_start(struct proc *proc, int64_t run, const char *params);
struct turn_seen proc_start_as(struct proc *proc, int64_t run, const char *entry,
                               const char *params, const char *about);
struct turn_seen proc_answer(struct proc *proc, int64_t run, const char *branch, int64_t n,
                             bool ok, const char *value);
void proc_drop(struct proc *proc, int64_t run);

/* One run of a body in a playbook with no params: "return playbook { ... run =
 * function(p, ctx) BODY end }". */
char *proc_wrap(const char *body);

/* The frame that comes next, or false when nothing comes in time. */
bool proc_receive(struct proc *proc, enum frame_type *type, struct frame_reader *in);
void proc_send(struct proc *proc);
