/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ways round the people who must agree, and ways back that go too far.
 */
#include "world.h"

static const struct w_wish one_set[] = { SET("0", 1, 1, "a"), END };
static const struct w_wish three_sets[] = { SET("0", 1, 1, "a"), SET("0", 2, 2, "b"),
                                            SET("0", 3, 3, "c"), END };

static void check_refused(struct world *w, const char *code)
{
    char *got = json_get_text(span_of(w->replies[w->next_ask - 1].json), "code");

    CHECK_STR(got != NULL ? got : "accepted", code);
    free(got);
}

static struct world *at_gate(const struct w_wish *script, const char *policy)
{
    struct world *w = w_new(1, script);

    w->approves = false;
    w_policy_is(w, policy);
    w_start_run(w);
    w_pump(w);
    CHECK(w_entry(w, ENTRY_GATE, GATE_OPEN) != NULL);
    return w;
}

/* -- whom a playbook escalates to ---------------------------------------------------------- */

static const struct w_wish own_chain[] = {
    { 1, "0", 1, "approve", "",
      "{\"escalate\":[{\"after\":\"1m\",\"from\":\"soc\"}],\"from\":\"soc\",\"need\":1,"
      "\"on_timeout\":\"deny\",\"title\":\"go on\",\"within\":\"30m\"}" },
    SET("0", 2, 2, "a"),
    END
};
static const struct w_wish no_chain[] = { APPROVE(1, 1), SET("0", 2, 2, "a"), END };

static const char two_groups[] =
    "{\"groups\":{\"cm\":[\"dora\"],\"soc\":[\"bob\",\"carol\"]},\"rules\":[{\"from\":"
    "[\"cm\"],\"name\":\"cm\",\"need\":1}]}";
static const char two_slots[] =
    "{\"groups\":{\"cm\":[\"dora\"],\"soc\":[\"bob\",\"carol\"]},\"rules\":[{\"name\":"
    "\"slots\",\"need\":[\"cm\",\"soc\"]}]}";

TEST(whom_a_playbook_escalates_to_does_not_stand_for_whom_the_policy_asks)
{
    static const char *const policies[] = { two_groups, two_slots };

    for (int i = 0; i < 2; i++) {
        struct world *w = at_gate(own_chain, policies[i]);

        w->now_ms += 2 * 60 * 1000;
        w_vote(w, "approve", "bob", w_entry(w, ENTRY_GATE, GATE_OPEN));
        w_pump(w);
        if (w_entry(w, ENTRY_GATE, GATE_OPEN) != NULL)
            w_vote(w, "approve", "carol", w_entry(w, ENTRY_GATE, GATE_OPEN));
        w_pump(w);
        CHECK_INT(w->applies, 0);
        CHECK(w_entry(w, ENTRY_GATE, GATE_OPEN) != NULL);
        w_crash(w);
        w_vote(w, "approve", "dora", w_entry(w, ENTRY_GATE, GATE_OPEN));
        w_pump(w);
        CHECK_INT(w->applies, 1);
        w_check_index(w);
        w_free(w);
    }
}

TEST(whom_the_policy_escalates_to_stands_for_whom_it_asks)
{
    struct world *w = at_gate(
        no_chain,
        "{\"gate\":{\"escalate\":[{\"after\":\"1m\",\"from\":\"boss\"}]},\"groups\":{"
        "\"boss\":[\"max\"],\"cm\":[\"dora\"],\"soc\":[\"bob\"]},\"rules\":[{\"from\":["
        "\"cm\"],\"name\":\"cm\",\"need\":1}]}");

    w->now_ms += 2 * 60 * 1000;
    w_vote(w, "approve", "max", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    CHECK_INT(w->applies, 1);
    w_free(w);
}

/* -- what is another thing by now -------------------------------------------------------------- */

TEST(a_change_made_after_the_approval_does_not_leave_out_whom_the_playbook_asked)
{
    static const struct w_wish asks_two[] = {
        { 1, "0", 1, "approve", "",
          "{\"from\":\"cm\",\"need\":2,\"title\":\"go on\",\"within\":\"30m\"}" },
        SET("0", 2, 2, "a"),
        END
    };
    struct world *w =
        at_gate(asks_two, "{\"groups\":{\"cm\":[\"dora\",\"dan\"],\"soc\":[\"bob\"]},"
                          "\"rules\":[{\"from\":[\"soc\"],\"name\":\"soc\",\"need\":1}]}");

    w_vote(w, "approve", "dora", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_vote(w, "approve", "bob", w_entry(w, ENTRY_GATE, GATE_OPEN));
    snprintf(w_target(w, span_of("a"))->value, 32, "edited");
    w_vote(w, "approve", "dan", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    CHECK_INT(w->applies, 0);
    CHECK_HAS(w_entry(w, ENTRY_GATE, GATE_OPEN)->body, "the target's state");
    w_vote(w, "approve", "bob", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    CHECK_INT(w->applies, 0);
    w_crash(w);
    w_vote(w, "approve", "dora", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_vote(w, "approve", "dan", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    CHECK_INT(w->applies, 1);
    w_free(w);
}

TEST(a_gate_after_a_granted_one_asks_nobody_whom_only_the_old_policy_escalated_to)
{
    static const char chain[] =
        "{\"gate\":{\"escalate\":[{\"after\":\"10m\",\"from\":\"boss\"}],\"on_timeout\":"
        "\"escalate\"},\"groups\":{\"boss\":[\"max\"],\"cm\":[\"dora\"]},\"rules\":[{"
        "\"from\":[\"cm\"],\"name\":\"cm\",\"need\":1}]}";
    static const char plain[] =
        "{\"groups\":{\"boss\":[\"max\"],\"cm\":[\"dora\"]},\"rules\":[{\"from\":[\"cm\"],"
        "\"name\":\"cm\",\"need\":1}]}";
    struct world *w = at_gate(one_set, chain);
    struct w_entry *gate = w_entry(w, ENTRY_GATE, GATE_OPEN);

    w->now_ms += 31 * 60 * 1000;
    w_handle(w, &(struct event){
                    .kind = EV_DUE, .run = 1, .number = ENTRY_GATE, .number2 = gate->n });
    w_pump(w);
    gate = w_entry(w, ENTRY_GATE, GATE_OPEN);
    CHECK_INT(gate->n, 2);
    CHECK_HAS(gate->body, "\"also\":[\"boss\"]");
    w_vote(w, "approve", "max", gate);
    w_policy_is(w, plain);
    w_pump(w);
    CHECK_INT(w->applies, 0);
    gate = w_entry(w, ENTRY_GATE, GATE_OPEN);
    CHECK(strstr(gate->body, "\"also\"") == NULL);
    w_vote(w, "approve", "max", gate);
    check_refused(w, "not_an_approver");
    w_vote(w, "approve", "dora", gate);
    w_pump(w);
    CHECK_INT(w->applies, 1);
    w_free(w);
}

/* -- names with a backslash, as directories have them ---------------------------------------- */

static const char directory[] =
    "{\"groups\":{\"soc\":[\"CORP\\\\carol\",\"bob\",\"bob-adm\"]},\"people\":{\"alice\":{"
    "\"accounts\":[\"CORP\\\\bob\"]},\"carol\":{\"accounts\":[\"CORP\\\\carol\",\"c2\"]}},"
    "\"rules\":[]}";

TEST(who_asked_for_a_run_under_a_directory_name_does_not_approve_it_under_another)
{
    struct world *w = w_new(1, one_set);

    w->approves = false;
    w_policy_is(w, "{\"groups\":{\"soc\":[\"bob\",\"dora\"]},\"people\":{\"bob\":{"
                   "\"accounts\":[\"CORP\\\\bob\"]}},\"rules\":[]}");
    w_ask(w, "run", "CORP\\bob", "{\"name\":\"p\",\"params\":{}}");
    w_pump(w);
    w_vote(w, "approve", "bob", w_entry(w, ENTRY_GATE, GATE_OPEN));
    check_refused(w, "own_request");
    CHECK_INT(w->applies, 0);
    w_vote(w, "approve", "dora", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    CHECK_INT(w->applies, 1);
    w_free(w);
}

TEST(a_directory_name_in_a_group_may_vote)
{
    struct world *w = at_gate(one_set, directory);

    w_vote(w, "approve", "CORP\\bob", w_entry(w, ENTRY_GATE, GATE_OPEN));
    check_refused(w, "own_request"); /* it is alice, who asked for the run */
    w_vote(w, "approve", "CORP\\carol", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    CHECK_INT(w->applies, 1);
    w_free(w);
}

TEST(who_would_vote_in_vain_is_told_why_before_and_nothing_is_journaled)
{
    static const struct {
        const char *who, *code, *why;
    } rows[] = {
        { "bob", NULL, NULL },
        { "rob", NULL, NULL }, /* another account of bob's */
        { "alice", "own_request", "alice asked for this run" },
        { "ali-adm", "own_request", "alice, who is also ali-adm" },
        { "dora", "own_playbook", "dora wrote this version of playbook p" },
        { "dora-adm", "own_playbook", "dora, who is also dora-adm" },
        { "ivan", "own_plugin", "ivan trusted plugin noop" },
        { "ivan-adm", "own_plugin", "ivan, who is also ivan-adm" },
        { "svc-1", "service", "svc-1 is a service" },
        { "eve", "not_an_approver", "eve is in none of the groups" },
        { "carol", "voted", "carol has voted" },
        { "carol-adm", "voted", "the same person as carol" },
    };
    struct world *w = w_new(1, one_set);

    w->approves = false;
    w->author = "dora";
    w->installer = "ivan";
    w->policy =
        "{\"groups\":{\"soc\":[\"alice\",\"ali-adm\",\"bob\",\"rob\",\"carol\",\"carol-"
        "adm\","
        "\"dora\",\"dora-adm\",\"ivan\",\"ivan-adm\",\"svc-1\"]},\"people\":{"
        "\"alice\":{\"accounts\":[\"ali-adm\"]},\"bob\":{\"accounts\":[\"rob\"]},"
        "\"carol\":{\"accounts\":[\"carol-adm\"]},\"dora\":{\"accounts\":[\"dora-adm\"]},"
        "\"ivan\":{\"accounts\":[\"ivan-adm\"]}},\"rules\":[{\"name\":\"two\",\"need\":2}],"
        "\"services\":[\"svc-*\"]}";
    w_crash(w);
    w_start_run(w);
    w_pump(w);
    w_vote(w, "approve", "carol", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    int before = w->row_count;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        w_ask(w, "may_vote", rows[i].who, "{\"gate\":\"g-1-1\"}");
        w_pump(w);
        if (rows[i].code != NULL) {
            check_refused(w, rows[i].code);
            CHECK_HAS(w->replies[w->next_ask - 1].json, rows[i].why);
        } else {
            CHECK_INT(w->replies[w->next_ask - 1].exit, 0);
        }
    }
    CHECK_INT(w->row_count, before);
    w_free(w);
}

/* -- breaking the glass --------------------------------------------------------------------- */

static const char glass_policy[] =
    "{\"break_glass\":{\"from\":[\"lead\"],\"review_from\":[\"cm\"]},\"groups\":{\"cm\":["
    "\"dora\",\"dan\",\"CORP\\\\zoe\"],\"lead\":[\"CORP\\\\zoe\"],\"soc\":[\"bob\"]},"
    "\"rules\":[]}";

static void break_glass(struct world *w, const char *who)
{
    struct w_entry *gate = w_entry(w, ENTRY_GATE, GATE_OPEN);
    char *digest = json_get_text(span_of(gate->body), "digest");
    char json[300];

    snprintf(json, sizeof json,
             "{\"gates\":[{\"digest\":\"%s\",\"gate\":\"g-%06" PRId64
             "-%d\"}],\"reason\":\"now\",\"run\":\"r-%06" PRId64 "\"}",
             digest, gate->run, gate->n, gate->run);
    free(digest);
    CHECK(w_ask(w, "break_glass", who, json));
}

TEST(one_reviewer_who_rejects_a_break_glass_stops_what_it_has_not_begun)
{
    struct world *w = at_gate(three_sets, glass_policy);

    w_policy_is(w, glass_policy);
    break_glass(w, "CORP\\zoe");
    while (!w_is_applying(w))
        w_message_turn(w);
    w_ask(w, "review", "CORP\\zoe", "{\"reason\":\"mine\",\"run\":\"r-1\"}");
    check_refused(w, "own_glass");
    w_ask(w, "review", "dora", "{\"reason\":\"no\",\"reject\":true,\"run\":\"r-1\"}");
    w_pump(w);
    CHECK_INT(w->applies, 1); /* what had begun */
    CHECK_HAS(w_entry(w, ENTRY_GATE, GATE_OPEN)->body, "may no longer approve this");
    w_crash(w);
    w_pump(w);
    CHECK_INT(w->applies, 1);
    w_check_index(w);
    w_free(w);
}

TEST(a_break_glass_whose_reviewers_group_is_gone_is_reviewed_by_those_of_now)
{
    static const char renamed[] =
        "{\"break_glass\":{\"from\":[\"lead\"],\"review_from\":[\"change\"]},\"groups\":{"
        "\"change\":[\"dora\",\"dan\"],\"lead\":[\"CORP\\\\zoe\"]},\"rules\":[]}";
    struct world *w = at_gate(one_set, glass_policy);

    break_glass(w, "CORP\\zoe");
    w_pump(w);
    CHECK_INT(w->applies, 1);
    w_policy_is(w, renamed);
    w->now_ms += INT64_C(25) * 3600 * 1000;
    snprintf(w_target(w, span_of("a"))->value, 32, "edited");
    w_start_run(w);
    w_pump(w);
    break_glass(w, "CORP\\zoe");
    check_refused(w, "unreviewed");
    CHECK_HAS(w->replies[w->next_ask - 1].json, "`cordon review r-000001 --reason TEXT`");
    w_ask(w, "review", "dora", "{\"reason\":\"fine\",\"run\":\"r-1\"}");
    w_ask(w, "review", "dan", "{\"reason\":\"fine\",\"run\":\"r-1\"}");
    CHECK_HAS(w->replies[w->next_ask - 1].json, "\"state\":\"reviewed\"");
    w_free(w);
}

/* -- the way back ----------------------------------------------------------------------------- */

TEST(back_to_a_step_that_was_never_done_is_refused_and_undoes_nothing)
{
    struct world *w = w_new(1, three_sets);

    w->approves = false;
    w_policy_is(w, "{\"groups\":{\"soc\":[\"bob\"]},\"rules\":[{\"name\":\"all\",\"need\":"
                   "0},{\"match\":{\"target\":\"c\"},\"name\":\"c\",\"need\":1}]}");
    w_start_run(w);
    w_pump(w);
    w_vote(w, "deny", "bob", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    CHECK_STR(w_state(w, 1), "denied");
    for (int i = 0; i < 2; i++) {
        w_ask(w, "rollback", "alice",
              i == 0 ? "{\"run\":\"r-1\",\"to\":\"0/3\"}"
                     : "{\"plan\":true,\"run\":\"r-1\",\"to\":\"0/3\"}");
        w_pump(w);
        CHECK_INT(w->applies, 2);
        CHECK_STR(w_target(w, span_of("a"))->value, "new");
        check_refused(w, "not_done");
    }
    w_ask(w, "rollback", "alice", "{\"run\":\"r-1\",\"to\":\"0/1\"}");
    w_pump(w);
    CHECK_STR(w_target(w, span_of("a"))->value, "new");
    CHECK_STR(w_target(w, span_of("b"))->value, "old");
    w_free(w);
}

/* The plugin has another version, in which the action is not. */
TEST(an_undo_whose_action_is_no_longer_there_is_stuck_and_goes_on_when_it_is_back)
{
    struct world *w = w_new(1, three_sets);
    struct event gone = { .kind = EV_PLUGIN,
                          .name = span_of("noop"),
                          .ok = true,
                          .hash = span_of(w_other_hash),
                          .json = span_of("{\"actions\":[],\"name\":\"noop\"}") };
    struct event back = gone;

    w_policy_is(w, w_open_policy);
    w_start_run(w);
    w_settle(w);
    w_handle(w, &gone);
    w_ask(w, "rollback", "alice", "{\"plan\":true,\"run\":\"r-1\"}");
    w_settle(w);
    w_ask(w, "rollback", "alice", "{\"run\":\"r-1\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 2), "stuck");
    CHECK_HAS(w->stood, "no plugin offers noop.set");
    CHECK_INT(w->applies, 3);
    back.json = span_of(w_declaration);
    w_handle(w, &back);
    w_ask(w, "retry", "alice", "{\"run\":\"r-2\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 2), "done");
    CHECK_STR(w_target(w, span_of("a"))->value, "old");
    w_check_index(w);
    w_free(w);
}

/* A hold that was joined puts back, when it is the last, what the first one had found. */
TEST(what_was_captured_long_ago_is_as_old_in_the_hands_of_whom_it_was_passed_on_to)
{
    struct world *w = w_new(3, one_set);

    w_policy_is(w, w_open_policy);
    w_start_run(w);
    w_settle(w);
    w->now_ms += 10 * INT64_C(24) * 3600 * 1000;
    w_start_run(w);
    w_settle(w);
    w_ask(w, "rollback", "alice", "{\"run\":\"r-1\"}");
    w_settle(w);
    CHECK_STR(w_target(w, span_of("a"))->value, "new");
    w_check_index(w);
    w_crash(w);
    w->approves = false;
    w_ask(w, "rollback", "alice", "{\"run\":\"r-2\"}");
    w_pump(w);
    CHECK_STR(w_state(w, 4), "waiting");
    CHECK_HAS(w_entry(w, ENTRY_GATE, GATE_OPEN)->body, "rollback.authority");
    CHECK_STR(w_target(w, span_of("a"))->value, "new");
    w_vote(w, "approve", "bob", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    CHECK_STR(w_target(w, span_of("a"))->value, "old");
    w_free(w);
}

TEST(an_action_that_was_lost_is_not_begun_again_when_its_approval_is_over)
{
    struct world *w =
        at_gate(one_set, "{\"gate\":{\"execute_within\":\"10m\"},\"groups\":{\"soc\":["
                         "\"bob\"]},\"rules\":[]}");

    w_vote(w, "approve", "bob", w_entry(w, ENTRY_GATE, GATE_OPEN));
    while (!w_is_applying(w))
        w_message_turn(w);
    w_lose(w);
    w->now_ms += 11 * 60 * 1000;
    for (int i = 0; i < 10; i++) {
        w_tick(w);
        w_pump(w);
    }
    CHECK_INT(w->applies, 0);
    CHECK_HAS(w_entry(w, ENTRY_GATE, GATE_OPEN)->body, "the approval has expired");
    w_crash(w);
    w_pump(w);
    CHECK_INT(w->applies, 0);
    w_free(w);
}
