/* SPDX-License-Identifier: Apache-2.0 */
/*
 * armid.h - resource ids: /subscriptions/S/resourceGroups/G/providers/NS/TYPE/NAME.
 *
 * Letter case has no meaning in them, so what names a target is lower case; what is sent is
 * spelled as it came. An id becomes part of an address: nothing gets through that could
 * make another address of it.
 */
#pragma once

#include <stdbool.h>

struct job;

/* The member id of the job's arguments without doubled or trailing slashes, when it is an
 * id of that type ("Microsoft.Web/sites"); else NULL after the job has failed. */
const char *armid_of(struct job *job, const char *type);

/* The same for any scope: a subscription, a resource group, a management group, a resource,
 * or a bare subscription id, which becomes /subscriptions/S. */
const char *armid_scope(struct job *job, const char *text);

/* The last segment. */
const char *armid_name(const char *id);

/* Is id the scope, or something in it? */
bool armid_covers(const char *scope, const char *id);
