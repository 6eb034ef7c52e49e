/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/waits.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "cli/render.h"

enum { WAITS_MAX = 1000 };

struct wait {
    char *branch; /* raw */
    int64_t n, until_ms;
    char *child; /* the run that it waits for; NULL: time or a signal */
    char *why;   /* what the service said that asked for it; NULL: it is no such wait */
    bool is_signal;
};

static void drop(struct waits *waits, int i)
{
    free(waits->items[i].branch);
    free(waits->items[i].child);
    free(waits->items[i].why);
    waits->items[i] = waits->items[--waits->count];
}

void waits_fini(struct waits *waits)
{
    while (waits->count > 0)
        drop(waits, waits->count - 1);
    free(waits->items);
    *waits = (struct waits){ 0 };
}

static void add(struct waits *waits, struct span body, struct span child)
{
    if (waits->count == WAITS_MAX)
        return;
    if (waits->count == waits->cap) {
        waits->cap = waits->cap ? waits->cap * 2 : 8;
        waits->items = xrealloc(waits->items, (size_t)waits->cap * sizeof(struct wait));
    }
    waits->items[waits->count++] =
        (struct wait){ .branch = span_dup(json_get_raw(body, "b")),
                       .n = json_get_int(body, "n", 0),
                       .until_ms = json_get_int(body, "until", 0),
                       .child = child.len ? span_dup(child) : NULL,
                       .why = json_get_text(body, "msg"),
                       .is_signal = span_is(json_get_raw(body, "k"), "signal") };
}

void waits_row(struct waits *waits, struct span kind, struct span body)
{
    for (int i = waits->count - 1; i >= 0; i--)
        if (span_is(json_get_raw(body, "b"), waits->items[i].branch) &&
            json_get_int(body, "n", -1) == waits->items[i].n)
            drop(waits, i);
    if (span_is(kind, "sleep") || span_is(kind, "wait"))
        add(waits, body, (struct span){ 0 });
    else if (span_is(kind, "child"))
        add(waits, body, json_get_raw(body, "run"));
}

static void add_until(struct str *out, const struct look *look, int64_t until_ms)
{
    str_add_text(out, " until ");
    render_date(out, until_ms);
    str_add_text(out, " (");
    render_when(out, look, until_ms);
    str_add_text(out, ")\n");
}

static void add_wait(struct str *out, const struct look *look, const struct wait *wait,
                     struct span run)
{
    int len = (int)run.len;

    if (wait->child) {
        str_printf(out, "  waits for %s: cordon watch %s\n", wait->child, wait->child);
    } else if (wait->is_signal) {
        str_add_text(out, "  waits for a signal");
        add_until(out, look, wait->until_ms);
        str_printf(out, "  cordon signal %.*s NAME    gives it\n", len, run.ptr);
    } else if (wait->why) {
        str_add_text(out, "  waits");
        add_until(out, look, wait->until_ms);
        str_add_text(out, "    because the service said: ");
        str_add_shown(out, wait->why, strlen(wait->why));
        str_add_char(out, '\n');
    } else {
        str_add_text(out, "  sleeps");
        add_until(out, look, wait->until_ms);
    }
}

void waits_render(struct str *out, const struct look *look, const struct waits *waits,
                  struct span run)
{
    bool is_timed = false;

    for (int i = 0; i < waits->count; i++) {
        add_wait(out, look, &waits->items[i], run);
        is_timed |= waits->items[i].until_ms > 0;
    }
    if (is_timed)
        str_add_text(out,
                     "  it is taken up then by an engine that stays (cordon engine), else"
                     " by the next command\n");
}
