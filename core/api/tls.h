/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/tls.h - is a certificate one that can be listened with?
 */
#pragma once

#include <stdint.h>

struct err;

/* cert, key and client_ca (may be NULL) are PEM. The sentence says what is wrong and what
 * would be right: not PEM, over, not yet valid, another key. */
int tls_check(const char *cert, const char *key, const char *client_ca, int64_t now_ms,
              struct err *err);
