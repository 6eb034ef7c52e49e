/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule.h - what makes a security rule one that a network security group would take.
 */
#pragma once

#include "exchange.h"

/* Checks the properties of the rule called name, of the group nsg, against the rules that are
 * there, at most rules_max. Replies 400 and returns false when it would be refused. */
bool rule_check(const cJSON *properties, const char *name, const cJSON *nsg, int rules_max,
                struct reply *reply);
