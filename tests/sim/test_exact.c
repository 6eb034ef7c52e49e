/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where one letter, one moment or one look makes the difference: each of these tests is about
 * the last value that counts and the first that does not.
 */
#include "world.h"

#define SOC  "\"groups\":{\"boss\":[\"dave\"],\"soc\":[\"bob\",\"carol\"]}"
#define OPEN "{" SOC ",\"rules\":[{\"name\":\"all\",\"need\":0}]}"

static const struct w_wish one_set[] = { SET("0", 1, 1, "/s/a"), END };
static const struct w_wish gated_set[] = { APPROVE(1, 1), SET("0", 2, 2, "/s/a"), END };

static struct world *open_world(uint64_t seed, const struct w_wish *script)
{
    struct world *w = w_new(seed, script);

    w_policy_is(w, OPEN);
    return w;
}

static const char *last_reply(const struct world *w)
{
    return w->replies[w->next_ask - 1].json;
}

static int rows_of(const struct world *w, int kind)
{
    int count = 0;

    for (int i = 0; i < w->row_count; i++)
        count += w->rows[i].kind == kind;
    return count;
}

/* -- votes ---------------------------------------------------------------------------------- */

/* A vote for the first letters of the gate's digest, and then some. */
static void vote_with(struct world *w, int letters, const char *more)
{
    const struct w_entry *gate = w_entry(w, ENTRY_GATE, GATE_OPEN);
    char *digest = json_get_text(span_of(gate->body), "digest"), ask[256];

    snprintf(ask, sizeof ask, "{\"digest\":\"%.*s%s\",\"gate\":\"g-%06" PRId64 "-%d\"}",
             letters, digest, more, gate->run, gate->n);
    free(digest);
    w_ask(w, "approve", "bob", ask);
    w_pump(w);
}

TEST(a_vote_names_the_whole_digest_and_no_part_of_it_or_more)
{
    static const struct {
        int letters;
        const char *more;
    } rows[] = { { 0, "" },
                 { 1, "" },
                 { 12, "" },
                 { HASH_HEX_LEN - 1, "" },
                 { 63, "x" },
                 { 64, ""
                       "0" },
                 { 12, "\\u0000" } };
    struct world *w = open_world(1, gated_set);

    w->approves = false;
    w_start_run(w);
    w_pump(w);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        vote_with(w, rows[i].letters, rows[i].more);
        CHECK_HAS(last_reply(w), "\"code\":\"digest\"");
    }
    CHECK_INT(rows_of(w, ROW_VOTE), 0);
    CHECK_STR(w_state(w, 1), "waiting");
    vote_with(w, HASH_HEX_LEN, "");
    CHECK_STR(w_state(w, 1), "done");
    w_free(w);
}

TEST(a_vote_counts_until_the_moment_before_the_deadline_of_its_gate)
{
    for (int late = 0; late < 2; late++) {
        struct world *w = open_world(2, gated_set);

        w->approves = false;
        w_start_run(w);
        w_pump(w);
        w->now_ms =
            json_get_int(span_of(w_entry(w, ENTRY_GATE, GATE_OPEN)->body), "due", 0) - 1 +
            late;
        w_vote(w, "approve", "bob", w_entry(w, ENTRY_GATE, GATE_OPEN));
        w_pump(w);
        CHECK_INT(w->applies, late ? 0 : 1);
        if (late)
            CHECK_HAS(last_reply(w), "\"code\":\"gate_closed\"");
        w_free(w);
    }
}

/* -- moments -------------------------------------------------------------------------------- */

TEST(a_freeze_holds_from_its_first_moment_to_its_last)
{
    static const struct {
        const char *at;
        bool is_frozen;
    } rows[] = { { "2023-11-15T09:59:59.999Z", false },
                 { "2023-11-15T10:00:00Z", true },
                 { "2023-11-15T10:59:00Z", true },
                 { "2023-11-15T10:59:59.999Z", true },
                 { "2023-11-15T11:00:00Z", false } };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world *w = w_new(3, one_set);

        w_policy_is(w, "{\"freeze\":[{\"from\":\"2023-11-15T10:00:00Z\",\"name\":\"night\","
                       "\"to\":\"2023-11-15T11:00:00Z\"}]," SOC
                       ",\"rules\":[{\"name\":\"all\",\"need\":0}]}");
        CHECK(moment_parse(span_of(rows[i].at), &w->now_ms));
        w_start_run(w);
        w_settle(w);
        CHECK_STR(w_state(w, 1), rows[i].is_frozen ? "blocked" : "done");
        w_free(w);
    }
}

/* -- halts ---------------------------------------------------------------------------------- */

static const char called_hash[] =
    "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee";

/* Run 1 of playbook "p" calls playbook "q", whose run changes something. */
static struct world *calling_world(uint64_t seed)
{
    static const struct w_wish calls[] = {
        { 1, "0", 1, "call", "", "{\"params\":{},\"playbook\":\"q\"}" }, END
    };
    struct world *w = open_world(seed, calls);

    w->found = called_hash;
    w->scripts[2] = one_set;
    w_handle(w, &(struct event){ .kind = EV_PLAYBOOK,
                                 .name = span_of(called_hash),
                                 .json = span_of("{\"name\":\"q\",\"params\":{\"type\":"
                                                 "\"object\"}}"),
                                 .who = span_of("dora"),
                                 .text = span_of("source of q") });
    w_commit(w);
    return w;
}

TEST(halting_a_playbook_stops_it_also_when_another_called_it)
{
    struct world *w = calling_world(4);

    w_ask(w, "halt", "bob", "{\"reason\":\"x\",\"scope\":\"playbook:q\"}");
    w_start_run(w);
    w_pump(w);
    CHECK_INT(w->applies, 0);
    w_ask(w, "resume", "bob", "{\"scope\":\"playbook:q\"}");
    w_settle(w);
    CHECK_INT(w->applies, 1);
    CHECK_STR(w_state(w, 1), "done");
    w_free(w);
}

TEST(a_halt_is_for_the_playbook_or_the_plugin_of_exactly_that_name)
{
    static const struct {
        const char *scope;
        bool holds;
    } rows[] = { { "playbook:p", true },    { "playbook:pp", false },
                 { "playbook:", false },    { "plugin:noop", true },
                 { "plugin:noo", false },   { "plugin:noop.set", false },
                 { "plugin:noop2", false }, { "all", true } };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world *w = open_world(5, one_set);
        char ask[128];

        snprintf(ask, sizeof ask, "{\"reason\":\"x\",\"scope\":\"%s\"}", rows[i].scope);
        w_ask(w, "halt", "bob", ask);
        w_start_run(w);
        w_pump(w);
        CHECK_INT(w->applies, rows[i].holds ? 0 : 1);
        w_free(w);
    }
}

TEST(a_halt_of_everything_holds_a_rollback_too)
{
    struct world *w = open_world(6, one_set);

    w_start_run(w);
    w_settle(w);
    w_ask(w, "halt", "bob", "{\"reason\":\"x\",\"scope\":\"all\"}");
    w_ask(w, "rollback", "bob", "{\"run\":\"r-1\"}");
    w_pump(w);
    CHECK_STR(w_target(w, span_of("/s/a"))->value, "new");
    w_ask(w, "resume", "bob", "{\"scope\":\"all\"}");
    w_settle(w);
    CHECK_STR(w_target(w, span_of("/s/a"))->value, "old");
    w_free(w);
}

/* -- looks ---------------------------------------------------------------------------------- */

/* Time goes on to the next timer, and what it wakes is done. */
static void go_on(struct world *w)
{
    CHECK(w->timer_ms > 0);
    w->now_ms = w->now_ms < w->timer_ms ? w->timer_ms : w->now_ms;
    w->timer_ms = 0;
    CHECK(w_handle(w, &(struct event){ .kind = EV_TICK }));
    w_pump(w);
}

TEST(an_effect_in_doubt_that_shows_after_the_first_look_is_not_sent_again)
{
    struct world *w = open_world(7, one_set);

    w_start_run(w);
    for (int i = 0; i < 100 && !w_is_applying(w); i++)
        CHECK(w_message_turn(w));
    struct w_call call = w_take_effect(w);
    w_done(w, &call, w_target(w, span_of("/s/a")), W_UNKNOWN);
    w_pump(w);
    go_on(w); /* the first look: nothing is to be seen */
    w_effect(w, w_target(w, span_of("/s/a")), &call); /* and there it is */
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    CHECK_INT(rows_of(w, ROW_INTENT), 1);
    CHECK_INT(w_target(w, span_of("/s/a"))->effects, 1);
    w_free(w);
}
