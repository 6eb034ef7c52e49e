/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_start.c - what a request may be, and what libcurl is told of it.
 */
#include "net/http_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/err.h"

/* -- What libcurl asks of us while a call runs -------------------------------------------- */

static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct http_call *call = arg;
    size_t len = size * count;
    size_t text_len = len;

    if (call->reply_headers.len + len > HTTP_HEADERS_MAX) {
        err_set(&call->why, ERR_TOO_BIG,
                "the reply's headers are larger than %d bytes "
                "(HTTP_HEADERS_MAX)",
                HTTP_HEADERS_MAX);
        return 0;
    }
    while (text_len > 0 && (bytes[text_len - 1] == '\r' || bytes[text_len - 1] == '\n'))
        text_len--;
    if (text_len > 5 && memcmp(bytes, "HTTP/", 5) == 0)
        str_reset(&call->reply_headers); /* what came with a 1xx is not the reply's */
    else if (text_len > 0 && !memchr(bytes, 0, text_len)) {
        str_add(&call->reply_headers, bytes, text_len);
        str_add_char(&call->reply_headers, '\n');
    }
    return len;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct http_call *call = arg;
    size_t len = size * count;

    if (call->reply_body.len + len > HTTP_BODY_MAX) {
        err_set(&call->why, ERR_TOO_BIG,
                "the reply is larger than %d bytes (HTTP_BODY_MAX)", HTTP_BODY_MAX);
        return 0;
    }
    str_add(&call->reply_body, bytes, len);
    return len;
}

/* After DNS, for each address tried: the only place where a name cannot lie. */
static curl_socket_t on_open_socket(void *arg, curlsocktype purpose,
                                    struct curl_sockaddr *address)
{
    struct http_call *call = arg;

    (void)purpose;
    if (allow_address(&call->http->allow, call->url.host, &address->addr,
                      call->is_mail ? call->is_plain : !call->url.is_tls, &call->why) != 0)
        return CURL_SOCKET_BAD;
    if (call->is_datagram)
        return socket(address->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Connected, and about to send. The second time it would be sent again. */
static int on_before_request(void *arg, char *local_ip, char *remote_ip, int local_port,
                             int remote_port)
{
    struct http_call *call = arg;

    (void)local_ip;
    (void)remote_ip;
    (void)local_port;
    (void)remote_port;
    if (call->may_have_sent) {
        err_set(&call->why, ERR_IO,
                "the connection was closed after the request was sent, "
                "before a reply");
        return CURL_PREREQFUNC_ABORT;
    }
    call->may_have_sent = true;
    return CURL_PREREQFUNC_OK;
}

/* The message, piece by piece. Once libcurl has asked and got nothing it says that this was
 * all, and from then on nobody knows but the server. */
static size_t on_message(char *bytes, size_t size, size_t count, void *arg)
{
    struct http_call *call = arg;
    size_t left = call->message_len - call->message_sent;
    size_t len = size * count < left ? size * count : left;

    memcpy(bytes, call->message + call->message_sent, len);
    call->message_sent += len;
    if (len == 0)
        call->may_have_sent = true;
    return len;
}

/* -- Starting ------------------------------------------------------------------------------- */

/* Header lines that are whole and alone: a line break in one would be a header of its own. */
static int add_headers(struct http_call *call, const struct http_request *request,
                       struct err *err)
{
    bool has_type = false;

    call->headers = curl_slist_append(NULL, "Expect:"); /* no round trip before the body */
    for (const char *const *header = request->headers; header && *header; header++) {
        if (!strchr(*header, ':') || strpbrk(*header, "\r\n"))
            return err_set(err, ERR_INVALID,
                           "a header is not one line of the form \"Name: value\"");
        has_type = has_type || strncasecmp(*header, "content-type:", 13) == 0;
        call->headers = curl_slist_append(call->headers, *header);
    }
    if (!has_type) /* libcurl would claim that every body is a form */
        call->headers = curl_slist_append(call->headers, "Content-Type:");
    return 0;
}

static bool has_body(const struct http_request *request)
{
    return request->body || strcmp(request->method, "POST") == 0 ||
           strcmp(request->method, "PUT") == 0 || strcmp(request->method, "PATCH") == 0;
}

static void set_limits(CURL *easy, const struct http *http)
{
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)HTTP_IDLE_S);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "cordon/1");
    if (http->ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_file);
    if (http->ca_pem) { /* it outlives the call: nothing to copy */
        struct curl_blob pem = { .data = http->ca_pem,
                                 .len = strlen(http->ca_pem),
                                 .flags = CURL_BLOB_NOCOPY };
        curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &pem);
    }
}

static void set_mail(struct http_call *call, const struct http_request *request)
{
    const struct http_mail *mail = request->mail;
    CURL *easy = call->easy;

    assert(mail != NULL);
    for (int i = 0; mail->to[i] != NULL; i++)
        call->mail_to = curl_slist_append(call->mail_to, mail->to[i]);
    call->message_len = request->body_len;
    call->message = xmalloc(request->body_len + 1);
    memcpy(call->message, request->body, request->body_len);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(easy, CURLOPT_URL, call->url_text);
    curl_easy_setopt(easy, CURLOPT_PORT, (long)call->url.port);
    curl_easy_setopt(easy, CURLOPT_USE_SSL,
                     (long)(mail->is_plain ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    curl_easy_setopt(easy, CURLOPT_MAIL_FROM, mail->from);
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, call->mail_to);
    if (mail->user != NULL) {
        curl_easy_setopt(easy, CURLOPT_USERNAME, mail->user);
        curl_easy_setopt(easy, CURLOPT_PASSWORD, mail->password ? mail->password : "");
    }
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_message);
    curl_easy_setopt(easy, CURLOPT_READDATA, call);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)-1);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
}

/* What every transfer has, whatever it carries. */
static void set_common(struct http_call *call)
{
    CURL *easy = call->easy;

    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl_why);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
}

static void set_request(struct http_call *call, const struct http_request *request)
{
    CURL *easy = call->easy;

    curl_easy_setopt(easy, CURLOPT_URL, call->url_text);
    if (has_body(request)) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
        curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, request->body ? request->body : "");
    }
    if (strcmp(request->method, "HEAD") == 0)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_before_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
}

static int check_mail(const struct http *http, const struct http_request *request,
                      struct err *err)
{
    const struct http_mail *mail = request->mail;
    struct http_url url = { 0 };
    int count = 0;

    if (http_mail_url_parse(&url, request->url, err) != 0 ||
        allow_host(&http->allow, url.host, url.port, err) != 0)
        return err->code;
    bool is_right = http_is_address(mail->from);
    for (; mail->to[count] != NULL; count++)
        is_right = is_right && http_is_address(mail->to[count]);
    if (!is_right || count == 0 || count > HTTP_MAIL_TO_MAX)
        return err_set(err, ERR_INVALID,
                       "a mail wants a sender and 1 to %d recipients (HTTP_MAIL_TO_MAX), "
                       "each like name@example.org",
                       HTTP_MAIL_TO_MAX);
    return 0;
}

static int check_request(const struct http *http, const struct http_request *request,
                         struct err *err)
{
    struct http_url url;

    if (http->waiting_count >= HTTP_WAITING_MAX)
        return err_set(err, ERR_BUSY, "%d requests wait already (HTTP_WAITING_MAX)",
                       HTTP_WAITING_MAX);
    if (request->mail != NULL)
        return check_mail(http, request, err);
    if (request->is_send)
        return http_send_check(http, request, err);
    size_t letters = strspn(request->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

    if (letters == 0 || letters > 16 || request->method[letters])
        return err_set(err, ERR_INVALID, "the method must be capital letters, like GET");
    if (http_url_parse(&url, request->url, err) != 0 ||
        allow_host(&http->allow, url.host, url.port, err) != 0)
        return err->code;
    return 0;
}

/* What the url is, and what libcurl is told of the request. */
static int set_up(struct http_call *call, const struct http_request *request,
                  struct err *err)
{
    set_limits(call->easy, call->http);
    set_common(call);
    if (call->is_send) {
        http_send_set(call, request);
    } else if (call->is_mail) {
        http_mail_url_parse(&call->url, call->url_text, err);
        set_mail(call, request);
    } else {
        http_url_parse(&call->url, call->url_text, err);
        if (add_headers(call, request, err) != 0)
            return err->code;
        set_request(call, request);
    }
    return 0;
}

int http_start(struct http_call **out, struct http *http,
               const struct http_request *request, http_fn *done, void *arg,
               struct err *err)
{
    if (check_request(http, request, err) != 0)
        return err->code;
    struct http_call *call = xcalloc(1, sizeof *call);
    list_init(&call->link);
    call->http = http;
    call->done = done;
    call->arg = arg;
    call->url_text = xstrdup(request->url);
    call->is_send = request->is_send;
    call->is_mail = request->mail != NULL;
    call->is_plain = call->is_mail && request->mail->is_plain;
    call->easy = curl_easy_init();
    assert(call->easy);
    if (set_up(call, request, err) != 0) {
        http_free(call);
        return err->code;
    }
    timer_start(&call->deadline, http->loop, request->timeout_ms, http_on_deadline, call);
    list_add(&http->waiting, &call->link);
    http->waiting_count++;
    http_run_next(http);
    *out = call;
    return 0;
}
