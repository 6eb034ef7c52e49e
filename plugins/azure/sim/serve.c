/* SPDX-License-Identifier: Apache-2.0 */
#include "serve.h"

#include "control.h"
#include "edit.h"
#include "fault.h"
#include "lro.h"
#include "record.h"
#include "reqlog.h"
#include "route.h"
#include "sim.h"

/* The answer that the rule has word for word. */
static void give_answer(const struct fault *fault, struct reply *reply)
{
    const char *text = cJSON_GetStringValue(fault->body);
    const cJSON *header;

    if (text != NULL)
        reply_xml(reply, fault->status, xstrdup(text));
    else
        reply_json(reply, fault->status, cJSON_Duplicate(fault->body, true));
    cJSON_ArrayForEach(header, fault->headers)
    {
        reply_header(reply, header->string, "%s", header->valuestring);
    }
}

/* Faults that keep the request from being served at all. Returns whether one did. */
static bool fault_before(const struct fault *fault, struct reply *reply)
{
    switch (fault->kind) {
    case FAULT_ANSWER: give_answer(fault, reply); return true;
    case FAULT_429:
        reply_error(reply, 429, fault->code != NULL ? fault->code : "TooManyRequests",
                    "the number of requests is over the limit; try again in %d seconds",
                    fault->retry_after_s);
        reply_header(reply, "Retry-After", "%d", fault->retry_after_s);
        return true;
    case FAULT_500_BEFORE:
        reply_error(reply, 500, "InternalServerError", "the service has met an error");
        return true;
    case FAULT_RESET_BEFORE: reply->is_reset = true; return true;
    default: return false;
    }
}

static void fault_after(const struct fault *fault, struct reply *reply)
{
    if (fault->kind == FAULT_500_AFTER) {
        reply_drop_headers(reply);
        reply_error(reply, 500, "InternalServerError", "the service has met an error");
    } else if (fault->kind == FAULT_RESET_AFTER) {
        reply->is_reset = true;
    }
}

/* The headers that every reply has, whoever made it. */
static void add_headers(const struct request *request, struct reply *reply)
{
    char id[UUID_SIZE];

    uuid_make(id);
    if (reply_header_get(reply, "x-ms-request-id") == NULL)
        reply_header(reply, "x-ms-request-id", "%s", id);
    if (request_header(request, "x-ms-return-client-request-id") != NULL &&
        request->client_request_id != NULL)
        reply_header(reply, "x-ms-client-request-id", "%s", request->client_request_id);
}

static void answer(struct request *request, struct reply *reply, const struct fault *fault)
{
    struct sim *sim = request->sim;

    if (request->is_too_big) {
        reply_error(reply, 413, "RequestEntityTooLarge",
                    "the body of a request has at most %d bytes", BODY_MAX);
        return;
    }
    request->age_ms = sim->settings.consistency_ms;
    if (fault == NULL) {
        route_serve(request, reply);
        return;
    }
    reply->fault = xstrdup(fault_name(fault->kind));
    reply->delay_ms = fault->delay_ms;
    if (fault_before(fault, reply))
        return;
    if (fault->kind == FAULT_STALE && request->age_ms < (int64_t)fault->for_s * 1000)
        request->age_ms = (int64_t)fault->for_s * 1000;
    request->will_fail_later = fault->kind == FAULT_LRO;
    request->leaves_failed = fault->leaves_failed;
    route_serve(request, reply);
    fault_after(fault, reply);
}

void serve(struct request *request, struct reply *reply)
{
    struct sim *sim = request->sim;

    operations_tick(sim);
    if (control_is_meant(request)) {
        control_serve(request, reply);
        return;
    }
    const struct fault *fault = faults_take(sim->faults, request);
    answer(request, reply, fault);
    add_headers(request, reply);
    int n = reqlog_add(sim->reqlog, request, reply);
    if (sim->record_dir != NULL)
        record_write(request, reply, n);
    if (fault != NULL && fault->kind == FAULT_EDIT)
        edit_apply(sim, json_text(fault->edit, "path"), json_get(fault->edit, "patch"));
}
