/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Held targets are observed again: each hold gets its own verdict, a verdict is one row, nobody
 * who waits for a check is forgotten, and a check writes nothing to a target.
 */
#include "world.h"

enum { RUNS = 3, WISHES = 4, MINUTES_15_MS = 15 * 60 * 1000 };

static const char check_all[] = "{\"older\":0,\"wait\":true}";

/* What one run does, and what somebody else does to the targets then. */
struct edit {
    const char *target, *value;
};

/* -- The world ---------------------------------------------------------------------------- */

static int count_rows(const struct world *w, int kind)
{
    int count = 0;

    for (int i = 0; i < w->row_count; i++)
        count += w->rows[i].kind == kind;
    return count;
}

/* Runs the scripts one after another, each to its end. */
static struct world *held_world(struct w_wish scripts[RUNS][WISHES])
{
    struct world *w = w_new(7, NULL);

    w_policy_is(w, w_open_policy);
    for (int i = 0; i < RUNS && scripts[i][0].kind != NULL; i++) {
        w->scripts[i + 1] = scripts[i];
        w_start_run(w);
        w_settle(w);
        CHECK_STR(w_state(w, i + 1), "done");
    }
    return w;
}

static void edit(struct world *w, const char *target, const char *value)
{
    snprintf(w_target(w, span_of(target))->value, 64, "%s", value);
}

/* The answer to one check that waits; "" when there is none. */
static const char *check_holds(struct world *w)
{
    w->next_ask = 1;
    w->replies[1] = (struct w_reply){ 0 };
    w->now_ms++;
    CHECK(w_ask(w, "check_holds", "alice", check_all));
    w_settle(w);
    return w->replies[1].json != NULL ? w->replies[1].json : "";
}

/* The verdicts of all holds that are on, in the order of the index: "h1 undone, ...". */
static const char *verdicts(struct world *w)
{
    static char text[512];
    size_t len = 0;

    text[0] = '\0';
    for (int i = 0; i < w->entry_count; i++) {
        const struct w_entry *entry = &w->entries[i];
        int verdict = (int)json_get_int(span_of(entry->body), "c", 0);

        if (entry->kind == ENTRY_HOLD && entry->state == HOLD_ON)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%d-%d %s",
                                    len > 0 ? ", " : "", (int)entry->run, entry->n,
                                    hold_verdict_name(verdict));
    }
    return text;
}

/* -- Verdicts ------------------------------------------------------------------------------ */

#define SET_TO(n, target, value)                                  \
    {                                                             \
        n, "0", n, "step", "noop.set",                            \
            "{\"target\":\"" target "\",\"value\":\"" value "\"}" \
    }
#define BLOCK(n, items)                                                               \
    {                                                                                 \
        n, "0", n, "step", "noop.block", "{\"items\":\"" items "\",\"target\":\"s\"}" \
    }

static const struct {
    struct w_wish scripts[RUNS][WISHES];
    struct edit edits[2];
    const char *verdicts;
} found[] = {
    { { { SET_TO(1, "a", "new"), END } }, { { NULL, NULL } }, "1-1 in_force" },
    { { { SET_TO(1, "a", "new"), END } }, { { "a", "old" } }, "1-1 undone" },
    { { { SET_TO(1, "a", "new"), END } }, { { "a", "odd" } }, "1-1 changed" },
    /* one run, two targets */
    { { { SET_TO(1, "a", "new"), SET_TO(2, "b", "new"), END } },
      { { "b", "old" } },
      "1-1 in_force, 1-2 undone" },
    /* one run, one target, twice: the second replaced the first */
    { { { SET_TO(1, "a", "one"), SET_TO(2, "a", "two"), END } },
      { { NULL, NULL } },
      "1-1 in_force, 1-2 in_force" },
    { { { SET_TO(1, "a", "one"), SET_TO(2, "a", "two"), END } },
      { { "a", "one" } },
      "1-1 in_force, 1-2 undone" },
    { { { SET_TO(1, "a", "one"), SET_TO(2, "a", "two"), END } },
      { { "a", "old" } },
      "1-1 undone, 1-2 changed" },
    /* one run, one target, two parts of it */
    { { { BLOCK(1, "1"), BLOCK(2, "2"), END } },
      { { NULL, NULL } },
      "1-1 in_force, 1-2 in_force" },
    { { { BLOCK(1, "1"), BLOCK(2, "2"), END } },
      { { "s", "92" } },
      "1-1 undone, 1-2 in_force" },
    { { { BLOCK(1, "1"), BLOCK(2, "2"), END } },
      { { "s", "91" } },
      "1-1 in_force, 1-2 undone" },
    /* two runs, one value after another: only what came later replaces */
    { { { SET_TO(1, "a", "one"), END }, { SET_TO(1, "a", "two"), END } },
      { { NULL, NULL } },
      "1-1 in_force, 2-1 in_force" },
    { { { SET_TO(1, "a", "one"), END }, { SET_TO(1, "a", "two"), END } },
      { { "a", "one" } },
      "1-1 in_force, 2-1 undone" },
    { { { SET_TO(1, "a", "one"), END }, { SET_TO(1, "a", "two"), END } },
      { { "a", "odd" } },
      "1-1 changed, 2-1 changed" },
    /* three runs, sets that overlap */
    { { { BLOCK(1, "12"), END }, { BLOCK(1, "23"), END }, { BLOCK(1, "3"), END } },
      { { NULL, NULL } },
      "1-1 in_force, 2-1 in_force, 3-1 in_force" },
    { { { BLOCK(1, "12"), END }, { BLOCK(1, "23"), END }, { BLOCK(1, "3"), END } },
      { { "s", "9" } },
      "1-1 undone, 2-1 changed, 3-1 changed" },
    { { { BLOCK(1, "12"), END }, { BLOCK(1, "23"), END } },
      { { "s", "913" } },
      "1-1 changed, 2-1 changed" },
    { { { BLOCK(1, "12"), END }, { BLOCK(1, "23"), END } },
      { { "s", "912" } },
      "1-1 in_force, 2-1 undone" },
    { { { BLOCK(1, "1"), END }, { BLOCK(1, "3"), END }, { BLOCK(1, "4"), END } },
      { { "s", "914" } },
      "1-1 in_force, 2-1 undone, 3-1 in_force" },
};

static struct world *found_world(size_t i)
{
    static struct w_wish scripts[RUNS][WISHES];

    memcpy(scripts, found[i].scripts, sizeof scripts);
    struct world *w = held_world(scripts);
    for (int j = 0; j < 2 && found[i].edits[j].target != NULL; j++)
        edit(w, found[i].edits[j].target, found[i].edits[j].value);
    return w;
}

TEST(each_hold_gets_the_verdict_of_what_stands_there_now)
{
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        struct world *w = found_world(i);
        int applies = w->applies;

        CHECK_HAS(check_holds(w), "\"failed\":0");
        CHECK_STR(verdicts(w), found[i].verdicts);
        CHECK_INT(w->applies, applies);
        w_check_index(w);
        w_free(w);
    }
}

TEST(a_verdict_that_stays_the_same_is_one_row_also_after_the_process)
{
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        struct world *w = found_world(i);

        check_holds(w);
        int rows = w->row_count, seen = count_rows(w, ROW_HOLD_SEEN);
        check_holds(w);
        w_crash(w);
        w_settle(w);
        check_holds(w);
        CHECK_INT(w->row_count, rows);
        CHECK_INT(count_rows(w, ROW_HOLD_SEEN), seen);
        CHECK_STR(verdicts(w), found[i].verdicts);
        w_check_index(w);
        w_free(w);
    }
}

TEST(a_verdict_is_lifted_when_the_target_is_as_we_left_it_again)
{
    struct w_wish scripts[RUNS][WISHES] = { { SET_TO(1, "a", "new"), END } };
    struct world *w = held_world(scripts);

    edit(w, "a", "odd");
    check_holds(w);
    edit(w, "a", "new");
    check_holds(w);
    CHECK_STR(verdicts(w), "1-1 in_force");
    CHECK_INT(count_rows(w, ROW_HOLD_SEEN), 2);
    w_check_index(w);
    w_free(w);
}

TEST(a_target_that_is_gone_and_made_again_is_told_as_both)
{
    struct w_wish scripts[RUNS][WISHES] = { { SET_TO(1, "a", "new"), END } };
    struct world *w = held_world(scripts);

    w->gone = "a";
    check_holds(w);
    CHECK_STR(verdicts(w), "1-1 gone");
    w->gone = NULL;
    edit(w, "a", "old");
    check_holds(w);
    CHECK_STR(verdicts(w), "1-1 undone");
    w_check_index(w);
    w_free(w);
}

TEST(a_target_that_cannot_be_observed_keeps_its_verdict_and_is_counted)
{
    struct w_wish scripts[RUNS][WISHES] = { { SET_TO(1, "a", "new"), SET_TO(2, "b", "new"),
                                              END } };
    struct world *w = held_world(scripts);

    edit(w, "a", "old");
    edit(w, "b", "old");
    check_holds(w);
    edit(w, "a", "new");
    edit(w, "b", "new");
    w->refused = "a";
    CHECK_HAS(check_holds(w), "\"failed\":1");
    CHECK_STR(verdicts(w), "1-1 undone, 1-2 in_force");
    w_free(w);
}

/* -- Who asks, and when --------------------------------------------------------------------- */

/* Two events in one turn, so that the rows that the first one wants are not there yet. */
static void ask_both(struct world *w, const char *first, const char *second)
{
    struct event event = { .kind = EV_ASK,
                           .name = span_of("check_holds"),
                           .who = span_of("alice"),
                           .json = span_of(first),
                           .number = 1,
                           .now_ms = w->now_ms };

    turn_reset(w->turn);
    engine_handle(w->engine, &event, w->turn);
    event.number = 2;
    event.json = span_of(second);
    event.now_ms = ++w->now_ms;
    engine_handle(w->engine, &event, w->turn);
    w_drain(w);
    w_commit(w);
    for (int i = 0; i < w->turn->command_count; i++)
        if (w->turn->commands[i].after_commit)
            w_release(w, &w->turn->commands[i]);
}

static const struct {
    const char *first, *second;
} asks[] = {
    { check_all, check_all },
    { check_all, "{\"older\":900000}" },
    { "{\"older\":900000}", check_all },
    { "{\"older\":0}", check_all },
    { check_all, "{\"older\":-5,\"wait\":true}" },
};

TEST(of_two_checks_at_once_each_is_answered_and_none_makes_the_other_smaller)
{
    struct w_wish scripts[RUNS][WISHES] = { { SET_TO(1, "a", "new"), END },
                                            { SET_TO(1, "b", "new"), END },
                                            { SET_TO(1, "c", "new"), END } };

    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        struct world *w = held_world(scripts);

        w_crash(w);
        w_settle(w);
        check_holds(
            w); /* all are fresh: what is asked for next is not stale by 15 minutes */
        w_crash(w);
        w_settle(w);
        edit(w, "a", "old");
        edit(w, "b", "old");
        edit(w, "c", "old");
        w->replies[1] = w->replies[2] = (struct w_reply){ 0 };
        ask_both(w, asks[i].first, asks[i].second);
        w_settle(w);
        CHECK(w->replies[1].json != NULL && w->replies[2].json != NULL);
        CHECK_STR(verdicts(w), "1-1 undone, 2-1 undone, 3-1 undone");
        CHECK_HAS(check_holds(w), "\"looked\":3"); /* and the next one is answered, too */
        w_free(w);
    }
}

TEST(a_round_of_the_schedule_leaves_nothing_out_of_a_check_that_somebody_waits_for)
{
    enum { MANY = 12 };
    static struct w_wish scripts[MANY][2];
    static char targets[MANY][8], args[MANY][64];
    struct world *w = w_new(3, NULL);

    w_policy_is(w, w_open_policy);
    for (int i = 0; i < MANY; i++) {
        snprintf(targets[i], sizeof targets[i], "t%d", i);
        snprintf(args[i], sizeof args[i], "{\"target\":\"t%d\",\"value\":\"new\"}", i);
        scripts[i][0] = (struct w_wish){ 1, "0", 1, "step", "noop.set", args[i] };
        w->scripts[i + 1] = scripts[i];
        w_start_run(w);
        w_settle(w);
    }
    check_holds(w);
    for (int i = 0; i < MANY; i++)
        edit(w, targets[i], "old");
    w->replies[1] = (struct w_reply){ 0 };
    w->next_ask = 1;
    w->now_ms++;
    CHECK(w_ask(w, "check_holds", "alice", check_all));
    CHECK(w_ask(w, "check_holds", "cordon", "{\"older\":900000}"));
    w_settle(w);
    CHECK_HAS(w->replies[1].json, "\"looked\":12");
    CHECK_INT(count_rows(w, ROW_HOLD_SEEN), MANY);
    w_free(w);
}

TEST(a_hold_that_was_observed_lately_is_not_observed_again_by_the_schedule)
{
    struct w_wish scripts[RUNS][WISHES] = { { SET_TO(1, "a", "new"), END } };
    struct world *w = held_world(scripts);

    check_holds(w);
    edit(w, "a", "old");
    CHECK(w_ask(w, "check_holds", "cordon", "{\"older\":900000}"));
    w_settle(w);
    CHECK_STR(verdicts(w), "1-1 in_force");
    w->now_ms += MINUTES_15_MS + 1000;
    CHECK(w_ask(w, "check_holds", "cordon", "{\"older\":900000}"));
    w_settle(w);
    CHECK_STR(verdicts(w), "1-1 undone");
    w_free(w);
}

/* -- Targets that cannot be observed -------------------------------------------------------- */

/* One round of the schedule: it is no ask. */
static void round_of(struct world *w, int rounds)
{
    char args[64];

    w->now_ms += MINUTES_15_MS + 1000;
    snprintf(args, sizeof args, "{\"older\":%d,\"rounds\":%d}", MINUTES_15_MS, rounds);
    struct event event = { .kind = EV_ASK,
                           .name = span_of("check_holds"),
                           .who = span_of("cordon"),
                           .json = span_of(args) };
    w_handle(w, &event);
    w_settle(w);
}

/* What the rows of checks say, in order: "undone", "unobserved", "unobserved quiet". */
static const char *told(const struct world *w)
{
    static char text[512];
    size_t len = 0;

    text[0] = '\0';
    for (int i = 0; i < w->row_count; i++) {
        struct span body = span_of(w->rows[i].body), state = json_get_raw(body, "s");

        if (w->rows[i].kind == ROW_HOLD_SEEN)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%.*s%s",
                                    len > 0 ? ", " : "", (int)state.len, state.ptr,
                                    json_get_bool(body, "quiet", false) ? " quiet" : "");
    }
    return text;
}

static int unseen_count(struct world *w)
{
    struct engine_unseen unseen;

    engine_unseen_count(w->engine, &unseen);
    return unseen.count;
}

/* What happens to target "a" of one hold, a letter each: r a round that fails, R one that can
 * observe, c a check by hand that fails, C one that can observe, u undone by somebody, p the
 * power goes. */
static const struct {
    const char *steps;
    int rounds;
    const char *told;
    int unseen;
} lasting[] = {
    { "r", 3, "", 1 },
    { "rr", 3, "", 1 },
    { "rrr", 3, "unobserved", 1 },
    { "rrrrrr", 3, "unobserved", 1 },
    { "r", 1, "unobserved", 1 },
    { "rrRrr", 3, "", 1 },
    { "rrRrrr", 3, "unobserved", 1 },
    { "rrrR", 3, "unobserved, observed", 0 },
    { "rrrRR", 3, "unobserved, observed", 0 },
    { "rrruR", 3, "unobserved, undone", 0 },
    { "uRrrrR", 3, "undone, unobserved, observed", 0 },
    { "cccccc", 3, "", 1 },
    { "rcccr", 3, "", 1 },
    { "rcccrr", 3, "unobserved", 1 },
    { "rrrC", 3, "unobserved, observed", 0 },
    { "rrpr", 3, "", 1 },
    { "rrrp", 3, "unobserved", 1 },
    { "rrrpr", 3, "unobserved", 1 },
    { "rrrpR", 3, "unobserved, observed", 0 },
};

static void take_step(struct world *w, char step, int rounds)
{
    w->refused = step == 'r' || step == 'c' ? "a" : NULL;
    switch (step) {
    case 'r':
    case 'R': round_of(w, rounds); break;
    case 'c':
    case 'C': check_holds(w); break;
    case 'u': edit(w, "a", "old"); break;
    default: w_crash(w); w_settle(w);
    }
}

TEST(a_target_that_cannot_be_observed_is_told_after_so_many_rounds_and_once)
{
    for (size_t i = 0; i < sizeof lasting / sizeof *lasting; i++) {
        struct w_wish scripts[RUNS][WISHES] = { { SET_TO(1, "a", "new"), END } };
        struct world *w = held_world(scripts);

        for (const char *step = lasting[i].steps; *step != '\0'; step++)
            take_step(w, *step, lasting[i].rounds);
        CHECK_STR(told(w), lasting[i].told);
        CHECK_INT(unseen_count(w), lasting[i].unseen);
        w_check_index(w);
        w_free(w);
    }
}

TEST(since_when_and_why_a_target_cannot_be_observed_is_kept)
{
    struct w_wish scripts[RUNS][WISHES] = { { SET_TO(1, "a", "new"), END } };
    struct world *w = held_world(scripts);
    struct engine_unseen unseen;
    const char *why;

    engine_unseen_count(w->engine, &unseen);
    CHECK_INT(unseen.not_yet, 1);
    w->refused = "a";
    round_of(w, 2);
    int64_t since_ms = engine_unseen_since(w->engine, 1, 1, &why);
    CHECK(since_ms > 0 && why != NULL && why[0] != '\0');
    round_of(w, 2);
    CHECK_INT(engine_unseen_since(w->engine, 1, 1, &why), since_ms);
    w_crash(w);
    w_settle(w);
    CHECK_INT(engine_unseen_since(w->engine, 1, 1, &why), since_ms);
    engine_unseen_count(w->engine, &unseen);
    CHECK_INT(unseen.not_yet, 0);
    CHECK_INT(unseen.since_ms, since_ms);
    w_free(w);
}

TEST(of_many_holds_that_cannot_be_observed_one_row_is_for_people)
{
    struct w_wish scripts[RUNS][WISHES] = { { SET_TO(1, "a", "new"), END },
                                            { SET_TO(1, "a", "new"), END },
                                            { SET_TO(1, "a", "new"), END } };
    struct world *w = held_world(scripts);

    w->refused = "a";
    round_of(w, 1);
    CHECK_STR(told(w), "unobserved, unobserved quiet, unobserved quiet");
    CHECK_INT(unseen_count(w), 3);
    w_check_index(w);
    w_free(w);
}

/* -- Beside other things -------------------------------------------------------------------- */

/* Lets the check take so many turns before the rollback is asked for, or the power goes. */
static void check_for(struct world *w, int turns)
{
    w->next_ask = 1;
    w->replies[1] = (struct w_reply){ 0 };
    w->now_ms++;
    CHECK(w_ask(w, "check_holds", "alice", check_all));
    for (int i = 0; i < turns && w->message_count > 0; i++)
        CHECK(w_message_turn(w));
}

TEST(a_rollback_at_any_point_of_a_check_is_done_and_the_check_is_answered)
{
    struct w_wish scripts[RUNS][WISHES] = { { SET_TO(1, "a", "new"), SET_TO(2, "b", "new"),
                                              END } };

    for (int turns = 0; turns < 6; turns++)
        for (int later = 0; later < 6; later++) {
            struct world *w = held_world(scripts);

            check_for(w, turns);
            CHECK(w_ask(w, "rollback", "alice", "{\"run\":\"r-1\"}"));
            for (int i = 0; i < later && w->message_count > 0; i++)
                CHECK(w_message_turn(w));
            CHECK(w_ask(w, "check_holds", "bob", check_all));
            w_settle(w);
            CHECK(w->replies[1].json != NULL && w->replies[3].json != NULL);
            CHECK_STR(w_state(w, 2), "done");
            CHECK_STR(w_target(w, span_of("a"))->value, "old");
            CHECK_STR(verdicts(w), "");
            CHECK_INT(count_rows(w, ROW_HOLD_SEEN), 0);
            CHECK(!w->is_twice && !w->is_undurable);
            w_check_index(w);
            w_free(w);
        }
}

TEST(the_power_may_go_at_any_point_of_a_check)
{
    for (size_t i = 0; i < sizeof found / sizeof *found; i++)
        for (int turns = 0; turns < 5; turns++) {
            struct world *w = found_world(i);

            check_for(w, turns);
            w_crash(w);
            w_settle(w);
            check_holds(w);
            CHECK_STR(verdicts(w), found[i].verdicts);
            w_check_index(w);
            w_free(w);
        }
}

TEST(a_run_that_waits_for_people_has_its_holds_checked_and_goes_on)
{
    struct w_wish scripts[RUNS][WISHES] = { { SET_TO(1, "a", "new"), APPROVE(2, 2),
                                              SET_TO(3, "b", "new"), END } };
    struct world *w = w_new(5, scripts[0]);

    w_policy_is(w, w_open_policy);
    w_start_run(w);
    w_pump(w);
    edit(w, "a", "old");
    w->next_ask = 1;
    w->now_ms++;
    CHECK(w_ask(w, "check_holds", "alice", check_all));
    w_pump(w);
    CHECK_HAS(w->replies[1].json, "\"looked\":1");
    CHECK_STR(verdicts(w), "1-1 undone");
    w->approves = true;
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    CHECK_STR(verdicts(w), "1-1 undone, 1-2 in_force");
    w_check_index(w);
    w_free(w);
}
