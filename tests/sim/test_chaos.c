/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Playbooks, people and accidents, all made from a seed; and what must be true at the end
 * whatever they were.
 */
#include "world.h"

#ifdef CHECK_SANITIZED
enum { SEEDS = 250 };
#else
enum { SEEDS = 2500 };
#endif

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

/* -- the end ------------------------------------------------------------------------------ */

/* What a person settled or nobody can know is there as a row; nothing else may be open. */
static void check_rows(struct world *w)
{
    for (int i = 0; i < w->row_count; i++) {
        const struct w_row *intent = &w->rows[i];
        struct span body = span_of(intent->body);
        bool is_known = false;

        if (intent->kind != ROW_INTENT)
            continue;
        for (int j = i + 1; j < w->row_count && !is_known; j++) {
            struct span later = span_of(w->rows[j].body);

            is_known = w->rows[j].run == intent->run &&
                       (w->rows[j].kind == ROW_DOUBT || w->rows[j].kind == ROW_OUTCOME) &&
                       !span_is(json_get_raw(later, "s"), "unknown") &&
                       json_get_int(later, "n", 0) == json_get_int(body, "n", 0) &&
                       span_equal(json_get_raw(later, "b"), json_get_raw(body, "b"));
        }
        CHECK(is_known);
    }
}

/* Entries of what is not in memory say where the run's rows end. */
static void check_entries(struct world *w)
{
    for (int i = 0; i < w->entry_count; i++) {
        int64_t last = 0;

        if (w->entries[i].kind != ENTRY_RUN)
            continue;
        for (int j = 0; j < w->row_count; j++)
            if (w->rows[j].run == w->entries[i].run)
                last = w->rows[j].seq;
        CHECK_INT(w->entries[i].last_seq, last);
        CHECK(w->entries[i].state != RUN_RUNNING);
    }
}

static bool is_anything(struct world *w, int state)
{
    for (int i = 0; i < w->entry_count; i++)
        if (w->entries[i].kind == ENTRY_RUN && w->entries[i].state == state)
            return true;
    return false;
}

/* Nobody else changed anything, and nobody said what they could not know: then everything
 * can be put back. */
static void check_way_back(struct world *w)
{
    int64_t last = 0;

    if (w->may_edit || w->has_settled || is_anything(w, RUN_STUCK))
        return;
    for (int i = 0; i < w->entry_count; i++)
        if (w->entries[i].kind == ENTRY_RUN && w->entries[i].run > last)
            last = w->entries[i].run;
    w->fault_percent = 0;
    for (int64_t run = last; run > 0; run--) {
        w_ask(w, "rollback", "dave", text(w, "{\"run\":\"r-%d\"}", (int)run));
        w_settle(w);
    }
    for (int i = 0; i < w->target_count; i++)
        CHECK_STR(w->targets[i].value, "old");
    CHECK(w_entry(w, ENTRY_HOLD, HOLD_ON) == NULL);
    CHECK_INT(engine_runs(w->engine), 0);
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

TEST(whatever_happens_nothing_is_done_without_a_record_and_everything_comes_to_rest)
{
    int stuck = 0, crashes = 0, applies = 0;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world *w = w_new(seed, NULL);

        w->may_edit = seed % 2 == 0;
        chaos(w);
        if (w->is_undurable || engine_runs(w->engine) != 0)
            printf("      seed %llu\n", (unsigned long long)seed);
        CHECK(!w->is_undurable);
        check_rows(w);
        check_entries(w);
        CHECK(!w->is_twice);
        CHECK_INT(engine_runs(w->engine), 0);
        CHECK(engine_is_idle(w->engine));
        stuck += is_anything(w, RUN_STUCK);
        w_check_index(w);
        check_way_back(w);
        CHECK(!is_anything(w, RUN_DIVERGED));
        crashes += w->crashes;
        applies += w->applies;
        w_free(w);
    }
    printf("      %d seeds, %d crashes, %d effects, %d stuck\n", SEEDS, crashes, applies,
           stuck);
    CHECK(crashes > SEEDS / 2 && applies > SEEDS && stuck > 0);
}
