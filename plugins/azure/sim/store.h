/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - the objects of the simulated cloud, and how each of them looked a while ago.
 *
 * An object is a JSON document under a kind and a key (an ARM id or an identity's client
 * id; letter case apart). Each write keeps the version before it, so that a read can be
 * served from the past: that is how the simulator is eventually consistent.
 */
#pragma once

#include <stdint.h>

#include <cjson/cJSON.h>

enum kind {
    KIND_IDENTITY,
    KIND_GROUP,
    KIND_SUBSCRIPTION,
    KIND_SITE,
    KIND_VAULT,
    KIND_ROLE,
    KIND_ASSIGNMENT,
    KIND_NSG,
    KIND_LOCK,
    KIND_ALERT,   /* of Defender for Cloud */
    KIND_GRAPH,   /* security alerts and incidents of Microsoft Graph */
    KIND_MESSAGE, /* in a storage queue */
    KIND_QUEUE,
    KIND_PRINCIPAL, /* of the directory */
    KIND_MANAGEMENT_GROUP,
    KIND_DENY, /* deny assignments */
    KIND_POLICY,
    KIND_SCHEDULE, /* role assignment schedule instances of PIM */
    KIND_COUNT
};

enum {
    HISTORY_MAX = 32 /* versions kept per object; a read further back sees the oldest */
};

struct object;

struct store {
    struct object *first[KIND_COUNT];
};

void store_fini(struct store *store);

/* Returns the document as it is now, borrowed until the next write; NULL when there is
 * none. */
cJSON *store_now(const struct store *store, enum kind kind, const char *key);

/* The same as it was age_ms ago. With age_ms 0 that is now. */
cJSON *store_past(const struct store *store, enum kind kind, const char *key,
                  int64_t age_ms);

/* Starts a new version as a copy of the newest (or an empty object) and returns it, to be
 * changed by the caller at once. */
cJSON *store_write(struct store *store, enum kind kind, const char *key);

/* Makes doc, which it takes, the newest version. */
void store_put(struct store *store, enum kind kind, const char *key, cJSON *doc);

/* The same for what was there from the beginning of time: no read is too old to see it. */
void store_found(struct store *store, enum kind kind, const char *key, cJSON *doc);

/* The object is absent from now on. */
void store_remove(struct store *store, enum kind kind, const char *key);

typedef int store_fn(cJSON *doc, void *arg);

/* Calls fn for each document of that kind as it was age_ms ago, in the order in which they
 * came to be. Ends early when fn returns non-zero, and returns that. */
int store_each(const struct store *store, enum kind kind, int64_t age_ms, store_fn *fn,
               void *arg);

/* The same for each version of each document, also of those that are gone. */
int store_ever(const struct store *store, enum kind kind, store_fn *fn, void *arg);
