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
#include "known.h"
#include "rbac.h"
#include "rights.h"
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

/* -- What is there --------------------------------------------------------------------- */

static const char *scope_of(struct job *job, const char *id)
{
    return job_text(job, "%.*s", (int)(strlen(id) - ASSIGNMENT_TAIL), id);
}

static bool is_absent(const struct answer *answer)
{
    return answer->status == 404 && (text_same(answer->code, "ResourceNotFound") ||
                                     text_same(answer->code, "RoleAssignmentNotFound"));
}

static const struct rights remove_rights = {
    "Microsoft.Authorization/roleAssignments/delete",
    "Microsoft.Authorization/roleAssignments/write"
};

static void observed(struct job *job, const char *id, const cJSON *slice)
{
    if (json_true(slice, "present"))
        job->rights = &remove_rights;
    count_observed(job, COUNT_ASSIGNMENTS, id, job_lower(job, id), slice);
}

static void observed_absent(struct job *job, const char *id)
{
    cJSON *slice = job_object(job);

    cJSON_AddBoolToObject(slice, "present", false);
    observed(job, id, slice);
}

/* -- Was it given for a time? ----------------------------------------------------------- */

/* A look at an assignment that is there. */
struct look {
    const char *id;
    const cJSON *json; /* as the API shows it */
    cJSON *slice;
    int pages;
};

static bool is_instance_of(const cJSON *instance, const struct look *look)
{
    const cJSON *properties = json_get(instance, "properties");
    const char *origin = json_text(properties, "originRoleAssignmentId");

    if (origin[0] != '\0')
        return text_same(origin, look->id);
    return assignment_is_same_right(instance, look->slice);
}

/* An activation ends by itself even when its end is not shown. */
static void take_instance(struct look *look, const cJSON *instance)
{
    const cJSON *properties = json_get(instance, "properties");
    const char *end = json_text(properties, "endDateTime");
    const char *type = json_text(properties, "assignmentType");

    if (!is_instance_of(instance, look) || json_get(look->slice, "until") != NULL ||
        (end[0] == '\0' && !text_same(type, "Activated")))
        return;
    cJSON_AddStringToObject(look->slice, "until",
                            end[0] != '\0' ? end : "its activation ends");
    json_add_text(look->slice, "assignment_type", type);
}

/* Where schedules cannot be read at all (no license, an older cloud) nothing is for a time. A
 * right that is missing hides it. */
static void on_no_schedules(struct job *job, const struct look *look,
                            const struct answer *answer)
{
    if (answer->status == 401 || answer->status == 403)
        job_note(job,
                 "whether this assignment was given for a time is not known, since its "
                 "schedule cannot be read: %.300s; if it was, undoing it would make it "
                 "permanent",
                 answer->message);
    observed(job, look->id, look->slice);
}

static void on_schedules(struct job *job, const struct answer *answer, void *arg)
{
    struct look *look = arg;
    const cJSON *item;

    if (answer->verdict == CORDON_REFUSED) {
        on_no_schedules(job, look, answer);
        return;
    }
    if (!answer_is_good(job, answer, true,
                        job_text(job, "read the schedule of role assignment %s", look->id)))
        return;
    cJSON_ArrayForEach(item, json_get(answer->json, "value"))
    {
        take_instance(look, item);
    }
    const char *next = json_text(answer->json, "nextLink");
    if (next[0] != '\0' && ++look->pages <= PAGES_MAX)
        arm_next(job, next, on_schedules, look);
    else
        observed(job, look->id, look->slice);
}

static void ask_schedules(struct job *job, struct look *look)
{
    struct arm_request request = {
        .method = "GET",
        .path = job_text(job,
                         "%s/providers/Microsoft.Authorization/"
                         "roleAssignmentScheduleInstances",
                         scope_of(job, look->id)),
        .version = ARM_PIM,
        .query =
            job_text(job, "&%%24filter=%s",
                     text_encode(job, job_text(job, "principalId eq '%s'",
                                               json_text(look->slice, "principal_id")))),
        .done = on_schedules,
        .arg = look,
    };

    arm_send(job, &request);
}

/* -- What is its role called? ------------------------------------------------------------ */

enum { ROLE_MS = 3000, ROLE_KEPT_MS = 60 * 60 * 1000 };

static const char *role_of(const struct look *look)
{
    return json_text(look->slice, "role_definition_id");
}

/* Approvers know a role by its name; the slice has its id only. "": the name is not known. */
static void end_role(struct job *job, struct look *look, const char *name)
{
    job->instead = NULL;
    known_keep(job, job_text(job, "role %s", job_lower(job, role_of(look))), name,
               ROLE_KEPT_MS);
    if (name[0] != '\0')
        job_note(job, "the role is \"%s\" (%s)", name, armid_name(role_of(look)));
    ask_schedules(job, look);
}

static void on_no_role(struct job *job, enum cordon_status status, const char *why)
{
    struct look *look = job->courtesy;

    (void)status;
    job->host->log(0, "the name of role %s is not known: %s", role_of(look), why);
    end_role(job, look, "");
}

static void on_role(struct job *job, const struct answer *answer, void *arg)
{
    if (answer_is_good(job, answer, true, "read the role"))
        end_role(job, arg, json_text(json_get(answer->json, "properties"), "roleName"));
}

static void ask_role(struct job *job, struct look *look)
{
    const char *role = role_of(look);
    const char *name = known_find(job, job_text(job, "role %s", job_lower(job, role)));

    if (name != NULL || role[0] != '/' || !text_is_word(role, "-._()/", 1, 512)) {
        end_role(job, look, name != NULL ? name : "");
        return;
    }
    job->courtesy = look;
    job->instead = on_no_role;
    job->instead_until_ms = job->host->now_ms() + ROLE_MS;
    arm_get(job, role, ARM_AUTH, on_role, look);
}

/* For a change that is planned its role's name and schedule are read; later looks say what was
 * found then. */
static void on_present(struct job *job, const char *id, const cJSON *json)
{
    struct look *look = job_alloc(job, sizeof *look);

    *look = (struct look){ .id = id, .json = json, .slice = job_object(job) };
    cJSON_AddBoolToObject(look->slice, "present", true);
    if (job->before == NULL) {
        assignment_add(look->slice, json);
        ask_role(job, look);
        return;
    }
    assignment_add_like(look->slice, json, job->before);
    json_copy(look->slice, "until", job->before, "until");
    json_copy(look->slice, "assignment_type", job->before, "assignment_type");
    observed(job, id, look->slice);
}

/* -- Is the same right there under another name? ---------------------------------------- */

struct twins {
    const char *id;
    void (*done)(struct job *job, const char *id, bool is_there);
    int pages;
};

static void on_twins(struct job *job, const struct answer *answer, void *arg)
{
    struct twins *twins = arg;
    const cJSON *item;
    bool is_there = false;

    if (!answer_is_good(job, answer, true,
                        job_text(job, "list role assignments at %s",
                                 scope_of(job, twins->id))))
        return;
    cJSON_ArrayForEach(item, json_get(answer->json, "value"))
    {
        is_there = is_there || assignment_is_same_right(item, job->goal);
    }
    const char *next = json_text(answer->json, "nextLink");
    if (!is_there && next[0] != '\0' && ++twins->pages <= PAGES_MAX)
        arm_next(job, next, on_twins, twins);
    else
        twins->done(job, twins->id, is_there);
}

static void find_twin(struct job *job, const char *id,
                      void (*done)(struct job *job, const char *id, bool is_there))
{
    struct twins *twins = job_alloc(job, sizeof *twins);

    *twins = (struct twins){ .id = id, .done = done };
    struct arm_request request = {
        .method = "GET",
        .path = job_text(job, "%s/providers/Microsoft.Authorization/roleAssignments",
                         scope_of(job, id)),
        .version = ARM_AUTH,
        .query = job_text(job, "&%%24filter=%s",
                          text_encode(job, job_text(job, "principalId eq '%s'",
                                                    json_text(job->goal, "principal_id")))),
        .done = on_twins,
        .arg = twins,
    };
    arm_send(job, &request);
}

static void on_twin(struct job *job, const char *id, bool is_there)
{
    if (is_there)
        observed(job, id, job->goal);
    else
        observed_absent(job, id);
}

static void on_observed(struct job *job, const struct answer *answer, void *arg)
{
    const char *id = arg;

    if (is_absent(answer) && json_true(job->goal, "present"))
        find_twin(job, id, on_twin);
    else if (is_absent(answer))
        observed_absent(job, id);
    else if (answer_is_good(job, answer, true,
                            job_text(job, "read role assignment %s", id)))
        on_present(job, id, answer->json);
}

static int remove_observe(struct cordon_call *call, const struct cordon_input *in)
{
    struct job *job = job_begin(call, in);
    const char *id = assignment_of(job);

    if (id != NULL)
        arm_get(job, id, ARM_AUTH, on_observed, (void *)id);
    return job_started(job);
}

static bool is_for_a_time(const struct job *job)
{
    return json_text(job->before, "until")[0] != '\0';
}

static int remove_plan(struct cordon_call *call, const struct cordon_input *in,
                       struct cordon_plan *out)
{
    struct job *job = job_begin(call, in);

    const char *id = assignment_of(job);

    if (id == NULL)
        return job_end_plan(job);
    out->after = "{\"present\":false}";
    if (!json_true(job->before, "present")) { /* its role cannot be read any more */
        out->what = job_text(job, "remove role assignment %s at %.*s", armid_name(id),
                             (int)(strlen(id) - ASSIGNMENT_TAIL), id);
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
    if (is_for_a_time(job)) {
        const char *until = json_text(job->before, "until");
        out->what = job_text(job, "%s (given until %s)", out->what, until);
        out->undo =
            job_text(job,
                     "nothing is put back: it was given until %s, and cordon would "
                     "make it permanent; whoever is entitled to it activates it again",
                     until);
    }
    own_tell(out, own_principal(job, json_text(job->before, "principal_id")));
    own_ask(out, own_unknown(job));
    out->affects = 1;
    out->affects_what = "principals";
    return job_end_plan(job);
}

/* What was given for a time is not given again. */
static int remove_undone(struct cordon_call *call, const struct cordon_input *in,
                         struct cordon_plan *out)
{
    struct job *job = job_begin(call, in);

    out->after = is_for_a_time(job) ? "{\"present\":false}" : job_print(job, job->before);
    out->what = "make the assignment again";
    return job_end_plan(job);
}

static void on_exists(struct job *job, const char *id, bool is_there)
{
    if (is_there)
        job_done(job, NULL);
    else
        job_fail(
            job, CORDON_RETRY, "RoleAssignmentExists",
            "put back role assignment %s: the API says that the same right exists, and "
            "does not list it yet",
            id);
}

/* Somebody made the same right under another name since we looked. */
static void on_changed(struct job *job, const struct answer *answer, void *arg)
{
    const char *id = arg;
    bool is_put = job->goal != NULL && json_true(job->goal, "present");

    if (is_put && answer->status == 409 && text_same(answer->code, "RoleAssignmentExists"))
        find_twin(job, id, on_exists);
    else if (answer_is_good(job, answer, false,
                            job_text(job, "%s role assignment %s",
                                     is_put ? "put back" : "remove", id)))
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
        .arg = (void *)id,
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

static const char *const permissions[] = {
    "Microsoft.Authorization/roleAssignments/read",
    "Microsoft.Authorization/roleAssignmentScheduleInstances/read",
    "Microsoft.Authorization/roleDefinitions/read",
    "Microsoft.Authorization/roleAssignments/delete",
    "Microsoft.Authorization/roleAssignments/write",
    NULL
};

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
    .undone = remove_undone,
};
