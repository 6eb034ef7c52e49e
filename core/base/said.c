/* SPDX-License-Identifier: Apache-2.0 */
#include "base/said.h"

#include <string.h>

/* FNV-1a: these are no secrets, and who collides on purpose hides only what is his own. */
static uint64_t mark_of(struct span text, bool has_numbers)
{
    uint64_t mark = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < text.len; i++) {
        if (!has_numbers && text.ptr[i] >= '0' && text.ptr[i] <= '9')
            continue;
        mark = (mark ^ (unsigned char)text.ptr[i]) * UINT64_C(0x100000001b3);
    }
    return mark;
}

static bool is_fresh(const struct said_one *one, int64_t now_ms)
{
    return one->at_ms > 0 && now_ms - one->at_ms < SAID_AGAIN_MS;
}

/* The one with this sentence, or the oldest of all; *fresh counts those of the subject. */
static struct said_one *find(struct said *said, uint64_t subject, uint64_t sentence,
                             int64_t now_ms, int *fresh)
{
    struct said_one *oldest = &said->items[0];

    *fresh = 0;
    for (int i = 0; i < SAID_MAX; i++) {
        struct said_one *one = &said->items[i];

        if (one->at_ms > 0 && one->subject == subject && one->sentence == sentence)
            return one;
        *fresh += one->subject == subject && is_fresh(one, now_ms);
        if (one->at_ms < oldest->at_ms)
            oldest = one;
    }
    return oldest;
}

bool said_now(struct said *said, struct span subject, struct span sentence, int64_t now_ms,
              int64_t *withheld)
{
    uint64_t who = mark_of(subject, true), what = mark_of(sentence, false);
    int fresh;
    struct said_one *one = find(said, who, what, now_ms, &fresh);
    bool is_known = one->at_ms > 0 && one->subject == who && one->sentence == what;

    *withheld = 0;
    if (is_known && is_fresh(one, now_ms)) {
        one->withheld++;
        return false;
    }
    if (!is_known && fresh >= SAID_OF_ONE_MAX)
        return false;
    if (is_known)
        *withheld = one->withheld;
    *one = (struct said_one){ .subject = who, .sentence = what, .at_ms = now_ms };
    return true;
}
