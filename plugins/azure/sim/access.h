/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access.h - may the identity of a request do something?
 *
 * Its "deny" list always counts. Deny assignments do, too. With the option rbac: enforced it
 * needs a role assignment as well, as in Azure. A change of rights has its effect after
 * rights_delay_ms; with rights_follow_token a token never gets more than was there when it
 * was given.
 */
#pragma once

#include "exchange.h"

/* By the identity's "deny" list alone: what is no resource of Resource Manager. */
bool access_allows(const struct request *request, const char *action);

enum access_verdict { ACCESS_GRANTED, ACCESS_NO_RIGHT, ACCESS_DENIED };

struct access {
    const char *action;
    const char *scope;
    bool is_data;       /* an action on data, not on the resource */
    const char *denier; /* out: the name of the deny assignment */
    const char *denier_id;
};

enum access_verdict access_check(const struct request *request, struct access *access);

/* The permissions that the identity has at scope, as .../permissions lists them. */
cJSON *access_permissions(const struct request *request, const char *scope);
