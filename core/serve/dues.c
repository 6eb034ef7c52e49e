/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/dues.c - entries whose time has come, told to the engine once each.
 *
 * An entry stays due in the index until the engine writes it anew, which may be long after
 * (a hold is, until its rollback is done). So what has been told is remembered by its due
 * time, and while nothing new is due the index is looked at rarely.
 */
#include "serve/alerts.h"
#include "serve/inside.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/store.h"

enum {
    DUES_A_TURN = 256,
    DUES_LOOK_AGAIN_MS = 1000 /* while all that is due has been told */
};

struct told {
    struct list in_bucket;
    int64_t run, due_ms;
    int kind, n;
};

struct dues {
    struct serve *serve;
    struct timer timer;
    struct list told[SERVE_BUCKETS];
    bool found_none;
};

struct found {
    struct dues *dues;
    struct arena arena;
    struct event events[DUES_A_TURN];
    int count;
};

static struct list *bucket(struct dues *dues, int64_t run)
{
    return &dues->told[(uint64_t)run % SERVE_BUCKETS];
}

static struct told *find(struct dues *dues, int kind, int64_t run, int n)
{
    list_each (link, after, bucket(dues, run)) {
        struct told *told = list_item(link, struct told, in_bucket);

        if (told->kind == kind && told->run == run && told->n == n)
            return told;
    }
    return NULL;
}

struct dues *dues_new(struct serve *serve)
{
    struct dues *dues = xcalloc(1, sizeof *dues);

    dues->serve = serve;
    for (int i = 0; i < SERVE_BUCKETS; i++)
        list_init(&dues->told[i]);
    return dues;
}

static void drop(struct told *told)
{
    list_remove(&told->in_bucket);
    free(told);
}

void dues_free(struct dues *dues)
{
    if (dues == NULL)
        return;
    timer_stop(&dues->timer);
    for (int i = 0; i < SERVE_BUCKETS; i++) {
        list_each (link, after, &dues->told[i]) {
            drop(list_item(link, struct told, in_bucket));
        }
    }
    free(dues);
}

void dues_forget(struct dues *dues, int kind, int64_t run, int n)
{
    struct told *told = find(dues, kind, run, n);

    if (told != NULL)
        drop(told);
}

static int take(const struct entry *entry, void *arg)
{
    struct found *found = arg;
    struct told *told = find(found->dues, entry->kind, entry->run, entry->n);

    if (told != NULL && told->due_ms == entry->due_ms)
        return 0;
    if (told == NULL) {
        told = xcalloc(1, sizeof *told);
        list_add(bucket(found->dues, entry->run), &told->in_bucket);
    }
    told->kind = entry->kind;
    told->run = entry->run;
    told->n = entry->n;
    told->due_ms = entry->due_ms;
    struct event *event = &found->events[found->count++];
    event->kind = EV_DUE;
    event->run = entry->run;
    event->number = entry->kind;
    event->number2 = entry->n;
    event->json.ptr = arena_dup(&found->arena, entry->body.ptr, entry->body.len);
    event->json.len = entry->body.len;
    return found->count == DUES_A_TURN;
}

static void on_timer(void *arg)
{
    struct dues *dues = arg;
    struct found *found = xcalloc(1, sizeof *found);
    struct err err;

    found->dues = dues;
    if (store_each_due(dues->serve->store, clock_unix_ms(), take, found, &err) < 0)
        fatalx("read what is due: %s", err.text);
    dues->found_none = found->count == 0;
    for (int i = 0; i < found->count; i++)
        if (found->events[i].number == ENTRY_STORM)
            alerts_due(dues->serve, &found->events[i]);
        else
            pump_event(dues->serve, &found->events[i]);
    arena_fini(&found->arena);
    free(found);
    dues_arm(dues);
}

void dues_arm(struct dues *dues)
{
    int64_t next_ms = store_next_due(dues->serve->store);
    int64_t ms = next_ms - clock_unix_ms();

    if (next_ms == 0 || dues->serve->is_ending) {
        timer_stop(&dues->timer);
        return;
    }
    if (ms <= 0)
        ms = dues->found_none ? DUES_LOOK_AGAIN_MS : 0;
    else
        dues->found_none = false;
    timer_start(&dues->timer, dues->serve->loop, ms, on_timer, dues);
}
