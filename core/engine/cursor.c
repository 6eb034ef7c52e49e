/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/cursor.c - how far a source that is polled has been taken. The engine only journals it:
 * in the commit of what was taken up to there, or in a later one.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

int64_t engine_cursor_key(struct span name)
{
    struct hash_list list;
    int64_t key;

    hash_list_init(&list, "cordon.cursor.v1");
    hash_list_add_span(&list, name);
    struct hash hash = hash_list_end(&list);
    memcpy(&key, hash.bytes, sizeof key);
    return (key & INT64_MAX) | 1; /* 0 is no run */
}

void cursor_put_entry(struct engine *engine, struct span body, int64_t seq)
{
    char *name = json_get_text(body, "name");

    turn_add_entry(engine, &(struct turn_entry){ .kind = ENTRY_CURSOR,
                                                 .run = engine_cursor_key(span_of(name)),
                                                 .state = 1,
                                                 .first_seq = seq,
                                                 .last_seq = seq,
                                                 .body = span_of("{}") });
    free(name);
}

void cursor_on_moved(struct engine *engine, const struct event *event)
{
    int64_t seq = engine->next_seq;

    row_write_global(engine, ROW_CURSOR, event->json);
    cursor_put_entry(engine, event->json, seq);
}
