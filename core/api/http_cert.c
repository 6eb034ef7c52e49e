/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/http_cert.c - the certificate that new connections are shown, which may be renewed while
 * others go on.
 *
 * A handshake that is under way holds the pair that it has begun with, and nobody is told when
 * it ends: so a pair that was replaced is kept until the process ends. A process has one server.
 */
#include "api/http_cert.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"

enum { CHAIN_MAX = 16 };

struct pair {
    struct pair *before;
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned count;
    gnutls_privkey_t key;
};

static struct pair *newest;

static gnutls_datum_t datum(const char *pem)
{
    return (gnutls_datum_t){ (unsigned char *)pem, (unsigned)strlen(pem) };
}

static void free_pair(struct pair *pair)
{
    for (unsigned i = 0; i < pair->count; i++)
        gnutls_pcert_deinit(&pair->chain[i]);
    gnutls_privkey_deinit(pair->key);
    free(pair);
}

int cert_use(const char *cert, const char *key, struct err *err)
{
    struct pair *pair = xcalloc(1, sizeof *pair);
    gnutls_datum_t cert_text = datum(cert), key_text = datum(key);
    unsigned count = CHAIN_MAX;
    int rc = gnutls_pcert_list_import_x509_raw(pair->chain, &count, &cert_text,
                                               GNUTLS_X509_FMT_PEM, 0);

    pair->count = rc < 0 ? 0 : count;
    if (rc >= 0)
        rc = gnutls_privkey_init(&pair->key);
    if (rc >= 0)
        rc = gnutls_privkey_import_x509_raw(pair->key, &key_text, GNUTLS_X509_FMT_PEM, NULL,
                                            0);
    if (rc < 0) {
        free_pair(pair);
        return err_set(err, ERR_INVALID, "the certificate and its key: %s",
                       gnutls_strerror(rc));
    }
    pair->before = newest;
    newest = pair;
    return 0;
}

int cert_pick(gnutls_session_t session, const gnutls_datum_t *authorities, int count,
              const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
              gnutls_pcert_st **chain, unsigned *chain_len, gnutls_privkey_t *key)
{
    (void)session;
    (void)authorities;
    (void)count;
    (void)algorithms;
    (void)algorithm_count;
    *chain = newest->chain;
    *chain_len = newest->count;
    *key = newest->key;
    return 0;
}

void cert_close(void)
{
    while (newest != NULL) {
        struct pair *pair = newest;

        newest = pair->before;
        free_pair(pair);
    }
}
