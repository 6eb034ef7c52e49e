/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imds.h - the tokens of a machine's metadata service: GET /metadata/identity/oauth2/token.
 */
#pragma once

#include "exchange.h"

void imds_serve(struct request *request, struct reply *reply);
