/* SPDX-License-Identifier: Apache-2.0 */
#include "api/issuer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/front.h"
#include "api/hooks.h"
#include "api/http.h"
#include "api/jwt.h"
#include "api/key_age.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "net/http.h"

enum { FETCH_MS = 15 * 1000, APPS_MAX = 32 };

struct waiting { /* a request whose key is being fetched */
    struct list in_issuer;
    struct issuer *issuer;
    struct request *request;
    char *token;
    issuer_fn *done;
};

struct issuer {
    char *name, *audience, *tenant, *url;
    const char *apps[APPS_MAX + 1]; /* borrowed from app_texts */
    char *app_texts[APPS_MAX];
    struct jwt_keys keys;
    struct http *http;
    struct http_call *call;
    struct key_age age;
    struct list waiting;
    int waiting_count;
};

/* -- opening -------------------------------------------------------------------------------- */

static void take_apps(struct issuer *issuer, struct span apps)
{
    struct span app;
    size_t pos = 0;
    int count = 0;

    while (count < APPS_MAX && json_next(apps, &pos, NULL, &app)) {
        issuer->app_texts[count] = json_text(app);
        issuer->apps[count] = issuer->app_texts[count];
        count++;
    }
}

/* Only the host of its address is talked to. */
static void open_http(struct issuer *issuer, struct loop *loop, struct span jwt)
{
    char *ca = json_get_text(jwt, "ca"), host[256];
    struct http_url url;
    struct err err = { 0 };
    const char *allow[] = { host, NULL };

    if (http_url_parse(&url, issuer->url, &err) != 0) {
        issuer->http = NULL;
    } else if (url.host.len >= sizeof host) {
        err_set(&err, ERR_TOO_BIG, "its host's name has %zu bytes, of %zu at most",
                url.host.len, sizeof host - 1);
    } else {
        snprintf(host, sizeof host, "%.*s", (int)url.host.len, url.host.ptr);
        if (http_open(&issuer->http, loop,
                      &(struct http_options){ .allow = allow, .ca_pem = ca }, &err) != 0)
            issuer->http = NULL;
    }
    if (issuer->http == NULL)
        log_warnx("the keys of %s cannot be fetched: %s", issuer->name, err.text);
    free(ca);
}

struct issuer *issuer_open(struct loop *loop, struct span jwt)
{
    struct issuer *issuer = xcalloc(1, sizeof *issuer);
    char *keys = json_get_text(jwt, "keys");
    struct err err;

    list_init(&issuer->waiting);
    issuer->name = json_get_text(jwt, "issuer");
    issuer->audience = json_get_text(jwt, "audience");
    issuer->tenant = json_get_text(jwt, "tenant");
    issuer->url = json_get_text(jwt, "jwks");
    take_apps(issuer, json_get(jwt, "apps"));
    if (keys != NULL && jwt_keys_read(&issuer->keys, span_of(keys), &err) != 0)
        log_warnx("the keys of %s: %s", issuer->name, err.text);
    if (issuer->url != NULL)
        open_http(issuer, loop, jwt);
    free(keys);
    return issuer;
}

static void free_waiting(struct waiting *waiting)
{
    list_remove(&waiting->in_issuer);
    waiting->issuer->waiting_count--;
    free(waiting->token);
    free(waiting);
}

void issuer_close(struct issuer *issuer)
{
    if (issuer == NULL)
        return;
    /* A new setup answers with what it knows by then. */
    while (!list_is_empty(&issuer->waiting)) {
        struct waiting *waiting =
            list_item(list_take(&issuer->waiting), struct waiting, in_issuer);
        struct request *request = waiting->request;
        issuer_fn *done = waiting->done;

        request_keep(request, NULL, NULL);
        free_waiting(waiting);
        done(request, false, "the configuration changed while its key was being fetched");
    }
    if (issuer->call != NULL)
        http_cancel(issuer->call);
    http_close(issuer->http);
    jwt_keys_fini(&issuer->keys);
    for (int i = 0; i < APPS_MAX; i++)
        free(issuer->app_texts[i]);
    free(issuer->name);
    free(issuer->audience);
    free(issuer->tenant);
    free(issuer->url);
    free(issuer);
}

/* -- checking -------------------------------------------------------------------------------- */

static int verify(struct issuer *issuer, const char *token, struct err *err)
{
    const char *audiences[] = { issuer->audience, NULL };
    const struct jwt_rules rules = { .algs = JWT_RS256 | JWT_ES256 | JWT_PS256,
                                     .issuer = issuer->name,
                                     .audiences = audiences,
                                     .tenant = issuer->tenant,
                                     .apps = issuer->apps[0] != NULL ? issuer->apps : NULL,
                                     .now_ms = front_now_ms() };
    struct jwt jwt = { 0 };
    int rc = jwt_verify(&jwt, span_of(token), &rules, &issuer->keys, err);

    if (rc == 0)
        jwt_fini(&jwt);
    return rc;
}

static void answer_waiting(struct issuer *issuer)
{
    while (!list_is_empty(&issuer->waiting)) {
        struct waiting *waiting =
            list_item(list_take(&issuer->waiting), struct waiting, in_issuer);
        struct request *request = waiting->request;
        issuer_fn *done = waiting->done;
        struct err err;
        bool is_right = verify(issuer, waiting->token, &err) == 0;

        request_keep(request, NULL, NULL);
        free_waiting(waiting);
        done(request, is_right, is_right ? "" : err.text);
    }
}

static void on_keys(void *arg, const struct http_reply *reply)
{
    struct issuer *issuer = arg;
    struct jwt_keys keys;
    struct err err;
    bool is_fetched = false;

    issuer->call = NULL;
    if (reply->status != 200) {
        log_warnx("the keys of %s were not to be had: %s (status %d)", issuer->name,
                  reply->error != NULL ? reply->error : "", reply->status);
    } else if (jwt_keys_read(&keys, (struct span){ reply->body, reply->body_len }, &err) !=
               0) {
        log_warnx("the keys of %s: %s", issuer->name, err.text);
    } else {
        jwt_keys_fini(&issuer->keys);
        issuer->keys = keys;
        is_fetched = true;
    }
    key_age_end(&issuer->age, front_now_ms(), is_fetched);
    if (!is_fetched && issuer->keys.count > 0)
        log_warnx("those of %s that were fetched before stay in force", issuer->name);
    answer_waiting(issuer);
}

static bool fetch(struct issuer *issuer)
{
    struct err err;

    if (issuer->call != NULL)
        return true;
    if (issuer->http == NULL || !key_age_may_fetch(&issuer->age, front_now_ms()))
        return false;
    key_age_try(&issuer->age, front_now_ms());
    if (http_start(&issuer->call, issuer->http,
                   &(struct http_request){
                       .method = "GET", .url = issuer->url, .timeout_ms = FETCH_MS },
                   on_keys, issuer, &err) == 0)
        return true;
    issuer->call = NULL;
    key_age_end(&issuer->age, front_now_ms(), false);
    log_warnx("the keys of %s: %s", issuer->name, err.text);
    return false;
}

static void on_dropped(void *state)
{
    free_waiting(state);
}

void issuer_check(struct issuer *issuer, struct request *request, const char *token,
                  issuer_fn *done)
{
    struct err err;
    int rc = verify(issuer, token, &err);
    bool is_old = rc == 0 && key_age_is_stale(&issuer->age, front_now_ms());

    if ((rc == ERR_NOT_FOUND || is_old) && issuer->waiting_count < HOOKS_KEYS_WAITING_MAX &&
        fetch(issuer)) {
        struct waiting *waiting = xcalloc(1, sizeof *waiting);

        waiting->issuer = issuer;
        waiting->request = request;
        waiting->token = xstrdup(token);
        waiting->done = done;
        list_add(&issuer->waiting, &waiting->in_issuer);
        issuer->waiting_count++;
        request_keep(request, waiting, on_dropped);
        return;
    }
    done(request, rc == 0, rc == 0 ? "" : err.text);
}
