/* SPDX-License-Identifier: Apache-2.0 */
/* Which name was meant: schema_nearest of base/schema.h. */
#include "base/schema_part.h"

#include <string.h>

enum {
    DISTANCE_MAX = 3,
    WORD_MAX = 64 /* bytes: nobody misspells longer names by three letters */
};

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* How many letters to add, drop, change or swap with their neighbour; letters' case does
 * not count. */
static int distance(struct span a, struct span b)
{
    int rows[3][WORD_MAX + 1];
    int *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b.len; j++)
        above[j] = (int)j;
    for (size_t i = 1; i <= a.len; i++) {
        row[0] = (int)i;
        for (size_t j = 1; j <= b.len; j++) {
            struct span left = { a.ptr + i - 1, 1 }, right = { b.ptr + j - 1, 1 };
            int cost = !span_equal_nocase(left, right);
            row[j] = least(above[j - 1] + cost, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] &&
                a.ptr[i - 2] == b.ptr[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        int *spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[b.len];
}

const char *schema_nearest(struct span word, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    int nearest_distance = DISTANCE_MAX + 1;

    for (size_t i = 0; i < count; i++) {
        struct span name = span_of(names[i]);
        if (word.len > WORD_MAX || name.len > WORD_MAX)
            continue;
        int now = distance(word, name);
        size_t shorter = word.len < name.len ? word.len : name.len;
        /* A name more than half of whose letters are changed is another name. */
        if (now < nearest_distance && (size_t)now * 2 <= shorter) {
            nearest = names[i];
            nearest_distance = now;
        }
    }
    return nearest;
}
