/* SPDX-License-Identifier: Apache-2.0 */
/* What the reader for deliveries keeps, replaces and refuses. */
#include "base/json_mend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "check.h"

#define BYTES(text)              \
    {                            \
        (text), sizeof(text) - 1 \
    }
#define FFFD "\xef\xbf\xbd"

static struct json_mends mends;
static struct err err;

static const struct {
    const char *name;
    struct span in;
    const char *out;
    int count;
    const char *what; /* of the first replacement */
} cases[] = {
    { "plain", BYTES("{\"a\": [1, true, null, \"x\"]}"), "{\"a\":[1,true,null,\"x\"]}", 0,
      "" },
    { "a byte order mark", BYTES("\xef\xbb\xbf{\"a\":1}"), "{\"a\":1}", 0, "" },
    { "an escaped NUL", BYTES("{\"cmd\":\"reg add\\u0000hidden\"}"),
      "{\"cmd\":\"reg add" FFFD "hidden\"}", 1, "1:16 \\u0000 is replaced by U+FFFD" },
    { "a raw NUL", BYTES("{\"cmd\":\"wmic\0process\"}"),
      "{\"cmd\":\"wmic" FFFD "process\"}", 1, "1:13 NUL is replaced by U+FFFD" },
    { "a NUL behind the value", BYTES("[1]\0\0"), "[1]", 1,
      "1:4 NUL outside of a string is left out" },
    { "a first half alone", BYTES("[\"x\\ud83dy\"]"), "[\"x" FFFD "y\"]", 1,
      "1:4 \\ud83d is half a surrogate pair, replaced by U+FFFD" },
    { "a second half alone", BYTES("[\"\\udc00\"]"), "[\"" FFFD "\"]", 1,
      "1:3 \\udc00 is half a surrogate pair, replaced by U+FFFD" },
    { "halves the wrong way round", BYTES("[\"\\ude00\\ud83d\"]"), "[\"" FFFD FFFD "\"]", 2,
      "1:3 \\ude00 is half a surrogate pair, replaced by U+FFFD" },
    { "a whole pair", BYTES("[\"\\ud83d\\ude00\"]"), "[\"\\ud83d\\ude00\"]", 0, "" },
    { "Latin-1", BYTES("[\"Jos\xe9\"]"), "[\"Jos" FFFD "\"]", 1,
      "1:6 1 byte (0xe9): no UTF-8, replaced by U+FFFD" },
    { "an overlong slash", BYTES("[\"..\xc0\xaf\"]"), "[\".." FFFD "\"]", 1,
      "1:5 2 bytes (0xc0 ...): no UTF-8, replaced by U+FFFD" },
    { "a surrogate as UTF-8", BYTES("[\"\xed\xa0\x80\"]"), "[\"" FFFD "\"]", 1,
      "1:3 3 bytes (0xed ...): no UTF-8, replaced by U+FFFD" },
    { "a character cut off", BYTES("[\"\xe2\x82\",2]"), "[\"" FFFD "\",2]", 1,
      "1:3 2 bytes (0xe2 ...): no UTF-8, replaced by U+FFFD" },
    { "a raw line feed and a bell", BYTES("[\"a\nb\x07\"]"), "[\"a\\nb\\u0007\"]", 2,
      "1:4 control character 0x0a is kept as an escape" },
    { "a path of Windows", BYTES("[\"C:\\Windows\\x\"]"), "[\"C:\\\\Windows\\\\x\"]", 2,
      "1:5 a backslash that begins no escape is kept as a backslash" },
    { "a short escape", BYTES("[\"\\u12\"]"), "[\"\\\\u12\"]", 1,
      "1:3 a backslash that begins no escape is kept as a backslash" },
    { "a member twice", BYTES("{\"a\":1,\"b\":2,\"a\":3}"), "{\"b\":2,\"a\":3}", 1,
      "1:2 member \"a\" is there again: the last one is kept" },
    { "a member twice by an escape", BYTES("{\"a\":1,\"\\u0061\":2}"), "{\"\\u0061\":2}", 1,
      "1:2 member \"a\" is there again: the last one is kept" },
    { "a member three times, and inside",
      BYTES("{\"k\":{\"x\":1,\"x\":2},\"k\":0,\"k\":{\"y\":[],\"y\":{}},\"z\":1}"),
      "{\"k\":{\"y\":{}},\"z\":1}", 4,
      "1:7 member \"x\" is there again: the last one is kept" },
    { "an id of 64 bits", BYTES("{\"id\":18446744073709551615}"),
      "{\"id\":\"18446744073709551615\"}", 1,
      "1:7 18446744073709551615 is no number of JSON, kept as text" },
    { "not a number", BYTES("[NaN,-Infinity,1e999,007]"),
      "[\"NaN\",\"-Infinity\",\"1e999\",\"007\"]", 4,
      "1:2 NaN is no number of JSON, kept as text" },
    { "numbers that are right", BYTES("[0,-1,2.5,1e3,9007199254740992]"),
      "[0,-1,2.5,1e3,9007199254740992]", 0, "" },
    { "UTF-16 with a mark", BYTES("\xff\xfe[\0\"\0\xe9\0\"\0]\0"), "[\"\xc3\xa9\"]", 0,
      "" },
    { "UTF-16, big end first", BYTES("\xfe\xff\0[\0\"\xd8\x3d\xde\0\0\"\0]"),
      "[\"\xf0\x9f\x98\x80\"]", 0, "" },
    { "UTF-16 without a mark", BYTES("[\0\"\0a\0\"\0]\0"), "[\"a\"]", 0, "" },
    { "UTF-16 with half a pair", BYTES("\xff\xfe[\0\"\0\x3d\xd8\"\0]\0"), "[\"" FFFD "\"]",
      1, "1:3 1 byte (0xff): no UTF-8, replaced by U+FFFD" },
    { "the second line", BYTES("{\r\n  \"a\": \"\x80\"}"), "{\"a\":\"" FFFD "\"}", 1,
      "2:9 1 byte (0x80): no UTF-8, replaced by U+FFFD" },
};

static const struct {
    struct span in;
    const char *why;
} refused[] = {
    { BYTES(""), "line 1, column 1: want a value, got the end of the text" },
    { BYTES("\xef\xbb\xbf"), "want a value, got the end of the text" },
    { BYTES("{\"a\":1"), "column 7: want ',' or '}' after a member" },
    { BYTES("{\"a\":\"x"), "column 6: the string that begins here has no end" },
    { BYTES("{\"a\":1}{\"a\":2}"), "column 8: want nothing after the value, got '{'" },
    { BYTES("<html>"), "column 1: want a value, got '<'" },
    { BYTES("{a:1}"), "want a member name in quotes, got 'a'" },
    { BYTES("[1,]"), "want a value, got ']'" },
    { BYTES("[tru]"), "want a value, got 't'" },
    { BYTES("\x1f\x8b\x08\x00zip"), "want a value, got byte 0x1f" },
};

TEST(each_text_that_json_cannot_hold_is_replaced_and_listed)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str out = { 0 };
        char what[200] = "";

        CHECK_OK(json_mend(&out, cases[i].in, &mends, &err), &err);
        if (mends.count > 0)
            snprintf(what, sizeof what, "%ld:%ld %s", mends.items[0].line,
                     mends.items[0].column, mends.items[0].what);
        if (strcmp(str_text(&out), cases[i].out) != 0 || mends.count != cases[i].count ||
            strcmp(what, cases[i].what) != 0)
            FAIL("%s: %s, %d replaced, %s", cases[i].name, str_text(&out), mends.count,
                 what);
        CHECK_OK(json_check(out.ptr, out.len, JSON_LEN_MAX, &err), &err);
        str_fini(&out);
    }
}

TEST(a_text_without_the_structure_of_json_is_refused_with_the_place)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct str out = { 0 };

        str_add_text(&out, "before");
        CHECK_ERR(json_mend(&out, refused[i].in, &mends, &err), &err, ERR_INVALID);
        CHECK_HAS(err.text, refused[i].why);
        CHECK_STR(str_text(&out), "before");
        str_fini(&out);
    }
}

TEST(what_lies_too_deep_is_kept_as_a_text)
{
    struct str in = { 0 }, out = { 0 };

    for (int i = 0; i < 500; i++)
        str_add_text(&in, "{\"n\":[");
    str_add_text(&in, "\"]\"");
    for (int i = 0; i < 500; i++)
        str_add_text(&in, "]}");
    CHECK_OK(json_mend(&out, str_span(&in), &mends, &err), &err);
    CHECK_INT(mends.count, 1);
    CHECK_STR(mends.items[0].what, "deeper than 24 levels, kept as text");
    CHECK_HAS(str_text(&out), "\"{\\\"n\\\":[");
    in.len = in.len / 2;
    str_reset(&out);
    CHECK_ERR(json_mend(&out, str_span(&in), &mends, &err), &err, ERR_INVALID);
    str_fini(&in);
    str_fini(&out);
}

TEST(each_replacement_is_counted_and_the_first_are_listed)
{
    struct str in = { 0 }, out = { 0 };

    str_add_char(&in, '[');
    for (int i = 0; i < 3000; i++)
        str_add_text(&in, "\"\xff\",");
    str_add_text(&in, "0]");
    CHECK_OK(json_mend(&out, str_span(&in), &mends, &err), &err);
    CHECK_INT(mends.count, 3000);
    CHECK_INT(mends.items[JSON_MENDS_MAX - 1].column, 2 + 4 * (JSON_MENDS_MAX - 1) + 1);
    CHECK_SPAN(((struct span){ out.ptr + mends.items[7].at - 3, 3 }), FFFD);
    str_fini(&in);
    str_fini(&out);
}

TEST(replacing_has_a_bound)
{
    struct str in = { 0 }, out = { 0 };

    str_add_char(&in, '"');
    while (in.len < 4 * 1024 * 1024)
        str_add_char(&in, '\x01');
    str_add_char(&in, '"');
    CHECK_ERR(json_mend(&out, str_span(&in), &mends, &err), &err, ERR_TOO_BIG);
    CHECK_INT(out.len, 0);
    str_reset(&in);
    str_add_char(&in, '{');
    for (int i = 0; i <= JSON_MEND_MEMBERS_MAX; i++)
        str_printf(&in, "\"%d\":1,", i);
    CHECK_ERR(json_mend(&out, str_span(&in), &mends, &err), &err, ERR_TOO_BIG);
    CHECK_HAS(err.text, "at most 300000 members");
    str_fini(&in);
    str_fini(&out);
}

/* Bytes by chance around a right text: either refused, or right and the same when read again. */
TEST(what_it_writes_is_right_json_whatever_came_in)
{
    static const char letters[] = "{}[]\",:\\u0d8ae-+.1 \n\xff\xc3\xa9\xed\xa0\x80tfn/";
    struct json_mends again;
    uint32_t chance = 7;

    for (int i = 0; i < 20000; i++) {
        struct str in = { 0 }, out = { 0 }, twice = { 0 };

        str_add_text(&in, "{\"a\":[\"");
        for (int j = 0; j < i % 23; j++) {
            chance = chance * 1664525 + 1013904223;
            str_add_char(&in, letters[(chance >> 16) % sizeof letters]);
        }
        str_add_text(&in, "\"]}");
        if (json_mend(&out, str_span(&in), &mends, &err) == 0) {
            CHECK_OK(json_check(out.ptr, out.len, JSON_LEN_MAX, &err), &err);
            CHECK_OK(json_mend(&twice, str_span(&out), &again, &err), &err);
            CHECK_STR(str_text(&twice), str_text(&out));
            CHECK_INT(again.count, 0);
        }
        str_fini(&in);
        str_fini(&out);
        str_fini(&twice);
    }
}

TEST(only_utf8_without_nul_is_text)
{
    static const struct {
        struct span in;
        bool is_text;
    } texts[] = { { BYTES(""), true },
                  { BYTES("\xc3\xa9 {"), true },
                  { BYTES("a\x01"), true },
                  { BYTES("a\0b"), false },
                  { BYTES("\xe9"), false },
                  { BYTES("\xc0\x80"), false },
                  { BYTES("\xed\xa0\x80"), false } };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        CHECK_INT(json_is_text(texts[i].in), texts[i].is_text);
}
