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

/* Replies with the page of list, which it takes, that the request asks for: of the size that
 * the world's options give, with a nextLink to what follows. */
void arm_reply_page(struct request *request, struct reply *reply, cJSON *list);

/* The scope that a list's path names: a subscription or a group; to be freed. */
char *arm_list_scope(const struct request *request);

/* An object as its list shows it; NULL: the list does not show it. */
typedef cJSON *arm_render_fn(const cJSON *doc);

/* Lists all of a kind that are in the subscription, or in the group, of the path, page by
 * page. */
void arm_list(struct request *request, struct reply *reply, enum kind kind,
              arm_render_fn *render);

/* Adds an etag that changes with what json shows; an id that is always the same for text. */
void arm_add_etag(cJSON *json);
void arm_add_guid(cJSON *json, const char *name, const char *text);

/* Routes of the providers, each ended by an empty one. */
extern const struct route web_routes[];
extern const struct route vault_arm_routes[];
extern const struct route rbac_routes[];
extern const struct route lock_routes[];
extern const struct route defender_routes[];
extern const struct route rights_routes[];
extern const struct route groups_routes[];
extern const struct route network_routes[];
