/* SPDX-License-Identifier: Apache-2.0 */
/* When a channel is tried again. tests/notify and tests/told have the rest. */
#include "serve/notices.h"

#include "check.h"

static int64_t pause_after(int tries, const char *code)
{
    return notices_pause(tries, span_of(code));
}

TEST(pauses_double_from_a_second_to_ten_minutes)
{
    static const int64_t seconds[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600 };

    for (int i = 0; i < 12; i++)
        CHECK_INT(pause_after(i + 1, "status_500"), seconds[i] * 1000);
    CHECK_INT(pause_after(NOTICES_TRIES_MAX, "no_reply"), NOTICES_LAST_MS);
    CHECK_INT(pause_after(1, ""), NOTICES_FIRST_MS);
}

TEST(retry_after_is_what_counts_up_to_an_hour)
{
    CHECK_INT(pause_after(1, "retry_after:90"), 90 * 1000);
    CHECK_INT(pause_after(15, "retry_after:3"), 3 * 1000);
    CHECK_INT(pause_after(1, "retry_after:86400"), NOTICES_AFTER_MAX_S * 1000);
}

TEST(a_retry_after_that_is_none_is_not_counted)
{
    static const char *const none[] = { "retry_after:", "retry_after:0", "retry_after:-5",
                                        "retry_after:soon", "retry_after" };

    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        CHECK_INT(pause_after(3, none[i]), 4 * NOTICES_FIRST_MS);
}
