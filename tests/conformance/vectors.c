/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vectors.c FOLDER - what others wrote to try parsers and signatures with, tried on ours: a line
 * "ok" or "not ok" for each group, with how many of its cases were tried. A case in which we differ
 * on purpose stands in deviations[], with the reason; one that differs no more is a failure too.
 *
 * vectors.c sshsig SIGNATURE MESSAGE NAMESPACE - ends with 0 when that signature holds.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/jwt.h"
#include "base/arena.h"
#include "base/ecdsa.h"
#include "base/ed25519.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/rsa.h"
#include "base/schema.h"
#include "base/sshsig.h"

enum { TEXT_MAX = 8 * 1024 * 1024, NAMES_MAX = 1000 };

static const char *folder;

/* -- what differs on purpose ------------------------------------------------------------------- */

static const struct {
    const char *group, *name, *reason;
} deviations[] = {
    { "JSONTestSuite y_ and n_", "y_object_duplicated_key.json",
      "two readers may take another one of the two" },
    { "JSONTestSuite y_ and n_", "y_object_duplicated_key_and_value.json",
      "a key stands once, whatever its values are" },
    { "JSONTestSuite y_ and n_", "y_object_escaped_null_in_key.json",
      "a text with a NUL is another one for who reads up to it" },
    { "JSONTestSuite y_ and n_", "y_string_null_escape.json",
      "a text with a NUL is another one for who reads up to it" },
    { "schema", "object type matches objects: an array is not an object",
      "an empty array is an empty Lua table, which may be an object (base/schema.h)" },
    { "json_web_signature_test.json", "case 346",
      "the token says PS384, which we do not take" },
    { "json_web_signature_test.json", "case 350",
      "the token says PS384, which we do not take" },
};

static bool is_met[sizeof deviations / sizeof *deviations];

static const char *deviation(const char *group, const char *name)
{
    for (size_t i = 0; i < sizeof deviations / sizeof *deviations; i++)
        if (strcmp(deviations[i].group, group) == 0 &&
            strcmp(deviations[i].name, name) == 0)
            return is_met[i] = true, deviations[i].reason;
    return NULL;
}

/* -- counting ---------------------------------------------------------------------------------- */

struct group {
    const char *name;
    int cases, accepted, left_out, wrong, differing;
};

static int failed;

static void differs(struct group *group, const char *name, const char *what)
{
    const char *reason = deviation(group->name, name);

    if (reason != NULL) {
        group->differing++;
        printf("# %s %s differs: %s\n", group->name, name, reason);
        return;
    }
    group->wrong++;
    printf("# %s %s: %s\n", group->name, name, what);
}

static void expect(struct group *group, const char *name, bool is_accepted, bool wanted)
{
    group->cases++;
    group->accepted += is_accepted;
    if (is_accepted != wanted)
        differs(group, name, is_accepted ? "is accepted" : "is refused");
}

static void end(const struct group *group, int at_least)
{
    bool is_right = group->wrong == 0 && group->cases >= at_least;

    failed += !is_right;
    printf("%s %s: %d cases, %d accepted, %d differ on purpose, %d not for us, %d wrong\n",
           is_right ? "ok" : "not ok", group->name, group->cases, group->accepted,
           group->differing, group->left_out, group->wrong);
}

/* -- files --------------------------------------------------------------------------------------- */

static void read_file(struct str *out, const char *path)
{
    static char some[65536];
    FILE *file = fopen(path, "re");
    size_t n;

    str_reset(out);
    if (file == NULL) {
        fprintf(stderr, "%s is not there\n", path);
        exit(2);
    }
    while ((n = fread(some, 1, sizeof some, file)) > 0)
        str_add(out, some, n);
    fclose(file);
}

static void read_named(struct str *out, const char *dir, const char *name)
{
    struct str path = { 0 };

    str_printf(&path, "%s/%s/%s", folder, dir, name);
    read_file(out, str_text(&path));
    str_fini(&path);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, so that each run says the same. */
static int names_of(char **names, const char *dir)
{
    struct str path = { 0 };
    struct dirent *entry;
    int count = 0;

    str_printf(&path, "%s/%s", folder, dir);
    DIR *open = opendir(str_text(&path));
    while (open != NULL && count < NAMES_MAX && (entry = readdir(open)) != NULL)
        if (strlen(entry->d_name) > 5 &&
            strcmp(entry->d_name + strlen(entry->d_name) - 5, ".json") == 0)
            names[count++] = xstrdup(entry->d_name);
    if (open != NULL)
        closedir(open);
    str_fini(&path);
    qsort(names, (size_t)count, sizeof *names, by_name);
    return count;
}

static void add_hex(struct str *out, struct span hex)
{
    for (size_t i = 0; i + 1 < hex.len; i += 2) {
        char pair[3] = { hex.ptr[i], hex.ptr[i + 1], '\0' };

        str_add_char(out, (char)strtoul(pair, NULL, 16));
    }
}

/* -- JSONTestSuite ------------------------------------------------------------------------------- */

static void try_parsing(void)
{
    struct group must = { .name = "JSONTestSuite y_ and n_" };
    struct group may = { .name = "JSONTestSuite i_" };
    char *names[NAMES_MAX];
    struct str text = { 0 };
    struct err err;
    int count = names_of(names, "json/test_parsing");

    for (int i = 0; i < count; i++) {
        read_named(&text, "json/test_parsing", names[i]);
        bool is_taken = json_check(str_text(&text), text.len, TEXT_MAX, &err) == 0;
        if (names[i][0] == 'i')
            expect(&may, names[i], is_taken, is_taken);
        else
            expect(&must, names[i], is_taken, names[i][0] == 'y');
        if (names[i][0] == 'i' && is_taken)
            printf("# %s is accepted\n", names[i]);
        free(names[i]);
    }
    str_fini(&text);
    end(&must, 280);
    end(&may, 30);
}

/* -- RFC 8785 ------------------------------------------------------------------------------------ */

static void try_canonical(void)
{
    struct group group = { .name = "jcs" };
    char *names[NAMES_MAX];
    struct str text = { 0 }, wanted = { 0 }, made = { 0 };
    struct err err;
    int count = names_of(names, "jcs/testdata/input");

    for (int i = 0; i < count; i++) {
        read_named(&text, "jcs/testdata/input", names[i]);
        read_named(&wanted, "jcs/testdata/output", names[i]);
        str_reset(&made);
        bool is_made = json_canonical(&made, str_text(&text), text.len, &err) == 0;
        if (!is_made)
            printf("# jcs %s: %s\n", names[i], err.text);
        expect(&group, names[i], is_made && span_equal(str_span(&made), str_span(&wanted)),
               true);
        free(names[i]);
    }
    str_fini(&text);
    str_fini(&wanted);
    str_fini(&made);
    end(&group, 6);
}

/* -- JSON Schema --------------------------------------------------------------------------------- */

static const struct {
    const char *keyword, *type;
    enum json_kind kind;
} keywords[] = {
    { "additionalProperties", "object", JSON_OBJECT },
    { "items", "array", JSON_ARRAY },
    { "maxItems", "array", JSON_ARRAY },
    { "maxLength", "string", JSON_STRING },
    { "maximum", "number", JSON_NUMBER },
    { "minItems", "array", JSON_ARRAY },
    { "minLength", "string", JSON_STRING },
    { "minimum", "number", JSON_NUMBER },
    { "properties", "object", JSON_OBJECT },
    { "required", "object", JSON_OBJECT },
    { "uniqueItems", "array", JSON_ARRAY },
};

/* Without "$schema"; with the "type" that its keywords speak of, when it names none. kind: of the
 * instances that are tried then; -1: of all. */
static void write_schema(struct str *out, struct span schema, int *kind)
{
    struct json_out json = { .str = out };
    struct span name, value;
    const char *type = NULL;
    size_t pos = 0;

    *kind = -1;
    json_open(&json, '{');
    while (json_next(schema, &pos, &name, &value)) {
        if (span_is(name, "$schema"))
            continue;
        json_key_span(&json, name);
        json_raw_value(&json, value);
        for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
            if (span_is(name, keywords[i].keyword) && json_get(schema, "type").len == 0) {
                type = keywords[i].type;
                *kind = (int)keywords[i].kind;
            }
    }
    if (type != NULL)
        json_put(&json, "type", type);
    json_close(&json);
}

static void try_schema(struct group *group, struct span one)
{
    struct span schema = json_get(one, "schema"), test;
    struct str text = { 0 }, sorted = { 0 };
    struct err err;
    size_t pos = 0;
    int kind = -1;

    if (json_kind(schema) == JSON_OBJECT)
        write_schema(&text, schema, &kind);
    else
        str_add_span(&text, schema);
    bool is_known = json_canonical(&sorted, str_text(&text), text.len, &err) == 0 &&
                    schema_check(str_span(&sorted), &err) == 0;
    while (json_next(json_get(one, "tests"), &pos, NULL, &test)) {
        struct span data = json_get(test, "data");

        if (!is_known || (kind >= 0 && (int)json_kind(data) != kind) ||
            json_check(data.ptr, data.len, TEXT_MAX, &err) != 0) {
            group->left_out++;
            continue;
        }
        char *what = json_get_text(one, "description"),
             *which = json_get_text(test, "description");
        struct str name = { 0 };
        str_printf(&name, "%s: %s", what, which);
        expect(group, str_text(&name), schema_match(str_span(&sorted), data, &err) == 0,
               json_get_bool(test, "valid", false));
        str_fini(&name);
        free(what);
        free(which);
    }
    str_fini(&text);
    str_fini(&sorted);
}

static void try_schemas(void)
{
    struct group group = { .name = "schema" };
    char *names[NAMES_MAX];
    struct str text = { 0 };
    struct span one;
    int count = names_of(names, "schema/tests/draft2020-12");

    for (int i = 0; i < count; i++) {
        size_t pos = 0;

        read_named(&text, "schema/tests/draft2020-12", names[i]);
        while (json_next(str_span(&text), &pos, NULL, &one))
            try_schema(&group, one);
        free(names[i]);
    }
    str_fini(&text);
    end(&group, 150);
}

/* -- Wycheproof ---------------------------------------------------------------------------------- */

struct signature {
    struct span group; /* of the file: its key */
    struct span message, bytes;
};

typedef bool holds_fn(const struct signature *signature);

static bool hex_member(struct str *out, struct span object, const char *name)
{
    add_hex(out, json_get_raw(object, name));
    return out->len > 0;
}

/* A length of DER, in its shortest form. */
static bool take_der(struct span *rest, unsigned char tag, struct span *value)
{
    const unsigned char *bytes = (const unsigned char *)rest->ptr;
    size_t head = 2, len;

    if (rest->len < 2 || bytes[0] != tag)
        return false;
    len = bytes[1];
    if (len == 0x81 && rest->len > 2 && bytes[2] >= 0x80) {
        len = bytes[2];
        head = 3;
    } else if (len >= 0x80) {
        return false;
    }
    if (rest->len - head < len)
        return false;
    *value = (struct span){ rest->ptr + head, len };
    rest->ptr += head + len;
    rest->len -= head + len;
    return true;
}

/* Positive, in its shortest form, without the zero that says so. */
static bool take_der_integer(struct span *rest, struct span *value)
{
    if (!take_der(rest, 2, value) || value->len == 0 || (value->ptr[0] & 0x80) != 0)
        return false;
    if (value->ptr[0] == 0 && value->len > 1) {
        if ((value->ptr[1] & 0x80) == 0)
            return false;
        value->ptr++;
        value->len--;
    }
    return true;
}

static bool holds_ecdsa(const struct signature *signature, enum ecdsa_curve curve,
                        struct span r, struct span s)
{
    struct str point = { 0 };
    bool holds;

    hex_member(&point, json_get(signature->group, "publicKey"), "uncompressed");
    holds = ecdsa_is_key(curve, str_span(&point)) &&
            ecdsa_is_signed(curve, str_span(&point), r, s, signature->message);
    str_fini(&point);
    return holds;
}

static bool holds_der(const struct signature *signature, enum ecdsa_curve curve)
{
    struct span rest = signature->bytes, list, r, s;

    return take_der(&rest, 0x30, &list) && rest.len == 0 && take_der_integer(&list, &r) &&
           take_der_integer(&list, &s) && list.len == 0 &&
           holds_ecdsa(signature, curve, r, s);
}

static bool holds_p256_der(const struct signature *signature)
{
    return holds_der(signature, ECDSA_P256);
}

static bool holds_p384_der(const struct signature *signature)
{
    return holds_der(signature, ECDSA_P384);
}

static bool holds_p256(const struct signature *signature)
{
    struct span r = { signature->bytes.ptr, 32 };

    if (signature->bytes.len != 64)
        return false;
    return holds_ecdsa(signature, ECDSA_P256, r, (struct span){ r.ptr + 32, 32 });
}

static bool holds_ed25519(const struct signature *signature)
{
    struct str key = { 0 };

    hex_member(&key, json_get(signature->group, "publicKey"), "pk");
    bool holds = ed25519_is_signed(str_span(&key), signature->bytes, signature->message);
    str_fini(&key);
    return holds;
}

static bool holds_rsa(const struct signature *signature, enum rsa_scheme scheme)
{
    struct span key = json_get(signature->group, "publicKey");
    struct str n = { 0 }, e = { 0 };
    struct span number;

    hex_member(&n, key, "modulus");
    hex_member(&e, key, "publicExponent");
    number = str_span(&n);
    while (number.len > 0 && number.ptr[0] == 0) {
        number.ptr++;
        number.len--;
    }
    bool holds =
        rsa_is_key(number, str_span(&e)) &&
        rsa_is_signed(scheme, number, str_span(&e), signature->bytes, signature->message);
    str_fini(&n);
    str_fini(&e);
    return holds;
}

static bool holds_pkcs1(const struct signature *signature)
{
    return holds_rsa(signature, RSA_PKCS1);
}

static bool holds_pss(const struct signature *signature)
{
    return holds_rsa(signature, RSA_PSS);
}

static void name_case(char name[64], struct span test)
{
    snprintf(name, 64, "case %lld", (long long)json_get_int(test, "tcId", 0));
}

/* "acceptable" may be either. */
static void expect_result(struct group *group, struct span test, bool is_accepted)
{
    struct span result = json_get_raw(test, "result");
    char name[64];

    name_case(name, test);
    expect(group, name, is_accepted,
           span_is(result, "acceptable") ? is_accepted : span_is(result, "valid"));
}

static void try_signatures(const char *file, holds_fn *holds, int at_least)
{
    struct group group = { .name = file };
    struct str text = { 0 };
    struct span groups, one, test;
    size_t pos = 0;

    read_named(&text, "wycheproof/testvectors_v1", file);
    groups = json_get(str_span(&text), "testGroups");
    while (json_next(groups, &pos, NULL, &one)) {
        size_t at = 0;

        while (json_next(json_get(one, "tests"), &at, NULL, &test)) {
            struct str message = { 0 }, bytes = { 0 };

            hex_member(&message, test, "msg");
            hex_member(&bytes, test, "sig");
            expect_result(&group, test,
                          holds(&(struct signature){ one, str_span(&message),
                                                     str_span(&bytes) }));
            str_fini(&message);
            str_fini(&bytes);
        }
    }
    str_fini(&text);
    end(&group, at_least);
}

static void try_hmac(void)
{
    struct group group = { .name = "hmac_sha256_test.json" };
    struct str text = { 0 };
    struct span one, test;
    size_t pos = 0;

    read_named(&text, "wycheproof/testvectors_v1", group.name);
    while (json_next(json_get(str_span(&text), "testGroups"), &pos, NULL, &one)) {
        size_t at = 0;

        while (json_next(json_get(one, "tests"), &at, NULL, &test)) {
            struct str key = { 0 }, message = { 0 }, tag = { 0 };
            struct hash given = { { 0 } };

            hex_member(&key, test, "key");
            hex_member(&message, test, "msg");
            hex_member(&tag, test, "tag");
            if (tag.len == HASH_LEN) {
                memcpy(given.bytes, tag.ptr, HASH_LEN);
                expect_result(&group, test,
                              hash_equal(given, hash_hmac(key.ptr, key.len, message.ptr,
                                                          message.len)));
            } else {
                group.left_out++; /* a tag that is cut short: we take none */
            }
            str_fini(&key);
            str_fini(&message);
            str_fini(&tag);
        }
    }
    str_fini(&text);
    end(&group, 80);
}

/* -- JSON Web Signatures ------------------------------------------------------------------------- */

/* The claims of these are no claims, so what is looked at is how far it comes. */
static bool is_signature_taken(struct span token, const struct jwt_keys *keys)
{
    static const char claims[] = "the token's claims";
    const struct jwt_rules rules = { .algs = JWT_RS256 | JWT_ES256 | JWT_PS256,
                                     .issuer = "https://issuer.example",
                                     .now_ms = 1 };
    struct jwt jwt;
    struct err err = { 0 };

    if (jwt_verify(&jwt, token, &rules, keys, &err) == 0) {
        jwt_fini(&jwt);
        return true;
    }
    return strncmp(err.text, claims, sizeof claims - 1) == 0;
}

/* Keys of algorithms that we do not take are not for us; and a key without a kid. */
static bool is_for_us(struct span key)
{
    struct span alg = json_get(key, "alg");

    return (span_is(json_get_raw(key, "kty"), "RSA") ||
            span_is(json_get_raw(key, "kty"), "EC")) &&
           (alg.len == 0 || jwt_alg_of(json_raw(alg)) != 0) && json_get(key, "kid").len > 0;
}

static void try_group_of_tokens(struct group *group, struct span one)
{
    struct span key = json_get(one, "public"), test, item;
    struct str set = { 0 };
    struct jwt_keys keys = { 0 };
    struct err err;
    size_t pos = 0, at = 0;
    bool is_ours = false;

    if (key.len == 0)
        key = json_get(one, "private");
    if (json_get(key, "keys").len > 0) {
        str_add_span(&set, key);
        while (json_next(json_get(key, "keys"), &at, NULL, &item))
            is_ours = is_ours || is_for_us(item);
    } else {
        str_printf(&set, "{\"keys\":[%.*s]}", (int)key.len, key.ptr);
        is_ours = is_for_us(key);
    }
    bool is_read = jwt_keys_read(&keys, str_span(&set), &err) == 0;
    while (json_next(json_get(one, "tests"), &pos, NULL, &test)) {
        struct span jws = json_get(test, "jws");
        bool wants_ours = is_ours && json_kind(jws) == JSON_STRING;

        /* What is refused for whatever reason is right where it is invalid. */
        if (!wants_ours && span_is(json_get_raw(test, "result"), "valid"))
            group->left_out++;
        else
            expect_result(group, test,
                          is_read && json_kind(jws) == JSON_STRING &&
                              is_signature_taken(json_raw(jws), &keys));
    }
    if (is_read)
        jwt_keys_fini(&keys);
    str_fini(&set);
}

static void try_tokens(const char *file, int at_least)
{
    struct group group = { .name = file };
    struct str text = { 0 };
    struct span one;
    size_t pos = 0;

    read_named(&text, "wycheproof/testvectors_v1", file);
    while (json_next(json_get(str_span(&text), "testGroups"), &pos, NULL, &one))
        try_group_of_tokens(&group, one);
    str_fini(&text);
    end(&group, at_least);
}

/* -- SSHSIG -------------------------------------------------------------------------------------- */

static int try_sshsig(char **argv)
{
    struct str armor = { 0 }, message = { 0 };
    struct sshsig sig;
    struct err err = { 0 };

    read_file(&armor, argv[2]);
    read_file(&message, argv[3]);
    if (sshsig_read(&sig, str_span(&armor), &err) != 0 ||
        sshsig_check(&sig, argv[4], str_span(&message), &err) != 0) {
        printf("%s\n", err.text);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "sshsig") == 0)
        return try_sshsig(argv);
    if (argc != 2)
        return 2;
    folder = argv[1];
    hash_setup();
    try_parsing();
    try_canonical();
    try_schemas();
    try_signatures("ecdsa_secp256r1_sha256_test.json", holds_p256_der, 400);
    try_signatures("ecdsa_secp256r1_sha256_p1363_test.json", holds_p256, 200);
    try_signatures("ecdsa_secp384r1_sha384_test.json", holds_p384_der, 400);
    try_signatures("ed25519_test.json", holds_ed25519, 100);
    try_signatures("rsa_signature_2048_sha256_test.json", holds_pkcs1, 200);
    try_signatures("rsa_signature_3072_sha256_test.json", holds_pkcs1, 200);
    try_signatures("rsa_pss_2048_sha256_mgf1_32_test.json", holds_pss, 80);
    try_hmac();
    try_tokens("json_web_signature_test.json", 200);
    try_tokens("json_web_key_test.json", 10);
    try_tokens("json_web_crypto_test.json", 40);
    for (size_t i = 0; i < sizeof deviations / sizeof *deviations; i++)
        if (!is_met[i]) {
            printf("not ok %s %s: differs no more\n", deviations[i].group,
                   deviations[i].name);
            failed++;
        }
    return failed > 0;
}
