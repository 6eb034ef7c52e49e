/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault.h - the data plane of Key Vault: secrets, their versions, their soft delete.
 *
 * A vault is reached by its host name, or below /_vault/{vault} on the simulator's own.
 */
#pragma once

#include "exchange.h"

/* Is the request for a vault? Then request->vault is set, and the path and base are those
 * that the vault itself would see. */
bool vault_is_meant(struct request *request);

void vault_serve(struct request *request, struct reply *reply);
