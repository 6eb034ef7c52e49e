/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nsg.h - rules of network security groups, in whichever of their spellings.
 */
#pragma once

#include <stdbool.h>

#include <cjson/cJSON.h>

struct cidr_list;
struct job;

#define NSG_TYPE "Microsoft.Network/networkSecurityGroups"

#define NSG_ID                                                                           \
    "\"id\":{\"type\":\"string\",\"format\":\"arm-id\",\"x-arm-type\":\"" NSG_TYPE "\"," \
    "\"description\":\"resource id of the network security group\"}"

extern const char *const nsg_types[]; /* NSG_TYPE, NULL */

/* A list in one field or one value in another: the strings of both, owned by nobody yet. */
cJSON *rule_values(const cJSON *properties, const char *singular, const char *plural);

/* The priority, 0 when the rule has none. */
int rule_priority(const cJSON *rule);

/* Inbound and Outbound, letter case apart. */
bool rule_has_direction(const cJSON *rule, const char *direction);

/* The field of the far end's addresses: source for Inbound, destination for Outbound. */
const char *far_prefix(const char *direction);
const char *far_prefixes(const char *direction);

/* Could the rule let any of these addresses through? What is no address (a tag, a group,
 * a star) could stand for any. */
bool rule_could_allow(const cJSON *rule, const char *direction,
                      const struct cidr_list *ips);

/* A priority for a Deny rule in front of all that could allow ips, as near to them as
 * possible, not counting the rule called own. Returns 0 when none is free. */
int nsg_priority_free(const cJSON *rules, const char *direction,
                      const struct cidr_list *ips, const char *own);
