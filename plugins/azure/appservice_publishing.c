/* SPDX-License-Identifier: Apache-2.0 */
/*
 * appservice_publishing.c - azure.appservice.disable_publishing: no more passwords for scm
 * and ftp.
 *
 * The two are switches of their own, read and written one after the other. true means that
 * signing in with a publishing password is allowed.
 */
#include "azure.h"

#include "appservice.h"
#include "arm.h"
#include "armid.h"
#include "count.h"
#include "job.h"
#include "rights.h"

enum { WAYS = 2 };

static const char *const ways[WAYS] = { "scm", "ftp" };

/* Both switches, one after the other. */
struct walk {
    const char *id;
    int at;
    bool allowed[WAYS]; /* as found */
    const cJSON *goal;  /* as it shall be; NULL when only looking */
};

static void step(struct job *job, struct walk *walk);

static const char *policy_path(struct job *job, const struct walk *walk)
{
    return job_text(job, "%s/basicPublishingCredentialsPolicies/%s", walk->id,
                    ways[walk->at]);
}

static const char *what(struct job *job, const struct walk *walk, const char *verb)
{
    return job_text(job, "%s %s publishing of site %s", verb, ways[walk->at], walk->id);
}

static void on_written(struct job *job, const struct answer *answer, void *arg)
{
    struct walk *walk = arg;

    if (!answer_is_good(job, answer, false, what(job, walk, "set")))
        return;
    job->has_changed = true;
    walk->at++;
    step(job, walk);
}

static void write_switch(struct job *job, struct walk *walk, bool is_allowed)
{
    cJSON *body = job_object(job);

    cJSON_AddBoolToObject(cJSON_AddObjectToObject(body, "properties"), "allow", is_allowed);
    struct arm_request request = {
        .method = "PUT",
        .path = policy_path(job, walk),
        .version = ARM_WEB,
        .body = body,
        .done = on_written,
        .arg = walk,
    };
    arm_send(job, &request);
}

static void on_read(struct job *job, const struct answer *answer, void *arg)
{
    struct walk *walk = arg;

    if (!answer_is_good(job, answer, true, what(job, walk, "read")))
        return;
    bool is_allowed = json_true(json_get(answer->json, "properties"), "allow");
    walk->allowed[walk->at] = is_allowed;
    if (walk->goal != NULL && is_allowed != json_true(walk->goal, ways[walk->at])) {
        write_switch(job, walk, !is_allowed);
        return;
    }
    walk->at++;
    step(job, walk);
}

static const struct rights publishing_rights = {
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies/scm/write",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies/scm/write"
};

static void end(struct job *job, const struct walk *walk)
{
    if (walk->goal != NULL) {
        job_done(job, NULL);
        return;
    }
    cJSON *slice = job_object(job);
    for (int i = 0; i < WAYS; i++)
        cJSON_AddBoolToObject(slice, ways[i], walk->allowed[i]);
    job->rights = site_rights(job, walk->id, &publishing_rights);
    count_observed(job, COUNT_SITES, walk->id, job_lower(job, walk->id), slice);
}

static void step(struct job *job, struct walk *walk)
{
    if (walk->at == WAYS)
        end(job, walk);
    else
        arm_get(job, policy_path(job, walk), ARM_WEB, on_read, walk);
}

static void begin(struct job *job, void *arg)
{
    step(job, arg);
}

static int start(struct job *job, const cJSON *goal)
{
    const char *id = site_of(job);

    if (id != NULL) {
        struct walk *walk = job_alloc(job, sizeof *walk);
        walk->id = id;
        walk->goal = goal;
        if (goal == NULL)
            site_look(job, id, begin, walk);
        else
            step(job, walk);
    }
    return job_started(job);
}

static int publishing_observe(struct cordon_call *call, const struct cordon_input *in)
{
    return start(job_begin(call, in), NULL);
}

static int publishing_apply(struct cordon_call *call, const struct cordon_input *in)
{
    struct job *job = job_begin(call, in);

    return start(job, job_own(job, cJSON_Parse("{\"scm\":false,\"ftp\":false}")));
}

static int publishing_restore(struct cordon_call *call, const struct cordon_input *in)
{
    struct job *job = job_begin(call, in);

    if (!cJSON_IsObject(job->goal)) {
        job_fail(job, CORDON_REFUSED, "NoGoal", "there is no state to go back to");
        return job_started(job);
    }
    return start(job, job->goal);
}

static int publishing_plan(struct cordon_call *call, const struct cordon_input *in,
                           struct cordon_plan *out)
{
    struct job *job = job_begin(call, in);
    const char *id = site_of(job);

    if (id == NULL)
        return job_end_plan(job);
    bool scm = json_true(job->before, "scm");
    bool ftp = json_true(job->before, "ftp");
    out->after = "{\"ftp\":false,\"scm\":false}";
    out->what = job_text(job, "turn publishing with passwords off for %s (scm and ftp)",
                         site_words(job, id));
    own_tell(out, own_site(job, id));
    if (scm || ftp)
        out->undo = job_text(job, "allow it again for %s",
                             scm && ftp ? "scm and ftp" : (scm ? "scm" : "ftp"));
    return job_end_plan(job);
}

static const char *const permissions[] = {
    "Microsoft.Web/sites/Read",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies/scm/Read",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies/scm/Write",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies/ftp/Read",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies/ftp/Write",
    "Microsoft.Web/sites/slots/Read",
    "Microsoft.Web/sites/slots/basicPublishingCredentialsPolicies/scm/Read",
    "Microsoft.Web/sites/slots/basicPublishingCredentialsPolicies/scm/Write",
    "Microsoft.Web/sites/slots/basicPublishingCredentialsPolicies/ftp/Read",
    "Microsoft.Web/sites/slots/basicPublishingCredentialsPolicies/ftp/Write",
    NULL
};

const struct cordon_action appservice_disable_publishing = {
    .size = sizeof(struct cordon_action),
    .name = "azure.appservice.disable_publishing",
    .summary = "Turn publishing with passwords (scm and ftp) off for a site",
    .effect = CORDON_REVERTS,
    .repeat = CORDON_OBSERVABLE,
    .risk = CORDON_MEDIUM,
    .permissions = permissions,
    .settle_ms = 30000,
    .timeout_ms = 120000,
    .args_schema = SITE_ARGS,
    .observe = publishing_observe,
    .plan = publishing_plan,
    .apply = publishing_apply,
    .restore = publishing_restore,
};
