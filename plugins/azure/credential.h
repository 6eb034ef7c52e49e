/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credential.h - access tokens: who we say we are, and how we show it.
 *
 * A token is kept until five minutes before its end and used by every call that wants the
 * same one. No token, secret or assertion is ever logged or put into an answer.
 */
#pragma once

#include <stdbool.h>

struct azure;
struct job;

struct token_want {
    const char *tenant;   /* "": the configured one */
    const char *audience; /* "https://management.azure.com" */
    const char *claims;   /* what a challenge asked for, JSON; NULL for none */
    bool is_fresh;        /* the kept one was turned down: get another */
    const char *why;      /* what was said then; NULL or "" for nothing */
};

typedef void token_fn(struct job *job, const char *token, void *arg);

/* Calls done with a token, at once when one is kept, or fails the job. want and arg are
 * the call's memory. */
void credential_get(struct job *job, const struct token_want *want, token_fn *done,
                    void *arg);

/* Wipes and frees all tokens. */
void credential_fini(struct azure *azure);
