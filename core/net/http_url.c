/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_url.c - what stands in an address and in a header, read without libcurl.
 */
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "net/http_inside.h"

/* No escapes and nothing beyond ASCII: libcurl would decode them, and then it would connect
 * to another name than the one that was decided on. */
#define HOST_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:"

struct span http_text(const struct http_reply *reply)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t skipped = reply->body_len >= 3 && memcmp(reply->body, mark, 3) == 0 ? 3 : 0;

    return (struct span){ reply->body + skipped, reply->body_len - skipped };
}

struct span http_header(const char *headers, const char *name)
{
    struct span found = { 0 };
    size_t name_len = strlen(name);

    for (const char *line = headers; *line;) {
        const char *end = strchr(line, '\n');
        if (!end)
            end = line + strlen(line);
        if ((size_t)(end - line) > name_len && line[name_len] == ':' &&
            strncasecmp(line, name, name_len) == 0) {
            const char *value = line + name_len + 1;
            while (value < end && (*value == ' ' || *value == '\t'))
                value++;
            found = (struct span){ value, (size_t)(end - value) };
        }
        line = *end ? end + 1 : end;
    }
    return found;
}

/* Host and port behind "//"; a user name in front is refused, since it only ever misleads. */
static bool parse_authority(struct http_url *parts, struct span text)
{
    const char *end = text.ptr + text.len;
    const char *host_end;
    int64_t port = parts->port;

    if (text.len == 0 || memchr(text.ptr, '@', text.len))
        return false;
    if (*text.ptr == '[') {
        host_end = memchr(text.ptr, ']', text.len);
        if (!host_end)
            return false;
        parts->host = (struct span){ text.ptr + 1, (size_t)(host_end - text.ptr - 1) };
        host_end++;
    } else {
        host_end = memchr(text.ptr, ':', text.len);
        if (!host_end)
            host_end = end;
        parts->host = (struct span){ text.ptr, (size_t)(host_end - text.ptr) };
    }
    if (host_end < end) {
        struct span digits = { host_end + 1, (size_t)(end - host_end - 1) };
        if (*host_end != ':' || !span_int(digits, &port))
            return false;
    }
    parts->port = (int)port;
    for (size_t i = 0; i < parts->host.len; i++)
        if (!strchr(HOST_LETTERS, parts->host.ptr[i]))
            return false;
    return parts->host.len > 0 && port > 0 && port < 65536;
}

static int check_letters(const char *url, struct err *err)
{
    struct span text = span_of(url);

    if (text.len > HTTP_URL_MAX)
        return err_set(err, ERR_TOO_BIG, "the url has %zu bytes, at most %d (HTTP_URL_MAX)",
                       text.len, HTTP_URL_MAX);
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)url[i] <= ' ' || url[i] == 0x7f || url[i] == '\\')
            return err_set(err, ERR_INVALID,
                           "the url has a character that must be escaped");
    return 0;
}

int http_url_parse(struct http_url *parts, const char *url, struct err *err)
{
    size_t scheme;

    if (check_letters(url, err) != 0)
        return err->code;
    if (strncasecmp(url, "https://", 8) == 0)
        scheme = 8;
    else if (strncasecmp(url, "http://", 7) == 0)
        scheme = 7;
    else
        return err_set(err, ERR_INVALID, "the url must begin with https:// or http://");
    parts->is_tls = scheme == 8;
    parts->port = parts->is_tls ? 443 : 80;
    struct span authority = { url + scheme, strcspn(url + scheme, "/?#") };
    if (!parse_authority(parts, authority))
        return err_set(err, ERR_INVALID, "the url has no host and port that can be used");
    return 0;
}

int http_mail_url_parse(struct http_url *parts, const char *url, struct err *err)
{
    size_t scheme = strncmp(url, "smtps://", 8) == 0  ? 8
                    : strncmp(url, "smtp://", 7) == 0 ? 7
                                                      : 0;

    if (check_letters(url, err) != 0)
        return err->code;
    if (scheme == 0 || url[scheme + strcspn(url + scheme, "/?#")] != '\0')
        return err_set(err, ERR_INVALID,
                       "the mail server must be smtp://HOST:PORT or smtps://HOST:PORT");
    parts->is_tls = scheme == 8;
    parts->port = parts->is_tls ? 465 : 587;
    if (!parse_authority(parts, span_of(url + scheme)))
        return err_set(err, ERR_INVALID,
                       "the mail server has no host and port that can be used");
    return 0;
}

int http_authority_parse(struct http_url *parts, const char *url, size_t skip,
                         struct err *err)
{
    if (check_letters(url, err) != 0)
        return err->code;
    if (!parse_authority(parts, span_of(url + skip)))
        return err_set(err, ERR_INVALID,
                       "the listener has no host and port that can be used");
    return 0;
}

bool http_is_address(const char *text)
{
    size_t len = strlen(text);
    const char *at = strchr(text, '@');

    if (len > HTTP_MAIL_ADDRESS_MAX || at == NULL || at == text || at[1] == '\0' ||
        strchr(at + 1, '@') != NULL)
        return false;
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] >= 0x7f || strchr("<>()[]\\,;:\"", text[i]) != NULL)
            return false;
    return true;
}
