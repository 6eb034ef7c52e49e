/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a look before a change tells approvers, what it refuses, and what of a list that is
 * written back was read.
 */
#include <stdio.h>
#include <string.h>

#include <cordon/plugin.h>

#include "check.h"
#include "rig.h"

#define GROUP "/subscriptions/44444444-3333-4333-8333-333333333333/resourceGroups/shop"
#define SITE  GROUP "/providers/Microsoft.Web/sites/till"
#define NSG   GROUP "/providers/Microsoft.Network/networkSecurityGroups/wall"
#define SUBNET                                                            \
    "/subscriptions/44444444-3333-4333-8333-333333333333/resourceGroups/" \
    "net/providers/Microsoft.Network/virtualNetworks/hub/subnets/edge"

/* -- stop ---------------------------------------------------------------------------------- */

static const struct {
    const char *kind, *jobs, *note; /* NULL: no note */
} kinds[] = {
    { "app", NULL, NULL },
    { "app,linux", "[]", NULL },
    { "api", NULL, NULL },
    { "app,functional", NULL, NULL },
    { "functionapp", NULL, "till is a function app: executions that are under way" },
    { "functionapp,linux", NULL, "is a function app" },
    { "FunctionApp,Linux,Container", NULL, "is a function app" },
    { "functionapp,workflowapp", NULL, "is a logic app: runs of its workflows" },
    { "workflowapp,functionapp,linux", NULL, "is a logic app" },
    { "functionapp,linux,container,azurecontainerapps", NULL, "Azure Container Apps" },
    { "app", "[{\"name\":\"till/mail\"}]", "has 1 WebJob: one that runs" },
    { "app,windows", "[{\"name\":\"a\"},{\"name\":\"b\"}]", "has 2 WebJobs" },
};

static void answer_site(struct rig *rig, const char *kind, const char *jobs)
{
    static char site[512], list[512];

    snprintf(site, sizeof site,
             "{\"id\":\"" SITE "\",\"kind\":\"%s\",\"properties\":{\"state\":\"Running\"}}",
             kind);
    snprintf(list, sizeof list, "{\"value\":%s}", jobs != NULL ? jobs : "[]");
    rig_add(rig, "GET", "/sites/till?", 200, "", site);
    if (jobs != NULL)
        rig_add(rig, "GET", "/till/webjobs?", 200, "", list);
}

TEST(approvers_of_a_stop_are_told_what_goes_on_after_it)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct rig rig;

        rig_open(&rig);
        answer_site(&rig, kinds[i].kind, kinds[i].jobs);
        rig_call(&rig, "azure.appservice.stop", RIG_OBSERVE, "{\"id\":\"" SITE "\"}");
        CHECK_INT(rig.status, CORDON_DONE);
        CHECK_STR(rig.state, "{\"state\":\"Running\"}");
        if (kinds[i].note != NULL)
            CHECK_HAS(rig.notes, kinds[i].note);
        else
            CHECK_STR(rig.notes, "");
        rig_close(&rig);
    }
}

TEST(a_look_after_the_stop_asks_for_nothing_more_than_the_state)
{
    struct rig rig;

    rig_open(&rig);
    rig.before = "{\"state\":\"Running\"}";
    answer_site(&rig, "app", NULL);
    rig_call(&rig, "azure.appservice.stop", RIG_OBSERVE, "{\"id\":\"" SITE "\"}");
    CHECK_INT(rig_count(&rig, "webjobs"), 0);
    CHECK_STR(rig.notes, "");
    rig_close(&rig);
}

/* -- the list of a site ------------------------------------------------------------------- */

#define LAST(word)                                                                     \
    "{\"ipAddress\":\"Any\",\"action\":\"" word "\",\"priority\":2147483647,\"name\":" \
    "\"" word " all\",\"description\":\"" word " all access\"}"
#define ALLOW(prefix, priority, name)                                    \
    "{\"ipAddress\":\"" prefix                                           \
    "\",\"action\":\"Allow\",\"tag\":\"Default\",\"priority\":" priority \
    ",\"name\":\"" name "\"}"
#define ANY(action, priority, name)                                                        \
    "{\"ipAddress\":\"Any\",\"action\":\"" action "\",\"priority\":" priority ",\"name\":" \
    "\"" name "\"}"
#define OF_SUBNET                                                                        \
    "{\"vnetSubnetResourceId\":\"" SUBNET "\",\"action\":\"Allow\",\"tag\":\"Default\"," \
    "\"priority\":90,\"name\":\"edge\",\"vnetTrafficTag\":1,\"headers\":{\"x-azure-"     \
    "fdid\":"                                                                            \
    "[\"55ce4ed1\"]}}"

/* A list as it is read, what of it goes back, and what the slice says of all others. */
static const struct list {
    const char *read, *back, *unmatched;
} lists[] = {
    { "[]", "", "Allow" },
    { "[" LAST("Allow") "]", "", "Allow" },
    { "[" LAST("Deny") "]", "", "Deny" },
    { "[" ALLOW("198.51.100.0/24", "300", "office") "," LAST("Deny") "]",
      ALLOW("198.51.100.0/24", "300", "office"), "Deny" },
    { "[" LAST("Deny") "," ALLOW("198.51.100.0/24", "300", "office") "]",
      ALLOW("198.51.100.0/24", "300", "office"), "Deny" },
    { "[" ALLOW("198.51.100.0/24", "300", "office") "," LAST("Allow") "]",
      ALLOW("198.51.100.0/24", "300", "office"), "Allow" },
    { "[" ANY("Allow", "1", "Allow all") "]", "", "Allow" },
    { "[" ANY("Deny", "2147483647", "Alle sperren") "]", "", "Deny" },
    { "[" ANY("Deny", "500", "Deny all") "," LAST("Deny") "]",
      ANY("Deny", "500", "Deny all"), "Deny" },
    { "[" ANY("Allow", "700", "the rest") "," LAST("Deny") "]",
      ANY("Allow", "700", "the rest"), "Deny" },
    { "[" OF_SUBNET "," LAST("Deny") "]", OF_SUBNET, "Deny" },
    { "[" ALLOW("198.51.100.7/32", "300", "same") "," ALLOW("198.51.100.7/32", "300",
                                                            "same") "," LAST("Deny") "]",
      ALLOW("198.51.100.7/32", "300", "same") "," ALLOW("198.51.100.7/32", "300", "same"),
      "Deny" },
};

#define BLOCK_ARGS "{\"id\":\"" SITE "\",\"ips\":[\"192.0.2.44\"]}"

static const char *config_of(const char *list)
{
    static char config[2][4096];
    static int at;

    at = !at;
    snprintf(config[at], sizeof config[at],
             "{\"properties\":{\"ipSecurityRestrictions\":%s}}", list);
    return config[at];
}

TEST(what_the_service_shows_last_is_neither_compared_nor_sent_and_all_else_goes_back)
{
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct rig rig;
        char wanted[256];

        rig_open(&rig);
        answer_site(&rig, "app", NULL);
        rig_add(&rig, "*GET", "/config/web?", 200, "", config_of(lists[i].read));
        rig_add(&rig, "PATCH", "/config/web?", 200, "", "{}");
        rig_call(&rig, "azure.appservice.block_ips", RIG_OBSERVE, BLOCK_ARGS);
        snprintf(wanted, sizeof wanted, "\"unmatched\":\"%s\"", lists[i].unmatched);
        CHECK_HAS(rig.state, wanted);
        rig_call(&rig, "azure.appservice.block_ips", RIG_APPLY, BLOCK_ARGS);
        CHECK_INT(rig.status, CORDON_DONE);
        CHECK_HAS(rig.sent, lists[i].back);
        CHECK_HAS(rig.sent, "\"ipAddress\":\"192.0.2.44/32\"");
        CHECK(strstr(rig.sent, "2147483647") == NULL);
        CHECK(lists[i].back[0] != '\0' || strstr(rig.sent, "\"Any\"") == NULL);
        rig_close(&rig);
    }
}

#define BLOCKED(text) "\"" text "\":true"
#define OPEN(text)    "\"" text "\":false"

/* What an earlier block left of the wanted addresses, and what the plan says. A run that
 * joins an earlier hold is listed with these words. */
static const struct {
    const char *ips, *blocked, *what;
} joins[] = {
    { "\"192.0.2.44\"", OPEN("192.0.2.44"), "block 1 address at" },
    { "\"192.0.2.44\"", BLOCKED("192.0.2.44"), "block 1 address at" },
    { "\"192.0.2.0/24\"", BLOCKED("192.0.2.0/24"), "block 1 prefix with 256 addresses at" },
    { "\"2001:db8::9\"", BLOCKED("2001:db8::9"), "block 1 address at" },
    { "\"192.0.2.44\",\"198.51.100.9\"", BLOCKED("192.0.2.44") "," OPEN("198.51.100.9"),
      "block 2 addresses at" },
    { "\"192.0.2.44\",\"198.51.100.9\"", BLOCKED("192.0.2.44") "," BLOCKED("198.51.100.9"),
      "block 2 addresses at" },
    { "\"192.0.2.44\",\"198.51.100.8/31\"",
      BLOCKED("198.51.100.8/31") "," OPEN("192.0.2.44"),
      "block 2 prefixes with 3 addresses at" },
};

TEST(a_block_that_is_there_already_is_described_with_all_of_its_addresses)
{
    for (size_t i = 0; i < sizeof joins / sizeof *joins; i++) {
        struct rig rig;
        char args[512], before[512];

        rig_open(&rig);
        snprintf(args, sizeof args, "{\"id\":\"" SITE "\",\"ips\":[%s]}", joins[i].ips);
        snprintf(before, sizeof before, "{\"blocked\":{%s},\"unmatched\":\"Allow\"}",
                 joins[i].blocked);
        rig.before = before;
        rig_plan(&rig, "azure.appservice.block_ips", RIG_PLAN, args);
        CHECK_HAS(rig.what, joins[i].what);
        rig_close(&rig);
    }
}

TEST(the_right_to_each_subnet_in_the_list_is_named_in_the_plan)
{
    struct rig rig;

    rig_open(&rig);
    answer_site(&rig, "app", NULL);
    rig_add(&rig, "GET", "/config/web?", 200, "", config_of("[" OF_SUBNET "]"));
    rig_call(&rig, "azure.appservice.block_ips", RIG_OBSERVE, BLOCK_ARGS);
    CHECK_HAS(rig.notes, "virtualNetworks/hub/subnets/edge");
    CHECK_HAS(rig.notes, "subnets/joinViaServiceEndpoint/action");
    CHECK_STR(rig.cannot, "");
    rig_close(&rig);
}

TEST(a_list_without_room_in_front_is_refused_before_people_are_asked)
{
    static const struct {
        const char *list, *code;
    } rows[] = {
        { "[" ALLOW("198.51.100.0/24", "1", "first") "]", "NoFreePriority" },
        { "[" ALLOW("198.51.100.0/24", "2", "first") "]", "" },
        { "[" ANY("Allow", "1", "Allow all") "]", "" },
        { "[" ANY("Deny", "1", "Deny all") "]", "" },
        { "[" LAST("Allow") "]", "" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rig rig;

        rig_open(&rig);
        answer_site(&rig, "app", NULL);
        rig_add(&rig, "GET", "/config/web?", 200, "", config_of(rows[i].list));
        rig_call(&rig, "azure.appservice.block_ips", RIG_OBSERVE, BLOCK_ARGS);
        CHECK_STR(rig.cannot_code, rows[i].code);
        rig_close(&rig);
    }
}

/* -- a network security group --------------------------------------------------------------- */

#define RULE(access, direction, priority, source)                      \
    "{\"name\":\"of-others\",\"properties\":{\"access\":\"" access     \
    "\",\"direction\":\"" direction "\",\"priority\":" priority        \
    ",\"protocol\":\"*\",\"sourceAddressPrefix\":\"" source            \
    "\",\"destinationAddressPrefix\":\"*\",\"sourcePortRange\":\"*\"," \
    "\"destinationPortRange\":\"443\"}}"

static const struct {
    const char *rules, *code;
} groups[] = {
    { "", "" },
    { RULE("Allow", "Inbound", "100", "*"), "NoFreePriority" },
    { RULE("Allow", "Inbound", "100", "Internet"), "NoFreePriority" },
    { RULE("Allow", "Inbound", "100", "192.0.2.0/24"), "NoFreePriority" },
    { RULE("Allow", "Inbound", "100", "192.0.2.44"), "NoFreePriority" },
    { RULE("Allow", "Inbound", "100", "198.51.100.0/24"), "" },
    { RULE("Allow", "Outbound", "100", "*"), "" },
    { RULE("Allow", "Inbound", "101", "*"), "" },
    { RULE("Deny", "Inbound", "100", "*"), "" },
    { RULE("Deny", "Inbound", "100", "203.0.113.0/24") "," RULE("Allow", "Inbound", "101",
                                                                "*"),
      "NoFreePriority" },
    { RULE("Deny", "Inbound", "100", "203.0.113.0/24") "," RULE("Allow", "Inbound", "102",
                                                                "*"),
      "" },
};

TEST(a_group_without_a_free_priority_is_refused_before_people_are_asked)
{
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        struct rig rig;
        char body[2048];

        rig_open(&rig);
        snprintf(body, sizeof body, "{\"properties\":{\"securityRules\":[%s]}}",
                 groups[i].rules);
        rig_add(&rig, "GET", "/networkSecurityGroups/wall?", 200, "", body);
        rig_call(&rig, "azure.nsg.block_ips", RIG_OBSERVE,
                 "{\"id\":\"" NSG "\",\"ips\":[\"192.0.2.44\"]}");
        CHECK_INT(rig.status, CORDON_DONE);
        CHECK_STR(rig.cannot_code, groups[i].code);
        rig_close(&rig);
    }
}

/* Each family has a rule of its own, and each wants a priority. */
TEST(addresses_of_both_families_want_two_priorities)
{
    static const struct {
        const char *priority, *code;
    } rows[] = { { "101", "NoFreePriority" }, { "102", "" } };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rig rig;
        char body[2048];

        rig_open(&rig);
        snprintf(body, sizeof body,
                 "{\"properties\":{\"securityRules\":[{\"name\":\"of-others\","
                 "\"properties\":{\"access\":\"Allow\",\"direction\":\"Inbound\","
                 "\"priority\":%s,\"sourceAddressPrefix\":\"*\"}}]}}",
                 rows[i].priority);
        rig_add(&rig, "GET", "/networkSecurityGroups/wall?", 200, "", body);
        rig_call(&rig, "azure.nsg.block_ips", RIG_OBSERVE,
                 "{\"id\":\"" NSG "\",\"ips\":[\"192.0.2.44\",\"2001:db8:7::44\"]}");
        CHECK_STR(rig.cannot_code, rows[i].code);
        rig_close(&rig);
    }
}

/* -- rights ------------------------------------------------------------------------------------ */

#define MAY(actions, not_actions) \
    "{\"actions\":[" actions "],\"notActions\":[" not_actions "]}"
#define US        "66666666-7777-4888-8999-000000000000" /* the rig's client */
#define EVERYBODY "{\"id\":\"00000000-0000-0000-0000-000000000000\"}"
#define DENY(actions, principals, excluded, more)                                  \
    "{\"properties\":{\"denyAssignmentName\":\"stack\",\"scope\":\"" GROUP         \
    "\",\"permissions\":[{\"actions\":[" actions "]}],\"principals\":[" principals \
    "],\"excludePrincipals\":[" excluded "]" more "}}"

static const struct {
    int status;
    const char *may, *denies;
    const char *code, *note; /* "": none */
} rights[] = {
    { 200, MAY("\"*\"", ""), "", "", "" },
    { 200, MAY("\"Microsoft.Web/*\"", ""), "", "", "" },
    { 200, MAY("\"microsoft.web/SITES/*/Action\"", ""), "", "", "" },
    { 200, MAY("\"*/read\"", ""), "", "AuthorizationFailed", "" },
    { 200, MAY("\"*/read\"", "") "," MAY("\"Microsoft.Web/sites/*\"", ""), "", "", "" },
    { 200, MAY("\"*\"", "\"Microsoft.Web/sites/stop/action\""), "", "AuthorizationFailed",
      "" },
    { 200, MAY("\"*\"", "\"Microsoft.Web/sites/start/*\""), "", "",
      "no right to Microsoft.Web/sites/start/action" },
    { 200, MAY("\"Microsoft.Web/sites/stop/Action\"", ""), "", "",
      "undoing this would be stuck" },
    { 200, "", "", "", "" },
    { 404, "", "", "", "" },
    { 403, "", "", "", "" },
    { 404, "", DENY("\"*\"", EVERYBODY, "", ""), "DenyAssignmentAuthorizationFailed", "" },
    { 200, MAY("\"*\"", ""), DENY("\"*/write\"", EVERYBODY, "", ""), "", "" },
    { 200, MAY("\"*\"", ""), DENY("\"*\"", EVERYBODY, "{\"id\":\"" US "\"}", ""), "", "" },
    { 200, MAY("\"*\"", ""), DENY("\"*\"", "{\"id\":\"" US "\"}", "", ""),
      "DenyAssignmentAuthorizationFailed", "" },
    { 200, MAY("\"*\"", ""), DENY("\"*\"", "{\"id\":\"somebody-else\"}", "", ""), "", "" },
    { 200, MAY("\"*\"", ""),
      DENY("\"Microsoft.Web/sites/start/action\"", EVERYBODY, "", ""), "",
      "the deny assignment stack at" },
    { 200, MAY("\"*\"", ""),
      DENY("\"*\"", EVERYBODY, "", ",\"doNotApplyToChildScopes\":true"), "", "" },
};

TEST(a_right_that_is_missing_and_a_deny_assignment_are_known_before_people_are_asked)
{
    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
        struct rig rig;
        char may[2048], denies[2048];

        rig_open(&rig);
        answer_site(&rig, "app", NULL);
        snprintf(may, sizeof may, "{\"value\":[%s]}", rights[i].may);
        snprintf(denies, sizeof denies, "{\"value\":[%s]}", rights[i].denies);
        rig_add(&rig, "*GET", "/permissions?", rights[i].status, "", may);
        rig_add(&rig, "GET", "/denyAssignments?", 200, "", denies);
        rig_call(&rig, "azure.appservice.stop", RIG_OBSERVE, "{\"id\":\"" SITE "\"}");
        CHECK_INT(rig.status, CORDON_DONE);
        CHECK_STR(rig.cannot_code, rights[i].code);
        CHECK_HAS(rig.notes, rights[i].note);
        CHECK(rights[i].note[0] != '\0' || rig.notes[0] == '\0');
        rig_close(&rig);
    }
}

#define LOCK(scope, level)                                                \
    "{\"id\":\"" scope "/providers/Microsoft.Authorization/locks/keep\"," \
    "\"properties\":{\"level\":\"" level "\"}}"

static const struct {
    const char *action, *args, *locks, *code, *note;
} locked[] = {
#define STOP_IT  "azure.appservice.stop", "{\"id\":\"" SITE "\"}"
#define BLOCK_IT "azure.nsg.block_ips", "{\"id\":\"" NSG "\",\"ips\":[\"192.0.2.44\"]}"
    { STOP_IT, "", "", "" },
    { STOP_IT, LOCK(SITE, "ReadOnly"), "ScopeLocked", "" },
    { STOP_IT, LOCK(GROUP, "readonly"), "ScopeLocked", "" },
    { STOP_IT, LOCK(GROUP, "CanNotDelete"), "", "" },
    { STOP_IT, LOCK(SITE "/slots/green", "ReadOnly"), "", "" },
    { STOP_IT, LOCK(GROUP "x", "ReadOnly"), "", "" },
    { STOP_IT, LOCK(GROUP, "CanNotDelete") "," LOCK(GROUP, "ReadOnly"), "ScopeLocked", "" },
    { STOP_IT, "{\"id\":\"odd\"}", "", "" },
    { BLOCK_IT, LOCK(NSG, "ReadOnly"), "ScopeLocked", "" },
    { BLOCK_IT, LOCK(GROUP, "CanNotDelete"), "",
      "forbids Microsoft.Network/networkSecurityGroups/securityRules/delete: undoing "
      "this" },
    { BLOCK_IT, LOCK(NSG, "NotSpecified"), "", "" },
};

TEST(a_lock_that_stops_a_change_or_its_undo_is_known_before_people_are_asked)
{
    for (size_t i = 0; i < sizeof locked / sizeof *locked; i++) {
        struct rig rig;
        char locks[2048];

        rig_open(&rig);
        answer_site(&rig, "app", NULL);
        snprintf(locks, sizeof locks, "{\"value\":[%s]}", locked[i].locks);
        rig_add(&rig, "GET", "/locks?", 200, "", locks);
        rig_add(&rig, "*GET", NSG "?", 200, "",
                "{\"id\":\"x\",\"properties\":{\"securityRules\":[]}}");
        rig_call(&rig, locked[i].action, RIG_OBSERVE, locked[i].args);
        CHECK_INT(rig.status, CORDON_DONE);
        CHECK_STR(rig.cannot_code, locked[i].code);
        CHECK_HAS(rig.notes, locked[i].note);
        CHECK(locked[i].note[0] != '\0' || rig.notes[0] == '\0');
        rig_close(&rig);
    }
}

static const struct {
    const char *id, *may, *code;
} slots[] = {
    { SITE "/slots/green", MAY("\"Microsoft.Web/sites/slots/*\"", ""), "" },
    { SITE "/slots/green", MAY("\"Microsoft.Web/sites/*\"", ""), "" },
    { SITE "/slots/green",
      MAY("\"Microsoft.Web/sites/stop/action\",\"Microsoft.Web/sites/start/action\"", ""),
      "AuthorizationFailed" },
    { SITE "/SLOTS/green", MAY("\"*\"", "\"Microsoft.Web/sites/slots/*\""),
      "AuthorizationFailed" },
    { SITE, MAY("\"Microsoft.Web/sites/slots/*\"", ""), "AuthorizationFailed" },
    { SITE, MAY("\"*\"", "\"Microsoft.Web/sites/slots/*\""), "" },
};

TEST(a_slot_needs_the_rights_to_slots_and_a_site_those_to_sites)
{
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
        struct rig rig;
        char may[512], args[512];

        rig_open(&rig);
        answer_site(&rig, "app", NULL);
        snprintf(may, sizeof may, "{\"value\":[%s]}", slots[i].may);
        snprintf(args, sizeof args, "{\"id\":\"%s\"}", slots[i].id);
        rig_add(&rig, "*GET", "/green?", 200, "",
                "{\"id\":\"x\",\"kind\":\"app\",\"properties\":{\"state\":\"Running\"}}");
        rig_add(&rig, "*GET", "/permissions?", 200, "", may);
        rig_call(&rig, "azure.appservice.stop", RIG_OBSERVE, args);
        CHECK_INT(rig.status, CORDON_DONE);
        CHECK_STR(rig.cannot_code, slots[i].code);
        rig_close(&rig);
    }
}

TEST(rights_are_asked_for_once_a_minute_while_nothing_is_in_the_way)
{
    struct rig rig;

    rig_open(&rig);
    for (int i = 0; i < 3; i++)
        answer_site(&rig, "app", NULL);
    for (int i = 0; i < 3; i++)
        rig_call(&rig, "azure.appservice.stop", RIG_OBSERVE, "{\"id\":\"" SITE "\"}");
    CHECK_INT(rig_count(&rig, "/permissions?"), 1);
    CHECK_INT(rig_count(&rig, "/denyAssignments?"), 1);
    rig_close(&rig);
}

/* -- how many there are ------------------------------------------------------------------------ */

static const struct {
    int status;
    const char *body;
    const char *says; /* "": it is known */
} counts[] = {
    { 200, "{\"value\":[{\"id\":\"" SITE "\"}]}", "" },
    { 403, "{\"error\":{\"code\":\"AuthorizationFailed\",\"message\":\"no right\"}}",
      "no right" },
    { 200, "{\"value\":1}", "the answer is no list" },
    { 200, "{", "the answer is not a JSON object" },
    { 200, "{\"value\":[]}", "the list has none" },
};

TEST(a_number_that_is_not_known_is_told_with_the_reason_also_when_it_is_asked_again)
{
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct rig rig;

        rig_open(&rig);
        rig_add(&rig, "*GET", "/providers/Microsoft.Web/sites?", counts[i].status, "",
                counts[i].body);
        for (int round = 0; round < 2; round++) {
            answer_site(&rig, "app", NULL);
            rig_call(&rig, "azure.appservice.stop", RIG_OBSERVE, "{\"id\":\"" SITE "\"}");
            CHECK_INT(rig.status, CORDON_DONE);
            if (counts[i].says[0] == '\0')
                CHECK_STR(rig.uncounted, "");
            else
                CHECK_HAS(rig.uncounted, counts[i].says);
        }
        rig_close(&rig);
    }
}
