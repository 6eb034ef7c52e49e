/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct turn *turn_new(void)
{
    struct turn *turn = xcalloc(1, sizeof *turn);

    turn->arena = xcalloc(1, sizeof *turn->arena);
    arena_init(turn->arena);
    return turn;
}

void turn_free(struct turn *turn)
{
    if (turn == NULL)
        return;
    arena_fini(turn->arena);
    free(turn->arena);
    free(turn->items);
    free(turn->commands);
    free(turn);
}

void turn_reset(struct turn *turn)
{
    turn->item_count = 0;
    turn->command_count = 0;
    arena_reset(turn->arena);
}

static struct turn_item *add_item(struct turn *turn)
{
    if (turn->item_count == turn->item_cap) {
        turn->item_cap = turn->item_cap == 0 ? 64 : turn->item_cap * 2;
        turn->items = xrealloc(turn->items, (size_t)turn->item_cap * sizeof *turn->items);
    }
    struct turn_item *item = &turn->items[turn->item_count++];
    *item = (struct turn_item){ 0 };
    return item;
}

struct span turn_keep(struct engine *engine, struct span bytes)
{
    if (bytes.len == 0)
        return (struct span){ 0 };
    return (struct span){ arena_dup(engine->turn->arena, bytes.ptr, bytes.len), bytes.len };
}

void turn_add_row(struct engine *engine, const struct turn_row *row)
{
    struct turn_item *item = add_item(engine->turn);

    item->is_row = true;
    item->row = *row;
    item->row.body = turn_keep(engine, row->body);
}

void turn_add_entry(struct engine *engine, const struct turn_entry *entry)
{
    struct turn_item *item = add_item(engine->turn);

    item->entry = *entry;
    item->entry.body = turn_keep(engine, entry->body);
}

struct command *turn_command(struct engine *engine, enum command_kind kind,
                             bool after_commit)
{
    struct turn *turn = engine->turn;

    if (turn->command_count == turn->command_cap) {
        turn->command_cap = turn->command_cap == 0 ? 64 : turn->command_cap * 2;
        turn->commands =
            xrealloc(turn->commands, (size_t)turn->command_cap * sizeof *turn->commands);
    }
    struct command *command = &turn->commands[turn->command_count++];
    *command = (struct command){ .kind = kind, .after_commit = after_commit };
    return command;
}

void reply_json(struct engine *engine, int64_t ask, int exit, struct span json,
                bool after_commit)
{
    if (ask == 0)
        return;
    once_on_reply(engine, ask, exit, json, after_commit);
    struct command *command = turn_command(engine, CMD_REPLY, after_commit);
    command->number = ask;
    command->exit = exit;
    command->bytes = turn_keep(engine, json);
}

void reply_error(struct engine *engine, int64_t ask, int exit, const char *code,
                 const char *fmt, ...)
{
    char sentence[512];
    struct str text = { 0 };
    struct json_out out = { .str = &text };
    va_list args;

    va_start(args, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    json_open(&out, '{');
    json_put(&out, "code", code);
    json_put(&out, "error", sentence);
    json_close(&out);
    reply_json(engine, ask, exit, str_span(&text), false);
    str_fini(&text);
}
