/* SPDX-License-Identifier: Apache-2.0 */
#include "policy.h"

#include <stdlib.h>
#include <string.h>

#include "scope.h"
#include "sim.h"

static const char infix[] = "/providers/Microsoft.Authorization/policyAssignments/";

/* "Microsoft.Network/networkSecurityGroups/securityRules"; to be freed. */
static char *type_of(const struct request *request)
{
    int at = 0;

    for (int i = 0; i + 1 < request->segment_count; i++)
        at = text_is(request->segments[i], "providers") ? i + 1 : at;
    char *type = xstrdup(at > 0 ? request->segments[at] : "Microsoft.Resources");
    for (int i = at + 1; at > 0 && i < request->segment_count; i += 2) {
        char *longer = text_format("%s/%s", type, request->segments[i]);
        free(type);
        type = longer;
    }
    return type;
}

/* Does body have all that wanted has? */
static bool holds(const cJSON *body, const cJSON *wanted)
{
    const cJSON *item;

    if (!cJSON_IsObject(wanted))
        return cJSON_Compare(body, wanted, true);
    cJSON_ArrayForEach(item, wanted)
    {
        if (!holds(json_get(body, item->string), item))
            return false;
    }
    return true;
}

struct check {
    struct request *request;
    char *type;
    const cJSON *body;
    cJSON *found;
};

static int match(cJSON *doc, void *arg)
{
    struct check *check = arg;
    const char *id = json_text(doc, "id");
    const cJSON *pattern;
    bool is_denied = false;

    cJSON_ArrayForEach(pattern, json_get(doc, "denies"))
    {
        const char *text = cJSON_GetStringValue(pattern);
        is_denied = is_denied || (text != NULL && wildcard_fits(text, check->type));
    }
    if (!is_denied ||
        text_is(json_text(json_get(doc, "properties"), "enforcementMode"), "DoNotEnforce"))
        return 0;
    char *scope = xstrdup(id);
    *strcasestr(scope, infix) = '\0';
    bool is_here =
        scope_holds(check->request->sim, scope[0] ? scope : "/", check->request->path);
    free(scope);
    if (!is_here || !holds(check->body, json_get(doc, "where")))
        return 0;
    check->found = doc;
    return 1;
}

static void refuse(const struct request *request, struct reply *reply, const cJSON *doc)
{
    const cJSON *properties = json_get(doc, "properties");
    const char *id = json_text(doc, "id");
    const char *name = strrchr(id, '/') + 1;
    const char *shown = json_text(properties, "displayName");
    const char *definition = json_text(properties, "policyDefinitionId");
    const char *target = request->segments[request->segment_count - 1];

    reply_error(reply, 403, "RequestDisallowedByPolicy",
                "Resource '%s' was disallowed by policy. Policy identifiers: "
                "'[{\"policyAssignment\":{\"name\":\"%s\",\"id\":\"%s\"},"
                "\"policyDefinition\":{\"id\":\"%s\"}}]'.",
                target, shown ? shown : name, id, definition ? definition : "");
    cJSON *error = json_get(reply->json, "error");
    cJSON_AddStringToObject(error, "target", target);
    cJSON *more = cJSON_CreateObject();
    cJSON_AddItemToArray(cJSON_AddArrayToObject(error, "additionalInfo"), more);
    cJSON_AddStringToObject(more, "type", "PolicyViolation");
    cJSON *info = cJSON_AddObjectToObject(more, "info");
    cJSON_AddStringToObject(info, "policyAssignmentId", id);
    cJSON_AddStringToObject(info, "policyAssignmentName", name);
    cJSON_AddStringToObject(info, "policyAssignmentDisplayName", shown ? shown : name);
    cJSON_AddStringToObject(info, "policyDefinitionId", definition ? definition : "");
    cJSON_AddStringToObject(info, "policyDefinitionEffect", "deny");
}

bool policy_lets_pass(struct request *request, struct reply *reply)
{
    struct check check = { .request = request };

    if (!request_is(request, "PUT") && !request_is(request, "PATCH"))
        return true;
    cJSON *body = cJSON_ParseWithLength(request->body, request->body_len);
    check.body = body;
    check.type = type_of(request);
    store_each(&request->sim->store, KIND_POLICY, 0, match, &check);
    if (check.found != NULL)
        refuse(request, reply, check.found);
    free(check.type);
    cJSON_Delete(body);
    return check.found == NULL;
}
