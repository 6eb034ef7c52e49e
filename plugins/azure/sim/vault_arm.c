/* SPDX-License-Identifier: Apache-2.0 */
/* Microsoft.KeyVault: the vault itself, as a resource. */
#include <stdlib.h>
#include <string.h>

#include "arm.h"

/* A list's vaults are shown like one, but for what only their settings say. */
static cJSON *render(const struct settings *settings, const cJSON *doc)
{
    cJSON *json = cJSON_CreateObject();
    const char *name = strrchr(json_text(doc, "id"), '/') + 1;

    json_copy(json, doc, "id");
    cJSON_AddStringToObject(json, "name", name);
    cJSON_AddStringToObject(json, "type", "Microsoft.KeyVault/vaults");
    json_copy(json, doc, "location");
    json_copy(json, doc, "tags");
    json_copy(json, doc, "properties");
    cJSON *properties = json_get(json, "properties");
    if (properties == NULL)
        properties = cJSON_AddObjectToObject(json, "properties");
    json_set_text(properties, "tenantId", settings->tenant);
    if (json_get(properties, "sku") == NULL) {
        cJSON *sku = cJSON_AddObjectToObject(properties, "sku");
        cJSON_AddStringToObject(sku, "family", "A");
        cJSON_AddStringToObject(sku, "name", "standard");
    }
    char *uri = text_format("https://%s.%s/", name, settings->vault_suffix);
    json_set_text(properties, "vaultUri", uri);
    free(uri);
    json_set_text(properties, "provisioningState", "Succeeded");
    return json;
}

static void get_vault(struct request *request, struct reply *reply)
{
    char *id = text_format(
        "/subscriptions/%s/resourceGroups/%s/providers/Microsoft.KeyVault/vaults/%s",
        request->args[0], request->args[1], request->args[2]);
    const cJSON *doc = store_past(&request->sim->store, KIND_VAULT, id, request->age_ms);

    if (doc == NULL) {
        arm_not_found(reply, id);
        free(id);
        return;
    }
    free(id);
    reply_json(reply, 200, render(&request->sim->settings, doc));
}

struct listing {
    const struct settings *settings;
    const char *scope;
    cJSON *found;
};

static int collect(cJSON *doc, void *arg)
{
    struct listing *listing = arg;

    if (scope_covers(listing->scope, json_text(doc, "id")))
        cJSON_AddItemToArray(listing->found, render(listing->settings, doc));
    return 0;
}

static void list_vaults(struct request *request, struct reply *reply)
{
    char *scope = arm_list_scope(request);
    struct listing listing = { &request->sim->settings, scope, cJSON_CreateArray() };

    store_each(&request->sim->store, KIND_VAULT, request->age_ms, collect, &listing);
    free(scope);
    arm_reply_page(request, reply, listing.found);
}

#define READ   "Microsoft.KeyVault/vaults/read"
#define VAULTS "/providers/Microsoft.KeyVault/vaults"

const struct route vault_arm_routes[] = {
    { "GET", "/subscriptions/{}" VAULTS, READ, list_vaults, "$skiptoken" },
    { "GET", "/subscriptions/{}/resourceGroups/{}" VAULTS, READ, list_vaults,
      "$skiptoken" },
    { "GET", "/subscriptions/{}/resourceGroups/{}" VAULTS "/{}", READ, get_vault, NULL },
    { 0 },
};
