/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"

enum {
    PRIORITY_MIN = 100,
    PRIORITY_MAX = 4096,
    DESCRIPTION_MAX = 140,
    PORT_MAX = 65535,
    NAME_MAX_LEN = 80,
    ADDRESSES_MAX = 4000 /* in one member of all rules of a group */
};

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (text_is(text, *words))
            return true;
    }
    return false;
}

static bool check_word(const cJSON *properties, const char *name, const char *const *words,
                       struct reply *reply)
{
    const char *text = json_text(properties, name);

    if (text == NULL) {
        reply_error(reply, 400, "InvalidRequestFormat",
                    "the rule lacks the required property %s", name);
        return false;
    }
    if (!is_one_of(text, words)) {
        reply_error(reply, 400, "InvalidRequestFormat", "'%s' is not a value for %s", text,
                    name);
        return false;
    }
    return true;
}

/* "*", a port, or a range of ports. */
static bool is_ports(const char *text)
{
    char *end;

    if (strcmp(text, "*") == 0)
        return true;
    long first = strtol(text, &end, 10);
    if (end == text || first < 0 || first > PORT_MAX)
        return false;
    if (*end == '\0')
        return true;
    const char *second_text = end + 1;
    long second = strtol(second_text, &end, 10);
    return second_text[-1] == '-' && end != second_text && *end == '\0' &&
           second >= first && second <= PORT_MAX;
}

/* A rule has the singular member or the plural one (or application groups), not two. */
static bool check_either(const cJSON *properties, const char *one, const char *many,
                         const char *groups, struct reply *reply)
{
    const cJSON *item = json_get(properties, one);
    bool has_one = cJSON_IsString(item) && item->valuestring[0] != '\0';
    bool has_many = cJSON_GetArraySize(json_get(properties, many)) > 0;
    bool has_groups =
        groups != NULL && cJSON_GetArraySize(json_get(properties, groups)) > 0;

    if (has_one + has_many + has_groups == 1)
        return true;
    reply_error(reply, 400, "InvalidRequestFormat",
                "a rule needs either %s or %s, and not both", one, many);
    return false;
}

static bool check_ports(const cJSON *properties, const char *one, const char *many,
                        struct reply *reply)
{
    const char *text = json_text(properties, one);
    const cJSON *item;

    if (!check_either(properties, one, many, NULL, reply))
        return false;
    bool is_good = text == NULL || text[0] == '\0' || is_ports(text);
    cJSON_ArrayForEach(item, json_get(properties, many))
    {
        is_good = is_good && cJSON_IsString(item) && is_ports(item->valuestring);
    }
    if (!is_good)
        reply_error(reply, 400, "SecurityRuleInvalidPortRange",
                    "%s of a rule has to be *, a port or a range like 80-443", one);
    return is_good;
}

static bool check_priority(const cJSON *properties, const char *name, const cJSON *rules,
                           struct reply *reply)
{
    const cJSON *priority = json_get(properties, "priority");
    const cJSON *rule;

    if (!cJSON_IsNumber(priority)) {
        reply_error(reply, 400, "InvalidRequestFormat",
                    "the rule lacks the required property priority");
        return false;
    }
    if (priority->valuedouble != priority->valueint || priority->valueint < PRIORITY_MIN ||
        priority->valueint > PRIORITY_MAX) {
        reply_error(reply, 400, "SecurityRuleInvalidPriority",
                    "the priority of a rule has to be from %d to %d", PRIORITY_MIN,
                    PRIORITY_MAX);
        return false;
    }
    cJSON_ArrayForEach(rule, rules)
    {
        const cJSON *other = json_get(rule, "properties");
        if (!text_is(json_text(rule, "name"), name) &&
            text_is(json_text(other, "direction"), json_text(properties, "direction")) &&
            (int)json_number(other, "priority", 0) == priority->valueint) {
            reply_error(reply, 400, "SecurityRuleConflict",
                        "the rules '%s' and '%s' would have the same priority %d and "
                        "direction %s",
                        name, json_text(rule, "name"), priority->valueint,
                        json_text(properties, "direction"));
            return false;
        }
    }
    return true;
}

/* A rule that is being checked. */
struct draft {
    const cJSON *properties;
    const char *name, *nsg_id;
    const cJSON *rules;
    struct reply *reply;
};

static bool is_name(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > NAME_MAX_LEN || !isalnum((unsigned char)name[0]))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)name[i]) && strchr("_.-", name[i]) == NULL)
            return false;
    }
    return isalnum((unsigned char)name[len - 1]) || name[len - 1] == '_';
}

static bool check_name(const struct draft *draft)
{
    if (is_name(draft->name))
        return true;
    reply_error(
        draft->reply, 400, "InvalidResourceName",
        "Resource name %s is invalid. The name can be up to 80 characters long. It "
        "must begin with a word character, and it must end with a word character or "
        "with '_'. The name may contain word characters or '.', '-', '_'.",
        draft->name);
    return false;
}

/* One address of a list or, when is_alone, the only one. Adds its family to families. */
static bool check_address(const struct draft *draft, const char *member, const char *text,
                          bool is_alone, unsigned *families)
{
    enum address_kind kind = text != NULL ? address_kind(text) : ADDRESS_BAD;

    if (kind == ADDRESS_BAD) {
        reply_error(draft->reply, 400, "SecurityRuleInvalidAddressPrefix",
                    "Security rule has invalid Address prefix. Value provided: %s",
                    text != NULL ? text : "");
        return false;
    }
    if (!is_alone && (kind == ADDRESS_ANY || kind == ADDRESS_TAG)) {
        reply_error(
            draft->reply, 400, "SecurityRuleParameterContainsUnsupportedValue",
            "Security rule parameter %s for rule with Id %s/securityRules/%s cannot "
            "specify existing VIRTUALNETWORK, INTERNET, AZURELOADBALANCER, '*' or "
            "system tags. Unsupported value used: %s.",
            member, draft->nsg_id, draft->name, text);
        return false;
    }
    *families |= 1U << kind;
    return true;
}

static bool check_side(const struct draft *draft, const char *one, const char *many,
                       unsigned *families)
{
    const char *text = json_text(draft->properties, one);
    const cJSON *item;

    if (text != NULL && text[0] != '\0' && !check_address(draft, one, text, true, families))
        return false;
    cJSON_ArrayForEach(item, json_get(draft->properties, many))
    {
        if (!check_address(draft, many, cJSON_GetStringValue(item), false, families))
            return false;
    }
    return true;
}

static bool check_addresses(const struct draft *draft)
{
    unsigned families = 0;

    if (!check_side(draft, "sourceAddressPrefix", "sourceAddressPrefixes", &families) ||
        !check_side(draft, "destinationAddressPrefix", "destinationAddressPrefixes",
                    &families))
        return false;
    if ((families & (1U << ADDRESS_V4)) == 0 || (families & (1U << ADDRESS_V6)) == 0)
        return true;
    reply_error(draft->reply, 400,
                "ResourceCannotContainAddressPrefixesFromDifferentAddressFamilies",
                "%s contains IP addresses or prefixes that belong to different address "
                "families. All IP addresses or prefixes in the resource should belong to "
                "the same address family.",
                draft->name);
    return false;
}

static int count_all(const struct draft *draft, const char *member)
{
    int count = cJSON_GetArraySize(json_get(draft->properties, member));
    const cJSON *rule;

    cJSON_ArrayForEach(rule, draft->rules)
    {
        if (!text_is(json_text(rule, "name"), draft->name))
            count += cJSON_GetArraySize(json_get(json_get(rule, "properties"), member));
    }
    return count;
}

static bool check_limits(const struct draft *draft, int rules_max)
{
    static const char *const lists[] = { "sourceAddressPrefixes",
                                         "destinationAddressPrefixes" };
    bool is_new = json_find(draft->rules, "name", draft->name) == NULL;

    if (is_new && cJSON_GetArraySize(draft->rules) >= rules_max) {
        reply_error(draft->reply, 400, "SecurityRuleCountLimitReached",
                    "A security group cannot have more than %d security rules.", rules_max);
        return false;
    }
    for (int i = 0; i < 2; i++) {
        int count = count_all(draft, lists[i]);
        if (count <= ADDRESSES_MAX)
            continue;
        reply_error(
            draft->reply, 400, "SecurityRuleAddressesOrPortsPerSecurityGroupLimitReached",
            "Network security group %s has %d %s. A security group cannot have more "
            "than %d %s as per the limit "
            "MaxSecurityRuleAddressesOrPortsPerSecurityGroup.",
            draft->nsg_id, count, lists[i], ADDRESSES_MAX, lists[i]);
        return false;
    }
    return true;
}

bool rule_check(const cJSON *properties, const char *name, const cJSON *nsg, int rules_max,
                struct reply *reply)
{
    static const char *const protocols[] = { "Tcp", "Udp", "Icmp", "Esp", "Ah", "*", NULL };
    static const char *const accesses[] = { "Allow", "Deny", NULL };
    static const char *const directions[] = { "Inbound", "Outbound", NULL };
    const char *description = json_text(properties, "description");
    const struct draft draft = { properties, name, json_text(nsg, "id"),
                                 json_get(nsg, "rules"), reply };

    if (!check_name(&draft))
        return false;
    if (!cJSON_IsObject(properties)) {
        reply_error(reply, 400, "InvalidRequestFormat",
                    "the body of a rule needs an object called properties");
        return false;
    }
    if (description != NULL && strlen(description) > DESCRIPTION_MAX) {
        reply_error(reply, 400, "InvalidRequestFormat",
                    "the description of a rule has at most %d characters", DESCRIPTION_MAX);
        return false;
    }
    return check_word(properties, "protocol", protocols, reply) &&
           check_word(properties, "access", accesses, reply) &&
           check_word(properties, "direction", directions, reply) &&
           check_either(properties, "sourceAddressPrefix", "sourceAddressPrefixes",
                        "sourceApplicationSecurityGroups", reply) &&
           check_either(properties, "destinationAddressPrefix",
                        "destinationAddressPrefixes",
                        "destinationApplicationSecurityGroups", reply) &&
           check_ports(properties, "sourcePortRange", "sourcePortRanges", reply) &&
           check_ports(properties, "destinationPortRange", "destinationPortRanges",
                       reply) &&
           check_addresses(&draft) && check_limits(&draft, rules_max) &&
           check_priority(properties, name, draft.rules, reply);
}
