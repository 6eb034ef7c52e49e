/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/lro.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "net/http.h"
#include "plugin/retry.h"

static const char *const way_names[] = {
    [LRO_NONE] = "none",
    [LRO_STATUS] = "status",
    [LRO_LOCATION] = "location",
    [LRO_RESOURCE] = "resource",
};

void lro_fini(struct lro *lro)
{
    free(lro->poll);
    free(lro->final);
    *lro = (struct lro){ 0 };
}

/* Checked JSON of the reply, or the empty span. */
static struct span body_json(const struct http_reply *reply)
{
    struct span text = http_text(reply);
    struct err err;

    return json_check(text.ptr, text.len, HTTP_BODY_MAX, &err) == 0 ? text
                                                                    : (struct span){ 0 };
}

static bool is_method(const char *method, const char *a, const char *b)
{
    return strcmp(method, a) == 0 || strcmp(method, b) == 0;
}

/* Any other word is a provider's own and means that it goes on. */
static enum lro_state state_of(struct span word)
{
    if (span_equal_nocase(word, span_of("Succeeded")))
        return LRO_SUCCEEDED;
    if (span_equal_nocase(word, span_of("Failed")))
        return LRO_FAILED;
    if (span_equal_nocase(word, span_of("Canceled")) ||
        span_equal_nocase(word, span_of("Cancelled")))
        return LRO_CANCELED;
    return LRO_RUNNING;
}

static struct span provisioning(const struct http_reply *reply)
{
    return json_raw(json_path(body_json(reply), "properties.provisioningState"));
}

/* -- Whom to follow ------------------------------------------------------------------------ */

/* What is behind the first dot: "azure.com" for "management.azure.com"; itself two labels at
 * least, so that nobody follows into all of "com". Empty when there is no such thing. */
static struct span parent_of(struct span host)
{
    const char *dot = memchr(host.ptr, '.', host.len);

    if (!dot || strchr("0123456789", host.ptr[host.len - 1]))
        return (struct span){ 0 };
    struct span parent = { dot + 1, host.len - (size_t)(dot + 1 - host.ptr) };
    return parent.len > 0 && memchr(parent.ptr, '.', parent.len) ? parent
                                                                 : (struct span){ 0 };
}

static bool is_below(struct span host, struct span parent)
{
    if (parent.len == 0 || host.len <= parent.len ||
        host.ptr[host.len - parent.len - 1] != '.')
        return false;
    struct span tail = { host.ptr + host.len - parent.len, parent.len };
    return span_equal_nocase(tail, parent);
}

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text > '~')
            return false;
    return true;
}

bool lro_may_follow(const char *from, const char *to)
{
    struct http_url a, b;
    struct err err;

    /* Addresses in headers are ASCII. What is not may be no UTF-8 either, and the record would
     * have another address than the one that is followed. */
    if (strcmp(from, to) != 0 && !is_ascii(to))
        return false;
    if (http_url_parse(&a, from, &err) != 0 || http_url_parse(&b, to, &err) != 0)
        return false;
    if (a.is_tls && !b.is_tls)
        return false;
    if (span_equal_nocase(a.host, b.host))
        return a.port == b.port;
    return is_below(b.host, parent_of(a.host));
}

/* -- The first reply ------------------------------------------------------------------------- */

/* What may not stand in an address, and does: names of resource groups have blanks and letters
 * beyond ASCII. */
static char *encoded(struct span link)
{
    struct str out = { 0 };

    for (size_t i = 0; i < link.len; i++) {
        unsigned char c = (unsigned char)link.ptr[i];
        if (c > ' ' && c < 0x7f)
            str_add_char(&out, (char)c);
        else
            str_printf(&out, "%%%02X", c);
    }
    return str_take(&out);
}

/* An address in a header; a path alone is completed with the request's host. */
static char *address_in(const char *headers, const char *name, const char *url)
{
    struct span value = http_header(headers, name);

    if (value.len == 0)
        return NULL;
    char *link = encoded(value);
    if (*link != '/')
        return link;
    const char *slashes = strstr(url, "//");
    size_t len = slashes ? (size_t)(slashes - url) + 2 + strcspn(slashes + 2, "/?#") : 0;
    struct str whole = { 0 };
    str_add(&whole, url, len);
    str_add_text(&whole, link);
    free(link);
    return str_take(&whole);
}

static void choose(struct lro *lro, const char *method, const char *url,
                   const struct http_reply *reply)
{
    char *status = address_in(reply->headers, "Azure-AsyncOperation", url);
    char *location =
        reply->status == 200 ? NULL : address_in(reply->headers, "Location", url);

    if (status) {
        lro->way = LRO_STATUS;
        lro->poll = status;
        lro->final = is_method(method, "PUT", "PATCH") ? xstrdup(url) : location;
        if (lro->final == location)
            location = NULL;
    } else if (location && (reply->status == 202 || !provisioning(reply).len)) {
        lro->way = LRO_LOCATION;
        lro->poll = location;
        lro->final = is_method(method, "PUT", "PATCH") ? xstrdup(url) : NULL;
        location = NULL;
    } else if (provisioning(reply).len && state_of(provisioning(reply)) == LRO_RUNNING) {
        lro->way = LRO_RESOURCE;
        lro->poll = xstrdup(url);
    }
    free(location);
}

int lro_begin(struct lro *lro, const char *method, const char *url,
              const struct http_reply *reply, struct err *err)
{
    *lro = (struct lro){ 0 };
    if (reply->status < 200 || reply->status > 202 || is_method(method, "GET", "HEAD"))
        return 0;
    choose(lro, method, url, reply);
    if (lro->way == LRO_NONE || (lro_may_follow(url, lro->poll) &&
                                 (!lro->final || lro_may_follow(url, lro->final))))
        return 0;
    err_set(
        err, ERR_DENIED,
        "the operation goes on, but is to be followed at an address that does not belong "
        "to the host that was asked: %.200s",
        lro->poll);
    lro_fini(lro);
    return ERR_DENIED;
}

/* -- Polls ------------------------------------------------------------------------------------ */

static enum lro_state read_status(const struct http_reply *reply)
{
    struct span word = json_get_raw(body_json(reply), "status");

    if (reply->status == 202 && word.len == 0)
        return LRO_RUNNING;
    if (reply->status < 200 || reply->status > 202 || word.len == 0)
        return LRO_UNREADABLE;
    return state_of(word);
}

/* 401, 403 and 404 say that we may not know, or that the record is gone: not how it ended. */
static enum lro_state read_location(const struct http_reply *reply)
{
    if (reply->status == 202)
        return LRO_RUNNING;
    if (reply->status >= 200 && reply->status <= 204)
        return LRO_SUCCEEDED;
    if (reply->status == 401 || reply->status == 403 || reply->status == 404)
        return LRO_UNREADABLE;
    return reply->status >= 400 ? LRO_FAILED : LRO_UNREADABLE;
}

static enum lro_state read_resource(const struct http_reply *reply)
{
    if (reply->status != 200)
        return LRO_UNREADABLE;
    struct span word = provisioning(reply);
    return word.len == 0 ? LRO_SUCCEEDED : state_of(word);
}

enum lro_state lro_read(const struct lro *lro, const struct http_reply *reply)
{
    switch (lro->way) {
    case LRO_STATUS: return read_status(reply);
    case LRO_LOCATION: return read_location(reply);
    case LRO_RESOURCE: return read_resource(reply);
    case LRO_NONE: break;
    }
    return LRO_UNREADABLE;
}

int64_t lro_delay_ms(const char *headers, int64_t unix_ms)
{
    int64_t ms = retry_after_ms(headers, unix_ms);

    if (ms < 0)
        ms = LRO_DEFAULT_MS;
    return ms < LRO_LEAST_MS ? LRO_LEAST_MS : ms > LRO_MOST_MS ? LRO_MOST_MS : ms;
}

/* -- The record --------------------------------------------------------------------------------- */

void lro_save(const struct lro *lro, const char *method, const char *url,
              struct str *record)
{
    struct json_out out = { .str = record };

    json_open(&out, '{');
    json_put(&out, "final", lro->final);
    json_put(&out, "method", method);
    json_put(&out, "poll", lro->poll);
    json_put(&out, "url", url);
    json_put(&out, "way", way_names[lro->way]);
    json_close(&out);
}

static bool is_text(struct span record, const char *key, const char *wanted)
{
    char *text = json_get_text(record, key);
    bool is_same = text && strcmp(text, wanted) == 0;

    free(text);
    return is_same;
}

bool lro_load(struct lro *lro, const char *method, const char *url, struct span record)
{
    *lro = (struct lro){ 0 };
    if (!is_text(record, "method", method) || !is_text(record, "url", url))
        return false;
    for (int way = LRO_STATUS; way <= LRO_RESOURCE; way++)
        if (is_text(record, "way", way_names[way]))
            lro->way = (enum lro_way)way;
    lro->poll = json_get_text(record, "poll");
    lro->final = json_get_text(record, "final");
    if (lro->way != LRO_NONE && lro->poll && lro_may_follow(url, lro->poll) &&
        (!lro->final || lro_may_follow(url, lro->final)))
        return true;
    lro_fini(lro);
    return false;
}
