/* SPDX-License-Identifier: Apache-2.0 */
#include "api/key_age.h"

#include "check.h"

enum { NOW = 1000 * 1000 };

TEST(what_was_never_tried_may_be_fetched_and_is_not_stale)
{
    struct key_age age = { 0 };

    CHECK(key_age_may_fetch(&age, NOW));
    CHECK(!key_age_is_stale(&age, NOW));
}

TEST(after_a_success_an_unknown_key_fetches_nothing_for_five_minutes)
{
    struct key_age age = { 0 };

    key_age_try(&age, NOW);
    key_age_end(&age, NOW + 200, true);
    CHECK(!key_age_may_fetch(&age, NOW + 201));
    CHECK(!key_age_may_fetch(&age, NOW + KEY_AGE_MS - 1));
    CHECK(key_age_may_fetch(&age, NOW + KEY_AGE_MS));
}

TEST(after_a_failure_there_is_a_pause_also_when_there_are_no_keys_at_all)
{
    struct key_age age = { 0 };

    key_age_try(&age, NOW);
    CHECK(!key_age_may_fetch(&age, NOW + 1)); /* under way */
    key_age_end(&age, NOW + 200, false);
    CHECK(!key_age_may_fetch(&age, NOW + KEY_AGE_AGAIN_MS - 1));
    CHECK(key_age_may_fetch(&age, NOW + KEY_AGE_AGAIN_MS));
    CHECK(!key_age_is_stale(&age, NOW + KEY_AGE_FRESH_MS * 2));
}

TEST(keys_are_fetched_anew_after_an_hour_before_one_is_trusted_again)
{
    struct key_age age = { 0 };

    key_age_try(&age, NOW);
    key_age_end(&age, NOW, true);
    CHECK(!key_age_is_stale(&age, NOW + KEY_AGE_FRESH_MS - 1));
    CHECK(key_age_is_stale(&age, NOW + KEY_AGE_FRESH_MS));
    CHECK(key_age_may_fetch(&age, NOW + KEY_AGE_FRESH_MS));
}

TEST(an_issuer_that_does_not_answer_is_asked_again_and_the_old_keys_stay_stale)
{
    struct key_age age = { 0 };

    key_age_try(&age, NOW);
    key_age_end(&age, NOW, true);
    key_age_try(&age, NOW + KEY_AGE_FRESH_MS);
    key_age_end(&age, NOW + KEY_AGE_FRESH_MS + 5, false);
    CHECK(key_age_is_stale(&age, NOW + KEY_AGE_FRESH_MS + 6));
    CHECK(!key_age_may_fetch(&age, NOW + KEY_AGE_FRESH_MS + 6));
    CHECK(key_age_may_fetch(&age, NOW + KEY_AGE_FRESH_MS + KEY_AGE_AGAIN_MS));
}
