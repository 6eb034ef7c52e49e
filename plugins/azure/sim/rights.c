/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Microsoft.Authorization beside role assignments: deny assignments, the caller's
 * permissions, and the schedule instances of Privileged Identity Management.
 */
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "arm.h"
#include "grants.h"

static cJSON *render(const struct request *request, const cJSON *doc)
{
    static const char provider[] = "Microsoft.Authorization/";
    cJSON *json = cJSON_CreateObject();
    const char *id = json_text(doc, "id");
    const char *name = strrchr(id, '/') + 1;
    const char *type = strcasestr(id, provider) + strlen(provider);
    char *full = text_format("%s%.*s", provider, (int)(name - 1 - type), type);

    (void)request;
    cJSON_AddStringToObject(json, "id", id);
    cJSON_AddStringToObject(json, "type", full);
    cJSON_AddStringToObject(json, "name", name);
    json_copy(json, doc, "properties");
    free(full);
    return json;
}

#define PROVIDER "/providers/Microsoft.Authorization/"

static const struct grants denials = {
    .kind = KIND_DENY,
    .infix = PROVIDER "denyAssignments/",
    .render = render,
};

static const struct grants schedules = {
    .kind = KIND_SCHEDULE,
    .infix = PROVIDER "roleAssignmentScheduleInstances/",
    .render = render,
};

static void list_denials(struct request *request, struct reply *reply)
{
    grants_list(request, reply, &denials);
}

static void list_schedules(struct request *request, struct reply *reply)
{
    grants_list(request, reply, &schedules);
}

static void get_one(struct request *request, struct reply *reply,
                    const struct grants *grants)
{
    char *id = text_format("%s%s%s", strcmp(request->scope, "/") == 0 ? "" : request->scope,
                           grants->infix, request->args[0]);
    const cJSON *doc = store_past(&request->sim->store, grants->kind, id, request->age_ms);

    if (doc != NULL)
        reply_json(reply, 200, render(request, doc));
    else
        arm_not_found(reply, id);
    free(id);
}

static void get_denial(struct request *request, struct reply *reply)
{
    get_one(request, reply, &denials);
}

static void get_schedule(struct request *request, struct reply *reply)
{
    get_one(request, reply, &schedules);
}

static void list_permissions(struct request *request, struct reply *reply)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddItemToObject(json, "value", access_permissions(request, request->scope));
    reply_json(reply, 200, json);
}

#define AUTH   "{scope}" PROVIDER
#define ACTION "Microsoft.Authorization/"

const struct route rights_routes[] = {
    { "GET", AUTH "denyAssignments", ACTION "denyAssignments/read", list_denials,
      "$filter $skiptoken" },
    { "GET", AUTH "denyAssignments/{}", ACTION "denyAssignments/read", get_denial, NULL },
    { "GET", AUTH "roleAssignmentScheduleInstances", ACTION "roleAssignments/read",
      list_schedules, "$filter $skiptoken" },
    { "GET", AUTH "roleAssignmentScheduleInstances/{}", ACTION "roleAssignments/read",
      get_schedule, NULL },
    { "GET", AUTH "permissions", ACTION "permissions/read", list_permissions, NULL },
    { 0 },
};
