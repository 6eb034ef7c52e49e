/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

enum { SHOW_MAX = 32 };

int64_t clock_unix_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_mono_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Splits into calendar parts; returns the milliseconds that are left over, 0 to 999, also
 * before 1970. */
static int split(int64_t unix_ms, struct tm *tm)
{
    int64_t seconds = unix_ms / 1000;
    int ms = (int)(unix_ms % 1000);

    if (ms < 0) {
        ms += 1000;
        seconds--;
    }
    time_t when = (time_t)seconds;
    gmtime_r(&when, tm);
    return ms;
}

char *clock_show(int64_t unix_ms, char *buf)
{
    struct tm tm;

    split(unix_ms, &tm);
    strftime(buf, SHOW_MAX, "%04Y-%m-%dT%H:%M:%SZ", &tm);
    return buf;
}

char *clock_show_time(int64_t unix_ms, char *buf)
{
    struct tm tm;
    int ms = split(unix_ms, &tm);
    size_t len = strftime(buf, SHOW_MAX, "%H:%M:%S", &tm);

    snprintf(buf + len, SHOW_MAX - len, ".%03d", ms);
    return buf;
}
