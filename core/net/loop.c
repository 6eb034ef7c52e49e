/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loop.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include <uv.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"

struct turn {
    loop_fn *fn;
    void *arg;
};

struct signal_slot {
    uv_signal_t uv;
    loop_fn *fn;
    void *arg;
};

struct watch {
    uv_poll_t uv;
    struct loop *loop;
    watch_fn *fn;
    loop_fn *done;
    void *arg;
    int events;
};

/* The uv handles lie in here and the struct is freed only after uv_run() has called all
 * their close callbacks, since a handle's memory is libuv's until then. */
struct loop {
    uv_loop_t uv;
    uv_timer_t alarm;     /* one for all timers: due when the first of the heap is */
    uv_prepare_t prepare; /* runs between the timers and the sleep */
    uv_idle_t awake;      /* active while something is put off: the loop may not sleep */
    struct timer **heap;  /* heap[1] is the first to fire; heap[0] is unused */
    size_t timer_count;
    size_t heap_cap;
    uint64_t order;
    struct list laters;
    struct list lasts;
    struct turn turns[LOOP_TURN_FNS_MAX];
    int turn_count;
    struct signal_slot signals[LOOP_SIGNALS_MAX];
    int signal_count;
    size_t watch_count;
    bool is_stopped;
    bool is_firing;    /* timers are: the alarm is set when they have */
    bool is_alarm_due; /* it is set when the turn ends */
};

static void on_alarm(uv_timer_t *uv);
static void on_prepare(uv_prepare_t *uv);

static void set_alarm(struct loop *loop);

static void on_awake(uv_idle_t *uv)
{
    (void)
        uv; /* its being there is all: libuv does not sleep while an idle handle is active */
}

/* -- The loop -------------------------------------------------------------------------- */

struct loop *loop_open(void)
{
    struct loop *loop = xcalloc(1, sizeof *loop);

    signal(SIGPIPE, SIG_IGN);
    if (uv_loop_init(&loop->uv) != 0)
        fatalx("no event loop: the system refuses an epoll descriptor");
    loop->uv.data = loop;
    list_init(&loop->laters);
    list_init(&loop->lasts);
    uv_timer_init(&loop->uv, &loop->alarm);
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_idle_init(&loop->uv, &loop->awake);
    uv_prepare_start(&loop->prepare, on_prepare);
    uv_unref((uv_handle_t *)&loop->prepare);
    return loop;
}

void loop_close(struct loop *loop)
{
    assert(loop->watch_count == 0);
    assert(loop->timer_count == 0);
    assert(list_is_empty(&loop->laters) && list_is_empty(&loop->lasts));
    uv_close((uv_handle_t *)&loop->alarm, NULL);
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->awake, NULL);
    for (int i = 0; i < loop->signal_count; i++)
        uv_close((uv_handle_t *)&loop->signals[i].uv, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    int left = uv_loop_close(&loop->uv);
    assert(left == 0);
    free(loop->heap);
    free(loop);
}

/* Calls what is listed now; what is put off meanwhile is for the next turn. */
static void call_all(struct list *head)
{
    struct list now;

    list_init(&now);
    while (!list_is_empty(head)) {
        list_add(&now, list_take(head));
    }
    while (!list_is_empty(&now)) {
        struct later *later = list_item(list_take(&now), struct later, link);
        later->is_waiting = false;
        later->fn(later->arg);
    }
}

static void end_turn(struct loop *loop)
{
    call_all(&loop->laters);
    for (int i = 0; i < loop->turn_count; i++)
        loop->turns[i].fn(loop->turns[i].arg);
    call_all(&loop->lasts);
    if (loop->is_alarm_due) {
        loop->is_alarm_due = false;
        set_alarm(loop);
    }
    if (list_is_empty(&loop->laters) && list_is_empty(&loop->lasts))
        uv_idle_stop(&loop->awake);
}

static void on_prepare(uv_prepare_t *uv)
{
    end_turn(uv->loop->data);
}

void loop_run(struct loop *loop)
{
    loop->is_stopped = false;
    do {
        uv_run(&loop->uv, UV_RUN_DEFAULT);
        end_turn(loop);
    } while (!loop->is_stopped && uv_loop_alive(&loop->uv));
}

void loop_stop(struct loop *loop)
{
    loop->is_stopped = true;
    uv_stop(&loop->uv);
}

int64_t loop_now_ms(struct loop *loop)
{
    uv_update_time(&loop->uv);
    return (int64_t)uv_now(&loop->uv);
}

void loop_on_turn(struct loop *loop, loop_fn *fn, void *arg)
{
    assert(loop->turn_count < LOOP_TURN_FNS_MAX);
    loop->turns[loop->turn_count++] = (struct turn){ fn, arg };
}

static void on_signal(uv_signal_t *uv, int signum)
{
    struct signal_slot *slot = uv->data;

    (void)signum;
    slot->fn(slot->arg);
}

void loop_on_signal(struct loop *loop, int signum, loop_fn *fn, void *arg)
{
    assert(loop->signal_count < LOOP_SIGNALS_MAX);
    struct signal_slot *slot = &loop->signals[loop->signal_count++];

    slot->fn = fn;
    slot->arg = arg;
    uv_signal_init(&loop->uv, &slot->uv);
    slot->uv.data = slot;
    if (uv_signal_start(&slot->uv, on_signal, signum) != 0)
        fatalx("signal %d cannot be caught", signum);
    uv_unref((uv_handle_t *)&slot->uv);
}

/* -- Timers: a binary heap, so that stopping one gives its memory back at once ---------- */

static bool fires_before(const struct timer *a, const struct timer *b)
{
    return a->due_ms < b->due_ms || (a->due_ms == b->due_ms && a->order < b->order);
}

static void put(struct loop *loop, size_t place, struct timer *timer)
{
    loop->heap[place] = timer;
    timer->place = place;
}

static void sift_up(struct loop *loop, size_t place, struct timer *timer)
{
    for (; place > 1 && fires_before(timer, loop->heap[place / 2]); place /= 2)
        put(loop, place, loop->heap[place / 2]);
    put(loop, place, timer);
}

static void sift_down(struct loop *loop, size_t place, struct timer *timer)
{
    for (;;) {
        size_t child = place * 2;
        if (child + 1 <= loop->timer_count &&
            fires_before(loop->heap[child + 1], loop->heap[child]))
            child++;
        if (child > loop->timer_count || !fires_before(loop->heap[child], timer))
            break;
        put(loop, place, loop->heap[child]);
        place = child;
    }
    put(loop, place, timer);
}

static void set_alarm(struct loop *loop)
{
    if (loop->is_firing)
        return;
    if (loop->timer_count == 0) {
        uv_timer_stop(&loop->alarm);
        return;
    }
    int64_t ms = loop->heap[1]->due_ms - (int64_t)uv_now(&loop->uv);
    uv_timer_start(&loop->alarm, on_alarm, ms > 0 ? (uint64_t)ms : 0, 0);
}

static void unlist(struct timer *timer)
{
    struct loop *loop = timer->loop;
    size_t place = timer->place;
    struct timer *last = loop->heap[loop->timer_count--];

    timer->place = 0;
    if (last == timer)
        return;
    if (place > 1 && fires_before(last, loop->heap[place / 2]))
        sift_up(loop, place, last);
    else
        sift_down(loop, place, last);
}

/* A timer started by a callback waits for the next turn, even with 0 ms, so that a timer
 * that restarts itself cannot keep the loop from its I/O. Nor may the alarm: some versions of
 * libuv call one that is set to 0 ms by its own callback again and again, and nothing else. */
static void on_alarm(uv_timer_t *uv)
{
    struct loop *loop = uv->loop->data;
    int64_t now_ms = (int64_t)uv_now(&loop->uv);
    uint64_t order_end = loop->order;

    loop->is_firing = true;
    while (loop->timer_count > 0 && loop->heap[1]->due_ms <= now_ms &&
           loop->heap[1]->order < order_end) {
        struct timer *timer = loop->heap[1];
        unlist(timer);
        timer->fn(timer->arg);
    }
    loop->is_firing = false;
    loop->is_alarm_due = loop->timer_count > 0 && loop->heap[1]->due_ms <= now_ms;
    if (!loop->is_alarm_due)
        set_alarm(loop);
}

void timer_start(struct timer *timer, struct loop *loop, int64_t ms, loop_fn *fn, void *arg)
{
    if (timer->place != 0)
        unlist(timer);
    timer->loop = loop;
    timer->fn = fn;
    timer->arg = arg;
    timer->due_ms = loop_now_ms(loop) + (ms > 0 ? ms : 0);
    timer->order = loop->order++;
    if (loop->timer_count + 2 > loop->heap_cap) {
        loop->heap_cap = loop->heap_cap ? loop->heap_cap * 2 : 16;
        loop->heap = xrealloc(loop->heap, loop->heap_cap * sizeof(void *));
    }
    sift_up(loop, ++loop->timer_count, timer);
    if (timer->place == 1)
        set_alarm(loop);
}

void timer_stop(struct timer *timer)
{
    if (timer->place == 0)
        return;
    bool is_first = timer->place == 1;
    unlist(timer);
    if (is_first)
        set_alarm(timer->loop);
}

/* -- Putting off ------------------------------------------------------------------------ */

static void put_off(struct loop *loop, struct list *head, struct later *later, loop_fn *fn,
                    void *arg)
{
    if (later->is_waiting)
        return;
    later->fn = fn;
    later->arg = arg;
    later->is_waiting = true;
    list_add(head, &later->link);
    uv_idle_start(&loop->awake, on_awake);
}

void loop_later(struct loop *loop, struct later *later, loop_fn *fn, void *arg)
{
    put_off(loop, &loop->laters, later, fn, arg);
}

void loop_last(struct loop *loop, struct later *later, loop_fn *fn, void *arg)
{
    put_off(loop, &loop->lasts, later, fn, arg);
}

void later_stop(struct later *later)
{
    if (!later->is_waiting)
        return;
    later->is_waiting = false;
    list_remove(&later->link);
}

/* -- Another thread -------------------------------------------------------------------- */

struct work {
    uv_work_t uv;
    loop_fn *run, *done;
    void *arg;
};

static void on_work(uv_work_t *uv)
{
    struct work *work = uv->data;

    work->run(work->arg);
}

static void on_worked(uv_work_t *uv, int status)
{
    struct work *work = uv->data;

    (void)status; /* nobody cancels it */
    work->done(work->arg);
    free(work);
}

void loop_work(struct loop *loop, loop_fn *run, loop_fn *done, void *arg)
{
    struct work *work = xcalloc(1, sizeof *work);

    work->uv.data = work;
    work->run = run;
    work->done = done;
    work->arg = arg;
    if (uv_queue_work(&loop->uv, &work->uv, on_work, on_worked) != 0)
        fatalx("no thread for work: libuv refuses it");
}

/* -- Descriptors ------------------------------------------------------------------------ */

static void set_events(struct watch *watch, int events);

static void on_poll(uv_poll_t *uv, int status, int events)
{
    struct watch *watch = uv->data;
    int seen =
        (events & UV_READABLE ? WATCH_READ : 0) | (events & UV_WRITABLE ? WATCH_WRITE : 0);

    /* On a socket error libuv has stopped polling; the owner's next read or write tells it
     * what is wrong, and until it has closed the watch it is asked again. */
    if (status < 0) {
        seen |= WATCH_ERROR | watch->events;
        set_events(watch, watch->events);
    }
    watch->fn(watch->arg, seen);
}

static void set_events(struct watch *watch, int events)
{
    watch->events = events;
    if (events == 0)
        uv_poll_stop(&watch->uv);
    else
        uv_poll_start(&watch->uv,
                      (events & WATCH_READ ? UV_READABLE : 0) |
                          (events & WATCH_WRITE ? UV_WRITABLE : 0),
                      on_poll);
}

int watch_open(struct watch **out, struct loop *loop, int fd, int events, watch_fn *fn,
               void *arg, struct err *err)
{
    struct watch *watch = xcalloc(1, sizeof *watch);
    int rc = uv_poll_init(&loop->uv, &watch->uv, fd);

    if (rc != 0) {
        free(watch); /* a failed init has not listed the handle: the memory is ours */
        return err_set(err, err_of_errno(-rc), "watch descriptor %d: %s", fd,
                       uv_strerror(rc));
    }
    watch->uv.data = watch;
    watch->loop = loop;
    watch->fn = fn;
    watch->arg = arg;
    loop->watch_count++;
    set_events(watch, events);
    *out = watch;
    return 0;
}

void watch_change(struct watch *watch, int events)
{
    if (watch->events != events)
        set_events(watch, events);
}

static void on_watch_closed(uv_handle_t *uv)
{
    struct watch *watch = uv->data;

    if (watch->done)
        watch->done(watch->arg);
    free(watch);
}

void watch_close(struct watch *watch, loop_fn *done)
{
    watch->done = done;
    watch->loop->watch_count--;
    uv_close((uv_handle_t *)&watch->uv, on_watch_closed);
}
