/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"

#include <stdlib.h>
#include <string.h>

enum { PRIORITY_MIN = 100, PRIORITY_MAX = 4096, DESCRIPTION_MAX = 140, PORT_MAX = 65535 };

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

bool rule_check(const cJSON *properties, const char *name, const cJSON *rules,
                struct reply *reply)
{
    static const char *const protocols[] = { "Tcp", "Udp", "Icmp", "Esp", "Ah", "*", NULL };
    static const char *const accesses[] = { "Allow", "Deny", NULL };
    static const char *const directions[] = { "Inbound", "Outbound", NULL };
    const char *description = json_text(properties, "description");

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
           check_priority(properties, name, rules, reply);
}
