/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/redact.h"

#include "base/err.h"
#include "check.h"

static struct redact make(const char *value)
{
    struct redact redact = { 0 };
    struct err err;

    CHECK_OK(redact_add(&redact, span_of("one"), span_of(value), &err), &err);
    return redact;
}

static void becomes(const struct redact *redact, const char *text, const char *wanted)
{
    struct str out = { 0 };

    redact_to(redact, &out, span_of(text));
    CHECK_STR(str_text(&out), wanted);
    str_fini(&out);
}

TEST(a_secret_is_taken_out_in_every_spelling_that_texts_have)
{
    struct redact redact = make("pa\"ss/wörd+1");

    becomes(&redact, "is pa\"ss/wörd+1.", "is [secret].");
    becomes(&redact, "{\"a\":\"pa\\\"ss/wörd+1\"}", "{\"a\":\"[secret]\"}");
    becomes(&redact, "?p=pa%22ss%2Fw%C3%B6rd%2B1&x", "?p=[secret]&x");
    becomes(&redact, "Basic cGEic3Mvd8O2cmQrMQ==", "Basic [secret]MQ==");
    becomes(&redact, "pa\"ss/wörd+", "pa\"ss/wörd+");
    becomes(&redact, "", "");
    CHECK_STR(redact_find(&redact, "one"), "pa\"ss/wörd+1");
    CHECK_STR(redact_find(&redact, "two"), NULL);
    redact_fini(&redact);
}

TEST(a_secret_is_taken_out_of_base64_wherever_in_it_the_secret_begins)
{
    struct redact redact = make("a-long-secret-of-ours");

    becomes(&redact, "dTphLWxvbmctc2VjcmV0LW9mLW91cnM=", "dTph[secret]cnM="); /* u: */
    becomes(&redact, "dXM6YS1sb25nLXNlY3JldC1vZi1vdXJz", "dXM6[secret]");
    becomes(&redact, "dXNlOmEtbG9uZy1zZWNyZXQtb2Ytb3Vycw==", "dXNlOmEt[secret]cw==");
    redact_fini(&redact);
}

TEST(a_secret_is_taken_out_in_hex)
{
    struct redact redact = make("key-1/x");

    becomes(&redact, "0x6b65792d312f78.", "0x[secret].");
    becomes(&redact, "6B65792D312F78", "[secret]");
    redact_fini(&redact);
}

TEST(of_two_secrets_that_begin_alike_the_longer_is_taken_whole)
{
    struct redact redact = make("secret-1");
    struct err err;

    CHECK_OK(redact_add(&redact, span_of("two"), span_of("secret-1-and-more"), &err), &err);
    becomes(&redact, "secret-1-and-more secret-1secret-1", "[secret] [secret][secret]");
    redact_fini(&redact);
}

TEST(a_secret_too_short_to_be_kept_out_is_refused)
{
    struct redact redact = { 0 };
    struct err err;

    CHECK_ERR(redact_add(&redact, span_of("pin"), span_of("12345"), &err), &err,
              ERR_INVALID);
    CHECK_HAS(err.text, "secret pin: want at least 6 bytes");
    CHECK_LACKS(err.text, "12345");
    redact_fini(&redact);
}
