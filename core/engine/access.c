/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/access.c - who may sign in, and which tokens speak for whom.
 *
 * An account is a person's, with the hash of their password; a token is a program's, or a
 * person's own, with the hash of its text. Neither is ever forgotten, and a revoked token
 * never comes back. What may be asked with them is for core/serve and the fronts to see to;
 * who may vote is the policy's, as ever.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

enum { DAY_MS = 24 * 60 * 60 * 1000, HASH_TEXT_MAX = 200, TOKEN_ID_LEN = 16 };

static const char *const role_names[] = { "viewer", "responder", "approver", "author",
                                          "admin" };
enum { ROLES = sizeof role_names / sizeof *role_names };

struct credential {
    struct list in_engine;
    char *name;
    char *body; /* its newest row's */
    int n;
    bool is_token, is_on;
};

static struct credential *find(struct engine *engine, bool is_token, int64_t n)
{
    list_each (link, after, &engine->credentials) {
        struct credential *one = list_item(link, struct credential, in_engine);

        if (one->is_token == is_token && one->n == n)
            return one;
    }
    return NULL;
}

static struct credential *account_named(struct engine *engine, struct span name)
{
    list_each (link, after, &engine->credentials) {
        struct credential *one = list_item(link, struct credential, in_engine);

        if (!one->is_token && span_is(name, one->name))
            return one;
    }
    return NULL;
}

/* -- what rows say ------------------------------------------------------------------------- */

static void take(struct engine *engine, bool is_token, struct span body)
{
    int n = (int)json_get_int(body, "i", 0);
    struct credential *one = find(engine, is_token, n);
    int *next = is_token ? &engine->next_token : &engine->next_account;

    if (one == NULL) {
        one = xcalloc(1, sizeof *one);
        one->is_token = is_token;
        one->n = n;
        one->name = json_get_text(body, "name");
        if (n > *next)
            *next = n;
        list_add(&engine->credentials, &one->in_engine);
    }
    free(one->body);
    one->body = span_dup(body);
    one->is_on = json_get_bool(body, "on", false);
}

void access_on_known(struct engine *engine, const struct event *event, bool is_token)
{
    take(engine, is_token, event->json);
}

void access_free(struct engine *engine)
{
    while (!list_is_empty(&engine->credentials)) {
        struct credential *one =
            list_item(list_take(&engine->credentials), struct credential, in_engine);

        free(one->name);
        free(one->body);
        free(one);
    }
}

void access_put_entry(struct engine *engine, int row_kind, struct span body, int64_t seq)
{
    turn_add_entry(engine, &(struct turn_entry){
                               .kind = row_kind == ROW_TOKEN ? ENTRY_TOKEN : ENTRY_ACCOUNT,
                               .n = (int)json_get_int(body, "i", 1),
                               .state = json_get_bool(body, "on", false),
                               .first_seq = seq,
                               .last_seq = seq,
                               .body = span_of("{}") });
}

/* -- what people are shown ----------------------------------------------------------------- */

/* All but the hash: nobody needs it who is not checking a password. */
static void show(struct json_out *out, struct span body)
{
    struct span name, value;
    size_t pos = 0;

    json_open(out, '{');
    while (json_next(body, &pos, &name, &value))
        if (!span_is(name, "hash")) {
            json_key_span(out, name);
            json_raw_value(out, value);
        }
    json_close(out);
}

static void ask_list(struct engine *engine, const struct event *event, bool is_token)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    json_open(&out, '{');
    json_key(&out, is_token ? "tokens" : "users");
    json_open(&out, '[');
    list_each (link, after, &engine->credentials) {
        const struct credential *one = list_item(link, struct credential, in_engine);

        if (one->is_token == is_token)
            show(&out, span_of(one->body));
    }
    json_close(&out);
    json_close(&out);
    reply_json(engine, event->number, 0, str_span(&body), true);
    str_fini(&body);
}

void engine_credentials(const struct engine *engine, struct str *out)
{
    static const char *const names[] = { "accounts", "tokens" };
    struct json_out json = { .str = out };

    json_open(&json, '{');
    for (int i = 0; i < 2; i++) {
        json_key(&json, names[i]);
        json_open(&json, '[');
        list_each (link, after, &engine->credentials) {
            const struct credential *one = list_item(link, struct credential, in_engine);

            if (one->is_token == (i == 1) && one->is_on)
                json_raw_value(&json, span_of(one->body));
        }
        json_close(&json);
    }
    json_close(&json);
}

/* Journals body, in which the keys are sorted, and answers with what people may see of it. */
static void write_row(struct engine *engine, const struct event *event, int kind,
                      struct span body)
{
    int64_t seq = engine->next_seq;
    struct str shown = { 0 };

    row_write_global(engine, kind, body);
    access_put_entry(engine, kind, body, seq);
    take(engine, kind == ROW_TOKEN, body);
    show(&(struct json_out){ .str = &shown }, body);
    reply_json(engine, event->number, 0, str_span(&shown), true);
    str_fini(&shown);
}

/* -- what is asked for --------------------------------------------------------------------- */

static bool is_role(struct span name)
{
    for (int i = 0; i < ROLES; i++)
        if (span_is(name, role_names[i]))
            return true;
    return false;
}

/* Letters, digits and "._@-": a name without ":" is never taken for one that a provider
 * gives, nor for a token's. */
static bool is_name(struct span json)
{
    struct span name = json_raw(json);

    if (name.len == 0 || name.len > ENGINE_ACCOUNT_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!is_letter && !(c >= '0' && c <= '9') && strchr("._@-", c) == NULL)
            return false;
    }
    return true;
}

/* A token speaks for a person as policy.lua names them, never for another token. */
static bool is_person(struct span json)
{
    char *person = json_text(json);
    size_t len = person != NULL ? strlen(person) : 0;
    bool is_one = len > 0 && len <= ENGINE_PERSON_MAX && strncmp(person, "token:", 6) != 0;

    for (size_t i = 0; i < len; i++)
        is_one = is_one && (unsigned char)person[i] >= ' ' && person[i] != 0x7f;
    free(person);
    return is_one;
}

static bool is_hash(struct span json)
{
    struct span hash = json_raw(json);

    return span_starts(hash, "$argon2id$v=19$") && hash.len <= HASH_TEXT_MAX;
}

/* false: it has been answered. */
static bool has_roles(struct engine *engine, const struct event *event)
{
    struct span roles = json_get(event->json, "roles"), role;
    size_t pos = 0;

    while (json_next(roles, &pos, NULL, &role))
        if (!is_role(json_raw(role))) {
            struct span raw = json_raw(role);

            reply_error(engine, event->number, 2, "role",
                        "\"%.*s\" is no role; want viewer, responder, approver, author or "
                        "admin",
                        (int)(raw.len < 40 ? raw.len : 40), raw.ptr);
            return false;
        }
    if (json_kind(roles) == JSON_ARRAY && json_count(roles) >= 1 &&
        json_count(roles) <= ROLES)
        return true;
    reply_error(engine, event->number, 2, "role",
                "want one role or more: viewer, responder, approver, author, admin");
    return false;
}

static bool has_groups(struct engine *engine, const struct event *event)
{
    struct span groups = json_get(event->json, "groups"), group;
    size_t pos = 0;
    bool is_fine = groups.len == 0 || json_kind(groups) == JSON_NULL ||
                   (json_kind(groups) == JSON_ARRAY && json_count(groups) > 0 &&
                    json_count(groups) <= ENGINE_ACCOUNT_GROUPS_MAX);

    while (is_fine && json_kind(groups) == JSON_ARRAY &&
           json_next(groups, &pos, NULL, &group))
        is_fine = json_kind(group) == JSON_STRING && group.len <= ENGINE_PERSON_MAX;
    if (!is_fine)
        reply_error(engine, event->number, 2, "groups",
                    "groups: want from 1 to %d names of groups of policy.lua, or nothing, "
                    "for all",
                    ENGINE_ACCOUNT_GROUPS_MAX);
    return is_fine;
}

/* What a token may start is a list of names, or all that its roles say. */
static bool has_playbooks(struct engine *engine, const struct event *event)
{
    struct span names = json_get(event->json, "playbooks"), name;
    size_t pos = 0;
    bool is_fine = names.len == 0 || json_kind(names) == JSON_NULL ||
                   (json_kind(names) == JSON_ARRAY && json_count(names) > 0 &&
                    json_count(names) <= ENGINE_TOKEN_PLAYBOOKS_MAX);

    while (is_fine && json_kind(names) == JSON_ARRAY && json_next(names, &pos, NULL, &name))
        is_fine = json_kind(name) == JSON_STRING && json_raw(name).len > 0 &&
                  name.len <= ENGINE_PERSON_MAX;
    if (!is_fine)
        reply_error(engine, event->number, 2, "playbooks",
                    "playbooks: want from 1 to %d names of playbooks, or nothing, for all",
                    ENGINE_TOKEN_PLAYBOOKS_MAX);
    return is_fine;
}

static void put_list(struct json_out *out, const char *name, struct span list)
{
    json_put_raw(out, name, json_kind(list) == JSON_ARRAY ? list : span_of("null"));
}

/* -- accounts ------------------------------------------------------------------------------ */

static void add_account(struct engine *engine, const struct event *event)
{
    struct span args = event->json;
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    json_open(&out, '{');
    json_put_int(&out, "at", engine->now_ms);
    json_put_span(&out, "by", event->who);
    put_list(&out, "groups", json_get(args, "groups"));
    json_put_raw(&out, "hash", json_get(args, "hash"));
    json_put_int(&out, "i", engine->next_account + 1);
    json_put_raw(&out, "name", json_get(args, "name"));
    json_put_bool(&out, "on", true);
    json_put_raw(&out, "roles", json_get(args, "roles"));
    json_put_int(&out, "since", engine->now_ms);
    json_put_int(&out, "turn", 1);
    json_put_raw(&out, "why", json_get(args, "reason"));
    json_close(&out);
    write_row(engine, event, ROW_ACCOUNT, str_span(&body));
    str_fini(&body);
}

static void ask_add_account(struct engine *engine, const struct event *event)
{
    if (!is_name(json_get(event->json, "name")))
        reply_error(
            engine, event->number, 2, "name",
            "whose account? Want a name as in the groups of policy.lua, of letters, "
            "digits and . _ @ - and at most %d of them",
            ENGINE_ACCOUNT_NAME_MAX);
    else if (!is_hash(json_get(event->json, "hash")))
        reply_error(engine, event->number, 2, "hash",
                    "want the Argon2id hash of a password, \"$argon2id$v=19$...\"");
    else if (account_named(engine, json_get_raw(event->json, "name")) != NULL)
        reply_error(engine, event->number, 1, "exists",
                    "there is such an account; cordon user password sets its password, "
                    "cordon user enable lets it in again");
    else if (engine->next_account >= ENGINE_ACCOUNTS_MAX)
        reply_error(engine, event->number, 1, "too_big",
                    "there are %d accounts, and there may not be more",
                    ENGINE_ACCOUNTS_MAX);
    else if (has_roles(engine, event) && has_groups(engine, event))
        add_account(engine, event);
}

/* The members that an ask names are changed, the others stay. Whatever changes, sessions that
 * began before end: that is what the turn is for. */
static void change_account(struct engine *engine, const struct event *event,
                           struct credential *one)
{
    static const char *const changed[] = { "groups", "hash", "on", "roles" };
    struct span name, value, args = event->json;
    struct str body = { 0 };
    struct json_out out = { .str = &body };
    size_t pos = 0;

    json_open(&out, '{');
    while (json_next(span_of(one->body), &pos, &name, &value)) {
        for (size_t i = 0; i < sizeof changed / sizeof *changed; i++)
            if (span_is(name, changed[i]) && json_get(args, changed[i]).len > 0)
                value = json_get(args, changed[i]);
        if (span_is(name, "at"))
            json_put_int(&out, "at", engine->now_ms);
        else if (span_is(name, "by"))
            json_put_span(&out, "by", event->who);
        else if (span_is(name, "turn"))
            json_put_int(&out, "turn", json_int(value, 0) + 1);
        else if (span_is(name, "why"))
            json_put_raw(&out, "why", json_get(args, "reason"));
        else {
            json_key_span(&out, name);
            json_raw_value(&out, value);
        }
    }
    json_close(&out);
    write_row(engine, event, ROW_ACCOUNT, str_span(&body));
    str_fini(&body);
}

static void ask_change_account(struct engine *engine, const struct event *event)
{
    struct span args = event->json, name = json_get_raw(args, "name");
    struct credential *one = account_named(engine, name);
    enum json_kind on = json_kind(json_get(args, "on"));

    if (one == NULL)
        reply_error(engine, event->number, 2, "not_found",
                    "there is no account %.*s; cordon user list shows them",
                    (int)(name.len < 64 ? name.len : 64), name.ptr);
    else if (json_get(args, "hash").len > 0 && !is_hash(json_get(args, "hash")))
        reply_error(engine, event->number, 2, "hash",
                    "want the Argon2id hash of a password, \"$argon2id$v=19$...\"");
    else if (on != JSON_NONE && on != JSON_TRUE && on != JSON_FALSE)
        reply_error(engine, event->number, 2, "on", "on: want true or false");
    else if ((json_get(args, "roles").len == 0 || has_roles(engine, event)) &&
             has_groups(engine, event))
        change_account(engine, event, one);
}

/* -- tokens -------------------------------------------------------------------------------- */

static bool is_token_id(struct span json)
{
    struct span id = json_raw(json);

    if (id.len != TOKEN_ID_LEN)
        return false;
    for (size_t i = 0; i < id.len; i++)
        if (strchr("0123456789abcdef", id.ptr[i]) == NULL)
            return false;
    return true;
}

static bool has_token_id(struct engine *engine, struct span id)
{
    list_each (link, after, &engine->credentials) {
        const struct credential *one = list_item(link, struct credential, in_engine);

        if (one->is_token && span_equal(json_get_raw(span_of(one->body), "id"), id))
            return true;
    }
    return false;
}

static void add_token(struct engine *engine, const struct event *event, int64_t life_ms)
{
    struct span args = event->json, person = json_get(args, "for");
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    json_open(&out, '{');
    json_put_int(&out, "at", engine->now_ms);
    json_put_span(&out, "by", event->who);
    json_put_int(&out, "expires", engine->now_ms + life_ms);
    json_put_raw(&out, "for", person);
    put_list(&out, "groups", json_get(args, "groups"));
    json_put_raw(&out, "hash", json_get(args, "hash"));
    json_put_int(&out, "i", engine->next_token + 1);
    json_put_raw(&out, "id", json_get(args, "id"));
    json_put_raw(&out, "name", json_get(args, "name"));
    json_put_bool(&out, "on", true);
    put_list(&out, "playbooks", json_get(args, "playbooks"));
    json_put_raw(&out, "roles", json_get(args, "roles"));
    json_put_int(&out, "since", engine->now_ms);
    json_put_raw(&out, "why", json_get(args, "reason"));
    json_close(&out);
    write_row(engine, event, ROW_TOKEN, str_span(&body));
    str_fini(&body);
}

static bool has_role(struct span roles, const char *name)
{
    struct span role;
    size_t pos = 0;

    while (json_next(roles, &pos, NULL, &role))
        if (span_is(json_raw(role), name))
            return true;
    return false;
}

static void ask_add_token(struct engine *engine, const struct event *event)
{
    struct span args = event->json, person = json_get(args, "for");
    bool is_for = person.len > 0 && json_kind(person) != JSON_NULL;
    int64_t life_ms = json_get_int(args, "life_ms", 0);

    if (!is_name(json_get(args, "name")))
        reply_error(engine, event->number, 2, "name",
                    "what is the token's name? Want letters, digits and . _ @ - and at "
                    "most %d of them",
                    ENGINE_ACCOUNT_NAME_MAX);
    else if (is_for && !is_person(person))
        reply_error(engine, event->number, 2, "person",
                    "for: want a person as in the groups of policy.lua");
    else if (!is_hash(json_get(args, "hash")) || !is_token_id(json_get(args, "id")) ||
             has_token_id(engine, json_get_raw(args, "id")))
        reply_error(engine, event->number, 2, "hash",
                    "want a new token's id, %d hexadecimal digits, and its Argon2id hash",
                    TOKEN_ID_LEN);
    else if (life_ms < 1 || life_ms > (int64_t)ENGINE_TOKEN_DAYS_MAX * DAY_MS)
        reply_error(engine, event->number, 2, "expires",
                    "a token lives for %d days at most", ENGINE_TOKEN_DAYS_MAX);
    else if (engine->next_token >= ENGINE_TOKENS_MAX)
        reply_error(engine, event->number, 1, "too_big",
                    "%d tokens have been made, and there may not be more",
                    ENGINE_TOKENS_MAX);
    else if (!is_for && has_role(json_get(args, "roles"), "approver"))
        reply_error(engine, event->number, 2, "person",
                    "a program does not vote: say for whom the token is, or leave approver "
                    "out");
    else if (has_roles(engine, event) && has_groups(engine, event) &&
             has_playbooks(engine, event))
        add_token(engine, event, life_ms);
}

/* "t-3", or a name that one token in force has. NULL: it has been answered. */
static struct credential *token_named(struct engine *engine, const struct event *event)
{
    struct span name = json_get_raw(event->json, "token");
    struct credential *found = NULL;
    int64_t n;
    int count = 0;

    if (span_starts(name, "t-") &&
        span_int((struct span){ name.ptr + 2, name.len - 2 }, &n))
        found = find(engine, true, n);
    if (found != NULL)
        return found;
    list_each (link, after, &engine->credentials) {
        struct credential *one = list_item(link, struct credential, in_engine);

        if (one->is_token && one->is_on && span_is(name, one->name)) {
            found = one;
            count++;
        }
    }
    if (count == 1)
        return found;
    reply_error(engine, event->number, 2, count == 0 ? "not_found" : "which",
                count == 0 ? "no token %.*s is in force; cordon token list shows them"
                           : "several tokens are named %.*s: say which, t-1 or the like",
                (int)(name.len < 64 ? name.len : 64), name.ptr);
    return NULL;
}

static void revoke(struct engine *engine, const struct event *event, struct credential *one)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };
    struct span name, value;
    size_t pos = 0;

    json_open(&out, '{');
    while (json_next(span_of(one->body), &pos, &name, &value)) {
        if (span_is(name, "at"))
            json_put_int(&out, "at", engine->now_ms);
        else if (span_is(name, "by"))
            json_put_span(&out, "by", event->who);
        else if (span_is(name, "on"))
            json_put_bool(&out, "on", false);
        else if (span_is(name, "why"))
            json_put_raw(&out, "why", json_get(event->json, "reason"));
        else {
            json_key_span(&out, name);
            json_raw_value(&out, value);
        }
    }
    json_close(&out);
    write_row(engine, event, ROW_TOKEN, str_span(&body));
    str_fini(&body);
}

static void ask_revoke(struct engine *engine, const struct event *event)
{
    struct credential *one = token_named(engine, event);

    if (one == NULL)
        return;
    if (one->is_on)
        revoke(engine, event, one);
    else
        reply_error(engine, event->number, 1, "revoked", "t-%d is revoked already", one->n);
}

bool ask_access(struct engine *engine, const struct event *event)
{
    static const struct {
        const char *verb;
        void (*ask)(struct engine *engine, const struct event *event);
    } verbs[] = {
        { "user_add", ask_add_account },
        { "user_change", ask_change_account },
        { "token_add", ask_add_token },
        { "token_revoke", ask_revoke },
    };
    bool is_tokens = span_is(event->name, "tokens");

    if (is_tokens || span_is(event->name, "users")) {
        ask_list(engine, event, is_tokens);
        return true;
    }
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (span_is(event->name, verbs[i].verb)) {
            verbs[i].ask(engine, event);
            return true;
        }
    return false;
}
