/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "armid.h"
#include "text.h"

const char config_schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"cloud\":{\"type\":\"string\",\"enum\":[\"public\",\"usgov\",\"china\"],"
    "\"description\":\"which Azure; public when not given\"},"
    "\"endpoints\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"description\":\"addresses other than the cloud's own, each optional\","
    "\"properties\":{"
    "\"arm\":{\"type\":\"string\",\"description\":\"resource manager\"},"
    "\"arm_audience\":{\"type\":\"string\","
    "\"description\":\"whom tokens for the resource manager are for\"},"
    "\"login\":{\"type\":\"string\",\"description\":\"where tokens are given\"},"
    "\"vault_suffix\":{\"type\":\"string\","
    "\"description\":\"what follows a vault's name in its host name\"},"
    "\"imds\":{\"type\":\"string\",\"description\":\"instance metadata service\"},"
    "\"vaults\":{\"type\":\"object\",\"additionalProperties\":true,"
    "\"description\":\"vault name to the address where it is reached\"},"
    "\"graph\":{\"type\":\"string\",\"description\":\"Microsoft Graph\"},"
    "\"graph_audience\":{\"type\":\"string\","
    "\"description\":\"whom tokens for Graph are for\"},"
    "\"queue_suffix\":{\"type\":\"string\","
    "\"description\":\"what follows a storage account's name where its queues are\"},"
    "\"queues\":{\"type\":\"object\",\"additionalProperties\":true,\"description\":"
    "\"storage account to the address where its queues are reached\"}}},"
    "\"credential\":{\"type\":\"string\","
    "\"enum\":[\"client_secret\",\"federated\",\"managed_identity\",\"az_cli\"],"
    "\"description\":\"how we prove who we are\"},"
    "\"tenant\":{\"type\":\"string\",\"description\":\"tenant id or domain\"},"
    "\"client_id\":{\"type\":\"string\",\"format\":\"uuid\","
    "\"description\":\"the application's id; for managed_identity that of a user-assigned "
    "identity\"},"
    "\"secret\":{\"type\":\"string\","
    "\"description\":\"name of the client secret among this plugin's secrets\"},"
    "\"federated_token_file\":{\"type\":\"string\","
    "\"description\":\"file with the assertion, read anew for each token\"},"
    "\"az_config_dir\":{\"type\":\"string\","
    "\"description\":\"where az keeps its login; .azure in the home directory when not "
    "given\"},"
    "\"vault_ids\":{\"type\":\"object\",\"additionalProperties\":true,\"description\":"
    "\"vault name to its resource id, for vaults that cordon's identity cannot list\"},"
    "\"own\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"description\":\"what is cordon's own, and is never touched\",\"properties\":{"
    "\"object_id\":{\"type\":\"string\",\"format\":\"uuid\","
    "\"description\":\"of the identity that cordon has; also known from its tokens\"},"
    "\"vaults\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},"
    "\"description\":\"names of vaults that its own secrets come from\"},"
    "\"addresses\":{\"type\":\"array\",\"items\":{\"type\":\"string\","
    "\"format\":\"ip\"},\"description\":\"from which it reaches Azure\"}}}}}";

struct cloud {
    const char *name;
    const char *arm;
    const char *login;
    const char *vault_suffix;
    const char *graph;
    const char *queue_suffix;
};

static const struct cloud clouds[] = {
    { "public", "https://management.azure.com", "https://login.microsoftonline.com",
      "vault.azure.net", "https://graph.microsoft.com", "queue.core.windows.net" },
    { "usgov", "https://management.usgovcloudapi.net", "https://login.microsoftonline.us",
      "vault.usgovcloudapi.net", "https://graph.microsoft.us",
      "queue.core.usgovcloudapi.net" },
    { "china", "https://management.chinacloudapi.cn",
      "https://login.partner.microsoftonline.cn", "vault.azure.cn",
      "https://microsoftgraph.chinacloudapi.cn", "queue.core.chinacloudapi.cn" },
};

static const char *const credential_names[] = {
    [CREDENTIAL_NONE] = "",
    [CREDENTIAL_SECRET] = "client_secret",
    [CREDENTIAL_FEDERATED] = "federated",
    [CREDENTIAL_MANAGED] = "managed_identity",
    [CREDENTIAL_AZ_CLI] = "az_cli",
};

static const char *text_or(const cJSON *object, const char *name, const char *otherwise)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsString(item) ? item->valuestring : otherwise;
}

/* An address is used as the beginning of others, so it must not end with a slash. */
static const char *address_or(const cJSON *object, const char *name, const char *otherwise)
{
    cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    if (!cJSON_IsString(item))
        return otherwise;
    size_t len = strlen(item->valuestring);
    while (len > 0 && item->valuestring[len - 1] == '/')
        item->valuestring[--len] = '\0';
    return item->valuestring;
}

static bool is_address(const char *text)
{
    return strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0;
}

static const struct cloud *cloud_find(const char *name)
{
    for (size_t i = 0; i < sizeof clouds / sizeof clouds[0]; i++) {
        if (strcmp(clouds[i].name, name) == 0)
            return &clouds[i];
    }
    return NULL;
}

static int check_addresses(const cJSON *addresses, const char *what,
                           const struct cordon_host *host)
{
    const cJSON *one;

    cJSON_ArrayForEach(one, addresses)
    {
        if (!cJSON_IsString(one) || !is_address(one->valuestring)) {
            host->fail(NULL, "BadEndpoint",
                       "endpoints.%s.%s has to be an address that begins with https://",
                       what, one->string);
            return -1;
        }
    }
    return 0;
}

static int check_endpoints(const struct config *config, const struct cordon_host *host)
{
    if (!is_address(config->arm) || !is_address(config->login) ||
        !is_address(config->imds) || !is_address(config->graph)) {
        host->fail(NULL, "BadEndpoint",
                   "endpoints.arm, login, imds and graph have to begin with https:// or "
                   "http://");
        return -1;
    }
    return check_addresses(config->vaults, "vaults", host) != 0 ||
                   check_addresses(config->queues, "queues", host) != 0
               ? -1
               : 0;
}

static int check_vault_ids(const struct config *config, const struct cordon_host *host)
{
    const cJSON *one;

    cJSON_ArrayForEach(one, config->vault_ids)
    {
        const char *id = cJSON_IsString(one) ? one->valuestring : "";
        char type[ARMID_TYPE_MAX];

        if (armid_fault(id, type) == NULL && text_same(type, "Microsoft.KeyVault/vaults") &&
            text_same(armid_name(id), one->string))
            continue;
        host->fail(NULL, "BadConfig",
                   "vault_ids.%.60s: \"%.200s\" is not the resource id of that vault; want "
                   "/subscriptions/GUID/resourceGroups/GROUP/providers/Microsoft.KeyVault/"
                   "vaults/%.60s",
                   one->string, id, one->string);
        return -1;
    }
    return 0;
}

/* What each way of proving who we are cannot do without. */
static int check_credential(const struct config *config, const struct cordon_host *host)
{
    bool needs_client = config->credential == CREDENTIAL_SECRET ||
                        config->credential == CREDENTIAL_FEDERATED;
    const char *missing = NULL;

    if (needs_client && config->tenant[0] == '\0')
        missing = "tenant";
    else if (needs_client && config->client_id[0] == '\0')
        missing = "client_id";
    else if (config->credential == CREDENTIAL_SECRET && config->secret[0] == '\0')
        missing = "secret (the name of one of this plugin's secrets)";
    else if (config->credential == CREDENTIAL_FEDERATED &&
             config->federated_token_file[0] == '\0')
        missing = "federated_token_file";
    if (missing != NULL) {
        host->fail(NULL, "BadConfig", "credential %s needs %s",
                   credential_names[config->credential], missing);
        return -1;
    }
    if (config->credential == CREDENTIAL_SECRET && host->secret(config->secret) == NULL) {
        host->fail(NULL, "NoSecret", "this plugin has no secret with the name %s",
                   config->secret);
        return -1;
    }
    return 0;
}

static enum credential_kind credential_of(const char *name)
{
    for (int kind = CREDENTIAL_SECRET; kind <= CREDENTIAL_AZ_CLI; kind++) {
        if (strcmp(credential_names[kind], name) == 0)
            return (enum credential_kind)kind;
    }
    return CREDENTIAL_NONE;
}

static void fill(struct config *config, const struct cloud *cloud)
{
    const cJSON *json = config->json;
    const cJSON *ends = cJSON_GetObjectItemCaseSensitive(json, "endpoints");

    config->arm = address_or(ends, "arm", cloud->arm);
    config->arm_audience = address_or(ends, "arm_audience", cloud->arm);
    config->login = address_or(ends, "login", cloud->login);
    config->vault_suffix = text_or(ends, "vault_suffix", cloud->vault_suffix);
    config->imds = address_or(ends, "imds", "http://169.254.169.254");
    config->vaults = cJSON_GetObjectItemCaseSensitive(ends, "vaults");
    config->graph = address_or(ends, "graph", cloud->graph);
    config->graph_audience = address_or(ends, "graph_audience", cloud->graph);
    config->queue_suffix = text_or(ends, "queue_suffix", cloud->queue_suffix);
    config->queues = cJSON_GetObjectItemCaseSensitive(ends, "queues");
    config->credential = credential_of(text_or(json, "credential", ""));
    config->tenant = text_or(json, "tenant", "");
    config->client_id = text_or(json, "client_id", "");
    config->secret = text_or(json, "secret", "");
    config->federated_token_file = text_or(json, "federated_token_file", "");
    config->az_config_dir = text_or(json, "az_config_dir", "");
    config->vault_ids = cJSON_GetObjectItemCaseSensitive(json, "vault_ids");
    config->own = cJSON_GetObjectItemCaseSensitive(json, "own");
}

/* A program gets the environment of the plugin's process, which has HOME and PATH alone. az
 * must not colour or explain its answer, nor leave a process behind that sends telemetry;
 * Python is to write UTF-8, and to stay within the address space that plugins have. */
static int prepare_az(const struct config *config, const struct cordon_host *host)
{
    static const char *const settings[][2] = {
        { "AZURE_CORE_ONLY_SHOW_ERRORS", "yes" },
        { "AZURE_CORE_NO_COLOR", "yes" },
        { "AZURE_CORE_COLLECT_TELEMETRY", "no" },
        { "LANG", "C.UTF-8" },
        { "MALLOC_ARENA_MAX", "2" },
    };
    bool is_set = true;

    if (config->credential != CREDENTIAL_AZ_CLI)
        return 0;
    if (config->az_config_dir[0] != '\0' && config->az_config_dir[0] != '/') {
        host->fail(NULL, "BadConfig", "az_config_dir is %s; want a path that begins with /",
                   config->az_config_dir);
        return -1;
    }
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        is_set = is_set && setenv(settings[i][0], settings[i][1], 1) == 0;
    if (config->az_config_dir[0] != '\0')
        is_set = is_set && setenv("AZURE_CONFIG_DIR", config->az_config_dir, 1) == 0;
    if (is_set)
        return 0;
    host->fail(NULL, "BadConfig", "the environment of az cannot be set");
    return -1;
}

int config_init(struct config *config, const struct cordon_host *host, const char *text)
{
    *config = (struct config){ .json = cJSON_Parse(text) };
    if (!cJSON_IsObject(config->json)) {
        host->fail(NULL, "BadConfig", "the configuration has to be a JSON object");
        config_fini(config);
        return -1;
    }
    const char *name = text_or(config->json, "cloud", "public");
    const struct cloud *cloud = cloud_find(name);
    if (cloud == NULL) {
        host->fail(NULL, "BadConfig", "cloud is %s; want public, usgov or china", name);
        config_fini(config);
        return -1;
    }
    fill(config, cloud);
    if (check_endpoints(config, host) != 0 || check_vault_ids(config, host) != 0 ||
        check_credential(config, host) != 0 || prepare_az(config, host) != 0) {
        config_fini(config);
        return -1;
    }
    return 0;
}

void config_fini(struct config *config)
{
    cJSON_Delete(config->json);
    *config = (struct config){ 0 };
}
