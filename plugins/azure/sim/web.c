/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Microsoft.Web: sites and their slots, their configuration and their publishing policies.
 *
 * A slot is a site of its own, below /slots/NAME of another.
 * A site's document is the resource as ARM shows it, with two members more: config.web and
 * policies.{scm,ftp}, each of the shape that its own URL shows.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "arm.h"

enum {
    RULES_MAX = 512,     /* access restrictions in one list */
    RULE_RANGES_MAX = 8, /* ranges in one rule, comma separated */
    LAST_PRIORITY = 2147483647
};

/* Where "slots" is in the path of a slot, and of all that is below it. */
enum { SLOTS_AT = 8 };

static bool is_of_slot(const struct request *request)
{
    return request->segment_count > SLOTS_AT + 1 &&
           text_is(request->segments[SLOTS_AT], "slots");
}

static char *site_id(const struct request *request)
{
    return text_format(
        "/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Web/sites/%s%s%s",
        request->args[0], request->args[1], request->args[2],
        is_of_slot(request) ? "/slots/" : "", is_of_slot(request) ? request->args[3] : "");
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

static bool is_slot(const cJSON *doc)
{
    return text_contains(json_text(doc, "id"), "/slots/");
}

/* "SITE", or "SITE/SLOT" of a slot; to be freed. */
static char *name_of(const cJSON *doc)
{
    const char *id = json_text(doc, "id");
    const char *slot = strcasestr(id, "/slots/");
    const char *site = strcasestr(id, "/sites/") + strlen("/sites/");

    return slot != NULL ? text_format("%.*s/%s", (int)(slot - site), site, last_segment(id))
                        : xstrdup(site);
}

static cJSON *render_site(const cJSON *doc)
{
    cJSON *json = cJSON_CreateObject();
    char *name = name_of(doc);

    json_copy(json, doc, "id");
    cJSON_AddStringToObject(json, "name", name);
    cJSON_AddStringToObject(json, "type",
                            is_slot(doc) ? "Microsoft.Web/sites/slots"
                                         : "Microsoft.Web/sites");
    free(name);
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

static cJSON *render_listed(const cJSON *doc)
{
    return is_slot(doc) ? NULL : render_site(doc);
}

static void list_sites(struct request *request, struct reply *reply)
{
    arm_list(request, reply, KIND_SITE, render_listed);
}

struct slot_list {
    char *place;
    cJSON *items;
};

static int add_slot(cJSON *doc, void *arg)
{
    const struct slot_list *list = arg;

    if (text_starts(json_text(doc, "id"), list->place))
        cJSON_AddItemToArray(list->items, render_site(doc));
    return 0;
}

static void list_slots(struct request *request, struct reply *reply)
{
    const cJSON *site = find_site(request, reply, request->age_ms);
    struct slot_list list;

    if (site == NULL)
        return;
    list.place = text_format("%s/slots/", json_text(site, "id"));
    list.items = cJSON_CreateArray();
    store_each(&request->sim->store, KIND_SITE, request->age_ms, add_slot, &list);
    free(list.place);
    arm_reply_page(request, reply, list.items);
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

/* "203.0.113.7, 198.51.100.0/24" as the API shows it: "203.0.113.7/32,198.51.100.0/24". */
static char *normal_ranges(const char *text)
{
    char *copy = xstrdup(text);
    char *out = xstrdup("");
    char *rest = NULL;

    for (char *range = strtok_r(copy, ",", &rest); range != NULL;
         range = strtok_r(NULL, ",", &rest)) {
        range += strspn(range, " ");
        range[strcspn(range, " ")] = '\0';
        char *full = address_with_length(range);
        char *longer = text_format("%s%s%s", out, out[0] ? "," : "", full);
        free(full);
        free(out);
        out = longer;
    }
    free(copy);
    return out;
}

static void normalise_rules(cJSON *list)
{
    cJSON *rule;

    cJSON_ArrayForEach(rule, list)
    {
        const char *address = json_text(rule, "ipAddress");
        if (address == NULL || text_is(json_text(rule, "tag"), "ServiceTag"))
            continue;
        char *normal = normal_ranges(address);
        json_set_text(rule, "ipAddress", normal);
        free(normal);
    }
}

/* What belongs to the site and not to its configuration: App Service refuses another value of
 * it here, in an envelope of its own. */
static bool check_moved(const cJSON *site, const cJSON *wanted, struct reply *reply)
{
    static const char *const moved[][2] = {
        { "publicNetworkAccess", "PublicNetworkAccess" },
        { "vnetRouteAllEnabled", "VnetRouteAllEnabled" },
    };
    const cJSON *own = json_get(site, "properties");

    for (int i = 0; i < 2; i++) {
        const cJSON *item = json_get(wanted, moved[i][0]);
        if (item == NULL || cJSON_IsNull(item) ||
            cJSON_Compare(item, json_get(own, moved[i][0]), true))
            continue;
        char *text = text_format("SiteConfig.%s cannot be modified. Please modify the "
                                 "Site.%s property.",
                                 moved[i][1], moved[i][1]);
        cJSON *json = cJSON_CreateObject();
        cJSON_AddStringToObject(json, "Code", "BadRequest");
        cJSON_AddStringToObject(json, "Message", text);
        cJSON *entity = cJSON_AddObjectToObject(json, "ErrorEntity");
        cJSON_AddStringToObject(entity, "ExtendedCode", "01020");
        cJSON_AddStringToObject(entity, "Code", "BadRequest");
        cJSON_AddStringToObject(entity, "Message", text);
        free(text);
        reply_json(reply, 400, json);
        return false;
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
        !check_moved(site, wanted, reply) ||
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
    normalise_rules(json_get(properties, "ipSecurityRestrictions"));
    normalise_rules(json_get(properties, "scmIpSecurityRestrictions"));
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

static void list_policies(struct request *request, struct reply *reply)
{
    const cJSON *site = find_site(request, reply, request->age_ms);

    if (site == NULL)
        return;
    cJSON *list = cJSON_CreateArray();
    cJSON_AddItemToArray(list, render_policy(site, "ftp"));
    cJSON_AddItemToArray(list, render_policy(site, "scm"));
    arm_reply_page(request, reply, list);
}

/* The settings of the application: config.appsettings of the world. They hold secrets, so
 * Azure has them behind a POST. */
static void list_settings(struct request *request, struct reply *reply)
{
    const cJSON *site = find_site(request, reply, request->age_ms);

    if (site == NULL)
        return;
    const cJSON *settings = json_get(json_get(site, "config"), "appsettings");
    cJSON *json = cJSON_CreateObject();
    char *id = text_format("%s/config/appsettings", json_text(site, "id"));
    cJSON_AddStringToObject(json, "id", id);
    cJSON_AddStringToObject(json, "name", "appsettings");
    cJSON_AddStringToObject(json, "type", "Microsoft.Web/sites/config");
    json_copy(json, site, "location");
    json_copy(json, settings, "properties");
    if (json_get(json, "properties") == NULL)
        cJSON_AddObjectToObject(json, "properties");
    free(id);
    reply_json(reply, 200, json);
}

/* The WebJobs of a site: "webjobs" of the world, each with a name. */
static void list_jobs(struct request *request, struct reply *reply)
{
    const cJSON *site = find_site(request, reply, request->age_ms);
    const cJSON *job;

    if (site == NULL)
        return;
    cJSON *list = cJSON_CreateArray();
    cJSON_ArrayForEach(job, json_get(site, "webjobs"))
    {
        cJSON *json = cJSON_Duplicate(job, true);
        char *id = text_format("%s/webjobs/%s", json_text(site, "id"),
                               json_text(job, "name") ? json_text(job, "name") : "");
        json_set_text(json, "id", id);
        json_set_text(json, "type", "Microsoft.Web/sites/webjobs");
        cJSON_AddItemToArray(list, json);
        free(id);
    }
    arm_reply_page(request, reply, list);
}

/* The part of a reference to a vault, "SecretUri=https://VAULT.vault.azure.net/secrets/NAME" or
 * "VaultName=VAULT;SecretName=NAME;SecretVersion=V", that begins with name; to be freed. */
static char *reference_part(const char *text, const char *name)
{
    const char *at = strcasestr(text, name);

    if (at == NULL)
        return NULL;
    at += strlen(name);
    return text_format("%.*s", (int)strcspn(at, "./;)"), at);
}

/* A setting that is taken from a vault, as App Service reads it; NULL for any other. */
static cJSON *render_reference(const cJSON *site, const cJSON *setting)
{
    static const char *const parts[][3] = {
        { "vaultName", "VaultName=", "https://" },
        { "secretName", "SecretName=", "/secrets/" },
    };
    const char *text = cJSON_GetStringValue(setting);

    if (!text_starts(text, "@Microsoft.KeyVault("))
        return NULL;
    cJSON *json = cJSON_CreateObject();
    char *id = text_format("%s/config/configreferences/appsettings/%s",
                           json_text(site, "id"), setting->string);
    cJSON_AddStringToObject(json, "id", id);
    cJSON_AddStringToObject(json, "name", setting->string);
    cJSON_AddStringToObject(json, "type", "Microsoft.Web/sites/config/configreferences");
    cJSON *properties = cJSON_AddObjectToObject(json, "properties");
    cJSON_AddStringToObject(properties, "reference", text);
    cJSON_AddStringToObject(properties, "status", "Resolved");
    for (int i = 0; i < 2; i++) {
        char *part = reference_part(text, parts[i][1]);
        part = part != NULL ? part : reference_part(text, parts[i][2]);
        cJSON_AddStringToObject(properties, parts[i][0], part != NULL ? part : "");
        free(part);
    }
    char *secret = text_format("/secrets/%s/", json_text(properties, "secretName"));
    char *version = reference_part(text, "SecretVersion=");
    version = version != NULL ? version : reference_part(text, secret);
    if (version != NULL && version[0] != '\0')
        cJSON_AddStringToObject(properties, "secretVersion", version);
    free(version);
    free(secret);
    free(id);
    return json;
}

static void list_references(struct request *request, struct reply *reply)
{
    const cJSON *site = find_site(request, reply, request->age_ms);
    const cJSON *setting;

    if (site == NULL)
        return;
    cJSON *list = cJSON_CreateArray();
    cJSON_ArrayForEach(setting, json_get(json_get(json_get(site, "config"), "appsettings"),
                                         "properties"))
    {
        cJSON *one = render_reference(site, setting);
        if (one != NULL)
            cJSON_AddItemToArray(list, one);
    }
    arm_reply_page(request, reply, list);
}

static void publish_profile(struct request *request, struct reply *reply)
{
    const cJSON *site = find_site(request, reply, request->age_ms);

    if (site == NULL)
        return;
    char *name = name_of(site);
    reply_xml(reply, 200,
              text_format("<publishData><publishProfile profileName=\"%s - Web Deploy\" "
                          "publishMethod=\"MSDeploy\" "
                          "publishUrl=\"%s.scm.azurewebsites.net:443\" "
                          "userName=\"$%s\" userPWD=\"simulated\"/></publishData>",
                          name, name, name));
    free(name);
}

static void list_configs(struct request *request, struct reply *reply)
{
    const cJSON *site = find_site(request, reply, request->age_ms);

    if (site == NULL)
        return;
    cJSON *list = cJSON_CreateArray();
    cJSON_AddItemToArray(list, render_config(site));
    arm_reply_page(request, reply, list);
}

#define SITE "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Web/sites/{}"

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

#define ACTION "Microsoft.Web/sites/"
#define POLICY ACTION "basicPublishingCredentialsPolicies/"
#define SLOT   SITE "/slots/{}"

/* A slot is served like a site: ROUTES(SITE), ROUTES(SLOT). */
#define ROUTES(at)                                                                         \
    { "GET", at, ACTION "Read", get_site, NULL },                                          \
        { "PATCH", at, ACTION "Write", patch_site, NULL },                                 \
        { "POST", at "/stop", ACTION "stop/Action", stop_site, NULL },                     \
        { "POST", at "/start", ACTION "start/Action", start_site, NULL },                  \
        { "POST", at "/restart", ACTION "restart/Action", restart_site,                    \
          "softRestart synchronous" },                                                     \
        { "GET", at "/webjobs", ACTION "webjobs/Read", list_jobs, "$skiptoken" },          \
        { "GET", at "/config/configreferences/appsettings", ACTION "config/Read",          \
          list_references, "$skiptoken" },                                                 \
        { "POST", at "/publishxml", ACTION "publishxml/Action", publish_profile, NULL },   \
        { "GET", at "/config", ACTION "config/Read", list_configs, "$skiptoken" },         \
        { "GET", at "/config/web", ACTION "config/Read", get_config, NULL },               \
        { "PATCH", at "/config/web", ACTION "config/Write", patch_config, NULL },          \
        { "PUT", at "/config/web", ACTION "config/Write", patch_config, NULL },            \
        { "POST", at "/config/appsettings/list", ACTION "config/list/Action",              \
          list_settings, NULL },                                                           \
        { "GET", at "/basicPublishingCredentialsPolicies", POLICY "Read", list_policies,   \
          "$skiptoken" },                                                                  \
        { "GET", at "/basicPublishingCredentialsPolicies/scm", POLICY "scm/Read", get_scm, \
          NULL },                                                                          \
        { "PUT", at "/basicPublishingCredentialsPolicies/scm", POLICY "scm/Write",         \
          put_scm, NULL },                                                                 \
        { "GET", at "/basicPublishingCredentialsPolicies/ftp", POLICY "ftp/Read", get_ftp, \
          NULL },                                                                          \
    {                                                                                      \
        "PUT", at "/basicPublishingCredentialsPolicies/ftp", POLICY "ftp/Write", put_ftp,  \
            NULL                                                                           \
    }

const struct route web_routes[] = {
    { "GET", "/subscriptions/{}/providers/Microsoft.Web/sites", ACTION "Read", list_sites,
      "$skiptoken" },
    { "GET", "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Web/sites",
      ACTION "Read", list_sites, "$skiptoken" },
    ROUTES(SITE),
    { "GET", SITE "/slots", ACTION "Read", list_slots, "$skiptoken" },
    ROUTES(SLOT),
    { 0 },
};
