/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engine does where two things meet: a gate and a crash, a stop and a doubt, two
 * rules, two rollbacks, a run and the runs that it called.
 */
#include "world.h"

#define WISH(branch, n, group, kind, args) \
    {                                      \
        group, branch, n, kind, "", args   \
    }

static const char undo_policy[] =
    "{\"groups\":{\"soc\":[\"bob\",\"carol\"]},\"rules\":[{\"name\":\"all\",\"need\":0},"
    "{\"match\":{\"op\":\"undo\"},\"name\":\"undo\",\"need\":1}]}";

static const struct w_wish one_set[] = { SET("0", 1, 1, "a"), END };
static const struct w_wish two_sets[] = { SET("0", 1, 1, "a"), SET("0", 2, 2, "b"), END };
static const struct w_wish gate_after[] = { SET("0", 1, 1, "a"), APPROVE(2, 2),
                                            SET("0", 3, 3, "b"), END };

static struct world *open_world(uint64_t seed, const struct w_wish *script)
{
    struct world *w = w_new(seed, script);

    w_policy_is(w, w_open_policy);
    return w;
}

static char *said(struct world *w, const struct w_entry *entry, const char *key)
{
    char *text = json_get_text(span_of(entry->body), key);
    char *kept = w_keep(w, span_of(text));

    free(text);
    return kept;
}

/* -- rollbacks ---------------------------------------------------------------------------- */

TEST(a_rollback_that_parked_at_a_gate_goes_on_when_it_is_approved)
{
    struct world *w = w_new(1, one_set);

    w_policy_is(w, undo_policy);
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    w->approves = false;
    w_ask(w, "rollback", "alice", "{\"run\":\"r-1\"}");
    w_pump(w);
    CHECK_STR(w_state(w, 2), "waiting");
    w->approves = true;
    w_settle(w);
    CHECK_STR(w_state(w, 2), "done");
    CHECK_STR(w_target(w, span_of("a"))->value, "old");
    w_free(w);
}

TEST(who_approved_writing_over_one_edit_has_not_approved_writing_over_the_next)
{
    struct world *w = open_world(2, one_set);

    w_start_run(w);
    w_settle(w);
    snprintf(w_target(w, span_of("a"))->value, 32, "edited");
    w_ask(w, "rollback", "alice", "{\"run\":\"r-1\"}");
    w_settle(w);
    w->approves = false;
    w_ask(w, "settle", "alice", "{\"choice\":\"restore\",\"run\":\"r-2\"}");
    w_pump(w);
    snprintf(w_target(w, span_of("a"))->value, 32, "again");
    w_vote(w, "approve", "bob", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    CHECK_STR(w_target(w, span_of("a"))->value, "again");
    CHECK_STR(said(w, w_entry(w, ENTRY_GATE, GATE_OPEN), "differs"), "the target's state");
    w_free(w);
}

TEST(a_rollback_of_several_steps_parks_at_the_gate_of_the_first)
{
    struct world *w = w_new(5, two_sets);

    w_policy_is(w, undo_policy);
    w_start_run(w);
    w_settle(w);
    w->approves = false;
    w_ask(w, "rollback", "alice", "{\"run\":\"r-1\"}");
    w_pump(w);
    CHECK_STR(w_state(w, 2), "waiting");
    CHECK_INT(engine_runs(w->engine), 0);
    w_free(w);
}

TEST(a_run_that_goes_on_is_not_rolled_back_as_a_whole)
{
    struct world *w = open_world(3, gate_after);

    w->approves = false;
    w_start_run(w);
    w_pump(w);
    CHECK_STR(w_state(w, 1), "waiting");
    w_ask(w, "rollback", "bob", "{\"run\":\"r-1\"}");
    w_pump(w);
    CHECK_INT(w->replies[w->next_ask - 1].exit, 1);
    CHECK_HAS(w->replies[w->next_ask - 1].json, "cordon cancel");
    w_ask(w, "rollback", "bob", "{\"run\":\"r-1\",\"step\":\"0/1\"}");
    w_pump(w);
    CHECK_STR(w_target(w, span_of("a"))->value, "old");
    w_ask(w, "cancel", "bob", "{\"run\":\"r-1\"}");
    w_pump(w);
    CHECK_STR(w_state(w, 1), "canceled");
    w_ask(w, "rollback", "bob", "{\"run\":\"r-1\"}");
    w_pump(w);
    CHECK_STR(w_state(w, 3), "done");
    w_free(w);
}

TEST(a_stuck_rollback_can_be_canceled_since_a_drift_is_nothing_unknown)
{
    struct world *w = open_world(4, one_set);

    w_start_run(w);
    w_settle(w);
    snprintf(w_target(w, span_of("a"))->value, 32, "edited");
    w_ask(w, "rollback", "bob", "{\"run\":\"r-1\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 2), "stuck");
    w_ask(w, "cancel", "bob", "{\"run\":\"r-2\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 2), "canceled");
    w_ask(w, "settle", "bob", "{\"choice\":\"restore\",\"run\":\"r-2\"}");
    w_settle(w);
    CHECK_INT(w->replies[w->next_ask - 1].exit, 1);
    CHECK_STR(w_state(w, 2), "canceled");
    CHECK_STR(w_target(w, span_of("a"))->value, "edited");
    w_free(w);
}

/* -- ends --------------------------------------------------------------------------------- */

/* The VM of run 1 says how the playbook ended. */
static void vm_says(struct world *w, int state, const char *json)
{
    w_handle(w, &(struct event){
                    .kind = EV_VM_TURN, .run = 1, .number = state, .json = span_of(json) });
}

/* Until an effect is with the host. */
static void until_applying(struct world *w)
{
    for (int i = 0; i < 1000 && !w_is_applying(w); i++)
        CHECK(w_message_turn(w));
    CHECK(w_is_applying(w));
}

static int rows_of(struct world *w, int64_t run, int kind)
{
    int count = 0;

    for (int i = 0; i < w->row_count; i++)
        count += w->rows[i].run == run && w->rows[i].kind == kind;
    return count;
}

/* The VM's process ends before it has loaded the playbook. */
static void vm_dies_loading(struct world *w)
{
    struct event event = { .kind = EV_VM_GONE,
                           .name = span_of(w_hash),
                           .number2 = -1,
                           .text = span_of("it ended with signal 11") };

    memset(w->vms, 0, sizeof w->vms);
    w_handle(w, &event);
}

TEST(a_vm_that_dies_three_times_while_it_loads_is_not_started_for_ever)
{
    struct world *w = open_world(5, one_set);

    w_start_run(w);
    vm_dies_loading(w);
    vm_dies_loading(w);
    CHECK_STR(w_state(w, 1), "running");
    vm_dies_loading(w);
    CHECK_STR(w_state(w, 1), "failed");
    CHECK_HAS(w_run(w, 1)->body, "it ended with signal 11");
    w_free(w);
}

TEST(a_vm_that_did_something_between_its_deaths_is_started_again)
{
    struct world *w = open_world(5, one_set);

    w_start_run(w);
    vm_dies_loading(w);
    vm_dies_loading(w);
    until_applying(w);
    vm_dies_loading(w);
    vm_dies_loading(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    CHECK_INT(rows_of(w, 1, ROW_INTENT), 1);
    w_free(w);
}

TEST(a_playbook_that_returns_while_a_change_is_under_way_waits_for_its_outcome)
{
    struct world *w = open_world(5, one_set);

    w_start_run(w);
    until_applying(w);
    vm_says(w, VM_TURN_DONE, "null");
    CHECK_STR(w_state(w, 1), "running");
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    CHECK_INT(rows_of(w, 1, ROW_INTENT), rows_of(w, 1, ROW_OUTCOME));
    w_free(w);
}

/* The answer to the change under way is lost, and so is the change; time goes on, but nobody
 * signals and nothing that is due comes. */
static void until_doubt(struct world *w)
{
    until_applying(w);
    w_lose(w);
    for (int i = 0; i < 1000 && rows_of(w, 1, ROW_DOUBT) == 0; i++) {
        w_pump(w);
        w_tick(w);
    }
    CHECK_INT(rows_of(w, 1, ROW_DOUBT), 1);
    w_pump(w);
}

TEST(a_run_does_not_end_before_a_doubt_is_settled)
{
    static const struct w_wish doubtful[] = {
        { 1, "0.1.1", 1, "step", "noop.blind", "{\"target\":\"a\",\"value\":\"new\"}" },
        WISH("0.1.2", 1, 1, "signal", "{\"name\":\"go\",\"within\":\"1h\"}"),
        END
    };
    struct world *w = open_world(6, doubtful);

    w_start_run(w);
    until_doubt(w);
    w_ask(w, "cancel", "bob", "{\"run\":\"r-1\"}");
    w_pump(w);
    CHECK_STR(w_state(w, 1), "stuck");
    w_ask(w, "settle", "bob", "{\"choice\":\"not-applied\",\"run\":\"r-1\"}");
    w_pump(w);
    CHECK_STR(w_state(w, 1), "canceled");
    CHECK_INT(engine_runs(w->engine), 0);
    w_free(w);
}

TEST(a_run_that_failed_beside_a_doubt_parks_as_stuck_and_then_fails)
{
    static const struct w_wish doubtful[] = {
        { 1, "0.1.1", 1, "step", "noop.blind", "{\"target\":\"a\",\"value\":\"new\"}" },
        WISH("0.1.2", 1, 1, "signal", "{\"name\":\"go\",\"within\":\"1m\"}"),
        END
    };
    struct world *w = open_world(7, doubtful);

    w_start_run(w);
    until_doubt(w);
    w_settle(w); /* the signal times out meanwhile, which fails the run */
    CHECK_STR(w_state(w, 1), "stuck");
    CHECK_INT(engine_runs(w->engine), 0);
    w_ask(w, "settle", "bob", "{\"choice\":\"not-applied\",\"run\":\"r-1\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 1), "failed");
    w_free(w);
}

TEST(a_signal_for_a_run_that_is_over_is_refused_and_leaves_no_row)
{
    static const struct w_wish waits[] = {
        WISH("0", 1, 1, "signal", "{\"name\":\"go\",\"within\":\"1h\"}"), END
    };
    struct world *w = w_new(8, waits);

    w_start_run(w);
    w_pump(w);
    w_ask(w, "cancel", "bob", "{\"run\":\"r-1\"}");
    w_pump(w);
    CHECK_STR(w_state(w, 1), "canceled");
    int rows = w->row_count;
    w_ask(w, "signal", "bob", "{\"name\":\"go\",\"run\":\"r-1\"}");
    w_pump(w);
    CHECK_INT(w->replies[w->next_ask - 1].exit, 1);
    CHECK_INT(w->row_count, rows);
    w_free(w);
}

TEST(a_parked_run_still_knows_which_signal_it_waits_for)
{
    static const struct w_wish waits[] = {
        WISH("0", 1, 1, "signal", "{\"name\":\"go\",\"within\":\"1h\"}"), END
    };
    struct world *w = w_new(9, waits);

    w_start_run(w);
    w_pump(w);
    CHECK_INT(engine_runs(w->engine), 0);
    w_ask(w, "signal", "bob", "{\"name\":\"stop\",\"run\":\"r-1\"}");
    w_pump(w);
    CHECK_INT(w->replies[w->next_ask - 1].exit, 1);
    CHECK_STR(w_state(w, 1), "waiting");
    w_free(w);
}

TEST(a_signal_says_who_sent_it_and_why)
{
    static const struct w_wish waits[] = {
        WISH("0", 1, 1, "signal", "{\"name\":\"go\",\"within\":\"1h\"}"), END
    };
    struct world *w = w_new(9, waits);

    w_start_run(w);
    w_pump(w);
    w_ask(w, "signal", "bob", "{\"name\":\"go\",\"reason\":\"CHG-7\",\"run\":\"r-1\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    bool is_there = false;
    for (int i = 0; i < w->row_count; i++)
        is_there |= w->rows[i].kind == ROW_ANSWER &&
                    strstr(w->rows[i].body, "\"x\":{\"by\":\"bob\",\"name\":\"go\","
                                            "\"why\":\"CHG-7\"}") != NULL;
    CHECK(is_there);
    w_free(w);
}

TEST(who_watches_a_run_that_is_over_hears_at_once_how_it_ended)
{
    struct world *w = open_world(10, one_set);

    w_start_run(w);
    w_settle(w);
    int told = w->settled;
    w_ask(w, "watch", "bob", "{\"run\":\"r-1\"}");
    w_pump(w);
    CHECK_INT(w->settled, told + 1);
    w_free(w);
}

/* -- gates -------------------------------------------------------------------------------- */

TEST(a_gate_that_asks_again_does_so_also_when_the_power_goes_in_between)
{
    static const struct w_wish holds[] = {
        WISH("0", 1, 1, "approve",
             "{\"from\":\"soc\",\"need\":1,\"on_timeout\":\"hold\",\"title\":\"go\","
             "\"within\":\"30m\"}"),
        SET("0", 2, 2, "a"), END
    };
    for (int again = 0; again < 20; again++) {
        struct world *w = w_new((uint64_t)again, holds);

        w->approves = false;
        w_start_run(w);
        w_pump(w);
        w->crash_at = w->steps + again / 3;
        struct event due = { .kind = EV_DUE, .run = 1, .number = ENTRY_GATE, .number2 = 1 };
        w->now_ms += 31 * 60 * 1000;
        if (!w_handle(w, &due))
            w_crash(w);
        for (int i = 0; i < 100 && w->message_count > 0; i++)
            if (!w_message_turn(w))
                w_crash(w);
        struct w_entry *gate = w_entry(w, ENTRY_GATE, GATE_OPEN);
        CHECK(gate != NULL); /* the first when its expiry was lost, or the second */
        w->approves = true;
        w_settle(w);
        CHECK_STR(w_state(w, 1), "done");
        w_free(w);
    }
}

/* bob is in soc, dora and dan manage changes. */
#define GROUPS "\"groups\":{\"cm\":[\"dora\",\"dan\"],\"soc\":[\"bob\",\"carol\"]}"

static int gate_open_after(struct world *w, const char *first, const char *second)
{
    w->approves = false;
    w_start_run(w);
    w_pump(w);
    w_vote(w, "approve", first, w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    if (w_entry(w, ENTRY_GATE, GATE_OPEN) != NULL && second != NULL) {
        w_vote(w, "approve", second, w_entry(w, ENTRY_GATE, GATE_OPEN));
        w_pump(w);
    }
    return w_entry(w, ENTRY_GATE, GATE_OPEN) != NULL;
}

TEST(two_rules_are_both_met_and_one_group_does_not_stand_for_the_other)
{
    static const char both[] =
        "{" GROUPS ",\"rules\":[{\"from\":[\"soc\"],\"name\":\"one\",\"need\":1},"
        "{\"from\":[\"cm\"],\"name\":\"two\",\"need\":2}]}";
    struct world *w = w_new(12, one_set);

    w_policy_is(w, both);
    CHECK_INT(gate_open_after(w, "bob", "carol"), 1);
    w_vote(w, "approve", "dora", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    CHECK_INT(w->applies, 0);
    w_vote(w, "approve", "dan", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    CHECK_INT(w->applies, 1);
    w_free(w);
}

TEST(each_change_of_a_gate_is_approved_by_those_whom_its_own_rule_names)
{
    static const char each[] =
        "{" GROUPS ",\"rules\":[{\"from\":[\"cm\"],\"match\":{\"target\":\"a\"},"
        "\"name\":\"one\",\"need\":1},{\"from\":[\"soc\"],\"match\":{\"target\":\"b\"},"
        "\"name\":\"two\",\"need\":1}]}";
    struct world *w = w_new(13, two_sets);

    w_policy_is(w, each);
    CHECK_INT(gate_open_after(w, "bob", "carol"), 1);
    CHECK_INT(w->applies, 0);
    w_vote(w, "approve", "dan", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    CHECK_INT(w->applies, 2);
    w_free(w);
}

TEST(whom_the_playbook_asks_is_asked_also_when_the_policy_asks_others)
{
    static const char policy[] = "{" GROUPS ",\"rules\":[{\"from\":[\"soc\"],"
                                 "\"name\":\"one\",\"need\":1}]}";
    static const struct w_wish asks[] = {
        WISH("0", 1, 1, "approve",
             "{\"from\":\"cm\",\"need\":2,\"title\":\"go\",\"within\":\"30m\"}"),
        SET("0", 2, 2, "a"), END
    };
    struct world *w = w_new(14, asks);

    w_policy_is(w, policy);
    CHECK_INT(gate_open_after(w, "bob", "carol"), 1);
    CHECK_INT(w->applies, 0);
    w_free(w);
}

TEST(who_has_left_the_group_since_the_vote_is_not_counted)
{
    static const char before[] = "{" GROUPS ",\"rules\":[{\"from\":[\"soc\"],"
                                 "\"name\":\"one\",\"need\":2}]}";
    static const char after[] =
        "{\"groups\":{\"cm\":[\"dora\"],\"soc\":[\"carol\",\"eve\"]},"
        "\"rules\":[{\"from\":[\"soc\"],\"name\":\"one\",\"need\":2}]}";
    struct world *w = w_new(15, one_set);

    w_policy_is(w, before);
    CHECK_INT(gate_open_after(w, "bob", NULL), 1);
    w_policy_is(w, after);
    w_vote(w, "approve", "carol", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    CHECK_INT(w->applies, 0);
    CHECK(w_entry(w, ENTRY_GATE, GATE_GRANTED) == NULL);
    w_free(w);
}

/* -- runs that call runs -------------------------------------------------------------------- */

static const struct w_wish calls[] = {
    SET("0", 1, 1, "a"), WISH("0", 2, 2, "call", "{\"params\":{},\"playbook\":\"p\"}"), END
};
static const struct w_wish called[] = { SET("0", 1, 1, "b"), APPROVE(2, 2),
                                        SET("0", 3, 3, "c"), END };

TEST(canceling_a_run_stops_the_run_that_it_called)
{
    struct world *w = open_world(20, calls);

    w->scripts[2] = called;
    w->approves = false;
    w_start_run(w);
    w_pump(w);
    CHECK_STR(w_state(w, 2), "waiting");
    w_ask(w, "cancel", "bob", "{\"run\":\"r-1\"}");
    w_pump(w);
    CHECK_STR(w_state(w, 2), "canceled");
    CHECK_STR(w_state(w, 1), "canceled");
    w->approves = true;
    w_settle(w);
    CHECK_STR(w_target(w, span_of("c"))->value, "old");
    w_free(w);
}

TEST(rolling_back_a_run_undoes_what_the_runs_that_it_called_did)
{
    struct world *w = open_world(21, calls);

    w->scripts[2] = called;
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    CHECK_STR(w_target(w, span_of("c"))->value, "new");
    w_ask(w, "rollback", "bob", "{\"run\":\"r-1\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 3), "done");
    CHECK_STR(w_target(w, span_of("a"))->value, "old");
    CHECK_STR(w_target(w, span_of("b"))->value, "old");
    CHECK_STR(w_target(w, span_of("c"))->value, "old");
    CHECK(w_entry(w, ENTRY_HOLD, HOLD_ON) == NULL);
    w_free(w);
}

TEST(a_playbook_that_calls_itself_does_not_go_on_for_ever)
{
    static const struct w_wish itself[] = {
        WISH("0", 1, 1, "call", "{\"params\":{},\"playbook\":\"p\"}"), END
    };
    struct world *w = open_world(22, itself);

    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "failed");
    w_free(w);
}

static const char other_version[] =
    "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee";

/* A playbook that lies in a file, and that nothing has run. */
static void bring(struct world *w, const char *hash, const char *name)
{
    struct str info = { 0 };

    str_printf(&info, "{\"name\":\"%s\",\"params\":{\"type\":\"object\"}}", name);
    w_handle(w, &(struct event){ .kind = EV_PLAYBOOK,
                                 .name = span_of(hash),
                                 .json = str_span(&info),
                                 .who = span_of("dora"),
                                 .text = span_of("other source") });
    w_commit(w);
    str_fini(&info);
}

static char *hash_of_run(struct world *w, int64_t run)
{
    for (int i = 0; i < w->row_count; i++)
        if (w->rows[i].run == run && w->rows[i].kind == ROW_START)
            return json_get_text(span_of(w->rows[i].body), "hash");
    return NULL;
}

TEST(a_call_runs_the_version_that_was_found_although_a_newer_one_ran)
{
    struct world *w = open_world(27, calls);
    char ask[128];

    w->scripts[2] = called;
    bring(w, other_version, "p"); /* newer than the caller's own */
    w->found = w_hash;
    snprintf(ask, sizeof ask, "{\"hash\":\"%s\",\"params\":{}}", w_hash);
    w_ask(w, "run", "alice", ask);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    char *hash = hash_of_run(w, 2);
    CHECK_STR(hash, w_hash);
    free(hash);
    w_free(w);
}

TEST(a_call_of_what_nobody_has_fails_and_names_the_places_that_were_looked_at)
{
    static const struct w_wish helper[] = {
        WISH("0", 1, 1, "call", "{\"params\":{},\"playbook\":\"helper\"}"), END
    };
    struct world *w = open_world(28, helper);

    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "failed");
    CHECK_HAS(w_run(w, 1)->body, "no helper.lua beside the file of p");
    w_free(w);
}

TEST(a_call_of_a_file_that_cannot_be_used_fails_with_its_line)
{
    struct world *w = open_world(29, calls);

    w->found = w_hash;
    w->found_why = "p.lua:3:5: unexpected symbol";
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "failed");
    CHECK_HAS(w_run(w, 1)->body, "p.lua:3:5: unexpected symbol");
    CHECK_STR(w_state(w, 2), "absent");
    w_free(w);
}

TEST(a_run_whose_called_playbook_is_being_looked_for_can_be_canceled)
{
    struct world *w = open_world(30, calls);

    w_start_run(w);
    for (int i = 0; i < 1000 && !(w->message_count == 1 && w->messages[0].kind == CMD_FIND);
         i++)
        CHECK(w_message_turn(w));
    w_ask(w, "cancel", "bob", "{\"run\":\"r-1\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 1), "canceled");
    CHECK_STR(w_state(w, 2), "absent");
    CHECK_INT(engine_under_way(w->engine), 0);
    w_free(w);
}

TEST(wherever_the_power_goes_a_called_run_starts_once_with_the_version_of_its_row)
{
    for (int at = 1; at < 40; at++) {
        struct world *w = open_world(100 + (uint64_t)at, calls);

        w->scripts[2] = called;
        w->crash_at = w->steps + at;
        w_start_run(w);
        w_settle(w);
        if (w_run(w, 1) != NULL) {
            CHECK_STR(w_state(w, 1), "done");
            CHECK_STR(w_state(w, 2), "done");
            CHECK_STR(w_state(w, 3), "absent");
        }
        w_free(w);
    }
}

TEST(a_run_that_was_just_called_when_the_power_went_is_started_all_the_same)
{
    struct world *w = open_world(24, calls);

    w->scripts[2] = called;
    w_start_run(w);
    for (int i = 0; i < 1000 && rows_of(w, 1, ROW_CHILD) == 0; i++)
        CHECK(w_message_turn(w));
    w_commit(w);
    w->message_count = 0;
    w_crash(w);
    w_settle(w);
    CHECK_STR(w_state(w, 2), "done");
    CHECK_STR(w_state(w, 1), "done");
    w_free(w);
}

TEST(a_run_beside_the_parked_runs_that_it_called_loads_none_of_them_again)
{
    static const struct w_wish three[] = {
        WISH("0.1.1", 1, 1, "call", "{\"params\":{},\"playbook\":\"p\"}"),
        WISH("0.1.2", 1, 1, "call", "{\"params\":{},\"playbook\":\"p\"}"),
        SET("0.1.3", 1, 1, "d"), END
    };
    struct world *w = open_world(23, three);

    w->scripts[2] = w->scripts[3] = called;
    w->approves = false;
    w_start_run(w);
    for (int i = 0; i < 1000 && strcmp(w_state(w, 1), "waiting") != 0; i++) {
        if (i == 3)
            w_crash(w); /* from here on the parent knows of its children from rows */
        if (w->message_count > 0)
            CHECK(w_message_turn(w));
        else
            w_tick(w);
    }
    CHECK_STR(w_state(w, 1), "waiting");
    w->approves = true;
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    w_free(w);
}

/* -- what undoes itself --------------------------------------------------------------------- */

static const struct w_wish fails_late[] = {
    SET("0", 1, 1, "a"), { 2, "0", 2, "step", "noop.unknown", "{\"target\":\"b\"}" }, END
};

TEST(a_failed_run_keeps_what_it_contained)
{
    struct world *w = open_world(30, fails_late);

    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "failed");
    CHECK_STR(w_state(w, 2), "absent");
    CHECK_STR(w_target(w, span_of("a"))->value, "new");
    w_free(w);
}

TEST(a_failed_run_whose_playbook_says_so_is_rolled_back_by_itself)
{
    for (int at = 0; at < 40; at++) {
        struct world *w = w_new(31 + (uint64_t)at, fails_late);

        w->info = "{\"name\":\"p\",\"on_failure\":\"rollback\","
                  "\"params\":{\"type\":\"object\"}}";
        w->policy = w_open_policy;
        w_crash(w);
        w->crash_at = at > 0 ? w->steps + at : 0;
        w_start_run(w);
        w_settle(w);
        if (w_run(w, 1) != NULL) {
            CHECK_STR(w_state(w, 1), "failed");
            CHECK_STR(w_state(w, 2), "done");
            CHECK_STR(w_state(w, 3), "absent");
            CHECK_STR(w_target(w, span_of("a"))->value, "old");
            CHECK_HAS(w_run(w, 2)->body, "\"why\":\"r-000001 ended as failed (");
            CHECK_HAS(w_run(w, 2)->body, "takes back what was done\"");
            w_check_index(w);
        }
        w_free(w);
    }
}

TEST(what_is_atomic_is_undone_also_when_a_guard_stops_the_run_in_its_middle)
{
    static const struct w_wish atomic[] = { SET("0.1.1", 1, 1, "a"),
                                            WISH("0", 1, 2, "atomic_begin", "{}"),
                                            SET("0", 2, 3, "b"),
                                            SET("0.2.1", 1, 4, "c"),
                                            SET("0", 3, 5, "d"),
                                            WISH("0", 4, 6, "atomic_end", "{\"from\":1}"),
                                            END };
    struct world *w = w_new(32, atomic);

    w_policy_is(w, "{\"groups\":{\"soc\":[\"bob\"]},\"guards\":{\"protected\":[\"d\"]},"
                   "\"rules\":[{\"name\":\"all\",\"need\":0}]}");
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "blocked");
    CHECK_STR(w_state(w, 2), "done");
    CHECK_STR(w_target(w, span_of("a"))->value, "new"); /* before it, in a branch */
    CHECK_STR(w_target(w, span_of("b"))->value, "old");
    CHECK_STR(w_target(w, span_of("c"))->value, "old");
    w_free(w);
}

TEST(an_atomic_part_of_recover_undoes_what_recover_did_and_not_the_run)
{
    static const struct w_wish recover[] = { WISH("0", 1, 1, "atomic_begin", "{}"),
                                             SET("0", 2, 2, "b"),
                                             WISH("0", 3, 3, "atomic_undo", "{\"from\":1}"),
                                             END };
    struct world *w = open_world(33, one_set);

    w->scripts[2] = recover;
    w_start_run(w);
    w_settle(w);
    w_ask(w, "recover", "bob", "{\"run\":\"r-1\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 2), "done");
    CHECK_STR(w_target(w, span_of("a"))->value, "new");
    CHECK_STR(w_target(w, span_of("b"))->value, "old");
    w_free(w);
}

/* -- two at once ---------------------------------------------------------------------------- */

TEST(two_rollbacks_of_one_run_at_once_undo_each_change_once)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct world *w = open_world(seed, two_sets);

        w_start_run(w);
        w_settle(w);
        int applies = w->applies;
        w->crash_at = seed % 2 == 0 ? 0 : w->steps + (int)seed;
        if (!w_ask(w, "rollback", "bob", "{\"run\":\"r-1\"}") ||
            !w_ask(w, "rollback", "carol", "{\"run\":\"r-1\"}"))
            w_crash(w);
        w_settle(w);
        if (w_run(w, 3) != NULL) {
            CHECK_STR(w_state(w, 2), "done");
            CHECK_STR(w_state(w, 3), "done");
            CHECK_INT(w_target(w, span_of("a"))->effects, 2);
            CHECK(w->crashes > 0 || w->applies == applies + 2);
        }
        CHECK_INT(engine_runs(w->engine), 0);
        w_free(w);
    }
}

TEST(two_runs_that_want_the_same_do_it_once_and_the_second_finds_it_done)
{
    struct world *w = open_world(40, one_set);

    w_start_run(w);
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    CHECK_STR(w_state(w, 2), "done");
    CHECK_INT(w->applies, 1);
    w_free(w);
}

static const struct w_wish expiring[] = {
    { 1, "0", 1, "step", "noop.set",
      "{\"expires\":\"24h\",\"target\":\"a\",\"value\":\"new\"}" },
    END
};

TEST(a_hold_whose_time_is_over_is_released_once_also_when_it_drifted_and_over_restarts)
{
    struct world *w = open_world(41, expiring);

    w_start_run(w);
    w_pump(w);
    CHECK_STR(w_state(w, 1), "done");
    snprintf(w_target(w, span_of("a"))->value, 32, "edited");
    w_settle(w);
    CHECK_STR(w_state(w, 2), "stuck");
    for (int i = 0; i < 3; i++) {
        w_crash(w);
        w_settle(w);
    }
    CHECK_STR(w_state(w, 3), "absent");
    w_free(w);
}

TEST(a_hold_that_expires_while_it_is_rolled_back_is_undone_once)
{
    struct world *w = open_world(42, expiring);

    w_start_run(w);
    w_pump(w);
    w_ask(w, "rollback", "bob", "{\"run\":\"r-1\"}");
    until_applying(w);
    w->now_ms += INT64_C(25) * 3600 * 1000;
    w_handle(w, &(struct event){
                    .kind = EV_DUE, .run = 1, .number = ENTRY_HOLD, .number2 = 1 });
    w_settle(w);
    CHECK_STR(w_state(w, 3), "done");
    CHECK_INT(w_target(w, span_of("a"))->effects, 2);
    CHECK(w_entry(w, ENTRY_HOLD, HOLD_ON) == NULL);
    w_free(w);
}

TEST(what_a_person_says_was_applied_expires_as_well)
{
    static const struct w_wish blind[] = {
        { 1, "0", 1, "step", "noop.blind",
          "{\"expires\":\"24h\",\"target\":\"a\",\"value\":\"new\"}" },
        END
    };
    struct world *w = open_world(43, blind);

    w_start_run(w);
    until_doubt(w);
    w_ask(w, "settle", "bob", "{\"choice\":\"applied\",\"run\":\"r-1\"}");
    w_pump(w);
    CHECK_STR(w_state(w, 1), "done");
    CHECK(w_entry(w, ENTRY_HOLD, HOLD_ON)->due_ms > w->now_ms);
    w_free(w);
}

/* -- policies and guards -------------------------------------------------------------------- */

TEST(while_a_policy_is_being_read_a_change_waits_for_it)
{
    struct world *w = open_world(50, two_sets);

    w_start_run(w);
    w_handle(w, &(struct event){
                    .kind = EV_POLICY, .number = 1, .text = span_of("being read") });
    w_pump(w);
    CHECK_INT(w->applies, 0);
    CHECK_STR(w_state(w, 1), "running");
    w_policy_is(w, w_open_policy);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    w_free(w);
}

TEST(a_protected_id_is_protected_however_it_is_spelled)
{
    static const struct w_wish spelled[] = {
        { 1, "0", 1, "step", "noop.set", "{\"target\":\"a\",\"value\":\"x ABCDEF x\"}" },
        END
    };
    struct world *w = w_new(51, spelled);

    w_policy_is(w, "{\"groups\":{\"soc\":[\"bob\"]},\"guards\":{\"principals\":"
                   "[\"abcDef\"]},\"rules\":[{\"name\":\"all\",\"need\":0}]}");
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "blocked");
    CHECK_INT(w->applies, 0);
    w_free(w);
}

TEST(branches_that_decide_in_the_same_turn_count_for_the_guard)
{
    static const struct w_wish wide[] = { SET("0.1.1", 1, 1, "a"), SET("0.1.2", 1, 1, "b"),
                                          SET("0.1.3", 1, 1, "c"), END };
    struct world *w = w_new(52, wide);

    w_policy_is(w, "{\"groups\":{\"soc\":[\"bob\"]},\"guards\":{\"changes_per_run\":2},"
                   "\"rules\":[{\"name\":\"all\",\"need\":0}]}");
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "blocked");
    CHECK_INT(w->applies, 2);
    w_free(w);
}

TEST(the_hourly_guard_counts_also_what_was_done_before_a_restart)
{
    struct world *w = w_new(53, one_set);

    w->policy = "{\"groups\":{\"soc\":[\"bob\"]},\"guards\":{\"changes_per_hour\":1},"
                "\"rules\":[{\"name\":\"all\",\"need\":0}]}";
    w_crash(w);
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    snprintf(w_target(w, span_of("a"))->value, 32, "old");
    w_crash(w);
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 2), "blocked");
    w->now_ms += 3600 * 1000;
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 3), "done");
    w_free(w);
}

/* -- sizes ---------------------------------------------------------------------------------- */

/* A text of so many bytes as a member. */
static char *long_json(struct world *w, const char *before, size_t len, const char *after)
{
    struct str text = { 0 };

    str_add_text(&text, before);
    for (size_t i = 0; i < len; i++)
        str_add_char(&text, 'x');
    str_add_text(&text, after);
    char *kept = w_keep(w, str_span(&text));
    str_fini(&text);
    return kept;
}

TEST(an_ask_that_is_too_long_is_refused)
{
    struct world *w = open_world(60, one_set);

    w_ask(w, "run", "alice",
          long_json(w, "{\"name\":\"p\",\"params\":{},\"alert\":{\"x\":\"", ENGINE_ASK_MAX,
                    "\"}}"));
    CHECK_INT(w->replies[1].exit, 2);
    CHECK_HAS(w->replies[1].json, "too_big");
    CHECK_STR(w_state(w, 1), "absent");
    w_free(w);
}

TEST(a_gate_shows_what_fits_and_the_rest_has_gates_of_its_own)
{
    struct world *w = w_new(61, NULL);
    struct w_wish wide[21] = { 0 };

    for (int i = 0; i < 20; i++) {
        char before[64];

        snprintf(before, sizeof before, "{\"pad\":\"");
        wide[i] = (struct w_wish){ i + 1, "0", i + 1, "step", "noop.set", NULL };
        snprintf(before, sizeof before, "\",\"target\":\"t%d\",\"value\":\"new\"}", i);
        wide[i].args = long_json(w, "{\"pad\":\"", 240 * 1024, before);
    }
    w->script = wide;
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    for (int i = 0; i < w->row_count; i++)
        CHECK(strlen(w->rows[i].body) < 4 * 1024 * 1024);
    w_free(w);
}

TEST(a_wish_of_a_hostile_process_fails_the_run_and_nothing_else)
{
    static const struct event_wish odd[] = {
        { { "u", 1 }, 1, { "step", 4 }, { "noop.set", 8 }, { "{}", 2 } },
        { { "0", 1 }, -1, { "step", 4 }, { "noop.set", 8 }, { "{}", 2 } },
        { { "", 0 }, 1, { "step", 4 }, { "noop.set", 8 }, { "{}", 2 } },
        { { "0\"", 2 }, 1, { "step", 4 }, { "noop.set", 8 }, { "{}", 2 } },
    };

    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        struct world *w = open_world(62, two_sets);
        struct event event = {
            .kind = EV_VM_TURN, .run = 1, .wishes = &odd[i], .count = 1
        };

        w_start_run(w);
        w_handle(w, &event);
        w_settle(w);
        CHECK_STR(w_state(w, 1), "failed");
        CHECK_INT(w->applies, 0);
        w_free(w);
    }
}

TEST(a_run_that_has_written_too_much_fails_with_a_sentence)
{
    struct world *w = open_world(63, NULL);
    struct w_wish notes[200] = { 0 };
    char *args = long_json(w, "{\"text\":\"", 250 * 1024, "\"}");

    for (int i = 0; i < 199; i++)
        notes[i] = (struct w_wish){ i + 1, "0", i + 1, "note", "", args };
    w->script = notes;
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "failed");
    CHECK_HAS(w_run(w, 1)->body, "too_long");
    w_free(w);
}

TEST(who_follows_a_run_hears_why_a_step_is_tried_again_and_the_journal_does_not)
{
    struct world *w = open_world(64, one_set);

    w_start_run(w);
    until_applying(w);
    int rows = w->row_count;
    struct w_call call = w_take_effect(w);
    w_done(w, &call, w_target(w, span_of("a")), W_RETRY);
    CHECK(w->hint != NULL);
    CHECK_HAS(w->hint, "\"kind\":\"pause\"");
    CHECK_HAS(w->hint, "\"run\":\"r-000001\"");
    CHECK_HAS(w->hint, "\"try\":2");
    w_commit(w);
    CHECK_INT(w->row_count, rows + 1); /* the outcome alone */
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    w_free(w);
}

TEST(an_answer_that_is_too_long_is_no_answer_and_what_it_was_about_is_in_doubt)
{
    struct world *w = open_world(64, one_set);

    w_start_run(w);
    until_applying(w);
    char *state = long_json(w, "{\"value\":\"", ENGINE_RESULT_MAX, "\"}");
    struct w_call call = w_take_effect(w);
    struct event event = {
        .kind = EV_HOST_DONE, .number = call.id, .verified = true, .state = span_of(state)
    };
    w_handle(w, &event);
    CHECK_INT(rows_of(w, 1, ROW_OUTCOME), 1);
    CHECK_HAS(w->rows[w->row_count - 1].body, "unknown");
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    w_free(w);
}
