/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "util.h"

enum { KEY_ID_BYTES = 8 };

struct jwt_key {
    unsigned char open[crypto_sign_PUBLICKEYBYTES];
    unsigned char secret[crypto_sign_SECRETKEYBYTES];
    char id[2 * KEY_ID_BYTES + 1];
};

struct jwt_key *jwt_key_new(void)
{
    struct jwt_key *key = xcalloc(1, sizeof *key);

    if (sodium_init() < 0 || crypto_sign_keypair(key->open, key->secret) != 0)
        abort();
    sodium_bin2hex(key->id, sizeof key->id, key->open, KEY_ID_BYTES);
    return key;
}

void jwt_key_free(struct jwt_key *key)
{
    sodium_memzero(key, sizeof *key);
    free(key);
}

/* Base64 for URLs, without padding; to be freed. */
static char *encode(const unsigned char *bytes, size_t len)
{
    size_t size = sodium_base64_encoded_len(len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *text = xcalloc(1, size);

    sodium_bin2base64(text, size, bytes, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return text;
}

static char *encode_json(const cJSON *json)
{
    char *plain = cJSON_PrintUnformatted(json);
    char *text = encode((const unsigned char *)plain, strlen(plain));

    cJSON_free(plain);
    return text;
}

static char *header_of(const struct jwt_key *key)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "typ", "JWT");
    cJSON_AddStringToObject(json, "alg", "EdDSA");
    cJSON_AddStringToObject(json, "kid", key->id);
    char *text = encode_json(json);
    cJSON_Delete(json);
    return text;
}

char *jwt_sign(const struct jwt_key *key, const cJSON *claims)
{
    unsigned char bytes[crypto_sign_BYTES];
    char *header = header_of(key);
    char *body = encode_json(claims);
    char *signed_part = text_format("%s.%s", header, body);

    crypto_sign_detached(bytes, NULL, (const unsigned char *)signed_part,
                         strlen(signed_part), key->secret);
    char *signature = encode(bytes, sizeof bytes);
    char *token = text_format("%s.%s", signed_part, signature);
    free(signature);
    free(signed_part);
    free(body);
    free(header);
    return token;
}

cJSON *jwt_key_set(const struct jwt_key *key)
{
    char *point = encode(key->open, sizeof key->open);
    cJSON *set = cJSON_CreateObject();
    cJSON *json = cJSON_CreateObject();

    cJSON_AddItemToArray(cJSON_AddArrayToObject(set, "keys"), json);
    cJSON_AddStringToObject(json, "kty", "OKP");
    cJSON_AddStringToObject(json, "crv", "Ed25519");
    cJSON_AddStringToObject(json, "use", "sig");
    cJSON_AddStringToObject(json, "alg", "EdDSA");
    cJSON_AddStringToObject(json, "kid", key->id);
    cJSON_AddStringToObject(json, "x", point);
    free(point);
    return set;
}
