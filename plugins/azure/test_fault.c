/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The languages in which Azure's services, and what stands in front of them, say no.
 */
#include "fault.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "job.h"
#include "rig.h"

static struct fault read_with(const struct fault_source *from)
{
    struct fault_source whole = *from;
    struct fault fault;

    whole.len = strlen(whole.body);
    fault_read(&fault, rig_job(), &whole);
    return fault;
}

static const struct {
    const char *body, *code, *inner, *says;
} bodies[] = {
    /* the resource manager */
    { "{\"error\":{\"code\":\"NicInUse\",\"message\":\"The card is in use.\"}}", "NicInUse",
      "", "The card is in use." },
    { "{\"code\":\"BadParameter\",\"message\":\"Small names at the root.\"}",
      "BadParameter", "", "Small names at the root." },
    { "{\"Error\":{\"Code\":\"Gone\",\"Message\":\"Capital names inside.\"}}", "Gone", "",
      "Capital names inside." },
    { "{\"error\":{\"code\":\"DeploymentFailed\",\"message\":\"See the "
      "details.\",\"details\":"
      "[{\"code\":\"Conflict\",\"message\":\"{\\\"error\\\":{\\\"code\\\":\\\"SkuGone\\\","
      "\\\"message\\\":\\\"The size is not sold here.\\\"}}\"}]}}",
      "DeploymentFailed", "", "See the details. The size is not sold here." },
    { "{\"status\":\"Failed\",\"error\":{\"code\":\"InternalServerError\",\"message\":\"It "
      "broke\",\"details\":[{\"details\":[{\"code\":\"Deep\",\"message\":\"Far "
      "below\"}]}]}}",
      "InternalServerError", "", "It broke: Far below" },
    { "{\"properties\":{\"provisioningState\":\"Failed\",\"error\":{\"code\":\"NoRoom\","
      "\"message\":\"The subnet is full.\"}}}",
      "NoRoom", "", "The subnet is full." },
    /* App Service */
    { "{\"Code\":\"NotFound\",\"Message\":\"No such slot.\",\"Details\":[{\"Message\":\"No "
      "such "
      "slot.\"},{\"ErrorEntity\":{\"ExtendedCode\":\"51004\",\"Code\":\"NotFound\","
      "\"Message\":"
      "\"No such slot.\"}}],\"Innererror\":null}",
      "NotFound", "", "No such slot." },
    { "{\"Message\":\"An error has occurred.\",\"ExceptionMessage\":\"The lock is held.\"}",
      "", "", "An error has occurred. The lock is held." },
    /* directories and tables */
    { "{\"odata.error\":{\"code\":\"Request_BadRequest\",\"message\":{\"lang\":\"en\","
      "\"value\":"
      "\"An odd filter.\"}}}",
      "Request_BadRequest", "", "An odd filter." },
    { "{\"error\":{\"code\":\"Request_Denied\",\"message\":{\"value\":\"Not you.\"},"
      "\"innerError\":{\"date\":\"2026-05-01\",\"request-id\":\"r\"}}}",
      "Request_Denied", "", "Not you." },
    /* vaults */
    { "{\"error\":{\"code\":\"Forbidden\",\"message\":\"Caller is not "
      "allowed.\\r\\nCaller: "
      "appid=1\\r\\nVault: v\",\"innererror\":{\"code\":\"AccessDenied\"}}}",
      "Forbidden", "AccessDenied", "Caller is not allowed. Caller: appid=1 Vault: v" },
    { "{\"error\":{\"code\":\"A\",\"message\":\"m\",\"innererror\":{\"code\":\"B\","
      "\"innererror\":{\"code\":\"C\",\"message\":\"the very reason\"}}}}",
      "A", "C", "m: the very reason" },
    /* sign-in, metadata */
    { "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000222: The secret is "
      "over.\\r\\nTrace ID: t\",\"error_codes\":[7000222]}",
      "invalid_client", "", "AADSTS7000222: The secret is over. Trace ID: t" },
    { "{\"error\":\"invalid_request\",\"error_description\":\"Several identities\"}",
      "invalid_request", "", "Several identities" },
    { "{\"error\":\"A sentence and no word\"}", "", "", "A sentence and no word" },
    /* gateways of Microsoft's */
    { "{\"statusCode\":401,\"message\":\"Access denied: no key.\"}", "", "",
      "Access denied: no key." },
    { "{\"type\":\"about:blank\",\"title\":\"Too big\",\"status\":413}", "", "",
      "Too big" },
    { "{\"errors\":[{\"errorCode\":\"E7\",\"errorMessage\":\"Seventh\"}]}", "E7", "",
      "Seventh" },
    /* storage */
    { "\xef\xbb\xbf<?xml version=\"1.0\" "
      "encoding=\"utf-8\"?><Error><Code>QueueDisabled</Code>"
      "<Message>The queue is off.\nRequestId:a&#10;Time:b</Message></Error>",
      "QueueDisabled", "", "The queue is off. RequestId:a Time:b" },
    { "<?xml version=\"1.0\"?><m:error xmlns:m=\"http://m\"><m:code>TableNotFound</m:code>"
      "<m:message xml:lang=\"en\">No table &lt;t&gt;.</m:message></m:error>",
      "TableNotFound", "", "No table <t>." },
    { "<Error "
      "xmlns=\"http://schemas.microsoft.com/windowsazure\"><Code>Old</Code><Message/>"
      "</Error>",
      "Old", "", "" },
    /* others */
    { "\xef\xbb\xbf{\"error\":{\"code\":\"Marked\",\"message\":\"behind a mark\"}}",
      "Marked", "", "behind a mark" },
    { "The service is unavailable.", "", "", "The service is unavailable." },
    { "{\"error\":{\"code\":\"Torn\",\"message\":\"cut he", "", "",
      "{\"error\":{\"code\":\"Torn\"" },
    { "", "", "", "" },
};

TEST(the_error_is_found_in_each_language_and_at_each_depth)
{
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct fault_source from = { .status = 400, .body = bodies[i].body };
        struct fault fault = read_with(&from);

        CHECK_STR(fault.code, bodies[i].code);
        CHECK_STR(fault.inner, bodies[i].inner);
        CHECK_HAS(fault.message, bodies[i].says);
        CHECK(!fault.is_foreign);
    }
}

static const struct {
    const char *type, *body, *says;
} pages[] = {
    { "text/html", "<html><head><title>Blocked by the office</title></head></html>",
      "title \"Blocked by the office\"" },
    { NULL, "<!DOCTYPE html>\r\n<html lang=\"de\"><TITLE>\n Anmeldung \n</TITLE>",
      "title \"Anmeldung\"" },
    { "text/html; charset=utf-8", "<h1>403 Forbidden</h1>", "title \"403 Forbidden\"" },
    { "text/html", "Access denied by rule 7", "without a title" },
    { NULL, "<!-- gateway --><html><body><h2>Bad &amp; slow</h2></body></html>",
      "title \"Bad & slow\"" },
    { NULL, "\xef\xbb\xbf<html><title>Marked</title>", "title \"Marked\"" },
};

TEST(a_page_is_told_as_that_of_a_proxy_with_its_title)
{
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        struct fault_source from = { .status = 403,
                                     .body = pages[i].body,
                                     .type = pages[i].type };
        struct fault fault = read_with(&from);

        CHECK(fault.is_foreign);
        CHECK_STR(fault.code, "NotTheService");
        CHECK_HAS(fault.message, "proxy");
        CHECK_HAS(fault.message, "HTML");
        CHECK_HAS(fault.message, pages[i].says);
    }
}

TEST(a_page_of_the_service_is_not_told_as_a_proxys)
{
    struct fault_source from = { .status = 503,
                                 .body = "<html><title>Unavailable</title></html>",
                                 .is_of_service = true };
    struct fault fault = read_with(&from);

    CHECK(!fault.is_foreign);
    CHECK_LACKS(fault.message, "proxy");
    CHECK_HAS(fault.message, "Unavailable");
}

TEST(a_proxy_that_wants_a_sign_in_is_told_as_such)
{
    struct fault_source from = { .status = 407, .body = "" };
    struct fault fault = read_with(&from);

    CHECK(fault.is_foreign);
    CHECK_HAS(fault.message, "proxy");
}

static const struct {
    int status;
    const char *type, *location, *body;
    bool is_of_service, is_foreign;
    const char *says;
} answers[] = {
    { 302, NULL, "https://login.hotel.example/start?from=1", "", false, true,
      "a redirect to login.hotel.example (status 302)" },
    { 307, "text/plain", "/portal", "Moved", false, true, "a redirect" },
    { 303, NULL, NULL, "", false, true, "a redirect (status 303)" },
    { 302, NULL, "https://management.azure.com/x", "", true, false, "" },
    { 403, "text/plain", NULL, "Blocked: category finance", false, true,
      "answered with plain text (status 403): Blocked: category finance" },
    { 451, "text/plain; charset=us-ascii", NULL, "\xef\xbb\xbf Not from here", false, true,
      "plain text" },
    { 403, "text/plain", NULL, "Blocked", true, false, "Blocked" },
    { 403, "text/plain", NULL, "{\"error\":{\"code\":\"A\",\"message\":\"m\"}}", false,
      false, "m" },
    { 404, "text/plain", NULL, "", false, false, "" },
    { 503, "text/plain", NULL, "The service is unavailable.", false, false,
      "The service is unavailable." },
    { 511, NULL, NULL, "", false, true, "wants a sign-in of its own (status 511)" },
};

TEST(a_redirect_or_plain_text_without_a_header_of_the_service_is_told_as_a_proxys)
{
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct fault_source from = { .status = answers[i].status,
                                     .type = answers[i].type,
                                     .location = answers[i].location,
                                     .body = answers[i].body,
                                     .is_of_service = answers[i].is_of_service };
        struct fault fault = read_with(&from);

        CHECK_INT(fault.is_foreign, answers[i].is_foreign);
        CHECK_HAS(fault.message, answers[i].says);
        CHECK((strstr(fault.message, "proxy") != NULL) == answers[i].is_foreign);
    }
}

TEST(headers_say_what_an_empty_body_does_not)
{
    struct fault_source storage = { .status = 404,
                                    .body = "",
                                    .error_code = "BlobNotFound" };
    struct fault_source token = {
        .status = 401,
        .body = "",
        .challenge = "Bearer realm=\"\", error=\"invalid_token\", "
                     "error_description=\"The access token expired\"",
    };

    CHECK_STR(read_with(&storage).code, "BlobNotFound");
    CHECK_STR(read_with(&token).code, "invalid_token");
    CHECK_STR(read_with(&token).message, "The access token expired");
}

static const struct {
    const char *body, *name;
} names[] = {
    { "{\"error\":{\"code\":\"RequestDisallowedByPolicy\",\"message\":\"Not allowed.\","
      "\"additionalInfo\":[{\"type\":\"PolicyViolation\",\"info\":{"
      "\"policyDefinitionDisplayName\":\"No open ports\"}}]}}",
      "policy \"No open ports\"" },
    { "{\"error\":{\"code\":\"RequestDisallowedByPolicy\",\"message\":\"Not allowed.\","
      "\"additionalInfo\":[{\"info\":{\"policyDefinitionName\":\"deny-7\","
      "\"policyAssignmentDisplayName\":\"Baseline of the bank\"}}]}}",
      "assignment of the policy \"Baseline of the bank\"" },
    { "{\"error\":{\"code\":\"InvalidTemplateDeployment\",\"message\":\"Failed.\","
      "\"details\":[{"
      "\"code\":\"RequestDisallowedByPolicy\",\"message\":\"x\",\"additionalInfo\":[{"
      "\"info\":{"
      "\"policyDefinitionDisplayName\":\"Only Europe\"}}]}]}}",
      "policy \"Only Europe\"" },
    { "{\"error\":{\"code\":\"RequestDisallowedByPolicy\",\"message\":\"Resource 'r' was "
      "disallowed by policy. Policy identifiers: '[{\\\"policyAssignment\\\":{\\\"name\\\":"
      "\\\"Tags\\\",\\\"id\\\":\\\"/x\\\"},\\\"policyDefinition\\\":{\\\"name\\\":\\\"Want "
      "owner\\\"}}]'.\"}}",
      "Want owner" },
    { "{\"error\":{\"code\":\"DenyAssignmentAuthorizationFailed\",\"message\":\"The client "
      "'c' "
      "has permission; however, the access is denied because of the deny assignment with "
      "name "
      "'Stack 7 keeps it' and Id 'd' at scope '/s'.\"}}",
      "Stack 7 keeps it" },
};

TEST(the_policy_or_deny_assignment_that_refuses_is_named)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct fault_source from = { .status = 403, .body = names[i].body };

        CHECK_HAS(read_with(&from).message, names[i].name);
    }
}

TEST(a_deny_assignment_is_named_even_where_the_sentence_is_cut)
{
    static char body[4000];
    struct fault_source from = { .status = 403, .body = body };

    snprintf(
        body, sizeof body,
        "{\"error\":{\"code\":\"D\",\"message\":\"%0*d the deny assignment with name 'Late "
        "in the line' and Id 'x'\"}}",
        2000, 7);
    CHECK_HAS(read_with(&from).message, "deny assignment \"Late in the line\"");
    CHECK(strlen(read_with(&from).message) <= FAULT_MESSAGE_MAX);
}

static const struct {
    const char *text, *clean;
} lines[] = {
    { "a\r\nb\tc", "a b c" },
    { "  \x01 x \x7f ", "x" },
    { "caf\xc3\xa9 \xc2\x85 l\xc3\xa0", "caf\xc3\xa9 l\xc3\xa0" },
    { "left\xe2\x80\xaeright", "left right" },
    { "torn\xc3", "torn?" },
    { "bad \xff\xfe here", "bad ?? here" },
    { "\xed\xa0\x80", "???" },
    { "1234567890123456789", "1234567890123456789" },
    { "12345678901234567890", "12345678901234567890" },
    { "123456789012345678901", "12345678901234567..." },
    { "1234567890123456\xe2\x82\xac\xe2\x82\xac", "1234567890123456..." },
};

TEST(a_sentence_is_one_clean_line_of_bounded_length)
{
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        CHECK_STR(fault_clean(rig_job(), lines[i].text, strlen(lines[i].text), 20),
                  lines[i].clean);
}

TEST(errors_nested_without_end_are_read_to_a_bound)
{
    static char body[60000];
    struct fault_source from = { .status = 400, .body = body };
    size_t len = 0;

    for (int i = 0; i < 900; i++)
        len += (size_t)snprintf(body + len, sizeof body - len, "{\"error\":{\"details\":[");
    CHECK_INT(read_with(&from).count, 0);
    for (int i = 0; i < 900; i++)
        len += (size_t)snprintf(body + len, sizeof body - len, "]}}");
    CHECK_STR(read_with(&from).code, "");
}
