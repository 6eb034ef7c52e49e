/* SPDX-License-Identifier: Apache-2.0 */
#include "api/key_age.h"

void key_age_try(struct key_age *age, int64_t now_ms)
{
    age->tried_ms = now_ms;
}

void key_age_end(struct key_age *age, int64_t now_ms, bool is_fetched)
{
    age->has_failed = !is_fetched;
    if (is_fetched)
        age->fetched_ms = now_ms;
}

bool key_age_is_stale(const struct key_age *age, int64_t now_ms)
{
    return age->fetched_ms > 0 && now_ms - age->fetched_ms >= KEY_AGE_FRESH_MS;
}

bool key_age_may_fetch(const struct key_age *age, int64_t now_ms)
{
    int64_t pause_ms = age->has_failed ? KEY_AGE_AGAIN_MS : KEY_AGE_MS;

    return age->tried_ms == 0 || now_ms - age->tried_ms >= pause_ms;
}
