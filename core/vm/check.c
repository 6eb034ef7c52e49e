/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "vm/budget.h"
#include "vm/door.h"
#include "vm/lint.h"
#include "vm/playbook.h"
#include "vm/source.h"
#include "vm/state.h"

struct work {
    struct span source;
    struct source_error error;
    bool is_compiled;
};

static void compile(struct vm *vm, void *arg)
{
    struct work *work = arg;

    work->is_compiled = source_compile(vm->L, work->source, vm->chunk, &work->error) == 0;
    lua_settop(vm->L, 0);
}

static void find_error(struct lint *lint, const struct source_error *error)
{
    struct token at = { .line = error->line, .column = error->column };

    lint_find(lint, LINT_ERROR, &at, "%s", error->message);
}

/* ["azure.appservice.stop", ...] of the catalog's keys. */
static void add_names(struct str *out, struct span catalog)
{
    struct json_out json = { .str = out };
    struct span key, schema;
    size_t pos = 0;

    json_open(&json, '[');
    while (json_next(catalog, &pos, &key, &schema))
        json_string_span(&json, key);
    json_close(&json);
}

/* What only reading the file shows: the table of playbook { ... } and its params. False, and
 * the error in info. */
static bool read_file(struct vm *vm, struct span catalog, struct span name,
                      struct span source, struct str *info)
{
    struct str names = { 0 };

    add_names(&names, catalog);
    bool ok = playbook_load(vm, name, source, str_span(&names), info);
    str_fini(&names);
    return ok;
}

/* Reading knows the line of playbook { ... }; the tokens that of a member of on_alert.when. */
static void place_when(const struct lint *lint, const char *message,
                       struct source_error *error)
{
    static const char begin[] = "playbook: on_alert.when.";
    char key[20];

    if (strncmp(message, begin, sizeof begin - 1) != 0)
        return;
    snprintf(key, sizeof key, "%.*s", (int)strcspn(message + sizeof begin - 1, " :"),
             message + sizeof begin - 1);
    error->line = lint_when_place(lint, key)->line;
    error->column = lint_when_place(lint, key)->column;
}

static void find_unread(struct lint *lint, struct span info)
{
    struct source_error error = { .line = (int)json_get_int(info, "line", 1),
                                  .column = (int)json_get_int(info, "column", 1) };
    char *message = json_get_text(info, "message");

    place_when(lint, message, &error);
    snprintf(error.message, sizeof error.message, "%s", message);
    free(message);
    find_error(lint, &error);
}

/* The declared parameters are those that reading the file gives. */
static void look(struct vm *vm, struct lint *lint, struct span name, struct span source)
{
    struct str info = { 0 };
    bool is_read = read_file(vm, lint->catalog, name, source, &info);

    if (is_read) {
        lint->params = json_get(str_span(&info), "params");
        lint->when = json_get(str_span(&info), "on_alert");
    }
    lint_source(lint, source);
    if (!is_read && lint->errors == 0)
        find_unread(lint, str_span(&info));
    str_fini(&info);
}

void check_playbook(struct vm *vm, struct span name, struct span source,
                    struct span catalog, struct span known, struct str *findings)
{
    struct work work = { .source = source };
    struct lint lint = { .catalog = catalog, .known = known, .out = { .str = findings } };
    struct err err;

    playbook_set_name(vm, name);
    budget_begin(vm, VM_STEPS_MAX);
    json_open(&lint.out, '[');
    if (door_enter(vm, compile, &work, &err) != 0)
        source_split(vm->chunk, err.text, &work.error);
    if (!work.is_compiled) {
        find_error(&lint, &work.error);
    } else {
        look(vm, &lint, name, source);
    }
    json_close(&lint.out);
    arena_fini(&lint.arena);
}
