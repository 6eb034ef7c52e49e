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

static void add(struct lint *lint, const struct lint_name *name)
{
    if (lint->name_count == lint->name_cap) {
        lint->name_cap = lint->name_cap == 0 ? 64 : lint->name_cap * 2;
        lint->names = xrealloc(lint->names, lint->name_cap * sizeof *lint->names);
    }
    lint->names[lint->name_count++] = *name;
}

static void add_name(struct lint *lint, struct span text, enum lint_holds holds)
{
    add(lint, &(struct lint_name){ .text = text, .holds = holds });
}

static struct lint_name *find_name(const struct lint *lint, struct span text)
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

/* What the place-th argument of such a function holds. */
static enum lint_holds argument_holds(enum lint_role role, int place)
{
    if (role == LINT_ENTRY)
        return place == 0 ? LINT_PARAMS : place == 1 ? LINT_CTX : LINT_ANY;
    return role == LINT_ON_ALERT && place == 0 ? LINT_ALERT : LINT_ANY;
}

/* From behind "function" (and its name) to behind its "end". */
static void function_body(struct lint *lint, bool has_self, enum lint_role role)
{
    size_t names = lint->name_count;
    int dead = lint->dead, place = 0;
    bool is_giving = lint->is_giving;

    lint->is_giving = role == LINT_ON_ALERT;
    if (has_self)
        add_name(lint, span_of("self"), LINT_ANY);
    take(lint, "(");
    while (lint->has_now && !lint_is(lint, ")")) {
        if (lint->now.kind == TOKEN_NAME)
            add_name(lint, lint->now.text, argument_holds(role, place++));
        lint_step(lint);
    }
    take(lint, ")");
    block(lint);
    take(lint, "end");
    lint->dead = dead;
    lint->name_count = names;
    lint->is_giving = is_giving;
}

/* At the name of a field: what the table says of the value that follows. */
static void begin_field(struct lint *lint, int which)
{
    struct span name = lint->now.text;

    if (which == LINT_TABLE_PLAYBOOK && (span_is(name, "run") || span_is(name, "recover")))
        lint->role = LINT_ENTRY;
    else if (which == LINT_TABLE_ON_ALERT && span_is(name, "params"))
        lint->role = LINT_ON_ALERT;
    if (which == LINT_TABLE_PLAYBOOK && span_is(name, "on_alert")) {
        lint->table = LINT_TABLE_ON_ALERT;
        lint->on_alert = lint->now;
    }
    if (which == LINT_TABLE_ON_ALERT && span_is(name, "when"))
        lint->table = LINT_TABLE_WHEN;
    lint->is_when = which == LINT_TABLE_WHEN && lint->when_count < LINT_WHEN_MAX;
    if (lint->is_when)
        lint->when_keys[lint->when_count++].name = name;
    lint->has_alert_params = lint->has_alert_params || lint->role == LINT_ON_ALERT;
}

/* At the value of a field: where a member of on_alert.when has it. */
static void note_when(struct lint *lint)
{
    if (lint->is_when && lint->has_now)
        lint->when_keys[lint->when_count - 1].value = lint->now;
    lint->is_when = false;
}

static void table(struct lint *lint)
{
    int which = lint->table;

    lint->is_on_alert_read = lint->is_on_alert_read || which == LINT_TABLE_ON_ALERT;
    lint->table = LINT_TABLE_ANY;
    take(lint, "{");
    while (lint->has_now && !lint_is(lint, "}")) {
        if (take(lint, "[")) {
            lint_expression(lint);
            take(lint, "]");
            take(lint, "=");
        } else if (lint->now.kind == TOKEN_NAME && lint->has_ahead &&
                   token_is(&lint->ahead, "=")) {
            begin_field(lint, which);
            lint_step(lint);
            lint_step(lint);
            note_when(lint);
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

/* At "." or ":" behind the name of an action's space; the action and its arguments. */
static void action_of(struct lint *lint, const char *space)
{
    lint_step(lint);
    struct token action = lint->now;
    lint_step(lint);
    lint_action(lint, space, &action);
}

/* ctx:approve hands ctx in as the first argument, which no function of ctx takes. */
static void check_colon(struct lint *lint, const struct token *name)
{
    if (lint_is(lint, ":"))
        lint_find(lint, LINT_ERROR, &lint->now, "want a dot, not a colon, behind '%.*s'",
                  (int)name->text.len, name->text.ptr);
}

static void member_of_ctx(struct lint *lint)
{
    lint_step(lint);
    struct token member = lint->now;
    check_member(lint, &member);
    lint_step(lint);
    if (!span_is(member.text, "alert")) {
        lint_ctx(lint, &member);
    } else if (lint_is(lint, ".")) {
        lint_alert(lint);
    } else {
        check_colon(lint, &member);
        lint->value = json_get(lint->known, "alert");
    }
}

/* A name that means something to us, with what directly follows it; false when nothing of
 * it was taken. */
static bool known_name(struct lint *lint, const struct token *name)
{
    const struct lint_name *found = find_name(lint, name->text);

    if (found == NULL)
        return false;
    struct lint_name local = *found;
    bool is_ctx = local.holds == LINT_CTX || span_is(name->text, "ctx");
    bool is_dot = lint_is(lint, "."), is_index = lint_is(lint, "[");
    if (local.space != NULL || is_ctx || local.holds == LINT_ALERT)
        check_colon(lint, name);
    lint->value = local.holds == LINT_VALUE ? local.schema : (struct span){ 0 };
    if (local.space != NULL && is_dot)
        action_of(lint, local.space);
    else if (is_ctx && is_dot)
        member_of_ctx(lint);
    else if (local.holds == LINT_PARAMS && (is_dot || is_index))
        lint_param(lint);
    else if (local.holds == LINT_ALERT && (is_dot || is_index))
        lint_alert(lint);
    else if (local.holds == LINT_VALUE && (is_dot || is_index))
        lint->value = lint_fields(lint, local.schema,
                                  arena_dup(&lint->arena, name->text.ptr, name->text.len));
    else
        return false;
    return true;
}

/* Behind ipairs: its argument's items are what a loop goes over. */
static void ipairs_of(struct lint *lint)
{
    if (arguments(lint))
        lint->each = lint_items(lint->value);
    lint->value = (struct span){ 0 };
}

static struct suffixed suffixed_expression(struct lint *lint)
{
    struct suffixed seen = { .name = lint->now };

    lint->value = lint->each = (struct span){ 0 };
    if (take(lint, "(")) {
        lint_expression(lint);
        take(lint, ")");
        lint->value = (struct span){ 0 };
    } else {
        bool is_own = find_name(lint, seen.name.text) != NULL;
        lint_step(lint);
        if (token_is(&seen.name, "use") && !is_own && lint->has_now &&
            lint->now.kind == TOKEN_STRING)
            lint_use(lint, &lint->now);
        bool is_table =
            lint_is(lint, "{") || (lint_is(lint, "(") && token_is(&lint->ahead, "{"));
        if (token_is(&seen.name, "playbook") && !is_own && is_table)
            lint->table = LINT_TABLE_PLAYBOOK;
        if (token_is(&seen.name, "ipairs") && !is_own)
            ipairs_of(lint);
        seen.is_error = token_is(&seen.name, "error") && !is_own;
        seen.is_bare = !known_name(lint, &seen.name);
    }
    struct span each = lint->each;
    while (lint->has_now && suffix(lint)) {
        seen.is_bare = false;
        lint->value = (struct span){ 0 };
    }
    lint->each = each;
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
    enum lint_role role = lint->role;
    bool has_sign = is_unary(lint);

    lint->role = LINT_NO_ROLE;
    lint->value = (struct span){ 0 };
    while (is_unary(lint))
        lint_step(lint);
    if (!lint_is(lint, "{") && !lint_is(lint, "playbook"))
        lint->table = LINT_TABLE_ANY;
    if (take(lint, "function")) {
        function_body(lint, false, role);
        lint->value = (struct span){ 0 };
    } else if (lint_is(lint, "{")) {
        table(lint);
        lint->value = (struct span){ 0 };
    } else if (lint->has_now && lint->now.kind == TOKEN_NAME && !lint_is(lint, "nil") &&
               !lint_is(lint, "true") && !lint_is(lint, "false")) {
        struct suffixed seen = suffixed_expression(lint);
        check_read(lint, &seen.name);
    } else if (lint_is(lint, "(")) {
        suffixed_expression(lint);
    } else {
        lint_step(lint); /* nil, true, false, a number, a string, ... */
    }
    if (has_sign)
        lint->value = (struct span){ 0 };
}

void lint_expression(struct lint *lint)
{
    operand(lint);
    if (!is_binary(lint))
        return;
    while (is_binary(lint)) {
        lint_step(lint);
        operand(lint);
    }
    lint->value = (struct span){ 0 };
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
    lint->each = (struct span){ 0 };
    do {
        lint_step(lint);
        lint_expression(lint);
    } while (lint_is(lint, ","));
    take(lint, "do");
    for (size_t i = 0; i < count; i++)
        add(lint, &(struct lint_name){ .text = names[i],
                                       .holds = i == 1 && lint->each.len > 0 ? LINT_VALUE
                                                                             : LINT_ANY,
                                       .schema = lint->each });
    scoped_block(lint, false);
    take(lint, "end");
    lint->name_count = before;
}

/* The name that an expression consists of, when it holds something that is known; else NULL. */
static const struct lint_name *alias_of(const struct lint *lint)
{
    const struct token *ahead = &lint->ahead;
    bool is_end =
        !lint->has_ahead || token_is(ahead, ",") || token_is(ahead, ";") ||
        (ahead->kind == TOKEN_NAME && !token_is(ahead, "and") && !token_is(ahead, "or"));

    if (!lint->has_now || lint->now.kind != TOKEN_NAME || !is_end)
        return NULL;
    const struct lint_name *found = find_name(lint, lint->now.text);
    return found != NULL && (found->holds != LINT_ANY || found->space != NULL) ? found
                                                                               : NULL;
}

static void local_statement(struct lint *lint)
{
    struct lint_name names[LOCALS_MAX];
    size_t count = 0, at = 0;

    if (take(lint, "function")) {
        struct span name = lint->now.text;

        add_name(lint, name, LINT_ANY);
        lint_step(lint);
        function_body(lint, false, lint_role_of(lint, name));
        return;
    }
    do {
        if (count < LOCALS_MAX)
            names[count++] = (struct lint_name){ .text = lint->now.text };
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
            const struct lint_name *alias = alias_of(lint);
            struct lint_name same = alias != NULL ? *alias : (struct lint_name){ 0 };
            if (at < count)
                lint->role = lint_role_of(lint, names[at].text);
            lint_expression(lint);
            if (is_use && at < count)
                names[at].space = arena_dup(&lint->arena, space.ptr, space.len);
            same.text = at < count ? names[at].text : same.text;
            if (alias != NULL && at < count)
                names[at] = same;
            else if (!is_use && at < count && lint->value.len > 0)
                names[at] = (struct lint_name){ .text = names[at].text,
                                                .holds = LINT_VALUE,
                                                .schema = lint->value };
            at++;
        } while (take(lint, ","));
    }
    for (size_t i = 0; i < count; i++)
        add(lint, &names[i]);
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
    function_body(lint, has_self, LINT_NO_ROLE);
}

/* Who is written to holds something else from here on. */
static void forget(struct lint *lint, const struct token *name)
{
    struct lint_name *found = find_name(lint, name->text);

    if (found != NULL)
        *found = (struct lint_name){ .text = found->text };
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
            forget(lint, &seen.name);
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
    if (lint->is_giving && lint_is(lint, "{"))
        lint_given(lint);
    else if (lint->is_giving)
        lint->gives_unknown = true;
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
    lint_look_ahead(lint, source);
    token_start(&lint->in, source);
    lint_step(lint);
    lint_step(lint);
    while (lint->has_now) {
        block(lint);
        lint_step(lint);
    }
    lint_on_alert(lint);
    lint_when(lint);
    free(lint->names);
    str_fini(&lint->given);
    lint->names = NULL;
    lint->name_count = lint->name_cap = 0;
}
