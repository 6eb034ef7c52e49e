/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/http_cert.h - the certificate that a server shows, and its key.
 */
#pragma once

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

struct err;

/* PEM, both; for whoever connects from now on. What goes wrong leaves the pair before. */
int cert_use(const char *cert, const char *key, struct err *err);
/* A gnutls_certificate_retrieve_function2. */
int cert_pick(gnutls_session_t session, const gnutls_datum_t *authorities, int count,
              const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
              gnutls_pcert_st **chain, unsigned *chain_len, gnutls_privkey_t *key);
/* Once nobody is connected any more. */
void cert_close(void);
