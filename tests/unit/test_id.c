/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"

#include "check.h"

TEST(names_are_numbers_padded_to_six_digits)
{
    CHECK_STR(id_run(41).text, "r-000041");
    CHECK_STR(id_run(1234567).text, "r-1234567");
    CHECK_STR(id_gate(41, 2).text, "g-000041-2");
    CHECK_STR(id_hold(41, 3).text, "h-000041-3");
    CHECK_STR(id_hold(INT64_MAX, INT32_MAX).text, "h-9223372036854775807-2147483647");
}

TEST(a_run_is_known_by_its_name_with_or_without_the_padding)
{
    static const char *const good[] = { "r-000041", "r-41", "41", "0041" };
    static const char *const bad[] = { "",
                                       "r-",
                                       "r",
                                       "r-0",
                                       "0",
                                       "-41",
                                       "r--41",
                                       "g-41",
                                       "r-4x",
                                       "r-41 ",
                                       "R-41",
                                       "r-41-1",
                                       "9223372036854775808" };
    int64_t run;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        run = 0;
        CHECK(id_parse_run(span_of(good[i]), &run));
        CHECK_INT(run, 41);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (id_parse_run(span_of(bad[i]), &run))
            FAIL("\"%s\" was read as run %lld", bad[i], (long long)run);
}

TEST(a_gate_and_a_hold_come_back_from_their_names)
{
    int64_t run = 0;
    int n = 0;

    CHECK(id_parse_gate(span_of(id_gate(41, 2).text), &run, &n));
    CHECK_INT(run, 41);
    CHECK_INT(n, 2);
    CHECK(id_parse_hold(span_of("h-7-11"), &run, &n));
    CHECK_INT(run, 7);
    CHECK_INT(n, 11);
}

TEST(what_names_no_gate_is_refused)
{
    static const char *const bad[] = { "",     "g-",       "g-41",   "g-41-",
                                       "g--2", "g-41--2",  "g-0-1",  "h-41-2",
                                       "41-2", "g-41-2-3", "g-41-x", "g-41-2147483648",
                                       "g-x-2" };
    int64_t run = 5;
    int n = 6;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (id_parse_gate(span_of(bad[i]), &run, &n))
            FAIL("\"%s\" was read as a gate", bad[i]);
    CHECK(!id_parse_hold(span_of("g-41-2"), &run, &n));
    CHECK_INT(run, 5);
    CHECK_INT(n, 6);
}
