/* SPDX-License-Identifier: Apache-2.0 */
#include "token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"
#include "sim.h"

enum {
    TOKENS_MAX = 4096, /* the oldest is forgotten */
    TOKEN_BYTES = 32,
    FIELDS_MAX = 32, /* of a form */
    AUDIENCE_SIZE = 256
};

struct token {
    char text[2 * TOKEN_BYTES + 1];
    char audience[AUDIENCE_SIZE];
    char client_id[UUID_SIZE];
    int64_t ends_ms;
};

struct tokens {
    struct token ring[TOKENS_MAX];
    unsigned count; /* given since the start */
};

struct tokens *tokens_new(void)
{
    return xcalloc(1, sizeof(struct tokens));
}

void tokens_free(struct tokens *tokens)
{
    free(tokens);
}

void tokens_clear(struct tokens *tokens)
{
    memset(tokens, 0, sizeof *tokens);
}

void tokens_expire(struct tokens *tokens)
{
    for (int i = 0; i < TOKENS_MAX; i++)
        tokens->ring[i].ends_ms = 0;
}

static const char *token_give(struct sim *sim, const cJSON *identity, const char *audience)
{
    struct token *token = &sim->tokens->ring[sim->tokens->count++ % TOKENS_MAX];

    hex_make(token->text, TOKEN_BYTES);
    snprintf(token->audience, sizeof token->audience, "%s", audience);
    snprintf(token->client_id, sizeof token->client_id, "%s",
             json_text(identity, "client_id"));
    token->ends_ms = clock_ms() + (int64_t)sim->settings.token_ttl_s * 1000;
    return token->text;
}

enum token_verdict token_check(struct request *request, const char *audience)
{
    const char *header = request_header(request, "Authorization");
    const struct token *token = NULL;

    if (!text_starts(header, "Bearer "))
        return TOKEN_MISSING;
    for (int i = 0; i < TOKENS_MAX && token == NULL; i++) {
        const struct token *other = &request->sim->tokens->ring[i];
        if (other->text[0] != '\0' && strcmp(other->text, header + strlen("Bearer ")) == 0)
            token = other;
    }
    if (token == NULL)
        return TOKEN_UNKNOWN;
    request->identity = store_now(&request->sim->store, KIND_IDENTITY, token->client_id);
    if (request->identity == NULL)
        return TOKEN_UNKNOWN;
    if (token->ends_ms <= clock_ms())
        return TOKEN_EXPIRED;
    return strcmp(token->audience, audience) == 0 ? TOKEN_GOOD : TOKEN_ELSEWHERE;
}

bool token_allows(const struct request *request, const char *action)
{
    const cJSON *pattern;

    cJSON_ArrayForEach(pattern, json_get(request->identity, "deny"))
    {
        const char *text = cJSON_GetStringValue(pattern);
        if (text != NULL && wildcard_fits(text, action))
            return false;
    }
    return true;
}

/* Turns a resource or the scope of a token request into the audience that it means here.
 * Returns false when nothing of that name is known in this cloud. */
static bool find_audience(const struct sim *sim, const char *resource,
                          char out[AUDIENCE_SIZE])
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
    else if (text_is(wanted, sim->settings.graph) || text_is(wanted, FEED_QUEUE_AUDIENCE))
        snprintf(out, AUDIENCE_SIZE, "%s", wanted);
    else
        return false;
    return true;
}

/* The token endpoint has an envelope of its own. */
static void refuse(struct reply *reply, int status, const char *error, int number,
                   const char *why)
{
    char now[TIME_SIZE];
    char trace[UUID_SIZE];
    char correlation[UUID_SIZE];

    time_text(now, clock_ms());
    uuid_make(trace);
    uuid_make(correlation);
    char *text = text_format("AADSTS%d: %s", number, why);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "error", error);
    cJSON_AddStringToObject(json, "error_description", text);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(json, "error_codes"),
                         cJSON_CreateNumber(number));
    cJSON_AddStringToObject(json, "timestamp", now);
    cJSON_AddStringToObject(json, "trace_id", trace);
    cJSON_AddStringToObject(json, "correlation_id", correlation);
    free(text);
    reply_json(reply, status, json);
}

struct form {
    char *text;
    struct {
        const char *name;
        const char *value;
    } fields[FIELDS_MAX];
    int count;
};

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void decode(char *text)
{
    char *out = text;

    for (; *text != '\0'; text++) {
        if (*text == '+') {
            *out++ = ' ';
        } else if (*text == '%' && hex_value(text[1]) >= 0 && hex_value(text[2]) >= 0) {
            *out++ = (char)(hex_value(text[1]) * 16 + hex_value(text[2]));
            text += 2;
        } else {
            *out++ = *text;
        }
    }
    *out = '\0';
}

static void form_init(struct form *form, const char *body, size_t body_len)
{
    char *rest = NULL;

    *form = (struct form){ .text = xcalloc(1, body_len + 1) };
    if (body_len > 0)
        memcpy(form->text, body, body_len);
    for (char *field = strtok_r(form->text, "&", &rest);
         field != NULL && form->count < FIELDS_MAX; field = strtok_r(NULL, "&", &rest)) {
        char *value = strchr(field, '=');
        if (value == NULL)
            continue;
        *value++ = '\0';
        decode(field);
        decode(value);
        form->fields[form->count].name = field;
        form->fields[form->count++].value = value;
    }
}

static const char *form_get(const struct form *form, const char *name)
{
    for (int i = 0; i < form->count; i++) {
        if (strcmp(form->fields[i].name, name) == 0 && form->fields[i].value[0] != '\0')
            return form->fields[i].value;
    }
    return NULL;
}

/* Is the caller who it says? Replies and returns false when not. */
static bool check_credential(const cJSON *identity, const struct form *form,
                             struct reply *reply)
{
    const char *secret = form_get(form, "client_secret");
    const char *assertion = form_get(form, "client_assertion");
    const char *right = json_text(identity, "client_secret");
    const cJSON *known;

    if (secret != NULL) {
        if (right != NULL && strcmp(secret, right) == 0)
            return true;
        refuse(reply, 401, "invalid_client", 7000215, "the client secret is not right");
        return false;
    }
    if (assertion == NULL) {
        refuse(reply, 401, "invalid_client", 7000218,
               "the form needs a client_secret or a client_assertion");
        return false;
    }
    const char *type = form_get(form, "client_assertion_type");
    if (type == NULL ||
        strcmp(type, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer") != 0) {
        refuse(reply, 400, "invalid_request", 900144,
               "the form needs the client_assertion_type of a JWT");
        return false;
    }
    cJSON_ArrayForEach(known, json_get(identity, "client_assertions"))
    {
        const char *text = cJSON_GetStringValue(known);
        if (text != NULL && strcmp(text, assertion) == 0)
            return true;
    }
    refuse(reply, 401, "invalid_client", 700213,
           "no federated credential of this client fits the assertion");
    return false;
}

static void reply_token(struct request *request, struct reply *reply, const cJSON *identity,
                        const char *audience)
{
    int ttl_s = request->sim->settings.token_ttl_s;

    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "token_type", "Bearer");
    cJSON_AddNumberToObject(json, "expires_in", ttl_s);
    cJSON_AddNumberToObject(json, "ext_expires_in", ttl_s);
    cJSON_AddStringToObject(json, "access_token",
                            token_give(request->sim, identity, audience));
    reply_header(reply, "Cache-Control", "no-store, no-cache");
    reply_json(reply, 200, json);
}

static void serve_form(struct request *request, struct reply *reply,
                       const struct form *form)
{
    static const char suffix[] = "/.default";
    const struct sim *sim = request->sim;
    const char *client_id = form_get(form, "client_id");
    const char *grant = form_get(form, "grant_type");
    const char *scope = form_get(form, "scope");
    char audience[AUDIENCE_SIZE];

    if (!text_is(request->segments[0], sim->settings.tenant)) {
        refuse(reply, 400, "invalid_request", 90002, "this tenant does not exist");
        return;
    }
    if (grant == NULL || strcmp(grant, "client_credentials") != 0) {
        refuse(reply, 400, "unsupported_grant_type", 70003,
               "only the grant client_credentials is served here");
        return;
    }
    if (client_id == NULL || scope == NULL) {
        refuse(reply, 400, "invalid_request", 900144, "the form needs client_id and scope");
        return;
    }
    const cJSON *identity = store_now(&sim->store, KIND_IDENTITY, client_id);
    if (identity == NULL) {
        refuse(reply, 400, "unauthorized_client", 700016,
               "no application of this client id is in the tenant");
        return;
    }
    if (!check_credential(identity, form, reply))
        return;
    size_t len = strlen(scope);
    if (len < strlen(suffix) || strcmp(scope + len - strlen(suffix), suffix) != 0) {
        refuse(reply, 400, "invalid_scope", 1002012,
               "with client credentials the scope has to end in /.default");
        return;
    }
    char *resource = xstrdup(scope);
    resource[len - strlen(suffix)] = '\0';
    if (find_audience(sim, resource, audience))
        reply_token(request, reply, identity, audience);
    else
        refuse(reply, 400, "invalid_resource", 500011,
               "the tenant has no resource of the name in the scope");
    free(resource);
}

void token_serve(struct request *request, struct reply *reply)
{
    struct form form;

    if (!text_is(request->segments[2], "v2.0") || !request_is(request, "POST")) {
        refuse(reply, 400, "invalid_request", 900561,
               "the token endpoint is POST /{tenant}/oauth2/v2.0/token");
        return;
    }
    form_init(&form, request->body, request->body_len);
    serve_form(request, reply, &form);
    free(form.text);
}

static void refuse_imds(struct reply *reply, int status, const char *error, const char *why)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "error", error);
    cJSON_AddStringToObject(json, "error_description", why);
    reply_json(reply, status, json);
}

struct search {
    const struct request *request;
    cJSON *found;
};

static int match_managed(cJSON *identity, void *arg)
{
    static const char *const names[][2] = { { "client_id", "client_id" },
                                            { "object_id", "object_id" },
                                            { "msi_res_id", "resource_id" } };
    struct search *search = arg;

    if (!json_true(identity, "managed"))
        return 0;
    for (int i = 0; i < 3; i++) {
        const char *wanted = request_query(search->request, names[i][0]);
        if (wanted != NULL && !text_is(wanted, json_text(identity, names[i][1])))
            return 0;
    }
    search->found = identity;
    return 1;
}

void token_serve_imds(struct request *request, struct reply *reply)
{
    struct search search = { .request = request };
    const char *resource = request_query(request, "resource");
    char audience[AUDIENCE_SIZE];

    if (!text_is(request->path, "/metadata/identity/oauth2/token") ||
        !request_is(request, "GET")) {
        refuse_imds(reply, 404, "not_found", "only identity/oauth2/token is served here");
        return;
    }
    if (!text_is(request_header(request, "Metadata"), "true")) {
        refuse_imds(reply, 400, "invalid_request", "the header Metadata: true is missing");
        return;
    }
    if (request_query(request, "api-version") == NULL || resource == NULL) {
        refuse_imds(reply, 400, "invalid_request", "api-version and resource are needed");
        return;
    }
    store_each(&request->sim->store, KIND_IDENTITY, 0, match_managed, &search);
    if (search.found == NULL) {
        refuse_imds(reply, 400, "invalid_request", "Identity not found");
        return;
    }
    if (!find_audience(request->sim, resource, audience)) {
        refuse_imds(reply, 400, "invalid_resource", "no resource of this name is known");
        return;
    }
    int64_t now_s = clock_ms() / 1000;
    int ttl_s = request->sim->settings.token_ttl_s;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "access_token",
                            token_give(request->sim, search.found, audience));
    json_copy(json, search.found, "client_id");
    char *ttl = text_format("%d", ttl_s);
    char *ends = text_format("%lld", (long long)now_s + ttl_s);
    char *starts = text_format("%lld", (long long)now_s);
    cJSON_AddStringToObject(json, "expires_in", ttl);
    cJSON_AddStringToObject(json, "expires_on", ends);
    cJSON_AddStringToObject(json, "ext_expires_in", ttl);
    cJSON_AddStringToObject(json, "not_before", starts);
    cJSON_AddStringToObject(json, "resource", resource);
    cJSON_AddStringToObject(json, "token_type", "Bearer");
    free(ttl);
    free(ends);
    free(starts);
    reply_json(reply, 200, json);
}
