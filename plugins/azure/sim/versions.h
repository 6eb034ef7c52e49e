/* SPDX-License-Identifier: Apache-2.0 */
/*
 * versions.h - the api-versions that Azure has published for what is served here.
 */
#pragma once

#include "exchange.h"

/* Checks the api-version of a request to Resource Manager against those of the provider and
 * type in its path. Replies and returns false when it is missing, wrong or unknown. */
bool versions_check(struct request *request, struct reply *reply);

/* The same for a service that has a list of its own: words with a blank between them. */
bool versions_check_list(struct request *request, struct reply *reply, const char *service,
                         const char *type, const char *list);
