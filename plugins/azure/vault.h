/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault.h - requests to a key vault: its address, its challenge, and a token for it.
 *
 * A vault says itself which tenant and audience its tokens are for. A vault that names an
 * audience which is not its own parent domain wants a token that is good elsewhere, and
 * gets none. Where we sign in is configuration, whatever the vault says.
 */
#pragma once

#include "answer.h"

struct azure;

struct vault_request {
    const char *method;
    const char *vault; /* its name */
    const char *path;  /* "/secrets/NAME", without the query */
    const char *query; /* "&maxresults=25"; NULL for none */
    cJSON *body;       /* NULL for none; printed, not taken */
    uint32_t flags;    /* CORDON_HTTP_*; a secret body is wiped once it is sent */
    answer_fn *done;
    void *arg;
};

/* Calls request->done with whatever came, or fails the job. */
void vault_send(struct job *job, const struct vault_request *request);

/* Goes on with a list at its nextLink, which has to be an address of that vault. */
void vault_next(struct job *job, const char *vault, const char *link, answer_fn *done,
                void *arg);

/* The address by which the world knows the secret, lower case:
 * "https://shop-kv.vault.azure.net/secrets/db-password". */
const char *vault_secret_url(struct job *job, const char *vault, const char *name);

void vault_fini(struct azure *azure);
