/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.h - access tokens: made, kept, and looked up when a request shows one.
 *
 * A token is a signed JWT with the claims of Entra's, or chance when the world's options ask
 * for that. Either way it is good for one identity, one audience and one time, and only
 * because it is kept here.
 */
#pragma once

#include "exchange.h"

#define TOKEN_STORAGE "https://storage.azure.com"

enum { AUDIENCE_SIZE = 256 };

struct tokens;

struct tokens *tokens_new(void);
void tokens_free(struct tokens *tokens);

/* Forgets every token that was given. */
void tokens_clear(struct tokens *tokens);

/* Ends every token that was given, as time would. */
void tokens_expire(struct tokens *tokens);

/* Ends the sessions of an identity (NULL: of all): Graph turns down the tokens that were
 * given until now, and says in a claims challenge that newer ones are wanted. */
void tokens_revoke(struct tokens *tokens, const char *client_id);

/* The public key, as /discovery/v2.0/keys shows it. */
cJSON *tokens_key_set(const struct tokens *tokens);

/* What a token is asked for. */
struct token_ask {
    const char *audience;
    const char *proof; /* appidacr: "1" a secret, "2" an assertion or a certificate */
    bool takes_claims; /* the client says cp1: it understands claims challenges */
};

/* How long such a token is good. Graph ends the sessions of a client that understands claims
 * challenges by a challenge, and so its tokens live for a day. */
int token_ttl_s(const struct sim *sim, const struct token_ask *ask);

/* Returns a new token of identity, borrowed. */
const char *token_give(struct sim *sim, const cJSON *identity, const struct token_ask *ask);

/* Turns a resource, or a scope without /.default, into the audience that it means here.
 * Returns false when nothing of that name is known in this cloud. */
bool token_audience(const struct sim *sim, const char *resource, char out[AUDIENCE_SIZE]);

enum token_verdict {
    TOKEN_GOOD, /* request->identity and request->token_age_ms are set */
    TOKEN_MISSING,
    TOKEN_UNKNOWN,
    TOKEN_EXPIRED,
    TOKEN_ELSEWHERE, /* for another audience */
    TOKEN_REVOKED    /* only Graph looks */
};

enum token_verdict token_check(struct request *request, const char *audience);
