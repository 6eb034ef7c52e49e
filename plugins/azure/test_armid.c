/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of Azure's things, and the addresses that are made of them.
 */
#include "armid.h"

#include <stdio.h>
#include <string.h>

#include "arm.h"
#include "check.h"
#include "job.h"
#include "rig.h"
#include "text.h"

#define SUB  "/subscriptions/12121212-3434-4565-8787-909090909090"
#define WEB  SUB "/resourceGroups/lab/providers/Microsoft.Web/sites/booth"
#define STOP "azure.appservice.stop"

static const struct {
    const char *id, *type, *fault; /* NULL: the id is good */
} ids[] = {
    { SUB, "Microsoft.Resources/subscriptions", NULL },
    { SUB "/resourcegroups/Lab", "Microsoft.Resources/resourceGroups", NULL },
    { WEB "/slots/canary", "Microsoft.Web/sites/slots", NULL },
    { "/SUBSCRIPTIONS/s/RESOURCEGROUPS/g/PROVIDERS/Microsoft.Web/SITES/a",
      "Microsoft.Web/SITES", NULL },
    { SUB "/resourceGroups/sécurité/providers/Microsoft.Web/sites/a", "Microsoft.Web/sites",
      NULL },
    { SUB "/resourceGroups/(a)-b_c.d/providers/A.B/c/d/e/f/g/h", "A.B/c/e/g", NULL },
    { SUB "/resourceGroups/g/providers/Microsoft.Security/locations/west/alerts/2518_x",
      "Microsoft.Security/locations/alerts", NULL },
    { SUB "/providers/Microsoft.Security/locations/west/alerts/2518_x",
      "Microsoft.Security/locations/alerts", NULL },
    { SUB "/resourceGroups/g/providers/Microsoft.Insights/metricAlerts/CPU is high",
      "Microsoft.Insights/metricAlerts", NULL },
    { WEB "/providers/Microsoft.Authorization/locks/keep", "Microsoft.Authorization/locks",
      NULL },
    { "/providers/Microsoft.Management/managementGroups/top",
      "Microsoft.Management/managementGroups", NULL },
    { "booth", "", "does not begin with /" },
    { SUB "/resourceGroups", "", "a name is missing" },
    { SUB "/groups/g", "", "does not go /subscriptions/S" },
    { SUB "/resourceGroups/g/providers/A.B/c", "", "a name is missing" },
    { SUB "/resourceGroups/g/providers/A.B", "", "a type and a name are missing" },
    { WEB "/slots/..", "", "\"..\" are no names" },
    { WEB "?x=y", "", "a name has no ?" },
    { WEB "/slots/a%2Fb", "", "a name has no ?" },
    { SUB "/resourceGroups/a b/providers/A.B/c/d", "", "a blank" },
    { WEB "/slots/a\r\nb", "", "control character" },
};

TEST(an_id_of_any_depth_and_spelling_is_read_and_a_bad_one_says_what_is_wrong)
{
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        char type[ARMID_TYPE_MAX];
        const char *fault = armid_fault(ids[i].id, type);

        if (ids[i].fault == NULL) {
            CHECK_STR(fault, NULL);
            CHECK_STR(type, ids[i].type);
        } else {
            CHECK_HAS(fault, ids[i].fault);
        }
    }
}

static const struct {
    const char *id, *url, *what;
} sites[] = {
    { WEB, WEB "/stop?", "site booth" },
    { WEB "/", WEB "/stop?", "site booth" },
    { WEB "/slots/canary", WEB "/slots/canary/stop?", "slot canary of site booth" },
    { SUB "/resourceGroups/Übung/providers/Microsoft.Web/sites/a",
      "/resourceGroups/%C3%9Cbung/providers/Microsoft.Web/sites/a/stop?", "site a" },
    { "/SUBSCRIPTIONS/s/resourcegroups/g/PROVIDERS/microsoft.web/SITES/a/SLOTS/b",
      "/PROVIDERS/microsoft.web/SITES/a/SLOTS/b/stop?", "slot b of site a" },
    { SUB "/resourceGroups/東京(1)/providers/Microsoft.Web/sites/a",
      "/resourceGroups/%E6%9D%B1%E4%BA%AC(1)/", "site a" },
};

TEST(a_site_or_slot_is_asked_for_at_its_own_encoded_address)
{
    for (size_t i = 0; i < sizeof sites / sizeof *sites; i++) {
        struct rig rig;
        char args[600];

        rig_open(&rig);
        snprintf(args, sizeof args, "{\"id\":\"%s\"}", sites[i].id);
        rig_add(&rig, "POST", "/stop?", 200, "", "");
        rig_call(&rig, STOP, RIG_APPLY, args);
        CHECK_STR(rig.message, "");
        CHECK_INT(rig.status, CORDON_DONE);
        CHECK_HAS(rig.log, sites[i].url);
        for (const char *at = rig.log; *at != '\0'; at++)
            CHECK((unsigned char)*at < 0x80);
        rig.before = "{\"state\":\"Running\"}";
        rig_plan(&rig, STOP, RIG_PLAN, args);
        CHECK_HAS(rig.what, sites[i].what);
        rig_close(&rig);
    }
}

static const struct {
    const char *a, *b;
    bool is_same;
} spellings[] = {
    { WEB,
      "/SUBSCRIPTIONS/12121212-3434-4565-8787-909090909090/RESOURCEGROUPS/LAB/PROVIDERS/"
      "MICROSOFT.WEB/SITES/BOOTH",
      true },
    { "/resourceGroups/Größe", "/resourcegroups/GRÖßE", true },
    { "/x/ÉTÉ", "/X/été", true },
    { "/x/ΑΘΗΝΑ", "/x/αθηνα", true },
    { "/x/МОСКВА", "/x/москва", true },
    { "/x/ŁÓDŹ", "/x/łódź", true },
    { "/x/×", "/x/÷", false },
    { "/x/東京", "/x/東京", true },
    { "/x/a", "/x/á", false },
    { "/x/\xff"
      "A",
      "/x/\xff"
      "a",
      true },
};

TEST(letter_case_has_no_meaning_in_names_beyond_ascii_either)
{
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++)
        CHECK(spellings[i].is_same == (strcmp(job_lower(rig_job(), spellings[i].a),
                                              job_lower(rig_job(), spellings[i].b)) == 0));
}

#define ARM "https://management.azure.com"

static const struct {
    const char *link, *asked; /* NULL: refused */
} links[] = {
    { ARM "/a?$skiptoken=1", ARM "/a?$skiptoken=1" },
    { ARM "/a?$filter=name eq 'b c'", ARM "/a?$filter=name%20eq%20'b%20c'" },
    { ARM "/a/b c?x=%20y", ARM "/a/b%20c?x=%20y" },
    { ARM "/größe?x=1", ARM "/gr%C3%B6%C3%9Fe?x=1" },
    { "HTTPS://Management.Azure.com/a?x", "HTTPS://Management.Azure.com/a?x" },
    { "/subscriptions/s?x=1", ARM "/subscriptions/s?x=1" },
    { ARM "/a?t=\"q\"&u={v}", ARM "/a?t=%22q%22&u=%7Bv%7D" },
    { ARM "/a?p=100%&q", ARM "/a?p=100%25&q" },
    { ARM "/a\r\nHost: b", ARM "/a%0D%0AHost:%20b" },
    { ARM ":443/a?x=1", ARM "/a?x=1" },
    { "https://MANAGEMENT.azure.com:443?x=1", ARM "?x=1" },
    { "?$skiptoken=b c",
      ARM SUB "/providers/Microsoft.Authorization/roleAssignments?$skiptoken=b%20c" },
    { ARM ":4430/a", NULL },
    { ARM ":443.evil.example/a", NULL },
    { ARM ":443@evil.example/a", NULL },
    { ARM ".evil.example/a", NULL },
    { ARM "@evil.example/a", NULL },
    { "https://evil.example/" ARM, NULL },
    { "//evil.example/a", NULL },
    { "http://management.azure.com/a", NULL },
};

TEST(a_next_link_is_encoded_anew_and_a_foreign_one_is_named)
{
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        struct rig rig;
        char page[1024];
        cJSON *json = cJSON_CreateObject();

        cJSON_AddArrayToObject(json, "value");
        cJSON_AddStringToObject(json, "nextLink", links[i].link);
        cJSON_PrintPreallocated(json, page, sizeof page, false);
        cJSON_Delete(json);
        rig_open(&rig);
        rig_add(&rig, "GET", "roleAssignments", 200, "", page);
        rig_add(&rig, "GET", "", 200, "", "{\"value\":[]}");
        rig_call(&rig, "azure.rbac.assignments", RIG_READ,
                 "{\"principal\":\"12121212-3434-4565-8787-000000000000\",\"scope\":\"" SUB
                 "\"}");
        if (links[i].asked != NULL) {
            CHECK_STR(rig.message, "");
            CHECK_HAS(rig.log, links[i].asked);
        } else {
            CHECK_STR(rig.code, "ForeignLink");
            CHECK_INT(rig.status, CORDON_REFUSED);
        }
        rig_close(&rig);
    }
}

TEST(a_foreign_link_says_which_host_it_names)
{
    struct rig rig;

    rig_open(&rig);
    rig_add(&rig, "GET", "roleAssignments", 200, "",
            "{\"value\":[],\"nextLink\":\"https://other.example/page?2\"}");
    rig_call(&rig, "azure.rbac.assignments", RIG_READ,
             "{\"principal\":\"12121212-3434-4565-8787-000000000000\",\"scope\":\"" SUB
             "\"}");
    CHECK_HAS(rig.message, "at other.example, which is not " ARM);
    rig_close(&rig);
}

TEST(a_link_without_a_scheme_is_told_with_the_host_that_it_names)
{
    struct rig rig;

    rig_open(&rig);
    rig_add(&rig, "GET", "roleAssignments", 200, "",
            "{\"value\":[],\"nextLink\":\"//other.example/page?2\"}");
    rig_call(&rig, "azure.rbac.assignments", RIG_READ,
             "{\"principal\":\"12121212-3434-4565-8787-000000000000\",\"scope\":\"" SUB
             "\"}");
    CHECK_HAS(rig.message, "at other.example, which is not " ARM);
    rig_close(&rig);
}

TEST(a_page_that_names_itself_as_the_next_one_is_read_twice_at_most)
{
    struct rig rig;

    rig_open(&rig);
    rig_add(&rig, "*GET", "roleAssignments", 200, "",
            "{\"value\":[],\"nextLink\":\"?$skiptoken=again and again\"}");
    rig_call(&rig, "azure.rbac.assignments", RIG_READ,
             "{\"principal\":\"12121212-3434-4565-8787-000000000000\",\"scope\":\"" SUB
             "\"}");
    CHECK_STR(rig.code, "EndlessList");
    CHECK_HAS(rig.message, "names itself as the next one");
    CHECK_INT(rig_count(&rig, "roleAssignments"), 2);
    rig_close(&rig);
}

TEST(an_id_of_another_type_is_named_with_its_type)
{
    struct rig rig;

    rig_open(&rig);
    rig_call(&rig, STOP, RIG_APPLY, "{\"id\":\"" WEB "/hostNameBindings/b\"}");
    CHECK_STR(rig.code, "BadId");
    CHECK_HAS(rig.message, "it is the id of a Microsoft.Web/sites/hostNameBindings");
    CHECK_STR(rig.log, "");
    rig_close(&rig);
}

TEST(a_cut_text_ends_with_a_whole_character)
{
    char text[][8] = { "a\xc3\xb6", "a\xc3", "\xe2\x82", "ab", "", "x\xf0\x9f\x98" };
    const char *wanted[] = { "a\xc3\xb6", "a", "", "ab", "", "x" };

    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        text_clip(text[i]);
        CHECK_STR(text[i], wanted[i]);
    }
}
