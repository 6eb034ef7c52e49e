/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - which cloud, where its services answer, and who we are there.
 *
 * Hosts are configuration and never constants of the code that sends: the table of clouds
 * gives the defaults, "endpoints" overrides each of them.
 */
#pragma once

#include <cjson/cJSON.h>

#include <cordon/plugin.h>

enum credential_kind {
    CREDENTIAL_NONE, /* calls are refused with a sentence */
    CREDENTIAL_SECRET,
    CREDENTIAL_FEDERATED,
    CREDENTIAL_MANAGED,
    CREDENTIAL_AZ_CLI
};

/* All text is borrowed from json, or constant; never NULL, "" when not given. */
struct config {
    cJSON *json;
    const char *arm;          /* "https://management.azure.com", no slash at the end */
    const char *arm_audience; /* the same in each cloud but the simulator's */
    const char *login;
    const char *vault_suffix; /* "vault.azure.net" */
    const char *imds;
    const cJSON *vaults;    /* name -> address, for vaults that answer elsewhere */
    const cJSON *vault_ids; /* name -> resource id, for vaults that cannot be listed */
    const char *graph;
    const char *graph_audience; /* the same but for the simulator's */
    const char *queue_suffix;   /* "queue.core.windows.net" */
    const cJSON *queues;        /* storage account -> address, as vaults */
    enum credential_kind credential;
    const char *tenant;
    const char *client_id;
    const char *secret; /* its name, for host->secret() */
    const char *federated_token_file;
    const char *az_config_dir; /* where az keeps its login */
    const cJSON *own;          /* object_id, vaults, addresses; NULL when it is not given */
};

extern const char config_schema[];

/* Reads config, which matches config_schema. Returns 0, or -1 after host->fail(). */
int config_init(struct config *config, const struct cordon_host *host, const char *text);
void config_fini(struct config *config);
