/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a policy matches, what a freeze does, and that an approval stands only for those whom
 * the policy asks when the change is made.
 */
#include "world.h"

#define ALL "{\"name\":\"all\",\"need\":0}"
#define SOC "\"groups\":{\"boss\":[\"dave\"],\"soc\":[\"bob\",\"carol\"]}"
/* 2023-11-14T22:13:20Z, a Tuesday: when the world begins. */
#define BEGIN_MS INT64_C(1700000000000)

static const struct w_wish one_set[] = { SET("0", 1, 1, "/s/a"), END };
static const struct w_wish three_sets[] = { SET("0", 1, 1, "/s/a"), SET("0", 2, 2, "/s/b"),
                                            SET("0", 3, 3, "/s/c"), END };

/* A policy whose only rule wants an approval of what it matches. */
static void rule_is(struct world *w, const char *match)
{
    char *policy = arena_printf(&w->arena,
                                "{" SOC ",\"rules\":[" ALL ",{\"match\":%s,\"name\":\"it\","
                                "\"need\":1}]}",
                                match);

    w_policy_is(w, policy);
}

/* Does the rule match the first change of a run with this alert? */
static bool is_matched(const char *match, const char *told, const char *alert, int64_t now)
{
    struct world *w = w_new(1, one_set);
    char *ask = arena_printf(&w->arena, "{\"alert\":%s,\"name\":\"p\",\"params\":{}}",
                             alert != NULL ? alert : "null");

    w->approves = false;
    w->now_ms = now > 0 ? now : w->now_ms;
    w->says = told;
    rule_is(w, match);
    w_ask(w, "run", "alice", ask);
    w_pump(w);
    bool is_gated = strcmp(w_state(w, 1), "waiting") == 0;
    CHECK(is_gated || strcmp(w_state(w, 1), "done") == 0);
    w_free(w);
    return is_gated;
}

TEST(a_rule_matches_what_the_alert_says_with_a_plus_for_more)
{
    static const char alert[] = "{\"confidence\":\"medium\",\"severity\":\"high\","
                                "\"source\":\"defender\",\"type\":\"AppServices_X\"}";

    CHECK(is_matched("{\"severity\":\"medium+\"}", NULL, alert, 0));
    CHECK(is_matched("{\"severity\":\"HIGH\"}", NULL, alert, 0));
    CHECK(is_matched("{\"severity\":[\"low\",\"high\"]}", NULL, alert, 0));
    CHECK(!is_matched("{\"severity\":\"medium\"}", NULL, alert, 0));
    CHECK(!is_matched("{\"severity\":\"critical+\"}", NULL, alert, 0));
    CHECK(is_matched("{\"confidence\":[\"low\",\"medium\"]}", NULL, alert, 0));
    CHECK(!is_matched("{\"confidence\":\"high\"}", NULL, alert, 0));
    CHECK(is_matched("{\"type\":\"AppServices_*\"}", NULL, alert, 0));
    CHECK(is_matched("{\"source\":\"defender\"}", NULL, alert, 0));
    CHECK(!is_matched("{\"severity\":\"low+\"}", NULL, NULL, 0));
    CHECK(!is_matched("{\"confidence\":\"low+\"}", NULL, "{\"severity\":\"high\"}", 0));
}

TEST(a_rule_matches_a_source_by_its_kind_its_product_or_its_name_in_cordon_lua)
{
    static const char alert[] = "{\"feed\":\"front-door\",\"product\":"
                                "\"defender-for-cloud\",\"source\":\"graph\"}";

    CHECK(is_matched("{\"source\":\"graph\"}", NULL, alert, 0));
    CHECK(is_matched("{\"source\":\"defender-*\"}", NULL, alert, 0));
    CHECK(is_matched("{\"source\":[\"sentinel\",\"Front-Door\"]}", NULL, alert, 0));
    CHECK(!is_matched("{\"source\":\"sentinel\"}", NULL, alert, 0));
}

/* Two changes a year, as Europe has them in 2026, and none after. */
#define ZONES                                                                      \
    "\"zones\":{\"Here\":[[-9007199254740992,3600],[1774746000,7200],[1792890000," \
    "3600]],\"South\":[[-9007199254740992,-10800]]}"

TEST(hours_are_those_that_the_clocks_of_the_zone_show)
{
    static const struct {
        const char *time, *when;
        bool is_matched;
    } rows[] = {
        /* 22:00 to 06:00 of the place, in winter and in summer */
        { "\"from\":\"22:00\",\"to\":\"06:00\",\"zone\":\"Here\"", "2026-01-10T20:59:59Z",
          false },
        { "\"from\":\"22:00\",\"to\":\"06:00\",\"zone\":\"Here\"", "2026-01-10T21:00:00Z",
          true },
        { "\"from\":\"22:00\",\"to\":\"06:00\",\"zone\":\"Here\"", "2026-08-10T20:00:00Z",
          true },
        { "\"from\":\"22:00\",\"to\":\"06:00\",\"zone\":\"Here\"", "2026-08-10T04:00:00Z",
          false },
        /* 29 March: 02:00 to 03:00 never is */
        { "\"from\":\"02:00\",\"to\":\"03:00\",\"zone\":\"Here\"", "2026-03-29T00:59:59Z",
          false },
        { "\"from\":\"02:00\",\"to\":\"03:00\",\"zone\":\"Here\"", "2026-03-29T01:00:00Z",
          false },
        { "\"from\":\"02:30\",\"to\":\"04:00\",\"zone\":\"Here\"", "2026-03-29T01:00:00Z",
          true },
        /* 25 October: 02:00 to 03:00 is twice */
        { "\"from\":\"02:00\",\"to\":\"03:00\",\"zone\":\"Here\"", "2026-10-25T00:30:00Z",
          true },
        { "\"from\":\"02:00\",\"to\":\"03:00\",\"zone\":\"Here\"", "2026-10-25T01:30:00Z",
          true },
        { "\"from\":\"02:00\",\"to\":\"03:00\",\"zone\":\"Here\"", "2026-10-25T02:00:00Z",
          false },
        /* the day is the place's too */
        { "\"days\":\"sat\",\"zone\":\"Here\"", "2026-08-07T21:59:59Z", false },
        { "\"days\":\"sat\",\"zone\":\"Here\"", "2026-08-07T22:00:00Z", true },
        { "\"days\":\"sat\",\"zone\":\"South\"", "2026-08-08T02:59:59Z", false },
        { "\"days\":\"sat\",\"zone\":\"South\"", "2026-08-08T03:00:00Z", true },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *w = w_new(1, one_set);
        int64_t now_ms = 0;

        CHECK(moment_parse(span_of(rows[i].when), &now_ms));
        w->approves = false;
        w->now_ms = now_ms;
        w_policy_is(w,
                    arena_printf(&w->arena,
                                 "{" SOC ",\"rules\":[" ALL ",{\"match\":{\"time\":{%s}},"
                                 "\"name\":\"it\",\"need\":1}]," ZONES "}",
                                 rows[i].time));
        w_start_run(w);
        w_pump(w);
        if ((strcmp(w_state(w, 1), "waiting") == 0) != rows[i].is_matched)
            FAIL("%s at %s", rows[i].time, rows[i].when);
        w_free(w);
    }
}

TEST(a_rule_matches_the_tags_that_were_observed)
{
    static const char told[] =
        "{\"/s/a\":{\"tags\":{\"Env\":\"Production\",\"owner\":\"pay\"}}}";

    CHECK(is_matched("{\"tag\":\"env=prod*\"}", told, NULL, 0));
    CHECK(is_matched("{\"tag\":\"env\"}", told, NULL, 0));
    CHECK(is_matched("{\"tag\":[\"env=dev\",\"own*=pay\"]}", told, NULL, 0));
    CHECK(!is_matched("{\"tag\":\"env=dev\"}", told, NULL, 0));
    CHECK(!is_matched("{\"tag\":\"owner=prod*\"}", told, NULL, 0));
    CHECK(!is_matched("{\"tag\":\"env=\"}", told, NULL, 0));
    CHECK(!is_matched("{\"tag\":\"*\"}", NULL, NULL, 0));
}

static bool is_time(const char *time, int64_t hours)
{
    char match[200];

    snprintf(match, sizeof match, "{\"time\":%s}", time);
    return is_matched(match, NULL, NULL, BEGIN_MS + hours * 3600 * 1000);
}

TEST(a_rule_matches_days_and_hours_also_over_midnight_and_elsewhere_than_in_utc)
{
    static const char night[] = "{\"days\":\"tue\",\"from\":\"22:00\",\"to\":\"06:00\"}";

    CHECK(is_time(night, 0));
    CHECK(is_time(night, 7));   /* Wednesday, 05:13: the night that began on Tuesday */
    CHECK(!is_time(night, 8));  /* 06:13 */
    CHECK(!is_time(night, 24)); /* Wednesday's night */
    CHECK(!is_time(night, -1)); /* 21:13 */
    CHECK(is_time("{\"days\":\"mon-fri\"}", 0));
    CHECK(!is_time("{\"days\":[\"sat\",\"sun\"]}", 0));
    CHECK(is_time("{\"days\":\"fri-mon\"}", 5 * 24));
    CHECK(!is_time("{\"days\":\"fri-mon\"}", 0));
    CHECK(is_time("{\"days\":\"wed\",\"offset\":\"+02:00\"}", 0));
    CHECK(!is_time("{\"days\":\"wed\",\"offset\":\"-08:00\"}", 9));
    CHECK(is_time("{\"from\":\"22:13\",\"to\":\"22:14\"}", 0));
    CHECK(!is_time("{\"from\":\"22:14\",\"to\":\"24:00\"}", 0));
    CHECK(is_time("[{\"days\":\"sun\"},{\"days\":\"tue\"}]", 0));
}

TEST(a_rule_matches_by_whether_it_can_be_undone)
{
    CHECK(is_matched("{\"reversible\":true}", NULL, NULL, 0));
    CHECK(!is_matched("{\"reversible\":false}", NULL, NULL, 0));
}

TEST(a_target_is_matched_in_whatever_letters_and_with_whatever_slashes_it_is_spelled)
{
    CHECK(is_matched("{\"target\":\"/S/A\"}", NULL, NULL, 0));
    CHECK(!is_matched("{\"target\":\"/s/a/*\"}", NULL, NULL, 0));
    struct world *w = w_new(2, (const struct w_wish[]){ SET("0", 1, 1, "/S//a/"), END });
    w->approves = false;
    rule_is(w, "{\"target\":\"/s/a\"}");
    w_start_run(w);
    w_pump(w);
    CHECK_STR(w_state(w, 1), "waiting");
    w_free(w);
}

TEST(a_rule_about_many_targets_asks_when_there_are_so_many_and_the_gate_before_says_so)
{
    struct world *w = w_new(3, three_sets);

    w->approves = false;
    rule_is(w, "{\"targets\":\">= 3\"}");
    w_start_run(w);
    w_pump(w);
    CHECK_INT(w->applies, 2);
    CHECK_STR(w_state(w, 1), "waiting");
    w->approves = true;
    w_settle(w);
    CHECK_INT(w->applies, 3);
    CHECK_INT(w_entry(w, ENTRY_GATE, GATE_GRANTED)->n, 1); /* it was asked once */
    w_free(w);
}

/* -- freezes -------------------------------------------------------------------------------- */

#define FREEZE(rest)                                                                    \
    "{\"freeze\":[{" rest "\"from\":\"2023-11-14T00:00:00Z\",\"name\":\"quarter end\"," \
    "\"to\":\"2023-11-15T01:00:00+01:00\"}]," SOC ",\"rules\":[" ALL "]}"

TEST(in_a_freeze_what_it_matches_is_not_allowed_and_the_sentence_says_until_when)
{
    struct world *w = w_new(10, one_set);

    w_policy_is(w, FREEZE(""));
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "blocked");
    CHECK_INT(w->applies, 0);
    CHECK_HAS(w_run(w, 1)->body, "freeze \\\"quarter end\\\" is in force until "
                                 "2023-11-15T00:00:00Z");
    CHECK_HAS(w_run(w, 1)->body, "emergency");
    w->now_ms = BEGIN_MS + 2 * 3600 * 1000; /* it is over */
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 2), "done");
    w_free(w);
}

TEST(a_freeze_forbids_only_what_it_matches)
{
    struct world *w = w_new(11, three_sets);

    w_policy_is(w, "{\"freeze\":[{\"from\":\"2023-11-14T00:00:00Z\",\"match\":{\"target\":"
                   "\"*/c\"},\"name\":\"c\",\"to\":\"2023-11-15T00:00:00Z\"}]," SOC
                   ",\"rules\":[" ALL "]}");
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "blocked");
    CHECK_INT(w->applies, 2);
    w_free(w);
}

TEST(an_emergency_path_asks_its_people_on_top_of_all_others)
{
    struct world *w = w_new(12, one_set);

    w->approves = false;
    w_policy_is(w, "{\"freeze\":[{\"emergency\":{\"from\":[\"boss\"],\"need\":1},"
                   "\"from\":\"2023-11-14T00:00:00Z\",\"name\":\"quarter end\","
                   "\"to\":\"2023-11-15T00:00:00Z\"}]," SOC
                   ",\"rules\":[{\"from\":[\"soc\"],\"name\":\"all\",\"need\":1}]}");
    w_start_run(w);
    w_pump(w);
    CHECK_HAS(w_entry(w, ENTRY_GATE, GATE_OPEN)->body,
              "\"freezes\":[{\"emergency\":true,\"name\":\"quarter end\"");
    CHECK_HAS(w_entry(w, ENTRY_GATE, GATE_OPEN)->body, "\"freeze: quarter end\"");
    w_vote(w, "approve", "bob", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    CHECK_INT(w->applies, 0);
    w_vote(w, "approve", "dave", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    CHECK_STR(w_state(w, 1), "done");
    w_free(w);
}

TEST(what_was_approved_before_the_freeze_began_is_asked_again_for_those_whom_it_wants)
{
    static const struct w_wish gated[] = { APPROVE(1, 1), SET("0", 2, 2, "/s/a"), END };
    struct world *w = w_new(13, gated);

    w->approves = false;
    w_policy_is(w, "{\"freeze\":[{\"emergency\":{\"from\":[\"boss\"],\"need\":1},"
                   "\"from\":\"2023-11-14T22:20:00Z\",\"name\":\"quarter end\","
                   "\"to\":\"2023-11-15T00:00:00Z\"}]," SOC ",\"rules\":[" ALL "]}");
    w_start_run(w);
    w_pump(w);
    w_ask(w, "halt", "bob", "{\"scope\":\"all\"}");
    w_vote(w, "approve", "bob", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    w->now_ms += 10 * 60 * 1000;
    w_ask(w, "resume", "bob", "{\"scope\":\"all\"}");
    w_pump(w);
    CHECK_INT(w->applies, 0);
    CHECK_HAS(w_entry(w, ENTRY_GATE, GATE_OPEN)->body, "\"differs\":\"who must approve\"");
    w_vote(w, "approve", "dave", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    CHECK_STR(w_state(w, 1), "done");
    w_free(w);
}

TEST(a_freeze_does_not_keep_what_was_done_from_being_undone)
{
    struct world *w = w_new(14, one_set);

    w_policy_is(w, w_open_policy);
    w_start_run(w);
    w_settle(w);
    w_policy_is(w, FREEZE(""));
    w_ask(w, "rollback", "bob", "{\"run\":\"r-1\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 2), "done");
    CHECK_STR(w_target(w, span_of("/s/a"))->value, "old");
    w_free(w);
}

/* -- each demand by itself ------------------------------------------------------------------- */

static const struct w_wish one_change[] = { SET("0", 1, 1, "a"), END };

TEST(a_gate_and_its_changes_name_each_demand_and_how_far_it_is)
{
    static const struct {
        const char *rules, *yes[3], *demands, *approvals;
    } rows[] = {
        { "{\"name\":\"r\",\"need\":2,\"from\":[\"ops\"]}",
          { "bob" },
          "[{\"from\":[\"ops\"],\"need\":2}]",
          "[{\"from\":[\"ops\"],\"have\":1,\"need\":2}]" },
        { "{\"name\":\"r\",\"need\":2,\"from\":[\"ops\"]},"
          "{\"name\":\"s\",\"need\":1,\"from\":[\"lead\"]}",
          { NULL },
          "[{\"from\":[\"ops\"],\"need\":2},{\"from\":[\"lead\"],\"need\":1}]",
          "[{\"from\":[\"ops\"],\"have\":0,\"need\":2},{\"from\":[\"lead\"],\"have\":0,"
          "\"need\":1}]" },
        { "{\"name\":\"r\",\"need\":1,\"from\":[\"ops\"]},"
          "{\"name\":\"s\",\"need\":1,\"from\":[\"lead\"]}",
          { "bob" },
          "[{\"from\":[\"ops\"],\"need\":1},{\"from\":[\"lead\"],\"need\":1}]",
          "[{\"from\":[\"ops\"],\"have\":1,\"need\":1},{\"from\":[\"lead\"],\"have\":0,"
          "\"need\":1}]" },
        { "{\"name\":\"r\",\"need\":2,\"from\":[\"ops\"]},"
          "{\"name\":\"s\",\"need\":1,\"from\":[\"lead\"]}",
          { "zoe" }, /* who is in both groups is what both ask for */
          "[{\"from\":[\"ops\"],\"need\":2},{\"from\":[\"lead\"],\"need\":1}]",
          "[{\"from\":[\"ops\"],\"have\":1,\"need\":2},{\"from\":[\"lead\"],\"have\":1,"
          "\"need\":1}]" },
        { "{\"name\":\"r\",\"need\":[\"ops\",\"lead\"]}",
          { "carol" },
          "[{\"from\":[\"ops\",\"lead\"],\"need\":2,\"slots\":[\"ops\",\"lead\"]}]",
          "[{\"from\":[\"ops\",\"lead\"],\"have\":1,\"need\":2,\"slots\":[\"ops\","
          "\"lead\"]}]" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world *w = w_new(80 + i, one_change);
        struct str tally = { 0 }, votes = { 0 };

        w->approves = false;
        w_policy_is(w, arena_printf(&w->arena,
                                    "{\"groups\":{\"lead\":[\"zoe\"],\"ops\":[\"bob\","
                                    "\"carol\",\"zoe\"]},\"rules\":[%s]}",
                                    rows[i].rules));
        w_start_run(w);
        w_pump(w);
        struct w_entry *gate = w_entry(w, ENTRY_GATE, GATE_OPEN);
        struct span body = span_of(w_keep(w, span_of(gate->body))), change;
        size_t pos = 0;
        for (int k = 0; k < 3 && rows[i].yes[k] != NULL; k++)
            w_vote(w, "approve", rows[i].yes[k], gate);
        w_pump(w);
        CHECK(json_next(json_get(body, "changes"), &pos, NULL, &change));
        CHECK_SPAN(json_path(change, "needs.demands"), rows[i].demands);
        str_add_char(&votes, '[');
        for (int k = 0; k < w->row_count; k++)
            if (w->rows[k].kind == ROW_VOTE)
                str_printf(&votes, "%s%s", votes.len > 1 ? "," : "", w->rows[k].body);
        str_add_char(&votes, ']');
        engine_gate_tally(w->engine, body, str_span(&votes), (struct span){ 0 }, &tally);
        CHECK_STR(str_text(&tally), rows[i].approvals);
        str_fini(&tally);
        str_fini(&votes);
        w_free(w);
    }
}
