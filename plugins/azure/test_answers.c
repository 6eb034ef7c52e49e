/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the plugin makes of what services answer: which refusals pass, which are final, and
 * which may be over with a fresh token.
 */
#include <stdio.h>
#include <string.h>

#include <cordon/plugin.h>

#include "check.h"
#include "rig.h"

#define GROUP "/subscriptions/33333333-3333-4333-8333-333333333333/resourceGroups/blue"
#define SITE  GROUP "/providers/Microsoft.Web/sites/till"
#define NSG   GROUP "/providers/Microsoft.Network/networkSecurityGroups/wall"
#define GRANT                                                   \
    GROUP "/providers/Microsoft.Authorization/roleAssignments/" \
          "abababab-1111-4222-8333-444444444444"
#define STOP  "azure.appservice.stop"
#define BLOCK "azure.nsg.block_ips"

#define SAYS(code, message) \
    "{\"error\":{\"code\":\"" code "\",\"message\":\"" message "\"}}"

static const struct {
    const char *action, *args;
    enum rig_fn fn;
    const char *method, *part;
    int status;
    const char *body;
    enum cordon_status is;
} refusals[] = {
#define OF_SITE STOP, "{\"id\":\"" SITE "\"}", RIG_APPLY, "POST", "/stop?"
    { OF_SITE, 409, SAYS("Conflict", "Another operation is in progress on till."),
      CORDON_RETRY },
    { OF_SITE, 409,
      "{\"Code\":\"Conflict\",\"Message\":\"no\",\"Details\":[{\"ErrorEntity\":{"
      "\"ExtendedCode\":\"59205\"}}]}",
      CORDON_RETRY },
    { OF_SITE, 409, SAYS("Conflict", "The plan is too small."), CORDON_REFUSED },
    { OF_SITE, 409,
      "{\"Code\":\"Conflict\",\"Message\":\"Cannot acquire exclusive lock to update this "
      "site. Retry the request later.\"}",
      CORDON_RETRY },
    { OF_SITE, 409, SAYS("Conflict", "The server farm is being updated."), CORDON_RETRY },
    { OF_SITE, 409, SAYS("Conflict", "till is busy; please try again."), CORDON_RETRY },
    { OF_SITE, 302, "", CORDON_REFUSED },
    { OF_SITE, 409, SAYS("ScopeLocked", "Remove the lock and try again later."),
      CORDON_REFUSED },
    { OF_SITE, 409, SAYS("ReadOnlyDisabledSubscription", "It is disabled."),
      CORDON_REFUSED },
    { OF_SITE, 409, SAYS("AnotherOperationInProgress", "x"), CORDON_RETRY },
    { OF_SITE, 429, SAYS("SubscriptionRequestsThrottled", "x"), CORDON_RETRY },
    { OF_SITE, 400, SAYS("BadRequest", "x"), CORDON_REFUSED },
    { OF_SITE, 403, SAYS("RequestDisallowedByPolicy", "x"), CORDON_REFUSED },
    { OF_SITE, 500, SAYS("InternalServerError", "x"), CORDON_UNKNOWN },
    { OF_SITE, 503, SAYS("ServiceUnavailable", "x"), CORDON_UNKNOWN },
    { OF_SITE, 200, "<html><title>Portal of the hotel</title></html>", CORDON_UNKNOWN },
    { OF_SITE, 404, SAYS("ResourceNotFound", "x"), CORDON_REFUSED },
#define OF_NSG \
    BLOCK, "{\"id\":\"" NSG "\",\"ips\":[\"198.51.100.9\"]}", RIG_APPLY, "GET", "/wall?"
    { OF_NSG, 429, SAYS("RetryableErrorDueToAnotherOperation", "x"), CORDON_RETRY },
    { OF_NSG, 409, SAYS("RetryableError", "x"), CORDON_RETRY },
    { OF_NSG, 400, SAYS("ReferencedResourceNotProvisioned", "x"), CORDON_RETRY },
    { OF_NSG, 503, SAYS("ServerBusy", "x"), CORDON_RETRY },
    { OF_NSG, 200, "<html><title>Portal of the hotel</title></html>", CORDON_RETRY },
#define OF_VAULT                                                                         \
    "azure.keyvault.get_secret_info", "{\"vault\":\"safe\",\"name\":\"pin\"}", RIG_READ, \
        "GET", "/secrets/pin"
    { OF_VAULT, 409, SAYS("Conflict", "Secret pin is currently being deleted."),
      CORDON_RETRY },
    { OF_VAULT, 409,
      "{\"error\":{\"code\":\"Conflict\",\"message\":\"In a deleted but "
      "recoverable state: conflict.\",\"innererror\":{\"code\":"
      "\"ObjectIsDeletedButRecoverable\"}}}",
      CORDON_REFUSED },
    { OF_VAULT, 403,
      "{\"error\":{\"code\":\"Forbidden\",\"message\":\"x\",\"innererror\":{"
      "\"code\":\"ForbiddenByFirewall\"}}}",
      CORDON_REFUSED },
#define OF_QUEUE                                                                         \
    "azure.queue.take", "{\"account\":\"stock\",\"queue\":\"orders\"}", RIG_READ, "GET", \
        "/orders/"
    { OF_QUEUE, 404,
      "<Error><Code>QueueNotFound</Code><Message>No queue.</Message></Error>",
      CORDON_REFUSED },
    { OF_QUEUE, 409, "<Error><Code>QueueBeingDeleted</Code><Message>x</Message></Error>",
      CORDON_RETRY },
    { OF_QUEUE, 503, "<Error><Code>ServerBusy</Code><Message>x</Message></Error>",
      CORDON_RETRY },
#define OF_LOGIN STOP, "{\"id\":\"" SITE "\"}", RIG_OBSERVE, "POST", "/oauth2/"
#define AADSTS(number) \
    "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS" number ": x\"}"
    { OF_LOGIN, 400, AADSTS("53003"), CORDON_REFUSED },
    { OF_LOGIN, 401, AADSTS("7000222"), CORDON_REFUSED },
    { OF_LOGIN, 401, AADSTS("7000112"), CORDON_REFUSED },
    { OF_LOGIN, 401, AADSTS("700024"), CORDON_RETRY },
    { OF_LOGIN, 400, AADSTS("50196"), CORDON_RETRY },
    { OF_LOGIN, 400, AADSTS("90033"), CORDON_RETRY },
    { OF_LOGIN, 400, "{\"error\":\"temporarily_unavailable\"}", CORDON_RETRY },
    { OF_LOGIN, 503, "", CORDON_RETRY },
    { OF_LOGIN, 200, "<html><title>Guests, sign in</title></html>", CORDON_RETRY },
    { OF_LOGIN, 307, "", CORDON_REFUSED },
};

/* A vault that asks who we are, before whatever the row says. */
static void answer_challenge(struct rig *rig)
{
    rig_add(rig, "GET", "/secrets/pin", 401,
            "WWW-Authenticate: Bearer authorization=\"https://login.windows.net/t\", "
            "resource=\"https://vault.azure.net\"\n",
            "");
}

TEST(each_refusal_is_taken_for_what_it_leaves_possible)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct rig rig;
        char what[64];

        rig_open(&rig);
        if (strstr(refusals[i].action, "keyvault") != NULL)
            answer_challenge(&rig);
        rig_add(&rig, refusals[i].method, refusals[i].part, refusals[i].status, "",
                refusals[i].body);
        rig_call(&rig, refusals[i].action, refusals[i].fn, refusals[i].args);
        snprintf(what, sizeof what, "row %zu: %d", i, (int)rig.status);
        char wanted[64];
        snprintf(wanted, sizeof wanted, "row %zu: %d", i, (int)refusals[i].is);
        CHECK_STR(what, wanted);
        rig_close(&rig);
    }
}

TEST(a_vault_that_takes_no_writes_left_nothing_in_doubt)
{
    struct rig rig;

    rig_open(&rig);
    answer_challenge(&rig);
    rig_add(&rig, "*GET", "/secrets/pin", 200, "",
            "{\"value\":[{\"id\":\"https://safe.vault.azure.net/secrets/pin/"
            "0123456789abcdef0123456789abcdef\",\"attributes\":{\"enabled\":true,"
            "\"created\":1}}]"
            "}");
    rig_add(&rig, "*GET", "safe.vault", 200, "", "{\"value\":[]}");
    rig_add(&rig, "PUT", "/secrets/pin", 503, "Retry-After: 20\n",
            SAYS("ServiceUnavailable", "The vault is in a Read-Only state."));
    rig.before =
        "{\"old_version\":\"0123456789abcdef0123456789abcdef\",\"old_enabled\":true,"
        "\"rotated\":false}";
    rig_call(&rig, "azure.keyvault.rotate_secret", RIG_APPLY,
             "{\"vault\":\"safe\",\"name\":\"pin\"}");
    CHECK_INT(rig_count(&rig, "PUT "), 1);
    CHECK_STR(rig.code, "ServiceUnavailable");
    CHECK_INT(rig.status, CORDON_RETRY);
    rig_close(&rig);
}

TEST(a_principal_that_the_directory_does_not_show_yet_is_asked_for_again)
{
    struct rig rig;

    rig_open(&rig);
    rig_add(&rig, "GET", "roleAssignments", 404, "", SAYS("RoleAssignmentNotFound", "x"));
    rig_add(&rig, "PUT", "roleAssignments", 400, "",
            SAYS("PrincipalNotFound", "This might be a replication delay."));
    rig.after = "{\"present\":false}";
    rig.goal = rig.before =
        "{\"present\":true,\"role_definition_id\":\"/r\",\"scope\":\"" GROUP "\","
        "\"principal_id\":\"77777777-7777-4777-8777-777777777777\"}";
    rig_call(&rig, "azure.rbac.remove", RIG_RESTORE, "{\"id\":\"" GRANT "\"}");
    CHECK_STR(rig.code, "PrincipalNotFound");
    CHECK_INT(rig.status, CORDON_RETRY);
    rig_close(&rig);
}

static const struct {
    int status;
    enum cordon_status is;
} metadata[] = {
    { 404, CORDON_RETRY }, { 410, CORDON_RETRY }, { 429, CORDON_RETRY },
    { 500, CORDON_RETRY }, { 503, CORDON_RETRY }, { 400, CORDON_REFUSED },
};

TEST(the_metadata_service_is_asked_again_while_it_is_updated)
{
    for (size_t i = 0; i < sizeof metadata / sizeof *metadata; i++) {
        struct rig rig;

        rig_open_as(&rig, "{\"credential\":\"managed_identity\"}");
        rig_add(&rig, "GET", "/metadata/identity", metadata[i].status, "",
                "{\"error\":\"not_now\",\"error_description\":\"being updated\"}");
        rig_call(&rig, STOP, RIG_OBSERVE, "{\"id\":\"" SITE "\"}");
        CHECK_INT(rig.status, metadata[i].is);
        CHECK_HAS(rig.message, "being updated");
        rig_close(&rig);
    }
}

TEST(the_metadata_service_is_asked_again_when_it_answers_with_a_page)
{
    struct rig rig;

    rig_open_as(&rig, "{\"credential\":\"managed_identity\"}");
    rig_add(&rig, "GET", "/metadata/identity", 404, "Content-Type: text/html\n",
            "<html><title>404 - not found</title></html>");
    rig_call(&rig, STOP, RIG_OBSERVE, "{\"id\":\"" SITE "\"}");
    CHECK_INT(rig.status, CORDON_RETRY);
    rig_close(&rig);
}

TEST(a_page_instead_of_a_token_is_told_as_a_proxys)
{
    struct rig rig;

    rig_open(&rig);
    rig_add(&rig, "POST", "/oauth2/", 200, "Content-Type: text/html\n",
            "<html><title>Guests, sign in</title></html>");
    rig_call(&rig, STOP, RIG_OBSERVE, "{\"id\":\"" SITE "\"}");
    CHECK_HAS(rig.message, "proxy");
    CHECK_HAS(rig.message, "Guests, sign in");
    rig_close(&rig);
}

TEST(a_right_that_was_granted_a_minute_ago_is_seen_with_a_fresh_token)
{
    struct rig rig;

    rig_open(&rig);
    rig_add(&rig, "POST", "/stop?", 403, "",
            SAYS("AuthorizationFailed",
                 "If access was recently granted, please refresh your "
                 "credentials."));
    rig_add(&rig, "POST", "/stop?", 200, "", "");
    rig_call(&rig, STOP, RIG_APPLY, "{\"id\":\"" SITE "\"}");
    CHECK_INT(rig.status, CORDON_DONE);
    CHECK_INT(rig.tokens, 2);
    rig_close(&rig);
}

TEST(a_right_that_is_missing_costs_one_fresh_token_and_no_more)
{
    struct rig rig;

    rig_open(&rig);
    rig_add(&rig, "*POST", "/stop?", 403, "", SAYS("AuthorizationFailed", "Not you."));
    rig_call(&rig, STOP, RIG_APPLY, "{\"id\":\"" SITE "\"}");
    CHECK_INT(rig.status, CORDON_REFUSED);
    CHECK_HAS(rig.message, "Not you.");
    CHECK_INT(rig.tokens, 2);
    rig_close(&rig);
}

TEST(a_denial_that_no_token_changes_costs_no_token)
{
    struct rig rig;

    rig_open(&rig);
    rig_add(&rig, "*POST", "/stop?", 403, "",
            SAYS("DenyAssignmentAuthorizationFailed",
                 "deny assignment with name 'Keep' and Id"));
    rig_call(&rig, STOP, RIG_APPLY, "{\"id\":\"" SITE "\"}");
    CHECK_INT(rig.status, CORDON_REFUSED);
    CHECK_INT(rig.tokens, 1);
    CHECK_HAS(rig.message, "Keep");
    rig_close(&rig);
}

TEST(a_sign_in_that_is_refused_for_good_says_what_to_do)
{
    struct rig rig;

    rig_open(&rig);
    rig_add(&rig, "POST", "/oauth2/", 401, "", AADSTS("7000222"));
    rig_call(&rig, STOP, RIG_OBSERVE, "{\"id\":\"" SITE "\"}");
    CHECK_HAS(rig.message, "refused for good");
    CHECK_HAS(rig.message, "the client secret has expired");
    CHECK_HAS(rig.message, "AADSTS7000222");
    rig_close(&rig);
}

/* -- A write that Azure accepts and that fails later ------------------------------------- */

#define RULE(state)                                                                        \
    "{\"name\":\"cordon-0011223344556677\",\"properties\":{\"provisioningState\":\"" state \
    "\","                                                                                  \
    "\"protocol\":\"*\",\"access\":\"Deny\",\"direction\":\"Inbound\",\"priority\":4096,"  \
    "\"sourcePortRange\":\"*\",\"destinationPortRange\":\"*\","                            \
    "\"destinationAddressPrefix\":\"*\","                                                  \
    "\"sourceAddressPrefix\":\"198.51.100.9\"}}"
#define WALL(rules) \
    "{\"id\":\"x\",\"name\":\"wall\",\"properties\":{\"securityRules\":[" rules "]}}"
#define BLOCK_ARGS "{\"id\":\"" NSG "\",\"ips\":[\"198.51.100.9\"]}"

static void add_failed_write(struct rig *rig, const char *method)
{
    rig_add(
        rig, method, "/securityRules/", 500, "",
        "{\"status\":\"Failed\",\"error\":{\"code\":\"InternalServerError\",\"message\":"
        "\"It broke on the way.\"}}")
        ->operation = "Failed";
}

TEST(a_rule_that_stayed_behind_a_failed_write_is_written_again)
{
    struct rig rig;

    rig_open(&rig);
    rig_add(&rig, "GET", "/wall?", 200, "", WALL(""));
    add_failed_write(&rig, "PUT");
    rig_add(&rig, "GET", "/wall?", 200, "", WALL(RULE("Failed")));
    rig_add(&rig, "PUT", "/securityRules/", 200, "", RULE("Succeeded"))->operation =
        "Succeeded";
    rig_add(&rig, "GET", "/wall?", 200, "", WALL(RULE("Succeeded")));
    rig_call(&rig, BLOCK, RIG_APPLY, BLOCK_ARGS);
    CHECK_STR(rig.message, "");
    CHECK_INT(rig.status, CORDON_DONE);
    CHECK_INT(rig_count(&rig, "PUT "), 2);
    rig_close(&rig);
}

TEST(a_rule_that_fails_each_time_is_in_doubt_with_azures_reason)
{
    struct rig rig;

    rig_open(&rig);
    rig_add(&rig, "GET", "/wall?", 200, "", WALL(""));
    add_failed_write(&rig, "*PUT");
    rig_add(&rig, "*GET", "/wall?", 200, "", WALL(RULE("Failed")));
    rig_call(&rig, BLOCK, RIG_APPLY, BLOCK_ARGS);
    CHECK_INT(rig.status, CORDON_UNKNOWN);
    CHECK_HAS(rig.message, "It broke on the way.");
    CHECK_INT(rig_count(&rig, "PUT "), 3);
    rig_close(&rig);
}

static const struct {
    const char *state;
    enum cordon_status is;
    bool is_failed;
} states[] = {
    { "Succeeded", CORDON_DONE, false }, { "Failed", CORDON_DONE, true },
    { "Canceled", CORDON_DONE, true },   { "Updating", CORDON_RETRY, false },
    { "Creating", CORDON_RETRY, false }, { "Deleting", CORDON_RETRY, false },
    { "", CORDON_DONE, false },
};

TEST(what_azure_calls_failed_is_never_seen_as_done)
{
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        char wall[2048];
        struct rig rig;

        snprintf(wall, sizeof wall, WALL(RULE("%s")), states[i].state);
        rig_open(&rig);
        rig.before = "{\"rule\":\"cordon-0011223344556677\",\"addresses\":null}";
        rig_add(&rig, "GET", "/wall?", 200, "", wall);
        rig_call(&rig, BLOCK, RIG_OBSERVE, BLOCK_ARGS);
        CHECK_INT(rig.status, states[i].is);
        CHECK(states[i].is_failed == (strstr(rig.state, "\"Failed\"") != NULL));
        rig_close(&rig);
    }
}

TEST(a_delete_that_failed_is_sent_again)
{
    struct rig rig;

    rig_open(&rig);
    rig.before = "{\"rule\":\"cordon-0011223344556677\",\"addresses\":null}";
    rig.goal = rig.before;
    rig_add(&rig, "GET", "/wall?", 200, "", WALL(RULE("Succeeded")));
    rig_call(&rig, BLOCK, RIG_OBSERVE, BLOCK_ARGS);
    char after[4096];
    snprintf(after, sizeof after, "%s", rig.state);
    rig.after = after;
    rig_add(&rig, "GET", "/securityRules/", 200, "", RULE("Succeeded"));
    add_failed_write(&rig, "DELETE");
    rig_add(&rig, "GET", "/securityRules/", 200, "", RULE("Failed"));
    rig_add(&rig, "DELETE", "/securityRules/", 200, "", "")->operation = "Succeeded";
    rig_call(&rig, BLOCK, RIG_RESTORE, BLOCK_ARGS);
    CHECK_STR(rig.message, "");
    CHECK_INT(rig.status, CORDON_DONE);
    CHECK_INT(rig_count(&rig, "DELETE "), 2);
    rig_close(&rig);
}
