/* SPDX-License-Identifier: Apache-2.0 */
#include "access.h"

#include <stdlib.h>
#include <string.h>

#include "directory.h"
#include "scope.h"
#include "sim.h"

/* All principals, in a deny assignment. */
#define EVERYBODY "00000000-0000-0000-0000-000000000000"

/* How old the rights are that count for this request. */
static int64_t rights_age_ms(const struct request *request)
{
    const struct settings *settings = &request->sim->settings;
    int64_t age_ms = settings->rights_delay_ms;

    if (settings->rights_follow_token && request->token_age_ms > age_ms)
        age_ms = request->token_age_ms;
    return age_ms;
}

static bool is_listed(const cJSON *patterns, const char *action)
{
    const cJSON *pattern;

    cJSON_ArrayForEach(pattern, patterns)
    {
        const char *text = cJSON_GetStringValue(pattern);
        if (text != NULL && wildcard_fits(text, action))
            return true;
    }
    return false;
}

bool access_allows(const struct request *request, const char *action)
{
    const cJSON *then =
        store_past(&request->sim->store, KIND_IDENTITY,
                   json_text(request->identity, "client_id"), rights_age_ms(request));

    return !is_listed(json_get(then != NULL ? then : request->identity, "deny"), action);
}

/* Does one of permissions, of a role or of a deny assignment, have the action? */
static bool has_action(const cJSON *permissions, const struct access *access)
{
    const cJSON *one;

    cJSON_ArrayForEach(one, permissions)
    {
        const cJSON *yes = json_get(one, access->is_data ? "dataActions" : "actions");
        const cJSON *no = json_get(one, access->is_data ? "notDataActions" : "notActions");
        if (is_listed(yes, access->action) && !is_listed(no, access->action))
            return true;
    }
    return false;
}

static char *scope_of(const char *id)
{
    const char *end = strcasestr(id, "/providers/Microsoft.Authorization/");
    char *scope = xstrdup(id);

    for (const char *at = end; at != NULL;
         at = strcasestr(at + 1, "/providers/Microsoft.Authorization/"))
        end = at;
    scope[end != NULL ? end - id : 0] = '\0';
    if (scope[0] == '\0') {
        free(scope);
        scope = xstrdup("/");
    }
    return scope;
}

static bool is_caller(const struct request *request, const char *principal)
{
    const char *own = json_text(request->identity, "object_id");

    return text_is(principal, own) ||
           (principal != NULL && directory_is_member(request->sim, principal, own));
}

struct search {
    const struct request *request;
    struct access *access;
    cJSON *found; /* permissions; NULL: only look whether one has the action */
};

static const cJSON *role_of(const struct request *request, const cJSON *assignment)
{
    const char *id = json_text(json_get(assignment, "properties"), "roleDefinitionId");
    const char *slash = id != NULL ? strrchr(id, '/') : NULL;

    return slash != NULL ? store_now(&request->sim->store, KIND_ROLE, slash + 1) : NULL;
}

static int match_grant(cJSON *assignment, void *arg)
{
    const struct search *search = arg;
    const cJSON *properties = json_get(assignment, "properties");
    char *scope = scope_of(json_text(assignment, "id"));
    bool is_ours = scope_holds(search->request->sim, scope, search->access->scope) &&
                   is_caller(search->request, json_text(properties, "principalId"));
    const cJSON *role = is_ours ? role_of(search->request, assignment) : NULL;
    const cJSON *permissions = json_get(json_get(role, "properties"), "permissions");
    const cJSON *one;

    free(scope);
    if (search->found == NULL)
        return has_action(permissions, search->access);
    cJSON_ArrayForEach(one, permissions)
    {
        cJSON_AddItemToArray(search->found, cJSON_Duplicate(one, true));
    }
    return 0;
}

static bool names_caller(const struct request *request, const cJSON *principals)
{
    const cJSON *one;

    cJSON_ArrayForEach(one, principals)
    {
        const char *id = json_text(one, "id");
        if (text_is(id, EVERYBODY) || is_caller(request, id))
            return true;
    }
    return false;
}

static int match_denial(cJSON *denial, void *arg)
{
    const struct search *search = arg;
    struct access *access = search->access;
    const cJSON *properties = json_get(denial, "properties");
    char *scope = scope_of(json_text(denial, "id"));
    bool is_here = json_true(properties, "doNotApplyToChildScopes")
                       ? text_is(scope, access->scope)
                       : scope_holds(search->request->sim, scope, access->scope);

    free(scope);
    if (!is_here || !has_action(json_get(properties, "permissions"), access) ||
        !names_caller(search->request, json_get(properties, "principals")) ||
        names_caller(search->request, json_get(properties, "excludePrincipals")))
        return 0;
    access->denier = json_text(properties, "denyAssignmentName");
    access->denier_id = json_text(denial, "id");
    return 1;
}

enum access_verdict access_check(const struct request *request, struct access *access)
{
    const struct store *store = &request->sim->store;
    struct search search = { .request = request, .access = access };

    if (store_each(store, KIND_DENY, 0, match_denial, &search) != 0)
        return ACCESS_DENIED;
    if (!access_allows(request, access->action))
        return ACCESS_NO_RIGHT;
    if (request->sim->settings.rbac == RBAC_OPEN)
        return ACCESS_GRANTED;
    return store_each(store, KIND_ASSIGNMENT, rights_age_ms(request), match_grant,
                      &search) != 0
               ? ACCESS_GRANTED
               : ACCESS_NO_RIGHT;
}

/* What an identity has when role assignments do not count: all but its "deny" list. */
static cJSON *everything_but(const cJSON *denied)
{
    cJSON *one = cJSON_CreateObject();

    cJSON_AddItemToArray(cJSON_AddArrayToObject(one, "actions"), cJSON_CreateString("*"));
    cJSON_AddItemToObject(one, "notActions",
                          denied != NULL ? cJSON_Duplicate(denied, true)
                                         : cJSON_CreateArray());
    cJSON_AddItemToArray(cJSON_AddArrayToObject(one, "dataActions"),
                         cJSON_CreateString("*"));
    cJSON_AddArrayToObject(one, "notDataActions");
    return one;
}

cJSON *access_permissions(const struct request *request, const char *scope)
{
    struct access access = { .scope = scope };
    struct search search = { .request = request,
                             .access = &access,
                             .found = cJSON_CreateArray() };

    if (request->sim->settings.rbac == RBAC_OPEN)
        cJSON_AddItemToArray(search.found,
                             everything_but(json_get(request->identity, "deny")));
    else
        store_each(&request->sim->store, KIND_ASSIGNMENT, rights_age_ms(request),
                   match_grant, &search);
    return search.found;
}
