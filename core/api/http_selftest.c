/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/http_selftest.c - before it listens, a server asks itself: over TLS, on a pair of sockets, a
 * request with a blank behind a header, which is right, and those that must not pass.
 *
 * What is proven is of the libraries that are linked: that libmicrohttpd reads through ours
 * (http_tap.h), and serves what the strict reader hands on, and nothing else.
 */
#include "api/http_inside.h"

#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"

enum { TURNS_MAX = 20000, TURN_US = 100, ANSWERS_MAX = 32 * 1024 };

struct trial {
    struct server *server;
    gnutls_session_t tls;
    gnutls_certificate_credentials_t anybody;
    char answers[ANSWERS_MAX];
    size_t len;
    int turns;
};

/* What is sent on one connection, and the statuses of all that comes until it ends. */
static const struct {
    const char *sent, *wanted;
} trials[] = {
    { "GET /healthz HTTP/1.1\r\nHost: x\r\nA: b \r\n\r\n"
      "GET /healthz HTTP/1.1\r\nHost: x\r\nA: b\nC: d\r\n\r\n"
      "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
      "200 400" },
    { "POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
      "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
      "400" },
    { "GET /healthz HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", "400" },
};

/* Lets the server run once. False: it took too long. */
static bool turn(struct trial *trial)
{
    MHD_run(trial->server->daemon);
    if (trial->turns % 50 == 49) /* a machine that has much to do needs a moment */
        usleep(TURN_US);
    return trial->turns++ < TURNS_MAX;
}

static bool may_go_on(struct trial *trial, ssize_t got)
{
    return (got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED) && turn(trial);
}

static int shake_hands(struct trial *trial)
{
    int rc;

    while ((rc = gnutls_handshake(trial->tls)) != 0)
        if (gnutls_error_is_fatal(rc) || !turn(trial))
            return rc;
    return 0;
}

static int talk(struct trial *trial, const char *sent)
{
    ssize_t rc;

    while ((rc = gnutls_record_send(trial->tls, sent, strlen(sent))) < 0)
        if (!may_go_on(trial, rc))
            return (int)rc;
    while (trial->len < sizeof trial->answers - 1) {
        rc = gnutls_record_recv(trial->tls, trial->answers + trial->len,
                                sizeof trial->answers - 1 - trial->len);
        if (rc > 0)
            trial->len += (size_t)rc;
        else if (rc == 0 || rc == GNUTLS_E_PREMATURE_TERMINATION)
            break; /* the server has ended it */
        else if (!may_go_on(trial, rc))
            return (int)rc;
    }
    trial->answers[trial->len] = '\0';
    return 0;
}

/* "200 400" */
static void read_statuses(const struct trial *trial, char *statuses, size_t size)
{
    const char *at = trial->answers;
    size_t len = 0;

    statuses[0] = '\0';
    while (len + 5 < size && (at = strstr(at, "HTTP/1.1 ")) != NULL) {
        at += strlen("HTTP/1.1 ");
        len +=
            (size_t)snprintf(statuses + len, size - len, "%s%.3s", len > 0 ? " " : "", at);
    }
}

static int connect_to(struct trial *trial, int fd, struct err *err)
{
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    if (gnutls_init(&trial->tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK) != 0 ||
        gnutls_certificate_allocate_credentials(&trial->anybody) != 0 ||
        gnutls_set_default_priority(trial->tls) != 0 ||
        gnutls_credentials_set(trial->tls, GNUTLS_CRD_CERTIFICATE, trial->anybody) != 0)
        return err_set(err, ERR_IO, "the HTTP server's self-test: no TLS session");
    /* It owns the descriptor from here on, also when it refuses. */
    if (MHD_add_connection(trial->server->daemon, fd, (const struct sockaddr *)&address,
                           sizeof address) != MHD_YES)
        return err_set(err, ERR_IO,
                       "the HTTP server's self-test: libmicrohttpd takes no connection");
    return 0;
}

static int try_one(struct trial *trial, size_t i, struct err *err)
{
    char statuses[64];
    int ends[2], tls;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
        return err_set(err, ERR_IO, "the HTTP server's self-test: no pair of sockets");
    int rc = connect_to(trial, ends[1], err);
    if (rc == 0) {
        gnutls_transport_set_int(trial->tls, ends[0]);
        tls = shake_hands(trial);
        if (tls == 0)
            tls = talk(trial, trials[i].sent);
        read_statuses(trial, statuses, sizeof statuses);
        if (tls != 0 || strcmp(statuses, trials[i].wanted) != 0)
            rc = err_set(
                err, ERR_INVALID,
                "with libmicrohttpd %s and GnuTLS %s the HTTP server does not guard "
                "how requests are cut (trial %zu: want %s, got %s; %s): nothing is "
                "listened to; use the versions that Debian 12 or 13 have",
                MHD_get_version(), gnutls_check_version(NULL), i + 1, trials[i].wanted,
                statuses[0] != '\0' ? statuses : "nothing", gnutls_strerror(tls));
    }
    close(ends[0]);
    turn(trial); /* libmicrohttpd sees that */
    if (trial->tls != NULL)
        gnutls_deinit(trial->tls);
    if (trial->anybody != NULL)
        gnutls_certificate_free_credentials(trial->anybody);
    return rc;
}

int server_self_test(struct server *server, struct err *err)
{
    if (!tap_is_linked())
        return err_set(err, ERR_INVALID,
                       "libmicrohttpd %s does not read through this program: nothing is "
                       "listened to; link it as a shared library",
                       MHD_get_version());
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
        struct trial trial = { .server = server };

        if (try_one(&trial, i, err) != 0)
            return err->code;
    }
    return 0;
}
