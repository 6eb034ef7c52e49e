/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/sign_ins.h"

#include <stdlib.h>
#include <string.h>

#include "api/jwt.h"
#include "base/schema.h"
#include "net/http.h"
#include "serve/inside.h"
#include "serve/secrets.h"

#define TEXT  "{\"type\":\"string\",\"minLength\":1}"
#define TEXTS "{\"type\":\"array\",\"minItems\":1,\"items\":" TEXT "}"
static const char schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"local\":{\"type\":\"boolean\"},\"oidc\":{\"type\":\"object\"}}}";
static const char provider_schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"issuer\",\"client_id\",\"groups\"],\"properties\":{"
    "\"issuer\":" TEXT ",\"client_id\":" TEXT ",\"client_secret\":" TEXT ",\"claim\":" TEXT
    ",\"groups_claim\":" TEXT ",\"groups\":{\"type\":\"object\"},\"scopes\":" TEXTS
    ",\"algs\":" TEXTS ",\"ca\":" TEXT ",\"hosts\":" TEXTS
    ",\"plain_http_loopback\":{\"type\":\"boolean\"}}}";
static const char roles_schema[] =
    "{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"string\",\"enum\":"
    "[\"viewer\",\"responder\",\"approver\",\"author\",\"admin\"]}}";

/* It stands in paths, and in front of ":" in people's names. */
static int check_name(struct span name, struct err *err)
{
    bool is_fine = name.len > 0 && name.len <= SIGN_IN_NAME_MAX && !span_is(name, "token");

    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        is_fine = is_fine && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-');
    }
    if (is_fine)
        return 0;
    return err_set(err, ERR_INVALID,
                   "sign_in.oidc.%.*s: want a name of a-z, 0-9 and -, at most %d, and not "
                   "\"token\"",
                   (int)(name.len < 40 ? name.len : 40), name.ptr, SIGN_IN_NAME_MAX);
}

static bool is_loopback(struct span host)
{
    return span_is(host, "127.0.0.1") || span_is(host, "::1") || span_is(host, "localhost");
}

static int check_issuer(struct span provider, struct err *err)
{
    char *issuer = json_get_text(provider, "issuer");
    struct http_url url;
    int rc = http_url_parse(&url, issuer, err);

    if (rc == 0 && !url.is_tls &&
        !(is_loopback(url.host) && json_get_bool(provider, "plain_http_loopback", false)))
        rc = err_set(
            err, ERR_INVALID,
            "issuer = \"%.100s\": want https (http is for an issuer on this machine, "
            "with plain_http_loopback = true)",
            issuer);
    free(issuer);
    return rc;
}

static int check_lists(struct span provider, struct err *err)
{
    struct span key, value;
    size_t pos = 0;

    while (json_next(json_get(provider, "algs"), &pos, NULL, &value))
        if (jwt_alg_of(json_raw(value)) == 0)
            return err_set(err, ERR_INVALID, "algs: want some of RS256, ES256 and PS256");
    pos = 0;
    while (json_next(json_get(provider, "groups"), &pos, &key, &value))
        if (schema_match(span_of(roles_schema), value, err) != 0)
            return err_wrap(err, "groups[\"%.*s\"]", (int)(key.len < 60 ? key.len : 60),
                            key.ptr);
    return 0;
}

int sign_ins_check(struct span sign_in, struct err *err)
{
    struct span name, provider, oidc = json_get(sign_in, "oidc");
    size_t pos = 0;

    if (sign_in.len == 0)
        return 0;
    if (schema_match(span_of(schema), sign_in, err) != 0)
        return err_wrap(err, "sign_in");
    if (json_count(oidc) > SIGN_IN_PROVIDERS_MAX)
        return err_set(err, ERR_TOO_BIG, "sign_in.oidc: at most %d providers",
                       SIGN_IN_PROVIDERS_MAX);
    while (json_next(oidc, &pos, &name, &provider)) {
        if (check_name(name, err) != 0)
            return err->code;
        if (schema_match(span_of(provider_schema), provider, err) != 0 ||
            check_issuer(provider, err) != 0 || check_lists(provider, err) != 0)
            return err_wrap(err, "sign_in.oidc.%.*s", (int)name.len, name.ptr);
    }
    if (!json_get_bool(sign_in, "local", true) && json_count(oidc) == 0)
        return err_set(
            err, ERR_INVALID,
            "sign_in: without passwords and without a provider nobody could sign "
            "in; name one in sign_in.oidc, or leave [\"local\"] = false out");
    return 0;
}

/* -- what the front gets ------------------------------------------------------------------- */

static int put_secret(struct serve *serve, struct json_out *out, struct span name,
                      struct err *err)
{
    struct secrets *secrets = xcalloc(1, sizeof *secrets);
    struct str list = { 0 };
    int rc;

    str_printf(&list, "[%.*s]", (int)name.len, name.ptr);
    rc = secrets_read(secrets, serve, str_span(&list), err);
    if (rc == 0)
        json_put_span(out, "client_secret", str_span(&secrets->items[0].value));
    secrets_fini(secrets);
    free(secrets);
    str_fini(&list);
    return rc;
}

static int put_provider(struct serve *serve, struct json_out *out, struct span provider,
                        struct err *err)
{
    struct span key, value;
    size_t pos = 0;
    int rc = 0;

    json_open(out, '{');
    while (rc == 0 && json_next(provider, &pos, &key, &value)) {
        if (span_is(key, "client_secret")) {
            rc = put_secret(serve, out, value, err);
        } else if (span_is(key, "ca")) {
            rc = config_put_ca(serve, out, value, err);
        } else {
            json_key_span(out, key);
            json_raw_value(out, value);
        }
    }
    json_close(out);
    return rc;
}

int sign_ins_write(struct serve *serve, struct json_out *out, struct err *err)
{
    struct span sign_in = json_get(str_span(&serve->config), "sign_in");
    struct span name, provider;
    size_t pos = 0;
    int rc = 0;

    json_open(out, '{');
    json_put_bool(out, "local", json_get_bool(sign_in, "local", true));
    json_key(out, "oidc");
    json_open(out, '{');
    while (rc == 0 && json_next(json_get(sign_in, "oidc"), &pos, &name, &provider)) {
        json_key_span(out, name);
        rc = put_provider(serve, out, provider, err);
        if (rc != 0)
            err_wrap(err, "sign_in.oidc.%.*s", (int)name.len, name.ptr);
    }
    json_close(out);
    json_close(out);
    return rc;
}
