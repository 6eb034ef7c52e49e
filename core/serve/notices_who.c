/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/notices_who.c - which channels are told of a row.
 *
 * Those that its gate names; or else those that the route names by which its run started; or
 * else those of notify.on. Whoever is asked as a group is told in any case, and of a
 * break-glass everybody.
 */
#include "serve/notices.h"

#include <stdlib.h>

#include "base/err.h"
#include "serve/inside.h"
#include "serve/tell.h"
#include "store/store.h"

enum { RUNS_MAX = 8 }; /* looked at, from a run to the one that it undoes, and so on */

static bool has_name(struct span list, const char *name)
{
    struct span item;
    size_t pos = 0;

    while (json_next(list, &pos, NULL, &item))
        if (span_is(json_raw(item), name))
            return true;
    return false;
}

/* A gate that asks a group is told to the channels of that group. */
static bool is_asked(struct serve *serve, const char *channel, struct span from)
{
    struct span groups = json_get(notices_config(serve), "groups"), group;
    size_t pos = 0;

    while (json_next(from, &pos, NULL, &group)) {
        char *name = json_text(group);
        bool is_theirs = name != NULL && has_name(json_get(groups, name), channel);

        free(name);
        if (is_theirs)
            return true;
    }
    return false;
}

/* What the gate says of which the row tells. Its end has it itself: by then no entry does. */
static void add_of_gate(struct serve *serve, const struct shown_row *row, struct str *list)
{
    int g = (int)json_get_int(row->body, "g", 0);
    struct entry entry;
    struct err ignored;

    if (row->kind == ROW_GATE)
        str_add_span(list, engine_gate_channels(row->body));
    else if (row->kind == ROW_GATE_END)
        str_add_span(list, json_get(row->body, "notify"));
    else if (g > 0 && (row->kind == ROW_REMIND || row->kind == ROW_ESCALATE) &&
             store_find(serve->store, ENTRY_GATE, row->run, g, &entry, &ignored) == 0)
        str_add_span(list, engine_gate_channels(entry.body));
}

/* What the run says, or the one that it undoes. */
static void add_of_run(struct serve *serve, int64_t run, struct str *list)
{
    struct entry entry;
    struct err ignored;

    for (int i = 0; i < RUNS_MAX && run > 0 && list->len == 0; i++) {
        if (store_find(serve->store, ENTRY_RUN, run, 0, &entry, &ignored) != 0)
            return;
        str_add_span(list, json_get(entry.body, "notify"));
        run = json_get_int(entry.body, "of", 0);
    }
}

/* What the first route says by which something of an alert is only planned. */
static void add_of_alert(const struct shown_row *row, struct str *list)
{
    struct span decision;
    size_t pos = 0;

    while (list->len == 0 && json_next(json_get(row->body, "made"), &pos, NULL, &decision))
        if (json_get(decision, "shadow").len > 0)
            str_add_span(list, json_get(decision, "notify"));
}

static bool knows_one_of(struct serve *serve, struct span list)
{
    struct span channels = json_get(notices_config(serve), "channels"), item;
    size_t pos = 0;
    bool is_known = false;

    while (!is_known && json_next(list, &pos, NULL, &item)) {
        char *name = json_text(item);

        is_known = name != NULL && json_get(channels, name).len > 0;
        free(name);
    }
    return is_known;
}

bool notices_wants(struct serve *serve, const char *channel, const struct shown_row *row,
                   const char *what)
{
    struct span on = json_get(json_get(notices_config(serve), "on"), what);
    struct str list = { 0 };

    if (row->kind == ROW_BREAK_GLASS)
        return true;
    add_of_gate(serve, row, &list);
    if (list.len == 0 && row->kind == ROW_ALERT_NOTE)
        add_of_alert(row, &list);
    else if (list.len == 0)
        add_of_run(serve, row->run > 0 ? row->run : json_get_int(row->body, "run", 0),
                   &list);
    /* Better those that cordon.lua has than nobody, because a name was mistyped. */
    bool is_told =
        has_name(knows_one_of(serve, str_span(&list)) ? str_span(&list) : on, channel);
    str_fini(&list);
    return is_told || ((row->kind == ROW_GATE || row->kind == ROW_ESCALATE) &&
                       is_asked(serve, channel, json_get(row->body, "from")));
}
