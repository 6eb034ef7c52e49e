/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/signin.h - signing in with a password, and out; who one is; tokens over the API.
 *
 * A password is checked on another thread, one at a time, since each takes 64 MiB and some
 * 60 ms; SIGNIN_WAITING_MAX wait their turn. A name that has no account takes as long.
 *
 * Wrong ones slow down, and do not lock out: where an account or an address has had too many, one
 * attempt is looked at in SIGNIN_PAUSE_MS, and the others wait for that, SIGNIN_PACED_MS at most,
 * each as likely to be the next. A browser in which the account was signed in to before does not
 * wait, and has wrong ones of its own to spend (SIGNIN_KNOWN_MAX).
 */
#pragma once

#include "api/http.h"

enum {
    SIGNIN_WAITING_MAX = 32,
    SIGNIN_FAILURES_MAX = 20,            /* of an account, from wherever, */
    SIGNIN_FAILURES_MS = 10 * 60 * 1000, /* within so long; then one is looked at */
    SIGNIN_PAUSE_MS = 5 * 1000,          /* in so long, right or wrong */
    SIGNIN_PACED_MAX = 64,               /* wait for that; */
    SIGNIN_PACED_EACH_MAX = 8,           /* of an address */
    SIGNIN_PACED_MS = 30 * 1000,         /* so long; then 429 */
    SIGNIN_KNOWN_MAX =
        10, /* wrong ones of known browsers, of an account, in SIGNIN_FAILURES_MS */
    SIGNIN_LOOK_MS = 250
};

handler_fn list_sign_ins, sign_in, sign_in_again, sign_out, get_me;
handler_fn list_tokens, create_token, revoke_token;

/* Answers with who has signed in: what GET /v1/me says. */
struct session;
void signin_respond(struct request *request, const struct session *session);
void signin_open(void);
