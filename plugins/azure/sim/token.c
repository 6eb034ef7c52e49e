/* SPDX-License-Identifier: Apache-2.0 */
#include "token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jwt.h"
#include "sim.h"

enum {
    TOKENS_MAX = 4096, /* the oldest is forgotten */
    TOKEN_BYTES = 32   /* of one without claims */
};

struct token {
    char *text; /* NULL: this place is free */
    char audience[AUDIENCE_SIZE];
    char client_id[UUID_SIZE];
    int64_t given_ms; /* steady clock */
    int64_t ends_ms;  /* wall clock */
    bool is_revoked;
};

struct tokens {
    struct token ring[TOKENS_MAX];
    unsigned count; /* given since the start */
    struct jwt_key *key;
};

struct tokens *tokens_new(void)
{
    struct tokens *tokens = xcalloc(1, sizeof *tokens);

    tokens->key = jwt_key_new();
    return tokens;
}

void tokens_clear(struct tokens *tokens)
{
    for (int i = 0; i < TOKENS_MAX; i++) {
        free(tokens->ring[i].text);
        tokens->ring[i] = (struct token){ 0 };
    }
    tokens->count = 0;
}

void tokens_free(struct tokens *tokens)
{
    tokens_clear(tokens);
    jwt_key_free(tokens->key);
    free(tokens);
}

void tokens_expire(struct tokens *tokens)
{
    for (int i = 0; i < TOKENS_MAX; i++)
        tokens->ring[i].ends_ms = 0;
}

void tokens_revoke(struct tokens *tokens, const char *client_id)
{
    for (int i = 0; i < TOKENS_MAX; i++) {
        struct token *token = &tokens->ring[i];
        if (client_id == NULL || text_is(token->client_id, client_id))
            token->is_revoked = true;
    }
}

cJSON *tokens_key_set(const struct tokens *tokens)
{
    return jwt_key_set(tokens->key);
}

int token_ttl_s(const struct sim *sim, const struct token_ask *ask)
{
    bool is_long = ask->takes_claims && text_is(ask->audience, sim->settings.graph);

    return is_long ? sim->settings.claims_token_ttl_s : sim->settings.token_ttl_s;
}

static void add_times(cJSON *claims, int ttl_s)
{
    int64_t now_s = clock_ms() / 1000;

    cJSON_AddNumberToObject(claims, "iat", (double)now_s);
    cJSON_AddNumberToObject(claims, "nbf", (double)now_s);
    cJSON_AddNumberToObject(claims, "exp", (double)(now_s + ttl_s));
}

static cJSON *claims_of(const struct sim *sim, const cJSON *identity,
                        const struct token_ask *ask)
{
    const char *tenant = sim->settings.tenant;
    cJSON *claims = cJSON_CreateObject();
    char *issuer = text_format("https://sts.windows.net/%s/", tenant);
    char id[UUID_SIZE];

    uuid_make(id);
    cJSON_AddStringToObject(claims, "aud", ask->audience);
    cJSON_AddStringToObject(claims, "iss", issuer);
    add_times(claims, token_ttl_s(sim, ask));
    cJSON_AddStringToObject(claims, "appid", json_text(identity, "client_id"));
    cJSON_AddStringToObject(claims, "appidacr", ask->proof);
    cJSON_AddStringToObject(claims, "idp", issuer);
    cJSON_AddStringToObject(claims, "idtyp", "app");
    cJSON_AddStringToObject(claims, "oid", json_text(identity, "object_id"));
    cJSON_AddStringToObject(claims, "sub", json_text(identity, "object_id"));
    cJSON_AddStringToObject(claims, "tid", tenant);
    cJSON_AddStringToObject(claims, "uti", id);
    cJSON_AddStringToObject(claims, "ver", "1.0");
    if (json_text(identity, "resource_id") != NULL)
        cJSON_AddStringToObject(claims, "xms_mirid", json_text(identity, "resource_id"));
    if (ask->takes_claims)
        cJSON_AddItemToArray(cJSON_AddArrayToObject(claims, "xms_cc"),
                             cJSON_CreateString("CP1"));
    free(issuer);
    return claims;
}

static char *make_text(const struct sim *sim, const cJSON *identity,
                       const struct token_ask *ask)
{
    char chance[2 * TOKEN_BYTES + 1];

    if (sim->settings.tokens == TOKENS_OPAQUE) {
        hex_make(chance, TOKEN_BYTES);
        return xstrdup(chance);
    }
    cJSON *claims = claims_of(sim, identity, ask);
    char *text = jwt_sign(sim->tokens->key, claims);
    cJSON_Delete(claims);
    return text;
}

const char *token_give(struct sim *sim, const cJSON *identity, const struct token_ask *ask)
{
    struct token *token = &sim->tokens->ring[sim->tokens->count++ % TOKENS_MAX];

    free(token->text);
    *token = (struct token){ .text = make_text(sim, identity, ask) };
    snprintf(token->audience, sizeof token->audience, "%s", ask->audience);
    snprintf(token->client_id, sizeof token->client_id, "%s",
             json_text(identity, "client_id"));
    token->given_ms = clock_steady_ms();
    token->ends_ms = clock_ms() + (int64_t)token_ttl_s(sim, ask) * 1000;
    return token->text;
}

static const struct token *find_token(const struct tokens *tokens, const char *text)
{
    for (int i = 0; i < TOKENS_MAX; i++) {
        const struct token *token = &tokens->ring[i];
        if (token->text != NULL && strcmp(token->text, text) == 0)
            return token;
    }
    return NULL;
}

enum token_verdict token_check(struct request *request, const char *audience)
{
    const char *header = request_header(request, "Authorization");
    const struct sim *sim = request->sim;

    if (!text_starts(header, "Bearer "))
        return TOKEN_MISSING;
    const struct token *token = find_token(sim->tokens, header + strlen("Bearer "));
    if (token == NULL)
        return TOKEN_UNKNOWN;
    request->identity = store_now(&sim->store, KIND_IDENTITY, token->client_id);
    request->token_age_ms = clock_steady_ms() - token->given_ms;
    if (request->identity == NULL)
        return TOKEN_UNKNOWN;
    if (token->ends_ms <= clock_ms())
        return TOKEN_EXPIRED;
    if (strcmp(token->audience, audience) != 0)
        return TOKEN_ELSEWHERE;
    return token->is_revoked && text_is(audience, sim->settings.graph) ? TOKEN_REVOKED
                                                                       : TOKEN_GOOD;
}

/* https://ACCOUNT.queue.core.windows.net is the same to a queue as all of storage. */
static bool is_of_storage(const struct sim *sim, const char *resource)
{
    const char *dot = strchr(resource, '.');

    return text_is(resource, TOKEN_STORAGE) ||
           (text_starts(resource, "https://") && dot != NULL &&
            text_is(dot + 1, sim->settings.queue_suffix));
}

bool token_audience(const struct sim *sim, const char *resource, char out[AUDIENCE_SIZE])
{
    char wanted[AUDIENCE_SIZE];

    snprintf(wanted, sizeof wanted, "%s", resource);
    size_t len = strlen(wanted);
    while (len > 0 && wanted[len - 1] == '/')
        wanted[--len] = '\0';
    if (text_is(wanted, sim->settings.arm) ||
        text_is(wanted, "https://management.core.windows.net"))
        snprintf(out, AUDIENCE_SIZE, "%s", sim->settings.arm);
    else if (text_is(wanted, sim->settings.vault_audience))
        snprintf(out, AUDIENCE_SIZE, "%s", sim->settings.vault_audience);
    else if (text_is(wanted, sim->settings.graph))
        snprintf(out, AUDIENCE_SIZE, "%s", sim->settings.graph);
    else if (is_of_storage(sim, wanted))
        snprintf(out, AUDIENCE_SIZE, "%s", TOKEN_STORAGE);
    else
        return false;
    return true;
}
