/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include "check.h"

TEST(setting_an_error_returns_its_code_and_keeps_the_sentence)
{
    struct err err;

    CHECK_INT(err_set(&err, ERR_IO, "open %s: %s", "runs.db", "no such file"), ERR_IO);
    CHECK_INT(err.code, ERR_IO);
    CHECK_STR(err.text, "open runs.db: no such file");
}

TEST(wrapping_puts_what_we_were_doing_in_front_and_keeps_the_code)
{
    struct err err;

    err_set(&err, ERR_DENIED, "the token has expired");
    CHECK_INT(err_wrap(&err, "plugin %s", "azure"), ERR_DENIED);
    CHECK_STR(err.text, "plugin azure: the token has expired");
}

TEST(a_sentence_may_be_made_of_the_one_it_replaces)
{
    struct err err;

    err_set(&err, ERR_IO, "the disk is full");
    err_set(&err, ERR_BUSY, "try later, %s", err.text);
    CHECK_STR(err.text, "try later, the disk is full");
    err_wrap(&err, "because %s", err.text);
    CHECK_STR(err.text, "because try later, the disk is full: try later, the disk is full");
}

TEST(a_long_sentence_is_cut_at_its_end_and_never_overflows)
{
    struct err err;
    char name[600];

    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    err_set(&err, ERR_INVALID, "%s", name);
    CHECK_INT(strlen(err.text), sizeof err.text - 1);
    err_wrap(&err, "plugin azure");
    CHECK_INT(strlen(err.text), sizeof err.text - 1);
    CHECK(strncmp(err.text, "plugin azure: nnn", 17) == 0);
    err_wrap(&err, "%s", name);
    CHECK_INT(strlen(err.text), sizeof err.text - 1);
}

TEST(every_code_has_a_word_of_its_own)
{
    for (int code = 0; code >= ERR_VERSION; code--) {
        CHECK(strcmp(err_word(code), "unknown") != 0);
        for (int other = 0; other > code; other--)
            CHECK(strcmp(err_word(code), err_word(other)) != 0);
    }
    CHECK_STR(err_word(ERR_NOT_FOUND), "not_found");
    CHECK_STR(err_word(-4711), "unknown");
}
