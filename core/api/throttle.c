/* SPDX-License-Identifier: Apache-2.0 */
#include "api/throttle.h"

#include <string.h>

static struct hash name_of(const char *name)
{
    return hash_of(name, strlen(name));
}

/* The few places where a name may be. */
static struct throttle_place *places_of(const struct throttle *throttle, struct hash name)
{
    size_t bucket =
        ((size_t)name.bytes[0] << 8 | name.bytes[1]) % (THROTTLE_PLACES / THROTTLE_WAYS);

    return (struct throttle_place *)&throttle->places[bucket * THROTTLE_WAYS];
}

static struct throttle_place *find(const struct throttle *throttle, const char *text)
{
    struct hash name = name_of(text);
    struct throttle_place *places = places_of(throttle, name);

    for (int i = 0; i < THROTTLE_WAYS; i++)
        if (places[i].count > 0 && memcmp(&places[i].name, &name, sizeof name) == 0)
            return &places[i];
    return NULL;
}

static struct throttle_place *make(struct throttle *throttle, const char *text,
                                   int64_t now_ms)
{
    struct hash name = name_of(text);
    struct throttle_place *places = places_of(throttle, name), *oldest = places;

    for (int i = 1; i < THROTTLE_WAYS; i++)
        if (places[i].since_ms < oldest->since_ms)
            oldest = &places[i];
    *oldest = (struct throttle_place){ .name = name, .since_ms = now_ms };
    return oldest;
}

int64_t throttle_wait_ms(const struct throttle *throttle, const char *name, int64_t now_ms)
{
    const struct throttle_place *place = find(throttle, name);

    if (place == NULL || place->count < throttle->max ||
        now_ms - place->since_ms >= throttle->within_ms)
        return 0;
    return throttle->within_ms - (now_ms - place->since_ms);
}

bool throttle_note(struct throttle *throttle, const char *name, int64_t now_ms)
{
    struct throttle_place *place = find(throttle, name);

    if (place == NULL)
        place = make(throttle, name, now_ms);
    if (now_ms - place->since_ms >= throttle->within_ms) {
        place->since_ms = now_ms;
        place->count = 0;
    }
    return ++place->count == throttle->max;
}

void throttle_forget(struct throttle *throttle, const char *name)
{
    struct throttle_place *place = find(throttle, name);

    if (place != NULL)
        place->count = 0;
}
