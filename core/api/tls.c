/* SPDX-License-Identifier: Apache-2.0 */
#include "api/tls.h"

#include <string.h>
#include <time.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/err.h"

enum { CHAIN_MAX = 16 };

static gnutls_datum_t datum(const char *pem)
{
    return (gnutls_datum_t){ (unsigned char *)pem, (unsigned)strlen(pem) };
}

static int check_times(gnutls_x509_crt_t cert, int64_t now_ms, struct err *err)
{
    time_t from = gnutls_x509_crt_get_activation_time(cert);
    time_t to = gnutls_x509_crt_get_expiration_time(cert);
    char day[32];
    struct tm tm;

    if (now_ms / 1000 > (int64_t)to) {
        strftime(day, sizeof day, "%Y-%m-%d", gmtime_r(&to, &tm));
        return err_set(err, ERR_INVALID, "the certificate ended on %s: want one in force",
                       day);
    }
    if (now_ms / 1000 < (int64_t)from) {
        strftime(day, sizeof day, "%Y-%m-%d", gmtime_r(&from, &tm));
        return err_set(err, ERR_INVALID,
                       "the certificate begins on %s: want one in force, or a right clock",
                       day);
    }
    return 0;
}

static int check_cert(const char *pem, int64_t now_ms, struct err *err)
{
    gnutls_x509_crt_t chain[CHAIN_MAX];
    unsigned count = CHAIN_MAX;
    gnutls_datum_t text = datum(pem);
    int rc = gnutls_x509_crt_list_import(chain, &count, &text, GNUTLS_X509_FMT_PEM, 0);

    if (rc < 1)
        return err_set(err, ERR_INVALID,
                       "the certificate is no PEM (\"-----BEGIN CERTIFICATE-----\"): %s",
                       gnutls_strerror(rc));
    int result = check_times(chain[0], now_ms, err);
    for (unsigned i = 0; i < count; i++)
        gnutls_x509_crt_deinit(chain[i]);
    return result;
}

int tls_check(const char *cert, const char *key, const char *client_ca, int64_t now_ms,
              struct err *err)
{
    gnutls_certificate_credentials_t both;
    gnutls_datum_t cert_text = datum(cert), key_text = datum(key);

    if (check_cert(cert, now_ms, err) != 0)
        return err->code;
    if (client_ca != NULL && check_cert(client_ca, now_ms, err) != 0)
        return err_wrap(err, "client_ca");
    if (gnutls_certificate_allocate_credentials(&both) != 0)
        return err_set(err, ERR_IO, "no memory for a certificate");
    int rc = gnutls_certificate_set_x509_key_mem(both, &cert_text, &key_text,
                                                 GNUTLS_X509_FMT_PEM);
    gnutls_certificate_free_credentials(both);
    if (rc == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        return err_set(err, ERR_INVALID,
                       "the key is not that of the certificate: want the pair that was "
                       "made together");
    if (rc < 0)
        return err_set(err, ERR_INVALID, "the key is no PEM key without a passphrase: %s",
                       gnutls_strerror(rc));
    return 0;
}
