/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The adapters that cordon brings, from playbooks/sources, and the library that they use: the
 * build writes shipped.inc from those files (core/vm/embed.sh). An event is of the first kind
 * here that says so; the one of our own shape is last.
 */
#include "vm/adapt.h"

#include <shipped.inc>

#define ADAPTER(kind, name)          \
    {                                \
        (kind), (name), sizeof(name) \
    }

const struct shipped adapt_library[] = {
    ADAPTER("alert", embedded_alert),
    ADAPTER("alert_entities", embedded_alert_entities),
    ADAPTER("alert_identity", embedded_alert_identity),
    { NULL, NULL, 0 },
};

const struct shipped adapt_shipped[] = {
    ADAPTER("defender-for-cloud", embedded_defender_for_cloud),
    ADAPTER("sentinel", embedded_sentinel),
    ADAPTER("azure-monitor", embedded_azure_monitor),
    ADAPTER("cloudevents", embedded_cloudevents),
    ADAPTER("event-grid", embedded_event_grid),
    ADAPTER("graph", embedded_graph),
    ADAPTER("generic", embedded_generic),
    { NULL, NULL, 0 },
};
