/* SPDX-License-Identifier: Apache-2.0 */
#include "imds.h"

#include <stdlib.h>

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

void imds_serve(struct request *request, struct reply *reply)
{
    struct search search = { .request = request };
    const char *resource = request_query(request, "resource");
    char audience[AUDIENCE_SIZE];
    const struct token_ask ask = { .audience = audience, .proof = "2" };

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
    if (search.count > 1) {
        refuse_imds(
            reply, 400, "invalid_request",
            "Multiple user assigned identities exist, please specify the clientId / "
            "resourceId of the identity in the token request");
        return;
    }
    if (!token_audience(request->sim, resource, audience)) {
        refuse_imds(reply, 400, "invalid_resource", "no resource of this name is known");
        return;
    }
    int64_t now_s = clock_ms() / 1000;
    int ttl_s = request->sim->settings.token_ttl_s;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "access_token",
                            token_give(request->sim, search.found, &ask));
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
