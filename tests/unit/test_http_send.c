/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes for listeners that say nothing back, over UDP and TCP; tests/notify has TLS. */
#include "net/http.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "check.h"
#include "net/loop.h"

struct rig {
    struct loop *loop;
    struct http *http;
    int fd, port;
    int status, count;
    bool may_have_sent, is_hopeless;
    char why[300];
};

static void on_reply(void *arg, const struct http_reply *reply)
{
    struct rig *rig = arg;

    rig->count++;
    rig->status = reply->status;
    rig->may_have_sent = reply->may_have_sent;
    rig->is_hopeless = reply->is_hopeless;
    snprintf(rig->why, sizeof rig->why, "%s", reply->error ? reply->error : "");
    loop_stop(rig->loop);
}

/* A socket of that type on a free port; a stream listens. */
static void listen_on(struct rig *rig, int type)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;

    rig->fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    CHECK_INT(bind(rig->fd, (struct sockaddr *)&address, len), 0);
    if (type == SOCK_STREAM)
        CHECK_INT(listen(rig->fd, 1), 0);
    CHECK_INT(getsockname(rig->fd, (struct sockaddr *)&address, &len), 0);
    rig->port = ntohs(address.sin_port);
}

static struct rig begin(int type)
{
    const char *allow[] = { "127.0.0.1", "localhost.example", NULL };
    struct http_options options = { .allow = allow };
    struct rig rig = { .loop = loop_open() };
    struct err err;

    CHECK_OK(http_open(&rig.http, rig.loop, &options, &err), &err);
    listen_on(&rig, type);
    return rig;
}

static void finish(struct rig *rig)
{
    http_close(rig->http);
    loop_run(rig->loop);
    loop_close(rig->loop);
    close(rig->fd);
}

static int start(struct rig *rig, const char *scheme, const char *bytes, size_t len,
                 int64_t timeout_ms, struct err *err)
{
    char url[100];
    struct http_request request = { .url = url,
                                    .body = bytes,
                                    .body_len = len,
                                    .timeout_ms = timeout_ms,
                                    .is_send = true };
    struct http_call *call;

    snprintf(url, sizeof url, "%s://127.0.0.1:%d", scheme, rig->port);
    return http_start(&call, rig->http, &request, on_reply, rig, err);
}

static void sent(struct rig *rig, const char *scheme, const char *bytes, size_t len)
{
    struct err err;

    CHECK_OK(start(rig, scheme, bytes, len, 5000, &err), &err);
    loop_run(rig->loop);
    CHECK_STR(rig->why, "");
    CHECK_INT(rig->status, HTTP_SENT);
}

TEST(over_udp_each_is_one_datagram)
{
    struct rig rig = begin(SOCK_DGRAM);
    char bytes[100];

    sent(&rig, "udp", "one", 3);
    sent(&rig, "udp", "two", 3);
    CHECK_INT(recv(rig.fd, bytes, sizeof bytes, 0), 3);
    CHECK(memcmp(bytes, "one", 3) == 0);
    CHECK_INT(recv(rig.fd, bytes, sizeof bytes, 0), 3);
    CHECK(memcmp(bytes, "two", 3) == 0);
    finish(&rig);
}

TEST(over_tcp_all_bytes_arrive_and_then_the_connection_ends)
{
    struct rig rig = begin(SOCK_STREAM);
    static char bytes[HTTP_SEND_MAX], seen[HTTP_SEND_MAX + 1];
    size_t len = 0;
    ssize_t n;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)i;
    sent(&rig, "tcp", bytes, sizeof bytes);
    int fd = accept(rig.fd, NULL, NULL);
    while (len < sizeof seen && (n = read(fd, seen + len, sizeof seen - len)) > 0)
        len += (size_t)n;
    CHECK_INT((long long)len, HTTP_SEND_MAX);
    CHECK(memcmp(bytes, seen, sizeof bytes) == 0);
    close(fd);
    finish(&rig);
}

TEST(where_nobody_listens_it_is_not_sent)
{
    struct rig rig = begin(SOCK_STREAM);
    struct err err;

    close(rig.fd);
    CHECK_OK(start(&rig, "tcp", "x", 1, 5000, &err), &err);
    loop_run(rig.loop);
    CHECK_INT(rig.status, 0);
    CHECK(!rig.may_have_sent);
    CHECK_OK(start(&rig, "udp", "x", 1, 5000, &err), &err);
    loop_run(rig.loop);
    CHECK_INT(rig.status, 0);
    CHECK_HAS(rig.why, "refused");
    CHECK_INT(rig.count, 2);
    finish(&rig);
}

TEST(what_was_not_acknowledged_is_not_called_sent)
{
    struct rig rig = begin(SOCK_STREAM);
    static const char bytes[HTTP_SEND_MAX];
    struct err err;
    int few = 2048;

    /* A receiver that takes a part, and reads none of it. */
    CHECK_INT(setsockopt(rig.fd, SOL_SOCKET, SO_RCVBUF, &few, sizeof few), 0);
    CHECK_OK(start(&rig, "tcp", bytes, sizeof bytes, 500, &err), &err);
    loop_run(rig.loop);
    CHECK_INT(rig.status, 0);
    CHECK_HAS(rig.why, "before the time was up");
    CHECK(rig.may_have_sent);
    finish(&rig);
}

TEST(what_may_not_be_sent_is_refused_before_anything_is)
{
    static const struct {
        const char *url;
        size_t len;
        const char *says;
    } wrong[] = {
        { "http://127.0.0.1:1", 1, "udp://HOST:PORT" },
        { "tcp://127.0.0.1:1/x", 1, "udp://HOST:PORT" },
        { "tcp://127.0.0.1", 1, "no host and port" },
        { "tcp://a@127.0.0.1:1", 1, "no host and port" },
        { "tcp://127.0.0.1:1 x", 1, "must be escaped" },
        { "udp://127.0.0.2:514", 1, "is not among the hosts" },
        { "tls://other.test:6514", 1, "is not among the hosts" },
        { "tcp://127.0.0.1:1", 0, "HTTP_SEND_MAX" },
        { "tcp://127.0.0.1:1", HTTP_SEND_MAX + 1, "HTTP_SEND_MAX" },
    };
    struct rig rig = begin(SOCK_STREAM);

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct http_request request = { .url = wrong[i].url,
                                        .body = "x",
                                        .body_len = wrong[i].len,
                                        .timeout_ms = 1000,
                                        .is_send = true };
        struct http_call *call;
        struct err err = { 0 };
        CHECK(http_start(&call, rig.http, &request, on_reply, &rig, &err) != 0);
        CHECK_HAS(err.text, wrong[i].says);
    }
    finish(&rig);
    CHECK_INT(rig.count, 0);
}

TEST(a_name_that_leads_to_an_address_that_is_not_listed_leads_nowhere)
{
    const char *allow[] = { "localhost*", NULL };
    struct http_options options = { .allow = allow };
    struct rig rig = begin(SOCK_DGRAM);
    char url[100];
    struct http_request request = {
        .url = url, .body = "x", .body_len = 1, .timeout_ms = 5000, .is_send = true
    };
    struct http_call *call;
    struct err err;

    http_close(rig.http);
    CHECK_OK(http_open(&rig.http, rig.loop, &options, &err), &err);
    snprintf(url, sizeof url, "udp://localhost:%d", rig.port);
    CHECK_OK(http_start(&call, rig.http, &request, on_reply, &rig, &err), &err);
    loop_run(rig.loop);
    CHECK_INT(rig.status, 0);
    CHECK(rig.is_hopeless && !rig.may_have_sent);
    finish(&rig);
}

TEST(a_cancelled_one_calls_nothing)
{
    struct rig rig = begin(SOCK_STREAM);
    struct err err;

    CHECK_OK(start(&rig, "tcp", "x", 1, 5000, &err), &err);
    finish(&rig);
    CHECK_INT(rig.count, 0);
}
