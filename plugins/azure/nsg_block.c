/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nsg_block.c - azure.nsg.block_ips: one Deny rule for several addresses.
 *
 * The rule is called after the step's key, so a second attempt meets the first one's rule.
 * The slice is that rule alone. Its priority is no part of it: that is chosen when the rule
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
#include "text.h"

enum {
    NAME_KEY_LEN = 16,
    TRIES_MAX = 3, /* to get a priority that nobody else takes */
    RULE_NAME_MAX = 80
};

/* A rule on its way in or out. */
struct block {
    const char *id;
    const char *rule; /* its name */
    const char *direction;
    const struct cidr_list *ips;
    int tries;
    /* How the last write failed after it was accepted; NULL: it did not. */
    const char *failed_code, *failed;
};

static const char *direction_of(const struct job *job)
{
    return text_same(json_text(job->args, "direction"), "Outbound") ? "Outbound"
                                                                    : "Inbound";
}

/* As captured; before that, out of the key. NULL after the job has failed. */
static const char *rule_name(struct job *job)
{
    const char *name = json_text(job->before, "rule");

    if (text_is_word(name, "-_.", 1, RULE_NAME_MAX))
        return name;
    if (job->in->key != NULL && text_is_word(job->in->key, "", NAME_KEY_LEN, 64))
        return job_text(job, "cordon-%.*s", NAME_KEY_LEN, job->in->key);
    job_fail(job, CORDON_REFUSED, "NoKey", "blocking needs an idempotency key");
    return NULL;
}

static struct block *block_begin(struct job *job)
{
    const char *id = armid_of(job, NSG_TYPE);
    const struct cidr_list *ips = id != NULL ? cidr_args(job) : NULL;
    const char *rule = ips != NULL ? rule_name(job) : NULL;

    if (rule == NULL)
        return NULL;
    struct block *block = job_alloc(job, sizeof *block);
    block->id = id;
    block->rule = rule;
    block->direction = direction_of(job);
    block->ips = ips;
    return block;
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

static void on_observed(struct job *job, const struct answer *answer, void *arg)
{
    const struct block *block = arg;
    const cJSON *rule = NULL;
    const cJSON *item;

    if (!answer_is_good(job, answer, true,
                        job_text(job, "read network security group %s", block->id)))
        return;
    cJSON_ArrayForEach(item,
                       json_get(json_get(answer->json, "properties"), "securityRules"))
    {
        if (text_same(json_text(item, "name"), block->rule))
            rule = item;
    }
    if (rule != NULL && !is_settled(rule)) {
        job_fail(job, CORDON_RETRY, "StillWriting", "%s: Azure is still at it (%s)",
                 what(job, block, "look at"), rule_state(rule));
        return;
    }
    job->tags = json_get(answer->json, "tags");
    count_observed(job, COUNT_NSGS, block->id, job_lower(job, block->id),
                   slice_of(job, block, rule));
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

static int block_plan(struct cordon_call *call, const struct cordon_input *in,
                      struct cordon_plan *out)
{
    struct job *job = job_begin(call, in);
    const struct block *block = block_begin(job);

    if (block == NULL)
        return job_end_plan(job);
    size_t count = block->ips->count;
    if (count == 0) {
        out->after = job_print(job, job->before);
        out->what = "block no addresses";
        return job_end_plan(job);
    }
    out->after = job_print(job, slice_of(job, block, rule_wanted(job, block, 0)));
    out->what = job_text(job, "deny %zu address%s %s network security group %s (rule %s)",
                         count, count == 1 ? "" : "es",
                         text_same(block->direction, "Outbound") ? "out of" : "into",
                         armid_name(block->id), block->rule);
    if (cJSON_IsNull(json_get(job->before, "addresses")))
        out->undo = job_text(job, "delete rule %s", block->rule);
    own_tell(out, own_address(job, block->ips));
    out->affects = (int64_t)count;
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

static void decide(struct job *job, struct block *block, const cJSON *rules)
{
    const cJSON *own = NULL;
    const cJSON *rule;

    cJSON_ArrayForEach(rule, rules)
    {
        if (text_same(json_text(rule, "name"), block->rule))
            own = rule;
    }
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
            job_done(job, NULL);
        else
            put_rule(job, block, rule_priority(own));
        return;
    }
    int priority = nsg_priority_free(rules, block->direction, block->ips, block->rule);
    if (priority == 0)
        job_fail(job, CORDON_REFUSED, "NoFreePriority",
                 "%s: no priority is free in front of the Allow rules that could match; "
                 "move one of them back",
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

static void on_deleted(struct job *job, const struct answer *answer, void *arg)
{
    struct block *block = arg;

    if (answer->has_failed && block->tries < TRIES_MAX)
        read_own(job, block);
    else if (answer_is_good(job, answer, false, what(job, block, "delete")))
        job_done(job, NULL);
}

/* As we left it? That a delete of ours failed since changes nothing about whose it is. */
static bool is_as_left(struct job *job, const struct block *block, const cJSON *rule)
{
    const cJSON *there = slice_of(job, block, rule);

    return block->tries > 0 ? is_same_rule(there, job->after)
                            : cJSON_Compare(there, job->after, true);
}

static void on_own_rule(struct job *job, const struct answer *answer, void *arg)
{
    struct block *block = arg;

    if (answer->status == 404) {
        job_done(job, NULL);
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

static int block_restore(struct cordon_call *call, const struct cordon_input *in)
{
    struct job *job = job_begin(call, in);
    struct block *block = block_begin(job);

    if (block != NULL && !cJSON_IsNull(json_get(job->goal, "addresses")))
        job_fail(job, CORDON_REFUSED, "NotOurs",
                 "rule %s was there before us: it is not ours to change back", block->rule);
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
