/* SPDX-License-Identifier: Apache-2.0 */
#include "login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "token.h"

enum { FIELDS_MAX = 32 /* of a form */ };

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

/* How Entra turns down a sign-in that is right in form. Source of each: docs/azsim.md. */
struct sign_in_error {
    int number, status;
    const char *error, *why;
};

static const struct sign_in_error sign_in_errors[] = {
    { 53003, 400, "invalid_grant",
      "Access has been blocked by Conditional Access policies. The access policy does not "
      "allow token issuance." },
    { 7000222, 401, "invalid_client",
      "The provided client secret keys for app are expired. Visit the Azure portal to "
      "create new keys for your app." },
    { 7000112, 400, "unauthorized_client", "Application is disabled." },
    { 700024, 401, "invalid_client",
      "Client assertion is not within its valid time range." },
    { 50196, 400, "invalid_grant",
      "The server terminated an operation because it encountered a client request loop. "
      "Please contact your app vendor." },
    { 90033, 503, "temporarily_unavailable",
      "A transient error has occurred. Please try again." },
    { 0 },
};

/* Does the world say that this identity cannot sign in? Replies and returns true then. */
static bool is_turned_down(const cJSON *identity, struct reply *reply)
{
    int number = (int)json_number(identity, "sign_in_error", 0);
    const struct sign_in_error *one = sign_in_errors;

    while (one->number != 0 && one->number != number)
        one++;
    if (number != 0)
        refuse(reply, one->number != 0 ? one->status : 400,
               one->number != 0 ? one->error : "invalid_request", number,
               one->number != 0 ? one->why : "The sign-in failed.");
    return number != 0;
}

/* Reads what the client says of itself in claims. Replies 400 and returns false when that is
 * no JSON object. */
static bool read_claims(const struct form *form, struct token_ask *ask, struct reply *reply)
{
    const char *text = form_get(form, "claims");
    cJSON *claims = text != NULL ? cJSON_Parse(text) : NULL;
    const cJSON *item;

    if (text != NULL && !cJSON_IsObject(claims)) {
        cJSON_Delete(claims);
        refuse(reply, 400, "invalid_request", 50148,
               "the claims of a token request have to be a JSON object");
        return false;
    }
    const cJSON *wanted = json_get(json_get(claims, "access_token"), "xms_cc");
    cJSON_ArrayForEach(item, json_get(wanted, "values"))
    {
        ask->takes_claims |= text_is(cJSON_GetStringValue(item), "cp1");
    }
    cJSON_Delete(claims);
    return true;
}

static void reply_token(struct request *request, struct reply *reply, const cJSON *identity,
                        const struct token_ask *ask)
{
    int ttl_s = token_ttl_s(request->sim, ask);

    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "token_type", "Bearer");
    cJSON_AddNumberToObject(json, "expires_in", ttl_s);
    cJSON_AddNumberToObject(json, "ext_expires_in", ttl_s);
    cJSON_AddStringToObject(json, "access_token", token_give(request->sim, identity, ask));
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
    struct token_ask ask = { .audience = audience };

    ask.proof = form_get(form, "client_secret") != NULL ? "1" : "2";
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
    if (!check_credential(identity, form, reply) || is_turned_down(identity, reply) ||
        !read_claims(form, &ask, reply))
        return;
    size_t len = strlen(scope);
    if (len < strlen(suffix) || strcmp(scope + len - strlen(suffix), suffix) != 0) {
        refuse(reply, 400, "invalid_scope", 1002012,
               "with client credentials the scope has to end in /.default");
        return;
    }
    char *resource = xstrdup(scope);
    resource[len - strlen(suffix)] = '\0';
    if (token_audience(sim, resource, audience))
        reply_token(request, reply, identity, &ask);
    else
        refuse(reply, 400, "invalid_resource", 500011,
               "the tenant has no resource of the name in the scope");
    free(resource);
}

void login_serve(struct request *request, struct reply *reply)
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
