/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http_tap.h"

#include <dlfcn.h>
#include <stdint.h>
#include <string.h>

enum {
    BUCKETS = 4096, /* of sessions: as many as three connections in each */
    READ_SIZE = 4096,
    DISCARDS_MAX = 16 /* reads of what comes behind the end, in a row */
};

typedef ssize_t recv_fn(gnutls_session_t session, void *data, size_t size);

static struct list buckets[BUCKETS];
static recv_fn *library_recv;

static struct list *bucket_of(gnutls_session_t session)
{
    return &buckets[(uintptr_t)session / 64 % BUCKETS];
}

static recv_fn *find_recv(void *where)
{
    void *symbol = dlsym(where, "gnutls_record_recv");
    recv_fn *function;

    memcpy(&function, &symbol, sizeof function); /* ISO C knows no such cast */
    return function;
}

void tap_open(struct tap *tap, gnutls_session_t session, void (*on_begin)(void *arg),
              void *arg)
{
    struct list *bucket = bucket_of(session);

    if (bucket->next == NULL)
        list_init(bucket);
    tap->session = session;
    tap->on_begin = on_begin;
    tap->arg = arg;
    list_add(bucket, &tap->in_bucket);
}

void tap_close(struct tap *tap)
{
    list_remove(&tap->in_bucket);
    http_reader_fini(&tap->reader);
}

static struct tap *tap_of(gnutls_session_t session)
{
    struct list *bucket = bucket_of(session);

    if (bucket->next == NULL)
        return NULL;
    list_each (link, after, bucket) {
        struct tap *tap = list_item(link, struct tap, in_bucket);

        if (tap->session == session)
            return tap;
    }
    return NULL;
}

static ssize_t read_through(struct tap *tap, void *data, size_t size)
{
    char buf[READ_SIZE];
    ssize_t got = 0;

    /* A header is bounded, so this ends: what is over is discarded a few times. */
    for (int discards = 0; discards < DISCARDS_MAX;
         discards += tap->reader.phase == HTTP_OVER) {
        size_t count = http_reader_take(&tap->reader, data, size);

        if (count > 0)
            return (ssize_t)count;
        got = library_recv(tap->session, buf, sizeof buf);
        if (got <= 0)
            return got;
        if (http_reader_is_idle(&tap->reader))
            tap->on_begin(tap->arg);
        http_reader_feed(&tap->reader, buf, (size_t)got);
        explicit_bzero(buf, (size_t)got);
    }
    return GNUTLS_E_AGAIN;
}

__attribute__((visibility("default"))) ssize_t gnutls_record_recv(gnutls_session_t session,
                                                                  void *data, size_t size)
{
    struct tap *tap = tap_of(session);

    if (library_recv == NULL)
        library_recv = find_recv(RTLD_NEXT);
    if (library_recv == NULL)
        return GNUTLS_E_INTERNAL_ERROR;
    return tap != NULL ? read_through(tap, data, size) : library_recv(session, data, size);
}

bool tap_is_linked(void)
{
    return find_recv(RTLD_DEFAULT) == gnutls_record_recv && find_recv(RTLD_NEXT) != NULL &&
           find_recv(RTLD_NEXT) != gnutls_record_recv;
}
