/* SPDX-License-Identifier: Apache-2.0 */
#include "api/signin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/auth.h"
#include "api/front.h"
#include "api/route.h"
#include "api/throttle.h"
#include "api/v1.h"
#include "api/v1_queries.h"
#include "base/arena.h"
#include "base/list.h"
#include "base/log.h"
#include "base/password.h"
#include "net/loop.h"

struct attempt { /* a password that is being checked, or waits for that */
    struct list in_queue;
    struct request *request; /* NULL: it has gone */
    struct str name, password;
    char *hash;         /* NULL: there is no such account */
    int64_t proved_for; /* again: of this account; 0: a new session */
    int64_t since_ms;   /* when it began to wait for its pace */
    bool is_right, is_known;
};

static struct {
    struct list queue; /* the first is under way */
    struct list paced; /* they wait until another may be looked at */
    int count, paced_count;
    struct throttle accounts, paces, known;
    struct timer look;
} signin;

void signin_open(void)
{
    list_init(&signin.queue);
    list_init(&signin.paced);
    signin.accounts.max = SIGNIN_FAILURES_MAX;
    signin.accounts.within_ms = SIGNIN_FAILURES_MS;
    signin.paces.max = 1;
    signin.paces.within_ms = SIGNIN_PAUSE_MS;
    signin.known.max = SIGNIN_KNOWN_MAX;
    signin.known.within_ms = SIGNIN_FAILURES_MS;
}

/* -- who one is ---------------------------------------------------------------------------- */

static void put_roles(struct json_out *out, unsigned roles)
{
    json_key(out, "roles");
    json_open(out, '[');
    for (unsigned bit = ROLE_VIEWER; bit <= ROLE_ADMIN; bit <<= 1)
        if ((roles & bit) != 0)
            json_string(out, role_name(bit));
    json_close(out);
}

static void put_session(struct json_out *out, const struct session *session)
{
    int64_t ends = session->begun_ms + SESSION_LIFE_MS;

    json_put_int(out, "ends", ends);
    json_put_int(out, "fresh_until", session->proved_ms + SESSION_FRESH_MS);
    json_put_int(out, "idle_ms", SESSION_IDLE_MS);
    json_put_bool(out, "password", session->account != 0);
    json_put(out, "token", session->token);
}

void signin_respond(struct request *request, const struct session *session)
{
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    json_open(&out, '{');
    json_put_raw(&out, "groups",
                 span_of(session->groups != NULL ? session->groups : "null"));
    put_roles(&out, session->roles);
    json_key(&out, "session");
    json_open(&out, '{');
    put_session(&out, session);
    json_close(&out);
    json_put(&out, "via", "console");
    json_put(&out, "who", session->who);
    json_close(&out);
    respond_json(request, 200, str_span(&text));
    str_wipe(&text);
}

void get_me(struct request *request)
{
    const struct caller *caller = request_caller(request);
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    if (caller->token == NULL) {
        signin_respond(request, auth_session(request));
        return;
    }
    json_open(&out, '{');
    json_put_raw(&out, "groups", span_of(caller->groups != NULL ? caller->groups : "null"));
    put_roles(&out, caller->roles);
    json_put_raw(&out, "session", span_of("null"));
    json_put(&out, "via", caller->via);
    json_put(&out, "who", caller->who);
    json_close(&out);
    respond_json(request, 200, str_span(&text));
    str_fini(&text);
}

/* -- a password ---------------------------------------------------------------------------- */

static void next_attempt(void);

static void free_attempt(struct attempt *attempt)
{
    list_remove(&attempt->in_queue);
    str_wipe(&attempt->password);
    str_fini(&attempt->name);
    free(attempt->hash);
    free(attempt);
}

/* On another thread. */
static void check(void *arg)
{
    struct attempt *attempt = arg;
    struct str ignored = { 0 };

    if (attempt->hash != NULL)
        attempt->is_right = password_is(attempt->hash, str_span(&attempt->password));
    else
        password_hash(&ignored, str_span(&attempt->password)); /* takes as long */
    str_fini(&ignored);
}

static void refuse(struct request *request, const char *name, bool is_known)
{
    int64_t now_ms = front_now_ms();

    if (is_known)
        throttle_note(&signin.known, name, now_ms);
    auth_note_failure(request);
    if (!is_known && throttle_note(&signin.accounts, name, now_ms))
        log_warnx(
            "%d wrong passwords within %d minutes for one account: from now on one is "
            "looked at in %d seconds",
            SIGNIN_FAILURES_MAX, SIGNIN_FAILURES_MS / 60000, SIGNIN_PAUSE_MS / 1000);
    respond_header(request, "WWW-Authenticate", "Bearer realm=\"cordon\"");
    respond_problem(request, 401, "sign_in", "the name or the password is not right");
}

/* The account as it is now: meanwhile it may have changed. */
static void welcome(struct attempt *attempt, struct span account)
{
    struct session *session = auth_session(attempt->request);
    const struct session_about about = { .who = str_text(&attempt->name),
                                         .groups = json_get(account, "groups"),
                                         .roles = roles_of(json_get(account, "roles")),
                                         .account = json_get_int(account, "i", 0),
                                         .turn = json_get_int(account, "turn", 0),
                                         .proved_ms = front_now_ms() };

    throttle_forget(&signin.accounts, str_text(&attempt->name));
    throttle_forget(&signin.known, str_text(&attempt->name));
    if (attempt->proved_for == 0)
        session = auth_begin(attempt->request, &about);
    else if (session != NULL && session->account == attempt->proved_for)
        session->proved_ms = front_now_ms();
    else
        session = NULL;
    if (session != NULL)
        auth_know_browser(attempt->request, str_text(&attempt->name), about.turn);
    if (session != NULL)
        signin_respond(attempt->request, session);
    else
        respond_problem(attempt->request, 401, "unauthenticated",
                        "the session has ended meanwhile: sign in");
}

static void on_checked(void *arg)
{
    struct attempt *attempt = arg;
    struct request *request = attempt->request;
    struct span account = auth_account(str_span(&attempt->name));
    char *hash = json_get_text(account, "hash");
    bool is_same =
        hash != NULL && attempt->hash != NULL && strcmp(hash, attempt->hash) == 0;

    free(hash);
    if (request != NULL) {
        request_keep(request, NULL, NULL);
        if (attempt->is_right && is_same)
            welcome(attempt, account);
        else
            refuse(request, str_text(&attempt->name), attempt->is_known);
    }
    signin.count--;
    free_attempt(attempt);
    next_attempt();
}

static void next_attempt(void)
{
    if (!list_is_empty(&signin.queue))
        loop_work(front_loop(), check, on_checked,
                  list_item(signin.queue.next, struct attempt, in_queue));
}

static void on_dropped(void *state)
{
    ((struct attempt *)state)->request = NULL;
}

static void check_later(struct attempt *attempt)
{
    bool is_idle = list_is_empty(&signin.queue);

    list_remove(&attempt->in_queue);
    list_add(&signin.queue, &attempt->in_queue);
    signin.count++;
    if (is_idle)
        next_attempt();
}

/* -- at which pace ------------------------------------------------------------------------- */

/* The place of an address among the paces; names of accounts have no blank. */
static void address_name(char *text, size_t size, const struct request *request)
{
    snprintf(text, size, " %s", request_peer(request));
}

/* What is slowed down: the account, the address, or both. The longest that it waits for now. */
static int64_t pace_wait_ms(const struct attempt *attempt, bool *is_slow, bool takes)
{
    const char *name = str_text(&attempt->name);
    int64_t now_ms = front_now_ms(), wait_ms = 0, other_ms = 0;
    bool of_account = throttle_wait_ms(&signin.accounts, name, now_ms) > 0;
    bool of_address = auth_is_slow(attempt->request);
    char address[64];

    address_name(address, sizeof address, attempt->request);
    if (of_account)
        wait_ms = throttle_wait_ms(&signin.paces, name, now_ms);
    if (of_address)
        other_ms = throttle_wait_ms(&signin.paces, address, now_ms);
    wait_ms = wait_ms > other_ms ? wait_ms : other_ms;
    if (takes && wait_ms == 0 && of_account)
        throttle_note(&signin.paces, name, now_ms);
    if (takes && wait_ms == 0 && of_address)
        throttle_note(&signin.paces, address, now_ms);
    *is_slow = of_account || of_address;
    return wait_ms;
}

static void give_up(struct attempt *attempt)
{
    if (attempt->request != NULL) {
        request_keep(attempt->request, NULL, NULL);
        respond_header(attempt->request, "Retry-After", "5");
        respond_problem(attempt->request, 429, "too_many",
                        "many wrong passwords were tried for this account or from your "
                        "address: one is looked at in %d seconds",
                        SIGNIN_PAUSE_MS / 1000);
    }
    signin.paced_count--;
    free_attempt(attempt);
}

static bool is_from(const struct attempt *attempt, const char *peer)
{
    return attempt->request != NULL &&
           (peer == NULL || strcmp(request_peer(attempt->request), peer) == 0);
}

/* One of those of an address, or of all, as chance will have it. */
static struct attempt *any_of(const char *peer, bool is_due)
{
    struct attempt *found = NULL;
    uint32_t count = 0, chance;
    bool is_slow;

    list_each (link, after, &signin.paced) {
        struct attempt *attempt = list_item(link, struct attempt, in_queue);

        if (!is_from(attempt, peer) ||
            (is_due && pace_wait_ms(attempt, &is_slow, false) > 0))
            continue;
        random_bytes(&chance, sizeof chance);
        if (chance % ++count == 0)
            found = attempt;
    }
    return found;
}

static int count_from(const char *peer)
{
    int count = 0;

    list_each (link, after, &signin.paced)
        count += is_from(list_item(link, struct attempt, in_queue), peer);
    return count;
}

static void on_look(void *arg)
{
    struct attempt *attempt;
    bool is_slow;

    (void)arg;
    list_each (link, after, &signin.paced) {
        attempt = list_item(link, struct attempt, in_queue);
        if (attempt->request == NULL ||
            front_now_ms() - attempt->since_ms > SIGNIN_PACED_MS)
            give_up(attempt);
    }
    while (signin.count < SIGNIN_WAITING_MAX && (attempt = any_of(NULL, true)) != NULL) {
        pace_wait_ms(attempt, &is_slow, true);
        signin.paced_count--;
        check_later(attempt);
    }
    if (!list_is_empty(&signin.paced))
        timer_start(&signin.look, front_loop(), SIGNIN_LOOK_MS, on_look, NULL);
}

/* Who comes is let wait, and another goes: who floods drives out mostly their own. */
static void wait_for_pace(struct attempt *attempt)
{
    const char *peer = request_peer(attempt->request);

    if (count_from(peer) >= SIGNIN_PACED_EACH_MAX)
        give_up(any_of(peer, false));
    else if (signin.paced_count >= SIGNIN_PACED_MAX && any_of(NULL, false) != NULL)
        give_up(any_of(NULL, false));
    attempt->since_ms = front_now_ms();
    list_add(&signin.paced, &attempt->in_queue);
    signin.paced_count++;
    timer_stop(&signin.look);
    timer_start(&signin.look, front_loop(), SIGNIN_LOOK_MS, on_look, NULL);
}

static void begin(struct request *request, struct span name, struct span password,
                  int64_t proved_for)
{
    struct span account = auth_account(name);
    struct attempt *attempt = xcalloc(1, sizeof *attempt);
    bool is_slow = false;

    attempt->request = request;
    attempt->proved_for = proved_for;
    attempt->hash = json_get_text(account, "hash");
    attempt->password.is_secret = true;
    list_init(&attempt->in_queue);
    str_add_span(&attempt->name, name);
    str_add_span(&attempt->password, password);
    request_keep(request, attempt, on_dropped);
    attempt->is_known =
        account.len > 0 &&
        throttle_wait_ms(&signin.known, str_text(&attempt->name), front_now_ms()) == 0 &&
        auth_knows_browser(request, str_text(&attempt->name),
                           json_get_int(account, "turn", 0));
    if (!attempt->is_known && pace_wait_ms(attempt, &is_slow, true) > 0)
        wait_for_pace(attempt);
    else
        check_later(attempt);
}

static bool is_full(struct request *request)
{
    if (signin.count < SIGNIN_WAITING_MAX)
        return false;
    respond_header(request, "Retry-After", "5");
    respond_problem(request, 503, "busy",
                    "many sign in at this moment; try again in five seconds");
    return true;
}

static void try_password(struct request *request, char *name, char *password,
                         int64_t proved_for)
{
    if (!json_bool(json_get(front_setup("sign_in"), "local"), true))
        respond_problem(request, 403, "local",
                        "nobody signs in with a password here (sign_in.local)");
    else if (!is_full(request))
        begin(request, span_of(name), span_of(password), proved_for);
}

void sign_in(struct request *request)
{
    struct span body;
    char *name, *password;

    if (!auth_is_ours(request) || !v1_body(request, "SignIn", &body))
        return;
    name = json_get_text(body, "name");
    password = json_get_text(body, "password");
    try_password(request, name, password, 0);
    free(name);
    text_wipe(password);
}

void sign_in_again(struct request *request)
{
    const struct session *session = auth_session(request);
    struct span body;
    char *password;

    if (session == NULL || session->account == 0) {
        respond_problem(request, 409, "provider",
                        "who signed in with a provider signs in there again: POST "
                        "/sign-in/oidc/NAME");
        return;
    }
    if (!v1_body(request, "SignInAgain", &body))
        return;
    password = json_get_text(body, "password");
    try_password(request, session->who, password, session->account);
    text_wipe(password);
}

void sign_out(struct request *request)
{
    auth_end(request);
    streams_end_all(); /* its streams too; others come again */
    respond(request, 204, NULL, (struct span){ 0 });
}

void list_sign_ins(struct request *request)
{
    struct span sign_in = front_setup("sign_in"), name, provider;
    struct str text = { 0 };
    struct json_out out = { .str = &text };
    size_t pos = 0;

    json_open(&out, '{');
    json_put_bool(&out, "local", json_bool(json_get(sign_in, "local"), true));
    json_key(&out, "providers");
    json_open(&out, '[');
    while (json_next(json_get(sign_in, "oidc"), &pos, &name, &provider))
        json_string_span(&out, name);
    json_close(&out);
    json_close(&out);
    respond_json(request, 200, str_span(&text));
    str_fini(&text);
}

/* -- tokens -------------------------------------------------------------------------------- */

void list_tokens(struct request *request)
{
    struct args args;

    args_open(&args);
    if (args_query(request, &args, NULL))
        args_ask(request, &args, "tokens", v1_on_read);
    args_drop(&args);
}

/* It is shown here, once. What has gone meanwhile nobody has seen, and it can be revoked. */
static void on_made(struct request *request, int exit, struct span json)
{
    struct span name, value;
    struct str text = { 0 };
    struct json_out out = { .str = &text };
    size_t pos = 0;

    if (v1_is_error(exit, json)) {
        v1_problem(request, exit, json);
        return;
    }
    json_open(&out, '{');
    while (json_next(json, &pos, &name, &value)) {
        json_key_span(&out, name);
        json_raw_value(&out, value);
    }
    json_put(&out, "token", request_note(request));
    json_close(&out);
    respond_json(request, 201, str_span(&text));
    str_wipe(&text);
}

void create_token(struct request *request)
{
    static const char *const members[] = { "for",    "groups", "name", "playbooks",
                                           "reason", "roles",  NULL };
    char id[TOKEN_ID_LEN + 1], *life;
    struct str text = { .is_secret = true }, hash = { 0 };
    struct args args;
    struct span body;
    int64_t life_ms = INT64_C(90) * 24 * 60 * 60 * 1000;

    if (request_header(request, "Idempotency-Key") != NULL) {
        respond_problem(request, 400, "once",
                        "a token is shown once, so this cannot be asked for again: leave "
                        "Idempotency-Key out");
        return;
    }
    if (!v1_body(request, "AddToken", &body))
        return;
    life = json_get_text(body, "expires");
    if (life != NULL)
        duration_parse(span_of(life), &life_ms);
    free(life);
    token_make(&text, &hash, id);
    request_set_note(request, str_span(&text));
    args_open(&args);
    args_put_members(&args, body, members);
    json_put_span(&args.out, "hash", str_span(&hash));
    json_put(&args.out, "id", id);
    json_put_int(&args.out, "life_ms", life_ms);
    args_ask(request, &args, "token_add", on_made);
    args_drop(&args);
    str_wipe(&text);
    str_fini(&hash);
}

void revoke_token(struct request *request)
{
    struct args args;
    struct span body;
    static const char *const members[] = { "reason", NULL };

    if (!v1_body(request, "Reason", &body))
        return;
    args_open(&args);
    args_put_members(&args, body, members);
    json_put(&args.out, "token", request_param(request, 0));
    args_ask(request, &args, "token_revoke", v1_on_done);
    args_drop(&args);
}
