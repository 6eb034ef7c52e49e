/* SPDX-License-Identifier: Apache-2.0 */
#include "edit.h"

#include <stdlib.h>
#include <string.h>

#include "exchange.h"
#include "reqlog.h"
#include "route.h"
#include "world.h"

#define RESOURCE "/subscriptions/{}/resourceGroups/{}/providers/"
#define SITE     RESOURCE "Microsoft.Web/sites/{}"
#define SLOT     SITE "/slots/{}"
#define NSG      RESOURCE "Microsoft.Network/networkSecurityGroups/{}"

/* Where an object is kept: in which document, and in which part of it. */
struct place {
    const char *pattern;
    enum kind kind;
    int cut;             /* segments at the end that name the part */
    const char *members; /* objects to walk down; {} is the last segment */
    const char *list;    /* or the list that has it */
    const char *name;    /* and the member that names it there */
};

static const struct place places[] = {
    { SITE, KIND_SITE, 0, NULL, NULL, NULL },
    { SITE "/config/web", KIND_SITE, 2, "config/web", NULL, NULL },
    { SITE "/basicPublishingCredentialsPolicies/{}", KIND_SITE, 2, "policies/{}", NULL,
      NULL },
    { SLOT, KIND_SITE, 0, NULL, NULL, NULL },
    { SLOT "/config/web", KIND_SITE, 2, "config/web", NULL, NULL },
    { SLOT "/basicPublishingCredentialsPolicies/{}", KIND_SITE, 2, "policies/{}", NULL,
      NULL },
    { NSG, KIND_NSG, 0, NULL, NULL, NULL },
    { NSG "/securityRules/{}", KIND_NSG, 2, NULL, "rules", "name" },
    { RESOURCE "Microsoft.KeyVault/vaults/{}", KIND_VAULT, 0, NULL, NULL, NULL },
    { "/_vault/{}/secrets/{}", KIND_VAULT, 0, NULL, "secrets", "name" },
    { "/_vault/{}/secrets/{}/{}", KIND_VAULT, 0, NULL, "secrets", "name" },
    { "{scope}/providers/Microsoft.Authorization/roleAssignments/{}", KIND_ASSIGNMENT, 0,
      NULL, NULL, NULL },
    { "{scope}/providers/Microsoft.Authorization/locks/{}", KIND_LOCK, 0, NULL, NULL,
      NULL },
    { "/subscriptions/{}/providers/Microsoft.Security/locations/{}/alerts/{}", KIND_ALERT,
      0, NULL, NULL, NULL },
    { RESOURCE "Microsoft.Security/locations/{}/alerts/{}", KIND_ALERT, 0, NULL, NULL,
      NULL },
    { "{scope}/providers/Microsoft.Authorization/denyAssignments/{}", KIND_DENY, 0, NULL,
      NULL, NULL },
    { "{scope}/providers/Microsoft.Authorization/policyAssignments/{}", KIND_POLICY, 0,
      NULL, NULL, NULL },
    { "{scope}/providers/Microsoft.Authorization/roleAssignmentScheduleInstances/{}",
      KIND_SCHEDULE, 0, NULL, NULL, NULL },
    { "/v1.0/security/{}/{}", KIND_GRAPH, 0, NULL, NULL, NULL },
    { "/_queue/{}/{}/messages/{}", KIND_MESSAGE, 0, NULL, NULL, NULL },
    { "/_queue/{}/{}", KIND_QUEUE, 0, NULL, NULL, NULL },
    { "/_sim/principals/{}", KIND_PRINCIPAL, 0, NULL, NULL, NULL },
    { "/_sim/groups/{}", KIND_GROUP, 0, NULL, NULL, NULL },
    { "/_sim/roleDefinitions/{}", KIND_ROLE, 0, NULL, NULL, NULL },
    { "/_sim/managementGroups/{}", KIND_MANAGEMENT_GROUP, 0, NULL, NULL, NULL },
    { "/_sim/identities/{}", KIND_IDENTITY, 0, NULL, NULL, NULL },
    { "/_sim/subscriptions/{}", KIND_SUBSCRIPTION, 0, NULL, NULL, NULL },
};

static void edit_document(struct store *store, enum kind kind, const char *key,
                          const cJSON *patch)
{
    const cJSON *old = store_now(store, kind, key);

    if (cJSON_IsNull(patch)) {
        store_remove(store, kind, key);
        return;
    }
    cJSON *doc = json_merge(old != NULL ? cJSON_Duplicate(old, true) : NULL, patch);
    const char *name = world_key(kind);
    json_set_text(doc, name, old != NULL ? json_text(old, name) : key);
    store_put(store, kind, key, doc);
}

static void edit_element(cJSON *doc, const char *list, const char *name, const char *value,
                         const cJSON *patch)
{
    cJSON *element = json_find(json_get(doc, list), name, value);

    if (json_get(doc, list) == NULL)
        cJSON_AddArrayToObject(doc, list);
    cJSON *array = json_get(doc, list);
    if (cJSON_IsNull(patch)) {
        cJSON_Delete(element != NULL ? cJSON_DetachItemViaPointer(array, element) : NULL);
        return;
    }
    cJSON *fresh =
        json_merge(element != NULL ? cJSON_Duplicate(element, true) : NULL, patch);
    json_set_text(fresh, name, element != NULL ? json_text(element, name) : value);
    if (element != NULL)
        cJSON_ReplaceItemViaPointer(array, element, fresh);
    else
        cJSON_AddItemToArray(array, fresh);
}

/* Wraps patch into objects named by members, so that it can be merged at the top. */
static cJSON *wrap(const char *members, const char *last, const cJSON *patch)
{
    const char *slash = strchr(members, '/');
    cJSON *inner = cJSON_CreateObject();
    cJSON *outer = cJSON_CreateObject();
    char *first = text_format("%.*s", (int)(slash - members), members);

    cJSON_AddItemToObject(inner, strcmp(slash + 1, "{}") == 0 ? last : slash + 1,
                          cJSON_Duplicate(patch, true));
    cJSON_AddItemToObject(outer, first, inner);
    free(first);
    return outer;
}

struct vault_search {
    const char *name;
    const char *id;
};

static int match_vault(cJSON *vault, void *arg)
{
    struct vault_search *search = arg;
    const char *id = json_text(vault, "id");

    if (!text_is(strrchr(id, '/') + 1, search->name))
        return 0;
    search->id = id;
    return 1;
}

static int edit_secret(struct store *store, const struct request *probe, const cJSON *patch)
{
    struct vault_search search = { .name = probe->args[0] };

    if (store_each(store, KIND_VAULT, 0, match_vault, &search) == 0)
        return -1;
    char *id = xstrdup(search.id);
    cJSON *vault = store_write(store, KIND_VAULT, id);
    free(id);
    if (probe->segment_count == 4) {
        edit_element(vault, "secrets", "name", probe->args[1], patch);
        return 0;
    }
    cJSON *secret = json_find(json_get(vault, "secrets"), "name", probe->args[1]);
    if (secret == NULL)
        return -1;
    edit_element(secret, "versions", "version", probe->args[2], patch);
    return 0;
}

/* The path without its last cut segments. */
static char *parent(const struct request *probe, int cut)
{
    char *path = xstrdup(probe->path);

    while (cut-- > 0)
        *strrchr(path, '/') = '\0';
    return path;
}

static int edit_place(struct sim *sim, const struct place *place,
                      const struct request *probe, const cJSON *patch)
{
    const char *last = probe->segments[probe->segment_count - 1];
    int answer = 0;

    if (place->kind == KIND_VAULT && place->list != NULL)
        return edit_secret(&sim->store, probe, patch);
    if (text_is(probe->segments[0], "_sim")) {
        edit_document(&sim->store, place->kind, last, patch);
        return 0;
    }
    char *key = parent(probe, place->cut);
    if (place->cut > 0 && store_now(&sim->store, place->kind, key) == NULL) {
        answer = -1;
    } else if (place->members != NULL) {
        cJSON *wrapped = wrap(place->members, last, patch);
        edit_document(&sim->store, place->kind, key, wrapped);
        cJSON_Delete(wrapped);
    } else if (place->list != NULL) {
        edit_element(store_write(&sim->store, place->kind, key), place->list, place->name,
                     last, patch);
    } else {
        edit_document(&sim->store, place->kind, key, patch);
    }
    free(key);
    return answer;
}

int edit_apply(struct sim *sim, const char *path, const cJSON *patch)
{
    struct request probe = { .sim = sim };
    int answer = -1;

    if (path[0] == '/' && (cJSON_IsObject(patch) || cJSON_IsNull(patch)) &&
        request_path(&probe, path)) {
        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
            if (route_fits(&probe, places[i].pattern)) {
                answer = edit_place(sim, &places[i], &probe, patch);
                break;
            }
        }
    }
    if (answer == 0)
        reqlog_add_edit(sim->reqlog, probe.path);
    request_fini(&probe);
    return answer;
}
