/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cidr.h - addresses and ranges of addresses, each with one spelling.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct job;

enum { IPS_MAX = 256 }; /* of one call */

struct cidr {
    unsigned char bytes[16]; /* the bits behind the prefix are 0 */
    int bits;
    bool is_v6;
};

/* "203.0.113.7", "203.0.113.0/24", "2001:db8::/32". */
bool cidr_parse(struct cidr *cidr, const char *text);

bool cidr_same(const struct cidr *a, const struct cidr *b);

/* The one spelling of a range; text itself when it is none (a tag, a star). */
const char *cidr_spelling(struct job *job, const char *text);

/* Do they have an address in common? */
bool cidr_overlaps(const struct cidr *a, const struct cidr *b);

/* The ranges of a call: sorted, each once, always with a prefix. */
struct cidr_list {
    const char **texts;
    struct cidr *cidrs;
    size_t count;
};

/* Reads the member ips of the job's arguments. NULL after the job has failed. */
struct cidr_list *cidr_args(struct job *job);

#define IPS_ARG                                                                    \
    "\"ips\":{\"type\":\"array\",\"maxItems\":256,\"items\":{\"type\":\"string\"," \
    "\"format\":\"ip\"},\"description\":\"addresses or ranges to block\"}"
