/* SPDX-License-Identifier: Apache-2.0 */
#include "grants.h"

#include <stdlib.h>
#include <string.h>

#include "directory.h"
#include "filter.h"
#include "scope.h"

struct listing {
    const struct request *request;
    const struct grants *grants;
    struct filter filter;
    cJSON *found;
};

char *grant_scope(const char *id, const char *infix)
{
    char *scope = xstrdup(id);
    char *end = strcasestr(scope, infix);

    if (end != NULL)
        *end = '\0';
    return scope;
}

static bool is_for(const struct listing *listing, const char *principal)
{
    const struct filter *filter = &listing->filter;

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
    char *scope = grant_scope(json_text(doc, "id"), listing->grants->infix);
    bool is_above = scope_holds(request->sim, scope[0] ? scope : "/", request->scope);
    bool is_below = scope_holds(request->sim, request->scope, scope);

    if ((is_above || (is_below && !listing->filter.is_at_scope)) &&
        is_for(listing, json_text(json_get(doc, "properties"), "principalId")))
        cJSON_AddItemToArray(listing->found, listing->grants->render(request, doc));
    free(scope);
    return 0;
}

void grants_list(struct request *request, struct reply *reply, const struct grants *grants)
{
    struct listing listing = { .request = request, .grants = grants };

    if (!filter_read(&listing.filter, request_query(request, "$filter"))) {
        reply_error(
            reply, 400, "InvalidFilter",
            "the filter has to be made of principalId eq 'id', assignedTo('id') and "
            "atScope()");
        return;
    }
    listing.found = cJSON_CreateArray();
    store_each(&request->sim->store, grants->kind, request->age_ms, collect, &listing);
    arm_reply_page(request, reply, listing.found);
}
