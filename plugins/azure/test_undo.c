/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Undos that cannot be done, need not be done, or must not be done: of a target that is
 * gone, of a right that is there again, of a right that was given for a time.
 */
#include <stdio.h>
#include <stdbool.h>
#include <string.h>

#include <cjson/cJSON.h>

#include <cordon/plugin.h>

#include "check.h"
#include "rig.h"

#define SUB    "/subscriptions/55555555-3333-4333-8333-333333333333"
#define GROUP  SUB "/resourceGroups/shop"
#define GRANTS "/providers/Microsoft.Authorization/roleAssignments/"
#define GRANT  GROUP GRANTS "abababab-1111-4222-8333-444444444444"
#define ROLE   SUB "/providers/Microsoft.Authorization/roleDefinitions/"
#define OWNER  "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
#define WHO    "99999999-1111-4222-8333-444444444444"
#define ARGS   "{\"id\":\"" GRANT "\"}"

#define PROPERTIES(scope, role, who, type)                                              \
    "\"properties\":{\"scope\":\"" scope "\",\"roleDefinitionId\":\"" role              \
    "\",\"principalId\":\"" who "\",\"principalType\":\"" type "\",\"condition\":null," \
    "\"createdBy\":\"\",\"updatedOn\":\"2026-01-01T00:00:00Z\"}"
#define SHOWN(scope, role, who, type) \
    "{\"id\":\"" GRANT "\"," PROPERTIES(scope, role, who, type) "}"
#define BEFORE                                                                    \
    "{\"present\":true,\"principal_id\":\"" WHO "\",\"principal_type\":\"User\"," \
    "\"role_definition_id\":\"" ROLE OWNER "\",\"scope\":\"" GROUP "\"}"
#define ABSENT     "{\"error\":{\"code\":\"RoleAssignmentNotFound\",\"message\":\"x\"}}"
#define SAYS(code) "{\"error\":{\"code\":\"" code "\",\"message\":\"no such thing\"}}"

/* -- the target is gone -------------------------------------------------------------------- */

#define SITE GROUP "/providers/Microsoft.Web/sites/till"
#define NSG  GROUP "/providers/Microsoft.Network/networkSecurityGroups/wall"

static const struct {
    const char *action, *args, *before, *goal, *part;
    int status;
    const char *body;
    int is_gone;
} ends[] = {
#define OF_SITE                                                                  \
    "azure.appservice.stop", "{\"id\":\"" SITE "\"}", "{\"state\":\"Running\"}", \
        "{\"state\":\"Running\"}", "/sites/till?"
    { OF_SITE, 404, SAYS("ResourceNotFound"), 1 },
    { OF_SITE, 404, SAYS("ResourceGroupNotFound"), 1 },
    { OF_SITE, 404, "{\"Code\":\"NotFound\",\"Message\":\"Cannot find Site.\"}", 1 },
    { OF_SITE, 404, SAYS("ParentResourceNotFound"), 1 },
    { OF_SITE, 404, SAYS("SubscriptionNotFound"), 0 },
    { OF_SITE, 404, "<html><title>Not found</title></html>", 0 },
    { OF_SITE, 404, "", 0 },
    { OF_SITE, 403, SAYS("AuthorizationFailed"), 0 },
    { OF_SITE, 409, SAYS("ResourceNotFound"), 0 },
    { OF_SITE, 503, SAYS("ResourceNotFound"), 0 },
#define OF_NSG                                                              \
    "azure.nsg.block_ips", "{\"id\":\"" NSG "\",\"ips\":[\"192.0.2.44\"]}", \
        "{\"addresses\":null,\"rule\":\"cordon-x\"}",                       \
        "{\"addresses\":null,\"rule\":\"cordon-x\"}", "/networkSecurityGroups/wall?"
    { OF_NSG, 404, SAYS("ResourceNotFound"), 1 },
    { OF_NSG, 404, SAYS("ResourceGroupNotFound"), 1 },
    { OF_NSG, 404, SAYS("InvalidResourceType"), 0 },
#define OF_GRANT "azure.rbac.remove", ARGS, BEFORE, BEFORE, "/roleAssignments?"
    { OF_GRANT, 404, SAYS("ResourceGroupNotFound"), 1 },
    { OF_GRANT, 404, SAYS("ResourceNotFound"), 1 },
    { OF_GRANT, 403, SAYS("AuthorizationFailed"), 0 },
};

TEST(only_a_plain_word_that_the_target_does_not_exist_is_taken_for_its_end)
{
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct rig rig;
        char what[96], wanted[96];

        rig_open(&rig);
        rig.before = ends[i].before;
        rig.goal = ends[i].goal;
        rig_add(&rig, "GET", ends[i].part, ends[i].status, "", ends[i].body);
        rig_add(&rig, "GET", "/abababab-", 404, "", ABSENT);
        rig_call(&rig, ends[i].action, RIG_OBSERVE, ends[i].args);
        CHECK(rig.status != CORDON_DONE);
        snprintf(what, sizeof what, "row %zu: gone %d", i, rig.is_gone);
        snprintf(wanted, sizeof wanted, "row %zu: gone %d", i, ends[i].is_gone);
        CHECK_STR(what, wanted);
        rig_close(&rig);
    }
}

/* -- a right that is there again ----------------------------------------------------------- */

#define TWIN(scope, role, who) \
    "{\"id\":\"" GROUP GRANTS  \
    "cdcdcdcd-1111-4222-8333-444444444444\"," PROPERTIES(scope, role, who, "User") "}"

static const struct {
    const char *list;
    int is_there;
} twins[] = {
    { "", 0 },
    { TWIN(GROUP, ROLE OWNER, WHO), 1 },
    { TWIN("/SUBSCRIPTIONS/55555555-3333-4333-8333-333333333333/resourcegroups/SHOP",
           ROLE OWNER, WHO),
      1 },
    { TWIN(GROUP, "/providers/Microsoft.Authorization/roleDefinitions/" OWNER, WHO), 1 },
    { TWIN(GROUP, ROLE "8E3AF657-A8FF-443C-A75C-2FE8C4BCB635", WHO), 1 },
    { TWIN(SUB, ROLE OWNER, WHO), 0 },
    { TWIN(SITE, ROLE OWNER, WHO), 0 },
    { TWIN(GROUP, ROLE "acdd72a7-3385-48ef-bd42-f606fba81ae7", WHO), 0 },
    { TWIN(GROUP, ROLE OWNER, "77777777-1111-4222-8333-444444444444"), 0 },
    { TWIN(SUB, ROLE OWNER, WHO) "," TWIN(GROUP, ROLE OWNER, WHO), 1 },
};

static void list_twins(struct rig *rig, const char *list)
{
    static char body[4096];

    snprintf(body, sizeof body, "{\"value\":[%s]}", list);
    rig_add(rig, "GET", "/roleAssignments?", 200, "", body);
}

TEST(the_same_right_under_another_name_is_as_before)
{
    for (size_t i = 0; i < sizeof twins / sizeof *twins; i++) {
        struct rig rig;

        rig_open(&rig);
        rig.before = rig.goal = BEFORE;
        rig_add(&rig, "GET", "/abababab-", 404, "", ABSENT);
        list_twins(&rig, twins[i].list);
        rig_call(&rig, "azure.rbac.remove", RIG_OBSERVE, ARGS);
        CHECK_INT(rig.status, CORDON_DONE);
        CHECK_STR(rig.state, twins[i].is_there ? BEFORE : "{\"present\":false}");
        rig_close(&rig);
    }
}

TEST(a_removal_that_is_done_already_is_described_with_the_name_of_the_assignment)
{
    struct rig rig;

    rig_open(&rig);
    rig.before = "{\"present\":false}";
    rig_plan(&rig, "azure.rbac.remove", RIG_PLAN, ARGS);
    CHECK_STR(rig.what,
              "remove role assignment abababab-1111-4222-8333-444444444444 at " GROUP);
    rig_close(&rig);
}

TEST(a_look_after_the_removal_does_not_search_for_other_names)
{
    struct rig rig;

    rig_open(&rig);
    rig.before = BEFORE;
    rig_add(&rig, "GET", "/abababab-", 404, "", ABSENT);
    rig_call(&rig, "azure.rbac.remove", RIG_OBSERVE, ARGS);
    CHECK_STR(rig.state, "{\"present\":false}");
    CHECK_INT(rig_count(&rig, "/roleAssignments?"), 0);
    rig_close(&rig);
}

TEST(a_right_that_was_made_again_between_look_and_write_is_done)
{
    for (int is_listed = 0; is_listed < 2; is_listed++) {
        struct rig rig;

        rig_open(&rig);
        rig.before = rig.goal = BEFORE;
        rig.after = "{\"present\":false}";
        rig_add(&rig, "PUT", "/abababab-", 409, "", SAYS("RoleAssignmentExists"));
        list_twins(&rig, is_listed ? TWIN(GROUP, ROLE OWNER, WHO) : "");
        rig_call(&rig, "azure.rbac.remove", RIG_RESTORE, ARGS);
        CHECK_INT(rig.status, is_listed ? CORDON_DONE : CORDON_RETRY);
        rig_close(&rig);
    }
}

/* -- how the API spells it -------------------------------------------------------------------- */

static const struct {
    const char *shown;
    int is_same;
} spellings[] = {
    { SHOWN(GROUP, ROLE OWNER, WHO, "User"), 1 },
    { SHOWN(GROUP, ROLE OWNER, WHO, "ForeignGroup"), 1 },
    { SHOWN(GROUP, ROLE OWNER, WHO, ""), 1 },
    { SHOWN(GROUP, "/providers/Microsoft.Authorization/roleDefinitions/" OWNER, WHO,
            "User"),
      1 },
    { SHOWN(SUB "/resourceGroups/SHOP", ROLE OWNER, WHO, "User"), 1 },
    { SHOWN(GROUP, ROLE OWNER, "99999999-1111-4222-8333-444444444444", "Device"), 1 },
    { SHOWN(GROUP, ROLE "acdd72a7-3385-48ef-bd42-f606fba81ae7", WHO, "User"), 0 },
    { SHOWN(SUB, ROLE OWNER, WHO, "User"), 0 },
    { SHOWN(GROUP, ROLE OWNER, "77777777-1111-4222-8333-444444444444", "User"), 0 },
    { "{\"properties\":{\"scope\":\"" GROUP "\",\"roleDefinitionId\":\"" ROLE OWNER
      "\",\"principalId\":\"" WHO "\",\"principalType\":\"User\",\"condition\":"
      "\"@Resource[x] StringEquals 'y'\"}}",
      0 },
    { "{\"properties\":{\"scope\":\"" GROUP "\",\"roleDefinitionId\":\"" ROLE OWNER
      "\",\"principalId\":\"" WHO "\",\"principalType\":\"User\",\"condition\":null,"
      "\"conditionVersion\":\"2.0\"}}",
      1 },
};

static bool is_same_json(const char *a, const char *b)
{
    cJSON *left = cJSON_Parse(a), *right = cJSON_Parse(b);
    bool is_same = cJSON_Compare(left, right, true);

    cJSON_Delete(left);
    cJSON_Delete(right);
    return is_same;
}

TEST(an_assignment_is_the_same_however_the_api_spells_it)
{
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        struct rig rig;

        rig_open(&rig);
        rig.before = rig.goal = BEFORE;
        rig_add(&rig, "GET", "/abababab-", 200, "", spellings[i].shown);
        rig_call(&rig, "azure.rbac.remove", RIG_OBSERVE, ARGS);
        CHECK_INT(rig.status, CORDON_DONE);
        CHECK_INT(is_same_json(rig.state, BEFORE), spellings[i].is_same);
        rig_close(&rig);
    }
}

/* -- its role's name --------------------------------------------------------------------------- */

static const struct {
    int status;
    const char *body, *note; /* "": none */
} roles[] = {
    { 200, "{\"properties\":{\"roleName\":\"Owner\"}}", "the role is \\\"Owner\\\"" },
    { 200, "{\"properties\":{\"roleName\":\"Storage Blob Data Reader\"}}",
      "\\\"Storage Blob Data Reader\\\" (" OWNER ")" },
    { 200, "{\"properties\":{}}", "" },
    { 403, SAYS("AuthorizationFailed"), "" },
    { 404, SAYS("RoleDefinitionDoesNotExist"), "" },
    { 503, SAYS("ServiceUnavailable"), "" },
};

TEST(approvers_of_a_removal_are_told_the_name_of_the_role)
{
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        struct rig rig;

        rig_open(&rig);
        rig_add(&rig, "GET", "/abababab-", 200, "", SHOWN(GROUP, ROLE OWNER, WHO, "User"));
        rig_add(&rig, "*GET", "/roleDefinitions/", roles[i].status, "", roles[i].body);
        rig_add(&rig, "*GET", "/roleAssignmentScheduleInstances?", 200, "",
                "{\"value\":[]}");
        rig_call(&rig, "azure.rbac.remove", RIG_OBSERVE, ARGS);
        CHECK_INT(rig.status, CORDON_DONE);
        CHECK_HAS(rig.notes, roles[i].note);
        CHECK_INT(strstr(rig.notes, "the role is") != NULL, roles[i].note[0] != '\0');
        rig_close(&rig);
    }
}

/* -- a right for a time ------------------------------------------------------------------------ */

#define INSTANCE(more)                                                \
    "{\"properties\":{\"scope\":\"" GROUP "\",\"principalId\":\"" WHO \
    "\",\"roleDefinitionId\":\"" ROLE OWNER "\"," more "}}"
#define ORIGIN "\"originRoleAssignmentId\":\"" GRANT "\""

static const struct {
    int status;
    const char *body, *until, *note; /* "": none */
} schedules[] = {
    { 200, "{\"value\":[]}", "", "" },
    { 200,
      "{\"value\":[" INSTANCE(ORIGIN ",\"assignmentType\":\"Activated\",\"endDateTime\":"
                                     "\"2026-12-24T16:00:00Z\"") "]}",
      "2026-12-24T16:00:00Z", "" },
    { 200,
      "{\"value\":[" INSTANCE(ORIGIN ",\"assignmentType\":\"Assigned\",\"endDateTime\":"
                                     "\"2027-06-30T00:00:00Z\"") "]}",
      "2027-06-30T00:00:00Z", "" },
    { 200,
      "{\"value\":[" INSTANCE(ORIGIN ",\"assignmentType\":\"Assigned\",\"endDateTime\":"
                                     "null") "]}",
      "", "" },
    { 200,
      "{\"value\":[" INSTANCE(ORIGIN ",\"assignmentType\":\"Activated\",\"endDateTime\":"
                                     "null") "]}",
      "its activation ends", "" },
    { 200,
      "{\"value\":[" INSTANCE(
          "\"originRoleAssignmentId\":\"" GROUP GRANTS
          "cdcdcdcd-1111-4222-8333-444444444444\",\"assignmentType\":"
          "\"Activated\",\"endDateTime\":\"2026-12-24T16:00:00Z\"") "]}",
      "", "" },
    { 200,
      "{\"value\":[" INSTANCE("\"assignmentType\":\"Activated\",\"endDateTime\":"
                              "\"2026-12-24T16:00:00Z\"") "]}",
      "2026-12-24T16:00:00Z", "" },
    { 400, SAYS("AadPremiumLicenseRequired"), "", "" },
    { 404, SAYS("ResourceNotFound"), "", "" },
    { 403, SAYS("AuthorizationFailed"), "", "its schedule cannot be read" },
};

TEST(a_right_that_was_given_for_a_time_is_shown_with_its_end_and_never_given_again)
{
    for (size_t i = 0; i < sizeof schedules / sizeof *schedules; i++) {
        struct rig rig;
        char found[4096];

        rig_open(&rig);
        rig_add(&rig, "GET", "/abababab-", 200, "", SHOWN(GROUP, ROLE OWNER, WHO, "User"));
        rig_add(&rig, "*GET", "/roleAssignmentScheduleInstances?", schedules[i].status, "",
                schedules[i].body);
        rig_call(&rig, "azure.rbac.remove", RIG_OBSERVE, ARGS);
        CHECK_INT(rig.status, CORDON_DONE);
        CHECK_HAS(rig.state, schedules[i].until);
        CHECK_INT(strstr(rig.state, "\"until\"") != NULL, schedules[i].until[0] != '\0');
        CHECK_HAS(rig.notes, schedules[i].note);
        snprintf(found, sizeof found, "%s", rig.state);
        rig.before = found;
        rig_plan(&rig, "azure.rbac.remove", RIG_PLAN, ARGS);
        CHECK_HAS(rig.what, schedules[i].until);
        CHECK_INT(strstr(rig.undo, "nothing is put back") != NULL,
                  schedules[i].until[0] != '\0');
        rig_plan(&rig, "azure.rbac.remove", RIG_UNDONE, ARGS);
        CHECK_STR(rig.after_planned,
                  schedules[i].until[0] != '\0' ? "{\"present\":false}" : found);
        rig_close(&rig);
    }
}

TEST(a_schedule_that_cannot_be_read_now_is_read_later_and_not_taken_for_none)
{
    struct rig rig;

    rig_open(&rig);
    rig_add(&rig, "GET", "/abababab-", 200, "", SHOWN(GROUP, ROLE OWNER, WHO, "User"));
    rig_add(&rig, "GET", "/roleAssignmentScheduleInstances?", 503, "",
            SAYS("ServiceUnavailable"));
    rig_call(&rig, "azure.rbac.remove", RIG_OBSERVE, ARGS);
    CHECK_INT(rig.status, CORDON_RETRY);
    rig_close(&rig);
}
