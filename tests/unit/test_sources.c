/* SPDX-License-Identifier: Apache-2.0 */
/* What each kind of source sends becomes an alert of our shape, by the adapter for it that
 * cordon brings. Defender for Cloud's own tests are in test_alert.c. */
#include "alert/alert.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "check.h"
#include "vm/adapt.h"
#include "vm/state.h"
#include "vm/vm.h"

#define SITE "/subscriptions/s-1/resourceGroups/shop/providers/Microsoft.Web/sites/shop-web"
#define DEFENDER                                                                           \
    "{\"AlertType\":\"AppServices_WebShell\",\"SystemAlertId\":\"a-1\","                   \
    "\"AlertDisplayName\":\"Web shell\",\"Severity\":\"High\",\"AzureResourceId\":\"" SITE \
    "\"}"

/* The alerts that the delivery becomes, each complete, as a list; or the sentence. */
static char *read_all(const char *kind, const char *delivery)
{
    struct vm *vm = vm_new(-1);
    struct str out = { 0 };
    struct span alert;
    size_t pos = 0;
    struct err err;

    CHECK_OK(json_check(delivery, strlen(delivery), ALERT_LEN_MAX, &err), &err);
    if (!adapt_read(vm, span_of(kind), span_of(delivery))) {
        char *message = json_get_text(str_span(&vm->adapted), "message");
        vm_free(vm);
        return message;
    }
    str_add_char(&out, '[');
    while (json_next(str_span(&vm->adapted), &pos, NULL, &alert)) {
        if (out.len > 1)
            str_add_char(&out, ',');
        if (json_get(alert, "fetch").len > 0)
            str_add_span(&out, alert);
        else
            CHECK_OK(alert_complete(alert, span_of(kind), &out, &err), &err);
    }
    str_add_char(&out, ']');
    vm_free(vm);
    return str_take(&out);
}

/* The member at a path of the only alert. */
static void check(const char *kind, const char *delivery, const char *path,
                  const char *wanted)
{
    char *list = read_all(kind, delivery);
    struct span alert = { 0 };
    size_t pos = 0;

    CHECK_INT(json_count(span_of(list)), 1);
    json_next(span_of(list), &pos, NULL, &alert);
    char *value = span_dup(json_path(alert, path));
    CHECK_STR(value, wanted);
    free(value);
    free(list);
}

static void check_refused(const char *kind, const char *delivery, const char *part)
{
    char *sentence = read_all(kind, delivery);

    CHECK_HAS(sentence, part);
    free(sentence);
}

static void check_nothing(const char *kind, const char *delivery)
{
    char *list = read_all(kind, delivery);

    CHECK_STR(list, "[]");
    free(list);
}

/* -- Sentinel --------------------------------------------------------------------------- */

#define INCIDENT                                                                           \
    "{\"name\":\"i-1\",\"id\":\"/subscriptions/s-3/"                                       \
    "x\",\"type\":\"Microsoft.SecurityInsights/"                                           \
    "Incidents\",\"properties\":{\"title\":\"Odd sign-ins\",\"severity\":\"Medium\","      \
    "\"status\":\"New\",\"createdTimeUtc\":\"2026-11-20T10:00:00Z\",\"additionalData\":{"  \
    "\"tactics\":[\"Impact\"]},\"alerts\":[{\"name\":\"x\",\"properties\":{"               \
    "\"systemAlertId\":\"c-1\",\"resourceIdentifiers\":[{\"azureResourceId\":\"" SITE      \
    "\"}]}}],\"relatedEntities\":[{\"kind\":\"Ip\",\"type\":\"Microsoft.SecurityInsights/" \
    "Entities\",\"properties\":{\"address\":\"192.0.2.7\"}},{\"kind\":\"Account\","        \
    "\"properties\":{\"accountName\":\"eve\",\"upnSuffix\":\"shop.example\"}}]}}"
#define TRIGGER                                                                          \
    "{\"objectSchemaType\":\"Incident\",\"workspaceInfo\":{\"SubscriptionId\":\"s-9\"}," \
    "\"object\":" INCIDENT "}"

TEST(an_incident_of_sentinel_is_one_alert_and_its_alerts_are_its_children)
{
    check("sentinel", TRIGGER, "id", "\"i-1\"");
    check("sentinel", TRIGGER, "title", "\"Odd sign-ins\"");
    check("sentinel", TRIGGER, "subscription", "\"s-1\"");
    check("sentinel", TRIGGER, "children", "[\"c-1\"]");
    check("sentinel", TRIGGER, "resources", "[\"" SITE "\"]");
    check("sentinel", TRIGGER, "entities.ips", "[\"192.0.2.7\"]");
    check("sentinel", TRIGGER, "entities.accounts", "[\"eve@shop.example\"]");
    check("sentinel", TRIGGER, "tactics", "[\"Impact\"]");
    check("", INCIDENT, "subscription", "\"s-1\"");
    check("", INCIDENT, "source", "\"sentinel\"");
}

/* -- Azure Monitor ---------------------------------------------------------------------- */

#define MONITOR(id, condition, severity)                                                  \
    "{\"schemaId\":\"azureMonitorCommonAlertSchema\",\"data\":{\"essentials\":{"          \
    "\"alertId\":"                                                                        \
    "\"" id "\",\"originAlertId\":\"o-1\",\"alertRule\":\"cpu\",\"severity\":\"" severity \
    "\",\"monitorCondition\":\"" condition "\",\"alertTargetIDs\":[\"" SITE "\"],"        \
    "\"firedDateTime\":\"2026-11-20T10:00:00Z\"}}}"
#define INSTANCE "/subscriptions/s-1/providers/Microsoft.AlertsManagement/alerts/m-1"

TEST(what_azure_monitor_takes_back_has_the_id_of_what_it_fired)
{
    check("azure-monitor", MONITOR(INSTANCE, "Fired", "Sev1"), "status", "\"active\"");
    check("azure-monitor", MONITOR(INSTANCE, "Fired", "Sev1"), "severity", "\"high\"");
    check("azure-monitor", MONITOR(INSTANCE, "Resolved", "Sev2"), "status", "\"resolved\"");
    check("azure-monitor", MONITOR(INSTANCE, "Resolved", "Sev2"), "severity", "\"medium\"");
    check("azure-monitor", MONITOR(INSTANCE, "Resolved", "Sev2"), "id", "\"" INSTANCE "\"");
    check("azure-monitor", MONITOR("/rule", "Fired", "Sev3"), "id", "\"o-1\"");
    check("", MONITOR("/rule", "Fired", "Sev4"), "severity", "\"informational\"");
    check("azure-monitor", MONITOR("/rule", "Fired", "Sev5"), "severity",
          "\"informational\"");
}

/* -- Event Grid and CloudEvents --------------------------------------------------------- */

#define GRID(type, data)                                                                  \
    "{\"id\":\"e-1\",\"topic\":\"" SITE "\",\"subject\":\"secret\",\"eventType\":\"" type \
    "\",\"eventTime\":\"2026-11-20T10:00:00Z\",\"data\":" data "}"
#define CLOUD(more)                                          \
    "{\"specversion\":\"1.0\",\"id\":\"e-1\",\"source\":\"/" \
    "vault\",\"type\":\"new.key\"" more "}"

TEST(an_event_of_event_grid_tells_what_happened_to_what)
{
    check("event-grid", "[" GRID("Vault.NewKey", "{}") "]", "id", "\"e-1\"");
    check("event-grid", "[" GRID("Vault.NewKey", "{}") "]", "title",
          "\"Vault.NewKey: secret\"");
    check("event-grid", GRID("Vault.NewKey", "{}"), "resources", "[\"" SITE "\"]");
    check("event-grid", GRID("Vault.NewKey", "{}"), "severity", "\"informational\"");
    check_nothing("event-grid",
                  GRID("Microsoft.EventGrid.SubscriptionValidationEvent", "{}"));
}

TEST(an_alert_that_lies_in_an_event_is_read_as_what_it_is)
{
    check("event-grid", GRID("Alert", DEFENDER), "source", "\"defender-for-cloud\"");
    check("cloudevents", CLOUD(",\"data\":" DEFENDER), "id", "\"a-1\"");
    check("cloudevents",
          "{\"headers\":{\"ce-specversion\":\"1.0\",\"ce-id\":\"e-1\",\"ce-source\":\"/v\","
          "\"ce-type\":\"t\"},\"data\":" DEFENDER "}",
          "id", "\"a-1\"");
}

TEST(a_cloud_event_is_known_by_its_source_and_its_id_together)
{
    check("cloudevents", CLOUD(""), "id", "\"/vault#e-1\"");
    check("", CLOUD(""), "type", "\"new.key\"");
    check_refused("cloudevents", "{\"specversion\":\"1.0\",\"id\":\"e-1\",\"type\":\"t\"}",
                  "wants id, source and type");
}

TEST(data_of_a_cloud_event_may_be_json_in_bytes_and_is_never_said_twice)
{
    /* {"tenantId":"t-7"} */
    check("cloudevents", CLOUD(",\"data_base64\":\"eyJ0ZW5hbnRJZCI6InQtNyJ9\""), "tenant",
          "\"t-7\"");
    check_refused("cloudevents", CLOUD(",\"data_base64\":\"!\""), "no base64 text");
    check_refused("cloudevents", CLOUD(",\"data\":1,\"data_base64\":\"e30=\""),
                  "read in two ways");
}

/* -- Graph ------------------------------------------------------------------------------ */

#define GRAPH(more)                                                                        \
    "{\"id\":\"g-1\",\"serviceSource\":\"microsoftDefenderForCloud\",\"createdDateTime\":" \
    "\"2026-11-20T10:00:00Z\",\"title\":\"Odd\",\"severity\":\"high\",\"status\":\"new\"," \
    "\"category\":\"Impact\",\"evidence\":[{\"@odata.type\":\"#microsoft.graph.security."  \
    "ipEvidence\",\"ipAddress\":\"192.0.2.8\"},{\"@odata.type\":\"#microsoft.graph."       \
    "security.userEvidence\",\"userAccount\":{\"userPrincipalName\":\"eve@shop.example\"}" \
    "},{\"@odata.type\":\"#microsoft.graph.security.azureResourceEvidence\","              \
    "\"resourceId\":\"" SITE "\"}]" more "}"
#define MERGED                                                                      \
    "{\"id\":\"7\",\"displayName\":\"d\",\"incidentWebUrl\":\"https://x.example\"," \
    "\"severity\":\"low\",\"status\":\"redirected\",\"redirectIncidentId\":\"9\"}"

TEST(an_alert_of_graph_has_what_its_evidence_names)
{
    check("graph", GRAPH(""), "id", "\"g-1\"");
    check("graph", GRAPH(""), "entities.ips", "[\"192.0.2.8\"]");
    check("graph", GRAPH(""), "entities.accounts", "[\"eve@shop.example\"]");
    check("graph", GRAPH(""), "resources", "[\"" SITE "\"]");
    check("graph", GRAPH(""), "subscription", "\"s-1\"");
    check("", "{\"@odata.context\":\"c\",\"value\":[" GRAPH("") "]}", "source",
          "\"graph\"");
}

TEST(an_incident_that_was_merged_into_another_is_over)
{
    check("graph", MERGED, "id", "\"7\"");
    check("graph", MERGED, "over", "true");
    check("graph", MERGED, "status", "\"redirected\"");
}

TEST(a_change_notification_names_what_is_to_be_fetched)
{
    static const char notification[] =
        "{\"value\":[{\"changeType\":\"created\",\"subscriptionId\":\"s\",\"clientState\":"
        "\"c\",\"resource\":\"security/alerts_v2/"
        "g-1\",\"resourceData\":{\"id\":\"g-1\"}}]}";

    check("graph", notification, "fetch", "\"graph-alerts\"");
    check("graph", notification, "id", "\"g-1\"");
    check_nothing("graph", "{\"changeType\":\"created\",\"subscriptionId\":\"s\","
                           "\"resource\":\"users/u/messages/m\"}");
}

/* -- Strictness ------------------------------------------------------------------------- */

static void check_incomplete(const char *json, const char *part)
{
    struct str out = { 0 };
    struct err err;

    CHECK(alert_complete(span_of(json), span_of("x"), &out, &err) != 0);
    CHECK_HAS(err.text, part);
    CHECK_INT(out.len, 0);
}

TEST(what_an_adapter_makes_is_looked_through)
{
    struct str id = { 0 };

    check_incomplete("7", "no alert");
    check_incomplete("{\"id\":\"\",\"severity\":\"low\"}", "id is empty");
    check_incomplete("{\"id\":1,\"severity\":\"low\"}", "the alert's id: want text");
    check_incomplete("{\"id\":\"a\",\"severity\":\"dire\"}", "severity is \"dire\"");
    check_incomplete("{\"id\":\"a\",\"severity\":\"low\",\"entities\":[1]}", "entities");
    check_incomplete("{\"id\":\"a\",\"severity\":\"low\",\"childrn\":[]}", "\"children\"?");
    str_add_text(&id, "{\"severity\":\"low\",\"id\":\"");
    for (int i = 0; i <= ALERT_ID_MAX; i++)
        str_add_char(&id, 'x');
    str_add_text(&id, "\"}");
    check_incomplete(str_text(&id), "more than 1024 bytes");
    str_fini(&id);
}
