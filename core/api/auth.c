/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/front.h"
#include "api/hooks.h"
#include "api/route.h"
#include "api/throttle.h"
#include "base/arena.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/password.h"

struct remembered { /* a token that was good */
    struct hash mac;
    int64_t until_ms, n;
};

struct token { /* in force; spans of the setup */
    struct span id, json;
};

static struct {
    struct remembered good[AUTH_REMEMBERED_MAX];
    struct throttle addresses, begins;
    struct sessions sessions;
    struct token *tokens; /* by id */
    size_t token_count;
    struct hash providers; /* of how people sign in elsewhere */
    unsigned char key[HASH_LEN];
    bool is_open;
    int next_good;
} auth;

/* -- setup --------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    return memcmp(((const struct token *)a)->id.ptr, ((const struct token *)b)->id.ptr,
                  TOKEN_ID_LEN);
}

static void take_tokens(struct span list)
{
    struct span json;
    size_t pos = 0;

    free(auth.tokens);
    auth.tokens = xcalloc(json_count(list) + 1, sizeof *auth.tokens);
    auth.token_count = 0;
    while (json_next(list, &pos, NULL, &json)) {
        struct span id = json_get_raw(json, "id");

        if (id.len == TOKEN_ID_LEN)
            auth.tokens[auth.token_count++] = (struct token){ id, json };
    }
    qsort(auth.tokens, auth.token_count, sizeof *auth.tokens, by_id);
}

struct span auth_account(struct span name)
{
    struct span account;
    size_t pos = 0;

    while (name.len > 0 && json_next(front_setup("accounts"), &pos, NULL, &account))
        if (span_equal(json_get_raw(account, "name"), name))
            return account;
    return (struct span){ 0 };
}

/* Which turn each account is in. */
struct turns {
    int64_t *turns; /* by the account's number */
    int64_t count;
    bool are_providers_same;
};

static void read_turns(struct turns *turns)
{
    struct span list = front_setup("accounts"), account;
    size_t pos = 0;

    while (json_next(list, &pos, NULL, &account))
        if (json_get_int(account, "i", 0) >= turns->count)
            turns->count = json_get_int(account, "i", 0) + 1;
    turns->turns = xcalloc((size_t)turns->count + 1, sizeof *turns->turns);
    pos = 0;
    while (json_next(list, &pos, NULL, &account))
        if (json_get_int(account, "i", 0) > 0)
            turns->turns[json_get_int(account, "i", 0)] = json_get_int(account, "turn", 0);
}

/* The account has changed, or what is said of the provider has. */
static bool is_out_of_date(const struct session *session, void *arg)
{
    const struct turns *turns = arg;

    if (session->account == 0)
        return !turns->are_providers_same;
    return session->account >= turns->count ||
           turns->turns[session->account] != session->turn;
}

static void end_sessions(void)
{
    struct span sign_in = front_setup("sign_in");
    struct hash providers = hash_of(sign_in.ptr, sign_in.len);
    struct turns turns = { .are_providers_same = hash_equal(providers, auth.providers) };

    read_turns(&turns);
    sessions_end_if(&auth.sessions, is_out_of_date, &turns);
    auth.providers = providers;
    free(turns.turns);
}

void auth_setup(struct span setup)
{
    (void)setup;
    if (!auth.is_open) {
        auth.is_open = true;
        random_bytes(auth.key, sizeof auth.key);
        sessions_init(&auth.sessions);
        auth.addresses.max = AUTH_FAILURES_MAX;
        auth.addresses.within_ms = AUTH_FAILURES_MS;
        auth.begins.max = AUTH_BEGINS_MAX;
        auth.begins.within_ms = AUTH_FAILURES_MS;
    }
    memset(auth.good, 0, sizeof auth.good);
    take_tokens(front_setup("tokens"));
    end_sessions();
}

void auth_close(void)
{
    if (auth.is_open)
        sessions_fini(&auth.sessions);
    free(auth.tokens);
    memset(&auth, 0, sizeof auth);
}

/* -- who fails too often ------------------------------------------------------------------- */

static bool respond_too_many(struct request *request, int64_t wait_ms, const char *what)
{
    char seconds[24];

    if (wait_ms == 0)
        return false;
    snprintf(seconds, sizeof seconds, "%lld", (long long)(wait_ms + 999) / 1000);
    respond_header(request, "Retry-After", seconds);
    respond_problem(request, 429, "too_many",
                    "too many %s from your address; try again in %s seconds", what,
                    seconds);
    return true;
}

bool auth_is_slow(const struct request *request)
{
    return throttle_wait_ms(&auth.addresses, request_peer(request), front_now_ms()) > 0;
}

bool auth_is_throttled(struct request *request)
{
    int64_t wait_ms =
        throttle_wait_ms(&auth.addresses, request_peer(request), front_now_ms());

    if (wait_ms > 0)
        request_end_connection(request); /* each of them costs a handshake from now on */
    return respond_too_many(request, wait_ms, "wrong credentials");
}

bool auth_may_begin(struct request *request)
{
    int64_t now_ms = front_now_ms();
    int64_t wait_ms = throttle_wait_ms(&auth.begins, request_peer(request), now_ms);

    throttle_note(&auth.begins, request_peer(request), now_ms);
    return !respond_too_many(request, wait_ms, "sign-ins with a provider");
}

void auth_note_failure(struct request *request)
{
    if (throttle_note(&auth.addresses, request_peer(request), front_now_ms()))
        log_warnx("%d wrong credentials within a minute from %s: more of them are answered "
                  "with 429 for a while, right ones as ever",
                  AUTH_FAILURES_MAX, request_peer(request));
}

/* -- tokens -------------------------------------------------------------------------------- */

static bool is_remembered(struct hash mac, int64_t n)
{
    for (int i = 0; i < AUTH_REMEMBERED_MAX; i++)
        if (auth.good[i].n == n && auth.good[i].until_ms > front_now_ms() &&
            hash_equal(auth.good[i].mac, mac))
            return true;
    return false;
}

static bool is_good(struct span token, int64_t n, struct span text)
{
    struct hash mac = hash_hmac(auth.key, sizeof auth.key, text.ptr, text.len);

    if (is_remembered(mac, n))
        return true;
    char *hash = json_get_text(token, "hash");
    bool is_right = hash != NULL && password_is(hash, text);
    free(hash);
    if (is_right) {
        auth.good[auth.next_good] = (struct remembered){
            .mac = mac, .n = n, .until_ms = front_now_ms() + AUTH_REMEMBER_MS
        };
        auth.next_good = (auth.next_good + 1) % AUTH_REMEMBERED_MAX;
    }
    return is_right;
}

static void become_token(struct caller *caller, struct span token, int64_t n)
{
    struct span groups = json_get(token, "groups"), bound = json_get(token, "playbooks");
    char *name = json_get_text(token, "name"), *person = json_get_text(token, "for");
    struct str who = { 0 };

    caller->roles = roles_of(json_get(token, "roles"));
    if (person != NULL)
        str_add_text(&who, person);
    else
        str_printf(&who, "token:%s", name);
    caller->who = str_take(&who);
    caller->groups = json_kind(groups) == JSON_ARRAY ? span_dup(groups) : NULL;
    caller->playbooks = json_kind(bound) == JSON_ARRAY ? span_dup(bound) : NULL;
    str_printf(&who, "%lld", (long long)n);
    caller->token = str_take(&who);
    free(name);
    free(person);
}

static bool take_token(struct request *request, struct span text)
{
    struct token wanted, *token;
    int64_t n;

    if (!token_id(text, &wanted.id))
        return false;
    token = bsearch(&wanted, auth.tokens, auth.token_count, sizeof *token, by_id);
    if (token == NULL)
        return false;
    n = json_get_int(token->json, "i", 0);
    if (json_get_int(token->json, "expires", 0) <= front_now_ms() ||
        !is_good(token->json, n, text))
        return false;
    become_token(request_caller(request), token->json, n);
    return true;
}

/* -- sessions ------------------------------------------------------------------------------ */

struct session *auth_session(struct request *request)
{
    struct str text = { .is_secret = true };
    struct session *session = NULL;

    if (request_cookie(request, AUTH_COOKIE, &text))
        session = session_find(&auth.sessions, str_span(&text), front_now_ms());
    str_fini(&text);
    return session;
}

static void set_cookie(struct request *request, const char *value, const char *more)
{
    struct str cookie = { .is_secret = true };

    str_printf(&cookie, "%s=%s; Path=/; Secure; HttpOnly; SameSite=Strict%s", AUTH_COOKIE,
               value, more);
    respond_header(request, "Set-Cookie", str_text(&cookie));
    str_fini(&cookie);
}

/* -- browsers that have signed in before --------------------------------------------------- */

/* Of this front, this account, and the password that it has now. */
static void browser_text(struct str *out, const char *name, int64_t turn)
{
    struct str about = { 0 };
    char hex[HASH_HEX_LEN + 1];

    str_printf(&about, "browser %lld %s", (long long)turn, name);
    hash_hex(hash_hmac(auth.key, sizeof auth.key, about.ptr, about.len), hex);
    str_add_text(out, hex);
    str_fini(&about);
}

void auth_know_browser(struct request *request, const char *name, int64_t turn)
{
    struct str text = { .is_secret = true }, cookie = { .is_secret = true };

    browser_text(&text, name, turn);
    str_printf(&cookie, "%s=%s; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=%d",
               AUTH_BROWSER_COOKIE, str_text(&text), AUTH_BROWSER_S);
    respond_header(request, "Set-Cookie", str_text(&cookie));
    str_fini(&text);
    str_fini(&cookie);
}

bool auth_knows_browser(struct request *request, const char *name, int64_t turn)
{
    struct str given = { .is_secret = true }, text = { .is_secret = true };
    bool is_known = request_cookie(request, AUTH_BROWSER_COOKIE, &given);

    browser_text(&text, name, turn);
    is_known =
        is_known && hash_equal(hash_of(given.ptr, given.len), hash_of(text.ptr, text.len));
    str_fini(&given);
    str_fini(&text);
    return is_known;
}

struct session *auth_begin(struct request *request, const struct session_about *about)
{
    char text[SESSION_TEXT_LEN + 1];
    struct session *session = auth_session(request);

    if (session != NULL)
        session_end(&auth.sessions, session);
    session = session_begin(&auth.sessions, about, text, front_now_ms());
    set_cookie(request, text, "");
    explicit_bzero(text, sizeof text);
    return session;
}

void auth_end(struct request *request)
{
    struct session *session = auth_session(request);

    if (session != NULL)
        session_end(&auth.sessions, session);
    set_cookie(request, "", "; Max-Age=0");
}

bool auth_is_ours(struct request *request)
{
    const char *origin = request_header(request, "Origin");
    const char *site = request_header(request, "Sec-Fetch-Site");
    const char *wanted = front_origin();

    if (origin != NULL && strcmp(origin, wanted) == 0 &&
        (site == NULL || strcmp(site, "same-origin") == 0))
        return true;
    respond_problem(request, 403, "origin",
                    "this is taken from pages of %s only (Origin, Sec-Fetch-Site); is that "
                    "how you come here? serve.console.origin says it",
                    wanted);
    return false;
}

static bool is_meant(struct request *request, const struct session *session)
{
    const char *token = request_header(request, "X-Cordon-Token");

    if (request_route(request)->method == METHOD_GET)
        return true;
    if (!auth_is_ours(request))
        return false;
    if (token != NULL && session_has_token(session, span_of(token)))
        return true;
    respond_problem(
        request, 403, "session_token",
        "what changes something carries the session's token: X-Cordon-Token, as "
        "GET /v1/me says it");
    return false;
}

/* What one role alone may change is what others rely on. */
static bool wants_fresh(const struct route *route)
{
    return route->method != METHOD_GET &&
           (route->roles == ROLE_APPROVER || route->roles == ROLE_ADMIN);
}

static void become_session(struct caller *caller, const struct session *session)
{
    caller->who = xstrdup(session->who);
    caller->groups = session->groups != NULL ? xstrdup(session->groups) : NULL;
    caller->roles = session->roles;
    caller->via = "console";
}

/* -- a request ----------------------------------------------------------------------------- */

static bool refuse(struct request *request)
{
    respond_header(request, "WWW-Authenticate", "Bearer realm=\"cordon\"");
    respond_problem(request, 401, "unauthenticated",
                    "this wants a credential that is in force: Authorization: Bearer TOKEN "
                    "(cordon token add makes one), or a session (sign in at the console)");
    return false;
}

static bool has_role(struct request *request)
{
    const struct route *route = request_route(request);

    if ((request_caller(request)->roles & route->roles) != 0)
        return true;
    respond_problem(request, 403, "role", "this wants the role %s",
                    role_name(route->roles & -route->roles));
    return false;
}

/* What a token that is bound to playbooks may change is that they are started; start_run()
 * looks which. */
static bool is_within_bounds(struct request *request)
{
    const struct route *route = request_route(request);

    if (request_caller(request)->playbooks == NULL || route->method == METHOD_GET ||
        strcmp(route->operation, "start_run") == 0)
        return true;
    respond_problem(request, 403, "bound",
                    "this token starts runs of some playbooks and changes nothing else; "
                    "one that was made without --playbook may");
    return false;
}

static bool identify_token(struct request *request, const char *header)
{
    /* It is looked at first: what others at this address got wrong is not its fault. */
    if (strncasecmp(header, "Bearer ", 7) != 0 ||
        !take_token(request, span_of(header + 7))) {
        if (auth_is_throttled(request))
            return false;
        auth_note_failure(request);
        return refuse(request);
    }
    return has_role(request) && is_within_bounds(request);
}

static bool identify_session(struct request *request)
{
    struct session *session = auth_session(request);

    if (session == NULL)
        return refuse(request);
    if (!is_meant(request, session))
        return false;
    become_session(request_caller(request), session);
    if (!has_role(request))
        return false;
    if (!wants_fresh(request_route(request)) || session_is_fresh(session, front_now_ms()))
        return true;
    respond_problem(request, 403, "again",
                    "show once more that it is you: POST /sign-in/again, or sign in anew "
                    "with your provider; that counts for %d minutes",
                    SESSION_FRESH_MS / 60000);
    return false;
}

bool auth_identify(struct request *request, void *arg)
{
    const struct route *route = request_route(request);
    const char *header = request_header(request, "Authorization");
    struct str cookie = { .is_secret = true };
    bool has_cookie;

    (void)arg;
    if ((route->roles & ROLE_SOURCE) != 0)
        return hooks_identify(request);
    if ((route->roles & ROLE_ANYBODY) != 0)
        return true;
    has_cookie = request_cookie(request, AUTH_COOKIE, &cookie);
    str_fini(&cookie);
    if (header != NULL && has_cookie) {
        respond_problem(request, 400, "two_credentials",
                        "a request has a token or a session, and not both");
        return false;
    }
    return header != NULL ? identify_token(request, header) : identify_session(request);
}
