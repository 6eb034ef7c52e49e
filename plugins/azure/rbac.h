/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rbac.h - a role assignment in our own words.
 */
#pragma once

#include <stdbool.h>

#include <cjson/cJSON.h>

/* SCOPE, this, and the GUID that is its name are the id of an assignment. */
#define ASSIGNMENT_KIND "/providers/Microsoft.Authorization/roleAssignments/"

enum { ASSIGNMENT_TAIL = sizeof ASSIGNMENT_KIND - 1 + 36 }; /* behind the scope */

/* Adds what a role assignment of the API says to out, member by member: what is needed to
 * make the same one again, and nothing that changes by itself. */
void assignment_add(cJSON *out, const cJSON *json);

/* The same in the spelling of was, an assignment as captured, wherever both mean the same:
 * the API spells scopes and roles in its own way, and takes the type of a principal from the
 * directory. */
void assignment_add_like(cJSON *out, const cJSON *json, const cJSON *was);

/* The properties to make the assignment again, out of what assignment_add() kept. */
cJSON *assignment_properties(const cJSON *kept);

/* Is json of the API the right that was kept, under whatever name? */
bool assignment_is_same_right(const cJSON *json, const cJSON *kept);
