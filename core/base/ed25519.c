/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ed25519.h"

#include <sodium.h>

_Static_assert(ED25519_KEY_LEN == crypto_sign_PUBLICKEYBYTES, "an Ed25519 key");
_Static_assert(ED25519_SIGNATURE_LEN == crypto_sign_BYTES, "an Ed25519 signature");
_Static_assert(SHA512_LEN == crypto_hash_sha512_BYTES, "SHA-512");

bool ed25519_is_signed(struct span key, struct span signature, struct span message)
{
    return key.len == ED25519_KEY_LEN && signature.len == ED25519_SIGNATURE_LEN &&
           crypto_sign_verify_detached((const unsigned char *)signature.ptr,
                                       (const unsigned char *)message.ptr, message.len,
                                       (const unsigned char *)key.ptr) == 0;
}

void sha512_of(unsigned char out[SHA512_LEN], struct span bytes)
{
    crypto_hash_sha512(out, (const unsigned char *)bytes.ptr, bytes.len);
}
