/* SPDX-License-Identifier: Apache-2.0 */
#include "control.h"

#include <stddef.h>

#include "edit.h"
#include "fault.h"
#include "lro.h"
#include "reqlog.h"
#include "route.h"
#include "settings.h"
#include "throttle.h"
#include "token.h"
#include "world.h"

static void get_world(struct request *request, struct reply *reply)
{
    reply_json(reply, 200, world_dump(request->sim));
}

static void get_log(struct request *request, struct reply *reply)
{
    reply_json(reply, 200, reqlog_dump(request->sim->reqlog));
}

static void delete_log(struct request *request, struct reply *reply)
{
    reqlog_clear(request->sim->reqlog);
    reply_json(reply, 204, NULL);
}

static void add_fault(struct request *request, struct reply *reply)
{
    const cJSON *body = request_json(request, reply);

    if (body == NULL)
        return;
    const char *wrong = faults_add(request->sim->faults, body);
    if (wrong != NULL)
        reply_error(reply, 400, "BadFault", "%s", wrong);
    else
        reply_json(reply, 204, NULL);
}

static void delete_faults(struct request *request, struct reply *reply)
{
    faults_clear(request->sim->faults);
    reply_json(reply, 204, NULL);
}

static void edit(struct request *request, struct reply *reply)
{
    const cJSON *body = request_json(request, reply);
    const char *path = json_text(body, "path");
    const cJSON *patch = json_get(body, "patch");

    if (body == NULL)
        return;
    if (path == NULL || patch == NULL)
        reply_error(reply, 400, "BadEdit", "an edit needs a path and a patch");
    else if (edit_apply(request->sim, path, patch) != 0)
        reply_error(reply, 400, "BadEdit", "there can be no object at %s", path);
    else
        reply_json(reply, 204, NULL);
}

static void reset(struct request *request, struct reply *reply)
{
    struct sim *sim = request->sim;
    char error[ERROR_SIZE];

    if (world_load(sim, error) != 0) {
        reply_error(reply, 409, "BadWorld", "%s", error);
        return;
    }
    operations_clear(sim->operations);
    faults_clear(sim->faults);
    tokens_clear(sim->tokens);
    buckets_clear(sim->buckets);
    reqlog_clear(sim->reqlog);
    reply_json(reply, 204, NULL);
}

static void expire_tokens(struct request *request, struct reply *reply)
{
    tokens_expire(request->sim->tokens);
    reply_json(reply, 204, NULL);
}

static void revoke_tokens(struct request *request, struct reply *reply)
{
    const cJSON *body = request->body_len > 0 ? request_json(request, reply) : NULL;

    if (body == NULL && request->body_len > 0)
        return;
    tokens_revoke(request->sim->tokens, json_text(body, "client_id"));
    reply_json(reply, 204, NULL);
}

static void change_options(struct request *request, struct reply *reply)
{
    const cJSON *body = request_json(request, reply);
    char error[SETTINGS_ERROR_SIZE];

    if (body == NULL)
        return;
    const char *wrong = settings_change(request->sim, body, error);
    if (wrong != NULL)
        reply_error(reply, 400, "BadOption", "%s", wrong);
    else
        reply_json(reply, 204, NULL);
}

static const struct route routes[] = {
    { "GET", "/_sim/world", NULL, get_world, NULL },
    { "GET", "/_sim/log", NULL, get_log, NULL },
    { "DELETE", "/_sim/log", NULL, delete_log, NULL },
    { "POST", "/_sim/faults", NULL, add_fault, NULL },
    { "DELETE", "/_sim/faults", NULL, delete_faults, NULL },
    { "POST", "/_sim/edit", NULL, edit, NULL },
    { "POST", "/_sim/reset", NULL, reset, NULL },
    { "POST", "/_sim/expire-tokens", NULL, expire_tokens, NULL },
    { "POST", "/_sim/revoke-tokens", NULL, revoke_tokens, NULL },
    { "POST", "/_sim/options", NULL, change_options, NULL },
    { 0 },
};

bool control_is_meant(const struct request *request)
{
    return request->segment_count > 0 && text_is(request->segments[0], "_sim");
}

void control_serve(struct request *request, struct reply *reply)
{
    bool has_path = false;
    const struct route *route = route_find(request, routes, &has_path);

    if (!request->is_local)
        reply_error(reply, 403, "Forbidden", "only the machine itself gets in here");
    else if (route != NULL)
        route->handler(request, reply);
    else
        reply_error(reply, has_path ? 405 : 404, "NotFound",
                    "docs/azsim.md lists what is under /_sim/");
}
