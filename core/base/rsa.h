/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/rsa.h - RSA signatures over SHA-256, by OpenSSL's libcrypto.
 *
 * Nothing is read or asked for: no configuration, no engine, no randomness.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

enum {
    RSA_BITS_MIN = 2048,
    RSA_BITS_MAX = 8192, /* a longer one would cost whoever checks too much */
    RSA_EXPONENT_LEN_MAX = 4
};

enum rsa_scheme { RSA_PKCS1, RSA_PSS }; /* PSS: MGF1 with SHA-256, salt of 32 bytes */

/* n and e: unsigned, most significant byte first. Is that a key within the bounds above? */
bool rsa_is_key(struct span n, struct span e);
bool rsa_is_signed(enum rsa_scheme scheme, struct span n, struct span e,
                   struct span signature, struct span message);
