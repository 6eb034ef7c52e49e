/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login.h - the token endpoint of Entra: POST /{tenant}/oauth2/v2.0/token.
 */
#pragma once

#include "exchange.h"

void login_serve(struct request *request, struct reply *reply);
