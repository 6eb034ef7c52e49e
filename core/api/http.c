/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/http.c - libmicrohttpd, driven by our loop through the one descriptor that it waits on.
 *
 * A request that waits for the engine is suspended, and costs nothing until it is resumed:
 * libmicrohttpd then calls again, and finds the reply in the request.
 */
#include "api/http.h"

#include <assert.h>
#include <netdb.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <errno.h>
#include <malloc.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <microhttpd.h>

#include "api/metrics.h"
#include "api/route.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "net/loop.h"

enum {
    STATUS_MAX = 599,
    SUBJECT_MAX = 512,
    STRICT = 1,
    ADDRESS_MAX = 128,
    TRIM_EVERY = 1000,
    TRIM_LAST = 100
};

struct server {
    struct loop *loop;
    struct MHD_Daemon *daemon;
    struct watch *watch;
    struct timer timer;
    struct later again;
    const struct route *routes;
    unsigned listener;
    identify_fn *identify;
    void *arg;
    char address[ADDRESS_MAX];
    struct list requests;
    bool has_client_ca, is_quiet;
    int connected, left; /* left: since memory was given back */
};

struct header {
    struct header *next;
    char *name, *value;
};

struct request {
    struct list in_server;
    struct server *server;
    struct MHD_Connection *connection;
    const struct route *route;
    char *path, *params[HTTP_IN_PARAMS_MAX];
    struct str body, note;
    struct caller caller;
    char peer[INET6_ADDRSTRLEN], *subject;
    struct arena arena;
    void *kept;
    void (*drop)(void *);
    /* the reply */
    struct MHD_Response *response;
    struct header *headers;
    int status;
    bool is_head, is_suspended, is_begun, is_queued, is_too_big;
    /* a stream */
    struct str out;
    bool is_stream, is_over,
        is_left; /* left: its owner does not know yet that it is over */
    void (*gone)(struct request *);
};

/* -- what libmicrohttpd says --------------------------------------------------------------- */

static void __attribute__((format(printf, 2, 0)))
on_mhd_log(void *arg, const char *fmt, va_list args)
{
    char text[256];

    (void)arg;
    vsnprintf(text, sizeof text, fmt, args);
    text[strcspn(text, "\n")] = '\0';
    log_debug("http: %s", text);
}

/* -- running ------------------------------------------------------------------------------- */

static void run_now(void *arg);

static void arm(struct server *server)
{
    MHD_UNSIGNED_LONG_LONG ms;

    if (MHD_get_timeout(server->daemon, &ms) != MHD_YES)
        timer_stop(&server->timer);
    else
        timer_start(&server->timer, server->loop, ms > 60000 ? 60000 : (int64_t)ms, run_now,
                    server);
}

static void run_now(void *arg)
{
    struct server *server = arg;

    MHD_run(server->daemon);
    arm(server);
}

static void on_ready(void *arg, int events)
{
    (void)events;
    run_now(arg);
}

/* Never from inside libmicrohttpd: what is resumed goes on in this turn of the loop. */
static void resume(struct request *request)
{
    if (!request->is_suspended)
        return;
    request->is_suspended = false;
    MHD_resume_connection(request->connection);
    loop_later(request->server->loop, &request->server->again, run_now, request->server);
}

/* -- a request's life ---------------------------------------------------------------------- */

static void free_request(struct request *request)
{
    if (request->drop != NULL)
        request->drop(request->kept);
    list_remove(&request->in_server);
    if (request->response != NULL)
        MHD_destroy_response(request->response);
    while (request->headers != NULL) {
        struct header *header = request->headers;

        request->headers = header->next;
        free(header->name);
        free(header->value);
        free(header);
    }
    for (int i = 0; i < HTTP_IN_PARAMS_MAX; i++)
        free(request->params[i]);
    free(request->path);
    free(request->subject);
    free(request->caller.who);
    free(request->caller.groups);
    free(request->caller.token);
    str_wipe(&request->body); /* it may hold a password */
    str_wipe(&request->note);
    str_fini(&request->out);
    arena_fini(&request->arena);
    free(request);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why)
{
    struct request *request = *state;

    (void)arg;
    (void)connection;
    (void)why;
    *state = NULL;
    if (request == NULL)
        return;
    request->connection = NULL;
    if (request->is_stream && (!request->is_over || request->is_left) &&
        request->gone != NULL)
        request->gone(request);
    free_request(request);
}

static struct request *new_request(struct server *server, struct MHD_Connection *connection,
                                   const char *path, const char *method)
{
    struct request *request = xcalloc(1, sizeof *request);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    request->server = server;
    request->connection = connection;
    request->path = xstrdup(path);
    request->is_head = strcmp(method, "HEAD") == 0;
    request->caller.via = "api";
    if (info != NULL && info->client_addr != NULL &&
        getnameinfo(info->client_addr,
                    info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                             : sizeof(struct sockaddr_in),
                    request->peer, sizeof request->peer, NULL, 0, NI_NUMERICHOST) != 0)
        request->peer[0] = '\0';
    list_add(&server->requests, &request->in_server);
    return request;
}

/* -- a connection's end -------------------------------------------------------------------- */

/* What very many connections had is given back when they have gone: it would stay ours. */
static void on_connection(void *arg, struct MHD_Connection *connection, void **state,
                          enum MHD_ConnectionNotificationCode what)
{
    struct server *server = arg;

    (void)connection;
    (void)state;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        server->connected++;
        return;
    }
    server->connected--;
    if (++server->left < TRIM_EVERY && (server->connected > 0 || server->left < TRIM_LAST))
        return;
    server->left = 0;
    malloc_trim(0);
}

/* -- before the body ----------------------------------------------------------------------- */

/* "application/json; charset=utf-8" is application/json. */
static bool is_type(const char *type, const char *wanted)
{
    size_t len = strlen(wanted);

    if (type == NULL || strncasecmp(type, wanted, len) != 0)
        return false;
    type += len;
    type += strspn(type, " ");
    return *type == '\0' || (*type == ';' && strcasestr(type, "charset=utf-8") != NULL);
}

static bool has_right_type(const struct request *request)
{
    const char *type = request_header(request, "Content-Type");

    switch (request->route->content) {
    case CONTENT_JSON: return is_type(type, "application/json");
    case CONTENT_FORM: return is_type(type, "application/x-www-form-urlencoded");
    default: return true;
    }
}

static size_t body_max(const struct request *request)
{
    if (request->route == NULL || request->route->content == CONTENT_NONE)
        return 0;
    return request->route->body_max > 0 ? request->route->body_max : HTTP_IN_BODY_MAX;
}

static bool is_too_long(const struct request *request)
{
    const char *text = request_header(request, "Content-Length");
    int64_t length = 0;

    return text != NULL && (!span_int(span_of(text), &length) || length < 0 ||
                            (uint64_t)length > body_max(request));
}

/* A request that two readers may cut differently is answered by nobody. */
struct framing {
    int lengths, encodings, count, hosts;
    bool is_wrong;
};

static enum MHD_Result count_header(void *arg, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    struct framing *framing = arg;

    (void)kind;
    framing->count++;
    framing->hosts += strcasecmp(name, "Host") == 0;
    framing->lengths += strcasecmp(name, "Content-Length") == 0;
    if (strcasecmp(name, "Transfer-Encoding") == 0) {
        framing->encodings++;
        framing->is_wrong = framing->is_wrong || strcasecmp(value, "chunked") != 0;
    }
    for (const char *c = name; *c != '\0'; c++)
        framing->is_wrong = framing->is_wrong || *c == ' ' || *c == '\t';
    return MHD_YES;
}

static bool is_well_framed(struct request *request)
{
    struct framing framing = { 0 };

    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, count_header, &framing);
    if (framing.count > HTTP_IN_HEADERS_MAX) {
        respond_problem(request, 431, "headers", "a request may have %d headers, not %d",
                        HTTP_IN_HEADERS_MAX, framing.count);
        return false;
    }
    if (framing.is_wrong || framing.hosts > 1 || framing.lengths + framing.encodings > 1) {
        respond_problem(request, 400, "framing",
                        "a body has one Content-Length, or Transfer-Encoding: chunked, and "
                        "not both");
        return false;
    }
    return true;
}

static void find_route(struct request *request, const char *method)
{
    const struct server *server = request->server;
    unsigned others = 0;

    request->route = route_find(server->routes, server->listener, method, request->path,
                                request->params, &others);
    if (request->route != NULL)
        return;
    if (others == 0) {
        respond_problem(request, 404, "not_found", "there is nothing at this path");
        return;
    }
    respond_header(request, "Allow", route_methods(others));
    respond_problem(request, 405, "method", "this path takes %s", route_methods(others));
}

/* What can be said before the body is read. True: it may come. */
static bool is_welcome(struct request *request, const char *method)
{
    if (!is_well_framed(request))
        return false;
    find_route(request, method);
    if (request->route == NULL)
        return false;
    if (request->server->identify != NULL &&
        !request->server->identify(request, request->server->arg))
        return false;
    if (is_too_long(request)) {
        respond_problem(request, 413, "too_big", "a body may have %zu bytes here",
                        body_max(request));
        return false;
    }
    if (!has_right_type(request)) {
        respond_problem(request, 415, "content_type", "want Content-Type: %s",
                        request->route->content == CONTENT_JSON
                            ? "application/json"
                            : "application/x-www-form-urlencoded");
        return false;
    }
    return true;
}

/* -- libmicrohttpd calls ------------------------------------------------------------------- */

static enum MHD_Result give_reply(struct request *request)
{
    enum MHD_Result is_done;

    for (const struct header *header = request->headers; header != NULL;
         header = header->next)
        MHD_add_response_header(request->response, header->name, header->value);
    request->is_queued = true;
    metrics_count(request->route, request->status);
    is_done = MHD_queue_response(request->connection, (unsigned)request->status,
                                 request->response);
    MHD_destroy_response(request->response);
    request->response = NULL;
    return is_done;
}

static enum MHD_Result wait_for_reply(struct request *request)
{
    if (request->response != NULL)
        return give_reply(request);
    request->is_suspended = true;
    MHD_suspend_connection(request->connection);
    return MHD_YES;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *data, size_t *len, void **state)
{
    struct server *server = arg;
    struct request *request = *state;

    (void)version;
    if (request == NULL) {
        *state = request = new_request(server, connection, path, method);
        if (is_welcome(request, method) && request->response == NULL)
            return MHD_YES;
        assert(request->response != NULL);
        return give_reply(request);
    }
    if (*len > 0) {
        request->is_too_big = request->is_too_big || *len > body_max(request) ||
                              request->body.len > body_max(request) - *len;
        if (!request->is_too_big)
            str_add(&request->body, data, *len);
        *len = 0;
        if (request->is_too_big)
            return MHD_NO; /* it never said how long it is: nobody reads that */
        return MHD_YES;
    }
    if (!request->is_begun) {
        request->is_begun = true;
        request->route->handler(request);
    }
    return wait_for_reply(request);
}

/* -- streams ------------------------------------------------------------------------------- */

static ssize_t on_stream(void *arg, uint64_t pos, char *buf, size_t max)
{
    struct request *request = arg;
    size_t len = request->out.len < max ? request->out.len : max;

    (void)pos;
    if (len > 0) {
        memcpy(buf, request->out.ptr, len);
        memmove(request->out.ptr, request->out.ptr + len, request->out.len - len);
        request->out.len -= len;
        return (ssize_t)len;
    }
    if (request->is_over)
        return MHD_CONTENT_READER_END_OF_STREAM;
    request->is_suspended = true;
    MHD_suspend_connection(request->connection);
    return 0;
}

void respond_stream(struct request *request, void (*gone)(struct request *request))
{
    request->is_stream = true;
    request->gone = gone;
    request->status = 200;
    request->response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, on_stream, request, NULL);
    respond_header(request, "Content-Type", "text/event-stream");
    respond_header(request, "Cache-Control", "no-store");
    resume(request);
}

void stream_write(struct request *request, struct span bytes)
{
    if (request->is_over)
        return;
    if (request->out.len + bytes.len > HTTP_IN_STREAM_MAX) {
        request->is_left = true; /* it does not read; what it missed it can ask for again */
        request_end(request);
        return;
    }
    str_add_span(&request->out, bytes);
    resume(request);
}

void request_end(struct request *request)
{
    request->is_over = true;
    resume(request);
}

/* -- looking at a request ------------------------------------------------------------------ */

const struct route *request_route(const struct request *request)
{
    return request->route;
}

const char *request_method(const struct request *request)
{
    return request->is_head ? "HEAD" : route_methods(request->route->method);
}

const char *request_path(const struct request *request)
{
    return request->path;
}

const char *request_param(const struct request *request, int i)
{
    return request->params[i] == NULL ? "" : request->params[i];
}

const char *request_query(const struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

struct other {
    const char *const *names;
    size_t count;
    const char *found;
};

static enum MHD_Result look_at_query(void *arg, enum MHD_ValueKind kind, const char *name,
                                     const char *value)
{
    struct other *other = arg;

    (void)kind;
    (void)value;
    for (size_t i = 0; i < other->count; i++)
        if (strcmp(other->names[i], name) == 0)
            return MHD_YES;
    other->found = name;
    return MHD_NO;
}

const char *request_query_other(const struct request *request, const char *const *names,
                                size_t count)
{
    struct other other = { .names = names, .count = count };

    MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, look_at_query,
                              &other);
    return other.found;
}

struct span request_copy(struct request *request, struct span bytes)
{
    return (struct span){ arena_dup(&request->arena, bytes.ptr, bytes.len), bytes.len };
}

void request_set_note(struct request *request, struct span bytes)
{
    str_wipe(&request->note);
    str_add_span(&request->note, bytes);
}

const char *request_note(const struct request *request)
{
    return str_text(&request->note);
}

const char *request_header(const struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

bool request_cookie(const struct request *request, const char *name, struct str *out)
{
    const char *value =
        MHD_lookup_connection_value(request->connection, MHD_COOKIE_KIND, name);

    if (value == NULL)
        return false;
    str_add_text(out, value);
    return true;
}

struct span request_body(const struct request *request)
{
    return str_span(&request->body);
}

const char *request_peer(const struct request *request)
{
    return request->peer;
}

struct caller *request_caller(struct request *request)
{
    return &request->caller;
}

void *request_server_arg(const struct request *request)
{
    return request->server->arg;
}

void request_keep(struct request *request, void *state, void (*drop)(void *state))
{
    request->kept = state;
    request->drop = drop;
}

void *request_kept(const struct request *request)
{
    return request->kept;
}

static char *subject_of(gnutls_session_t session)
{
    unsigned status = 1, count = 0;
    const gnutls_datum_t *chain;
    gnutls_x509_crt_t cert;
    gnutls_datum_t name = { 0 };
    char *subject = NULL;

    if (gnutls_certificate_verify_peers2(session, &status) != 0 || status != 0 ||
        (chain = gnutls_certificate_get_peers(session, &count)) == NULL || count == 0 ||
        gnutls_x509_crt_init(&cert) != 0)
        return NULL;
    if (gnutls_x509_crt_import(cert, chain, GNUTLS_X509_FMT_DER) == 0 &&
        gnutls_x509_crt_get_dn3(cert, &name, 0) == 0 && name.size < SUBJECT_MAX)
        subject = span_dup((struct span){ (const char *)name.data, name.size });
    gnutls_free(name.data);
    gnutls_x509_crt_deinit(cert);
    return subject;
}

const char *request_client_cert(struct request *request)
{
    const union MHD_ConnectionInfo *info;

    if (!request->server->has_client_ca)
        return NULL;
    info = MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (request->subject == NULL && info != NULL)
        request->subject = subject_of(info->tls_session);
    return request->subject;
}

/* -- replies ------------------------------------------------------------------------------- */

void respond_header(struct request *request, const char *name, const char *value)
{
    struct header *header = xcalloc(1, sizeof *header);

    header->name = xstrdup(name);
    header->value = xstrdup(value);
    header->next = request->headers;
    request->headers = header;
}

static void respond_with(struct request *request, int status, const char *type,
                         struct MHD_Response *response)
{
    static const char *const always[][2] = {
        { "X-Content-Type-Options", "nosniff" },
        { "Referrer-Policy", "no-referrer" },
        { "Cross-Origin-Opener-Policy", "same-origin" },
        { "Cross-Origin-Resource-Policy", "same-origin" },
        { "Strict-Transport-Security", "max-age=31536000" },
    };

    if (request->is_stream) { /* it has begun to answer: all that can be said is the end */
        MHD_destroy_response(response);
        request->is_left = true;
        request_end(request);
        return;
    }
    assert(request->response == NULL && !request->is_queued);
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        MHD_add_response_header(response, always[i][0], always[i][1]);
    if (type != NULL)
        MHD_add_response_header(response, "Content-Type", type);
    request->status = status;
    request->response = response;
    resume(request);
}

void respond(struct request *request, int status, const char *type, struct span body)
{
    respond_header(request, "Cache-Control", "no-store");
    respond_header(request, "Content-Security-Policy",
                   "default-src 'none'; frame-ancestors 'none'");
    respond_with(request, status, type,
                 MHD_create_response_from_buffer(body.len, (void *)body.ptr,
                                                 MHD_RESPMEM_MUST_COPY));
}

void respond_static(struct request *request, int status, const char *type, struct span body)
{
    respond_with(request, status, type,
                 MHD_create_response_from_buffer(body.len, (void *)body.ptr,
                                                 MHD_RESPMEM_PERSISTENT));
}

void respond_json(struct request *request, int status, struct span json)
{
    respond(request, status, "application/json", json);
}

void respond_problem(struct request *request, int status, const char *code, const char *fmt,
                     ...)
{
    char sentence[1024];
    struct str text = { 0 };
    struct json_out out = { .str = &text };
    va_list args;

    va_start(args, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    json_open(&out, '{');
    json_put(&out, "code", code);
    json_put(&out, "detail", sentence);
    json_put_int(&out, "status", status);
    json_put(&out, "title", route_status_word(status));
    json_put(&out, "type", "about:blank");
    json_close(&out);
    respond(request, status, "application/problem+json", str_span(&text));
    str_fini(&text);
}

/* -- opening and closing ------------------------------------------------------------------- */

/* "127.0.0.1:8443" and "[::1]:8443". */
static int split(const char *address, char *host, size_t size, const char **port,
                 struct err *err)
{
    const char *colon = strrchr(address, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - address);
    bool is_v6 = len > 2 && address[0] == '[' && address[len - 1] == ']';
    int64_t number;

    if (len == 0 || len >= size || !span_int(span_of(colon + 1), &number) || number < 0 ||
        number > 65535)
        return err_set(err, ERR_INVALID,
                       "listen = \"%.80s\": want an address and a port, \"127.0.0.1:8443\"",
                       address);
    size_t brackets = is_v6 ? 1 : 0;
    len -= 2 * brackets;
    memcpy(host, address + brackets, len);
    host[len] = '\0';
    *port = colon + 1;
    return 0;
}

static int bind_to(const char *address, struct err *err)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_NUMERICHOST | AI_PASSIVE };
    struct addrinfo *info = NULL;
    const char *port = "";
    char host[ADDRESS_MAX];
    int fd, on = 1;

    if (split(address, host, sizeof host, &port, err) != 0)
        return -1;
    if (getaddrinfo(host, port, &hints, &info) != 0) {
        err_set(err, ERR_INVALID,
                "listen = \"%.80s\": %.60s is no address; want one like 127.0.0.1 or [::1]",
                address, host);
        return -1;
    }
    fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, info->ai_addr, info->ai_addrlen) != 0 ||
        listen(fd, SOMAXCONN) != 0) {
        err_set(err, ERR_IO, "listen on %s: %s%s", address, strerror(errno),
                errno == EADDRINUSE ? "; stop what has this port, or choose another in "
                                      "cordon.lua (serve.*.listen)"
                                    : "");
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(info);
    return fd;
}

static void say_address(struct server *server, int fd)
{
    struct sockaddr_storage at = { 0 };
    socklen_t len = sizeof at;
    char host[INET6_ADDRSTRLEN], port[8];

    if (getsockname(fd, (struct sockaddr *)&at, &len) != 0 ||
        getnameinfo((struct sockaddr *)&at, len, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return;
    snprintf(server->address, sizeof server->address,
             at.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static int start(struct server *server, const struct server_options *options, int fd,
                 struct err *err)
{
    struct MHD_OptionItem trust[] = {
        { options->client_ca != NULL ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0,
          (void *)options->client_ca },
        { MHD_OPTION_END, 0, NULL },
    };
    const union MHD_DaemonInfo *info;

    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_TLS | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL,
        NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)HTTP_IN_CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)HTTP_IN_PER_ADDRESS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)HTTP_IN_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)HTTP_IN_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, STRICT,
        MHD_OPTION_HTTPS_MEM_CERT, options->cert, MHD_OPTION_HTTPS_MEM_KEY, options->key,
        MHD_OPTION_HTTPS_PRIORITIES, "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2",
        MHD_OPTION_ARRAY, trust, MHD_OPTION_END);
    if (server->daemon == NULL) {
        close(fd);
        return err_set(err, ERR_INVALID,
                       "listen on %s: the certificate and the key do not go together",
                       options->address);
    }
    info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return watch_open(&server->watch, server->loop, info->epoll_fd, WATCH_READ, on_ready,
                      server, err);
}

int server_open(struct server **out, struct loop *loop,
                const struct server_options *options, struct err *err)
{
    struct server *server = xcalloc(1, sizeof *server);
    int fd = bind_to(options->address, err);

    server->loop = loop;
    server->routes = options->routes;
    server->listener = options->listener;
    server->identify = options->identify;
    server->arg = options->arg;
    server->has_client_ca = options->client_ca != NULL;
    list_init(&server->requests);
    if (fd >= 0)
        say_address(server, fd);
    if (fd < 0 || start(server, options, fd, err) != 0) {
        server_close(server);
        return err->code;
    }
    arm(server);
    *out = server;
    return 0;
}

const char *server_address(const struct server *server)
{
    return server->address;
}

int server_connections(const struct server *server)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

    return info == NULL ? 0 : (int)info->num_connections;
}

void server_quiesce(struct server *server)
{
    int fd;

    if (server == NULL || server->is_quiet)
        return;
    server->is_quiet = true;
    fd = MHD_quiesce_daemon(server->daemon);
    if (fd >= 0)
        close(fd);
}

void server_close(struct server *server)
{
    if (server == NULL)
        return;
    timer_stop(&server->timer);
    later_stop(&server->again);
    list_each (link, after, &server->requests) {
        struct request *request = list_item(link, struct request, in_server);

        if (request->is_suspended) {
            request->is_suspended = false;
            request->is_over = true;
            MHD_resume_connection(request->connection);
        }
    }
    if (server->watch != NULL)
        watch_close(server->watch, NULL);
    if (server->daemon != NULL)
        MHD_stop_daemon(server->daemon);
    timer_stop(&server->timer);
    later_stop(&server->again);
    free(server);
}
