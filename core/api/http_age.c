/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/http_age.c - how long a connection may take for what is its turn.
 *
 * libmicrohttpd ends a connection on which nothing moves; one on which a byte moves now and
 * then would live for ever. So each connection stands in the list of what it is at, behind
 * those that have been at it longer, and once a second whoever is over is cut off: only the
 * old ends are looked at, whatever stands behind them. Who waits for us is in no list.
 */
#include "api/http_inside.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "api/http_strict.h"
#include "base/arena.h"
#include "base/log.h"

enum { LOOK_MS = 1000 };

static const int64_t age_ms[AGE_COUNT] = {
    [AGE_HEAD] = INT64_C(1000) * HTTP_IN_HEAD_S,
    [AGE_BODY] = INT64_C(1000) * HTTP_IN_BODY_S,
    [AGE_ANSWER] = INT64_C(1000) * HTTP_IN_ANSWER_S,
    [AGE_IDLE] = INT64_C(1000) * HTTP_IN_IDLE_S,
};

struct connection {
    struct list in_age;
    struct server *server;
    struct MHD_Connection *mhd;
    int64_t since_ms;
    enum age age;
    bool is_cut;
    struct request_line line;
};

static struct connection *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info->socket_context;
}

/* -- who is over --------------------------------------------------------------------------- */

static void on_look(void *arg);

static void look_later(struct server *server)
{
    if (!timer_is_running(&server->ages_timer))
        timer_start(&server->ages_timer, server->loop, LOOK_MS, on_look, server);
}

static void count_cut(struct connection *connection)
{
    struct server *server = connection->server;

    connection->is_cut = true;
    if (connection->age == AGE_IDLE)
        return; /* which is everybody's right */
    server->cut[connection->age]++;
    http_peer(connection->mhd, server->cut_peer);
    look_later(server);
}

/* libmicrohttpd sees the end of what was sent, and closes it as it closes any other. */
static void cut(struct connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_CONNECTION_FD);

    list_remove(&connection->in_age);
    if (info != NULL)
        shutdown(info->connect_fd, SHUT_RDWR);
    count_cut(connection);
}

static void cut_old(struct server *server, enum age age)
{
    int64_t now = loop_now_ms(server->loop);

    list_each (link, after, &server->ages[age]) {
        struct connection *connection = list_item(link, struct connection, in_age);

        if (now - connection->since_ms < age_ms[age])
            return;
        cut(connection);
    }
}

/* One line, however many they were. */
static void log_cut(struct server *server)
{
    int64_t *count = server->cut;

    if (count[AGE_HEAD] + count[AGE_BODY] + count[AGE_ANSWER] == 0)
        return;
    log_warnx("connections cut off: %" PRId64 " without a whole header in %d s, %" PRId64
              " without a whole body in %d s, %" PRId64
              " that did not take an answer in %d s, or nothing of it for %d s; the last "
              "one of %s",
              count[AGE_HEAD], HTTP_IN_HEAD_S, count[AGE_BODY], HTTP_IN_BODY_S,
              count[AGE_ANSWER], HTTP_IN_ANSWER_S, HTTP_IN_IDLE_S, server->cut_peer);
    for (int age = 0; age < AGE_COUNT; age++)
        count[age] = 0;
}

static void on_look(void *arg)
{
    struct server *server = arg;
    bool is_anybody = false;

    server_run(server); /* what has come meanwhile counts */
    for (int age = 0; age < AGE_COUNT; age++) {
        cut_old(server, age);
        is_anybody = is_anybody || !list_is_empty(&server->ages[age]);
    }
    log_cut(server);
    if (is_anybody)
        look_later(server);
}

/* -- what a connection is at --------------------------------------------------------------- */

static void enter(struct connection *connection, enum age age)
{
    list_remove(&connection->in_age);
    connection->age = age;
    if (connection->is_cut || age == AGE_NONE)
        return;
    connection->since_ms = loop_now_ms(connection->server->loop);
    list_add(&connection->server->ages[age], &connection->in_age);
    look_later(connection->server);
}

void age_enter(struct MHD_Connection *mhd, enum age age)
{
    struct connection *connection = connection_of(mhd);

    enter(connection, age);
}

void age_timed_out(struct MHD_Connection *mhd)
{
    struct connection *connection = connection_of(mhd);

    if (!connection->is_cut && connection->age != AGE_NONE)
        count_cut(connection);
}

void *age_on_line(void *arg, const char *uri, struct MHD_Connection *mhd)
{
    struct connection *connection = connection_of(mhd);

    (void)arg;
    if (connection->age == AGE_IDLE)
        enter(connection, AGE_HEAD);
    connection->line = (struct request_line){ .uri = uri,
                                              .uri_len = strlen(uri),
                                              .is_right = strict_uri(span_of(uri)) };
    return NULL;
}

struct request_line *age_line(struct MHD_Connection *mhd)
{
    return &connection_of(mhd)->line;
}

struct connection *age_begin(struct server *server, struct MHD_Connection *mhd)
{
    struct connection *connection = xcalloc(1, sizeof *connection);

    connection->server = server;
    connection->mhd = mhd;
    list_init(&connection->in_age);
    enter(connection, AGE_HEAD);
    return connection;
}

void age_end(struct connection *connection)
{
    list_remove(&connection->in_age);
    free(connection);
}

void ages_open(struct server *server)
{
    for (int age = 0; age < AGE_COUNT; age++)
        list_init(&server->ages[age]);
}
