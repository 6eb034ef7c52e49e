/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Microsoft Defender for Cloud, in the three ways in which it says the same: the event of
 * continuous export and workflow automation (AlertType, SystemAlertId, ...), the ARM
 * resource (the same names, in "properties"), and the entry in the activity log.
 */
#include <string.h>

#include "alert/fields.h"
#include "base/err.h"
#include "base/json.h"
#include "base/schema.h"

enum { SUBSCRIPTIONS_LEN = 15 }; /* "/subscriptions/" */

static bool is_event(struct span json)
{
    return json_kind(alert_get(json, "SystemAlertId")) == JSON_STRING ||
           (json_kind(alert_get(json, "AlertType")) == JSON_STRING &&
            json_kind(alert_get(json, "AlertDisplayName")) == JSON_STRING);
}

static bool is_activity(struct span json)
{
    struct span category = json_raw(alert_get(alert_get(json, "category"), "value"));
    struct span operation = json_raw(alert_get(alert_get(json, "operationName"), "value"));

    return span_equal_nocase(category, span_of("Security")) &&
           span_glob(operation, "Microsoft.Security/*alerts/*");
}

/* Others too put an alert's names into "properties"; their type says who they are. */
static bool is_resource(struct span json)
{
    struct span type = json_raw(alert_get(json, "type"));

    return is_event(alert_get(json, "properties")) &&
           (type.len == 0 || span_glob(type, "Microsoft.Security/*alerts"));
}

bool alert_is_defender(struct span json)
{
    return is_event(json) || is_resource(json) || is_activity(json);
}

static int add_identifiers(struct alert *alert, struct span identifiers, struct err *err)
{
    struct span identifier;
    size_t pos = 0;

    if (json_kind(identifiers) != JSON_ARRAY)
        return 0;
    while (json_next(identifiers, &pos, NULL, &identifier)) {
        if (alert_check_keys(identifier, err) != 0 ||
            alert_add_resource(alert, alert_get(identifier, "AzureResourceId"), err) != 0)
            return err->code;
        if (alert->tenant.len == 0)
            alert_set(&alert->tenant, identifier, "AzureResourceTenantId|AadTenantId");
        if (alert->subscription.len == 0)
            alert_set(&alert->subscription, identifier, "WorkspaceSubscriptionId");
    }
    return 0;
}

/* The subscription in an ARM id, which must begin with one. */
static void set_subscription(struct alert *alert, struct span id)
{
    if (!span_glob(id, "/subscriptions/?*"))
        return;
    id.ptr += SUBSCRIPTIONS_LEN;
    id.len -= SUBSCRIPTIONS_LEN;
    const char *slash = memchr(id.ptr, '/', id.len);
    str_reset(&alert->subscription);
    str_add(&alert->subscription, id.ptr, slash ? (size_t)(slash - id.ptr) : id.len);
}

/* Where the attacked thing is says more than where the workspace is. */
static void find_subscription(struct alert *alert, struct span event, struct span json)
{
    if (alert->resources.count > 0)
        set_subscription(alert, span_of(alert->resources.items[0]));
    else
        alert_set(&alert->subscription, event, "AzureResourceSubscriptionId");
    if (alert->subscription.len == 0)
        alert_set(&alert->subscription, event, "WorkspaceSubscriptionId");
    if (alert->subscription.len == 0)
        alert_set(&alert->subscription, json, "subscriptionId");
    if (alert->subscription.len == 0)
        set_subscription(alert, json_raw(alert_get(json, "id")));
}

/* A time that is none is left out, so that nobody sorts by it. */
static void set_time(struct alert *alert, struct span object, const char *keys)
{
    alert_set(&alert->time, object, keys);
    if (!schema_format("date-time", str_span(&alert->time)))
        str_reset(&alert->time);
}

static int set_severity(struct alert *alert, struct span event, struct err *err)
{
    struct span severity = alert_get(event, "Severity");

    if (json_kind(severity) != JSON_STRING)
        severity = alert_get(event, "ReportedSeverity");
    if (json_kind(severity) != JSON_STRING)
        return err_set(err, ERR_INVALID, "the Defender for Cloud alert has no Severity");
    return alert_set_severity(alert, severity, err);
}

/* What the event and the ARM resource have in common; event is where the names are. */
static int from_event(struct alert *alert, struct span event, struct span json,
                      struct err *err)
{
    alert_set(&alert->id, event, "SystemAlertId");
    if (alert->id.len == 0)
        alert_set(&alert->id, json, "name");
    if (alert->id.len == 0)
        return err_set(err, ERR_INVALID,
                       "the Defender for Cloud alert has no SystemAlertId");
    alert_set(&alert->type, event, "AlertType");
    alert_set(&alert->title, event, "AlertDisplayName|AlertType");
    alert_set(&alert->link, event, "AlertUri");
    alert_set(&alert->tenant, event, "TenantId|AadTenantId");
    alert_set_status(alert, alert_get(event, "Status"));
    if (!alert_set_confidence(alert, alert_get(event, "ConfidenceLevel")))
        alert_set_confidence(alert, alert_get(event, "ConfidenceScore"));
    set_time(alert, event, "TimeGenerated|TimeGeneratedUtc|StartTimeUtc");
    if (set_severity(alert, event, err) != 0 ||
        alert_add_resource(alert, alert_get(event, "AzureResourceId"), err) != 0 ||
        add_identifiers(alert, alert_get(event, "ResourceIdentifiers"), err) != 0 ||
        alert_entities(alert, alert_get(event, "Entities"), json, err) != 0 ||
        alert_add_words(&alert->tactics, alert_get(event, "Intent"), err) != 0 ||
        alert_add_words(&alert->techniques, alert_get(event, "Techniques"), err) != 0 ||
        alert_add_words(&alert->techniques, alert_get(event, "SubTechniques"), err) != 0)
        return err->code;
    find_subscription(alert, event, json);
    return 0;
}

/* The activity log tells the alert's name and severity, and no type: its name is the
 * nearest to one that a playbook can be matched by. */
static int from_activity(struct alert *alert, struct span json, struct err *err)
{
    struct span properties = alert_get(json, "properties");
    struct span name = alert_get(json, "eventName");

    alert_set(&alert->id, json, "correlationId|eventDataId");
    if (alert->id.len == 0)
        return err_set(err, ERR_INVALID, "the activity log entry has no correlationId");
    alert_set(&alert->title, name, "value|localizedValue");
    alert_set(&alert->type, name, "value");
    alert_set(&alert->type, properties, "alertType");
    alert_set(&alert->tenant, json, "tenantId");
    alert_set_status(alert, alert_get(alert_get(json, "status"), "value"));
    set_time(alert, json, "eventTimestamp|submissionTimestamp");
    if (set_severity(alert, properties, err) != 0 ||
        alert_add_resource(alert, alert_get(properties, "azureResourceId"), err) != 0 ||
        alert_add_words(&alert->tactics, alert_get(properties, "intent"), err) != 0)
        return err->code;
    find_subscription(alert, properties, json);
    return 0;
}

int alert_from_defender(struct alert *alert, struct span json, struct err *err)
{
    struct span properties = alert_get(json, "properties");

    str_add_text(&alert->source, "defender-for-cloud");
    if (alert_check_keys(json, err) != 0 || alert_check_keys(properties, err) != 0)
        return err->code;
    if (is_activity(json))
        return from_activity(alert, json, err);
    return from_event(alert, is_event(json) ? json : properties, json, err);
}
