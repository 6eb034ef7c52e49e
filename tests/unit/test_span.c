/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <stdlib.h>

#include "check.h"

TEST(nothing_is_the_empty_span)
{
    CHECK_INT(span_of(NULL).len, 0);
    CHECK(span_is((struct span){ 0 }, ""));
    CHECK(span_equal((struct span){ 0 }, span_of("")));
    CHECK(span_starts((struct span){ 0 }, ""));
    CHECK(!span_starts((struct span){ 0 }, "a"));
    char *copy = span_dup((struct span){ 0 });
    CHECK_STR(copy, "");
    free(copy);
}

TEST(spans_compare_by_their_bytes)
{
    CHECK(span_is(span_of("azure"), "azure"));
    CHECK(!span_is(span_of("azure"), "azur"));
    CHECK(!span_is(span_of("azur"), "azure"));
    CHECK(!span_equal(span_of("azure"), span_of("Azure")));
    CHECK(span_equal_nocase(span_of("azure/X-1"), span_of("AZURE/x-1")));
    CHECK(!span_equal_nocase(span_of("azure"), span_of("azur")));
    CHECK(!span_equal_nocase(span_of("a@"), span_of("a`")));
    CHECK(!span_equal_nocase(span_of("\xC3\x84"), span_of("\xC3\xA4")));
    CHECK(span_starts(span_of("r-000041"), "r-"));
    CHECK(!span_starts(span_of("r"), "r-"));
}

TEST(a_pattern_matches_the_whole_text_without_regard_to_case)
{
    static const struct {
        const char *text;
        const char *pattern;
        bool matches;
    } cases[] = {
        { "", "", true },
        { "", "*", true },
        { "", "?", false },
        { "a", "", false },
        { "/subscriptions/1/resourceGroups/Shop", "/SUBSCRIPTIONS/*/resourcegroups/shop",
          true },
        { "/subscriptions/1/resourceGroups/shop2", "/subscriptions/*/shop", false },
        { "abcabc", "*abc", true },
        { "abcabd", "*abc", false },
        { "abc", "a*b*c*", true },
        { "abc", "a**c", true },
        { "abc", "?b?", true },
        { "abc", "a?", false },
        { "ab*", "ab?", true },
        { "mississippi", "m*iss*ip*i", true },
        { "mississippi", "m*issx*i", false },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (span_glob(span_of(cases[i].text), cases[i].pattern) != cases[i].matches)
            FAIL("\"%s\" and \"%s\"", cases[i].text, cases[i].pattern);
}

/* With backtracking to every star this would take longer than the universe is old. */
TEST(a_pattern_of_many_stars_is_answered_at_once)
{
    char text[2001];
    char pattern[101];

    memset(text, 'a', 2000);
    text[2000] = '\0';
    for (int i = 0; i < 100; i++)
        pattern[i] = i % 2 == 0 ? '*' : 'a';
    pattern[99] = 'b';
    pattern[100] = '\0';
    CHECK(!span_glob(span_of(text), pattern));
}

TEST(an_integer_is_read_whole_or_not_at_all)
{
    static const struct {
        const char *text;
        bool is_int;
        int64_t value;
    } cases[] = {
        { "0", true, 0 },
        { "-0", true, 0 },
        { "0042", true, 42 },
        { "-17", true, -17 },
        { "9223372036854775807", true, INT64_MAX },
        { "-9223372036854775808", true, INT64_MIN },
        { "9223372036854775808", false, 0 },
        { "-9223372036854775809", false, 0 },
        { "99999999999999999999", false, 0 },
        { "", false, 0 },
        { "-", false, 0 },
        { "+1", false, 0 },
        { " 1", false, 0 },
        { "1 ", false, 0 },
        { "0x1", false, 0 },
        { "1e3", false, 0 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t value = 7;
        if (span_int(span_of(cases[i].text), &value) != cases[i].is_int)
            FAIL("\"%s\"", cases[i].text);
        CHECK_INT(value, cases[i].is_int ? cases[i].value : 7);
    }
}

TEST(a_span_ends_where_it_ends)
{
    int64_t value;

    CHECK(span_int((struct span){ "123456", 3 }, &value));
    CHECK_INT(value, 123);
    CHECK(span_glob((struct span){ "abcdef", 3 }, "abc"));
    char *copy = span_dup((struct span){ "abcdef", 3 });
    CHECK_STR(copy, "abc");
    free(copy);
}
