/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/config.c - cordon.lua: what this installation is like.
 *
 *     return {
 *       policy  = "policy.lua",
 *       plugins = { azure = { config = {...}, hosts = {...}, programs = {...},
 *                             paths = { "tokens", "cache:rw" }, -- all it reaches on disk
 *                             secrets = { "client-secret" },
 *                             settle = "1s" } }, -- looks again after so long at the most
 *       secrets = "secrets",   -- a directory
 *       record  = "recorded",  -- a directory: every exchange becomes a file there
 *       playbooks = { "playbooks" }, -- files and folders: what alerts may start
 *       routes  = "routes.lua",
 *       serve   = { console = { listen = "127.0.0.1:8443", cert = "cert.pem", key = "key.pem",
 *                               origin = "https://cordon.example:8443" },
 *                   ingress = { listen = ..., cert = ..., key = ..., client_ca = ... } },
 *       sign_in = { ... },     -- how people sign in: see sign_ins.h
 *       pull    = { cloud = { kind = "graph-alerts", every = "1m" } }, -- serve/pull.c
 *       holds  = { check_every = "15m", unobserved_after = 3 }, -- serve/watch.c
 *       notify = { ... },      -- who is told of what: see notices.h
 *       log    = "json",       -- or "text"
 *     }
 *
 *
 * Paths are meant from where the file is. It is read when the engine starts, and on SIGHUP
 * (serve/reload.c).
 */
#include "serve/inside.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/schema.h"
#include "serve/sources.h"
#include "serve/pull.h"
#include "serve/notices.h"
#include "serve/sign_ins.h"
#include "vm/place.h"

#define FRONT(MORE)                                                    \
    "{\"type\":\"object\",\"additionalProperties\":false,"             \
    "\"required\":[\"listen\",\"cert\",\"key\"],\"properties\":{"      \
    "\"listen\":{\"type\":\"string\"},\"cert\":{\"type\":\"string\"}," \
    "\"key\":{\"type\":\"string\"}," MORE "}}"
static const char schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"policy\":{\"type\":\"string\"},\"plugins\":{\"type\":\"object\"},"
    "\"log\":{\"enum\":[\"text\",\"json\"]},"
    "\"secrets\":{\"type\":\"string\"},\"record\":{\"type\":\"string\"},"
    "\"sign_in\":{\"type\":\"object\"},\"pull\":{\"type\":\"object\"},"
    "\"notify\":{\"type\":\"object\"},"
    "\"playbooks\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
    "\"routes\":{\"type\":\"string\"},\"sources\":{\"type\":\"object\"},"
    "\"holds\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"check_every\":{\"type\":\"string\",\"format\":\"period\"},"
    "\"unobserved_after\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100}}},"
    "\"serve\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"console\":" FRONT("\"origin\":{\"type\":\"string\"}") ","
                                                             "\"ingress\":" FRONT(
                                                                 "\"client_ca\":{\"type\":"
                                                                 "\"string\"}") "}}}}";

#define STRINGS "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"
static const char plugin_schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"config\":{\"type\":\"object\"},\"hosts\":" STRINGS ",\"programs\":" STRINGS
    ",\"paths\":" STRINGS ",\"secrets\":" STRINGS
    ",\"settle\":{\"type\":\"string\",\"format\":\"period\"}}}";

struct reading {
    struct serve *serve;
    config_done_fn *done;
    struct str source;
};

static int look(struct span json, struct err *err)
{
    struct span key, value;
    size_t pos = 0;

    if (schema_match(span_of(schema), json, err) != 0)
        return err->code;
    if (pull_validate(json, err) != 0)
        return err->code;
    if (sign_ins_check(json_get(json, "sign_in"), err) != 0)
        return err->code;
    if (sources_check(json_get(json, "sources"), err) != 0)
        return err->code;
    if (watch_validate(json, err) != 0)
        return err->code;
    if (notices_check(json_get(json, "notify"), err) != 0)
        return err->code;
    if (json_get(json, "notify").len > 0 && json_path(json, "plugins.notify").len > 0)
        return err_set(err, ERR_INVALID,
                       "plugins.notify: what that plugin needs it gets from notify; take "
                       "this away");
    while (json_next(json_get(json, "plugins"), &pos, &key, &value))
        if (schema_match(span_of(plugin_schema), value, err) != 0)
            return err_wrap(err, "plugins.%.*s", (int)key.len, key.ptr);
    return 0;
}

int config_check(struct span json, const char *path, struct span source, struct err *err)
{
    return look(json, err) != 0 ? place_wrap(err, path, source) : 0;
}

void config_log(struct serve *serve)
{
    bool is_json = span_is(json_get_raw(str_span(&serve->config), "log"), "json");

    log_format_set(is_json);
}

static void on_read(void *arg, bool ok, struct span json)
{
    struct reading *reading = arg;
    struct serve *serve = reading->serve;
    config_done_fn *done = reading->done;
    struct err err = { 0 };
    struct arena arena = { 0 };

    if (!ok) {
        struct span why = vms_error(&arena, span_of(serve->config_path), json);
        err_set(&err, ERR_INVALID, "%.*s", (int)why.len, why.ptr);
    } else if (config_check(json, serve->config_path, str_span(&reading->source), &err) ==
               0) {
        str_reset(&serve->config);
        str_add_span(&serve->config, json);
        notices_plugin(serve, &serve->notify_plugin);
        config_log(serve);
    }
    arena_fini(&arena);
    str_fini(&reading->source);
    free(reading);
    done(serve, err.code != 0 ? &err : NULL);
}

void config_read(struct serve *serve, config_done_fn *done)
{
    const char *path = serve->options->config;
    struct str source = { 0 };
    struct err err;

    if (path == NULL)
        path = getenv("CORDON_CONFIG");
    bool is_named = path != NULL && path[0] != '\0';
    serve->config_path = is_named ? xstrdup(path) : serve_path(serve, "cordon.lua");
    str_add_text(&serve->config, "{}");
    int rc = serve_read_file(&source, serve->config_path, SERVE_FILE_MAX, &err);
    if (rc == ERR_NOT_FOUND && !is_named) {
        done(serve, NULL);
    } else if (rc != 0) {
        done(serve, &err);
    } else {
        struct reading *reading = xcalloc(1, sizeof *reading);

        reading->serve = serve;
        reading->done = done;
        str_add_span(&reading->source, str_span(&source));
        vms_data(serve, serve->config_path, str_span(&source), on_read, reading);
    }
    str_fini(&source);
}

struct span config_plugin(struct serve *serve, const char *name)
{
    if (strcmp(name, "notify") == 0 && serve->notify_plugin.len > 0)
        return str_span(&serve->notify_plugin);
    return json_get(json_get(str_span(&serve->config), "plugins"), name);
}

int64_t config_settle_ms(struct serve *serve, const char *name)
{
    char *text = json_get_text(config_plugin(serve, name), "settle");
    int64_t ms = 0;

    if (text == NULL || !duration_parse(span_of(text), &ms) || ms < 1)
        ms = text == NULL ? 0 : 1;
    free(text);
    return ms;
}

char *config_resolve(struct serve *serve, struct span path)
{
    char *text = json_text(path);
    const char *slash = strrchr(serve->config_path, '/');
    struct str full = { 0 };

    if (text == NULL || text[0] == '/' || slash == NULL)
        return text;
    str_printf(&full, "%.*s/%s", (int)(slash - serve->config_path), serve->config_path,
               text);
    free(text);
    return str_take(&full);
}

int config_put_ca(struct serve *serve, struct json_out *out, struct span path,
                  struct err *err)
{
    char *full = config_resolve(serve, path);
    struct str text = { 0 };
    int rc = serve_read_file(&text, full, SERVE_CA_MAX, err);

    if (rc == 0 && strstr(str_text(&text), "-----BEGIN CERTIFICATE-----") == NULL)
        rc = err_set(err, ERR_INVALID, "ca: %s has no certificate; want PEM", full);
    if (rc == 0)
        json_put_span(out, "ca", str_span(&text));
    str_fini(&text);
    free(full);
    return rc;
}
