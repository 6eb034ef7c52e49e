/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/digest.h - the digests that people vote for, made of content alone.
 *
 * The engine makes them when a gate opens and again before an effect; whoever holds a gate
 * as a file makes them again from what is in it. Nothing here knows of the engine's state.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/str.h"

/* All that the digest of one change is over, in this order. */
struct change_facts {
    int64_t run;
    struct span branch;
    int64_t n;
    bool is_undo;
    struct span plugin, plugin_hash, action, args, target;
    struct span found, wanted; /* the slice before and after */
    struct span playbook_hash, policy_hash, by;
    int64_t due_ms;
    int64_t execute_ms; /* 0: in a journal in which due_ms was the end of it */
};
/* hex has room for HASH_HEX_LEN + 1 bytes. */
void change_digest(const struct change_facts *facts, char *hex);

/* A gate's digest is over all of its body but the digest itself. body is canonical. */
void gate_digest(struct span body, int64_t run, char *hex);
/* Adds body with this digest in it. */
void gate_put_digest(struct str *out, struct span body, const char *hex);

/* Makes the digest of one of a gate's changes again from what the gate says of it. */
void gate_change_digest(struct span body, struct span change, int64_t run,
                        struct span playbook_hash, char *hex);
