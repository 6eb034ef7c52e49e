/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/pump.c - no effect before its record is durable: here is where that is so.
 *
 * Events of one turn of the loop are handled as they come; rows and entries go into the
 * store's open transaction, and commands that wait for nothing are done at once. At the
 * turn's end, when a command waits, one commit makes everything durable, and then the
 * waiting commands are done in order. A commit that fails ends the process.
 */
#include "serve/alerts.h"
#include "serve/inside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "serve/fronts.h"
#include "serve/notices.h"
#include "serve/unread.h"
#include "store/store.h"

/* What cannot be journaled is not done. Whoever waits is told here: where the journal cannot
 * be written, the log mostly cannot either. */
static _Noreturn void journal_failed(struct serve *serve, const struct err *err)
{
    char sentence[sizeof err->text + 200];

    snprintf(sentence, sizeof sentence,
             "write the journal: %s; nothing was done that it does not hold", err->text);
    clients_last_words(serve, sentence);
    fatalx("%s", sentence);
}

static void append(struct serve *serve, const struct turn_item *item)
{
    struct err err;
    int rc;

    serve->is_dirty = true;
    if (item->is_row) {
        const struct turn_row *from = &item->row;
        struct row row = { .seq = from->seq,
                           .run = from->run,
                           .prev = from->prev,
                           .kind = from->kind,
                           .at_ms = from->at_ms,
                           .body = from->body };

        rc = store_append(serve->store, &row, &err);
        if (row.run > 0)
            tails_set(serve->tails, row.run, row.seq);
    } else {
        const struct turn_entry *from = &item->entry;
        struct entry entry = { .kind = from->kind,
                               .run = from->run,
                               .n = from->n,
                               .state = from->state,
                               .due_ms = from->due_ms,
                               .first_seq = from->first_seq,
                               .last_seq = from->last_seq,
                               .body = from->body };

        rc = store_put(serve->store, &entry, &err);
        serve->wrote_entries = true;
        dues_forget(serve->dues, entry.kind, entry.run, entry.n);
        if (entry.kind == ENTRY_GLASS)
            glass_changed(serve);
        if (entry.kind == ENTRY_ACCOUNT || entry.kind == ENTRY_TOKEN)
            serve->wrote_credentials = true;
        if (entry.kind == ENTRY_RUN && entry.state != RUN_RUNNING)
            tails_drop(serve->tails, entry.run);
    }
    if (rc != 0)
        journal_failed(serve, &err);
}

/* -- CMD_LOAD --------------------------------------------------------------------------- */

struct loading {
    struct arena arena;
    struct event_row *rows;
    int count, cap;
};

static int load_row(const struct row *row, void *arg)
{
    struct loading *loading = arg;

    if (loading->count == loading->cap) {
        loading->cap = loading->cap == 0 ? 32 : loading->cap * 2;
        loading->rows =
            xrealloc(loading->rows, (size_t)loading->cap * sizeof *loading->rows);
    }
    char *body = arena_dup(&loading->arena, row->body.ptr, row->body.len);
    loading->rows[loading->count++] = (struct event_row){ .seq = row->seq,
                                                          .prev = row->prev,
                                                          .kind = row->kind,
                                                          .at_ms = row->at_ms,
                                                          .body = { body, row->body.len } };
    return 0;
}

static void give_rows(struct serve *serve, int64_t run, const struct event_row *rows,
                      int count)
{
    pump_event(serve, &(struct event){
                          .kind = EV_ROWS, .run = run, .rows = rows, .count = count });
}

static void load(struct serve *serve, int64_t run)
{
    struct loading loading = { 0 };
    struct err err;
    int64_t last = rows_last(serve, run);
    int count;
    const struct event_row *rows = preload_rows(serve->preload, run, last, &count);

    if (rows != NULL) {
        give_rows(serve, run, rows, count);
        return;
    }
    if (last > 0 && store_each_of_run(serve->store, last, load_row, &loading, &err) != 0)
        fatalx("read run %lld: %s", (long long)run, err.text);
    give_rows(serve, run, loading.rows, loading.count);
    arena_fini(&loading.arena);
    free(loading.rows);
}

/* -- CMD_TIMER -------------------------------------------------------------------------- */

static void on_tick(void *arg)
{
    pump_event(arg, &(struct event){ .kind = EV_TICK });
}

static void wait_until(struct serve *serve, int64_t unix_ms)
{
    timer_start(&serve->tick, serve->loop, unix_ms - clock_unix_ms(), on_tick, serve);
}

/* -- commands --------------------------------------------------------------------------- */

static void rows_to_followers(struct serve *serve)
{
    for (; serve->items_done < serve->turn->item_count; serve->items_done++)
        if (serve->turn->items[serve->items_done].is_row) {
            clients_row(serve, &serve->turn->items[serve->items_done].row);
            feeds_row(serve, &serve->turn->items[serve->items_done].row);
            notices_row(serve, &serve->turn->items[serve->items_done].row);
            unread_row(serve, &serve->turn->items[serve->items_done].row);
            watch_row(&serve->turn->items[serve->items_done].row);
        }
}

static void execute(struct serve *serve, const struct command *command)
{
    switch (command->kind) {
    case CMD_VM: vms_send(serve, command); break;
    case CMD_VM_KILL: vms_kill(serve, command->name); break;
    case CMD_HOST:
        if (command->number > 0)
            waited_add(serve, command->number);
        hosts_send(serve, command);
        break;
    case CMD_LOAD: load(serve, command->run); break;
    case CMD_FIND: calls_find(serve, command); break;
    case CMD_TIMER: wait_until(serve, command->number); break;
    case CMD_EVENT: clients_event(serve, command->number, command->bytes); break;
    case CMD_FOLLOW: clients_follow(serve, command->number, command->run); break;
    case CMD_ADAPT: alerts_adapt(serve, command); break;
    case CMD_TELL:
        clients_tell(serve, command->run, command->bytes);
        feeds_tell(serve, command->run, command->bytes);
        break;
    case CMD_SETTLED:
        clients_settled(serve, command->run, command->exit, command->bytes);
        break;
    case CMD_REPLY:
        clients_reply(serve, command->number, command->exit, command->bytes);
        break;
    }
}

/* What may as well be done with the commit that comes anyway. */
static bool is_lazy(const struct command *command)
{
    return command->kind == CMD_EVENT || command->kind == CMD_FOLLOW;
}

/* Items are written before the commands that the engine gave behind them. */
static void drain(struct serve *serve)
{
    struct turn *turn = serve->turn;

    for (;;) {
        for (; serve->items_done < turn->item_count; serve->items_done++)
            append(serve, &turn->items[serve->items_done]);
        if (serve->commands_done == turn->command_count)
            return;
        struct command command = turn->commands[serve->commands_done++];
        if (!command.after_commit)
            execute(serve, &command);
        else if (is_lazy(&command))
            serve->has_lazy = true;
        else
            serve->urgent_count++;
    }
}

/* Once a turn, before the first event: a policy or a plugin that has changed counts for
 * whatever happens from now on. */
static void look_around(struct serve *serve)
{
    if (serve->is_pumping || serve->has_looked)
        return;
    serve->has_looked = true;
    rules_check(serve);
    locks_check(serve);
    if (serve->is_ready)
        catalogue_check(serve);
}

void pump_event(struct serve *serve, struct event *event)
{
    look_around(serve);
    event->now_ms = clock_unix_ms();
    engine_handle(serve->engine, event, serve->turn);
    if (serve->is_pumping)
        return; /* drain() below on the stack goes on with it */
    serve->is_pumping = true;
    drain(serve);
    serve->is_pumping = false;
}

static void forget_turn(struct serve *serve)
{
    turn_reset(serve->turn);
    serve->items_done = serve->commands_done = 0;
    serve->urgent_count = 0;
    serve->has_lazy = serve->is_dirty = serve->is_gathering = false;
}

void pump_commit(struct serve *serve)
{
    struct turn *turn = serve->turn;
    struct err err;

    timer_stop(&serve->commit);
    if (store_commit(serve->store, &err) != 0)
        journal_failed(serve, &err);
    serve->is_pumping = true; /* an event from in here would be lost: see inside.h */
    if (serve->wrote_credentials)
        fronts_refresh(serve); /* before whoever asked for it hears that it is so */
    serve->wrote_credentials = false;
    int commands = turn->command_count;
    serve->items_done = 0;
    for (int i = 0; i < commands; i++) {
        struct command command = turn->commands[i];

        if (!command.after_commit)
            continue;
        if (command.kind == CMD_SETTLED)
            rows_to_followers(serve);
        execute(serve, &command);
    }
    rows_to_followers(serve);
    assert(turn->command_count == commands);
    serve->is_pumping = false;
    forget_turn(serve);
    if (serve->wrote_entries) {
        serve->wrote_entries = false;
        dues_arm(serve->dues);
    }
    serve_maybe_end(serve);
}

static void on_commit_due(void *arg)
{
    pump_commit(arg);
}

/* With many runs at once a sync is worth sharing: while most of what is under way has yet to
 * come in, what waits for the commit waits a moment longer. A lone run never waits. */
static bool may_gather(struct serve *serve)
{
    int others = engine_under_way(serve->engine) - serve->urgent_count;

    if (serve->is_gathering)
        return timer_is_running(&serve->commit) && others > serve->urgent_count / 4;
    if (others <= serve->urgent_count / 4)
        return false;
    serve->is_gathering = true;
    timer_start(&serve->commit, serve->loop, SERVE_GATHER_MS, on_commit_due, serve);
    return true;
}

static void on_turn(void *arg)
{
    struct serve *serve = arg;

    serve->has_looked = false;
    if (serve->urgent_count > 0) {
        if (!may_gather(serve))
            pump_commit(serve);
    } else if ((serve->is_dirty || serve->has_lazy) && !timer_is_running(&serve->commit)) {
        timer_start(&serve->commit, serve->loop, SERVE_COMMIT_WITHIN_MS, on_commit_due,
                    serve);
    } else if (!serve->is_dirty && !serve->has_lazy) {
        forget_turn(serve);
    }
}

void pump_open(struct serve *serve)
{
    loop_on_turn(serve->loop, on_turn, serve);
}
