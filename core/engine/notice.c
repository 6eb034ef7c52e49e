/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/notice.c - whom was told of what, as rows.
 *
 * A notice is made of the row that it tells of, so what has yet to be sent needs no row of its
 * own: each channel's entry says up to which row everything has been told or given up. What
 * was given up keeps an entry, so that it can be shown, until ENGINE_NOTICES_KEPT others have
 * taken its place.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

int64_t engine_channel_key(struct span channel)
{
    struct hash_list list;
    struct hash hash;
    int64_t key;

    hash_list_init(&list, "cordon.channel.v1");
    hash_list_add_span(&list, channel);
    hash = hash_list_end(&list);
    memcpy(&key, hash.bytes, sizeof key);
    key &= INT64_MAX;
    return key == 0 ? 1 : key;
}

void engine_notice_key(const struct engine *engine, struct span channel, int64_t of,
                       char *hex)
{
    struct hash_list list;
    char whole[HASH_HEX_LEN + 1];

    hash_list_init(&list, "cordon.notice.v1");
    hash_list_add_span(&list, span_of(engine->install));
    hash_list_add_span(&list, channel);
    hash_list_add_int(&list, of);
    hash_hex(hash_list_end(&list), whole);
    memcpy(hex, whole, STEP_KEY_LEN);
    hex[STEP_KEY_LEN] = '\0';
}

void notice_put_entry(struct engine *engine, struct span body, int64_t seq)
{
    char *channel = json_get_text(body, "ch");
    int64_t key = engine_channel_key(span_of(channel));
    int64_t of = json_get_int(body, "of", 0);

    if (span_is(json_get_raw(body, "s"), "failed"))
        turn_add_entry(engine,
                       &(struct turn_entry){ .kind = ENTRY_NOTICE,
                                             .run = key,
                                             .n = 1 + (int)(of % ENGINE_NOTICES_KEPT),
                                             .state = NOTICE_FAILED,
                                             .first_seq = of,
                                             .last_seq = seq,
                                             .body = body });
    turn_add_entry(engine, &(struct turn_entry){ .kind = ENTRY_NOTICE,
                                                 .run = key,
                                                 .state = NOTICE_CURSOR,
                                                 .first_seq = seq,
                                                 .last_seq = of,
                                                 .body = span_of("{}") });
    free(channel);
}

void notice_on_event(struct engine *engine, const struct event *event)
{
    int64_t seq = engine->next_seq;

    row_write_global(engine, ROW_NOTICE, event->json);
    notice_put_entry(engine, event->json, seq);
}
