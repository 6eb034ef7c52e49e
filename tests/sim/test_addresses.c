/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which addresses a change may touch, and which a person decides on, whatever the policy says.
 */
#include "world.h"

#define POLICY(guards)                                                    \
    "{\"groups\":{\"soc\":[\"bob\"]},\"guards\":{" guards "},\"rules\":[" \
    "{\"name\":\"all\",\"need\":0}]}"

/* Addresses alone, in a list, and within an object. */
static const char declaration[] =
    "{\"actions\":[{\"args\":{\"properties\":{\"ip\":{\"format\":\"ip\",\"type\":"
    "\"string\"},"
    "\"ips\":{\"items\":{\"format\":\"ip\",\"type\":\"string\"},\"type\":\"array\"},"
    "\"note\":{\"type\":\"string\"},\"rules\":{\"additionalProperties\":{\"properties\":{"
    "\"from\":{\"format\":\"ip\",\"type\":\"string\"}},\"type\":\"object\"},"
    "\"type\":\"object\"}},\"type\":\"object\"},\"because\":null,\"can_undo\":true,"
    "\"effect\":\"reverts\",\"name\":\"edge.block\",\"permissions\":[],"
    "\"repeat\":\"observable\",\"risk\":\"low\",\"settle_ms\":0,\"timeout_ms\":1000}],"
    "\"name\":\"edge\"}";

/* What the policy says of the call, with what the plugin tells beside. */
static const char *judged(struct world *w, const char *policy, const char *args,
                          const char *more)
{
    struct event plugin = { .kind = EV_PLUGIN,
                            .ok = true,
                            .name = span_of("edge"),
                            .hash = span_of(w_plugin_hash),
                            .json = span_of(declaration) };
    struct str text = { 0 };

    w_policy_is(w, policy);
    turn_reset(w->turn);
    engine_handle(w->engine, &plugin, w->turn);
    turn_reset(w->turn);
    char *change =
        arena_printf(&w->arena,
                     "{\"action\":\"edge.block\",\"args\":%s%s,\"target\":\"/t\"}", args,
                     more);
    engine_judge(w->engine, span_of(change), w->now_ms, w->turn, &text);
    char *kept = arena_dup(&w->arena, str_text(&text), text.len);
    str_fini(&text);
    return kept;
}

TEST(a_person_decides_on_addresses_that_are_hardly_an_attackers_though_no_rule_wants_one)
{
    static const struct {
        const char *args, *why; /* why NULL: it goes ahead */
    } rows[] = {
        { "{\"ips\":[\"198.51.100.20\"]}", NULL },
        { "{\"ips\":[\"198.51.100.0/24\"]}", NULL },
        { "{\"ips\":[\"2001:db8:1::/64\"]}", NULL },
        { "{\"ips\":[\"198.51.100.0/25\",\"198.51.100.128/25\",\"198.51.100.1\"]}", NULL },
        { "{\"note\":\"10.1.1.1\",\"ips\":[]}", NULL },
        { "{\"ips\":[\"198.51.100.0/23\"]}", "more IPv4 addresses than a /24 has" },
        { "{\"ips\":[\"198.51.100.0/24\",\"198.51.101.9\"]}",
          "more IPv4 addresses than a /24 has" },
        { "{\"ips\":[\"0.0.0.0/1\"]}", "more IPv4 addresses than a /24 has" },
        { "{\"ips\":[\"2001:db8::/63\"]}", "more IPv6 addresses than a /64 has" },
        { "{\"ips\":[\"198.51.100.20\",\"::/0\"]}", "more IPv6 addresses than a /64 has" },
        { "{\"ip\":\"192.168.7.7\"}", "192.168.7.7 is private" },
        { "{\"ip\":\"::ffff:10.0.0.9\"}", "10.0.0.9 is private" },
        { "{\"ip\":\"168.63.129.16\"}",
          "168.63.129.16 is an address of the Azure platform" },
        { "{\"rules\":{\"a\":{\"from\":\"127.0.0.1\"}}}", "127.0.0.1 is loopback" },
        { "{\"ips\":[\"FE80::9\"]}", "fe80::9 is link-local" },
        { "{\"ips\":[\"100.64.0.0/24\"]}",
          "100.64.0.0/24 has addresses that are private (carrier-grade NAT)" },
    };
    struct world *w = w_new(1, (const struct w_wish[]){ END });

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *got = judged(w, POLICY(""), rows[i].args, "");

        if (rows[i].why != NULL)
            CHECK_HAS(got, rows[i].why);
        CHECK_HAS(got, rows[i].why != NULL ? "\"need\":1" : "\"need\":0");
    }
    w_free(w);
}

TEST(the_policy_says_how_wide_a_prefix_may_be_and_whether_special_addresses_pass)
{
    static const struct {
        const char *policy, *args;
        bool asks;
    } rows[] = {
        { POLICY("\"prefix_v4\":16"), "{\"ips\":[\"198.51.0.0/16\"]}", false },
        { POLICY("\"prefix_v4\":16"), "{\"ips\":[\"198.50.0.0/15\"]}", true },
        { POLICY("\"prefix_v4\":32"), "{\"ips\":[\"198.51.100.0/31\"]}", true },
        { POLICY("\"prefix_v6\":48"), "{\"ips\":[\"2001:db8::/48\"]}", false },
        { POLICY("\"prefix_v6\":128"), "{\"ips\":[\"2001:db8::/127\"]}", true },
        { POLICY("\"special_addresses\":true"), "{\"ips\":[\"10.0.0.0/24\"]}", false },
        { POLICY("\"special_addresses\":true"), "{\"ips\":[\"10.0.0.0/8\"]}", true },
    };
    struct world *w = w_new(1, (const struct w_wish[]){ END });

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        CHECK_HAS(judged(w, rows[i].policy, rows[i].args, ""),
                  rows[i].asks ? "\"need\":1" : "\"need\":0");
    w_free(w);
}

TEST(what_was_blocked_is_let_go_without_anybody_being_asked)
{
    struct world *w = w_new(1, (const struct w_wish[]){ END });

    CHECK_HAS(judged(w, POLICY(""), "{\"ips\":[\"0.0.0.0/0\"]}", ",\"op\":\"undo\""),
              "\"need\":0");
    w_free(w);
}

TEST(a_plugin_can_want_a_person_and_the_gate_says_why)
{
    struct world *w = w_new(1, (const struct w_wish[]){ END });
    const char *got = judged(w, POLICY(""), "{\"ips\":[\"198.51.100.20\"]}",
                             ",\"ask\":\"198.51.100.20 is ours\"");

    CHECK_HAS(got, "\"need\":1");
    CHECK_HAS(got, "guard own: 198.51.100.20 is ours");
    w_free(w);
}

TEST(a_guarded_address_is_guarded_by_overlap_and_not_by_spelling)
{
    static const struct {
        const char *own, *args;
        bool is_stopped;
    } rows[] = {
        { "198.51.100.20", "{\"ips\":[\"198.51.100.20\"]}", true },
        { "198.51.100.20", "{\"ips\":[\"198.51.100.16/28\"]}", true },
        { "198.51.100.20/32", "{\"ips\":[\"::ffff:198.51.100.20\"]}", true },
        { "::ffff:198.51.100.20", "{\"ip\":\"198.51.100.20/32\"}", true },
        { "198.51.100.20/30", "{\"ips\":[\"198.51.100.23\"]}", true },
        { "2001:DB8::00aa", "{\"ips\":[\"2001:db8:0:0:0::AA/128\"]}", true },
        { "2001:db8:5::/48", "{\"rules\":{\"x\":{\"from\":\"2001:db8:5:6::7\"}}}", true },
        { "2001:db8:5::9", "{\"ips\":[\"::/0\"]}", true },
        { "198.51.100.20", "{\"rules\":{\"198.51.100.0/24\":{}}}", true },
        { "198.51.100.20", "{\"ips\":[\"198.51.100.21\",\"198.51.100.200\"]}", false },
        { "198.51.100.20/30", "{\"ips\":[\"198.51.100.24\"]}", false },
        { "2001:db8:5::/48", "{\"ips\":[\"2001:db8:6::1\"]}", false },
        { "::/0", "{\"ips\":[\"198.51.100.20\"]}", false },
    };
    static const char *const keys[] = { "own", "protected" };
    struct world *w = w_new(1, (const struct w_wish[]){ END });

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t k = 0; k < 2; k++) {
            char *policy =
                arena_printf(&w->arena, POLICY("\"prefix_v6\":0,\"%s\":[\"%s\"]"), keys[k],
                             rows[i].own);
            const char *got = judged(w, policy, rows[i].args, "");

            if ((strstr(got, "\"guard\":") != NULL) != rows[i].is_stopped)
                FAIL("%s %s against %s: %s", keys[k], rows[i].own, rows[i].args, got);
        }
    w_free(w);
}
