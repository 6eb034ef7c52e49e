/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h - assignments of Azure Policy that refuse writes.
 *
 * An assignment of the world has properties as Azure shows them, and two members that say
 * what its rule would: "denies", types of resources, and "where", what the body has to hold
 * for that.
 */
#pragma once

#include "exchange.h"

/* Returns false after having replied 403 RequestDisallowedByPolicy. */
bool policy_lets_pass(struct request *request, struct reply *reply);
