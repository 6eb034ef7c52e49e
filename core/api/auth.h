/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/auth.h - who a request comes from: a bearer token, or a browser's session.
 *
 * A token, "Authorization: Bearer cordon_ID_SECRET": ID says which, and its Argon2id hash
 * whether. One that was good is remembered for a while by a keyed hash; a setup forgets all.
 *
 * A session, the cookie __Host-cordon: whatever is not a GET comes from a page of our own
 * origin (Origin, Sec-Fetch-Site) and carries the session's token in X-Cordon-Token. A
 * request with both is refused: it would not be clear for whom it speaks.
 *
 * What only an approver or only an admin may change wants, in a session, that whoever sits
 * there has lately shown that it is them (SESSION_FRESH_MS).
 */
#pragma once

#include <stdbool.h>

#include "api/http.h"
#include "api/session.h"

enum {
    AUTH_REMEMBER_MS = 5 * 60 * 1000,
    AUTH_REMEMBERED_MAX = 1024,
    AUTH_FAILURES_MAX =
        10, /* of an address, within a minute; then wrong ones get 429, and right
                               ones are taken all the same */
    AUTH_FAILURES_MS = 60 * 1000,
    AUTH_BEGINS_MAX = 60, /* of sign-ins with a provider, of an address, in that time */
    AUTH_BROWSER_S = 90 * 24 * 3600
};

#define AUTH_COOKIE         "__Host-cordon"
#define AUTH_BROWSER_COOKIE "__Host-cordon-browser"

void auth_setup(struct span setup);
void auth_close(void);
/* identify_fn: sets request_caller(), or replies. */
bool auth_identify(struct request *request, void *arg);

/* -- For signing in (signin.c, oidc.c) ------------------------------------------------- */

/* The session whose cookie a request carries, or NULL. */
struct session *auth_session(struct request *request);
/* Does it come from a page of our own? false: it has been answered. */
bool auth_is_ours(struct request *request);
/* Of a wrong credential: has its address been wrong too often? true: it has been answered. */
bool auth_is_throttled(struct request *request);
/* The same, without an answer. */
bool auth_is_slow(const struct request *request);
/* May its address begin one more sign-in with a provider? false: it has been answered. */
bool auth_may_begin(struct request *request);
/* Who has signed in with a browser before is not slowed down by what others get wrong. turn: of
 * the account. */
void auth_know_browser(struct request *request, const char *name, int64_t turn);
bool auth_knows_browser(struct request *request, const char *name, int64_t turn);
void auth_note_failure(struct request *request);
/* Signs in: ends the session that the request came with, and sets the cookie of the new one. */
struct session *auth_begin(struct request *request, const struct session_about *about);
/* Ends the request's session, and takes the cookie back. */
void auth_end(struct request *request);
/* The account of that name among those in force; the empty span when there is none. */
struct span auth_account(struct span name);
