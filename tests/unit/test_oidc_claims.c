/* SPDX-License-Identifier: Apache-2.0 */
#include "api/oidc_claims.h"

#include "api/http.h"
#include "base/json.h"
#include "check.h"

static const char config[] =
    "{\"groups\":{\"g-1\":[\"viewer\"],\"g-2\":[\"approver\",\"viewer\"]}}";

static int read(struct oidc_person *person, const char *with, const char *claims,
                struct err *err)
{
    CHECK_OK(json_check(claims, strlen(claims), JSON_LEN_MAX, err), err);
    return oidc_read_claims(person, "entra", span_of(with), span_of(claims), err);
}

TEST(somebody_is_the_provider_and_the_subject_and_has_the_roles_of_all_their_groups)
{
    struct oidc_person person;
    struct err err;

    CHECK_OK(read(&person, config,
                  "{\"sub\":\"a-1\",\"groups\":[\"g-0\",\"g-1\",\"g-2\"],\"auth_time\":"
                  "1800000000}",
                  &err),
             &err);
    CHECK_STR(person.who, "entra:a-1");
    CHECK_INT(person.roles, ROLE_VIEWER | ROLE_APPROVER);
    CHECK_INT(person.proved_ms, 1800000000000);
}

TEST(the_claims_of_name_and_groups_are_those_that_are_configured)
{
    static const char other[] =
        "{\"claim\":\"oid\",\"groups_claim\":\"roles\",\"groups\":{\"x\":[\"admin\"]}}";
    struct oidc_person person;
    struct err err;

    CHECK_OK(read(&person, other,
                  "{\"sub\":\"a\",\"oid\":\"b\",\"groups\":[\"y\"],\"roles\":[\"x\"]}",
                  &err),
             &err);
    CHECK_STR(person.who, "entra:b");
    CHECK_INT(person.roles, ROLE_ADMIN);
    CHECK_ERR(read(&person, other, "{\"sub\":\"a\",\"roles\":[\"x\"]}", &err), &err,
              ERR_DENIED);
    CHECK_HAS(err.text, "has no \"oid\"");
}

TEST(what_is_not_said_is_not_proved)
{
    static const char *const cases[] = {
        "{\"sub\":\"a\",\"groups\":[\"g-1\"]}",
        "{\"sub\":\"a\",\"groups\":[\"g-1\"],\"auth_time\":\"1800000000\"}",
        "{\"sub\":\"a\",\"groups\":[\"g-1\"],\"auth_time\":-5}",
        "{\"sub\":\"a\",\"groups\":[\"g-1\"],\"auth_time\":1e15}",
    };
    struct oidc_person person;
    struct err err;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_OK(read(&person, config, cases[i], &err), &err);
        CHECK_INT(person.proved_ms, 0);
    }
}

TEST(who_has_no_name_or_no_group_of_ours_is_nobody)
{
    static const struct {
        const char *claims, *says;
    } cases[] = {
        { "{\"groups\":[\"g-1\"]}", "has no \"sub\"" },
        { "{\"sub\":\"\",\"groups\":[\"g-1\"]}", "has no \"sub\"" },
        { "{\"sub\":7,\"groups\":[\"g-1\"]}", "has no \"sub\"" },
        { "{\"sub\":[\"a\"],\"groups\":[\"g-1\"]}", "has no \"sub\"" },
        { "{\"sub\":\"a\\nb\",\"groups\":[\"g-1\"]}", "control characters" },
        { "{\"sub\":\"a\\u007f\",\"groups\":[\"g-1\"]}", "control characters" },
        { "{\"sub\":\"a\"}", "none of your groups" },
        { "{\"sub\":\"a\",\"groups\":[]}", "none of your groups" },
        { "{\"sub\":\"a\",\"groups\":\"g-1\"}", "none of your groups" },
        { "{\"sub\":\"a\",\"groups\":{\"g-1\":true}}", "none of your groups" },
        { "{\"sub\":\"a\",\"groups\":[7,null,\"G-1\",\"g-\"]}", "none of your groups" },
        { "{\"sub\":\"a\",\"groups\":[\"g-1\"],\"_claim_names\":{\"groups\":\"src1\"}}",
          "more groups than a token" },
        { "{\"sub\":\"a\",\"hasgroups\":true}", "more groups than a token" },
    };
    struct oidc_person person;
    struct err err;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_ERR(read(&person, config, cases[i].claims, &err), &err, ERR_DENIED);
        CHECK_HAS(err.text, cases[i].says);
    }
}

TEST(a_name_that_is_too_long_is_not_cut)
{
    struct str claims = { 0 };
    struct oidc_person person;
    struct err err;

    str_add_text(&claims, "{\"groups\":[\"g-1\"],\"sub\":\"");
    for (int i = 0; i < OIDC_PERSON_MAX - 6; i++)
        str_add_char(&claims, 'a');
    str_add_text(&claims, "\"}");
    CHECK_OK(read(&person, config, str_text(&claims), &err), &err);
    CHECK_INT(strlen(person.who), OIDC_PERSON_MAX);
    claims.len -= 2;
    str_add_text(&claims, "a\"}");
    CHECK_ERR(read(&person, config, str_text(&claims), &err), &err, ERR_DENIED);
    CHECK_HAS(err.text, "longer than 100 bytes");
    str_fini(&claims);
}
