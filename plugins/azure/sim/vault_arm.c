/* SPDX-License-Identifier: Apache-2.0 */
/* Microsoft.KeyVault: the vault itself, as a resource. */
#include <stdlib.h>
#include <string.h>

#include "arm.h"

static void get_vault(struct request *request, struct reply *reply)
{
    const struct settings *settings = &request->sim->settings;
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
    reply_json(reply, 200, json);
}

const struct route vault_arm_routes[] = {
    { "GET", "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.KeyVault/vaults/{}",
      "Microsoft.KeyVault/vaults/read", get_vault },
    { 0 },
};
