/* SPDX-License-Identifier: Apache-2.0 */
#include "api/oidc_provider.h"

#include <stdlib.h>
#include <string.h>

#include "api/front.h"
#include "api/oidc.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "net/http.h"

enum { HOSTS_MAX = 16 };

/* -- what cordon.lua says of a provider ------------------------------------------------------ */

struct span provider_config(const char *name)
{
    return json_get(json_get(front_setup("sign_in"), "oidc"), name);
}

char *provider_text(const struct provider *provider, const char *key)
{
    return json_get_text(provider_config(provider->name), key);
}

char *provider_endpoint(const struct provider *provider, const char *key)
{
    return json_get_text(str_span(&provider->document), key);
}

void provider_free(struct provider *provider)
{
    list_remove(&provider->in_all);
    http_close(provider->http);
    jwt_keys_fini(&provider->keys);
    str_fini(&provider->document);
    free(provider->name);
    free(provider);
}

/* The issuer's host, and those that are added. */
static int open_http(struct provider *provider, struct err *err)
{
    const char *allow[HOSTS_MAX + 2] = { NULL };
    char *hosts[HOSTS_MAX] = { NULL }, *issuer = provider_text(provider, "issuer");
    char *ca = provider_text(provider, "ca");
    struct str own = { 0 };
    struct http_url url;
    struct span host;
    size_t pos = 0, count = 0;
    int rc = http_url_parse(&url, issuer, err);

    if (rc == 0)
        str_printf(&own, "%.*s:%d", (int)url.host.len, url.host.ptr, url.port);
    allow[0] = str_text(&own);
    while (
        count < HOSTS_MAX &&
        json_next(json_get(provider_config(provider->name), "hosts"), &pos, NULL, &host)) {
        hosts[count] = json_text(host);
        allow[count + 1] = hosts[count];
        count++;
    }
    if (rc == 0)
        rc = http_open(&provider->http, front_loop(),
                       &(struct http_options){ .allow = allow, .ca_pem = ca }, err);
    for (size_t i = 0; i < count; i++)
        free(hosts[i]);
    free(issuer);
    free(ca);
    str_fini(&own);
    return rc;
}

struct provider *provider_open(const char *name, struct err *err)
{
    struct provider *provider = xcalloc(1, sizeof *provider);

    list_init(&provider->in_all);
    provider->name = xstrdup(name);
    if (open_http(provider, err) == 0)
        return provider;
    provider_free(provider);
    return NULL;
}

/* -- what it says of itself ------------------------------------------------------------------ */

static bool is_same_text(struct span json, const char *text)
{
    char *value = json_text(json);
    bool is_same = value != NULL && strcmp(value, text) == 0;

    free(value);
    return is_same;
}

int provider_check(const struct provider *provider, struct span json, struct err *err)
{
    static const char *const wanted[] = { "authorization_endpoint", "token_endpoint",
                                          "jwks_uri" };
    char *issuer = provider_text(provider, "issuer");
    int rc = json_check(json.ptr, json.len, OIDC_DOCUMENT_MAX, err);

    if (rc == 0 && !is_same_text(json_get(json, "issuer"), issuer))
        rc = err_set(
            err, ERR_DENIED,
            "what is there is of another issuer than %.200s, which cordon.lua names",
            issuer);
    for (size_t i = 0; rc == 0 && i < sizeof wanted / sizeof *wanted; i++) {
        char *url = json_get_text(json, wanted[i]);
        struct http_url parts;

        if (url == NULL)
            rc = err_set(err, ERR_INVALID, "it names no %s", wanted[i]);
        else if ((rc = http_url_parse(&parts, url, err)) == 0 && !parts.is_tls &&
                 strncmp(issuer, "https:", 6) == 0)
            rc = err_set(err, ERR_DENIED, "its %s is not https", wanted[i]);
        free(url);
    }
    free(issuer);
    return rc;
}

bool provider_is_issuer(const char *name, const char *issuer)
{
    return is_same_text(json_get(provider_config(name), "issuer"), issuer);
}

bool provider_is_known(const struct provider *provider)
{
    return provider->document.len > 0 &&
           front_now_ms() - provider->discovered_ms < OIDC_DISCOVERED_MS;
}
