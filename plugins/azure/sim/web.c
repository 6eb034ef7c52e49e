/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Microsoft.Web: sites, their configuration and their publishing policies.
 *
 * A site's document is the resource as ARM shows it, with two members more: config.web and
 * policies.{scm,ftp}, each of the shape that its own URL shows.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "arm.h"

enum {
    RULES_MAX = 512,     /* access restrictions in one list */
    RULE_RANGES_MAX = 8, /* ranges in one rule, comma separated */
    LAST_PRIORITY = 2147483647
};

static char *site_id(const struct request *request)
{
    return text_format(
        "/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Web/sites/%s",
        request->args[0], request->args[1], request->args[2]);
}

/* The site of the path as it was age_ms ago; replies 404 when there is none. */
static cJSON *find_site(const struct request *request, struct reply *reply, int64_t age_ms)
{
    char *id = site_id(request);
    cJSON *doc = store_past(&request->sim->store, KIND_SITE, id, age_ms);

    if (doc == NULL)
        arm_not_found(reply, id);
    free(id);
    return doc;
}

/* A new version of site, which is in the store. */
static cJSON *change_site(const struct request *request, const cJSON *site)
{
    return store_write(&request->sim->store, KIND_SITE, json_text(site, "id"));
}

static const char *last_segment(const char *id)
{
    return strrchr(id, '/') + 1;
}

static cJSON *render_site(const cJSON *doc)
{
    cJSON *json = cJSON_CreateObject();

    json_copy(json, doc, "id");
    cJSON_AddStringToObject(json, "name", last_segment(json_text(doc, "id")));
    cJSON_AddStringToObject(json, "type", "Microsoft.Web/sites");
    json_copy(json, doc, "kind");
    json_copy(json, doc, "location");
    json_copy(json, doc, "tags");
    json_copy(json, doc, "identity");
    json_copy(json, doc, "properties");
    return json;
}

static void get_site(struct request *request, struct reply *reply)
{
    const cJSON *site = find_site(request, reply, request->age_ms);

    if (site != NULL)
        reply_json(reply, 200, render_site(site));
}

static void list_sites(struct request *request, struct reply *reply)
{
    arm_list(request, reply, KIND_SITE, render_site);
}

static void set_state(struct request *request, struct reply *reply, const char *state,
                      const char *verb)
{
    const cJSON *site = find_site(request, reply, 0);

    if (site == NULL)
        return;
    if (!text_is(json_text(json_get(site, "properties"), "state"), state)) {
        cJSON *fresh = change_site(request, site);
        if (json_get(fresh, "properties") == NULL)
            cJSON_AddObjectToObject(fresh, "properties");
        json_set_text(json_get(fresh, "properties"), "state", state);
        reply_effect(reply, "web.%s %s", verb, json_text(fresh, "id"));
    }
    reply_json(reply, 200, NULL);
}

static void stop_site(struct request *request, struct reply *reply)
{
    set_state(request, reply, "Stopped", "stop");
}

static void start_site(struct request *request, struct reply *reply)
{
    set_state(request, reply, "Running", "start");
}

static void restart_site(struct request *request, struct reply *reply)
{
    const cJSON *site = find_site(request, reply, 0);

    if (site == NULL)
        return;
    reply_effect(reply, "web.restart %s", json_text(site, "id"));
    reply_json(reply, 200, NULL);
}

static void patch_site(struct request *request, struct reply *reply)
{
    static const char *const writable[] = { "enabled",
                                            "httpsOnly",
                                            "publicNetworkAccess",
                                            "clientCertMode",
                                            "clientCertEnabled",
                                            "clientCertExclusionPaths",
                                            "serverFarmId",
                                            "clientAffinityEnabled",
                                            "hostNamesDisabled",
                                            "virtualNetworkSubnetId",
                                            "keyVaultReferenceIdentity",
                                            NULL };
    const cJSON *site = find_site(request, reply, 0);
    const cJSON *body = site != NULL ? request_json(request, reply) : NULL;

    if (body == NULL)
        return;
    const cJSON *wanted = json_get(body, "properties");
    cJSON *fresh = cJSON_Duplicate(site, true);
    if (json_get(fresh, "properties") == NULL)
        cJSON_AddObjectToObject(fresh, "properties");
    for (int i = 0; writable[i] != NULL; i++)
        json_copy(json_get(fresh, "properties"), wanted, writable[i]);
    json_copy(fresh, body, "tags");
    if (!cJSON_Compare(fresh, site, true)) {
        store_put(&request->sim->store, KIND_SITE, json_text(site, "id"), fresh);
        reply_effect(reply, "web.patch %s", json_text(fresh, "id"));
        reply_json(reply, 200, render_site(fresh));
    } else {
        reply_json(reply, 200, render_site(site));
        cJSON_Delete(fresh);
    }
}

/* A list without rules reads back as the one rule that holds then. */
static void show_open_list(cJSON *properties, const char *name)
{
    if (cJSON_GetArraySize(json_get(properties, name)) > 0)
        return;
    cJSON *list = cJSON_CreateArray();
    cJSON *rule = cJSON_CreateObject();
    cJSON_AddStringToObject(rule, "ipAddress", "Any");
    cJSON_AddStringToObject(rule, "action", "Allow");
    cJSON_AddNumberToObject(rule, "priority", LAST_PRIORITY);
    cJSON_AddStringToObject(rule, "name", "Allow all");
    cJSON_AddStringToObject(rule, "description", "Allow all access");
    cJSON_AddItemToArray(list, rule);
    json_set(properties, name, list);
}

static cJSON *render_config(const cJSON *site)
{
    const cJSON *config = json_get(json_get(site, "config"), "web");
    cJSON *json = cJSON_CreateObject();

    char *id = text_format("%s/config/web", json_text(site, "id"));
    cJSON_AddStringToObject(json, "id", id);
    free(id);
    cJSON_AddStringToObject(json, "name", "web");
    cJSON_AddStringToObject(json, "type", "Microsoft.Web/sites/config");
    json_copy(json, config, "properties");
    cJSON *properties = json_get(json, "properties");
    if (properties == NULL)
        properties = cJSON_AddObjectToObject(json, "properties");
    show_open_list(properties, "ipSecurityRestrictions");
    show_open_list(properties, "scmIpSecurityRestrictions");
    return json;
}

static void get_config(struct request *request, struct reply *reply)
{
    const cJSON *site = find_site(request, reply, request->age_ms);

    if (site != NULL)
        reply_json(reply, 200, render_config(site));
}

static bool is_range(char *text)
{
    unsigned char address[sizeof(struct in6_addr)];
    char *slash = strchr(text, '/');
    int bits = 0;

    while (*text == ' ')
        text++;
    int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
    if (slash != NULL) {
        char *end;
        *slash = '\0';
        bits = (int)strtol(slash + 1, &end, 10);
        if (end == slash + 1 || *end != '\0')
            return false;
    }
    return inet_pton(family, text, address) == 1 && bits >= 0 &&
           bits <= (family == AF_INET ? 32 : 128);
}

static bool are_ranges(const char *text)
{
    char *copy = xstrdup(text);
    char *rest = NULL;
    int count = 0;
    bool is_good = true;

    for (char *range = strtok_r(copy, ",", &rest); range != NULL && is_good;
         range = strtok_r(NULL, ",", &rest))
        is_good = ++count <= RULE_RANGES_MAX && is_range(range);
    free(copy);
    return is_good && count > 0;
}

/* Replies 400 and returns false when a rule of the list could not be kept. */
static bool check_rules(const cJSON *list, const char *name, struct reply *reply)
{
    const cJSON *rule;
    int n = 0;

    if (list == NULL || cJSON_IsNull(list))
        return true;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > RULES_MAX) {
        reply_error(reply, 400, "BadRequest",
                    "properties.%s has to be a list of at most %d", name, RULES_MAX);
        return false;
    }
    cJSON_ArrayForEach(rule, list)
    {
        const char *address = json_text(rule, "ipAddress");
        const char *action = json_text(rule, "action");
        const char *tag = json_text(rule, "tag");
        bool is_plain = tag == NULL || text_is(tag, "Default") || text_is(tag, "XffProxy");
        const char *wrong = NULL;
        if (action != NULL && !text_is(action, "Allow") && !text_is(action, "Deny"))
            wrong = "action has to be Allow or Deny";
        else if (!is_plain && !text_is(tag, "ServiceTag"))
            wrong = "tag has to be Default, XffProxy or ServiceTag";
        else if (address == NULL && json_text(rule, "vnetSubnetResourceId") == NULL)
            wrong = "an ipAddress or a vnetSubnetResourceId is needed";
        else if (address != NULL && is_plain && !text_is(address, "Any") &&
                 !are_ranges(address))
            wrong = "ipAddress has to be one to eight ranges like 203.0.113.0/24";
        if (wrong != NULL) {
            reply_error(reply, 400, "BadRequest", "properties.%s[%d]: %s", name, n, wrong);
            return false;
        }
        n++;
    }
    return true;
}

static bool check_default(const cJSON *properties, const char *name, struct reply *reply)
{
    const cJSON *item = json_get(properties, name);
    const char *action = cJSON_GetStringValue(item);

    if (item == NULL || cJSON_IsNull(item) || text_is(action, "Allow") ||
        text_is(action, "Deny"))
        return true;
    reply_error(reply, 400, "BadRequest", "properties.%s has to be Allow or Deny", name);
    return false;
}

static void patch_config(struct request *request, struct reply *reply)
{
    const cJSON *site = find_site(request, reply, 0);
    const cJSON *body = site != NULL ? request_json(request, reply) : NULL;
    const cJSON *wanted = json_get(body, "properties");
    const cJSON *change;

    if (body == NULL)
        return;
    if (!cJSON_IsObject(wanted)) {
        reply_error(reply, 400, "BadRequest", "the body needs an object called properties");
        return;
    }
    if (!check_rules(json_get(wanted, "ipSecurityRestrictions"), "ipSecurityRestrictions",
                     reply) ||
        !check_rules(json_get(wanted, "scmIpSecurityRestrictions"),
                     "scmIpSecurityRestrictions", reply) ||
        !check_default(wanted, "ipSecurityRestrictionsDefaultAction", reply) ||
        !check_default(wanted, "scmIpSecurityRestrictionsDefaultAction", reply))
        return;

    cJSON *patch = cJSON_CreateObject();
    cJSON *properties = cJSON_AddObjectToObject(
        cJSON_AddObjectToObject(cJSON_AddObjectToObject(patch, "config"), "web"),
        "properties");
    cJSON_ArrayForEach(change, wanted)
    {
        json_copy(properties, wanted, change->string);
    }
    cJSON *fresh = json_merge(cJSON_Duplicate(site, true), patch);
    cJSON_Delete(patch);
    if (!cJSON_Compare(fresh, site, true)) {
        store_put(&request->sim->store, KIND_SITE, json_text(site, "id"), fresh);
        reply_effect(reply, "web.config %s/config/web", json_text(fresh, "id"));
        reply_json(reply, 200, render_config(fresh));
    } else {
        reply_json(reply, 200, render_config(site));
        cJSON_Delete(fresh);
    }
}

static bool is_allowed(const cJSON *site, const char *name)
{
    const cJSON *policy = json_get(json_get(site, "policies"), name);

    return !cJSON_IsFalse(json_get(json_get(policy, "properties"), "allow"));
}

static cJSON *render_policy(const cJSON *site, const char *name)
{
    cJSON *json = cJSON_CreateObject();

    char *id = text_format("%s/basicPublishingCredentialsPolicies/%s",
                           json_text(site, "id"), name);
    cJSON_AddStringToObject(json, "id", id);
    free(id);
    cJSON_AddStringToObject(json, "name", name);
    cJSON_AddStringToObject(json, "type",
                            "Microsoft.Web/sites/basicPublishingCredentialsPolicies");
    cJSON_AddBoolToObject(cJSON_AddObjectToObject(json, "properties"), "allow",
                          is_allowed(site, name));
    return json;
}

static void get_policy(struct request *request, struct reply *reply, const char *name)
{
    const cJSON *site = find_site(request, reply, request->age_ms);

    if (site != NULL)
        reply_json(reply, 200, render_policy(site, name));
}

static void put_policy(struct request *request, struct reply *reply, const char *name)
{
    const cJSON *site = find_site(request, reply, 0);
    const cJSON *body = site != NULL ? request_json(request, reply) : NULL;
    const cJSON *allow = json_get(json_get(body, "properties"), "allow");

    if (body == NULL)
        return;
    if (!cJSON_IsBool(allow)) {
        reply_error(reply, 400, "BadRequest", "properties.allow has to be true or false");
        return;
    }
    if (is_allowed(site, name) != (bool)cJSON_IsTrue(allow)) {
        cJSON *patch = cJSON_CreateObject();
        cJSON *policy =
            cJSON_AddObjectToObject(cJSON_AddObjectToObject(patch, "policies"), name);
        cJSON_AddBoolToObject(cJSON_AddObjectToObject(policy, "properties"), "allow",
                              cJSON_IsTrue(allow));
        cJSON *fresh = json_merge(cJSON_Duplicate(site, true), patch);
        cJSON_Delete(patch);
        store_put(&request->sim->store, KIND_SITE, json_text(fresh, "id"), fresh);
        site = fresh;
        reply_effect(reply, "web.publishing %s/basicPublishingCredentialsPolicies/%s",
                     json_text(site, "id"), name);
    }
    reply_json(reply, 200, render_policy(site, name));
}

#define SITE "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Web/sites/{}"
#define SCM  SITE "/basicPublishingCredentialsPolicies/scm"
#define FTP  SITE "/basicPublishingCredentialsPolicies/ftp"

static void get_scm(struct request *request, struct reply *reply)
{
    get_policy(request, reply, "scm");
}

static void get_ftp(struct request *request, struct reply *reply)
{
    get_policy(request, reply, "ftp");
}

static void put_scm(struct request *request, struct reply *reply)
{
    put_policy(request, reply, "scm");
}

static void put_ftp(struct request *request, struct reply *reply)
{
    put_policy(request, reply, "ftp");
}

const struct route web_routes[] = {
    { "GET", "/subscriptions/{}/providers/Microsoft.Web/sites", "Microsoft.Web/sites/Read",
      list_sites },
    { "GET", SITE, "Microsoft.Web/sites/Read", get_site },
    { "PATCH", SITE, "Microsoft.Web/sites/Write", patch_site },
    { "POST", SITE "/stop", "Microsoft.Web/sites/stop/Action", stop_site },
    { "POST", SITE "/start", "Microsoft.Web/sites/start/Action", start_site },
    { "POST", SITE "/restart", "Microsoft.Web/sites/restart/Action", restart_site },
    { "GET", SITE "/config/web", "Microsoft.Web/sites/config/Read", get_config },
    { "PATCH", SITE "/config/web", "Microsoft.Web/sites/config/Write", patch_config },
    { "GET", SCM, "Microsoft.Web/sites/basicPublishingCredentialsPolicies/scm/Read",
      get_scm },
    { "PUT", SCM, "Microsoft.Web/sites/basicPublishingCredentialsPolicies/scm/Write",
      put_scm },
    { "GET", FTP, "Microsoft.Web/sites/basicPublishingCredentialsPolicies/ftp/Read",
      get_ftp },
    { "PUT", FTP, "Microsoft.Web/sites/basicPublishingCredentialsPolicies/ftp/Write",
      put_ftp },
    { 0 },
};
