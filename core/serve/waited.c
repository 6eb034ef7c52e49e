/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/waited.c - calls to plugin hosts that take long: who waits for one hears of it.
 *
 * A list of all calls that were sent, looked through twice a second while it is not empty. The
 * engine knows which of them are over, and whom to tell.
 */
#include "serve/inside.h"

#include <stdlib.h>

#include "base/clock.h"

enum { SLOW_MS = 2000, SLOW_AGAIN_MS = 15 * 1000, SLOW_LOOK_MS = 500 };

struct waited_call {
    int64_t number, since_ms, due_ms;
};

static void look(void *arg);

static void arm(struct serve *serve)
{
    if (serve->waited_count > 0 && !timer_is_running(&serve->waited_timer))
        timer_start(&serve->waited_timer, serve->loop, SLOW_LOOK_MS, look, serve);
}

static void tell(struct serve *serve, struct waited_call *call, int64_t now_ms)
{
    call->due_ms = now_ms + SLOW_AGAIN_MS;
    pump_event(serve, &(struct event){ .kind = EV_CALL_SLOW,
                                       .number = call->number,
                                       .number2 = call->since_ms });
}

static void look(void *arg)
{
    struct serve *serve = arg;
    int64_t now_ms = clock_unix_ms();
    int kept = 0, count = serve->waited_count;

    for (int i = 0; i < count; i++)
        if (engine_has_call(serve->engine, serve->waited[i].number))
            serve->waited[kept++] = serve->waited[i];
    serve->waited_count = kept;
    for (int i = 0; i < kept; i++) /* an event may add calls, and so move the list */
        if (serve->waited[i].due_ms <= now_ms) {
            struct waited_call call = serve->waited[i];

            tell(serve, &call, now_ms);
            serve->waited[i] = call;
        }
    arm(serve);
}

void waited_add(struct serve *serve, int64_t number)
{
    int64_t now_ms = clock_unix_ms();

    if (serve->waited_count == serve->waited_cap) {
        serve->waited_cap = serve->waited_cap > 0 ? serve->waited_cap * 2 : 64;
        serve->waited =
            xrealloc(serve->waited, (size_t)serve->waited_cap * sizeof *serve->waited);
    }
    serve->waited[serve->waited_count++] = (struct waited_call){
        .number = number, .since_ms = now_ms, .due_ms = now_ms + SLOW_MS
    };
    arm(serve);
}

void waited_fini(struct serve *serve)
{
    timer_stop(&serve->waited_timer);
    free(serve->waited);
    serve->waited = NULL;
    serve->waited_count = serve->waited_cap = 0;
}
