/* SPDX-License-Identifier: Apache-2.0 */
#include "imds.h"

#include <stdlib.h>

#include "query.h"
#include "sim.h"
#include "token.h"

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
    int count;
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
    search->count++;
    return 0;
}

/* Is it a request for a token, in form? Replies and returns false when not. */
static bool check_form(struct request *request, struct reply *reply)
{
    static const char options[] = "api-version resource client_id object_id msi_res_id";
    const char *wrong = NULL;

    if (!text_is(request->path, "/metadata/identity/oauth2/token") ||
        !request_is(request, "GET")) {
        refuse_imds(reply, 404, "not_found", "only identity/oauth2/token is served here");
        return false;
    }
    if (!text_is(request_header(request, "Metadata"), "true"))
        wrong = "the header Metadata: true is missing";
    else if (request_query(request, "api-version") == NULL ||
             request_query(request, "resource") == NULL)
        wrong = "api-version and resource are needed";
    else if (!query_is_known(request, reply, options, NULL))
        wrong = "one of the query options is not served";
    if (wrong != NULL)
        refuse_imds(reply, 400, "invalid_request", wrong);
    return wrong == NULL;
}

/* The one managed identity that the request means; NULL after having replied. */
static const cJSON *find_identity(struct request *request, struct reply *reply)
{
    struct search search = { .request = request };

    store_each(&request->sim->store, KIND_IDENTITY, 0, match_managed, &search);
    if (search.count == 1)
        return search.found;
    refuse_imds(reply, 400, "invalid_request",
                search.count == 0
                    ? "Identity not found"
                    : "Multiple user assigned identities exist, please specify the "
                      "clientId / resourceId of the identity in the token request");
    return NULL;
}

static void add_number(cJSON *json, const char *name, int64_t number)
{
    char *text = text_format("%lld", (long long)number);

    cJSON_AddStringToObject(json, name, text);
    free(text);
}

void imds_serve(struct request *request, struct reply *reply)
{
    const char *resource = request_query(request, "resource");
    char audience[AUDIENCE_SIZE];
    const struct token_ask ask = { .audience = audience, .proof = "2" };
    int64_t now_s = clock_ms() / 1000;
    int ttl_s = request->sim->settings.token_ttl_s;

    if (!check_form(request, reply))
        return;
    const cJSON *identity = find_identity(request, reply);
    if (identity == NULL)
        return;
    if (!token_audience(request->sim, resource, audience)) {
        refuse_imds(reply, 400, "invalid_resource", "no resource of this name is known");
        return;
    }
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "access_token", token_give(request->sim, identity, &ask));
    json_copy(json, identity, "client_id");
    add_number(json, "expires_in", ttl_s);
    add_number(json, "expires_on", now_s + ttl_s);
    add_number(json, "ext_expires_in", ttl_s);
    add_number(json, "not_before", now_s);
    cJSON_AddStringToObject(json, "resource", resource);
    cJSON_AddStringToObject(json, "token_type", "Bearer");
    reply_json(reply, 200, json);
}
