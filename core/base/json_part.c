/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

static bool has_members(struct span value, struct span wanted)
{
    struct span key, item;
    size_t pos = 0;

    while (json_next(wanted, &pos, &key, &item)) {
        struct span other_key, other, got = { 0 };
        size_t at = 0;

        /* Keys of canonical text are the same bytes when they are the same text. */
        while (got.len == 0 && json_next(value, &at, &other_key, &other))
            if (span_equal(other_key, key))
                got = other;
        if (got.len == 0 || !json_has(got, item))
            return false;
    }
    return true;
}

bool json_has(struct span value, struct span wanted)
{
    struct span item, other;
    size_t pos = 0, at = 0;

    if (json_kind(wanted) == JSON_ARRAY && json_count(wanted) == 0)
        return json_count(value) == 0; /* an empty Lua table is either */
    if (json_kind(value) != json_kind(wanted))
        return false;
    if (json_kind(wanted) == JSON_OBJECT)
        return has_members(value, wanted);
    if (json_kind(wanted) != JSON_ARRAY)
        return json_same(value, wanted);
    if (json_count(value) != json_count(wanted))
        return false;
    while (json_next(wanted, &pos, NULL, &item))
        if (!json_next(value, &at, NULL, &other) || !json_has(other, item))
            return false;
    return true;
}
