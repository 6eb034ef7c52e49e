/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/proof.h - is a delivery from who it says, by what a source's keys say of its bytes.
 *
 * Nothing here parses what was delivered, but for clientState, which Graph puts there. What is
 * compared is compared in a time that says nothing of where it differs. Several keys of a source are all live, so that one can be
 * changed without a gap.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum {
    PROOF_CLOCK_MS = 5 * 60 * 1000, /* a timestamp may be so far away from now */
    PROOF_SIGNATURES_MAX = 8,       /* in one header */
    PROOF_ID_MAX = 256              /* bytes of a delivery's id */
};

/* Standard Webhooks: HMAC-SHA256 over "ID.TIMESTAMP.BODY", "v1,BASE64" and others behind
 * blanks. keys: a JSON list of texts, "whsec_BASE64" or any other as its bytes. Headers may be
 * NULL. why gets a word for the log when it is not proven. */
struct hmac_proof {
    const char *id, *timestamp, *signature;
    struct span body;
};
bool proof_hmac(const struct hmac_proof *given, struct span keys, int64_t now_ms,
                const char **why);
/* Is text one of a JSON list of texts? */
bool proof_one_of(struct span text, struct span list);
/* Graph: each item of "value" has one of the clientStates. json was checked. */
bool proof_client_state(struct span json, struct span states);
