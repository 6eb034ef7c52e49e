/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include "check.h"

TEST(moments_are_read_as_they_are_meant)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "1969-12-31T23:59:59Z", -1000 },
        { "2000-02-29T12:00:00Z", INT64_C(951825600000) },
        { "2000-03-01T00:00:00Z", INT64_C(951868800000) },
        { "2026-11-26T00:33:16.250Z", INT64_C(1795653196250) },
        { "2026-11-26T02:03:16.25+01:30", INT64_C(1795653196250) },
        { "2026-11-25T19:33:16-05:00", INT64_C(1795653196000) },
        { "2026-11-26T00:33:16.2509Z", INT64_C(1795653196250) },
        { "2100-03-01T00:00:00Z", INT64_C(4107542400000) },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ms = 7;
        if (!moment_parse(span_of(cases[i].text), &ms))
            FAIL("\"%s\" was refused", cases[i].text);
        CHECK_INT(ms, cases[i].ms);
    }
}

TEST(what_is_no_moment_is_refused_and_nothing_is_written)
{
    static const char *const cases[] = {
        "",
        "2026-11-26",
        "2026-11-26T00:33:16",
        "2026-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-11-26T25:00:00Z",
        "2026-11-26T00:60:00Z",
        "2026-11-26T00:00:00+0100",
        "2026-11-26T00:00:00Z ",
        "26-11-26T00:00:00Z",
        "tomorrow",
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ms = 7;
        if (moment_parse(span_of(cases[i]), &ms))
            FAIL("\"%s\" was taken as %lld", cases[i], (long long)ms);
        CHECK_INT(ms, 7);
    }
}

TEST(offsets_are_hours_and_minutes_to_either_side)
{
    static const char *const wrong[] = { "",       "Z",      "01:00", "+1:00",  "+24:00",
                                         "+01:60", "+01-00", "+0100", "+aa:00", "+01:000" };
    int64_t minutes = 0;

    CHECK(moment_offset(span_of("+05:30"), &minutes));
    CHECK_INT(minutes, 330);
    CHECK(moment_offset(span_of("-08:00"), &minutes));
    CHECK_INT(minutes, -480);
    minutes = 7;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (moment_offset(span_of(wrong[i]), &minutes))
            FAIL("\"%s\" was taken", wrong[i]);
    CHECK_INT(minutes, 7);
}
