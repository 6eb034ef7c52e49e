/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

static const struct w_wish two_sets[] = { GET("0", 1, 1, "a"), SET("0", 2, 2, "a"),
                                          SET("0", 3, 3, "b"), END };
static const struct w_wish gated[] = { GET("0", 1, 1, "a"), SET("0", 2, 2, "a"),
                                       APPROVE(3, 3),       SET("0", 4, 4, "b"),
                                       SET("0", 5, 5, "c"), END };
static const struct w_wish parallel[] = { APPROVE(1, 1),           SET("0.1.1", 1, 2, "a"),
                                          SET("0.1.2", 1, 2, "b"), SET("0.1.3", 1, 2, "c"),
                                          GET("0", 2, 3, "a"),     END };
static const struct w_wish blind[] = {
    { 1, "0", 1, "step", "noop.blind", "{\"target\":\"a\",\"value\":\"new\"}" }, END
};

TEST(a_run_without_gates_does_each_change_once_and_is_done)
{
    struct world *w = w_new(1, two_sets);

    w->policy = w_open_policy;
    w_crash(w);
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    CHECK_INT(w_target(w, span_of("a"))->effects, 1);
    CHECK_INT(w_target(w, span_of("b"))->effects, 1);
    CHECK(!w->is_undurable);
    w_free(w);
}

TEST(by_default_a_change_waits_for_an_approver_who_is_not_the_requester)
{
    struct world *w = w_new(2, two_sets);

    w->approves = false;
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "denied"); /* nobody came, and the deadline passed */
    CHECK_INT(w->applies, 0);
    w_free(w);
}

static struct world *at_gate(uint64_t seed, const struct w_wish *script)
{
    struct world *w = w_new(seed, script);

    w->approves = false;
    w_start_run(w);
    w_pump(w);
    CHECK(w_entry(w, ENTRY_GATE, GATE_OPEN) != NULL);
    return w;
}

TEST(the_requester_cannot_approve_their_own_run)
{
    struct world *w = at_gate(3, two_sets);

    w_vote(w, "approve", "alice", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    CHECK_INT(w->replies[w->next_ask - 1].exit, 4);
    CHECK_INT(w->applies, 0);
    CHECK(w_entry(w, ENTRY_GATE, GATE_OPEN) != NULL);
    w_free(w);
}

TEST(a_denied_gate_ends_the_run_with_nothing_done)
{
    struct world *w = at_gate(4, two_sets);

    w_vote(w, "deny", "bob", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_settle(w);
    CHECK_STR(w_state(w, 1), "denied");
    CHECK_INT(w->applies, 0);
    w_free(w);
}

TEST(a_vote_that_is_not_followed_is_answered_when_it_is_durable)
{
    struct world *w = at_gate(23, two_sets);
    char json[256];
    char *digest =
        json_get_text(span_of(w_entry(w, ENTRY_GATE, GATE_OPEN)->body), "digest");

    w_ask(w, "halt", "carol", "{\"reason\":\"x\",\"scope\":\"all\"}");
    snprintf(json, sizeof json,
             "{\"digest\":\"%s\",\"follow\":false,\"gate\":\"g-000001-1\"}", digest);
    free(digest);
    w_ask(w, "approve", "bob", json);
    w_pump(w);
    CHECK_STR(w->replies[w->next_ask - 1].json, "{\"accepted\":true,\"run\":\"r-000001\"}");
    CHECK_STR(w_state(w, 1), "running"); /* and held */
    CHECK_INT(w->applies, 0);
    w_free(w);
}

TEST(a_gate_lists_everything_that_follows_and_one_vote_covers_it)
{
    struct world *w = at_gate(5, two_sets);
    struct w_entry *gate = w_entry(w, ENTRY_GATE, GATE_OPEN);

    CHECK_INT(json_count(json_get(span_of(gate->body), "changes")), 2);
    w_vote(w, "approve", "bob", gate);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    CHECK_INT(w->applies, 2);
    w_free(w);
}

TEST(a_foreign_edit_after_the_vote_opens_a_new_gate_that_names_the_state)
{
    struct world *w = at_gate(6, two_sets);

    w_vote(w, "approve", "bob", w_entry(w, ENTRY_GATE, GATE_OPEN));
    snprintf(w_target(w, span_of("a"))->value, 32, "edited");
    w_pump(w);
    CHECK_INT(w->applies, 0);
    char *differs =
        json_get_text(span_of(w_entry(w, ENTRY_GATE, GATE_OPEN)->body), "differs");
    CHECK_STR(differs, "the target's state");
    free(differs);
    w_free(w);
}

/* Approved, then the power goes; what is there afterwards is not what was there before. */
static void changed_between(uint64_t seed, bool plugin, const char *wanted)
{
    struct world *w = at_gate(seed, two_sets);

    w_vote(w, "approve", "bob", w_entry(w, ENTRY_GATE, GATE_OPEN));
    while (w_entry(w, ENTRY_GATE, GATE_OPEN) != NULL)
        CHECK(w_message_turn(w));
    w_commit(w);
    if (plugin)
        w->plugin_hash = w_other_hash;
    else
        w->policy_hash = w_other_hash;
    w->message_count = 0;
    w_crash(w);
    w_pump(w);
    CHECK_INT(w->applies, 0);
    char *differs =
        json_get_text(span_of(w_entry(w, ENTRY_GATE, GATE_OPEN)->body), "differs");
    CHECK_STR(differs, wanted);
    free(differs);
    w_free(w);
}

TEST(another_plugin_after_the_vote_opens_a_new_gate_that_names_it)
{
    changed_between(7, true, "the plugin");
}

TEST(another_policy_after_the_vote_opens_a_new_gate_that_names_it)
{
    changed_between(8, false, "the policy");
}

/* A sanitizer looks at the same paths, twenty times as slowly: a tenth of them will do. */
#ifdef CHECK_SANITIZED
enum { POWER_SEEDS = 6 };
#else
enum { POWER_SEEDS = 60 };
#endif

TEST(wherever_the_power_goes_each_change_happens_once_and_the_run_gets_done)
{
    int points = 0, crashes = 0;
    const struct w_wish *const scripts[] = { two_sets, gated, parallel };

    for (int s = 0; s < 3; s++) {
        for (uint64_t seed = 1; seed <= POWER_SEEDS; seed++) {
            for (int at = 8; at < 80; at++) {
                struct world *w = w_new(seed * 1000 + (uint64_t)at, scripts[s]);

                w->crash_at = at;
                w->fault_percent = seed % 3 == 0 ? 12 : 0;
                w_start_run(w);
                w_settle(w);
                if (w->crashes == 0 && w->fault_percent == 0) {
                    w_free(w);
                    break;
                }
                points++;
                crashes += w->crashes;
                if (w_run(w, 1) !=
                    NULL) { /* the start itself may be lost, unacknowledged */
                    CHECK_STR(w_state(w, 1), "done");
                    for (int i = 0; i < w->target_count; i++) {
                        CHECK_INT(w->targets[i].effects, 1);
                        CHECK_STR(w->targets[i].value, "new");
                    }
                }
                CHECK(!w->is_undurable);
                w_free(w);
            }
        }
    }
    printf("      %d schedules, %d crashes\n", points, crashes);
    CHECK(crashes > 50 * POWER_SEEDS);
}

TEST(rollback_puts_back_what_the_run_changed_also_through_crashes)
{
    for (int at = 0; at < 60; at++) {
        struct world *w = w_new(500 + (uint64_t)at, gated);

        w_start_run(w);
        w_settle(w);
        CHECK_STR(w_state(w, 1), "done");
        w->crash_at = at == 0 ? 0 : w->steps + at;
        w->fault_percent = at % 3 == 0 ? 12 : 0;
        if (!w_ask(w, "rollback", "bob", "{\"run\":\"r-1\"}"))
            w_crash(w);
        w_settle(w);
        if (w_run(w, 2) != NULL) {
            CHECK_STR(w_state(w, 2), "done");
            for (int i = 0; i < w->target_count; i++) {
                CHECK_STR(w->targets[i].value, "old");
                CHECK_INT(w->targets[i].effects, 2);
            }
            CHECK(w_entry(w, ENTRY_HOLD, HOLD_ON) == NULL);
        }
        w_free(w);
    }
}

TEST(rollback_after_a_foreign_edit_writes_nothing_there_and_waits_for_a_person)
{
    struct world *w = w_new(9, two_sets);

    w_start_run(w);
    w_settle(w);
    snprintf(w_target(w, span_of("a"))->value, 32, "edited");
    w_ask(w, "rollback", "bob", "{\"run\":\"r-1\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 2), "stuck");
    CHECK_STR(w_target(w, span_of("a"))->value, "edited");
    CHECK_STR(w_target(w, span_of("b"))->value, "old");
    w_ask(w, "settle", "bob", "{\"choice\":\"leave\",\"run\":\"r-2\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 2), "done");
    CHECK_STR(w_target(w, span_of("a"))->value, "edited");
    w_free(w);
}

TEST(a_drift_is_written_over_only_after_a_gate_of_its_own)
{
    struct world *w = w_new(10, two_sets);

    w_start_run(w);
    w_settle(w);
    snprintf(w_target(w, span_of("a"))->value, 32, "edited");
    w_ask(w, "rollback", "alice", "{\"run\":\"r-1\"}");
    w_settle(w);
    w->approves = false;
    w_ask(w, "settle", "alice", "{\"choice\":\"restore\",\"run\":\"r-2\"}");
    w_pump(w);
    CHECK_STR(w_target(w, span_of("a"))->value, "edited");
    CHECK(w_entry(w, ENTRY_GATE, GATE_OPEN) != NULL);
    w->approves = true;
    w_settle(w);
    CHECK_STR(w_state(w, 2), "done");
    CHECK_STR(w_target(w, span_of("a"))->value, "old");
    w_free(w);
}

TEST(a_blind_action_in_doubt_is_never_sent_again_by_us)
{
    int doubts = 0;

    for (uint64_t seed = 0; seed < 200; seed++) {
        struct world *w = w_new(seed, blind);

        w->fault_percent = 60;
        w_start_run(w);
        w_settle(w);
        CHECK(w_target(w, span_of("a"))->effects <= 1);
        CHECK(w->applies <= 1);
        doubts += strcmp(w_state(w, 1), "stuck") == 0;
        w_free(w);
    }
    CHECK(doubts > 10);
}

TEST(halt_lets_nothing_begin_survives_a_crash_and_resume_goes_on)
{
    struct world *w = w_new(11, two_sets);

    w_ask(w, "halt", "bob", "{\"reason\":\"stop\",\"scope\":\"all\"}");
    w_start_run(w);
    w_settle(w);
    CHECK_INT(w->applies, 0);
    w_crash(w);
    w_settle(w);
    CHECK_INT(w->applies, 0);
    w_ask(w, "resume", "bob", "{\"scope\":\"all\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    CHECK_INT(w->applies, 2);
    w_free(w);
}

TEST(a_playbook_that_asks_for_something_else_at_replay_stops_as_diverged)
{
    static const struct w_wish other[] = { GET("0", 1, 1, "b"), SET("0", 2, 2, "a"), END };
    struct world *w = at_gate(12, two_sets);

    w_vote(w, "approve", "bob", w_entry(w, ENTRY_GATE, GATE_OPEN));
    while (w_entry(w, ENTRY_GATE, GATE_OPEN) != NULL)
        CHECK(w_message_turn(w));
    w_commit(w);
    w->message_count = 0;
    w->script = other;
    w_crash(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "diverged");
    CHECK_INT(w->applies, 0);
    w_free(w);
}

TEST(without_a_readable_policy_nothing_that_changes_anything_runs)
{
    struct world *w = w_new(13, two_sets);

    w->policy = NULL;
    w_crash(w);
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "blocked");
    CHECK_INT(w->applies, 0);
    w_free(w);
}

TEST(a_guard_stops_the_run_at_the_step_with_a_sentence_that_names_it)
{
    struct world *w = w_new(14, two_sets);

    w->policy =
        "{\"groups\":{\"soc\":[\"bob\",\"carol\"]},\"guards\":{\"changes_per_run\":1},"
        "\"rules\":[]}";
    w_crash(w);
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "blocked");
    CHECK_INT(w->applies, 1);
    CHECK(strstr(w_run(w, 1)->body, "guard changes_per_run") != NULL);
    w_free(w);
}

TEST(the_same_seed_gives_the_same_journal)
{
    struct world *a = w_new(77, parallel);
    struct world *b = w_new(77, parallel);

    a->fault_percent = b->fault_percent = 20;
    w_start_run(a);
    w_settle(a);
    w_start_run(b);
    w_settle(b);
    CHECK_INT(a->row_count, b->row_count);
    for (int i = 0; i < a->row_count; i++)
        CHECK_STR(a->rows[i].body, b->rows[i].body);
    w_free(a);
    w_free(b);
}

TEST(the_index_can_be_made_again_from_the_rows_alone)
{
    struct world *w = w_new(21, gated);

    w_start_run(w);
    w_settle(w);
    w_check_index(w);
    snprintf(w_target(w, span_of("a"))->value, 32, "edited");
    w_ask(w, "rollback", "bob", "{\"run\":\"r-1\"}");
    w_settle(w);
    w_ask(w, "settle", "bob", "{\"choice\":\"leave\",\"run\":\"r-2\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 2), "done");
    w_check_index(w);
    w_free(w);
}

TEST(a_signal_answers_the_playbook_that_waits_for_it_and_no_other)
{
    static const struct w_wish waits[] = {
        { 1, "0", 1, "signal", "", "{\"name\":\"go\",\"within\":\"1h\"}" }, END
    };
    struct world *w = w_new(22, waits);

    w_start_run(w);
    w_pump(w);
    CHECK_STR(w_state(w, 1), "waiting");
    w_ask(w, "signal", "bob", "{\"name\":\"go\",\"run\":\"r-1\"}");
    w_pump(w);
    CHECK_STR(w_state(w, 1), "done");
    w_ask(w, "signal", "bob", "{\"name\":\"go\",\"run\":\"r-1\"}");
    w_pump(w);
    CHECK_INT(w->replies[w->next_ask - 1].exit, 1);
    w_free(w);
}

static const char takes_alerts[] =
    "{\"name\":\"p\",\"on_alert\":{\"when\":{\"severity\":\"high\"}},\"params\":{\"type\":"
    "\"object\"}}";

static const struct w_reply *ask_and_wait(struct world *w, const char *verb,
                                          const char *json)
{
    w_ask(w, verb, "alice", json);
    w_settle(w);
    return &w->replies[w->next_ask - 1];
}

TEST(an_alert_that_the_playbook_does_not_want_starts_nothing_unless_it_is_forced)
{
    struct world *w = w_new(23, two_sets);

    w->policy = w_open_policy;
    w->info = takes_alerts;
    w_crash(w);
    const struct w_reply *reply =
        ask_and_wait(w, "run", "{\"alert\":{\"severity\":\"low\"},\"name\":\"p\"}");
    CHECK_INT(reply->exit, 2);
    CHECK(strstr(reply->json, "severity low, want high") != NULL);
    CHECK_STR(w_state(w, 1), "absent");
    CHECK_INT(
        ask_and_wait(w, "plan", "{\"alert\":{\"severity\":\"low\"},\"name\":\"p\"}")->exit,
        2);
    ask_and_wait(w, "run",
                 "{\"alert\":{\"severity\":\"low\"},\"force\":true,\"name\":\"p\"}");
    CHECK_STR(w_state(w, 1), "done");
    ask_and_wait(w, "run", "{\"alert\":{\"severity\":\"high\"},\"name\":\"p\"}");
    CHECK_STR(w_state(w, 2), "done");
    w_free(w);
}

TEST(a_plan_whose_playbook_fails_says_so_with_the_error)
{
    struct world *w = w_new(24, two_sets);

    CHECK_INT(ask_and_wait(w, "plan", "{\"name\":\"p\",\"params\":{}}")->exit, 0);
    w->fault_percent = 100;
    const struct w_reply *reply = ask_and_wait(w, "plan", "{\"name\":\"p\",\"params\":{}}");
    CHECK_INT(reply->exit, 1);
    CHECK_SPAN(json_get_raw(span_of(reply->json), "state"), "failed");
    CHECK(json_get(json_get(span_of(reply->json), "error"), "message").len > 0);
    w_free(w);
}

/* -- parameters of a command line ------------------------------------------------------------ */

static const char takes_params[] =
    "{\"name\":\"p\",\"params\":{\"additionalProperties\":false,\"properties\":{"
    "\"list\":{\"items\":{\"type\":\"string\"},\"type\":\"array\"},"
    "\"counts\":{\"items\":{\"type\":\"integer\"},\"type\":\"array\"},"
    "\"map\":{\"type\":\"object\"},\"n\":{\"type\":\"integer\"},"
    "\"text\":{\"type\":\"string\"}},\"type\":\"object\"}}";

static const char *start_row(const struct world *w)
{
    for (int i = 0; i < w->row_count; i++)
        if (w->rows[i].kind == ROW_START)
            return w->rows[i].body;
    return "";
}

TEST(a_list_parameter_given_as_json_is_read_as_json_and_a_text_stays_a_text)
{
    static const struct {
        const char *name, *text;
        const char *want; /* in the run's parameters; NULL: refused */
        const char *why;
    } rows[] = {
        { "list", "[\\\"red\\\",\\\"green\\\"]", "{\"list\":[\"red\",\"green\"]}", NULL },
        { "list", " [ \\\"red, light\\\" ]\\n", "{\"list\":[\"red, light\"]}", NULL },
        { "list", "[]", "{\"list\":[]}", NULL },
        { "list", "red,green", "{\"list\":[\"red\",\"green\"]}", NULL },
        { "list", "red", "{\"list\":[\"red\"]}", NULL },
        { "list", "{red},\\\"x\\\"", "{\"list\":[\"{red}\",\"\\\"x\\\"\"]}", NULL },
        { "counts", "[4,5]", "{\"counts\":[4,5]}", NULL },
        { "counts", "4,5", "{\"counts\":[4,5]}", NULL },
        { "map", "{\\\"a\\\":[1]}", "{\"map\":{\"a\":[1]}}", NULL },
        { "n", "7", "{\"n\":7}", NULL },
        { "text", "[\\\"red\\\"]", "{\"text\":\"[\\\"red\\\"]\"}", NULL },
        { "text", "{not json", "{\"text\":\"{not json\"}", NULL },
        { "text", "7", "{\"text\":\"7\"}", NULL },
        { "list", "[\\\"red\\\",", NULL, "parameter list is no JSON list: " },
        { "list", "[red,green]", NULL, "words with commas between: a,b" },
        { "list", "[\\\"a\\\"],[\\\"b\\\"]", NULL, "parameter list is no JSON list: " },
        { "counts", "[\\\"x\\\"]", NULL, "counts" },
        { "map", "{\\\"a\\\":}", NULL, "parameter map is no JSON object: " },
        { "map", "[1]", NULL, "it is another kind of value" },
        { "map", "a=b", NULL, "want {\\\"name\\\":\\\"value\\\"}" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world *w = w_new(61 + i, two_sets);
        char ask[256];

        w->info = takes_params;
        w->policy = w_open_policy;
        w_crash(w);
        snprintf(ask, sizeof ask, "{\"name\":\"p\",\"params\":{\"%s\":\"%s\"}}",
                 rows[i].name, rows[i].text);
        const struct w_reply *reply = ask_and_wait(w, "run", ask);
        if (rows[i].want == NULL) {
            CHECK_INT(reply->exit, 2);
            CHECK_HAS(reply->json, rows[i].why);
            CHECK_STR(w_state(w, 1), "absent");
        } else {
            CHECK_STR(w_state(w, 1), "done");
            CHECK_HAS(start_row(w), rows[i].want);
        }
        w_free(w);
    }
}
