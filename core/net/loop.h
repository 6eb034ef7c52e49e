/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/loop.h - the event loop: timers, descriptors, signals, and the end of each turn.
 *
 * A turn of the loop goes:
 *
 *     timers that are due     timer callbacks
 *     what was put off        struct later, in the order in which it was put off
 *     the turn functions      loop_on_turn: here the engine commits its journal
 *     the last ones           loop_last: here streams write out what was sent to them
 *     sleep until I/O         watches, signals
 *
 * so whatever I/O, timers and put-off calls have caused is committed before the loop
 * sleeps, and what the commit lets go leaves in the same turn.
 *
 * Timers and laters live in the caller's structs and are the caller's again as soon as they
 * are stopped: nothing is held back until a callback. Watches are memory of the loop. No
 * function here calls back from inside itself. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct err;
struct loop;

typedef void loop_fn(void *arg);

enum { LOOP_TURN_FNS_MAX = 4, LOOP_SIGNALS_MAX = 8 };

/* Aborts when the system gives no loop. Ignores SIGPIPE for the whole process. */
struct loop *loop_open(void);
/* Asserts that every watch (so: stream, listener, process, HTTP client) has been closed and
 * every timer stopped; signals and turn functions end with the loop. */
void loop_close(struct loop *loop);

/* Returns after loop_stop(), or when nothing is left to wait for: no timer, no watch, no
 * later. A last round of laters, turn functions and last ones is made before it returns. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
/* Milliseconds of a clock that only goes forward; its zero means nothing. */
int64_t loop_now_ms(struct loop *loop);

/* fn is called in every turn; see above. At most LOOP_TURN_FNS_MAX. */
void loop_on_turn(struct loop *loop, loop_fn *fn, void *arg);
/* Does not keep the loop running. At most LOOP_SIGNALS_MAX. */
void loop_on_signal(struct loop *loop, int signum, loop_fn *fn, void *arg);

/* -- Timers --------------------------------------------------------------------------- */

/* A zeroed one is stopped. Timers due at the same millisecond fire in the order started. */
struct timer {
    struct loop *loop;
    int64_t due_ms;
    uint64_t order;
    size_t place; /* in the loop's heap, from 1; 0 when stopped */
    loop_fn *fn;
    void *arg;
};

/* Fires once. Starting a running timer moves it. ms below 0 counts as 0. */
void timer_start(struct timer *timer, struct loop *loop, int64_t ms, loop_fn *fn,
                 void *arg);
void timer_stop(struct timer *timer); /* also fine when it is stopped */
static inline bool timer_is_running(const struct timer *timer)
{
    return timer->place != 0;
}

/* -- Putting off ---------------------------------------------------------------------- */

/* A zeroed one is idle. */
struct later {
    struct list link;
    loop_fn *fn;
    void *arg;
    bool is_waiting;
};

/* Calls fn once, before the loop sleeps, never from inside. Nothing when it waits already. */
void loop_later(struct loop *loop, struct later *later, loop_fn *fn, void *arg);
/* The same, behind the turn functions. */
void loop_last(struct loop *loop, struct later *later, loop_fn *fn, void *arg);
void later_stop(struct later *later);

/* -- Another thread ------------------------------------------------------------------- */

/* Calls run on another thread, and then, later, done on the loop's, each once. Both get arg,
 * which they keep alive between them: loop_close() waits for what is under way, and done is
 * called then, too. For what only computes: run touches nothing but arg. */
void loop_work(struct loop *loop, loop_fn *run, loop_fn *done, void *arg);

/* -- Descriptors ---------------------------------------------------------------------- */

enum { WATCH_READ = 1, WATCH_WRITE = 2, WATCH_ERROR = 4 };

struct watch;
typedef void watch_fn(void *arg, int events);

/* Calls fn while fd is ready for one of events (level-triggered); fd becomes non-blocking
 * and stays the caller's. WATCH_ERROR is never asked for, and comes with the others: the
 * next read or write tells what it is. */
int watch_open(struct watch **watch, struct loop *loop, int fd, int events, watch_fn *fn,
               void *arg, struct err *err);
void watch_change(struct watch *watch, int events); /* 0: none for now */
/* fn is not called again, and fd may be closed at once. done, when not NULL, is called later
 * with the watch's arg: the place to free what fn's caller may still be standing on. */
void watch_close(struct watch *watch, loop_fn *done);
