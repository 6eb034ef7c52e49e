/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.h - access tokens: who gets one, and whether the one in a request is good.
 *
 * A token is chance, tied to an identity, an audience and an end. It says nothing to
 * anybody but the simulator that gave it.
 */
#pragma once

#include "exchange.h"

struct tokens;

struct tokens *tokens_new(void);
void tokens_free(struct tokens *tokens);

/* Forgets every token that was given. */
void tokens_clear(struct tokens *tokens);

/* Ends every token that was given, as time would. */
void tokens_expire(struct tokens *tokens);

enum token_verdict {
    TOKEN_GOOD, /* request->identity is set */
    TOKEN_MISSING,
    TOKEN_UNKNOWN,
    TOKEN_EXPIRED,
    TOKEN_ELSEWHERE /* for another audience */
};

enum token_verdict token_check(struct request *request, const char *audience);

/* May the identity of request do action? Its "deny" list decides. */
bool token_allows(const struct request *request, const char *action);

/* POST /{tenant}/oauth2/v2.0/token */
void token_serve(struct request *request, struct reply *reply);

/* GET /metadata/identity/oauth2/token */
void token_serve_imds(struct request *request, struct reply *reply);
