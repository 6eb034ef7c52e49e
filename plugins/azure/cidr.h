/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cidr.h - the addresses and prefixes of a call, of which each has one spelling.
 *
 * A host is written with its width here ("203.0.113.7/32"), as rules are.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include <cordon/ip.h>

struct job;

enum { IPS_MAX = 256 }; /* of one call */

/* A mapped address is the IPv4 one. */
bool cidr_parse(struct cordon_ip *ip, const char *text);

bool cidr_same(const struct cordon_ip *a, const struct cordon_ip *b);

/* The one spelling of what a rule of the API names, whose family stays as it is; text itself
 * when it is no prefix (a tag, a star). */
const char *cidr_spelling(struct job *job, const char *text);

/* The prefixes of a call: sorted, IPv4 first, and none within another. */
struct cidr_list {
    const char **texts;
    struct cordon_ip *ips;
    size_t count;
    size_t v4_count; /* so many of them are IPv4 */
};

/* Reads the member ips of the job's arguments. NULL after the job has failed. */
struct cidr_list *cidr_args(struct job *job);
/* What an earlier call has written down, spelled and listed as it is there: a list of texts,
 * or the names of an object. */
struct cidr_list *cidr_written(struct job *job, const cJSON *written);
/* Those of one family. */
struct cidr_list *cidr_family(struct job *job, const struct cidr_list *list, bool is_v6);
/* How many addresses they have together; 2^53 - 1 when there are more. */
int64_t cidr_count(const struct cidr_list *list);
/* "2 addresses", or "3 prefixes with 514 addresses". */
const char *cidr_words(struct job *job, const struct cidr_list *list);

#define IPS_ARG                                                                    \
    "\"ips\":{\"type\":\"array\",\"maxItems\":256,\"items\":{\"type\":\"string\"," \
    "\"format\":\"ip\"},\"description\":\"addresses or ranges to block\"}"
