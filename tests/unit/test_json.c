/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "check.h"

static struct str made; /* lives for one test, each of which is a process */

static const char *canonical(const char *text)
{
    struct err err;

    str_reset(&made);
    if (json_canonical(&made, text, strlen(text), &err) != 0)
        FAIL("%s: %s", text, err.text);
    return str_text(&made);
}

static const char *refusal(const char *text)
{
    static struct err err;

    if (json_check(text, strlen(text), JSON_LEN_MAX, &err) == 0)
        FAIL("%s was taken", text);
    return err.text;
}

static void take(const char *text)
{
    struct err err;

    if (json_check(text, strlen(text), JSON_LEN_MAX, &err) != 0)
        FAIL("%s: %s", text, err.text);
}

/* [[[...]]] */
static const char *nested(int depth)
{
    str_reset(&made);
    for (int i = 0; i < depth; i++)
        str_add_char(&made, '[');
    for (int i = 0; i < depth; i++)
        str_add_char(&made, ']');
    return str_text(&made);
}

/* -- The check ------------------------------------------------------------------------ */

TEST(every_kind_of_value_is_taken_with_white_space_around_it)
{
    static const char *const texts[] = {
        "null",
        " true\n",
        "\tfalse",
        "0",
        "-1",
        "\"\"",
        "[]",
        "{}",
        "[ ]",
        "{ }",
        "[1 , 2]",
        "{ \"a\" : 1 , \"b\" : [ ] }",
        "\"\xf0\x9f\x98\x80 \\ud83d\\ude00 \\u00e9\"",
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        take(texts[i]);
}

TEST(numbers_keep_to_the_grammar)
{
    static const char *const good[] = { "0",
                                        "-0",
                                        "10",
                                        "0.5",
                                        "-0.0",
                                        "1e3",
                                        "1E+3",
                                        "1e-400",
                                        "1.5e-3",
                                        "0e0",
                                        "1e21",
                                        "1.7e308",
                                        "9007199254740992",
                                        "-9007199254740992" };
    static const char *const bad[] = { "+1",   "01",   "-01",      "00",        ".5",
                                       "1.",   "1.e3", "1e",       "1e+",       "-",
                                       "0x10", "NaN",  "Infinity", "-Infinity", "1_000",
                                       "1 2",  "--1",  "1.5.5",    "1e5.5" };

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        take(good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refusal(bad[i]);
    CHECK_STR(refusal("[01]"), "line 1, column 2: a number has no leading zeros");
}

TEST(integers_that_a_double_would_round_are_refused)
{
    const char *why = "line 1, column 1: integers go to 2^53 (9007199254740992), write a "
                      "larger one as a string";

    CHECK_STR(refusal("9007199254740993"), why);
    CHECK_STR(refusal("-9007199254740993"), why);
    CHECK_STR(refusal("123456789012345678901234567890"), why);
    CHECK_STR(refusal("9007199254740993.0"), why);
    CHECK_STR(refusal("1e18"), why);
    CHECK_STR(refusal("1e309"), "line 1, column 1: the number is beyond 1.797e308");
}

TEST(a_number_has_a_bounded_length)
{
    struct err err;

    str_add_text(&made, "0.");
    for (int i = 2; i < JSON_NUMBER_MAX; i++)
        str_add_char(&made, '1');
    take(str_text(&made));
    str_add_char(&made, '1');
    CHECK_ERR(json_check(made.ptr, made.len, JSON_LEN_MAX, &err), &err, ERR_TOO_BIG);
    CHECK_STR(err.text, "line 1, column 1: a number has at most 128 bytes");
}

TEST(text_is_utf8_without_nul_and_without_half_surrogates)
{
    static const char *const bad[] = {
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud83d\\u0041\"",
        "\"\\ud83d\\ud83d\"",
        "\"\\ude00\\ud83d\"",
        "\"\\ud83d\"",
        "\"\xed\xa0\x80\"",
        "\"\xc0\xaf\"",
        "\"\xe0\x80\x80\"",
        "\"\xff\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\xe2\x82\"",
        "\"\x80\"",
        "\"\\u00g0\"",
        "\"\\u12\"",
        "\"\\x41\"",
        "\"\\'\"",
        "\"a\nb\"",
        "\"a\tb\"",
        "\"a",
        "\"a\\\"",
        "\"\\",
        "'a'",
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refusal(bad[i]);
    CHECK_STR(refusal("[\"a\\u0000\"]"),
              "line 1, column 4: \\u0000 is not allowed in text");
    CHECK_STR(refusal("\"\xff\""),
              "line 1, column 2: want UTF-8 in a string, got byte 0xff");
    CHECK_STR(refusal("\"a\nb\""),
              "line 1, column 3: want \\u000a for the control character in a string");
}

TEST(a_raw_nul_is_refused_wherever_it_stands)
{
    struct err err;

    CHECK_ERR(json_check("\"a\0b\"", 5, 100, &err), &err, ERR_INVALID);
    CHECK_ERR(json_check("1\0", 2, 100, &err), &err, ERR_INVALID);
    CHECK_STR(err.text, "line 1, column 2: want nothing after the value, got byte 0x00");
    CHECK_ERR(json_check("\0", 1, 100, &err), &err, ERR_INVALID);
}

TEST(a_key_is_there_once_however_it_is_written)
{
    CHECK_STR(refusal("{\"a\":1,\n \"\\u0061\":2}"),
              "line 2, column 2: member \"a\" is there twice");
    CHECK_STR(refusal("{\"z\":{\"b\":1,\"c\":1,\"b\":2}}"),
              "line 1, column 19: member \"b\" is there twice");
    CHECK_STR(refusal("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":1}"),
              "line 1, column 19: member \"\xf0\x9f\x98\x80\" is there twice");
    refusal("{\"\":1,\"\":1}");
    take("{\"a\":{\"a\":{\"a\":1}},\"A\":1,\"ab\":1}");
    take("{\"b\":{\"b\":1},\"a\":{\"b\":1}}");
}

TEST(many_keys_are_compared_as_well_as_few)
{
    str_add_text(&made, "{\"k\":0");
    for (int i = 0; i < 1000; i++)
        str_printf(&made, ",\"k%d\":{\"k\":0}", (i * 7919) % 1000);
    str_add_char(&made, '}');
    take(str_text(&made));
    made.len--;
    str_add_text(&made, ",\"\\u006b500\":1}");
    CHECK_HAS(refusal(str_text(&made)), "member \"k500\" is there twice");
}

TEST(members_are_counted_over_all_objects)
{
    struct err err;

    str_add_char(&made, '[');
    for (int i = 0; i < JSON_KEYS_MAX; i++)
        str_add_text(&made, i ? ",{\"a\":1}" : "{\"a\":1}");
    str_add_char(&made, ']');
    take(str_text(&made));
    made.len--;
    str_add_text(&made, ",{\"a\":1}]");
    CHECK_ERR(json_check(made.ptr, made.len, JSON_LEN_MAX, &err), &err, ERR_TOO_BIG);
    CHECK_HAS(err.text, "at most 1000000 members are allowed (JSON_KEYS_MAX)");
}

TEST(thirty_two_levels_are_taken_and_thirty_three_are_not)
{
    struct err err;

    take(nested(JSON_DEPTH_MAX));
    nested(JSON_DEPTH_MAX + 1);
    CHECK_ERR(json_check(made.ptr, made.len, JSON_LEN_MAX, &err), &err, ERR_TOO_BIG);
    CHECK_STR(
        err.text,
        "line 1, column 33: objects and arrays may be at most 32 deep (JSON_DEPTH_MAX)");
    nested(200000);
    CHECK_ERR(json_check(made.ptr, made.len, JSON_LEN_MAX, &err), &err, ERR_TOO_BIG);
}

TEST(a_text_longer_than_the_caller_allows_is_refused)
{
    struct err err;

    CHECK_OK(json_check("[1]", 3, 3, &err), &err);
    CHECK_ERR(json_check("[1]", 3, 2, &err), &err, ERR_TOO_BIG);
    CHECK_STR(err.text, "JSON text has 3 bytes, at most 2 are taken");
    char *big = xmalloc(JSON_LEN_MAX + 1);
    memset(big, ' ', JSON_LEN_MAX + 1);
    big[0] = '1';
    CHECK_OK(json_check(big, JSON_LEN_MAX, SIZE_MAX, &err), &err);
    CHECK_ERR(json_check(big, JSON_LEN_MAX + 1, SIZE_MAX, &err), &err, ERR_TOO_BIG);
    free(big);
}

TEST(the_place_and_what_would_be_right_are_named)
{
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        { "", "line 1, column 1: want a value, got the end of the text" },
        { "{} x", "line 1, column 4: want nothing after the value, got 'x'" },
        { "[1,]", "line 1, column 4: want a value, got ']'" },
        { "[1 2]", "line 1, column 4: want ',' or ']' after an item, got '2'" },
        { "{\"a\":1,}", "line 1, column 8: want a member name in quotes, got '}'" },
        { "{a:1}", "line 1, column 2: want a member name in quotes or '}', got 'a'" },
        { "{\"a\" 1}", "line 1, column 6: want ':' after the member name, got '1'" },
        { "{\"a\":1 \"b\"", "line 1, column 8: want ',' or '}' after a member, got '\"'" },
        { "[\n  tru\n]", "line 2, column 3: want a value, got 't'" },
        { "\xef\xbb\xbf{}", "line 1, column 1: want a value, got a byte order mark" },
        { "[\"\xc3\xa9\xc3\xa9\", nul]", "line 1, column 8: want a value, got 'n'" },
        { "[1,\n\"abc", "line 2, column 1: the string that begins here has no end" },
        { "1.x", "line 1, column 3: want a digit after the point, got 'x'" },
        { "{\"a\":1", "line 1, column 7: want ',' or '}' after a member, got the end of "
                      "the text" },
        { "\"\\q\"",
          "line 1, column 2: want one of \" \\ / b f n r t u after a backslash" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK_STR(refusal(cases[i].text), cases[i].why);
}

/* -- The canonical form --------------------------------------------------------------- */

TEST(canonical_text_has_sorted_keys_and_no_spaces)
{
    CHECK_STR(canonical(" { \"b\" : [ 1 , { \"d\" : 1 , \"c\" : { } } ] , \"a\" : null } "),
              "{\"a\":null,\"b\":[1,{\"c\":{},\"d\":1}]}");
    CHECK_STR(canonical("{\"b\":1,\"ab\":2,\"a\":3,\"\":4,\"B\":5}"),
              "{\"\":4,\"B\":5,\"a\":3,\"ab\":2,\"b\":1}");
    CHECK_STR(canonical("[ ]"), "[]");
    CHECK_STR(canonical("{\"a\":{\"z\":1,\"y\":[{\"q\":1,\"p\":2}]}}"),
              "{\"a\":{\"y\":[{\"p\":2,\"q\":1}],\"z\":1}}");
}

TEST(keys_are_sorted_by_utf16_units_not_by_bytes)
{
    /* U+FB33 is above U+1F600 then: that one begins with the unit d83d. */
    CHECK_STR(canonical("{\"\xef\xac\xb3\":1,\"\xf0\x9f\x98\x80\":2,\"\xe2\x82\xac\":3,"
                        "\"\\r\":4,\"1\":5,\"\\u0080\":6,\"\xc3\xb6\":7}"),
              "{\"\\r\":4,\"1\":5,\"\xc2\x80\":6,\"\xc3\xb6\":7,\"\xe2\x82\xac\":3,"
              "\"\xf0\x9f\x98\x80\":2,\"\xef\xac\xb3\":1}");
    /* The same with all of them escaped. */
    CHECK_STR(canonical("{\"\\ufb33\":1,\"\\ud83d\\ude00\":2}"),
              "{\"\xf0\x9f\x98\x80\":2,\"\xef\xac\xb3\":1}");
    /* Text that is in this order is canonical already. */
    CHECK_STR(canonical("{\"\xf0\x9f\x98\x80\":2,\"\xef\xac\xb3\":1}"),
              "{\"\xf0\x9f\x98\x80\":2,\"\xef\xac\xb3\":1}");
}

TEST(strings_are_escaped_only_where_they_must_be)
{
    CHECK_STR(canonical("\"\\u0041\\/\\u00e9\\u20ac\\ud83d\\ude00\""),
              "\"A/\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
    CHECK_STR(canonical("\"\\u0008\\u0009\\u000A\\u000c\\u000D\\u0022\\u005c\""),
              "\"\\b\\t\\n\\f\\r\\\"\\\\\"");
    CHECK_STR(canonical("\"\\u001F\\u000B\""), "\"\\u001f\\u000b\"");
    CHECK_STR(canonical("\"\\u007f\""), "\"\x7f\"");
}

TEST(numbers_are_written_as_ecmascript_does)
{
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        { "-0", "0" },
        { "-0.0", "0" },
        { "1.0", "1" },
        { "1e3", "1000" },
        { "1E+2", "100" },
        { "0.10", "0.1" },
        { "100e-2", "1" },
        { "4.50", "4.5" },
        { "-1.25e2", "-125" },
        { "0.000001", "0.000001" },
        { "0.0000001", "1e-7" },
        { "0.00000123", "0.00000123" },
        { "0.000000123", "1.23e-7" },
        { "-1.5E-10", "-1.5e-10" },
        { "1000000000000000000000.0", "1e+21" },
        { "1.5e300", "1.5e+300" },
        { "333333333.33333329", "333333333.3333333" },
        { "0.1000000000000000055511151231257827", "0.1" },
        { "1.7976931348623157e308", "1.7976931348623157e+308" },
        { "2.2250738585072014e-308", "2.2250738585072014e-308" },
        { "4.94065645841247e-324", "5e-324" },
        { "1e-400", "0" },
        { "9007199254740992", "9007199254740992" },
        { "9007199254740991.0", "9007199254740991" },
        /* 2^-44: sixteen digits are enough, but not the nearest sixteen. */
        { "5.6843418860808015e-14", "5.684341886080802e-14" },
        { "0.30000000000000004", "0.30000000000000004" },
        { "123456.789", "123456.789" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK_STR(canonical(cases[i].text), cases[i].want);
}

/* xorshift from a fixed seed: the same doubles in every run. */
static double next_double(uint64_t *state)
{
    double value;

    do {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        memcpy(&value, state, sizeof value);
    } while (!isfinite(value));
    return value;
}

static void check_round_trip(double value)
{
    struct json_out out = { .str = &made };
    struct str canon = { 0 };
    struct err err;

    str_reset(&made);
    json_number(&out, value);
    CHECK(strtod(str_text(&made), NULL) == value);
    if (fabs(value) < 9007199254740992.0 || fabs(value) >= 1e21) {
        CHECK_OK(json_canonical(&canon, made.ptr, made.len, &err), &err);
        CHECK_STR(str_text(&canon), str_text(&made));
        CHECK(json_double(str_span(&canon), NAN) == value);
    }
    str_fini(&canon);
}

TEST(members_walked_once_are_those_that_are_looked_for_one_by_one)
{
    struct str text = { 0 };
    struct json_out out = { .str = &text };
    struct json_fields fields;
    char key[16];

    json_open(&out, '{');
    for (int i = 0; i < JSON_FIELDS_MAX + 5; i++) {
        snprintf(key, sizeof key, "k%03d", i);
        json_put_int(&out, key, i);
    }
    json_close(&out);
    json_fields(&fields, str_span(&text));
    for (int i = 0; i < JSON_FIELDS_MAX + 5; i++) {
        snprintf(key, sizeof key, "k%03d", i);
        CHECK_INT(json_int(json_field(&fields, key), -1), i);
    }
    CHECK_INT((int64_t)json_field(&fields, "k999").len, 0);
    str_fini(&text);
    json_fields(&fields, span_of("{\"a\\u0062\":1,\"ab\":2}"));
    CHECK_INT(json_int(json_field(&fields, "ab"), -1),
              1); /* the first, as json_get has it */
    json_fields(&fields, span_of("[1,2]"));
    CHECK_INT((int64_t)json_field(&fields, "a").len, 0);
    json_fields(&fields, (struct span){ 0 });
    CHECK_INT((int64_t)json_field(&fields, "a").len, 0);
}

/* The nearest decimal with one digit less must read as another double. */
static void check_shortest(double value)
{
    char digits[40], text[64];
    size_t count = 0;

    for (const char *c = str_text(&made); *c && *c != 'e'; c++) {
        if (*c >= '0' && *c <= '9' && (count || *c != '0'))
            digits[count++] = *c;
    }
    digits[count] = 0;
    while (count > 1 && digits[count - 1] == '0')
        digits[--count] = 0;
    if (count < 2 || count > 17)
        return;
    snprintf(text, sizeof text, "%.*e", (int)count - 2, value);
    CHECK(strtod(text, NULL) != value);
}

TEST(any_double_reads_back_from_its_shortest_text)
{
    uint64_t state = 0x5eed5eed5eed5eed;

    for (int i = 0; i < 20000; i++) {
        double value = next_double(&state);
        check_round_trip(value);
        check_shortest(value);
        value = floor(fmod(value, 1e9)) / 1000;
        check_round_trip(value);
        check_shortest(value);
    }
    for (int e = -1074; e < 1024; e++)
        check_round_trip(ldexp(1, e));
}

TEST(canonical_text_is_its_own_canonical_form)
{
    static const char *const texts[] = {
        "{\"b\":[1.50,{\"z\":1e-9,\"\\u0061\":\"\\u001f\\/\"}],\"a\":[]}",
        "[1e21,-1E-7,123456789.125,\"\\ud83d\\ude00\"]",
        "{\"x\":{\"b\":{\"d\":1,\"c\":2},\"a\":0},\"w\":{}}",
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char *once = xstrdup(canonical(texts[i]));
        CHECK_STR(canonical(once), once);
        free(once);
    }
}

TEST(canonical_text_is_added_behind_what_is_there_and_nothing_on_failure)
{
    struct err err;

    str_add_text(&made, "x=");
    CHECK_OK(json_canonical(&made, "{\"b\":1,\"a\":2}", 13, &err), &err);
    CHECK_STR(str_text(&made), "x={\"a\":2,\"b\":1}");
    CHECK_ERR(json_canonical(&made, "[1,", 3, &err), &err, ERR_INVALID);
    CHECK_STR(str_text(&made), "x={\"a\":2,\"b\":1}");
}

TEST(a_text_that_grows_beyond_the_limit_is_refused)
{
    struct err err;
    struct str text = { 0 };

    str_add_text(&text, "[1e15");
    while (text.len < JSON_LEN_MAX - 10)
        str_add_text(&text, ",1e15");
    str_add_char(&text, ']');
    CHECK_ERR(json_canonical(&made, text.ptr, text.len, &err), &err, ERR_TOO_BIG);
    CHECK_STR(str_text(&made), "");
    str_fini(&text);
}

TEST(the_same_value_is_the_same_however_it_is_written)
{
    CHECK(json_same(span_of("{\"a\":1,\"b\":[2]}"), span_of("{ \"b\":[2.0], \"a\":1e0 }")));
    CHECK(!json_same(span_of("{\"a\":1}"), span_of("{\"a\":2}")));
    CHECK(!json_same(span_of("[1,2]"), span_of("[2,1]")));
    CHECK(!json_same(span_of("null"), span_of("")));
}

/* -- Reading -------------------------------------------------------------------------- */

static const char sample[] =
    " { \"id\" : \"run-7\", \"n\":42, \"gate\": {\"need\": [\"a\", {\"x\":1}], "
    "\"ok\":true},"
    "\"odd]}\\\"\" : \"}{\\\"\", \"\\u00e9\":\"\\u20ac\", \"none\":null, \"half\":0.5 } ";

TEST(a_member_is_found_by_its_name)
{
    struct span object = span_of(sample);

    CHECK_SPAN(json_get_raw(object, "id"), "run-7");
    CHECK_INT(json_get_int(object, "n", -1), 42);
    CHECK_SPAN(json_get(object, "gate"), "{\"need\": [\"a\", {\"x\":1}], \"ok\":true}");
    CHECK_SPAN(json_path(object, "gate.need"), "[\"a\", {\"x\":1}]");
    CHECK(json_bool(json_path(object, "gate.ok"), false));
    CHECK_INT(json_kind(json_get(object, "none")), JSON_NULL);
    CHECK_INT(json_kind(json_get(object, "ID")), JSON_NONE);
    CHECK_INT(json_kind(json_get(object, "i")), JSON_NONE);
    CHECK_INT(json_kind(json_path(object, "gate.need.x")), JSON_NONE);
    CHECK_INT(json_kind(json_get(json_get(object, "no"), "such")), JSON_NONE);
}

TEST(names_and_text_with_escapes_are_read_as_what_they_say)
{
    struct span object = span_of(sample);
    char *brackets = json_get_text(object, "odd]}\"");
    char *euro = json_get_text(object, "\xc3\xa9");

    CHECK_STR(brackets, "}{\"");
    CHECK_STR(euro, "\xe2\x82\xac");
    CHECK_STR(json_get_text(object, "n"), NULL);
    CHECK_SPAN(json_get_raw(object, "n"), "");
    free(brackets);
    free(euro);
    json_text_to(&made, span_of("\"a\\n\\ud83d\\ude00\\/b\""));
    CHECK_STR(str_text(&made), "a\n\xf0\x9f\x98\x80/b");
}

TEST(the_items_of_a_container_come_in_their_order)
{
    struct span list = span_of("[ 1, \"a,]\" ,[2,[3]] ,{\"k\":{}} , null ]");
    static const char *const want[] = { "1", "\"a,]\"", "[2,[3]]", "{\"k\":{}}", "null" };
    struct span key, value;
    size_t pos = 0, count = 0;

    while (json_next(list, &pos, &key, &value)) {
        CHECK_SPAN(value, want[count]);
        CHECK_SPAN(key, "");
        count++;
    }
    CHECK_INT(count, 5);
    CHECK(!json_next(list, &pos, NULL, &value));
    CHECK_INT(json_count(list), 5);
    CHECK_INT(json_count(span_of(sample)), 7);
    CHECK_INT(json_count(span_of("[ ]")), 0);
    CHECK_INT(json_count(span_of("{}")), 0);
    CHECK_INT(json_count(span_of("\"[1,2]\"")), 0);
    CHECK_INT(json_count(span_of("")), 0);
}

TEST(numbers_are_read_as_integers_when_they_are_some)
{
    CHECK_INT(json_int(span_of("-12"), 0), -12);
    CHECK_INT(json_int(span_of(" 7 "), 0), 7);
    CHECK_INT(json_int(span_of("1e3"), 0), 1000);
    CHECK_INT(json_int(span_of("2.0"), 0), 2);
    CHECK_INT(json_int(span_of("2.5"), -1), -1);
    CHECK_INT(json_int(span_of("1e300"), -1), -1);
    CHECK_INT(json_int(span_of("\"1\""), -1), -1);
    CHECK_INT(json_int(span_of(""), -1), -1);
    CHECK_INT(json_int(span_of("9007199254740992"), 0), 9007199254740992);
    CHECK(json_double(span_of("0.5"), 0) == 0.5);
    CHECK(json_double(span_of("true"), 3) == 3);
    CHECK(json_bool(span_of("0"), true));
}

TEST(long_strings_are_skipped_to_their_own_end)
{
    /* Quotes and backslashes at each place of a word, and beyond it. */
    for (int len = 0; len < 40; len++) {
        struct str text = { 0 };
        str_add_text(&text, "{\"a\":\"");
        for (int i = 0; i < len; i++)
            str_add_char(&text, 'x');
        str_add_text(&text, "\\\"\\\\\",\"b\":[\"");
        for (int i = 0; i < len; i++)
            str_add_text(&text, "\xc3\xa9");
        str_add_text(&text, "\"],\"c\":5}");
        CHECK_INT(json_get_int(str_span(&text), "c", -1), 5);
        CHECK_INT(json_get_raw(str_span(&text), "a").len, len + 4);
        str_fini(&text);
    }
}

/* -- Writing -------------------------------------------------------------------------- */

TEST(what_is_written_has_its_commas_and_escapes_right)
{
    struct json_out out = { .str = &made };

    json_open(&out, '{');
    json_put(&out, "action", "a\"b\\c\n\x01\xc3\xa9");
    json_put(&out, "nothing", NULL);
    json_key(&out, "list");
    json_open(&out, '[');
    json_integer(&out, 0);
    json_integer(&out, INT64_MIN);
    json_number(&out, -0.0);
    json_number(&out, 2.50);
    json_open(&out, '{');
    json_put_int(&out, "x", 1);
    json_put_int(&out, "y", 2);
    json_close(&out);
    json_open(&out, '[');
    json_close(&out);
    json_close(&out);
    json_put_int(&out, "n", 3);
    json_put_bool(&out, "yes", true);
    json_put_raw(&out, "raw", span_of("[1]"));
    json_put_raw(&out, "absent", span_of(""));
    json_put_span(&out, "k\"", span_of(""));
    json_close(&out);
    CHECK_STR(
        str_text(&made),
        "{\"action\":\"a\\\"b\\\\c\\n\\u0001\xc3\xa9\",\"nothing\":null,"
        "\"list\":[0,-9223372036854775808,0,2.5,{\"x\":1,\"y\":2},[]],\"n\":3,\"yes\":true,"
        "\"raw\":[1],\"absent\":null,\"k\\\"\":\"\"}");
    CHECK_INT(out.depth, 0);
}

TEST(bytes_that_are_no_text_are_written_as_something_the_check_takes)
{
    struct json_out out = { .str = &made };
    struct err err;

    json_string_span(&out, (struct span){ "a\0b\xff\xed\xa0\x80\xc3", 8 });
    CHECK_OK(json_check(made.ptr, made.len, JSON_LEN_MAX, &err), &err);
    CHECK_STR(str_text(&made),
              "\"a\xef\xbf\xbd"
              "b\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

TEST(people_see_it_indented_with_nothing_hidden)
{
    json_pretty(&made,
                span_of("{\"a\":[1,{}],\"b\":{\"c\":\"x\\u202ey\xe2\x80\x8b\"},\"d\":[]}"),
                0);
    CHECK_STR(str_text(&made), "{\n"
                               "  \"a\": [\n"
                               "    1,\n"
                               "    {}\n"
                               "  ],\n"
                               "  \"b\": {\n"
                               "    \"c\": \"x\\u202ey\\u200b\"\n"
                               "  },\n"
                               "  \"d\": []\n"
                               "}");
    str_reset(&made);
    json_pretty(&made, span_of(" 1\n"), 0);
    CHECK_STR(str_text(&made), "1");
    str_reset(&made);
    json_pretty(&made, span_of("{\"k\xf3\xa0\x81\x81\":\"\x7f\"}"), 2);
    CHECK_STR(str_text(&made), "{\n      \"k\\udb40\\udc41\": \"\\u007f\"\n    }");
}

/* -- Differences ---------------------------------------------------------------------- */

static bool has(const char *value, const char *wanted)
{
    return json_has(span_of(value), span_of(wanted));
}

TEST(a_value_has_what_is_wanted_when_only_its_objects_have_more)
{
    CHECK(has("{\"a\":1,\"b\":{\"c\":2,\"d\":3}}", "{\"b\":{\"d\":3}}"));
    CHECK(has("[{\"a\":1,\"b\":2},3]", "[{\"b\":2},3]"));
    CHECK(has("{\"a\":[]}", "{\"a\":[]}"));
    CHECK(has("{\"a\":{}}", "{\"a\":[]}"));
    CHECK(!has("{\"a\":{\"b\":1}}", "{\"a\":[]}"));
    CHECK(!has("{\"a\":1}", "{\"b\":1}"));
    CHECK(!has("{\"a\":1}", "{\"a\":2}"));
    CHECK(!has("{\"a\":1}", "{\"a\":\"1\"}"));
    CHECK(!has("[1,2,3]", "[1,2]"));
    CHECK(!has("[1,2]", "[1,2,3]"));
    CHECK(!has("[2,1]", "[1,2]"));
    CHECK(!has("null", "false"));
}

TEST(a_difference_is_a_line_for_each_member_that_changed)
{
    int count =
        json_diff(&made, span_of("{\"a\":1,\"b\":{\"c\":[1,2],\"d\":\"x\"},\"gone\":true}"),
                  span_of("{\"b\":{\"d\":\"x\",\"c\":[1]},\"a\":1.0,\"new\":{\"k\":0}}"),
                  "  ");

    CHECK_INT(count, 3);
    CHECK_STR(str_text(&made), "  b.c: [1, 2] -> [1]\n"
                               "  gone: true -> absent\n"
                               "  new: absent -> {\"k\": 0}\n");
}

TEST(values_that_are_the_same_have_no_difference)
{
    CHECK_INT(json_diff(&made, span_of("{\"a\":[1.0]}"), span_of(" {\"a\" : [1] }"), "- "),
              0);
    CHECK_STR(str_text(&made), "");
    CHECK_INT(json_diff(&made, span_of(""), span_of(""), ""), 0);
}

TEST(a_difference_shows_whole_values_and_odd_names_unmistakably)
{
    CHECK_INT(json_diff(&made, span_of(""), span_of("{\"a\":1}"), ""), 1);
    CHECK_INT(json_diff(&made, span_of("1"), span_of("[1]"), ""), 1);
    CHECK_INT(json_diff(&made, span_of("{\"a.b\":{\"\xe2\x80\xae\":1}}"),
                        span_of("{\"a.b\":{\"\xe2\x80\xae\":\"\xe2\x80\xae\"}}"), ""),
              1);
    CHECK_STR(str_text(&made), "(all): absent -> {\"a\": 1}\n"
                               "(all): 1 -> [1]\n"
                               "\"a.b\".\"\\u202e\": 1 -> \"\\u202e\"\n");
}
