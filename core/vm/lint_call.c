/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a playbook says to actions: is there such a one, and do the arguments that stand
 * there literally keep its schema? What is computed is for the run to find out.
 */
#include "vm/lint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/schema.h"

enum { NAMES_MAX = 512, KEYS_MAX = 64 };

/* Is key (an action's full name) in the space? */
static bool is_in(struct span key, const char *space)
{
    size_t len = strlen(space);

    return key.len > len + 1 && memcmp(key.ptr, space, len) == 0 && key.ptr[len] == '.' &&
           memchr(key.ptr + len + 1, '.', key.len - len - 1) == NULL;
}

void lint_use(struct lint *lint, const struct token *name)
{
    const char *names[NAMES_MAX];
    const char *wanted = arena_dup(&lint->arena, name->text.ptr, name->text.len);
    struct span key, schema;
    size_t pos = 0, count = 0;

    while (json_next(lint->catalog, &pos, &key, &schema)) {
        if (is_in(key, wanted))
            return;
        const char *dot = memrchr(key.ptr, '.', key.len);
        if (dot != NULL && count < NAMES_MAX)
            names[count++] = arena_dup(&lint->arena, key.ptr, (size_t)(dot - key.ptr));
    }
    const char *nearest = schema_nearest(name->text, names, count);
    if (nearest != NULL)
        lint_find(lint, LINT_ERROR, name,
                  "there is nothing called %s to use; did you mean %s?", wanted, nearest);
    else
        lint_find(lint, LINT_ERROR, name,
                  "there is nothing called %s to use; cordon actions lists what is",
                  wanted);
}

static void find_no_action(struct lint *lint, const char *space, const struct token *action)
{
    const char *names[NAMES_MAX];
    struct span key, schema;
    size_t pos = 0, count = 0, len = strlen(space) + 1;
    bool has_space = false;

    while (json_next(lint->catalog, &pos, &key, &schema)) {
        if (!is_in(key, space) || count == NAMES_MAX)
            continue;
        has_space = true;
        names[count++] = arena_dup(&lint->arena, key.ptr + len, key.len - len);
    }
    if (!has_space)
        return; /* said at `use` */
    const char *nearest = schema_nearest(action->text, names, count);
    lint_find(lint, LINT_ERROR, action, "there is no action %s.%.*s%s%s%s", space,
              (int)action->text.len, action->text.ptr,
              nearest != NULL ? "; did you mean " : "", nearest != NULL ? nearest : "",
              nearest != NULL ? "?" : "");
}

/* -- Arguments ---------------------------------------------------------------------------- */

struct call {
    struct lint *lint;
    const char *action;
    struct span schema;
    struct span keys[KEYS_MAX]; /* that stand there */
    size_t key_count;
    bool is_open; /* there may be more: a computed key */
    bool is_ctx;  /* not an action, but a function of ctx */
};

/* The token now as JSON, when it is a literal with nothing computed behind it. */
static bool literal(struct lint *lint, struct str *json)
{
    struct json_out out = { .str = json };
    const struct token *token = &lint->now;
    int64_t whole;
    bool is_alone = lint->has_ahead && lint->ahead.kind == TOKEN_SIGN &&
                    (span_is(lint->ahead.text, ",") || span_is(lint->ahead.text, ";") ||
                     span_is(lint->ahead.text, "}"));

    if (!is_alone)
        return false;
    if (token->kind == TOKEN_STRING &&
        memchr(token->text.ptr, '\\', token->text.len) == NULL)
        json_string_span(&out, token->text);
    else if (token->kind == TOKEN_NUMBER && span_int(token->text, &whole))
        json_integer(&out, whole);
    else if (lint_is(lint, "true") || lint_is(lint, "false"))
        json_boolean(&out, lint_is(lint, "true"));
    else
        return false;
    return true;
}

static void check_value(struct call *call, struct span schema, const struct token *name)
{
    struct str json = { 0 };
    struct token at = call->lint->now;
    struct err err;

    if (literal(call->lint, &json) && schema_match(schema, str_span(&json), &err) != 0)
        lint_find(call->lint, LINT_ERROR, &at, "%s: %.*s: %s", call->action,
                  (int)name->text.len, name->text.ptr, err.text);
    str_fini(&json);
}

static void find_no_argument(struct call *call, const struct token *name)
{
    const char *names[NAMES_MAX];
    struct span key, value, properties = json_get(call->schema, "properties");
    size_t pos = 0, count = 0;

    while (json_next(properties, &pos, &key, &value) && count < NAMES_MAX)
        names[count++] = arena_dup(&call->lint->arena, key.ptr, key.len);
    const char *nearest = schema_nearest(name->text, names, count);
    lint_find(call->lint, LINT_ERROR, name, "%s has no argument '%.*s'%s%s%s", call->action,
              (int)name->text.len, name->text.ptr,
              nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
              nearest != NULL ? "'?" : "");
}

/* At a text that names a channel. */
static void check_channel(struct call *call)
{
    struct lint *lint = call->lint;
    const char *names[NAMES_MAX];
    struct span name;
    size_t pos = 0, count = 0;

    while (json_next(lint->channels, &pos, NULL, &name) && count < NAMES_MAX) {
        struct span raw = json_raw(name);

        if (span_equal(raw, lint->now.text))
            return;
        names[count++] = arena_dup(&lint->arena, raw.ptr, raw.len);
    }
    const char *nearest = schema_nearest(lint->now.text, names, count);
    lint_find(
        lint, count > 0 ? LINT_ERROR : LINT_WARNING, &lint->now,
        "%s: notify: there is no channel '%.*s' in notify.channels of cordon.lua%s%s%s",
        call->action, (int)lint->now.text.len, lint->now.text.ptr,
        nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
        nearest != NULL ? "'?" : "");
}

/* At "{": texts that stand there are looked at, whatever is computed is not. */
static void channel_list(struct call *call)
{
    struct lint *lint = call->lint;

    lint_step(lint);
    while (lint->has_now && !lint_is(lint, "}")) {
        bool is_alone = lint->has_ahead && lint->ahead.kind == TOKEN_SIGN &&
                        (span_is(lint->ahead.text, ",") || span_is(lint->ahead.text, ";") ||
                         span_is(lint->ahead.text, "}"));

        if (lint->now.kind == TOKEN_STRING && is_alone)
            check_channel(call);
        lint_expression(lint);
        if (lint_is(lint, ",") || lint_is(lint, ";"))
            lint_step(lint);
        else if (!lint_is(lint, "}"))
            return; /* no list: what it is the caller's caller finds out */
    }
    lint_step(lint);
}

/* At a name in front of "=". */
static void argument(struct call *call)
{
    struct lint *lint = call->lint;
    struct token name = lint->now;
    char key[128];

    snprintf(key, sizeof key, "%.*s", (int)name.text.len, name.text.ptr);
    lint_step(lint); /* = */
    lint_step(lint); /* value */
    if (call->key_count < KEYS_MAX)
        call->keys[call->key_count++] = name.text;
    struct span property = json_get(json_get(call->schema, "properties"), key);
    if (property.len > 0)
        check_value(call, property, &name);
    else if (!json_get_bool(call->schema, "additionalProperties", true))
        find_no_argument(call, &name);
    if (call->is_ctx && strcmp(key, "notify") == 0 && lint_is(lint, "{"))
        channel_list(call);
    else
        lint_expression(lint);
}

/* At "{". */
static void argument_table(struct call *call)
{
    struct lint *lint = call->lint;

    lint_step(lint);
    while (lint->has_now && !lint_is(lint, "}")) {
        bool is_sign_ahead = lint->has_ahead && lint->ahead.kind == TOKEN_SIGN;
        if (lint->now.kind == TOKEN_NAME && is_sign_ahead &&
            span_is(lint->ahead.text, "=")) {
            argument(call);
        } else if (lint_is(lint, "[")) {
            call->is_open = true;
            lint_step(lint);
            lint_expression(lint);
            lint_step(lint); /* ] */
            lint_step(lint); /* = */
            lint_expression(lint);
        } else {
            lint_find(lint, LINT_ERROR, &lint->now,
                      "%s takes fields with names, as in { name = value }", call->action);
            lint_expression(lint);
        }
        if (lint_is(lint, ",") || lint_is(lint, ";"))
            lint_step(lint);
    }
    lint_step(lint);
}

static bool has_key(const struct call *call, struct span wanted)
{
    for (size_t i = 0; i < call->key_count; i++)
        if (span_equal(call->keys[i], wanted))
            return true;
    return false;
}

static void check_required(struct call *call, const struct token *at)
{
    struct span item, required = json_get(call->schema, "required");
    size_t pos = 0;

    while (!call->is_open && json_next(required, &pos, NULL, &item)) {
        struct span name = json_raw(item);
        if (!has_key(call, name))
            lint_find(call->lint, LINT_ERROR, at, "%s wants the argument '%.*s'",
                      call->action, (int)name.len, name.ptr);
    }
}

static void check_expiry(struct call *call, const struct token *at)
{
    bool is_ours = json_path(call->schema, "properties.on_expire").len > 0;

    if (is_ours && !call->is_open && has_key(call, span_of("on_expire")) &&
        !has_key(call, span_of("expires")))
        lint_find(call->lint, LINT_ERROR, at,
                  "%s: on_expire wants expires beside it: for how long is it?",
                  call->action);
}

/* Behind the name: what is called with a table is held against the schema. */
static void look_at_call(struct call *call, const struct token *name)
{
    struct lint *lint = call->lint;
    bool is_bracket = lint_is(lint, "(") && lint->has_ahead;

    if (lint_is(lint, "{")) {
        argument_table(call);
        check_required(call, name);
        check_expiry(call, name);
    } else if (is_bracket && lint->ahead.kind == TOKEN_SIGN &&
               span_is(lint->ahead.text, ")")) {
        check_required(call, name);
    } else if (lint->has_now && lint->now.kind == TOKEN_STRING) {
        lint_find(lint, LINT_ERROR, &lint->now, "%s takes one table, as in %.*s { ... }",
                  call->action, (int)name->text.len, name->text.ptr);
    }
}

void lint_action(struct lint *lint, const char *space, const struct token *action)
{
    char *full = arena_printf(&lint->arena, "%s.%.*s", space, (int)action->text.len,
                              action->text.ptr);
    struct call call = { .lint = lint, .action = full };

    call.schema = json_get(lint->catalog, full);
    if (call.schema.len == 0)
        find_no_action(lint, space, action);
    else
        look_at_call(&call, action);
}

/* What ctx.c and opts.c look at in a run, as far as it can stand there literally. */
#define TEXT "{\"type\":\"string\",\"minLength\":1}"
#define SPAN "{\"type\":[\"string\",\"integer\"],\"format\":\"duration\",\"minimum\":0}"
static const struct {
    const char *member, *schema;
} ctx_tables[] = {
    { "approve",
      "{\"additionalProperties\":false,\"required\":[\"title\"],\"properties\":{"
      "\"title\":" TEXT ",\"detail\":" TEXT ",\"from\":" TEXT ",\"within\":" SPAN
      ",\"need\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100},\"escalate\":{},"
      "\"notify\":{},"
      "\"on_timeout\":{\"type\":\"string\",\"enum\":[\"hold\",\"deny\",\"escalate\"]}}}" },
    { "ask",
      "{\"additionalProperties\":false,\"required\":[\"title\"],\"properties\":{"
      "\"title\":" TEXT ",\"detail\":" TEXT ",\"from\":" TEXT ",\"within\":" SPAN
      ",\"choices\":{},\"notify\":{},\"type\":{\"type\":\"string\",\"enum\":[\"string\","
      "\"integer\",\"number\",\"boolean\",\"arm_id\",\"ip\",\"uuid\","
      "\"duration\",\"time\"]}}}" },
};

void lint_ctx(struct lint *lint, const struct token *member)
{
    for (size_t i = 0; i < sizeof ctx_tables / sizeof *ctx_tables; i++) {
        if (!span_is(member->text, ctx_tables[i].member))
            continue;
        struct call call = { .lint = lint,
                             .schema = span_of(ctx_tables[i].schema),
                             .is_ctx = true };

        call.action = arena_printf(&lint->arena, "ctx.%s", ctx_tables[i].member);
        look_at_call(&call, member);
    }
}
