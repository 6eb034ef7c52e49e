/* SPDX-License-Identifier: Apache-2.0 */
#include "net/allow.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/err.h"
#include "check.h"

static struct allow make(const char *const *entries)
{
    struct allow allow;
    struct err err;

    CHECK_OK(allow_init(&allow, entries, &err), &err);
    return allow;
}

static int decide(const struct allow *allow, const char *host, const char *address,
                  bool is_plain)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    struct err err;

    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
        return allow_address(allow, span_of(host), (struct sockaddr *)&v4, is_plain, &err);
    CHECK_INT(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
    return allow_address(allow, span_of(host), (struct sockaddr *)&v6, is_plain, &err);
}

static int name(const struct allow *allow, const char *host, int port)
{
    struct err err;

    return allow_host(allow, span_of(host), port, &err);
}

TEST(a_name_must_fit_a_glob_and_its_port)
{
    const char *entries[] = { "management.azure.com", "*.vault.azure.net", "one.test:8443",
                              NULL };
    struct allow allow = make(entries);

    CHECK_INT(name(&allow, "management.azure.com", 443), 0);
    CHECK_INT(name(&allow, "Shop.Vault.Azure.NET", 443), 0);
    CHECK_INT(name(&allow, "vault.azure.net", 443), ERR_DENIED);
    CHECK_INT(name(&allow, "management.azure.com.evil.test", 443), ERR_DENIED);
    CHECK_INT(name(&allow, "one.test", 8443), 0);
    CHECK_INT(name(&allow, "one.test", 443), ERR_DENIED);
    CHECK_INT(name(&allow, "203.0.113.9", 443), ERR_DENIED);
    allow_fini(&allow);
}

TEST(nobodys_public_addresses_are_refused_in_every_spelling_unless_listed)
{
    static const char *const refused[] = {
        "127.0.0.1",
        "127.8.8.8",
        "10.1.2.3",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "168.63.129.16",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fd12::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "::127.0.0.1",
    };
    static const char *const taken[] = { "20.62.134.2", "2603:1030::1",
                                         "64:ff9b::143e:8602", "172.32.0.1",
                                         "100.128.0.1" };
    const char *entries[] = { "*", NULL };
    struct allow allow = make(entries);

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (decide(&allow, "a.test", refused[i], false) != ERR_DENIED)
            FAIL("%s was taken", refused[i]);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (decide(&allow, "a.test", taken[i], false) != 0)
            FAIL("%s was refused", taken[i]);
    allow_fini(&allow);
}

TEST(a_listed_network_opens_its_addresses_for_names_that_fit_and_for_no_others)
{
    const char *entries[] = { "*.vault.azure.net", "10.1.0.0/16", "169.254.169.254", NULL };
    struct allow allow = make(entries);

    CHECK_INT(decide(&allow, "shop.vault.azure.net", "10.1.200.3", false), 0);
    CHECK_INT(decide(&allow, "shop.vault.azure.net", "10.2.0.1", false), ERR_DENIED);
    CHECK_INT(name(&allow, "10.1.0.9", 443), 0);
    CHECK_INT(name(&allow, "inside.test", 443), ERR_DENIED);
    CHECK_INT(decide(&allow, "169.254.169.254", "169.254.169.254", true), 0);
    CHECK_INT(decide(&allow, "169.254.169.253", "169.254.169.253", true), ERR_DENIED);
    allow_fini(&allow);
}

TEST(localhost_is_listed_by_name_for_that_name_only)
{
    const char *entries[] = { "localhost", "other.test", NULL };
    struct allow allow = make(entries);

    CHECK_INT(decide(&allow, "localhost", "127.0.0.1", true), 0);
    CHECK_INT(decide(&allow, "localhost", "::1", true), 0);
    CHECK_INT(decide(&allow, "localhost", "10.0.0.1", true), ERR_DENIED);
    CHECK_INT(decide(&allow, "other.test", "127.0.0.1", true), ERR_DENIED);
    allow_fini(&allow);
}

TEST(plain_http_goes_only_to_listed_addresses)
{
    const char *entries[] = { "*", "20.62.134.2", NULL };
    struct allow allow = make(entries);

    CHECK_INT(decide(&allow, "a.test", "20.62.134.3", true), ERR_DENIED);
    CHECK_INT(decide(&allow, "a.test", "20.62.134.3", false), 0);
    CHECK_INT(decide(&allow, "a.test", "20.62.134.2", true), 0);
    allow_fini(&allow);
}

TEST(an_entry_that_is_none_is_named_with_what_would_be_right)
{
    static const char *const wrong[] = { "",           "https://a.test",
                                         "a b",        "10.0.0.0/33",
                                         "a.test:0",   "a.test:99999",
                                         "fd00::/200", ":80" };
    struct allow allow;
    struct err err;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *entries[] = { wrong[i], NULL };
        CHECK_ERR(allow_init(&allow, entries, &err), &err, ERR_INVALID);
        CHECK_HAS(err.text, "want a host like management.azure.com");
    }
}
