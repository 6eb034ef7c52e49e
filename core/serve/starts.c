/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/starts.c - run, plan and check: a source comes in, and becomes a playbook.
 *
 * A version that the engine does not know is loaded in a VM first. Only what loads is
 * journaled, so a playbook with a mistake is refused with its line and leaves no trace.
 */
#include "serve/inside.h"

#include <stdlib.h>
#include <string.h>

#include "alert/alert.h"
#include "base/clock.h"
#include "serve/adapters.h"
#include "serve/alerts.h"
#include "vm/place.h"

struct start {
    struct list in_loading; /* serve->loading: waits until its source has been loaded */
    struct serve *serve;
    int64_t ask;
    char *verb, *args, *who, *name, *source;
    char *path; /* of the file that the source comes from, as the command says; NULL */
    struct str alert; /* normalised; empty: none */
    char hash[HASH_HEX_LEN + 1];
    bool is_check, is_policy;
};

static void free_start(struct start *start)
{
    list_remove(&start->in_loading);
    free(start->verb);
    free(start->args);
    free(start->who);
    free(start->name);
    free(start->source);
    free(start->path);
    str_fini(&start->alert);
    free(start);
}

/* The arguments without the source, and with its hash. */
static void put_args(struct json_out *out, const struct start *start)
{
    struct span key, value;
    size_t pos = 0;

    json_open(out, '{');
    json_put(out, "hash", start->hash);
    json_put(out, "name", start->name);
    if (start->alert.len > 0)
        json_put_raw(out, "alert", str_span(&start->alert));
    while (json_next(span_of(start->args), &pos, &key, &value)) {
        if (span_is(key, "playbook") || span_is(key, "hash") || span_is(key, "name") ||
            span_is(key, "alert") || span_is(key, "alert_text"))
            continue;
        json_key_span(out, key);
        json_raw_value(out, value);
    }
    json_close(out);
}

static void go_on(struct start *start)
{
    struct str args = { 0 };
    struct json_out out = { .str = &args };

    put_args(&out, start);
    clients_to_engine(start->serve, &(struct asked){ .number = start->ask,
                                                     .verb = span_of(start->verb),
                                                     .args = str_span(&args),
                                                     .who = span_of(start->who) });
    str_fini(&args);
    free_start(start);
}

static void refuse(struct start *start, struct span error)
{
    struct arena arena = { 0 };
    struct span text = vms_error(&arena, span_of(start->name), error);

    clients_error(start->serve, start->ask, 2, "playbook", "%.*s", (int)text.len, text.ptr);
    arena_fini(&arena);
}

static void on_checked(void *arg, bool ok, struct span json)
{
    struct start *start = arg;
    struct str text = { 0 };
    struct json_out out = { .str = &text };
    struct span finding;
    size_t pos = 0;
    bool has_error = false;

    if (!ok) {
        refuse(start, json);
        free_start(start);
        return;
    }
    while (json_next(json, &pos, NULL, &finding))
        has_error = has_error || span_is(json_get_raw(finding, "level"), "error");
    json_open(&out, '{');
    json_put_raw(&out, "findings", json);
    json_close(&out);
    clients_reply(start->serve, start->ask, has_error ? 1 : 0, str_span(&text));
    str_fini(&text);
    free_start(start);
}

static void put_finding(struct json_out *out, int64_t line, int64_t column,
                        const char *message)
{
    json_open(out, '{');
    json_put_int(out, "column", column);
    json_put(out, "level", "error");
    json_put_int(out, "line", line);
    json_put(out, "message", message);
    json_close(out);
}

/* A policy is evaluated as the engine would, and looked at just as strictly. */
static void on_policy(void *arg, bool ok, struct span json)
{
    struct start *start = arg;
    char *message = ok ? NULL : json_get_text(json, "message");
    struct str text = { 0 };
    struct json_out out = { .str = &text };
    struct err err = { 0 };
    bool is_good = ok && rules_validate(json, &err) == 0 &&
                   rules_check_reach(start->serve, json, &err) == 0 &&
                   rules_check_people(json, &err) == 0;
    struct place place = place_of_error(span_of(start->source), err.text);

    json_open(&out, '{');
    json_key(&out, "findings");
    json_open(&out, '[');
    if (!ok)
        put_finding(&out, json_get_int(json, "line", 0), json_get_int(json, "column", 0),
                    message != NULL ? message : "it cannot be read");
    else if (!is_good)
        put_finding(&out, place.line, place.column, err.text);
    json_close(&out);
    json_put(&out, "kind", "policy");
    json_close(&out);
    clients_reply(start->serve, start->ask, is_good ? 0 : 1, str_span(&text));
    str_fini(&text);
    free(message);
    free_start(start);
}

static void set_path(struct known *known, const char *path)
{
    free(known->path);
    known->path = xstrdup(path);
}

static void know_version(struct serve *serve, struct span hash, struct span name,
                         const char *source, const char *path, const char *bringer,
                         struct span info)
{
    char *author = author_of(path, span_of(source), bringer);

    serve_know(serve, hash, name, span_of(source));
    pump_event(serve, &(struct event){ .kind = EV_PLAYBOOK,
                                       .name = hash,
                                       .json = info,
                                       .who = span_of(author),
                                       .path = span_of(path),
                                       .text = span_of(source) });
    free(author);
}

void starts_know(struct serve *serve, struct span hash, struct span name,
                 const char *source, const char *path, const char *bringer,
                 struct span info)
{
    if (serve_known(serve, hash) == NULL)
        know_version(serve, hash, name, source, path, bringer, info);
    if (path != NULL)
        set_path(serve_known(serve, hash), path);
}

static void know(struct start *start, struct span info)
{
    starts_know(start->serve, span_of(start->hash), span_of(start->name), start->source,
                start->path, start->who, info);
}

static void on_loaded_for(struct start *start, bool ok, struct span json)
{
    if (ok) {
        know(start, json);
        go_on(start);
    } else {
        refuse(start, json);
        free_start(start);
    }
}

static struct start *find_loading(struct serve *serve, const char *hash)
{
    list_each (link, after, &serve->loading) {
        struct start *start = list_item(link, struct start, in_loading);

        if (strcmp(start->hash, hash) == 0)
            return start;
    }
    return NULL;
}

static void on_loaded(void *arg, bool ok, struct span json)
{
    struct start *first = arg, *start;
    struct serve *serve = first->serve;
    char hash[HASH_HEX_LEN + 1];

    memcpy(hash, first->hash, sizeof hash);
    while ((start = find_loading(serve, hash)) != NULL) {
        list_remove(&start->in_loading);
        on_loaded_for(start, ok, json);
    }
}

/* Many alerts at once for a new version load it once. */
static void load(struct start *start)
{
    struct serve *serve = start->serve;
    bool is_first = find_loading(serve, start->hash) == NULL;

    list_add(&serve->loading, &start->in_loading);
    if (is_first)
        vms_load(serve, span_of(start->hash), span_of(start->name), span_of(start->source),
                 on_loaded, start);
}

/* What it calls lies beside the file from which it was started last. */
static void go_on_known(struct start *start)
{
    if (start->path != NULL)
        set_path(serve_known(start->serve, span_of(start->hash)), start->path);
    go_on(start);
}

static void begin(struct start *start)
{
    struct span name = span_of(start->name), source = span_of(start->source);

    if (start->is_policy)
        vms_data(start->serve, start->name, source, on_policy, start);
    else if (start->is_check)
        vms_check(start->serve, name, start->path, source, on_checked, start);
    else if (serve_known(start->serve, span_of(start->hash)) != NULL)
        go_on_known(start);
    else
        load(start);
}

/* The version that the catalogue has in force; of a name that it has not, the one that came
 * last. */
static const struct known *newest_named(struct serve *serve, struct span name)
{
    struct span version = catalogue_version(serve, name);
    const struct known *newest = NULL;

    if (version.len > 0)
        return serve_known(serve, version);
    list_each (link, after, &serve->known) {
        const struct known *known = list_item(link, struct known, in_serve);

        if (span_is(name, known->name))
            newest = known;
    }
    return newest;
}

/* playbook is {"name", "source"}, or a name alone. */
static bool read_playbook(struct serve *serve, struct span playbook, char **name,
                          char **source)
{
    bool is_name = json_kind(playbook) == JSON_STRING;

    *name = is_name ? json_text(playbook) : json_get_text(playbook, "name");
    *source = is_name ? NULL : json_get_text(playbook, "source");
    if (is_name) {
        const struct known *known = newest_named(serve, span_of(*name));

        if (known != NULL)
            *source = xstrdup(known->source);
    }
    return *name != NULL && *source != NULL;
}

static void refuse_playbook(struct serve *serve, const struct asked *asked,
                            const char *name)
{
    if (json_kind(json_get(asked->args, "playbook")) == JSON_STRING)
        clients_error(serve, asked->number, 2, "not_found",
                      "there is no playbook %.100s here; `cordon run FILE` brings one, and "
                      "so does playbooks in cordon.lua",
                      name);
    else
        clients_error(serve, asked->number, 2, "playbook",
                      "want playbook: its name, or {\"name\", \"source\"}");
}

static void on_alert_read(void *arg, bool ok, struct span json)
{
    struct start *start = arg;
    struct span alert = { 0 };
    size_t pos = 0;
    char *why = ok ? NULL : json_get_text(json, "message");

    if (ok && json_count(json) == 1 && json_next(json, &pos, NULL, &alert)) {
        str_add_span(&start->alert, alert);
        begin(start);
        return;
    }
    if (ok)
        clients_error(start->serve, start->ask, 2, "alert",
                      "a list of %zu alerts: give one at a time", json_count(json));
    else
        clients_error(start->serve, start->ask, 2, "alert", "%s", why != NULL ? why : "");
    free(why);
    free_start(start);
}

/* An alert is always read here, so that nobody hands in what only looks like one. */
static void read_alert(struct start *start)
{
    struct str text = { 0 };
    struct span alert = json_get(span_of(start->args), "alert_text");
    struct err err;

    if (json_kind(alert) != JSON_STRING) {
        begin(start);
        return;
    }
    json_text_to(&text, alert);
    if (json_check(str_text(&text), text.len, ALERT_LEN_MAX, &err) != 0) {
        clients_error(start->serve, start->ask, 2, "alert", "the alert: %s", err.text);
        free_start(start);
    } else {
        adapters_read(start->serve, (struct span){ 0 }, NULL, str_span(&text),
                      clock_unix_ms(), on_alert_read, start);
    }
    str_fini(&text);
}

bool starts_ask(struct serve *serve, const struct asked *asked)
{
    bool is_check = span_is(asked->verb, "check");
    struct span policy = json_get(asked->args, "policy");
    bool is_policy = is_check && json_kind(policy) == JSON_OBJECT;
    struct span playbook = is_policy ? policy : json_get(asked->args, "playbook");

    if (!is_check && !span_is(asked->verb, "run") && !span_is(asked->verb, "plan"))
        return false;
    char *name, *source;
    if (!read_playbook(serve, playbook, &name, &source)) {
        refuse_playbook(serve, asked, name);
        free(name);
        free(source);
        return true;
    }
    struct start *start = xcalloc(1, sizeof *start);
    list_init(&start->in_loading);
    start->serve = serve;
    start->ask = asked->number;
    start->is_check = is_check;
    start->is_policy = is_policy;
    start->verb = span_dup(asked->verb);
    start->args = span_dup(asked->args);
    start->who = span_dup(asked->who);
    start->name = name;
    start->path = json_get_text(playbook, "path");
    start->source = source;
    hash_hex(hash_of(source, strlen(source)), start->hash);
    read_alert(start);
    return true;
}
