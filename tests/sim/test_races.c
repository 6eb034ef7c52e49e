/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hundred want what one permit allows, in an order that a seed makes: the approved step is
 * done once, and nothing else is.
 */
#include "approved.h"

#ifdef CHECK_SANITIZED
enum { EVERY = 20 };
#else
enum { EVERY = 1 };
#endif

enum {
    CONTENDERS = 100,
    /* How many races each kind has; ten thousand together. */
    OF_MESSAGES = 3000,
    OF_HOSTS = 1500,
    OF_VOTES = 1600,
    OF_OLD_ANSWERS = 1500,
    OF_CRASHES = 1500,
    OF_BRANCHES = 600,
    OF_RUNS = 300
};
_Static_assert(OF_MESSAGES + OF_HOSTS + OF_VOTES + OF_OLD_ANSWERS + OF_CRASHES +
                       OF_BRANCHES + OF_RUNS ==
                   10000,
               "as many races as are promised");

enum { CALLS_SEEN = 256 };

static const struct w_wish gated[] = { APPROVE(1, 1), SET("0", 2, 2, "site-1"), END };
static const char two_policy[] =
    "{\"groups\":{\"soc\":[\"bob\",\"carol\"]},\"rules\":[{\"from\":[\"soc\"],\"match\":{"
    "\"op\":\"any\"},\"name\":\"two of soc\",\"need\":2}]}";

struct race {
    struct world *w;
    struct witness witness;
    struct w_message seen[CALLS_SEEN]; /* calls that a host has had */
    int seen_count;
    struct w_wish script[CONTENDERS + 2];
};

struct outcome {
    int races, contenders, done, others;
};

/* -- around all of them ------------------------------------------------------------------------ */

static struct race *race_open(uint64_t seed, const struct w_wish *script)
{
    struct race *race = xcalloc(1, sizeof *race);

    race->w = w_new(seed, script);
    race->w->approves = false;
    witness_init(&race->witness, race->w);
    return race;
}

static struct race *race_at_gate(uint64_t seed)
{
    struct race *race = race_open(seed, gated);

    w_start_run(race->w);
    w_pump(race->w);
    return race;
}

static struct w_entry *open_gate(struct world *w)
{
    struct w_entry *gate = w_entry(w, ENTRY_GATE, GATE_OPEN);

    CHECK(gate != NULL);
    return gate;
}

/* One message, and what a host had of it is remembered. */
static void one_message(struct race *race)
{
    struct world *w = race->w;

    if (w->message_count == 0)
        return;
    for (int i = 0; i < w->message_count && race->seen_count < CALLS_SEEN; i++)
        if (w->messages[i].kind == CMD_HOST)
            race->seen[race->seen_count++] = w->messages[i];
    CHECK(w_message_turn(w));
}

static void rest(struct race *race)
{
    struct world *w = race->w;

    for (int i = 0; i < 100; i++) {
        w_pump(w);
        if (w->timer_ms == 0)
            return;
        w->now_ms = w->now_ms < w->timer_ms ? w->timer_ms : w->now_ms;
        w->timer_ms = 0;
        w_handle(w, &(struct event){ .kind = EV_TICK });
    }
    CHECK(!"the world comes to rest");
}

static void race_close(struct race *race, struct outcome *sum, uint64_t seed)
{
    struct witness *seen = &race->witness;

    if (seen->done != 1 || seen->again + seen->unapproved != 0)
        FAIL("seed %d: %d done, %d again, %d unapproved; the run is %s", (int)seed,
             seen->done, seen->again, seen->unapproved, w_state(race->w, 1));
    CHECK(!race->w->is_undurable);
    sum->races++;
    sum->contenders += CONTENDERS;
    sum->done += seen->done;
    sum->others += seen->again + seen->unapproved;
    w_free(race->w);
    free(race);
}

static void tell(const char *what, const struct outcome *sum, int wanted)
{
    printf(
        "    %d races, %d contenders: %d times what was approved, %d anything else (%s)\n",
        sum->races, sum->contenders, sum->done, sum->others, what);
    CHECK_INT(sum->races, (wanted + EVERY - 1) / EVERY);
    CHECK_INT(sum->done, sum->races);
}

/* -- contenders ------------------------------------------------------------------------------- */

/* The playbook asks once more for what it has asked for. */
static void turn_again(struct world *w)
{
    struct event_wish wishes[2];
    struct event event = { .kind = EV_VM_TURN, .run = 1, .wishes = wishes };

    event.number = VM_TURN_WAITING;
    for (const struct w_wish *wish = gated; wish->branch != NULL; wish++)
        if (wish == gated || w_chance(w, 3) > 0)
            wishes[event.count++] =
                (struct event_wish){ span_of(wish->branch), wish->n, span_of(wish->kind),
                                     span_of(wish->action), span_of(wish->args) };
    w_handle(w, &event);
}

/* A host answers once more what it has been asked, or says something else this time. */
static void answer_again(struct race *race, bool is_same)
{
    struct world *w = race->w;

    if (race->seen_count == 0)
        return;
    struct w_message *message = &race->seen[w_chance(w, (uint32_t)race->seen_count)];
    struct w_call call = w_read_call(message);
    if (call.id != 0)
        w_done(w, &call, w_target(w, json_get_raw(call.args, "target")),
               is_same ? W_DONE : (int)w_chance(w, 4));
}

/* Is the call still under way? Then its host has not answered. */
static bool is_under_way(const struct world *w, int64_t number)
{
    for (int i = 0; i < w->message_count; i++)
        if (w->messages[i].kind == CMD_HOST && w->messages[i].number == number)
            return true;
    return false;
}

/* What was answered before is answered again; what was not is left alone. */
static void repeat_answer(struct race *race)
{
    struct world *w = race->w;

    if (race->seen_count == 0)
        return;
    const struct w_message *message = &race->seen[w_chance(w, (uint32_t)race->seen_count)];
    if (!is_under_way(w, message->number)) {
        struct w_call call = w_read_call(message);

        w_done(w, &call, w_target(w, json_get_raw(call.args, "target")), W_DONE);
    }
}

TEST(turns_and_answers_that_come_a_hundred_times_in_any_order_do_what_was_approved_once)
{
    struct outcome sum = { 0 };

    for (uint64_t seed = 0; seed < OF_MESSAGES; seed += EVERY) {
        struct race *race = race_at_gate(seed);

        witness_approve(&race->witness, "bob", open_gate(race->w));
        for (int i = 0; i < CONTENDERS; i++) {
            if (w_chance(race->w, 2))
                repeat_answer(race);
            else
                turn_again(race->w);
            if (w_chance(race->w, 6) == 0)
                one_message(race);
        }
        rest(race);
        race_close(race, &sum, seed);
    }
    tell("messages that come again", &sum, OF_MESSAGES);
}

/* -- two hosts, a hundred answers --------------------------------------------------------------- */

TEST(a_hundred_answers_of_several_hosts_for_one_call_are_one_answer)
{
    struct outcome sum = { 0 };

    for (uint64_t seed = 0; seed < OF_HOSTS; seed += EVERY) {
        struct race *race = race_at_gate(seed);
        struct world *w = race->w;

        witness_approve(&race->witness, "bob", open_gate(w));
        while (!w_is_applying(w))
            one_message(race);
        /* It has taken place; the answers that tell of it contradict each other. */
        struct w_call call = w_take_effect(w);
        w_effect(w, w_target(w, span_of("site-1")), &call);
        for (int i = 0; i < CONTENDERS; i++) {
            w_done(w, &call, w_target(w, span_of("site-1")), (int)w_chance(w, 4));
            if (w_chance(w, 4) == 0)
                answer_again(race, false);
        }
        rest(race);
        race_close(race, &sum, seed);
    }
    tell("answers for one call", &sum, OF_HOSTS);
}

/* -- a hundred votes ------------------------------------------------------------------------------ */

static void vote_somehow(struct race *race, const char *digest)
{
    static const char *const people[] = { "bob", "carol", "alice", "mallory", "" };
    struct world *w = race->w;
    struct w_entry *gate = w_entry(w, ENTRY_GATE, GATE_OPEN);
    uint32_t who = w_chance(w, 5);
    char json[256];

    if (gate != NULL && who < 2 && w_chance(w, 2)) {
        witness_approve(&race->witness, people[who], gate);
        return;
    }
    /* Late, for another digest, or by somebody who is not asked. */
    snprintf(json, sizeof json, "{\"digest\":\"%s\",\"gate\":\"g-000001-1\"}",
             who < 2 && gate != NULL ? w_other_hash : digest);
    w_ask(w, "approve", people[who], json);
}

TEST(a_hundred_votes_at_once_grant_one_permit)
{
    struct outcome sum = { 0 };

    for (uint64_t seed = 0; seed < OF_VOTES; seed += EVERY) {
        struct race *race = race_open(seed, gated);
        struct world *w = race->w;

        if (seed % 2 == 1)
            w_policy_is(w, two_policy);
        w_start_run(w);
        w_pump(w);
        char *digest = json_get_text(span_of(open_gate(w)->body), "digest");
        for (int i = 0; i < CONTENDERS; i++) {
            vote_somehow(race, digest);
            if (w_chance(w, 8) == 0)
                one_message(race);
        }
        free(digest);
        rest(race);
        int ends = 0;
        for (int i = 0; i < w->row_count; i++)
            ends += w->rows[i].kind == ROW_GATE_END;
        CHECK_INT(ends, 1);
        race_close(race, &sum, seed);
    }
    tell("votes", &sum, OF_VOTES);
}

/* -- the power goes --------------------------------------------------------------------------------- */

/* Goes on in a fresh engine; who voted for what was not durable votes again. */
static void again(struct race *race)
{
    w_crash(race->w);
    struct w_entry *gate = w_entry(race->w, ENTRY_GATE, GATE_OPEN);
    if (gate != NULL)
        witness_approve(&race->witness, "bob", gate);
}

TEST(what_an_old_engine_asked_for_and_hears_after_a_restart_does_nothing)
{
    struct outcome sum = { 0 };

    for (uint64_t seed = 0; seed < OF_OLD_ANSWERS; seed += EVERY) {
        struct race *race = race_at_gate(seed);

        witness_approve(&race->witness, "bob", open_gate(race->w));
        for (uint32_t i = w_chance(race->w, 8); i > 0; i--)
            one_message(race);
        again(race);
        for (int i = 0; i < CONTENDERS; i++) {
            repeat_answer(race);
            if (w_chance(race->w, 10) == 0)
                one_message(race);
        }
        rest(race);
        race_close(race, &sum, seed);
    }
    tell("an old engine's answers", &sum, OF_OLD_ANSWERS);
}

/* The row of an intent is what uses the permit up, so that there is no point in between. */
static void check_intents(struct world *w)
{
    for (int i = 0; i < w->row_count; i++) {
        struct span permit = json_get(span_of(w->rows[i].body), "p");

        if (w->rows[i].kind == ROW_INTENT)
            CHECK(json_get_int(permit, "gate", 0) == 1 &&
                  json_get_int(permit, "i", -1) == 0);
    }
}

TEST(wherever_the_power_goes_around_the_use_of_a_permit_it_is_used_once)
{
    struct outcome sum = { 0 };

    for (uint64_t seed = 0; seed < OF_CRASHES; seed += EVERY) {
        struct race *race = race_at_gate(seed);
        struct world *w = race->w;
        bool alive;

        /* Before, in and behind each turn from the vote to the end of the run. */
        w->crash_at = w->steps + (int)(seed % 16);
        w->falls = (int)w_chance(w, 3);
        alive = witness_approve(&race->witness, "bob", open_gate(w));
        for (int i = 0; i < CONTENDERS; i++) {
            if (!alive)
                again(race);
            alive = w->message_count > 0 ? w_message_turn(w) : w_tick(w);
            if (alive && w_chance(w, 3) == 0)
                alive = w_vm_gone(w);
        }
        if (!alive)
            again(race);
        w->crash_at = 0;
        rest(race);
        check_intents(w);
        race_close(race, &sum, seed);
    }
    tell("the power goes", &sum, OF_CRASHES);
}

/* -- a hundred branches, a hundred runs --------------------------------------------------------------- */

static void branch_out(struct race *race, int branches)
{
    static const struct w_wish approve = APPROVE(1, 1), end = END;
    struct w_wish wish = SET("0", 1, 2, "site-1");

    race->script[0] = approve;
    for (int i = 0; i < branches; i++) {
        char name[24];

        snprintf(name, sizeof name, "0.1.%d", i + 1);
        wish.branch = w_keep(race->w, span_of(name));
        race->script[i + 1] = wish;
    }
    race->script[branches + 1] = end;
}

TEST(of_a_hundred_branches_with_the_same_step_only_the_one_that_was_seen_is_done)
{
    struct outcome sum = { 0 };

    for (uint64_t seed = 0; seed < OF_BRANCHES; seed += EVERY) {
        struct race *race = race_open(seed, NULL);
        struct world *w = race->w;

        branch_out(race, 1);
        w->script = race->script;
        w_start_run(w);
        w_pump(w);
        witness_approve(&race->witness, "bob", open_gate(w));
        branch_out(race, CONTENDERS);
        /* Until all have been prepared and have asked for their permit. */
        for (int i = 0; i < 3 * CONTENDERS + 20; i++)
            one_message(race);
        w_commit(w);
        race_close(race, &sum, seed);
    }
    tell("branches", &sum, OF_BRANCHES);
}

TEST(of_a_hundred_runs_that_want_the_same_only_the_one_that_was_approved_does_it)
{
    struct outcome sum = { 0 };

    for (uint64_t seed = 0; seed < OF_RUNS; seed += EVERY) {
        struct race *race = race_open(seed, gated);
        struct world *w = race->w;
        int chosen = (int)w_chance(w, CONTENDERS);

        for (int i = 0; i < CONTENDERS; i++) {
            w_start_run(w);
            w_pump(w);
        }
        for (int i = 0, nth = 0; i < w->entry_count; i++)
            if (w->entries[i].kind == ENTRY_GATE && nth++ == chosen)
                witness_approve(&race->witness, "bob", &w->entries[i]);
        /* All others are woken by a vote for the gate that was approved. */
        for (int i = 1; i <= CONTENDERS; i++) {
            char json[256];

            snprintf(json, sizeof json, "{\"digest\":\"%s\",\"gate\":\"g-%06d-1\"}",
                     race->witness.list[0].digest, i);
            w_ask(w, "approve", "carol", json);
        }
        rest(race);
        race_close(race, &sum, seed);
    }
    tell("runs", &sum, OF_RUNS);
}
