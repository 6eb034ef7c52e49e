/* SPDX-License-Identifier: Apache-2.0 */
/*
 * appservice.c - a site: what it is, and stopping it.
 */
#include "azure.h"

#include <string.h>

#include "appservice.h"
#include "arm.h"
#include "armid.h"
#include "count.h"
#include "job.h"
#include "rights.h"
#include "text.h"

enum { SITE_KEPT_MS = 5 * 60 * 1000 };

/* A slot runs code of its own, and answers to the same requests one level deeper. */
const char *site_of(struct job *job)
{
    static const char *const types[] = { "Microsoft.Web/sites", "Microsoft.Web/sites/slots",
                                         NULL };

    return armid_of(job, types);
}

static bool is_slot(struct job *job, const char *id)
{
    return text_same(armid_part(job, id, 1), "slots");
}

const char *site_words(struct job *job, const char *id)
{
    if (is_slot(job, id))
        return job_text(job, "slot %s of site %s", armid_name(id), armid_part(job, id, 2));
    return job_text(job, "site %s", armid_name(id));
}

/* "Microsoft.Web/sites/slots/stop/action" for "Microsoft.Web/sites/stop/action". */
static const char *slot_action(struct job *job, const char *action)
{
    static const char sites[] = "Microsoft.Web/sites/";

    return job_text(job, "%sslots/%s", sites, action + sizeof sites - 1);
}

const struct rights *site_rights(struct job *job, const char *id,
                                 const struct rights *of_site)
{
    if (!is_slot(job, id))
        return of_site;
    struct rights *rights = job_alloc(job, sizeof *rights);
    rights->change = slot_action(job, of_site->change);
    rights->undo = slot_action(job, of_site->undo);
    return rights;
}

/* -- What is looked at for the guards ---------------------------------------------------- */

struct look {
    const char *id;
    site_fn *next;
    void *arg;
};

static const char *look_name(struct job *job, const char *id)
{
    return job_text(job, "tags of site %s", job_lower(job, id));
}

void site_see(struct job *job, const char *id, const cJSON *site)
{
    const cJSON *tags = json_get(site, "tags");

    job->tags = cJSON_IsObject(tags) ? tags : job_object(job);
    own_see_site(job, job_lower(job, id), json_get(site, "identity"));
    own_see_outbound(job, job_lower(job, id), site);
    known_keep(job, look_name(job, id), job_print(job, job->tags), SITE_KEPT_MS);
}

static void on_looked(struct job *job, const struct answer *answer, void *arg)
{
    const struct look *look = arg;

    if (!answer_is_good(job, answer, true, job_text(job, "read site %s", look->id)))
        return;
    site_see(job, look->id, answer->json);
    look->next(job, look->arg);
}

void site_look(struct job *job, const char *id, site_fn *next, void *arg)
{
    const char *known = known_find(job, look_name(job, id));
    struct look *look = job_alloc(job, sizeof *look);

    *look = (struct look){ id, next, arg };
    if (known == NULL) {
        arm_get(job, id, ARM_WEB, on_looked, look);
        return;
    }
    job->tags = job_own(job, cJSON_Parse(known));
    next(job, arg);
}

/* -- azure.appservice.get ------------------------------------------------------------- */

static void add_user_identity(cJSON *list, const cJSON *item)
{
    cJSON *out = cJSON_CreateObject();

    cJSON_AddStringToObject(out, "id", item->string);
    json_add_text(out, "principal_id", json_text(item, "principalId"));
    json_add_text(out, "client_id", json_text(item, "clientId"));
    cJSON_AddItemToArray(list, out);
}

static void add_identity(cJSON *out, const cJSON *identity)
{
    const cJSON *item;

    if (!cJSON_IsObject(identity))
        return;
    cJSON *to = cJSON_AddObjectToObject(out, "identity");
    cJSON_AddStringToObject(to, "type", json_text(identity, "type"));
    json_add_text(to, "principal_id", json_text(identity, "principalId"));
    const cJSON *users = json_get(identity, "userAssignedIdentities");
    if (!cJSON_IsObject(users))
        return;
    cJSON *list = cJSON_AddArrayToObject(to, "user_assigned");
    cJSON_ArrayForEach(item, users)
    {
        add_user_identity(list, item);
    }
}

static void on_site_read(struct job *job, const struct answer *answer, void *arg)
{
    const char *id = arg;

    if (!answer_is_good(job, answer, true, job_text(job, "read site %s", id)))
        return;
    const cJSON *properties = json_get(answer->json, "properties");
    const char *access = json_text(properties, "publicNetworkAccess");
    cJSON *out = job_object(job);
    cJSON_AddStringToObject(out, "id", json_text(answer->json, "id"));
    cJSON_AddStringToObject(out, "name", json_text(answer->json, "name"));
    cJSON_AddStringToObject(out, "location", json_text(answer->json, "location"));
    cJSON_AddStringToObject(out, "state", json_text(properties, "state"));
    cJSON_AddStringToObject(out, "public_access", access[0] != '\0' ? access : "Enabled");
    cJSON_AddBoolToObject(out, "https_only", json_true(properties, "httpsOnly"));
    json_copy(out, "host_names", properties, "hostNames");
    if (json_get(out, "host_names") == NULL)
        cJSON_AddArrayToObject(out, "host_names");
    json_copy(out, "tags", answer->json, "tags");
    if (json_get(out, "tags") == NULL)
        cJSON_AddObjectToObject(out, "tags");
    add_identity(out, json_get(answer->json, "identity"));
    job_done(job, out);
}

static int site_read(struct cordon_call *call, const struct cordon_input *in)
{
    struct job *job = job_begin(call, in);
    const char *id = site_of(job);

    if (id != NULL)
        arm_get(job, id, ARM_WEB, on_site_read, (void *)id);
    return job_started(job);
}

/* -- azure.appservice.stop ------------------------------------------------------------ */

/* Has the site that kind? It is a list: "functionapp,linux". */
static bool is_of_kind(const cJSON *site, const char *word)
{
    const char *kind = json_text(site, "kind");
    size_t len = strlen(word);

    while (*kind != '\0') {
        size_t part = strcspn(kind, ",");
        if (part == len && text_starts(kind, word))
            return true;
        kind += part + (kind[part] == ',');
    }
    return false;
}

/* What a stop does not end at once. */
static void note_kind(struct job *job, const char *id, const cJSON *site)
{
    const char *name = armid_name(id);

    if (is_of_kind(site, "workflowapp"))
        job_note(job,
                 "site %s is a logic app: runs of its workflows that are under way go on "
                 "until their actions end, and those that wait go on when it is started "
                 "again; cancel them, or take away what their connections may do, to cut "
                 "them off",
                 name);
    else if (is_of_kind(site, "functionapp"))
        job_note(
            job,
            "site %s is a function app: executions that are under way are not cut off "
            "at once; they go on until they end or until the plan's time limit "
            "(minutes on consumption plans, hours on others), and messages that they "
            "have taken may be handled again; take away the rights of its identity, or "
            "rotate what it reads, to cut them off",
            name);
    if (is_of_kind(site, "azurecontainerapps"))
        job_note(job,
                 "site %s runs on Azure Container Apps: replicas that run end after their "
                 "grace period, and not at once",
                 name);
}

/* WebJobs are only known when they are asked for; nothing hangs on the answer. */
struct stop_look {
    const char *id;
    const cJSON *slice;
};

enum { JOBS_MS = 5 * 1000 };

static void end_stop_look(struct job *job, const struct stop_look *look)
{
    job->instead = NULL;
    count_observed(job, COUNT_SITES, look->id, job_lower(job, look->id), look->slice);
}

static void on_no_jobs(struct job *job, enum cordon_status status, const char *why)
{
    (void)status;
    job->host->log(0, "whether the site has WebJobs is not known: %s", why);
    end_stop_look(job, job->courtesy);
}

static void on_jobs(struct job *job, const struct answer *answer, void *arg)
{
    const struct stop_look *look = arg;

    if (!answer_is_good(job, answer, true, "list WebJobs"))
        return;
    int count = cJSON_GetArraySize(json_get(answer->json, "value"));
    if (count > 0)
        job_note(
            job,
            "site %s has %d WebJob%s: one that runs is told to end, and is ended after "
            "its grace period (5 s for continuous ones, unless its settings say "
            "otherwise)",
            armid_name(look->id), count, count == 1 ? "" : "s");
    end_stop_look(job, look);
}

static void look_for_jobs(struct job *job, const struct stop_look *look)
{
    job->courtesy = (void *)look;
    job->instead = on_no_jobs;
    job->instead_until_ms = job->host->now_ms() + JOBS_MS;
    arm_get(job, job_text(job, "%s/webjobs", look->id), ARM_WEB, on_jobs, (void *)look);
}

static const struct rights stop_rights = { "Microsoft.Web/sites/stop/action",
                                           "Microsoft.Web/sites/start/action" };

static void on_state(struct job *job, const struct answer *answer, void *arg)
{
    const char *id = arg;

    if (!answer_is_good(job, answer, true, job_text(job, "read site %s", id)))
        return;
    const char *state = json_text(json_get(answer->json, "properties"), "state");
    if (state[0] == '\0') {
        job_fail(job, CORDON_RETRY, "NoState", "site %s is shown without its state", id);
        return;
    }
    cJSON *slice = job_object(job);
    cJSON_AddStringToObject(slice, "state", state);
    site_see(job, id, answer->json);
    if (job->before != NULL) {
        count_observed(job, COUNT_SITES, id, job_lower(job, id), slice);
        return;
    }
    struct stop_look *look = job_alloc(job, sizeof *look);
    *look = (struct stop_look){ id, slice };
    note_kind(job, id, answer->json);
    job->rights = site_rights(job, id, &stop_rights);
    if (is_of_kind(answer->json, "functionapp"))
        end_stop_look(job, look);
    else
        look_for_jobs(job, look);
}

static int stop_observe(struct cordon_call *call, const struct cordon_input *in)
{
    struct job *job = job_begin(call, in);
    const char *id = site_of(job);

    if (id != NULL)
        arm_get(job, id, ARM_WEB, on_state, (void *)id);
    return job_started(job);
}

static int stop_plan(struct cordon_call *call, const struct cordon_input *in,
                     struct cordon_plan *out)
{
    struct job *job = job_begin(call, in);
    const char *id = site_of(job);

    if (id != NULL) {
        out->after = "{\"state\":\"Stopped\"}";
        out->what = job_text(job, "stop %s", site_words(job, id));
        own_tell(out, own_site(job, id));
        own_ask(out, own_unknown(job));
        if (strcmp(json_text(job->before, "state"), "Running") == 0)
            out->undo = "start it again";
    }
    return job_end_plan(job);
}

static void on_posted(struct job *job, const struct answer *answer, void *arg)
{
    if (answer_is_good(job, answer, false, arg))
        job_done(job, NULL);
}

static void post(struct job *job, const char *id, const char *verb)
{
    struct arm_request request = {
        .method = "POST",
        .path = job_text(job, "%s/%s", id, verb),
        .version = ARM_WEB,
        .done = on_posted,
        .arg = job_text(job, "%s site %s", verb, id),
    };

    arm_send(job, &request);
}

static int stop_apply(struct cordon_call *call, const struct cordon_input *in)
{
    struct job *job = job_begin(call, in);
    const char *id = site_of(job);

    if (id != NULL)
        post(job, id, "stop");
    return job_started(job);
}

/* Once more, right before starting it: the API takes no precondition. */
static void on_state_again(struct job *job, const struct answer *answer, void *arg)
{
    const char *id = arg;

    if (!answer_is_good(job, answer, true, job_text(job, "read site %s", id)))
        return;
    const char *state = json_text(json_get(answer->json, "properties"), "state");
    if (strcmp(state, json_text(job->goal, "state")) == 0)
        job_done(job, NULL);
    else if (strcmp(state, json_text(job->after, "state")) != 0)
        job_fail(job, CORDON_REFUSED, "Changed",
                 "site %s is %s: somebody has changed it since it was looked at; it stays",
                 id, state);
    else
        post(job, id, "start");
}

static int stop_restore(struct cordon_call *call, const struct cordon_input *in)
{
    struct job *job = job_begin(call, in);
    const char *id = site_of(job);

    if (id != NULL && strcmp(json_text(job->goal, "state"), "Running") == 0)
        arm_get(job, id, ARM_WEB, on_state_again, (void *)id);
    else if (id != NULL)
        job_fail(job, CORDON_REFUSED, "NotRunning",
                 "site %s was %s and not Running before: only starting it can be undone",
                 id, json_text(job->goal, "state"));
    return job_started(job);
}

/* -- Declarations ---------------------------------------------------------------------- */

static const char *const get_permissions[] = { "Microsoft.Web/sites/Read",
                                               "Microsoft.Web/sites/slots/Read", NULL };
static const char *const stop_permissions[] = { "Microsoft.Web/sites/Read",
                                                "Microsoft.Web/sites/webjobs/Read",
                                                "Microsoft.Web/sites/stop/Action",
                                                "Microsoft.Web/sites/start/Action",
                                                "Microsoft.Web/sites/slots/Read",
                                                "Microsoft.Web/sites/slots/stop/Action",
                                                "Microsoft.Web/sites/slots/start/Action",
                                                NULL };

const struct cordon_action appservice_get = {
    .size = sizeof(struct cordon_action),
    .name = "azure.appservice.get",
    .summary = "Read an App Service site",
    .effect = CORDON_READS,
    .risk = CORDON_LOW,
    .permissions = get_permissions,
    .timeout_ms = 60000,
    .args_schema = SITE_ARGS,
    .result_schema =
        "{\"type\":\"object\",\"additionalProperties\":false,"
        "\"required\":[\"id\",\"name\",\"state\",\"host_names\",\"https_only\"],"
        "\"properties\":{\"id\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"},"
        "\"location\":{\"type\":\"string\"},"
        "\"state\":{\"type\":\"string\",\"description\":\"Running or Stopped\"},"
        "\"host_names\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
        "\"https_only\":{\"type\":\"boolean\"},\"public_access\":{\"type\":\"string\"},"
        "\"tags\":{\"type\":\"object\",\"additionalProperties\":true},"
        "\"identity\":{\"type\":\"object\",\"additionalProperties\":false,"
        "\"description\":\"absent when the site has none\",\"properties\":{"
        "\"type\":{\"type\":\"string\"},\"principal_id\":{\"type\":\"string\"},"
        "\"user_assigned\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
        "\"additionalProperties\":false,\"properties\":{\"id\":{\"type\":\"string\"},"
        "\"principal_id\":{\"type\":\"string\"},\"client_id\":{\"type\":\"string\"}}}}}}}}",
    .read = site_read,
};

const struct cordon_action appservice_stop = {
    .size = sizeof(struct cordon_action),
    .name = "azure.appservice.stop",
    .summary = "Stop an App Service site",
    .effect = CORDON_REVERTS,
    .repeat = CORDON_OBSERVABLE,
    .risk = CORDON_HIGH,
    .permissions = stop_permissions,
    .settle_ms = 30000,
    .timeout_ms = 120000,
    .args_schema = SITE_ARGS,
    .observe = stop_observe,
    .plan = stop_plan,
    .apply = stop_apply,
    .restore = stop_restore,
};
