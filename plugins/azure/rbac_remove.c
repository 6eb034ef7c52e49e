/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rbac_remove.c - azure.rbac.remove: a role assignment goes, and can come back as it was.
 *
 * The assignment's own name makes both directions harmless to repeat: deleting what is not
 * there answers 204, putting the same one again changes nothing.
 */
#include "azure.h"

#include <string.h>

#include "arm.h"
#include "armid.h"
#include "count.h"
#include "job.h"
#include "rbac.h"
#include "text.h"

/* The id of the arguments: any scope, then the assignment. NULL after the job has failed. */
static const char *assignment_of(struct job *job)
{
    const char *text = json_text(job->args, "id");
    const char *id = text[0] == '/' ? armid_scope(job, text) : NULL;
    size_t tail = ASSIGNMENT_TAIL;

    if (job->is_refused)
        return NULL;
    size_t len = id != NULL ? strlen(id) : 0;
    if (len >= tail && text_starts(id + len - tail, ASSIGNMENT_KIND) &&
        text_is_uuid(armid_name(id)))
        return id;
    job_fail(job, CORDON_REFUSED, "BadId",
             "%.200s is no role assignment; want SCOPE" ASSIGNMENT_KIND "GUID", text);
    return NULL;
}

static void on_observed(struct job *job, const struct answer *answer, void *arg)
{
    const char *id = arg;
    cJSON *slice = job_object(job);
    bool is_absent =
        answer->status == 404 && (text_same(answer->code, "ResourceNotFound") ||
                                  text_same(answer->code, "RoleAssignmentNotFound"));

    if (!is_absent &&
        !answer_is_good(job, answer, true, job_text(job, "read role assignment %s", id)))
        return;
    cJSON_AddBoolToObject(slice, "present", !is_absent);
    if (!is_absent)
        assignment_add(slice, answer->json);
    count_observed(job, COUNT_ASSIGNMENTS, id, job_lower(job, id), slice);
}

static int remove_observe(struct cordon_call *call, const struct cordon_input *in)
{
    struct job *job = job_begin(call, in);
    const char *id = assignment_of(job);

    if (id != NULL)
        arm_get(job, id, ARM_AUTH, on_observed, (void *)id);
    return job_started(job);
}

static int remove_plan(struct cordon_call *call, const struct cordon_input *in,
                       struct cordon_plan *out)
{
    struct job *job = job_begin(call, in);

    if (assignment_of(job) == NULL)
        return job_end_plan(job);
    out->after = "{\"present\":false}";
    if (!json_true(job->before, "present")) {
        out->what = "remove a role assignment that is not there";
        return job_end_plan(job);
    }
    const char *kind = json_text(job->before, "principal_type");
    out->what =
        job_text(job, "remove role %s from %s %s at %s",
                 armid_name(json_text(job->before, "role_definition_id")),
                 kind[0] != '\0' ? kind : "principal",
                 json_text(job->before, "principal_id"), json_text(job->before, "scope"));
    out->undo = "make the same assignment again: same name, role, principal, scope and "
                "condition";
    own_tell(out, own_principal(job, json_text(job->before, "principal_id")));
    out->affects = 1;
    out->affects_what = "principals";
    return job_end_plan(job);
}

static void on_changed(struct job *job, const struct answer *answer, void *arg)
{
    if (answer_is_good(job, answer, false, arg))
        job_done(job, NULL);
}

static void change(struct job *job, const char *method, const char *id, const cJSON *body)
{
    struct arm_request request = {
        .method = method,
        .path = id,
        .version = ARM_AUTH,
        .body = body,
        .done = on_changed,
        .arg = job_text(job, "%s role assignment %s", body != NULL ? "put back" : "remove",
                        id),
    };

    arm_send(job, &request);
}

static int remove_apply(struct cordon_call *call, const struct cordon_input *in)
{
    struct job *job = job_begin(call, in);
    const char *id = assignment_of(job);

    if (id != NULL)
        change(job, "DELETE", id, NULL);
    return job_started(job);
}

static int remove_restore(struct cordon_call *call, const struct cordon_input *in)
{
    struct job *job = job_begin(call, in);
    const char *id = assignment_of(job);

    if (id != NULL && !json_true(job->goal, "present")) {
        job_fail(job, CORDON_REFUSED, "NotThere",
                 "role assignment %s was not there before: nothing to put back", id);
    } else if (id != NULL) {
        cJSON *body = job_object(job);
        cJSON_AddItemToObject(body, "properties", assignment_properties(job->goal));
        change(job, "PUT", id, body);
    }
    return job_started(job);
}

static const char *const permissions[] = { "Microsoft.Authorization/roleAssignments/read",
                                           "Microsoft.Authorization/roleAssignments/delete",
                                           "Microsoft.Authorization/roleAssignments/write",
                                           NULL };

const struct cordon_action rbac_remove = {
    .size = sizeof(struct cordon_action),
    .name = "azure.rbac.remove",
    .summary = "Remove a role assignment",
    .effect = CORDON_REVERTS,
    .repeat = CORDON_KEYED,
    .risk = CORDON_HIGH,
    .permissions = permissions,
    .settle_ms = 30000,
    .timeout_ms = 60000,
    .args_schema =
        "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"id\"],"
        "\"properties\":{\"id\":{\"type\":\"string\",\"format\":\"arm-id\","
        "\"description\":\"id of the role assignment: SCOPE" ASSIGNMENT_KIND "GUID\"}}}",
    .observe = remove_observe,
    .plan = remove_plan,
    .apply = remove_apply,
    .restore = remove_restore,
};
