/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ecdsa.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>

static const struct {
    const char *group;
    size_t point_len, number_len;
    const EVP_MD *(*hash)(void);
} curves[] = {
    [ECDSA_P256] = { "prime256v1", 65, 32, EVP_sha256 },
    [ECDSA_P384] = { "secp384r1", 97, 48, EVP_sha384 },
};

/* NULL when the point is not on the curve. */
static EVP_PKEY *key_of(enum ecdsa_curve curve, struct span point)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                         (char *)curves[curve].group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point.ptr,
                                          point.len),
        OSSL_PARAM_construct_end(),
    };

    if (point.len != curves[curve].point_len || point.ptr[0] != 4)
        return NULL;
    /* Else the first use would read the system's openssl.cnf. */
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return key;
}

bool ecdsa_is_key(enum ecdsa_curve curve, struct span point)
{
    EVP_PKEY *key = key_of(curve, point);

    EVP_PKEY_free(key);
    return key != NULL;
}

/* The two numbers as libcrypto wants them, DER; its length or -1. */
static int der_of(struct span r, struct span s, unsigned char **der)
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *first = BN_bin2bn((const unsigned char *)r.ptr, (int)r.len, NULL);
    BIGNUM *second = BN_bin2bn((const unsigned char *)s.ptr, (int)s.len, NULL);
    int len = -1;

    if (pair != NULL && first != NULL && second != NULL &&
        ECDSA_SIG_set0(pair, first, second) == 1) {
        len = i2d_ECDSA_SIG(pair, der);
    } else {
        BN_free(first);
        BN_free(second);
    }
    ECDSA_SIG_free(pair);
    return len;
}

bool ecdsa_is_signed(enum ecdsa_curve curve, struct span point, struct span r,
                     struct span s, struct span message)
{
    unsigned char *der = NULL;
    bool is_signed = false;

    if (r.len > curves[curve].number_len || s.len > curves[curve].number_len)
        return false;
    EVP_PKEY *key = key_of(curve, point);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int len = der_of(r, s, &der);
    if (key != NULL && context != NULL && len > 0 &&
        EVP_DigestVerifyInit(context, NULL, curves[curve].hash(), NULL, key) == 1)
        is_signed = EVP_DigestVerify(context, der, (size_t)len,
                                     (const unsigned char *)message.ptr, message.len) == 1;
    OPENSSL_free(der);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return is_signed;
}
