/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two runs that want something of the same slice: in whatever order they contain and let go,
 * and wherever the power goes, nothing is released while one of them wants it, and nothing
 * stays when none does.
 */
#include "world.h"

#ifdef CHECK_SANITIZED
enum { CRASH_EVERY = 7 };
#else
enum { CRASH_EVERY = 1 };
#endif

enum { A = 0, B = 1, OPS = 4, STEPS_MAX = 3000, PUMP_ALL = 99 };

/* One kind of slice: what each run wants, and how to see whether it has it. */
struct kind {
    const char *name;
    const char *action;
    const char *args[2];
    const char *initial;
    const char *wants[2]; /* a value, or letters that must all be there */
    bool is_set;
    bool is_rule; /* a rule of its own for each */
};

static const struct kind kinds[] = {
    { "the same value",
      "noop.set",
      { "{\"target\":\"t\",\"value\":\"stop\"}", "{\"target\":\"t\",\"value\":\"stop\"}" },
      "old",
      { "stop", "stop" },
      false,
      false },
    { "one value after another",
      "noop.set",
      { "{\"target\":\"t\",\"value\":\"one\"}", "{\"target\":\"t\",\"value\":\"two\"}" },
      "old",
      { "one", "two" },
      false,
      false },
    { "sets that overlap",
      "noop.block",
      { "{\"items\":\"12\",\"target\":\"t\"}", "{\"items\":\"23\",\"target\":\"t\"}" },
      "9",
      { "12", "23" },
      true,
      false },
    { "a set within a set",
      "noop.block",
      { "{\"items\":\"123\",\"target\":\"t\"}", "{\"items\":\"2\",\"target\":\"t\"}" },
      "9",
      { "123", "2" },
      true,
      false },
    { "something that is there or not",
      "noop.drop",
      { "{\"target\":\"t\"}", "{\"target\":\"t\"}" },
      "x7",
      { "gone", "gone" },
      false,
      false },
    { "a rule for each",
      "noop.rule",
      { "{\"items\":\"12\",\"target\":\"t\"}", "{\"items\":\"12\",\"target\":\"t\"}" },
      "",
      { "12", "12" },
      false,
      true },
};

/* What happens: a run starts, a run is rolled back. Each starts before it is rolled back. */
enum op { START_A, START_B, RELEASE_A, RELEASE_B };
static const enum op orders[][OPS] = {
    { START_A, START_B, RELEASE_A, RELEASE_B }, { START_A, START_B, RELEASE_B, RELEASE_A },
    { START_A, RELEASE_A, START_B, RELEASE_B }, { START_B, START_A, RELEASE_A, RELEASE_B },
    { START_B, START_A, RELEASE_B, RELEASE_A }, { START_B, RELEASE_B, START_A, RELEASE_A },
};
enum { ORDERS = sizeof orders / sizeof orders[0] };

struct story {
    const struct kind *kind;
    struct world *w;
    int64_t run[2];  /* 0: not started */
    int64_t back[2]; /* its rollback; 0: not asked for */
    bool is_asked[2];
    int early;
};

static bool is_over(struct world *w, int64_t run)
{
    struct w_entry *entry = w_run(w, run);

    return entry != NULL && entry->state >= RUN_DONE;
}

static int rules_of(const char *value)
{
    int count = 0;

    for (const char *c = value; *c != '\0'; c++)
        count += *c == ';';
    return count;
}

/* Is what this run wants so? For one value after another the later one has replaced it. */
static bool has_it(const struct story *story, int who)
{
    const char *value = w_target(story->w, span_of("t"))->value;
    const char *wants = story->kind->wants[who];

    if (story->kind->is_rule)
        return rules_of(value) >= 1 && strstr(value, wants) != NULL;
    if (!story->kind->is_set)
        return strcmp(value, wants) == 0 || strcmp(value, story->kind->wants[!who]) == 0;
    for (const char *c = wants; *c != '\0'; c++)
        if (strchr(value, *c) == NULL)
            return false;
    return true;
}

static void look(struct story *story)
{
    for (int who = A; who <= B; who++)
        if (story->run[who] > 0 && is_over(story->w, story->run[who]) &&
            !story->is_asked[who] && !has_it(story, who))
            story->early++;
}

/* One thing happens. False when nothing does any more. */
static bool go_on(struct story *story)
{
    struct world *w = story->w;
    bool alive = true;

    if (w->message_count > 0) {
        alive = w_message_turn(w);
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
    look(story);
    return true;
}

static int64_t last_run(struct world *w)
{
    int64_t last = 0;

    for (int i = 0; i < w->row_count; i++)
        if (w->rows[i].run > last)
            last = w->rows[i].run;
    return last;
}

/* Asked again when the power went before it was journaled. */
static int64_t ask(struct story *story, const char *verb, const char *json)
{
    struct world *w = story->w;
    int64_t before = last_run(w);

    if (!w_ask(w, verb, "alice", json))
        w_crash(w);
    if (last_run(w) == before) {
        CHECK(w_ask(w, verb, "alice", json));
        CHECK(last_run(w) > before);
    }
    look(story);
    return last_run(w);
}

static void start(struct story *story, int who)
{
    static struct w_wish scripts[2][2];
    struct world *w = story->w;

    memset(scripts[who], 0, sizeof scripts[who]);
    scripts[who][0] =
        (struct w_wish){ 1, "0", 1, "step", story->kind->action, story->kind->args[who] };
    w->scripts[last_run(w) + 1] = scripts[who];
    story->run[who] = ask(story, "run", "{\"name\":\"p\",\"params\":{}}");
}

static void release(struct story *story, int who)
{
    char json[40];

    while (!is_over(story->w, story->run[who]))
        CHECK(go_on(story));
    snprintf(json, sizeof json, "{\"run\":\"r-%d\"}", (int)story->run[who]);
    story->is_asked[who] = true;
    story->back[who] = ask(story, "rollback", json);
}

/* What there must be when all has come to rest, while one of them is still contained. */
static void check_left(struct story *story, int who)
{
    const char *value = w_target(story->w, span_of("t"))->value;
    const struct kind *kind = story->kind;

    if (kind->is_rule) {
        CHECK_INT(rules_of(value), 1);
        return;
    }
    if (!kind->is_set) {
        CHECK_STR(value, kind->wants[who]);
        return;
    }
    CHECK_INT(strlen(value), strlen(kind->initial) + strlen(kind->wants[who]));
    CHECK(has_it(story, who));
}

/* Returns how many turns it took. */
static int tell(const struct kind *kind, const enum op *order, const int *gaps,
                int crash_at)
{
    struct world *w = w_new(1 + (uint64_t)crash_at, NULL);
    struct story story = { .kind = kind, .w = w };
    int first = w->steps, turns;

    w_policy_is(w, w_open_policy);
    snprintf(w_target(w, span_of("t"))->value, 32, "%s", kind->initial);
    w->crash_at = crash_at > 0 ? first + crash_at : 0;
    for (int i = 0; i < OPS; i++) {
        int who = order[i] == START_B || order[i] == RELEASE_B ? B : A;

        if (order[i] == START_A || order[i] == START_B)
            start(&story, who);
        else
            release(&story, who);
        for (int j = 0; i < OPS - 1 && j < gaps[i] && go_on(&story); j++) {
        }
        if (i == OPS - 2 && gaps[i] == PUMP_ALL && story.is_asked[order[3] == RELEASE_A])
            check_left(&story, order[3] == RELEASE_A ? A : B);
    }
    for (int i = 0; i < STEPS_MAX && go_on(&story); i++) {
    }
    CHECK_INT(story.early, 0);
    CHECK_STR(w_target(w, span_of("t"))->value, kind->initial);
    CHECK(w_entry(w, ENTRY_HOLD, HOLD_ON) == NULL);
    CHECK_STR(w_state(w, story.back[A]), "done");
    CHECK_STR(w_state(w, story.back[B]), "done");
    CHECK(!w->is_twice && !w->is_undurable);
    CHECK_INT(engine_runs(w->engine), 0);
    turns = w->steps - first;
    w_free(w);
    return turns;
}

static void tell_all(const struct kind *kind)
{
    static const int gaps[] = { 0, 2, 5, PUMP_ALL };
    int count = sizeof gaps / sizeof gaps[0], stories = 0, crashes = 0;

    for (int order = 0; order < ORDERS; order++)
        for (int i = 0; i < count * count * count; i++) {
            int chosen[3] = { gaps[i % count], gaps[i / count % count],
                              gaps[i / count / count] };
            int turns = tell(kind, orders[order], chosen, 0);

            stories++;
            for (int at = 1; at <= turns; at += CRASH_EVERY, crashes++)
                tell(kind, orders[order], chosen, at);
        }
    printf("      %s: %d orders and interleavings, %d crashes: 0 released early, 0 left "
           "over\n",
           kind->name, stories, crashes);
}

TEST(two_runs_that_want_the_same_value_keep_it_until_both_let_go)
{
    tell_all(&kinds[0]);
}

TEST(of_two_values_one_after_another_the_first_comes_back_when_both_let_go)
{
    tell_all(&kinds[1]);
}

TEST(of_two_sets_that_overlap_each_run_takes_away_what_only_it_wants)
{
    tell_all(&kinds[2]);
}

TEST(a_set_within_a_set_stays_until_its_own_run_lets_go)
{
    tell_all(&kinds[3]);
}

TEST(what_two_runs_took_away_comes_back_as_it_was_when_both_let_go)
{
    tell_all(&kinds[4]);
}

TEST(two_rules_of_the_same_content_are_two_holds_that_do_not_know_each_other)
{
    tell_all(&kinds[5]);
}
