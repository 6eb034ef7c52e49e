/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of deliveries as Microsoft's products spell them, and what each becomes: whose address
 * an address is, and which shapes are read. ' stands for " in deliveries and in wanted JSON.
 */
#include "alert/alert.h"

#include <stdlib.h>
#include <string.h>

#include "alert/alert_set.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "check.h"
#include "vm/adapt.h"
#include "vm/state.h"
#include "vm/vm.h"

enum { WANTS_MAX = 4 };

#define SUB   "/subscriptions/5f0c7a11-0000-4000-8000-00000000000a"
#define VM_ID SUB "/resourceGroups/web/providers/Microsoft.Compute/virtualMachines/jump-2"
#define AKS_ID \
    SUB "/resourceGroups/k8s/providers/Microsoft.ContainerService/managedClusters/c3"
#define ALERT_1 \
    SUB "/resourceGroups/web/providers/Microsoft.Security/locations/uksouth/alerts/n-77"

struct row {
    const char *what, *kind, *delivery;
    struct {
        const char *path, *wanted; /* of the only alert; "count" is that of the alerts */
    } wants[WANTS_MAX];
    const char *refused; /* a part of the sentence */
};

static char *quoted(const char *text)
{
    char *copy = span_dup(span_of(text));

    for (char *c = copy; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    return copy;
}

/* The list of the alerts, each complete; or the sentence. */
static char *read_all(const char *kind, const char *delivery, bool *is_read)
{
    struct vm *vm = vm_new(-1);
    struct str out = { 0 };
    struct span alert;
    size_t pos = 0;
    struct err err;

    CHECK_OK(json_check(delivery, strlen(delivery), ALERT_LEN_MAX, &err), &err);
    *is_read = adapt_read(vm, span_of(kind), span_of(delivery));
    if (!*is_read) {
        char *message = json_get_text(str_span(&vm->adapted), "message");
        vm_free(vm);
        return message;
    }
    str_add_char(&out, '[');
    while (json_next(str_span(&vm->adapted), &pos, NULL, &alert)) {
        if (out.len > 1)
            str_add_char(&out, ',');
        if (json_get(alert, "fetch").len > 0 || json_get(alert, "unread").len > 0)
            str_add_span(&out, alert);
        else
            CHECK_OK(alert_complete_at(alert, span_of(kind), INT64_C(1796090584000), &out,
                                       &err),
                     &err);
    }
    str_add_char(&out, ']');
    vm_free(vm);
    return str_take(&out);
}

static void check_want(const struct row *row, struct span list, const char *path,
                       const char *wanted)
{
    struct span alert = { 0 };
    size_t pos = 0;
    char *quoted_want = quoted(wanted);

    json_next(list, &pos, NULL, &alert);
    char *value = strcmp(path, "count") == 0 ? NULL : span_dup(json_path(alert, path));
    if (value == NULL && json_count(list) != (size_t)atoi(wanted))
        FAIL("%s: %zu alerts, wanted %s", row->what, json_count(list), wanted);
    if (value != NULL && wanted[0] == '~' && strstr(value, quoted_want + 1) == NULL)
        FAIL("%s: %s is %s, wanted something with %s", row->what, path, value, wanted + 1);
    if (value != NULL && wanted[0] != '~' && strcmp(value, quoted_want) != 0)
        FAIL("%s: %s is %s, wanted %s", row->what, path, value, quoted_want);
    free(value);
    free(quoted_want);
}

static void check_row(const struct row *row)
{
    char *delivery = quoted(row->delivery);
    bool is_read;
    char *became = read_all(row->kind, delivery, &is_read);

    if (row->refused != NULL && (is_read || strstr(became, row->refused) == NULL))
        FAIL("%s: not refused with \"%s\": %s", row->what, row->refused, became);
    if (row->refused == NULL && !is_read)
        FAIL("%s: refused: %s", row->what, became);
    for (int i = 0; is_read && i < WANTS_MAX && row->wants[i].path != NULL; i++)
        check_want(row, span_of(became), row->wants[i].path, row->wants[i].wanted);
    free(became);
    free(delivery);
}

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_row(&rows[i]);
}

/* -- Whose address it is ------------------------------------------------------------------ */

#define MDC(entities, more)                                                          \
    "{'AlertType':'T','SystemAlertId':'n-1','AlertDisplayName':'d','Severity':'Low'" \
    ",'Entities':" entities more "}"
#define GRAPH(evidence)                                                                    \
    "{'@odata.type':'#microsoft.graph.security.alert','id':'g','title':'t','severity':'"   \
    "medium','status':'new','createdDateTime':'2026-10-02T03:04:05Z','evidence':" evidence \
    "}"
#define IP(address, more)                                                                  \
    "{'@odata.type':'#microsoft.graph.security.ipEvidence','ipAddress':'" address "'" more \
    "}"
#define ENTITY(address, more) "{'Type':'ip','Address':'" address "'" more "}"
#define BECOMES(ips, assets)          \
    {                                 \
        { "entities.ips", ips },      \
        {                             \
            "entities.assets", assets \
        }                             \
    }

static const struct row addresses[] = {
    { "an attacker beside a victim, roles in capitals", "graph",
      GRAPH("[" IP("198.51.100.4", ",'roles':['Attacker','Source']") "," IP(
          "198.51.100.5", ",'roles':['ATTACKED']") "]"),
      BECOMES("['198.51.100.4']", "['198.51.100.5']"), NULL },
    { "command and control, and the destination of a connection", "graph",
      GRAPH("[" IP("198.51.100.6", ",'roles':['commandAndControl']") "," IP(
          "198.51.100.7", ",'roles':['destination']") "]"),
      BECOMES("['198.51.100.6']", "['198.51.100.7']"), NULL },
    { "a malicious destination is an attacker's", "graph",
      GRAPH("[" IP("198.51.100.8", ",'roles':['destination'],'verdict':'malicious'") "]"),
      BECOMES("['198.51.100.8']", "[]"), NULL },
    { "a clean verdict beats the role", "graph",
      GRAPH("[" IP("198.51.100.9", ",'roles':['attacker'],'verdict':'NoThreatsFound'") "]"),
      BECOMES("[]", "['198.51.100.9']"), NULL },
    { "one item with both roles: own, and a note",
      "graph",
      GRAPH("[" IP("198.51.100.92", ",'roles':['attacker','compromised']") "]"),
      { { "entities.ips", "[]" },
        { "entities.assets", "['198.51.100.92']" },
        { "notes", "~198.51.100.92 is named both" } },
      NULL },
    { "context alone is neither", "graph",
      GRAPH("[" IP("198.51.100.10", ",'roles':['contextual']") "]"), BECOMES("[]", "[]"),
      NULL },
    { "an address without a word about it is unknown", "graph",
      GRAPH("[" IP("198.51.100.11", ",'roles':[],'verdict':'unknown'") "]"),
      BECOMES("['198.51.100.11']", "[]"), NULL },
    { "a device's own addresses, in every place", "graph",
      GRAPH("[{'@odata.type':'#microsoft.graph.security.deviceEvidence','ipInterfaces':["
            "'10.4.0.9','2001:db8::9'],'lastExternalIpAddress':'198.51.100.12',"
            "'lastIpAddress':'10.4.0.9'}," IP("198.51.100.12", "") "]"),
      BECOMES("[]", "['10.4.0.9','2001:db8::9','198.51.100.12']"), NULL },
    { "a pod's address is ours, a name server's too", "graph",
      GRAPH("[{'@odata.type':'#microsoft.graph.security.kubernetesPodEvidence','podIp':"
            "{'ipAddress':'10.244.0.7'}},{'@odata.type':'#microsoft.graph.security."
            "dnsEvidence','dnsServerIp':" IP("198.51.100.13", "") ",'ipAddresses':[" IP(
                "198.51.100.14", "") "]}]"),
      BECOMES("['198.51.100.14']", "['10.244.0.7','198.51.100.13']"), NULL },
    { "what comes in: the far end is ours", "graph",
      GRAPH("[{'@odata.type':'#microsoft.graph.security.networkConnectionEvidence',"
            "'sourceAddress':{'ipAddress':'198.51.100.15'},'destinationAddress':"
            "{'ipAddress':'198.51.100.16'}}]"),
      BECOMES("['198.51.100.15']", "['198.51.100.16']"), NULL },
    { "what goes out: the far end is not", "defender-for-cloud",
      MDC("[{'$id':'7','Type':'network-connection','SourceAddress':{'Type':'ip','Address':"
          "'10.1.2.3'},'DestinationAddress':{'Type':'ip','Address':'198.51.100.17'}}]",
          ""),
      BECOMES("['198.51.100.17']", "['10.1.2.3']"), NULL },
    { "asset as a text, and in lower case", "defender-for-cloud",
      MDC("[" ENTITY("198.51.100.18", ",'asset':'True'") "," ENTITY("198.51.100.19",
                                                                    ",'asset':'false'") "]",
          ""),
      BECOMES("['198.51.100.19']", "['198.51.100.18']"), NULL },
    { "an entity that is not valid is none", "defender-for-cloud",
      MDC("[" ENTITY("198.51.100.20", ",'isValid':false") "," ENTITY(
              "198.51.100.21", ",'IsValid':'False'") "]",
          ""),
      BECOMES("[]", "[]"), NULL },
    { "a host's interfaces by reference", "defender-for-cloud",
      MDC("[{'$id':'1','Type':'ip','Address':'198.51.100.22'},{'$id':'2','Type':'host',"
          "'HostName':'h','IpInterfaces':[{'$ref':'1'}]}]",
          ""),
      BECOMES("[]", "['198.51.100.22']"), NULL },
    { "interfaces of a host that is no asset", "defender-for-cloud",
      MDC("[{'Type':'host','HostName':'evil','Asset':false,'IpInterfaces':["
          "'198.51.100.93']}]",
          ""),
      BECOMES("['198.51.100.93']", "[]"), NULL },
    { "network cards of a host", "defender-for-cloud",
      MDC("[{'Type':'host','HostName':'h','NetworkAdapters':[{'IpAddresses':["
          "'198.51.100.23'],'MacAddress':'00-11'}]}]",
          ""),
      BECOMES("[]", "['198.51.100.23']"), NULL },
    { "own and attacker at once: own, and a note",
      "defender-for-cloud",
      MDC("[" ENTITY("198.51.100.24", ",'Role':'Attacker'") ",{'Type':'host','HostName':"
                                                            "'h','IpInterfaces':[" ENTITY(
                                                                "198.51.100.24", "") "]}]",
          ""),
      { { "entities.ips", "[]" },
        { "entities.assets", "['198.51.100.24']" },
        { "notes", "~198.51.100.24 is named both" } },
      NULL },
    { "attacker at one place, clean at another: attacker", "graph",
      GRAPH("[" IP("198.51.100.25", ",'verdict':'clean'") "," IP(
          "198.51.100.25", ",'roles':['attacker']") "]"),
      BECOMES("['198.51.100.25']", "[]"), NULL },
    { "Sentinel's additional data", "sentinel",
      "{'name':'i','type':'Microsoft.SecurityInsights/Incidents','properties':{'title':'t'"
      ",'severity':'Low','relatedEntities':[{'kind':'Ip','properties':{'friendlyName':"
      "'198.51.100.26','additionalData':{'Asset':'true'}}},{'kind':'IP','properties':{"
      "'address':'198.51.100.27','threatIntelligence':[{'threatType':'Botnet'}]}}]}}",
      BECOMES("['198.51.100.27']", "['198.51.100.26']"), NULL },
    { "properties that name both sides", "defender-for-cloud",
      MDC("[]", ",'ExtendedProperties':{'Attacker source IP':'198.51.100.28 (NL)','Victim "
                "IP':'198.51.100.29','Destination IP address':'198.51.100.30','IP "
                "location':'198.51.100.31'}"),
      BECOMES("['198.51.100.28']", "['198.51.100.30','198.51.100.29']"), NULL },
    { "a row of evidence: impacted, and the far end of it", "graph",
      "[{'AlertId':'x','EntityType':'Ip','EvidenceRole':'Impacted','Severity':'Low',"
      "'Title':'t','RemoteIP':'198.51.100.32'}]",
      BECOMES("[]", "['198.51.100.32']"), NULL },
    { "a row of evidence: related, with the local address", "graph",
      "[{'AlertId':'x','EntityType':'Ip','EvidenceRole':'Related','Severity':'Low',"
      "'Title':'t','RemoteIP':'198.51.100.33','LocalIP':'198.51.100.34'}]",
      BECOMES("['198.51.100.33']", "['198.51.100.34']"), NULL },
    { "a compromised entity that is an address", "defender-for-cloud",
      MDC("[" ENTITY("198.51.100.35", "") "," ENTITY("198.51.100.36", "") "]",
          ",'CompromisedEntity':'198.51.100.36'"),
      BECOMES("['198.51.100.35']", "['198.51.100.36']"), NULL },
    { "an address with the zone of an interface", "defender-for-cloud",
      MDC("[" ENTITY("2001:db8:5::37%eth1", "") "," ENTITY("fe80::5%12", "") "]", ""),
      BECOMES("['2001:db8:5::37']", "['fe80::5']"), NULL },
    { "nobody's account is no account",
      "defender-for-cloud",
      MDC("[{'Type':'account','AadUserId':'00000000-0000-0000-0000-000000000000'},{'Type':"
          "'account','Name':'root','isValid':false},{'Type':'account','Name':'ann'}]",
          ""),
      { { "entities.accounts", "['ann']" } },
      NULL },
};

TEST(an_address_is_an_attackers_or_an_own_one_by_what_the_sender_says_of_it)
{
    check_rows(addresses, sizeof addresses / sizeof *addresses);
}

/* -- Shapes --------------------------------------------------------------------------------- */

#define OWN(members)                                                                     \
    "{'SystemAlertId':'s-31','AlertType':'KV_OperationVolumeAnomaly','AlertDisplayName'" \
    ":'Unusual volume','Severity':'Medium'," members "}"
#define XDR(members)                                                                      \
    "{'@odata.type':'#microsoft.graph.security.alert','id':'da-9','title':'Odd sign-in'," \
    "'severity':'medium','serviceSource':'microsoftDefenderForIdentity'," members "}"
#define CASE(members)                                                                      \
    "{'name':'1f0d6a52-7c11-4a0e-9d55-0c2b7e4a9f10','type':'Microsoft.SecurityInsights/"   \
    "Incidents','id':'" SUB "/resourceGroups/soc/providers/Microsoft.OperationalInsights/" \
    "workspaces/w9/providers/Microsoft.SecurityInsights/Incidents/1f0d6a52','properties'"  \
    ":{'severity':'Low','title':'Odd'," members "}}"
#define OLD_ARM                                                                            \
    "{'id':'" ALERT_1 "','name':'n-77','type':'Microsoft.Security/Locations/alerts',"      \
    "'properties':{'systemSource':'Azure','vendorName':'Microsoft','alertName':"           \
    "'SuspiciousShell','alertDisplayName':'A shell','detectedTimeUtc':"                    \
    "'2026-09-01T01:02:03Z','reportedSeverity':'High','state':'Dismissed',"                \
    "'associatedResource':'" VM_ID "','instanceId':'11111111-2222-4333-8444-555555555555'" \
    ",'compromisedEntity':'jump-2','canBeInvestigated':true}}"
#define ROW                                                                              \
    "{'TimeGenerated':'2026-09-02T05:06:07.1234567Z','DisplayName':'A guess','AlertName" \
    "':'A guess','AlertSeverity':'Medium','AlertType':'SQL.DB_BruteForce','SystemAlert"  \
    "Id':'r-1','ProductName':'Microsoft Defender for Cloud','Tactics':'Initial Access, " \
    "Impact','Techniques':'[\\'T1110\\']','AlertLink':'https://p.example/r-1',"          \
    "'ExtendedProperties':'{\\'Client IP address\\':\\'198.51.100.40\\'}','TenantId':"   \
    "'7d0c0000-0000-4000-8000-000000000001','Type':'SecurityAlert','Entities':"          \
    "'[{\\'$id\\':\\'2\\',\\'Type\\':\\'account\\',\\'Name\\':\\'sa\\'}]'}"
#define SENTINEL_ALERT                                                                  \
    "{'id':'" SUB "/resourceGroups/w/providers/Microsoft.OperationalInsights/"          \
    "workspaces/w/providers/Microsoft.SecurityInsights/Entities/s-9','name':'s-9',"     \
    "'type':'Microsoft.SecurityInsights/Entities','kind':'SecurityAlert','properties':" \
    "{'systemAlertId':'s-9','alertDisplayName':'Odd','severity':'High','productName':"  \
    "'Azure Active Directory Identity Protection','alertType':'AnonymousLogin',"        \
    "'timeGenerated':'2026-09-03T00:00:00Z','additionalData':{'IP Address':"            \
    "'198.51.100.41'}}}"
#define CLOUD(data)                                                                        \
    "{'specversion':'1.0','id':'e','source':'" SUB "','type':'com.example.x','data':" data \
    "}"
#define GRID(data)                                                        \
    "[{'id':'e','topic':'" SUB "','subject':'s','eventType':'Example.X'," \
    "'eventTime':'2026-09-04T00:00:00Z','data':" data "}]"
#define MONITOR(severity, context)                                                      \
    "{'schemaId':'azureMonitorCommonAlertSchema','data':{'essentials':{'alertId':'/r'," \
    "'originAlertId':'o','alertRule':'rule','severity':" severity ",'firedDateTime':"   \
    "'2026-09-05T00:00:00Z','alertTargetIDs':['" VM_ID "']},'alertContext':" context "}}"
#define ACTIVITY                                                                       \
    "{'category':{'value':'Security'},'operationName':{'value':'Microsoft.Security/"   \
    "locations/alerts/activate/action'},'correlationId':'c-5','resourceId':'" ALERT_1  \
    "','eventName':{'value':'A guess'},'eventTimestamp':'2026-09-06T00:00:00Z',"       \
    "'status':{'value':'Active'},'properties':{'severity':'High','domainName':'CORP'," \
    "'userName':'eve','compromisedEntity':'jump-2','attackedResourceType':'Virtual "   \
    "Machine','Attacker IP':'IP Address: 198.51.100.42 [17]'}}"
#define LISTKEYS                                                                           \
    "{'authorization':{'scope':'" VM_ID "','action':'x/listKeys/action','evidence':{"      \
    "'principalId':'0123456789abcdef0123456789abcdef','principalType':'ServicePrincipal'}" \
    "},'claims':{'ipaddr':'198.51.100.43','http://schemas.xmlsoap.org/ws/2005/05/"         \
    "identity/claims/upn':'eve@corp.example'},'httpRequest':'{\\'clientIpAddress\\':"      \
    "\\'198.51.100.44:5123\\'}','resourceUri':'" VM_ID "','operationName':'x',"            \
    "'tenantId':'t-1'}"

static const struct row shapes[] = {
    { "an entry of the activity log by itself",
      "azure-monitor",
      "{'category':{'value':'Administrative'},'operationName':{'value':'Microsoft.Web/sites"
      "/config/list/action','localizedValue':'List settings'},'caller':'eve@corp.example',"
      "'claims':{'ipaddr':'198.51.100.90'},'level':'Warning','eventDataId':'ev-1',"
      "'eventTimestamp':'2026-09-09T00:00:00Z','resourceId':'" VM_ID "'}",
      { { "id", "'ev-1'" },
        { "severity", "'medium'" },
        { "entities.accounts", "['eve@corp.example']" },
        { "entities.ips", "['198.51.100.90']" } },
      NULL },
    { "the same as it is streamed",
      "azure-monitor",
      "{'records':[{'time':'2026-09-09T00:00:00Z','category':'Administrative',"
      "'operationName':'MICROSOFT.WEB/SITES/STOP/ACTION','resourceId':'" VM_ID "',"
      "'callerIpAddress':'198.51.100.91','correlationId':'co-1','level':'Information',"
      "'identity':{'claims':{'http://x/identity/claims/objectidentifier':'01234567-89ab-"
      "cdef-0123-456789abcdef'}}}]}",
      { { "entities.ips", "['198.51.100.91']" },
        { "entities.accounts", "['01234567-89ab-cdef-0123-456789abcdef']" },
        { "severity", "'informational'" } },
      NULL },
    { "an alert without a time has that of the event around it",
      "event-grid",
      GRID("{'SystemAlertId':'t-1','Severity':'Low'}"),
      { { "id", "'t-1'" }, { "time", "'2026-09-04T00:00:00Z'" } },
      NULL },
    { "advice in a list in an event is no alert",
      "event-grid",
      GRID("[{'type':'Microsoft.Security/assessments'}]"),
      { { "count", "0" } },
      NULL },
    { "attackers as a list of sentences",
      "defender-for-cloud",
      MDC("[" ENTITY(" 198.51.100.82 ", "") "]",
          ",'ExtendedProperties':{'Attackers':['IP Address: 198.51.100.80','IP Address: "
          "198.51.100.81.'],'Attacker tool version':'1.2.3.4'}"),
      { { "entities.ips", "['198.51.100.82','198.51.100.80','198.51.100.81']" } },
      NULL },
    { "a CloudEvent at the hook of a product",
      "defender-for-cloud",
      CLOUD(OLD_ARM),
      { { "id", "'n-77'" }, { "severity", "'high'" } },
      NULL },
    { "a CloudEvent where Event Grid's schema was expected",
      "event-grid",
      CLOUD(LISTKEYS),
      { { "entities.ips", "['198.51.100.44','198.51.100.43']" } },
      NULL },
    { "the trigger of an automation rule on alerts",
      "sentinel",
      "{'objectSchemaType':'Alert','object':" SENTINEL_ALERT "}",
      { { "id", "'s-9'" }, { "severity", "'high'" } },
      NULL },
    { "a budget's schema is old too",
      "azure-monitor",
      "{'schemaId':'AIP Budget Notification','data':{'BudgetName':'b'}}",
      { { 0 } },
      "old Azure Monitor schema AIP Budget Notification" },
    { "members like an alert's, with a severity that can be read",
      "cloudevents",
      CLOUD("{'AlertDisplayName':'d','severity':'Critical'}"),
      { { "severity", "'high'" } },
      NULL },
    { "members like an alert's, without one",
      "cloudevents",
      CLOUD("{'AlertDisplayName':'d','level':'?'}"),
      { { 0 } },
      "a form that is not known" },
    { "Graph's older alerts are refused by their type",
      "event-grid",
      GRID("{'@odata.type':'#microsoft.graph.alert','severity':'high'}"),
      { { 0 } },
      "a form that is not known" },
    { "entities that are no JSON are noted",
      "defender-for-cloud",
      MDC("'[{cut off'", ""),
      { { "notes", "~holds no JSON list" } },
      NULL },
    { "an alert of our own shape: what is own is not to block",
      "generic",
      "{'id':'1','title':'t','severity':'Warning','entities':{'ips':['198.51.100.83',"
      "'198.51.100.84'],'assets':['198.51.100.84']}}",
      { { "entities.ips", "['198.51.100.83']" }, { "severity", "'medium'" } },
      NULL },
    { "rows as Log Analytics answers them",
      "defender-for-cloud",
      "{'tables':[{'name':'PrimaryResult','columns':[{'name':'SystemAlertId','type':"
      "'string'},{'name':'AlertSeverity','type':'string'},{'name':'Entities','type':"
      "'string'}],'rows':[['l-1','High','[{\\'Type\\':\\'ip\\',\\'Address\\':"
      "\\'198.51.100.60\\'}]'],['l-2','Low','']]}]}",
      { { "count", "2" },
        { "id", "'l-1'" },
        { "raw.AlertSeverity", "'High'" },
        { "entities.ips", "['198.51.100.60']" } },
      NULL },
    { "a batch of batches",
      "graph",
      "[{'records':[{'category':'AdvancedHunting-AlertInfo','properties':{'AlertId':'b-1',"
      "'Title':'t','Severity':'Low','ServiceSource':'s'}}]},{'records':[]}]",
      { { "count", "1" }, { "id", "'b-1'" } },
      NULL },
    { "a row of an incident",
      "sentinel",
      "{'TimeGenerated':'2026-09-08T00:00:00Z','IncidentName':'in-1','IncidentNumber':'4',"
      "'Title':'t','Severity':'High','Status':'Closed','AlertIds':'[\\'q-1\\',\\'q-2\\']',"
      "'Type':'SecurityIncident'}",
      { { "children", "['q-1','q-2']" }, { "status", "'resolved'" }, { "id", "'in-1'" } },
      NULL },
    { "a row of XDR in a workspace: its tenant is the workspace",
      "sentinel",
      "{'AlertId':'da2','Title':'t','Severity':'Low','EntityType':'Ip','RemoteIP':"
      "'198.51.100.61','TenantId':'7d0c0000-0000-4000-8000-000000000001','Type':"
      "'AlertEvidence'}",
      { { "tenant", "''" },
        { "source", "'graph'" },
        { "entities.ips", "['198.51.100.61']" } },
      NULL },
    { "names that are written as one word, and in other cases",
      "defender-for-cloud",
      MDC("[]", ",'ExtendedProperties':{'srcip':'198.51.100.62','ATTACKERIPS':"
                "'198.51.100.63; 198.51.100.64','Attacker':'198.51.100.65','dstip':"
                "'198.51.100.66','Relationship':'1.2.3.4','ZIP':'1.2.3.5','User agent':"
                "'curl/7.4.0.1'}"),
      { { "entities.ips",
          "['198.51.100.63','198.51.100.64','198.51.100.65','198.51.100.62']" },
        { "entities.assets", "['198.51.100.66']" } },
      NULL },
    { "the resource of the older API",
      "defender-for-cloud",
      OLD_ARM,
      { { "id", "'n-77'" },
        { "severity", "'high'" },
        { "time", "'2026-09-01T01:02:03Z'" },
        { "resources", "['" VM_ID "']" } },
      NULL },
    { "its type, state and machine",
      "",
      OLD_ARM,
      { { "type", "'SuspiciousShell'" },
        { "status", "'dismissed'" },
        { "title", "'A shell'" },
        { "entities.hosts", "['jump-2']" } },
      NULL },
    { "the older resource in a CloudEvent",
      "cloudevents",
      CLOUD(OLD_ARM),
      { { "source", "'defender-for-cloud'" },
        { "severity", "'high'" },
        { "id", "'n-77'" } },
      NULL },
    { "the older resource in an event of Event Grid",
      "event-grid",
      GRID(OLD_ARM),
      { { "severity", "'high'" }, { "id", "'n-77'" } },
      NULL },
    { "a row of the table",
      "defender-for-cloud",
      ROW,
      { { "severity", "'medium'" },
        { "tenant", "''" },
        { "entities.ips", "['198.51.100.40']" },
        { "entities.accounts", "['sa']" } },
      NULL },
    { "a row's tactics, techniques, link and type",
      "sentinel",
      ROW,
      { { "tactics", "['InitialAccess','Impact']" },
        { "techniques", "['T1110']" },
        { "link", "'https://p.example/r-1'" },
        { "type", "'SQL.DB_BruteForce'" } },
      NULL },
    { "rows as a query answers them",
      "defender-for-cloud",
      "{'schema':[],'results':[" ROW "," ROW "]}",
      { { "count", "2" }, { "id", "'r-1'" } },
      NULL },
    { "a row in an event of Event Grid, as text",
      "event-grid",
      "[{'id':'e','topic':'t','subject':'s','eventType':'X','eventTime':"
      "'2026-09-04T00:00:00Z','data':'{\\'Type\\':\\'SecurityAlert\\',\\'SystemAlertId\\'"
      ":\\'r-2\\',\\'AlertSeverity\\':\\'High\\'}'}]",
      { { "id", "'r-2'" }, { "severity", "'high'" } },
      NULL },
    { "Sentinel's entity of an alert, to sentinel",
      "sentinel",
      SENTINEL_ALERT,
      { { "id", "'s-9'" },
        { "source", "'sentinel'" },
        { "severity", "'high'" },
        { "entities.ips", "['198.51.100.41']" } },
      NULL },
    { "Sentinel's entity of an alert, to defender-for-cloud",
      "defender-for-cloud",
      "{'value':[" SENTINEL_ALERT "]}",
      { { "id", "'s-9'" }, { "time", "'2026-09-03T00:00:00Z'" } },
      NULL },
    { "Sentinel's entities in a CloudEvent",
      "cloudevents",
      CLOUD("{'value':[" SENTINEL_ALERT "," SENTINEL_ALERT "]}"),
      { { "count", "2" }, { "severity", "'high'" } },
      NULL },
    { "a row of AlertInfo",
      "graph",
      "{'Timestamp':'2026-09-07T00:00:00Z','AlertId':'da1','Title':'Odd','Category':"
      "'CommandAndControl','Severity':'High','ServiceSource':'Microsoft Defender for "
      "Endpoint','DetectionSource':'EDR','AttackTechniques':'[\\'Proxy (T1090.003)\\']'}",
      { { "id", "'da1'" },
        { "severity", "'high'" },
        { "tactics", "['CommandAndControl']" },
        { "techniques", "['T1090.003']" } },
      NULL },
    { "a row of AlertEvidence in its stream",
      "graph",
      "{'records':[{'time':'2026-09-07T00:00:01Z','tenantId':'t-2','category':"
      "'AdvancedHunting-AlertEvidence','properties':{'AlertId':'da1','Title':'Odd',"
      "'Severity':'Low','EntityType':'CloudResource','ResourceID':'" VM_ID "'}}]}",
      { { "resources", "['" VM_ID "']" },
        { "tenant", "'t-2'" },
        { "time", "'2026-09-07T00:00:01Z'" } },
      NULL },
    { "events in the same stream are no alerts",
      "graph",
      "{'records':[{'time':'2026-09-07T00:00:01Z','category':'AdvancedHunting-"
      "DeviceEvents','properties':{'DeviceName':'d'}}]}",
      { { "count", "0" } },
      NULL },
    { "a row of evidence without a severity is refused",
      "graph",
      "{'AlertId':'da1','EntityType':'Ip','RemoteIP':'198.51.100.45'}",
      { { 0 } },
      "the row of AlertEvidence has no Severity" },
    { "evidence in evidence, without types",
      "graph",
      GRAPH("[{'@odata.type':'#microsoft.graph.security.containerEvidence','image':{"
            "'registry':{'registry':'r'}},'pod':{'namespace':{'cluster':{'cloudResource':"
            "{'resourceId':'" AKS_ID "'}}}}}]"),
      { { "resources", "['" AKS_ID "']" } },
      NULL },
    { "the storage account behind a blob",
      "graph",
      GRAPH("[{'@odata.type':'#microsoft.graph.security.blobEvidence','blobContainer':{"
            "'storageResource':{'@odata.type':'#microsoft.graph.security."
            "azureResourceEvidence','resourceId':'" VM_ID "'}}}]"),
      { { "resources", "['" VM_ID "']" } },
      NULL },
    { "a category that is no tactic is none",
      "graph",
      "{'id':'g','serviceSource':'azureAdIdentityProtection','createdDateTime':"
      "'2026-09-07T00:00:00Z','severity':'high','category':'PasswordSpray'}",
      { { "tactics", "[]" }, { "type", "'PasswordSpray'" } },
      NULL },
    { "an incident has what its alerts' evidence names",
      "graph",
      "{'@odata.type':'#microsoft.graph.security.incident','id':'31','displayName':'d',"
      "'severity':'high','alerts':[{'id':'da1','evidence':[" IP("198.51.100.46", "") "]}]}",
      { { "children", "['da1']" }, { "entities.ips", "['198.51.100.46']" } },
      NULL },
    { "lifecycle notifications beside an ordinary one",
      "graph",
      "{'value':[{'subscriptionId':'s','lifecycleEvent':'subscriptionRemoved','tenantId':"
      "'t'},{'subscriptionId':'s','changeType':'updated','resource':'security/incidents/4'"
      "}]}",
      { { "count", "1" }, { "fetch", "'graph-incidents'" }, { "id", "'4'" } },
      NULL },
    { "properties as JSON in a text, with a port and a list",
      "defender-for-cloud",
      MDC("[]", ",'ExtendedProperties':'{\\'clientIpAddress\\':\\'198.51.100.47:443\\',"
                "\\'Source IP(s) [#attempts]\\':[\\'IP Address: 198.51.100.48 [3]\\',"
                "\\'198.51.100.0/24\\']}'"),
      { { "entities.ips", "['198.51.100.48','198.51.100.47']" } },
      NULL },
    { "Sentinel's custom details, in JSON in JSON",
      "defender-for-cloud",
      MDC("[]", ",'ExtendedProperties':{'Custom Details':'{\\'AttackerIP\\':["
                "\\'2001:db8::77\\']}'}"),
      { { "entities.ips", "['2001:db8::77']" } },
      NULL },
    { "an incident of Defender names its alerts",
      "defender-for-cloud",
      MDC("[{'Type':'SecurityAlert','SystemAlertId':'x-1'},{'Type':'security-alert',"
          "'ProviderAlertId':'x-2'},{'Type':'security-alert','SystemAlertId':'n-1'}]",
          ",'IsIncident':'True'"),
      { { "children", "['x-1','x-2']" } },
      NULL },
    { "an entry of the activity log has the alert's own id",
      "defender-for-cloud",
      ACTIVITY,
      { { "id", "'n-77'" },
        { "entities.accounts", "['CORP\\\\eve']" },
        { "entities.hosts", "['jump-2']" },
        { "entities.ips", "['198.51.100.42']" } },
      NULL },
    { "the entry as diagnostic settings stream it",
      "defender-for-cloud",
      "{'records':[{'time':'2026-09-06T00:00:00Z','resourceId':'/SUBSCRIPTIONS/S/PROVIDERS"
      "/MICROSOFT.SECURITY/LOCATIONS/UKSOUTH/ALERTS/N-78','operationName':'Microsoft."
      "Security/locations/alerts/activate/action','category':'Security','properties':{"
      "'eventName':'A guess','eventProperties':{'severity':'Medium'}}}]}",
      { { "id", "'N-78'" }, { "severity", "'medium'" }, { "title", "'A guess'" } },
      NULL },
    { "who listed the keys, and from where",
      "event-grid",
      GRID(LISTKEYS),
      { { "resources", "['" VM_ID "','" SUB "']" },
        { "entities.accounts",
          "['eve@corp.example','01234567-89ab-cdef-0123-456789abcdef']" },
        { "entities.ips", "['198.51.100.44','198.51.100.43']" },
        { "severity", "'informational'" } },
      NULL },
    { "the same in a CloudEvent",
      "cloudevents",
      CLOUD(LISTKEYS),
      { { "tenant", "'t-1'" }, { "entities.ips", "['198.51.100.44','198.51.100.43']" } },
      NULL },
    { "Azure Monitor: the caller and its claims",
      "azure-monitor",
      MONITOR(
          "'Sev2'",
          "{'caller':'ops@corp.example','claims':'{\\'ipaddr\\':\\'198.51.100.49\\'}'}"),
      { { "entities.accounts", "['ops@corp.example']" },
        { "entities.ips", "['198.51.100.49']" },
        { "severity", "'medium'" } },
      NULL },
    { "Azure Monitor: dimensions of a log alert",
      "azure-monitor",
      MONITOR("'Sev1'",
              "{'condition':{'allOf':[{'dimensions':[{'name':'IP','value':'198.51.100.50'}"
              ",{'name':'Computer','value':'h-1'},{'name':'Account','value':'bob'}]}]}}"),
      { { "entities.ips", "['198.51.100.50']" },
        { "entities.hosts", "['h-1']" },
        { "entities.accounts", "['bob']" } },
      NULL },
    { "Azure Monitor: severity Critical",
      "azure-monitor",
      MONITOR("'Critical'", "{}"),
      { { "severity", "'high'" }, { "notes", "" } },
      NULL },
    { "Azure Monitor: severity Error",
      "azure-monitor",
      MONITOR("'Error'", "{}"),
      { { "severity", "'high'" } },
      NULL },
    { "Azure Monitor: severity Warning",
      "azure-monitor",
      MONITOR("'WARNING'", "{}"),
      { { "severity", "'medium'" } },
      NULL },
    { "Azure Monitor: a security alert without a severity of its own",
      "azure-monitor",
      MONITOR("'Sev4'", "{'eventSource':'security','properties':{}}"),
      { { "severity", "'informational'" }, { "notes", "~no severity of its own" } },
      NULL },
    { "Azure Monitor: severity Verbose",
      "azure-monitor",
      MONITOR("'Verbose'", "{}"),
      { { "severity", "'informational'" } },
      NULL },
    { "Azure Monitor: severity as a number",
      "azure-monitor",
      MONITOR("1", "{}"),
      { { "severity", "'high'" } },
      NULL },
    { "Azure Monitor: severity as a number in a text",
      "azure-monitor",
      MONITOR("'3'", "{}"),
      { { "severity", "'low'" } },
      NULL },
    { "Azure Monitor: another word has a note",
      "azure-monitor",
      MONITOR("'Notice'", "null"),
      { { "severity", "'informational'" }, { "notes", "~'the severity \\'Notice\\'" } },
      NULL },
    { "an old schema of Azure Monitor is named",
      "azure-monitor",
      "{'schemaId':'Microsoft.Insights/LogAlert','data':{}}",
      { { 0 } },
      "old Azure Monitor schema Microsoft.Insights/LogAlert" },
    { "the classic metric alert has no schema, and help",
      "azure-monitor",
      "{'status':'Activated','context':{'conditionType':'Metric','resourceId':'/x'}}",
      { { 0 } },
      "useCommonAlertSchema = true" },
    { "a security alert's severity is not guessed",
      "defender-for-cloud",
      "{'AlertType':'T','SystemAlertId':'s','Severity':'Urgent'}",
      { { 0 } },
      "severity is \"Urgent\": want High, Medium, Low or Informational" },
    { "an event that says that it is an alert and is none",
      "cloudevents",
      "{'specversion':'1.0','id':'e','source':'/x','type':'com.microsoft.azure.defender."
      "alert','data':{'what':'?'}}",
      { { 0 } },
      "holds a security alert of a form that is not known" },
    { "an alert's resource without its members",
      "cloudevents",
      CLOUD("{'type':'Microsoft.Security/locations/alerts','properties':{'new':1}}"),
      { { 0 } },
      "has no SystemAlertId" },
    { "one of a list that cannot be read",
      "event-grid",
      GRID("[" OLD_ARM ",{'@odata.type':'#microsoft.graph.alert'}]"),
      { { 0 } },
      "a form that is not known" },
    { "a broken time: another stands for it",
      "defender-for-cloud",
      "{'AlertType':'T','SystemAlertId':'s','Severity':'Low','TimeGenerated':"
      "'2026-09-07T12:16:01+053088Z','StartTimeUtc':'2026-09-07 12:16:01.5'}",
      { { "time", "'2026-09-07T12:16:01.5Z'" }, { "notes", "~12:16:01+053088Z" } },
      NULL },
    { "a broken time and no other: the arrival",
      "sentinel",
      "{'name':'i','type':'Microsoft.SecurityInsights/Incidents','properties':{'title':'t'"
      ",'severity':'Low','createdTimeUtc':'yesterday'}}",
      { { "time", "'2026-12-01T02:03:04Z'" }, { "notes", "~that of the arrival" } },
      NULL },
    { "a zone without a colon",
      "graph",
      "{'id':'g','serviceSource':'x','createdDateTime':'2026-09-07T00:00:00+0200',"
      "'severity':'low'}",
      { { "time", "'2026-09-07T00:00:00+02:00'" }, { "notes", "" } },
      NULL },
    { "an account whose type the place says",
      "graph",
      GRAPH("[{'@odata.type':'#microsoft.graph.security.cloudLogonSessionEvidence',"
            "'account':{'userAccount':{'userPrincipalName':'eve@fabrikam.test'}}}]"),
      { { "entities.accounts", "['eve@fabrikam.test']" } },
      NULL },
    { "Defender's entry of the activity log at the hook of Azure Monitor",
      "azure-monitor",
      "{'category':'Security','operationName':'Microsoft.Security/locations/alerts/"
      "activate/"
      "action','eventName':'x','resourceId':'" ALERT_1
      "','properties':{'severity':'High'}}",
      { { "source", "'defender-for-cloud'" }, { "severity", "'high'" } },
      NULL },
    { "Azure Monitor's older word for an end",
      "azure-monitor",
      "{'schemaId':'azureMonitorCommonAlertSchema','data':{'essentials':{'alertId':'c-1',"
      "'alertRule':'r','severity':'Sev2','monitorCondition':'Deactivated'}}}",
      { { "over", "true" } },
      NULL },
    { "NUL in a text that holds JSON",
      "defender-for-cloud",
      MDC("'[{\\'Type\\':\\'process\\',\\'CommandLine\\':\\'a\\\\u0000b\\'},{\\'Type\\':"
          "\\'ip\\',\\'Address\\':\\'198.51.100.41\\'}]'",
          ""),
      { { "entities.ips", "['198.51.100.41']" },
        { "notes", "~in a text that holds JSON: \\\\u0000 is replaced" } },
      NULL },
    { "half a surrogate pair in a text of properties",
      "defender-for-cloud",
      MDC("[]", ",'ExtendedProperties':'{\\'\\\\ud834x\\':1,\\'Attacker IP\\':\\'"
                "198.51.100.42\\'}'"),
      { { "entities.ips", "['198.51.100.42']" }, { "notes", "~half a surrogate pair" } },
      NULL },
    { "the same member twice in a text",
      "graph",
      GRAPH(
          "'[{\\'ipAddress\\':\\'198.51.100.43\\',\\'ipAddress\\':\\'198.51.100.44\\'}]'"),
      { { "entities.ips", "['198.51.100.44']" }, { "notes", "~is there again" } },
      NULL },
    { "entities as JSON in JSON in a text",
      "defender-for-cloud",
      MDC("'\\'[{\\\\\\'Type\\\\\\':\\\\\\'ip\\\\\\',\\\\\\'Address\\\\\\':\\\\\\'198.51."
          "100.61\\\\\\'}]\\''",
          ""),
      { { "entities.ips", "['198.51.100.61']" }, { "notes", "" } },
      NULL },
    { "entities behind a byte order mark",
      "defender-for-cloud",
      MDC("'\\ufeff[{\\'Type\\':\\'host\\',\\'HostName\\':\\'jump-2\\'}]'", ""),
      { { "entities.hosts", "['jump-2']" }, { "notes", "" } },
      NULL },
    { "a title that begins with a quotation mark stays a title",
      "defender-for-cloud",
      "{'SystemAlertId':'q-1','AlertType':'T','AlertDisplayName':'\\'x\\' ran','Severity':"
      "'Low','ExtendedProperties':'\\'none\\''}",
      { { "title", "'\\'x\\' ran'" } },
      NULL },
    { "properties as a list of keys and values",
      "graph",
      "{'@odata.type':'#microsoft.graph.security.alert','id':'g','title':'t','severity':'"
      "low',"
      "'additionalData':{'additionalInfo':'[{\\'Key\\':\\'Attacker source IP\\',"
      "\\'Value\\':\\'198.51.100.62\\'},{\\'Key\\':\\'userAgent\\',\\'Value\\':"
      "\\'9.9.9.9\\'}]'}}",
      { { "entities.ips", "['198.51.100.62']" } },
      NULL },
    { "a trigger whose object a workflow made a text of",
      "sentinel",
      "{'objectSchemaType':'Incident','object':'{\\'name\\':\\'i-6\\',\\'type\\':"
      "\\'Microsoft.SecurityInsights/Incidents\\',\\'properties\\':{\\'title\\':"
      "\\'t\\',\\'severity\\':\\'Low\\'}}'}",
      { { "id", "'i-6'" }, { "severity", "'low'" } },
      NULL },
    { "the image and the user of a process, and who owns a mailbox",
      "graph",
      GRAPH(
          "[{'@odata.type':'#microsoft.graph.security.processEvidence','imageFile':{"
          "'fileName':'nc','filePath':'/usr/bin'},'parentProcessImageFile':{'fileName':"
          "'sh','filePath':'/bin'},'userAccount':{'accountName':'www'}},{'@odata.type':"
          "'#microsoft.graph.security.mailboxEvidence','primaryAddress':'a@fabrikam.test',"
          "'userAccount':{'userPrincipalName':'eve@fabrikam.test'}}]"),
      { { "entities.files", "['/usr/bin/nc','/bin/sh']" },
        { "entities.accounts", "['www','eve@fabrikam.test']" } },
      NULL },
    { "whom a machine runs its own services as is no account",
      "graph",
      GRAPH("[{'@odata.type':'#microsoft.graph.security.processEvidence','userAccount':{"
            "'accountName':'SYSTEM','domainName':'NT AUTHORITY'}},{'@odata.type':"
            "'#microsoft.graph.security.userEvidence','userAccount':{'accountName':"
            "'network service','domainName':'nt authority'}},{'@odata.type':"
            "'#microsoft.graph.security.userEvidence','userAccount':{'accountName':'sql',"
            "'domainName':'CORP'}}]"),
      { { "entities.accounts", "['CORP\\\\sql']" } },
      NULL },
    { "a mailbox that Sentinel names",
      "sentinel",
      CASE("'relatedEntities':[{'kind':'Mailbox','properties':{'mailboxPrimaryAddress':"
           "'box@fabrikam.test'}}]"),
      { { "entities.accounts", "['box@fabrikam.test']" } },
      NULL },
    { "Azure Monitor: the machine of a security alert",
      "azure-monitor",
      MONITOR("'Sev4'",
              "{'eventSource':'Security','properties':{'severity':'Medium',"
              "'compromisedEntity':'jump-2','attackedResourceType':'Virtual Machine'}}"),
      { { "severity", "'medium'" },
        { "entities.hosts", "['jump-2']" },
        { "product", "'defender-for-cloud'" } },
      NULL },
    { "a delivery that is a text",
      "graph",
      "'{\\'id\\':\\'g-t\\',\\'serviceSource\\':\\'x\\',\\'createdDateTime\\':"
      "\\'2026-09-07T00:00:00Z\\',\\'severity\\':\\'low\\'}'",
      { { "id", "'g-t'" }, { "severity", "'low'" } },
      NULL },
    { "a delivery that is a text of no JSON",
      "graph",
      "'security/alerts_v2'",
      { { NULL, NULL } },
      "nothing of kind graph" },
    { "scores and advice are no alerts",
      "defender-for-cloud",
      "[{'type':'Microsoft.Security/assessments/subAssessments','properties':{}},{'type':"
      "'Microsoft.Security/secureScores/secureScoreControls','properties':{}},{'Type':"
      "'SecurityRecommendation','RecommendationName':'r'}]",
      { { "count", "0" } },
      NULL },
};

TEST(each_shape_of_an_alert_is_read_or_visibly_refused)
{
    check_rows(shapes, sizeof shapes / sizeof *shapes);
}

/* -- One alert in several items ------------------------------------------------------------- */

/* The alerts of a delivery as the engine gets them. */
static char *joined(const char *kind, const char *delivery)
{
    struct vm *vm = vm_new(-1);
    struct alert_set set = { 0 };
    struct str out = { 0 };
    struct span alert;
    size_t pos = 0;
    struct err err;
    char *text = quoted(delivery);

    CHECK(adapt_read(vm, span_of(kind), span_of(text)));
    while (json_next(str_span(&vm->adapted), &pos, NULL, &alert))
        CHECK_OK(alert_set_add(&set, alert, span_of(kind), 0, &err), &err);
    alert_set_write(&set, &out);
    alert_set_fini(&set);
    vm_free(vm);
    free(text);
    return str_take(&out);
}

TEST(rows_of_one_alert_in_one_delivery_become_one_alert_that_has_what_each_names)
{
    static const struct row wanted = { .what = "rows of one alert" };
    char *list = joined(
        "graph",
        "[{'AlertId':'m-1','Title':'Odd','Severity':'Low','ServiceSource':'s','Category':"
        "'Execution'},{'AlertId':'m-1','EntityType':'Ip','Title':'Odd','Severity':'High',"
        "'RemoteIP':'198.51.100.70'},{'AlertId':'m-2','Title':'Other','Severity':'Low',"
        "'ServiceSource':'s'},{'AlertId':'m-1','EntityType':'Machine','Severity':'Low',"
        "'DeviceName':'d-1','LocalIP':'198.51.100.71'},{'AlertId':'m-1','EntityType':'Ip',"
        "'Severity':'Low','RemoteIP':'198.51.100.71'}]");

    check_want(&wanted, span_of(list), "count", "2");
    check_want(&wanted, span_of(list), "severity", "'high'");
    check_want(&wanted, span_of(list), "tactics", "['Execution']");
    check_want(&wanted, span_of(list), "entities.ips", "['198.51.100.70']");
    check_want(&wanted, span_of(list), "entities.assets", "['198.51.100.71']");
    check_want(&wanted, span_of(list), "entities.hosts", "['d-1']");
    free(list);
}

TEST(the_last_word_of_a_delivery_about_an_alert_counts)
{
    static const struct row wanted = { .what = "an alert that ends" };
    char *list =
        joined("defender-for-cloud",
               "[" MDC("[]", ",'Status':'New'") "," MDC("[]", ",'Status':'Resolved'") "]");

    check_want(&wanted, span_of(list), "count", "1");
    check_want(&wanted, span_of(list), "status", "'resolved'");
    free(list);
}

/* -- Items of one delivery that cannot be read ------------------------------------------------ */

#define GOOD(id) \
    "{'SystemAlertId':'" id "','AlertType':'T','AlertDisplayName':'d','Severity':'Low'}"

static const struct {
    const char *what, *kind, *delivery, *alerts; /* their ids, in order */
    const char *unread; /* parts of the sentence about each item that is none; NULL: none */
    const char *refused;
} part_rows[] = {
    { "the last has no severity", "defender-for-cloud",
      "[" GOOD("p-1") ",{'SystemAlertId':'p-2','AlertType':'T','AlertDisplayName':'d'}]",
      "p-1", "item 2: the Defender for Cloud alert has no Severity", NULL },
    { "the first is of another product", "graph",
      "{'value':[{'made':'up'}," GOOD("p-3") "," GOOD("p-4") "]}", "p-3 p-4",
      "item 1: ", NULL },
    { "between two is a word that is no severity", "",
      "{'records':[" GOOD("p-5") ",{'SystemAlertId':'p-6','Severity':'Purple'}," GOOD(
          "p-7") "]}",
      "p-5 p-7", "item 2: the Defender for Cloud alert's severity is \"Purple\"", NULL },
    { "texts and numbers among alerts", "sentinel", "['x'," GOOD("p-8") ",7,null]", "p-8",
      "item 1: ", NULL },
    { "a bad row of a table", "defender-for-cloud",
      "{'tables':[{'columns':[{'name':'SystemAlertId'},{'name':'AlertName'},{'name':"
      "'AlertSeverity'}],'rows':[['p-9','n','High'],['p-10','n','?']]}]}",
      "p-9", "item 2: ", NULL },
    { "an event that holds an alert of no known form", "event-grid",
      "[{'id':'1','topic':'" SUB "','subject':'s','eventType':'x.y','eventTime':"
      "'2026-10-02T03:04:05Z','dataVersion':'1','data':{}},{'id':'2','topic':'" SUB "',"
      "'subject':'s','eventType':'Microsoft.Security.Alert','eventTime':"
      "'2026-10-02T03:04:05Z','dataVersion':'1','data':{'alertSeverity':'?'}}]",
      "1", "item 2: ", NULL },
    { "a notification that names nothing", "graph",
      "{'value':[{'changeType':'updated','subscriptionId':'s','resource':"
      "'security/alerts_v2/p-11'},{'changeType':'updated','subscriptionId':'s','resource':"
      "'security/alerts_v2/'}]}",
      "p-11", "item 2: the notification does not name", NULL },
    { "one that becomes nothing beside one that is unread", "defender-for-cloud",
      "[{'type':'Microsoft.Security/"
      "assessments','properties':{}},{'SystemAlertId':'p-12'}]",
      "", NULL, "has no Severity" },
    { "none can be read: the first sentence", "defender-for-cloud",
      "[{'SystemAlertId':'p-13'},{'made':'up'}]", "", NULL, "has no Severity" },
    { "all can be read", "defender-for-cloud", "[" GOOD("p-14") "," GOOD("p-15") "]",
      "p-14 p-15", NULL, NULL },
};

TEST(an_item_that_cannot_be_read_leaves_the_others_of_its_delivery)
{
    for (size_t i = 0; i < sizeof part_rows / sizeof part_rows[0]; i++) {
        char *delivery = quoted(part_rows[i].delivery);
        struct str ids = { 0 }, unread = { 0 };
        struct span item;
        size_t pos = 0;
        bool is_read;
        char *became = read_all(part_rows[i].kind, delivery, &is_read);

        if (is_read != (part_rows[i].refused == NULL))
            FAIL("%s: %s", part_rows[i].what, became);
        if (!is_read && strstr(became, part_rows[i].refused) == NULL)
            FAIL("%s: refused with %s", part_rows[i].what, became);
        while (is_read && json_next(span_of(became), &pos, NULL, &item)) {
            struct span id = json_get(item, "id");
            if (ids.len > 0 && id.len > 0)
                str_add_char(&ids, ' ');
            json_text_to(id.len > 0 ? &ids : &unread,
                         id.len > 0 ? id : json_get(item, "unread"));
        }
        if (strcmp(str_text(&ids), part_rows[i].alerts) != 0)
            FAIL("%s: the alerts are %s", part_rows[i].what, str_text(&ids));
        if ((part_rows[i].unread == NULL) != (unread.len == 0) ||
            (unread.len > 0 && strstr(str_text(&unread), part_rows[i].unread) == NULL))
            FAIL("%s: unread is %s", part_rows[i].what, str_text(&unread));
        str_fini(&ids);
        str_fini(&unread);
        free(became);
        free(delivery);
    }
}

TEST(an_alert_that_names_too_much_keeps_the_first_and_says_so)
{
    struct str delivery = { 0 }, out = { 0 };
    struct err err;

    str_add_text(&delivery, "{\"id\":\"many\",\"title\":\"t\",\"severity\":\"high\","
                            "\"entities\":{\"ips\":[\"198.51.100.1\"");
    for (int i = 0; i < ALERT_ITEMS_MAX + 5; i++)
        str_printf(&delivery, ",\"2001:db8::%x\"", i + 1);
    str_add_text(&delivery, "]}}");
    CHECK_OK(alert_complete(str_span(&delivery), span_of("generic"), &out, &err), &err);
    CHECK_INT(json_count(json_path(str_span(&out), "entities.ips")), ALERT_ITEMS_MAX);
    CHECK(strstr(str_text(&out), "\"ips\":[\"198.51.100.1\"") != NULL);
    CHECK(strstr(str_text(&out), "ips has the first 1000 that are named") != NULL);
    str_fini(&delivery);
    str_fini(&out);
}

/* -- Over, judged or not real ---------------------------------------------------------------- */

static const struct row state_rows[] = {
    { "new",
      "defender-for-cloud",
      OWN("'Status':'New'"),
      { { "over", "" }, { "simulated", "" } },
      NULL },
    { "in progress",
      "defender-for-cloud",
      OWN("'Status':'InProgress'"),
      { { "over", "" } },
      NULL },
    { "dismissed, in capitals",
      "defender-for-cloud",
      OWN("'Status':'DISMISSED'"),
      { { "over", "true" }, { "status", "'dismissed'" } },
      NULL },
    { "resolved",
      "defender-for-cloud",
      OWN("'State':'Resolved'"),
      { { "over", "true" } },
      NULL },
    { "Graph: in progress and false",
      "graph",
      XDR("'status':'inProgress','classification':'falsePositive'"),
      { { "over", "true" }, { "status", "'falsepositive'" } },
      NULL },
    { "Graph: expected",
      "graph",
      XDR("'status':'new','classification':'informationalExpectedActivity'"),
      { { "over", "true" } },
      NULL },
    { "Graph: a determination",
      "graph",
      XDR("'status':'new','determination':'securityTesting'"),
      { { "over", "true" } },
      NULL },
    { "Graph: resolved and true",
      "graph",
      XDR("'status':'resolved','classification':'truePositive'"),
      { { "over", "true" }, { "status", "'resolved'" } },
      NULL },
    { "Graph: true and open",
      "graph",
      XDR("'status':'inProgress','classification':'truePositive','determination':'"
          "malware'"),
      { { "over", "" } },
      NULL },
    { "Graph: redirected",
      "graph",
      "{'@odata.type':'#microsoft.graph.security.incident','id':'812','displayName':'x',"
      "'severity':'high','status':'redirected','redirectIncidentId':'900'}",
      { { "over", "true" }, { "id", "'812'" }, { "notes", "~900" } },
      NULL },
    { "Sentinel: closed, benign",
      "sentinel",
      CASE("'status':'Closed','classification':'BenignPositive'"),
      { { "over", "true" }, { "status", "'resolved'" } },
      NULL },
    { "Sentinel: active, judged false",
      "sentinel",
      CASE("'status':'Active','classification':'FalsePositive'"),
      { { "over", "true" }, { "status", "'falsepositive'" } },
      NULL },
    { "Sentinel: active, undetermined",
      "sentinel",
      CASE("'status':'Active','classification':'Undetermined'"),
      { { "over", "" } },
      NULL },
    { "a row of SecurityIncident",
      "sentinel",
      "{'Type':'SecurityIncident','IncidentName':'i-9','Title':'t','Severity':'High',"
      "'Status':'Closed','Classification':'TruePositive'}",
      { { "over", "true" } },
      NULL },
    { "by hand: dismissed",
      "generic",
      "{'id':'g-1','title':'t','severity':'high','status':'Dismissed'}",
      { { "over", "true" } },
      NULL },
    { "by hand: the sender knows better than its word",
      "generic",
      "{'id':'g-1','title':'t','severity':'high','status':'closed','over':false}",
      { { "over", "false" } },
      NULL },
    { "activity log: somebody dismisses it",
      "defender-for-cloud",
      "{'category':'Security','operationName':'Microsoft.Security/locations/alerts/dismiss/"
      "action','eventName':'x','status':'Active','resourceId':'" ALERT_1
      "','properties':{'severity':'High'}}",
      { { "over", "true" } },
      NULL },
    { "Azure Monitor: somebody dismisses a security alert",
      "azure-monitor",
      MONITOR("'Sev4'",
              "{'operationName':'Microsoft.Security/locations/alerts/dismiss/action',"
              "'properties':{'severity':'High'},'status':'Active'}"),
      { { "over", "true" }, { "status", "'dismissed'" } },
      NULL },
    { "Azure Monitor: the security alert's own status",
      "azure-monitor",
      MONITOR("'Sev4'", "{'eventSource':'Security','properties':'{\\'severity\\':"
                        "\\'High\\',\\'status\\':\\'Resolved\\'}'}"),
      { { "over", "true" }, { "status", "'resolved'" } },
      NULL },
    { "Azure Monitor: another entry's status is no end",
      "azure-monitor",
      MONITOR("'Sev2'",
              "{'eventSource':'Administrative','status':'Resolved','properties':{}}"),
      { { "over", "" }, { "status", "'active'" } },
      NULL },
    { "Azure Monitor: a sample in the activity log",
      "azure-monitor",
      MONITOR("'Sev4'",
              "{'eventSource':'Security','description':'This is a sample alert: a',"
              "'properties':{'severity':'High'}}"),
      { { "simulated", "true" } },
      NULL },
    { "a row of XDR that was judged false",
      "graph",
      "{'Type':'AlertInfo','AlertId':'da-8','Title':'t','Severity':'High','ServiceSource':"
      "'Microsoft Defender XDR','Classification':'False positive'}",
      { { "over", "true" } },
      NULL },
    { "a sample by its title",
      "defender-for-cloud",
      OWN("'AlertDisplayName2':'x','Description':'THIS IS A SAMPLE ALERT: nothing'"),
      { { "simulated", "true" } },
      NULL },
    { "a sample by its type",
      "defender-for-cloud",
      "{'SystemAlertId':'s-31','AlertType':'SIMULATED_VM_X','AlertDisplayName':'x',"
      "'Severity':'High'}",
      { { "simulated", "true" } },
      NULL },
    { "a sample by the provider of its intelligence",
      "defender-for-cloud",
      OWN("'Entities':[{'Type':'ip','Address':'198.51.100.9','ThreatIntelligence':"
          "[{'ProviderName':'Alert Simulator'}]}]"),
      { { "simulated", "true" } },
      NULL },
    { "Graph: a test alert",
      "graph",
      "{'@odata.type':'#microsoft.graph.security.alert','id':'da-9','severity':'high',"
      "'title':'[Test Alert] Suspicious command line'}",
      { { "simulated", "true" } },
      NULL },
    { "a title that only speaks of a sample",
      "graph",
      "{'@odata.type':'#microsoft.graph.security.alert','id':'da-9','severity':'high',"
      "'title':'Malware in [SAMPLE ALERT].docx'}",
      { { "simulated", "" } },
      NULL },
    { "Sentinel: each alert of the incident is a sample",
      "sentinel",
      CASE("'status':'New','alerts':[{'properties':{'alertDisplayName':'[SAMPLE ALERT] y',"
           "'systemAlertId':'q'}}]"),
      { { "simulated", "true" } },
      NULL },
    { "Sentinel: one alert of the incident is real",
      "sentinel",
      CASE(
          "'status':'New','alerts':[{'properties':{'alertDisplayName':'[SAMPLE ALERT] y'}},"
          "{'properties':{'alertDisplayName':'Real'}}]"),
      { { "simulated", "" } },
      NULL },
    { "the action group's test",
      "azure-monitor",
      "{'schemaId':'azureMonitorCommonAlertSchema','data':{'essentials':{'alertId':'t-1',"
      "'alertRule':'test-logAlertRule','severity':'Sev3','monitorCondition':'Fired',"
      "'alertTargetIDs':['" SUB "/resourcegroups/test-RG/providers/Microsoft.Storage/"
      "storageAccounts/test-account']}}}",
      { { "simulated", "true" } },
      NULL },
    { "a rule that somebody called test",
      "azure-monitor",
      "{'schemaId':'azureMonitorCommonAlertSchema','data':{'essentials':{'alertId':'t-1',"
      "'alertRule':'test-of-payments','severity':'Sev3','alertTargetIDs':['" VM_ID "']}}}",
      { { "simulated", "" } },
      NULL },
    { "a sample in other brackets",
      "graph",
      "{'@odata.type':'#microsoft.graph.security.alert','id':'da-9','severity':'high',"
      "'title':'(Sample-Alert) Unusual sign-in'}",
      { { "simulated", "true" } },
      NULL },
    { "the test alert of a cluster",
      "graph",
      "{'@odata.type':'#microsoft.graph.security.alert','id':'da-9','severity':'high',"
      "'title':'Microsoft Defender for Cloud test alert (not a threat)'}",
      { { "simulated", "true" } },
      NULL },
    { "a word that only begins as sample alert does",
      "defender-for-cloud",
      "{'SystemAlertId':'s-32','AlertType':'VM_X','Severity':'High','AlertDisplayName':"
      "'Sample alerted by a test run'}",
      { { "simulated", "" } },
      NULL },
    { "by hand",
      "generic",
      "{'id':'g-1','title':'t','severity':'low','simulated':true}",
      { { "simulated", "true" } },
      NULL },
};

TEST(an_alert_is_over_or_simulated_by_what_its_product_says)
{
    check_rows(state_rows, sizeof state_rows / sizeof state_rows[0]);
}

/* -- Which thing, and which alert ------------------------------------------------------------ */

#define PRODUCT_ID "2518412345678901234_0b6c7a7e-4e0b-4a3c-9e0f-4d2d5a1c9b11"
#define PLAN_ID    SUB "/resourceGroups/web/providers/Microsoft.Web/serverfarms/p7"
#define SITE_ID    SUB "/resourceGroups/web/providers/Microsoft.Web/sites/s7"
#define VAULT_ID                                                                      \
    "/subscriptions/7d1e0a33-0000-4000-8000-00000000000b/resourceGroups/k/providers/" \
    "Microsoft.KeyVault/vaults/v7"

static const struct row identity_rows[] = {
    { "the workflow's id",
      "defender-for-cloud",
      "{'SystemAlertId':'" PRODUCT_ID
      "','AlertType':'VM_A','AlertDisplayName':'a','Severity':'Low'}",
      { { "keys", "['" PRODUCT_ID "']" }, { "product", "'defender-for-cloud'" } },
      NULL },
    { "Graph of the same",
      "graph",
      "{'@odata.type':'#microsoft.graph.security.alert','id':'dc9','title':'a','severity':"
      "'low','serviceSource':'microsoftDefenderForCloud','providerAlertId':'" PRODUCT_ID
      "'}",
      { { "keys", "['" PRODUCT_ID "','defender-for-cloud:dc9']" },
        { "product", "'defender-for-cloud'" } },
      NULL },
    { "Sentinel's incident around the same",
      "sentinel",
      CASE("'alerts':[{'properties':{'systemAlertId':'" PRODUCT_ID "'}}]"),
      { { "keys", "~" PRODUCT_ID } },
      NULL },
    { "Azure Monitor of the same",
      "azure-monitor",
      MONITOR("'Sev4'",
              "{'eventSource':'Security','operationId':'" PRODUCT_ID
              "','correlationId':'" PRODUCT_ID "','properties':{'severity':'Low'}}"),
      { { "keys", "['" PRODUCT_ID "']" }, { "product", "'defender-for-cloud'" } },
      NULL },
    { "Azure Monitor: by the resource of the entry",
      "azure-monitor",
      MONITOR("'Sev4'",
              "{'operationName':'Microsoft.Security/locations/alerts/activate/action',"
              "'resourceId':'" SUB "/providers/Microsoft.Security/locations/uksouth/"
              "alerts/" PRODUCT_ID "','properties':{'severity':'Low'}}"),
      { { "keys", "['" PRODUCT_ID "']" } },
      NULL },
    { "a short id belongs to its product",
      "graph",
      XDR("'providerAlertId':'p1'"),
      { { "keys", "['defender-for-identity:p1','defender-for-identity:da-9']" } },
      NULL },
    { "Sentinel's row of another product",
      "sentinel",
      "{'Type':'SecurityAlert','SystemAlertId':'a2','VendorOriginalId':'v2','ProductName':"
      "'Azure Active Directory Identity Protection','AlertName':'n','AlertSeverity':'Low'}",
      { { "keys", "['entra-id-protection:a2','entra-id-protection:v2']" } },
      NULL },
    { "an incident of the portal in Sentinel",
      "sentinel",
      CASE("'providerName':'Microsoft XDR','providerIncidentId':'812'"),
      { { "keys", "~graph-incident:812" } },
      NULL },
    { "the number of the portal",
      "graph",
      "{'@odata.type':'#microsoft.graph.security.incident','id':'812','displayName':'x',"
      "'severity':'high','alerts':[{'id':'da-9','serviceSource':"
      "'microsoftDefenderForIdentity'}]}",
      { { "keys", "['graph-incident:812','defender-for-identity:da-9']" } },
      NULL },
    { "by the plan that detected it",
      "graph",
      "{'@odata.type':'#microsoft.graph.security.alert','id':'dc9','title':'Odd dump',"
      "'severity':'low','detectionSource':'microsoftDefenderForStorage',"
      "'detectorId':'5a1c9b11-4e0b-4a3c-9e0f-4d2d5a1c9b11'}",
      { { "type", "'Storage.Blob_OddDump'" }, { "product", "'defender-for-cloud'" } },
      NULL },
    { "by what was attacked",
      "graph",
      "{'@odata.type':'#microsoft.graph.security.alert','id':'dc9','title':'Odd dump',"
      "'severity':'low','serviceSource':'microsoftDefenderForCloud','evidence':[{"
      "'@odata.type':'#microsoft.graph.security.azureResourceEvidence','resourceId':'" VM_ID
      "'}]}",
      { { "type", "'VM_OddDump'" } },
      NULL },
    { "the subscription, the plan, then the site",
      "defender-for-cloud",
      OWN("'ResourceIdentifiers':[{'AzureResourceId':'" SUB
          "'},{'AzureResourceId':'" PLAN_ID "'},{'AzureResourceId':'" SITE_ID "'}]"),
      { { "resources", "['" SITE_ID "','" PLAN_ID "','" SUB "']" } },
      NULL },
    { "a vault in another subscription than its incident",
      "sentinel",
      CASE(
          "'relatedEntities':[{'kind':'AzureResource','properties':{'resourceId':'" VAULT_ID
          "'}}]"),
      { { "subscription", "'7d1e0a33-0000-4000-8000-00000000000b'" } },
      NULL },
    { "the attacked resource is not the first in the evidence",
      "graph",
      "{'@odata.type':'#microsoft.graph.security.alert','id':'dc9','title':'t','severity':"
      "'low','evidence':[{'@odata.type':'#microsoft.graph.security.azureResourceEvidence',"
      "'resourceId':'" VM_ID
      "'},{'@odata.type':'#microsoft.graph.security.azureResourceEvidence',"
      "'roles':['attacked'],'resourceId':'" VAULT_ID "'}]}",
      { { "resources", "['" VAULT_ID "','" VM_ID "']" },
        { "subscription", "'7d1e0a33-0000-4000-8000-00000000000b'" } },
      NULL },
    { "the workspace is named before the site",
      "defender-for-cloud",
      OWN("'ResourceIdentifiers':[{'AzureResourceId':'/subscriptions/"
          "7d1e0a33-0000-4000-8000-"
          "00000000000b/resourceGroups/soc/providers/Microsoft.OperationalInsights/"
          "workspaces/"
          "w'},{'AzureResourceId':'" SITE_ID "'}]"),
      { { "subscription", "'5f0c7a11-0000-4000-8000-00000000000a'" } },
      NULL },
    { "the directory is named before the site",
      "defender-for-cloud",
      OWN("'ResourceIdentifiers':[{'Type':'AAD','AadTenantId':'t-of-the-directory'},{"
          "'AzureResourceId':'" SITE_ID "','AzureResourceTenantId':'t-of-the-site'}]"),
      { { "tenant", "'t-of-the-site'" } },
      NULL },
    { "ids as addresses of ARM, without a slash, with one too many",
      "defender-for-cloud",
      OWN("'ResourceIdentifiers':[{'AzureResourceId':'https://management.azure.com" SITE_ID
          "'},{'AzureResourceId':' subscriptions/7d1e0a33-0000-4000-8000-00000000000b/"
          "resourceGroups/k/providers/Microsoft.KeyVault/vaults/v7/'}]"),
      { { "resources", "['" SITE_ID "','" VAULT_ID "']" } },
      NULL },
    { "Sentinel's short name of a product",
      "graph",
      "{'@odata.type':'#microsoft.graph.security.alert','id':'da-10','title':'t','severity'"
      ":"
      "'low','serviceSource':'MCAS'}",
      { { "product", "'defender-for-cloud-apps'" } },
      NULL },
    { "the tenant of the resource, not of the workspace",
      "defender-for-cloud",
      OWN("'TenantId':'t-of-the-workspace','ResourceIdentifiers':[{'AzureResourceId':"
          "'" VM_ID "','AzureResourceTenantId':'t-of-the-machine'}]"),
      { { "tenant", "'t-of-the-machine'" } },
      NULL },
};

TEST(an_alert_has_its_attacked_resource_first_and_the_same_keys_in_each_feed)
{
    check_rows(identity_rows, sizeof identity_rows / sizeof identity_rows[0]);
}
