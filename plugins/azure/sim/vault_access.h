/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_access.h - who gets into a vault: its firewall, then role assignments or, in a vault
 * of the older mode, its access policies.
 */
#pragma once

#include "exchange.h"

/* The network comes first: a refusal says nothing of rights, nor of the token. Replies 403 and
 * returns false when the client is not let in. */
bool vault_lets_in(const struct request *request, struct reply *reply, const cJSON *vault);

bool vault_allows(const struct request *request, struct reply *reply, const cJSON *vault,
                  const char *action);
