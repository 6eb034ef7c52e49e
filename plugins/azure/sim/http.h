/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - the listener. The only file that knows which library speaks HTTP.
 *
 * Everything runs in the caller's thread. A reply that is to come late waits on the side
 * while others are served.
 */
#pragma once

#include "sim.h"

struct http;

struct http_config {
    const char *host; /* an IPv4 address */
    int port;         /* 0: any free one */
    const char *cert; /* PEM text; NULL: no TLS */
    const char *key;
};

/* Starts to listen. Returns 0, or -1 with one sentence in error. */
int http_open(struct http **out, const struct http_config *config, struct sim *sim,
              char error[ERROR_SIZE]);

/* The address that clients use, borrowed. */
const char *http_url(const struct http *http);

/* Serves until stop_fd can be read. */
void http_run(struct http *http, int stop_fd);

void http_close(struct http *http);
