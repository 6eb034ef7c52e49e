/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rsa.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

static EVP_PKEY *key_of_numbers(const BIGNUM *n, const BIGNUM *e)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;

    /* Else the first use would read the system's openssl.cnf. */
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    if (build != NULL && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    return key;
}

/* CVE-2017-15361 (ROCA): a library of smart cards made primes that are powers of 65537 modulo
 * many small ones; such a key can be factored. A sound one looks so once in 2^27 times. */
static bool is_of_roca(const BIGNUM *n)
{
    static const unsigned primes[] = { 3,  5,  7,  11, 13, 17,  19,  23,  29,  31,  37, 53,
                                       61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157 };

    for (size_t i = 0; i < sizeof primes / sizeof *primes; i++) {
        BN_ULONG rest = BN_mod_word(n, primes[i]);
        unsigned power = 1;

        while (power != rest && (power = power * 65537 % primes[i]) != 1)
            continue;
        if (power != rest)
            return false;
    }
    return true;
}

static bool is_within_bounds(const BIGNUM *n, const BIGNUM *e)
{
    return BN_num_bits(n) >= RSA_BITS_MIN && BN_num_bits(n) <= RSA_BITS_MAX &&
           BN_is_odd(n) && BN_is_odd(e) && !BN_is_one(e) && !is_of_roca(n);
}

/* NULL when it is none. */
static EVP_PKEY *key_of(struct span n, struct span e)
{
    EVP_PKEY *key = NULL;

    if (n.len == 0 || n.len > RSA_BITS_MAX / 8 || e.len == 0 ||
        e.len > RSA_EXPONENT_LEN_MAX)
        return NULL;
    BIGNUM *first = BN_bin2bn((const unsigned char *)n.ptr, (int)n.len, NULL);
    BIGNUM *second = BN_bin2bn((const unsigned char *)e.ptr, (int)e.len, NULL);
    if (first != NULL && second != NULL && is_within_bounds(first, second))
        key = key_of_numbers(first, second);
    BN_free(first);
    BN_free(second);
    ERR_clear_error();
    return key;
}

bool rsa_is_key(struct span n, struct span e)
{
    EVP_PKEY *key = key_of(n, e);

    EVP_PKEY_free(key);
    return key != NULL;
}

static bool choose(EVP_PKEY_CTX *settings, enum rsa_scheme scheme)
{
    if (scheme == RSA_PKCS1)
        return EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PADDING) == 1;
    return EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(settings, EVP_sha256()) == 1;
}

bool rsa_is_signed(enum rsa_scheme scheme, struct span n, struct span e,
                   struct span signature, struct span message)
{
    EVP_PKEY *key = key_of(n, e);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *settings = NULL; /* context's */
    bool is_signed = false;

    if (key != NULL && context != NULL &&
        EVP_DigestVerifyInit(context, &settings, EVP_sha256(), NULL, key) == 1 &&
        choose(settings, scheme))
        is_signed =
            EVP_DigestVerify(context, (const unsigned char *)signature.ptr, signature.len,
                             (const unsigned char *)message.ptr, message.len) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return is_signed;
}
