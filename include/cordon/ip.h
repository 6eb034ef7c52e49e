/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon/ip.h - the one type for addresses and prefixes, in cordon and in plugins.
 *
 * A value is a prefix of one family; a host is a prefix of full width. Values are compared by
 * the addresses that they contain, never by their spelling: letter case, zeros, host bits and
 * "/32" make no difference, and ::ffff:203.0.113.7 is 203.0.113.7. Each value has one spelling
 * (RFC 5952).
 *
 * Everything here is a pure inline function, so that a plugin links with nothing of cordon's.
 * The header compiles as C99 and as C++17.
 */
#ifndef CORDON_IP_H
#define CORDON_IP_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    CORDON_IP_SHOWN = 64, /* bytes of a spelling, with its NUL */
    CORDON_IP_V4 = 32,
    CORDON_IP_V6 = 128,
    CORDON_IP_MAPPED = 96 /* bits of ::ffff:0:0/96 */
};

struct cordon_ip {
    unsigned char bytes[16]; /* IPv4 in the first four; bits behind the prefix are 0 */
    unsigned char bits;
    unsigned char is_v6;
};

/* -- Parts of the functions below ------------------------------------------------------- */

static inline int cordon_ip_width(const struct cordon_ip *ip)
{
    return ip->is_v6 ? CORDON_IP_V6 : CORDON_IP_V4;
}

static inline void cordon_ip_mask(struct cordon_ip *ip)
{
    int bit;

    for (bit = ip->bits; bit < CORDON_IP_V6; bit++)
        ip->bytes[bit / 8] &= (unsigned char)~(0x80 >> bit % 8);
}

/* A number without leading zeros, which some read as octal; bytes taken, 0: it is none. */
static inline size_t cordon_ip_decimal(const char *text, size_t len, int max, int *value)
{
    size_t at = 0;

    *value = 0;
    while (at < len && at < 3 && text[at] >= '0' && text[at] <= '9')
        *value = *value * 10 + (text[at++] - '0');
    return *value > max || (at > 1 && text[0] == '0') ? 0 : at;
}

static inline int cordon_ip_read_v4(const char *text, size_t len, unsigned char *bytes)
{
    size_t at = 0, taken;
    int i, value;

    for (i = 0; i < 4; i++) {
        if (i > 0 && (at == len || text[at++] != '.'))
            return 0;
        taken = cordon_ip_decimal(text + at, len - at, 255, &value);
        if (taken == 0)
            return 0;
        bytes[i] = (unsigned char)value;
        at += taken;
    }
    return at == len;
}

static inline int cordon_ip_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Groups with ':' between them, the last perhaps dotted; how many bytes, -1: no groups. */
static inline int cordon_ip_read_groups(const char *text, size_t len, unsigned char *bytes)
{
    size_t at = 0, digits;
    int count = 0, value;

    while (at < len && count < 16) {
        if (count <= 12 && cordon_ip_read_v4(text + at, len - at, bytes + count))
            return count + 4;
        value = 0;
        for (digits = 0; at < len && digits < 4 && cordon_ip_hex(text[at]) >= 0; digits++)
            value = value * 16 + cordon_ip_hex(text[at++]);
        if (digits == 0 || (at < len && (text[at] != ':' || at + 1 == len)))
            return -1;
        at += at < len;
        bytes[count++] = (unsigned char)(value >> 8);
        bytes[count++] = (unsigned char)(value & 0xff);
    }
    return at == len ? count : -1;
}

static inline int cordon_ip_read_v6(const char *text, size_t len, unsigned char *bytes)
{
    unsigned char tail[16];
    size_t gap = 0;
    int before, behind;

    while (gap + 1 < len && (text[gap] != ':' || text[gap + 1] != ':'))
        gap++;
    if (gap + 1 >= len)
        return cordon_ip_read_groups(text, len, bytes) == 16;
    before = cordon_ip_read_groups(text, gap, bytes);
    behind = cordon_ip_read_groups(text + gap + 2, len - gap - 2, tail);
    if (before < 0 || behind < 0 || before + behind > 14 ||
        (gap > 0 && memchr(text, '.', gap) != NULL))
        return 0;
    memset(bytes + before, 0, (size_t)(16 - before));
    memcpy(bytes + 16 - behind, tail, (size_t)behind);
    return 1;
}

/* -- Reading ---------------------------------------------------------------------------- */

/* An address, or a prefix with "/bits", as it is written: a mapped address stays IPv6. Only
 * for telling what somebody else has written. 0: it is none. */
static inline int cordon_ip_read(const char *text, size_t len, struct cordon_ip *ip)
{
    const char *slash = len > 0 ? (const char *)memchr(text, '/', len) : NULL;
    size_t size = slash != NULL ? (size_t)(slash - text) : len;
    size_t rest = slash != NULL ? len - size - 1 : 0;
    int bits;

    memset(ip, 0, sizeof *ip);
    if (size == 0)
        return 0;
    ip->is_v6 = memchr(text, ':', size) != NULL;
    if (!(ip->is_v6 ? cordon_ip_read_v6(text, size, ip->bytes)
                    : cordon_ip_read_v4(text, size, ip->bytes)))
        return 0;
    bits = cordon_ip_width(ip);
    if (slash != NULL &&
        (rest == 0 || cordon_ip_decimal(slash + 1, rest, bits, &bits) != rest))
        return 0;
    ip->bits = (unsigned char)bits;
    cordon_ip_mask(ip);
    return 1;
}

/* The IPv4 prefix that a mapped one stands for. */
static inline void cordon_ip_unmap(struct cordon_ip *ip)
{
    static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

    if (!ip->is_v6 || ip->bits < CORDON_IP_MAPPED || memcmp(ip->bytes, mapped, 12) != 0)
        return;
    memmove(ip->bytes, ip->bytes + 12, 4);
    memset(ip->bytes + 4, 0, 12);
    ip->bits = (unsigned char)(ip->bits - CORDON_IP_MAPPED);
    ip->is_v6 = 0;
}

/* An address or a prefix; a mapped one is the IPv4 one. 0: it is none. */
static inline int cordon_ip_parse(const char *text, size_t len, struct cordon_ip *ip)
{
    if (!cordon_ip_read(text, len, ip))
        return 0;
    cordon_ip_unmap(ip);
    return 1;
}

/* -- Comparing -------------------------------------------------------------------------- */

static inline int cordon_ip_is_host(const struct cordon_ip *ip)
{
    return ip->bits == cordon_ip_width(ip);
}

/* Is every address of inner one of outer? */
static inline int cordon_ip_contains(const struct cordon_ip *outer,
                                     const struct cordon_ip *inner)
{
    struct cordon_ip cut = *inner;

    if (outer->is_v6 != inner->is_v6 || outer->bits > inner->bits)
        return 0;
    cut.bits = outer->bits;
    cordon_ip_mask(&cut);
    return memcmp(cut.bytes, outer->bytes, sizeof cut.bytes) == 0;
}

/* Do they have an address in common? */
static inline int cordon_ip_overlaps(const struct cordon_ip *a, const struct cordon_ip *b)
{
    return cordon_ip_contains(a, b) || cordon_ip_contains(b, a);
}

/* IPv4 first, then by address, and a prefix before what it contains. */
static inline int cordon_ip_compare(const struct cordon_ip *a, const struct cordon_ip *b)
{
    int order;

    if (a->is_v6 != b->is_v6)
        return a->is_v6 ? 1 : -1;
    order = memcmp(a->bytes, b->bytes, sizeof a->bytes);
    return order != 0 ? order : (int)a->bits - (int)b->bits;
}

static inline int cordon_ip_order(const void *a, const void *b)
{
    return cordon_ip_compare((const struct cordon_ip *)a, (const struct cordon_ip *)b);
}

/* Sorts the list and leaves out what another one contains; how many are left. */
static inline size_t cordon_ip_merge(struct cordon_ip *list, size_t count)
{
    size_t kept = 0, i;

    if (count > 1)
        qsort(list, count, sizeof *list, cordon_ip_order);
    for (i = 0; i < count; i++)
        if (kept == 0 || !cordon_ip_contains(&list[kept - 1], &list[i]))
            list[kept++] = list[i];
    return kept;
}

/* How many addresses it has; 2^53 - 1, which JSON can still hold, when there are more. */
static inline int64_t cordon_ip_count(const struct cordon_ip *ip)
{
    int free_bits = cordon_ip_width(ip) - ip->bits;

    return free_bits < 53 ? INT64_C(1) << free_bits : (INT64_C(1) << 53) - 1;
}

/* -- What it is ------------------------------------------------------------------------- */

static inline const char *cordon_ip_class(const struct cordon_ip *ip)
{
    static const struct {
        const char *prefix, *word;
    } classes[] = {
        { "168.63.129.16", "an address of the Azure platform" },
        { "169.254.169.254", "an address of the Azure platform" },
        { "0.0.0.0/8", "unspecified" },
        { "127.0.0.0/8", "loopback" },
        { "169.254.0.0/16", "link-local" },
        { "10.0.0.0/8", "private" },
        { "172.16.0.0/12", "private" },
        { "192.168.0.0/16", "private" },
        { "100.64.0.0/10", "private (carrier-grade NAT)" },
        { "192.0.0.0/24", "reserved" },
        { "224.0.0.0/4", "multicast" },
        { "255.255.255.255", "broadcast" },
        { "240.0.0.0/4", "reserved" },
        { "::", "unspecified" },
        { "::1", "loopback" },
        { "::/96", "reserved" },
        { "fe80::/10", "link-local" },
        { "fc00::/7", "private (unique local)" },
        { "fec0::/10", "private (site-local)" },
        { "64:ff9b:1::/48", "private (local translation)" },
        { "100::/64", "reserved" },
        { "ff00::/8", "multicast" },
    };
    struct cordon_ip of;
    size_t i;

    for (i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (cordon_ip_read(classes[i].prefix, strlen(classes[i].prefix), &of) &&
            cordon_ip_overlaps(ip, &of))
            return classes[i].word;
    return NULL;
}

/* The IPv4 address that a translated (64:ff9b::/96) or 6to4 (2002::/16) host carries. */
static inline int cordon_ip_carried(const struct cordon_ip *ip, struct cordon_ip *v4)
{
    static const unsigned char nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
    static const unsigned char to4[2] = { 0x20, 0x02 };
    int at = 0;

    if (ip->is_v6 && ip->bits == CORDON_IP_V6 && memcmp(ip->bytes, nat64, 12) == 0)
        at = 12;
    else if (ip->is_v6 && ip->bits >= 48 && memcmp(ip->bytes, to4, 2) == 0)
        at = 2;
    if (at == 0)
        return 0;
    memset(v4, 0, sizeof *v4);
    memcpy(v4->bytes, ip->bytes + at, 4);
    v4->bits = CORDON_IP_V4;
    return 1;
}

/* Why it has an address that is nobody's own on the internet ("private", "loopback"), or NULL.
 * The documentation prefixes are ordinary. */
static inline const char *cordon_ip_special(const struct cordon_ip *ip)
{
    struct cordon_ip v4;
    const char *word = cordon_ip_class(ip);

    return word == NULL && cordon_ip_carried(ip, &v4) ? cordon_ip_class(&v4) : word;
}

/* -- Writing ---------------------------------------------------------------------------- */

/* The longest run of zero groups, the first of equal ones; *len 0: none of two or more. */
static inline int cordon_ip_zeros(const unsigned *groups, int *len)
{
    int at = 0, i, run = 0;

    *len = 0;
    for (i = 0; i < 8; i++) {
        run = groups[i] == 0 ? run + 1 : 0;
        if (run > *len && run > 1) {
            *len = run;
            at = i + 1 - run;
        }
    }
    return at;
}

static inline void cordon_ip_show_v6(const struct cordon_ip *ip, char *buf)
{
    unsigned groups[8];
    const unsigned char *b = ip->bytes;
    size_t used = 0;
    int i, len, at;

    for (i = 0; i < 8; i++)
        groups[i] = (unsigned)b[i * 2] << 8 | b[i * 2 + 1];
    at = cordon_ip_zeros(groups, &len);
    if (len == 0)
        at = 8;
    buf[0] = '\0';
    for (i = 0; i < 8; i++) {
        if (i == at) {
            used += (size_t)snprintf(buf + used, CORDON_IP_SHOWN - used, "::");
            i += len - 1;
        } else if (i == 6 && at == 0 && (len == 6 || (len == 5 && groups[5] == 0xffff))) {
            used += (size_t)snprintf(buf + used, CORDON_IP_SHOWN - used, "%s%d.%d.%d.%d",
                                     len == 6 ? "" : ":", b[12], b[13], b[14], b[15]);
            return;
        } else {
            used += (size_t)snprintf(buf + used, CORDON_IP_SHOWN - used, "%s%x",
                                     i == 0 || i == at + len ? "" : ":", groups[i]);
        }
    }
}

/* "203.0.113.0/24", and a host without its width; returns buf. */
static inline char *cordon_ip_show(const struct cordon_ip *ip, char *buf)
{
    size_t used;

    if (ip->is_v6)
        cordon_ip_show_v6(ip, buf);
    else
        snprintf(buf, CORDON_IP_SHOWN, "%d.%d.%d.%d", ip->bytes[0], ip->bytes[1],
                 ip->bytes[2], ip->bytes[3]);
    used = strlen(buf);
    if (!cordon_ip_is_host(ip))
        snprintf(buf + used, CORDON_IP_SHOWN - used, "/%d", ip->bits);
    return buf;
}

#ifdef __cplusplus
}
#endif

#endif
