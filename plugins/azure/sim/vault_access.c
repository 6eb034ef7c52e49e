/* SPDX-License-Identifier: Apache-2.0 */
#include "vault_access.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "sim.h"

enum { TEXT_MAX = 64 };

/* Is the IPv4 address in the range, "203.0.113.0/24" or an address alone? */
static bool is_in_range(const char *address, const char *range)
{
    char text[TEXT_MAX];
    struct in_addr wanted;
    struct in_addr base;
    long bits = 32;

    if (strlen(range) >= sizeof text)
        return false;
    memcpy(text, range, strlen(range) + 1);
    char *slash = strchr(text, '/');
    if (slash != NULL) {
        *slash = '\0';
        bits = strtol(slash + 1, NULL, 10);
    }
    if (inet_pton(AF_INET, address, &wanted) != 1 || inet_pton(AF_INET, text, &base) != 1 ||
        bits < 0 || bits > 32)
        return false;
    uint32_t mask = bits == 0 ? 0 : ~0U << (32 - bits);
    return (ntohl(wanted.s_addr) & mask) == (ntohl(base.s_addr) & mask);
}

static bool is_let_through(const cJSON *acls, const char *address)
{
    const cJSON *rule;

    cJSON_ArrayForEach(rule, json_get(acls, "ipRules"))
    {
        const char *range = json_text(rule, "value");
        if (range != NULL && is_in_range(address, range))
            return true;
    }
    return false;
}

bool vault_lets_in(const struct request *request, struct reply *reply, const cJSON *vault)
{
    const cJSON *properties = json_get(vault, "properties");
    const cJSON *acls = json_get(properties, "networkAcls");
    const char *address = request->client_address;

    if (text_is(json_text(properties, "publicNetworkAccess"), "Disabled")) {
        reply_error(reply, 403, "Forbidden",
                    "Public network access is disabled and request is not from a trusted "
                    "service nor via an approved private link.");
        reply_inner(reply, "ForbiddenByConnection");
        return false;
    }
    if (!text_is(json_text(acls, "defaultAction"), "Deny") || is_let_through(acls, address))
        return true;
    reply_error(
        reply, 403, "Forbidden",
        "Client address is not authorized and caller is not a trusted service.\r\n"
        "Client address: %s\r\nCaller: name=from-simulator\r\nVault: %s;location=%s",
        address, request->vault,
        json_text(vault, "location") ? json_text(vault, "location") : "");
    reply_inner(reply, "ForbiddenByFirewall");
    return false;
}

/* What an access policy calls an action on secrets. */
static const char *old_name(const char *action)
{
    static const char *const names[][2] = {
        { "readMetadata/action", "list" },
        { "getSecret/action", "get" },
        { "setSecret/action", "set" },
        { "update/action", "set" },
        { "delete", "delete" },
        { "backup/action", "backup" },
        { "restore/action", "restore" },
        { "recover/action", "recover" },
        { "purge/action", "purge" },
    };
    const char *verb = action + strlen("Microsoft.KeyVault/vaults/secrets/");

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i][0], verb) == 0)
            return names[i][1];
    }
    return "all";
}

static bool has_policy(const struct request *request, const cJSON *properties,
                       const char *name)
{
    const char *own = json_text(request->identity, "object_id");
    const cJSON *policy;
    const cJSON *item;

    cJSON_ArrayForEach(policy, json_get(properties, "accessPolicies"))
    {
        if (!text_is(json_text(policy, "objectId"), own))
            continue;
        cJSON_ArrayForEach(item, json_get(json_get(policy, "permissions"), "secrets"))
        {
            const char *text = cJSON_GetStringValue(item);
            if (text_is(text, name) || text_is(text, "all"))
                return true;
        }
    }
    return false;
}

/* The older mode is on where the world says so, or has policies and says nothing. */
static bool has_policies(const cJSON *properties)
{
    const cJSON *rbac = json_get(properties, "enableRbacAuthorization");

    if (cJSON_IsBool(rbac))
        return cJSON_IsFalse(rbac);
    return cJSON_GetArraySize(json_get(properties, "accessPolicies")) > 0;
}

static void refuse_old(const struct request *request, struct reply *reply,
                       const cJSON *vault, const char *name)
{
    const char *where = json_text(vault, "location");

    reply_error(
        reply, 403, "Forbidden",
        "The user, group or application 'appid=%s;oid=%s;iss=https://sts.windows.net"
        "/%s/' does not have secrets %s permission on key vault '%s;location=%s'. For "
        "help resolving this issue, please see "
        "https://go.microsoft.com/fwlink/?linkid=2125287",
        json_text(request->identity, "client_id"),
        json_text(request->identity, "object_id"), request->sim->settings.tenant, name,
        request->vault, where != NULL ? where : "");
    reply_inner(reply, "AccessDenied");
}

bool vault_allows(const struct request *request, struct reply *reply, const cJSON *vault,
                  const char *action)
{
    const cJSON *properties = json_get(vault, "properties");
    struct access access = { .action = action,
                             .scope = json_text(vault, "id"),
                             .is_data = true };

    if (has_policies(properties)) {
        const char *name = old_name(action);
        bool is_allowed =
            access_allows(request, action) && has_policy(request, properties, name);
        if (!is_allowed)
            refuse_old(request, reply, vault, name);
        return is_allowed;
    }
    enum access_verdict verdict = access_check(request, &access);
    if (verdict == ACCESS_GRANTED)
        return true;
    reply_error(reply, 403, "Forbidden",
                "Caller is not authorized to perform action on resource.\r\nIf role "
                "assignments, deny assignments or role definitions were changed recently, "
                "please observe propagation time.\r\nCaller: appid=%s;oid=%s\r\nAction: "
                "'%s'\r\nResource: '%s'\r\nDenyAssignmentId: %s\r\nVault: %s",
                json_text(request->identity, "client_id"),
                json_text(request->identity, "object_id"), action, request->path,
                access.denier_id != NULL ? access.denier_id : "null", request->vault);
    reply_inner(reply, "ForbiddenByRbac");
    return false;
}
