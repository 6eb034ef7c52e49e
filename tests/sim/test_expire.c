/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens when a hold's time is over: it is released, people are asked, or it is
 * extended; wherever the power goes, and whoever else wants the same slice.
 */
#include "world.h"

#ifdef CHECK_SANITIZED
enum { CRASH_EVERY = 7 };
#else
enum { CRASH_EVERY = 1 };
#endif

enum { STEPS_MAX = 3000, DAY_MS = 24 * 3600 * 1000 };

#define EXPIRES(way)                                  \
    {                                                 \
        { 1,                                          \
          "0",                                        \
          1,                                          \
          "step",                                     \
          "noop.set",                                 \
          "{\"expires\":\"24h\",\"on_expire\":\"" way \
          "\",\"target\":\"t\",\"value\":\"new\"}" }, \
            END                                       \
    }
static const struct w_wish asking[] = EXPIRES("ask");
static const struct w_wish extending[] = EXPIRES("extend");
static const struct w_wish releasing[] = EXPIRES("release");
static const struct w_wish for_ever[] = { SET("0", 1, 1, "t"), END };

static const char *value(struct world *w)
{
    return w_target(w, span_of("t"))->value;
}

static int64_t last_run(struct world *w)
{
    int64_t last = 0;

    for (int i = 0; i < w->row_count; i++)
        if (w->rows[i].run > last)
            last = w->rows[i].run;
    return last;
}

static int rows_of(struct world *w, int kind)
{
    int count = 0;

    for (int i = 0; i < w->row_count; i++)
        count += w->rows[i].kind == kind;
    return count;
}

static struct w_entry *hold(struct world *w)
{
    return w_entry(w, ENTRY_HOLD, HOLD_ON);
}

static struct w_entry *question(struct world *w)
{
    return w_entry(w, ENTRY_GATE, GATE_OPEN);
}

static bool answer(struct world *w, const char *who, const char *word)
{
    const struct w_entry *gate = question(w);
    char json[96];

    snprintf(json, sizeof json, "{\"gate\":\"g-%06d-%d\",\"value\":\"%s\"}", (int)gate->run,
             gate->n, word);
    return w_ask(w, "answer", who, json);
}

/* One thing happens; word answers the question that is open. False when nothing does, or
 * when a question has no word. */
static bool go_on(struct world *w, const char *word)
{
    bool alive = true;

    if (w->message_count > 0) {
        alive = w_message_turn(w);
    } else if (question(w) != NULL) {
        if (word == NULL)
            return false;
        /* What was captured days ago is put back only when somebody agrees, too. */
        alive = span_is(json_get_raw(span_of(question(w)->body), "k"), "ask")
                    ? answer(w, "bob", word)
                    : w_vote(w, "approve", "bob", question(w));
    } else {
        int happened = w_by_itself(w);

        if (happened == 0) {
            w_commit(w);
            return false;
        }
        alive = happened > 0;
    }
    if (!alive)
        w_crash(w);
    return true;
}

static void rest(struct world *w, const char *word)
{
    int i = 0;

    while (i++ < STEPS_MAX && go_on(w, word)) {
    }
    CHECK(i < STEPS_MAX);
}

static struct world *begin(uint64_t seed, const struct w_wish *script)
{
    struct world *w = w_new(seed, script);

    w_policy_is(w, w_open_policy);
    w->approves = false;
    return w;
}

static struct world *expired(uint64_t seed, const struct w_wish *script)
{
    struct world *w = begin(seed, script);

    w_start_run(w);
    rest(w, NULL);
    return w;
}

TEST(what_asks_stays_contained_until_somebody_says_release)
{
    struct world *w = expired(1, asking);

    CHECK_STR(w_state(w, 1), "done");
    CHECK_STR(w_state(w, 2), "waiting");
    CHECK_STR(value(w), "new");
    CHECK_INT(hold(w)->due_ms, 0);
    CHECK_INT(json_get_int(span_of(hold(w)->body), "q", 0), 2);
    w_check_index(w);
    rest(w, "release");
    CHECK_STR(w_state(w, 2), "done");
    CHECK_STR(value(w), "old");
    CHECK(hold(w) == NULL);
    w_check_index(w);
    w_free(w);
}

TEST(what_somebody_keeps_has_no_time_any_more_and_can_be_released)
{
    struct world *w = expired(2, asking);

    rest(w, "keep");
    CHECK_STR(w_state(w, 2), "done");
    CHECK_STR(w_state(w, 3), "absent");
    CHECK_STR(value(w), "new");
    CHECK_INT(hold(w)->due_ms, 0);
    CHECK_INT(json_get_int(span_of(hold(w)->body), "k", 0), 2);
    CHECK_INT(json_get_int(span_of(hold(w)->body), "q", 0), 0);
    w_check_index(w);
    w_ask(w, "release", "bob", "{\"hold\":\"h-000001-1\"}");
    rest(w, NULL);
    CHECK_STR(w_state(w, 3), "done");
    CHECK_STR(value(w), "old");
    CHECK(hold(w) == NULL);
    w_free(w);
}

TEST(who_denies_the_question_keeps_it)
{
    struct world *w = expired(3, asking);

    w_vote(w, "deny", "bob", question(w));
    rest(w, NULL);
    CHECK_STR(w_state(w, 2), "done");
    CHECK_STR(value(w), "new");
    CHECK_INT(rows_of(w, ROW_KEEP), 1);
    w_free(w);
}

TEST(a_question_that_nobody_answers_is_asked_again_and_nothing_is_released)
{
    struct world *w = expired(4, asking);
    int first = question(w)->n;

    for (int i = 0; i < 5; i++)
        CHECK(w_by_itself(w) != 0); /* reminders, and the deadline */
    CHECK(question(w)->n > first);
    CHECK_STR(value(w), "new");
    rest(w, "release");
    CHECK_STR(value(w), "old");
    w_free(w);
}

TEST(only_those_who_approved_it_are_asked_whether_it_goes)
{
    struct world *w = w_new(5, asking);

    w_policy_is(w, "{\"groups\":{\"owners\":[\"olga\"],\"soc\":[\"bob\",\"carol\"]},"
                   "\"rules\":[{\"from\":[\"owners\"],\"match\":{\"op\":\"apply\"},"
                   "\"name\":\"a\",\"need\":1}]}");
    w->approves = false;
    w_start_run(w);
    rest(w, NULL);
    w_vote(w, "approve", "olga", question(w));
    rest(w, NULL);
    CHECK_STR(w_state(w, 1), "done");
    CHECK_STR(w_state(w, 2), "waiting");
    answer(w, "bob", "release");
    CHECK(question(w) != NULL);
    CHECK_STR(value(w), "new");
    answer(w, "olga", "release");
    CHECK(w->message_count > 0 || question(w) == NULL);
    w_free(w);
}

TEST(a_question_about_what_a_person_released_meanwhile_is_over)
{
    struct world *w = expired(6, asking);

    w_ask(w, "release", "carol", "{\"hold\":\"h-000001-1\"}");
    for (int i = 0; i < STEPS_MAX && w->message_count > 0; i++)
        w_message_turn(w);
    CHECK_STR(w_state(w, 3), "done");
    CHECK_STR(w_state(w, 2), "done");
    CHECK(question(w) == NULL);
    CHECK_STR(value(w), "old");
    CHECK_INT(w_target(w, span_of("t"))->effects, 2);
    CHECK_INT(engine_runs(w->engine), 0);
    w_check_index(w);
    w_free(w);
}

TEST(what_extends_is_prolonged_by_as_much_again_so_often_and_then_people_are_asked)
{
    struct world *w = begin(7, extending);
    int64_t due = 0;

    w_start_run(w);
    for (int i = 0; i <= ENGINE_EXTENDS_MAX; i++) {
        while (hold(w) == NULL || hold(w)->due_ms == due)
            CHECK(go_on(w, NULL));
        CHECK(i == 0 || hold(w)->due_ms == due + DAY_MS);
        CHECK_INT(json_get_int(span_of(hold(w)->body), "i", 0), i);
        due = hold(w)->due_ms;
        while (w->message_count > 0)
            w_message_turn(w);
        w_check_index(w);
    }
    rest(w, NULL);
    CHECK(question(w) != NULL);
    CHECK_INT(rows_of(w, ROW_KEEP), ENGINE_EXTENDS_MAX);
    CHECK_STR(value(w), "new");
    CHECK_STR(w_state(w, 2), "done");
    rest(w, "release");
    CHECK_STR(value(w), "old");
    CHECK(hold(w) == NULL);
    w_free(w);
}

TEST(an_extension_needs_no_plugin_and_a_halt_does_not_stop_it)
{
    struct world *w = begin(8, extending);
    int applies;

    w_start_run(w);
    while (w->message_count > 0)
        w_message_turn(w);
    applies = w->applies;
    w_ask(w, "halt", "bob", "{\"reason\":\"stop\",\"scope\":\"all\"}");
    CHECK(w_by_itself(w) > 0);
    CHECK_INT(w->message_count, 0);
    CHECK_STR(w_state(w, 2), "done");
    CHECK_INT(w->applies, applies);
    CHECK(hold(w)->due_ms > w->now_ms);
    w_free(w);
}

TEST(a_due_time_that_is_told_twice_begins_one_rollback)
{
    struct world *w = begin(9, extending);
    struct event due = { .kind = EV_DUE, .run = 1, .number = ENTRY_HOLD, .number2 = 1 };

    w_start_run(w);
    while (w->message_count > 0)
        w_message_turn(w);
    w->now_ms = hold(w)->due_ms;
    w_handle(w, &due);
    w_handle(w, &due);
    CHECK_INT(rows_of(w, ROW_KEEP), 1);
    CHECK_STR(w_state(w, 3), "absent");
    w_free(w);
}

/* -- wherever the power goes ---------------------------------------------------------------- */

struct end {
    const struct w_wish *script;
    const char *word, *value;
    int keeps;
};

static int tell(const struct end *end, int crash_at)
{
    struct world *w = begin(100 + (uint64_t)crash_at, end->script);
    int first = w->steps, turns;

    w->crash_at = crash_at > 0 ? first + crash_at : 0;
    w_start_run(w);
    if (w_run(w, 1) == NULL)
        w_start_run(w);
    rest(w, end->word);
    CHECK_STR(w_state(w, 1), "done");
    CHECK_STR(w_state(w, last_run(w)), "done");
    CHECK_INT(last_run(w), end->keeps > 1 ? end->keeps + 2 : 2);
    CHECK_STR(value(w), end->value);
    CHECK((hold(w) == NULL) == (strcmp(end->value, "old") == 0));
    CHECK(hold(w) == NULL || hold(w)->due_ms == 0);
    CHECK_INT(rows_of(w, ROW_KEEP), end->keeps);
    CHECK(!w->is_twice && !w->is_undurable);
    CHECK_INT(engine_runs(w->engine), 0);
    w_check_index(w);
    turns = w->steps - first;
    w_free(w);
    return turns;
}

static void tell_all(const struct end *end)
{
    int turns = tell(end, 0), crashes = 0;

    for (int at = 1; at <= turns; at += CRASH_EVERY, crashes++)
        tell(end, at);
    CHECK(crashes > 0);
    printf("      %d crashes: done once\n", crashes);
}

TEST(what_releases_by_itself_is_released_once_wherever_the_power_goes)
{
    tell_all(&(struct end){ releasing, NULL, "old", 0 });
}

TEST(what_is_answered_with_release_is_released_once_wherever_the_power_goes)
{
    tell_all(&(struct end){ asking, "release", "old", 0 });
}

TEST(what_is_answered_with_keep_is_kept_wherever_the_power_goes)
{
    tell_all(&(struct end){ asking, "keep", "new", 1 });
}

TEST(what_is_extended_is_extended_so_often_wherever_the_power_goes)
{
    tell_all(&(struct end){ extending, "release", "old", ENGINE_EXTENDS_MAX });
}

/* -- who else wants it ---------------------------------------------------------------------- */

/* Run 1 or run 2 expires, the other one stays until it is rolled back. */
static int share(const struct w_wish *way, int who, int crash_at)
{
    struct world *w = begin(500 + (uint64_t)crash_at, for_ever);
    int first = w->steps, turns;
    char json[32];

    w->crash_at = crash_at > 0 ? first + crash_at : 0;
    w->scripts[who] = way;
    for (int run = 1; run <= 2; run++) {
        w_start_run(w);
        if (w_run(w, run) == NULL)
            w_start_run(w);
        for (int i = 0; i < STEPS_MAX && w->message_count > 0; i++)
            if (!w_message_turn(w))
                w_crash(w);
    }
    rest(w, "release");
    CHECK_STR(value(w), "new"); /* the other wants it */
    CHECK_STR(w_state(w, 3), "done");
    CHECK(hold(w) != NULL && hold(w)->run == 3 - who);
    snprintf(json, sizeof json, "{\"run\":\"r-%d\"}", 3 - who);
    if (!w_ask(w, "rollback", "bob", json))
        w_crash(w);
    if (w_run(w, 4) == NULL)
        w_ask(w, "rollback", "bob", json);
    rest(w, NULL);
    CHECK_STR(w_state(w, 4), "done");
    CHECK_STR(value(w), "old");
    CHECK(hold(w) == NULL);
    CHECK_INT(w_target(w, span_of("t"))->effects, 2);
    CHECK(!w->is_twice && !w->is_undurable);
    w_check_index(w);
    turns = w->steps - first;
    w_free(w);
    return turns;
}

static void share_all(const struct w_wish *way)
{
    int crashes = 0;

    for (int who = 1; who <= 2; who++) {
        int turns = share(way, who, 0);

        for (int at = 1; at <= turns; at += CRASH_EVERY, crashes++)
            share(way, who, at);
    }
    printf("      %d crashes: not put back while the other wants it, and then put back\n",
           crashes);
}

TEST(of_two_that_want_the_same_one_that_expires_leaves_it_to_the_other)
{
    share_all(releasing);
}

TEST(of_two_that_want_the_same_one_that_asks_and_is_released_leaves_it_to_the_other)
{
    share_all(asking);
}
