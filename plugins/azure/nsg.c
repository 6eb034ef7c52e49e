/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nsg.c - azure.nsg.get, and how rules are read.
 */
#include "nsg.h"

#include "arm.h"
#include "armid.h"
#include "azure.h"
#include "cidr.h"
#include "job.h"
#include "text.h"

enum { PRIORITY_MIN = 100, PRIORITY_MAX = 4096 };

const char *const nsg_types[] = { NSG_TYPE, NULL };

/* -- Rules ----------------------------------------------------------------------------- */

cJSON *rule_values(const cJSON *properties, const char *singular, const char *plural)
{
    cJSON *out = cJSON_CreateArray();
    const char *one = json_text(properties, singular);
    const cJSON *item;

    if (one[0] != '\0')
        cJSON_AddItemToArray(out, cJSON_CreateString(one));
    cJSON_ArrayForEach(item, json_get(properties, plural))
    {
        if (cJSON_IsString(item))
            cJSON_AddItemToArray(out, cJSON_CreateString(item->valuestring));
    }
    return out;
}

int rule_priority(const cJSON *rule)
{
    const cJSON *item = json_get(json_get(rule, "properties"), "priority");

    return cJSON_IsNumber(item) ? item->valueint : 0;
}

bool rule_has_direction(const cJSON *rule, const char *direction)
{
    return text_same(json_text(json_get(rule, "properties"), "direction"), direction);
}

const char *far_prefix(const char *direction)
{
    return text_same(direction, "Outbound") ? "destinationAddressPrefix"
                                            : "sourceAddressPrefix";
}

const char *far_prefixes(const char *direction)
{
    return text_same(direction, "Outbound") ? "destinationAddressPrefixes"
                                            : "sourceAddressPrefixes";
}

static bool could_match(const char *prefix, const struct cidr_list *ips)
{
    struct cordon_ip ip;

    if (!cidr_parse(&ip, prefix))
        return true;
    for (size_t i = 0; i < ips->count; i++) {
        if (cordon_ip_overlaps(&ip, &ips->ips[i]))
            return true;
    }
    return false;
}

bool rule_could_allow(const cJSON *rule, const char *direction, const struct cidr_list *ips)
{
    const cJSON *properties = json_get(rule, "properties");
    const cJSON *item;

    if (!rule_has_direction(rule, direction) ||
        !text_same(json_text(properties, "access"), "Allow"))
        return false;
    cJSON *far = rule_values(properties, far_prefix(direction), far_prefixes(direction));
    bool could = cJSON_GetArraySize(far) == 0;
    cJSON_ArrayForEach(item, far)
    {
        could = could || could_match(item->valuestring, ips);
    }
    cJSON_Delete(far);
    return could;
}

int nsg_priority_free(const cJSON *rules, const char *direction,
                      const struct cidr_list *ips, const char *own)
{
    bool is_taken[PRIORITY_MAX + 1] = { false };
    int below = PRIORITY_MAX + 1;
    const cJSON *rule;

    cJSON_ArrayForEach(rule, rules)
    {
        int priority = rule_priority(rule);
        if (!rule_has_direction(rule, direction) || priority < PRIORITY_MIN ||
            priority > PRIORITY_MAX || text_same(json_text(rule, "name"), own))
            continue;
        is_taken[priority] = true;
        if (priority < below && rule_could_allow(rule, direction, ips))
            below = priority;
    }
    for (int priority = below - 1; priority >= PRIORITY_MIN; priority--) {
        if (!is_taken[priority])
            return priority;
    }
    return 0;
}

/* -- azure.nsg.get --------------------------------------------------------------------- */

static void add_rule(cJSON *list, const cJSON *rule)
{
    const cJSON *properties = json_get(rule, "properties");
    cJSON *out = cJSON_CreateObject();

    cJSON_AddStringToObject(out, "name", json_text(rule, "name"));
    json_copy(out, "priority", properties, "priority");
    json_copy(out, "direction", properties, "direction");
    json_copy(out, "access", properties, "access");
    json_copy(out, "protocol", properties, "protocol");
    json_copy(out, "description", properties, "description");
    cJSON_AddItemToObject(out, "sources",
                          rule_values(properties, "sourceAddressPrefix",
                                      "sourceAddressPrefixes"));
    cJSON_AddItemToObject(out, "source_ports",
                          rule_values(properties, "sourcePortRange", "sourcePortRanges"));
    cJSON_AddItemToObject(out, "destinations",
                          rule_values(properties, "destinationAddressPrefix",
                                      "destinationAddressPrefixes"));
    cJSON_AddItemToObject(out, "destination_ports",
                          rule_values(properties, "destinationPortRange",
                                      "destinationPortRanges"));
    cJSON_AddItemToArray(list, out);
}

/* Where the group is in force: the ids of what refers to it. */
static void add_ids(cJSON *out, const char *name, const cJSON *list)
{
    cJSON *ids = cJSON_AddArrayToObject(out, name);
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
    {
        cJSON_AddItemToArray(ids, cJSON_CreateString(json_text(item, "id")));
    }
}

static void on_nsg(struct job *job, const struct answer *answer, void *arg)
{
    const char *id = arg;
    const cJSON *rule;

    if (!answer_is_good(job, answer, true,
                        job_text(job, "read network security group %s", id)))
        return;
    const cJSON *properties = json_get(answer->json, "properties");
    cJSON *out = job_object(job);
    cJSON_AddStringToObject(out, "id", json_text(answer->json, "id"));
    cJSON_AddStringToObject(out, "name", json_text(answer->json, "name"));
    cJSON_AddStringToObject(out, "location", json_text(answer->json, "location"));
    cJSON *rules = cJSON_AddArrayToObject(out, "rules");
    cJSON_ArrayForEach(rule, json_get(properties, "securityRules"))
    {
        add_rule(rules, rule);
    }
    add_ids(out, "subnets", json_get(properties, "subnets"));
    add_ids(out, "network_interfaces", json_get(properties, "networkInterfaces"));
    json_copy(out, "tags", answer->json, "tags");
    if (json_get(out, "tags") == NULL)
        cJSON_AddObjectToObject(out, "tags");
    job_done(job, out);
}

static int nsg_read(struct cordon_call *call, const struct cordon_input *in)
{
    struct job *job = job_begin(call, in);
    const char *id = armid_of(job, nsg_types);

    if (id != NULL)
        arm_get(job, id, ARM_NETWORK, on_nsg, (void *)id);
    return job_started(job);
}

#define TEXTS "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"

static const char *const permissions[] = { "Microsoft.Network/networkSecurityGroups/read",
                                           NULL };

const struct cordon_action nsg_get = {
    .size = sizeof(struct cordon_action),
    .name = "azure.nsg.get",
    .summary = "Read a network security group and its rules",
    .effect = CORDON_READS,
    .risk = CORDON_LOW,
    .permissions = permissions,
    .timeout_ms = 60000,
    .args_schema = "{\"type\":\"object\",\"additionalProperties\":false,"
                   "\"required\":[\"id\"],\"properties\":{" NSG_ID "}}",
    .result_schema =
        "{\"type\":\"object\",\"additionalProperties\":false,"
        "\"required\":[\"id\",\"name\",\"rules\"],\"properties\":{"
        "\"id\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"},"
        "\"location\":{\"type\":\"string\"},"
        "\"rules\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
        "\"additionalProperties\":false,\"properties\":{\"name\":{\"type\":\"string\"},"
        "\"priority\":{\"type\":\"integer\"},\"direction\":{\"type\":\"string\"},"
        "\"access\":{\"type\":\"string\"},\"protocol\":{\"type\":\"string\"},"
        "\"description\":{\"type\":\"string\"},\"sources\":" TEXTS ","
        "\"source_ports\":" TEXTS ",\"destinations\":" TEXTS ","
        "\"destination_ports\":" TEXTS "}}},"
        "\"subnets\":" TEXTS ",\"network_interfaces\":" TEXTS ","
        "\"tags\":{\"type\":\"object\",\"additionalProperties\":true}}}",
    .read = nsg_read,
};
