/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a hold ends when there is nothing to put back: its target is gone, or what was taken
 * is not cordon's to give again.
 */
#include "world.h"

static const struct w_wish three_sets[] = { SET("0", 1, 1, "a"), SET("0", 2, 2, "b"),
                                            SET("0", 3, 3, "c"), END };

static struct world *done_world(uint64_t seed, bool is_for_good)
{
    struct world *w = w_new(seed, three_sets);

    w->is_for_good = is_for_good;
    w_policy_is(w, w_open_policy);
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    return w;
}

static int holds(struct world *w, int state)
{
    int count = 0;

    for (int i = 0; i < w->entry_count; i++)
        count += w->entries[i].kind == ENTRY_HOLD && w->entries[i].state == state;
    return count;
}

static int leaves_that_say(struct world *w, const char *words)
{
    int count = 0;

    for (int i = 0; i < w->row_count; i++)
        count += w->rows[i].kind == ROW_LEAVE && strstr(w->rows[i].body, words) != NULL;
    return count;
}

TEST(a_hold_ends_with_its_target_and_says_so_once)
{
    struct world *w = done_world(1, false);

    w->gone = "b";
    w_ask(w, "rollback", "alice", "{\"run\":\"r-1\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 2), "done");
    CHECK_INT(holds(w, HOLD_ON), 0);
    CHECK_INT(holds(w, HOLD_OFF), 2);
    CHECK_INT(holds(w, HOLD_GONE), 1);
    CHECK_INT(leaves_that_say(w, "\"end\":\"gone\",\"msg\":\"the world is like that\""), 1);
    CHECK_STR(w_target(w, span_of("a"))->value, "old");
    w_check_index(w);
    w_crash(w);
    w_settle(w);
    CHECK_INT(holds(w, HOLD_GONE), 1);
    CHECK_STR(w_state(w, 2), "done");
    w_free(w);
}

TEST(one_look_that_finds_no_target_does_not_end_a_hold)
{
    struct world *w = done_world(2, false);

    w->gone = "b";
    w_ask(w, "rollback", "alice", "{\"run\":\"r-1\",\"step\":\"0/2\"}");
    w_pump(w);
    CHECK_INT(holds(w, HOLD_GONE), 0);
    w->gone = NULL;
    w_settle(w);
    CHECK_STR(w_target(w, span_of("b"))->value, "old");
    CHECK_INT(holds(w, HOLD_GONE), 0);
    CHECK_INT(holds(w, HOLD_OFF), 1);
    w_free(w);
}

TEST(a_target_that_goes_while_it_is_put_back_ends_its_hold_too)
{
    struct world *w = done_world(3, false);

    w_ask(w, "rollback", "alice", "{\"run\":\"r-1\",\"step\":\"0/3\"}");
    while (!w_is_applying(w))
        CHECK(w_message_turn(w));
    w->gone = "c";
    w_settle(w);
    CHECK_STR(w_state(w, 2), "done");
    CHECK_INT(holds(w, HOLD_GONE), 1);
    CHECK_INT(holds(w, HOLD_ON), 2);
    w_check_index(w);
    w_crash(w);
    w_settle(w);
    CHECK_STR(w_state(w, 2), "done");
    CHECK_INT(holds(w, HOLD_GONE), 1);
    w_free(w);
}

TEST(what_an_undo_must_not_give_again_is_not_even_looked_at)
{
    struct world *w = done_world(4, true);
    int applies = w->applies;

    w->refused = "b"; /* a look would be stuck */
    w_ask(w, "rollback", "alice", "{\"run\":\"r-1\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 2), "done");
    CHECK_INT(w->applies, applies);
    CHECK_INT(holds(w, HOLD_NOT_RESTORED), 3);
    CHECK_INT(leaves_that_say(w, "\"end\":\"not_restored\",\"msg\":\"put it back\""), 3);
    CHECK_STR(w_target(w, span_of("b"))->value, "new");
    w_check_index(w);
    w_free(w);
}

TEST(a_rollback_that_was_stuck_ends_when_its_target_is_deleted)
{
    struct world *w = done_world(5, false);

    w->refused = "b";
    w_ask(w, "rollback", "alice", "{\"run\":\"r-1\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 2), "stuck");
    w->refused = NULL;
    w->gone = "b";
    w_ask(w, "retry", "alice", "{\"run\":\"r-2\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 2), "done");
    CHECK_INT(holds(w, HOLD_GONE), 1);
    CHECK_INT(holds(w, HOLD_ON), 0);
    w_check_index(w);
    w_free(w);
}
