/* SPDX-License-Identifier: Apache-2.0 */
#include "openid.h"

#include <stdlib.h>

#include "sim.h"
#include "token.h"

/* The key set of a tenant, /{tenant}/discovery/v2.0/keys. */
static bool is_keys(const struct request *request)
{
    return request->segment_count == 4 && text_is(request->segments[1], "discovery") &&
           text_is(request->segments[2], "v2.0") && text_is(request->segments[3], "keys");
}

/* /common/discovery/instance: which login hosts are the same cloud. */
static bool is_discovery(const struct request *request)
{
    return request->segment_count == 3 && text_is(request->segments[0], "common") &&
           text_is(request->segments[1], "discovery") &&
           text_is(request->segments[2], "instance");
}

static bool is_configuration(const struct request *request)
{
    return request->segment_count == 4 && text_is(request->segments[1], "v2.0") &&
           text_is(request->segments[2], ".well-known") &&
           text_is(request->segments[3], "openid-configuration");
}

bool openid_is_meant(const struct request *request)
{
    return is_configuration(request) || is_keys(request) || is_discovery(request);
}

static void serve_discovery(struct request *request, struct reply *reply)
{
    const char *host = request->base + (text_starts(request->base, "https") ? 8 : 7);
    cJSON *json = cJSON_CreateObject();
    cJSON *entry = cJSON_CreateObject();
    char *address = text_format("%s/%s/v2.0/.well-known/openid-configuration",
                                request->base, request->sim->settings.tenant);

    cJSON_AddStringToObject(json, "tenant_discovery_endpoint", address);
    cJSON_AddStringToObject(json, "api-version", "1.1");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(json, "metadata"), entry);
    cJSON_AddStringToObject(entry, "preferred_network", host);
    cJSON_AddStringToObject(entry, "preferred_cache", host);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(entry, "aliases"),
                         cJSON_CreateString(host));
    free(address);
    reply_json(reply, 200, json);
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
    if (is_discovery(request)) {
        serve_discovery(request, reply);
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
    if (is_keys(request)) {
        reply_json(reply, 200, tokens_key_set(request->sim->tokens));
        return;
    }
    cJSON *json = cJSON_CreateObject();
    add_address(json, "issuer", request, "v2.0");
    add_address(json, "token_endpoint", request, "oauth2/v2.0/token");
    add_address(json, "authorization_endpoint", request, "oauth2/v2.0/authorize");
    add_address(json, "jwks_uri", request, "discovery/v2.0/keys");
    reply_json(reply, 200, json);
}
