/* SPDX-License-Identifier: Apache-2.0 */
/* Which runs an alert starts that several feeds tell of, or that grows. */
#include "feeds.h"

#include <stdio.h>
#include <stdlib.h>

#include "alert/alert.h"
#include "base/json.h"

#define WEB   "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/"
#define SHOP  WEB "sites/shop"
#define STORE WEB "sites/store"
#define PLAN  WEB "serverFarms/plan"
#define KEY_1 "8f1d0c52-77aa-4b1e-9c3d-0123456789ab"
#define KEY_2 "1b2c3d4e-5f60-4718-92a3-fedcba987654"

/* A playbook with on_alert; BODY is its params function's. */
#define BOOK(name, when, more, params, body)                                         \
    "return playbook { name = '" name "', summary = 's', params = { " params " },\n" \
    "  on_alert = { when = { " when " }, " more " params = function(alert) " body    \
    " end },\n  run = function(p, ctx) ctx.note('ran') end }"
#define IPS       "ips = { 'list of string', 'which', default = {} }"
#define TAKES_IPS "return { ips = alert.entities.ips }"

static const char product_book[] =
    BOOK("product", "source = 'defender-for-cloud', severity = 'high'", "", IPS, TAKES_IPS);
static const char sentinel_book[] =
    BOOK("incident", "source = 'sentinel'", "", IPS, TAKES_IPS);
static const char any_book[] = BOOK("any", "severity = 'medium+'", "", IPS, TAKES_IPS);
static const char routed_book[] = "return playbook { name = 'routed', summary = 's', "
                                  "params = { app = { 'string', 'w' } },\n"
                                  "  run = function(p, ctx) ctx.note('ran') end }";
static const char routes[] =
    "[{\"match\":{\"type\":\"WebApp_*\"},\"name\":\"web\",\"params\":{\"app\":"
    "\"$alert.resource:Microsoft.Web/sites\"},\"playbook\":\"routed\"}]";

/* The same attack, by the same things in other orders. */
#define ATTACK(id, keys, more, severity, ips, resources)                            \
    "{\"entities\":{\"ips\":[" ips "]},\"id\":\"" id "\",\"keys\":[" keys "]," more \
    "\"resources\":[" resources "],\"severity\":\"" severity "\"}"
#define TWO_IPS   "\"203.0.113.7\",\"198.51.100.4\""
#define OTHER_IPS "\"198.51.100.4\",\"203.0.113.7\""
#define RES(id)   "\"" id "\""
#define Q(text)   "\"" text "\""

static const struct {
    const char *feed, *alert;
} told[] = {
    { "defender",
      ATTACK("a1", Q(KEY_1),
             "\"source\":\"defender-for-cloud\",\"type\":\"WebApp_Shell\",\"title\":\"A\",",
             "high", TWO_IPS, RES(SHOP) "," RES(PLAN)) },
    { "graph", ATTACK("g1", Q(KEY_1),
                      "\"source\":\"graph\",\"product\":\"defender-for-cloud\",\"type\":"
                      "\"shell\",\"title\":\"B\",",
                      "medium", OTHER_IPS, RES(SHOP) "," RES(PLAN)) },
    { "sentinel", ATTACK("i1", Q(KEY_1), "\"source\":\"sentinel\",\"title\":\"C\",",
                         "medium", TWO_IPS, RES(PLAN) "," RES(SHOP)) },
};
static const char *const books[] = { product_book, sentinel_book, any_book, routed_book,
                                     NULL };

static void check_runs(const struct feeds *feeds, const char *wanted)
{
    char *runs = feeds_runs(feeds);

    CHECK_STR(runs, wanted);
    free(runs);
}

/* What runs, without the order of lists. */
static int count_of(const struct feeds *feeds, const char *playbook)
{
    int count = 0;

    for (int i = 0; i < feeds->run_count; i++)
        count += strncmp(feeds->runs[i], playbook, strlen(playbook)) == 0;
    return count;
}

TEST(three_feeds_in_each_order_start_the_same_runs_each_once)
{
    static const int orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
                                      { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

    for (int i = 0; i < 6; i++) {
        struct feeds feeds = { 0 };

        feeds_open(&feeds, books, routes);
        for (int j = 0; j < 3; j++)
            feeds_tell(&feeds, told[orders[i][j]].feed, told[orders[i][j]].alert);
        CHECK_INT(feeds.alert_count, 1);
        CHECK_INT(feeds.run_count, 4);
        CHECK_INT(count_of(&feeds, "any "), 1);
        CHECK_INT(count_of(&feeds, "incident "), 1);
        CHECK_INT(count_of(&feeds, "product "), 1);
        CHECK_INT(count_of(&feeds, "routed {\"app\":\"" SHOP "\"}"), 1);
        feeds_close(&feeds);
    }
}

TEST(a_feed_that_tells_again_is_not_asked_about_again)
{
    struct feeds feeds = { 0 };

    feeds_open(&feeds, books, routes);
    for (int round = 0; round < 3; round++)
        for (int j = 2; j >= 0; j--)
            feeds_tell(&feeds, told[j].feed, told[j].alert);
    CHECK_INT(feeds.run_count, 4);
    CHECK_INT(json_get_int(span_of(feeds.alerts[0].card), "count", 0), 9);
    CHECK_INT(json_count(json_get(span_of(feeds.alerts[0].card), "made")), 3);
    feeds_close(&feeds);
}

TEST(a_feed_that_joined_is_asked_about_after_the_power_went)
{
    struct feeds feeds = { 0 };

    feeds_open(&feeds, books, routes);
    feeds_tell(&feeds, "sentinel", told[2].alert);
    feeds.is_silent = true;
    feeds_tell(&feeds, "defender", told[0].alert);
    CHECK_INT(feeds.alerts[0].state, ALERT_NEW);
    CHECK_INT(count_of(&feeds, "product "), 0);
    feeds_restart(&feeds);
    CHECK_INT(count_of(&feeds, "product "), 1);
    CHECK_INT(count_of(&feeds, "any "), 1);
    CHECK_INT(feeds.alerts[0].state, ALERT_ROUTED);
    feeds_restart(&feeds);
    CHECK_INT(feeds.run_count, 4);
    feeds_close(&feeds);
}

TEST(feeds_that_join_while_playbooks_are_asked_are_asked_about_behind_that)
{
    struct feeds feeds = { 0 };

    feeds_open(&feeds, books, routes);
    feeds.is_silent = true;
    for (int j = 2; j >= 0; j--)
        feeds_tell(&feeds, told[j].feed, told[j].alert);
    feeds_tell(&feeds, "sentinel",
               ATTACK("i1", Q(KEY_1), "\"source\":\"sentinel\",", "medium",
                      "\"192.0.2.77\"", ""));
    CHECK_INT(feeds.run_count, 0);
    feeds_answer(&feeds);
    CHECK_INT(count_of(&feeds, "product "), 1);
    CHECK_HAS(feeds.runs[feeds.run_count - 2], "192.0.2.77"); /* it gets all at once */
    CHECK_INT(count_of(&feeds, "incident "), 2);
    CHECK_INT(count_of(&feeds, "any "), 2);
    CHECK_INT(count_of(&feeds, "routed "), 1);
    CHECK_INT(feeds.alerts[0].state, ALERT_ROUTED);
    feeds_close(&feeds);
}

/* -- the end --------------------------------------------------------------------------------- */

#define STATUS(id, source, status)                                                       \
    ATTACK(id, Q(KEY_1), "\"source\":\"" source "\",\"status\":\"" status "\",", "high", \
           TWO_IPS, RES(SHOP))

TEST(the_end_of_an_alert_is_asked_about_under_each_name_each_time)
{
    static const char lifted_book[] =
        BOOK("lifted", "source = 'defender-for-cloud', over = true", "", IPS, TAKES_IPS);
    static const char *const two[] = { product_book, lifted_book, NULL };
    struct feeds feeds = { 0 };

    feeds_open(&feeds, two, NULL);
    feeds_tell(&feeds, "sentinel", STATUS("i1", "sentinel", "new"));
    feeds_tell(&feeds, "defender", STATUS("a1", "defender-for-cloud", "new"));
    CHECK_INT(count_of(&feeds, "product "), 1);
    CHECK_INT(count_of(&feeds, "lifted "), 0);
    feeds_tell(&feeds, "sentinel", STATUS("i1", "sentinel", "resolved"));
    CHECK_INT(count_of(&feeds, "lifted "), 1);
    feeds_tell(&feeds, "defender", STATUS("a1", "defender-for-cloud", "new")); /* late */
    CHECK(json_get_bool(span_of(feeds.alerts[0].card), "over", false));
    feeds_tell(&feeds, "sentinel", STATUS("i1", "sentinel", "new"));
    CHECK(!json_get_bool(span_of(feeds.alerts[0].card), "over", true));
    CHECK_INT(count_of(&feeds, "product "), 1);
    feeds_tell(&feeds, "sentinel", STATUS("i1", "sentinel", "resolved"));
    CHECK_INT(count_of(&feeds, "lifted "), 2);
    CHECK_INT(feeds.run_count, 3);
    feeds_close(&feeds);
}

TEST(what_one_feed_adds_reaches_the_playbook_that_another_feed_started)
{
    struct feeds feeds = { 0 };

    feeds_open(&feeds, books, routes);
    feeds_tell(&feeds, "sentinel", told[2].alert);
    feeds_tell(&feeds, "defender", told[0].alert);
    feeds_tell(&feeds, "sentinel",
               ATTACK("i1", Q(KEY_1), "\"source\":\"sentinel\",", "medium",
                      "\"192.0.2.77\"", RES(SHOP)));
    CHECK_INT(count_of(&feeds, "product {\"ips\":[\"192.0.2.77\"]}"), 1);
    CHECK_INT(count_of(&feeds, "any {\"ips\":[\"192.0.2.77\"]}"), 1);
    CHECK_INT(count_of(&feeds, "incident {\"ips\":[\"192.0.2.77\"]}"), 1);
    CHECK_INT(count_of(&feeds, "routed "), 1);
    CHECK_INT(feeds.run_count, 7);
    feeds_close(&feeds);
}

/* -- an incident of two alerts --------------------------------------------------------------- */

static const char site_book[] =
    BOOK("site", "source = 'defender-for-cloud'", "", "site = { 'string', 'which' }",
         "return { site = alert.resource 'Microsoft.Web/sites' }");
static const char all_book[] =
    BOOK("all", "severity = 'low+'", "", "sites = { 'list of string', 'which' }",
         "return { sites = alert.all 'Microsoft.Web/sites' }");
#define PRODUCT(id, key, site)                                                          \
    ATTACK(id, Q(key), "\"source\":\"defender-for-cloud\",\"type\":\"T\",", "high", "", \
           RES(site))
#define INCIDENT                                                                \
    ATTACK("i9", Q(KEY_1) "," Q(KEY_2), "\"source\":\"sentinel\",", "high", "", \
           RES(SHOP) "," RES(STORE) "," RES(PLAN))

TEST(each_alert_of_an_incident_that_came_first_starts_its_own)
{
    static const char *const two[] = { site_book, all_book, NULL };
    struct feeds feeds = { 0 };

    feeds_open(&feeds, two, NULL);
    feeds_tell(&feeds, "sentinel", INCIDENT);
    feeds_tell(&feeds, "defender", PRODUCT("a1", KEY_1, SHOP));
    feeds_tell(&feeds, "defender", PRODUCT("a2", KEY_2, STORE));
    check_runs(&feeds, "all {\"sites\":[\"" SHOP "\",\"" STORE
                       "\"]}; site {\"site\":\"" SHOP "\"}; site {\"site\":\"" STORE "\"}");
    feeds_close(&feeds);
}

/* Also when the incident grows later, and is told again. */
TEST(an_incident_behind_its_alerts_starts_nothing_that_they_have_started)
{
    static const char *const two[] = { site_book, all_book, NULL };
    struct feeds feeds = { 0 };

    feeds_open(&feeds, two, NULL);
    feeds_tell(&feeds, "defender", PRODUCT("a1", KEY_1, SHOP));
    feeds_tell(&feeds, "defender", PRODUCT("a2", KEY_2, STORE));
    feeds_tell(&feeds, "sentinel", INCIDENT);
    feeds_tell(&feeds, "sentinel",
               ATTACK("i9", Q(KEY_1) "," Q(KEY_2), "\"source\":\"sentinel\",", "high",
                      TWO_IPS, RES(PLAN)));
    feeds_tell(&feeds, "sentinel", INCIDENT);
    CHECK_INT(feeds.alert_count, 2);
    check_runs(&feeds, "all {\"sites\":[\"" SHOP "\"]}; all {\"sites\":[\"" STORE
                       "\"]}; site {\"site\":\"" SHOP "\"}; site {\"site\":\"" STORE "\"}");
    feeds_close(&feeds);
}

TEST(an_incident_that_gains_a_known_alert_starts_nothing_that_is_started)
{
    static const char *const two[] = { site_book, all_book, NULL };
    struct feeds feeds = { 0 };

    feeds_open(&feeds, two, NULL);
    feeds_tell(&feeds, "sentinel",
               ATTACK("i9", Q(KEY_1), "\"source\":\"sentinel\",", "high", "", RES(SHOP)));
    feeds_tell(&feeds, "defender", PRODUCT("a1", KEY_1, SHOP));
    feeds_tell(&feeds, "defender", PRODUCT("a2", KEY_2, STORE));
    feeds_tell(&feeds, "sentinel",
               ATTACK("i9", Q(KEY_1) "," Q(KEY_2), "\"source\":\"sentinel\",", "high", "",
                      RES(SHOP) "," RES(STORE)));
    feeds_tell(&feeds, "sentinel",
               ATTACK("i9", Q(KEY_1) "," Q(KEY_2), "\"source\":\"sentinel\",", "high",
                      TWO_IPS, RES(SHOP) "," RES(STORE)));
    CHECK_INT(feeds.alert_count, 2);
    check_runs(&feeds, "all {\"sites\":[\"" SHOP "\"]}; all {\"sites\":[\"" STORE
                       "\"]}; site {\"site\":\"" SHOP "\"}; site {\"site\":\"" STORE "\"}");
    feeds_close(&feeds);
}

/* -- what counts as new ---------------------------------------------------------------------- */

static const char new_book[] =
    BOOK("new", "severity = 'low+'", "", "what = { 'list of string', 'what is new' }",
         "local what = {} for kind, list in pairs(alert.new or {}) do for _, item in "
         "ipairs(list) do what[#what + 1] = kind .. ':' .. item end end table.sort(what) "
         "return { what = what }");
#define GROWING(more, entities, resources)                          \
    "{\"id\":\"a1\",\"type\":\"T\"," more "\"entities\":{" entities \
    "},\"resources\":[" resources "]}"
#define MEDIUM "\"severity\":\"medium\",\"title\":\"t\","
#define FIRST                                                                      \
    GROWING(MEDIUM,                                                                \
            "\"ips\":[\"203.0.113.1\",\"203.0.113.2\"],\"assets\":[\"10.0.0.4\"]," \
            "\"accounts\":[\"Eve@shop.example\"],\"hosts\":[\"web-1\"],"           \
            "\"urls\":[\"https://x.example/a\"],\"files\":[\"/tmp/a\"]",           \
            RES(SHOP) "," RES(PLAN))

TEST(what_an_alert_gains_is_told_and_started_for_and_nothing_else_is)
{
    static const struct {
        const char *name, *alert, *note, *runs;
    } rows[] = {
        { "an address", GROWING(MEDIUM, "\"ips\":[\"203.0.113.9\"]", ""), "changed",
          "new {\"what\":[\"ips:203.0.113.9\"]}" },
        { "an own address", GROWING(MEDIUM, "\"assets\":[\"10.0.0.5\"]", ""), "changed",
          "new {\"what\":[\"assets:10.0.0.5\"]}" },
        { "an account", GROWING(MEDIUM, "\"accounts\":[\"mallory\"]", ""), "changed",
          "new {\"what\":[\"accounts:mallory\"]}" },
        { "a host", GROWING(MEDIUM, "\"hosts\":[\"web-2\"]", ""), "changed",
          "new {\"what\":[\"hosts:web-2\"]}" },
        { "a URL", GROWING(MEDIUM, "\"urls\":[\"https://x.example/b\"]", ""), "changed",
          "new {\"what\":[\"urls:https://x.example/b\"]}" },
        { "a file", GROWING(MEDIUM, "\"files\":[\"/tmp/b\"]", ""), "changed",
          "new {\"what\":[\"files:/tmp/b\"]}" },
        { "a resource", GROWING(MEDIUM, "", RES(STORE)), "changed",
          "new {\"what\":[\"resources:" STORE "\"]}" },
        { "a child", GROWING(MEDIUM "\"children\":[\"c-1\"],", "", ""), "changed",
          "new {\"what\":[\"children:c-1\"]}" },
        { "two kinds", GROWING(MEDIUM, "\"hosts\":[\"web-2\"],\"files\":[\"/b\"]", ""),
          "changed", "new {\"what\":[\"files:/b\",\"hosts:web-2\"]}" },
        { "an entity and a resource", GROWING(MEDIUM, "\"hosts\":[\"web-2\"]", RES(STORE)),
          "changed",
          "new {\"what\":[\"hosts:web-2\"]}; new {\"what\":[\"resources:" STORE "\"]}" },
        { "a higher severity", GROWING("\"severity\":\"high\",", "", ""), "raised", "" },
        { "a lower severity", GROWING("\"severity\":\"low\",", "", ""), "again", "" },
        { "no entities at all", GROWING(MEDIUM, "", ""), "again", "" },
        { "another order", GROWING(MEDIUM, "\"ips\":[\"203.0.113.2\",\"203.0.113.1\"]", ""),
          "again", "" },
        { "another letter case",
          GROWING(
              MEDIUM, "\"accounts\":[\"eve@SHOP.example\"]",
              "\"/SUBSCRIPTIONS/s/resourcegroups/g/providers/microsoft.web/sites/SHOP\""),
          "again", "" },
        { "the mapped form of an address",
          GROWING(MEDIUM, "\"ips\":[\"::ffff:203.0.113.1\"]", ""), "again", "" },
        { "a title", GROWING("\"severity\":\"medium\",\"title\":\"u\",", "", ""), "again",
          "" },
        { "a tactic", GROWING(MEDIUM "\"tactics\":[\"Impact\"],", "", ""), "again", "" },
        { "a link", GROWING(MEDIUM "\"link\":\"https://portal.example/\",", "", ""),
          "again", "" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static const char *const one[] = { new_book, NULL };
        struct feeds feeds = { 0 };
        char *runs;

        feeds_open(&feeds, one, NULL);
        feeds_tell(&feeds, "f", FIRST);
        check_runs(&feeds, "new {\"what\":[]}");
        feeds_forget(&feeds);
        feeds_tell(&feeds, "f", rows[i].alert);
        runs = feeds_runs(&feeds);
        if (strcmp(runs, rows[i].runs) != 0 || strcmp(feeds.signals, rows[i].note) != 0)
            FAIL("%s: %s, %s", rows[i].name, feeds.signals, runs);
        free(runs);
        feeds_close(&feeds);
    }
}

TEST(news_that_a_playbook_has_no_use_for_never_start_it_again)
{
    static const char *const one[] = { any_book, routed_book, NULL };
    static const char by_route[] =
        "[{\"match\":{},\"name\":\"web\",\"params\":{\"app\":\"$alert.entities.hosts.1\"},"
        "\"playbook\":\"routed\"}]";
    struct feeds feeds = { 0 };

    feeds_open(&feeds, one, by_route);
    feeds_tell(&feeds, "f", FIRST);
    feeds_tell(&feeds, "f", GROWING(MEDIUM, "\"ips\":[\"203.0.113.3\"]", ""));
    feeds_tell(&feeds, "f", GROWING(MEDIUM, "\"files\":[\"/tmp/b\"]", ""));
    feeds_tell(&feeds, "f", GROWING(MEDIUM, "\"ips\":[\"203.0.113.4\"]", ""));
    feeds_tell(&feeds, "f", GROWING(MEDIUM, "\"accounts\":[\"mallory\"]", RES(STORE)));
    feeds_restart(&feeds);
    feeds_tell(&feeds, "f", GROWING(MEDIUM, "\"urls\":[\"https://x.example/c\"]", ""));
    check_runs(&feeds, "any {\"ips\":[\"203.0.113.1\",\"203.0.113.2\"]}; "
                       "any {\"ips\":[\"203.0.113.3\"]}; any {\"ips\":[\"203.0.113.4\"]}; "
                       "routed {\"app\":\"web-1\"}");
    feeds_close(&feeds);
}

TEST(a_playbook_that_could_not_start_before_gets_all_of_the_alert)
{
    static const char *const one[] = { BOOK("both", "severity = 'low+'", "",
                                            IPS ", app = { 'string', 'which' }",
                                            "return { ips = alert.entities.ips, app = "
                                            "alert.all('Microsoft.Sql/servers')[1] "
                                            "}"),
                                       NULL };
    static const char server[] =
        "\"/subscriptions/s/resourceGroups/g/providers/Microsoft.Sql/servers/db\"";
    struct feeds feeds = { 0 };
    struct str more = { 0 };

    feeds_open(&feeds, one, NULL);
    feeds_tell(&feeds, "f", FIRST);
    CHECK_INT(feeds.run_count, 0);
    str_printf(&more,
               "{\"id\":\"a1\",\"type\":\"T\"," MEDIUM
               "\"entities\":{\"ips\":[\"203.0.113.3\"]},\"resources\":[%s]}",
               server);
    feeds_tell(&feeds, "f", str_text(&more));
    CHECK_INT(feeds.run_count, 1);
    CHECK_HAS(feeds.runs[0], "[\"203.0.113.1\",\"203.0.113.2\",\"203.0.113.3\"]");
    str_fini(&more);
    feeds_close(&feeds);
}

/* -- on_alert.changed and alert.all ---------------------------------------------------------- */

TEST(changed_is_asked_what_a_playbook_wants_of_what_is_new)
{
    static const struct {
        const char *changed, *runs, *said;
    } rows[] = {
        { "", "x {\"ips\":[\"203.0.113.9\"]}", "\"run\"" },
        { "changed = false,", "", "on_alert.changed = false" },
        { "changed = function(alert) return { ips = alert.new.ips } end,",
          "x {\"ips\":[\"203.0.113.9\"]}", "\"run\"" },
        { "changed = function(alert) return nil end,", "", "wants nothing of what is new" },
        { "changed = function(alert) return { ips = alert.new.hosts } end,",
          "x {\"ips\":[]}", "\"run\"" },
        { "changed = function(alert) return { ips = { alert.entities.hosts[1] } } end,",
          "x {\"ips\":[\"web-1\"]}", "\"run\"" },
        { "changed = function(alert) return { ips = alert.new.ips.first } end,",
          "x {\"ips\":[]}", "\"run\"" },
        { "changed = function(alert) error('no') end,", "", "on_alert failed" },
        { "changed = function(alert) return 1 end,", "", "wants to return a table" },
        { "changed = function(alert) return { ipz = {} } end,", "", "ipz" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str source = { 0 };
        struct feeds feeds = { 0 };

        str_printf(&source,
                   "return playbook { name = 'x', summary = 's', params = { " IPS
                   " }, on_alert = { when = { severity = 'low+' }, %s params = "
                   "function(alert) " TAKES_IPS " end }, run = function(p, ctx) end }",
                   rows[i].changed);
        const char *const one[] = { str_text(&source), NULL };
        feeds_open(&feeds, one, NULL);
        feeds_tell(&feeds, "f", FIRST);
        check_runs(&feeds, "x {\"ips\":[\"203.0.113.1\",\"203.0.113.2\"]}");
        feeds_forget(&feeds);
        feeds_tell(&feeds, "f", GROWING(MEDIUM, "\"ips\":[\"203.0.113.9\"]", ""));
        check_runs(&feeds, rows[i].runs);
        CHECK_HAS(feeds.made, rows[i].said);
        feeds_close(&feeds);
        str_fini(&source);
    }
}

TEST(changed_false_starts_nothing_for_a_playbook_that_could_not_start_before)
{
    static const char *const one[] = { BOOK("once", "severity = 'low+'", "changed = false,",
                                            "app = { 'string', 'which' }",
                                            "return { app = alert.entities.hosts[2] }"),
                                       NULL };
    struct feeds feeds = { 0 };

    feeds_open(&feeds, one, NULL);
    feeds_tell(&feeds, "f", FIRST);
    feeds_tell(&feeds, "f", GROWING(MEDIUM, "\"hosts\":[\"web-2\"]", ""));
    CHECK_INT(feeds.run_count, 0);
    CHECK_HAS(feeds.made, "on_alert.changed = false");
    feeds_close(&feeds);
}

TEST(alert_all_lists_the_resources_of_a_type_in_the_alerts_order)
{
    static const struct {
        const char *type, *resources, *sites;
    } rows[] = {
        { "Microsoft.Web/sites", RES(SHOP), RES(SHOP) },
        { "Microsoft.Web/sites", RES(PLAN) "," RES(STORE) "," RES(SHOP),
          RES(STORE) "," RES(SHOP) },
        { "microsoft.web/SITES", RES(SHOP) "," RES(PLAN), RES(SHOP) },
        { "Microsoft.Web/serverFarms", RES(SHOP) "," RES(PLAN), RES(PLAN) },
        { "Microsoft.Web/sites", RES(SHOP "/slots/stage"), RES(SHOP "/slots/stage") },
        { "Microsoft.Web/sites/slots", RES(SHOP "/slots/stage") "," RES(SHOP),
          RES(SHOP "/slots/stage") },
        { "Microsoft.Sql/servers", RES(SHOP), "" },
        { "Microsoft.Web/sites", "", "" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str source = { 0 }, alert = { 0 }, wanted = { 0 };
        struct feeds feeds = { 0 };

        str_printf(
            &source,
            "return playbook { name = 'x', summary = 's', params = { sites = { 'list "
            "of string', 'w' } }, on_alert = { when = { severity = 'low+' }, params = "
            "function(alert) return { sites = alert.all '%s' } end }, "
            "run = function(p, ctx) end }",
            rows[i].type);
        str_printf(&alert, "{\"id\":\"a1\",\"severity\":\"low\",\"resources\":[%s]}",
                   rows[i].resources);
        str_printf(&wanted, "x {\"sites\":[%s]}", rows[i].sites);
        const char *const one[] = { str_text(&source), NULL };
        feeds_open(&feeds, one, NULL);
        feeds_tell(&feeds, "f", str_text(&alert));
        check_runs(&feeds, str_text(&wanted));
        feeds_close(&feeds);
        str_fini(&source);
        str_fini(&alert);
        str_fini(&wanted);
    }
}

/* -- cards of older versions ----------------------------------------------------------------- */

TEST(a_card_of_an_older_version_is_read_and_its_alert_goes_on)
{
    static const char card[] =
        "{\"count\":2,\"d\":1,\"first\":1,\"id\":\"a1\",\"last\":2,\"made\":[],"
        "\"routed\":true,\"runs\":[\"r-000007\"],\"severity\":\"medium\",\"source\":\"f\","
        "\"status\":\"\",\"title\":\"t\",\"type\":\"T\"}";
    struct feeds feeds = { 0 };
    struct str alert = { 0 };
    struct err err;
    static const char *const two[] = { any_book, product_book, NULL };

    CHECK_OK(alert_complete(span_of(FIRST), span_of("f"), &alert, &err), &err);
    feeds.alert_count = 1;
    feeds.alerts[0] = (struct feeds_alert){ .number = 1,
                                            .first_seq = 1,
                                            .own = xstrdup("[f a1]\n[" KEY_1 "]\n"),
                                            .alert = str_take(&alert),
                                            .card = xstrdup(card),
                                            .state = ALERT_ROUTED };
    feeds.last_seq = 1;
    feeds_open(&feeds, two, NULL);
    feeds_tell(&feeds, "f", FIRST); /* told again: nothing */
    CHECK_INT(feeds.run_count, 0);
    CHECK_INT(json_get_int(span_of(feeds.alerts[0].card), "count", 0), 3);
    CHECK_HAS(feeds.alerts[0].card, "r-000007");
    feeds_tell(&feeds, "defender",
               ATTACK("d1", Q(KEY_1), "\"source\":\"defender-for-cloud\",", "high", "",
                      RES(SHOP)));
    CHECK_INT(count_of(&feeds, "product "), 1);
    feeds_close(&feeds);
}

TEST(a_card_that_was_not_routed_yet_by_an_older_version_is_routed)
{
    static const char card[] =
        "{\"count\":1,\"d\":1,\"first\":1,\"id\":\"a1\",\"last\":1,\"made\":[],"
        "\"routed\":false,\"runs\":[],\"severity\":\"medium\",\"source\":\"f\","
        "\"status\":\"\",\"title\":\"t\",\"type\":\"T\"}";
    struct feeds feeds = { 0 };
    struct str alert = { 0 };
    struct err err;
    static const char *const one[] = { any_book, NULL };

    CHECK_OK(alert_complete(span_of(FIRST), span_of("f"), &alert, &err), &err);
    feeds.alert_count = 1;
    feeds.alerts[0] = (struct feeds_alert){ .number = 1,
                                            .first_seq = 1,
                                            .alert = str_take(&alert),
                                            .card = xstrdup(card),
                                            .state = ALERT_NEW };
    feeds.last_seq = 1;
    feeds_open(&feeds, one, NULL);
    feeds_restart(&feeds);
    CHECK_INT(feeds.run_count, 1);
    CHECK_INT(feeds.alerts[0].state, ALERT_ROUTED);
    feeds_close(&feeds);
}
