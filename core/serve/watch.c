/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/watch.c - the schedule on which a daemon checks its holds, and what it found.
 *
 * A daemon has each target observed again once in WATCH_EVERY_MS. It asks for that every
 * WATCH_TICK_MS, so that holds which were taken at different times are observed at different
 * times. An engine that a command started does not stay, and has no schedule: there `cordon
 * contained` asks for a check.
 */
#include "serve/inside.h"

#include <stdio.h>

#include "store/store.h"

enum { WATCH_EVERY_MS = 15 * 60 * 1000, WATCH_TICK_MS = 60 * 1000 };

static void on_watch(void *arg)
{
    struct serve *serve = arg;
    char args[48];

    snprintf(args, sizeof args, "{\"older\":%d}", WATCH_EVERY_MS);
    pump_event(serve, &(struct event){ .kind = EV_ASK,
                                       .name = span_of("check_holds"),
                                       .json = span_of(args),
                                       .who = span_of("cordon") });
    timer_start(&serve->watch, serve->loop, WATCH_TICK_MS, on_watch, serve);
}

void watch_start(struct serve *serve)
{
    if (serve->options->stay)
        timer_start(&serve->watch, serve->loop, WATCH_TICK_MS, on_watch, serve);
}

static int count_verdict(const struct entry *entry, void *arg)
{
    struct watch_counts *counts = arg;

    counts->on++;
    counts->not_in_force += json_get_int(entry->body, "c", 0) > 0;
    return 0;
}

void watch_count(struct serve *serve, struct watch_counts *counts)
{
    struct entry_query on = { .kind = ENTRY_HOLD, .state = HOLD_ON, .run = -1 };
    struct err ignored;

    *counts = (struct watch_counts){ 0 };
    store_each_entry(serve->store, &on, count_verdict, counts, &ignored);
}
