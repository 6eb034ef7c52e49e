/* SPDX-License-Identifier: Apache-2.0 */
#include "api/oidc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/auth.h"
#include "api/front.h"
#include "api/jwt.h"
#include "api/oidc_claims.h"
#include "api/oidc_provider.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "net/http.h"

struct pending { /* a sign-in that the browser is away for */
    struct list in_all;
    char *provider;
    char state[SESSION_TEXT_LEN + 1], nonce[SESSION_TEXT_LEN + 1];
    char verifier[SESSION_TEXT_LEN + 1];
    struct hash browser; /* of what the cookie holds */
    int64_t at_ms;
};

enum step { DISCOVER, EXCHANGE, KEYS, KEYS_AGAIN };

struct exchange { /* a request that waits for its provider */
    struct list in_all;
    struct request *request;
    struct provider *provider;
    struct http_call *call;
    struct pending *pending; /* NULL: it begins one */
    struct str code, token;
    enum step step;
    bool is_again; /* begin: they are to show once more that it is them */
};

static struct {
    struct list pending, providers, exchanges;
    int pending_count, exchange_count;
    struct hash setup;
    bool is_open;
} oidc;

/* -- answers --------------------------------------------------------------------------------- */

static void free_pending(struct pending *pending)
{
    if (pending == NULL)
        return;
    if (!list_is_empty(&pending->in_all))
        oidc.pending_count--;
    list_remove(&pending->in_all);
    free(pending->provider);
    explicit_bzero(pending, sizeof *pending);
    free(pending);
}

static void free_exchange(struct exchange *exchange)
{
    list_remove(&exchange->in_all);
    oidc.exchange_count--;
    if (exchange->call != NULL)
        http_cancel(exchange->call);
    free_pending(exchange->pending);
    str_wipe(&exchange->code);
    str_wipe(&exchange->token);
    free(exchange);
}

static void on_dropped(void *state)
{
    free_exchange(state);
}

/* Whoever comes back from a provider is a person with a browser: they get a sentence. */
static void say_back(struct request *request, int status, const char *provider,
                     const char *sentence)
{
    struct str text = { 0 }, shown = { 0 };

    str_printf(&text, "Signing in with %s did not work: ", provider);
    str_add_shown(&shown, sentence, strlen(sentence));
    str_printf(&text, "%s.\n\nTry again: %s/console/\n", str_text(&shown), front_origin());
    respond(request, status, "text/plain; charset=utf-8", str_span(&text));
    str_fini(&text);
    str_fini(&shown);
}

/* Ends the exchange with a sentence, in the form that fits who waits. */
static void fail(struct exchange *exchange, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void fail(struct exchange *exchange, int status, const char *fmt, ...)
{
    struct request *request = exchange->request;
    bool is_back = exchange->pending != NULL;
    char sentence[700];
    va_list args;

    va_start(args, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    log_warnx("sign-in with %s: %s", exchange->provider->name, sentence);
    request_keep(request, NULL, NULL);
    if (is_back)
        say_back(request, status, exchange->provider->name, sentence);
    else
        respond_problem(request, status, "provider", "%s", sentence);
    free_exchange(exchange);
}

/* -- providers ------------------------------------------------------------------------------- */

static struct provider *provider_of(const char *name, struct err *err)
{
    struct provider *provider;

    list_each (link, after, &oidc.providers) {
        provider = list_item(link, struct provider, in_all);
        if (strcmp(provider->name, name) == 0)
            return provider;
    }
    provider = provider_open(name, err);
    if (provider != NULL)
        list_add(&oidc.providers, &provider->in_all);
    return provider;
}

static void forget_all(void)
{
    list_each (link, after, &oidc.exchanges) {
        fail(list_item(link, struct exchange, in_all), 503,
             "the configuration has changed meanwhile; try again");
    }
    list_each (link, after, &oidc.pending) {
        free_pending(list_item(link, struct pending, in_all));
    }
    list_each (link, after, &oidc.providers) {
        provider_free(list_item(link, struct provider, in_all));
    }
}

void oidc_setup(void)
{
    struct span sign_in = front_setup("sign_in");
    struct hash setup = hash_of(sign_in.ptr, sign_in.len);

    if (!oidc.is_open) {
        oidc.is_open = true;
        list_init(&oidc.pending);
        list_init(&oidc.providers);
        list_init(&oidc.exchanges);
    } else if (!hash_equal(setup, oidc.setup)) {
        forget_all();
    }
    oidc.setup = setup;
}

void oidc_close(void)
{
    if (oidc.is_open)
        forget_all();
    oidc.is_open = false;
}

/* -- calls ----------------------------------------------------------------------------------- */

static void go_on(struct exchange *exchange);

/* false: it has been told. */
static bool has_come(struct exchange *exchange, const struct http_reply *reply,
                     const char *what)
{
    exchange->call = NULL;
    if (reply->status == 200)
        return true;
    if (reply->status == 0)
        fail(exchange, 502, "%s did not come: %s", what, reply->error);
    else
        fail(exchange, 502, "%s did not come: the provider answered %d", what,
             reply->status);
    return false;
}

static void call(struct exchange *exchange, const char *method, const char *url,
                 struct span body, http_fn *done)
{
    static const char *const headers[] = {
        "Accept: application/json", "Content-Type: application/x-www-form-urlencoded", NULL
    };
    const struct http_request request = { .method = method,
                                          .url = url,
                                          .headers = headers,
                                          .body = body.ptr,
                                          .body_len = body.len,
                                          .timeout_ms = OIDC_CALL_MS };
    struct err err;

    if (http_start(&exchange->call, exchange->provider->http, &request, done, exchange,
                   &err) != 0) {
        exchange->call = NULL;
        fail(exchange, 502, "%s", err.text);
    }
}

/* -- discovery ------------------------------------------------------------------------------- */

static void on_document(void *arg, const struct http_reply *reply)
{
    struct exchange *exchange = arg;
    struct provider *provider = exchange->provider;
    struct span json = { reply->body, reply->body_len };
    struct err err;

    if (!has_come(exchange, reply, "what the provider says of itself"))
        return;
    if (provider_check(provider, json, &err) != 0) {
        fail(exchange, 502, "what the provider says of itself: %s", err.text);
        return;
    }
    str_reset(&provider->document);
    str_add_span(&provider->document, json);
    provider->discovered_ms = front_now_ms();
    go_on(exchange);
}

static void discover(struct exchange *exchange)
{
    char *issuer = provider_text(exchange->provider, "issuer");
    size_t len = strlen(issuer);
    struct str url = { 0 };

    str_printf(&url, "%s%s.well-known/openid-configuration", issuer,
               issuer[len - 1] == '/' ? "" : "/");
    free(issuer);
    call(exchange, "GET", str_text(&url), (struct span){ 0 }, on_document);
    str_fini(&url);
}

/* -- the browser goes there ------------------------------------------------------------------ */

static void add_encoded(struct str *out, const char *text)
{
    for (; *text != '\0'; text++)
        if (strchr("-._~", *text) != NULL || (*text >= '0' && *text <= '9') ||
            (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z'))
            str_add_char(out, *text);
        else
            str_printf(out, "%%%02X", (unsigned char)*text);
}

static void put(struct str *out, const char *key, const char *value)
{
    if (out->len > 0 && out->ptr[out->len - 1] != '?')
        str_add_char(out, '&');
    str_printf(out, "%s=", key);
    add_encoded(out, value);
}

static void put_redirect(struct str *out, const char *provider)
{
    struct str uri = { 0 };

    str_printf(&uri, "%s/sign-in/oidc/%s/callback", front_origin(), provider);
    put(out, "redirect_uri", str_text(&uri));
    str_fini(&uri);
}

static void put_scope(struct str *out, const struct provider *provider)
{
    struct span scopes = json_get(provider_config(provider->name), "scopes"), scope;
    struct str words = { 0 };
    size_t pos = 0;

    str_add_text(&words, "openid");
    while (json_next(scopes, &pos, NULL, &scope))
        if (!span_is(json_raw(scope), "openid")) {
            str_add_char(&words, ' ');
            json_text_to(&words, scope);
        }
    put(out, "scope", str_text(&words));
    str_fini(&words);
}

static void put_challenge(struct str *out, const struct pending *pending)
{
    struct hash hash = hash_of(pending->verifier, strlen(pending->verifier));
    struct str text = { 0 };

    base64url_add(&text, hash.bytes, sizeof hash.bytes);
    put(out, "code_challenge", str_text(&text));
    put(out, "code_challenge_method", "S256");
    str_fini(&text);
}

static void put_location(struct str *out, const struct exchange *exchange,
                         const struct pending *pending)
{
    char *url = provider_endpoint(exchange->provider, "authorization_endpoint");
    char *client = provider_text(exchange->provider, "client_id");

    str_printf(out, "%s%c", url, strchr(url, '?') != NULL ? '&' : '?');
    put(out, "response_type", "code");
    put(out, "client_id", client);
    put_redirect(out, pending->provider);
    put_scope(out, exchange->provider);
    put(out, "state", pending->state);
    put(out, "nonce", pending->nonce);
    put_challenge(out, pending);
    if (exchange->is_again) {
        put(out, "prompt", "login");
        put(out, "max_age", "0");
    }
    free(url);
    free(client);
}

static void set_cookie(struct request *request, const char *value, int seconds)
{
    struct str cookie = { 0 };

    /* Lax: the browser comes back from another site. */
    str_printf(&cookie, "%s=%s; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=%d",
               OIDC_COOKIE, value, seconds);
    respond_header(request, "Set-Cookie", str_text(&cookie));
    str_fini(&cookie);
}

static struct pending *new_pending(const char *provider, char *browser)
{
    struct pending *pending = xcalloc(1, sizeof *pending);

    if (oidc.pending_count == OIDC_PENDING_MAX)
        free_pending(list_item(oidc.pending.next, struct pending, in_all));
    pending->provider = xstrdup(provider);
    session_random(pending->state);
    session_random(pending->nonce);
    session_random(pending->verifier);
    session_random(browser);
    pending->browser = hash_of(browser, SESSION_TEXT_LEN);
    pending->at_ms = front_now_ms();
    list_add(&oidc.pending, &pending->in_all);
    oidc.pending_count++;
    return pending;
}

static void send_there(struct exchange *exchange)
{
    struct request *request = exchange->request;
    char browser[SESSION_TEXT_LEN + 1];
    struct pending *pending = new_pending(exchange->provider->name, browser);
    struct str location = { 0 }, text = { 0 };
    struct json_out out = { .str = &text };

    put_location(&location, exchange, pending);
    json_open(&out, '{');
    json_put(&out, "location", str_text(&location));
    json_close(&out);
    set_cookie(request, browser, OIDC_PENDING_MS / 1000);
    request_keep(request, NULL, NULL);
    respond_json(request, 200, str_span(&text));
    free_exchange(exchange);
    str_fini(&location);
    str_fini(&text);
}

/* -- and comes back -------------------------------------------------------------------------- */

/* A code that is not taken: who sends one that is not good learns no more. */
static void on_token(void *arg, const struct http_reply *reply)
{
    struct exchange *exchange = arg;
    struct span json = { reply->body, reply->body_len }, token;
    struct err err;

    exchange->call = NULL;
    if (reply->status == 400 || reply->status == 401) {
        bool is_json = json_check(json.ptr, json.len, OIDC_DOCUMENT_MAX, &err) == 0;
        struct span word = is_json ? json_get_raw(json, "error") : (struct span){ 0 };

        fail(exchange, 403, "the provider did not take the code (%.*s)",
             (int)(word.len < 40 ? word.len : 40), word.len > 0 ? word.ptr : "");
        return;
    }
    if (!has_come(exchange, reply, "the token"))
        return;
    if (json_check(json.ptr, json.len, OIDC_DOCUMENT_MAX, &err) != 0) {
        fail(exchange, 502, "the provider's answer: %s", err.text);
        return;
    }
    token = json_get_raw(json, "id_token");
    if (token.len == 0) {
        fail(exchange, 502, "the provider's answer has no id_token");
        return;
    }
    str_add_span(&exchange->token, token);
    exchange->step = KEYS;
    go_on(exchange);
}

static void exchange_code(struct exchange *exchange)
{
    char *url = provider_endpoint(exchange->provider, "token_endpoint");
    char *client = provider_text(exchange->provider, "client_id");
    char *secret = provider_text(exchange->provider, "client_secret");
    struct str body = { .is_secret = true };

    put(&body, "grant_type", "authorization_code");
    put(&body, "code", str_text(&exchange->code));
    put_redirect(&body, exchange->provider->name);
    put(&body, "client_id", client);
    if (secret != NULL) {
        put(&body, "client_secret", secret);
    }
    put(&body, "code_verifier", exchange->pending->verifier);
    call(exchange, "POST", url, str_span(&body), on_token);
    str_wipe(&body);
    free(url);
    free(client);
    text_wipe(secret);
}

static void on_keys(void *arg, const struct http_reply *reply)
{
    struct exchange *exchange = arg;
    struct jwt_keys keys;
    struct err err;

    if (!has_come(exchange, reply, "the provider's keys"))
        return;
    if (jwt_keys_read(&keys, (struct span){ reply->body, reply->body_len }, &err) != 0) {
        fail(exchange, 502, "%s", err.text);
        return;
    }
    jwt_keys_fini(&exchange->provider->keys);
    exchange->provider->keys = keys;
    go_on(exchange);
}

static void fetch_keys(struct exchange *exchange)
{
    char *url = provider_endpoint(exchange->provider, "jwks_uri");

    call(exchange, "GET", url, (struct span){ 0 }, on_keys);
    free(url);
}

static unsigned algs_of(const struct provider *provider)
{
    struct span list = json_get(provider_config(provider->name), "algs"), name;
    unsigned algs = 0;
    size_t pos = 0;

    while (json_next(list, &pos, NULL, &name))
        algs |= jwt_alg_of(json_raw(name));
    return algs != 0 ? algs : JWT_RS256; /* what OpenID Connect has when nothing is said */
}

static int verify(const struct exchange *exchange, struct jwt *jwt, struct err *err)
{
    char *issuer = provider_text(exchange->provider, "issuer");
    char *client = provider_text(exchange->provider, "client_id");
    const char *const audiences[] = { client, NULL };
    const struct jwt_rules rules = { .algs = algs_of(exchange->provider),
                                     .issuer = issuer,
                                     .audiences = audiences,
                                     .client_id = client,
                                     .nonce = exchange->pending->nonce,
                                     .now_ms = front_now_ms() };
    int rc =
        jwt_verify(jwt, str_span(&exchange->token), &rules, &exchange->provider->keys, err);

    free(issuer);
    free(client);
    return rc;
}

static void let_in(struct exchange *exchange, struct span claims)
{
    struct request *request = exchange->request;
    struct oidc_person person;
    struct err err;

    if (oidc_read_claims(&person, exchange->provider->name,
                         provider_config(exchange->provider->name), claims, &err) != 0) {
        fail(exchange, 403, "%s", err.text);
        return;
    }
    request_keep(request, NULL, NULL);
    auth_begin(request, &(struct session_about){ .who = person.who,
                                                 .roles = person.roles,
                                                 .proved_ms = person.proved_ms });
    set_cookie(request, "", 0);
    respond_header(request, "Location", "/console/");
    respond(request, 303, NULL, (struct span){ 0 });
    free_exchange(exchange);
}

static bool may_fetch_again(const struct provider *provider)
{
    return !provider->has_fetched_again ||
           front_now_ms() - provider->keys_again_ms >= OIDC_KEYS_AGAIN_MS;
}

static void check_token(struct exchange *exchange)
{
    struct provider *provider = exchange->provider;
    struct jwt jwt;
    struct err err;
    int rc = verify(exchange, &jwt, &err);

    if (rc == 0) {
        let_in(exchange, str_span(&jwt.claims));
        jwt_fini(&jwt);
    } else if (rc == ERR_NOT_FOUND && exchange->step == KEYS && may_fetch_again(provider)) {
        provider->has_fetched_again = true;
        provider->keys_again_ms = front_now_ms();
        exchange->step = KEYS_AGAIN;
        fetch_keys(exchange);
    } else {
        fail(exchange, 403, "%s", err.text);
    }
}

static void go_on(struct exchange *exchange)
{
    switch (exchange->step) {
    case DISCOVER:
        if (!provider_is_known(exchange->provider)) {
            discover(exchange);
        } else if (exchange->pending == NULL) {
            send_there(exchange);
        } else {
            exchange->step = EXCHANGE;
            exchange_code(exchange);
        }
        break;
    case EXCHANGE: break;
    case KEYS:
        if (exchange->provider->keys.count == 0)
            fetch_keys(exchange);
        else
            check_token(exchange);
        break;
    case KEYS_AGAIN: check_token(exchange); break;
    }
}

/* -- requests -------------------------------------------------------------------------------- */

/* NULL: it has been answered. */
static struct exchange *new_exchange(struct request *request)
{
    const char *name = request_param(request, 0);
    struct exchange *exchange;
    struct provider *provider;
    struct err err;

    if (provider_config(name).len == 0) {
        respond_problem(request, 404, "not_found", "nobody signs in with %.40s here", name);
        return NULL;
    }
    if (oidc.exchange_count >= OIDC_EXCHANGES_MAX) {
        respond_header(request, "Retry-After", "5");
        respond_problem(request, 503, "busy",
                        "many sign in at this moment; try again in five seconds");
        return NULL;
    }
    provider = provider_of(name, &err);
    if (provider == NULL) {
        respond_problem(request, 500, "provider", "%s", err.text);
        return NULL;
    }
    exchange = xcalloc(1, sizeof *exchange);
    exchange->request = request;
    exchange->provider = provider;
    list_add(&oidc.exchanges, &exchange->in_all);
    oidc.exchange_count++;
    request_keep(request, exchange, on_dropped);
    return exchange;
}

void begin_oidc(struct request *request)
{
    const char *again = request_query(request, "again");
    struct exchange *exchange;

    if (!auth_is_ours(request) || !auth_may_begin(request) ||
        (exchange = new_exchange(request)) == NULL)
        return;
    exchange->is_again = again != NULL && strcmp(again, "true") == 0;
    go_on(exchange);
}

/* The sign-in that this state is of, in this browser; it is nobody's after that. */
static struct pending *take_pending(struct request *request)
{
    const char *state = request_query(request, "state");
    struct str browser = { 0 };
    struct pending *found = NULL;

    request_cookie(request, OIDC_COOKIE, &browser);
    struct hash hash = hash_of(browser.ptr, browser.len);
    list_each (link, after, &oidc.pending) {
        struct pending *pending = list_item(link, struct pending, in_all);

        if (state != NULL && strcmp(pending->state, state) == 0)
            found = pending;
    }
    str_fini(&browser);
    if (found == NULL)
        return NULL;
    list_remove(&found->in_all);
    oidc.pending_count--;
    if (hash_equal(found->browser, hash) &&
        strcmp(found->provider, request_param(request, 0)) == 0 &&
        front_now_ms() - found->at_ms < OIDC_PENDING_MS)
        return found;
    free_pending(found);
    return NULL;
}

static void come_back(struct request *request, struct pending *pending)
{
    const char *code = request_query(request, "code");
    struct exchange *exchange = new_exchange(request);

    if (exchange == NULL) {
        free_pending(pending);
        return;
    }
    exchange->pending = pending;
    str_add_text(&exchange->code, code);
    go_on(exchange);
}

/* RFC 9207: whose answer it is, where the provider says so. */
static bool is_of_issuer(struct request *request)
{
    const char *issuer = request_query(request, "iss");

    return issuer == NULL || provider_is_issuer(request_param(request, 0), issuer);
}

void end_oidc(struct request *request)
{
    const char *name = request_param(request, 0), *code = request_query(request, "code");
    struct pending *pending;

    if (provider_config(name).len == 0) {
        respond_problem(request, 404, "not_found", "nobody signs in with %.40s here", name);
        return;
    }
    pending = take_pending(request);
    if (pending == NULL) {
        if (auth_is_throttled(request))
            return;
        auth_note_failure(request);
        say_back(request, 403, name,
                 "this sign-in was not begun in this browser, took too long, or is over");
        return;
    }
    if (code == NULL || strlen(code) > OIDC_CODE_MAX || !is_of_issuer(request)) {
        const char *error = request_query(request, "error");
        char sentence[120];

        snprintf(sentence, sizeof sentence, "the provider said no (%.60s)",
                 error != NULL ? error : "without a code");
        free_pending(pending);
        say_back(request, 403, name, sentence);
        return;
    }
    come_back(request, pending);
}
