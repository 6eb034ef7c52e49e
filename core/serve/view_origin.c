/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/view_origin.c - where a run comes from: the alert, and the playbook's version.
 */
#include "serve/views.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/id.h"
#include "store/store.h"

enum { ORIGIN_CLIMB_MAX = 16 }; /* runs that call or undo each other, upwards */

static int copy_body(const struct row *row, void *arg)
{
    str_add_span(arg, row->body);
    return 1; /* just this one */
}

static void read_start(struct view *view, int64_t first_seq, struct str *start)
{
    struct err ignored;

    str_reset(start);
    if (first_seq > 0)
        store_each(view->serve->store, first_seq, copy_body, start, &ignored);
}

/* -- the alert ------------------------------------------------------------------------------ */

struct wanted_alert {
    struct id run;
    char name[40]; /* "": not found */
    int looked_at;
};

static int is_alert_of(const struct entry *entry, void *arg)
{
    struct wanted_alert *wanted = arg;
    struct span run;
    size_t pos = 0;

    while (json_next(json_get(entry->body, "runs"), &pos, NULL, &run))
        if (span_is(json_raw(run), wanted->run.text)) {
            snprintf(wanted->name, sizeof wanted->name, "a-%06" PRId64, entry->run);
            return 1;
        }
    return ++wanted->looked_at == VIEW_SCAN_MAX;
}

/* What a person passed along has no name. */
static bool is_of_source(struct span start)
{
    return span_starts(json_get_raw(start, "by"), "source:");
}

static void put_alert(struct view *view, int64_t run, struct span start)
{
    static const char *const keys[] = { "severity", "source", "title" };
    struct wanted_alert wanted = { .run = id_run(run) };
    struct entry_query query = {
        .kind = ENTRY_ALERT, .state = -1, .run = -1, .newest_first = true
    };
    struct json_out *out = &view->out;
    struct err ignored;

    struct span alert = json_get(start, "alert");
    if (is_of_source(start))
        store_each_entry(view->serve->store, &query, is_alert_of, &wanted, &ignored);
    json_key(out, "alert");
    json_open(out, '{');
    json_put(out, "alert", wanted.name[0] != '\0' ? wanted.name : NULL);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        json_put_raw(out, keys[i], json_get(alert, keys[i]));
    json_close(out);
}

/* The run that this one undoes, or that called it; 0: nobody. */
static int64_t above(struct span start)
{
    int64_t of = json_get_int(start, "of", 0);

    return of > 0 ? of : json_get_int(json_get(start, "parent"), "run", 0);
}

static void find_alert(struct view *view, int64_t run, struct str *start)
{
    struct entry entry;
    struct err ignored;

    for (int i = 0; i < ORIGIN_CLIMB_MAX; i++) {
        if (json_kind(json_get(str_span(start), "alert")) == JSON_OBJECT) {
            put_alert(view, run, str_span(start));
            return;
        }
        run = above(str_span(start));
        if (run == 0 ||
            store_find(view->serve->store, ENTRY_RUN, run, 0, &entry, &ignored) != 0)
            return;
        read_start(view, entry.first_seq, start);
    }
}

/* -- the playbook --------------------------------------------------------------------------- */

struct version {
    struct span hash;
    bool has_recover;
};

static int take_version(const struct entry *entry, void *arg)
{
    struct version *version = arg;

    if (!span_equal(json_get_raw(entry->body, "hash"), version->hash))
        return 0;
    version->has_recover = json_get_bool(json_get(entry->body, "info"), "recover", false);
    return 1;
}

static bool has_recover(struct view *view, struct span start)
{
    struct version version = { .hash = json_get_raw(start, "hash") };
    struct entry_query query = { .kind = ENTRY_PLAYBOOK, .state = -1, .run = -1 };
    struct err ignored;

    store_each_entry(view->serve->store, &query, take_version, &version, &ignored);
    return version.has_recover;
}

void origin_put_alert(struct view *view, int64_t run, int64_t first_seq)
{
    struct str start = { 0 };

    read_start(view, first_seq, &start);
    find_alert(view, run, &start);
    str_fini(&start);
}

void origin_put_recover(struct view *view, int64_t first_seq)
{
    struct str start = { 0 };

    read_start(view, first_seq, &start);
    json_put_bool(&view->out, "recover", has_recover(view, str_span(&start)));
    str_fini(&start);
}
