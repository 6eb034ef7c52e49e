/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/permit.c - the digest D: what exactly was approved, and whether this is it.
 */
#include "engine/internal.h"

#include <string.h>

void permit_digest(const struct step *step, int64_t not_after, char *hex)
{
    const struct run *run = step->run;
    struct action *action = action_find(run->engine, span_of(step->action));
    struct hash_list list;
    struct span found = step_found(step);
    struct hash state = hash_of(found.ptr, found.len);

    hash_list_init(&list, "cordon.approval.v1");
    hash_list_add_int(&list, run->id & ~SHADOW);
    hash_list_add_span(&list, span_of(step->branch));
    hash_list_add_int(&list, step->n);
    hash_list_add_int(&list, step->is_undo);
    hash_list_add_span(&list, span_of(action != NULL ? action->plugin->name : ""));
    hash_list_add_span(&list, span_of(action != NULL ? action->plugin->hash : ""));
    hash_list_add_span(&list, span_of(step->action));
    hash_list_add_span(&list, step->args);
    hash_list_add_span(&list, span_of(step->target));
    hash_list_add(&list, state.bytes, HASH_LEN);
    hash_list_add_span(&list, step_wanted(step));
    hash_list_add_span(&list, span_of(run->hash_hex));
    hash_list_add_span(&list, span_of(run->engine->policy_hash));
    hash_list_add_span(&list, span_of(run->by));
    hash_list_add_int(&list, not_after);
    hash_hex(hash_list_end(&list), hex);
}

static void differ(struct str *out, const char *word)
{
    if (out->len > 0)
        str_add_text(out, ", ");
    str_add_text(out, word);
}

/* What is no longer as it was when people looked at it. */
static void say_differences(const struct step *step, const struct change *change,
                            struct str *out)
{
    struct action *action = action_find(step->run->engine, span_of(step->action));

    if (strcmp(change->action, step->action) != 0)
        differ(out, "the action");
    if (!json_same(change->args, step->args))
        differ(out, "the arguments");
    if (strcmp(change->target, step->target) != 0)
        differ(out, "the target");
    if (!json_same(change->before, step_found(step)))
        differ(out, "the target's state");
    if (action != NULL && strcmp(change->plugin_hash, action->plugin->hash) != 0)
        differ(out, "the plugin");
    if (strcmp(change->policy_hash, step->run->engine->policy_hash) != 0)
        differ(out, "the policy");
    if (out->len == 0)
        differ(out, "what it will do");
}

bool permit_find(struct step *step, int *number, int *index, struct str *differs)
{
    struct run *run = step->run;
    const char *path = step_path(step);
    bool was_asked = false;

    list_each (link, after, &run->gates) {
        struct gate *gate = list_item(link, struct gate, in_run);

        if (gate->state != GATE_GRANTED || gate->is_question)
            continue;
        was_asked = true;
        for (int i = 0; i < gate->change_count; i++) {
            const struct change *change = &gate->changes[i];
            char digest[HASH_HEX_LEN + 1];

            if (strcmp(change->path, path) != 0)
                continue;
            str_reset(differs);
            permit_digest(step, gate->due_ms, digest);
            bool is_exact = strcmp(digest, change->digest) == 0;
            /* A used permit serves again only for the same step, whose earlier attempt is
             * known to have changed nothing. */
            bool is_free = !change->is_used ||
                           (step->permit_gate == gate->number && step->permit_index == i);

            if (is_exact && is_free && run->engine->now_ms <= gate->due_ms) {
                *number = gate->number;
                *index = i;
                return true;
            }
            if (is_exact)
                differ(differs,
                       is_free ? "the approval has expired" : "the permit is used up");
            else
                say_differences(step, change, differs);
        }
    }
    if (was_asked && differs->len == 0)
        differ(differs, "nobody has seen this step: it was not in what was approved");
    return false;
}
