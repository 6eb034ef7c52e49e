/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/rules.c - policy.lua: read, looked at strictly, and given to the engine.
 *
 * A word that is not known is refused, since a rule that is misspelt would be one that does
 * not hold. While there is no policy that can be read, nothing that changes anything runs.
 */
#include "serve/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/schema.h"

#define STRINGS "{\"type\":\"array\",\"items\":{\"type\":\"string\",\"minLength\":1}}"
/* One glob or a list of them; what is in the list is looked at by hand. */
#define GLOBS "{\"type\":[\"string\",\"array\"]}"
#define SIGN  "{\"type\":[\"boolean\",\"string\"],\"enum\":[true,false,\"verified\"]}"
#define COUNT "{\"type\":\"integer\",\"minimum\":0}"

static const char schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"groups\":{\"type\":\"object\"},"
    "\"self_approval\":{\"type\":\"boolean\"},"
    "\"rules\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
    "\"additionalProperties\":false,\"required\":[\"name\"],\"properties\":{"
    "\"name\":{\"type\":\"string\",\"minLength\":1},"
    "\"match\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"action\":" GLOBS ",\"effect\":" GLOBS ",\"risk\":" GLOBS ",\"target\":" GLOBS
    ",\"subscription\":" GLOBS ",\"playbook\":" GLOBS ",\"requester\":" GLOBS
    ",\"source\":" GLOBS
    ",\"op\":{\"type\":\"string\",\"enum\":[\"apply\",\"undo\",\"any\"]}}},"
    "\"need\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":100},"
    "\"from\":{\"type\":[\"string\",\"array\"]},\"forbid\":{\"type\":\"boolean\"},"
    "\"sign\":" SIGN "}}},"
    "\"guards\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"changes_per_run\":" COUNT ",\"changes_per_hour\":" COUNT
    ",\"targets_per_run\":" COUNT ",\"protected\":" STRINGS ",\"principals\":" STRINGS
    ",\"subscriptions\":" STRINGS "}},"
    "\"gate\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"within\":{\"type\":\"string\",\"format\":\"duration\"},\"sign\":" SIGN "}}}}";

struct reading {
    struct serve *serve;
    config_done_fn *done;
    char hash[HASH_HEX_LEN + 1];
};

/* -- Is it a policy? ---------------------------------------------------------------------- */

static int check_strings(struct span list, const char *what, struct err *err)
{
    struct span item;
    size_t pos = 0;

    if (json_kind(list) != JSON_ARRAY || json_count(list) == 0)
        return err_set(err, ERR_INVALID, "%s: want a list with at least one name", what);
    while (json_next(list, &pos, NULL, &item))
        if (json_raw(item).len == 0)
            return err_set(err, ERR_INVALID, "%s: want texts in the list", what);
    return 0;
}

static int check_group(struct span groups, struct span name, const char *what,
                       struct err *err)
{
    char *key = json_text(name);
    bool is_there = key != NULL && json_get(groups, key).len > 0;

    if (!is_there)
        err_set(err, ERR_INVALID, "%s: no group \"%s\" is in groups", what,
                key != NULL ? key : "?");
    free(key);
    return is_there ? 0 : err->code;
}

static int check_from(struct span groups, struct span from, const char *what,
                      struct err *err)
{
    struct span item;
    size_t pos = 0;

    if (json_kind(from) == JSON_STRING)
        return check_group(groups, from, what, err);
    if (check_strings(from, what, err) != 0)
        return err->code;
    while (json_next(from, &pos, NULL, &item))
        if (check_group(groups, item, what, err) != 0)
            return err->code;
    return 0;
}

static int check_rule(struct span groups, struct span rule, struct err *err)
{
    struct span name = json_get_raw(rule, "name");
    struct span key, value;
    size_t pos = 0;
    char what[200];

    snprintf(what, sizeof what, "rule \"%.*s\": from",
             (int)(name.len < 100 ? name.len : 100), name.ptr);
    if (json_get(rule, "from").len > 0 &&
        check_from(groups, json_get(rule, "from"), what, err) != 0)
        return err->code;
    while (json_next(json_get(rule, "match"), &pos, &key, &value)) {
        snprintf(what, sizeof what, "rule \"%.*s\": match.%.*s",
                 (int)(name.len < 100 ? name.len : 100), name.ptr, (int)key.len, key.ptr);
        if (json_kind(value) == JSON_ARRAY && check_strings(value, what, err) != 0)
            return err->code;
    }
    return 0;
}

int rules_validate(struct span json, struct err *err)
{
    struct span groups = json_get(json, "groups");
    struct span key, value;
    size_t pos = 0;
    char what[120];

    if (schema_match(span_of(schema), json, err) != 0)
        return err->code;
    while (json_next(groups, &pos, &key, &value)) {
        snprintf(what, sizeof what, "groups.%.*s", (int)(key.len < 100 ? key.len : 100),
                 key.ptr);
        if (check_strings(value, what, err) != 0)
            return err->code;
    }
    pos = 0;
    while (json_next(json_get(json, "rules"), &pos, NULL, &value))
        if (check_rule(groups, value, err) != 0)
            return err->code;
    return 0;
}

/* -- Into the engine ---------------------------------------------------------------------- */

/* `from = "soc"` is `from = { "soc" }`. */
static void put_rule(struct json_out *out, struct span rule)
{
    struct span key, value;
    size_t pos = 0;

    json_open(out, '{');
    while (json_next(rule, &pos, &key, &value)) {
        json_key_span(out, key);
        if (span_is(key, "from") && json_kind(value) == JSON_STRING) {
            json_open(out, '[');
            json_raw_value(out, value);
            json_close(out);
        } else {
            json_raw_value(out, value);
        }
    }
    json_close(out);
}

static void put_policy(struct str *text, struct span json)
{
    struct json_out out = { .str = text };
    struct span key, value, rule;
    size_t pos = 0, at = 0;

    json_open(&out, '{');
    while (json_next(json, &pos, &key, &value)) {
        json_key_span(&out, key);
        if (!span_is(key, "rules")) {
            json_raw_value(&out, value);
            continue;
        }
        json_open(&out, '[');
        while (json_next(value, &at, NULL, &rule))
            put_rule(&out, rule);
        json_close(&out);
    }
    json_close(&out);
}

enum { IS_NONE = 0, IS_COMING = 1 }; /* what it means that there is none */

static void give(struct serve *serve, bool ok, int none, const char *why, struct span json,
                 const char *hash)
{
    free(serve->policy_why);
    serve->policy_why = ok ? NULL : xstrdup(why);
    serve->policy_ok = ok;
    snprintf(serve->policy_hash, sizeof serve->policy_hash, "%s", ok ? hash : "");
    pump_event(serve, &(struct event){ .kind = EV_POLICY,
                                       .ok = ok,
                                       .number = none,
                                       .json = json,
                                       .text = span_of(why),
                                       .hash = span_of(hash) });
}

static void on_read(void *arg, bool ok, struct span json)
{
    struct reading *reading = arg;
    struct serve *serve = reading->serve;
    struct arena arena = { 0 };
    struct str policy = { 0 };
    struct err err = { 0 };

    if (!ok) {
        struct span why = vms_error(&arena, span_of(serve->policy_path), json);
        err_set(&err, ERR_INVALID, "%.*s", (int)why.len, why.ptr);
    } else if (rules_validate(json, &err) != 0) {
        err_wrap(&err, "%s", serve->policy_path);
    } else {
        put_policy(&policy, json);
    }
    if (err.code != 0)
        err_wrap(&err, "there is no policy that can be read, so nothing that changes "
                       "anything runs");
    give(serve, err.code == 0, IS_NONE, err.code == 0 ? "" : err.text, str_span(&policy),
         reading->hash);
    serve->is_reading_policy = false;
    if (reading->done != NULL)
        reading->done(serve, NULL);
    clients_resume(serve);
    str_fini(&policy);
    arena_fini(&arena);
    free(reading);
}

static void without(struct serve *serve, const char *why, config_done_fn *done)
{
    give(serve, false, IS_NONE, why, (struct span){ 0 }, "");
    serve->is_reading_policy = false;
    if (done != NULL)
        done(serve, NULL);
    clients_resume(serve);
}

void rules_read(struct serve *serve, config_done_fn *done)
{
    struct str source = { 0 };
    struct err err;

    if (serve->policy_path == NULL)
        serve->policy_path =
            config_resolve(serve, json_get(str_span(&serve->config), "policy"));
    if (serve->policy_path == NULL)
        serve->policy_path = serve_path(serve, "policy.lua");
    serve->is_reading_policy = true;
    serve_stamp(&serve->policy_stamp, serve->policy_path);
    int rc = serve_read_file(&source, serve->policy_path, SERVE_FILE_MAX, &err);
    if (rc == ERR_NOT_FOUND) {
        err_set(&err, rc,
                "there is no policy, so nothing that changes anything runs: put one at %s, "
                "or name one in cordon.lua (policy = \"FILE\")",
                serve->policy_path);
        without(serve, err.text, done);
    } else if (rc != 0) {
        err_wrap(&err, "the policy cannot be read, so nothing that changes anything runs");
        without(serve, err.text, done);
    } else {
        struct reading *reading = xcalloc(1, sizeof *reading);

        reading->serve = serve;
        reading->done = done;
        hash_hex(hash_of(source.ptr, source.len), reading->hash);
        vms_data(serve, serve->policy_path, str_span(&source), on_read, reading);
    }
    str_fini(&source);
}

void rules_check(struct serve *serve)
{
    struct stamp now;

    if (!serve->is_ready || serve->is_reading_policy || serve->policy_path == NULL)
        return;
    serve_stamp(&now, serve->policy_path);
    if (serve_stamp_same(&now, &serve->policy_stamp))
        return;
    give(serve, false, IS_COMING, "the policy has changed and is being read again",
         (struct span){ 0 }, "");
    rules_read(serve, NULL);
}
