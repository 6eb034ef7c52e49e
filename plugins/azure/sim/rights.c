/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Microsoft.Authorization beside role assignments: deny assignments, the caller's
 * permissions, and the schedule instances of Privileged Identity Management.
 */
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "arm.h"
#include "directory.h"
#include "filter.h"
#include "scope.h"

struct listing {
    const struct request *request;
    struct filter filter;
    const char *infix;
    cJSON *found;
};

static cJSON *render(const cJSON *doc, const char *type)
{
    cJSON *json = cJSON_CreateObject();
    const char *id = json_text(doc, "id");
    char *full = text_format("Microsoft.Authorization/%s", type);

    cJSON_AddStringToObject(json, "id", id);
    cJSON_AddStringToObject(json, "type", full);
    cJSON_AddStringToObject(json, "name", strrchr(id, '/') + 1);
    json_copy(json, doc, "properties");
    free(full);
    return json;
}

static char *scope_before(const char *id, const char *infix)
{
    char *scope = xstrdup(id);
    char *end = strcasestr(scope, infix);

    if (end != NULL)
        *end = '\0';
    return scope;
}

static bool is_for(const struct listing *listing, const cJSON *properties)
{
    const struct filter *filter = &listing->filter;
    const char *principal = json_text(properties, "principalId");

    if (filter->principal[0] != '\0' && !text_is(filter->principal, principal))
        return false;
    return filter->assigned_to[0] == '\0' || text_is(filter->assigned_to, principal) ||
           (principal != NULL &&
            directory_is_member(listing->request->sim, principal, filter->assigned_to));
}

static int collect(cJSON *doc, void *arg)
{
    struct listing *listing = arg;
    const struct request *request = listing->request;
    char *scope = scope_before(json_text(doc, "id"), listing->infix);
    bool is_above = scope_holds(request->sim, scope[0] ? scope : "/", request->scope);
    bool is_below = scope_holds(request->sim, request->scope, scope);
    const char *type = request->segments[request->segment_count - 1];

    if ((is_above || (is_below && !listing->filter.is_at_scope)) &&
        is_for(listing, json_get(doc, "properties")))
        cJSON_AddItemToArray(listing->found, render(doc, type));
    free(scope);
    return 0;
}

static void list_all(struct request *request, struct reply *reply, enum kind kind,
                     const char *infix)
{
    struct listing listing = { .request = request, .infix = infix };

    if (!filter_read(&listing.filter, request_query(request, "$filter"))) {
        reply_error(
            reply, 400, "InvalidFilter",
            "the filter has to be made of principalId eq 'id', assignedTo('id') and "
            "atScope()");
        return;
    }
    listing.found = cJSON_CreateArray();
    store_each(&request->sim->store, kind, request->age_ms, collect, &listing);
    arm_reply_page(request, reply, listing.found);
}

#define PROVIDER "/providers/Microsoft.Authorization/"

static void list_denials(struct request *request, struct reply *reply)
{
    list_all(request, reply, KIND_DENY, PROVIDER "denyAssignments/");
}

static void list_schedules(struct request *request, struct reply *reply)
{
    list_all(request, reply, KIND_SCHEDULE, PROVIDER "roleAssignmentScheduleInstances/");
}

static void get_one(struct request *request, struct reply *reply, enum kind kind,
                    const char *infix)
{
    char *id = text_format("%s%s%s", strcmp(request->scope, "/") == 0 ? "" : request->scope,
                           infix, request->args[0]);
    const cJSON *doc = store_past(&request->sim->store, kind, id, request->age_ms);

    if (doc != NULL)
        reply_json(reply, 200, render(doc, request->segments[request->segment_count - 2]));
    else
        arm_not_found(reply, id);
    free(id);
}

static void get_denial(struct request *request, struct reply *reply)
{
    get_one(request, reply, KIND_DENY, PROVIDER "denyAssignments/");
}

static void get_schedule(struct request *request, struct reply *reply)
{
    get_one(request, reply, KIND_SCHEDULE, PROVIDER "roleAssignmentScheduleInstances/");
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
