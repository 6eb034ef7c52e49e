/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ip.h"

#include "base/schema.h"
#include "check.h"

static struct cordon_ip ip_of(const char *text)
{
    struct cordon_ip ip;

    if (!ip_parse(span_of(text), &ip))
        FAIL("\"%s\" was refused", text);
    return ip;
}

TEST(an_address_has_one_spelling_however_it_is_written)
{
    static const struct {
        const char *text, *spelling;
    } rows[] = {
        { "192.0.2.44", "192.0.2.44" },
        { "192.0.2.44/32", "192.0.2.44" },
        { "192.0.2.44/24", "192.0.2.0/24" },
        { "255.255.255.255/0", "0.0.0.0/0" },
        { "::ffff:192.0.2.44", "192.0.2.44" },
        { "::FFFF:c000:22c", "192.0.2.44" },
        { "0:0:0:0:0:ffff:192.0.2.44", "192.0.2.44" },
        { "::ffff:192.0.2.44/128", "192.0.2.44" },
        { "::ffff:192.0.2.44/112", "192.0.0.0/16" },
        { "::ffff:0:0/96", "0.0.0.0/0" },
        { "::ffff:0:0/95", "::fffe:0:0/95" },
        { "2001:0DB8:0000:0000:0000:0000:0000:002c", "2001:db8::2c" },
        { "2001:db8:0:1:0:0:0:2c", "2001:db8:0:1::2c" },
        { "2001:db8:0:0:1:0:0:2c", "2001:db8::1:0:0:2c" },
        { "2001:db8::2c/64", "2001:db8::/64" },
        { "2001:db8:ffff::/33", "2001:db8:8000::/33" },
        { "::", "::" },
        { "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
    };
    char shown[CORDON_IP_SHOWN];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cordon_ip ip = ip_of(rows[i].text);

        CHECK_STR(cordon_ip_show(&ip, shown), rows[i].spelling);
        CHECK(schema_format("ip", span_of(rows[i].text)));
    }
}

TEST(what_is_no_address_is_refused_and_not_guessed)
{
    static const char *const rows[] = {
        "",
        "192.0.2",
        "192.0.2.044",
        "192.0.2.256",
        "192.0.2.44 ",
        "1.2.3.4.",
        "192.0.2.44/33",
        "192.0.2.44/",
        "192.0.2.44/08",
        "192.0.2.44/-1",
        "0xc0.0.2.44",
        "3221226028",
        "2001:db8::1::2",
        "2001:db8:::1",
        ":2001:db8::",
        "2001:db8",
        "1:2:3:4:5:6:7:8:9",
        "12345::",
        "::g",
        "fe80::1%eth0",
        "::1/129",
        "1.2.3.4::",
        "[::1]",
        "192.0.2.44:443",
    };
    struct cordon_ip ip;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (ip_parse(span_of(rows[i]), &ip) || schema_format("ip", span_of(rows[i])))
            FAIL("\"%s\" was read as an address", rows[i]);
}

TEST(addresses_that_nobody_has_on_the_internet_are_special)
{
    static const struct {
        const char *text, *word;
    } rows[] = {
        { "0.0.0.0", "unspecified" },
        { "::", "unspecified" },
        { "127.8.0.1", "loopback" },
        { "::1", "loopback" },
        { "169.254.7.7", "link-local" },
        { "fe80::abcd", "link-local" },
        { "224.0.0.251", "multicast" },
        { "ff02::1", "multicast" },
        { "10.255.0.1", "private" },
        { "172.31.255.255", "private" },
        { "192.168.4.4", "private" },
        { "100.127.0.1", "private (carrier-grade NAT)" },
        { "fd12:3456::1", "private (unique local)" },
        { "255.255.255.255", "broadcast" },
        { "250.1.1.1", "reserved" },
        { "168.63.129.16", "an address of the Azure platform" },
        { "169.254.169.254", "an address of the Azure platform" },
        { "::ffff:10.1.1.1", "private" },
        { "64:ff9b::192.168.0.1", "private" },
        { "2002:7f00:1::1", "loopback" },
        { "8.0.0.0/6", "private" },
        { "172.32.0.1", NULL },
        { "100.128.0.1", NULL },
        { "11.0.0.1", NULL },
        { "168.63.129.17", NULL },
        { "203.0.113.200", NULL },
        { "198.51.100.200", NULL },
        { "192.0.2.200", NULL },
        { "2001:db8::200", NULL },
        { "64:ff9b::198.51.100.9", NULL },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cordon_ip ip = ip_of(rows[i].text);
        const char *word = cordon_ip_special(&ip);

        CHECK_STR(word != NULL ? word : "ordinary",
                  rows[i].word != NULL ? rows[i].word : "ordinary");
    }
}

TEST(prefixes_overlap_where_they_have_an_address_in_common)
{
    static const struct {
        const char *a, *b;
        bool overlaps, contains;
    } rows[] = {
        { "192.0.2.0/24", "192.0.2.9", true, true },
        { "192.0.2.9", "192.0.2.0/24", true, false },
        { "192.0.2.9/32", "::ffff:192.0.2.9", true, true },
        { "192.0.2.0/25", "192.0.2.128/25", false, false },
        { "192.0.2.130/25", "192.0.2.255", true, true },
        { "0.0.0.0/0", "255.255.255.255", true, true },
        { "::/0", "192.0.2.9", false, false },
        { "::/0", "2001:db8::9", true, true },
        { "2001:db8::/33", "2001:db8:8000::1", false, false },
        { "2001:DB8::9", "2001:db8:0:0:0::9/128", true, true },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cordon_ip a = ip_of(rows[i].a), b = ip_of(rows[i].b);

        if ((cordon_ip_overlaps(&a, &b) != 0) != rows[i].overlaps ||
            (cordon_ip_overlaps(&b, &a) != 0) != rows[i].overlaps ||
            (cordon_ip_contains(&a, &b) != 0) != rows[i].contains)
            FAIL("%s and %s", rows[i].a, rows[i].b);
    }
}

TEST(merging_sorts_and_leaves_out_what_another_prefix_contains)
{
    static const char *const texts[] = { "2001:db8::9",   "192.0.2.9", "192.0.2.0/24",
                                         "192.0.2.0/25",  "192.0.3.1", "2001:db8::/64",
                                         "192.0.2.77/32", "192.0.3.1", "::ffff:192.0.3.1" };
    static const char *const left[] = { "192.0.2.0/24", "192.0.3.1", "2001:db8::/64" };
    struct cordon_ip list[sizeof texts / sizeof texts[0]];
    char shown[CORDON_IP_SHOWN];

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        list[i] = ip_of(texts[i]);
    CHECK_INT((int64_t)cordon_ip_merge(list, sizeof texts / sizeof texts[0]), 3);
    for (size_t i = 0; i < 3; i++)
        CHECK_STR(cordon_ip_show(&list[i], shown), left[i]);
    CHECK_INT((int64_t)cordon_ip_merge(list, 0), 0);
}

TEST(a_prefix_counts_its_addresses_up_to_what_json_holds)
{
    static const struct {
        const char *text;
        int64_t count;
    } rows[] = {
        { "192.0.2.9", 1 },
        { "192.0.2.0/24", 256 },
        { "0.0.0.0/0", INT64_C(4294967296) },
        { "2001:db8::/120", 256 },
        { "2001:db8::/64", INT64_C(9007199254740991) },
        { "::/0", INT64_C(9007199254740991) },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cordon_ip ip = ip_of(rows[i].text);

        CHECK_INT(cordon_ip_count(&ip), rows[i].count);
    }
}

TEST(a_text_that_is_meant_as_an_address_and_is_none_is_known)
{
    CHECK(ip_is_meant(span_of("192.0.2.044")));
    CHECK(ip_is_meant(span_of("192.0.2.44/40")));
    CHECK(ip_is_meant(span_of("2001:db8:::1")));
    CHECK(ip_is_meant(span_of(" 192.0.2.0/24")));
    CHECK(ip_is_meant(span_of("192.0.2.*")));
    CHECK(ip_is_meant(span_of("172.16.4")));
    CHECK(ip_is_meant(span_of("192.0.2.1 - 192.0.2.9")));
    CHECK(ip_is_meant(span_of("2001:db8::5g")));
    CHECK(!ip_is_meant(span_of("")));
    CHECK(!ip_is_meant(span_of("*")));
    CHECK(!ip_is_meant(span_of("1.5")));
    CHECK(!ip_is_meant(span_of("*:deploy")));
    CHECK(!ip_is_meant(span_of("192.0.2.44")));
    CHECK(!ip_is_meant(span_of("2001:db8::/32")));
    CHECK(!ip_is_meant(span_of("/subscriptions/*/sites/shop")));
    CHECK(!ip_is_meant(span_of("77777777-aaaa-4aaa-8aaa-777777777777")));
    CHECK(!ip_is_meant(span_of("shop-web.example.org")));
}
