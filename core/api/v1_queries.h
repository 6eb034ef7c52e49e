/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/v1_queries.h - what queries may hold: looked up by handlers, and documented with.
 */
#pragma once

#include "api/v1.h"

extern const struct query query_runs[], query_gates[], query_holds[], query_events[],
    query_again[], query_callback[], query_alerts[], query_unreadable[];
