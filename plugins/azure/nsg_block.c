/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nsg_block.c - azure.nsg.block_ips: one Deny rule for several addresses of one family.
 *
 * A rule is called after the step's key, so a second attempt meets the first one's rule. A rule
 * may not have addresses of both families, so these become two rules. The slice is the rule,
 * or {"ipv4": rule, "ipv6": rule}. Its priority is no part of it: that is chosen when the rule
 * is written, in front of every rule that could let the addresses through, and looked at
 * again afterwards, since somebody else may have been writing too.
 *
 * A rule whose write failed may stay, with provisioningState Failed, and may enforce nothing.
 * So that state is part of what is observed, and such a rule is written again, a few times.
 */
#include "azure.h"

#include <stdlib.h>
#include <string.h>

#include "arm.h"
#include "armid.h"
#include "cidr.h"
#include "count.h"
#include "job.h"
#include "nsg.h"
#include "rights.h"
#include "text.h"

enum {
    NAME_KEY_LEN = 16,
    TRIES_MAX = 3, /* to get a priority that nobody else takes */
    RULE_NAME_MAX = 80,
    RULES_MAX = 1000, /* of one group */
    FAMILIES = 2
};

static const char *const families[FAMILIES] = { "ipv4", "ipv6" };

/* A rule on its way in or out. */
struct block {
    const char *id;
    const char *rule; /* its name */
    const char *direction;
    const struct cidr_list *ips;
    int tries;
    /* How the last write failed after it was accepted; NULL: it did not. */
    const char *failed_code, *failed;
    struct block *next; /* the rule of the other family; NULL */
    const char *family; /* its member of the slice; NULL: it is all of the slice */
};

static const char *direction_of(const struct job *job)
{
    return text_same(json_text(job->args, "direction"), "Outbound") ? "Outbound"
                                                                    : "Inbound";
}

/* The part of a slice that is about one rule; NULL where there is none. */
static const cJSON *part_of(const cJSON *slice, const char *family)
{
    return family != NULL ? json_get(slice, family) : slice;
}

/* As captured; before that, out of the key. NULL after the job has failed. */
static const char *rule_name(struct job *job, const char *family)
{
    const char *name = json_text(part_of(job->before, family), "rule");

    if (text_is_word(name, "-_.", 1, RULE_NAME_MAX))
        return name;
    if (job->in->key != NULL && text_is_word(job->in->key, "", NAME_KEY_LEN, 64))
        return job_text(job, "cordon-%.*s%s%s", NAME_KEY_LEN, job->in->key,
                        family != NULL ? "-" : "", family != NULL ? family : "");
    job_fail(job, CORDON_REFUSED, "NoKey", "blocking needs an idempotency key");
    return NULL;
}

/* Two rules, unless one was captured: an earlier version wrote one for both families. */
static bool has_two_rules(const struct job *job, const struct cidr_list *ips)
{
    if (json_get(job->before, "addresses") != NULL)
        return false;
    return ips->v4_count > 0 && ips->v4_count < ips->count;
}

/* What a step that was planned by an earlier version has listed stays so. */
static const struct cidr_list *ips_planned(struct job *job, const char *family,
                                           const struct cidr_list *ips)
{
    const cJSON *addresses = json_get(part_of(job->after, family), "addresses");

    return cJSON_IsArray(addresses) ? cidr_written(job, addresses) : ips;
}

/* NULL after the job has failed. */
static struct block *block_new(struct job *job, const char *id, const char *family,
                               const struct cidr_list *ips)
{
    const char *rule = rule_name(job, family);

    if (rule == NULL)
        return NULL;
    struct block *block = job_alloc(job, sizeof *block);
    block->id = id;
    block->rule = rule;
    block->direction = direction_of(job);
    block->ips = ips_planned(job, family, ips);
    block->family = family;
    return block;
}

static struct block *block_begin(struct job *job)
{
    const char *id = armid_of(job, nsg_types);
    const struct cidr_list *ips = id != NULL ? cidr_args(job) : NULL;

    if (ips == NULL)
        return NULL;
    if (!has_two_rules(job, ips))
        return block_new(job, id, NULL, ips);
    struct block *first = block_new(job, id, families[0], cidr_family(job, ips, false));
    if (first != NULL)
        first->next = block_new(job, id, families[1], cidr_family(job, ips, true));
    return first;
}

static const char *rule_path(struct job *job, const struct block *block)
{
    return job_text(job, "%s/securityRules/%s", block->id, block->rule);
}

static const char *what(struct job *job, const struct block *block, const char *verb)
{
    return job_text(job, "%s rule %s of %s", verb, block->rule, block->id);
}

/* -- What is there --------------------------------------------------------------------- */

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The same list in the same order, however the API gives it back. */
static void add_sorted(struct job *job, cJSON *slice, const char *name, cJSON *list)
{
    int count = cJSON_GetArraySize(list);
    const char **texts = job_alloc(job, ((size_t)count + 1) * sizeof *texts);
    int n = 0;
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
    {
        texts[n++] = cidr_spelling(job, item->valuestring);
    }
    qsort(texts, (size_t)n, sizeof *texts, compare_texts);
    cJSON *out = cJSON_AddArrayToObject(slice, name);
    for (int i = 0; i < n; i++)
        cJSON_AddItemToArray(out, cJSON_CreateString(texts[i]));
}

/* What makes the rule what it is: change any of it, and it is not ours any more. */
static const char *const plain[][2] = { { "access", "access" },
                                        { "direction", "direction" },
                                        { "protocol", "protocol" } };

static const char *rule_state(const cJSON *rule)
{
    return json_text(json_get(rule, "properties"), "provisioningState");
}

static bool has_failed(const cJSON *rule)
{
    return text_same(rule_state(rule), "Failed") || text_same(rule_state(rule), "Canceled");
}

/* Is it neither written nor being written? */
static bool is_settled(const cJSON *rule)
{
    static const char *const words[] = { "Updating", "Creating", "Deleting", "Accepted" };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_same(rule_state(rule), words[i]))
            return false;
    return true;
}

/* The slice of a rule as the API gives it; NULL for a rule that is not there. */
static cJSON *slice_of(struct job *job, const struct block *block, const cJSON *rule)
{
    const cJSON *properties = json_get(rule, "properties");
    bool is_out = text_same(block->direction, "Outbound");
    cJSON *slice = job_object(job);

    cJSON_AddStringToObject(slice, "rule", block->rule);
    if (rule == NULL) {
        cJSON_AddNullToObject(slice, "addresses");
        return slice;
    }
    add_sorted(job, slice, "addresses",
               job_own(job, rule_values(properties, far_prefix(block->direction),
                                        far_prefixes(block->direction))));
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        cJSON_AddStringToObject(slice, plain[i][0], json_text(properties, plain[i][1]));
    add_sorted(job, slice, "near",
               job_own(job,
                       rule_values(properties, far_prefix(is_out ? "Inbound" : "Outbound"),
                                   far_prefixes(is_out ? "Inbound" : "Outbound"))));
    add_sorted(job, slice, "ports",
               job_own(job, rule_values(properties, "destinationPortRange",
                                        "destinationPortRanges")));
    if (has_failed(rule))
        cJSON_AddStringToObject(slice, "provisioning", "Failed");
    return slice;
}

/* The rule as we would write it, at that priority. */
static cJSON *rule_wanted(struct job *job, const struct block *block, int priority)
{
    bool is_out = text_same(block->direction, "Outbound");
    cJSON *body = job_object(job);
    cJSON *properties = cJSON_AddObjectToObject(body, "properties");

    cJSON_AddStringToObject(properties, "protocol", "*");
    cJSON_AddStringToObject(properties, "access", "Deny");
    cJSON_AddStringToObject(properties, "direction", block->direction);
    cJSON_AddNumberToObject(properties, "priority", priority);
    cJSON_AddStringToObject(properties, "sourcePortRange", "*");
    cJSON_AddStringToObject(properties, "destinationPortRange", "*");
    cJSON_AddStringToObject(properties, far_prefix(is_out ? "Inbound" : "Outbound"), "*");
    if (block->ips->count == 1)
        cJSON_AddStringToObject(properties, far_prefix(block->direction),
                                block->ips->texts[0]);
    else
        cJSON_AddItemToObject(properties, far_prefixes(block->direction),
                              cJSON_CreateStringArray(block->ips->texts,
                                                      (int)block->ips->count));
    cJSON_AddStringToObject(properties, "description",
                            job_text(job, "cordon %.100s",
                                     job->in->run != NULL ? job->in->run : ""));
    return body;
}

/* The same rule, whether its write failed or not? */
static bool is_same_rule(const cJSON *a, const cJSON *b)
{
    cJSON *left = cJSON_Duplicate(a, true), *right = cJSON_Duplicate(b, true);

    cJSON_DeleteItemFromObjectCaseSensitive(left, "provisioning");
    cJSON_DeleteItemFromObjectCaseSensitive(right, "provisioning");
    bool is_same = cJSON_Compare(left, right, true);
    cJSON_Delete(left);
    cJSON_Delete(right);
    return is_same;
}

/* Is that rule, found under our name, the one that we would write? */
static bool is_as_wanted(struct job *job, const struct block *block, const cJSON *rule)
{
    return is_same_rule(slice_of(job, block, rule),
                        slice_of(job, block, rule_wanted(job, block, 0)));
}

static const cJSON *rule_find(const cJSON *rules, const char *name)
{
    const cJSON *rule;

    cJSON_ArrayForEach(rule, rules)
    {
        if (text_same(json_text(rule, "name"), name))
            return rule;
    }
    return NULL;
}

/* The slice of all rules of the step: as they are, or with NULL as they will be. */
static cJSON *slice_of_all(struct job *job, const struct block *block, const cJSON *rules)
{
    cJSON *slice = NULL;

    for (; block != NULL; block = block->next) {
        const cJSON *rule =
            rules != NULL ? rule_find(rules, block->rule) : rule_wanted(job, block, 0);
        cJSON *part = slice_of(job, block, rule);
        if (block->family == NULL)
            return part;
        if (slice == NULL)
            slice = job_object(job);
        cJSON_AddItemToObject(slice, block->family, cJSON_Duplicate(part, true));
    }
    return slice;
}

#define NO_PRIORITY                                                                      \
    "%s: no priority is free in front of the Allow rules that could match; move one of " \
    "them back"

/* Is there a place for each rule of the step, once those before it have theirs? */
static bool has_room(struct job *job, const struct block *block, const cJSON *rules)
{
    cJSON *all =
        job_own(job, rules != NULL ? cJSON_Duplicate(rules, true) : cJSON_CreateArray());
    int priority = 1;

    for (; block != NULL && priority > 0; block = block->next) {
        if (rule_find(rules, block->rule) != NULL)
            continue;
        priority = nsg_priority_free(all, block->direction, block->ips, block->rule);
        cJSON_AddItemToArray(all, cJSON_Duplicate(rule_wanted(job, block, priority), true));
    }
    return priority > 0;
}

/* What the group itself shows to be in the way. */
static void see_obstacles(struct job *job, const struct block *block, const cJSON *rules)
{
    int more = 0;

    for (const struct block *one = block; one != NULL; one = one->next)
        more += one->ips->count > 0 && rule_find(rules, one->rule) == NULL;
    if (more == 0)
        return;
    if (cJSON_GetArraySize(rules) + more > RULES_MAX)
        job_cannot(job, "TooManyRules",
                   "network security group %s has %d rules, and may have %d; delete %s",
                   block->id, cJSON_GetArraySize(rules), RULES_MAX,
                   more == 1 ? "one" : "two");
    else if (!has_room(job, block, rules))
        job_cannot(job, "NoFreePriority", NO_PRIORITY, what(job, block, "put"));
}

static const struct rights block_rights = {
    "Microsoft.Network/networkSecurityGroups/securityRules/write",
    "Microsoft.Network/networkSecurityGroups/securityRules/delete"
};

static void on_observed(struct job *job, const struct answer *answer, void *arg)
{
    const struct block *block = arg;
    const cJSON *properties = json_get(answer->json, "properties");

    if (!answer_is_good(job, answer, true,
                        job_text(job, "read network security group %s", block->id)))
        return;
    const cJSON *rules = json_get(properties, "securityRules");
    for (const struct block *one = block; one != NULL; one = one->next) {
        const cJSON *rule = rule_find(rules, one->rule);
        if (rule == NULL || is_settled(rule))
            continue;
        job_fail(job, CORDON_RETRY, "StillWriting", "%s: Azure is still at it (%s)",
                 what(job, one, "look at"), rule_state(rule));
        return;
    }
    job->tags = json_get(answer->json, "tags");
    if (job->before == NULL)
        see_obstacles(job, block, rules);
    job->rights = &block_rights;
    count_observed(job, COUNT_NSGS, block->id, job_lower(job, block->id),
                   slice_of_all(job, block, rules != NULL ? rules : job_object(job)));
}

/* The whole group is read: a rule that is not there and a group that is not there are two
 * things. */
static int block_observe(struct cordon_call *call, const struct cordon_input *in)
{
    struct job *job = job_begin(call, in);
    struct block *block = block_begin(job);

    if (block != NULL)
        arm_get(job, block->id, ARM_NETWORK, on_observed, block);
    return job_started(job);
}

/* -- What will be there ---------------------------------------------------------------- */

static bool is_there(const struct job *job, const struct block *block)
{
    return !cJSON_IsNull(json_get(part_of(job->before, block->family), "addresses"));
}

/* "rule A", "rules A and B". */
static const char *rules_text(struct job *job, const struct block *block)
{
    if (block->next == NULL)
        return job_text(job, "rule %s", block->rule);
    return job_text(job, "rules %s and %s", block->rule, block->next->rule);
}

static int block_plan(struct cordon_call *call, const struct cordon_input *in,
                      struct cordon_plan *out)
{
    struct job *job = job_begin(call, in);
    const struct block *block = block_begin(job);
    const struct cidr_list *ips = block != NULL ? cidr_args(job) : NULL;

    if (ips == NULL)
        return job_end_plan(job);
    if (ips->count == 0) {
        out->after = job_print(job, job->before);
        out->what = "block no addresses";
        return job_end_plan(job);
    }
    out->after = job_print(job, slice_of_all(job, block, NULL));
    out->what =
        job_text(job, "deny %s %s network security group %s (%s)", cidr_words(job, ips),
                 text_same(block->direction, "Outbound") ? "out of" : "into",
                 armid_name(block->id), rules_text(job, block));
    if (!is_there(job, block) && (block->next == NULL || !is_there(job, block->next)))
        out->undo = job_text(job, "delete %s", rules_text(job, block));
    own_tell(out, own_address(job, ips));
    own_ask(out, own_site_address(job, ips));
    out->affects = cidr_count(ips);
    out->affects_what = "addresses";
    return job_end_plan(job);
}

/* -- Making it so ---------------------------------------------------------------------- */

static void read_rules(struct job *job, struct block *block);

static void on_put(struct job *job, const struct answer *answer, void *arg)
{
    struct block *block = arg;

    /* Somebody took the priority between our look and our write. */
    if (answer->status == 400 && text_same(answer->code, "SecurityRuleConflict") &&
        block->tries < TRIES_MAX) {
        read_rules(job, block);
        return;
    }
    block->failed = NULL;
    if (answer->has_failed) {
        block->failed = answer->message;
        block->failed_code = job_text(job, "%s", answer->code);
    } else if (!answer_is_good(job, answer, false, what(job, block, "put"))) {
        return;
    }
    job->has_changed = true;
    read_rules(job, block);
}

static void put_rule(struct job *job, struct block *block, int priority)
{
    struct arm_request request = {
        .method = "PUT",
        .path = rule_path(job, block),
        .version = ARM_NETWORK,
        .body = rule_wanted(job, block, priority),
        .flags = CORDON_HTTP_LRO,
        .done = on_put,
        .arg = block,
    };

    block->tries++;
    arm_send(job, &request);
}

/* Does our rule, as it is now, come before everything that could let ips through? */
static bool is_in_front(const struct block *block, const cJSON *rules, const cJSON *own)
{
    const cJSON *rule;

    cJSON_ArrayForEach(rule, rules)
    {
        if (rule != own && rule_priority(rule) <= rule_priority(own) &&
            rule_could_allow(rule, block->direction, block->ips))
            return false;
    }
    return true;
}

/* The operation ended as Failed. A rule that stayed is written again, which is harmless. */
static void on_failed_put(struct job *job, struct block *block, const cJSON *own)
{
    if (own != NULL && block->tries < TRIES_MAX) {
        put_rule(job, block, rule_priority(own));
        return;
    }
    const char *code = block->failed != NULL ? block->failed_code : "ProvisioningFailed";
    const char *why = block->failed != NULL ? block->failed : "its provisioning failed";

    job_fail(job, CORDON_UNKNOWN, code, "%s: Azure says that it failed: %s",
             what(job, block, "put"), why);
}

/* The rule is in place: the other one's turn, if there is one. */
static void go_on(struct job *job, const struct block *block)
{
    if (block->next != NULL)
        read_rules(job, block->next);
    else
        job_done(job, NULL);
}

/* Nothing is written before both rules have a place. */
static int priority_for(struct job *job, const struct block *block, const cJSON *rules)
{
    if (!has_room(job, block, rules))
        return 0;
    return nsg_priority_free(rules, block->direction, block->ips, block->rule);
}

static void decide(struct job *job, struct block *block, const cJSON *rules)
{
    const cJSON *own = rule_find(rules, block->rule);

    if (own != NULL && !is_as_wanted(job, block, own)) {
        job_fail(job, CORDON_REFUSED, "RuleExists",
                 "%s: there is one of that name already, and it is not the one we would "
                 "write",
                 what(job, block, "put"));
        return;
    }
    if (block->failed != NULL || (own != NULL && has_failed(own))) {
        on_failed_put(job, block, own);
        return;
    }
    if (own != NULL && is_in_front(block, rules, own)) {
        if (is_settled(own) || block->tries > 0)
            go_on(job, block);
        else
            put_rule(job, block, rule_priority(own));
        return;
    }
    int priority = priority_for(job, block, rules);
    if (priority == 0)
        job_fail(job, CORDON_REFUSED, "NoFreePriority", NO_PRIORITY,
                 what(job, block, "put"));
    else if (block->tries == TRIES_MAX)
        job_fail(job, CORDON_RETRY, "Race", "%s: somebody else keeps taking the priority",
                 what(job, block, "put"));
    else
        put_rule(job, block, priority);
}

static void on_rules(struct job *job, const struct answer *answer, void *arg)
{
    struct block *block = arg;

    if (answer_is_good(job, answer, true,
                       job_text(job, "read network security group %s", block->id)))
        decide(job, block, json_get(json_get(answer->json, "properties"), "securityRules"));
}

static void read_rules(struct job *job, struct block *block)
{
    arm_get(job, block->id, ARM_NETWORK, on_rules, block);
}

static int block_apply(struct cordon_call *call, const struct cordon_input *in)
{
    struct job *job = job_begin(call, in);
    struct block *block = block_begin(job);

    if (block != NULL && block->ips->count == 0)
        job_fail(job, CORDON_REFUSED, "NoAddresses",
                 "ips is empty: there is nothing to block");
    else if (block != NULL)
        read_rules(job, block);
    return job_started(job);
}

/* -- Taking it back -------------------------------------------------------------------- */

static void on_own_rule(struct job *job, const struct answer *answer, void *arg);

static void read_own(struct job *job, struct block *block)
{
    arm_get(job, rule_path(job, block), ARM_NETWORK, on_own_rule, block);
}

static void let_go(struct job *job, const struct block *block)
{
    if (block->next != NULL)
        read_own(job, block->next);
    else
        job_done(job, NULL);
}

static void on_deleted(struct job *job, const struct answer *answer, void *arg)
{
    struct block *block = arg;

    if (answer->has_failed && block->tries < TRIES_MAX) {
        read_own(job, block);
        return;
    }
    if (!answer_is_good(job, answer, false, what(job, block, "delete")))
        return;
    job->has_changed = true;
    let_go(job, block);
}

/* As we left it? That a delete of ours failed since changes nothing about whose it is. */
static bool is_as_left(struct job *job, const struct block *block, const cJSON *rule)
{
    const cJSON *there = slice_of(job, block, rule);

    const cJSON *left = part_of(job->after, block->family);

    return block->tries > 0 ? is_same_rule(there, left) : cJSON_Compare(there, left, true);
}

static void on_own_rule(struct job *job, const struct answer *answer, void *arg)
{
    struct block *block = arg;

    if (answer->status == 404) {
        let_go(job, block);
        return;
    }
    if (!answer_is_good(job, answer, true, what(job, block, "read")))
        return;
    if (!is_as_left(job, block, answer->json)) {
        job_fail(job, CORDON_REFUSED, "Changed",
                 "%s: somebody has changed it since we wrote it; it stays",
                 what(job, block, "delete"));
        return;
    }
    struct arm_request request = {
        .method = "DELETE",
        .path = rule_path(job, block),
        .version = ARM_NETWORK,
        .flags = CORDON_HTTP_LRO,
        .done = on_deleted,
        .arg = block,
    };
    block->tries++;
    arm_send(job, &request);
}

/* The first rule that was there before us, or NULL. */
static const struct block *find_not_ours(const struct job *job, const struct block *block)
{
    while (block != NULL &&
           cJSON_IsNull(json_get(part_of(job->goal, block->family), "addresses")))
        block = block->next;
    return block;
}

static int block_restore(struct cordon_call *call, const struct cordon_input *in)
{
    struct job *job = job_begin(call, in);
    struct block *block = block_begin(job);
    const struct block *not_ours = find_not_ours(job, block);

    if (not_ours != NULL)
        job_fail(job, CORDON_REFUSED, "NotOurs",
                 "rule %s was there before us: it is not ours to change back",
                 not_ours->rule);
    else if (block != NULL)
        read_own(job, block);
    return job_started(job);
}

/* -- Declaration ----------------------------------------------------------------------- */

static const char *const permissions[] = {
    "Microsoft.Network/networkSecurityGroups/read",
    "Microsoft.Network/networkSecurityGroups/securityRules/read",
    "Microsoft.Network/networkSecurityGroups/securityRules/write",
    "Microsoft.Network/networkSecurityGroups/securityRules/delete", NULL
};

const struct cordon_action nsg_block_ips = {
    .size = sizeof(struct cordon_action),
    .name = "azure.nsg.block_ips",
    .summary = "Deny addresses in a network security group",
    .effect = CORDON_REVERTS,
    .repeat = CORDON_KEYED,
    .risk = CORDON_MEDIUM,
    .permissions = permissions,
    .settle_ms = 30000,
    .timeout_ms = 300000,
    .args_schema =
        "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"id\",\"ips\"],"
        "\"properties\":{" NSG_ID ",\"direction\":{\"type\":\"string\","
        "\"enum\":[\"Inbound\",\"Outbound\"],\"description\":\"Inbound when not "
        "given\"}," IPS_ARG "}}",
    .observe = block_observe,
    .plan = block_plan,
    .apply = block_apply,
    .restore = block_restore,
};
