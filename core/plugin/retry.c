/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/retry.h"

#include <string.h>
#include <time.h>

#include <cordon/plugin.h>

#include "base/str.h"
#include "net/http.h"

int64_t retry_after_ms(const char *headers, int64_t unix_ms)
{
    struct span value = http_header(headers, "Retry-After");
    char text[64] = "";
    struct tm tm = { 0 };
    int64_t ms = -1;

    if (value.len == 0 || value.len >= sizeof text)
        return -1;
    memcpy(text, value.ptr, value.len);
    int64_t seconds;
    if (span_int(value, &seconds))
        ms = seconds < 0 ? -1 : seconds > 86400 ? RETRY_AFTER_MAX_MS : seconds * 1000;
    else if (strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm))
        ms = (int64_t)timegm(&tm) * 1000 > unix_ms ? (int64_t)timegm(&tm) * 1000 - unix_ms
                                                   : 0;
    return ms > RETRY_AFTER_MAX_MS ? RETRY_AFTER_MAX_MS : ms;
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
