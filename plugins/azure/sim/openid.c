/* SPDX-License-Identifier: Apache-2.0 */
#include "openid.h"

#include <stdlib.h>

#include "sim.h"

bool openid_is_meant(const struct request *request)
{
    return request->segment_count == 4 && text_is(request->segments[1], "v2.0") &&
           text_is(request->segments[2], ".well-known") &&
           text_is(request->segments[3], "openid-configuration");
}

static void add_address(cJSON *json, const char *name, const struct request *request,
                        const char *end)
{
    char *address = text_format("%s/%s/%s", request->base, request->segments[0], end);

    cJSON_AddStringToObject(json, name, address);
    free(address);
}

void openid_serve(struct request *request, struct reply *reply)
{
    if (!request_is(request, "GET")) {
        reply_error(reply, 405, "MethodNotAllowed",
                    "the endpoints of a tenant are only read");
        return;
    }
    if (!text_is(request->segments[0], request->sim->settings.tenant)) {
        cJSON *none = cJSON_CreateObject();
        cJSON_AddStringToObject(none, "error", "invalid_tenant");
        cJSON_AddStringToObject(none, "error_description",
                                "AADSTS90002: there is no tenant of this name");
        reply_json(reply, 400, none);
        return;
    }
    cJSON *json = cJSON_CreateObject();
    add_address(json, "issuer", request, "v2.0");
    add_address(json, "token_endpoint", request, "oauth2/v2.0/token");
    add_address(json, "authorization_endpoint", request, "oauth2/v2.0/authorize");
    add_address(json, "jwks_uri", request, "discovery/v2.0/keys");
    reply_json(reply, 200, json);
}
