/* SPDX-License-Identifier: Apache-2.0 */
#include "https.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gnutls/gnutls.h>

#include "base/arena.h"
#include "base/list.h"
#include "base/log.h"

enum { EVENTS_MAX = 512, CHUNK = 16384 };

struct https {
    int epoll;
    struct sockaddr_in address;
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priorities;
    struct list links;
};

struct https_link {
    struct list in_https;
    struct https *https;
    const struct https_calls *calls;
    void *arg;
    int fd;
    gnutls_session_t session;
    struct str out, in;
    bool is_open;
};

struct https *https_open(const char *address)
{
    struct https *https = xcalloc(1, sizeof *https);
    const char *colon = strrchr(address, ':');
    char host[64] = "";

    if (colon == NULL || colon - address >= (int)sizeof host)
        fatalx("no address and port: %s", address);
    memcpy(host, address, (size_t)(colon - address));
    https->address.sin_family = AF_INET;
    https->address.sin_port = htons((uint16_t)atoi(colon + 1));
    https->epoll = epoll_create1(EPOLL_CLOEXEC);
    list_init(&https->links);
    if (https->epoll < 0 || inet_pton(AF_INET, host, &https->address.sin_addr) != 1 ||
        gnutls_certificate_allocate_credentials(&https->credentials) != 0 ||
        gnutls_priority_init(&https->priorities, "NORMAL", NULL) != 0)
        fatal("a client of %s", address);
    return https;
}

void https_hang_up(struct https_link *link)
{
    list_remove(&link->in_https);
    gnutls_deinit(link->session);
    close(link->fd);
    str_fini(&link->out);
    str_fini(&link->in);
    free(link);
}

void https_close(struct https *https)
{
    list_each (at, after, &https->links)
        https_hang_up(list_item(at, struct https_link, in_https));
    gnutls_priority_deinit(https->priorities);
    gnutls_certificate_free_credentials(https->credentials);
    close(https->epoll);
    free(https);
}

struct https_link *https_dial(struct https *https, const struct https_calls *calls,
                              void *arg)
{
    struct https_link *link = xcalloc(1, sizeof *link);
    struct epoll_event want = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = link };
    int on = 1;

    link->https = https;
    link->calls = calls;
    link->arg = arg;
    link->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (link->fd < 0)
        fatal("socket");
    setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(link->fd, (struct sockaddr *)&https->address, sizeof https->address) != 0 &&
        errno != EINPROGRESS)
        fatal("connect");
    if (gnutls_init(&link->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK) != 0 ||
        gnutls_priority_set(link->session, https->priorities) != 0 ||
        gnutls_credentials_set(link->session, GNUTLS_CRD_CERTIFICATE, https->credentials) !=
            0)
        fatalx("no TLS session");
    gnutls_transport_set_int(link->session, link->fd);
    list_add(&https->links, &link->in_https);
    if (epoll_ctl(https->epoll, EPOLL_CTL_ADD, link->fd, &want) != 0)
        fatal("epoll");
    return link;
}

static bool is_later(ssize_t code)
{
    return code == GNUTLS_E_AGAIN || code == GNUTLS_E_INTERRUPTED;
}

/* false: the connection is over. */
static bool flush(struct https_link *link)
{
    while (link->out.len > 0) {
        ssize_t len = gnutls_record_send(link->session, link->out.ptr, link->out.len);

        if (len <= 0)
            return is_later(len);
        memmove(link->out.ptr, link->out.ptr + len, link->out.len - (size_t)len);
        link->out.len -= (size_t)len;
    }
    return true;
}

void https_say(struct https_link *link, struct span bytes)
{
    str_add_span(&link->out, bytes);
    if (link->is_open)
        flush(link); /* an end of the connection shows when it is read */
}

/* Length of the whole answer at the start of in; 0: it is not here yet. */
static size_t find_reply(struct str *in, int *status, struct span *body)
{
    static const char length[] = "\r\nContent-Length:";
    const char *text = str_text(in), *end = strstr(text, "\r\n\r\n"), *said;

    if (end == NULL)
        return 0;
    said = strcasestr(text, length);
    if (said == NULL || said > end || strlen(text) < 12)
        fatalx("no answer of HTTP with a length: %.200s", text);
    *status = atoi(text + 9);
    *body = (struct span){ end + 4, strtoul(said + sizeof length - 1, NULL, 10) };
    size_t whole = (size_t)(end + 4 - text) + body->len;
    return in->len >= whole ? whole : 0;
}

/* Everything that has come; false: that was the end. */
static bool take(struct https_link *link)
{
    char chunk[CHUNK];
    ssize_t len;

    while ((len = gnutls_record_recv(link->session, chunk, sizeof chunk)) > 0 ||
           is_later(len)) {
        int status = 0;
        struct span body;
        size_t whole;

        if (len < 0)
            return true;
        str_add(&link->in, chunk, (size_t)len);
        whole = find_reply(&link->in, &status, &body);
        if (whole == 0)
            continue;
        struct str reply = link->in;
        link->in = (struct str){ 0 };
        link->calls->on_reply(link, status, body, link->arg);
        str_fini(&reply);
    }
    return false;
}

static bool step(struct https_link *link)
{
    if (!link->is_open) {
        int code = gnutls_handshake(link->session);

        if (code != 0)
            return is_later(code) || !gnutls_error_is_fatal(code);
        link->is_open = true;
        if (link->calls->on_open != NULL)
            link->calls->on_open(link, link->arg);
    }
    return flush(link) && take(link);
}

void https_run(struct https *https, int timeout_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(https->epoll, events, EVENTS_MAX, timeout_ms);

    for (int i = 0; i < count; i++) {
        struct https_link *link = events[i].data.ptr;
        const struct https_calls *calls = link->calls;
        void *arg = link->arg;

        if (step(link))
            continue;
        calls->on_closed(link, arg);
        https_hang_up(link);
    }
}
