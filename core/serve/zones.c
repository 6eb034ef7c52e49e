/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/zones.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/schema.h"
#include "base/zone.h"
#include "serve/inside.h"

enum { NAMES_MAX = 2000, FOLDERS_MAX = 8 };

static const char *zones_folder(void)
{
    const char *folder = getenv("TZDIR");

    return folder != NULL && folder[0] == '/' ? folder : "/usr/share/zoneinfo";
}

/* -- The nearest name ----------------------------------------------------------------------- */

/* nftw() passes nothing on. */
static struct {
    struct arena arena;
    const char *names[NAMES_MAX];
    size_t count, skip;
} found;

static int on_file(const char *path, const struct stat *stat, int type, struct FTW *at)
{
    (void)stat;
    (void)at;
    if (type == FTW_F && found.count < NAMES_MAX &&
        zone_is_name(span_of(path + found.skip)))
        found.names[found.count++] = arena_strdup(&found.arena, path + found.skip);
    return 0;
}

static int refuse_unknown(struct span name, struct err *err)
{
    found.count = 0;
    found.skip = strlen(zones_folder()) + 1;
    nftw(zones_folder(), on_file, FOLDERS_MAX, FTW_PHYS);
    const char *nearest = schema_nearest(name, found.names, found.count);
    if (found.count == 0)
        err_set(
            err, ERR_NOT_FOUND,
            "the time zones of tzdata are not in %s: install the package tzdata, or set "
            "TZDIR for cordon",
            zones_folder());
    else
        err_set(err, ERR_INVALID, "there is no time zone \"%.*s\"%s%s%s", (int)name.len,
                name.ptr, nearest != NULL ? "; did you mean \"" : ": want a name such as ",
                nearest != NULL ? nearest : "\"Europe/Berlin\"",
                nearest != NULL ? "\"?" : "");
    arena_fini(&found.arena);
    return err->code;
}

/* -- One zone ------------------------------------------------------------------------------- */

static int zones_read(struct span name, struct str *pairs, struct err *err)
{
    char path[4096];
    struct str file = { 0 };

    if (!zone_is_name(name))
        return err_set(err, ERR_INVALID,
                       "want the name of a time zone of tzdata such as \"Europe/Berlin\"");
    int len =
        snprintf(path, sizeof path, "%s/%.*s", zones_folder(), (int)name.len, name.ptr);
    int rc = len < (int)sizeof path ? serve_read_file(&file, path, ZONE_FILE_MAX, err)
                                    : err_set(err, ERR_TOO_BIG, "TZDIR is too long");
    if (rc == 0 && (rc = zone_read(str_span(&file), pairs, err)) != 0)
        err_wrap(err, "%s", path);
    else if (rc != 0 && rc != ERR_BUSY)
        rc = refuse_unknown(name, err);
    str_fini(&file);
    return rc;
}

/* -- All of a policy ------------------------------------------------------------------------ */

typedef int zone_fn(struct span name, const char *path, void *arg, struct err *err);

static int each_time(struct span match, const char *path, zone_fn *fn, void *arg,
                     struct err *err)
{
    struct span time = json_get(match, "time"), item;
    size_t pos = 0;

    if (json_kind(time) == JSON_OBJECT)
        return json_get(time, "zone").len > 0 ? fn(json_get(time, "zone"), path, arg, err)
                                              : 0;
    while (json_next(time, &pos, NULL, &item))
        if (json_get(item, "zone").len > 0 &&
            fn(json_get(item, "zone"), path, arg, err) != 0)
            return err->code;
    return 0;
}

static int each_zone(struct span policy, zone_fn *fn, void *arg, struct err *err)
{
    static const char *const keys[] = { "rules", "freeze" };
    char path[64];

    for (size_t i = 0; i < 2; i++) {
        struct span item;
        size_t pos = 0;

        for (int n = 0; json_next(json_get(policy, keys[i]), &pos, NULL, &item); n++) {
            snprintf(path, sizeof path, "%s[%d].match.time.zone", keys[i], n);
            if (each_time(json_get(item, "match"), path, fn, arg, err) != 0)
                return err->code;
        }
    }
    return 0;
}

static int check_zone(struct span name, const char *path, void *arg, struct err *err)
{
    struct str pairs = { 0 };

    (void)arg;
    int rc = zones_read(json_raw(name), &pairs, err);
    str_fini(&pairs);
    return rc == 0 ? 0 : err_wrap(err, "%s", path);
}

struct zones_out {
    struct json_out *out;
    struct span names[ZONES_MAX];
    size_t count;
};

static bool is_new(const struct zones_out *zones, struct span name)
{
    for (size_t i = 0; i < zones->count; i++)
        if (span_equal(zones->names[i], name))
            return false;
    return true;
}

static int count_zone(struct span name, const char *path, void *arg, struct err *err)
{
    struct zones_out *zones = arg;

    if (!is_new(zones, json_raw(name)))
        return 0;
    if (zones->count == ZONES_MAX)
        return err_set(err, ERR_TOO_BIG, "%s: a policy names at most %d time zones", path,
                       ZONES_MAX);
    zones->names[zones->count++] = json_raw(name);
    return 0;
}

int zones_check(struct span policy, struct err *err)
{
    struct zones_out zones = { 0 };

    if (each_zone(policy, count_zone, &zones, err) != 0)
        return err->code;
    return each_zone(policy, check_zone, NULL, err);
}

void zones_put(struct json_out *out, struct span policy)
{
    struct zones_out zones = { 0 };
    struct err ignored;

    each_zone(policy, count_zone, &zones, &ignored);
    if (zones.count == 0)
        return;
    json_key(out, "zones");
    json_open(out, '{');
    for (size_t i = 0; i < zones.count; i++) {
        struct str pairs = { 0 };

        json_key_span(out, zones.names[i]);
        /* It was there a moment ago; without it the hours are those of UTC. */
        json_raw_value(out, zones_read(zones.names[i], &pairs, &ignored) == 0
                                ? str_span(&pairs)
                                : span_of("[]"));
        str_fini(&pairs);
    }
    json_close(out);
}
