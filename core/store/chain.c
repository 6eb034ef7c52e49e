/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chain.h"

#include <string.h>

struct hash chain_next(struct hash last, const struct row *row)
{
    struct hash_list list;

    hash_list_init(&list, row->has_epoch ? "cordon.row.v2" : "cordon.row.v1");
    hash_list_add(&list, last.bytes, HASH_LEN);
    hash_list_add_int(&list, row->seq);
    hash_list_add_int(&list, row->run);
    hash_list_add_int(&list, row->prev);
    hash_list_add_int(&list, row->kind);
    hash_list_add_int(&list, row->at_ms);
    if (row->has_epoch)
        hash_list_add_int(&list, row->epoch);
    hash_list_add_span(&list, row->body);
    return hash_list_end(&list);
}

bool chain_matches(struct hash hash, int64_t seq, struct span kept)
{
    if (kept.len != HASH_LEN && (int64_t)kept.len != chain_keeps(seq, false))
        return false;
    return memcmp(hash.bytes, kept.ptr, kept.len) == 0;
}
