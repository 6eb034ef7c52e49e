/* SPDX-License-Identifier: Apache-2.0 */
#include "base/said.h"

#include <stdio.h>

#include "check.h"

static struct said said;

static bool says(const char *subject, const char *sentence, int64_t now_ms,
                 int64_t withheld)
{
    int64_t was;
    bool is = said_now(&said, span_of(subject), span_of(sentence), now_ms, &was);

    CHECK_INT(was, withheld);
    return is;
}

TEST(each_subject_is_heard_and_the_same_sentence_once_a_minute)
{
    static const struct {
        const char *subject, *sentence;
        int64_t now_ms, withheld;
        bool is_said;
    } turns[] = {
        { "defender", "line 1, column 3: want a value", 1000, 0, true },
        { "defender", "line 1, column 3: want a value", 1001, 0, false },
        { "defender", "line 9, column 71: want a value", 1002, 0, false },
        { "sentinel", "line 1, column 3: want a value", 1003, 0, true },
        { "sentine", "lline 1, column 3: want a value", 1003, 0, true },
        { "defender", "no proof came with it", 1004, 0, true },
        { "defender", "origin eventgrid.azure.us", 1005, 0, true },
        { "defender", "origin eventgrid.azure.cn", 1006, 0, true },
        { "defender", "no proof came with it", 60999, 0, false },
        { "defender", "line 1, column 3: want a value", 61000, 2, true },
        { "defender", "line 1, column 3: want a value", 61001, 0, false },
        { "defender", "line 1, column 3: want a value", 121000, 1, true },
    };

    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++)
        if (says(turns[i].subject, turns[i].sentence, turns[i].now_ms, turns[i].withheld) !=
            turns[i].is_said)
            FAIL("turn %zu", i);
}

TEST(one_subject_with_ever_new_sentences_is_held_back_and_hides_nobody)
{
    char sentence[32];
    int count = 0;

    for (int i = 0; i < 5000; i++) {
        snprintf(sentence, sizeof sentence, "%c%c%c", 'a' + i % 26, 'a' + i / 26 % 26,
                 'a' + i / 676);
        count += says("loud", sentence, 1000 + i, 0);
    }
    CHECK_INT(count, SAID_OF_ONE_MAX);
    CHECK(says("quiet", "once", 6001, 0));
}
