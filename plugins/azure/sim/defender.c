/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Microsoft.Security: alerts of Defender for Cloud, below a subscription or a resource group,
 * and the verbs that change their state.
 */
#include <stdlib.h>
#include <string.h>

#include "arm.h"

static cJSON *render_alert(const cJSON *doc)
{
    cJSON *json = cJSON_Duplicate(doc, true);

    json_set_text(json, "name", strrchr(json_text(doc, "id"), '/') + 1);
    json_set_text(json, "type", "Microsoft.Security/Locations/alerts");
    return json;
}

static void list_alerts(struct request *request, struct reply *reply)
{
    arm_list(request, reply, KIND_ALERT, render_alert);
}

struct region_list {
    char *place;
    cJSON *items;
};

static int add_of_region(cJSON *doc, void *arg)
{
    const struct region_list *list = arg;

    if (text_starts(json_text(doc, "id"), list->place))
        cJSON_AddItemToArray(list->items, render_alert(doc));
    return 0;
}

/* The alerts whose ids begin like the path: of one region, at one level. */
static void list_of_region(struct request *request, struct reply *reply)
{
    struct region_list list = { .place = text_format("%s/", request->path),
                                .items = cJSON_CreateArray() };

    store_each(&request->sim->store, KIND_ALERT, request->age_ms, add_of_region, &list);
    free(list.place);
    arm_reply_page(request, reply, list.items);
}

static void get_alert(struct request *request, struct reply *reply)
{
    const cJSON *doc =
        store_past(&request->sim->store, KIND_ALERT, request->path, request->age_ms);

    if (doc != NULL)
        reply_json(reply, 200, render_alert(doc));
    else
        arm_not_found(reply, request->path);
}

/* The verbs answer 204, also when the alert has that state already. */
static void set_state(struct request *request, struct reply *reply, const char *state)
{
    char *id = xstrdup(request->path);

    *strrchr(id, '/') = '\0';
    const cJSON *old = store_now(&request->sim->store, KIND_ALERT, id);
    if (old == NULL) {
        arm_not_found(reply, id);
    } else {
        if (!text_is(json_text(json_get(old, "properties"), "status"), state)) {
            cJSON *doc = store_write(&request->sim->store, KIND_ALERT, id);
            if (json_get(doc, "properties") == NULL)
                cJSON_AddObjectToObject(doc, "properties");
            json_set_text(json_get(doc, "properties"), "status", state);
            reply_effect(reply, "alert.state %s", json_text(doc, "id"));
        }
        reply_json(reply, 204, NULL);
    }
    free(id);
}

static void activate(struct request *request, struct reply *reply)
{
    set_state(request, reply, "Active");
}

static void dismiss(struct request *request, struct reply *reply)
{
    set_state(request, reply, "Dismissed");
}

static void resolve(struct request *request, struct reply *reply)
{
    set_state(request, reply, "Resolved");
}

static void begin(struct request *request, struct reply *reply)
{
    set_state(request, reply, "InProgress");
}

#define SECURITY "/providers/Microsoft.Security/"
#define GROUP    "/subscriptions/{}/resourceGroups/{}"
#define READ     "Microsoft.Security/alerts/read"
#define WRITE    "Microsoft.Security/alerts/write"

/* The same below a subscription and below a group. */
#define ROUTES(at)                                                                        \
    { "GET", at SECURITY "alerts", READ, list_alerts, "$skiptoken" },                     \
        { "GET", at SECURITY "locations/{}/alerts", READ, list_of_region, "$skiptoken" }, \
        { "GET", at SECURITY "locations/{}/alerts/{}", READ, get_alert, NULL },           \
        { "POST", at SECURITY "locations/{}/alerts/{}/activate", WRITE, activate, NULL }, \
        { "POST", at SECURITY "locations/{}/alerts/{}/dismiss", WRITE, dismiss, NULL },   \
        { "POST", at SECURITY "locations/{}/alerts/{}/resolve", WRITE, resolve, NULL },   \
    {                                                                                     \
        "POST", at SECURITY "locations/{}/alerts/{}/inProgress", WRITE, begin, NULL       \
    }

const struct route defender_routes[] = {
    ROUTES("/subscriptions/{}"),
    ROUTES(GROUP),
    { 0 },
};
