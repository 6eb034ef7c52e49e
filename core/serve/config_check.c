/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/config_check.c - the ask "config_check": what a cordon.lua would come to, were it in force.
 *
 * {"path"} -> {"checks":[{"name","ok","text","fix"}]}: the file itself, each listener's
 * certificate and key, who could sign in and deliver, the secrets of each plugin and of the channels,
 * and that what it names is there. Nothing of it comes into force. Secrets are read and
 * forgotten. Only the user whom the engine runs as, or root, may ask: files are read with our
 * rights.
 */
#include "serve/inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "serve/fronts.h"
#include "serve/notices.h"
#include "serve/paths.h"
#include "serve/secrets.h"

struct trial {
    struct serve *serve;
    int64_t ask;
    char *path;
    struct str source, text;
    struct json_out out;
};

static void add(struct trial *trial, const char *name, bool is_ok, const char *text)
{
    json_open(&trial->out, '{');
    json_put(&trial->out, "fix", NULL); /* the text says what would be right */
    json_put(&trial->out, "name", name);
    json_put_bool(&trial->out, "ok", is_ok);
    json_put(&trial->out, "text", text);
    json_close(&trial->out);
}

static void end(struct trial *trial)
{
    json_close(&trial->out);
    json_close(&trial->out);
    clients_reply(trial->serve, trial->ask, 0, str_span(&trial->text));
    str_fini(&trial->source);
    str_fini(&trial->text);
    free(trial->path);
    free(trial);
}

static void check_front(struct trial *trial, const char *name)
{
    struct span part = json_get(json_get(str_span(&trial->serve->config), "serve"), name);
    struct str what = { 0 };
    struct err err;

    if (part.len == 0)
        return;
    str_printf(&what, "serve.%s", name);
    bool is_ok = fronts_check_one(trial->serve, name, &err) == 0;
    char *listen = json_get_text(part, "listen");
    add(trial, str_text(&what), is_ok, is_ok ? listen : err.text);
    free(listen);
    str_fini(&what);
}

static void check_secrets(struct trial *trial, const char *what, struct span names)
{
    struct secrets secrets = { .count = 0 };
    struct str text = { 0 };
    struct err err;

    if (json_count(names) == 0)
        return;
    bool is_ok = secrets_read(&secrets, trial->serve, names, &err) == 0;
    str_printf(&text, "%d secret%s can be read", secrets.count,
               secrets.count == 1 ? "" : "s");
    add(trial, what, is_ok, is_ok ? str_text(&text) : err.text);
    secrets_fini(&secrets);
    str_fini(&text);
}

static void check_reach(struct trial *trial, const char *what, struct span plugin)
{
    struct str paths = { 0 }, text = { 0 };
    struct err err;
    size_t count = json_count(json_get(plugin, "paths"));
    bool is_ok = paths_resolve(&paths, trial->serve, plugin, &err) == 0;

    if (is_ok && count == 0)
        return;
    str_printf(&text, "%zu path%s can be given to it", count, count == 1 ? "" : "s");
    add(trial, what, is_ok, is_ok ? str_text(&text) : err.text);
    str_fini(&paths);
    str_fini(&text);
}

static void check_plugins(struct trial *trial)
{
    struct span plugins = json_get(str_span(&trial->serve->config), "plugins"), name, one;
    struct str notify = { 0 };
    size_t pos = 0;

    while (json_next(plugins, &pos, &name, &one)) {
        struct str what = { 0 };

        str_printf(&what, "plugins.%.*s", (int)name.len, name.ptr);
        check_reach(trial, str_text(&what), one);
        check_secrets(trial, str_text(&what), json_get(one, "secrets"));
        str_fini(&what);
    }
    notices_plugin(trial->serve, &notify);
    if (notify.len > 0)
        check_secrets(trial, "notify", json_get(str_span(&notify), "secrets"));
    str_fini(&notify);
}

static void check_path(struct trial *trial, const char *what, struct span path)
{
    char *full = config_resolve(trial->serve, path);
    struct str text = { 0 };
    bool is_ok = access(full, R_OK) == 0;

    str_printf(&text, "%s%s%s", full, is_ok ? "" : ": ", is_ok ? "" : strerror(errno));
    add(trial, what, is_ok, str_text(&text));
    str_fini(&text);
    free(full);
}

static void check_paths(struct trial *trial)
{
    static const char *const one[] = { "policy", "record", "routes" };
    struct span config = str_span(&trial->serve->config), path;
    size_t pos = 0;

    for (int i = 0; i < 3; i++)
        if (json_get(config, one[i]).len > 0)
            check_path(trial, one[i], json_get(config, one[i]));
    while (json_next(json_get(config, "playbooks"), &pos, NULL, &path))
        check_path(trial, "playbooks", path);
}

/* As if it were in force, for as long as we look. */
static void check_rest(struct trial *trial, struct span json)
{
    struct serve *serve = trial->serve;
    struct str config = serve->config;
    char *path = serve->config_path;

    serve->config = (struct str){ 0 };
    str_add_span(&serve->config, json);
    serve->config_path = trial->path;
    check_front(trial, "console");
    check_front(trial, "ingress");
    check_plugins(trial);
    check_paths(trial);
    str_fini(&serve->config);
    serve->config = config;
    serve->config_path = path;
}

static void on_read(void *arg, bool ok, struct span json)
{
    struct trial *trial = arg;
    struct arena arena = { 0 };
    struct err err;

    if (!ok) {
        char *why = span_dup(vms_error(&arena, span_of(trial->path), json));

        add(trial, "file", false, why);
        free(why);
    } else if (config_check(json, trial->path, str_span(&trial->source), &err) != 0) {
        add(trial, "file", false, err.text);
    } else {
        add(trial, "file", true, trial->path);
        check_rest(trial, json);
    }
    arena_fini(&arena);
    end(trial);
}

bool config_ask(struct serve *serve, const struct asked *asked)
{
    struct err err;

    if (!span_is(asked->verb, "config_check"))
        return false;
    if (!asked->is_owner) {
        clients_error(
            serve, asked->number, 4, "not_the_owner",
            "a configuration is looked at by the user whom the engine runs as, or "
            "root");
        return true;
    }
    struct trial *trial = xcalloc(1, sizeof *trial);
    trial->serve = serve;
    trial->ask = asked->number;
    trial->path = json_get_text(asked->args, "path");
    if (trial->path == NULL)
        trial->path = xstrdup("");
    trial->out.str = &trial->text;
    json_open(&trial->out, '{');
    json_key(&trial->out, "checks");
    json_open(&trial->out, '[');
    if (serve_read_file(&trial->source, trial->path, SERVE_FILE_MAX, &err) != 0) {
        add(trial, "file", false, err.text);
        end(trial);
    } else {
        vms_data(serve, trial->path, str_span(&trial->source), on_read, trial);
    }
    return true;
}
