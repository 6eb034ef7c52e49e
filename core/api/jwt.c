/* SPDX-License-Identifier: Apache-2.0 */
#include "api/jwt.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/ecdsa.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/rsa.h"

enum { ES256_LEN = 64, P256_LEN = 32 };

static const double moment_max = 253402300799; /* the last second of the year 9999 */

struct jwt_key {
    char *kid;
    unsigned algs;    /* enum jwt_alg: what it can be used for */
    struct str n, e;  /* RSA */
    struct str point; /* P-256 */
};

static const struct {
    const char *name;
    enum jwt_alg alg;
} algs[] = { { "RS256", JWT_RS256 }, { "ES256", JWT_ES256 }, { "PS256", JWT_PS256 } };

enum jwt_alg jwt_alg_of(struct span name)
{
    for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++)
        if (span_is(name, algs[i].name))
            return algs[i].alg;
    return 0;
}

/* -- keys ---------------------------------------------------------------------------------- */

static void fini_key(struct jwt_key *key)
{
    free(key->kid);
    str_fini(&key->n);
    str_fini(&key->e);
    str_fini(&key->point);
}

static bool read_rsa(struct jwt_key *key, struct span json)
{
    key->algs = JWT_RS256 | JWT_PS256;
    return base64url_read(&key->n, json_get_raw(json, "n")) &&
           base64url_read(&key->e, json_get_raw(json, "e")) &&
           rsa_is_key(str_span(&key->n), str_span(&key->e));
}

static bool read_p256(struct jwt_key *key, struct span json)
{
    key->algs = JWT_ES256;
    str_add_char(&key->point, 4);
    return span_is(json_get_raw(json, "crv"), "P-256") &&
           base64url_read(&key->point, json_get_raw(json, "x")) &&
           base64url_read(&key->point, json_get_raw(json, "y")) &&
           ecdsa_is_key(ECDSA_P256, str_span(&key->point));
}

/* RFC 7517, 4.3: what its owner lets the key be used for, each thing once. */
static bool may_verify(struct span ops)
{
    struct span one, other;
    size_t pos = 0;
    bool verifies = false;

    if (ops.len == 0)
        return true;
    if (json_kind(ops) != JSON_ARRAY || json_count(ops) > JWT_KEY_OPS_MAX)
        return false;
    while (json_next(ops, &pos, NULL, &one)) {
        size_t rest = pos;

        if (json_kind(one) != JSON_STRING)
            return false;
        verifies = verifies || span_is(json_raw(one), "verify");
        while (json_next(ops, &rest, NULL, &other))
            if (span_equal(one, other))
                return false;
    }
    return verifies;
}

/* false: it is not for us, and left out. */
static bool read_key(struct jwt_key *key, struct span json)
{
    struct span type = json_get_raw(json, "kty");
    struct span use = json_get(json, "use"), alg = json_get(json, "alg");

    if ((use.len > 0 && !span_is(json_raw(use), "sig")) ||
        !may_verify(json_get(json, "key_ops")))
        return false;
    key->kid = json_get_text(json, "kid");
    if (key->kid == NULL || key->kid[0] == '\0')
        return false;
    if (span_is(type, "RSA") ? !read_rsa(key, json)
                             : !span_is(type, "EC") || !read_p256(key, json))
        return false;
    if (alg.len > 0)
        key->algs &= jwt_alg_of(json_raw(alg));
    return key->algs != 0;
}

int jwt_keys_read(struct jwt_keys *keys, struct span json, struct err *err)
{
    struct span list, item;
    size_t pos = 0;

    memset(keys, 0, sizeof *keys);
    if (json_check(json.ptr, json.len, JWT_KEYS_LEN_MAX, err) != 0)
        return err_wrap(err, "the issuer's keys");
    list = json_get(json, "keys");
    if (json_kind(json) != JSON_OBJECT || json_kind(list) != JSON_ARRAY)
        return err_set(err, ERR_INVALID, "the issuer's keys: want {\"keys\": [...]}");
    keys->keys = xcalloc(JWT_KEYS_MAX, sizeof *keys->keys);
    while (keys->count < JWT_KEYS_MAX && json_next(list, &pos, NULL, &item)) {
        struct jwt_key *key = &keys->keys[keys->count];

        if (json_kind(item) == JSON_OBJECT && read_key(key, item)) {
            keys->count++;
        } else {
            fini_key(key);
            memset(key, 0, sizeof *key);
        }
    }
    if (keys->count > 0)
        return 0;
    jwt_keys_fini(keys);
    return err_set(err, ERR_INVALID,
                   "the issuer's keys: none that we can use; want RSA of %d bits or more, "
                   "or EC on P-256, each with a kid",
                   RSA_BITS_MIN);
}

void jwt_keys_fini(struct jwt_keys *keys)
{
    for (int i = 0; i < keys->count; i++)
        fini_key(&keys->keys[i]);
    free(keys->keys);
    memset(keys, 0, sizeof *keys);
}

/* Two keys may have one kid when they are of different kinds. */
static const struct jwt_key *find_key(const struct jwt_keys *keys, const char *kid,
                                      enum jwt_alg alg)
{
    const struct jwt_key *found = NULL;

    for (int i = 0; i < keys->count; i++)
        if (strcmp(keys->keys[i].kid, kid) == 0) {
            found = &keys->keys[i];
            if ((found->algs & alg) != 0)
                return found;
        }
    return found;
}

/* -- the signature ------------------------------------------------------------------------- */

struct parts {
    struct span header, claims, signature; /* base64url */
    struct span is_signed;                 /* header.claims */
};

static bool split(struct parts *parts, struct span token)
{
    const char *end = token.ptr + token.len, *first, *second;

    first = token.len > 0 ? memchr(token.ptr, '.', token.len) : NULL;
    if (first == NULL)
        return false;
    second = memchr(first + 1, '.', (size_t)(end - first - 1));
    if (second == NULL)
        return false;
    parts->header = (struct span){ token.ptr, (size_t)(first - token.ptr) };
    parts->claims = (struct span){ first + 1, (size_t)(second - first - 1) };
    parts->signature = (struct span){ second + 1, (size_t)(end - second - 1) };
    parts->is_signed = (struct span){ token.ptr, (size_t)(second - token.ptr) };
    return true;
}

static int read_object(struct str *out, struct span letters, const char *what,
                       struct err *err)
{
    if (!base64url_read(out, letters))
        return err_set(err, ERR_INVALID, "the token's %s is no base64url", what);
    if (json_check(str_text(out), out->len, JWT_LEN_MAX, err) != 0)
        return err_wrap(err, "the token's %s", what);
    if (json_kind(str_span(out)) != JSON_OBJECT)
        return err_set(err, ERR_INVALID, "the token's %s is no JSON object", what);
    return 0;
}

static bool is_signed_es256(const struct jwt_key *key, struct span signature,
                            struct span message)
{
    if (signature.len != ES256_LEN)
        return false;
    struct span r = { signature.ptr, P256_LEN };
    struct span s = { signature.ptr + P256_LEN, P256_LEN };
    return ecdsa_is_signed(ECDSA_P256, str_span(&key->point), r, s, message);
}

static bool is_signed_by(const struct jwt_key *key, enum jwt_alg alg, struct span signature,
                         struct span message)
{
    if (alg == JWT_ES256)
        return is_signed_es256(key, signature, message);
    return rsa_is_signed(alg == JWT_PS256 ? RSA_PSS : RSA_PKCS1, str_span(&key->n),
                         str_span(&key->e), signature, message);
}

static int check_with(const struct jwt_key *key, enum jwt_alg alg,
                      const struct parts *parts, struct err *err)
{
    struct str signature = { 0 };
    int rc = 0;

    if ((key->algs & alg) == 0)
        rc = err_set(err, ERR_DENIED, "the issuer's key is for another algorithm");
    else if (!base64url_read(&signature, parts->signature))
        rc = err_set(err, ERR_INVALID, "the token's signature is no base64url");
    else if (!is_signed_by(key, alg, str_span(&signature), parts->is_signed))
        rc = err_set(err, ERR_DENIED, "the token's signature does not hold");
    str_fini(&signature);
    return rc;
}

static int check_signature(const struct parts *parts, struct span header,
                           const struct jwt_rules *rules, const struct jwt_keys *keys,
                           struct err *err)
{
    struct span name = json_get_raw(header, "alg");
    enum jwt_alg alg = jwt_alg_of(name);
    char *kid = json_get_text(header, "kid");
    const struct jwt_key *key;
    int rc;

    if ((alg & rules->algs) == 0)
        rc = err_set(err, ERR_DENIED, "the token's alg \"%.*s\" is not one that is allowed",
                     (int)(name.len < 20 ? name.len : 20), name.ptr);
    else if (json_get(header, "crit").len > 0)
        rc = err_set(err, ERR_DENIED, "the token has \"crit\", which we know nothing of");
    else if (kid == NULL || kid[0] == '\0')
        rc = err_set(err, ERR_DENIED, "the token has no \"kid\"");
    else if ((key = find_key(keys, kid, alg)) == NULL)
        rc = err_set(err, ERR_NOT_FOUND, "no key of the issuer has the token's kid");
    else
        rc = check_with(key, alg, parts, err);
    free(kid);
    return rc;
}

/* -- claims -------------------------------------------------------------------------------- */

static bool is_text(struct span value, const char *wanted)
{
    char *text = json_text(value);
    size_t len = strlen(wanted);
    bool is_same = text != NULL && strlen(text) == len &&
                   hash_equal(hash_of(text, len), hash_of(wanted, len));

    free(text);
    return is_same;
}

static bool is_one_of(struct span value, const char *const *wanted)
{
    for (int i = 0; wanted != NULL && wanted[i] != NULL; i++)
        if (is_text(value, wanted[i]))
            return true;
    return false;
}

/* A text, or a list of texts. */
static bool is_for(struct span aud, const char *const *audiences)
{
    struct span item;
    size_t pos = 0;
    bool is_ours = false;

    if (json_kind(aud) != JSON_ARRAY)
        return is_one_of(aud, audiences);
    while (json_next(aud, &pos, NULL, &item)) {
        if (json_kind(item) != JSON_STRING)
            return false;
        is_ours = is_ours || is_one_of(item, audiences);
    }
    return is_ours;
}

/* -1: it is none. */
static int64_t moment(struct span claims, const char *name)
{
    double value = json_double(json_get(claims, name), -1);

    return value >= 0 && value <= moment_max ? (int64_t)value * 1000 : -1;
}

static int check_times(struct span claims, int64_t now_ms, struct err *err)
{
    int64_t exp = moment(claims, "exp"), iat = moment(claims, "iat");
    int64_t nbf = moment(claims, "nbf");

    if (exp < 0 || iat < 0)
        return err_set(err, ERR_DENIED, "the token has no \"%s\" that is a moment",
                       exp < 0 ? "exp" : "iat");
    if (json_get(claims, "nbf").len > 0 && nbf < 0)
        return err_set(err, ERR_DENIED, "the token's \"nbf\" is no moment");
    if (now_ms >= exp + JWT_LEEWAY_MS)
        return err_set(err, ERR_DENIED, "the token has expired");
    if (iat > now_ms + JWT_LEEWAY_MS)
        return err_set(err, ERR_DENIED,
                       "the token was issued in the future: compare the clocks");
    if (nbf > now_ms + JWT_LEEWAY_MS)
        return err_set(err, ERR_DENIED, "the token is not valid yet: compare the clocks");
    return 0;
}

static int check_party(struct span claims, const struct jwt_rules *rules, struct err *err)
{
    struct span azp = json_get(claims, "azp"), aud = json_get(claims, "aud");
    struct span app = azp.len > 0 ? azp : json_get(claims, "appid");
    bool wants_azp = azp.len > 0 || (json_kind(aud) == JSON_ARRAY && json_count(aud) > 1);

    if (rules->client_id != NULL && wants_azp && !is_text(azp, rules->client_id))
        return err_set(err, ERR_DENIED, "the token was made for another client (\"azp\")");
    if (rules->apps != NULL && !is_one_of(app, rules->apps))
        return err_set(err, ERR_DENIED,
                       "the token was asked for by an application that is not listed "
                       "(\"azp\", \"appid\")");
    if (rules->tenant != NULL && !is_text(json_get(claims, "tid"), rules->tenant))
        return err_set(err, ERR_DENIED, "the token is of another tenant (\"tid\")");
    return 0;
}

static int check_claims(struct span claims, const struct jwt_rules *rules, struct err *err)
{
    if (!is_text(json_get(claims, "iss"), rules->issuer))
        return err_set(err, ERR_DENIED, "the token is of another issuer (\"iss\")");
    if (!is_for(json_get(claims, "aud"), rules->audiences))
        return err_set(err, ERR_DENIED, "the token is for somebody else (\"aud\")");
    if (check_party(claims, rules, err) != 0 ||
        check_times(claims, rules->now_ms, err) != 0)
        return err->code;
    if (rules->nonce != NULL && !is_text(json_get(claims, "nonce"), rules->nonce))
        return err_set(err, ERR_DENIED, "the token answers another question (\"nonce\")");
    return 0;
}

/* -- all of it ----------------------------------------------------------------------------- */

static int verify(struct jwt *jwt, struct span token, const struct jwt_rules *rules,
                  const struct jwt_keys *keys, struct err *err)
{
    struct parts parts;

    if (token.len > JWT_LEN_MAX)
        return err_set(err, ERR_INVALID, "a token has at most %d bytes", JWT_LEN_MAX);
    if (!split(&parts, token))
        return err_set(err, ERR_INVALID, "not a token: want three parts with two dots");
    if (read_object(&jwt->header, parts.header, "header", err) != 0 ||
        check_signature(&parts, str_span(&jwt->header), rules, keys, err) != 0 ||
        read_object(&jwt->claims, parts.claims, "claims", err) != 0)
        return err->code;
    return check_claims(str_span(&jwt->claims), rules, err);
}

int jwt_verify(struct jwt *jwt, struct span token, const struct jwt_rules *rules,
               const struct jwt_keys *keys, struct err *err)
{
    memset(jwt, 0, sizeof *jwt);
    if (verify(jwt, token, rules, keys, err) == 0)
        return 0;
    jwt_fini(jwt);
    return err->code;
}

void jwt_fini(struct jwt *jwt)
{
    str_fini(&jwt->header);
    str_fini(&jwt->claims);
}
