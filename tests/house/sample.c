/* SPDX-License-Identifier: Apache-2.0 */
/* Tests that fail, each in its own way, for tests/house/run.sh to look at. */
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

TEST(passes)
{
    CHECK(1 + 1 == 2);
    CHECK_INT(1 + 1, 2);
    CHECK_STR("a", "a");
    CHECK_STR(NULL, NULL);
    CHECK_SPAN(span_of("a"), "a");
    CHECK_MEM("a\0b", "a\0b", 4);
    CHECK_HAS("abc", "b");
    CHECK_LACKS("abc", "x");
}

TEST(claims_what_does_not_hold)
{
    CHECK(1 + 1 == 3);
}

TEST(differs_in_a_number)
{
    CHECK_INT(1 + 1, 3);
}

TEST(differs_in_a_text)
{
    CHECK_STR("was", "wanted");
}

TEST(differs_from_null)
{
    CHECK_STR("was", NULL);
}

TEST(differs_in_a_span)
{
    CHECK_SPAN(span_of("longer"), "long");
}

TEST(differs_in_bytes)
{
    CHECK_MEM("a\0b", "a\0c", 4);
}

TEST(has_not)
{
    CHECK_HAS("abc", "x");
}

TEST(does_not_lack)
{
    CHECK_LACKS("abc", "b");
}

TEST(is_not_ok)
{
    struct err err;

    CHECK_OK(err_set(&err, ERR_IO, "the disk is full"), &err);
}

TEST(fails_otherwise)
{
    struct err err;

    CHECK_ERR(err_set(&err, ERR_IO, "the disk is full"), &err, ERR_BUSY);
}

TEST(aborts)
{
    abort();
}

TEST(leaves_early)
{
    exit(0);
}

TEST(leaves_a_child)
{
    if (fork() == 0)
        for (;;)
            pause();
}

TEST(leaves_a_grandchild_in_a_session_of_its_own)
{
    if (fork() == 0) {
        setsid();
        if (fork() == 0)
            for (;;)
                pause();
        _exit(0);
    }
}
