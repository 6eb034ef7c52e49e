/* SPDX-License-Identifier: Apache-2.0 */
#include "net/allow.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"

/* Every address as 16 bytes, version 4 in its mapped form ::ffff:a.b.c.d. */
struct network {
    unsigned char bytes[16];
    int bits;
};

struct allow_entry {
    char *glob; /* NULL when it is a network */
    int port;   /* 0: any */
    bool is_network;
    struct network network;
};

/* Nobody's public address. Version 4 in the mapped form, so 96 bits more. */
static const struct {
    const char *text;
    int bits;
} special[] = {
    { "0.0.0.0", 8 },        { "10.0.0.0", 8 },     { "100.64.0.0", 10 },
    { "127.0.0.0", 8 },      { "169.254.0.0", 16 }, { "172.16.0.0", 12 },
    { "192.0.0.0", 24 },     { "192.0.2.0", 24 },   { "192.88.99.0", 24 },
    { "192.168.0.0", 16 },   { "198.18.0.0", 15 },  { "198.51.100.0", 24 },
    { "203.0.113.0", 24 },   { "224.0.0.0", 4 },    { "240.0.0.0", 4 },
    { "168.63.129.16", 32 }, { "::", 96 },          { "64:ff9b:1::", 48 },
    { "100::", 64 },         { "2001:db8::", 32 },  { "2002::", 16 },
    { "2001::", 23 },        { "fc00::", 7 },       { "fe80::", 10 },
    { "fec0::", 10 },        { "ff00::", 8 },
};

static void map_v4(unsigned char *bytes, const void *v4)
{
    memset(bytes, 0, 10);
    bytes[10] = bytes[11] = 0xff;
    memcpy(bytes + 12, v4, 4);
}

/* False when text is no address in its plain spelling. */
static bool parse_address(const char *text, unsigned char *bytes, bool *is_v4)
{
    unsigned char v4[4];

    *is_v4 = inet_pton(AF_INET, text, v4) == 1;
    if (*is_v4)
        map_v4(bytes, v4);
    return *is_v4 || inet_pton(AF_INET6, text, bytes) == 1;
}

static bool in_network(const unsigned char *bytes, const struct network *network)
{
    int whole = network->bits / 8;
    int rest = network->bits % 8;

    if (memcmp(bytes, network->bytes, (size_t)whole) != 0)
        return false;
    return rest == 0 || (bytes[whole] ^ network->bytes[whole]) >> (8 - rest) == 0;
}

/* The address behind an address: 64:ff9b::/96 is version 4 seen through a translator. */
static void unwrap(unsigned char *bytes)
{
    static const unsigned char translated[12] = { 0x00, 0x64, 0xff, 0x9b };
    unsigned char v4[4];

    if (memcmp(bytes, translated, sizeof translated) != 0)
        return;
    memcpy(v4, bytes + 12, 4);
    map_v4(bytes, v4);
}

static bool is_special(const unsigned char *bytes)
{
    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
        struct network network;
        bool is_v4;
        if (!parse_address(special[i].text, network.bytes, &is_v4))
            continue;
        network.bits = special[i].bits + (is_v4 ? 96 : 0);
        if (in_network(bytes, &network))
            return true;
    }
    return false;
}

static bool address_bytes(const struct sockaddr *address, unsigned char *bytes)
{
    if (address->sa_family == AF_INET)
        map_v4(bytes, &((const struct sockaddr_in *)(const void *)address)->sin_addr);
    else if (address->sa_family == AF_INET6)
        memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
    else
        return false;
    unwrap(bytes);
    return true;
}

/* -- The list --------------------------------------------------------------------------- */

/* True when the entry is an address or a network; false when it must be a glob. */
static bool parse_network(const char *text, struct network *network)
{
    char address[64];
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    int64_t bits = -1;
    bool is_v4;

    if (len >= sizeof address)
        return false;
    memcpy(address, text, len);
    address[len] = 0;
    if (!parse_address(address, network->bytes, &is_v4))
        return false;
    int most = is_v4 ? 32 : 128;
    if (!slash)
        bits = most;
    else if (!span_int(span_of(slash + 1), &bits) || bits < 0 || bits > most)
        return false;
    network->bits = (int)bits + (is_v4 ? 96 : 0);
    return true;
}

static int parse_entry(struct allow_entry *entry, const char *text, struct err *err)
{
    const char *colon = strrchr(text, ':');
    int64_t port = 0;

    if (parse_network(text, &entry->network)) {
        entry->is_network = true;
        return 0;
    }
    size_t len = colon ? (size_t)(colon - text) : strlen(text);
    if (colon && (!span_int(span_of(colon + 1), &port) || port < 1 || port > 65535))
        len = 0;
    if (len == 0 || len != strcspn(text, "/:@ \t"))
        return err_set(err, ERR_INVALID,
                       "allowed host \"%s\": want a host like management.azure.com or "
                       "*.vault.azure.net, or an address or network like 10.1.0.0/16",
                       text);
    entry->glob = xstrndup(text, len);
    entry->port = (int)port;
    entry->is_network = parse_network(entry->glob, &entry->network);
    return 0;
}

int allow_init(struct allow *allow, const char *const *entries, struct err *err)
{
    size_t count = 0;

    while (entries && entries[count])
        count++;
    *allow = (struct allow){ 0 };
    if (count > ALLOW_ENTRIES_MAX)
        return err_set(err, ERR_TOO_BIG,
                       "%zu allowed hosts, at most %d (ALLOW_ENTRIES_MAX)", count,
                       ALLOW_ENTRIES_MAX);
    allow->entries = xcalloc(count + 1, sizeof *allow->entries);
    for (size_t i = 0; i < count; i++) {
        if (parse_entry(&allow->entries[i], entries[i], err) != 0) {
            allow_fini(allow);
            return err->code;
        }
        allow->count = i + 1;
    }
    return 0;
}

void allow_fini(struct allow *allow)
{
    for (size_t i = 0; i < allow->count; i++)
        free(allow->entries[i].glob);
    free(allow->entries);
    *allow = (struct allow){ 0 };
}

/* -- The two decisions ------------------------------------------------------------------- */

static bool is_listed(const struct allow *allow, const unsigned char *bytes)
{
    for (size_t i = 0; i < allow->count; i++)
        if (allow->entries[i].is_network && in_network(bytes, &allow->entries[i].network))
            return true;
    return false;
}

int allow_host(const struct allow *allow, struct span host, int port, struct err *err)
{
    unsigned char bytes[16];
    char text[64] = "";
    bool is_v4;

    if (host.len < sizeof text)
        memcpy(text, host.ptr, host.len);
    bool is_address = host.len < sizeof text && parse_address(text, bytes, &is_v4);
    for (size_t i = 0; i < allow->count; i++) {
        const struct allow_entry *entry = &allow->entries[i];
        if (entry->port != 0 && entry->port != port)
            continue;
        if (entry->glob ? span_glob(host, entry->glob)
                        : is_address && in_network(bytes, &entry->network))
            return 0;
    }
    return err_set(err, ERR_DENIED,
                   "host %.*s:%d is not among the hosts that the configuration allows this "
                   "plugin",
                   (int)host.len, host.ptr, port);
}

static bool is_localhost(const struct allow *allow, struct span host,
                         const unsigned char *bytes)
{
    static const struct network loopback4 = { { [10] = 0xff, 0xff, 127 }, 104 };
    static const struct network loopback6 = { { [15] = 1 }, 128 };

    if (!span_equal_nocase(host, span_of("localhost")))
        return false;
    if (!in_network(bytes, &loopback4) && !in_network(bytes, &loopback6))
        return false;
    for (size_t i = 0; i < allow->count; i++)
        if (allow->entries[i].glob && strcasecmp(allow->entries[i].glob, "localhost") == 0)
            return true;
    return false;
}

int allow_address(const struct allow *allow, struct span host,
                  const struct sockaddr *address, bool is_plain, struct err *err)
{
    unsigned char bytes[16];
    char text[INET6_ADDRSTRLEN] = "?";

    if (!address_bytes(address, bytes))
        return err_set(err, ERR_DENIED, "host %.*s: its address is neither IPv4 nor IPv6",
                       (int)host.len, host.ptr);
    if (is_listed(allow, bytes) || is_localhost(allow, host, bytes))
        return 0;
    inet_ntop(AF_INET6, bytes, text, sizeof text);
    if (is_special(bytes))
        return err_set(
            err, ERR_DENIED,
            "host %.*s is at %s, which is no public address and is not among the "
            "addresses that the configuration allows this plugin",
            (int)host.len, host.ptr, text);
    if (is_plain)
        return err_set(
            err, ERR_DENIED,
            "host %.*s: plain http goes only to addresses that the configuration "
            "lists; use https",
            (int)host.len, host.ptr);
    return 0;
}
