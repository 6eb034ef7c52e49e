/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/ed25519.h - Ed25519 signatures (RFC 8032), and the SHA-512 that goes with them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum { ED25519_KEY_LEN = 32, ED25519_SIGNATURE_LEN = 64, SHA512_LEN = 64 };

/* False also when key or signature has not its length. */
bool ed25519_is_signed(struct span key, struct span signature, struct span message);

void sha512_of(unsigned char out[SHA512_LEN], struct span bytes);
