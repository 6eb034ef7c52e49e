/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/zone.h - time zones: what a file of tzdata (RFC 8536, versions 1 to 4) says.
 *
 * The caller reads the file. What comes of it is data, a JSON list of pairs
 *
 *     [[seconds since 1970, seconds east of UTC], ...]
 *
 * each of which counts from its time on, the first also before it. So the engine, which opens
 * no file, knows the local time of every moment until ZONE_YEAR_LAST.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;

enum {
    ZONE_NAME_MAX = 64,        /* bytes of a name */
    ZONE_FILE_MAX = 64 * 1024, /* bytes of a file; the largest has 4 KiB */
    ZONE_YEAR_LAST = 2100
};

/* "Europe/Berlin", "UTC", "Etc/GMT-3": is it the name of a zone, and nothing that leaves the
 * folder of tzdata? */
bool zone_is_name(struct span text);

/* Adds the list of pairs to out; nothing on failure. */
int zone_read(struct span file, struct str *out, struct err *err);

/* Seconds east of UTC at that moment; 0 when there are no pairs. */
int64_t zone_offset(struct span pairs, int64_t unix_s);
