/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fold.h"
#include "base/str.h"

#include <stdlib.h>

#include "check.h"

TEST(an_empty_str_reads_as_the_empty_text)
{
    struct str str = { 0 };

    CHECK_STR(str_text(&str), "");
    CHECK_INT(str_span(&str).len, 0);
    char *taken = str_take(&str);
    CHECK_STR(taken, "");
    free(taken);
}

TEST(a_str_grows_and_always_has_a_nul_behind_it)
{
    struct str str = { 0 };

    for (int i = 0; i < 1000; i++) {
        str_add_char(&str, (char)('a' + i % 26));
        CHECK_INT(str.ptr[str.len], '\0');
    }
    CHECK_INT(str.len, 1000);
    CHECK_INT(str.ptr[999], 'a' + 999 % 26);
    str_fini(&str);
    CHECK(str.ptr == NULL);
}

TEST(printing_appends_to_what_is_there)
{
    struct str str = { 0 };

    str_add_text(&str, "run ");
    str_printf(&str, "%s of %d", "r-000041", 7);
    str_add_span(&str, (struct span){ NULL, 0 });
    CHECK_STR(str_text(&str), "run r-000041 of 7");
    str_reset(&str);
    CHECK_STR(str_text(&str), "");
    str_printf(&str, "%0300d", 1);
    CHECK_INT(str.len, 300);
    str_fini(&str);
}

TEST(taking_the_bytes_leaves_the_str_empty)
{
    struct str str = { 0 };

    str_add_text(&str, "mine");
    char *taken = str_take(&str);
    CHECK_STR(taken, "mine");
    CHECK_INT(str.len, 0);
    CHECK(str.ptr == NULL);
    free(taken);
}

TEST(a_str_holds_any_byte)
{
    struct str str = { 0 };

    str_add(&str, "a\0b", 3);
    str_add(&str, NULL, 0);
    CHECK_INT(str.len, 3);
    CHECK_MEM(str.ptr, "a\0b", 4);
    str_fini(&str);
}

TEST(text_is_shown_without_anything_that_could_lie)
{
    static const struct {
        const char *text;
        const char *shown;
    } cases[] = {
        { "plain text", "plain text" },
        { "gr\xC3\xBC\xC3\x9F"
          "e",
          "gr\xC3\xBC\xC3\x9F"
          "e" },
        { "\xF0\x9F\x94\x92", "\xF0\x9F\x94\x92" },
        { "a\x1b[2Jb", "a\\x1b[2Jb" },
        { "one\ntwo\t\r", "one\\x0atwo\\x09\\x0d" },
        { "\x7f", "\\x7f" },
        { "\xC2\x85", "\\u{0085}" },
        { "user\xE2\x80\xAEnimda", "user\\u{202E}nimda" },
        { "ad\xE2\x80\x8Bmin", "ad\\u{200B}min" },
        { "\xEF\xBB\xBF", "\\u{FEFF}" },
        { "\xF3\xA0\x81\x81", "\\u{E0041}" },
        { "\xFF\xC3", "\\xff\\xc3" },
        { "\xC0\xAF", "\\xc0\\xaf" },
        { "\xE0\x80\xAF", "\\xe0\\x80\\xaf" },
        { "\xED\xA0\x80", "\\xed\\xa0\\x80" },
        { "\xF4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
        { "\xE2\x82", "\\xe2\\x82" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str str = { 0 };
        str_add_shown(&str, cases[i].text, strlen(cases[i].text));
        CHECK_STR(str_text(&str), cases[i].shown);
        str_fini(&str);
    }
}

TEST(a_nul_is_shown_too)
{
    struct str str = { 0 };

    str_add_shown(&str, "a\0b", 3);
    CHECK_STR(str_text(&str), "a\\x00"
                              "b");
    str_fini(&str);
}

static const struct {
    const char *text, *folded;
} folds[] = {
    { "/SUB/a-Z_9", "/sub/a-z_9" },
    { "GRÖßE", "größe" },
    { "Ÿ×÷Þß", "Ÿ×÷þß" },
    { "ΑΣΏ", "ασώ" },
    { "ЖЁҐ", "жёґ" },
    { "ŁŹŻĄ", "łźżą" },
    { "ԱԲ", "աբ" },
    { "ＡＺ", "ａｚ" },
    { "ẤỲ", "ấỳ" },
    { "東京", "東京" },
    { "A\xff"
      "B",
      "a\xff"
      "b" },
    { "A\xc3", "a\xc3" },
    { "", "" },
};

TEST(letters_are_made_small_beyond_ascii_too_and_the_length_stays)
{
    for (size_t i = 0; i < sizeof folds / sizeof *folds; i++) {
        struct str out = { 0 };

        str_add_folded(&out, span_of(folds[i].text));
        CHECK_STR(str_text(&out), folds[i].folded);
        CHECK_INT(out.len, strlen(folds[i].text));
        str_fini(&out);
    }
}
