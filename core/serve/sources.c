/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/sources.h"

#include <stdlib.h>
#include <string.h>

#include "api/hooks.h"
#include "api/jwt.h"
#include "base/schema.h"
#include "net/http.h"
#include "serve/inside.h"
#include "serve/secrets.h"

#define TEXT  "{\"type\":\"string\",\"minLength\":1}"
#define TEXTS "{\"type\":\"array\",\"minItems\":1,\"items\":" TEXT "}"

static const char schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"kind\",\"auth\"],"
    "\"properties\":{\"kind\":{\"enum\":[\"defender-for-cloud\",\"sentinel\",\"graph\","
    "\"azure-monitor\",\"event-grid\",\"cloudevents\",\"generic\"]},"
    "\"adapter\":" TEXT ",\"origins\":" TEXTS
    ",\"rate\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100000},"
    "\"size\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":4194304},"
    "\"auth\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"hmac\":" TEXTS ",\"bearer\":" TEXTS ",\"client_state\":" TEXTS ","
    "\"header\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"name\",\"values\"],\"properties\":{\"name\":" TEXT ",\"values\":" TEXTS
    "}},"
    "\"mutual_tls\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"subjects\"],\"properties\":{\"subjects\":" TEXTS "}},"
    "\"jwt\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"issuer\",\"audience\"],\"properties\":{\"issuer\":" TEXT
    ",\"audience\":" TEXT ",\"tenant\":" TEXT ",\"apps\":" TEXTS ",\"keys\":" TEXT
    ",\"jwks\":" TEXT ",\"ca\":" TEXT "}}}}}}";

static int check_jwt(struct span jwt, struct err *err)
{
    char *url = json_get_text(jwt, "jwks");
    struct http_url parts;
    int rc = 0;

    if (jwt.len == 0)
        return 0;
    if ((url != NULL) == (json_get(jwt, "keys").len > 0))
        rc = err_set(err, ERR_INVALID,
                     "auth.jwt: want one of keys (a file) and jwks (an https address)");
    else if (url != NULL && http_url_parse(&parts, url, err) == 0 && !parts.is_tls)
        rc = err_set(err, ERR_INVALID, "auth.jwt.jwks: want an https address");
    free(url);
    return rc;
}

static int check_one(struct span name, struct span source, struct err *err)
{
    for (size_t i = 0; i < name.len; i++)
        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-", name.ptr[i]) == NULL)
            return err_set(err, ERR_INVALID,
                           "its name stands in an address: want a-z, 0-9, -");
    if (schema_match(span_of(schema), source, err) != 0)
        return err->code;
    if (json_count(json_get(source, "auth")) == 0)
        return err_set(err, ERR_INVALID,
                       "auth: want one of hmac, bearer, jwt, client_state, header and "
                       "mutual_tls: without a proof anybody could start runs");
    return check_jwt(json_get(json_get(source, "auth"), "jwt"), err);
}

int sources_check(struct span sources, struct err *err)
{
    struct span name, source;
    size_t pos = 0;

    if (json_count(sources) > HOOKS_MAX)
        return err_set(err, ERR_TOO_BIG, "sources: there may be %d", HOOKS_MAX);
    while (json_next(sources, &pos, &name, &source))
        if (check_one(name, source, err) != 0)
            return err_wrap(err, "sources.%.*s", (int)(name.len < 60 ? name.len : 60),
                            name.ptr);
    return 0;
}

/* -- for the front ---------------------------------------------------------------------------- */

static int put_secrets(struct json_out *out, struct serve *serve, const char *key,
                       struct span names, struct err *err)
{
    struct secrets secrets = { 0 };
    int rc = secrets_read(&secrets, serve, names, err);

    json_key(out, key);
    json_open(out, '[');
    for (int i = 0; rc == 0 && i < secrets.count; i++)
        json_string_span(out, str_span(&secrets.items[i].value));
    json_close(out);
    secrets_fini(&secrets);
    return rc;
}

static int put_jwt(struct json_out *out, struct serve *serve, struct span jwt,
                   struct err *err)
{
    struct span key, value;
    struct str text = { 0 };
    size_t pos = 0;
    int rc = 0;

    json_key(out, "jwt");
    json_open(out, '{');
    while (rc == 0 && json_next(jwt, &pos, &key, &value)) {
        if (span_is(key, "keys")) {
            char *path = config_resolve(serve, value);

            rc = serve_read_file(&text, path, JWT_KEYS_LEN_MAX, err);
            if (rc == 0)
                json_put_span(out, "keys", str_span(&text));
            free(path);
        } else if (span_is(key, "ca")) {
            rc = config_put_ca(serve, out, value, err);
        } else {
            json_key_span(out, key);
            json_raw_value(out, value);
        }
    }
    json_close(out);
    str_fini(&text);
    return rc;
}

static int put_auth(struct json_out *out, struct serve *serve, struct span auth,
                    struct err *err)
{
    struct span key, value;
    size_t pos = 0;
    int rc = 0;

    json_key(out, "auth");
    json_open(out, '{');
    while (rc == 0 && json_next(auth, &pos, &key, &value)) {
        char *name = span_dup(key);

        if (span_is(key, "jwt")) {
            rc = put_jwt(out, serve, value, err);
        } else if (span_is(key, "mutual_tls")) {
            json_put_raw(out, name, value);
        } else if (span_is(key, "header")) {
            json_key(out, name);
            json_open(out, '{');
            json_put_raw(out, "name", json_get(value, "name"));
            rc = put_secrets(out, serve, "values", json_get(value, "values"), err);
            json_close(out);
        } else {
            rc = put_secrets(out, serve, name, value, err);
        }
        free(name);
    }
    json_close(out);
    return rc;
}

int sources_write(struct serve *serve, struct json_out *out, struct err *err)
{
    struct span name, source, key, value;
    size_t pos = 0;
    int rc = 0;

    json_key(out, "sources");
    json_open(out, '[');
    while (rc == 0 &&
           json_next(json_get(str_span(&serve->config), "sources"), &pos, &name, &source)) {
        size_t at = 0;

        json_open(out, '{');
        rc = put_auth(out, serve, json_get(source, "auth"), err);
        while (json_next(source, &at, &key, &value)) {
            if (span_is(key, "auth") || span_is(key, "adapter"))
                continue;
            json_key_span(out, key);
            json_raw_value(out, value);
        }
        json_put_span(out, "name", name);
        json_close(out);
        if (rc != 0)
            err_wrap(err, "sources.%.*s", (int)name.len, name.ptr);
    }
    json_close(out);
    return rc;
}

struct span sources_find(struct serve *serve, struct span source)
{
    struct span key, value;
    size_t pos = 0;

    while (json_next(json_get(str_span(&serve->config), "sources"), &pos, &key, &value))
        if (span_equal(key, source))
            return value;
    return (struct span){ 0 };
}

/* Senders of these kinds say themselves what their alerts are from; what a queue holds is of
 * any kind. */
static bool names_itself(struct span source)
{
    static const char *const kinds[] = { "generic", "cloudevents", "event-grid",
                                         "storage-queue" };

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (span_is(json_get_raw(source, "kind"), kinds[i]))
            return true;
    return json_get(source, "adapter").len > 0;
}

void sources_put_known(struct serve *serve, struct str *text)
{
    static const char *const parts[] = { "sources", "pull" };
    struct json_out out = { .str = text };
    struct span name, source;
    bool is_open = false;

    json_open(&out, '{');
    json_key(&out, "names");
    json_open(&out, '[');
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t pos = 0;

        while (
            json_next(json_get(str_span(&serve->config), parts[i]), &pos, &name, &source)) {
            json_string_span(&out, name);
            is_open = is_open || names_itself(source);
        }
    }
    json_close(&out);
    json_put_bool(&out, "open", is_open);
    json_close(&out);
}
