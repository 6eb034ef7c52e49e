/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service says when it wants to be asked again: the wait is in the journal, and is none of
 * the step's tries.
 */
#include "world.h"

#include <inttypes.h>

enum { HOUR_MS = 3600 * 1000 };

static const struct w_wish one_set[] = { SET("0", 1, 1, "a"), END };
static const struct w_wish one_get[] = { GET("0", 1, 1, "a"), END };

/* What fails, so often, with what wait. */
struct failing {
    const struct w_wish *script;
    int op, status, times;
    int64_t wait_ms;
};

static struct world *failing_world(const struct failing *failing)
{
    struct world *w = w_new(1, failing->script);

    w_policy_is(w, w_open_policy);
    w->fail_op = failing->op;
    w->fail_status = failing->status;
    w->failures = failing->times;
    w->wait_ms = failing->wait_ms;
    return w;
}

static const struct w_row *last_row(const struct world *w, int kind)
{
    for (int i = w->row_count - 1; i >= 0; i--)
        if (w->rows[i].kind == kind)
            return &w->rows[i];
    return NULL;
}

static int count_rows(const struct world *w, int kind)
{
    int count = 0;

    for (int i = 0; i < w->row_count; i++)
        count += w->rows[i].kind == kind;
    return count;
}

static const struct failing waits[] = {
    { one_set, HOST_APPLY, W_RETRY, 1, HOUR_MS },
    { one_set, HOST_APPLY, W_RETRY, 30, HOUR_MS },
    { one_set, HOST_APPLY, W_UNKNOWN, 1, HOUR_MS },
    { one_set, HOST_APPLY, W_UNKNOWN, 30, 6000 },
    { one_set, HOST_PREPARE, W_RETRY, 1, 24 * (int64_t)HOUR_MS },
    { one_set, HOST_PREPARE, W_RETRY, 20, 2000 },
    { one_get, HOST_READ, W_RETRY, 1, HOUR_MS },
    { one_get, HOST_READ, W_RETRY, 40, 20000 },
    { one_get, HOST_READ, W_RETRY, 15, 1 },
    { one_set, HOST_APPLY, W_RETRY, 2, INT64_MAX / 4 },
};

TEST(a_wait_that_a_service_asks_for_is_none_of_the_tries)
{
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        struct world *w = failing_world(&waits[i]);
        int64_t began_ms = w->now_ms;

        w_start_run(w);
        w_settle(w);
        CHECK_STR(w_state(w, 1), "done");
        CHECK_INT(w->failed_calls, waits[i].times);
        CHECK_INT(count_rows(w, ROW_WAIT), waits[i].times);
        CHECK(count_rows(w, ROW_DOUBT) == 0);
        int64_t least = waits[i].wait_ms < HOUR_MS ? waits[i].wait_ms : HOUR_MS;
        CHECK(w->now_ms - began_ms >= least * waits[i].times);
        CHECK(!w->is_undurable && !w->is_twice);
        w_check_index(w);
        w_free(w);
    }
}

TEST(a_long_wait_parks_the_run_with_the_time_at_which_it_goes_on)
{
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        if (waits[i].wait_ms < HOUR_MS || waits[i].status != W_RETRY)
            continue;
        struct world *w = failing_world(&waits[i]);

        w_start_run(w);
        w_pump(w);
        CHECK_STR(w_state(w, 1), "waiting");
        int64_t until_ms = json_get_int(span_of(last_row(w, ROW_WAIT)->body), "until", 0);
        CHECK(until_ms > w->now_ms);
        CHECK_INT(w_run(w, 1)->due_ms, until_ms);
        CHECK_HAS(last_row(w, ROW_WAIT)->body, "the world is like that");
        CHECK_INT(json_get_int(json_get(span_of(w_run(w, 1)->body), "waits"), "until", 0),
                  until_ms);
        CHECK_HAS(w_run(w, 1)->body, "the world is like that");
        w_free(w);
    }
}

TEST(a_wait_survives_the_process_and_sends_nothing_early)
{
    static const struct failing hour = { one_set, HOST_APPLY, W_RETRY, 1, HOUR_MS };
    struct world *w = failing_world(&hour);

    w_start_run(w);
    w_pump(w);
    int64_t until_ms = w_run(w, 1)->due_ms;
    for (int i = 0; i < 3; i++) {
        w_crash(w);
        w_pump(w);
        CHECK_STR(w_state(w, 1), "waiting");
        CHECK_INT(w_run(w, 1)->due_ms, until_ms);
        CHECK_INT(w->applies, 0);
    }
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    CHECK(w->now_ms >= until_ms);
    CHECK_INT(w->applies, 1);
    w_check_index(w);
    w_free(w);
}

TEST(a_doubt_that_the_service_put_off_is_looked_into_before_it_is_sent_again)
{
    static const struct failing busy = { one_set, HOST_APPLY, W_UNKNOWN, 1, HOUR_MS };
    struct world *w = failing_world(&busy);

    w_start_run(w);
    w_pump(w);
    CHECK_INT(count_rows(w, ROW_WAIT), 0); /* it may have taken place: looked at first */
    while (w_entry(w, ENTRY_RUN, RUN_WAITING) == NULL) {
        CHECK(w_tick(w));
        w_pump(w);
    }
    CHECK_INT(count_rows(w, ROW_WAIT), 1);
    CHECK_INT(count_rows(w, ROW_DOUBT), 0);
    CHECK_INT(w->applies, 0);
    w_crash(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    CHECK_INT(w->applies, 1);
    w_free(w);
}

TEST(a_look_that_is_put_off_leaves_the_doubt_open_and_counts_for_nothing)
{
    static const struct failing looks = { one_set, HOST_OBSERVE, W_RETRY, 25, 60000 };
    struct world *w = failing_world(&looks);

    w_start_run(w);
    while (!w_is_applying(w))
        CHECK(w_message_turn(w));
    w_lose(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    CHECK_INT(count_rows(w, ROW_DOUBT), 0);
    CHECK_INT(count_rows(w, ROW_WAIT),
              25 + 1); /* the looks, and the effect that was lost */
    w_free(w);
}

TEST(without_a_time_a_failure_is_one_of_the_tries)
{
    static const struct failing busy = { one_set, HOST_APPLY, W_RETRY, 200, 0 };
    struct world *w = failing_world(&busy);

    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "failed");
    CHECK_INT(count_rows(w, ROW_WAIT), 0);
    CHECK_INT(w->failed_calls, 11);
    w_free(w);
}

TEST(a_service_that_says_wait_for_ever_is_given_up_in_the_end)
{
    static const struct failing busy = { one_get, HOST_READ, W_RETRY, 100000, 1 };
    struct world *w = failing_world(&busy);

    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "failed");
    CHECK_INT(count_rows(w, ROW_WAIT), 1000);
    w_free(w);
}

TEST(a_run_that_waits_can_be_canceled_at_once)
{
    static const struct failing hour = { one_set, HOST_APPLY, W_RETRY, 5, HOUR_MS };
    struct world *w = failing_world(&hour);

    w_start_run(w);
    w_pump(w);
    w_ask(w, "cancel", "alice", "{\"reason\":\"x\",\"run\":\"r-000001\"}");
    w_pump(w);
    CHECK_STR(w_state(w, 1), "canceled");
    CHECK_INT(w->failed_calls, 1);
    w_free(w);
}

TEST(what_a_run_did_before_its_wait_can_be_undone_during_the_wait)
{
    static const struct w_wish two_sets[] = { SET("0", 1, 1, "a"), SET("0", 2, 2, "b"),
                                              END };
    static const struct failing hour = { two_sets, HOST_APPLY, W_RETRY, 0, HOUR_MS };
    struct world *w = failing_world(&hour);

    w_start_run(w);
    while (count_rows(w, ROW_OUTCOME) == 0)
        CHECK(w_message_turn(w));
    w->failures = 1;
    w_pump(w);
    CHECK_STR(w_state(w, 1), "waiting");
    int64_t until_ms = w_run(w, 1)->due_ms;
    w_ask(w, "cancel", "alice", "{\"reason\":\"x\",\"run\":\"r-000001\"}");
    w_pump(w);
    w_ask(w, "rollback", "alice", "{\"reason\":\"x\",\"run\":\"r-000001\"}");
    w_pump(w);
    CHECK_STR(w_state(w, 2), "done");
    CHECK_STR(w_target(w, span_of("a"))->value, "old");
    CHECK(w->now_ms < until_ms);
    w_free(w);
}

TEST(a_halt_during_the_wait_holds_what_comes_after_it)
{
    static const struct failing hour = { one_set, HOST_APPLY, W_RETRY, 1, HOUR_MS };
    struct world *w = failing_world(&hour);

    w_start_run(w);
    w_pump(w);
    w_ask(w, "halt", "carol", "{\"reason\":\"x\",\"scope\":\"all\"}");
    w_settle(w);
    CHECK(w->now_ms >= HOUR_MS);
    CHECK_INT(w->applies, 0);
    w_ask(w, "resume", "carol", "{\"reason\":\"x\",\"scope\":\"all\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    CHECK_INT(w->applies, 1);
    w_free(w);
}

TEST(an_undo_that_is_put_off_goes_on_when_its_time_comes)
{
    static const struct failing undo = { one_set, HOST_RESTORE, W_RETRY, 3, HOUR_MS };
    struct world *w = failing_world(&undo);

    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    w_ask(w, "rollback", "alice", "{\"reason\":\"x\",\"run\":\"r-000001\"}");
    w_pump(w);
    CHECK_STR(w_state(w, 2), "waiting");
    w_crash(w);
    w_settle(w);
    CHECK_STR(w_state(w, 2), "done");
    CHECK_INT(count_rows(w, ROW_WAIT), 3);
    CHECK_INT(w->applies, 2);
    w_check_index(w);
    w_free(w);
}
