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
    const char *queue_suffix;   /* queue.core.windows.net */
    /* The options of the world file; settings.c has their names, defaults and bounds. */
    int token_ttl_s;
    int claims_token_ttl_s;  /* of Graph's tokens for a client that says cp1 */
    int lro_ms;              /* how long a long-running operation takes */
    int lro_retry_after_s;   /* what its polls are told to wait; -1: lro_ms, rounded up */
    int lro_headers;         /* which headers name the poll address: LRO_... */
    int poll_url_bytes;      /* poll addresses are signed and have this length; 0: short */
    int consistency_ms;      /* how long a write stays invisible to reads */
    int page_size;           /* of lists; 0: everything in one page */
    int tokens;              /* TOKENS_... */
    int list_order;          /* ORDER_... */
    int rbac;                /* RBAC_... */
    int rights_delay_ms;     /* how long a change of rights takes to have an effect */
    int rights_follow_token; /* 1: a token keeps the rights of the time when it was given */
    int read_bucket;         /* reads that a principal may make at once; 0: no limit */
    int read_refill;         /* and how many come back in a second */
    int write_bucket;        /* likewise for writes and deletes */
    int write_refill;
    int bucket_renews;     /* 1: a request before the end of a wait begins it anew */
    int secret_settle_ms;  /* how long deleting and recovering a secret takes */
    int vault_empty_pages; /* 1: a list of a vault begins with an empty page */
    int rules_max;         /* security rules in one group */
    int assignments_max;   /* role assignments in one subscription */
    int assignment_nulls; /* 1: members that an assignment does not have are shown as null */
};

enum lro_headers { LRO_BOTH, LRO_LOCATION, LRO_ASYNC };
enum token_form { TOKENS_JWT, TOKENS_OPAQUE };
enum list_order { ORDER_INSERTED, ORDER_OPAQUE };
enum rbac_mode { RBAC_OPEN, RBAC_ENFORCED };

struct sim {
    struct store store;
    struct settings settings;
    cJSON *head; /* the world file without its objects */
    const char *world_path;
    struct tokens *tokens;
    struct operations *operations;
    struct faults *faults;
    struct buckets *buckets;
    struct reqlog *reqlog;
    const char *record_dir; /* NULL: exchanges are not recorded */
    int64_t started_ms;
};
