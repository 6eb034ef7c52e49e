/* SPDX-License-Identifier: Apache-2.0 */
#include "scope.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

enum { LEVELS_MAX = 6 /* of management groups, as in Azure */ };

static const char prefix[] = "/providers/Microsoft.Management/managementGroups/";
static const char home[] = "/subscriptions/";

struct search {
    const char *subscription;
    const char *found; /* the name of the management group that has it */
};

static int match_subscription(cJSON *group, void *arg)
{
    struct search *search = arg;
    const cJSON *item;

    cJSON_ArrayForEach(item, json_get(group, "subscriptions"))
    {
        if (text_is(cJSON_GetStringValue(item), search->subscription)) {
            search->found = json_text(group, "name");
            return 1;
        }
    }
    return 0;
}

/* Is the management group called name the one called above, or below it? */
static bool is_below(const struct sim *sim, const char *name, const char *above)
{
    for (int level = 0; level <= LEVELS_MAX && name != NULL; level++) {
        if (text_is(name, above))
            return true;
        name = json_text(store_now(&sim->store, KIND_MANAGEMENT_GROUP, name), "parent");
    }
    return false;
}

/* The management group that id is, or that its subscription is in; NULL for none. */
static const char *group_of(const struct sim *sim, const char *id)
{
    if (text_starts(id, prefix))
        return json_text(store_now(&sim->store, KIND_MANAGEMENT_GROUP, id + strlen(prefix)),
                         "name");
    if (!text_starts(id, home))
        return NULL;
    char *subscription = xstrdup(id + strlen(home));
    subscription[strcspn(subscription, "/")] = '\0';
    struct search search = { .subscription = subscription };
    store_each(&sim->store, KIND_MANAGEMENT_GROUP, 0, match_subscription, &search);
    free(subscription);
    return search.found;
}

bool scope_holds(const struct sim *sim, const char *scope, const char *id)
{
    if (scope_covers(scope, id))
        return true;
    return text_starts(scope, prefix) &&
           is_below(sim, group_of(sim, id), scope + strlen(prefix));
}
