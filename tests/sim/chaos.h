/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/sim/chaos.h - playbooks, people and accidents, all made from a seed.
 */
#pragma once

#include "sim/world.h"

enum { GROUPS_MAX = 5, BRANCHES_MAX = 3, CHAOS_TARGETS = 6 };

/* -- a playbook -------------------------------------------------------------------------- */

static const char *const target_names[CHAOS_TARGETS] = { "a", "b", "c", "d", "e", "f" };

static char *text(struct world *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static char *text(struct world *w, const char *fmt, ...)
{
    va_list args;
    struct str str = { 0 };
    char line[256];

    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    str_add_text(&str, line);
    char *kept = w_keep(w, str_span(&str));
    str_fini(&str);
    return kept;
}

static void make_wish(struct world *w, struct w_wish *wish, const char *target,
                      bool may_call)
{
    uint32_t dice = w_chance(w, 20);

    wish->action = "";
    wish->kind = "step";
    if (dice < 10) {
        wish->action = w_chance(w, 6) == 0 ? "noop.blind" : "noop.set";
        wish->args = text(w, "{\"target\":\"%s\",\"value\":\"new\"}", target);
    } else if (dice < 13) {
        wish->action = "noop.get";
        wish->args = text(w, "{\"target\":\"%s\"}", target);
    } else if (dice < 15) {
        wish->kind = "approve";
        wish->args = text(w,
                          "{\"from\":\"soc\",\"need\":%u,\"on_timeout\":\"%s\","
                          "\"title\":\"go on\",\"within\":\"30m\"}",
                          1 + w_chance(w, 2), w_chance(w, 2) ? "hold" : "deny");
    } else if (dice < 16) {
        wish->kind = "sleep";
        wish->args = text(w, "{\"ms\":%u}", w_chance(w, 2) ? 1000 : 600000);
    } else if (dice < 17) {
        wish->kind = "now";
        wish->args = "{}";
    } else if (dice < 19 && may_call) {
        wish->kind = "call";
        wish->args = "{\"params\":{},\"playbook\":\"p\"}";
    } else {
        wish->kind = "note";
        wish->args = "{\"text\":\"here\"}";
    }
}

/* Each target is wished for once, so that a script's branches do not depend on each other. */
static struct w_wish *make_script(struct world *w, int first_target, int targets,
                                  bool may_call)
{
    struct w_wish *script =
        arena_alloc(&w->arena, (GROUPS_MAX * BRANCHES_MAX + 1) * sizeof(struct w_wish));
    int groups = 1 + (int)w_chance(w, GROUPS_MAX), count = 0, main_n = 0, forks = 0;

    for (int group = 1; group <= groups; group++) {
        int branches = w_chance(w, 3) == 0 ? 1 + (int)w_chance(w, BRANCHES_MAX) : 1;

        forks += branches > 1;
        for (int branch = 1; branch <= branches; branch++) {
            struct w_wish *wish = &script[count];
            const char *target = target_names[first_target + count % targets];

            wish->group = group;
            wish->branch = branches == 1 ? "0" : text(w, "0.%d.%d", forks, branch);
            wish->n = branches == 1 ? ++main_n : 1;
            make_wish(w, wish, target, may_call);
            count++;
        }
    }
    return script;
}

/* -- accidents ----------------------------------------------------------------------------- */

static int64_t some_run(struct world *w)
{
    int64_t last = 1;

    for (int i = 0; i < w->entry_count; i++)
        if (w->entries[i].kind == ENTRY_RUN && w->entries[i].run > last)
            last = w->entries[i].run;
    return 1 + (int64_t)w_chance(w, (uint32_t)last);
}

static bool somebody_asks(struct world *w)
{
    static const char *const drifts[] = { "leave", "restore", "accept" };
    static const char *const doubts[] = { "applied", "not-applied" };
    char *run = text(w, "{\"run\":\"r-%d\"}", (int)some_run(w));
    struct w_entry *gate = w_entry(w, ENTRY_GATE, GATE_OPEN);

    switch (w_chance(w, 12)) {
    case 0: return w_ask(w, "cancel", "bob", run);
    case 1:
    case 2: return w_ask(w, "rollback", "dave", run);
    case 3: return w_ask(w, "halt", "bob", "{\"reason\":\"x\",\"scope\":\"plugin:noop\"}");
    case 4: return w_ask(w, "resume", "bob", "{\"scope\":\"plugin:noop\"}");
    case 5: return gate == NULL || w_vote(w, "deny", "bob", gate);
    case 6: return gate == NULL || w_vote(w, "approve", "alice", gate);
    case 7:
        w->has_settled = true;
        return w_ask(w, "settle", "dave",
                     text(w, "{\"choice\":\"%s\",\"run\":\"r-%d\"}", drifts[w_chance(w, 3)],
                          (int)some_run(w)));
    case 8:
        w->has_settled = true;
        return w_ask(w, "settle", "dave",
                     text(w, "{\"choice\":\"%s\",\"run\":\"r-%d\"}", doubts[w_chance(w, 2)],
                          (int)some_run(w)));
    case 9: w_policy_is(w, w_chance(w, 2) ? w_open_policy : w_policy); return true;
    case 10: return w_ask(w, "recover", "dave", run);
    default: return w_ask(w, "watch", "bob", run);
    }
}

static bool something_breaks(struct world *w)
{
    switch (w_chance(w, 4)) {
    case 0: return w_vm_gone(w);
    case 1: return w_host_gone(w);
    default:
        if (w->may_edit) {
            struct w_target *target =
                w_target(w, span_of(target_names[w_chance(w, CHAOS_TARGETS)]));

            snprintf(target->value, sizeof target->value, "edit%u", w_chance(w, 100));
            target->edits++;
        }
        return true;
    }
}

static void lift_halts(struct world *w)
{
    w_ask(w, "resume", "bob", "{\"scope\":\"plugin:noop\"}");
}

static void chaos(struct world *w)
{
    int asks = (int)w_chance(w, 12), breaks = (int)w_chance(w, 4);
    int crashes = (int)w_chance(w, 4);

    int runs = 1 + (int)w_chance(w, 3);

    w->falls = (int)w_chance(w, 3);
    if (w_chance(w, 2))
        w_policy_is(w, w_open_policy);
    w->fault_percent = w_chance(w, 2) ? (int)w_chance(w, 40) : 0;
    w->wait_ms = w_chance(w, 3) == 0 ? (int64_t)w_chance(w, 20000) : 0;
    w->script = make_script(w, 0, 3, true);
    w->scripts[runs + 1] = make_script(w, 2, 4, false);
    for (int run = runs + 2; run < W_RUNS; run++)
        w->scripts[run] = w->scripts[runs + 1];
    for (int i = 0; i < runs; i++)
        w_start_run(w);
    for (int i = 0; i < 400; i++) {
        bool alive = true;

        if (crashes > 0 && w->crash_at == 0 && w_chance(w, 20) == 0) {
            crashes--;
            w->crash_at = w->steps + (int)w_chance(w, 10);
        }
        if (asks > 0 && w_chance(w, 12) == 0) {
            asks--;
            alive = somebody_asks(w);
        } else if (breaks > 0 && w_chance(w, 20) == 0) {
            breaks--;
            alive = something_breaks(w);
        } else if (w->message_count > 0) {
            alive = w_message_turn(w);
        } else {
            alive = w_by_itself(w) >= 0;
        }
        if (!alive)
            w_crash(w);
    }
    w->crash_at = w->falls = 0;
    lift_halts(w);
    w_settle(w);
}
