/* SPDX-License-Identifier: Apache-2.0 */
/* Gates in parallel branches, what a preview shows of them, questions, reminders. */
#include "world.h"

#include "engine/digest.h"

static const struct w_wish side_by_side[] = {
    { 1, "0.1.1", 1, "approve", "", "{\"from\":\"soc\",\"need\":1,\"title\":\"one\"}" },
    { 1, "0.1.2", 1, "approve", "", "{\"from\":\"soc\",\"need\":1,\"title\":\"two\"}" },
    SET("0.1.3", 1, 1, "c"),
    SET("0", 2, 2, "d"),
    END
};
static const struct w_wish in_turn[] = { SET("0", 1, 1, "a"), SET("0", 2, 2, "b"), END };
static const struct w_wish forked[] = { SET("0.1.1", 1, 1, "a"), SET("0.1.2", 1, 2, "b"),
                                        SET("0", 2, 3, "c"), END };

static struct world *started(const struct w_wish *script, const char *policy)
{
    struct world *w = w_new(7, script);

    w->approves = false;
    w_policy_is(w, policy);
    w_start_run(w);
    w_pump(w);
    return w;
}

static int open_gates(struct world *w)
{
    int count = 0;

    for (int i = 0; i < w->entry_count; i++)
        count += w->entries[i].kind == ENTRY_GATE && w->entries[i].state == GATE_OPEN;
    return count;
}

static struct w_entry *gate(struct world *w, int n)
{
    for (int i = 0; i < w->entry_count; i++)
        if (w->entries[i].kind == ENTRY_GATE && w->entries[i].n == n)
            return &w->entries[i];
    FAIL("there is no gate %d", n);
    return NULL;
}

static int rows_of(struct world *w, int kind)
{
    int count = 0;

    for (int i = 0; i < w->row_count; i++)
        count += w->rows[i].kind == kind;
    return count;
}

static struct span change(struct world *w, int n, int index)
{
    struct span list = json_get(span_of(gate(w, n)->body), "changes"), item = { 0 };
    size_t pos = 0;

    for (int i = 0; i <= index; i++)
        CHECK(json_next(list, &pos, NULL, &item));
    return item;
}

TEST(gates_of_parallel_branches_block_only_their_branch)
{
    struct world *w = started(side_by_side, w_open_policy);

    CHECK_INT(open_gates(w), 2);
    CHECK_INT(w_target(w, span_of("c"))->effects, 1);
    w_vote(w, "approve", "bob", gate(w, 2));
    w_pump(w);
    CHECK_INT(open_gates(w), 1);
    CHECK_INT(w_target(w, span_of("d"))->effects, 0);
    w_vote(w, "approve", "carol", gate(w, 1));
    w_pump(w);
    w_vote(w, "approve", "carol", gate(w, 3)); /* neither of the two could show d */
    w_pump(w);
    CHECK_INT(w_target(w, span_of("d"))->effects, 1);
    CHECK_STR(w_state(w, 1), "done");
    w_free(w);
}

TEST(two_open_gates_of_a_run_want_to_be_named_also_after_a_crash)
{
    struct world *w = started(side_by_side, w_open_policy);

    for (int round = 0; round < 2; round++) {
        w_ask(w, "approve", "bob", "{\"digest\":\"x\",\"gate\":\"r-000001\"}");
        w_pump(w);
        CHECK_INT(w->replies[w->next_ask - 1].exit, 2);
        CHECK_HAS(w->replies[w->next_ask - 1].json, "g-000001-1 and g-000001-2");
        w_ask(w, "deny", "bob",
              "{\"digest\":\"x\",\"reason\":\"no\",\"run\":\"r-000001\"}");
        w_pump(w);
        CHECK_HAS(w->replies[w->next_ask - 1].json, "g-000001-1 and g-000001-2");
        w_crash(w);
        w_pump(w);
    }
    CHECK_INT(open_gates(w), 2);
    w_free(w);
}

TEST(one_branch_that_waits_at_a_gate_does_not_keep_a_preview_from_showing_the_others)
{
    struct world *w = started(side_by_side, w_policy);
    struct span body = span_of(gate(w, 1)->body);

    CHECK_INT(json_count(json_get(body, "changes")), 1);
    CHECK_SPAN(json_get_raw(change(w, 1, 0), "target"), "c");
    CHECK_SPAN(json_get_raw(body, "more"), "what follows the next gate is shown there");
    w_free(w);
}

TEST(a_change_that_comes_after_a_planned_one_is_shown_as_assumed)
{
    struct world *w = started(in_turn, w_policy);

    CHECK_INT(json_count(json_get(span_of(gate(w, 1)->body), "changes")), 2);
    CHECK(!json_get_bool(change(w, 1, 0), "assumed", false));
    CHECK(json_get_bool(change(w, 1, 1), "assumed", false));
    w_free(w);
}

static const struct w_wish then_a_question[] = {
    SET("0", 1, 1, "a"), { 2, "0", 2, "ask", "", "{\"from\":\"soc\",\"title\":\"?\"}" }, END
};
static const struct w_wish approved[] = {
    { 1, "0", 1, "approve", "", "{\"from\":\"soc\",\"need\":1,\"title\":\"go on\"}" },
    SET("0", 2, 2, "b"),
    SET("0", 3, 3, "c"),
    END
};
static const struct w_wish a_note_after[] = {
    SET("0", 1, 1, "a"), { 2, "0", 2, "note", "", "{\"text\":\"done\"}" }, END
};

/* What a plan and a gate say of their limits: "" and [] when there are none. */
static const struct {
    const struct w_wish *script;
    const char *plan_assumes, *gate_assumes, *plan_more, *gate_more;
} limits[] = {
    { in_turn, "[\"0/1 noop.set on a ends as planned\"]",
      "[\"0/1 noop.set on a ends as planned\"]", "", "" },
    { forked,
      "[\"0.1.1/1 noop.set on a ends as planned\",\"0.1.2/1 noop.set on b ends as "
      "planned\"]",
      "[\"0.1.1/1 noop.set on a ends as planned\",\"0.1.2/1 noop.set on b ends as "
      "planned\"]",
      "", "" },
    { then_a_question, "[]", "", "what follows depends on a question to people",
      "what follows depends on a question to people" },
    { approved,
      "[\"approval \\\"go on\\\" is given\",\"0/2 noop.set on b ends as planned\"]",
      "[\"0/2 noop.set on b ends as planned\"]", "", "" },
    { side_by_side,
      "[\"approval \\\"one\\\" is given\",\"approval \\\"two\\\" is given\",\"0.1.3/1 "
      "noop.set on c ends as planned\"]",
      "", "", "what follows the next gate is shown there" },
    { a_note_after, "[]", "", "", "" },
};

static void check_limits(struct span preview, const char *assumes, const char *more)
{
    CHECK_SPAN(json_get(preview, "assumes"), assumes);
    CHECK_SPAN(json_get_raw(preview, "more"), more);
}

static struct span reply_to(struct world *w, const char *verb, const char *args)
{
    w_ask(w, verb, "bob", args);
    w_pump(w);
    return span_of(w->replies[w->next_ask - 1].json);
}

TEST(a_plan_a_gate_and_its_explanation_say_what_is_cut_short_and_what_is_assumed)
{
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct world *w = started(limits[i].script, w_policy);

        check_limits(span_of(gate(w, 1)->body), limits[i].gate_assumes,
                     limits[i].gate_more);
        const char *gate_assumes = limits[i].gate_assumes;
        check_limits(reply_to(w, "explain", "{\"run\":\"r-000001\"}"),
                     gate_assumes[0] != '\0' ? gate_assumes : "[]", limits[i].gate_more);
        check_limits(reply_to(w, "plan", "{\"name\":\"p\",\"params\":{}}"),
                     limits[i].plan_assumes, limits[i].plan_more);
        w_free(w);
    }
}

TEST(branches_side_by_side_assume_nothing_of_each_other_and_what_joins_them_does)
{
    struct world *w = started(forked, w_policy);

    CHECK_INT(json_count(json_get(span_of(gate(w, 1)->body), "changes")), 3);
    CHECK(!json_get_bool(change(w, 1, 1), "assumed", false));
    CHECK(json_get_bool(change(w, 1, 2), "assumed", false));
    w_free(w);
}

TEST(a_gate_shows_what_each_guard_comes_to_with_each_change)
{
    struct world *w = started(in_turn, w_policy);

    for (int i = 0; i < 2; i++) {
        struct span guards = json_get(change(w, 1, i), "guards"), guard;
        size_t pos = 0;

        CHECK(json_count(guards) >= 4);
        while (json_next(guards, &pos, NULL, &guard)) {
            CHECK_INT(json_get_int(guard, "count", 0), i + 1);
            CHECK(json_get_int(guard, "of", 0) > 1);
        }
    }
    w_free(w);
}

/* -- what is due ------------------------------------------------------------------------------- */

static const struct w_wish waits[] = {
    { 1, "0", 1, "approve", "",
      "{\"escalate\":[{\"after\":\"10m\",\"from\":\"cm\"}],\"from\":\"soc\",\"need\":1,"
      "\"on_timeout\":\"deny\",\"title\":\"go on\",\"within\":\"30m\"}" },
    END
};
static const char reminds[] =
    "{\"gate\":{\"remind\":[\"5m\",\"12m\",\"20m\"]},\"groups\":{\"cm\":[\"dora\"],"
    "\"soc\":[\"bob\"]},\"rules\":[{\"name\":\"all\",\"need\":0}]}";

/* Time goes by until the journal has more rows. */
static void until_something_happens(struct world *w)
{
    int count = w->row_count;

    while (w->row_count == count) {
        CHECK_INT(w_by_itself(w), 1);
        w_pump(w);
    }
}

TEST(a_gate_reminds_and_escalates_at_its_times_and_says_so_in_rows)
{
    struct world *w = started(waits, reminds);
    int64_t opened_ms = w->now_ms;

    CHECK_INT(gate(w, 1)->due_ms, opened_ms + 5 * 60000);
    until_something_happens(w);
    CHECK_INT(rows_of(w, ROW_REMIND), 1);
    CHECK_INT(gate(w, 1)->due_ms, opened_ms + 10 * 60000);
    w_crash(w);
    w_pump(w);
    until_something_happens(w);
    CHECK_INT(rows_of(w, ROW_REMIND), 1);
    CHECK_INT(rows_of(w, ROW_ESCALATE), 1);
    CHECK_INT(gate(w, 1)->due_ms, opened_ms + 12 * 60000);
    w_settle(w);
    CHECK_INT(rows_of(w, ROW_REMIND), 3);
    CHECK_STR(w_state(w, 1), "denied");
    w_free(w);
}

TEST(an_engine_that_was_away_reminds_once_for_all_that_it_missed)
{
    struct world *w = started(waits, reminds);

    w->now_ms += 21 * 60000;
    until_something_happens(w);
    CHECK_INT(rows_of(w, ROW_REMIND), 1);
    CHECK_INT(rows_of(w, ROW_ESCALATE), 1);
    CHECK_INT(gate(w, 1)->state, GATE_OPEN);
    w_free(w);
}

/* -- questions ---------------------------------------------------------------------------------- */

struct answer_case {
    const char *args, *value;
    bool is_taken;
};

static const struct answer_case answers[] = {
    { "\"type\":\"string\"", "\"yes\"", true },
    { "\"type\":\"string\"", "1", false },
    { "\"type\":\"string\"", "null", false },
    { "\"type\":\"integer\"", "7", true },
    { "\"type\":\"integer\"", "-7", true },
    { "\"type\":\"integer\"", "7.5", false },
    { "\"type\":\"integer\"", "\"7\"", false },
    { "\"type\":\"number\"", "7.5", true },
    { "\"type\":\"number\"", "7", true },
    { "\"type\":\"number\"", "true", false },
    { "\"type\":\"boolean\"", "true", true },
    { "\"type\":\"boolean\"", "false", true },
    { "\"type\":\"boolean\"", "0", false },
    { "\"type\":\"boolean\"", "\"true\"", false },
    { "\"type\":\"ip\"", "\"203.0.113.7\"", true },
    { "\"type\":\"ip\"", "\"2001:db8::1\"", true },
    { "\"type\":\"ip\"", "\"203.0.113\"", false },
    { "\"type\":\"ip\"", "203", false },
    { "\"type\":\"uuid\"", "\"123e4567-e89b-12d3-a456-426614174000\"", true },
    { "\"type\":\"uuid\"", "\"123e4567\"", false },
    { "\"type\":\"duration\"", "\"24h\"", true },
    { "\"type\":\"duration\"", "\"a while\"", false },
    { "\"type\":\"time\"", "\"2026-11-25T22:00:00Z\"", true },
    { "\"type\":\"time\"", "\"tomorrow\"", false },
    { "\"type\":\"arm_id\"",
      "\"/subscriptions/123e4567-e89b-12d3-a456-426614174000/resourceGroups/shop\"", true },
    { "\"type\":\"arm_id\"", "\"shop\"", false },
    { "\"choices\":[\"yes\",\"no\"],\"type\":\"string\"", "\"no\"", true },
    { "\"choices\":[\"yes\",\"no\"],\"type\":\"string\"", "\"maybe\"", false },
    { "\"choices\":[\"yes\",\"no\"],\"type\":\"string\"", "[\"yes\"]", false },
};

static void check_answer(const struct answer_case *one)
{
    struct w_wish script[] = { { 1, "0", 1, "ask", "", NULL }, END };
    char args[256], ask[256];

    /* Keys stand in order, as the VM sends them. */
    bool has_choices = strncmp(one->args, "\"choices\"", 9) == 0;
    snprintf(args, sizeof args,
             has_choices ? "{%.*s,\"from\":\"soc\",\"title\":\"?\",\"type\":\"string\"}"
                         : "{\"from\":\"soc\",\"title\":\"?\",%.*s}",
             has_choices ? 22 : 100, one->args);
    script[0].args = args;
    struct world *w = started(script, w_policy);
    snprintf(ask, sizeof ask, "{\"follow\":false,\"gate\":\"g-000001-1\",\"value\":%s}",
             one->value);
    w_ask(w, "answer", "bob", ask);
    w_pump(w);
    if ((w->replies[w->next_ask - 1].exit == 0) != one->is_taken ||
        (strcmp(w_state(w, 1), "done") == 0) != one->is_taken)
        FAIL("%s answered with %s: %s", one->args, one->value,
             w->replies[w->next_ask - 1].json);
    w_free(w);
}

TEST(an_answer_is_taken_when_it_is_of_the_type_that_is_asked_for)
{
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        check_answer(&answers[i]);
}

TEST(a_question_is_answered_and_not_approved)
{
    static const struct w_wish asks[] = {
        { 1, "0", 1, "ask", "", "{\"from\":\"soc\",\"title\":\"?\",\"type\":\"string\"}" },
        END
    };
    struct world *w = started(asks, w_policy);

    w_vote(w, "approve", "bob", gate(w, 1));
    w_pump(w);
    CHECK_INT(w->replies[w->next_ask - 1].exit, 2);
    CHECK_INT(gate(w, 1)->state, GATE_OPEN);
    w_free(w);
}

/* -- a fan-out has one gate ------------------------------------------------------------------- */

static const struct w_wish fan_out[] = { SET("0.1.1", 1, 1, "a"), SET("0.1.2", 1, 1, "b"),
                                         SET("0.1.3", 1, 1, "c"), SET("0", 2, 2, "d"),
                                         END };

static void check_effects(struct world *w, int a, int b, int c, int d)
{
    CHECK_INT(w_target(w, span_of("a"))->effects, a);
    CHECK_INT(w_target(w, span_of("b"))->effects, b);
    CHECK_INT(w_target(w, span_of("c"))->effects, c);
    CHECK_INT(w_target(w, span_of("d"))->effects, d);
}

TEST(branches_that_come_to_their_gates_together_have_one_gate_that_covers_all_of_them)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct world *w = w_new(seed, fan_out);

        w->approves = false;
        w_policy_is(w, w_policy);
        w_start_run(w);
        w_pump(w);
        CHECK_INT(open_gates(w), 1);
        CHECK_INT(json_count(json_get(span_of(gate(w, 1)->body), "changes")), 4);
        check_effects(w, 0, 0, 0, 0);
        w_vote(w, "approve", "bob", gate(w, 1));
        w_pump(w);
        CHECK_STR(w_state(w, 1), "done");
        CHECK_INT(rows_of(w, ROW_GATE), 1);
        check_effects(w, 1, 1, 1, 1);
        w_free(w);
    }
}

TEST(wherever_the_power_goes_a_fan_out_has_one_gate_and_each_change_happens_once)
{
    for (int at = 1; at < 60; at++) {
        struct world *w = w_new(300 + (uint64_t)at, fan_out);

        w_policy_is(w, w_policy);
        w->crash_at = w->steps + at;
        w_start_run(w);
        w_settle(w);
        if (w_run(w, 1) != NULL) {
            CHECK_STR(w_state(w, 1), "done");
            CHECK_INT(rows_of(w, ROW_GATE), 1);
            check_effects(w, 1, 1, 1, 1);
        }
        w_free(w);
    }
}

TEST(a_fan_out_whose_gate_is_denied_changes_nothing)
{
    struct world *w = started(fan_out, w_policy);

    w_vote(w, "deny", "bob", gate(w, 1));
    w_pump(w);
    CHECK_STR(w_state(w, 1), "denied");
    CHECK_INT(rows_of(w, ROW_GATE), 1);
    check_effects(w, 0, 0, 0, 0);
    w_free(w);
}

TEST(a_fan_out_whose_gate_expires_is_asked_again_in_one_gate)
{
    struct world *w =
        started(fan_out, "{\"gate\":{\"on_timeout\":\"hold\"},\"groups\":{\"soc\":["
                         "\"bob\",\"carol\"]},\"rules\":[]}");

    for (int round = 1; round <= 3; round++) {
        struct w_entry *open = gate(w, round);
        struct event due = { .kind = EV_DUE,
                             .run = 1,
                             .number = ENTRY_GATE,
                             .number2 = round,
                             .json = span_of(open->body) };

        w->now_ms = json_get_int(span_of(open->body), "due", 0) + 1;
        w_handle(w, &due);
        w_pump(w);
        CHECK_INT(open_gates(w), 1);
        CHECK_INT(rows_of(w, ROW_GATE), round + 1);
        if (round == 2)
            w_crash(w);
        w_pump(w);
    }
    w_vote(w, "approve", "bob", gate(w, 4));
    w_pump(w);
    CHECK_STR(w_state(w, 1), "done");
    check_effects(w, 1, 1, 1, 1);
    w_free(w);
}

TEST(of_a_fan_out_only_what_is_another_than_what_was_approved_has_a_gate_of_its_own)
{
    struct world *w = started(fan_out, w_policy);

    snprintf(w_target(w, span_of("b"))->value, sizeof w->targets[0].value, "theirs");
    w_vote(w, "approve", "bob", gate(w, 1));
    w_pump(w);
    CHECK_INT(open_gates(w), 1);
    CHECK_INT(rows_of(w, ROW_GATE), 2);
    check_effects(w, 1, 0, 1, 0);
    CHECK_HAS(gate(w, 2)->body, "the target's state");
    w_vote(w, "approve", "carol", gate(w, 2));
    w_pump(w);
    CHECK_STR(w_state(w, 1), "done");
    check_effects(w, 1, 1, 1, 1);
    w_free(w);
}

/* While a preview looks at the others, somebody changes a target that it has seen already. */
TEST(a_branch_that_the_gate_shows_as_it_is_not_waits_at_a_gate_of_its_own)
{
    struct world *w = w_new(7, fan_out);

    w->approves = false;
    w->may_edit = false;
    w_policy_is(w, w_policy);
    w_start_run(w);
    for (int i = 0; i < 1000 && rows_of(w, ROW_GATE) == 0; i++)
        CHECK(w_message_turn(w));
    snprintf(w_target(w, span_of("a"))->value, sizeof w->targets[0].value, "theirs");
    snprintf(w_target(w, span_of("b"))->value, sizeof w->targets[0].value, "theirs");
    w_commit(w);
    w->message_count = 0;
    w_crash(w); /* what waits beside the gate's own step is looked at again */
    w_vote(w, "approve", "bob", gate(w, 1));
    w_pump(w);
    check_effects(w, 0, 0, 1, 0);
    CHECK_INT(open_gates(w), 1); /* for both that differ */
    w_vote(w, "approve", "carol", gate(w, 2));
    w_pump(w);
    CHECK_STR(w_state(w, 1), "done");
    check_effects(w, 1, 1, 1, 1);
    w_free(w);
}

/* A second gate that lists the same, as versions before this one opened it for another branch. */
static void add_second_gate(struct world *w)
{
    struct span first = span_of(gate(w, 1)->body), key, value, args = { 0 };
    struct str body = { 0 }, whole = { 0 };
    struct json_out out = { .str = &body };
    char hex[HASH_HEX_LEN + 1];
    size_t pos = 0;
    int64_t prev = 0;

    bool is_of_a = span_is(json_get_raw(first, "b"), "0.1.2");
    const char *path = is_of_a ? "0.1.1/1" : "0.1.2/1";

    for (int i = 0; i < 3; i++)
        if (span_is(json_get_raw(change(w, 1, i), "path"), path))
            args = json_get(change(w, 1, i), "args");
    hash_hex(hash_of(args.ptr, args.len), hex);
    hex[16] = '\0';
    json_open(&out, '{');
    while (json_next(first, &pos, &key, &value)) {
        if (span_is(key, "digest"))
            continue;
        json_key_span(&out, key);
        if (span_is(key, "b"))
            json_string(&out, is_of_a ? "0.1.1" : "0.1.2");
        else if (span_is(key, "g"))
            json_raw_value(&out, span_of("2"));
        else if (span_is(key, "h"))
            json_string(&out, hex);
        else
            json_raw_value(&out, span_is(key, "args") ? args : value);
    }
    json_close(&out);
    gate_digest(str_span(&body), 1, hex);
    gate_put_digest(&whole, str_span(&body), hex);
    for (int i = 0; i < w->row_count; i++)
        if (w->rows[i].run == 1)
            prev = w->rows[i].seq;
    w->rows[w->row_count] =
        (struct w_row){ w->row_count + 1, 1,        prev,
                        w->now_ms,        ROW_GATE, w_keep(w, str_span(&whole)) };
    w->row_count++;
    w_put(w, &(struct turn_entry){ .kind = ENTRY_GATE,
                                   .run = 1,
                                   .n = 2,
                                   .state = GATE_OPEN,
                                   .due_ms = json_get_int(first, "due", 0),
                                   .body = str_span(&whole) });
    w_commit(w);
    str_fini(&body);
    str_fini(&whole);
}

TEST(a_journal_with_a_gate_for_each_branch_goes_on_as_it_did)
{
    for (int first = 1; first <= 2; first++) {
        struct world *w = started(fan_out, w_policy);

        add_second_gate(w);
        w_crash(w);
        w_pump(w);
        CHECK_INT(open_gates(w), 2);
        w_vote(w, "approve", "bob", gate(w, first));
        w_pump(w);
        CHECK_INT(open_gates(w), 1);
        CHECK_INT(w_target(w, span_of("a"))->effects + w_target(w, span_of("b"))->effects,
                  1);
        CHECK_INT(w_target(w, span_of("c"))->effects, 1);
        CHECK_INT(w_target(w, span_of("d"))->effects, 0);
        w_vote(w, "approve", "bob", gate(w, 3 - first));
        w_pump(w);
        CHECK_STR(w_state(w, 1), "done");
        CHECK_INT(rows_of(w, ROW_GATE), 2);
        check_effects(w, 1, 1, 1, 1);
        w_free(w);
    }
}
