/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/retry.h"

#include <string.h>
#include <time.h>

#include <cordon/plugin.h>

#include "base/str.h"
#include "net/http.h"

/* Digits, and a fraction of them perhaps: to milliseconds, upwards; -1 for anything else. */
static int64_t number_ms(const char *text, int64_t unit_ms)
{
    int64_t whole = 0, part = 0, scale = 1;
    const char *at = text;

    for (; *at >= '0' && *at <= '9'; at++)
        whole = whole < RETRY_AFTER_MAX_MS ? whole * 10 + (*at - '0') : whole;
    bool has_digits = at > text;
    if (*at == '.')
        for (at++; *at >= '0' && *at <= '9'; at++)
            if (scale < 1000) {
                part = part * 10 + (*at - '0');
                scale *= 10;
            }
    if (!has_digits || *at != '\0')
        return -1;
    if (whole >= RETRY_AFTER_MAX_MS / unit_ms)
        return RETRY_AFTER_MAX_MS;
    return whole * unit_ms + (part * unit_ms + scale - 1) / scale;
}

/* The three forms of a date that RFC 9110 has a recipient read. */
static int64_t date_ms(const char *text, int64_t unix_ms)
{
    static const char *const forms[] = { "%a, %d %b %Y %H:%M:%S GMT",
                                         "%A, %d-%b-%y %H:%M:%S GMT",
                                         "%a %b %d %H:%M:%S %Y" };

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm tm = { 0 };
        const char *end = strptime(text, forms[i], &tm);
        if (end == NULL || *end != '\0')
            continue;
        int64_t ms = (int64_t)timegm(&tm) * 1000 - unix_ms;
        return ms < 0 ? 0 : ms > RETRY_AFTER_MAX_MS ? RETRY_AFTER_MAX_MS : ms;
    }
    return -1;
}

static bool take_header(const char *headers, const char *name, char text[64])
{
    struct span value = http_header(headers, name);

    if (value.len == 0 || value.len >= 64)
        return false;
    memcpy(text, value.ptr, value.len);
    text[value.len] = '\0';
    return true;
}

int64_t retry_after_ms(const char *headers, int64_t unix_ms)
{
    char text[64] = "";
    int64_t ms = -1;

    if (take_header(headers, "Retry-After", text)) {
        ms = number_ms(text, 1000);
        if (ms < 0)
            ms = date_ms(text, unix_ms);
    }
    if (ms < 0 && (take_header(headers, "retry-after-ms", text) ||
                   take_header(headers, "x-ms-retry-after-ms", text)))
        ms = number_ms(text, 1);
    return ms;
}

/* Is sending it twice harmless whatever came? */
static bool is_harmless(const char *method, uint32_t flags)
{
    return (flags & CORDON_HTTP_SAFE) || strcmp(method, "GET") == 0 ||
           strcmp(method, "HEAD") == 0;
}

static bool is_passing(int status)
{
    return status == 408 || status == 500 || status == 502 || status == 503 ||
           status == 504;
}

static bool may_repeat(const struct retry_try *try)
{
    if ((try->flags & CORDON_HTTP_ONCE) || try->is_hopeless)
        return false;
    if (try->attempt >= RETRY_ATTEMPTS_MAX)
        return false;
    if (try->status == 429 || (try->status == 0 && !try->may_have_sent))
        return true;
    return is_harmless(try->method, try->flags) &&
           (try->status == 0 || is_passing(try->status));
}

int64_t retry_delay_ms(const struct retry_try *try, int64_t unix_ms, uint32_t chance)
{
    if (!may_repeat(try))
        return -1;
    int64_t ms = try->status != 0 ? retry_after_ms(try->headers, unix_ms) : -1;
    if (ms < 0) {
        ms = RETRY_FIRST_MS;
        for (int i = 1; i < try->attempt && ms < RETRY_LAST_MS; i++)
            ms *= 2;
        ms = ms < RETRY_LAST_MS ? ms : RETRY_LAST_MS;
    }
    /* Only ever longer: earlier than the server asked would be refused again. At least some
     * milliseconds, so that many clients told "1 second" do not come back as one. */
    int64_t spread = ms * RETRY_JITTER_PERCENT / 100 + 50;
    return ms + (int64_t)(chance % (uint64_t)(spread + 1));
}
