/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon actions: what playbooks can do, and what each of it takes.
 */
#include "cli/command.h"

#include <stdlib.h>
#include <string.h>

#include "base/schema.h"
#include "cli/ask.h"
#include "cli/render.h"
#include "cli/table.h"

enum { LABEL_COLUMN = 15, TEXT_MAX = 4000, NAMES_MAX = 2000, DEPTH_MAX = 4 };

static void show_list(struct str *out, const struct look *look, struct span actions)
{
    struct table table = { .columns = 4,
                           .head = { "action", "effect", "risk", "what it does" } };
    struct span action;
    size_t pos = 0;

    while (json_next(actions, &pos, NULL, &action)) {
        table_value(&table, json_get(action, "name"));
        table_value(&table, json_get(action, "effect"));
        table_value(&table, json_get(action, "risk"));
        table_value(&table, json_get(action, "summary"));
    }
    if (table.count)
        table_render(&table, out, look);
    else
        str_add_text(
            out, "no actions: no plugin is trusted yet (cordon plugins trust FILE.so)\n");
}

static void line(struct str *out, const struct look *look, const char *name,
                 struct span value)
{
    size_t start = out->len;

    if (json_kind(value) <= JSON_NULL ||
        (json_kind(value) == JSON_STRING && json_raw(value).len == 0))
        return;
    str_add_text(out, "  ");
    render_styled(out, look, STYLE_DIM, name);
    render_pad(out, start, LABEL_COLUMN);
    render_list(out, value, TEXT_MAX);
    str_add_char(out, '\n');
}

static bool is_required(struct span schema, struct span key)
{
    struct span name;
    size_t pos = 0;

    while (json_next(json_get(schema, "required"), &pos, NULL, &name))
        if (span_equal(json_raw(name), key))
            return true;
    return false;
}

static void add_type(struct str *cell, struct span property)
{
    struct span format = json_get(property, "format"),
                arm = json_get(property, "x-arm-type");
    struct span items = json_get(property, "items");

    render_list(cell, json_get(property, "type"), 60);
    if (json_kind(items) == JSON_OBJECT) {
        str_add_text(cell, " of ");
        render_list(cell,
                    json_get(items, json_get(items, "format").len ? "format" : "type"), 40);
    }
    if (json_kind(format) == JSON_STRING) {
        str_add_text(cell, ", ");
        render_value(cell, format, 40);
    }
    if (json_kind(arm) == JSON_STRING) {
        str_add_text(cell, " of ");
        render_value(cell, arm, 60);
    }
    if (json_kind(json_get(property, "enum")) == JSON_ARRAY) {
        str_add_text(cell, ": ");
        render_list(cell, json_get(property, "enum"), 80);
    }
}

/* What a value has that has members: its own, or those of the items of a list. */
static struct span members_of(struct span schema)
{
    struct span items = json_get(schema, "items");

    return json_kind(items) == JSON_OBJECT ? items : schema;
}

static void add_about(struct table *table, struct span property)
{
    struct span value = json_get(property, "default");
    struct str cell = { 0 };

    render_value(&cell, json_get(property, "description"), 200);
    if (value.len) {
        str_add_text(&cell, cell.len ? "; default " : "default ");
        str_add_shown(&cell, value.ptr, value.len);
    }
    table_cell(table, &cell);
}

/* A row a member; those of a member stand under it, further in. */
static void add_members(struct table *table, struct span schema, int depth)
{
    struct span key, property;
    size_t pos = 0;

    while (json_next(json_get(schema, "properties"), &pos, &key, &property)) {
        struct str cell = { 0 };

        str_printf(&cell, "%*s", 2 * depth, "");
        str_add_shown(&cell, key.ptr, key.len);
        table_cell(table, &cell);
        table_text(table, is_required(schema, key) ? "needed" : " ");
        add_type(&cell, property);
        table_cell(table, &cell);
        add_about(table, property);
        if (depth < DEPTH_MAX)
            add_members(table, members_of(property), depth + 1);
    }
}

static void show_schema(struct str *out, const struct look *look, const char *title,
                        struct span schema)
{
    struct table table = { .columns = 4, .head = { "  name", "", "type", "" } };
    struct span type = json_get(schema, "type");
    bool is_list = json_kind(json_get(schema, "items")) == JSON_OBJECT;

    add_members(&table, members_of(schema), 1);
    str_add_char(out, '\n');
    render_styled(out, look, STYLE_BOLD, title);
    str_add_text(out, is_list && table.count ? ", a list of\n" : "\n");
    if (table.count) {
        table_render(&table, out, look);
        return;
    }
    str_add_text(out, "  ");
    if (json_kind(type) > JSON_NULL && !span_is(json_raw(type), "object"))
        add_type(out, schema);
    else
        str_add_text(out, "none");
    str_add_char(out, '\n');
}

static void show_one(struct str *out, const struct look *look, struct span action)
{
    struct str name = { 0 };

    render_value(&name, json_get(action, "name"), 200);
    render_styled(out, look, STYLE_BOLD, str_text(&name));
    str_fini(&name);
    str_add_text(out, "\n  ");
    render_value(out, json_get(action, "summary"), TEXT_MAX);
    str_add_text(out, "\n\n");
    line(out, look, "effect", json_get(action, "effect"));
    line(out, look, "for good", json_get(action, "because"));
    line(out, look, "risk", json_get(action, "risk"));
    line(out, look, "repeat", json_get(action, "repeat"));
    line(out, look, "permissions", json_get(action, "permissions"));
    line(out, look, "plugin", json_get(action, "plugin"));
    show_schema(out, look, "arguments", json_get(action, "args"));
    if (json_kind(json_get(action, "result")) == JSON_OBJECT)
        show_schema(out, look, "result", json_get(action, "result"));
}

static struct span find_action(struct span actions, const char *name)
{
    struct span action;
    size_t pos = 0;

    while (json_next(actions, &pos, NULL, &action))
        if (span_is(json_get_raw(action, "name"), name))
            return action;
    return (struct span){ 0 };
}

/* Those below the prefix that a playbook's `use` takes: {"actions":[...]}. False: none is. */
static bool find_below(struct str *found, struct span actions, const char *prefix)
{
    struct json_out out = { .str = found };
    struct span action;
    size_t pos = 0, len = strlen(prefix);
    bool has_any = false;

    json_open(&out, '{');
    json_key(&out, "actions");
    json_open(&out, '[');
    while (json_next(actions, &pos, NULL, &action)) {
        struct span name = json_get_raw(action, "name");

        if (!span_starts(name, prefix) || name.len <= len || name.ptr[len] != '.')
            continue;
        json_raw_value(&out, action);
        has_any = true;
    }
    json_close(&out);
    json_close(&out);
    return has_any;
}

static int unknown_action(const struct options *options, struct span actions)
{
    char *names[NAMES_MAX];
    size_t count = 0, pos = 0;
    struct span action;

    while (count < NAMES_MAX && json_next(actions, &pos, NULL, &action))
        names[count++] = span_dup(json_get_raw(action, "name"));
    const char *nearest =
        schema_nearest(span_of(options->args[0]), (const char *const *)names, count);
    int exit_code =
        command_usage_error(options, "no action %.120s%s%s", options->args[0],
                            nearest ? ": did you mean " : ": see cordon actions",
                            nearest ? nearest : "");
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    return exit_code;
}

static int show_below(const struct options *options, const struct look *look,
                      struct span actions, struct str *out)
{
    struct str found = { 0 };
    int exit_code = EXIT_DONE;

    if (!find_below(&found, actions, options->args[0]))
        exit_code = unknown_action(options, actions);
    else if (options->json)
        str_printf(out, "%s\n", str_text(&found));
    else
        show_list(out, look, json_get(str_span(&found), "actions"));
    str_fini(&found);
    return exit_code;
}

static int show_named(const struct options *options, const struct look *look,
                      struct span actions, struct str *out)
{
    struct span action = find_action(actions, options->args[0]);

    if (!action.len)
        return show_below(options, look, actions, out);
    if (options->json)
        str_add_span(out, action);
    else
        show_one(out, look, action);
    if (options->json)
        str_add_char(out, '\n');
    return EXIT_DONE;
}

static int run_actions(const struct options *options)
{
    struct look look = look_of_stdout();
    struct options quiet = *options;
    struct str reply = { 0 }, out = { 0 };
    bool is_over;

    /* One action as JSON is a part of the reply, so the whole must not be printed. */
    quiet.json = options->json && options->arg_count == 0;
    int exit_code = ask_reply(&quiet, "actions", span_of("{}"), &reply, &is_over);
    struct span actions = json_get(str_span(&reply), "actions");
    if (!is_over && options->arg_count == 1)
        exit_code = show_named(options, &look, actions, &out);
    else if (!is_over)
        show_list(&out, &look, actions);
    ask_print(&out);
    str_fini(&reply);
    str_fini(&out);
    return exit_code;
}

const struct command command_actions = {
    .name = "actions",
    .summary = "what playbooks can do, and what each action takes",
    .usage = "cordon actions [NAME]",
    .about = "NAME is an action, or what stands before some in a playbook's use: azure,\n"
             "azure.keyvault. Without it all actions are listed.",
    .example = "cordon actions azure.keyvault",
    .options = OPTION_ENGINE,
    .args_max = 1,
    .run = run_actions,
};
