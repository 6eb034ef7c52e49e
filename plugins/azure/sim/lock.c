/* SPDX-License-Identifier: Apache-2.0 */
#include "lock.h"

#include <stdlib.h>
#include <string.h>

#include "arm.h"
#include "scope.h"

static const char infix[] = "/providers/Microsoft.Authorization/locks/";

/* The scope of the lock with that id, to be freed. */
static char *scope_of(const char *id)
{
    char *scope = xstrdup(id);
    char *end = scope;

    for (char *at = scope; *at != '\0'; at++) {
        if (text_starts(at, infix))
            end = at;
    }
    *end = '\0';
    return scope;
}

struct check {
    const struct request *request;
    struct reply *reply;
};

static int refuse_when_locked(cJSON *lock, void *arg)
{
    const struct check *check = arg;
    const char *level = json_text(json_get(lock, "properties"), "level");
    char *scope = scope_of(json_text(lock, "id"));
    int answer = 0;

    if (scope_covers(scope, check->request->path) &&
        (text_is(level, "ReadOnly") || request_is(check->request, "DELETE"))) {
        reply_error(
            check->reply, 409, "ScopeLocked",
            "the scope '%s' cannot be changed: the lock '%s' of level %s is on '%s'",
            check->request->path, json_text(lock, "id"), level, scope);
        answer = 1;
    }
    free(scope);
    return answer;
}

bool lock_lets_pass(struct request *request, struct reply *reply)
{
    struct check check = { .request = request, .reply = reply };

    if (request_is_read(request) || text_contains(request->path, infix))
        return true;
    return store_each(&request->sim->store, KIND_LOCK, 0, refuse_when_locked, &check) == 0;
}

static char *id_of(const struct request *request)
{
    return text_format("%s%s%s", strcmp(request->scope, "/") == 0 ? "" : request->scope,
                       infix, request->args[0]);
}

static cJSON *render(const cJSON *doc)
{
    const char *id = json_text(doc, "id");
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "id", id);
    cJSON_AddStringToObject(json, "type", "Microsoft.Authorization/locks");
    cJSON_AddStringToObject(json, "name", strrchr(id, '/') + 1);
    json_copy(json, doc, "properties");
    return json;
}

static void get_lock(struct request *request, struct reply *reply)
{
    char *id = id_of(request);
    const cJSON *doc = store_past(&request->sim->store, KIND_LOCK, id, request->age_ms);

    if (doc != NULL)
        reply_json(reply, 200, render(doc));
    else
        reply_error(reply, 404, "LockNotFound", "the lock '%s' was not found", id);
    free(id);
}

static void put_lock(struct request *request, struct reply *reply)
{
    struct store *store = &request->sim->store;
    const cJSON *body = request_json(request, reply);
    const cJSON *properties = json_get(body, "properties");
    const char *level = json_text(properties, "level");

    if (body == NULL)
        return;
    if (!text_is(level, "ReadOnly") && !text_is(level, "CanNotDelete")) {
        reply_error(reply, 400, "InvalidLockLevel",
                    "properties.level has to be CanNotDelete or ReadOnly");
        return;
    }
    char *id = id_of(request);
    const cJSON *old = store_now(store, KIND_LOCK, id);
    int status = old != NULL ? 200 : 201;
    bool is_same = cJSON_Compare(json_get(old, "properties"), properties, true);
    if (!is_same) {
        cJSON *doc = store_write(store, KIND_LOCK, id);
        if (status == 201)
            json_set_text(doc, "id", id);
        json_copy(doc, body, "properties");
        reply_effect(reply, "lock.put %s", json_text(doc, "id"));
    }
    reply_json(reply, status, render(store_now(store, KIND_LOCK, id)));
    free(id);
}

static void delete_lock(struct request *request, struct reply *reply)
{
    struct store *store = &request->sim->store;
    char *id = id_of(request);
    const cJSON *doc = store_now(store, KIND_LOCK, id);

    if (doc != NULL) {
        reply_effect(reply, "lock.delete %s", json_text(doc, "id"));
        store_remove(store, KIND_LOCK, id);
        reply_json(reply, 200, NULL);
    } else {
        reply_json(reply, 204, NULL);
    }
    free(id);
}

struct listing {
    const struct request *request;
    cJSON *found;
};

/* Azure lists the locks at a scope, in it, and above it. */
static int collect(cJSON *lock, void *arg)
{
    const struct listing *listing = arg;
    const struct request *request = listing->request;
    char *scope = scope_of(json_text(lock, "id"));

    if (scope_holds(request->sim, scope[0] ? scope : "/", request->scope) ||
        scope_holds(request->sim, request->scope, scope))
        cJSON_AddItemToArray(listing->found, render(lock));
    free(scope);
    return 0;
}

static void list_locks(struct request *request, struct reply *reply)
{
    struct listing listing = { .request = request, .found = cJSON_CreateArray() };

    store_each(&request->sim->store, KIND_LOCK, request->age_ms, collect, &listing);
    arm_reply_page(request, reply, listing.found);
}

#define LOCKS "{scope}/providers/Microsoft.Authorization/locks"
#define LOCK  LOCKS "/{}"

const struct route lock_routes[] = {
    { "GET", LOCKS, "Microsoft.Authorization/locks/read", list_locks, "$skiptoken" },
    { "GET", LOCK, "Microsoft.Authorization/locks/read", get_lock, NULL },
    { "PUT", LOCK, "Microsoft.Authorization/locks/write", put_lock, NULL },
    { "DELETE", LOCK, "Microsoft.Authorization/locks/delete", delete_lock, NULL },
    { 0 },
};
