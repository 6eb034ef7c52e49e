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

/* What a local variable is known to hold. */
enum lint_holds {
    LINT_ANY,
    LINT_PARAMS, /* the first argument of run and recover */
    LINT_CTX,    /* the second */
    LINT_ALERT,  /* the argument of on_alert.params */
    LINT_VALUE   /* what an action gives: a value of this schema */
};

/* A local variable, and the actions it stands for when it was made by `use`. */
struct lint_name {
    struct span text;
    const char *space; /* "azure.appservice", or NULL */
    enum lint_holds holds;
    struct span schema; /* with LINT_VALUE */
};

/* What playbook { ... } makes of the function that follows. */
enum lint_role { LINT_NO_ROLE, LINT_ENTRY, LINT_ON_ALERT };

/* A local function that playbook { ... } names, or a field that some statement assigns. */
struct lint_seen {
    struct span text;
    enum lint_role role;
};

enum { LINT_SEEN_MAX = 128, LINT_WHEN_MAX = 16 };

/* A member of a table, and where its value stands. */
struct lint_key {
    struct span name;
    struct token value;
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

    struct lint_seen seen[LINT_SEEN_MAX]; /* by a first look at all of the source */
    size_t seen_count;
    enum lint_role role; /* of the expression that begins here */
    int table;           /* which table begins here: LINT_TABLE_... */
    struct span value;   /* schema of the expression that ended here; empty: unknown */
    struct span each;    /* the same of the items that ipairs() goes over */

    struct span catalog;   /* {"azure.appservice.stop": schema of its arguments, ...} */
    struct span known;     /* see check.h */
    struct span params;    /* the schema that the file declares; empty: not known */
    struct span when;      /* on_alert.when, as reading the file gives it; empty: none */
    struct token on_alert; /* where it stands; line 0: there is none */
    struct lint_key when_keys[LINT_WHEN_MAX]; /* what stands in on_alert.when */
    size_t when_count;
    bool is_when; /* the field that begins here is one of on_alert.when */
    bool is_on_alert_read, has_alert_params, is_giving;
    bool gives_some; /* on_alert.params has returned tables, and nothing else */
    bool gives_unknown;
    struct str given; /* the names in them, each with a comma behind it */
    struct arena arena;
    struct json_out out; /* the list of findings, open */
    int errors;
    int findings; /* all, also those beyond what is listed */
};

/* Adds what it finds to lint->out, in the order of the source. */
void lint_source(struct lint *lint, struct span source);

/* -- Between lint.c, lint_call.c and lint_field.c ------------------------------------------------------- */

enum { LINT_TABLE_ANY, LINT_TABLE_PLAYBOOK, LINT_TABLE_ON_ALERT, LINT_TABLE_WHEN };

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

/* -- lint_people.c -------------------------------------------------------------------------- */

enum { LINT_GROUPS_MAX = 64 };

/* Groups of the policy that stand somewhere as texts. */
struct lint_groups {
    struct span names[LINT_GROUPS_MAX];
    size_t count;
    bool is_there;
    bool is_computed; /* not all of them stand there */
};

/* Whom ctx.approve or ctx.ask asks, and how many of them. */
struct lint_gate {
    const char *name; /* "ctx.approve" */
    struct token at;
    struct lint_groups from, slots, chain;
    int64_t need; /* 0: it does not say */
    bool is_need_computed;
};

void lint_keep_group(struct lint_groups *groups, struct span name); /* NULL: nowhere */
/* A finding when the policy has not as many people. */
void lint_people(struct lint *lint, const struct lint_gate *gate);

/* -- lint_field.c ------------------------------------------------------------------------- */

/* Looks at all tokens once: lint->seen. */
void lint_look_ahead(struct lint *lint, struct span source);
/* The role that playbook { ... } gives to the local function of this name. */
enum lint_role lint_role_of(const struct lint *lint, struct span name);
/* At "." or "[" behind a value of the schema: all fields that follow. The schema of the last
 * one, or empty. what is the value's name in a finding. */
struct span lint_fields(struct lint *lint, struct span schema, const char *what);
/* The same behind a variable of one of the other kinds: one field. */
void lint_param(struct lint *lint);
void lint_alert(struct lint *lint);
/* The items of a value that is a list. */
struct span lint_items(struct span schema);
/* At "{" behind return in on_alert.params: the names that it gives. */
void lint_given(struct lint *lint);
/* When all has been seen: can on_alert start anything? */
void lint_on_alert(struct lint *lint);
/* Where a member of on_alert.when stands; where on_alert does when it was computed. */
const struct token *lint_when_place(const struct lint *lint, const char *key);
/* Can an alert be as on_alert.when wants it? */
void lint_when(struct lint *lint);
