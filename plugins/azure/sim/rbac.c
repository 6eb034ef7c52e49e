/* SPDX-License-Identifier: Apache-2.0 */
/* Microsoft.Authorization: role assignments at any scope, and role definitions. */
#include <stdlib.h>
#include <string.h>

#include "arm.h"
#include "directory.h"
#include "filter.h"
#include "grants.h"

static const char infix[] = "/providers/Microsoft.Authorization/roleAssignments/";

static char *assignment_id(const struct request *request)
{
    return text_format("%s%s%s", strcmp(request->scope, "/") == 0 ? "" : request->scope,
                       infix, request->args[0]);
}

static const char *name_of(const cJSON *doc)
{
    return strrchr(json_text(doc, "id"), '/') + 1;
}

/* Resource manager shows these also where an assignment does not have them. */
static void add_nulls(cJSON *properties)
{
    static const char *const members[] = { "condition", "conditionVersion", "description",
                                           "delegatedManagedIdentityResourceId" };

    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (json_get(properties, members[i]) == NULL)
            cJSON_AddNullToObject(properties, members[i]);
}

static cJSON *render(const struct request *request, const cJSON *doc)
{
    cJSON *json = cJSON_CreateObject();
    char *scope = grant_scope(json_text(doc, "id"), infix);

    json_copy(json, doc, "properties");
    cJSON *properties = json_get(json, "properties");
    if (properties == NULL)
        properties = cJSON_AddObjectToObject(json, "properties");
    json_set_text(properties, "scope", scope[0] != '\0' ? scope : "/");
    free(scope);
    json_copy(json, doc, "id");
    cJSON_AddStringToObject(json, "type", "Microsoft.Authorization/roleAssignments");
    cJSON_AddStringToObject(json, "name", name_of(doc));
    if (request->sim->settings.assignment_nulls)
        add_nulls(properties);
    return json;
}

static const struct grants assignments = {
    .kind = KIND_ASSIGNMENT,
    .infix = infix,
    .render = render,
};

static void list_assignments(struct request *request, struct reply *reply)
{
    grants_list(request, reply, &assignments);
}

static void get_assignment(struct request *request, struct reply *reply)
{
    char *id = assignment_id(request);
    const cJSON *doc =
        store_past(&request->sim->store, KIND_ASSIGNMENT, id, request->age_ms);

    if (doc != NULL)
        reply_json(reply, 200, render(request, doc));
    else
        reply_error(reply, 404, "RoleAssignmentNotFound",
                    "the role assignment '%s' was not found", request->args[0]);
    free(id);
}

struct twin {
    const char *id;
    const char *scope;
    const cJSON *wanted; /* properties */
    const cJSON *same_name;
    const cJSON *same_grant;
};

static bool is_same_grant(const cJSON *a, const cJSON *b)
{
    const char *left = json_text(a, "roleDefinitionId");
    const char *right = json_text(b, "roleDefinitionId");

    return left != NULL && right != NULL &&
           text_is(json_text(a, "principalId"), json_text(b, "principalId")) &&
           text_is(strrchr(left, '/'), strrchr(right, '/'));
}

static int find_twin(cJSON *doc, void *arg)
{
    struct twin *twin = arg;
    char *scope = grant_scope(json_text(doc, "id"), infix);

    if (text_is(name_of(doc), strrchr(twin->id, '/') + 1))
        twin->same_name = doc;
    else if (text_is(scope, twin->scope) &&
             is_same_grant(json_get(doc, "properties"), twin->wanted))
        twin->same_grant = doc;
    free(scope);
    return 0;
}

/* Whoever says that the principal is a service principal is believed: that is how a principal
 * that the directory does not know yet is given a role. */
static bool check_principal(const struct request *request, const cJSON *properties,
                            struct reply *reply)
{
    const char *id = json_text(properties, "principalId");
    const char *type = json_text(properties, "principalType");
    const char *known = directory_type(request->sim, id);

    if (known == NULL && !text_is(type, "ServicePrincipal")) {
        reply_error(reply, 400, "PrincipalNotFound",
                    "Principal %s does not exist in the directory %s. Check that you have "
                    "the correct principal ID. If you are creating this principal and then "
                    "immediately assigning a role, this error might be related to a "
                    "replication delay. In this case, set the role assignment "
                    "principalType property to a value, such as ServicePrincipal, User, or "
                    "Group.",
                    id, request->sim->settings.tenant);
        return false;
    }
    if (known != NULL && type != NULL && !text_is(type, known) &&
        !text_is(type, "ForeignGroup")) {
        reply_error(reply, 400, "UnmatchedPrincipalType",
                    "The PrincipalId '%s' has type '%s', which is different from specified "
                    "PrincipalType '%s'.",
                    id, known, type);
        return false;
    }
    return true;
}

struct count {
    const struct request *request;
    const char *id; /* of the one that is written, which is not counted */
    int count;
};

static int count_one(cJSON *doc, void *arg)
{
    struct count *count = arg;
    const char *id = json_text(doc, "id");
    const char *home = count->request->segments[1];

    if (text_starts(id, "/subscriptions/") &&
        text_starts(id + strlen("/subscriptions/"), home) &&
        !text_is(strrchr(id, '/') + 1, count->id))
        count->count++;
    return 0;
}

static bool check_count(const struct request *request, struct reply *reply)
{
    struct count count = { .request = request, .id = request->args[0] };
    int most = request->sim->settings.assignments_max;

    if (!text_is(request->segments[0], "subscriptions"))
        return true;
    store_each(&request->sim->store, KIND_ASSIGNMENT, 0, count_one, &count);
    if (count.count < most)
        return true;
    reply_error(reply, 400, "RoleAssignmentLimitExceeded",
                "The role assignment limit for the subscription has been exceeded. No more "
                "role assignments can be created: it has %d.",
                count.count);
    return false;
}

static bool check_body(const struct request *request, const cJSON *properties,
                       struct reply *reply)
{
    const char *role = json_text(properties, "roleDefinitionId");
    const char *slash = role != NULL ? strrchr(role, '/') : NULL;

    if (!is_uuid(request->args[0])) {
        reply_error(reply, 400, "InvalidRoleAssignmentId",
                    "the name of a role assignment has to be a GUID, not '%s'",
                    request->args[0]);
        return false;
    }
    if (slash == NULL || !is_uuid(json_text(properties, "principalId"))) {
        reply_error(
            reply, 400, "InvalidCreateRoleAssignmentRequest",
            "properties needs the id of a role definition in roleDefinitionId and a "
            "GUID in principalId");
        return false;
    }
    if (store_now(&request->sim->store, KIND_ROLE, slash + 1) == NULL) {
        reply_error(reply, 400, "RoleDefinitionDoesNotExist",
                    "there is no role definition '%s'", slash + 1);
        return false;
    }
    return check_principal(request, properties, reply) && check_count(request, reply);
}

/* The document of an assignment made or written again now. */
static cJSON *make_doc(const struct request *request, const char *id, const cJSON *wanted,
                       const cJSON *old)
{
    static const char *const members[] = { "roleDefinitionId",
                                           "principalId",
                                           "principalType",
                                           "description",
                                           "condition",
                                           "conditionVersion",
                                           "delegatedManagedIdentityResourceId",
                                           NULL };
    const cJSON *before = json_get(old, "properties");
    char now[TIME_SIZE];

    time_text(now, clock_ms());
    cJSON *doc = cJSON_CreateObject();
    cJSON_AddStringToObject(doc, "id", id);
    cJSON *properties = cJSON_AddObjectToObject(doc, "properties");
    for (int i = 0; members[i] != NULL; i++) {
        if (!cJSON_IsNull(json_get(wanted, members[i])))
            json_copy(properties, wanted, members[i]);
    }
    if (json_get(properties, "principalType") == NULL)
        cJSON_AddStringToObject(properties, "principalType",
                                directory_type(request->sim,
                                               json_text(wanted, "principalId")));
    cJSON_AddStringToObject(properties, "createdOn",
                            json_text(before, "createdOn") ? json_text(before, "createdOn")
                                                           : now);
    cJSON_AddStringToObject(properties, "updatedOn", now);
    json_set_text(properties, "createdBy", json_text(request->identity, "object_id"));
    json_copy(properties, before, "createdBy");
    json_set_text(properties, "updatedBy", json_text(request->identity, "object_id"));
    return doc;
}

static bool is_same_wish(const cJSON *old, const cJSON *wanted)
{
    const cJSON *properties = json_get(old, "properties");
    const cJSON *item;

    cJSON_ArrayForEach(item, wanted)
    {
        bool is_ours = strcmp(item->string, "scope") == 0;
        if (!is_ours && !cJSON_IsNull(item) &&
            strcmp(item->string, "roleDefinitionId") != 0 &&
            !cJSON_Compare(item, json_get(properties, item->string), true))
            return false;
    }
    return true;
}

static void put_assignment(struct request *request, struct reply *reply)
{
    struct store *store = &request->sim->store;
    const cJSON *body = request_json(request, reply);
    const cJSON *wanted = json_get(body, "properties");

    if (body == NULL || !check_body(request, wanted, reply))
        return;
    char *id = assignment_id(request);
    struct twin twin = { .id = id, .scope = request->scope, .wanted = wanted };
    store_each(store, KIND_ASSIGNMENT, 0, find_twin, &twin);
    if (twin.same_grant != NULL) {
        reply_error(reply, 409, "RoleAssignmentExists",
                    "the role assignment already exists; its id is %s",
                    name_of(twin.same_grant));
    } else if (twin.same_name != NULL &&
               (!text_is(json_text(twin.same_name, "id"), id) ||
                !is_same_grant(json_get(twin.same_name, "properties"), wanted))) {
        reply_error(reply, 400, "RoleAssignmentUpdateNotPermitted",
                    "the scope, principal and role of an assignment cannot be changed");
    } else if (twin.same_name != NULL && is_same_wish(twin.same_name, wanted)) {
        reply_json(reply, 200, render(request, twin.same_name));
    } else {
        const char *key = twin.same_name != NULL ? json_text(twin.same_name, "id") : id;
        cJSON *doc = make_doc(request, key, wanted, twin.same_name);
        reply_effect(reply, "role.put %s", key);
        reply_json(reply, twin.same_name != NULL ? 200 : 201, render(request, doc));
        store_put(store, KIND_ASSIGNMENT, id, doc);
    }
    free(id);
}

static void delete_assignment(struct request *request, struct reply *reply)
{
    struct store *store = &request->sim->store;
    char *id = assignment_id(request);
    const cJSON *doc = store_now(store, KIND_ASSIGNMENT, id);

    if (doc != NULL) {
        reply_effect(reply, "role.delete %s", json_text(doc, "id"));
        reply_json(reply, 200, render(request, doc));
        store_remove(store, KIND_ASSIGNMENT, id);
    } else {
        reply_json(reply, 204, NULL);
    }
    free(id);
}

static cJSON *render_role(const struct request *request, const cJSON *doc)
{
    cJSON *json = cJSON_CreateObject();
    const char *prefix =
        text_starts(request->scope, "/subscriptions/") ? request->scope : "";
    size_t len = 0;

    /* A role definition shows the subscription of the scope that it was asked for at. */
    for (int slashes = 0; prefix[len] != '\0'; len++) {
        if (prefix[len] == '/' && ++slashes == 3)
            break;
    }
    char *id = text_format("%.*s/providers/Microsoft.Authorization/roleDefinitions/%s",
                           (int)len, prefix, json_text(doc, "name"));
    cJSON_AddStringToObject(json, "id", id);
    free(id);
    cJSON_AddStringToObject(json, "type", "Microsoft.Authorization/roleDefinitions");
    json_copy(json, doc, "name");
    json_copy(json, doc, "properties");
    return json;
}

static void get_role(struct request *request, struct reply *reply)
{
    const cJSON *doc =
        store_past(&request->sim->store, KIND_ROLE, request->args[0], request->age_ms);

    if (doc != NULL)
        reply_json(reply, 200, render_role(request, doc));
    else
        reply_error(reply, 404, "RoleDefinitionDoesNotExist",
                    "there is no role definition '%s'", request->args[0]);
}

struct listing {
    const struct request *request;
    struct role_filter roles;
    cJSON *found;
};

static int collect_role(cJSON *doc, void *arg)
{
    struct listing *listing = arg;
    const cJSON *properties = json_get(doc, "properties");
    const char *name = listing->roles.name;
    const char *type = listing->roles.type;

    if ((name[0] == '\0' || text_is(name, json_text(properties, "roleName"))) &&
        (type[0] == '\0' || text_is(type, json_text(properties, "type"))))
        cJSON_AddItemToArray(listing->found, render_role(listing->request, doc));
    return 0;
}

static void list_roles(struct request *request, struct reply *reply)
{
    struct listing listing = { .request = request };

    if (!role_filter_read(&listing.roles, request_query(request, "$filter"))) {
        reply_error(reply, 400, "InvalidFilter",
                    "the filter has to be roleName eq 'NAME', type eq 'TYPE' or "
                    "atScopeAndBelow()");
        return;
    }
    listing.found = cJSON_CreateArray();
    store_each(&request->sim->store, KIND_ROLE, request->age_ms, collect_role, &listing);
    arm_reply_page(request, reply, listing.found);
}

#define ACTION      "Microsoft.Authorization/"
#define ASSIGNMENTS "{scope}/providers/Microsoft.Authorization/roleAssignments"
#define ROLES       "{scope}/providers/Microsoft.Authorization/roleDefinitions"

const struct route rbac_routes[] = {
    { "GET", ASSIGNMENTS, ACTION "roleAssignments/read", list_assignments,
      "$filter $skiptoken" },
    { "GET", ASSIGNMENTS "/{}", ACTION "roleAssignments/read", get_assignment, NULL },
    { "PUT", ASSIGNMENTS "/{}", ACTION "roleAssignments/write", put_assignment, NULL },
    { "DELETE", ASSIGNMENTS "/{}", ACTION "roleAssignments/delete", delete_assignment,
      NULL },
    { "GET", ROLES, ACTION "roleDefinitions/read", list_roles, "$filter $skiptoken" },
    { "GET", ROLES "/{}", ACTION "roleDefinitions/read", get_role, NULL },
    { 0 },
};
