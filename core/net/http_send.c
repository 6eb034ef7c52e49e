/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_send.c - bytes for a listener that says nothing back.
 *
 * libcurl finds, allows and reaches the other side as for a request (CONNECT_ONLY), TLS and
 * all; then we write. Nobody answers, so what is known is what the kernel knows: that the other
 * machine has acknowledged every byte (TCP, TLS), or that it was handed to the network (UDP).
 */
#include "net/http_inside.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/err.h"

enum { LOOK_MS = 10 }; /* between two looks at what the kernel still has */

static const struct {
    const char *prefix;
    bool is_tls, is_datagram;
} schemes[] = { { "udp://", false, true },
                { "tcp://", false, false },
                { "tls://", true, false } };
enum { SCHEMES = sizeof schemes / sizeof *schemes };

static int parse_url(struct http_url *parts, bool *is_datagram, const char *url,
                     struct err *err)
{
    size_t i = 0;

    while (i < SCHEMES && strncmp(url, schemes[i].prefix, 6) != 0)
        i++;
    if (i == SCHEMES || url[6 + strcspn(url + 6, "/?#")] != '\0')
        return err_set(err, ERR_INVALID,
                       "the listener must be udp://HOST:PORT, tcp://HOST:PORT or "
                       "tls://HOST:PORT");
    *parts = (struct http_url){ .is_tls = schemes[i].is_tls };
    *is_datagram = schemes[i].is_datagram;
    return http_authority_parse(parts, url, 6, err);
}

int http_send_check(const struct http *http, const struct http_request *request,
                    struct err *err)
{
    struct http_url url = { 0 };
    bool is_datagram = false;

    if (parse_url(&url, &is_datagram, request->url, err) != 0 ||
        allow_host(&http->allow, url.host, url.port, err) != 0)
        return err->code;
    if (request->body_len == 0 || request->body_len > HTTP_SEND_MAX)
        return err_set(err, ERR_INVALID, "want 1 to %d bytes to send (HTTP_SEND_MAX)",
                       HTTP_SEND_MAX);
    return 0;
}

void http_send_set(struct http_call *call, const struct http_request *request)
{
    CURL *easy = call->easy;
    struct str url = { 0 };
    struct err ignored; /* http_send_check() has read it */

    parse_url(&call->url, &call->is_datagram, call->url_text, &ignored);
    call->message_len = request->body_len;
    call->message = xmalloc(request->body_len);
    memcpy(call->message, request->body, request->body_len);
    str_printf(&url, "%s://%s", call->url.is_tls ? "https" : "http", call->url_text + 6);
    curl_easy_setopt(easy, CURLOPT_URL, str_text(&url)); /* copied */
    str_fini(&url);
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_ENABLE_ALPN, 0L); /* it is no HTTP that follows */
    /* And no FORBID_REUSE, with which it would end before we write: it ends with the call. */
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
}

static int socket_error(int fd)
{
    int error = 0;
    socklen_t len = sizeof error;

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 ? errno : error;
}

/* Has the other machine all of it? Over UDP nobody would say so. */
static bool is_acknowledged(const struct http_call *call, int fd)
{
    int unsent = 0;

    return call->is_datagram || (ioctl(fd, SIOCOUTQ, &unsent) == 0 && unsent == 0);
}

static void look(struct http_call *call)
{
    curl_socket_t fd = CURL_SOCKET_BAD;

    curl_easy_getinfo(call->easy, CURLINFO_ACTIVESOCKET, &fd);
    bool is_done = is_acknowledged(call, fd);
    int error = socket_error(fd); /* behind the look: a reset throws away what is unsent */
    if (error != 0)
        http_fail(call, strerror(error), false);
    else if (is_done)
        http_answer(call, &(struct http_reply){ .status = HTTP_SENT,
                                                .may_have_sent = true,
                                                .body = "",
                                                .headers = "" });
    else
        timer_start(&call->again, call->http->loop, LOOK_MS, http_send_go_on, call);
}

void http_send_go_on(void *arg)
{
    struct http_call *call = arg;
    size_t left = call->message_len - call->message_sent, len = 0;
    CURLcode rc = CURLE_OK;

    if (left > 0)
        rc = curl_easy_send(call->easy, call->message + call->message_sent, left, &len);
    call->message_sent += len;
    call->may_have_sent = call->may_have_sent || rc != CURLE_AGAIN;
    if (rc == CURLE_AGAIN || (rc == CURLE_OK && call->message_sent < call->message_len))
        timer_start(&call->again, call->http->loop, LOOK_MS, http_send_go_on, call);
    else if (rc == CURLE_OK)
        look(call);
    else
        http_fail(call, call->curl_why[0] ? call->curl_why : curl_easy_strerror(rc), false);
}
