/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openid.h - where a tenant's endpoints are, which Microsoft's clients ask before they ask
 * for a token.
 */
#pragma once

#include "exchange.h"

/* Is it /{tenant}/v2.0/.well-known/openid-configuration? */
bool openid_is_meant(const struct request *request);

void openid_serve(struct request *request, struct reply *reply);
