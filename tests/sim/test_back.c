/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way back: one hold, back to a step, what could not be undone, and what people see
 * before any of it.
 */
#include "world.h"

static const char undo_policy[] =
    "{\"groups\":{\"soc\":[\"bob\",\"carol\"]},\"rules\":[{\"name\":\"all\",\"need\":0},"
    "{\"match\":{\"op\":\"undo\"},\"name\":\"undo\",\"need\":1}]}";

static const struct w_wish three_sets[] = { SET("0", 1, 1, "a"), SET("0", 2, 2, "b"),
                                            SET("0", 3, 3, "c"), END };

static struct world *done_world(uint64_t seed, const struct w_wish *script)
{
    struct world *w = w_new(seed, script);

    w_policy_is(w, w_open_policy);
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    return w;
}

static const char *value_of(struct world *w, const char *name)
{
    return w_target(w, span_of(name))->value;
}

TEST(back_to_a_step_undoes_what_was_done_after_it_and_no_more)
{
    struct world *w = done_world(1, three_sets);

    w_ask(w, "rollback", "alice", "{\"run\":\"r-1\",\"to\":\"0/1\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 2), "done");
    CHECK_STR(value_of(w, "a"), "new");
    CHECK_STR(value_of(w, "b"), "old");
    CHECK_STR(value_of(w, "c"), "old");
    w_ask(w, "rollback", "alice", "{\"reason\":\"all clear\",\"run\":\"r-1\"}");
    w_settle(w);
    CHECK_HAS(w_run(w, 3)->body, "\"why\":\"all clear\"");
    w_ask(w, "rollback", "alice", "{\"run\":\"r-1\",\"to\":\"0/9\"}");
    CHECK_INT(w->replies[w->next_ask - 1].exit, 2);
    CHECK_HAS(w->replies[w->next_ask - 1].json, "run r-000001 has no step 0/9");
    w_free(w);
}

TEST(a_rollback_that_needs_approval_shows_all_of_it_at_one_gate)
{
    struct world *w = done_world(2, three_sets);
    struct w_entry *gate;

    w_policy_is(w, undo_policy);
    snprintf(w_target(w, span_of("b"))->value, 32, "edited");
    w->approves = false;
    w_ask(w, "rollback", "alice", "{\"run\":\"r-1\"}");
    w_pump(w);
    gate = w_entry(w, ENTRY_GATE, GATE_OPEN);
    CHECK_INT(json_count(json_get(span_of(gate->body), "changes")), 2);
    CHECK_INT(json_count(json_get(span_of(gate->body), "drifted")), 1);
    CHECK_HAS(gate->body, "\"now\":{\"value\":\"edited\"}");
    CHECK_INT(w->applies, 3);
    w_vote(w, "approve", "bob", gate);
    w_settle(w);
    CHECK_STR(value_of(w, "a"), "old");
    CHECK_STR(value_of(w, "b"), "edited");
    CHECK_STR(value_of(w, "c"), "old");
    CHECK(w_entry(w, ENTRY_GATE, GATE_OPEN) == NULL);
    CHECK_STR(w_state(w, 2), "stuck");
    w_free(w);
}

TEST(a_plan_of_a_rollback_shows_what_it_would_undo_and_changes_nothing)
{
    struct world *w = done_world(3, three_sets);
    int rows = w->row_count;

    snprintf(w_target(w, span_of("c"))->value, 32, "edited");
    w_ask(w, "rollback", "alice", "{\"plan\":true,\"run\":\"r-1\"}");
    w_settle(w);
    struct span reply = span_of(w->replies[w->next_ask - 1].json);
    CHECK_INT(json_count(json_get(reply, "changes")), 2);
    CHECK_INT(json_count(json_get(reply, "drifted")), 1);
    CHECK_INT(w->row_count, rows);
    CHECK_INT(w->applies, 3);
    CHECK_INT(engine_runs(w->engine), 0);
    w_free(w);
}

/* The plugin refuses to look at a target of that name. */
TEST(a_rollback_that_could_not_undo_all_is_stuck_says_what_is_left_and_is_tried_again)
{
    struct world *w = done_world(4, three_sets);

    w->refused = "b";
    w_ask(w, "rollback", "alice", "{\"run\":\"r-1\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 2), "stuck");
    CHECK_STR(value_of(w, "a"), "old");
    CHECK_STR(value_of(w, "b"), "new");
    CHECK_STR(value_of(w, "c"), "old");
    struct span reply = span_of(w->stood);
    CHECK_INT(json_count(json_get(reply, "undone")), 2);
    CHECK_INT(json_count(json_get(reply, "not_undone")), 1);
    CHECK_HAS(w->stood, "\"of\":\"0/2\"");
    CHECK(w_entry(w, ENTRY_HOLD, HOLD_ON) != NULL);
    w_check_index(w);
    w_ask(w, "retry", "alice", "{\"run\":\"r-2\"}"); /* it is still refused */
    w_settle(w);
    CHECK_STR(w_state(w, 2), "stuck");
    w_crash(w);
    w_settle(w);
    w->refused = NULL;
    w_ask(w, "retry", "alice", "{\"run\":\"r-2\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 2), "done");
    CHECK_STR(value_of(w, "b"), "old");
    CHECK(w_entry(w, ENTRY_HOLD, HOLD_ON) == NULL);
    w_ask(w, "retry", "alice", "{\"run\":\"r-2\"}");
    w_settle(w);
    CHECK_INT(w->replies[w->next_ask - 1].exit, 1);
    w_free(w);
}

TEST(rolling_back_again_undoes_only_what_is_left)
{
    struct world *w = done_world(5, three_sets);

    w->refused = "b";
    w_ask(w, "rollback", "alice", "{\"run\":\"r-1\"}");
    w_settle(w);
    w_ask(w, "cancel", "alice", "{\"run\":\"r-2\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 2), "canceled");
    snprintf(w_target(w, span_of("a"))->value, 32,
             "theirs"); /* let go of: none of our business */
    w->refused = NULL;
    w_ask(w, "rollback", "alice", "{\"run\":\"r-1\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 3), "done");
    CHECK_STR(value_of(w, "a"), "theirs");
    CHECK_STR(value_of(w, "b"), "old");
    w_free(w);
}

TEST(retrying_a_drift_looks_again_and_finds_what_was_mended)
{
    struct world *w = done_world(6, three_sets);

    snprintf(w_target(w, span_of("b"))->value, 32, "edited");
    w_ask(w, "rollback", "alice", "{\"run\":\"r-1\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 2), "stuck");
    snprintf(w_target(w, span_of("b"))->value, 32, "new");
    w_ask(w, "retry", "alice", "{\"run\":\"r-2\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 2), "done");
    CHECK_STR(value_of(w, "b"), "old");
    w_free(w);
}

TEST(one_hold_is_released_and_the_others_stay)
{
    struct world *w = done_world(7, three_sets);

    w_ask(w, "release", "alice", "{\"hold\":\"h-000001-2\",\"reason\":\"a false alarm\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 2), "done");
    CHECK_STR(value_of(w, "a"), "new");
    CHECK_STR(value_of(w, "b"), "old");
    w_ask(w, "release", "alice", "{\"hold\":\"h-000001-2\"}");
    CHECK_INT(w->replies[w->next_ask - 1].exit, 1);
    CHECK_HAS(w->replies[w->next_ask - 1].json, "no hold that is on");
    w_ask(w, "release", "alice", "{\"hold\":\"h-1-1\",\"run\":\"r-7\"}");
    CHECK_INT(w->replies[w->next_ask - 1].exit, 1);
    w_ask(w, "release", "alice", "{\"hold\":\"b\"}");
    CHECK_INT(w->replies[w->next_ask - 1].exit, 2);
    w_free(w);
}

/* The journal says of the change that it was for good. */
static void make_permanent(struct world *w)
{
    for (int i = 0; i < w->row_count; i++) {
        struct str body = { 0 };

        if (w->rows[i].kind != ROW_INTENT)
            continue;
        const char *n = strstr(w->rows[i].body, "\"n\":");
        str_printf(&body, "%.*s\"g\":null,%s", (int)(n - w->rows[i].body), w->rows[i].body,
                   n);
        w->rows[i].body = w_keep(w, str_span(&body));
        str_fini(&body);
    }
    w_crash(w);
}

TEST(what_cannot_be_undone_is_not_said_to_be_released)
{
    struct world *w = done_world(7, three_sets);

    make_permanent(w);
    w_ask(w, "release", "alice", "{\"hold\":\"h-000001-2\"}");
    w_settle(w);
    CHECK_INT(w->replies[w->next_ask - 1].exit, 1);
    CHECK_HAS(w->replies[w->next_ask - 1].json, "cannot be undone");
    CHECK_STR(w_state(w, 2), "absent");
    CHECK_STR(value_of(w, "b"), "new");
    w_free(w);
}

TEST(a_reason_has_a_bound)
{
    struct world *w = done_world(7, three_sets);
    struct str json = { 0 };

    str_add_text(&json, "{\"hold\":\"h-000001-2\",\"reason\":\"");
    for (int i = 0; i < ENGINE_REASON_MAX; i++)
        str_add_char(&json, 'x');
    str_add_text(&json, "\"}");
    w_ask(w, "release", "alice", str_text(&json));
    w_settle(w);
    CHECK_INT(w->replies[w->next_ask - 1].exit, 2);
    CHECK_HAS(w->replies[w->next_ask - 1].json, "the reason has");
    CHECK_STR(value_of(w, "b"), "new");
    str_fini(&json);
    w_free(w);
}

TEST(what_was_captured_long_ago_is_put_back_only_when_somebody_agrees)
{
    for (int days = 6; days <= 8; days += 2) {
        struct world *w = done_world(8, three_sets);

        w->approves = false;
        w->now_ms += days * INT64_C(24) * 3600 * 1000;
        w_ask(w, "rollback", "alice", "{\"run\":\"r-1\"}");
        w_pump(w);
        CHECK_STR(w_state(w, 2), days > 7 ? "waiting" : "done");
        if (days > 7)
            CHECK_HAS(
                w_entry(w, ENTRY_GATE, GATE_OPEN)->body,
                "rollback.authority: the state to put back was captured more than 7d ago");
        w->approves = true;
        w_settle(w);
        CHECK_STR(w_state(w, 2), "done");
        CHECK_STR(value_of(w, "a"), "old");
        w_free(w);
    }
}

TEST(the_policy_says_how_long_a_captured_state_is_good)
{
    struct world *w = done_world(9, three_sets);

    w_policy_is(
        w, "{\"groups\":{\"soc\":[\"bob\",\"carol\"]},\"rollback\":{\"authority\":\"1h\"},"
           "\"rules\":[{\"name\":\"all\",\"need\":0}]}");
    w->approves = false;
    w->now_ms += 2 * INT64_C(3600) * 1000;
    w_ask(w, "rollback", "alice", "{\"run\":\"r-1\"}");
    w_pump(w);
    CHECK_STR(w_state(w, 2), "waiting");
    w_free(w);
}
