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

/* -- targets that others change too ----------------------------------------------------------- */

/* The call of that kind that is under way leaves the world's hands. */
static struct w_call take_call(struct world *w, int64_t op)
{
    for (int i = 0; i < w->message_count; i++) {
        struct w_call call = { 0 };

        if (w->messages[i].kind == CMD_HOST)
            call = w_read_call(&w->messages[i]);
        if (call.id == 0 || call.op != op)
            continue;
        w->messages[i] = w->messages[--w->message_count];
        return call;
    }
    return (struct w_call){ 0 };
}

static struct w_call until_call(struct world *w, int64_t op)
{
    for (int i = 0; i < 200 && w->message_count > 0; i++) {
        struct w_call call = take_call(w, op);

        if (call.id != 0)
            return call;
        CHECK(w_message_turn(w));
    }
    CHECK(!"such a call is under way");
    return (struct w_call){ 0 };
}

TEST(while_one_run_changes_a_target_no_other_run_does)
{
    struct world *w = open_world(8, one_set);
    struct w_target *target = w_target(w, span_of("/s/a"));

    w_start_run(w);
    struct w_call first = until_call(w, HOST_APPLY);
    w_start_run(w);
    w_pump(w); /* all that the second run may do */
    CHECK_INT(target->effects, 0);
    w_effect(w, target, &first);
    w_done(w, &first, target, W_DONE);
    w_settle(w);
    CHECK_INT(target->effects, 1);
    CHECK_STR(w_state(w, 2), "done");
    w_free(w);
}

TEST(what_was_seen_before_another_run_changed_it_is_looked_at_again)
{
    struct world *w = open_world(9, one_set);
    struct w_target *target = w_target(w, span_of("/s/a"));

    w_start_run(w);
    struct w_call first = until_call(w, HOST_APPLY);
    w_start_run(w);
    struct w_call look = until_call(w, HOST_PREPARE);
    w_effect(w, target, &first);
    w_done(w, &first, target, W_DONE);
    snprintf(target->value, sizeof target->value, "old"); /* as it was seen before that */
    w_done(w, &look, target, W_DONE);
    snprintf(target->value, sizeof target->value, "new");
    w_settle(w);
    CHECK_INT(target->effects, 1);
    CHECK_INT(rows_of(w, ROW_INTENT), 1);
    CHECK_STR(w_state(w, 2), "done");
    w_free(w);
}

TEST(a_target_in_doubt_that_somebody_else_changed_is_not_written_again)
{
    struct world *w = open_world(10, one_set);
    struct w_target *target = w_target(w, span_of("/s/a"));

    w_start_run(w);
    struct w_call call = until_call(w, HOST_APPLY);
    snprintf(target->value, sizeof target->value, "theirs");
    w_done(w, &call, target, W_UNKNOWN);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "stuck");
    CHECK_STR(target->value, "theirs");
    CHECK_INT(rows_of(w, ROW_DOUBT), 1);
    w_free(w);
}

/* -- how long, how often ------------------------------------------------------------------------ */

TEST(an_hour_of_the_guard_ends_with_its_last_moment_and_allows_no_change_more)
{
    static const struct {
        int64_t after_ms;
        const char *state;
    } rows[] = { { 0, "blocked" },
                 { 3540000, "blocked" },
                 { 3599999, "blocked" },
                 { 3600000, "done" } };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world *w = w_new(11, one_set);

        w_policy_is(w, "{" SOC ",\"guards\":{\"changes_per_hour\":1},\"rules\":[{\"name\":"
                       "\"all\",\"need\":0}]}");
        w_start_run(w);
        w_settle(w);
        CHECK_STR(w_state(w, 1), "done");
        for (int row = 0; row < w->row_count; row++)
            if (w->rows[row].kind == ROW_INTENT)
                w->now_ms = w->rows[row].at_ms + rows[i].after_ms;
        snprintf(w_target(w, span_of("/s/a"))->value, 32, "old");
        w_start_run(w);
        w_pump(w);
        CHECK_STR(w_state(w, 2), rows[i].state);
        w_free(w);
    }
}

TEST(a_hold_lasts_until_the_moment_that_it_was_given)
{
    static const struct w_wish expiring[] = {
        { 1, "0", 1, "step", "noop.set",
          "{\"expires\":\"1h\",\"on_expire\":\"release\",\"target\":\"/s/"
          "a\",\"value\":\"new\"}" },
        END
    };
    struct world *w = open_world(12, expiring);

    w_start_run(w);
    w_pump(w);
    CHECK_STR(w_state(w, 1), "done");
    struct w_entry *hold = w_entry(w, ENTRY_HOLD, HOLD_ON);
    int64_t due_ms = hold->due_ms;
    for (int64_t early = 59000; early >= 0; early -= early > 1 ? early - 1 : 1) {
        hold = w_entry(w, ENTRY_HOLD, HOLD_ON);
        w->now_ms = due_ms - early;
        w_handle(w, &(struct event){ .kind = EV_DUE,
                                     .run = hold->run,
                                     .number = hold->kind,
                                     .number2 = hold->n,
                                     .json = span_of(hold->body) });
        w_pump(w);
        CHECK_STR(w_target(w, span_of("/s/a"))->value, early > 0 ? "new" : "old");
    }
    w_free(w);
}

TEST(a_permit_is_good_to_its_last_moment_after_the_grant_and_not_one_longer)
{
    for (int late = 0; late < 2; late++) {
        struct world *w = w_new(13, gated_set); /* a change wants one approval */

        w->approves = false;
        w_start_run(w);
        w_pump(w);
        int64_t good_ms =
            json_get_int(span_of(w_entry(w, ENTRY_GATE, GATE_OPEN)->body), "execute", 0);
        CHECK(good_ms > 0);
        w_ask(w, "halt", "bob", "{\"reason\":\"x\",\"scope\":\"all\"}");
        w_vote(w, "approve", "bob", w_entry(w, ENTRY_GATE, GATE_OPEN));
        w_pump(w);
        w->now_ms += good_ms + late;
        w_ask(w, "resume", "bob", "{\"scope\":\"all\"}");
        w_pump(w);
        CHECK_INT(w->applies, late ? 0 : 1);
        w_free(w);
    }
}

/* -- people --------------------------------------------------------------------------------------- */

TEST(two_accounts_that_turn_out_to_be_one_person_count_once)
{
    static const struct w_wish three[] = {
        { 1, "0", 1, "approve", "",
          "{\"from\":\"soc\",\"need\":3,\"title\":\"go on\",\"within\":\"30m\"}" },
        END
    };
    static const char apart[] =
        "{\"groups\":{\"soc\":[\"bob\",\"bob-adm\",\"carol\",\"dave\"]},"
        "\"rules\":[]}";
    static const char one[] =
        "{\"groups\":{\"soc\":[\"bob\",\"bob-adm\",\"carol\",\"dave\"]},"
        "\"people\":{\"bob\":{\"accounts\":[\"bob-adm\"]}},\"rules\":[]}";
    struct world *w = w_new(14, three);

    w->approves = false;
    w_policy_is(w, apart);
    w_start_run(w);
    w_pump(w);
    w_vote(w, "approve", "bob", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_vote(w, "approve", "bob-adm", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_policy_is(w, one);
    w_vote(w, "approve", "carol", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    CHECK_STR(w_state(w, 1), "waiting");
    w_vote(w, "approve", "dave", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    CHECK_STR(w_state(w, 1), "done");
    w_free(w);
}

TEST(nobody_hears_that_something_is_so_before_it_is_durable)
{
    static const struct {
        const char *verb, *json;
    } rows[] = {
        { "halt", "{\"reason\":\"x\",\"scope\":\"all\"}" },
        { "resume", "{\"scope\":\"all\"}" },
    };
    struct world *w = open_world(15, gated_set);

    w->approves = false;
    w_start_run(w);
    w_pump(w);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct event event = { .kind = EV_ASK,
                               .name = span_of(rows[i].verb),
                               .who = span_of("bob"),
                               .json = span_of(rows[i].json),
                               .number = 15,
                               .now_ms = w->now_ms };
        int replies = 0, written = 0;

        turn_reset(w->turn);
        engine_handle(w->engine, &event, w->turn);
        for (int item = 0; item < w->turn->item_count; item++)
            written += w->turn->items[item].is_row;
        for (int c = 0; c < w->turn->command_count; c++) {
            if (w->turn->commands[c].kind != CMD_REPLY)
                continue;
            replies++;
            CHECK(w->turn->commands[c].after_commit);
        }
        CHECK(written > 0);
        CHECK_INT(replies, 1);
    }
    w_free(w);
}

/* -- replay --------------------------------------------------------------------------------------- */

/* Arguments whose hash begins as that of others does, in its first two letters. */
static char *like(struct world *w, const char *args)
{
    struct hash wanted = hash_of(args, strlen(args)), hash;
    char text[128];

    for (int i = 0;; i++) {
        snprintf(text, sizeof text, "{\"target\":\"/s/a\",\"value\":\"%d\"}", i);
        hash = hash_of(text, strlen(text));
        if (hash.bytes[0] == wanted.bytes[0])
            return w_keep(w, span_of(text));
    }
}

TEST(a_replay_with_other_arguments_diverges_however_alike_their_hashes_are)
{
    static const char args[] = "{\"target\":\"/s/a\",\"value\":\"new\"}";
    static const struct w_wish before[] = { { 1, "0", 1, "step", "noop.set", args },
                                            APPROVE(2, 2),
                                            END };
    struct world *w = open_world(16, before);
    struct w_wish after[] = { { 1, "0", 1, "step", "noop.set", like(w, args) },
                              APPROVE(2, 2),
                              END };

    w->approves = false;
    w_start_run(w);
    w_pump(w);
    CHECK_STR(w_state(w, 1), "waiting");
    w->script = after;
    w->approves = true;
    w_settle(w);
    CHECK_STR(w_state(w, 1), "diverged");
    w_free(w);
}
