/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.h - the $filter of a list of role assignments.
 *
 * Understood are principalId eq 'id', assignedTo('id') and atScope(), joined by "and".
 */
#pragma once

#include <stdbool.h>

#include "util.h"

struct filter {
    char principal[UUID_SIZE];   /* "" for any */
    char assigned_to[UUID_SIZE]; /* the same, and what its groups have */
    bool is_at_scope;            /* nothing from below the scope */
};

/* Reads text, which may be NULL. Returns false when it is something else. */
bool filter_read(struct filter *filter, const char *text);

enum { ROLE_NAME_SIZE = 512 };

/* The $filter of a list of role definitions: roleName eq 'NAME', type eq 'TYPE' and
 * atScopeAndBelow(), joined by "and". */
struct role_filter {
    char name[ROLE_NAME_SIZE]; /* "" for any */
    char type[ROLE_NAME_SIZE];
};

bool role_filter_read(struct role_filter *filter, const char *text);
