/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/front.h"
#include "api/route.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/password.h"

struct remembered { /* a token that was good */
    struct hash mac;
    int64_t until_ms, n;
};

struct address { /* one from which wrong credentials came */
    char name[48];
    int64_t since_ms;
    int count;
};

static struct {
    struct remembered good[AUTH_REMEMBERED_MAX];
    struct address bad[AUTH_ADDRESSES_MAX];
    unsigned char key[HASH_LEN];
    bool has_key;
    int next_good, next_bad;
} auth;

void auth_setup(struct span setup)
{
    (void)setup;
    memset(auth.good, 0, sizeof auth.good);
    if (!auth.has_key)
        random_bytes(auth.key, sizeof auth.key);
    auth.has_key = true;
}

void auth_close(void)
{
    memset(&auth, 0, sizeof auth);
}

/* -- who fails too often ------------------------------------------------------------------- */

static struct address *find_address(const char *peer)
{
    for (int i = 0; i < AUTH_ADDRESSES_MAX; i++)
        if (strcmp(auth.bad[i].name, peer) == 0)
            return &auth.bad[i];
    return NULL;
}

static bool fails_too_often(const char *peer)
{
    struct address *address = find_address(peer);

    if (address == NULL || front_now_ms() - address->since_ms > 60000)
        return false;
    return address->count >= AUTH_FAILURES_MAX;
}

static void note_failure(const char *peer)
{
    struct address *address = find_address(peer);

    if (address == NULL) {
        address = &auth.bad[auth.next_bad];
        auth.next_bad = (auth.next_bad + 1) % AUTH_ADDRESSES_MAX;
        memset(address, 0, sizeof *address);
        snprintf(address->name, sizeof address->name, "%s", peer);
    }
    if (front_now_ms() - address->since_ms > 60000) {
        address->since_ms = front_now_ms();
        address->count = 0;
    }
    address->count++;
    if (address->count == AUTH_FAILURES_MAX)
        log_warnx("%d wrong credentials within a minute from %s: not looked at for a while",
                  AUTH_FAILURES_MAX, peer);
}

/* -- tokens -------------------------------------------------------------------------------- */

static struct span token_of(struct span id)
{
    struct span token;
    size_t pos = 0;

    while (json_next(front_setup("tokens"), &pos, NULL, &token))
        if (span_equal(json_get_raw(token, "id"), id))
            return token;
    return (struct span){ 0 };
}

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

static void become(struct caller *caller, struct span token, int64_t n)
{
    struct span groups = json_get(token, "groups"), role;
    char *name = json_get_text(token, "name"), *person = json_get_text(token, "for");
    struct str who = { 0 };
    size_t pos = 0;

    while (json_next(json_get(token, "roles"), &pos, NULL, &role))
        caller->roles |= role_of(json_raw(role));
    if (person != NULL)
        str_add_text(&who, person);
    else
        str_printf(&who, "token:%s", name);
    caller->who = str_take(&who);
    caller->groups = json_kind(groups) == JSON_ARRAY ? span_dup(groups) : NULL;
    str_printf(&who, "%lld", (long long)n);
    caller->token = str_take(&who);
    free(name);
    free(person);
}

static bool take_token(struct request *request, struct span text)
{
    struct span id, token;
    int64_t n;

    if (!token_id(text, &id) || (token = token_of(id)).len == 0)
        return false;
    n = json_get_int(token, "i", 0);
    if (json_get_int(token, "expires", 0) <= front_now_ms() || !is_good(token, n, text))
        return false;
    become(request_caller(request), token, n);
    return true;
}

/* -- a request ----------------------------------------------------------------------------- */

static bool refuse(struct request *request)
{
    respond_header(request, "WWW-Authenticate", "Bearer realm=\"cordon\"");
    respond_problem(request, 401, "unauthenticated",
                    "this wants a credential that is in force: Authorization: Bearer TOKEN "
                    "(cordon token add makes one)");
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

bool auth_identify(struct request *request, void *arg)
{
    const struct route *route = request_route(request);
    const char *header = request_header(request, "Authorization");

    (void)arg;
    if ((route->roles & (ROLE_ANYBODY | ROLE_SOURCE)) != 0)
        return true;
    if (fails_too_often(request_peer(request))) {
        respond_header(request, "Retry-After", "60");
        respond_problem(
            request, 429, "too_many",
            "too many wrong credentials from your address; try again in a minute");
        return false;
    }
    if (header == NULL)
        return refuse(request);
    if (strncasecmp(header, "Bearer ", 7) != 0 ||
        !take_token(request, span_of(header + 7))) {
        note_failure(request_peer(request));
        return refuse(request);
    }
    return has_role(request);
}
