/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/reindex.c - the index made again from rows alone.
 *
 * A run that is not over comes out as running, so that the next start loads it and parks it
 * again where it belongs.
 */
#include "engine/holds.h"

#include <string.h>

static void put_holds(struct run *run)
{
    list_each (link, after, &run->order) {
        struct step *step = list_item(link, struct step, in_order);

        bool is_left = step->choice != NULL && strcmp(step->choice, "leave") == 0;
        bool is_kept = step->choice != NULL && strcmp(step->choice, "accept") == 0;

        if (step->is_undo && is_left)
            hold_put(step, HOLD_LEFT);
        else if (step->is_undo && is_kept)
            continue;
        else if (step->is_kept)
            expire_keep(step);
        else if (step->is_undo && step->is_done && !step->is_gone)
            hold_release(step, step->outcome_seq);
        else if (step_holds(step))
            hold_put(step, HOLD_ON);
    }
}

static void put_run(struct engine *engine, const struct event *event)
{
    struct run *run = run_new(engine, event->run, RUN_LIVE);

    for (int i = 0; i < event->count; i++)
        row_apply(run, &event->rows[i]);
    if (event->count > 0)
        engine->now_ms = event->rows[event->count - 1].at_ms;
    run_put_entry(run);
    list_each (link, after, &run->gates) {
        gate_put_entry(run, list_item(link, struct gate, in_run));
    }
    if (run->expired_hold.len > 0)
        expire_begin(run);
    put_holds(run);
    family_put_all(run, 1);
    run_free(run);
}

static void put_global(struct engine *engine, const struct event_row *row)
{
    if (row->kind == ROW_PLAYBOOK)
        turn_add_entry(engine, &(struct turn_entry){ .kind = ENTRY_PLAYBOOK,
                                                     .run = row->seq,
                                                     .state = 1,
                                                     .body = row->body });
    else if (row->kind == ROW_HALT)
        turn_add_entry(engine,
                       &(struct turn_entry){ .kind = ENTRY_HALT,
                                             .n = (int)json_get_int(row->body, "i", 1),
                                             .state = json_get_bool(row->body, "on", false),
                                             .body = row->body });
    else if (row->kind == ROW_BREAK_GLASS || row->kind == ROW_REVIEW)
        glass_put_entry(engine, row->body, row->seq);
    else if (row->kind == ROW_KEY)
        key_put_entry(engine, row->body, row->seq);
    else if (row->kind == ROW_ACCOUNT || row->kind == ROW_TOKEN)
        access_put_entry(engine, row->kind, row->body, row->seq);
    else if (row->kind == ROW_DELIVERY)
        delivery_put_entry(engine, row);
    else if (row->kind == ROW_ALERT || row->kind == ROW_ALERT_NOTE)
        alert_put_entry(engine, row->body, row->seq);
    else if (row->kind == ROW_CURSOR)
        cursor_put_entry(engine, row->body, row->seq);
    else if (row->kind == ROW_NOTICE)
        notice_put_entry(engine, row->body, row->seq);
    else if (row->kind == ROW_HOLD_SEEN)
        verdict_put_entry(engine, row->body, row->seq);
    else if (row->kind == ROW_RECORD)
        turn_add_entry(engine, &(struct turn_entry){ .kind = ENTRY_RECORD,
                                                     .run = row->seq,
                                                     .state = 1,
                                                     .first_seq = row->seq,
                                                     .last_seq = row->seq,
                                                     .body = row->body });
    else if (row->kind == ROW_ONCE)
        once_put_entry(engine, row->body, row->seq);
}

void engine_reindex(struct engine *engine, const struct event *event, struct turn *turn)
{
    engine->turn = turn;
    engine->is_reindexing = true;
    if (event->run > 0) {
        put_run(engine, event);
        return;
    }
    for (int i = 0; i < event->count; i++) {
        engine->now_ms = event->rows[i].at_ms;
        put_global(engine, &event->rows[i]);
    }
}
