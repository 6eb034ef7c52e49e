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

#include "base/ip.h"
#include "base/schema.h"
#include "serve/child.h"
#include "serve/zones.h"
#include "vm/place.h"

#define STRINGS "{\"type\":\"array\",\"items\":{\"type\":\"string\",\"minLength\":1}}"
/* One glob or a list of them; what is in the list is looked at by hand. */
#define GLOBS    "{\"type\":[\"string\",\"array\"]}"
#define SIGN     "{\"type\":[\"boolean\",\"string\"],\"enum\":[true,false,\"verified\"]}"
#define DURATION "{\"type\":\"string\",\"format\":\"period\"}"
/* Zero: always. */
#define AGE   "{\"type\":\"string\",\"format\":\"duration\"}"
#define COUNT "{\"type\":\"integer\",\"minimum\":0}"

#define MATCH                                                                           \
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"              \
    "\"action\":" GLOBS ",\"effect\":" GLOBS ",\"risk\":" GLOBS ",\"target\":" GLOBS    \
    ",\"subscription\":" GLOBS ",\"playbook\":" GLOBS ",\"requester\":" GLOBS           \
    ",\"source\":" GLOBS ",\"type\":" GLOBS ",\"severity\":" GLOBS                      \
    ",\"confidence\":" GLOBS ",\"tag\":" GLOBS ",\"targets\":{\"type\":\"string\"},"    \
    "\"reversible\":{\"type\":\"boolean\"},\"time\":{\"type\":[\"object\",\"array\"]}," \
    "\"op\":{\"type\":\"string\",\"enum\":[\"apply\",\"undo\",\"any\"]}}}"
#define MOMENT "{\"type\":\"string\",\"format\":\"date-time\"}"
#define NEED   "{\"type\":[\"integer\",\"array\"],\"minimum\":1,\"maximum\":100}"

static const char schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"groups\":{\"type\":\"object\"},"
    "\"self_approval\":{\"type\":\"boolean\"},"
    "\"people\":{\"type\":\"object\"},\"services\":" STRINGS ","
    "\"break_glass\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"from\",\"review_from\"],\"properties\":{\"from\":" GLOBS
    ",\"review_from\":" GLOBS
    ",\"reviewers\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":10},"
    "\"review_within\":" DURATION ","
    "\"sign\":" SIGN "}},"
    "\"rules\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
    "\"additionalProperties\":false,\"required\":[\"name\"],\"properties\":{"
    "\"name\":{\"type\":\"string\",\"minLength\":1},"
    "\"match\":" MATCH ","
    "\"need\":{\"type\":[\"integer\",\"array\"],\"minimum\":0,\"maximum\":100},"
    "\"from\":{\"type\":[\"string\",\"array\"]},\"forbid\":{\"type\":\"boolean\"},"
    "\"sign\":" SIGN "}}},"
    "\"guards\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"changes_per_run\":" COUNT ",\"changes_per_hour\":" COUNT
    ",\"changes_per_playbook_hour\":" COUNT ",\"targets_per_run\":" COUNT
    ",\"targets_floor\":" COUNT
    ",\"targets_percent\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":100},"
    "\"prefix_v4\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":32},"
    "\"prefix_v6\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":128},"
    "\"special_addresses\":{\"type\":\"boolean\"},"
    "\"protected\":" STRINGS ",\"protected_tags\":" STRINGS ",\"principals\":" STRINGS
    ",\"own\":" STRINGS ",\"subscriptions\":" STRINGS ",\"tenants\":" STRINGS "}},"
    "\"freeze\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
    "\"additionalProperties\":false,\"required\":[\"name\",\"from\",\"to\"],"
    "\"properties\":{\"name\":{\"type\":\"string\",\"minLength\":1},"
    "\"from\":" MOMENT ",\"to\":" MOMENT ",\"match\":" MATCH ","
    "\"emergency\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"properties\":{\"need\":" NEED ",\"from\":" GLOBS "}}}}},"
    "\"rollback\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"authority\":" AGE "}},"
    "\"gate\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"within\":" DURATION ",\"sign\":" SIGN ",\"execute_within\":" DURATION
    ",\"deny_threshold\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100},"
    "\"on_timeout\":{\"type\":\"string\",\"enum\":[\"deny\",\"hold\",\"escalate\"]},"
    "\"remind\":{\"type\":\"array\",\"maxItems\":10,\"items\":" DURATION "},"
    "\"escalate\":{\"type\":\"array\",\"maxItems\":10,\"items\":{\"type\":\"object\","
    "\"additionalProperties\":false,\"required\":[\"after\",\"from\"],\"properties\":{"
    "\"after\":" DURATION ",\"from\":" GLOBS ",\"severity\":{\"type\":\"string\"}}}}}}}}";

struct reading {
    struct serve *serve;
    config_done_fn *done;
    char hash[HASH_HEX_LEN + 1];
    char *source;
};

/* -- Is it a policy? ---------------------------------------------------------------------- */

int rules_check_strings(struct span list, const char *what, struct err *err)
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

int rules_check_from(struct span groups, struct span from, const char *what,
                     struct err *err)
{
    struct span item;
    size_t pos = 0;

    if (json_kind(from) == JSON_STRING)
        return check_group(groups, from, what, err);
    if (rules_check_strings(from, what, err) != 0)
        return err->code;
    while (json_next(from, &pos, NULL, &item))
        if (check_group(groups, item, what, err) != 0)
            return err->code;
    return 0;
}

/* People who must be met: a number of them out of groups, or a list of slots. */
static int check_asked(struct span groups, struct span asked, const char *path,
                       struct err *err)
{
    char what[120];

    snprintf(what, sizeof what, "%s.from", path);
    if (json_get(asked, "from").len > 0 &&
        rules_check_from(groups, json_get(asked, "from"), what, err) != 0)
        return err->code;
    return rules_check_slots(groups, asked, path, err);
}

static int check_match(struct span match, const char *path, struct err *err)
{
    struct err why;

    if (engine_check_match(match, &why) == 0)
        return 0;
    return err_set(err, ERR_INVALID, "%s.match.%s", path, why.text);
}

static int check_rule(struct span groups, struct span rule, const char *path,
                      struct err *err)
{
    if (check_asked(groups, rule, path, err) != 0)
        return err->code;
    return check_match(json_get(rule, "match"), path, err);
}

static int check_freeze(struct span groups, struct span freeze, const char *path,
                        struct err *err)
{
    char what[100];
    int64_t from = 0, to = 0;

    moment_parse(json_get_raw(freeze, "from"), &from);
    moment_parse(json_get_raw(freeze, "to"), &to);
    if (to <= from)
        return err_set(err, ERR_INVALID, "%s.to: want a time after from", path);
    snprintf(what, sizeof what, "%s.emergency", path);
    if (check_asked(groups, json_get(freeze, "emergency"), what, err) != 0)
        return err->code;
    return check_match(json_get(freeze, "match"), path, err);
}

/* A guard that is meant for an address and is none would hold nothing off. */
static int check_guarded(struct span guards, const char *key, struct err *err)
{
    struct span item;
    size_t pos = 0;

    for (int i = 0; json_next(json_get(guards, key), &pos, NULL, &item); i++)
        if (ip_is_meant(json_raw(item)))
            return err_set(err, ERR_INVALID,
                           "guards.%s[%d]: %.*s is no address; want one such as "
                           "\"203.0.113.7\", \"203.0.113.0/24\" or \"2001:db8::/64\"",
                           key, i, (int)(item.len < 60 ? item.len : 60), item.ptr);
    return 0;
}

typedef int check_fn(struct span groups, struct span item, const char *path,
                     struct err *err);

static int check_each(struct span json, const char *key, check_fn *check, struct err *err)
{
    struct span item;
    size_t pos = 0;
    char path[64];

    for (int i = 0; json_next(json_get(json, key), &pos, NULL, &item); i++) {
        snprintf(path, sizeof path, "%s[%d]", key, i);
        if (check(json_get(json, "groups"), item, path, err) != 0)
            return err->code;
    }
    return 0;
}

int rules_validate(struct span json, struct err *err)
{
    struct span key, value;
    size_t pos = 0;
    char what[120];

    if (schema_match(span_of(schema), json, err) != 0)
        return err->code;
    while (json_next(json_get(json, "groups"), &pos, &key, &value)) {
        snprintf(what, sizeof what, "groups.%.*s", (int)(key.len < 100 ? key.len : 100),
                 key.ptr);
        if (rules_check_strings(value, what, err) != 0)
            return err->code;
    }
    if (check_each(json, "rules", check_rule, err) != 0 ||
        check_each(json, "freeze", check_freeze, err) != 0 ||
        check_guarded(json_get(json, "guards"), "own", err) != 0 ||
        check_guarded(json_get(json, "guards"), "protected", err) != 0)
        return err->code;
    if (engine_check_guards(json_get(json, "guards"), err) != 0 ||
        zones_check(json, err) != 0)
        return err->code;
    return rules_check_gates(json, err);
}

/* -- Into the engine ---------------------------------------------------------------------- */

/* `from = "soc"` is `from = { "soc" }`, wherever it is a list of groups. */
static void put_plain(struct json_out *out, struct span value, bool has_from)
{
    struct span key, item;
    size_t pos = 0;

    if (json_kind(value) == JSON_ARRAY) {
        json_open(out, '[');
        while (json_next(value, &pos, NULL, &item))
            put_plain(out, item, has_from);
        json_close(out);
        return;
    }
    if (json_kind(value) != JSON_OBJECT) {
        json_raw_value(out, value);
        return;
    }
    json_open(out, '{');
    while (json_next(value, &pos, &key, &item)) {
        bool is_group = has_from && span_is(key, "from") && json_kind(item) == JSON_STRING;

        json_key_span(out, key);
        if (is_group)
            json_open(out, '[');
        if (span_is(key, "emergency"))
            put_plain(out, item, true);
        else
            json_raw_value(out, item);
        if (is_group)
            json_close(out);
    }
    json_close(out);
}

void rules_write(struct str *text, struct span json)
{
    struct json_out out = { .str = text };
    struct span key, value;
    size_t pos = 0;

    json_open(&out, '{');
    while (json_next(json, &pos, &key, &value)) {
        json_key_span(&out, key);
        if (span_is(key, "rules") || span_is(key, "freeze"))
            put_plain(&out, value, span_is(key, "rules"));
        else
            json_raw_value(&out, value);
    }
    zones_put(&out, json);
    json_close(&out);
}

enum { IS_NONE = 0, IS_COMING = 1 }; /* what it means that there is none */

static void give(struct serve *serve, bool ok, int none, const char *why, struct span json,
                 const char *hash)
{
    free(serve->policy_why);
    serve->policy_why = ok ? NULL : xstrdup(why);
    serve->policy_ok = ok;
    str_reset(&serve->policy_json);
    str_add_span(&serve->policy_json, json);
    snprintf(serve->policy_hash, sizeof serve->policy_hash, "%s", ok ? hash : "");
    pump_event(serve, &(struct event){ .kind = EV_POLICY,
                                       .ok = ok,
                                       .number = none,
                                       .json = json,
                                       .text = span_of(why),
                                       .hash = span_of(hash) });
}

static void without(struct serve *serve, const char *why, config_done_fn *done)
{
    give(serve, false, IS_NONE, why, (struct span){ 0 }, "");
    serve->is_reading_policy = false;
    if (done != NULL)
        done(serve, NULL);
    clients_resume(serve);
}

static void on_again(void *arg)
{
    struct serve *serve = arg;
    config_done_fn *done = serve->policy_done;

    serve->policy_done = NULL;
    rules_read(serve, done);
}

/* Short of descriptors is not without a policy: what wants one waits. */
static void read_again(struct serve *serve, const struct err *why, config_done_fn *done)
{
    child_say_lack("the policy", why);
    give(serve, false, IS_COMING, why->text, (struct span){ 0 }, "");
    serve->policy_done = done;
    timer_start(&serve->policy_again, serve->loop, child_break_ms(serve->policy_lacks++),
                on_again, serve);
}

static void free_reading(struct reading *reading)
{
    free(reading->source);
    free(reading);
}

static void on_read(void *arg, bool ok, struct span json)
{
    struct reading *reading = arg;
    struct serve *serve = reading->serve;
    struct arena arena = { 0 };
    struct str policy = { 0 };
    struct err err = { 0 };
    bool is_lack = !ok && json_get_bool(json, "lack", false);

    if (!ok) {
        struct span why = vms_error(&arena, span_of(serve->policy_path), json);
        err_set(&err, ERR_INVALID, "%.*s", (int)why.len, why.ptr);
    } else if (rules_validate(json, &err) != 0 ||
               rules_check_reach(serve, json, &err) != 0) {
        place_wrap(&err, serve->policy_path, span_of(reading->source));
    } else {
        rules_write(&policy, json);
    }
    if (err.code == ERR_BUSY && serve->policy_lacks < CHILD_TRIES_MAX) {
        read_again(serve, &err, reading->done);
        free_reading(reading);
        str_fini(&policy);
        arena_fini(&arena);
        return;
    }
    serve->policy_lacks = 0;
    if (err.code != 0)
        err_wrap(&err, "there is no policy that can be read, so nothing that changes "
                       "anything runs");
    give(serve, err.code == 0, IS_NONE, err.code == 0 ? "" : err.text, str_span(&policy),
         reading->hash);
    serve->is_reading_policy = false;
    if (reading->done != NULL)
        reading->done(serve, NULL);
    rules_check(serve); /* it may have changed while it was read; whoever waits, waits */
    if ((is_lack || err.code == ERR_BUSY) &&
        !serve->is_reading_policy) /* read again when somebody wants it */
        serve->policy_stamp = (struct stamp){ 0 };
    clients_resume(serve);
    str_fini(&policy);
    arena_fini(&arena);
    free_reading(reading);
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
    timer_stop(&serve->policy_again);
    serve_stamp(&serve->policy_stamp, serve->policy_path);
    int rc = serve_read_file(&source, serve->policy_path, SERVE_FILE_MAX, &err);
    if (rc == ERR_NOT_FOUND) {
        err_set(&err, rc,
                "there is no policy, so nothing that changes anything runs: put one at %s, "
                "or name one in cordon.lua (policy = \"FILE\")",
                serve->policy_path);
        without(serve, err.text, done);
    } else if (rc == ERR_BUSY && serve->policy_lacks < CHILD_TRIES_MAX) {
        read_again(serve, &err, done);
    } else if (rc != 0) {
        if (rc == ERR_BUSY) /* it is read again when somebody wants it */
            serve->policy_stamp = (struct stamp){ 0 };
        serve->policy_lacks = 0;
        err_wrap(&err, "the policy cannot be read, so nothing that changes anything runs");
        without(serve, err.text, done);
    } else {
        struct reading *reading = xcalloc(1, sizeof *reading);

        reading->serve = serve;
        reading->done = done;
        reading->source = span_dup(str_span(&source));
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
