/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/watch.c - the schedule on which a daemon checks its holds, and what it found.
 *
 * A daemon has each target observed again once in holds.check_every of cordon.lua. It asks for
 * that in each fifteenth of this time, so that holds which were taken at different times are
 * observed at different times. An engine that a command started does not stay, and has no
 * schedule: there `cordon contained` asks for a check.
 */
#include "serve/inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/id.h"
#include "base/log.h"
#include "store/store.h"

enum {
    WATCH_EVERY_MS = 15 * 60 * 1000,
    WATCH_EVERY_MIN_MS = 10 * 1000, /* each round is a read of each target */
    WATCH_EVERY_MAX_MS = 24 * 60 * 60 * 1000,
    WATCH_TELL_AFTER = 3, /* rounds that fail; the bounds are in the schema of config.c */
    WATCH_TICKS = 15      /* in one interval */
};

static int64_t every_ms_of(struct span holds)
{
    char *text = json_get_text(holds, "check_every");
    int64_t ms = WATCH_EVERY_MS;

    if (text != NULL && !duration_parse(span_of(text), &ms))
        ms = WATCH_EVERY_MS;
    free(text);
    return ms;
}

int watch_validate(struct span config, struct err *err)
{
    int64_t every_ms = every_ms_of(json_get(config, "holds"));

    if (every_ms >= WATCH_EVERY_MIN_MS && every_ms <= WATCH_EVERY_MAX_MS)
        return 0;
    return err_set(err, ERR_INVALID, "holds.check_every: want %ds to %dh",
                   WATCH_EVERY_MIN_MS / 1000, WATCH_EVERY_MAX_MS / 3600000);
}

static void on_watch(void *arg)
{
    struct serve *serve = arg;
    struct span holds = json_get(str_span(&serve->config), "holds");
    int64_t every_ms = every_ms_of(holds);
    char args[80];

    snprintf(args, sizeof args, "{\"older\":%" PRId64 ",\"rounds\":%d}", every_ms,
             (int)json_get_int(holds, "unobserved_after", WATCH_TELL_AFTER));
    pump_event(serve, &(struct event){ .kind = EV_ASK,
                                       .name = span_of("check_holds"),
                                       .json = span_of(args),
                                       .who = span_of("cordon") });
    timer_start(&serve->watch, serve->loop, every_ms / WATCH_TICKS, on_watch, serve);
}

void watch_start(struct serve *serve)
{
    int64_t every_ms = every_ms_of(json_get(str_span(&serve->config), "holds"));

    if (serve->options->stay)
        timer_start(&serve->watch, serve->loop, every_ms / WATCH_TICKS, on_watch, serve);
}

/* -- what it found -------------------------------------------------------------------------- */

void watch_row(const struct turn_row *row)
{
    struct span state = json_get_raw(row->body, "s");

    if (row->kind != ROW_HOLD_SEEN)
        return;
    struct id hold =
        id_hold(json_get_int(row->body, "r", 0), (int)json_get_int(row->body, "n", 0));
    if (span_is(state, "unobserved")) {
        char *why = json_get_text(row->body, "why");

        log_warnx(
            "the target of hold %s cannot be observed: %s; cordon contained says since "
            "when",
            hold.text, why != NULL ? why : "");
        free(why);
    } else if (!span_is(state, "in_force") && !span_is(state, "observed")) {
        log_warnx("hold %s is not in force any more: %.*s", hold.text, (int)state.len,
                  state.ptr);
    }
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
