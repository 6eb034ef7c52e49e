/* SPDX-License-Identifier: Apache-2.0 */
#include "base/expiry.h"

#include <stdio.h>

#include "base/err.h"
#include "base/json.h"
#include "base/schema.h"
#include "check.h"

static const char plain[] = "{\"type\":\"object\",\"additionalProperties\":false,"
                            "\"required\":[\"id\"],\"properties\":{\"id\":"
                            "{\"type\":\"string\"}}}";
static const char own[] = "{\"type\":\"object\",\"properties\":{\"expires\":"
                          "{\"type\":\"integer\"}}}";

/* "" when args keep the schema with both members in it. */
static const char *match(const char *schema, const char *args)
{
    static struct err err;
    struct str whole = { 0 };

    expiry_add_schema(&whole, span_of(schema));
    CHECK_INT(schema_check(str_span(&whole), &err), 0);
    int rc = schema_match(str_span(&whole), span_of(args), &err);
    str_fini(&whole);
    return rc == 0 ? "" : err.text;
}

static const char *stripped(const char *schema, const char *args)
{
    static struct str out;

    str_reset(&out);
    expiry_strip(&out, span_of(schema), span_of(args));
    return str_text(&out);
}

TEST(an_action_takes_both_beside_its_own_arguments)
{
    CHECK_STR(match(plain, "{\"id\":\"a\"}"), "");
    CHECK_STR(match(plain, "{\"expires\":\"24h\",\"id\":\"a\",\"on_expire\":\"ask\"}"), "");
    CHECK_HAS(match(plain, "{\"expires\":\"soon\",\"id\":\"a\"}"), "expires");
    CHECK_HAS(match(plain, "{\"expires\":\"1h\",\"id\":\"a\",\"on_expire\":\"stop\"}"),
              "on_expire");
    CHECK_HAS(match(plain, "{\"expire\":\"1h\",\"id\":\"a\"}"), "expires");
    CHECK_HAS(match(plain, "{\"expires\":\"1h\"}"), "id");
    CHECK_STR(match("{\"type\":\"object\"}", "{\"expires\":\"1h\"}"), "");
}

TEST(an_effect_that_lasts_no_time_is_refused)
{
    static const char *const none[] = { "0s", "0", "0ms", "0d0h", "0.0h", "-5m", "" };
    static const char *const some[] = { "1ms", "0.5s", "1.5h", "90", "7d" };
    char args[64];

    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        snprintf(args, sizeof args, "{\"expires\":\"%s\",\"id\":\"a\"}", none[i]);
        CHECK_HAS(match(plain, args), "expires: want a duration above zero");
    }
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
        snprintf(args, sizeof args, "{\"expires\":\"%s\",\"id\":\"a\"}", some[i]);
        CHECK_STR(match(plain, args), "");
        CHECK(expiry_ms(span_of(args)) > 0);
    }
}

TEST(what_a_plugin_declares_under_that_name_is_its_own)
{
    CHECK_STR(match(own, "{\"expires\":7}"), "");
    CHECK_HAS(match(own, "{\"expires\":\"1h\"}"), "expires");
    CHECK_STR(stripped(own, "{\"expires\":7,\"on_expire\":\"ask\"}"), "{\"expires\":7}");
}

TEST(a_plugin_is_not_given_what_it_has_not_declared)
{
    CHECK_STR(stripped(plain, "{\"expires\":\"1h\",\"id\":\"a\",\"on_expire\":\"ask\"}"),
              "{\"id\":\"a\"}");
    CHECK_STR(stripped(plain, "{}"), "{}");
}

TEST(on_expire_alone_says_nothing)
{
    struct err err;

    CHECK_INT(expiry_check(span_of("{\"expires\":\"1h\",\"on_expire\":\"ask\"}"), &err), 0);
    CHECK_INT(expiry_check(span_of("{\"id\":1}"), &err), 0);
    CHECK(expiry_check(span_of("{\"on_expire\":\"ask\"}"), &err) != 0);
    CHECK_HAS(err.text, "on_expire wants expires");
}

TEST(what_the_arguments_say_is_read)
{
    CHECK_INT(expiry_of(span_of("{\"expires\":\"1h\"}")), EXPIRY_RELEASE);
    CHECK_INT(expiry_of(span_of("{\"on_expire\":\"ask\"}")), EXPIRY_ASK);
    CHECK_INT(expiry_of(span_of("{\"on_expire\":\"extend\"}")), EXPIRY_EXTEND);
    CHECK_INT(expiry_ms(span_of("{\"expires\":\"1h30m\"}")), 90 * 60 * 1000);
    CHECK_INT(expiry_ms(span_of("{\"expires\":7}")), 0);
    CHECK_INT(expiry_ms((struct span){ 0 }), 0);
}
