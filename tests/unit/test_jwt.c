/* SPDX-License-Identifier: Apache-2.0 */
#include "api/jwt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/hash.h"
#include "base/json.h"
#include "check.h"
#include "jwt_maker.h"

#define NOW   1800000000 /* seconds */
#define RSA_1 "{\"alg\":\"RS256\",\"kid\":\"rsa-1\",\"typ\":\"JWT\"}"

static const char *const audiences[] = { "cordon", "api://cordon", NULL };
static const char *const apps[] = { "app-1", NULL };

static const struct jwt_rules rules = { .algs = JWT_RS256 | JWT_ES256 | JWT_PS256,
                                        .issuer = "https://id.example",
                                        .audiences = audiences,
                                        .now_ms = (int64_t)NOW * 1000 };

/* What a good token claims, with one member replaced ("\"exp\":1") or left out ("exp"). */
static const char *const good[] = {
    "\"iss\":\"https://id.example\"",
    "\"aud\":\"cordon\"",
    "\"exp\":1800000300",
    "\"iat\":1799999990",
    "\"sub\":\"oncall\"",
    "\"nbf\":1799999990",
    "\"nonce\":\"n-1\"",
    "\"tid\":\"t-1\"",
    "\"azp\":\"app-1\"",
};

static bool is_named(const char *member, const char *change)
{
    size_t len = strcspn(member + 1, "\"");

    return strncmp(change[0] == '"' ? change + 1 : change, member + 1, len) == 0 &&
           change[(change[0] == '"') + len] == (change[0] == '"' ? '"' : '\0');
}

static char *claims_with(const char *change)
{
    struct str text = { 0 };
    char comma = '{';

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        bool is_it = change != NULL && is_named(good[i], change);

        if (is_it && change[0] != '"')
            continue;
        str_printf(&text, "%c%s", comma, is_it ? change : good[i]);
        comma = ',';
    }
    str_add_char(&text, '}');
    return str_take(&text);
}

struct bench {
    struct maker *maker;
    struct jwt_keys keys;
};

static void begin(struct bench *bench)
{
    struct err err;

    hash_setup();
    bench->maker = maker_new();
    CHECK_OK(jwt_keys_read(&bench->keys, maker_keys(bench->maker), &err), &err);
}

static void end(struct bench *bench)
{
    jwt_keys_fini(&bench->keys);
    maker_free(bench->maker);
}

/* 0 or what jwt_verify() says; its sentence in *err. */
static int try_token(struct bench *bench, const char *token, const struct jwt_rules *with,
                     struct err *err)
{
    struct jwt jwt;
    int rc = jwt_verify(&jwt, span_of(token), with, &bench->keys, err);

    if (rc == 0)
        jwt_fini(&jwt);
    return rc;
}

static int try_made(struct bench *bench, const char *how, const char *header,
                    const char *change, const struct jwt_rules *with, struct err *err)
{
    char *claims = claims_with(change);
    char *token = maker_token(bench->maker, how, header, claims);
    int rc = try_token(bench, token, with, err);

    free(token);
    free(claims);
    return rc;
}

TEST(a_token_of_each_allowed_algorithm_says_who_somebody_is)
{
    static const struct {
        const char *how, *header;
    } cases[] = {
        { "RS256", RSA_1 },
        { "PS256", "{\"alg\":\"PS256\",\"kid\":\"rsa-1\"}" },
        { "ES256", "{\"alg\":\"ES256\",\"kid\":\"ec-1\"}" },
    };
    struct bench bench;
    struct err err;

    begin(&bench);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *claims = claims_with(NULL);
        char *token = maker_token(bench.maker, cases[i].how, cases[i].header, claims);
        struct jwt jwt;

        CHECK_OK(jwt_verify(&jwt, span_of(token), &rules, &bench.keys, &err), &err);
        CHECK_SPAN(json_get_raw(str_span(&jwt.claims), "sub"), "oncall");
        jwt_fini(&jwt);
        free(token);
        free(claims);
    }
    end(&bench);
}

TEST(a_signature_that_is_not_the_issuers_is_refused)
{
    static const struct {
        const char *how, *header, *says;
        int code;
    } cases[] = {
        { "none", "{\"alg\":\"none\"}", "alg \"none\"", ERR_DENIED },
        { "none", "{\"alg\":\"none\",\"kid\":\"rsa-1\"}", "alg \"none\"", ERR_DENIED },
        { "none", "{\"alg\":\"None\",\"kid\":\"rsa-1\"}", "alg \"None\"", ERR_DENIED },
        { "none", RSA_1, "signature does not hold", ERR_DENIED },
        { "HS256", "{\"alg\":\"HS256\",\"kid\":\"rsa-1\"}", "alg \"HS256\"", ERR_DENIED },
        { "HS256", RSA_1, "signature does not hold", ERR_DENIED },
        { "RS256", "{\"kid\":\"rsa-1\"}", "alg \"\"", ERR_DENIED },
        { "RS256", "{\"alg\":[\"RS256\"],\"kid\":\"rsa-1\"}", "alg \"\"", ERR_DENIED },
        { "RS256", "{\"alg\":\"RS256\"}", "no \"kid\"", ERR_DENIED },
        { "RS256", "{\"alg\":\"RS256\",\"kid\":\"\"}", "no \"kid\"", ERR_DENIED },
        { "RS256", "{\"alg\":\"RS256\",\"kid\":7}", "no \"kid\"", ERR_DENIED },
        { "RS256", "{\"alg\":\"RS256\",\"kid\":\"rsa-2\"}", "no key", ERR_NOT_FOUND },
        { "RS256", "{\"alg\":\"RS256\",\"kid\":\"ec-1\"}", "another algorithm",
          ERR_DENIED },
        { "RS256", "{\"alg\":\"PS256\",\"kid\":\"rsa-1\"}", "does not hold", ERR_DENIED },
        { "ES256", "{\"alg\":\"RS256\",\"kid\":\"rsa-1\"}", "does not hold", ERR_DENIED },
        { "RS256", "{\"alg\":\"ES256\",\"kid\":\"ec-1\"}", "does not hold", ERR_DENIED },
        { "RS256", "{\"alg\":\"RS256\",\"kid\":\"rsa-1\",\"crit\":[\"b64\"]}", "crit",
          ERR_DENIED },
        { "RS256", "{\"alg\":\"RS256\",\"kid\":\"rsa-1\",\"kid\":\"x\"}", "header",
          ERR_INVALID },
        { "RS256", "[]", "no JSON object", ERR_INVALID },
    };
    struct bench bench;
    struct err err;

    begin(&bench);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK_ERR(try_made(&bench, cases[i].how, cases[i].header, NULL, &rules, &err), &err,
                  cases[i].code);
        CHECK_HAS(err.text, cases[i].says);
    }
    end(&bench);
}

TEST(an_algorithm_that_the_rules_do_not_allow_is_refused_though_it_holds)
{
    struct jwt_rules strict = rules;
    struct bench bench;
    struct err err;

    begin(&bench);
    strict.algs = JWT_ES256;
    CHECK_ERR(try_made(&bench, "RS256", RSA_1, NULL, &strict, &err), &err, ERR_DENIED);
    CHECK_HAS(err.text, "not one that is allowed");
    strict.algs = 0;
    CHECK_ERR(try_made(&bench, "RS256", RSA_1, NULL, &strict, &err), &err, ERR_DENIED);
    end(&bench);
}

TEST(a_key_that_the_token_brings_along_is_not_looked_at)
{
    struct bench bench, other;
    struct str header = { 0 };
    struct span keys, key;
    struct err err;
    size_t pos = 0;

    begin(&bench);
    begin(&other);
    keys = json_get(maker_keys(other.maker), "keys");
    json_next(keys, &pos, NULL, &key);
    str_printf(&header,
               "{\"alg\":\"RS256\",\"kid\":\"rsa-1\",\"jku\":\"https://evil.example/keys\","
               "\"x5u\":\"https://evil.example/x\",\"jwk\":%.*s}",
               (int)key.len, key.ptr);
    char *claims = claims_with(NULL);
    char *token = maker_token(other.maker, "RS256", str_text(&header), claims);
    CHECK_OK(try_token(&other, token, &rules, &err), &err);
    CHECK_ERR(try_token(&bench, token, &rules, &err), &err, ERR_DENIED);
    CHECK_HAS(err.text, "signature does not hold");
    free(token);
    free(claims);
    str_fini(&header);
    end(&bench);
    end(&other);
}

TEST(a_claim_that_is_wrong_or_missing_is_refused)
{
    static const struct {
        const char *change, *says; /* says NULL: it is fine */
    } cases[] = {
        { "iss", "(\"iss\")" },
        { "\"iss\":\"https://id.example/\"", "(\"iss\")" },
        { "\"iss\":[\"https://id.example\"]", "(\"iss\")" },
        { "aud", "(\"aud\")" },
        { "\"aud\":\"cordon2\"", "(\"aud\")" },
        { "\"aud\":\"cordo\"", "(\"aud\")" },
        { "\"aud\":[]", "(\"aud\")" },
        { "\"aud\":[\"other\"]", "(\"aud\")" },
        { "\"aud\":[\"cordon\",7]", "(\"aud\")" },
        { "\"aud\":{\"cordon\":\"cordon\"}", "(\"aud\")" },
        { "\"aud\":[\"other\",\"cordon\"]", NULL },
        { "\"aud\":\"api://cordon\"", NULL },
        { "exp", "no \"exp\"" },
        { "\"exp\":\"1800000300\"", "no \"exp\"" },
        { "\"exp\":-1", "no \"exp\"" },
        { "\"exp\":1e300", "no \"exp\"" },
        { "\"exp\":1799999940", "expired" },
        { "\"exp\":1799999941", NULL },
        { "\"exp\":1800000300.5", NULL },
        { "iat", "no \"iat\"" },
        { "\"iat\":null", "no \"iat\"" },
        { "\"iat\":1800000061", "in the future" },
        { "\"iat\":1800000060", NULL },
        { "\"nbf\":1800000061", "not valid yet" },
        { "\"nbf\":1800000060", NULL },
        { "\"nbf\":\"now\"", "no moment" },
        { "nbf", NULL },
        { "sub", NULL },
    };
    struct bench bench;
    struct err err;

    begin(&bench);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int rc = try_made(&bench, "RS256", RSA_1, cases[i].change, &rules, &err);

        if (cases[i].says == NULL) {
            CHECK_OK(rc, &err);
        } else {
            CHECK_ERR(rc, &err, ERR_DENIED);
            CHECK_HAS(err.text, cases[i].says);
        }
    }
    end(&bench);
}

/* A rule that is there is kept: field is what the table's cases change. */
TEST(nonce_tenant_app_and_client_are_looked_at_where_the_rules_have_them)
{
    static const struct {
        const char *change, *says;
    } cases[] = {
        { NULL, NULL },
        { "nonce", "(\"nonce\")" },
        { "\"nonce\":\"n-2\"", "(\"nonce\")" },
        { "\"nonce\":[\"n-1\"]", "(\"nonce\")" },
        { "tid", "(\"tid\")" },
        { "\"tid\":\"t-2\"", "(\"tid\")" },
        { "azp", "not listed" },
        { "\"azp\":\"app-2\"", "another client" },
        { "\"azp\":\"app-2\",\"appid\":\"app-1\"", "another client" },
    };
    struct jwt_rules strict = rules;
    struct bench bench;
    struct err err;

    begin(&bench);
    strict.nonce = "n-1";
    strict.tenant = "t-1";
    strict.apps = apps;
    strict.client_id = "app-1";
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int rc = try_made(&bench, "RS256", RSA_1, cases[i].change, &strict, &err);

        if (cases[i].says == NULL) {
            CHECK_OK(rc, &err);
        } else {
            CHECK_ERR(rc, &err, ERR_DENIED);
            CHECK_HAS(err.text, cases[i].says);
        }
    }
    end(&bench);
}

TEST(an_app_is_azp_or_where_there_is_none_appid)
{
    struct jwt_rules strict = rules;
    struct bench bench;
    struct err err;

    begin(&bench);
    strict.apps = apps;
    char *token = maker_token(bench.maker, "RS256", RSA_1,
                              "{\"iss\":\"https://id.example\",\"aud\":\"cordon\","
                              "\"exp\":1800000300,\"iat\":1799999990,\"appid\":\"app-1\"}");
    CHECK_OK(try_token(&bench, token, &strict, &err), &err);
    free(token);
    token = maker_token(bench.maker, "RS256", RSA_1,
                        "{\"iss\":\"https://id.example\",\"aud\":\"cordon\","
                        "\"exp\":1800000300,\"iat\":1799999990,\"azp\":\"app-2\","
                        "\"appid\":\"app-1\"}");
    CHECK_ERR(try_token(&bench, token, &strict, &err), &err, ERR_DENIED);
    free(token);
    end(&bench);
}

TEST(several_audiences_want_the_client_in_azp)
{
    static const char both[] = "{\"iss\":\"https://id.example\",\"aud\":[\"cordon\",\"x\"],"
                               "\"exp\":1800000300,\"iat\":1799999990}";
    struct jwt_rules strict = rules;
    struct bench bench;
    struct err err;

    begin(&bench);
    strict.client_id = "cordon";
    char *token = maker_token(bench.maker, "RS256", RSA_1, both);
    CHECK_ERR(try_token(&bench, token, &strict, &err), &err, ERR_DENIED);
    CHECK_HAS(err.text, "another client");
    free(token);
    end(&bench);
}

/* In all three parts: one bit of each letter. */
TEST(no_bit_of_a_token_can_be_changed)
{
    struct bench bench;
    struct err err;

    begin(&bench);
    char *claims = claims_with(NULL);
    char *token = maker_token(bench.maker, "RS256", RSA_1, claims);
    CHECK_OK(try_token(&bench, token, &rules, &err), &err);
    for (size_t i = 0; token[i] != '\0'; i++) {
        token[i] ^= 1;
        CHECK(try_token(&bench, token, &rules, &err) != 0);
        token[i] ^= 1;
    }
    free(token);
    free(claims);
    end(&bench);
}

TEST(what_is_no_token_is_refused)
{
    static const char *const cases[] = { "",         ".",           "..",    "a.b",
                                         "a.b.c.d",  "e30.",        "e30..", "e30.e30.",
                                         ".e30.e30", "e30=.e30.e30" };
    struct bench bench;
    struct err err;

    begin(&bench);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK(try_token(&bench, cases[i], &rules, &err) != 0);
    char *claims = claims_with(NULL);
    char *token = maker_token(bench.maker, "RS256", RSA_1, claims);
    struct str longer = { 0 };
    str_add_text(&longer, token);
    str_add_text(&longer, "=");
    CHECK_ERR(try_token(&bench, str_text(&longer), &rules, &err), &err, ERR_INVALID);
    while (longer.len <= JWT_LEN_MAX)
        str_add_char(&longer, 'A');
    CHECK_ERR(try_token(&bench, str_text(&longer), &rules, &err), &err, ERR_INVALID);
    CHECK_HAS(err.text, "at most 16384 bytes");
    str_fini(&longer);
    free(token);
    free(claims);
    end(&bench);
}

/* Else one signature would have many spellings. */
TEST(a_signature_on_p256_has_64_bytes)
{
    struct bench bench;
    struct str token = { 0 };
    struct err err;

    begin(&bench);
    char *claims = claims_with(NULL);
    char *made =
        maker_token(bench.maker, "ES256", "{\"alg\":\"ES256\",\"kid\":\"ec-1\"}", claims);
    CHECK_OK(try_token(&bench, made, &rules, &err), &err);
    str_add(&token, made, strlen(made) - 2);
    CHECK_ERR(try_token(&bench, str_text(&token), &rules, &err), &err, ERR_DENIED);
    str_reset(&token);
    str_printf(&token, "%sAA", made);
    CHECK_ERR(try_token(&bench, str_text(&token), &rules, &err), &err, ERR_DENIED);
    str_fini(&token);
    free(made);
    free(claims);
    end(&bench);
}

TEST(keys_that_cannot_be_used_are_left_out)
{
    static const char *const cases[] = {
        "{}",
        "[]",
        "{\"keys\":{}}",
        "{\"keys\":[]}",
        "{\"keys\":[7]}",
        "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"AAAA\"}]}",
        "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"a\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}",
        ("{\"keys\":[{\"kty\":\"EC\",\"kid\":\"a\",\"crv\":\"P-256\",\"x\":\"AQAB\","
         "\"y\":\"AQAB\"}]}"),
    };
    struct jwt_keys keys;
    struct err err;

    hash_setup();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK_ERR(jwt_keys_read(&keys, span_of(cases[i]), &err), &err, ERR_INVALID);
}

/* Adds a member to each key of a list. */
static char *with_member(struct span keys, const char *member)
{
    struct str out = { 0 };

    for (size_t i = 0; i < keys.len; i++) {
        str_add_char(&out, keys.ptr[i]);
        if (keys.len - i > 6 && strncmp(keys.ptr + i, "{\"kty\"", 6) == 0)
            str_printf(&out, "%s,", member);
    }
    return str_take(&out);
}

TEST(what_a_key_is_for_is_kept_to)
{
    struct bench bench;
    struct jwt_keys keys;
    struct err err;

    begin(&bench);
    struct span text = maker_keys(bench.maker);
    char *enc = with_member(text, "\"alg\":\"RSA-OAEP\"");
    CHECK_ERR(jwt_keys_read(&keys, span_of(enc), &err), &err, ERR_INVALID);
    free(enc);

    enc = with_member(text, "\"use\":\"enc\"");
    CHECK_ERR(jwt_keys_read(&keys, span_of(enc), &err), &err, ERR_INVALID);
    free(enc);

    static const struct {
        const char *member;
        bool is_right;
    } ops[] = {
        { "\"key_ops\":[\"verify\"]", true },
        { "\"key_ops\":[\"sign\",\"verify\"]", true },
        { "\"use\":\"sig\",\"key_ops\":[\"verify\"]", true },
        { "\"key_ops\":[]", false },
        { "\"key_ops\":[\"sign\"]", false },
        { "\"key_ops\":[\"encrypt\"]", false },
        { "\"key_ops\":[\"verify\",\"verify\"]", false },
        { "\"key_ops\":[\"Verify\"]", false },
        { "\"key_ops\":[7,\"verify\"]", false },
        { "\"key_ops\":\"verify\"", false },
        { "\"key_ops\":null", false },
        { "\"use\":\"enc\",\"key_ops\":[\"verify\"]", false },
    };
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        enc = with_member(text, ops[i].member);
        bool is_taken = jwt_keys_read(&keys, span_of(enc), &err) == 0;
        if (is_taken)
            jwt_keys_fini(&keys);
        CHECK_INT(is_taken, ops[i].is_right);
        free(enc);
    }

    char *ps = with_member(text, "\"alg\":\"PS256\"");
    CHECK_OK(jwt_keys_read(&keys, span_of(ps), &err), &err);
    CHECK_INT(keys.count, 1);
    jwt_keys_fini(&bench.keys);
    bench.keys = keys;
    CHECK_OK(try_made(&bench, "PS256", "{\"alg\":\"PS256\",\"kid\":\"rsa-1\"}", NULL,
                      &rules, &err),
             &err);
    CHECK_ERR(try_made(&bench, "RS256", RSA_1, NULL, &rules, &err), &err, ERR_DENIED);
    CHECK_HAS(err.text, "another algorithm");
    free(ps);
    end(&bench);
}

TEST(base64url_has_no_padding_and_one_spelling)
{
    struct str text = { 0 };

    base64url_add(&text, "\xfb\xff\xfe\x01", 4);
    CHECK_STR(str_text(&text), "-__-AQ");
    str_reset(&text);
    CHECK(base64url_read(&text, span_of("-__-AQ")));
    CHECK_INT(text.len, 4);
    CHECK(!base64url_read(&text, span_of("-__-AQ==")));
    CHECK(!base64url_read(&text, span_of("+//+AQ")));
    CHECK(!base64url_read(&text, span_of("-__-AR")));
    CHECK(!base64url_read(&text, span_of("-__-A")));
    CHECK_INT(text.len, 4);
    str_fini(&text);
}
