/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/oidc.h - signing in with a provider: OpenID Connect, code flow with PKCE (S256).
 *
 *   POST /sign-in/oidc/NAME           ──► where the browser is to go
 *        the browser goes there, signs in, and is sent back
 *   GET  /sign-in/oidc/NAME/callback  ──► the code is exchanged for an ID token, the token is
 *                                         verified (jwt.h), a session begins
 *
 * Between the two a sign-in is remembered by its state, for this browser (a cookie), once, and
 * for OIDC_PENDING_MS. What the provider is, it says itself (discovery); whom we talk to is its
 * issuer's host and those that cordon.lua adds. Its keys are kept; a kid that is not among them
 * has them fetched anew, at most once in OIDC_KEYS_AGAIN_MS.
 */
#pragma once

#include "api/http.h"

enum {
    OIDC_PENDING_MS = 10 * 60 * 1000,
    OIDC_PENDING_MAX = 1000, /* the oldest gives way */
    OIDC_EXCHANGES_MAX = 32, /* that wait for a provider */
    OIDC_CALL_MS = 15 * 1000,
    OIDC_DISCOVERED_MS = 60 * 60 * 1000, /* so long counts what a provider said of itself */
    OIDC_KEYS_AGAIN_MS = 5 * 60 * 1000,
    OIDC_DOCUMENT_MAX = 64 * 1024,
    OIDC_CODE_MAX = 4096
};

#define OIDC_COOKIE "__Host-cordon-oidc"

handler_fn begin_oidc, end_oidc;

/* A new setup: when providers have changed, nothing is known of them any more. */
void oidc_setup(void);
void oidc_close(void); /* before the server closes */
