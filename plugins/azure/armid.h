/* SPDX-License-Identifier: Apache-2.0 */
/*
 * armid.h - resource ids: /subscriptions/S/resourceGroups/G/providers/NS/TYPE/NAME, with more
 * pairs of type and name behind it (a slot of a site), or more /providers/ (an assignment).
 *
 * Letter case has no meaning in them, so what names a target is lower case; what is sent is
 * spelled as it came, and encoded where it becomes part of an address. An id becomes part of
 * an address: nothing gets through that could make another address of it. The rules are those
 * of the format arm-id in core/base/schema_format.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct job;

enum { ARMID_MAX = 2048, ARMID_TYPE_MAX = 256 };

/* What is wrong with the id, as the end of a sentence; NULL: nothing. Then type, of
 * ARMID_TYPE_MAX bytes, says of which type it is: "Microsoft.Web/sites/slots". */
const char *armid_fault(const char *id, char *type);

/* The member id of the job's arguments without doubled or trailing slashes, when it is an
 * id of one of the types (NULL at the end); else NULL after the job has failed. */
const char *armid_of(struct job *job, const char *const *types);

/* The same for any scope: a subscription, a resource group, a management group, a resource,
 * or a bare subscription id, which becomes /subscriptions/S. */
const char *armid_scope(struct job *job, const char *text);

/* The last segment. */
const char *armid_name(const char *id);
/* The segment of that number from the end, 0 is the last; "" when there is none. */
const char *armid_part(struct job *job, const char *id, int from_end);

/* Is id the scope, or something in it? */
bool armid_covers(struct job *job, const char *scope, const char *id);
