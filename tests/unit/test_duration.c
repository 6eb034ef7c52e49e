/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include "base/schema.h"
#include "check.h"

TEST(durations_are_read_as_people_write_them)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        { "30m", 30 * 60 * 1000 },
        { "24h", 24 * 60 * 60 * 1000 },
        { "15s", 15 * 1000 },
        { "7d", INT64_C(7) * 24 * 60 * 60 * 1000 },
        { "250ms", 250 },
        { "1h30m", 90 * 60 * 1000 },
        { "1d1h1m1s1ms", INT64_C(90061001) },
        { "90", 90 * 1000 },
        { "0", 0 },
        { "0s", 0 },
        { "1.5s", 1500 },
        { "0.25", 250 },
        { "2.5h", INT64_C(9000000) },
        { "0.5d", INT64_C(43200000) },
        { "1m1.25s", 61250 },
        { "0.001s", 1 },
        { "1.50000s", 1500 },
        { "1.5h0.5m", INT64_C(5430000) },
        { "3650d", INT64_C(3650) * 24 * 60 * 60 * 1000 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ms = -1;
        if (!duration_parse(span_of(cases[i].text), &ms))
            FAIL("\"%s\" was refused", cases[i].text);
        CHECK_INT(ms, cases[i].ms);
    }
}

TEST(what_is_no_duration_is_refused)
{
    static const char *const cases[] = {
        "",
        "-5s",
        "5x",
        "m",
        "5 m",
        "1.5ms",
        "1.0005s",
        "1.s",
        ".5s",
        "1..5s",
        "1.5.5s",
        "-1.5s",
        "1,5s",
        "1.0000000005s",
        "1e3s",
        "30m1h",
        "5m5m",
        "3651d",
        "3650d1ms",
        "315360001",
        "99999999999999999999d",
        "9223372036854775807d",
        "h5",
        "5M",
        " 5m",
        "5m ",
        "1h30",
        "+5s",
        "9223372036854775807",
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ms = 7;
        if (duration_parse(span_of(cases[i]), &ms))
            FAIL("\"%s\" was read as %lld ms", cases[i], (long long)ms);
        CHECK_INT(ms, 7);
    }
}

TEST(what_lasts_no_time_is_no_duration_where_a_positive_one_is_meant)
{
    static const struct {
        const char *text;
        bool is_positive;
    } cases[] = {
        { "1ms", true },    { "0.001s", true }, { "1", true },     { "30m", true },
        { "0d0h1s", true }, { "0", false },     { "0s", false },   { "0ms", false },
        { "0d", false },    { "0.0s", false },  { "0h0m", false }, { "00s", false },
        { "-1s", false },   { "", false },      { "soon", false },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ms = 7;
        if (duration_positive(span_of(cases[i].text), &ms) != cases[i].is_positive)
            FAIL("\"%s\"", cases[i].text);
        CHECK(cases[i].is_positive ? ms > 0 : ms == 7);
        CHECK(schema_format("period", span_of(cases[i].text)) == cases[i].is_positive);
    }
}

TEST(durations_are_shown_in_their_two_largest_units)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        { 0, "0ms" },
        { 250, "250ms" },
        { 1000, "1s" },
        { 1250, "1s 250ms" },
        { 30 * 60 * 1000, "30m" },
        { 65 * 60 * 1000 + 999, "1h 5m" },
        { 3600 * 1000 + 5000, "1h" },
        { INT64_C(2) * 24 * 3600 * 1000, "2d" },
        { -1500, "-1s 500ms" },
        { INT64_MIN, "-106751991167d 7h" },
    };
    char buf[32];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK_STR(duration_show(cases[i].ms, buf), cases[i].text);
}
