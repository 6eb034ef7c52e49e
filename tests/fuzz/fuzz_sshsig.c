/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes, as the armor and as the blob inside it, and as a key: refused, or read within
 * their bounds. */
#include "base/sshsig.h"

#include <assert.h>
#include <stdint.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_armor(struct span armor)
{
    struct sshsig sig;
    struct err err;

    if (sshsig_read(&sig, armor, &err) != 0)
        return;
    assert(sig.namespace.len <= sig.bytes.len && sig.key.blob.len <= sig.bytes.len);
    assert(sshkey_is_hardware(&sig.key) || (!sig.is_touched && !sig.is_verified));
    sshsig_check(&sig, SSHSIG_VOTE_NAMESPACE, span_of("{}"), &err);
    sshsig_fini(&sig);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = { (const char *)data, size };
    struct str armor = { 0 }, blob = { 0 };
    struct sshkey key;
    struct err err;

    hash_setup();
    try_armor(bytes);
    str_add_text(&armor, "-----BEGIN SSH SIGNATURE-----\n");
    base64_add(&armor, data, size);
    str_add_text(&armor, "\n-----END SSH SIGNATURE-----\n");
    try_armor(str_span(&armor));
    if (sshkey_read(&key, bytes, &err) == 0)
        assert(span_starts(span_of(key.fingerprint), "SHA256:"));
    sshkey_read_line(&key, &blob, NULL, bytes, &err);
    str_fini(&armor);
    str_fini(&blob);
    return 0;
}
