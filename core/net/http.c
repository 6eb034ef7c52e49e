/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "net/allow.h"
#include "net/loop.h"

struct http {
    struct loop *loop;
    CURLM *multi;
    struct allow allow;
    char *ca_file;
    struct timer timer; /* libcurl's */
    struct list running;
    struct list waiting;
    int running_count;
    int waiting_count;
};

struct http_call {
    struct list link; /* in running or waiting */
    struct http *http;
    CURL *easy;
    struct curl_slist *headers;
    struct curl_slist *mail_to;
    char *message; /* of a mail; what has been sent of it */
    size_t message_len, message_sent;
    bool is_mail, is_plain;
    struct timer deadline;
    struct http_url url; /* borrowed from url_text */
    char *url_text;
    struct str reply_headers;
    struct str reply_body;
    struct err why; /* a refusal of ours, said instead of libcurl's sentence */
    char curl_why[CURL_ERROR_SIZE];
    http_fn *done;
    void *arg;
    bool is_running;
    bool may_have_sent;
};

/* No escapes and nothing beyond ASCII: libcurl would decode them, and then it would connect
 * to another name than the one that was decided on. */
#define HOST_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:"

/* -- Text ------------------------------------------------------------------------------- */

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

static int parse_mail_url(struct http_url *parts, const char *url, struct err *err)
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

/* -- Calls -------------------------------------------------------------------------------- */

static void free_call(struct http_call *call)
{
    timer_stop(&call->deadline);
    list_remove(&call->link);
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    curl_slist_free_all(call->mail_to);
    free(call->message);
    str_fini(&call->reply_headers);
    str_fini(&call->reply_body);
    free(call->url_text);
    free(call);
}

static void run_next(struct http *http)
{
    while (http->running_count < HTTP_AT_ONCE_MAX && !list_is_empty(&http->waiting)) {
        struct http_call *call =
            list_item(list_take(&http->waiting), struct http_call, link);
        list_add(&http->running, &call->link);
        http->waiting_count--;
        http->running_count++;
        call->is_running = true;
        CURLMcode rc = curl_multi_add_handle(http->multi, call->easy);
        assert(rc == CURLM_OK);
    }
}

static void take_out(struct http_call *call)
{
    struct http *http = call->http;

    if (call->is_running) {
        curl_multi_remove_handle(http->multi, call->easy);
        http->running_count--;
    } else {
        http->waiting_count--;
    }
    list_remove(&call->link);
}

static void answer(struct http_call *call, const struct http_reply *reply)
{
    struct http *http = call->http;

    take_out(call);
    timer_stop(&call->deadline);
    run_next(http);
    call->done(call->arg, reply);
    free_call(call);
}

static void fail(struct http_call *call, const char *sentence, bool is_hopeless)
{
    struct http_reply reply = {
        .may_have_sent = call->may_have_sent,
        .is_hopeless = is_hopeless,
        .body = "",
        .error = sentence,
        .headers = "",
    };

    answer(call, &reply);
}

static bool is_hopeless(const struct http_call *call, CURLcode rc)
{
    return call->why.code == ERR_DENIED || rc == CURLE_PEER_FAILED_VERIFICATION ||
           rc == CURLE_URL_MALFORMAT || rc == CURLE_UNSUPPORTED_PROTOCOL ||
           rc == CURLE_SSL_CACERT_BADFILE;
}

/* The server said no: what it said counts, whatever libcurl makes of it. */
static bool refused_mail(struct http_call *call, CURLcode rc)
{
    long status = 0;

    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (!call->is_mail || rc == CURLE_OK || call->why.code != 0 || status < 400)
        return false;
    struct http_reply reply = {
        .status = (int)status,
        .body = "",
        .error = call->curl_why[0] ? call->curl_why : curl_easy_strerror(rc),
        .headers = "",
    };
    answer(call, &reply);
    return true;
}

static void on_done(struct http_call *call, CURLcode rc)
{
    long status = 0;

    if (refused_mail(call, rc))
        return;
    if (rc != CURLE_OK) {
        const char *sentence = call->why.code != 0 ? call->why.text
                               : call->curl_why[0] ? call->curl_why
                                                   : curl_easy_strerror(rc);
        fail(call, sentence, is_hopeless(call, rc));
        return;
    }
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    struct http_reply reply = {
        .status = (int)status,
        .may_have_sent = true,
        .body = str_text(&call->reply_body),
        .body_len = call->reply_body.len,
        .headers = str_text(&call->reply_headers),
    };
    answer(call, &reply);
}

static void on_deadline(void *arg)
{
    struct http_call *call = arg;

    fail(call,
         call->may_have_sent ? "no reply before the time was up"
                             : "no connection before the time was up",
         false);
}

static void read_messages(struct http *http)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        struct http_call *call = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode rc = message->data.result; /* the message is gone with the handle */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
        on_done(call, rc);
    }
}

/* -- libcurl on the loop -------------------------------------------------------------------- */

struct http_socket {
    struct http *http;
    struct watch *watch;
    curl_socket_t fd;
};

static void free_socket(void *arg)
{
    free(arg);
}

static void on_ready(void *arg, int events)
{
    struct http_socket *sock = arg;
    struct http *http = sock->http;
    int running;

    curl_multi_socket_action(http->multi, sock->fd,
                             (events & WATCH_READ ? CURL_CSELECT_IN : 0) |
                                 (events & WATCH_WRITE ? CURL_CSELECT_OUT : 0) |
                                 (events & WATCH_ERROR ? CURL_CSELECT_ERR : 0),
                             &running);
    read_messages(http);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *own)
{
    struct http *http = arg;
    struct http_socket *sock = own;
    struct err err;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (sock)
            watch_close(sock->watch, free_socket);
        curl_multi_assign(http->multi, fd, NULL);
        return 0;
    }
    int events =
        (what & CURL_POLL_IN ? WATCH_READ : 0) | (what & CURL_POLL_OUT ? WATCH_WRITE : 0);
    if (sock) {
        watch_change(sock->watch, events);
        return 0;
    }
    sock = xcalloc(1, sizeof *sock);
    sock->http = http;
    sock->fd = fd;
    if (watch_open(&sock->watch, http->loop, fd, events, on_ready, sock, &err) != 0) {
        free(sock);
        return -1; /* libcurl fails its calls; their deadline and sentence reach the caller */
    }
    curl_multi_assign(http->multi, fd, sock);
    return 0;
}

static void on_curl_timer(void *arg)
{
    struct http *http = arg;
    int running;

    curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    read_messages(http);
}

static int on_timer_change(CURLM *multi, long ms, void *arg)
{
    struct http *http = arg;

    (void)multi;
    if (ms < 0)
        timer_stop(&http->timer);
    else
        timer_start(&http->timer, http->loop, ms, on_curl_timer, http);
    return 0;
}

int http_open(struct http **out, struct loop *loop, const struct http_options *options,
              struct err *err)
{
    struct http *http = xcalloc(1, sizeof *http);

    if (allow_init(&http->allow, options->allow, err) != 0) {
        free(http);
        return err->code;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    http->loop = loop;
    http->multi = curl_multi_init();
    assert(http->multi);
    http->ca_file = options->ca_file ? xstrdup(options->ca_file) : NULL;
    list_init(&http->running);
    list_init(&http->waiting);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timer_change);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)HTTP_AT_ONCE_MAX);
    *out = http;
    return 0;
}

void http_close(struct http *http)
{
    if (!http)
        return;
    while (!list_is_empty(&http->waiting))
        http_cancel(list_item(list_take(&http->waiting), struct http_call, link));
    while (!list_is_empty(&http->running))
        http_cancel(list_item(list_take(&http->running), struct http_call, link));
    curl_multi_cleanup(http->multi);
    timer_stop(&http->timer);
    allow_fini(&http->allow);
    free(http->ca_file);
    free(http);
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
}

static void set_mail(struct http_call *call, const struct http_request *request)
{
    const struct http_mail *mail = request->mail;
    CURL *easy = call->easy;

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

    if (parse_mail_url(&url, request->url, err) != 0 ||
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
    size_t letters = strspn(request->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

    if (letters == 0 || letters > 16 || request->method[letters])
        return err_set(err, ERR_INVALID, "the method must be capital letters, like GET");
    if (http_url_parse(&url, request->url, err) != 0 ||
        allow_host(&http->allow, url.host, url.port, err) != 0)
        return err->code;
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
    call->is_mail = request->mail != NULL;
    call->is_plain = call->is_mail && request->mail->is_plain;
    if (call->is_mail)
        parse_mail_url(&call->url, call->url_text, err);
    else
        http_url_parse(&call->url, call->url_text, err);
    call->easy = curl_easy_init();
    assert(call->easy);
    if (!call->is_mail && add_headers(call, request, err) != 0) {
        free_call(call);
        return err->code;
    }
    set_limits(call->easy, http);
    set_common(call);
    if (call->is_mail)
        set_mail(call, request);
    else
        set_request(call, request);
    timer_start(&call->deadline, http->loop, request->timeout_ms, on_deadline, call);
    list_add(&http->waiting, &call->link);
    http->waiting_count++;
    run_next(http);
    *out = call;
    return 0;
}

void http_cancel(struct http_call *call)
{
    struct http *http = call->http;

    take_out(call);
    free_call(call);
    run_next(http);
}
