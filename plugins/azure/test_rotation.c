/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a new version of a secret takes over from the old one, what arguments change about
 * that, and which secrets are refused in the plan.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include <cordon/plugin.h>

#include "check.h"
#include "rig.h"

#define ROTATE "azure.keyvault.rotate_secret"
#define OLD    "0b000000000000000000000000000007"
#define MADE   "0b000000000000000000000000000008"
#define KEY    "00112233445566778899aabbccddeeff" /* of the rig's step */
#define NOW    1790000000                         /* the rig's clock */

/* A version as the vault lists it; more is behind its id. */
static const char *listed(const char *more)
{
    static char body[8192];

    snprintf(body, sizeof body,
             "{\"value\":[{\"id\":\"https://safe.vault.azure.net/secrets/pin/" OLD
             "\",%s}]}",
             more);
    return body;
}

static void open_vault(struct rig *rig, const char *more)
{
    rig_open(rig);
    rig_add(rig, "GET", "/secrets/pin", 401,
            "WWW-Authenticate: Bearer authorization=\"https://login.windows.net/t\", "
            "resource=\"https://vault.azure.net\"\n",
            "");
    rig_add(rig, "*GET", "/secrets/pin/versions?", 200, "", listed(more));
    rig_add(rig, "PUT", "/secrets/pin?", 200, "",
            "{\"id\":\"https://safe.vault.azure.net/secrets/pin/" MADE "\"}");
    rig_add(rig, "PATCH", "/secrets/pin/" OLD, 200, "", "{}");
}

static const char *args_with(const char *more)
{
    static char args[2048];

    snprintf(args, sizeof args, "{\"vault\":\"safe\",\"name\":\"pin\"%s%s}",
             more[0] != '\0' ? "," : "", more);
    return args;
}

/* Looks, plans and applies, as the host does. */
static void rotate(struct rig *rig, const char *more_args)
{
    static char before[4096], after[4096];

    rig_call(rig, ROTATE, RIG_OBSERVE, args_with(more_args));
    CHECK_INT(rig->status, CORDON_DONE);
    snprintf(before, sizeof before, "%s", rig->state);
    rig->before = before;
    rig_plan(rig, ROTATE, RIG_PLAN, args_with(more_args));
    CHECK_INT(rig->status, CORDON_DONE);
    snprintf(after, sizeof after, "%s", rig->after_planned);
    rig->after = after;
    rig_call(rig, ROTATE, RIG_APPLY, args_with(more_args));
    CHECK_INT(rig->status, CORDON_DONE);
}

/* What was sent for the new version: the sent body of the PUT. */
static cJSON *sent_version(struct rig *rig)
{
    return cJSON_Parse(rig->put);
}

static int64_t sent_time(const cJSON *body, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(cJSON_GetObjectItem(body, "attributes"), name);

    return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : 0;
}

/* -- times ---------------------------------------------------------------------------------- */

static const struct {
    const char *attributes, *args;
    int64_t exp, nbf; /* seconds from now; 0: not sent */
    const char *note;
} times[] = {
#define MADE_AT "\"enabled\":true,\"created\":1780000000"
    { MADE_AT, "", 0, 0, "never expires" },
    { MADE_AT ",\"exp\":1787776000", "", 7776000, 0, "expires 90 days after it is made" },
    { MADE_AT ",\"exp\":1795000000", "", 15000000, 0, "expires 173 d 14 h 40 min" },
    /* It had expired before anybody rotated it. */
    { MADE_AT ",\"exp\":1780086400", "", 86400, 0, "expires 1 day after" },
    /* In force already: the new one is at once. */
    { MADE_AT ",\"nbf\":1780000000", "", 0, -300, "never expires" },
    { MADE_AT ",\"nbf\":1781000000,\"exp\":1787776000", "", 7776000, -300, "90 days" },
    { MADE_AT ",\"nbf\":1790086400", "", 0, 10086400, "is valid after 116 d 17 h 46 min" },
    { MADE_AT ",\"exp\":1770000000", "", 0, 0, "never expires" },
    { MADE_AT, "\"expires_in\":\"30d\"", 2592000, 0, "expires 30 days after" },
    { MADE_AT ",\"exp\":1787776000", "\"expires_in\":\"12h30m\"", 45000, 0,
      "expires 0 d 12 h 30 min" },
    { MADE_AT, "\"not_before_in\":\"2h\"", 0, 7200, "is valid after 0 d 2 h" },
    { MADE_AT ",\"nbf\":1780000000", "\"not_before_in\":\"1d\"", 0, 86400,
      "is valid after 1 day" },
};

TEST(expiry_and_validity_are_carried_over_as_spans_and_arguments_change_them)
{
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct rig rig;
        char more[512];

        snprintf(more, sizeof more, "\"attributes\":{%s}", times[i].attributes);
        open_vault(&rig, more);
        rotate(&rig, times[i].args);
        cJSON *body = sent_version(&rig);
        CHECK_INT(sent_time(body, "exp"), times[i].exp != 0 ? NOW + times[i].exp : 0);
        CHECK_INT(sent_time(body, "nbf"), times[i].nbf != 0 ? NOW + times[i].nbf : 0);
        cJSON_Delete(body);
        rig_plan(&rig, ROTATE, RIG_PLAN, args_with(times[i].args));
        CHECK_HAS(rig.notes, times[i].note);
        rig_close(&rig);
    }
}

/* -- type, state, tags ----------------------------------------------------------------------- */

static const struct {
    const char *more, *args;
    const char *sent; /* contained in the body */
} carried[] = {
#define ENABLED "\"attributes\":{\"enabled\":true,\"created\":1780000000}"
    { ENABLED ",\"contentType\":\"text/x-dsn\"", "", "\"contentType\":\"text/x-dsn\"" },
    { ENABLED ",\"contentType\":\"text/x-dsn\"", "\"content_type\":\"a/b\"",
      "\"contentType\":\"a/b\"" },
    { ENABLED, "\"content_type\":\"a/b\"", "\"contentType\":\"a/b\"" },
    { ENABLED, "", "\"attributes\":{\"enabled\":true}" },
    { "\"attributes\":{\"enabled\":false,\"created\":1780000000}", "",
      "\"attributes\":{\"enabled\":false}" },
    { "\"attributes\":{\"enabled\":false,\"created\":1780000000}", "\"enabled\":true",
      "\"attributes\":{\"enabled\":true}" },
    { ENABLED, "\"enabled\":false", "\"attributes\":{\"enabled\":false}" },
    { ENABLED ",\"tags\":{\"owner\":\"till\",\"cordon-run\":\"r-000009\"}", "",
      "\"tags\":{\"owner\":\"till\",\"cordon-run\":\"r-000001\"" },
    { ENABLED ",\"tags\":{\"owner\":\"till\"}", "\"tags\":{\"team\":\"red\"}",
      "\"tags\":{\"team\":\"red\",\"cordon-run\"" },
    { ENABLED ",\"tags\":{\"owner\":\"till\"}", "\"tags\":{}",
      "\"tags\":{\"cordon-run\":\"r-000001\"" },
};

TEST(type_state_and_tags_are_carried_over_and_arguments_change_them)
{
    for (size_t i = 0; i < sizeof carried / sizeof *carried; i++) {
        struct rig rig;

        open_vault(&rig, carried[i].more);
        rotate(&rig, carried[i].args);
        CHECK_HAS(rig.put, carried[i].sent);
        rig_close(&rig);
    }
}

/* Of others, and how many of ours are added to them. */
static const struct {
    int others, ours;
} crowds[] = { { 0, 3 }, { 1, 3 }, { 11, 3 }, { 12, 3 }, { 13, 2 }, { 14, 1 } };

static const char *tags_of(int count)
{
    static char text[2048];
    int len = snprintf(text, sizeof text, ENABLED ",\"tags\":{");

    for (int i = 0; i < count; i++)
        len += snprintf(text + len, sizeof text - (size_t)len, "%s\"t%d\":\"%d\"",
                        i > 0 ? "," : "", i, i);
    snprintf(text + len, sizeof text - (size_t)len, "}");
    return text;
}

/* Is the version that was sent known again when it is listed? */
static void check_is_ours(struct rig *rig, const cJSON *tags)
{
    static char body[8192];
    char *text = cJSON_PrintUnformatted(tags);

    snprintf(body, sizeof body,
             "{\"value\":[{\"id\":\"https://safe.vault.azure.net/secrets/pin/" MADE
             "\",\"attributes\":{\"enabled\":true,\"created\":1790000000},\"tags\":%s},"
             "{\"id\":\"https://safe.vault.azure.net/secrets/pin/" OLD
             "\",\"attributes\":{\"enabled\":false,\"created\":1780000000}}]}",
             text);
    free(text);
    rig->lines[1].body = body;
    rig_call(rig, ROTATE, RIG_OBSERVE, args_with(""));
    CHECK_INT(rig->status, CORDON_DONE);
    CHECK_HAS(rig->state, "\"rotated\":true");
}

TEST(tags_of_others_all_stay_and_ours_take_the_room_that_is_left)
{
    for (size_t i = 0; i < sizeof crowds / sizeof *crowds; i++) {
        struct rig rig;

        open_vault(&rig, tags_of(crowds[i].others));
        rotate(&rig, "");
        cJSON *body = sent_version(&rig);
        const cJSON *tags = cJSON_GetObjectItem(body, "tags");
        CHECK_INT(cJSON_GetArraySize(tags), crowds[i].others + crowds[i].ours);
        CHECK(cJSON_GetArraySize(tags) <= 15);
        check_is_ours(&rig, tags);
        cJSON_Delete(body);
        rig_close(&rig);
    }
}

/* -- refused in the plan ------------------------------------------------------------------- */

static const struct {
    const char *more, *args, *code, *why;
} refused[] = {
    { ENABLED, "", "", "" },
    { ENABLED ",\"managed\":false", "", "", "" },
    { ENABLED ",\"managed\":true", "", "SecretManaged", "the vault manages it" },
    { ENABLED ",\"managed\":true,\"kid\":\"https://safe.vault.azure.net/keys/pin/1\"", "",
      "SecretManaged", "the certificate of the same name owns it" },
    { ENABLED ",\"kid\":\"https://safe.vault.azure.net/keys/pin/1\"", "", "SecretManaged",
      "certificate" },
    { ENABLED ",\"contentType\":\"application/vnd.ms-sastoken-storage\"", "",
      "SecretManaged", "a storage account" },
    { ENABLED ",\"contentType\":\"application/vnd.ms-StorageAccountAccessKey\"", "",
      "SecretManaged", "regenerate the account's key" },
    { ENABLED ",\"contentType\":\"application/x-pkcs12\"", "", "", "" },
    { "15 tags", "", "TooManyTags", "give fewer in tags" },
    { "15 tags", "\"tags\":{\"owner\":\"till\"}", "", "" },
};

TEST(a_secret_that_somebody_else_manages_is_refused_before_people_are_asked)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct rig rig;
        bool is_full = strcmp(refused[i].more, "15 tags") == 0;

        open_vault(&rig, is_full ? tags_of(15) : refused[i].more);
        rig_call(&rig, ROTATE, RIG_OBSERVE, args_with(refused[i].args));
        CHECK_INT(rig.status, CORDON_DONE);
        CHECK_STR(rig.cannot_code, refused[i].code);
        CHECK_HAS(rig.cannot, refused[i].why);
        rig_close(&rig);
    }
}

static const char *const bad_args[] = {
    "\"expires_in\":\"0s\"",
    "\"expires_in\":\"soon\"",
    "\"expires_in\":\"5000d\"",
    "\"not_before_in\":\"1y\"",
    "\"tags\":{\"a\":1}",
    "\"tags\":{\"a\":{}}",
    "\"tags\":{\"cordon-key\":\"x\"}",
};

TEST(arguments_that_no_version_can_have_are_refused_in_the_plan)
{
    for (size_t i = 0; i < sizeof bad_args / sizeof *bad_args; i++) {
        struct rig rig;
        char before[4096];

        open_vault(&rig, ENABLED);
        rig_call(&rig, ROTATE, RIG_OBSERVE, args_with(bad_args[i]));
        snprintf(before, sizeof before, "%s", rig.state);
        rig.before = before;
        rig_plan(&rig, ROTATE, RIG_PLAN, args_with(bad_args[i]));
        CHECK_INT(rig.status, CORDON_REFUSED);
        rig_close(&rig);
    }
}

TEST(a_vault_that_refused_a_version_by_policy_is_remembered_in_the_next_plan)
{
    struct rig rig;
    char before[4096];

    open_vault(&rig, ENABLED);
    rig_call(&rig, ROTATE, RIG_OBSERVE, args_with(""));
    CHECK_HAS(rig.notes, "expires_in sets it");
    snprintf(before, sizeof before, "%s", rig.state);
    rig.before = before;
    rig.lines[2].status = 403;
    rig.lines[2].body =
        "{\"error\":{\"code\":\"Forbidden\",\"message\":\"Secrets should have "
        "an expiry date.\",\"innererror\":{\"code\":\"ForbiddenByPolicy\"}}}";
    rig_call(&rig, ROTATE, RIG_APPLY, args_with(""));
    CHECK_INT(rig.status, CORDON_REFUSED);
    CHECK_STR(rig.code, "ForbiddenByPolicy");
    CHECK_HAS(rig.message, "expires_in");
    rig.before = NULL;
    rig_call(&rig, ROTATE, RIG_OBSERVE, args_with(""));
    CHECK_HAS(rig.notes,
              "has refused a version lately: Secrets should have an expiry date.");
    rig_close(&rig);
}

TEST(a_plan_of_an_older_journal_still_carries_the_attributes_over)
{
    struct rig rig;

    open_vault(&rig,
               "\"contentType\":\"a/b\",\"attributes\":{" MADE_AT ",\"exp\":1787776000}");
    rig.before = "{\"old_enabled\":true,\"old_version\":\"" OLD "\",\"rotated\":false}";
    rig.after = "{\"old_enabled\":false,\"old_version\":\"" OLD "\",\"rotated\":true}";
    rig_call(&rig, ROTATE, RIG_APPLY, args_with(""));
    CHECK_INT(rig.status, CORDON_DONE);
    CHECK_HAS(rig.put, "\"contentType\":\"a/b\"");
    CHECK_HAS(rig.put, "\"exp\":1797776000");
    rig_call(&rig, ROTATE, RIG_OBSERVE, args_with(""));
    CHECK(strstr(rig.state, "\"attributes\"") == NULL);
    rig_close(&rig);
}

/* -- who reads the old version ------------------------------------------------------------- */

#define SITES                                                               \
    "/subscriptions/66666666-3333-4333-8333-333333333333/resourceGroups/g/" \
    "providers/Microsoft.Web/sites/"
#define REFERENCE(uri) \
    "{\"name\":\"PIN\",\"properties\":{\"reference\":\"@Microsoft.KeyVault(" uri ")\"}}"

static const struct {
    int status;
    const char *references;
    bool is_pinned;
} readers[] = {
    { 200, "", false },
    { 200, REFERENCE("SecretUri=https://safe.vault.azure.net/secrets/pin/" OLD), true },
    { 200, REFERENCE("SecretUri=https://SAFE.vault.azure.net/secrets/PIN/" OLD "/"), true },
    { 200, REFERENCE("SecretUri=https://safe.vault.azure.net/secrets/pin/"), false },
    { 200, REFERENCE("SecretUri=https://safe.vault.azure.net/secrets/pin"), false },
    { 200, REFERENCE("SecretUri=https://other.vault.azure.net/secrets/pin/" OLD), false },
    { 200, REFERENCE("SecretUri=https://safe.vault.azure.net/secrets/other/" OLD), false },
    { 200, REFERENCE("SecretUri=https://safe.vault.azure.net/secrets/pin/" MADE), false },
    { 200, REFERENCE("VaultName=safe;SecretName=pin;SecretVersion=" OLD), true },
    { 200, REFERENCE("VaultName=safe;SecretName=pin"), false },
    { 200,
      "{\"name\":\"PIN\",\"properties\":{\"vaultName\":\"safe\",\"secretName\":\"pin\","
      "\"secretVersion\":\"" OLD "\",\"status\":\"Resolved\"}}",
      true },
    { 403, "", false },
};

TEST(each_site_that_names_the_old_version_is_told_to_approvers)
{
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        struct rig rig;
        char body[2048];

        open_vault(&rig, ENABLED);
        rig_add(&rig, "GET", "/subscriptions?", 200, "",
                "{\"value\":[{\"id\":\"/subscriptions/66666666-3333-4333-8333-"
                "333333333333\"}]}");
        rig_add(&rig, "GET", "/providers/Microsoft.Web/sites?", 200, "",
                "{\"value\":[{\"id\":\"" SITES "bakery\"},{\"id\":\"" SITES "till\"}]}");
        snprintf(body, sizeof body, "{\"value\":[%s]}", readers[i].references);
        rig_add(&rig, "*GET", "/bakery/config/configreferences/", readers[i].status, "",
                readers[i].status == 200 ? "{\"value\":[]}" : "");
        rig_add(&rig, "*GET", "/till/config/configreferences/", readers[i].status, "",
                body);
        rig_call(&rig, ROTATE, RIG_OBSERVE, args_with(""));
        CHECK_INT(rig.status, CORDON_DONE);
        CHECK_INT(strstr(rig.notes, "the setting PIN of site till names version " OLD) !=
                      NULL,
                  readers[i].is_pinned);
        CHECK(strstr(rig.notes, "bakery") == NULL);
        rig_close(&rig);
    }
}

/* Two pages of subscriptions: the site that pins the version is in that of the second. */
TEST(a_reader_in_a_subscription_of_the_second_page_is_told_to_approvers)
{
    struct rig rig;

    open_vault(&rig, ENABLED);
    rig_add(
        &rig, "GET", "/subscriptions?", 200, "",
        "{\"value\":[{\"id\":\"/subscriptions/77777777-3333-4333-8333-333333333333\"}],"
        "\"nextLink\":\"https://management.azure.com/subscriptions?api-version=2022-12-01&"
        "%24skiptoken=2\"}");
    rig_add(&rig, "GET", "skiptoken=2", 200, "",
            "{\"value\":[{\"id\":\"/subscriptions/66666666-3333-4333-8333-"
            "333333333333\"}]}");
    rig_add(&rig, "GET", "/77777777-3333-4333-8333-333333333333/providers/Microsoft.Web",
            200, "", "{\"value\":[]}");
    rig_add(&rig, "GET", "/66666666-3333-4333-8333-333333333333/providers/Microsoft.Web",
            200, "", "{\"value\":[{\"id\":\"" SITES "till\"}]}");
    rig_add(&rig, "*GET", "/till/config/configreferences/", 200, "",
            "{\"value\":[" REFERENCE(
                "SecretUri=https://safe.vault.azure.net/secrets/pin/" OLD) "]}");
    rig_call(&rig, ROTATE, RIG_OBSERVE, args_with(""));
    CHECK_INT(rig.status, CORDON_DONE);
    CHECK_HAS(rig.notes, "the setting PIN of site till names version " OLD);
    rig_close(&rig);
}
