/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "exchange.h"
#include "serve.h"

enum { IDLE_TIMEOUT_S = 120, BODY_FIRST_SIZE = 4096 };

struct http {
    struct MHD_Daemon *daemon;
    struct sim *sim;
    char *url;
    bool has_tls;
    struct exchange *late; /* suspended until their time comes */
};

/* One request on its way: the body as it arrives, the reply until it is out. */
struct exchange {
    struct http *http;
    struct exchange *next_late;
    struct MHD_Connection *connection;
    char *uri;
    char *body;
    size_t body_len;
    size_t body_size;
    bool is_begun;
    bool is_too_big;
    bool is_served;
    int64_t due_ms;
    struct reply reply;
};

const char *request_query(const struct request *request, const char *name)
{
    return request->connection == NULL
               ? NULL
               : MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND,
                                             name);
}

const char *request_header(const struct request *request, const char *name)
{
    return request->connection == NULL
               ? NULL
               : MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

struct query_walk {
    query_fn *fn;
    void *arg;
};

static enum MHD_Result on_query(void *arg, enum MHD_ValueKind kind, const char *name,
                                const char *value)
{
    const struct query_walk *walk = arg;

    (void)kind;
    (void)value;
    walk->fn(name, walk->arg);
    return MHD_YES;
}

void request_each_query(const struct request *request, query_fn *fn, void *arg)
{
    struct query_walk walk = { .fn = fn, .arg = arg };

    if (request->connection != NULL)
        MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, on_query,
                                  &walk);
}

static void *on_uri(void *arg, const char *uri, struct MHD_Connection *connection)
{
    struct exchange *exchange = xcalloc(1, sizeof *exchange);

    exchange->http = arg;
    exchange->connection = connection;
    exchange->uri = xstrdup(uri);
    return exchange;
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    struct exchange *exchange = *state;

    (void)arg;
    (void)connection;
    (void)code;
    if (exchange == NULL)
        return;
    reply_fini(&exchange->reply);
    free(exchange->uri);
    free(exchange->body);
    free(exchange);
    *state = NULL;
}

static void take_body(struct exchange *exchange, const char *data, size_t len)
{
    if (exchange->is_too_big || exchange->body_len + len > BODY_MAX) {
        exchange->is_too_big = true;
        return;
    }
    if (exchange->body_len + len + 1 > exchange->body_size) {
        size_t size = exchange->body_size > 0 ? exchange->body_size : BODY_FIRST_SIZE;
        while (size < exchange->body_len + len + 1)
            size *= 2;
        char *body = realloc(exchange->body, size);
        if (body == NULL)
            abort();
        exchange->body = body;
        exchange->body_size = size;
    }
    memcpy(exchange->body + exchange->body_len, data, len);
    exchange->body_len += len;
    exchange->body[exchange->body_len] = '\0';
}

/* Where the client is; false when that is not loopback. */
static bool is_local(struct MHD_Connection *connection, char text[ADDRESS_SIZE])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct sockaddr_in address;

    if (info == NULL || info->client_addr->sa_family != AF_INET)
        return false;
    memcpy(&address, info->client_addr, sizeof address);
    inet_ntop(AF_INET, &address.sin_addr, text, ADDRESS_SIZE);
    return ntohl(address.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

static void serve_exchange(struct exchange *exchange, const char *method, const char *url)
{
    const struct http *http = exchange->http;
    struct request request = {
        .sim = http->sim,
        .connection = exchange->connection,
        .method = method,
        .uri = exchange->uri,
        .body = exchange->body,
        .body_len = exchange->body_len,
        .is_too_big = exchange->is_too_big,
    };
    const char *host = request_header(&request, "Host");

    request.is_local = is_local(exchange->connection, request.client_address);
    request.base = host != NULL
                       ? text_format("%s://%s", http->has_tls ? "https" : "http", host)
                       : xstrdup(http->url);
    request.client_request_id = request_header(&request, "x-ms-client-request-id");
    request.traceparent = request_header(&request, "traceparent");
    if (request_path(&request, url))
        serve(&request, &exchange->reply);
    else
        reply_error(&exchange->reply, 400, "BadRequest", "a path has at most %d parts",
                    SEGMENTS_MAX);
    request_fini(&request);
}

/* Breaks the connection at once: disconnecting a connected socket makes the kernel send a
 * reset and nothing else. The library closes what is left. */
static enum MHD_Result reset(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct sockaddr nowhere = { .sa_family = AF_UNSPEC };

    if (info != NULL)
        (void)connect(info->connect_fd, &nowhere, sizeof nowhere);
    return MHD_NO;
}

static enum MHD_Result send_reply(struct exchange *exchange)
{
    const struct reply *reply = &exchange->reply;
    char *text = reply->json != NULL  ? cJSON_PrintUnformatted(reply->json)
                 : reply->xml != NULL ? xstrdup(reply->xml)
                                      : NULL;
    size_t len = text != NULL ? strlen(text) : 0;

    if (reply->is_reset) {
        cJSON_free(text);
        return reset(exchange->connection);
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
    if (response == NULL)
        abort();
    if (text != NULL && reply_header_get(reply, "Content-Type") == NULL)
        MHD_add_response_header(response, "Content-Type",
                                reply->xml != NULL ? "application/xml"
                                                   : "application/json; charset=utf-8");
    for (int i = 0; i < reply->header_count; i++)
        MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
    enum MHD_Result result =
        MHD_queue_response(exchange->connection, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection,
                                  const char *url, const char *method, const char *version,
                                  const char *data, size_t *data_len, void **state)
{
    struct exchange *exchange = *state;
    struct http *http = arg;

    (void)version;
    if (!exchange->is_begun) {
        exchange->is_begun = true;
        return MHD_YES;
    }
    if (*data_len > 0) {
        take_body(exchange, data, *data_len);
        *data_len = 0;
        return MHD_YES;
    }
    if (!exchange->is_served) {
        exchange->is_served = true;
        serve_exchange(exchange, method, url);
        if (exchange->reply.delay_ms > 0) {
            exchange->due_ms = clock_steady_ms() + exchange->reply.delay_ms;
            exchange->next_late = http->late;
            http->late = exchange;
            MHD_suspend_connection(connection);
            return MHD_YES;
        }
    }
    return send_reply(exchange);
}

/* Wakes those whose time has come. Returns how long the next one waits, -1 for none. */
static int wake_late(struct http *http, bool all)
{
    struct exchange **link = &http->late;
    int64_t now_ms = clock_steady_ms();
    int64_t wait_ms = -1;

    while (*link != NULL) {
        struct exchange *exchange = *link;
        if (all || exchange->due_ms <= now_ms) {
            *link = exchange->next_late;
            MHD_resume_connection(exchange->connection);
            wait_ms = 0;
            continue;
        }
        if (wait_ms < 0 || exchange->due_ms - now_ms < wait_ms)
            wait_ms = exchange->due_ms - now_ms;
        link = &exchange->next_late;
    }
    return (int)wait_ms;
}

/* A socket of our own, so that a port in use can be told from other trouble. */
static int listen_on(const struct http_config *config, int *port, char error[ERROR_SIZE])
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)config->port) };
    socklen_t len = sizeof address;
    int yes = 1;

    if (inet_pton(AF_INET, config->host, &address.sin_addr) != 1) {
        snprintf(error, ERROR_SIZE, "--host %s has to be an IPv4 address like 127.0.0.1",
                 config->host);
        return -1;
    }
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, CONNECTIONS_MAX) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        snprintf(error, ERROR_SIZE, "listen on %s port %d: %s", config->host, config->port,
                 strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    *port = ntohs(address.sin_port);
    return fd;
}

int http_open(struct http **out, const struct http_config *config, struct sim *sim,
              char error[ERROR_SIZE])
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
    struct http *http = xcalloc(1, sizeof *http);
    int port = 0;

    int fd = listen_on(config, &port, error);
    if (fd < 0) {
        free(http);
        return -1;
    }
    http->sim = sim;
    http->has_tls = config->cert != NULL;
    http->url =
        text_format("%s://%s:%d", http->has_tls ? "https" : "http", config->host, port);
    struct MHD_OptionItem tls[] = {
        { MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)config->cert },
        { MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)config->key },
        { MHD_OPTION_END, 0, NULL },
    };
    struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };
    http->daemon =
        MHD_start_daemon(flags | (http->has_tls ? MHD_USE_TLS : 0), 0, NULL, NULL,
                         on_request, http, MHD_OPTION_LISTEN_SOCKET, fd,
                         MHD_OPTION_URI_LOG_CALLBACK, on_uri, http,
                         MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
                         MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
                         MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT_S,
                         MHD_OPTION_ARRAY, http->has_tls ? tls : none, MHD_OPTION_END);
    if (http->daemon == NULL) {
        snprintf(error, ERROR_SIZE, "start the listener: %s",
                 http->has_tls ? "the certificate or its key is not good"
                               : strerror(errno));
        close(fd);
        free(http->url);
        free(http);
        return -1;
    }
    *out = http;
    return 0;
}

const char *http_url(const struct http *http)
{
    return http->url;
}

void http_run(struct http *http, int stop_fd)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    struct pollfd fds[2] = { { .fd = info->epoll_fd, .events = POLLIN },
                             { .fd = stop_fd, .events = POLLIN } };

    while ((fds[1].revents & POLLIN) == 0) {
        MHD_UNSIGNED_LONG_LONG library_ms;
        int wait_ms = wake_late(http, false);
        if (MHD_get_timeout(http->daemon, &library_ms) == MHD_YES &&
            (wait_ms < 0 || library_ms < (unsigned)wait_ms))
            wait_ms = (int)library_ms;
        poll(fds, 2, wait_ms);
        MHD_run(http->daemon);
    }
}

void http_close(struct http *http)
{
    wake_late(http, true);
    MHD_run(http->daemon);
    MHD_stop_daemon(http->daemon);
    free(http->url);
    free(http);
}
