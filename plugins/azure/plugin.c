/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.c - the azure plugin: containments of App Service, Key Vault, role assignments and
 * network security groups. docs/azure.md says how it is configured.
 */
#include "azure.h"

#include <stdlib.h>

#include "credential.h"
#include "vault.h"

static const struct cordon_action *const actions[] = {
    &appservice_get,
    &appservice_stop,
    &appservice_block_ips,
    &appservice_disable_publishing,
    &keyvault_get_secret_info,
    &keyvault_rotate_secret,
    &keyvault_disable_secret,
    &rbac_assignments,
    &rbac_remove,
    &nsg_get,
    &nsg_block_ips,
    &feed_defender,
    &feed_graph_alerts,
    &feed_graph_incidents,
    &queue_take,
    NULL,
};

static int on_open(const struct cordon_host *host, const char *config, void **plugin)
{
    struct azure *azure = calloc(1, sizeof *azure);

    if (azure == NULL)
        abort();
    azure->host = host;
    if (config_init(&azure->config, host, config) != 0) {
        free(azure);
        return -1;
    }
    *plugin = azure;
    return 0;
}

static void on_close(void *plugin)
{
    struct azure *azure = plugin;

    credential_fini(azure);
    vault_fini(azure);
    own_fini(azure);
    known_fini(azure);
    config_fini(&azure->config);
    free(azure);
}

CORDON_EXPORT const struct cordon_plugin cordon_plugin_v1 = {
    .size = sizeof(struct cordon_plugin),
    .abi = CORDON_ABI,
    .name = "azure",
    .version = "1.0.0",
    .summary = "Containment in Azure: App Service, Key Vault, role assignments, NSGs",
    .config_schema = config_schema,
    .actions = actions,
    .open = on_open,
    .close = on_close,
};
