/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/str.h"

#include <stdlib.h>
#include <time.h>

#include "check.h"

TEST(a_time_is_shown_in_utc_whatever_the_zone)
{
    static const struct {
        int64_t unix_ms;
        const char *date;
        const char *time;
    } cases[] = {
        { 0, "1970-01-01T00:00:00Z", "00:00:00.000" },
        { INT64_C(1769850000123), "2026-01-31T09:00:00Z", "09:00:00.123" },
        { -1, "1969-12-31T23:59:59Z", "23:59:59.999" },
        { INT64_C(1709251199000), "2024-02-29T23:59:59Z", "23:59:59.000" },
    };
    char buf[32];

    setenv("TZ", "Asia/Kathmandu", 1);
    tzset();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK_STR(clock_show(cases[i].unix_ms, buf), cases[i].date);
        CHECK_STR(clock_show_time(cases[i].unix_ms, buf), cases[i].time);
    }
}

TEST(the_monotonic_clock_counts_microseconds_and_never_goes_back)
{
    struct timespec up;
    int64_t before = clock_mono_us();

    clock_gettime(CLOCK_BOOTTIME, &up);
    CHECK(up.tv_sec - before / 1000000 <= 5);
    CHECK(up.tv_sec >= before / 1000000);

    nanosleep(&(struct timespec){ .tv_nsec = 20 * 1000000 }, NULL);
    int64_t passed = clock_mono_us() - before;
    CHECK(passed >= 20000);
    CHECK(passed < 5000000);
}

TEST(the_wall_clock_counts_milliseconds_since_1970)
{
    int64_t now = clock_unix_ms();

    CHECK(now / 1000 >= (int64_t)time(NULL) - 5);
    CHECK(now / 1000 <= (int64_t)time(NULL) + 5);
}

TEST(a_year_is_written_with_four_digits_also_long_ago)
{
    char shown[32];
    int64_t ms;

    CHECK(moment_parse(span_of("0489-01-31T09:00:00Z"), &ms));
    CHECK_STR(clock_show(ms, shown), "0489-01-31T09:00:00Z");
}
