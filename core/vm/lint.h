/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/lint.h - looking at a playbook's source without running it. Only check.c asks.
 *
 * It walks the grammar of Lua over the tokens, trusting that Lua's own parser has taken the
 * source already: so it bounds nothing in depth, and finds only what that parser cannot
 * know.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "vm/token.h"

/* A local variable, and the actions it stands for when it was made by `use`. */
struct lint_name {
    struct span text;
    const char *space; /* "azure.appservice", or NULL */
};

struct lint {
    struct token_reader in;
    struct token now;
    struct token ahead;
    bool has_now;
    bool has_ahead;

    struct lint_name *names; /* in scope, the innermost last */
    size_t name_count;
    size_t name_cap;
    int dead; /* above 0: the code here is never reached */

    struct span catalog;  /* {"azure.appservice.stop": schema of its arguments, ...} */
    struct span channels; /* the names of those that cordon.lua has */
    struct arena arena;
    struct json_out out; /* the list of findings, open */
    int errors;
    int findings; /* all, also those beyond what is listed */
};

/* Adds what it finds to lint->out, in the order of the source. */
void lint_source(struct lint *lint, struct span source);

/* -- Between lint.c and lint_call.c ------------------------------------------------------- */

enum lint_level { LINT_ERROR, LINT_WARNING };

void lint_find(struct lint *lint, enum lint_level level, const struct token *at,
               const char *fmt, ...) __attribute__((format(printf, 4, 5)));
bool lint_is(const struct lint *lint, const char *text); /* the token now; no strings */
void lint_step(struct lint *lint);
void lint_expression(struct lint *lint);

/* Is there anything that `use` with this name gives? A finding when there is not. */
void lint_use(struct lint *lint, const struct token *name);
/* At the token behind "space.action": the name and, when a call follows, its arguments. */
void lint_action(struct lint *lint, const char *space, const struct token *action);
/* The same behind "ctx.member". */
void lint_ctx(struct lint *lint, const struct token *member);
