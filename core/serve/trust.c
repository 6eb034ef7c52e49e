/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/trust.c - a plugin is trusted: it is started once in a process of its own, says
 * what it is, and is written to plugins.lock with the hash of the bytes that were started.
 */
#include "serve/inside.h"

#include <stdlib.h>
#include <string.h>

struct looking {
    struct serve *serve;
    int64_t ask;
    char *path, *who;
};

static void reply(struct looking *looking, struct span sha256, struct span declaration)
{
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    json_open(&out, '{');
    json_put_int(&out, "actions", (int64_t)json_count(json_get(declaration, "actions")));
    json_put_raw(&out, "name", json_get(declaration, "name"));
    json_put(&out, "path", looking->path);
    json_put_span(&out, "sha256", sha256);
    json_put_raw(&out, "version", json_get(declaration, "version"));
    json_close(&out);
    clients_reply(looking->serve, looking->ask, 0, str_span(&text));
    str_fini(&text);
}

static void on_seen(void *arg, bool ok, struct span sha256, struct span json)
{
    struct looking *looking = arg;
    char *name = ok ? json_get_text(json, "name") : NULL;
    struct err err;

    if (!ok)
        clients_error(looking->serve, looking->ask, 1, "plugin", "%s cannot be used: %.*s",
                      looking->path, (int)json.len, json.ptr);
    else if (name == NULL)
        clients_error(looking->serve, looking->ask, 1, "plugin", "%s says no name",
                      looking->path);
    else if (locks_put(looking->serve, name, looking->path, sha256, json, looking->who,
                       &err) != 0)
        clients_error(looking->serve, looking->ask, 1, err_word(err.code), "%s", err.text);
    else
        reply(looking, sha256, json);
    free(name);
    free(looking->path);
    free(looking->who);
    free(looking);
}

static void trust(struct serve *serve, const struct asked *asked)
{
    char *path = json_get_text(asked->args, "path");

    if (path == NULL || path[0] != '/') {
        clients_error(serve, asked->number, 2, "path",
                      "want the absolute path of a plugin");
        free(path);
        return;
    }
    struct looking *looking = xcalloc(1, sizeof *looking);
    looking->serve = serve;
    looking->ask = asked->number;
    looking->path = path;
    looking->who = span_dup(asked->who);
    hosts_look(serve, path, on_seen, looking);
}

static void untrust(struct serve *serve, const struct asked *asked)
{
    char *name = json_get_text(asked->args, "name");
    struct err err;

    if (name == NULL || locks_find(serve, span_of(name)) == NULL)
        clients_error(serve, asked->number, 2, "not_found", "no plugin %s is trusted",
                      name != NULL ? name : "");
    else if (locks_remove(serve, name, &err) != 0)
        clients_error(serve, asked->number, 1, err_word(err.code), "%s", err.text);
    else
        clients_reply(serve, asked->number, 0, span_of("{\"ok\":true}"));
    free(name);
}

bool trust_ask(struct serve *serve, const struct asked *asked)
{
    bool is_trust = span_is(asked->verb, "trust");

    if (!is_trust && !span_is(asked->verb, "untrust"))
        return false;
    if (!asked->is_owner)
        clients_error(serve, asked->number, 4, "not_the_owner",
                      "%.*s may not say which plugins are trusted: a plugin runs as the "
                      "engine's user, so that user does, or root",
                      (int)asked->who.len, asked->who.ptr);
    else if (is_trust)
        trust(serve, asked);
    else
        untrust(serve, asked);
    return true;
}
