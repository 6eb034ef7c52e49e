/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scope.h - what lies in what: resources in groups, in subscriptions, in management groups.
 */
#pragma once

#include <stdbool.h>

#include "sim.h"

/* Is id the scope itself, or something in it? Unlike scope_covers() this knows which
 * subscriptions are in which management group. */
bool scope_holds(const struct sim *sim, const char *scope, const char *id);
