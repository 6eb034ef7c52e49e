/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/reload.c - cordon.lua read again, on SIGHUP.
 *
 *     file ─► read in a process of its own ─► valid? ─► can the fronts be set up? ─► in force
 *                          └─ not so: what was in force stays, and the log has the place
 *
 * What comes into force: sources with their keys, sign_in, playbooks, routes, log, and the
 * certificates and origin of serve. The rest stands at the bottom of what goes on (plugins and
 * their secrets, channels, pulls, where things are): when that has changed it is said, and
 * waits for the next start. Runs, connections and what was acknowledged are not touched;
 * feeds end, and their readers go on where they were.
 */
#include "serve/reload.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "serve/alerts.h"
#include "serve/fronts.h"
#include "serve/inside.h"
#include "serve/supervisor.h"
#include "vm/place.h"

static const char *const waiting[] = { "notify", "plugins", "policy",
                                       "pull",   "record",  "secrets" };
enum { WAITING = sizeof waiting / sizeof *waiting };

struct old { /* spans of it may still be held */
    struct list in_serve;
    struct str text;
};

static bool waits(struct span key)
{
    for (int i = 0; i < WAITING; i++)
        if (span_is(key, waiting[i]))
            return true;
    return false;
}

/* A listener, its address and its client_ca are there from the start on. */
static int check_listeners(struct span before, struct span now, struct err *err)
{
    static const char *const parts[] = { "console", "ingress" };
    static const char *const fixed[] = { "listen", "client_ca" };

    for (int i = 0; i < 2; i++) {
        struct span was = json_get(json_get(before, "serve"), parts[i]);
        struct span is = json_get(json_get(now, "serve"), parts[i]);

        if ((was.len > 0) != (is.len > 0))
            return err_set(err, ERR_INVALID,
                           "serve.%s: a listener comes and goes at a start only; restart, "
                           "or leave it as it was",
                           parts[i]);
        for (int j = 0; j < 2; j++)
            if (!json_same(json_get(was, fixed[j]), json_get(is, fixed[j])))
                return err_set(err, ERR_INVALID,
                               "serve.%s.%s: it changes at a start only; restart, or leave "
                               "it as it was",
                               parts[i], fixed[j]);
    }
    return 0;
}

/* The new configuration, with what waits for a start as it was. */
static void merge(struct str *text, struct span before, struct span now)
{
    struct json_out out = { .str = text };
    struct span key, value;
    size_t pos = 0;

    json_open(&out, '{');
    while (json_next(now, &pos, &key, &value))
        if (!waits(key)) {
            json_key_span(&out, key);
            json_raw_value(&out, value);
        }
    for (int i = 0; i < WAITING; i++) {
        struct span was = json_get(before, waiting[i]);

        if (was.len > 0)
            json_put_raw(&out, waiting[i], was);
        if (!json_same(was, json_get(now, waiting[i])))
            log_warnx("%s has changed: that takes effect at the next start", waiting[i]);
    }
    json_close(&out);
}

static bool reaches(struct serve *serve, struct err *err)
{
    return !serve->policy_ok ||
           rules_check_reach(serve, str_span(&serve->policy_json), err) == 0;
}

/* A rule of the policy in force may name a source that is to go. */
static int check_policy(struct serve *serve, bool was_right, struct err *err)
{
    if (!was_right || reaches(serve, err))
        return 0;
    return err_wrap(err, "the policy %s names what would be no more", serve->policy_path);
}

/* Takes text when the fronts can be set up with it; else all is as it was. */
static int put_in_force(struct serve *serve, struct str *text, struct err *err)
{
    struct str before = serve->config;
    struct err ignored;
    bool was_right = reaches(serve, &ignored);

    serve->config = *text;
    if (fronts_check(serve, err) != 0 || check_policy(serve, was_right, err) != 0) {
        serve->config = before;
        return err->code;
    }
    if (span_equal(str_span(&before),
                   str_span(text))) { /* only files that it names differ */
        serve->config = before;
        return 0;
    }
    struct old *old = xcalloc(1, sizeof *old);
    old->text = before;
    list_add(&serve->old_configs, &old->in_serve);
    *text = (struct str){ 0 };
    return 0;
}

static void end(struct serve *serve, const struct err *wrong)
{
    bool is_again = serve->reload_again;

    str_fini(&serve->config_source);

    serve->is_reloading = serve->reload_again = false;
    serve->reload_failed = wrong != NULL;
    if (wrong != NULL) {
        log_warnx("%s; what was in force before stays", wrong->text);
    } else {
        serve->reloaded_ms = clock_unix_ms();
        log_info("%s is in force", serve->config_path);
    }
    supervisor_ready(serve->supervisor,
                     wrong != NULL ? "serving; cordon.lua has a mistake" : "serving");
    if (is_again)
        reload_begin(serve);
}

static void on_read(void *arg, bool ok, struct span json)
{
    struct serve *serve = arg;
    struct arena arena = { 0 };
    struct str text = { 0 };
    struct err err = { 0 };

    if (!ok) {
        struct span why = vms_error(&arena, span_of(serve->config_path), json);
        err_set(&err, ERR_INVALID, "%.*s", (int)why.len, why.ptr);
    } else if (config_check(json, serve->config_path, str_span(&serve->config_source),
                            &err) != 0) {
        /* it says where */
    } else if (check_listeners(str_span(&serve->config), json, &err) != 0) {
        place_wrap(&err, serve->config_path, str_span(&serve->config_source));
    } else {
        merge(&text, str_span(&serve->config), json);
        if (put_in_force(serve, &text, &err) != 0) {
            err_wrap(&err, "%s", serve->config_path);
        } else {
            config_log(serve);
            fronts_refresh(serve);
            catalogue_reread(serve);
        }
    }
    str_fini(&text);
    arena_fini(&arena);
    end(serve, err.code != 0 ? &err : NULL);
}

void reload_begin(struct serve *serve)
{
    struct err err;

    if (!serve->is_ready || serve->is_stopping || serve->is_ending)
        return;
    serve->reload_again = serve->is_reloading;
    if (serve->is_reloading)
        return;
    serve->is_reloading = true;
    supervisor_reloading(serve->supervisor);
    if (serve_read_file(&serve->config_source, serve->config_path, SERVE_FILE_MAX, &err) !=
        0)
        end(serve, &err);
    else
        vms_data(serve, serve->config_path, str_span(&serve->config_source), on_read,
                 serve);
}

static void on_signal(void *arg)
{
    reload_begin(arg);
}

void reload_open(struct serve *serve)
{
    loop_on_signal(serve->loop, SIGHUP, on_signal, serve);
}

void reload_close(struct serve *serve)
{
    str_fini(&serve->config_source);
    while (!list_is_empty(&serve->old_configs)) {
        struct old *old = list_item(list_take(&serve->old_configs), struct old, in_serve);

        str_fini(&old->text);
        free(old);
    }
}
