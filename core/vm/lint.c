/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/lint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/schema.h"

enum { LOCALS_MAX = 250, FINDINGS_MAX = 200 };

static const char *const globals[] = {
    "assert", "error",  "ipairs", "math",     "null",     "pairs", "pcall", "playbook",
    "select", "string", "table",  "tonumber", "tostring", "type",  "use",   "utf8",
};

static const char *const members[] = {
    "alert",    "all",  "approve", "ask",    "atomic", "call",
    "each",     "note", "now",     "parent", "random", "requester",
    "rollback", "run",  "signal",  "sleep",  "uuid",   "wait_until",
};

enum {
    GLOBAL_COUNT = sizeof globals / sizeof *globals,
    MEMBER_COUNT = sizeof members / sizeof *members
};

void lint_find(struct lint *lint, enum lint_level level, const struct token *at,
               const char *fmt, ...)
{
    struct str shown = { 0 };
    char message[512];
    va_list args;

    lint->errors += level == LINT_ERROR;
    if (lint->findings++ >= FINDINGS_MAX)
        return;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    str_add_shown(&shown, message, strlen(message));
    json_open(&lint->out, '{');
    json_put_int(&lint->out, "column", at->column);
    json_put(&lint->out, "level", level == LINT_ERROR ? "error" : "warning");
    json_put_int(&lint->out, "line", at->line);
    json_put(&lint->out, "message", str_text(&shown));
    json_close(&lint->out);
    str_fini(&shown);
}

/* -- Tokens ------------------------------------------------------------------------------- */

void lint_step(struct lint *lint)
{
    lint->now = lint->ahead;
    lint->has_now = lint->has_ahead;
    lint->has_ahead = token_next(&lint->in, &lint->ahead);
}

static bool token_is(const struct token *token, const char *text)
{
    return token->kind != TOKEN_STRING && span_is(token->text, text);
}

bool lint_is(const struct lint *lint, const char *text)
{
    return lint->has_now && token_is(&lint->now, text);
}

static bool take(struct lint *lint, const char *text)
{
    bool is_it = lint_is(lint, text);

    if (is_it)
        lint_step(lint);
    return is_it;
}

static bool ends_block(const struct lint *lint)
{
    return !lint->has_now || lint_is(lint, "end") || lint_is(lint, "else") ||
           lint_is(lint, "elseif") || lint_is(lint, "until");
}

/* -- Names -------------------------------------------------------------------------------- */

static void add_name(struct lint *lint, struct span text, const char *space)
{
    if (lint->name_count == lint->name_cap) {
        lint->name_cap = lint->name_cap == 0 ? 64 : lint->name_cap * 2;
        lint->names = xrealloc(lint->names, lint->name_cap * sizeof *lint->names);
    }
    lint->names[lint->name_count++] = (struct lint_name){ text, space };
}

static const struct lint_name *find_name(const struct lint *lint, struct span text)
{
    for (size_t i = lint->name_count; i-- > 0;)
        if (span_equal(lint->names[i].text, text))
            return &lint->names[i];
    return NULL;
}

static bool is_global(struct span text)
{
    for (size_t i = 0; i < GLOBAL_COUNT; i++)
        if (span_is(text, globals[i]))
            return true;
    return false;
}

static void check_read(struct lint *lint, const struct token *name)
{
    if (find_name(lint, name->text) != NULL || is_global(name->text))
        return;
    const char *nearest = schema_nearest(name->text, globals, GLOBAL_COUNT);
    lint_find(lint, LINT_ERROR, name, "there is no variable '%.*s' here%s%s%s",
              (int)name->text.len, name->text.ptr,
              nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
              nearest != NULL ? "'?" : "");
}

static void check_write(struct lint *lint, const struct token *name)
{
    if (find_name(lint, name->text) != NULL)
        return;
    lint_find(lint, LINT_ERROR, name,
              "the global variable '%.*s' cannot be written; use local %.*s",
              (int)name->text.len, name->text.ptr, (int)name->text.len, name->text.ptr);
}

/* ctx.MEMBER: known, and when it is a gate, one that can be reached. */
static void check_member(struct lint *lint, const struct token *member)
{
    bool is_known = false;

    for (size_t i = 0; i < MEMBER_COUNT; i++)
        is_known = is_known || span_is(member->text, members[i]);
    if (!is_known) {
        const char *nearest = schema_nearest(member->text, members, MEMBER_COUNT);
        lint_find(lint, LINT_ERROR, member, "ctx has no '%.*s'%s%s%s",
                  (int)member->text.len, member->text.ptr,
                  nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
                  nearest != NULL ? "'?" : "");
    }
    if (lint->dead > 0 && span_is(member->text, "approve"))
        lint_find(lint, LINT_WARNING, member,
                  "this gate is never reached, so nobody is ever asked");
}

/* -- Expressions -------------------------------------------------------------------------- */

static bool block(struct lint *lint);

/* From behind "function" (and its name) to behind its "end". */
static void function_body(struct lint *lint, bool has_self)
{
    size_t names = lint->name_count;
    int dead = lint->dead;

    if (has_self)
        add_name(lint, span_of("self"), NULL);
    take(lint, "(");
    while (lint->has_now && !lint_is(lint, ")")) {
        if (lint->now.kind == TOKEN_NAME)
            add_name(lint, lint->now.text, NULL);
        lint_step(lint);
    }
    take(lint, ")");
    block(lint);
    take(lint, "end");
    lint->dead = dead;
    lint->name_count = names;
}

static void table(struct lint *lint)
{
    take(lint, "{");
    while (lint->has_now && !lint_is(lint, "}")) {
        if (take(lint, "[")) {
            lint_expression(lint);
            take(lint, "]");
            take(lint, "=");
        } else if (lint->now.kind == TOKEN_NAME && lint->has_ahead &&
                   token_is(&lint->ahead, "=")) {
            lint_step(lint);
            lint_step(lint);
        }
        lint_expression(lint);
        if (!take(lint, ","))
            take(lint, ";");
    }
    take(lint, "}");
}

/* Arguments of a call, if there are any here. */
static bool arguments(struct lint *lint)
{
    if (take(lint, "(")) {
        while (lint->has_now && !lint_is(lint, ")")) {
            lint_expression(lint);
            take(lint, ",");
        }
        take(lint, ")");
        return true;
    }
    if (lint_is(lint, "{")) {
        table(lint);
        return true;
    }
    if (lint->has_now && lint->now.kind == TOKEN_STRING) {
        lint_step(lint);
        return true;
    }
    return false;
}

struct suffixed {
    struct token name; /* the first token */
    bool is_bare;      /* a name with nothing behind it */
    bool is_error;     /* a call of error() */
};

/* What may stand behind a name or a bracket: fields, indices, calls. */
static bool suffix(struct lint *lint)
{
    if (take(lint, ".")) {
        lint_step(lint);
        return true;
    }
    if (take(lint, "[")) {
        lint_expression(lint);
        take(lint, "]");
        return true;
    }
    if (take(lint, ":")) {
        lint_step(lint);
        return arguments(lint);
    }
    return arguments(lint);
}

/* A name that means something to us, with what directly follows it; false when nothing of
 * it was taken. */
static bool known_name(struct lint *lint, const struct token *name)
{
    const struct lint_name *local = find_name(lint, name->text);

    if (!lint_is(lint, ".") || local == NULL)
        return false;
    if (local->space != NULL) {
        const char *space = local->space;
        lint_step(lint);
        struct token action = lint->now;
        lint_step(lint);
        lint_action(lint, space, &action);
        return true;
    }
    if (!span_is(name->text, "ctx"))
        return false;
    lint_step(lint);
    struct token member = lint->now;
    check_member(lint, &member);
    lint_step(lint);
    lint_ctx(lint, &member);
    return true;
}

static struct suffixed suffixed_expression(struct lint *lint)
{
    struct suffixed seen = { .name = lint->now };

    if (take(lint, "(")) {
        lint_expression(lint);
        take(lint, ")");
    } else {
        bool is_own = find_name(lint, seen.name.text) != NULL;
        lint_step(lint);
        if (token_is(&seen.name, "use") && !is_own && lint->has_now &&
            lint->now.kind == TOKEN_STRING)
            lint_use(lint, &lint->now);
        seen.is_error = token_is(&seen.name, "error") && !is_own;
        seen.is_bare = !known_name(lint, &seen.name);
    }
    while (lint->has_now && suffix(lint))
        seen.is_bare = false;
    return seen;
}

static bool is_unary(const struct lint *lint)
{
    return lint_is(lint, "not") || lint_is(lint, "-") || lint_is(lint, "#") ||
           lint_is(lint, "~");
}

static bool is_binary(const struct lint *lint)
{
    static const char *const signs[] = { "+",  "-", "*",  "/",  "//", "^",   "%",
                                         "&",  "~", "|",  ">>", "<<", "..",  "<",
                                         "<=", ">", ">=", "==", "~=", "and", "or" };

    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (lint_is(lint, signs[i]))
            return true;
    return false;
}

static void operand(struct lint *lint)
{
    while (is_unary(lint))
        lint_step(lint);
    if (take(lint, "function")) {
        function_body(lint, false);
    } else if (lint_is(lint, "{")) {
        table(lint);
    } else if (lint->has_now && lint->now.kind == TOKEN_NAME && !lint_is(lint, "nil") &&
               !lint_is(lint, "true") && !lint_is(lint, "false")) {
        struct suffixed seen = suffixed_expression(lint);
        check_read(lint, &seen.name);
    } else if (lint_is(lint, "(")) {
        suffixed_expression(lint);
    } else {
        lint_step(lint); /* nil, true, false, a number, a string, ... */
    }
}

void lint_expression(struct lint *lint)
{
    operand(lint);
    while (is_binary(lint)) {
        lint_step(lint);
        operand(lint);
    }
}

/* -- Statements: each says whether control never comes behind it. -------------------------- */

/* The token now stands where nothing ever comes. */
static void begin_dead(struct lint *lint)
{
    if (lint->dead++ == 0 && lint->has_now)
        lint_find(lint, LINT_WARNING, &lint->now, "this code is never reached");
}

/* A block of its own scope, with an end that the caller takes. */
static bool scoped_block(struct lint *lint, bool is_dead)
{
    size_t names = lint->name_count;
    int dead = lint->dead;

    if (is_dead && !ends_block(lint))
        begin_dead(lint);
    bool ends = block(lint);
    lint->dead = dead;
    lint->name_count = names;
    return ends;
}

/* A condition up to "then" or "do": 'f' when it is never true, 't' when always, else '?'. */
static char condition(struct lint *lint)
{
    bool is_never = lint_is(lint, "false") || lint_is(lint, "nil");
    bool is_always = lint_is(lint, "true");
    bool is_alone = token_is(&lint->ahead, "then") || token_is(&lint->ahead, "do");

    lint_expression(lint);
    return !is_alone ? '?' : is_never ? 'f' : is_always ? 't' : '?';
}

static bool if_statement(struct lint *lint)
{
    bool all_end = true, is_settled = false, has_else = false;

    do {
        char is = condition(lint);
        take(lint, "then");
        bool ends = scoped_block(lint, is == 'f' || is_settled);
        all_end = all_end && (ends || is == 'f');
        is_settled = is_settled || is == 't';
        if (is == 't' && ends)
            has_else = true; /* nothing comes past it */
    } while (take(lint, "elseif"));
    if (take(lint, "else")) {
        has_else = true;
        bool ends = scoped_block(lint, is_settled);
        all_end = all_end && (ends || is_settled);
    }
    take(lint, "end");
    return all_end && has_else;
}

static void for_statement(struct lint *lint)
{
    struct span names[LOCALS_MAX];
    size_t count = 0, before = lint->name_count;

    while (lint->has_now && !lint_is(lint, "=") && !lint_is(lint, "in")) {
        if (lint->now.kind == TOKEN_NAME && count < LOCALS_MAX)
            names[count++] = lint->now.text;
        lint_step(lint);
    }
    do {
        lint_step(lint);
        lint_expression(lint);
    } while (lint_is(lint, ","));
    take(lint, "do");
    for (size_t i = 0; i < count; i++)
        add_name(lint, names[i], NULL);
    scoped_block(lint, false);
    take(lint, "end");
    lint->name_count = before;
}

static void local_statement(struct lint *lint)
{
    struct lint_name names[LOCALS_MAX];
    size_t count = 0, at = 0;

    if (take(lint, "function")) {
        add_name(lint, lint->now.text, NULL);
        lint_step(lint);
        function_body(lint, false);
        return;
    }
    do {
        if (count < LOCALS_MAX)
            names[count++] = (struct lint_name){ lint->now.text, NULL };
        lint_step(lint);
        while (take(lint, "<")) { /* <const> */
            lint_step(lint);
            take(lint, ">");
        }
    } while (take(lint, ","));
    if (take(lint, "=")) {
        do {
            bool is_use = lint_is(lint, "use") && lint->ahead.kind == TOKEN_STRING &&
                          lint->has_ahead && find_name(lint, span_of("use")) == NULL;
            struct span space = lint->ahead.text;
            lint_expression(lint);
            if (is_use && at < count)
                names[at].space = arena_dup(&lint->arena, space.ptr, space.len);
            at++;
        } while (take(lint, ","));
    }
    for (size_t i = 0; i < count; i++)
        add_name(lint, names[i].text, names[i].space);
}

static void function_statement(struct lint *lint)
{
    struct token name = lint->now;
    bool is_bare = true, has_self = false;

    lint_step(lint);
    while (lint_is(lint, ".") || lint_is(lint, ":")) {
        is_bare = false;
        has_self = lint_is(lint, ":");
        lint_step(lint);
        lint_step(lint);
    }
    if (is_bare)
        check_write(lint, &name);
    else
        check_read(lint, &name);
    function_body(lint, has_self);
}

/* A call or an assignment. */
static bool plain_statement(struct lint *lint)
{
    struct suffixed seen = suffixed_expression(lint);
    bool is_target = lint_is(lint, "=") || lint_is(lint, ",");

    if (!is_target) {
        if (seen.name.kind == TOKEN_NAME)
            check_read(lint, &seen.name);
        return seen.is_error && !seen.is_bare;
    }
    for (;;) {
        if (seen.is_bare)
            check_write(lint, &seen.name);
        else if (seen.name.kind == TOKEN_NAME)
            check_read(lint, &seen.name);
        if (!take(lint, ","))
            break;
        seen = suffixed_expression(lint);
    }
    take(lint, "=");
    do
        lint_expression(lint);
    while (take(lint, ","));
    return false;
}

static bool return_statement(struct lint *lint)
{
    while (!ends_block(lint) && !lint_is(lint, ";")) {
        lint_expression(lint);
        take(lint, ",");
    }
    take(lint, ";");
    return true;
}

static void while_statement(struct lint *lint)
{
    bool is_dead = condition(lint) == 'f';

    take(lint, "do");
    scoped_block(lint, is_dead);
    take(lint, "end");
}

static void repeat_statement(struct lint *lint)
{
    size_t names = lint->name_count;

    block(lint);
    take(lint, "until");
    lint_expression(lint); /* sees the block's names */
    lint->name_count = names;
}

static bool statement(struct lint *lint)
{
    if (take(lint, ";"))
        return false;
    if (take(lint, "if"))
        return if_statement(lint);
    if (take(lint, "return"))
        return return_statement(lint);
    if (take(lint, "break"))
        return true;
    if (take(lint, "do")) {
        bool ends = scoped_block(lint, false);
        take(lint, "end");
        return ends;
    }
    if (take(lint, "while"))
        while_statement(lint);
    else if (take(lint, "repeat"))
        repeat_statement(lint);
    else if (take(lint, "for"))
        for_statement(lint);
    else if (take(lint, "local"))
        local_statement(lint);
    else if (take(lint, "function"))
        function_statement(lint);
    else if (take(lint, "::") || take(lint, "goto")) {
        lint_step(lint);
        take(lint, "::");
        lint->dead = 0; /* a label can be come to from elsewhere */
    } else {
        return plain_statement(lint);
    }
    return false;
}

static bool block(struct lint *lint)
{
    bool ends = false;

    while (!ends_block(lint)) {
        if (ends && !lint_is(lint, ";") && !lint_is(lint, "::")) {
            begin_dead(lint);
            ends = false; /* said once */
        }
        const char *at = lint->now.text.ptr;
        ends = statement(lint) || ends;
        if (lint->has_now && lint->now.text.ptr == at)
            lint_step(lint); /* never stand still */
    }
    return ends;
}

void lint_source(struct lint *lint, struct span source)
{
    token_start(&lint->in, source);
    lint_step(lint);
    lint_step(lint);
    while (lint->has_now) {
        block(lint);
        lint_step(lint);
    }
    free(lint->names);
    lint->names = NULL;
    lint->name_count = lint->name_cap = 0;
}
