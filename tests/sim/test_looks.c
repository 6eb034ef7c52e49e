/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long something waits: a wait that looks again and again, and waits of no time.
 */
#include "world.h"

#define OPEN "{\"groups\":{\"soc\":[\"bob\"]},\"rules\":[{\"name\":\"all\",\"need\":0}]}"
#define WAIT(n, group, ms)                                                 \
    {                                                                      \
        group, "0", n, "wait_until", "", "{\"every\":1000,\"ms\":" #ms "}" \
    }
/* "Not yet" of the wait that has the number of. */
#define AGAIN(n, group, ms, of)                                                   \
    {                                                                             \
        group, "0", n, "wait_until", "",                                          \
            "{\"at\":1700000000000,\"every\":1000,\"ms\":" #ms ",\"of\":" #of "}" \
    }
#define NOTE(n, group)                                   \
    {                                                    \
        group, "0", n, "note", "", "{\"text\":\"look\"}" \
    }

static int rows_of(const struct world *w, int kind)
{
    int count = 0;

    for (int i = 0; i < w->row_count; i++)
        count += w->rows[i].kind == kind;
    return count;
}

static struct world *ended(const struct w_wish *script)
{
    struct world *w = w_new(1, script);

    w_policy_is(w, OPEN);
    w_start_run(w);
    w_settle(w);
    return w;
}

TEST(a_wait_is_one_row_and_only_its_last_look_is_journaled)
{
    static const struct w_wish script[] = {
        WAIT(1, 1, 60000),      GET("0", 2, 2, "/s/a"), AGAIN(3, 3, 60000, 1),
        GET("0", 2, 4, "/s/a"), AGAIN(3, 5, 60000, 1),  GET("0", 2, 6, "/s/b"),
        GET("0", 3, 7, "/s/c"), SET("0", 4, 8, "/s/a"), END
    };
    struct world *w = ended(script);

    CHECK_STR(w_state(w, 1), "done");
    CHECK_INT(w->applies, 1);
    CHECK_INT(rows_of(w, ROW_SLEEP), 1);
    CHECK_INT(rows_of(w, ROW_ANSWER), 3); /* the wait, and two reads */
    w_free(w);
}

TEST(a_wait_whose_time_is_over_is_one_row_and_its_answer)
{
    static const struct w_wish script[] = { WAIT(1, 1, 1500),     GET("0", 2, 2, "/s/a"),
                                            AGAIN(3, 3, 1500, 1), GET("0", 2, 4, "/s/a"),
                                            AGAIN(3, 5, 1500, 1), GET("0", 2, 6, "/s/a"),
                                            AGAIN(3, 7, 1500, 1), END };
    struct world *w = ended(script);

    CHECK_STR(w_state(w, 1), "done");
    CHECK_INT(rows_of(w, ROW_SLEEP), 1);
    CHECK_INT(rows_of(w, ROW_ANSWER), 1);
    w_free(w);
}

TEST(a_look_that_does_more_than_read_is_journaled)
{
    static const struct w_wish script[] = { WAIT(1, 1, 60000), NOTE(2, 2),
                                            AGAIN(3, 3, 60000, 1), NOTE(4, 4), END };
    struct world *w = ended(script);

    CHECK_STR(w_state(w, 1), "done");
    CHECK_INT(rows_of(w, ROW_SLEEP), 2);
    CHECK_INT(rows_of(w, ROW_ANSWER), 4);
    w_free(w);
}

TEST(a_run_that_ends_while_it_looks_loses_nothing_that_it_read)
{
    static const struct w_wish script[] = { WAIT(1, 1, 60000), GET("0", 2, 2, "/s/a"),
                                            END };
    struct world *w = ended(script);

    CHECK_STR(w_state(w, 1), "done");
    CHECK_INT(rows_of(w, ROW_ANSWER), 2);
    w_free(w);
}

TEST(a_wait_that_an_earlier_version_began_is_replayed)
{
    static const struct w_wish before[] = { { 1, "0", 1, "now", "", "{}" },
                                            { 2, "0", 2, "sleep", "", "{\"ms\":90000}" },
                                            END };
    static const struct w_wish after[] = { WAIT(1, 1, 600000),
                                           { 2, "0", 2, "sleep", "", "{\"ms\":90000}" },
                                           SET("0", 3, 3, "/s/a"),
                                           END };
    struct world *w = w_new(1, before);

    w_policy_is(w, OPEN);
    w_start_run(w);
    w_pump(w);
    CHECK_STR(w_state(w, 1), "waiting");
    w->script = after;
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    CHECK_INT(w->applies, 1);
    w_free(w);
}

TEST(what_waits_for_no_time_at_all_is_an_error_and_nobody_is_asked)
{
    static const struct {
        const char *kind, *args;
    } rows[] = {
        { "approve", "{\"need\":1,\"title\":\"t\",\"within\":\"0s\"}" },
        { "approve", "{\"need\":1,\"title\":\"t\",\"within\":\"0h0m\"}" },
        { "approve",
          "{\"escalate\":[{\"after\":\"0s\",\"from\":\"soc\"}],\"need\":1,\"title\":"
          "\"t\",\"within\":\"30m\"}" },
        { "ask", "{\"title\":\"t\",\"type\":\"string\",\"within\":\"0ms\"}" },
        { "ask", "{\"title\":\"t\",\"type\":\"string\",\"within\":\"0\"}" },
        { "signal", "{\"name\":\"s\",\"within\":\"0s\"}" },
        { "signal", "{\"name\":\"s\",\"within\":\"0.0s\"}" },
        { "wait_until", "{\"every\":1000,\"ms\":0}" },
        { "wait_until", "{\"every\":1000,\"ms\":-5}" },
        { "wait_until", "{\"every\":1000}" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct w_wish script[] = { { 1, "0", 1, rows[i].kind, "", rows[i].args }, END };
        struct world *w = ended(script);

        CHECK_STR(w_state(w, 1), "failed");
        CHECK_HAS(w_run(w, 1)->body, "above zero");
        CHECK_INT(rows_of(w, ROW_GATE) + rows_of(w, ROW_SLEEP), 0);
        w_free(w);
    }
}
