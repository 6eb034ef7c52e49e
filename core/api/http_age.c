/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/http_age.c - how long a connection may take for what is its turn.
 *
 * libmicrohttpd ends a connection on which nothing moves; one on which a byte moves now and
 * then would live for ever. So each connection stands in the list of what it is at, behind
 * those that have been at it longer, and once a second whoever is over is cut off: only the
 * old ends are looked at, whatever stands behind them. Who waits for us is in no list.
 *
 * When there are too many connections, of all or of one address, the one that has been idle longest
 * makes room: one that asks nothing now, and whose last answer was for nobody in particular. So who
 * is signed in stays, and who comes is let in, however many come and say nothing.
 */
#include "api/http_inside.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

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
    bool is_cut, is_evicted, is_known; /* known: its last answer was for somebody proven */
    struct tap tap;
    unsigned requests; /* that libmicrohttpd has read */
    struct list in_evictable, in_address;
    struct address *address;
};

/* An address that has connections here. */
struct address {
    struct address *next; /* of its bucket */
    char peer[INET6_ADDRSTRLEN];
    int count, leaving;
    struct list evictable;
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
static void end(struct connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_CONNECTION_FD);

    list_remove(&connection->in_age);
    list_remove(&connection->in_evictable);
    list_remove(&connection->in_address);
    if (info != NULL)
        shutdown(info->connect_fd, SHUT_RDWR);
}

static void cut(struct connection *connection)
{
    end(connection);
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

    if (server->evicted > 0)
        log_warnx("%" PRId64
                  " idle connections of nobody made room for others: more than %d "
                  "are open, or %d of one address",
                  server->evicted, HTTP_IN_CONNECTIONS_MAX, HTTP_IN_PER_ADDRESS_MAX);
    server->evicted = 0;
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

/* Who has said no whole header may be somebody, and is nobody until then. */
static void list_evictable(struct connection *connection)
{
    list_remove(&connection->in_evictable);
    list_remove(&connection->in_address);
    if (connection->is_cut || connection->is_known ||
        (connection->age != AGE_HEAD && connection->age != AGE_IDLE))
        return;
    list_add(&connection->server->evictable, &connection->in_evictable);
    list_add(&connection->address->evictable, &connection->in_address);
}

static void enter(struct connection *connection, enum age age)
{
    list_remove(&connection->in_age);
    connection->age = age;
    list_evictable(connection);
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

/* The first byte of a request after another. */
static void on_begin(void *arg)
{
    struct connection *connection = arg;

    if (connection->age == AGE_IDLE)
        enter(connection, AGE_HEAD);
}

struct http_reader *age_reader(struct MHD_Connection *mhd)
{
    return &connection_of(mhd)->tap.reader;
}

unsigned age_next_request(struct MHD_Connection *mhd)
{
    return ++connection_of(mhd)->requests;
}

void age_note_known(struct MHD_Connection *mhd, bool is_known)
{
    connection_of(mhd)->is_known = is_known;
}

/* -- how many ------------------------------------------------------------------------------ */

static struct address **bucket_of(struct server *server, const char *peer)
{
    uint32_t sum = 2166136261U;

    for (const char *c = peer; *c != '\0'; c++)
        sum = (sum ^ (unsigned char)*c) * 16777619U;
    return &server->addresses[sum % HTTP_ADDRESS_BUCKETS];
}

static struct address *address_of(struct server *server, struct MHD_Connection *mhd)
{
    char peer[INET6_ADDRSTRLEN];

    http_peer(mhd, peer);
    struct address **bucket = bucket_of(server, peer), *address = *bucket;
    while (address != NULL && strcmp(address->peer, peer) != 0)
        address = address->next;
    if (address == NULL) {
        address = xcalloc(1, sizeof *address);
        memcpy(address->peer, peer, strlen(peer) + 1);
        list_init(&address->evictable);
        address->next = *bucket;
        *bucket = address;
    }
    address->count++;
    return address;
}

static void leave_address(struct server *server, struct address *address)
{
    struct address **place = bucket_of(server, address->peer);

    if (--address->count > 0)
        return;
    while (*place != address)
        place = &(*place)->next;
    *place = address->next;
    free(address);
}

static void evict(struct connection *connection)
{
    struct server *server = connection->server;

    connection->is_cut = connection->is_evicted = true;
    end(connection);
    connection->address->leaving++; /* until libmicrohttpd has seen it */
    server->leaving++;
    server->evicted++;
    look_later(server);
}

/* The new one is the last in each list, and goes itself when nobody else may. */
static void make_room(struct server *server, struct address *address)
{
    if (address->count - address->leaving > HTTP_IN_PER_ADDRESS_MAX &&
        !list_is_empty(&address->evictable))
        evict(list_item(address->evictable.next, struct connection, in_address));
    if (server->connected - server->leaving > HTTP_IN_CONNECTIONS_MAX &&
        !list_is_empty(&server->evictable))
        evict(list_item(server->evictable.next, struct connection, in_evictable));
}

struct connection *age_begin(struct server *server, struct MHD_Connection *mhd)
{
    struct connection *connection = xcalloc(1, sizeof *connection);

    connection->server = server;
    connection->mhd = mhd;
    list_init(&connection->in_age);
    list_init(&connection->in_evictable);
    list_init(&connection->in_address);
    connection->address = address_of(server, mhd);
    /* What it points to is good until the next such call. */
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    tap_open(&connection->tap, info != NULL ? info->tls_session : NULL, on_begin,
             connection);
    enter(connection, AGE_HEAD);
    make_room(server, connection->address);
    return connection;
}

void age_end(struct connection *connection)
{
    struct server *server = connection->server;

    list_remove(&connection->in_age);
    list_remove(&connection->in_evictable);
    list_remove(&connection->in_address);
    tap_close(&connection->tap);
    if (connection->is_evicted) {
        connection->address->leaving--;
        server->leaving--;
    }
    leave_address(server, connection->address);
    free(connection);
}

void ages_open(struct server *server)
{
    for (int age = 0; age < AGE_COUNT; age++)
        list_init(&server->ages[age]);
    list_init(&server->evictable);
}
