/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/vouch.c - is this gate the one that people voted for?
 *
 * A gate's digest is over its whole row, all that people were shown. A vote names it. When a
 * permit is to be used it is made again: a row that was exchanged allows nothing, whoever
 * wrote it. Whether the votes that name it are enough is looked at in quorum.c.
 */
#include "engine/internal.h"

#include "engine/digest.h"

/* As digests were made before the whole row was part of them. */
static bool is_first_version(const struct gate *gate, struct span digest)
{
    struct hash_list list;
    char hex[HASH_HEX_LEN + 1];

    hash_list_init(&list, "cordon.gate.v1");
    hash_list_add_int(&list, gate->step->run->id);
    hash_list_add_int(&list, gate->number);
    hash_list_add_int(&list, gate->due_ms);
    hash_list_add_span(&list, json_get(gate->body, "args"));
    for (int i = 0; i < gate->change_count; i++)
        hash_list_add_span(&list, span_of(gate->changes[i].digest));
    hash_hex(hash_list_end(&list), hex);
    return span_is(digest, hex);
}

static bool is_whole(const struct gate *gate)
{
    struct span digest = json_get_raw(gate->body, "digest");
    char hex[HASH_HEX_LEN + 1];

    gate_digest(gate->body, gate->step->run->id, hex);
    return span_is(digest, hex) || is_first_version(gate, digest);
}

bool vouch_gate(struct gate *gate)
{
    if (!gate->is_checked) {
        gate->is_checked = true;
        gate->is_whole = is_whole(gate);
    }
    return gate->is_whole;
}
