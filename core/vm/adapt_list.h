/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/adapt_list.h - the events in a delivery.
 *
 * A delivery is one event, a list of events, or an object around a list: "value" (answers of
 * ARM and Graph). The adapters that cordon brings also get "records" (streams of Event Hubs),
 * "results" (answers of hunting queries) and "tables" (answers of Log Analytics, whose rows
 * become objects) item by item.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

typedef void adapt_event_fn(void *arg, struct span event);

/* Calls fn for each event of the delivery, in order; fn may raise. row holds one row of a table
 * at a time and is the caller's. */
void adapt_each(struct span delivery, bool is_shipped, struct str *row, adapt_event_fn *fn,
                void *arg);
