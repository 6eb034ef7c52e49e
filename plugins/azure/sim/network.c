/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Microsoft.Network: network security groups and their rules.
 *
 * A rule is written by a long-running operation. It shows at once, as Updating or Deleting,
 * and the group takes no other write until the operation is over.
 */
#include <stdlib.h>
#include <string.h>

#include "arm.h"
#include "lro.h"
#include "rule.h"

static const char poll_version[] = "2024-03-01";

static char *nsg_id(const struct request *request)
{
    return text_format("/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Network/"
                       "networkSecurityGroups/%s",
                       request->args[0], request->args[1], request->args[2]);
}

static cJSON *find_nsg(const struct request *request, struct reply *reply, int64_t age_ms)
{
    char *id = nsg_id(request);
    cJSON *doc = store_past(&request->sim->store, KIND_NSG, id, age_ms);

    if (doc == NULL)
        arm_not_found(reply, id);
    free(id);
    return doc;
}

static cJSON *find_rule(const cJSON *nsg, const char *name)
{
    return json_find(json_get(nsg, "rules"), "name", name);
}

static cJSON *render_rule(const cJSON *nsg, const cJSON *rule)
{
    cJSON *json = cJSON_CreateObject();

    char *id =
        text_format("%s/securityRules/%s", json_text(nsg, "id"), json_text(rule, "name"));
    json_copy(json, rule, "name");
    cJSON_AddStringToObject(json, "id", id);
    free(id);
    cJSON_AddStringToObject(json, "type",
                            "Microsoft.Network/networkSecurityGroups/securityRules");
    json_copy(json, rule, "properties");
    cJSON *properties = json_get(json, "properties");
    if (json_get(properties, "provisioningState") == NULL)
        cJSON_AddStringToObject(properties, "provisioningState", "Succeeded");
    arm_add_etag(json);
    return json;
}

static cJSON *render_rules(const cJSON *nsg)
{
    cJSON *list = cJSON_CreateArray();
    const cJSON *rule;

    cJSON_ArrayForEach(rule, json_get(nsg, "rules"))
    {
        cJSON_AddItemToArray(list, render_rule(nsg, rule));
    }
    return list;
}

/* The rules that every group has and nobody can change. */
static cJSON *render_defaults(const cJSON *nsg)
{
    static const struct {
        const char *name, *description, *source, *destination, *access, *direction;
        int priority;
    } defaults[] = {
        { "AllowVnetInBound", "From anywhere in the virtual network", "VirtualNetwork",
          "VirtualNetwork", "Allow", "Inbound", 65000 },
        { "AllowAzureLoadBalancerInBound", "From the load balancer", "AzureLoadBalancer",
          "*", "Allow", "Inbound", 65001 },
        { "DenyAllInBound", "Everything else that comes in", "*", "*", "Deny", "Inbound",
          65500 },
        { "AllowVnetOutBound", "To anywhere in the virtual network", "VirtualNetwork",
          "VirtualNetwork", "Allow", "Outbound", 65000 },
        { "AllowInternetOutBound", "To the internet", "*", "Internet", "Allow", "Outbound",
          65001 },
        { "DenyAllOutBound", "Everything else that goes out", "*", "*", "Deny", "Outbound",
          65500 },
    };
    cJSON *list = cJSON_CreateArray();

    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++) {
        cJSON *rule = cJSON_CreateObject();
        char *id = text_format("%s/defaultSecurityRules/%s", json_text(nsg, "id"),
                               defaults[i].name);
        cJSON_AddStringToObject(rule, "name", defaults[i].name);
        cJSON_AddStringToObject(rule, "id", id);
        free(id);
        cJSON_AddStringToObject(
            rule, "type", "Microsoft.Network/networkSecurityGroups/defaultSecurityRules");
        cJSON *properties = cJSON_AddObjectToObject(rule, "properties");
        cJSON_AddStringToObject(properties, "provisioningState", "Succeeded");
        cJSON_AddStringToObject(properties, "description", defaults[i].description);
        cJSON_AddStringToObject(properties, "protocol", "*");
        cJSON_AddStringToObject(properties, "sourcePortRange", "*");
        cJSON_AddStringToObject(properties, "destinationPortRange", "*");
        cJSON_AddStringToObject(properties, "sourceAddressPrefix", defaults[i].source);
        cJSON_AddStringToObject(properties, "destinationAddressPrefix",
                                defaults[i].destination);
        cJSON_AddStringToObject(properties, "access", defaults[i].access);
        cJSON_AddNumberToObject(properties, "priority", defaults[i].priority);
        cJSON_AddStringToObject(properties, "direction", defaults[i].direction);
        arm_add_etag(rule);
        cJSON_AddItemToArray(list, rule);
    }
    return list;
}

/* Subnets and interfaces of the group; the world has them or there are none. */
static void add_neighbours(cJSON *properties)
{
    if (json_get(properties, "networkInterfaces") == NULL)
        cJSON_AddArrayToObject(properties, "networkInterfaces");
    if (json_get(properties, "subnets") == NULL)
        cJSON_AddArrayToObject(properties, "subnets");
}

static cJSON *render_nsg(const cJSON *nsg)
{
    cJSON *json = cJSON_CreateObject();
    const char *id = json_text(nsg, "id");

    cJSON_AddStringToObject(json, "name", strrchr(id, '/') + 1);
    cJSON_AddStringToObject(json, "id", id);
    cJSON_AddStringToObject(json, "type", "Microsoft.Network/networkSecurityGroups");
    json_copy(json, nsg, "location");
    json_copy(json, nsg, "tags");
    json_copy(json, nsg, "properties");
    cJSON *properties = json_get(json, "properties");
    if (properties == NULL)
        properties = cJSON_AddObjectToObject(json, "properties");
    json_set_text(properties, "provisioningState",
                  json_true(nsg, "hasFailed") ? "Failed" : "Succeeded");
    json_set(properties, "securityRules", render_rules(nsg));
    json_set(properties, "defaultSecurityRules", render_defaults(nsg));
    add_neighbours(properties);
    arm_add_guid(properties, "resourceGuid", id);
    arm_add_etag(json);
    return json;
}

static void get_nsg(struct request *request, struct reply *reply)
{
    const cJSON *nsg = find_nsg(request, reply, request->age_ms);

    if (nsg == NULL)
        return;
    cJSON *json = render_nsg(nsg);
    if (operation_runs_on(request->sim, json_text(nsg, "id")))
        json_set_text(json_get(json, "properties"), "provisioningState", "Updating");
    reply_json(reply, 200, json);
}

static void list_nsgs(struct request *request, struct reply *reply)
{
    arm_list(request, reply, KIND_NSG, render_nsg);
}

static void patch_nsg(struct request *request, struct reply *reply)
{
    cJSON *nsg = find_nsg(request, reply, 0);
    const cJSON *body = nsg != NULL ? request_json(request, reply) : NULL;

    if (body == NULL)
        return;
    if (json_get(body, "tags") != NULL &&
        !cJSON_Compare(json_get(nsg, "tags"), json_get(body, "tags"), true)) {
        nsg = store_write(&request->sim->store, KIND_NSG, json_text(nsg, "id"));
        json_copy(nsg, body, "tags");
        reply_effect(reply, "network.tags %s", json_text(nsg, "id"));
    }
    reply_json(reply, 200, render_nsg(nsg));
}

static void list_defaults(struct request *request, struct reply *reply)
{
    const cJSON *nsg = find_nsg(request, reply, request->age_ms);

    if (nsg != NULL)
        arm_reply_page(request, reply, render_defaults(nsg));
}

static void get_default(struct request *request, struct reply *reply)
{
    const cJSON *nsg = find_nsg(request, reply, request->age_ms);
    cJSON *all = nsg != NULL ? render_defaults(nsg) : NULL;
    const cJSON *rule = json_find(all, "name", request->args[3]);

    if (rule != NULL)
        reply_json(reply, 200, cJSON_Duplicate(rule, true));
    else if (nsg != NULL)
        reply_error(reply, 404, "NotFound", "the rule %s was not found", request->path);
    cJSON_Delete(all);
}

static void list_rules(struct request *request, struct reply *reply)
{
    const cJSON *nsg = find_nsg(request, reply, request->age_ms);

    if (nsg == NULL)
        return;
    arm_reply_page(request, reply, render_rules(nsg));
}

static void get_rule(struct request *request, struct reply *reply)
{
    const cJSON *nsg = find_nsg(request, reply, request->age_ms);
    const cJSON *rule = find_rule(nsg, request->args[3]);

    if (rule != NULL)
        reply_json(reply, 200, render_rule(nsg, rule));
    else if (nsg != NULL)
        reply_error(reply, 404, "NotFound", "the rule %s was not found", request->path);
}

/* Replies 429 and returns true while another write is under way on the group. */
static bool is_busy(const struct request *request, const cJSON *nsg, struct reply *reply)
{
    if (!operation_runs_on(request->sim, json_text(nsg, "id")))
        return false;
    reply_error(reply, 429, "RetryableErrorDueToAnotherOperation",
                "another operation is under way on %s; try again when it is over",
                json_text(nsg, "id"));
    reply_header(reply, "Retry-After", "%d", request->sim->settings.lro_retry_after_s);
    return true;
}

static void remove_rule(cJSON *nsg, const char *name)
{
    cJSON *rule = find_rule(nsg, name);

    if (rule != NULL)
        cJSON_Delete(cJSON_DetachItemViaPointer(json_get(nsg, "rules"), rule));
}

static void set_rule(cJSON *nsg, const char *name, cJSON *properties)
{
    cJSON *rule = find_rule(nsg, name);

    if (json_get(nsg, "rules") == NULL)
        cJSON_AddArrayToObject(nsg, "rules");
    if (rule == NULL) {
        rule = cJSON_CreateObject();
        cJSON_AddStringToObject(rule, "name", name);
        cJSON_AddItemToArray(json_get(nsg, "rules"), rule);
    }
    json_set(rule, "properties", properties);
}

/* The end of an operation on a rule. */
static void settle(struct sim *sim, const struct operation *operation)
{
    cJSON *nsg = store_now(&sim->store, KIND_NSG, operation->target);
    cJSON *rule = find_rule(nsg, operation->part);

    if (rule == NULL)
        return;
    if (operation->will_fail && operation->leaves_failed) {
        nsg = store_write(&sim->store, KIND_NSG, operation->target);
        json_set_text(json_get(find_rule(nsg, operation->part), "properties"),
                      "provisioningState", "Failed");
        json_set(nsg, "hasFailed", cJSON_CreateTrue());
        return;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(nsg, "hasFailed");
    if (operation->will_fail || operation->is_delete) {
        nsg = store_write(&sim->store, KIND_NSG, operation->target);
        if (operation->will_fail && operation->before != NULL)
            set_rule(nsg, operation->part, cJSON_Duplicate(operation->before, true));
        else
            remove_rule(nsg, operation->part);
    } else {
        json_set_text(json_get(rule, "properties"), "provisioningState", "Succeeded");
    }
}

/* Makes a poll address as long as those that Azure signs: t, c, s and h behind it. */
static char *with_signature(char *url, int wanted)
{
    int lacks = wanted - (int)strlen(url);

    if (lacks <= 0)
        return url;
    char *padding = xcalloc(1, (size_t)lacks + 1);
    memset(padding, 'A', (size_t)lacks);
    char *signed_url = text_format("%s&t=639000000000000000&c=%.*s&s=%.*s&h=%.*s", url,
                                   lacks / 2, padding, lacks / 2, padding, 43, padding);
    free(padding);
    free(url);
    return signed_url;
}

static char *poll_url(const struct request *request, const cJSON *nsg, const char *kind,
                      const char *id)
{
    const char *location = json_text(nsg, "location");
    char *url =
        text_format("%s/subscriptions/%s/providers/Microsoft.Network/locations/%s/"
                    "%s/%s?api-version=%s",
                    request->base, request->args[0],
                    location != NULL ? location : "westeurope", kind, id, poll_version);

    return with_signature(url, request->sim->settings.poll_url_bytes);
}

/* By default Azure-AsyncOperation is always there, and Location where nothing is left. */
static void reply_poll_urls(const struct request *request, struct reply *reply,
                            const cJSON *nsg, const struct operation *operation)
{
    int headers = request->sim->settings.lro_headers;
    char *async = poll_url(request, nsg, "operations", operation->id);
    char *result = poll_url(request, nsg, "operationResults", operation->id);

    if (headers != LRO_LOCATION)
        reply_header(reply, "Azure-AsyncOperation", "%s", async);
    if (headers == LRO_LOCATION || (headers == LRO_BOTH && operation->is_delete))
        reply_header(reply, "Location", "%s", result);
    reply_header(reply, "Retry-After", "%d", request->sim->settings.lro_retry_after_s);
    free(async);
    free(result);
}

/* Two sets of properties, the state of provisioning apart. */
static bool is_same_rule(const cJSON *a, const cJSON *b)
{
    cJSON *left = cJSON_Duplicate(a, true);
    cJSON *right = cJSON_Duplicate(b, true);

    cJSON_DeleteItemFromObjectCaseSensitive(left, "provisioningState");
    cJSON_DeleteItemFromObjectCaseSensitive(right, "provisioningState");
    bool is_same = cJSON_Compare(left, right, true);
    cJSON_Delete(left);
    cJSON_Delete(right);
    return is_same;
}

static const struct operation *start(const struct request *request, const cJSON *nsg,
                                     const char *name, bool is_delete)
{
    const cJSON *old = json_get(find_rule(nsg, name), "properties");
    struct operation given = {
        .target = (char *)json_text(nsg, "id"),
        .part = (char *)name,
        .before = old != NULL ? cJSON_Duplicate(old, true) : NULL,
        .is_delete = is_delete,
        .will_fail = request->will_fail_later,
        .leaves_failed = request->leaves_failed,
        .settle = settle,
    };

    return operation_start(request->sim, &given);
}

static void put_rule(struct request *request, struct reply *reply)
{
    const char *name = request->args[3];
    cJSON *nsg = find_nsg(request, reply, 0);
    const cJSON *body = nsg != NULL ? request_json(request, reply) : NULL;
    const cJSON *wanted = json_get(body, "properties");

    if (body == NULL || is_busy(request, nsg, reply) ||
        !rule_check(wanted, name, nsg, request->sim->settings.rules_max, reply))
        return;
    const cJSON *old = find_rule(nsg, name);
    bool is_new = old == NULL;
    bool is_same = !is_new && is_same_rule(json_get(old, "properties"), wanted);

    const struct operation *operation = start(request, nsg, name, false);
    nsg = store_write(&request->sim->store, KIND_NSG, json_text(nsg, "id"));
    cJSON *properties = cJSON_Duplicate(wanted, true);
    json_set_text(properties, "provisioningState", "Updating");
    set_rule(nsg, name, properties);
    if (!is_same)
        reply_effect(reply, "network.rule.put %s/securityRules/%s", json_text(nsg, "id"),
                     json_text(find_rule(nsg, name), "name"));
    reply_json(reply, is_new ? 201 : 200, render_rule(nsg, find_rule(nsg, name)));
    reply_poll_urls(request, reply, nsg, operation);
}

static void delete_rule(struct request *request, struct reply *reply)
{
    const char *name = request->args[3];
    cJSON *nsg = find_nsg(request, reply, 0);

    if (nsg == NULL || is_busy(request, nsg, reply))
        return;
    if (find_rule(nsg, name) == NULL) {
        reply_json(reply, 204, NULL);
        return;
    }
    const struct operation *operation = start(request, nsg, name, true);
    nsg = store_write(&request->sim->store, KIND_NSG, json_text(nsg, "id"));
    cJSON *rule = find_rule(nsg, name);
    json_set_text(json_get(rule, "properties"), "provisioningState", "Deleting");
    reply_effect(reply, "network.rule.delete %s/securityRules/%s", json_text(nsg, "id"),
                 json_text(rule, "name"));
    reply_json(reply, 202, NULL);
    reply_poll_urls(request, reply, nsg, operation);
}

static const struct operation *find_operation(const struct request *request,
                                              struct reply *reply)
{
    const struct operation *operation = operation_find(request->sim, request->args[2]);

    if (operation == NULL)
        reply_error(reply, 404, "OperationNotFound", "there is no operation %s",
                    request->args[2]);
    else if (!operation->is_over)
        reply_header(reply, "Retry-After", "%d", request->sim->settings.lro_retry_after_s);
    return operation;
}

static const char *failure_text(const struct operation *operation)
{
    return operation->leaves_failed
               ? "the operation failed and what it had begun is left behind"
               : "the operation failed and what it had begun was undone";
}

static void get_operation(struct request *request, struct reply *reply)
{
    const struct operation *operation = find_operation(request, reply);
    char started[TIME_SIZE];

    if (operation == NULL)
        return;
    cJSON *json = cJSON_CreateObject();
    time_text(started, operation->started_ms);
    cJSON_AddStringToObject(json, "name", operation->id);
    cJSON_AddStringToObject(json, "status",
                            !operation->is_over    ? "InProgress"
                            : operation->will_fail ? "Failed"
                                                   : "Succeeded");
    cJSON_AddStringToObject(json, "startTime", started);
    if (operation->is_over && operation->will_fail) {
        cJSON *error = cJSON_AddObjectToObject(json, "error");
        cJSON_AddStringToObject(error, "code", "InternalServerError");
        cJSON_AddStringToObject(error, "message", failure_text(operation));
    }
    reply_json(reply, 200, json);
}

static void get_result(struct request *request, struct reply *reply)
{
    const struct operation *operation = find_operation(request, reply);

    if (operation == NULL)
        return;
    if (!operation->is_over) {
        reply_json(reply, 202, NULL);
        reply_header(reply, "Location", "%s%s", request->base, request->uri);
    } else if (operation->will_fail) {
        reply_error(reply, 409, "OperationFailed", "%s", failure_text(operation));
    } else if (operation->is_delete) {
        reply_json(reply, 204, NULL);
    } else {
        const cJSON *nsg = store_now(&request->sim->store, KIND_NSG, operation->target);
        const cJSON *rule = find_rule(nsg, operation->part);
        reply_json(reply, rule != NULL ? 200 : 204, rule ? render_rule(nsg, rule) : NULL);
    }
}

#define NSG                                                            \
    "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Network/" \
    "networkSecurityGroups/{}"
#define RULE   NSG "/securityRules/{}"
#define POLL   "/subscriptions/{}/providers/Microsoft.Network/locations/{}"
#define ACTION "Microsoft.Network/networkSecurityGroups/"

#define SIGNED "t c s h"

const struct route network_routes[] = {
    { "GET", "/subscriptions/{}/providers/Microsoft.Network/networkSecurityGroups",
      ACTION "read", list_nsgs, "$skiptoken" },
    { "GET",
      "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Network/"
      "networkSecurityGroups",
      ACTION "read", list_nsgs, "$skiptoken" },
    { "GET", NSG, ACTION "read", get_nsg, NULL },
    { "PATCH", NSG, ACTION "write", patch_nsg, NULL },
    { "GET", NSG "/defaultSecurityRules", ACTION "defaultSecurityRules/read", list_defaults,
      "$skiptoken" },
    { "GET", NSG "/defaultSecurityRules/{}", ACTION "defaultSecurityRules/read",
      get_default, NULL },
    { "GET", NSG "/securityRules", ACTION "securityRules/read", list_rules, "$skiptoken" },
    { "GET", RULE, ACTION "securityRules/read", get_rule, NULL },
    { "PUT", RULE, ACTION "securityRules/write", put_rule, NULL },
    { "DELETE", RULE, ACTION "securityRules/delete", delete_rule, NULL },
    { "GET", POLL "/operations/{}", NULL, get_operation, SIGNED },
    { "GET", POLL "/operationResults/{}", NULL, get_result, SIGNED },
    { 0 },
};
