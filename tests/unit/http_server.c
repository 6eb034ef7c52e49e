/* SPDX-License-Identifier: Apache-2.0 */
#include "http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

struct connection {
    struct server *server;
    int fd;
};

static void say(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        text += n;
        len -= (size_t)n;
    }
}

static void say_text(int fd, const char *text)
{
    say(fd, text, strlen(text));
}

static void say_body(int fd, const char *body, size_t len)
{
    char head[128];
    int n =
        snprintf(head, sizeof head,
                 "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nX-One: 1\r\nx-one: two\r\n\r\n",
                 len);

    say(fd, head, (size_t)n);
    say(fd, body, len);
}

/* At most 32 MiB, so that no test can make it go on for ever. */
static void say_much(int fd, const char *head, const char *part)
{
    say(fd, head, strlen(head));
    for (size_t said = 0; said < 32 * 1024 * 1024; said += strlen(part)) {
        ssize_t n = send(fd, part, strlen(part), MSG_NOSIGNAL);
        if (n <= 0)
            return;
    }
}

/* True when the connection stays. */
static bool reply(int fd, const char *request, size_t len)
{
    static char kilo[1025];

    memset(kilo, 'x', 1024);
    if (strstr(request, " /ok "))
        say_body(fd, "hello", 5);
    else if (strstr(request, " /echo "))
        say_body(fd, request, len);
    else if (strstr(request, " /half "))
        return say_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), false;
    else if (strstr(request, " /silent "))
        return sleep(8), false;
    else if (strstr(request, " /big "))
        return say_much(fd, "HTTP/1.1 200 OK\r\n\r\n", kilo), false;
    else if (strstr(request, " /headers "))
        return say_much(fd, "HTTP/1.1 200 OK\r\n", "X-More: and more and more\r\n"), false;
    else if (strstr(request, " /early "))
        return say_text(fd, "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"),
               say_body(fd, "late", 4), true;
    else if (strstr(request, " /moved "))
        say_text(fd, "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n");
    else if (strstr(request, " /later "))
        say_text(fd, "HTTP/1.1 503 Busy\r\nRetry-After: 7200\r\nContent-Length: 0\r\n\r\n");
    else if (strstr(request, "PUT /lro ") == request)
        say_text(fd, "HTTP/1.1 202 Accepted\r\nLocation: /ok\r\nRetry-After: 0\r\n"
                     "Content-Length: 0\r\n\r\n");
    else if (strstr(request, " /lro "))
        say_body(fd, "{\"made\":true}", 13);
    else
        return false;
    return true;
}

/* The whole request: its head, and as much body as Content-Length says. */
static size_t receive(int fd, char *buf, size_t cap)
{
    size_t len = 0, want = 0;

    while (want == 0 || len < want) {
        ssize_t n = recv(fd, buf + len, cap - 1 - len, 0);
        if (n <= 0)
            return 0;
        len += (size_t)n;
        buf[len] = 0;
        const char *end = strstr(buf, "\r\n\r\n");
        const char *length = strcasestr(buf, "content-length:");
        if (end)
            want = (size_t)(end - buf) + 4 + (length ? strtoul(length + 15, NULL, 10) : 0);
    }
    return len;
}

static void *serve(void *arg)
{
    struct connection *connection = arg;
    struct server *server = connection->server;
    int fd = connection->fd;
    char buf[16 * 1024];
    size_t len;

    free(connection);
    while ((len = receive(fd, buf, sizeof buf)) > 0) {
        __atomic_add_fetch(&server->requests, 1, __ATOMIC_SEQ_CST);
        if (!reply(fd, buf, len))
            break;
    }
    close(fd);
    return NULL;
}

static void *accept_all(void *arg)
{
    struct server *server = arg;
    pthread_t thread;
    int fd;

    while ((fd = accept(server->fd, NULL, NULL)) >= 0) {
        struct connection *connection = malloc(sizeof *connection);
        *connection = (struct connection){ server, fd };
        __atomic_add_fetch(&server->connections, 1, __ATOMIC_SEQ_CST);
        pthread_create(&thread, NULL, serve, connection);
        pthread_detach(thread);
    }
    return NULL;
}

void server_start(struct server *server)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof address;
    pthread_t thread;

    *server = (struct server){ .fd = socket(AF_INET, SOCK_STREAM, 0) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_INT(bind(server->fd, (struct sockaddr *)&address, sizeof address), 0);
    CHECK_INT(listen(server->fd, 64), 0);
    CHECK_INT(getsockname(server->fd, (struct sockaddr *)&address, &len), 0);
    server->port = ntohs(address.sin_port);
    CHECK_INT(pthread_create(&thread, NULL, accept_all, server), 0);
    pthread_detach(thread);
}

int server_requests(struct server *server)
{
    return __atomic_load_n(&server->requests, __ATOMIC_SEQ_CST);
}

int server_connections(struct server *server)
{
    return __atomic_load_n(&server->connections, __ATOMIC_SEQ_CST);
}
