/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/open.c - the runs that were open when the engine ended, at the start of the next one.
 *
 * A start waits for other processes twice: for the one that reads cordon.lua, and for the one
 * that reads policy.lua. What needs neither is done meanwhile: the journal is walked once, and
 * the processes that open runs will want (their playbooks' VMs, their plugins' hosts) are
 * started, which takes them longer than anything else here.
 */
#include "serve/inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/store.h"

enum { WARM_MAX = 8 }; /* of each kind; what comes later is started when it is wanted */

struct open_run {
    int64_t run, indexed_seq; /* up to there its entry covers its rows */
};

struct open {
    struct serve *serve;
    struct open_run *runs;
    int count, cap;
    struct span plugins[WARM_MAX], playbooks[WARM_MAX]; /* in the preload's memory */
    int plugin_count, playbook_count;
    struct arena arena;
};

static int take_open(const struct entry *entry, void *arg)
{
    struct open *open = arg;

    if (open->count == open->cap) {
        open->cap = open->cap == 0 ? 64 : open->cap * 2;
        open->runs = xrealloc(open->runs, (size_t)open->cap * sizeof *open->runs);
    }
    open->runs[open->count++] = (struct open_run){ entry->run, entry->last_seq };
    tails_set(open->serve->tails, entry->run, entry->last_seq);
    preload_want(open->serve->preload, entry->run);
    return 0;
}

static void note(struct open *open, struct span *names, int *count, struct span name)
{
    for (int i = 0; i < *count; i++)
        if (span_equal(names[i], name))
            return;
    if (*count < WARM_MAX && name.len > 0)
        names[(*count)++] =
            (struct span){ arena_dup(&open->arena, name.ptr, name.len), name.len };
}

/* "azure.nsg.block_ips" -> "azure" */
static struct span plugin_of(struct span action)
{
    const char *dot = action.len > 0 ? memchr(action.ptr, '.', action.len) : NULL;

    return dot != NULL ? (struct span){ action.ptr, (size_t)(dot - action.ptr) }
                       : (struct span){ 0 };
}

/* An open run's entry is older than its newest rows. */
static int take_row(const struct row *row, void *arg)
{
    struct open *open = arg;

    if (row->run <= 0 || tails_get(open->serve->tails, row->run) == 0)
        return 0;
    tails_set(open->serve->tails, row->run, row->seq);
    preload_row(open->serve->preload, row);
    if (row->kind == ROW_START)
        note(open, open->playbooks, &open->playbook_count, json_get_raw(row->body, "hash"));
    else if (row->kind == ROW_INTENT)
        note(open, open->plugins, &open->plugin_count,
             plugin_of(json_get_raw(row->body, "a")));
    return 0;
}

static int64_t earliest(const struct open *open)
{
    int64_t seq = open->runs[0].indexed_seq;

    for (int i = 1; i < open->count; i++)
        if (open->runs[i].indexed_seq < seq)
            seq = open->runs[i].indexed_seq;
    return seq;
}

int open_walk(struct serve *serve, struct err *err)
{
    struct entry_query running = { .kind = ENTRY_RUN, .state = RUN_RUNNING, .run = -1 };
    struct open *open = xcalloc(1, sizeof *open);

    assert(serve->open == NULL);
    serve->open = open;
    open->serve = serve;
    serve->preload = preload_new();
    int rc = store_each_entry(serve->store, &running, take_open, open, err);
    if (rc == 0 && open->count > 0)
        rc = store_each(serve->store, earliest(open), take_row, open, err);
    return rc;
}

void open_warm(struct serve *serve)
{
    struct open *open = serve->open;

    if (open == NULL)
        return; /* there is no policy to wait for: the engine has been told already */
    for (int i = 0; i < open->playbook_count; i++)
        vms_warm(serve, open->playbooks[i]);
    for (int i = 0; i < open->plugin_count; i++)
        hosts_warm(serve, open->plugins[i]);
}

void open_give(struct serve *serve)
{
    struct open *open = serve->open;

    for (int i = 0; i < open->count; i++) {
        int64_t run = open->runs[i].run;

        pump_event(serve, &(struct event){ .kind = EV_OPEN_RUN,
                                           .run = run,
                                           .number = tails_get(serve->tails, run),
                                           .number2 = open->runs[i].indexed_seq });
    }
    open_forget(serve);
}

void open_forget(struct serve *serve)
{
    preload_free(serve->preload);
    serve->preload = NULL;
    if (serve->open == NULL)
        return;
    arena_fini(&serve->open->arena);
    free(serve->open->runs);
    free(serve->open);
    serve->open = NULL;
}
