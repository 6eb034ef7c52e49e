/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/policies.c - the policy shown, and tests of a policy.
 *
 * A test is a row of a table: this change, at this time, for this alert; who must approve?
 * An engine of its own is given the policy and the trusted plugins' declarations, and asked
 * what it would ask of anybody. Nothing is journaled and nothing is sent.
 */
#include "serve/inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/schema.h"
#include "vm/place.h"

enum { POLICY_CASES_MAX = 10000 };

#define TEXT  "{\"type\":\"string\",\"minLength\":1}"
#define TEXTS "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"

static const char schema[] =
    "{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"object\","
    "\"additionalProperties\":false,\"required\":[\"name\",\"action\",\"target\","
    "\"expect\"],"
    "\"properties\":{\"name\":" TEXT ",\"action\":" TEXT ",\"target\":" TEXT
    ",\"op\":{\"type\":\"string\",\"enum\":[\"apply\",\"undo\"]},"
    "\"effect\":{\"type\":\"string\",\"enum\":[\"reverts\",\"permanent\"]},"
    "\"risk\":{\"type\":\"string\",\"enum\":[\"low\",\"medium\",\"high\"]},"
    "\"time\":{\"type\":\"string\",\"format\":\"date-time\"},"
    "\"tags\":{\"type\":\"object\"},\"alert\":{\"type\":\"object\"},"
    "\"args\":{\"type\":\"object\"},\"requester\":" TEXT ",\"playbook\":" TEXT
    ",\"targets\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":10000},"
    "\"exists\":{\"type\":\"integer\",\"minimum\":0},\"tenant\":" TEXT ",\"own\":" TEXT
    ",\"ask\":" TEXT ",\"reversible\":{\"type\":\"boolean\"},"
    "\"expect\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"need\":{\"type\":\"integer\",\"minimum\":0},\"from\":" TEXTS ",\"rules\":" TEXTS
    ",\"slots\":" TEXTS ",\"freezes\":" TEXTS ",\"forbidden\":{\"type\":\"boolean\"},"
    "\"guard\":{\"type\":[\"string\",\"boolean\"]}}}}}}";

struct judging {
    struct serve *serve;
    int64_t ask;
    char *policy_name, *test_name, *test_source, *policy_source;
    struct str policy;
    char hash[HASH_HEX_LEN + 1];
    struct engine *engine;
    struct turn *turn;
    int64_t passed, failed;
};

static void free_judging(struct judging *judging)
{
    engine_free(judging->engine);
    if (judging->turn != NULL)
        turn_free(judging->turn);
    str_fini(&judging->policy);
    free(judging->policy_name);
    free(judging->policy_source);
    free(judging->test_name);
    free(judging->test_source);
    free(judging);
}

static void fail_file(struct judging *judging, const char *text)
{
    clients_error(judging->serve, judging->ask, 2, "policy", "%s", text);
    free_judging(judging);
}

/* -- an engine that knows the policy and the actions --------------------------------------------- */

static void tell(struct judging *judging, struct event event)
{
    turn_reset(judging->turn);
    event.now_ms = clock_unix_ms();
    engine_handle(judging->engine, &event, judging->turn);
}

static void open_engine(struct judging *judging)
{
    judging->engine = engine_new();
    judging->turn = turn_new();
    tell(judging, (struct event){ .kind = EV_POLICY,
                                  .ok = true,
                                  .json = str_span(&judging->policy),
                                  .hash = span_of(judging->hash) });
    list_each (link, after, &judging->serve->locks) {
        struct lock_line *line = list_item(link, struct lock_line, in_serve);

        tell(judging, (struct event){ .kind = EV_PLUGIN,
                                      .ok = true,
                                      .name = span_of(line->name),
                                      .hash = span_of(line->sha256),
                                      .json = span_of(line->declaration) });
    }
}

/* An action that no trusted plugin offers is what the case says that it is. */
static void declare(struct judging *judging, struct span now)
{
    struct str text = { 0 };
    struct json_out out = { .str = &text };
    char *effect = json_get_text(now, "effect"), *risk = json_get_text(now, "risk");

    json_open(&out, '{');
    json_key(&out, "actions");
    json_open(&out, '[');
    json_open(&out, '{');
    json_put_bool(&out, "can_undo", strcmp(effect, "permanent") != 0);
    json_put(&out, "effect", effect);
    json_put_raw(&out, "name", json_get(now, "action"));
    json_put(&out, "repeat", "observable");
    json_put(&out, "risk", risk != NULL ? risk : "low");
    json_close(&out);
    json_close(&out);
    json_close(&out);
    tell(judging, (struct event){ .kind = EV_PLUGIN,
                                  .ok = true,
                                  .name = span_of("the test"),
                                  .json = str_span(&text) });
    str_fini(&text);
    free(effect);
    free(risk);
}

/* -- one case ------------------------------------------------------------------------------------ */

static bool has_text(struct span list, struct span item)
{
    struct span other;
    size_t pos = 0;

    while (json_next(list, &pos, NULL, &other))
        if (json_same(other, item))
            return true;
    return false;
}

/* Order plays no part. */
static bool same_texts(struct span a, struct span b)
{
    struct span item;
    size_t pos = 0;

    if (json_count(a) != json_count(b))
        return false;
    while (json_next(a, &pos, NULL, &item))
        if (!has_text(b, item))
            return false;
    return true;
}

static void differ(struct str *why, const char *what, struct span wanted, struct span got)
{
    str_printf(why, "%s%s: want %.*s, got %.*s", why->len > 0 ? "\n" : "", what,
               (int)wanted.len, wanted.ptr, got.len > 0 ? (int)got.len : 4,
               got.len > 0 ? got.ptr : "none");
}

static void compare_list(struct str *why, struct span expect, struct span got,
                         const char *key)
{
    struct span wanted = json_get(expect, key), list = json_get(got, key);

    if (wanted.len > 0 && !same_texts(wanted, list))
        differ(why, key, wanted, list);
}

static void names_of(struct str *out, struct span list)
{
    struct json_out json = { .str = out };
    struct span item;
    size_t pos = 0;

    json_open(&json, '[');
    while (json_next(list, &pos, NULL, &item))
        json_raw_value(&json, json_get(item, "name"));
    json_close(&json);
}

static void compare_freezes(struct str *why, struct span expect, struct span got)
{
    struct span wanted = json_get(expect, "freezes");
    struct str names = { 0 };

    names_of(&names, json_get(got, "freezes"));
    if (wanted.len > 0 && !same_texts(wanted, str_span(&names)))
        differ(why, "freezes", wanted, str_span(&names));
    str_fini(&names);
}

/* guard = "protected" wants that one; a guard that nobody speaks of is a mistake, since the
 * run would stop there whoever approves. */
static void compare_guard(struct str *why, struct span expect, struct span got)
{
    struct span wanted = json_get(expect, "guard"), is = json_get(got, "guard");
    struct str begin = { 0 };

    str_printf(&begin, "guard %.*s: ", (int)json_raw(wanted).len, json_raw(wanted).ptr);
    bool is_right = json_kind(wanted) == JSON_STRING
                        ? span_starts(json_raw(is), str_text(&begin))
                        : (json_kind(wanted) == JSON_TRUE) == (is.len > 0);
    if (!is_right)
        differ(why, "guard", wanted.len > 0 ? wanted : span_of("none"), is);
    str_fini(&begin);
}

static void compare(struct str *why, struct span expect, struct span got)
{
    struct span need = json_get(expect, "need"), forbidden = json_get(expect, "forbidden");
    bool is_forbidden = json_get_bool(got, "forbidden", false);

    if (need.len > 0 && !json_same(need, json_get(got, "need")))
        differ(why, "need", need, json_get(got, "need"));
    compare_list(why, expect, got, "from");
    compare_list(why, expect, got, "rules");
    compare_freezes(why, expect, got);
    compare_guard(why, expect, got);
    if (is_forbidden != json_bool(forbidden, false))
        differ(why, "forbidden", forbidden.len > 0 ? forbidden : span_of("false"),
               is_forbidden ? json_get(got, "why") : span_of("false"));
}

static bool is_known(struct judging *judging, struct span now, struct str *why)
{
    struct span name = json_get_raw(now, "action");
    struct span action = locks_action(judging->serve, name);
    struct span effect = json_get(now, "effect");

    if (action.len > 0 && effect.len > 0 && !json_same(effect, json_get(action, "effect")))
        differ(why, "effect", effect, json_get(action, "effect"));
    else if (action.len == 0 && effect.len == 0)
        str_printf(
            why,
            "no trusted plugin offers %.*s: trust it, or let the case say what it is "
            "(effect = \"reverts\" or \"permanent\", risk = ...)",
            (int)name.len, name.ptr);
    else if (action.len == 0)
        declare(judging, now);
    return why->len == 0;
}

static void judge(struct judging *judging, struct json_out *out, struct span now)
{
    struct str why = { 0 }, got = { 0 };
    int64_t at_ms = clock_unix_ms();

    moment_parse(json_get_raw(now, "time"), &at_ms);
    if (is_known(judging, now, &why)) {
        turn_reset(judging->turn);
        engine_judge(judging->engine, now, at_ms, judging->turn, &got);
        compare(&why, json_get(now, "expect"), str_span(&got));
    }
    json_open(out, '{');
    json_put_raw(out, "got", str_span(&got));
    json_put(out, "message", why.len > 0 ? str_text(&why) : NULL);
    json_put_raw(out, "name", json_get(now, "name"));
    json_put_bool(out, "ok", why.len == 0);
    json_close(out);
    judging->passed += why.len == 0;
    judging->failed += why.len > 0;
    str_fini(&why);
    str_fini(&got);
}

static void judge_all(struct judging *judging, struct span cases)
{
    struct str tests = { 0 }, text = { 0 };
    struct json_out out = { .str = &tests };
    struct span now;
    size_t pos = 0;

    open_engine(judging);
    json_open(&out, '[');
    while (json_next(cases, &pos, NULL, &now))
        judge(judging, &out, now);
    json_close(&out);
    str_printf(&text, "{\"failed\":%lld,\"passed\":%lld,\"tests\":%s}",
               (long long)judging->failed, (long long)judging->passed, str_text(&tests));
    clients_reply(judging->serve, judging->ask, judging->failed > 0 ? 1 : 0,
                  str_span(&text));
    str_fini(&tests);
    str_fini(&text);
    free_judging(judging);
}

/* -- from two sources ------------------------------------------------------------------------------ */

static void on_cases(void *arg, bool ok, struct span json)
{
    struct judging *judging = arg;
    struct arena arena = { 0 };
    struct err err = { 0 };

    if (!ok) {
        struct span why = vms_error(&arena, span_of(judging->test_name), json);
        err_set(&err, ERR_INVALID, "%.*s", (int)why.len, why.ptr);
    } else if (schema_match(span_of(schema), json, &err) != 0) {
        place_wrap(&err, judging->test_name, span_of(judging->test_source));
    } else if (json_count(json) > POLICY_CASES_MAX) {
        err_set(&err, ERR_TOO_BIG, "%s: more than %d cases", judging->test_name,
                POLICY_CASES_MAX);
    }
    if (err.code != 0)
        fail_file(judging, err.text);
    else
        judge_all(judging, json);
    arena_fini(&arena);
}

static void on_policy(void *arg, bool ok, struct span json)
{
    struct judging *judging = arg;
    struct arena arena = { 0 };
    struct err err = { 0 };

    if (!ok) {
        struct span why = vms_error(&arena, span_of(judging->policy_name), json);
        err_set(&err, ERR_INVALID, "%.*s", (int)why.len, why.ptr);
    } else if (rules_validate(json, &err) != 0) {
        place_wrap(&err, judging->policy_name, span_of(judging->policy_source));
    }
    if (err.code != 0) {
        fail_file(judging, err.text);
    } else {
        rules_write(&judging->policy, json);
        vms_data(judging->serve, judging->test_name, span_of(judging->test_source),
                 on_cases, judging);
    }
    arena_fini(&arena);
}

static void start(struct serve *serve, const struct asked *asked)
{
    struct span policy = json_get(asked->args, "policy");
    struct span test = json_get(asked->args, "test");
    struct judging *judging = xcalloc(1, sizeof *judging);

    judging->serve = serve;
    judging->ask = asked->number;
    judging->policy_name = json_get_text(policy, "name");
    judging->policy_source = json_get_text(policy, "source");
    judging->test_name = json_get_text(test, "name");
    judging->test_source = json_get_text(test, "source");
    if (judging->policy_name == NULL || judging->policy_source == NULL ||
        judging->test_name == NULL || judging->test_source == NULL) {
        fail_file(judging, "want policy and test, each with name and source");
        return;
    }
    hash_hex(hash_of(judging->policy_source, strlen(judging->policy_source)),
             judging->hash);
    vms_data(serve, judging->policy_name, span_of(judging->policy_source), on_policy,
             judging);
}

/* -- what is in force ------------------------------------------------------------------------------ */

/* As it was written, without what cordon adds for the engine. */
static void put_policy(struct json_out *out, struct span policy)
{
    struct span key, value;
    size_t pos = 0;

    json_key(out, "policy");
    json_open(out, '{');
    while (json_next(policy, &pos, &key, &value)) {
        if (span_is(key, "zones"))
            continue;
        json_key_span(out, key);
        json_raw_value(out, value);
    }
    json_close(out);
}

static void show(struct serve *serve, const struct asked *asked)
{
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    json_open(&out, '{');
    json_put(&out, "hash", serve->policy_ok ? serve->policy_hash : NULL);
    json_put_bool(&out, "ok", serve->policy_ok);
    json_put(&out, "path", serve->policy_path);
    if (serve->policy_ok)
        put_policy(&out, str_span(&serve->policy_json));
    else
        json_put_raw(&out, "policy", (struct span){ 0 });
    json_put(&out, "why", serve->policy_ok ? NULL : serve->policy_why);
    json_close(&out);
    clients_reply(serve, asked->number, serve->policy_ok ? 0 : 6, str_span(&text));
    str_fini(&text);
}

bool policies_ask(struct serve *serve, const struct asked *asked)
{
    if (span_is(asked->verb, "policy_test"))
        start(serve, asked);
    else if (span_is(asked->verb, "policy"))
        show(serve, asked);
    else
        return false;
    return true;
}
