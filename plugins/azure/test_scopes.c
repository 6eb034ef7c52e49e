/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a target lies, as guards and rules are told it, and who cordon is, as far as its token
 * says.
 */
#include <stdio.h>
#include <string.h>

#include <cordon/plugin.h>

#include "check.h"
#include "rig.h"

#define SUB_A      "/subscriptions/aaaaaaaa-0000-4000-8000-000000000001"
#define SUB_B      "/subscriptions/bbbbbbbb-0000-4000-8000-000000000002"
#define VAULT      "/providers/Microsoft.KeyVault/vaults/"
#define TWO        "{\"value\":[{\"id\":\"" SUB_A "\"},{\"id\":\"" SUB_B "\"}]}"
#define LISTED(id) "{\"value\":[{\"id\":\"" id "\"}]}"
#define NONE       "{\"value\":[]}"
#define LIST       "/providers/Microsoft.KeyVault/vaults?"
#define CONFIG                                                         \
    "\"credential\":\"client_secret\",\"tenant\":\"contoso.example\"," \
    "\"client_id\":\"99999999-0000-4000-8000-000000000009\",\"secret\":\"s\""

static const char pinned[] = "{\"vault\":\"Till-KV\",\"name\":\"pin\"}";

/* Bodies of the lists of subscriptions and of the vaults of A and of B; NULL: refused. */
static const struct {
    const char *config, *subscriptions, *of_a, *of_b;
    const char *subscription, *within, *unplaced;
} places[] = {
    { CONFIG, TWO, LISTED(SUB_A "/resourceGroups/g" VAULT "till-kv"), NONE,
      "aaaaaaaa-0000-4000-8000-000000000001",
      "[\"" SUB_A "/resourceGroups/g" VAULT "till-kv/secrets/pin\",\"" SUB_A
      "/resourceGroups/g" VAULT "till-kv\"]",
      "" },
    { CONFIG, TWO, NONE, LISTED(SUB_B "/resourceGroups/Shop" VAULT "TILL-kv"),
      "bbbbbbbb-0000-4000-8000-000000000002", "/resourceGroups/Shop" VAULT "TILL-kv\"]",
      "" },
    /* One that cannot be listed is passed over. */
    { CONFIG, TWO, NULL, LISTED(SUB_B "/resourceGroups/g" VAULT "till-kv"),
      "bbbbbbbb-0000-4000-8000-000000000002", "till-kv/secrets/pin", "" },
    { CONFIG, TWO, LISTED(SUB_A "/resourceGroups/g" VAULT "till-kv2"), NONE, "",
      "[\"/subscriptions/*/resourceGroups/*" VAULT "till-kv/secrets/pin\",",
      "vault till-kv is in none of the 2 subscriptions that cordon can see; give" },
    { CONFIG, TWO, NULL, NONE, "", "/subscriptions/*/",
      "vault till-kv was not found, and not all vaults could be listed (list vaults" },
    { CONFIG, TWO, NULL, NULL, "", "*", "Microsoft.KeyVault/vaults/read" },
    { CONFIG, NULL, NULL, NULL, "", "*", "(list subscriptions" },
    { CONFIG, NONE, NONE, NONE, "", "*", "in none of the 0 subscriptions" },
    { CONFIG, TWO, "{\"value\":\"none\"}", NONE, "", "*", "vault_ids of the azure" },
    /* What is no vault's id is none, whatever its name. */
    { CONFIG, TWO,
      LISTED(SUB_A "/resourceGroups/g/providers/Microsoft.KeyVault/managedHSMs/till-kv"),
      LISTED("/x/till-kv"), "", "*", "none of the 2" },
    { CONFIG ",\"vault_ids\":{\"till-kv\":\"" SUB_B "/resourceGroups/own" VAULT
             "till-kv\"}",
      NULL, NULL, NULL, "bbbbbbbb-0000-4000-8000-000000000002", "/resourceGroups/own" VAULT,
      "" },
    { CONFIG ",\"vault_ids\":{\"other-kv\":\"" SUB_B "/resourceGroups/own" VAULT
             "other-kv\"}",
      TWO, NONE, NONE, "", "*", "none of the 2" },
};

static void answer_list(struct rig *rig, const char *part, const char *body)
{
    if (body != NULL)
        rig_add(rig, "*GET", part, 200, "", body);
    else
        rig_add(rig, "*GET", part, 403, "",
                "{\"error\":{\"code\":\"AuthorizationFailed\",\"message\":\"no right\"}}");
}

static void open_as(struct rig *rig, const char *config)
{
    char text[2048];

    snprintf(text, sizeof text, "{%s}", config);
    rig_open_as(rig, text);
}

static void answer_vault(struct rig *rig)
{
    rig_add(rig, "GET", "/secrets/pin", 401,
            "WWW-Authenticate: Bearer authorization=\"https://login.windows.net/t\", "
            "resource=\"https://vault.azure.net\"\n",
            "");
    rig_add(rig, "*GET", "/secrets/pin/versions?", 200, "",
            "{\"value\":[{\"id\":\"https://till-kv.vault.azure.net/secrets/pin/"
            "0b000000000000000000000000000007\",\"attributes\":{\"enabled\":true}}]}");
}

static void open_place(struct rig *rig, size_t i)
{
    open_as(rig, places[i].config);
    answer_vault(rig);
    answer_list(rig, SUB_A LIST, places[i].of_a);
    answer_list(rig, SUB_B LIST, places[i].of_b);
    answer_list(rig, "/subscriptions?", places[i].subscriptions);
}

TEST(a_secret_lies_where_its_vault_lies_and_what_is_not_known_is_told_with_the_reason)
{
    static const char *const actions[] = { "azure.keyvault.disable_secret",
                                           "azure.keyvault.rotate_secret" };

    for (size_t i = 0; i < 2 * (sizeof places / sizeof *places); i++) {
        struct rig rig;

        open_place(&rig, i / 2);
        rig_call(&rig, actions[i % 2], RIG_OBSERVE, pinned);
        CHECK_INT(rig.status, CORDON_DONE);
        CHECK_STR(rig.subscription, places[i / 2].subscription);
        CHECK_HAS(rig.within, places[i / 2].within);
        if (places[i / 2].unplaced[0] == '\0')
            CHECK_STR(rig.unplaced, "");
        else
            CHECK_HAS(rig.unplaced, places[i / 2].unplaced);
        rig_close(&rig);
    }
}

TEST(the_place_of_a_vault_is_looked_up_once_and_again_for_an_undo_only)
{
    struct rig rig;

    open_place(&rig, 0);
    rig_call(&rig, "azure.keyvault.disable_secret", RIG_OBSERVE, pinned);
    rig_call(&rig, "azure.keyvault.disable_secret", RIG_OBSERVE, pinned);
    CHECK_INT(rig_count(&rig, SUB_A LIST), 1);
    rig.before = "{\"version\":\"0b000000000000000000000000000007\",\"enabled\":true}";
    rig_call(&rig, "azure.keyvault.disable_secret", RIG_OBSERVE, pinned);
    CHECK_STR(rig.within, ""); /* it is verified: nothing is asked of it */
    rig.goal = rig.before;
    rig_call(&rig, "azure.keyvault.disable_secret", RIG_OBSERVE, pinned);
    CHECK_HAS(rig.within, "till-kv/secrets/pin");
    CHECK_INT(rig_count(&rig, SUB_A LIST), 1);
    rig_close(&rig);
}

/* -- who we are ----------------------------------------------------------------------------- */

#define SITE   SUB_A "/resourceGroups/g/providers/Microsoft.Web/sites/till"
#define UNREAD "its token cannot be read (it is no JSON web token with an oid)"
#define OWN    ",\"own\":{\"object_id\":\"12121212-0000-4000-8000-000000000012\"}"

/* Tokens; their claims are base64 without padding. */
static const struct {
    const char *config, *token, *ask;
} tokens[] = {
    { CONFIG, "e30.eyJvaWQiOiIxMjEyIn0.x", "" },              /* {"oid":"1212"} */
    { CONFIG, "e30.eyJvaWQiOiIxMjEyIiwidGlkIjoidCJ9.x", "" }, /* and a tid */
    { CONFIG, "t", UNREAD },
    { CONFIG, "a-long.token", UNREAD },
    { CONFIG, "e30.e30.x", UNREAD },                /* {} */
    { CONFIG, "e30.eyJhcHBpZCI6ImEifQ.x", UNREAD }, /* {"appid":"a"} */
    { CONFIG, "e30.eyJvaWQiOjR9.x", UNREAD },       /* {"oid":4} */
    { CONFIG, "e30.eyJvaWQiOiIifQ.x", UNREAD },     /* {"oid":""} */
    { CONFIG, "e30.bm90IEpTT04.x", UNREAD },        /* not JSON */
    { CONFIG, "e30..x", UNREAD },
    { CONFIG OWN, "t", "" },
    { CONFIG OWN, "e30.e30.x", "" },
};

static void look_and_plan(struct rig *rig, const char *action, const char *args,
                          const char *subscription)
{
    static char before[4096];

    rig_call(rig, action, RIG_OBSERVE, args);
    CHECK_INT(rig->status, CORDON_DONE);
    CHECK_STR(rig->subscription, subscription);
    CHECK((rig->unplaced[0] == '\0') == (subscription[0] != '\0'));
    snprintf(before, sizeof before, "%s", rig->state);
    rig->before = before;
    rig_plan(rig, action, RIG_PLAN, args);
}

static void open_token(struct rig *rig, size_t i)
{
    static char body[512];

    snprintf(body, sizeof body, "{\"access_token\":\"%s\",\"expires_in\":3600}",
             tokens[i].token);
    open_as(rig, tokens[i].config);
    rig_add(rig, "*POST", "/oauth2/v2.0/token", 200, "", body);
}

TEST(stopping_a_site_wants_a_person_while_the_token_does_not_say_who_cordon_is)
{
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        struct rig rig;

        open_token(&rig, i);
        rig_add(&rig, "*GET", "/sites/till?", 200, "",
                "{\"id\":\"" SITE "\",\"kind\":\"app\","
                "\"properties\":{\"state\":\"Running\"}}");
        look_and_plan(&rig, "azure.appservice.stop", "{\"id\":\"" SITE "\"}",
                      "aaaaaaaa-0000-4000-8000-000000000001");
        CHECK((rig.ask[0] == '\0') == (tokens[i].ask[0] == '\0'));
        CHECK_HAS(rig.ask, tokens[i].ask);
        rig_close(&rig);
    }
}

#define ROLE                                              \
    "/providers/Microsoft.Authorization/roleAssignments/" \
    "cccccccc-0000-4000-8000-000000000003"

static const struct {
    const char *scope, *subscription;
} scopes[] = {
    { SUB_A, "aaaaaaaa-0000-4000-8000-000000000001" },
    { SUB_B "/resourceGroups/g", "bbbbbbbb-0000-4000-8000-000000000002" },
    { "/providers/Microsoft.Management/managementGroups/mg", "" },
};

TEST(removing_a_right_wants_a_person_likewise_and_above_subscriptions_it_lies_in_none)
{
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        struct rig rig;
        char args[512], body[1024];

        snprintf(args, sizeof args, "{\"id\":\"%s" ROLE "\"}", scopes[i].scope);
        snprintf(body, sizeof body,
                 "{\"id\":\"%s" ROLE "\",\"properties\":{\"scope\":\"%s\","
                 "\"principalId\":\"34343434-0000-4000-8000-000000000034\","
                 "\"principalType\":\"User\",\"roleDefinitionId\":\"" SUB_A
                 "/providers/Microsoft.Authorization/roleDefinitions/"
                 "dddddddd-0000-4000-8000-000000000004\"}}",
                 scopes[i].scope, scopes[i].scope);
        open_token(&rig, 2);
        rig_add(&rig, "*GET", "/roleAssignments/cccccccc", 200, "", body);
        look_and_plan(&rig, "azure.rbac.remove", args, scopes[i].subscription);
        CHECK_HAS(rig.ask, UNREAD);
        rig_close(&rig);
    }
}

TEST(a_vault_that_is_named_with_another_id_is_refused_when_the_plugin_starts)
{
    static const char *const bad[] = {
        "\"till-kv\"",
        "\"" SUB_A "\"",
        "7",
        "\"" SUB_A "/resourceGroups/g" VAULT "other\"",
        "\"" SITE "\"",
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct rig rig;
        char config[1024];

        snprintf(config, sizeof config, "{" CONFIG ",\"vault_ids\":{\"till-kv\":%s}}",
                 bad[i]);
        CHECK_HAS(rig_refused(&rig, config), "vault_ids.till-kv: ");
    }
}
