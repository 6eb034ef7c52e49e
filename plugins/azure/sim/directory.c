/* SPDX-License-Identifier: Apache-2.0 */
#include "directory.h"

#include "util.h"

struct search {
    const char *id;
    const char *group; /* whose members are looked at; NULL: any */
    const char *type;
};

static int match_principal(cJSON *doc, void *arg)
{
    struct search *search = arg;
    const char *type = json_text(doc, "type");

    if (!text_is(json_text(doc, "id"), search->id))
        return 0;
    search->type = json_true(doc, "deleted") ? NULL : type != NULL ? type : "User";
    return 1;
}

static int match_identity(cJSON *doc, void *arg)
{
    struct search *search = arg;

    if (!text_is(json_text(doc, "object_id"), search->id))
        return 0;
    search->type = "ServicePrincipal";
    return 1;
}

static int match_site(cJSON *doc, void *arg)
{
    struct search *search = arg;
    const cJSON *identity = json_get(doc, "identity");
    const cJSON *item;
    bool is_it = text_is(json_text(identity, "principalId"), search->id);

    cJSON_ArrayForEach(item, json_get(identity, "userAssignedIdentities"))
    {
        is_it = is_it || text_is(json_text(item, "principalId"), search->id);
    }
    if (is_it)
        search->type = "ServicePrincipal";
    return is_it;
}

static int match_group(cJSON *doc, void *arg)
{
    struct search *search = arg;

    if (!text_is(json_text(doc, "id"), search->id))
        return 0;
    search->type = "Group";
    return 1;
}

static int match_member(cJSON *doc, void *arg)
{
    struct search *search = arg;
    const cJSON *member;

    if (search->group != NULL && !text_is(json_text(doc, "id"), search->group))
        return 0;
    cJSON_ArrayForEach(member, json_get(doc, "members"))
    {
        if (text_is(cJSON_GetStringValue(member), search->id)) {
            search->type = "User";
            return 1;
        }
    }
    return 0;
}

static int match_assignment(cJSON *doc, void *arg)
{
    struct search *search = arg;
    const cJSON *properties = json_get(doc, "properties");
    const char *type = json_text(properties, "principalType");

    if (!text_is(json_text(properties, "principalId"), search->id))
        return 0;
    search->type = type != NULL ? type : "User";
    return 1;
}

const char *directory_type(const struct sim *sim, const char *object_id)
{
    static const struct {
        enum kind kind;
        store_fn *fits;
    } places[] = {
        { KIND_PRINCIPAL, match_principal }, { KIND_IDENTITY, match_identity },
        { KIND_GROUP, match_group },         { KIND_SITE, match_site },
        { KIND_GROUP, match_member },
    };
    struct search search = { .id = object_id };

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (store_each(&sim->store, places[i].kind, 0, places[i].fits, &search) != 0)
            return search.type;
    }
    store_ever(&sim->store, KIND_ASSIGNMENT, match_assignment, &search);
    return search.type;
}

bool directory_is_member(const struct sim *sim, const char *group, const char *object_id)
{
    struct search search = { .id = object_id, .group = group };

    return store_each(&sim->store, KIND_GROUP, 0, match_member, &search) != 0;
}
