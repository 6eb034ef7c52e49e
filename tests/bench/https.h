/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/bench/https.h - very many connections to one listener, from one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/str.h"

struct https;
struct https_link;

/* What happens on a connection; arg is that of https_dial. None of them is called from inside
 * https_dial or https_say. */
struct https_calls {
    void (*on_open)(struct https_link *link, void *arg); /* TLS stands */
    void (*on_reply)(struct https_link *link, int status, struct span body, void *arg);
    void (*on_closed)(struct https_link *link,
                      void *arg); /* by the other side; link is gone */
};

/* address: "127.0.0.1:8443". Its certificate is not looked at: it is our own. */
struct https *https_open(const char *address);
void https_close(struct https *https); /* with what is still connected */

struct https_link *https_dial(struct https *https, const struct https_calls *calls,
                              void *arg);
void https_say(struct https_link *link, struct span bytes); /* copied; sent in order */
void https_hang_up(struct https_link *link);                /* on_closed is not called */
/* Lets happen what can; waits so long at most when nothing can. */
void https_run(struct https *https, int timeout_ms);
