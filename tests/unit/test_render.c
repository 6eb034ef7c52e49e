/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/render.h"

#include "base/json.h"
#include "check.h"
#include "cli/drift.h"
#include "cli/gate.h"
#include "cli/live.h"
#include "cli/table.h"
#include "cli/timeline.h"

#define SITE \
    "\"/subscriptions/s/resourceGroups/shop/providers/Microsoft.Web/sites/shop-web\""
#define ROW(seq, at, kind, body)                                             \
    "{\"seq\":" #seq ",\"run\":\"r-000001\",\"at\":" #at ",\"kind\":\"" kind \
    "\",\"body\":" body "}"
/* 2027-01-15T08:00:00Z */
#define NOW_MS 1800000000000

static const struct look plain = { .now_ms = NOW_MS };

/* What a function added is compared, and freed. */
static void check_text(struct str *out, const char *wanted)
{
    CHECK_STR(str_text(out), wanted);
    str_fini(out);
}

static void check_target(const char *json, const char *wanted)
{
    struct str out = { 0 };

    render_target(&out, span_of(json));
    check_text(&out, wanted);
}

static void check_when(int64_t away_ms, const char *wanted)
{
    struct str out = { 0 };

    render_when(&out, &plain, NOW_MS + away_ms);
    check_text(&out, wanted);
}

static void check_took(int64_t ms, const char *wanted)
{
    struct str out = { 0 };

    render_took(&out, ms);
    check_text(&out, wanted);
}

static void show_rows(struct live *live, struct str *out, const char *const *rows)
{
    for (; *rows; rows++)
        live_render(live, out, span_of(*rows));
}

TEST(an_arm_id_is_shown_by_its_last_two_words)
{
    check_target(SITE, "sites/shop-web");
    check_target("\"https://v.example/secrets/db\"", "https://v.example/secrets/db");
    check_target("null", "");
}

TEST(text_from_outside_cannot_move_the_cursor_or_turn_the_line)
{
    struct str out = { 0 };

    render_value(&out, span_of("\"a\\u001b[31mred\\u202e\\nb\""), 100);
    check_text(&out, "a\\x1b[31mred\\u{202E}\\x0ab");
}

TEST(a_long_value_is_cut_between_characters)
{
    struct str out = { 0 };

    render_value(&out, span_of("\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\""), 8);
    check_text(&out, "\xc3\xa9\xc3\xa9...");
}

TEST(times_are_told_from_now)
{
    check_when(0, "now");
    check_when(5 * 60 * 1000, "in 5m");
    check_when(-2 * 3600 * 1000, "2h ago");
}

TEST(durations_get_coarser_as_they_get_longer)
{
    check_took(0, "0 ms");
    check_took(-5, "0 ms");
    check_took(999, "999 ms");
    check_took(1250, "1.2 s");
    check_took(125000, "2m 5s");
}

TEST(of_a_long_diff_the_rest_is_counted)
{
    struct str out = { 0 };

    CHECK_INT(render_diff(&out, span_of("{}"), span_of("{\"a\":1,\"b\":2,\"c\":3}"), "| ",
                          2),
              3);
    check_text(&out, "| a: absent -> 1\n| b: absent -> 2\n| and 1 more\n");
}

TEST(colour_is_there_only_when_it_is_wanted)
{
    struct look colour = { .is_color = true };
    struct str out = { 0 };

    render_styled(&out, &plain, STYLE_BAD, "no");
    check_text(&out, "no");
    render_styled(&out, &colour, STYLE_BAD, "no");
    CHECK_INT(render_columns(str_span(&out)), 2);
    check_text(&out, "\033[31mno\033[0m");
}

TEST(a_table_is_as_wide_as_its_cells_and_no_line_ends_in_spaces)
{
    struct table table = { .columns = 3, .head = { "run", "state", "" } };
    struct str out = { 0 };

    table_text(&table, "r-000001");
    table_value(&table, span_of("\"done\""));
    table_text(&table, " ");
    table_text(&table, "r-2");
    table_value(&table, span_of("null"));
    table_text(&table, "x");
    table_render(&table, &out, &plain);
    check_text(&out, "run       state\n"
                     "r-000001  done\n"
                     "r-2       -      x\n");
}

static void check_table(int columns, const char *wanted)
{
    static const char what[] =
        "\"remove the role that lets the site deploy itself to the whole group\"";
    struct look look = { .columns = columns };
    struct table table = { .columns = 3,
                           .wide_column = 1,
                           .head = { "hold", "what", "since" } };
    struct str out = { 0 };

    table_text(&table, "h-1");
    table_whole_value(&table, span_of(what));
    table_text(&table, "now");
    table_render(&table, &out, &look);
    CHECK_HAS(str_text(&out), wanted);
    str_fini(&out);
}

TEST(a_wide_column_is_cut_only_where_a_terminal_is_too_narrow)
{
    const char *whole =
        "h-1   remove the role that lets the site deploy itself to the whole group  now\n";

    check_table(0, whole);
    check_table(200, whole);
    check_table(60, "h-1   remove the role that lets the site deploy it...  now\n");
    check_table(20, "h-1   remove the role that lets the site de...  now\n");
}

TEST(a_gate_shows_every_change_whole)
{
    struct str out = { 0 };

    gate_render(
        &out, &plain,
        span_of(
            "{\"gate\":\"g-000001-1\",\"run\":\"r-000001\",\"playbook\":\"contain\","
            "\"state\":"
            "\"open\",\"digest\":\"d1\",\"votes\":[{\"who\":\"bob\",\"yes\":true,\"why\":"
            "\"ok\"}],"
            "\"body\":{\"title\":\"Stop "
            "it\",\"detail\":\"\",\"from\":[\"managers\",\"soc\"],"
            "\"need\":2,\"due\":1800000300000,\"on_timeout\":\"deny\",\"k\":\"approve\","
            "\"by\":"
            "\"alice\",\"differs\":\"args\",\"more\":\"a "
            "loop\",\"changes\":[{\"path\":\"0/5\","
            "\"action\":\"azure.appservice.stop\",\"target\":" SITE
            ",\"what\":\"stop shop-web\","
            "\"undo\":\"start "
            "it\",\"because\":null,\"effect\":\"reverts\",\"risk\":\"high\","
            "\"before\":{\"state\":\"Running\"},\"after\":{\"state\":\"Stopped\"},"
            "\"permissions\":"
            "[\"Web/stop\"],\"affects\":1,\"affects_what\":\"site\",\"digest\":"
            "\"0123456789abcdef\",\"args\":{},\"needs\":{\"need\":2,\"from\":[\"managers\"]"
            ","
            "\"rules\":[\"high\"]}},{\"action\":\"x.y\",\"undo\":null,\"because\":\"gone "
            "is gone\","
            "\"effect\":\"permanent\",\"risk\":\"low\",\"before\":{},\"after\":{},"
            "\"digest\":\"f\"}]"
            "}}"));
    check_text(
        &out,
        "GATE g-000001-1  Stop it\n"
        "  asked by        alice, in r-000001 contain\n"
        "  approval        2 of managers, soc\n"
        "  approved by     bob: ok\n"
        "  until           2027-01-15T08:05:00Z (in 5m), then: deny\n"
        "  differs         what was approved before is not what would run: args\n"
        "\n"
        "  1. azure.appservice.stop  reverts  high risk\n"
        "     target       /subscriptions/s/resourceGroups/shop/providers/Microsoft.Web/"
        "sites/shop-web\n"
        "     what         stop shop-web\n"
        "       | state: \"Running\" -> \"Stopped\"\n"
        "     undo         start it\n"
        "     permissions  Web/stop\n"
        "     affects      1 site\n"
        "     needs        2 approvals of managers, by policy: high\n"
        "     digest       0123456789ab\n"
        "\n"
        "  2. x.y  permanent  low risk\n"
        "       | no difference\n"
        "     for good     gone is gone\n"
        "     digest       f\n"
        "\n"
        "  More may follow, with gates of its own: a loop\n"
        "\n  gate digest     d1\n");
}

TEST(a_change_that_undoes_or_is_forbidden_says_so)
{
    struct str out = { 0 };

    gate_render_change(&out, &plain,
                       span_of(
                           "{\"action\":\"x.y\",\"op\":\"restore\",\"effect\":\"reverts\","
                           "\"before\":{\"a\":1},\"after\":{\"a\":2},\"undo\":\"\","
                           "\"because\":\"\",\"digest\":\"f\",\"needs\":{\"need\":1,"
                           "\"forbidden\":true}}"),
                       3);
    check_text(&out, "  3. x.y  undo  reverts\n"
                     "       | a: 1 -> 2\n"
                     "     needs        policy forbids it\n"
                     "     digest       f\n");
}

TEST(a_change_without_a_way_back_says_so)
{
    struct str out = { 0 };

    gate_render_change(&out, &plain,
                       span_of(
                           "{\"action\":\"x.y\",\"before\":{\"a\":1},\"after\":{\"a\":2},"
                           "\"undo\":\"\",\"because\":\"\",\"digest\":\"f\"}"),
                       1);
    CHECK_HAS(str_text(&out), "     undo         cannot be undone\n");
    str_fini(&out);
}

static void check_affects(const char *members, const char *wanted)
{
    struct str out = { 0 }, change = { 0 };

    str_printf(&change, "{\"action\":\"x.y\",%s}", members);
    gate_render_change(&out, &plain, str_span(&change), 1);
    if (wanted)
        CHECK_HAS(str_text(&out), wanted);
    else
        CHECK_LACKS(str_text(&out), "affects");
    str_fini(&out);
    str_fini(&change);
}

TEST(what_is_affected_is_counted_in_words_or_left_out)
{
    check_affects("\"affects\":1,\"affects_what\":\"principals\"", " 1 principal\n");
    check_affects("\"affects\":1,\"affects_what\":\"addresses\"", " 1 address\n");
    check_affects("\"affects\":1,\"affects_what\":\"identities\"", " 1 identity\n");
    check_affects("\"affects\":2,\"affects_what\":\"addresses\"", " 2 addresses\n");
    check_affects("\"affects\":1,\"affects_what\":null", " 1 thing or person\n");
    check_affects("\"affects\":0,\"affects_what\":\"principals\"", NULL);
    check_affects("\"affects\":null", NULL);
}

TEST(a_gate_shows_each_note_and_each_look_that_failed)
{
    struct str out = { 0 };

    gate_render(
        &out, &plain,
        span_of("{\"gate\":\"g-000001-1\",\"run\":\"r-000001\",\"body\":{\"title\":"
                "\"Stop\",\"changes\":[{\"action\":\"x.y\",\"notes\":[\"jobs \\u001b[2J "
                "run on\",\"two\"]}],\"failed\":[{\"action\":\"x.z\",\"target\":"
                "\"\",\"args\":{\"id\":\"v\"},\"code\":\"NoRoom\",\"message\":"
                "\"there is no room\"}],\"error\":{\"code\":\"E\",\"message\":"
                "\"it stopped\"}}}"));
    CHECK_HAS(str_text(&out), "     note         jobs \\x1b[2J run on\n"
                              "     note         two\n");
    CHECK_HAS(str_text(&out), "  NOT POSSIBLE  x.z id=v\n"
                              "  there is no room (NoRoom, from x.z)\n");
    CHECK_HAS(str_text(&out), "The preview of the playbook ended with an error: it "
                              "stopped (E)\n");
    str_fini(&out);
}

TEST(an_undo_that_writes_nothing_says_why)
{
    static const char *const rows[][2] = {
        { "{\"end\":\"gone\",\"msg\":\"no such site\"}",
          "  gone, and the hold with it: no such site" },
        { "{\"end\":\"not_restored\",\"msg\":\"it was for a time\"}",
          "  nothing is put back: it was for a time" },
        { "{\"off\":true}", "  let go of before" },
        { "{}", "  nothing to put back" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str out = { 0 };

        leave_render(&out, span_of(rows[i][0]), (struct span){ 0 });
        CHECK_STR(str_text(&out), rows[i][1]);
        str_fini(&out);
    }
}

TEST(a_question_shows_its_choices_and_how_to_answer)
{
    static const char gate[] =
        "{\"gate\":\"g-000002-1\",\"run\":\"r-000002\",\"playbook\":"
        "\"p\",\"body\":{\"title\":\"Gone?\",\"from\":[\"soc\"],\"need\""
        ":1,\"by\":\"alice\",\"k\":\"ask\",\"args\":{\"choices\":[\"yes\",\"no\"]}}}";
    struct str out = { 0 };

    CHECK(gate_is_question(span_of(gate)));
    gate_render(&out, &plain, span_of(gate));
    gate_render_commands(&out, span_of(gate));
    check_text(&out, "QUESTION g-000002-1  Gone?\n"
                     "  asked by        alice, in r-000002 p\n"
                     "  answer by       1 of soc\n"
                     "  choices         yes, no\n"
                     "  cordon answer g-000002-1 VALUE\n");
}

TEST(a_drift_is_shown_three_ways_with_the_commands_that_settle_it)
{
    struct str out = { 0 };

    drift_render(&out, &plain, span_of("r-000002"),
                 span_of("{\"b\":\"u\",\"n\":1,\"t\":" SITE
                         ",\"w\":{\"state\":\"Running\",\"tag\":1},"
                         "\"z\":{\"state\":\"Stopped\",\"tag\":1},\"now\":{\"state\":"
                         "\"Running\",\"tag\":1,"
                         "\"new\":{\"x\":[]}}}"));
    check_text(
        &out,
        "DRIFT  u/1  sites/shop-web: not as we left it, so nothing was written\n"
        "         before     ours       now\n"
        "  state  \"Running\"  \"Stopped\"  \"Running\"  <- back as it was\n"
        "  tag    1          1          1\n"
        "  new.x  absent     absent     []         <- changed by others\n"
        "  cordon settle r-000002 u/1 leave            it stays as it is now; the hold is"
        " taken off\n"
        "  cordon settle r-000002 u/1 restore          write the state of before over it, "
        "once"
        " approved\n"
        "  cordon settle r-000002 u/1 accept           it stays as it is now; the hold "
        "stays,"
        " and a later rollback looks again\n");
}

#define INTENT                                                                            \
    "{\"b\":\"0\",\"n\":5,\"a\":\"azure.appservice.stop\",\"op\":\"apply\",\"args\":{},"  \
    "\"t\":" SITE ",\"w\":{\"state\":\"Running\"},\"z\":{\"state\":\"Stopped\"},"         \
    "\"d\":\"0123456789abcdef\",\"p\":{\"gate\":1,\"i\":0},\"key\":\"fedcba9876543210\"," \
    "\"at\":1,\"what\":\"stop shop-web\",\"undo\":\"start it\",\"why\":[\"high\"]}"

static const char *const rows[] = {
    ROW(10, 1800000000000, "start",
        "{\"kind\":\"live\",\"playbook\":\"contain\",\"hash\":\"aaaabbbbccccdddd\",\"by\":"
        "\"alice\",\"policy\":\"1111\",\"of\":0,\"params\":{\"app\":" SITE "},\"alert\":"
        "{\"id\":\"a-1\",\"title\":\"Web shell\",\"severity\":\"high\",\"source\":\"x\"}}"),
    ROW(11, 1800000000040, "answer",
        "{\"b\":\"0\",\"n\":1,\"k\":\"step\",\"a\":\"azure.appservice.get\",\"ok\":true,"
        "\"v\":{},\"x\":{\"args\":{\"id\":" SITE "}}}"),
    ROW(12, 1800000000050, "answer",
        "{\"b\":\"0\",\"n\":2,\"k\":\"step\",\"a\":\"x.set\",\"ok\":true,\"v\":{},"
        "\"x\":{\"target\":\"t\",\"noop\":true}}"),
    ROW(13, 1800000000060, "answer",
        "{\"b\":\"0\",\"n\":3,\"k\":\"now\",\"ok\":true,\"v\":1}"),
    ROW(14, 1800000000070, "gate",
        "{\"g\":1,\"b\":\"0\",\"n\":4,\"title\":\"Stop it\",\"need\":1,\"from\":[\"cm\"],"
        "\"changes\":[{}]}"),
    ROW(15, 1800000001000, "vote", "{\"g\":1,\"who\":\"bob\",\"yes\":true,\"why\":\"ok\"}"),
    ROW(16, 1800000001001, "gate_end", "{\"g\":1,\"s\":\"granted\"}"),
    ROW(17, 1800000001010, "intent", INTENT),
    ROW(18, 1800000002210, "outcome", "{\"b\":\"0\",\"n\":5,\"at\":1,\"s\":\"done\"}"),
    ROW(19, 1800000002300, "end", "{\"s\":\"done\",\"e\":null,\"v\":null}"),
    NULL,
};

TEST(following_a_run_is_a_line_a_step)
{
    struct live live = { .look = plain };
    struct str out = { 0 };

    live.run = span_of("r-000001");
    show_rows(&live, &out, rows);
    CHECK_INT(live.changes, 1);
    live_fini(&live);
    check_text(
        &out,
        "  08:00:00.000  run     r-000001  contain, started by alice, for the alert: Web"
        " shell\n"
        "  08:00:00.040  read    azure.appservice.get                id=sites/shop-web\n"
        "  08:00:00.050  same    x.set                               t  (already so: "
        "nothing to"
        " do)\n"
        "  08:00:00.070  gate    g-000001-1  Stop it\n"
        "  08:00:01.000  vote    g-000001-1  approved by bob: ok\n"
        "  08:00:01.001  gate    g-000001-1  granted\n"
        "  08:00:02.210  done    azure.appservice.stop               sites/shop-web  1.2 "
        "s\n"
        "                        state: \"Running\" -> \"Stopped\"\n");
}

TEST(a_passing_line_tells_what_is_under_way_and_is_taken_away)
{
    struct live live = { .look = plain, .is_terminal = true };
    struct str out = { 0 };

    live.run = span_of("r-000001");
    live_render(&live, &out, span_of(ROW(17, 1800000001010, "intent", INTENT)));
    CHECK_HAS(str_text(&out), "do...   azure.appservice.stop");
    CHECK_LACKS(str_text(&out), "\n");
    str_reset(&out);
    live_clear(&live, &out);
    CHECK_STR(str_text(&out), "\r\033[K");
    str_reset(&out);
    live_render_open(&live, &out);
    CHECK_HAS(str_text(&out), "sites/shop-web  (under way when the engine ended)\n");
    str_fini(&out);
    live_fini(&live);
}

TEST(a_change_that_failed_says_why_and_counts_for_nothing)
{
    struct live live = { .look = plain };
    struct str out = { 0 };

    live.run = span_of("r-000001");
    live_render(&live, &out, span_of(ROW(17, 1800000001010, "intent", INTENT)));
    live_render(&live, &out,
                span_of(ROW(18, 1800000001020, "outcome",
                            "{\"b\":\"0\",\"n\":5,\"s\":\"refused\",\"code\":"
                            "\"AuthorizationFailed\",\"msg\":"
                            "\"no right to stop it\"}")));
    CHECK_INT(live.changes, 0);
    CHECK_INT(live.count, 0);
    live_fini(&live);
    check_text(&out, "  08:00:01.020  refused azure.appservice.stop               "
                     "sites/shop-web  10 ms\n"
                     "                        no right to stop it (AuthorizationFailed)\n");
}

TEST(undoing_is_shown_from_ours_to_the_goal)
{
    struct live live = { .look = plain };
    struct str out = { 0 };

    live.run = span_of("r-000001");
    live_render(&live, &out,
                span_of(
                    ROW(20, 1800000001010, "intent",
                        "{\"b\":\"u\",\"n\":1,\"a\":\"x.stop\",\"op\":\"restore\",\"t\":"
                        "\"t\",\"w\":{\"a\":1},\"z\":{\"a\":2}}")));
    live_render(&live, &out,
                span_of(ROW(21, 1800000001020, "outcome",
                            "{\"b\":\"u\",\"n\":1,\"s\":\"done\"}")));
    CHECK_INT(live.changes, 0);
    CHECK_INT(live.undone, 1);
    live_fini(&live);
    check_text(&out,
               "  08:00:01.020  undone  x.stop                              t  10 ms\n"
               "                        a: 2 -> 1\n");
}

TEST(a_gate_never_cuts_what_will_change)
{
    struct str out = { 0 }, change = { 0 };

    str_add_text(&change, "{\"action\":\"x.y\",\"before\":{},\"after\":{\"a\":\"");
    for (int i = 0; i < 1000; i++)
        str_add_char(&change, 'x');
    str_add_text(&change, "END\"}}");
    gate_render_change(&out, &plain, str_span(&change), 1);
    CHECK_HAS(str_text(&out), "xEND\"\n");
    str_fini(&out);
    str_fini(&change);
}

TEST(the_rows_of_another_run_name_it)
{
    struct live live = { .look = plain };
    struct str out = { 0 };

    live.run = span_of("r-000009");
    live_render(&live, &out, span_of(rows[2]));
    live_fini(&live);
    CHECK_HAS(str_text(&out), "same    r-000001  x.set");
    str_fini(&out);
}

static void add_show(struct str *show, const char *hold)
{
    str_add_text(show, "{\"run\":{\"run\":\"r-000001\",\"state\":\"done\"},\"rows\":[");
    for (int i = 0; rows[i]; i++)
        str_printf(show, "%s%s", i ? "," : "", rows[i]);
    str_printf(show,
               "],\"holds\":[%s],\"children\":[{\"run\":\"r-000002\",\"state\":\"done\","
               "\"playbook\":\"contain\",\"kind\":\"rollback\"}]}",
               hold);
}

TEST(the_timeline_tells_who_agreed_and_how_it_was_undone)
{
    struct str show = { 0 }, out = { 0 };

    add_show(&show, "{\"step\":\"0/5\",\"state\":\"off\",\"off_by\":\"r-000002\"}");
    timeline_render(&out, &plain, str_span(&show));
    str_fini(&show);
    check_text(
        &out, "r-000001  contain  done\n"
              "  started    2027-01-15T08:00:00Z by alice\n"
              "  ended      2027-01-15T08:00:02Z after 2.3 s\n"
              "  alert      Web shell (high, x, a-1)\n"
              "  params     app=sites/shop-web\n"
              "  playbook   aaaabbbbcccc, policy 1111\n"
              "\n"
              "  08:00:00.040  0/1     read      azure.appservice.get\n"
              "                        args      id=sites/shop-web\n"
              "  08:00:00.050  0/2     same      x.set                               t  "
              "(already so:"
              " nothing to do)\n"
              "  08:00:00.070  0/4     gate      g-000001-1  Stop it  (1 change)\n"
              "                        wants     1 of cm\n"
              "  08:00:01.000          approved  g-000001-1  by bob: ok\n"
              "  08:00:01.001          gate      g-000001-1  granted\n"
              "  08:00:01.010  0/5     done      azure.appservice.stop               "
              "sites/shop-web"
              "  1.2 s\n"
              "                        what      stop shop-web\n"
              "                        | state: \"Running\" -> \"Stopped\"\n"
              "                        allowed   g-000001-1 approved by bob; policy: high\n"
              "                        undo      undone by r-000002\n"
              "                        evidence  digest 0123456789ab, key fedcba987654,"
              " attempt 1, row 17\n"
              "\n"
              "runs that belong to it\n"
              "  r-000002  done  contain (rollback)\n");
}

TEST(the_timeline_tells_how_a_change_can_be_undone)
{
    struct str show = { 0 }, out = { 0 };

    add_show(&show, "{\"step\":\"0/5\",\"state\":\"on\"}");
    timeline_render(&out, &plain, str_span(&show));
    CHECK_HAS(str_text(&out), "undo      start it: cordon rollback r-000001 --step 0/5\n");
    str_fini(&show);
    str_fini(&out);
}

TEST(each_demand_is_rendered_by_itself)
{
    static const struct {
        const char *needs, *text;
    } texts[] = {
        { "{\"need\":2,\"from\":[\"A\",\"B\"],\"demands\":[{\"from\":[\"A\"],\"need\":2},"
          "{\"from\":[\"B\"],\"need\":1}]}",
          "needs        2 approvals of A; and 1 approval of B\n" },
        { "{\"need\":1,\"from\":[\"A\"],\"demands\":[{\"from\":[\"A\"],\"need\":1}]}",
          "needs        1 approval of A\n" },
        { "{\"need\":1,\"from\":[],\"demands\":[{\"from\":[],\"need\":1}]}",
          "needs        1 approval\n" },
        { "{\"need\":2,\"from\":[\"A\",\"B\",\"C\"],\"demands\":[{\"from\":[\"A\",\"B\"],"
          "\"need\":2,\"slots\":[\"A\",\"B\"]},{\"from\":[\"C\"],\"need\":1}]}",
          "needs        one person each of A, B; and 1 approval of C\n" },
        { "{\"need\":2,\"from\":[\"A\"],\"sign\":\"key\",\"demands\":[{\"from\":[\"A\"],"
          "\"need\":2}]}",
          "needs        2 signed approvals of A\n" },
        { "{\"need\":0,\"from\":[],\"demands\":[]}", "needs        nobody's approval\n" },
        { "{\"need\":2,\"from\":[\"A\"]}", "needs        2 approvals of A\n" }, /* older */
        { "{\"need\":2,\"from\":[\"A\",\"B\"],\"slots\":[[\"A\",\"B\"]]}",
          "needs        one person each of A, B\n" },
    };
    struct look look = { 0 };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct str change = { 0 }, out = { 0 };

        str_printf(&change, "{\"action\":\"a.b\",\"needs\":%s}", texts[i].needs);
        gate_render_change(&out, &look, str_span(&change), 1);
        CHECK_HAS(str_text(&out), texts[i].text);
        str_fini(&change);
        str_fini(&out);
    }
}
