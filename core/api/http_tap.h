/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/http_tap.h - what came over TLS goes through a reader before libmicrohttpd sees it.
 *
 * libmicrohttpd reads what was decrypted with gnutls_record_recv(), which is looked up like any
 * function of a library: first in the program. The program has one of that name; it calls the
 * library's, feeds the reader of that session, and gives what the reader hands on. So nothing
 * depends on how libmicrohttpd keeps what it has read. tap_works() proves on the libraries that
 * are linked that it is so; and http.c refuses each request that no reader handed on.
 */
#pragma once

#include <stdbool.h>

#include <gnutls/gnutls.h>

#include "api/http_reader.h"
#include "base/list.h"

struct tap {
    struct list in_bucket;
    gnutls_session_t session;
    struct http_reader reader;
    void (*on_begin)(void *arg); /* the first byte of a request has come */
    void *arg;
};

void tap_open(struct tap *tap, gnutls_session_t session, void (*on_begin)(void *arg),
              void *arg);
void tap_close(struct tap *tap);
/* Do libraries that call gnutls_record_recv() come to ours? */
bool tap_is_linked(void);
