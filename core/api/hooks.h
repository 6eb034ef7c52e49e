/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/hooks.h - POST /hooks/SOURCE: alerts, from who can prove it.
 *
 *     who                its proof, over the raw bytes; then the rate and the size of its source.
 *                        What proves nothing has budgets of its own, for each address
 *     handshake          what some senders want to hear before they send
 *     what               a content type of its kind, no Content-Encoding
 *     the engine         keeps the bytes as they came; then 202, or 400 for what is no JSON
 *                        even for the reader that replaces bad text (base/json_mend.h)
 *
 * No sender is told why a proof did not hold, nor which sources there are; the log has it, with
 * the key of cordon.lua that would take what came.
 */
#pragma once

#include "api/http.h"

enum {
    HOOKS_MAX = 100,        /* sources */
    HOOKS_TOKEN_MAX = 1024, /* bytes of a validationToken that is echoed */
    HOOKS_RATE = 500, /* proven deliveries a second of a source, when it does not say */
    HOOKS_UNPROVEN_MAX = 600, /* of a source, from an address, in a minute; then 429 */
    HOOKS_GREETINGS_MAX = 60, /* handshakes, which prove nothing, likewise */
    HOOKS_UNPROVEN_MS = 60 * 1000,
    HOOKS_BODY = 2 * 1024 * 1024, /* bytes of a delivery, when its source does not say */
    HOOKS_BODY_MAX = 4 * 1024 * 1024, /* and what it may say */
    HOOKS_KEYS_WAITING_MAX = 256      /* deliveries that wait for them */
};

struct loop;

void hooks_open(struct loop *loop);
void hooks_setup(struct span setup);
void hooks_close(void);
/* What can be said before the body comes: the source, its rate, proofs that are headers. */
bool hooks_identify(struct request *request);

handler_fn post_hook, greet_hook;
