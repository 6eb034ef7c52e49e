/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what a stranger sends to prove a delivery: id, time, signatures and body, each
 * on a line, and as a body with Graph's clientStates. Without the key nothing is proven. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api/proof.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *line(struct span *rest)
{
    const char *end = rest->len > 0 ? memchr(rest->ptr, '\n', rest->len) : NULL;
    size_t len = end != NULL ? (size_t)(end - rest->ptr) : rest->len;
    char *text = span_dup((struct span){ rest->ptr, len });

    rest->ptr += len + (end != NULL);
    rest->len -= len + (end != NULL);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = { (const char *)data, size };
    char *id = line(&rest), *stamp = line(&rest), *signature = line(&rest);
    const char *why;
    struct err err;

    hash_setup();
    assert(!proof_hmac(&(struct hmac_proof){ id, stamp, signature, rest },
                       span_of("[\"whsec_c2VjcmV0IG9mIG5vYm9keQ==\",\"x\"]"), 1000, &why));
    assert(!proof_hmac(&(struct hmac_proof){ id, "1", signature, rest },
                       span_of("[\"whsec_c2VjcmV0IG9mIG5vYm9keQ==\"]"), 1000, &why));
    if (json_check(rest.ptr, rest.len, 65536, &err) == 0)
        assert(!proof_client_state(rest, span_of("[\"nobody knows this state\"]")));
    free(id);
    free(stamp);
    free(signature);
    return 0;
}
