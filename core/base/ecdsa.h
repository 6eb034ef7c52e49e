/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/ecdsa.h - ECDSA signatures over the NIST curves, by OpenSSL's libcrypto.
 *
 * Nothing is read or asked for: no configuration, no engine, no randomness.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

enum ecdsa_curve { ECDSA_P256, ECDSA_P384 };

/* Is there such a point on the curve? point is uncompressed: 4, x, y. */
bool ecdsa_is_key(enum ecdsa_curve curve, struct span point);
/* r and s: unsigned, most significant byte first. The message is hashed with SHA-256 on
 * P-256 and with SHA-384 on P-384. */
bool ecdsa_is_signed(enum ecdsa_curve curve, struct span point, struct span r,
                     struct span s, struct span message);
