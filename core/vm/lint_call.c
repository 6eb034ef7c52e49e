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
    bool is_open;       /* there may be more: a computed key */
    bool is_ctx;        /* not an action, but a function of ctx */
    struct span callee; /* of ctx.call, when it stands there; empty */
    bool has_table;     /* the table of arguments stands there */
    struct lint_gate gate;
    struct lint_groups *groups; /* gets the groups that are met; NULL */
};

/* The token as JSON, when it is a literal. */
static bool literal_at(const struct token *token, struct str *json)
{
    struct json_out out = { .str = json };
    bool is_name = token->kind == TOKEN_NAME;
    int64_t whole;

    if (token->kind == TOKEN_STRING &&
        memchr(token->text.ptr, '\\', token->text.len) == NULL)
        json_string_span(&out, token->text);
    else if (token->kind == TOKEN_NUMBER && span_int(token->text, &whole))
        json_integer(&out, whole);
    else if (is_name && (span_is(token->text, "true") || span_is(token->text, "false")))
        json_boolean(&out, span_is(token->text, "true"));
    else
        return false;
    return true;
}

/* The token now as JSON, when it is a literal with nothing computed behind it. */
static bool literal(struct lint *lint, struct str *json)
{
    bool is_alone = lint->has_ahead && lint->ahead.kind == TOKEN_SIGN &&
                    (span_is(lint->ahead.text, ",") || span_is(lint->ahead.text, ";") ||
                     span_is(lint->ahead.text, "}"));

    return is_alone && literal_at(&lint->now, json);
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

/* At a text in from, need or escalate: want a group of the policy. */
static void check_group(struct call *call)
{
    struct lint *lint = call->lint;
    struct span key, value, groups = json_get(lint->known, "groups");
    const char *names[NAMES_MAX];
    size_t pos = 0, count = 0;

    if (groups.len == 0)
        return;
    while (json_next(groups, &pos, &key, &value) && count < NAMES_MAX) {
        if (span_equal(key, lint->now.text)) {
            lint_keep_group(call->groups, key);
            return;
        }
        names[count++] = arena_dup(&lint->arena, key.ptr, key.len);
    }
    const char *nearest = schema_nearest(lint->now.text, names, count);
    lint_find(lint, LINT_ERROR, &lint->now,
              "%s: the policy has no group '%.*s', so nobody could approve%s%s%s",
              call->action, (int)lint->now.text.len, lint->now.text.ptr,
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

    while (json_next(json_get(lint->known, "channels"), &pos, NULL, &name) &&
           count < NAMES_MAX) {
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

typedef void check_text_fn(struct call *call);

static bool is_alone(const struct lint *lint)
{
    return lint->has_ahead && lint->ahead.kind == TOKEN_SIGN &&
           (span_is(lint->ahead.text, ",") || span_is(lint->ahead.text, ";") ||
            span_is(lint->ahead.text, "}"));
}

/* At "{": texts that stand there are looked at; computed values are not. How many items;
 * -1: the table is no plain list. */
static int text_list(struct call *call, check_text_fn *check)
{
    struct lint *lint = call->lint;
    int count = 0;

    lint_step(lint);
    while (lint->has_now && !lint_is(lint, "}")) {
        if (lint->now.kind == TOKEN_STRING && is_alone(lint))
            check(call);
        lint_expression(lint);
        count++;
        if (lint_is(lint, ",") || lint_is(lint, ";"))
            lint_step(lint);
        else if (!lint_is(lint, "}"))
            return -1;
    }
    lint_step(lint);
    return count;
}

/* At the value of from, or of need: a group, or a list of groups. */
static void groups_value(struct call *call, const struct token *name,
                         struct lint_groups *groups)
{
    struct lint *lint = call->lint;
    size_t before = groups->count;
    bool is_list = lint_is(lint, "{");
    int count = 1;

    groups->is_there = true;
    call->groups = groups;
    if (lint->now.kind == TOKEN_STRING && lint->has_now && is_alone(lint))
        check_group(call);
    if (is_list)
        count = text_list(call, check_group);
    else
        lint_expression(lint);
    call->groups = NULL;
    /* A group that is not there has its own finding. */
    groups->is_computed =
        groups->is_computed || count < 0 || groups->count - before != (size_t)count;
    if (is_list && count == 0) {
        lint_find(lint, LINT_ERROR, name,
                  "%s: %.*s is an empty list, so nobody could approve; want groups of the "
                  "policy, or leave it out to ask every group",
                  call->action, (int)name->text.len, name->text.ptr);
    }
}

/* At the value of need: how many, or a list of groups with a person of each. */
static void need_value(struct call *call, const struct token *name)
{
    struct lint *lint = call->lint;
    struct lint_gate *gate = &call->gate;

    if (lint_is(lint, "{")) {
        groups_value(call, name, &gate->slots);
        return;
    }
    gate->is_need_computed = lint->now.kind != TOKEN_NUMBER || !is_alone(lint) ||
                             !span_int(lint->now.text, &gate->need);
    lint_expression(lint);
}

static bool is_named_value(const struct lint *lint)
{
    return lint->now.kind == TOKEN_NAME && lint->has_ahead &&
           lint->ahead.kind == TOKEN_SIGN && span_is(lint->ahead.text, "=");
}

/* At the "{" of a list: each item that stands there literally against the schema of items. */
static void list_value(struct call *call, struct span items, const struct token *name)
{
    struct lint *lint = call->lint;

    lint_step(lint);
    while (lint->has_now && !lint_is(lint, "}")) {
        if (lint_is(lint, "[")) { /* [key] = */
            lint_step(lint);
            lint_expression(lint);
            lint_step(lint);
            lint_step(lint);
        } else if (is_named_value(lint)) {
            lint_step(lint);
            lint_step(lint);
        }
        check_value(call, items, name);
        lint_expression(lint);
        if (lint_is(lint, ",") || lint_is(lint, ";"))
            lint_step(lint);
        else if (!lint_is(lint, "}"))
            return;
    }
    lint_step(lint);
}

/* At the "{" of a link of a chain: { after = "30m", from = "leads" }. */
static void chain_link(struct call *call)
{
    struct lint *lint = call->lint;

    lint_step(lint);
    while (lint->has_now && !lint_is(lint, "}")) {
        struct token name = lint->now;
        bool is_named = is_named_value(lint);

        if (is_named) {
            lint_step(lint); /* = */
            lint_step(lint); /* value */
        }
        if (is_named && span_is(name.text, "from"))
            groups_value(call, &name, &call->gate.chain);
        else
            lint_expression(lint);
        if (lint_is(lint, ",") || lint_is(lint, ";"))
            lint_step(lint);
        else if (!lint_is(lint, "}"))
            return;
    }
    lint_step(lint);
}

/* At the value of escalate: links that stand there are looked at; computed ones are not. */
static void chain_value(struct call *call)
{
    struct lint *lint = call->lint;

    call->gate.chain.is_there = true;
    call->gate.chain.is_computed = !lint_is(lint, "{");
    if (call->gate.chain.is_computed) {
        lint_expression(lint);
        return;
    }
    lint_step(lint);
    while (lint->has_now && !lint_is(lint, "}")) {
        call->gate.chain.is_computed = call->gate.chain.is_computed || !lint_is(lint, "{");
        if (lint_is(lint, "{"))
            chain_link(call);
        else
            lint_expression(lint);
        if (lint_is(lint, ",") || lint_is(lint, ";"))
            lint_step(lint);
        else if (!lint_is(lint, "}"))
            return;
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
        text_list(call, check_channel);
    else if (call->is_ctx && strcmp(key, "escalate") == 0)
        chain_value(call);
    else if (call->is_ctx && strcmp(key, "from") == 0)
        groups_value(call, &name, &call->gate.from);
    else if (call->is_ctx && strcmp(key, "need") == 0)
        need_value(call, &name);
    else if (lint_is(lint, "{") && lint_items(property).len > 0)
        list_value(call, lint_items(property), &name);
    else
        lint_expression(lint);
}

/* At "{". */
static void argument_table(struct call *call)
{
    struct lint *lint = call->lint;

    call->has_table = true;
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

static bool ends_value(const struct lint *lint)
{
    return lint->has_ahead && lint->ahead.kind == TOKEN_SIGN &&
           (span_is(lint->ahead.text, ",") || span_is(lint->ahead.text, ")"));
}

static void find_no_table(struct call *call, const struct token *at,
                          const struct token *name)
{
    lint_find(call->lint, LINT_ERROR, at, "%s takes one table, as in %.*s { ... }",
              call->action, (int)name->text.len, name->text.ptr);
}

/* At the "(" in front of a value that is no table which stands there. A variable may hold one;
 * a text, or a parameter that is declared as something else, does not. */
static void look_at_value(struct call *call, const struct token *name)
{
    struct lint *lint = call->lint;
    struct token at = lint->ahead;

    lint_step(lint);
    bool is_text = at.kind == TOKEN_STRING && ends_value(lint);
    lint_expression(lint);
    struct span type = json_get_raw(lint->value, "type");
    if (is_text || (type.len > 0 && !span_is(type, "object")))
        find_no_table(call, &at, name);
    while (lint->has_now && !lint_is(lint, ")")) {
        lint_step(lint);
        lint_expression(lint);
    }
    lint_step(lint);
}

/* Behind the name: what is called with a table is held against the schema. */
static void look_at_call(struct call *call, const struct token *name)
{
    struct lint *lint = call->lint;
    bool is_bracket = lint_is(lint, "(") && lint->has_ahead;

    if (is_bracket && lint->ahead.kind == TOKEN_SIGN && span_is(lint->ahead.text, "{")) {
        lint_step(lint);
        argument_table(call);
        check_required(call, name);
        check_expiry(call, name);
        while (lint->has_now && !lint_is(lint, ")")) {
            if (lint_is(lint, ","))
                lint_find(lint, LINT_ERROR, &lint->now, "%s takes one table", call->action);
            lint_step(lint);
            lint_expression(lint);
        }
        lint_step(lint);
    } else if (lint_is(lint, "{")) {
        argument_table(call);
        check_required(call, name);
        check_expiry(call, name);
    } else if (is_bracket && lint->ahead.kind == TOKEN_SIGN &&
               span_is(lint->ahead.text, ")")) {
        check_required(call, name);
    } else if (is_bracket) {
        look_at_value(call, name);
    } else if (lint->has_now && lint->now.kind == TOKEN_STRING) {
        find_no_table(call, &lint->now, name);
    }
}

void lint_action(struct lint *lint, const char *space, const struct token *action)
{
    char *full = arena_printf(&lint->arena, "%s.%.*s", space, (int)action->text.len,
                              action->text.ptr);
    struct call call = { .lint = lint, .action = full };

    call.schema = json_get(lint->catalog, full);
    if (call.schema.len == 0) {
        find_no_action(lint, space, action);
        return;
    }
    bool is_table = lint_is(lint, "{") ||
                    (lint_is(lint, "(") && lint->has_ahead &&
                     lint->ahead.kind == TOKEN_SIGN && span_is(lint->ahead.text, "{"));
    look_at_call(&call, action);
    lint->value = (struct span){ 0 };
    if (is_table) /* all of the call has been taken */
        lint->value =
            lint_fields(lint, json_get(json_get(lint->known, "results"), full), full);
}

/* What ctx.c and opts.c look at in a run, as far as it can stand there literally. */
#define TEXT "{\"type\":\"string\",\"minLength\":1}"
#define SPAN "{\"type\":[\"string\",\"number\"],\"format\":\"period\",\"minimum\":0.001}"
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

/* What the functions with values in brackets take. The value at the place of the table, from
 * 1, may be a table of the schema. */
static const struct signature {
    const char *member;
    int least, most;
    const char *first; /* schema of the first value, when it stands there literally */
    int table_at;
    const char *table;
} signatures[] = {
    { "now", 0, 0, NULL, 0, NULL },
    { "uuid", 0, 0, NULL, 0, NULL },
    { "random", 0, 1, "{\"type\":\"integer\",\"minimum\":1,\"maximum\":2147483647}", 0,
      NULL },
    { "sleep", 1, 1, SPAN, 0, NULL },
    { "note", 1, 1, "{\"type\":\"string\"}", 0, NULL },
    { "atomic", 1, 1, "{\"type\":\"null\"}", 0, NULL },
    { "all", 1, 1, "{\"type\":\"null\"}", 0, NULL },
    { "call", 1, 2, TEXT, 2, NULL },
    { "each", 2, 3, "{\"type\":\"null\"}", 3,
      "{\"additionalProperties\":false,\"properties\":{\"at_once\":{\"type\":\"integer\","
      "\"minimum\":1}}}" },
    { "wait_until", 1, 2, "{\"type\":\"null\"}", 2,
      "{\"additionalProperties\":false,\"properties\":{\"every\":" SPAN ",\"within\":" SPAN
      "}}" },
    { "signal", 1, 2, TEXT, 2,
      "{\"additionalProperties\":false,\"properties\":{\"within\":" SPAN "}}" },
    { "rollback", 0, 1, NULL, 1,
      "{\"additionalProperties\":false,\"properties\":{\"to\":" TEXT ",\"target\":" TEXT
      "}}" },
};

/* The first value, when it is a literal, against its schema. */
static void check_first(struct call *call, const struct signature *signature)
{
    struct str json = { 0 };
    struct token at = call->lint->now;
    struct err err;

    if (signature->first != NULL && ends_value(call->lint) && literal_at(&at, &json) &&
        schema_match(span_of(signature->first), str_span(&json), &err) != 0)
        lint_find(call->lint, LINT_ERROR, &at, "%s: %s", call->action,
                  strstr(signature->first, "null") != NULL
                      ? "want a function or a list here"
                      : err.text);
    str_fini(&json);
}

/* At the first value of ctx.call: a playbook that is there? Then the schema of its parameters
 * is that of the second value. */
static void take_callee(struct call *call)
{
    struct lint *lint = call->lint;
    struct span playbooks = json_get(lint->known, "playbooks"), key, params;
    const char *names[NAMES_MAX];
    size_t pos = 0, count = 0;

    if (lint->now.kind != TOKEN_STRING || !ends_value(lint) || playbooks.len == 0)
        return;
    while (json_next(playbooks, &pos, &key, &params)) {
        if (span_equal(key, lint->now.text)) {
            call->callee = key;
            call->schema = params;
            return;
        }
        if (count < NAMES_MAX)
            names[count++] = arena_dup(&lint->arena, key.ptr, key.len);
    }
    const char *nearest = schema_nearest(lint->now.text, names, count);
    lint_find(
        lint, LINT_ERROR, &lint->now,
        "ctx.call: there is no playbook '%.*s', neither in cordon.lua's playbooks nor "
        "beside this file%s%s%s",
        (int)lint->now.text.len, lint->now.text.ptr,
        nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
        nearest != NULL ? "'?" : "");
}

/* What the callee requires and is not given; at the name behind "ctx.". */
static void check_callee(struct call *call, const struct token *name, int count)
{
    if (call->callee.len == 0 || json_kind(call->schema) != JSON_OBJECT)
        return;
    const char *action = call->action;

    call->is_open = call->is_open || (count > 1 && !call->has_table);
    call->action = arena_printf(&call->lint->arena, "playbook %.*s", (int)call->callee.len,
                                call->callee.ptr);
    check_required(call, name);
    call->action = action;
}

/* At "(": all values up to ")". */
static void values(struct call *call, const struct signature *signature,
                   const struct token *name)
{
    struct lint *lint = call->lint;
    int count = 0;
    bool may_be_more = false; /* the last one gives as many as it likes */

    lint_step(lint);
    while (lint->has_now && !lint_is(lint, ")")) {
        count++;
        may_be_more = lint_is(lint, "...") || lint->now.kind == TOKEN_NAME;
        if (count == 1)
            check_first(call, signature);
        if (count == 1 && strcmp(signature->member, "call") == 0)
            take_callee(call);
        bool is_table = count == signature->table_at && lint_is(lint, "{");
        call->has_table = call->has_table || is_table;
        if (is_table)
            argument_table(call);
        else
            lint_expression(lint);
        if (lint_is(lint, ","))
            lint_step(lint);
    }
    lint_step(lint);
    check_callee(call, name, count);
    if (count > signature->most || (count < signature->least && !may_be_more))
        lint_find(lint, LINT_ERROR, name, "%s takes %s%d value%s, got %d", call->action,
                  signature->least == signature->most ? ""
                  : count < signature->least          ? "at least "
                                                      : "at most ",
                  count < signature->least ? signature->least : signature->most,
                  signature->most == 1 ? "" : "s", count);
}

static void function_of_ctx(struct call *call, const struct signature *signature,
                            const struct token *member)
{
    struct lint *lint = call->lint;

    if (lint_is(lint, "(")) {
        values(call, signature, member);
    } else if (lint_is(lint, "{") && signature->table_at == 1) {
        argument_table(call);
    } else if (lint_is(lint, "{") && signature->first != NULL &&
               strstr(signature->first, "null") == NULL) {
        lint_find(lint, LINT_ERROR, &lint->now, "%s takes no table here", call->action);
    }
}

void lint_ctx(struct lint *lint, const struct token *member)
{
    struct call call = { .lint = lint, .is_ctx = true };

    call.action =
        arena_printf(&lint->arena, "ctx.%.*s", (int)member->text.len, member->text.ptr);
    for (size_t i = 0; i < sizeof ctx_tables / sizeof *ctx_tables; i++) {
        if (!span_is(member->text, ctx_tables[i].member))
            continue;
        call.schema = span_of(ctx_tables[i].schema);
        look_at_call(&call, member);
        call.gate.name = call.action;
        call.gate.at = *member;
        if (call.has_table && !call.is_open)
            lint_people(lint, &call.gate);
    }
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        if (!span_is(member->text, signatures[i].member))
            continue;
        call.schema = span_of(signatures[i].table != NULL ? signatures[i].table : "{}");
        function_of_ctx(&call, &signatures[i], member);
    }
    lint->value = (struct span){ 0 };
}
