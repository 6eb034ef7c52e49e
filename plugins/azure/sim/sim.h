/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim.h - the one simulated cloud of this process, as every part of the simulator sees it.
 *
 * One thread owns it. Parts that keep something of their own (tokens, operations, faults,
 * the log) hide it behind a pointer that only their file looks into.
 */
#pragma once

#include <stdint.h>

#include "store.h"

enum {
    BODY_MAX = 1024 * 1024,       /* bytes of one request's body */
    WORLD_MAX = 16 * 1024 * 1024, /* bytes of a world file */
    CONNECTIONS_MAX = 256,
    ERROR_SIZE = 512
};

/* What the world file says about the cloud as a whole. Texts are borrowed from head. */
struct settings {
    const char *tenant;
    const char *arm;            /* https://management.azure.com */
    const char *login;          /* https://login.microsoftonline.com */
    const char *vault_suffix;   /* vault.azure.net */
    const char *vault_audience; /* https://vault.azure.net */
    const char *graph;          /* https://graph.microsoft.com */
    int token_ttl_s;
    int lro_ms;            /* how long a long-running operation takes */
    int lro_retry_after_s; /* what its polls are told to wait */
    int consistency_ms;    /* how long a write stays invisible to reads */
    int page_size;         /* of role assignment lists; 0: everything in one page */
};

struct sim {
    struct store store;
    struct settings settings;
    cJSON *head; /* the world file without its objects */
    const char *world_path;
    struct tokens *tokens;
    struct operations *operations;
    struct faults *faults;
    struct reqlog *reqlog;
    const char *record_dir; /* NULL: exchanges are not recorded */
    int64_t started_ms;
};
