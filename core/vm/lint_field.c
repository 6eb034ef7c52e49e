/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/lint_field.c - fields of values whose shape is declared: parameters of the playbook,
 * members of alerts, results of actions; and what on_alert gives to the playbook.
 */
#include "vm/lint.h"

#include <string.h>

#include "base/alert_reach.h"
#include "base/err.h"
#include "base/schema.h"

enum { FIELD_NAMES_MAX = 512 };

/* -- A first look ------------------------------------------------------------------------- */

static void see(struct lint *lint, struct span name, enum lint_role role)
{
    if (lint->seen_count < LINT_SEEN_MAX)
        lint->seen[lint->seen_count++] = (struct lint_seen){ name, role };
}

static bool is_sign(const struct token *token, const char *text)
{
    return token->kind == TOKEN_SIGN && span_is(token->text, text);
}

static bool ends_field(const struct token *token)
{
    return is_sign(token, ",") || is_sign(token, ";") || is_sign(token, "}");
}

/* "run = NAME," makes an entry of a local function; ".NAME =" makes a field. */
static void look(struct lint *lint, const struct token four[4], bool is_behind)
{
    struct span name = four[0].text;

    if (is_sign(&four[0], ".") && four[1].kind == TOKEN_NAME && is_sign(&four[2], "="))
        see(lint, four[1].text, LINT_NO_ROLE);
    if (!is_behind || four[0].kind != TOKEN_NAME || !is_sign(&four[1], "=") ||
        four[2].kind != TOKEN_NAME || !ends_field(&four[3]))
        return;
    if (span_is(name, "run") || span_is(name, "recover"))
        see(lint, four[2].text, LINT_ENTRY);
    else if (span_is(name, "params"))
        see(lint, four[2].text, LINT_ON_ALERT);
}

void lint_look_ahead(struct lint *lint, struct span source)
{
    struct token four[4] = { { .kind = TOKEN_SIGN } };
    struct token_reader in;
    bool is_behind = false; /* playbook has been seen */

    token_start(&in, source);
    while (token_next(&in, &four[3])) {
        look(lint, four, is_behind);
        is_behind =
            is_behind || (four[3].kind == TOKEN_NAME && span_is(four[3].text, "playbook"));
        memmove(four, four + 1, 3 * sizeof *four);
    }
    four[3] = (struct token){ .kind = TOKEN_SIGN };
    look(lint, four, is_behind);
}

enum lint_role lint_role_of(const struct lint *lint, struct span name)
{
    for (size_t i = 0; i < lint->seen_count; i++)
        if (lint->seen[i].role != LINT_NO_ROLE && span_equal(lint->seen[i].text, name))
            return lint->seen[i].role;
    return LINT_NO_ROLE;
}

/* A field that the playbook itself writes somewhere is none of the declaration's. */
static bool is_written(const struct lint *lint, struct span name)
{
    for (size_t i = 0; i < lint->seen_count; i++)
        if (lint->seen[i].role == LINT_NO_ROLE && span_equal(lint->seen[i].text, name))
            return true;
    return lint->seen_count == LINT_SEEN_MAX;
}

/* -- Fields ------------------------------------------------------------------------------- */

static struct span property(struct span schema, struct span name)
{
    struct span key, value;
    size_t pos = 0;

    while (json_next(json_get(schema, "properties"), &pos, &key, &value))
        if (span_equal(key, name))
            return value;
    return (struct span){ 0 };
}

/* Are the properties all that there can be? */
static bool is_closed(struct span schema)
{
    return span_is(json_get_raw(schema, "type"), "object") &&
           json_count(json_get(schema, "properties")) > 0 &&
           !json_bool(json_get(schema, "additionalProperties"), false) &&
           json_kind(json_get(schema, "additionalProperties")) != JSON_OBJECT;
}

/* "; did you mean 'x'?", or "; it has a, b and c". */
static const char *those_there(struct lint *lint, struct span schema, struct span name)
{
    const char *names[FIELD_NAMES_MAX];
    struct str text = { 0 };
    struct span key, value;
    size_t pos = 0, count = 0;

    while (count < FIELD_NAMES_MAX &&
           json_next(json_get(schema, "properties"), &pos, &key, &value))
        names[count++] = arena_dup(&lint->arena, key.ptr, key.len);
    const char *nearest = schema_nearest(name, names, count);
    if (nearest != NULL)
        str_printf(&text, "; did you mean '%s'?", nearest);
    for (size_t i = 0; nearest == NULL && i < count && i < 12; i++)
        str_printf(&text, "%s%s", i == 0 ? "; it has " : ", ", names[i]);
    const char *kept = arena_dup(&lint->arena, str_text(&text), text.len);
    str_fini(&text);
    return kept;
}

static void find_no_field(struct lint *lint, const struct token *name, struct span schema,
                          const char *what)
{
    lint_find(lint, LINT_ERROR, name, "%s has no '%.*s'%s", what, (int)name->text.len,
              name->text.ptr, those_there(lint, schema, name->text));
}

struct span lint_items(struct span schema)
{
    return span_is(json_get_raw(schema, "type"), "array") ? json_get(schema, "items")
                                                          : (struct span){ 0 };
}

/* At ".": the field's schema. */
static struct span field(struct lint *lint, struct span schema, const char *what)
{
    lint_step(lint);
    struct token name = lint->now;
    struct span found = property(schema, name.text);

    lint_step(lint);
    if (span_is(json_get_raw(schema, "type"), "array"))
        lint_find(lint, LINT_ERROR, &name, "%s is a list: take one of its items, as in [1]",
                  what);
    else if (found.len == 0 && is_closed(schema) && !is_written(lint, name.text))
        find_no_field(lint, &name, schema, what);
    return found;
}

/* At "[": the item's schema. */
static struct span item(struct lint *lint, struct span schema)
{
    lint_step(lint);
    lint_expression(lint);
    if (lint_is(lint, "]"))
        lint_step(lint);
    return lint_items(schema);
}

struct span lint_fields(struct lint *lint, struct span schema, const char *what)
{
    while (schema.len > 0 && (lint_is(lint, ".") || lint_is(lint, "["))) {
        if (lint_is(lint, ".")) {
            const char *path =
                arena_printf(&lint->arena, "%s.%.*s", what, (int)lint->ahead.text.len,
                             lint->ahead.text.ptr);

            schema = field(lint, schema, what);
            what = path;
        } else {
            schema = item(lint, schema);
        }
    }
    return schema;
}

/* "Microsoft.Web/sites". */
static bool is_type(struct span text)
{
    const char *slash = memchr(text.ptr, '/', text.len);

    return slash != NULL && memchr(text.ptr, '.', (size_t)(slash - text.ptr)) != NULL &&
           slash + 1 < text.ptr + text.len;
}

/* Behind alert.resource or alert.all: the type, when it stands there. */
static void check_type(struct lint *lint)
{
    const struct token *type = lint_is(lint, "(") ? &lint->ahead : &lint->now;

    if (type->kind == TOKEN_STRING && !is_type(type->text))
        lint_find(lint, LINT_ERROR, type,
                  "no resource is of the type '%.*s': want one like 'Microsoft.Web/sites'",
                  (int)type->text.len, type->text.ptr);
}

void lint_alert(struct lint *lint)
{
    bool is_choice = lint_is(lint, ".") && (span_is(lint->ahead.text, "resource") ||
                                            span_is(lint->ahead.text, "all"));

    lint->value = lint_fields(lint, json_get(lint->known, "alert"), "the alert");
    if (is_choice && lint->has_now)
        check_type(lint);
}

/* -- Parameters --------------------------------------------------------------------------- */

static void check_param(struct lint *lint, const struct token *name)
{
    if (lint->params.len > 0 && property(lint->params, name->text).len == 0 &&
        !is_written(lint, name->text))
        lint_find(lint, LINT_ERROR, name, "the playbook declares no parameter '%.*s'%s",
                  (int)name->text.len, name->text.ptr,
                  those_there(lint, lint->params, name->text));
}

void lint_param(struct lint *lint)
{
    bool is_dot = lint_is(lint, ".");

    lint_step(lint);
    struct token name = lint->now;
    if (is_dot) {
        lint_step(lint);
        check_param(lint, &name);
        lint->value = is_written(lint, name.text) ? (struct span){ 0 }
                                                  : property(lint->params, name.text);
        return;
    }
    bool is_text = name.kind == TOKEN_STRING && is_sign(&lint->ahead, "]");
    lint_expression(lint);
    if (is_text)
        check_param(lint, &name);
    if (lint_is(lint, "]"))
        lint_step(lint);
}

/* -- on_alert ----------------------------------------------------------------------------- */

static void give(struct lint *lint, const struct token *name)
{
    str_printf(&lint->given, "%.*s,", (int)name->text.len, name->text.ptr);
    check_param(lint, name);
}

void lint_given(struct lint *lint)
{
    lint->gives_some = true;
    lint_step(lint);
    while (lint->has_now && !lint_is(lint, "}")) {
        struct token name = lint->now;

        if (name.kind == TOKEN_NAME && is_sign(&lint->ahead, "=")) {
            lint_step(lint);
            lint_step(lint);
            give(lint, &name);
        } else {
            lint->gives_unknown = true;
            if (lint_is(lint, "["))
                lint_step(lint);
            lint_expression(lint);
            if (!lint_is(lint, "]"))
                continue;
            lint_step(lint);
            lint_step(lint);
        }
        lint_expression(lint);
        if (lint_is(lint, ",") || lint_is(lint, ";"))
            lint_step(lint);
    }
    lint_step(lint);
}

static bool is_given(const struct lint *lint, struct span name)
{
    const char *at = str_text(&lint->given);

    while (*at != '\0') {
        size_t len = strcspn(at, ",");

        if (len == name.len && memcmp(at, name.ptr, len) == 0)
            return true;
        at += len + 1;
    }
    return false;
}

void lint_on_alert(struct lint *lint)
{
    struct span item, required = json_get(lint->params, "required");
    size_t pos = 0;

    if (!lint->is_on_alert_read || (lint->has_alert_params && !lint->gives_some) ||
        lint->gives_unknown)
        return;
    while (json_next(required, &pos, NULL, &item)) {
        struct span name = json_raw(item);

        if (!is_given(lint, name))
            lint_find(lint, LINT_ERROR, &lint->on_alert,
                      "on_alert can start nothing: its params gives no '%.*s', which the "
                      "playbook requires; want params = function(alert) return { %.*s = "
                      "... } end",
                      (int)name.len, name.ptr, (int)name.len, name.ptr);
    }
}

const struct token *lint_when_place(const struct lint *lint, const char *key)
{
    static const struct token begin = { .line = 1, .column = 1 };

    for (size_t i = 0; i < lint->when_count; i++)
        if (span_is(lint->when_keys[i].name, key))
            return &lint->when_keys[i].value;
    return lint->on_alert.line > 0 ? &lint->on_alert : &begin;
}

void lint_when(struct lint *lint)
{
    struct reach_known known = { .sources = json_get(lint->known, "sources") };
    const char *key = NULL;
    struct str hint = { 0 };
    struct err err;

    if (lint->when.len == 0)
        return;
    if (reach_match(known, lint->when, &key, &err) != 0)
        lint_find(lint, LINT_ERROR, lint_when_place(lint, key), "on_alert.when.%s: %s", key,
                  err.text);
    if (reach_type_hint(lint->when, &hint))
        lint_find(lint, LINT_WARNING, lint_when_place(lint, "type"),
                  "on_alert.when.type: %s", str_text(&hint));
    str_fini(&hint);
}
