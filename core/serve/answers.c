/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/expiry.h"
#include "base/json.h"
#include "base/schema.h"
#include "frame/frame.h"
#include "serve/inside.h"

enum { ANSWERS_BEGIN_S = 1767225600 /* 2026-01-01T00:00:00Z, unless the case says when */ };

static const char schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"name\"],"
    "\"properties\":{\"name\":{\"type\":\"string\",\"minLength\":1},"
    "\"entry\":{\"type\":\"string\",\"enum\":[\"run\",\"recover\"]},"
    "\"params\":{\"type\":\"object\"},\"alert\":{\"type\":\"object\"},"
    "\"starts\":{\"type\":\"boolean\"},\"now\":{\"type\":\"integer\",\"minimum\":0},"
    "\"answers\":{\"type\":\"object\"},\"expect\":{\"type\":\"array\"},"
    "\"ends\":{\"type\":\"string\"},\"returns\":{}}}";

int answers_init(struct answers *answers, struct span now, struct err *err)
{
    memset(answers, 0, sizeof *answers);
    answers->now = now;
    if (json_kind(now) != JSON_OBJECT)
        return err_set(err, ERR_INVALID, "a case is a table with a name");
    if (schema_match(span_of(schema), now, err) != 0)
        return err_wrap(err, "the case");
    answers->now_s = json_get_int(now, "now", ANSWERS_BEGIN_S);
    return 0;
}

void answers_fini(struct answers *answers)
{
    arena_fini(&answers->arena);
    free(answers->wishes);
    memset(answers, 0, sizeof *answers);
}

static struct span keep(struct answers *answers, struct span bytes)
{
    return (struct span){
        arena_dup(&answers->arena, bytes.len > 0 ? bytes.ptr : "", bytes.len), bytes.len
    };
}

int answers_take(struct answers *answers, const struct event *turn, struct err *err)
{
    for (int i = 0; i < turn->count; i++) {
        const struct event_wish *from = &turn->wishes[i];

        if (answers->count == ANSWERS_WISHES_MAX)
            return err_set(err, ERR_TOO_BIG, "more than %d wishes in one case",
                           ANSWERS_WISHES_MAX);
        if (answers->count == answers->cap) {
            answers->cap = answers->cap == 0 ? 32 : answers->cap * 2;
            answers->wishes =
                xrealloc(answers->wishes, (size_t)answers->cap * sizeof *answers->wishes);
        }
        answers->wishes[answers->count++] =
            (struct wish){ .branch = keep(answers, from->branch),
                           .n = from->n,
                           .kind = keep(answers, from->kind),
                           .action = keep(answers, from->action),
                           .args = keep(answers, from->args) };
    }
    return 0;
}

/* "azure.appservice.stop", "approve", "sleep". */
static struct span name_of(const struct wish *wish)
{
    return span_is(wish->kind, "step") ? wish->action : wish->kind;
}

/* What a test does not speak of unless it wants to. */
static bool is_quiet(const struct wish *wish)
{
    static const char *const quiet[] = { "now",          "random",     "uuid",      "note",
                                         "atomic_begin", "atomic_end", "wait_until" };

    for (size_t i = 0; i < sizeof quiet / sizeof *quiet; i++)
        if (span_is(wish->kind, quiet[i]))
            return true;
    return false;
}

/* -- answering ---------------------------------------------------------------------------- */

/* The n-th wish of this name, from 0. */
static int place_of(const struct answers *answers, const struct wish *wish)
{
    int place = 0;

    for (int i = 0; i < answers->at; i++)
        place += span_equal(name_of(&answers->wishes[i]), name_of(wish));
    return place;
}

/* The case's own answer: {"in_order":[...]} has one for each time it is asked. */
static int find_given(struct answers *answers, const struct wish *wish, struct span *given,
                      struct err *err)
{
    struct span name = name_of(wish);
    char *key = span_dup(name);
    struct span item, list;
    size_t pos = 0;
    int place = place_of(answers, wish);

    *given = json_get(json_get(answers->now, "answers"), key);
    free(key);
    list = json_kind(*given) == JSON_OBJECT ? json_get(*given, "in_order")
                                            : (struct span){ 0 };
    if (json_kind(list) != JSON_ARRAY)
        return 0;
    for (int i = 0; json_next(list, &pos, NULL, &item); i++)
        if (i == place) {
            *given = item;
            return 0;
        }
    return err_set(err, ERR_INVALID,
                   "%.*s is asked for %d times, and in_order has %zu answers",
                   (int)name.len, name.ptr, place + 1, json_count(list));
}

static void refuse(struct answers *answers, const struct wish *wish, struct answer *answer,
                   struct span error, const char *code)
{
    struct str text = { 0 };
    struct json_out out = { .str = &text };
    struct span message = json_get(error, "message"), given = json_get(error, "code");

    json_open(&out, '{');
    json_put_span(&out, "action", wish->action);
    if (given.len > 0)
        json_put_raw(&out, "code", given);
    else
        json_put(&out, "code", code);
    if (message.len > 0)
        json_put_raw(&out, "message", message);
    else
        json_put(&out, "message", "the test says so");
    json_put_bool(&out, "retryable", json_get_bool(error, "retryable", false));
    json_close(&out);
    answer->ok = false;
    answer->value = keep(answers, str_span(&text));
    str_fini(&text);
}

/* What a change gives when the test says nothing. */
static struct span changed(struct answers *answers, struct span result)
{
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    json_open(&out, '{');
    json_put_raw(&out, "after", span_of("{}"));
    json_put_raw(&out, "before", span_of("{}"));
    json_put_bool(&out, "changed", true);
    json_put_raw(&out, "result", result);
    json_put(&out, "target", "");
    json_close(&out);
    struct span kept = keep(answers, str_span(&text));
    str_fini(&text);
    return kept;
}

static int answer_step(struct answers *answers, struct serve *serve,
                       const struct wish *wish, struct span given, struct answer *answer,
                       struct err *err)
{
    struct span action = locks_action(serve, wish->action);
    bool is_read = span_is(json_get_raw(action, "effect"), "reads");
    int len = (int)wish->action.len;

    if (action.len == 0)
        return err_set(err, ERR_NOT_FOUND, "no trusted plugin offers %.*s", len,
                       wish->action.ptr);
    if (schema_match(json_get(action, "args"), wish->args, err) != 0 ||
        expiry_check(wish->args, err) != 0)
        return err_wrap(err, "%.*s", len, wish->action.ptr);
    if (json_get(given, "error").len > 0) {
        refuse(answers, wish, answer, json_get(given, "error"), "error");
        return 0;
    }
    if (is_read && given.len == 0)
        return err_set(err, ERR_NOT_FOUND, "the case has no answer for %.*s", len,
                       wish->action.ptr);
    if (!is_read) {
        answer->value = changed(answers, given);
        return 0;
    }
    if (json_kind(json_get(action, "result")) == JSON_OBJECT &&
        schema_match(json_get(action, "result"), given, err) != 0)
        return err_wrap(err, "the case's answer for %.*s is none that it could give", len,
                        wish->action.ptr);
    answer->value = given;
    return 0;
}

/* The clock goes on to the next look, or to the end of the time. */
static struct span answer_wait(struct answers *answers, struct span args)
{
    int64_t every_s = (json_get_int(args, "every", 1000) + 999) / 1000;
    int64_t at_s = json_get_int(args, "at", answers->now_s * 1000) / 1000;
    int64_t end_s = at_s + (json_get_int(args, "ms", 0) + 999) / 1000;
    bool is_first = json_get(args, "at").len == 0;
    bool is_over = !is_first && answers->now_s >= end_s;
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    if (!is_first && !is_over)
        answers->now_s +=
            answers->now_s + every_s < end_s ? every_s : end_s - answers->now_s;
    json_open(&out, '{');
    json_put_int(&out, "at", at_s * 1000);
    json_put_int(&out, "look", (answers->now_s - at_s) / every_s + 1);
    if (is_over)
        json_put_bool(&out, "timeout", true);
    if (!is_first)
        json_put_int(&out, "to", json_get_int(args, "of", 1));
    json_close(&out);
    struct span kept = span_of(arena_strdup(&answers->arena, str_text(&text)));
    str_fini(&text);
    return kept;
}

/* For the case, a wait sleeps between its looks: so it was written down before. */
static void show_wait(struct answers *answers, struct wish *wish, struct span answer)
{
    int64_t ms = json_get_int(wish->args, "every", 0);

    if (json_get(wish->args, "at").len == 0 || json_get(answer, "timeout").len > 0)
        return;
    wish->kind = span_of("sleep");
    wish->args = span_of(arena_printf(&answers->arena, "{\"ms\":%lld}", (long long)ms));
}

static int answer_other(struct answers *answers, const struct wish *wish, struct span given,
                        struct answer *answer, struct err *err)
{
    struct span kind = wish->kind;

    if (span_is(kind, "approve") && json_kind(given) == JSON_FALSE)
        refuse(answers, wish, answer, (struct span){ 0 }, "denied");
    else if (json_get(given, "error").len > 0)
        refuse(answers, wish, answer, json_get(given, "error"), "error");
    else if (span_is(kind, "approve"))
        answer->value = span_of("{\"by\":[\"tester\"]}");
    else if (given.len > 0)
        answer->value = given;
    else if (span_is(kind, "now"))
        answer->value =
            span_of(arena_printf(&answers->arena, "%lld", (long long)answers->now_s));
    else if (span_is(kind, "uuid"))
        answer->value =
            span_of(arena_printf(&answers->arena, "\"00000000-0000-4000-8000-%012lld\"",
                                 (long long)++answers->uuids));
    else if (span_is(kind, "random"))
        answer->value =
            json_get_int(wish->args, "n", 0) > 0 ? span_of("1") : span_of("0.5");
    else if (span_is(kind, "wait_until"))
        answer->value = answer_wait(answers, wish->args);
    else if (span_is(kind, "sleep") || span_is(kind, "rollback") ||
             span_is(kind, "atomic_undo") || is_quiet(wish))
        answer->value = span_of("null");
    else
        return err_set(err, ERR_NOT_FOUND, "the case has no answer for ctx.%.*s",
                       (int)kind.len, kind.ptr);
    return 0;
}

int answers_next(struct answers *answers, struct serve *serve, struct answer *answer,
                 struct err *err)
{
    struct span given;

    if (answers->at == answers->count)
        return err_set(err, ERR_INVALID,
                       "the playbook waits for nothing that it asked for");
    struct wish *wish = &answers->wishes[answers->at];
    if (find_given(answers, wish, &given, err) != 0)
        return err->code;
    *answer = (struct answer){ .branch = wish->branch, .n = wish->n, .ok = true };
    int rc = span_is(wish->kind, "step")
                 ? answer_step(answers, serve, wish, given, answer, err)
                 : answer_other(answers, wish, given, answer, err);
    if (rc == 0 && span_is(wish->kind, "wait_until"))
        show_wait(answers, wish, answer->value);
    else if (span_is(wish->kind, "sleep"))
        answers->now_s += (json_get_int(wish->args, "ms", 0) + 999) / 1000;
    answers->at++;
    return rc;
}

/* -- judging ------------------------------------------------------------------------------ */

/* "name" or { "name", {args} }. */
static void split_expected(struct span expected, struct span *name, struct span *args)
{
    size_t pos = 0;

    *args = (struct span){ 0 };
    if (json_kind(expected) != JSON_ARRAY) {
        *name = json_raw(expected);
        return;
    }
    *name = (struct span){ 0 };
    if (json_next(expected, &pos, NULL, name))
        *name = json_raw(*name);
    json_next(expected, &pos, NULL, args);
}

static int short_len(struct span span)
{
    return (int)(span.len < 200 ? span.len : 200);
}

static int judge_one(const struct wish *wish, int number, struct span expected,
                     struct err *err)
{
    struct span name, args;

    split_expected(expected, &name, &args);
    if (wish == NULL)
        return err_set(err, ERR_INVALID, "wish %d should be %.*s, and there is none",
                       number, short_len(name), name.ptr);
    if (!span_equal(name_of(wish), name))
        return err_set(err, ERR_INVALID, "wish %d should be %.*s, and is %.*s", number,
                       short_len(name), name.ptr, short_len(name_of(wish)),
                       name_of(wish).ptr);
    if (args.len > 0 && !json_has(wish->args, args))
        return err_set(err, ERR_INVALID,
                       "wish %d, %.*s: its arguments should have %.*s, and are %.*s",
                       number, short_len(name), name.ptr, short_len(args), args.ptr,
                       short_len(wish->args), wish->args.ptr);
    return 0;
}

static const struct wish *next_loud(const struct answers *answers, int *at)
{
    while (*at < answers->count && is_quiet(&answers->wishes[*at]))
        (*at)++;
    return *at < answers->count ? &answers->wishes[(*at)++] : NULL;
}

static int judge_wishes(const struct answers *answers, struct err *err)
{
    struct span list = json_get(answers->now, "expect"), expected;
    size_t pos = 0;
    int at = 0, number = 0;

    if (list.len == 0)
        return 0;
    while (json_next(list, &pos, NULL, &expected))
        if (judge_one(next_loud(answers, &at), ++number, expected, err) != 0)
            return err->code;
    const struct wish *more = next_loud(answers, &at);
    if (more != NULL)
        return err_set(err, ERR_INVALID, "after %d wishes it should end, and asks for %.*s",
                       number, short_len(name_of(more)), name_of(more).ptr);
    return 0;
}

static int judge_end(const struct answers *answers, const struct event *turn,
                     struct err *err)
{
    struct span ends = json_get_raw(answers->now, "ends");
    struct span code = json_get_raw(turn->json, "code");
    bool is_done = turn->number == VM_TURN_DONE;
    char *message = is_done ? NULL : json_get_text(turn->json, "message");
    int rc = 0;

    if (ends.len == 0)
        ends = span_of("done");
    bool is_right = span_is(ends, "done")     ? is_done
                    : span_is(ends, "failed") ? !is_done
                                              : !is_done && span_equal(code, ends);
    if (!is_right)
        rc = err_set(err, ERR_INVALID, "it should end with %.*s, and ends with %.*s%s%s",
                     short_len(ends), ends.ptr, is_done ? 4 : short_len(code),
                     is_done ? "done" : code.ptr, message != NULL ? ": " : "",
                     message != NULL ? message : "");
    free(message);
    return rc;
}

int answers_judge(struct answers *answers, const struct event *turn, struct err *err)
{
    struct span returns = json_get(answers->now, "returns");

    /* How it ended says more than what is missing because of that. */
    if (judge_end(answers, turn, err) != 0 || judge_wishes(answers, err) != 0)
        return err->code;
    if (returns.len > 0 && !json_has(turn->json, returns))
        return err_set(err, ERR_INVALID, "it should return %.*s, and returns %.*s",
                       short_len(returns), returns.ptr, short_len(turn->json),
                       turn->json.ptr);
    return 0;
}
