/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/hooks.h - POST /hooks/SOURCE: alerts, from who can prove it.
 *
 *     who                rate and size of the source, then its proof, over the raw bytes
 *     handshake          what some senders want to hear before they send
 *     what               a content type of its kind, and JSON that is nothing else
 *     the engine         202, once it is durable
 *
 * Nobody is told why a proof did not hold, nor which sources there are; the log is.
 */
#pragma once

#include "api/http.h"

enum {
    HOOKS_MAX = 100,             /* sources */
    HOOKS_TOKEN_MAX = 1024,      /* bytes of a validationToken that is echoed */
    HOOKS_RATE = 500,            /* deliveries a second of a source, when it does not say */
    HOOKS_KEYS_WAITING_MAX = 256 /* deliveries that wait for them */
};

struct loop;

void hooks_open(struct loop *loop);
void hooks_setup(struct span setup);
void hooks_close(void);
/* What can be said before the body comes: the source, its rate, proofs that are headers. */
bool hooks_identify(struct request *request);

handler_fn post_hook, greet_hook;
