/* SPDX-License-Identifier: Apache-2.0 */
/* Microsoft.Resources: subscriptions, resource groups, and lists of what is in them. */
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "arm.h"

#define READ "Microsoft.Resources/subscriptions/read"

static cJSON *render_subscription(const struct request *request, const cJSON *doc)
{
    cJSON *json = cJSON_CreateObject();
    char *id = text_format("/subscriptions/%s", json_text(doc, "subscriptionId"));
    cJSON_AddStringToObject(json, "id", id);
    free(id);
    json_copy(json, doc, "subscriptionId");
    json_copy(json, doc, "displayName");
    cJSON_AddStringToObject(json, "tenantId", request->sim->settings.tenant);
    cJSON_AddStringToObject(json, "state",
                            json_text(doc, "state") ? json_text(doc, "state") : "Enabled");
    cJSON_AddStringToObject(json, "authorizationSource", "RoleBased");
    return json;
}

static void get_subscription(struct request *request, struct reply *reply)
{
    const cJSON *doc =
        store_past(&request->sim->store, KIND_SUBSCRIPTION, request->args[0], 0);

    reply_json(reply, 200, render_subscription(request, doc));
}

struct subscription_list {
    const struct request *request;
    cJSON *items;
};

static int add_subscription(cJSON *doc, void *arg)
{
    struct subscription_list *list = arg;
    char *scope = text_format("/subscriptions/%s", json_text(doc, "subscriptionId"));
    struct access access = { .action = READ, .scope = scope };

    if (access_check(list->request, &access) == ACCESS_GRANTED)
        cJSON_AddItemToArray(list->items, render_subscription(list->request, doc));
    free(scope);
    return 0;
}

static void list_subscriptions(struct request *request, struct reply *reply)
{
    cJSON *json = cJSON_CreateObject();
    struct subscription_list list = { .request = request,
                                      .items = cJSON_AddArrayToObject(json, "value") };

    store_each(&request->sim->store, KIND_SUBSCRIPTION, 0, add_subscription, &list);
    /* The one list whose description asks for a next page also when there is none. */
    cJSON_AddStringToObject(json, "nextLink", "");
    reply_json(reply, 200, json);
}

static cJSON *render_group(const cJSON *subscription, const cJSON *group)
{
    cJSON *json = cJSON_CreateObject();
    char *id =
        text_format("/subscriptions/%s/resourceGroups/%s",
                    json_text(subscription, "subscriptionId"), json_text(group, "name"));

    cJSON_AddStringToObject(json, "id", id);
    free(id);
    json_copy(json, group, "name");
    cJSON_AddStringToObject(json, "type", "Microsoft.Resources/resourceGroups");
    json_copy(json, group, "location");
    json_copy(json, group, "tags");
    cJSON_AddStringToObject(cJSON_AddObjectToObject(json, "properties"),
                            "provisioningState", "Succeeded");
    return json;
}

static void get_group(struct request *request, struct reply *reply)
{
    const cJSON *doc = store_now(&request->sim->store, KIND_SUBSCRIPTION, request->args[0]);
    const cJSON *group =
        json_find(json_get(doc, "resourceGroups"), "name", request->args[1]);

    reply_json(reply, 200, render_group(doc, group));
}

static void list_groups(struct request *request, struct reply *reply)
{
    const cJSON *doc = store_now(&request->sim->store, KIND_SUBSCRIPTION, request->args[0]);
    cJSON *list = cJSON_CreateArray();
    const cJSON *group;

    cJSON_ArrayForEach(group, json_get(doc, "resourceGroups"))
    {
        cJSON_AddItemToArray(list, render_group(doc, group));
    }
    arm_reply_page(request, reply, list);
}

struct resource_list {
    const char *scope;
    const char *type;   /* of this kind */
    const char *wanted; /* the type that the filter asks for; NULL: any */
    cJSON *items;
};

static int add_resource(cJSON *doc, void *arg)
{
    struct resource_list *list = arg;
    const char *id = json_text(doc, "id");
    bool is_slot = text_contains(id, "/slots/");

    if (is_slot || !scope_covers(list->scope, id) ||
        (list->wanted != NULL && !text_is(list->wanted, list->type)))
        return 0;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "id", id);
    cJSON_AddStringToObject(json, "name", strrchr(id, '/') + 1);
    cJSON_AddStringToObject(json, "type", list->type);
    json_copy(json, doc, "kind");
    json_copy(json, doc, "location");
    json_copy(json, doc, "tags");
    cJSON_AddItemToArray(list->items, json);
    return 0;
}

/* The type in the filter resourceType eq 'X'; NULL when there is no filter or another. */
static char *wanted_type(const char *filter)
{
    static const char shape[] = "resourceType eq '";

    if (!text_starts(filter, shape))
        return NULL;
    char *type = xstrdup(filter + strlen(shape));
    size_t len = strlen(type);
    if (len > 0 && type[len - 1] == '\'' && strchr(type, '\'') == type + len - 1) {
        type[len - 1] = '\0';
        return type;
    }
    free(type);
    return NULL;
}

static void list_resources(struct request *request, struct reply *reply)
{
    static const struct {
        enum kind kind;
        const char *type;
    } kinds[] = {
        { KIND_SITE, "Microsoft.Web/sites" },
        { KIND_VAULT, "Microsoft.KeyVault/vaults" },
        { KIND_NSG, "Microsoft.Network/networkSecurityGroups" },
    };
    const char *filter = request_query(request, "$filter");
    char *wanted = wanted_type(filter);
    char *scope = arm_list_scope(request);
    struct resource_list list = { .scope = scope, .wanted = wanted };

    if (filter != NULL && wanted == NULL) {
        reply_error(reply, 400, "InvalidFilterInQueryString",
                    "the filter '%s' is not served; resourceType eq 'TYPE' is", filter);
        free(scope);
        return;
    }
    list.items = cJSON_CreateArray();
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        list.type = kinds[i].type;
        store_each(&request->sim->store, kinds[i].kind, request->age_ms, add_resource,
                   &list);
    }
    free(wanted);
    free(scope);
    arm_reply_page(request, reply, list.items);
}

static int add_management_group(cJSON *doc, void *arg)
{
    const char *name = json_text(doc, "name");
    const char *shown = json_text(doc, "displayName");
    cJSON *json = cJSON_CreateObject();
    char *id = text_format("/providers/Microsoft.Management/managementGroups/%s", name);

    cJSON_AddStringToObject(json, "id", id);
    cJSON_AddStringToObject(json, "type", "Microsoft.Management/managementGroups");
    cJSON_AddStringToObject(json, "name", name);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(json, "properties"), "displayName",
                            shown != NULL ? shown : name);
    cJSON_AddItemToArray(arg, json);
    free(id);
    return 0;
}

static void list_management_groups(struct request *request, struct reply *reply)
{
    cJSON *list = cJSON_CreateArray();

    store_each(&request->sim->store, KIND_MANAGEMENT_GROUP, 0, add_management_group, list);
    arm_reply_page(request, reply, list);
}

#define GROUP_READ "Microsoft.Resources/subscriptions/resourceGroups/read"

const struct route groups_routes[] = {
    { "GET", "/subscriptions", NULL, list_subscriptions, NULL },
    { "GET", "/subscriptions/{}", READ, get_subscription, NULL },
    { "GET", "/subscriptions/{}/resourceGroups", GROUP_READ, list_groups, "$skiptoken" },
    { "GET", "/subscriptions/{}/resourceGroups/{}", GROUP_READ, get_group, NULL },
    { "GET", "/subscriptions/{}/resources", READ, list_resources, "$filter $skiptoken" },
    { "GET", "/subscriptions/{}/resourceGroups/{}/resources", GROUP_READ, list_resources,
      "$filter $skiptoken" },
    { "GET", "/providers/Microsoft.Management/managementGroups",
      "Microsoft.Management/managementGroups/read", list_management_groups, "$skiptoken" },
    { 0 },
};
