/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rbac.c - azure.rbac.assignments: which roles a principal has, and where.
 *
 * The API's filter answers with what is at, above and below a scope. Kept is what belongs
 * to exactly this principal and, when a scope was given, lies in it: a playbook removes
 * what it is shown.
 */
#include "rbac.h"

#include <string.h>

#include "arm.h"
#include "armid.h"
#include "azure.h"
#include "job.h"
#include "text.h"

enum {
    SUBSCRIPTIONS_MAX = 1000,
    ASSIGNMENTS_MAX = 2000,
    ROLES_MAX = 64 /* whose names are looked up; the rest goes without */
};

static const struct {
    const char *ours;
    const char *theirs;
} members[] = {
    { "scope", "scope" },
    { "role_definition_id", "roleDefinitionId" },
    { "principal_id", "principalId" },
    { "principal_type", "principalType" },
    { "condition", "condition" },
    { "condition_version", "conditionVersion" },
    { "description", "description" },
    { "delegated_managed_identity_resource_id", "delegatedManagedIdentityResourceId" },
};

enum { MEMBERS = sizeof members / sizeof members[0] };

void assignment_add(cJSON *out, const cJSON *json)
{
    for (size_t i = 0; i < MEMBERS; i++)
        json_add_text(out, members[i].ours,
                      json_text(json_get(json, "properties"), members[i].theirs));
}

/* Role definitions have the same name wherever they are named from. */
static bool is_same_role(const char *a, const char *b)
{
    return text_same(armid_name(a), armid_name(b));
}

static bool means_same(const char *member, const char *a, const char *b)
{
    if (strcmp(member, "role_definition_id") == 0)
        return is_same_role(a, b);
    if (strcmp(member, "condition") == 0 || strcmp(member, "description") == 0)
        return strcmp(a, b) == 0;
    return text_same(a, b);
}

/* The directory says what a principal is; nobody sets it. And a version of no condition says
 * nothing. */
static bool is_derived(const cJSON *properties, const cJSON *was, const char *member)
{
    if (strcmp(member, "principal_type") == 0)
        return text_same(json_text(properties, "principalId"),
                         json_text(was, "principal_id"));
    return strcmp(member, "condition_version") == 0 &&
           json_text(properties, "condition")[0] == '\0' &&
           json_text(was, "condition")[0] == '\0';
}

void assignment_add_like(cJSON *out, const cJSON *json, const cJSON *was)
{
    const cJSON *properties = json_get(json, "properties");

    for (size_t i = 0; i < MEMBERS; i++) {
        const char *ours = members[i].ours;
        const char *now = json_text(properties, members[i].theirs);
        const char *then = json_text(was, ours);
        bool is_like = is_derived(properties, was, ours) || means_same(ours, now, then);

        json_add_text(out, ours, is_like ? then : now);
    }
}

bool assignment_is_same_right(const cJSON *json, const cJSON *kept)
{
    const cJSON *properties = json_get(json, "properties");
    static const char *const names[] = { "scope", "role_definition_id", "principal_id",
                                         "condition" };
    size_t same = 0;

    for (size_t i = 0; i < MEMBERS; i++)
        for (size_t n = 0; n < sizeof names / sizeof *names; n++)
            same += strcmp(members[i].ours, names[n]) == 0 &&
                    means_same(names[n], json_text(properties, members[i].theirs),
                               json_text(kept, names[n]));
    return same == sizeof names / sizeof *names;
}

cJSON *assignment_properties(const cJSON *kept)
{
    cJSON *out = cJSON_CreateObject();

    for (size_t i = 0; i < MEMBERS; i++) {
        if (strcmp(members[i].ours, "scope") != 0) /* it is in the address, and read-only */
            json_add_text(out, members[i].theirs, json_text(kept, members[i].ours));
    }
    return out;
}

/* -- Listing --------------------------------------------------------------------------- */

struct search {
    const char *principal;
    const char *scope; /* NULL: everywhere that we can see */
    cJSON *found;
    const char *scopes[SUBSCRIPTIONS_MAX]; /* where to ask */
    size_t scope_count;
    size_t scope_at;
    int pages;
    const char *roles[ROLES_MAX];
    size_t role_count;
    size_t role_at;
};

static void ask_scope(struct job *job, struct search *search);
static void ask_role(struct job *job, struct search *search);

static bool is_known(const cJSON *list, const char *id)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
    {
        if (text_same(json_text(item, "id"), id))
            return true;
    }
    return false;
}

static void note_role(struct search *search, const char *role)
{
    for (size_t i = 0; i < search->role_count; i++) {
        if (text_same(search->roles[i], role))
            return;
    }
    if (search->role_count < ROLES_MAX && role[0] == '/' &&
        text_is_word(role, "-._()/", 1, 512))
        search->roles[search->role_count++] = role;
}

static void keep(struct job *job, struct search *search, const cJSON *json)
{
    const cJSON *properties = json_get(json, "properties");
    const char *id = json_text(json, "id");

    if (!text_same(json_text(properties, "principalId"), search->principal) ||
        is_known(search->found, id))
        return;
    if (search->scope != NULL &&
        !armid_covers(job, search->scope, json_text(properties, "scope")))
        return;
    cJSON *out = cJSON_CreateObject();
    cJSON_AddStringToObject(out, "id", id);
    cJSON_AddStringToObject(out, "name", json_text(json, "name"));
    assignment_add(out, json);
    cJSON_AddItemToArray(search->found, out);
    note_role(search, json_text(properties, "roleDefinitionId"));
}

static void on_page(struct job *job, const struct answer *answer, void *arg)
{
    struct search *search = arg;
    const cJSON *item;

    if (!answer_is_good(job, answer, true,
                        job_text(job, "list role assignments of %s", search->principal)))
        return;
    cJSON_ArrayForEach(item, json_get(answer->json, "value"))
    {
        keep(job, search, item);
    }
    const char *next = json_text(answer->json, "nextLink");
    if (cJSON_GetArraySize(search->found) > ASSIGNMENTS_MAX ||
        ++search->pages > PAGES_MAX) {
        job_fail(job, CORDON_REFUSED, "TooMany",
                 "%s has more than %d role assignments; give a scope", search->principal,
                 ASSIGNMENTS_MAX);
    } else if (next[0] != '\0') {
        arm_next(job, next, on_page, search);
    } else {
        search->scope_at++;
        ask_scope(job, search);
    }
}

static void ask_scope(struct job *job, struct search *search)
{
    if (search->scope_at == search->scope_count) {
        ask_role(job, search);
        return;
    }
    struct arm_request request = {
        .method = "GET",
        .path = job_text(job, "%s/providers/Microsoft.Authorization/roleAssignments",
                         search->scopes[search->scope_at]),
        .version = ARM_AUTH,
        .query =
            job_text(job, "&%%24filter=principalId%%20eq%%20%%27%s%%27", search->principal),
        .done = on_page,
        .arg = search,
    };
    arm_send(job, &request);
}

/* Names of roles are a courtesy to whoever approves: without one, the id has to do. */
static void on_role(struct job *job, const struct answer *answer, void *arg)
{
    struct search *search = arg;
    const char *role = search->roles[search->role_at++];
    const char *name = json_text(json_get(answer->json, "properties"), "roleName");
    cJSON *item;

    cJSON_ArrayForEach(item, search->found)
    {
        if (answer->verdict == CORDON_DONE &&
            text_same(json_text(item, "role_definition_id"), role))
            json_add_text(item, "role_name", name);
    }
    ask_role(job, search);
}

static void ask_role(struct job *job, struct search *search)
{
    if (search->role_at == search->role_count)
        job_done(job, search->found);
    else
        arm_get(job, search->roles[search->role_at], ARM_AUTH, on_role, search);
}

/* -- Where to ask ---------------------------------------------------------------------- */

static void on_subscriptions(struct job *job, const struct answer *answer, void *arg)
{
    struct search *search = arg;
    const cJSON *item;

    if (!answer_is_good(job, answer, true, "list subscriptions"))
        return;
    cJSON_ArrayForEach(item, json_get(answer->json, "value"))
    {
        const char *id = json_text(item, "subscriptionId");
        if (!text_is_uuid(id))
            continue;
        if (search->scope_count == SUBSCRIPTIONS_MAX) {
            job_fail(job, CORDON_REFUSED, "TooMany",
                     "there are more than %d subscriptions; give a scope",
                     SUBSCRIPTIONS_MAX);
            return;
        }
        search->scopes[search->scope_count++] = job_text(job, "/subscriptions/%s", id);
    }
    const char *next = json_text(answer->json, "nextLink");
    if (next[0] == '\0')
        ask_scope(job, search);
    else if (++search->pages > PAGES_MAX)
        job_fail(job, CORDON_REFUSED, "TooMany", "the list of subscriptions does not end");
    else
        arm_next(job, next, on_subscriptions, search);
}

static int assignments_read(struct cordon_call *call, const struct cordon_input *in)
{
    struct job *job = job_begin(call, in);
    struct search *search = job_alloc(job, sizeof *search);
    const char *scope = json_text(job->args, "scope");

    search->principal = json_text(job->args, "principal");
    search->found = job_own(job, cJSON_CreateArray());
    if (!text_is_uuid(search->principal)) {
        job_fail(job, CORDON_REFUSED, "BadPrincipal",
                 "%.60s is no principal; want its object id", search->principal);
    } else if (scope[0] == '\0') {
        arm_get(job, "/subscriptions", ARM_SUBS, on_subscriptions, search);
    } else {
        search->scope = armid_scope(job, scope);
        if (search->scope != NULL) {
            search->scopes[search->scope_count++] = search->scope;
            ask_scope(job, search);
        }
    }
    return job_started(job);
}

/* -- Declaration ----------------------------------------------------------------------- */

static const char *const permissions[] = { "Microsoft.Authorization/roleAssignments/read",
                                           "Microsoft.Authorization/roleDefinitions/read",
                                           "Microsoft.Resources/subscriptions/read", NULL };

const struct cordon_action rbac_assignments = {
    .size = sizeof(struct cordon_action),
    .name = "azure.rbac.assignments",
    .summary = "List the role assignments of a principal",
    .effect = CORDON_READS,
    .risk = CORDON_LOW,
    .permissions = permissions,
    .timeout_ms = 120000,
    .args_schema =
        "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"principal\"],"
        "\"properties\":{\"principal\":{\"type\":\"string\",\"format\":\"uuid\","
        "\"description\":\"object id of the user, group, application or identity\"},"
        "\"scope\":{\"type\":\"string\",\"description\":\"a subscription's id or a "
        "resource "
        "id: only assignments at it or in it; all subscriptions when not given\"}}}",
    .result_schema =
        "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"additionalProperties\":false,"
        "\"required\":[\"id\",\"name\",\"scope\",\"role_definition_id\",\"principal_id\"],"
        "\"properties\":{\"id\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"},"
        "\"scope\":{\"type\":\"string\"},\"role_definition_id\":{\"type\":\"string\"},"
        "\"role_name\":{\"type\":\"string\"},\"principal_id\":{\"type\":\"string\"},"
        "\"principal_type\":{\"type\":\"string\"},\"condition\":{\"type\":\"string\"},"
        "\"condition_version\":{\"type\":\"string\"},\"description\":{\"type\":\"string\"},"
        "\"delegated_managed_identity_resource_id\":{\"type\":\"string\"}}}}",
    .read = assignments_read,
};
