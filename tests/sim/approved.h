/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/sim/approved.h - what people approved, and whether what happens is just that.
 *
 * A witness notes the digests that people vote for, as their gate shows them. It stands where
 * a change takes place, makes the digest anew from the bytes that have come there and from
 * what is true in the world then, and looks for it among those. It shares nothing with the
 * engine but the description of the digest in docs/journal.md: what D covers is the table
 * `fields`, one line a field, in D's order.
 */
#pragma once

#include "world.h"

enum { APPROVED_MAX = 64 };

/* Everything that D speaks of, for one change that is about to take place. */
struct sending {
    int64_t run, n;
    bool is_undo;
    struct span branch, plugin, plugin_hash, action, args, target, found, wanted;
    struct span playbook, policy, by;
    int64_t not_after, execute;
};

static void add_state(struct hash_list *list, struct span state)
{
    struct hash hash = hash_of(state.ptr, state.len);

    hash_list_add(list, hash.bytes, HASH_LEN);
}

#define FIELD(name, add)                                                          \
    static void add_##name(struct hash_list *list, const struct sending *sending) \
    {                                                                             \
        add(list, sending->name);                                                 \
    }
FIELD(run, hash_list_add_int)
FIELD(branch, hash_list_add_span)
FIELD(n, hash_list_add_int)
FIELD(is_undo, hash_list_add_int)
FIELD(plugin, hash_list_add_span)
FIELD(plugin_hash, hash_list_add_span)
FIELD(action, hash_list_add_span)
FIELD(args, hash_list_add_span)
FIELD(target, hash_list_add_span)
FIELD(found, add_state)
FIELD(wanted, hash_list_add_span)
FIELD(playbook, hash_list_add_span)
FIELD(policy, hash_list_add_span)
FIELD(by, hash_list_add_span)
FIELD(not_after, hash_list_add_int)
FIELD(execute, hash_list_add_int)
#undef FIELD

static const struct field {
    const char *name;
    void (*add)(struct hash_list *list, const struct sending *sending);
} fields[] = {
    { "run", add_run },
    { "branch", add_branch },
    { "number", add_n },
    { "do or undo", add_is_undo },
    { "plugin", add_plugin },
    { "plugin's hash", add_plugin_hash },
    { "action", add_action },
    { "arguments", add_args },
    { "target", add_target },
    { "state before", add_found },
    { "state after", add_wanted },
    { "playbook's hash", add_playbook },
    { "policy", add_policy },
    { "requester", add_by },
    { "not after", add_not_after },
    { "how long after the grant", add_execute },
};
enum { FIELDS = sizeof fields / sizeof *fields };

static void digest_of(const struct sending *sending, char *hex)
{
    struct hash_list list;

    hash_list_init(&list, "cordon.approval.v2");
    for (int i = 0; i < FIELDS; i++)
        fields[i].add(&list, sending);
    hash_hex(hash_list_end(&list), hex);
}

struct approved { /* one change of a gate that people voted for */
    int64_t run, n, not_after, execute;
    int64_t granted_ms; /* 0: not yet */
    bool is_undo;
    const char *branch, *digest;
    int need;    /* so many people must say yes */
    int said;    /* a bit for each who has */
    int effects; /* how often it took place */
};

struct witness {
    struct world *w;
    struct approved list[APPROVED_MAX];
    int count;
    int done;       /* changes that took place just as approved, each once */
    int again;      /* the same once more */
    int unapproved; /* anything else */
};

/* What a change's frame and the world say of it, taken for the approved step. */
static struct sending sending_of(struct witness *witness, const struct w_call *call,
                                 const struct approved *approved)
{
    struct world *w = witness->w;
    bool is_undo = call->op == HOST_RESTORE;
    struct w_target *target = w_target(w, json_get_raw(call->args, "target"));
    char state[96];

    snprintf(state, sizeof state, "{\"value\":\"%s\"}", target->value);
    struct sending sending = {
        .n = approved->n,
        .is_undo = is_undo,
        .branch = span_of(approved->branch),
        .plugin = span_of(w->plugin_name),
        .plugin_hash = span_of(w->plugin_hash),
        .action = call->action,
        .args = call->args,
        .target = w->target_id != NULL ? span_of(w->target_id)
                                       : json_get_raw(call->args, "target"),
        .found = is_undo ? span_of(w_keep(w, span_of(state))) : call->before,
        .wanted = is_undo ? call->goal : call->after,
        .playbook = span_of(w_hash),
        .policy = span_of(w->policy_hash),
        .by = span_of(is_undo ? "dave" : "alice"),
        .not_after = approved->not_after,
        .execute = approved->execute,
    };

    id_parse_run(call->run, &sending.run);
    return sending;
}

/* Is it this step's, and not only somebody's who looks like it? */
static bool has_key_of(struct witness *witness, const struct w_call *call,
                       const struct approved *approved)
{
    struct step_name name = { approved->run, span_of(approved->branch), approved->n,
                              approved->is_undo };
    char key[STEP_KEY_LEN + 1];

    engine_step_key(witness->w->engine, &name, key);
    return span_is(call->key, key);
}

static bool has_quorum(const struct approved *approved)
{
    return __builtin_popcount((unsigned)approved->said) >= approved->need;
}

static bool is_granted(const struct witness *witness, const struct approved *approved)
{
    return approved->granted_ms > 0 &&
           witness->w->now_ms <= approved->granted_ms + approved->execute;
}

static void witness_effect(struct world *w, const struct w_call *call)
{
    struct witness *witness = w->watcher;

    for (int i = 0; i < witness->count; i++) {
        struct approved *approved = &witness->list[i];
        struct sending sending = sending_of(witness, call, approved);
        char digest[HASH_HEX_LEN + 1];

        digest_of(&sending, digest);
        if (strcmp(digest, approved->digest) != 0 || !has_key_of(witness, call, approved) ||
            !is_granted(witness, approved))
            continue;
        witness->done += approved->effects == 0;
        witness->again += approved->effects > 0;
        approved->effects++;
        return;
    }
    witness->unapproved++;
}

static struct approved *approved_find(struct witness *witness, const char *digest)
{
    for (int i = 0; i < witness->count; i++)
        if (strcmp(witness->list[i].digest, digest) == 0)
            return &witness->list[i];
    CHECK(witness->count < APPROVED_MAX);
    witness->list[witness->count] = (struct approved){ .digest = digest };
    return &witness->list[witness->count++];
}

/* A person looks at the gate, and says yes to what they see. False when the power went. */
static inline bool witness_approve(struct witness *witness, const char *who,
                                   const struct w_entry *gate)
{
    static const char *const people[] = { "bob", "carol" };
    struct world *w = witness->w;
    struct span body = span_of(gate->body);
    struct span change;
    size_t pos = 0;

    while (json_next(json_get(body, "changes"), &pos, NULL, &change)) {
        char *path = w_keep(w, json_get_raw(change, "path"));
        char *slash = strrchr(path, '/');
        struct approved *approved =
            approved_find(witness, w_keep(w, json_get_raw(change, "digest")));

        CHECK(slash != NULL);
        *slash = '\0';
        approved->run = gate->run;
        approved->branch = path;
        approved->n = strtoll(slash + 1, NULL, 10);
        approved->not_after = json_get_int(body, "due", 0);
        approved->execute = json_get_int(body, "execute", 0);
        approved->is_undo = span_is(json_get_raw(change, "op"), "restore");
        approved->need = (int)json_get_int(body, "need", 1);
        for (int i = 0; i < 2; i++)
            approved->said |= strcmp(who, people[i]) == 0 ? 1 << i : 0;
        if (has_quorum(approved) && approved->granted_ms == 0)
            approved->granted_ms = w->now_ms;
    }
    return w_vote(w, "approve", who, gate);
}

static inline void witness_init(struct witness *witness, struct world *w)
{
    *witness = (struct witness){ .w = w };
    w->watcher = witness;
    w->on_effect = witness_effect;
}
