/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt_maker.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/hash.h"
#include "base/log.h"

struct maker {
    EVP_PKEY *rsa, *ec;
    struct str keys;
};

static void put_number(struct str *out, const char *name, EVP_PKEY *key, const char *param,
                       int len)
{
    unsigned char bytes[512];
    BIGNUM *number = NULL;

    if (EVP_PKEY_get_bn_param(key, param, &number) != 1)
        fatalx("a key has no %s", param);
    if (len == 0)
        len = BN_num_bytes(number);
    BN_bn2binpad(number, bytes, len);
    BN_free(number);
    str_printf(out, ",\"%s\":\"", name);
    base64url_add(out, bytes, (size_t)len);
    str_add_char(out, '"');
}

struct maker *maker_new(void)
{
    struct maker *maker = xcalloc(1, sizeof *maker);

    maker->rsa = EVP_RSA_gen(2048);
    maker->ec = EVP_EC_gen("P-256");
    str_add_text(&maker->keys, "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"rsa-1\"");
    put_number(&maker->keys, "n", maker->rsa, OSSL_PKEY_PARAM_RSA_N, 0);
    put_number(&maker->keys, "e", maker->rsa, OSSL_PKEY_PARAM_RSA_E, 0);
    str_add_text(&maker->keys, "},{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"ec-1\"");
    put_number(&maker->keys, "x", maker->ec, OSSL_PKEY_PARAM_EC_PUB_X, 32);
    put_number(&maker->keys, "y", maker->ec, OSSL_PKEY_PARAM_EC_PUB_Y, 32);
    str_add_text(&maker->keys, "}]}");
    return maker;
}

void maker_free(struct maker *maker)
{
    EVP_PKEY_free(maker->rsa);
    EVP_PKEY_free(maker->ec);
    str_fini(&maker->keys);
    free(maker);
}

struct span maker_keys(struct maker *maker)
{
    return str_span(&maker->keys);
}

/* r and s, 32 bytes each, of what libcrypto makes: DER. */
static void flatten(struct str *raw, const unsigned char *der, size_t len)
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);
    unsigned char bytes[64];

    BN_bn2binpad(ECDSA_SIG_get0_r(pair), bytes, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(pair), bytes + 32, 32);
    ECDSA_SIG_free(pair);
    str_add(raw, bytes, sizeof bytes);
}

static void sign(struct str *out, EVP_PKEY *key, const char *how, struct span text)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *settings;
    unsigned char bytes[512];
    size_t len = sizeof bytes;

    EVP_DigestSignInit(context, &settings, EVP_sha256(), NULL, key);
    if (strcmp(how, "PS256") == 0) {
        EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST);
    }
    if (EVP_DigestSign(context, bytes, &len, (const unsigned char *)text.ptr, text.len) !=
        1)
        fatalx("cannot sign");
    EVP_MD_CTX_free(context);
    if (strcmp(how, "ES256") == 0)
        flatten(out, bytes, len);
    else
        str_add(out, bytes, len);
}

char *maker_token(struct maker *maker, const char *how, const char *header,
                  const char *claims)
{
    struct str token = { 0 }, raw = { 0 };

    base64url_add(&token, header, strlen(header));
    str_add_char(&token, '.');
    base64url_add(&token, claims, strlen(claims));
    if (strcmp(how, "HS256") == 0) {
        struct hash mac = hash_hmac(maker->keys.ptr, maker->keys.len, token.ptr, token.len);

        str_add(&raw, mac.bytes, sizeof mac.bytes);
    } else if (strcmp(how, "none") != 0) {
        sign(&raw, strcmp(how, "ES256") == 0 ? maker->ec : maker->rsa, how,
             str_span(&token));
    }
    str_add_char(&token, '.');
    base64url_add(&token, raw.ptr, raw.len);
    str_fini(&raw);
    return str_take(&token);
}
