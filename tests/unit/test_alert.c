/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/alert.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "check.h"
#include "vm/adapt.h"
#include "vm/state.h"
#include "vm/vm.h"

#define SITE "/subscriptions/s-1/resourceGroups/shop/providers/Microsoft.Web/sites/shop-web"
#define EVENT                                                                             \
    "{\"VendorName\":\"Microsoft\",\"AlertType\":\"AppServices_WebShell\","               \
    "\"SystemAlertId\":\"a-1\",\"AlertDisplayName\":\"Web shell\",\"Severity\":\"High\"," \
    "\"Status\":\"New\",\"TimeGenerated\":\"2026-11-20T10:00:00Z\","                      \
    "\"AzureResourceId\":\"" SITE "\",\"Intent\":\"Persistence, LateralMovement\","       \
    "\"AlertUri\":\"https://portal.example/a-1\""

/* The one alert that a delivery becomes, by the adapters that cordon brings; or why not. */
static int read_one(const char *text, struct str *out, struct err *err)
{
    struct vm *vm = vm_new(-1);
    struct span alert = { 0 };
    size_t pos = 0;
    int rc = json_check(text, strlen(text), ALERT_LEN_MAX, err);

    if (rc == 0 && !adapt_read(vm, span_of(""), span_of(text))) {
        char *message = json_get_text(str_span(&vm->adapted), "message");
        rc = err_set(err, ERR_INVALID, "%s", message);
        free(message);
    } else if (rc == 0) {
        CHECK_INT(json_count(str_span(&vm->adapted)), 1);
        json_next(str_span(&vm->adapted), &pos, NULL, &alert);
        rc = alert_complete(alert, span_of("generic"), out, err);
    }
    vm_free(vm);
    return rc;
}

static char *normal(const char *text)
{
    struct str out = { 0 };
    struct err err;

    CHECK_OK(read_one(text, &out, &err), &err);
    CHECK_OK(json_check(str_text(&out), out.len, JSON_LEN_MAX, &err), &err);
    return str_take(&out);
}

/* A member of the normalised alert as it stands in the JSON. */
static char *member(const char *text, const char *path)
{
    char *alert = normal(text);
    char *value = span_dup(json_path(span_of(alert), path));

    free(alert);
    return value;
}

static void check_member(const char *text, const char *path, const char *wanted)
{
    char *value = member(text, path);

    CHECK_STR(value, wanted);
    free(value);
}

static void check_refused(const char *text, const char *part)
{
    struct str out = { 0 };
    struct err err;

    CHECK_ERR(read_one(text, &out, &err), &err, ERR_INVALID);
    CHECK_HAS(err.text, part);
    CHECK_INT(out.len, 0);
}

static char *entities(const char *list)
{
    struct str text = { 0 };

    str_printf(&text, EVENT ",\"Entities\":%s}", list);
    return str_take(&text);
}

static void check_entities(const char *list, const char *path, const char *wanted)
{
    char *text = entities(list);

    check_member(text, path, wanted);
    free(text);
}

TEST(an_event_of_defender_becomes_our_shape)
{
    static const char event[] = EVENT "}";

    check_member(event, "id", "\"a-1\"");
    check_member(event, "source", "\"defender-for-cloud\"");
    check_member(event, "type", "\"AppServices_WebShell\"");
    check_member(event, "title", "\"Web shell\"");
    check_member(event, "severity", "\"high\"");
    check_member(event, "status", "\"active\"");
    check_member(event, "time", "\"2026-11-20T10:00:00Z\"");
    check_member(event, "subscription", "\"s-1\"");
    check_member(event, "resources", "[\"" SITE "\"]");
    check_member(event, "tactics", "[\"Persistence\",\"LateralMovement\"]");
    check_member(event, "link", "\"https://portal.example/a-1\"");
    check_member(event, "raw.VendorName", "\"Microsoft\"");
    check_member(event, "entities.ips", "[]");
}

TEST(the_arm_spelling_says_the_same)
{
    static const char arm[] =
        "{\"id\":\"/subscriptions/s-1/x\",\"name\":\"a-1\","
        "\"type\":\"Microsoft.Security/Locations/alerts\",\"properties\":{"
        "\"alertType\":\"AppServices_WebShell\",\"systemAlertId\":\"a-1\","
        "\"alertDisplayName\":\"Web shell\",\"severity\":\"Low\",\"status\":\"Dismissed\","
        "\"resourceIdentifiers\":[{\"type\":\"AzureResource\",\"azureResourceId\":\"" SITE
        "\",\"azureResourceTenantId\":\"t-1\"}],"
        "\"techniques\":[\"T1059\"],\"subTechniques\":[\"T1059.001\"],"
        "\"entities\":[{\"type\":\"ip\",\"address\":\"192.0.2.9\"}]}}";

    check_member(arm, "id", "\"a-1\"");
    check_member(arm, "type", "\"AppServices_WebShell\"");
    check_member(arm, "severity", "\"low\"");
    check_member(arm, "status", "\"dismissed\"");
    check_member(arm, "tenant", "\"t-1\"");
    check_member(arm, "resources", "[\"" SITE "\"]");
    check_member(arm, "techniques", "[\"T1059\",\"T1059.001\"]");
    check_member(arm, "entities.ips", "[\"192.0.2.9\"]");
}

TEST(the_activity_log_form_is_understood_with_its_json_in_strings)
{
    static const char entry[] =
        "{\"category\":{\"value\":\"Security\"},\"correlationId\":\"c-1\","
        "\"operationName\":{\"value\":\"Microsoft.Security/locations/alerts/activate/"
        "action\"},"
        "\"eventName\":{\"value\":\"A new admin\"},\"status\":{\"value\":\"Active\"},"
        "\"eventTimestamp\":\"2026-11-20T10:00:00.5Z\",\"subscriptionId\":\"s-9\","
        "\"properties\":{\"severity\":\"Informational\",\"intent\":\"[\\\"Persistence\\\"]"
        "\"}}";

    check_member(entry, "id", "\"c-1\"");
    check_member(entry, "title", "\"A new admin\"");
    check_member(entry, "severity", "\"informational\"");
    check_member(entry, "subscription", "\"s-9\"");
    check_member(entry, "tactics", "[\"Persistence\"]");
}

TEST(each_kind_of_entity_lands_in_its_list)
{
    check_entities(
        "[{\"Type\":\"account\",\"Name\":\"eve\",\"UPNSuffix\":\"shop.example\"},"
        "{\"Type\":\"account\",\"Name\":\"bob\",\"NTDomain\":\"SHOP\"}]",
        "entities.accounts", "[\"eve@shop.example\",\"SHOP\\\\bob\"]");
    check_entities(
        "[{\"Type\":\"host\",\"HostName\":\"web1\",\"DnsDomain\":\"shop.example\"}]",
        "entities.hosts", "[\"web1.shop.example\"]");
    check_entities("[{\"Type\":\"url\",\"Url\":\"https://bad.example/x\"}]",
                   "entities.urls", "[\"https://bad.example/x\"]");
    check_entities("[{\"Type\":\"file\",\"Directory\":\"c:\\\\temp\",\"Name\":\"x.exe\"},"
                   "{\"Type\":\"file\",\"Directory\":\"/tmp/\\u00e9\",\"Name\":\"y\"}]",
                   "entities.files", "[\"c:\\\\temp\\\\x.exe\",\"/tmp/\xc3\xa9/y\"]");
    check_entities(
        "[{\"Type\":\"azure-resource\",\"ResourceId\":\"/subscriptions/s-2/z\"}]",
        "resources", "[\"" SITE "\",\"/subscriptions/s-2/z\"]");
}

TEST(references_between_entities_are_followed_once)
{
    check_entities(
        "[{\"$ref\":\"7\"},{\"$id\":\"5\",\"Type\":\"process\",\"Host\":{\"$id\":"
        "\"7\",\"Type\":\"host\",\"HostName\":\"web1\",\"Back\":{\"$ref\":\"5\"}}}]",
        "entities.hosts", "[\"web1\"]");
    check_entities("[{\"$ref\":\"nobody\"},{\"Type\":\"ip\",\"Address\":\"192.0.2.1\"}]",
                   "entities.ips", "[\"192.0.2.1\"]");
}

TEST(a_reference_reaches_what_stands_outside_of_the_list)
{
    check_member(EVENT ",\"Entities\":[{\"$ref\":\"9\"}],\"ExtendedProperties\":{\"who\":"
                       "{\"$id\":\"9\",\"Type\":\"ip\",\"Address\":\"192.0.2.44\"}}}",
                 "entities.ips", "[\"192.0.2.44\"]");
}

TEST(what_is_no_address_does_not_become_one)
{
    check_entities("[{\"Type\":\"ip\",\"Address\":\"0.0.0.0; drop\"},"
                   "{\"Type\":\"ip\",\"Address\":\"192.0.2.1\"},"
                   "{\"Type\":\"IP\",\"address\":\"192.0.2.1\"}]",
                   "entities.ips", "[\"192.0.2.1\"]");
}

TEST(names_that_differ_only_in_case_are_refused)
{
    check_refused(EVENT ",\"severity\":\"Low\"}", "severity twice");
    char *text =
        entities("[{\"Type\":\"ip\",\"Address\":\"192.0.2.1\",\"address\":\"192.0.2.2\"}]");
    check_refused(text, "address twice");
    free(text);
}

TEST(a_severity_that_nobody_knows_is_refused_not_guessed)
{
    check_refused("{\"id\":\"1\",\"title\":\"t\",\"severity\":\"urgent\"}",
                  "the alert's severity is \"urgent\"");
    check_member("{\"id\":\"1\",\"title\":\"t\",\"severity\":\"CRITICAL\"}", "severity",
                 "\"high\"");
}

TEST(how_sure_the_sender_is_is_kept_where_it_says_so_and_not_made_up)
{
    struct str out = { 0 };
    struct err err;

    check_member(EVENT ",\"ConfidenceLevel\":\"High\"}", "confidence", "\"high\"");
    check_member(EVENT ",\"ConfidenceLevel\":\"Unknown\",\"ConfidenceScore\":0.5}",
                 "confidence", "\"medium\"");
    check_member(EVENT ",\"ConfidenceLevel\":\"Unknown\"}", "confidence", "");
    check_member(
        "{\"confidence\":\"low\",\"id\":\"1\",\"severity\":\"high\",\"title\":\"t\"}",
        "confidence", "\"low\"");
    CHECK(read_one("{\"confidence\":\"sure\",\"id\":\"1\",\"severity\":\"high\","
                   "\"title\":\"t\"}",
                   &out, &err) != 0);
    CHECK_HAS(err.text, "want low, medium or high");
    str_fini(&out);
}

TEST(an_alert_written_by_hand_is_taken_with_what_it_has)
{
    static const char text[] =
        "{\"id\":\"1\",\"title\":\"t\",\"severity\":\"medium\",\"entities\":{\"ips\":"
        "[\"192.0.2.1\"]},\"resources\":[\"" SITE "\"]}";

    check_member(text, "source", "\"generic\"");
    check_member(text, "entities.ips", "[\"192.0.2.1\"]");
    check_member(text, "entities.hosts", "[]");
    check_member(text, "resources", "[\"" SITE "\"]");
    check_member(text, "status", "\"active\"");
}

TEST(a_misspelt_member_of_ours_is_named_with_the_right_one)
{
    check_refused("{\"id\":\"1\",\"title\":\"t\",\"severity\":\"low\",\"recources\":[]}",
                  "did you mean \"resources\"?");
    check_refused(
        "{\"id\":\"1\",\"title\":\"t\",\"severity\":\"low\",\"entities\":{\"ip\":[]}}",
        "did you mean \"ips\"?");
    check_refused("{\"id\":\"1\",\"title\":\"t\",\"severity\":\"low\",\"resources\":\"x\"}",
                  "want a list of texts");
}

/* The member of an alert with this time, which arrived at 2026-12-01T02:03:04Z or, with 0, at a
 * time that nobody knows. */
static char *timed(const char *time, int64_t arrived_ms, const char *path)
{
    struct str text = { 0 }, out = { 0 };
    struct err err;

    str_printf(&text, "{\"id\":\"1\",\"severity\":\"low\",\"time\":\"%s\"}", time);
    CHECK_OK(alert_complete_at(str_span(&text), span_of("x"), arrived_ms, &out, &err),
             &err);
    char *value = span_dup(json_path(str_span(&out), path));
    str_fini(&text);
    str_fini(&out);
    return value;
}

TEST(a_time_that_cannot_be_read_becomes_that_of_the_arrival_and_a_note_says_so)
{
    static const char *const broken[] = { "noon",
                                          "2026-11-20T10:00:00+053088Z",
                                          "2026-02-30T10:00:00Z",
                                          "2026-11-20T25:00:00Z",
                                          "0001-01-01T00:00:00Z",
                                          "1970-01-01T00:00:00Z",
                                          "2026-11-20",
                                          "\\u202e2026" };
    const int64_t arrived_ms = INT64_C(1796090584000);

    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        char *time = timed(broken[i], arrived_ms, "time");
        char *notes = timed(broken[i], arrived_ms, "notes");
        char *empty = timed(broken[i], 0, "time");
        CHECK_STR(time, "\"2026-12-01T02:03:04Z\"");
        CHECK_HAS(notes, "cannot be read: time is that of the arrival");
        CHECK_STR(empty, "\"\"");
        free(time);
        free(notes);
        free(empty);
    }
    char *time = timed("2026-11-20T10:00:00.1234567Z", arrived_ms, "time");
    char *notes = timed("2026-11-20T10:00:00Z", arrived_ms, "notes");
    CHECK_STR(time, "\"2026-11-20T10:00:00.1234567Z\"");
    CHECK_STR(notes, "");
    free(time);
    free(notes);
}

TEST(notes_are_kept_up_to_a_bound_and_assets_are_apart_from_attackers)
{
    struct str text = { 0 };

    str_add_text(&text,
                 "{\"id\":\"1\",\"title\":\"t\",\"severity\":\"low\",\"entities\":{"
                 "\"ips\":[\"192.0.2.1\"],\"assets\":[\"192.0.2.2\"]},\"notes\":[\"n\"");
    for (int i = 0; i < ALERT_NOTES_MAX * 2; i++)
        str_printf(&text, ",\"note %d\"", i);
    str_add_text(&text, "]}");
    check_member(str_text(&text), "entities.ips", "[\"192.0.2.1\"]");
    check_member(str_text(&text), "entities.assets", "[\"192.0.2.2\"]");
    char *notes = member(str_text(&text), "notes");
    CHECK_INT(json_count(span_of(notes)), ALERT_NOTES_MAX);
    free(notes);
    str_fini(&text);
}

TEST(an_attacker_is_one_host_that_somebody_on_the_internet_has)
{
    static const struct {
        const char *text, *ips, *assets, *note; /* NULL: none */
    } rows[] = {
        { "198.51.100.77", "198.51.100.77", NULL, NULL },
        { "198.51.100.77/32", "198.51.100.77", NULL, NULL },
        { "::ffff:198.51.100.77", "198.51.100.77", NULL, NULL },
        { "::FFFF:C633:644D", "198.51.100.77", NULL, NULL },
        { "2001:0DB8::00AA", "2001:db8::aa", NULL, NULL },
        { "2001:db8::aa/128", "2001:db8::aa", NULL, NULL },
        { "198.51.100.0/24", NULL, NULL, "198.51.100.0/24\\\" is a prefix" },
        { "128.0.0.0/2", NULL, NULL, "is a prefix" },
        { "::ffff:198.51.100.0/120", NULL, NULL, "is a prefix" },
        { "2001:db8::/32", NULL, NULL, "is a prefix" },
        { "0.0.0.0", NULL, "0.0.0.0", "is unspecified" },
        { "::", NULL, "::", "is unspecified" },
        { "127.0.0.53", NULL, "127.0.0.53", "is loopback" },
        { "::ffff:127.0.0.1", NULL, "127.0.0.1", "is loopback" },
        { "169.254.4.4", NULL, "169.254.4.4", "is link-local" },
        { "fe80::99", NULL, "fe80::99", "is link-local" },
        { "239.1.1.1", NULL, "239.1.1.1", "is multicast" },
        { "172.20.1.1", NULL, "172.20.1.1", "is private" },
        { "100.100.1.1", NULL, "100.100.1.1", "is private" },
        { "fdab::1", NULL, "fdab::1", "is private" },
        { "168.63.129.16", NULL, "168.63.129.16", "is an address of the Azure platform" },
        { "169.254.169.254", NULL, "169.254.169.254", "of the Azure platform" },
        { "255.255.255.255", NULL, "255.255.255.255", "is broadcast" },
        { "somewhere", NULL, NULL, "is no address" },
        { "198.51.100.077", NULL, NULL, "is no address" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str body = { 0 }, wanted = { 0 };

        str_printf(
            &body,
            "{\"id\":\"a\",\"title\":\"t\",\"severity\":\"low\",\"entities\":{\"ips\":"
            "[\"%s\"]}}",
            rows[i].text);
        char *text = normal(str_text(&body));
        str_printf(&wanted, "\"ips\":[%s%s%s]", rows[i].ips != NULL ? "\"" : "",
                   rows[i].ips != NULL ? rows[i].ips : "", rows[i].ips != NULL ? "\"" : "");
        CHECK_HAS(text, str_text(&wanted));
        str_reset(&wanted);
        str_printf(&wanted, "\"assets\":[%s%s%s]", rows[i].assets != NULL ? "\"" : "",
                   rows[i].assets != NULL ? rows[i].assets : "",
                   rows[i].assets != NULL ? "\"" : "");
        CHECK_HAS(text, str_text(&wanted));
        if (rows[i].note != NULL)
            CHECK_HAS(text, rows[i].note);
        CHECK((strstr(text, "\"notes\"") != NULL) == (rows[i].note != NULL));
        CHECK_HAS(text, rows[i].text); /* raw has it as it came */
        free(text);
        str_fini(&body);
        str_fini(&wanted);
    }
}

TEST(two_spellings_of_an_attacker_are_one_attacker)
{
    char *text = normal(
        "{\"id\":\"a\",\"title\":\"t\",\"severity\":\"low\",\"entities\":{\"ips\":["
        "\"2001:DB8::1\",\"2001:db8:0::1/128\",\"::ffff:192.0.2.1\",\"192.0.2.1\"]}}");

    CHECK_HAS(text, "\"ips\":[\"2001:db8::1\",\"192.0.2.1\"]");
    free(text);
}

TEST(normalising_twice_is_the_same_as_once)
{
    char *once =
        normal(EVENT ",\"Entities\":[{\"Type\":\"ip\",\"Address\":\"192.0.2.1\"}]}");
    char *twice = normal(once);

    CHECK_STR(twice, once);
    free(once);
    free(twice);
}

TEST(a_list_of_one_is_that_one)
{
    check_member("{\"value\":[" EVENT "}]}", "id", "\"a-1\"");
    check_member("[" EVENT "}]", "id", "\"a-1\"");
}

TEST(what_is_no_alert_is_told_what_would_be_one)
{
    check_refused("{\"hello\":1}", "Defender for Cloud");
    check_refused("7", "an object with id, title and severity");
    check_refused("{\"type\":\"Microsoft.SecurityInsights/Entities\",\"properties\":"
                  "{\"systemAlertId\":\"x\"}}",
                  "no alert that is known");
    check_refused("{\"SystemAlertId\":\"x\"}", "has no Severity");
}
