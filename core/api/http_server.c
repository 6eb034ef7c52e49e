/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/http_server.c - libmicrohttpd, driven by our loop through the one descriptor that it
 * waits on: listening and closing.
 */
#include "api/http_cert.h"
#include "api/http_inside.h"

#include <errno.h>
#include <malloc.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"

enum {
    STRICT = 1,
    TRIM_EVERY = 1000,
    TRIM_LAST = 100,
    AT_ONCE_MAX = 64,
    AT_ONCE_MS = 5,
    EVICTING_MAX = 256
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

static void arm(struct server *server)
{
    MHD_UNSIGNED_LONG_LONG ms;

    if (MHD_get_timeout(server->daemon, &ms) != MHD_YES) {
        timer_stop(&server->timer);
        return;
    }
    /* It asks to be run at once for bytes that a full buffer has no room for, until their
     * connection's time is over; what is new comes by its descriptor. */
    server->at_once = ms == 0 ? server->at_once + 1 : 0;
    if (server->at_once > AT_ONCE_MAX)
        ms = AT_ONCE_MS;
    timer_start(&server->timer, server->loop, ms > 60000 ? 60000 : (int64_t)ms, server_run,
                server);
}

void server_run(void *arg)
{
    struct server *server = arg;

    MHD_run(server->daemon);
    arm(server);
}

static void on_ready(void *arg, int events)
{
    (void)events;
    server_run(arg);
}

void request_resume(struct request *request)
{
    if (!request->is_suspended)
        return;
    request->is_suspended = false;
    MHD_resume_connection(request->connection);
    loop_later(request->server->loop, &request->server->again, server_run, request->server);
}

/* -- a connection's begin and end ---------------------------------------------------------- */

/* What very many connections had is given back when they have gone: it would stay ours. */
static void give_back(struct server *server)
{
    if (++server->left < TRIM_EVERY && (server->connected > 0 || server->left < TRIM_LAST))
        return;
    server->left = 0;
    malloc_trim(0);
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **state,
                          enum MHD_ConnectionNotificationCode what)
{
    struct server *server = arg;

    server->at_once = 0;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        server->connected++;
        *state = age_begin(server, connection);
        return;
    }
    server->connected--;
    age_end(*state);
    *state = NULL;
    give_back(server);
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
    char host[HTTP_ADDRESS_MAX];
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
        NULL, http_on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, http_on_completed, NULL,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)(HTTP_IN_CONNECTIONS_MAX + EVICTING_MAX), MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)HTTP_IN_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)HTTP_IN_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, STRICT,
        MHD_OPTION_HTTPS_CERT_CALLBACK, cert_pick, MHD_OPTION_HTTPS_PRIORITIES,
        "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-CIPHER-ALL:+AES-256-GCM"
        ":+AES-128-GCM:+CHACHA20-POLY1305:-RSA",
        MHD_OPTION_ARRAY, trust, MHD_OPTION_END);
    if (server->daemon == NULL) {
        close(fd);
        return err_set(err, ERR_INVALID, "listen on %s: the HTTP server does not start",
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
    ages_open(server);
    if (fd >= 0)
        say_address(server, fd);
    if (fd >= 0 && cert_use(options->cert, options->key, err) != 0) {
        close(fd);
        fd = -1;
    }
    if (fd < 0 || start(server, options, fd, err) != 0) {
        server_close(server);
        return err->code;
    }
    if (server_self_test(server, err) != 0) {
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
    timer_stop(&server->ages_timer);
    later_stop(&server->again);
    cert_close();
    free(server);
}
