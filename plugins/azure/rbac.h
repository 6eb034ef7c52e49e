/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rbac.h - a role assignment in our own words.
 */
#pragma once

#include <cjson/cJSON.h>

/* SCOPE, this, and the GUID that is its name are the id of an assignment. */
#define ASSIGNMENT_KIND "/providers/Microsoft.Authorization/roleAssignments/"

enum { ASSIGNMENT_TAIL = sizeof ASSIGNMENT_KIND - 1 + 36 }; /* behind the scope */

/* Adds what a role assignment of the API says to out, member by member: what is needed to
 * make the same one again, and nothing that changes by itself. */
void assignment_add(cJSON *out, const cJSON *json);

/* The properties to make the assignment again, out of what assignment_add() kept. */
cJSON *assignment_properties(const cJSON *kept);
