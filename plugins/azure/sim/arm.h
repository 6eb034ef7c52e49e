/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arm.h - Azure Resource Manager: what it asks of every request before a provider sees it.
 *
 * In this order: a token for ARM, an api-version that the provider knows, a route, the
 * permission, a subscription and a resource group that exist, no lock in the way.
 */
#pragma once

#include "exchange.h"
#include "route.h"
#include "sim.h"

void arm_serve(struct request *request, struct reply *reply);

bool arm_group_exists(const struct sim *sim, const char *subscription, const char *group);

/* Replies 404 for the resource at id. */
void arm_not_found(struct reply *reply, const char *id);

/* Returns the api-version list's verdict on request: true, or false after having replied. */
bool arm_check_version(struct request *request, struct reply *reply, const char *provider,
                       const char *const *versions);

/* Replies with the page of list, which it takes, that the request asks for: of the size that
 * the world's options give, with a nextLink to what follows. */
void arm_reply_page(struct request *request, struct reply *reply, cJSON *list);

/* An object as its list shows it. */
typedef cJSON *arm_render_fn(const cJSON *doc);

/* Lists all of a kind that are in the subscription of the path, page by page. */
void arm_list(struct request *request, struct reply *reply, enum kind kind,
              arm_render_fn *render);

/* Routes of the providers, each ended by an empty one. */
extern const struct route web_routes[];
extern const struct route vault_arm_routes[];
extern const struct route rbac_routes[];
extern const struct route lock_routes[];
extern const struct route feed_routes[];
extern const struct route network_routes[];
