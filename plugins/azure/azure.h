/* SPDX-License-Identifier: Apache-2.0 */
/*
 * azure.h - what the files of the azure plugin share: its state, and the list of actions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cordon/plugin.h>

#include "config.h"
#include "known.h"
#include "own.h"

enum {
    TOKENS_MAX = 16, /* tokens kept at once; the oldest makes room */
    VAULTS_MAX = 64  /* vaults whose challenge is remembered; the same */
};

/* One access token that was given to us. All text is on the heap, and wiped when freed. */
struct token {
    char *name; /* authority, tenant, client and scope */
    char *text;
    int64_t expires_ms;
};

/* What a vault said about who may speak to it. */
struct challenge {
    char *vault; /* lower case */
    char *tenant;
    char *audience;
};

/* What open() makes. One thread, so nobody locks it. */
struct azure {
    const struct cordon_host *host;
    struct config config;
    struct token tokens[TOKENS_MAX];
    size_t token_next;      /* the slot that a new token overwrites */
    bool az_has_one_tenant; /* az turned --tenant down: its account knows one only */
    struct challenge challenges[VAULTS_MAX];
    size_t challenge_next;
    struct own own;
    struct known known[KNOWN_MAX];
    size_t known_next;
};

extern const struct cordon_action appservice_get;
extern const struct cordon_action appservice_stop;
extern const struct cordon_action appservice_block_ips;
extern const struct cordon_action appservice_disable_publishing;
extern const struct cordon_action keyvault_get_secret_info;
extern const struct cordon_action keyvault_rotate_secret;
extern const struct cordon_action keyvault_disable_secret;
extern const struct cordon_action rbac_assignments;
extern const struct cordon_action rbac_remove;
extern const struct cordon_action nsg_get;
extern const struct cordon_action nsg_block_ips;
extern const struct cordon_action feed_defender;
extern const struct cordon_action feed_graph_alerts;
extern const struct cordon_action feed_graph_incidents;
extern const struct cordon_action queue_take;
