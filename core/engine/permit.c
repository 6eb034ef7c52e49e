/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/permit.c - the digest D: what exactly was approved, and whether this is it.
 */
#include "engine/internal.h"

#include <string.h>

#include "engine/digest.h"

void permit_digest(const struct step *step, int64_t due_ms, int64_t execute_ms, char *hex)
{
    const struct run *run = step->run;
    struct action *action = action_find(run->engine, span_of(step->action));
    struct change_facts facts = {
        .run = run->id & ~SHADOW,
        .branch = span_of(step->branch),
        .n = step->n,
        .is_undo = step->is_undo,
        .plugin = span_of(action != NULL ? action->plugin->name : ""),
        .plugin_hash = span_of(action != NULL ? action->plugin->hash : ""),
        .action = span_of(step->action),
        .args = step->args,
        .target = span_of(step->target),
        .found = step_found(step),
        .wanted = step_wanted(step),
        .playbook_hash = span_of(run->hash_hex),
        .policy_hash = span_of(run->engine->policy_hash),
        .by = span_of(run->by),
        .due_ms = due_ms,
        .execute_ms = execute_ms,
    };

    change_digest(&facts, hex);
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
    if (!span_equal(change->args, step->args))
        differ(out, "the arguments");
    if (strcmp(change->target, step->target) != 0)
        differ(out, "the target");
    if (!span_equal(change->before, step_found(step)))
        differ(out, "the target's state");
    if (action != NULL && strcmp(change->plugin_hash, action->plugin->hash) != 0)
        differ(out, "the plugin");
    if (strcmp(change->policy_hash, step->run->engine->policy_hash) != 0)
        differ(out, "the policy");
    if (out->len == 0)
        differ(out, "what it will do");
}

/* Until when what the gate granted may be done. */
static int64_t good_until(const struct gate *gate)
{
    return gate->execute_ms > 0 ? gate->ended_ms + gate->execute_ms : gate->due_ms;
}

/* People were asked at the vote who they are, and are asked again before it is used. */
static bool has_approvers(const struct gate *gate, struct str *differs)
{
    struct str lost = { 0 };
    bool is_met;

    if (gate->glass_by != NULL) {
        is_met = glass_stands(gate);
        str_add_text(&lost, gate->glass_by);
    } else {
        is_met = quorum_is_met(gate, &lost);
    }

    if (!is_met) {
        differ(differs, "the approval: ");
        str_add_text(differs, lost.len > 0 ? str_text(&lost) : "somebody");
        str_add_text(differs, " may no longer approve this");
    }
    str_fini(&lost);
    return is_met;
}

/* A used permit serves again only for the same step, whose earlier attempt is known to have
 * changed nothing. */
static bool is_free(const struct step *step, const struct gate *gate, int index)
{
    return !gate->changes[index].is_used ||
           (step->permit_gate == gate->number && step->permit_index == index);
}

/* Does this change of a granted gate stand for the step? Else differs says why not. */
static bool is_good(const struct step *step, const struct need *need, struct gate *gate,
                    int index, struct str *differs)
{
    char digest[HASH_HEX_LEN + 1];

    str_reset(differs);
    permit_digest(step, gate->due_ms, gate->execute_ms, digest);
    if (strcmp(digest, gate->changes[index].digest) != 0)
        say_differences(step, &gate->changes[index], differs);
    else if (!is_free(step, gate, index))
        differ(differs, "the permit is used up");
    else if (step->run->engine->now_ms > good_until(gate))
        differ(differs, "the approval has expired");
    else if (!need_is_covered(gate, need)) /* it is later now, or there is more */
        differ(differs, "who must approve");
    else if (!vouch_gate(gate))
        differ(differs, "the gate: its row is not the one that was voted for");
    if (!has_approvers(gate, differs))
        return false;
    return differs->len == 0;
}

bool permit_is_listed(const struct step *step, const struct gate *gate)
{
    const char *path = step_path(step);
    char digest[HASH_HEX_LEN + 1];

    permit_digest(step, gate->due_ms, gate->execute_ms, digest);
    for (int i = 0; i < gate->change_count; i++)
        if (strcmp(gate->changes[i].path, path) == 0 &&
            strcmp(gate->changes[i].digest, digest) == 0 && is_free(step, gate, i))
            return true;
    return false;
}

bool permit_stands(const struct step *step, struct gate *gate)
{
    struct str lost = { 0 };
    bool stands = permit_is_listed(step, gate);

    stands = stands && step->run->engine->now_ms <= good_until(gate) && vouch_gate(gate) &&
             has_approvers(gate, &lost);
    str_fini(&lost);
    return stands;
}

bool permit_find(struct step *step, const struct need *need, int *number, int *index,
                 struct str *differs)
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
            if (strcmp(gate->changes[i].path, path) != 0 ||
                !is_good(step, need, gate, i, differs))
                continue;
            *number = gate->number;
            *index = i;
            return true;
        }
    }
    list_each (link, after, &run->order) {
        was_asked |= gate_was_spared(list_item(link, struct step, in_order));
    }
    if (was_asked && differs->len == 0)
        differ(differs, "nobody has seen this step: it was not in what was approved");
    return false;
}
