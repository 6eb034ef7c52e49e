/* SPDX-License-Identifier: Apache-2.0 */
/*
 * appservice_block.c - azure.appservice.block_ips: Deny rules in a site's access
 * restrictions.
 *
 * The API takes the whole list at once, so it is read again right before each write, and
 * what others have in it goes back as it was. The slice tells only of our rules, and what
 * happens to addresses that no rule matches: an empty list lets everybody in, the first
 * rule of a list without a default action locks everybody out. So with the first rule we
 * make the default explicit, and note in the rule that we did.
 */
#include "azure.h"

#include <string.h>

#include "appservice.h"
#include "arm.h"
#include "armid.h"
#include "cidr.h"
#include "count.h"
#include "job.h"
#include "rights.h"
#include "text.h"

#define OUR_PREFIX  "cordon-"
#define OPENED_MARK "the default action was made Allow with this rule"

enum { RULES_MAX = 512, PRIORITY_FIRST = 100, NAME_KEY_LEN = 16 };
enum { LAST_PRIORITY = 2147483647 };

/* A change under way. */
struct change {
    const char *id;
    const struct cidr_list *ips;
    bool is_restore;
    const char *what;
};

#define NO_PRIORITY                                                                      \
    "%s: an Allow rule has priority 1, so no rule can come before it; give it a larger " \
    "one"
#define TOO_MANY "%s: the list would have %d rules and may have %d"

/* -- Reading the list ------------------------------------------------------------------ */

/* The entry that the API shows last and that nobody wrote: "Allow all" or "Deny all", which
 * says what happens to all others. It has the largest priority; older versions of the API
 * showed "Allow all" of a site without rules with priority 1. It is neither compared nor
 * sent. A rule of others for Any has a name or a priority of its own, and goes back. */
static bool is_synthetic(const cJSON *rule)
{
    const cJSON *priority = json_get(rule, "priority");
    const char *name = json_text(rule, "name");
    bool is_allow = text_same(json_text(rule, "action"), "Allow");

    if (!text_same(json_text(rule, "ipAddress"), "Any"))
        return false;
    if (cJSON_IsNumber(priority) && priority->valuedouble == LAST_PRIORITY)
        return true;
    return text_same(name, "Allow all") && is_allow &&
           (!cJSON_IsNumber(priority) || priority->valueint == 1);
}

/* A rule of ours denies exactly one range. */
static bool is_ours(const cJSON *rule, const struct cordon_ip *range)
{
    struct cordon_ip ip;

    return strncmp(json_text(rule, "name"), OUR_PREFIX, strlen(OUR_PREFIX)) == 0 &&
           text_same(json_text(rule, "action"), "Deny") &&
           cidr_parse(&ip, json_text(rule, "ipAddress")) && cidr_same(&ip, range);
}

static const cJSON *find_ours(const cJSON *list, const struct cordon_ip *range)
{
    const cJSON *rule;

    cJSON_ArrayForEach(rule, list)
    {
        if (is_ours(rule, range))
            return rule;
    }
    return NULL;
}

static bool has_rules(const cJSON *list)
{
    const cJSON *rule;

    cJSON_ArrayForEach(rule, list)
    {
        if (!is_synthetic(rule))
            return true;
    }
    return false;
}

/* The action of the entry that the API shows last; "" when it shows none. */
static const char *shown_last(const cJSON *list)
{
    const char *action = "";
    const cJSON *rule;

    cJSON_ArrayForEach(rule, list)
    {
        if (is_synthetic(rule))
            action = json_text(rule, "action");
    }
    return action;
}

static const char *unmatched(const cJSON *properties)
{
    const cJSON *list = json_get(properties, "ipSecurityRestrictions");
    const char *action = json_text(properties, "ipSecurityRestrictionsDefaultAction");

    if (action[0] == '\0')
        action = shown_last(list);
    if (action[0] != '\0')
        return text_same(action, "Deny") ? "Deny" : "Allow";
    return has_rules(list) ? "Deny" : "Allow";
}

/* -- What is known to be in the way ----------------------------------------------------- */

#define JOIN "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action"

/* The list goes back whole, and the API checks our right to each subnet in it. */
static void note_subnets(struct job *job, const struct change *change, const cJSON *list)
{
    const cJSON *rule;

    cJSON_ArrayForEach(rule, list)
    {
        const char *subnet = json_text(rule, "vnetSubnetResourceId");
        if (subnet[0] != '\0')
            job_note(
                job,
                "site %s has the rule %.80s for the subnet %.400s: the list is written "
                "back whole, so cordon needs the right " JOIN " on that subnet",
                armid_name(change->id), json_text(rule, "name"), subnet);
    }
}

static int priority_free(const cJSON *list);

static void see_obstacles(struct job *job, const struct change *change, const cJSON *list)
{
    int count = 0;
    int fresh = 0;
    const cJSON *rule;

    cJSON_ArrayForEach(rule, list)
    {
        count += !is_synthetic(rule);
    }
    for (size_t i = 0; i < change->ips->count; i++)
        fresh += find_ours(list, &change->ips->ips[i]) == NULL;
    note_subnets(job, change, list);
    if (priority_free(list) == 0)
        job_cannot(job, "NoFreePriority", NO_PRIORITY, change->what);
    else if (count + fresh > RULES_MAX)
        job_cannot(job, "TooManyRules", TOO_MANY, change->what, count + fresh, RULES_MAX);
}

static const struct rights block_rights = { "Microsoft.Web/sites/config/write",
                                            "Microsoft.Web/sites/config/write" };

static void on_observed(struct job *job, const struct answer *answer, void *arg)
{
    const struct change *change = arg;

    if (!answer_is_good(job, answer, true, change->what))
        return;
    const cJSON *properties = json_get(answer->json, "properties");
    const cJSON *list = json_get(properties, "ipSecurityRestrictions");
    cJSON *slice = job_object(job);
    cJSON *blocked = cJSON_AddObjectToObject(slice, "blocked");
    for (size_t i = 0; i < change->ips->count; i++)
        cJSON_AddBoolToObject(blocked, change->ips->texts[i],
                              find_ours(list, &change->ips->ips[i]) != NULL);
    cJSON_AddStringToObject(slice, "unmatched", unmatched(properties));
    if (job->before == NULL)
        see_obstacles(job, change, list);
    job->rights = site_rights(job, change->id, &block_rights);
    count_observed(job, COUNT_SITES, change->id, job_lower(job, change->id), slice);
}

/* The prefixes that the step is about. Once it has been looked at, they are those of its
 * slice: an earlier version listed and spelled them in another way. */
static const struct cidr_list *ranges_of(struct job *job)
{
    const cJSON *seen = json_get(job->before, "blocked");
    const struct cidr_list *ips = cidr_args(job);

    return ips != NULL && cJSON_GetArraySize(seen) > 0 ? cidr_written(job, seen) : ips;
}

/* What every function of this action begins with; NULL after the job has failed. */
static struct change *change_begin(struct job *job, const char *verb)
{
    const char *id = site_of(job);
    const struct cidr_list *ips = id != NULL ? ranges_of(job) : NULL;

    if (ips == NULL)
        return NULL;
    struct change *change = job_alloc(job, sizeof *change);
    change->id = id;
    change->ips = ips;
    change->what = job_text(job, "%s access restrictions of site %s", verb, id);
    return change;
}

static void read_config(struct job *job, struct change *change, answer_fn *done)
{
    arm_get(job, job_text(job, "%s/config/web", change->id), ARM_WEB, done, change);
}

/* The list is read last: what is found is as fresh as it can be. */
static void observe_list(struct job *job, void *arg)
{
    read_config(job, arg, on_observed);
}

static int block_observe(struct cordon_call *call, const struct cordon_input *in)
{
    struct job *job = job_begin(call, in);
    struct change *change = change_begin(job, "read");

    if (change != NULL)
        site_look(job, change->id, observe_list, change);
    return job_started(job);
}

/* -- What will be there ---------------------------------------------------------------- */

static int block_plan(struct cordon_call *call, const struct cordon_input *in,
                      struct cordon_plan *out)
{
    struct job *job = job_begin(call, in);
    const struct change *change = change_begin(job, "plan");

    if (change == NULL)
        return job_end_plan(job);
    const cJSON *was = json_get(job->before, "blocked");
    cJSON *after = job_object(job);
    cJSON *blocked = cJSON_AddObjectToObject(after, "blocked");
    cJSON *fresh = job_object(job);
    for (size_t i = 0; i < change->ips->count; i++) {
        cJSON_AddBoolToObject(blocked, change->ips->texts[i], true);
        if (!json_true(was, change->ips->texts[i]))
            cJSON_AddTrueToObject(fresh, change->ips->texts[i]);
    }
    const struct cidr_list *ranges = cidr_written(job, fresh);
    json_copy(after, "unmatched", job->before, "unmatched");
    out->after = job_print(job, after);
    /* What the hold keeps is all of it, though others may have blocked a part before. */
    out->what =
        job_text(job, "block %s at %s; every other rule stays",
                 cidr_words(job, cidr_written(job, blocked)), site_words(job, change->id));
    if (ranges->count > 0)
        out->undo = "take exactly these rules off again";
    own_tell(out, own_address(job, change->ips));
    own_ask(out, own_site_address(job, change->ips));
    out->affects = cidr_count(ranges);
    out->affects_what = "addresses";
    return job_end_plan(job);
}

/* -- Making it so ---------------------------------------------------------------------- */

/* Ours have to be asked before any rule that lets somebody in. Returns 0 when there is no
 * room in front of it. */
static int priority_free(const cJSON *list)
{
    const cJSON *rule;
    int priority = PRIORITY_FIRST;

    cJSON_ArrayForEach(rule, list)
    {
        const cJSON *item = json_get(rule, "priority");
        if (is_synthetic(rule) || text_same(json_text(rule, "action"), "Deny") ||
            !cJSON_IsNumber(item))
            continue;
        if (item->valueint <= priority)
            priority = item->valueint - 1;
    }
    return priority > 0 ? priority : 0;
}

static cJSON *new_rule(struct job *job, const char *range, int priority, bool opens)
{
    const char *run = job->in->run != NULL ? job->in->run : "";
    cJSON *rule = cJSON_CreateObject();

    cJSON_AddStringToObject(rule, "ipAddress", range);
    cJSON_AddStringToObject(rule, "action", "Deny");
    cJSON_AddStringToObject(rule, "tag", "Default");
    cJSON_AddNumberToObject(rule, "priority", priority);
    cJSON_AddStringToObject(rule, "name",
                            job_text(job, OUR_PREFIX "%.*s", NAME_KEY_LEN, job->in->key));
    cJSON_AddStringToObject(rule, "description",
                            job_text(job, "cordon %s%s", run,
                                     opens ? "; " OPENED_MARK : ""));
    return rule;
}

/* The list as it is, without the synthetic rule. */
static cJSON *copy_rules(struct job *job, const cJSON *list)
{
    cJSON *out = job_own(job, cJSON_CreateArray());
    const cJSON *rule;

    cJSON_ArrayForEach(rule, list)
    {
        if (!is_synthetic(rule))
            cJSON_AddItemToArray(out, cJSON_Duplicate(rule, true));
    }
    return out;
}

static void on_patched(struct job *job, const struct answer *answer, void *arg)
{
    const struct change *change = arg;

    if (answer_is_good(job, answer, false, change->what))
        job_done(job, NULL);
}

/* default_action: NULL leaves it alone; takes the cJSON of it otherwise. */
static void patch(struct job *job, struct change *change, const cJSON *list,
                  cJSON *default_action)
{
    cJSON *body = job_object(job);
    cJSON *properties = cJSON_AddObjectToObject(body, "properties");

    cJSON_AddItemToObject(properties, "ipSecurityRestrictions",
                          cJSON_Duplicate(list, true));
    if (default_action != NULL)
        cJSON_AddItemToObject(properties, "ipSecurityRestrictionsDefaultAction",
                              default_action);
    struct arm_request request = {
        .method = "PATCH",
        .path = job_text(job, "%s/config/web", change->id),
        .version = ARM_WEB,
        .body = body,
        .done = on_patched,
        .arg = change,
    };
    arm_send(job, &request);
}

static void add_ours(struct job *job, struct change *change, const cJSON *properties)
{
    const cJSON *now = json_get(properties, "ipSecurityRestrictions");
    const char *action = json_text(properties, "ipSecurityRestrictionsDefaultAction");
    cJSON *list = copy_rules(job, now);
    bool opens = cJSON_GetArraySize(list) == 0 && action[0] == '\0';
    int priority = priority_free(list);
    int fresh = 0;

    for (size_t i = 0; i < change->ips->count; i++) {
        if (find_ours(list, &change->ips->ips[i]) != NULL)
            continue;
        cJSON_AddItemToArray(list, new_rule(job, change->ips->texts[i], priority, opens));
        fresh++;
    }
    if (fresh == 0)
        job_done(job, NULL);
    else if (priority == 0)
        job_fail(job, CORDON_REFUSED, "NoFreePriority", NO_PRIORITY, change->what);
    else if (cJSON_GetArraySize(list) > RULES_MAX)
        job_fail(job, CORDON_REFUSED, "TooManyRules", TOO_MANY, change->what,
                 cJSON_GetArraySize(list), RULES_MAX);
    else
        patch(job, change, list, opens ? cJSON_CreateString("Allow") : NULL);
}

/* Does the goal want the range blocked? */
static bool stays(const struct job *job, const char *range)
{
    return json_true(json_get(job->goal, "blocked"), range);
}

static bool is_let_go(const struct job *job, const struct change *change, const cJSON *rule)
{
    for (size_t i = 0; i < change->ips->count; i++) {
        if (is_ours(rule, &change->ips->ips[i]) && !stays(job, change->ips->texts[i]))
            return true;
    }
    return false;
}

static void remove_ours(struct job *job, struct change *change, const cJSON *properties)
{
    const char *action = json_text(properties, "ipSecurityRestrictionsDefaultAction");
    cJSON *list = copy_rules(job, json_get(properties, "ipSecurityRestrictions"));
    cJSON *rule = list->child;
    bool was_opened = false;
    int removed = 0;

    while (rule != NULL) {
        cJSON *next = rule->next;
        if (is_let_go(job, change, rule)) {
            was_opened |= strstr(json_text(rule, "description"), OPENED_MARK) != NULL;
            cJSON_Delete(cJSON_DetachItemViaPointer(list, rule));
            removed++;
        }
        rule = next;
    }
    bool closes = was_opened && cJSON_GetArraySize(list) == 0 && text_same(action, "Allow");
    if (removed == 0)
        job_done(job, NULL);
    else
        patch(job, change, list, closes ? cJSON_CreateNull() : NULL);
}

static void on_read_again(struct job *job, const struct answer *answer, void *arg)
{
    struct change *change = arg;

    if (!answer_is_good(job, answer, true, change->what))
        return;
    const cJSON *properties = json_get(answer->json, "properties");
    if (change->is_restore)
        remove_ours(job, change, properties);
    else
        add_ours(job, change, properties);
}

static int block_apply(struct cordon_call *call, const struct cordon_input *in)
{
    struct job *job = job_begin(call, in);
    struct change *change = change_begin(job, "change");

    if (change != NULL && (in->key == NULL || strlen(in->key) < NAME_KEY_LEN))
        job_fail(job, CORDON_REFUSED, "NoKey", "blocking needs an idempotency key");
    else if (change != NULL)
        read_config(job, change, on_read_again);
    return job_started(job);
}

static int block_restore(struct cordon_call *call, const struct cordon_input *in)
{
    struct job *job = job_begin(call, in);
    struct change *change = change_begin(job, "change");

    if (change != NULL) {
        change->is_restore = true;
        read_config(job, change, on_read_again);
    }
    return job_started(job);
}

/* -- Declaration ----------------------------------------------------------------------- */

static const char *const permissions[] = { "Microsoft.Web/sites/Read",
                                           "Microsoft.Web/sites/config/Read",
                                           "Microsoft.Web/sites/config/Write",
                                           "Microsoft.Web/sites/slots/Read",
                                           "Microsoft.Web/sites/slots/config/Read",
                                           "Microsoft.Web/sites/slots/config/Write",
                                           JOIN,
                                           NULL };

const struct cordon_action appservice_block_ips = {
    .size = sizeof(struct cordon_action),
    .name = "azure.appservice.block_ips",
    .summary = "Deny addresses access to an App Service site",
    .effect = CORDON_REVERTS,
    .repeat = CORDON_OBSERVABLE,
    .risk = CORDON_MEDIUM,
    .permissions = permissions,
    .settle_ms = 30000,
    .timeout_ms = 120000,
    .args_schema =
        "{\"type\":\"object\",\"additionalProperties\":false,"
        "\"required\":[\"id\",\"ips\"],\"properties\":{" SITE_ID "," IPS_ARG "}}",
    .observe = block_observe,
    .plan = block_plan,
    .apply = block_apply,
    .restore = block_restore,
};
